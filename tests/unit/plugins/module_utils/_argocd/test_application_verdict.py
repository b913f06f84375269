# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every race of an Application's status, as sequences of (second, state) with the verdict that each must give."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import (
    application_causes,
    begun,
    blocking,
    blocking_text,
    compared_since,
    hopeless,
    managed_pods,
    operation_failed,
    operation_revisions,
    workload_namespaces,
)
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.verdict import Expectation, Past, check_revision, judge
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Cause, Seen

OLD, NEW = "a" * 40, "b" * 40
SOURCE = {"repoURL": "http://git/platform.git", "path": "platform/airflow/core", "targetRevision": "main", "helm": {"valueFiles": []}}
DESTINATION = {"server": "https://kubernetes.default.svc", "namespace": "airflow-core"}
T0, T1, T2 = "2026-05-04T10:00:00Z", "2026-05-04T10:00:30Z", "2026-05-04T10:01:00Z"


def merged(base: Obj, change: Obj) -> Obj:
    result = copy.deepcopy(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


DONE: Obj = {
    "metadata": {"name": "airflow-core", "namespace": "argocd"},
    "spec": {"source": SOURCE, "destination": DESTINATION, "syncPolicy": {"automated": {}}},
    "status": {
        "sync": {"status": "Synced", "revision": NEW, "comparedTo": {"source": {**SOURCE, "helm": {}}, "destination": DESTINATION}},
        "health": {"status": "Healthy"},
        "reconciledAt": T2,
        "operationState": {
            "phase": "Succeeded",
            "message": "successfully synced (all tasks run)",
            "startedAt": T0,
            "finishedAt": T1,
            "operation": {"retry": {"limit": 2}, "sync": {"revision": NEW}},
            "syncResult": {"revision": NEW, "source": SOURCE, "resources": []},
        },
    },
}


def app(**status: Any) -> Obj:
    """DONE with another status; None removes a key."""
    return merged(DONE, {"status": status})


def operation(phase: str, revision: str = NEW, message: str = "", **more: Any) -> Obj:
    return merged(DONE["status"]["operationState"], {"phase": phase, "message": message, "syncResult": {"revision": revision, **more}})


def failed_early(**more: Any) -> Obj:
    """An operation that ended before anything was applied."""
    return {**DONE, "status": {**DONE["status"], "operationState": {"phase": "Error", "message": "no permission", **more}}}


def problem(kind: str, message: str) -> list[Obj]:
    return [{"type": kind, "message": message, "lastTransitionTime": T1}]


def refreshed(state: Obj) -> Obj:
    return merged(state, {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}})


def made(state: Obj, uid: str) -> Obj:
    return merged(state, {"metadata": {"uid": uid}})


OLD_SYNC = {"revision": OLD}
STALE = app(sync=OLD_SYNC, operationState={"operation": {"sync": {"revision": OLD}}, "syncResult": {"revision": OLD}})
ASKED = merged(STALE, {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}})
LATER = app(sync={"revision": "c" * 40})
SYNCING = app(sync={"status": "OutOfSync"}, operationState=operation("Running", message="waiting for healthy state"))
DEGRADED = app(health={"status": "Degraded", "message": "Deployment exceeded its progress deadline"})
BROKEN = app(sync={"status": "Unknown", "revision": None}, conditions=problem("ComparisonError", "helm template failed: nil pointer"))
AWAY = app(sync={"status": "Unknown", "revision": None}, conditions=problem("ComparisonError", "rpc error: code = Unavailable desc = x"))
UNAVAILABLE = "rpc error: code = Unavailable desc = x"
DRIFTS = {"group": "apps", "kind": "StatefulSet", "namespace": "airflow-core", "name": "airflow-triggerer", "status": "OutOfSync"}
NAMED_DRIFT = "StatefulSet airflow-core/airflow-triggerer"
ANY, WANTED, REFRESHED = Expectation(), Expectation(revisions=(NEW,)), Expectation(revisions=(NEW,), refreshed=True)
TWO = {"sources": [SOURCE, {"repoURL": "https://charts", "chart": "airflow", "targetRevision": "1.15.0"}], "source": None}
MULTI = merged(
    DONE,
    {
        "spec": TWO,
        "status": {
            "sync": {"revision": None, "revisions": [NEW, "1.15.0"], "comparedTo": {**TWO}},
            "operationState": {"syncResult": {"revision": None, "source": None, **TWO, "revisions": [NEW, "1.15.0"]}},
        },
    },
)

FAILED = {"operationState": {"phase": "Failed", "message": "quota"}}
HYDRATED = merged(DONE, {"spec": {"source": None, "sourceHydrator": {"drySource": {"path": "dry"}}}})
OCI_SOURCE: Obj = {"source": {"repoURL": "oci://registry/charts/airflow", "path": ".", "targetRevision": "1.15.0"}}
OCI = merged(DONE, {"spec": OCI_SOURCE, "status": {"sync": {"comparedTo": OCI_SOURCE}}})

