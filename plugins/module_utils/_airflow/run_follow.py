# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows a DAG run: a line for each change of a task's state, and each task's log as it runs. API, workers and clock are handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.run_view import (
    OVER,
    Ledger,
    TaskKey,
    Tasks,
    TryKey,
    Worker,
    report,
    summary,
    task_key,
    try_key,
)
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import TaskLog, task_name
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

# Logs that are read at one look: a mapped task may have thousands. The others follow at later looks.
LOGS_AT_ONCE, LOGS_AT_THE_END = 8, 100
# Lines of one try that are shown while it runs.
MOST_LINES = 20_000
# A worker stores its log after the task's state has changed: so many seconds later it is believed to be missing.
STORED_SECONDS = 20.0
# Seconds for the logs of all tasks after the end of the run.
FINISH_SECONDS = 60.0


class Api(Protocol):
    """What AirflowApi offers."""

    def log(self, dag_id: str, run_id: str, task: Obj) -> TaskLog: ...


class Workers(Protocol):
    """The worker pods of the run (_placement/run_workers.py)."""

    @property
    def notices(self) -> list[str]: ...
    def look(self) -> Mapping[TaskKey, Worker]: ...
    def new_lines(self, worker: Worker) -> list[str] | None: ...


class NoWorkers:
    """Where the cluster cannot be asked."""

    @property
    def notices(self) -> list[str]:
        return []

    def look(self) -> Mapping[TaskKey, Worker]:
        return {}

    def new_lines(self, worker: Worker) -> list[str] | None:
        return None


@dataclass
class Try:
    """One try of a task, of which the log is shown."""

    task: Obj
    ledger: Ledger
    over: float | None = None  # since when, by the clock
    settled: bool = False
    reason: str = ""

    def reopen(self) -> None:
        """Another worker continues the same try, so the log will end a second time."""
        self.over, self.settled, self.ledger.ended = None, False, False


class Follower:
    """Shows one run. The lines go to ``progress``; ``keep`` gets the report at the start of the run and at its end."""

    def __init__(
        self,
        api: Api,
        dag_id: str,
        run_id: str,
        workers: Workers,
        progress: Progress,
        clock: Callable[[], float],
        keep: Callable[[str], None] = lambda _report: None,
    ) -> None:
        self._api, self._dag_id, self._run_id = api, dag_id, run_id
        self._workers, self._progress, self._clock, self._keep = workers, progress, clock, keep
        self._start, self._state, self._told = clock(), "", 0
        self._tries: dict[TryKey, Try] = {}
        self._paused: set[TaskKey] = set()  # waiting for a worker, which may go on with a try that was deferred
        self.tasks = Tasks()
        self.lines: list[str] = []

    def begin(self, run: Obj) -> None:
        """The run exists: from now on it goes on whatever becomes of this process."""
        self._keep(report(self._named(run), (), {}))
        self._show_run(run)

    def see(self, run: Obj, tasks: Sequence[Obj]) -> None:
        """One look at the run. Raises nothing of a log or a pod that cannot be read."""
        self._show_run(run)
        workers = self._workers.look()
        for notice in self._workers.notices[self._told :]:
            self._tell(notice)
        self._told = len(self._workers.notices)
        for line in self.tasks.changes(tasks, workers):
            self._tell(line)
        if self._progress.shown:
            self._note_tries(tasks, workers)
            self._read_logs(workers)

    def finish(self, run: Obj, tasks: Sequence[Obj], sleep: Callable[[float], None], interval: float) -> None:
        """The run has ended: shows what is left of the logs, for which it waits a little, and the summary."""
        end = self._clock() + FINISH_SECONDS
        self.see(run, tasks)
        while self._open() and self._clock() < end:
            sleep(interval)
            self._read_logs(self._workers.look(), LOGS_AT_THE_END)
        if left := self._open():
            self._tell(f"the logs of {len(left)} more tasks are not shown")
        self.lines = summary(self._named(run), tasks, self.tasks.seen)
        self._progress.line("")
        for line in self.lines:
            self._progress.line(line)
        self._keep(report(self._named(run), tasks, self.tasks.seen))

    def _named(self, run: Obj) -> Obj:
        return {"dag_id": self._dag_id, "dag_run_id": self._run_id, **run}

    def _tell(self, text: str) -> None:
        self._progress.line(text, self._clock() - self._start)

    def _show_run(self, run: Obj) -> None:
        state = str(run.get("state") or "")
        if state != self._state:
            self._state = state
            self._tell(f"{self._dag_id} run {self._run_id}: {state}")

    def _note_tries(self, tasks: Sequence[Obj], workers: Mapping[TaskKey, Worker]) -> None:
        """Which tries have a log now. A try of which nothing was seen has one only if a worker had it."""
        now: set[TryKey] = set()
        for task in tasks:
            state, key = str(task.get("state") or ""), try_key(task)
            worked = task_key(task) in workers or bool(task.get("hostname"))
            if state == "running" or (state in OVER and (key in self._tries or worked or state == "failed")):
                item = self._tries.setdefault(key, Try(task, Ledger(MOST_LINES)))
                item.task = task
                if task_key(task) in self._paused or (state == "running" and item.over is not None):
                    item.reopen()
                self._paused.discard(task_key(task))
                if state == "running":
                    now.add(key)
            elif state not in OVER:
                self._paused.add(task_key(task))
        for key, item in self._tries.items():
            if key not in now and item.over is None:
                item.over = self._clock()

    def _open(self) -> list[Try]:
        return [item for item in self._tries.values() if not item.settled]

    def _read_logs(self, workers: Mapping[TaskKey, Worker], most: int = LOGS_AT_ONCE) -> None:
        """Reads the logs of tries that are not settled, those that were read longest ago first."""
        for item in self._open()[:most]:
            key = try_key(item.task)
            self._tries[key] = self._tries.pop(key)  # to the end
            worker = workers.get(task_key(item.task))
            lines = self._workers.new_lines(worker) if worker and worker.try_number == key[2] else None
            self._print(item, item.ledger.add(lines or ()))
            # The pod has the whole log while it runs. Afterwards the store has it, and the pod may be gone.
            if not item.ledger.ended if item.over is not None else lines is None:
                self._read_stored(item)
            self._settle(item)

    def _settle(self, item: Try) -> None:
        """A try ends with its last words, or some time after it is over. Without them it says why, but of a task that will go on."""
        if item.ledger.full or (item.over is not None and item.ledger.ended):
            item.settled = True
        elif item.over is not None and self._clock() - item.over >= STORED_SECONDS:
            item.settled = True
            if not item.ledger.count:
                self._print(item, [f"The log cannot be read: {item.reason or 'it is empty'}"])
            elif item.reason and item.task.get("state") in OVER:
                self._print(item, [f"The end of the log cannot be read: {item.reason}"])

    def _read_stored(self, item: Try) -> None:
        """What Airflow's API has of the log: of a task that runs, at most the last 100 lines of its pod (Airflow 2.6)."""
        try:
            found = self._api.log(self._dag_id, self._run_id, {**item.task, "try_number": try_key(item.task)[2]})
        except AirflowError as error:
            item.reason = shorten(error.text)
            return
        item.reason = "" if found.lines else shorten("; ".join(found.messages))
        self._print(item, item.ledger.fresh(found.lines))

    def _print(self, item: Try, lines: Sequence[str]) -> None:
        for line in lines:
            self._progress.line(f"{task_name(item.task)} | {line}")
