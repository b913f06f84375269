# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret where it can be read: Ansible's output at its most talkative, command lines, Git, ConfigMaps, files, the support bundle.

Real runs of the playbooks, with the cluster's own secrets and planted ones.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import open_tunnel
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS
from kubernetes import client
from secrets_hunt import CommandLines, found_in, history, objects, values_of

ROOT = Path(__file__).resolve().parents[2]
PLANTED = {
    "argocd_admin_password": "planted-Argo-7b1f/42+x",
    "airflow_app_dags_password": "planted-dags-9c3e&51",
    "airflow_app_platform_password": "planted-platform-1d8a%77",
}
LEAKY = "leaky"
# Argo CD's own manifest starts its Redis with --requirepass.
UPSTREAM = "argocd/argocd-redis:auth"


@dataclass
class Run:
    """One run of a playbook at -vvv."""

    returncode: int
    output: str


Playbook = Callable[..., Run]


def read_secrets(core: client.CoreV1Api, platform: Any) -> dict[str, str]:
    return values_of([secret for place in platform.namespaces for secret in core.list_namespaced_secret(place).items])


@pytest.fixture(scope="module")
def lines() -> Iterator[CommandLines]:
    with CommandLines() as sampled:
        yield sampled


@pytest.fixture(scope="module")
def playbook(platform: Any, tmp_path_factory: pytest.TempPathFactory, lines: CommandLines) -> Playbook:
    """Runs a playbook with variables that come from a file, as a person's vaulted ones would."""
    folder = tmp_path_factory.mktemp("variables")

    def run(name: str, **variables: Any) -> Run:
        planted = folder / "planted.json"
        planted.touch(mode=0o600)
        planted.write_text(json.dumps(variables))
        images = os.environ.get("PLATFORM_EXTRA_VARS", "{}")
        command = ["ansible-playbook", "-vvv", "-i", platform.inventory, "-e", images, "-e", f"@{planted}", f"playbooks/{name}.yml"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
        return Run(done.returncode, done.stdout + done.stderr)

    return run


@pytest.fixture(scope="module")
def site(core: client.CoreV1Api, platform: Any, playbook: Playbook) -> Iterator[Run]:
    """The whole of site.yml: a new password for Argo CD, and DAG runs, whose earlier proof is taken away."""
    before = core.read_namespaced_secret("argocd-secret", platform.argocd)
    core.patch_namespaced_config_map("airflow-verification", platform.core, {"data": {"report": None}})
    done = playbook("site", argocd_admin_password=PLANTED["argocd_admin_password"])
    after = core.read_namespaced_secret("argocd-secret", platform.argocd)
    assert before.data["admin.password"] != after.data["admin.password"]
    yield done
    old = {key: before.data[key] for key in ("admin.password", "admin.passwordMtime")}
    core.patch_namespaced_secret("argocd-secret", platform.argocd, {"data": old})


@pytest.fixture(scope="module")
def known(core: client.CoreV1Api, platform: Any, site: Run) -> dict[str, str]:
    found = {**PLANTED, **read_secrets(core, platform)}
    assert {f"{platform.core}/airflow-admin:password", f"{platform.core}/airflow-fernet-key:fernet-key"} <= found.keys()
    return found


def test_a_run_tells_no_secret(site: Run, known: dict[str, str]) -> None:
    assert site.returncode == 0, site.output[-3000:]
    assert ": Succeeded on " in site.output  # the DAGs were run again, and their workers were watched
    assert found_in(site.output.encode(), known) == []


def test_a_run_that_fails_tells_no_secret_but_what_why_and_what_to_do(playbook: Playbook, known: dict[str, str]) -> None:
    refusing = "https://127.0.0.1:1/planted"
    external = {"platform_git_server": "external", "airflow_app_dags_repo": f"{refusing}/dags.git", "airflow_app_dags_username": "planted"}
    platform_repository = {"airflow_app_platform_repo": f"{refusing}/platform.git", "airflow_app_platform_username": "planted"}
    failed = playbook("site", **external, **platform_repository, **{key: PLANTED[key] for key in PLANTED if key.startswith("airflow")})
    assert failed.returncode != 0
    assert found_in(failed.output.encode(), known) == []
    end = failed.output[failed.output.index("FAILED ****") :].splitlines()
    # What the run said on standard error follows in the output.
    assert [line.split()[0] for line in end if line[:1].isalpha()][:5] == ["FAILED", "what", "why", "do", "evidence"]
    assert refusing in "".join(end)


def test_no_command_line_holds_a_secret(site: Run, known: dict[str, str], lines: CommandLines) -> None:
    seen = b"\n".join(lines.seen)
    # It did look, on this machine and into the containers.
    assert b"ansible-playbook" in seen
    assert b"airflow\0tasks\0run" in seen
    assert [name for name in found_in(seen, known) if name != UPSTREAM] == []


def test_git_holds_no_secret(platform: Any, core: client.CoreV1Api, known: dict[str, str], tmp_path: Path) -> None:
    token = known[f"{platform.git}/gitea-config:password"]
    access = {"kubeconfig": platform.kubeconfig, "context": platform.context}
    for name in ("platform", "dags"):
        with open_tunnel(access, platform.git, "gitea", 3000) as tunnel:
            content = history(f"http://127.0.0.1:{tunnel.port}/gitops/{name}.git", tmp_path / name, "gitops", token)
        assert b"tree" in content
        assert found_in(content, known) == []
    assert found_in(objects(ROOT), {name: value for name, value in known.items() if name not in PLANTED}) == []


def test_config_maps_and_reports_hold_no_secret(core: client.CoreV1Api, platform: Any, known: dict[str, str]) -> None:
    maps = [item for place in platform.namespaces for item in core.list_namespaced_config_map(place).items]
    assert "airflow-verification" in {item.metadata.name for item in maps}
    assert found_in("\n".join(text for item in maps for text in (item.data or {}).values()).encode(), known) == []
    reports = sorted(Path(platform.state_dir).glob("*.json"))
    assert reports
    assert found_in(b"\n".join(path.read_bytes() for path in reports), known) == []


@pytest.fixture
def leaky(core: client.CoreV1Api, platform: Any, known: dict[str, str]) -> Iterator[None]:
    """A user's mistakes: a pod that prints its secrets, a ConfigMap with a password, a password in an environment variable."""
    place = platform.airflow[-1]
    secret = {"name": "CONNECTION", "valueFrom": {"secretKeyRef": {"name": "airflow-metadata", "key": "connection"}}}
    open_one = {"name": "DB_PASSWORD", "value": PLANTED["airflow_app_dags_password"]}
    container = {
        "name": LEAKY,
        "image": platform.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", 'echo "connecting to $CONNECTION"; echo "$DB_PASSWORD" | base64; echo that is all; exec sleep 600'],
        "env": [secret, open_one],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    user = {"runAsUser": 1000, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": user, "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False}
    core.create_namespaced_pod(place, {"metadata": {"name": LEAKY}, "spec": spec})
    password = known[f"{platform.core}/airflow-admin:password"]
    core.create_namespaced_config_map(
        place, {"metadata": {"name": LEAKY}, "data": {"a": f"password is {password}", "b": "but this is not"}}
    )
    try:
        end = time.monotonic() + 60
        while core.read_namespaced_pod(LEAKY, place).status.phase != "Running" or "that is all" not in core.read_namespaced_pod_log(
            LEAKY, place
        ):
            assert time.monotonic() < end
            time.sleep(0.5)
        yield
    finally:
        core.delete_namespaced_pod(LEAKY, place, grace_period_seconds=0)
        core.delete_namespaced_config_map(LEAKY, place)


def test_the_support_bundle_holds_no_secret(leaky: None, platform: Any, playbook: Playbook, known: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar.gz"
    done = playbook("support_bundle", support_bundle_path=str(path), **PLANTED)
    assert done.returncode == 0, done.output[-3000:]
    assert found_in(done.output.encode(), known) == []
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
        files = {member.name.split("/", 1)[1]: archive.extractfile(member).read() for member in archive.getmembers()}  # type: ignore[union-attr]
    assert {name: found_in(content, known) for name, content in files.items() if found_in(content, known)} == {}
    # What a person needs is in it, the mistakes included, without their secrets.
    place = platform.airflow[-1]
    assert b"connecting to ********" in files[f"{place}/logs/{LEAKY}.{LEAKY}.log"]
    assert b"password is ********" in files[f"{place}/configmaps.json"]
    assert b"but this is not" in files[f"{place}/configmaps.json"]
    assert b'"airflow-metadata"' in files[f"{place}/secrets.json"]
    wanted = {"status.txt", "status.json", "versions.json", "cluster/nodes.json", "cluster/version.json"}
    wanted |= {
        f"{platform.core}/{name}.json" for name in ("pods", "events", "deployments", "statefulsets", "configmaps", "persistentvolumeclaims")
    }
    assert wanted | {f"{platform.argocd}/applications.json", f"{platform.argocd}/appprojects.json"} <= files.keys()
    assert any(name.startswith(f"{platform.core}/logs/airflow-scheduler-") for name in files)
    # What Docker and the node tell, which would be there without the API, too.
    assert {"host/docker-ps.txt", "host/docker-info.json", "host/kind-version.txt"} <= files.keys()
    assert any(name.endswith(".kubelet.log") for name in files)
    assert any(name.endswith(".containerd.log") for name in files)
