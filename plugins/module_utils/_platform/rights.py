# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights the playbooks' account needs for given settings. Pure: the one table for manifests, checks and tests (ADR 26)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.repository import AUTHORITIES_MAP, HOSTS_MAP
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_policy import GROUP as ADMISSION
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_policy import PLURALS, object_name
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_policies import NONE
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import ARGOCD_CRDS, RECORD
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import MANAGE, REQUIRE, Settings

# NEEDED: a run without it is refused. WANTED: in the manifest; without it status, verification or support bundle show less.
# OPTIONAL: not in the manifest; with it a run sees more.
LEVELS = NEEDED, WANTED, OPTIONAL = "needed", "wanted", "optional"

CORE, APPS, BATCH, NETWORK, RBAC, ARGO = "", "apps", "batch", "networking.k8s.io", "rbac.authorization.k8s.io", "argoproj.io"
DISCOVERY = "discovery.k8s.io"
WRITE, DELETE = ("get", "create", "patch"), ("delete",)
# Kubernetes' namespace whose uid identifies a cluster.
SYSTEM = "kube-system"
# Roles of Argo CD's manifest, of its namespace and of the cluster; tests compare them with the manifest.
ARGOCD_ROLES = tuple(
    f"argocd-{part}"
    for part in ("application-controller", "applicationset-controller", "dex-server", "notifications-controller", "redis", "server")
)
ARGOCD_CLUSTER_ROLES = tuple(f"argocd-{part}" for part in ("application-controller", "applicationset-controller", "server"))
DEFAULT_REPO_SERVER = "argocd-repo-server"
METRICS_ROLES = ("system:metrics-server", "system:aggregated-metrics-reader")
METRICS_BINDINGS = ("system:metrics-server", "metrics-server:system:auth-delegator")

# Why a run may not use a right, although the account needs it.
HELD = "An account can give only rights that it has itself: Airflow's accounts get this one."
UPGRADE = "Only a run that changes what an earlier run made uses it."
REMOVAL = "Only a removal uses it, or a run that no longer needs what an earlier one made."
STUCK = "Only a run in which something does not start uses it."
WAITS = "Only a run that waits for a roll-out or a Job uses it."
TOKENS = "Only a run that replaces tokens of the Git server uses it."
ENDED = "Kubernetes may have deleted a Job that has ended."
LOGGED = "Only a pod that runs has a log."
REPLACED = "Only a removal uses it, or a run after the type of the source has changed."
NEWER = "Kubernetes 1.30 to 1.34 ask for get, other versions or clients for create."


@dataclass(frozen=True)
class Right:
    """Verbs on resources (with their subresource, as pods/log) of one group.

    ``namespace``: empty for the whole cluster. ``names``: empty for all. ``why``: completes "needed to …". ``rare``: why a complete
    installation, use and removal may not use it; empty if it does.
    """

    why: str
    verbs: tuple[str, ...]
    resources: tuple[str, ...]
    group: str = CORE
    namespace: str = ""
    names: tuple[str, ...] = ()
    level: str = NEEDED
    rare: str = ""


