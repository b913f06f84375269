# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person needs to know when an Application does not become what was expected."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._application_verdict import (
    REFRESH,
    blocking,
    blocking_text,
    error_conditions,
    managed_pods,
    same_revisions,
    shown_revisions,
    sources,
)
from ansible_collections.gitops.airflow.plugins.module_utils._errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._pods import start_problems, unschedulable
from ansible_collections.gitops.airflow.plugins.module_utils._verdict import Obj, shorten, timestamp

IN_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")
EVENTS = 10
_LONG_AGO = datetime.datetime.min.replace(tzinfo=datetime.UTC)


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
        return f"Check that the revision is pushed to what the Application follows ({branches}), and give refresh=normal."
    automated = (spec.get("syncPolicy") or {}).get("automated")
    if (status.get("sync") or {}).get("status") == "OutOfSync" and automated is None:
        return f"Automated sync is off: sync it (argocd app sync {name}) or set syncPolicy.automated."
    if timed_out:
        return "Give it more time (timeout) if it is on its way."
    return f"Look at it with: kubectl -n {namespace} describe application {name}"


def diagnose(
    app: Obj | None,
    namespace: str,
    name: str,
    timed_out: bool,
    expected: Sequence[str],
    read: Callable[[str, str, dict[str, Any]], list[Obj]],
) -> dict[str, Any]:
    """The bundle for one Application. ``read(collection, namespace, query)`` lists objects; its refusals are noted, not raised."""
    bundle: dict[str, Any] = {"application": name, "blocking": [], "conditions": [], "operation": {}, "pods": [], "events": [], "notes": []}
    pods: list[Obj] = []
    events: list[Obj] = []
    if app is not None:
        status = app.get("status") or {}
        state = status.get("operationState") or {}
        bundle["blocking"] = blocking(status)
        bundle["conditions"] = [
            {"type": item.get("type"), "message": item.get("message"), "since": item.get("lastTransitionTime")}
            for item in status.get("conditions") or []
        ]
        if state:
            bundle["operation"] = {"phase": state.get("phase"), "message": state.get("message"), "started": state.get("startedAt")}
            bundle["operation"]["failed_resources"] = [blocking_text(item) for item in bundle["blocking"] if item.get("operation")]
        for place in workload_namespaces(app):
            try:
                pods += read("pods", place, {})
                events += read("events", place, {"fieldSelector": "type=Warning"})
            except ApiError as error:
                bundle["notes"].append(str(error))
        bundle["pods"] = pod_reasons(app, pods)
        bundle["events"] = warning_events(events)
    bundle["next_action"] = next_action(app, bundle["pods"], namespace, name, timed_out, expected)
    return bundle
