# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from a worker pod; the label values are Airflow 2.6.3's own answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import start_problems, unschedulable
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import (
    POD_OPERATOR,
    Container,
    Worker,
    instant,
    is_of_task,
    is_worker,
    label_value,
    trimmed,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_fields import OPERATOR_LABELS
from ansible_collections.gitops.airflow.tests.unit.places import RECORDED

LABELS = {
    "": "",
    "example_cron_dag": "example_cron_dag",
    "manual__2026-05-04T10:00:00+00:00": "manual__2026-05-04T1000000000-8e188781b",
    "x" * 63: "x" * 63,
    "x" * 64: "x" * 53 + "-c1bb4f81d",
    "a" * 70 + ":": "a" * 53 + "-aa2135fa9",
    "-a-": "a-9ad117707",
    "_x": "x-d93f2a67c",
    "...": "-2f43b42fd",
    "é": "-66ddcd97c",
    "Ä_dag": "dag-9a09d7d47",
    "a-:": "a-15a908fad",
    "a b": "ab-0cc9cd4dd",
    "group.task": "group.task",
    "x" * 63 + "_": "x" * 53 + "-ec7649b35",
    "x" * 52 + "-" + "y" * 20: "x" * 52 + "--01e3ebc07",
    "scheduled__2026-05-04T10:00:00.123456+00:00": "scheduled__2026-05-04T100000.1234560000-264af3a9a",
}


@pytest.mark.parametrize("text", LABELS, ids=[value or "empty" for value in LABELS.values()])
def test_label_value(text: str) -> None:
    assert label_value(text) == LABELS[text]


def test_timings() -> None:
    status = {
        "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-05-04T10:00:01Z"}],
        "containerStatuses": [
            {"name": "base", "state": {"terminated": {"startedAt": "2026-05-04T10:00:03Z", "finishedAt": "2026-05-04T10:00:14Z"}}}
        ],
    }
    timings = Worker({"metadata": {"creationTimestamp": "2026-05-04T10:00:00Z"}, "status": status}).timings()
    assert timings["finished"] == "2026-05-04T10:00:14Z"
    assert [timings[f"{name}_seconds"] for name in ("scheduled", "running", "finished")] == [1, 3, 14]


def test_timings_of_what_has_not_happened() -> None:
    timings = Worker({"metadata": {"creationTimestamp": "2026-05-04T10:00:00Z"}}).timings()
    assert timings == {
        "created": "2026-05-04T10:00:00Z",
        **dict.fromkeys(["scheduled", "running", "finished", "scheduled_seconds", "running_seconds", "finished_seconds"]),
    }


def test_timings_without_a_creation() -> None:
    status = {"conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-05-04T10:00:01Z"}]}
    assert Worker({"status": status}).timings()["scheduled_seconds"] is None


def test_crash_loop_tells_the_last_end() -> None:
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    status = {"name": "base", "image": "x", "state": state, "lastState": {"terminated": {"exitCode": 2, "message": "no such file"}}}
    (problem,) = start_problems({"status": {"containerStatuses": [status]}})
    assert problem.message == "back-off 10s (last exit code 2: no such file)"


def test_a_pod_with_a_node_is_not_unschedulable() -> None:
    pod: Obj = {"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "m"}]}}
    assert unschedulable(pod) == "m"
    assert unschedulable({**pod, "spec": {"nodeName": "n"}}) is None
    pod["status"]["conditions"][0]["status"] = "True"
    assert unschedulable(pod) is None


def test_only_what_is_needed_of_a_pod_is_kept() -> None:
    pod = json.loads((RECORDED / "workers.json").read_text())["pods"]["scheduled"]
    pod["status"]["containerStatuses"] = [{"name": "base", "image": "i", "state": {"running": {}}, "imageID": "x" * 100}]
    kept, whole = Worker(trimmed(pod)), Worker(pod)
    for field in ("name", "namespace", "uid", "node", "phase", "age", "task", "try_number", "base", "end"):
        assert getattr(kept, field) == getattr(whole, field)
    assert kept.timings() == whole.timings()
    assert kept.spec.keys() == {"nodeName", "serviceAccountName", "tolerations"}
    assert (kept.metadata["labels"], kept.metadata["annotations"].keys()) == ({}, {"dag_id", "run_id", "task_id", "try_number"})
    assert "imageID" not in kept.status["containerStatuses"][0]


def test_why_a_pod_has_no_node_is_kept() -> None:
    containers = [
        {"name": "base", "image": "i", "resources": {"requests": {"memory": "900Gi"}, "limits": {"memory": "1Ti"}}},
        {"name": "log"},
    ]
    kept = trimmed({"spec": {"schedulerName": "gpu-scheduler", "containers": containers}})["spec"]
    assert kept == {"schedulerName": "gpu-scheduler", "containers": [{"name": "base", "resources": {"requests": {"memory": "900Gi"}}}]}
    assert trimmed({"spec": {"schedulerName": "x", "nodeName": "n", "containers": containers}})["spec"] == {"nodeName": "n"}


def taken(exit_code: int | None, finished: str = "", begun: str = "", **status: Any) -> Obj:
    """A pod that the cluster began to remove at ``begun``, and whose base container ended at ``finished``."""
    target = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "lastTransitionTime": begun}
    ended = {"terminated": {"exitCode": exit_code, **({"finishedAt": finished} if finished else {})}}
    return {
        "phase": "Failed",
        "conditions": [target] if begun else [],
        "containerStatuses": [{"name": "base", "state": {"running": {}} if exit_code is None else ended}],
        **status,
    }


