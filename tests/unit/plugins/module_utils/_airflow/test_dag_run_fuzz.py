# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DAG, its run and the webserver in random states, as they follow one another: what must hold of the end of the wait (V9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_run import ENDED, LOG_SECONDS, DagRun, Request
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import TaskLog
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from hypothesis import given
from hypothesis import strategies as st

TIMEOUT = 20.0
T = TypeVar("T")

dags = st.one_of(
    st.none(),
    st.fixed_dictionaries({"is_active": st.just(True)}, optional={"is_paused": st.booleans(), "has_import_errors": st.booleans()}),
)
run_states = st.lists(st.sampled_from(["queued", "running", "running", "success", "failed", "deleted"]), min_size=1, max_size=4)
tasks = st.lists(
    st.fixed_dictionaries(
        {"task_id": st.sampled_from(["a", "b"])},
        optional={
            "state": st.sampled_from([None, "running", "deferred", "up_for_reschedule", "failed", "success", "upstream_failed"]),
            "try_number": st.one_of(st.none(), st.integers(0, 3)),
            "map_index": st.one_of(st.none(), st.integers(-1, 2)),
            "start_date": st.one_of(st.none(), st.just("2026-05-04T10:00:00Z")),
            "hostname": st.sampled_from([None, "", "dag-a-aaaaaaaa"]),
        },
    ),
    max_size=3,
)
# The status of each answer: 0 is none, 200 is a good one.
answers = st.lists(st.sampled_from([200, 200, 200, 0, 500, 503, 403]), min_size=1, max_size=6)


@dataclass
class Airflow:
    """A script for each thing, whose last state stays."""

    dags: list[Obj | None]
    states: list[str]
    exists: bool
    tasks_found: list[Obj]
    answers: list[int]
    time: float = 0.0
    created: bool = False

    def _answer(self, value: T) -> T:
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0] if self.answers[0] in (0, 503) else 200
        if status != 200:
            raise AirflowError(status, f"Airflow answered with {status}.", "" if status == 503 else "Look at its log.")
        return value

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += max(seconds, 0.01)
        if len(self.dags) > 1:
            self.dags.pop(0)
        if len(self.states) > 1 and (self.exists or self.created):
            self.states.pop(0)

    def dag(self, dag_id: str) -> Obj | None:
        return self._answer(self.dags[0])

    def set_paused(self, dag_id: str, paused: bool) -> None:
        self._answer(None)
        assert self.dags[0] is not None

    def run(self, dag_id: str, run_id: str) -> Obj | None:
        there = (self.exists or self.created) and self.states[0] != "deleted"
        return self._answer({"dag_run_id": run_id, "state": self.states[0]} if there else None)

    def create_run(self, dag_id: str, body: Obj) -> Obj:
        self._answer(None)
        self.created = True
        return {"dag_run_id": body["dag_run_id"], "state": "queued"}

    def active_runs(self, dag_id: str) -> list[str]:
        return self._answer([])

    def task_instances(self, dag_id: str, run_id: str) -> list[Obj]:
        return self._answer([dict(item) for item in self.tasks_found])

    def import_errors(self) -> list[Obj]:
        return self._answer([{"filename": None, "stack_trace": None}])

    def dag_ids(self) -> list[str]:
        return self._answer(["dag_2"])

    def log(self, dag_id: str, run_id: str, task: Obj) -> TaskLog:
        return self._answer(TaskLog((), ()))


@given(
    st.builds(Airflow, st.lists(dags, min_size=1, max_size=4), run_states, st.booleans(), tasks, answers),
    st.fixed_dictionaries({}, optional={"unpause": st.booleans(), "paused_after": st.booleans(), "wait": st.booleans()}),
)
def test_fuzz_the_end_of_a_wait(airflow: Airflow, options: dict[str, Any]) -> None:
    """V9: it ends in time, succeeds only with the run, and each failure has a cause and a next step."""
    request = Request("dag", "r", timeout=TIMEOUT, **options)
    began = airflow.states[0]
    ended_before = airflow.exists and began in ENDED
    healthy = all(status == 200 for status in airflow.answers)
    work = DagRun(airflow, request, lambda: airflow.time, airflow.sleep)
    failure: CollectionError | None
    try:
        failure = work.carry_out().error
    except AirflowError as error:
        failure = error
    outcome, end = work.outcome, airflow.time
    assert end <= TIMEOUT + LOG_SECONDS + 2
    if ended_before and healthy and request.paused_after is None:
        assert (outcome.state, airflow.created) == (began, False)
        assert end == 0 or outcome.state == "failed"  # the logs of failed tasks are waited for
    if failure is None:
        assert outcome.dag_run is not None
        assert not request.wait or outcome.state == "success"
    else:
        assert str(failure).strip()
        assert failure.next_action
        assert not (healthy and isinstance(failure, AirflowError))


@given(
    st.builds(Airflow, st.lists(dags, min_size=1, max_size=1), run_states, st.booleans(), tasks, st.just([200])),
    st.booleans(),
    st.booleans(),
)
def test_fuzz_a_preview_changes_what_carrying_out_changes(airflow: Airflow, unpause: bool, wait: bool) -> None:
    """V9: also for a DAG that is paused, broken or gone. A run that is there only goes on."""
    airflow.states = [state for state in airflow.states if state in ENDED][:1] or ["success"]
    request = Request("dag", "r", timeout=TIMEOUT, unpause=unpause, wait=wait)
    preview = DagRun(airflow, request, lambda: airflow.time, airflow.sleep).preview()
    work = DagRun(airflow, request, lambda: airflow.time, airflow.sleep)
    outcome = work.carry_out()
    if outcome.error is None or outcome.error.code == "run_failed":
        assert outcome.changed == preview.changed
