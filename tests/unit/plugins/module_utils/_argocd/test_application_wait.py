# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several Applications at once: which are looked at, how their verdicts add up, what is shown of them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import REFRESH, workload_namespaces
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.diagnosis import CHANGE, next_action, quoted, silent_containers
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.verdict import Expectation
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait import (
    DIAGNOSED,
    PROBE_SECONDS,
    PROBED_NAMESPACES,
    REFRESH_SECONDS,
    SUPERSEDE_SECONDS,
    ApplicationWait,
    Request,
    state_text,
)
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait_run import WaitOutcome, build_request, run_wait
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Line, Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Cause, Seen, causes
from ansible_collections.gitops.airflow.plugins.module_utils._kube.report import warning_events
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change
from ansible_collections.gitops.airflow.plugins.modules import argocd_application_wait as module

COMMIT = "b" * 40


def app(name: str, health: str = "Healthy", sync: str = "Synced", **status: Any) -> Obj:
    resources = [{"kind": "Deployment", "namespace": "ns", "name": "web", "status": sync}]
    shown = {"status": sync, "revision": COMMIT, "comparedTo": {"source": {"path": name}, "destination": {"namespace": "ns"}}}
    return {
        "metadata": {"name": name},
        "spec": {"source": {"path": name}, "destination": {"namespace": "ns"}},
        "status": {"sync": shown, "health": {"status": health}, "resources": resources, **status},
    }


def elsewhere(state: Obj) -> Obj:
    """The same in another cluster."""
    return {**state, "spec": {**state["spec"], "destination": {"server": "https://elsewhere", "namespace": "ns"}}}


def pod(reason: str) -> Obj:
    owner = {"kind": "ReplicaSet", "name": "web-5d8f"}
    metadata = {"name": "web-5d8f-x", "namespace": "ns", "labels": {"pod-template-hash": "5d8f"}, "ownerReferences": [owner]}
    return {
        "metadata": metadata,
        "status": {"containerStatuses": [{"name": "web", "image": "nope", "state": {"waiting": {"reason": reason}}}]},
    }


class Cluster:
    """Lists what it is given by path, and keeps the patches."""

    requests = 7

    def __init__(self, **collections: list[Obj] | ApiError) -> None:
        self.collections, self.patched, self.listed = collections, list[tuple[str, Obj]](), list[str]()
        self.logs: dict[tuple[str, str, str, bool], list[str]] = {}

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        self.listed.append(path)
        found = self.collections.get(path.rsplit("/", 1)[-1], [])
        if isinstance(found, ApiError):
            raise found
        return {"items": found, "metadata": {}}

    def watch(self, path: str, query: dict[str, Any]) -> Iterator[Obj]:
        raise AssertionError("the loop watches, not the wait")

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int, **query: Any) -> Iterator[str]:
        yield from self.logs.get((namespace, pod, container, query == {"previous": "true"}), [])

    def patch(self, path: str, body: Obj) -> Obj:
        self.patched.append((path, body))
        if path.endswith(("absent", "forbidden")):
            raise ApiError(404 if path.endswith("absent") else 403, "no")
        return {}


def listed(*apps: Obj) -> list[tuple[int, Change]]:
    return [(0, Change("listed", apps))]


def event(kind: str, item: Obj) -> list[tuple[int, Change]]:
    return [(0, Change("event", (item,), type=kind))]


def wait(cluster: Cluster | None = None, **request: Any) -> ApplicationWait:
    return ApplicationWait(cluster or Cluster(), Request("argocd", **request), 0.0, today=lambda: NOON)


def test_done_when_all_are() -> None:
    several = wait(names=("a", "b"))
    assert several.step(listed(app("a"), app("b", "Progressing")), 0).kind == "waiting"
    assert several.step(event("MODIFIED", app("b")), 3).kind == "done"
    assert [(item["name"], item["verdict"]) for item in several.results()] == [("a", "done"), ("b", "done")]


def test_one_that_was_done_must_still_be_when_the_last_is() -> None:
    several = wait(names=("a", "b"))
    several.step(listed(app("a"), app("b", "Progressing")), 0)
    several.step(event("MODIFIED", app("a", "Progressing")), 1)
    assert several.step(event("MODIFIED", app("b")), 2).kind == "waiting"


def test_absent_name_fails() -> None:
    verdict = wait(names=("a", "b")).step(listed(app("a")), 0)
    assert (verdict.kind, verdict.reason) == ("failed", "b: the Application does not exist")


def test_fail_fast() -> None:
    assert wait(names=("a", "b")).step(listed(app("b", "Progressing")), 0).kind == "failed"


def test_without_fail_fast_the_others_are_waited_for() -> None:
    several = wait(names=("a", "b"), fail_fast=False)
    assert several.step(listed(app("b", "Progressing")), 0).kind == "waiting"
    verdict = several.step(event("MODIFIED", app("b")), 5)
    assert (verdict.kind, verdict.reason) == ("failed", "a: the Application does not exist")


def test_deleted_meanwhile() -> None:
    one = wait(names=("a",))
    one.step(listed(app("a", "Progressing")), 0)
    assert one.step(event("DELETED", app("a")), 1).kind == "failed"


def test_vanished_between_two_lists() -> None:
    one = wait(selectors=("x=y",))
    one.step(listed(app("a", "Progressing")), 0)
    assert one.step(listed(), 1).kind == "failed"


def test_one_of_those_that_a_selector_found_is_deleted() -> None:
    several = wait(selectors=("x=y",))
    several.step(listed(app("a", "Progressing"), app("b", "Progressing")), 0)
    verdict = several.step(event("DELETED", app("b")), 1)
    assert (verdict.kind, verdict.reason) == ("failed", "b: the Application does not exist")


def test_one_of_those_that_a_selector_found_vanishes_between_two_lists() -> None:
    several = wait(selectors=("x=y",))
    several.step(listed(app("a", "Progressing"), app("b", "Progressing")), 0)
    verdict = several.step(listed(app("a", "Progressing")), 1)
    assert (verdict.kind, verdict.reason) == ("failed", "b: the Application does not exist")


def test_selector_that_finds_nothing() -> None:
    assert "no Application in argocd matches x=y" in wait(selectors=("x=y",)).step(listed(), 0).reason
    patient = wait(selectors=("x=y",), default=Expectation(must_exist=False))
    assert patient.step(listed(), 0).kind == "waiting"
    assert patient.step(event("ADDED", app("a")), 1).kind == "done"
    patient.step(event("ADDED", app("b")), 2)
    assert patient.step(event("DELETED", app("b")), 3).kind == "done"


def test_name_that_may_yet_come_is_waited_for() -> None:
    one = wait(names=("a", "b"), default=Expectation(must_exist=False))
    assert one.step(listed(app("a")), 0).kind == "waiting"
    assert one.step(event("ADDED", app("b")), 1).kind == "done"


def test_each_has_its_own_revision() -> None:
    several = wait(names=("a", "b"), expectations={"b": Expectation(revisions=("c" * 40,))})
    verdict = several.step(listed(app("a"), app("b")), 0)
    assert (verdict.kind, verdict.reason.split(":")[0]) == ("waiting", "b")


def test_transitions_are_the_changes_with_their_times() -> None:
    one = wait(names=("a",))
    one.step(listed(app("a", "Progressing")), 0)
    one.step(event("MODIFIED", app("a", "Progressing")), 1)
    one.step(event("MODIFIED", app("a")), 2.5)
    found = one.results()[0]["transitions"]
    assert [(item["elapsed"], item["health"], item["verdict"]) for item in found] == [
        (0, "Progressing", "waiting"),
        (2.5, "Healthy", "done"),
    ]


def test_source_is_selected_by_the_server() -> None:
    assert Request("argocd", names=("a",)).source().query == {"fieldSelector": "metadata.name=a"}
    assert Request("argocd", names=("a", "b")).source().query == {}
    assert Request("argocd", selectors=("x=y", "z")).source().query == {"labelSelector": "x=y,z"}


def test_only_what_is_asked_for_is_kept_of_a_page_and_without_its_history() -> None:
    keep = Request("argocd", names=("a", "b")).source().keep
    found = {**app("a", history=[{"id": 1}]), "metadata": {"name": "a", "managedFields": [{}]}}
    assert keep(app("other")) is None
    assert keep(found) == app("a")


