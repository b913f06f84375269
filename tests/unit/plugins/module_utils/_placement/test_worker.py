# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from a worker pod; the label values are Airflow 2.6.3's own answers."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import start_problems, unschedulable
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import Worker, label_value, trimmed
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


def test_an_eviction_is_told_once() -> None:
    target = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": "low on memory"}
    status = {"phase": "Failed", "reason": "Evicted", "message": "low on memory", "conditions": [target]}
    assert Worker({"status": status}).end == "Evicted; low on memory"


def test_an_empty_pod_can_be_trimmed() -> None:
    assert Worker(trimmed({})).phase == "Pending"
