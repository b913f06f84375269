# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random Applications, workloads, pods and Events over time: what must hold for a wait and the status whatever comes."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import REFRESH
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.differences import APPLIED, differing_fields
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.messages import outlook
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.verdict import Expectation, Past, judge
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait import ApplicationWait, Request
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube import workload_verdict
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import condition
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change
from ansible_collections.gitops.airflow.plugins.module_utils._status import rows
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 5, 4, 10, 2, tzinfo=datetime.UTC)
COMMITS = ["a" * 40, "b" * 40, "c" * 40]
TIMES = [f"2026-05-04T10:0{minute}:{second}Z" for minute in (0, 1) for second in ("00", "30")]
GRACE = 20.0
FINAL, PASSING, UNKNOWN = "authentication required", "dial tcp: i/o timeout", "something odd"
times, commits, uids = st.sampled_from(TIMES), st.sampled_from(COMMITS), st.sampled_from(["u1", "u2"])
names = st.sampled_from(["web", "db", "migrate"])
messages = st.sampled_from(["", FINAL, PASSING, UNKNOWN])


def objects(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Obj]:
    """Dictionaries of which some keys may be absent, as Go's omitempty leaves them out."""
    return st.fixed_dictionaries(required, optional=optional)


def conditions(kinds: list[str]) -> st.SearchStrategy[list[Obj]]:
    reasons = st.sampled_from(["FailedCreate", "ProgressDeadlineExceeded", "BackoffLimitExceeded", "Unschedulable", "SchedulerError"])
    item = objects(
        {"type": st.sampled_from(kinds), "status": st.sampled_from(["True", "False", "Unknown"])},
        {"reason": reasons, "message": st.sampled_from(["exceeded quota", "0/1 nodes: Insufficient cpu", ""]), "lastTransitionTime": times},
    )
    return st.lists(item, max_size=2)