def test_an_event_is_judged_alone() -> None:
    """With 1,000 Applications in a wait, one change costs one judgement."""
    names = tuple(f"a{number}" for number in range(1000))
    many = wait(names=names)
    many.step(listed(*(app(name, "Progressing") for name in names)), 0)
    before = dict(many.verdicts)
    many.step(event("MODIFIED", app("a7")), 1)
    assert [name for name in names if many.verdicts[name] is not before[name]] == ["a7"]


def test_time_alone_moves_only_those_whose_time_has_come() -> None:
    grace = Expectation(degraded_grace=3)
    many = wait(names=("a", "b"), expectations={"a": grace}, fail_fast=False)
    many.step(listed(app("a", "Degraded"), app("b", "Degraded")), 0)
    before = dict(many.verdicts)
    many.step([], 2)
    assert [many.verdicts[name] is before[name] for name in "ab"] == [True, True]
    many.step([], 3)
    assert {name: verdict.kind for name, verdict in many.verdicts.items()} == {"a": "failed", "b": "waiting"}


def placed(name: str) -> Obj:
    """An Application whose Deployment is in a namespace of its own."""
    found = app(name, "Progressing")
    found["status"]["resources"][0]["namespace"] = name
    return found


def test_what_was_seen_of_a_namespace_counts_until_its_next_turn() -> None:
    class Places(Cluster):
        """The same pod in each namespace."""

        def page(self, path: str, query: dict[str, Any]) -> Obj:
            found, place = super().page(path, query), path.partition("/namespaces/")[2].split("/")[0]
            return {**found, "items": [{**item, "metadata": {**item["metadata"], "namespace": place}} for item in found["items"]]}

    names = tuple(f"a{number}" for number in range(PROBED_NAMESPACES + 2))
    many = wait(Places(pods=[pod("ImagePullBackOff")]), names=names)
    many.step(listed(*map(placed, names)), 0)
    for turn in (1, 2):
        many.step([], turn * PROBE_SECONDS)
    many.step(event("MODIFIED", placed(names[2])), 2 * PROBE_SECONDS + 1)
    assert all("ImagePullBackOff" in verdict.reason for verdict in many.verdicts.values())


def test_progress_shows_each_change() -> None:
    lines: list[Line] = []
    one = ApplicationWait(Cluster(), Request("argocd", names=("a",)), 10.0, Progress(lines.append))
    one.step(listed(app("a", "Progressing")), 12.0)
    one.step(event("MODIFIED", app("a")), 13.5)
    assert [(line["elapsed"], line["text"]) for line in lines] == [
        (2, "a: Synced Progressing at bbbbbbb"),
        (3.5, "a: Synced Healthy at bbbbbbb: done"),
    ]


def test_many_namespaces_are_probed_a_few_at_a_time() -> None:
    cluster = Cluster()
    names = tuple(f"a{number}" for number in range(10))
    many = wait(cluster, names=names)
    many.step(listed(*map(placed, names)), 0)
    for turn in range(1, 4):
        many.step([], turn * PROBE_SECONDS)
        # The pods and the Deployments of each.
        assert len(cluster.listed) == turn * PROBED_NAMESPACES * 2
    assert {path.split("/namespaces/")[1].split("/")[0] for path in cluster.listed} == set(names)


def test_a_pod_that_recovered_does_not_count_later() -> None:
    one = wait(Cluster(pods=[pod("ImagePullBackOff")]), names=("a", "b"), default=Expectation(degraded_grace=20))
    one.step(listed(app("a", "Progressing"), app("b", "Progressing")), 0)
    one.step([], PROBE_SECONDS)
    one.step(event("MODIFIED", app("a")), PROBE_SECONDS + 1)
    one.step(event("MODIFIED", app("a")), PROBE_SECONDS + 21)
    assert one.verdicts["a"].kind == "done"


JOBS = [{"kind": "Job", "namespace": "ns", "name": "migrate", "status": "Synced"}]
FAILED_JOB: Obj = {
    "metadata": {"name": "migrate", "namespace": "ns"},
    "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "limit reached"}]},
}


def test_a_failed_job_ends_the_wait_at_the_first_look() -> None:
    one = wait(Cluster(jobs=[FAILED_JOB]), names=("a",))
    assert one.step(listed(app("a", "Degraded", resources=JOBS)), 0).kind == "waiting"
    verdict = one.step([], PROBE_SECONDS)
    assert (verdict.kind, verdict.reason) == ("failed", "a: Job ns/migrate failed: BackoffLimitExceeded: limit reached")


def test_a_message_holds_a_few_reasons_only() -> None:
    names = tuple(f"a{number}" for number in range(8))
    assert wait(names=names).step(listed(), 0).reason.endswith("; and 3 more")


def test_refresh_annotates_each_and_leaves_the_absent_to_the_verdict() -> None:
    cluster = Cluster(applications=[app("found")])
    wait(cluster, names=("a", "absent"), refresh="hard").refresh()
    wait(cluster, selectors=("x=y",), refresh="normal").refresh()
    assert [path.rsplit("/", 1)[1] for path, _body in cluster.patched] == ["a", "absent", "found"]
    assert cluster.patched[0][1] == {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "hard"}}}


def retried(revision: str, count: int, phase: str = "Running", shown: str = COMMIT) -> Obj:
    state = {"phase": phase, "retryCount": count, "startedAt": "2026-05-04T10:00:00Z", "operation": {"sync": {"revision": revision}}}
    found = app("a", sync="OutOfSync", operationState=state)
    found["status"]["sync"]["revision"] = shown
    return {**found, "metadata": {"name": "a", "resourceVersion": "7"}, "operation": state["operation"]}


@pytest.mark.parametrize(
    ("state", "supersede", "patches"),
    [
        (retried("c" * 40, 1), True, 1),
        (retried("c" * 40, 1), False, 0),
        (retried("c" * 40, 0), True, 0),
        (retried(COMMIT, 1), True, 0),
        (retried("c" * 40, 1, "Terminating"), True, 0),
        # It may be newer than the expected one.
        (retried("c" * 40, 1, shown="c" * 40), True, 0),
    ],
    ids=["tried again at another revision", "not wished", "its first try", "at the expected revision", "ended already", "at what is shown"],
)
def test_an_operation_that_is_tried_again_at_another_revision_is_ended_once(state: Obj, supersede: bool, patches: int) -> None:
    cluster = Cluster()
    one = wait(cluster, names=("a",), default=Expectation(revisions=(COMMIT,)), supersede=supersede)
    for second in range(3):
        one.step(event("MODIFIED", state), second)
    assert cluster.patched == [("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/a", TERMINATING)] * patches
    assert len(one.notices) == patches


MIGRATE = {"kind": "Job", "namespace": "ns", "name": "migrate", "hookType": "Sync", "hookPhase": "Running"}


def first_try(reconciled: str = "2026-05-04T10:01:00Z", revision: str = "c" * 40, shown: str = COMMIT, hooks: Obj | None = None) -> Obj:
    """An operation at another revision than the shown one, in its first try, that waits for a hook."""
    found = retried(revision, 0, shown=shown)
    found["status"]["reconciledAt"] = reconciled
    found["status"]["operationState"]["syncResult"] = {"revision": revision, "resources": [hooks or MIGRATE]}
    return found


def hook_pod(status: Obj) -> Obj:
    metadata = {"name": "migrate-1", "namespace": "ns", "uid": "u1", "ownerReferences": [{"kind": "Job", "name": "migrate"}]}
    return {
        "metadata": metadata,
        "spec": {"nodeName": "n"},
        "status": {"phase": "Running", "containerStatuses": [{"name": "run", **status}]},
    }


