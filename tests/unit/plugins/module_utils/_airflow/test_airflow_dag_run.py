# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""airflow_dag_run over real HTTP against a double: a small server that speaks the shapes of Airflow 2.6.3's REST API.

The double keeps a DAG, its runs and its pause state in memory, and its time stands still but for the module's own waiting.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow import access
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api import Access, AirflowApi
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_run import LOG_SECONDS, DagRun, Outcome, Request
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.run_follow import Follower, NoWorkers
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError, CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Line, Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.modules import airflow_dag, airflow_dag_run
from ansible_collections.gitops.airflow.tests.unit.serving import QuietHandler, serving

Reply = tuple[int, Any]
PAGED = {"offset": ["0"], "limit": ["100"]}


class Airflow:
    """The double's state. ``script`` maps "METHOD path" to replies given before the state answers; ``on_sleep`` acts while time passes."""

    def __init__(self) -> None:
        self.dag: Obj | None = {"dag_id": "dag", "is_paused": False, "is_active": True, "has_import_errors": False}
        self.runs: dict[str, Obj] = {}
        self.tasks: list[Obj] = [task("say_hi", "success")]
        self.import_errors: list[Obj] = []
        self.dags: list[Obj] = []
        self.script: dict[str, list[Reply]] = {}
        self.requests: list[str] = []
        self.bodies: list[Obj] = []
        self.ends = "success"
        self.time = 0.0
        self.on_sleep: Callable[[Airflow], None] = Airflow.advance

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.on_sleep(self)

    def advance(self) -> None:
        """An unpaused DAG's runs go from queued to running to their end."""
        if self.dag and not self.dag.get("is_paused"):
            for run in self.runs.values():
                run["state"] = {"queued": "running", "running": self.ends}.get(run["state"], run["state"])

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Obj) -> Reply:
        self.requests.append(f"{method} {path}")
        self.bodies.append(body)
        if self.script.get(f"{method} {path}"):
            return self.script[f"{method} {path}"].pop(0)
        run_id = unquote(path.split("/")[4]) if path.startswith("/dags/dag/dagRuns/") else ""
        if path == "/importErrors":
            return 200, {"import_errors": self.import_errors, "total_entries": len(self.import_errors)}
        if path == "/dags":
            return 200, self._page("dags", self.dags, query)
        if (self.dag is None and not run_id) or not path.startswith("/dags/dag"):
            return 404, {"title": "DAG not found", "detail": "The DAG was not found"}
        if path == "/dags/dag":
            assert self.dag is not None
            if method == "PATCH":
                assert query == {"update_mask": ["is_paused"]}
                self.dag.update(body)
            return 200, self.dag
        if path == "/dags/dag/dagRuns" and method == "POST":
            if body["dag_run_id"] in self.runs:
                return 409, {"title": "Conflict", "detail": f"DAGRun ID: '{body['dag_run_id']}' already exists"}
            self.runs[body["dag_run_id"]] = {**body, "state": "queued"}
            return 200, self.runs[body["dag_run_id"]]
        if path == "/dags/dag/dagRuns":
            return 200, self._page("dag_runs", [run for run in self.runs.values() if run["state"] in query["state"]], query)
        if run_id not in self.runs:
            return 404, {"title": "DAGRun not found"}
        if path.endswith("/taskInstances"):
            return 200, self._page("task_instances", self.tasks, query)
        if "/logs/" in path:
            return 200, "first line\nlast line\n" + str(sorted(query.items()))
        return 200, self.runs[run_id]

    @staticmethod
    def _page(key: str, items: list[Obj], query: dict[str, list[str]]) -> Obj:
        offset, limit = int(query["offset"][0]), int(query["limit"][0])
        return {key: items[offset : offset + limit], "total_entries": len(items)}


def task(name: str, state: str | None, **more: Any) -> Obj:
    return {"task_id": name, "state": state, "map_index": -1, "try_number": 1, "operator": "BashOperator", **more}


@pytest.fixture
def airflow() -> Airflow:
    return Airflow()


@pytest.fixture
def url(airflow: Airflow) -> Iterator[str]:
    class Handler(QuietHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            parts = urlsplit(self.path)
            if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"admin:secret").decode():
                status, reply = 401, {"title": "Unauthorized"}
            else:
                path = re.sub("^/api/v1", "", parts.path)
                status, reply = airflow.answer(self.command, path, parse_qs(parts.query), body)
            content = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", str(reply))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = handle_any

    with serving(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}"


