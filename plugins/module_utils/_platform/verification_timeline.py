# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened when, from the start of the last sync to the proof. Pure: objects of the cluster and of Airflow in, events out.

Each time is one that an object holds. A time that no object holds any more stays unknown.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import labels_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import condition
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import instant
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_rules import operation_of

SYNC, DATABASE, MIGRATIONS, POD, DAG_RUN, WORKER, PROOF = "sync", "database", "migrations", "pod", "dag_run", "worker", "proof"
WAITS, PREPARES, STARTS, RUNS, QUEUED = "waits for a node", "prepares containers", "becomes ready", "runs", "waits in the queue"
PROVEN, READY_AGAIN = "is proven", "is ready again"
MYSQL = "mysql"  # the component of the database's pod
# This machine writes the time of the proof, without the part of the second.
TOLERATED_SECONDS = 1.0


@dataclass(frozen=True)
class Event:
    """What ``subject`` did (``label``) from ``start`` to ``end``, in UTC. ``end`` is empty if not known. A moment ends as it starts."""

    kind: str
    subject: str
    label: str
    start: str
    end: str

    @property
    def began(self) -> datetime.datetime:
        found = instant(self.start)
        if found is None:
            raise AssertionError("an event without a start is left out")
        return found

    @property
    def ended(self) -> datetime.datetime | None:
        """None also where another clock says that it ended before it began."""
        end = instant(self.end)
        return end if end and end >= self.began else None

    @property
    def seconds(self) -> float | None:
        return (self.ended - self.began).total_seconds() if self.ended else None

    @property
    def is_moment(self) -> bool:
        return self.label.startswith((PROVEN, READY_AGAIN))


def moment(text: Any) -> str:
    """A time in UTC, in one form for all that write times. Empty if it is not a time."""
    found = instant(str(text or ""))
    if found is None:
        return ""
    unit = "milliseconds" if found.microsecond else "seconds"
    return found.astimezone(datetime.UTC).isoformat(timespec=unit).replace("+00:00", "Z")


def timeline(
    application: Obj,
    pods: Sequence[Obj],
    job: Obj | None,
    dag_runs: Mapping[str, Obj],
    placements: Sequence[Mapping[str, Any]],
    verified_at: str,
) -> list[Event]:
    """The life cycle of a platform that is proven.

    ``pods`` are Airflow's own, the database's among them. ``job`` is the migrations Job of the last sync, None if it cannot be read any
    more. ``dag_runs`` are Airflow's answers by DAG, ``placements`` the workers as airflow_worker_placement_wait returns them.
    """
    operation = operation_of(application)
    revision = str((operation.get("syncResult") or {}).get("revision") or "")[:7]
    name = str((application.get("metadata") or {}).get("name") or "")
    job_name, ran = ((job or {}).get("metadata") or {}).get("name"), (job or {}).get("status") or {}
    started = sorted((event for pod in pods for event in _pod(pod)), key=lambda event: event.start)
    return [
        *_phases(SYNC, f"Application {name}", [(operation.get("startedAt"), f"syncs {revision}".rstrip())], operation.get("finishedAt")),
        *(event for event in started if event.kind == DATABASE),
        *_phases(MIGRATIONS, f"Job {job_name}", [(ran.get("startTime"), RUNS)], ran.get("completionTime")),
        *(event for event in started if event.kind == POD),
        *(event for dag_id, run in dag_runs.items() for event in _dag_run(dag_id, run)),
        *observed(placements, verified_at),
    ]


def observed(placements: Sequence[Mapping[str, Any]], verified_at: str) -> list[Event]:
    """The part of the timeline that the rest of a report holds, too: workers and proof."""
    workers = [event for placement in placements for event in _worker(placement)]
    return [*workers, *_phases(PROOF, "Platform", [(verified_at, PROVEN)], verified_at)]


