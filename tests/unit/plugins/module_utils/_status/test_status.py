# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status: what objects become rows, what makes a platform unhealthy, how it looks on the screen."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.verdict import Expectation, Past
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.verdict import judge as wait_judge
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Events, Log
from ansible_collections.gitops.airflow.plugins.module_utils._status import rows as status
from ansible_collections.gitops.airflow.plugins.module_utils._status import runs as status_runs
from ansible_collections.gitops.airflow.plugins.module_utils._status.read import _without_former_parts, sync_failure
from ansible_collections.gitops.airflow.plugins.module_utils._status.text import columns, failure, render

NOW = datetime.datetime(2026, 5, 4, 12, 0, tzinfo=datetime.UTC)
GI = 2**30


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", 0.25),
        ("2", 2.0),
        ("5Gi", 5 * GI),
        ("512Mi", GI / 2),
        ("12345678n", 0.012345678),
        ("1k", 1000.0),
        ("12e6", 12000000.0),
        ("1.5.2", None),
        ("1Zi", None),
        ("", None),
        ("x", None),
        (None, None),
    ],
)
def test_quantities(text: Any, number: float | None) -> None:
    assert status.quantity(text) == (number if number is None else pytest.approx(number))


@pytest.mark.parametrize(("seconds", "text"), [(None, "?"), (45, "45 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200000, "2 d")])
def test_ages(seconds: float | None, text: str) -> None:
    assert status.ago(seconds) == text


def pod(name: str = "web-1", **fields: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "web", "image": "web:1", "ready": True, "restartCount": 0, "state": {"running": {}}}
    metadata = {"namespace": "core", "name": name, "creationTimestamp": "2026-05-04T11:00:00Z", **fields.pop("metadata", {})}
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "web"}]},
        "status": {"phase": fields.pop("phase", "Running"), "containerStatuses": [{**container, **fields}]},
    }


END = {"reason": "OOMKilled", "exitCode": 137, "startedAt": "2026-05-04T11:50:00Z", "finishedAt": "2026-05-04T11:58:00Z"}


def test_a_pods_row() -> None:
    (row,) = status.pod_rows([pod(restartCount=3, lastState={"terminated": END})], {("core", "web-1"): {"cpu": 0.1}}, NOW)
    assert row == {
        "namespace": "core",
        "name": "web-1",
        "ready": 1,
        "containers": 1,
        "status": "Running",
        "restarts": 3,
        "age": 3600,
        "problems": ["pod core/web-1, container web: restarted 3 times, 2 min ago after OOMKilled (exit code 137)"],
        "reason": "web: OOMKilled (137)",
        "restarted": 120,
        "cpu": 0.1,
    }


def test_pods_that_ended_well_are_not_shown() -> None:
    assert status.pod_rows([pod(phase="Succeeded")], {}, NOW) == []


def test_a_pod_that_cannot_start_tells_why() -> None:
    waits = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}
    (row,) = status.pod_rows([pod(phase="Pending", ready=False, state=waits)], {}, NOW)
    assert (row["status"], row["ready"]) == ("ImagePullBackOff", 0)
    assert row["problems"] == ["pod core/web-1, container web (image web:1): ImagePullBackOff: Back-off"]


def test_a_pod_without_a_node_lacks_all_its_containers() -> None:
    """The kubelet has not written a status of any container yet."""
    item = pod(phase="Pending")
    item["status"]["containerStatuses"] = []
    (row,) = status.pod_rows([item], {}, NOW)
    assert (row["ready"], row["containers"], row["status"]) == (0, 1, "Pending")


CRASHES = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}}
CRASH_LOG = Log("core", "web-1", "web", True, 2)
CRASH_TEXT = "pod core/web-1, container web (image web:1): CrashLoopBackOff: back-off 20s"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({CRASH_LOG: "no such host"}, f"{CRASH_TEXT} (last exit code 137: OOMKilled); its last line: no such host"),
        ({CRASH_LOG: ""}, f"{CRASH_TEXT} (last exit code 137: OOMKilled)"),
        ({}, f"{CRASH_TEXT} (last exit code 137: OOMKilled)"),
        (None, f"{CRASH_TEXT} (last exit code 137: OOMKilled)"),
    ],
    ids=["said", "said nothing", "not read", "not asked for"],
)
def test_a_container_that_crashes_is_quoted(said: Any, text: str) -> None:
    item = pod(restartCount=2, ready=False, state=CRASHES, lastState={"terminated": END})
    assert status.pod_rows([item], {}, NOW, said=said)[0]["problems"] == [text]


PROBE_FAILS = {
    "reason": "Unhealthy",
    "involvedObject": {"uid": "p1", "fieldPath": "spec.containers{web}"},
    "message": "Readiness probe failed: context deadline exceeded",
    "lastTimestamp": "2026-05-04T11:59:50Z",
}
FAILED_TRY: dict[str, Any] = {
    "phase": "Failed",
    "state": {"terminated": END},
    "metadata": {"ownerReferences": [{"kind": "Job", "name": "migrate"}]},
}


@pytest.mark.parametrize(
    ("item", "events"),
    [
        pytest.param(pod(ready=False, metadata={"uid": "p1"}), [PROBE_FAILS], id="a probe fails, which its workload says in time"),
        pytest.param(pod(ready=False, restartCount=1, lastState={"terminated": END}), [], id="runs again after its first crash"),
        pytest.param(pod(**FAILED_TRY), [], id="a try of a Job failed, which its Job says if it matters"),
    ],
)
def test_what_is_no_problem_of_a_pod(item: dict[str, Any], events: list[dict[str, Any]]) -> None:
    assert status.pod_rows([item], {}, NOW, events)[0]["problems"] == []


