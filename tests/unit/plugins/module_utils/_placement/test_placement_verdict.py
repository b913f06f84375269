# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worker pods as they come, run, end and vanish, with the verdict that each state must give."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import (
    Expectation,
    Past,
    Rules,
    advice,
    homeless,
    judge,
    stray,
    words,
)
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import Worker, label_value, trimmed
from ansible_collections.gitops.airflow.tests.unit.places import RECORDED

RUN = "manual__2026-05-04T10:00:00+00:00"
LONG = "a_dag_whose_name_is_longer_than_any_label_may_be_" + "x" * 40
ENDED: Obj = {"containerStatuses": [{"name": "base", "state": {"terminated": {"exitCode": 0, "finishedAt": "2026-05-04T10:00:14Z"}}}]}
FAILED: Obj = {"phase": "Failed", "containerStatuses": [{"name": "base", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}
RUNNING: Obj = {"phase": "Running", "containerStatuses": [{"name": "base", "state": {"running": {"startedAt": "2026-05-04T10:00:03Z"}}}]}
PENDING: Obj = {"phase": "Pending"}
SUCCEEDED: Obj = {"phase": "Succeeded", **ENDED}
REMOVED: Obj = {"phase": "Failed", "reason": "Evicted", "message": "low on memory", **ENDED}
DRAINED: Obj = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "EvictionByEvictionAPI",
    "lastTransitionTime": "2026-05-04T10:00:20Z",
}


def waits(reason: str) -> Obj:
    return {"phase": "Pending", "containerStatuses": [{"name": "base", "image": "x", "state": {"waiting": {"reason": reason}}}]}


def scheduler(reason: str) -> Obj:
    message = "0/3 nodes are available: 3 node(s) had untolerated taint {gpu: }"
    return {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": reason, "message": message}]}


def worker(status: Obj, deleted: bool = False, **more: Any) -> Worker:
    """A worker of dag.task in airflow-cron on node-1; ``more`` overrides ids, namespace, node and parts of the spec."""
    ids = {
        "dag_id": "dag",
        "task_id": "task",
        "run_id": RUN,
        "try_number": "1",
        **{k: more.pop(k) for k in list(more) if k.endswith(("_id", "_number", "_index"))},
    }
    metadata = {
        "name": more.pop("name", "pod-1"),
        "namespace": more.pop("namespace", "airflow-cron"),
        "creationTimestamp": more.pop("created", "2026-05-04T10:00:00Z"),
        "labels": {"kubernetes_executor": "True", **{key: label_value(value) for key, value in ids.items()}},
        "annotations": ids if more.pop("annotated", True) else {},
    }
    metadata["uid"] = metadata["name"]
    spec = {"nodeName": more.pop("node", "node-1"), "serviceAccountName": "airflow-worker", **more}
    return Worker({"metadata": metadata, "spec": spec, "status": status}, deleted)


def expect(**more: Any) -> Expectation:
    return Expectation(**{"dag_id": "dag", "run_id": RUN, "namespace": "airflow-cron", **more})


def verdict(
    workers: list[Worker], *expectations: Expectation, rules: Rules | None = None, past: Past | None = None, now: float = 0.0
) -> Any:
    nodes = {"node-1": {"zone": "a"}}
    return judge(workers, nodes, expectations or (expect(),), rules or Rules(), past or {}, now)


SECOND: dict[str, Any] = {"name": "2", "created": "2026-05-04T10:05:00Z"}
DEFERRED = expect(pods_per_task=2)
ONE_DONE = [worker(SUCCEEDED)]
# name: (workers, expectations, verdict, words that its reason must hold)
TABLE: dict[str, tuple[list[Worker], list[Expectation], str, str]] = {
    "nothing yet": ([], [expect()], "waiting", "1 of 1 workers not seen in airflow-cron"),
    "pending": ([worker(PENDING, node="")], [expect()], "waiting", "is Pending"),
    "running": ([worker(RUNNING)], [expect()], "waiting", "is Running"),
    "succeeded": (ONE_DONE, [expect()], "done", ""),
    "deleted with its end seen": ([worker(SUCCEEDED, deleted=True)], [expect()], "done", ""),
    "deleted, base ended well, phase not updated": ([worker({"phase": "Running", **ENDED}, deleted=True)], [expect()], "done", ""),
    "deleted, base ended badly": ([worker({**FAILED, "phase": "Running"}, deleted=True)], [expect()], "failed", "exit code 1"),
    "deleted, end not seen": ([worker(RUNNING, deleted=True)], [expect()], "waiting", "how it ended is unknown"),
    "failed": ([worker(FAILED)], [expect()], "failed", "exit code 1 (Error)"),
    "evicted": (
        [worker({"phase": "Failed", "reason": "Evicted", "message": "low on memory"})],
        [expect()],
        "failed",
        "Evicted; low on memory",
    ),
    "evicted, base ended well, no try left": (
        [worker(REMOVED)],
        [expect()],
        "waiting",
        "ended with exit code 0 while the cluster removed it",
    ),
    "evicted, base ended well, tries left": (
        [worker(REMOVED)],
        [expect(tries=2)],
        "waiting",
        "while the cluster removed it in try 1 of 2 (Evicted: low on memory), the next try is awaited; whether its task has ended",
    ),
    "evicted, base ended well, the second try runs": (
        [worker(REMOVED), worker(RUNNING, name="2", try_number="2")],
        [expect(tries=2)],
        "waiting",
        "worker 2 is Running",
    ),
    "evicted, base ended well, the second try succeeded": (
        [worker(REMOVED, True), worker(SUCCEEDED, name="2", try_number="2")],
        [expect(tries=2)],
        "done",
        "",
    ),
    "evicted, base ended well, Airflow says that the task succeeded": (
        [replace(worker(REMOVED), reported="Succeeded", final="success")],
        [expect(tries=2)],
        "done",
        "",
    ),
    "evicted, base ended well, Airflow says that the task failed": (
        [replace(worker(REMOVED), reported="Failed", final="failed")],
        [expect(tries=2)],
        "failed",
        "task task is failed: Evicted; low on memory; Airflow says that the task failed",
    ),
    "drained, base had ended before": ([worker({**SUCCEEDED, "conditions": [DRAINED]}, True)], [expect()], "done", ""),
    "another run's worker": ([worker(FAILED, run_id="other")], [expect()], "waiting", "not seen"),
    "another DAG's worker": ([worker(FAILED, dag_id="other")], [expect()], "waiting", "not seen"),
    "another task's worker": ([worker(FAILED, task_id="other")], [expect(task_id="task")], "waiting", "not seen"),
    "wrong namespace": (
        [worker(PENDING, namespace="airflow-core")],
        [expect()],
        "failed",
        "landed in namespace airflow-core, expected in airflow-cron",
    ),
    "wrong namespace, deleted": ([worker(SUCCEEDED, True, namespace="default")], [expect()], "failed", "namespace default"),
    "right one done, a stray besides": ([*ONE_DONE, worker(SUCCEEDED, name="s", namespace="default")], [expect()], "failed", "default"),
    "each task in its own namespace": (
        [worker(SUCCEEDED, task_id="a"), worker(SUCCEEDED, name="b", task_id="b", namespace="gpu")],
        [expect(task_id="a"), expect(task_id="b", namespace="gpu")],
        "done",
        "",
    ),
    "tasks in each other's namespace": (
        [worker(SUCCEEDED, task_id="b")],
        [expect(task_id="a"), expect(task_id="b", namespace="gpu")],
        "failed",
        "landed in namespace airflow-cron",
    ),
    "one in each of two namespaces": (
        [worker(SUCCEEDED, task_id="a"), worker(SUCCEEDED, name="b", task_id="b", namespace="gpu")],
        [expect(), expect(namespace="gpu")],
        "done",
        "",
    ),
    "one of two done": (ONE_DONE, [expect(count=2)], "waiting", "1 of 2 workers not seen"),
    "one expectation of two met": (ONE_DONE, [expect(), expect(run_id="other")], "waiting", "run other"),
    "mapped tasks": ([worker(SUCCEEDED, name=str(i), map_index=str(i)) for i in range(3)], [expect(count=3)], "done", ""),
    "too many": ([worker(SUCCEEDED, name=str(i), map_index=str(i)) for i in range(3)], [expect(count=2)], "failed", "3 workers"),
    "first try failed, second runs": (
        [worker(RUNNING, name="2", try_number="2"), worker(FAILED, deleted=True)],
        [expect(tries=2)],
        "waiting",
        "worker 2 is Running",
    ),
    "first try failed, second is awaited": (
        [worker(FAILED)],
        [expect(tries=2)],
        "waiting",
        "failed in try 1 of 2, the next",
    ),
    "second of two tries failed": ([worker(FAILED, try_number="2")], [expect(tries=2)], "failed", "failed in try 2 of 2"),
    "a later try than it may take failed": ([worker(FAILED, try_number="3")], [expect(tries=2)], "failed", "try 3 of 2"),
    "it may take one try, the second succeeded": (
        [worker(SUCCEEDED, name="2", try_number="2"), worker(FAILED, True)],
        [expect()],
        "failed",
        "pod-1 failed: container base ended with exit code 1",
    ),
    "first try on a wrong node": (
        [worker(SUCCEEDED, name="2", try_number="2"), worker(FAILED, True, node="node-2")],
        [expect(tries=2, node="node-1")],
        "failed",
        "worker pod-1: node is 'node-2'",
    ),
    "first try in a wrong namespace": (
        [worker(SUCCEEDED, name="2", try_number="2"), worker(FAILED, True, namespace="default")],
        [expect(tries=2)],
        "failed",
        "landed in namespace default",
    ),
    "first try deleted unseen, second succeeded": (
        [worker(SUCCEEDED, name="2", try_number="2"), worker(RUNNING, True)],
        [expect(tries=2)],
        "done",
        "",
    ),
    "first try failed, second succeeded": (
        [worker(SUCCEEDED, name="2", try_number="2"), worker(FAILED, True)],
        [expect(tries=2)],
        "done",
        "",
    ),
    "tenth try": ([worker(SUCCEEDED, name="10", try_number="10"), worker(FAILED, try_number="9")], [expect(tries=10)], "done", ""),
    "deferred task, second pod runs": ([worker(SUCCEEDED, True), worker(RUNNING, **SECOND)], [expect()], "waiting", "worker 2"),
    "deferred task, first pod is done": ([worker(SUCCEEDED, True)], [DEFERRED], "waiting", "1 of 2 pods of task task seen"),
    "deferred task, first pod runs": ([worker(RUNNING)], [DEFERRED], "waiting", "is Running"),
    "deferred task, first pod's end unseen": ([worker(RUNNING, True)], [DEFERRED], "waiting", "is Gone"),
    "deferred task, second of two runs": (
        [worker(SUCCEEDED, True), worker(RUNNING, **SECOND)],
        [DEFERRED],
        "waiting",
        "2 is Running",
    ),
    "deferred task, both done": ([worker(RUNNING, True), worker(SUCCEEDED, **SECOND)], [DEFERRED], "done", ""),
    "deferred task, second failed": (
        [worker(SUCCEEDED, True), worker(FAILED, **SECOND)],
        [DEFERRED],
        "failed",
        "worker 2 failed",
    ),
    "deferred task, second on a wrong node": (
        [worker(SUCCEEDED, True), worker(PENDING, node="node-2", **SECOND)],
        [expect(pods_per_task=2, node="node-1")],
        "failed",
        "worker 2: node is 'node-2'",
    ),
    "deferred task, second try's first pod": (
        [worker(SUCCEEDED, True), worker(FAILED, True, **SECOND), worker(SUCCEEDED, name="3", try_number="2")],
        [expect(pods_per_task=2, tries=2)],
        "waiting",
        "1 of 2 pods",
    ),
    "one of a mapped task": (
        [worker(SUCCEEDED, name="1", map_index="1"), worker(FAILED, name="10", map_index="10")],
        [expect(task_id="task", map_index=1)],
        "done",
        "",
    ),
    "another one of a mapped task": (
        [worker(SUCCEEDED, map_index="1")],
        [expect(task_id="task", map_index=0)],
        "waiting",
        "dag.task[0] run",
    ),
    "a task that is not mapped": ([worker(SUCCEEDED)], [expect(task_id="task", map_index=0)], "waiting", "not seen"),
    # What is asserted of each
    "service account": (ONE_DONE, [expect(service_account="airflow-worker")], "done", ""),
    "wrong service account": (
        [worker(PENDING)],
        [expect(service_account="other")],
        "failed",
        "service account is 'airflow-worker', expected 'other'",
    ),
    "node": (ONE_DONE, [expect(node="node-1")], "done", ""),
    "wrong node": ([worker(PENDING)], [expect(node="node-2")], "failed", "node is 'node-1', expected 'node-2'"),
    "no node yet": ([worker(PENDING, node="")], [expect(node="node-2", node_labels={"zone": "b"})], "waiting", "Pending"),
    "node labels": (ONE_DONE, [expect(node_labels={"zone": "a"})], "done", ""),
    "wrong node labels": (ONE_DONE, [expect(node_labels={"zone": "b"})], "failed", "labels of node node-1"),
    "node label missing": (ONE_DONE, [expect(node_labels={"gpu": ""})], "failed", "labels of node node-1"),
    "node not read yet": ([worker(SUCCEEDED, node="node-9")], [expect(node_labels={"zone": "a"})], "waiting", ""),
    "node selector": ([worker(SUCCEEDED, nodeSelector={"zone": "a", "x": "y"})], [expect(node_selector={"zone": "a"})], "done", ""),
    "wrong node selector": (ONE_DONE, [expect(node_selector={"zone": "a"})], "failed", "node selector"),
    "tolerations": (
        [worker(SUCCEEDED, tolerations=[{"key": "a"}, {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}])],
        [expect(tolerations=[{"key": "gpu", "operator": "Exists"}])],
        "done",
        "",
    ),
    "wrong tolerations": (
        [worker(SUCCEEDED, tolerations=[{"key": "gpu", "operator": "Equal"}])],
        [expect(tolerations=[{"key": "gpu", "operator": "Exists"}])],
        "failed",
        "toleration",
    ),
    "affinity": (
        [worker(SUCCEEDED, affinity={"nodeAffinity": {"x": [1], "y": 2}})],
        [expect(affinity={"nodeAffinity": {"x": [1]}})],
        "done",
        "",
    ),
    "toleration with Kubernetes' own defaults": (
        [worker(SUCCEEDED, tolerations=[{"key": "gpu", "value": "true"}])],
        [expect(tolerations=[{"key": "gpu", "operator": "Equal", "value": "true", "effect": ""}])],
        "done",
        "",
    ),
    "toleration of everything": (
        [worker(SUCCEEDED, tolerations=[{"operator": "Exists"}])],
        [expect(tolerations=[{"key": "gpu"}])],
        "failed",
        "toleration",
    ),
    "wrong affinity": (
        [worker(SUCCEEDED, affinity={"nodeAffinity": {"x": [1, 2]}})],
        [expect(affinity={"nodeAffinity": {"x": [1]}})],
        "failed",
        "affinity",
    ),
    # Ids that no label can hold
    "long ids, annotated": ([worker(SUCCEEDED, dag_id=LONG)], [expect(dag_id=LONG)], "done", ""),
    "long ids, labels only": ([worker(SUCCEEDED, dag_id=LONG, annotated=False)], [expect(dag_id=LONG)], "done", ""),
    "odd run id, labels only": ([worker(SUCCEEDED, annotated=False)], [expect()], "done", ""),
    "same label, other annotation": ([worker(FAILED, dag_id=label_value(LONG))], [expect(dag_id=LONG)], "waiting", "not seen"),
}


@pytest.mark.parametrize("name", TABLE)
def test_verdict(name: str) -> None:
    workers, expectations, kind, words = TABLE[name]
    result, _past = verdict(workers, *expectations)
    assert (result.kind, words in result.reason) == (kind, True), result


# V5. name: (init containers, containers, the pod's phase, verdict, words)
def ended(code: int, reason: str = "Error", message: str = "", at: str = "2026-05-04T10:00:10Z") -> Obj:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, "finishedAt": at}}


