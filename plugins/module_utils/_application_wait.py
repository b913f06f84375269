# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for Applications: keeps their latest state, asks the verdict for each, remembers the transitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._application_diagnosis import Cluster, diagnose
from ansible_collections.gitops.airflow.plugins.module_utils._application_state import (
    REFRESH,
    outdated_operation,
    owned,
    same_revisions,
    shown_revisions,
    workload_namespaces,
)
from ansible_collections.gitops.airflow.plugins.module_utils._application_verdict import Expectation, Past, judge
from ansible_collections.gitops.airflow.plugins.module_utils._errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube import APPLICATIONS, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._verdict import Obj, Verdict, done, earliest, failed, waiting
from ansible_collections.gitops.airflow.plugins.module_utils._watch import Api, Change, Source, snapshot

PROBE_SECONDS = 5.0
# After a comparison that failed the controller itself makes the next only after minutes.
REFRESH_SECONDS = 10.0
PROBED_NAMESPACES = 4  # at most, each time: many Applications must not make many requests
TOLD = 5  # Applications whose reasons a message holds
DIAGNOSED = 10  # Applications with a diagnosis
# Neither has a container that is yet to start.
LIVING = {"fieldSelector": "status.phase!=Succeeded,status.phase!=Failed"}


class WaitApi(Api, Protocol):
    def patch(self, path: str, body: Obj) -> Obj: ...

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int, **query: Any) -> Iterator[str]: ...


@dataclass(frozen=True)
class Request:
    """What is waited for: names, or what the label selectors find."""

    namespace: str
    names: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()
    expectations: Mapping[str, Expectation] = field(default_factory=dict)
    default: Expectation = field(default_factory=Expectation)
    fail_fast: bool = True
    supersede: bool = False
    refresh: str = "none"

    def source(self) -> Source:
        """One collection for all: the server selects a single name, several are picked out of each page as it arrives."""
        query: dict[str, Any] = {}
        if len(self.names) == 1:
            query["fieldSelector"] = f"metadata.name={self.names[0]}"
        if self.selectors:
            query["labelSelector"] = ",".join(self.selectors)
        return Source(APPLICATIONS.format(namespace=self.namespace), query, keep=self._keep)

    def _keep(self, app: Obj) -> Obj | None:
        """What is needed of an Application: most of its size is history."""
        metadata = app["metadata"]
        if self.names and metadata["name"] not in self.names:
            return None
        metadata.pop("managedFields", None)
        for key in ("history", "summary"):
            (app.get("status") or {}).pop(key, None)
        return app