# name: (expectation, [(second, Application, verdict, words that its reason must hold)])
SEQUENCES: dict[str, tuple[Expectation, list[tuple[float, Obj | None, str, str]]]] = {
    "already done": (ANY, [(0, DONE, "done", "")]),
    "already done at the commit": (WANTED, [(0, DONE, "done", "")]),
    "already done at a short commit": (Expectation(revisions=(NEW[:7],)), [(0, DONE, "done", "")]),
    "never synced because nothing differs": (ANY, [(0, app(operationState=None), "done", "")]),
    "stale status after a push": (
        WANTED,
        [(0, STALE, "waiting", "not yet at bbbb"), (1, SYNCING, "waiting", "Running"), (9, DONE, "done", "")],
    ),
    "the old state is believed when no revision is given": (ANY, [(0, STALE, "done", "")]),
    "refresh asked for and not made": (ANY, [(0, ASKED, "waiting", "refresh"), (1, STALE, "done", "")]),
    "failed operation, but a refresh is on its way": (
        ANY,
        [(0, merged(ASKED, {"status": {"operationState": {"phase": "Failed"}}}), "waiting", "refresh")],
    ),
    "health before the operation's end": (ANY, [(0, app(operationState=operation("Running", finishedAt=None)), "waiting", "Running")]),
    "the operation's own message": (
        ANY,
        [(0, app(operationState=operation("Running", message="waiting for Job")), "waiting", "the operation is Running: waiting for Job")],
    ),
    "being terminated": (ANY, [(0, app(operationState=operation("Terminating")), "waiting", "Terminating")]),
    "operation asked for, not begun": (ANY, [(0, merged(DONE, {"operation": {"sync": {}}}), "waiting", "not started")]),
    "operation ended, outcome not compared": (ANY, [(0, app(reconciledAt=T0), "waiting", "not compared"), (1, DONE, "done", "")]),
    "never reconciled": (ANY, [(0, app(reconciledAt=None), "waiting", "not compared")]),
    "reconciled in the second in which the operation ended": (ANY, [(0, app(reconciledAt=T1), "done", "")]),
    "new, without any status": (ANY, [(0, merged(DONE, {"status": None}), "waiting", "never compared")]),
    "out of sync": (ANY, [(0, app(sync={"status": "OutOfSync"}), "waiting", "sync is OutOfSync")]),
    "missing resource": (ANY, [(0, app(health={"status": "Missing"}), "waiting", "health is Missing")]),
    "progressing": (ANY, [(0, app(health={"status": "Progressing"}), "waiting", "Progressing")]),
    "suspended is not healthy": (ANY, [(0, app(health={"status": "Suspended"}), "waiting", "Suspended")]),
    "spec changed meanwhile": (
        ANY,
        [(0, merged(DONE, {"spec": {"source": {"targetRevision": "release"}}}), "waiting", "spec has changed")],
    ),
    "destination changed meanwhile": (
        ANY,
        [(0, merged(DONE, {"spec": {"destination": {"namespace": "other"}}}), "waiting", "spec has changed")],
    ),
    "ignored differences changed meanwhile": (
        ANY,
        [(0, merged(DONE, {"spec": {"ignoreDifferences": [{"kind": "Secret"}]}}), "waiting", "spec has changed")],
    ),
    "empty fields do not count as a change": (
        ANY,
        [(0, merged(DONE, {"spec": {"source": {"directory": {"recurse": False}}, "ignoreDifferences": []}}), "done", "")],
    ),
    # Other ends
    "any health": (Expectation(health=frozenset({"any"})), [(0, app(health={"status": "Missing"}), "done", "")]),
    "suspended counts when asked for": (
        Expectation(health=frozenset({"Healthy", "Suspended"})),
        [(0, app(health={"status": "Suspended"}), "done", "")],
    ),
    "of two healths, a third does not count": (
        Expectation(health=frozenset({"Healthy", "Suspended"})),
        [(0, app(health={"status": "Progressing"}), "waiting", "health is Progressing")],
    ),
    "degraded is what is waited for": (
        Expectation(health=frozenset({"Degraded"})),
        [(0, DONE, "waiting", "health is Healthy"), (99, DEGRADED, "done", "")],
    ),
    "degraded does not fail where any health counts": (
        Expectation(health=frozenset({"any"}), revisions=(NEW,)),
        [(0, DEGRADED, "done", ""), (99, DEGRADED, "done", "")],
    ),
    "drift is what is waited for": (
        Expectation(sync="OutOfSync"),
        [(0, DONE, "waiting", "sync is Synced"), (1, app(sync={"status": "OutOfSync"}), "done", "")],
    ),
    "any sync": (Expectation(sync="any"), [(0, app(sync={"status": "OutOfSync"}), "done", "")]),
    "an operation that ended badly counts as ended": (
        Expectation(operation="Completed"),
        [(0, app(operationState=operation("Running")), "waiting", "Running"), (1, app(operationState=operation("Failed")), "done", "")],
    ),
    "ended badly, outcome not compared": (
        Expectation(operation="Completed"),
        [(0, app(operationState=operation("Failed"), reconciledAt=T0), "waiting", "not compared")],
    ),
    "an operation asked for has not ended": (
        Expectation(operation="Completed"),
        [(0, merged(DONE, {"operation": {"sync": {}}}), "waiting", "not started")],
    ),
    "any operation": (
        Expectation(operation="any"),
        [(0, merged(app(operationState=operation("Running")), {"operation": {"sync": {}}}), "done", "")],
    ),
    # Degraded
    "already degraded": (
        ANY,
        [(0, DEGRADED, "waiting", "Degraded"), (59, DEGRADED, "waiting", ""), (60, DEGRADED, "failed", "Degraded for 60 s: Deployment")],
    ),
    "degraded before the changed spec is compared": (
        ANY,
        [
            (0, merged(DEGRADED, {"spec": {"source": {"path": "x"}}}), "waiting", "spec has changed"),
            (99, merged(DEGRADED, {"spec": {"source": {"path": "x"}}}), "waiting", "spec has changed"),
        ],
    ),
    "passing degraded": (
        ANY,
        [
            (0, DEGRADED, "waiting", ""),
            (50, app(health={"status": "Progressing"}), "waiting", ""),
            (70, DEGRADED, "waiting", ""),
            (100, DONE, "done", ""),
        ],
    ),
    "the old commit is degraded": (
        WANTED,
        [
            (0, merged(DEGRADED, {"status": {"sync": OLD_SYNC}}), "waiting", "not yet at"),
            (99, merged(DEGRADED, {"status": {"sync": OLD_SYNC}}), "waiting", "not yet at"),
            (100, DONE, "done", ""),
        ],
    ),
    "degraded while the operation mends it": (
        ANY,
        [
            (0, merged(SYNCING, {"status": {"health": {"status": "Degraded"}}}), "waiting", ""),
            (99, merged(SYNCING, {"status": {"health": {"status": "Degraded"}}}), "waiting", "Running"),
        ],
    ),
    "degraded while an operation is asked for": (
        ANY,
        [
            (0, merged(DEGRADED, {"operation": {"sync": {}}}), "waiting", "not started"),
            (99, merged(DEGRADED, {"operation": {"sync": {}}}), "waiting", "not started"),
        ],
    ),
    # Operations that fail
    "failed operation, no retry left": (
        ANY,
        [(0, app(operationState=operation("Failed", message="one or more objects failed to apply")), "failed", "objects failed to apply")],
    ),
    "operation in error": (WANTED, [(0, app(operationState=operation("Error", message="no permission")), "failed", "no permission")]),
    "failed operation, retry left": (
        ANY,
        [
            (
                0,
                app(operationState=operation("Running", message="failed. Retrying attempt #1 at 10:01AM.")),
                "waiting",
                "Retrying attempt #1",
            )
        ],
    ),
    "failed operation, another asked for": (
        ANY,
        [(0, merged(app(operationState=operation("Failed")), {"operation": {"sync": {}}}), "waiting", "not started")],
    ),
    "failed operation of the old commit": (
        WANTED,
        [
            (0, app(sync={"status": "OutOfSync"}, operationState=operation("Failed", OLD)), "waiting", "Failed at another"),
            (1, SYNCING, "waiting", "Running"),
            (9, DONE, "done", ""),
        ],
    ),
    "failed operation of the old commit, no revision given": (
        ANY,
        [(0, app(sync={"status": "OutOfSync"}, operationState=operation("Failed", OLD)), "waiting", "another revision")],
    ),
    "failed operation of the old commit, where how it ended and sync do not count": (
        Expectation(revisions=(NEW,), operation="Completed", sync="any"),
        [(0, app(sync={"status": "OutOfSync"}, operationState=operation("Failed", OLD)), "done", "")],
    ),
    "failed operation of another source": (
        ANY,
        [
            (
                0,
                app(sync={"status": "OutOfSync"}, operationState=operation("Failed", source={"path": "elsewhere"})),
                "waiting",
                "or source",
            ),
            (1, app(operationState=operation("Failed", source={"path": "elsewhere"})), "done", ""),
        ],
    ),
    "failed hook while synced and healthy": (
        ANY,
        [(0, app(operationState=operation("Failed", message="PostSync hook failed")), "failed", "PostSync hook failed")],
    ),
    "failed before it had a result": (WANTED, [(0, failed_early(), "failed", "no permission")]),
    "failed before it had a result, at the old commit": (
        WANTED,
        [(0, merged(failed_early(), {"status": {"sync": OLD_SYNC}}), "waiting", "not yet at")],
    ),
    "failed with a result that names no source": (ANY, [(0, failed_early(syncResult={"revision": NEW}), "failed", "no permission")]),
    "failed at the wanted commit, not compared with it yet": (
        WANTED,
        [(0, app(sync=OLD_SYNC, operationState=operation("Failed", message="quota")), "failed", "quota")],
    ),
    "failed before it had a result, no revision given": (ANY, [(0, failed_early(), "failed", "no permission")]),
    "failed before anything was compared": (
        ANY,
        [(0, app(sync={"revision": None}, operationState=operation("Failed", message="quota")), "failed", "quota")],
    ),
    "what the operation of the old commit said": (
        WANTED,
        [
            (
                0,
                app(sync={"status": "OutOfSync"}, operationState=operation("Failed", OLD, "quota")),
                "waiting",
                "Failed at another revision or source: quota",
            )
        ],
    ),
    "a failed push was reverted: the failed operation stays the last": (
        WANTED,
        [
            (0, app(operationState=operation("Failed", OLD, "quota"), reconciledAt=T0), "waiting", "not compared"),
            (1, app(operationState=operation("Failed", OLD, "quota")), "done", ""),
        ],
    ),
    "a chart's value that was set to false": (
        ANY,
        [
            (
                0,
                merged(DONE, {"spec": {"source": {"helm": {"valuesObject": {"persistence": False}}}}}),
                "waiting",
                "spec has changed",
            )
        ],
    ),
    "failed operation of a hydrated Application": (ANY, [(0, merged(HYDRATED, {"status": FAILED}), "failed", "quota")]),
    # Errors
    "comparison error while healthy": (ANY, [(0, app(conditions=problem("ComparisonError", "unknown field")), "failed", "unknown field")]),
    "broken chart after a refresh": (REFRESHED, [(0, BROKEN, "failed", "nil pointer")]),
    "broken chart, of which commit is unknown": (
        WANTED,
        [(0, BROKEN, "waiting", "nil pointer"), (60, BROKEN, "failed", "nil pointer")],
    ),
    "broken chart of the old commit": (
        WANTED,
        [
            (0, merged(BROKEN, {"status": {"sync": OLD_SYNC}}), "waiting", "another revision"),
            (99, merged(BROKEN, {"status": {"sync": OLD_SYNC}}), "waiting", "another revision"),
            (100, DONE, "done", ""),
        ],
    ),
    "error of the spec before its change": (
        ANY,
        [
            (0, merged(BROKEN, {"spec": {"source": {"path": "x"}}}), "waiting", "nil pointer"),
            (60, merged(BROKEN, {"spec": {"source": {"path": "x"}}}), "failed", "nil pointer"),
        ],
    ),
    # V1, V8: an operation that ended because its comparison failed by what may pass; Argo CD begins another (alreadyAttemptedSync).
    "V1 an operation that ended with its repository server away": (
        ANY,
        [
            (0, app(operationState=operation("Error", message=f"ComparisonError: {UNAVAILABLE}")), "waiting", "ended as Error"),
            (59, app(operationState=operation("Error", message=f"ComparisonError: {UNAVAILABLE}")), "waiting", ""),
            (60, app(operationState=operation("Error", message=f"ComparisonError: {UNAVAILABLE}")), "failed", "Unavailable"),
        ],
    ),
    "V1 an operation that ended with a comparison by what nobody knows": (
        ANY,
        [
            (0, app(operationState=operation("Error", message="ComparisonError: something odd")), "waiting", "ended as Error"),
            (60, app(operationState=operation("Error", message="ComparisonError: something odd")), "failed", "something odd"),
        ],
    ),
    "V1 an operation that ended with a comparison by what stays": (
        ANY,
        [(0, app(operationState=operation("Error", message="ComparisonError: authentication required")), "failed", "ended as Error")],
    ),
    "V1 the same, and another one begins": (
        ANY,
        [
            (0, app(operationState=operation("Error", message=f"ComparisonError: {UNAVAILABLE}")), "waiting", ""),
            (9, SYNCING, "waiting", "Running"),
            (70, app(operationState=operation("Error", message=f"ComparisonError: {UNAVAILABLE}")), "waiting", ""),
            (80, DONE, "done", ""),
        ],
    ),
    "V1 an error that nobody knows": (
        ANY,
        [
            (0, app(conditions=problem("ComparisonError", "something odd")), "waiting", "something odd"),
            (59, app(conditions=problem("ComparisonError", "something odd")), "waiting", ""),
            (60, app(conditions=problem("ComparisonError", "something odd")), "failed", "something odd"),
        ],
    ),
    # V3: a webhook, or another wait, lets Argo CD compare anew.
    "V3 degraded through a refresh": (
        ANY,
        [
            (0, DEGRADED, "waiting", "Degraded"),
            (40, refreshed(DEGRADED), "waiting", "refresh"),
            (45, refreshed(DEGRADED), "waiting", "refresh"),
            (50, DEGRADED, "waiting", ""),
            (69, DEGRADED, "waiting", ""),
            (70, DEGRADED, "failed", "Degraded for 60 s"),
        ],
    ),
    "V3 degraded through one refresh after another": (
        ANY,
        [
            (0, DEGRADED, "waiting", ""),
            *(
                step
                for second in range(10, 60, 10)
                for step in ((second, refreshed(DEGRADED), "waiting", ""), (second + 1, DEGRADED, "waiting", ""))
            ),
            (64, DEGRADED, "waiting", ""),
            (65, DEGRADED, "failed", "Degraded for 60 s"),
        ],
    ),
    "V3 a refresh mends it": (
        ANY,
        [
            (0, DEGRADED, "waiting", ""),
            (40, refreshed(DEGRADED), "waiting", ""),
            (99, refreshed(DONE), "waiting", ""),
            (100, DONE, "done", ""),
        ],
    ),
    "V3 degraded again after a refresh that found it healthy": (
        ANY,
        [
            (0, DEGRADED, "waiting", ""),
            (40, refreshed(DEGRADED), "waiting", ""),
            (41, app(health={"status": "Progressing"}), "waiting", ""),
            (42, DEGRADED, "waiting", ""),
            (101, DEGRADED, "waiting", ""),
            (102, DEGRADED, "failed", ""),
        ],
    ),
    "V3 a failed comparison through refreshes": (
        ANY,
        [
            (0, AWAY, "waiting", ""),
            (10, refreshed(AWAY), "waiting", "refresh"),
            (59, AWAY, "waiting", ""),
            (60, AWAY, "failed", "Unavailable"),
        ],
    ),
    "V3 stable through a refresh": (
        Expectation(stable_for=10),
        [
            (0, DONE, "waiting", "stay so"),
            (6, refreshed(DONE), "waiting", "refresh"),
            (8, DONE, "waiting", "stay so"),
            (11, DONE, "waiting", "stay so"),
            (12, DONE, "done", ""),
        ],
    ),
    # V4: another Application with the same name, and no look at the time between.
    "V4 made anew after the expected revision was shown": (
        WANTED,
        [
            (0, made(SYNCING, "u1"), "waiting", ""),
            (1, made(STALE, "u2"), "waiting", "not yet at"),
            (99, made(STALE, "u2"), "waiting", "not yet at"),
            (100, made(DONE, "u2"), "done", ""),
        ],
    ),
    "V4 made anew while degraded": (
        ANY,
        [
            (0, made(DEGRADED, "u1"), "waiting", ""),
            (59, made(DEGRADED, "u2"), "waiting", ""),
            (118, made(DEGRADED, "u2"), "waiting", ""),
            (119, made(DEGRADED, "u2"), "failed", "Degraded for 60 s"),
        ],
    ),
    "V4 made anew while its comparison fails": (
        ANY,
        [(0, made(AWAY, "u1"), "waiting", ""), (59, made(AWAY, "u2"), "waiting", ""), (60, made(AWAY, "u2"), "waiting", "")],
    ),
    "V4 made anew while it had to stay so": (
        Expectation(stable_for=10),
        [
            (0, made(DONE, "u1"), "waiting", ""),
            (9, made(DONE, "u2"), "waiting", ""),
            (18, made(DONE, "u2"), "waiting", ""),
            (19, made(DONE, "u2"), "done", ""),
        ],
    ),
    "V4 made anew while a refresh was asked for": (
        ANY,
        [
            (0, made(DEGRADED, "u1"), "waiting", ""),
            (1, made(refreshed(DEGRADED), "u1"), "waiting", ""),
            (99, made(DEGRADED, "u2"), "waiting", ""),
        ],
    ),
    # V15
    "V15 what stays out of sync is named": (
        ANY,
        [
            (
                0,
                app(sync={"status": "OutOfSync"}, resources=[DRIFTS, {**DRIFTS, "name": "db", "status": "Synced"}]),
                "waiting",
                f"sync is OutOfSync: {NAMED_DRIFT}",
            ),
        ],
    ),
    "repository server away for a moment": (ANY, [(0, AWAY, "waiting", "Unavailable"), (20, DONE, "done", "")]),
    "repository server away for long": (ANY, [(0, AWAY, "waiting", ""), (60, AWAY, "failed", "Unavailable")]),
    "away, back, away": (ANY, [(0, AWAY, "waiting", ""), (20, SYNCING, "waiting", ""), (70, AWAY, "waiting", "")]),
    "invalid spec of a new Application": (
        ANY,
        [
            (
                0,
                app(sync={"status": "Unknown", "comparedTo": None}, conditions=problem("InvalidSpecError", "no project x")),
                "failed",
                "no project x",
            )
        ],
    ),
    # The AppProject may come later, as may the Application's own files.
    "invalid spec of an Application whose project does not exist yet": (
        ANY,
        [
            (
                0,
                app(
                    sync={"status": "Unknown", "comparedTo": None},
                    conditions=problem("InvalidSpecError", "Application referencing project airflow which does not exist"),
                ),
                "waiting",
                "which does not exist",
            ),
            (9, DONE, "done", ""),
        ],
    ),
    "automated sync skipped": (
        ANY,
        [
            (0, app(sync={"status": "OutOfSync"}, conditions=problem("SyncError", "would wipe out all")), "waiting", "wipe out"),
            (60, app(sync={"status": "OutOfSync"}, conditions=problem("SyncError", "would wipe out all")), "failed", "wipe out"),
        ],
    ),
    "a warning is no error": (ANY, [(0, app(conditions=problem("OrphanedResourceWarning", "orphans")), "done", "")]),
    # Another revision
    "a push came after it": (
        WANTED,
        [
            (0, STALE, "waiting", ""),
            (1, SYNCING, "waiting", "Running"),
            (2, LATER, "waiting", "at revision cccccccccccc, not yet at bbbb"),
            (61, LATER, "waiting", "not yet at"),
            (62, LATER, "failed", "superseded: cccccccccccc was pushed after bbbbbbbbbbbb"),
        ],
    ),
    "a push came after it, the caller reads the branch": (
        Expectation(revisions=WANTED.revisions, overtaken_grace=15),
        [
            (0, SYNCING, "waiting", "Running"),
            (2, LATER, "waiting", "at revision cccccccccccc, not yet at bbbb"),
            (16, LATER, "waiting", "not yet at"),
            (17, LATER, "failed", "superseded: cccccccccccc was pushed after bbbbbbbbbbbb"),
        ],
    ),
    "the caller reads the branch at once": (
        Expectation(revisions=WANTED.revisions, overtaken_grace=0),
        [(0, STALE, "waiting", "not yet at"), (1, SYNCING, "waiting", "Running"), (2, LATER, "failed", "superseded: cccccccccccc")],
    ),
    # What ails has its own grace.
    "away for a moment, the caller reads the branch": (
        Expectation(revisions=WANTED.revisions, overtaken_grace=0),
        [(0, SYNCING, "waiting", ""), (1, AWAY, "waiting", "Unavailable"), (20, DONE, "done", "")],
    ),
    "Git was looked at again and again": (
        REFRESHED,
        [
            (0, SYNCING, "waiting", ""),
            (1, LATER, "waiting", ""),
            (10, merged(ASKED, {"status": LATER["status"]}), "waiting", "refresh"),
            (60, LATER, "waiting", ""),
            (61, LATER, "failed", "pushed after"),
        ],
    ),
    "push after push": (
        WANTED,
        [
            (0, SYNCING, "waiting", ""),
            (1, LATER, "waiting", ""),
            (40, STALE, "waiting", ""),
            (61, STALE, "failed", "superseded: aaaaaaaaaaaa"),
        ],
    ),
    "a mirror that lags now and then": (
        WANTED,
        [
            (0, SYNCING, "waiting", ""),
            (1, STALE, "waiting", ""),
            (30, SYNCING, "waiting", ""),
            (31, STALE, "waiting", ""),
            (90, STALE, "waiting", ""),
            (91, DONE, "done", ""),
        ],
    ),
    # The expected one may come yet: by a mirror, or by a parent Application that changes the spec.
    "others before it": (
        REFRESHED,
        [(0, STALE, "waiting", ""), (1, LATER, "waiting", ""), (99, LATER, "waiting", "not yet at"), (100, DONE, "done", "")],
    ),
    "shown with the spec from before alone": (
        WANTED,
        [
            (0, merged(SYNCING, {"spec": {"source": {"path": "x"}}}), "waiting", "spec has changed"),
            (1, STALE, "waiting", ""),
            (99, STALE, "waiting", "not yet at"),
        ],
    ),
    "the spec changes after it": (
        WANTED,
        [
            (0, SYNCING, "waiting", ""),
            (1, merged(LATER, {"spec": {"source": {"path": "x"}}}), "waiting", "spec has changed"),
            (99, merged(LATER, {"spec": {"source": {"path": "x"}}}), "waiting", "spec has changed"),
        ],
    ),
    "made anew after it": (
        Expectation(revisions=(NEW,), must_exist=False),
        [(0, SYNCING, "waiting", ""), (1, None, "waiting", ""), (2, STALE, "waiting", ""), (99, STALE, "waiting", "not yet at")],
    ),
    "no revision expected": (
        ANY,
        [
            (0, SYNCING, "waiting", ""),
            (1, merged(LATER, {"status": {"health": {"status": "Missing"}}}), "waiting", "health is Missing"),
            (99, merged(LATER, {"status": {"health": {"status": "Missing"}}}), "waiting", "health is Missing"),
        ],
    ),
    "an error of a later one": (
        WANTED,
        [
            (0, SYNCING, "waiting", ""),
            (1, merged(LATER, {"status": {"conditions": AWAY["status"]["conditions"]}}), "waiting", "Unavailable"),
            (61, merged(LATER, {"status": {"conditions": AWAY["status"]["conditions"]}}), "failed", "pushed after"),
        ],
    ),
    "no revision shown any more": (
        WANTED,
        [
            (0, SYNCING, "waiting", ""),
            (1, app(sync={"revision": None}), "waiting", "at revision none"),
            (99, app(sync={"revision": None}), "waiting", "at revision none"),
        ],
    ),
    "the other of two sources moves on": (
        Expectation(revisions=(NEW, "")),
        [
            (0, merged(MULTI, {"status": {"health": {"status": "Progressing"}}}), "waiting", ""),
            (1, merged(MULTI, {"status": {"sync": {"revisions": [NEW, "1.16.0"]}}}), "done", ""),
        ],
    ),
    # Existence
    "absent": (ANY, [(0, None, "failed", "does not exist")]),
    "absent, but may come": (Expectation(must_exist=False), [(0, None, "waiting", "does not exist"), (1, DONE, "done", "")]),
    "being deleted": (ANY, [(0, merged(DONE, {"metadata": {"deletionTimestamp": T2}}), "failed", "being deleted")]),
    "pruned meanwhile": (ANY, [(0, SYNCING, "waiting", ""), (5, None, "failed", "does not exist")]),
    # Several sources
    "two sources": (Expectation(revisions=(NEW, "1.15.0")), [(0, MULTI, "done", "")]),
    "two sources, one of them any": (Expectation(revisions=("", "1.15.0")), [(0, MULTI, "done", "")]),
    "two sources, the chart any": (Expectation(revisions=(NEW, "")), [(0, MULTI, "done", "")]),
    "a version is no prefix": (Expectation(revisions=("", "1.15")), [(0, MULTI, "waiting", "not yet at")]),
    "two sources, the second differs": (Expectation(revisions=(NEW, "1.16.0")), [(0, MULTI, "waiting", "not yet at")]),
    "one revision for two sources": (WANTED, [(0, MULTI, "failed", "2 source(s)")]),
    "version of a Git source": (Expectation(revisions=("1.15.0",)), [(0, DONE, "failed", "give the commit")]),
    "commit of a chart": (Expectation(revisions=("", NEW)), [(0, MULTI, "failed", "give its version")]),
    "one of two sources changed meanwhile": (
        ANY,
        [(0, merged(MULTI, {"spec": {"sources": [SOURCE]}}), "waiting", "spec has changed")],
    ),
    "an OCI artifact's version": (
        Expectation(revisions=("1.15.0",)),
        [(0, merged(OCI, {"status": {"sync": {"revision": "1.15.0"}}}), "done", "")],
    ),
    "a source that is not in the spec": (WANTED, [(0, HYDRATED, "done", "")]),
    "no revision shown": (WANTED, [(0, app(sync={"revision": None}), "waiting", "at revision none, not yet at bbbb")]),
    # Stability
    "stable": (
        Expectation(stable_for=10),
        [(0, DONE, "waiting", "stay so"), (9, DONE, "waiting", "stay so"), (10, DONE, "done", "")],
    ),
    "not stable": (
        Expectation(stable_for=10),
        [
            (0, DONE, "waiting", ""),
            (5, SYNCING, "waiting", ""),
            (8, DONE, "waiting", ""),
            (12, DONE, "waiting", ""),
            (18, DONE, "done", ""),
        ],
    ),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequence(name: str) -> None:
    expect, steps = SEQUENCES[name]
    past = Past()
    for second, state, kind, words in steps:
        verdict, past = judge(state, expect, past, second)
        assert (verdict.kind, words in verdict.reason) == (kind, True), f"second {second}: {verdict}"


@pytest.mark.parametrize(
    ("state", "expect", "wake"),
    [(DEGRADED, ANY, 60), (AWAY, ANY, 60), (DONE, Expectation(stable_for=10), 10), (SYNCING, ANY, None)],
    ids=["degraded", "error", "stable", "only an event changes it"],
)
def test_wakes_when_time_alone_changes_the_verdict(state: Obj, expect: Expectation, wake: float | None) -> None:
    assert judge(state, expect, Past(), 0)[0].wake == wake


def pod(name: str, reason: str, created: str = T2, owner: tuple[str, str] = ("StatefulSet", "airflow-mysql")) -> Obj:
    return {
        "metadata": {
            "name": name,
            "namespace": "airflow-core",
            "creationTimestamp": created,
            "labels": {"pod-template-hash": "5d8f"},
            "ownerReferences": [{"kind": owner[0], "name": owner[1]}],
        },
        "status": {
            "containerStatuses": [{"name": "main", "image": "mysql:nope", "state": {"waiting": {"reason": reason, "message": "Back-off"}}}]
        },
    }


RESOURCES = [
    {"kind": "StatefulSet", "namespace": "airflow-core", "name": "airflow-mysql", "status": "Synced"},
    {"kind": "Deployment", "namespace": "airflow-core", "name": "airflow-webserver", "status": "Synced"},
]
HOOKS = [{"kind": "Job", "namespace": "airflow-core", "name": "migrations", "hookType": "Sync", "hookPhase": "Running"}]
# What the operation that runs has applied so far.
APPLIED = [*({**item, "hookPhase": "Running"} for item in RESOURCES), *HOOKS]
ROLLING = app(resources=RESOURCES, health={"status": "Progressing"}, operationState=operation("Running", resources=APPLIED))


def seen(state: Obj, expect: Expectation, past: Past, now: float, pods: list[Obj], jobs: list[Obj] | None = None) -> tuple[Verdict, Past]:
    """The verdict with the causes that these pods and Jobs give."""
    return judge(state, expect, past, now, application_causes(state, Seen(tuple(("Job", job) for job in jobs or []), tuple(pods))))


def test_a_pod_that_cannot_start_fails_after_the_grace() -> None:
    stuck = [pod("airflow-mysql-0", "ImagePullBackOff")]
    verdict, past = seen(ROLLING, ANY, Past(), 0, stuck)
    assert (verdict.kind, verdict.wake) == ("waiting", 60)
    assert "mysql:nope" in verdict.reason  # V2: named while it is waited for
    verdict, _past = seen(ROLLING, ANY, past, 60, stuck)
    assert verdict.kind == "failed"
    assert "mysql:nope" in verdict.reason
    verdict, past = seen(ROLLING, ANY, past, 59, [pod("airflow-mysql-0", "ContainerCreating")])
    assert (verdict.kind, dict(past.stuck)) == ("waiting", {})


def failed_job(created: str = T2, status: str = "True", name: str = "migrations") -> Obj:
    conditions = [{"type": "Failed", "status": status, "reason": "BackoffLimitExceeded", "message": "Job has reached the limit"}]
    return {"metadata": {"name": name, "namespace": "airflow-core", "creationTimestamp": created}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("job", "expect", "kind"),
    [
        (failed_job(), ANY, "failed"),
        (failed_job(status="False"), ANY, "waiting"),
        (failed_job(name="another"), ANY, "waiting"),
        (failed_job(), Expectation(health=frozenset({"any"}), sync="OutOfSync"), "waiting"),
        (failed_job(created="2026-05-04T09:59:59Z"), ANY, "waiting"),
    ],
    ids=["failed", "not failed", "another's", "any health counts", "from before the last operation"],
)
def test_a_failed_job_fails_at_once(job: Obj, expect: Expectation, kind: str) -> None:
    state = app(resources=RESOURCES, health={"status": "Degraded"}, operationState=operation("Succeeded", resources=HOOKS))
    verdict, _past = seen(state, expect, Past(), 0, [], [job])
    assert verdict.kind == kind
    assert kind != "failed" or verdict.reason == "Job airflow-core/migrations failed: BackoffLimitExceeded: Job has reached the limit"


@pytest.mark.parametrize("state", [ROLLING, merged(DEGRADED, {"operation": {"sync": {}}})], ids=["running", "asked for"])
def test_a_failed_job_does_not_count_while_an_operation_may_try_again(state: Obj) -> None:
    past = Past()
    for second in (0, 60, 600):
        verdict, past = seen(merged(state, {"status": {"resources": HOOKS}}), ANY, past, second, [], [failed_job()])
        assert verdict.kind == "waiting"


def test_a_failed_job_of_an_application_that_needed_no_sync_counts() -> None:
    """Its objects were in the cluster before it, as Git has them, so there was never an operation."""
    resources = [{"kind": "Job", "namespace": "airflow-core", "name": "migrations", "status": "Synced"}]
    state = app(resources=resources, health={"status": "Degraded"}, operationState=None)
    assert seen(state, ANY, Past(), 0, [], [failed_job()])[0].kind == "failed"


def test_while_an_operation_runs_a_failed_job_is_no_cause_but_one_that_gets_no_pod_is() -> None:
    """Argo CD itself says that a hook failed. That a quota refuses its pod shows nowhere but in Events."""
    started = merged(failed_job(status="False"), {"metadata": {"uid": "j1"}})
    refused = {"reason": "FailedCreate", "message": "exceeded quota: pods", "involvedObject": {"uid": "j1"}}
    assert application_causes(ROLLING, Seen((("Job", failed_job()),))) == []
    assert [cause.kind for cause in application_causes(ROLLING, Seen((("Job", started),), events=(refused,)))] == ["quota"]


def test_a_stuck_pod_of_the_old_commit_does_not_count() -> None:
    stuck = [pod("airflow-mysql-0", "ImagePullBackOff")]
    old = merged(ROLLING, {"status": {"sync": OLD_SYNC}})
    past = seen(old, WANTED, Past(), 0, stuck)[1]
    assert seen(old, WANTED, past, 99, stuck)[0].kind == "waiting"


CRASHES = Cause("crash", "Job/airflow-core/migrations/run", "pod airflow-core/migrations-1, container run: CrashLoopBackOff", "Correct it.")
SLOW = Cause("probe", "Pod/airflow-core/airflow-mysql-0/main", "not ready: Readiness probe failed", "Look.", lasting=False)
NO_ROOM = Cause("unschedulable", "ReplicaSet/airflow-core/web-1/unschedulable", "0/1 nodes are available", "Lower it.")
AGAIN = replace(CRASHES, held=True)


@pytest.mark.parametrize(
    ("steps"),
    [
        [(0, [NO_ROOM], "waiting"), (59, [NO_ROOM], "waiting"), (60, [NO_ROOM], "failed")],
        # It came and went within the grace, and again.
        [
            (0, [NO_ROOM], "waiting"),
            (50, [], "waiting"),
            (70, [NO_ROOM], "waiting"),
            (129, [NO_ROOM], "waiting"),
            (130, [NO_ROOM], "failed"),
        ],
        # Between two crashes the container runs: the grace goes on, and ends with the next crash.
        [(0, [CRASHES], "waiting"), (30, [AGAIN], "waiting"), (60, [AGAIN], "waiting"), (65, [CRASHES], "failed")],
        [(0, [AGAIN], "waiting"), (600, [AGAIN], "waiting")],
        # What only is slow is named, and waited for.
        [(0, [SLOW], "waiting"), (600, [SLOW], "waiting")],
        [(0, [SLOW, NO_ROOM], "waiting"), (60, [SLOW, NO_ROOM], "failed")],
    ],
    ids=["lasting", "passing", "crash after crash", "tries again", "slow", "one of two"],
)
def test_v2_causes_fail_within_the_grace(steps: list[tuple[float, list[Cause], str]]) -> None:
    past, progressing = Past(), app(health={"status": "Progressing"})
    for second, found, kind in steps:
        verdict, past = judge(progressing, ANY, past, second, found)
        assert (second, verdict.kind) == (second, kind)
        assert all(cause.text in verdict.reason for cause in found[:1]) or kind == "failed"
        assert verdict.wake is None or verdict.wake > second
    assert kind != "failed" or any(cause.text in verdict.reason for cause in found if cause.lasting)


def test_v3_the_clocks_of_causes_stand_still_while_argo_cd_compares_anew() -> None:
    past, progressing = Past(), app(health={"status": "Progressing"})
    steps = [(0, progressing, "waiting"), (30, refreshed(progressing), "waiting"), (40, progressing, "waiting")]
    for second, state, kind in [*steps, (69, progressing, "waiting"), (70, progressing, "failed")]:
        verdict, past = judge(state, ANY, past, second, [NO_ROOM])
        assert (second, verdict.kind) == (second, kind)
        assert second != 40 or verdict.wake == 70


def test_v4_a_cause_of_another_object_with_the_same_name_has_a_grace_of_its_own() -> None:
    past, progressing = Past(), app(health={"status": "Progressing"})
    for second, uid, kind in ((0, "u1", "waiting"), (59, "u2", "waiting"), (118, "u2", "waiting"), (119, "u2", "failed")):
        verdict, past = judge(progressing, ANY, past, second, [replace(NO_ROOM, uid=uid)])
        assert (second, verdict.kind) == (second, kind)


def test_v8_a_job_of_a_failed_operation_that_was_reverted_does_not_count() -> None:
    """Its webserver starts anew just when the wait looks: Progressing, and the failed Job of the commit before is still there."""
    reverted = operation("Failed", OLD, resources=HOOKS, source=SOURCE)
    state = app(resources=RESOURCES, health={"status": "Progressing"}, operationState=reverted)
    assert seen(state, ANY, Past(), 0, [], [failed_job()])[0].kind == "waiting"
    assert seen(state, WANTED, Past(), 0, [], [failed_job()])[0].kind == "waiting"
    assert managed_pods(state, [pod("a", "x", owner=("Job", "migrations"))]) == []
    mine = app(resources=RESOURCES, health={"status": "Progressing"}, operationState=operation("Failed", NEW, resources=HOOKS))
    assert managed_pods(mine, [pod("a", "x", owner=("Job", "migrations"))]) != []
    # kubectl may request an operation and leave the state of the one before. The next one makes its hooks anew.
    requested = {"operation": {"sync": {"revision": NEW}}}
    assert managed_pods(merged(state, requested), [pod("a", "x", owner=("Job", "migrations"))]) == []
    assert managed_pods(merged(mine, requested), [pod("a", "x", owner=("Job", "migrations"))]) == []


@pytest.mark.parametrize(
    ("state", "expected", "counts"),
    [
        (app(operationState=operation("Failed")), (), True),
        (app(operationState=operation("Error")), (NEW,), True),
        (app(operationState=operation("Failed", OLD)), (), False),
        (app(operationState=operation("Failed", OLD)), (OLD,), True),
        (app(operationState=operation("Succeeded")), (), False),
        (merged(app(operationState=operation("Failed")), {"operation": {"sync": {}}}), (), False),
        (app(operationState=operation("Failed", source={"path": "elsewhere"})), (), False),
        (failed_early(), (), True),
        (failed_early(), (OLD,), False),
        ({}, (), False),
    ],
)
def test_v8_whether_a_failed_operation_counts(state: Obj, expected: tuple[str, ...], counts: bool) -> None:
    assert operation_failed(state, expected) is counts


def test_v2_a_cause_does_not_count_where_the_health_does_not() -> None:
    expect = Expectation(health=frozenset({"any"}), sync="OutOfSync")
    past = judge(app(), expect, Past(), 0, [NO_ROOM])[1]
    assert judge(app(), expect, past, 99, [NO_ROOM])[0] == Verdict("waiting", "sync is Synced")


def test_v2_what_was_seen_of_the_operation_before_says_nothing_and_the_grace_goes_on() -> None:
    past, progressing = Past(), app(health={"status": "Progressing"})
    for second, found, kind in ((0, [NO_ROOM], "waiting"), (30, None, "waiting"), (61, None, "waiting"), (62, [NO_ROOM], "failed")):
        verdict, past = judge(progressing, ANY, past, second, found)
        assert verdict.kind == kind
        assert (NO_ROOM.text in verdict.reason) is (found is not None)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (app(health={"status": "Progressing"}), "health is Progressing: 0/1 nodes are available"),
        (app(health={"status": "Progressing", "message": "1 of 2"}), "health is Progressing: 1 of 2; 0/1 nodes are available"),
        (app(sync={"status": "OutOfSync"}), "sync is OutOfSync; 0/1 nodes are available"),
    ],
    ids=["it explains the health", "the health has a message of its own", "it does not explain the sync status"],
)
def test_v2_the_cause_follows_what_is_missing(state: Obj, reason: str) -> None:
    assert judge(state, ANY, Past(), 0, [NO_ROOM])[0].reason == reason


