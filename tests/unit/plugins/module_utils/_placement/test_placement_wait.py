# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of worker pods: replayed history, logs read along, nodes, the proof."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Line, Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change
from ansible_collections.gitops.airflow.plugins.module_utils._placement import wait as _placement_wait
from ansible_collections.gitops.airflow.plugins.module_utils._placement.evidence import Instance
from ansible_collections.gitops.airflow.plugins.module_utils._placement.options import EXPECTATION, OPTIONS, expectations
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Expectation, Rules
from ansible_collections.gitops.airflow.plugins.module_utils._placement.wait import EVENTS_SECONDS, REPLAY_SECONDS, PlacementWait, selector

EXPECTED = Expectation("dag", "run", "airflow-cron")
STATES: dict[str, Obj] = {
    "Pending": {"phase": "Pending"},
    "Running": {"phase": "Running", "containerStatuses": [{"name": "base", "state": {"running": {}}}]},
    "Succeeded": {"phase": "Succeeded", "containerStatuses": [{"name": "base", "state": {"terminated": {"exitCode": 0}}}]},
    "Failed": {"phase": "Failed", "containerStatuses": [{"name": "base", "state": {"terminated": {"exitCode": 1}}}]},
}


def pod(state: str, version: int = 1, name: str = "pod-1", namespace: str = "airflow-cron") -> Obj:
    ids = {"dag_id": "dag", "run_id": "run", "task_id": "task", "try_number": "1"}
    metadata = {"name": name, "namespace": namespace, "uid": name, "resourceVersion": str(version), "annotations": ids}
    return {"metadata": metadata, "spec": {"nodeName": "node-1"}, "status": STATES[state]}


class Cluster:
    """Nodes and logs; a log read along ends when ``ended`` is set."""

    def __init__(self, lines: list[str] | ApiError | None = None) -> None:
        self.lines, self.ended, self.nodes, self.asked = lines or [], threading.Event(), list[str](), list[tuple[str, bool]]()
        self.ended.set()
        self.node_error: ApiError | None = None

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        raise AssertionError("the loop lists, not the wait")

    def watch(self, path: str, query: dict[str, Any]) -> Iterator[Obj]:
        raise AssertionError("the loop watches, not the wait")

    def get(self, path: str) -> Obj:
        self.nodes.append(path)
        if self.node_error:
            raise self.node_error
        return {"metadata": {"labels": {"zone": "a"}}}

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int) -> Iterator[str]:
        self.asked.append((f"{namespace}/{pod}/{container}/{tail}", follow))
        if isinstance(self.lines, ApiError):
            raise self.lines
        yield from self.lines[:1]
        if follow:
            self.ended.wait(5)
        yield from self.lines[1:]


def wait(cluster: Cluster | None = None, *expectations: Expectation, tail: int = 2, since: str = "") -> PlacementWait:
    made = PlacementWait(cluster or Cluster(), expectations or (EXPECTED,), Rules(), tail, 0.0)
    made.sources([], since)
    return made


def listed(*pods: Obj) -> list[tuple[int, Change]]:
    return [(0, Change("listed", pods))]


WATCHING = [(0, Change("watching"))]


def event(kind: str, item: Obj) -> list[tuple[int, Change]]:
    return [(0, Change("event", (item,), type=kind))]


def test_log_is_read_along_and_outlives_the_pod() -> None:
    cluster = Cluster(["first", "hi", "bye"])
    cluster.ended.clear()
    one = wait(cluster)
    one.step(listed(pod("Pending")), 0)
    assert cluster.asked == []
    one.step(event("MODIFIED", pod("Running", 2)), 1)
    one.step(event("MODIFIED", pod("Running", 3)), 1)
    cluster.ended.set()
    assert one.step(event("DELETED", pod("Succeeded", 4)), 2).kind == "done"
    (proof,), _strays = one.results()
    assert (proof["log_tail"], proof["deleted"], proof["phase"]) == (["hi", "bye"], True, "Succeeded")
    assert cluster.asked == [("airflow-cron/pod-1/base/2", True)]


def test_log_of_an_ended_pod_is_read_once() -> None:
    cluster = Cluster(["hi"])
    one = wait(cluster)
    one.step(listed(pod("Failed")), 0)
    assert one.results()[0][0]["log_tail"] == ["hi"]
    assert cluster.asked == [("airflow-cron/pod-1/base/2", False)]


