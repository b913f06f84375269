# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F19: which pods stay as evidence. No attack: here because the DAG is pushed with those of the attacks."""

from __future__ import annotations

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
    assert pushed.ended(DAG, run) == "failed"

    def left() -> list[str]:
        pods = [pod for pod in pods_of(core, NAMESPACE, DAG) if pod.metadata.annotations["run_id"] == run]
        return [pod.metadata.annotations["task_id"] for pod in pods] if all(pod.status.phase == "Failed" for pod in pods) else []

    tasks = wait_for("the pods to be gone but one", left)
    for pod in pods_of(core, NAMESPACE, DAG):
        core.delete_namespaced_pod(pod.metadata.name, NAMESPACE)
    assert tasks == ["worker_fails"]
