# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Airflow's log endpoint answers: a task's log, or why there is none (yet). Pure: text in, lines out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

# Lines of the readers in Airflow 2.6 to 2.10 (airflow/utils/log/file_task_handler.py, which calls them messages) come first, each after
# three asterisks; 2.10 puts them in a group. An exception's text goes on in lines without a mark.
MARK = "***"
GROUP, GROUP_END = "::group::Log message source details", "::endgroup::"
CONTINUED = re.compile(r"For more information check: |See more at https?://|\(\d{3}\)$|Reason: |HTTP response (headers|body): ")
# These stand where the log would: the S3 reader's failure at a log that exists, and a try that never began.
NO_LOG = re.compile(r"Could not read logs from \S+ with error: |Error fetching the logs\. ")
# A frame of Python's traceback, whose source lines are indented deeper, and where libraries are installed.
FRAME = re.compile(r' +File "(?P<path>[^"]+)", line \d+, in ')
LIBRARY = re.compile(r"/site-packages/|/lib/python3\.\d+/")
LEFT_OUT = "  …"
TRACEBACK = "Traceback (most recent call last):"
# What Airflow writes before a line: time, place, level. After the exception it repeats it without its type ("Failed to execute job").
_MARKED = re.compile(r"\[[^\]]*\] \{[^}]*\} (?P<level>[A-Z]+) - (?P<text>.*)")
_REPEATED = "Failed to execute job "
_ENDED = re.compile(r"Task exited with return code (?P<code>\S+)$")
# One with an exception ends with 1. Others were ended by something else, and have no exception of their own.
_OWN_ENDS = ("0", "1")


@dataclass(frozen=True)
class TaskLog:
    """The log's own lines, none where it is not there, and what Airflow's readers say of it."""

    lines: tuple[str, ...]
    messages: tuple[str, ...]


def read_answer(text: str, hostname: str) -> TaskLog:
    """Takes apart the endpoint's plain text, whose first line is the task instance's host (empty where it has none).

    The log of an ended task is uploaded after its change of state, so an answer without lines may be followed by one with them (F1).
    """
    lines = text.splitlines()
    if lines and lines[0].strip() in ("", hostname):
        del lines[0]
    messages: list[str] = []
    grouped = False
    while lines:
        line = lines[0].strip()
        if line.endswith(GROUP):
            grouped = True
        elif grouped and line.endswith(GROUP_END):
            grouped = False
        elif line.startswith(MARK):
            messages.append(line.removeprefix(MARK).strip())
        elif line and (grouped or (messages and CONTINUED.match(line))):
            messages[-1:] = [" ".join([*messages[-1:], line])]
        elif NO_LOG.match(line):
            messages.append(line)
        elif line:
            break
        del lines[0]
    while lines and not lines[-1].strip():
        del lines[-1]
    return TaskLog(tuple(lines), tuple(filter(None, messages)))


def last_lines(lines: Iterable[str], most: int) -> list[str]:
    """The end of a log. Frames of libraries are left out of tracebacks: they would take the place of what the task said itself."""
    kept: list[str] = []
    library = False
    for line in lines:
        if frame := FRAME.match(line):
            library = LIBRARY.search(frame["path"]) is not None
        elif not line.startswith("    "):
            library = False
        if not library:
            kept.append(line)
        elif kept[-1:] != [LEFT_OUT]:
            kept.append(LEFT_OUT)
    return kept[-most:]


def error_line(lines: Sequence[str]) -> str:
    """Why the task failed, as far as one line says it: what ended it, its last exception, its last line with an error, or its last line."""
    marked = [match for line in lines if (match := _MARKED.match(line))]
    ends = [match for item in marked if (match := _ENDED.match(item["text"]))]
    if ends and ends[-1]["code"] not in _OWN_ENDS:
        return ends[-1][0]
    starts = [index for index, line in enumerate(lines) if line == TRACEBACK]
    if starts:
        after = [line for line in lines[starts[-1] + 1 :] if line.strip()]
        for line, more in zip_longest(after, after[1:], fillvalue=""):
            if not line.startswith(" "):
                # Its message may begin on the next line.
                return f"{line.rstrip()} {more.strip()}" if line.rstrip().endswith(":") and not _MARKED.match(more) else line
    errors = [item["text"] for item in marked if item["level"] in ("ERROR", "CRITICAL") and not item["text"].startswith(_REPEATED)]
    last = next((line for line in reversed(lines) if line.strip()), "")
    return errors[-1] if errors else ends[-1][0] if ends else last


def task_name(task: Mapping[str, Any]) -> str:
    """``load``, or ``load[3]`` of a mapped one."""
    index = task.get("map_index")
    return f"{task['task_id']}[{index}]" if isinstance(index, int) and index >= 0 else str(task["task_id"])
