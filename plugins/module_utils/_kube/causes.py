# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why workloads do not run: from their objects, their pods and Events to causes, each with the next action that fits its kind.

The waits, the status and the support bundle all ask here.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, timestamp
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import (
    DEFAULT_SCHEDULER,
    condition,
    container_statuses,
    controller,
    current_pods,
    start_problems,
    unnoticed_by,
    unschedulable,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kube.scheduler import CHECK

Kind = Literal[
    "job", "quota", "refused", "scheduler", "unschedulable", "mount", "sandbox", "image", "configuration", "crash", "probe", "deadline"
]
ORDER: tuple[Kind, ...] = (
    "job",
    "quota",
    "refused",
    "scheduler",
    "unschedulable",
    "mount",
    "sandbox",
    "image",
    "configuration",
    "crash",
    "probe",
    "deadline",
)
IMAGE = frozenset(
    {
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
MOUNT = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume"})
# What the kubelet does with a pod after its volumes are mounted and its network is made.
BEYOND_MOUNT = frozenset({"Pulling", "Pulled", "Created", "Started", "BackOff", "Killing", "Unhealthy"})
# What the cluster autoscaler and Karpenter say of a pod for which they add a node, and what the first says where it cannot.
NODE_COMES, NO_NODE_COMES = frozenset({"TriggeredScaleUp", "Nominated"}), frozenset({"NotTriggerScaleUp"})
NOT_YET = frozenset({"ContainerCreating", "PodInitializing"})
# A container that restarts this often, the last time within this time, does not run well (status).
REPEATED, RECENT = 3, 3600
# No more so after this time without an end, by how long it ran before: what crashes at its start does so within a minute.
CRASH, SETTLED_CRASH, SETTLED = 60, 120, 600
# A scheduler that runs has said something of a new pod within this time (seconds).
NOTICED = 30
# What starts and fails has mostly failed within this time (seconds); Airflow reads its configuration for up to ten.
FRESH = 15
# A container that has one of these probes is ready only after it has passed the probe.
PROBES = ("readinessProbe", "startupProbe")
# The containers of a node that was restarted end so: it is not their fault.
LOST = frozenset({"ContainerStatusUnknown", "Unknown"})
# Objects whose Events one look reads: the API server searches all Events of the namespace for each.
SUSPECTS = 8
_LONG_AGO = datetime.datetime.min.replace(tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Log:
    """A container's log, of its run before where ``previous``; ``run`` identifies the run."""

    namespace: str
    pod: str
    container: str
    previous: bool = False
    run: int = 0


@dataclass(frozen=True)
class Cause:
    """One reason why something does not run. ``key`` stays the same while the same thing stays wrong, whatever the words.

    ``uid`` is that of what the key names, so that nothing of the past counts for another object with the same name.
    ``lasting``: time alone seldom mends it. ``held``: nothing is wrong at this very moment, but the trouble is not over (a container that
    runs again after a crash). ``log`` is where its last words are. ``change``: the action is a change of what was applied.
    """

    kind: Kind
    key: str
    text: str
    action: str
    lasting: bool = True
    held: bool = False
    log: Log | None = None
    change: bool = True
    uid: str = ""

    @property
    def identity(self) -> str:
        return f"{self.key} {self.uid}".strip()


@dataclass(frozen=True)
class Seen:
    """What one look found: workloads with their kind (a list does not tell it), pods, and Events of some of them."""

    workloads: tuple[tuple[str, Obj], ...] = ()
    pods: tuple[Obj, ...] = ()
    events: tuple[Obj, ...] = ()


def slim_pod(pod: Obj) -> Obj:
    """What a cause needs of a pod, so that many pods cost little memory."""
    metadata, spec, status = (pod.get(part) or {} for part in ("metadata", "spec", "status"))
    labels = metadata.get("labels") or {}
    kept = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "ownerReferences")
    containers = []
    for item in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        slim: Obj = {probe: True for probe in PROBES if item.get(probe)}
        if requests := (item.get("resources") or {}).get("requests"):
            slim["resources"] = {"requests": requests}
        if slim:
            containers.append({"name": item.get("name"), **slim})
    return {
        "metadata": {
            **{key: metadata[key] for key in kept if key in metadata},
            "labels": {key: labels[key] for key in ("pod-template-hash", "controller-revision-hash") if key in labels},
        },
        "spec": {**{key: spec[key] for key in ("nodeName", "restartPolicy", "schedulerName") if key in spec}, "containers": containers},
        "status": {
            key: status[key]
            for key in ("phase", "reason", "message", "conditions", "initContainerStatuses", "containerStatuses")
            if key in status
        },
    }


def when(event: Obj) -> datetime.datetime:
    """When the Event was last seen."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"), event.get("firstTimestamp"))
    return max((moment for moment in map(timestamp, times) if moment), default=_LONG_AGO)


class Events:
    """Events by the uid of what they are about: one of an earlier object with the same name says nothing."""

    def __init__(self, events: Iterable[Obj]) -> None:
        self._of: dict[str, list[Obj]] = {}
        for event in sorted(events, key=when):
            uid = str((event.get("involvedObject") or {}).get("uid") or "")
            if uid:
                self._of.setdefault(uid, []).append(event)

    def latest(self, item: Obj, wanted: Callable[[Obj], bool]) -> Obj | None:
        found = self._of.get(uid(item), [])
        return next((event for event in reversed(found) if wanted(event)), None)

    def standing(self, item: Obj, reasons: frozenset[str], beyond: frozenset[str]) -> str:
        """The message of the latest Event with one of these reasons, unless something beyond it was seen since; else nothing."""
        last = self.latest(item, lambda event: event.get("reason") in reasons | beyond)
        return shorten(last.get("message") or "") if last is not None and last.get("reason") in reasons else ""

    def of_container(self, pod: Obj, container: str, reason: str, words: str = "") -> str:
        def wanted(event: Obj) -> bool:
            path = str((event.get("involvedObject") or {}).get("fieldPath") or "")
            return event.get("reason") == reason and path.endswith(f"{{{container}}}") and words in (event.get("message") or "")

        found = self.latest(pod, wanted)
        return shorten(found.get("message") or "") if found is not None else ""


def uid(item: Obj) -> str:
    """What identifies an object: another one may have its name later."""
    return str((item.get("metadata") or {}).get("uid") or "")


def place(item: Obj) -> tuple[str, str]:
    """Namespace and name."""
    metadata = item.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def _ready_to_start(pod: Obj) -> bool:
    """Whether volumes and network of the pod are there (kubelet 1.29 and newer say so)."""
    return condition(pod, "PodReadyToStartContainers").get("status") == "True"


def _waits_for_kubelet(pod: Obj) -> bool:
    """On a node, and no container of it has started yet."""
    states = [(status.get("state") or {}) for status in container_statuses(pod)]
    reasons = [(state.get("waiting") or {}).get("reason") for state in states]
    return bool((pod.get("spec") or {}).get("nodeName")) and all(reason in NOT_YET for reason in reasons)


def _owner(pod: Obj) -> Obj | None:
    """The reference to the Job or ReplicaSet that makes the next pod in its place."""
    references = (pod.get("metadata") or {}).get("ownerReferences") or []
    return next((reference for reference in references if reference.get("kind") in ("Job", "ReplicaSet")), None)


def owner(pod: Obj) -> str:
    """What keys a pod's causes: the Job or ReplicaSet that makes the next one in its place, or the pod itself."""
    namespace, name = place(pod)
    reference = _owner(pod)
    return f"{reference['kind']}/{namespace}/{reference.get('name')}" if reference else f"Pod/{namespace}/{name}"


def _owner_uid(pod: Obj) -> str:
    reference = _owner(pod)
    return str(reference.get("uid") or "") if reference else uid(pod)


def _identified(found: Iterable[Cause], owner_uid: str) -> list[Cause]:
    return [replace(cause, uid=owner_uid) for cause in found]


def _of_job(pod: Obj) -> bool:
    return owner(pod).startswith("Job/")


def _always_restarts(pod: Obj) -> bool:
    return not _of_job(pod) and (pod.get("spec") or {}).get("restartPolicy") == "Always"


def _requests(pod: Obj, message: str) -> str:
    """What the pod asks for of that which the nodes lack."""
    found = []
    for container in (pod.get("spec") or {}).get("containers") or []:
        requests = (container.get("resources") or {}).get("requests") or {}
        found += [f"{container.get('name')}: {name} {value}" for name, value in requests.items() if f"Insufficient {name}" in message]
    return f" (requested by {', '.join(found)})" if found else ""


def _unschedulable(pod: Obj, message: str, events: Events) -> Cause:
    namespace, name = place(pod)
    key = f"{owner(pod)}/unschedulable"
    look = f"kubectl -n {namespace} describe pod {name}"
    if coming := events.standing(pod, NODE_COMES, NO_NODE_COMES):
        text = f"pod {namespace}/{name}: waits for a node that is being added ({coming}): {message}"
        return Cause(
            "unschedulable", key, text, f"Wait for the node; if none comes, see what adds nodes ({look}).", lasting=False, change=False
        )
    if "Insufficient" in message or "Too many pods" in message:
        action = (
            f"Lower the resources that pod {namespace}/{name} requests, or add a node with that much free ({look}; kubectl describe nodes)."
        )
    elif "volume" in message.lower():
        action = f"Find out why the volume of pod {namespace}/{name} is not available (kubectl -n {namespace} describe pvc; {look})."
    else:
        action = f"Correct the node selector, affinity or tolerations of pod {namespace}/{name}, or label or untaint a node ({look})."
    text = f"pod {namespace}/{name}: Unschedulable: {message}{_requests(pod, message)}"
    return Cause("unschedulable", key, text, action)


def _unnoticed(pod: Obj, scheduler: str) -> Cause:
    namespace, name = place(pod)
    if scheduler == DEFAULT_SCHEDULER:
        action = CHECK
    else:
        action = (
            f"Correct schedulerName of pod {namespace}/{name} (Kubernetes' own scheduler is {DEFAULT_SCHEDULER}), or start the scheduler "
            f"{scheduler}."
        )
    # A cluster starts its own scheduler again.
    lasting = scheduler != DEFAULT_SCHEDULER
    why = "it does not run or is busy" if scheduler == DEFAULT_SCHEDULER else "it does not exist, does not run, is busy, or queues it"
    text = f"pod {namespace}/{name}: the scheduler {scheduler} has not processed the pod: {why}"
    return Cause("scheduler", f"{owner(pod)}/scheduler", text, action, lasting=lasting, change=lasting)


def too_new(pod: Obj, now: datetime.datetime) -> bool:
    """Whether the pod was created less than NOTICED seconds ago, so that its scheduler may still process it."""
    created = timestamp((pod.get("metadata") or {}).get("creationTimestamp"))
    return bool(unnoticed_by(pod)) and created is not None and (now - created).total_seconds() < NOTICED


def _kubelet(pod: Obj, events: Events) -> list[Cause]:
    """What keeps the kubelet from starting any container: volumes, network."""
    if not _waits_for_kubelet(pod) or _ready_to_start(pod):
        return []
    namespace, name = place(pod)
    look = f"kubectl -n {namespace} describe pod {name}"
    if message := events.standing(pod, MOUNT, BEYOND_MOUNT | {"FailedCreatePodSandBox"}):
        action = (
            f"Create the Secret, ConfigMap or volume that the message names, or correct the volumes of pod {namespace}/{name} ({look})."
        )
        return [Cause("mount", f"{owner(pod)}/mount", f"pod {namespace}/{name}: FailedMount: {message}", action)]
    if message := events.standing(pod, frozenset({"FailedCreatePodSandBox"}), BEYOND_MOUNT):
        action = f"Look at the node's container runtime and network ({look}; kubectl get nodes)."
        return [Cause("sandbox", f"{owner(pod)}/sandbox", f"pod {namespace}/{name}: FailedCreatePodSandBox: {message}", action)]
    return []


def _end(status: Obj) -> Obj:
    """How the container ended last, or an empty dictionary."""
    state = (status.get("state") or {}).get("terminated") or {}
    return state or (status.get("lastState") or {}).get("terminated") or {}


def _ended(end: Obj) -> str:
    words = shorten(end.get("message") or "", 300)
    return f"{end.get('reason') or 'Error'} (exit code {end.get('exitCode')})" + (f": {words}" if words else "")


def _crash_action(log: Log, end: Obj) -> str:
    read = f"kubectl -n {log.namespace} logs {log.pod} -c {log.container}{' --previous' if log.previous else ''}"
    what = f"container {log.container} of pod {log.namespace}/{log.pod}"
    if end.get("reason") == "OOMKilled":
        return f"Raise the memory limit of {what}, or let it use less ({read})."
    return f"Correct what the last lines of {what} name, such as a value of its configuration ({read})."


def _containers(pod: Obj, events: Events) -> list[Cause]:
    """Containers that cannot start, crash, or are not ready because a probe fails."""
    namespace, name = place(pod)
    inits = {status.get("name") for status in (pod.get("status") or {}).get("initContainerStatuses") or []}
    problems = {problem.container: problem for problem in start_problems(pod)}
    look = f"kubectl -n {namespace} describe pod {name}"
    found: list[Cause] = []
    for status in container_statuses(pod):
        container, state = str(status.get("name") or ""), status.get("state") or {}
        key, end, runs = f"{owner(pod)}/{container}", _end(status), int(status.get("restartCount") or 0)
        where = f"{'init ' if container in inits else ''}container {container}"
        what = f"pod {namespace}/{name}, {where}"
        killed = events.of_container(pod, container, "Unhealthy", "Liveness") if end else ""
        if (problem := problems.get(container)) is not None and problem.reason != "CrashLoopBackOff":
            text, message = str(problem), ""
            if problem.reason == "ImagePullBackOff":
                message = events.of_container(pod, container, "Failed", "Failed to pull image")
            if problem.reason in IMAGE:
                action = f"Correct the image {problem.image} of {where} of pod {namespace}/{name}, or let the nodes pull it ({look})."
                found.append(Cause("image", key, f"{text}: {message}" if message else text, action))
            else:
                action = f"Create what the message names in namespace {namespace}, or correct {where} of pod {namespace}/{name} ({look})."
                found.append(Cause("configuration", key, text, action))
            continue
        if problem is not None:
            log = Log(namespace, name, container, True, runs)
            # The kubelet repeats container and pod, with its uid.
            said = re.sub(r" restarting failed container=\S+ pod=\S+", "", str(problem))
            text = f"{said}; {killed}" if killed else said
            found.append(Cause("crash", key, text, _crash_action(log, end), log=log))
        elif (ended := state.get("terminated") or {}) and (ended.get("exitCode") or (container not in inits and _always_restarts(pod))):
            # The kubelet starts it again, or the Job makes another pod, or it was the last try. What always runs must not end well either.
            log = Log(namespace, name, container, False, runs)
            starts_again = not _of_job(pod) and (pod.get("spec") or {}).get("restartPolicy") != "Never"
            text = f"{what}: ended with {_ended(ended)}"
            found.append(Cause("crash", key, text, _crash_action(log, ended), held=starts_again, log=log))
        elif "running" in state and runs and (not status.get("ready") or _of_job(pod) or container in inits):
            # Between two crashes nothing else shows it, and after the first one not even how it ended. A container of a Job is ready as
            # soon as it runs. It may be well this time.
            log = Log(namespace, name, container, True, runs)
            last = f", the last time after {_ended(end)}" if end else ""
            text = f"{what}: restarted {runs} time{'s' if runs > 1 else ''}{last}" + (f"; {killed}" if killed else "")
            found.append(Cause("crash", key, text, _crash_action(log, end), held=True, log=log))
        elif "running" in state and not status.get("ready") and container not in inits:
            if message := events.of_container(pod, container, "Unhealthy"):
                log = Log(namespace, name, container, False, runs)
                action = (
                    f"Find out why {where} of pod {namespace}/{name} does not pass its probe (kubectl -n {namespace} logs {name} -c "
                    f"{container}); if it only starts slowly, give it more time."
                )
                found.append(Cause("probe", key, f"{what}: not ready: {message}", action, lasting=False, log=log))
    return found


def pod_causes(pod: Obj, events: Events | None = None) -> list[Cause]:
    """Why one pod does not run."""
    events = events or Events([])
    if (message := unschedulable(pod)) is not None:
        return _identified([_unschedulable(pod, message, events)], _owner_uid(pod))
    if scheduler := unnoticed_by(pod):
        return _identified([_unnoticed(pod, scheduler)], _owner_uid(pod))
    phase = (pod.get("status") or {}).get("phase")
    if phase == "Succeeded" or (phase == "Failed" and not _of_job(pod)):
        return []
    return _identified([*_kubelet(pod, events), *_containers(pod, events)], _owner_uid(pod))


def unsettled(pod: Obj, now: datetime.datetime, grace: float) -> list[Cause]:
    """What runs and is ready and may yet crash: without a readiness probe and a startup probe a container is ready as soon as it runs.

    That is one that ended less than ``grace`` seconds before, or, without such a probe, one that has run for less than FRESH seconds.
    One of a Job has its own end.
    """
    namespace, name = place(pod)
    containers = (pod.get("spec") or {}).get("containers") or []
    probed = {item.get("name") for item in containers if any(item.get(probe) for probe in PROBES)}
    found: list[Cause] = []
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        container, runs = str(status.get("name") or ""), int(status.get("restartCount") or 0)
        end = (status.get("lastState") or {}).get("terminated") or {}
        since = timestamp(((status.get("state") or {}).get("running") or {}).get("startedAt"))
        if since is None or not status.get("ready") or _of_job(pod):
            continue
        # A clock that is far off says nothing.
        lasted = abs((now - since).total_seconds())
        key, what = f"{owner(pod)}/{container}", f"pod {namespace}/{name}, container {container}"
        if runs and end and end.get("reason") not in LOST and lasted < grace:
            log = Log(namespace, name, container, True, runs)
            times = f"{runs} time{'s' if runs > 1 else ''}"
            text = f"{what}: restarted {times}, the last time after {_ended(end)}, and has not run for {grace:g} s since"
            found.append(Cause("crash", key, text, _crash_action(log, end), held=True, log=log))
        elif lasted < FRESH and container not in probed:
            text, action = f"{what}: has not run for {FRESH} s yet", f"Wait until {what} has run for {FRESH} s."
            found.append(Cause("crash", key, text, action, lasting=False, held=True, change=False))
    return _identified(found, _owner_uid(pod))


def of_crash(cause: Cause) -> bool:
    """Whether it says that a container crashes or may. A Job has its own end: a try that failed counts no more once it is complete."""
    return cause.kind == "crash" and not cause.key.startswith("Job/")


def lacks_pods(kind: str, item: Obj) -> bool:
    """Whether its controller has not made all its pods."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    if kind == "Job":
        over = any(condition(item, end).get("status") == "True" for end in ("Complete", "Failed"))
        return not over and not status.get("active") and not spec.get("suspend")
    if kind == "DaemonSet":
        return int(status.get("currentNumberScheduled") or 0) < int(status.get("desiredNumberScheduled") or 0)
    wanted = 1 if spec.get("replicas") is None else int(spec["replicas"])
    return int(status.get("replicas") or 0) < wanted


def refusal(item: Obj) -> str:
    """Why its controller may not make pods (quota, admission), by the condition that Deployments and ReplicaSets have."""
    failure = condition(item, "ReplicaFailure")
    return f"{failure.get('reason')}: {shorten(failure.get('message') or '')}" if failure.get("status") == "True" else ""


def late(item: Obj) -> str:
    """What a Deployment says when its rollout has not got on within its deadline."""
    progress = condition(item, "Progressing")
    return f"{progress['reason']}: {shorten(progress.get('message') or '')}" if progress.get("reason") == "ProgressDeadlineExceeded" else ""


def _workload(kind: str, item: Obj, events: Events) -> list[Cause]:
    namespace, name = place(item)
    look, key = f"kubectl -n {namespace} describe {kind.lower()} {name}", f"{kind}/{namespace}/{name}"
    message = refusal(item)
    # StatefulSets, DaemonSets and Jobs have no such condition.
    if not message and lacks_pods(kind, item):
        event = events.standing(item, frozenset({"FailedCreate"}), frozenset({"SuccessfulCreate"}))
        message = f"FailedCreate: {event}" if event else ""
    if message:
        text = f"{kind} {namespace}/{name}: {message}"
        if "exceeded quota" in message or "failed quota" in message:
            action = (
                f"Raise the quota or free some of it (kubectl -n {namespace} describe resourcequota), or lower what {kind} {name} requests."
            )
            return [Cause("quota", f"{key}/pods", text, action)]
        return [
            Cause(
                "refused", f"{key}/pods", text, f"Correct the reason for which the pods of {kind} {namespace}/{name} are refused ({look})."
            )
        ]
    failure = condition(item, "Failed")
    if kind == "Job" and failure.get("status") == "True":
        words = ": ".join(filter(None, (failure.get("reason"), failure.get("message")))) or "no reason given"
        action = f"Correct Job {namespace}/{name} by what its pod said last ({look})."
        return [Cause("job", key, f"Job {namespace}/{name} failed: {shorten(words, 300)}", action)]
    if message := late(item):
        return [Cause("deadline", f"{key}/deadline", f"{kind} {namespace}/{name}: {message}", f"Find out what it waits for ({look}).")]
    return []


def _of_another(pod: Obj, uids: Mapping[tuple[str, str, str], str]) -> bool:
    """Whether its owner was another object with the name of a workload that is there now. ``uids``: by kind, namespace and name."""
    references = (pod.get("metadata") or {}).get("ownerReferences") or []
    there = [(uids.get((str(item.get("kind")), place(pod)[0], str(item.get("name")))), item.get("uid")) for item in references]
    return any(now and then and now != then for now, then in there)


def outdated_pod(pod: Obj, sets: Mapping[tuple[str, str], Obj]) -> str:
    """The revision that a StatefulSet's pod should have and has not, or nothing."""
    namespace, _name = place(pod)
    for reference in (pod.get("metadata") or {}).get("ownerReferences") or []:
        item = sets.get((namespace, str(reference.get("name")))) if reference.get("kind") == "StatefulSet" else None
        wanted = ((item or {}).get("status") or {}).get("updateRevision")
        actual = ((pod.get("metadata") or {}).get("labels") or {}).get("controller-revision-hash")
        parallel = ((item or {}).get("spec") or {}).get("podManagementPolicy") == "Parallel"
        if wanted and actual and wanted != actual and not parallel:
            return str(wanted)
    return ""


def causes(seen: Seen) -> list[Cause]:
    """All causes, the most telling kind first; a StatefulSet's pod that Kubernetes will not replace by itself says so.

    A StatefulSet goes on to the next pod only when the one before is ready, so one that cannot start is not replaced by a corrected
    template (Kubernetes' documentation of StatefulSets, "Forced rollback").
    """
    events = Events(seen.events)
    sets = {place(item): item for kind, item in seen.workloads if kind == "StatefulSet"}
    found: list[Cause] = []
    ends: dict[str, list[Cause]] = {}
    explained = set()
    uids = {(kind, *place(item)): uid(item) for kind, item in seen.workloads}
    for pod in current_pods(seen.pods):
        if _of_another(pod, uids):
            continue
        its = pod_causes(pod, events)
        if revision := outdated_pod(pod, sets):
            namespace, name = place(pod)
            action = f"Delete it (kubectl -n {namespace} delete pod {name}): the StatefulSet creates it again from what Git has."
            text = f"pod {namespace}/{name} is of an earlier revision, and is replaced by {revision} only once it is ready"
            its = [replace(cause, text=f"{text}: {cause.text}", action=action, change=False) for cause in its]
        explained |= {controller(pod)} if its else set()
        if _of_job(pod):
            ends.setdefault(owner(pod), []).extend(its)
        else:
            found += its
    for kind, item in seen.workloads:
        own = _identified(_workload(kind, item, events), uid(item))
        for cause in own:
            if cause.kind == "deadline" and (kind, *place(item)) in explained:
                continue
            if cause.kind == "job":
                last = next(iter(ends.pop(cause.key, [])[-1:]), None)
                cause = with_end(cause, last) if last is not None else cause
            found.append(cause)
    found += [cause for its in ends.values() for cause in its]
    unique = {cause.identity: cause for cause in reversed(found)}
    return sorted(unique.values(), key=lambda cause: (cause.held, ORDER.index(cause.kind), cause.key))


def with_end(job: Cause, last: Cause) -> Cause:
    """A failed Job's cause with how its last pod ended."""
    return replace(job, text=f"{job.text}; its {last.text}", action=last.action, log=last.log)


def suspects(seen: Seen) -> list[str]:
    """The uids of what Events may say more of than the objects themselves, those first of which nothing else is known."""
    found = [(0, uid(item)) for kind, item in seen.workloads if lacks_pods(kind, item) and not refusal(item)]
    for pod in current_pods(seen.pods):
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            continue
        if unschedulable(pod) is not None:
            found.append((4, uid(pod)))
            continue
        reasons = {problem.reason for problem in start_problems(pod)}
        statuses = (pod.get("status") or {}).get("containerStatuses") or []
        if _waits_for_kubelet(pod):
            found.append((1, uid(pod)))
        elif reasons & {"ImagePullBackOff", "CrashLoopBackOff"} or (not reasons and any(not status.get("ready") for status in statuses)):
            found.append((2 if not reasons else 3, uid(pod)))
    return list(dict.fromkeys(uid for _rank, uid in sorted(found, key=lambda item: item[0]) if uid))[:SUSPECTS]


def restarted(pod: Obj, now: datetime.datetime) -> list[tuple[Obj, bool]]:
    """The statuses of containers that ended within the last hour, and whether they do so again and again.

    Again and again: at least three restarts, and the run before the last end was shorter than an hour as well, so that it is not the third
    in a year. No more so once the container has run for ten minutes and twice as long as the time before. What crashed at its start, until
    its database was there, has settled after two minutes. Ends because of a node's restart do not count as the container's.
    """
    found = []
    for status in container_statuses(pod):
        last, running = (status.get("lastState") or {}).get("terminated") or {}, (status.get("state") or {}).get("running") or {}
        began, ended, since = timestamp(last.get("startedAt")), timestamp(last.get("finishedAt")), timestamp(running.get("startedAt"))
        if not ended or not int(status.get("restartCount") or 0) or (now - ended).total_seconds() >= RECENT:
            continue
        length = (ended - began).total_seconds() if began else 0.0
        lasted = (now - since).total_seconds() if since else 0.0
        settled = bool(status.get("ready")) and lasted >= max(SETTLED_CRASH if length < CRASH else SETTLED, 2 * length)
        repeated = int(status["restartCount"]) >= REPEATED and length < RECENT and last.get("reason") not in LOST
        found.append((status, repeated and not settled))
    return found


def restart_text(pod: Obj, status: Obj, events: Events, since: str) -> str:
    """What a container that restarts again and again says of itself; ``since``: how long ago it ended last."""
    namespace, name = place(pod)
    end, container = (status.get("lastState") or {}).get("terminated") or {}, str(status.get("name"))
    text = f"pod {namespace}/{name}, container {container}: restarted {status['restartCount']} times, {since} ago after {_ended(end)}"
    probe = events.of_container(pod, container, "Unhealthy", "Liveness") or events.of_container(pod, container, "Killing")
    return f"{text}: {probe}" if probe else text


def read_seen(
    read: Callable[[str, str, dict[str, Any]], Sequence[Obj]], namespace: str, workloads: Sequence[tuple[str, Obj]], pods: Sequence[Obj]
) -> Seen:
    """The same with the Events of what is suspect. ``read(collection, namespace, query)``; what it raises goes through."""
    seen = Seen(tuple(workloads), tuple(pods))
    events: list[Obj] = []
    for uid in suspects(seen):
        events += read("events", namespace, {"fieldSelector": f"involvedObject.uid={uid}"})
    return Seen(seen.workloads, seen.pods, tuple(events))
