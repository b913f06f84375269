# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from the present state: what stands in the way of a change, and what a run will do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._platform.argocd_state import ArgoCD
from ansible_collections.gitops.airflow.plugins.module_utils._platform.copies import Source, Standing
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Decision, Found, Record, Ref, Sight
from ansible_collections.gitops.airflow.plugins.module_utils._platform.plan import GENERATED_KEYS, Plan, State, make_plan, refusals
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Logs, Repository, Settings

OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
OURS = {**OLDER, "gitops-airflow/platform": "airflow"}
OTHER = {**OLDER, "gitops-airflow/platform": "beta"}
INSIDE = "http://gitea.git.svc.cluster.local:3000/gitops/"
AIRFLOW = AirflowSettings(
    Repository("platform", f"{INSIDE}platform.git", embedded=True),
    Repository("dags", f"{INSIDE}dags.git", embedded=True),
    default_namespace="airflow-core",
)
GIVEN = Settings(airflow_version="2.6.3", worker_namespaces=("airflow-core", "airflow-cron"), airflow=AIRFLOW)
KEYS = frozenset(GENERATED_KEYS)
LOG_STORE = "gitops-airflow/log-store"


def secret(name: str, namespace: str = "airflow-core", labels: dict[str, str] | None = None, **annotations: Any) -> Found:
    metadata = {"name": name, "namespace": namespace, "labels": OURS if labels is None else labels, "annotations": annotations}
    return Found(Ref("Secret", namespace, name), metadata)


def project(namespaces: tuple[str, ...], labels: dict[str, str] | None = None) -> dict[str, Any]:
    metadata = {"labels": OURS if labels is None else labels}
    spec = {"sourceRepos": ["https://git.example/old.git"], "destinations": [{"namespace": name} for name in namespaces]}
    return {"metadata": metadata, "spec": spec}


def scheduler(version: str) -> dict[str, Any]:
    return {"spec": {"template": {"metadata": {"annotations": {"gitops-airflow/airflow-version": version}}}}}


def state(*labelled: Found, living: tuple[str, ...] = (), namespaces: tuple[str, ...] = (), adoption: bool = False, **more: Any) -> State:
    pods = [Ref("Pod", *pod.split("/")) for pod in living]
    names: list[Mapping[str, Any]] = [
        {"name": name, "labels": {"team": "a", "pod-security.kubernetes.io/enforce": "baseline"}} for name in namespaces
    ]
    sight = Sight(cluster="uid", namespaces=names, labelled=list(labelled), living=pods)
    return State(sight, Decision([], adoption, [], None), **more)


def namespace(name: str, standard: str = "", **labels: str) -> Mapping[str, Any]:
    return {"name": name, "labels": {**labels, **({"pod-security.kubernetes.io/enforce": standard} if standard else {})}}


def beside(*namespaces: Mapping[str, Any], adoption: bool = False) -> State:
    """A cluster with these namespaces."""
    found = state(adoption=adoption)
    found.sight.namespaces = list(namespaces)
    return found


MADE = {"gitops-airflow/made": "true"}


def given(**airflow: Any) -> Settings:
    return replace(GIVEN, airflow=replace(AIRFLOW, **airflow))


def found(what: State, settings: Settings = GIVEN) -> list[Any]:
    assert settings.airflow
    return refusals(what, make_plan(what, settings), settings, settings.airflow)


