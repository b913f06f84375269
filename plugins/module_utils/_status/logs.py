# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the store of task logs: whether it runs, how full it is, and when old logs were last deleted."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, timestamp
from ansible_collections.gitops.airflow.plugins.module_utils._kube.workload_verdict import Workload
from ansible_collections.gitops.airflow.plugins.module_utils._status.rows import Row, ago, passes, seconds_since

# As the role task_logs names them.
NAME = "task-logs"
EXPIRE = "task-logs-expire"
# From here on there should be time to act before logs are lost.
NEARLY_FULL = 0.85


def log_store_row(
    namespace: str,
    workloads: Iterable[Obj],
    volumes: Iterable[Row],
    pods: Iterable[Obj],
    node_use: Mapping[str, Row],
    expire: Obj | None,
    now: datetime.datetime,
) -> Row:
    """One row. ``volumes``: as ``volume_rows`` makes them; ``node_use``: by node, disk and disk_size in bytes; ``expire``: the CronJob.

    A volume that is a folder of its node, as in a kind cluster, says nothing of its own: it is as full as the node's disk.
    """
    here = [item for item in workloads if _is(item, namespace, NAME)]
    own = [pod for pod in pods if _labelled(pod, namespace)]
    ready = sum(int((item.get("status") or {}).get("availableReplicas") or 0) for item in here)
    passing = any(passes(Workload(item.get("kind", ""), item), own, now) for item in here)
    state = "runs" if ready else "not ready" if passing else "does not run"
    row: Row = {"namespace": namespace, "state": state, "used": None, "size": None, "of": ""}
    for volume in volumes:
        if (volume["namespace"], volume["name"]) == (namespace, NAME) and volume.get("used") is not None:
            row |= {"used": volume["used"], "size": volume["size"], "of": "its volume"}
    if row["used"] is None:
        for pod in own:
            node = (pod.get("spec") or {}).get("nodeName") or ""
            disk = node_use.get(node) or {}
            if disk.get("disk_size"):
                row |= {"used": disk["disk"], "size": disk["disk_size"], "of": f"the disk of node {node}"}
    status = (expire or {}).get("status") or {}
    succeeded, scheduled = timestamp(status.get("lastSuccessfulTime")), timestamp(status.get("lastScheduleTime"))
    failed = scheduled is not None and not status.get("active") and (succeeded is None or succeeded < scheduled)
    return row | {"expired": seconds_since(status.get("lastSuccessfulTime"), now), "expire_failed": failed}


def judge_log_stores(rows: Iterable[Row]) -> tuple[list[str], list[str]]:
    """Problems and warnings of the store of task logs."""
    problems, warnings = [], []
    for row in rows:
        if row["state"] not in ("runs", "not ready"):
            problems.append(f"the store of task logs does not run: see kubectl -n {row['namespace']} describe pods")
        if row["size"] and row["used"] / row["size"] >= NEARLY_FULL:
            warnings.append(
                f"the store of task logs is {row['used'] / row['size']:.0%} full ({row['of']}): once it is full, logs are lost. "
                "Enlarge it, or lower task_logs_retention_days"
            )
        if row["expire_failed"]:
            warnings.append(f"the last deletion of old task logs failed: see kubectl -n {row['namespace']} get jobs")
    return problems, warnings


def log_store_cells(rows: Iterable[Row]) -> list[list[str]]:
    """Cells for the screen: where, state, fill, of what, last deletion of old logs."""
    return [
        [
            f"{row['namespace']}/{NAME}",
            row["state"],
            f"{row['used'] / row['size']:.0%} of {row['of']}" if row["size"] else "not known",
            "failed" if row["expire_failed"] else "" if row["expired"] is None else f"{ago(row['expired'])} ago",
        ]
        for row in rows
    ]


def _is(item: Obj, namespace: str, name: str) -> bool:
    metadata = item.get("metadata") or {}
    return bool(metadata.get("namespace") == namespace and metadata.get("name") == name)


def _labelled(pod: Any, namespace: str) -> bool:
    metadata = pod.get("metadata") or {}
    return bool(metadata.get("namespace") == namespace and (metadata.get("labels") or {}).get("app.kubernetes.io/name") == NAME)
