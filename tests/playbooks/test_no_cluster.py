# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without any cluster: the state is shown, the bundle is written, and both say why; local files are deleted. Real runs of the playbooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    state = tmp_path / "state"
    state.mkdir()
    (state / "status.json").write_text('{"healthy": true}')
    names = {"platform_name": "no-such-platform", "platform_kubeconfig": str(tmp_path / "kubeconfig"), "platform_state_dir": str(state)}

    def playbook(name: str, *options: str, stdout: str = "default", path: str = "") -> subprocess.CompletedProcess[str]:
        tools = Path(sys.executable).parent
        environment = {**os.environ, "PATH": f"{path}:{tools}:{os.environ['PATH']}", "ANSIBLE_STDOUT_CALLBACK": stdout}
        command = [str(tools / "ansible-playbook"), "-e", json.dumps(names), *options, f"playbooks/{name}.yml"]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)

    return playbook


def test_a_program_gets_json_and_the_file_is_of_now(run: Run, tmp_path: Path) -> None:
    done = run("status", stdout="gitops.airflow.status_json")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert not told["healthy"]
    (problem,) = told["problems"]
    assert f"kubeconfig '{tmp_path}/kubeconfig', context 'kind-no-such-platform'" in problem
    assert "kind cluster no-such-platform" in problem
    assert told["next_action"].startswith("Run site.yml (make site)")
    assert json.loads((tmp_path / "state/status.json").read_text()) == told


def test_the_bundle_is_written_and_names_why(run: Run, tmp_path: Path) -> None:
    done = run("support_bundle")
    assert done.returncode == 0, done.stdout
    (path,) = (tmp_path / "state").glob("support-bundle-*.tar.gz")
    with tarfile.open(path) as archive:
        files = {name.split("/", 1)[1]: archive.extractfile(name).read().decode() for name in archive.getnames()}  # type: ignore[union-attr]
    assert {"not-collected.txt", "status.json", "status.txt", "versions.json"} <= files.keys()
    assert "Nothing of the cluster is collected: The Kubernetes configuration" in files["not-collected.txt"]
    assert "kind cluster no-such-platform" in files["not-collected.txt"]
    assert "NOT HEALTHY (1 problem)" in files["status.txt"]
    assert f"not collected: {files['not-collected.txt'].splitlines()[0][:60]}" in done.stdout


def test_the_removal_deletes_the_platforms_own_files(run: Run, tmp_path: Path) -> None:
    state, tools = tmp_path / "state", tmp_path / "tools"
    (state / "bin").mkdir()
    (state / "bin/kind-v0.31.0").write_text("a program")
    (state / "support-bundle-1.tar.gz").write_text("evidence")
    tools.mkdir()
    (tools / "docker").write_text("#!/bin/sh\n")  # it has no container
    (tools / "docker").chmod(0o755)
    for options, changed, left in (
        (["--check"], 1, ["bin", "status.json", "support-bundle-1.tar.gz"]),
        ([], 1, ["support-bundle-1.tar.gz"]),
        ([], 0, ["support-bundle-1.tar.gz"]),
    ):
        done = run("destroy", *options, path=str(tools))
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"changed={changed} " in done.stdout.partition("PLAY RECAP")[2]
        assert sorted(path.name for path in state.iterdir()) == left
    (state / "support-bundle-1.tar.gz").unlink()
    run("destroy", path=str(tools))
    assert not state.exists()


def test_f17_mistyped_variables_stop_every_playbook_before_anything(run: Run) -> None:
    """A destroy with platform_nmae would remove the platform of the default name."""
    given = {"airflow_app_vaules": {"a": "hunter22"}, "airflow_app_mysql_storage": "5 GB", "argocd_theirs": 1}
    for playbook in ("site", "destroy"):
        done = run(playbook, "-e", json.dumps(given), "-e", "airflow_app_values=parallelism=12")
        output = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 2, output
        assert "There are 3 problems. 1. airflow_app_vaules is set, and no role of gitops.airflow has such a variable." in output
        assert "Write airflow_app_values instead of airflow_app_vaules." in output
        assert "airflow_app_values is a text. It must be a dictionary." in output
        assert "airflow_app_mysql_storage is '5 GB'." in output
        assert "argocd_theirs is not a variable of a role of gitops.airflow." in output
        assert "hunter22" not in output
        assert "changed=0 " in done.stdout.partition("PLAY RECAP")[2]