@dataclass(frozen=True)
class Unit:
    """One verb on one resource, as the API server authorizes it. An empty name stands for any."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        named = f" {self.name}" if self.name else ""
        return f"{self.verb} {what}{named} in {self.namespace or 'the whole cluster'}"


def units(rights: Iterable[Right]) -> dict[Unit, Right]:
    """The single rights, each once, with the entry that it comes from: the most urgent one, which is rare only if all are."""
    found: dict[Unit, Right] = {}
    for right in rights:
        for unit in _units(right):
            known = found.get(unit)
            if known is None:
                found[unit] = right
                continue
            first = min(known, right, key=lambda item: LEVELS.index(item.level))
            found[unit] = replace(first, rare=first.rare if known.rare and right.rare else "")
    return found


def _units(right: Right) -> Iterator[Unit]:
    for resource in right.resources:
        for verb in right.verbs:
            for name in right.names or ("",):
                yield Unit(verb, right.group, resource, right.namespace, name)


# The kinds that a look at the owners lists, by group; in the platform's namespaces or in the whole cluster.
LOOKED_AT: dict[str, tuple[str, ...]] = {
    CORE: ("configmaps", "persistentvolumeclaims", "secrets", "services", "serviceaccounts", "pods"),
    APPS: ("deployments", "statefulsets"),
    BATCH: ("cronjobs",),
    NETWORK: ("networkpolicies",),
    RBAC: ("roles", "rolebindings"),
}


def wide_look() -> list[Right]:
    """What a look at the whole cluster lists."""
    look = "see what others have in the cluster"
    found = [Right(look, ("list",), kinds, group) for group, kinds in LOOKED_AT.items()]
    return [
        *found,
        Right(look, ("list",), ("namespaces",)),
        Right(look, ("list",), ("clusterroles", "clusterrolebindings"), RBAC),
        Right(look, ("list",), ("apiservices",), "apiregistration.k8s.io"),
        Right(look, ("get",), ("customresourcedefinitions",), "apiextensions.k8s.io", names=ARGOCD_CRDS),
        Right(look, ("list",), ("applications", "appprojects"), ARGO),
    ]


def worker_namespaces(given: Settings) -> list[str]:
    """The namespaces in which Airflow or its workers run, that of Airflow first."""
    return list(dict.fromkeys(map(str, (given.core_namespace, *given.worker_namespaces))))


def own_namespaces(given: Settings) -> list[str]:
    """All namespaces of the platform, without that of an Argo CD of others."""
    own = [str(name) for name in given.own_namespaces if not (given.existing_argocd and name == given.argocd_namespace)]
    return list(dict.fromkeys((*worker_namespaces(given), *own)))


def pull_source(given: Settings) -> tuple[str, ...]:
    """The namespace from which the pull secrets are copied, if there are any to copy."""
    return (given.pull_secrets_namespace,) if given.pull_secrets and given.pull_secrets_namespace else ()


def rights(given: Settings, *, made: Collection[str] = (), former: Collection[str] = ()) -> list[Right]:
    """All rights for the settings.

    ``made``: namespaces that a run creates, and a removal deletes. ``former``: worker namespaces of earlier settings.
    """
    found = [*_namespaces(given, made, former)]
    for namespace in own_namespaces(given):
        found += _place(given, namespace)
    for namespace in former:
        found += [*_place(given, namespace), *_worker(given, namespace)]
    for namespace in worker_namespaces(given):
        found += _worker(given, namespace)
    found += _core(given)
    if given.git_server == "embedded":
        found += _git(str(given.git_namespace))
    if given.logs_mode == "embedded":
        found += _logs(str(given.logs_namespace))
    found += _existing_argocd(given) if given.existing_argocd else _own_argocd(given)
    found += [*_pull_secrets(given), *_admission(given), *_metrics_server(given), *_more(given)]
    return found


def everywhere(rights: Iterable[Right], namespaces: Collection[str]) -> list[Right]:
    """The rights with those of these namespaces in the whole cluster: a namespace that does not exist yet cannot hold a Role."""
    return [replace(right, namespace="") if right.namespace in namespaces else right for right in rights]


def table(given: Settings, *, create_namespaces: bool) -> list[Right]:
    """The rights of an account that creates the platform's namespaces, or finds them."""
    own = own_namespaces(given)
    return everywhere(rights(given, made=own), own) if create_namespaces else rights(given)


def _namespaces(given: Settings, made: Collection[str], former: Collection[str]) -> Iterator[Right]:
    # A look at the whole cluster lists them.
    system = (SYSTEM,) if given.existing_argocd else ()
    names = tuple(dict.fromkeys((*own_namespaces(given), *former, str(given.argocd_namespace), *system)))
    yield Right("read the platform's namespaces and the identity of the cluster", ("get",), ("namespaces",), names=names)
    if made:
        yield Right("create the platform's namespaces", ("create", "patch"), ("namespaces",), names=tuple(made))
        yield Right("delete the namespaces that a run created", DELETE, ("namespaces",), names=tuple(made), rare=REMOVAL)
        yield Right("see that a namespace holds nothing of others before its deletion", ("list",), ("*",), "*", rare=REMOVAL)


