# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the runs ended: where all of their workers were, what followed an eviction and a drain, and which logs are left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.gitops.airflow.tests.scheduling.disruption import Disruption
from ansible_collections.gitops.airflow.tests.scheduling.runs import CRON, DRAINED, EVICTED, QUOTA, Runs, Waits
from kubernetes import client


def test_the_worker_of_airflow_cron_ran_on_the_tainted_node(runs: Runs, waits: Waits, cron_node: str) -> None:
    assert [worker["node"] for worker in waits.workers(CRON)] == [cron_node]
    assert runs.ended(CRON) == "success"


@pytest.mark.parametrize(("dag", "task"), [(EVICTED, "evicted"), (DRAINED, "drained")])
def test_a_disrupted_task_is_tried_again_and_the_logs_of_both_tries_are_readable(
    runs: Runs, disruption: Callable[[], Disruption], dag: str, task: str
) -> None:
    workers = getattr(disruption(), task)
    assert len(workers) == 2, workers
    assert runs.ended(dag) == "success"
    assert runs.tasks(dag)[task]["try_number"] == 2
    for number in (1, 2):
        runs.log(dag, task, number, f"words of try {number}")


def test_the_second_try_of_the_drained_worker_is_on_another_node(
    disruption: Callable[[], Disruption], cron_node: str, user_node: str
) -> None:
    assert list(disruption().drained.values()) == [cron_node, user_node]


def test_the_tainted_node_had_only_workers_of_its_namespaces(disruption: Callable[[], Disruption]) -> None:
    """Beside pods of DaemonSets and of the node itself. Completed workers may be among them."""
    namespaces = {namespace for namespace, _name in disruption().left}
    assert "airflow-batch" in namespaces
    assert namespaces <= {"airflow-batch", "airflow-cron"}


def test_the_drained_node_takes_pods_again(core: client.CoreV1Api, disruption: Callable[[], Disruption]) -> None:
    assert not core.read_node(disruption().node).spec.unschedulable


def test_the_second_task_ran_when_there_was_room(runs: Runs, waits: Waits, user_node: str) -> None:
    assert [worker["node"] for worker in waits.workers(QUOTA)] == [user_node] * 2
    assert runs.ended(QUOTA) == "success"
    first, second = sorted(runs.tasks(QUOTA).values(), key=lambda task: str(task["start_date"]))
    assert first["end_date"] <= second["start_date"]
    assert (first["try_number"], second["try_number"]) == (1, 1), "the wait for room is not a try"