CRASHED = {"restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1}}}
WORKS = {"restartCount": 0, "ready": True, "state": {"running": {}}}


@pytest.mark.parametrize(
    ("state", "status", "patches"),
    [
        (first_try(), CRASHED, 1),
        (first_try(), WORKS, 0),
        (first_try(), {**WORKS, "restartCount": 1, "lastState": CRASHED["lastState"]}, 0),
        (first_try(reconciled="2026-05-04T10:00:00Z"), CRASHED, 0),
        (first_try(revision=COMMIT), CRASHED, 0),
        (first_try(shown="c" * 40), CRASHED, 0),
        (first_try(shown="d" * 40), CRASHED, 0),
        ({**first_try(), "operation": None}, CRASHED, 0),
    ],
    ids=[
        "its hook crashes",
        "its hook works",
        "its hook tries again",
        "it may be for something newer",
        "it is the expected one",
        "it is what is shown",
        "neither is the expected one",
        "it has ended",
    ],
)
def test_v16_an_operation_at_another_revision_is_ended_in_its_first_try_if_it_comes_to_nothing(
    state: Obj, status: Obj, patches: int
) -> None:
    cluster = Cluster(pods=[hook_pod(status)])
    one = wait(cluster, names=("a",), default=Expectation(revisions=(COMMIT,)), supersede=True)
    for second in (0, PROBE_SECONDS, PROBE_SECONDS + 1, 4 * PROBE_SECONDS - 1):
        assert one.step(event("MODIFIED", state), second).kind == "waiting"
    assert cluster.patched == [("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/a", TERMINATING)] * patches
    assert [("could not go on" in notice, "migrate-1" in notice) for notice in one.notices] == [(True, True)] * patches


def test_an_application_that_is_absent_has_no_operation_to_end() -> None:
    cluster = Cluster()
    one = wait(cluster, names=("a",), default=Expectation(revisions=(COMMIT,), must_exist=False), supersede=True)
    assert one.step(listed(), 0).kind == "waiting"
    assert cluster.patched == []


def test_v16_an_end_that_the_controller_wrote_over_is_asked_for_again() -> None:
    cluster = Cluster()
    one = wait(cluster, names=("a",), default=Expectation(revisions=(COMMIT,)), supersede=True)
    for second in (0, SUPERSEDE_SECONDS - 1, SUPERSEDE_SECONDS, SUPERSEDE_SECONDS + 1):
        one.step(event("MODIFIED", retried("c" * 40, 1)), second)
    assert len(cluster.patched) == 2


TERMINATING: Obj = {"metadata": {"resourceVersion": "7"}, "status": {"operationState": {"phase": "Terminating"}}}


@pytest.mark.parametrize(("status", "raised"), [(409, False), (404, False), (503, False), (403, True)])
def test_an_operation_that_changed_meanwhile_is_left(status: int, raised: bool) -> None:
    class Refusing(Cluster):
        def patch(self, path: str, body: Obj) -> Obj:
            raise ApiError(status, "no")

    one = wait(Refusing(), names=("a",), default=Expectation(revisions=(COMMIT,)), supersede=True)
    with pytest.raises(ApiError) if raised else nullcontext():
        assert one.step(event("MODIFIED", retried("c" * 40, 1)), 0).kind == "waiting"
    assert one.notices == []


def test_refresh_that_is_not_permitted_is_an_error() -> None:
    with pytest.raises(ApiError):
        wait(names=("forbidden",), refresh="normal").refresh()


# Live: the controller asks for the AppProject again when the sync has ended (processRequestedAppOperation in Argo CD).
NO_PROJECT = 'error getting app project "waits": appproject.argoproj.io "waits" not found'
AUTOMATED: Obj = {"automated": {"prune": True}, "syncOptions": ["ServerSideApply=true"], "retry": {"limit": 3}}
AUTOMATED_SYNC: Obj = {
    "initiatedBy": {"automated": True},
    "retry": {"limit": 3},
    "sync": {"revision": COMMIT, "prune": True, "syncOptions": ["ServerSideApply=true"]},
}


def tried(message: str = NO_PROJECT, revision: str = COMMIT, shown: str = COMMIT, phase: str = "Error", **spec: Any) -> Obj:
    """An Application whose last operation has failed."""
    state = {"phase": phase, "message": message, "startedAt": "2026-05-04T10:00:00Z", "operation": {"sync": {"revision": revision}}}
    found = app("a", sync="OutOfSync", operationState=state)
    found["status"]["sync"]["revision"] = shown
    found["spec"] |= {"syncPolicy": AUTOMATED, **spec}
    return {**found, "metadata": {"name": "a", "resourceVersion": "7"}}


def several(state: Obj) -> Obj:
    """The same with two sources."""
    status = state["status"]
    status["sync"] |= {"revisions": [COMMIT, "1.2.3"], "comparedTo": {"sources": [{"path": "a"}, {"chart": "b"}]}}
    status["operationState"]["operation"]["sync"] = {"revisions": [COMMIT, "1.2.3"]}
    return {**state, "spec": {**state["spec"], "sources": [{"path": "a"}, {"chart": "b"}]}}


@pytest.mark.parametrize(
    ("state", "expected", "requested"),
    [
        (tried(), (COMMIT,), AUTOMATED_SYNC),
        (tried(phase="Failed"), (COMMIT[:9],), AUTOMATED_SYNC),
        (
            tried(syncPolicy={"automated": {}}),
            (COMMIT,),
            AUTOMATED_SYNC | {"retry": {"limit": 5}, "sync": {"revision": COMMIT, "prune": False, "syncOptions": []}},
        ),
        (
            several(tried()),
            (COMMIT, "1.2.3"),
            AUTOMATED_SYNC | {"sync": {"revisions": [COMMIT, "1.2.3"], "prune": True, "syncOptions": ["ServerSideApply=true"]}},
        ),
        (tried(syncPolicy=None), (COMMIT,), None),
        (tried(syncPolicy={}), (COMMIT,), None),
        (tried(syncPolicy={"automated": {"enabled": False}}), (COMMIT,), None),
        (tried(), (), None),
        (tried(phase="Succeeded"), (COMMIT,), None),
        (tried(phase="Running"), (COMMIT,), None),
        ({**tried(), "operation": {"sync": {}}}, (COMMIT,), None),
        (tried(revision="c" * 40), (COMMIT,), None),
        (tried(shown="c" * 40), (COMMIT,), None),
        (tried("one or more objects failed to apply: a field is immutable"), (COMMIT,), None),
        (tried("words of nobody"), (COMMIT,), None),
        # Argo CD itself begins another operation after a comparison that failed.
        (tried("ComparisonError: words of nobody"), (COMMIT,), None),
    ],
    ids=[
        "an error",
        "a failure",
        "no policy of its own",
        "two sources",
        "by hand",
        "by hand, too",
        "switched off",
        "no revision expected",
        "it succeeded",
        "it goes on",
        "another is requested",
        "for another revision",
        "another is shown",
        "a final message",
        "an unknown one",
        "an unknown one of a comparison",
    ],
)
def test_a_sync_that_failed_by_what_may_pass_is_requested_again(state: Obj, expected: tuple[str, ...], requested: Obj | None) -> None:
    cluster = Cluster()
    one = wait(cluster, names=("a",), default=Expectation(revisions=expected), supersede=True)
    verdict = one.step(listed(state), 0)
    for second in (REFRESH_SECONDS - 1, REFRESH_SECONDS, REFRESH_SECONDS + SUPERSEDE_SECONDS - 1):
        verdict = one.step([], second)
    assert [body for _path, body in cluster.patched] == (
        [{"metadata": {"resourceVersion": "7"}, "operation": requested}] if requested else []
    )
    assert [(NO_PROJECT in text, "requested the sync again" in text) for text in one.notices] == [(True, True)] * bool(requested)
    if requested:
        assert (verdict.kind, verdict.wake) == ("waiting", REFRESH_SECONDS + SUPERSEDE_SECONDS)
        one.step([], REFRESH_SECONDS + SUPERSEDE_SECONDS)
        assert len(cluster.patched) == 2


def test_a_sync_is_requested_only_of_a_caller_who_supersedes() -> None:
    cluster = Cluster()
    one = wait(cluster, names=("a",), default=Expectation(revisions=(COMMIT,)))
    one.step(listed(tried()), 0)
    one.step([], REFRESH_SECONDS)
    assert cluster.patched == []


AWAY: Obj = {"conditions": [{"type": "ComparisonError", "message": "rpc error: code = Unavailable desc = connection refused"}]}


@pytest.mark.parametrize(
    ("refresh", "state", "asked"),
    [
        ("normal", app("a", sync="Unknown", **AWAY), [10, 20, 30, 40, 50]),
        ("none", app("a", sync="Unknown", **AWAY), []),
        ("normal", app("a", sync="OutOfSync"), []),
    ],
    ids=["a passing error", "no refresh wished", "no error"],
)
def test_a_comparison_that_failed_for_a_moment_is_asked_for_again(refresh: str, state: Obj, asked: list[int]) -> None:
    cluster, seconds = Cluster(), list[int]()
    one = wait(cluster, names=("a",), refresh=refresh)
    one.step(listed(state), 0)
    for second in range(1, 60):
        assert one.step([], second).kind == "waiting"
        if len(cluster.patched) > len(seconds):  # the controller takes the request, and fails again
            seconds.append(second)
            one.step(event("MODIFIED", {**state, "metadata": {"name": "a", "annotations": {REFRESH: refresh}}}), second)
            one.step(event("MODIFIED", state), second)
    assert seconds == asked
    # Asking again does not prolong the grace. After its end no further request is made.
    assert one.step([], 60).kind == ("failed" if "conditions" in state["status"] else "waiting")
    assert len(cluster.patched) == len(asked)


def at(revision: str, **status: Any) -> Obj:
    item = app("a", **status)
    item["status"]["sync"]["revision"] = revision * 40
    return item


def test_a_push_that_comes_after_the_expected_one_is_told() -> None:
    cluster = Cluster()
    one = wait(cluster, names=("a",), refresh="normal", default=Expectation(revisions=(COMMIT,)))
    one.step(listed(at("b", health="Progressing")), 0)
    assert one.step(event("MODIFIED", at("c")), 5).wake == 15
    assert one.results()[0]["overtaken"] is True
    # Git is asked once more: a mirror may lag.
    one.step([], 15)
    assert [path.rsplit("/", 1)[-1] for path, _body in cluster.patched] == ["a"]
    one.step(event("MODIFIED", at("b", health="Progressing")), 16)
    assert one.results()[0]["overtaken"] is False
    one.step(event("MODIFIED", at("c")), 20)
    assert one.step([], 80).kind == "failed"
    assert one.results()[0]["overtaken"] is True


def test_a_failure_of_the_expected_one_is_not_taken_for_a_later_push() -> None:
    one = wait(names=("a",), default=Expectation(revisions=(COMMIT,)))
    for second, revision in enumerate("bcb"):
        one.step(event("MODIFIED", at(revision, health="Progressing")), second)
    operation = {"phase": "Failed", "message": "quota", "syncResult": {"revision": COMMIT}}
    assert one.step(event("MODIFIED", at("b", operationState=operation)), 9).kind == "failed"
    assert one.results()[0]["overtaken"] is False


def test_notices_are_kept() -> None:
    one = wait(names=("a",))
    one.step([(0, Change("notice", text="polling"))], 0)
    assert one.notices == ["polling"]


def test_pods_that_cannot_start_end_the_wait() -> None:
    one = wait(Cluster(pods=[pod("ImagePullBackOff")]), names=("a",), default=Expectation(degraded_grace=20))
    verdict = one.step(listed(app("a", "Progressing")), 0)
    assert verdict.wake == PROBE_SECONDS
    assert one.step([], PROBE_SECONDS).kind == "waiting"
    verdict = one.step([], PROBE_SECONDS + 20)
    assert verdict.kind == "failed"
    assert "ImagePullBackOff" in verdict.reason


def test_pods_are_looked_at_only_while_something_is_on_its_way() -> None:
    cluster = Cluster()
    one = wait(cluster, names=("a",))
    assert one.step(listed(app("a", sync="OutOfSync")), 0).wake is None
    one.step([], 30)
    assert cluster.listed == []


NOON = datetime.datetime(2026, 5, 4, 12, tzinfo=datetime.UTC)


def running(lasted: float, restarts: int = 0, reason: str = "Error", ready: bool = True) -> Obj:
    """A pod whose container has run for so many seconds at noon, after the given number of restarts."""
    found = pod("")
    end = {"lastState": {"terminated": {"reason": reason, "exitCode": 1}}} if restarts else {}
    since = {"startedAt": (NOON - datetime.timedelta(seconds=lasted)).isoformat()}
    status = {"name": "web", "ready": ready, "restartCount": restarts, "state": {"running": since}, **end}
    return {**found, "status": {"containerStatuses": [status]}}


def ended(kind: str, name: str) -> Obj:
    found = pod("")
    found["metadata"]["ownerReferences"] = [{"kind": kind, "name": name, "controller": True}]
    return {**found, "status": {"containerStatuses": [{"name": "web", "state": {"terminated": {"reason": "Error", "exitCode": 1}}}]}}


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (running(20), None),
        (running(14), "a: pod ns/web-5d8f-x, container web: has not run for 15 s yet"),
        (running(61, restarts=2), None),
        (
            running(20, restarts=2),
            "a: pod ns/web-5d8f-x, container web: restarted 2 times, the last time after Error (exit code 1), and has not run for 60 s "
            "since",
        ),
        # The node was restarted.
        (running(20, restarts=2, reason="Unknown"), None),
        # A clock that is far off.
        (running(-3600), None),
        (running(-3600, restarts=1), None),
        # Argo CD has not seen yet that it ended.
        (ended("ReplicaSet", "web-5d8f"), "a: pod ns/web-5d8f-x, container web: ended with Error (exit code 1)"),
        # A Job's try that failed before the one that did not.
        (ended("Job", "migrate"), None),
        # Another Application's.
        ({**running(1), "metadata": {"name": "other", "namespace": "ns"}}, None),
        ({**running(1), "metadata": {**running(1)["metadata"], "deletionTimestamp": "2026-05-04T11:59:59Z"}}, None),
    ],
)
def test_v17_a_container_without_readiness_probe_is_ready_between_two_crashes_and_not_done(seen: Obj, reason: str | None) -> None:
    """Seen: the triggerer with `default_capacity: lots` runs for five seconds at a time; make site ended well."""
    cluster = Cluster(pods=[seen])
    one = wait(cluster, names=("a",))
    both = [*app("a")["status"]["resources"], *JOBS]
    verdict = one.step(listed(app("a", resources=both)), 0)
    assert (verdict.kind, verdict.reason or None) == ("waiting" if reason else "done", reason)
    if reason:
        assert verdict.wake == PROBE_SECONDS
        cluster.collections["pods"] = [running(100, restarts=2)]
        assert one.step([], PROBE_SECONDS).kind == "done"


