# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person needs to know when an Application does not become what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import (
    NAMED,
    REFRESH,
    blocking,
    blocking_text,
    differing,
    error_conditions,
    is_local,
    managed_pods,
    operates,
    operation_failed,
    out_of_sync,
    owned,
    resource_text,
    same_revisions,
    shown_revisions,
    sources,
    workload_namespaces,
)
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.differences import differing_fields
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.messages import LEFT_LOCK, outlook
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.resource_health import READERS
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Cause, Log
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import container_statuses
from ansible_collections.gitops.airflow.plugins.module_utils._kube.report import LOG_LINES, quote, warning_events

CHANGE = "Make the change in Git and push it, or make it in the collection's variable that sets it, and run again."
LOGS = 3
# The Deployment has other names where Argo CD's Helm chart or operator made it.
REPO_SERVER = "app.kubernetes.io/component=repo-server"
# helm's words for a chart repository: pkg/repo/chartrepo.go, and Argo CD's for the command (util/helm/helm.go).
CHARTS = re.compile(r"not a valid chart repository or cannot be reached|helm dependency build` failed")


def next_action(
    app: Obj | None,
    causes: Sequence[Cause],
    namespace: str,
    name: str,
    timed_out: bool,
    expected: Sequence[str] = (),
    differences: Sequence[str] = (),
) -> str:
    """The most useful thing to do now."""
    if app is None:
        return f"Create it, correct name or namespace, or set must_exist to false (kubectl -n {namespace} get applications)."
    if (app.get("metadata") or {}).get("deletionTimestamp"):
        return (
            f"Find out who deletes the Application, wait until it is deleted, and create it again (kubectl -n {namespace} get "
            f"application {name})."
        )
    status, spec = app.get("status") or {}, app.get("spec") or {}
    # A SyncError only repeats that the operation failed.
    conditions = sorted(error_conditions(app), key=lambda item: item["type"] == "SyncError")
    if conditions and not (causes and conditions[0]["type"] == "SyncError"):
        if CHARTS.search(conditions[0].get("message") or ""):
            return (
                "Let Argo CD's repo-server reach the chart repository that the message names (network, proxy, certificate authority), or "
                "keep the chart in the Git repository as charts/NAME-VERSION.tgz. For Airflow's chart, set airflow_app_chart_archive."
            )
        if LEFT_LOCK.search(conditions[0].get("message") or ""):
            return (
                "If the message stays the same, a git process of Argo CD's repo-server was killed and left a lock. Restart the repo-server "
                f"(kubectl -n {namespace} rollout restart deployment -l {REPO_SERVER}), or ask the owner of this Argo CD to restart it. "
                "Then run again."
            )
        if outlook(conditions[0].get("message") or "") == "passing":
            return (
                f"Check that Argo CD reaches the server that {conditions[0]['type']} names, and run again "
                f"(kubectl -n {namespace} logs deployment/argocd-repo-server)."
            )
        return f"Correct the cause that {conditions[0]['type']} names (repository, path, chart, values, project). {CHANGE}"
    if causes:
        return " ".join([causes[0].action, *([CHANGE] if causes[0].change else [])])
    if operation_failed(app, expected):
        return "Correct the failed resource or hook in Git and push; automated sync does not try the same commit again."
    if ((app.get("metadata") or {}).get("annotations") or {}).get(REFRESH) or not status.get("sync"):
        return f"Argo CD's application controller did not act: kubectl -n {namespace} logs argocd-application-controller-0."
    if expected and not same_revisions(shown_revisions(app), expected):
        branches = ", ".join(str(source.get("targetRevision") or "HEAD") for source in sources(app))
        return (
            f"Check the newest commit of the revision that the Application follows ({branches}). If it is newer than the expected one, run "
            "again to wait for it. If the expected commit is missing, push it. Set refresh=normal."
        )
    automated = (spec.get("syncPolicy") or {}).get("automated")
    if (status.get("sync") or {}).get("status") == "OutOfSync" and (automated is None or automated.get("enabled") is False):
        return f"Automated sync is off: sync it (argocd app sync {name}) or set syncPolicy.automated."
    if (status.get("sync") or {}).get("status") == "OutOfSync" and out_of_sync(app) and not operates(app):
        return _mend_drift(app, name, differences)
    if timed_out:
        return "Raise timeout if the Application still makes progress."
    return f"Inspect the Application with: kubectl -n {namespace} describe application {name}"