def _phases(kind: str, subject: str, begun: Sequence[tuple[Any, str]], end: Any) -> Iterator[Event]:
    """An event from each moment to the next; those of which the beginning is not known are left out."""
    starts = [moment(start) for start, _label in begun]
    for (_start, label), start, then in zip(begun, starts, [*starts[1:], moment(end)], strict=True):
        if start:
            yield Event(kind, subject, label, start, then)


def _pod(pod: Obj) -> Iterator[Event]:
    """How a pod became ready.

    Kubernetes keeps only the last time at which it did. After a restart that is not the end of its start.
    """
    metadata, statuses = pod.get("metadata") or {}, (pod.get("status") or {}).get("containerStatuses") or []
    kind = DATABASE if labels_of(metadata).get("component") == MYSQL else POD
    subject = f"Pod {metadata.get('name')}"
    scheduled, ready = (_since(pod, name) for name in ("PodScheduled", "Ready"))
    restarts = sum(int(item.get("restartCount") or 0) for item in statuses)
    begun = [((item.get("state") or {}).get("running") or {}).get("startedAt") for item in statuses]
    if restarts:
        yield from _phases(kind, subject, [(metadata.get("creationTimestamp"), WAITS), (scheduled, PREPARES)], None)
        yield from _phases(kind, subject, [(ready, f"{READY_AGAIN} (restarts: {restarts})")], ready)
        return
    running = max(map(moment, begun)) if begun and all(begun) else None
    yield from _phases(kind, subject, [(metadata.get("creationTimestamp"), WAITS), (scheduled, PREPARES), (running, STARTS)], ready)


def _since(pod: Obj, name: str) -> Any:
    """Since when the pod has had that condition; None if it does not have it."""
    found = condition(pod, name)
    return found.get("lastTransitionTime") if found.get("status") == "True" else None


def _dag_run(dag_id: str, run: Obj) -> Iterator[Event]:
    """Airflow gives a run that is triggered without a logical date the present time as its logical date (dag_run_schema.py)."""
    begun = [(run.get("logical_date"), QUEUED), (run.get("start_date"), RUNS)]
    yield from _phases(DAG_RUN, f"DAG {dag_id}", begun, run.get("end_date"))


def _worker(placement: Mapping[str, Any]) -> Iterator[Event]:
    times = placement.get("timings") or {}
    begun = [(times.get("created"), WAITS), (times.get("scheduled"), PREPARES), (times.get("running"), RUNS)]
    yield from _phases(WORKER, task_of(placement), begun, times.get("finished"))


def task_of(placement: Mapping[str, Any]) -> str:
    """A worker's task, with its map index and its try if it has others."""
    index, number = placement.get("map_index"), placement.get("try_number")
    mapped = f"[{index}]" if isinstance(index, int) and index >= 0 else ""
    again = f" (try {number})" if isinstance(number, int) and number > 1 else ""
    return f"{placement.get('dag_id')}.{placement.get('task_id')}{mapped}{again}"


def as_list(events: Sequence[Event]) -> list[dict[str, Any]]:
    """The events as a report keeps them; what is not known is null."""
    return [{**asdict(event), "end": event.end or None} for event in events]


def known(report: Mapping[str, Any]) -> list[Event]:
    """A report's events. A report of an earlier version has none but those of its workers and of the proof."""
    if "timeline" not in report:
        return observed(report.get("runs") or [], str(report.get("verified_at") or ""))
    names = [item.name for item in fields(Event)]
    found = [Event(*(str(item.get(name) or "") for name in names)) for item in report["timeline"]]
    return [event for event in found if instant(event.start)]


def contradictions(events: Sequence[Event]) -> list[str]:
    """Where the clocks that the times come from (the nodes', the API server's, this machine's) cannot all be right."""
    found = [f"{event.subject} {event.label} from {event.start} to {event.end}." for event in events if event.end and not event.ended]
    proof = next((event for event in events if event.kind == PROOF), None)
    for event in events:
        last = event.ended or event.began
        if proof and (last - proof.began).total_seconds() > TOLERATED_SECONDS:
            found.append(f"{event.subject} {event.label} at {moment(last.isoformat())}, after the verification at {proof.start}.")
    return found
