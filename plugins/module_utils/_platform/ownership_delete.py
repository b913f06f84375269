# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes and marks objects of a cluster, each only if the platform owns it (issue 11, H1)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import (
    COLLECTION,
    PART_OF,
    PLATFORM,
    labels_of,
    owner_of,
    owner_text,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.apply import targets
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import Resources, collection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import (
    ARGOCD_BY_PRODUCTS,
    ARGOCD_CRDS,
    GENERATED,
    RECORD,
    Found,
    Obj,
    Ref,
    Scope,
    foreign_resources,
    foreign_subjects,
    foreign_users,
    read_record,
    reason_to_keep,
    reason_to_keep_namespace,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import CUSTOM_KINDS, location
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import found as found_of

POLL_SECONDS = 0.5
# An Argo CD is deleted from its workloads to its CRDs: an interrupted removal goes on.
LAST = ("ClusterRoleBinding", "ClusterRole", "CustomResourceDefinition")


@dataclass
class Removed:
    """What became of the objects."""

    removed: list[Ref] = field(default_factory=list)
    kept: list[tuple[Ref, str]] = field(default_factory=list)
    left: list[Ref] = field(default_factory=list)  # deletion was requested, and they were still there at the end of the wait
    unseen: list[Ref] = field(default_factory=list)  # whether they exist is unknown: the account may not read them
    in_use: str = ""  # why nothing was deleted, if others use all of it


def argocd_in_use(namespace: str, users: Sequence[Ref]) -> str:
    """Why a platform's Argo CD stays, and what to do."""
    return (
        f"Argo CD stays in {namespace}, with its CRDs and cluster-wide roles, because it deploys {named(users)}. To remove it, delete "
        "these first, or move them to another Argo CD, and run the removal of this platform again."
    )


def objects_in_use(refs: Sequence[Ref], platforms: Sequence[str]) -> str:
    """Why cluster-wide objects stay, and what to do; empty if there are none."""
    if not refs:
        return ""
    return (
        f"{named(refs)}: these stay, because the cluster has {named(f'the platform {name}' for name in platforms)}, which may use them. "
        "Run this removal again when no other platform is left."
    )


def stays(kept: Iterable[tuple[Ref, str]]) -> list[str]:
    """A sentence about each object that was not deleted or marked, with the reason."""
    return [f"{ref} stays: {reason}." for ref, reason in kept]


def notices(done: Removed, report_kept: str) -> list[str]:
    """The warnings about objects that stay. ``report_kept``: always, or if_removed for none unless another object was deleted."""
    unseen = f"{named(done.unseen)}: not looked for, because this account may not read them. If one exists, its owner must delete it."
    lines = [*stays(done.kept), *([unseen] if done.unseen else [])]
    return lines if report_kept == "always" or done.removed else []


class Deletion:
    """Deletes objects on behalf of a platform. Raises ApiError, or InputError for an object that cannot be named.

    ``skip_unreadable``: objects that the account may not read are returned in C(unseen), for the caller to report, instead of an error.
    """

    def __init__(
        self,
        api: KubeApi,
        scope: Scope,
        *,
        check: bool = False,
        skip_unreadable: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api, self._scope, self._check, self._skip = api, scope, check, skip_unreadable
        self._clock, self._sleep = clock, sleep
        self._unseen: set[Ref] = set()
        self._silent: set[str] = set()  # aggregated APIs whose server is away
        self._resources, self._asking = Resources(api), threading.Lock()

    def delete(self, refs: Sequence[Ref], timeout: float) -> Removed:
        """Deletes those that the platform owns, in the given order, and waits up to ``timeout`` seconds until they are gone."""
        done = Removed()
        waiting: list[tuple[Ref, str]] = []
        for item in filter(None, at_once(self._one, list(dict.fromkeys(refs)))):
            reason = self._reason(item)
            if reason:
                done.kept.append((item.ref, reason))
                continue
            uid, path = item.metadata.get("uid", ""), self._path(item.ref)
            if self._check or (path is not None and self._api.delete(path, uid)):
                done.removed.append(item.ref)
                waiting.append((item.ref, uid))
        done.unseen = sorted(self._unseen)
        if not self._check:
            done.left = self._await(waiting, timeout)
        return done

    def owned(self, refs: Sequence[Ref]) -> list[Ref]:
        """Those that exist and that ``delete`` would delete."""
        return [item.ref for item in filter(None, at_once(self._one, list(dict.fromkeys(refs)))) if not self._reason(item)]

    def _path(self, ref: Ref) -> str | None:
        """Where the object is; None if the server does not serve its kind."""
        with self._asking:
            return self._resources.path(ref.api_version, ref.kind, ref.namespace, ref.name)

    def _one(self, ref: Ref) -> Found | None:
        path = self._path(ref)
        try:
            metadata = None if path is None else self._api.metadata(path)
        except ApiError as error:
            # A part that the settings do not contain, which the account's rights do not cover (ADR 26).
            if error.status != 403 or not self._skip:
                raise
            self._unseen.add(ref)
            return None
        return None if metadata is None else Found(ref, metadata)

    def _await(self, waiting: list[tuple[Ref, str]], timeout: float) -> list[Ref]:
        end = self._clock() + timeout
        while waiting:
            there = at_once(lambda item: self._one(item[0]), waiting)
            waiting = [item for item, now in zip(waiting, there, strict=True) if now and now.metadata.get("uid") == item[1]]
            if not waiting or self._clock() >= end:
                break
            self._sleep(POLL_SECONDS)
        return [ref for ref, _uid in waiting]

    def _reason(self, item: Found) -> str:
        scope = self._scope
        if item.ref.kind == "Namespace":
            reason = reason_to_keep_namespace(item, [], scope)
            reason = reason or reason_to_keep_namespace(item, self.contents(item.ref.name), scope)
            return reason or (f"what it holds of {', '.join(sorted(self._silent))} cannot be listed" if self._silent else "")
        reason = reason_to_keep(item, scope)
        if reason:
            return reason
        if item.ref.kind == "CustomResourceDefinition" and item.ref.name in ARGOCD_CRDS:
            foreign = foreign_resources(self._customs, scope)
            return f"its objects are still used: {named(foreign)}" if foreign else ""
        if item.ref.kind == "ClusterRole":
            users = foreign_users(item.ref, self._bindings, scope)
            return f"it is used by {named(users)}" if users else ""
        if item.ref.kind == "ClusterRoleBinding" and scope.record is not None and owner_of(item.metadata, scope.platform) == "foreign":
            subjects = foreign_subjects(self._api.get(location(item.ref)), scope.record.namespace)
            return f"it gives rights to others: {named(subjects)}" if subjects else ""
        return ""

    def _whole(self, kind: str) -> list[tuple[Found, Obj]]:
        return [(found_of(kind, item["metadata"]), item) for item in self._api.items(collection(kind), whole=True)]

    @cached_property
    def _customs(self) -> list[tuple[Found, Obj]]:
        return [item for items in at_once(self._whole, CUSTOM_KINDS) for item in items]

    @cached_property
    def _bindings(self) -> list[tuple[Found, Obj]]:
        return [item for items in at_once(self._whole, ("ClusterRoleBinding", "RoleBinding")) for item in items]

    def contents(self, namespace: str) -> list[Found]:
        """Every object in a namespace, of every kind that the server can list."""

        def listed(resource: tuple[str, str, str]) -> list[Found]:
            root, plural, kind = resource
            try:
                items = self._api.items(f"{root}/namespaces/{namespace}/{plural}")
            except ApiError as error:
                if error.status == 503:
                    self._silent.add(root.removeprefix("/apis/"))
                elif error.status == 403:
                    self._silent.add(plural)
                elif error.status != 405:  # not listable
                    raise
                return []
            return [Found(Ref(kind, namespace, item["name"]), item) for item in items]

        return [item for items in at_once(listed, self._kinds) for item in items]

    @cached_property
    def _kinds(self) -> list[tuple[str, str, str]]:
        """Root, plural and kind of every namespaced resource that can be listed, once. A group's versions may serve different kinds."""
        groups = [group for group in self._api.get("/apis").get("groups", []) if group["name"] != "metrics.k8s.io"]
        versions = [item["groupVersion"] for group in groups for item in [group["preferredVersion"], *group["versions"]]]
        roots = ["/api/v1", *(f"/apis/{version}" for version in dict.fromkeys(versions))]
        found: dict[tuple[str, str], tuple[str, str, str]] = {}
        for root, plural, kind in [item for items in at_once(self._served, roots) for item in items]:
            found.setdefault((root.rpartition("/")[0], plural), (root, plural, kind))
        return list(found.values())

    def _served(self, root: str) -> list[tuple[str, str, str]]:
        try:
            resources = self._api.get(root).get("resources", [])
        except ApiError as error:
            if error.status == 503 and root != "/api/v1":
                self._silent.add(root.removeprefix("/apis/"))
            elif error.status != 404:  # gone since the groups were listed
                raise
            return []
        return [
            (root, item["name"], item["kind"])
            for item in resources
            if item.get("namespaced") and "/" not in item["name"] and "list" in item.get("verbs", [])
        ]


def recorded_objects(scope: Scope, listed: Sequence[Ref]) -> list[Ref]:
    """What a removal of Argo CD deletes, in its order: the record's objects (of an older one the listed), Argo CD's own, the record."""
    record = scope.record
    if record is None:
        return []
    objects = sorted(record.objects) if record.objects is not None else list(listed)
    ordered = [ref for ref in objects if ref.kind not in LAST]
    ordered += [ref for kind in LAST for ref in objects if ref.kind == kind]
    made = [Ref(kind, record.namespace, name, "v1") for kind, name in ARGOCD_BY_PRODUCTS]
    return [*ordered, *made, Ref("ConfigMap", record.namespace, RECORD, "v1")]


def defined_refs(api: KubeApi, bodies: Sequence[Obj], namespace: str) -> list[Ref]:
    """The objects that definitions name, in the reverse of the order in which they are applied: what others need goes last.

    ``namespace`` is that of objects that name none. Raises CollectionError.
    """
    return [Ref(item.kind, item.namespace, item.name, item.api_version) for item in reversed(targets(bodies, api, namespace))]


def read_scope(api: KubeApi, platform: str, application: str, older: bool, argocd_namespace: str) -> Scope:
    """The scope with the record of the Argo CD in that namespace, if it is this platform's. Raises CollectionError."""
    record = None
    if argocd_namespace:
        try:
            record = read_record(api.get(location(Ref("ConfigMap", argocd_namespace, RECORD))), platform)
        except ApiError as error:
            if error.status != 404:
                raise
        if record is not None and not (record.owner == "ours" or (record.owner == "older" and older)):
            record = None
    return Scope(platform, application, older, record)


def mark(api: KubeApi, platform: str, refs: Sequence[Ref], check: bool) -> tuple[list[Ref], list[tuple[Ref, str]]]:
    """Labels unmarked objects of an older platform with this platform's mark. Returns those, and what stays unmarked with the reason."""
    marked, kept, resources = [], [], Resources(api)
    labels = {PART_OF: COLLECTION, PLATFORM: platform}
    for ref in dict.fromkeys(refs):
        path = resources.path(ref.api_version, ref.kind, ref.namespace, ref.name)
        metadata = None if path is None else api.metadata(path)
        if path is None or metadata is None:
            continue
        owner = owner_of(metadata, platform)
        # The Secret that is made once is known by its name, too: it may have been restored from a backup without its labels.
        if owner == "older" or (
            owner == "foreign" and PLATFORM not in labels_of(metadata) and (ref.kind, ref.name) == ("Secret", GENERATED)
        ):
            change: dict[str, Any] = {"labels": labels, "resourceVersion": metadata["resourceVersion"]}
            if not check:
                api.patch(path, {"metadata": change})
            marked.append(ref)
        elif owner != "ours":
            kept.append((ref, owner_text(metadata, platform)))
    return marked, kept
