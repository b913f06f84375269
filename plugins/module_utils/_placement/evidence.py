# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can still be proven of workers that were deleted unseen: Events and task instances in, workers or the reason out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named
from ansible_collections.gitops.airflow.plugins.module_utils._placement.events import Sighting
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import (
    SAME_TRY_AGAIN,
    Expectation,
    Finding,
    by_task,
    missing,
)
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import BASE, Worker, instant

HOSTNAME_LENGTH = 63
NAME_LENGTHS, SUFFIX_LENGTH = (80, 63), 8
"""Of pods of Airflow 2.6, and of cncf.kubernetes providers that came with 2.10."""
OUTCOMES: dict[str, Literal["Succeeded", "Failed"]] = {
    "success": "Succeeded",
    "skipped": "Succeeded",
    "failed": "Failed",
    "up_for_retry": "Failed",
}
"""The states whose hostname is of this try's worker, which has ended, and how."""
UNENDED = ("running", "deferred", "restarting", "up_for_reschedule")
"""The other states whose hostname is of this try's worker. In all others it is empty or of an earlier try's."""
ENDED = ("success", "skipped", "failed", "upstream_failed", "removed")
"""The states in which a task gets no further worker. In all others but running it is sure to get one, if Airflow goes on."""
AGAIN = "run the DAG again and give the resource_version taken before the trigger"


