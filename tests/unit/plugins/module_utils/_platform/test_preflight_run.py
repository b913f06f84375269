# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the preflight: what is checked, read and asked for which purpose, and how several refusals become one failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError, LibraryMissing
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._platform import (
    admission_state,
    argocd_state,
    class_state,
    node_ports,
    node_state,
    preflight,
    rights_read,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.copies import Source
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_ranges import Network
from ansible_collections.gitops.airflow.plugins.module_utils._platform.node_state import Nodes
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Decision, Found, Record, Ref, Sight, former_names
from ansible_collections.gitops.airflow.plugins.module_utils._platform.plan import State
from ansible_collections.gitops.airflow.plugins.module_utils._platform.preflight import Outcome, Preflight
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal, as_error, enforce
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import Right, Unit
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_read import Access
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Chart, Repository, Settings, hide
from ansible_collections.gitops.airflow.plugins.modules import platform_preflight

HTTPS, SSH = "https://git.example/platform.git", "git@git.example:dags.git"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA"
INSIDE = "http://gitea.git.svc.cluster.local:3000/gitops/"
AIRFLOW = AirflowSettings(
    Repository("platform", HTTPS, credentials=Credentials("ann", "t0ken")),
    Repository("dags", SSH, credentials=Credentials(ssh_key=KEY, known_hosts="git.example ssh-ed25519 AAAA")),
    default_namespace="airflow-core",
    take_over="old@uid",
)
GIVEN = Settings(provider="kind", airflow_version="2.6.3", airflow=AIRFLOW)


def refusal(code: str) -> Refusal:
    return Refusal(code, "x", "a rule", f"{code} is wrong.", f"Correct {code}.")


class Desk:
    """What stands in for the cluster and for the repositories."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks, self.asked = 0, list[dict[str, Any]]()
        self.answers: dict[str, str | Refusal] = {HTTPS: "1" * 40, SSH: "2" * 40}
        self.errors: list[ApiError] = []
        self.decision: list[Refusal] = []
        self.state: dict[str, Any] = {}
        self.record: Record | None = None
        self.argocd = list[Found]()
        self.labelled = list[Found]()
        self.networks = list[bool]()
        monkeypatch.setattr(preflight, "read_state", self._read)
        # test_node_state.py
        self.nodes = list[str]()
        monkeypatch.setattr(node_state, "read", self._read_nodes)
        self.users = list[Found]()
        monkeypatch.setattr(preflight, "read_users", lambda _api: self.users)
        # test_node_ports.py
        self.ports = dict[int, Ref]()
        monkeypatch.setattr(node_ports, "read", lambda _api, _given: self.ports)
        # test_rights_read.py
        self.access = Access()
        self.checks = list[dict[str, bool]]()
        monkeypatch.setattr(rights_read, "read", self._read_access)
        # test_admission_policy.py
        monkeypatch.setattr(admission_state, "read", lambda _api, _given: None)

    def _read(self, _api: Any, _given: Settings, *, network: bool) -> State:
        self.looks += 1
        self.networks.append(network)
        for error in self.errors:
            raise error
        sight = Sight(cluster="uid", living=[Ref("Pod", "airflow-core", "task-1")], argocd=self.argocd, labelled=self.labelled)
        return State(sight, Decision(self.decision, False, [], self.record), **self.state)

    def _read_access(self, _api: Any, _given: Settings, **options: bool) -> Access:
        self.checks.append(options)
        return self.access

    def _read_nodes(self, _api: Any, _given: Settings, claim: str) -> Nodes:
        self.nodes.append(claim)
        return Nodes(({"metadata": {"name": "a"}},))

    def _ask(self, request: dict[str, Any]) -> str | Refusal:
        self.asked.append(request)
        return self.answers[request["repo"]]

    def run(self, given: Settings = GIVEN, cluster: bool = True, repositories: bool = True, **options: Any) -> Outcome:
        look = Preflight(given, lambda: None, self._ask, **options)  # type: ignore[arg-type, return-value]
        return look.run(cluster=cluster, repositories=repositories)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def codes(outcome: Outcome) -> list[str]:
    return [item.code for item in outcome.refusals]


def test_nothing_stands_in_the_way(desk: Desk) -> None:
    outcome = desk.run()
    assert (codes(outcome), outcome.reachable, outcome.complete, outcome.asked) == ([], True, True, True)
    assert outcome.repositories == [
        {"name": "platform", "embedded": False, "commit": "1" * 40},
        {"name": "dags", "embedded": False, "commit": "2" * 40},
    ]
    platform, dags = sorted(desk.asked, key=lambda request: str(request["repo"]), reverse=True)
    assert platform["push"] is True
    assert platform["owner"] == {
        "folder": "platform/airflow/core",
        "platform": "airflow",
        "cluster": "uid",
        "adopt": False,
        "take_over": "old@uid",
    }
    assert dags["folders"] == ["dags"]
    assert "owner" not in dags
    assert dags["names"]["folders"] == "airflow_app_dags_subpath"
    assert (platform["names_prefix"], platform["credentials"]) == ("airflow_app_platform_", AIRFLOW.platform.credentials)


def test_settings_need_no_cluster(desk: Desk) -> None:
    outcome = desk.run(replace(GIVEN, airflow=None, name=5), cluster=False)
    assert (codes(outcome), desk.looks, desk.asked) == (["platform_name"], 0, [])


def test_refusals_of_all_kinds_come_together(desk: Desk) -> None:
    desk.state = {"scheduler": {"spec": {"template": {"metadata": {"annotations": {"gitops-airflow/airflow-version": "2.5.0"}}}}}}
    desk.answers[HTTPS] = refusal("authentication")
    airflow = replace(AIRFLOW, values={"executor": "LocalExecutor"})
    outcome = desk.run(replace(GIVEN, airflow=airflow, airflow_host_port=80, argocd_host_port=80))
    assert codes(outcome) == ["same_port", "executor", "tasks_at_upgrade", "authentication"]


@pytest.mark.parametrize("wrong", [{"name": "A"}, {"provider": "x"}, {"git_server": "x"}, {"git_namespace": 5}])
def test_what_the_platform_is_must_be_known_before_a_look(desk: Desk, wrong: dict[str, Any]) -> None:
    outcome = desk.run(replace(GIVEN, **wrong))
    assert len(outcome.refusals) == 1
    assert (desk.looks, desk.asked) == (0, [])


def test_repositories_that_cannot_be_asked(desk: Desk) -> None:
    half = replace(AIRFLOW, platform=replace(AIRFLOW.platform, credentials=Credentials("ann")), dags_check=False)
    outcome = desk.run(replace(GIVEN, airflow=half))
    assert (codes(outcome), desk.asked, desk.looks) == (["half_credentials"], [], 1)
    embedded = replace(
        AIRFLOW, platform=Repository("platform", f"{INSIDE}p.git", embedded=True), dags=Repository("dags", f"{INSIDE}d.git", embedded=True)
    )
    assert (codes(desk.run(replace(GIVEN, airflow=embedded))), desk.asked) == ([], [])
    assert (desk.run(repositories=False).asked, desk.asked) == (False, [])


@pytest.mark.parametrize(
    ("purpose", "decision", "expected", "asked"),
    [
        ("install", [], ["tasks_at_upgrade"], 2),
        ("install", ["tasks_run"], ["tasks_run", "tasks_at_upgrade"], 2),
        # What is wrong in another's cluster is not this platform's concern.
        ("install", ["foreign_argocd", "tasks_run"], ["foreign_argocd", "tasks_run"], 2),
        ("use", ["tasks_run"], [], 0),
        ("use", ["other_platform"], ["other_platform"], 0),
        ("remove", ["other_platform", "tasks_run"], [], 0),
    ],
)
def test_what_counts_for_a_purpose(desk: Desk, purpose: str, decision: list[str], expected: list[str], asked: int) -> None:
    desk.state = {"scheduler": {"spec": {"template": {"metadata": {"annotations": {"gitops-airflow/airflow-version": "2.5.0"}}}}}}
    desk.decision = [refusal(code) for code in decision]
    outcome = desk.run(purpose=purpose)
    assert (codes(outcome), len(desk.asked), outcome.complete) == (expected, asked, True)


@pytest.mark.parametrize(
    ("purpose", "mode", "airflow", "expected"),
    [
        ("remove", "existing", AIRFLOW, ["own_argocd"]),
        # A role that knows nothing of Airflow removes objects, too.
        ("remove", "existing", None, ["own_argocd"]),
        ("remove", "install", AIRFLOW, []),
        ("use", "existing", AIRFLOW, []),
    ],
)
def test_a_removal_does_not_leave_an_argo_cd_of_the_platforms_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, purpose: str, mode: str, airflow: AirflowSettings | None, expected: list[str]
) -> None:
    monkeypatch.setattr(argocd_state, "read", lambda *_args: argocd_state.ArgoCD())
    desk.record = Record("argocd", "ours", "airflow", "applied", frozenset())
    assert codes(desk.run(replace(GIVEN, provider="existing", argocd=mode, airflow=airflow), purpose=purpose)) == expected


@pytest.mark.parametrize(
    ("purpose", "namespace", "airflow", "expected"),
    [
        ("remove", "shared", AIRFLOW, ["argocd_moved"]),
        ("remove", "argocd", AIRFLOW, []),
        # The name of the Application is not known.
        ("remove", "shared", None, []),
        ("use", "shared", AIRFLOW, []),
    ],
)
def test_a_removal_does_not_leave_an_application_elsewhere(
    desk: Desk, purpose: str, namespace: str, airflow: AirflowSettings | None, expected: list[str]
) -> None:
    labels = {"labels": marks("airflow")}
    desk.labelled = [Found(Ref("Application", "argocd", "airflow-core"), {"name": "airflow-core", "namespace": "argocd", **labels})]
    given = replace(GIVEN, provider="existing", argocd="existing", argocd_namespace=namespace, airflow=airflow)
    assert codes(desk.run(given, purpose=purpose)) == expected


STAGE_USES = Found(Ref("Application", "argocd", "stage-core"), {"name": "stage-core", "namespace": "argocd", "labels": marks("stage")})
OWN_USES = Found(Ref("Application", "argocd", "airflow-core"), {"name": "airflow-core", "namespace": "argocd", "labels": marks("airflow")})
POLICIES = [Ref("NetworkPolicy", namespace, "gitops-airflow-deny-1") for namespace in ("airflow-core", "argocd")]


@pytest.mark.parametrize(
    ("mode", "users", "left"),
    [("install", [OWN_USES], []), ("install", [OWN_USES, STAGE_USES], ["argocd"]), ("existing", [STAGE_USES], [])],
)
def test_the_network_policies_of_an_argo_cd_that_others_use_stay(desk: Desk, mode: str, users: list[Found], left: list[str]) -> None:
    desk.users = users
    desk.labelled = [Found(ref, {"name": ref.name, "namespace": ref.namespace, "labels": marks("airflow")}) for ref in POLICIES]
    plan = desk.run(replace(GIVEN, provider="existing", argocd=mode), purpose="remove").plan
    assert [ref.namespace for ref in POLICIES if ref not in plan.network.found] == left


@pytest.mark.parametrize("purpose", ["install", "use", "remove"])
def test_no_purpose_takes_a_platform_with_former_names_for_an_absent_one(desk: Desk, purpose: str) -> None:
    desk.labelled = [Found(Ref("Secret", "airflow-core", "airflow-admin"), {"name": "airflow-admin", "labels": marks("stage")})]
    given = replace(GIVEN, name="stage", prefix="stage", core_namespace="stage-core", worker_namespaces=("stage-core",))
    desk.decision = former_names(Sight(labelled=desk.labelled), given.owner()) if purpose != "remove" else []
    assert [code for code in codes(desk.run(given, purpose=purpose)) if code == "former_names"] == ["former_names"]


def test_a_node_port_of_others_is_refused(desk: Desk) -> None:
    desk.ports = {30080: Ref("Service", "prod-core", "airflow-webserver")}
    outcome = desk.run(replace(GIVEN, airflow=replace(AIRFLOW, webserver_node_port=30080)))
    assert codes(outcome) == ["node_port"]


NEWER = {"image": "argocd:v3.9.0"}


@pytest.mark.parametrize(("purpose", "reads", "warned"), [("install", 1, True), ("use", 0, False), ("remove", 0, False)])
def test_an_argo_cd_of_others_is_read_to_install(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, purpose: str, reads: int, warned: bool
) -> None:
    """A removal restarts its repository server, whose name it needs: the look at the owners has it."""
    server = {"name": "shared", "namespace": "argocd", "labels": {"app.kubernetes.io/component": "repo-server"}}
    desk.argocd = [Found(Ref("Deployment", "argocd", "shared"), server)]
    labels = {"app.kubernetes.io/component": "application-controller"}
    workloads = [{"metadata": {"name": "c", "labels": labels}, "spec": {"template": {"spec": {"containers": [NEWER]}}}}]
    workloads += [{"metadata": {"name": "shared", "labels": {"app.kubernetes.io/component": "repo-server"}}}]
    seen = list[Settings]()

    def read(_api: Any, given: Settings, _sight: Sight, _project: Any) -> argocd_state.ArgoCD:
        seen.append(given)
        return argocd_state.ArgoCD(tuple(workloads), frozenset(argocd_state.NEEDED_CRDS))

    monkeypatch.setattr(argocd_state, "read", read)
    outcome = desk.run(replace(GIVEN, provider="existing", argocd="existing"), purpose=purpose)
    assert (len(seen), any("version v3.9.0" in text for text in outcome.warnings)) == (reads, warned)
    assert (outcome.plan.repo_server == "shared") is (purpose != "use")


class Api:
    """An API server that has these objects, by path."""

    def __init__(self, **objects: Any) -> None:
        self.objects, self.paths = {path.replace("__", "/"): item for path, item in objects.items()}, list[str]()

    def get(self, path: str) -> Any:
        self.paths.append(path)
        name = "/".join(path.split("/")[4:])
        if name not in self.objects:
            raise ApiError(404, "not found")
        return self.objects[name]

    def metadata(self, path: str) -> Any:
        try:
            return self.get(path)["metadata"]
        except ApiError:
            return None


def test_f9_what_values_name_is_read_in_namespaces_that_exist() -> None:
    values = {"secret": [{"envName": "X", "secretName": "db", "secretKey": "k"}], "volumes": [{"name": "v", "configMap": {"name": "c"}}]}
    given = replace(GIVEN, worker_namespaces=("airflow-core", "cron", "new"), airflow=replace(AIRFLOW, values=values))
    core = {
        "airflow-core/secrets/db": {"data": {"k": "aHVudGVyMjI="}},
        "airflow-core/configmaps/c": {"data": {"a": "1"}, "binaryData": {"b": ""}},
    }
    api = Api(**core)
    found = preflight.read_named(api, given, Sight(namespaces=[{"name": "airflow-core"}, {"name": "cron"}]))  # type: ignore[arg-type]
    assert found == {
        Ref("Secret", "airflow-core", "db"): frozenset({"k"}),
        Ref("Secret", "cron", "db"): None,
        Ref("ConfigMap", "airflow-core", "c"): frozenset({"a", "b"}),
        Ref("ConfigMap", "cron", "c"): None,
    }
    assert len(api.paths) == 4
    assert preflight.read_named(api, replace(given, airflow=None), Sight()) == {}  # type: ignore[arg-type]


def test_f9_what_is_copied_is_read_once() -> None:
    values = {"secret": [{"envName": "X", "secretName": "db", "secretKey": "k"}]}
    airflow = replace(AIRFLOW, values=values, worker_secrets=("db", "none"))
    given = replace(GIVEN, worker_namespaces=("airflow-core", "cron", "etl", "new"), airflow=airflow)
    labels = {"gitops-airflow/copied-from": "airflow-core"}
    there = Found(Ref("Secret", "etl", "db"), {"name": "db", "namespace": "etl", "labels": labels})
    sight = Sight(namespaces=[{"name": name} for name in ("airflow-core", "cron", "etl")], labelled=[there])
    objects: dict[str, Any] = {"airflow-core/secrets/db": {"type": "Opaque", "data": {"k": "aHVudGVyMjI="}}}
    api = Api(**objects, **{"cron/secrets/db": {"metadata": {"name": "db"}}})
    standing = preflight.read_copies(api, given, sight)  # type: ignore[arg-type]
    core, none = (Ref("Secret", "airflow-core", name) for name in ("db", "none"))
    assert standing.sources == {core: Source(frozenset({"k"}), "Opaque"), none: None}
    copies = {Ref("Secret", place, name): None for place in ("cron", "etl", "new") for name in ("db", "none")}
    assert standing.targets == {**copies, Ref("Secret", "cron", "db"): {"name": "db"}, there.ref: there.metadata}
    asked = sorted("/".join(path.split("/")[4:]) for path in api.paths)
    sources = ["airflow-core/secrets/db", "airflow-core/secrets/none"]
    assert asked == [*sources, "cron/secrets/db", "cron/secrets/none", "etl/secrets/none"]
    assert preflight.read_named(api, given, sight, standing) == {core: frozenset({"k"})}  # type: ignore[arg-type]
    assert len(api.paths) == len(asked)
    assert preflight.read_copies(api, replace(given, airflow=None), sight).sources == {}  # type: ignore[arg-type]


def test_f9_only_an_installation_looks_for_what_values_name(desk: Desk) -> None:
    values = {"secret": [{"envName": "X", "secretName": "db", "secretKey": "k"}]}
    given = replace(GIVEN, airflow=replace(AIRFLOW, values=values))
    assert codes(desk.run(given)) == ["missing_reference"]
    assert codes(desk.run(given, purpose="use")) == codes(desk.run(given, purpose="remove")) == []


def test_f17_warnings_do_not_stand_in_the_way(desk: Desk) -> None:
    outcome = desk.run(replace(GIVEN, airflow=replace(AIRFLOW, values={"config": {"core": {"paralelism": 1}}})))
    assert codes(outcome) == []
    assert len(outcome.warnings) == 1
    assert desk.run(purpose="remove").warnings == []


def test_a_removal_does_not_check_airflows_settings(desk: Desk) -> None:
    airflow = replace(AIRFLOW, values={"executor": "LocalExecutor"}, platform=Repository("platform", "https://t0ken@h/x.git"))
    assert codes(desk.run(replace(GIVEN, airflow=airflow), purpose="remove")) == []
    assert codes(desk.run(replace(GIVEN, airflow=airflow), purpose="use")) == ["executor", "token_in_url"]


@pytest.mark.parametrize(
    ("status", "absent_ok", "code", "action"),
    [
        (0, False, "unreachable", "Check that the cluster runs"),
        (-1, False, "bad_access", "Set platform_kubeconfig to an existing kubeconfig file"),
        (401, True, "unauthorized", "Renew the credentials"),
        (403, True, "forbidden", "Grant this right"),
        (500, True, "server_error", "Read the log"),
        (0, True, "", ""),
        (-1, True, "", ""),
    ],
)
def test_a_cluster_that_cannot_be_read(desk: Desk, status: int, absent_ok: bool, code: str, action: str) -> None:
    desk.errors = [ApiError(status, "It answered no.")]
    outcome = desk.run(replace(GIVEN, airflow_host_port=80, argocd_host_port=80), absent_ok=absent_ok)
    assert (outcome.reachable, outcome.complete, outcome.plan.application) == (False, False, "airflow-core")
    platform = next(request for request in desk.asked if request["repo"] == HTTPS)
    if not code:
        assert codes(outcome) == ["same_port"]
        # A folder that belongs to a cluster is refused to one that does not exist yet.
        assert platform["owner"]["cluster"] == ""
        return
    # Whose folder it is cannot be judged.
    assert "owner" not in platform
    first, second = outcome.refusals
    assert first.code == "same_port"
    assert second.message == "The state of the cluster cannot be read. It answered no."
    assert second.next_action.startswith(action)


def test_an_error_that_knows_what_to_do_keeps_its_advice(desk: Desk) -> None:
    desk.errors = [ApiError(409, "No.", "Ask Ann.", "no_ann")]
    (found,) = desk.run().refusals
    assert (found.code, found.next_action) == ("no_ann", "Ask Ann.")


def test_a_record_that_cannot_be_read_is_a_refusal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_options: Any) -> State:
        raise CollectionError("The record is no JSON.", "Correct its key objects.", "bad_record")

    monkeypatch.setattr(preflight, "read_state", broken)
    (found,) = desk.run().refusals
    assert (found.code, found.message, found.next_action) == ("bad_record", "The record is no JSON.", "Correct its key objects.")


def test_a_missing_library_is_never_an_absent_cluster(desk: Desk) -> None:
    desk.errors = [LibraryMissing(-1, "no kubernetes")]
    with pytest.raises(LibraryMissing):
        desk.run(absent_ok=True)


def test_a_missing_kubeconfig_is_said_without_a_look(desk: Desk, tmp_path: Path) -> None:
    outcome = desk.run(replace(GIVEN, provider="existing"), kubeconfig=str(tmp_path / "none"))
    assert (codes(outcome), desk.looks) == (["kubeconfig"], 0)


# The failure


def test_one_refusal_is_the_failure() -> None:
    error = as_error([refusal("executor")], "Nothing was changed.")
    assert error.result() == {"msg": "executor is wrong. Nothing was changed.", "next_action": "Correct executor.", "code": "executor"}


def test_several_refusals_are_numbered() -> None:
    error = as_error([refusal("executor"), refusal("provider")], "Airflow was not changed.")
    assert error.message == "There are 2 problems.\n1. executor is wrong.\n2. provider is wrong.\nAirflow was not changed."
    assert error.next_action == "1. Correct executor.\n2. Correct provider."
    assert error.code == "refused"
    same = as_error([refusal("executor")] * 2)
    assert (same.message, same.next_action, same.code) == (
        "There are 2 problems.\n1. executor is wrong.\n2. executor is wrong.",
        "Correct executor.",
        "executor",
    )


def test_no_refusal_is_no_failure() -> None:
    with pytest.raises(ValueError, match="no refusal"):
        as_error([])
    enforce([])
    with pytest.raises(CollectionError, match="executor is wrong"):
        enforce([refusal("executor")])


# The module


def test_options_that_may_be_secret_are_not_shown() -> None:
    airflow: dict[str, Any] = {
        "platform_credentials": {"username": "ann", "password": "pw", "ssh_key": "key", "ca": None},
        "dags_credentials": None,
        "values": {"config": {"smtp": {"smtp_password": "hunter22x"}}},
        "platform_repo": "https://ghp_secret@host/x.git",
        "dags_repo": "ssh://git:pw@host/x.git",
        "logs_endpoint": "https://me:pw@s3",
        "chart_repository": "https://me:pw@charts",
    }
    assert hide(airflow) == {"pw", "key"}
    assert airflow == {
        "platform_credentials": {"username": "ann", "ca": None},
        "dags_credentials": {},
        "values": {},
        "platform_repo": "https://host/x.git",
        "dags_repo": "ssh://git@host/x.git",
        "logs_endpoint": "https://s3",
        "chart_repository": "https://charts",
    }
    assert hide(None) == set()


@pytest.mark.parametrize(
    ("folder", "code", "words", "action"),
    [
        ("app", "", "", ""),
        ("dags", "folder_missing", "has no folder 'dags'", "Correct airflow_app_dags_subpath, or commit a file in that folder."),
        ("../x", "bad_path", "is not the path of a file inside a repository", "Correct airflow_app_dags_subpath."),
    ],
)
def test_a_repository_is_asked_with_what_others_get(server: str, tmp_path: Path, folder: str, code: str, words: str, action: str) -> None:
    repo = Repository("dags", f"{server}/repo.git", credentials=Credentials("ann", "s3cret"))
    look = Preflight(GIVEN, lambda: None, lambda request: platform_preflight.ask(request, str(tmp_path)))  # type: ignore[arg-type, return-value]
    answer = platform_preflight.ask(look._request(repo, replace(AIRFLOW, subpath=folder), Outcome()), str(tmp_path))
    if not code:
        assert isinstance(answer, str)
        assert len(answer) == 40
        return
    assert isinstance(answer, Refusal)
    assert answer.code == code
    assert words in answer.message
    assert answer.next_action == action
    assert "s3cret" not in str(answer)


@pytest.mark.parametrize(("options", "asked"), [({}, True), ({"purpose": "use"}, False), ({"repositories": False}, False)])
def test_f7_the_chart_repository_is_asked_before_an_installation(desk: Desk, options: dict[str, Any], asked: bool) -> None:
    assert GIVEN.airflow
    given = replace(GIVEN, airflow=replace(GIVEN.airflow, chart=Chart("https://charts.example.com", "1.15.0")))
    urls: list[str] = []

    def broken(url: str) -> bytes:
        urls.append(url)
        return b"<html>"

    def away(url: str) -> bytes:
        raise OSError("no route to host")

    assert codes(desk.run(given, get=broken, **options)) == (["chart_repository"] if asked else [])
    assert urls == (["https://charts.example.com/index.yaml"] if asked else [])
    outcome = desk.run(given, get=away, **options)
    assert (codes(outcome), len(outcome.warnings)) == ([], int(asked))


def test_d8_the_network_is_looked_at_by_who_changes_it(desk: Desk) -> None:
    gap = "Tasks can reach pods. Next: set platform_network_ranges."
    desk.state = {"network": Network(("10.0.0.0/8",), gaps=(gap,))}
    assert gap in desk.run().warnings
    assert gap not in desk.run(replace(GIVEN, network_policy="none")).warnings
    for purpose in ("use", "remove"):
        desk.run(purpose=purpose)
    assert desk.networks == [True, True, False, False]


def test_d8_a_wrong_setting_of_the_network_is_a_refusal_and_nothing_more(desk: Desk) -> None:
    desk.state = {"network": None}
    outcome = desk.run(replace(GIVEN, task_egress=("x",), network_policy="open"))
    assert (codes(outcome), desk.networks) == (["network_policy", "network_rule"], [False])


POOL: dict[str, Any] = {"name": "airflow-core", "node_selector": {"pool": "etl"}}


def test_nodes_are_compared_by_who_changes_the_platform(desk: Desk) -> None:
    given = replace(GIVEN, profiles=(POOL,))
    assert codes(desk.run(given)) == ["no_node"]
    (note,) = desk.run(replace(given, provider="existing"), kubeconfig={}).plan.notes
    assert note.startswith("No node can take worker pods of airflow-core now")
    for purpose in ("use", "remove"):
        assert codes(desk.run(given, purpose=purpose)) == []
    assert desk.nodes == ["data-airflow-mysql-0"] * 2


@pytest.mark.parametrize(
    "given",
    [
        replace(GIVEN, profiles=({**POOL, "tolerations": [{"operator": "x"}]},)),
        replace(GIVEN, profiles=(POOL,), airflow=replace(AIRFLOW, core_placement={"node_selector": {"a": 1}})),
        replace(GIVEN, profiles=(POOL,), airflow=replace(AIRFLOW, values={"tolerations": "x"})),
    ],
)
def test_nodes_are_not_compared_with_what_has_not_the_form(desk: Desk, given: Settings) -> None:
    assert "no_node" not in codes(desk.run(given))
    assert codes(desk.run(given)) != []
    assert desk.nodes == []


def test_classes_are_looked_up_by_who_changes_the_platform(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = list[tuple[Any, ...]]()

    def read(_api: Any, given: Settings) -> dict[tuple[str, str], bool]:
        looks.append(given.profiles)
        return {("RuntimeClass", "gvisor"): False}

    monkeypatch.setattr(class_state, "read", read)
    given = replace(GIVEN, profiles=({"name": "airflow-core", "runtime_class": "gvisor"},))
    assert codes(desk.run(given)) == ["missing_class"]
    for purpose in ("use", "remove"):
        assert codes(desk.run(given, purpose=purpose)) == []
    # A name that Kubernetes would not take is not looked up.
    assert codes(desk.run(replace(given, profiles=({"name": "airflow-core", "runtime_class": "g visor"},)))) == ["worker_profile"]
    assert looks == [given.profiles]


def test_a_pull_secret_that_another_program_may_make_is_noted_by_who_changes_the_platform(desk: Desk) -> None:
    profiles: Any = ({"name": "airflow-core"}, {"name": "airflow-etl", "pull_secrets": ["registry"]})
    given = replace(GIVEN, worker_namespaces=("airflow-core", "airflow-etl"), profiles=profiles)
    outcome = desk.run(given)
    assert codes(outcome) == []
    (note,) = outcome.plan.notes
    assert note.startswith("platform_worker_namespaces names the Secret registry in pull_secrets. It cannot exist yet in airflow-etl,")
    for purpose in ("use", "remove"):
        assert desk.run(given, purpose=purpose).plan.notes == []


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        ("install", {"check": True, "remove": False}),
        ("use", {"check": False, "remove": False}),
        ("remove", {"check": True, "remove": True}),
    ],
)
def test_the_rights_for_the_purpose_are_checked(desk: Desk, purpose: str, expected: dict[str, bool]) -> None:
    desk.run(purpose=purpose)
    assert desk.checks == [expected]


def test_the_rights_for_unknown_settings_are_not_checked(desk: Desk) -> None:
    desk.run(replace(GIVEN, airflow=None))
    assert desk.checks == [{"check": False, "remove": False}]


def test_without_rights_nothing_is_read_and_the_repositories_are_asked_all_the_same(desk: Desk) -> None:
    unit = Unit("get", "", "secrets", "airflow-core")
    desk.access = Access(missing={unit: Right("read", ("get",), ("secrets",), namespace="airflow-core")}, account="ann")
    outcome = desk.run()
    assert (codes(outcome), desk.looks, outcome.reachable, outcome.asked) == (["missing_rights"], 0, False, True)
    assert "in airflow-core: get secrets" in outcome.refusals[0].message


def test_node_ports_are_compared_with_those_of_the_whole_cluster(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[Any]()
    monkeypatch.setattr(rights_read, "limited", lambda _api, _view: "the platform's namespaces")
    monkeypatch.setattr(node_ports, "read", lambda api, _given: asked.append(api))
    settings = replace(GIVEN, argocd_node_port=30443)
    outcome = desk.run(settings)
    assert asked == [None]  # as it is connected
    assert "platform_argocd_node_port (30443) is not checked" in outcome.plan.notes[-1]