Run = Callable[..., Outcome]


@pytest.fixture
def run(airflow: Airflow, url: str) -> Run:
    def carry_out(preview: bool = False, password: str = "secret", **options: Any) -> Outcome:
        api = AirflowApi(Access(url, "admin", password))
        work = DagRun(api, Request(**{"dag_id": "dag", "run_id": "r 1", "timeout": 20, **options}), airflow.now, airflow.sleep)
        return work.preview() if preview else work.carry_out()

    return carry_out


def test_creates_and_waits(airflow: Airflow, run: Run) -> None:
    outcome = run(conf={"a": 1})
    assert (outcome.changed, outcome.state, outcome.was_paused, outcome.error) == (True, "success", False, None)
    assert [item["task_id"] for item in outcome.task_instances] == ["say_hi"]
    assert {"dag_run_id": "r 1", "conf": {"a": 1}} in airflow.bodies


def test_second_time_finds_it(airflow: Airflow, run: Run) -> None:
    run()
    airflow.requests.clear()
    outcome = run()
    assert (outcome.changed, outcome.state) == (False, "success")
    assert not [request for request in airflow.requests if not request.startswith("GET")]


def test_paused_dag_fails_at_once(airflow: Airflow, run: Run) -> None:
    airflow.dag = {"is_paused": True}
    outcome = run()
    assert "is paused, so the run r 1 would stay queued" in str(outcome.error)
    assert (airflow.time, airflow.runs, outcome.changed) == (0, {}, False)


def test_paused_dag_keeps_an_ended_run(airflow: Airflow, run: Run) -> None:
    airflow.dag = {"is_paused": True}
    airflow.runs["r 1"] = {"state": "success"}
    outcome = run(unpause=True)
    assert (outcome.state, outcome.changed, airflow.dag["is_paused"]) == ("success", False, True)


def test_run_of_a_paused_dag_may_stay_queued_when_not_waited_for(airflow: Airflow, run: Run) -> None:
    airflow.dag = {"is_paused": True}
    assert (run(wait=False).state, airflow.dag["is_paused"]) == ("queued", True)


def test_unpauses(airflow: Airflow, run: Run) -> None:
    airflow.dag = {"is_paused": True}
    outcome = run(unpause=True)
    assert (outcome.state, outcome.was_paused, airflow.dag["is_paused"]) == ("success", True, False)


def test_what_is_as_asked_is_not_set_again(airflow: Airflow, run: Run) -> None:
    run(unpause=True, paused_after=False)
    airflow.dag = {"is_paused": True}
    assert not run(paused_after=True).changed
    assert not [request for request in airflow.requests if request.startswith("PATCH")]


def test_refused_run_leaves_the_dag_paused(airflow: Airflow, run: Run) -> None:
    airflow.dag = {"is_paused": True}
    airflow.script["POST /dags/dag/dagRuns"] = [(400, {"title": "Bad Request", "detail": "not a date-time"})]
    with pytest.raises(AirflowError, match=r"not a date-time\.$") as caught:
        run(unpause=True, logical_date="x")
    assert caught.value.status == 400
    assert {"dag_run_id": "r 1", "conf": {}, "logical_date": "x"} in airflow.bodies
    assert airflow.dag["is_paused"]


def test_pauses_again_after_the_other_runs_have_ended(airflow: Airflow, run: Run) -> None:
    airflow.dag = {"is_paused": True}

    def scheduled_run_comes_later(state: Airflow) -> None:
        state.advance()
        if state.time == 2:
            state.runs["scheduled__1"] = {"dag_run_id": "scheduled__1", "state": "queued"}

    airflow.on_sleep = scheduled_run_comes_later
    outcome = run(unpause=True, paused_after=True)
    assert (outcome.error, outcome.warnings, airflow.dag["is_paused"]) == (None, [], True)
    assert airflow.runs["scheduled__1"]["state"] == "success"


def test_pauses_at_the_deadline_and_names_what_still_runs(airflow: Airflow, run: Run) -> None:
    airflow.runs = {"r 1": {"state": "success"}, "long": {"dag_run_id": "long", "state": "running"}}
    airflow.on_sleep = lambda state: None
    outcome = run(paused_after=True)
    assert airflow.dag == {**(airflow.dag or {}), "is_paused": True}
    assert (airflow.time, outcome.changed) == (20, True)
    assert "long" in outcome.warnings[0]


