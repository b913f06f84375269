# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ADR 24: a platform in the Argo CD of another team, on a real API server with its audit log. A thread of the test is Argo CD."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.cluster.audit import Cluster, judge
from ansible_collections.gitops.airflow.tests.cluster.dump import Dump, compare, dump
from ansible_collections.gitops.airflow.tests.integration import test_beside_argocd as beside
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.integration.git_server import git_server, repository
from ansible_collections.gitops.airflow.tests.integration.test_airflow_app_role import ArgoCD, given_of
from ansible_collections.gitops.airflow.tests.integration.test_roles_on_objects import Controllers
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
theirs = beside.theirs
ARGO, ARGOCD = "/apis/argoproj.io/v1alpha1/namespaces/argocd", "/api/v1/namespaces/argocd"
WORKERS = [{"name": "ours-core"}, {"name": "ours-user"}]
# Those of site.yml that concern Argo CD's namespace, in its order.
ROLES = ["airflow_app checked", "argocd checked", "namespaces present", "argocd applied", "argocd started", "network_policies applied"]
ROLES += ["airflow_app present", "argocd present", "network_policies settled"]
# Without a controller for namespaces, none can be deleted.
REMOVAL = ["airflow_app absent", "argocd absent", "network_policies absent"]
Played = tuple[int, str, list[str]]


class Plays:
    """Runs roles as the user whose writes are judged."""

    def __init__(self, server: ApiServer, log: Path, before: Dump, folder: Path, given: dict[str, Any]) -> None:
        self._server, self._log, self._before, self._folder, self._given = server, log, before, folder, given

    def run(self, roles: list[str], **variables: Any) -> Played:
        """The exit code, what was printed, and the foreign objects that were written."""
        listed = []
        for words in roles:
            name, _space, state = words.partition(" ")
            checked = {"__airflow_app_checked": True} if words == "airflow_app present" else {}
            listed.append({"role": f"gitops.airflow.{name}", "vars": {**({f"{name}_state": state} if state else {}), **checked}})
        (self._folder / "play.json").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "roles": listed}]))
        given = {
            "ansible_python_interpreter": sys.executable,
            "platform_name": "ours",
            "platform_provider": "existing",
            "platform_argocd": "existing",
            "platform_kubeconfig": str(self._server.kubeconfig("playbook")),
            "platform_context": "test",
            "platform_state_dir": str(self._folder / "state"),
            "platform_core_namespace": "ours-core",
            "platform_worker_namespaces": WORKERS,
            "argocd_manifest": str(lab_file("argocd-install.yaml")),
            "argocd_admin_password": "not-a-secret",
            "airflow_app_name": "ours",
            **self._given,
            **variables,
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(self._folder / "play.json"), "-e", json.dumps(given)]
        environment = {**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_STDOUT_CALLBACK": "default"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
        entries = [json.loads(line) for line in self._log.read_text().splitlines()]
        found = judge(entries, Cluster("ours", self._before), lambda user: user == "playbook")
        foreign = [str(write) for write in found if write.foreign]
        return done.returncode, done.stdout + done.stderr, foreign

    def found(self) -> list[str]:
        """How the other team's objects differ from before."""
        return compare(self._before, dump(lambda path: self._server.request("GET", path)), additions=False)


@pytest.fixture
def plays(theirs: tuple[ApiServer, Path, Dump], tmp_path: Path) -> Iterator[Plays]:
    server, log, before = theirs
    for name in ("platform", "dags"):
        repository(tmp_path, name, "dags/a_dag.py")
    running, controllers = ArgoCD(server, tmp_path), Controllers(server)
    running.start()
    controllers.start()
    try:
        with git_server(tmp_path) as url:
            yield Plays(server, log, before, tmp_path, given_of(url, airflow_app_logs="none", airflow_app_admission_policy="none"))
    finally:
        running.end()
        controllers.end()


def names(server: ApiServer, path: str) -> set[str]:
    return {item["metadata"]["name"] for item in server.request("GET", path)["items"]}


def test_a_platform_comes_and_goes_and_the_argo_cd_of_others_stays(plays: Plays, theirs: tuple[ApiServer, Path, Dump]) -> None:
    server, _log, _before = theirs
    projects, secrets = names(server, f"{ARGO}/appprojects"), names(server, f"{ARGOCD}/secrets")

    code, said, foreign = plays.run(ROLES)
    assert (code, foreign) == (0, []), said
    assert plays.found() == []
    assert names(server, f"{ARGO}/appprojects") - projects == {"ours"}
    assert names(server, f"{ARGOCD}/secrets") - secrets == {"ours-platform-repository"}
    assert server.request("GET", f"{ARGO}/applications/ours")["spec"]["project"] == "ours"
    policies = server.request("GET", "/apis/networking.k8s.io/v1/networkpolicies?labelSelector=gitops-airflow/platform%3Dours")["items"]
    assert {item["metadata"]["namespace"] for item in policies} == {"ours-core", "ours-user"}

    code, said, foreign = plays.run(ROLES)
    assert (code, foreign) == (0, []), said
    assert "changed=0 " in said

    code, said, foreign = plays.run(REMOVAL)
    assert (code, foreign) == (0, []), said
    assert plays.found() == []
    assert (names(server, f"{ARGO}/appprojects"), names(server, f"{ARGOCD}/secrets")) == (projects, secrets)
    assert "ours" not in names(server, f"{ARGO}/applications")


def test_an_appproject_of_others_is_used_and_stays(plays: Plays, theirs: tuple[ApiServer, Path, Dump]) -> None:
    server, _log, _before = theirs
    spec = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "ours-*"}]}
    metadata = {"name": "data", "namespace": "argocd"}
    beside.apply(server, {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec})
    made = server.request("GET", f"{ARGO}/appprojects/data")
    # A project of the platform's own gives way to it.
    for given, own in (({}, True), ({"airflow_app_project": "data"}, False)):
        code, said, foreign = plays.run(ROLES, **given)
        assert (code, foreign) == (0, []), said
        project = server.request("GET", f"{ARGO}/applications/ours")["spec"]["project"]
        assert (project, "ours" in names(server, f"{ARGO}/appprojects")) == ("ours" if own else "data", own)
    code, said, foreign = plays.run(REMOVAL, airflow_app_project="data")
    assert (code, foreign) == (0, []), said
    assert server.request("GET", f"{ARGO}/appprojects/data") == made
    assert "ours" not in names(server, f"{ARGO}/applications")
    server.request("DELETE", f"{ARGO}/appprojects/data", {})


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"platform_argocd": "install"}, "has an Argo CD that this platform did not install"),
        ({"platform_argocd_namespace": "elsewhere"}, "has no application controller in the namespace elsewhere"),
        ({"airflow_app_name": "airflow-core"}, "Application argocd/airflow-core"),
        ({"airflow_app_project": "missing"}, "argocd has no AppProject of this name"),
        ({"airflow_app_project": "airflow"}, "The AppProject airflow of airflow_app_project does not permit"),
    ],
    ids=["install", "elsewhere", "application", "no project", "narrow project"],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(plays: Plays, variables: dict[str, str], words: str) -> None:
    code, said, foreign = plays.run(ROLES, **variables)
    assert (code != 0, foreign) == (True, []), said
    assert words in " ".join(said.split())
    assert plays.found() == []