RUNS: Obj = {"running": {"startedAt": "2026-05-04T10:00:03Z"}}
INITIALIZING: Obj = {"waiting": {"reason": "PodInitializing"}}
LOOPS: Obj = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}}
DENIED = ended(1, message="fatal: authentication required")
CULPRITS: dict[str, tuple[dict[str, Obj], dict[str, Obj], str, str, str]] = {
    "init container failed": (
        {"git-sync-init": DENIED},
        {"base": INITIALIZING},
        "Failed",
        "failed",
        "init container git-sync-init ended with exit code 1 (Error): fatal: authentication required",
    ),
    "second init container failed": (
        {"first": ended(0), "git-sync-init": ended(128)},
        {"base": INITIALIZING},
        "Failed",
        "failed",
        "init container git-sync-init ended with exit code 128 (Error)",
    ),
    "base succeeded, a sidecar failed": ({}, {"base": ended(0), "log": ended(1)}, "Failed", "done", ""),
    "base succeeded, a sidecar was killed": ({}, {"log": ended(137, "OOMKilled"), "base": ended(0)}, "Failed", "done", ""),
    "base succeeded, a sidecar runs on": ({}, {"base": ended(0), "log": RUNS}, "Running", "done", ""),
    "base succeeded, a sidecar cannot be started": ({}, {"base": ended(0), "log": LOOPS}, "Running", "done", ""),
    "base succeeded, a native sidecar is stopped": ({"log": ended(143)}, {"base": ended(0)}, "Succeeded", "done", ""),
    "base runs, a sidecar was killed": ({}, {"base": RUNS, "log": ended(137, "OOMKilled")}, "Running", "waiting", "is Running"),
    "base runs, a sidecar crashes": ({}, {"base": RUNS, "log": LOOPS}, "Running", "waiting", "container log (image x): CrashLoopBackOff"),
    "base failed": ({}, {"log": RUNS, "base": ended(2)}, "Running", "failed", "failed: container base ended with exit code 2 (Error)"),
    "base failed after its sidecar was killed": (
        {},
        {"proxy": ended(137, "OOMKilled", at="2026-05-04T10:00:09Z"), "base": ended(1, message="no connection")},
        "Failed",
        "failed",
        "container base ended with exit code 1 (Error): no connection; container proxy ended with exit code 137 (OOMKilled)",
    ),
    "a sidecar was killed, base was not seen to end": (
        {},
        {"base": RUNS, "log": ended(137, "OOMKilled")},
        "Failed",
        "failed",
        "container log ended with exit code 137 (OOMKilled)",
    ),
    "a container whose end the kubelet did not see": (
        {},
        {"base": ended(137, "ContainerStatusUnknown")},
        "Failed",
        "failed",
        "exit code 137",
    ),
    "deadline while an image is missing": (
        {"git-sync-init": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}},
        {"base": INITIALIZING},
        "Failed",
        "failed",
        "init container git-sync-init (image x): ErrImagePull: not found",
    ),
}


