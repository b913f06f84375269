# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers that were deleted unseen: what Events and task instances prove, and the verdict that follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._placement.events import Sighting
from ansible_collections.gitops.airflow.plugins.module_utils._placement.evidence import (
    Instance,
    find,
    hostname,
    instances,
    pod_names,
    settled,
    whole,
)
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Expectation, Rules, judge
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import Worker

POD = "dag-task-x7k2m9qp"
OTHER = "dag-task-aaaaaaaa"
LONG_DAG = "a" * 55
LONG = ["a" * 55 + "-task-x7k2m9qp", "a" * 55 + "-task-aaaaaaaa"]
"""Names of 69 characters, of which a hostname holds the first 63."""


def sighting(name: str = POD, namespace: str = "airflow-cron", **more: Any) -> Sighting:
    known = {"node": "node-1", "scheduled": "2026-05-04T10:00:00.5Z", "version": 50}
    return Sighting(namespace, name, f"uid of {name}", **{**known, **more})


def instance(state: str = "success", host: str = POD, **more: Any) -> Instance:
    return Instance(
        **{"dag_id": "dag", "run_id": "run", "task_id": "task", "map_index": -1, "try_number": 1, "state": state, **more, "host": host}
    )


def expect(**more: Any) -> Expectation:
    return Expectation(**{"dag_id": "dag", "run_id": "run", "namespace": "airflow-cron", "task_id": "task", **more})


def pod(name: str = POD, phase: str = "Succeeded", deleted: bool = True, **ids: str) -> Worker:
    annotations = {"dag_id": "dag", "run_id": "run", "task_id": "task", "try_number": "1", **ids}
    metadata = {"name": name, "namespace": "airflow-cron", "uid": f"uid of {name}", "annotations": annotations}
    return Worker({"metadata": metadata, "spec": {"nodeName": "node-1"}, "status": {"phase": phase}}, deleted)


