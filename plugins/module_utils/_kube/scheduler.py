# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Kubernetes' own scheduler runs, also while no pod waits for it. Pure: Leases and pods in, seconds out.

The scheduler that leads renews its Lease every two seconds (kubernetes: component-base/config/v1alpha1/defaults.go, RetryPeriod). The times
of the other Leases are the cluster's clock: the clock of this machine may differ. One of them alone may be ahead, so two must agree.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, timestamp
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import DEFAULT_SCHEDULER, condition

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
LEASE = "kube-scheduler"
# What to do about a scheduler that does not act.
CHECK = "Check that Kubernetes' scheduler runs (kubectl -n kube-system get pods -l component=kube-scheduler)."
# A scheduler that was restarted leads again within this time (seconds): its Lease lasts 15, and the kubelet waits 10 before a restart.
SILENT = 60
# So many of the other Leases must be newer by that time: one component's clock may be ahead.
AGREEING = 2


def silent_for(leases: Iterable[Obj], pods: Iterable[Obj]) -> float | None:
    """For how many seconds the scheduler has not renewed its Lease, if it is longer than SILENT; None if it runs, or if that is unknown.

    ``leases``: those of kube-system. ``pods``: any. If one was scheduled after the last renewal, the Lease is a former scheduler's.
    """
    times = {str(item["metadata"]["name"]): timestamp((item.get("spec") or {}).get("renewTime")) for item in leases}
    renewed = times.pop(LEASE, None)
    others = sorted(moment for moment in times.values() if moment)
    if renewed is None or len(others) < AGREEING:
        return None
    silent = (others[-AGREEING] - renewed).total_seconds()
    if silent <= SILENT:
        return None
    return None if any(moment > renewed for moment in map(_scheduled, pods) if moment) else silent


def _scheduled(pod: Obj) -> datetime.datetime | None:
    """When Kubernetes' own scheduler found a node for the pod."""
    found = condition(pod, "PodScheduled")
    own = (pod.get("spec") or {}).get("schedulerName") == DEFAULT_SCHEDULER
    return timestamp(found.get("lastTransitionTime")) if own and found.get("status") == "True" else None