def test_pauses_again_after_a_failure(airflow: Airflow, run: Run) -> None:
    airflow.dag = {"is_paused": True}
    airflow.ends = "failed"
    assert run(unpause=True, paused_after=True).error
    assert airflow.dag["is_paused"]


def test_unpaused_afterwards(airflow: Airflow, run: Run) -> None:
    airflow.dag = {"is_paused": True}
    airflow.runs["r 1"] = {"state": "success"}
    assert run(paused_after=False).changed
    assert not airflow.dag["is_paused"]


def test_failed_run_names_tasks_and_shows_the_log(airflow: Airflow, run: Run) -> None:
    airflow.ends = "failed"
    airflow.tasks = [task("a", "success"), task("b", "failed", map_index=2, try_number=3), task("c", "upstream_failed", map_index=0)]
    outcome = run()
    assert "b[2] (failed, try 3), c[0] (upstream_failed, try 1)" in str(outcome.error)
    assert "last line\n[('full_content', ['true']), ('map_index', ['2'])]" in str(outcome.error)
    assert "GET /dags/dag/dagRuns/r%201/taskInstances/b/logs/3" in airflow.requests
    assert not [request for request in airflow.requests if "/a/logs" in request or "/c/logs" in request]


def test_unreadable_log_does_not_hide_the_failure(airflow: Airflow, run: Run) -> None:
    airflow.ends, airflow.tasks = "failed", [task("b", "failed")]
    airflow.script["GET /dags/dag/dagRuns/r%201/taskInstances/b/logs/1"] = [(500, {"title": "boom"})] * 99
    outcome = run()
    assert "b (failed, try 1)" in str(outcome.error)
    assert re.search("The log of b cannot be read: .*500: boom", str(outcome.error))
    assert airflow.time == 2 + LOG_SECONDS


def test_log_that_is_refused_is_not_waited_for(airflow: Airflow, run: Run) -> None:
    airflow.ends, airflow.tasks = "failed", [task("b", "failed")]
    airflow.script["GET /dags/dag/dagRuns/r%201/taskInstances/b/logs/1"] = [(403, {"title": "Forbidden"})]
    assert "The log of b cannot be read: User 'admin' may not GET" in str(run().error)
    assert airflow.time == 2


NOT_YET = (200, "worker-b\n*** No logs found on s3 for ti=<TaskInstance: dag.b r 1 [failed]>\n*** Could not read served logs: timed out\n")


def test_log_that_is_uploaded_after_the_change_of_state_is_waited_for(airflow: Airflow, run: Run) -> None:
    """F1"""
    airflow.ends, airflow.tasks = "failed", [task("b", "failed", hostname="worker-b")]
    log = "worker-b\n*** Found logs in s3:\n***   * s3://logs/b\n" + "".join(f"line {number}\n" for number in range(50))
    airflow.script["GET /dags/dag/dagRuns/r%201/taskInstances/b/logs/1"] = [NOT_YET, (500, {}), (200, "worker-b\n"), (200, log)]
    error = str(run().error)
    assert error.partition("Last lines of b:\n")[2].splitlines() == [f"line {number}" for number in range(30, 50)]
    assert airflow.time == 2 + 3


def test_logs_that_never_come_are_waited_for_once(airflow: Airflow, run: Run) -> None:
    """F1"""
    airflow.ends, airflow.tasks = "failed", [task(name, "failed", hostname="worker-b") for name in "bcd"]
    for name in "bcd":
        airflow.script[f"GET /dags/dag/dagRuns/r%201/taskInstances/{name}/logs/1"] = [NOT_YET] * 99
    error = str(run(poll_interval=3).error)
    assert error.count("cannot be read: No logs found on s3 for ti=<TaskInstance: dag.b r 1 [failed]>; Could not read served logs") == 3
    assert airflow.time == 6 + LOG_SECONDS


def test_a_run_without_a_name_gets_one(airflow: Airflow, run: Run) -> None:
    """F14"""
    params = {**dict.fromkeys(airflow_dag_run.argument_spec()), "dag_id": "dag", "timeout": 20, "poll_interval": 1, "wait": True}
    names = [airflow_dag_run.build_request(params).run_id for _number in range(3)]
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"ansible__\d{8}T\d{6}Z_[0-9a-f]{8}", name) for name in names)
    outcome = run(run_id=names[0])
    assert (outcome.changed, list(airflow.runs)) == (True, names[:1])
    assert airflow_dag_run.build_request({**params, "dag_run_id": "mine"}).run_id == "mine"
    with pytest.raises(InputError, match="dag_run_id is empty") as caught:
        airflow_dag_run.build_request({**params, "dag_run_id": " "})
    assert caught.value.next_action == "Give the name or leave it out."


