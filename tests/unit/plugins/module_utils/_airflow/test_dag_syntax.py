# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a DAG file without running it."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_syntax import (
    assigned_once,
    configs,
    entry,
    last_name,
    meant,
    named_namespaces,
)


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def texts(nodes: Any) -> list[str]:
    return [ast.unparse(node) for node in nodes]


@pytest.mark.parametrize(
    ("text", "name"), [("DAG", "DAG"), ("models.DAG", "DAG"), ("airflow.models.DAG", "DAG"), ("DAG()", ""), ("'DAG'", "")]
)
def test_the_last_part_of_a_name(text: str, name: str) -> None:
    assert last_name(expression(text)) == name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("T(executor_config=A)", ["A"]),
        ("T(config=A, **more)", []),
        ("{'executor_config': A, 'retries': 1, **more}", ["A"]),
        ("{executor_config: A}", []),
        ("t.executor_config = A", ["A"]),
        ("a = t.executor_config = A", ["A"]),
        ("executor_config = A", []),
        ("t.config = A", []),
    ],
)
def test_where_a_task_gets_its_configuration(text: str, found: list[str]) -> None:
    assert texts(configs(ast.parse(text))) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x = 1", "1"),
        ("x: int = 1", "1"),
        ("x: int", None),
        ("a = x = 1", "1"),
        ("print(x)\nx = 1", "1"),
        ("x.y = 1", None),
        ("x = 1\nx = 2", None),
        ("x = 1\nx += 2", None),
        ("x = 1\nfor x in y: pass", None),
        ("x = 1\nwith y as x: pass", None),
        ("x = 1\ndel x", None),
        ("x = 1\nimport x", None),
        ("x = 1\nimport x.y", None),
        ("x = 1\nimport y.x", "1"),
        ("x = 1\nfrom y import z as x", None),
        ("x = 1\ndef x(): pass", None),
        ("x = 1\nasync def x(): pass", None),
        ("x = 1\nclass x: pass", None),
        ("x = 1\ndef f(x): pass", None),
        ("x = 1\ntry: pass\nexcept E as x: pass", None),
        ("x = 1\ntry: pass\nexcept E: pass", "1"),
        ("x, y = 1, 2", None),
    ],
)
def test_a_name_that_is_set_once_is_known(text: str, value: str | None) -> None:
    found = assigned_once(ast.parse(text))
    assert ("x" in found) is (value is not None)
    assert value is None or ast.unparse(found["x"]) == value


KNOWN = assigned_once(ast.parse("A = {'k': B}\nB = 5\nLOOP = LOOP2\nLOOP2 = LOOP"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'k': 1}", "1"),
        ("{'k': 1, 'k2': 2}", "1"),
        ("{k: 1, **more}", None),
        ("f(k=1, **more)", "1"),
        ("f(1)", None),
        ("A", "5"),
        ("f(k=B)", "5"),
        ("f(k=UNKNOWN)", "UNKNOWN"),
        ("[1]", None),
    ],
)
def test_an_entry_by_its_name(text: str, value: str | None) -> None:
    found = entry(expression(text), "k", KNOWN)
    assert (None if found is None else ast.unparse(found)) == value


def test_names_that_stand_for_each_other_end() -> None:
    found = meant(expression("LOOP"), KNOWN)
    assert isinstance(found, ast.Name)
    assert entry(None, "k", KNOWN) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{'pod_override': k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace='a'))}", [(1, "a")]),
        ("{'KubernetesExecutor': {'namespace': 'a'}}", [(1, "a")]),
        ("{'pod_override': V1Pod(metadata={'namespace': 'a'}),\n 'KubernetesExecutor': {'namespace': 'b'}}", [(1, "a"), (2, "b")]),
        ("{'KubernetesExecutor': {'namespace': ''}}", []),
        ("{'KubernetesExecutor': {'namespace': 5}}", []),
        ("{'KubernetesExecutor': {'namespace': NAME}}", []),
        ("{'pod_override': V1Pod(spec={'namespace': 'a'})}", []),
        ("{}", []),
    ],
)
def test_the_namespaces_of_a_configuration(text: str, found: list[tuple[int, str]]) -> None:
    assert list(named_namespaces(expression(text), {})) == found
