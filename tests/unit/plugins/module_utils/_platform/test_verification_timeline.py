# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeline of a fresh install, with times that are no longer known, and with clocks that differ. The workers are recorded."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Rules
from ansible_collections.gitops.airflow.plugins.module_utils._placement.wait import PlacementWait
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_timeline import (
    Event,
    as_list,
    contradictions,
    known,
    moment,
    task_of,
    timeline,
)
from ansible_collections.gitops.airflow.tests.unit.places import RECORDED
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils.test_recorded import CRON, USER, merged

Obj = dict[str, Any]
VERIFIED_AT = "2026-11-23T00:28:13Z"
APPLICATION: Obj = {
    "metadata": {"name": "airflow-core"},
    "status": {
        "operationState": {
            "startedAt": "2026-11-23T00:26:05Z",
            "finishedAt": "2026-11-23T00:27:38Z",
            "syncResult": {"revision": "c09497e" + "0" * 33},
        }
    },
}
JOB: Obj = {
    "metadata": {"name": "airflow-run-airflow-migrations"},
    "status": {"startTime": "2026-11-23T00:26:21Z", "completionTime": "2026-11-23T00:26:46Z"},
}
DAG_RUNS: dict[str, Obj] = {
    dag_id: {
        "logical_date": f"2026-11-23T00:27:{created}.482113+00:00",
        "start_date": f"2026-11-23T00:27:{started}.107440+00:00",
        "end_date": f"2026-11-23T00:28:{ended}.250000+00:00",
    }
    for dag_id, created, started, ended in (("example_cron_dag", 52, 53, 11), ("example_user_dag", 52, 53, "07"))
}


def pod(name: str, component: str, created: str, started: str, ready: str, restarts: int = 0) -> Obj:
    """A pod as the kubelet of Kubernetes 1.29 leaves it. Times are seconds after 00:26."""
    times = [f"2026-11-23T00:{26 + int(text) // 60}:{int(text) % 60:02}Z" for text in (created, started, ready)]
    return {
        "metadata": {"name": name, "labels": {"tier": "airflow", "component": component}, "creationTimestamp": times[0]},
        "spec": {"containers": [{"name": component, "image": f"registry.example/{component}:1"}]},
        "status": {
            "conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": times[0]},
                {"type": "Ready", "status": "True", "lastTransitionTime": times[2]},
            ],
            "containerStatuses": [{"name": component, "restartCount": restarts, "state": {"running": {"startedAt": times[1]}}}],
        },
    }


PODS = [
    pod("airflow-webserver-6b5d9c7f4-x2x9k", "webserver", "60", "71", "97"),
    pod("airflow-mysql-0", "mysql", "7", "9", "19"),
    pod("airflow-scheduler-5f7d8b9c6-jq4w8", "scheduler", "61", "70", "92"),
    pod("airflow-triggerer-7c9f6d5b8-p8l2m", "triggerer", "61", "72", "88"),
]


@cache
def _recorded() -> str:
    wait = PlacementWait(cast(Any, None), [CRON, USER], Rules(), 0, 0.0)
    states: dict[str, Obj] = {}
    for second, event, name, patch in json.loads((RECORDED / "workers-run.json").read_text()):
        states[name] = merged(states.get(name), patch)
        wait.step([(0, Change("event", (states[name],), type=event))], second)
    return json.dumps(wait.results()[0])


def placements() -> list[Obj]:
    """The workers of one verification in a kind cluster, a copy for each caller."""
    found: list[Obj] = json.loads(_recorded())
    return found


def events(**changes: Any) -> list[Event]:
    given = {"application": APPLICATION, "pods": PODS, "job": JOB, "dag_runs": DAG_RUNS, "placements": placements(), **changes}
    return timeline(**given, verified_at=VERIFIED_AT)


def shown(found: list[Event]) -> list[str]:
    """One line for each event, with its times within the hour."""
    return [f"{event.kind}: {event.subject} {event.label} {event.start[14:-1]}-{event.end[14:-1]}" for event in found]


def of(found: list[Event], kind: str) -> list[str]:
    return [line.removeprefix(f"{kind}: ") for line in shown(found) if line.startswith(f"{kind}: ")]


