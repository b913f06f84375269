# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of benchmarks/capacity, from small inputs whose results are known; and the peer's values, which must be accepted."""

from __future__ import annotations

import ast
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.benchmarks import capacity_figures as figures
from ansible_collections.gitops.airflow.benchmarks.capacity_figures import Load, Reading, Seen, Times, Use
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.options import unknown_options
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_key_rules import unknown_keys
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import import_path_problems, named_entries
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

Obj = dict[str, Any]
LOAD = Load(("cron", "user"))
MIB = 2**20


def pod(uid: str = "a", task: str = "in_cron", index: str = "0", node: str = "", state: str = "", run: str = "r") -> Obj:
    annotations = {"run_id": run, "task_id": task, "try_number": "1", **({"map_index": index} if index else {})}
    status = {"containerStatuses": [{"name": "git-sync", "state": {"running": {}}}, {"name": "base", "state": {state: {}}}]}
    spec = {"nodeName": node} if node else {}
    return {"metadata": {"uid": uid, "annotations": annotations}, "spec": spec, "status": status if state else {}}


LIFE = [
    Seen(1, pod()),
    Seen(2, pod(node="n")),
    Seen(3, pod(node="n", state="waiting")),
    Seen(5, pod(node="n", state="running")),
    Seen(8, pod(node="n", state="terminated")),
    Seen(9, pod(node="n", state="terminated"), deleted=True),
]
LIVED = Times(("in_cron", 0), created=1, scheduled=2, container=5, deleted=9)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(LIFE, LIVED, id="each state once"),
        pytest.param(LIFE[::-1], LIVED, id="the order of two watches does not count"),
        pytest.param([*LIFE, Seen(10, LIFE[3].pod)], LIVED, id="what comes later changes nothing"),
        pytest.param([LIFE[0], LIFE[4]], Times(("in_cron", 0), created=1, scheduled=8, container=8), id="so short that no state was seen"),
        pytest.param([LIFE[0], LIFE[2]], Times(("in_cron", 0), created=1, scheduled=3), id="its container waits"),
        pytest.param([*LIFE, Seen(20, pod("b"))], Times(("in_cron", 0), created=20), id="the pod of a second try"),
        pytest.param(
            [LIFE[0], Seen(20, pod("b")), Seen(21, LIFE[5].pod, deleted=True)],
            Times(("in_cron", 0), created=20),
            id="the first try's pod is deleted after the second was created",
        ),
        pytest.param([*LIFE, Seen(0, pod(run="other"))], LIVED, id="another run"),
        pytest.param([Seen(1, pod(index=""))], Times(("in_cron", -1), created=1), id="a task that is not mapped"),
    ],
)
def test_how_far_a_pod_came(seen: list[Seen], expected: Times) -> None:
    assert figures.pod_times(seen, "r") == {expected.key: expected}


def test_what_a_watch_carries_for_each_pod() -> None:
    small, large = (
        {"metadata": {"uid": "a", "annotations": {"run_id": "r"}}},
        {"metadata": {"uid": "b", "annotations": {"run_id": "r"}}, "x": "é"},
    )
    sizes = [
        len('{"metadata":{"uid":"a","annotations":{"run_id":"r"}}}'),
        len('{"metadata":{"uid":"a","annotations":{"run_id":"r"}},"x":"\\u00e9"}'),
    ]
    seen = [Seen(1, small), Seen(2, small), Seen(3, large), Seen(4, pod(run="other")), Seen(5, {"metadata": {"uid": "c"}})]
    assert figures.traffic(seen, "r") == {"events": 1.5, "bytes": round((2 * sizes[0] + sizes[1]) / 2)}
    assert figures.traffic(seen, "none") == {}


def test_tasks_get_the_times_of_their_pods() -> None:
    task = {
        "task_id": "in_cron",
        "map_index": 0,
        "state": "success",
        "try_number": 2,
        "queued_when": "1970-01-01T00:00:00.500000+00:00",
        "start_date": "1970-01-01T00:00:06+00:00",
        "end_date": "1970-01-01T00:00:07.25+00:00",
    }
    other = {
        "task_id": "in_user",
        "map_index": 1,
        "state": None,
        "try_number": 0,
        "queued_when": None,
        "start_date": None,
        "end_date": None,
    }
    found = figures.task_times([task, other], {LIVED.key: LIVED}, 0.25)
    first = Times(LIVED.key, "success", 2, 0.25, 0.5, 1, 2, 5, 6, 7.25, 9)
    assert found == [first, Times(("in_user", 1), run=0.25)]
    assert {name: figures.spans(found, *pair) for name, pair in figures.PHASES.items()} == dict(
        zip(figures.PHASES, ([0.25], [0.5], [1], [3], [1], [1.25], [1.75]), strict=True)
    )
    assert figures.spans(found, "run", "deleted") == [sum(sum(figures.spans(found, *pair)) for pair in figures.PHASES.values())]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {}),
        ([3.0], {"median": 3, "p95": 3, "worst": 3, "count": 1}),
        ([4.0, 1.0], {"median": 2.5, "p95": 4, "worst": 4, "count": 2}),
        ([float(value) for value in range(20, 0, -1)], {"median": 10.5, "p95": 19, "worst": 20, "count": 20}),
        ([1.004, 1.006], {"median": 1.0, "p95": 1.01, "worst": 1.01, "count": 2}),
    ],
)
def test_summary(values: list[float], expected: Obj) -> None:
    assert figures.summary(values) == expected


