# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for worker pods: keeps each as it was last seen, follows their logs, reads Events where pods are gone, asks the verdict."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict, earliest, waiting
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import start_problems
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Api, Change, Source
from ansible_collections.gitops.airflow.plugins.module_utils._placement.events import Sighting, read
from ansible_collections.gitops.airflow.plugins.module_utils._placement.evidence import Instance, find, hostname, pod_names, settled, whole
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import (
    Expectation,
    Finding,
    Past,
    Rules,
    advice,
    current,
    homeless,
    judge,
    missing,
    stray,
    words,
)
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import WORKER_LABEL, Worker, label_value, trimmed

JOIN_SECONDS = 2.0
REPLAY_SECONDS = 1.0
EVENTS_SECONDS = 10.0


class WaitApi(Api, Protocol):
    def get(self, path: str) -> Obj: ...

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int) -> Iterator[str]: ...


def selector(expectations: Sequence[Expectation]) -> str:
    """The label selector that lets the API server pick out the workers of these runs."""
    parts = [f"{WORKER_LABEL}=True"]
    for key in ("dag_id", "run_id"):
        values = sorted({label_value(getattr(item, key)) for item in expectations})
        parts.append(f"{key} in ({','.join(values)})")
    return ",".join(parts)


class PodLog:
    """The last lines of a container's log, read along in a thread: the pod may be gone when it has ended."""

    def __init__(self, api: WaitApi, worker: Worker, container: str, tail: int, follow: bool) -> None:
        self._api, self._worker, self._container, self._tail, self._follow = api, worker, container, tail, follow
        self.lines: deque[str] = deque(maxlen=max(tail, 1))
        self.error = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._api.log_lines(self._worker.namespace, self._worker.name, self._container, self._follow, self._tail):
                self.lines.append(line)
        except ApiError as error:
            if error.status != 404:  # gone with its pod: the empty log_tail says it
                self.error = error.text

    def finish(self) -> None:
        """Gives what is still on its way a moment to arrive."""
        self._thread.join(JOIN_SECONDS)