DONE = {"reason": "Completed", "exitCode": 0, "finishedAt": "2026-05-04T11:58:00Z"}


@pytest.mark.parametrize(
    ("fields", "reason", "restarted"),
    [
        ({}, "", None),
        ({"state": {"terminated": END}}, "web: OOMKilled (137)", 120),
        ({"state": {"terminated": DONE}}, "", None),
        ({"restartCount": 1, "lastState": {"terminated": DONE}}, "web: Completed (0)", 120),
        ({"restartCount": 1}, "", None),
    ],
    ids=["runs", "failed", "ended well for good", "ended well and was started again", "its end is not known any more"],
)
def test_how_a_container_ended_last(fields: dict[str, Any], reason: str, restarted: int | None) -> None:
    (row,) = status.pod_rows([pod(**fields)], {}, NOW)
    assert (row["reason"], row["restarted"]) == (reason, restarted)


@pytest.mark.parametrize(("made", "young"), [("2026-05-04T11:55:01Z", True), ("2026-05-04T11:55:00Z", False), (None, True)])
def test_a_pod_is_young_for_five_minutes(made: str | None, young: bool) -> None:
    assert status.young(pod(metadata={"creationTimestamp": made}), NOW) is young


def test_a_volume_that_is_not_made_yet_has_the_size_that_is_asked_for() -> None:
    asked = {"resources": {"requests": {"storage": "5Gi"}}}
    claim = {"metadata": {"namespace": "core", "name": "data"}, "spec": asked, "status": {"phase": "Pending"}}
    (row,) = status.volume_rows([claim], {})
    assert (row["phase"], row["size"]) == ("Pending", 5 * GI)
    larger = {**claim, "status": {"phase": "Bound", "capacity": {"storage": "8Gi"}}}
    assert status.volume_rows([larger], {})[0]["size"] == 8 * GI


def run(dag: str, number: int, state: str = "success") -> dict[str, Any]:
    return {
        "dag_id": dag,
        "dag_run_id": f"r{number}",
        "state": state,
        "start_date": f"2026-05-04T11:{59 - number:02}:00+00:00",
        "end_date": f"2026-05-04T11:{59 - number:02}:12.5+00:00",
    }


def task(dag: str, number: int, namespace: str | None) -> dict[str, Any]:
    config = (
        f"{{'pod_override': {{'metadata': {{'annotations': {{'gitops-airflow/worker-namespace': '{namespace}'}}}}}}}}"
        if namespace
        else "{}"
    )
    return {"dag_id": dag, "dag_run_id": f"r{number}", "executor_config": config}


def test_runs_are_shown_where_their_tasks_went() -> None:
    runs = [run("cron", 0, "running"), *(run("cron", number) for number in range(1, 6)), run("plain", 7), run("queued", 8)]
    tasks = [*(task("cron", number, "airflow-cron") for number in range(6)), task("cron", 0, "other"), task("plain", 7, None)]
    rows = status_runs.run_rows(runs, tasks, "core", NOW)
    assert [(row["namespace"], row["dag_id"], row["run_id"]) for row in rows] == [
        ("", "queued", "r8"),
        ("airflow-cron", "cron", "r0"),
        ("airflow-cron", "cron", "r1"),
        ("airflow-cron", "cron", "r2"),
        ("core", "plain", "r7"),
        ("other", "cron", "r0"),
    ]
    assert (rows[1]["started"], rows[1]["seconds"], rows[1]["state"]) == (60, 12.5, "running")


def test_use_from_kubelet_and_metrics() -> None:
    summary = {
        "node": {"cpu": {"usageNanoCores": 5e8}, "memory": {"workingSetBytes": GI}, "fs": {"usedBytes": 5, "capacityBytes": 10}},
        "pods": [
            {
                "podRef": {"namespace": "core", "name": "db"},
                "cpu": {"usageNanoCores": 1e8},
                "memory": {"workingSetBytes": 7},
                "volume": [
                    {"name": "scratch", "usedBytes": 1, "capacityBytes": 9},
                    {"pvcRef": {"namespace": "core", "name": "silent"}},
                    {"pvcRef": {"namespace": "core", "name": "data"}, "usedBytes": 3, "capacityBytes": 4},
                ],
            }
        ],
    }
    node, pods, volumes = status.kubelet_usage(summary)
    assert node == {"cpu": 0.5, "memory": GI, "disk": 5.0, "disk_size": 10.0}
    assert pods == {("core", "db"): {"cpu": 0.1, "memory": 7}}
    assert volumes == {("core", "data"): {"used": 3.0, "size": 4.0}}
    items = [{"metadata": {"namespace": "core", "name": "db"}, "containers": [{"usage": {"cpu": "100m", "memory": "1Ki"}}] * 2}]
    assert status.metrics_usage(items) == {("core", "db"): {"cpu": pytest.approx(0.2), "memory": 2048.0}}


def workload(kind: str, replicas: int | None, ready: int) -> dict[str, Any]:
    spec: dict[str, Any] = {} if replicas is None else {"replicas": replicas}
    state = {"updatedReplicas": replicas, "availableReplicas": ready, "readyReplicas": ready}
    spec["selector"] = {"matchLabels": {"app": "web"}}
    return {"kind": kind, "metadata": {"namespace": "core", "name": "web"}, "spec": spec, "status": state}