def test_v2_degraded_names_its_cause() -> None:
    past = judge(DEGRADED, ANY, Past(), 0, [SLOW])[1]
    assert judge(DEGRADED, ANY, past, 60, [SLOW])[0].reason.endswith("exceeded its progress deadline: not ready: Readiness probe failed")


OLD_RUNS = app(
    sync={"status": "OutOfSync"},
    health={"status": "Progressing"},
    operationState=merged(operation("Running", OLD, resources=HOOKS), {"operation": {"sync": {"revision": OLD}}, "finishedAt": None}),
)
OLD_ENDED = merged(OLD_RUNS, {"status": {"operationState": {"phase": "Failed", "message": "Operation terminated", "finishedAt": T1}}})
OLD_DEGRADED = merged(OLD_ENDED, {"status": {"health": {"status": "Degraded"}}})
# Seen in the recording: with the request for an operation the state of the one before is gone.
ASKED_FOR = merged(OLD_ENDED, {"operation": {"sync": {"revision": NEW}}, "status": {"operationState": None}})
NEW_RUNS = merged(ROLLING, {"status": {"sync": {"status": "OutOfSync"}}})


@pytest.mark.parametrize(
    ("state", "expected", "is_begun"),
    [
        (OLD_RUNS, (NEW,), False),
        (OLD_ENDED, (NEW,), False),
        (ASKED_FOR, (NEW,), False),
        (NEW_RUNS, (NEW,), True),
        (NEW_RUNS, (NEW[:7],), True),
        (OLD_RUNS, (), True),
        # The expected commit brought nothing new.
        (merged(OLD_ENDED, {"status": {"sync": {"status": "Synced"}}}), (NEW,), True),
    ],
    ids=["old runs", "old ended", "asked for", "new runs", "short commit", "none expected", "nothing to sync"],
)
def test_v16_whether_the_expected_commits_sync_has_begun(state: Obj, expected: tuple[str, ...], is_begun: bool) -> None:
    assert begun(state, expected) is is_begun


