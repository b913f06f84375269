# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from a workload itself why it is not healthy.

Argo CD 3 keeps the health of the whole in an Application, but no longer that of each resource
(``controller.resource.health.persist``), so the resources are asked.
"""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.gitops.airflow.plugins.module_utils._pods import condition
from ansible_collections.gitops.airflow.plugins.module_utils._verdict import Obj, shorten

Health = tuple[str, str]
"""Argo CD's word for the health, and the reason."""


def _condition_words(item: Obj, kind: str) -> str:
    found = condition(item, kind)
    return shorten(": ".join(filter(None, (found.get("reason"), found.get("message")))), 300)


def _unobserved(item: Obj) -> bool:
    observed = (item.get("status") or {}).get("observedGeneration") or 0
    return bool(observed < ((item.get("metadata") or {}).get("generation") or 0))


def _replicas(item: Obj, ready: str) -> Health | None:
    """Progressing while not all replicas are of the newest kind and ready, or old ones are still there."""
    if _unobserved(item):
        return "Progressing", "its controller has not seen the change yet"
    status = item.get("status") or {}
    wanted = (item.get("spec") or {}).get("replicas")
    wanted = 1 if wanted is None else wanted
    updated, there = status.get("updatedReplicas") or 0, status.get(ready) or 0
    old = max(0, (status.get("replicas") or 0) - updated)
    if updated < wanted or there < wanted or old:
        return "Progressing", f"{updated} of {wanted} replicas updated, {there} ready" + (f", {old} old ones left" if old else "")
    return None


def deployment(item: Obj) -> Health | None:
    if condition(item, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return "Degraded", _condition_words(item, "Progressing")
    if condition(item, "ReplicaFailure").get("status") == "True":
        return "Degraded", _condition_words(item, "ReplicaFailure")
    return _replicas(item, "availableReplicas")


def stateful_set(item: Obj) -> Health | None:
    return _replicas(item, "readyReplicas")


def daemon_set(item: Obj) -> Health | None:
    if _unobserved(item):
        return "Progressing", "its controller has not seen the change yet"
    status = item.get("status") or {}
    wanted, updated = status.get("desiredNumberScheduled") or 0, status.get("updatedNumberScheduled") or 0
    there = status.get("numberAvailable") or 0
    return ("Progressing", f"{updated} of {wanted} pods updated, {there} available") if min(updated, there) < wanted else None


def job(item: Obj) -> Health | None:
    if condition(item, "Failed").get("status") == "True":
        return "Degraded", _condition_words(item, "Failed")
    if condition(item, "Complete").get("status") == "True":
        return None
    status = item.get("status") or {}
    return "Progressing", f"{status.get('active') or 0} pods active, {status.get('failed') or 0} failed"


def claim(item: Obj) -> Health | None:
    phase = (item.get("status") or {}).get("phase") or "Pending"
    return None if phase == "Bound" else ("Degraded" if phase == "Lost" else "Progressing", f"the claim is {phase}")


READERS: dict[str, tuple[str, Callable[[Obj], Health | None]]] = {
    "DaemonSet": ("daemonsets", daemon_set),
    "Deployment": ("deployments", deployment),
    "Job": ("jobs", job),
    "PersistentVolumeClaim": ("persistentvolumeclaims", claim),
    "StatefulSet": ("statefulsets", stateful_set),
}
"""For each kind its collection and the reading of its health."""