@pytest.mark.parametrize(
    ("what", "settings"),
    [
        (state(), GIVEN),
        (state(generated=KEYS, claim=True, scheduler=scheduler("2.6.3"), living=("airflow-cron/task-1",)), GIVEN),
        (state(generated=KEYS | {"more"}), GIVEN),
        (state(scheduler=scheduler("2.6.3")), replace(GIVEN, airflow_version="2.10.5")),
        (state(scheduler=scheduler("2.9.0"), living=("airflow-cron/task-1",)), replace(GIVEN, airflow_version="")),
        # Tasks of other Airflows do not count.
        (state(scheduler=scheduler("2.6.3"), living=("team-b/task-1",)), replace(GIVEN, airflow_version="2.10.5")),
        (state(project=project(("airflow-core", "old")), living=("airflow-cron/task-1", "team-b/x")), GIVEN),
        # H1, H7: what others made remembers nothing of this platform.
        (state(project=project(("old",), OTHER), living=("old/task-1",)), GIVEN),
        (state(project=project(("old",), {}), living=("old/task-1",)), GIVEN),
        (state(project=project(("old",), OLDER), living=("old/task-1",)), GIVEN),
        (state(bucket=frozenset({"access-key-id", "secret-access-key"})), given(logs=Logs("s3", bucket="b", secret="keys"))),
        # D6
        (beside(namespace("airflow-core", "baseline"), namespace("airflow-cron", "restricted"), namespace("team-b")), GIVEN),
        (beside(namespace("airflow-core", **OURS, **MADE), namespace("kube-system")), GIVEN),
        (beside(namespace("airflow-core", **OLDER, **MADE), adoption=True), GIVEN),
        (beside(namespace("airflow-cron")), replace(GIVEN, unenforced_namespaces=("airflow-cron",))),
    ],
)
def test_nothing_stands_in_the_way(what: State, settings: Settings) -> None:
    assert found(what, settings) == []


S3 = given(logs=Logs("s3", bucket="b", secret="keys"))
UPGRADE = replace(GIVEN, airflow_version="2.10.5")


@pytest.mark.parametrize(
    ("what", "settings", "code", "value", "words", "action"),
    [
        (
            state(generated=KEYS - {"fernet-key"}),
            GIVEN,
            "lost_keys",
            "fernet-key",
            "The Secret airflow-generated of airflow-core lacks fernet-key, but MySQL's volume claim data-airflow-mysql-0 needs",
            "Restore the Secret from a backup, or from airflow-admin",
        ),
        (state(claim=True), GIVEN, "lost_keys", ", ".join(GENERATED_KEYS), "MySQL would refuse new passwords", "airflow_app_state=absent"),
        (state(generated=frozenset()), GIVEN, "lost_keys", ", ".join(GENERATED_KEYS), "lacks admin-password, fernet-key", "Restore"),
        # D6
        *(
            (
                beside(namespace("airflow-core", "baseline"), there),
                GIVEN,
                "unenforced_namespace",
                "airflow-cron",
                "platform_worker_namespaces names airflow-cron. The platform did not create it",
                "kubectl label namespace airflow-cron pod-security.kubernetes.io/enforce=baseline.",
            )
            for there in (
                namespace("airflow-cron"),
                namespace("airflow-cron", "privileged"),
                namespace("airflow-cron", **OURS),
                namespace("airflow-cron", **OTHER, **MADE),
                namespace("airflow-cron", **OLDER, **MADE),
            )
        ),
        (
            beside(namespace("airflow-core"), namespace("airflow-cron")),
            replace(GIVEN, unenforced_namespaces=("airflow-cron",)),
            "unenforced_namespace",
            "airflow-core",
            "names airflow-core.",
            "add airflow-core to platform_unenforced_namespaces.",
        ),
        (
            state(namespaces=("airflow-core",)),
            S3,
            "bucket_secret",
            "airflow-core/keys",
            "but the Secret keys of airflow-core does not exist.",
            "kubectl -n airflow-core create secret generic keys --from-file=access-key-id",
        ),
        (
            state(),
            S3,
            "bucket_secret",
            "airflow-core/keys",
            "does not exist",
            "kubectl create namespace airflow-core; kubectl -n airflow-core create secret",
        ),
        (
            state(namespaces=("airflow-core",), bucket=frozenset({"access-key-id"})),
            S3,
            "bucket_secret",
            "airflow-core/keys",
            "the Secret keys of airflow-core lacks secret-access-key.",
            "kubectl -n airflow-core",
        ),
        (
            state(scheduler=scheduler("2.10.5")),
            GIVEN,
            "older_version",
            "2.6.3",
            "platform_airflow_version is 2.6.3, but Airflow 2.10.5 runs, whose database an older version cannot use.",
            "Set platform_airflow_version to 2.10.5 or newer.",
        ),
        (
            state(scheduler=scheduler("2.6.3"), living=("airflow-cron/task-1", "other/x")),
            UPGRADE,
            "tasks_at_upgrade",
            "airflow-cron/task-1",
            "Airflow 2.6.3 is to become 2.10.5, but tasks run, whose pods would continue with the old version on the new database: "
            "airflow-cron/task-1.",
            "Pause the DAGs, wait until these pods have ended",
        ),
        (
            state(secret("airflow-generated", "old-core"), project=project(("old-core", "airflow-cron"))),
            GIVEN,
            "core_moved",
            "airflow-core",
            "platform_core_namespace is 'airflow-core', but Airflow's database is in 'old-core' and cannot be moved.",
            "Correct platform_core_namespace",
        ),
        (
            state(living=("old/task-1", "airflow-cron/task-2"), project=project(("airflow-core", "old"))),
            GIVEN,
            "tasks_in_dropped",
            "old/task-1",
            "Tasks run in old, which platform_worker_namespaces no longer names: old/task-1.",
            "Pause the DAGs that use it",
        ),
        (
            state(living=("old/task-1",), project=project(("old",), OLDER), adoption=True),
            GIVEN,
            "tasks_in_dropped",
            "old/task-1",
            "Tasks run in old",
            "Pause",
        ),
    ],
)
def test_what_stands_in_the_way(what: State, settings: Settings, code: str, value: str, words: str, action: str) -> None:
    (refusal,) = found(what, settings)
    assert (refusal.code, refusal.value) == (code, value)
    assert words in refusal.message
    assert action in refusal.next_action
    assert refusal.rule
    assert "Next:" not in refusal.message + refusal.next_action


