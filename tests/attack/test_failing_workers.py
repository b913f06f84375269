# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F19: which pods stay as evidence. No attack: here because the DAG is pushed with those of the attacks."""

from __future__ import annotations

import time

import pytest
from dag_author import DagAuthor, pods_of, wait_for
from kubernetes import client

DAG, NAMESPACE = "failing_workers", "airflow-user"


def test_the_pod_of_a_failed_worker_stays_and_that_of_a_failed_task_goes(
    core: client.CoreV1Api, pushed: DagAuthor, request: pytest.FixtureRequest
) -> None:
    """As [kubernetes_executor] delete_worker_pods_on_failure = False describes it."""
    if request.config.getoption("--without-guard"):
        pytest.skip("no attack, and without the cluster policy the workers are in another namespace")
    run = pushed.start(DAG)

    def left() -> dict[str, str]:
        """The phases of the run's pods by task, once the task has failed and its pod is gone."""
        task = pushed.airflow("GET", f"dags/{DAG}/dagRuns/{run}/taskInstances/task_fails")
        pods = [pod for pod in pods_of(core, NAMESPACE, DAG) if pod.metadata.annotations["run_id"] == run]
        phases = {pod.metadata.annotations["task_id"]: str(pod.status.phase) for pod in pods}
        return phases if task["state"] == "failed" and phases == {"worker_fails": "Failed"} else {}

    wait_for("the failed task's pod to be deleted, and the failed worker's pod to stay", left)
    # It is not deleted later, either.
    time.sleep(10)
    assert left()
    # Airflow itself takes 5 minutes to see that a running task has no worker any more.
    pushed.airflow("PATCH", f"dags/{DAG}/dagRuns/{run}", {"state": "failed"})
    for pod in pods_of(core, NAMESPACE, DAG):
        core.delete_namespaced_pod(pod.metadata.name, NAMESPACE)
