# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workload a pod is of."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import controller, unnoticed_by, unschedulable


def owner(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, **more}


@pytest.mark.parametrize(
    ("digest", "owners", "found"),
    [
        pytest.param("5d8f", [owner("ReplicaSet", "web-5d8f")], ("Deployment", "ns", "web"), id="of a Deployment"),
        pytest.param("5d8f", [owner("ReplicaSet", "web")], ("ReplicaSet", "ns", "web"), id="of a ReplicaSet alone"),
        pytest.param("", [owner("ReplicaSet", "web-5d8f")], ("ReplicaSet", "ns", "web-5d8f"), id="of a ReplicaSet without a hash"),
        pytest.param("5d8f", [owner("Job", "web-5d8f")], ("Job", "ns", "web-5d8f"), id="of another kind with such a name"),
        pytest.param(
            "", [owner("Node", "n"), owner("StatefulSet", "db", controller=True)], ("StatefulSet", "ns", "db"), id="of two owners"
        ),
        pytest.param("", [], (), id="of none"),
    ],
)
def test_the_controller_of_a_pod(digest: str, owners: list[dict[str, Any]], found: tuple[str, ...]) -> None:
    metadata = {"namespace": "ns", "labels": {"pod-template-hash": digest} if digest else {}, "ownerReferences": owners}
    assert controller({"metadata": metadata}) == found


@pytest.mark.parametrize("reason", ["Unschedulable", "SchedulerError"])
def test_a_scheduler_that_gives_no_words_gives_its_reason(reason: str) -> None:
    assert unschedulable({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": reason}]}}) == reason


SCHEDULED = {"conditions": [{"type": "PodScheduled", "status": "False"}]}


@pytest.mark.parametrize(
    ("spec", "status", "scheduler"),
    [
        ({"schedulerName": "absent"}, {}, "absent"),
        ({"schedulerName": "absent"}, {"phase": "Pending"}, "absent"),
        ({"schedulerName": "absent", "nodeName": "a"}, {"phase": "Pending"}, ""),
        # Evicted before it had a node.
        ({"schedulerName": "absent"}, {"phase": "Failed"}, ""),
        ({"schedulerName": "absent"}, {"phase": "Pending", **SCHEDULED}, ""),
        ({}, {"phase": "Pending"}, ""),
    ],
)
def test_the_scheduler_that_has_not_noticed_a_pod(spec: dict[str, Any], status: dict[str, Any], scheduler: str) -> None:
    assert unnoticed_by({"spec": spec, "status": status}) == scheduler
