# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for workloads: keeps them and their pods as last seen and asks the verdict. ``step`` is what the watch loop calls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict, earliest, failed
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Cause, read_seen
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.report import LOG_LINES, quote, warning_events
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change, Source, snapshot
from ansible_collections.gitops.airflow.plugins.module_utils._kube.workload_verdict import COLLECTIONS, JOB, Past, Workload, causes, judge

PODS = "Pod"
PROBE_SECONDS = 5.0
EVENTS = 5


class WorkloadWait:
    """One wait in one namespace. Feeds are the workload kinds in their order, then the pods.

    Jobs are waited for only by name (``Job/NAME`` in ``expected``): a namespace may hold others, of CronJobs or of its users.
    """

    def __init__(
        self,
        api: KubeApi,
        namespace: str,
        selectors: Sequence[str],
        expected: Sequence[str],
        grace: float,
        must_exist: bool = True,
        only: bool = False,
    ) -> None:
        """With ``only`` other workloads than the expected (each as ``KIND/NAME``) are not waited for."""
        self._must_exist, self._only = must_exist, only
        self._api, self._namespace, self._selectors, self._expected, self._grace = api, namespace, selectors, expected, grace
        self._jobs = {name.partition("/")[2] for name in expected if name.startswith(f"{JOB}/")}
        wanted = {name.partition("/")[0] for name in expected} if only else set(COLLECTIONS)
        self._workload_kinds = [kind for kind in COLLECTIONS if kind in wanted]
        self._kinds = [*self._workload_kinds, *([JOB] if self._jobs else []), PODS]
        self._seen: dict[str, dict[str, Obj]] = {kind: {} for kind in self._kinds}
        self._past: Past = {}
        self._events: list[Obj] = []
        self._probed = -math.inf
        self.notices: list[str] = []

    def sources(self) -> list[Source]:
        query = {"labelSelector": ",".join(self._selectors)} if self._selectors else {}
        paths = [f"/apis/apps/v1/namespaces/{self._namespace}/{COLLECTIONS[kind]}" for kind in self._workload_kinds]
        paths += [f"/apis/batch/v1/namespaces/{self._namespace}/jobs"] if self._jobs else []
        return [*(Source(path, query) for path in paths), Source(core_path("pods", self._namespace))]

    def step(self, changes: Sequence[tuple[int, Change]], now: float) -> Verdict:
        for feed, change in changes:
            if change.kind == "notice":
                self.notices.append(change.text)
                continue
            seen = self._seen[self._kinds[feed]]
            if change.kind == "listed":
                seen.clear()
            for item in change.objects:
                if change.type == "DELETED":
                    seen.pop(item["metadata"]["name"], None)
                else:
                    seen[item["metadata"]["name"]] = item
        if self._expected and self._must_exist and self.missing:
            return failed(f"{', '.join(self.missing)}: no such workload in {self._namespace}")
        if now >= self._probed + PROBE_SECONDS:
            self._probed, self._events = now, self._read_events()
        verdict, self._past = judge(self.workloads, self.missing, self.pods, self._past, self._grace, now, self._events)
        if verdict.kind == "waiting" and any(item.open for item in self.workloads):
            return replace(verdict, wake=earliest([verdict.wake, self._probed + PROBE_SECONDS]))
        return verdict

    def _read_events(self) -> list[Obj]:
        """The Events of what does not run."""
        stuck = [item for item in self.workloads if item.open]
        pods = [pod for pod in self.pods if any(item.owns(pod) for item in stuck)]
        try:
            return list(read_seen(self._read, self._namespace, [(item.kind, item.item) for item in stuck], pods).events)
        except ApiError as error:
            text = f"Events of {self._namespace} cannot be read, so failed mounts and probes are not named: {error.text}"
            if text not in self.notices:
                self.notices.append(text)
            return []

    def _read(self, collection: str, namespace: str, query: dict[str, Any]) -> list[Obj]:
        return list(snapshot(self._api, Source(core_path(collection, namespace), query))[0])

    @property
    def workloads(self) -> list[Workload]:
        found = [Workload(kind, item) for kind in self._workload_kinds for item in self._seen[kind].values()]
        found = [item for item in found if not self._only or item.name in self._expected]
        return found + [Workload(JOB, item) for name, item in self._seen.get(JOB, {}).items() if name in self._jobs]

    @property
    def pods(self) -> list[Obj]:
        return list(self._seen[PODS].values())

    @property
    def missing(self) -> list[str]:
        """What was expected and is not there; without an expectation anything will do, but not nothing."""
        names = {item.name for item in self.workloads} | {item.name.split("/")[1] for item in self.workloads}
        if not self._expected and not names:
            return [f"a workload in {self._namespace}" + (f" with labels {', '.join(self._selectors)}" if self._selectors else "")]
        return [name for name in self._expected if name not in names]

    def results(self) -> list[dict[str, Any]]:
        return [{"name": item.name, "open": item.open, "causes": [cause.text for cause in self._causes(item)]} for item in self.workloads]

    def _causes(self, item: Workload) -> list[Cause]:
        return causes(item, self.pods, self._events)

    def diagnosis(self) -> tuple[str, str]:
        """The failing container's own last lines, or nothing, and the next action."""
        found = [cause for item in self.workloads if item.open for cause in self._causes(item)]
        if not found:
            return "", f"kubectl -n {self._namespace} describe pods, and correct what it names."
        log, lines = found[0].log, list[str]()
        if log is not None:
            query = {"previous": "true"} if log.previous else {}
            with suppress(ApiError):
                lines = list(self._api.log_lines(log.namespace, log.pod, log.container, False, LOG_LINES, **query))
        return quote(log, masked_words("\n".join(lines)).splitlines()), found[0].action

    def events(self) -> list[str]:
        """The namespace's latest warnings."""
        try:
            found = snapshot(self._api, Source(core_path("events", self._namespace), {"fieldSelector": "type=Warning"}))[0]
        except ApiError as error:
            return [error.text]
        return warning_events(list(found))[-EVENTS:]