def status_of(inits: dict[str, Obj], containers: dict[str, Obj], phase: str) -> Obj:
    def listed(states: dict[str, Obj]) -> list[Obj]:
        return [{"name": name, "image": "x", "state": state} for name, state in states.items()]

    return {"phase": phase, "initContainerStatuses": listed(inits), "containerStatuses": listed(containers)}


@pytest.mark.parametrize("name", CULPRITS)
def test_the_base_container_decides_and_the_container_at_fault_is_named(name: str) -> None:
    """V5: a worker whose git-sync init container failed had failed for "no reason given"."""
    inits, containers, phase, kind, words = CULPRITS[name]
    result, _past = verdict([worker(status_of(inits, containers, phase))])
    assert (result.kind, words in result.reason) == (kind, True), result


def test_a_sidecar_that_ended_after_base_is_not_at_fault() -> None:
    """V5: what is stopped because base has ended did not make it fail."""
    status = status_of({}, {"log": ended(143, at="2026-05-04T10:00:11Z"), "base": ended(1)}, "Failed")
    reason = verdict([worker(status)])[0].reason
    assert ("log" in reason, reason.count("container base")) == (False, 1)


def test_an_init_container_that_fails_again_and_again_is_one_trouble() -> None:
    """V5: its grace does not begin anew while it runs once more between two crashes."""
    again = status_of({"git-sync-init": RUNS}, {"base": INITIALIZING}, "Pending")
    again["initContainerStatuses"][0]["lastState"] = DENIED
    states = [status_of({"git-sync-init": state}, {"base": INITIALIZING}, "Pending") for state in (DENIED, LOOPS)]
    past: Past = {}
    for now, status in enumerate([*states, again] * 20):
        result, past = verdict([worker(status)], past=past, now=now)
        assert result.kind == "waiting"
    result, _past = verdict([worker(again)], past=past, now=60)
    assert (result.kind, "init container git-sync-init ended with exit code 1 (Error): fatal: auth" in result.reason) == ("failed", True)