Row = tuple[list[Instance], list[Sighting], list[Expectation], list[Worker], str, str, str]
# name: (task instances, Events, expectations, pods seen, resource_version, verdict, words that its reason must hold)
TABLE: dict[str, Row] = {
    "nothing": ([], [], [expect()], [], "", "waiting", "1 of 1 workers not seen"),
    "history gone, no event": ([], [], [expect()], [], "40", "waiting", "1 of 1 workers not seen"),
    # Task instances name their pods
    "instance and event": ([instance()], [sighting()], [expect()], [], "", "done", ""),
    "the run's other task ran elsewhere": ([instance(), instance(task_id="b", host="b-1")], [sighting()], [expect()], [], "", "done", ""),
    "event of another pod": ([instance()], [sighting(OTHER)], [expect()], [], "", "failed", f"ran as pod {POD} (state success)"),
    "only the instance": ([instance()], [], [expect()], [], "", "failed", "but its node cannot be proven"),
    "only the instance, failed": ([instance("failed")], [], [expect()], [], "", "failed", "(state failed), but its node"),
    "failed": ([instance("failed")], [sighting()], [expect()], [], "", "failed", "Airflow says that the task failed"),
    "skipped by itself": ([instance("skipped")], [sighting()], [expect()], [], "", "done", ""),
    "up for retry": ([instance("up_for_retry")], [sighting()], [expect(tries=2)], [], "", "waiting", "failed in try 1 of 2"),
    "up for retry, no event": ([instance("up_for_retry")], [], [expect(tries=2)], [], "", "waiting", "not seen"),
    "running": ([instance("running")], [sighting()], [expect()], [], "", "waiting", "how it ended is unknown"),
    "running, no event": ([instance("running")], [], [expect()], [], "", "waiting", "not seen"),
    "queued, with the hostname of an earlier try": ([instance("queued")], [sighting()], [expect()], [], "", "waiting", "not seen"),
    "not scheduled yet": ([instance("none", "")], [], [expect()], [], "", "waiting", "not seen"),
    "never ran": ([instance("upstream_failed", "")], [], [expect()], [], "", "failed", "is upstream_failed and no worker ran it"),
    "marked a success by hand before it ran": (
        [instance("success", "")],
        [],
        [expect()],
        [],
        "",
        "failed",
        "is success and no worker ran it",
    ),
    "one never ran, one is to come": (
        [instance("success", "", task_id="a"), instance("none", "", task_id="b")],
        [],
        [expect(task_id=None)],
        [],
        "",
        "waiting",
        "not seen",
    ),
    "another namespace": ([instance()], [sighting(namespace="default")], [expect()], [], "", "failed", "landed in namespace default"),
    "a stray beside what is complete": (
        [instance(), instance(task_id="b", host="dag-b-1")],
        [sighting("dag-b-1", "default")],
        [expect(task_id=None)],
        [pod()],
        "",
        "failed",
        "dag-b-1 of task b landed in namespace default",
    ),
    "too many": (
        [instance(), instance(task_id="b", host="dag-b-1")],
        [sighting("dag-b-1")],
        [expect(task_id=None)],
        [pod()],
        "",
        "failed",
        "2 workers",
    ),
    "the pod itself was seen": ([instance()], [sighting(namespace="default")], [expect()], [pod()], "", "done", ""),
    "the pod's end was not seen": ([instance()], [], [expect()], [pod(phase="Running")], "", "done", ""),
    "the pod's end was not seen, it failed": ([instance("failed")], [], [expect()], [pod(phase="Running")], "", "failed", "Airflow says"),
    "the pod's end was not seen, another try's is known": (
        [instance("success", try_number=2)],
        [],
        [expect()],
        [pod(phase="Running")],
        "",
        "waiting",
        "unknown",
    ),
    "count is too large": ([instance()], [sighting()], [expect(count=2)], [], "", "failed", "task_instances name 1 such tasks"),
    "mapped": (
        [instance(host=f"dag-task-{index}", map_index=index) for index in range(3)],
        [sighting(f"dag-task-{index}") for index in range(3)],
        [expect(count=3)],
        [],
        "",
        "done",
        "",
    ),
    "one of a mapped task": (
        [instance("failed", "dag-task-0", map_index=0), instance(host="dag-task-1", map_index=1)],
        [sighting("dag-task-0"), sighting("dag-task-1")],
        [expect(map_index=1)],
        [],
        "",
        "done",
        "",
    ),
    # What Events do not tell is not claimed
    "node": ([instance()], [sighting()], [expect(node="node-1", node_labels={"zone": "a"})], [], "", "done", ""),
    "wrong node": ([instance()], [sighting()], [expect(node="node-2")], [], "", "failed", "node is 'node-1', expected 'node-2'"),
    "wrong node labels": ([instance()], [sighting()], [expect(node_labels={"zone": "b"})], [], "", "failed", "labels of node node-1"),
    "service account": ([instance()], [sighting()], [expect(service_account="x")], [], "", "failed", "service account cannot be verified"),
    "all that is in the spec": (
        [instance()],
        [sighting()],
        [expect(node_selector={"a": "b"}, tolerations=[{"key": "a"}], affinity={"nodeAffinity": {}})],
        [],
        "",
        "failed",
        "its node selector, tolerations, affinity cannot be verified",
    ),
    # Hostnames that were cut
    "cut hostname": (
        [instance(dag_id=LONG_DAG, host=LONG[0][:63])],
        [sighting(LONG[0])],
        [expect(dag_id=LONG_DAG)],
        [],
        "",
        "done",
        "",
    ),
    "cut hostname, two such pods": (
        [instance(dag_id=LONG_DAG, host=("a" * 64)[:63])],
        [sighting("a" * 64 + "-x"), sighting("a" * 64 + "-y")],
        [expect(dag_id=LONG_DAG)],
        [],
        "",
        "waiting",
        "Events show 2 of them",
    ),
    "cut hostname that two instances share": (
        [instance(host="a" * 63, map_index=0), instance(host="a" * 63, map_index=1)],
        [sighting("a" * 64 + "-x")],
        [expect(count=2)],
        [],
        "",
        "waiting",
        "Events show 1 of them",
    ),
    # Events alone
    "one newer event": ([], [sighting()], [expect()], [], "40", "waiting", "how it ended is unknown; give task_instances"),
    "newer event of another pod than the instance names": (
        [instance("running")],
        [sighting(OTHER)],
        [expect()],
        [],
        "40",
        "waiting",
        "not seen",
    ),
    "ids that no pod's name holds": ([], [sighting()], [expect(dag_id="\u00e9")], [], "40", "waiting", "not seen"),
    "older event": ([], [sighting(version=40)], [expect()], [], "40", "waiting", "not seen"),
    "event without version": ([], [sighting(version=0)], [expect()], [], "40", "waiting", "not seen"),
    "newer event in another namespace": (
        [],
        [sighting(namespace="default")],
        [expect()],
        [],
        "40",
        "failed",
        "landed in namespace default",
    ),
    "two newer events": ([], [sighting(), sighting(OTHER)], [expect()], [], "40", "waiting", "of this run; give task_instances"),
    "the other one is known": ([], [sighting(), sighting(OTHER)], [expect(count=2)], [pod(map_index="0")], "40", "waiting", "how it ended"),
    "no resource_version": ([], [sighting()], [expect()], [], "", "waiting", "not seen"),
    "no task": ([], [sighting()], [expect(task_id=None)], [], "40", "waiting", "not seen"),
    "a mapped task's one worker": ([], [sighting()], [expect(map_index=0)], [], "40", "waiting", "Events alone cannot tell"),
    "two runs of the task": ([], [sighting()], [expect(), expect(run_id="b")], [], "40", "waiting", "Events alone cannot tell"),
    "another task's name": ([], [sighting("dag-task-b-x7k2m9qp")], [expect()], [], "40", "waiting", "not seen"),
    # Deferred
    "deferred, both by events": (
        [instance()],
        [sighting(OTHER), sighting(scheduled="2026-05-04T10:09:00Z")],
        [expect(pods_per_task=2)],
        [],
        "40",
        "done",
        "",
    ),
    "deferred, the last by its event": ([instance()], [sighting()], [expect(pods_per_task=2)], [pod(OTHER)], "", "done", ""),
    "deferred, only the last can be proven": ([instance()], [sighting()], [expect(pods_per_task=2)], [], "", "failed", "only the last"),
    "deferred, three such pods": (
        [instance()],
        [sighting(), sighting(OTHER), sighting("dag-task-bbbbbbbb")],
        [expect(pods_per_task=2)],
        [],
        "40",
        "waiting",
        "cannot tell which of them are of this run; run the DAG again",
    ),
    "deferred and mapped": ([], [sighting(), sighting(OTHER)], [expect(count=2, pods_per_task=2)], [], "40", "waiting", "cannot tell"),
}


