# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last runs of each namespace, also behind a DAG that runs often; what waits, and for how long. Airflow is a double that keeps runs."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api import PAGE, Access, AirflowApi
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import TaskLog
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError
from ansible_collections.gitops.airflow.plugins.module_utils._status import runs as status

NOW = datetime.datetime(2026, 5, 4, 12, 0, tzinfo=datetime.UTC)


def at(minutes: float) -> str:
    """So many minutes ago."""
    return (NOW - datetime.timedelta(minutes=minutes)).isoformat()


def run(dag: str, minutes: float, state: str = "success", **more: Any) -> dict[str, Any]:
    ended = {"end_date": at(minutes - 1)} if state not in ("running", "queued") else {}
    began = {} if state == "queued" else {"start_date": at(minutes)}
    return {"dag_id": dag, "dag_run_id": f"r{minutes}", "state": state, "execution_date": at(minutes), **began, **ended, **more}


class Airflow:
    """Answers as the REST API does, and counts."""

    def __init__(self, runs: list[dict[str, Any]], places: dict[str, str]) -> None:
        self.runs, self.places, self.requests = runs, places, 0

    def dag_ids(self) -> list[str]:
        self.requests += 1
        return sorted({*self.places, "never-ran"})

    def last_runs(self, count: int, dag_ids: list[str] | None = None) -> list[dict[str, Any]]:
        self.requests += 1
        asked = [item for item in self.runs if dag_ids is None or item["dag_id"] in dag_ids]
        return sorted(asked, key=lambda item: item.get("start_date") or "", reverse=True)[:count]

    def tasks_since(self, start: str, dag_ids: list[str], pages: int) -> list[dict[str, Any]]:
        self.requests += 1
        found = [item for item in self.runs if item["dag_id"] in dag_ids and item.get("start_date", "") >= start]
        return [
            {**item, "executor_config": f"{{'gitops-airflow/worker-namespace': '{self.places[item['dag_id']]}'}}"}
            for item in found[: pages * PAGE]
        ]


def shown(airflow: Airflow) -> dict[str, list[str]]:
    runs, tasks = status.read_runs(airflow)  # type: ignore[arg-type]
    found: dict[str, list[str]] = {}
    for row in status.run_rows(runs, tasks, "core", NOW):
        found.setdefault(row["namespace"], []).append(f"{row['dag_id']} {row['run_id']}")
    return found


def test_few_runs_need_two_requests() -> None:
    airflow = Airflow([run("cron", 5), run("user", 9)], {"cron": "airflow-cron", "user": "airflow-user"})
    assert shown(airflow) == {"airflow-cron": ["cron r5"], "airflow-user": ["user r9"]}
    assert airflow.requests == 2


def test_a_dag_that_runs_often_hides_no_other() -> None:
    often = [run("often", 5 * number) for number in range(1, 300)]
    rest = [run("daily", 1440 * day) for day in range(1, 5)] + [run("once", 9000)]
    airflow = Airflow(often + rest, {"often": "airflow-cron", "daily": "airflow-user", "once": "core"})
    assert shown(airflow) == {
        "airflow-cron": ["often r5", "often r10", "often r15"],
        "airflow-user": ["daily r1440", "daily r2880", "daily r4320"],
        "core": ["once r9000"],
    }
    assert airflow.requests <= 5


def test_the_runs_of_a_dag_that_airflow_no_longer_finds_are_where_they_went() -> None:
    """V9: they were shown without a namespace behind a DAG that runs often."""
    often = [run("often", 5 * number) for number in range(1, 300)]
    airflow = Airflow([*often, run("removed", 7)], {"often": "airflow-cron", "removed": "airflow-user"})
    airflow.dag_ids = lambda: ["often"]  # type: ignore[method-assign]
    assert shown(airflow)["airflow-user"] == ["removed r7"]


def test_the_requests_are_bounded() -> None:
    runs = [run(f"dag-{number}", number + 2000 * again) for number in range(400) for again in range(1, 5)]
    airflow = Airflow(runs, {f"dag-{number}": "airflow-cron" for number in range(400)})
    # Where the runs of the last round went is read all the same.
    assert list(shown(airflow)) == ["airflow-cron"]
    assert airflow.requests <= 1 + 2 * status.ROUNDS


