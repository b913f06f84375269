# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one Argo CD Application: its sources, revisions, conditions, pods and what blocks it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._pods import condition, current_pods
from ansible_collections.gitops.airflow.plugins.module_utils._verdict import Obj, shorten, timestamp

REFRESH = "argocd.argoproj.io/refresh"
IN_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")
COMMIT = re.compile(r"[0-9a-f]{7,64}")


def sources(app: Obj) -> list[Obj]:
    spec = app.get("spec") or {}
    return list(spec.get("sources") or ([spec["source"]] if spec.get("source") else []))


def shown_revisions(app: Obj) -> list[str]:
    """The revisions that the last comparison was made with, one for each source."""
    sync = (app.get("status") or {}).get("sync") or {}
    return list(sync.get("revisions") or ([sync["revision"]] if sync.get("revision") else []))


def same_revisions(shown: Sequence[str], expected: Sequence[str]) -> bool:
    """Whether each shown revision is the expected one, begins with it, or may be any."""

    def same(actual: str, wanted: str) -> bool:
        return not wanted or actual == wanted or (COMMIT.fullmatch(wanted) is not None and actual.startswith(wanted))

    return len(shown) == len(expected) and all(map(same, shown, expected))


def operation_revisions(state: Obj) -> list[str]:
    """What the operation brought, or was asked to bring."""
    for part in (state.get("syncResult"), (state.get("operation") or {}).get("sync")):
        if part and (part.get("revisions") or part.get("revision")):
            return list(part.get("revisions") or [part["revision"]])
    return []


def outdated_operation(app: Obj, expected: Sequence[str]) -> str:
    """The revisions of an operation that runs for others than expected, or nothing."""
    state = (app.get("status") or {}).get("operationState") or {}
    tried = operation_revisions(state) if state.get("phase") == "Running" else []
    return ", ".join(revision[:7] for revision in tried) if tried and expected and not same_revisions(tried, expected) else ""


def error_conditions(app: Obj) -> list[Obj]:
    """Conditions that name an error; by Argo CD's convention their type ends so, a warning's does not."""
    conditions = (app.get("status") or {}).get("conditions") or []
    return [condition for condition in conditions if str(condition.get("type", "")).endswith("Error")]


def workload_namespaces(app: Obj) -> list[str]:
    """The namespaces of the cluster at hand that the Application's pods may be in; none where it is deployed to another cluster."""
    destination, status = (app.get("spec") or {}).get("destination") or {}, app.get("status") or {}
    if (destination.get("server") or destination.get("name") or IN_CLUSTER[0]) not in IN_CLUSTER:
        return []
    results = ((status.get("operationState") or {}).get("syncResult") or {}).get("resources") or []
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Rollout")
    items = [*(status.get("resources") or []), *results]
    found = {str(item.get("namespace")) for item in items if item.get("kind") in kinds and item.get("namespace")}
    return sorted(found or filter(None, [destination.get("namespace")]))


def owned(app: Obj) -> set[tuple[Any, ...]]:
    """Kind, namespace and name of all that the Application has and its last operation brought.

    A hook that an operation before left behind is neither.
    """
    status = app.get("status") or {}
    kept = [item for item in status.get("resources") or [] if not item.get("hook")]
    brought = ((status.get("operationState") or {}).get("syncResult") or {}).get("resources") or []
    return {(item.get("kind"), item.get("namespace"), item.get("name")) for item in [*kept, *brought]}


def _made_before_operation(app: Obj, item: Obj, ended: bool = False) -> bool:
    """Whether it was there before the operation that runs (or, with ``ended``, ran last) and may mend what ails it."""
    state = (app.get("status") or {}).get("operationState") or {}
    began = timestamp(state.get("startedAt")) if ended or state.get("phase") == "Running" else None
    made = timestamp((item.get("metadata") or {}).get("creationTimestamp"))
    return bool(began and made and made < began)


def managed_pods(app: Obj, pods: Iterable[Obj]) -> list[Obj]:
    """The pods of the Application's workloads and hooks; while an operation runs, only those made since it began."""
    owners = owned(app)

    def managed(pod: Obj) -> bool:
        metadata = pod.get("metadata") or {}
        ways = [("Pod", metadata.get("name"))]
        for owner in metadata.get("ownerReferences") or []:
            kind, name = owner.get("kind"), str(owner.get("name"))
            suffix = "-" + (metadata.get("labels") or {}).get("pod-template-hash", "")
            ways.append(("Deployment", name.removesuffix(suffix)) if kind == "ReplicaSet" and name.endswith(suffix) else (kind, name))
        return any((kind, metadata.get("namespace"), name) in owners for kind, name in ways)

    return [pod for pod in current_pods(pods) if managed(pod) and not _made_before_operation(app, pod)]


def failed_jobs(app: Obj, jobs: Iterable[Obj]) -> list[str]:
    """The Application's Jobs that have failed for good, in the Job controller's words."""
    owners, found = owned(app), []
    for job in jobs:
        metadata = job.get("metadata") or {}
        place = (metadata.get("namespace"), metadata.get("name"))
        failure = condition(job, "Failed")
        if ("Job", *place) in owners and failure.get("status") == "True" and not _made_before_operation(app, job, ended=True):
            words = ": ".join(filter(None, (failure.get("reason"), failure.get("message"))))
            found.append(f"Job {place[0]}/{place[1]} failed: {shorten(words or 'no reason given', 300)}")
    return found


def health_message(status: Obj) -> str:
    """The Application's health message, or those of its unhealthy resources; nothing where there is neither."""
    health = status.get("health") or {}
    return shorten(health.get("message") or "; ".join(blocking_text(item) for item in blocking(status)), 300)


def blocking(status: Obj) -> list[dict[str, Any]]:
    """The resources that are not synced or not healthy, and those that the last operation could not apply."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}

    def entry(item: Obj) -> dict[str, Any]:
        key = tuple(item.get(name) for name in ("group", "kind", "namespace", "name"))
        base = {name: item.get(name) or "" for name in ("kind", "namespace", "name")}
        return found.setdefault(key, {**base, "sync": "", "health": "", "message": ""})

    for item in status.get("resources") or []:
        health = item.get("health") or {}
        if item.get("status") in ("OutOfSync", "Unknown") or health.get("status") not in (None, "Healthy", "Suspended"):
            entry(item).update(sync=item.get("status") or "", health=health.get("status") or "", message=health.get("message") or "")
    state = status.get("operationState") or {}
    # The last wave's resources stay Running in the result of an operation that has succeeded.
    open_phases = ("Failed", "Error", *(["Running"] if state.get("phase") == "Running" else []))
    for item in (state.get("syncResult") or {}).get("resources") or []:
        unapplied = item.get("status") == "SyncFailed"
        if unapplied or item.get("hookPhase") in open_phases:
            blocked = entry(item)
            blocked["operation"] = "SyncFailed" if unapplied else f"{item.get('hookType') or 'Sync'} {item['hookPhase']}"
            blocked["message"] = blocked["message"] or shorten(item.get("message") or "")
    return list(found.values())


def blocking_text(item: Mapping[str, Any]) -> str:
    state = " ".join(filter(None, (item.get("health"), item.get("operation") or item.get("sync"))))
    return f"{item['kind']} {item['name']} {state}" + (f" ({item['message']})" if item["message"] else "")