def test_workloads_that_lack_pods() -> None:
    items = [workload("Deployment", 2, 1), workload("StatefulSet", 1, 0), workload("Deployment", 0, 0), workload("Deployment", 1, 1)]
    assert status.workload_problems(items) == [
        "Deployment core/web: 1 of 2 pods are available",
        "StatefulSet core/web: 0 of 1 pods are available",
    ]


def test_v2_a_roll_out_that_goes_on_is_no_problem() -> None:
    """The pods of the revision before serve until the new ones do (maxUnavailable: 0)."""
    begun, nearly = workload("Deployment", 1, 1), workload("Deployment", 1, 1)
    begun["status"] |= {"updatedReplicas": 0, "replicas": 1}
    nearly["status"] |= {"updatedReplicas": 1, "replicas": 2}
    assert status.workload_problems([begun, nearly]) == []
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    begun["status"]["conditions"] = [late]
    assert status.workload_problems([begun]) == ["Deployment core/web: 0 of 1 pods are updated; ProgressDeadlineExceeded: timed out"]


def test_a_job_that_is_at_work_lacks_no_pods() -> None:
    job = {"kind": "Job", "metadata": {"namespace": "core", "name": "migrate"}, "status": {"active": 1}}
    assert status.workload_problems([job]) == []


def test_a_workload_that_has_rolled_out_is_no_problem_whatever_its_conditions_still_say() -> None:
    """A quota kept the controller from one more pod than wanted (maxSurge) during the rollout."""
    item = workload("Deployment", 1, 1)
    item["status"]["conditions"] = [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]
    assert status.workload_problems([item]) == []


def test_v2_a_workload_that_lacks_pods_says_why_where_no_pod_does() -> None:
    refused = workload("Deployment", 1, 0)
    refused["status"]["conditions"] = [
        {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": 'pods "web-1" is forbidden: exceeded quota: small',
        }
    ]
    assert status.workload_problems([refused]) == [
        'Deployment core/web: 0 of 1 pods are available; FailedCreate: pods "web-1" is forbidden: exceeded quota: small'
    ]


@pytest.mark.parametrize(("seconds", "known"), [(5, False), (40, True)])
def test_a_scheduler_that_may_still_process_a_new_pod_is_no_lasting_cause(seconds: int, known: bool) -> None:
    made = (NOW - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = {"namespace": "core", "name": "web-1", "labels": {"app": "web"}, "creationTimestamp": made}
    pods = [{"metadata": metadata, "spec": {"schedulerName": "gpu-scheduler"}, "status": {"phase": "Pending"}}]
    problem = ["Deployment core/web: 0 of 1 pods are available"]
    assert status.workload_problems([workload("Deployment", 1, 0)], pods, now=NOW) == (problem if known else [])
    assert status.workload_problems([workload("Deployment", 1, 0)], pods) == problem


FAILED_JOB: dict[str, Any] = {
    "kind": "Job",
    "metadata": {"namespace": "core", "name": "migrate"},
    "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "limit reached"}]},
}


@pytest.mark.parametrize(("phase", "problems", "warnings"), [("Succeeded", 0, 1), ("Running", 1, 0), ("Failed", 1, 0), ("", 0, 1)])
def test_v2_a_failed_job_is_a_problem_while_the_last_sync_did_not_succeed(phase: str, problems: int, warnings: int) -> None:
    found = healthy() | {"failed_jobs": [cause.text for cause in status.failed_jobs([FAILED_JOB], [])]}
    found["applications"][0]["operation"] = phase
    assert [len(told) for told in status.judge(found)] == [problems, warnings]
    assert "Job core/migrate failed: BackoffLimitExceeded: limit reached" in status.judge(found)[0] + status.judge(found)[1]


STORE = {"namespace": "airflow-logs", "state": "runs", "used": 20.0, "size": 100.0, "of": "its volume", "expired": 3590}
STORE |= {"expire_failed": False}


def healthy() -> dict[str, Any]:
    """A platform that is well, of each part one."""
    node = {
        "metadata": {"name": "node-1"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "False"}],
            "nodeInfo": {"kubeletVersion": "v1.29.4"},
            "allocatable": {"cpu": "2", "memory": "4Gi"},
        },
    }
    application = {
        "metadata": {"name": "airflow-core"},
        "status": {
            "sync": {"status": "Synced", "revision": "3f2a9c1d5b"},
            "health": {"status": "Healthy"},
            "operationState": {"phase": "Succeeded", "finishedAt": "2026-05-04T11:50:00Z"},
        },
    }
    claim = {"metadata": {"namespace": "core", "name": "data"}, "status": {"phase": "Bound", "capacity": {"storage": "5Gi"}}}
    return {
        "nodes": status.node_rows([node], {"node-1": {"cpu": 0.5, "memory": GI, "disk": 30.0 * GI, "disk_size": 100.0 * GI}}),
        "applications": status.application_rows([application], NOW),
        "pods": status.pod_rows([pod()], {}, NOW),
        "workers": [],
        "waiting": [],
        "workload_problems": [],
        "failed_jobs": [],
        "volumes": status.volume_rows([claim], {}),
        "logs": [STORE],
        "checkouts": [{"pod": "airflow-scheduler-x", "commit": "abcdef1234", "age": 500, "error": ""}],
        "urls": [{"name": "Airflow", "url": "http://localhost:8080", "password_command": "kubectl get secret airflow-admin"}],
        "airflow": {"metadatabase": "healthy", "scheduler": "healthy", "triggerer": "healthy"},
        "runs": status_runs.run_rows([run("cron", 0)], [task("cron", 0, "airflow-cron")], "core", NOW),
        "import_errors": [],
        "unreadable": [],
        "unknown": [],
    }