def test_pods_in_flight() -> None:
    lives = [(0, 10), (5, 15), (10, 20), (12, None), (None, None)]
    times = [Times(("t", number), created=first, deleted=last) for number, (first, last) in enumerate(lives)]
    assert figures.in_flight(times, [-1, 0, 5, 10, 12, 15, 100]) == [0, 1, 2, 2, 3, 2, 1]
    assert figures.most_in_flight(times) == 3
    assert figures.most_in_flight([]) == 0


@pytest.mark.parametrize(
    ("ends", "expected"),
    [([], 0.0), ([("failed", 90.0)], 0.0), ([("success", 130.0)], 2.0), ([("success", 110.0), ("success", 160.0), ("failed", 400.0)], 2.0)],
)
def test_tasks_a_minute_are_those_that_ended_well(ends: list[tuple[str, float]], expected: float) -> None:
    times = [Times(("t", number), state, ended=end) for number, (state, end) in enumerate(ends)]
    assert figures.per_minute(times, 100.0) == expected


def container(name: str, seconds: float, mib: float, when: str = "1970-01-01T00:00:10Z") -> Obj:
    return {"name": name, "cpu": {"time": when, "usageCoreNanoSeconds": seconds * 1e9}, "memory": {"workingSetBytes": mib * MIB}}


def summary_of(node: Obj, **pods: list[Obj]) -> Obj:
    found = [
        {"podRef": {"namespace": "core" if name[0] == "a" else "kube-system", "name": name}, "containers": parts}
        for name, parts in pods.items()
    ]
    return {"node": node, "pods": found}


def test_readings_of_two_nodes() -> None:
    first = summary_of(
        container("", 100, 1000),
        a1=[container("scheduler", 5, 300), container("git-sync", 1, 10), {"name": "mysql"}],
        k1=[container("etcd", 7, 50), container("scheduler", 1, 1)],
    )
    second = summary_of(container("", 20, 500, "1970-01-01T00:00:12Z"), a2=[container("scheduler", 6, 310)])
    assert figures.readings([first, second], "core") == {
        "core/a1/scheduler": Reading(10, 5, 300 * MIB),
        "core/a2/scheduler": Reading(10, 6, 310 * MIB),
        "kube-system/k1/etcd": Reading(10, 7, 50 * MIB),
        "nodes": Reading(12, 120, 1500 * MIB),
    }


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        pytest.param([(0, 5, 10)], Use(0, 0, 0, 10, 10), id="one reading says nothing of CPU"),
        pytest.param([(0, 5, 10), (10, 9, 20), (30, 10, 60)], Use(5, 0.167, 0.4, 30, 60), id="mean and most"),
        pytest.param([(0, 5, 10), (0, 5, 10), (10, 9, 20), (10, 9, 20)], Use(4, 0.4, 0.4, 15, 20), id="repeated readings count once"),
        pytest.param([(0, 5, 10), (10, 2, 10)], Use(2, 0.2, 0.2, 10, 10), id="the container started again"),
    ],
)
def test_use(read: list[tuple[float, float, float]], expected: Use) -> None:
    assert figures.uses([{"a": Reading(*item)} for item in read]) == {"a": expected}


def test_parts_are_numbered_only_where_there_are_several() -> None:
    use = [Use(number, 0, 0, 0, 0) for number in range(3)]
    found = figures.by_part({"core/b/scheduler": use[1], "core/a/scheduler": use[0], "core/m/mysql": use[2], "nodes": use[0]})
    assert found == {"mysql": use[2], "nodes": use[0], "scheduler 1": use[0], "scheduler 2": use[1]}


def test_settings_are_those_of_the_file_or_airflows_own() -> None:
    text = "[core]\nparallelism = 64\nsql = %%%(x)s\n[kubernetes_executor]\nworker_pods_creation_batch_size = 8\n"
    assert figures.settings(text) == {"parallelism": "64", "max_active_tasks_per_dag": "16", "worker_pods_creation_batch_size": "8"}


