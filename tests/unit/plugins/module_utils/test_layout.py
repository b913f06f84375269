# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages of module_utils import each other in one direction only (docs/architecture.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

COLLECTION = "ansible_collections.gitops.airflow."
FOUNDATION = {"_base"}
TOOLS = FOUNDATION | {"_git", "_host", "_kube"}
SUBJECTS = TOOLS | {"_airflow", "_argocd", "_kind", "_placement"}
ALLOWED = {
    "_base": set[str](),
    "_host": FOUNDATION,
    "_kube": FOUNDATION,
    "_git": FOUNDATION | {"_kube"},
    "_kind": FOUNDATION | {"_host"},
    "_airflow": FOUNDATION | {"_kube"},
    "_argocd": FOUNDATION | {"_git", "_kube"},
    "_placement": FOUNDATION | {"_kube"},
    "_platform": SUBJECTS,
    "_status": SUBJECTS | {"_platform"},
    "_support": SUBJECTS | {"_platform"},
}
"""What each package may import besides itself."""


def imports(file: Path) -> Iterator[tuple[str, ...]]:
    """The collection's own modules that a file imports, each by its path below the collection's root."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file.relative_to(ROOT)} has a relative import, which Ansible does not ship with a module"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (tuple(name.removeprefix(COLLECTION).split(".")) for name in names if name.startswith(COLLECTION))


def package(parts: tuple[str, ...]) -> str:
    """The package of module_utils that an import is of; empty for anything else."""
    return parts[2] if parts[:2] == ("plugins", "module_utils") and len(parts) > 2 else ""


FILES = sorted((ROOT / "plugins").rglob("*.py"))
EDGES: dict[tuple[str, str], list[str]] = {}
"""The files that make one package import another."""
for _file in FILES:
    if _file.is_relative_to(ROOT / "plugins/module_utils"):
        _source = _file.relative_to(ROOT / "plugins/module_utils").parts[0]
        for _target in sorted({package(parts) for parts in imports(_file)} - {"", _source}):
            EDGES.setdefault((_source, _target), []).append(str(_file.relative_to(ROOT)))


@pytest.mark.parametrize(("source", "target"), sorted(EDGES), ids=[f"{source}->{target}" for source, target in sorted(EDGES)])
def test_a_package_imports_only_what_is_below_it(source: str, target: str) -> None:
    assert source in ALLOWED, f"{source} is a new package: give it a row in ALLOWED and in docs/architecture.md"
    assert target in ALLOWED[source], f"{source} must not import {target}: {', '.join(EDGES[source, target])}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_is_imported_from_a_module_or_from_the_tests(file: Path) -> None:
    """Ansible ships only module_utils with a module."""
    wrong = [".".join(parts) for parts in imports(file) if parts[:2] == ("plugins", "modules") or parts[0] == "tests"]
    assert not wrong, f"{file.relative_to(ROOT)} imports {', '.join(wrong)}"


def test_the_allowed_directions_have_no_circle() -> None:
    left = dict(ALLOWED)
    while left:
        free = [name for name, below in left.items() if not below & left.keys()]
        assert free, f"these packages import each other in a circle: {', '.join(sorted(left))}"
        for name in free:
            del left[name]
