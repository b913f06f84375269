# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Kubernetes' scheduler runs, by its Lease."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.scheduler import silent_for

Obj = dict[str, Any]


def lease(name: str, renewed: str | None) -> Obj:
    return {"metadata": {"name": name}, "spec": {"renewTime": renewed} if renewed else {}}


def scheduled(when: str, by: str = "default-scheduler", status: str = "True") -> Obj:
    return {
        "spec": {"schedulerName": by},
        "status": {"conditions": [{"type": "PodScheduled", "status": status, "lastTransitionTime": when}]},
    }


OTHERS = [
    lease("apiserver-of-earlier", "2026-05-04T11:30:00Z"),
    lease("kube-controller-manager", "2026-05-04T12:00:04.1Z"),
    lease("apiserver-x", "2026-05-04T12:00:00.000000Z"),
]
AHEAD = lease("kube-controller-manager", "2026-05-04T13:00:00Z")


@pytest.mark.parametrize(
    ("leases", "pods", "seconds"),
    [
        ([lease("kube-scheduler", "2026-05-04T11:59:58.5Z"), *OTHERS], [], None),
        ([lease("kube-scheduler", "2026-05-04T11:59:00Z"), *OTHERS], [], None),
        ([lease("kube-scheduler", "2026-05-04T11:58:59Z"), *OTHERS], [], 61.0),
        ([lease("kube-scheduler", "2026-05-04T11:50:00Z"), *OTHERS], [scheduled("2026-05-04T11:49:00Z")], 600.0),
        ([lease("kube-scheduler", "2026-05-04T11:50:00Z"), *OTHERS], [scheduled("2026-05-04T11:50:00Z")], 600.0),
        # A Lease that a scheduler of earlier left behind, one without a time, none, and one alone.
        ([lease("kube-scheduler", "2026-05-04T11:50:00Z"), *OTHERS], [scheduled("2026-05-04T11:50:01Z")], None),
        ([lease("kube-scheduler", None), *OTHERS], [], None),
        (OTHERS, [], None),
        ([lease("kube-scheduler", "2026-05-04T11:50:00Z")], [], None),
        ([lease("kube-scheduler", "2026-05-04T11:50:00Z"), lease("apiserver-x", None)], [], None),
        # One component whose clock is ahead, beside one that is not and alone.
        ([lease("kube-scheduler", "2026-05-04T11:59:58Z"), lease("apiserver-x", "2026-05-04T12:00:00Z"), AHEAD], [], None),
        ([lease("kube-scheduler", "2026-05-04T11:59:58Z"), AHEAD], [], None),
        ([lease("kube-scheduler", "2026-05-04T11:50:00Z"), lease("apiserver-x", "2026-05-04T12:00:00Z"), AHEAD], [], 600.0),
        # What another scheduler did, and what this one refused.
        ([lease("kube-scheduler", "2026-05-04T11:50:00Z"), *OTHERS], [scheduled("2026-05-04T11:55:00Z", "gpu-scheduler")], 600.0),
        ([lease("kube-scheduler", "2026-05-04T11:50:00Z"), *OTHERS], [scheduled("2026-05-04T11:55:00Z", status="False")], 600.0),
    ],
)
def test_a_scheduler_is_silent_by_the_clock_of_the_other_leases(leases: list[Obj], pods: list[Obj], seconds: float | None) -> None:
    assert silent_for(leases, pods) == seconds