@pytest.mark.parametrize(
    ("status", "interrupted", "phase"),
    [
        (taken(0, "2026-05-04T10:00:14Z", "2026-05-04T10:00:10Z"), True, "Gone"),
        (taken(0, "2026-05-04T10:00:14Z", "2026-05-04T10:00:14Z"), True, "Gone"),
        # It had ended before.
        (taken(0, "2026-05-04T10:00:09Z", "2026-05-04T10:00:10Z"), False, "Succeeded"),
        (taken(0, "", "2026-05-04T10:00:10Z"), True, "Gone"),
        (taken(0, "2026-05-04T10:00:14Z", "2026-05-04T10:00:10Z", phase="Succeeded"), True, "Gone"),
        (taken(143, "2026-05-04T10:00:14Z", "2026-05-04T10:00:10Z"), False, "Failed"),
        (taken(None, "", "2026-05-04T10:00:10Z", phase="Running"), False, "Running"),
        # Clusters that set no such condition.
        (taken(0, "2026-05-04T10:00:14Z", reason="Evicted"), True, "Gone"),
        (
            taken(0, "2026-05-04T10:00:14Z", reason="Terminated", message="Pod was terminated in response to imminent node shutdown."),
            True,
            "Gone",
        ),
        (taken(0, "2026-05-04T10:00:14Z", reason="DeadlineExceeded"), False, "Succeeded"),
        (taken(0, "2026-05-04T10:00:14Z"), False, "Succeeded"),
        ({"phase": "Failed", "reason": "Evicted"}, False, "Failed"),
    ],
)
def test_exit_code_0_of_a_pod_that_the_cluster_removes_proves_nothing(status: Obj, interrupted: bool, phase: str) -> None:
    for deleted in (False, True):
        worker = Worker(trimmed({"spec": {"nodeName": "n"}, "status": status}), deleted)
        assert worker.interrupted == interrupted
        assert worker.phase == ("Gone" if deleted and phase == "Running" else phase)


def test_an_eviction_is_told_once() -> None:
    target = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": "low on memory"}
    status = {"phase": "Failed", "reason": "Evicted", "message": "low on memory", "conditions": [target]}
    assert Worker({"status": status}).end == "Evicted; low on memory"
    assert Worker({"status": status}).taken_away == "TerminationByKubelet: low on memory"


def test_an_empty_pod_can_be_trimmed() -> None:
    assert Worker(trimmed({})).phase == "Pending"


def test_is_worker() -> None:
    assert is_worker({"metadata": {"labels": {"kubernetes_executor": "True"}}})
    assert not is_worker({"metadata": {"labels": {"kubernetes_executor": "False"}}})
    assert not is_worker({})


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"kubernetes_executor": "True"}, True),
        ({"tier": "airflow", "component": "pod-operator", "dag_id": "a"}, True),
        ({"tier": "airflow", "component": "scheduler"}, False),
        # Made with credentials of its own: the platform does not know it.
        ({"kubernetes_pod_operator": "True"}, False),
        (None, False),
    ],
)
def test_f10_a_pod_that_a_task_made_is_no_part_of_the_platform(labels: dict[str, str] | None, expected: bool) -> None:
    assert is_of_task({"metadata": {"labels": labels}}) is expected
    assert OPERATOR_LABELS["component"] == POD_OPERATOR


