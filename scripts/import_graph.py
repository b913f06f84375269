#!/usr/bin/env python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws which package of plugins/module_utils imports which, and writes the picture into docs/architecture.md.

usage: scripts/import_graph.py [--check]      --check: exit code 1 if the document differs from the imports; nothing is written
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs/architecture.md"
COLLECTION = "ansible_collections.gitops.airflow."
BEGIN, END = "<!-- imports: written by scripts/import_graph.py -->", "<!-- end of imports -->"
# Every package imports it: its arrows would hide the others.
BASE = "_base"


def imports(source: bytes) -> Iterator[tuple[str, ...]]:
    """The collection's own modules that a file imports, each by its path below the collection's root.

    :raises ValueError: for a relative import, which Ansible does not ship with a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno} has a relative import, which Ansible does not ship with a module")
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (tuple(name.removeprefix(COLLECTION).split(".")) for name in names if name.startswith(COLLECTION))


def package(parts: tuple[str, ...]) -> str:
    """The package of module_utils that an import is of; empty for anything else."""
    return parts[2] if parts[:2] == ("plugins", "module_utils") and len(parts) > 2 else ""


def package_edges(root: Path) -> dict[tuple[str, str], list[str]]:
    """Which package imports which other one, and the files in which it does."""
    edges: dict[tuple[str, str], list[str]] = {}
    utils = root / "plugins/module_utils"
    for file in sorted(utils.rglob("*.py")):
        own = file.relative_to(utils).parts[0]
        for target in sorted({package(parts) for parts in imports(file.read_bytes())} - {"", own}):
            edges.setdefault((own, target), []).append(str(file.relative_to(root)))
    return edges


def drawing(packages: Iterable[str], edges: Iterable[tuple[str, str]]) -> str:
    """The picture as a Mermaid diagram: an arrow leads from a package to one that it imports."""
    lines = ["```mermaid", "graph TD"]
    lines += [f"  {name}" for name in sorted(packages) if name != BASE]
    lines += [f"  {source} --> {target}" for source, target in sorted(edges) if target != BASE]
    return "\n".join([*lines, "```"])


def updated(document: str, picture: str) -> str:
    """The document with the picture between its two markers. Raises ValueError for a document without them."""
    before, begin, rest = document.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/architecture.md needs the lines '{BEGIN}' and '{END}'")
    return f"{before}{BEGIN}\n{picture}\n{END}{after}"


def current(root: Path = ROOT) -> str:
    """The picture of the checkout."""
    packages = {file.parent.name for file in (root / "plugins/module_utils").glob("*/*.py")}
    return drawing(packages, package_edges(root))


def main(arguments: list[str]) -> int:
    """Write the picture, or check that the document has it, and return the exit code."""
    document = DOCUMENT.read_text()
    wanted = updated(document, current())
    if arguments == ["--check"]:
        return int(wanted != document)
    DOCUMENT.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
