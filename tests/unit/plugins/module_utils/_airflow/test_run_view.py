# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a run that is followed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.run_view import (
    Ledger,
    Tasks,
    TaskView,
    number,
    report,
    seconds,
    summary,
    task_key,
    try_key,
)
from hypothesis import given
from hypothesis import strategies as st


@dataclass(frozen=True)
class Pod:
    name: str = "pod-1"
    node: str = "node-1"
    namespace: str = "airflow-user"
    try_number: int = 1
    blocked: list[tuple[str, str]] = field(default_factory=list)


def task(state: str | None, task_id: str = "load", **more: Any) -> dict[str, Any]:
    return {"task_id": task_id, "map_index": -1, "try_number": 1, "state": state, **more}


Look = tuple[list[dict[str, Any]], dict[tuple[str, int], Any]]
LOAD = ("load", -1)


@pytest.mark.parametrize(
    ("looks", "lines"),
    [
        pytest.param([([task(None)], {})], [], id="not scheduled"),
        pytest.param([([task("scheduled")], {}), ([task("scheduled")], {})], ["load: scheduled"], id="once"),
        pytest.param(
            [
                ([task("queued", try_number=0)], {}),
                ([task("queued", try_number=0)], {LOAD: Pod(node="")}),
                ([task("queued", try_number=0)], {LOAD: Pod()}),
                ([task("running")], {LOAD: Pod()}),
                ([task("success")], {}),
            ],
            [
                "load: queued",
                "load: queued, its pod is on node-1 in airflow-user",
                "load: running on node-1 in airflow-user",
                "load: success on node-1 in airflow-user",
            ],
            id="the place is kept when the pod is gone",
        ),
        pytest.param(
            [
                ([task("running")], {LOAD: Pod()}),
                ([task("up_for_retry")], {LOAD: Pod()}),
                ([task("scheduled")], {LOAD: Pod()}),
                ([task("queued")], {LOAD: Pod()}),
                ([task("queued")], {LOAD: Pod("pod-2", "node-2")}),
                ([task("running", try_number=2)], {LOAD: Pod("pod-2", "node-2")}),
                ([task("failed", try_number=2)], {LOAD: Pod("pod-2", "node-2")}),
            ],
            [
                "load: running on node-1 in airflow-user",
                "load: up_for_retry on node-1 in airflow-user",
                "load: scheduled",
                "load: queued",
                "load: queued, its pod is on node-2 in airflow-user",
                "load: running (try 2) on node-2 in airflow-user",
                "load: failed (try 2) on node-2 in airflow-user",
            ],
            id="a second try has a place of its own",
        ),
        pytest.param(
            [
                ([task("running")], {LOAD: Pod()}),
                ([task("deferred", try_number=0)], {}),
                ([task("running")], {LOAD: Pod("pod-2", "node-2")}),
            ],
            [
                "load: running on node-1 in airflow-user",
                "load: deferred, its last pod was on node-1 in airflow-user",
                "load: running on node-2 in airflow-user",
            ],
            id="deferred",
        ),
        pytest.param(
            [([task("running")], {}), ([task("running", try_number=2)], {})],
            ["load: running", "load: running (try 2)"],
            id="a try between two looks",
        ),
        pytest.param(
            [([task("queued")], {LOAD: Pod(node="", blocked=[("base", "ImagePullBackOff: no such image")])})] * 2,
            ["load: queued, its pod is in airflow-user: ImagePullBackOff: no such image"],
            id="a worker that does not start",
        ),
        pytest.param(
            [([task("running"), task("running", map_index=2)], {}), ([task("removed")], {})],
            ["load: running", "load[2]: running", "load: removed", "load[2]: no longer in the run"],
            id="removed",
        ),
        pytest.param(
            [([task(None)], {}), ([task("scheduled", map_index=index) for index in (0, 1)], {}), ([task("running", map_index=1)], {})],
            ["load[0]: scheduled", "load[1]: scheduled", "load[1]: running", "load[0]: no longer in the run"],
            id="a mapped task",
        ),
        pytest.param(
            [([task("upstream_failed", try_number=0), task("skipped", "b", try_number=None, map_index=None)], {})],
            ["load: upstream_failed", "b: skipped"],
            id="never begun",
        ),
        pytest.param(
            [
                ([task("queued")], {LOAD: Pod(node="", blocked=[("base", "ErrImagePull")])}),
                ([task("queued")], {LOAD: Pod(node="")}),
                ([task("failed")], {LOAD: Pod(node="", blocked=[("base", "ErrImagePull")])}),
            ],
            ["load: queued, its pod is in airflow-user: ErrImagePull", "load: failed in airflow-user"],
            id="a worker that starts after all, and one that is over",
        ),
        pytest.param(
            [([task("queued")], {LOAD: Pod(node="")}), ([task("queued")], {LOAD: Pod(node="", blocked=[("base", "ErrImagePull")])})],
            ["load: queued, its pod is in airflow-user", "load: queued, its pod is in airflow-user: ErrImagePull"],
            id="a worker that does not start after a while",
        ),
        pytest.param(
            [([task("running")], {LOAD: Pod(node="")}), ([task("running")], {LOAD: Pod()})],
            ["load: running in airflow-user", "load: running on node-1 in airflow-user"],
            id="a node that is known late",
        ),
        pytest.param(
            [([task("queued")], {LOAD: Pod()}), ([task("queued")], {}), ([task("running")], {})],
            ["load: queued, its pod is on node-1 in airflow-user", "load: running on node-1 in airflow-user"],
            id="a pod that one look misses",
        ),
        pytest.param(
            [([task("running"), task("running", "b")], {}), ([task("running", "b")], {})],
            ["load: running", "b: running", "load: no longer in the run"],
            id="one of two that is gone",
        ),
        pytest.param(
            [([task("queued", try_number=1)], {}), ([task("queued", try_number=2)], {})],
            ["load: queued"],
            id="a try counts only when it has begun",
        ),
        pytest.param(
            [
                ([task("running")], {LOAD: Pod()}),
                ([task("running")], {LOAD: Pod(node="")}),
                ([task("success")], {LOAD: Pod()}),
                ([task("success")], {LOAD: Pod(node="node-2")}),
            ],
            ["load: running on node-1 in airflow-user", "load: success on node-1 in airflow-user"],
            id="a place that is not known, or not any more of interest",
        ),
        pytest.param([([task("restarting")], {}), ([task("shutdown")], {})], ["load: restarting", "load: shutdown"], id="restarting"),
    ],
)
def test_one_line_for_each_change(looks: list[Look], lines: list[str]) -> None:
    tasks = Tasks()
    assert [line for found, workers in looks for line in tasks.changes(found, workers)] == lines


