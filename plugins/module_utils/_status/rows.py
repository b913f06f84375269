# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a platform's objects say of its state: rows for a person on call, and what is wrong."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import (
    differing,
    error_conditions,
    operation_failed,
    shown_revisions,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, timestamp
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import (
    Cause,
    Events,
    Log,
    Seen,
    pod_causes,
    restart_text,
    restarted,
    too_new,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import causes as every_cause
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import condition, container_statuses, current_pods
from ansible_collections.gitops.airflow.plugins.module_utils._kube.workload_verdict import Workload, causes
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import Worker
from ansible_collections.gitops.airflow.plugins.module_utils._status.runs import last_of_each_dag

Row = dict[str, Any]
Time = datetime.datetime
# A restart that is older is history (seconds).
RECENT = 3600
FULL = 0.9
# Until then a pod may still wait for a node or an image, a task for its pod, and a probe may fail on a busy node (seconds).
GRACE = 300


def quantity(text: Any) -> float | None:
    """A Kubernetes quantity (``250m``, ``5Gi``) as a number, None where it is none."""
    from kubernetes.utils.quantity import parse_quantity

    try:
        return float(parse_quantity(text))
    except ValueError:
        return None


def seconds_since(value: str | None, now: Time) -> int | None:
    moment = timestamp(value)
    return None if moment is None else max(0, int((now - moment).total_seconds()))


def _name(item: Obj) -> str:
    return str((item.get("metadata") or {}).get("name") or "")


def _namespace(item: Obj) -> str:
    return str((item.get("metadata") or {}).get("namespace") or "")


def young(pod: Obj, now: Time) -> bool:
    return (seconds_since((pod.get("metadata") or {}).get("creationTimestamp"), now) or 0) < GRACE


def node_rows(nodes: Iterable[Obj], usage: Mapping[str, Row]) -> list[Row]:
    """``usage``: by name, cpu (cores), memory, disk and disk_size (bytes), as far as it is known."""
    rows = []
    for node in nodes:
        status = node.get("status") or {}
        allocatable = status.get("allocatable") or {}
        conditions = status.get("conditions") or []
        pressure = [str(item["type"]) for item in conditions if item["type"] != "Ready" and item.get("status") == "True"]
        rows.append(
            {
                "name": _name(node),
                "ready": condition(node, "Ready").get("status") == "True",
                "message": shorten(condition(node, "Ready").get("message") or "", 200),
                "pressure": pressure,
                "unschedulable": bool((node.get("spec") or {}).get("unschedulable")),
                "version": (status.get("nodeInfo") or {}).get("kubeletVersion") or "",
                "cpus": quantity(allocatable.get("cpu")),
                "memory_size": quantity(allocatable.get("memory")),
                **usage.get(_name(node), {}),
            }
        )
    return rows


def _last_end(pod: Obj, now: Time) -> Row:
    """How the container that ended last ended: reason and seconds since."""
    ends = []
    for status in container_statuses(pod):
        for state in (status.get("lastState") or {}, status.get("state") or {}):
            end = state.get("terminated") or {}
            if end and (end.get("exitCode") or status.get("restartCount")):
                reason = f"{status.get('name')}: {end.get('reason') or 'ended'} ({end.get('exitCode')})"
                ends.append((str(end.get("finishedAt") or ""), reason))
    if not ends:
        return {"reason": "", "restarted": None}
    when, reason = max(ends)
    return {"reason": reason, "restarted": seconds_since(when, now)}


def wrong_with(pod: Obj, events: Events, now: Time) -> list[tuple[str, Log | None]]:
    """What is wrong with a pod of the platform: causes that last, and restarts again and again; each with the log that shows more.

    A cluster starts its own scheduler again, so that a pod that it has not processed is a problem only after GRACE.
    """
    # A Job's pod that failed is a note, and what matters of it stands with its Job.
    over = (pod.get("status") or {}).get("phase") == "Failed"
    causes_now = [] if over or too_new(pod, now) else pod_causes(pod, events)
    late = not young(pod, now)
    found = [(cause.text, cause.log) for cause in causes_now if (cause.lasting and not cause.held) or (cause.kind == "scheduler" and late)]
    if found:
        return found
    for status, repeated in restarted(pod, now):
        if repeated:
            since = ago(seconds_since(((status.get("lastState") or {}).get("terminated") or {}).get("finishedAt"), now))
            log = Log(_namespace(pod), _name(pod), str(status.get("name")), True, int(status["restartCount"]))
            found.append((restart_text(pod, status, events, since), log))
    return found


def pod_rows(
    pods: Iterable[Obj],
    usage: Mapping[tuple[str, str], Row],
    now: Time,
    events: Iterable[Obj] = (),
    said: Mapping[Log, str] | None = None,
) -> list[Row]:
    """One row for each pod that has not ended well. ``said``: last lines of the logs that wrong_with names."""
    rows, known, pods = [], Events(events), list(pods)
    words = {log: line for log, line in (said or {}).items() if line}
    current = {id(pod) for pod in current_pods(pods)}
    for pod in pods:
        metadata, status = pod.get("metadata") or {}, pod.get("status") or {}
        if status.get("phase") == "Succeeded":
            continue
        own = status.get("containerStatuses") or []
        problems = [
            f"{text}; its last line: {words[log]}" if log in words else text
            for text, log in (wrong_with(pod, known, now) if id(pod) in current else [])
        ]
        waits = [((item.get("state") or {}).get("waiting") or {}).get("reason") for item in container_statuses(pod)]
        state = next(filter(None, waits), status.get("phase") or "Unknown")
        if metadata.get("deletionTimestamp"):
            state = "Terminating"
        rows.append(
            {
                "namespace": _namespace(pod),
                "name": _name(pod),
                "ready": sum(bool(item.get("ready")) for item in own),
                "containers": len((pod.get("spec") or {}).get("containers") or []),
                "status": state,
                "restarts": sum(int(item.get("restartCount") or 0) for item in container_statuses(pod)),
                "age": seconds_since(metadata.get("creationTimestamp"), now),
                "problems": problems,
                **_last_end(pod, now),
                **usage.get((_namespace(pod), _name(pod)), {}),
            }
        )
    return sorted(rows, key=lambda row: (row["namespace"], row["name"]))


def worker_rows(pods: Iterable[Obj], now: Time, events: Iterable[Obj] = ()) -> list[Row]:
    rows, known = [], Events(events)
    for pod in pods:
        worker = Worker(pod)
        task = ".".join(filter(None, map(worker.identity, ("dag_id", "task_id"))))
        row = {"namespace": worker.namespace, "name": worker.name, "task": task, "node": worker.node}
        row["status"], row["problem"] = _standstill(worker, known, now)
        rows.append({**row, "age": seconds_since(worker.metadata.get("creationTimestamp"), now)})
    return sorted(rows, key=lambda row: (row["namespace"], row["name"]))


def _standstill(worker: Worker, events: Events, now: Time) -> tuple[str, str]:
    """A word for a worker's state, and why it does not start, or nothing once its base container has started or the pod has ended."""
    phase = str(worker.status.get("phase") or "Unknown")
    if worker.started or phase in ("Succeeded", "Failed"):
        return phase, ""
    reasons = [((item.get("state") or {}).get("waiting") or {}).get("reason") for item in container_statuses(worker.pod)]
    waits = next(filter(None, reasons), "")
    if found := [] if too_new(worker.pod, now) else pod_causes(worker.pod, events):
        homeless = found[0].kind in ("scheduler", "unschedulable") and found[0].lasting
        return ("Unschedulable" if homeless else waits or phase), found[0].text
    return phase, f"pod {worker.namespace}/{worker.name}: {waits or 'Pending'}" if phase == "Pending" else ""


def unavailable_since(workload: Workload, pods: Iterable[Obj]) -> str | None:
    """Since when the workload lacks an available pod: the time of the pod that has not been ready for longest, or of its own condition."""
    times = []
    for pod in filter(workload.owns, current_pods(pods)):
        ready = condition(pod, "Ready")
        if ready.get("status") != "True":
            times.append(ready.get("lastTransitionTime") or (pod.get("metadata") or {}).get("creationTimestamp"))
    if not times:
        available = condition(workload.item, "Available")
        times = [available.get("lastTransitionTime")] if available.get("status") == "False" else []
    return min(filter(None, times), default=None)


def passes(workload: Workload, pods: Iterable[Obj], now: Time | None) -> bool:
    """Whether the workload has lacked an available pod for so short a time that it may pass: a probe that timed out once, a restart."""
    since = None if now is None else seconds_since(unavailable_since(workload, pods), now)
    return since is not None and since < GRACE


def workload_problems(
    workloads: Iterable[Obj], pods: Iterable[Obj] = (), events: Iterable[Obj] = (), now: Time | None = None, passing: bool = False
) -> list[str]:
    """Workloads that lack pods or do not get on with a roll-out, with what their pods' rows do not say.

    A roll-out that goes on while all pods are available is none. Each needs its ``kind``, which a list does not tell. What lacks pods for
    less than GRACE at the time ``now`` and nothing else is left out; it is what is returned if ``passing``.
    """
    problems, all_pods, known = [], list(pods), list(events)
    for item in workloads:
        workload = Workload(item["kind"], item)
        if item["kind"] == "Job" or not workload.open:
            continue
        its = [pod for pod in all_pods if _namespace(pod) == _namespace(item)]
        found = causes(workload, [pod for pod in its if now is None or not too_new(pod, now)], known)
        more = [workload.words(cause) for cause in found if cause.kind in ("quota", "refused", "probe", "deadline")]
        if workload.serves and not more:
            continue
        lasting = any(cause.lasting for cause in found)
        if (not lasting and passes(workload, its, now)) is not passing:
            continue
        problems.append(f"{item['kind']} {_namespace(item)}/{_name(item)}: {'; '.join([workload.open, *more[:1]])}")
    return problems


def failed_jobs(workloads: Iterable[Obj], pods: Iterable[Obj]) -> list[Cause]:
    """Jobs that failed for good, each with how its last pod ended."""
    jobs = tuple(("Job", item) for item in workloads if item["kind"] == "Job")
    return [cause for cause in every_cause(Seen(jobs, tuple(pods))) if cause.kind == "job"]


def application_rows(apps: Iterable[Obj], now: Time) -> list[Row]:
    rows = []
    for app in apps:
        status = app.get("status") or {}
        state = status.get("operationState") or {}
        errors = [f"{item['type']}: {shorten(item.get('message') or '', 300)}" for item in error_conditions(app)]
        failed = operation_failed(app)
        if failed:
            errors.append(f"its last sync is {state['phase']}: {shorten(state.get('message') or '', 300)}")
        rows.append(
            {
                "name": _name(app),
                "sync": (status.get("sync") or {}).get("status") or "Unknown",
                "health": (status.get("health") or {}).get("status") or "Unknown",
                "revision": ",".join(shown_revisions(app)),
                "operation": state.get("phase") or "",
                "finished": seconds_since(state.get("finishedAt"), now),
                "superseded": state.get("phase") in ("Failed", "Error") and not failed,
                "out_of_sync": differing(app),
                "changed": seconds_since((status.get("health") or {}).get("lastTransitionTime"), now),
                "errors": errors,
            }
        )
    return rows


def volume_rows(claims: Iterable[Obj], usage: Mapping[tuple[str, str], Row]) -> list[Row]:
    """``usage``: by namespace and claim, used and size in bytes, for the volumes whose driver reports it."""
    rows = []
    for claim in claims:
        status = claim.get("status") or {}
        asked = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
        size = quantity((status.get("capacity") or asked).get("storage"))
        row: Row = {"namespace": _namespace(claim), "name": _name(claim), "phase": status.get("phase") or "Unknown", "size": size}
        rows.append({**row, **usage.get((_namespace(claim), _name(claim)), {})})
    return rows


def kubelet_usage(summary: Obj) -> tuple[Row, dict[tuple[str, str], Row], dict[tuple[str, str], Row]]:
    """Use of the node, of its pods and of their volumes, from the kubelet's summary."""
    node = summary.get("node") or {}
    disk = node.get("fs") or {}
    pods, volumes = {}, {}
    for pod in summary.get("pods") or []:
        reference = pod.get("podRef") or {}
        pods[(reference.get("namespace") or "", reference.get("name") or "")] = _use(pod)
        for volume in pod.get("volume") or []:
            claim = volume.get("pvcRef")
            if claim and volume.get("capacityBytes"):
                volumes[(claim["namespace"], claim["name"])] = {
                    "used": float(volume.get("usedBytes") or 0),
                    "size": float(volume["capacityBytes"]),
                }
    filled = {"disk": float(disk["usedBytes"]), "disk_size": float(disk["capacityBytes"])} if disk.get("capacityBytes") else {}
    return {**_use(node), **filled}, pods, volumes


def _use(item: Obj) -> Row:
    cpu, memory = (item.get("cpu") or {}).get("usageNanoCores"), (item.get("memory") or {}).get("workingSetBytes")
    return {key: value for key, value in (("cpu", None if cpu is None else cpu / 1e9), ("memory", memory)) if value is not None}


def metrics_usage(items: Iterable[Obj]) -> dict[tuple[str, str], Row]:
    """Use of nodes or pods from metrics.k8s.io, by namespace (empty for a node) and name."""
    found = {}
    for item in items:
        parts = [part.get("usage") or {} for part in item.get("containers") or [item]]
        found[(_namespace(item), _name(item))] = {key: sum(quantity(part.get(key)) or 0 for part in parts) for key in ("cpu", "memory")}
    return found


def judge(status: Row) -> tuple[list[str], list[str]]:
    """What makes the platform unhealthy, and what a person should know all the same."""
    problems: list[str] = [*status["unreadable"], *status.get("troubles", [])]
    warnings: list[str] = list(status["unknown"])
    for node in status["nodes"]:
        if not node["ready"]:
            problems.append(f"node {node['name']} is not Ready: {node['message']}")
        problems += [f"node {node['name']} has {kind}" for kind in node["pressure"]]
        if node.get("disk_size") and node["disk"] / node["disk_size"] >= FULL:
            problems.append(f"node {node['name']}: its disk is {node['disk'] / node['disk_size']:.0%} full")
        if node["unschedulable"]:
            warnings.append(f"node {node['name']} is cordoned")
    for app in status["applications"]:
        if (app["sync"], app["health"]) != ("Synced", "Healthy"):
            text = f"Application {app['name']} is {app['sync']} and {app['health']}"
            text += f": {app['out_of_sync']}" if app["out_of_sync"] and app["sync"] == "OutOfSync" else ""
            (warnings if _passing_health(app) else problems).append(text)
        problems += [f"Application {app['name']}: {error}" for error in app["errors"]]
    for pod in status["pods"]:
        problems += pod["problems"]
        if pod["status"] == "Failed":
            warnings.append(f"pod {pod['namespace']}/{pod['name']} has failed: {pod['reason'] or 'no reason reported'}")
        elif pod["restarts"] and pod["restarted"] is not None and pod["restarted"] < RECENT and not pod["problems"]:
            warnings.append(f"pod {pod['namespace']}/{pod['name']} restarted {ago(pod['restarted'])} ago: {pod['reason']}")
    problems += status["workload_problems"]
    warnings += status.get("workload_notes") or []
    # A hook of an earlier sync stays behind until the next; it matters while the last one did not succeed at what is wanted now.
    over = all(app["operation"] in ("", "Succeeded") or app["superseded"] for app in status["applications"])
    (warnings if over else problems).extend(status["failed_jobs"])
    stuck = [worker for worker in status["workers"] if worker["problem"] and (worker["age"] or 0) >= GRACE]
    problems += [f"worker of {item['task'] or 'a task'} does not start for {ago(item['age'])}: {item['problem']}" for item in stuck]
    for item in status["waiting"]:
        if item["seconds"] < GRACE or (item["task"] and item["task"] in {worker["task"] for worker in stuck}):
            continue
        if item["paused"]:
            warnings.append(f"{item['what']} is queued for {ago(item['seconds'])}: the DAG is paused")
        else:
            problems.append(f"{item['what']} is queued for {ago(item['seconds'])}: look at the scheduler's log, and at free slots of pools")
    for volume in status["volumes"]:
        if volume["phase"] != "Bound":
            problems.append(f"volume {volume['namespace']}/{volume['name']} is {volume['phase']}")
        elif volume.get("used") and volume["used"] / volume["size"] >= FULL:
            problems.append(f"volume {volume['namespace']}/{volume['name']} is {volume['used'] / volume['size']:.0%} full")
    for part, state in status["airflow"].items():
        if state != "healthy":
            late = (status.get("heartbeats") or {}).get(part)
            text = f"Airflow's {part.replace('_', ' ')} is {state}" + ("" if late is None else f", its last heartbeat was {ago(late)} ago")
            (problems if late is None or late >= GRACE else warnings).append(text)
    for checkout in status["checkouts"]:
        if checkout["error"]:
            problems.append(f"git-sync of {checkout['pod']} fails: {checkout['error']}")
    commits = {checkout["commit"] for checkout in status["checkouts"] if checkout["commit"]}
    if len(commits) > 1:
        warnings.append(f"pods have different DAG commits: {', '.join(sorted(commit[:7] for commit in commits))}")
    warnings += [f"DAG file {item['filename']} does not import: {item['message']}" for item in status["import_errors"]]
    for run in last_of_each_dag(status["runs"]):
        if run["state"] == "failed":
            why = f": {run['failure']}" if run["failure"] else ""
            warnings.append(f"the last run of {run['dag_id']} failed {ago(run['started'])} ago ({run['run_id']}){why}")
    return list(dict.fromkeys(problems)), list(dict.fromkeys(warnings))


def heartbeats(health: Mapping[str, Any], now: Time) -> dict[str, int | None]:
    """For each part of Airflow the seconds since its last heartbeat, as far as it has one: it may be late while it restarts (V18)."""
    return {part: seconds_since((found or {}).get(f"latest_{part}_heartbeat"), now) for part, found in health.items()}


def _passing_health(app: Row) -> bool:
    """Whether it is Progressing for so short a time that it may pass, and nothing else is wrong with it."""
    young = app["changed"] is not None and app["changed"] < GRACE
    return (app["sync"], app["health"]) == ("Synced", "Progressing") and young and not app["errors"]


def ago(seconds: float | None) -> str:
    """Seconds as the largest unit that fits: ``45 s``, ``12 min``, ``3 h``, ``9 d``."""
    if seconds is None:
        return "?"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