LOG = "GET /dags/dag/dagRuns/r%201/taskInstances/b/logs/1"
NOT_STORED = (
    200,
    "*** The task log cannot be read: it is not stored yet (s3://task-logs/x). A worker stores it\n*** Next: load this page again\n",
)


def test_f1_a_log_that_is_not_stored_yet_is_waited_for(airflow: Airflow, run: Run) -> None:
    airflow.ends, airflow.tasks = "failed", [task("b", "failed")]
    airflow.script[LOG] = [NOT_STORED, NOT_STORED]
    outcome = run()
    assert "last line" in str(outcome.error)
    assert "cannot be read" not in str(outcome.error)
    assert airflow.requests.count(LOG) == 3


def test_f1_a_log_that_is_never_stored_is_not_waited_for_long(airflow: Airflow, run: Run) -> None:
    airflow.ends, airflow.tasks = "failed", [task("b", "failed")]
    airflow.script[LOG] = [NOT_STORED] * 1000
    before = airflow.time
    assert "it is not stored yet" in str(run().error)
    assert 20 <= airflow.time - before < 30


def test_deadline_tells_the_tasks_states(airflow: Airflow, run: Run) -> None:
    airflow.on_sleep, airflow.tasks = (lambda state: None), [task("a", "queued"), task("b", None)]
    outcome = run()
    assert "is queued after 20 s (a is queued, b is not scheduled)" in str(outcome.error)
    assert airflow.time == 20
    assert outcome.error
    assert "paused" not in outcome.error.next_action


def test_dag_paused_by_somebody_meanwhile_is_named(airflow: Airflow, run: Run) -> None:
    airflow.on_sleep = lambda state: (state.dag or {}).update(is_paused=True)
    error = run().error
    assert error
    assert (error.code, error.next_action) == ("timeout", "Unpause dag, which has been paused meanwhile.")


def test_dag_that_is_parsed_late(airflow: Airflow, run: Run) -> None:
    late, airflow.dag = airflow.dag, None

    def parse(state: Airflow) -> None:
        state.dag = late if state.time >= 5 else None
        state.advance()

    airflow.on_sleep = parse
    assert run().state == "success"


@pytest.mark.parametrize(
    ("dag", "words"),
    [(None, "is not known"), ({"is_active": False}, "is not known"), ({"is_active": True, "has_import_errors": True}, "has import errors")],
    ids=["never parsed", "removed", "broken since"],
)
def test_dag_that_never_comes_names_the_import_errors(airflow: Airflow, run: Run, dag: Obj | None, words: str) -> None:
    airflow.dag = dag
    airflow.import_errors = [{"filename": "/dags/x.py", "stack_trace": "Traceback\n  File\nModuleNotFoundError: No module named 'y'\n"}]
    outcome = run()
    assert words in str(outcome.error)
    assert "/dags/x.py: ModuleNotFoundError: No module named 'y'" in str(outcome.error)
    assert (airflow.time, airflow.runs) == (20, {})


def test_dag_that_never_comes_without_import_errors(airflow: Airflow, run: Run) -> None:
    airflow.dag = None
    assert "no import error" in str(run().error)


@pytest.mark.parametrize(("dag_timeout", "seconds"), [(5, 5), (20, 20), (30, 20)])
def test_the_dag_is_not_awaited_longer_than_its_run(airflow: Airflow, run: Run, dag_timeout: float, seconds: float) -> None:
    airflow.dag = None
    assert f"DAG dag is not known to Airflow after {seconds} s." in str(run(dag_timeout=dag_timeout).error)
    assert airflow.time == seconds


def test_an_unknown_dag_fails_at_once_and_names_the_nearest(airflow: Airflow, run: Run) -> None:
    airflow.dag, airflow.dags = None, [{"dag_id": "dags"}, {"dag_id": "other"}]
    error = run(dag_timeout=0).error
    assert error
    assert (error.code, airflow.time, airflow.runs) == ("dag_missing", 0, {})
    assert str(error) == "DAG dag is not known to Airflow. The nearest name is dags. There is no import error."