def test_a_platform_that_is_well() -> None:
    assert status.judge(healthy()) == ([], [])


@pytest.mark.parametrize(
    ("part", "change", "problem"),
    [
        ("nodes", {"ready": False, "message": "kubelet stopped"}, "node node-1 is not Ready: kubelet stopped"),
        ("nodes", {"pressure": ["DiskPressure"]}, "node node-1 has DiskPressure"),
        ("nodes", {"disk": 91.0, "disk_size": 100.0}, "node node-1: its disk is 91% full"),
        ("nodes", {"disk": 90.0, "disk_size": 100.0}, "node node-1: its disk is 90% full"),
        ("applications", {"sync": "OutOfSync"}, "Application airflow-core is OutOfSync and Healthy"),
        ("applications", {"health": "Degraded"}, "Application airflow-core is Synced and Degraded"),
        # Argo CD leaves an object that it is to ignore out of the Application's sync status (IgnoreExtraneous).
        (
            "applications",
            {"health": "Degraded", "out_of_sync": "ConfigMap core/extra"},
            "Application airflow-core is Synced and Degraded",
        ),
        (
            "pods",
            {"restarts": 3, "restarted": 60, "reason": "web: Error (1)", "problems": ["pod core/web-1: crashes"]},
            "pod core/web-1: crashes",
        ),
        ("applications", {"errors": ["its last sync is Failed: no"]}, "Application airflow-core: its last sync is Failed: no"),
        ("pods", {"problems": ["pod core/web-1: Unschedulable: no room"]}, "pod core/web-1: Unschedulable: no room"),
        ("volumes", {"phase": "Pending"}, "volume core/data is Pending"),
        ("volumes", {"used": 95.0, "size": 100.0}, "volume core/data is 95% full"),
        ("volumes", {"used": 90.0, "size": 100.0}, "volume core/data is 90% full"),
        ("checkouts", {"error": "authentication failed"}, "git-sync of airflow-scheduler-x fails: authentication failed"),
    ],
)
def test_each_fault_is_a_problem(part: str, change: dict[str, Any], problem: str) -> None:
    found = healthy()
    found[part][0] |= change
    assert status.judge(found) == ([problem], [])


@pytest.mark.parametrize(
    ("part", "change"),
    [
        pytest.param("volumes", {"used": 50.0, "size": 100.0}, id="a volume is half full"),
        pytest.param("pods", {"restarts": 1, "restarted": 3600, "reason": "web: Error (1)"}, id="a restart an hour ago"),
        pytest.param("pods", {"restarts": 0, "restarted": 60, "reason": "web: Error (1)"}, id="an end without a restart"),
        pytest.param("pods", {"restarts": 3, "restarted": None}, id="restarts whose time is not known any more"),
    ],
)
def test_what_is_no_fault(part: str, change: dict[str, Any]) -> None:
    found = healthy()
    found[part][0] |= change
    assert status.judge(found) == ([], [])


def test_a_node_whose_use_is_unknown_is_no_fault() -> None:
    """Its kubelet does not answer, or may not be asked."""
    found = healthy()
    for key in ("cpu", "memory", "disk", "disk_size"):
        del found["nodes"][0][key]
    assert status.judge(found) == ([], [])


def test_faults_without_a_row_of_their_own() -> None:
    found = healthy() | {"unreadable": ["403"], "workload_problems": ["Deployment core/web: 0 of 1 pods ready"]}
    found["airflow"]["scheduler"] = "unhealthy"
    assert status.judge(found)[0] == ["403", "Deployment core/web: 0 of 1 pods ready", "Airflow's scheduler is unhealthy"]


def test_d2_a_dag_processor_that_is_not_there_any_more_is_not_missed() -> None:
    """Airflow reports on the last one that ran, for ever."""
    parts = {"metadatabase": "healthy", "scheduler": "healthy", "triggerer": "healthy", "dag_processor": "unhealthy"}
    deployment = {"metadata": {"namespace": "core", "labels": {"component": "dag-processor"}}}
    elsewhere = {"metadata": {"namespace": "other", "labels": {"component": "dag-processor"}}}
    assert former(parts, [deployment]) == parts
    assert former(parts, [elsewhere, {"metadata": {"namespace": "core"}}]) == dict.fromkeys(list(parts)[:3], "healthy")
    assert _without_former_parts({}, [], "core") == {}
    found = healthy()
    found["airflow"] = parts
    assert status.judge(found)[0] == ["Airflow's dag processor is unhealthy"]


def former(parts: dict[str, str], workloads: list[dict[str, Any]]) -> Any:
    return _without_former_parts({"airflow": parts, "runs": []}, workloads, "core")["airflow"]


@pytest.mark.parametrize(
    ("part", "change", "warning"),
    [
        ("pods", {"restarts": 1, "restarted": 60, "reason": "web: Error (1)"}, "pod core/web-1 restarted 60 s ago: web: Error (1)"),
        ("pods", {"status": "Failed", "reason": "web: Error (1)"}, "pod core/web-1 has failed: web: Error (1)"),
        ("runs", {"state": "failed"}, "the last run of cron failed 60 s ago (r0)"),
        (
            "runs",  # F22
            {"state": "failed", "failure": "task a[1], try 2: ValueError: x"},
            "the last run of cron failed 60 s ago (r0): task a[1], try 2: ValueError: x",
        ),
        ("nodes", {"unschedulable": True}, "node node-1 is cordoned"),
    ],
)
def test_what_a_person_should_know_is_no_problem(part: str, change: dict[str, Any], warning: str) -> None:
    found = healthy()
    found[part][0] |= change
    assert status.judge(found) == ([], [warning])


