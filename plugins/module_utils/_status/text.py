# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a platform on one screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._status.logs import log_store_cells
from ansible_collections.gitops.airflow.plugins.module_utils._status.rows import Row, ago

GI = 2**30


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> list[str]:
    """A heading and aligned rows; columns that say nothing are left out."""
    if not rows:
        return [f"{head[0]:<14}{empty}"]
    kept = [index for index in range(len(head)) if index == 0 or any(row[index] for row in rows)]
    table = [[head[index] for index in kept], *([f"  {row[0]}", *(row[index] for index in kept[1:])] for row in rows)]
    widths = [max(len(row[index]) for row in table) for index in range(len(kept))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _cores(value: float | None) -> str:
    return "" if value is None else f"{value * 1000:.0f}m"


def _memory(value: float | None) -> str:
    return "" if value is None else f"{value / 2**20:.0f} MiB"


def _of(used: float | None, size: float | None) -> str:
    if size is None:
        return ""
    return f"{size / GI:.1f} GiB" if used is None else f"{used / GI:.1f} of {size / GI:.1f} GiB"


def _nodes(rows: Sequence[Row]) -> list[str]:
    return columns(
        ["NODES", "status", "version", "cpu", "memory", "disk"],
        [
            [
                row["name"],
                "Ready" if row["ready"] and not row["pressure"] else ", ".join(row["pressure"]) or "NotReady",
                row["version"],
                f"{_cores(row['cpu'])} of {row['cpus']:g}" if row.get("cpu") is not None and row["cpus"] else "",
                _of(row.get("memory"), row["memory_size"]),
                _of(row.get("disk"), row.get("disk_size")),
            ]
            for row in rows
        ],
        "none could be read",
    )


def _applications(rows: Sequence[Row]) -> list[str]:
    cells = []
    for row in rows:
        last = f"{row['operation']} {ago(row['finished'])} ago" if row["operation"] else ""
        cells.append([row["name"], row["sync"], row["health"], row["revision"][:7], last])
    return columns(["APPLICATIONS", "sync", "health", "revision", "last sync"], cells, "none")


def _pods(rows: Sequence[Row]) -> list[str]:
    return columns(
        ["PODS", "ready", "status", "restarts", "age", "cpu", "memory", "last end"],
        [
            [
                f"{row['namespace']}/{row['name']}",
                f"{row['ready']}/{row['containers']}",
                row["status"],
                str(row["restarts"]),
                ago(row["age"]),
                _cores(row.get("cpu")),
                _memory(row.get("memory")),
                f"{row['reason']}, {ago(row['restarted'])} ago" if row["reason"] and row["restarted"] is not None else row["reason"],
            ]
            for row in rows
        ],
        "none",
    )


def _volumes(rows: Sequence[Row]) -> list[str]:
    cells = [[f"{row['namespace']}/{row['name']}", row["phase"], _of(row.get("used"), row["size"])] for row in rows]
    return columns(["VOLUMES", "phase", "size"], cells, "none")


def _runs(rows: Sequence[Row]) -> list[str]:
    cells = [
        [
            row["namespace"] or "?",
            row["dag_id"],
            row["state"],
            f"{ago(row['started'])} ago" if row["started"] is not None else "",
            f"{row['seconds']:.0f} s" if row["seconds"] is not None else "",
            row["run_id"],
        ]
        for row in rows
    ]
    return columns(["LAST RUNS", "dag", "state", "started", "took", "run"], cells, "none")


def render(status: dict[str, Any]) -> str:
    """The screen, without trailing spaces."""
    wrong, known = status["problems"], status["warnings"]
    verdict = "healthy" if status["healthy"] else f"NOT HEALTHY ({len(wrong)} problem{'s' if len(wrong) != 1 else ''})"
    lines = [f"{status['name']} is {verdict}   {status['checked_at']}, read in {status['elapsed']:.1f} s"]
    lines += [f"  problem: {item}" for item in wrong] + [f"  note: {item}" for item in known]
    lines += [f"  next: {status['next_action']}"] if status["next_action"] else []
    sections = [
        _nodes(status["nodes"]),
        _applications(status["applications"]),
        _pods(status["pods"]),
        columns(
            ["WORKERS", "task", "status", "age", "node"],
            [[f"{row['namespace']}/{row['name']}", row["task"], row["status"], ago(row["age"]), row["node"]] for row in status["workers"]],
            "none now",
        ),
        _runs(status["runs"]),
        columns(
            ["DAG CHECKOUTS", "commit", "has it for", "error"],
            [[row["pod"], row["commit"][:7], ago(row["age"]), row["error"]] for row in status["checkouts"]],
            "none could be read",
        ),
        _volumes(status["volumes"]),
        columns(["TASK LOGS", "state", "full", "old ones deleted"], log_store_cells(status["logs"]), "not stored by the platform"),
        columns(
            ["URLS", "url", "password of admin"], [[row["name"], row["url"], row["password_command"]] for row in status["urls"]], "none"
        ),
    ]
    for section in sections:
        lines += ["", *section]
    if status["usage"]:
        lines += ["", f"cpu and memory: from {status['usage']}"]
    return "\n".join(lines)


def failure(status: dict[str, Any]) -> str:
    """Why a platform is not healthy and the next step, as the message of a failed task. Empty for a healthy one."""
    action = [f"Next: {status['next_action']}"] if status["next_action"] else []
    return "\n".join([*status["problems"], *action]) if not status["healthy"] else ""
