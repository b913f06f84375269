# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the front door that fail before Ansible's callbacks have a say: their cause is named all the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def inventory(tmp_path: Path) -> Callable[..., Path]:
    def broken(file: str, text: str) -> Path:
        shutil.copytree(ROOT / "inventories/local", tmp_path / "local")
        with (tmp_path / "local" / file).open("a") as stream:
            stream.write(text)
        return tmp_path / "local"

    return broken


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [sys.executable, "scripts/play", "ansible-playbook", *arguments, "playbooks/status.yml"]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )


def test_a_broken_inventory_is_no_success(inventory: Callable[..., Path]) -> None:
    folder = inventory("hosts.yml", "  - {\n")
    done = run("-i", str(folder))
    assert done.returncode == 1
    assert "\nwhy       Completely failed to parse inventory source" in done.stderr
    assert f"Origin: {folder}/hosts.yml:" in done.stderr.split("FAILED ***")[1]


def test_a_broken_variables_file_is_named(inventory: Callable[..., Path]) -> None:
    folder = inventory("group_vars/platform.yml", "\nx: {\n")
    done = run("-i", str(folder))
    assert done.returncode == 4
    assert f"in {folder}/group_vars/platform.yml:" in done.stderr.split("FAILED ***")[1]


@pytest.mark.parametrize("source", ["localhost,", "other,"])
def test_an_inventory_without_the_group_is_no_success(source: str) -> None:
    done = run("-i", source)
    assert done.returncode == 2
    assert "why       The inventory has no host in the group platform, so nothing was done.\n" in done.stdout
    assert done.stderr.count("FAILED") + done.stdout.count("FAILED ***") == 1
