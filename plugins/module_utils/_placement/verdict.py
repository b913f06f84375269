# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgement of a DAG run's worker pods: pods, nodes, expectations, past and time in; verdict and past out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import (
    Verdict,
    contains,
    done,
    earliest,
    failed,
    named,
    waiting,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Cause, pod_causes
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import start_problems
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import Worker

TOLERATION = {"key": "", "operator": "Equal", "value": "", "effect": ""}
"""What Kubernetes takes for a toleration's keys that are absent."""

SAME_TRY_AGAIN = frozenset({"deferred", "up_for_reschedule"})
"""States in which Airflow has ended a task's pod well and makes another one later, in the same try."""

Phase = Literal["Scheduled", "Running", "Succeeded"]


@dataclass(frozen=True)
class Expectation:
    """Where the workers of one DAG run (or of one task of it) must be; None and empty stand for anything."""

    dag_id: str
    run_id: str
    namespace: str
    task_id: str | None = None
    map_index: int | None = None
    service_account: str | None = None
    node: str | None = None
    node_labels: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()
    affinity: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1
    tries: int = 1
    pods_per_task: int = 1

    def same_run(self, worker: Worker) -> bool:
        return worker.has("dag_id", self.dag_id) and worker.has("run_id", self.run_id)

    def about(self, worker: Worker) -> bool:
        if not self.same_run(worker) or not (self.task_id is None or worker.has("task_id", self.task_id)):
            return False
        return self.map_index is None or worker.task[1] == str(self.map_index)

    def __str__(self) -> str:
        task = f".{self.task_id}" if self.task_id else ""
        index = "" if self.map_index is None else f"[{self.map_index}]"
        return f"{self.dag_id}{task}{index} run {self.run_id}"


@dataclass(frozen=True)
class Rules:
    """How far the workers must come and how long, in seconds, what may pass is let pass."""

    phase: Phase = "Succeeded"
    unschedulable_grace: float = 60.0
    start_grace: float = 60.0


@dataclass(frozen=True)
class Finding:
    """What Events and task instances tell of one expectation's workers that were not seen as pods.

    Where workers are missing, ``lost`` says why they can never be proven, ``doubt`` why what was found proves nothing yet.
    """

    workers: tuple[Worker, ...] = ()
    lost: str = ""
    doubt: str = ""


Past = Mapping[str, float]
"""Since when (seconds, the caller's clock) each trouble, named by pod and kind, has been seen."""


def stray(worker: Worker, expectations: Sequence[Expectation]) -> bool:
    """Whether it is of an expected run but in a namespace where none of that run's workers is expected."""
    same_run = [item for item in expectations if item.same_run(worker)]
    allowed = [item for item in same_run if item.about(worker)] or same_run
    return bool(allowed) and all(item.namespace != worker.namespace for item in allowed)


def current(workers: Sequence[Worker]) -> list[Worker]:
    """The workers, the oldest first. A pod that was created again under its name takes the place of the one before (V4)."""
    return list({(worker.namespace, worker.name): worker for worker in sorted(workers, key=lambda item: item.age)}.values())


def by_task(workers: Sequence[Worker], expect: Expectation) -> list[list[Worker]]:
    """The workers that are about an expectation and in its namespace, of each task and map index the oldest first."""
    found: dict[tuple[str, str], list[Worker]] = {}
    for worker in current(workers):
        if worker.namespace == expect.namespace and expect.about(worker):
            found.setdefault(worker.task, []).append(worker)
    return list(found.values())


def latest_try(pods: Sequence[Worker]) -> list[Worker]:
    """Of one task's workers, oldest first, those of its latest try. One that never started and was replaced made no part of it."""
    last = pods[-1]
    return [worker for worker in pods if worker is last or (worker.try_number == last.try_number and not worker.unstarted)]


def missing(workers: Sequence[Worker], expect: Expectation) -> int:
    """How many tasks' workers were not seen, those counted whose latest try made fewer pods than it must."""
    tasks = by_task(workers, expect)
    return expect.count - sum(len(latest_try(pods)) >= expect.pods_per_task for pods in tasks)


