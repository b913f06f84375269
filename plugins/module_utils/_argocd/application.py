# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one Argo CD Application: its sources, revisions, conditions, pods and what blocks it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named, significant, timestamp
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Cause, Seen, causes, place, uid
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import condition, controller, current_pods

REFRESH = "argocd.argoproj.io/refresh"
IN_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")
NAMED = 3  # resources that a reason holds
RETRIES = 5  # of an automated sync whose Application names no number (autoSync in Argo CD)
COMMIT = re.compile(r"[0-9a-f]{7,64}")


def sources(app: Obj) -> list[Obj]:
    spec = app.get("spec") or {}
    return list(spec.get("sources") or ([spec["source"]] if spec.get("source") else []))


def shown_revisions(app: Obj) -> list[str]:
    """The revisions that the last comparison was made with, one for each source."""
    sync = (app.get("status") or {}).get("sync") or {}
    return list(sync.get("revisions") or ([sync["revision"]] if sync.get("revision") else []))


def same_revisions(shown: Sequence[str], expected: Sequence[str]) -> bool:
    """Whether each shown revision is the expected one, begins with it, or may be any."""

    def same(actual: str, wanted: str) -> bool:
        return not wanted or actual == wanted or (COMMIT.fullmatch(wanted) is not None and actual.startswith(wanted))

    return len(shown) == len(expected) and all(map(same, shown, expected))


def operation_revisions(state: Obj) -> list[str]:
    """What the operation brought, or was asked to bring."""
    for part in (state.get("syncResult"), (state.get("operation") or {}).get("sync")):
        if part and (part.get("revisions") or part.get("revision")):
            return list(part.get("revisions") or [part["revision"]])
    return []


def deployed_revision(app: Obj) -> str:
    """The revision of the last sync, if it succeeded; empty otherwise.

    A later commit that changes nothing of the Application, such as one in another folder, is compared, and not synced.
    """
    state = (app.get("status") or {}).get("operationState") or {}
    return ",".join(operation_revisions(state)) if state.get("phase") == "Succeeded" else ""


def operation_failed(app: Obj, expected: Sequence[str] = ()) -> bool:
    """Whether the last operation failed for good, and tried what is wanted now.

    If it tried something else, automated sync starts another (alreadyAttemptedSync in Argo CD), or needs none: after a revert the failed
    operation stays the last one.
    """
    state = (app.get("status") or {}).get("operationState") or {}
    if state.get("phase") not in ("Failed", "Error") or app.get("operation") is not None:
        return False
    result = state.get("syncResult") or {}
    for key in ("source", "sources"):
        wanted = (app.get("spec") or {}).get(key)
        if wanted and result.get(key) and significant(wanted) != significant(result[key]):
            return False
    tried, shown = operation_revisions(state), shown_revisions(app)
    if expected:
        return same_revisions(tried or shown, expected)
    return not tried or not shown or tried == shown


def outdated_operation(app: Obj, expected: Sequence[str]) -> str:
    """The revisions of an operation that runs for others than expected, or nothing."""
    state = (app.get("status") or {}).get("operationState") or {}
    tried = operation_revisions(state) if state.get("phase") == "Running" else []
    return ", ".join(revision[:7] for revision in tried) if expected and not same_revisions(tried, expected) else ""


def automated_sync(app: Obj, expected: Sequence[str]) -> Obj | None:
    """The operation of an automated sync that is needed, and that Argo CD does not begin: the last one tried the same revisions and failed.

    alreadyAttemptedSync in Argo CD. None where it is not needed, or syncs are not automated. Sync windows hold for it as for Argo CD's own.
    """
    policy = (app.get("spec") or {}).get("syncPolicy") or {}
    automated, shown = policy.get("automated"), shown_revisions(app)
    if automated is None or automated.get("enabled") is False or not expected:
        return None
    if not operation_failed(app, expected) or not same_revisions(shown, expected):
        return None
    many = "revisions" in ((app.get("status") or {}).get("sync") or {})
    sync: Obj = {"revisions": shown} if many else {"revision": shown[0]}
    sync |= {"prune": bool(automated.get("prune")), "syncOptions": policy.get("syncOptions") or []}
    return {"initiatedBy": {"automated": True}, "retry": policy.get("retry") or {"limit": RETRIES}, "sync": sync}


def error_conditions(app: Obj) -> list[Obj]:
    """Conditions that name an error; by Argo CD's convention their type ends so, a warning's does not."""
    conditions = (app.get("status") or {}).get("conditions") or []
    return [condition for condition in conditions if str(condition.get("type", "")).endswith("Error")]


