# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what a module writes down while it waits: a private file, read along in a thread until the module has ended."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ansible import constants as C
from ansible.utils.display import Display
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import VARIABLE
from ansible_collections.gitops.airflow.plugins.plugin_utils._hosted import HostedAction

READ_SECONDS = 0.1
SUM_SECONDS = 2.0
# In place of the seconds: a line of a log has its own time.
UNTIMED = " " * 10

display = Display()


class Lines:
    """Turns what the module wrote into lines to show. A sum is shown at most every SUM_SECONDS, the latest of them always."""

    def __init__(self, show: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._show, self._clock = show, clock
        self._rest = b""
        self._sum = ""
        self._next = 0.0

    def feed(self, data: bytes, last: bool = False) -> None:
        """Takes in what has come, in pieces of any size."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for text, summed in parsed(lines):
            if summed:
                self._sum = text
            else:
                self._show(text)
        if self._sum and (last or self._clock() >= self._next):
            self._show(self._sum)
            self._sum, self._next = "", self._clock() + SUM_SECONDS


def parsed(lines: Iterable[bytes]) -> Iterator[tuple[str, bool]]:
    """The line to show for each that the module wrote, and whether it is a sum. No terminal is steered by it."""
    for line in lines:
        try:
            item = json.loads(line)
            when = UNTIMED if item.get("whole") and "elapsed" not in item else f"{item['elapsed']:6.1f} s  "
            text = f"{when}{item['text']}"
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        yield printable(text).replace("\n", " "), bool(item.get("sum"))


@contextmanager
def followed(show: Callable[[str], None], folder: str) -> Iterator[str]:
    """A file that only this user may read, of which each line is shown as it comes. It is deleted at the end, in every case.

    Where none can be made the path is empty: a full disk must not end the wait.
    """
    try:
        descriptor, path = tempfile.mkstemp(prefix="progress-", dir=folder)
    except OSError:
        yield ""
        return
    try:
        ended, lines = threading.Event(), Lines(show, time.monotonic)

        def follow() -> None:
            last = False
            while not last:
                last = ended.wait(READ_SECONDS)
                lines.feed(b"".join(iter(lambda: os.read(descriptor, 65536), b"")), last)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield path
        finally:
            ended.set()
            thread.join()
    finally:
        with suppress(OSError):
            os.unlink(path)
        os.close(descriptor)


class WaitAction(HostedAction):
    """Runs the module of the same name as Ansible would without it, and shows its progress on standard error.

    Standard output stays the callback's own, whichever that is. It is also not flushed while a task runs, and standard error is.
    """

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        task = self._task
        if self._connection.transport != "local" or task.async_val or task.no_log or task.check_mode:
            return super().run(tmp, task_vars)  # type: ignore[no-any-return]
        given = task.environment
        try:
            with followed(lambda line: display.display(line, stderr=True), C.DEFAULT_LOCAL_TMP) as path:
                task.environment = [*(given if isinstance(given, list) else [given]), {VARIABLE: path} if path else {}]
                return super().run(tmp, task_vars)  # type: ignore[no-any-return]
        finally:
            task.environment = given