def test_a_dag_that_ran_often_before_hides_no_other() -> None:
    """The first round reads 100 runs of one DAG, the second 100 of the other, the third the rest: no DAG is read twice."""
    often = [run("often", 5 * number) for number in range(1, 300)]
    paused = [run("paused", 600 + 5 * number) for number in range(1, 300)]
    daily = [run("daily", 1440 * day) for day in range(1, 5)]
    airflow = Airflow(often + paused + daily, {"often": "airflow-cron", "paused": "core", "daily": "airflow-user"})
    assert shown(airflow) == {
        "airflow-cron": ["often r5", "often r10", "often r15"],
        "airflow-user": ["daily r1440", "daily r2880", "daily r4320"],
        "core": ["paused r605", "paused r610", "paused r615"],
    }
    assert airflow.requests == 7


@pytest.mark.parametrize(
    ("item", "started", "seconds"),
    [
        pytest.param(run("cron", 5), 300, 60.0, id="ended"),
        pytest.param(run("cron", 5, "running"), 300, None, id="runs"),
        pytest.param(run("cron", 5, "queued"), None, None, id="is queued"),
        pytest.param({**run("cron", 5, "queued"), "state": "failed", "end_date": at(1)}, None, None, id="ended by hand before it began"),
    ],
)
def test_how_long_a_run_took(item: dict[str, Any], started: int | None, seconds: float | None) -> None:
    (row,) = status.run_rows([item], [], "core", NOW)
    assert (row["started"], row["seconds"]) == (started, seconds)


def test_a_queued_run_is_shown_where_its_dag_goes_and_hides_no_namespace() -> None:
    queued = run("cron", 3, "queued")
    airflow = Airflow([queued, run("cron", 7), run("cron", 9, "failed")], {"cron": "airflow-cron"})
    runs, tasks = status.read_runs(airflow)  # type: ignore[arg-type]
    rows = status.run_rows([queued, *runs], tasks, "core", NOW)
    assert [(row["namespace"], row["run_id"], row["state"]) for row in rows] == [
        ("airflow-cron", "r3", "queued"),
        ("airflow-cron", "r7", "success"),
        ("airflow-cron", "r9", "failed"),
    ]


def test_the_newest_runs_of_a_namespace_are_shown_whichever_dag_they_are_of() -> None:
    airflow = Airflow([run("a", 5), run("a", 20), run("b", 10), run("b", 15)], {"a": "airflow-cron", "b": "airflow-cron"})
    assert shown(airflow) == {"airflow-cron": ["a r5", "b r10", "b r15"]}


@pytest.mark.parametrize(
    ("queued", "others", "seconds"),
    [
        pytest.param(run("cron", 10, "queued"), [], 600, id="since it was made"),
        pytest.param(run("cron", 1450, "queued", data_interval_end=at(10)), [], 600, id="scheduled: since its interval is over"),
        pytest.param(run("cron", 900, "queued"), [run("cron", 3)], 120, id="caught up: since the run before it ended"),
        pytest.param(run("cron", 900, "queued"), [run("cron", 3, "running")], None, id="waits for its turn"),
        pytest.param(run("cron", 900, "queued"), [run("cron", 900, end_date=at(2))], 120, id="cleared: since it ended before"),
        pytest.param(run("cron", 900, "queued"), [run("user", 3, "running")], 54000, id="another DAG's run is no excuse"),
        pytest.param({"dag_id": "cron", "dag_run_id": "x", "state": "queued"}, [], None, id="no time is known"),
    ],
)
def test_how_long_a_run_waits(queued: dict[str, Any], others: list[dict[str, Any]], seconds: int | None) -> None:
    assert status.queued_since(queued, others, NOW) == seconds


def test_what_waits() -> None:
    task = {"dag_id": "user", "dag_run_id": "r1", "task_id": "hello", "state": "queued", "queued_when": at(7)}
    rows = status.waiting_rows([], [run("cron", 10, "queued")], [task, {**task, "queued_when": None}], {"cron": True}, NOW)
    assert rows == [
        {"what": "run r10 of cron", "task": "", "seconds": 600, "paused": True},
        {"what": "task user.hello of run r1", "task": "user.hello", "seconds": 420, "paused": False},
    ]


