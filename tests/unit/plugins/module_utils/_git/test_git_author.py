# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which authors are refused, because git would write another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.author import EMAIL, NAME, author_problem, email_problem, name_problem
from ansible_collections.gitops.airflow.tests.unit.git_http import git

ENDS = "must not begin or end with a space, a quotation mark or one of . , : ; \\, which git removes"
LINE = "must be one line without angle brackets and control characters"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (NAME, ""),
        ("Ann Müller", ""),
        ("Ann O'Neill, Jr.", ""),
        ("Ann\nparent 0", LINE),
        ("Ann\r", LINE),
        ("Ann\u2028Eve", LINE),
        ("Ann <eve@example.com>", LINE),
        ("Ann\0", LINE),
        ("", "must contain a letter or a digit"),
        (" . ", "must contain a letter or a digit"),
        (7, "must be a text"),
    ],
)
def test_the_name_of_an_author(name: Any, why: str) -> None:
    assert name_problem(name) == why


@pytest.mark.parametrize(
    ("email", "why"),
    [
        (EMAIL, ""),
        ("ann+git@example.com", ""),
        ("ann@example.com\n", LINE),
        ("<ann@example.com>", LINE),
        ("ci-bot", ""),
        ("ann@", ""),
        ("ann @example.com", ""),
        ("a.b,c", ""),
        ("ann@example.com.", ENDS),
        (" ann@example.com", ENDS),
        ("'ann@example.com'", ENDS),
        ("\\ann", ENDS),
        (";", ENDS),
        ("", "must not be empty"),
        (None, "must be a text"),
    ],
)
def test_the_address_of_an_author(email: Any, why: str) -> None:
    assert email_problem(email) == why


@pytest.mark.parametrize("email", [EMAIL, "ann+git@example.com", "o'neill@example.com", "ci-bot", "ann @example.com", "a.b,c"])
def test_git_keeps_an_address_that_is_accepted(tmp_path: Path, email: str) -> None:
    """Otherwise the next run would take the commit for another author's."""
    assert email_problem(email) == ""
    git(tmp_path, "init", "--quiet")
    git(
        tmp_path, "-c", f"user.email={email}", "-c", "user.name=n", "commit", "--quiet", "--allow-empty", f"--author=n <{email}>", "-m", "m"
    )
    assert git(tmp_path, "log", "-1", "--format=%ae") == email


@pytest.mark.parametrize(
    ("author", "why"),
    [
        ({"name": "Ann", "email": "ann@example.com"}, ""),
        ({"email": "ann@example.com"}, ""),
        ({"name": "", "email": None}, ""),
        ({}, ""),
        ("Ann <ann@example.com>", "must be a dictionary with the keys name and email"),
        (None, "must be a dictionary with the keys name and email"),
        ({"mail": "ann@example.com"}, "has the key 'mail'; its keys are name and email"),
        ({"name": "Ann\nEve"}, f"has the name 'Ann\\nEve', which {LINE}"),
        ({"email": "ci-bot"}, ""),
        ({"email": "ann."}, f"has the email 'ann.', which {ENDS}"),
    ],
)
def test_the_variable_of_an_author(author: Any, why: str) -> None:
    assert author_problem(author) == why
