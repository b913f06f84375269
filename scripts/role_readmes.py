#!/usr/bin/env python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the table of each role's variables into its README.md, from its argument_specs.yml and its defaults.

usage: scripts/role_readmes.py [--check]      --check: exit code 1 if a README differs; nothing is written
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parents[1] / "roles"
BEGIN, END = "<!-- variables: written by scripts/role_readmes.py -->", "<!-- end of variables -->"
# How a description names a default that is not in the specification.
SAYS_DEFAULT = "Defaults to "
# A longer default is only in the file.
LONGEST = 60
# Ansible's markup of code, options, values, environment variables, modules and other plugins, which have their kind at their end.
MARKUP = re.compile(r"\b[COVEMP]\(([^()#]*)(?:#[a-z]+)?\)")


def options(role: Path) -> dict[str, dict[str, Any]]:
    """The documented variables of a role, of all its entry points, in their order."""
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return {name: option for entry in specs.values() for name, option in (entry.get("options") or {}).items()}


def defaults(role: Path) -> dict[str, Any]:
    """The defaults of a role, as they are written."""
    folder = role / "defaults"
    return {name: value for file in sorted(folder.rglob("*.yml")) for name, value in (yaml.safe_load(file.read_text()) or {}).items()}


def is_computed(value: Any) -> bool:
    """Whether Ansible must render a default first."""
    return "{{" in json.dumps(value)


def paragraphs(option: Mapping[str, Any]) -> list[str]:
    """The description of a variable, as it is written."""
    found = option["description"]
    return [str(item) for item in found] if isinstance(found, list) else [str(found)]


def says_default(option: Mapping[str, Any]) -> bool:
    """Whether a description says in words what a variable is if it is not set."""
    return any(SAYS_DEFAULT in text for text in paragraphs(option))


def shown_default(name: str, option: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """The cell with a variable's default. A computed one is described beside it."""
    if option.get("required"):
        return "required"
    if name not in given:
        return "not set"
    value = given[name]
    text = value if isinstance(value, str) and value else json.dumps(value)
    return "described" if is_computed(value) or len(text) > LONGEST else f"`{text}`"


def described(option: Mapping[str, Any]) -> str:
    """The cell with what a variable is: the first paragraph, and those that name its default. All, if it has few values to choose from."""
    first, *others = paragraphs(option)
    text = " ".join([first, *(item for item in others if option.get("choices") or SAYS_DEFAULT in item)])
    return MARKUP.sub(r"`\1`", " ".join(text.split())).replace("|", "\\|")


def table(role: Path) -> str:
    """All variables of a role."""
    given = defaults(role)
    rows = [f"| `{name}` | {shown_default(name, option, given)} | {described(option)} |" for name, option in options(role).items()]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def updated(document: str, text: str) -> str:
    """The document with the text between its two markers. Raises ValueError for a document without them."""
    before, begin, rest = document.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"a role's README.md needs the lines '{BEGIN}' and '{END}'")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def stale(folder: Path = ROLES) -> Iterator[tuple[Path, str]]:
    """The READMEs that differ from the role's files, each with its right content."""
    for role in sorted(folder.iterdir()):
        readme = role / "README.md"
        text = readme.read_text()
        wanted = updated(text, table(role))
        if wanted != text:
            yield readme, wanted


def main(arguments: list[str]) -> int:
    """Write the tables, or check that the READMEs have them, and return the exit code."""
    found = list(stale())
    if arguments == ["--check"]:
        return int(bool(found))
    for readme, text in found:
        readme.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
