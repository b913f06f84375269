# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages of module_utils import each other in one direction only (docs/architecture.md)."""

from __future__ import annotations

import re
from pathlib import Path

import import_graph
import pytest
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

FOUNDATION = {"_base"}
TOOLS = FOUNDATION | {"_git", "_host", "_kube"}
SUBJECTS = TOOLS | {"_airflow", "_argocd", "_image", "_kind", "_placement"}
ALLOWED = {
    "_base": set[str](),
    "_host": FOUNDATION,
    "_kube": FOUNDATION,
    "_git": FOUNDATION | {"_kube"},
    "_image": FOUNDATION | {"_host"},
    "_kind": FOUNDATION | {"_host"},
    "_airflow": FOUNDATION | {"_kube"},
    "_argocd": FOUNDATION | {"_git", "_kube"},
    "_placement": FOUNDATION | {"_kube"},
    "_platform": SUBJECTS,
    "_status": SUBJECTS | {"_platform"},
    "_support": SUBJECTS | {"_platform"},
}
"""What each package may import besides itself."""


FILES = sorted((ROOT / "plugins").rglob("*.py"))
EDGES = import_graph.package_edges(ROOT)


@pytest.mark.parametrize(("source", "target"), sorted(EDGES), ids=[f"{source}->{target}" for source, target in sorted(EDGES)])
def test_a_package_imports_only_what_is_below_it(source: str, target: str) -> None:
    assert source in ALLOWED, f"{source} is a new package: give it a row in ALLOWED and in docs/architecture.md"
    assert target in ALLOWED[source], f"{source} must not import {target}: {', '.join(EDGES[source, target])}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_is_imported_from_a_module_or_from_the_tests(file: Path) -> None:
    """Ansible ships only module_utils with a module. An action plugin stays on the controller, and runs the module of its own name."""
    own = ("plugins", "modules", file.stem) if file.parent.name == "action" else ()
    found = [parts for parts in import_graph.imports(file.read_bytes()) if not own or parts[:3] != own]
    wrong = [".".join(parts) for parts in found if parts[:2] == ("plugins", "modules") or parts[0] == "tests"]
    assert not wrong, f"{file.relative_to(ROOT)} imports {', '.join(wrong)}"


def test_the_allowed_directions_have_no_circle() -> None:
    left = dict(ALLOWED)
    while left:
        free = [name for name, below in left.items() if not below & left.keys()]
        assert free, f"these packages import each other in a circle: {', '.join(sorted(left))}"
        for name in free:
            del left[name]


def test_the_document_shows_the_imports() -> None:
    document = import_graph.DOCUMENT.read_text()
    assert import_graph.updated(document, import_graph.current()) == document, "run scripts/import_graph.py"


def test_the_document_has_every_package() -> None:
    rows = re.findall(r"^\| `(_\w+)` \|", import_graph.DOCUMENT.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(ALLOWED) == sorted({file.parent.name for file in (ROOT / "plugins/module_utils").glob("*/*.py")})


def test_the_picture_follows_the_imports(tmp_path: Path) -> None:
    for file, source in {
        "_base/errors.py": "import json\n",
        "_kube/client.py": "from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import X\n",
        "_argocd/wait.py": "import ansible_collections.gitops.airflow.plugins.module_utils._kube.client\n"
        "from ansible_collections.gitops.airflow.plugins.module_utils._argocd import verdict\n",
    }.items():
        path = tmp_path / "plugins/module_utils" / file
        path.parent.mkdir(parents=True)
        path.write_text(source)
    assert import_graph.current(tmp_path).splitlines() == ["```mermaid", "graph TD", "  _argocd", "  _kube", "  _argocd --> _kube", "```"]


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(ValueError, match="relative import"):
        list(import_graph.imports(b"from . import x\n"))


def test_a_document_without_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        import_graph.updated("# Architecture\n", "")
