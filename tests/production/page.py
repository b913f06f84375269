# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/production.md from rows.yml and from what `run` measured: nobody can claim what was not run. As a program it writes the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
MEASURED, ROWS, PARTS = HERE / "measured.json", HERE / "rows.yml", HERE / "parts.yml"
DOCUMENT = HERE.parents[1] / "docs/production.md"

HEAD = """\
# Production
What a platform team needs beyond `make site`, what the collection has for it, and what proves it. Do not edit this page:
`tests/production/page.py` writes it from `tests/production/rows.yml` and from the results of `make production`.

```console
$ make production                      # all parts, one after the other; exit code 0 only if all passed
$ make production ARGS=--list          # the parts, how long each takes, and when it ran last
$ make production ARGS="faults logs"   # some of them
```
"""
NOT_BUILT, NOT_RUN = "not built yet", "not run yet"


def read(path: Path) -> Any:
    """A YAML file (JSON is YAML, too); nothing if it does not exist."""
    return (yaml.safe_load(path.read_text()) if path.exists() else None) or {}


def part_of(proof: str) -> str:
    """The part that runs a proof: a scenario is one of the part molecule."""
    return proof.partition(":")[0]


def problems(tables: Sequence[Mapping[str, Any]], parts: Mapping[str, Any]) -> list[str]:
    """What is wrong with the rows: a proof that no part runs, two rows of one need."""
    rows = [row for table in tables for row in table["rows"]]
    unknown = [f"{row['need']}: no part {proof}" for row in rows for proof in row.get("proofs", ()) if part_of(proof) not in parts]
    needs = [row["need"] for row in rows]
    return unknown + [f"{need}: twice" for need in sorted(set(needs)) if needs.count(need) > 1]


def last_run(proofs: Sequence[str], measured: Mapping[str, Mapping[str, Any]]) -> str:
    """When the proofs ran last: the earliest of their parts' dates, or that one of them failed or never ran."""
    results = [measured.get(part_of(proof)) for proof in proofs]
    if not proofs:
        return ""
    found = [result for result in results if result]
    if failed := [result for result in found if not result["passed"]]:
        return f"**failed** on {failed[0]['measured']}"
    return min(result["measured"] for result in found) if len(found) == len(results) else NOT_RUN


def _proof_text(proof: str) -> str:
    part, _colon, scenario = proof.partition(":")
    return f"scenario `{scenario}`" if scenario else f"`{part}`"


def page(tables: Sequence[Mapping[str, Any]], measured: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole page."""
    lines = [HEAD]
    for table in tables:
        lines += [f"## {table['table']}", "| need | how | proof | last run |", "|---|---|---|---|"]
        for row in table["rows"]:
            proofs = row.get("proofs", [])
            cells = (row["need"], row.get("how", NOT_BUILT), ", ".join(map(_proof_text, proofs)) or "none", last_run(proofs, measured))
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    lines += ["## Parts", "| part | command | took | last run | on |", "|---|---|---|---|---|"]
    for name, part in read(PARTS).items():
        result = measured.get(name)
        ran = _result(result) if result else ("", NOT_RUN, "")
        lines.append("| " + " | ".join((f"`{name}`", f"`{' '.join(part['command'])}`", *ran)) + " |")
    return "\n".join(lines) + "\n"


def _result(result: Mapping[str, Any]) -> tuple[str, str, str]:
    seconds = int(result["seconds"])
    state = "" if result["passed"] else "**failed** on "
    where = f"{result['cpus']} CPUs, {result['memory_gib']} GiB, {result['system']}, {result['images']} images"
    return f"{seconds // 60} min {seconds % 60} s", f"{state}{result['measured']}", where


def write() -> None:
    DOCUMENT.write_text(page(read(ROWS), read(MEASURED)))


if __name__ == "__main__":
    write()
