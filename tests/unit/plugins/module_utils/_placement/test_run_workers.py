# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker pods of a run that is followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._placement.run_workers import Place, RunWorkers, order, since
from hypothesis import given
from hypothesis import strategies as st


def pod(name: str = "pod-1", try_number: int = 1, node: str = "node-1", created: str = "2026-05-04T10:00:00Z", **ids: Any) -> Obj:
    ids = {"dag_id": "a dag", "run_id": "r", "task_id": "load", "try_number": try_number, **ids}
    return {
        "metadata": {
            "name": name,
            "namespace": "airflow-user",
            "uid": name,
            "creationTimestamp": created,
            "annotations": {key: str(value) for key, value in ids.items()},
        },
        "spec": {"nodeName": node},
    }


@dataclass
class Api:
    """``pods`` and ``log`` are what is read next; an error is raised."""

    pods: list[Obj] | ApiError = field(default_factory=list)
    log: list[str] | ApiError = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def items(self, path: str, query: dict[str, Any] | None = None, *, whole: bool = False) -> list[Obj]:
        self.asked.append((path, query))
        if isinstance(self.pods, ApiError):
            raise self.pods
        return self.pods

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int, **query: Any) -> Iterator[str]:
        self.asked.append((f"{namespace}/{pod}/{container}", query))
        if isinstance(self.log, ApiError):
            raise self.log
        yield from self.log


def workers(api: Api, *namespaces: str) -> RunWorkers:
    return RunWorkers(api, namespaces or ("airflow-user",), "a dag", "r")


def test_only_the_pods_of_the_run_count() -> None:
    api = Api([pod(), pod("other", run_id="r2"), pod("mapped", map_index=3), pod("dag", dag_id="a-dag")])
    found = workers(api).look()
    assert {key: worker.name for key, worker in found.items()} == {("load", -1): "pod-1", ("load", 3): "mapped"}
    path, query = api.asked[0]
    assert path == "/api/v1/namespaces/airflow-user/pods"
    assert query["labelSelector"].startswith("kubernetes_executor=True,dag_id=adag-")


def test_the_latest_pod_of_a_task_counts_and_is_kept() -> None:
    api = Api([pod("second", 2), pod("first", 1)])
    found = workers(api)
    assert found.look()["load", -1].name == "second"
    api.pods = [pod("third", 2, created="2026-05-04T10:05:00Z")]
    assert found.look()["load", -1].name == "third"
    api.pods = []
    assert found.look()["load", -1].node == "node-1"


def test_the_latest_state_of_a_pod_counts() -> None:
    api = Api([pod(node="")])
    found = workers(api)
    assert found.look()["load", -1].node == ""
    api.pods = [pod()]
    assert found.look()["load", -1].node == "node-1"


def test_a_namespace_that_may_not_be_read_is_named_once() -> None:
    api = Api(ApiError(403, "Not permitted.", "Grant it."))
    found = workers(api, "a", "b")
    assert (found.look(), found.look()) == ({}, {})
    assert found.notices == [f"The worker pods in {name} cannot be read: Not permitted. Grant it." for name in "ab"]
    assert len(api.asked) == 2


def test_an_api_server_that_restarts_is_asked_again() -> None:
    api = Api(ApiError(503, "Starting."))
    found = workers(api)
    found.look()
    api.pods = [pod()]
    assert list(found.look()) == [("load", -1)]
    assert found.notices == []


def test_only_new_lines_of_a_log() -> None:
    api = Api([pod()], ["2026-05-04T10:00:01.5Z one", "2026-05-04T10:00:01.55Z two  "])
    found = workers(api)
    worker = found.look()["load", -1]
    assert found.new_lines(worker) == ["one", "two  "]
    assert api.asked[-1] == ("airflow-user/pod-1/base", {"timestamps": "true"})
    api.log = ["2026-05-04T10:00:01.55Z two  ", "2026-05-04T10:00:01.55Z same time", "2026-05-04T10:00:02Z "]
    assert found.new_lines(worker) == ["same time", ""]
    assert api.asked[-1][1] == {"timestamps": "true", "sinceTime": "2026-05-04T10:00:01Z"}
    assert found.new_lines(worker) == []
    api.log = ApiError(404, "Gone.")
    assert found.new_lines(worker) is None


def test_the_words_of_the_kubelet_are_no_line_of_the_log() -> None:
    assert Place().fresh(["failed to try resolving symlinks", "2026-05-04T10:00:01Z one"]) == ["one"]


def test_no_line_is_left_out_of_a_log_whose_beginning_is_gone() -> None:
    place = Place()
    assert place.fresh(["2026-05-04T10:00:01Z one", "2026-05-04T10:00:01Z two"]) == ["one", "two"]
    assert place.fresh(["2026-05-04T10:00:02Z three"]) == ["three"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-05-04T10:00:01Z", "2026-05-04T10:00:01.1Z"),
        ("2026-05-04T10:00:01.1Z", "2026-05-04T10:00:01.12Z"),
        ("2026-05-04T10:00:01.09Z", "2026-05-04T10:00:01.1Z"),
        ("2026-05-04T10:00:01.999999999+02:00", "2026-05-04T10:00:02+02:00"),
    ],
)
def test_times_of_the_kubelet_are_ordered(earlier: str, later: str) -> None:
    assert order(earlier) < order(later)


@pytest.mark.parametrize(
    ("stamp", "parameter"),
    [
        ("", {}),
        ("2026-05-04T10:00:01.123456789Z", {"sinceTime": "2026-05-04T10:00:01Z"}),
        ("2026-05-04T10:00:01.5+02:00", {"sinceTime": "2026-05-04T10:00:01+02:00"}),
    ],
)
def test_from_when_on_a_log_is_read(stamp: str, parameter: dict[str, str]) -> None:
    assert since(stamp) == parameter


@given(st.lists(st.integers(0, 40), max_size=20), st.lists(st.integers(0, 20), max_size=6))
def test_fuzz_each_line_comes_once(times: list[int], reads: list[int]) -> None:
    """Lines of the same time too, wherever a read ends. The API gives the lines from the second of the last line on."""
    log = [f"2026-05-04T10:00:{time // 10:02}.{time % 10}Z line {index}" for index, time in enumerate(sorted(times))]
    place, shown = Place(), list[str]()
    for end in [*sorted(reads), len(log)]:
        begun = since(place.stamp).get("sinceTime", "")[:19]
        shown += place.fresh(line for line in log[:end] if line[:19] >= begun)
    assert shown == [f"line {index}" for index in range(len(log))]