def verdict(row: Row, rules: Rules | None = None, past: Any = None, now: float = 0) -> Any:
    known, sightings, expectations, pods, since, _kind, _words = row
    pods = [settled(worker, known) for worker in pods]
    findings = find(expectations, known, pods, sightings, since)
    workers = [*pods, *(worker for finding in findings for worker in finding.workers)]
    return judge(workers, {"node-1": {"zone": "a"}}, expectations, rules or Rules(), past or {}, now, findings)


@pytest.mark.parametrize("name", TABLE)
def test_verdict(name: str) -> None:
    result, _past = verdict(TABLE[name])
    assert (result.kind, TABLE[name][6] in result.reason) == (TABLE[name][5], True), result


TWICE = [sighting(OTHER), sighting(OTHER, "default")]


@pytest.mark.parametrize(
    ("mine", "seen", "lost"),
    [
        pytest.param(instance("success", OTHER, task_id="a"), [], "task a ran as pod dag-task-aaaaaaaa", id="ended with another worker"),
        pytest.param(instance("up_for_retry", OTHER, task_id="a"), [], "", id="goes on"),
        pytest.param(instance("running", OTHER, task_id="a"), TWICE, "", id="goes on with one of two workers"),
        pytest.param(instance("success", OTHER, task_id="a"), TWICE, "task b ran as pod b-1", id="ended with one of two workers"),
        pytest.param(instance("up_for_retry", task_id="a"), [], "", id="goes on after the worker that was seen"),
        pytest.param(instance("success", "", task_id="a"), [], "", id="ended by hand, without a worker"),
        pytest.param(instance("failed", task_id="a"), [], "", id="ended with the worker that was seen"),
    ],
)
def test_a_worker_that_was_not_seen_counts_only_if_it_ended_a_task_of_which_a_failed_try_was_seen(
    mine: Instance, seen: list[Sighting], lost: str
) -> None:
    """The other task ran unseen, too, and one worker is enough."""
    known = [mine, instance("success", "b-1", task_id="b")]
    workers = [settled(pod(phase="Failed", task_id="a"), known)]
    (finding,) = find([expect(task_id=None, tries=2)], known, workers, seen, "")
    assert finding.lost[: len(lost) or None] == lost


