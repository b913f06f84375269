# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random but valid pods, Events and task instances, as they follow one another: what must hold of each verdict (V4 to V7)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Line, Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change
from ansible_collections.gitops.airflow.plugins.module_utils._placement.events import Sighting
from ansible_collections.gitops.airflow.plugins.module_utils._placement.evidence import Instance, find, settled
from ansible_collections.gitops.airflow.plugins.module_utils._placement.run import Placement, Request, failure
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import (
    Expectation,
    Finding,
    Past,
    Rules,
    by_task,
    judge,
    stray,
)
from ansible_collections.gitops.airflow.plugins.module_utils._placement.wait import PlacementWait
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import Worker
from hypothesis import given
from hypothesis import strategies as st

START = datetime.datetime(2026, 5, 4, 10, 0, tzinfo=datetime.UTC)
GRACE = 60
NAMES = ("dag-task-aaaaaaaa", "dag-task-bbbbbbbb", "dag-task-cccccccc", "a" * 55 + "-task-dddddddd", "a" * 55 + "-task-eeeeeeee")
STATES = (
    "none",
    "scheduled",
    "queued",
    "running",
    "deferred",
    "restarting",
    "up_for_retry",
    "up_for_reschedule",
    "success",
    "failed",
    "skipped",
    "upstream_failed",
    "removed",
)
STARTING = ("ContainerCreating", "PodInitializing", "ErrImagePull", "ImagePullBackOff", "CrashLoopBackOff", "CreateContainerConfigError")


def moment(seconds: float) -> str:
    return (START + datetime.timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


moments = st.integers(0, 600).map(moment)
terminated = st.fixed_dictionaries(
    {"exitCode": st.sampled_from([0, 0, 1, 137, 143])},
    optional={
        "reason": st.sampled_from(["Completed", "Error", "OOMKilled", "ContainerStatusUnknown"]),
        "message": st.sampled_from(["", "authentication required", "x " * 400]),
        "startedAt": moments,
        "finishedAt": moments,
    },
)
ended = st.fixed_dictionaries({"terminated": terminated})
waiting = st.fixed_dictionaries(
    {"waiting": st.fixed_dictionaries({}, optional={"reason": st.sampled_from(STARTING), "message": st.just("why")})}
)
running = st.fixed_dictionaries({"running": st.fixed_dictionaries({}, optional={"startedAt": moments})})
states: st.SearchStrategy[Obj] = st.one_of(st.just({}), waiting, running, ended)


def statuses(*names: str) -> st.SearchStrategy[list[Obj]]:
    parts = [
        st.fixed_dictionaries({"name": st.just(name)}, optional={"image": st.just("i"), "state": states, "lastState": ended})
        for name in names
    ]
    return st.lists(st.one_of(parts), max_size=3, unique_by=lambda item: str(item["name"]))


conditions = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("PodScheduled"), "status": st.sampled_from(["True", "False"])},
            optional={
                "reason": st.sampled_from(["Unschedulable", "SchedulerError", "SchedulingGated"]),
                "message": st.just("0/1 nodes are available"),
                "lastTransitionTime": moments,
            },
        ),
        st.fixed_dictionaries(
            {"type": st.just("DisruptionTarget"), "status": st.sampled_from(["True", "False"])},
            optional={"reason": st.just("PreemptionByScheduler"), "message": st.just("preempting")},
        ),
    ),
    max_size=2,
)
pod_statuses = st.fixed_dictionaries(
    {},
    optional={
        "phase": st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Unknown"]),
        "reason": st.sampled_from(["Evicted", "DeadlineExceeded"]),
        "message": st.just("The node was low on resource: memory."),
        "conditions": st.one_of(st.none(), conditions),
        "containerStatuses": st.one_of(st.none(), statuses("base", "proxy", "log")),
        "initContainerStatuses": st.one_of(st.none(), statuses("git-sync-init", "proxy-init")),
    },
)