@pytest.mark.parametrize("state", [OLD_RUNS, OLD_ENDED, OLD_DEGRADED, ASKED_FOR], ids=["runs", "ended", "degraded", "asked for"])
def test_v16_the_old_commits_causes_are_not_blamed(state: Obj) -> None:
    """Seen: `parallelism: lots`, then the corrected file: the second run failed with the old commit's pod."""
    broken = Cause("job", "Job/airflow-core/migrations", "Job airflow-core/migrations failed", "Correct it.")
    past = Past()
    for second in (0, 60, 300):
        verdict, past = judge(state, WANTED, past, second, [broken, CRASHES])
        assert verdict.kind == "waiting"
        assert "migrations" not in verdict.reason
    past = judge(NEW_RUNS, WANTED, past, 301, [CRASHES])[1]
    assert judge(NEW_RUNS, WANTED, past, 361, [CRASHES])[0].kind == "failed"


@pytest.mark.parametrize(
    ("started", "reconciled", "since"),
    [(T0, T1, True), (T1, T1, False), (T1, T0, False), (None, T1, False), (T0, None, False)],
)
def test_v16_what_is_shown_was_compared_after_the_operation_began(started: str | None, reconciled: str | None, since: bool) -> None:
    assert compared_since({"status": {"operationState": {"startedAt": started}, "reconciledAt": reconciled}}) is since


