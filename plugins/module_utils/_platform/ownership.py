# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns an object of a cluster, and what a platform may do to it. Pure: metadata in, decisions out (issue 11, H1, H2, H7)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd import default_project
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import (
    MANAGER,
    PLATFORM,
    Owner,
    labels_of,
    owner_of,
    owner_text,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import GIT_SYNC_SECRETS
from ansible_collections.gitops.airflow.plugins.module_utils._platform.names import DEFAULT_PREFIX, Names
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_fields import POD_OPERATOR
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal

Obj = dict[str, Any]

MADE = "gitops-airflow/made"
# What Argo CD writes on what it applies, as argocd-cm says (application.resourceTrackingMethod): since version 3 the annotation, as
# APPLICATION:GROUP/KIND:NAMESPACE/NAME; before, the label with the Application's name.
TRACKING, INSTANCE = "argocd.argoproj.io/tracking-id", "app.kubernetes.io/instance"
# "helm install" writes it on what it applies; Argo CD renders charts without it. Many charts have the label with the release's name.
RELEASE = "meta.helm.sh/release-name"
RECORD = "argocd-installed"
# The Secret of passwords and keys that are made once. A person restores it from a backup, perhaps without its labels.
GENERATED = "airflow-generated"
# The Secret with the password of Airflow's admin, which a removal deletes.
ADMIN = "airflow-admin"

DEPLOYED_KINDS = ("Application", "ApplicationSet")
ARGOCD_CRDS = ("applications.argoproj.io", "applicationsets.argoproj.io", "appprojects.argoproj.io")
# "argocd cluster add" makes these in a cluster that an Argo CD elsewhere manages: there is no Argo CD here (argo-cd: common.go).
REMOTE_ARGOCD = ("argocd-manager-role", "argocd-manager-role-binding")
# What Argo CD makes itself in its namespace, by name and kind; nothing of it is in install.yaml.
ARGOCD_BY_PRODUCTS = (("Secret", "argocd-initial-admin-secret"), ("Secret", "argocd-redis"))
# An element of an option that lists objects, as the doc fragment object_list describes it; ref_from() reads it.
OBJECT_SPEC: dict[str, Any] = {
    "api_version": {"type": "str", "default": ""},
    "kind": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": ""},
    "name": {"type": "str", "required": True},
}


@dataclass(frozen=True, order=True)
class Ref:
    """An object of the cluster by kind, namespace (empty for a cluster-wide one) and name."""

    kind: str
    namespace: str
    name: str
    api_version: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def as_dict(self) -> dict[str, str]:
        return {"api_version": self.api_version, "kind": self.kind, "namespace": self.namespace, "name": self.name}


@dataclass(frozen=True)
class Platform:
    """What a platform is called, where it lives, and what its Application points at."""

    name: str
    argocd_namespace: str = "argocd"
    core_namespace: str = "airflow-core"
    git_namespace: str = ""
    logs_namespace: str = ""
    namespaces: tuple[str, ...] = ()
    application: str = "airflow-core"
    repo: str = ""
    path: str = ""
    # What the chart has for single worker namespaces: ResourceQuotas, LimitRanges, the account that may make pods.
    quotas: tuple[Ref, ...] = ()
    operators: tuple[str, ...] = ()  # worker namespaces whose tasks may make pods there
    existing_argocd: bool = False  # whether an Argo CD of others is used (ADR 24)
    # What the roles make beside the Application in Argo CD's namespace; empty for nothing.
    project: str = "airflow"
    repository_secret: str = "airflow-platform-repository"
    prefix: str = DEFAULT_PREFIX
    # Namespaces that variables name for parts that the platform may have had, such as an embedded Git server.
    part_namespaces: tuple[str, ...] = ()

    @property
    def all_namespaces(self) -> tuple[str, ...]:
        names = (self.argocd_namespace, self.git_namespace, self.logs_namespace, self.core_namespace, *self.namespaces)
        return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class Found:
    """An object that the cluster has: where, and its ``metadata``."""

    ref: Ref
    metadata: Mapping[str, Any]


def managers(metadata: Mapping[str, Any]) -> set[str]:
    """The field managers that have written an object."""
    return {str(entry.get("manager")) for entry in metadata.get("managedFields") or []}


def is_tracked(found: Found, application: str) -> bool:
    """Whether Argo CD's tracking says that it applied an object for an Application.

    An annotation that names another object was copied from it and says nothing of this one (argo-cd: controller/state.go,
    isSelfReferencedObj). Where others wrote the object, the label proves nothing: Helm's charts have it, too.
    """
    annotations = found.metadata.get("annotations") or {}
    tracking = annotations.get(TRACKING)
    if tracking is None:
        # What Kubernetes itself writes says nothing.
        writers = {name for name in managers(found.metadata) if not name.startswith("kube-")}
        others = RELEASE in annotations or (writers and not any(name.startswith("argocd") for name in writers))
        return bool(application) and labels_of(found.metadata).get(INSTANCE) == application and not others
    name, _colon, rest = str(tracking).partition(":")
    kind, _colon, place = rest.partition(":")
    return (name, kind.rpartition("/")[2], place) == (application, found.ref.kind, f"{found.ref.namespace}/{found.ref.name}")


def is_handed_over(found: Found, application: str) -> bool:
    """Whether it is a Role or RoleBinding that the chart of an older version had, and that the roles now apply (ADR 19)."""
    own = found.ref.kind in RIGHTS_KINDS and found.ref.name in WORKER_RIGHTS
    return own and PLATFORM not in labels_of(found.metadata) and is_tracked(found, application)


def points_here(application: Obj, platform: Platform) -> bool:
    """Whether an Application has this platform's repository, path and destination namespace."""
    spec = application.get("spec") or {}
    source, destination = spec.get("source") or {}, spec.get("destination") or {}
    return (
        source.get("repoURL") == platform.repo
        and str(source.get("path")).strip("/") == platform.path.strip("/")
        and destination.get("namespace") == platform.core_namespace
    )


def adoptable(application: Obj | None, platform: Platform) -> bool:
    """Whether the objects of an older platform in this cluster are this platform's: its Application is, or was already adopted."""
    if application is None:
        return False
    owner = owner_of(application["metadata"], platform.name)
    return owner == "ours" or (owner == "older" and points_here(application, platform))


def is_restored(found: Found, platform: Platform) -> bool:
    """Whether it is the Secret that is made once, which lost its labels, in the namespace of this platform's Application."""
    return found.ref == Ref("Secret", platform.core_namespace, GENERATED) and owner_of(found.metadata, platform.name) == "foreign"


# The record of an installed Argo CD


@dataclass(frozen=True)
class Record:
    """What the ConfigMap ``argocd-installed`` says: whose Argo CD, its state, and its objects (None: an older record without a list)."""

    namespace: str
    owner: Owner
    platform: str
    state: str
    objects: frozenset[Ref] | None


def read_record(configmap: Obj, platform: str) -> Record:
    """Raises CollectionError for a list that is not one."""
    data, metadata = configmap.get("data") or {}, configmap["metadata"]
    objects = None
    if "objects" in data:
        try:
            objects = frozenset(ref_from(item) for item in json.loads(data["objects"]))
        except (ValueError, AttributeError, TypeError) as error:
            message = f"The record of the Argo CD in {metadata['namespace']} (ConfigMap {metadata.get('name')}) cannot be read: {error}"
            raise CollectionError(message, "Correct its key objects, or restore the ConfigMap.", "bad_record") from error
    return Record(
        metadata["namespace"], owner_of(metadata, platform), labels_of(metadata).get(PLATFORM, ""), data.get("state", "applied"), objects
    )


def ref_from(item: Mapping[str, Any]) -> Ref:
    """A reference from its dictionary, in Ansible's or Kubernetes' spelling. Raises InputError where kind or name is missing."""
    kind, name = item.get("kind"), item.get("name")
    if not kind or not name:
        raise InputError(f"{dict(item)!r} names no object: kind and name are needed.", "Give both.")
    version = item.get("api_version") or item.get("apiVersion") or ""
    return Ref(str(kind), str(item.get("namespace") or ""), str(name), str(version))


def installed_by_us(found: Found, record: Record | None, adopted: bool) -> bool:
    """Whether an object of an Argo CD is the one that this platform's record covers.

    The collection's field manager must be among those that wrote it: an object that another made anew under the same name is not ours.
    """
    if record is None or MANAGER not in managers(found.metadata):
        return False
    if record.objects is not None:
        return record.owner == "ours" and found.ref in record.objects
    return (record.owner == "ours" or (record.owner == "older" and adopted)) and found.ref.namespace in ("", record.namespace)


def is_foreign_argocd(found: Found, record: Record | None, adopted: bool) -> bool:
    """Whether a CRD, workload or cluster-wide role is part of an Argo CD that this platform did not install.

    Beside an Argo CD of ours, further roles and workloads in its namespace may be extensions of it; what has a recorded name is not.
    """
    if found.ref.name in REMOTE_ARGOCD or installed_by_us(found, record, adopted):
        return False
    if record is None or not (record.owner == "ours" or adopted) or found.ref in (record.objects or ()):
        return True
    return found.ref.kind not in ("ClusterRole", "ClusterRoleBinding") and found.ref.namespace != record.namespace


# The look before anything changes


@dataclass
class Sight:
    """What one look at the cluster found."""

    cluster: str = ""  # uid of the namespace kube-system
    namespaces: list[Mapping[str, Any]] = field(default_factory=list)
    labelled: list[Found] = field(default_factory=list)  # everything with the collection's part-of label
    argocd: list[Found] = field(default_factory=list)  # CRDs, workloads, ClusterRoles and their bindings of any Argo CD
    records: list[Obj] = field(default_factory=list)
    application: Obj | None = None
    planned: list[Found] = field(default_factory=list)  # objects whose names this platform will write
    chart: list[Found] = field(default_factory=list)  # objects whose names the chart renders, while there is no Application of ours
    living: list[Ref] = field(default_factory=list)  # worker pods that have not ended, anywhere
    workers: list[str] = field(default_factory=list)  # those in this platform's namespaces
    made: list[Ref] = field(default_factory=list)  # pods that tasks made (pod_operator) and that have not ended, anywhere


@dataclass(frozen=True)
class Decision:
    """What follows from a look."""

    refusals: list[Refusal]
    adoption: bool  # objects of an older platform are this platform's and have no mark yet
    unmarked: list[Ref]  # those objects
    record: Record | None


def own_record(records: Sequence[Obj], platform: Platform) -> Record | None:
    """The record of this platform's Argo CD, if it is this platform's or an older one's.

    It is in platform_argocd_namespace. With an Argo CD of others, that is their namespace, and a record anywhere counts.
    """
    for item in records:
        record = read_record(item, platform.name)
        here = platform.existing_argocd or record.namespace == platform.argocd_namespace
        if here and record.owner in ("ours", "older"):
            return record
    return None


def decide(sight: Sight, platform: Platform, older: bool = False) -> Decision:
    """Whether this platform may be installed or changed in the cluster, and which unmarked objects are its own.

    ``older``: an earlier look has found that objects of an older version are this platform's.
    Raises CollectionError for a record that cannot be read.
    """
    adopted = older or (adoptable(sight.application, platform) and not _second_older(sight, platform))
    record = own_record(sight.records, platform)
    unmarked = [found.ref for found in sight.labelled if owner_of(found.metadata, platform.name) == "older"]
    adoption = adopted and bool(unmarked)
    # An Argo CD that is used needs no mark; _platform/argocd_state.py says whether it can be used.
    foreign = () if platform.existing_argocd else sight.argocd
    argocd = [found.ref for found in foreign if is_foreign_argocd(found, record, adopted)]
    refusals = [
        *_other_platform(sight, platform, argocd),
        *former_names(sight, platform),
        *_older_elsewhere(sight, platform, unmarked, adopted),
        *_foreign_argocd(argocd, sight, platform),
        *_foreign_objects(sight, platform, record, adopted, argocd),
        *_tasks_run(sight, platform, adoption),
    ]
    restored = [found.ref for found in sight.planned if is_restored(found, platform)]
    return Decision(refusals, adoption, [*unmarked, *restored] if adopted else [], record)


def _second_older(sight: Sight, platform: Platform) -> list[Ref]:
    """Applications of other older platforms in the cluster: without a mark, nothing says which of them an unmarked object is of."""
    own = (platform.argocd_namespace, platform.application)
    return [
        found.ref
        for found in sight.labelled
        if found.ref.kind == "Application"
        and (found.ref.namespace, found.ref.name) != own
        and owner_of(found.metadata, platform.name) == "older"
    ]


def other_platforms(sight: Sight, platform: Platform) -> list[str]:
    """The names of other platforms whose Airflow is in the cluster. What a removed one left behind is none."""
    signs = [found for found in sight.labelled if found.ref.kind == "Application" or (found.ref.kind, found.ref.name) == ("Secret", ADMIN)]
    return sorted({labels_of(found.metadata)[PLATFORM] for found in signs if owner_of(found.metadata, platform.name) == "other"})


def _other_platform(sight: Sight, platform: Platform, argocd: Sequence[Ref]) -> list[Refusal]:
    """What another platform has under names of this one. Platforms that share no name can be in one cluster (ADR 25).

    ``argocd``: parts of an Argo CD that is refused. What is in its namespace counts only once it is used.
    """
    planned = {found.ref for found in sight.planned}
    others: dict[str, dict[Ref, None]] = {}
    for found in (*sight.labelled, *sight.planned):
        if argocd and platform.argocd_namespace in (found.ref.namespace, found.ref.name):
            continue
        if owner_of(found.metadata, platform.name) == "other" and _collides(found.ref, platform, planned):
            others.setdefault(labels_of(found.metadata)[PLATFORM], {})[found.ref] = None
    return [
        Refusal(
            "other_platform",
            name,
            "two platforms of a cluster share no namespace and no name",
            f"platform_name is '{platform.name}', but the cluster has the platform '{name}', which uses the same names: {named(refs)}.",
            f"Give one of the two other names: change {named(_naming_variables(refs, platform))}. To work "
            f"on that platform, set platform_name to '{name}'. If it was removed and its data is not needed, delete these objects.",
        )
        for name, refs in sorted(others.items())
    ]


def _collides(ref: Ref, platform: Platform, planned: Collection[Ref]) -> bool:
    """Whether an object of another platform is where this one is. Several platforms have Applications in one Argo CD's namespace."""
    if ref.kind == "Namespace":
        return ref.name in platform.all_namespaces and not (platform.existing_argocd and ref.name == platform.argocd_namespace)
    if ref.namespace in ("", platform.argocd_namespace):
        return ref in planned
    return ref.namespace in platform.all_namespaces


def _naming_variable(ref: Ref, platform: Platform) -> str:
    """The variable that sets the name of an object's namespace or, in Argo CD's namespace, its own name."""
    if ref.kind == "Application":
        return "airflow_app_name"
    in_argocd = "platform_name" if platform.existing_argocd else "platform_prefix"
    if ref.kind != "Namespace" and ref.namespace == platform.argocd_namespace:
        return in_argocd
    return _namespace_variables(platform).get(ref.name if ref.kind == "Namespace" else ref.namespace, in_argocd)


def _naming_variables(refs: Iterable[Ref], platform: Platform) -> list[str]:
    """These variables, first the one from which all names follow."""
    return list(dict.fromkeys(["platform_prefix", *sorted(_naming_variable(ref, platform) for ref in refs)]))


def former_names(sight: Sight, platform: Platform) -> list[Refusal]:
    """A platform that was installed when every platform had the names of the default one would be built anew under others."""
    names = Names(DEFAULT_PREFIX)
    places = {*names.workers, names.logs, names.git} - {*platform.all_namespaces, *platform.part_namespaces}
    in_argocd = {("Application", names.application), ("AppProject", names.project), ("Secret", f"{names.project}-platform-repository")}
    in_argocd -= {("Application", platform.application), ("AppProject", platform.project), ("Secret", platform.repository_secret)}

    def is_former(ref: Ref) -> bool:
        if ref.namespace == platform.argocd_namespace:
            return (ref.kind, ref.name) in in_argocd
        return (ref.name if ref.kind == "Namespace" else ref.namespace) in places

    moved = [found.ref for found in sight.labelled if is_former(found.ref) and owner_of(found.metadata, platform.name) == "ours"]
    if platform.prefix == DEFAULT_PREFIX or not moved:
        return []
    return [
        Refusal(
            "former_names",
            platform.prefix,
            "an installed platform keeps its names",
            f"The platform '{platform.name}' was installed with the names of an earlier version ({named(moved)}). Its names would begin "
            f"with '{platform.prefix}' now, and what it has would stay behind under the former ones.",
            f"Set platform_prefix to {DEFAULT_PREFIX}, from which its names follow. To give the platform other names, remove it first.",
        )
    ]


def _older_elsewhere(sight: Sight, platform: Platform, older: Sequence[Ref], adopted: bool) -> list[Refusal]:
    if adopted or not older:
        return []
    application = sight.application
    what = "there is no Application of that platform, so whose objects these are cannot be verified"
    advice = (
        f"If they are this platform's, label each one: kubectl label KIND NAME -n NAMESPACE {PLATFORM}={platform.name}. "
        "If they are another platform's, run site.yml with the settings of that platform first: it labels them."
    )
    if platform.prefix != DEFAULT_PREFIX:
        advice = f"If they are this platform's, set platform_prefix to {DEFAULT_PREFIX}, from which its names follow. {advice}"
    if second := _second_older(sight, platform):
        what = f"they may be of another platform, whose Application is there too ({named(second)})"
        advice = (
            f"Label each one that is this platform's: kubectl label KIND NAME -n NAMESPACE {PLATFORM}={platform.name}. "
            "Label the other platform's with that one's name."
        )
    elif application is not None:
        spec = application.get("spec") or {}
        source = spec.get("source") or {}
        shown = f"{source.get('repoURL')}, folder {source.get('path')}, namespace {(spec.get('destination') or {}).get('namespace')}"
        what = (
            f"its Application {platform.argocd_namespace}/{platform.application} uses {shown}, and the inventory says "
            f"{platform.repo}, folder {platform.path}, namespace {platform.core_namespace}"
        )
        advice = "Run site.yml once with the repository, folder and namespace that the Application uses; change them in a later run."
    return [
        Refusal(
            "older_platform",
            named(older),
            "an older platform is adopted if its Application uses this platform's repository, folder and namespace",
            f"The cluster has objects of an older version of this collection ({named(older)}), but {what}.",
            advice,
        )
    ]


def _foreign_argocd(foreign: Sequence[Ref], sight: Sight, platform: Platform) -> list[Refusal]:
    if not foreign:
        return []
    records = [read_record(item, platform.name) for item in sight.records]
    other = next((record for record in records if record.owner == "other"), None)
    if other is not None:
        return [
            Refusal(
                "foreign_argocd",
                named(foreign),
                "one Argo CD in a cluster",
                f"platform_argocd is 'install' for the platform '{platform.name}', but the platform '{other.platform}' installed the "
                f"Argo CD in {other.namespace}. Two of them would share CRDs and cluster-wide roles.",
                f"Set platform_argocd to existing and platform_argocd_namespace to {other.namespace} (docs/own-cluster.md), so that both "
                "platforms use this Argo CD.",
            )
        ]
    return [
        Refusal(
            "foreign_argocd",
            named(foreign),
            "no Argo CD but the one that this platform installed",
            f"The cluster has an Argo CD that this platform did not install: {named(foreign)}. "
            "A platform that installs Argo CD needs a cluster without Argo CD, because two of them share CRDs and cluster-wide roles.",
            "To use that Argo CD, set platform_argocd to existing (docs/own-cluster.md). Otherwise use a cluster without Argo CD "
            "(platform_context), and leave the Argo CD that is there to its owner.",
        )
    ]


def _foreign_objects(sight: Sight, platform: Platform, record: Record | None, adopted: bool, argocd: Sequence[Ref]) -> list[Refusal]:
    # An object of an older platform that is not adopted, or of another platform, has a refusal of its own.
    foreign = [
        found.ref
        for found in sight.planned
        if owner_of(found.metadata, platform.name) == "foreign"
        and not installed_by_us(found, record, adopted)
        and not (adopted and is_restored(found, platform))
        and not is_handed_over(found, platform.application)
    ]
    foreign += [
        found.ref
        for found in sight.chart
        if owner_of(found.metadata, platform.name) == "foreign" and not is_tracked(found, platform.application)
    ]
    if argocd:  # what stands beside a foreign Argo CD is part of it, and another namespace would not help
        foreign = [ref for ref in foreign if ref.namespace != platform.argocd_namespace and ref not in argocd]
    if not foreign:
        return []
    return [
        Refusal(
            "foreign_object",
            named(foreign),
            f"objects that this platform writes carry {PLATFORM}={platform.name}, or do not exist",
            f"The cluster has objects with the names of this platform's own, which it did not make: {named(foreign)}. "
            "They would be overwritten.",
            _other_names(foreign, platform, installed=record is not None),
        )
    ]


def _namespace_variables(platform: Platform) -> dict[str, str]:
    """The variable that names each namespace."""
    return {
        platform.argocd_namespace: "platform_argocd_namespace",
        platform.git_namespace: "platform_git_namespace",
        platform.logs_namespace: "platform_logs_namespace",
        **dict.fromkeys(platform.namespaces, "platform_worker_namespaces"),
        platform.core_namespace: "platform_core_namespace",
    }


def _other_names(foreign: Sequence[Ref], platform: Platform, *, installed: bool) -> str:
    """What to do about objects of others: an Argo CD that is installed stays in its namespace and in its cluster."""
    variables = _namespace_variables(platform)
    # A platform without a Git server or log store has no namespace of it, and neither has a cluster-wide object.
    for name in ("", platform.argocd_namespace) if installed or platform.existing_argocd else ("",):
        variables.pop(name, None)
    concerned = dict.fromkeys(variables[ref.namespace] for ref in foreign if ref.namespace in variables)
    fixed = [ref for ref in foreign if ref.namespace not in variables]
    # In an Argo CD of others the names follow from variables.
    renamed = [ref for ref in fixed if platform.existing_argocd and ref.namespace == platform.argocd_namespace]
    fixed = [ref for ref in fixed if ref not in renamed]
    names = dict.fromkeys("airflow_app_name" if ref.kind == "Application" else "platform_name" for ref in renamed)
    advice = [f"Change {named(names)}, from which the names in {platform.argocd_namespace} follow."] if names else []
    advice += [f"Use namespaces without such objects: change {named(concerned)}."] if concerned else []
    if fixed and installed:
        advice.append(f"Rename {named(fixed)}, or delete what nobody needs.")
    elif fixed:
        advice.append("Use another cluster (platform_context).")
    return " ".join(advice)


def _tasks_run(sight: Sight, platform: Platform, adoption: bool) -> list[Refusal]:
    if not adoption or not sight.workers:
        return []
    return [
        Refusal(
            "tasks_run",
            named(sight.workers),
            "a platform of an older version of this collection is upgraded only while no task runs",
            f"Platform '{platform.name}' was made by an older version of this collection. Its upgrade restarts Airflow and its database "
            f"once, but tasks run: {named(sight.workers)}.",
            "Pause the DAGs, wait until these pods have ended, and run the same command again.",
        )
    ]


def _planned_in_argocd(platform: Platform) -> list[Ref]:
    namespace, version = platform.argocd_namespace, "argoproj.io/v1alpha1"
    installed = [("ConfigMap", RECORD, "v1"), ("Service", "argocd-server-node-port", "v1")]
    items = [
        *([] if platform.existing_argocd else installed),
        ("Secret", platform.repository_secret, "v1"),
        ("AppProject", platform.project, version),
        ("Application", platform.application, version),
    ]
    return [Ref(kind, namespace, name, api_version) for kind, name, api_version in items if name]


def planned_refs(platform: Platform) -> list[Ref]:
    """The objects with fixed names that the roles write themselves, apart from install.yaml's. The chart's are Argo CD's to write."""
    refs = [
        *_planned_in_argocd(platform),
        *(Ref("Secret", platform.core_namespace, name, "v1") for name in CORE_SECRETS),
        Ref("ConfigMap", platform.core_namespace, "airflow-verification", "v1"),
    ]
    for namespace in dict.fromkeys((platform.core_namespace, *platform.namespaces)):
        former = FORMER_WORKER_SECRETS if namespace != platform.core_namespace else ()
        refs += [Ref("Secret", namespace, name, "v1") for name in (*WORKER_SECRETS, *former)]
        rights = (*WORKER_RIGHTS, *((POD_OPERATOR,) if namespace in platform.operators else ()))
        refs += [Ref(kind, namespace, name, "rbac.authorization.k8s.io/v1") for kind in RIGHTS_KINDS for name in rights]
    if platform.git_namespace:
        refs += [Ref("Secret", platform.git_namespace, name, "v1") for name in ("gitea-config", "git-credentials")]
        refs += [Ref(kind, platform.git_namespace, "gitea", "v1") for kind in ("ConfigMap", "Service", "PersistentVolumeClaim")]
        refs.append(Ref("Deployment", platform.git_namespace, "gitea", "apps/v1"))
    if platform.logs_namespace:
        refs += [Ref("Secret", platform.logs_namespace, name, "v1") for name in ("task-logs-generated", "task-logs-accounts")]
        refs += [Ref(kind, platform.logs_namespace, "task-logs", "v1") for kind in ("ConfigMap", "Service", "PersistentVolumeClaim")]
        refs.append(Ref("Deployment", platform.logs_namespace, "task-logs", "apps/v1"))
        refs += [Ref(kind, platform.logs_namespace, name, "batch/v1") for kind, name in LOG_JOBS]
    return refs


WEBSERVER_KEY = "airflow-webserver-secret-key"
CORE_SECRETS = (GENERATED, ADMIN, "airflow-mysql", "airflow-task-logs-webserver", WEBSERVER_KEY)
WORKER_SECRETS = (
    "airflow-metadata",
    "airflow-fernet-key",
    "airflow-task-logs",
    *GIT_SYNC_SECRETS,
)
# Secrets that workers of older versions had.
FORMER_WORKER_SECRETS = (WEBSERVER_KEY,)
# The Roles in each namespace of workers, and their RoleBindings of the same name.
RIGHTS_KINDS = ("Role", "RoleBinding")
WORKER_RIGHTS = ("airflow-pod-launcher", "airflow-pod-log-reader")
LOG_JOBS = (("CronJob", "task-logs-expire"), ("Job", "task-logs-setup"))


# Deleting


@dataclass(frozen=True)
class Scope:
    """On whose behalf objects are deleted, and what counts as that platform's beside its mark."""

    platform: str
    application: str = ""
    older: bool = False  # objects of an older version are this platform's
    record: Record | None = None

    def owns(self, metadata: Mapping[str, Any]) -> bool:
        owner = owner_of(metadata, self.platform)
        return owner == "ours" or (owner == "older" and self.older)


def reason_to_keep(found: Found, scope: Scope) -> str:
    """Why an object is not deleted; empty where it may be. Namespaces, CRDs and roles have further conditions of their own."""
    if owner_of(found.metadata, scope.platform) == "other":  # handed over since it was recorded
        return owner_text(found.metadata, scope.platform)
    if scope.owns(found.metadata) or installed_by_us(found, scope.record, scope.older):
        return ""
    if (
        scope.record is not None
        and found.ref.namespace == scope.record.namespace
        and (found.ref.kind, found.ref.name) in ARGOCD_BY_PRODUCTS
        and any(manager.startswith("argocd") for manager in managers(found.metadata))
        and owner_of(found.metadata, scope.platform) == "foreign"
    ):
        return ""
    return owner_text(found.metadata, scope.platform)


def reason_to_keep_namespace(found: Found, contents: Sequence[Found], scope: Scope) -> str:
    """Why a namespace is not deleted: it was not made by this platform's roles, or it holds objects of others."""
    if MADE not in labels_of(found.metadata):
        return f"it existed before the platform (it has no label {MADE})"
    if not scope.owns(found.metadata):
        return owner_text(found.metadata, scope.platform)
    foreign = foreign_contents(contents, scope)
    return f"it holds objects that are not this platform's: {named(foreign)}" if foreign else ""


# Kinds that Kubernetes makes by itself, or that say what others do.
DERIVED_KINDS = {"Event", "Endpoints", "EndpointSlice", "Lease", "ControllerRevision"}
# What these own is judged with them. Without them, Kubernetes is about to delete it.
OWNING_KINDS = {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"}
OWNING_GROUPS = {"apps", "batch"}
# What is made from the chart's objects, and not by Argo CD: it has the chart's labels alone.
MADE_FROM_CHART = {"PersistentVolumeClaim", "Pod"}


def foreign_contents(contents: Sequence[Found], scope: Scope) -> list[Ref]:
    """The objects of a namespace that are neither this platform's nor made by Kubernetes or by this platform's parts."""
    known = {found.metadata.get("uid") for found in contents}
    return sorted(found.ref for found in contents if _counts(found, known) and not _belongs(found, scope))


def _counts(found: Found, known: set[Any]) -> bool:
    ref, metadata = found.ref, found.metadata
    if ref.kind in DERIVED_KINDS or metadata.get("deletionTimestamp"):
        return False
    if (ref.kind, ref.name) in (("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")):
        return False
    owners = metadata.get("ownerReferences") or []
    return not any(owner.get("uid") in known or _is_workload(owner) for owner in owners)


def _is_workload(owner: Mapping[str, Any]) -> bool:
    """Whether an owner is one of Kubernetes' own workloads. Other groups have kinds of the same names, also for the whole cluster."""
    group = str(owner.get("apiVersion") or "apps/v1").partition("/")[0]
    return owner.get("kind") in OWNING_KINDS and group in OWNING_GROUPS


def _belongs(found: Found, scope: Scope) -> bool:
    labels = labels_of(found.metadata)
    if reason_to_keep(found, scope) == "":
        return True
    if scope.application and owner_of(found.metadata, scope.platform) == "foreign":
        # The chart's objects, its volumes and its workers.
        if is_tracked(found, scope.application):
            return True
        # A release of the same chart and name that others installed has these labels on all its objects.
        if found.ref.kind in MADE_FROM_CHART and labels.get("tier") == "airflow" and labels.get("release") == scope.application:
            return True
    return False


def foreign_resources(found: Sequence[tuple[Found, Obj]], scope: Scope) -> list[Ref]:
    """Applications, ApplicationSets and AppProjects that are not this platform's, given with their whole objects.

    Argo CD's own project ``default`` does not count while nobody has changed it but the role argocd, which closes it.
    """
    refs = []
    for item, whole in found:
        ours_default = (
            item.ref.kind == "AppProject"
            and item.ref.name == "default"
            and scope.record is not None
            and item.ref.namespace == scope.record.namespace
            and default_project.is_known(whole)
        )
        if not ours_default and not scope.owns(item.metadata):
            refs.append(item.ref)
    return sorted(refs)


def argocd_users(found: Sequence[Found], scope: Scope) -> list[Ref]:
    """The Applications and ApplicationSets that are not this platform's: without Argo CD nothing would deploy them any more."""
    return sorted(item.ref for item in found if item.ref.kind in DEPLOYED_KINDS and not scope.owns(item.metadata))


def foreign_users(role: Ref, bindings: Sequence[tuple[Found, Obj]], scope: Scope) -> list[Ref]:
    """The bindings of a ClusterRole that this platform did not make."""
    return sorted(
        item.ref
        for item, whole in bindings
        if (whole.get("roleRef") or {}).get("kind") == "ClusterRole"
        and (whole.get("roleRef") or {}).get("name") == role.name
        and reason_to_keep(item, scope)
    )


def foreign_subjects(binding: Obj, namespace: str) -> list[str]:
    """Those whom a binding of our Argo CD gives rights beside the ServiceAccounts of its namespace."""
    return sorted(
        f"{subject.get('kind')} {subject.get('namespace') or ''}/{subject.get('name')}".replace(" /", " ")
        for subject in binding.get("subjects") or []
        if not (subject.get("kind") == "ServiceAccount" and subject.get("namespace") == namespace)
    )
