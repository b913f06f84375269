# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hashing and comparing passwords; hiding values."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.gitops.airflow.plugins.filter.bcrypt_hash import bcrypt_hash
from ansible_collections.gitops.airflow.plugins.filter.bcrypt_matches import bcrypt_matches
from ansible_collections.gitops.airflow.plugins.filter.failure_cause import failure_cause
from ansible_collections.gitops.airflow.plugins.filter.hide_values import hide_values
from ansible_collections.gitops.airflow.plugins.filter.printable import printable

# From the bcrypt project's own test vectors, and one of cost 10 as Argo CD's first start makes them.
KNOWN = [
    ("Kk4DQuMMfZL9o", "$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"),
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
]


def test_a_hash_matches_its_password_only() -> None:
    hashed = bcrypt_hash("pässword", rounds=4)
    assert re.fullmatch(r"\$2a\$04\$[./0-9A-Za-z]{53}", hashed)
    assert bcrypt_matches(hashed, "pässword")
    assert not bcrypt_matches(hashed, "password")
    assert bcrypt_hash("pässword", rounds=4) != hashed


def test_the_cost_is_argo_cds() -> None:
    assert bcrypt_hash("x").startswith("$2a$10$")


@pytest.mark.parametrize(("password", "hashed"), KNOWN)
def test_hashes_of_others_match(password: str, hashed: str) -> None:
    assert bcrypt_matches(hashed, password)
    assert not bcrypt_matches(hashed, password + "x")


@pytest.mark.parametrize("hashed", ["", "no hash", "$2a$10$short"])
def test_what_is_no_hash_matches_nothing(hashed: str) -> None:
    assert not bcrypt_matches(hashed, "x")


@pytest.mark.parametrize(
    ("password", "message"),
    [("", "got 0 bytes"), ("ä" * 37, "got 74 bytes"), ("a\0b", "without NUL"), (None, "got NoneType"), (5, "got int")],
)
def test_what_bcrypt_cannot_hash_is_refused(password: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        bcrypt_hash(password)


def test_bad_rounds_are_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="from 4 to 31"):
        bcrypt_hash("x", rounds=3)


def test_only_text_is_compared() -> None:
    with pytest.raises(AnsibleFilterError, match="got NoneType"):
        bcrypt_matches(None, "x")


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
