# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers that were deleted unseen: what Events and task instances prove, and the verdict that follows."""

from __future__ import annotations

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
    "two newer events": ([], [sighting(), sighting(OTHER)], [expect()], [], "40", "waiting", "Events alone cannot tell"),
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
        "show 3 deleted or other pods",
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