def at(name: str, time: str, phase: str = "Succeeded", deleted: bool = True, **ids: str) -> Worker:
    made = pod(name, phase, deleted, **ids)
    made.metadata["creationTimestamp"] = f"2026-05-04T{time}Z"
    return made


FIRST, LAST = "dag-task-1", "dag-task-2"
TWO_PODS = expect(pods_per_task=2, tries=3)
LATE = sighting(LAST, scheduled="2026-05-04T10:09:00.5Z")
# V7. name: (task instances, Events, pods seen): the last of two pods of a try is known by its Event only
COUNTED: dict[str, tuple[list[Instance], list[Sighting], list[Worker]]] = {
    "2.10, first try": ([instance(host=LAST)], [LATE], [at(FIRST, "10:00:00")]),
    "2.6, marked a success while deferred": ([instance(host=LAST, try_number=0)], [LATE], [at(FIRST, "10:00:00")]),
    "2.6, skipped while up for reschedule": ([instance("skipped", LAST, try_number=0)], [LATE], [at(FIRST, "10:00:00")]),
    "2.6, second try": (
        [instance(host=LAST, try_number=1)],
        [LATE],
        [at("dag-task-0", "09:00:00", "Failed"), at(FIRST, "10:00:00", try_number="2")],
    ),
    "2.10, second try": (
        [instance(host=LAST, try_number=2)],
        [LATE],
        [at("dag-task-0", "09:00:00", "Failed"), at(FIRST, "10:00:00", try_number="2")],
    ),
    "created in the second of its event": ([instance(host=LAST, try_number=0)], [LATE], [at(FIRST, "10:09:00")]),
    "created in the same second as its event, which has whole seconds only": (
        [instance(host=LAST, try_number=1)],
        [sighting(LAST, scheduled="2026-05-04T10:09:00Z")],
        [at(FIRST, "10:09:00", try_number="2")],
    ),
    "without a time": ([instance(host=LAST, try_number=0)], [sighting(LAST, scheduled="")], [at(FIRST, "10:00:00")]),
    "2.6, deferred when asked, its second pod seen": (
        [instance("deferred", FIRST, try_number=0)],
        [sighting(FIRST)],
        [at(LAST, "10:10:00")],
    ),
    "2.6, deferred in the second try, its second pod seen": (
        [instance("deferred", FIRST, try_number=1)],
        [sighting(FIRST)],
        [at(LAST, "10:10:00", try_number="2")],
    ),
    "2.10, deferred in the second try, its second pod seen": (
        [instance("deferred", FIRST, try_number=2)],
        [sighting(FIRST)],
        [at(LAST, "10:10:00", try_number="2")],
    ),
    "up for reschedule when asked": ([instance("up_for_reschedule", FIRST, try_number=0)], [sighting(FIRST)], [at(LAST, "10:10:00")]),
}


@pytest.mark.parametrize("name", COUNTED)
def test_airflows_count_of_tries_does_not_part_the_pods_of_one_try(name: str) -> None:
    """V7: "1 of 2 pods seen" for ever where try_number is 0 in Airflow 2.6, which counts back while a task is deferred."""
    known, sightings, pods = COUNTED[name]
    row: Row = (known, sightings, [TWO_PODS], pods, "40", "", "")
    result, _past = verdict(row)
    assert result.kind == "done", result


def test_a_deferred_task_of_2_10_does_not_join_the_next_try() -> None:
    """V7: its pods that came later are of the second try, of which one is missing."""
    known = [instance("deferred", FIRST, try_number=1)]
    pods = [at(LAST, "10:10:00"), at("dag-task-3", "10:20:00", try_number="2")]
    result, _past = verdict((known, [sighting(FIRST)], [TWO_PODS], pods, "40", "", ""))
    assert (result.kind, "1 of 2 pods" in result.reason) == ("waiting", True)


@pytest.mark.parametrize("state", ["up_for_retry", "success"])
def test_a_try_that_has_ended_does_not_join_the_next_one(state: str) -> None:
    """It is tried again, or was cleared, after task_instances were read."""
    known, pods = [instance(state, FIRST)], [at(LAST, "10:10:00", try_number="2")]
    result, _past = verdict((known, [sighting(FIRST)], [TWO_PODS], pods, "40", "", ""))
    assert (result.kind, "1 of 2 pods" in result.reason) == ("waiting", True)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("state", ["success", "skipped"])
