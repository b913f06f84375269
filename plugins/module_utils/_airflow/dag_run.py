# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates or finds a DAG run and waits for its end. API, clock and sleep are handed in."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.import_error import exception_text
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import TaskLog, last_lines, task_name
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.nearest import did_you_mean, nearest
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named

ENDED = ("success", "failed")
KINDS = {"success": "done", "skipped": "done", "removed": "done", "failed": "failed", "upstream_failed": "failed"}
LOG_LINES = 20
# For the logs of all failed tasks together: a worker uploads its log after the task's state has changed.
LOG_SECONDS = 20.0
QUOTED = 3  # failed tasks whose log a message quotes: a mapped task may have thousands
# A database that starts again answers so through the webserver: for 18 s on two cores, after its pod was deleted.
SERVER_ERROR_SECONDS = 60.0
T = TypeVar("T")


class Api(Protocol):
    """What AirflowApi offers."""

    def dag(self, dag_id: str) -> Obj | None: ...
    def set_paused(self, dag_id: str, paused: bool) -> None: ...
    def run(self, dag_id: str, run_id: str) -> Obj | None: ...
    def create_run(self, dag_id: str, body: Obj) -> Obj: ...
    def active_runs(self, dag_id: str) -> list[str]: ...
    def task_instances(self, dag_id: str, run_id: str) -> list[Obj]: ...
    def import_errors(self) -> list[Obj]: ...
    def log(self, dag_id: str, run_id: str, task: Obj) -> TaskLog: ...
    def dag_ids(self) -> list[str]: ...


class Watcher(Protocol):
    """What shows the run while it is waited for (run_follow.py)."""

    def begin(self, run: Obj) -> None: ...
    def see(self, run: Obj, tasks: Sequence[Obj]) -> None: ...
    def finish(self, run: Obj, tasks: Sequence[Obj], sleep: Callable[[float], None], interval: float) -> None: ...


@dataclass(frozen=True)
class Request:
    """What the caller wants. Times in seconds. ``paused_after`` needs ``wait``. ``dag_timeout``: for the DAG to be parsed."""

    dag_id: str
    run_id: str
    conf: dict[str, Any] | None = None
    logical_date: str | None = None
    unpause: bool = False
    paused_after: bool | None = None
    wait: bool = True
    timeout: float = 600.0
    poll_interval: float = 1.0
    dag_timeout: float | None = None


@dataclass
class Outcome:
    """What was found and done. ``error`` says why it did not go well."""

    changed: bool = False
    dag_run: Obj | None = None
    was_paused: bool | None = None
    task_instances: list[dict[str, Any]] = field(default_factory=list)
    error: CollectionError | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        return str((self.dag_run or {}).get("state") or "")


def new_run_id(now: datetime.datetime, random: str) -> str:
    """The name of a run that was given none (F14): when it was started, and unlike any other. It can be a Kubernetes label as it is."""
    return f"ansible__{now:%Y%m%dT%H%M%SZ}_{random}"


