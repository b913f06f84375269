# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is followed: a scripted Airflow, pods with logs, and a clock that goes on only while something waits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow import run_follow
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.run_follow import FINISH_SECONDS, Follower, NoWorkers, Workers
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import TaskLog
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Line, Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from hypothesis import given
from hypothesis import strategies as st

END = "Task exited with return code 0"
LOAD = ("load", -1)


def task(state: str | None, task_id: str = "load", try_number: int = 1, **more: Any) -> Obj:
    return {"task_id": task_id, "map_index": -1, "try_number": try_number, "state": state, "hostname": "pod-1", **more}


@dataclass(frozen=True)
class Pod:
    name: str = "pod-1"
    try_number: int = 1
    node: str = "node-1"
    namespace: str = "airflow-user"
    blocked: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Cluster:
    """``logs`` has the lines of each pod that come at each read; a pod without an entry is gone."""

    pods: dict[tuple[str, int], Pod] = field(default_factory=dict)
    logs: dict[str, list[list[str]]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def look(self) -> dict[tuple[str, int], Pod]:
        return self.pods

    def new_lines(self, worker: Any) -> list[str] | None:
        if worker.name not in self.logs:
            return None
        return self.logs[worker.name].pop(0) if self.logs[worker.name] else []


@dataclass
class Airflow:
    """``stored`` has the answers for each try, the last of which stays."""

    stored: dict[int, list[TaskLog | AirflowError]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    time: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0.1)

    def log(self, dag_id: str, run_id: str, task: Obj) -> TaskLog:
        self.asked.append(task["try_number"])
        answers = self.stored.get(task["try_number"], [TaskLog((), ("not stored yet",))])
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, AirflowError):
            raise found
        return found


@dataclass
class Scene:
    airflow: Airflow = field(default_factory=Airflow)
    cluster: Workers = field(default_factory=Cluster)
    lines: list[Line] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    def follower(self, shown: bool = True) -> Follower:
        progress = Progress(self.lines.append if shown else None)
        return Follower(self.airflow, "d", "r", self.cluster, progress, lambda: self.airflow.time, self.reports.append)

    def follow(self, *looks: list[Obj], state: str = "success", shown: bool = True) -> list[str]:
        """The lines of a run that is seen like this, of which the last look is its end."""
        follower = self.follower(shown)
        follower.begin({"dag_run_id": "r", "state": "queued"})
        for tasks in looks[:-1]:
            follower.see({"state": "running"}, tasks)
            self.airflow.sleep(1)
        follower.finish({"state": state}, looks[-1], self.airflow.sleep, 1.0)
        return [str(line["text"]) for line in self.lines]


def logged(lines: list[str]) -> list[str]:
    return [line.partition(" | ")[2] for line in lines if " | " in line]


def test_states_and_the_log_as_it_runs() -> None:
    scene = Scene(cluster=Cluster({LOAD: Pod()}, {"pod-1": [["one"], ["two", END]]}))
    lines = scene.follow([task("running")], [task("running")], [task("success")])
    assert lines[:7] == [
        "d run r: queued",
        "d run r: running",
        "load: running on node-1 in airflow-user",
        "load | one",
        "load | two",
        f"load | {END}",
        "d run r: success",
    ]
    assert lines[7:] == [
        "load: success on node-1 in airflow-user",
        "",
        "d run r: success",
        "  task  state    try  duration  ran",
        "  load  success  1              on node-1 in airflow-user",
    ]
    assert scene.airflow.asked == []  # the pod has said everything


def test_the_time_stands_before_changes_only() -> None:
    scene = Scene(cluster=Cluster({LOAD: Pod()}, {"pod-1": [["one", END]]}))
    scene.follow([task("running")], [task("success")])
    assert [("elapsed" in line) == (" | " not in line["text"]) for line in scene.lines[:-4]] == [True] * (len(scene.lines) - 4)


def test_the_rest_of_the_log_of_a_pod_that_is_gone_comes_from_the_store() -> None:
    cluster = Cluster({LOAD: Pod()}, {"pod-1": [["one"]]})
    scene = Scene(Airflow({1: [TaskLog((), ("not stored yet",)), TaskLog(("one", "two", END), ())]}), cluster)
    follower = scene.follower()
    follower.see({"state": "running"}, [task("running")])
    del cluster.logs["pod-1"]
    follower.finish({"state": "success"}, [task("success")], scene.airflow.sleep, 1.0)
    assert logged([line["text"] for line in scene.lines]) == ["one", "two", END]


