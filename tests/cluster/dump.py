# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All objects of a cluster, of every kind that can be listed, without what Kubernetes itself counts up; and how two such dumps differ."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Obj = dict[str, Any]
Dump = dict[str, dict[str, Obj]]
Get = Callable[[str], Obj]
"""Reads one path of the API as JSON."""

# Not in a dump, by resource and group.
LEFT_OUT = {
    "events": "come and go",
    "events.events.k8s.io": "come and go",
    "leases.coordination.k8s.io": "renewed every few seconds",
    "componentstatuses": "computed when they are read",
    "nodes.metrics.k8s.io": "computed when they are read",
    "pods.metrics.k8s.io": "computed when they are read",
}
# Fields of every object: rewritten with each change, by whoever made it.
METADATA = ("resourceVersion", "managedFields")
# What kubelets and controllers report; a restart of a busy node's pod is nobody's write. The audit log shows writes to it.
REPORTED = {
    "nodes": ("status",),
    "pods": ("status",),
    "daemonsets.apps": ("status",),
    "deployments.apps": ("status",),
    "replicasets.apps": ("status",),
    "statefulsets.apps": ("status",),
    "apiservices.apiregistration.k8s.io": ("status",),
}
# What an Argo CD reports while it runs. Without a subresource for the status, each report counts as a new generation.
ARGOCD_REPORTS = ("applications.argoproj.io", "applicationsets.argoproj.io")
LEADER = "control-plane.alpha.kubernetes.io/leader"


def normalized(resource: str, obj: Obj) -> Obj:
    """The object as it is compared. Values of Secrets are hashed, so that a dump can be kept in a file."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in METADATA}
    if annotations := metadata.get("annotations"):
        # A leader election that is older than Leases, renewed like one.
        metadata["annotations"] = {key: value for key, value in annotations.items() if key != LEADER}
    kept = {key: value for key, value in obj.items() if key not in REPORTED.get(resource, ())} | {"metadata": metadata}
    if "aggregationRule" in kept:
        # Kubernetes fills them in, from every ClusterRole that has the labels.
        kept.pop("rules", None)
    if resource == "secrets":
        kept["data"] = {key: hashlib.sha256(value.encode()).hexdigest()[:16] for key, value in (obj.get("data") or {}).items()}
        kept["metadata"] = metadata | {"annotations": {key: hash_text(text) for key, text in (metadata.get("annotations") or {}).items()}}
    return kept


def hash_text(text: str) -> str:
    """A Secret's annotation may hold what was last applied."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def resources(get: Get) -> Iterator[tuple[str, str, str, str]]:
    """Name with group, path, API version and kind of each resource that can be listed, in the version that the API server prefers."""
    groups = [("", "v1", "/api/v1")]
    for group in get("/apis")["groups"]:
        version = group["preferredVersion"]["groupVersion"]
        groups.append((group["name"], version, f"/apis/{version}"))
    for group, version, path in groups:
        for resource in get(path)["resources"]:
            name = f"{resource['name']}.{group}" if group else resource["name"]
            if "/" not in resource["name"] and "list" in resource["verbs"] and name not in LEFT_OUT:
                yield name, f"{path}/{resource['name']}", version, resource["kind"]


def dump(get: Get) -> Dump:
    """Every object by resource, and by namespace and name."""
    found: Dump = {}
    for name, path, version, kind in resources(get):
        objects = found.setdefault(name, {})
        for item in get(path)["items"]:
            metadata = item["metadata"]
            # In a list the items do not repeat what they are.
            objects[f"{metadata.get('namespace', '')}/{metadata['name']}"] = normalized(name, {"apiVersion": version, "kind": kind, **item})
    return found


def settled(get: Get, within: float, pause: float = 2.0, wait: Callable[[float], None] = time.sleep) -> Dump:
    """A dump that is the same as the one before it.

    :param within: seconds. :param pause: seconds between two dumps.
    :raises RuntimeError: with the differences, when the cluster goes on changing.
    """
    last, end = dump(get), time.monotonic() + within
    while True:
        wait(pause)
        found = dump(get)
        if not (differences := compare(last, found)):
            return found
        if time.monotonic() > end:
            raise RuntimeError(f"The cluster still changes after {within:.0f} s:\n" + "\n".join(differences))
        last = found


def _fields(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _fields(before.get(key), after.get(key), f"{path}.{key}")
    elif before != after:
        was, now = (json.dumps(value)[:120] for value in (before, after))
        yield f"{path.lstrip('.')}: {was} -> {now}"


def expired(before: Dump) -> set[tuple[str, str]]:
    """Jobs that have ended and that Kubernetes deletes by itself after a time, and their pods, by resource and place."""
    jobs = {
        place: str(job["metadata"].get("uid"))
        for place, job in before.get("jobs.batch", {}).items()
        if (job.get("spec") or {}).get("ttlSecondsAfterFinished") is not None and (job.get("status") or {}).get("completionTime")
    }
    owned = {
        place
        for place, pod in before.get("pods", {}).items()
        if {owner.get("uid") for owner in pod["metadata"].get("ownerReferences") or []} & set(jobs.values())
    }
    return {*(("jobs.batch", place) for place in jobs), *(("pods", place) for place in owned)}


def compare(before: Dump, after: Dump, additions: bool = True) -> list[str]:
    """One line for each object that was removed, each field that was changed and each object that was added.

    Left out is what had expired. The audit log shows a deletion of it by others.
    :param additions: whether an added object is a difference.
    """
    lines: list[str] = []
    gone = expired(before)
    for resource in sorted({*before, *after}):
        olds, news = before.get(resource, {}), after.get(resource, {})
        for name in sorted({*olds, *news}):
            place = f"{resource} {name.removeprefix('/')}"
            if name not in news and (resource, name) in gone:
                continue
            if name not in news:
                lines.append(f"removed: {place}")
            elif name not in olds:
                lines += [f"added: {place}"] if additions else []
            elif olds[name].get("metadata", {}).get("uid") != news[name].get("metadata", {}).get("uid"):
                lines.append(f"replaced: {place}")
            else:
                lines += [f"changed: {place}: {field}" for field in _fields(olds[name], news[name], "")]
    return lines


def without_reports(found: Dump) -> Dump:
    """A dump without what a running Argo CD reports of the Applications of others. The audit log shows writes of other users to it."""

    def stripped(obj: Obj) -> Obj:
        metadata = {key: value for key, value in obj["metadata"].items() if key != "generation"}
        return {key: value for key, value in obj.items() if key != "status"} | {"metadata": metadata}

    left_out = {name: {place: stripped(obj) for place, obj in found.get(name, {}).items()} for name in ARGOCD_REPORTS if name in found}
    return {**found, **left_out}


def count(found: Dump) -> int:
    return sum(map(len, found.values()))