def worker(minutes: int, **fields: Any) -> dict[str, Any]:
    labels = {"kubernetes_executor": "True", "dag_id": "cron", "task_id": "hello"}
    made = (NOW - datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return pod("worker-1", phase="Pending", metadata={"labels": labels, "creationTimestamp": made}, ready=False, **fields)


WAITS = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}
NO_ROOM = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}


@pytest.mark.parametrize(
    ("minutes", "state", "condition", "word", "problem"),
    [
        (4, WAITS, None, "ImagePullBackOff", None),
        (6, WAITS, None, "ImagePullBackOff", "pod core/worker-1, container web (image web:1): ImagePullBackOff: Back-off"),
        (6, {}, NO_ROOM, "Unschedulable", "pod core/worker-1: Unschedulable: 0/1 nodes are available"),
        (6, {"waiting": {"reason": "ContainerCreating"}}, None, "Pending", "pod core/worker-1: ContainerCreating"),
        (6, {}, None, "Pending", "pod core/worker-1: Pending"),
    ],
)
def test_a_worker_that_does_not_start_is_a_problem_in_time(
    minutes: int, state: dict[str, Any], condition: Any, word: str, problem: str | None
) -> None:
    item = worker(minutes, state=state)
    item["status"]["conditions"] = [condition] if condition else []
    found = healthy() | {"workers": status.worker_rows([item], NOW)}
    # Its task is queued as long: it is listed once.
    found["waiting"] = [{"what": "task cron.hello of run r1", "task": "cron.hello", "seconds": 60 * minutes, "paused": False}]
    assert found["workers"][0]["status"] == word
    problems = status.judge(found)[0]
    assert problems == ([f"worker of cron.hello does not start for {minutes} min: {problem}"] if problem else [])


