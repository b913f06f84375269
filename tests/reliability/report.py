# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/reliability.md from what was measured. Figures come from nowhere else. Run by itself, it writes the document again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).with_name("measured.json")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/reliability.md"

Row = Mapping[str, Any]
SHOWN, LENGTH = 5, 140
_VOLATILE = re.compile(r" after \d+ ms| at http://127\.0\.0\.1:\d+")

HEAD = """\
# Reliability
What happens when things break, measured on a real platform. Nobody edits this file: the scripts below write it from
`tests/reliability/measured.json`, which holds all that they saw.

```console
$ make site                                      # once, for .venv and the images; or: make dev engine
$ .venv/bin/python tests/reliability/resume      # about 25 minutes; --list names the moments, --only some of them
$ .venv/bin/python tests/reliability/faults      # about 20 minutes; --list and --only, too
$ .venv/bin/python tests/reliability/soak        # two hours; --half idle or busy, --minutes
```
Each makes the cluster `airflow-reliability` on ports 48080 and 48443 beside whatever else runs, and removes it at the end.
"""
RESUME = """\
## `make site` killed and run again
SIGKILL for the run and all its descendants, as in a power cut; each row began without a cluster. The second run is the same command with
nothing done in between; the third must change nothing.
"""
FAULTS = """\
## Faults, with a DAG run in flight
The run's first task takes 45 seconds and was running when the fault came; its second task starts after the first. Both may be tried four
times. Seconds count from the fault. Nobody did anything to mend it, but where the table says so. "Well" means that the health endpoint
(asked every half second) and the verdict of `make status` (asked every second or two) found nothing wrong from then on; after that
`make status` itself had to end with exit code 0. It tells a failure of git-sync for a minute after the last one.
Behind each complaint stand the first and the last look that met it.
"""
SOAK = """\
## An hour of standstill, an hour of work
Nothing may restart, no answer of Airflow's health endpoint (asked every 5 seconds through the Kubernetes API) may be unhealthy, and the
memory of every container must be flat: the median slope between all pairs of samples, after the first 15 minutes, is at most 8 MiB an
hour or 5 % of the level. Memory is anonymous memory, as the kubelet reports it every 30 seconds. While busy, a DAG runs every minute with a
task in each of two namespaces.
"""


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> list[str]:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


def _changes(run: Row) -> str:
    if run["code"]:
        return f"**failed**: {_short(run['why'])}"
    return f"failed={run['failed']}, changed={run['changed']}"


def resume_table(rows: Mapping[str, Row]) -> list[str]:
    head = ("killed", "after", "second run", "in", "third run", "in")
    cells = [
        (
            row["moment"],
            f"{row['killed_after']:.0f} s",
            _changes(row["second"]),
            f"{row['second']['seconds']:.0f} s",
            _changes(row["third"]),
            f"{row['third']['seconds']:.0f} s",
        )
        for row in sorted(rows.values(), key=lambda row: row["killed_after"])
    ]
    return _table(head, cells)


def _seen(told: Row) -> str:
    """What was wrong, from the first to the last look that saw it. Texts that differ in a measured time or a port only are one."""
    spans: dict[str, tuple[float, float]] = {}
    for span in told["wrong"]:
        text = _short(_VOLATILE.sub("", span["what"]))
        begin, end = spans.get(text, (span["from"], span["to"]))
        spans[text] = (min(begin, span["from"]), max(end, span["to"]))
    ordered = sorted(spans.items(), key=lambda item: item[1])
    lines = [f"{text} ({begin:.0f} to {end:.0f} s)" for text, (begin, end) in ordered[:SHOWN]]
    lines += [f"and {len(ordered) - SHOWN} more"] if len(ordered) > SHOWN else []
    return "<br>".join(lines) or "nothing wrong"


def _well(row: Row) -> str:
    times = [row[name]["well_after"] for name in ("health", "status")]
    if None in times:
        return "**not by itself**"
    text = f"{max(times):.0f} s" if max(times) else "at once"
    if row["outage"]:
        text += f" ({max(0.0, max(times) - row['outage']):.0f} s after its return)"
    if compared := row["compared"]:
        how = "came" if compared["done"] else "**failed**"
        text += f"; a comparison with Git that was asked for right away {how} after {compared['seconds']:.0f} s"
    return text


def _run(run: Row) -> str:
    tries = ", ".join(f"`{task}` {count}" for task, count in run["tries"].items())
    return f"{run['state']} after {run['ended_after']:.0f} s; tries: {tries}"


def _lost(row: Row) -> str:
    held = row["held"]
    before, after = (sum(held[name].values()) for name in ("rows_before", "rows_after"))
    kept = f"{held['runs']} runs, {held['tasks']} task instances; rows {before} → {after}"
    return f"**{'; '.join(row['lost'])}**" if row["lost"] else f"nothing of {kept}"


def faults_table(rows: Mapping[str, Row]) -> list[str]:
    head = ("fault", "health endpoint", "`make status`", "well again after", "the run in flight", "lost")
    cells = [
        (row["fault"], _seen(row["health"]), _seen(row["status"]), _well(row), _run(row["run"]), _lost(row))
        for row in sorted(rows.values(), key=lambda row: row["fault"])
    ]
    return _table(head, cells)


def _flat(found: Row) -> str:
    verdict = {True: "", False: " **grows**", None: " (too short to say)"}[found["flat"]]
    return f"{found['level'] / 2**20:.0f} MiB, {found['slope'] / 2**20:+.1f} MiB/h{verdict}"


def soak_tables(rows: Mapping[str, Row]) -> list[str]:
    ordered = sorted(rows.items(), reverse=True)
    head = ("half", "for", "health endpoint", "restarts", "DAG runs", "verdict")
    cells = [
        (
            name,
            f"{row['seconds'] / 60:.0f} min",
            f"{_seen(row['health'])} in {row['health']['looks']} answers",
            "<br>".join(row["restarts"]) or "none",
            ", ".join(f"{count} {state}" for state, count in sorted(row["runs"].items())) or "none",
            "passed" if row["passed"] else "**failed**",
        )
        for name, row in ordered
    ]
    containers = sorted({name for row in rows.values() for name in row["memory"]})
    memory = [(name, *("-" if name not in row["memory"] else _flat(row["memory"][name]) for _half, row in ordered)) for name in containers]
    return [*_table(head, cells), "", *_table(("memory of", *(name for name, _row in ordered)), memory)]


def _conditions(rows: Mapping[str, Row]) -> str:
    """The machines and days on which the rows were measured, usually one."""
    found = [row["conditions"] for row in rows.values()]
    machines = {f"{item['cpus']} CPUs, {item['memory_gib']} GiB, {item['system']}, {item['images']} images" for item in found}
    times = sorted(item["measured"] for item in found)
    return f"Measured from {times[0]} to {times[-1]} on: {'; '.join(sorted(machines))}."


def document(measured: Mapping[str, Mapping[str, Row]]) -> str:
    lines = [HEAD]
    for section, text, table in (("resume", RESUME, resume_table), ("faults", FAULTS, faults_table), ("soak", SOAK, soak_tables)):
        if rows := measured.get(section):
            lines += [text, *table(rows), "", _conditions(rows), ""]
    return "\n".join(lines).rstrip() + "\n"


def write() -> None:
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document(json.loads(MEASURED.read_text())))


if __name__ == "__main__":
    write()
