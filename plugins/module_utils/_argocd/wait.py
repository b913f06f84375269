# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for Applications: keeps their latest state, asks the verdict for each, remembers the transitions."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import (
    REFRESH,
    application_causes,
    automated_sync,
    begun,
    compared_since,
    error_conditions,
    hopeless,
    managed_pods,
    operation_key,
    outdated_operation,
    owned,
    same_revisions,
    shown_revisions,
    workload_namespaces,
)
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.diagnosis import LOGS, Cluster, Found, diagnose
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.messages import is_cached, outlook
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.resource_health import READERS
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.verdict import Expectation, Past, judge
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict, done, earliest, failed, listed, waiting
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import (
    Cause,
    Log,
    Seen,
    of_crash,
    read_seen,
    slim_pod,
    unsettled,
    with_end,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import APPLICATIONS, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import controller
from ansible_collections.gitops.airflow.plugins.module_utils._kube.report import LOG_LINES
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import RESOURCES, collection
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Api, Change, Source, snapshot

PROBE_SECONDS = 5.0
# After a comparison that failed the controller itself makes the next only after minutes.
REFRESH_SECONDS = 10.0
PROBED_NAMESPACES = 4  # at most, each time: many Applications must not make many requests
LISTED = 5  # Applications whose reasons a message holds
DIAGNOSED = 10  # Applications with a diagnosis
# A failed pod of a Job shows why the Job does not complete.
NOT_ENDED_WELL = {"fieldSelector": "status.phase!=Succeeded"}
SUPERSEDE_SECONDS = 15.0  # between two requests for the same: the controller may write over one
# Kinds of which an object that is out of sync is read; a Secret's content is none of the wait's business.
COMPARED = RESOURCES.keys() - {"Secret"}
COLLECTIONS = {kind: READERS[kind][0] for kind in ("DaemonSet", "Deployment", "Job", "StatefulSet")}


Reader = Callable[[str, str, dict[str, Any]], list[Obj]]


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
    """Everything known of one wait. ``step`` is what the watch loop calls; ``today`` is the time of the objects' own times."""

    def __init__(
        self,
        api: WaitApi,
        request: Request,
        start: float,
        progress: Progress | None = None,
        today: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._api, self._request, self._start, self._today = api, request, start, today
        self._progress = progress or Progress()
        self.apps: dict[str, Obj | None] = dict.fromkeys(request.names)
        self.verdicts: dict[str, Verdict] = {}
        self.transitions: dict[str, list[dict[str, Any]]] = {}
        self.notices: list[str] = []
        self._past: dict[str, Past] = {}
        self._changed: set[str] = set(request.names)
        self._ended: dict[tuple[str, Any], float] = {}
        self._synced: dict[tuple[str, Any], float] = {}  # by the operation that failed: when a further one is due
        self._seen: dict[str, Seen] = {}
        self._unsettled: set[str] = set()  # done but for a container that may crash
        self._looked: dict[str, tuple[Any, ...]] = {}  # the operation at the last look
        self.said: dict[str, tuple[Cause, list[str]]] = {}  # by the cause's identity: what crashed containers said last
        self._probed = start
        self._turn = 0
        self._refreshed: dict[str, float] = {}

    def refresh(self) -> None:
        """Asks the controller to compare all anew; it removes the annotation when it has."""
        path = APPLICATIONS.format(namespace=self._request.namespace)
        names = self._request.names
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
            cached = any(is_cached(item.get("message") or "") for item in error_conditions(self.apps[name] or {}))
            self._patch(name, {"metadata": {"annotations": {REFRESH: "hard" if cached else self._request.refresh}}})
            self._refreshed[name], due = now, now + REFRESH_SECONDS
        return replace(verdict, wake=earliest([due, verdict.wake]))

    def _expectation(self, name: str) -> Expectation:
        return self._request.expectations.get(name, self._request.default)

    def _supersede(self, name: str, app: Obj | None, causes: Sequence[Cause], now: float) -> None:
        """Ends an operation at another revision than expected, where Argo CD has found that one and the operation comes to nothing.

        That is one that has failed and is tried again, or one in its first try that waits for something that does not run. Argo CD itself
        begins none at the new revision before the last retry (``argocd app terminate-op`` does the same). Once it has ended, automated
        sync begins one at the revision that is shown, because the ended one was for another (alreadyAttemptedSync in Argo CD).
        """
        expected = self._expectation(name).revisions
        if app is None or app.get("operation") is None or not same_revisions(shown_revisions(app), expected):
            return  # what is tried may be newer; Argo CD does not try an ended one again
        state = (app.get("status") or {}).get("operationState") or {}
        began = (name, state.get("startedAt"))
        if not outdated_operation(app, expected) or now < self._ended.get(began, now):
            return
        if not state.get("retryCount") and not (compared_since(app) and hopeless(app, causes)):
            return
        # Only the very state that was judged: meanwhile the operation may have ended, or another begun.
        version = {"resourceVersion": (app.get("metadata") or {}).get("resourceVersion")}
        body = {"metadata": version, "status": {"operationState": {"phase": "Terminating"}}}
        if self._patch(name, body):
            # The controller may write over it while it works on the operation.
            self._ended[began] = now + SUPERSEDE_SECONDS
            how = "was being tried again" if state.get("retryCount") else "could not go on"
            words = causes[0].text if causes else masked_words(state.get("message") or "")
            self.notices.append(f"{name}: ended an operation at another revision, which {how}: {words}")

    def _sync_again(self, name: str, verdict: Verdict, now: float) -> Verdict:
        """Requests the operation anew that failed at the expected revision by what may pass, such as an AppProject not yet in a cache.

        Argo CD itself tries no revision a second time.
        """
        app = self.apps[name] or {}
        state = (app.get("status") or {}).get("operationState") or {}
        if verdict.kind != "waiting" or outlook(state.get("message") or "") != "passing":
            return verdict
        operation = automated_sync(app, self._expectation(name).revisions)
        if operation is None:
            return verdict
        ended = (name, state.get("startedAt"))
        due = self._synced.setdefault(ended, now + REFRESH_SECONDS)
        if now >= due:
            # Only of the very state that was judged: meanwhile another may have begun.
            version = {"resourceVersion": (app.get("metadata") or {}).get("resourceVersion")}
            if self._patch(name, {"metadata": version, "operation": operation}):
                self.notices.append(f"{name}: requested the sync again, which had failed: {masked_words(state.get('message') or '')}")
            self._synced[ended] = due = now + SUPERSEDE_SECONDS
        return replace(verdict, wake=earliest([due, verdict.wake]))

    def _patch(self, name: str, body: Obj) -> bool:
        """Whether it was done; not where the Application is gone or has changed, or the API server is away: the next event shows it."""
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
            gone = dict.fromkeys(self.apps)
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
        self._judge([name for name in self.apps if name in self._changed or name in ripe], now)
        self._changed = set()
        verdict = self._combine()
        if verdict.kind == "done" and (again := self._look_again(now)):
            self._judge(again, now)
            verdict = self._combine()
        self._progress.show(now - self._start)
        return verdict

    def _judge(self, names: Sequence[str], now: float) -> None:
        for name in names:
            app = self.apps[name]
            causes: list[Cause] | None = self._causes(name, app) if app and self._ails(name) else []
            if app and self._looked.get(name) != operation_key(app):
                causes = None  # until the next look
            if self._request.supersede:
                self._supersede(name, app, causes or [], now)
            verdict, self._past[name] = judge(app, self._expectation(name), self._past.get(name, Past()), now, causes)
            verdict = self._compare_again(name, verdict, now)
            self.verdicts[name] = self._sync_again(name, verdict, now) if self._request.supersede else verdict
            self._note(name, app, verdict, now)

    def _look_again(self, now: float) -> list[str]:
        """Looks at the containers of all, now that all are done, and names those Applications that are done only for the moment.

        Argo CD calls a Deployment healthy as soon as its pods are ready, and a container without a readiness probe is ready as soon as it
        runs, before it crashes and between two crashes.
        """
        chosen = {name: workload_namespaces(app) for name, app in self.apps.items() if app and self._expectation(name).ailing_fails}
        for place in sorted({place for found in chosen.values() for place in found}):
            self._seen[place] = Seen(pods=tuple(self._try_read("pods", place, NOT_ENDED_WELL)))
        self._unsettled = {name for name in chosen if any(map(of_crash, self._found(name, self.apps[name] or {})))}
        self._looked |= {name: operation_key(self.apps[name] or {}) for name in chosen}
        self._probed = now
        return [name for name in self.apps if name in self._unsettled]

    def _shaky(self, name: str, app: Obj, seen: Seen) -> list[Cause]:
        """Containers that run and may crash again; where the Application is done but for them, also those that have just started."""
        expect = self._expectation(name)
        found = [cause for pod in managed_pods(app, seen.pods) for cause in unsettled(pod, self._today(), expect.degraded_grace)]
        healthy = (app.get("status") or {}).get("health", {}).get("status") == "Healthy"
        return [cause for cause in found if cause.lasting or (healthy and expect.settled)]

    def _combine(self) -> Verdict:
        current = {name: self.verdicts[name] for name in self.apps}
        wrong = [f"{name}: {verdict.reason}" for name, verdict in current.items() if verdict.kind == "failed"]
        open_ones = {name: verdict for name, verdict in current.items() if verdict.kind == "waiting"}
        if wrong and (self._request.fail_fast or not open_ones):
            return failed(listed(wrong, LISTED))
        if not open_ones:
            return done()
        probe = self._probed + PROBE_SECONDS if any(self._ails(name) for name in open_ones) else None
        reasons = [f"{name}: {verdict.reason}" for name, verdict in open_ones.items()]
        return waiting(listed(wrong + reasons, LISTED), earliest([probe, *(verdict.wake for verdict in open_ones.values())]))

    def _ails(self, name: str) -> bool:
        """Whether a look at its pods and Jobs may tell why it is not healthy."""
        status = (self.apps.get(name) or {}).get("status") or {}
        health = (status.get("health") or {}).get("status")
        busy = (status.get("operationState") or {}).get("phase") == "Running"
        return health in ("Progressing", "Degraded") or busy or name in self._unsettled

    def _probe(self) -> set[str]:
        """Reads the objects of ailing Applications, a few namespaces in turn, and returns which Applications that concerns."""
        ailing = {name: workload_namespaces(app) for name, app in self.apps.items() if app and self._ails(name)}
        places = sorted({place for found in ailing.values() for place in found})
        self._seen = {place: seen for place, seen in self._seen.items() if place in places}
        chosen = [places[(self._turn + offset) % len(places)] for offset in range(min(PROBED_NAMESPACES, len(places)))]
        self._turn += len(chosen)
        for place in chosen:
            self._seen[place] = self._look(place, [self.apps[name] or {} for name in ailing], self._try_read)
        self._looked |= {name: operation_key(self.apps[name] or {}) for name, found in ailing.items() if set(found) & set(chosen)}
        return {name for name, found in ailing.items() if set(found) & set(chosen)}

    def _look(self, namespace: str, apps: Sequence[Obj], read: Reader) -> Seen:
        """The workloads and pods of these Applications in a namespace, and the Events of what does not run there."""
        mine = {place for app in apps for place in owned(app) if place[1] == namespace}
        pods = [
            pod for pod in read("pods", namespace, NOT_ENDED_WELL) if mine & {controller(pod), ("Pod", namespace, pod["metadata"]["name"])}
        ]
        workloads = []
        for kind in sorted({str(kind) for kind, *_place in mine} & COLLECTIONS.keys()):
            items = read(COLLECTIONS[kind], namespace, {})
            workloads += [(kind, item) for item in items if (kind, namespace, item["metadata"]["name"]) in mine]
        return read_seen(read, namespace, workloads, pods)

    def _causes(self, name: str, app: Obj) -> list[Cause]:
        """Why it does not run. What a crashed container said last is read at once: its pod may be gone later."""
        found = self._found(name, app)
        for cause, log in [(cause, cause.log) for cause in found if cause.kind == "crash" and cause.log][:LOGS]:
            if cause.identity not in self.said or self.said[cause.identity][0].log != log:
                lines = self._last_lines(log)
                # What it said before is better than nothing: the kubelet deletes the container before the last one.
                if lines or cause.identity not in self.said:
                    self.said[cause.identity] = (cause, lines)
        return [self._remembered(cause) for cause in found]

    def _found(self, name: str, app: Obj) -> list[Cause]:
        """The causes by the last looks at the Application's namespaces."""
        seen = [self._seen[place] for place in workload_namespaces(app) if place in self._seen]
        whole = Seen(
            tuple(item for one in seen for item in one.workloads),
            tuple(item for one in seen for item in one.pods),
            tuple(item for one in seen for item in one.events),
        )
        found = application_causes(app, whole)
        named = {cause.identity for cause in found}
        return found + [cause for cause in self._shaky(name, app, whole) if cause.identity not in named]

    def _remembered(self, cause: Cause) -> Cause:
        """A failed Job's cause with the end of its pod, which the Job controller has deleted. The keys of its pods begin with its own."""
        if cause.log is None:
            for last, _lines in reversed(self.said.values()):
                if last.key.startswith(f"{cause.key}/") and last.uid == cause.uid:
                    return with_end(cause, last)
        return cause

    def _last_lines(self, log: Log) -> list[str]:
        try:
            return self.read_log(log.namespace, log.pod, log.container, log.previous, LOG_LINES)
        except ApiError:
            return []

    def _try_read(self, collection: str, namespace: str, query: dict[str, Any]) -> list[Obj]:
        try:
            return self.read(collection, namespace, query)
        except ApiError as error:
            text = f"What cannot start in {namespace} is not noticed early: {error.text}"
            if text not in self.notices:
                self.notices.append(text)
            return []

    def read(self, collection: str, namespace: str, query: dict[str, Any]) -> list[Obj]:
        path = core_path(collection, namespace)
        if collection != "pods":
            return list(snapshot(self._api, Source(path, query))[0])
        mine = {place for app in self.apps.values() if app for place in owned(app) if place[1] == namespace}

        def keep(pod: Obj) -> Obj | None:
            """A namespace may have thousands of others."""
            return slim_pod(pod) if mine & {controller(pod), ("Pod", namespace, pod["metadata"]["name"])} else None

        return list(snapshot(self._api, Source(path, query, keep=keep))[0])

    def live(self, resource: Obj) -> Obj | None:
        """The object of an entry in an Application's status.resources; None if the cluster has none, or its kind is not looked up."""
        kind, namespace, name = (str(resource.get(key) or "") for key in ("kind", "namespace", "name"))
        if kind not in COMPARED:
            return None
        source = Source(collection(kind, namespace), {"fieldSelector": f"metadata.name={name}"})
        return next(iter(snapshot(self._api, source)[0]), None)

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
            message = masked_words(verdict.reason or state.get("message") or health.get("message") or "")
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
        cluster = Cluster(self.read, self.read_log, self.live)
        return [self._diagnose(name, timed_out, cluster) for name in chosen]

    def _diagnose(self, name: str, timed_out: bool, cluster: Cluster) -> dict[str, Any]:
        app, expected = self.apps[name], self._expectation(name).revisions
        notes: list[str] = []
        causes: list[Cause] = []
        pods: list[Obj] = []
        if app is not None:
            for place in workload_namespaces(app):
                self._seen[place] = self._look(place, [app], lambda what, where, query: cluster.listed(what, where, query, notes))
                pods += self._seen[place].pods
            causes = self._causes(name, app) if begun(app, expected) else []
        said = {key: (cause.log, lines) for key, (cause, lines) in self.said.items() if cause.log}
        return diagnose(app, self._request.namespace, name, timed_out, expected, cluster, Found(causes, pods, said, notes))


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