@pytest.mark.parametrize(
    ("given", "conf"),
    [
        (None, None),
        ("", None),
        (" ", None),
        ('{"a": {"b": [1, null]}}', {"a": {"b": [1, None]}}),
        ({"a": 1}, {"a": 1}),
        ("{}", {}),
    ],
)
def test_the_configuration_of_a_run(given: Any, conf: Any) -> None:
    assert airflow_dag_run.read_conf(given) == conf


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a=1", "conf is not JSON: Expecting value"),
        ("{'a': 1}", "conf is not JSON: Expecting property name"),
        ('{"a": 1', "conf is not JSON: Expecting ',' delimiter"),
        ("[1]", r"conf is \[1\], and not a JSON object"),
        ("5", "conf is 5, and not a JSON object"),
        ('"a"', 'conf is "a", and not a JSON object'),
        ("null", "conf is null, and not a JSON object"),
        ([1], r"conf is \[1\], and not a JSON object"),
    ],
)
def test_a_configuration_that_is_no_json_object(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        airflow_dag_run.read_conf(given)


def test_a_run_is_followed_with_any_ids(airflow: Airflow, url: str) -> None:
    """Every id is quoted in the path. Its log has been shown, so the message of the failure does not quote it."""
    airflow.ends = "failed"
    airflow.tasks = [task("a/b ?", "failed", hostname="pod-1")]
    run_id = "r/1 ?&"
    airflow.script = {
        f"GET /dags/dag/dagRuns/{quote(run_id, '')}/taskInstances/a%2Fb%20%3F/logs/1": [
            (200, "pod-1\none\nTask exited with return code 1\n")
        ]
    }
    api, written, reports = AirflowApi(Access(url, "admin", "secret")), list[Line](), list[str]()
    progress = Progress(written.append)
    watcher = Follower(api, "dag", run_id, NoWorkers(), progress, airflow.now, reports.append)
    outcome = DagRun(api, Request("dag", run_id, timeout=20), airflow.now, airflow.sleep, progress, watcher).carry_out()
    assert str(outcome.error) == f"The run {run_id} of dag failed. Tasks: a/b ? (failed, try 1)."
    assert [line["text"] for line in written] == [
        f"dag run {run_id}: queued",
        "a/b ?: failed",
        "a/b ? | one",
        "a/b ? | Task exited with return code 1",
        f"dag run {run_id}: running",
        f"dag run {run_id}: failed",
        "",
        *watcher.lines,
    ]
    assert [json.loads(report)["state"] for report in reports] == ["queued", "failed"]


def test_a_webserver_that_restarts_does_not_end_the_tasks_that_are_shown(airflow: Airflow, url: str) -> None:
    airflow.script["GET /dags/dag/dagRuns/r/taskInstances"] = [
        (200, Airflow._page("task_instances", [task("a", "running")], PAGED)),
        (503, "x"),
    ]
    api, written = AirflowApi(Access(url, "admin", "secret")), list[Line]()
    watcher = Follower(api, "dag", "r", NoWorkers(), Progress(written.append), airflow.now)
    assert DagRun(api, Request("dag", "r", timeout=20), airflow.now, airflow.sleep, None, watcher).carry_out().state == "success"
    texts = [line["text"] for line in written]
    assert "a: running" in texts
    assert texts.index("a: no longer in the run") > texts.index("dag run r: success")  # the double's tasks at the end are others


@pytest.mark.parametrize(("given", "option"), [({"follow": True, "wait": False}, "follow"), ({"dag_timeout": -1}, "dag_timeout")])
def test_options_that_make_no_sense(given: dict[str, Any], option: str) -> None:
    params = {**dict.fromkeys(airflow_dag_run.argument_spec()), "dag_id": "dag", "timeout": 20, "poll_interval": 1, "wait": True}
    with pytest.raises(InputError, match=f"^{option}"):
        airflow_dag_run.build_request({**params, **given})


# V9. What has become of a DAG since its run began.
BROKEN: dict[str, Obj | None] = {
    "import errors": {"is_active": True, "has_import_errors": True},
    "import errors, paused": {"is_active": True, "has_import_errors": True, "is_paused": True},
    "not found by the scheduler": {"is_active": False, "has_import_errors": False, "is_paused": False},
    "not found by the scheduler, paused": {"is_active": False, "is_paused": True},
    "paused": {"is_active": True, "is_paused": True},
    "deleted": None,
}
# The pause state that each reports: none for a DAG that Airflow does not find.
PAUSED = {
    **dict.fromkeys(BROKEN),
    "import errors": False,
    "import errors, paused": True,
    "paused": True,
}


def broken(name: str) -> Obj | None:
    dag = BROKEN[name]
    return dag and dict(dag)


@pytest.mark.parametrize("options", [{}, {"wait": False}, {"unpause": True, "paused_after": True}], ids=["wait", "no wait", "all"])
@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("preview", [False, True], ids=["run", "check"])
def test_an_ended_run_is_found_whatever_became_of_its_dag(airflow: Airflow, run: Run, preview: bool, name: str, options: Any) -> None:
    """V9: waited for the DAG until the timeout."""
    airflow.dag, airflow.runs = broken(name), {"r 1": {"state": "success"}}
    outcome = run(preview=preview, **options)
    assert (outcome.state, outcome.error, airflow.time) == ("success", None, 0)
    assert outcome.was_paused is PAUSED[name]
    assert outcome.changed is (PAUSED[name] is False and "paused_after" in options)
    assert [item["task_id"] for item in outcome.task_instances] == (["say_hi"] if options.get("wait", True) and not preview else [])


def test_a_failed_run_of_a_broken_dag_is_a_failure_at_once(airflow: Airflow, run: Run) -> None:
    """V9"""
    airflow.dag, airflow.runs = broken("import errors"), {"r 1": {"state": "failed"}}
    airflow.tasks = [task("say_hi", "failed")]
    outcome = run()
    assert (outcome.error and outcome.error.code, airflow.time) == ("run_failed", 0)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("import errors", "Correct the import errors of dag"),
        ("not found by the scheduler", "Bring dag back"),
        ("deleted", "Bring dag back"),
    ],
)
def test_a_run_that_stands_still_because_of_its_dag(airflow: Airflow, run: Run, name: str, advice: str) -> None:
    """V9: the run is found and waited for, not the DAG."""
    airflow.dag, airflow.runs, airflow.on_sleep = broken(name), {"r 1": {"state": "running"}}, lambda _state: None
    outcome = run()
    assert outcome.error
    assert (outcome.error.code, advice in outcome.error.next_action, outcome.state) == ("timeout", True, "running")
    assert run(wait=False).error is None


