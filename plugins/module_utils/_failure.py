# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a failed task's result: why it failed, and what to do."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WIDTH = 120
AGAIN = "Remove that cause and run the same command again: what is done already is kept."
HIDDEN = "Its output is hidden because secrets pass through it."
# ansible-core's own words before a module's message.
_PREFIX = re.compile(r"^(Task failed(?:: |\. )|Module failed: |Action failed: )+")
_NEXT = re.compile(r"(?:^|(?<=[.:;\n]) ?)Next: ?", re.MULTILINE)


@dataclass(frozen=True)
class Failure:
    """A failed task, for a person."""

    role: str
    task: str
    why: str
    action: str


def _items(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The results that failed: those of a loop, or the one."""
    return [item for item in result.get("results") or [] if isinstance(item, Mapping) and item.get("failed")] or [result]


def _message(result: Mapping[str, Any]) -> str:
    if result.get("censored"):
        return HIDDEN
    text = _PREFIX.sub("", str(result.get("msg") or "").strip())
    # A command's message is only its exit code.
    said = str(result.get("stderr") or result.get("module_stderr") or "").strip()
    if said and (not text or text.startswith(("non-zero return code", "MODULE FAILURE"))):
        text = "\n".join(filter(None, [text, *said.splitlines()[-5:]]))
    return text or "It gives no reason."


def explain(role: str, task: str, result: Mapping[str, Any]) -> Failure:
    """What a task's result says of its failure. Modules here write ``Next: …``, or return ``diagnosis`` with ``next_action``."""
    causes, actions = [], []
    for item in _items(result):
        why, *rest = _NEXT.split(_message(item), maxsplit=1)
        for diagnosis in item.get("diagnosis") or []:
            if isinstance(diagnosis, Mapping) and diagnosis.get("next_action"):
                rest.append(str(diagnosis["next_action"]))
                why = why.replace(str(diagnosis["next_action"]), "")
        causes.append(why.strip())
        actions += [action.strip() for action in rest]
    if result.get("censored"):
        actions.append("Look at the platform's state (status.yml); it may show the cause.")
    return Failure(role, task, "\n".join(dict.fromkeys(causes)), " ".join(dict.fromkeys(actions)) or AGAIN)


def lines(failure: Failure, evidence: str) -> list[str]:
    """The same few lines for every failure."""
    what = f"{failure.role}: {failure.task}" if failure.role else failure.task
    shown = []
    for label, text in (("what", what), ("why", failure.why), ("do", failure.action), ("evidence", evidence)):
        wrapped = [
            part for line in text.splitlines() for part in textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        ]
        shown += [f"{label if not index else '':<9} {part}" for index, part in enumerate(wrapped)]
    return shown
