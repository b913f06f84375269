# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a DAG run that is followed: what changed between two looks, which lines of a log are new, how it ended. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import task_name
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, timestamp

# States in which a try of a task is over.
OVER = ("success", "failed", "skipped", "upstream_failed", "removed", "up_for_retry", "shutdown")
# Airflow 2.6 counts a try when its worker begins: until then the number is the one of the try before.
BEGUN = ("running", "success", "failed", "up_for_retry", "shutdown", "restarting")
# States in which a task has no worker yet. It may have had one for an earlier try, or before it was deferred.
WAITS = ("", "scheduled", "queued")
# States in which a task goes on in another worker: the one that it had has ended.
BETWEEN = ("deferred", "up_for_reschedule")
# A worker's last words. Those of a deferred task go on: "(task deferral)". A rescheduled task says them too, and goes on with the same try.
LAST_WORDS = re.compile(r"Task exited with return code \S+$")
# Rows of the summary. Of more tasks, those that did not succeed come first.
ROWS = 50
TaskKey = tuple[str, int]
TryKey = tuple[str, int, int]


class Worker(Protocol):
    """A worker pod, as _placement/worker.py reads it."""

    @property
    def name(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def node(self) -> str: ...
    @property
    def try_number(self) -> int: ...
    @property
    def blocked(self) -> list[tuple[str, str]]: ...


def number(value: Any) -> int:
    """A number of Airflow's answer; 0 if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def task_key(task: Mapping[str, Any]) -> TaskKey:
    index = task.get("map_index")
    return str(task.get("task_id")), index if isinstance(index, int) else -1


def try_key(task: Mapping[str, Any]) -> TryKey:
    """Which log is meant: the first try of a task is 1, also while Airflow has not counted it yet."""
    return *task_key(task), max(number(task.get("try_number")), 1)


@dataclass(frozen=True)
class TaskView:
    """What a line says of a task. ``state`` is empty while it is not scheduled; ``problem`` says why its worker does not start.

    ``past`` is the pod that it had before it waited for this one.
    """

    state: str = ""
    try_number: int = 0
    namespace: str = ""
    node: str = ""
    problem: str = ""
    pod: str = ""
    past: str = ""

    @property
    def place(self) -> str:
        """``on NODE in NAMESPACE``, as far as it is known."""
        return " ".join([*([f"on {self.node}"] if self.node else []), *([f"in {self.namespace}"] if self.namespace else [])])

    def __str__(self) -> str:
        shown = self.state or "not scheduled"
        if self.state in BEGUN and self.try_number > 1:
            shown += f" (try {self.try_number})"
        if self.place:
            # A task runs nowhere before it is running, also if its pod has a node.
            verb = ", its pod is" if self.state in WAITS else ", its last pod was" if self.state in BETWEEN else ""
            shown += f"{verb} {self.place}"
        return shown + (f": {self.problem}" if self.problem else "")


def view(task: Mapping[str, Any], worker: Worker | None, before: TaskView | None = None) -> TaskView:
    """A task as it is now. Of a worker that is gone, its place is what was seen last."""
    state, old = str(task.get("state") or ""), before or TaskView()
    past = old.past if old.state in WAITS else old.pod
    if worker and state in WAITS and worker.name == past:
        worker = None
    tries = number(task.get("try_number"))
    if worker is None:
        kept = (old.namespace, old.node, "", old.pod) if state not in WAITS or old.state in WAITS else ("", "", "", "")
        return TaskView(state, tries, *kept, past)
    problem = worker.blocked[0][1] if worker.blocked and state not in OVER else ""
    return TaskView(state, tries, worker.namespace, worker.node, problem, worker.name, past)


def change(before: TaskView | None, now: TaskView) -> bool:
    """Whether a line is worth it. A task that is not scheduled yet is none, and a try is counted in a state of its own."""
    if before is None:
        return bool(now.state)
    tried = now.state in BEGUN and now.try_number != before.try_number
    moved = bool(now.node) and now.node != before.node and now.state not in OVER
    return now.state != before.state or tried or moved or (now.problem != before.problem and bool(now.problem))


@dataclass
class Tasks:
    """The tasks of a run as they were seen last."""

    seen: dict[TaskKey, TaskView] = field(default_factory=dict)
    names: dict[TaskKey, str] = field(default_factory=dict)

    def changes(self, tasks: Iterable[Mapping[str, Any]], workers: Mapping[TaskKey, Worker]) -> list[str]:
        """One line for each task that is not as it was. Tasks that the run no longer has are named once.

        A mapped task stands as a whole in the run until its instances take its place.
        """
        lines, left = list[str](), set(self.seen)
        for task in tasks:
            key = task_key(task)
            left.discard(key)
            before = self.seen.get(key)
            now = view(task, workers.get(key), before)
            self.seen[key], self.names[key] = now, task_name(task)
            if change(before, now):
                lines.append(f"{self.names[key]}: {now}")
        for key in sorted(left):
            del self.seen[key]
            if key[1] >= 0 or not any(task_id == key[0] for task_id, _index in self.seen):
                lines.append(f"{self.names[key]}: no longer in the run")
        return lines


class Ledger:
    """Which lines of a log were shown, of at most ``most``: a log is read from two places, its pod and Airflow's API.

    A worker says in its pod the same lines that it stores, after a few of its own (ran: Airflow 2.6.3).
    """

    def __init__(self, most: int) -> None:
        self._shown: Counter[str] = Counter()
        self._most = most
        self.count = 0
        self.ended = False
        """Whether the last words came since the worker began, or began again."""

    @property
    def full(self) -> bool:
        """Whether no further line is shown."""
        return self.count > self._most

    def fresh(self, lines: Iterable[str]) -> list[str]:
        """The lines that were not shown yet, each as often as it is missing."""
        seen, new = Counter[str](), list[str]()
        for line in lines:
            seen[line] += 1
            if seen[line] > self._shown[line]:
                new.append(line)
        return self._take(new)

    def add(self, lines: Sequence[str]) -> list[str]:
        """Lines that follow those that were shown."""
        return self._take(lines)

    def _take(self, lines: Sequence[str]) -> list[str]:
        self.ended = self.ended or any(LAST_WORDS.search(line) for line in lines)
        room = max(0, self._most - self.count)
        self.count += len(lines)
        self._shown.update(lines)
        left_out = (
            [f"… lines after the first {self._most} are not shown here"] if self.full and self.count - len(lines) <= self._most else []
        )
        return [*lines[:room], *left_out]


def seconds(item: Mapping[str, Any]) -> float | None:
    """How long it took, or None."""
    began, ended = timestamp(item.get("start_date")), timestamp(item.get("end_date"))
    if began is None or ended is None or (began.tzinfo is None) != (ended.tzinfo is None):
        return None
    return (ended - began).total_seconds()


def _duration(item: Mapping[str, Any]) -> str:
    took = seconds(item)
    return "" if took is None else f"{took:.1f} s"


def summary(run: Obj, tasks: Sequence[Mapping[str, Any]], places: Mapping[TaskKey, TaskView]) -> list[str]:
    """The end of a run for a person: its state and duration, and of each task its state, try, duration and place."""
    took = _duration(run)
    head = f"{run.get('dag_id')} run {run.get('dag_run_id')}: {run.get('state') or 'unknown'}{f' after {took}' if took else ''}"
    order = sorted(tasks, key=lambda task: task.get("state") == "success") if len(tasks) > ROWS else tasks
    rows = [("task", "state", "try", "duration", "ran" if any(item.place for item in places.values()) else "")]
    for task in order[:ROWS]:
        place = places.get(task_key(task), TaskView()).place
        tries = str(number(task.get("try_number")) or "")
        rows.append((task_name(task), str(task.get("state") or "not scheduled"), tries, _duration(task), place))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  " + "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if len(order) > ROWS:
        rest = Counter(str(task.get("state") or "not scheduled") for task in order[ROWS:])
        lines.append("  and " + ", ".join(f"{count} {state}" for state, count in sorted(rest.items())))
    return [head, *(lines if tasks else ["  no task"])]


def report(run: Obj | None, tasks: Sequence[Mapping[str, Any]], places: Mapping[TaskKey, TaskView]) -> str:
    """The same for a program, as JSON."""
    run = run or {}
    rows = []
    for task in tasks:
        place = places.get(task_key(task), TaskView())
        kept = {key: task.get(key) for key in ("task_id", "map_index", "try_number", "state", "start_date", "end_date", "hostname")}
        rows.append({**kept, "node": place.node, "namespace": place.namespace})
    document = {"dag_id": run.get("dag_id"), "run_id": run.get("dag_run_id"), "state": run.get("state"), "tasks": rows}
    return json.dumps(document, indent=2) + "\n"
