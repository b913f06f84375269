# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable of every role is documented: in argument_specs.yml, with its default, and in the role's README.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import role_readmes
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
NAMES = [role.name for role in ROLES]
# What a role reads only if it is set. Its description says what happens otherwise.
NOT_SET = {"argocd_admin_password"}


def problem(option: dict[str, Any], given: Any) -> str:
    """What is wrong with how a default is documented. Empty for nothing."""
    if option.get("required"):
        return "" if not given else "is required, but has a default"
    if role_readmes.says_default(option):
        return "has a default in its description and another one in the specification" if "default" in option else ""
    if role_readmes.is_computed(given):
        return f"has a computed default, but its description has no '{role_readmes.SAYS_DEFAULT}…'"
    return "" if option.get("default") == given else f"has the default {given!r}, documented is {option.get('default')!r}"


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_variable_is_in_the_specification_and_has_a_default(role: Path) -> None:
    documented, given = set(role_readmes.options(role)), set(role_readmes.defaults(role))
    assert given, "no defaults were found"
    assert documented - NOT_SET == given
    assert all(name.startswith(f"{role.name}_") for name in documented)


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_defaults_are_documented_as_they_are(role: Path) -> None:
    given = role_readmes.defaults(role)
    found = {name: problem(option, given[name]) for name, option in role_readmes.options(role).items() if name not in NOT_SET}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_the_readme_has_every_variable(role: Path) -> None:
    text = (role / "README.md").read_text()
    assert role_readmes.updated(text, role_readmes.table(role)) == text, "run scripts/role_readmes.py"


@pytest.mark.parametrize(
    ("option", "given", "expected"),
    [
        ({"description": "A.", "default": 5}, 5, ""),
        ({"description": "A.", "default": 5}, 6, "has the default 6, documented is 5"),
        ({"description": "A."}, "x", "has the default 'x', documented is None"),
        ({"description": ["A.", "Defaults to C(b)."]}, "{{ b }}", ""),
        ({"description": "A."}, ["{{ b }}"], "has a computed default, but its description has no 'Defaults to …'"),
        ({"description": "Defaults to V(5).", "default": 5}, 5, "has a default in its description and another one in the specification"),
        ({"description": "A.", "required": True}, "", ""),
        ({"description": "A.", "required": True}, "x", "is required, but has a default"),
    ],
)
def test_a_default_that_is_documented_wrongly_is_found(option: dict[str, Any], given: Any, expected: str) -> None:
    assert problem(option, given) == expected


@pytest.mark.parametrize(
    ("option", "given", "row"),
    [
        ({"description": "A."}, {"x": "kind"}, "| `x` | `kind` | A. |"),
        ({"description": "A."}, {"x": ""}, '| `x` | `""` | A. |'),
        ({"description": "A."}, {"x": []}, "| `x` | `[]` | A. |"),
        ({"description": "A."}, {"x": "a" * 61}, "| `x` | described | A. |"),
        ({"description": "A.", "required": True}, {"x": ""}, "| `x` | required | A. |"),
        ({"description": "A."}, {}, "| `x` | not set | A. |"),
        ({"description": ["A.", "B.", "Defaults to C(y)."]}, {"x": "{{ y }}"}, "| `x` | described | A. Defaults to `y`. |"),
        ({"description": ["V(a) is A.", "V(b) is B."], "choices": ["a", "b"]}, {"x": "a"}, "| `x` | `a` | `a` is A. `b` is B. |"),
        (
            {"description": "O(y=1), E(Z) or C(a|b) with M(g.a.m),\n  P(g.a.r#role)."},
            {"x": 1},
            "| `x` | `1` | `y=1`, `Z` or `a\\|b` with `g.a.m`, `g.a.r`. |",
        ),
    ],
)
def test_a_row_has_name_default_and_meaning(tmp_path: Path, option: dict[str, Any], given: dict[str, Any], row: str) -> None:
    import yaml

    (tmp_path / "meta").mkdir()
    (tmp_path / "defaults").mkdir()
    (tmp_path / "meta/argument_specs.yml").write_text(yaml.safe_dump({"argument_specs": {"main": {"options": {"x": option}}}}))
    (tmp_path / "defaults/main.yml").write_text(yaml.safe_dump(given))
    assert role_readmes.table(tmp_path).splitlines() == ["| variable | default | meaning |", "|---|---|---|", row]


def test_a_readme_without_the_lines_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        role_readmes.updated("# A role\n", "")
    assert role_readmes.updated(f"a\n{role_readmes.BEGIN}\nold\n{role_readmes.END}\nb\n", "new") == (
        f"a\n{role_readmes.BEGIN}\nnew\n{role_readmes.END}\nb\n"
    )