def test_v17_an_application_that_is_deleted_while_its_container_may_crash_again() -> None:
    cluster = Cluster(pods=[running(14)])
    one = wait(cluster, names=("a",))
    assert one.step(listed(app("a", resources=[*app("a")["status"]["resources"], *JOBS])), 0).kind == "waiting"
    verdict = one.step(event("DELETED", app("a")), 1)
    assert (verdict.kind, verdict.reason) == ("failed", "a: the Application does not exist")
    assert one.step([], PROBE_SECONDS).kind == "failed"


def with_probe(seen: Obj, probe: str) -> Obj:
    return {**seen, "spec": {**seen.get("spec", {}), "containers": [{"name": "web", probe: {"httpGet": {"port": 8080}}}]}}


@pytest.mark.parametrize(
    ("seen", "settled", "kind"),
    [
        (running(1), True, "waiting"),
        # A later task looks again.
        (running(1), False, "done"),
        # It was ready only after the probe had passed.
        (with_probe(running(1), "readinessProbe"), True, "done"),
        (with_probe(running(1), "startupProbe"), True, "done"),
        (with_probe(running(1), "livenessProbe"), True, "waiting"),
        # What has crashed may crash again, whatever it answered between.
        (with_probe(running(1, restarts=1), "readinessProbe"), True, "waiting"),
        (with_probe(running(1, restarts=1), "readinessProbe"), False, "waiting"),
        (running(1, restarts=1), False, "waiting"),
    ],
)
def test_v17_what_has_just_started_is_waited_for_unless_a_probe_or_a_later_task_looks(seen: Obj, settled: bool, kind: str) -> None:
    one = wait(Cluster(pods=[seen]), names=("a",), default=Expectation(settled=settled))
    both = [*app("a")["status"]["resources"], *JOBS]
    assert one.step(listed(app("a", resources=both)), 0).kind == kind