class ApplicationWait:
    """Everything known of one wait. ``step`` is what the watch loop calls."""

    def __init__(self, api: WaitApi, request: Request, start: float, progress: Progress | None = None) -> None:
        self._api, self._request, self._start = api, request, start
        self._progress = progress or Progress()
        self.apps: dict[str, Obj | None] = dict.fromkeys(request.names)
        self.verdicts: dict[str, Verdict] = {}
        self.transitions: dict[str, list[dict[str, Any]]] = {}
        self.notices: list[str] = []
        self._past: dict[str, Past] = {}
        self._changed: set[str] = set(request.names)
        self._ended: set[tuple[str, Any]] = set()
        self._pods: dict[str, list[Obj]] = {}
        self._jobs: dict[str, list[Obj]] = {}
        self._probed = start
        self._turn = 0
        self._refreshed: dict[str, float] = {}

    def refresh(self, names: Sequence[str] = ()) -> None:
        """Asks the controller to compare anew, all without names; it removes the annotation when it has."""
        path = APPLICATIONS.format(namespace=self._request.namespace)
        names = names or self._request.names
        if not names:
            names = tuple(app["metadata"]["name"] for app in snapshot(self._api, self._request.source())[0])
        for name in names:
            try:
                self._api.patch(f"{path}/{name}", {"metadata": {"annotations": {REFRESH: self._request.refresh}}})
            except ApiError as error:
                if error.status != 404:
                    raise

    def _compare_again(self, name: str, verdict: Verdict, now: float) -> Verdict:
        """Asks anew while a comparison fails, or finds another revision, by what may pass. Only of a caller who wants refreshes."""
        passing = self._past[name].error is not None or self._past[name].overtaken is not None
        if self._request.refresh == "none" or verdict.kind != "waiting" or not passing:
            return verdict
        due = self._refreshed.setdefault(name, now) + REFRESH_SECONDS
        if now >= due:
            self._patch(name, {"metadata": {"annotations": {REFRESH: self._request.refresh}}})
            self._refreshed[name], due = now, now + REFRESH_SECONDS
        return replace(verdict, wake=earliest([due, verdict.wake]))

    def _expectation(self, name: str) -> Expectation:
        return self._request.expectations.get(name, self._request.default)

    def _supersede(self, name: str, app: Obj | None) -> None:
        """Ends an operation that has failed and is tried again at another revision than expected, where Argo CD has found that one.

        Argo CD itself begins none at the new revision before the last retry (``argocd app terminate-op`` does the same).
        """
        expected = self._expectation(name).revisions
        if not same_revisions(shown_revisions(app or {}), expected):
            return  # what is tried may be newer; Argo CD does not try an ended one again
        state = ((app or {}).get("status") or {}).get("operationState") or {}
        began = (name, state.get("startedAt"))
        tries_again = app is not None and app.get("operation") is not None and state.get("retryCount")
        if not tries_again or began in self._ended or not outdated_operation(app or {}, expected):
            return
        # Only the very state that was judged: meanwhile the operation may have ended, or another begun.
        version = {"resourceVersion": ((app or {}).get("metadata") or {}).get("resourceVersion")}
        body = {"metadata": version, "status": {"operationState": {"phase": "Terminating"}}}
        if self._patch(name, body):
            self._ended.add(began)
            self.notices.append(
                f"{name}: an operation that was being tried again at another revision was ended: {state.get('message') or ''}"
            )

    def _patch(self, name: str, body: Obj) -> bool:
        """Whether it was done; not where the Application is gone or has changed, or the API server is away: the next event tells."""
        try:
            self._api.patch(f"{APPLICATIONS.format(namespace=self._request.namespace)}/{name}", body)
        except ApiError as error:
            if error.status not in (404, 409) and not error.passing:
                raise
            return False
        return True

    def _take(self, change: Change) -> None:
        if change.kind == "notice":
            self.notices.append(change.text)
        if change.kind in ("notice", "watching"):
            return
        wanted = {item["metadata"]["name"]: item for item in change.objects}
        if change.kind == "listed":
            gone = dict.fromkeys(self._request.names or self.apps)
            self.apps = {**gone, **wanted}
            self._changed = set(self.apps)
        elif change.type == "DELETED":
            self.apps.update(dict.fromkeys(wanted))
        else:
            self.apps.update(wanted)
        self._changed.update(wanted)
        if not self._request.names and not self._request.default.must_exist:
            self.apps = {name: app for name, app in self.apps.items() if app is not None}

    def step(self, changes: Sequence[tuple[int, Change]], now: float) -> Verdict:
        """Takes the changes in and judges each Application that they or the time may have moved."""
        for _feed, change in changes:
            self._take(change)
        if not self.apps:
            reason = f"no Application in {self._request.namespace} matches {', '.join(self._request.selectors)}"
            self._progress.tell(now - self._start, "", "waiting", reason)
            return failed(reason) if self._request.default.must_exist else waiting(reason)
        if now >= self._probed + PROBE_SECONDS:
            self._changed |= self._probe()
            self._probed = now
        ripe = {name for name, verdict in self.verdicts.items() if verdict.wake is not None and now >= verdict.wake}
        for name in [name for name in self.apps if name in self._changed or name in ripe]:
            app = self.apps[name]
            if self._request.supersede:
                self._supersede(name, app)
            places = workload_namespaces(app) if app and self._ails(name) else []
            pods, jobs = ([item for place in places for item in found.get(place, [])] for found in (self._pods, self._jobs))
            verdict, self._past[name] = judge(app, self._expectation(name), self._past.get(name, Past()), now, pods, jobs)
            self.verdicts[name] = self._compare_again(name, verdict, now)
            self._note(name, app, verdict, now)
        self._changed = set()
        self._progress.show(now - self._start)
        return self._combine()

    def _combine(self) -> Verdict:
        current = {name: self.verdicts[name] for name in self.apps}
        wrong = [f"{name}: {verdict.reason}" for name, verdict in current.items() if verdict.kind == "failed"]
        open_ones = {name: verdict for name, verdict in current.items() if verdict.kind == "waiting"}
        if wrong and (self._request.fail_fast or not open_ones):
            return failed(_listed(wrong))
        if not open_ones:
            return done()
        probe = self._probed + PROBE_SECONDS if any(self._ails(name) for name in open_ones) else None
        reasons = [f"{name}: {verdict.reason}" for name, verdict in open_ones.items()]
        return waiting(_listed(wrong + reasons), earliest([probe, *(verdict.wake for verdict in open_ones.values())]))

    def _ails(self, name: str) -> bool:
        """Whether a look at its pods and Jobs may tell why it is not healthy."""
        status = (self.apps.get(name) or {}).get("status") or {}
        health = (status.get("health") or {}).get("status")
        return health in ("Progressing", "Degraded") or (status.get("operationState") or {}).get("phase") == "Running"

    def _probe(self) -> set[str]:
        """Reads pods and Jobs of those that ail, a few namespaces in turn, and tells which Applications that concerns."""
        ailing = {name: workload_namespaces(app) for name, app in self.apps.items() if app and self._ails(name)}
        places = sorted({place for found in ailing.values() for place in found})
        self._pods, self._jobs = ({place: found[place] for place in found if place in places} for found in (self._pods, self._jobs))
        chosen = [places[(self._turn + offset) % len(places)] for offset in range(min(PROBED_NAMESPACES, len(places)))]
        self._turn += len(chosen)
        for place in chosen:
            self._pods[place] = self._look("pods", place, LIVING)
            with_jobs = any(kind == "Job" and where == place for name in ailing for kind, where, _name in owned(self.apps[name] or {}))
            self._jobs[place] = self._look("jobs", place, {}) if with_jobs else []
        return {name for name, found in ailing.items() if set(found) & set(chosen)}

    def _look(self, collection: str, namespace: str, query: dict[str, Any]) -> list[Obj]:
        try:
            return self.read(collection, namespace, query)
        except ApiError as error:
            text = f"What cannot start in {namespace} is not noticed early: {error}"
            if text not in self.notices:
                self.notices.append(text)
            return []

    def read(self, collection: str, namespace: str, query: dict[str, Any]) -> list[Obj]:
        return list(snapshot(self._api, Source(core_path(collection, namespace), query))[0])

    def read_log(self, namespace: str, pod: str, container: str, previous: bool, tail: int) -> list[str]:
        return list(self._api.log_lines(namespace, pod, container, False, tail, **({"previous": "true"} if previous else {})))

    def _note(self, name: str, app: Obj | None, verdict: Verdict, now: float) -> None:
        state = {**summary(app), "verdict": verdict.kind, "reason": verdict.reason}
        log = self.transitions.setdefault(name, [])
        if not log or {key: value for key, value in log[-1].items() if key != "elapsed"} != state:
            log.append({"elapsed": round(now - self._start, 3), **state})
            self._progress.note(name, verdict.kind, state_text(state))

    def results(self) -> list[dict[str, Any]]:
        """The last known state of each Application with all its transitions."""
        found = []
        for name, app in self.apps.items():
            verdict = self.verdicts.get(name, waiting("not looked at"))
            health = ((app or {}).get("status") or {}).get("health") or {}
            state = ((app or {}).get("status") or {}).get("operationState") or {}
            message = verdict.reason or state.get("message") or health.get("message") or ""
            found.append(
                {
                    "name": name,
                    **summary(app),
                    "verdict": verdict.kind,
                    "overtaken": self._past.get(name, Past()).overtaken is not None,
                    "message": message,
                    "transitions": self.transitions.get(name, []),
                }
            )
        return found

    def diagnosis(self, timed_out: bool) -> list[dict[str, Any]]:
        """A bundle for each Application that is not done; those that failed come first, and only so many are looked at."""
        kinds = {name: self.verdicts[name].kind for name in self.apps if name in self.verdicts and self.verdicts[name].kind != "done"}
        chosen = sorted(kinds, key=lambda name: kinds[name] != "failed")[:DIAGNOSED]
        cluster = Cluster(self.read, self.read_log)
        return [
            diagnose(self.apps[name], self._request.namespace, name, timed_out, self._expectation(name).revisions, cluster)
            for name in chosen
        ]


def _listed(reasons: Sequence[str]) -> str:
    more = len(reasons) - TOLD
    return "; ".join(reasons[:TOLD]) + (f"; and {more} more" if more > 0 else "")


def summary(app: Obj | None) -> dict[str, Any]:
    status = (app or {}).get("status") or {}
    return {
        "sync": (status.get("sync") or {}).get("status") or "",
        "health": (status.get("health") or {}).get("status") or "",
        "operation": (status.get("operationState") or {}).get("phase") or "",
        "revision": ",".join(shown_revisions(app or {})),
    }


def state_text(state: dict[str, Any]) -> str:
    """A transition in one line. What the reason repeats of the state is left out."""
    revision = ",".join(item[:7] if len(item) >= 40 else item for item in state["revision"].split(","))
    seen = " ".join(filter(None, (state["sync"], state["health"], f"at {revision}" if revision else "")))
    reason = state["reason"].removeprefix(f"health is {state['health']}").removeprefix(f"sync is {state['sync']}").removeprefix(": ")
    return ": ".join(filter(None, (seen, reason or state["verdict"] * (state["verdict"] != "waiting"))))