def test_tasks_of_a_dropped_namespace_are_in_the_way_of_an_upgrade_too() -> None:
    what = state(living=("old/task-1",), project=project(("old",)), scheduler=scheduler("2.6.3"))
    assert [refusal.code for refusal in found(what, UPGRADE)] == ["tasks_at_upgrade", "tasks_in_dropped"]


def plan(*labelled: Found, settings: Settings = GIVEN, **more: Any) -> Plan:
    return make_plan(state(*labelled, **more), settings)


def test_a_caller_that_knows_nothing_of_airflow_gets_what_the_cluster_is() -> None:
    made = plan(settings=replace(GIVEN, airflow=None), namespaces=("a", "kube-system"))
    assert (made.application, made.cluster, made.namespaces["a"]["team"]) == ("airflow-core", "uid", "a")
    assert (made.generated, made.running_version, made.log_store, made.embedded) == ("", "", "", {})


@pytest.mark.parametrize(
    ("labels", "adoption", "remembered"),
    [(OURS, False, True), (OLDER, True, True), (OLDER, False, False), (OTHER, True, False), ({}, True, False)],
)
def test_h1_h7_only_this_platforms_project_remembers(labels: dict[str, str], adoption: bool, remembered: bool) -> None:
    made = plan(project=project(("airflow-core", "old", "old"), labels), adoption=adoption)
    assert made.dropped_namespaces == (["old"] if remembered else [])
    assert made.moves is remembered


@pytest.mark.parametrize(
    ("running", "wanted", "version", "moves"),
    [
        (None, "2.6.3", "2.6.3", False),
        (scheduler("2.6.3"), "2.6.3", "2.6.3", False),
        (scheduler("2.6.3"), "2.10.5", "2.6.3", True),
        (scheduler("2.6.3"), "", "2.6.3", False),
        ({"spec": {"template": {"metadata": {}}}}, "2.10.5", "2.10.5", False),
    ],
)
def test_the_running_version_is_the_schedulers(running: Any, wanted: str, version: str, moves: bool) -> None:
    made = plan(scheduler=running, settings=replace(GIVEN, airflow_version=wanted))
    assert (made.running_version, made.moves) == (version, moves)


