# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until applied objects do what they are for: workloads have rolled out, Jobs are complete, an APIService or a CRD is served.

What the answers to the applies show as settled is not asked for again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, sentence
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict, done, earliest, failed, waiting
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import condition
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change, Source, ThreadInbox, follow, patient, stream
from ansible_collections.gitops.airflow.plugins.module_utils._kube.workload_verdict import COLLECTIONS, JOB, Workload
from ansible_collections.gitops.airflow.plugins.module_utils._kube.workload_wait import WorkloadWait

WORKLOADS = (*COLLECTIONS, JOB)
# The condition that is True as soon as such an object does what it is for.
CONDITIONS = {"APIService": "Available", "CustomResourceDefinition": "Established"}
POLL_SECONDS = 1.0


class NotSettled(CollectionError):
    """What keeps objects from doing what they are for, with the last known state of each and the namespaces' latest warnings."""

    def __init__(self, message: str, next_action: str, code: str, workloads: list[dict[str, Any]], events: list[str]) -> None:
        super().__init__(message, next_action, code)
        self.workloads, self.events = workloads, events


@dataclass
class Settled:
    """Which objects were waited for, and remarks for the person who waits."""

    waited: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def still_open(item: Obj) -> str:
    """What an object still waits for; empty if it is settled, or if its kind has nothing to wait for."""
    kind = item["kind"]
    if kind in WORKLOADS:
        return Workload(kind, item).open
    if kind not in CONDITIONS:
        return ""
    found = condition(item, CONDITIONS[kind])
    if found.get("status") == "True":
        return ""
    words = shorten(found.get("message") or found.get("reason") or "")
    return f"it is not {CONDITIONS[kind].lower()} yet" + (f": {words}" if words else "")


class Part(Protocol):
    """One of several waits that share one loop."""

    notices: list[str]

    def sources(self) -> list[Source]: ...

    def step(self, changes: Sequence[tuple[int, Change]], now: float) -> Verdict: ...

    def results(self) -> list[dict[str, Any]]: ...

    def diagnosis(self) -> tuple[str, str]: ...

    def events(self) -> list[str]: ...


class ConditionWait:
    """Waits for the condition of one cluster-wide object."""

    def __init__(self, item: Obj) -> None:
        self._item: Obj | None = item
        self._kind, self._name = item["kind"], item["metadata"]["name"]
        self._path = collection(self._kind, "", item["apiVersion"])
        self.notices: list[str] = []

    def sources(self) -> list[Source]:
        return [Source(self._path, {"fieldSelector": f"metadata.name={self._name}"})]

    def step(self, changes: Sequence[tuple[int, Change]], now: float) -> Verdict:
        for _feed, change in changes:
            if change.kind == "notice":
                self.notices.append(change.text)
            elif change.kind in ("listed", "event"):
                self._item = None if change.type == "DELETED" or not change.objects else {**change.objects[-1], "kind": self._kind}
        if self._item is None:
            return failed(f"{self._kind} {self._name} was deleted meanwhile")
        text = still_open(self._item)
        return waiting(f"{self._kind} {self._name}: {text}") if text else done()

    def results(self) -> list[dict[str, Any]]:
        text = "it was deleted" if self._item is None else still_open(self._item)
        return [{"name": f"{self._kind}/{self._name}", "open": text, "causes": []}]

    def diagnosis(self) -> tuple[str, str]:
        return "", f"Look at its conditions (kubectl describe {self._kind.lower()} {self._name}), and correct what they name."

    def events(self) -> list[str]:
        return []


