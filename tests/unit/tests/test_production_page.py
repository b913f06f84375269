# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/production.md says of each need when its proof ran last, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "production"))

import page

OLD: dict[str, Any] = {"measured": "2026-11-01 10:00 UTC", "passed": True}
NEW: dict[str, Any] = {"measured": "2026-11-02 10:00 UTC", "passed": True}
BAD: dict[str, Any] = {"measured": "2026-11-03 10:00 UTC", "passed": False}


@pytest.mark.parametrize(
    ("proofs", "measured", "expected"),
    [
        ([], {}, ""),
        (["faults"], {}, page.NOT_RUN),
        (["faults"], {"faults": OLD}, OLD["measured"]),
        (["molecule:site", "faults"], {"molecule": NEW, "faults": OLD}, OLD["measured"]),
        # What has not run at all proves nothing, whatever the others did.
        (["faults", "soak"], {"faults": OLD}, page.NOT_RUN),
        (["faults", "soak"], {"faults": OLD, "soak": BAD}, f"**failed** on {BAD['measured']}"),
        (["soak", "faults"], {"soak": BAD}, f"**failed** on {BAD['measured']}"),
    ],
)
def test_last_run(proofs: list[str], measured: dict[str, Any], expected: str) -> None:
    assert page.last_run(proofs, measured) == expected


def test_wrong_rows_are_named() -> None:
    rows = [{"need": "a", "proofs": ["molecule:site", "faults"]}, {"need": "b", "proofs": ["molcule:site"]}, {"need": "a"}]
    assert page.problems([{"table": "x", "rows": rows}], {"molecule": {}, "faults": {}}) == ["b: no part molcule:site", "a: twice"]


def test_the_rows_are_right_and_the_page_is_made_of_them() -> None:
    tables, parts = page.read(page.ROWS), page.read(page.PARTS)
    assert page.problems(tables, parts) == []
    scenarios = {
        proof.partition(":")[2]
        for table in tables
        for row in table["rows"]
        for proof in row.get("proofs", [])
        if proof.startswith("molecule:")
    }
    assert scenarios <= {path.parent.name for path in page.DOCUMENT.parents[1].glob("molecule/*/molecule.yml")}
    assert all((page.DOCUMENT.parents[1] / part["command"][0]).exists() for part in parts.values())
    assert page.DOCUMENT.read_text() == page.page(tables, page.read(page.MEASURED)), "run tests/production/page.py"