@pytest.mark.parametrize(
    ("airflow", "retired"),
    [
        ({}, ["dags-git-ssh"]),
        ({"dags": Repository("dags", "https://h/d.git", credentials=Credentials("a", "b"))}, ["dags-git-ssh"]),
        ({"dags": Repository("dags", "https://h/d.git", credentials=Credentials("a", "b")), "logs": Logs("s3")}, ["dags-git-ssh"]),
        ({"dags": Repository("dags", "https://h/d.git")}, ["dags-git-basic", "dags-git-ssh"]),
        (
            {"dags": Repository("dags", "git@h:d.git", credentials=Credentials(ssh_key="k")), "logs": Logs("none")},
            ["airflow-task-logs", "airflow-task-logs-webserver", "dags-git-basic"],
        ),
    ],
)
def test_f1_only_credentials_that_nothing_uses_are_retired(airflow: dict[str, Any], retired: list[str]) -> None:
    names = ("airflow-metadata", "airflow-task-logs", "airflow-task-logs-webserver", "dags-git-basic", "dags-git-ssh")
    others = [secret(name, "airflow-cron", OTHER) for name in names] + [secret(name, "elsewhere") for name in names[1:]]
    made = plan(*(secret(name) for name in names), *others, settings=given(**airflow))
    assert sorted(ref.name for ref in made.retired) == retired
    assert {(ref.kind, ref.namespace) for ref in made.retired} == {("Secret", "airflow-core")}


@pytest.mark.parametrize(
    ("namespace", "labels", "retired"),
    [
        ("airflow-cron", OURS, True),
        ("airflow-core", OURS, False),
        ("airflow-cron", OTHER, False),
        ("airflow-cron", {}, False),
        ("elsewhere", OURS, False),
    ],
)
def test_d7_the_key_of_sessions_leaves_the_namespaces_of_workers(namespace: str, labels: dict[str, str], retired: bool) -> None:
    made = plan(secret("airflow-webserver-secret-key", namespace, labels))
    assert [(ref.namespace, ref.name) for ref in made.retired] == ([(namespace, "airflow-webserver-secret-key")] if retired else [])


@pytest.mark.parametrize(
    ("before", "logs", "state_of_store", "note"),
    [
        ("", Logs(), "present", ""),
        ("the embedded store in airflow-logs", Logs(), "present", ""),
        (
            "the embedded store in airflow-logs",
            Logs("s3", bucket="b", secret="s"),
            "present",
            "Task logs go to b at AWS from now on. Airflow no longer shows those in the embedded store in airflow-logs. "
            "They stay there. To read them, set airflow_app_logs as it was.",
        ),
        (
            "the embedded store in airflow-logs",
            Logs("none"),
            "absent",
            "Task logs go to no store from now on. Airflow no longer shows those in the embedded store in airflow-logs.",
        ),
        (
            "b at https://s3:9000",
            Logs("s3", bucket="b", endpoint="https://s3", secret="s"),
            "absent",
            "Task logs go to b at https://s3 from now on. Airflow no longer shows those in b at https://s3:9000. "
            "They stay there. To read them, set airflow_app_logs as it was.",
        ),
    ],
)
def test_f1_logs_that_cannot_be_read_any_more_are_announced(before: str, logs: Logs, state_of_store: str, note: str) -> None:
    remembered: dict[str, Any] = {LOG_STORE: before}
    there = [secret("airflow-task-logs", **remembered), secret("airflow-task-logs", "airflow-cron")] if before else []
    made = plan(*there, settings=given(logs=logs, task_logs_state=state_of_store))
    assert made.log_store_before == before
    assert made.notes == ([note] if note else [])


@pytest.mark.parametrize("labels", [OURS, OTHER])
def test_a_dropped_namespace_is_retired_after_its_secrets(labels: dict[str, str]) -> None:
    names = ("airflow-metadata", "airflow-fernet-key", "dags-git-basic", "mine", "airflow-generated")
    found = [secret(name, "old", labels) for name in names] + [secret("airflow-metadata")]
    made = plan(*found, project=project(("airflow-core", "old")))
    expected = ["airflow-fernet-key", "airflow-metadata", "dags-git-basic"] if labels == OURS else []
    *secrets, namespace = made.retired
    assert sorted(ref.name for ref in secrets) == expected
    assert {(ref.kind, ref.namespace) for ref in secrets} <= {("Secret", "old")}
    assert namespace == Ref("Namespace", "", "old")


