# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run's logs are shown, and of which tasks and tries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.run_logs import (
    TryLog,
    choose_run,
    choose_tasks,
    latest,
    read_task,
    tries,
)
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import TaskLog
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

EARLY, LATE = "2026-05-04T10:00:00+00:00", "2026-05-04T11:00:00+00:00"


def run(run_id: str, start: str | None) -> Obj:
    return {"dag_run_id": run_id, "start_date": start}


@dataclass
class Airflow:
    """A DAG ``orders`` with these runs, and the answers for the tries of a task."""

    runs: list[Obj] = field(default_factory=lambda: [run("daily_1", EARLY)])
    known: tuple[str, ...] = ("orders",)
    logs: dict[int, TaskLog | AirflowError] = field(default_factory=dict)

    def dag(self, dag_id: str) -> Obj | None:
        return {"dag_id": dag_id} if dag_id in self.known else None

    def dag_ids(self) -> list[str]:
        return list(self.known)

    def run(self, dag_id: str, run_id: str) -> Obj | None:
        return next((item for item in self.runs if item["dag_run_id"] == run_id), None) if dag_id == "orders" else None

    def last_runs(self, count: int, dag_ids: list[str] | None = None) -> list[Obj]:
        return self.runs[:count] if dag_ids == ["orders"] else []

    def task_instances(self, dag_id: str, run_id: str) -> list[Obj]:
        return []

    def log(self, dag_id: str, run_id: str, task: Obj) -> TaskLog:
        found = self.logs.get(task["try_number"], TaskLog((), ("not stored",)))
        if isinstance(found, AirflowError):
            raise found
        return found


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], None),
        ([run("a", EARLY), run("b", LATE)], "b"),
        ([run("queued", None), run("a", EARLY)], "a"),
        ([run("queued", None)], "queued"),
    ],
)
def test_the_latest_run(runs: list[Obj], expected: str | None) -> None:
    found = latest(runs)
    assert (found and found["dag_run_id"]) == expected


def test_the_run_that_is_asked_for() -> None:
    airflow = Airflow([run("daily_1", EARLY), run("daily_2", LATE)])
    assert choose_run(airflow, "orders", "daily_1")["dag_run_id"] == "daily_1"
    assert choose_run(airflow, "orders", "")["dag_run_id"] == "daily_2"


def test_a_dag_that_was_removed_keeps_its_runs() -> None:
    assert choose_run(Airflow(known=()), "orders", "")["dag_run_id"] == "daily_1"


@pytest.mark.parametrize(
    ("airflow", "dag_id", "run_id", "code", "message"),
    [
        (Airflow(), "order", "", "dag_missing", "Airflow does not know the DAG order. The nearest name is orders."),
        (Airflow(), "x", "daily_1", "dag_missing", "Airflow does not know the DAG x."),
        (Airflow([]), "orders", "", "run_missing", "The DAG orders has no run."),
        (
            Airflow(),
            "orders",
            "daily_2",
            "run_missing",
            "The DAG orders has no run daily_2. The nearest name is daily_1. Its latest runs: daily_1.",
        ),
    ],
)
def test_a_run_that_is_not_there(airflow: Airflow, dag_id: str, run_id: str, code: str, message: str) -> None:
    with pytest.raises(CollectionError) as error:
        choose_run(airflow, dag_id, run_id)
    assert (error.value.code, str(error.value)) == (code, message)
    assert error.value.next_action


def task(state: str | None = "success", try_number: int | None = 1, task_id: str = "load", **more: Any) -> Obj:
    return {"task_id": task_id, "map_index": -1, "state": state, "try_number": try_number, "hostname": "pod-1", **more}


TASKS = [
    task(task_id="b", start_date=LATE),
    task(task_id="a", start_date=EARLY, map_index=1),
    task(task_id="a", start_date=EARLY, map_index=0),
    task(task_id="never", start_date=None),
]


@pytest.mark.parametrize(
    ("task_id", "expected"),
    [
        ("", [("a", 0), ("a", 1), ("b", -1), ("never", -1)]),
        ("a", [("a", 0), ("a", 1)]),
        ("a[1]", [("a", 1)]),
    ],
)
def test_tasks_in_their_order(task_id: str, expected: list[tuple[str, int]]) -> None:
    assert [(item["task_id"], item["map_index"]) for item in choose_tasks(TASKS, task_id)] == expected


