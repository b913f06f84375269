# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies Secrets and ConfigMaps of one namespace to others, and keeps the copies in step. What is decided is pure; the API is passed in.

A copy has the source's values, type and C(immutable), and of metadata its name alone. It is not applied (server-side apply): an apply would
leave keys that others have added, and would take over an object that others create in the same moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import MANAGER, labels_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.applied import CHANGED, HIDDEN
from ansible_collections.gitops.airflow.plugins.module_utils._kube.apply import Target
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.copies import BOUND_TYPE, labels, obstacle
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import Refused, secret_values
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import location
from ansible_collections.gitops.airflow.plugins.module_utils._platform.shapes import OBJECT_NAME

POLL_SECONDS = 0.2
DELETE_SECONDS = 60.0  # until a copy that is replaced is gone
VALUES = ("data", "binaryData")

Result = Literal["created", "changed", "recreated", "same"]


@dataclass(frozen=True)
class Wanted:
    """What is copied where, as it is declared."""

    platform: str
    source_namespace: str
    namespaces: tuple[str, ...] = ()
    objects: tuple[tuple[str, str], ...] = ()  # kind and name

    def check(self) -> None:
        """Raises InputError for names that cannot be copied."""
        places = dict.fromkeys((self.source_namespace, *self.namespaces, *(name for _kind, name in self.objects)))
        if wrong := [name for name in places if not OBJECT_NAME.fullmatch(name)]:
            shown = ", ".join(f"'{name}'" for name in wrong)
            raise InputError(f"{shown} cannot be the name of an object or a namespace.", "Correct secrets, config_maps and namespaces.")
        if self.source_namespace in self.namespaces:
            raise InputError(f"namespaces contains {self.source_namespace}, which has the sources.", "Remove it from namespaces.")

    def refs(self, namespace: str) -> list[Ref]:
        return list(dict.fromkeys(Ref(kind, namespace, name, "v1") for kind, name in self.objects))


@dataclass(frozen=True)
class Step:
    """What happens to one copy. ``body`` is the whole copy, and ``live`` what the cluster has."""

    ref: Ref
    result: Result
    body: Obj = field(repr=False)
    live: Obj | None = field(default=None, repr=False)


def copy_of(source: Obj, ref: Ref, platform: str) -> Obj:
    """The copy as it is created."""
    metadata = {"name": ref.name, "namespace": ref.namespace, "labels": labels(platform, source["metadata"]["namespace"])}
    kept = {key: source[key] for key in (*VALUES, "type", "immutable") if source.get(key)}
    return {"apiVersion": "v1", "kind": ref.kind, "metadata": metadata, **kept}


def result_for(body: Obj, live: Obj | None) -> Result:
    """What must happen to a live object so that it is the copy ``body``. A type, and an immutable object's values, cannot be changed."""
    if live is None:
        return "created"
    values = any((body.get(part) or {}) != (live.get(part) or {}) for part in VALUES)
    kinds, fixed = body.get("type") != live.get("type"), bool(live.get("immutable"))
    if kinds or (fixed and (values or not body.get("immutable"))):
        return "recreated"
    labelled = body["metadata"]["labels"].items() <= labels_of(live["metadata"]).items()
    return "same" if not values and labelled and fixed is bool(body.get("immutable")) else "changed"


def patch_for(body: Obj, live: Obj) -> Obj:
    """The merge patch that makes the copy ``body`` of a live object, if that is still the one that was read.

    Keys that the source does not have are removed. Labels and annotations of others stay.
    """
    found: Obj = {"metadata": {"labels": body["metadata"]["labels"], "resourceVersion": live["metadata"]["resourceVersion"]}}
    for part in VALUES:
        wanted, present = body.get(part) or {}, live.get(part) or {}
        if wanted != present:
            found[part] = {**dict.fromkeys(present, None), **wanted}
    return found | ({"immutable": True} if body.get("immutable") else {})


