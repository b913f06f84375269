# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the collection's playbooks on the platform of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS
from conftest import ROOT


@dataclass(frozen=True)
class Playbooks:
    """The playbooks of this checkout with one inventory, and with the images that the scenario uses."""

    inventory: str

    def run(self, name: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """``options``: of ansible-playbook; ``environment``: further variables of the environment. Does not raise if the run fails."""
        images = os.environ.get("PLATFORM_EXTRA_VARS", "{}")
        command = [sys.executable, "-m", "ansible", "playbook", f"--inventory={self.inventory}", f"--extra-vars={images}"]
        return subprocess.run(
            [*command, *options, f"playbooks/{name}.yml"],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", **environment},
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