def test_a_run_that_goes_on_while_its_dag_is_broken(airflow: Airflow, run: Run) -> None:
    """V9"""
    airflow.dag, airflow.runs = broken("import errors"), {"r 1": {"state": "queued"}}
    assert run().state == "success"


def test_conflict_is_somebody_elses_same_run(airflow: Airflow, run: Run) -> None:
    airflow.script["GET /dags/dag/dagRuns/r%201"] = [(404, {})]
    airflow.runs["r 1"] = {"state": "running"}
    outcome = run()
    assert (outcome.changed, outcome.state) == (False, "success")


def test_conflict_of_the_logical_date(airflow: Airflow, run: Run) -> None:
    airflow.script["POST /dags/dag/dagRuns"] = [(409, {"title": "Conflict", "detail": "logical date already exists"})]
    with pytest.raises(AirflowError, match="Another run has this logical_date") as caught:
        run(logical_date="2026-05-04T10:00:00+00:00")
    assert (caught.value.code, caught.value.next_action) == ("conflict", "Choose another logical_date, or leave it out.")


def test_run_deleted_meanwhile(airflow: Airflow, run: Run) -> None:
    airflow.on_sleep = lambda state: state.runs.clear()
    assert "was deleted" in str(run().error)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_webserver_that_starts_is_asked_again(airflow: Airflow, run: Run, status: int) -> None:
    airflow.script["GET /dags/dag"] = [(status, "starting")] * 9
    assert run().state == "success"


def test_webserver_that_stays_away(airflow: Airflow, run: Run) -> None:
    airflow.script["GET /dags/dag"] = [(503, "starting")] * 99
    with pytest.raises(AirflowError, match=r"503: starting\. It stayed so for 20 s"):
        run()
    assert airflow.time == 20


def test_servers_own_error_is_believed_when_it_stays(airflow: Airflow, run: Run) -> None:
    airflow.script["GET /dags/dag"] = [(500, {"title": "Internal Server Error"})] * 99
    with pytest.raises(AirflowError, match=r"500: Internal Server Error\.$"):
        run(timeout=200)
    assert airflow.time == 60


@pytest.mark.parametrize(
    "script", [[(500, "")] * 59, [(500, "")] * 40 + [(503, "")] + [(500, "")] * 40], ids=["at once", "in between no answer"]
)
def test_a_database_that_starts_again_is_waited_for(airflow: Airflow, run: Run, script: list[Reply]) -> None:
    airflow.script["GET /dags/dag"] = script
    assert run(timeout=200).state == "success"