def test_the_end_of_a_pod_is_known_whatever_number_its_try_has(state: str, number: int) -> None:
    """V7"""
    row: Row = ([instance(state, try_number=number)], [], [expect()], [pod(phase="Running")], "", "", "")
    assert verdict(row)[0].kind == "done"


# V6. name: (state, try_number, pod, expectation): the task gets another worker, however long that takes
AGAIN: dict[str, tuple[str, int, Worker, Expectation]] = {
    "sensor, the pod's end unseen": ("up_for_reschedule", 0, pod(phase="Running"), expect()),
    "sensor, the pod ended well": ("up_for_reschedule", 0, pod(), expect()),
    "sensor, 2.10": ("up_for_reschedule", 1, pod(), expect()),
    "sensor, second try": ("up_for_reschedule", 1, pod(try_number="2"), expect(tries=2)),
    "deferred": ("deferred", 0, pod(), expect()),
    "deferred, the pod's end unseen": ("deferred", 1, pod(phase="Running"), expect()),
    "up for retry, the pod's end unseen": ("up_for_retry", 1, pod(phase="Running"), expect(tries=2)),
    "up for retry, the pod ended well": ("up_for_retry", 1, pod(), expect(tries=2)),
    "queued again after adoption": ("queued", 0, pod(phase="Running"), expect()),
    "scheduled again": ("scheduled", 1, pod(phase="Running"), expect()),
    "cleared": ("none", 1, pod(phase="Running"), expect()),
    "restarting": ("restarting", 1, pod(phase="Running"), expect()),
}


@pytest.mark.parametrize("name", AGAIN)
def test_a_task_that_gets_another_worker_is_waited_for(name: str) -> None:
    """V6: a sensor in reschedule mode failed after 60 s."""
    state, number, last, expectation = AGAIN[name]
    row: Row = ([instance(state, try_number=number)], [], [expectation], [last], "", "", "")
    past: Any = {}
    for now in (0, 60, 3600):
        result, past = verdict(row, past=past, now=now)
        assert (result.kind, result.wake) == ("waiting", None), result
    newer = replace(
        last, pod={**last.pod, "metadata": {**last.metadata, "name": OTHER, "uid": "n", "creationTimestamp": "2026-05-04T11:00:00Z"}}
    )
    newer.pod["status"] = {"phase": "Succeeded"}
    assert verdict((row[0], [], [expectation], [last, newer], "", "", ""))[0].kind == "done"


@pytest.mark.parametrize(
    ("state", "worker", "words"),
    [
        ("failed", pod(phase="Failed"), "failed in try 1 of 3, and task task is failed"),
        ("failed", pod(phase="Running"), "failed in try 1 of 3, and task task is failed"),
        ("success", pod(phase="Failed"), "failed in try 1 of 3, and task task is success"),
        ("removed", pod(phase="Running"), "how it ended is unknown"),
    ],
)
def test_v6_a_task_that_has_ended_gets_no_further_try(state: str, worker: Worker, words: str) -> None:
    """It was failed for good (AirflowFailException, or by hand), so the tries that are left are never made."""
    known = [instance(state)]
    expected = [expect(tries=3)]
    workers = [settled(worker, known)]
    past = judge(workers, {}, expected, Rules(), {}, 0, find(expected, known, workers, [], ""))[1]
    verdict, _past = judge(workers, {}, expected, Rules(), past, 60, find(expected, known, workers, [], ""))
    assert verdict.kind == "failed"
    assert words in verdict.reason


def test_v6_a_task_that_ended_with_a_worker_that_was_not_seen_is_not_waited_for() -> None:
    """Only the first try was seen, and the second one's pod is gone with its Events."""
    known = [instance("success", OTHER, try_number=2)]
    expected = [expect(tries=2)]
    failed_try = settled(pod(phase="Failed"), known)
    verdict, _past = judge([failed_try], {}, expected, Rules(), {}, 0, find(expected, known, [failed_try], [], ""))
    assert (verdict.kind, f"ran as pod {OTHER} (state success), but its node cannot be proven" in verdict.reason) == ("failed", True)
    proven = find(expected, known, [failed_try], [sighting(OTHER)], "")
    assert judge([failed_try, *proven[0].workers], {}, expected, Rules(), {}, 0, proven)[0].kind == "done"


