# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive as Galaxy gets it, and what Galaxy runs on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built archive of what Git tracks."""
    folder = tmp_path_factory.mktemp("archive")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run([ROOT / "scripts/package", folder], check=True, capture_output=True, env=os.environ | {"PATH": path})
    (built,) = folder.glob("gitops-airflow-*.tar.gz")
    return built


@pytest.fixture(scope="session")
def tools() -> dict[str, str]:
    """The environment variables of a process that runs galaxy-importer and antsibull-docs."""
    folder = ROOT / ".ansible/galaxy"
    with (Path(__file__).parent / "requirements.txt").open() as requirements:
        command = [str(ROOT / "scripts/environment"), str(folder), "3.11 3.12 3.13"]
        subprocess.run(command, stdin=requirements, check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "GALAXY_IMPORTER_"))}
    return kept | {"PATH": f"{folder}/bin:{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An empty folder, and a person who has Ansible and nothing of this collection."""
    folder = tmp_path_factory.mktemp("visitor")
    (folder / "empty").mkdir()
    kept = ("LANG", "LC_ALL")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"HOME": str(folder / "home"), "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
    return folder / "empty", environment
