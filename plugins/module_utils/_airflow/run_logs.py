# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logs of a DAG run: which run and tasks are meant, and every try of each task. The API is handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.run_view import number, seconds
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import MARK, TaskLog, task_name
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.nearest import did_you_mean, nearest
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named

# Runs among which the latest, and the one with the most similar ID, is searched.
RUNS = 100
# Airflow 2.6 takes back the number of a try that will go on, so that this try may be one more.
PAUSED = ("deferred", "up_for_reschedule")


class Api(Protocol):
    """What AirflowApi offers."""

    def dag(self, dag_id: str) -> Obj | None: ...
    def dag_ids(self) -> list[str]: ...
    def run(self, dag_id: str, run_id: str) -> Obj | None: ...
    def last_runs(self, count: int, dag_ids: list[str] | None = None) -> list[Obj]: ...
    def task_instances(self, dag_id: str, run_id: str) -> list[Obj]: ...
    def log(self, dag_id: str, run_id: str, task: Obj) -> TaskLog: ...


@dataclass(frozen=True)
class TryLog:
    """The log of one try. ``lines`` are its last ones, ``left_out`` says how many more there are; ``reason`` why there are none."""

    task: Obj
    try_number: int
    lines: tuple[str, ...] = ()
    left_out: int = 0
    reason: str = ""

    @property
    def last(self) -> bool:
        """Whether it is the task's last try, whose state and worker are known."""
        return self.try_number >= number(self.task.get("try_number"))

    def head(self) -> str:
        state = self.task.get("state") or "not scheduled"
        if not self.try_number:
            return f"--- {task_name(self.task)}: {state}"
        parts = [f"--- {task_name(self.task)}, try {self.try_number}"]
        if self.last:
            took = seconds(self.task)
            parts.append(f"{state}{'' if took is None else f' after {took:.1f} s'}")
            parts += [f"worker {self.task['hostname']}"] if self.task.get("hostname") else []
        return ": ".join([parts[0], ", ".join(parts[1:])]) if parts[1:] else parts[0]

    def text(self) -> list[str]:
        """The lines for a person."""
        lines = [f"… {self.left_out} earlier lines are not shown"] if self.left_out else []
        return [self.head(), *lines, *self.lines, *([f"{MARK} {self.reason}"] if self.reason else [])]


def latest(runs: Sequence[Obj]) -> Obj | None:
    """The run that started last, or else one that is queued."""
    started = [run for run in runs if run.get("start_date")]
    return max(started, key=lambda run: str(run["start_date"]), default=runs[0] if runs else None)


def choose_run(api: Api, dag_id: str, run_id: str) -> Obj:
    """The run with this ID, or the latest. Raises CollectionError where there is none, and AirflowError."""
    found = api.run(dag_id, run_id) if run_id else None
    if found:
        return found
    runs = api.last_runs(RUNS, [dag_id])
    if not runs and api.dag(dag_id) is None:
        message = f"Airflow does not know the DAG {dag_id}.{did_you_mean(nearest(dag_id, api.dag_ids()))}"
        raise CollectionError(message, "Correct the DAG's ID.", "dag_missing")
    last = latest(runs)
    if last is None:
        raise CollectionError(f"The DAG {dag_id} has no run.", "Start one.", "run_missing")
    if run_id:
        ids = [str(run.get("dag_run_id")) for run in runs]
        message = f"The DAG {dag_id} has no run {run_id}.{did_you_mean(nearest(run_id, ids))} Its latest runs: {named(ids)}."
        raise CollectionError(message, "Correct the run's ID, or leave it out for the latest run.", "run_missing")
    return last


def choose_tasks(tasks: Sequence[Obj], task_id: str) -> list[Obj]:
    """The tasks in the order in which they started, or only that one. Raises CollectionError where the run does not have it."""
    ordered = sorted(tasks, key=lambda task: (str(task.get("start_date") or "~"), str(task.get("task_id")), number(task.get("map_index"))))
    if not task_id:
        return ordered
    chosen = [task for task in ordered if task_id in (task.get("task_id"), task_name(task))]
    if not chosen:
        ids = list(dict.fromkeys(str(task.get("task_id")) for task in ordered))
        message = f"The run has no task {task_id}.{did_you_mean(nearest(task_id, ids))} Its tasks: {named(ids) or 'none'}."
        raise CollectionError(message, "Correct the task's ID, or leave it out for all tasks.", "task_missing")
    return chosen


def tries(task: Mapping[str, Any]) -> tuple[int, int]:
    """How many tries of a task have a log, and how many at most. Both are 0 if no worker has begun with it."""
    counted, state = number(task.get("try_number")), task.get("state")
    if state in PAUSED:
        return max(counted, 1), counted + 1
    if counted and (task.get("hostname") or state in ("failed", "up_for_retry", "running", None, "scheduled", "queued")):
        return counted, counted
    worked = state in ("running", "failed") or bool(task.get("hostname"))
    return (1, 1) if worked else (0, 0)


def read_task(api: Api, dag_id: str, run_id: str, task: Obj, most: int) -> list[TryLog]:
    """Every try of a task, each with its last ``most`` lines (0: all)."""
    sure, possible = tries(task)
    found = [_read_try(api, dag_id, run_id, task, item, most) for item in range(1, possible + 1)]
    return [item for item in found if item.lines or item.try_number <= sure] or [TryLog(task, 0, reason="It has no log.")]


def _read_try(api: Api, dag_id: str, run_id: str, task: Obj, try_number: int, most: int) -> TryLog:
    try:
        found = api.log(dag_id, run_id, {**task, "try_number": try_number})
    except AirflowError as error:
        if error.passing or error.status == 401:
            raise
        return TryLog(task, try_number, reason=f"The log cannot be read: {error.text}")
    lines = masked_words("\n".join(found.lines)).split("\n") if found.lines else []
    shown = lines[-most:] if most else lines
    reason = "" if lines else "; ".join(found.messages) or "The log is empty."
    return TryLog(task, try_number, tuple(shown), len(lines) - len(shown), reason)