def test_the_next_worker_is_of_the_same_task() -> None:
    """V6: a task that waits for its next worker may have no hostname."""
    gone = pod(phase="Running")
    assert settled(gone, [instance("queued", "")]).awaited == "queued"
    assert settled(gone, [instance("queued", "", task_id="b")]).awaited == ""
    assert settled(pod(), [instance("queued", "")]).awaited == ""


@pytest.mark.parametrize("state", ["up_for_reschedule", "deferred", "restarting"])
def test_a_worker_known_by_its_event_only_is_not_its_tasks_last(state: str) -> None:
    """V6"""
    row: Row = ([instance(state, try_number=0)], [sighting()], [expect()], [], "", "", "")
    result, past = verdict(row)
    result, past = verdict(row, past=past, now=3600)
    assert (result.kind, "its next worker is awaited" in result.reason) == ("waiting", True)


def test_a_worker_that_ended_well_after_the_task_was_queued_is_its_last() -> None:
    """task_instances are of the time when they were read: a task that was queued then has had its worker since."""
    assert verdict(([instance("queued", "")], [], [expect()], [pod()], "", "", ""))[0].kind == "done"
    assert verdict(([instance("up_for_retry")], [], [expect()], [pod()], "", "", ""))[0].kind == "done"


def test_another_phase_than_the_end_is_reached_by_the_worker_itself() -> None:
    row: Row = ([instance("up_for_reschedule")], [], [expect()], [pod()], "", "", "")
    assert verdict(row, Rules(phase="Running"))[0].kind == "done"


@pytest.mark.parametrize("name", ["two newer events", "one newer event"])
def test_doubt_lasts_no_longer_than_its_grace(name: str) -> None:
    result, past = verdict(TABLE[name])
    assert (result.kind, result.wake) == ("waiting", 60)
    assert verdict(TABLE[name], past=past, now=59)[0].kind == "waiting"
    assert verdict(TABLE[name], past=past, now=60)[0].kind == "failed"


def test_events_alone_prove_that_it_was_scheduled_and_started() -> None:
    row = TABLE["one newer event"]
    started: Row = (row[0], [sighting(started="2026-05-04T10:00:03Z")], *row[2:])
    assert verdict(row, Rules(phase="Scheduled"))[0].kind == "done"
    assert verdict(row, Rules(phase="Running"))[0].kind == "waiting"
    assert verdict(started, Rules(phase="Running"))[0].kind == "done"


def test_workers_of_unknown_index_are_told_apart() -> None:
    row: Row = ([], [sighting(), sighting(OTHER)], [expect(count=2)], [], "40", "", "")
    assert verdict(row, Rules(phase="Scheduled"))[0].kind == "done"


def test_events_that_cannot_be_read_are_not_taken_for_none() -> None:
    (finding,) = find([expect()], [instance()], [], [], "", "Events cannot be read (403)")
    assert "deleted and Events cannot be read (403)" in finding.lost


def test_a_task_whose_worker_was_seen_needs_no_hostname() -> None:
    known = [instance(host=""), instance("upstream_failed", "", task_id="b")]
    (finding,) = find([expect(task_id=None, count=2)], known, [pod()], [], "")
    assert finding.lost == "task b is upstream_failed and no worker ran it (its hostname is empty)"


@pytest.mark.parametrize(
    ("item", "about"),
    [
        (instance(), True),
        (instance(run_id="b"), False),
        (instance(dag_id="b"), False),
        (instance(task_id="b"), False),
        (instance(map_index=1), True),
    ],
)
def test_which_expectation_an_instance_is_about(item: Instance, about: bool) -> None:
    assert item.about(expect()) is about
    assert item.about(expect(map_index=1)) is (about and item.map_index == 1)