def is_local(app: Obj) -> bool:
    """Whether it is deployed to the cluster that it is in itself."""
    destination = (app.get("spec") or {}).get("destination") or {}
    return (destination.get("server") or destination.get("name") or IN_CLUSTER[0]) in IN_CLUSTER


def workload_namespaces(app: Obj) -> list[str]:
    """The namespaces of the cluster at hand that the Application's pods may be in; none where it is deployed to another cluster."""
    destination, status = (app.get("spec") or {}).get("destination") or {}, app.get("status") or {}
    if not is_local(app):
        return []
    results = ((status.get("operationState") or {}).get("syncResult") or {}).get("resources") or []
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Rollout")
    items = [*(status.get("resources") or []), *results]
    found = {str(item.get("namespace")) for item in items if item.get("kind") in kinds and item.get("namespace")}
    return sorted(found or filter(None, [destination.get("namespace")]))


def owned(app: Obj) -> set[tuple[Any, ...]]:
    """Kind, namespace and name of all that the Application has and its last operation brought.

    A hook that an operation before left behind is neither, nor is one of a failed operation that tried something else than is wanted now,
    or after which another is requested.
    """
    status = app.get("status") or {}
    state = status.get("operationState") or {}
    kept = [item for item in status.get("resources") or [] if not item.get("hook")]
    brought = (state.get("syncResult") or {}).get("resources") or []
    if state.get("phase") in ("Failed", "Error") and not operation_failed(app):
        brought = [item for item in brought if not item.get("hookType")]
    return {(item.get("kind"), item.get("namespace"), item.get("name")) for item in [*kept, *brought]}


def applied(app: Obj) -> set[tuple[Any, ...]]:
    """Kind, namespace and name of what the operation that runs has applied so far; the rest is still as the one before left it."""
    brought = (((app.get("status") or {}).get("operationState") or {}).get("syncResult") or {}).get("resources") or []
    return {(item.get("kind"), item.get("namespace"), item.get("name")) for item in brought if item.get("status") != "SyncFailed"}


def _made_before_operation(app: Obj, item: Obj) -> bool:
    """Whether it was there before the operation that runs, or ran last."""
    began = timestamp(((app.get("status") or {}).get("operationState") or {}).get("startedAt"))
    made = timestamp((item.get("metadata") or {}).get("creationTimestamp"))
    return bool(began and made and made < began)


def operates(app: Obj) -> bool:
    return ((app.get("status") or {}).get("operationState") or {}).get("phase") == "Running"


def managed_pods(app: Obj, pods: Iterable[Obj]) -> list[Obj]:
    """The pods of the Application's workloads and hooks; while an operation runs, only of what it has applied.

    A Job is made anew by each operation, so a Job's pod from before the operation is of the one before.
    """
    owners = applied(app) if operates(app) else owned(app)

    def managed(pod: Obj) -> bool:
        metadata = pod.get("metadata") or {}
        place = controller(pod)
        if place[:1] == ("Job",) and operates(app) and _made_before_operation(app, pod):
            return False
        return place in owners or ("Pod", metadata.get("namespace"), metadata.get("name")) in owners

    return [pod for pod in current_pods(pods) if managed(pod)]


def application_causes(app: Obj, seen: Seen) -> list[Cause]:
    """Why the Application's workloads and hooks do not run: of what there is in its namespaces, only what is its own."""
    owners, running = (applied(app) if operates(app) else owned(app)), operates(app)

    def counts(kind: str, item: Obj) -> bool:
        if (kind, *place(item)) not in owners:
            return False
        if kind == "Job":
            # While an operation runs, a failed Job is a hook of it or what it mends: it tries again or fails, and says so.
            return not _made_before_operation(app, item) and not (running and condition(item, "Failed").get("status") == "True")
        return observed(item)

    def observed(item: Obj) -> bool:
        """Whether its controller has seen the last change; until then its pods are of the template before."""
        return int((item.get("status") or {}).get("observedGeneration") or 0) >= int((item.get("metadata") or {}).get("generation") or 0)

    workloads = tuple((kind, item) for kind, item in seen.workloads if counts(kind, item))
    unseen = {(kind, *place(item)) for kind, item in seen.workloads if kind != "Job" and not observed(item)}
    pods = tuple(pod for pod in managed_pods(app, seen.pods) if controller(pod) not in unseen)
    return causes(Seen(workloads, pods, seen.events))


