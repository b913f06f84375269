# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F5: what the collection's archive holds: everything that a role needs, nothing that is only for a checkout."""

from __future__ import annotations

import re
import subprocess
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def packed(archive: Path) -> dict[str, str]:
    """The archive's files, by name."""
    with tarfile.open(archive) as content:
        return {
            member.name: stream.read().decode(errors="replace")
            for member in content.getmembers()
            if (stream := content.extractfile(member))
        }


def test_the_archive_holds_what_roles_need_and_no_more(packed: dict[str, str]) -> None:
    command = ["git", "-C", str(ROOT), "ls-files", "roles", "plugins", "playbooks", "meta", "inventories/production"]
    assert set(subprocess.check_output(command, text=True).split()) <= packed.keys()
    assert {name.split("/")[0] for name in packed if "/" in name} == {"changelogs", "inventories", "meta", "playbooks", "plugins", "roles"}
    assert {name for name in packed if "/" not in name} == {"CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"}


def test_an_execution_environment_finds_its_files(packed: dict[str, str]) -> None:
    found = yaml.safe_load(packed["meta/execution-environment.yml"])["dependencies"]
    assert found == {"python": "meta/ee-requirements.txt", "system": "meta/ee-bindep.txt"}
    assert set(found.values()) <= packed.keys()
    assert "git [" in packed["meta/ee-bindep.txt"]


def test_shipped_requirements_are_ranges_without_ansible(packed: dict[str, str]) -> None:
    shipped = [name for name in packed if re.search(r"requirements[^/]*\.txt$", name)]
    assert shipped == ["meta/ee-requirements.txt"]
    wanted = [Requirement(line) for line in packed[shipped[0]].splitlines() if line and not line.startswith("#")]
    assert {item.name for item in wanted} == {"bcrypt", "kubernetes", "PyYAML"}
    for item in wanted:
        assert [part.operator for part in item.specifier] == [">="], f"{item} is not a range with a lower bound"
        assert version(item.name) in item.specifier, "the pinned version that the tests run with is outside of the range"