def test_a_task_that_was_never_seen_running() -> None:
    scene = Scene(Airflow({1: [TaskLog(("one", END), ())]}))
    assert logged(scene.follow([task(None, try_number=0, hostname="")], [task("success")])) == ["one", END]


@pytest.mark.parametrize("state", ["skipped", "upstream_failed", "removed"])
def test_a_task_without_a_worker_has_no_log(state: str) -> None:
    scene = Scene()
    lines = scene.follow([task(state, try_number=0, hostname="")], state="failed")
    assert (logged(lines), scene.airflow.asked) == ([], [])
    assert scene.airflow.time == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (TaskLog((), ("The task log cannot be read: no such bucket.",)), "The task log cannot be read: no such bucket."),
        (TaskLog((), ()), "it is empty"),
        (AirflowError(404, "Airflow answered 404."), "Airflow answered 404."),
        (AirflowError(0, "Airflow cannot be reached.", "Wait."), "Airflow cannot be reached. Wait."),
    ],
)
def test_a_log_that_is_not_there(answer: TaskLog | AirflowError, reason: str) -> None:
    scene = Scene(Airflow({1: [answer]}))
    assert logged(scene.follow([task("failed")], state="failed")) == [f"The log cannot be read: {reason}"]
    assert scene.airflow.time == 20


def test_a_log_that_is_not_there_is_not_waited_for_again_while_the_run_goes_on() -> None:
    failed = [task("failed"), task("running", "other", hostname="")]
    lines = Scene().follow(*[failed] * 30, [task("failed"), task("success", "other", hostname="")], state="failed")
    missing = "load | The log cannot be read: not stored yet"
    assert (lines.count(missing), lines.index(missing) < lines.index("other: success")) == (1, True)


def test_the_end_of_a_log_that_the_store_has_without_its_last_words() -> None:
    scene = Scene(Airflow({1: [TaskLog(("one",), ())]}))
    assert logged(scene.follow([task("failed")], state="failed")) == ["one"]


def test_a_task_that_still_runs_at_the_end_is_not_waited_for_longer_than_a_minute() -> None:
    scene = Scene(cluster=Cluster({LOAD: Pod()}, {"pod-1": [["one"]]}))
    lines = scene.follow([task("running")], state="failed")
    assert (scene.airflow.time, "the logs of 1 more tasks are not shown" in lines) == (FINISH_SECONDS, True)


def test_the_last_words_count_once_while_the_task_still_runs() -> None:
    scene = Scene(cluster=Cluster({LOAD: Pod()}, {"pod-1": [["one", END]]}))
    assert logged(scene.follow([task("running")], [task("running")], [task("success")])) == ["one", END]
    assert scene.airflow.asked == []


def test_a_task_that_one_look_misses_goes_on() -> None:
    scene = Scene(cluster=Cluster({LOAD: Pod()}, {"pod-1": [["one"], *[[]] * 30, ["two", END]]}))
    assert logged(scene.follow([task("running")], [], *[[task("running")]] * 30, [task("success")])) == ["one", "two", END]


def test_a_task_whose_worker_alone_is_known_has_a_log() -> None:
    scene = Scene(Airflow({1: [TaskLog(("one", END), ())]}), Cluster({LOAD: Pod()}))
    assert logged(scene.follow([task("success", hostname="")])) == ["one", END]


def test_a_task_that_is_over_and_of_whose_worker_nothing_is_left() -> None:
    cluster = Cluster({LOAD: Pod()}, {"pod-1": [["one"]]})
    scene = Scene(cluster=cluster)
    follower = scene.follower()
    follower.see({"state": "running"}, [task("running")])
    cluster.pods = {}
    follower.finish({"state": "failed"}, [task("upstream_failed", hostname="")], scene.airflow.sleep, 1.0)
    assert logged([line["text"] for line in scene.lines]) == ["one", "The end of the log cannot be read: not stored yet"]


def test_a_log_that_is_too_long_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_follow, "MOST_LINES", 2)
    scene = Scene(Airflow({1: [TaskLog(("a", "b", "c"), ())]}), NoWorkers())
    lines = scene.follow(*[[task("running")]] * 5, [task("success")])
    assert logged(lines) == ["a", "b", "… lines after the first 2 are not shown here"]
    assert scene.airflow.asked == [1]