@st.composite
def pods(draw: st.DrawFn) -> Obj:
    """Any pod of the run, in any state."""
    ids = {"dag_id": "dag", "run_id": "run", "task_id": draw(st.sampled_from(["task", "task", "other"]))}
    ids["try_number"] = draw(st.sampled_from(["1", "1", "2", "3", "0", "", "x", "\u00b2"]))
    if index := draw(st.sampled_from(["", "", "0", "1", "\u00b2"])):
        ids["map_index"] = index
    name = draw(st.sampled_from(NAMES))
    metadata: Obj = {
        "name": name,
        "namespace": draw(st.sampled_from(["cron", "cron", "cron", "default"])),
        "uid": f"{name}-{draw(st.integers(0, 1))}",
        "resourceVersion": str(draw(st.integers(1, 99))),
        "annotations": ids,
    }
    if created := draw(st.one_of(st.none(), moments)):
        metadata["creationTimestamp"] = created
    spec = {"nodeName": "node-1"} if draw(st.booleans()) else {}
    return {"metadata": metadata, "spec": spec, "status": draw(pod_statuses)}


workers = st.builds(Worker, pods(), st.booleans())
expectations = st.builds(
    Expectation,
    st.just("dag"),
    st.just("run"),
    st.just("cron"),
    task_id=st.sampled_from([None, "task"]),
    map_index=st.just(None),
    count=st.integers(1, 2),
    tries=st.integers(1, 3),
    pods_per_task=st.integers(1, 2),
)
rules = st.builds(
    Rules, st.sampled_from(["Scheduled", "Running", "Succeeded"]), unschedulable_grace=st.just(GRACE), start_grace=st.just(GRACE)
)
instances = st.builds(
    Instance,
    st.just("dag"),
    st.just("run"),
    st.sampled_from(["task", "other"]),
    st.sampled_from([-1, -1, 0, 1]),
    st.integers(0, 3),
    st.sampled_from(STATES),
    st.sampled_from(["", *(name[:63] for name in NAMES)]),
)
sightings = st.builds(
    Sighting,
    st.sampled_from(["cron", "cron", "default"]),
    st.sampled_from(NAMES),
    st.sampled_from(["1", "2", "3"]),
    node=st.sampled_from(["", "node-1"]),
    scheduled=st.one_of(st.just(""), moments),
    started=st.one_of(st.just(""), moments),
    version=st.integers(0, 99),
)


def check(verdict: Verdict, seen: list[Worker], expect: Expectation, rule: Rules, finding: Finding, now: float) -> None:
    """What must hold of any verdict, whatever came before."""
    tasks = by_task(seen, expect)
    if verdict.kind == "done":
        assert len(tasks) == expect.count
        assert not any(stray(worker, [expect]) for worker in seen)
        for task in tasks:
            assert task[-1].reached(rule.phase)
            assert task[-1].phase != "Failed"
            assert not any(worker.phase == "Failed" and worker.try_number >= expect.tries for worker in task)
        return
    assert verdict.reason.strip()
    assert "None" not in verdict.reason
    if verdict.kind == "waiting":
        assert verdict.wake is None or verdict.wake > now
        return
    placement = Placement(verdict, False, [], [], ["*"], "1", [], now)
    error = failure(Request([expect]), placement)
    assert error.message
    assert error.next_action
    assert error.code


def is_final(seen: list[Worker], expect: Expectation, finding: Finding) -> bool:
    """Whether no later state can mend it: only then may it fail before a grace is over."""
    tasks = by_task(seen, expect)
    return (
        any(stray(worker, [expect]) for worker in seen)
        or len(tasks) > expect.count
        or bool(finding.lost)
        or any(worker.phase == "Failed" and worker.try_number >= expect.tries for task in tasks for worker in task)
    )


