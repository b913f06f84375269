# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of phases: its arithmetic from a table, and itself at the end of real playbook runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.callback.phases import Phase, Record, duration, table
from ansible_collections.gitops.airflow.plugins.module_utils._base.failure import Failure, evidence

CHECKOUT = Path(__file__).resolve().parents[2]


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


PLAY = """
- hosts: localhost
  gather_facts: false
  roles: [platform, first, {role: second, when: true}]
"""
TASKS = {
    "platform": "- {name: Nothing, debug: {msg: x}}",
    "first": "- {name: Change, debug: {msg: x}, changed_when: true}\n- {name: Ignored, fail: {msg: x}, ignore_errors: true}",
    "second": "- {block: [{name: Rescued, fail: {msg: x}}], rescue: [{name: Fine, debug: {msg: x}}]}\n"
    "- {name: Fatal, fail: {msg: no room}, when: bad}",
}


def play(folder: Path, *, bad: bool, stdout: str = "default") -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    (folder / "site.yml").write_text(PLAY)
    (folder / "ansible.cfg").touch()
    for role, tasks in TASKS.items():
        (folder / "roles" / role / "tasks").mkdir(parents=True)
        (folder / "roles" / role / "tasks" / "main.yml").write_text(tasks)
    environment = os.environ | {
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ansible" / "collections"),
        "ANSIBLE_CALLBACKS_ENABLED": "gitops.airflow.phases",
        "ANSIBLE_STDOUT_CALLBACK": stdout,
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-e", json.dumps({"bad": bad}), "site.yml"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_playbook_ends_with_the_table(tmp_path: Path) -> None:
    done = play(tmp_path, bad=False)
    assert done.returncode == 0
    assert re.search(
        r"PLAY RECAP (.|\n)*\nPHASES \*+\nfirst +[\d.]+ s   changed=1\nsecond +[\d.]+ s   changed=0\n"
        r"(other .*\n)?total +[\d.]+ s   changed=1\n",
        done.stdout,
    )


def test_after_a_failure_the_table_names_the_phase(tmp_path: Path) -> None:
    done = play(tmp_path, bad=True)
    assert done.returncode == 2
    assert re.search(r"\nsecond .*   FAILED in: Fatal\n", done.stdout)
    assert done.stdout.count("FAILED in") == 1


def test_json_output_stays_json(tmp_path: Path) -> None:
    done = play(tmp_path, bad=False, stdout="ansible.posix.json")
    assert json.loads(done.stdout)["stats"]["localhost"]["changed"] == 1


def test_after_a_failure_it_ends_with_what_why_and_what_to_do(tmp_path: Path) -> None:
    done = play(tmp_path, bad=True)
    assert re.search(r"FAILED \*+\nwhat      second: Fatal\nwhy       no room\ndo        Remove that cause", done.stdout)
    assert "evidence" not in done.stdout  # no role of the collection ran
    assert "FAILED ***" not in play(tmp_path / "well", bad=False).stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["playbooks/site.yml"], "make support-bundle (logs"),
        (["-e", "@lab.yml", "site.yml"], "make support-bundle (logs"),
        (["-i", "inventories/x", "site.yml"], 'make support-bundle, with this run\'s -i in ARGS="…" (logs'),
        (["--inventory=x", "-eplatform_name=y"], 'make support-bundle, with this run\'s -i and -e in ARGS="…" (logs'),
    ],
)
def test_the_evidence_is_collected_by_a_command_that_works(arguments: list[str], text: str) -> None:
    assert evidence(str(CHECKOUT), arguments, "@lab.yml").startswith(text)


def test_the_installed_collection_has_a_command_of_its_own(tmp_path: Path) -> None:
    assert evidence(str(tmp_path), []).startswith("ansible-playbook gitops.airflow.support_bundle (logs")