def _place(given: Settings, namespace: str) -> Iterator[Right]:
    """In each of the platform's namespaces."""
    look, less = "see what others have in the platform's namespaces", "show pods and their logs, Events and workloads"
    for group, kinds in LOOKED_AT.items():
        yield Right(look, ("list",), kinds, group, namespace)
    yield Right(look, ("list",), ("jobs",), BATCH, namespace)
    rare = UPGRADE if given.network_levels == {NONE} else ""
    yield Right("limit the network", (*WRITE, *DELETE), ("networkpolicies",), NETWORK, namespace, rare=rare)
    # Worker pods come and go.
    rare = LOGGED if namespace in given.namespaces_beside_core else ""
    yield Right(less, ("get",), ("pods/log",), CORE, namespace, level=WANTED, rare=rare)
    yield Right(less, ("list",), ("events", "limitranges", "resourcequotas"), CORE, namespace, level=WANTED)
    yield Right(less, ("list",), ("daemonsets", "replicasets"), APPS, namespace, level=WANTED)
    yield Right(less, ("list",), ("endpointslices",), DISCOVERY, namespace, level=WANTED)
    yield Right(less, ("list",), ("ingresses",), NETWORK, namespace, level=WANTED)
    yield Right(less, ("list",), ("applications", "appprojects"), ARGO, namespace, level=WANTED)


def _worker(given: Settings, namespace: str) -> Iterator[Right]:
    """In each namespace in which Airflow or its workers run."""
    grant = "give Airflow its rights on worker pods"
    yield Right("give workers their Secrets", (*WRITE, *DELETE), ("secrets",), CORE, namespace)
    yield Right(grant, (*WRITE, *DELETE), ("roles", "rolebindings"), RBAC, namespace)
    yield Right("see where the workers of a DAG run ran", ("watch",), ("pods",), CORE, namespace)
    yield Right(grant, (*WRITE, *DELETE), ("pods",), CORE, namespace, rare=HELD)
    yield Right(grant, ("get", "list"), ("pods/log",), CORE, namespace, rare=HELD)
    if given.airflow and given.airflow.worker_config_maps:
        yield Right("copy ConfigMaps to worker namespaces", (*WRITE, *DELETE), ("configmaps",), CORE, namespace)
    profile = next((entry for entry in given.profiles if str(entry.get("name")) == namespace), {})
    if profile.get("pod_operator"):
        yield Right(grant, ("create", "get"), ("pods/exec",), CORE, namespace, rare=HELD)
        yield Right(grant, ("list",), ("events",), CORE, namespace, rare=HELD)
        yield Right("see whether others have the account of tasks that make pods", ("get",), ("serviceaccounts",), CORE, namespace)
    for option, kind in (("quota", "resourcequotas"), ("limits", "limitranges")):
        if profile.get(option):
            yield Right(f"see whether others limit the namespace ({option})", ("get",), (kind,), CORE, namespace)


def _core(given: Settings) -> Iterator[Right]:
    """In the namespace of Airflow's own pods."""
    core = str(given.core_namespace)
    yield Right("keep the proof of a verification", (*WRITE, *DELETE), ("configmaps",), CORE, core)
    yield Right("see whether Airflow's database has a volume", ("get",), ("persistentvolumeclaims",), CORE, core)
    yield Right("see which StorageClass the volume of Airflow's database has", ("get",), ("statefulsets",), APPS, core)
    yield Right("see which version of Airflow runs", ("get",), ("deployments",), APPS, core)
    yield Right("reach Airflow's webserver", ("get",), ("services",), CORE, core)
    yield from _connect(core, "reach Airflow's webserver, and ask the running Airflow")


def _connect(namespace: str, why: str) -> Iterator[Right]:
    """Commands in pods and connections to them. The verb depends on the version of the API server."""
    yield Right(why, ("list",), ("endpointslices",), DISCOVERY, namespace)
    yield Right(why, ("get", "create"), ("pods/exec", "pods/portforward"), CORE, namespace, rare=NEWER)


