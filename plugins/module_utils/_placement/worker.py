# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a worker pod of Airflow's KubernetesExecutor: whose it is, how far it came, how it ended."""

from __future__ import annotations

import datetime
import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal

from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, timestamp
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import condition, start_problems

LABEL_LENGTH = 63
HASH_LENGTH = 9
BASE = "base"
WORKER_LABEL = "kubernetes_executor"
# The label component of pods that a task made (pod_operator of a worker namespace), as the cluster policy sets it.
POD_OPERATOR = "pod-operator"
IDS = ("dag_id", "task_id", "run_id", "map_index", "try_number")
Evidence = Literal["pod", "events"]
# Reasons with which the kubelet or the node's controller ends a pod: for lack of room, for a pod that matters more, with its node.
TAKEN_AWAY = frozenset({"Evicted", "NodeLost", "NodeShutdown", "Preempting", "Shutdown", "Terminated"})
_LONG_AGO = datetime.datetime.min.replace(tzinfo=datetime.UTC)


def is_worker(pod: Obj) -> bool:
    """Whether Airflow made the pod for a task."""
    return bool(((pod.get("metadata") or {}).get("labels") or {}).get(WORKER_LABEL) == "True")


def is_of_task(pod: Obj) -> bool:
    """Whether it is a worker, or a pod that a task made with its worker's token. None of them is a part of the platform."""
    return is_worker(pod) or bool(((pod.get("metadata") or {}).get("labels") or {}).get("component") == POD_OPERATOR)


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
        "spec": {
            **_pick(spec, ("nodeName", "serviceAccountName", "nodeSelector", "tolerations", "affinity")),
            **({} if spec.get("nodeName") else _scheduling(spec)),
        },
        "status": {
            **_pick(status, ("phase", "reason", "message")),
            "conditions": [item for item in status.get("conditions") or [] if item.get("type") in ("PodScheduled", "DisruptionTarget")],
            **statuses,
        },
    }


def _scheduling(spec: Obj) -> Obj:
    """What shows why a pod has no node: its scheduler, and what its containers request."""
    requests = [
        {"name": item.get("name"), "resources": _pick(item["resources"], ("requests",))}
        for item in spec.get("containers") or []
        if (item.get("resources") or {}).get("requests")
    ]
    return {**_pick(spec, ("schedulerName",)), **({"containers": requests} if requests else {})}


def _pick(given: Obj, keys: tuple[str, ...]) -> Obj:
    return {key: given[key] for key in keys if key in given}


def instant(text: str) -> datetime.datetime | None:
    """A time of Kubernetes that can be compared with others."""
    found = timestamp(text)
    return found.replace(tzinfo=datetime.UTC) if found and found.tzinfo is None else found


@dataclass(frozen=True)
class Container:
    """How a container ended last: now, or before it was started again. ``exit_code`` is None while it has not ended."""

    name: str
    init: bool
    exit_code: int | None
    reason: str
    message: str
    finished: datetime.datetime | None

    @classmethod
    def read(cls, status: Obj, init: bool) -> Container:
        ended = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
        message = shorten(str(ended.get("message") or ""), 300)
        reason, finished = str(ended.get("reason") or "no reason"), instant(str(ended.get("finishedAt") or ""))
        return cls(str(status.get("name")), init, ended.get("exitCode"), reason, message, finished)

    def ended_before(self, other: Container) -> bool:
        """True also if a time is not known."""
        return self.finished is None or other.finished is None or self.finished <= other.finished

    def __str__(self) -> str:
        text = f"{'init ' if self.init else ''}container {self.name} ended with exit code {self.exit_code} ({self.reason})"
        return f"{text}: {self.message}" if self.message else text


