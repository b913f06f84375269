"""Running playbooks as a person would, on this machine and against its container engine; API servers for the wait modules."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
Playbook = Callable[..., "subprocess.CompletedProcess[str]"]
SHARED: list[ApiServer] = []  # those that run for the whole session


@pytest.fixture
def site() -> Playbook:
    """Run playbooks/site.yml for the test platform: keyword arguments are extra variables, C(env) replaces environment variables."""

    def run(env: dict[str, str] | None = None, **variables: object) -> subprocess.CompletedProcess[str]:
        images = os.environ.get("PLATFORM_EXTRA_VARS", "{}")
        command = ["ansible-playbook", "-i", "inventories/molecule", "playbooks/site.yml", "-e", images]
        for name, value in variables.items():
            command += ["-e", f'{{"{name}": {value}}}']
        return subprocess.run(
            command, cwd=ROOT, env=os.environ | (env or {}), capture_output=True, text=True, timeout=HANG_SECONDS, check=False
        )

    return run


def serve(folder: Path) -> Iterator[ApiServer]:
    """An API server and its users: C(reader) may all that the modules need, C(poller) may not watch, C(cron) sees one namespace only."""
    try:
        for name in ("etcd", "kube-apiserver", "argocd-install.yaml"):
            lab_file(name)
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    with ApiServer(folder, users=("reader", "poller", "cron", "stranger")) as server:
        resources = ["pods", "pods/log", "nodes", "events", "applications"]
        server.grant("reader", ["get", "list", "watch", "patch"], resources)
        server.grant("poller", ["get", "list"], resources)
        server.grant("cron", ["get", "list", "watch"], ["pods", "pods/log"], namespaces=["airflow-cron"])
        server.remember()
        SHARED.append(server)
        yield server
        SHARED.remove(server)


@pytest.fixture(scope="module", autouse=True)
def swept() -> Iterator[None]:
    """Each file of tests leaves the shared API servers as it found them."""
    yield
    for server in SHARED:
        server.sweep()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """For tests that leave it running."""
    yield from serve(tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="session")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """For tests that kill it. Each begins with ``mortal.ensure()``."""
    yield from serve(tmp_path_factory.mktemp("mortal"))