@dataclass(frozen=True)
class Instance:
    """A task instance as airflow_dag_run returns it, with the run that it is of."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    state: str
    host: str

    def about(self, expect: Expectation) -> bool:
        same_run = (self.dag_id, self.run_id) == (expect.dag_id, expect.run_id)
        return same_run and expect.task_id in (None, self.task_id) and expect.map_index in (None, self.map_index)

    def of(self, worker: Worker) -> bool:
        """Whether it is of that worker's task and map index."""
        ids = {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": self.task_id}
        return worker.task[1] == self.index and all(worker.has(key, value) for key, value in ids.items())

    def names(self, worker: Worker) -> bool:
        """Whether that worker's pod is the one that the hostname is of."""
        return self.of(worker) and hostname(worker.name) == self.host

    def in_try_of(self, worker: Worker) -> bool:
        """Whether it may be of that worker's try.

        Airflow 2.6 counts a try back while the task is deferred or up for reschedule, so that a pod of the first try may have the number 0
        here, also after the task was ended by hand (V7). Airflow 2.10 does not.
        """
        counted_back = self.names(worker) and self.try_number == worker.try_number - 1
        return self.of(worker) and (max(self.try_number, 1) == worker.try_number or counted_back)

    @property
    def gets_another(self) -> bool:
        return self.state not in (*ENDED, "running")

    @property
    def index(self) -> str:
        return str(self.map_index) if self.map_index >= 0 else ""

    def __str__(self) -> str:
        return f"task {self.task_id}{f'[{self.index}]' if self.index else ''}"


def instances(given: Sequence[Any], expectations: Sequence[Expectation]) -> list[Instance]:
    """Reads the option task_instances. Those of runs that are not expected are left out.

    :raises InputError: when an entry has no task_id or state, a wrong number, or could be of several runs.
    """
    runs = sorted({(item.dag_id, item.run_id) for item in expectations})
    found = []
    for place, item in enumerate(given):
        where = f"task_instances[{place}]"
        if absent := [key for key in ("task_id", "state", "hostname") if key not in item]:
            raise InputError(f"{where} has no {' and no '.join(absent)}.", "Give the task_instances that airflow_dag_run returns.")
        numbers = {}
        for key, default in (("map_index", -1), ("try_number", 1)):
            try:
                numbers[key] = default if item.get(key) is None else int(item[key])
            except (TypeError, ValueError):
                raise InputError(f"{key} of {where} is {item[key]!r}: it must be a whole number.", f"Correct {key}.") from None
        run_id = item.get("run_id", item.get("dag_run_id"))
        own = [run for run in runs if item.get("dag_id", run[0]) == run[0] and (run_id is None or run_id == run[1])]
        if len(own) > 1:
            message = f"{where} may be of {len(own)} of the expected runs."
            raise InputError(message, "Add dag_id and run_id to each, or wait for one run at a time.")
        if own:
            state, host = str(item["state"] or "none"), str(item["hostname"] or "").partition(".")[0]
            found.append(Instance(*own[0], str(item["task_id"]), numbers["map_index"], numbers["try_number"], state, host))
    return found


def pod_names(dag_id: str, task_id: str) -> re.Pattern[str] | None:
    """The names that Airflow may give a task's pods, None for ids that are not ASCII.

    A slug of both ids, cut where it is long, then a dash and eight random characters. Source: kubernetes_helper_functions.py of
    Airflow 2.6.3 and of the provider cncf.kubernetes 10.1.
    """
    if not (dag_id + task_id).isascii():
        return None
    slug = re.sub(r"[^a-z0-9]+", "-", f"{dag_id}-{task_id}".lower()).strip("-")
    bases = {slug[: length - SUFFIX_LENGTH - 1].strip("-") for length in NAME_LENGTHS}
    return re.compile(f"(?:{'|'.join(map(re.escape, sorted(bases)))})-[a-z0-9]{{{SUFFIX_LENGTH}}}") if slug else None


def hostname(pod: str) -> str:
    """The hostname of the pod of that name: the kubelet cuts it at 63 characters, which the pods of long ids exceed."""
    return pod[:HOSTNAME_LENGTH].rstrip("-.")


def whole(host: str) -> bool:
    """Whether the hostname is certainly the pod's whole name. A cut one may have lost a dash at its end too."""
    return len(host) < HOSTNAME_LENGTH - 1


def settled(worker: Worker, known: Iterable[Instance]) -> Worker:
    """A worker with what Airflow reports of its try: how it ended, if that was not seen, and whether another worker comes after it."""
    for item in known:
        final = item.state if item.state in ENDED and item.names(worker) else ""
        if worker.phase == "Gone" and item.state in OUTCOMES and item.in_try_of(worker):
            return replace(worker, reported=OUTCOMES[item.state], final=final)
        if final:
            return replace(worker, final=final)
        if item.gets_another and (item.names(worker) or (worker.phase == "Gone" and item.of(worker))):
            return replace(worker, awaited=item.state)
    return worker


def find(
    expectations: Sequence[Expectation],
    known: Sequence[Instance],
    pods: Sequence[Worker],
    sightings: Sequence[Sighting],
    since: str,
    unread: str = "",
) -> list[Finding]:
    """For each expectation what Events tell of the workers that it lacks.

    ``since`` is the resource_version given, if any; ``unread`` says why Events cannot be read, if they cannot.
    """
    seen = {pod.key for pod in pods}
    unseen = [item for item in sightings if item.key not in seen]
    newer = [item for item in unseen if since.isdigit() and item.version > int(since)]
    findings = []
    for expect in expectations:
        mine = [item for item in known if item.about(expect)]
        finding = _by_instance(expect, mine, pods, unseen, unread)
        if missing([*pods, *finding.workers], expect) <= 0:
            findings.append(Finding(finding.workers, finding.lost if _ended_unseen([*pods, *finding.workers], expect, mine) else ""))
            continue
        if expect.task_id is not None and since and (not mine or expect.pods_per_task > 1):
            rivals = {item.run_id for item in expectations if (item.dag_id, item.task_id) == (expect.dag_id, expect.task_id)}
            named = _by_name(expect, expect.task_id, mine, pods, newer, since, len(rivals) > 1)
            finding = named if named.workers else replace(finding, doubt=named.doubt)
        elif mine and not finding.doubt and not finding.lost and all(item.state in ENDED for item in mine):
            finding = replace(finding, lost=_too_few(expect, len(mine)))
        findings.append(finding)
    return findings


def _ended_unseen(pods: Sequence[Worker], expect: Expectation, mine: Sequence[Instance]) -> bool:
    """Whether a task of which only a failed try was seen has ended with another worker."""
    last = [tried[-1] for tried in by_task(pods, expect) if tried[-1].phase == "Failed"]
    return any(item.state in ENDED and item.host and item.of(pod) and not item.names(pod) for pod in last for item in mine)


def _too_few(expect: Expectation, tasks: int) -> str:
    if expect.pods_per_task > 1:
        return f"of the {expect.pods_per_task} pods that a task makes only the last can still be proven; {AGAIN}"
    return f"task_instances name {tasks} such tasks, which have all ended, but {expect.count} workers are expected: correct count"


def _by_instance(expect: Expectation, mine: Sequence[Instance], pods: Sequence[Worker], unseen: Sequence[Sighting], unread: str) -> Finding:
    """A task instance names its pod, so an Event of that name is proof."""
    seen = {hostname(pod.name) for pod in pods}
    sharing = Counter(item.host for item in mine)
    workers, lost, doubt, pending = [], [], [], False
    for item in mine:
        if item.host in seen or (not item.host and any(item.of(pod) for pod in pods)):
            continue
        if not item.host or item.state not in (*OUTCOMES, *UNENDED):
            pending |= item.state not in ENDED
            lost += [f"{item} is {item.state} and no worker ran it (its hostname is empty)"] if item.state in ENDED else []
            continue
        found = [sighting for sighting in unseen if hostname(sighting.name) == item.host]
        if len(found) == 1 and sharing[item.host] == 1:
            workers.append(_worker(found[0], expect, item.task_id, pods, item))
        elif found:
            names = ", ".join(map(str, found))
            doubt.append(f"{item} ran as a pod whose name begins with {item.host}, and Events show {len(found)} of them ({names}); {AGAIN}")
        elif item.state in ENDED:
            text = f"{item} ran as pod {item.host} (state {item.state}), but its node cannot be proven"
            lost.append(f"{text}: the pod is deleted and {unread or 'no Event of it is left'}; {AGAIN}")
        else:
            pending = True
    return Finding(tuple(workers), "" if pending else "; ".join(lost), "; ".join(doubt))


def _by_name(
    expect: Expectation,
    task_id: str,
    mine: Sequence[Instance],
    pods: Sequence[Worker],
    newer: Sequence[Sighting],
    since: str,
    rivals: bool,
) -> Finding:
    """Events of pods that are named like this task's prove something only when there are exactly as many as are missing."""
    names = pod_names(expect.dag_id, task_id)
    found = sorted((item for item in newer if names and names.fullmatch(item.name)), key=lambda item: item.scheduled)
    if not found:
        return Finding()
    tasks = by_task(pods, expect)
    lacking = expect.pods_per_task - sum(map(len, tasks)) if expect.count == 1 else missing(pods, expect)
    grouped = expect.count == 1 or expect.pods_per_task == 1
    if rivals or not grouped or expect.map_index is not None or len(found) != lacking:
        text = f"Events since resource_version {since} show {len(found)} deleted or other pods named like this task's ({named(found)})"
        advice = AGAIN if mine else "give task_instances, which airflow_dag_run returns"
        return Finding(doubt=f"{text}, and Events alone cannot tell which of them are of this run; {advice}")
    item = mine[0] if len(mine) == 1 else None
    slots = [""] * lacking if expect.count == 1 else [f"unknown {number}" for number in range(lacking)]
    return Finding(tuple(_worker(sighting, expect, task_id, pods, item, slot) for sighting, slot in zip(found, slots, strict=True)))


def _try_of(item: Instance, sighting: Sighting, pods: Sequence[Worker]) -> int:
    """The try of the worker that Events and an instance tell of, which may count it back (V7): tries only grow from pod to pod.

    A pod before it was of this try or an earlier one; the first pod after a deferral or reschedule is of the same try.
    """
    at, number = instant(sighting.scheduled), max(item.try_number, 1)
    later = []
    for pod in sorted((pod for pod in pods if item.of(pod)), key=lambda pod: pod.age):
        created = instant(pod.since)
        if at and created and created > at:
            later.append(pod.try_number)
        else:
            number = max(number, pod.try_number)
    if item.state in SAME_TRY_AGAIN and later:
        number = max(number, min(item.try_number + 1, later[0]))
    return number


def _worker(sighting: Sighting, expect: Expectation, task_id: str, pods: Sequence[Worker], item: Instance | None, slot: str = "") -> Worker:
    """A worker with what Events tell of it, and nothing else."""
    ids = {"dag_id": expect.dag_id, "run_id": expect.run_id, "task_id": task_id}
    if item:
        ids["try_number"] = str(_try_of(item, sighting, pods))
    if index := item.index if item else slot:
        ids["map_index"] = index
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": sighting.scheduled}
    status: Obj = {"conditions": [scheduled] if sighting.scheduled else []}
    if sighting.started:
        status["containerStatuses"] = [{"name": BASE, "state": {"running": {"startedAt": sighting.started}}}]
    metadata = {"name": sighting.name, "namespace": sighting.namespace, "uid": sighting.uid, "annotations": ids}
    pod = {"metadata": metadata, "spec": {"nodeName": sighting.node}, "status": status}
    return settled(Worker(pod, deleted=True, evidence="events"), [item] if item else [])