@pytest.mark.parametrize(
    ("namespace", "labels", "retired"), [("old", OURS, True), ("old", OTHER, False), ("old", {}, False), ("airflow-cron", OURS, False)]
)
def test_d9_the_rights_in_a_dropped_namespace_are_retired(namespace: str, labels: dict[str, str], retired: bool) -> None:
    names = ("airflow-pod-launcher", "airflow-pod-log-reader", *(("airflow-pod-operator",) if namespace == "old" else ()), "mine")
    rights = [Found(Ref(kind, namespace, name), {"labels": labels}) for kind in ("Role", "RoleBinding") for name in names]
    *refs, last = plan(*rights, project=project(("airflow-core", "old"))).retired
    assert last == Ref("Namespace", "", "old")
    assert refs == [found.ref for found in rights if retired and found.ref.name != "mine"]


@pytest.mark.parametrize(
    ("namespace", "labels", "retired"),
    [
        ("airflow-cron", OURS, True),
        ("airflow-cron", OTHER, False),
        ("airflow-cron", {}, False),
        # The option is set there.
        ("airflow-batch", OURS, False),
        # Not a worker namespace, and not one that was.
        ("elsewhere", OURS, False),
    ],
)
def test_f10_the_rights_to_make_pods_are_retired_with_the_option(namespace: str, labels: dict[str, str], retired: bool) -> None:
    names = ("airflow-pod-launcher", "airflow-pod-operator")
    rights = [Found(Ref(kind, namespace, name), {"labels": labels}) for kind in ("Role", "RoleBinding") for name in names]
    profiles: tuple[dict[str, Any], ...] = (
        {"name": "airflow-core"},
        {"name": "airflow-cron", "pod_operator": False},
        {"name": "airflow-batch", "pod_operator": True},
    )
    settings = replace(GIVEN, worker_namespaces=tuple(item["name"] for item in profiles), profiles=profiles)
    made = plan(*rights, settings=settings, project=project(settings.worker_namespaces))
    assert made.retired == [found.ref for found in rights if retired and found.ref.name == "airflow-pod-operator"]


def test_f10_a_pod_that_a_task_made_keeps_its_namespace() -> None:
    """A deferred task has no worker meanwhile."""
    what = state(project=project(("airflow-core", "old")))
    what.sight.made = [Ref("Pod", "old", "train-1"), Ref("Pod", "airflow-cron", "train-2")]
    (refusal,) = found(what, GIVEN)
    assert (refusal.code, refusal.value) == ("tasks_in_dropped", "old/train-1")


def test_d9_the_plan_names_the_accounts_with_rights() -> None:
    accounts = {"scheduler": "mine", "triggerer": "airflow-triggerer", "webserver": "airflow-webserver"}
    assert plan(settings=given(values={"scheduler": {"serviceAccount": {"name": "mine"}}})).accounts == accounts


def test_the_plan_says_which_repositories_are_embedded() -> None:
    assert plan(settings=given(dags=Repository("dags", "https://h/d.git"))).embedded == {"platform": True, "dags": False}


def test_the_plan_can_be_returned() -> None:
    made = plan(secret("dags-git-ssh"), generated=KEYS).as_dict()
    assert made["generated"] == "present"
    assert made["retired"] == [{"api_version": "", "kind": "Secret", "namespace": "airflow-core", "name": "dags-git-ssh"}]
    assert json.loads(json.dumps(made)) == made


COPY = {**OURS, "gitops-airflow/copied-from": "airflow-core"}


def test_f9_copies_that_are_not_set_any_more_are_retired_before_their_namespace() -> None:
    labelled = [secret("db", "airflow-cron", COPY), secret("former", "airflow-cron", COPY), secret("db", "old", COPY)]
    labelled += [secret("theirs", "old", {**COPY, **OTHER}), secret("airflow-metadata", "airflow-cron")]
    what = state(*labelled, project=project(("airflow-core", "airflow-cron", "old")))
    plan = make_plan(what, given(worker_secrets=("db",)))
    assert plan.copies == [item.ref for item in labelled[:3]]
    assert plan.retired == [Ref("Secret", "airflow-cron", "former"), Ref("Secret", "old", "db"), Ref("Namespace", "", "old")]
    assert [item["name"] for item in plan.as_dict()["copies"]] == ["db", "former", "db"]
    # A removal does not know what is set for Airflow.
    assert make_plan(what, replace(GIVEN, airflow=None)).copies == plan.copies


