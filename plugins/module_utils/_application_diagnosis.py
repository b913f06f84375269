# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person needs to know when an Application does not become what was expected."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._application_state import (
    REFRESH,
    blocking,
    blocking_text,
    error_conditions,
    managed_pods,
    owned,
    same_revisions,
    shown_revisions,
    sources,
    workload_namespaces,
)
from ansible_collections.gitops.airflow.plugins.module_utils._errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._pods import container_statuses, start_problems, unschedulable
from ansible_collections.gitops.airflow.plugins.module_utils._resource_health import READERS
from ansible_collections.gitops.airflow.plugins.module_utils._verdict import Obj, shorten, timestamp

EVENTS = 10
LOGS, LOG_LINES = 3, 10
_LONG_AGO = datetime.datetime.min.replace(tzinfo=datetime.UTC)


def pod_reasons(app: Obj, pods: list[Obj]) -> list[str]:
    """Why the Application's pods do not start, in the words of the kubelet and the scheduler."""
    reasons = []
    for pod in managed_pods(app, pods):
        metadata = pod.get("metadata") or {}
        reasons += [str(problem) for problem in start_problems(pod)]
        if (why := unschedulable(pod)) is not None:
            reasons.append(f"pod {metadata.get('namespace')}/{metadata.get('name')}: Unschedulable: {why}")
    return reasons


