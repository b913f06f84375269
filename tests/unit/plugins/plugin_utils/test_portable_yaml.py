# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text stays a text for every parser of YAML. What Helm itself reads: tests/integration/chart."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.plugin_utils.portable_yaml import portable_yaml
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from("\n\t")) | st.from_regex(r"[-+]?[0-9][0-9_eE.xo:-]*")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda children: st.lists(children) | st.dictionaries(TEXTS, children),
)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("y", '"y"'),
        ("N", '"N"'),
        ("On", '"On"'),
        ("null", '"null"'),
        ("1e3", '"1e3"'),
        ("1E+3", '"1E+3"'),
        ("08", '"08"'),
        ("0o14", '"0o14"'),
        ("012", '"012"'),
        ("1:30", '"1:30"'),
        ("2024-01-01", '"2024-01-01"'),
        (".inf", '".inf"'),
        ("~", '"~"'),
        ("", '""'),
        ("yes please", "yes please"),
        ("a: b", "'a: b'"),
        ("/opt/airflow", "/opt/airflow"),
        (True, "true"),
        (None, "null"),
        (8, "8"),
        (1.5, "1.5"),
    ],
)
def test_a_text_stays_a_text(value: Any, line: str) -> None:
    assert portable_yaml({"x": value}) == f"x: {line}\n"


def test_a_key_stays_a_text() -> None:
    assert portable_yaml({"y": 1, "08": {"no": []}}) == '"y": 1\n"08":\n  "no": []\n'


def test_a_value_that_stands_twice_is_written_twice() -> None:
    same = {"a": 1}
    assert portable_yaml({"one": same, "two": same}) == "one:\n  a: 1\ntwo:\n  a: 1\n"


@given(VALUES)
def test_it_reads_as_it_was(value: Any) -> None:
    assert yaml.safe_load(portable_yaml(value)) == value