def test_a_sidecar_that_cannot_start_does_not_end_a_wait_for_base() -> None:
    """V5: neither before its grace is over nor after."""
    status = status_of({}, {"base": RUNS, "log": LOOPS}, "Running")
    past = verdict([worker(status)])[1]
    assert verdict([worker(status)], past=past, now=1000)[0].kind == "waiting"


# V6. name: (workers, expectation, words): waited for however long it takes
AWAITED: dict[str, tuple[list[Worker], Expectation, str]] = {
    "deleted while pending, first of three tries": ([worker(PENDING, True, node="")], expect(tries=3), "deleted in try 1 of 3"),
    "deleted while it ran, first of three tries": ([worker(RUNNING, True)], expect(tries=3), "the next try is awaited"),
    "deleted while pending, only try": ([worker(PENDING, True, node="")], expect(), "before it started"),
    "deleted on its node before it started": ([worker(waits("ContainerCreating"), True)], expect(), "before it started"),
    "deleted because its image was missing": ([worker(waits("ImagePullBackOff"), True)], expect(), "ImagePullBackOff"),
    "deleted while pending, last of three tries": ([worker(PENDING, True, try_number="3", node="")], expect(tries=3), "before it started"),
    "failed, the next try comes late": ([worker(FAILED, True)], expect(tries=2), "the next try is awaited"),
}


