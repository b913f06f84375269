# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Argo CD 3.0.23 and Kubernetes 1.29.4 really wrote while commits were pushed and DAGs ran, replayed.

Recorded by tests/record.py: Applications and pods during molecule/site/tasks/waits.yml, workers during airflow_verify. Each case begins
where its wait began and ends with the first verdict that is not waiting.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import shown_revisions
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.diagnosis import quoted
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.verdict import Expectation, Past, judge
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait import ApplicationWait, Request
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Seen, causes
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import controller, start_problems
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Expectation as Placement
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Rules
from ansible_collections.gitops.airflow.plugins.module_utils._placement.wait import PlacementWait
from ansible_collections.gitops.airflow.tests.unit.places import RECORDED


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    base = target if isinstance(target, dict) else {}
    found = {**base, **{key: merged(base.get(key), value) for key, value in patch.items()}}
    return {key: value for key, value in found.items() if value is not None}


@cache
def record(name: str) -> list[tuple[float, Obj | None]]:
    """Second and state of each change; None when the Application is gone."""
    states: list[tuple[float, Obj | None]] = []
    state: Obj = {}
    for second, event, _name, patch in json.loads((RECORDED / f"{name}.json").read_text()):
        state = merged(state, patch)
        states.append((second, None if event == "DELETED" else state))
    return states


def at(revision: str, refreshed: bool = True, **more: Any) -> Expectation:
    return Expectation(revisions=(revision,), refreshed=refreshed, **more)


ANY, BROKEN = Expectation(), "0" * 40  # of the broken chart's commit nothing is ever shown
CASES = [
    # what, record, expectation, first state, state of the verdict, verdict, words of the reason
    ("created, synced for the first time", "application", at("fcfffde"), 0, 10, "done", ""),
    ("created, no revision given", "application", ANY, 0, 10, "done", ""),
    ("pushed: the old commit is Synced and Healthy", "application", at("4c96a96"), 10, 19, "done", ""),
    ("pushed and refresh asked for", "application", at("4c96a96"), 11, 19, "done", ""),
    ("not asked for, believed without a revision", "application", ANY, 10, 10, "done", ""),
    ("asked for, the new state is waited for without a revision", "application", ANY, 11, 19, "done", ""),
    ("a chart that does not render", "application", at(BROKEN), 20, 22, "failed", "this chart is broken on purpose"),
    ("a chart that does not render, no revision given", "application", ANY, 20, 22, "failed", "this chart is broken on purpose"),
    ("mended: the error of the commit before passes", "application", at("e0377d3", health=frozenset({"any"})), 23, 32, "done", ""),
    ("a hook fails, no retry left", "application", at("31a1bc8"), 33, 40, "failed", "completed unsuccessfully"),
    ("the failed commit is replaced", "application", at("450c3b1"), 43, 50, "done", ""),
    ("deleted while it is waited for", "application", at("5" * 40), 50, 51, "failed", "being deleted"),
    ("a hook fails and is tried again", "application-retry", at("0b6ff85"), 34, 46, "failed", "(retried 1 times)"),
]


@pytest.mark.parametrize(
    ("name", "expect", "first", "last", "kind", "words"), [case for _what, *case in CASES], ids=[case[0] for case in CASES]
)
def test_replayed(name: str, expect: Expectation, first: int, last: int, kind: str, words: str) -> None:
    past, states = Past(), record(name)[first : last + 1]
    for second, state in states:
        verdict, past = judge(state, expect, past, second)
        assert (verdict.kind == "waiting") is ((second, state) != states[-1]), f"second {second}: {verdict}"
    assert verdict.kind == kind
    assert words in verdict.reason


@pytest.mark.parametrize("name", ["application", "application-retry"])
def test_done_is_never_said_of_another_commit_or_of_what_is_not_healthy(name: str) -> None:
    states = [state for _second, state in record(name) if state is not None]
    revisions = {revision for state in states for revision in shown_revisions(state)}
    said = set()
    for state in states:
        for revision in revisions:
            if judge(state, at(revision), Past(), 0)[0].kind == "done":
                said.add(revision)
                assert shown_revisions(state) == [revision]
                assert state["status"]["health"]["status"] == "Healthy"
                assert state["status"]["operationState"]["phase"] == "Succeeded"
    assert len(said) >= 2