def test_log_that_does_not_end_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_placement_wait, "JOIN_SECONDS", 0.01)
    cluster = Cluster(["first", "never"])
    cluster.ended.clear()
    one = wait(cluster)
    one.step(listed(pod("Running")), 0)
    one.step(event("DELETED", pod("Succeeded", 2)), 1)
    assert one.results()[0][0]["log_tail"] == ["first"]
    cluster.ended.set()


def test_log_that_may_not_be_read_is_noted() -> None:
    one = wait(Cluster(ApiError(403, "no logs")))
    one.step(listed(pod("Succeeded")), 0)
    assert one.results()[0][0]["log_tail"] == []
    one.results()
    assert one.notices == ["no logs"]


def test_log_that_went_with_its_pod_is_no_news() -> None:
    one = wait(Cluster(ApiError(404, "not found")))
    one.step(listed(pod("Succeeded")), 0)
    assert one.results()[0][0]["log_tail"] == []
    assert one.notices == []


def test_no_log_is_asked_for_of_a_pod_that_is_gone() -> None:
    cluster = Cluster(["hi"])
    wait(cluster).step(event("DELETED", pod("Succeeded")), 0)
    assert cluster.asked == []


@pytest.mark.parametrize(
    ("ids", "map_index", "try_number"),
    [({}, -1, 1), ({"map_index": "2", "try_number": "3"}, 2, 3), ({"map_index": "unknown 1"}, None, 1)],
)
def test_the_proof_of_a_pod_has_numbers(ids: dict[str, str], map_index: int | None, try_number: int) -> None:
    """A pod without a try number is of the first try."""
    one, item = wait(), pod("Running")
    del item["metadata"]["annotations"]["try_number"]
    item["metadata"]["annotations"] |= ids
    one.step(listed(item), 0)
    (proof,) = one.results()[0]
    assert (proof["map_index"], proof["try_number"]) == (map_index, try_number)


def test_notices_are_kept() -> None:
    one = wait()
    one.step([(0, Change("notice", text="history is gone"))], 0)
    assert one.notices == ["history is gone"]


def test_done_at_once_without_a_history_to_read() -> None:
    assert wait().step(listed(pod("Succeeded")), 0).kind == "done"


def created_again(state: str, version: int, uid: str) -> Obj:
    made = pod(state, version)
    made["metadata"] |= {"uid": uid, "creationTimestamp": f"2026-05-04T10:00:{version:02}Z"}
    return made


def test_a_pod_created_again_under_its_name_between_two_looks() -> None:
    """V4: the new one has its own end, log and time, and the proof names both."""
    cluster = Cluster(["hi"])
    one = wait(cluster)
    one.step(listed(created_again("Running", 1, "a")), 0)
    assert one.step(listed(created_again("Pending", 5, "b")), 1).kind == "waiting"
    one.step(event("MODIFIED", created_again("Running", 7, "b")), 2)
    assert one.step(event("MODIFIED", created_again("Succeeded", 8, "b")), 3).kind == "done"
    assert [(item["phase"], item["deleted"]) for item in one.results()[0]] == [("Gone", True), ("Succeeded", False)]
    assert len(cluster.asked) == 2


def test_pods_of_two_namespaces_are_told_apart_whatever_their_uid() -> None:
    """V4: a copy of a cluster's objects may keep uids."""
    one = wait()
    elsewhere = pod("Succeeded", 2, namespace="default")
    assert "landed in namespace default" in one.step(listed(pod("Succeeded"), elsewhere), 0).reason
    assert [len(part) for part in one.results()] == [1, 1]


def test_progress_shows_the_pod_that_has_the_name_now() -> None:
    """V4: not both in turn at each look."""
    lines: list[Line] = []
    one = PlacementWait(Cluster(), [EXPECTED], Rules(), 0, 0.0, progress=Progress(lines.append))
    one.sources([], "")
    one.step(listed(created_again("Running", 1, "a")), 0)
    one.step(listed(created_again("Pending", 5, "b")), 1)
    for now in range(2, 5):
        one.step([], now)
    assert [line["text"] for line in lines] == ["airflow-cron/pod-1: Running on node-1", "airflow-cron/pod-1: Scheduled on node-1"]


