# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an import error of Airflow says: why a DAG file cannot be read. Pure."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten

_FRAME = re.compile(r"\s+File \"")
_EXCEPTION = re.compile(r"(?!Traceback)[A-Za-z_][\w.]*(: |(?<=Error)$|(?<=Exception)$)")


def exception_text(trace: Any) -> str:
    """What a traceback ends with: the exception, whose message may have several lines, also such as look like an exception (V19)."""
    lines = str(trace or "").strip().splitlines()
    numbers = range(len(lines))
    frame = max((index for index in numbers if _FRAME.match(lines[index])), default=None)
    if frame is not None:
        first = next((index for index in numbers[frame + 1 :] if lines[index][:1].strip()), frame)
    else:
        first = next((index for index in reversed(numbers) if _EXCEPTION.match(lines[index])), max(0, len(lines) - 1))
    return shorten(" ".join(lines[first:]), 300)


def line_in(trace: Any, filename: str) -> int | None:
    """The last line of the file itself in the traceback, from which it called what failed."""
    found = re.findall(rf'^ *File "{re.escape(filename)}", line (\d+)', str(trace or ""), re.MULTILINE)
    return int(found[-1]) if found else None