def _mend_drift(app: Obj, name: str, differences: Sequence[str]) -> str:
    found = out_of_sync(app)
    if all(item.get("requiresPruning") for item in found):
        return f"Delete {differing(app)}, or let Argo CD do so: set syncPolicy.automated.prune."
    fields = f" ({'; '.join(differences)})" if differences else ""
    return (
        f"Make {differing(app)} in Git the same as in the cluster{fields}, or list these fields in the Application's ignoreDifferences. "
        f"Both sides: argocd app diff {name}. {CHANGE}"
    )


def read_differences(app: Obj, cluster: Cluster, notes: list[str]) -> list[str]:
    """The fields that differ of the first resources that are out of sync, as far as the objects can be read."""
    found = []
    for item in out_of_sync(app)[:NAMED] if is_local(app) else []:
        try:
            live = None if item.get("requiresPruning") else cluster.live(item)
        except ApiError as error:
            notes.append(error.text)
            continue
        if live is not None and (fields := differing_fields(live)):
            found.append(f"{resource_text(item)}: {named(fields)}")
    return found


def silent_containers(app: Obj, pods: Iterable[Obj]) -> list[tuple[str, str, str, bool]]:
    """Namespace, pod and container whose last words may tell most, and whether those are of the container before; the worst first."""
    found = []
    for pod in managed_pods(app, pods):
        metadata = pod.get("metadata") or {}
        for status in container_statuses(pod):
            state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated") or {}
            ended_badly = (state.get("terminated") or {}).get("exitCode", 0) != 0
            # A container that is about to start again has said what matters before.
            rank = 0 if ended_badly or last.get("exitCode", 0) != 0 else 1 if "running" in state and not status.get("ready") else None
            if rank is not None:
                place = (str(metadata.get("namespace")), str(metadata.get("name")), str(status.get("name")))
                found.append((rank, (*place, not ended_badly and "running" not in state)))
    return [item for _rank, item in sorted(found)]


@dataclass(frozen=True)
class Cluster:
    """How to look around. The functions raise ApiError, which is recorded. What was listed once is not listed again.

    ``read(collection, namespace, query)`` lists objects; ``read_log(namespace, pod, container, previous, tail)`` gives lines;
    ``live(resource)`` gives the object of an entry in status.resources.
    """

    read: Callable[[str, str, dict[str, Any]], list[Obj]]
    read_log: Callable[[str, str, str, bool, int], list[str]]
    live: Callable[[Obj], Obj | None] = lambda resource: None
    _known: dict[tuple[str, str, str], list[Obj]] = field(default_factory=dict)

    def listed(self, collection: str, namespace: str, query: dict[str, Any], notes: list[str]) -> list[Obj]:
        key = (collection, namespace, str(query))
        if key not in self._known:
            try:
                self._known[key] = self.read(collection, namespace, query)
            except ApiError as error:
                self._known[key] = []
                notes.append(error.text)
        return self._known[key]


