# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from a workload itself why it is not healthy.

Argo CD 3 keeps the health of the whole in an Application, but no longer that of each resource
(``controller.resource.health.persist``), so the resources are asked.
"""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import condition
from ansible_collections.gitops.airflow.plugins.module_utils._kube.workload_verdict import Workload

Health = tuple[str, str]
"""Argo CD's word for the health, and the reason."""


def _condition_words(item: Obj, kind: str) -> str:
    found = condition(item, kind)
    return shorten(": ".join(filter(None, (found.get("reason"), found.get("message")))), 300)


def rollout(kind: str) -> Callable[[Obj], Health | None]:
    """The reading for a kind that rolls out."""

    def read(item: Obj) -> Health | None:
        workload = Workload(kind, item)
        if workload.refused:
            return "Degraded", workload.refused
        return ("Progressing", workload.open) if workload.open else None

    return read


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
    "DaemonSet": ("daemonsets", rollout("DaemonSet")),
    "Deployment": ("deployments", rollout("Deployment")),
    "Job": ("jobs", job),
    "PersistentVolumeClaim": ("persistentvolumeclaims", claim),
    "StatefulSet": ("statefulsets", rollout("StatefulSet")),
}
"""For each kind its collection and the reading of its health."""
