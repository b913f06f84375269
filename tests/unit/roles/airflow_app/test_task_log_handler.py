# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F1: Airflow's handler of task logs. Every error of the log store becomes a message in the log's place, and fails nothing.

Of Airflow, which is not installed here, the base class is a double; ``tests/reliability/logs`` runs the handler in a platform.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Event
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

SOURCE = ROOT / "roles/airflow_app/files/platform/airflow/core/python/gitops_task_logs.py"
MODULES = ["airflow", "airflow.providers", "airflow.providers.amazon", "airflow.providers.amazon.aws", "airflow.providers.amazon.aws.log"]
NOW = datetime.now(UTC)
SOON = NOW + timedelta(hours=1)
WHERE = "s3://bucket/dag/attempt=1.log"


def raise_given(error: Exception | None) -> None:
    if error is not None:
        raise error


class Hook:
    """Double of S3Hook: a bucket as a dict, or an error instead of any answer."""

    aws_conn_id = "task_logs"

    def __init__(self) -> None:
        self.objects: dict[str, str] = {}
        self.error: Exception | None = None
        self.connection: Exception | None = None

    def get_connection(self, name: str) -> None:
        raise_given(self.connection)

    @staticmethod
    def parse_s3_url(url: str) -> tuple[str, str]:
        bucket, _slash, key = url.removeprefix("s3://").partition("/")
        return bucket, key

    def list_keys(self, bucket_name: str, prefix: str) -> list[str]:
        raise_given(self.error)
        return [key for key in self.objects if key.startswith(prefix)]

    def get_conn(self) -> Hook:
        return self

    def get_object(self, Bucket: str, Key: str) -> dict[str, BytesIO]:
        return {"Body": BytesIO(self.objects[Key].encode())}


class S3TaskHandler:
    """Double of airflow.providers.amazon.aws.log.s3_task_handler.S3TaskHandler: what the subclass uses."""

    def __init__(self) -> None:
        self.remote_base, self.closed, self.log_relative_path = "s3://bucket", False, "dag/attempt=1.log"
        self.hook = Hook()
        self.log = SimpleNamespace(warning=lambda *_args, **_more: None)
        self.pod: list[str] | Exception = RuntimeError("Cannot find pod")
        self.closing: Exception | None = None

    def _render_filename(self, ti: Any, try_number: int) -> str:
        return f"dag/attempt={try_number}.log"

    def _executor_get_task_log(self, ti: Any, try_number: int) -> tuple[list[str], list[str]]:
        if isinstance(self.pod, Exception):
            raise self.pod
        return ["Found logs through kube API"], self.pod

    def close(self) -> None:
        raise_given(self.closing)
        self.closed = True


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    base = ModuleType("airflow.providers.amazon.aws.log.s3_task_handler")
    base.S3TaskHandler = S3TaskHandler  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, base.__name__, base)
    return load()


def load() -> Any:
    spec = importlib.util.spec_from_file_location("gitops_task_logs", SOURCE)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize("path", [SOURCE, SOURCE.parents[6] / "task_logs/files/task_logs.py"], ids=lambda path: path.name)
def test_the_official_images_python_reads_it(path: Path) -> None:
    """apache/airflow:2.6.3 has Python 3.7."""
    ast.parse(path.read_text(), feature_version=(3, 7))


def client_error(code: str, status: int) -> Exception:
    """As botocore raises it: the answer is in its attribute ``response``."""
    error = Exception(f"An error occurred ({code}) when calling the ListObjectsV2 operation: no")
    error.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}  # type: ignore[attr-defined]
    return error


def named(name: str, text: str) -> Exception:
    error: Exception = type(name, (Exception,), {})(text)
    return error


def task(state: str | None = "success", tries: int = 1, ended: datetime | None = NOW - timedelta(hours=1)) -> SimpleNamespace:
    return SimpleNamespace(state=state, next_try_number=tries + 1, end_date=ended)