def test_progress_of_many_pods_counts_those_that_failed() -> None:
    lines: list[Line] = []
    one = PlacementWait(Cluster(), [EXPECTED], Rules(), 0, 0.0, progress=Progress(lines.append))
    one.sources([], "")
    states = ["Succeeded"] * 9 + ["Failed", "Running"]
    one.step(listed(*(pod(state, name=f"pod-{number}") for number, state in enumerate(states))), 0)
    assert [line["text"] for line in lines] == ["9 of 11 done, 1 failed, waiting for airflow-cron/pod-10"]


def test_the_log_of_an_init_container_that_failed_is_read() -> None:
    """V5: the kubelet quotes no log of it, unless the pod asks for that."""
    cluster = Cluster(["fatal: authentication required"])
    one = wait(cluster)
    failed = pod("Failed")
    failed["status"] = {
        "phase": "Failed",
        "initContainerStatuses": [{"name": "git-sync-init", "state": {"terminated": {"exitCode": 1}}}],
        "containerStatuses": [{"name": "base", "state": {"waiting": {"reason": "PodInitializing"}}}],
    }
    assert "init container git-sync-init ended with exit code 1" in one.step(listed(failed), 0).reason
    assert one.results()[0][0]["log_tail"] == ["fatal: authentication required"]
    assert cluster.asked == [("airflow-cron/pod-1/git-sync-init/2", False)]


def test_the_next_action_fits_the_worker_that_has_no_node() -> None:
    message = "0/1 nodes are available: 1 Insufficient memory."
    homeless = pod("Pending")
    homeless["spec"] = {"containers": [{"name": "base", "resources": {"requests": {"memory": "900Gi"}}}]}
    homeless["status"] = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}],
    }
    one = wait()
    one.step(listed(homeless), 0)
    verdict = one.step([], 60)
    assert verdict.kind == "failed"
    assert verdict.reason.endswith(f"Unschedulable: {message} (requested by base: memory 900Gi)")
    assert one.advice(verdict).startswith("Lower the resources that pod airflow-cron/pod-1 requests, or add a node")


def test_no_log_is_read_when_none_is_wanted() -> None:
    cluster = Cluster(["x"])
    wait(cluster, tail=0).step(listed(pod("Running")), 0)
    assert cluster.asked == []


def test_deleted_before_the_first_look_is_replayed() -> None:
    one = wait(since="3")
    assert one.step(listed(), 0).kind == "waiting"
    one.step([*WATCHING, *event("ADDED", pod("Pending", 4))], 2)
    assert one.step(event("DELETED", pod("Succeeded", 6)), 2 + REPLAY_SECONDS).kind == "done"


def test_replayed_history_does_not_undo_what_is_known() -> None:
    one = wait(since="3")
    one.step(listed(pod("Running", 9)), 0)
    one.step(event("ADDED", pod("Pending", 4)), 1)
    assert one.results()[0][0]["phase"] == "Running"


def test_nothing_comes_after_the_deletion() -> None:
    one = wait()
    one.step(listed(pod("Running", 1)), 0)
    one.step(event("DELETED", pod("Succeeded", 5)), 1)
    one.step(event("MODIFIED", pod("Running", 6)), 1)
    assert one.results()[0][0]["phase"] == "Succeeded"


def test_a_deletion_counts_whatever_its_version() -> None:
    """It may show the object as it was last seen."""
    one = wait()
    one.step(listed(pod("Running", 5)), 0)
    one.step(event("DELETED", pod("Running", 5)), 1)
    assert one.results()[0][0]["deleted"] is True


def test_strays_of_the_history_are_waited_for() -> None:
    one = wait(since="3")
    assert one.step(listed(pod("Succeeded", 9)), 0).kind == "waiting"
    verdict = one.step(WATCHING, 0.2)
    assert (verdict.kind, verdict.wake) == ("waiting", 0.2 + REPLAY_SECONDS)
    assert one.step(event("DELETED", pod("Succeeded", 5, "stray", "default")), 0.5).kind == "failed"
    assert [item["namespace"] for item in one.results()[1]] == ["default"]