def plan(sources: Mapping[Ref, Obj | None], targets: Sequence[Ref], lives: Mapping[Ref, Obj | None], wanted: Wanted) -> list[Step]:
    """What happens to all copies, decided before the first is changed.

    :raises CollectionError: for a source that does not exist or cannot be copied; Refused for objects that are not this platform's copies.
    """
    if missing := [ref for ref, source in sources.items() if source is None]:
        message = f"{named(missing)} cannot be copied: there is no object of that name. Nothing was changed."
        raise CollectionError(message, "Create it, or remove its name from the list.", "missing_source")
    if bound := [ref for ref, source in sources.items() if source is not None and source.get("type") == BOUND_TYPE]:
        message = f"{named(bound)} cannot be copied: a Secret of the type {BOUND_TYPE} is for a ServiceAccount of its own namespace."
        raise CollectionError(f"{message} Nothing was changed.", "Copy a Secret of the type Opaque that has the token.", "bad_source")
    metadata = {ref: None if live is None else live["metadata"] for ref, live in lives.items()}
    if refused := [(ref, reason) for ref in targets if (reason := obstacle(metadata[ref], wanted.platform))]:
        raise Refused(refused)
    steps = []
    for ref in targets:
        source = sources[Ref(ref.kind, wanted.source_namespace, ref.name)]
        if source is None:
            raise AssertionError("a missing source is refused above")
        body = copy_of(source, ref, wanted.platform)
        steps.append(Step(ref, result_for(body, lives[ref]), body, lives[ref]))
    return steps


def hidden_values(steps: Sequence[Step]) -> set[str]:
    """The values of Secrets, old and new, that must not be shown even if the API server quotes them."""
    bodies = [(step.ref, body) for step in steps for body in (step.body, step.live) if body is not None]
    return secret_values([Target("v1", ref.kind, ref.namespace, ref.name, body, "") for ref, body in bodies], {})


def _shown(body: Obj, other: Obj | None) -> Obj:
    """Of a copy, all that a diff shows: no value, of a ConfigMap neither, and no metadata."""
    parts = {key: value for part in VALUES for key, value in (body.get(part) or {}).items()}
    before = None if other is None else {key: value for part in VALUES for key, value in (other.get(part) or {}).items()}
    keys = {key: HIDDEN if before is None or before.get(key) == value else CHANGED for key, value in parts.items()}
    return {"keys": keys, "immutable": bool(body.get("immutable")), **({"type": body["type"]} if "type" in body else {})}


def diff_of(steps: Sequence[Step]) -> dict[str, dict[str, Any]]:
    """The diff of the copies that change."""
    open_steps = [step for step in steps if step.result != "same"]
    return {
        "before": {str(step.ref): _shown(step.live, None) for step in open_steps if step.live is not None},
        "after": {str(step.ref): _shown(step.body, step.live) for step in open_steps},
    }


class Copying:
    """Reads the sources and the copies, and changes the copies. In check mode the API server judges what would happen (dryRun=All)."""

    def __init__(
        self,
        api: KubeApi,
        wanted: Wanted,
        *,
        check: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api, self._wanted, self._check = api, wanted, check
        self._clock, self._sleep = clock, sleep

    def read(self) -> list[Step]:
        """One GET for each source and each copy. Raises ApiError, and CollectionError as :func:`plan` does."""
        wanted = self._wanted
        wanted.check()
        sources = wanted.refs(wanted.source_namespace)
        targets = [ref for namespace in dict.fromkeys(wanted.namespaces) for ref in wanted.refs(namespace)]
        found = dict(zip([*sources, *targets], at_once(self._find, [*sources, *targets]), strict=True))
        return plan({ref: found[ref] for ref in sources}, targets, {ref: found[ref] for ref in targets}, wanted)

    def change(self, step: Step) -> None:
        """Carries out one step. Raises ApiError, and CollectionError if a finalizer holds a copy that must be replaced."""
        path = location(step.ref)
        if step.result == "changed" and step.live is not None:
            query = {"fieldManager": MANAGER, **({"dryRun": "All"} if self._check else {})}
            self._api.patch(path, patch_for(step.body, step.live), query)
        elif step.result == "recreated" and step.live is not None and not self._check:
            self._delete(path, step)
            self._create(step)
        elif step.result == "created":
            self._create(step)

    def _find(self, ref: Ref) -> Obj | None:
        return self._api.find(location(ref))

    def _create(self, step: Step) -> None:
        try:
            self._api.create(collection(step.ref.kind, step.ref.namespace), step.body, dry_run=self._check)
        except ApiError as error:
            if not (self._check and error.status == 404):  # the namespace does not exist yet
                raise

    def _delete(self, path: str, step: Step) -> None:
        uid = (step.live or {})["metadata"]["uid"]
        self._api.delete(path, uid)
        end = self._clock() + DELETE_SECONDS
        while (self._api.metadata(path) or {}).get("uid") == uid:
            if self._clock() >= end:
                message = f"{step.ref} is still there {DELETE_SECONDS:g} s after its deletion was requested: a finalizer holds it back."
                action = "Look at its finalizers (kubectl get -o yaml), and run the same command again."
                raise CollectionError(message, action, "not_deleted")
            self._sleep(POLL_SECONDS)