FRESH = """\
sync: Application airflow-core syncs c09497e 26:05-27:38
database: Pod airflow-mysql-0 waits for a node 26:07-26:07
database: Pod airflow-mysql-0 prepares containers 26:07-26:09
database: Pod airflow-mysql-0 becomes ready 26:09-26:19
migrations: Job airflow-run-airflow-migrations runs 26:21-26:46
pod: Pod airflow-webserver-6b5d9c7f4-x2x9k waits for a node 27:00-27:00
pod: Pod airflow-webserver-6b5d9c7f4-x2x9k prepares containers 27:00-27:11
pod: Pod airflow-scheduler-5f7d8b9c6-jq4w8 waits for a node 27:01-27:01
pod: Pod airflow-scheduler-5f7d8b9c6-jq4w8 prepares containers 27:01-27:10
pod: Pod airflow-triggerer-7c9f6d5b8-p8l2m waits for a node 27:01-27:01
pod: Pod airflow-triggerer-7c9f6d5b8-p8l2m prepares containers 27:01-27:12
pod: Pod airflow-scheduler-5f7d8b9c6-jq4w8 becomes ready 27:10-27:32
pod: Pod airflow-webserver-6b5d9c7f4-x2x9k becomes ready 27:11-27:37
pod: Pod airflow-triggerer-7c9f6d5b8-p8l2m becomes ready 27:12-27:28
dag_run: DAG example_cron_dag waits in the queue 27:52.482-27:53.107
dag_run: DAG example_cron_dag runs 27:53.107-28:11.250
dag_run: DAG example_user_dag waits in the queue 27:52.482-27:53.107
dag_run: DAG example_user_dag runs 27:53.107-28:07.250
worker: example_user_dag.ad_hoc waits for a node 27:57-27:57
worker: example_user_dag.ad_hoc prepares containers 27:57-27:59
worker: example_user_dag.ad_hoc runs 27:59-28:05
worker: example_cron_dag.say_hi waits for a node 28:05-28:05
worker: example_cron_dag.say_hi prepares containers 28:05-28:07
worker: example_cron_dag.say_hi runs 28:07-28:10
proof: Platform is proven 28:13-28:13"""


def test_a_fresh_install() -> None:
    found = events()
    assert "\n".join(shown(found)) == FRESH
    assert contradictions(found) == []
    assert [event.seconds for event in found][:5] == [93.0, 0.0, 2.0, 10.0, 25.0]


def test_a_kept_proof_has_the_same_events() -> None:
    found = events(job=None)
    report = {"verified_at": VERIFIED_AT, "runs": placements(), "timeline": as_list(found)}
    assert known(json.loads(json.dumps(report))) == found


def test_the_proof_of_an_earlier_version_has_its_workers() -> None:
    assert "\n".join(shown(known({"verified_at": VERIFIED_AT, "runs": placements()}))) == FRESH[FRESH.index("worker:") :]
    assert known({}) == []


def operation(**change: Any) -> Obj:
    return cast(Obj, merged(APPLICATION, {"status": {"operationState": change}}))


def changed(number: int, **status: Any) -> list[Obj]:
    return [merged(item, {"status": status}) if place == number else item for place, item in enumerate(PODS)]


