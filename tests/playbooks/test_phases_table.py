# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of phases and the cause of a failure, at the end of real playbook runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

CHECKOUT = Path(__file__).resolve().parents[2]
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
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)


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
    assert re.search(r"FAILED \*+\nwhat      second: Fatal\nwhy       no room\ndo        Remove this cause", done.stdout)
    assert "evidence" not in done.stdout  # no role of the collection ran
    assert "FAILED ***" not in play(tmp_path / "well", bad=False).stdout