@dataclass(frozen=True)
class Found:
    """What the wait found: causes, the pods it looked at, last lines that it read before (by a cause's key), and what it could not read."""

    causes: Sequence[Cause] = ()
    pods: Sequence[Obj] = ()
    said: Mapping[str, tuple[Log, list[str]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def diagnose(
    app: Obj | None,
    namespace: str,
    name: str,
    timed_out: bool,
    expected: Sequence[str],
    cluster: Cluster,
    found: Found,
) -> dict[str, Any]:
    """The bundle for one Application."""
    notes, causes = found.notes, found.causes
    bundle: dict[str, Any] = {"application": name, "blocking": [], "conditions": [], "operation": {}}
    bundle |= {"causes": [], "differences": [], "pods": [], "events": [], "logs": [], "notes": notes}
    if app is not None:
        status = app.get("status") or {}
        state = status.get("operationState") or {}
        bundle["blocking"] = blocking(status) + _unhealthy(app, cluster, notes)
        if not operates(app):
            bundle["differences"] = read_differences(app, cluster, notes)
        bundle["conditions"] = [
            {"type": item.get("type"), "message": masked_words(item.get("message") or ""), "since": item.get("lastTransitionTime")}
            for item in status.get("conditions") or []
        ]
        if state:
            words = masked_words(state.get("message") or "")
            bundle["operation"] = {"phase": state.get("phase"), "message": words, "started": state.get("startedAt")}
            bundle["operation"]["failed_resources"] = [blocking_text(item) for item in bundle["blocking"] if item.get("operation")]
        events: list[Obj] = []
        for place in workload_namespaces(app):
            events += cluster.listed("events", place, {"fieldSelector": "type=Warning"}, notes)
        bundle["causes"] = [{"kind": cause.kind, "text": cause.text, "action": cause.action} for cause in causes]
        bundle["pods"] = [cause.text for cause in causes]
        bundle["events"] = warning_events(events)
        bundle["logs"] = _last_words(app, found, cluster)
    bundle["next_action"] = next_action(app, causes, namespace, name, timed_out, expected, bundle["differences"])
    return bundle


def _unhealthy(app: Obj, cluster: Cluster, notes: list[str]) -> list[dict[str, Any]]:
    """Those of its workloads that are not healthy, in their own words; none that Argo CD has named already."""
    status = app.get("status") or {}
    named = {(item["kind"], item["namespace"], item["name"]) for item in blocking(status) if item["health"]}
    mine = {place for place in owned(app) if place[0] in READERS and place[1] in workload_namespaces(app)} - named
    found = []
    for kind, namespace in sorted({(kind, namespace) for kind, namespace, _name in mine}):
        collection, health = READERS[kind]
        for item in cluster.listed(collection, namespace, {}, notes):
            name = item["metadata"]["name"]
            if (kind, namespace, name) in mine and (verdict := health(item)) is not None:
                found.append({"kind": kind, "namespace": namespace, "name": name, "sync": "", "health": verdict[0], "message": verdict[1]})
    return found


def _last_words(app: Obj, found: Found, cluster: Cluster) -> list[dict[str, Any]]:
    """Last lines of containers, those of the causes first, masked: a traceback may show a password in a URL."""
    wanted = {(cause.log.namespace, cause.log.pod, cause.log.container): cause.log.previous for cause in found.causes if cause.log}
    for namespace, pod, container, previous in silent_containers(app, found.pods):
        wanted.setdefault((namespace, pod, container), previous)
    known = {(log.namespace, log.pod, log.container): lines for log, lines in found.said.values()}
    logs: list[dict[str, Any]] = []
    for (namespace, pod, container), previous in list(wanted.items())[:LOGS]:
        lines = known.get((namespace, pod, container), [])
        if not lines:
            try:
                lines = cluster.read_log(namespace, pod, container, previous, LOG_LINES)
            except ApiError as error:
                found.notes.append(error.text)
                continue
        text = masked_words("\n".join(lines))
        logs.append({"pod": f"{namespace}/{pod}", "container": container, "previous": previous, "lines": text.splitlines()})
    return logs


def quoted(diagnosis: Sequence[Mapping[str, Any]]) -> str:
    """The failing container's own last lines, whole, for the message of a failure; nothing where no container is the cause."""
    for item in diagnosis:
        for log in item["logs"]:
            if any(log["pod"] in text for text in item["pods"]):
                namespace, pod = log["pod"].split("/")
                return quote(Log(namespace, pod, log["container"]), log["lines"])
    return ""