# Worker pods, recorded while airflow_verify ran both example DAGs; a scheduled run of the cron DAG ran beside.
RUN = "verify-c09497e-09102de-20261123T002751Z"
SCHEDULED = "scheduled__2026-11-23T00:20:00+00:00"


def worker(dag_id: str, namespace: str, run_id: str = RUN, **more: Any) -> Placement:
    return Placement(dag_id=dag_id, run_id=run_id, namespace=namespace, **more)


CRON, USER = worker("example_cron_dag", "airflow-cron"), worker("example_user_dag", "airflow-user")
PLACED: dict[str, tuple[list[Placement], Rules, int, str, str]] = {
    # what: expectations, rules, change of the verdict, verdict, words of the reason
    "both runs": ([CRON, USER], Rules(), 27, "done", ""),
    "one of them": ([USER], Rules(), 15, "done", ""),
    "scheduled is enough": ([USER], Rules("Scheduled"), 5, "done", ""),
    "running is enough": ([USER], Rules("Running"), 10, "done", ""),
    "the run beside": ([worker("example_cron_dag", "airflow-cron", SCHEDULED)], Rules(), 11, "done", ""),
    "in another namespace": ([worker("example_user_dag", "airflow-cron")], Rules(), 4, "failed", "landed in namespace airflow-user"),
    "another service account": (
        [worker("example_user_dag", "airflow-user", service_account="root")],
        Rules(),
        4,
        "failed",
        "airflow-worker",
    ),
    "on another node": ([worker("example_user_dag", "airflow-user", node="elsewhere")], Rules(), 5, "failed", "airflow-control-plane"),
    "two of them": ([worker("example_user_dag", "airflow-user", count=2)], Rules(), 30, "waiting", "1 of 2 workers not seen"),
    "of another run": ([worker("example_user_dag", "airflow-user", "manual")], Rules(), 30, "waiting", "1 of 1 workers not seen"),
}


@pytest.mark.parametrize("what", PLACED)
def test_workers_replayed(what: str) -> None:
    expectations, rules, last, kind, words = PLACED[what]
    wait = PlacementWait(cast(Any, None), expectations, rules, 0, 0.0)
    states: dict[str, Obj] = {}
    for index, (second, event, name, patch) in enumerate(json.loads((RECORDED / "workers-run.json").read_text())[: last + 1]):
        states[name] = merged(states.get(name), patch)
        verdict = wait.step([(0, Change("event", (states[name],), type=event))], second)
        assert index == last or verdict.kind == "waiting", f"change {index}: {verdict}"
    assert verdict.kind == kind
    assert words in verdict.reason


def test_a_container_that_finds_no_image_replayed() -> None:
    """Between two tries of the pull the kubelet says ErrImagePull, then ImagePullBackOff: the same problem."""
    states: dict[str, Obj] = {}
    seen: dict[str, list[str]] = {}
    for _second, _event, name, patch in json.loads((RECORDED / "pods.json").read_text()):
        states[name] = merged(states.get(name), patch)
        seen.setdefault(name, []).extend(problem.reason for problem in start_problems(states[name]))
    (reasons,) = [found for found in seen.values() if found]
    assert set(reasons) == {"ErrImagePull", "ImagePullBackOff"}