def test_each_try_has_its_own_log() -> None:
    cluster = Cluster({LOAD: Pod()}, {"pod-1": [["same", END]], "pod-2": [["same", END]]})
    scene = Scene(cluster=cluster)
    follower = scene.follower()
    follower.see({"state": "running"}, [task("running")])
    follower.see({"state": "running"}, [task("up_for_retry")])
    cluster.pods = {LOAD: Pod("pod-2", 2)}
    follower.see({"state": "running"}, [task("running", try_number=2)])
    follower.finish({"state": "success"}, [task("success", try_number=2)], scene.airflow.sleep, 1.0)
    assert logged([line["text"] for line in scene.lines]) == ["same", END, "same", END]


def test_the_pod_of_a_second_try_has_not_the_log_of_the_first() -> None:
    """The first one was killed before its last words."""
    cluster = Cluster({LOAD: Pod()}, {"pod-1": [["one"]]})
    scene = Scene(Airflow({1: [TaskLog(("one",), ())], 2: [TaskLog(("two", END), ())]}), cluster)
    follower = scene.follower()
    follower.see({"state": "running"}, [task("running")])
    cluster.pods, cluster.logs = {LOAD: Pod("pod-2", 2)}, {"pod-2": [["two", END]]}
    follower.see({"state": "running"}, [task("running", try_number=2)])
    follower.finish({"state": "success"}, [task("success", try_number=2)], scene.airflow.sleep, 1.0)
    assert logged([line["text"] for line in scene.lines]) == ["one", "two", END]


def test_the_log_of_a_worker_that_was_killed_has_no_end() -> None:
    scene = Scene(cluster=Cluster({LOAD: Pod()}, {"pod-1": [["one"]]}))
    lines = scene.follow([task("running")], [task("failed")], state="failed")
    assert logged(lines) == ["one", "The end of the log cannot be read: not stored yet"]


def test_a_deferred_task_misses_no_end() -> None:
    scene = Scene(cluster=Cluster({LOAD: Pod()}, {"pod-1": [["one"]]}))
    lines = scene.follow([task("running")], *[[task("deferred", try_number=0)]] * 60, state="failed")
    assert logged(lines) == ["one"]


def test_a_task_that_failed_without_a_worker_says_why() -> None:
    scene = Scene(Airflow({1: [TaskLog((), ("The log store has none for this try.",))]}))
    lines = scene.follow([task("failed", try_number=0, hostname="")], state="failed")
    assert logged(lines) == ["The log cannot be read: The log store has none for this try."]


def test_a_deferred_task_goes_on_with_the_same_try() -> None:
    """It has said its last words, and says more in another pod. Airflow 2.6 takes back the number of the try meanwhile."""
    cluster = Cluster({LOAD: Pod()}, {"pod-1": [["one", "Task exited with return code 100 (task deferral)"]], "pod-2": [[], ["two", END]]})
    scene = Scene(cluster=cluster)
    follower = scene.follower()
    follower.see({"state": "running"}, [task("running")])
    for _second in range(60):
        follower.see({"state": "running"}, [task("deferred", try_number=0)])
        scene.airflow.sleep(1)
    cluster.pods = {LOAD: Pod("pod-2")}
    follower.see({"state": "running"}, [task("running")])
    follower.finish({"state": "success"}, [task("success")], scene.airflow.sleep, 1.0)
    shown = logged([line["text"] for line in scene.lines])
    assert shown == ["one", "Task exited with return code 100 (task deferral)", "two", END]
    assert len(scene.airflow.asked) < 30  # what its trigger says is waited for, but not as long as it is deferred


def test_a_deferred_task_that_was_not_seen_to_go_on() -> None:
    """Its second worker ran between two looks: the store has the rest."""
    deferral = "Task exited with return code 100 (task deferral)"
    cluster = Cluster({LOAD: Pod()}, {"pod-1": [["one", deferral]]})
    stored: list[TaskLog | AirflowError] = [TaskLog(("one", deferral), ()), TaskLog(("one", deferral, "two", END), ())]
    scene = Scene(Airflow({1: stored}), cluster)
    lines = scene.follow([task("running")], [task("deferred", try_number=0)], [task("queued", try_number=0)], [task("success")])
    assert logged(lines) == ["one", deferral, "two", END]