@pytest.mark.parametrize("name", AWAITED)
def test_a_worker_that_may_be_replaced_is_waited_for_however_long_it_takes(name: str) -> None:
    """V6: failed after 60 s."""
    workers, expectation, words = AWAITED[name]
    past: Past = {}
    for now in (0, 60, 3600):
        result, past = verdict(workers, expectation, past=past, now=now)
        assert (result.kind, result.wake, words in result.reason) == ("waiting", None, True), result


def test_a_worker_that_is_there_was_not_deleted() -> None:
    """V6: the words for what was deleted are not those for what is pending, whatever tries are left."""
    assert "was deleted" not in verdict([worker(PENDING, node="")], expect(tries=3))[0].reason


def test_a_pod_of_several_whose_end_was_not_seen_is_no_trouble_yet() -> None:
    """The next one is to come; but one that cannot start is trouble all the same."""
    assert verdict([worker(RUNNING, True)], DEFERRED)[0].wake is None
    assert verdict([worker(waits("ErrImagePull"))], DEFERRED)[0].wake == 60


def test_the_worker_that_replaces_an_unstarted_one_counts() -> None:
    """V6: and a pod that never started is not one of those that a deferred task makes."""
    unstarted = worker(PENDING, True, node="")
    assert verdict([unstarted, worker(SUCCEEDED, **SECOND)])[0].kind == "done"
    assert verdict([unstarted, worker(SUCCEEDED, **SECOND)], DEFERRED)[0].kind == "waiting"
    third = worker(SUCCEEDED, name="3", created="2026-05-04T10:09:00Z")
    assert verdict([unstarted, worker(SUCCEEDED, **SECOND), third], DEFERRED)[0].kind == "done"


