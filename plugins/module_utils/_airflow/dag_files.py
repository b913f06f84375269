# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said of DAG files before Airflow reads them, without running them. Pure: contents in, findings out (F18)."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api_calls import NOBODY, ApiCall, Makers, api_calls
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_syntax import (
    assigned_once,
    configs,
    last_name,
    named_namespaces,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named

IGNORE_FILE = ".airflowignore"
# Airflow imports only files that have both words (airflow/utils/file.py, might_contain_dag_via_default_heuristic).
WORDS = (b"dag", b"airflow")


@dataclass(frozen=True)
class DagFile:
    """What is known of one Python file.

    ``namespaces``: where tasks ask to run, as (line, namespace), where the file says it literally. ``api_calls``: what needs the
    Kubernetes API and has no credentials of its own for it.
    """

    path: str
    error: str = ""
    imported: bool = False
    makes_dag: bool = False
    namespaces: tuple[tuple[int, str], ...] = ()
    api_calls: tuple[ApiCall, ...] = ()


@dataclass(frozen=True)
class Findings:
    """Of a folder: what Airflow imports, what of it makes a DAG, and what a person should know."""

    imported: tuple[str, ...]
    dag_files: tuple[str, ...]
    warnings: tuple[str, ...]


def inspect(path: str, content: bytes) -> DagFile:
    """One Python file, which is not run. Raises nothing: what cannot be read statically is left out."""
    imported = all(word in content.lower() for word in WORDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content, filename=path)
            # Finds what a parser lets pass, such as return outside of a function. The code is not run.
            compile(tree, path, "exec", dont_inherit=True)
        return DagFile(path, "", imported, imported and _makes_dag(tree), tuple(dict.fromkeys(_namespaces(tree))), tuple(api_calls(tree)))
    except SyntaxError as error:
        return DagFile(path, _syntax_error(path, error), imported)
    except ValueError as error:  # a null byte (Python 3.11)
        return DagFile(path, f"{path}: {shorten(str(error), 300)}", imported)
    except (RecursionError, MemoryError):
        return DagFile(path, "", imported, imported)


def check(files: Mapping[str, bytes], namespaces: Collection[str], makers: Makers = NOBODY) -> Findings:
    """All files of a folder, by their paths in it.

    ``namespaces``: those that tasks may use; if there are none, none is checked. ``makers``: those in which tasks may make pods.

    :raises CollectionError: C(bad_dag_file), for Python that Airflow cannot import. A file that .airflowignore lists is a warning.
    """
    ignored = Ignored(files)
    found = [inspect(path, content) for path, content in sorted(files.items()) if path.endswith(".py")]
    wrong = [item.error for item in found if item.error and item.path not in ignored]
    if wrong:
        # Each on a line of its own, and no more than fit a screen.
        more = f"\n  and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        message = "\n  ".join([f"Airflow could not import {len(wrong)} of the files, so nothing was pushed:", *wrong[:10]]) + more
        version = ".".join(map(str, sys.version_info[:2]))
        action = (
            f"Correct the syntax. List files that are not Python in {IGNORE_FILE}. They were read with Python {version}. If they need a "
            "newer one, run the command with that one (ansible_python_interpreter)."
        )
        raise CollectionError(message, action, "bad_dag_file")
    warnings = [f"{item.error}. {IGNORE_FILE} lists the file, so it is pushed as it is." for item in found if item.error]
    warnings += [
        f"{item.path}, line {line}: a task asks for the namespace {namespace!r}, which is not one of {named(sorted(namespaces))}. "
        "Airflow will refuse its DAG: correct it, or add the namespace to platform_worker_namespaces."
        for item in found
        for line, namespace in item.namespaces
        if namespaces and namespace not in namespaces
    ]
    warnings += [
        f"{item.path}, line {call.line}: {call.name} {problem}"
        for item in found
        for call in item.api_calls
        if (problem := makers.problem(call))
    ]
    imported = [item for item in found if item.imported and item.path not in ignored]
    archives = [path for path in files if path.endswith(".zip") and path not in ignored]
    return Findings(
        tuple(sorted([*(item.path for item in imported), *archives])),
        tuple(item.path for item in imported if item.makes_dag),
        tuple(warnings),
    )


def _syntax_error(path: str, error: SyntaxError) -> str:
    text = f": {shorten(error.text, 120)}" if error.text and error.text.strip() else ""
    return f"{path}{f', line {error.lineno}' if error.lineno else ''}: {error.msg}{text}"


class Ignored:
    """The files that Airflow passes over. Regular expressions, Airflow's default before 3.0 (airflow/utils/file.py, _RegexpIgnoreRule)."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._rules: list[tuple[str, re.Pattern[str]]] = []
        for path, content in files.items():
            folder, _slash, name = path.rpartition("/")
            if name == IGNORE_FILE:
                lines = (re.sub(r"\s*#.*", "", line) for line in _lines(content))
                self._rules += [(f"{folder}/" if folder else "", rule) for line in lines if line for rule in _compiled(line)]

    def __contains__(self, path: str) -> bool:
        """Whether a file, or a folder that it is in, is listed by the file of its folder or of one above."""
        parts = path.split("/")
        places = ["/".join(parts[: index + 1]) for index in range(len(parts))]
        return any(place.startswith(folder) and rule.search(place) for folder, rule in self._rules for place in places)


def _lines(content: bytes) -> list[str]:
    """Those of a text with any line ends: Airflow reads it so."""
    return content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _compiled(line: str) -> Sequence[re.Pattern[str]]:
    try:
        return [re.compile(line)]
    except re.error:  # Airflow, too, passes over it
        return []


def _makes_dag(tree: ast.AST) -> bool:
    """Whether the file names what makes a DAG: a call of DAG, or the decorator dag."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and last_name(node.func) == "DAG":
            return True
        if isinstance(node, ast.FunctionDef) and any(
            last_name(item.func if isinstance(item, ast.Call) else item) == "dag" for item in node.decorator_list
        ):
            return True
    return False


def _namespaces(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where tasks ask to run."""
    known = assigned_once(tree)
    for config in configs(tree):
        yield from named_namespaces(config, known)