NO_SECRET = {
    "reason": "FailedMount",
    "involvedObject": {"uid": "w1"},
    "message": 'MountVolume.SetUp failed: secret "x" not found',
    "lastTimestamp": "2026-05-04T11:59:50Z",
}
LOG_PROBE = {
    "reason": "Unhealthy",
    "involvedObject": {"uid": "w1", "fieldPath": "spec.containers{log}"},
    "message": "Readiness probe failed: 503",
    "lastTimestamp": "2026-05-04T11:59:50Z",
}
NODE_COMES = {"reason": "TriggeredScaleUp", "involvedObject": {"uid": "w1"}, "message": "pool 1->2"}
BASE_RUNS = {"name": "base", "ready": True, "state": {"running": {"startedAt": "2026-05-04T11:51:00Z"}}}
LOG_FAILED = {"name": "log", "ready": False, "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}
LOG_RUNS = {"name": "log", "ready": False, "state": {"running": {"startedAt": "2026-05-04T11:51:00Z"}}}
LOG_WAITS = {"name": "log", "image": "log:1", "ready": False, "state": WAITS}


@pytest.mark.parametrize(
    ("statuses", "fields", "events", "word", "problem"),
    [
        pytest.param([BASE_RUNS], {"phase": "Running"}, [], "Running", "", id="runs"),
        pytest.param([BASE_RUNS, LOG_FAILED], {"phase": "Running"}, [], "Running", "", id="runs, a sidecar failed"),
        pytest.param([BASE_RUNS, LOG_RUNS], {"phase": "Running"}, [LOG_PROBE], "Running", "", id="runs, a sidecar fails its probe"),
        pytest.param([BASE_RUNS, LOG_WAITS], {"phase": "Pending"}, [], "Pending", "", id="runs, a sidecar cannot start"),
        pytest.param(
            [],
            {"phase": "Failed", "reason": "DeadlineExceeded", "conditions": [NO_ROOM]},
            [],
            "Failed",
            "",
            id="its deadline passed before it had a node",
        ),
        pytest.param(
            [],
            {"phase": "Pending", "conditions": [NO_ROOM]},
            [NODE_COMES],
            "Pending",
            "pod core/worker-1: waits for a node that is being added (pool 1->2): 0/1 nodes are available",
            id="a node is being added",
        ),
        pytest.param(
            [],
            {"phase": "Pending", "node": "node-1"},
            [NO_SECRET],
            "Pending",
            'pod core/worker-1: FailedMount: MountVolume.SetUp failed: secret "x" not found',
            id="a Secret is missing, no container has a status yet",
        ),
        pytest.param([], {"phase": "Unknown", "node": "node-1"}, [], "Unknown", "", id="its node does not answer"),
    ],
)
def test_v5_a_worker_is_at_a_standstill_until_base_starts(
    statuses: list[dict[str, Any]], fields: dict[str, Any], events: list[dict[str, Any]], word: str, problem: str
) -> None:
    """Whatever becomes of sidecars: the task runs."""
    item = worker(10)
    item["metadata"]["uid"] = "w1"
    item["spec"] |= {"restartPolicy": "Never", "nodeName": fields.get("node", "")}
    item["status"] = {**fields, "containerStatuses": statuses}
    (row,) = status.worker_rows([item], NOW, events)
    assert (row["status"], row["problem"]) == (word, problem)
    told = [f"worker of cron.hello does not start for 10 min: {problem}"] if problem else []
    assert status.judge(healthy() | {"workers": [row]})[0] == told


@pytest.mark.parametrize(("seconds", "word", "known"), [(29, "Pending", False), (30, "Unschedulable", True)])
def test_a_scheduler_that_does_not_exist_is_named(seconds: int, word: str, known: bool) -> None:
    """Of a new pod the scheduler may only not have spoken yet."""
    made = (NOW - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    item = worker(0)
    item["metadata"]["creationTimestamp"] = made
    item["spec"] |= {"schedulerName": "gpu-scheduler"}
    item["status"] = {"phase": "Pending"}
    (row,) = status.worker_rows([item], NOW)
    assert (row["status"], "the scheduler gpu-scheduler has not processed the pod" in row["problem"]) == (word, known)
    assert bool(status.wrong_with(item, Events([]), NOW)) == known


@pytest.mark.parametrize(("seconds", "known"), [(299, False), (300, True)])
def test_a_pod_that_kubernetes_own_scheduler_has_not_processed_is_a_problem_after_a_grace(seconds: int, known: bool) -> None:
    """A cluster starts its own scheduler again."""
    made = (NOW - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    item = pod(phase="Pending", metadata={"creationTimestamp": made})
    item["spec"] |= {"schedulerName": "default-scheduler"}
    text = "pod core/web-1: the scheduler default-scheduler has not processed the pod: it does not run or is busy"
    assert status.judge(healthy() | {"pods": status.pod_rows([item], {}, NOW)})[0] == ([text] if known else [])


def test_a_worker_is_late_after_five_minutes() -> None:
    assert [len(status.judge(healthy() | {"workers": status.worker_rows([worker(minutes)], NOW)})[0]) for minutes in (4, 5)] == [0, 1]


def test_a_run_is_listed_beside_a_worker_whose_task_is_not_known() -> None:
    nameless = worker(10)
    nameless["metadata"]["labels"] = {"kubernetes_executor": "True"}
    queued = {"what": "run r1 of cron", "task": "", "seconds": 600, "paused": False}
    problems, _warnings = status.judge(healthy() | {"workers": status.worker_rows([nameless], NOW), "waiting": [queued]})
    assert problems == [
        "worker of a task does not start for 10 min: pod core/worker-1: Pending",
        "run r1 of cron is queued for 10 min: look at the scheduler's log, and at free slots of pools",
    ]


@pytest.mark.parametrize(
    ("row", "problems", "warnings"),
    [
        ({"seconds": 299}, 0, 0),
        ({"seconds": 300}, 1, 0),
        ({"seconds": 300, "paused": True}, 0, 1),
        ({"seconds": 300, "task": "cron.hello"}, 1, 0),
    ],
)
def test_what_is_queued_for_long_is_a_problem(row: dict[str, Any], problems: int, warnings: int) -> None:
    found = healthy() | {"waiting": [{"what": "run r1 of cron", "task": "", "paused": False, **row}]}
    assert [len(told) for told in status.judge(found)] == [problems, warnings]


def test_an_old_restart_is_history() -> None:
    found = healthy()
    found["pods"][0] |= {"restarts": 4, "restarted": 7200, "reason": "web: Error (1)"}
    assert status.judge(found) == ([], [])


def test_different_commits_and_import_errors_are_told() -> None:
    found = healthy()
    found["checkouts"].append({"pod": "airflow-webserver-x", "commit": "fedcba4321", "age": 1, "error": ""})
    found["import_errors"] = [{"filename": "dags/a.py", "message": "SyntaxError"}]
    assert status.judge(found)[1] == [
        "pods have different DAG commits: abcdef1, fedcba4",
        "DAG file dags/a.py does not import: SyntaxError",
    ]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], ""),
        (['{"msg":"updated successfully","ref":"main"}'], ""),
        (
            ['{"msg":"error syncing repo, will retry","error":"exit status 128","failCount":1}'],
            "error syncing repo, will retry: exit status 128",
        ),
        (
            ["git-sync: authentication failed", "    fatal: Authentication failed for 'http://x'"],
            "fatal: Authentication failed for 'http://x'",
        ),
        (["fatal: gone", "synced http://x to 1234"], ""),
    ],
)
def test_what_git_sync_complains_of(lines: list[str], complaint: str) -> None:
    assert sync_failure(lines) == complaint


def test_columns_that_say_nothing_are_left_out() -> None:
    assert columns(["PODS", "cpu", "ready"], [["a", "", "1/1"], ["bb", "", "0/1"]], "none") == ["PODS  ready", "  a   1/1", "  bb  0/1"]
    assert columns(["PODS", "cpu"], [], "none") == ["PODS          none"]


