"""Running playbooks as a person would, on this machine and against its container engine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Playbook = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def site() -> Playbook:
    """Run playbooks/site.yml for the test platform: keyword arguments are extra variables, C(env) replaces environment variables."""

    def run(env: dict[str, str] | None = None, **variables: object) -> subprocess.CompletedProcess[str]:
        images = os.environ.get("PLATFORM_EXTRA_VARS", "{}")
        command = ["ansible-playbook", "-i", "inventories/molecule", "playbooks/site.yml", "-e", images]
        for name, value in variables.items():
            command += ["-e", f'{{"{name}": {value}}}']
        return subprocess.run(command, cwd=ROOT, env=os.environ | (env or {}), capture_output=True, text=True, timeout=120, check=False)

    return run
