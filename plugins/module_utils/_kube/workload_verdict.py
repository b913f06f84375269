# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether workloads have rolled out, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict, done, earliest, failed, waiting
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Cause, Seen, late, refusal
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import causes as every_cause
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import condition

COLLECTIONS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
JOB = "Job"


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
    def _counts(self) -> tuple[int, int, int]:
        """How many pods are wanted, how many are updated, how many are available."""
        spec, status = self.item.get("spec") or {}, self.item.get("status") or {}
        if self.kind == "DaemonSet":
            counts = [status.get(key) for key in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")]
        else:
            counts = [
                1 if spec.get("replicas") is None else spec["replicas"],
                status.get("updatedReplicas"),
                status.get("availableReplicas"),
            ]
        wanted, updated, available = (int(count or 0) for count in counts)
        return wanted, updated, available

    @property
    def serves(self) -> bool:
        """Whether as many pods as asked for are available, be they of the wanted revision or of the one before."""
        wanted, _updated, available = self._counts
        return available >= wanted

    @property
    def open(self) -> str:
        """What is still to come, as ``kubectl rollout status`` counts it; nothing where it has rolled out, or a Job is complete."""
        spec, status = self.item.get("spec") or {}, self.item.get("status") or {}
        if self.kind == JOB:
            complete = condition(self.item, "Complete").get("status") == "True"
            return "" if complete else f"{status.get('active') or 0} pods active, {status.get('failed') or 0} failed"
        if int(status.get("observedGeneration") or 0) < int(self.item["metadata"].get("generation") or 0):
            return "its controller has not seen the change yet"
        wanted, updated, available = self._counts
        strategy = spec.get("updateStrategy") or {}
        # Only StatefulSets have a partition.
        partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
        # Pods below the partition, or all with OnDelete, stay as they are until they are deleted.
        renewed = 0 if strategy.get("type") == "OnDelete" else max(0, wanted - partition)
        if updated < renewed:
            return f"{updated} of {renewed} pods are updated"
        if int(status.get("replicas") or 0) > wanted:
            return f"{int(status['replicas']) - wanted} old pods are still there"
        return "" if available >= wanted else f"{available} of {wanted} pods are available"

    def words(self, cause: Cause) -> str:
        """A cause without the workload's own name, where that stands before it."""
        metadata = self.item["metadata"]
        return cause.text.removeprefix(f"{self.kind} {metadata.get('namespace')}/{metadata['name']}").removeprefix(":").strip()

    @property
    def refused(self) -> str:
        """Why its controller may not make pods (quota, admission), or has given up."""
        return refusal(self.item) or late(self.item)


def causes(workload: Workload, pods: Sequence[Obj], events: Sequence[Obj] = ()) -> list[Cause]:
    """Why it does not go on."""
    return every_cause(Seen(((workload.kind, workload.item),), tuple(filter(workload.owns, pods)), tuple(events)))


Past = Mapping[str, float]
"""When (seconds, the caller's clock) each cause that lasts was first seen, by its identity."""


def judge(
    workloads: Sequence[Workload],
    missing: Sequence[str],
    pods: Sequence[Obj],
    past: Past,
    grace: float,
    now: float,
    events: Sequence[Obj] = (),
) -> tuple[Verdict, Past]:
    """Done when all have rolled out, failed when one cause has lasted for ``grace`` seconds. Returns the past for the next judgement.

    A cause that time alone may mend (a probe that fails) is named only. One cause after another is progress: each has a grace of its own.
    A Job has as many tries as its manifest gives it: a try that fails has no grace, and the Job that has failed is a failure at once.
    """
    stuck: dict[str, float] = {}
    reasons, wrong = [f"{name} does not exist" for name in missing], []
    for workload in workloads:
        if not workload.open:
            continue
        found = causes(workload, pods, events)
        reason = f"{workload.name}: {'; '.join(workload.words(cause) for cause in found) or workload.open}"
        reasons.append(reason)
        found = [cause for cause in found if workload.kind != JOB or cause.kind != "crash"]
        stuck |= {cause.identity: past.get(cause.identity, now) for cause in found if cause.lasting}
        over = any(cause.kind == "job" for cause in found)
        if over or any(cause.lasting and not cause.held and now >= stuck[cause.identity] + grace for cause in found):
            wrong.append(reason)
    if wrong:
        return failed("; ".join(wrong)), stuck
    if reasons:
        return waiting("; ".join(reasons), earliest(since + grace for since in stuck.values() if since + grace > now)), stuck
    return done(), stuck
