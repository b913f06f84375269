# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last DAG runs of each namespace and what waits to be run, read with few requests however many runs there are."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api import PAGE, AirflowApi
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import TaskLog, error_line, task_name
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, timestamp

Row = dict[str, Any]
Time = datetime.datetime
RUNS_SHOWN = 3
# Each round leaves out the DAGs whose last runs are known: a DAG that runs often hides the others in one of them only.
ROUNDS = 5
# Pages of task instances in each round. They only show namespaces, and one of a DAG's stands for those of its other runs.
TASK_PAGES = 5
PAUSED_ASKED = 10
# DAGs whose failure is read: each takes two requests, one of them for a whole log.
FAILURES = 3
# The collection's cluster policy notes in it where a task's worker goes (airflow_local_settings.py).
_PLACED = re.compile(r"gitops-airflow/worker-namespace'?\"?:\s*['\"]([^'\"]+)")
Key = tuple[str, str]


def _key(item: Obj) -> Key:
    return str(item.get("dag_id")), str(item.get("dag_run_id"))


def _since(value: Any, now: Time) -> int | None:
    moment = timestamp(value)
    return None if moment is None else max(0, int((now - moment).total_seconds()))


def placed(executor_config: Any) -> str | None:
    """The namespace that a task's executor_config, as the REST API prints it, sends its worker to."""
    found = _PLACED.search(str(executor_config or ""))
    return found[1] if found else None


def last_of_each(runs: Iterable[Obj]) -> dict[str, list[Obj]]:
    """The last runs of each DAG that have started, the latest first. ``runs`` are in that order."""
    found: dict[str, list[Obj]] = {}
    for run in runs:
        of_dag = found.setdefault(str(run.get("dag_id")), [])
        if run.get("start_date") and len(of_dag) < RUNS_SHOWN:
            of_dag.append(run)
    return {dag: listed for dag, listed in found.items() if listed}


def read_runs(airflow: AirflowApi) -> tuple[list[Obj], list[Obj]]:
    """The last runs of each DAG, and task instances that tell where the DAGs' workers go.

    :raises AirflowError: when Airflow cannot be asked.
    """
    runs: dict[str, list[Obj]] = {}
    tasks: list[Obj] = []
    left: list[str] | None = None  # all of them
    for number in range(ROUNDS):
        page = airflow.last_runs(PAGE, left)
        found = last_of_each(page)
        last = len(page) < PAGE or number == ROUNDS - 1
        if left is None and not last:
            left = airflow.dag_ids()
        # The next round reads more of the others, but of a DAG that Airflow no longer finds.
        done = {dag: listed for dag, listed in found.items() if last or len(listed) == RUNS_SHOWN or dag not in (left or ())}
        runs |= found
        if done:
            tasks += airflow.tasks_since(
                min(str(run["start_date"]) for listed in done.values() for run in listed), sorted(done), TASK_PAGES
            )
        if last:
            break
        left = [dag for dag in left or () if dag not in done]
        if not left:
            break
    return [run for listed in runs.values() for run in listed], tasks


def run_rows(runs: Sequence[Obj], tasks: Iterable[Obj], core: str, now: Time) -> list[Row]:
    """The last runs of each namespace that a task of theirs went to, those that wait first, then the newest.

    A run without a task of its own goes where others of its DAG went; where there is none, its namespace is empty.
    """
    places: dict[Key, set[str]] = {}
    usual: dict[str, set[str]] = {}
    for task in tasks:
        place = placed(task.get("executor_config")) or core
        places.setdefault(_key(task), set()).add(place)
        usual.setdefault(str(task.get("dag_id")), set()).add(place)
    shown: dict[str, list[Row]] = {}
    moment = {_key(run): timestamp(run.get("start_date")) for run in runs}
    for run in sorted(runs, key=lambda run: moment[_key(run)] or now, reverse=True):
        key = _key(run)
        began, ended = moment[key], timestamp(run.get("end_date"))
        row = {
            "dag_id": key[0],
            "run_id": key[1],
            "state": str(run.get("state")),
            "started": _since(run.get("start_date"), now),
            "seconds": (ended - began).total_seconds() if began and ended else None,
            "failure": "",
        }
        for place in sorted(places.get(key) or usual.get(key[0]) or {""}):
            shown.setdefault(place, []).append({"namespace": place, **row})
    return [row for place in sorted(shown) for row in shown[place][:RUNS_SHOWN]]


