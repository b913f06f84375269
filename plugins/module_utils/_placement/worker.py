# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a worker pod of Airflow's KubernetesExecutor: whose it is, how far it came, how it ended."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal

from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, timestamp
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import condition

LABEL_LENGTH = 63
HASH_LENGTH = 9
BASE = "base"
WORKER_LABEL = "kubernetes_executor"
IDS = ("dag_id", "task_id", "run_id", "map_index", "try_number")
Evidence = Literal["pod", "events"]


def is_worker(pod: Obj) -> bool:
    """Whether Airflow made the pod for a task."""
    return bool(((pod.get("metadata") or {}).get("labels") or {}).get(WORKER_LABEL) == "True")


def label_value(text: str) -> str:
    """The label value that Airflow 2.6 makes of an id (kubernetes/pod_generator.py).

    Only characters that a label may hold stay, and only letters and digits at its ends. Where anything was lost or the rest is
    longer than 63 characters, it is cut and a dash and nine digits of the id's MD5 are added.
    """
    kept = re.sub(r"[^a-zA-Z0-9_.-]", "", re.sub(r"^[^a-zA-Z0-9]+|[^a-zA-Z0-9]+$", "", text))
    if kept == text and len(kept) <= LABEL_LENGTH:
        return kept
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:HASH_LENGTH]
    return f"{kept[: LABEL_LENGTH - HASH_LENGTH - 1]}-{digest}"


def trimmed(pod: Obj) -> Obj:
    """What is needed of a pod: containers, volumes and managed fields, nine tenths of it, are let go."""
    metadata, spec, status = (pod.get(part) or {} for part in ("metadata", "spec", "status"))
    annotations = metadata.get("annotations") or {}
    statuses = {
        place: [_pick(item, ("name", "image", "state", "lastState")) for item in status.get(place) or []]
        for place in ("initContainerStatuses", "containerStatuses")
    }
    return {
        "metadata": {
            **_pick(metadata, ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")),
            "labels": _pick(metadata.get("labels") or {}, tuple(key for key in IDS if key not in annotations)),
            "annotations": _pick(annotations, IDS),
        },
        "spec": _pick(spec, ("nodeName", "serviceAccountName", "nodeSelector", "tolerations", "affinity")),
        "status": {
            **_pick(status, ("phase", "reason", "message")),
            "conditions": [item for item in status.get("conditions") or [] if item.get("type") in ("PodScheduled", "DisruptionTarget")],
            **statuses,
        },
    }


def _pick(given: Obj, keys: tuple[str, ...]) -> Obj:
    return {key: given[key] for key in keys if key in given}


@dataclass(frozen=True)
class Worker:
    """A worker pod as it was last seen; ``deleted`` when that was its end.

    ``reported`` is the phase that follows from what Airflow says of the task, for a pod whose end was not seen.
    """

    pod: Obj
    deleted: bool = False
    evidence: Evidence = "pod"
    reported: Literal["", "Succeeded", "Failed"] = ""

    @property
    def metadata(self) -> Obj:
        return self.pod.get("metadata") or {}

    @property
    def spec(self) -> Obj:
        return self.pod.get("spec") or {}

    @property
    def status(self) -> Obj:
        return self.pod.get("status") or {}

    @property
    def name(self) -> str:
        return str(self.metadata.get("name", ""))

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace", ""))

    @property
    def uid(self) -> str:
        return str(self.metadata.get("uid") or f"{self.namespace}/{self.name}")

    @property
    def node(self) -> str:
        return str(self.spec.get("nodeName") or "")

    def has(self, key: str, value: str) -> bool:
        """Whether its dag_id, run_id or task_id is that one: by the annotation, which holds it whole, else by the label."""
        annotation = (self.metadata.get("annotations") or {}).get(key)
        if annotation is not None:
            return bool(annotation == value)
        return bool((self.metadata.get("labels") or {}).get(key) == label_value(value))

    def identity(self, key: str) -> str:
        for place in ("annotations", "labels"):
            if key in (self.metadata.get(place) or {}):
                return str(self.metadata[place][key])
        return ""

    @property
    def task(self) -> tuple[str, str]:
        return self.identity("task_id"), self.identity("map_index")

    @property
    def try_number(self) -> int:
        number = self.identity("try_number")
        return int(number) if number.isdigit() else 1

    @property
    def since(self) -> str:
        """When it was created, or else scheduled."""
        return str(self.metadata.get("creationTimestamp") or condition(self.pod, "PodScheduled").get("lastTransitionTime") or "")

    @property
    def age(self) -> tuple[int, str]:
        """Orders the pods of one task: a later try, or a later pod of the same try (a deferred task's), is the one that counts."""
        return self.try_number, self.since

    @property
    def base(self) -> Obj:
        statuses = self.status.get("containerStatuses") or []
        return next((item.get("state") or {} for item in statuses if item.get("name") == BASE), {})

    @property
    def phase(self) -> str:
        """Pending, Scheduled, Running, Succeeded or Failed; Gone when it was deleted before its end was seen."""
        ended = self.base.get("terminated")
        if self.status.get("phase") in ("Succeeded", "Failed"):
            return str(self.status["phase"])
        if ended:
            return "Succeeded" if ended.get("exitCode") == 0 else "Failed"
        if self.deleted:
            return self.reported or "Gone"
        if "running" in self.base:
            return "Running"
        return "Scheduled" if self.node else "Pending"

    def reached(self, phase: str) -> bool:
        """Whether it came that far, whatever became of it afterwards."""
        if phase == "Scheduled":
            return bool(self.node)
        if phase == "Running":
            return bool(self.base.keys() & {"running", "terminated"}) or self.phase == "Succeeded"
        return self.phase == "Succeeded"

    @property
    def disruption(self) -> str:
        """Why the cluster took it away (preempted, evicted, its node drained), or nothing."""
        target = condition(self.pod, "DisruptionTarget")
        if target.get("status") != "True":
            return ""
        return shorten(": ".join(str(target[key]) for key in ("reason", "message") if target.get(key)), 300)

    @property
    def end(self) -> str:
        """Why it failed, in the words of the kubelet, of who took it away, or of Airflow."""
        ended = self.base.get("terminated") or {}
        words = [str(self.status[key]) for key in ("reason", "message") if self.status.get(key)]
        words += [self.disruption] if self.disruption and not self.status.get("reason") else []
        if ended:
            words.append(f"container {BASE} ended with exit code {ended.get('exitCode')} ({ended.get('reason') or 'no reason'})")
            words += [str(ended["message"])] if ended.get("message") else []
        elif self.reported:
            words.append("Airflow says that the task failed; its log there says why")
        return shorten("; ".join(words) or "no reason given", 300)

    def timings(self) -> dict[str, Any]:
        """When it was created, scheduled, running and finished, and how many seconds after its creation each was."""
        scheduled = condition(self.pod, "PodScheduled")
        ended = self.base.get("terminated") or {}
        moments = {
            "created": self.metadata.get("creationTimestamp"),
            "scheduled": scheduled.get("lastTransitionTime") if scheduled.get("status") == "True" else None,
            "running": (self.base.get("running") or ended).get("startedAt"),
            "finished": ended.get("finishedAt"),
        }
        created = timestamp(moments["created"])
        seconds = {}
        for name, moment in moments.items():
            at = timestamp(moment)
            seconds[f"{name}_seconds"] = (at - created).total_seconds() if at and created else None
        seconds.pop("created_seconds")
        return {**moments, **seconds}
