# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects in memory behind the methods of KubeApi, for decisions that need several of them. Against a server: tests/integration."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection, root

Obj = dict[str, Any]


def place(item: Obj) -> tuple[str, str]:
    """The path of the object's collection in all namespaces, and of the object."""
    metadata, kind, version = item["metadata"], item["kind"], item["apiVersion"]
    return collection(kind, "", version), f"{collection(kind, metadata.get('namespace', ''), version)}/{metadata['name']}"


def field(item: Any, name: str) -> Any:
    """A field by its path; None where there is none."""
    for key in name.split("."):
        item = (item or {}).get(key)
    return item


def merged(item: Any, patch: Any) -> Any:
    """A merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    found = dict(item) if isinstance(item, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


class KubeDouble(KubeApi):
    """Serves these objects. ``held`` are the paths of those that stay after a deletion, ``errors`` the statuses of paths that fail.

    ``refusals`` has the errors that writes to a path meet, each once.

    ``apis`` has the resources of each group and version that discovery shows, as (name, kind, namespaced, verbs).
    """

    def __init__(self, objects: Sequence[Obj] = (), apis: dict[str, list[tuple[str, str, bool, list[str]]]] | None = None) -> None:
        self.objects: dict[str, Obj] = {}
        self.collections: dict[str, str] = {}
        self.apis = apis or {}
        self.held: set[str] = set()
        self.errors: dict[str, int] = {}
        self.refusals: dict[str, list[ApiError]] = {}
        self.asked: list[str] = []
        self.writes: list[str] = []
        for number, item in enumerate(objects):
            self.put(item, f"u{number}")

    def put(self, item: Obj, uid: str) -> None:
        where, path = place(item)
        self.collections[path] = where
        metadata = {"uid": uid, "resourceVersion": "1", **item["metadata"]}
        self.objects[path] = {**copy.deepcopy(item), "metadata": metadata}

    def get(self, path: str) -> Obj:
        self.asked.append(path)
        if path in self.errors:
            raise ApiError(self.errors[path], f"{path} fails")
        if path == "/apis":
            found = [{"groupVersion": version, "version": version.rpartition("/")[2]} for version in self.apis if version != "v1"]
            groups = [{"name": item["groupVersion"].rpartition("/")[0], "preferredVersion": item, "versions": [item]} for item in found]
            return {"groups": groups}
        for version, resources in self.apis.items():
            if path == root(version):
                keys = ("name", "kind", "namespaced", "verbs")
                return {"resources": [dict(zip(keys, resource, strict=True)) for resource in resources]}
        if path not in self.objects:
            raise ApiError(404, f"{path} not found")
        return copy.deepcopy(self.objects[path])

    def metadata(self, path: str) -> Obj | None:
        found = self.find(path)
        return found["metadata"] if found else None

    def items(self, path: str, query: dict[str, Any] | None = None, *, whole: bool = False) -> list[Obj]:
        self.asked.append(path)
        if path in self.errors:
            raise ApiError(self.errors[path], f"{path} fails")
        wanted = dict(part.split("=", 1) for part in str((query or {}).get("labelSelector", "")).split(",") if part)
        found = [item for key, item in self.objects.items() if path in (self.collections[key], key.rpartition("/")[0])]
        found = [item for item in found if wanted.items() <= (item["metadata"].get("labels") or {}).items()]
        for part in str((query or {}).get("fieldSelector", "")).split(",") if query and "fieldSelector" in query else ():
            name, value = part.replace("!=", "=").split("=")
            found = [item for item in found if (field(item, name) == value) is ("!=" not in part)]
        return copy.deepcopy(found if whole else [item["metadata"] for item in found])

    def delete(self, path: str, uid: str = "") -> bool:
        if path not in self.objects or (uid and self.objects[path]["metadata"]["uid"] != uid):
            return False
        self.writes.append(f"delete {path}")
        if path not in self.held:
            del self.objects[path]
        return True

    def patch(self, path: str, body: Obj, query: dict[str, Any] | None = None) -> Obj:
        dry_run = "dryRun" in (query or {})
        self._write("patch", path, dry_run)
        item = self.get(path) if dry_run else self.objects[path]
        assert body["metadata"]["resourceVersion"] == item["metadata"]["resourceVersion"]
        item |= merged(item, body)
        return copy.deepcopy(item)

    def apply(self, path: str, body: Obj, manager: str, *, dry_run: bool = False) -> Obj:
        """As a server-side apply of labels and of whole fields. ``writes`` marks a dry run."""
        self._write("apply", path, dry_run)
        live = self.objects.get(path, {"metadata": {"uid": "new", "resourceVersion": "1"}})
        labels = {**(live["metadata"].get("labels") or {}), **(body["metadata"].get("labels") or {})}
        after = {**live, **body, "metadata": {**live["metadata"], **body["metadata"], **({"labels": labels} if labels else {})}}
        if not dry_run:
            self.objects[path], self.collections[path] = after, place(body)[0]
        return copy.deepcopy(after)

    def create(self, path: str, body: Obj, *, dry_run: bool = False) -> Obj:
        self._write("create", path, dry_run)
        if not dry_run:
            self.put(body, "new")
        return body

    def _write(self, verb: str, path: str, dry_run: bool) -> None:
        self.writes.append(f"{'dry ' if dry_run else ''}{verb} {path}")
        if self.refusals.get(path):
            raise self.refusals[path].pop(0)