def test_f9_what_stands_in_the_way_of_copies_is_refused() -> None:
    source, copy = Ref("Secret", "airflow-core", "db"), Ref("Secret", "airflow-cron", "db")
    settings = given(worker_secrets=("db",), values={"secret": [{"envName": "X", "secretName": "db", "secretKey": "k"}]})
    (refusal,) = found(state(copies=Standing({source: None}, {copy: None}), named={source: None}), settings)
    assert refusal.code == "copy_source_missing"
    there = Standing({source: Source(frozenset({"k"}))}, {copy: None})
    assert found(state(copies=there, named={source: frozenset({"k"})}), settings) == []
    # A copy of an earlier run, which this one deletes, does not count.
    earlier = state(secret("db", "airflow-cron", COPY), named={source: frozenset({"k"}), copy: frozenset({"k"})})
    unset = given(values=settings.airflow.values if settings.airflow else {})
    assert [refusal.code for refusal in found(earlier, unset)] == ["missing_reference"]


def existing(name: str = "airflow", **airflow: Any) -> Settings:
    return replace(given(**airflow), name=name, argocd="existing")


@pytest.mark.parametrize(
    ("settings", "project_name", "own", "secret_name", "trust"),
    [
        (GIVEN, "airflow", "airflow", "airflow-platform-repository", "manage"),
        # Names of earlier versions stay.
        (replace(GIVEN, name="beta"), "airflow", "airflow", "airflow-platform-repository", "manage"),
        (existing(), "airflow", "airflow", "airflow-platform-repository", "check"),
        (existing("beta"), "beta", "beta", "beta-platform-repository", "check"),
        (existing("beta", project="data"), "data", "", "beta-platform-repository", "check"),
        (replace(existing("beta"), argocd_trust="manage"), "beta", "beta", "beta-platform-repository", "manage"),
    ],
)
def test_what_the_platform_has_in_argo_cd(settings: Settings, project_name: str, own: str, secret_name: str, trust: str) -> None:
    result = plan(settings=settings)
    assert (result.project, result.own_project, result.repository_secret, settings.trust) == (project_name, own, secret_name, trust)
    owner = settings.owner()
    assert (owner.project, owner.repository_secret, owner.existing_argocd) == (own, secret_name, settings.argocd == "existing")


def test_without_airflows_settings_no_name_in_an_argo_cd_of_others_is_known() -> None:
    owner = replace(existing(), airflow=None).owner()
    assert (owner.project, owner.repository_secret) == ("", "")


def test_the_repository_server_of_an_argo_cd_of_others() -> None:
    labels = {"app.kubernetes.io/component": "repo-server"}
    found = ArgoCD(({"metadata": {"name": "shared-repo-server", "labels": labels}},))
    assert plan(settings=existing(), argocd=found).repo_server == "shared-repo-server"
    assert plan().repo_server == "argocd-repo-server"


def test_a_dropped_namespace_is_known_without_a_project_of_its_own() -> None:
    """An AppProject of others permits namespaces that this platform never used."""
    theirs = project(("airflow-core", "team"), {})
    labelled = [secret("airflow-metadata", name) for name in ("airflow-core", "old")] + [secret("airflow-metadata", "beta-core", OTHER)]
    assert plan(*labelled, settings=existing(project="data"), project=theirs).dropped_namespaces == ["old"]


@pytest.mark.parametrize("settings", [existing(), GIVEN])
def test_a_dropped_namespace_is_known_by_the_project_and_by_the_secrets_of_workers(settings: Settings) -> None:
    """A new AppProject does not know where workers ran while one of others was used."""
    labelled = [secret("airflow-metadata", "cron"), secret("airflow-metadata", "beta-core", OTHER), secret("airflow-admin", "elsewhere")]
    own = project(("airflow-core", "old"))
    assert plan(*labelled, settings=settings, project=own).dropped_namespaces == ["old", "cron"]


