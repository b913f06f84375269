# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies objects on behalf of a platform: each gets the platform's mark, and what belongs to others is not overwritten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import MANAGER, PART_OF, labels_of, marks
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.applied import shown
from ansible_collections.gitops.airflow.plugins.module_utils._kube.apply import Apply, Change, Standing, Target, targets
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.definitions import (
    LAST,
    bad,
    decoded,
    secret_names,
    substituted,
    with_labels,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kube.settle import Settled, await_objects, settle, still_open
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import (
    MADE,
    Found,
    Ref,
    Scope,
    is_handed_over,
    reason_to_keep,
    reason_to_keep_namespace,
)

NAMED = 6  # objects in a message
SHORTEST = 12  # characters of a value that is hidden: a shorter one may be a word
DELETED = "it is being deleted"


@dataclass(frozen=True)
class Wishes:
    """How objects are applied."""

    keep_foreign: bool = False  # objects of others stay as they are, instead of being refused
    yield_to: tuple[str, ...] = ()  # where others have one of these (KIND/NAME), nothing is applied
    wait_for_objects: tuple[str, ...] = ()  # collections (GROUP/VERSION/PLURAL) that must hold an object after the wait
    recreate: bool = False
    wait: bool = False
    timeout: float = 180
    grace: float = 60


@dataclass
class Plan:
    """Which objects are applied, and which stay as they are, with the reason."""

    apply: list[Standing] = field(default_factory=list)
    kept: list[tuple[Ref, str]] = field(default_factory=list)
    refused: list[tuple[Ref, str]] = field(default_factory=list)
    yielded: bool = False


@dataclass
class Applied:
    """What became of the objects. ``failure`` is why it ended before all was done."""

    changes: list[Change] = field(default_factory=list)
    kept: list[tuple[Ref, str]] = field(default_factory=list)
    yielded: bool = False
    settled: Settled = field(default_factory=Settled)
    failure: CollectionError | None = None


def marked(body: Obj, platform: str) -> Obj:
    """The object with the platform's mark. A namespace also says that this collection made it, which decides about its deletion.

    :raises CollectionError: for an object that says that it is part of something else.
    """
    labels = marks(platform)
    part = labels_of(body["metadata"]).get(PART_OF, labels[PART_OF])
    if part != labels[PART_OF]:
        message = f"{body['kind']} {body['metadata']['name']} has the label {PART_OF}={part}, which is the platform's mark."
        raise bad(message, "Leave that label out. Only objects that a record of Argo CD names may have another one.")
    return with_labels(body, {**labels, MADE: "true"} if body["kind"] == "Namespace" else labels)


def ref_of(target: Target) -> Ref:
    return Ref(target.kind, target.namespace, target.name, target.api_version)


def obstacle(standing: Standing, scope: Scope) -> str:
    """Why an object may not be applied; empty where it may."""
    live = standing.live
    if live is None:
        return ""
    found = Found(ref_of(standing.target), live["metadata"])
    if is_handed_over(found, scope.application):
        return ""
    reason = reason_to_keep_namespace(found, [], scope) if found.ref.kind == "Namespace" else reason_to_keep(found, scope)
    service = (live.get("spec") or {}).get("service") or {}
    if reason and found.ref.kind == "APIService" and service:
        reason += f"; Service {service.get('namespace')}/{service.get('name')} serves it"
    return reason


def plan(standings: Sequence[Standing], scope: Scope, wishes: Wishes) -> Plan:
    """Decides for all objects before the first is changed."""
    found = Plan()
    for standing in standings:
        ref, reason = ref_of(standing.target), obstacle(standing, scope)
        if not reason and standing.live is not None and standing.live["metadata"].get("deletionTimestamp"):
            found.refused.append((ref, DELETED))
        elif not reason:
            found.apply.append(standing)
        elif f"{ref.kind}/{ref.name}" in wishes.yield_to:
            found.yielded = True
            found.kept.append((ref, reason))
        elif wishes.keep_foreign:
            found.kept.append((ref, reason))
        else:
            found.refused.append((ref, reason))
    if found.yielded:
        found.apply, found.refused = [], []
    return found


class Refused(CollectionError):
    """Objects that may not be applied, each with the reason."""

    def __init__(self, objects: Sequence[tuple[Ref, str]]) -> None:
        more = f"; and {len(objects) - NAMED} more" if len(objects) > NAMED else ""
        text = "; ".join(f"{ref}: {reason}" for ref, reason in objects[:NAMED]) + more
        self.objects = objects
        if all(reason == DELETED for _ref, reason in objects):
            super().__init__(f"These objects cannot be applied: {text}.", "Wait until they are gone, and run again.", "being_deleted")
        else:
            super().__init__(
                f"The cluster has objects with the names of this platform's that it did not make: {text}. Nothing was applied.",
                "Use other names or another namespace, or delete these objects if nobody needs them.",
                "foreign_object",
            )


def read_sources(api: KubeApi, bodies: Sequence[Obj], namespace: str, names: Sequence[str], check: bool) -> dict[str, dict[str, str]]:
    """The values of the Secrets that placeholders name. In check mode one that does not exist yet has none: what needs it stays as it is.

    :raises CollectionError: where one does not exist.
    """
    found = {}
    for name in sorted(secret_names(bodies, names)):
        if not namespace:
            raise InputError(f"substitute_from names the Secret {name}, but namespace is empty.", "Set namespace to that of the Secret.")
        secret = api.find(core_path("secrets", namespace, name))
        if secret is not None:
            found[name] = decoded(secret)
        elif not check:
            message = f"The Secret {namespace}/{name}, whose values are to be inserted, does not exist."
            raise CollectionError(message, "Create it first.", "missing_secret")
    return found


def apply_objects(api: KubeApi, items: Sequence[Target], scope: Scope, wishes: Wishes, *, check: bool) -> Applied:
    """Applies the objects if none of them is another's.

    What registers a Service with the API server comes last, and with ``wait`` only once the workloads have rolled out.

    :raises CollectionError: before anything is changed. Later errors are the result's ``failure``.
    """
    apply = Apply(api, MANAGER, check=check, recreate=wishes.recreate, timeout=wishes.timeout)
    decided = plan(apply.read(items), scope, wishes)
    if decided.refused:
        raise Refused(decided.refused)
    done = Applied(kept=decided.kept, yielded=decided.yielded)
    stages = [[item for item in decided.apply if (item.target.kind in LAST) is last] for last in (False, True)]
    try:
        for stage in stages:
            for standing in stage:
                done.changes.append(apply.change(standing))
            if wishes.wait and not check:
                found = settle(api, [change.after for change in done.changes[-len(stage) :] if stage], wishes.timeout, wishes.grace)
                done.settled.waited += found.waited
                done.settled.notices += found.notices
        if done.settled.waited:
            await_objects(api, wishes.wait_for_objects, wishes.timeout)
    except CollectionError as error:
        done.failure = error
    return done


def placed(api: KubeApi, bodies: Sequence[Obj], scope: Scope, namespace: str, sources: Mapping[str, Mapping[str, str]]) -> list[Target]:
    """The objects as they are applied: with their places, inserted values and the platform's mark.

    What the record of the platform's Argo CD names is the platform's without the mark: Argo CD finds its settings by its own labels.
    """
    recorded = (scope.record.objects if scope.record is not None else None) or frozenset()
    found = targets([substituted(body, sources) for body in bodies], api, namespace)
    return [target if ref_of(target) in recorded else replace(target, body=marked(target.body, scope.platform)) for target in found]


def secret_values(items: Sequence[Target], sources: Mapping[str, Mapping[str, str]]) -> set[str]:
    """The values of Secrets, plain and encoded, that must not be shown: long ones that are not part of an object's name."""
    texts = {value for values in sources.values() for value in values.values()}
    for target in items:
        if target.kind == "Secret":
            texts |= {str(value) for value in (target.body.get("data") or {}).values()} | set(decoded(target.body).values())
    shown = " ".join(map(str, items))
    return {text for text in texts if len(text) >= SHORTEST and text not in shown}


def change_rows(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """What became of each object, for a module's result."""
    return [
        {
            **ref_of(change.target).as_dict(),
            "uid": change.after["metadata"].get("uid", ""),
            "result": change.result,
            "open": still_open(change.after),
        }
        for change in changes
    ]


def change_diff(changes: Sequence[Change]) -> dict[str, Obj]:
    """A module's diff of all objects that changed. It shows no value of a Secret."""
    pairs = {str(change.target): shown(change.before, change.after) for change in changes if change.result != "same"}
    return {
        "before": {name: before for name, (before, _after) in pairs.items() if before is not None},
        "after": {name: after for name, (_before, after) in pairs.items() if after is not None},
    }