@pytest.mark.parametrize(
    ("hooks", "found", "is_hopeless"),
    [
        (HOOKS, [CRASHES], True),
        (HOOKS, [AGAIN], False),
        (HOOKS, [], False),
        # A migration at work is not ended because something else does not run.
        (HOOKS, [NO_ROOM], False),
        ([*HOOKS, {**HOOKS[0], "name": "create-user"}], [CRASHES], False),
        ([{**HOOKS[0], "hookPhase": "Succeeded"}], [NO_ROOM], True),
        (RESOURCES, [SLOW], True),
        (RESOURCES, [], False),
        # What is only slow gets ready yet.
        (HOOKS, [replace(SLOW, key=CRASHES.key)], False),
        # Argo CD calls what it has applied Running until it is healthy. Nothing of it is cut off in the middle.
        (APPLIED[:1], [SLOW], True),
    ],
    ids=[
        "hook crashes",
        "hook tries again",
        "hook works",
        "another's",
        "second hook works",
        "hook done",
        "slow",
        "on its way",
        "hook is slow",
        "no hook",
    ],
)
def test_v16_an_operation_that_comes_to_nothing(hooks: list[Obj], found: list[Cause], is_hopeless: bool) -> None:
    assert hopeless(app(operationState=operation("Running", OLD, resources=hooks)), found) is is_hopeless


