# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an AppProject allows: as declared, as it was before, and both together. Pure: dictionaries in, dictionaries out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import belongs, marks, refuse_foreign
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import Place

IN_CLUSTER = "https://kubernetes.default.svc"
# The last version remembered in this annotation of the project what Argo CD trusts (see _argocd/repository.py, which takes it over).
TRUST = "gitops-airflow/trust"

T = TypeVar("T")


def project_place(namespace: str, name: str) -> Place:
    return Place("argoproj.io/v1alpha1", "AppProject", "appprojects", namespace, name)


@dataclass(frozen=True)
class Allowed:
    """What an AppProject allows. ``namespace_kinds`` is None where it allows every kind in a namespace."""

    repositories: tuple[str, ...] = ()
    destinations: tuple[Mapping[str, str], ...] = ()
    cluster_kinds: tuple[Mapping[str, str], ...] = ()
    namespace_kinds: tuple[Mapping[str, str], ...] | None = ()

    @property
    def namespaces(self) -> list[str]:
        return list(dict.fromkeys(item["namespace"] for item in self.destinations if item.get("namespace")))

    def as_dict(self) -> dict[str, Any]:
        """For a result."""
        return {
            "repositories": list(self.repositories),
            "namespaces": self.namespaces,
            "destinations": [dict(item) for item in self.destinations],
        }


@dataclass(frozen=True)
class Project:
    """An AppProject as it is declared."""

    name: str
    namespace: str
    platform: str
    allowed: Allowed
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    adopt: bool = False
    keep_present: bool = False

    @property
    def place(self) -> Place:
        return project_place(self.namespace, self.name)


def destination(item: Mapping[str, Any]) -> dict[str, str]:
    """A destination without empty fields. It names its cluster by URL or by name; without either it is the cluster of Argo CD."""
    found = {key: str(item[key]) for key in ("namespace", "server", "name") if item.get(key)}
    return found if "server" in found or "name" in found else {**found, "server": IN_CLUSTER}


def united(first: Iterable[T], second: Iterable[T], key: Callable[[T], Any] = lambda item: item) -> tuple[T, ...]:
    """The items of both, in their order, each once."""
    found: dict[Any, T] = {}
    for item in (*first, *second):
        found.setdefault(key(item), item)
    return tuple(found.values())


def _identity(item: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(item.items()))


def allowed_by(project: Obj | None, platform: str, adopt: bool) -> Allowed:
    """What a present AppProject of this platform allows; one of others, or none, says nothing of this platform."""
    if project is None or not belongs(project["metadata"], platform, adopt):
        return Allowed()
    spec = project.get("spec") or {}
    kinds = spec.get("namespaceResourceWhitelist")
    return Allowed(
        tuple(spec.get("sourceRepos") or ()),
        tuple(spec.get("destinations") or ()),
        tuple(spec.get("clusterResourceWhitelist") or ()),
        None if kinds is None else tuple(kinds),
    )


def widen(wanted: Allowed, before: Allowed) -> Allowed:
    """What either allows."""
    everything = wanted.namespace_kinds is None or before.namespace_kinds is None
    return Allowed(
        united(wanted.repositories, before.repositories),
        united(wanted.destinations, before.destinations, _identity),
        united(wanted.cluster_kinds, before.cluster_kinds, _identity),
        None if everything else united(wanted.namespace_kinds or (), before.namespace_kinds or (), _identity),
    )


def dropped(wanted: Allowed, before: Allowed) -> Allowed:
    """What was allowed before and is not declared any more."""

    def less(old: Sequence[Mapping[str, str]], new: Sequence[Mapping[str, str]]) -> tuple[Mapping[str, str], ...]:
        known = set(map(_identity, new))
        return tuple(item for item in old if _identity(item) not in known)

    return Allowed(
        tuple(item for item in before.repositories if item not in wanted.repositories),
        less(before.destinations, wanted.destinations),
        less(before.cluster_kinds, wanted.cluster_kinds),
        () if wanted.namespace_kinds is None else less(before.namespace_kinds or (), wanted.namespace_kinds),
    )


def wider(wanted: Allowed, before: Allowed) -> bool:
    """Whether both together allow more than what is declared."""
    return dropped(wanted, before) != Allowed() or (wanted.namespace_kinds is not None and before.namespace_kinds is None)


def manifest(project: Project, present: Obj | None) -> Obj:
    """The AppProject to apply over the present one.

    :raises CollectionError: where the present one belongs to others.
    """
    if present is not None:
        refuse_foreign(str(project.place), present["metadata"], project.platform, project.adopt)
    allowed = project.allowed
    if project.keep_present:
        allowed = widen(allowed, allowed_by(present, project.platform, project.adopt))
    memory = ((present or {}).get("metadata", {}).get("annotations") or {}).get(TRUST)
    annotations = {**project.annotations, **({TRUST: memory} if memory else {})}
    metadata: Obj = {"labels": {**project.labels, **marks(project.platform)}, **({"annotations": annotations} if annotations else {})}
    spec: Obj = {
        "description": project.description,
        "sourceRepos": list(allowed.repositories),
        "destinations": [dict(item) for item in allowed.destinations],
        "clusterResourceWhitelist": [dict(item) for item in allowed.cluster_kinds],
    }
    if allowed.namespace_kinds is not None:
        spec["namespaceResourceWhitelist"] = [dict(item) for item in allowed.namespace_kinds]
    return project.place.body(metadata, spec=spec)
