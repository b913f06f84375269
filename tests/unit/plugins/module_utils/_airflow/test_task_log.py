# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F1: whether an answer of Airflow's log endpoint is a log. The shapes are those of Airflow 2.6.3 and 2.10.5."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import (
    LEFT_OUT,
    error_line,
    last_lines,
    read_answer,
    task_name,
)

HOST = "airflow-worker-cron-say-hi-x7k2m9qp"
LINE = "[2026-05-04T10:00:06.100+0000] {taskinstance.py:1824} ERROR - Task failed with exception"
SERVED = (
    "*** Could not read served logs: Client error '404 NOT FOUND' for url 'http://airflow-worker:8793/log/x/attempt=1.log'\n"
    "For more information check: https://httpstatuses.com/404\n"
)
KEY = (
    "*** !!!! Please make sure that all your Airflow components (e.g. schedulers, webservers) have the same 'secret_key'\n"
    "See more at https://airflow.apache.org/docs/apache-airflow/stable/configurations-ref.html#secret-key\n"
)
FOUND = "*** Found logs in s3:\n***   * s3://logs/dag_id=a/run_id=b/task_id=c/attempt=1.log\n"
NONE = "*** No logs found on s3 for ti=<TaskInstance: a.c b [failed]>\n"
OURS = "*** The task log cannot be read: the S3 server s3.logs.svc does not answer (Connect timeout). It is remote log storage\n"
GROUP, END = " INFO - ::group::Log message source details\n", " INFO - ::endgroup::\n"
POD = (
    "*** Reading from k8s pod logs failed: (404)\nReason: Not Found\n"
    "HTTP response headers: HTTPHeaderDict({'Audit-Id': 'x'})\nHTTP response body: b'pods not found'\n\n"
)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"{HOST}\n{FOUND}{LINE}\nValueError: x\n", (LINE, "ValueError: x")),
        (f"{HOST}\n*** Found local files:\n***   * /opt/airflow/logs/x\n{LINE}\n\n", (LINE,)),
        (f"{HOST}\n{LINE}\n", (LINE,)),
        (f"\n{LINE}\n", (LINE,)),
        # One reader has it, another has not.
        (f"{HOST}\n{NONE}{SERVED}{FOUND}{LINE}\n", (LINE,)),
        (f"{HOST}\n{POD}*** Found local files:\n{LINE}\n", (LINE,)),
        # 2.10
        (f"{HOST}\n{GROUP}{FOUND}{END}{LINE}\n", (LINE,)),
        (
            f"{HOST}\n{GROUP}{SERVED}{FOUND}{END}[..] INFO - ::group::Pre task execution logs\n",
            ("[..] INFO - ::group::Pre task execution logs",),
        ),
        # A task's own lines, whatever they look like, once the log has begun; and one that has no time before it.
        (f"{HOST}\n{FOUND}{LINE}\n*** a row of stars ***\nReason: unknown\n", (LINE, "*** a row of stars ***", "Reason: unknown")),
        (f"{HOST}\nplain words\n", ("plain words",)),
        (f"{LINE}\nwithout a host before it\n", (LINE, "without a host before it")),
        (f"{HOST}\nINFO - ::endgroup::\n", ("INFO - ::endgroup::",)),
        (f"{HOST}\n{GROUP}{NONE}what else a reader says\n{END}{LINE}\n", (LINE,)),
        (f"{HOST}\nReason: the task says so\n", ("Reason: the task says so",)),
    ],
)
def test_a_log_is_its_own_lines(text: str, lines: tuple[str, ...]) -> None:
    assert read_answer(text, HOST).lines == lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HOST}\n{SERVED}", "Could not read served logs: Client error '404 NOT FOUND'"),
        (f"{HOST}\n{NONE}{SERVED}", "No logs found on s3 for ti="),
        (f"{HOST}\n{NONE}{KEY}{SERVED}", "!!!! Please make sure"),
        (f"{HOST}\n{NONE}", "No logs found on s3"),
        (f"{HOST}\n*** No logs found\n", "No logs found"),
        (f"{HOST}\n{OURS}", "The task log cannot be read: the S3 server"),
        (f"{HOST}\n{OURS}{SERVED}", "remote log"),
        (
            f"{HOST}\n*** The task log cannot be read: it is not stored yet (s3://task-logs/x).\n*** Next: load this page again\n",
            "not stored yet",
        ),
        (f"{HOST}\n{POD}", "Reading from k8s pod logs failed: (404) Reason: Not Found"),
        # Found, but not read: the error stands where the log would.
        (f"{HOST}\n{FOUND}Could not read logs from s3://logs/x with error: Connect timeout\n", "with error: Connect timeout"),
        (f"{HOST}\nError fetching the logs. Try number 0 is invalid.\n", "Try number 0 is invalid"),
        # 2.10
        (f"{HOST}\n{GROUP}{NONE}{SERVED}{END}", "No logs found on s3"),
        (f"{HOST}\n{GROUP}{END}", ""),
        (f"{HOST}\n{FOUND}\n\n", "Found logs in s3:"),
        (f"{HOST}\n", ""),
        ("", ""),
    ],
)
def test_a_message_is_no_log(text: str, message: str) -> None:
    found = read_answer(text, HOST)
    assert found.lines == ()
    assert message in "; ".join(found.messages)


