# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""V2, V17, F16: why something does not run, from objects as Kubernetes 1.29 writes them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import (
    FRESH,
    SUSPECTS,
    Cause,
    Events,
    Log,
    Seen,
    causes,
    lacks_pods,
    of_crash,
    pod_causes,
    read_seen,
    restart_text,
    restarted,
    slim_pod,
    suspects,
    too_new,
    unsettled,
)

NOW = datetime.datetime(2026, 5, 4, 12, 0, tzinfo=datetime.UTC)
DEPLOYMENT = {"kind": "ReplicaSet", "name": "web-5d8f", "controller": True}
JOB = {"kind": "Job", "name": "migrate", "controller": True}
SET = {"kind": "StatefulSet", "name": "db", "controller": True}


def container(state: Obj, last: Obj | None = None, restarts: int = 0, ready: bool = False, name: str = "web") -> Obj:
    found = {"name": name, "image": "registry:5000/web:1", "state": state, "restartCount": restarts, "ready": ready}
    return {**found, **({"lastState": {"terminated": last}} if last else {})}


def pod(*statuses: Obj, owner: Obj | None = None, inits: tuple[Obj, ...] = (), conditions: tuple[Obj, ...] = (), **fields: Any) -> Obj:
    metadata = {
        "name": "web-5d8f-x",
        "namespace": "ns",
        "uid": "u1",
        "labels": {"pod-template-hash": "5d8f"},
        "ownerReferences": [owner or DEPLOYMENT],
    }
    return {
        "metadata": {**metadata, **fields.pop("metadata", {})},
        "spec": {"nodeName": "node-1", "restartPolicy": "Always", **fields.pop("spec", {})},
        "status": {
            "phase": fields.pop("phase", "Pending"),
            "conditions": list(conditions),
            "initContainerStatuses": list(inits),
            "containerStatuses": list(statuses),
        },
    }


def event(reason: str, message: str, second: int = 0, uid: str = "u1", path: str = "", **more: Any) -> Obj:
    about = {"kind": "Pod", "namespace": "ns", "name": "web-5d8f-x", "uid": uid, **({"fieldPath": path} if path else {})}
    return {"reason": reason, "message": message, "involvedObject": about, "lastTimestamp": f"2026-05-04T11:59:{second:02}Z", **more}


def waits(reason: str, message: str = "") -> Obj:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


RUNS = {"running": {"startedAt": "2026-05-04T11:58:00Z"}}
END = {"exitCode": 1, "reason": "Error", "startedAt": "2026-05-04T11:57:00Z", "finishedAt": "2026-05-04T11:57:10Z"}
KILLED = {**END, "exitCode": 137}
ENDED = {"terminated": END}
NO_MEMORY = "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: 1 No preemption victims found."
TAINT = "0/2 nodes are available: 2 node(s) had untolerated taint {dedicated: gpu}. preemption: not helpful for scheduling."
CLAIM = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."


def unscheduled(message: str, reason: str = "Unschedulable") -> Obj:
    item = pod(conditions=({"type": "PodScheduled", "status": "False", "reason": reason, "message": message},))
    item["spec"] = {"containers": [{"name": "web", "resources": {"requests": {"memory": "900Gi", "cpu": "1"}}}]}
    return item


