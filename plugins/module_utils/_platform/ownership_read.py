# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a cluster for what a platform owns there and what others own: metadata alone, many requests at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import COLLECTION, PART_OF
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import RESOURCES, collection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import (
    ARGOCD_CRDS,
    DEPLOYED_KINDS,
    RECORD,
    Found,
    Obj,
    Platform,
    Ref,
    Sight,
    adoptable,
    planned_refs,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_fields import OPERATOR_LABELS

# Kinds of objects that the roles make, and so mark.
MARKED_KINDS = (
    "Namespace",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Secret",
    "Service",
    "ServiceAccount",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "NetworkPolicy",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "APIService",
    "Application",
    "AppProject",
)
CHART_KINDS = ("ConfigMap", "Service", "ServiceAccount", "Deployment", "StatefulSet", "Job")
CUSTOM_KINDS = ("Application", "ApplicationSet", "AppProject")


def location(ref: Ref) -> str:
    """The API path of an object."""
    return f"{collection(ref.kind, ref.namespace, ref.api_version)}/{quote(ref.name, safe='')}"


def found(kind: str, metadata: Obj) -> Found:
    return Found(Ref(kind, metadata.get("namespace", ""), metadata["name"], RESOURCES.get(kind, ("", ""))[1]), metadata)


def read_users(api: KubeApi) -> list[Found]:
    """All Applications and ApplicationSets of the cluster. Raises ApiError."""
    lists = at_once(lambda kind: [found(kind, item) for item in api.items(collection(kind))], DEPLOYED_KINDS)
    return [item for items in lists for item in items]


class OwnershipRead:
    """The look of one platform at its cluster. Raises ApiError where something cannot be read."""

    def __init__(self, api: KubeApi, platform: Platform, objects: Sequence[Ref] = ()) -> None:
        self._api, self._platform, self._objects = api, platform, objects

    def read(self) -> Sight:
        platform, sight = self._platform, Sight()
        label = {"labelSelector": f"{PART_OF}={COLLECTION}"}
        application = Ref("Application", platform.argocd_namespace, platform.application)
        lists: list[Callable[[], Any]] = [
            lambda: self._api.items(collection("Namespace")),
            lambda: self.whole(application),
            *(lambda kind=kind: self.all(kind, label) for kind in MARKED_KINDS),
            *self._of_argocd(),
        ]
        namespaces, sight.application, *answers = at_once(lambda call: call(), lists)
        marked, argocd = answers[: len(MARKED_KINDS)], answers[len(MARKED_KINDS) :]
        sight.namespaces = namespaces
        sight.cluster = next((item["uid"] for item in namespaces if item["name"] == "kube-system"), "")
        self._argocd(sight, argocd)
        sight.labelled = [item for items in marked for item in items]
        self._names(sight)
        return sight

    def read_argocd(self) -> Sight:
        """The Argo CDs of the cluster and the records of them alone."""
        sight = Sight()
        self._argocd(sight, at_once(lambda call: call(), self._of_argocd()))
        return sight

    def _of_argocd(self) -> list[Callable[[], Any]]:
        argocd = {"labelSelector": f"{PART_OF}=argocd"}
        records = {"labelSelector": f"{PART_OF}={COLLECTION}", "fieldSelector": f"metadata.name={RECORD}"}
        return [
            lambda: self._api.items(collection("ConfigMap"), records, whole=True),
            lambda: [self.one(Ref("CustomResourceDefinition", "", name)) for name in ARGOCD_CRDS],
            *(lambda kind=kind: self.all(kind, argocd) for kind in ("Deployment", "StatefulSet")),
            *(lambda kind=kind: self.all(kind) for kind in ("ClusterRole", "ClusterRoleBinding")),
        ]

    @staticmethod
    def _argocd(sight: Sight, answers: Sequence[Any]) -> None:
        """Puts the answers to the requests of ``_of_argocd`` in their places."""
        sight.records, crds, deployments, sets, roles, bindings = answers
        roles = [item for item in [*roles, *bindings] if item.ref.name.startswith("argocd-")]
        sight.argocd = [*filter(None, crds), *deployments, *sets, *roles]

    def _names(self, sight: Sight) -> None:
        """What stands under the names that this platform will use, in namespaces that exist."""
        platform = self._platform
        there = {item["name"] for item in sight.namespaces}
        seen = {item.ref: item for item in sight.labelled}
        application = Ref("Application", platform.argocd_namespace, platform.application)
        if sight.application is not None:
            seen[application] = Found(application, sight.application["metadata"])
        wanted = [ref for ref in (*planned_refs(platform), *self._objects) if not ref.namespace or ref.namespace in there]
        sight.planned = [seen[ref] for ref in wanted if ref in seen]
        sight.planned += filter(None, at_once(self.one, [ref for ref in wanted if ref not in seen and ref != application]))
        if not adoptable(sight.application, platform):
            namespaces = [name for name in dict.fromkeys((platform.core_namespace, *platform.namespaces)) if name in there]
            pairs = [(kind, name) for name in namespaces for kind in CHART_KINDS]
            lists = at_once(lambda pair: self.all(pair[0], namespace=pair[1]), pairs)
            sight.chart = [item for items in lists for item in items if item.ref.name.startswith("airflow-")]
            planned = {item.ref for item in sight.planned}
            sight.chart = [item for item in sight.chart if item.ref not in planned]
        # The chart may get these later, when Argo CD has long applied the rest.
        sight.chart = [*sight.chart, *filter(None, at_once(self.one, [ref for ref in platform.quotas if ref.namespace in there]))]
        labels = ("kubernetes_executor=True", f"component={OPERATOR_LABELS['component']}")
        queries = [{"labelSelector": label, "fieldSelector": "status.phase!=Failed,status.phase!=Succeeded"} for label in labels]
        workers, made = at_once(lambda query: self.all("Pod", query), queries)
        sight.living, sight.made = [item.ref for item in workers], [item.ref for item in made]
        sight.workers = [f"{ref.namespace}/{ref.name}" for ref in sight.living if ref.namespace in platform.all_namespaces]

    def all(self, kind: str, query: dict[str, Any] | None = None, namespace: str = "") -> list[Found]:
        return [found(kind, metadata) for metadata in self._api.items(collection(kind, namespace), query)]

    def one(self, ref: Ref) -> Found | None:
        metadata = self._api.metadata(location(ref))
        return None if metadata is None else Found(ref, metadata)

    def whole(self, ref: Ref) -> Obj | None:
        try:
            return self._api.get(location(ref))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