ends = objects(
    {"exitCode": st.sampled_from([0, 1, 137])},
    {"reason": st.sampled_from(["Error", "OOMKilled", "Unknown"]), "message": messages, "startedAt": times, "finishedAt": times},
)
waits = objects(
    {"reason": st.sampled_from(["ContainerCreating", "CrashLoopBackOff", "ImagePullBackOff", "CreateContainerConfigError"])},
    {"message": messages},
)
states: st.SearchStrategy[Obj] = st.one_of(
    objects({"running": objects({}, {"startedAt": times})}, {}),
    objects({"waiting": waits}, {}),
    objects({"terminated": ends}, {}),
    st.just({}),
)
containers = objects(
    {"name": st.sampled_from(["main", "git-sync"]), "image": st.just("x"), "state": states},
    {"ready": st.booleans(), "restartCount": st.integers(0, 5), "lastState": objects({}, {"terminated": ends})},
)
owners = st.one_of(
    objects({"kind": st.just("Job"), "name": names}, {"uid": uids, "controller": st.just(True)}),
    objects({"kind": st.just("StatefulSet"), "name": names}, {"uid": uids}),
    objects({"kind": st.just("ReplicaSet"), "name": st.sampled_from(["web-1", "web-2", "db-1"])}, {"uid": uids}),
)
pods = objects(
    {
        "metadata": objects(
            {"name": st.sampled_from(["web-1-x", "db-0", "migrate-x"]), "namespace": st.just("ns"), "uid": st.sampled_from(["p1", "p2"])},
            {
                "creationTimestamp": times,
                "deletionTimestamp": times,
                "labels": objects({}, {"pod-template-hash": st.sampled_from(["1", "2"]), "app": names}),
                "ownerReferences": st.lists(owners, min_size=1, max_size=1),
            },
        ),
        "spec": objects({}, {"nodeName": st.just("n"), "restartPolicy": st.sampled_from(["Always", "Never"])}),
        "status": objects(
            {},
            {
                "phase": st.sampled_from(["Pending", "Running", "Failed", "Unknown"]),
                "conditions": conditions(["PodScheduled", "Ready", "PodReadyToStartContainers"]),
                "initContainerStatuses": st.lists(containers, max_size=1),
                "containerStatuses": st.lists(containers, max_size=2),
            },
        ),
    },
    {},
)
counts = st.integers(0, 2)
workloads = objects(
    {
        "metadata": objects(
            {"name": names, "namespace": st.just("ns")}, {"uid": uids, "generation": st.integers(1, 2), "creationTimestamp": times}
        ),
        "spec": objects(
            {},
            {
                "replicas": counts,
                "selector": objects({}, {"matchLabels": objects({"app": names}, {})}),
                "updateStrategy": st.sampled_from([{}, {"type": "OnDelete"}, {"rollingUpdate": {"partition": 1}}]),
            },
        ),
        "status": objects(
            {},
            {
                "observedGeneration": st.integers(1, 2),
                "conditions": conditions(["Available", "Progressing", "ReplicaFailure", "Complete", "Failed"]),
                "updateRevision": st.just("r1"),
                **dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "desiredNumberScheduled", "active", "failed"), counts),
                **dict.fromkeys(("updatedNumberScheduled", "numberAvailable", "currentNumberScheduled"), counts),
            },
        ),
    },
    {},
)
events = objects(
    {
        "reason": st.sampled_from(["FailedMount", "Unhealthy", "FailedCreate", "SuccessfulCreate", "Pulled", "TriggeredScaleUp", "Failed"]),
        "involvedObject": objects(
            {"uid": st.sampled_from(["u1", "p1", "p2"])}, {"fieldPath": st.just("spec.containers{main}"), "kind": names}
        ),
    },
    {"message": messages, "lastTimestamp": times, "count": counts, "series": objects({"count": counts}, {"lastObservedTime": times})},
)
resources = objects(
    {"kind": st.sampled_from(["Deployment", "StatefulSet", "Job", "Secret", "Odd"]), "name": names},
    {
        "namespace": st.just("ns"),
        "group": st.just("apps"),
        "status": st.sampled_from(["Synced", "OutOfSync", "Unknown"]),
        "health": objects({"status": st.sampled_from(["Healthy", "Degraded", "Progressing"])}, {"message": messages}),
        "hook": st.just(True),
        "requiresPruning": st.booleans(),
    },
)
results = objects(
    {"kind": st.sampled_from(["Deployment", "Job"]), "name": names, "namespace": st.just("ns")},
    {
        "status": st.sampled_from(["Synced", "SyncFailed"]),
        "hookType": st.sampled_from(["Sync", "PreSync"]),
        "hookPhase": st.sampled_from(["Running", "Succeeded", "Failed"]),
        "message": messages,
    },
)
SOURCE = {"repoURL": "http://git/x.git", "path": "."}
operations = objects(
    {"phase": st.sampled_from(["Running", "Terminating", "Succeeded", "Failed", "Error"])},
    {
        "message": messages,
        "startedAt": times,
        "finishedAt": times,
        "retryCount": st.integers(0, 2),
        "operation": objects({}, {"sync": objects({}, {"revision": commits})}),
        "syncResult": objects({}, {"revision": commits, "source": st.just(SOURCE), "resources": st.lists(results, max_size=2)}),
    },
)
errors = objects(
    {"type": st.sampled_from(["ComparisonError", "InvalidSpecError", "SyncError", "UnknownError", "OrphanedResourceWarning"])},
    {"message": messages, "lastTransitionTime": times},
)
comparisons = objects({"source": st.one_of(st.just(SOURCE), st.just({"path": "x"})), "destination": st.just({"namespace": "ns"})}, {})
odd_applications = objects(
    {
        "metadata": objects(
            {"name": st.just("a"), "uid": uids},
            {"annotations": objects({}, {REFRESH: st.sampled_from(["normal", "hard"])}), "resourceVersion": st.just("7")},
        ),
        "spec": objects(
            {"source": st.just(SOURCE), "destination": st.just({"namespace": "ns"})},
            {"syncPolicy": objects({}, {"automated": objects({}, {"selfHeal": st.booleans(), "enabled": st.booleans()})})},
        ),
    },
    {
        "operation": st.just({"sync": {}}),
        "status": objects(
            {},
            {
                "sync": objects(
                    {"status": st.sampled_from(["Synced", "Synced", "OutOfSync", "Unknown"])},
                    {"revision": commits, "comparedTo": comparisons},
                ),
                "health": objects(
                    {"status": st.sampled_from(["Healthy", "Healthy", "Progressing", "Degraded", "Missing", "Suspended", "Unknown"])},
                    {"message": messages, "lastTransitionTime": times},
                ),
                "reconciledAt": times,
                "conditions": st.lists(errors, max_size=1),
                "operationState": operations,
                "resources": st.lists(resources, max_size=3),
            },
        ),
    },
)
DONE: Obj = {
    "metadata": {"name": "a", "uid": "u1"},
    "spec": {"source": SOURCE, "destination": {"namespace": "ns"}},
    "status": {
        "sync": {"status": "Synced", "revision": COMMITS[0], "comparedTo": {"source": SOURCE, "destination": {"namespace": "ns"}}},
        "health": {"status": "Healthy"},
        "reconciledAt": TIMES[-1],
        "operationState": {"phase": "Succeeded", "startedAt": TIMES[0], "finishedAt": TIMES[1], "syncResult": {"revision": COMMITS[0]}},
    },
}
health = objects({"status": st.sampled_from(["Progressing", "Degraded", "Missing", "Suspended", "Unknown"])}, {"message": messages})
# Each part of an Application that may keep it from being done.
PARTS: dict[tuple[str, ...], st.SearchStrategy[Any]] = {
    ("metadata", "uid"): uids,
    ("metadata", "annotations"): st.sampled_from([{REFRESH: "normal"}, {REFRESH: "hard"}, {}]),
    ("operation",): st.just({"sync": {}}),
    ("status", "health"): health,
    ("status", "reconciledAt"): times,
    ("status", "conditions"): st.lists(errors, min_size=1, max_size=2),
    ("status", "operationState"): operations,
    ("status", "resources"): st.lists(resources, max_size=3),
    ("status", "sync", "status"): st.sampled_from(["OutOfSync", "Unknown"]),
    ("status", "sync", "revision"): commits,
    ("status", "sync", "comparedTo"): comparisons,
}
changes = st.one_of([st.tuples(st.just(way), values) for way, values in PARTS.items()])