def test_a_result_and_its_tables() -> None:
    times = [
        Times(("t", 0), "success", 1, 100, 101, 102, 102, 104, 105, 106, 108),
        Times(("t", 1), "failed", 3, 100, 103, 104, 104, 106, 107, 110, None),
        Times(("t", 2), "success", 1, 100, 103, None, None, None, 107, 112, None),
    ]
    samples = [{"c/s/scheduler": Reading(100, 1, 200 * MIB)}, {"c/s/scheduler": Reading(110, 6, 220 * MIB)}]
    found = figures.result(times, 100, 112, samples)
    assert {key: found[key] for key in ("seconds", "per_minute", "failures", "retries", "unseen")} == {
        "seconds": 12,
        "per_minute": 10.0,
        "failures": 1,
        "retries": 2,
        "unseen": 1,
    }
    assert found["in_flight"] == {"most": 2, "mean": 1.0, "series": [[0, 0], [5, 2], [10, 1], [15, 1]]}
    assert found["phases"]["queue time (queued to task started)"] == {"median": 4, "p95": 4, "worst": 4, "count": 3}
    assert found["phases"]["task ended to pod deleted"] == {"median": 2, "p95": 2, "worst": 2, "count": 1}
    kept = {
        "label": "before",
        "tasks": 3,
        "schedulers": 1,
        "settings": {"parallelism": "32"},
        "conditions": {"nodes": "1"},
        "restarts": 0,
        "watch": {"events": 6.5, "bytes": 20480},
        "connections": [40, 151],
    }
    one, other = (
        {**kept, **found},
        {**kept, **found, "label": "after", "connections": [], "schedulers": 2, "use": {}, "settings": {"batch": "8"}},
    )
    lines = figures.tables([one, other]).splitlines()
    assert lines[:2] == ["|  | before, 3 tasks, 1 scheduler | after, 3 tasks, 2 schedulers |", "|---|---|---|"]
    assert "| `parallelism` | 32 | - |" in lines
    assert "| failed tasks / retries / restarts of Airflow's pods | 1 / 2 / 0 | 1 / 2 / 0 |" in lines
    assert "| scheduler: CPU s, cores mean / most, MiB mean / most | 5.0, 0.50 / 0.50, 210 / 220 | - |" in lines
    assert "| watch events / KiB for each pod | 6.5 / 20 | 6.5 / 20 |" in lines
    assert "| database connections, most seen / limit | 40 / 151 | - |" in lines
    assert {line.count("|") for line in lines} == {4}
    assert figures.flight_line(one, 2).splitlines() == ["| seconds since the run's start | 0 | 10 |", "|---|---|---|", "| pods | 0 | 1 |"]


def test_a_later_result_replaces_the_one_of_the_same_name() -> None:
    results = [{"label": label, "tasks": 50, "schedulers": 1, "seconds": seconds} for label, seconds in (("a", 1), ("b", 2), ("a", 3))]
    assert [item["seconds"] for item in figures.latest(results)] == [3, 2]


def test_the_dag_file_maps_every_task_once() -> None:
    text = figures.dag_file([3, 10], LOAD)
    (loop,) = [item for item in ast.parse(text).body if isinstance(item, ast.For)]
    assert isinstance(loop.iter, ast.Call)
    assert isinstance(loop.iter.func, ast.Attribute)
    dags = ast.literal_eval(loop.iter.func.value)
    assert list(dags.values()) == [3, 10]
    (commands,) = [item for item in ast.walk(loop) if isinstance(item, ast.ListComp)]
    expression = compile(ast.Expression(commands), "dag", "eval")
    found = [eval(expression, {"place": place, "count": 3}) for place in range(2)]
    assert found == [["sleep 1  # 0", "sleep 1  # 2"], ["sleep 1  # 1"]]


def test_another_load_is_another_dag() -> None:
    loads = [LOAD, Load(("cron",)), Load(("cron", "user"), seconds=2), Load(("cron", "user"), at_once=4)]
    assert len({figures.dag_id(50, load) for load in loads}) == len(loads)
    assert "max_active_tasks" not in figures.dag_file([50], LOAD)
    assert 'tags=["benchmark"], max_active_tasks=4)' in figures.dag_file([50], loads[3])


def test_the_chart_and_airflow_know_the_values_of_the_peer() -> None:
    values = yaml.safe_load((ROOT / "benchmarks/peer.yml").read_text())["airflow_app_values"]
    assert not [*unknown_keys(values), *unknown_options(values["config"], named_entries(values), "2.6.3"), *import_path_problems(values)]
