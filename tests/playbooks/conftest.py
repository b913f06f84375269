# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs small playbooks with the ansible-core that runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
Play = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Runs tasks, given as YAML, in a role, beside the callback phases. Settings are Ansible's environment variables."""

    def played(tasks: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[bytes]:
        (tmp_path / "roles/demo/tasks").mkdir(parents=True, exist_ok=True)
        (tmp_path / "roles/demo/tasks/main.yml").write_text(tasks)
        (tmp_path / "site.yml").write_text("- {hosts: localhost, gather_facts: false, roles: [demo]}\n")
        (tmp_path / "ansible.cfg").touch()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment |= {
            "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
            "ANSIBLE_CALLBACKS_ENABLED": "gitops.airflow.phases",
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            **settings,
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), *arguments, "site.yml"]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=HANG_SECONDS)

    return played
