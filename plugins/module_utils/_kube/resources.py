# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the API has objects of a kind: known kinds by a table, others by their CRD or by discovery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

# Kind: its collection's name, its group and version.
RESOURCES = {
    "Namespace": ("namespaces", "v1"),
    "ConfigMap": ("configmaps", "v1"),
    "PersistentVolumeClaim": ("persistentvolumeclaims", "v1"),
    "LimitRange": ("limitranges", "v1"),
    "Pod": ("pods", "v1"),
    "ResourceQuota": ("resourcequotas", "v1"),
    "Secret": ("secrets", "v1"),
    "Service": ("services", "v1"),
    "ServiceAccount": ("serviceaccounts", "v1"),
    "DaemonSet": ("daemonsets", "apps/v1"),
    "Deployment": ("deployments", "apps/v1"),
    "StatefulSet": ("statefulsets", "apps/v1"),
    "CronJob": ("cronjobs", "batch/v1"),
    "Job": ("jobs", "batch/v1"),
    "Ingress": ("ingresses", "networking.k8s.io/v1"),
    "NetworkPolicy": ("networkpolicies", "networking.k8s.io/v1"),
    "HorizontalPodAutoscaler": ("horizontalpodautoscalers", "autoscaling/v2"),
    "PodDisruptionBudget": ("poddisruptionbudgets", "policy/v1"),
    "PriorityClass": ("priorityclasses", "scheduling.k8s.io/v1"),
    "RuntimeClass": ("runtimeclasses", "node.k8s.io/v1"),
    "StorageClass": ("storageclasses", "storage.k8s.io/v1"),
    "Role": ("roles", "rbac.authorization.k8s.io/v1"),
    "RoleBinding": ("rolebindings", "rbac.authorization.k8s.io/v1"),
    "ClusterRole": ("clusterroles", "rbac.authorization.k8s.io/v1"),
    "ClusterRoleBinding": ("clusterrolebindings", "rbac.authorization.k8s.io/v1"),
    "APIService": ("apiservices", "apiregistration.k8s.io/v1"),
    "ValidatingAdmissionPolicy": ("validatingadmissionpolicies", "admissionregistration.k8s.io/v1"),
    "ValidatingAdmissionPolicyBinding": ("validatingadmissionpolicybindings", "admissionregistration.k8s.io/v1"),
    "CustomResourceDefinition": ("customresourcedefinitions", "apiextensions.k8s.io/v1"),
    "Application": ("applications", "argoproj.io/v1alpha1"),
    "ApplicationSet": ("applicationsets", "argoproj.io/v1alpha1"),
    "AppProject": ("appprojects", "argoproj.io/v1alpha1"),
}
# Those of them that are in no namespace.
CLUSTER_WIDE = frozenset(
    {
        *("Namespace", "PriorityClass", "ClusterRole", "ClusterRoleBinding", "APIService", "CustomResourceDefinition"),
        *("RuntimeClass", "StorageClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
    }
)


def root(api_version: str) -> str:
    """The API path of a group and version."""
    return "/api/v1" if api_version == "v1" else f"/apis/{api_version}"


def group(api_version: str) -> str:
    """The group of a group and version; empty for the core group."""
    return api_version.rpartition("/")[0]


def collection(kind: str, namespace: str = "", api_version: str = "") -> str:
    """The API path of a known kind's collection, in one namespace or in all. Raises InputError for another kind.

    Another version of the kind's group, which an older server may have alone, goes before the known one.
    """
    if not is_known(kind, api_version):
        raise InputError(f"{kind} is not a kind that this collection makes.", "Give its api_version.")
    plural, version = RESOURCES[kind][0], api_version or RESOURCES[kind][1]
    return f"{root(version)}/namespaces/{quote(namespace, safe='')}/{plural}" if namespace else f"{root(version)}/{plural}"


def is_known(kind: str, api_version: str = "") -> bool:
    """Whether the kind is one of RESOURCES, and not one of the same name in another group."""
    return kind in RESOURCES and (not api_version or group(api_version) == group(RESOURCES[kind][1]))


@dataclass(frozen=True)
class Resource:
    """The name of a kind's collection, and whether its objects are in namespaces."""

    plural: str
    namespaced: bool

    def path(self, api_version: str, namespace: str, name: str) -> str:
        """The API path of one object."""
        where = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced else ""
        return f"{root(api_version)}{where}/{self.plural}/{quote(name, safe='')}"


class Api(Protocol):
    """What discovery needs."""

    def find(self, path: str) -> Obj | None: ...


def defined(crd: Obj) -> tuple[str, str, Resource]:
    """Group, kind and resource that a CustomResourceDefinition makes."""
    spec = crd.get("spec") or {}
    names = spec.get("names") or {}
    return str(spec.get("group")), str(names.get("kind")), Resource(str(names.get("plural")), spec.get("scope") == "Namespaced")


class Resources:
    """The resources of a server. ``definitions`` are objects about to be applied: their CRDs count as there."""

    def __init__(self, api: Api, definitions: Iterable[Obj] = ()) -> None:
        self._api = api
        self._known: dict[tuple[str, str], Resource] = {}
        self._asked: set[str] = set()
        for kind, (plural, version) in RESOURCES.items():
            self._known[group(version), kind] = Resource(plural, kind not in CLUSTER_WIDE)
        for item in definitions:
            if item.get("kind") == "CustomResourceDefinition":
                found_group, kind, resource = defined(item)
                self._known[found_group, kind] = resource

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind, or None where the server does not serve it. Asks once for each group and version."""
        key = (group(api_version), kind)
        if key not in self._known and api_version not in self._asked:
            self._asked.add(api_version)
            for item in (self._api.find(root(api_version)) or {}).get("resources") or []:
                if "/" not in item["name"]:
                    self._known.setdefault((key[0], item["kind"]), Resource(item["name"], bool(item.get("namespaced"))))
        return self._known.get(key)

    def path(self, api_version: str, kind: str, namespace: str, name: str) -> str | None:
        """The API path of one object, or None where the server does not serve its kind, so that it has no such object.

        Raises InputError for an object that cannot be named: of an unknown kind without ``api_version``, or without the namespace that it
        needs.
        """
        if is_known(kind, api_version) or not api_version:
            return f"{collection(kind, namespace, api_version)}/{quote(name, safe='')}"
        resource = self.find(api_version, kind)
        if resource is not None and resource.namespaced and not namespace:
            raise InputError(f"{kind} {name} names no namespace.", "Give its namespace.")
        return None if resource is None else resource.path(api_version, namespace, name)


def not_served(api_version: str, kind: str) -> ApiError:
    """The error of a kind that the server does not serve."""
    message = f"The cluster does not serve the kind {kind} of {api_version}."
    return ApiError(404, message, "Correct apiVersion and kind, or install the CRD.", "unknown_kind")
