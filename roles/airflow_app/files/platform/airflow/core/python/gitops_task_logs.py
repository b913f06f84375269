# SPDX-License-Identifier: GPL-3.0-or-later
"""Task logs in an S3 bucket: an unreachable log store is a message in the log's place, never an error page or a failed task.

``S3TaskHandler`` lets errors of a read through, so that Airflow's UI answers 500, and asks ports that no worker of this platform
serves. Selected by ``[logging] remote_task_handler_kwargs``, so Airflow imports this file in every container. Runs on Python 3.7,
which is what ``apache/airflow:2.6.3`` has.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from datetime import datetime, timedelta, timezone
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    # Of a task and the number of its try: what stands above the log, and the log's parts.
    PodLog = Callable[[Any, int], tuple[list[str], list[str]]]

try:
    from airflow.providers.amazon.aws.log.s3_task_handler import S3TaskHandler
except ImportError as absent:
    from airflow.utils.log.file_task_handler import FileTaskHandler

    ABSENT = str(absent)

    class S3TaskHandler(FileTaskHandler):  # type: ignore[no-redef]
        """Keeps Airflow running in an image without the Amazon provider. Its logs end with their pods, and reading one says so."""

        def __init__(self, base_log_folder: str, s3_log_folder: str, **_options: Any) -> None:
            super().__init__(base_log_folder)
            self.remote_base, self.closed, self.log_relative_path = s3_log_folder, False, ""
            self.log = logging.getLogger(__name__)

        @property
        def hook(self) -> Any:
            raise ImportError(ABSENT)


__all__ = ["TaskLogHandler", "explain", "missing", "over"]

CANNOT = "The task log cannot be read:"
# A worker stores its log after it has set the task's state.
UPLOAD_TIME = timedelta(seconds=60)
# How long a page waits for the log of a pod. The API server waits 30 s and more for a node that does not answer.
POD_SECONDS = 3.0
# States in which the last try is not over yet.
ACTIVE = ("scheduled", "queued", "running", "restarting", "deferred", "up_for_reschedule", None)
_CONNECTION = (
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ConnectionClosedError",
    "ConnectionError",
    "ProxyConnectionError",
)
_DENIED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "Forbidden")


def _brief(error: BaseException) -> str:
    # Without what a URL asks for: the key stands in the message already.
    lines = re.sub(r"\?[^\s\"']*", "", str(error)).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(". ")[:300]


def explain(error: BaseException, where: str) -> list[str]:
    """The message for an error of the log store, in lines: cause, then next step. ``where``: the S3 URL."""
    name = type(error).__name__
    response = getattr(error, "response", None) or {}
    code = str((response.get("Error") or {}).get("Code") or "")
    status = int((response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0)
    if isinstance(error, ImportError):
        cause = f"Airflow's image lacks the package apache-airflow-providers-amazon ({_brief(error)})."
        step = "Next: use an image that has it, or set airflow_app_logs to none."
    elif name in ("AirflowNotFoundException", "NoCredentialsError", "PartialCredentialsError"):
        cause = f"this container has no connection to the log store ({_brief(error)})."
        step = "Next: see that airflow_app_values does not replace the variable AIRFLOW_CONN_TASK_LOGS, and run the playbook again."
    elif name in _CONNECTION:
        cause = f"the log store does not answer ({_brief(error)})."
        step = "Next: see whether the log store runs (make status), then load this page again. Logs that it stored before are not lost."
    elif code in ("NoSuchBucket",):
        cause = f"the log store has no such bucket ({where})."
        step = "Next: see the job task-logs-setup in the log store's namespace, or create the bucket where it is your own."
    elif code in _DENIED or status in (401, 403):
        cause = f"the log store refuses the key ({_brief(error)})."
        step = "Next: see that the key may list and read the bucket, correct it, and run the playbook again."
    elif status >= 500:
        cause = f"the log store answers {status} ({_brief(error)})."
        step = "Next: see the log store's own log and whether its volume is full (make status), then load this page again."
    else:
        cause = f"{name}: {_brief(error)}."
        step = "Next: see the webserver's log for the details."
    return [f"{CANNOT} {cause}", step]


def missing(where: str, ended: datetime | None, now: datetime) -> list[str]:
    """The message for a try that is over and has no log, in lines.

    ``where``: the S3 URL; ``ended``: when the task ended, for its last try.
    """
    if ended is not None and now - ended < UPLOAD_TIME:
        return [
            f"{CANNOT} it is not stored yet ({where}). A worker stores it in the seconds after the task has ended.",
            "Next: load this page again in a few seconds.",
        ]
    return [
        f"{CANNOT} the log store has none for this try ({where}).",
        "A worker stores it when it ends. It could not do so if it was killed (SIGKILL, out of memory), was evicted without grace, "
        "lost its node or never started, or if the log store did not answer then. A log older than the retention time is deleted.",
        "Next: see the events and pods of the worker's namespace (kubectl get events, kubectl get pods) and the scheduler's log.",
    ]


def over(state: str | None, last_try: int, try_number: int) -> bool:
    """Whether a try of a task is over: an earlier one, or the last one of a task that does not run."""
    return try_number < last_try or state not in ACTIVE


def bounded(read: PodLog, seconds: float = POD_SECONDS) -> PodLog:
    """``read``, or after ``seconds`` a message in place of what it would say."""

    def read_in_time(ti: Any, try_number: int) -> tuple[list[str], list[str]]:
        answers: list[tuple[list[str], list[str]]] = []
        errors: list[Exception] = []

        def ask() -> None:
            try:
                answers.append(read(ti, try_number))
            except Exception as error:
                errors.append(error)

        thread = Thread(target=ask, daemon=True)
        thread.start()
        thread.join(seconds)
        if errors:
            raise errors[0]
        if answers:
            return answers[0]
        silent = f"The log of the worker's pod cannot be read: its node did not answer within {seconds:g} s."
        step = "Next: see whether the node is ready (kubectl get nodes). When Kubernetes has given it up, Airflow ends this try."
        return [silent, step], []

    return read_in_time


class TaskLogHandler(S3TaskHandler):
    """Airflow's handler of task logs in S3, for a store that may be away."""

    def _store(self) -> Any:
        """The hook, after a look whether its connection exists: without it boto3 would go to AWS with whatever credentials it finds.

        :raises AirflowNotFoundException: where the connection does not exist.
        """
        hook = self.hook
        hook.get_connection(hook.aws_conn_id)
        return hook

    @property
    def _executor_get_task_log(self) -> PodLog:
        """How Airflow before 2.8 reads the log of a pod."""
        return bounded(super()._executor_get_task_log)

    def _get_executor_get_task_log(self, ti: Any) -> PodLog:
        """How later versions do."""
        return bounded(super()._get_executor_get_task_log(ti))

    def _pod_log(self, ti: Any, try_number: int) -> list[str]:
        """What the try's pod wrote, where Kubernetes still has it."""
        try:
            later = hasattr(S3TaskHandler, "_get_executor_get_task_log")
            read = self._get_executor_get_task_log(ti) if later else self._executor_get_task_log
            _messages, logs = read(ti, try_number)
            return [text for text in logs if text.strip()]
        except Exception:  # another executor, or no right to read pods: there is only less to show
            return []

    def _read_remote_logs(self, ti: Any, try_number: int, metadata: Any = None) -> tuple[list[str], list[str]]:
        """What stands above the log, and the log's parts. Never raises."""
        where = self.remote_base
        found: list[str] = []
        problem: list[str] = []
        last_try = ti.next_try_number - 1
        try:
            where = os.path.join(self.remote_base, self._render_filename(ti, try_number))
            hook = self._store()
            bucket, prefix = hook.parse_s3_url(where)
            keys = sorted(hook.list_keys(bucket_name=bucket, prefix=prefix) or [])
            # Not hook.read_key, which asks for each object twice.
            store = hook.get_conn()
            logs = [store.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8", "replace") for key in keys]
            found = [f"s3://{bucket}/{key}" for key in keys]
        except Exception as error:
            self.log.warning("Reading %s failed", where, exc_info=True)
            logs, problem = [], explain(error, where)
        if found:
            return ["Found logs in s3:", *[f"  * {url}" for url in found]], logs
        if not over(ti.state, last_try, try_number):
            return problem, []
        pod = self._pod_log(ti, try_number)
        if pod:
            why = problem or ["The log store has no log of this try: the worker was killed before it could store one, or is about to."]
            return [*why, "This is what the worker's pod wrote, its last 100 lines."], pod
        lines = problem or missing(where, ti.end_date if try_number == last_try else None, datetime.now(timezone.utc))
        # As a log, not as messages above it: newer versions of Airflow fold those away.
        return [], ["\n".join(f"*** {line}" for line in lines)]

    def _read_from_logs_server(self, ti: Any, worker_log_rel_path: Any) -> tuple[list[str], list[str]]:
        """Nothing: neither a worker's pod nor the triggerer serves logs on a port here, and asking costs seconds."""
        return [], []

    def close(self) -> None:
        """Store the log. What fails here is written to the pod's own output: the task has its state already."""
        if not self.log_relative_path:  # a process that ran no task, such as the scheduler
            self.closed = True
            return
        try:
            super().close()
        except Exception as error:
            self.closed = True
            print(f"*** The task log cannot be stored: {type(error).__name__}: {_brief(error)}", file=sys.stderr)