def test_an_unstarted_worker_reached_the_phase_that_it_reached() -> None:
    assert verdict([worker(PENDING, True)], rules=Rules(phase="Scheduled"))[0].kind == "done"


def again(status: Obj, number: int, deleted: bool = False) -> Worker:
    """A pod under the same name, created later, with another uid."""
    made = worker(status, deleted, created=f"2026-05-04T10:0{number}:00Z")
    made.metadata["uid"] = f"uid {number}"
    return made


def test_a_pod_that_was_created_again_under_its_name_starts_afresh() -> None:
    """V4: neither the end of the one before nor the time that it took counts for the new one."""
    past = verdict([again(waits("ImagePullBackOff"), 1)], now=0)[1]
    result, past = verdict([again(waits("ImagePullBackOff"), 1, True), again(waits("ImagePullBackOff"), 2)], past=past, now=59)
    assert (result.kind, result.wake) == ("waiting", 119)
    for first in (RUNNING, FAILED, SUCCEEDED):
        assert verdict([again(RUNNING, 2), again(first, 1, True)])[0].kind == "waiting"
        assert verdict([again(SUCCEEDED, 2), again(first, 1, True)])[0].kind == "done"
    assert verdict([again(SUCCEEDED, 1, True), again(SUCCEEDED, 2)], DEFERRED)[0].kind == "waiting"


