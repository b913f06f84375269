# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an object is as it is declared, and what an apply has changed. Pure.

A server-side apply changes nothing if the definition has just the fields that the field manager has applied before, with the values that
they have now. The object's own ``metadata.managedFields`` says which fields these are (kubernetes.io: Server-Side Apply), so that no schema
and no second request is needed. What cannot be decided so counts as different; the server decides then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import content

# kubectl keeps a whole definition there, a Secret's values included.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
HIDDEN, CHANGED = "********", "******** (changed)"


def is_applied(body: Obj, live: Obj, manager: str) -> bool:
    """Whether an apply of the body by that field manager would certainly change nothing."""
    entries = [
        entry
        for entry in live["metadata"].get("managedFields") or []
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    ]
    if len(entries) != 1 or entries[0].get("apiVersion") != body["apiVersion"]:
        return False
    metadata = {key: value for key, value in body["metadata"].items() if key not in ("name", "namespace", "creationTimestamp")}
    wanted = {key: value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata")}
    return _matches(entries[0].get("fieldsV1") or {}, {**wanted, **({"metadata": metadata} if metadata else {})}, live)


def _matches(fields: Obj, wanted: Any, live: Any) -> bool:
    """Whether ``wanted`` has just the ``fields``, and ``live`` the same values in them."""
    children = [key for key in fields if key != "."]
    if not children:  # a value, or a list or map that is replaced as a whole
        return _equal(wanted, live)
    if isinstance(wanted, dict):
        return (
            isinstance(live, dict)
            and set(children) == {f"f:{key}" for key in wanted}
            and all(key in live and _matches(fields[f"f:{key}"], value, live[key]) for key, value in wanted.items())
        )
    if not isinstance(wanted, list) or not isinstance(live, list) or len(children) != len(wanted):
        return False
    if all(key.startswith("k:") for key in children):
        return _matches_items({key: json.loads(key[2:]) for key in children}, fields, wanted, live)
    if all(key.startswith("v:") for key in children):
        return all(any(_equal(json.loads(key[2:]), item) for key in children) for item in wanted) and _in_order(
            [next((place for place, other in enumerate(live) if _equal(item, other)), -1) for item in wanted]
        )
    return False


def _matches_items(keys: Mapping[str, Obj], fields: Obj, wanted: list[Any], live: list[Any]) -> bool:
    """The same for a list whose items are identified by some of their fields. An item may leave out a key that has a default."""
    places = []
    for item in wanted:
        if not isinstance(item, dict):
            return False
        own = [key for key, parts in keys.items() if all(_equal(item.get(name, value), value) for name, value in parts.items())]
        if len(own) != 1:
            return False
        parts = keys[own[0]]
        found = [
            place
            for place, other in enumerate(live)
            if isinstance(other, dict) and all(_equal(other.get(name), value) for name, value in parts.items())
        ]
        if len(found) != 1 or not _matches(fields[own[0]], item, live[found[0]]):
            return False
        places.append(found[0])
    return _in_order(places)


def _in_order(places: list[int]) -> bool:
    """Whether they are found, each once, in the order in which they are declared."""
    return -1 not in places and all(before < after for before, after in pairwise(places))


def _equal(one: Any, other: Any) -> bool:
    """Python takes true for 1."""
    return bool(one == other) and (not isinstance(one, (dict, list, bool, int)) or _text(one) == _text(other))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def differs(before: Obj | None, after: Obj) -> bool:
    """Whether an apply has changed the object. A status that moved on meanwhile is not the apply's, nor is a field's owner a change."""
    return content(before) != content(after)


def shown(before: Obj | None, after: Obj | None) -> tuple[Obj | None, Obj | None]:
    """Both for a diff. Of a Secret's values only the keys are shown, and which of them have changed."""
    return _shown(before, None), _shown(after, before if before is not None else {})


def _shown(item: Obj | None, before: Obj | None) -> Obj | None:
    if item is None:
        return None
    found = content(item)
    annotations = found["metadata"].get("annotations") or {}
    if LAST_APPLIED in annotations:
        kept = {key: value for key, value in annotations.items() if key != LAST_APPLIED}
        found["metadata"] = {**found["metadata"], "annotations": kept}
    if item.get("kind") == "Secret":
        old = None if before is None else before.get("data") or {}
        data = found.get("data") or {}
        found["data"] = {key: HIDDEN if old is None or old.get(key) == value else CHANGED for key, value in data.items()}
    return found