def _git(namespace: str) -> Iterator[Right]:
    why = "run the embedded Git server"
    yield Right(why, (*WRITE, *DELETE), ("configmaps", "persistentvolumeclaims", "services"), CORE, namespace)
    yield Right(why, (*(verb for verb in WRITE if verb != "patch"), *DELETE), ("secrets",), CORE, namespace)
    yield Right(why, ("patch",), ("secrets",), CORE, namespace, rare=TOKENS)
    yield Right(why, (*WRITE, *DELETE), ("deployments",), APPS, namespace)
    yield from _wait(why, namespace, ("deployments",))
    yield from _connect(namespace, "reach the embedded Git server, and create its accounts")


def _logs(namespace: str) -> Iterator[Right]:
    why = "run the store of task logs"
    yield Right(why, (*WRITE, *DELETE), ("configmaps", "persistentvolumeclaims", "secrets", "services"), CORE, namespace)
    yield Right(why, (*WRITE, *DELETE), ("deployments",), APPS, namespace)
    yield Right(why, (*WRITE, *DELETE), ("cronjobs",), BATCH, namespace)
    yield Right(why, WRITE, ("jobs",), BATCH, namespace)
    yield Right(why, DELETE, ("jobs",), BATCH, namespace, rare=ENDED)
    yield Right(why, ("watch",), ("jobs",), BATCH, namespace, rare=WAITS)
    yield from _wait(why, namespace, ("deployments",))


def _wait(why: str, namespace: str, workloads: tuple[str, ...]) -> Iterator[Right]:
    """For a wait until workloads have rolled out."""
    yield Right(why, ("list",), workloads, APPS, namespace)
    yield Right(why, ("list",), ("pods",), CORE, namespace)
    yield Right(why, ("watch",), workloads, APPS, namespace, rare=WAITS)
    yield Right(why, ("watch",), ("pods",), CORE, namespace, rare=WAITS)


def _existing_argocd(given: Settings) -> Iterator[Right]:
    """In the namespace of an Argo CD of others: three objects by name, and reads."""
    namespace, airflow = str(given.argocd_namespace), given.airflow
    deploy = "let Argo CD deploy Airflow"
    application = given.owner().application
    yield Right(deploy, (*WRITE, "list", "watch", *DELETE), ("applications",), ARGO, namespace, (application,))
    if given.own_project:
        yield Right(deploy, (*WRITE, "list", *DELETE), ("appprojects",), ARGO, namespace, (given.own_project,))
    else:
        yield Right(deploy, ("get",), ("appprojects",), ARGO, namespace, (given.project,))
    yield Right(deploy, (*WRITE, "list", *DELETE), ("secrets",), CORE, namespace, (given.repository_secret,))
    check = "check whether the platform can use Argo CD"
    yield Right(check, ("get",), ("configmaps",), CORE, namespace, ("argocd-cm", HOSTS_MAP, AUTHORITIES_MAP, RECORD))
    yield Right(check, ("list",), ("configmaps",), CORE, namespace, (RECORD,))
    yield Right(check, ("list",), ("deployments", "statefulsets"), APPS, namespace)
    trusted = airflow.platform if airflow else None
    if given.trust == MANAGE:
        trust = "let Argo CD trust the server of the platform repository"
        # Nothing is written for a server with a public certificate.
        rare = "" if trusted and (trusted.used.ca or trusted.used.known_hosts) else "The platform repository needs no entry."
        yield Right(trust, ("patch",), ("configmaps",), CORE, namespace, (HOSTS_MAP, AUTHORITIES_MAP), rare=rare)
        yield Right(trust, ("get", "patch", "watch"), ("deployments",), APPS, namespace, (DEFAULT_REPO_SERVER,), rare=rare)
    show = "show the state of Argo CD"
    yield Right(show, ("list",), ("pods", "persistentvolumeclaims"), CORE, namespace, level=WANTED)
    yield Right(show, ("list",), ("events",), CORE, namespace, level=WANTED, rare=STUCK)
    yield Right(show, ("list",), ("daemonsets",), APPS, namespace, level=WANTED)
    yield Right(show, ("list",), ("jobs",), BATCH, namespace, level=WANTED)
    clusters = "check whether Argo CD may deploy to the worker namespaces: it reads every Secret of that namespace"
    yield Right(clusters, ("list",), ("secrets",), CORE, namespace, level=OPTIONAL)
    yield Right("show what a pod of Argo CD that crashes has logged", ("get",), ("pods/log",), CORE, namespace, level=OPTIONAL)


