# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the syntax tree of a DAG file: what a name, an argument or an executor_config stands for, where the file says it. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

# Names that stand for names: a file could name them in a circle.
DEPTH = 10


def last_name(node: ast.expr) -> str:
    """DAG of both C(DAG) and C(models.DAG)."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def configs(tree: ast.AST) -> Iterator[ast.expr]:
    """What a task gets as executor_config: an argument, an entry of default_args, or an attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "executor_config":
            yield node.value
        elif isinstance(node, ast.Dict):
            yield from (value for key, value in zip(node.keys, node.values, strict=True) if is_text(key, "executor_config"))
        elif isinstance(node, ast.Assign) and any(
            isinstance(item, ast.Attribute) and item.attr == "executor_config" for item in node.targets
        ):
            yield node.value


def assigned_once(tree: ast.AST) -> dict[str, ast.expr]:
    """What a name stands for. One that is set in more than one place, or by anything else than an assignment, is not known."""
    values: dict[str, ast.expr] = {}
    bound: dict[str, int] = {}
    for node in ast.walk(tree):
        if name := _bound_name(node):
            bound[name] = bound.get(name, 0) + 1
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            values.update((target.id, node.value) for target in targets if isinstance(target, ast.Name))
    return {name: value for name, value in values.items() if bound.get(name) == 1}


def _bound_name(node: ast.AST) -> str:
    """The name to which a part of the file gives a value, if it does."""
    if isinstance(node, ast.Name):
        return "" if isinstance(node.ctx, ast.Load) else node.id
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.alias):
        return node.asname or node.name.partition(".")[0]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler):
        return node.name or ""
    return ""


def entry(node: ast.expr | None, name: str, known: Mapping[str, ast.expr]) -> ast.expr | None:
    """The value of a dictionary's key or of a call's argument, where both stand in the file."""
    node, value = meant(node, known), None
    if isinstance(node, ast.Dict):
        value = next((item for key, item in zip(node.keys, node.values, strict=True) if is_text(key, name)), None)
    elif isinstance(node, ast.Call):
        value = next((item.value for item in node.keywords if item.arg == name), None)
    return meant(value, known)


def meant(node: ast.expr | None, known: Mapping[str, ast.expr]) -> ast.expr | None:
    for _step in range(DEPTH):
        if not isinstance(node, ast.Name) or node.id not in known:
            break
        node = known[node.id]
    return node


def named_namespaces(config: ast.expr, known: Mapping[str, ast.expr]) -> Iterator[tuple[int, str]]:
    """Line and text of the namespaces in an executor_config, in both forms: pod_override's metadata, and the older KubernetesExecutor."""
    override = entry(entry(config, "pod_override", known), "metadata", known)
    for part in (override, entry(config, "KubernetesExecutor", known)):
        value = entry(part, "namespace", known)
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
            yield value.lineno, value.value


def is_text(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text