# name: (status, deleted, the words of the failure); each is waited for while its grace of 60 s lasts
RECORDED = json.loads((RECORDED / "workers.json").read_text())["pods"]
EVICTED = {
    "phase": "Failed",
    "reason": "Evicted",
    "message": "The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi.",
    "conditions": [
        {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": "The node was low on resource: memory."}
    ],
}
KILLED = {"name": "base", "state": {"terminated": {"exitCode": 143, "reason": "Error"}}}
# What the API server showed of real pods, and what follows: (pod, deleted, verdict, words)
REAL: dict[str, tuple[Obj, bool, str, str]] = {
    "scheduled": (RECORDED["scheduled"], False, "waiting", "is Scheduled, expected Succeeded"),
    "unschedulable": (
        RECORDED["unschedulable"],
        False,
        "waiting",
        "Unschedulable: 0/1 nodes are available: 1 node(s) had",
    ),
    "unschedulable, then scheduled": (
        {**RECORDED["unschedulable"], **{k: RECORDED["scheduled"][k] for k in ("spec", "status")}},
        False,
        "waiting",
        "is Scheduled",
    ),
    "being preempted": (RECORDED["preempted"], False, "waiting", "is Scheduled"),
    "preempted": (
        RECORDED["preempted"],
        True,
        "waiting",
        "was deleted (PreemptionByScheduler: default-scheduler: preempting",
    ),
    "preempted while it ran": (
        {**RECORDED["preempted"], "status": {**RECORDED["preempted"]["status"], "phase": "Failed", "containerStatuses": [KILLED]}},
        True,
        "failed",
        "PreemptionByScheduler: default-scheduler: preempting to accommodate a higher priority pod; container base ended",
    ),
    "evicted": ({**RECORDED["scheduled"], "status": EVICTED}, False, "failed", "Evicted; The node was low on resource: memory"),
    "id too long for a label": (RECORDED["long"], False, "waiting", "is Scheduled"),
}


@pytest.mark.parametrize("name", REAL)
def test_verdict_on_recorded_pods(name: str) -> None:
    pod, deleted, kind, words = REAL[name]
    seen = Worker(trimmed(pod), deleted)
    about = Expectation(seen.identity("dag_id"), RUN, pod["metadata"]["namespace"], service_account="airflow-worker")
    result, _past = verdict([seen], about)
    assert (result.kind, words in result.reason) == (kind, True), result
    assert seen.has("dag_id", seen.identity("dag_id"))
    labelled = {**pod, "metadata": {**pod["metadata"], "annotations": {}}}
    assert Worker(trimmed(labelled)).has("dag_id", seen.identity("dag_id"))


TROUBLES: dict[str, tuple[Obj, bool, str]] = {
    "unschedulable": (scheduler("Unschedulable"), False, "untolerated taint {gpu: }"),
    "image": (waits("ImagePullBackOff"), False, "ImagePullBackOff"),
    "configuration": (waits("CreateContainerConfigError"), False, "CreateContainerConfigError"),
    "crash loop": (waits("CrashLoopBackOff"), False, "CrashLoopBackOff"),
    "gone": (RUNNING, True, "how it ended is unknown"),
    "evicted, base ended well": (REMOVED, False, "(Evicted: low on memory), so how its task ended is unknown; give task_instances"),
    "no such scheduler": (PENDING, False, "the scheduler gpu-scheduler has not processed the pod"),
    "init container's image": (
        {"phase": "Pending", "initContainerStatuses": [{"name": "git-sync-init", "state": {"waiting": {"reason": "ErrImagePull"}}}]},
        False,
        "container git-sync-init",
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_fails_after_its_grace(name: str) -> None:
    status, deleted, words = TROUBLES[name]
    homeless = {"unschedulable": {"node": ""}, "no such scheduler": {"node": "", "schedulerName": "gpu-scheduler"}}
    workers = [worker(status, deleted, **homeless.get(name, {}))]
    result, past = verdict(workers, now=100)
    assert (result.kind, result.wake) == ("waiting", 160)
    result, past = verdict(workers, past=past, now=159)
    assert result.kind == "waiting"
    result, _past = verdict(workers, past=past, now=160)
    assert result.kind == "failed"
    assert words in result.reason


def test_the_clusters_own_scheduler_is_started_again() -> None:
    """No failure of the wait: what Kubernetes itself lacks, it mends. The wait names it all the same, for the case that it does not."""
    workers = [worker(PENDING, node="", schedulerName="default-scheduler")]
    result, past = verdict(workers)
    result, _past = verdict(workers, past=past, now=1000)
    assert (result.kind, result.wake) == ("waiting", None)
    words = "the scheduler default-scheduler has not processed the pod: it does not run or is busy"
    assert result.reason.endswith(f"worker pod-1 is Pending, expected Succeeded ({words})")
    assert advice(workers, result.reason).startswith("Check that Kubernetes' scheduler runs")


def test_a_scheduler_that_queues_the_pod_is_named_before_the_grace() -> None:
    result, _past = verdict([worker(PENDING, node="", schedulerName="gpu-scheduler")])
    assert (result.kind, result.wake) == ("waiting", 60)
    assert "the scheduler gpu-scheduler has not processed the pod: it does not exist, does not run, is busy, or queues" in result.reason


@pytest.mark.parametrize(
    ("workers", "words"),
    [
        ([worker(scheduler("Unschedulable"), node="")], "Correct the node selector, affinity or tolerations of pod airflow-cron/pod-1"),
        ([worker(PENDING, node="", schedulerName="gpu-scheduler")], "Correct schedulerName of pod airflow-cron/pod-1"),
        ([worker(waits("ImagePullBackOff"))], "Correct the image x of container base of pod airflow-cron/pod-1"),
        ([worker(RUNNING, name="2"), worker(scheduler("Unschedulable"), node="")], "Correct the node selector"),
        # The reason is another worker's.
        ([worker(FAILED, name="2", task_id="other"), worker(scheduler("Unschedulable"), node="")], ""),
        ([worker(FAILED)], ""),
        ([worker(scheduler("Unschedulable"), True, node="")], ""),
    ],
)
def test_the_next_action_is_that_of_the_cause(workers: list[Worker], words: str) -> None:
    past = verdict(workers, expect(count=2))[1]
    result, _past = verdict(workers, expect(count=2), past=past, now=60)
    assert advice(workers, result.reason).startswith(words)
    assert bool(words) == bool(advice(workers, result.reason))


def test_the_next_action_is_that_of_the_worker_that_the_reason_names() -> None:
    one, two = (worker(scheduler("Unschedulable"), node="", name=name, task_id=name) for name in ("pod-a", "pod-b"))
    (cause,) = homeless(two)
    assert "of pod airflow-cron/pod-b" in advice([one, two], f"worker pod-b for 60 s: {words(two, cause)}")
    assert advice([one, two], "worker pod-b is Pending, expected Succeeded") == ""


@pytest.mark.parametrize(
    ("reason", "named"),
    [
        ("worker pod-1 for 60 s", True),
        ("worker pod-1: it waits", True),
        ("pod airflow-cron/pod-1.", True),
        ("worker pod-10 for 60 s", False),
        ("worker pod-1-b for 60 s", False),
        ("worker pod-1.b for 60 s", False),
        ("worker a-pod-1 for 60 s", False),
        ("worker a.pod-1 for 60 s", False),
        ("worker apod-1 for 60 s", False),
    ],
)
def test_the_next_action_is_not_that_of_a_pod_whose_name_is_part_of_the_named_one(reason: str, named: bool) -> None:
    one = worker(scheduler("Unschedulable"), node="", name="pod-1")
    (cause,) = homeless(one)
    assert bool(advice([one], f"{reason} {words(one, cause)}")) == named


def test_trouble_that_passes_is_forgotten() -> None:
    past = verdict([worker(scheduler("Unschedulable"), node="")])[1]
    result, past = verdict([worker(RUNNING)], past=past, now=50)
    assert (result.kind, dict(past)) == ("waiting", {})


def test_gates_and_ordinary_waiting_are_no_trouble() -> None:
    for status in (scheduler("SchedulingGated"), waits("ContainerCreating"), waits("PodInitializing")):
        assert verdict([worker(status, node="")])[0].wake is None


@pytest.mark.parametrize(
    ("status", "node", "reached"),
    [
        (PENDING, "", []),
        (PENDING, "n", ["Scheduled"]),
        (RUNNING, "n", ["Scheduled", "Running"]),
        (SUCCEEDED, "n", ["Scheduled", "Running", "Succeeded"]),
    ],
    ids=["pending", "scheduled", "running", "succeeded"],
)
def test_phase(status: Obj, node: str, reached: list[Any]) -> None:
    for phase in ("Scheduled", "Running", "Succeeded"):
        result = verdict([worker(status, node=node)], rules=Rules(phase=phase))[0]
        assert (result.kind == "done") == (phase in reached)


def test_running_was_reached_by_a_worker_deleted_while_it_ran() -> None:
    assert verdict([worker(RUNNING, deleted=True)], rules=Rules(phase="Running"))[0].kind == "done"


def test_a_worker_of_an_unnamed_task_is_a_stray_only_outside_the_runs_namespaces() -> None:
    expectations = [expect(task_id="a"), expect(task_id="b", namespace="gpu")]
    assert not stray(worker(RUNNING, task_id="c", namespace="gpu"), expectations)
    assert stray(worker(RUNNING, task_id="c", namespace="default"), expectations)