@pytest.mark.parametrize(
    ("error", "cause", "step"),
    [
        (
            named("EndpointConnectionError", 'Could not connect to the endpoint URL: "http://x:7070/b?list-type=2&prefix=a%2Fb"'),
            'the log store does not answer (Could not connect to the endpoint URL: "http://x:7070/b").',
            "make status",
        ),
        (named("ConnectTimeoutError", "Connect timeout on endpoint URL"), "the log store does not answer", "load this page again"),
        (named("ReadTimeoutError", "Read timeout"), "the log store does not answer", "load this page again"),
        (client_error("SlowDown", 503), "the log store answers 503", "whether its volume is full"),
        (client_error("InternalError", 500), "the log store answers 500", "its volume is full"),
        (client_error("AccessDenied", 403), "refuses the key", "list and read the bucket"),
        (client_error("SignatureDoesNotMatch", 403), "refuses the key", "correct it"),
        (client_error("NoSuchBucket", 404), "no such bucket (s3://bucket/dag/attempt=1.log)", "task-logs-setup"),
        (
            named("AirflowNotFoundException", "The conn_id `task_logs` isn't defined"),
            "no connection to the log store",
            "AIRFLOW_CONN_TASK_LOGS",
        ),
        (named("NoCredentialsError", "Unable to locate credentials"), "no connection to the log store", "AIRFLOW_CONN_TASK_LOGS"),
        (ValueError("first line\nsecond line"), "ValueError: first line.", "the webserver's log"),
        (ValueError(), "ValueError: ValueError.", "the webserver's log"),
    ],
)
def test_f1_every_error_of_the_store_is_a_message(module: Any, error: Exception, cause: str, step: str) -> None:
    handler = module.TaskLogHandler()
    handler.hook.error = error
    messages, logs = handler._read_remote_logs(task(), 1)
    assert messages == []
    lines = "".join(logs).splitlines()
    assert lines[0].startswith("*** The task log cannot be read: ")
    assert cause in lines[0]
    assert lines[1].startswith("*** Next: ")
    assert step in lines[1]
    assert len(lines) == 2
    assert len(logs) == 1


def test_f1_an_error_while_the_task_runs_stands_above_the_log_of_its_pod(module: Any) -> None:
    handler = module.TaskLogHandler()
    handler.hook.error = named("ConnectTimeoutError", "Connect timeout")
    messages, logs = handler._read_remote_logs(task("running"), 1)
    assert messages[0].startswith("The task log cannot be read: the log store does not answer")
    assert logs == []


def test_f1_a_missing_connection_is_no_reason_to_ask_aws(module: Any) -> None:
    handler = module.TaskLogHandler()
    handler.hook.connection = named("AirflowNotFoundException", "The conn_id `task_logs` isn't defined")
    handler.hook.error = AssertionError("AWS was asked")
    _messages, logs = handler._read_remote_logs(task(), 1)
    assert "no connection to the log store" in logs[0]
    assert "AWS was asked" not in logs[0]


def test_f1_the_log_and_those_of_its_trigger_are_read_in_order(module: Any) -> None:
    handler = module.TaskLogHandler()
    handler.hook.objects = {"dag/attempt=1.log.trigger.7.log": "trigger", "dag/attempt=1.log": "worker", "dag/attempt=2.log": "later"}
    messages, logs = handler._read_remote_logs(task(), 1)
    assert logs == ["worker", "trigger"]
    assert messages == ["Found logs in s3:", "  * s3://bucket/dag/attempt=1.log", "  * s3://bucket/dag/attempt=1.log.trigger.7.log"]


@pytest.mark.parametrize(
    ("ti", "try_number", "says"),
    [
        (task(), 1, "was killed (SIGKILL, out of memory)"),
        (task("failed", 2), 1, "was killed (SIGKILL, out of memory)"),
        (task("running", 2), 1, "was killed (SIGKILL, out of memory)"),
        (task("up_for_retry", 1), 1, "was killed (SIGKILL, out of memory)"),
        (task("success", 1, SOON), 1, "it is not stored yet"),
        # It ended just now, but in its second try; nobody stores the first one any more.
        (task("success", 2, SOON), 1, "was killed (SIGKILL, out of memory)"),
        (task("success", 1, None), 1, "was killed (SIGKILL, out of memory)"),
        (task("running", 1), 1, ""),
        (task("deferred", 0), 1, ""),
        (task("queued", 1), 1, ""),
        (task(None, 0), 1, ""),
    ],
)
def test_f1_a_missing_log_of_a_try_that_is_over_says_why(module: Any, ti: Any, try_number: int, says: str) -> None:
    messages, logs = module.TaskLogHandler()._read_remote_logs(ti, try_number)
    assert messages == []
    if not says:
        assert logs == []
        return
    assert says in logs[0]
    assert all(line.startswith("*** ") for line in logs[0].splitlines())
    assert logs[0].splitlines()[0].startswith("*** The task log cannot be read: ")
    assert "*** Next: " in logs[0]


