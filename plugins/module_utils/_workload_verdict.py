# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether workloads have rolled out, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._pods import container_statuses, current_pods, start_problems, unschedulable
from ansible_collections.gitops.airflow.plugins.module_utils._verdict import Obj, Verdict, done, earliest, failed, shorten, waiting

COLLECTIONS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
RESTARTS = 2


@dataclass(frozen=True)
class Workload:
    """An object of one of these kinds; a list does not tell its items' kind."""

    kind: str
    item: Obj

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.item['metadata']['name']}"

    def owns(self, pod: Obj) -> bool:
        """Whether the workload's selector picks the pod: its labels, which is what these kinds' own manifests use."""
        wanted = (((self.item.get("spec") or {}).get("selector") or {}).get("matchLabels")) or {}
        labels = (pod.get("metadata") or {}).get("labels") or {}
        return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())

    @property
    def open(self) -> str:
        """What is still to come, as ``kubectl rollout status`` counts it; nothing where it has rolled out."""
        spec, status = self.item.get("spec") or {}, self.item.get("status") or {}
        if int(status.get("observedGeneration") or 0) < int(self.item["metadata"].get("generation") or 0):
            return "its controller has not seen the change yet"
        if self.kind == "DaemonSet":
            wanted = int(status.get("desiredNumberScheduled") or 0)
            updated, ready = status.get("updatedNumberScheduled"), status.get("numberAvailable")
        else:
            wanted = 1 if spec.get("replicas") is None else int(spec["replicas"])
            updated, ready = status.get("updatedReplicas"), status.get("availableReplicas")
        strategy = spec.get("updateStrategy") or {}
        partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0) if self.kind == "StatefulSet" else 0
        # Pods below the partition, or all with OnDelete, stay as they are until somebody deletes them.
        renewed = 0 if strategy.get("type") == "OnDelete" else max(0, wanted - partition)
        if int(updated or 0) < renewed:
            return f"{int(updated or 0)} of {renewed} pods are updated"
        if int(status.get("replicas") or 0) > wanted:
            return f"{int(status['replicas']) - wanted} old pods are still there"
        return "" if int(ready or 0) >= wanted else f"{int(ready or 0)} of {wanted} pods are available"

    @property
    def refused(self) -> str:
        """Why its controller may not make pods (quota, admission), or has given up."""
        for item in (self.item.get("status") or {}).get("conditions") or []:
            failure = item.get("type") == "ReplicaFailure" and item.get("status") == "True"
            if failure or item.get("reason") == "ProgressDeadlineExceeded":
                return f"{item.get('reason')}: {shorten(item.get('message') or '')}"
        return ""


def crashes(pod: Obj) -> list[str]:
    """Containers that run at the moment but have ended badly again and again: between two crashes nothing else shows it."""
    metadata, found = pod["metadata"], []
    for status in container_statuses(pod):
        restarts, end = int(status.get("restartCount") or 0), (status.get("lastState") or {}).get("terminated") or {}
        if restarts < RESTARTS or not end.get("exitCode") or status.get("ready") or "running" not in (status.get("state") or {}):
            continue
        found.append(
            f"pod {metadata.get('namespace')}/{metadata['name']}, container {status.get('name')}: restarted {restarts} times, the last "
            f"time after {end.get('reason') or 'Error'} (exit code {end['exitCode']})"
        )
    return found


def causes(workload: Workload, pods: Sequence[Obj]) -> list[str]:
    """Why it does not go on, in the words of kubelet, scheduler and controller."""
    found = [workload.refused] if workload.refused else []
    for pod in current_pods(filter(workload.owns, pods)):
        metadata = pod["metadata"]
        found += [*(str(problem) for problem in start_problems(pod)), *crashes(pod)]
        if (why := unschedulable(pod)) is not None:
            found.append(f"pod {metadata.get('namespace')}/{metadata['name']}: Unschedulable: {why}")
    return found


Past = Mapping[str, float]
"""When (seconds, the caller's clock) each workload was first seen to be stuck."""


def judge(
    workloads: Sequence[Workload], missing: Sequence[str], pods: Sequence[Obj], past: Past, grace: float, now: float
) -> tuple[Verdict, Past]:
    """Done when all have rolled out, failed when one is stuck for ``grace`` seconds. Returns the past for the next judgement."""
    stuck: dict[str, float] = {}
    reasons, wrong = [f"{name} does not exist" for name in missing], []
    for workload in workloads:
        if not workload.open:
            continue
        found = causes(workload, pods)
        reason = f"{workload.name}: {'; '.join(found) or workload.open}"
        reasons.append(reason)
        if found:
            stuck[workload.name] = past.get(workload.name, now)
            if now >= stuck[workload.name] + grace:
                wrong.append(reason)
    if wrong:
        return failed("; ".join(wrong)), stuck
    if reasons:
        return waiting("; ".join(reasons), earliest([since + grace for since in stuck.values()])), stuck
    return done(), stuck