class DagRun:
    """One request, carried out once."""

    def __init__(
        self,
        api: Api,
        request: Request,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        progress: Progress | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self._watcher = watcher
        self._api, self._request, self._clock, self._sleep = api, request, clock, sleep
        self._start, self._progress = clock(), progress or Progress()
        self._deadline = self._start + request.timeout
        self.outcome = Outcome()

    def preview(self) -> Outcome:
        """What carry_out would change, from one look. Raises AirflowError."""
        request, outcome = self._request, self.outcome
        dag = self._api.dag(request.dag_id)
        outcome.was_paused = None if dag is None else bool(dag.get("is_paused"))
        outcome.dag_run = self._api.run(request.dag_id, request.run_id)
        ended = outcome.state in ENDED
        paused_then = False if request.unpause and not ended else outcome.was_paused
        if request.paused_after is not None:
            paused_then = request.paused_after
        outcome.changed = outcome.dag_run is None or (dag is not None and paused_then != outcome.was_paused)
        return outcome

    def carry_out(self) -> Outcome:
        """Creates or finds the run, waits for its end if asked to. Raises AirflowError where Airflow refuses or stays away."""
        request, outcome = self._request, self.outcome
        outcome.dag_run = self._retry(lambda: self._api.run(request.dag_id, request.run_id))
        if outcome.dag_run is None:
            dag = self._parsed()
            if dag is None:
                return outcome
        else:  # a run that is there needs no DAG that can be parsed (V9)
            dag = self._retry(lambda: self._api.dag(request.dag_id))
        outcome.was_paused = None if dag is None else bool(dag.get("is_paused"))
        blocked = outcome.was_paused and not request.unpause and outcome.state not in ENDED
        if blocked and request.wait:
            outcome.error = CollectionError(
                f"DAG {request.dag_id} is paused, so the run {request.run_id} would stay queued.",
                "Set unpause to true (make run: UNPAUSE=yes; paused_after can pause it again) or wait to false.",
                "dag_paused",
            )
            return outcome
        if outcome.dag_run is None:
            outcome.dag_run = self._create()
        if self._watcher:
            self._watcher.begin(outcome.dag_run)
        if outcome.was_paused and request.unpause and outcome.state not in ENDED:
            self._set_paused(False)
        if request.wait:
            self._wait()
        return outcome

    def _left(self) -> float:
        return self._deadline - self._clock()

    def _pause(self) -> None:
        self._sleep(max(0.0, min(self._request.poll_interval, self._left())))

    def _retry(self, call: Callable[[], T]) -> T:
        """Calls until Airflow answers. Its own errors (500) are believed after SERVER_ERROR_SECONDS without another answer."""
        broken: float | None = None
        while True:
            try:
                return call()
            except AirflowError as error:
                broken = (self._clock() if broken is None else broken) if error.status == 500 else None
                if not error.passing or (broken is not None and self._clock() - broken >= SERVER_ERROR_SECONDS):
                    raise
                if self._left() <= 0:
                    message = f"{error} It stayed so for {self._request.timeout:g} s."
                    advice = error.next_action or "Check the webserver, and anything in front of it, such as a proxy."
                    raise AirflowError(error.status, message, advice, error.code) from error
                self._tell(error.text)
            self._pause()

    def _parsed(self) -> Obj | None:
        """The DAG once the scheduler has parsed it; None, with the error in the outcome, when the deadline came first."""
        patience = self._request.dag_timeout
        seconds = self._request.timeout if patience is None else min(patience, self._request.timeout)
        while True:
            dag = self._retry(lambda: self._api.dag(self._request.dag_id))
            if dag and not dag.get("has_import_errors"):
                return dag
            what = "has import errors" if dag else "is not known to Airflow"
            if self._clock() - self._start >= seconds:
                break
            self._tell(f"DAG {self._request.dag_id} {what}")
            self._pause()
        errors = self._retry(self._api.import_errors)
        listed = "; ".join(f"{item.get('filename')}: {exception_text(item.get('stack_trace'))}" for item in errors)
        reason, advice = f"Import errors: {listed}.", "Correct what they name in the DAG repository, and push."
        if not errors:
            reason = "There is no import error."
            advice = "Check dag_id, the DAG repository and branch, and that git-sync and the scheduler run."
        near = "" if dag else did_you_mean(nearest(self._request.dag_id, self._retry(self._api.dag_ids)))
        waited = f" after {seconds:g} s" if seconds else ""
        message = f"DAG {self._request.dag_id} {what}{waited}.{near} {reason}"
        self.outcome.error = CollectionError(message, advice, "dag_missing")
        return None

    def _create(self) -> Obj:
        request = self._request
        body: Obj = {"dag_run_id": request.run_id, "conf": request.conf or {}}
        if request.logical_date:
            body["logical_date"] = request.logical_date

        def create() -> Obj:
            try:
                run = self._api.create_run(request.dag_id, body)
                self.outcome.changed = True
            except AirflowError as error:
                if error.status != 409:
                    raise
                # Another client made it meanwhile, or an earlier request of ours arrived although its answer did not.
                found = self._api.run(request.dag_id, request.run_id)
                if found is None:
                    action = "Choose another logical_date, or leave it out."
                    raise AirflowError(409, f"{error} Another run has this logical_date.", action) from error
                run = found
            return run

        return self._retry(create)

    def _set_paused(self, paused: bool) -> None:
        self._retry(lambda: self._api.set_paused(self._request.dag_id, paused))
        self.outcome.changed = True

    def _wait(self) -> None:
        request, outcome = self._request, self.outcome
        while outcome.state not in ENDED:
            self._show(None)
            if self._left() <= 0:
                self._read_tasks()
                outcome.error = self._unfinished()
                return
            self._pause()
            outcome.dag_run = self._retry(lambda: self._api.run(request.dag_id, request.run_id))
            if outcome.dag_run is None:
                message = f"The run {request.run_id} of {request.dag_id} was deleted during the wait."
                outcome.error = CollectionError(message, "Trigger a new run, and find out who deletes DAG runs.", "run_deleted")
                return
        self._read_tasks()
        if self._watcher:
            self._watcher.finish(outcome.dag_run or {}, outcome.task_instances, self._sleep, request.poll_interval)
        else:
            self._show(outcome.task_instances)
        if outcome.state == "failed":
            outcome.error = self._failure()
        if request.paused_after is not None:
            self._restore(request.paused_after)

    def _restore(self, paused: bool) -> None:
        """Sets the pause state after the run. A paused DAG's runs stand still, so those that unpausing brought end first."""
        dag = self._retry(lambda: self._api.dag(self._request.dag_id))
        if dag is None or bool(dag.get("is_paused")) == paused:
            return
        if paused:
            while active := self._retry(lambda: self._api.active_runs(self._request.dag_id)):
                if self._left() <= 0:
                    text = f"{self._request.dag_id} was paused while these runs had not ended: {named(active)}."
                    self.outcome.warnings.append(f"{text} They continue when it is unpaused.")
                    break
                self._tell(f"{self._request.dag_id} is paused when these runs have ended: {named(active)}")
                self._pause()
        self._set_paused(paused)

    def _tell(self, text: str, kind: str = "waiting") -> None:
        self._progress.tell(self._clock() - self._start, "", kind, text)

    def _show(self, tasks: Sequence[Obj] | None) -> None:
        """Shows the run and its task instances; those not given are looked up, if anybody reads it."""
        request, state = self._request, self.outcome.state
        if not (self._progress.shown or self._watcher):
            return
        if tasks is None:
            try:
                tasks = self._api.task_instances(request.dag_id, request.run_id)
            except AirflowError:
                if self._watcher:
                    return
                tasks = ()  # the next look at the run meets what is wrong
        if self._watcher:
            self._watcher.see(self.outcome.dag_run or {}, tasks)
            return
        run = f"{request.dag_id} run {request.run_id}"
        for item in tasks:
            number = int(item.get("try_number") or 0)
            text = (item.get("state") or "not scheduled") + (f" (try {number})" if number > 1 else "")
            self._progress.note(f"{run}: {task_name(item)}", KINDS.get(str(item.get("state")), "waiting"), text)
        self._tell(f"{run}: {state}", KINDS.get(state, "waiting"))

    def _read_tasks(self) -> None:
        keys = ("task_id", "map_index", "try_number", "state", "hostname", "start_date", "end_date", "duration", "operator")
        found = self._retry(lambda: self._api.task_instances(self._request.dag_id, self._request.run_id))
        found.sort(key=lambda item: (item.get("start_date") or "~", str(item.get("task_id")), int(item.get("map_index") or 0)))
        self.outcome.task_instances = [{key: item.get(key) for key in keys} for item in found]

    def _unfinished(self) -> CollectionError:
        request, outcome = self._request, self.outcome
        states = named(f"{task_name(item)} is {item['state'] or 'not scheduled'}" for item in outcome.task_instances) or "no task yet"
        advice = "Read the scheduler's log, and inspect the worker pods."
        dag = self._retry(lambda: self._api.dag(request.dag_id))
        if dag is None:
            advice = f"Bring {request.dag_id} back to the DAG repository: Airflow no longer finds it, so its runs stand still."
        elif dag.get("has_import_errors"):
            advice = f"Correct the import errors of {request.dag_id} in the DAG repository, and push."
        elif dag.get("is_paused"):
            advice = f"Unpause {request.dag_id}, which has been paused meanwhile."
        message = f"The run {request.run_id} of {request.dag_id} is {outcome.state} after {request.timeout:g} s ({states})."
        return CollectionError(message, advice, "timeout")

    def _failure(self) -> CollectionError:
        request = self._request
        wrong = [item for item in self.outcome.task_instances if item["state"] in ("failed", "upstream_failed")]
        names = named(f"{task_name(item)} ({item['state']}, try {item['try_number']})" for item in wrong) or "none is marked failed"
        text = f"The run {request.run_id} of {request.dag_id} failed. Tasks: {names}."
        end = self._clock() + LOG_SECONDS
        failed = [item for item in wrong if item["state"] == "failed"]
        if self._watcher is None:  # it has shown the logs
            text += "".join(self._quote_log(item, end) for item in failed[:QUOTED])
        return CollectionError(text, "Correct the problem in the log of the failed task, and trigger a new run.", "run_failed")

    def _quote_log(self, task: Obj, end: float) -> str:
        """The last lines of a failed task's log, for which it waits until ``end``; else why they are not there."""
        name = task_name(task)
        while True:
            try:
                found = self._api.log(self._request.dag_id, self._request.run_id, task)
                if found.lines:
                    return f"\nLast lines of {name}:\n" + masked_words("\n".join(last_lines(found.lines, LOG_LINES)))
                reason, passing = "; ".join(found.messages) or "the answer is empty", True
            except AirflowError as error:
                reason, passing = error.text, error.passing
            if not passing or self._clock() >= end:
                return f"\nThe log of {name} cannot be read: {shorten(reason, 600)}"
            self._tell(f"waiting for the log of {name}")
            self._sleep(max(0.0, min(self._request.poll_interval, end - self._clock())))