BACK_OFF = waits("CrashLoopBackOff", "back-off 10s restarting failed container=web")
CREATING = container(waits("ContainerCreating"))
LOG = Log("ns", "web-5d8f-x", "web", True, 3)
# what: pod, events, kind (or nothing), words of the text, words of the action, lasting, held, log
PODS: dict[str, tuple[Obj, list[Obj], str, str, str, bool, bool, Log | None]] = {
    "no memory": (
        unscheduled(NO_MEMORY),
        [],
        "unschedulable",
        "pod ns/web-5d8f-x: Unschedulable: 0/1 nodes are available: 1 Insufficient memory.",
        "Lower the resources that pod ns/web-5d8f-x requests, or add a node",
        True,
        False,
        None,
    ),
    "a taint": (
        unscheduled(TAINT),
        [],
        "unschedulable",
        "untolerated taint",
        "Correct the node selector, affinity or tol",
        True,
        False,
        None,
    ),
    "a claim": (unscheduled(CLAIM), [], "unschedulable", "unbound", "why the volume of pod ns/web-5d8f-x", True, False, None),
    "gated on purpose": (unscheduled("waits", "SchedulingGated"), [], "", "", "", True, False, None),
    "too many pods": (
        unscheduled("0/1 nodes are available: 1 Too many pods."),
        [],
        "unschedulable",
        "Too many pods",
        "Lower the resources",
        True,
        False,
        None,
    ),
    "a scheduler that does not exist": (
        pod(spec={"nodeName": "", "schedulerName": "gpu-scheduler"}),
        [],
        "scheduler",
        "pod ns/web-5d8f-x: the scheduler gpu-scheduler has not processed the pod: it does not exist, does not run, is busy, or queues it",
        "Correct schedulerName of pod ns/web-5d8f-x (Kubernetes' own scheduler is default-scheduler), or start the scheduler gpu-",
        True,
        False,
        None,
    ),
    "the cluster's scheduler does not run": (
        pod(spec={"nodeName": "", "schedulerName": "default-scheduler"}),
        [],
        "scheduler",
        "the scheduler default-scheduler has not processed the pod: it does not run or is busy",
        "Check that Kubernetes' scheduler runs",
        False,
        False,
        None,
    ),
    "another scheduler, a gate": (
        pod(
            spec={"nodeName": "", "schedulerName": "gpu-scheduler"},
            conditions=({"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"},),
        ),
        [],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "another scheduler, on a node": (pod(CREATING, spec={"schedulerName": "gpu-scheduler"}), [], "", "", "", True, False, None),
    "not on a node yet": (pod(spec={"nodeName": ""}), [event("FailedMount", "no")], "", "", "", True, False, None),
    "a hook of its life cycle": (
        pod(container(waits("PostStartHookError", "command 'x' exited with 1")), phase="Running"),
        [],
        "configuration",
        "PostStartHookError: command 'x' exited with 1",
        "correct container web of pod ns/web-5d8f-x",
        True,
        False,
        None,
    ),
    "an image without its signature": (
        pod(container(waits("SignatureValidationFailed", "A signature was required, but no signature exists"))),
        [],
        "image",
        "A signature was required",
        "Correct the image registry:5000/web:1",
        True,
        False,
        None,
    ),
    "ended well, and is started again and again": (
        pod(container({"terminated": {"exitCode": 0, "reason": "Completed"}}, {"exitCode": 0}, 3), phase="Running"),
        [],
        "crash",
        "container web: ended with Completed (exit code 0)",
        "Correct what the last lines of container web",
        True,
        True,
        Log("ns", "web-5d8f-x", "web", False, 3),
    ),
    "an init container that ended well": (
        pod(container(waits("PodInitializing")), inits=(container({"terminated": {"exitCode": 0}}, name="setup"),)),
        [],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "a Job's pod that ended well and is done": (
        pod(container(ENDED), owner=JOB, phase="Succeeded"),
        [],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "an init container that failed for good": (
        pod(container(waits("PodInitializing")), inits=(container(ENDED, name="setup"),), spec={"restartPolicy": "Never"}),
        [],
        "crash",
        "init container setup: ended with Error (exit code 1)",
        "",
        True,
        False,
        None,
    ),
    "an init container that tries again": (
        pod(CREATING, inits=(container(RUNS, END, 3, ready=True, name="setup"),)),
        [],
        "crash",
        "init container setup: restarted 3 times",
        "",
        True,
        True,
        None,
    ),
    "an init container that is slow": (
        pod(container(waits("PodInitializing")), inits=(container(RUNS, name="web"),)),
        [event("Unhealthy", "Startup probe failed", path="spec.initContainers{web}")],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "waits with an old probe": (
        pod(container(waits("ContainerCreating"))),
        [event("Unhealthy", "Readiness probe failed", path="spec.containers{web}")],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "ready with an old probe": (
        pod(container(RUNS, ready=True), phase="Running"),
        [event("Unhealthy", "Readiness probe failed", path="spec.containers{web}")],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "another Event of the container": (
        pod(container(RUNS), phase="Running"),
        [event("Pulled", "Container image is there", path="spec.containers{web}")],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "image": (
        pod(container(waits("ErrImagePull", "not found"))),
        [],
        "image",
        "container web (image registry:5000/web:1): ErrImagePull: not found",
        "Correct the image registry:5000/web:1 of container web of pod ns/web-5d8f-x, or",
        True,
        False,
        None,
    ),
    "image, between two pulls": (
        pod(container(waits("ImagePullBackOff", "Back-off"))),
        [event("Failed", 'Failed to pull image "x": no such host', path="spec.containers{web}"), event("Failed", "Error: ErrImagePull", 1)],
        "image",
        'Back-off: Failed to pull image "x": no such host',
        "",
        True,
        False,
        None,
    ),
    "a Secret that is missing": (
        pod(container(waits("CreateContainerConfigError", 'secret "x" not found'))),
        [],
        "configuration",
        'CreateContainerConfigError: secret "x" not found',
        "Create what the message names in namespace ns",
        True,
        False,
        None,
    ),
    "crash loop": (
        pod(container(BACK_OFF, END, 3), phase="Running"),
        [],
        "crash",
        "CrashLoopBackOff: back-off 10s restarting failed container=web (last exit code 1: Error)",
        "of container web of pod ns/web-5d8f-x name",
        True,
        False,
        LOG,
    ),
    "crash loop of an init container": (
        pod(CREATING, inits=(container(BACK_OFF, END, 3, name="setup"),)),
        [],
        "crash",
        "init container setup (image",
        "kubectl -n ns logs web-5d8f-x -c setup --previous",
        True,
        False,
        Log("ns", "web-5d8f-x", "setup", True, 3),
    ),
    "out of memory": (
        pod(container(BACK_OFF, {**END, "reason": "OOMKilled", "exitCode": 137}, 3), phase="Running"),
        [],
        "crash",
        "last exit code 137: OOMKilled",
        "Raise the memory limit of container web",
        True,
        False,
        LOG,
    ),
    "killed by its probe": (
        pod(container(BACK_OFF, KILLED, 3), phase="Running"),
        [event("Unhealthy", "Liveness probe failed: No alive jobs found.", path="spec.containers{web}")],
        "crash",
        "Error); Liveness probe failed: No alive jobs found.",
        "",
        True,
        False,
        LOG,
    ),
    "between two crashes": (
        pod(container(RUNS, END, 3), phase="Running"),
        [],
        "crash",
        "restarted 3 times, the last time after Error (exit code 1)",
        "",
        True,
        True,
        LOG,
    ),
    "runs again after its probe killed it": (
        pod(container(RUNS, KILLED, 3), phase="Running"),
        [event("Unhealthy", "Liveness probe failed: No alive jobs found.", path="spec.containers{web}")],
        "crash",
        "the last time after Error (exit code 137); Liveness probe failed: No alive jobs found.",
        "",
        True,
        True,
        LOG,
    ),
    "made again after its node was restarted": (
        pod(container(waits("ContainerCreating"), {**END, "reason": "Unknown", "exitCode": 255}, 1)),
        [],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "after the first crash": (pod(container(RUNS, None, 1), phase="Running"), [], "crash", "web: restarted 1 time", "", True, True, None),
    "once more": (pod(container(RUNS, END, 1), phase="Running"), [], "crash", "restarted 1 time, the last", "", True, True, None),
    "recovered": (pod(container(RUNS, END, 3, ready=True), phase="Running"), [], "", "", "", True, False, None),
    "ended and about to start again": (pod(container(ENDED, restarts=1), phase="Running"), [], "crash", "ended", "", True, True, None),
    "ended for good": (
        pod(container(ENDED), phase="Running", spec={"restartPolicy": "Never"}),
        [],
        "crash",
        "ended with Error (exit code 1)",
        "",
        True,
        False,
        None,
    ),
    "ended well and is not started again": (
        pod(container({"terminated": {"exitCode": 0}}), phase="Running", spec={"restartPolicy": "OnFailure"}),
        [],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "a Job's pod that failed": (
        pod(container(ENDED), owner=JOB, phase="Failed", spec={"restartPolicy": "Never"}),
        [],
        "crash",
        "pod ns/web-5d8f-x, container web: ended with Error (exit code 1)",
        "kubectl -n ns logs web-5d8f-x -c web)",
        True,
        False,
        Log("ns", "web-5d8f-x", "web", False, 0),
    ),
    # A container of a Job is ready as soon as it runs, and may come to its end this time.
    "a Job's container that tries again": (
        pod(container(RUNS, END, 3, ready=True), owner=JOB, phase="Running"),
        [],
        "crash",
        "restarted 3 times",
        "",
        True,
        True,
        None,
    ),
    "a Job's container that ended well": (
        pod(container({"terminated": {"exitCode": 0}}), owner=JOB, phase="Running"),
        [],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "an evicted pod, which its Deployment replaces": (pod(container(ENDED), phase="Failed"), [], "", "", "", True, False, None),
    "mount": (
        pod(CREATING),
        [event("FailedMount", 'MountVolume.SetUp failed for volume "v" : configmap "x" not found')],
        "mount",
        'FailedMount: MountVolume.SetUp failed for volume "v" : configmap "x" not found',
        "the volumes of pod ns/web-5d8f-x (kubectl",
        True,
        False,
        None,
    ),
    "attach": (pod(), [event("FailedAttachVolume", "Multi-Attach error")], "mount", "Multi-Attach error", "", True, False, None),
    "mounted since": (pod(CREATING), [event("FailedMount", "no"), event("Pulling", "image", 5)], "", "", "", True, False, None),
    "mounted, says the kubelet": (
        pod(CREATING, conditions=({"type": "PodReadyToStartContainers", "status": "True"},)),
        [event("FailedMount", "no")],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "a mount of another pod of that name": (pod(CREATING), [event("FailedMount", "no", uid="u0")], "", "", "", True, False, None),
    "network": (
        pod(CREATING),
        [event("FailedMount", "no"), event("FailedCreatePodSandBox", "plugin type ptp failed", 5)],
        "sandbox",
        "FailedCreatePodSandBox: plugin type ptp failed",
        "container runtime and network",
        True,
        False,
        None,
    ),
    "probe": (
        pod(container(RUNS), phase="Running"),
        [event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", path="spec.containers{web}")],
        "probe",
        "container web: not ready: Readiness probe failed: HTTP probe failed with statuscode: 503",
        "does not pass its probe (kubectl -n ns logs web-5d8f-x -c web)",
        False,
        False,
        Log("ns", "web-5d8f-x", "web", False, 0),
    ),
    "the probe of another container": (
        pod(container(RUNS), phase="Running"),
        [event("Unhealthy", "Readiness probe failed", path="spec.containers{other}")],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "only slow": (pod(container(RUNS), phase="Running"), [], "", "", "", True, False, None),
    "an init container at work": (
        pod(container(waits("PodInitializing")), inits=(container(RUNS, name="wait"),)),
        [event("FailedMount", "no")],
        "",
        "",
        "",
        True,
        False,
        None,
    ),
    "ended well": (pod(container({"terminated": {"exitCode": 0}}), phase="Succeeded"), [], "", "", "", True, False, None),
}


@pytest.mark.parametrize("what", PODS)
def test_v2_a_pods_cause(what: str) -> None:
    item, events, kind, words, action, lasting, held, log = PODS[what]
    for shape in (item, slim_pod(item)):
        found = pod_causes(shape, Events(events))
        assert [cause.kind for cause in found] == ([kind] if kind else [])
        for cause in found:
            assert words in cause.text
            assert action in cause.action
            assert (cause.lasting, cause.held) == (lasting, held)
            assert log is None or cause.log == log


@pytest.mark.parametrize(
    ("spec", "created", "new"),
    [
        ({"schedulerName": "gpu-scheduler"}, "2026-05-04T11:59:31Z", True),
        ({"schedulerName": "gpu-scheduler"}, "2026-05-04T11:59:30Z", False),
        ({"schedulerName": "gpu-scheduler", "nodeName": "n"}, "2026-05-04T11:59:59Z", False),
        ({}, "2026-05-04T11:59:59Z", False),
        ({"schedulerName": "gpu-scheduler"}, "", False),
    ],
)
def test_a_scheduler_has_half_a_minute_for_a_new_pod(spec: Obj, created: str, new: bool) -> None:
    assert too_new({"metadata": {"creationTimestamp": created}, "spec": spec}, NOW) == new


def test_what_a_slim_pod_keeps_tells_its_scheduler() -> None:
    item = pod(spec={"nodeName": "", "schedulerName": "gpu-scheduler"})
    assert [cause.kind for cause in pod_causes(slim_pod(item))] == ["scheduler"]


def test_v2_what_is_requested_of_what_is_lacking_is_said() -> None:
    for shape in (unscheduled(NO_MEMORY), slim_pod(unscheduled(NO_MEMORY))):
        (cause,) = pod_causes(shape)
        assert cause.text.endswith("(requested by web: memory 900Gi)")


def workload(kind: str = "Deployment", **status: Any) -> tuple[str, Obj]:
    return kind, {"metadata": {"name": "web", "namespace": "ns", "uid": "w1"}, "spec": {"replicas": 1}, "status": status}


def state(kind: str, reason: str, message: str, status: str = "True") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "reason": reason, "message": message}]}


QUOTA = 'pods "web-1" is forbidden: exceeded quota: small, requested: memory=2Gi, used: memory=0, limited: memory=1Gi'
REFUSED = 'pods "web-1" is forbidden: violates PodSecurity "restricted:latest"'
LATE = 'ReplicaSet "web-5d8f" has timed out progressing.'
# what: workload, events, kind (or nothing), words of the text, words of the action
WORKLOADS: dict[str, tuple[tuple[str, Obj], list[Obj], str, str, str]] = {
    "quota": (
        workload(**state("ReplicaFailure", "FailedCreate", QUOTA)),
        [],
        "quota",
        f"Deployment ns/web: FailedCreate: {QUOTA}",
        "Raise the quota or free some of it (kubectl -n ns describe resourcequota), or lower what Deployment web requests.",
    ),
    "quota that wants requests": (
        workload(**state("ReplicaFailure", "FailedCreate", "pods is forbidden: failed quota: small: must specify memory")),
        [],
        "quota",
        "must specify memory",
        "Raise the quota",
    ),
    "failed, but no Job": (workload(**state("Failed", "x", "y")), [], "", "", ""),
    "admission": (workload(**state("ReplicaFailure", "FailedCreate", REFUSED)), [], "refused", "PodSecurity", "describe deployment web"),
    "quota, over": (workload(**state("ReplicaFailure", "FailedCreate", QUOTA, "False")), [], "", "", ""),
    # A StatefulSet, a DaemonSet and a Job have no such condition.
    "quota of a StatefulSet": (
        workload("StatefulSet"),
        [event("FailedCreate", QUOTA, uid="w1")],
        "quota",
        "exceeded quota",
        "StatefulSet web",
    ),
    "quota of a Job": (workload("Job"), [event("FailedCreate", QUOTA, uid="w1")], "quota", "exceeded quota: small", "Job web requests"),
    "quota of a DaemonSet": (
        workload("DaemonSet", desiredNumberScheduled=2, currentNumberScheduled=1),
        [event("FailedCreate", QUOTA, uid="w1")],
        "quota",
        "exceeded quota",
        "",
    ),
    "quota, then made": (
        workload("StatefulSet"),
        [event("FailedCreate", QUOTA, uid="w1"), event("SuccessfulCreate", "made", 3, uid="w1")],
        "",
        "",
        "",
    ),
    "quota of a StatefulSet that has all its pods": (
        ("StatefulSet", {**workload("StatefulSet")[1], "status": {"replicas": 1}}),
        [event("FailedCreate", QUOTA, uid="w1")],
        "",
        "",
        "",
    ),
    "quota of the StatefulSet before": (workload("StatefulSet"), [event("FailedCreate", QUOTA, uid="w0")], "", "", ""),
    "deadline": (
        workload(**state("Progressing", "ProgressDeadlineExceeded", LATE, "False")),
        [],
        "deadline",
        "ProgressDeadlineExceeded: ReplicaSet",
        "Find out what it waits for",
    ),
    "failed Job": (
        workload("Job", **state("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")),
        [],
        "job",
        "Job ns/web failed: BackoffLimitExceeded: Job has reached the specified backoff limit",
        "Correct Job ns/web",
    ),
    "Job that is done": (workload("Job", **state("Complete", "", "")), [event("FailedCreate", QUOTA, uid="w1")], "", "", ""),
    "all well": (workload(), [], "", "", ""),
}


@pytest.mark.parametrize("what", WORKLOADS)
def test_v2_a_workloads_cause(what: str) -> None:
    item, events, kind, words, action = WORKLOADS[what]
    found = causes(Seen((item,), (), tuple(events)))
    assert [cause.kind for cause in found] == ([kind] if kind else [])
    for cause in found:
        assert words in cause.text
        assert action in cause.action


def test_v2_the_deadline_is_named_only_where_no_pod_says_more() -> None:
    late = workload(**state("Progressing", "ProgressDeadlineExceeded", LATE, "False"))
    assert [cause.kind for cause in causes(Seen((late,), (pod(container(BACK_OFF, END, 3)),)))] == ["crash"]
    assert [cause.kind for cause in causes(Seen((late,), (pod(container(RUNS)),)))] == ["deadline"]


def test_v2_a_failed_job_tells_its_pods_end() -> None:
    job = workload("Job", **state("Failed", "BackoffLimitExceeded", "limit"))
    job[1]["metadata"]["name"] = "migrate"
    (cause,) = causes(Seen((job,), (pod(container(ENDED), owner=JOB, phase="Failed"),)))
    assert cause.kind == "job"
    assert cause.text.endswith("failed: BackoffLimitExceeded: limit; its pod ns/web-5d8f-x, container web: ended with Error (exit code 1)")
    assert cause.log == Log("ns", "web-5d8f-x", "web", False, 0)


def test_v2_the_same_trouble_keeps_its_key() -> None:
    """A Job's next pod, another word of the kubelet, the moment between two crashes: the grace goes on."""
    keys = {
        cause.key
        for item in (
            pod(container(BACK_OFF, END, 3), owner=JOB),
            pod(container(RUNS, END, 3, ready=True), owner=JOB),
            pod(container(ENDED), owner=JOB, phase="Failed", metadata={"name": "migrate-2", "uid": "u2"}),
            pod(container(waits("ErrImagePull")), owner=JOB),
        )
        for cause in pod_causes(item)
    }
    assert keys == {"Job/ns/migrate/web"}


def test_v2_a_new_template_begins_anew() -> None:
    old, new = pod(container(BACK_OFF, END, 3)), pod(container(BACK_OFF, END, 3), owner={**DEPLOYMENT, "name": "web-77aa"})
    assert pod_causes(old)[0].key != pod_causes(new)[0].key


def test_v2_a_stateful_sets_pod_of_an_earlier_revision_says_how_it_is_replaced() -> None:
    def stuck(revision: str, policy: str = "OrderedReady", wanted: str | None = "db-2") -> list[Cause]:
        item: Obj = {"metadata": {"name": "db", "namespace": "ns"}, "spec": {"podManagementPolicy": policy}}
        db = ("StatefulSet", {**item, "status": {"replicas": 1, "updateRevision": wanted}})
        metadata: Obj = {"name": "db-0", "labels": {"controller-revision-hash": revision}}
        return causes(Seen((db,), (pod(container(BACK_OFF, END, 3), owner=SET, metadata=metadata),)))

    (cause,) = stuck("db-1")
    assert cause.text.startswith("pod ns/db-0 is of an earlier revision, and is replaced by db-2 only once it is ready: pod ns/db-0, cont")
    assert cause.action.startswith("Delete it (kubectl -n ns delete pod db-0)")
    assert not cause.change
    # Of this revision; of an unknown one; one that is replaced at once; the controller has not said which revision it wants.
    for other in (stuck("db-2"), stuck(""), stuck("db-1", "Parallel"), stuck("db-1", wanted=None)):
        assert other[0].text.startswith("pod ns/db-0, container web")


def test_v2_the_most_telling_comes_first() -> None:
    probe = pod(container(RUNS), phase="Running", metadata={"name": "a", "uid": "u3"}, owner={"kind": "ReplicaSet", "name": "other-1"})
    crash = pod(container(BACK_OFF, END, 3), metadata={"uid": "u2"})
    again = pod(container(RUNS, END, 1), phase="Running", owner=SET, metadata={"name": "db-0", "uid": "u4"})
    unhealthy = event("Unhealthy", "Readiness probe failed", uid="u3", path="spec.containers{web}")
    quota = workload(**state("ReplicaFailure", "FailedCreate", QUOTA))
    found = causes(Seen((quota,), (probe, crash, again), (unhealthy,)))
    assert [(cause.kind, cause.held) for cause in found] == [("quota", False), ("crash", False), ("probe", False), ("crash", True)]


@pytest.mark.parametrize(
    ("events", "lasting"),
    [
        ([], True),
        ([event("TriggeredScaleUp", "pod triggered scale-up: [{pool 1->2 (max: 5)}]")], False),
        ([event("Nominated", "Pod should schedule on: nodeclaim/pool-x")], False),
        ([event("NotTriggerScaleUp", "max limit reached")], True),
        ([event("TriggeredScaleUp", "pool 1->2", 10), event("NotTriggerScaleUp", "max limit reached", 40)], True),
        (
            [event("NotTriggerScaleUp", "backoff", 10), event("TriggeredScaleUp", "pool 1->2", 40), event("FailedScheduling", "0/1", 50)],
            False,
        ),
        ([event("TriggeredScaleUp", "pool 1->2", uid="another")], True),
    ],
)
def test_v2_a_pod_for_which_a_node_is_added_is_not_stuck(events: list[Obj], lasting: bool) -> None:
    (cause,) = pod_causes(unscheduled(NO_MEMORY), Events(events))
    assert (cause.kind, cause.lasting) == ("unschedulable", lasting)
    assert NO_MEMORY in cause.text
    assert ("waits for a node that is being added" in cause.text) is not lasting


def test_v2_events_are_read_only_of_what_may_be_wrong() -> None:
    well = pod(container(RUNS, ready=True), phase="Running")
    broken = pod(container(waits("CreateContainerConfigError", "no Secret")))
    assert suspects(Seen(pods=(well, pod(container(ENDED), phase="Failed"), broken))) == []
    assert suspects(Seen(pods=(well, unscheduled(NO_MEMORY)))) == ["u1"]
    refused = workload(**state("ReplicaFailure", "FailedCreate", QUOTA))
    assert suspects(Seen((refused, workload("StatefulSet", replicas=1)))) == []
    ranked = [
        pod(container(BACK_OFF, END, 3), metadata={"uid": "crash", "name": "a"}),
        pod(container(waits("ImagePullBackOff")), metadata={"uid": "image", "name": "b"}),
        pod(container(RUNS), phase="Running", metadata={"uid": "slow", "name": "c"}),
        pod(CREATING, metadata={"uid": "mount", "name": "d"}),
    ]
    assert suspects(Seen((workload("StatefulSet"),), tuple(ranked))) == ["w1", "mount", "slow", "crash", "image"]
    stuck = [pod(CREATING, metadata={"uid": f"u{number}", "name": f"p{number}"}) for number in range(20)]
    lacking = workload("StatefulSet")
    asked: list[Obj] = []

    def read(collection: str, namespace: str, query: Obj) -> list[Obj]:
        asked.append(query)
        return [event("FailedMount", "no", uid=query["fieldSelector"].split("=")[1])]

    seen = read_seen(read, "ns", [lacking], stuck)
    assert asked[0] == {"fieldSelector": "involvedObject.uid=w1"}
    assert len(asked) == len(seen.events) == SUSPECTS


@pytest.mark.parametrize(
    ("kind", "spec", "status", "lacks"),
    [
        ("Deployment", {"replicas": 2}, {"replicas": 1}, True),
        ("Deployment", {"replicas": 0}, {}, False),
        ("StatefulSet", {}, {}, True),
        ("DaemonSet", {}, {"desiredNumberScheduled": 1}, True),
        ("DaemonSet", {}, {"desiredNumberScheduled": 1, "currentNumberScheduled": 1}, False),
        ("Job", {}, {}, True),
        ("Job", {}, {"active": 1}, False),
        ("Job", {"suspend": True}, {}, False),
        ("Job", {}, state("Complete", "", ""), False),
        ("Job", {}, state("Failed", "", ""), False),
    ],
)
def test_lacking_pods(kind: str, spec: Obj, status: Obj, lacks: bool) -> None:
    assert lacks_pods(kind, {"spec": spec, "status": status}) is lacks


def ran(began: str, ended: str, since: str, restarts: int = 3, reason: str = "Error", ready: bool = True) -> Obj:
    """A container that runs since a time of that day, after a run between two others."""
    last = {"exitCode": 137, "reason": reason, "startedAt": f"2026-05-04T{began}Z", "finishedAt": f"2026-05-04T{ended}Z"}
    return container({"running": {"startedAt": f"2026-05-04T{since}Z"}}, last, restarts, ready)


@pytest.mark.parametrize(
    ("status", "repeated"),
    [
        (ran("11:45:00", "11:53:00", "11:53:01"), True),
        (ran("11:45:00", "11:53:00", "11:53:01", restarts=2), False),
        (ran("11:05:00", "11:50:00", "11:50:01"), True),
        # The third in a year: the run before was long.
        (ran("01:00:00", "11:53:00", "11:53:01"), False),
        # It crashed at the start until its database was there, and has run well since.
        (ran("11:40:00", "11:40:20", "11:41:00"), False),
        (ran("11:57:00", "11:57:20", "11:58:00"), False),
        (ran("11:57:00", "11:57:20", "11:58:01"), True),
        (ran("11:50:00", "11:50:59", "11:51:10"), False),
        (ran("11:50:00", "11:51:00", "11:51:10"), True),
        (ran("11:40:00", "11:40:20", "11:41:00", ready=False), True),
        # As long as the time before: it may be about to end again.
        (ran("11:30:00", "11:45:00", "11:45:01"), True),
        # The node was restarted.
        (ran("11:45:00", "11:53:00", "11:53:01", reason="Unknown"), False),
        (ran("10:45:00", "10:53:00", "10:53:01"), None),
        (ran("10:45:00", "11:00:00", "11:00:01"), None),
        (ran("10:53:00", "11:53:00", "11:53:01"), False),
        (ran("11:40:00", "11:49:50", "11:50:00"), True),
        (ran("11:48:40", "11:49:50", "11:50:00"), False),
        (ran("11:48:40", "11:49:50", "11:50:01"), True),
        (ran("11:45:00", "11:53:00", "11:53:01", restarts=0), None),
        (container(RUNS, ready=True), None),
        (container(RUNS, ready=True, restarts=3), None),
    ],
    ids=[
        "every 8 minutes",
        "twice",
        "every 45 minutes",
        "rare",
        "settled",
        "just settled after a crash",
        "not yet settled",
        "crashed within a minute",
        "ran for a minute",
        "not ready",
        "again",
        "node",
        "old",
        "an hour ago",
        "a run of an hour",
        "not twice as long",
        "just settled",
        "a second before",
        "not counted",
        "never",
        "end unknown",
    ],
)
def test_f16_repeated_restarts(status: Obj, repeated: bool | None) -> None:
    assert restarted(pod(status, phase="Running"), NOW) == ([] if repeated is None else [(status, repeated)])


def test_f16_restarts_tell_reason_exit_code_and_probe() -> None:
    status = ran("11:45:00", "11:53:00", "11:53:01", restarts=7)
    killing = event("Killing", "Container web failed liveness probe, will be restarted", path="spec.containers{web}")
    unhealthy = event("Unhealthy", "Liveness probe failed: No alive jobs found.", path="spec.containers{web}")
    item = pod(status, phase="Running")
    text = "pod ns/web-5d8f-x, container web: restarted 7 times, 7 min ago after Error (exit code 137)"
    assert restart_text(item, status, Events([]), "7 min") == text
    assert restart_text(item, status, Events([killing]), "7 min") == f"{text}: Container web failed liveness probe, will be restarted"
    assert restart_text(item, status, Events([killing, unhealthy]), "7 min") == f"{text}: Liveness probe failed: No alive jobs found."


@pytest.mark.parametrize("state", [{"terminated": {}}, {"waiting": {"reason": "CrashLoopBackOff"}}])
def test_v2_a_containers_last_message_is_quoted_without_its_secrets(state: Obj) -> None:
    """With terminationMessagePolicy FallbackToLogsOnError it is the end of its log."""
    end = {"exitCode": 1, "reason": "Error", "message": "connect: DB_PASSWORD=hunter2secret is wrong"}
    status: Obj = {"name": "web", "image": "web", "restartCount": 1, "state": state, "lastState": {"terminated": end}}
    if "terminated" in state:
        status["state"] = {"terminated": end}
    (cause,) = pod_causes(pod(status))
    assert "connect: DB_PASSWORD=******** is wrong" in cause.text
    assert "hunter2" not in cause.text


def for_seconds(seconds: float, last: Obj | None = None, restarts: int = 0, ready: bool = True) -> Obj:
    """A container that has run for so long at NOW."""
    since = (NOW - datetime.timedelta(seconds=seconds)).isoformat()
    return container({"running": {"startedAt": since}}, last, restarts, ready)


def probed(probe: str, name: str = "web") -> Obj:
    return {"containers": [{"name": name, probe: {"httpGet": {"port": 80}}}]}


CRASHED = "pod ns/web-5d8f-x, container web: restarted 2 times, the last time after Error (exit code 1), and has not run for 60 s since"
CRASHED_ONCE = CRASHED.replace("2 times", "1 time")
YOUNG = "pod ns/web-5d8f-x, container web: has not run for 15 s yet"
# what: pod, text (or nothing), lasting
UNSETTLED: dict[str, tuple[Obj, str, bool]] = {
    "young, without a probe": (pod(for_seconds(14)), YOUNG, False),
    "old enough": (pod(for_seconds(FRESH)), "", False),
    "young, ready by its readiness probe": (pod(for_seconds(1), spec=probed("readinessProbe")), "", False),
    "young, ready by its startup probe": (pod(for_seconds(1), spec=probed("startupProbe")), "", False),
    "young, with a liveness probe, which says nothing of the start": (pod(for_seconds(1), spec=probed("livenessProbe")), YOUNG, False),
    "young, another container has the probe": (pod(for_seconds(1), spec=probed("readinessProbe", "log")), YOUNG, False),
    "crashed within the grace": (pod(for_seconds(59, END, 2)), CRASHED, True),
    "crashed once": (pod(for_seconds(59, END, 1)), CRASHED_ONCE, True),
    "crashed within the grace, ready by its probe": (pod(for_seconds(59, END, 2), spec=probed("readinessProbe")), CRASHED, True),
    "crashed, and has run for the grace": (pod(for_seconds(60, END, 2)), "", False),
    "restarted, its end unknown": (pod(for_seconds(59, None, 2)), "", False),
    "the node was restarted": (pod(for_seconds(59, {**END, "reason": "Unknown"}, 2)), "", False),
    "an end that the kubelet does not count": (pod(for_seconds(59, END)), "", False),
    "not ready: another cause says so": (pod(for_seconds(1, END, 2, ready=False)), "", False),
    "of a Job, which has its own end": (pod(for_seconds(1, END, 2), owner=JOB), "", False),
    "does not run": (pod(container(ENDED, END, 2, ready=True)), "", False),
    "a clock that is far off": (pod(for_seconds(-3600, END, 2)), "", False),
}


@pytest.mark.parametrize("what", UNSETTLED)
def test_v17_what_runs_and_may_yet_crash(what: str) -> None:
    item, text, lasting = UNSETTLED[what]
    for shape in (item, slim_pod(item)):
        found = unsettled(shape, NOW, 60)
        assert [(cause.text, cause.lasting, cause.held) for cause in found] == ([(text, lasting, True)] if text else [])
        for cause in found:
            assert cause.identity == "ReplicaSet/ns/web-5d8f/web"
            assert cause.change is lasting
            assert cause.log == (Log("ns", "web-5d8f-x", "web", True, 2 - (text == CRASHED_ONCE)) if lasting else None)


@pytest.mark.parametrize(
    ("item", "crash"),
    [
        pytest.param(pod(container(BACK_OFF, END, 3)), True, id="crashes"),
        pytest.param(pod(for_seconds(1)), True, id="may crash yet"),
        pytest.param(pod(container(ENDED), owner=JOB, phase="Failed"), False, id="a try of a Job failed"),
        pytest.param(pod(container(waits("ErrImagePull"))), False, id="cannot start"),
    ],
)
def test_v17_which_causes_are_crashes(item: Obj, crash: bool) -> None:
    (cause,) = [*pod_causes(item), *unsettled(item, NOW, 60)]
    assert of_crash(cause) is crash