UNREADY = [*PODS[0]["status"]["conditions"][:1], {"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-23T00:27:00Z"}]
WAITING = [{"name": "webserver", "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]
WEBSERVER = "Pod airflow-webserver-6b5d9c7f4-x2x9k"


@pytest.mark.parametrize(
    ("changes", "kind", "expected"),
    [
        ({"application": {}}, "sync", []),
        ({"application": operation(finishedAt=None)}, "sync", ["Application airflow-core syncs c09497e 26:05-"]),
        ({"application": operation(syncResult=None)}, "sync", ["Application airflow-core syncs 26:05-27:38"]),
        ({"application": operation(startedAt="soon")}, "sync", []),
        ({"job": None}, "migrations", []),
        ({"job": {"metadata": {"name": "m"}}}, "migrations", []),
        ({"job": {"metadata": {"name": "m"}, "status": {"startTime": "2026-11-23T00:26:21Z"}}}, "migrations", ["Job m runs 26:21-"]),
        ({"pods": [PODS[0], *PODS[2:]]}, "database", []),
        ({"pods": []}, "pod", []),
        (
            {"pods": changed(0, conditions=UNREADY)[:1]},
            "pod",
            [
                f"{WEBSERVER} waits for a node 27:00-27:00",
                f"{WEBSERVER} prepares containers 27:00-27:11",
                f"{WEBSERVER} becomes ready 27:11-",
            ],
        ),
        (
            {"pods": changed(0, conditions=UNREADY, containerStatuses=WAITING)[:1]},
            "pod",
            [f"{WEBSERVER} waits for a node 27:00-27:00", f"{WEBSERVER} prepares containers 27:00-"],
        ),
        # One of two containers runs.
        (
            {"pods": changed(0, containerStatuses=[*PODS[0]["status"]["containerStatuses"], *WAITING])[:1]},
            "pod",
            [f"{WEBSERVER} waits for a node 27:00-27:00", f"{WEBSERVER} prepares containers 27:00-"],
        ),
        # Its first start is over, and no object says when it was.
        (
            {"pods": [pod("w", "webserver", "60", "80", "97", restarts=2)]},
            "pod",
            [
                "Pod w waits for a node 27:00-27:00",
                "Pod w prepares containers 27:00-",
                "Pod w is ready again (restarts: 2) 27:37-27:37",
            ],
        ),
        ({"pods": [{"metadata": {"name": "w", "creationTimestamp": "2026-11-23T00:27:00Z"}}]}, "pod", ["Pod w waits for a node 27:00-"]),
        ({"dag_runs": {"a": {"state": "success"}}}, "dag_run", []),
        ({"dag_runs": {"a": {"start_date": "2026-11-23T00:27:53Z", "end_date": None}}}, "dag_run", ["DAG a runs 27:53-"]),
        ({"placements": []}, "worker", []),
        ({"placements": [{"dag_id": "a", "task_id": "t"}]}, "worker", []),
        # Known from Events alone: when it was created and how it ended is unknown.
        (
            {
                "placements": [
                    {"dag_id": "a", "task_id": "t", "timings": {"scheduled": "2026-11-23T00:27:57Z", "running": "2026-11-23T00:27:59Z"}}
                ]
            },
            "worker",
            ["a.t prepares containers 27:57-27:59", "a.t runs 27:59-"],
        ),
    ],
)
def test_what_is_not_known_is_left_out(changes: Obj, kind: str, expected: list[str]) -> None:
    found = events(**changes)
    assert of(found, kind) == expected
    touched = ("pod: ", "database: ") if "pods" in changes else (f"{kind}: ",)
    assert [line for line in shown(found) if not line.startswith(touched)] == [
        line for line in FRESH.splitlines() if not line.startswith(touched)
    ]


@pytest.mark.parametrize(
    ("kind", "start", "end", "seconds", "words"),
    [
        ("worker", "00:28:00", "00:28:05", 5.0, ""),
        ("worker", "00:28:05", "00:28:05", 0.0, ""),
        ("worker", "00:28:05", "00:28:02", None, "s x from 2026-11-23T00:28:05Z to 2026-11-23T00:28:02Z."),
        ("worker", "00:28:00", "00:28:14", 14.0, ""),  # this machine cuts the part of a second off
        ("worker", "00:28:00", "00:28:15", 15.0, "s x at 2026-11-23T00:28:15Z, after the verification at 2026-11-23T00:28:13Z."),
        ("pod", "00:29:00", "", None, "s x at 2026-11-23T00:29:00Z, after the verification at 2026-11-23T00:28:13Z."),
        ("pod", "00:28:00", "", None, ""),
    ],
)
def test_clocks_that_differ(kind: str, start: str, end: str, seconds: float | None, words: str) -> None:
    event = Event(kind, "s", "x", f"2026-11-23T{start}Z", end and f"2026-11-23T{end}Z")
    assert event.seconds == seconds
    assert contradictions([event, Event("proof", "Platform", "is proven", VERIFIED_AT, VERIFIED_AT)]) == ([words] if words else [])
    assert contradictions([event]) == ([words] if " from " in words else [])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-11-23T01:27:51.25+01:00", "2026-11-23T00:27:51.250Z"),
        ("2026-11-23T00:27:51", "2026-11-23T00:27:51Z"),
        ("soon", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_times_have_one_form(given: str | None, expected: str) -> None:
    assert moment(given) == expected


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "a.t"),
        ({"map_index": -1, "try_number": 1}, "a.t"),
        ({"map_index": 0, "try_number": 2}, "a.t[0] (try 2)"),
        ({"map_index": None, "try_number": None}, "a.t"),
    ],
)
def test_a_task_has_its_map_index_and_its_try(more: Obj, text: str) -> None:
    assert task_of({"dag_id": "a", "task_id": "t", **more}) == text