def queued_since(run: Obj, others: Iterable[Obj], now: Time) -> int | None:
    """For how many seconds a queued run may have waited at most: since it could run, and since the last run of its DAG ended.

    None where one runs: it waits for its turn.
    """
    mine = [item for item in others if item.get("dag_id") == run.get("dag_id")]
    if any(item.get("state") == "running" for item in mine):
        return None
    times = [run.get("execution_date"), run.get("data_interval_end"), *(item.get("end_date") for item in mine)]
    waited = [seconds for value in times if (seconds := _since(value, now)) is not None]
    return min(waited, default=None)


def waiting_rows(runs: Iterable[Obj], queued: Iterable[Obj], tasks: Iterable[Obj], paused: Mapping[str, bool], now: Time) -> list[Row]:
    """Queued runs and queued task instances, with the seconds that they have waited."""
    known, rows = list(runs), []
    for run in queued:
        seconds = queued_since(run, known, now)
        dag, name = _key(run)
        rows.append({"what": f"run {name} of {dag}", "task": "", "seconds": seconds, "paused": paused.get(dag, False)})
    for task in tasks:
        dag, name = _key(task)
        label = f"{dag}.{task.get('task_id')}"
        row = {"what": f"task {label} of run {name}", "task": label, "seconds": _since(task.get("queued_when"), now), "paused": False}
        rows.append(row)
    return [row for row in rows if row["seconds"] is not None]


def last_of_each_dag(rows: Iterable[Row]) -> list[Row]:
    """The last run of each DAG."""
    found: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: row["started"] if row["started"] is not None else -1):
        found.setdefault(row["dag_id"], row)
    return list(found.values())


def first_failure(tasks: Iterable[Obj]) -> tuple[Obj | None, int]:
    """The task instance that failed first, and how many more did."""
    failed = sorted(tasks, key=lambda task: (task.get("end_date") or "~", str(task.get("task_id")), int(task.get("map_index") or 0)))
    return (failed[0], len(failed) - 1) if failed else (None, 0)


def failure_text(task: Obj, more: int, log: TaskLog) -> str:
    """Which task failed and its last error line, masked and on one line (F22)."""
    said = error_line(log.lines) if log.lines else "its log is not there: " + ("; ".join(log.messages) or "the answer is empty")
    others = f", and {more} more" if more else ""
    return f"task {task_name(task)}, try {task.get('try_number')}{others}: {shorten(said, 300)}"


def add_failures(airflow: AirflowApi, rows: list[Row]) -> None:
    """Adds to the rows of the last runs of a few DAGs why they failed. What cannot be read is said in its place."""
    for row in [row for row in last_of_each_dag(rows) if row["state"] == "failed"][:FAILURES]:
        dag_id, run_id = row["dag_id"], row["run_id"]
        try:
            task, more = first_failure(airflow.failed_tasks(dag_id, run_id))
            text = "no task of it is marked failed" if task is None else failure_text(task, more, airflow.log(dag_id, run_id, task))
        except AirflowError as error:
            text = f"the failed task cannot be read: {shorten(error.text, 300)}"
        for same in rows:
            if (same["dag_id"], same["run_id"]) == (dag_id, run_id):
                same["failure"] = text


def ask(airflow: AirflowApi, core: str, now: Time) -> Row:
    """Rows of the last runs, and of what waits.

    :raises AirflowError: when Airflow cannot be asked.
    """
    runs, tasks = read_runs(airflow)
    queued = airflow.queued_runs()
    dags = list(dict.fromkeys(str(run.get("dag_id")) for run in queued))[:PAUSED_ASKED]
    paused = {dag: bool((airflow.dag(dag) or {}).get("is_paused")) for dag in dags}
    waiting = waiting_rows(runs, queued, airflow.queued_tasks(), paused, now)
    rows = run_rows([*queued, *runs], tasks, core, now)
    add_failures(airflow, rows)
    return {"runs": rows, "waiting": waiting}