def test_v17_a_container_that_crashes_again_and_again_ends_the_wait_whatever_its_application_is_called_between() -> None:
    cluster = Cluster(pods=[running(1, restarts=1)])
    cluster.logs["ns", "web-5d8f-x", "web", True] = SAID
    one = wait(cluster, names=("a",), default=Expectation(degraded_grace=20))
    assert one.step(listed(app("a")), 0).kind == "waiting"
    crashed = pod("CrashLoopBackOff")
    crashed["status"]["containerStatuses"][0] |= {"lastState": {"terminated": {"exitCode": 1}}, "restartCount": 1}
    cluster.collections["pods"] = [crashed]
    cluster.logs.clear()
    assert one.step(event("MODIFIED", app("a", "Progressing")), 5).kind == "waiting"
    cluster.collections["pods"] = [running(2, restarts=2)]
    assert one.step(event("MODIFIED", app("a")), 12).kind == "waiting"
    # Its log is deleted with the container before the last; what it said once is kept.
    assert one.said["ReplicaSet/ns/web-5d8f/web"][1] == SAID
    cluster.collections["pods"] = [crashed]
    verdict = one.step(event("MODIFIED", app("a", "Progressing")), 20)
    assert (verdict.kind, verdict.reason[:18]) == ("failed", "a: stuck for 20 s:")


def test_v17_what_has_just_started_is_no_reason_while_its_application_is_not_healthy() -> None:
    one = wait(Cluster(pods=[running(1)]), names=("a",))
    one.step(listed(app("a", "Progressing")), 0)
    assert one.step([], PROBE_SECONDS).reason == "a: health is Progressing"


def test_what_may_be_degraded_is_done_whatever_its_pods_do() -> None:
    cluster = Cluster(pods=[running(1)])
    one = wait(cluster, names=("a",), default=Expectation(health=frozenset({"any"})))
    assert one.step(listed(app("a")), 0).kind == "done"
    assert cluster.listed == []


def test_v16_pods_seen_before_an_operation_ended_are_not_blamed_on_what_it_brought() -> None:
    """Seen: for a second the old ReplicaSet's pod was named, because the last look was from before the sync."""
    one = wait(Cluster(pods=[pod("ImagePullBackOff")]), names=("a",))
    one.step(listed(app("a", "Progressing")), 0)
    assert "ImagePullBackOff" in one.step([], PROBE_SECONDS).reason
    synced = app("a", "Progressing", operationState={"phase": "Succeeded", "startedAt": "2026-05-04T10:00:00Z"})
    assert one.step(event("MODIFIED", synced), PROBE_SECONDS + 1).reason == "a: health is Progressing"
    assert "ImagePullBackOff" in one.step([], 2 * PROBE_SECONDS).reason


def test_v2_progress_names_the_cause_in_one_line() -> None:
    one = wait(Cluster(pods=[pod("ImagePullBackOff")]), names=("a",))
    one.step(listed(app("a", "Progressing")), 0)
    one.step([], PROBE_SECONDS)
    state = one.results()[0]["transitions"][-1]
    assert state_text(state) == "Synced Progressing at bbbbbbb: pod ns/web-5d8f-x, container web (image nope): ImagePullBackOff"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"sync": "", "health": "", "revision": "", "verdict": "waiting", "reason": ""}, ""),
        ({"sync": "Synced", "health": "Healthy", "revision": "1.15.0", "verdict": "done", "reason": ""}, "Synced Healthy at 1.15.0: done"),
        (
            {
                "sync": "OutOfSync",
                "health": "Healthy",
                "revision": f"{COMMIT},{'c' * 39}",
                "verdict": "waiting",
                "reason": "sync is OutOfSync",
            },
            f"OutOfSync Healthy at bbbbbbb,{'c' * 39}",
        ),
    ],
)
def test_a_transition_in_one_line(state: dict[str, Any], text: str) -> None:
    assert state_text(state) == text


def test_before_the_first_look_there_is_nothing_to_diagnose() -> None:
    assert wait(names=("a",)).diagnosis(timed_out=True) == []


def test_pods_that_may_not_be_read_are_noted_once() -> None:
    one = wait(Cluster(pods=ApiError(403, "no pods")), names=("a",))
    for second in (0, 5, 10):
        one.step(listed(app("a", "Progressing")), second)
    assert len(one.notices) == 1
    assert "no pods" in one.notices[0]


def test_diagnosis() -> None:
    waiting = pod("ImagePullBackOff")
    events: list[Obj] = [
        {
            "lastTimestamp": "2026-05-04T10:00:02Z",
            "reason": "Late",
            "count": 3,
            "involvedObject": {"kind": "Pod", "name": "p"},
            "message": "m",
        },
        {"lastTimestamp": "2026-05-04T10:00:01Z", "reason": "Early", "involvedObject": {}, "message": "m"},
    ]
    one = wait(Cluster(pods=[waiting], events=events), names=("a", "b"))
    one.step(listed(app("a", "Degraded", conditions=[{"type": "SyncError", "message": "m"}]), app("b")), 0)
    (bundle,) = one.diagnosis(timed_out=True)
    assert bundle["application"] == "a"
    assert "ImagePullBackOff" in bundle["pods"][0]
    assert [line.split()[3].rstrip(":") for line in bundle["events"]] == ["Early", "Late"]
    assert bundle["conditions"][0]["type"] == "SyncError"


def test_diagnosis_asks_the_workloads_that_argo_cd_says_nothing_of() -> None:
    late: Obj = {
        "metadata": {"name": "web", "namespace": "ns", "generation": 1},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 1},
    }
    other = {**late, "metadata": {**late["metadata"], "name": "of-another"}}
    resources = [*app("a")["status"]["resources"], {"kind": "Service", "namespace": "ns", "name": "web", "status": "Synced"}]
    one = wait(Cluster(deployments=[late, other]), names=("a",))
    one.step(listed(app("a", "Progressing", resources=resources)), 0)
    (blocked,) = one.diagnosis(timed_out=True)[0]["blocking"]
    assert (blocked["kind"], blocked["name"], blocked["health"]) == ("Deployment", "web", "Progressing")
    assert blocked["message"] == "1 of 2 pods are available"
    # The Deployment with this name in the cluster at hand is another one.
    remote = wait(Cluster(deployments=[late]), names=("a",))
    remote.step(listed(elsewhere(app("a", "Progressing"))), 0)
    assert remote.diagnosis(timed_out=True)[0]["blocking"] == []


FAILED_HOOK = {**MIGRATE, "hookPhase": "Failed", "message": "exit 1"}
QUOTA: Obj = {"phase": "Failed", "message": "quota", "startedAt": "2026-05-04T10:00:00Z", "syncResult": {"resources": [FAILED_HOOK]}}


@pytest.mark.parametrize(
    ("status", "operation"),
    [
        (
            {"operationState": QUOTA},
            {
                "phase": "Failed",
                "message": "quota",
                "started": "2026-05-04T10:00:00Z",
                "failed_resources": ["Job migrate Sync Failed (exit 1)"],
            },
        ),
        ({}, {}),
    ],
    ids=["failed", "never operated"],
)
def test_diagnosis_holds_the_last_operation(status: Obj, operation: Obj) -> None:
    one = wait(names=("a",))
    one.step(listed(app("a", "Degraded", **status)), 0)
    assert one.diagnosis(timed_out=True)[0]["operation"] == operation


CRASH: Obj = {"terminated": {"exitCode": 1}}


@pytest.mark.parametrize(
    ("status", "previous"),
    [
        ({"state": CRASH}, False),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": CRASH}, True),
        ({"state": {"running": {}}, "lastState": CRASH}, False),
        ({"state": {"running": {}}}, False),
        ({"state": {"running": {}}, "ready": True}, None),
        ({"state": {"terminated": {"exitCode": 0}}}, None),
        ({"state": {"waiting": {"reason": "ImagePullBackOff"}}}, None),
    ],
    ids=["crashed", "crashed, starts again", "runs again", "not ready", "ready", "completed", "never ran"],
)
def test_the_log_of_what_crashed_or_is_not_ready_is_read(status: Obj, previous: bool | None) -> None:
    """One that waits to start again has its last words in the log of the run before."""
    item = {**pod(""), "status": {"containerStatuses": [{"name": "web", **status}]}}
    assert silent_containers(app("a"), [item]) == ([] if previous is None else [("ns", "web-5d8f-x", "web", previous)])


def test_the_log_of_what_crashed_comes_before_that_of_what_is_not_ready() -> None:
    states: list[Obj] = [{"name": "a", "state": {"running": {}}}, {"name": "b", "state": CRASH}]
    item = {**pod(""), "status": {"containerStatuses": states}}
    assert [container for _namespace, _pod, container, _previous in silent_containers(app("a"), [item])] == ["b", "a"]