# Recorded in a kind cluster: Deployments, StatefulSets and Jobs that are wrong in one way each, ten minutes after they were applied.
REASONS = {
    # workload: kind of the cause, words of it, words of the next action
    "image": ("image", "dial tcp [::1]:1: connect: connection refused", "Correct the image localhost:1/nothing:at-all of container main"),
    "config": (
        "configuration",
        'CreateContainerConfigError: secret "absent" not found',
        "Create what the message names in namespace recorded",
    ),
    "mount": (
        "mount",
        'FailedMount: MountVolume.SetUp failed for volume "v" : configmap "absent" not found',
        "the volumes of pod recorded/mou",
    ),
    "init": ("crash", "init container setup (image", "-c setup --previous"),
    "crash": ("crash", "CrashLoopBackOff: back-off 5m0s (last exit code 3: Error)", "Correct what the last lines of container main of pod"),
    "readiness": ("probe", "container main: not ready: Readiness probe failed: not yet", "does not pass its probe"),
    "liveness": ("crash", "(last exit code 137: Error); Liveness probe failed: No alive jobs found.", "--previous"),
    "memory": ("unschedulable", "1 Insufficient memory.", "Lower the resources that pod recorded/memory-58bf64d755-8tb2v requests"),
    "selector": ("unschedulable", "didn't match Pod's node affinity/selector", "Correct the node selector, affinity or tolerations"),
    "db": ("crash", "pod recorded/db-0, container main (image", "logs db-0 -c main --previous"),
    "quota": ("quota", "Deployment limited/quota: FailedCreate: pods", "kubectl -n limited describe resourcequota"),
    "quota-set": ("quota", "StatefulSet limited/quota-set: FailedCreate: create Pod quota-set-0", "or lower what StatefulSet quota-set"),
    "never": (
        "job",
        "BackoffLimitExceeded: Job has reached the specified backoff limit; its pod recorded/never-zjv5h, container",
        "logs never-",
    ),
    "onfailure": ("job", "Job recorded/onfailure failed: BackoffLimitExceeded", "Correct Job recorded/onfailure"),
    "well": ("", "", ""),
}


@pytest.mark.parametrize("name", REASONS)
def test_v2_what_a_real_cluster_says(name: str) -> None:
    found = json.loads((RECORDED / "reasons.json").read_text())
    workloads = tuple((kind, item) for kind, item in found["workloads"] if item["metadata"]["name"] == name)
    pods = tuple(pod for pod in found["pods"] if controller(pod)[2] == name)
    kind, words, action = REASONS[name]
    # The Deployments have passed their deadline as well, which says less.
    causes_found = causes(Seen(workloads, pods, tuple(found["events"])))
    assert len(workloads) == 1
    assert [cause.kind for cause in causes_found] == ([kind] if kind else [])
    for cause in causes_found:
        assert words in cause.text
        assert action in cause.action


def job_states(name: str) -> list[tuple[float, Seen]]:
    """What there was of a Job and its pods after each change."""
    states: dict[str, Obj] = {}
    found = []
    for second, event, place, patch in json.loads((RECORDED / "reasons-jobs.json").read_text()):
        if not place.split("/")[1].startswith(name):
            continue
        states[place] = merged(states.get(place), patch)
        if event == "DELETED":
            del states[place]
        parts = [[item for key, item in states.items() if key.startswith(kind)] for kind in ("Job/", "Pod/")]
        found.append((second, Seen(tuple(("Job", job) for job in parts[0]), tuple(parts[1]))))
    return found


@pytest.mark.parametrize(
    ("name", "first", "last", "words"),
    [
        ("trying", 36.70, 104.07, "stuck for 67 s: pod recorded/trying-h6cts, container main (image"),
        ("never", 35.21, 50.38, "Job recorded/never failed: BackoffLimitExceeded: Job has reached the specified backoff limit; its pod"),
        (
            "onfailure",
            35.92,
            52.87,
            "Job recorded/onfailure failed: BackoffLimitExceeded: Job has reached the specified backoff limit; its pod",
        ),
    ],
)
def test_v2_a_failing_job_replayed(name: str, first: float, last: float, words: str) -> None:
    """From its first crash on its cause stays, whatever state its container or its next pod is in; the grace goes on."""
    shown = {"status": "Synced", "revision": "c" * 40, "comparedTo": {"source": {"path": "x"}}}
    app: Obj = {"metadata": {"name": "a"}, "spec": {"source": {"path": "x"}}}
    app["status"] = {"sync": shown, "health": {"status": "Progressing"}}
    past, keys = Past(), set[str]()
    for second, seen in job_states(name):
        found = causes(seen)
        verdict, past = judge(app, ANY, past, second, found)
        if second < first:
            assert found == []
        elif second < last:
            assert [cause.kind for cause in found] == ["crash"]
            keys |= {cause.key for cause in found}
        if second < last:
            assert verdict.kind == "waiting", second
        if second == last:
            break
    assert (second, verdict.kind) == (last, "failed")
    assert verdict.reason.startswith(words)
    assert keys == {f"Job/recorded/{name}/main"}


