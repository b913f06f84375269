# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of the table of phases, and the command that collects evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.callback.phases import Phase, Record, duration, table
from ansible_collections.gitops.airflow.plugins.module_utils._base.failure import Failure, evidence
from ansible_collections.gitops.airflow.tests.unit.places import ROOT


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (4.24, "4.2 s"), (59.97, "1 m 0.0 s"), (94.2, "1 m 34.2 s"), (3723, "1 h 2 m 3.0 s"), (3600, "1 h 0 m 0.0 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_time_belongs_to_the_task_that_was_running() -> None:
    record = Record(100.0)
    for name, now in (("a", 101.0), ("b", 103.0), ("a", 104.0)):
        record.enter(name, now)
    assert record.finish(110.0, []) == (10.0, [])
    assert {phase.name: phase.seconds for phase in record.phases.values()} == {"other": 1.0, "a": 8.0, "b": 1.0}


def test_a_phase_stands_where_most_of_it_was() -> None:
    record = Record(0.0)
    for name, now in (("late", 0.0), ("first", 1.0), ("second", 5.0), ("first", 9.0), ("late", 10.0)):
        record.enter(name, now)
    lines = table(record.phases.values(), record.finish(20.0, [])[0], [])
    assert [line.split()[0] for line in lines] == ["first", "second", "late", "total"]


def test_only_a_failure_that_lost_its_host_counts() -> None:
    record = Record(0.0)
    for host, role, task in (("one", "a", "rescued"), ("two", "a", "first"), ("two", "b", "fatal")):
        record.failed(host, Failure(role, task, "why", "do"))
    assert record.finish(1.0, ["two", "three"])[1] == [Failure("b", "fatal", "why", "do")]
    assert {phase.name: phase.failed_task for phase in record.phases.values()} == {"other": "", "b": "fatal"}


def test_the_table_lines_up_and_hides_what_nobody_asked_for() -> None:
    phases = [Phase("other", 0.2), Phase("platform", 9.0, 1), Phase("kind_cluster", 42.1, 2), Phase("argocd", 94.2, 5, "It is healthy")]
    assert table(phases, 145.5, ["platform"]) == [
        "kind_cluster       42.1 s   changed=2",
        "argocd         1 m 34.2 s   changed=5   FAILED in: It is healthy",
        "total          2 m 25.5 s   changed=8",
    ]


def test_a_hidden_role_that_failed_is_shown() -> None:
    assert "FAILED in: x" in "".join(table([Phase("platform", 1.0, 0, "x")], 1.0, ["platform"]))


def test_without_roles_there_is_no_table() -> None:
    assert table([Phase("other", 50.0, 3)], 50.0, []) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["playbooks/site.yml"], "make support-bundle (logs"),
        (["-e", "@lab.yml", "site.yml"], "make support-bundle (logs"),
        (["logs.yml", "-e", "@scripts/make_vars.yml"], "make support-bundle (logs"),
        (["-i", "inventories/x", "site.yml"], 'make support-bundle, with this run\'s -i in ARGS="…" (logs'),
        (["--inventory=x", "-eplatform_name=y"], 'make support-bundle, with this run\'s -i and -e in ARGS="…" (logs'),
    ],
)
def test_the_evidence_is_collected_by_a_command_that_works(arguments: list[str], text: str) -> None:
    assert evidence(str(ROOT), arguments, "@lab.yml").startswith(text)


def test_the_installed_collection_has_a_command_of_its_own(tmp_path: Path) -> None:
    assert evidence(str(tmp_path), []).startswith("ansible-playbook gitops.airflow.support_bundle (logs")