def test_a_try_is_named_only_when_it_has_begun() -> None:
    assert [str(TaskView(state, 2)) for state in ("queued", "running", "deferred")] == ["queued", "running (try 2)", "deferred"]


@pytest.mark.parametrize(("value", "expected"), [(3, 3), (0, 0), (True, 0), ("2", 0), (None, 0), (1.5, 0)])
def test_a_number_of_airflows_answer(value: Any, expected: int) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("given_task", "key"),
    [
        ({"task_id": "a", "map_index": 3, "try_number": 2}, ("a", 3, 2)),
        ({"task_id": "a", "map_index": -1, "try_number": 0}, ("a", -1, 1)),
        ({"task_id": "a"}, ("a", -1, 1)),
        ({"task_id": "a", "map_index": None, "try_number": None}, ("a", -1, 1)),
    ],
)
def test_which_log_is_meant(given_task: dict[str, Any], key: tuple[str, int, int]) -> None:
    assert try_key(given_task) == key
    assert task_key(given_task) == key[:2]


END = "[x] {local_task_job_runner.py:225} INFO - Task exited with return code 0"


def test_a_line_is_shown_once() -> None:
    ledger = Ledger(100)
    assert ledger.add(["a", "b"]) == ["a", "b"]
    assert ledger.fresh(["a", "b", "c"]) == ["c"]
    assert ledger.fresh(["b", "c"]) == []  # only the end of the log
    assert ledger.fresh(["a", "b", "b", "c"]) == ["b"]
    assert not ledger.ended
    ledger.fresh(["a", END])
    assert ledger.ended
    ledger.ended = False
    ledger.fresh(["a", END])
    assert not ledger.ended  # the words of a worker before
    ledger.fresh(["Task exited with return code 100 (task deferral)"])
    assert not ledger.ended


def test_a_log_may_say_its_last_words_in_the_pod() -> None:
    ledger = Ledger(100)
    ledger.add(["a", END])
    assert ledger.ended
    ledger.add(["killed"])
    assert ledger.ended


def test_a_long_log_is_cut_once() -> None:
    ledger = Ledger(2)
    assert ledger.add(["a", "b"]) == ["a", "b"]
    assert not ledger.full
    assert ledger.add(["c"]) == ["… lines after the first 2 are not shown here"]
    assert ledger.full
    assert ledger.add(["d"]) == []
    assert Ledger(2).add(["a", "b", "c"]) == ["a", "b", "… lines after the first 2 are not shown here"]