def test_history_counts_as_read_a_moment_after_each_watch_has_begun() -> None:
    one = wait(since="3")
    one.sources(["airflow-cron", "airflow-user"], "3")
    one.step([*listed(pod("Succeeded", 9)), (1, Change("listed")), *WATCHING], 0)
    assert one.step([], 60).kind == "waiting"  # the second feed's watch has not begun, however long that takes
    assert one.step([(1, Change("watching"))], 61).wake == 61 + REPLAY_SECONDS
    assert one.step([], 61 + REPLAY_SECONDS).kind == "done"


def test_no_history_is_waited_for_where_watching_is_forbidden() -> None:
    one = wait(since="3")
    one.step(listed(pod("Succeeded", 9)), 0)
    assert one.step(listed(pod("Succeeded", 9)), 2).kind == "done"


def test_missing_from_a_new_list_is_deleted_unseen() -> None:
    one = wait()
    one.step(listed(pod("Running")), 0)
    verdict = one.step(listed(), 1)
    assert "how it ended is unknown" in verdict.reason


def test_a_list_of_one_namespace_says_nothing_of_another() -> None:
    one = wait()
    one.sources(["airflow-cron", "airflow-user"], "")
    one.step(listed(pod("Running")), 0)
    one.step([(1, Change("listed"))], 1)
    assert not one.results()[0][0]["deleted"]


def test_node_labels_are_read_once_and_only_when_asked_for() -> None:
    cluster = Cluster()
    wait(cluster).step(listed(pod("Running")), 0)
    assert cluster.nodes == []
    labelled = wait(cluster, Expectation("dag", "run", "airflow-cron", node_labels={"zone": "b"}))
    assert "labels of node node-1" in labelled.step(listed(pod("Running"), pod("Running", name="2")), 0).reason
    assert cluster.nodes == ["/api/v1/nodes/node-1"]


def test_a_worker_without_a_node_asks_for_none() -> None:
    cluster = Cluster()
    pending = pod("Pending")
    pending["spec"] = {}
    wait(cluster, Expectation("dag", "run", "airflow-cron", node_labels={"zone": "b"})).step(listed(pending), 0)
    assert cluster.nodes == []


def test_a_node_that_is_gone_has_no_labels_and_a_forbidden_one_is_an_error() -> None:
    cluster = Cluster()
    labelled = wait(cluster, Expectation("dag", "run", "airflow-cron", node_labels={"zone": "b"}))
    cluster.node_error = ApiError(403, "no nodes")
    with pytest.raises(ApiError, match="no nodes"):
        labelled.step(listed(pod("Running")), 0)
    cluster.node_error = ApiError(404, "not found")
    assert labelled.step(listed(pod("Running")), 0).kind == "failed"


def test_versions_that_are_no_numbers_are_not_compared() -> None:
    one = wait()
    one.step(listed(pod("Pending")), 0)
    later = pod("Running")
    later["metadata"]["resourceVersion"] = "b"
    one.step(event("MODIFIED", later), 1)
    assert one.results()[0][0]["phase"] == "Running"


def test_selector_lets_the_server_pick() -> None:
    odd = Expectation("dag", "manual__2026-05-04T10:00:00+00:00", "x")
    text = selector([EXPECTED, odd, EXPECTED])
    assert text == "kubernetes_executor=True,dag_id in (dag),run_id in (manual__2026-05-04T1000000000-8e188781b,run)"


def test_sources() -> None:
    one = wait()
    assert [source.path for source in one.sources([], "7")] == ["/api/v1/pods"]
    assert [(source.path, source.since) for source in one.sources(["a", "b"], "7")] == [
        ("/api/v1/namespaces/a/pods", "7"),
        ("/api/v1/namespaces/b/pods", "7"),
    ]


# Deleted pods: when Events are read, and how often

UNSEEN = Instance("dag", "run", "task", -1, 1, "success", "pod-1")
SCHEDULED: Obj = {
    "reason": "Scheduled",
    "message": "Successfully assigned airflow-cron/pod-1 to node-1",
    "eventTime": "2026-05-04T10:00:00.123456Z",
    "involvedObject": {"kind": "Pod", "namespace": "airflow-cron", "name": "pod-1", "uid": "uid", "resourceVersion": "5"},
}


