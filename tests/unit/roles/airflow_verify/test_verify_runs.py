# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which DAGs a verification runs, and which worker pods say that Airflow is not idle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

EXAMPLES = ["example_cron_dag", "example_user_dag"]
OWN = [{"dag_id": "own", "task_id": "t", "namespace": "airflow-user", "log": "x"}]

Evaluate = Callable[..., Any]


@pytest.fixture(scope="module")
def evaluate(role_evaluator: Callable[[str], Evaluate]) -> Evaluate:
    return role_evaluator("airflow_verify")


@pytest.mark.parametrize(
    ("given", "present", "expected"),
    [
        ({}, EXAMPLES, EXAMPLES),
        ({}, EXAMPLES[:1], EXAMPLES[:1]),
        ({}, [], []),
        ({"airflow_app_dags_repo": "http://gitea.git.svc.cluster.local:3000/gitops/dags.git"}, EXAMPLES, EXAMPLES),
        ({"airflow_app_dags_repo": "https://git.example.com/dags.git"}, EXAMPLES, []),
        ({"platform_git_server": "external"}, EXAMPLES, []),
        ({"platform_worker_namespaces": [{"name": "airflow-core"}, {"name": "airflow-user"}]}, EXAMPLES, EXAMPLES[1:]),
        ({"airflow_verify_runs": OWN}, [], ["own"]),
    ],
)
def test_examples_run_where_they_can(evaluate: Evaluate, given: dict[str, Any], present: list[str], expected: list[str]) -> None:
    runs = evaluate("__airflow_verify_runs", __airflow_verify_answers={"present": present}, **given)
    assert [run["dag_id"] for run in runs] == expected


@pytest.mark.parametrize(
    ("namespace", "created", "left"),
    [
        ("airflow-cron", "2026-01-01T00:00:09Z", True),
        ("airflow-cron", "2026-01-01T00:00:10Z", False),
        ("another-airflow", "2026-01-01T00:00:09Z", False),
    ],
)
def test_a_pod_that_came_later_or_is_somebody_elses_says_nothing(evaluate: Evaluate, namespace: str, created: str, left: bool) -> None:
    pods = {"resources": [{"metadata": {"name": "pod", "namespace": namespace, "creationTimestamp": created}}]}
    asked = {"asked_at": "2026-01-01T00:00:10Z", "active_tasks": 0}
    assert (evaluate("__airflow_verify_left", __airflow_verify_workers=pods, __airflow_verify_answers=asked) == ["pod"]) == left
