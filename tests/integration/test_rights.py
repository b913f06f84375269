# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ADR 26: the published rights on a real API server. With them nothing is refused; without one of them the refusal names it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import Right, everywhere, own_namespaces, rights
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_manifest import documents
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import SETTINGS_SPEC, Settings, from_params
from ansible_collections.gitops.airflow.tests.cluster.dump import Dump
from ansible_collections.gitops.airflow.tests.cluster.rights_used import report
from ansible_collections.gitops.airflow.tests.integration import test_beside_argocd as beside
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.integration.git_server import git_server, repository
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.test_airflow_app_role import ArgoCD, given_of
from ansible_collections.gitops.airflow.tests.integration.test_existing_argocd import REMOVAL, ROLES, WORKERS, Plays
from ansible_collections.gitops.airflow.tests.integration.test_roles_on_objects import Controllers
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

Obj = dict[str, Any]
theirs = beside.theirs
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata"}],
}
PLATFORM: Obj = {
    "name": "ours",
    "argocd": "existing",
    "core_namespace": "ours-core",
    "worker_namespaces": WORKERS,
    "git_server": "external",
}
AIRFLOW: Obj = {"name": "ours", "logs": "none", "admission_policy": "none"}


def settings(platform: Obj, airflow: Obj) -> Settings:
    found = ArgumentSpecValidator(SETTINGS_SPEC).validate({"platform": platform, "airflow": airflow})
    assert not found.error_messages, found.error_messages
    given = found.validated_parameters
    return from_params(given["platform"], given["airflow"])


class Account:
    """The rights of the user playbook, as the owner of the cluster applies them."""

    def __init__(self, server: ApiServer) -> None:
        self._server, self._made = server, list[str]()

    def grant(self, table: Sequence[Right], namespaces: Mapping[str, str] | None = None) -> None:
        self.revoke()
        for body, rules in documents(table, "ours", "playbook", namespaces or {}):
            beside.apply(self._server, {**body, **({"rules": [rule.body() for rule in rules]} if rules else {})})
            if body["kind"] != "Namespace":
                self._made.append(beside_path(body))

    def revoke(self) -> None:
        for path in self._made:
            self._server.request("DELETE", path, {})
        self._made.clear()


def beside_path(body: Obj) -> str:
    namespace = body["metadata"].get("namespace")
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{body['apiVersion']}{place}/{body['kind'].lower()}s/{body['metadata']['name']}"


@pytest.fixture(scope="module")
def audited(theirs: tuple[ApiServer, Path, Dump], tmp_path_factory: pytest.TempPathFactory) -> tuple[ApiServer, Path]:
    """The server with another team's Argo CD, whose log has all requests; the user playbook has no right."""
    server, _log, _before = theirs
    folder = tmp_path_factory.mktemp("audited")
    (folder / "policy.yaml").write_text(json.dumps(POLICY))
    server.request("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/playbook", {})
    server.end()
    server.start(
        f"--audit-policy-file={folder / 'policy.yaml'}", f"--audit-log-path={folder / 'audit.log'}", "--audit-log-mode=blocking-strict"
    )
    return server, folder / "audit.log"


@pytest.fixture
def account(audited: tuple[ApiServer, Path]) -> Iterator[Account]:
    found = Account(audited[0])
    yield found
    found.revoke()


def entries(log: Path, start: int = 0) -> list[Obj]:
    return [json.loads(line) for line in log.read_text().splitlines()[start:]]


def preflight(server: ApiServer, platform: Obj, airflow: Obj, purpose: str = "install") -> Obj:
    given = {"platform": platform, "airflow": airflow, "purpose": purpose, "repositories": False}
    return Module("platform_preflight", server.kubeconfig("playbook"), **given).result()


def forbidden(log: Path, start: int) -> list[str]:
    found = [entry for entry in entries(log, start) if entry["user"]["username"] == "playbook"]
    return [f"{entry['verb']} {entry['requestURI']}" for entry in found if (entry.get("responseStatus") or {}).get("code") == 403]


def test_a_platform_comes_and_goes_with_the_rights_of_the_manifest(
    audited: tuple[ApiServer, Path], theirs: tuple[ApiServer, Path, Dump], account: Account, tmp_path: Path
) -> None:
    server, log = audited
    given = settings(PLATFORM, AIRFLOW)
    table = rights(given)
    account.grant(table, dict.fromkeys(own_namespaces(given), "baseline"))
    for name in ("platform", "dags"):
        repository(tmp_path, name, "dags/a_dag.py")
    start = len(log.read_text().splitlines())
    running, controllers = ArgoCD(server, tmp_path), Controllers(server)
    running.start()
    controllers.start()
    try:
        with git_server(tmp_path) as url:
            plays = Plays(
                server, theirs[1], theirs[2], tmp_path, given_of(url, airflow_app_logs="none", airflow_app_admission_policy="none")
            )
            for roles in (
                ["airflow_app checked", *ROLES, "metrics_server absent"],
                [*ROLES, "metrics_server absent"],
                [*REMOVAL, "metrics_server absent", "namespaces absent"],
            ):
                code, said, _foreign = plays.run(roles)
                assert code == 0, said
    finally:
        running.end()
        controllers.end()
    found = report(table, entries(log, start), ["playbook"])
    assert (found.refused, found.beyond) == ([], [])
    print("\n".join(map(str, found.unused)))