def test_a_task_that_was_deferred_for_long_and_not_seen_to_go_on() -> None:
    """Its log was given up meanwhile."""
    deferral = "Task exited with return code 100 (task deferral)"
    scene = Scene(Airflow({1: [TaskLog(("one", deferral), ())]}), Cluster({LOAD: Pod()}))
    follower = scene.follower()
    for state, number in [("running", 1), *[("deferred", 0)] * 30, ("queued", 0)]:
        follower.see({"state": "running"}, [task(state, try_number=number)])
        scene.airflow.sleep(1)
    scene.airflow.stored = {1: [TaskLog(("one", deferral, "two", END), ())]}
    follower.finish({"state": "success"}, [task("success")], scene.airflow.sleep, 1.0)
    assert logged([line["text"] for line in scene.lines]) == ["one", deferral, "two", END]


def test_a_worker_that_continues_between_two_looks() -> None:
    """A rescheduled task says the last words, too."""
    scene = Scene(cluster=Cluster({LOAD: Pod()}, {"pod-1": [["one", END], ["two", END]]}))
    assert logged(scene.follow([task("running")], [task("running")], [task("success")])) == ["one", END, "two", END]


def test_without_the_cluster_the_log_comes_from_airflow() -> None:
    """Of a task that runs it is only the end of the log, which grows and moves on."""
    reads: list[TaskLog | AirflowError] = [TaskLog(("a", "b"), ()), TaskLog(("b", "c"), ()), TaskLog(("a", "b", "c", "d", END), ())]
    scene = Scene(Airflow({1: reads}), NoWorkers())
    assert logged(scene.follow([task("running")], [task("running")], [task("success")])) == ["a", "b", "c", "d", END]


def test_nothing_is_read_for_nobody() -> None:
    scene = Scene(cluster=Cluster({LOAD: Pod()}, {"pod-1": [["one"]]}))
    assert scene.follow([task("running")], [task("success")], shown=False) == []
    assert scene.airflow.asked == []
    assert "node-1" in scene.reports[-1]


def test_the_report_is_there_from_the_start() -> None:
    scene = Scene()
    scene.follower().begin({"state": "queued"})
    assert '"run_id": "r"' in scene.reports[0]


def test_a_notice_is_shown_once() -> None:
    scene = Scene(cluster=Cluster(notices=["The worker pods in x cannot be read."]))
    lines = scene.follow([], [], [])
    assert lines.count("The worker pods in x cannot be read.") == 1


def test_many_logs_end_in_time() -> None:
    scene = Scene(Airflow({1: [TaskLog(("one", END), ())]}))
    tasks = [task("success", map_index=index) for index in range(150)]
    assert logged(scene.follow(tasks)) == ["one", END] * 150
    assert scene.airflow.time < 5


tasks = st.lists(
    st.fixed_dictionaries(
        {"task_id": st.sampled_from(["load", "b"])},
        optional={
            "state": st.sampled_from(
                [None, "scheduled", "queued", "running", "success", "failed", "deferred", "up_for_retry", "up_for_reschedule",
                 "removed", "restarting", "upstream_failed", "skipped", "sensing"]
            ),
            "try_number": st.one_of(st.none(), st.integers(0, 3)),
            "map_index": st.one_of(st.none(), st.integers(-1, 1)),
            "hostname": st.sampled_from([None, "", "pod-1"]),
            "start_date": st.sampled_from([None, "2026-05-04T10:00:00Z"]),
        },
    ),
    max_size=4,
)  # fmt: skip
answers = st.sampled_from(
    [TaskLog((), ()), TaskLog(("a",), ()), TaskLog(("a", END), ()), AirflowError(503, "Busy."), AirflowError(404, "No.")]
)


@given(
    st.lists(tasks, min_size=1, max_size=5),
    st.dictionaries(st.integers(1, 3), st.lists(answers, min_size=1, max_size=3), max_size=3),
    st.booleans(),
)
def test_fuzz_it_ends_and_shows_no_line_of_a_log_twice(looks: list[list[Obj]], stored: dict[int, list[Any]], pod: bool) -> None:
    cluster = Cluster({LOAD: Pod()}, {"pod-1": [["a"], [END]]}) if pod else Cluster()
    scene = Scene(Airflow(stored), cluster)
    lines = scene.follow(*looks)
    assert scene.airflow.time <= len(looks) + FINISH_SECONDS + 2
    ends = Counter(line for line in lines if line.endswith(f"| {END}"))
    assert all(count <= 3 for count in ends.values())  # a task's tries
    assert lines[-1].startswith("  ")