def operation_key(app: Obj) -> tuple[Any, ...]:
    """Identifies an operation, how far it is, and the one that is requested: what was seen in the cluster counts for one only."""
    state = (app.get("status") or {}).get("operationState") or {}
    return uid(app), state.get("startedAt"), state.get("phase"), app.get("operation")


def begun(app: Obj, expected: Sequence[str]) -> bool:
    """Whether what is in the cluster may be of the expected revisions: all is synced, or the last operation was for them.

    Until then what does not run is of the commit before, and may be what the expected one mends.
    """
    status = app.get("status") or {}
    if not expected or (status.get("sync") or {}).get("status") == "Synced":
        return True
    return same_revisions(operation_revisions(status.get("operationState") or {}), expected)


def compared_since(app: Obj) -> bool:
    """Whether what is shown was compared after the operation began.

    The controller asks for an operation before it writes down what it found, so until then the operation may be for something newer.
    """
    status = app.get("status") or {}
    began = timestamp((status.get("operationState") or {}).get("startedAt"))
    compared = timestamp(status.get("reconciledAt"))
    return bool(began and compared and began < compared)


def hopeless(app: Obj, found: Sequence[Cause]) -> bool:
    """Whether the operation that runs waits for something that does not run.

    A hook that works, such as a migration of a database, must not be ended in the middle of it: each hook that runs must have a cause.
    """
    results = (((app.get("status") or {}).get("operationState") or {}).get("syncResult") or {}).get("resources") or []
    hooks = [item for item in results if item.get("hookType") and item.get("hookPhase") == "Running"]
    places = [f"{item.get('kind')}/{item.get('namespace')}/{item.get('name')}/" for item in hooks]
    stuck = [cause.key for cause in found if cause.lasting and not cause.held]
    return bool(found) and all(any(key.startswith(place) for key in stuck) for place in places)


def health_message(status: Obj) -> str:
    """The Application's health message, or those of its unhealthy resources; nothing where there is neither."""
    health = status.get("health") or {}
    return shorten(health.get("message") or "; ".join(blocking_text(item) for item in blocking(status)), 300)


def blocking(status: Obj) -> list[dict[str, Any]]:
    """The resources that are not synced or not healthy, and those that the last operation could not apply."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}

    def entry(item: Obj) -> dict[str, Any]:
        key = tuple(item.get(name) for name in ("group", "kind", "namespace", "name"))
        base = {name: item.get(name) or "" for name in ("kind", "namespace", "name")}
        return found.setdefault(key, {**base, "sync": "", "health": "", "message": ""})

    for item in status.get("resources") or []:
        health = item.get("health") or {}
        if item.get("status") in ("OutOfSync", "Unknown") or health.get("status") not in (None, "Healthy", "Suspended"):
            words = masked_words(health.get("message") or "")
            entry(item).update(sync=item.get("status") or "", health=health.get("status") or "", message=words)
    state = status.get("operationState") or {}
    # The last wave's resources stay Running in the result of an operation that has succeeded.
    open_phases = ("Failed", "Error", *(["Running"] if state.get("phase") == "Running" else []))
    for item in (state.get("syncResult") or {}).get("resources") or []:
        unapplied = item.get("status") == "SyncFailed"
        if unapplied or item.get("hookPhase") in open_phases:
            blocked = entry(item)
            blocked["operation"] = "SyncFailed" if unapplied else f"{item.get('hookType') or 'Sync'} {item['hookPhase']}"
            blocked["message"] = blocked["message"] or shorten(item.get("message") or "")
    return list(found.values())


def out_of_sync(app: Obj) -> list[Obj]:
    """The resources that Argo CD calls OutOfSync. A hook has no sync status (CompareAppState in Argo CD's controller/state.go)."""
    return [item for item in (app.get("status") or {}).get("resources") or [] if item.get("status") == "OutOfSync"]


def resource_text(item: Obj) -> str:
    """Kind, namespace and name, and whether Git has it no more."""
    where = f"{item.get('namespace')}/" if item.get("namespace") else ""
    return f"{item.get('kind')} {where}{item.get('name')}" + (" (not in Git any more)" if item.get("requiresPruning") else "")


def differing(app: Obj) -> str:
    """The first of the resources that are out of sync."""
    return named(map(resource_text, out_of_sync(app)), NAMED)


def blocking_text(item: Mapping[str, Any]) -> str:
    state = " ".join(filter(None, (item.get("health"), item.get("operation") or item.get("sync"))))
    return f"{item['kind']} {item['name']} {state}" + (f" ({item['message']})" if item["message"] else "")
