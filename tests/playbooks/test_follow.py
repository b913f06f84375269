# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is followed, and its logs, as a person sees them: the modules in a playbook, against a server with Airflow's answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from ansible_collections.gitops.airflow.tests.playbooks.conftest import Play
from ansible_collections.gitops.airflow.tests.unit.serving import QuietHandler, serving

LOG = "pod-1\n[t] {a.py:1} INFO - first\n    \x1b[2Jindented password=hunter2secret\nTask exited with return code {code}\n"


class Airflow:
    """A DAG whose run ends at the third look."""

    def __init__(self) -> None:
        self.ends, self.looks, self.runs, self.paused = "success", 0, list[dict[str, Any]](), False

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        parts = [unquote(part) for part in path.split("/")]
        if method == "POST" and path == "/dags/orders/dagRuns":
            self.runs.append({**body, "state": "queued", "start_date": "2026-05-04T10:00:00+00:00"})
            return 200, self.runs[-1]
        if path == "/dags/~/dagRuns/list":
            return 200, {"dag_runs": self.runs if body["dag_ids"] == ["orders"] else []}
        if path == "/dags":
            return 200, {"dags": [{"dag_id": "orders"}], "total_entries": 1}
        if path == "/importErrors":
            return 200, {"import_errors": [], "total_entries": 0}
        if path == "/dags/orders":
            return 200, {"dag_id": "orders", "is_paused": self.paused}
        if "logs" in parts:
            return 200, LOG.replace("{code}", "0" if self.ends == "success" else "1")
        if parts[-1] == "taskInstances":
            state = {0: "queued", 1: "running"}.get(self.looks, self.ends)
            task = {"task_id": "load", "map_index": -1, "try_number": 1, "state": state, "hostname": "pod-1"}
            return 200, {"task_instances": [task], "total_entries": 1}
        run = next((run for run in self.runs if run["dag_run_id"] in parts), None)
        if run is None or parts[2] != "orders":
            return 404, {"title": "Not found"}
        self.looks += 1
        run["state"] = {1: "running"}.get(self.looks, self.ends)
        return 200, run


@pytest.fixture
def airflow() -> Airflow:
    return Airflow()


@pytest.fixture
def url(airflow: Airflow) -> Iterator[str]:
    class Handler(QuietHandler):
        def any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            status, reply = airflow.answer(self.command, urlsplit(self.path).path.removeprefix("/api/v1"), body)
            content = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = any

    with serving(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def run_task(url: str, **options: Any) -> str:
    given = {
        "url": url,
        "username": "admin",
        "password": "secret",
        "dag_id": "orders",
        "follow": True,
        "poll_interval": 0.2,
        "dag_timeout": 0,
    }
    return json.dumps([{"name": "Run", "gitops.airflow.airflow_dag_run": {**given, **options}}])


@pytest.mark.parametrize(("ends", "code"), [("success", 0), ("failed", 2)])
def test_a_run_is_seen_as_it_goes_on(play: Play, airflow: Airflow, url: str, ends: str, code: int) -> None:
    airflow.ends = ends
    done = play(run_task(url, conf='{"a": 1}'))
    assert done.returncode == code, done.stdout
    run_id = airflow.runs[0]["dag_run_id"]
    assert airflow.runs[0]["conf"] == {"a": 1}
    lines = done.stderr.decode().splitlines()
    timed = [line.split(" s  ", 1)[1] for line in lines if " s  " in line]
    assert timed[:2] == [f"orders run {run_id}: queued", "load: queued"]
    assert "load: running" in timed
    assert f"load: {ends}" in timed
    log = [line for line in lines if " | " in line]
    assert [line.strip() for line in log] == [
        "load | [t] {a.py:1} INFO - first",
        r"load |     \x1b[2Jindented password=********",
        f"load | Task exited with return code {0 if ends == 'success' else 1}",
    ]
    assert any(line.split() == ["load", ends, "1"] for line in lines)
    assert b"\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dag_id": "order"}, "The nearest name is orders."),
        ({"conf": "a=1"}, "conf is not JSON"),
        ({"conf": "[1]"}, "not a JSON object"),
        ({"dag_id": ""}, "dag_id is empty"),
    ],
)
def test_nothing_is_started_by_mistake(play: Play, airflow: Airflow, url: str, options: dict[str, Any], words: str) -> None:
    done = play(run_task(url, **options))
    assert done.returncode == 2
    assert words in " ".join(done.stdout.decode().split())
    assert airflow.runs == []


def test_a_paused_dag_is_not_run(play: Play, airflow: Airflow, url: str) -> None:
    airflow.paused = True
    done = play(run_task(url))
    assert b"is paused" in done.stdout
    assert b"UNPAUSE=yes" in done.stdout
    assert airflow.runs == []


def test_the_logs_of_the_latest_run(play: Play, airflow: Airflow, url: str) -> None:
    airflow.runs = [{"dag_run_id": "r 1/?", "state": "success", "start_date": "2026-05-04T10:00:00+00:00"}]
    airflow.looks = 2
    at = {"url": url, "username": "admin", "password": "secret", "dag_id": "orders"}
    tasks = [
        {"name": "Read", "gitops.airflow.airflow_dag_logs_info": at, "register": "read"},
        {"name": "Show", "gitops.airflow.show_text": {"text": "{{ read.text }}"}},
    ]
    done = play(json.dumps(tasks))
    assert done.returncode == 0, done.stdout
    lines = done.stdout.decode().splitlines()
    start = lines.index("orders run r 1/?: success")
    assert lines[start + 1 : start + 5] == [
        "--- load, try 1: success, worker pod-1",
        "[t] {a.py:1} INFO - first",
        r"    \x1b[2Jindented password=********",
        "Task exited with return code 0",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dag_id": "order"}, "Airflow does not know the DAG order. The nearest name is orders."),
        ({"dag_run_id": "r2"}, "The DAG orders has no run r2. Its latest runs: r 1."),
        ({"task_id": "laod"}, "The run has no task laod. The nearest name is load."),
        ({"max_lines": -1}, "max_lines is -1"),
    ],
)
def test_logs_that_are_not_there(play: Play, airflow: Airflow, url: str, options: dict[str, Any], words: str) -> None:
    airflow.runs = [{"dag_run_id": "r 1", "state": "success", "start_date": None}]
    at = {"url": url, "username": "admin", "password": "secret", "dag_id": "orders", **options}
    done = play(json.dumps([{"name": "Read", "gitops.airflow.airflow_dag_logs_info": at}]))
    assert done.returncode == 2
    assert words in " ".join(done.stdout.decode().split())
