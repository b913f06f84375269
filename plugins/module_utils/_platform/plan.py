# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from the present state of a cluster: what stands in the way, and what a run will do. Pure: objects in, decisions out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.repository import SECRET_TYPE
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import labels_of, owner_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import BASIC_SECRET, GIT_SYNC_SECRETS
from ansible_collections.gitops.airflow.plugins.module_utils._platform import (
    admission_state,
    argocd_state,
    class_state,
    copies,
    node_ports,
    node_state,
    pull_copies,
    references,
    storage_state,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_state import Admission
from ansible_collections.gitops.airflow.plugins.module_utils._platform.argocd_state import DEFAULT_REPO_SERVER, ArgoCD
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import service_accounts
from ansible_collections.gitops.airflow.plugins.module_utils._platform.git_accounts import token_options
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_plan import NetworkPlan, network_plan
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_ranges import Network
from ansible_collections.gitops.airflow.plugins.module_utils._platform.node_state import Nodes
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import (
    FORMER_WORKER_SECRETS,
    GENERATED,
    MADE,
    RIGHTS_KINDS,
    WORKER_RIGHTS,
    WORKER_SECRETS,
    Decision,
    Found,
    Obj,
    Ref,
    Scope,
    Sight,
    adoptable,
    argocd_users,
    other_platforms,
    points_here,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_fields import POD_OPERATOR
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import METRICS_NAMESPACE, AirflowSettings, Logs, Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.version import older

# What the Secret of passwords and keys holds, and the claim of the database that needs it.
GENERATED_KEYS = ("admin-password", "fernet-key", "mysql-password", "mysql-root-password", "webserver-secret-key")
CLAIM = "data-airflow-mysql-0"
# What the Secret of a bucket must hold.
BUCKET_KEYS = ("access-key-id", "secret-access-key")
LOG_SECRET, WEBSERVER_LOG_SECRET = "airflow-task-logs", "airflow-task-logs-webserver"
# Annotations by which objects remember the version that a pod runs, and where task logs go.
VERSION, LOG_STORE = "gitops-airflow/airflow-version", "gitops-airflow/log-store"
# The label by which a namespace enforces a Pod Security Standard, and the standards that keep pods off their node.
ENFORCE, STANDARDS = "pod-security.kubernetes.io/enforce", ("baseline", "restricted")


@dataclass
class State:
    """What was read of the cluster. Of Secrets no value: a set of keys is None where there is no Secret."""

    sight: Sight
    decision: Decision
    project: Obj | None = None  # the AppProject of the platform
    scheduler: Obj | None = None  # its Deployment
    generated: frozenset[str] | None = None
    claim: bool = False  # whether MySQL's volume claim exists
    bucket: frozenset[str] | None = None  # the Secret of a bucket of people's own
    # What people's chart values name. Objects that were not looked up, because their namespace does not exist, are left out.
    named: dict[Ref, frozenset[str] | None] = field(default_factory=dict)
    copies: copies.Standing = field(default_factory=copies.Standing)  # what is copied to the worker namespaces, and what is there
    pulls: pull_copies.PullSecrets = field(default_factory=pull_copies.PullSecrets)  # the pull secrets of the platform
    storage: storage_state.Storage = field(default_factory=storage_state.Storage)
    network: Network | None = None  # None: it was not looked at
    nodes: Nodes | None = None  # None: people choose no nodes
    classes: class_state.Classes = field(default_factory=dict)  # those that people name
    argocd: ArgoCD | None = None  # an Argo CD of others; None if none is used
    argocd_users: list[Found] = field(default_factory=list)  # for a removal: all Applications and ApplicationSets
    node_ports: dict[int, Ref] | None = field(default_factory=dict)  # the Services of those that are open; None: unknown
    admission: Admission | None = None  # what was found out about the admission policy; None if it is not wanted


@dataclass
class Plan:
    """What a run needs to know of the present state. No value of a Secret is in it."""

    application: str = ""
    cluster: str = ""
    other_platforms: list[str] = field(default_factory=list)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    adoption: bool = False
    in_use: bool = False
    unmarked: list[Ref] = field(default_factory=list)
    git_accounts: dict[str, Any] = field(default_factory=dict)  # options of gitea_tokens
    copies: list[Ref] = field(default_factory=list)  # copies of Secrets and ConfigMaps that earlier runs made, and that go with Airflow
    pull_copies: list[Ref] = field(default_factory=list)  # those with which other parts of the platform pull their images
    network: NetworkPlan = field(default_factory=NetworkPlan)
    # Only for a caller that knows of Airflow.
    generated: str = ""
    running_version: str = ""
    dropped_namespaces: list[str] = field(default_factory=list)
    # By the repository's kind: whether it is embedded, and the options of git_publish and git_branch_info.
    embedded: dict[str, bool] = field(default_factory=dict)
    git: dict[str, dict[str, Any]] = field(default_factory=dict)
    argocd_access: dict[str, Any] = field(default_factory=dict)
    project: str = ""  # the Application's AppProject
    own_project: str = ""  # the same if the roles make it
    repository_secret: str = ""
    argocd_objects: list[Ref] = field(default_factory=list)  # the AppProjects and repository Secrets in Argo CD's namespace, by any name
    repo_server: str = DEFAULT_REPO_SERVER  # the Deployment of Argo CD's repository server
    folder_owner: dict[str, Any] = field(default_factory=dict)
    worker_secrets: list[str] = field(default_factory=lambda: [*WORKER_SECRETS, *FORMER_WORKER_SECRETS])
    accounts: dict[str, str] = field(default_factory=dict)  # the ServiceAccounts of Airflow's parts that have rights, by part
    worker_rights: list[str] = field(default_factory=lambda: [*WORKER_RIGHTS, POD_OPERATOR])
    # Secrets, copies, rights and an AppProject that nothing uses any more, then the dropped namespaces.
    retired: list[Ref] = field(default_factory=list)
    log_store: str = ""
    log_store_before: str = ""
    admission: str = ""  # API version of the admission policy; empty if none is made
    moves: bool = False  # Airflow gets another version, or a namespace is dropped: neither while tasks run
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "network": self.network.as_dict(),
            **{
                name: [ref.as_dict() for ref in getattr(self, name)]
                for name in ("unmarked", "copies", "pull_copies", "argocd_objects", "retired")
            },
        }


def log_store_text(logs: Logs, namespace: str) -> str:
    """Where task logs go, for a person. It is kept in the cluster, so the texts of one setting stay the same."""
    if logs.mode == "s3":
        return f"{logs.bucket} at {logs.endpoint or 'AWS'}"
    return {"embedded": f"the embedded store in {namespace}", "none": "no store"}[logs.mode]


def folder_owner(plan: Plan, given: Settings, airflow: AirflowSettings) -> dict[str, Any]:
    """Whose folder of the platform repository it must be, as git_publish and git_branch_info take it (H3)."""
    return {
        "folder": airflow.path,
        "platform": given.name,
        "cluster": plan.cluster,
        "adopt": plan.in_use,
        "take_over": airflow.take_over,
    }


def make_plan(state: State, given: Settings) -> Plan:
    sight, decision, platform = state.sight, state.decision, given.owner()
    application = sight.application
    plan = Plan(
        application=platform.application,
        cluster=sight.cluster,
        other_platforms=other_platforms(sight, platform),
        namespaces={item["name"]: labels_of(item) for item in sight.namespaces},
        adoption=decision.adoption,
        in_use=application is not None and adoptable(application, platform) and points_here(application, platform),
        unmarked=decision.unmarked,
        git_accounts=token_options(given),
    )
    made = [ref for ref in copies.existing(sight.labelled, given) if not _is_of_used_part(ref, state, given, plan)]
    plan.pull_copies = [ref for ref in made if pull_copies.is_of_others(ref, given)]
    plan.copies = [ref for ref in made if ref not in plan.pull_copies]
    plan.network = network_plan(
        given,
        state.network,
        [item.ref for item in own_objects(state, given, "NetworkPolicy") if not _is_of_used_argocd(item.ref, state, given)],
        made=_made(state, given),
        known=plan.namespaces,
        parts=_parts(state, given),
        in_use=plan.in_use,
    )
    airflow = given.airflow
    if airflow is None:
        return plan
    wanted = list(given.worker_namespaces)
    plan.dropped_namespaces = [name for name in dict.fromkeys(_used_namespaces(state, given)) if name not in wanted]
    plan.project, plan.own_project, plan.repository_secret = given.project, given.own_project, given.repository_secret
    plan.argocd_objects = _argocd_objects(state, given)
    plan.repo_server = state.argocd.repo_server if state.argocd else DEFAULT_REPO_SERVER
    plan.embedded = {repo.kind: repo.embedded for repo in airflow.repositories}
    plan.git = {repo.kind: given.git_options(repo) for repo in airflow.repositories}
    plan.argocd_access = given.argocd_access(airflow.platform)
    plan.folder_owner = folder_owner(plan, given, airflow)
    plan.generated = "missing" if state.generated is None else "present"
    plan.running_version = running_version(state.scheduler) or given.airflow_version
    plan.moves = changes_version(plan, given) or bool(plan.dropped_namespaces)
    plan.accounts = service_accounts(airflow.values, airflow.name)
    secrets = own_objects(state, given, "Secret")
    plan.retired = [item.ref for item in secrets if _is_retired(item.ref, plan, given, airflow)]
    plan.retired += [ref for ref in copies.unused(sight.labelled, given, airflow) if not _is_of_used_part(ref, state, given, plan)]
    rights = [item.ref for item in own_objects(state, given, *RIGHTS_KINDS)]
    plan.retired += [ref for ref in rights if _is_unused_right(ref, plan, given)]
    projects = own_objects(state, given, "AppProject") if given.existing_argocd else []
    plan.retired += [item.ref for item in projects if item.ref != Ref("AppProject", str(given.argocd_namespace), given.project)]
    plan.retired += [Ref("Namespace", "", name) for name in plan.dropped_namespaces]
    plan.log_store = log_store_text(airflow.logs, given.logs_namespace)
    stored = [item for item in secrets if item.ref == Ref("Secret", given.core_namespace, LOG_SECRET)]
    plan.log_store_before = next((_annotations(item.metadata).get(LOG_STORE, "") for item in stored), "")
    plan.admission = state.admission.usable if state.admission else ""
    plan.notes = [
        *_notes(plan, airflow),
        *node_state.notes(state.nodes, given, airflow),
        *class_state.notes(state.classes),
        *admission_state.notes(state.admission, airflow.admission_policy),
        *references.log_store_notes(given, airflow, state.named, plan.namespaces),
    ]
    return plan


def _annotations(metadata: Any) -> dict[str, str]:
    return dict(metadata.get("annotations") or {})


def is_own(metadata: Any, state: State, given: Settings) -> bool:
    """Whether an object is this platform's. An older platform's has no label with its name until it is adopted."""
    owner = owner_of(metadata, given.name)
    return owner == "ours" or (owner == "older" and state.decision.adoption)


def _is_of_used_argocd(ref: Ref, state: State, given: Settings) -> bool:
    """Whether a removal leaves an object in Argo CD's namespace, because Argo CD stays for others."""
    scope = Scope(given.name, older=state.decision.adoption)
    return ref.namespace == given.argocd_namespace and bool(argocd_users(state.argocd_users, scope))


def _is_of_used_part(ref: Ref, state: State, given: Settings, plan: Plan) -> bool:
    """Whether a copy is of an Argo CD or metrics-server that stays for others: its pods pull their images with it."""
    metrics = ref.namespace == METRICS_NAMESPACE and bool(plan.other_platforms)
    return metrics or _is_of_used_argocd(ref, state, given)


def _made(state: State, given: Settings) -> set[str]:
    """The platform's namespaces that its roles made, or will make."""
    others = {str(item["name"]) for item in state.sight.namespaces if not (MADE in labels_of(item) and is_own(item, state, given))}
    return {*given.own_namespaces, given.core_namespace, *given.worker_namespaces} - others


def _parts(state: State, given: Settings) -> set[str]:
    """The Git server and the log store of this platform, as far as they run."""
    places = {given.git_namespace, given.logs_namespace}
    return {item.ref.name for item in own_objects(state, given, "Deployment") if item.ref.namespace in places}


def _used_namespaces(state: State, given: Settings) -> list[str]:
    """Where workers may run until this run: by the AppProject of the platform, if it has one, and by Secrets that workers need.

    A new AppProject, made after one of others was used, does not know the namespaces of before.
    """
    spec = own_project(state, given).get("spec") or {}
    destinations = [str(item.get("namespace")) for item in spec.get("destinations") or []]
    return destinations + [item.ref.namespace for item in own_objects(state, given, "Secret") if item.ref.name == WORKER_SECRETS[0]]


def own_project(state: State, given: Settings) -> Obj:
    """The AppProject as it is. One that this platform did not make remembers nothing of it: then it is empty."""
    project = state.project
    return project if project is not None and is_own(project["metadata"], state, given) else {}


def own_objects(state: State, given: Settings, *kinds: str) -> list[Found]:
    """Not those of another platform in the same cluster."""
    return [item for item in state.sight.labelled if item.ref.kind in kinds and is_own(item.metadata, state, given)]


def _argocd_objects(state: State, given: Settings) -> list[Ref]:
    """What goes with the Application. Their names follow from variables, so earlier runs may have used others."""
    return [
        item.ref
        for item in own_objects(state, given, "AppProject", "Secret")
        if item.ref.namespace == given.argocd_namespace
        and (item.ref.kind == "AppProject" or SECRET_TYPE.items() <= labels_of(item.metadata).items())
    ]


def running_version(scheduler: Obj | None) -> str:
    """The version that runs; empty where none runs, so that nothing stands against the wanted one.

    The scheduler's pods say it: they are changed last, when the database has been migrated.
    """
    template = (((scheduler or {}).get("spec") or {}).get("template") or {}).get("metadata") or {}
    return str(_annotations(template).get(VERSION, ""))


def changes_version(plan: Plan, given: Settings) -> bool:
    return given.airflow_version not in ("", plan.running_version)


def _is_retired(ref: Ref, plan: Plan, given: Settings, airflow: AirflowSettings) -> bool:
    """Whether nothing uses a Secret of Airflow any more: its namespace is dropped, its credentials are not needed, or workers had it."""
    if ref.namespace in plan.dropped_namespaces:
        return ref.name in plan.worker_secrets
    if ref.name in FORMER_WORKER_SECRETS:
        return ref.namespace in given.worker_namespaces and ref.namespace != given.core_namespace
    return ref.namespace in given.worker_namespaces and ref.name in _retired(airflow)


def _is_unused_right(ref: Ref, plan: Plan, given: Settings) -> bool:
    """Whether nothing uses a Role or RoleBinding any more: its namespace is dropped, or its tasks may not make pods any more."""
    if ref.namespace in plan.dropped_namespaces:
        return ref.name in plan.worker_rights
    return ref.name == POD_OPERATOR and ref.namespace in given.worker_namespaces and ref.namespace not in given.pod_operators


def _retired(airflow: AirflowSettings) -> set[str]:
    """Credentials of the DAG repository and of the task logs that are no longer used. The embedded server has a token for the DAGs."""
    names = {*GIT_SYNC_SECRETS} | ({LOG_SECRET, WEBSERVER_LOG_SECRET} if airflow.logs.mode == "none" else set())
    return names - ({BASIC_SECRET} if airflow.dags.embedded else set(airflow.dags.used.git_sync_secrets()))


def _notes(plan: Plan, airflow: AirflowSettings) -> Iterator[str]:
    before = plan.log_store_before
    if before in ("", plan.log_store):
        return
    removed = airflow.task_logs_state == "absent" and before.startswith("the embedded store")
    stay = "" if removed else " They stay there. To read them, set airflow_app_logs as it was."
    yield f"Task logs go to {plan.log_store} from now on. Airflow no longer shows those in {before}.{stay}"


def refusals(state: State, plan: Plan, given: Settings, airflow: AirflowSettings) -> list[Refusal]:
    """What stands in the way of installing or changing Airflow in a cluster that is this platform's."""
    namespaces = [str(item["name"]) for item in state.sight.namespaces]
    return [
        *_unenforced(state, given),
        *_lost(state, given),
        *_bucket(state, given, airflow),
        *copies.refusals(state.copies, given, namespaces),
        *pull_copies.refusals(state.pulls, given, namespaces),
        *storage_state.refusals(state.storage, given),
        *references.refusals(given, airflow, state.named, namespaces, copies.unused(state.sight.labelled, given, airflow)),
        *_older_version(plan, given),
        *_tasks_at_upgrade(state, plan, given),
        *_moved_core(state, plan, given),
        *moved_argocd(state, plan, given),
        *_tasks_in_dropped(state, plan),
        *node_state.refusals(state.nodes, given, airflow),
        *class_state.refusals(state.classes, given, airflow),
        *admission_state.refusals(state.admission, given, airflow),
        *argocd_state.refusals(state.argocd, state.decision, given, airflow),
        *node_ports.refusals(state.node_ports, given, state.sight.namespaces),
    ]


def _unenforced(state: State, given: Settings) -> Iterator[Refusal]:
    """D6: a worker namespace that others made lets a pod have its node. The role namespaces labels those that it makes."""
    accepted = given.unenforced_namespaces
    names = [
        str(item["name"])
        for item in state.sight.namespaces
        if item["name"] in given.worker_namespaces
        and item["name"] not in accepted
        and labels_of(item).get(ENFORCE) not in STANDARDS
        and not (MADE in labels_of(item) and is_own(item, state, given))
    ]
    if names:
        yield Refusal(
            "unenforced_namespace",
            ", ".join(names),
            "a worker namespace enforces the Pod Security Standard baseline or restricted",
            f"platform_worker_namespaces names {named(names)}. The platform did not create it, and it has no label {ENFORCE} with the "
            "value baseline or restricted. Nothing but Airflow's own processes would keep a task's pod from the files and the network of "
            "its node.",
            f"kubectl label namespace {' '.join(names)} {ENFORCE}=baseline. If something else restricts these pods, such as the API "
            f"server's admission configuration, add {', '.join(names)} to platform_unenforced_namespaces.",
        )


def _lost(state: State, given: Settings) -> Iterator[Refusal]:
    """What was made once, and is not made anew: it is there without a key, or the volume that needs it is."""
    if state.generated is None and not state.claim:
        return
    lost = sorted(set(GENERATED_KEYS) - (state.generated or frozenset()))
    if lost:
        yield Refusal(
            "lost_keys",
            ", ".join(lost),
            "passwords and keys that the database needs are never generated again",
            f"The Secret {GENERATED} of {given.core_namespace} lacks {', '.join(lost)}, but MySQL's volume claim {CLAIM} needs what it "
            "held. MySQL would refuse new passwords, and what Airflow encrypted with the old key would be lost.",
            "Restore the Secret from a backup, or from airflow-admin, airflow-mysql, airflow-fernet-key and airflow-webserver-secret-key "
            f"in {given.core_namespace}, which hold the same values. To begin with an empty database instead, run with "
            f"airflow_app_state=absent and delete the claim and {GENERATED}.",
        )


def _bucket(state: State, given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    name, namespace = airflow.logs.secret, given.core_namespace
    if airflow.logs.mode != "s3" or not name:
        return
    missing = [key for key in BUCKET_KEYS if key not in (state.bucket or ())]
    if not missing:
        return
    what = "does not exist" if state.bucket is None else f"lacks {', '.join(missing)}"
    there = any(item["name"] == namespace for item in state.sight.namespaces)
    yield Refusal(
        "bucket_secret",
        f"{namespace}/{name}",
        "a bucket's Secret has the keys access-key-id and secret-access-key",
        f"airflow_app_logs is 's3', but the Secret {name} of {namespace} {what}.",
        f"{'' if there else f'kubectl create namespace {namespace}; '}kubectl -n {namespace} create secret generic {name} "
        "--from-file=access-key-id --from-file=secret-access-key, with files of these names, and run the playbook again.",
    )


def _older_version(plan: Plan, given: Settings) -> Iterator[Refusal]:
    if changes_version(plan, given) and older(given.airflow_version, plan.running_version):
        yield Refusal(
            "older_version",
            given.airflow_version,
            "Airflow does not become older",
            f"platform_airflow_version is {given.airflow_version}, but Airflow {plan.running_version} runs, whose database an older "
            "version cannot use.",
            f"Set platform_airflow_version to {plan.running_version} or newer.",
        )


def _tasks_at_upgrade(state: State, plan: Plan, given: Settings) -> Iterator[Refusal]:
    workers = _workers(state.sight.living, [*given.worker_namespaces, *plan.dropped_namespaces])
    if workers and changes_version(plan, given):
        yield Refusal(
            "tasks_at_upgrade",
            named(workers),
            "no task runs while Airflow is upgraded",
            f"Airflow {plan.running_version} is to become {given.airflow_version}, but tasks run, whose pods would continue with the old "
            f"version on the new database: {named(workers)}.",
            "Pause the DAGs, wait until these pods have ended, and run the same command again.",
        )


def _moved_core(state: State, plan: Plan, given: Settings) -> Iterator[Refusal]:
    held = [item.ref.namespace for item in own_objects(state, given, "Secret") if item.ref.name == GENERATED]
    dropped = [name for name in dict.fromkeys(held) if name in plan.dropped_namespaces]
    if dropped:
        yield Refusal(
            "core_moved",
            str(given.core_namespace),
            "Airflow's namespace stays the same",
            f"platform_core_namespace is '{given.core_namespace}', but Airflow's database is in '{', '.join(dropped)}' and cannot be "
            "moved.",
            "Correct platform_core_namespace, or remove the platform first.",
        )


def moved_argocd(state: State, plan: Plan, given: Settings) -> Iterator[Refusal]:
    """An Argo CD of others stays, and with it the Application that it has: two of them would deploy the same objects."""
    if not given.existing_argocd or state.decision.record is not None:  # argocd_state.own refuses the platform's own Argo CD
        return
    wanted = Ref("Application", str(given.argocd_namespace), plan.application)
    for ref in [item.ref for item in own_objects(state, given, "Application") if item.ref != wanted]:
        yield Refusal(
            "argocd_moved",
            f"{ref.namespace}/{ref.name}",
            "the Application keeps its namespace and its name",
            f"platform_argocd_namespace is '{wanted.namespace}' and airflow_app_name is '{wanted.name}', but the platform has the "
            f"{ref}. Both would deploy the same objects.",
            f"Set platform_argocd_namespace to {ref.namespace} and airflow_app_name to {ref.name}. To move the Application, run once with "
            "these values and airflow_app_state=absent, and then with the new ones. The volume of the database stays.",
        )


def _tasks_in_dropped(state: State, plan: Plan) -> Iterator[Refusal]:
    # A deferred task has no worker while its pod runs.
    workers = _workers([*state.sight.living, *state.sight.made], plan.dropped_namespaces)
    if workers:
        yield Refusal(
            "tasks_in_dropped",
            named(workers),
            "no task runs in a namespace that is removed",
            f"Tasks run in {', '.join(plan.dropped_namespaces)}, which platform_worker_namespaces no longer names: {named(workers)}.",
            "Pause the DAGs that use it, wait until these pods have ended, and run the same command again.",
        )


def _workers(living: Sequence[Ref], namespaces: Sequence[str]) -> list[str]:
    return [f"{ref.namespace}/{ref.name}" for ref in living if ref.namespace in namespaces]
