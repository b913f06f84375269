# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws a timeline as tables of HTML, in which each bar has its numbers beside it. Pure: events in, text out."""

from __future__ import annotations

import datetime
import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import instant
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_timeline import (
    DAG_RUN,
    DATABASE,
    MIGRATIONS,
    POD,
    PREPARES,
    PROOF,
    QUEUED,
    SYNC,
    WAITS,
    WORKER,
    Event,
)

TITLES = {
    SYNC: "Argo CD",
    DATABASE: "Database",
    MIGRATIONS: "Migrations",
    POD: "Airflow",
    DAG_RUN: "DAG run",
    WORKER: "Worker pod",
    PROOF: "Verification",
}
"""What a row is about, by the kind of its events."""
# A pause of so many seconds begins another chart: on one axis with it nothing else could be seen.
PAUSE_SECONDS = 600.0
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
MOST_TICKS = 8


def escaped(value: Any, unknown: str = "unknown") -> str:
    """A value from the cluster as text of HTML, in an attribute, too."""
    return html.escape(printable(str("" if value is None else value))) or unknown


def breakable(value: Any) -> str:
    """The same of a long name, which may go on in the next line after a sign."""
    return re.sub(r"([/:.])", r"\1<wbr>", escaped(value))


def seconds_text(seconds: float) -> str:
    """Kubernetes writes whole seconds, so 0 means less than one."""
    if seconds < 1:
        return "&lt;1 s"
    return f"{seconds:,.1f} s" if seconds % 1 and seconds < 10 else f"{seconds:,.0f} s"


def pause_text(seconds: float) -> str:
    """The two largest units of a pause."""
    left, parts = round(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"


def clock(text: Any, day: str = "") -> str:
    """A time of a day (``YYYY-MM-DD``), with its date if it is another day's."""
    at = instant(str(text or ""))
    if at is None:
        return "unknown"
    utc = at.astimezone(datetime.UTC)
    date = f"{utc:%Y-%m-%d} " if f"{utc:%Y-%m-%d}" != day else ""
    return f'<time datetime="{utc:%Y-%m-%dT%H:%M:%SZ}">{date}{utc:%H:%M:%S}</time>'


def in_parts(events: Sequence[Event]) -> list[list[Event]]:
    """The events in the order of time, a new part after each pause."""
    parts: list[list[Event]] = []
    last: datetime.datetime | None = None
    for event in sorted(events, key=lambda item: item.began):
        if last is None or (event.began - last).total_seconds() > PAUSE_SECONDS:
            parts.append([])
        parts[-1].append(event)
        last = max(filter(None, (last, event.began, event.ended)))
    return parts


def chart(events: Sequence[Event]) -> str:
    """A table for each part."""
    drawn: list[str] = []
    end: datetime.datetime | None = None
    for part in in_parts(events):
        start = part[0].began
        if end:
            drawn.append(f'<p class="pause">{pause_text((start - end).total_seconds())} later</p>')
        end = max(event.ended or event.began for event in part)
        drawn.append(_table(part, start, end))
    return "\n".join(drawn)


def _table(part: Sequence[Event], start: datetime.datetime, end: datetime.datetime) -> str:
    length, day = (end - start).total_seconds(), f"{start:%Y-%m-%d}"
    span = max(length, 1.0)
    step = next((step for step in STEPS if span / step <= MOST_TICKS), STEPS[-1] * (1 + span // (STEPS[-1] * MOST_TICKS)))
    ticks = [number * step for number in range(int(span // step) + 1)]
    marks = "".join(f'<span class="tick" style="left:{tick / span:.2%}">{tick:,.0f}</span>' for tick in ticks)
    rows: dict[tuple[str, str], list[Event]] = {}
    for event in part:
        rows.setdefault((event.kind, event.subject), []).append(event)
    body = "\n".join(_row(kind, subject, mine, start, span, day) for (kind, subject), mine in rows.items())
    return f"""<div class="scroll" role="region" aria-label="Timeline" tabindex="0"><table class="chart" style="--step:{step / span:.2%}">
<caption>{clock(start.isoformat())} to {clock(end.isoformat(), day)} UTC: <b>{seconds_text(length)}</b></caption>
<thead><tr><th scope="col">What</th><th scope="col" class="axis">Seconds since the first start<span class="ticks">{marks}</span></th>
<th scope="col">Start (UTC)</th><th scope="col">Seconds of each phase</th></tr></thead>
<tbody>
{body}
</tbody></table></div>"""


def _row(kind: str, subject: str, events: Iterable[Event], start: datetime.datetime, span: float, day: str) -> str:
    bars, notes, first = "", [], ""
    for event in events:
        first = first or event.start
        place = f"left:{(event.began - start).total_seconds() / span:.2%};width:{(event.seconds or 0) / span:.2%}"
        shade = f"{_shade(event)}{' open' if event.seconds is None else ''}"
        bars += f'<span class="bar {shade}" style="{place}"></span>'
        notes.append(f'<li><span class="key {shade}"></span>{escaped(event.label)}{_duration(event)}</li>')
    return (
        f'<tr><th scope="row"><small>{TITLES.get(kind) or escaped(kind)}</small>{breakable(subject)}</th>'
        f'<td class="track"><div class="bars">{bars}</div></td><td>{clock(first, day)}</td><td><ul>{"".join(notes)}</ul></td></tr>'
    )


def _shade(event: Event) -> str:
    if event.label in (WAITS, QUEUED):
        return "wait"
    return "prepare" if event.label == PREPARES else event.kind if event.kind in TITLES else "other"


def _duration(event: Event) -> str:
    if event.is_moment:
        return ""
    return f": <b>{seconds_text(event.seconds)}</b>" if event.seconds is not None else ": end unknown"