# Recorded with Argo CD 3.0.23: a commit whose hook crashes (`parallelism: lots`), then the corrected one.
LOTS, MENDED = "5d00a59f9ae770b77e33b3bc6e25e4cb5e4755d2", "37777a32095bfb149a103ba2ae27bde3d71f0fcd"


class Replayed:
    """The cluster at one moment of the record, and what was asked of it."""

    def __init__(self) -> None:
        self.states: dict[str, Obj] = {}
        self.patched: list[Obj] = []

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        kind = {"pods": "Pod", "jobs": "Job", "deployments": "Deployment", "statefulsets": "StatefulSet"}.get(
            path.rsplit("/", 1)[-1], "None"
        )
        return {"items": [item for key, item in self.states.items() if key.startswith(f"{kind}/")], "metadata": {}}

    def patch(self, path: str, body: Obj) -> Obj:
        self.patched.append(body)
        return {}

    def watch(self, path: str, query: dict[str, Any]) -> Iterator[Obj]:
        raise AssertionError("the loop watches, not the wait")

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int, **query: Any) -> Iterator[str]:
        yield f"{pod} says lots"


def mending(revision: str) -> tuple[list[tuple[float, str, list[Obj]]], Replayed, ApplicationWait]:
    """Second, kind of the verdict and patches so far, from the moment at which that revision is first shown."""
    cluster, said = Replayed(), list[tuple[float, str, list[Obj]]]()
    wait = ApplicationWait(cluster, Request("argocd", names=("core",), default=at(revision), supersede=True), 0.0)
    before: dict[str, Obj] = {}
    begun, clock = False, 0.0
    for second, event, place, patch in json.loads((RECORDED / "mend.json").read_text()):
        while begun and clock < second:  # time alone
            verdict = wait.step([], clock)
            said.append((clock, verdict.kind, list(cluster.patched)))
            if verdict.kind != "waiting":
                return said, cluster, wait
            clock += 1
        before[place] = merged(before.get(place), patch)
        cluster.states[place] = before[place]
        if event == "DELETED":
            del cluster.states[place]
        app = cluster.states.get("Application/core", {})
        begun = begun or (place == "Application/core" and shown_revisions(app) == [revision])
        if not begun:
            continue
        clock = max(clock, second)
        changes = [(0, Change("event", (app,), type="MODIFIED"))] if place == "Application/core" else []
        verdict = wait.step(changes, second)
        said.append((second, verdict.kind, list(cluster.patched)))
        if verdict.kind != "waiting":
            break
    return said, cluster, wait


def test_v16_v17_a_hook_that_crashes_replayed() -> None:
    said, cluster, wait = mending(LOTS)
    (second, kind, _patches), (began, _kind, _none) = said[-1], said[0]
    assert kind == "failed"
    assert cluster.patched == []
    assert 60 <= second - began <= 110
    (bundle,) = diagnosis = wait.diagnosis(timed_out=False)
    pod = bundle["logs"][0]["pod"]
    assert quoted(diagnosis).splitlines()[-1] == f"  {pod.split('/')[1]} says lots"
    assert f"container run-airflow-migrations of pod {pod}" in bundle["next_action"]


def test_v16_the_corrected_commit_replayed() -> None:
    """Ended once, while the crashing commit's operation runs; its pod is not blamed; done at the end."""
    said, cluster, _wait = mending(MENDED)
    assert said[-1][1] == "done"
    assert {kind for _second, kind, _patches in said[:-1]} == {"waiting"}
    assert [body["status"] for body in cluster.patched] == [{"operationState": {"phase": "Terminating"}}]
    states = [patches for _second, _kind, patches in said]
    assert states.index(states[-1]) < len(states) / 2
