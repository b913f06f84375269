# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fields of a live object differ from what Argo CD applied. Pure: an object in, the paths of its fields out, never their values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER = "argocd-controller"
# Fields by which Kubernetes merges the elements of a list; a list whose elements have none of them is compared as a whole. The server adds
# defaults to both, but only in a list that is compared as a whole Argo CD sees them as a difference (argo-cd#11143, apache/airflow#39180).
MERGED_BY = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "envFrom": (),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port"),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "conditions": ("type",),
}


def differing_fields(live: Obj) -> list[str]:
    """The paths of the fields that differ from the manifest that was applied last, or that something other than Argo CD set.

    After a server-side apply the manifest is unknown, and only managedFields tell who set what.
    """
    metadata = live.get("metadata") or {}
    try:
        applied = json.loads((metadata.get("annotations") or {})[APPLIED])
    except (KeyError, TypeError, ValueError):
        return [f"{path} (set by {manager})" for manager, path in _set_by_others(metadata)]
    if not isinstance(applied, dict):
        return []
    # An item of a list has neither kind nor version.
    return list(_within({key: value for key, value in applied.items() if key not in ("apiVersion", "kind", "status")}, live, ""))


def _empty(value: Any) -> bool:
    return value in (None, "", False, 0, [], {})


def _equal(one: Any, other: Any) -> bool:
    """Whether the values say the same; the API server may write a quantity in another way (``1000m``, ``1``)."""
    if type(one) is type(other) and one == other:
        return True
    if isinstance(one, (dict, list, bool)) or isinstance(other, (dict, list, bool)):
        return False
    from kubernetes.utils.quantity import parse_quantity

    try:
        return bool(parse_quantity(one) == parse_quantity(other))
    except (ValueError, TypeError):
        return False


def _within(applied: Any, live: Any, path: str) -> Iterator[str]:
    """Where what was applied is not in the live object."""
    if isinstance(applied, dict) and isinstance(live, dict):
        for key, value in applied.items():
            if not (_empty(value) and key not in live):
                yield from _within(value, live.get(key), f"{path}.{key}")
    elif isinstance(applied, list) and isinstance(live, list):
        yield from _lists(applied, live, path)
    elif not _equal(applied, live):
        yield path.removeprefix(".")


def _lists(applied: list[Any], live: list[Any], path: str) -> Iterator[str]:
    name = path.rpartition(".")[2]
    for key in MERGED_BY.get(name, ()):
        if all(isinstance(item, dict) and key in item for item in [*applied, *live]):
            there = {_merged_by(key, item): item for item in live}
            # Of two with the same key the last one holds.
            for same, item in {_merged_by(key, item): item for item in applied}.items():
                yield from _within(item, there.get(same, {}), f"{path}[{item[key]}]")
            return
    if len(applied) != len(live):
        yield path.removeprefix(".")
        return
    for index, (one, other) in enumerate(zip(applied, live, strict=True)):
        yield from _both(one, other, f"{path}[{index}]")


def _merged_by(key: str, item: Obj) -> tuple[Any, ...]:
    """What distinguishes an element from others. The same port may be there for two protocols."""
    return (item[key], item.get("protocol") or "TCP") if key in MERGED_BY["ports"] else (item[key],)


def _both(one: Any, other: Any, path: str) -> Iterator[str]:
    """Where two values differ, whichever has more."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            yield from _both(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from _both(first, second, f"{path}[{index}]")
    elif not _equal(one, other) and not (_empty(one) and _empty(other)):
        yield path.removeprefix(".")


def _set_by_others(metadata: Obj) -> Iterator[tuple[str, str]]:
    """Manager and path of each field outside of metadata and status that Argo CD does not manage."""
    for entry in metadata.get("managedFields") or []:
        if entry.get("manager") == MANAGER:
            continue
        for path in _paths(entry.get("fieldsV1") or {}, ""):
            if path.partition(".")[0] not in ("metadata", "status", ""):
                yield str(entry.get("manager")), path


def _paths(fields: Obj, path: str) -> Iterator[str]:
    """The leaves of managedFields (``f:`` begins a field, ``k:`` the keys of a list's element)."""
    inner = {key: value for key, value in fields.items() if key != "."}
    if not inner:
        yield path.removeprefix(".")
    for key, value in inner.items():
        kind, _colon, name = key.partition(":")
        yield from _paths(value or {}, f"{path}.{name}" if kind == "f" else f"{path}[{_label(name)}]")


def _label(name: str) -> str:
    try:
        keys = json.loads(name)
    except ValueError:
        return name
    return ",".join(map(str, keys.values())) if isinstance(keys, dict) else str(keys)