def test_the_screen() -> None:
    found = {key: value for key, value in healthy().items() if key not in ("unreadable", "unknown", "workload_problems", "failed_jobs")}
    head: dict[str, Any] = {"name": "airflow", "healthy": True, "problems": [], "warnings": [], "next_action": ""}
    head |= {"checked_at": "T", "elapsed": 0.52, "usage": "the kubelets"}
    assert render({**head, **found}).splitlines() == [
        "airflow is healthy   T, read in 0.5 s",
        "",
        "NODES     status  version  cpu        memory          disk",
        "  node-1  Ready   v1.29.4  500m of 2  1.0 of 4.0 GiB  30.0 of 100.0 GiB",
        "",
        "APPLICATIONS    sync    health   revision  last sync",
        "  airflow-core  Synced  Healthy  3f2a9c1   Succeeded 10 min ago",
        "",
        "PODS          ready  status   restarts  age",
        "  core/web-1  1/1    Running  0         60 min",
        "",
        "WORKERS       none now",
        "",
        "LAST RUNS       dag   state    started   took  run",
        "  airflow-cron  cron  success  60 s ago  12 s  r0",
        "",
        "DAG CHECKOUTS          commit   has it for",
        "  airflow-scheduler-x  abcdef1  8 min",
        "",
        "VOLUMES      phase  size",
        "  core/data  Bound  5.0 GiB",
        "",
        "TASK LOGS                 state  full               old ones deleted",
        "  airflow-logs/task-logs  runs   20% of its volume  59 min ago",
        "",
        "URLS       url                    password of admin",
        "  Airflow  http://localhost:8080  kubectl get secret airflow-admin",  # F22
        "",
        "cpu and memory: from the kubelets",
    ]
    wrong = render({**head, **found, "healthy": False, "problems": ["a", "b"], "warnings": ["c"]}).splitlines()
    assert wrong[:4] == ["airflow is NOT HEALTHY (2 problems)   T, read in 0.5 s", "  problem: a", "  problem: b", "  note: c"]


OLD, NEW = "a" * 40, "b" * 40


def reverted(tried: str, **more: Any) -> dict[str, Any]:
    """Synced and Healthy at NEW; the last operation failed, when it tried another commit or this one."""
    state = {"phase": "Failed", "message": "quota", "finishedAt": "2026-05-04T11:50:00Z", "syncResult": {"revision": tried}}
    shown = {"sync": {"status": "Synced", "revision": NEW}, "health": {"status": "Healthy"}, "operationState": state, **more}
    return {"metadata": {"name": "airflow-core"}, "status": shown}


def with_application(app: dict[str, Any], **more: Any) -> dict[str, Any]:
    return healthy() | {"applications": status.application_rows([app], NOW)} | more


@pytest.mark.parametrize(("tried", "problems"), [(OLD, []), (NEW, ["Application airflow-core: its last sync is Failed: quota"])])
def test_v8_a_failed_sync_that_was_reverted_is_no_problem(tried: str, problems: list[str]) -> None:
    """The wait's rule: the failed operation tried something else than is wanted now."""
    app = reverted(tried)
    assert status.judge(with_application(app)) == (problems, [])


@pytest.mark.parametrize("tried", [OLD, NEW])
@pytest.mark.parametrize("phase", ["Failed", "Error", "Succeeded"])
def test_v8_status_and_wait_say_the_same(tried: str, phase: str) -> None:
    app = reverted(tried)
    app["status"]["operationState"]["phase"] = phase
    app["status"]["reconciledAt"] = "2026-05-04T11:51:00Z"
    done = wait_judge(app, Expectation(), Past(), 0)[0].kind == "done"
    assert done is (status.judge(with_application(app))[0] == [])


def test_v8_the_failed_job_of_a_sync_that_was_reverted_is_a_note() -> None:
    jobs = [cause.text for cause in status.failed_jobs([FAILED_JOB], [])]
    assert status.judge(with_application(reverted(OLD), failed_jobs=jobs)) == ([], jobs)
    assert jobs[0] in status.judge(with_application(reverted(NEW), failed_jobs=jobs))[0]


def test_v8_a_pod_of_the_revision_before_is_not_blamed() -> None:
    """As in the waits: Kubernetes keeps the old pods until the new ones are ready, and deletes them then."""

    def of(name: str, digest: str, minute: int, **fields: Any) -> dict[str, Any]:
        owner = {"kind": "ReplicaSet", "name": f"web-{digest}"}
        made = {"labels": {"pod-template-hash": digest}, "ownerReferences": [owner], "creationTimestamp": f"2026-05-04T11:{minute}:00Z"}
        return pod(name, metadata=made, **fields)

    broken = {"ready": False, "state": WAITS}
    old, new = of("old", "1", 10, **broken), of("new", "2", 20)
    assert [row["problems"] for row in status.pod_rows([old, new], {}, NOW)] == [[], []]
    assert [row["problems"] != [] for row in status.pod_rows([new, of("newest", "3", 30, **broken)], {}, NOW)] == [False, True]
    leaving = of("new", "2", 20, **broken)
    leaving["metadata"]["deletionTimestamp"] = "2026-05-04T11:59:00Z"
    assert status.pod_rows([leaving], {}, NOW)[0]["problems"] == []


def test_v15_what_is_out_of_sync_is_named() -> None:
    app = reverted(OLD, resources=[{"kind": "StatefulSet", "namespace": "core", "name": "triggerer", "status": "OutOfSync"}])
    app["status"]["sync"]["status"] = "OutOfSync"
    assert status.judge(with_application(app))[0] == ["Application airflow-core is OutOfSync and Healthy: StatefulSet core/triggerer"]


