# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as data: what becomes of them in a module's result and in a note."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import (
    ApiError,
    CollectionError,
    InputError,
    RequestError,
    sentence,
)
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import NoReadyPod


def test_an_error_is_a_modules_result() -> None:
    error = CollectionError("no room", "Free some.", "disk_full")
    assert error.result() == {"msg": "no room", "next_action": "Free some.", "code": "disk_full"}
    assert CollectionError("no room").result() == {"msg": "no room", "code": "failed"}
    assert str(error) == "no room"


@pytest.mark.parametrize(
    ("message", "action", "text"),
    [("no room", "Free some.", "no room. Free some."), ("no room.", "Free some.", "no room. Free some."), ("no room", "", "no room")],
)
def test_a_note_has_message_and_next_action(message: str, action: str, text: str) -> None:
    assert CollectionError(message, action).text == text


@pytest.mark.parametrize(
    ("text", "said"), [("no room", "no room."), ("no room.", "no room."), ("why?", "why?"), ("no!", "no!"), ("(of 3)", "(of 3).")]
)
def test_a_message_ends_with_one_period(text: str, said: str) -> None:
    """Others' words may end with a period or not."""
    assert sentence(text) == said


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ApiError(-1, "x"), "bad_access"),
        (ApiError(0, "x"), "unreachable"),
        (ApiError(401, "x"), "unauthorized"),
        (ApiError(403, "x"), "forbidden"),
        (ApiError(404, "x"), "not_found"),
        (ApiError(409, "x"), "conflict"),
        (ApiError(422, "x"), "refused"),
        (ApiError(500, "x"), "server_error"),
        (ApiError(503, "x"), "server_error"),
        (RequestError(404, "x", code="dag_missing"), "dag_missing"),
        (InputError("x"), "bad_option"),
        (NoReadyPod("x"), "no_tunnel"),
    ],
)
def test_every_error_has_a_code(error: CollectionError, code: str) -> None:
    assert error.code == code


def test_bad_input_is_a_value_error_too() -> None:
    assert isinstance(InputError("x"), ValueError)


def test_only_the_next_action_names_options() -> None:
    error = GitError("repo is {repo}", "Correct {repo} or {branch}.", "bad_url")
    assert (error.message, error.next_action) == ("repo is {repo}", "Correct repo or branch.")
    assert error.named({"repo": "dags_repo"}).named({"branch": "dags_branch"}).next_action == "Correct repo or dags_branch."


@pytest.mark.parametrize(
    ("status", "passing"),
    [(0, True), (429, True), (500, True), (503, True), (504, True), (-1, False), (401, False), (404, False), (501, False)],
)
def test_which_errors_may_pass(status: int, passing: bool) -> None:
    assert ApiError(status, "x").passing is passing