def warning_events(items: list[Obj]) -> list[str]:
    """The latest Warning events, the newest last."""

    def when(event: Obj) -> datetime.datetime:
        series = event.get("series") or {}
        return timestamp(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")) or _LONG_AGO

    lines = []
    for event in sorted(items, key=when)[-EVENTS:]:
        about = event.get("involvedObject") or {}
        times = event.get("count") or (event.get("series") or {}).get("count") or 1
        lines.append(
            f"{when(event):%H:%M:%SZ} {about.get('kind')} {about.get('namespace')}/{about.get('name')} {event.get('reason')}"
            f"{f' (x{times})' if times > 1 else ''}: {shorten(event.get('message') or '', 300)}"
        )
    return lines


def next_action(app: Obj | None, pods: list[str], namespace: str, name: str, timed_out: bool, expected: Sequence[str] = ()) -> str:
    """The most useful thing to do now."""
    if app is None:
        return f"Create it, correct name or namespace, or set must_exist to false (kubectl -n {namespace} get applications)."
    if (app.get("metadata") or {}).get("deletionTimestamp"):
        return f"Find out who deletes it, wait until it is gone, and create it again (kubectl -n {namespace} get application {name})."
    status, spec = app.get("status") or {}, app.get("spec") or {}
    conditions = error_conditions(app)
    if conditions:
        return f"Correct what {conditions[0]['type']} names (repository, path, chart, values, project), push, and wait for that commit."
    if pods:
        return f"Look at {pods[0].split(':')[0]} (kubectl describe), correct image, configuration or resources in Git, and push."
    if (status.get("operationState") or {}).get("phase") in ("Failed", "Error"):
        return "Correct the failed resource or hook in Git and push; automated sync does not try the same commit again."
    if ((app.get("metadata") or {}).get("annotations") or {}).get(REFRESH) or not status.get("sync"):
        return f"Argo CD's application controller did not act: kubectl -n {namespace} logs argocd-application-controller-0."
    if expected and not same_revisions(shown_revisions(app), expected):
        branches = ", ".join(str(source.get("targetRevision") or "HEAD") for source in sources(app))
        return (
            f"See what was pushed last to what the Application follows ({branches}): if it came after the expected revision, wait for that "
            "instead (run again); if the expected one is not there, push it; and give refresh=normal."
        )
    automated = (spec.get("syncPolicy") or {}).get("automated")
    if (status.get("sync") or {}).get("status") == "OutOfSync" and automated is None:
        return f"Automated sync is off: sync it (argocd app sync {name}) or set syncPolicy.automated."
    if timed_out:
        return "Give it more time (timeout) if it is on its way."
    return f"Look at it with: kubectl -n {namespace} describe application {name}"


def silent_containers(app: Obj, pods: list[Obj]) -> list[tuple[str, str, str, bool]]:
    """Namespace, pod and container whose last words may tell most, and whether those are of the container before; the worst first."""
    found = []
    for pod in managed_pods(app, pods):
        metadata = pod.get("metadata") or {}
        for status in container_statuses(pod):
            state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated") or {}
            ended_badly = (state.get("terminated") or {}).get("exitCode", 0) != 0
            # A container that is about to start again has said what matters before.
            rank = 0 if ended_badly or last.get("exitCode", 0) != 0 else 1 if "running" in state and not status.get("ready") else None
            if rank is not None:
                place = (str(metadata.get("namespace")), str(metadata.get("name")), str(status.get("name")))
                found.append((rank, (*place, not ended_badly and "running" not in state)))
    return [item for _rank, item in sorted(found)]


@dataclass(frozen=True)
class Cluster:
    """How to look around. Both functions raise ApiError, which is noted. What was listed once is not listed again.

    ``read(collection, namespace, query)`` lists objects; ``read_log(namespace, pod, container, previous, tail)`` gives lines.
    """

    read: Callable[[str, str, dict[str, Any]], list[Obj]]
    read_log: Callable[[str, str, str, bool, int], list[str]]
    _known: dict[tuple[str, str], list[Obj]] = field(default_factory=dict)

    def listed(self, collection: str, namespace: str, query: dict[str, Any], notes: list[str]) -> list[Obj]:
        if (collection, namespace) not in self._known:
            try:
                self._known[collection, namespace] = self.read(collection, namespace, query)
            except ApiError as error:
                self._known[collection, namespace] = []
                notes.append(str(error))
        return self._known[collection, namespace]


def diagnose(app: Obj | None, namespace: str, name: str, timed_out: bool, expected: Sequence[str], cluster: Cluster) -> dict[str, Any]:
    """The bundle for one Application."""
    notes: list[str] = []
    bundle: dict[str, Any] = {"application": name, "blocking": [], "conditions": [], "operation": {}}
    bundle |= {"pods": [], "events": [], "logs": [], "notes": notes}
    if app is not None:
        status = app.get("status") or {}
        state = status.get("operationState") or {}
        bundle["blocking"] = blocking(status) + _unhealthy(app, cluster, notes)
        bundle["conditions"] = [
            {"type": item.get("type"), "message": item.get("message"), "since": item.get("lastTransitionTime")}
            for item in status.get("conditions") or []
        ]
        if state:
            bundle["operation"] = {"phase": state.get("phase"), "message": state.get("message"), "started": state.get("startedAt")}
            bundle["operation"]["failed_resources"] = [blocking_text(item) for item in bundle["blocking"] if item.get("operation")]
        pods: list[Obj] = []
        events: list[Obj] = []
        for place in workload_namespaces(app):
            pods += cluster.listed("pods", place, {"fieldSelector": "status.phase!=Succeeded"}, notes)
            events += cluster.listed("events", place, {"fieldSelector": "type=Warning"}, notes)
        bundle["pods"] = pod_reasons(app, pods)
        bundle["events"] = warning_events(events)
        bundle["logs"] = _last_words(app, pods, cluster, notes)
    bundle["next_action"] = next_action(app, bundle["pods"], namespace, name, timed_out, expected)
    return bundle


def _unhealthy(app: Obj, cluster: Cluster, notes: list[str]) -> list[dict[str, Any]]:
    """Those of its workloads that are not healthy, in their own words; none that Argo CD has named already."""
    status = app.get("status") or {}
    named = {(item["kind"], item["namespace"], item["name"]) for item in blocking(status) if item["health"]}
    mine = {place for place in owned(app) if place[0] in READERS and place[1] in workload_namespaces(app)} - named
    found = []
    for kind, namespace in sorted({(kind, namespace) for kind, namespace, _name in mine}):
        collection, health = READERS[kind]
        for item in cluster.listed(collection, namespace, {}, notes):
            name = item["metadata"]["name"]
            if (kind, namespace, name) in mine and (verdict := health(item)) is not None:
                found.append({"kind": kind, "namespace": namespace, "name": name, "sync": "", "health": verdict[0], "message": verdict[1]})
    return found


def _last_words(app: Obj, pods: list[Obj], cluster: Cluster, notes: list[str]) -> list[dict[str, Any]]:
    found = []
    for namespace, pod, container, previous in silent_containers(app, pods)[:LOGS]:
        try:
            lines = cluster.read_log(namespace, pod, container, previous, LOG_LINES)
        except ApiError as error:
            notes.append(str(error))
            continue
        found.append({"pod": f"{namespace}/{pod}", "container": container, "previous": previous, "lines": lines})
    return found