def changed(parts: list[tuple[tuple[str, ...], Any]]) -> Obj:
    """An Application that is done but for some parts."""
    app: Obj = json.loads(json.dumps(DONE))
    for (*way, last), value in parts:
        target = app
        for step in way:
            target = target[step]
        target[last] = value
    return app


# Most are nearly done: of those that are wholly random hardly any is.
nearly_done = st.builds(changed, st.lists(changes, max_size=2))
applications = st.one_of(nearly_done, nearly_done, odd_applications)
looks = st.fixed_dictionaries(
    {
        "pods": st.lists(pods, max_size=2),
        **{collection: st.lists(workloads, max_size=1) for collection in ("deployments", "statefulsets", "daemonsets", "jobs")},
        "events": st.lists(events, max_size=2),
    }
)
steps = st.lists(
    st.tuples(st.sampled_from([0.5, 1.0, 5.0, 6.0, 25.0]), st.one_of(applications, applications, st.none()), looks), min_size=1, max_size=5
)


class Cluster:
    """Lists what it was given last."""

    def __init__(self) -> None:
        self.collections: dict[str, list[Obj]] = {}

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        found = self.collections.get(path.rsplit("/", 1)[-1], [])
        return {"items": [json.loads(json.dumps(item)) for item in found], "metadata": {}}

    def watch(self, path: str, query: dict[str, Any]) -> Iterator[Obj]:
        raise AssertionError("the loop watches, not the wait")

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int, **query: Any) -> Iterator[str]:
        yield "the last line"

    def patch(self, path: str, body: Obj) -> Obj:
        return {}