def test_times_can_be_compared() -> None:
    assert instant("2026-05-04T10:00:00") == instant("2026-05-04T10:00:00Z") == instant("2026-05-04T12:00:00+02:00")
    assert instant("") is None


@pytest.mark.parametrize(
    ("first", "second", "before"),
    [
        ("2026-05-04T10:00:01Z", "2026-05-04T10:00:02Z", True),
        ("2026-05-04T10:00:02Z", "2026-05-04T10:00:02Z", True),
        ("2026-05-04T10:00:03Z", "2026-05-04T10:00:02Z", False),
        ("", "2026-05-04T10:00:02Z", True),
        ("2026-05-04T10:00:02Z", "", True),
    ],
)
def test_which_container_ended_first(first: str, second: str, before: bool) -> None:
    """V5"""
    one, other = (Container.read({"name": "x", "state": {"terminated": {"finishedAt": at}}}, False) for at in (first, second))
    assert one.ended_before(other) is before


def pod(phase: str | None, base: Obj | None = None, **inits: Obj) -> Obj:
    states = [{"name": "base", "state": base}] if base is not None else []
    return {
        "status": {"phase": phase, "containerStatuses": states, "initContainerStatuses": [{"name": name, **inits[name]} for name in inits]}
    }


RUNS: Obj = {"running": {"startedAt": "2026-05-04T10:00:03Z"}}
FAILED: Obj = {"terminated": {"exitCode": 1}}


@pytest.mark.parametrize(
    ("worker", "unstarted"),
    [
        (Worker(pod("Pending"), True), True),
        (Worker(pod(None), True), True),
        (Worker(pod("Pending", {"waiting": {}}), True), True),
        (Worker(pod("Pending")), False),
        (Worker(pod("Pending"), True, "events"), False),
        (Worker(pod("Pending", RUNS), True), False),
        (Worker(pod("Running"), True), False),
        (Worker(pod("Unknown"), True), False),
    ],
)
def test_unstarted(worker: Worker, unstarted: bool) -> None:
    """V6: only of a pod that was seen to be deleted before base ran is it known that the task did not begin."""
    assert worker.unstarted is unstarted


def test_a_pod_that_succeeded_has_run() -> None:
    assert Worker(pod("Succeeded")).reached("Running")


def test_what_blocks_base() -> None:
    """V5: what waits, and an init container that failed; not one that has ended well, and nothing once base runs."""
    assert Worker(pod("Pending", {}, one={"state": {"terminated": {"exitCode": 0}}}, two={"state": RUNS})).blocked == []
    assert Worker(pod("Running", RUNS, one={"state": RUNS, "lastState": FAILED})).blocked == []
    ((name, text),) = Worker(pod("Pending", {}, one={"state": RUNS, "lastState": FAILED})).blocked
    assert (name, "init container one ended with exit code 1" in text) == ("one", True)
    looping = {"image": "i", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": FAILED}
    ((name, text),) = Worker(pod("Pending", {}, one=looping)).blocked
    assert "CrashLoopBackOff" in text
    sidecar = pod("Pending", {})
    sidecar["status"]["containerStatuses"].append({"name": "log", "state": FAILED})
    assert Worker(sidecar).blocked == []


def test_whose_log_says_most() -> None:
    """V5"""
    assert Worker(pod("Running", RUNS, one={"state": FAILED})).speaker == "base"
    assert Worker(pod("Failed", {}, one={"state": FAILED})).speaker == "one"
    assert Worker(pod("Pending", {}, one={"state": FAILED})).speaker == ""
    assert Worker(pod("Failed")).speaker == ""


def test_the_end_that_airflow_reports_of_a_worker_that_ran() -> None:
    """Nobody saw it end."""
    assert Worker(pod("Running", RUNS), True, reported="Failed").end == "Airflow says that the task failed; its log there says why"


def test_pods_without_uid_or_time() -> None:
    assert Worker({"metadata": {"namespace": "a", "name": "b"}}).uid == "a/b"
    assert Worker({}).age < Worker({"metadata": {"creationTimestamp": "2026-05-04T10:00:00Z"}}).age


def test_when_it_began_to_run_is_known_while_it_runs() -> None:
    assert Worker(pod("Running", RUNS)).timings()["running"] == "2026-05-04T10:00:03Z"
