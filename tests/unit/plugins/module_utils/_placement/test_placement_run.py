# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wait for workers from its first list on, and what a person reads of one that failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Line, Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, failed
from ansible_collections.gitops.airflow.plugins.module_utils._placement.evidence import Instance
from ansible_collections.gitops.airflow.plugins.module_utils._placement.run import Placement, Request, await_placement, failure
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Expectation

REQUEST = Request([Expectation("dag", "run", "cron")], timeout=300)
SEEN: dict[str, Any] = {"phase": "Pending", "pod": "pod-1", "log_tail": []}


@pytest.mark.parametrize(
    ("reason", "timed_out", "advice", "message", "action"),
    [
        (
            "worker pod-1 for 60 s: Unschedulable: 0/1 nodes are available: 1 Insufficient memory.",
            False,
            "Lower the resources.",
            "Failed after 60 s: worker pod-1 for 60 s: Unschedulable: 0/1 nodes are available: 1 Insufficient memory.",
            "Lower the resources.",
        ),
        (
            "worker pod-1 is Scheduled",
            True,
            "",
            "Not done within 300 s: worker pod-1 is Scheduled.",
            "Correct the problem in the message, and trigger a new run.",
        ),
    ],
)
def test_a_failure_is_one_sentence_with_the_action_of_its_cause(
    reason: str, timed_out: bool, advice: str, message: str, action: str
) -> None:
    error = failure(REQUEST, Placement(failed(reason), timed_out, [SEEN], [], ["*"], "1", [], 60.0, advice))
    assert (error.message, error.next_action, error.code) == (message, action, "timeout" if timed_out else "not_done")


FAILED: dict[str, Any] = {"phase": "Failed", "pod": "pod-2", "log_tail": ["boom", "password=hunter22x"]}
NO_WORKER = "Check dag_id and run_id, that the DAG is not paused, and the scheduler's log."
CORRECT = "Correct the problem in the message, and trigger a new run."
UNSEEN = " A pod deleted before the wait began is seen only with resource_version or task_instances."


@pytest.mark.parametrize(
    ("given", "timed_out", "placements", "strays", "rest", "action"),
    [
        ({}, True, [], [], UNSEEN, NO_WORKER),
        ({"since": "5"}, True, [], [], "", NO_WORKER),
        ({"known": [Instance("dag", "run", "task", -1, 1, "failed", "pod-2")]}, True, [], [], "", NO_WORKER),
        ({}, False, [], [], "", CORRECT),
        ({}, True, [SEEN], [], "", CORRECT),
        ({}, True, [], [SEEN], "", CORRECT),
        ({}, False, [FAILED], [], " Last lines of pod-2:\nboom\npassword=********", CORRECT),
        ({}, False, [SEEN], [FAILED], " Last lines of pod-2:\nboom\npassword=********", CORRECT),
        ({}, False, [{**FAILED, "log_tail": []}, {**FAILED, "phase": "Succeeded"}], [], "", CORRECT),
    ],
)
def test_what_else_a_failure_says(given: Any, timed_out: bool, placements: list[Any], strays: list[Any], rest: str, action: str) -> None:
    request = Request([Expectation("dag", "run", "cron")], **given)
    error = failure(request, Placement(failed("no worker"), timed_out, placements, strays, ["*"], "1", [], 1.0))
    assert (error.message.partition("no worker.")[2], error.next_action) == (rest, action)


class Api:
    """A cluster without workers, at resourceVersion 5. ``status`` refuses the list at the path ``refused``."""

    def __init__(self, status: int = 0, refused: str = "/api/v1/pods") -> None:
        self.status, self.refused, self.paths = status, refused, list[str]()

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        self.paths.append(path)
        if self.status and path == self.refused:
            raise ApiError(self.status, "Not permitted.")
        return {"items": [], "metadata": {"resourceVersion": "5"}}

    def watch(self, path: str, query: dict[str, Any]) -> Iterator[Obj]:
        raise AssertionError("nothing is waited for")

    def get(self, path: str) -> Obj:
        raise AssertionError("there is no worker whose node counts")

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int) -> Iterator[str]:
        raise AssertionError("there is no worker with a log")


def look(api: Api, *, progress: Progress | None = None, start: float | None = None, **given: Any) -> Placement:
    """The clock stands at 100."""
    request = Request([Expectation("dag", "run", "cron"), Expectation("dag", "run", "batch")], **given)
    return await_placement(api, request, lambda: 100.0, lambda _seconds: None, progress, start)


def test_one_look_does_not_wait() -> None:
    found = look(Api(), once=True)
    assert (found.verdict.kind, found.timed_out, found.watched, found.version) == ("waiting", False, ["*"], "5")
    assert look(Api(), timeout=0).timed_out


def test_who_may_not_read_every_namespace_reads_the_expected_ones() -> None:
    api = Api(403)
    found = look(api, once=True)
    assert found.watched == ["batch", "cron"]
    assert found.notices == ["Only batch, cron can be searched for stray workers: Not permitted."]
    assert api.paths == ["/api/v1/pods", "/api/v1/namespaces/batch/pods", "/api/v1/namespaces/cron/pods"]


@pytest.mark.parametrize(("status", "namespaces", "refused"), [(401, [], "/api/v1/pods"), (403, ["etl"], "/api/v1/namespaces/etl/pods")])
def test_another_refusal_ends_the_wait(status: int, namespaces: list[str], refused: str) -> None:
    with pytest.raises(ApiError, match="Not permitted"):
        look(Api(status, refused), once=True, namespaces=namespaces)


@pytest.mark.parametrize(("since", "newer"), [("", False), ("4", False), ("5", False), ("6", True)])
def test_a_later_resource_version_is_of_another_cluster(since: str, newer: bool) -> None:
    with pytest.raises(InputError, match=f"resource_version {since} is newer") if newer else nullcontext():
        assert look(Api(), once=True, since=since).version == "5"


@pytest.mark.parametrize(("start", "elapsed"), [(None, 0), (90.0, 10)])
def test_progress_counts_from_the_start_that_is_given(start: float | None, elapsed: float) -> None:
    lines: list[Line] = []
    look(Api(), once=True, progress=Progress(lines.append), start=start)
    assert [line["elapsed"] for line in lines] == [elapsed]
