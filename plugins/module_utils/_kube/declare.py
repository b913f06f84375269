# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One object of a cluster as it is declared: read, apply, change under its version, delete. What it must hold is for the caller to say."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import MANAGER, belongs, owner_text
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi

# Others write to the same object at the same time: a change is computed anew from what they wrote.
TRIES = 100
PAUSE_SECONDS = 0.05
POLL_SECONDS = 0.3
# What the API server keeps of an object, and what controllers report: not declared.
_VOLATILE = (
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)


@dataclass(frozen=True)
class Place:
    """Where an object is."""

    api_version: str
    kind: str
    plural: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        root = f"/api/{self.api_version}" if "/" not in self.api_version else f"/apis/{self.api_version}"
        return f"{root}/namespaces/{quote(self.namespace, safe='')}/{self.plural}/{quote(self.name, safe='')}"

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def body(self, metadata: Obj, **content: Any) -> Obj:
        """The object with this metadata, which need not repeat name and namespace."""
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": {"name": self.name, "namespace": self.namespace, **metadata},
            **content,
        }


@dataclass(frozen=True)
class Declared:
    """An object before and after. ``after`` is what the server answered, in check mode to a dry run."""

    before: Obj | None
    after: Obj | None

    @property
    def changed(self) -> bool:
        return content(self.before) != content(self.after)


def content(item: Mapping[str, Any] | None) -> Obj:
    """What is declared of an object: without its status and what the API server keeps of it."""
    if item is None:
        return {}
    metadata = {key: value for key, value in (item.get("metadata") or {}).items() if key not in _VOLATILE and value}
    return {**{key: value for key, value in item.items() if key not in ("status", "operation")}, "metadata": metadata}


def diff(place: Place, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Obj:
    """A module's diff of one object. Not for objects that hold secret values."""
    return {"before_header": str(place), "before": content(before), "after_header": str(place), "after": content(after)}


def declare(
    api: KubeApi, place: Place, build: Callable[[Obj | None], Obj], check: bool, sleep: Callable[[float], None] = time.sleep
) -> Declared:
    """Applies what ``build`` makes of the present object (server-side, with force). ``build`` refuses by raising CollectionError.

    An object that changes between reading and applying is read again. In check mode nothing is changed.

    :raises ApiError: where the server refuses.
    :raises CollectionError: where the namespace or kind does not exist, or others keep writing to the object.
    """
    for _try in range(TRIES):
        before = api.find(place.path)
        body = build(before)
        refuse_terminating(place, before)
        if before is not None:
            body = {**body, "metadata": {**body["metadata"], "resourceVersion": before["metadata"]["resourceVersion"]}}
        try:
            return Declared(before, api.apply(place.path, body, MANAGER, dry_run=check))
        except ApiError as error:
            if error.status == 404:
                if check:  # an earlier task would have made the namespace or the kind
                    return Declared(before, body)
                raise no_argocd(place) from error
            if error.status != 409 or before is None:
                raise
        sleep(PAUSE_SECONDS)
    raise _contended(place)


def refuse_terminating(place: Place, present: Obj | None) -> None:
    """:raises CollectionError: for an object that is being deleted: what is applied to it would be lost."""
    if present is not None and present["metadata"].get("deletionTimestamp"):
        raise CollectionError(
            f"{place} is being deleted since {present['metadata']['deletionTimestamp']}.",
            f"Wait until it is gone, and run again. If it stays, kubectl -n {place.namespace} describe {place.kind.lower()} {place.name} "
            "shows what holds it.",
            "being_deleted",
        )


def no_argocd(place: Place) -> CollectionError:
    return CollectionError(
        f"{place} cannot be changed: it does not exist, or the cluster has no namespace {place.namespace} or no kind {place.kind}.",
        f"Install Argo CD in {place.namespace}, or correct the namespace.",
        "no_argocd",
    )


def _contended(place: Place) -> CollectionError:
    return CollectionError(
        f"{place} could not be changed: others changed it {TRIES} times between reading and writing.",
        "Run the same command again.",
        "conflict",
    )


def update(
    api: KubeApi, place: Place, change: Callable[[Obj | None], Obj | None], check: bool, sleep: Callable[[float], None] = time.sleep
) -> Declared:
    """Makes the merge patch that ``change`` computes from the present object, only if the object is still that one (no write is lost).

    ``change`` returns None where nothing is to be changed, and refuses by raising CollectionError.

    :raises ApiError: where the server refuses.
    :raises CollectionError: where the object does not exist or others keep writing to it.
    """
    for _try in range(TRIES):
        before = api.find(place.path)
        patch = change(before)
        if patch is None:
            return Declared(before, before)
        if before is None:
            if check:
                return Declared(None, place.body({}, **patch))
            raise no_argocd(place)
        metadata = {**(patch.get("metadata") or {}), "resourceVersion": before["metadata"]["resourceVersion"]}
        query = {"fieldManager": MANAGER, **({"dryRun": "All"} if check else {})}
        try:
            return Declared(before, api.patch(place.path, {**patch, "metadata": metadata}, query))
        except ApiError as error:
            if error.status not in (404, 409):
                raise
        sleep(PAUSE_SECONDS)
    raise _contended(place)


def remove(
    api: KubeApi,
    place: Place,
    item: Obj,
    check: bool,
    timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Deletes this very object and waits until its finalizers have ended.

    :raises ApiError: where the server refuses.
    :raises CollectionError: where it is still there after ``timeout`` seconds.
    """
    uid, end = item["metadata"]["uid"], clock() + timeout
    if check or not api.delete(place.path, uid):
        return
    while (now := api.find(place.path)) is not None and now["metadata"]["uid"] == uid:
        if clock() >= end:
            raise _held(place, now, timeout)
        sleep(POLL_SECONDS)


def remove_owned(api: KubeApi, place: Place, platform: str, adopt: bool, check: bool, timeout: float) -> tuple[Obj | None, str]:
    """Deletes the object if the platform owns it. Returns what was there, and why it stays.

    :raises ApiError: where the server refuses.
    :raises CollectionError: where it is still there after ``timeout`` seconds.
    """
    before = api.find(place.path)
    if before is None:
        return None, ""
    if not belongs(before["metadata"], platform, adopt):
        return before, f"{place} stays: {owner_text(before['metadata'], platform)}"
    remove(api, place, before, check, timeout)
    return before, ""


def _held(place: Place, item: Obj, timeout: float) -> CollectionError:
    conditions = (item.get("status") or {}).get("conditions") or []
    errors = [entry for entry in conditions if str(entry.get("type", "")).endswith("Error") and entry.get("message")]
    words = [masked_words(str(entry["message"])) for entry in errors]
    finalizers = ", ".join(item["metadata"].get("finalizers") or [])
    holds = f" Its finalizers: {finalizers}." if finalizers else ""
    return CollectionError(
        f"{place} is still there {timeout:g} s after its deletion was requested.{holds} {' '.join(words)}".strip(),
        f"Correct what kubectl -n {place.namespace} describe {place.kind.lower()} {place.name} shows, and run the same command again.",
        "not_deleted",
    )