def test_diagnosis_holds_the_last_words_of_what_crashed() -> None:
    crashed = pod("CrashLoopBackOff")
    crashed["status"]["containerStatuses"][0]["lastState"] = {"terminated": {"exitCode": 1}}
    cluster = Cluster(pods=[crashed])
    cluster.logs["ns", "web-5d8f-x", "web", True] = ["no database"]
    one = wait(cluster, names=("a",))
    one.step(listed(app("a", "Progressing")), 0)
    (words,) = one.diagnosis(timed_out=True)[0]["logs"]
    assert words == {"pod": "ns/web-5d8f-x", "container": "web", "previous": True, "lines": ["no database"]}


SAID = [
    "Traceback (most recent call last):",
    "",
    "AirflowConfigException: Failed to convert value to int: 'lots'",
    "see http://u:s3cretpw@db/x",
]


def test_v17_the_failing_containers_own_last_words_are_quoted_whole_and_masked() -> None:
    cluster = Cluster(pods=[hook_pod(CRASHED)])
    cluster.logs["ns", "migrate-1", "run", True] = SAID
    one = wait(cluster, names=("a",), default=Expectation(degraded_grace=20))
    running = {"phase": "Running", "startedAt": "2026-05-04T10:00:00Z", "syncResult": {"resources": [MIGRATE]}}
    one.step(listed(app("a", "Progressing", operationState=running)), 0)
    one.step([], PROBE_SECONDS)
    # V2: its pod is deleted before it is read.
    cluster.collections["pods"] = []
    cluster.logs.clear()
    assert one.said["Job/ns/migrate/run"][1] == SAID
    cluster.collections["pods"] = [hook_pod(CRASHED)]
    verdict = one.step([], PROBE_SECONDS + 20)
    assert verdict.kind == "failed"
    (bundle,) = diagnosis = one.diagnosis(timed_out=False)
    assert bundle["next_action"].startswith("Correct what the last lines of container run of pod ns/migrate-1 name")
    assert quoted(diagnosis).splitlines() == [
        "The last lines of pod ns/migrate-1, container run:",
        "  Traceback (most recent call last):",
        "  AirflowConfigException: Failed to convert value to int: 'lots'",
        "  see http://u:********@db/x",
    ]


def test_v2_the_words_of_a_later_crash_count() -> None:
    cluster = Cluster(pods=[hook_pod(CRASHED)])
    cluster.logs["ns", "migrate-1", "run", True] = ["one"]
    one = wait(cluster, names=("a",))
    one.step(listed(app("a", "Degraded", resources=JOBS)), 0)
    one.step([], PROBE_SECONDS)
    cluster.collections["pods"] = [hook_pod({**CRASHED, "restartCount": 3})]
    cluster.logs["ns", "migrate-1", "run", True] = ["two"]
    one.step([], 2 * PROBE_SECONDS)
    assert [lines for _cause, lines in one.said.values()] == [["two"]]


def test_what_only_fails_its_probe_is_not_asked_for_its_last_words() -> None:
    slow = running(100, ready=False)
    slow["metadata"]["uid"] = "u1"
    unhealthy = {
        "reason": "Unhealthy",
        "message": "Readiness probe failed: 503",
        "involvedObject": {"uid": "u1", "fieldPath": "spec.containers{web}"},
        "lastTimestamp": "2026-05-04T11:59:00Z",
    }
    one = wait(Cluster(pods=[slow], events=[unhealthy]), names=("a",))
    one.step(listed(app("a", "Progressing")), 0)
    assert "not ready: Readiness probe failed: 503" in one.step([], PROBE_SECONDS).reason
    assert one.said == {}


CRASHED_WEB: Obj = {"name": "web", "image": "nope", "restartCount": 2, **{key: CRASHED[key] for key in ("state", "lastState")}}


@pytest.mark.parametrize(
    ("crashed", "failed_job", "pods", "times"),
    [
        pytest.param(hook_pod(CRASHED), FAILED_JOB, [], 1, id="without last words"),
        pytest.param(hook_pod(CRASHED), FAILED_JOB, [hook_pod(CRASHED)], 1, id="its pod is still there"),
        pytest.param({**pod(""), "status": {"containerStatuses": [CRASHED_WEB]}}, FAILED_JOB, [], 0, id="another's pod"),
        pytest.param(hook_pod(CRASHED), {**FAILED_JOB, "metadata": {**FAILED_JOB["metadata"], "uid": "j2"}}, [], 0, id="a Job made anew"),
    ],
)
def test_v2_a_failed_job_is_told_with_the_end_of_its_own_pod(crashed: Obj, failed_job: Obj, pods: list[Obj], times: int) -> None:
    cluster = Cluster(pods=[crashed], jobs=[])
    one = wait(cluster, names=("a",))
    resources = [*app("a")["status"]["resources"], *JOBS]
    one.step(listed(app("a", "Degraded", resources=resources)), 0)
    one.step([], PROBE_SECONDS)
    assert len(one.said) == 1
    cluster.collections |= {"pods": pods, "jobs": [failed_job]}
    verdict = one.step([], 2 * PROBE_SECONDS)
    assert verdict.reason.startswith("a: Job ns/migrate failed: BackoffLimitExceeded: limit reached")
    assert verdict.reason.count("; its pod") == times


def test_v2_a_failed_job_whose_pod_is_gone_tells_the_end_that_was_seen() -> None:
    cluster = Cluster(pods=[hook_pod(CRASHED)], jobs=[])
    cluster.logs["ns", "migrate-1", "run", True] = SAID
    one = wait(cluster, names=("a",))
    one.step(listed(app("a", "Degraded", resources=JOBS)), 0)
    one.step([], PROBE_SECONDS)
    cluster.collections |= {"pods": [], "jobs": [FAILED_JOB]}
    cluster.logs.clear()
    verdict = one.step([], 2 * PROBE_SECONDS)
    assert verdict.reason == (
        "a: Job ns/migrate failed: BackoffLimitExceeded: limit reached; its pod ns/migrate-1, container run (image ): CrashLoopBackOff: "
        "(last exit code 1: no message)"
    )
    assert "Failed to convert value to int" in quoted(one.diagnosis(timed_out=False))


def test_v2_old_commits_causes_are_no_part_of_the_diagnosis() -> None:
    one = wait(Cluster(pods=[hook_pod(CRASHED)]), names=("a",), default=Expectation(revisions=(COMMIT,)))
    one.step(listed(first_try()), 0)
    one.step([], PROBE_SECONDS)
    (bundle,) = diagnosis = one.diagnosis(timed_out=True)
    assert (bundle["causes"], bundle["pods"], quoted(diagnosis)) == ([], [], "")


def test_many_are_not_all_diagnosed_and_nothing_is_listed_twice() -> None:
    cluster = Cluster()
    names = tuple(f"a{number:02}" for number in range(30))
    many = wait(cluster, names=names, fail_fast=False)
    many.step(listed(*(app(name, "Progressing") for name in names[:-1])), 0)
    found = [item["application"] for item in many.diagnosis(timed_out=True)]
    assert (len(found), found[0]) == (DIAGNOSED, "a29")
    assert sorted(path.rsplit("/", 1)[1] for path in cluster.listed) == ["deployments", "events", "pods"]


def test_diagnosis_without_permission_says_so() -> None:
    one = wait(Cluster(pods=ApiError(403, "no pods")), names=("a",))
    one.step(listed(app("a", "Progressing")), 0)
    assert one.diagnosis(timed_out=True)[0]["notes"] == ["no pods"]


def test_only_the_latest_events_are_kept() -> None:
    many = [{"lastTimestamp": f"2026-05-04T10:00:{second:02}Z", "reason": str(second)} for second in range(30)]
    assert [line.split()[3].rstrip(":") for line in warning_events(many)] == [str(second) for second in range(20, 30)]


def test_another_clusters_pods_are_not_looked_for_here() -> None:
    assert (workload_namespaces(app("a")), workload_namespaces(elsewhere(app("a")))) == (["ns"], [])