class Events(Cluster):
    def __init__(self, *events: Obj) -> None:
        super().__init__()
        self.events, self.pages, self.refusals = events, list[str](), list[ApiError]()

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        self.pages.append(f"{path} {query['fieldSelector']}")
        if self.refusals:
            raise self.refusals.pop(0)
        return {"items": list(self.events), "metadata": {}}


BY_NAME = "/api/v1/events involvedObject.kind=Pod,involvedObject.name=pod-1"


def gone(cluster: Events, *known: Instance, since: str = "", expected: Expectation = EXPECTED) -> PlacementWait:
    made = PlacementWait(cluster, [expected], Rules(), 0, 0.0, known)
    made.sources([], since)
    return made


def test_deleted_before_the_wait_is_proven_by_its_event() -> None:
    cluster = Events(SCHEDULED)
    one = gone(cluster, UNSEEN)
    assert one.step(listed(), 0).kind == "done"
    ((proof,), strays) = one.results()
    assert (proof["pod"], proof["namespace"], proof["node"], proof["phase"]) == ("pod-1", "airflow-cron", "node-1", "Succeeded")
    assert (proof["evidence"], proof["deleted"], proof["try_number"], proof["map_index"]) == ("events", True, 1, -1)
    assert [proof[key] for key in ("service_account", "node_selector", "tolerations", "affinity")] == [None] * 4
    assert (proof["timings"]["scheduled"], proof["timings"]["created"]) == ("2026-05-04T10:00:00.123456Z", None)
    assert (strays, cluster.pages) == ([], [BY_NAME])


def test_labels_of_a_node_that_only_events_name_are_read() -> None:
    cluster = Events(SCHEDULED)
    labelled = Expectation("dag", "run", "airflow-cron", node_labels={"zone": "a"})
    assert gone(cluster, UNSEEN, expected=labelled).step(listed(), 0).kind == "done"
    assert cluster.nodes == ["/api/v1/nodes/node-1"]


def test_a_stray_that_only_events_name_is_in_the_proof() -> None:
    cluster = Events({**SCHEDULED, "involvedObject": {**SCHEDULED["involvedObject"], "namespace": "default"}})
    one = gone(cluster, UNSEEN)
    assert "landed in namespace default" in one.step(listed(), 0).reason
    assert [item["namespace"] for item in one.results()[1]] == ["default"]


def test_a_stray_beside_what_is_complete_is_found() -> None:
    event_elsewhere = {"kind": "Pod", "namespace": "default", "name": "pod-2", "uid": "2", "resourceVersion": "5"}
    one = gone(Events({**SCHEDULED, "involvedObject": event_elsewhere}), UNSEEN, replace(UNSEEN, task_id="b", host="pod-2"))
    assert "pod-2 of task b landed in namespace default" in one.step(listed(pod("Succeeded")), 0).reason


def test_no_events_are_read_without_need() -> None:
    cluster = Events(SCHEDULED)
    gone(cluster).step(listed(), 0)
    gone(cluster, UNSEEN).step(listed(pod("Succeeded")), 0)
    gone(cluster, since="3").step(listed(), 0)
    gone(cluster, since="3").step(listed(), 5)
    assert gone(cluster, since="3").step([*listed(), *WATCHING], 0).wake is None
    assert cluster.pages == []


def test_history_that_is_replayed_comes_before_events() -> None:
    cluster = Events(SCHEDULED)
    one = gone(cluster, UNSEEN, since="3")
    assert one.step([*listed(), *WATCHING], 0).wake == REPLAY_SECONDS
    assert cluster.pages == []
    one.step(event("ADDED", pod("Pending", 4)), 0.5)
    one.step(event("DELETED", pod("Succeeded", 6)), REPLAY_SECONDS)
    assert (one.results()[0][0]["evidence"], cluster.pages) == ("pod", [])


def test_resource_version_taken_too_late_leaves_events() -> None:
    cluster = Events(SCHEDULED)
    one = gone(cluster, UNSEEN, since="9")
    one.step([*listed(), *WATCHING], 0)
    assert one.step([], REPLAY_SECONDS).kind == "done"
    assert cluster.pages == [BY_NAME]