@pytest.mark.parametrize(
    ("settings", "labels", "retired"),
    [
        (existing(), OURS, False),
        (existing(project="data"), OURS, True),
        (existing(project="data"), OTHER, False),
        (existing(project="airflow"), OURS, False),
        (GIVEN, OURS, False),
    ],
)
def test_a_project_that_is_not_used_any_more_is_retired(settings: Settings, labels: dict[str, str], retired: bool) -> None:
    own = Found(Ref("AppProject", "argocd", "airflow"), {"name": "airflow", "namespace": "argocd", "labels": labels})
    assert (own.ref in plan(own, settings=settings).retired) is retired


def in_argocd(kind: str, name: str, labels: dict[str, str] | None = None, namespace: str = "argocd") -> Found:
    return Found(Ref(kind, namespace, name), {"name": name, "namespace": namespace, "labels": OURS if labels is None else labels})


def test_a_project_of_the_same_name_in_another_namespace_is_retired() -> None:
    used, left = in_argocd("AppProject", "airflow", namespace="shared"), in_argocd("AppProject", "airflow")
    made = plan(used, left, settings=replace(existing(), argocd_namespace="shared"))
    assert [ref for ref in made.retired if ref.kind == "AppProject"] == [left.ref]


REPOSITORY = {"argocd.argoproj.io/secret-type": "repository"}


@pytest.mark.parametrize("settings", [existing(project="data"), replace(GIVEN, name="airflow"), existing()])
def test_a_removal_finds_what_the_platform_has_in_argo_cd_by_any_name(settings: Settings) -> None:
    own = [in_argocd("AppProject", "airflow"), in_argocd("AppProject", "before")]
    own += [in_argocd("Secret", name, {**OURS, **REPOSITORY}) for name in ("airflow-platform-repository", "before-platform-repository")]
    others = [in_argocd("AppProject", "data", {}), in_argocd("Secret", "theirs", {**OTHER, **REPOSITORY}), in_argocd("Secret", "plain")]
    others += [in_argocd("AppProject", "airflow", namespace="elsewhere"), in_argocd("Secret", "x", {**OURS, **REPOSITORY}, "elsewhere")]
    others += [in_argocd("Secret", "old", {**OLDER, **REPOSITORY}), in_argocd("ConfigMap", "argocd-installed")]
    made = plan(*others, *own, settings=settings)
    assert made.argocd_objects == [item.ref for item in own]
    assert made.as_dict()["argocd_objects"][0] == {"api_version": "", "kind": "AppProject", "namespace": "argocd", "name": "airflow"}
    adopted = plan(*others, *own, settings=settings, adoption=True)
    assert Ref("Secret", "argocd", "old") in adopted.argocd_objects


@pytest.mark.parametrize(
    ("there", "settings", "refused"),
    [
        (in_argocd("Application", "airflow-core"), existing(), ""),
        (in_argocd("Application", "airflow-core", namespace="shared"), existing(), "shared/airflow-core"),
        (in_argocd("Application", "airflow-core"), replace(existing(), argocd_namespace="shared"), "argocd/airflow-core"),
        (in_argocd("Application", "before"), existing(), "argocd/before"),
        (in_argocd("Application", "before", OTHER), existing(), ""),
        (in_argocd("Application", "before", {}), existing(), ""),
        (in_argocd("AppProject", "before"), existing(), ""),
        # With an Argo CD of its own, a platform may rename its Application, as before.
        (in_argocd("Application", "before"), GIVEN, ""),
    ],
)
def test_an_application_that_would_stay_is_refused(there: Found, settings: Settings, refused: str) -> None:
    what = state(there)
    result = [item for item in found(what, settings) if item.code == "argocd_moved"]
    assert [item.value for item in result] == ([refused] if refused else [])
    assert all(f"to {part}" in result[0].next_action for part in refused.split("/") if refused)
    # Only one of the two pieces of advice can be followed.
    what.decision = replace(what.decision, record=Record("argocd", "ours", "airflow", "applied", None))
    assert "argocd_moved" not in [item.code for item in found(what, settings)]


def test_what_an_argo_cd_of_others_lacks_is_refused() -> None:
    (refusal,) = found(state(argocd=ArgoCD()), existing())
    assert refusal.code == "no_argocd"