@dataclass(frozen=True)
class Worker:
    """A worker pod as it was last seen; ``deleted`` when that was its end.

    ``reported`` is the phase that follows from what Airflow says of the task, for a pod whose end was not seen. ``awaited`` is the state
    in which Airflow says that the task gets another worker after this one, ``final`` the one in which it has ended with this one.
    """

    pod: Obj
    deleted: bool = False
    evidence: Evidence = "pod"
    reported: Literal["", "Succeeded", "Failed"] = ""
    awaited: str = ""
    final: str = ""

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
    def key(self) -> str:
        """Identifies it among all pods, also if another one has its name later (V4)."""
        return f"{self.namespace}/{self.uid}"

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
        return max(int(number), 1) if number.isdecimal() else 1

    @property
    def since(self) -> str:
        """When it was created, or else scheduled."""
        return str(self.metadata.get("creationTimestamp") or condition(self.pod, "PodScheduled").get("lastTransitionTime") or "")

    @property
    def age(self) -> tuple[int, datetime.datetime]:
        """Orders the pods of one task: a later try, or a later pod of the same try (a deferred task's), is the one that counts."""
        return self.try_number, instant(self.since) or _LONG_AGO

    @property
    def base(self) -> Obj:
        statuses = self.status.get("containerStatuses") or []
        return next((item.get("state") or {} for item in statuses if item.get("name") == BASE), {})

    @property
    def started(self) -> bool:
        """Whether its base container was seen to run or to have run."""
        return bool(self.base.keys() & {"running", "terminated"})

    @property
    def unstarted(self) -> bool:
        """Whether it was deleted before its base container ran, so that its task did not begin in it."""
        return self.deleted and self.evidence == "pod" and not self.started and self.status.get("phase") in (None, "Pending")

    @property
    def phase(self) -> str:
        """Pending, Scheduled, Running, Succeeded or Failed; Gone when it was deleted before its end was seen, or was interrupted.

        The end of the base container counts, whatever becomes of sidecars: a pod with one that fails is Failed, with one that runs on
        Running (V5).
        """
        if self.interrupted:
            return self.reported or "Gone"
        if ended := self.base.get("terminated"):
            return "Succeeded" if ended.get("exitCode") == 0 else "Failed"
        if self.status.get("phase") in ("Succeeded", "Failed"):
            return str(self.status["phase"])
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
            return self.started or self.phase == "Succeeded"
        return self.phase == "Succeeded"

    @property
    def disruption(self) -> str:
        """Why the cluster took it away (preempted, evicted, its node drained), or nothing."""
        target = condition(self.pod, "DisruptionTarget")
        if target.get("status") != "True":
            return ""
        return shorten(": ".join(str(target[key]) for key in ("reason", "message") if target.get(key)), 300)

    @property
    def taken_away(self) -> str:
        """The same, also of a cluster that sets no such condition."""
        if self.disruption or self.status.get("reason") not in TAKEN_AWAY:
            return self.disruption
        return shorten(": ".join(str(self.status[key]) for key in ("reason", "message") if self.status.get(key)), 300)

    @property
    def interrupted(self) -> bool:
        """Whether its base container ended well only after the cluster had begun to take the pod away.

        Airflow ends a task that gets SIGTERM, and its process may then end with exit code 0: that proves nothing of the task.
        """
        ended = self.base.get("terminated") or {}
        if not self.taken_away or (ended.get("exitCode") if ended else self.status.get("phase") != "Succeeded"):
            return False
        begun, finished = (
            instant(str(text or ""))
            for text in (condition(self.pod, "DisruptionTarget").get("lastTransitionTime"), ended.get("finishedAt"))
        )
        return not (begun and finished and finished < begun)

    @property
    def blocked(self) -> list[tuple[str, str]]:
        """The containers that keep base from starting, by name, and why. An init container that is started again after it failed is one,
        too, so that a crash loop is one trouble from its first crash on.
        """
        if self.started:
            return []
        found = {problem.container: str(problem) for problem in start_problems(self.pod)}
        for container in self._containers():
            if container.init and container.exit_code and container.name not in found:
                found[container.name] = f"pod {self.namespace}/{self.name}, {container}"
        return list(found.items())

    @property
    def culprits(self) -> list[Container]:
        """The containers whose bad end may be why it failed: base first, then those that ended before base did."""
        failed = [container for container in self._containers() if container.exit_code]
        base = next((container for container in failed if container.name == BASE), None)
        if base is None:
            return failed
        return [base, *(container for container in failed if container.name != BASE and container.ended_before(base))]

    @property
    def speaker(self) -> str:
        """The container whose log says most: base, or what kept it from starting. Nothing while none has said anything."""
        if self.started:
            return BASE
        return self.culprits[0].name if self.phase == "Failed" and self.culprits else ""

    @property
    def end(self) -> str:
        """Why it failed, in the words of the kubelet, of who took it away, or of Airflow. Names containers with exit code and message."""
        words = [str(self.status[key]) for key in ("reason", "message") if self.status.get(key)]
        words += [self.disruption] if self.disruption and not self.status.get("reason") else []
        culprits = self.culprits
        words += [str(container) for container in culprits]
        words += [text for name, text in self.blocked if name not in {container.name for container in culprits}]
        if self.reported:
            words.append("Airflow says that the task failed; its log there says why")
        return shorten("; ".join(words) or "no reason given")

    def _containers(self) -> list[Container]:
        places = (("initContainerStatuses", True), ("containerStatuses", False))
        return [Container.read(item, init) for place, init in places for item in self.status.get(place) or []]

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