def test_v2_a_quota_of_the_state_before_its_change_does_not_count() -> None:
    """The Deployment's controller has not seen what was applied, or the operation has not applied it yet."""

    def refused(observed: int, name: str = "airflow-webserver") -> Seen:
        conditions = [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]
        metadata = {"name": name, "namespace": "airflow-core", "generation": 2}
        return Seen((("Deployment", {"metadata": metadata, "status": {"observedGeneration": observed, "conditions": conditions}}),))

    assert [cause.kind for cause in application_causes(ROLLING, refused(2))] == ["quota"]
    assert application_causes(ROLLING, refused(1)) == []
    assert application_causes(ROLLING, refused(2, "airflow-later")) == []
    assert application_causes(app(operationState=operation("Running", resources=HOOKS), resources=RESOURCES), refused(2)) == []


@pytest.mark.parametrize(
    ("kind", "item", "owner", "counts"),
    [
        ("Deployment", {"metadata": {"name": "airflow-webserver"}, "status": {"observedGeneration": 2}}, "ReplicaSet", True),
        ("Deployment", {"metadata": {"name": "airflow-webserver"}, "status": {"observedGeneration": 1}}, "ReplicaSet", False),
        ("Job", {"metadata": {"name": "migrations"}}, "Job", True),
    ],
    ids=["the change is seen", "the change is not seen yet", "a Job, which never changes"],
)
def test_v2_pods_count_once_the_controller_has_seen_the_change(kind: str, item: Obj, owner: str, counts: bool) -> None:
    """Until then they are of the template before. A Job's status has no observedGeneration."""
    name = item["metadata"]["name"] + ("-5d8f" if owner == "ReplicaSet" else "")
    workload = merged(item, {"metadata": {"namespace": "airflow-core", "generation": 2}})
    found = application_causes(ROLLING, Seen(((kind, workload),), (pod("a", "ImagePullBackOff", owner=(owner, name)),)))
    assert [cause.kind for cause in found] == (["image"] if counts else [])