class AllOf:
    """Several waits as one: done when all are, failed when one has."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self.sources = [(part, feed, source) for part in parts for feed, source in enumerate(part.sources())]
        self.open: list[Part] = list(parts)

    def step(self, changes: Sequence[tuple[int, Change]], now: float) -> Verdict:
        news: dict[int, list[tuple[int, Change]]] = {}
        for index, change in changes:
            part, feed, _source = self.sources[index]
            news.setdefault(id(part), []).append((feed, change))
        verdicts = [(part, part.step(news.get(id(part), []), now)) for part in self._parts]
        wrong = [(part, verdict) for part, verdict in verdicts if verdict.kind == "failed"]
        pending = [(part, verdict) for part, verdict in verdicts if verdict.kind == "waiting"]
        self.open = [part for part, _verdict in wrong or pending]
        if wrong:
            return failed("; ".join(verdict.reason for _part, verdict in wrong))
        if pending:
            return waiting("; ".join(verdict.reason for _part, verdict in pending), earliest(verdict.wake for _part, verdict in pending))
        return done()


def parts_for(api: KubeApi, items: Sequence[Obj], grace: float) -> list[Part]:
    """The waits for those of the objects that have not settled: one for each namespace of workloads, one for each other object."""
    spaces: dict[str, list[str]] = {}
    for item in items:
        if item["kind"] in WORKLOADS:
            spaces.setdefault(item["metadata"]["namespace"], []).append(f"{item['kind']}/{item['metadata']['name']}")
    waits: list[Part] = [WorkloadWait(api, namespace, [], names, grace, only=True) for namespace, names in spaces.items()]
    return waits + [ConditionWait(item) for item in items if item["kind"] in CONDITIONS]


def settle(
    api: KubeApi,
    items: Sequence[Obj],
    timeout: float,
    grace: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Settled:
    """Waits until the objects, as the server last answered, have settled. Both times are in seconds. Raises NotSettled, ApiError."""
    unsettled = [item for item in items if still_open(item)]
    if not unsettled:
        return Settled()
    parts = parts_for(api, unsettled, grace)
    notices = _follow(api, parts, timeout, "failed", clock, sleep)
    return Settled([f"{item['kind']}/{item['metadata']['name']}" for item in unsettled], notices)


def roll_out(
    api: KubeApi,
    namespace: str,
    expected: Sequence[str],
    timeout: float,
    grace: float,
    *,
    only: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Waits until all workloads of a namespace have rolled out, those expected (each as ``KIND/NAME``) among them, or ``only`` those.

    Both times are in seconds. Returns remarks for the person who waits. Raises NotSettled, ApiError.
    """
    return _follow(api, [WorkloadWait(api, namespace, [], expected, grace, only=only)], timeout, "not_done", clock, sleep)


def await_objects(
    api: KubeApi,
    collections: Sequence[str],
    timeout: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Waits until each collection, as ``GROUP/VERSION/PLURAL``, holds an object. An aggregated API may serve lists, but no watches.

    Raises NotSettled after ``timeout`` seconds, ApiError.
    """
    end = clock() + timeout
    for path in collections:
        while not patient(lambda path=path: api.items(f"/apis/{path}", whole=True), clock, sleep):  # type: ignore[misc]
            if clock() >= end:
                message = f"Not done within {timeout:g} s: {path} holds no object yet."
                raise NotSettled(message, "Read the log of the server that provides this API.", "timeout", [], [])
            sleep(POLL_SECONDS)


def _follow(
    api: KubeApi, parts: Sequence[Part], timeout: float, code: str, clock: Callable[[], float], sleep: Callable[[float], None]
) -> list[str]:
    """The notices of several waits that are followed until all are done. Raises NotSettled, where one failed with ``code``."""
    wait, start = AllOf(parts), clock()
    streams = [stream(api, source, clock, sleep) for _part, _feed, source in wait.sources]
    first = [(index, next(changes)) for index, changes in enumerate(streams)]
    verdict, timed_out = follow(first, ThreadInbox(streams, clock), wait.step, start + timeout)
    if verdict.kind == "done":
        return [notice for part in parts for notice in part.notices]
    what = f"Not done within {timeout:g} s" if timed_out else f"Failed after {clock() - start:.3g} s"
    quoted, action = wait.open[0].diagnosis()
    message = sentence(f"{what}: {verdict.reason}") + (f"\n{quoted}" if quoted else "")
    results = [result for part in parts for result in part.results()]
    events = [line for part in wait.open for line in part.events()]
    raise NotSettled(message, action, "timeout" if timed_out else code, results, events)