def test_history_that_is_gone_leaves_events_at_once() -> None:
    cluster = Events(SCHEDULED)
    one = gone(cluster, UNSEEN, since="3")
    one.step(listed(), 0)
    one.step([(0, Change("notice", text="The history is gone")), *listed()], 0.1)
    assert cluster.pages == [BY_NAME]
    assert one.step([], REPLAY_SECONDS).kind == "done"


def test_a_gap_in_one_namespace_leaves_events_at_once_whatever_the_others_do() -> None:
    cluster = Events(SCHEDULED)
    one = gone(cluster, UNSEEN, since="3")
    one.sources(["airflow-cron", "airflow-user"], "3")
    one.step([*listed(), (1, Change("listed"))], 0)
    assert cluster.pages == []
    one.step(listed(), 0.1)
    assert cluster.pages == [BY_NAME.replace("v1/", f"v1/namespaces/{place}/") for place in ("airflow-cron", "airflow-user")]


BY_REASON = [f"/api/v1/events involvedObject.kind=Pod,reason={reason}" for reason in ("Scheduled", "Started")]


@pytest.mark.parametrize(
    ("known", "since", "expected"),
    [
        pytest.param(replace(UNSEEN, host="a" * 63), "", EXPECTED, id="a hostname that was cut"),
        pytest.param(UNSEEN, "9", Expectation("dag", "run", "airflow-cron", "task"), id="any pod of the task"),
    ],
)
def test_events_are_asked_for_by_reason_where_names_are_not_known_whole(known: Instance, since: str, expected: Expectation) -> None:
    cluster = Events()
    one = gone(cluster, known, since=since, expected=expected)
    one.step([*listed(), *WATCHING], 0)
    one.step([], REPLAY_SECONDS)
    assert cluster.pages == BY_REASON


def test_a_task_instance_names_its_pod_where_no_resource_version_is_given() -> None:
    cluster = Events(SCHEDULED)
    gone(cluster, UNSEEN, expected=Expectation("dag", "run", "airflow-cron", "task")).step(listed(), 0)
    assert cluster.pages == [BY_NAME]


def test_history_that_is_gone_without_task_instances() -> None:
    name = "dag-task-x7k2m9qp"
    scheduled = {
        **SCHEDULED,
        "message": f"Successfully assigned airflow-cron/{name} to node-1",
        "involvedObject": {**SCHEDULED["involvedObject"], "name": name},
    }
    cluster = Events(SCHEDULED, scheduled)
    one = gone(cluster, since="3", expected=Expectation("dag", "run", "airflow-cron", "task"))
    one.step([*listed(), *listed()], 2)
    assert cluster.pages == BY_REASON
    ((proof,), _strays) = one.results()
    assert (proof["pod"], proof["evidence"], proof["phase"], proof["try_number"]) == (name, "events", "Gone", None)


def test_events_are_read_once_for_each_gap() -> None:
    cluster = Events()
    one = gone(cluster, replace(UNSEEN, state="running"))
    for now in range(30):
        one.step([], now)
    assert len(cluster.pages) == 1
    for now in range(30, 60):  # where watching is forbidden a new list comes every two seconds
        one.step(listed() if now % 2 else [], now)
    assert len(cluster.pages) == 4


def test_events_that_may_not_be_read_are_noted_once() -> None:
    cluster = Events()
    cluster.refusals = [ApiError(403, "Not permitted to list events")]
    one = gone(cluster, UNSEEN)
    assert "Events cannot be read (Not permitted to list events)" in one.step(listed(), 0).reason
    one.step([], 20)
    assert len(one.notices) == len(cluster.pages) == 1


def test_events_are_asked_for_again_where_no_answer_came() -> None:
    cluster = Events(SCHEDULED)
    cluster.refusals = [ApiError(503, "starting")]
    one = gone(cluster, UNSEEN)
    verdict = one.step(listed(), 0)
    assert (verdict.kind, verdict.wake) == ("waiting", EVENTS_SECONDS)
    assert one.step([], EVENTS_SECONDS - 1).kind == "waiting"
    assert one.step([], EVENTS_SECONDS).kind == "done"


