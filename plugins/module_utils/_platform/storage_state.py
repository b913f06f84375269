# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the volume claims of the platform can have the StorageClass that is set. Pure but for read().

Kubernetes changes neither the class of a claim nor the claim templates of a StatefulSet. Without this check a run would end half way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import MANAGER
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import location
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.shapes import OBJECT_NAME

VARIABLE = "platform_storage_class"
MYSQL, CLAIM, CLAIM_TEMPLATES = "airflow-mysql", "PersistentVolumeClaim", "StatefulSet"


@dataclass(frozen=True)
class Storage:
    """What the cluster has. ``objects``: what exists, with the class that it was declared with; empty: with none.

    ``classes``: the names of its StorageClasses. None: they were not read, because none is set or this account may not read them.
    """

    objects: Mapping[Ref, str] = field(default_factory=dict)
    classes: frozenset[str] | None = None


def claims(given: Settings) -> list[Ref]:
    """What holds the claims of the platform's parts."""
    git = [Ref(CLAIM, str(given.git_namespace), "gitea", "v1")] if given.git_server == "embedded" else []
    logs = [Ref(CLAIM, str(given.logs_namespace), "task-logs", "v1")] if given.logs_mode == "embedded" else []
    return [Ref(CLAIM_TEMPLATES, str(given.core_namespace), MYSQL, "apps/v1"), *git, *logs]


def declared_class(live: Obj, wanted: str) -> str:
    """The class that an object was declared with. The cluster writes its default into a claim that names none.

    ``wanted``: the class that is set. A claim with it is as it should be, whoever named it.
    """
    if live.get("kind") == CLAIM_TEMPLATES or "volumeClaimTemplates" in (live.get("spec") or {}):
        (template, *_others) = at(live, "spec", "volumeClaimTemplates") or [{}]
        return str(at(template, "spec", "storageClassName") or "")
    found = str(at(live, "spec", "storageClassName") or "")
    return found if wanted or _is_applied(live["metadata"]) else ""


def _is_applied(metadata: Mapping[str, Any]) -> bool:
    """Whether a run has applied the class of a claim."""
    entries = [item for item in metadata.get("managedFields") or [] if item.get("manager") == MANAGER]
    return any("f:storageClassName" in (at(item, "fieldsV1", "f:spec") or {}) for item in entries)


def read(api: KubeApi, given: Settings, namespaces: Collection[str]) -> Storage:
    """``namespaces``: those that exist. Raises ApiError."""
    refs = [ref for ref in claims(given) if ref.namespace in namespaces]
    lives = dict(zip(refs, at_once(lambda ref: api.find(location(ref)), refs), strict=True))
    objects = {ref: declared_class(live, given.storage_class) for ref, live in lives.items() if live is not None}
    return Storage(objects, _classes(api) if given.storage_class else None)


def _classes(api: KubeApi) -> frozenset[str] | None:
    try:
        return frozenset(str(item["name"]) for item in api.items(collection("StorageClass")))
    except ApiError as error:
        if error.status == 403:
            return None
        raise


def class_name(given: Settings) -> Iterator[Refusal]:
    name = given.storage_class
    if name and not OBJECT_NAME.fullmatch(name):
        yield Refusal(
            "storage_class",
            name,
            "a StorageClass is named as an object",
            f"{VARIABLE} is '{name}', which cannot be the name of a StorageClass.",
            f"Correct {VARIABLE}.",
        )


def notes(found: Storage, given: Settings) -> Iterator[str]:
    if given.storage_class and found.classes is None:
        yield f"Whether the cluster has the StorageClass {given.storage_class} was not checked, because this account may not read it."


def refusals(found: Storage, given: Settings) -> Iterator[Refusal]:
    wanted = given.storage_class
    if wanted and found.classes is not None and wanted not in found.classes:
        others = f", or set {VARIABLE} to one of {named(sorted(found.classes))}" if found.classes else ""
        yield Refusal(
            "missing_storage_class",
            wanted,
            "the cluster has the StorageClass of the platform's volumes",
            f"{VARIABLE} is '{wanted}', but the cluster has no StorageClass of that name. The volume claims would stay pending.",
            f"Create it{others}. Then run the same command again.",
        )
    other = {ref: name for ref, name in found.objects.items() if name != wanted}
    if other:
        names = sorted(set(other.values()))
        shown = [f"{ref} ({name or 'none, so the default of the cluster'})" for ref, name in other.items()]
        back = f"Set {VARIABLE} to '{names[0]}'. " if len(names) == 1 and len(other) == len(found.objects) else ""
        yield Refusal(
            "storage_class_changed",
            wanted,
            "a volume claim keeps its StorageClass",
            f"{VARIABLE} is '{wanted}', but volume claims were made with another StorageClass: {named(shown)}. Kubernetes does not "
            "change the class of a claim.",
            f"{back}To move the data to another class, back it up, remove the platform with its claims, and install it with the new class.",
        )


RULES = (class_name,)
