# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests/guards disables a guard, and that its list names functions and tests that there are."""

from __future__ import annotations

import ast
import builtins
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

SOURCE = '''
def allowed(
    a: int,
) -> bool:
    """Whether it is."""
    if a > 1:
        return False
    return True


class Door:
    def shut(self) -> list[str]:
        return ["shut"]

    def open(self) -> list[str]:
        return []
'''


@pytest.fixture(scope="module")
def guards() -> Any:
    loader = SourceFileLoader("guards", str(ROOT / "tests/guards"))
    spec = spec_from_loader("guards", loader)
    assert spec
    module = sys.modules["guards"] = module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = writes
    return module


def run(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(source, names)
    return names


def test_a_function_gets_another_body(guards: Any) -> None:
    assert run(SOURCE)["allowed"](2) is False
    assert run(guards.disabled(SOURCE, "allowed", "return True"))["allowed"](2) is True
    assert run(guards.disabled(SOURCE, "allowed", "if a:\n    return a\nreturn 7"))["allowed"](0) == 7


def test_a_method_too_and_nothing_else_changes(guards: Any) -> None:
    changed = guards.disabled(SOURCE, "Door.shut", "return []")
    assert run(changed)["Door"]().shut() == []
    assert run(changed)["allowed"](2) is False
    assert changed.replace("        return []\n\n    def open", '        return ["shut"]\n\n    def open') == SOURCE


@pytest.mark.parametrize(("name", "error"), [("missing", LookupError), ("Door", LookupError), ("Door.missing", LookupError)])
def test_a_function_that_is_not_there(guards: Any, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        guards.disabled(SOURCE, name, "return True")


def test_a_body_that_is_no_python(guards: Any) -> None:
    with pytest.raises(SyntaxError):
        guards.disabled(SOURCE, "allowed", "return return")


def test_only_assertions_count(guards: Any, tmp_path: Path) -> None:
    """An import that fails, or a fixture, is not the test noticing."""
    report = tmp_path / "report.xml"
    report.write_text(
        "<testsuites><testsuite>"
        '<testcase name="a"><failure message="AssertionError: no&#10;assert 1 == 2">x</failure></testcase>'
        '<testcase name="b"><failure message="assert [] == [1]">x</failure></testcase>'
        '<testcase name="c"><failure message="Failed: DID NOT RAISE ValueError">x</failure></testcase>'
        '<testcase name="d"><failure message="ImportError: no">x</failure></testcase>'
        '<testcase name="e"><error message="AssertionError: in a fixture">x</error></testcase>'
        '<testcase name="f"/></testsuite></testsuites>'
    )
    assert [name for name, _message in guards.failures(report)] == ["a", "b", "c"]


def unknown_names(guards: Any, source: str, name: str) -> set[str]:
    """The names that a function reads and that neither it nor its module has."""
    tree = ast.parse(source)
    function = guards.named_function(tree, name)
    known = set(dir(builtins)) | {item.arg for item in ast.walk(function) if isinstance(item, ast.arg)}
    for item in ast.walk(tree):
        if isinstance(item, ast.Import | ast.ImportFrom):
            known |= {alias.asname or alias.name.partition(".")[0] for alias in item.names}
        elif isinstance(item, ast.FunctionDef | ast.ClassDef):
            known.add(item.name)
        elif isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            known.add(item.id)
    return {item.id for item in ast.walk(function) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load)} - known


def test_names_that_nobody_has_are_found(guards: Any) -> None:
    assert unknown_names(guards, SOURCE, "allowed") == set()
    assert unknown_names(guards, guards.disabled(SOURCE, "allowed", "return Gate(a)"), "allowed") == {"Gate"}


def test_each_guard_and_its_test_exist(guards: Any) -> None:
    listed = guards.read_guards((ROOT / "tests/guards.yml").read_text())
    assert len({guard.name for guard in listed}) == len(listed) > 0
    for guard in listed:
        file, _colons, name = guard.function.partition("::")
        source = (ROOT / file).read_text()
        changed = guards.disabled(source, name, guard.without)
        assert changed != source, guard.name
        assert unknown_names(guards, changed, name) == set(), guard.name
        file, _colons, test = guard.test.partition("::")
        assert guards.named_function(ast.parse((ROOT / file).read_text()), test.partition("[")[0].replace("::", ".")), guard.name