def test_a_task_that_is_not_there() -> None:
    with pytest.raises(CollectionError, match=r"^The run has no task nevr\. The nearest name is never\. Its tasks: a, b, never\.$"):
        choose_tasks(TASKS, "nevr")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (task(), (1, 1)),
        (task(try_number=3), (3, 3)),
        (task("failed", 2, hostname=""), (2, 2)),
        (task("failed", 0, hostname=""), (1, 1)),
        (task("success", 0), (1, 1)),
        (task("running", 0, hostname=""), (1, 1)),
        (task("running", 2, hostname=""), (2, 2)),
        (task("running", 1), (1, 1)),
        (task("queued", 0, hostname=""), (0, 0)),
        (task("queued", 1), (1, 1)),
        (task(None, 0, hostname=None), (0, 0)),
        (task("skipped", 0, hostname=""), (0, 0)),
        (task("skipped", 1, hostname=""), (0, 0)),
        (task("upstream_failed", 0, hostname=""), (0, 0)),
        (task("deferred", 0), (1, 1)),
        (task("deferred", 1), (1, 2)),
        (task("up_for_retry", 1), (1, 1)),
        (task("removed", None, hostname=None), (0, 0)),
    ],
)
def test_how_many_tries_have_a_log(given: Obj, expected: tuple[int, int]) -> None:
    assert tries(given) == expected


TIMES = {"start_date": EARLY, "end_date": LATE}


@pytest.mark.parametrize(
    ("given", "logs", "most", "lines"),
    [
        pytest.param(
            task(try_number=2, **TIMES),
            {1: TaskLog(("one",), ()), 2: TaskLog(("two",), ("found it",))},
            0,
            ["--- load, try 1", "one", "--- load, try 2: success after 3600.0 s, worker pod-1", "two"],
            id="every try",
        ),
        pytest.param(
            task("running"),
            {1: TaskLog(("1", "2", "3"), ())},
            2,
            ["--- load, try 1: running, worker pod-1", "… 1 earlier lines are not shown", "2", "3"],
            id="the end of a long log",
        ),
        pytest.param(task("failed"), {}, 0, ["--- load, try 1: failed, worker pod-1", "*** not stored"], id="no log"),
        pytest.param(
            task(), {1: TaskLog((), ())}, 0, ["--- load, try 1: success, worker pod-1", "*** The log is empty."], id="an empty log"
        ),
        pytest.param(
            task(),
            {1: AirflowError(404, "Not found.")},
            0,
            ["--- load, try 1: success, worker pod-1", "*** The log cannot be read: Not found."],
            id="refused",
        ),
        pytest.param(task("upstream_failed", 0, hostname=""), {}, 0, ["--- load: upstream_failed", "*** It has no log."], id="never begun"),
        pytest.param(task(None, 0, hostname="", map_index=2), {}, 0, ["--- load[2]: not scheduled", "*** It has no log."], id="not yet"),
        pytest.param(
            task("deferred", 1),
            {1: TaskLog(("one",), ())},
            0,
            ["--- load, try 1: deferred, worker pod-1", "one"],
            id="a deferred task's second try has no log",
        ),
        pytest.param(
            task("deferred", 1),
            {1: TaskLog(("one",), ()), 2: TaskLog(("two",), ())},
            0,
            ["--- load, try 1: deferred, worker pod-1", "one", "--- load, try 2: deferred, worker pod-1", "two"],
            id="a deferred task's second try has a log",
        ),
        pytest.param(
            task(),
            {1: TaskLog(("password=hunter2",), ())},
            0,
            ["--- load, try 1: success, worker pod-1", "password=********"],
            id="a secret",
        ),
    ],
)
def test_what_is_shown(given: Obj, logs: dict[int, TaskLog | AirflowError], most: int, lines: list[str]) -> None:
    found = read_task(Airflow(logs=logs), "orders", "daily_1", given, most)
    assert [line for log in found for line in log.text()] == lines


@pytest.mark.parametrize("error", [AirflowError(0, "Gone."), AirflowError(503, "Busy."), AirflowError(401, "No.")])
def test_an_airflow_that_does_not_answer_ends_it(error: AirflowError) -> None:
    with pytest.raises(AirflowError):
        read_task(Airflow(logs={1: error}), "orders", "daily_1", task(), 0)


def test_lines_that_were_left_out_are_counted() -> None:
    assert read_task(Airflow(logs={1: TaskLog(("1", "2", "3"), ())}), "orders", "daily_1", task(), 1) == [TryLog(task(), 1, ("3",), 2, "")]
