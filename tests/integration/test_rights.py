# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ADR 26: the published rights on a real API server. With them nothing is refused; without one of them the refusal names it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect
from ansible_collections.gitops.airflow.plugins.module_utils._platform import rights_read
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import (
    NEEDED,
    OPTIONAL,
    Right,
    Unit,
    own_namespaces,
    table,
    units,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_manifest import documents
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import SETTINGS_SPEC, Settings, from_params
from ansible_collections.gitops.airflow.tests.cluster.dump import Dump
from ansible_collections.gitops.airflow.tests.cluster.rights_used import report
from ansible_collections.gitops.airflow.tests.integration import test_beside_argocd as beside
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer
from ansible_collections.gitops.airflow.tests.integration.git_server import git_server, repository
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.test_airflow_app_role import ARGO, ArgoCD, given_of
from ansible_collections.gitops.airflow.tests.integration.test_existing_argocd import REMOVAL, ROLES, WORKERS, Plays
from ansible_collections.gitops.airflow.tests.integration.test_roles_on_objects import Controllers
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

Obj = dict[str, Any]
T = TypeVar("T")
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
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
REPOSITORIES = {f"{kind}_repo": f"https://git.example/{kind}.git" for kind in ("platform", "dags")}
AIRFLOW: Obj = {"name": "ours", "logs": "none", "admission_policy": "none", **REPOSITORIES}


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
    server.request("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/playbook", {})
    server.end()
    return restarted(server, tmp_path_factory.mktemp("audited"))


def restarted(server: ApiServer, folder: Path) -> tuple[ApiServer, Path]:
    """The server with a log of all requests."""
    (folder / "policy.yaml").write_text(json.dumps(POLICY))
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
    user = server.kubeconfig("playbook")
    return Module("platform_preflight", user, platform=platform, airflow=airflow, purpose=purpose, repositories=False).result()


class LateArgoCD(ArgoCD):
    """Its kinds come and go with the run."""

    def applications(self) -> list[Obj]:
        status, answer = self._server._send("GET", f"{ARGO}/applications")
        return json.loads(answer).get("items") or [] if status == 200 else []


@contextlib.contextmanager
def platform(server: ApiServer, folder: Path, log: Path, before: Dump, **more: Any) -> Iterator[Plays]:
    """Plays on a server with something that stands in for Argo CD and the controllers."""
    for name in ("platform", "dags"):
        repository(folder, name, "dags/a_dag.py")
    running, controllers = LateArgoCD(server, folder), Controllers(server)
    running.start()
    controllers.start()
    try:
        with git_server(folder) as url:
            yield Plays(server, log, before, folder, given_of(url, status_fail=False, **more))
    finally:
        running.end()
        controllers.end()


def played(plays: Plays, *steps: list[str]) -> None:
    for roles in steps:
        code, said, _foreign = plays.run(roles)
        assert code == 0, said


# What nothing asks for without a pod of Airflow: a DAG run, and the proof of a verification.
OF_PODS = {
    *(Unit("watch", "", "pods", namespace) for namespace in ("ours-core", "ours-user")),
    *(Unit(verb, "", "configmaps", "ours-core") for verb in ("create", "patch", "delete")),
    *(Unit("get", "", "pods/log", namespace) for namespace in ("ours-core", "ours-user")),
    *(Unit("list", "discovery.k8s.io", "endpointslices", namespace) for namespace in ("ours-core",)),
}


def test_a_platform_comes_and_goes_with_the_rights_of_the_manifest(
    audited: tuple[ApiServer, Path], theirs: tuple[ApiServer, Path, Dump], account: Account, tmp_path: Path
) -> None:
    server, log = audited
    given = settings(PLATFORM, AIRFLOW)
    rights = table(given, create_namespaces=False)
    account.grant(rights, dict.fromkeys(own_namespaces(given), "baseline"))
    start, last = len(log.read_text().splitlines()), "metrics_server absent"
    with platform(server, tmp_path, theirs[1], theirs[2], airflow_app_logs="none", airflow_app_admission_policy="none") as plays:
        played(plays, [*ROLES, last], [*ROLES, last, "status", "support_bundle"], [*REMOVAL, last, "namespaces absent"])
    found = report(rights, entries(log, start), ["playbook"])
    assert (found.refused, found.beyond) == ([], [])
    assert set(found.unused) - OF_PODS == set()
    assert found.requests > 500


def api_of(server: ApiServer) -> KubeApi:
    return connect({**dict.fromkeys(AUTH_ARG_SPEC), "kubeconfig": str(server.kubeconfig("playbook"))})


def eventually(read: Callable[[], T], true: Callable[[T], Any]) -> T:
    """What is read as soon as it is so: RBAC's caches follow its objects."""
    deadline = time.monotonic() + 20
    while not true(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_each_right_that_is_taken_away_is_named(audited: tuple[ApiServer, Path], account: Account) -> None:
    server, _log = audited
    given = settings({**PLATFORM, "git_server": "embedded"}, {**AIRFLOW, "logs": "embedded", "admission_policy": "require"})
    rights = table(given, create_namespaces=False)
    account.grant(rights, dict.fromkeys(own_namespaces(given), "baseline"))
    api = api_of(server)
    access = eventually(lambda: rights_read.read(api, given), lambda found: not found.missing)
    assert access.view is not None
    assert not access.view.clusters
    for right in (item for item in rights if item.level != OPTIONAL):
        # Others may permit some of it, too.
        left = [item for item in rights if item is not right]
        expected = {unit for unit, item in units([right]).items() if item.level == NEEDED} - units(left).keys()
        if not expected:
            continue
        account.grant(left)
        found = eventually(lambda: rights_read.read(api, given), lambda access: len(access.missing) == len(expected))  # noqa: B023
        assert set(found.missing) == expected
        account.grant(rights)
        eventually(lambda: rights_read.read(api, given), lambda access: not access.missing)


def test_missing_rights_are_refused_together_before_anything_is_read(audited: tuple[ApiServer, Path], account: Account) -> None:
    server, log = audited
    given = settings(PLATFORM, AIRFLOW)
    lost = ({"resources": ("appprojects",)}, {"resources": ("roles", "rolebindings")})
    rights = table(given, create_namespaces=False)
    left = [item for item in rights if not any(item.resources == case["resources"] for case in lost)]
    account.grant(left, dict.fromkeys(own_namespaces(given), "baseline"))
    api = api_of(server)
    eventually(lambda: rights_read.read(api, given), lambda access: len(access.missing) == len(units(rights)) - len(units(left)))
    start = len(log.read_text().splitlines())
    result = preflight(server, PLATFORM, AIRFLOW)
    assert [item["code"] for item in result["refusals"]] == ["missing_rights"]
    message = result["msg"]
    assert "The account playbook lacks rights that a run needs:" in message
    assert "in argocd: get, create, patch, list, delete appprojects.argoproj.io ours (to let Argo CD deploy Airflow)" in message
    assert (
        "in ours-core, ours-user: get, create, patch, delete roles.rbac.authorization.k8s.io, rolebindings.rbac.authorization.k8s.io"
        in message
    )
    assert "platform_rights_account=playbook" in result["next_action"]
    assert report(rights, entries(log, start), ["playbook"]).refused == []


@pytest.mark.parametrize("purpose", ["install", "use", "remove"])
def test_no_look_of_the_preflight_is_forbidden(audited: tuple[ApiServer, Path], account: Account, purpose: str) -> None:
    server, log = audited
    given = settings(PLATFORM, AIRFLOW)
    rights = table(given, create_namespaces=False)
    account.grant(rights, dict.fromkeys(own_namespaces(given), "baseline"))
    eventually(lambda: rights_read.read(api_of(server), given), lambda access: not access.missing)
    start = len(log.read_text().splitlines())
    result = preflight(server, PLATFORM, AIRFLOW, purpose)
    assert result["refusals"] == []
    assert result["narrow"] is True
    assert report(rights, entries(log, start), ["playbook"]).refused == []


def test_pull_secrets_and_a_storage_class_need_no_other_rights(audited: tuple[ApiServer, Path], account: Account) -> None:
    server, log = audited
    pulled: Obj = {"pull_secrets": ["pull"], "pull_secrets_namespace": "default", "storage_class": "fast", "metrics_server": True}
    given = settings({**PLATFORM, **pulled}, AIRFLOW)
    fast = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "example.com/none"}
    beside.apply(server, fast)
    value = {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": '{"auths": {}}'}}
    beside.apply(server, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull", "namespace": "default"}, **value})
    rights = table(given, create_namespaces=False)
    account.grant(rights, dict.fromkeys(own_namespaces(given), "baseline"))
    eventually(lambda: rights_read.read(api_of(server), given), lambda access: not access.missing)
    start = len(log.read_text().splitlines())
    result = preflight(server, {**PLATFORM, **pulled}, AIRFLOW)
    assert (result["refusals"], [note for note in result["plan"]["notes"] if "fast" in note]) == ([], [])
    user, places = server.kubeconfig("playbook"), [*own_namespaces(given), "kube-system"]
    copied = Module("object_copies", user, platform="ours", source_namespace="default", namespaces=places, secrets=["pull"]).result()
    assert {(item["namespace"], item["result"]) for item in copied["objects"]} == {(place, "created") for place in places}
    found = report(rights, entries(log, start), ["playbook"])
    assert (found.refused, found.beyond) == ([], [])
    assert not [unit for unit in found.unused if unit.name == "pull" or unit.resource == "storageclasses"]


def test_an_account_that_may_look_everywhere_does(audited: tuple[ApiServer, Path], account: Account) -> None:
    server, _log = audited
    given = settings(PLATFORM, AIRFLOW)
    more = [Right("look", ("list",), ("*",), "*"), Right("look", ("get",), ("customresourcedefinitions",), "apiextensions.k8s.io")]
    account.grant([*table(given, create_namespaces=False), *more], dict.fromkeys(own_namespaces(given), "baseline"))
    eventually(lambda: rights_read.read(api_of(server), given), lambda access: access == rights_read.Access())
    # Its own Application is not the only one that it sees.
    found = rights_read.seen(api_of(server), given.owner())
    names = {item["name"] for item in found.items("/apis/argoproj.io/v1alpha1/applications")}
    assert {"team", "airflow-core"} <= names


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ApiServer, Path]]:
    """A server without Argo CD and without rights of the user playbook, and its log."""
    folder = tmp_path_factory.mktemp("empty")
    with ApiServer(folder, users=("playbook",)) as server:
        server.request("DELETE", f"{CRDS}/applications.argoproj.io", {})
        server.end()
        yield restarted(server, tmp_path_factory.mktemp("log"))


def test_argo_cd_is_installed_with_the_rights_of_the_manifest(empty: tuple[ApiServer, Path], tmp_path: Path) -> None:
    server, log = empty
    wanted: Obj = {**PLATFORM, "argocd": "install", "logs_namespace": "ours-logs"}
    rights = table(settings(wanted, {**AIRFLOW, "logs": "embedded", "admission_policy": "auto"}), create_namespaces=True)
    Account(server).grant(rights)
    roles = ["airflow_app checked", "argocd checked", "namespaces present", "argocd applied", "task_logs applied", "argocd started"]
    roles += ["network_policies applied", "airflow_app present", "argocd present", "task_logs present", "network_policies settled"]
    removal = ["airflow_app absent", "metrics_server absent", "argocd absent", "network_policies absent"]
    more = {"platform_argocd": "install", "platform_logs_namespace": "ours-logs", "airflow_app_logs": "embedded"}
    (tmp_path / "writes.log").touch()
    with platform(server, tmp_path, tmp_path / "writes.log", {}, **more) as plays:
        played(plays, [*roles, "metrics_server absent"], [*roles, "status", "support_bundle"], removal)
    found = report(rights, entries(log), ["playbook"])
    assert (found.refused, found.beyond) == ([], [])
    # The server has the namespace of Argo CD, serves no admission policies, and deletes no volume, so that the log store stays.
    expected = {
        *(Unit(verb, "", "namespaces", "", "argocd") for verb in ("create", "patch")),
        *(unit for unit in units(rights) if unit.group == "admissionregistration.k8s.io"),
        *(Unit("delete", group, kind) for group, kind in (("", "persistentvolumeclaims"), ("batch", "cronjobs"))),
        Unit("get", "", "pods/log"),
        Unit("watch", "", "pods"),  # not where all is ready at the first look
    }
    assert set(found.unused) - expected == set()
