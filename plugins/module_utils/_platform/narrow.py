# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API as an account sees it that may only look into the platform's namespaces (ADR 26). ``View`` is pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import CLUSTER_WIDE, RESOURCES, collection, root
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import RECORD
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import SYSTEM

Query = Mapping[str, Any]
NAMESPACES, CRDS = collection("Namespace"), collection("CustomResourceDefinition")
# What is in no namespace and belongs to an Argo CD or metrics-server: without the right to list it there is nothing to compare.
UNSEEN = frozenset(collection(kind) for kind in ("ClusterRole", "ClusterRoleBinding", "APIService"))
# Collections in all namespaces, with the kind.
ALL = {collection(kind): kind for kind in RESOURCES.keys() - CLUSTER_WIDE}


@dataclass(frozen=True)
class View:
    """Where an account looks. ``named``: kinds of which it sees one object in the namespace of Argo CD, with its name.

    ``clusters``: whether it may list the Secrets there, which say where Argo CD deploys to. ``known``: other namespaces that it reads by
    name, in which nothing is listed.
    """

    namespaces: tuple[str, ...]
    argocd: str
    named: Mapping[str, str]
    clusters: bool = False
    known: tuple[str, ...] = ()

    @property
    def read(self) -> tuple[str, ...]:
        """The namespaces that are read one by one instead of being listed."""
        return tuple(dict.fromkeys((*self.namespaces, self.argocd, SYSTEM, *self.known)))

    def lists(self, path: str, query: Query) -> list[tuple[str, Query]] | None:
        """The lists that stand for a list of a collection. None: the list as it is."""
        if path in UNSEEN:
            return []
        if path == collection("Secret", self.argocd) and not self.clusters:
            return []
        kind = ALL.get(path)
        if kind is None:
            return None
        custom = kind in ("Application", "ApplicationSet", "AppProject")
        own = [] if custom else [(collection(kind, namespace), query) for namespace in self.namespaces]
        return [*own, *self._in_argocd(kind, query)]

    def _in_argocd(self, kind: str, query: Query) -> list[tuple[str, Query]]:
        path, selector = collection(kind, self.argocd), f"metadata.name={self.named.get(kind)}"
        if kind in ("Deployment", "StatefulSet"):
            return [(path, query)]
        if kind == "ConfigMap":
            return [(path, query)] if query.get("fieldSelector") == f"metadata.name={RECORD}" else []
        # RBAC permits the list of one name if the request selects it.
        return [(path, {**query, "fieldSelector": selector})] if self.named.get(kind) else []


def selected(metadata: Obj, query: Query) -> bool:
    """Whether the labels are those that a query selects with KEY=VALUE."""
    pairs = [pair.partition("=") for pair in str(query.get("labelSelector") or "").split(",") if pair]
    labels = metadata.get("labels") or {}
    return all(labels.get(key) == value for key, _sign, value in pairs)


class NarrowApi(KubeApi):
    """Answers requests for the whole cluster from the platform's namespaces."""

    def __init__(self, api: KubeApi, view: View) -> None:
        super().__init__(api._client)
        self.view = view

    def items(self, path: str, query: dict[str, Any] | None = None, *, whole: bool = False) -> list[Obj]:
        if path == NAMESPACES and not whole:
            reads = [self.metadata(f"{path}/{name}") for name in self.view.read]
            return [item for item in reads if item is not None and selected(item, query or {})]
        lists = self.view.lists(path, query or {})
        if lists is None:
            return super().items(path, query, whole=whole)
        return [item for place, asked in lists for item in super(NarrowApi, self).items(place, dict(asked), whole=whole)]

    def metadata(self, path: str) -> Obj | None:
        """That of a CRD is its name alone: every account may ask which kinds the server serves."""
        folder, _slash, name = path.rpartition("/")
        if folder != CRDS:
            return super().metadata(path)
        plural, _dot, group = name.partition(".")
        served = (self.find(root(f"{group}/v1alpha1")) or {}).get("resources") or []
        return {"name": name} if any(item.get("name") == plural for item in served) else None