def test_an_empty_line_is_no_part_of_a_message() -> None:
    assert read_answer(f"{HOST}\n{GROUP}{NONE}\nand more\n{END}", HOST).messages == (f"{NONE[4:-1]} and more",)


# A failed BashOperator of Airflow 2.10, shortened.
TRACEBACK = """\
INFO - words of the task
ERROR - Task failed with exception
Traceback (most recent call last):
  File "/home/airflow/.local/lib/python3.11/site-packages/airflow/models/taskinstance.py", line 768, in _execute_task
    result = _execute_callable(context=context, **execute_callable_kwargs)
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/airflow/.local/lib/python3.11/site-packages/airflow/operators/bash.py", line 276, in execute
    raise AirflowException(
airflow.exceptions.AirflowException: Bash command failed.
INFO - Task exited with return code 1""".splitlines()
OWN = """\
  File "/opt/airflow/dags/repo/dags/mine.py", line 9, in load
    return 1 / 0
           ~~^~~
ZeroDivisionError: division by zero""".splitlines()


@pytest.mark.parametrize(
    ("lines", "most", "shown"),
    [
        ([], 3, []),
        (["a", "b", "c"], 2, ["b", "c"]),
        (["a", "    indented output"], 2, ["a", "    indented output"]),
        (TRACEBACK, 20, [*TRACEBACK[:3], LEFT_OUT, *TRACEBACK[-2:]]),
        ([*TRACEBACK[:6], *OWN], 20, [*TRACEBACK[:3], LEFT_OUT, *OWN]),
        ([*OWN, *TRACEBACK[3:]], 20, [*OWN, LEFT_OUT, *TRACEBACK[-2:]]),
        (['  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode', "    raise", "E: x"], 20, [LEFT_OUT, "E: x"]),
    ],
    ids=["empty", "short", "indented", "library", "own-last", "own-first", "standard-library"],
)
def test_the_end_of_a_log_is_the_tasks_own(lines: list[str], most: int, shown: list[str]) -> None:
    assert last_lines(lines, most) == shown


def entry(text: str, level: str = "INFO", place: str = "local_task_job_runner.py:225") -> str:
    return f"[2026-11-26T19:17:03.747+0000] {{{place}}} {level} - {text}"


FAILED = entry("Task failed with exception", "ERROR", "taskinstance.py:1824")
TRACE = [
    "Traceback (most recent call last):",
    '  File "/opt/airflow/dags/repo/dags/a.py", line 16, in chained',
    '    raise RuntimeError("no x") from e',
    "    ^^^^^^^^^",
]
AFTER = [
    entry("Marking task as FAILED. dag_id=a, task_id=b", place="taskinstance.py:1345"),
    entry("Failed to execute job 3 for task b (no x; 29931)", "ERROR", "standard_task_runner.py:104"),
    entry("Task exited with return code 1"),
    entry("0 downstream tasks scheduled from follow-on schedule check"),
]
KEY_ERROR = ["Traceback (most recent call last):", '  File "a.py", line 14', "KeyError: 'x'", ""]
PRINTED = [
    entry(text, "WARNING", "logging_mixin.py:150") for text in ("Traceback (most recent call last):", '  File "a.py", line 2', "OSError: x")
]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([FAILED, *TRACE, "RuntimeError: no x", *AFTER], "RuntimeError: no x"),
        ([FAILED, *KEY_ERROR, "The above exception was the direct cause:", "", *TRACE, "RuntimeError: no x", *AFTER], "RuntimeError: no x"),
        ([FAILED, *TRACE, "ValueError: first", "second", *AFTER], "ValueError: first"),
        ([FAILED, *TRACE, "ValueError: ", "  the message", *AFTER], "ValueError: the message"),
        ([FAILED, *TRACE, "ValueError: ", *AFTER], "ValueError: "),
        # What a task printed is not what ended it.
        ([*PRINTED, entry("Task exited with return code -9"), AFTER[-1]], "Task exited with return code -9"),
        ([*KEY_ERROR, entry("Task exited with return code Negsignal.SIGKILL")], "Task exited with return code Negsignal.SIGKILL"),
        ([*PRINTED, entry("the disk is full", "ERROR"), *AFTER], "the disk is full"),
        ([entry("no more", "CRITICAL"), *AFTER[-2:]], "no more"),
        # sys.exit
        ([entry("Running on host a"), *AFTER[-2:]], "Task exited with return code 1"),
        (["plain words", "more", ""], "more"),
        ([TRACE[0]], TRACE[0]),
        ([], ""),
    ],
)
def test_f22_the_line_that_says_why_a_task_failed(lines: list[str], expected: str) -> None:
    assert error_line(lines) == expected


@pytest.mark.parametrize(
    ("task", "name"), [({"task_id": "a", "map_index": -1}, "a"), ({"task_id": "a", "map_index": 0}, "a[0]"), ({"task_id": "a"}, "a")]
)
def test_f22_the_name_of_a_task(task: dict[str, object], name: str) -> None:
    assert task_name(task) == name
