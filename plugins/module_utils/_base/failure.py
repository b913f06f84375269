# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a failed task's result: why it failed, and what to do."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable

WIDTH = 120
COLLECTION = "gitops.airflow."
OPTIONS = {"-i": "--inventory", "-e": "--extra-vars"}
# What make adds to a command (Makefile).
MADE = "@scripts/make_vars.yml"
AGAIN = "Remove this cause, and run the same command again. Completed steps are kept."
INTERRUPT = "Run the same command again: it continues from where it was."
HIDDEN = "Its output is hidden because secrets pass through it."
# ansible-core's own words before a module's message.
_PREFIX = re.compile(r"^(Task failed(?:: |\. )|Module failed: |Action failed: )+")
# kubernetes.core reports a refusal with its headers and a traceback; the API server's own words are in the middle.
_REFUSED = re.compile(
    r"Exception '(?P<status>\d{3})\s+Reason: (?:(?!raised while).)*?\"message\":\"(?P<message>.*?)\",\"(?:reason|code)\".*?"
    r"' raised while trying to \w+ resource using \([^)]*\)",
    re.DOTALL,
)
# What ansible-core says of a command that failed: in 2.18, in 2.21.
_EXIT_CODE = re.compile(r"non-zero return code\.?$")
# Only for the messages of roles' own assert and fail tasks, which can return nothing else.
_NEXT = re.compile(r"(?:^|(?<=[.:;\n]) ?)Next: ?", re.MULTILINE)


@dataclass(frozen=True)
class Failure:
    """A failed task, for a person."""

    role: str
    task: str
    why: str
    action: str


class FailedItems:
    """Collects a loop's failed items as they are reported: from 2.21 on the loop's own result no longer says which items failed."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], list[Mapping[str, Any]]] = {}

    def add(self, host: str, task: str, result: Mapping[str, Any]) -> None:
        """One failed item of the task with this unique id on this host."""
        self._items.setdefault((host, task), []).append(result)

    def take(self, host: str, task: str) -> list[Mapping[str, Any]]:
        """What was collected, once."""
        return self._items.pop((host, task), [])


def _items(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The results that failed: those of a loop, or the one."""
    return [item for item in result.get("results") or [] if isinstance(item, Mapping) and item.get("failed")] or [result]


def _message(result: Mapping[str, Any]) -> str:
    if result.get("censored"):
        return HIDDEN
    text = _PREFIX.sub("", str(result.get("msg") or "").strip())
    text = _REFUSED.sub(lambda found: f"{found['message']} ({found['status']})", text).replace('\\\\"', '"')
    # A command's message is only its exit code, and some commands say on standard output what is wrong.
    places = ("stderr", "module_stderr", "stdout", "module_stdout", "exception")
    said = next(filter(None, (str(result.get(place) or "").strip() for place in places)), "")
    if not text or text.startswith("MODULE FAILURE") or _EXIT_CODE.search(text):
        text = "\n".join(filter(None, [text, *said.splitlines()[-5:]]))
    return text or "The task gives no reason."


def _next_actions(result: Mapping[str, Any]) -> list[str]:
    """The result's own next action, or those of its diagnosis."""
    diagnosis = [item for item in result.get("diagnosis") or [] if isinstance(item, Mapping)]
    return [str(item["next_action"]) for item in ([result] if result.get("next_action") else diagnosis) if item.get("next_action")]


def explain(role: str, task: str, result: Mapping[str, Any], items: Sequence[Mapping[str, Any]] = ()) -> Failure:
    """What a task's result says of its failure. Modules here return ``next_action``.

    items are the results of a loop's failed items, where a callback was given them.
    """
    causes, actions = [], []
    # An item may be the result of a loop itself.
    for item in (part for outer in items or _items(result) for part in _items(outer)):
        why, rest = _message(item), _next_actions(item)
        if not rest:
            why, *rest = _NEXT.split(why, maxsplit=1)
        causes.append(why.strip())
        actions += [action.strip() for action in rest]
    if result.get("censored"):
        actions.append("Run status.yml: the state of the platform may show the cause.")
    return Failure(role, task, "\n".join(dict.fromkeys(causes)), " ".join(dict.fromkeys(actions)) or AGAIN)


def from_error(text: str) -> tuple[str, str]:
    """Cause and action in what Ansible says before any task could: its own words, without the excerpt of the file."""
    shown = []
    for line in text.strip().splitlines():
        if re.match(r"^(\d+ |\s+\^ column|\s*$)", line):
            break
        shown.append(re.sub(r"^(Error processing keyword '\w+'|Origin): ", lambda match: "in " if match[1] == "Origin" else "", line))
    why, *rest = _NEXT.split("\n".join(shown), maxsplit=1)
    action, *where = (rest[0] if rest else "").splitlines() or [""]
    return "\n".join([why.strip(), *where]), action.strip() or AGAIN


def lines(failure: Failure, evidence: str) -> list[str]:
    """The same few lines for every failure."""
    what = f"{failure.role}: {failure.task}" if failure.role else failure.task
    shown = []
    for label, text in (("what", what), ("why", failure.why), ("do", failure.action), ("evidence", evidence)):
        wrapped = [
            part
            for line in printable(text).splitlines()
            for part in textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        ]
        shown += [f"{label if not index else '':<9} {part}" for index, part in enumerate(wrapped)]
    return shown


def evidence(folder: str, arguments: Sequence[str], images: str = "") -> str:
    """How to collect what shows the cause, as a command of a clone or of the installed collection.

    arguments are those of ansible-playbook. Nobody needs to repeat the -e that make adds, nor the one of scripts/with-images (``images``).
    """
    clone = all(os.path.exists(os.path.join(folder, name)) for name in ("Makefile", "playbooks/support_bundle.yml"))
    command = "make support-bundle" if clone else f"ansible-playbook {COLLECTION}support_bundle"
    own = [item for item, value in zip_longest(arguments, arguments[1:]) if not (item == "-e" and value in (images or MADE, MADE))]
    given = [name for name, long in OPTIONS.items() if any(item.startswith((name, long)) for item in own)]
    if given:
        command += f", with this run's {' and '.join(given)}" + (' in ARGS="…"' if clone else "")
    return f"{command} (logs, events, manifests, versions; no secrets)"
