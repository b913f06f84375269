# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgements of tests/reliability, and its document: what it says is what was measured."""

from __future__ import annotations

import json
import re
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from typing import Any

import plain_english
import pytest
import report
import watchers
import yaml
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

BEFORE: dict[str, Any] = {
    "runs": {"a one": "success", "a two": "running"},
    "tasks": {"a one t -1": "success", "a two t -1": "running"},
    "rows": {"log": 7},
}
LOSSES = [
    ({}, []),
    ({"runs": {"a one": "success", "a two": "success", "a three": "queued"}}, []),
    ({"runs": {"a one": "success"}}, ["a two is gone"]),
    ({"runs": {"a one": "failed", "a two": "failed"}}, ["a one was success and is failed"]),
    ({"tasks": {"a one t -1": None, "a two t -1": None}}, ["a one t -1 was success and is None"]),
    ({"rows": {"log": 8}}, []),
    ({"rows": {"log": 6}}, ["table log had 7 rows and has 6"]),
]


@pytest.mark.parametrize(("change", "expected"), LOSSES)
def test_losses(change: dict[str, Any], expected: list[str]) -> None:
    assert watchers.losses(BEFORE, {**BEFORE, **change}) == expected


def test_document_is_what_was_measured() -> None:
    assert report.DOCUMENT.read_text() == report.document(json.loads(report.MEASURED.read_text()))


def fault(well: tuple[float | None, float | None], **more: Any) -> dict[str, Any]:
    told = [{"wrong": [{"what": "no | answer", "from": 1.4, "to": 9.6}] if item else [], "well_after": item, "looks": 9} for item in well]
    rows = {"log": 7}
    held = {"runs": 2, "tasks": 3, "rows_before": rows, "rows_after": {"log": 9}}
    run = {"state": "success", "ended_after": 70.2, "tries": {"during": 1}, "error": ""}
    row = {"fault": "x", "outage": 0.0, "health": told[0], "status": told[1], "compared": None, "run": run, "lost": [], "held": held}
    return {**row, **more}


TIMES = {"wrong": [{"what": f"no answer after {n} ms", "from": n, "to": n + 2.0} for n in (7, 3)], "well_after": 9.0, "looks": 9}
CELLS = [
    (fault((0.0, 0.0), status=TIMES), ["| no answer (3 to 9 s) |"]),
    (fault((12.0, 30.0)), ["no \\| answer (1 to 10 s)", " 30 s ", "nothing of 2 runs, 3 task instances; rows 7 → 9", "`during` 1"]),
    (fault((0.0, 0.0)), ["nothing wrong", " at once "]),
    (fault((12.0, None)), ["**not by itself**"]),
    (fault((0.0, 100.0), outage=90.0), ["100 s (10 s after its return)"]),
    (fault((0.0, 0.0), compared={"done": False, "seconds": 4.0}), ["**failed** after 4 s"]),
    (fault((0.0, 0.0), lost=["a two is gone"]), ["**a two is gone**"]),
]


@pytest.mark.parametrize(("row", "expected"), CELLS)
def test_fault_row(row: dict[str, Any], expected: list[str]) -> None:
    line = report.faults_table({"x": row})[2]
    assert len(re.split(r"(?<!\\)\|", line)) == 8
    for text in expected:
        assert text in line


def test_run_that_failed_is_told() -> None:
    run = {"seconds": 9.0, "code": 2, "changed": 1, "failed": 1, "why": "what  namespaces\nwhy  no"}
    row = {"moment": "m", "killed_after": 3.0, "second": run, "third": {**run, "code": 0, "failed": 0, "changed": 0}}
    line = report.resume_table({"m": row})[2]
    assert "**failed**: what namespaces why no" in line
    assert "failed=0, changed=0" in line


def test_soak_tables() -> None:
    """F16."""
    seen = {"wrong": [{"what": "triggerer unhealthy", "from": 3.0, "to": 9.0}], "looks": 700, "well_after": 9.0}
    memory = {"airflow-core/airflow-scheduler/scheduler": {"level": 400 * 2**20, "slope": 30 * 2**20, "flat": False}}
    row = {"seconds": 3600, "health": seen, "restarts": ["x restarted 1 times"], "runs": {"success": 58}, "memory": memory, "passed": False}
    text = "\n".join(report.soak_tables({"idle": {**row, "memory": {}}, "busy": row}))
    for expected in ("triggerer unhealthy (3 to 9 s) in 700 answers", "x restarted 1 times", "58 success", "**failed**"):
        assert expected in text
    assert "| airflow-core/airflow-scheduler/scheduler | - | 400 MiB, +30.0 MiB/h **grows** |" in text


def test_each_moment_of_a_kill_names_a_task_of_its_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that was renamed would never be seen, and the run not be killed."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = spec_from_loader("resume", SourceFileLoader("resume", str(ROOT / "tests/reliability/resume")))
    assert spec
    assert spec.loader
    resume = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "resume", resume)
    spec.loader.exec_module(resume)
    for moment in resume.MOMENTS.values():
        role, task = moment.task.split(" : ")
        names = [
            name
            for file in (ROOT / "roles" / role / "tasks").glob("*.yml")
            for _line, name in plain_english.names(yaml.compose(file.read_text(), Loader=yaml.SafeLoader))
        ]
        # Ansible shows a task's name with the state in it: "Bring Argo CD to the state {{ argocd_state }}".
        patterns = [r"\w+".join(map(re.escape, re.split(r"\{\{.*?\}\}", name))) for name in names]
        assert any(re.fullmatch(pattern, task) for pattern in patterns), f"{role} has no task '{task}'"