@pytest.mark.parametrize("error", [None, named("ConnectTimeoutError", "Connect timeout")])
def test_f1_a_pod_that_is_still_there_stands_in_for_the_store(module: Any, error: Exception | None) -> None:
    handler = module.TaskLogHandler()
    handler.hook.error, handler.pod = error, ["killed while working"]
    messages, logs = handler._read_remote_logs(task(), 1)
    assert logs == ["killed while working"]
    assert "last 100 lines" in messages[-1]
    assert ("cannot be read" in messages[0]) is (error is not None)
    assert ("the worker was killed" in messages[0]) is (error is None)


def test_f1_newer_airflow_chooses_the_executor_for_each_task(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    choose: Any = lambda _self, _ti: lambda _ti, _try: ([], ["of the chosen one"])  # noqa: E731
    monkeypatch.setattr(S3TaskHandler, "_get_executor_get_task_log", choose, raising=False)
    assert module.TaskLogHandler()._read_remote_logs(task(), 1)[1] == ["of the chosen one"]


@pytest.mark.parametrize("later", [False, True], ids=["until 2.7", "since 2.8"])
def test_f1_the_page_of_a_task_on_a_lost_node_does_not_wait_for_the_node(module: Any, monkeypatch: pytest.MonkeyPatch, later: bool) -> None:
    """Airflow itself asks for the log of a running task's pod; 44.6 s were measured for a page."""
    answer = Event()

    def lost(_self: Any, _ti: Any, _try: int) -> tuple[list[str], list[str]]:
        answer.wait(30)
        return [], ["too late"]

    monkeypatch.setattr(module.bounded, "__defaults__", (0.05,))
    if later:
        monkeypatch.setattr(S3TaskHandler, "_get_executor_get_task_log", lambda self, _ti: partial(lost, self), raising=False)
    else:
        monkeypatch.setattr(S3TaskHandler, "_executor_get_task_log", lost)
    handler = module.TaskLogHandler()
    read = handler._get_executor_get_task_log(task("running")) if later else handler._executor_get_task_log
    start = time.monotonic()
    messages, logs = read(task("running"), 1)
    assert time.monotonic() - start < 5
    assert messages[0] == "The log of the worker's pod cannot be read: its node did not answer within 0.05 s."
    assert messages[1].startswith("Next: see whether the node is ready")
    assert logs == []
    # A try that is over: what the store says, as if there was no pod.
    assert "the log store has none for this try" in handler._read_remote_logs(task("failed"), 1)[1][0]
    answer.set()


def test_f1_an_error_of_reading_a_pod_stays_the_same(module: Any) -> None:
    with pytest.raises(RuntimeError, match="Cannot find pod"):
        module.TaskLogHandler()._executor_get_task_log(task("running"), 1)


def test_f1_no_port_of_a_worker_is_asked(module: Any) -> None:
    assert module.TaskLogHandler()._read_from_logs_server(task(), "dag/attempt=1.log") == ([], [])


def test_f1_a_process_that_ran_no_task_has_nothing_to_store(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    handler = module.TaskLogHandler()
    handler.log_relative_path, handler.closing = "", IsADirectoryError("/opt/airflow/logs")
    handler.close()
    assert handler.closed
    assert capsys.readouterr().err == ""


def test_f1_an_image_without_the_amazon_provider_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "airflow.providers.amazon.aws.log.s3_task_handler", None)
    for name in ("airflow.utils", "airflow.utils.log"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    plain = ModuleType("airflow.utils.log.file_task_handler")
    render = {"_render_filename": lambda *_: "dag/attempt=1.log", "_executor_get_task_log": lambda *_: ([], [])}
    plain.FileTaskHandler = type("FileTaskHandler", (), {"__init__": lambda self, folder: None, **render})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, plain.__name__, plain)
    handler = load().TaskLogHandler(base_log_folder="/logs", s3_log_folder="s3://bucket", filename_template=None)
    _messages, logs = handler._read_remote_logs(task(), 1)
    assert logs[0].startswith("*** The task log cannot be read: Airflow's image lacks the package apache-airflow-providers-amazon")
    assert "*** Next: use an image that has it" in logs[0]


def test_f1_what_fails_while_the_log_is_stored_fails_no_task(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    handler = module.TaskLogHandler()
    handler.closing = OSError("disk quota exceeded")
    handler.close()
    assert handler.closed
    assert "*** The task log cannot be stored: OSError: disk quota exceeded" in capsys.readouterr().err