def shown(app: Obj) -> tuple[str, str]:
    status = app.get("status") or {}
    return (status.get("sync") or {}).get("status") or "", (status.get("health") or {}).get("status") or ""


def busy(app: Obj) -> bool:
    phase = ((app.get("status") or {}).get("operationState") or {}).get("phase")
    return "operation" in app or phase in ("Running", "Terminating") or REFRESH in (app["metadata"].get("annotations") or {})


def faults(app: Obj) -> list[Obj]:
    found: list[Obj] = (app.get("status") or {}).get("conditions") or []
    return [item for item in found if item["type"].endswith("Error")]


def mends_itself(app: Obj | None, looked: list[Obj]) -> bool:
    """Whether nothing of it is final: another state may follow in which it is done."""
    if app is None:
        return False
    operation = (app.get("status") or {}).get("operationState") or {}
    final = [item for item in faults(app) if outlook(item.get("message") or "") == "final" or item["type"] == "InvalidSpecError"]
    ended = operation.get("phase") in ("Failed", "Error") and outlook(operation.get("message") or "") != "passing"
    jobs = any(condition(item, "Failed").get("status") == "True" for item in looked)
    return not final and not ended and not jobs


@given(steps=steps, expected=st.one_of(st.just(()), st.tuples(commits)), stable=st.sampled_from([0.0, 3.0]), supersede=st.booleans())
def test_fuzz_a_wait_for_an_application(steps: list[Any], expected: tuple[str, ...], stable: float, supersede: bool) -> None:
    expect = Expectation(revisions=expected, degraded_grace=GRACE, stable_for=stable)
    cluster = Cluster()
    wait = ApplicationWait(
        cluster, Request("argocd", ("a",), default=expect, supersede=supersede, refresh="normal"), 0.0, today=lambda: NOW
    )
    now, jobs = 0.0, list[Obj]()
    for pause, app, look in steps:
        now += pause
        cluster.collections = look
        jobs += look["jobs"]
        verdict = wait.step([(0, Change("listed", (json.loads(json.dumps(app)),) if app else ()))], now)
        assert verdict.wake is None or verdict.wake > now
        if verdict.kind == "done":
            assert app is not None
            assert (shown(app), busy(app), faults(app)) == (("Synced", "Healthy"), False, [])
            assert not expected or app["status"]["sync"]["revision"] == expected[0]
            assert now >= stable
        if verdict.kind == "failed":
            assert not (mends_itself(app, jobs) and now < GRACE), f"{now} s: {verdict.reason}"
        if verdict.kind != "waiting":
            break
    assert verdict.kind == "done" or verdict.reason
    if verdict.kind != "done":
        for bundle in wait.diagnosis(verdict.kind == "waiting"):
            assert bundle["next_action"]
            assert verdict.kind == "waiting" or verdict.reason.removeprefix("a: ")
    assert json.dumps(wait.results())


@given(states=st.lists(st.tuples(st.sampled_from([1.0, 7.0, 30.0]), applications), min_size=2, max_size=6))
def test_fuzz_a_refresh_never_lengthens_the_grace_by_more_than_it_takes(states: list[tuple[float, Obj]]) -> None:
    """V3: judged with a refresh between two looks, and without: the same verdicts, later by at most the refreshes."""
    expect, plain, through, now, lost = Expectation(degraded_grace=GRACE), Past(), Past(), 0.0, 0.0
    for pause, app in states:
        app["metadata"]["annotations"] = {}
        app["metadata"]["uid"] = "u1"
        now += pause
        verdict, plain = judge(app, expect, plain, now)
        asked = {**app, "metadata": {**app["metadata"], "annotations": {REFRESH: "normal"}}}
        moment = now + lost
        other, through = judge(app, expect, through, moment)
        if plain.error is None and plain.overtaken is None:
            assert (other.kind, other.wake and other.wake - lost) == (verdict.kind, verdict.wake)
        if verdict.kind != "waiting" or other.kind != "waiting" or plain.error is not None:
            return
        through = judge(asked, expect, through, moment)[1]
        lost += 0.5


