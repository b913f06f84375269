# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgement of a DAG run's worker pods: pods, nodes, expectations, past and time in; verdict and past out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.gitops.airflow.plugins.module_utils._pods import start_problems, unschedulable
from ansible_collections.gitops.airflow.plugins.module_utils._verdict import Verdict, contains, done, earliest, failed, waiting
from ansible_collections.gitops.airflow.plugins.module_utils._worker import Worker

Phase = Literal["Scheduled", "Running", "Succeeded"]


@dataclass(frozen=True)
class Expectation:
    """Where the workers of one DAG run (or of one task of it) must be; None and empty stand for anything."""

    dag_id: str
    run_id: str
    namespace: str
    task_id: str | None = None
    service_account: str | None = None
    node: str | None = None
    node_labels: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()
    affinity: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1

    def same_run(self, worker: Worker) -> bool:
        return worker.has("dag_id", self.dag_id) and worker.has("run_id", self.run_id)

    def about(self, worker: Worker) -> bool:
        return self.same_run(worker) and (self.task_id is None or worker.has("task_id", self.task_id))

    def __str__(self) -> str:
        return f"{self.dag_id}{f'.{self.task_id}' if self.task_id else ''} run {self.run_id}"


@dataclass(frozen=True)
class Rules:
    """How far the workers must come and how long, in seconds, what may pass is let pass."""

    phase: Phase = "Succeeded"
    unschedulable_grace: float = 60.0
    start_grace: float = 60.0


Past = Mapping[str, float]
"""Since when (seconds, the caller's clock) each trouble, named by pod and kind, has been seen."""


def stray(worker: Worker, expectations: Sequence[Expectation]) -> bool:
    """Whether it is of an expected run but in a namespace where none of that run's workers is expected."""
    same_run = [item for item in expectations if item.same_run(worker)]
    allowed = [item for item in same_run if item.about(worker)] or same_run
    return bool(allowed) and all(item.namespace != worker.namespace for item in allowed)


def latest(workers: Sequence[Worker]) -> list[Worker]:
    """One worker for each task and map index, the latest; earlier tries no longer count."""
    found: dict[tuple[str, str], Worker] = {}
    for worker in sorted(workers, key=lambda item: item.age):
        found[worker.task] = worker
    return list(found.values())


def mismatches(worker: Worker, expect: Expectation, nodes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What of its spec and its node is not as expected. A worker without a node yet is not judged by it."""
    wrong = []

    def compare(what: str, actual: Any, expected: Any) -> None:
        if expected and not contains(actual, expected):
            wrong.append(f"{what} is {actual!r}, expected {expected!r}")

    compare("service account", worker.spec.get("serviceAccountName"), expect.service_account)
    compare("node selector", worker.spec.get("nodeSelector") or {}, dict(expect.node_selector))
    compare("affinity", worker.spec.get("affinity") or {}, dict(expect.affinity))
    actual = worker.spec.get("tolerations") or []
    for toleration in expect.tolerations:
        if not any(contains(item, dict(toleration)) for item in actual):
            wrong.append(f"toleration {dict(toleration)!r} is missing among {actual!r}")
    if worker.node:
        compare("node", worker.node, expect.node)
        if worker.node in nodes:
            shown = {key: nodes[worker.node].get(key) for key in expect.node_labels}
            compare(f"labels of node {worker.node}", shown, dict(expect.node_labels))
    return wrong


def judge(
    workers: Sequence[Worker],
    nodes: Mapping[str, Mapping[str, str]],
    expectations: Sequence[Expectation],
    rules: Rules,
    past: Past,
    now: float,
) -> tuple[Verdict, Past]:
    """Judges all workers seen so far. ``nodes`` holds labels by node name; ``past`` is what the previous call returned."""
    for worker in workers:
        if stray(worker, expectations):
            expected = sorted({item.namespace for item in expectations if item.same_run(worker)})
            where = f"{worker.namespace}, expected in {' or '.join(expected)}"
            return failed(f"worker {worker.name} of task {worker.task[0]} landed in namespace {where}"), past
    seen: dict[str, float] = {}
    reasons: list[str] = []
    wakes: list[float | None] = []
    for expect in expectations:
        verdict = _judge_one(workers, nodes, expect, rules, past, seen, now)
        if verdict.kind == "failed":
            return failed(f"{expect}: {verdict.reason}"), seen
        if verdict.kind == "waiting":
            reasons.append(f"{expect}: {verdict.reason}")
            wakes.append(verdict.wake)
    return (waiting("; ".join(reasons), earliest(wakes)) if reasons else done()), seen


def _judge_one(
    workers: Sequence[Worker],
    nodes: Mapping[str, Mapping[str, str]],
    expect: Expectation,
    rules: Rules,
    past: Past,
    seen: dict[str, float],
    now: float,
) -> Verdict:
    found = latest([worker for worker in workers if expect.about(worker) and worker.namespace == expect.namespace])
    if len(found) > expect.count:
        names = ", ".join(sorted(worker.name for worker in found))
        return failed(f"{len(found)} workers in {expect.namespace}, expected {expect.count}: {names}")
    open_reasons: list[str] = []
    wakes: list[float | None] = []
    for worker in found:
        if wrong := mismatches(worker, expect, nodes):
            return failed(f"worker {worker.name}: {'; '.join(wrong)}")
        if worker.phase == "Failed":
            return failed(f"worker {worker.name} failed: {worker.end}")
        needs_node = bool(expect.node_labels) and worker.node not in nodes
        if worker.reached(rules.phase) and not needs_node:
            continue
        open_reasons.append(f"worker {worker.name} is {worker.phase}, expected {rules.phase}")
        for kind, grace, text in _troubles(worker, rules):
            since = seen.setdefault(f"{worker.uid} {kind}", past.get(f"{worker.uid} {kind}", now))
            if now >= since + grace:
                return failed(f"worker {worker.name} for {now - since:.0f} s: {text}")
            open_reasons[-1] = f"worker {worker.name}: {text}"
            wakes.append(since + grace)
    missing = expect.count - len(found)
    if missing:
        open_reasons.append(f"{missing} of {expect.count} workers not seen in {expect.namespace} yet")
    return waiting("; ".join(open_reasons), earliest(wakes)) if open_reasons else done()


def _troubles(worker: Worker, rules: Rules) -> list[tuple[str, float, str]]:
    """What keeps it from going on: kind, grace in seconds, and the words of who knows."""
    if worker.phase == "Gone":
        text = "was deleted before its end was seen, so how it ended is unknown; ask Airflow for the task's state"
        return [("gone", rules.start_grace, text)]
    why = unschedulable(worker.pod)
    troubles = [] if why is None else [("unschedulable", rules.unschedulable_grace, f"Unschedulable: {why}")]
    return troubles + [(f"start {problem.container}", rules.start_grace, str(problem)) for problem in start_problems(worker.pod)]
