# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollouts: when they are done, when they have failed, and with which cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change
from ansible_collections.gitops.airflow.plugins.module_utils._kube.workload_verdict import Workload, judge
from ansible_collections.gitops.airflow.plugins.module_utils._kube.workload_wait import WorkloadWait

LABELS = {"app": "web"}
ROLLED = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}


def deployment(name: str = "web", replicas: int = 1, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "argocd", "generation": 2},
        "spec": {"replicas": replicas, "selector": {"matchLabels": LABELS}},
        "status": {**ROLLED, **status},
    }


def pod(reason: str = "", **fields: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": "Back-off"}} if reason else {"running": {}}
    return {
        "metadata": {"name": "web-1", "namespace": "argocd", "labels": LABELS, **fields},
        "status": {"containerStatuses": [{"name": "web", "image": "web:nope", "state": state}]},
    }


@pytest.mark.parametrize(
    ("kind", "item", "text"),
    [
        ("Deployment", deployment(), ""),
        ("Deployment", deployment(replicas=0) | {"status": {"observedGeneration": 2}}, ""),
        ("Deployment", deployment(observedGeneration=1), "its controller has not seen the change yet"),
        ("Deployment", deployment(updatedReplicas=0), "0 of 1 pods are updated"),
        ("Deployment", deployment() | {"status": {**ROLLED, "replicas": 2}}, "1 old pods are still there"),
        ("Deployment", deployment(availableReplicas=0), "0 of 1 pods are available"),
        ("StatefulSet", deployment(availableReplicas=0), "0 of 1 pods are available"),
        (
            "DaemonSet",
            deployment()
            | {"status": {"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2}},
            "2 of 3 pods are available",
        ),
    ],
)
def test_what_is_still_to_come(kind: str, item: dict[str, Any], text: str) -> None:
    assert Workload(kind, item).open == text


@pytest.mark.parametrize(("available", "serves"), [(1, False), (2, True), (3, True)])
def test_a_workload_serves_while_as_many_pods_as_wanted_are_available(available: int, serves: bool) -> None:
    """A rollout keeps the pods of the revision before, and may add more than wanted (maxSurge)."""
    assert Workload("Deployment", deployment(replicas=2, updatedReplicas=0, availableReplicas=available)).serves is serves


@pytest.mark.parametrize(
    ("selector", "labels", "owns"),
    [
        pytest.param(LABELS, {**LABELS, "pod-template-hash": "1"}, True, id="the labels and more"),
        pytest.param({**LABELS, "part": "api"}, LABELS, False, id="one label of two"),
        pytest.param(LABELS, {"app": "db"}, False, id="another value"),
        pytest.param(LABELS, {}, False, id="no labels"),
        pytest.param({}, LABELS, False, id="a selector without labels"),
    ],
)
def test_a_workload_owns_the_pods_that_its_selector_picks(selector: dict[str, str], labels: dict[str, str], owns: bool) -> None:
    item = deployment()
    item["spec"]["selector"] = {"matchLabels": selector}
    assert Workload("Deployment", item).owns({"metadata": {"labels": labels}}) is owns


CAUSE = "Deployment/web: pod argocd/web-1, container web (image web:nope): ImagePullBackOff: Back-off"


@pytest.mark.parametrize(
    ("items", "pods", "seconds", "kind", "reason"),
    [
        pytest.param([deployment()], [], 0, "done", "", id="rolled out"),
        pytest.param([deployment(availableReplicas=0)], [pod()], 900, "waiting", "Deployment/web: 0 of 1 pods are available", id="slow"),
        pytest.param([deployment(availableReplicas=0)], [pod("ImagePullBackOff")], 59, "waiting", CAUSE, id="within the grace"),
        pytest.param([deployment(availableReplicas=0)], [pod("ImagePullBackOff")], 60, "failed", CAUSE, id="stuck"),
        pytest.param([deployment()], [pod("ImagePullBackOff")], 60, "done", "", id="another's pod"),
        pytest.param(
            [deployment(availableReplicas=0)],
            [pod("ImagePullBackOff", deletionTimestamp="T")],
            60,
            "waiting",
            "Deployment/web: 0 of 1 pods are available",
            id="a pod on its way out",
        ),
        pytest.param(
            [
                deployment(
                    updatedReplicas=0,
                    conditions=[{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}],
                )
            ],
            [],
            60,
            "failed",
            "Deployment/web: FailedCreate: quota",
            id="no pods may be made",
        ),
    ],
)
def test_verdicts(items: list[dict[str, Any]], pods: list[dict[str, Any]], seconds: float, kind: str, reason: str) -> None:
    workloads = [Workload("Deployment", item) for item in items]
    _verdict, past = judge(workloads, [], pods, {}, 60, 0)
    verdict, _past = judge(workloads, [], pods, past, 60, seconds)
    assert (verdict.kind, verdict.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("scheduler", "seconds", "kind", "words"),
    [
        ("volcano", 0, "waiting", "it does not exist, does not run, is busy, or queues it"),
        ("volcano", 59, "waiting", "it does not exist, does not run, is busy, or queues it"),
        ("volcano", 60, "failed", "it does not exist, does not run, is busy, or queues it"),
        ("default-scheduler", 0, "waiting", "it does not run or is busy"),
        ("default-scheduler", 900, "waiting", "it does not run or is busy"),
    ],
)
def test_a_scheduler_that_queues_the_pod_is_named_from_the_start(scheduler: str, seconds: float, kind: str, words: str) -> None:
    waits = {**pod(), "spec": {"schedulerName": scheduler}, "status": {"phase": "Pending"}}
    workloads = [Workload("Deployment", deployment(availableReplicas=0))]
    _verdict, past = judge(workloads, [], [waits], {}, 60, 0)
    verdict, _past = judge(workloads, [], [waits], past, 60, seconds)
    reason = f"Deployment/web: pod argocd/web-1: the scheduler {scheduler} has not processed the pod: {words}"
    assert (verdict.kind, verdict.reason) == (kind, reason)


def test_a_cause_that_passes_and_returns_begins_a_new_grace() -> None:
    workloads = [Workload("Deployment", deployment(availableReplicas=0))]
    past: Any = {}
    for now, reason in ((0, "CrashLoopBackOff"), (50, ""), (70, "CrashLoopBackOff"), (100, "CrashLoopBackOff")):
        verdict, past = judge(workloads, [], [pod(reason)], past, 60, now)
        assert verdict.kind == "waiting"
    assert verdict.wake == 130


def test_v2_each_cause_has_a_grace_of_its_own() -> None:
    """A node came for the pod, and its image has just failed for the first time."""
    workloads = [Workload("Deployment", deployment(availableReplicas=0))]
    homeless = pod()
    homeless["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]
    verdict, past = judge(workloads, [], [homeless], {}, 60, 0)
    assert (verdict.kind, "Unschedulable" in verdict.reason) == ("waiting", True)
    verdict, past = judge(workloads, [], [pod("ErrImagePull")], past, 60, 65)
    assert (verdict.kind, verdict.wake) == ("waiting", 125)
    assert judge(workloads, [], [pod("ImagePullBackOff")], past, 60, 125)[0].kind == "failed"


def test_v2_a_probe_that_fails_for_long_is_named_and_is_no_failure() -> None:
    """Time may mend it: what starts slowly fails its probe until it is up."""
    slow = pod(uid="u1")
    unhealthy = {
        "reason": "Unhealthy",
        "message": "Readiness probe failed: 503",
        "involvedObject": {"uid": "u1", "fieldPath": "spec.containers{web}"},
        "lastTimestamp": "2026-05-04T10:00:00Z",
    }
    workloads = [Workload("Deployment", deployment(availableReplicas=0))]
    past: Any = {}
    for now in (0, 900):
        verdict, past = judge(workloads, [], [slow], past, 60, now, [unhealthy])
        assert (verdict.kind, verdict.wake) == ("waiting", None)
        assert verdict.reason == "Deployment/web: pod argocd/web-1, container web: not ready: Readiness probe failed: 503"


def test_the_wait_follows_its_feeds() -> None:
    wait = WorkloadWait(None, "argocd", [], ["web", "Deployment/other"], 60, must_exist=False)  # type: ignore[arg-type]
    assert [source.path.rsplit("/", 1)[-1] for source in wait.sources()] == ["deployments", "statefulsets", "daemonsets", "pods"]
    listed = [(0, Change("listed", (deployment(),))), *((feed, Change("listed")) for feed in (1, 2, 3))]
    assert wait.step(listed, 0).reason == "Deployment/other does not exist"
    assert wait.step([(0, Change("event", (deployment("other"),), type="ADDED"))], 1).kind == "done"
    assert wait.step([(0, Change("event", (deployment("web"),), type="DELETED"))], 2).reason == "web does not exist"


def test_what_is_expected_and_not_there_is_a_failure_at_once() -> None:
    wait = WorkloadWait(None, "argocd", [], ["web", "Deployment/other"], 60)  # type: ignore[arg-type]
    verdict = wait.step([(0, Change("listed", (deployment(),))), *((feed, Change("listed")) for feed in (1, 2, 3))], 0)
    assert (verdict.kind, verdict.reason) == ("failed", "Deployment/other: no such workload in argocd")


def test_a_crash_loop_shows_between_two_crashes() -> None:
    crashing = pod()
    crashing["status"]["containerStatuses"][0] |= {"restartCount": 3, "lastState": {"terminated": {"reason": "Error", "exitCode": 2}}}
    workloads = [Workload("Deployment", deployment(availableReplicas=0))]
    _verdict, past = judge(workloads, [], [pod("CrashLoopBackOff")], {}, 60, 0)
    verdict, past = judge(workloads, [], [crashing], past, 60, 60)
    # It may be well this time, and has failed with the next crash if not.
    assert (verdict.kind, verdict.wake) == ("waiting", None)
    assert "restarted 3 times, the last time after Error (exit code 2)" in verdict.reason
    assert judge(workloads, [], [pod("CrashLoopBackOff")], past, 60, 61)[0].kind == "failed"


def test_nothing_is_not_enough() -> None:
    wait = WorkloadWait(None, "git", ["app=gitea"], [], 60)  # type: ignore[arg-type]
    verdict = wait.step([(feed, Change("listed")) for feed in range(4)], 0)
    assert (verdict.kind, verdict.reason) == ("waiting", "a workload in git with labels app=gitea does not exist")


def job(**status: Any) -> dict[str, Any]:
    """A Job as its controller leaves it; a Job has no observed generation."""
    metadata = {"name": "setup", "namespace": "argocd", "generation": 1}
    return {"metadata": metadata, "spec": {"selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "j"}}}, "status": status}


def job_pod(state: dict[str, Any], name: str = "setup-1", **status: Any) -> dict[str, Any]:
    owners = [{"kind": "Job", "name": "setup", "controller": True}]
    metadata = {"name": name, "namespace": "argocd", "labels": {"batch.kubernetes.io/controller-uid": "j"}, "ownerReferences": owners}
    containers = [{"name": "setup", "image": "setup:nope", "state": state}]
    return {"metadata": metadata, "spec": {"restartPolicy": "Never"}, "status": {"containerStatuses": containers, **status}}


COMPLETE = [{"type": "Complete", "status": "True"}]
FAILED = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}]
NO_NODE = [
    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu."}
]
NO_IMAGE = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}
ENDED = {"terminated": {"exitCode": 1, "reason": "Error"}}


@pytest.mark.parametrize(
    ("item", "pods", "seconds", "kind", "words"),
    [
        pytest.param(job(succeeded=1, conditions=COMPLETE), [], 0, "done", "", id="complete"),
        pytest.param(job(active=1), [job_pod({"running": {}})], 900, "waiting", "1 pods active, 0 failed", id="slow"),
        pytest.param(job(active=1), [job_pod(NO_IMAGE)], 59, "waiting", "ErrImagePull: not found", id="within the grace"),
        pytest.param(job(active=1), [job_pod(NO_IMAGE)], 60, "failed", "(image setup:nope): ErrImagePull: not found", id="no image"),
        pytest.param(job(active=1), [job_pod({}, conditions=NO_NODE)], 60, "failed", "1 Insufficient cpu", id="no node"),
        # It has tries left.
        pytest.param(
            job(active=1, failed=1), [job_pod(ENDED, phase="Failed")], 900, "waiting", "ended with Error (exit code 1)", id="a try failed"
        ),
        pytest.param(
            job(failed=4, conditions=FAILED),
            [job_pod(ENDED, phase="Failed")],
            0,
            "failed",
            "failed: BackoffLimitExceeded",
            id="it has failed",
        ),
    ],
)
def test_v2_a_job_is_done_or_its_pod_cannot_start(
    item: dict[str, Any], pods: list[dict[str, Any]], seconds: float, kind: str, words: str
) -> None:
    workloads = [Workload("Job", item)]
    _verdict, past = judge(workloads, [], pods, {}, 60, 0)
    verdict, _past = judge(workloads, [], pods, past, 60, seconds)
    assert verdict.kind == kind
    assert verdict.reason.startswith("Job/setup: ") or kind == "done"
    assert words in verdict.reason


def test_only_jobs_that_are_named_are_waited_for() -> None:
    wait = WorkloadWait(None, "logs", [], ["Job/setup"], 60)  # type: ignore[arg-type]
    assert [source.path for source in wait.sources()][-2:] == ["/apis/batch/v1/namespaces/logs/jobs", "/api/v1/namespaces/logs/pods"]
    other = job(failed=4, conditions=FAILED)
    other["metadata"]["name"] = "another"
    listed = [*((feed, Change("listed")) for feed in (0, 1, 2, 4)), (3, Change("listed", (job(active=1), other)))]
    assert wait.step(listed, 0).reason == "Job/setup: 1 pods active, 0 failed"
    assert wait.step([(3, Change("event", (job(conditions=COMPLETE),), type="MODIFIED"))], 1).kind == "done"
    verdict = wait.step([(3, Change("event", (job(),), type="DELETED"))], 2)
    assert (verdict.kind, verdict.reason) == ("failed", "Job/setup: no such workload in logs")


class Api:
    """The Events of a namespace, and what a container said in the run before; an error is raised."""

    def __init__(self, events: list[dict[str, Any]] | ApiError, lines: list[str] | ApiError) -> None:
        self.events, self.lines, self.asked = events, lines, 0

    def page(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        if isinstance(self.events, ApiError):
            raise self.events
        return {"items": self.events, "metadata": {}}

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int, **query: Any) -> Iterator[str]:
        if isinstance(self.lines, ApiError):
            raise self.lines
        yield from self.lines if query == {"previous": "true"} else ["the run that has just begun"]


def waiting_for(api: Api | None, *expected: str, selectors: tuple[str, ...] = (), **given: Any) -> WorkloadWait:
    return WorkloadWait(api, "argocd", selectors, expected, 60, **given)  # type: ignore[arg-type]


def listed(workloads: list[dict[str, Any]], pods: list[dict[str, Any]], feeds: int = 4) -> list[tuple[int, Change]]:
    """Deployments first, pods last."""
    rest = [(feed, Change("listed")) for feed in range(1, feeds - 1)]
    return [(0, Change("listed", tuple(workloads))), *rest, (feeds - 1, Change("listed", tuple(pods)))]


def crashed(**fields: Any) -> dict[str, Any]:
    found = pod("CrashLoopBackOff", **fields)
    found["status"]["containerStatuses"][0] |= {"restartCount": 2, "lastState": {"terminated": {"exitCode": 1}}}
    return found


def test_the_server_selects_the_workloads_and_not_their_pods() -> None:
    queries = [source.query for source in waiting_for(None, selectors=("app=web", "tier")).sources()]
    assert queries == [{"labelSelector": "app=web,tier"}] * 3 + [{}]
    assert [source.query for source in waiting_for(None).sources()] == [{}] * 4


def test_only_what_is_expected_is_waited_for_if_it_is_asked_for() -> None:
    wait = waiting_for(None, "Deployment/web", only=True)
    assert [source.path.rsplit("/", 1)[-1] for source in wait.sources()] == ["deployments", "pods"]
    assert wait.step(listed([deployment(), deployment("other", availableReplicas=0)], [], 2), 0).kind == "done"
    every = waiting_for(None, "Deployment/web")
    assert every.step(listed([deployment(), deployment("other", updatedReplicas=0)], []), 0).kind == "waiting"


def test_a_later_list_replaces_the_one_before() -> None:
    wait = waiting_for(None, "web")
    assert wait.step(listed([deployment()], []), 0).kind == "done"
    assert wait.step([(0, Change("listed"))], 1).kind == "failed"


def test_a_notice_is_kept_and_no_workload() -> None:
    wait = waiting_for(None)
    assert wait.step([(0, Change("notice", text="polling"))], 0).reason == "a workload in argocd does not exist"
    assert wait.notices == ["polling"]


def test_events_of_what_does_not_run_are_read_again_after_some_seconds() -> None:
    api = Api(ApiError(403, "no events"), [])
    wait = waiting_for(api)
    for now, asked, wake in ((0, 1, 5), (4.9, 1, 5), (5, 2, 10)):
        verdict = wait.step(listed([deployment(availableReplicas=0)], [pod(uid="u1")]), now)
        assert (verdict.kind, verdict.wake, api.asked) == ("waiting", wake, asked)
    assert wait.notices == ["Events of argocd cannot be read, so failed mounts and probes are not named: no events"]
    # Nothing is read of what runs, and nothing more is to be waited for.
    assert (wait.step(listed([deployment()], [pod(uid="u1")]), 10).wake, api.asked) == (None, 2)


def test_without_any_workload_there_is_nothing_to_look_at_again() -> None:
    assert waiting_for(None).step(listed([], []), 0).wake is None
    assert waiting_for(None).step(listed([deployment()], []), 0).kind == "done"


def test_after_a_failure_there_is_nothing_to_look_at_again() -> None:
    wait = waiting_for(Api([], []))
    for now in (0, 60):
        verdict = wait.step(listed([deployment(availableReplicas=0)], [pod("ImagePullBackOff")]), now)
    assert (verdict.kind, verdict.wake) == ("failed", None)


def test_the_diagnosis_quotes_the_container_that_failed() -> None:
    wait = waiting_for(Api([], ["no database", "password=hunter22x"]))
    wait.step(listed([deployment(availableReplicas=0)], [crashed()]), 0)
    quoted, action = wait.diagnosis()
    assert quoted.splitlines() == [
        "The last lines of pod argocd/web-1, container web:",
        "  no database",
        "  password=********",
    ]
    assert action.startswith("Correct what the last lines of container web of pod argocd/web-1 name")


@pytest.mark.parametrize(
    ("pods", "action"),
    [
        ([crashed()], "Correct what the last lines"),
        ([pod("ImagePullBackOff")], "Correct the image web:nope"),
        ([], "kubectl -n argocd describe pods, and correct what it names."),
    ],
)
def test_a_diagnosis_without_last_lines(pods: list[dict[str, Any]], action: str) -> None:
    wait = waiting_for(Api([], ApiError(404, "gone")))
    wait.step(listed([deployment(availableReplicas=0)], pods), 0)
    quoted, found = wait.diagnosis()
    assert (quoted, found[: len(action)]) == ("", action)
