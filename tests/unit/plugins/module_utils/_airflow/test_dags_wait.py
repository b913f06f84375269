# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the scheduler has a commit of the DAGs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dags_wait import DagsWait, Seen, newest, report
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import DAG_PROCESSOR, SCHEDULER
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError

COMMIT, OTHER = "a" * 40, "b" * 40


EARLY, LATE = "2026-05-04T10:00:00Z", "2026-05-04T11:00:00Z"


def pod(name: str, created: str = EARLY, deleted: bool = False, component: str = SCHEDULER, phase: str = "Running") -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": created, "labels": {"tier": "airflow", "component": component}}
    return {"metadata": metadata | ({"deletionTimestamp": "now"} if deleted else {}), "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([], ("", SCHEDULER)),
        ([pod("a")], ("a", SCHEDULER)),
        ([pod("b", LATE), pod("a")], ("b", SCHEDULER)),
        ([pod("b", LATE, deleted=True), pod("a")], ("a", SCHEDULER)),
        ([pod("b", LATE, phase="Pending"), pod("a")], ("a", SCHEDULER)),
        ([pod("a", deleted=True)], ("", SCHEDULER)),
        # D2: beside a DAG processor the scheduler has no DAG files. It may not run yet.
        ([pod("a", LATE), pod("p", component=DAG_PROCESSOR)], ("p", DAG_PROCESSOR)),
        ([pod("a"), pod("p", component=DAG_PROCESSOR), pod("q", LATE, component=DAG_PROCESSOR)], ("q", DAG_PROCESSOR)),
        ([pod("a"), pod("p", component=DAG_PROCESSOR, phase="Pending")], ("", DAG_PROCESSOR)),
        ([pod("a"), pod("p", component=DAG_PROCESSOR, deleted=True)], ("a", SCHEDULER)),
    ],
)
def test_the_newest_pod_that_stays_is_asked(pods: list[dict[str, Any]], expected: tuple[str, str]) -> None:
    assert newest(pods) == expected


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen(), "Airflow does not run yet."),
        (Seen("a", COMMIT), "The scheduler has the commit; a new DAG appears within 30 seconds."),
        (Seen("a", OTHER), "The scheduler has commit bbbbbbb so far."),
        (Seen("a"), "The scheduler has no commit so far."),
        (Seen("a", OTHER, DAG_PROCESSOR), "The DAG processor has commit bbbbbbb so far."),
    ],
)
def test_what_a_person_reads(seen: Seen, words: str) -> None:
    assert report(seen, COMMIT) == words
    # F18: what Airflow made of it stands there once the scheduler has it.
    parsed = "2 DAGs visible, no import errors."
    assert report(seen, COMMIT, parsed) == (f"The scheduler has the commit: {parsed}" if seen.has(COMMIT) else words)
    assert not Seen("a").has("")


class Pods:
    """Schedulers that have one commit after the other; an error is raised."""

    def __init__(self, *commits: str | Exception, running: bool = True) -> None:
        self.commits, self.running, self.now, self.asked = list(commits), running, 0.0, list[str]()

    def dags_commit(self, link: str) -> str:
        self.asked.append(link)
        found = self.commits.pop(0) if len(self.commits) > 1 else self.commits[0]
        if isinstance(found, Exception):
            raise found
        return found

    def wait(self) -> DagsWait:
        def sleep(seconds: float) -> None:
            self.now += seconds

        return DagsWait(lambda: [pod("a")] if self.running else [], lambda _name, _component: self, lambda: self.now, sleep)


@pytest.mark.parametrize(
    ("commits", "looks"),
    [
        ([COMMIT], 1),
        (["", OTHER, COMMIT], 3),
        ([ApiError(404, "the pod is gone"), COMMIT], 2),
        ([ApiError(0, "no answer"), ApiError(503, "busy"), COMMIT], 3),
    ],
)
def test_it_waits_until_the_scheduler_has_it(commits: list[Any], looks: int) -> None:
    pods = Pods(*commits)
    assert pods.wait().until(COMMIT, 10) == Seen("a", COMMIT)
    assert pods.asked == ["/opt/airflow/dags/repo"] * looks


def test_without_a_scheduler_there_is_nothing_to_wait_for() -> None:
    pods = Pods(COMMIT, running=False)
    assert (pods.wait().until(COMMIT, 10), pods.now) == (Seen(), 0)


@pytest.mark.parametrize(
    ("commit", "words"),
    [("", "After 10 seconds the scheduler does not have commit aaaaaaa. It has no commit."), (OTHER, "Its commit is bbbbbbb.")],
)
def test_it_does_not_wait_for_ever(commit: str, words: str) -> None:
    pods = Pods(commit)
    with pytest.raises(CollectionError, match=words) as caught:
        pods.wait().until(COMMIT, 10)
    assert (caught.value.code, pods.now) == ("timeout", 10)
    assert "-c git-sync" in caught.value.next_action


@pytest.mark.parametrize(("status", "now"), [(403, 0), (503, 10)])
def test_a_refusal_is_not_waited_for(status: int, now: float) -> None:
    pods = Pods(ApiError(status, "no"))
    with pytest.raises(ApiError, match="no"):
        pods.wait().until(COMMIT, 10)
    assert pods.now == now
