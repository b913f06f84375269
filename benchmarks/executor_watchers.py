# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Airflow's own KubernetesExecutor, as the scheduler starts it. benchmarks/simulate-scale runs this with a Python that has Airflow.

The environment holds Airflow's configuration: API server, namespaces, a database of its own. Prints one line of JSON: how long the start
took, what the process and each that it started hold (bytes), how long a pass of the executor takes and how long it takes to list the worker
pods once (seconds). Stays until its standard input ends.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from airflow.executors.kubernetes_executor import KubernetesExecutor

# What the scheduler has in memory when it starts the watchers.
from airflow.jobs import scheduler_job_runner  # noqa: F401 # pylint: disable=unused-import
from airflow.utils.db import initdb

# Watchers connect after they have started.
SETTLE_SECONDS = 15.0
ROUNDS = 10
JOB = "1"


def memory(pid: int) -> dict[str, int]:
    """Resident bytes; its share of what several processes hold (Pss); and what it holds alone. The kernel reports KiB."""
    lines = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]]
    sizes = {line[0].rstrip(":"): 1024 * int(line[1]) for line in lines}
    return {"rss": sizes["Rss"], "pss": sizes["Pss"], "alone": sizes["Private_Clean"] + sizes["Private_Dirty"]}


def children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def seconds(action: Callable[[], object]) -> float:
    """The median of several rounds."""
    found = []
    for _round in range(ROUNDS):
        began = time.monotonic()
        action()
        found.append(time.monotonic() - began)
    return statistics.median(found)


def main() -> None:
    initdb(load_connections=False)
    executor = KubernetesExecutor()
    executor.job_id = JOB
    before = memory(os.getpid())
    began = time.monotonic()
    executor.start()
    started = time.monotonic() - began
    time.sleep(SETTLE_SECONDS)
    watchers = {process.pid for process in executor.kube_scheduler.kube_watchers.values()}
    alive = watchers & set(children())
    result = {
        "start": started,
        "before": before,
        "scheduler": memory(os.getpid()),
        "watchers": [memory(pid) for pid in sorted(alive)],
        "dead": len(watchers - alive),
        "others": [memory(pid) for pid in children() if pid not in watchers],
        "sync": seconds(executor.sync),
        "list": seconds(lambda: executor._list_pods({"label_selector": f"airflow-worker={JOB}"})),
    }
    print(json.dumps(result), flush=True)
    sys.stdin.read()
    executor.end()


if __name__ == "__main__":
    main()