def test_a_pod_that_no_workload_makes_counts_where_it_is_applied_itself() -> None:
    """A hook may be of any kind, a Pod too (Argo CD's documentation of resource hooks)."""
    alone = merged(pod("smoke-test", "ImagePullBackOff"), {"metadata": {"ownerReferences": None}})
    hook = {"kind": "Pod", "namespace": "airflow-core", "name": "smoke-test", "hookType": "PostSync", "hookPhase": "Running"}
    assert managed_pods(app(operationState=operation("Running", resources=[hook])), [alone]) == [alone]
    assert managed_pods(ROLLING, [alone]) == []


@pytest.mark.parametrize(
    ("item", "managed"),
    [
        (pod("a", "x"), True),
        (pod("a", "x", owner=("ReplicaSet", "airflow-webserver-5d8f")), True),
        (pod("a", "x", owner=("Job", "migrations")), True),
        (pod("a", "x", owner=("StatefulSet", "another")), False),
        (pod("a", "x", owner=("StatefulSet", "airflow-webserver-5d8f")), False),
        (pod("a", "x", owner=("ReplicaSet", "airflow-webserver-other")), False),
        (pod("a", "x", owner=("ReplicaSet", "airflow-webserver")), False),
        (pod("a", "x", created="2026-05-04T09:59:59Z"), True),
        (pod("a", "x", created="2026-05-04T09:59:59Z", owner=("Job", "migrations")), False),
        (pod("a", "x", created=T0, owner=("Job", "migrations")), True),
        (pod("a", "x", created="", owner=("Job", "migrations")), True),
        (pod("a", "x", owner=("ReplicaSet", "airflow-later-5d8f")), False),
    ],
    ids=[
        "stateful set",
        "deployment",
        "hook",
        "another's",
        "odd name",
        "odd hash",
        "no hash",
        "from before the operation",
        "a Job's from before the operation",
        "a Job's of the same second",
        "a Job's without a time",
        "not applied yet",
    ],
)
def test_managed_pods(item: Obj, managed: bool) -> None:
    later = {"kind": "Deployment", "namespace": "airflow-core", "name": "airflow-later", "status": "OutOfSync"}
    assert managed_pods(merged(ROLLING, {"status": {"resources": [*RESOURCES, later]}}), [item]) == ([item] if managed else [])


def test_a_hook_that_an_operation_before_left_behind_does_not_count() -> None:
    """Seen: the failed PreSync Job of a commit stays in status.resources when the next commit has no such hook."""
    left = {"kind": "Job", "namespace": "airflow-core", "name": "migrations", "health": {"status": "Degraded"}, "hook": True}
    state = app(resources=[*RESOURCES, left], health={"status": "Progressing"})
    assert managed_pods(state, [pod("a", "ImagePullBackOff", owner=("Job", "migrations"))]) == []
    assert seen(state, ANY, Past(), 0, [], [failed_job()])[0].kind == "waiting"


