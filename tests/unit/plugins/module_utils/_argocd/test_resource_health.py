# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a workload is not healthy, read from itself."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.resource_health import READERS


def workload(wanted: int | None = 2, **status: Any) -> dict[str, Any]:
    spec = {} if wanted is None else {"replicas": wanted}
    return {"metadata": {"name": "one", "generation": 3}, "spec": spec, "status": {"observedGeneration": 3, **status}}


def condition(kind: str, status: str, reason: str = "", message: str = "") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "reason": reason, "message": message}]}


LATE = condition("Progressing", "False", "ProgressDeadlineExceeded", "has timed out progressing")
QUOTA = condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota")

PARTITION = {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}}

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("Deployment", workload(updatedReplicas=2, availableReplicas=2), "", ""),
    ("Deployment", workload(updatedReplicas=1, availableReplicas=2), "Progressing", "1 of 2 pods are updated"),
    ("Deployment", workload(1, replicas=2, updatedReplicas=1, availableReplicas=1), "Progressing", "1 old pods are still there"),
    ("Deployment", workload(observedGeneration=2, updatedReplicas=2, availableReplicas=2), "Progressing", "not seen the change"),
    ("Deployment", workload(**LATE), "Degraded", "ProgressDeadlineExceeded: has timed out progressing"),
    ("Deployment", workload(**QUOTA), "Degraded", "FailedCreate: exceeded quota"),
    ("StatefulSet", {**workload(updatedReplicas=1, availableReplicas=3), "spec": PARTITION}, "", ""),
    ("StatefulSet", {**workload(availableReplicas=2), "spec": {"replicas": 2, "updateStrategy": {"type": "OnDelete"}}}, "", ""),
    ("StatefulSet", workload(1, updatedReplicas=1), "Progressing", "0 of 1 pods are available"),
    (
        "DaemonSet",
        workload(desiredNumberScheduled=2, updatedNumberScheduled=2, numberAvailable=1),
        "Progressing",
        "1 of 2 pods are available",
    ),
    ("Job", workload(**condition("Complete", "True")), "", ""),
    ("Job", workload(**condition("Failed", "True", "BackoffLimitExceeded", "limit")), "Degraded", "BackoffLimitExceeded: limit"),
    ("Job", workload(active=1, failed=2), "Progressing", "1 pods active, 2 failed"),
    ("PersistentVolumeClaim", {"status": {"phase": "Bound"}}, "", ""),
    ("PersistentVolumeClaim", {"status": {"phase": "Pending"}}, "Progressing", "the claim is Pending"),
    ("PersistentVolumeClaim", {"status": {"phase": "Lost"}}, "Degraded", "the claim is Lost"),
]


@pytest.mark.parametrize(("kind", "item", "health", "words"), CASES)
def test_health(kind: str, item: dict[str, Any], health: str, words: str) -> None:
    verdict = READERS[kind][1](item)
    assert (verdict or ("", ""))[0] == health
    assert words in (verdict or ("", ""))[1]
