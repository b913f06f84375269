# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab can be built, and what a person does who has another machine."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

RUN = """
import platform, runpy, sys
platform.system, platform.machine = (lambda: {system!r}), (lambda: {machine!r})
sys.argv = ["build"]
runpy.run_path({path!r}, run_name="__main__")
"""


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "aarch64")])
def test_another_machine_is_sent_to_a_registry(system: str, machine: str) -> None:
    code = RUN.format(system=system, machine=machine, path=str(ROOT / "lab/build"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"only on Linux on amd64 (x86_64), and this is {system} on {machine}. Next: make an image registry reachable" in done.stderr
