#!/usr/bin/env python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports phrases that the house style forbids, and names of plays and tasks that do not begin with a verb.

usage: scripts/plain_english.py [FILE...]      without files: every text file that Git tracks
The rules are in scripts/plain_english.yml. Exit code: 0 nothing found; 1 findings, one a line.
"""

from __future__ import annotations

import ast
import fnmatch
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RULES = Path(__file__).with_suffix(".yml")
SUFFIXES = {".md", ".yml", ".yaml", ".py", ".j2", ".tpl", ".sh", ".go", ".cfg", ".toml", ".txt", ".service", ""}
# A text of others.
NO_PROSE = {"LICENSE"}
TASK_LISTS = ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always")
TASK_FILES = ("roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "playbooks/*.yml", "molecule/*.yml")


@dataclass(frozen=True)
class Finding:
    """One place that a rule forbids."""

    file: str
    line: int
    text: str
    instead: str

    def __str__(self) -> str:
        return f'{self.file}:{self.line}: "{self.text}": {self.instead}'


@dataclass(frozen=True)
class Rules:
    """The rule file, compiled."""

    phrases: list[tuple[re.Pattern[str], str]]
    verbs: frozenset[str]
    allowed: list[tuple[str, str]]

    @classmethod
    def load(cls, source: str) -> Rules:
        """The rules of a rule file's text. ValueError: an exception without a reason, or an unknown key."""
        data = yaml.safe_load(source)
        for entry in data["allowed"]:
            if set(entry) != {"file", "text", "reason"} or not entry["reason"].strip():
                raise ValueError(f"{RULES.name}: an exception has file, text and reason: {entry}")
        # In comments the next line begins with a number sign.
        phrases = [(re.compile(rule["phrase"].replace(" ", r"\s[\s#]*"), re.IGNORECASE), rule["instead"]) for rule in data["phrases"]]
        return cls(phrases, frozenset(data["verbs"]), [(entry["file"], entry["text"]) for entry in data["allowed"]])

    def allows(self, finding: Finding, context: str) -> bool:
        """Whether the rule file lets the finding stay; context: the text of its line."""
        return any(fnmatch.fnmatch(finding.file, file) and text in context for file, text in self.allowed)


def without_code(text: str) -> str:
    """Markdown without code, its lines kept."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", "`", found[0])

    return re.sub(r"^( *)```.*?^\1```|`[^`\n]+`", blank, text, flags=re.DOTALL | re.MULTILINE)


def python_prose(source: str, docstrings_only: bool) -> Iterator[tuple[int, str]]:
    """Comments and strings of a Python file, each with its first line. In tests only docstrings: other strings are input."""
    comments: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if comments and comments[-1][0] + comments[-1][1].count("\n") + 1 == token.start[0]:
                comments[-1] = (comments[-1][0], f"{comments[-1][1]}\n{token.string}")
            else:
                comments.append((token.start[0], token.string))
    yield from comments
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (id(node) in docstrings or not docstrings_only):
            yield node.lineno, node.value


def prose(file: str, source: str) -> Iterator[tuple[int, str]]:
    """What people read in a file: pieces of text, each with its first line."""
    if file.endswith(".md"):
        yield 1, without_code(source)
    elif file.endswith(".py") or source.startswith(("#!/usr/bin/env python", "#!/usr/bin/python")):
        yield from python_prose(source, docstrings_only=file.startswith("tests/"))
    else:
        yield 1, source


def phrases(file: str, source: str, rules: Rules) -> Iterator[Finding]:
    """The forbidden phrases of a file."""
    lines = source.splitlines()
    for first, text in prose(file, source):
        for pattern, instead in rules.phrases:
            for found in pattern.finditer(text):
                line = first + text.count("\n", 0, found.start())
                finding = Finding(file, line, " ".join(found[0].replace("#", " ").split()), f"write: {instead}")
                if not rules.allows(finding, lines[line - 1] if line <= len(lines) else ""):
                    yield finding


def names(node: Any) -> Iterator[tuple[int, str]]:
    """The names of plays and tasks below a YAML node, each with its line."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if isinstance(item, yaml.MappingNode):
                for key, value in item.value:
                    if key.value == "name" and isinstance(value, yaml.ScalarNode):
                        yield value.start_mark.line + 1, value.value
                    elif key.value in TASK_LISTS:
                        yield from names(value)


def yaml_of_tasks(file: str, source: str) -> Iterator[tuple[int, str]]:
    """YAML with plays or tasks in a file, each with its first line: the file itself, or a plugin's EXAMPLES."""
    if any(fnmatch.fnmatch(file, pattern) for pattern in TASK_FILES):
        yield 1, source
    elif file.startswith("plugins/") and file.endswith(".py"):
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXAMPLES" and isinstance(node.value, ast.Constant):
                yield node.lineno, str(node.value.value)


def task_names(file: str, source: str, rules: Rules) -> Iterator[Finding]:
    """The names of plays and tasks in a file that do not begin with a verb of the list."""
    for first, text in yaml_of_tasks(file, source):
        for line, name in names(yaml.compose(text, Loader=yaml.SafeLoader)):
            if name.split(" ")[0] not in rules.verbs:
                yield Finding(file, first + line - 1, name, f"begin with a verb of the list in {RULES.name}")


def check(file: str, source: str, rules: Rules) -> list[Finding]:
    """All findings of a file, by line."""
    found = [*phrases(file, source, rules), *task_names(file, source, rules)]
    return sorted(set(found), key=lambda finding: (finding.line, finding.text))


def tracked() -> list[str]:
    """The text files that Git tracks."""
    output = subprocess.check_output(["git", "-C", str(ROOT), "ls-files", "-z"], text=True)
    files = [file for file in output.split("\0") if file and (ROOT / file).is_file()]
    return [file for file in files if Path(file).suffix in SUFFIXES and Path(file).name not in NO_PROSE]


def main(arguments: list[str]) -> int:
    """Check the files, print what was found and return the exit code."""
    rules = Rules.load(RULES.read_text())
    files = [str(Path(file).resolve().relative_to(ROOT)) for file in arguments] or tracked()
    findings = [finding for file in files for finding in check(file, (ROOT / file).read_text(), rules)]
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} places to reword. An exception goes into {RULES.name}, with its reason.", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
