# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wait shows: one line for each change of state, or one sum if there are many."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from ansible.module_utils.common.parameters import remove_values
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten

# The environment variable in which the action plugin names the file that it reads along (plugin_utils/_progress.py).
VARIABLE = "GITOPS_AIRFLOW_PROGRESS_FILE"
# Of more than MANY the sum is shown, with the last FEW by name.
MANY = 10
FEW = 3
LENGTH = 300
# Characters of a line of a log.
LOG_LENGTH = 4000

Line = dict[str, Any]


class Progress:
    """Notes each thing that is waited for, and writes what has changed. Without ``write`` it does nothing."""

    def __init__(self, write: Callable[[Line], None] | None = None) -> None:
        self._write = write
        self._seen: dict[str, tuple[str, str]] = {}
        self._kinds: Counter[str] = Counter()
        self._changed: dict[str, str] = {}
        self._begun = False
        self._sum = ""

    @property
    def shown(self) -> bool:
        """Whether anybody reads it, so that a look for its sake alone is worth a request."""
        return self._write is not None

    def note(self, name: str, kind: str, text: str) -> None:
        """How it is with one of them; ``kind`` is a verdict's. A remark on the whole has no name and is not counted.

        What is done at the first look is counted, not shown.
        """
        known = self._seen.get(name)
        if self._write is None or known == (kind, text):
            return
        self._seen[name] = (kind, text)
        if name:
            self._kinds[kind] += 1
        if name and known:
            self._kinds[known[0]] -= 1
        if self._begun or kind != "done":
            self._changed[name] = text

    def show(self, elapsed: float) -> None:
        """Writes what has changed since the last call, ``elapsed`` seconds after the wait began."""
        changed, self._changed, self._begun = self._changed, {}, True
        if self._write is None or not changed:
            return
        many = self._total() > MANY
        for name, text in changed.items():
            if not (many and name):
                self._write({"elapsed": round(elapsed, 3), "text": f"{name}: {text}" if name else text})
        if many and (text := self._sum_text()) != self._sum:
            self._sum = text
            self._write({"elapsed": round(elapsed, 3), "text": text, "sum": True})

    def line(self, text: str, elapsed: float | None = None) -> None:
        """Writes a line that is neither summed up nor shortened to its words, such as one of a log. Without ``elapsed`` it has no time."""
        if self._write is not None:
            self._write({"text": text, "whole": True, **({} if elapsed is None else {"elapsed": round(elapsed, 3)})})

    def _total(self) -> int:
        return len(self._seen) - ("" in self._seen)

    def _sum_text(self) -> str:
        parts = [f"{self._kinds['done']} of {self._total()} done"]
        if self._kinds["failed"]:
            parts.append(f"{self._kinds['failed']} failed")
        if 0 < self._kinds["waiting"] <= FEW:
            parts.append("waiting for " + ", ".join(name for name, (kind, _text) in self._seen.items() if name and kind == "waiting"))
        return ", ".join(parts)

    def tell(self, elapsed: float, name: str, kind: str, text: str) -> None:
        """Notes one and shows it."""
        self.note(name, kind, text)
        self.show(elapsed)


def cut(text: str) -> str:
    """A line of a log with its indentation, as far as a terminal can show it."""
    return text if len(text) <= LOG_LENGTH else f"{text[:LOG_LENGTH]} … ({len(text) - LOG_LENGTH} more characters)"


def open_progress(secrets: Collection[str] = (), elapsed: Callable[[], float] | None = None) -> Progress:
    """The progress that the action plugin has asked for, if it has. ``secrets`` are blotted out as in a module's result.

    ``elapsed`` gives the seconds of each line instead of the wait itself, for a module that makes several waits one after another.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return Progress()
    try:
        # Never made here: when the action plugin has gone, so has its file.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    except OSError:
        return Progress()

    def write(line: Line) -> None:
        with suppress(OSError):  # a full disk must not end the wait
            text = remove_values(line["text"], secrets)  # before it is cut: half a secret is none that is known
            text = cut(masked_words(text)) if line.get("whole") else shorten(text, LENGTH)
            seconds = {} if elapsed is None or "elapsed" not in line else {"elapsed": round(elapsed(), 3)}
            os.write(descriptor, json.dumps({**line, **seconds, "text": text}).encode() + b"\n")

    return Progress(write)
