# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a judgement may say: done, waiting or failed, each with its reason."""

from __future__ import annotations

import datetime
import json
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