def unready(seconds: int, kind: str = "Deployment", **fields: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A workload whose only pod has not been ready for so long."""
    since = (NOW - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    item = pod(ready=False, metadata={"labels": {"app": "web"}, "uid": "p1"}, **fields)
    item["status"]["conditions"] = [{"type": "Ready", "status": "False", "lastTransitionTime": since}]
    return workload(kind, 1, 0), [item]


UNREADY = "core/web: 0 of 1 pods are available; pod core/web-1, container web: not ready: Readiness probe failed: context deadline exceeded"


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
@pytest.mark.parametrize(("seconds", "problem"), [(0, False), (10, False), (299, False), (300, True), (3000, True)])
def test_v18_a_probe_that_times_out_is_a_problem_only_after_a_grace(kind: str, seconds: int, problem: bool) -> None:
    """Seen: several workers on a busy node, a probe of argocd-repo-server timed out once, and make status ended as unhealthy."""
    item, pods = unready(seconds, kind)
    told = status.workload_problems([item], pods, [PROBE_FAILS], NOW)
    notes = status.workload_problems([item], pods, [PROBE_FAILS], NOW, passing=True)
    assert (told, notes) == (([f"{kind} {UNREADY}"], []) if problem else ([], [f"{kind} {UNREADY}"]))
    assert status.judge(healthy() | {"workload_problems": told, "workload_notes": notes}) == (told, notes)


def test_v18_what_lasts_has_no_grace() -> None:
    item, pods = unready(10, state=WAITS)
    assert status.workload_problems([item], pods, [], NOW) == ["Deployment core/web: 0 of 1 pods are available"]
    refused = workload("Deployment", 1, 0)
    refused["status"]["conditions"] = [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]
    refused["status"]["conditions"].append({"type": "Available", "status": "False", "lastTransitionTime": "2026-05-04T11:59:50Z"})
    assert status.workload_problems([refused], [], [], NOW) != []
    assert status.workload_problems([refused], [], [], NOW, passing=True) == []


def test_v18_one_of_several_pods_that_is_not_ready_for_long_is_a_problem() -> None:
    item, pods = unready(10)
    _item, others = unready(400)
    others[0]["metadata"]["name"] = "web-2"
    assert status.workload_problems([item], [*pods, *others], [], NOW) != []


@pytest.mark.parametrize(("made", "problem"), [("2026-05-04T11:59:50Z", False), ("2026-05-04T11:50:00Z", True)])
def test_v18_a_pod_without_conditions_has_not_been_ready_since_it_was_made(made: str, problem: bool) -> None:
    item = pod(ready=False, phase="Pending", state={}, metadata={"labels": {"app": "web"}, "creationTimestamp": made})
    assert bool(status.workload_problems([workload("Deployment", 1, 0)], [item], [], NOW)) is problem


def test_v18_where_no_pod_is_known_the_workloads_own_time_counts() -> None:
    item = workload("Deployment", 1, 0)
    item["status"]["conditions"] = [{"type": "Available", "status": "False", "lastTransitionTime": "2026-05-04T11:59:50Z"}]
    assert status.workload_problems([item], [], [], NOW) == []
    item["status"]["conditions"][0]["lastTransitionTime"] = "2026-05-04T11:50:00Z"
    assert status.workload_problems([item], [], [], NOW) != []


@pytest.mark.parametrize(
    ("health", "changed", "is_problem"),
    [
        ("Progressing", "2026-05-04T11:59:50Z", False),
        ("Progressing", "2026-05-04T11:55:01Z", False),
        ("Progressing", "2026-05-04T11:55:00Z", True),
        ("Progressing", None, True),
        ("Degraded", "2026-05-04T11:59:50Z", True),
    ],
)
def test_v18_an_application_that_is_progressing_for_a_moment_is_a_note(health: str, changed: str | None, is_problem: bool) -> None:
    app = reverted(OLD, health={"status": health, "lastTransitionTime": changed})
    text = [f"Application airflow-core is Synced and {health}"]
    assert status.judge(with_application(app)) == ((text, []) if is_problem else ([], text))


@pytest.mark.parametrize(
    ("heartbeat", "problem"),
    [
        ("2026-05-04T11:59:20+00:00", False),
        ("2026-05-04T13:55:30.123456+02:00", False),
        ("2026-05-04T11:55:01+00:00", False),
        ("2026-05-04T11:55:00+00:00", True),
        (None, True),
    ],
)
def test_v18_a_heartbeat_that_is_late_is_a_problem_only_after_a_grace(heartbeat: str | None, problem: bool) -> None:
    health = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": heartbeat}}
    found = healthy()
    found["airflow"]["scheduler"] = "unhealthy"
    found["heartbeats"] = status.heartbeats({**health, "triggerer": None}, NOW)
    problems, warnings = status.judge(found)
    assert [text.partition(",")[0] for text in (problems if problem else warnings)] == ["Airflow's scheduler is unhealthy"]
    assert (warnings if problem else problems) == []


def test_v18_an_application_that_is_progressing_and_has_an_error_is_a_problem() -> None:
    health = {"status": "Progressing", "lastTransitionTime": "2026-05-04T11:59:50Z"}
    app = reverted(OLD, health=health, conditions=[{"type": "ComparisonError", "message": "cannot render"}])
    assert status.judge(with_application(app)) == (
        ["Application airflow-core is Synced and Progressing", "Application airflow-core: ComparisonError: cannot render"],
        [],
    )


@pytest.mark.parametrize(
    ("healthy", "problems", "action", "text"),
    [
        (True, [], "", ""),
        (False, ["a", "b"], "", "a\nb"),
        (False, ["the cluster does not answer"], "Start it.", "the cluster does not answer\nNext: Start it."),
    ],
)
def test_a_platform_that_is_not_healthy_fails_with_its_problems_and_the_next_step(
    healthy: bool, problems: list[str], action: str, text: str
) -> None:
    assert failure({"healthy": healthy, "problems": problems, "next_action": action}) == text