@pytest.mark.parametrize(
    ("script", "password", "words"),
    [
        ({}, "wrong", "does not accept the credentials of user 'admin' .401"),
        ({"GET /dags/dag": [(403, {"title": "Forbidden"})]}, "secret", "may not GET /dags/dag .403, Forbidden"),
        ({"GET /dags/dag": [(302, "https://login.example.com")]}, "secret", "redirects /dags/dag to https://login.example.com"),
        ({"GET /dags/dag": [(200, "<html>")]}, "secret", "did not answer with a JSON object"),
    ],
    ids=["password", "permission", "redirect", "not Airflow"],
)
def test_refusals_end_it_at_once(airflow: Airflow, run: Run, script: dict[str, list[Reply]], password: str, words: str) -> None:
    airflow.script = script
    with pytest.raises(AirflowError, match=words):
        run(password=password)
    assert airflow.time == 0


def test_a_page_for_a_browser_is_no_message(airflow: Airflow, run: Run) -> None:
    airflow.script["GET /dags/dag"] = [(500, "<!DOCTYPE html><h1> Ooops! </h1>")] * 99
    with pytest.raises(AirflowError, match=r"answered GET /dags/dag with 500: [^<]+\.") as caught:
        run()
    assert caught.value.next_action == "Read the webserver's log, and check that its database runs."


def test_an_address_that_means_nothing_to_a_person_has_a_name() -> None:
    api = AirflowApi(Access("http://127.0.0.1:9", "admin", "secret", name="Service airflow-webserver"))
    with pytest.raises(AirflowError, match=r"Airflow at Service airflow-webserver cannot be reached: .*refused") as caught:
        api.health()
    assert (caught.value.code, caught.value.next_action) == ("unreachable", "Check that the webserver runs.")


def test_nobody_listens(airflow: Airflow) -> None:
    api = AirflowApi(Access("http://127.0.0.1:9", "admin", "secret"))
    with pytest.raises(AirflowError, match=r"127\.0\.0\.1:9 cannot be reached: .*refused.* It stayed so for 20 s"):
        DagRun(api, Request("dag", "r1", timeout=20), airflow.now, airflow.sleep).carry_out()


