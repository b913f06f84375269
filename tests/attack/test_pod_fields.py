# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D6, D12: the attacker may push DAGs. The pod of a task asks for its node, for a token of the API, or for a place before all others.

Whether the policy accepts the DAG is what counts: a namespace that enforces a Pod Security Standard refuses some of the pods as well.
"""

from __future__ import annotations

from typing import Any

import pytest
from dag_author import DagAuthor, wait_for

ATTACKS = {
    "attack_host_path": "asks for spec.volumes[node].hostPath",
    "attack_host_network": "asks for spec.hostNetwork = true",
    "attack_privileged": "asks for spec.containers[base].securityContext.privileged = true",
    "attack_api_token": "asks for a token for the audience 'https://kubernetes.default.svc.cluster.local'",
    "attack_volume_copy": "asks for spec.volumes[copy].ephemeral.volumeClaimTemplate.spec.dataSource",
    "attack_system_priority": 'asks for spec.priorityClassName = "system-cluster-critical"',
}


@pytest.mark.parametrize(("dag", "refusal"), ATTACKS.items())
def test_the_pod_of_a_task_is_refused(pushed: DagAuthor, verdict: Any, dag: str, refusal: str) -> None:
    error = wait_for("a verdict of Airflow on the DAG", lambda: pushed.import_error(f"{dag}.py") or (pushed.knows(dag) and "accepted"))
    if error != "accepted":
        assert f"AirflowClusterPolicyViolation: Task {dag}.take {refusal}" in error
    verdict(error == "accepted", error)