IMAGE_CAUSE = causes(Seen(pods=(pod("ImagePullBackOff"),)))[0]
FAILED_OPERATION: Obj = {"operationState": {"phase": "Failed"}}
NO_MANIFEST = {"type": "ComparisonError", "message": ""}
SYNC_ERROR = {"type": "SyncError", "message": "Failed sync attempt"}


NO_CHART = (
    "Failed to load target state: failed to generate manifest: `helm dependency build` failed exit status 1: Error: looks like "
    '"https://charts" is not a valid chart repository or cannot be reached: Get "https://charts/index.yaml": x509: unknown authority'
)


@pytest.mark.parametrize(
    ("state", "found", "words"),
    [
        (None, [], "must_exist"),
        ({**app("a"), "metadata": {"deletionTimestamp": "2026-05-04T10:00:00Z"}}, [], "wait until it is deleted"),
        (app("a", conditions=[NO_MANIFEST]), [], "values, project). Make the change in Git"),
        (app("a", conditions=[{"type": "ComparisonError", "message": NO_CHART}]), [], "reach the chart repository that the message names"),
        (app("a"), [IMAGE_CAUSE], "Correct the image nope of container web of pod ns/web-5d8f-x"),
        (app("a", conditions=[SYNC_ERROR]), [IMAGE_CAUSE], "Correct the image nope"),
        (app("a", conditions=[SYNC_ERROR]), [], "the cause that SyncError names"),
        (app("a", conditions=[SYNC_ERROR, NO_MANIFEST]), [], "the cause that ComparisonError names"),
        (app("a", conditions=[NO_MANIFEST]), [IMAGE_CAUSE], "the cause that ComparisonError names"),
        (app("a", **FAILED_OPERATION), [], "does not try the same commit again"),
        ({**app("a"), "metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}, [], "controller did not act"),
        ({**app("a"), "status": {}}, [], "controller did not act"),
        (app("a", sync="OutOfSync"), [], "argocd app sync a"),
        (app("a"), [], "Raise timeout"),
    ],
    ids=[
        "absent",
        "deleted",
        "condition",
        "F7: chart repository",
        "cause",
        "cause and SyncError",
        "SyncError",
        "SyncError repeats what another says",
        "without manifests there is nothing to mend in the cluster",
        "operation",
        "controller",
        "never compared",
        "manual sync",
        "slow",
    ],
)
def test_next_action(state: Obj | None, found: list[Cause], words: str) -> None:
    assert words in next_action(state, found, "argocd", "a", timed_out=True)


@pytest.mark.parametrize("change", [True, False])
def test_next_action_says_to_push_only_where_git_is_to_change(change: bool) -> None:
    action = next_action(app("a"), [replace(IMAGE_CAUSE, change=change)], "argocd", "a", timed_out=True)
    assert action == (f"{IMAGE_CAUSE.action} {CHANGE}" if change else IMAGE_CAUSE.action)


def test_next_action_for_a_revision_that_does_not_come() -> None:
    action = next_action(app("a"), [], "argocd", "a", timed_out=True, expected=("c" * 40,))
    assert action.startswith("Check the newest commit of the revision that the Application follows (HEAD)")
    assert next_action(app("a"), [], "argocd", "a", timed_out=True, expected=(COMMIT,)).startswith("Raise timeout")


def parameters(**given: Any) -> dict[str, Any]:
    defaults = {name: spec.get("default") for name, spec in module.argument_spec().items()}
    return {**defaults, "applications": ["a", "b"], **given}


def test_revision_forms() -> None:
    def expected(revision: Any) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
        request = build_request(parameters(revision=revision))
        return request.default.revisions, {name: value.revisions for name, value in request.expectations.items()}

    assert expected(None) == ((), {})
    assert expected(COMMIT.upper()) == ((COMMIT,), {})
    assert expected("") == ((), {})
    assert expected({"a": COMMIT, "b": ["1.15.0", ""]}) == ((), {"a": (COMMIT,), "b": ("1.15.0", "")})


def test_what_selectors_find_may_have_revisions_by_name() -> None:
    request = build_request(parameters(applications=None, label_selectors=["x=y"], revision={"c": COMMIT, "": "1.15.0"}))
    assert (request.names, request.selectors) == ((), ("x=y",))
    assert (request.default.revisions, request.expectations["c"].revisions) == (("1.15.0",), (COMMIT,))


@pytest.mark.parametrize("check", [True, False])
def test_a_check_ends_no_operation(check: bool) -> None:
    assert build_request(parameters(revision=COMMIT, supersede=True), check).supersede is not check
    assert not build_request(parameters(revision=COMMIT), check).supersede


def test_no_time_at_all_is_allowed() -> None:
    request = build_request(parameters(timeout=0, degraded_grace=0, stable_for=0, overtaken_grace=None))
    assert (request.default.degraded_grace, request.default.overtaken_grace) == (0, None)


@pytest.mark.parametrize("grace", [None, 0, 15.0])
def test_the_grace_of_a_later_push_is_that_of_what_ails_unless_it_is_given(grace: float | None) -> None:
    assert build_request(parameters(overtaken_grace=grace)).default.overtaken_grace == grace


def test_refresh_makes_errors_final() -> None:
    assert build_request(parameters(refresh="hard")).default.refreshed
    assert not build_request(parameters()).default.refreshed
    # A check asks for none.
    assert not build_request(parameters(refresh="hard"), check=True).default.refreshed


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"applications": []}, "name nothing"),
        ({"timeout": -1}, "timeout is -1"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"timeout": float("inf")}, "timeout is inf"),
        ({"applications": None, "label_selectors": []}, "name nothing"),
        ({"health": []}, "health is empty"),
        ({"supersede": True}, "supersede needs revision"),
        ({"degraded_grace": -1}, "degraded_grace is -1"),
        ({"overtaken_grace": -1}, "overtaken_grace is -1"),
        ({"stable_for": -0.5}, "stable_for is -0.5"),
        ({"revision": "main"}, "'main' is neither a commit"),
        ({"revision": {"c": COMMIT}}, "'c', which is not among"),
        ({"revision": 1234567}, "1234567 must be text"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        build_request(parameters(**given))
    assert (caught.value.code, caught.value.next_action != "") == ("bad_option", True)


DRIFT = {"group": "apps", "kind": "StatefulSet", "namespace": "ns", "name": "triggerer", "status": "OutOfSync"}
CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"]}}
APPLIED = {"kind": "StatefulSet", "spec": {"volumeClaimTemplates": [CLAIM]}}
DEFAULTED: Obj = {
    "metadata": {
        "name": "triggerer",
        "namespace": "ns",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(APPLIED)},
    },
    "spec": {"volumeClaimTemplates": [{**CLAIM, "kind": "PersistentVolumeClaim"}]},
}
FIELDS = "StatefulSet ns/triggerer: spec.volumeClaimTemplates[0].kind"


def drifted(*resources: Obj, **spec: Any) -> Obj:
    found = app("a", sync="OutOfSync", resources=list(resources))
    found["spec"] |= {"syncPolicy": {"automated": {"selfHeal": True}}, **spec}
    found["status"]["sync"]["comparedTo"] |= spec
    return found


def stays(state: Obj, cluster: Cluster) -> Obj:
    one = wait(cluster, names=("a",))
    assert one.step(listed(state), 0).reason.startswith("a: sync is OutOfSync: ")
    return one.diagnosis(True)[0]


def test_v15_what_stays_out_of_sync_is_named_with_its_fields_and_a_next_step() -> None:
    """apache/airflow#39180: a triggerer with a volume stayed OutOfSync for 900 s, then the advice was more time."""
    found = stays(drifted(DRIFT), Cluster(statefulsets=[DEFAULTED]))
    assert found["differences"] == [FIELDS]
    assert f"Make StatefulSet ns/triggerer in Git the same as in the cluster ({FIELDS})" in found["next_action"]
    assert "ignoreDifferences" in found["next_action"]


@pytest.mark.parametrize(
    ("state", "cluster"),
    [
        (drifted(DRIFT), Cluster(statefulsets=ApiError(403, "not permitted"))),
        (drifted(DRIFT), Cluster(statefulsets=[])),
        (drifted(DRIFT, destination={"name": "elsewhere"}), Cluster(statefulsets=[DEFAULTED])),
        (drifted({**DRIFT, "kind": "Secret"}), Cluster(secrets=[DEFAULTED])),
        (drifted({**DRIFT, "kind": "Certificate", "group": "cert-manager.io"}), Cluster(certificates=[DEFAULTED])),
    ],
    ids=["not permitted", "gone", "in another cluster", "a Secret", "an unknown kind"],
)
def test_v15_where_the_object_cannot_be_read_the_resource_alone_is_named(state: Obj, cluster: Cluster) -> None:
    found = stays(state, cluster)
    assert (found["differences"], "ns/triggerer in Git the same as in the cluster, or list" in found["next_action"]) == ([], True)


