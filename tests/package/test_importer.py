# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F5: Galaxy's own importer accepts the archive and shows documentation for everything in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS
from ansible_collections.kubernetes import core

ROOT = Path(__file__).resolve().parents[2]
# ansible-lint and ansible-test are stages of scripts/test.
SETTINGS = "[galaxy-importer]\nCHECK_CHANGELOG = True\nRUN_ANSIBLE_DOC = True\n" + "".join(
    f"RUN_{tool} = False\n" for tool in ("ANSIBLE_LINT", "ANSIBLE_TEST", "FLAKE8")
)


@pytest.fixture(scope="session")
def imported(archive: Path, tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What the importer says, and its result."""
    folder = tmp_path_factory.mktemp("importer")
    (folder / "galaxy-importer.cfg").write_text(SETTINGS)
    # An empty home: nothing that is installed there resolves a reference that Galaxy could not.
    environment = tools | {"GALAXY_IMPORTER_CONFIG": str(folder / "galaxy-importer.cfg"), "HOME": str(folder)}
    command = ["python", "-m", "galaxy_importer.main", str(archive), "--output-path", str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads((folder / "importer_result.json").read_text())


def test_the_importer_has_nothing_to_complain_about(imported: tuple[str, dict[str, Any]]) -> None:
    said, _result = imported
    assert "Importer processing completed successfully" in said
    assert [line for line in said.splitlines() if line.startswith(("WARNING", "ERROR"))] == []


def test_galaxy_shows_documentation_for_all(imported: tuple[str, dict[str, Any]]) -> None:
    _said, result = imported
    contents = result["docs_blob"]["contents"]
    shown: dict[str, set[str]] = {}
    for item in contents:
        strings = item.get("doc_strings") or {}
        if (strings.get("doc") or {}).get("short_description"):
            shown.setdefault(item["content_type"], set()).add(item["content_name"])
        elif item["content_type"] == "role" and (item.get("readme_html") or item.get("readme_file")):
            shown.setdefault("role", set()).add(item["content_name"])
    for kind in ("module", "filter", "callback"):
        folder = ROOT / "plugins" / {"module": "modules"}.get(kind, kind)
        assert shown[kind] == {path.stem for path in folder.glob("*.py")}
    assert shown["role"] == {path.name for path in (ROOT / "roles").iterdir()}


def test_a_modules_options_are_shown(imported: tuple[str, dict[str, Any]]) -> None:
    """Authentication too: it comes from a fragment of this collection, for Galaxy has no other collection at hand."""
    _said, result = imported
    (wait,) = [
        item for item in result["docs_blob"]["contents"] if item["content_name"] == "workload_wait" and item["content_type"] == "module"
    ]
    assert {"kubeconfig", "context", "namespace", "timeout"} <= {option["name"] for option in wait["doc_strings"]["doc"]["options"]}


def test_the_documentation_has_no_lint(archive: Path, tools: dict[str, str], tmp_path: Path) -> None:
    collection = tmp_path / "ansible_collections/gitops/airflow"
    collection.mkdir(parents=True)
    with tarfile.open(archive) as content:
        content.extractall(collection, filter="data")
    shutil.copy(ROOT / "galaxy.yml", collection)
    (tmp_path / "ansible_collections/kubernetes").symlink_to(Path(next(iter(core.__path__))).parent)
    command = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", str(collection)]
    done = subprocess.run(command, env=tools, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
