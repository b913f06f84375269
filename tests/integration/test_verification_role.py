# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role airflow_verify on a real API server with an Argo CD of ours. There is no node, so it ends where Airflow is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer
from ansible_collections.gitops.airflow.tests.integration.conftest import serve
from ansible_collections.gitops.airflow.tests.integration.modules import ROOT
from ansible_collections.gitops.airflow.tests.integration.objects import NEW, application, status
from ansible_collections.gitops.airflow.tests.integration.test_ownership import MARKS, Cluster
from ansible_collections.gitops.airflow.tests.integration.test_verification import core_pod
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

Obj = dict[str, Any]
Play = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    for server in serve(tmp_path_factory.mktemp("verification")):
        server.request("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io", {})
        cluster = Cluster(server)
        cluster.record(cluster.argocd("argocd", by="gitops.airflow"), MARKS, state="applied")
        server.create(application("airflow-core", status(NEW), MARKS))
        for component in ("scheduler", "webserver"):
            server.merge(server.create(core_pod(component, 1)), {"status": {"phase": "Running"}}, "status")
        yield server


@pytest.fixture
def play(own: ApiServer, tmp_path: Path) -> Play:
    def played(*arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        given = {
            "platform_kubeconfig": str(own.kubeconfig("admin")),
            "platform_context": "test",
            "platform_provider": "existing",
            "platform_name": "airflow",
            "airflow_verify_report": str(tmp_path / "verify.json"),
            **variables,
        }
        play = {"hosts": "localhost", "gather_facts": False, "vars": given, "roles": ["gitops.airflow.airflow_verify"]}
        (tmp_path / "play.json").write_text(json.dumps([play]))
        program = Path(sys.executable).parent / "ansible-playbook"
        command = [str(program), "-i", "localhost,", "-c", "local", *arguments, str(tmp_path / "play.json")]
        environment = {**os.environ, "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)

    return played


def test_the_role_gives_the_module_what_the_platform_is(play: Play) -> None:
    done = play()
    assert done.returncode == 2, done.stdout + done.stderr
    assert "No command can be run in pod airflow-core/verified-scheduler" in done.stdout
    assert "s  asking the running Airflow for its version" in done.stderr


def test_the_role_shows_a_summary_and_how_to_log_in(play: Play) -> None:
    done = play("--check", airflow_app_name="absent", argocd_admin_password="secret-of-argocd")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "\nAirflow does not run in airflow-core yet: it cannot be verified.\n\n  Airflow   http://localhost:8080   user admin"
        in done.stdout
    )
    assert "argocd_admin_password of your inventory" in done.stdout
    assert "secret-of-argocd" not in done.stdout + done.stderr