def _own_argocd(given: Settings) -> Iterator[Right]:
    """For an Argo CD that the platform installs. Its controller may do everything, and so may who installs it."""
    namespace, why = str(given.argocd_namespace), "install Argo CD"
    yield from wide_look()
    crds = "customresourcedefinitions"
    yield Right(why, ("create", "patch", *DELETE), (crds,), "apiextensions.k8s.io", names=ARGOCD_CRDS)
    yield Right(why, (*WRITE, *DELETE), ("clusterroles", "clusterrolebindings"), RBAC, names=ARGOCD_CLUSTER_ROLES)
    yield Right(f"{why}: its ClusterRoles permit everything", ("escalate", "bind"), ("clusterroles",), RBAC, names=ARGOCD_CLUSTER_ROLES)
    kinds = ("configmaps", "secrets", "services", "serviceaccounts")
    yield Right(why, (*WRITE, *DELETE), kinds, CORE, namespace)
    yield Right(why, (*WRITE, *DELETE), ("deployments", "statefulsets"), APPS, namespace)
    yield from _wait(why, namespace, ("deployments", "statefulsets", "daemonsets"))
    yield Right(why, (*WRITE, *DELETE), ("networkpolicies",), NETWORK, namespace)
    yield Right(why, (*WRITE, *DELETE), ("roles", "rolebindings"), RBAC, namespace)
    yield Right(why, ("escalate", "bind"), ("roles",), RBAC, namespace, ARGOCD_ROLES)
    yield Right("let Argo CD deploy Airflow", (*WRITE, *DELETE), ("applications", "appprojects"), ARGO, namespace)
    yield Right("let Argo CD deploy Airflow", ("list", "watch"), ("applications",), ARGO, namespace)
    users = "see who uses Argo CD before its project default is closed, and before its removal"
    yield Right(users, ("list",), ("applicationsets",), ARGO)


def _pull_secrets(given: Settings) -> Iterator[Right]:
    """For the copies of platform_pull_secrets, or where others create these Secrets, for the look whether they exist."""
    names, source = tuple(dict.fromkeys(given.pull_secrets)), given.pull_secrets_namespace
    if not names:
        return
    why, secrets = "give the platform's pods their pull secrets", ("secrets",)
    if not source:
        for namespace in given.pulling_namespaces:
            yield Right("see whether the pull secrets exist", ("get",), secrets, CORE, namespace, names)
        return
    yield Right(why, ("get",), ("namespaces",), names=(source,))
    yield Right(why, ("get",), secrets, CORE, source, names)
    for namespace in (name for name in given.pulling_namespaces if name != source):
        # A POST does not send the name to the authorizer, so RBAC cannot limit create to names.
        yield Right(why, ("create",), secrets, CORE, namespace)
        yield Right(why, ("get",), secrets, CORE, namespace, names)
        yield Right(why, ("patch",), secrets, CORE, namespace, names, rare=UPGRADE)
        yield Right(why, DELETE, secrets, CORE, namespace, names, rare=REPLACED)


def _admission(given: Settings) -> Iterator[Right]:
    airflow = given.airflow
    must = bool(given.pod_operators) or bool(airflow and airflow.admission_policy == REQUIRE)
    unwanted = bool(airflow and airflow.admission_policy == NONE)
    # A run without it is refused by admission_state.py, which knows whether the API server serves policies.
    level = OPTIONAL if not must and (given.existing_argocd or unwanted) else WANTED
    why = "let the API server refuse the pods that the cluster policy refuses"
    yield Right(why, (*WRITE, *DELETE), tuple(PLURALS.values()), ADMISSION, names=(object_name(str(given.name)),), level=level)


