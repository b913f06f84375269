# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the platform can use an Argo CD of others: what is read of it, and what follows (ADR 24). Only ``read`` asks the API."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.permits import (
    closed_namespaces,
    cluster_name,
    permits_kind,
    permits_namespace,
    permits_source,
)
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.project import IN_CLUSTER
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.repository import (
    AUTHORITIES_MAP,
    HOSTS_MAP,
    KNOWN_HOSTS,
    Missing,
    Repository,
    describe_missing,
    missing_trust,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import PART_OF, owner_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import ARGOCD_CRDS, Decision, Ref, Sight
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import OwnershipRead
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import CHECK, AirflowSettings, Settings

# The minor version that the waits and diagnoses are tested with.
TESTED = (3, 0)
CONTROLLER, REPO_SERVER = "application-controller", "repo-server"
# Labels of Argo CD's workloads in its manifest, its Helm chart and its operator. The chart and the operator put a name before "argocd-".
COMPONENT, NAME = "app.kubernetes.io/component", "app.kubernetes.io/name"
DEFAULT_REPO_SERVER = "argocd-repo-server"
CLUSTER_SECRET = "argocd.argoproj.io/secret-type=cluster"
CLUSTER_FIELDS = ("name", "namespaces", "project", "server")
NEEDED_CRDS = tuple(name for name in ARGOCD_CRDS if not name.startswith("applicationsets."))
_VERSION = re.compile(r"v?(\d+)\.(\d+)\b[\w.+-]*")


@dataclass(frozen=True)
class ArgoCD:
    """What was read of an Argo CD. ``clusters``: of each Secret of a cluster the fields in CLUSTER_FIELDS, never its credentials."""

    workloads: tuple[Obj, ...] = ()
    crds: frozenset[str] = frozenset()
    elsewhere: tuple[str, ...] = ()  # namespaces of other application controllers
    settings: Mapping[str, str] = field(default_factory=dict)  # argocd-cm
    clusters: tuple[Mapping[str, str], ...] = ()
    project: Obj | None = None  # the Application's
    known_hosts: str = ""
    authorities: Mapping[str, str] = field(default_factory=dict)

    def workload(self, component: str) -> Obj | None:
        return next((item for item in self.workloads if is_component(item["metadata"], component)), None)

    @property
    def repo_server(self) -> str:
        """Name of the repository server's Deployment."""
        found = self.workload(REPO_SERVER)
        return str(found["metadata"]["name"]) if found else DEFAULT_REPO_SERVER

    @property
    def version(self) -> str:
        """Argo CD's version, by the image of its controller; empty if that does not say it.

        An image with another name, or a tag below 2, may number its versions differently.
        """
        template = (((self.workload(CONTROLLER) or {}).get("spec") or {}).get("template") or {}).get("spec") or {}
        containers = template.get("containers") or [{}]
        controller = next((item for item in containers if item.get("name") == f"argocd-{CONTROLLER}"), containers[0])
        image = str(controller.get("image") or "").partition("@")[0]
        name, _colon, tag = image.rpartition("/")[2].partition(":")
        known = name == "argocd" and _VERSION.fullmatch(tag) and _minor(tag) >= (2, 0)
        return tag if known else ""


def is_component(metadata: Mapping[str, Any], component: str) -> bool:
    labels = metadata.get("labels") or {}
    return labels.get(COMPONENT) == component or str(labels.get(NAME) or "").endswith(f"-{component}")


def read(api: KubeApi, given: Settings, sight: Sight, project: Obj | None) -> ArgoCD | None:
    """``project``: the Application's AppProject, as it is.

    None if the platform installs its own Argo CD, or for a caller that knows nothing of Airflow. Raises ApiError.
    """
    if not given.existing_argocd or given.airflow is None:
        return None
    namespace, owners = given.argocd_namespace, OwnershipRead(api, given.owner())
    label = {"labelSelector": f"{PART_OF}=argocd"}
    controllers = [item.ref.namespace for item in sight.argocd if is_component(item.metadata, CONTROLLER)]
    crds = frozenset(item.ref.name for item in sight.argocd if item.ref.name in ARGOCD_CRDS)
    elsewhere = tuple(dict.fromkeys(name for name in controllers if name and name != namespace))
    if namespace not in {item["name"] for item in sight.namespaces}:
        return ArgoCD(crds=crds, elsewhere=elsewhere)
    names = ("argocd-cm", HOSTS_MAP, AUTHORITIES_MAP)
    settings, hosts, authorities = at_once(lambda name: _data(owners.whole(Ref("ConfigMap", namespace, name))), names)
    deployments, sets = at_once(lambda kind: api.items(collection(kind, namespace), label, whole=True), ("Deployment", "StatefulSet"))
    secrets = api.items(collection("Secret", namespace), {"labelSelector": CLUSTER_SECRET}, whole=True)
    clusters = tuple(map(_cluster, secrets))
    return ArgoCD((*deployments, *sets), crds, elsewhere, settings, clusters, project, hosts.get(KNOWN_HOSTS, ""), authorities)


def for_removal(given: Settings, sight: Sight) -> ArgoCD | None:
    """What a removal needs: the repository server's name. The look at the owners has seen it, so no right to read more is needed."""
    if not given.existing_argocd:
        return None
    found = [item for item in sight.argocd if (item.ref.kind, item.ref.namespace) == ("Deployment", given.argocd_namespace)]
    return ArgoCD(tuple({"metadata": dict(item.metadata)} for item in found))


def _data(item: Obj | None) -> dict[str, str]:
    return dict((item or {}).get("data") or {})


def _cluster(secret: Obj) -> dict[str, str]:
    data = _data(secret)
    return {name: base64.b64decode(data[name]).decode("utf-8", "replace") for name in CLUSTER_FIELDS if name in data}


def warnings(found: ArgoCD | None, given: Settings) -> Iterator[str]:
    """What a person should know of an Argo CD that can be used."""
    if found is None or found.workload(CONTROLLER) is None:
        return
    if given.airflow and _has_foreign_project(found, given) and _has_global_projects(found):
        name = given.airflow.project
        for what, action in lacking_in_project(found, given, given.airflow):
            yield (
                f"The AppProject {name} of airflow_app_project {what}. The global projects of Argo CD (globalProjects in the ConfigMap "
                f"argocd-cm) may permit it. If they do not, ask the owner of the AppProject {name} to {action}."
            )
    minor = ".".join(map(str, TESTED))
    if not found.version:
        yield f"Argo CD's version is unknown: the image of its application controller does not name it. Tested is {minor}."
    elif _minor(found.version) > TESTED:
        yield f"Argo CD has the version {found.version}. This version of the collection is tested with {minor}."


def _has_foreign_project(found: ArgoCD, given: Settings) -> bool:
    return bool(given.airflow and given.airflow.project and found.project and owner_of(found.project["metadata"], given.name) != "ours")


def _has_global_projects(found: ArgoCD) -> bool:
    """Whether Argo CD adds what other AppProjects permit (util/argo/argo.go, GetAppVirtualProject). Which ones is not read."""
    return found.settings.get("globalProjects", "").strip() not in ("", "[]")


def _minor(version: str) -> tuple[int, int]:
    match = _VERSION.fullmatch(version)
    return (int(match[1]), int(match[2])) if match else TESTED


def refusals(found: ArgoCD | None, decision: Decision, given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    if found is None:
        return
    absent = [*own(decision, given), *_absent(found, given)]
    if absent:  # nothing else can be said of it
        yield from absent
        return
    yield from _old(found)
    yield from _destination(found, given)
    yield from _project(found, given, airflow)
    yield from _trust(found, given, airflow)


def own(decision: Decision, given: Settings) -> Iterator[Refusal]:
    """That an Argo CD of the platform's own would stay without an owner, also after a removal."""
    if given.existing_argocd and decision.record is not None and (decision.record.owner == "ours" or decision.adoption):
        yield Refusal(
            "own_argocd",
            given.argocd,
            "an existing Argo CD belongs to others",
            f"platform_argocd is 'existing', but the platform installed the Argo CD in {decision.record.namespace} itself, and would leave "
            "it without an owner.",
            "Set platform_argocd to install. To use another Argo CD, remove the platform first: run destroy.yml with platform_argocd set "
            "to install.",
        )


def _absent(found: ArgoCD, given: Settings) -> Iterator[Refusal]:
    missing = [name for name in NEEDED_CRDS if name not in found.crds]
    if not missing and found.workload(CONTROLLER) is not None:
        return
    what = f"has no {named(missing)}" if missing else f"has no application controller in the namespace {given.argocd_namespace}"
    action = "Install Argo CD, or let the platform install its own: set platform_argocd to install."
    if found.elsewhere and not missing:
        action = f"Set platform_argocd_namespace to the namespace of the Argo CD to use: {named(found.elsewhere)}."
    yield Refusal(
        "no_argocd",
        str(given.argocd_namespace),
        "an existing Argo CD runs in platform_argocd_namespace",
        f"platform_argocd is 'existing', but the cluster {what}.",
        action,
    )


def _old(found: ArgoCD) -> Iterator[Refusal]:
    if _minor(found.version) < TESTED:
        minor = ".".join(map(str, TESTED))
        yield Refusal(
            "argocd_version",
            found.version,
            f"Argo CD is at least {minor}",
            f"Argo CD has the version {found.version}. The platform's waits are made for {minor} and later.",
            f"Ask the owner of Argo CD to upgrade it to {minor} or later.",
        )


def _destination(found: ArgoCD, given: Settings) -> Iterator[Refusal]:
    rule = "Argo CD may deploy to every worker namespace of its own cluster"
    if found.settings.get("cluster.inClusterEnabled") == "false":
        yield Refusal(
            "argocd_destination",
            "cluster.inClusterEnabled: false",
            rule,
            f"Argo CD may not deploy to its own cluster: the ConfigMap argocd-cm in {given.argocd_namespace} has "
            "cluster.inClusterEnabled: false.",
            "Ask the owner of Argo CD to set cluster.inClusterEnabled to true.",
        )
    closed = closed_namespaces(found.clusters, list(map(str, given.worker_namespaces)))
    if closed:
        yield Refusal(
            "argocd_destination",
            ", ".join(closed),
            rule,
            f"Argo CD may not deploy to {named(closed)}: its Secret of the cluster {IN_CLUSTER} lists only other namespaces.",
            f"Ask the owner of Argo CD to add {', '.join(closed)} to the key namespaces of that Secret, and to give Argo CD's application "
            "controller rights there.",
        )


def _project(found: ArgoCD, given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    name = airflow.project
    if not name:
        return
    rule = "the AppProject airflow_app_project permits the platform's repository, namespaces and kinds"
    owner = f"Ask the owner of the AppProject {name}"
    if found.project is None:
        yield Refusal(
            "argocd_project",
            name,
            rule,
            f"airflow_app_project is '{name}', but {given.argocd_namespace} has no AppProject of this name.",
            "Correct airflow_app_project, or remove it: then the run makes an AppProject of its own.",
        )
        return
    if not _has_foreign_project(found, given):
        yield Refusal(
            "argocd_project",
            name,
            "airflow_app_project names an AppProject of others",
            f"airflow_app_project is '{name}', but the platform made this AppProject itself, and would no longer keep it up to date.",
            "Remove airflow_app_project.",
        )
        return
    lacking = [] if _has_global_projects(found) else [*lacking_in_project(found, given, airflow)]
    for what, action in [*lacking, *_barred(found.project, airflow, found.clusters)]:
        yield Refusal("argocd_project", name, rule, f"The AppProject {name} of airflow_app_project {what}.", f"{owner} to {action}.")


def lacking_in_project(found: ArgoCD, given: Settings, airflow: AirflowSettings) -> Iterator[tuple[str, str]]:
    """What the AppProject does not permit to the platform, and what its owner must do. A global project of Argo CD may permit it."""
    project, url = found.project or {}, public_url(airflow.platform.url)
    if _may_name_source(project, airflow) and not permits_source(project, airflow.platform.url):
        # The run's Secret is of this project, and Argo CD adds its repository to sourceRepos (util/argo/argo.go, GetAppProjectByName).
        what = "The Secret of the repository would permit it to all Applications of this AppProject, which is its owner's decision"
        yield f"does not permit the repository {url} in sourceRepos. {what}", f"add {url} to sourceRepos"
    cluster = cluster_name(found.clusters)
    names = [name for name in map(str, given.worker_namespaces) if not permits_namespace(project, name, cluster)]
    if names:
        yield f"does not permit {named(names)}", f"add destinations with the server {IN_CLUSTER} and the namespaces {', '.join(names)}"
    kinds = [f"{kind['group']}/{kind['kind']}".lstrip("/") for kind in airflow.kinds if not permits_kind(project, kind)]
    if kinds:
        yield f"does not permit {named(kinds)}", f"permit {', '.join(kinds)} in namespaceResourceWhitelist and namespaceResourceBlacklist"


def _may_name_source(project: Obj, airflow: AirflowSettings) -> bool:
    """Whether the repository is permitted once ``sourceRepos`` names it: no pattern denies it."""
    sources = [*((project.get("spec") or {}).get("sourceRepos") or []), airflow.platform.url]
    return permits_source({"spec": {"sourceRepos": sources}}, airflow.platform.url)


def _barred(project: Obj, airflow: AirflowSettings, clusters: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """What keeps the platform out of an AppProject whatever else permits, and what its owner must do."""
    spec = project.get("spec") or {}
    if not _may_name_source(project, airflow):
        yield f"denies the repository {public_url(airflow.platform.url)}", "remove the pattern that denies it from sourceRepos"
    if spec.get("signatureKeys"):
        yield "needs signed commits, and the run does not sign", "remove signatureKeys, or use another AppProject"
    scoped = [item for item in clusters if item.get("project") == project["metadata"]["name"]]
    if spec.get("permitOnlyProjectScopedClusters") and not any(item.get("server", "").rstrip("/") == IN_CLUSTER for item in scoped):
        yield "permits only clusters of its own", f"add the cluster {IN_CLUSTER} to the AppProject"


def _trust(found: ArgoCD, given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    if given.trust != CHECK:
        return
    missing = lacking(found, given, airflow)
    if missing:
        yield Refusal(
            "argocd_trust",
            public_url(airflow.platform.url),
            "Argo CD trusts the server of the platform repository",
            f"Argo CD does not trust the server of {public_url(airflow.platform.url)}, and platform_argocd_trust is '{CHECK}'.",
            f"Ask the owner of Argo CD for these entries, or set platform_argocd_trust to manage.\n"
            f"{describe_missing(missing, given.argocd_namespace)}",
        )


def lacking(found: ArgoCD, given: Settings, airflow: AirflowSettings) -> list[Missing]:
    """What Argo CD must trust for the platform repository, and does not. Credentials that are refused anyway need nothing."""
    repository = Repository(
        given.repository_secret, given.argocd_namespace, given.name, repo=airflow.platform.url, credentials=airflow.platform.credentials
    )
    try:
        return missing_trust(repository, found.known_hosts, found.authorities)
    except ValueError:
        return []
