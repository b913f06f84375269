# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications as Argo CD leaves them and worker pods as Airflow makes them."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]
OLD, NEW = "1" * 40, "2" * 40
SOURCE = {"repoURL": "https://git.example/platform.git", "path": "platform/airflow/core", "targetRevision": "main"}
DESTINATION = {"server": "https://kubernetes.default.svc", "namespace": "airflow-core"}


def status(revision: str, sync: str = "Synced", health: str = "Healthy") -> Obj:
    """What the controller writes when it has synced that revision."""
    result = {"revision": revision, "source": SOURCE}
    return {
        "sync": {"status": sync, "revision": revision, "comparedTo": {"source": SOURCE, "destination": DESTINATION}},
        "health": {"status": health},
        "reconciledAt": "2026-05-04T10:00:10Z",
        "operationState": {
            "phase": "Succeeded",
            "message": "successfully synced (all tasks run)",
            "operation": {"sync": {"revision": revision}},
            "startedAt": "2026-05-04T10:00:00Z",
            "finishedAt": "2026-05-04T10:00:09Z",
            "syncResult": result,
        },
    }


def application(name: str, state: Obj, labels: dict[str, str] | None = None) -> Obj:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "labels": labels or {}},
        "spec": {"project": "default", "source": SOURCE, "destination": DESTINATION},
        "status": state,
    }


def worker(name: str, run_id: str, namespace: str = "airflow-cron", dag_id: str = "example_cron_dag", map_index: int = -1) -> Obj:
    """A worker pod of the KubernetesExecutor, on a node."""
    identity = {"dag_id": dag_id, "run_id": run_id, "task_id": "say_hi", "try_number": "1"}
    if map_index >= 0:
        identity["map_index"] = str(map_index)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {**identity, "airflow-worker": "7", "kubernetes_executor": "True"},
            "annotations": identity,
        },
        "spec": {
            "nodeName": "node-1",
            "restartPolicy": "Never",
            "containers": [
                {"name": "base", "image": "apache/airflow:2.6.3", "env": [{"name": f"SETTING_{n}", "value": "x" * 40} for n in range(20)]}
            ],
        },
    }


def ended(exit_code: int = 0) -> Obj:
    """The status of a worker whose container has ended, for a patch."""
    state = {"exitCode": exit_code, "startedAt": "2026-05-04T10:00:03Z", "finishedAt": "2026-05-04T10:00:14Z"}
    container = {"name": "base", "ready": False, "restartCount": 0, "image": "", "imageID": "", "state": {"terminated": state}}
    return {"status": {"phase": "Failed" if exit_code else "Succeeded", "containerStatuses": [container]}}


def expected(run_id: str, **more: Any) -> list[Obj]:
    return [{"dag_id": "example_cron_dag", "run_id": run_id, "namespace": "airflow-cron", **more}]
