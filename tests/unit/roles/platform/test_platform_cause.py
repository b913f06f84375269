# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role platform says of a failure whose result is hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("failed", "cause"),
    [
        ({"msg": "secrets is forbidden. "}, "secrets is forbidden."),
        ({"rc": 22, "stdout": "argocd t0ken", "stderr": "curl: (22) error: 404\n"}, "curl: (22) error: 404."),
        ({"msg": "no", "stderr": "key " + "aB3" * 12}, "no key ********."),
        ({}, "no reason is given."),
    ],
)
def test_a_hidden_failure_is_told_without_its_output(
    role_evaluator: Callable[[str], Callable[..., Any]], failed: dict[str, Any], cause: str
) -> None:
    told = role_evaluator("airflow_app")("__platform_cause", ansible_failed_result=failed)
    assert told.strip() == cause
