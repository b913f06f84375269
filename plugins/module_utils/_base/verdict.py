# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a judgement may say: done, waiting or failed, each with its reason."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Obj = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """One judgement. ``wake`` is the time (seconds, the caller's clock) at which it may change without any event."""

    kind: Literal["done", "waiting", "failed"]
    reason: str
    wake: float | None = None


def done(reason: str = "") -> Verdict:
    return Verdict("done", reason)


def waiting(reason: str, wake: float | None = None) -> Verdict:
    return Verdict("waiting", reason, wake)


def failed(reason: str) -> Verdict:
    return Verdict("failed", reason)


def earliest(times: Iterable[float | None]) -> float | None:
    """The soonest of the given times, or None where there is none."""
    return min((time for time in times if time is not None), default=None)


def timestamp(value: str | None) -> datetime.datetime | None:
    """Reads the RFC 3339 time of a Kubernetes object."""
    if not value:
        return None
    try:
        return datetime.datetime.fromisoformat(value)
    except ValueError:
        return None


def significant(value: Any) -> Any:
    """Drops what Go's omitempty would drop, at every depth, so that a spec and its copy in a status compare equal."""
    if isinstance(value, dict):
        # A chart's values are the user's own: there false and 0 say something.
        kept = {key: json.dumps(item, sort_keys=True) if key == "valuesObject" else significant(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, "", False, 0, [], {})}
    if isinstance(value, list):
        return [significant(item) for item in value]
    return value


def contains(whole: Any, part: Any) -> bool:
    """Whether ``part`` is found in ``whole``: dictionaries by key, lists element by element in their order."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and contains(whole[key], item) for key, item in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(contains, whole, part))
    return bool(whole == part)


def named(items: Iterable[object], most: int = 6) -> str:
    """Names in a row; of many, the first ones and how many more there are."""
    texts = list(dict.fromkeys(str(item) for item in items))
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def listed(items: Sequence[str], most: int) -> str:
    """The first of them in one line, and how many more there are."""
    more = len(items) - most
    return "; ".join(items[:most]) + (f"; and {more} more" if more > 0 else "")


# What gRPC and Argo CD put before a reason, and folders of a file: they say nothing of it.
_WRAPPER = re.compile(r"rpc error: code = Unknown desc = |Manifest generation error \(cached\): |<api versions removed> ")
_FOLDERS = re.compile(r"(?<![\w:/.~-])/(?:[^\s/:'\"`,;]+/){2,}")


def _without_repetition(line: str) -> str:
    """The line without wrappers, without folders of files, and each of its parts that stands there again only once, the last time."""
    parts = _FOLDERS.sub("…/", _WRAPPER.sub("", line)).split(": ")
    # A single word may say what follows it, such as that it is a password.
    return ": ".join(part for index, part in enumerate(parts) if " " not in part or part not in parts[index + 1 :])


def shorten(text: str, length: int = 600) -> str:
    """One line of at most ``length`` characters: the cause of what failed stands last, so it is cut before its end.

    Wrappers, folders and repetitions go first, then the middle. It is cut between words, so that half a URL with a password is not left,
    which no pattern finds.
    """
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    line = _without_repetition(line)
    if len(line) <= length:
        return line
    head = line[: length // 3]
    tail = line[len(line) - (length - len(head) - 3) :]
    return f"{head.rpartition(' ')[0] or head} … {tail.partition(' ')[2] or tail}"