def test_unreadable_ca(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for ca in (tmp_path / "ca.pem", tmp_path / "absent.pem"):
        with pytest.raises(AirflowError, match=r"ca_path .* cannot be read"):
            AirflowApi(Access("https://127.0.0.1:9", "admin", "secret", ca_path=str(ca)))


def test_long_lists_are_read_whole(airflow: Airflow, run: Run) -> None:
    airflow.tasks = [task("t", "success", map_index=index) for index in range(250)]
    assert [item["map_index"] for item in run().task_instances] == list(range(250))


@pytest.mark.parametrize(
    ("dag", "runs", "options", "changed"),
    [
        ({"is_paused": True}, {}, {}, True),
        (None, {}, {}, True),
        ({"is_paused": True}, {"r 1": {"state": "success"}}, {"unpause": True, "paused_after": True}, False),
        ({"is_paused": True}, {"r 1": {"state": "queued"}}, {"unpause": True}, True),
        ({"is_paused": True}, {"r 1": {"state": "queued"}}, {}, False),
        ({"is_paused": True}, {"r 1": {"state": "success"}}, {"unpause": True}, False),
        ({"is_paused": True}, {"r 1": {"state": "queued"}}, {"unpause": True, "paused_after": True}, False),
        ({"is_paused": False}, {"r 1": {"state": "success"}}, {"paused_after": True}, True),
        ({"is_paused": False}, {"r 1": {"state": "success"}}, {}, False),
    ],
    ids=[
        "no run",
        "no DAG",
        "all there",
        "to unpause",
        "stays paused",
        "ended, stays paused",
        "to unpause and pause again",
        "to pause",
        "nothing asked",
    ],
)
def test_check_mode_looks_once(airflow: Airflow, run: Run, dag: Obj | None, runs: Any, options: Any, changed: bool) -> None:
    airflow.dag, airflow.runs = dag, runs
    assert run(preview=True, **options).changed == changed
    assert airflow.time == 0
    assert not [request for request in airflow.requests if not request.startswith("GET")]


def test_a_scheme_in_capitals_is_asked_with_its_certificates(tmp_path: Path) -> None:
    """V10: HTTPS:// was asked without ca_path."""
    with pytest.raises(AirflowError, match="ca_path"):
        AirflowApi(Access("HTTPS://airflow.example.com", "admin", "secret", ca_path=str(tmp_path / "none")))


def test_password_is_not_shown() -> None:
    assert "secret" not in repr(Access("http://x", "admin", "secret"))


def test_progress_tells_each_state_of_the_run_and_its_tasks(airflow: Airflow, url: str) -> None:
    late, airflow.dag, airflow.tasks, airflow.ends = airflow.dag, None, [], "running"

    def go_on(state: Airflow) -> None:
        state.dag = late
        if state.time > 1:
            state.advance()
            state.tasks = [task("a", "success"), task("b", "running", map_index=0, try_number=2)]
        if state.time == 4:
            state.script["GET /dags/dag/dagRuns/r%201"] = [(503, "starting")]
        if state.time == 6:
            state.ends = "success"
            state.runs["other"] = {"dag_run_id": "other", "state": "queued"}

    airflow.on_sleep = go_on
    airflow.script["GET /dags/dag/dagRuns/r%201/taskInstances"] = [(500, {"title": "boom"})]
    written: list[Line] = []
    api, request = AirflowApi(Access(url, "admin", "secret")), Request("dag", "r 1", timeout=20, paused_after=True)
    assert DagRun(api, request, airflow.now, airflow.sleep, Progress(written.append)).carry_out().state == "success"
    assert [(line["elapsed"], line["text"]) for line in written] == [
        (0, "DAG dag is not known to Airflow"),
        (1, "dag run r 1: queued"),
        (2, "dag run r 1: a: success"),
        (2, "dag run r 1: b[0]: running (try 2)"),
        (2, "dag run r 1: running"),
        (4, f"Airflow at {url} answered GET /dags/dag/dagRuns/r%201 with 503: starting."),
        (5, "dag run r 1: running"),
        (7, "dag run r 1: success"),
        (7, "dag is paused when these runs have ended: other"),
    ]


def test_without_a_reader_no_request_is_made_for_progress(airflow: Airflow, run: Run) -> None:
    run()
    assert len([request for request in airflow.requests if request.endswith("/taskInstances")]) == 1


class Secrets:
    """An API server with one Secret."""

    def find(self, path: str) -> Obj | None:
        found = {"metadata": {"labels": marks("p")}, "data": {"password": base64.b64encode(b"secret").decode()}}
        return found if path == "/api/v1/namespaces/airflow-core/secrets/airflow-admin" else None


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        ({"name": "airflow-admin"}, ""),
        ({"name": "other"}, "missing_secret"),
        ({"password_key": "x"}, "missing_key"),
        ({"platform": "other"}, "foreign_object"),
    ],
)
def test_the_password_may_be_in_a_secret(url: str, monkeypatch: pytest.MonkeyPatch, secret: dict[str, str], code: str) -> None:
    """The double refuses every other password."""
    monkeypatch.setattr(access, "connect", lambda _options: Secrets())
    given = {
        "namespace": "airflow-core",
        "name": "airflow-admin",
        "username_key": "",
        "password_key": "password",
        "platform": "p",
        **secret,
    }
    params = {**dict.fromkeys(access.AIRFLOW_SPEC), "url": url, "username": "admin", "credentials_from": given}
    hidden = set[str]()
    if code:
        with pytest.raises(CollectionError) as error, access.open_airflow(params, hidden.add):
            pass
        assert error.value.code == code
        assert error.value.next_action
        return
    with access.open_airflow(params, hidden.add) as api:
        assert api.dag("dag") is not None
    assert hidden == {"secret"}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(("before", "after"), [(False, True), (True, True), (True, False)])
def test_the_pause_state_of_a_dag(airflow: Airflow, url: str, before: bool, after: bool, check: bool) -> None:
    airflow.dag = {"is_paused": before}
    params = {"url": url, "tunnel": None, "username": "admin", "password": "secret", "validate_certs": None, "ca_path": None}
    assert airflow_dag.set_paused({**params, "dag_id": "dag", "paused": after}, check, set[str]().add) == before
    assert airflow.dag["is_paused"] == (before if check else after)
    assert len(airflow.requests) == (1 if check or before == after else 2)
    airflow.dag = None
    with pytest.raises(AirflowError, match="does not know the DAG 'dag'"):
        airflow_dag.set_paused({**params, "dag_id": "dag", "paused": after}, check, set[str]().add)