def test_the_pods_of_an_old_replica_set_do_not_count() -> None:
    """Kubernetes keeps the crashing old pod until the new one is ready."""
    old = pod("old", "CrashLoopBackOff", created=T1, owner=("ReplicaSet", "airflow-webserver-5d8f"))
    new = merged(
        pod("new", "ContainerCreating", created=T2, owner=("ReplicaSet", "airflow-webserver-77aa")),
        {"metadata": {"labels": {"pod-template-hash": "77aa"}}},
    )
    ended = merged(ROLLING, {"status": {"operationState": {"phase": "Succeeded"}}})
    assert managed_pods(ended, [old, new]) == [new]
    assert managed_pods(ended, [old]) == [old]
    assert managed_pods(ended, [merged(old, {"metadata": {"deletionTimestamp": T2}})]) == []


@pytest.mark.parametrize(
    "message",
    [
        "failed to list refs: unexpected requesting http://git status code: 503",
        "index.yaml: 503 Service Unavailable",
        "dial tcp 10.96.0.5:3000: connect: no route to host",
        "lookup gitea.git.svc on 10.96.0.10:53: server misbehaving",
        "the server is currently unable to handle the request",
        "write: broken pipe",
    ],
)
def test_what_passes_is_not_final(message: str) -> None:
    state = app(sync={"status": "Unknown"}, conditions=problem("ComparisonError", message))
    assert judge(state, ANY, Past(), 0)[0].kind == "waiting"


@pytest.mark.parametrize("owner", [("StatefulSet", "airflow-mysql"), ("Job", "import")])
def test_pods_from_before_an_ended_operation_count(owner: tuple[str, str]) -> None:
    """An operation leaves what has not changed as it is. That includes a Job without a hook."""
    old = pod("a", "x", created="2026-05-04T09:59:59Z", owner=owner)
    job = {"kind": "Job", "namespace": "airflow-core", "name": "import", "status": "Synced"}
    ended = {"status": {"resources": [*RESOURCES, job], "operationState": {"phase": "Succeeded"}}}
    assert managed_pods(merged(ROLLING, ended), [old]) == [old]


def test_a_stuck_pod_of_the_spec_before_its_change_does_not_count() -> None:
    stuck = [pod("airflow-mysql-0", "ImagePullBackOff")]
    changed = merged(ROLLING, {"spec": {"source": {"path": "x"}}})
    past = seen(changed, ANY, Past(), 0, stuck)[1]
    assert seen(changed, ANY, past, 99, stuck)[0].kind == "waiting"


def test_blocking_names_unhealthy_unsynced_and_failed_resources() -> None:
    resources = [
        {"kind": "Deployment", "name": "web", "status": "Synced", "health": {"status": "Degraded", "message": "no quota"}},
        {"kind": "Service", "name": "web", "status": "Synced", "health": {"status": "Healthy"}},
        {"kind": "Role", "name": "r", "status": "OutOfSync"},
    ]
    results = [
        {"kind": "Role", "name": "r", "status": "SyncFailed", "message": "forbidden"},
        {"kind": "Job", "name": "migrate", "hookType": "Sync", "hookPhase": "Failed", "message": "exit 1"},
        {"kind": "Service", "name": "web", "status": "Synced", "hookPhase": "Succeeded"},
        {"kind": "StatefulSet", "name": "db", "status": "Synced", "hookPhase": "Running"},
    ]
    found = {item["kind"]: item for item in blocking({"resources": resources, "operationState": {"syncResult": {"resources": results}}})}
    assert set(found) == {"Deployment", "Role", "Job"}
    assert found["Deployment"]["message"] == "no quota"
    assert (found["Role"]["operation"], found["Role"]["message"]) == ("SyncFailed", "forbidden")
    assert found["Job"]["operation"] == "Sync Failed"
    running = {"operationState": {"phase": "Running", "syncResult": {"resources": results[3:]}}}
    assert [(item["name"], item["operation"]) for item in blocking(running)] == [("db", "Sync Running")]


def test_blocking_of_argo_cd_before_3_and_of_a_sync_that_runs() -> None:
    """Argo CD 3 names no health of a resource; before, an unhealthy one may well be synced."""
    resources = [
        {"kind": "Deployment", "name": "web", "status": "Synced", "health": {"status": "Progressing", "message": "0 of 1"}},
        {"kind": "CronJob", "name": "off", "status": "Synced", "health": {"status": "Suspended"}},
        {"kind": "Role", "name": "r", "status": "Unknown"},
    ]
    results = [{"kind": "Deployment", "name": "web", "status": "SyncFailed", "message": "denied"}]
    found = blocking({"resources": resources, "operationState": {"syncResult": {"resources": results}}})
    assert [blocking_text(item) for item in found] == ["Deployment web Progressing SyncFailed (0 of 1)", "Role r Unknown"]


@pytest.mark.parametrize(
    ("destination", "resources", "places"),
    [
        ({"server": "https://kubernetes.default.svc", "namespace": "ns"}, [], ["ns"]),
        ({"name": "in-cluster", "namespace": "ns"}, [], ["ns"]),
        ({"name": "elsewhere", "namespace": "ns"}, [], []),
        ({"namespace": "ns"}, [{"kind": "Deployment", "namespace": "web"}, {"kind": "Role", "namespace": "other"}], ["web"]),
        ({"namespace": "ns"}, [{"kind": "Deployment"}], ["ns"]),
        ({}, [], []),
    ],
    ids=["by server", "by name", "another cluster", "where its workloads are", "no namespace told", "nothing told"],
)
def test_workload_namespaces(destination: Obj, resources: list[Obj], places: list[str]) -> None:
    state = {"spec": {"destination": destination}, "status": {"resources": resources}}
    assert workload_namespaces(state) == places


def test_revisions_of_an_operation() -> None:
    assert operation_revisions({"syncResult": {"revisions": ["a", "b"]}, "operation": {"sync": {"revision": "c"}}}) == ["a", "b"]
    assert operation_revisions({"syncResult": {"source": {}}, "operation": {"sync": {"revision": "c"}}}) == ["c"]
    assert operation_revisions({}) == []


@pytest.mark.parametrize("revision", ["", NEW, NEW[:7], "1.15.0", "v1.2.3-rc.1+build", "sha256:" + "c" * 64])
def test_revision_that_names_one_state(revision: str) -> None:
    check_revision(revision)


@pytest.mark.parametrize("revision", ["main", "HEAD", "release-1.2", "abc123", "feature/x", "refs/tags/v1"])
def test_revision_that_may_move_is_refused(revision: str) -> None:
    with pytest.raises(InputError) as caught:
        check_revision(revision)
    assert "Resolve it first" in caught.value.next_action


HELM = (
    "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = failed to execute helm "
    "template command: failed to get command args to log: `helm template . --name-template airflow-core --namespace airflow-core "
    "--kube-version 1.29 <api versions removed> --include-crds` failed exit status 1: Error: values don't meet the specifications of the "
    "schema(s) in the following chart(s): airflow: - (root): Additional property webservr is not allowed"
)


@pytest.mark.parametrize(
    ("text", "length", "cut"),
    [
        ("a  b\nc", 5, "a b c"),
        ("one two three four five six", 24, "one two … five six"),
        ("x" * 50, 23, "x" * 7 + " … " + "x" * 13),
        # Whole or not at all: without its beginning no pattern finds the password.
        ("see the long tale of http://u:s3cretpw@db/x now here", 30, "see the … now here"),
    ],
)
def test_a_long_text_is_cut_in_the_middle_and_between_words(text: str, length: int, cut: str) -> None:
    assert shorten(text, length) == cut
    assert len(cut) <= length


def test_v19_the_reason_survives_shortening() -> None:
    """Seen: status cut it just before the property's name."""
    assert shorten(HELM, 300).startswith("Failed to load target state: ")
    assert shorten(HELM, 300).endswith("airflow: - (root): Additional property webservr is not allowed")