def test_events_of_the_watched_namespaces_only() -> None:
    cluster = Events(SCHEDULED)
    one = gone(cluster, UNSEEN)
    one.sources(["a", "b"], "")
    one.step([(0, Change("listed")), (1, Change("listed"))], 0)
    assert cluster.pages == [BY_NAME.replace("v1/", f"v1/namespaces/{place}/") for place in "ab"]


def test_what_is_kept_follows_what_is_watched() -> None:
    """10,000 events of other pods pass through; nothing of them stays."""
    others = [{**SCHEDULED, "involvedObject": {**SCHEDULED["involvedObject"], "name": f"p{i}", "uid": str(i)}} for i in range(10_000)]
    one = gone(Events(*others, SCHEDULED), UNSEEN)
    one.step(listed(), 0)
    assert len(one._sightings) == len(one.proofs) == 1


def parameters(**given: Any) -> dict[str, Any]:
    defaults = {name: spec.get("default") for name, spec in OPTIONS.items()}
    entry = {name: spec.get("default") for name, spec in EXPECTATION.items()}
    entry.update({"dag_id": "dag", "run_id": "run", "namespace": "ns"}, **given.pop("entry", {}))
    return {**defaults, "expectations": [entry], **given}


def test_tolerations_become_what_the_server_shows() -> None:
    given = [{"key": "gpu", "value": True, "tolerationSeconds": "300"}]
    (made,) = expectations(parameters(entry={"tolerations": given}))
    assert made.tolerations == [{"key": "gpu", "value": "true", "tolerationSeconds": 300}]


def test_labels_become_text() -> None:
    (made,) = expectations(parameters(entry={"node_labels": {"gpu": True, "n": 1}, "node_selector": {"x": "y"}}))
    assert (made.node_labels, made.node_selector) == ({"gpu": "true", "n": "1"}, {"x": "y"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"expectations": []}, "expectations is empty"),
        ({"namespaces": []}, "namespaces is empty"),
        ({"timeout": -1}, "timeout is -1"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"start_grace": float("inf")}, "start_grace is inf"),
        ({"tail_lines": -1}, "tail_lines is -1"),
        ({"resource_version": "latest"}, "'latest' is not a number"),
        ({"entry": {"count": 0}}, "count is 0 for dag: it must be 1 or more"),
        ({"entry": {"tries": 0}}, "tries is 0"),
        ({"entry": {"pods_per_task": -1}}, "pods_per_task is -1"),
        ({"entry": {"task_id": "t", "map_index": -1}}, "map_index is -1 for dag.t"),
        ({"entry": {"map_index": 0}}, "which names no task"),
        ({"entry": {"task_id": "t", "map_index": 0, "count": 2}}, "count is 2 for dag.t, but a map_index has one worker"),
        ({"entry": {"dag_id": ""}}, "dag_id of an expectation is empty"),
        ({"entry": {"namespace": ""}}, "namespace of dag is empty"),
        ({"entry": {"run_id": "::"}}, "run_id '::' has neither letter nor digit"),
        ({"entry": {"tolerations": [{"tolerationSeconds": "x"}]}}, "tolerationSeconds of dag must be a whole number"),
        ({"namespaces": ["other"]}, "not among namespaces"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        expectations(parameters(**given))


@pytest.mark.parametrize(
    ("given", "tolerations"),
    [
        ({"timeout": 0, "unschedulable_grace": 0, "start_grace": 0, "tail_lines": 0}, []),
        ({"entry": {"task_id": "t", "map_index": 0, "count": 1}}, []),
        ({"entry": {"tolerations": [{"key": "a", "tolerationSeconds": None}]}}, [{"key": "a"}]),
        ({"resource_version": "0", "namespaces": ["other", "ns"]}, []),
    ],
)
def test_the_least_that_is_allowed(given: dict[str, Any], tolerations: list[Obj]) -> None:
    (found,) = expectations(parameters(**given))
    assert [dict(item) for item in found.tolerations] == tolerations


def test_an_empty_value_in_yaml_is_an_empty_label() -> None:
    (found,) = expectations(
        parameters(entry={"node_labels": {"node-role.kubernetes.io/control-plane": None}, "tolerations": [{"key": "a", "value": None}]})
    )
    assert dict(found.node_labels) == {"node-role.kubernetes.io/control-plane": ""}
    assert [dict(item) for item in found.tolerations] == [{"key": "a"}]
