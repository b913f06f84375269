# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F1: the row of make status for the store of task logs: it runs, how full it is, and whether old logs are deleted."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._status.logs import judge_log_stores, log_store_cells, log_store_row

NOW = datetime.datetime(2026, 5, 4, 12, 0, tzinfo=datetime.UTC)
DEPLOYMENT = {"metadata": {"namespace": "airflow-logs", "name": "task-logs"}, "status": {"availableReplicas": 1}}
POD = {
    "metadata": {"namespace": "airflow-logs", "labels": {"app.kubernetes.io/name": "task-logs"}},
    "spec": {"nodeName": "node-1"},
}
DISK = {"node-1": {"disk": 86.0, "disk_size": 100.0}, "node-2": {"disk": 1.0, "disk_size": 100.0}}
CLAIM = {"namespace": "airflow-logs", "name": "task-logs", "phase": "Bound", "size": 100.0}
EXPIRED = {"status": {"lastScheduleTime": "2026-05-04T11:00:00Z", "lastSuccessfulTime": "2026-05-04T11:00:10Z"}}
SAME_SECOND = dict.fromkeys(("lastScheduleTime", "lastSuccessfulTime"), "2026-05-04T11:00:00Z")
OTHER = {"metadata": {"namespace": "airflow-logs", "name": "other"}, "status": {"availableReplicas": 1}}
ELSEWHERE = {"metadata": {"namespace": "core", "name": "task-logs"}, "status": {"availableReplicas": 1}}
OTHER_POD = {**POD, "metadata": {"namespace": "airflow-logs", "labels": {"app.kubernetes.io/name": "other"}}}
POD_ELSEWHERE = {**POD, "metadata": {"namespace": "core", "labels": {"app.kubernetes.io/name": "task-logs"}}}


def row(**given: Any) -> dict[str, Any]:
    inputs: dict[str, Any] = {"workloads": [DEPLOYMENT], "volumes": [], "pods": [POD], "node_use": DISK, "expire": EXPIRED} | given
    return log_store_row("airflow-logs", now=NOW, **inputs)


@pytest.mark.parametrize(
    ("given", "cells"),
    [
        ({}, ["runs", "86% of the disk of node node-1", "59 min ago"]),
        ({"volumes": [{**CLAIM, "used": 20.0}]}, ["runs", "20% of its volume", "59 min ago"]),
        # Another claim of the same name, and one whose driver says nothing.
        ({"volumes": [{**CLAIM, "namespace": "other", "used": 20.0}, CLAIM]}, ["runs", "86% of the disk of node node-1", "59 min ago"]),
        ({"node_use": {}}, ["runs", "not known", "59 min ago"]),
        # Another workload of that namespace, and one of that name elsewhere.
        ({"workloads": [OTHER, ELSEWHERE]}, ["does not run", "86% of the disk of node node-1", "59 min ago"]),
        ({"pods": [OTHER_POD, POD_ELSEWHERE]}, ["runs", "not known", "59 min ago"]),
        # Kubernetes writes whole seconds.
        ({"expire": {"status": SAME_SECOND}}, ["runs", "86% of the disk of node node-1", "60 min ago"]),
        ({"pods": [], "workloads": []}, ["does not run", "not known", "59 min ago"]),
        ({"workloads": [{**DEPLOYMENT, "status": {}}]}, ["does not run", "86% of the disk of node node-1", "59 min ago"]),
        ({"expire": None}, ["runs", "86% of the disk of node node-1", ""]),
        ({"expire": {"status": {}}}, ["runs", "86% of the disk of node node-1", ""]),
        ({"expire": {"status": {"lastScheduleTime": "2026-05-04T11:00:00Z"}}}, ["runs", "86% of the disk of node node-1", "failed"]),
        (
            {"expire": {"status": {"lastScheduleTime": "2026-05-04T11:00:00Z", "active": [{}]}}},
            ["runs", "86% of the disk of node node-1", ""],
        ),
        (
            {"expire": {"status": {"lastScheduleTime": "2026-05-04T11:00:00Z", "lastSuccessfulTime": "2026-05-04T05:00:10Z"}}},
            ["runs", "86% of the disk of node node-1", "failed"],
        ),
    ],
)
def test_f1_the_row_says_state_fill_and_last_deletion(given: dict[str, Any], cells: list[str]) -> None:
    assert log_store_cells([row(**given)]) == [["airflow-logs/task-logs", *cells]]


@pytest.mark.parametrize(
    ("used", "warns"),
    [(0.0, False), (84.9, False), (85.0, True), (100.0, True)],
)
def test_f1_a_store_that_is_nearly_full_is_a_warning(used: float, warns: bool) -> None:
    problems, warnings = judge_log_stores([row(volumes=[{**CLAIM, "used": used}])])
    assert problems == []
    assert [f"is {used:.0f}% full (its volume)" in text for text in warnings] == [True] * warns


def test_f1_a_store_that_does_not_run_is_a_problem() -> None:
    problems, warnings = judge_log_stores([row(workloads=[], node_use={})])
    assert problems == ["the store of task logs does not run: see kubectl -n airflow-logs describe pods"]
    assert warnings == []


def test_f1_a_deletion_that_failed_is_a_warning() -> None:
    _problems, warnings = judge_log_stores([row(node_use={}, expire={"status": {"lastScheduleTime": "2026-05-04T11:00:00Z"}})])
    assert warnings == ["the last deletion of old task logs failed: see kubectl -n airflow-logs get jobs"]


def test_a_platform_without_a_store_has_no_row() -> None:
    assert judge_log_stores([]) == ([], [])