@given(
    steps=st.lists(st.tuples(st.sampled_from([1.0, 15.0, 25.0]), looks), min_size=1, max_size=4),
    missing=st.sampled_from([[], ["Deployment/x"]]),
)
def test_fuzz_a_wait_for_workloads(steps: list[Any], missing: list[str]) -> None:
    past: Any = {}
    now = 0.0
    kinds = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "jobs": "Job"}
    for pause, look in steps:
        now += pause
        found = [workload_verdict.Workload(kind, item) for collection, kind in kinds.items() for item in look[collection]]
        verdict, past = workload_verdict.judge(found, missing, look["pods"], past, GRACE, now, look["events"])
        assert verdict.wake is None or verdict.wake > now
        if verdict.kind == "done":
            assert not missing
            assert all(rolled_out(item) for item in found)
        else:
            assert verdict.reason
        if verdict.kind == "failed":
            over = any(item.kind == "Job" and condition(item.item, "Failed").get("status") == "True" for item in found)
            assert over or now >= GRACE + steps[0][0]
            return


def rolled_out(workload: workload_verdict.Workload) -> bool:
    """As kubectl rollout status and kubectl wait --for=condition=Complete have it; written without the code under test."""
    spec, status = workload.item["spec"], workload.item["status"]
    if workload.kind == "Job":
        return condition(workload.item, "Complete").get("status") == "True"
    seen = status.get("observedGeneration", 0) >= workload.item["metadata"].get("generation", 0)
    if workload.kind == "DaemonSet":
        return bool(seen and status.get("numberAvailable", 0) >= status.get("desiredNumberScheduled", 0))
    return bool(seen and status.get("availableReplicas", 0) >= spec.get("replicas", 1))


@given(app=applications, look=looks)
def test_fuzz_the_status_and_a_wait_agree(app: Obj, look: dict[str, list[Obj]]) -> None:
    """V8: what a wait calls done does not count as a problem in the status, and what it calls failed at once is one."""
    kinds = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "jobs": "Job"}
    items = [{**item, "kind": kind} for collection, kind in kinds.items() for item in look[collection]]
    told = rows.workload_problems(items, look["pods"], look["events"], NOW)
    notes = rows.workload_problems(items, look["pods"], look["events"], NOW, passing=True)
    assert not set(told) & set(notes)
    rows.pod_rows(look["pods"], {}, NOW, look["events"])
    empty = dict.fromkeys(
        ("unreadable", "unknown", "nodes", "pods", "workload_problems", "failed_jobs", "workers", "waiting", "volumes"), ()
    )
    shown_rows = {
        **empty,
        "airflow": {},
        "checkouts": [],
        "import_errors": [],
        "runs": [],
        "applications": rows.application_rows([app], NOW),
    }
    problems, _warnings = rows.judge(shown_rows)
    app["metadata"].pop("annotations", None)
    verdict = judge(app, Expectation(degraded_grace=GRACE), Past(), 0)[0]
    assert verdict.kind != "done" or not problems
    assert verdict.kind != "failed" or problems, verdict


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.sampled_from(["", "1000m", "1", "x", "5Gi"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["name", "env", "containers", "spec", "a"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(applied=st.dictionaries(st.sampled_from(["spec", "data", "metadata"]), values, max_size=3), other=values)
def test_fuzz_fields_that_differ(applied: Obj, other: Any) -> None:
    annotated = {**applied, "metadata": {**(applied["metadata"] if isinstance(applied.get("metadata"), dict) else {})}}
    text = json.dumps({key: value for key, value in applied.items() if key != "metadata"})
    annotated["metadata"]["annotations"] = {APPLIED: text}
    assert differing_fields(annotated) == []
    for path in differing_fields({**annotated, "spec": other}):
        assert path.startswith("spec")