@given(st.lists(workers, max_size=5), expectations, rules, st.lists(instances, max_size=3), st.lists(sightings, max_size=3), st.booleans())
def test_fuzz_one_look(
    seen: list[Worker], expect: Expectation, rule: Rules, known: list[Instance], events: list[Sighting], since: bool
) -> None:
    """Any state of the cluster, with any knowledge of Airflow's and of Events."""
    seen = [settled(worker, known) for worker in {worker.key: worker for worker in seen}.values()]
    (finding,) = find([expect], known, seen, events, "40" if since else "")
    seen += {worker.key: worker for worker in finding.workers}.values()
    verdict, _past = judge(seen, {"node-1": {}}, [expect], rule, {}, 0, [finding])
    check(verdict, seen, expect, rule, finding, 0)
    assert verdict.kind != "failed" or is_final(seen, expect, finding)
    for worker in seen:
        assert worker.end
        assert worker.timings()


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[int, dict[str, Worker]]]:
    """Looks at the pods of one task as they come, go on, end or are deleted, with the time of each look."""
    looks: list[tuple[int, dict[str, Worker]]] = []
    alive: dict[str, Worker] = {}
    now = 0
    for _look in range(draw(st.integers(1, 8))):
        now += draw(st.sampled_from([0, 1, 30, 60, 200]))
        for _change in range(draw(st.integers(0, 2))):
            worker = Worker(draw(pods()), draw(st.booleans()))
            known = alive.get(worker.key)
            if known is None or not known.deleted:
                alive[worker.key] = worker
        looks.append((now, dict(alive)))
    return looks


@given(stories(), expectations, rules)
def test_fuzz_looks_that_follow_one_another(story: list[tuple[int, dict[str, Worker]]], expect: Expectation, rule: Rules) -> None:
    """A failure that is not final has lasted for its grace, of the very pod that it names."""
    past: Past = {}
    for place, (now, seen) in enumerate(story):
        verdict, past = judge([*seen.values()], {"node-1": {}}, [expect], rule, past, now)
        check(verdict, [*seen.values()], expect, rule, Finding(), now)
        if verdict.kind == "failed" and not is_final([*seen.values()], expect, Finding()):
            blamed = [worker for worker in seen.values() if f"worker {worker.name} for" in verdict.reason]
            lasting = [at for at, _looked in story[: place + 1] if at <= now - GRACE]
            assert lasting
            since = next(looked for at, looked in reversed(story[: place + 1]) if at == lasting[-1])
            assert any(worker.key in since for worker in blamed)
        if verdict.kind != "waiting":
            return


class Silent:
    """No node, no Event, no log."""

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        return {"items": [], "metadata": {}}

    def watch(self, path: str, query: dict[str, Any]) -> Iterator[Obj]:
        yield from ()

    def get(self, path: str) -> Obj:
        return {}

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int) -> Iterator[str]:
        yield from ()


changes = st.one_of(
    st.builds(lambda items: Change("listed", tuple(items)), st.lists(pods(), max_size=3)),
    st.builds(lambda item, kind: Change("event", (item,), type=kind), pods(), st.sampled_from(["ADDED", "MODIFIED", "DELETED"])),
    st.just(Change("watching")),
    st.just(Change("notice", text="The history is gone")),
)


@given(
    st.lists(st.tuples(st.lists(changes, max_size=2), st.sampled_from([0, 1, 60])), max_size=8),
    expectations,
    rules,
    st.lists(instances, max_size=2),
    st.sampled_from(["", "3"]),
)
def test_fuzz_changes_of_a_watch(
    story: list[tuple[list[Change], int]], expect: Expectation, rule: Rules, known: list[Instance], since: str
) -> None:
    """The wait keeps each pod once, by namespace and uid, and shows and proves what it judged."""
    lines: list[Line] = []
    one = PlacementWait(Silent(), [expect], rule, 0, 0.0, known, Progress(lines.append))
    one.sources([], since)
    now = 0
    for batch, seconds in story:
        now += seconds
        verdict = one.step([(0, change) for change in batch], now)
        check(verdict, one.proofs, expect, rule, Finding(), now)
        assert len({worker.key for worker in one.proofs}) == len(one.proofs)
        shown = len(lines)
        one.step([], now)
        assert len(lines) == shown
    one.results()
