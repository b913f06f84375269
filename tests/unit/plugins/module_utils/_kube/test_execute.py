# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a command in a container has ended, by what the kubelet says last."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import exit_code

SUCCESS = {"metadata": {}, "status": "Success"}
CAUSE = {"reason": "ExitCode", "message": "3"}


def failure(message: str = "", causes: list[Any] | None = None) -> dict[str, Any]:
    return {"status": "Failure", "message": message, "details": {"causes": causes}}


@pytest.mark.parametrize(("status", "code"), [(SUCCESS, 0), (failure("exit code 3", [CAUSE]), 3)])
def test_exit_codes(status: dict[str, Any], code: int) -> None:
    assert exit_code(json.dumps(status)) == code


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (json.dumps(failure('exec: "python": executable file not found', [])), "executable file not found"),
        (json.dumps({"status": "Failure"}), "it could not be started"),
        ("", "the connection ended before the command did"),
        ("{", "the connection ended before the command did"),
        ("null", "the connection ended before the command did"),
    ],
)
def test_without_an_exit_code_there_is_a_reason(status: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        exit_code(status)
