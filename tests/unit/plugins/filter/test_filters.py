# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hiding values, and what a failure says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.gitops.airflow.plugins.filter.failure_cause import failure_cause
from ansible_collections.gitops.airflow.plugins.filter.hide_values import hide_values
from ansible_collections.gitops.airflow.plugins.filter.printable import printable


@pytest.mark.parametrize(
    ("text", "values", "shown"),
    [
        ("token s3cret1 is wrong", ["s3cret1"], "token ******** is wrong"),
        ("got czNjcmV0MQ== there", ["s3cret1"], "got ******** there"),
        ('{"key": "one\\nline two"}', ["one\nline two"], '{"key": "********"}'),
        ("of it: line two", ["line one\nline two\n"], "of it: ********"),
        ("longword and long", ["long", "longword"], "******** and ********"),
        ("a b c", ["a", "", "b"], "a b c"),
        ("at https://ann:hunter2@git.example.com/x", [], "at https://ann:********@git.example.com/x"),
    ],
)
def test_values_are_hidden(text: str, values: list[str], shown: str) -> None:
    assert hide_values(text, values) == shown


@pytest.mark.parametrize(
    ("result", "cause"),
    [
        pytest.param({"msg": "no room"}, "no room", id="one"),
        pytest.param({"msg": "no room. Next: free some"}, "no room. Next: free some", id="next step"),
        pytest.param(
            {"msg": "One or more items failed", "results": [{"msg": "a", "failed": True}, {"msg": "x"}, {"msg": "b", "failed": True}]},
            "a\nb",
            id="V14: a loop",
        ),
        pytest.param({"msg": "x\x1b]0;y\x07"}, r"x\x1b]0;y\x07", id="D11: escape sequences"),
    ],
)
def test_the_cause_of_a_failure(result: dict[str, Any], cause: str) -> None:
    assert failure_cause(result) == cause


@pytest.mark.parametrize(("value", "shown"), [("a\x1b[2Jb\nc", "a\\x1b[2Jb\nc"), (7, "7")])
def test_d11_text_is_made_printable(value: Any, shown: str) -> None:
    assert printable(value) == shown


def test_only_a_result_has_a_cause() -> None:
    with pytest.raises(AnsibleFilterError, match="got str"):
        failure_cause("x")