def test_the_requests_are_those_of_the_rest_api() -> None:
    seen: list[str] = []

    def send(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        seen.append(f"{method} {url.removeprefix('https://a/api/v1')} {(body or b'').decode()}".strip())
        return b'{"dag_runs": [], "task_instances": [], "dags": [], "total_entries": 0}'

    assert status.ask(AirflowApi(Access("https://a", "u", "p"), send), "core", NOW) == {"runs": [], "waiting": []}
    assert seen == [
        'POST /dags/~/dagRuns/list {"order_by": "-start_date", "page_limit": 100}',
        "GET /dags/~/dagRuns?state=queued&limit=100",
        "GET /dags/~/dagRuns/~/taskInstances?state=queued&limit=100",
    ]


def failed(task: str, minutes: float, index: int = -1, state: str = "failed") -> dict[str, Any]:
    return {"task_id": task, "map_index": index, "try_number": 2, "state": state, "end_date": at(minutes), "hostname": "h"}


class Failing:
    """Airflow's failed tasks and their logs. Counts the requests."""

    def __init__(self, tasks: list[dict[str, Any]] | AirflowError, log: TaskLog | AirflowError) -> None:
        self.tasks, self.answer, self.asked = tasks, log, list[str]()

    def failed_tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        self.asked.append(f"tasks of {dag_id} {run_id}")
        if isinstance(self.tasks, AirflowError):
            raise self.tasks
        return self.tasks

    def log(self, dag_id: str, run_id: str, task: Mapping[str, Any]) -> TaskLog:
        self.asked.append(f"log of {dag_id} {run_id} {task['task_id']}")
        if isinstance(self.answer, AirflowError):
            raise self.answer
        return self.answer


LOG = TaskLog(("Traceback (most recent call last):", '  File "a.py"', "ValueError: password=hunter22x of\x1b[2J x"), ())


@pytest.mark.parametrize(
    ("tasks", "log", "text"),
    [
        (
            [failed("b", 1), failed("a", 2, 7), failed("c", 2, 9)],
            LOG,
            "task a[7], try 2, and 2 more: ValueError: password=******** of\x1b[2J x",
        ),
        ([failed("b", 1)], TaskLog(("x" * 900,), ()), f"task b, try 2: {'x' * 100}"),
        (
            [failed("b", 1)],
            TaskLog((), ("the S3 server does not answer",)),
            "task b, try 2: its log is not there: the S3 server does not answer",
        ),
        ([failed("b", 1)], TaskLog((), ()), "task b, try 2: its log is not there: the answer is empty"),
        ([failed("b", 1)], AirflowError(403, "User 'x' may not."), "the failed task cannot be read: User 'x' may not."),
        (AirflowError(404, "no such run."), LOG, "the failed task cannot be read: no such run."),
        ([], LOG, "no task of it is marked failed"),
    ],
)
def test_f22_a_failed_run_names_its_task_and_the_last_error(tasks: Any, log: Any, text: str) -> None:
    rows = status.run_rows([run("a", 5, "failed"), run("a", 9, "failed")], [], "core", NOW)
    airflow = Failing(tasks, log)
    status.add_failures(airflow, rows)  # type: ignore[arg-type]
    assert rows[0]["failure"].startswith(text)
    assert len(rows[0]["failure"]) < 400
    assert rows[1]["failure"] == ""
    assert len(airflow.asked) <= 2


def test_f22_few_failures_are_read() -> None:
    def row(dag: int, started: int | None, place: str = "core", state: str = "failed") -> dict[str, Any]:
        return {"namespace": place, "dag_id": f"dag-{dag}", "run_id": f"r{started}", "state": state, "started": started, "failure": ""}

    # dag-0 has run well since, dag-5 is about to run again. A run whose tasks went to two namespaces is read once.
    rows = [row(0, 9), row(0, 8, state="success"), row(5, 7), row(5, None, state="queued"), row(2, 20, "x"), row(2, 20, "y")]
    rows += [row(number, 30 + number) for number in (1, 3, 4)]
    airflow = Failing([failed("t", 1)], LOG)
    status.add_failures(airflow, rows)  # type: ignore[arg-type]
    read = ["dag-2 r20", "dag-1 r31", "dag-3 r33"]
    assert airflow.asked == [f"{what} of {name}{task}" for name in read for what, task in (("tasks", ""), ("log", " t"))]
    assert {(item["namespace"], item["dag_id"]) for item in rows if item["failure"]} == {
        ("x", "dag-2"),
        ("y", "dag-2"),
        ("core", "dag-1"),
        ("core", "dag-3"),
    }


def test_f22_the_last_run_is_the_last_one_of_all_namespaces() -> None:
    rows = [{"namespace": "a", "dag_id": "d", "started": 90}, {"namespace": "b", "dag_id": "d", "started": 9}]
    assert status.last_of_each_dag(rows) == [rows[1]]