def _metrics_server(given: Settings) -> Iterator[Right]:
    """A run without metrics-server looks for an earlier one of the platform, if it may see the whole cluster."""
    if given.existing_argocd and not given.metrics_server:
        return
    verbs = (*WRITE, *DELETE) if given.metrics_server else ("get",)
    why = "run metrics-server" if given.metrics_server else "remove an earlier metrics-server of the platform"
    name = ("metrics-server",)
    yield Right(why, verbs, ("services", "serviceaccounts"), CORE, SYSTEM, name)
    yield Right(why, verbs, ("deployments",), APPS, SYSTEM, name)
    yield Right(why, verbs, ("rolebindings",), RBAC, SYSTEM, ("metrics-server-auth-reader",))
    yield Right(why, verbs, ("clusterroles",), RBAC, names=METRICS_ROLES)
    yield Right(why, verbs, ("clusterrolebindings",), RBAC, names=METRICS_BINDINGS)
    yield Right(why, verbs, ("apiservices",), "apiregistration.k8s.io", names=("v1beta1.metrics.k8s.io",))
    if given.metrics_server:
        yield from _wait(why, SYSTEM, ("deployments",))
        yield Right(why, ("list", "watch"), ("apiservices",), "apiregistration.k8s.io", rare=WAITS)
        yield Right(why, ("list",), ("nodes",), "metrics.k8s.io")
        yield Right(why, ("escalate",), ("clusterroles",), RBAC, names=METRICS_ROLES)
        yield Right(why, ("bind",), ("clusterroles",), RBAC, names=("system:metrics-server", "system:auth-delegator"))
        yield Right(why, ("bind",), ("roles",), RBAC, SYSTEM, ("extension-apiserver-authentication-reader",))


def _more(given: Settings) -> Iterator[Right]:
    """Reads that show more: without them a note says what is not known."""
    ranges = "know the addresses of the cluster, from which NetworkPolicies keep tasks away (or set platform_network_ranges)"
    level = OPTIONAL if given.existing_argocd or given.network_levels == {NONE} else WANTED
    yield Right(ranges, ("list",), ("nodes",), level=level)
    yield Right(ranges, ("get",), ("configmaps",), CORE, SYSTEM, ("kubeadm-config",), level)
    yield Right(ranges, ("list",), ("servicecidrs",), NETWORK, level=level)
    yield Right(ranges, ("list",), ("pods",), CORE, SYSTEM, level=level)
    yield Right("let only the API server's address be reached", ("list",), ("endpointslices",), DISCOVERY, "default", level=level)
    if given.storage_class:
        known = "check whether the cluster has the StorageClass of the platform's volumes"
        yield Right(known, ("list",), ("storageclasses",), "storage.k8s.io", level=WANTED)
    yield Right("check whether another Service has a node port of the platform", ("list",), ("services",), level=OPTIONAL)
    show = "show use, nodes and classes of the cluster"
    yield Right(show, ("get",), ("nodes", "nodes/proxy"), level=OPTIONAL)
    yield Right(show, ("list",), ("namespaces", "persistentvolumes"), level=OPTIONAL)
    yield Right(show, ("get",), ("persistentvolumes",), level=OPTIONAL)
    yield Right(show, ("list",), ("storageclasses",), "storage.k8s.io", level=OPTIONAL)
    yield Right(show, ("get",), ("priorityclasses",), "scheduling.k8s.io", level=OPTIONAL)
    yield Right(show, ("get",), ("runtimeclasses",), "node.k8s.io", level=OPTIONAL)
    yield Right(show, ("list",), ("nodes", "pods"), "metrics.k8s.io", level=OPTIONAL)
    yield Right(show, ("list",), ("leases",), "coordination.k8s.io", SYSTEM, level=OPTIONAL)
    yield Right(show, ("get",), ("secrets",), CORE, SYSTEM, ("bootstrap-token-abcdef",), OPTIONAL)


def granted(rights: Sequence[Right]) -> list[Right]:
    """Those that the manifest grants."""
    return [right for right in rights if right.level != OPTIONAL]