@pytest.mark.parametrize(
    ("item", "worker", "of", "names", "in_try"),
    [
        pytest.param(instance(), pod(), True, True, True, id="its own"),
        pytest.param(instance(map_index=0), pod(map_index="0"), True, True, True, id="its own, mapped"),
        pytest.param(instance(map_index=0), pod(map_index="1"), False, False, False, id="of another map index"),
        pytest.param(instance(), pod(map_index="0"), False, False, False, id="mapped, the instance is not"),
        pytest.param(instance(), pod(task_id="b"), False, False, False, id="of another task"),
        pytest.param(instance(), pod(run_id="b"), False, False, False, id="of another run"),
        pytest.param(instance(), pod(OTHER), True, False, True, id="another pod of this try"),
        pytest.param(instance(try_number=2), pod(), True, True, False, id="of an earlier try"),
        pytest.param(instance(try_number=0), pod(), True, True, True, id="the first try, counted back"),
        pytest.param(instance(), pod(try_number="2"), True, True, True, id="the second try, counted back"),
        pytest.param(instance(), pod(OTHER, try_number="2"), True, False, False, id="another pod of a later try"),
    ],
)
def test_v7_which_worker_an_instance_is_of(item: Instance, worker: Worker, of: bool, names: bool, in_try: bool) -> None:
    assert (item.of(worker), item.names(worker), item.in_try_of(worker)) == (of, names, in_try)


def test_an_instance_is_named_with_its_map_index() -> None:
    assert (str(instance()), str(instance(map_index=0))) == ("task task", "task task[0]")


@pytest.mark.parametrize(
    ("dag_id", "task_id", "base"),
    [
        ("example_cron_dag", "say_hi", "example-cron-dag-say-hi"),
        ("Train.Nightly", "group.Fit_1", "train-nightly-group-fit-1"),
        ("_odd_-..dag_", "__t__", "odd-dag-t"),
        ("a" * 40, "b" * 40, "a" * 40 + "-" + "b" * 30),
        ("a" * 70, "b", "a" * 70),
        ("a" * 71, "b", "a" * 71),
        ("a" * 53, "b" * 20, "a" * 53),
        ("a" * 54, "b", "a" * 54),
        ("a" * 40, "b" * 40, "a" * 40 + "-" + "b" * 13),
    ],
)
def test_pod_names_are_those_that_airflow_makes(dag_id: str, task_id: str, base: str) -> None:
    """The bases are what create_pod_id of Airflow 2.6.3 answers, and the last three what create_unique_id of the provider 10.1.0 does."""
    names = pod_names(dag_id, task_id)
    assert names is not None
    assert names.fullmatch(f"{base}-ypr2rw8m")
    for wrong in (f"{base}-ypr2rw8", f"{base}-ypr2rw8mx", f"x{base}-ypr2rw8m", f"{base}-YPR2RW8M"):
        assert not names.fullmatch(wrong)


def test_names_that_cannot_be_told() -> None:
    assert pod_names("é", "task") is None
    assert pod_names("..", "..") is None


def test_hostname() -> None:
    assert hostname("a" * 63) == "a" * 63
    assert hostname("a" * 64) == "a" * 63
    assert hostname("a" * 61 + "-" + "b" * 8) == "a" * 61 + "-b"
    assert hostname("a" * 62 + "-" + "b" * 8) == "a" * 62
    assert not whole("a" * 62)
    assert whole("a" * 61)


GIVEN = {
    "task_id": "task",
    "map_index": -1,
    "try_number": 1,
    "state": "success",
    "hostname": f"{POD}.airflow.svc",
    "operator": "BashOperator",
}


def test_instances() -> None:
    assert instances([GIVEN], [expect()]) == [instance()]
    assert instances([{**GIVEN, "map_index": "2", "try_number": None, "state": None, "hostname": None}], [expect()]) == [
        instance("none", "", map_index=2)
    ]


def test_instances_of_several_runs_name_theirs() -> None:
    runs = [expect(), expect(run_id="b"), expect(dag_id="other")]
    assert instances([{**GIVEN, "dag_id": "dag", "dag_run_id": "b"}], runs) == [instance(run_id="b")]
    assert instances([{**GIVEN, "dag_id": "other"}], runs) == [instance(dag_id="other")]
    assert instances([{**GIVEN, "run_id": "unexpected"}], runs) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"task_id": "a"}, "has no state and no hostname"),
        ({**GIVEN, "map_index": "x"}, "map_index of task_instances.0. is 'x': it must be a whole number"),
        (GIVEN, "may be of 2 of the expected runs"),
    ],
)
def test_instances_that_make_no_sense_are_refused(given: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        instances([given], [expect(), expect(run_id="b")])