TIMES = {"start_date": "2026-05-04T10:00:00+00:00", "end_date": "2026-05-04T10:00:05.600000+00:00"}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (TIMES, 5.6),
        ({"start_date": None, "end_date": None}, None),
        ({}, None),
        ({"start_date": "soon", "end_date": TIMES["end_date"]}, None),
        ({"start_date": TIMES["start_date"], "end_date": None}, None),
        ({"start_date": "2026-05-04T10:00:00", "end_date": TIMES["end_date"]}, None),
        ({"start_date": TIMES["start_date"], "end_date": "2026-05-04T10:00:05"}, None),
        ({"start_date": "2026-05-04T10:00:00", "end_date": "2026-05-04T10:00:05"}, 5),
    ],
)
def test_how_long_it_took(item: dict[str, Any], expected: float | None) -> None:
    assert seconds(item) == expected


def test_the_summary() -> None:
    tasks = [task("success", **TIMES), task("upstream_failed", "report", try_number=0, start_date=None)]
    run = {"dag_id": "d", "dag_run_id": "r", "state": "failed", **TIMES}
    places = {LOAD: TaskView("success", 1, "airflow-user", "node-1")}
    assert summary(run, tasks, places) == [
        "d run r: failed after 5.6 s",
        "  task    state            try  duration  ran",
        "  load    success          1    5.6 s     on node-1 in airflow-user",
        "  report  upstream_failed",
    ]
    found = json.loads(report(run, tasks, places))
    assert (found["state"], found["run_id"], found["tasks"][0]["node"]) == ("failed", "r", "node-1")


def test_the_summary_of_many_tasks_shows_those_that_failed() -> None:
    tasks = [task("success", map_index=index) for index in range(60)] + [task("failed", "late")]
    lines = summary({"dag_id": "d", "dag_run_id": "r", "state": "failed"}, tasks, {})
    assert lines[2].split() == ["late", "failed", "1"]
    assert lines[-1] == "  and 11 success"


def test_the_summary_of_tasks_that_all_have_a_row() -> None:
    """They stay in their order."""
    tasks = [task("success", map_index=index) for index in range(49)] + [task("failed", "late")]
    lines = summary({"dag_id": "d", "dag_run_id": "r", "state": "failed"}, tasks, {})
    assert (len(lines), lines[-1].split()) == (52, ["late", "failed", "1"])


def test_the_summary_of_a_run_without_tasks() -> None:
    assert summary({"dag_id": "d", "dag_run_id": "r"}, [], {}) == ["d run r: unknown", "  no task"]


STATES = [None, "", "scheduled", "queued", "running", "success", "failed", "deferred", "up_for_retry", "up_for_reschedule", "removed",
          "restarting", "shutdown", "skipped", "upstream_failed", "sensing"]  # fmt: skip
odd_tasks = st.fixed_dictionaries(
    {"task_id": st.sampled_from(["a", "b"]), "state": st.sampled_from(STATES)},
    optional={
        "map_index": st.one_of(st.none(), st.integers(-1, 2)),
        "try_number": st.one_of(st.none(), st.integers(0, 3)),
        "start_date": st.sampled_from([None, "2026-05-04T10:00:00Z", "x", "2026-05-04T10:00:00"]),
        "end_date": st.sampled_from([None, "2026-05-04T10:00:09Z"]),
    },
)
pods = st.builds(Pod, st.sampled_from(["p", "q"]), st.sampled_from(["", "n"]), st.just("ns"), st.integers(1, 3), st.just([]))
looks = st.lists(
    st.tuples(
        st.lists(odd_tasks, max_size=4, unique_by=task_key),
        st.dictionaries(st.tuples(st.sampled_from(["a", "b"]), st.integers(-1, 2)), pods, max_size=3),
    ),
    max_size=6,
)


@given(looks)
def test_fuzz_a_second_look_at_the_same_shows_nothing(states: list[Look]) -> None:
    tasks = Tasks()
    for found, workers in states:
        lines = tasks.changes(found, workers)
        assert len(lines) == len(set(lines))
        assert tasks.changes(found, workers) == []
        assert {item["task_id"] for item in found} == {key[0] for key in tasks.seen}
        assert len(summary({}, found, tasks.seen)) >= 2


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.integers(0, 12), max_size=5))
def test_fuzz_a_log_that_is_read_piece_by_piece_is_shown_whole(log: list[str], ends: list[int]) -> None:
    """Each read ends further on and may show only the end of what there is; the last one is whole."""
    ledger, shown = Ledger(100), list[str]()
    for end in sorted(ends):
        shown += ledger.fresh(log[max(0, end - 3) : end])
    shown += ledger.fresh(log)
    assert sorted(shown) == sorted(log)