class PlacementWait:
    """Everything known of one wait. ``step`` is what the watch loop calls."""

    def __init__(
        self,
        api: WaitApi,
        expectations: Sequence[Expectation],
        rules: Rules,
        tail: int,
        start: float,
        known: Sequence[Instance] = (),
        progress: Progress | None = None,
    ) -> None:
        self._api, self._expectations, self._rules, self._tail, self._start = api, expectations, rules, tail, start
        self._known, self._progress = known, progress or Progress()
        self._feeds: list[str | None] = [None]
        self._listed: set[int] = set()
        self._watched: dict[int, float] = {}  # since when the history of a feed is being read
        self._since = ""
        self._unseen, self._asked, self._sightings = False, float("-inf"), dict[str, Sighting]()
        self._unread: str | None = None  # None until Events have been read; then why they cannot be read, or nothing
        self.workers: dict[str, Worker] = {}
        self.proofs: list[Worker] = []
        self.nodes: dict[str, Mapping[str, str]] = {}
        self.notices: list[str] = []
        self._past: Past = {}
        self._logs: dict[str, PodLog] = {}

    def sources(self, namespaces: Sequence[str], since: str) -> list[Source]:
        query = {"labelSelector": selector(self._expectations)}
        self._feeds, self._since = [*namespaces] or [None], since
        return [Source(core_path("pods", place), query, since) for place in self._feeds]

    def _see(self, pod: Obj, deleted: bool) -> None:
        worker = Worker(trimmed(pod), deleted)
        known = self.workers.get(worker.key)
        if known is None or not (known.deleted or _older(pod, known.pod)):
            self.workers[worker.key] = worker

    def _take(self, feed: int, change: Change, now: float) -> None:
        if change.kind == "notice":
            self.notices.append(change.text)
        if change.kind == "watching":
            self._watched.setdefault(feed, now)
        for pod in change.objects:
            self._see(pod, change.type == "DELETED")
        if change.kind == "listed":
            self._vanish(feed, change)
            # A later list means a gap in the watch, and what came and went in it was not seen.
            if feed in self._listed:
                self._unseen = True
                self._watched.setdefault(feed, now - REPLAY_SECONDS)
            self._listed.add(feed)

    def _replayed(self, now: float) -> tuple[bool, float | None]:
        """Whether what came after resource_version has been read, and else when it will have been.

        The API server sends it as soon as a watch has begun.
        """
        if not self._since:
            return True, None
        if len(self._watched) < len(self._feeds):
            return False, None
        end = max(self._watched.values()) + REPLAY_SECONDS
        return now >= end, end

    def _vanish(self, feed: int, change: Change) -> None:
        """A pod that a new list no longer holds has been deleted unseen."""
        present = {Worker(pod).key for pod in change.objects}
        for key, worker in self.workers.items():
            if key not in present and self._feeds[feed] in (None, worker.namespace):
                self.workers[key] = Worker(worker.pod, deleted=True)

    def step(self, changes: Sequence[tuple[int, Change]], now: float) -> Verdict:
        """Takes the changes in, follows the logs of those that run, reads Events where pods are gone, and judges."""
        for feed, change in changes:
            self._take(feed, change, now)
        for worker in self.workers.values():
            self._follow(worker)
        pods = [settled(worker, self._known) for worker in self.workers.values()]
        findings, wake = self._find(pods, now)
        found = {worker.key: worker for finding in findings for worker in finding.workers}
        self.proofs = [*pods, *found.values()]
        if any(item.node_labels for item in self._expectations):
            for node in {worker.node for worker in self.proofs if worker.node} - self.nodes.keys():
                if (labels := self._node_labels(node)) is not None:
                    self.nodes[node] = labels
        verdict, self._past = judge(self.proofs, self.nodes, self._expectations, self._rules, self._past, now, findings)
        self._show(verdict, now)
        replayed, end = self._replayed(now)
        if verdict.kind == "done" and not replayed:
            # What was deleted since resource_version, a stray perhaps, is yet to come.
            return waiting("done, but the history is still being read", end)
        return waiting(verdict.reason, earliest([verdict.wake, wake])) if verdict.kind == "waiting" else verdict

    def _find(self, pods: Sequence[Worker], now: float) -> tuple[list[Finding], float | None]:
        """What Events tell of the workers that are missing, and when to ask again."""
        nothing = [Finding()] * len(self._expectations)
        if not (self._known or self._since):
            return nothing, None
        unseen = {item.host for item in self._known if item.host} - {hostname(worker.name) for worker in pods}
        if not unseen and all(missing(pods, item) <= 0 for item in self._expectations):
            return nothing, None
        replayed, end = self._replayed(now)
        if self._known and not replayed and not self._unseen:
            return nothing, end
        wake = None
        if self._unseen or (self._known and self._unread is None):
            if now >= self._asked + EVENTS_SECONDS:
                self._asked, self._unseen = now, not self._read_events()
            wake = self._asked + EVENTS_SECONDS if self._unseen else None
        if self._unread is None:
            return nothing, wake
        return find(self._expectations, self._known, pods, [*self._sightings.values()], self._since, self._unread), wake

    def _read_events(self) -> bool:
        """Whether they were read, or can never be."""
        hosts = {item.host for item in self._known if item.host}
        unnamed = {(item.dag_id, item.task_id) for item in self._expectations if item.task_id and self._since}
        patterns = [pattern for dag_id, task_id in unnamed if (pattern := pod_names(dag_id, task_id))]

        def wanted(name: str) -> bool:
            return hostname(name) in hosts or any(pattern.fullmatch(name) for pattern in patterns)

        exact = sorted(hosts) if all(map(whole, hosts)) and not patterns else []
        try:
            read(self._api, [feed for feed in self._feeds if feed], exact, wanted, self._sightings)
            self._unread = ""
        except ApiError as error:
            if error.passing:
                return False
            self._unread = f"Events cannot be read ({error})"
            self.notices.append(f"Nothing is known of pods that were deleted unseen: {self._unread}")
        return True

    def _show(self, verdict: Verdict, now: float) -> None:
        if self._progress.shown:
            for worker in current(self.proofs):
                kind = "done" if worker.reached(self._rules.phase) else "failed" if worker.phase == "Failed" else "waiting"
                self._progress.note(f"{worker.namespace}/{worker.name}", kind, state_text(worker))
            if not self.proofs:
                self._progress.note("", verdict.kind, verdict.reason)
            self._progress.show(now - self._start)

    def _follow(self, worker: Worker) -> None:
        container = worker.speaker
        if worker.key in self._logs or worker.deleted or not self._tail or not container:
            return
        self._logs[worker.key] = PodLog(self._api, worker, container, self._tail, follow="running" in worker.base)

    def _node_labels(self, node: str) -> Mapping[str, str] | None:
        """None where the API server is away for a moment: who needs the node waits for it."""
        try:
            return (self._api.get(core_path("nodes", name=node)).get("metadata") or {}).get("labels") or {}
        except ApiError as error:
            if error.status == 404:
                return {}
            if error.passing:
                return None
            raise

    def log_tail(self, worker: Worker) -> list[str]:
        log = self._logs.get(worker.key)
        if log is None:
            return []
        if worker.phase in ("Succeeded", "Failed", "Gone"):
            log.finish()
        if log.error and log.error not in self.notices:
            self.notices.append(log.error)
        return list(log.lines)[-self._tail :]

    def advice(self, verdict: Verdict) -> str:
        """What to do about the cause that the verdict names, or nothing."""
        return advice(self.proofs, verdict.reason)

    def results(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The proof for each expected worker, every try of it, and for each stray."""
        placements, strays = [], []
        for worker in sorted(self.proofs, key=lambda item: (item.since, item.name)):
            if stray(worker, self._expectations):
                strays.append(self._proof(worker))
            elif any(item.about(worker) for item in self._expectations):
                placements.append(self._proof(worker))
        return placements, strays

    def _proof(self, worker: Worker) -> dict[str, Any]:
        task_id, map_index = worker.task
        spec: dict[str, Any] = dict.fromkeys(["service_account", "node_selector", "tolerations", "affinity"])
        if worker.evidence == "pod":
            spec = {
                "service_account": worker.spec.get("serviceAccountName") or "",
                "node_selector": worker.spec.get("nodeSelector") or {},
                "tolerations": worker.spec.get("tolerations") or [],
                "affinity": worker.spec.get("affinity") or {},
            }
        return {
            "pod": worker.name,
            "namespace": worker.namespace,
            "node": worker.node,
            "phase": worker.phase,
            "deleted": worker.deleted,
            "evidence": worker.evidence,
            "dag_id": worker.identity("dag_id"),
            "run_id": worker.identity("run_id"),
            "task_id": task_id,
            "map_index": -1 if not map_index else int(map_index) if map_index.isdecimal() else None,
            "try_number": worker.try_number if worker.evidence == "pod" or worker.identity("try_number") else None,
            **spec,
            "timings": worker.timings(),
            "log_tail": self.log_tail(worker),
        }


def _older(pod: Obj, known: Obj) -> bool:
    """Whether it is an earlier state: a watch that begins before the list replays what the list already shows."""
    versions = [str((item.get("metadata") or {}).get("resourceVersion") or "") for item in (pod, known)]
    return all(version.isdigit() for version in versions) and int(versions[0]) < int(versions[1])


def state_text(worker: Worker) -> str:
    """How far it came and where, and why it does not go on."""
    why = [words(worker, cause) for cause in homeless(worker)]
    why += [f"{problem.reason} {problem.message}".strip() for problem in start_problems(worker.pod)]
    return ": ".join(filter(None, (worker.phase + (f" on {worker.node}" if worker.node else ""), *why)))
