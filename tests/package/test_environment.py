# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test processes that run at the same time share the environments that scripts/environment makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]


def test_two_calls_at_the_same_time_make_one_environment(tmp_path: Path) -> None:
    folder = tmp_path / "new/environment"
    command = [str(ROOT / "scripts/environment"), str(folder), "{}.{}".format(*sys.version_info)]
    out, err = subprocess.PIPE, subprocess.STDOUT
    calls = [subprocess.Popen(command, text=True, stdin=out, stdout=out, stderr=err) for _number in range(3)]
    for call in calls:
        assert call.stdin
        call.stdin.write("# No package is needed.\n")
        call.stdin.close()
    said = [call.stdout.read() for call in calls if call.stdout]
    assert [call.wait(timeout=HANG_SECONDS) for call in calls] == [0, 0, 0], said
    assert sum("making" in text for text in said) == 1, said
    assert subprocess.run([folder / "bin/python", "-m", "pip", "--version"], check=False, capture_output=True).returncode == 0