def test_v15_what_git_has_no_more() -> None:
    found = stays(drifted({**DRIFT, "requiresPruning": True}), Cluster(statefulsets=[DEFAULTED]))
    assert found["next_action"].startswith("Delete StatefulSet ns/triggerer (not in Git any more), or let Argo CD do so")


def synced(state: Obj) -> Obj:
    return {**state, "status": {**state["status"], "sync": {**state["status"]["sync"], "status": "Synced"}}}


@pytest.mark.parametrize(
    "state",
    [
        # Its annotation compare-options: IgnoreExtraneous. The resource is OutOfSync, the Application Synced.
        synced(drifted({**DRIFT, "requiresPruning": True})),
        # Only what its namespace is to be labelled with has changed (managedNamespaceMetadata).
        drifted(),
    ],
    ids=["what is to stay beside Git", "no resource differs"],
)
def test_v15_where_nothing_is_to_mend_the_next_step_is_another(state: Obj) -> None:
    assert next_action(state, [], "argocd", "a", timed_out=True) == "Raise timeout if the Application still makes progress."


@pytest.mark.parametrize("policy", [None, {"automated": {"enabled": False}}])
def test_v15_without_automated_sync_the_next_step_is_to_sync(policy: Obj | None) -> None:
    assert "argocd app sync a" in stays(drifted(DRIFT, syncPolicy=policy), Cluster(statefulsets=[DEFAULTED]))["next_action"]


def test_v15_while_the_operation_runs_nothing_is_said_to_differ() -> None:
    state = drifted(DRIFT)
    state["status"]["operationState"] = {"phase": "Running", "startedAt": "2026-05-04T10:00:00Z"}
    one = wait(Cluster(statefulsets=[DEFAULTED]), names=("a",))
    one.step(listed(state), 0)
    found = one.diagnosis(True)[0]
    assert (found["differences"], "Raise timeout" in found["next_action"]) == ([], True)


@pytest.mark.parametrize(("message", "kind"), [("rpc error: Manifest generation error (cached): EOF", "hard"), ("EOF", "normal")])
def test_v1_a_failure_from_the_cache_is_mended_by_a_hard_refresh(message: str, kind: str) -> None:
    """The repository server repeats a failure for up to an hour; a normal refresh does not change that."""
    cluster = Cluster()
    one = wait(cluster, names=("a",), refresh="normal")
    state = app("a", sync="Unknown", conditions=[{"type": "ComparisonError", "message": message}])
    for second in (0, 10):
        assert one.step(listed(state), second).kind == "waiting"
    assert [body["metadata"]["annotations"][REFRESH] for _path, body in cluster.patched] == [kind]


def test_v1_the_next_step_for_what_may_pass() -> None:
    state = app("a", conditions=[{"type": "ComparisonError", "message": "dial tcp: i/o timeout"}])
    assert next_action(state, [], "argocd", "a", timed_out=False).startswith(
        "Check that Argo CD reaches the server that ComparisonError names"
    )


@pytest.mark.parametrize(
    "said",
    [
        "fatal: Unable to create '<path to cached source>/.git/index.lock': File exists. Another git process seems to be running",
        "`git fetch` failed [… 200 more] a git process may have crashed in this repository earlier: remove the file manually to continue.",
    ],
)
def test_the_next_step_for_a_lock_that_was_left(said: str) -> None:
    """No server of others is away: argo-cd, issue 17623."""
    state = app("a", conditions=[{"type": "ComparisonError", "message": said}])
    action = next_action(state, [], "argocd", "a", timed_out=False)
    # By its label: in an Argo CD of others it may have another name, and is its owner's to restart.
    assert "kubectl -n argocd rollout restart deployment -l app.kubernetes.io/component=repo-server" in action
    assert "ask the owner of this Argo CD" in action


def test_v8_the_next_step_after_a_failed_operation_that_was_reverted() -> None:
    state = app("a", "Progressing", operationState={"phase": "Failed", "syncResult": {"revision": "c" * 40}})
    assert "does not try" not in next_action(state, [], "argocd", "a", timed_out=True)


def made_anew(state: Obj, uid: str) -> Obj:
    return {**state, "metadata": {**state["metadata"], "uid": uid}}


def test_v4_an_application_that_is_made_anew_starts_afresh() -> None:
    """Between two looks it was deleted and created: what was seen of the first says nothing of the second."""
    one = wait(names=("a",), default=Expectation(revisions=(COMMIT,), degraded_grace=20))
    older = app("a")
    older["status"]["sync"]["revision"] = "c" * 40
    one.step(listed(made_anew(app("a", "Progressing"), "u1")), 0)
    for second in (1, 30, 60):
        verdict = one.step(event("MODIFIED", made_anew(older, "u2")), second)
        assert (verdict.kind, "pushed after" in verdict.reason) == ("waiting", False)
    assert not one.results()[0]["overtaken"]


def test_v4_what_was_seen_in_the_cluster_counts_for_one_application_only() -> None:
    cluster = Cluster(jobs=[FAILED_JOB])
    one = wait(cluster, names=("a",))
    one.step(listed(made_anew(app("a", "Progressing", resources=JOBS), "u1")), 0)
    state = made_anew(app("a", "Degraded", resources=JOBS), "u2")
    cluster.collections["jobs"] = []
    one.step([], PROBE_SECONDS)
    assert one.step(event("MODIFIED", state), PROBE_SECONDS + 1).kind == "waiting"


def outcome(*apps: Obj, check: bool = False, refresh: str = "none") -> tuple[WaitOutcome, Cluster]:
    """A wait of no time at all for the Application a."""
    cluster = Cluster(applications=list(apps))
    request = Request("argocd", names=("a",), refresh=refresh)
    found = run_wait(cluster, request, 90.0, 0, check=check, clock=lambda: 100.0, sleep=lambda _seconds: None)  # type: ignore[arg-type]
    return found, cluster


@pytest.mark.parametrize(
    ("apps", "check", "done", "code", "message"),
    [
        ([app("a")], False, True, "", ""),
        ([app("a")], True, True, "", ""),
        ([app("a", "Progressing")], True, False, "", ""),
        ([app("a", "Progressing")], False, False, "timeout", "Not done within 0 s: a: health is Progressing."),
        ([], True, False, "", ""),
        ([], False, False, "not_done", "Failed after 10 s: a: the Application does not exist."),
        (
            [drifted(DRIFT)],
            False,
            False,
            "timeout",
            "Not done within 0 s: a: sync is OutOfSync: StatefulSet ns/triggerer.",
        ),
    ],
)
def test_how_a_wait_ends(apps: list[Obj], check: bool, done: bool, code: str, message: str) -> None:
    """A check has no error."""
    found, _cluster = outcome(*apps, check=check)
    assert (found.result["done"], found.result["elapsed"], found.result["requests"]) == (done, 10, 7)
    assert [item["name"] for item in found.result["applications"]] == ["a"]
    assert (found.error.code if found.error else "", found.error.message if found.error else "") == (code, message)
    assert ("diagnosis" in found.result) is (code != "")


def test_the_message_of_a_wait_has_the_fields_that_differ() -> None:
    cluster = Cluster(applications=[drifted(DRIFT)], statefulsets=[DEFAULTED])
    found = run_wait(cluster, Request("argocd", names=("a",)), 0.0, 0, clock=lambda: 0.0, sleep=lambda _seconds: None)  # type: ignore[arg-type]
    assert found.error
    assert found.error.message.splitlines()[1:] == [f"Differs: {FIELDS}"]


@pytest.mark.parametrize(("check", "refresh", "patches"), [(False, "hard", 1), (True, "hard", 0), (False, "none", 0)])
def test_a_check_asks_for_no_refresh(check: bool, refresh: str, patches: int) -> None:
    _found, cluster = outcome(app("a"), check=check, refresh=refresh)
    assert len(cluster.patched) == patches
