# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order site.yml runs the roles. Each role is replaced by one that only says its name and state, with the real one's defaults."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
STATES = ("airflow_app", "argocd", "git_server", "kind_cluster", "metrics_server", "namespaces", "network_policies", "task_logs")
Steps = list[str]


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collections with this one's roles, which do nothing."""
    folder = tmp_path_factory.mktemp("collections")
    collection = folder / "ansible_collections/gitops/airflow"
    for role in (ROOT / "roles").iterdir():
        stub = collection / "roles" / role.name
        shutil.copytree(role / "defaults", stub / "defaults")
        state = f" {{{{ {role.name}_state }}}}" if role.name in STATES else ""
        (stub / "tasks").mkdir()
        (stub / "tasks/main.yml").write_text(f'- ansible.builtin.debug: {{msg: "step: {role.name}{state}"}}\n')
        (stub / "meta").mkdir()
        needs = [] if role.name == "platform" else ["gitops.airflow.platform"]
        (stub / "meta/main.yml").write_text(json.dumps({"dependencies": needs}))
    return folder


def steps(stubs: Path, folder: Path, *options: str, **variables: Any) -> Steps:
    inventory = "all: {children: {platform: {hosts: {local: {ansible_connection: local}}}}}\n"
    (folder / "hosts.yml").write_text(inventory)
    (folder / "ansible.cfg").touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(stubs)}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(folder / "hosts.yml"), "-e", json.dumps(variables)]
    command += [*options, str(ROOT / "playbooks/site.yml")]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r'"msg": "step: ([a-z_ ]+)"', done.stdout)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ["task_logs applied", "airflow_app present", "task_logs present"]),
        ({"airflow_app_logs": "none"}, ["airflow_app present"]),
        # Airflow uses the store until it has been switched away from it.
        ({"airflow_app_logs": "none", "task_logs_state": "absent"}, ["airflow_app present", "task_logs absent"]),
        ({"airflow_app_logs": "s3", "task_logs_state": "absent"}, ["airflow_app present", "task_logs absent"]),
    ],
    ids=["embedded", "none", "none, and the store is removed", "s3, and the store is removed"],
)
def test_the_log_store_is_there_while_airflow_uses_it(stubs: Path, tmp_path: Path, variables: dict[str, str], expected: Steps) -> None:
    found = steps(stubs, tmp_path, **variables)
    assert [step for step in found if step.startswith("task_logs") or step == "airflow_app present"] == expected


def test_argo_cd_starts_while_the_git_server_and_the_log_store_do(stubs: Path, tmp_path: Path) -> None:
    found = [step for step in steps(stubs, tmp_path) if step.startswith(("argocd", "git_server", "task_logs", "airflow_app present"))]
    before = ["argocd checked", "argocd applied", "task_logs applied", "git_server present", "argocd started"]
    assert found == [*before, "airflow_app present", "argocd present", "task_logs present", "git_server settled"]


def test_a_check_looks_at_each_thing_once(stubs: Path, tmp_path: Path) -> None:
    """Otherwise it would announce a change twice that the run makes once."""
    found = [
        step for step in steps(stubs, tmp_path, "--check") if step.startswith(("argocd", "task_logs")) and not step.endswith("checked")
    ]
    assert found == ["argocd present", "task_logs present"]


def test_f11_the_platform_repository_takes_a_push_before_anything_is_installed(stubs: Path, tmp_path: Path) -> None:
    found = [step for step in steps(stubs, tmp_path) if step != "platform"]
    before = found[: found.index("airflow_app claimed")]
    assert {step for step in before if not step.endswith("checked")} == {"kind_cluster present"}
    assert found[found.index("airflow_app claimed") + 1] == "namespaces present"


@pytest.mark.parametrize("metrics", [True, False])
def test_everything_is_checked_before_the_first_role_that_changes_something(stubs: Path, tmp_path: Path, metrics: bool) -> None:
    found = [step for step in steps(stubs, tmp_path, platform_metrics_server=metrics) if step != "platform"]
    checks = ["airflow_app checked", "argocd checked", *(["metrics_server checked"] if metrics else [])]
    assert found[: len(checks) + 1] == [*checks, "kind_cluster present"]
    # What is in a kind cluster is checked once that runs.
    assert [step for step in found if step.endswith("checked")] == [*checks, "airflow_app checked"]
    assert found[-2:] == [f"metrics_server {'present' if metrics else 'absent'}", "airflow_verify"]


def test_d8_the_network_is_limited_before_airflow_starts_and_narrowed_after_it(stubs: Path, tmp_path: Path) -> None:
    found = [step for step in steps(stubs, tmp_path, airflow_app_logs="none", task_logs_state="absent") if step != "platform"]
    place = found.index("network_policies applied")
    assert found[place + 1] == "airflow_app present"
    # Whatever makes a namespace comes before.
    assert {"namespaces present", "argocd started", "git_server present"} <= set(found[:place])
    assert found.index("network_policies settled") > max(found.index("task_logs absent"), found.index("git_server settled"))


@pytest.mark.parametrize(
    ("provider", "requirements", "built"),
    [
        ("kind", "requirements.txt", ["airflow_app built"]),
        ("existing", "requirements.txt", []),
        ("kind", "", []),
        ("kind", None, []),  # the variable without a value
    ],
)
def test_an_image_with_python_packages_is_built_before_anything_is_changed(
    stubs: Path, tmp_path: Path, provider: str, requirements: str | None, built: Steps
) -> None:
    variables = {"platform_provider": provider, "airflow_app_python_requirements": requirements}
    found = [step for step in steps(stubs, tmp_path, **variables) if step != "platform" and not step.endswith("checked")]
    cluster = ["kind_cluster present"] if provider == "kind" else []
    assert found[: len(built + cluster) + 1] == [*built, *cluster, "airflow_app claimed"]