def mismatches(worker: Worker, expect: Expectation, nodes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What of its spec and its node is not as expected. A worker without a node yet is not judged by it."""
    wrong = []

    def compare(what: str, actual: Any, expected: Any) -> None:
        if expected and not contains(actual, expected):
            wrong.append(f"{what} is {actual!r}, expected {expected!r}")

    if worker.evidence == "events":
        given = (expect.service_account, expect.node_selector, expect.tolerations, expect.affinity)
        names = ("service account", "node selector", "tolerations", "affinity")
        if unverified := [name for name, value in zip(names, given, strict=True) if value]:
            advice = "run the DAG again and give the resource_version taken before the trigger"
            wrong.append(f"its {', '.join(unverified)} cannot be verified: the pod is gone and only its Events remain; {advice}")
        expect = Expectation(expect.dag_id, expect.run_id, expect.namespace, node=expect.node, node_labels=expect.node_labels)
    compare("service account", worker.spec.get("serviceAccountName"), expect.service_account)
    compare("node selector", worker.spec.get("nodeSelector") or {}, dict(expect.node_selector))
    compare("affinity", worker.spec.get("affinity") or {}, dict(expect.affinity))
    actual = worker.spec.get("tolerations") or []
    for toleration in expect.tolerations:
        if not any(contains({**TOLERATION, **item}, dict(toleration)) for item in actual):
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
    findings: Sequence[Finding] = (),
) -> tuple[Verdict, Past]:
    """Judges all workers known so far, those of the findings among them.

    ``nodes`` holds labels by node name; ``past`` is what the previous call returned; ``findings`` has one entry for each expectation.
    """
    for worker in workers:
        if stray(worker, expectations):
            expected = sorted({item.namespace for item in expectations if item.same_run(worker)})
            where = f"{worker.namespace}, expected in {' or '.join(expected)}"
            return failed(f"worker {worker.name} of task {worker.task[0]} landed in namespace {where}"), past
    seen: dict[str, float] = {}
    reasons: list[str] = []
    wakes: list[float | None] = []
    for expect, finding in zip(expectations, findings or [Finding()] * len(expectations), strict=True):
        verdict = _judge_one(by_task(workers, expect), nodes, expect, finding, rules, past, seen, now)
        if verdict.kind == "failed":
            return failed(f"{expect}: {verdict.reason}"), seen
        if verdict.kind == "waiting":
            reasons.append(f"{expect}: {verdict.reason}")
            wakes.append(verdict.wake)
    return (waiting("; ".join(reasons), earliest(wakes)) if reasons else done()), seen


def _judge_one(
    tasks: Sequence[Sequence[Worker]],
    nodes: Mapping[str, Mapping[str, str]],
    expect: Expectation,
    finding: Finding,
    rules: Rules,
    past: Past,
    seen: dict[str, float],
    now: float,
) -> Verdict:
    if len(tasks) > expect.count:
        names = named(sorted(pods[-1].name for pods in tasks))
        return failed(f"{len(tasks)} workers in {expect.namespace}, expected {expect.count}: {names}")
    open_reasons: list[str] = []
    wakes: list[float | None] = []
    for pods in tasks:
        for worker in pods:
            if wrong := mismatches(worker, expect, nodes):
                return failed(f"worker {worker.name}: {'; '.join(wrong)}")
            if worker.phase == "Failed" and (worker.final or worker.try_number >= expect.tries):
                over = f", and task {worker.task[0]} is {worker.final}" if worker.final else ""
                return failed(f"worker {worker.name} failed{_of_tries(worker, expect)}{over}: {worker.end}")
        reason, troubles = _open(pods, expect, rules, nodes)
        for kind, grace, text in troubles:
            since = seen.setdefault(kind, past.get(kind, now))
            if now >= since + grace:
                return failed(f"worker {pods[-1].name} for {now - since:.0f} s: {text}")
            reason = f"worker {pods[-1].name}: {text}"
            wakes.append(since + grace)
        open_reasons += [reason] if reason else []
    if absent := expect.count - len(tasks):
        open_reasons.append(f"{absent} of {expect.count} workers not seen in {expect.namespace} yet")
    if finding.lost:
        return failed(finding.lost)
    if finding.doubt:
        kind = f"{expect} in {expect.namespace}: doubt"
        since = seen.setdefault(kind, past.get(kind, now))
        if now >= since + rules.start_grace:
            return failed(finding.doubt)
        open_reasons.append(finding.doubt)
        wakes.append(since + rules.start_grace)
    return waiting("; ".join(open_reasons), earliest(wakes)) if open_reasons else done()


def _open(
    pods: Sequence[Worker], expect: Expectation, rules: Rules, nodes: Mapping[str, Mapping[str, str]]
) -> tuple[str, list[tuple[str, float, str]]]:
    """What one task's workers, oldest first, still lack, and what keeps the last of them from going on."""
    last = pods[-1]
    if last.phase == "Failed":
        return f"worker {last.name} failed{_of_tries(last, expect)}, the next try is awaited: {last.end}", []
    made = len(latest_try(pods))
    lacks = f"{made} of {expect.pods_per_task} pods of task {last.task[0]} seen" if made < expect.pods_per_task else ""
    needs_node = bool(expect.node_labels) and last.node not in nodes
    if last.reached(rules.phase) and not needs_node:
        return _awaited(last, expect, rules) or lacks, []
    reason = f"worker {last.name} is {last.phase}, expected {rules.phase}"
    if last.phase == "Gone" and (replaced := _replaced(last, expect)):
        return replaced, []
    # Words alone: what time alone may mend has no grace, such as a scheduler of the cluster that restarts, or a node that is being added.
    if ailing := [*map(str, start_problems(last.pod))] or [words(last, cause) for cause in waits_for_node(last)]:
        reason = f"{reason} ({named(ailing)})"
    return reason, [] if lacks and last.phase == "Gone" else _troubles(last, rules)


def _awaited(last: Worker, expect: Expectation, rules: Rules) -> str:
    """Why a worker that ended well is not its task's last, as far as Airflow says so."""
    if rules.phase != "Succeeded" or not (last.awaited in SAME_TRY_AGAIN or (last.awaited and last.try_number < expect.tries)):
        return ""
    return f"worker {last.name} has ended, and task {last.task[0]} is {last.awaited}: its next worker is awaited"


def _replaced(last: Worker, expect: Expectation) -> str:
    """Why another worker may come after one whose end was not seen, however long that takes (V6); nothing if none is to be expected.

    It may come by Airflow's word, or because tries are left, or because the task cannot have begun in a pod that never started.
    """
    what = f"worker {last.name} {_vanished(last)}{_of_tries(last, expect)}{_disrupted(last)}"
    if last.final:
        return ""
    if last.awaited:
        return f"{what}, and task {last.task[0]} is {last.awaited}: its next worker is awaited"
    if last.try_number < expect.tries:
        doubt = "; whether its task has ended is shown by task_instances" if last.interrupted else ""
        return f"{what}, the next try is awaited{doubt}"
    if last.unstarted:
        why = "".join(f": {text}" for _name, text in last.blocked)
        return f"{what} before it started{why}; Airflow makes another one or ends the task, which task_instances show"
    return ""


def _of_tries(worker: Worker, expect: Expectation) -> str:
    return f" in try {worker.try_number} of {expect.tries}" if expect.tries > 1 else ""


def _disrupted(worker: Worker) -> str:
    return f" ({worker.taken_away})" if worker.taken_away else ""


def _vanished(worker: Worker) -> str:
    """How a worker went whose end proves nothing."""
    return "ended with exit code 0 while the cluster removed it" if worker.interrupted else "was deleted"


def waits_for_node(worker: Worker) -> list[Cause]:
    """Why it has no node yet."""
    found = [] if worker.deleted else pod_causes(worker.pod)
    return [cause for cause in found if cause.kind in ("scheduler", "unschedulable")]


def homeless(worker: Worker) -> list[Cause]:
    """The same, as far as time alone seldom mends that."""
    return [cause for cause in waits_for_node(worker) if cause.lasting]


def words(worker: Worker, cause: Cause) -> str:
    """A cause without the pod's own name, which stands before it."""
    return cause.text.removeprefix(f"pod {worker.namespace}/{worker.name}: ")


def advice(workers: Sequence[Worker], reason: str) -> str:
    """What to do about the first worker whose cause the reason names; nothing where it names none."""
    for worker in current(workers):
        for cause in [] if worker.deleted else pod_causes(worker.pod):
            if _names(reason, worker.name) and words(worker, cause) in reason:
                return cause.action
    return ""


def _names(reason: str, pod: str) -> bool:
    """Whether it names the pod, and not one whose longer name has this one in it."""
    return re.search(rf"(?<![\w.-]){re.escape(pod)}(?!-|\.?\w)", reason) is not None


def _troubles(worker: Worker, rules: Rules) -> list[tuple[str, float, str]]:
    """What keeps it from going on: its name, grace in seconds, and the words of who knows.

    Once its base container runs, only the end of that one counts.
    """
    if worker.phase == "Gone":
        unknown = ", so how its task ended is unknown" if worker.interrupted else " before its end was seen, so how it ended is unknown"
        text = f"{_vanished(worker)}{_disrupted(worker)}{unknown}; give task_instances, which airflow_dag_run returns"
        return [(f"{worker.key} gone", rules.start_grace, text)]
    troubles = [(f"{worker.key} {cause.kind}", rules.unschedulable_grace, words(worker, cause)) for cause in homeless(worker)]
    return troubles + [(f"{worker.key} start {name}", rules.start_grace, text) for name, text in worker.blocked]
