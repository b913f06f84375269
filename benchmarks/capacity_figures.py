# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of benchmarks/capacity. Pure: task instances, pods as a watch showed them, and the kubelets' summaries in; numbers out.

All moments are seconds since 1970, all durations are seconds, memory is in bytes, CPU in seconds of one core.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

Obj = dict[str, Any]
# task_id and map_index
Key = tuple[str, int]
# namespace/pod/container
Name = str
BASE = "base"
# What happens to a task, in this order, and what comes before each: phases that follow one another.
PHASES = {
    "waits for a slot (run's start to queued)": ("run", "queued"),
    "queued to pod created": ("queued", "created"),
    "pod created to scheduled": ("created", "scheduled"),
    "scheduled to container started": ("scheduled", "container"),
    "container started to task started": ("container", "started"),
    "task runs": ("started", "ended"),
    "task ended to pod deleted": ("ended", "deleted"),
}
# From the moment that the scheduler hands a task to the executor. These contain phases above.
WHOLE = {
    "queue time (queued to task started)": ("queued", "started"),
    "pod start (created to container started)": ("created", "container"),
    "whole task (queued to ended)": ("queued", "ended"),
}
# The parts whose use is measured, by the container's name: the first in Airflow's namespace, the others in Kubernetes' own.
AIRFLOW_PARTS = ("scheduler", "mysql", "webserver", "triggerer", "dag-processor")
CONTROL_PLANE = ("kube-apiserver", "etcd", "kube-scheduler", "kube-controller-manager")
NODES = "nodes"
# What decides how much runs at once: section and option of airflow.cfg, with Airflow 2.6.3's own default.
SETTINGS = {
    ("core", "parallelism"): "32",
    ("core", "max_active_tasks_per_dag"): "16",
    ("kubernetes_executor", "worker_pods_creation_batch_size"): "1",
}

DAG = '''"""Short tasks for benchmarks/capacity, in the worker namespaces in turn."""

from __future__ import annotations

from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from kubernetes.client import models as k8s

for dag_id, count in {dags}.items():
    with DAG(dag_id=dag_id, schedule=None, start_date=datetime(2024, 1, 1), catchup=False, tags=["benchmark"]{limit}):
        for place, namespace in enumerate({namespaces}):
            BashOperator.partial(
                task_id="in_" + namespace,
                executor_config={{"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace=namespace))}},
            ).expand(bash_command=["sleep {seconds}  # " + str(number) for number in range(place, count, {places})])
'''


@dataclass(frozen=True)
class Load:
    """What a run consists of. ``at_once``: tasks of the run that Airflow runs at once; 0 leaves that to Airflow's configuration."""

    namespaces: tuple[str, ...]
    seconds: int = 1
    at_once: int = 0


@dataclass(frozen=True)
class Seen:
    """A pod as the watch showed it, and when."""

    moment: float
    pod: Obj
    deleted: bool = False


@dataclass(frozen=True)
class Times:
    """When a task came how far; None where that was not seen."""

    key: Key
    state: str = ""
    tries: int = 0
    run: float | None = None
    queued: float | None = None
    created: float | None = None
    scheduled: float | None = None
    container: float | None = None
    started: float | None = None
    ended: float | None = None
    deleted: float | None = None


@dataclass(frozen=True)
class Reading:
    """What a kubelet says of a container or node: when, CPU used since its start, memory that it holds now."""

    moment: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Use:
    """CPU in all, on average and in the worst interval (cores); memory on average and at most."""

    cpu: float
    cores: float
    peak_cores: float
    memory: float
    peak_memory: float


def dag_id(count: int, load: Load) -> str:
    """Another load is another DAG, so that no run uses what Airflow still knows of an earlier file."""
    return f"capacity_{count}_{hashlib.sha256(repr(load).encode()).hexdigest()[:6]}"


def dag_file(counts: Iterable[int], load: Load) -> str:
    """A DAG file with one DAG for each number of tasks."""
    return DAG.format(
        dags={dag_id(count, load): count for count in counts},
        limit=f", max_active_tasks={load.at_once}" if load.at_once else "",
        namespaces=list(load.namespaces),
        places=len(load.namespaces),
        seconds=load.seconds,
    )


def moment(text: str | None) -> float | None:
    """A time of Airflow or Kubernetes (ISO 8601) in seconds since 1970."""
    return datetime.fromisoformat(text).timestamp() if text else None


def pod_times(seen: Iterable[Seen], run_id: str) -> dict[Key, Times]:
    """How far the pods of a run came, by task. Where a task had several pods, the last one counts.

    The annotations say whose a pod is, because its labels may be shortened. Each moment is the first at which the watch showed the
    state, which is exact to the delay of the watch; the times in a pod are whole seconds.
    """
    found: dict[Key, tuple[str, Times]] = {}
    for item in sorted(seen, key=lambda item: item.moment):
        metadata = item.pod["metadata"]
        owner = metadata.get("annotations") or {}
        if owner.get("run_id") != run_id:
            continue
        key = (owner["task_id"], int(owner.get("map_index", -1)))
        name, times = found.get(key, ("", Times(key)))
        if name != metadata["uid"]:
            if item.deleted:  # an earlier try's
                continue
            times = Times(key, created=item.moment)
        found[key] = (metadata["uid"], _further(times, item))
    return {key: times for key, (_uid, times) in found.items()}


def _further(times: Times, item: Seen) -> Times:
    if item.deleted:
        return replace(times, deleted=times.deleted or item.moment)
    bases = [part for part in item.pod.get("status", {}).get("containerStatuses") or [] if part["name"] == BASE]
    state = bases[0].get("state") or {} if bases else {}
    begun = item.moment if {"running", "terminated"} & state.keys() else None
    placed = item.moment if item.pod.get("spec", {}).get("nodeName") else None
    return replace(times, scheduled=times.scheduled or placed, container=times.container or begun)


def traffic(seen: Iterable[Seen], run_id: str) -> Obj:
    """What a watch of a run's pods carries: how many events, and bytes of JSON, for each pod."""
    own = [item.pod for item in seen if (item.pod["metadata"].get("annotations") or {}).get("run_id") == run_id]
    pods = len({pod["metadata"]["uid"] for pod in own})
    size = sum(len(json.dumps(pod, separators=(",", ":"))) for pod in own)
    return {"events": round(len(own) / pods, 1), "bytes": round(size / pods)} if pods else {}


def task_times(tasks: Iterable[Obj], pods: Mapping[Key, Times], began: float) -> list[Times]:
    """Airflow's task instances of a run that started at ``began``, with the times of their pods."""
    found = []
    for task in tasks:
        key = (task["task_id"], int(task.get("map_index", -1)))
        found.append(
            replace(
                pods.get(key, Times(key)),
                state=task["state"] or "",
                tries=int(task["try_number"]),
                run=began,
                queued=moment(task.get("queued_when")),
                started=moment(task.get("start_date")),
                ended=moment(task.get("end_date")),
            )
        )
    return found


def spans(times: Iterable[Times], begin: str, end: str) -> list[float]:
    """The seconds from one moment to another, of the tasks that have both."""
    pairs = [(getattr(item, begin), getattr(item, end)) for item in times]
    return [last - first for first, last in pairs if first is not None and last is not None]


def nearest_rank(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def summary(values: Sequence[float]) -> Obj:
    """Median, the value that 95 % do not exceed, the worst, and of how many. Empty where there are none."""
    if not values:
        return {}
    return {
        "median": round(statistics.median(values), 2),
        "p95": round(nearest_rank(values, 0.95), 2),
        "worst": round(max(values), 2),
        "count": len(values),
    }


def in_flight(times: Iterable[Times], moments: Iterable[float]) -> list[int]:
    """How many pods there are at each moment."""
    lives = [(item.created, math.inf if item.deleted is None else item.deleted) for item in times if item.created is not None]
    return [sum(first <= when < last for first, last in lives) for when in moments]


def most_in_flight(times: Sequence[Times]) -> int:
    """How many pods there are at most. It can only rise when one is created."""
    return max(in_flight(times, [item.created for item in times if item.created is not None]), default=0)


def per_minute(times: Sequence[Times], began: float) -> float:
    """Tasks that ended well in a minute, from the start of the run to the end of its last task. 0 where there is none."""
    ends = [item.ended for item in times if item.state == "success" and item.ended is not None]
    return round(60 * len(ends) / (max(ends) - began), 1) if ends else 0.0


def readings(summaries: Iterable[Obj], core: str) -> dict[Name, Reading]:
    """The parts that count, from one summary of each node's kubelet; all nodes together as ``nodes``."""
    found: dict[Name, Reading] = {}
    nodes: list[Reading] = []
    for item in summaries:
        if node := _reading(item["node"]):
            nodes.append(node)
        for pod in item.get("pods") or []:
            namespace = pod["podRef"]["namespace"]
            parts = AIRFLOW_PARTS if namespace == core else CONTROL_PLANE if namespace == "kube-system" else ()
            for container in pod.get("containers") or []:
                if container["name"] in parts and (part := _reading(container)):
                    found[f"{namespace}/{pod['podRef']['name']}/{container['name']}"] = part
    if nodes:
        found[NODES] = Reading(max(item.moment for item in nodes), sum(item.cpu for item in nodes), sum(item.memory for item in nodes))
    return found


def _reading(item: Obj) -> Reading | None:
    cpu, memory = item.get("cpu") or {}, item.get("memory") or {}
    if "usageCoreNanoSeconds" not in cpu or "workingSetBytes" not in memory:
        return None  # a container that has just started
    return Reading(moment(cpu["time"]) or 0.0, cpu["usageCoreNanoSeconds"] / 1e9, float(memory["workingSetBytes"]))


def uses(samples: Iterable[Mapping[Name, Reading]]) -> dict[Name, Use]:
    """The use of each part over all samples. A kubelet measures every 10 to 20 s, so that a sample may repeat the one before."""
    series: dict[Name, list[Reading]] = {}
    for sample in samples:
        for name, item in sample.items():
            known = series.setdefault(name, [])
            if not known or item.moment > known[-1].moment:
                known.append(item)
    return {name: _use(items) for name, items in series.items()}


def _use(items: Sequence[Reading]) -> Use:
    # A counter that falls is that of a container which started again.
    steps = [(last.moment - first.moment, last.cpu - first.cpu if last.cpu >= first.cpu else last.cpu) for first, last in pairwise(items)]
    cpu, seconds = sum(used for _seconds, used in steps), sum(seconds for seconds, _used in steps)
    return Use(
        cpu=round(cpu, 2),
        cores=round(cpu / seconds, 3) if seconds else 0.0,
        peak_cores=round(max((used / length for length, used in steps), default=0.0), 3),
        memory=round(statistics.fmean(item.memory for item in items)),
        peak_memory=max(item.memory for item in items),
    )


def by_part(found: Mapping[Name, Use]) -> dict[str, Use]:
    """By the part's own name, which is numbered where there are several: a pod's name says nothing in a table."""
    parts: dict[str, list[Name]] = {}
    for name in sorted(found):
        parts.setdefault(name.rpartition("/")[2], []).append(name)
    return {
        part if len(names) == 1 else f"{part} {number}": found[name]
        for part, names in parts.items()
        for number, name in enumerate(names, start=1)
    }


def settings(configuration: str) -> dict[str, str]:
    """What decides how much runs at once, from the text of airflow.cfg."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(configuration)
    return {option: parser.get(section, option, fallback=default) for (section, option), default in SETTINGS.items()}


def result(times: Sequence[Times], began: float, ended: float, samples: Sequence[Mapping[Name, Reading]]) -> Obj:
    """All figures of a run, as they are kept. ``began`` and ``ended``: of the DAG run."""
    step = max(5, 5 * math.ceil((ended - began) / 100))
    moments = [began + offset for offset in range(0, math.ceil(ended - began) + step, step)]
    counts = in_flight(times, moments)
    return {
        "seconds": round(ended - began, 1),
        "per_minute": per_minute(times, began),
        "failures": sum(item.state != "success" for item in times),
        "retries": sum(max(0, item.tries - 1) for item in times),
        "unseen": sum(item.created is None for item in times),
        "phases": {name: summary(spans(times, *pair)) for name, pair in {**PHASES, **WHOLE}.items()},
        "in_flight": {
            "most": most_in_flight(times),
            "mean": round(statistics.fmean(counts), 1),
            "series": [[round(when - began), count] for when, count in zip(moments, counts, strict=True)],
        },
        "use": {name: vars(use) for name, use in by_part(uses(samples)).items()},
    }


def heading(item: Obj) -> str:
    """What a column of a comparison is called."""
    return f"{item['label']}, {item['tasks']} tasks, {item['schedulers']} scheduler{'s' if item['schedulers'] > 1 else ''}"


def latest(results: Iterable[Obj]) -> list[Obj]:
    """The last result of each label, number of tasks and of schedulers, in the order in which these first came."""
    found: dict[str, Obj] = {}
    for item in results:
        found[heading(item)] = item
    return list(found.values())


def tables(results: Sequence[Obj]) -> str:
    """Results side by side, in Markdown."""
    rows: list[tuple[str, list[str]]] = []

    def add(name: str, cells: Iterable[Any]) -> None:
        rows.append((name, ["-" if cell is None else str(cell) for cell in cells]))

    for option in dict.fromkeys(option for item in results for option in item["settings"]):
        add(f"`{option}`", [item["settings"].get(option) for item in results])
    for name in ("nodes", "seconds a task sleeps"):
        add(name, [item["conditions"].get(name) for item in results])
    add("tasks a minute", [item["per_minute"] for item in results])
    add("run, seconds", [item["seconds"] for item in results])
    add(
        "failed tasks / retries / restarts of Airflow's pods",
        [f"{item['failures']} / {item['retries']} / {item['restarts']}" for item in results],
    )
    add("tasks whose pod was not seen", [item["unseen"] for item in results])
    add("pods in flight, most / mean", [f"{item['in_flight']['most']} / {item['in_flight']['mean']}" for item in results])
    add("database connections, most seen / limit", [" / ".join(map(str, item["connections"])) or None for item in results])
    add("watch events / KiB for each pod", [_carried(item["watch"]) for item in results])
    for name in {**PHASES, **WHOLE}:
        add(f"{name}: median / 95 % / worst, s", [_seconds(item["phases"].get(name)) for item in results])
    for name in dict.fromkeys(name for item in results for name in item["use"]):
        add(f"{name}: CPU s, cores mean / most, MiB mean / most", [_used(item["use"].get(name)) for item in results])
    head = ["", *(heading(item) for item in results)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows)]
    return "\n".join(lines)


def _seconds(found: Obj | None) -> str | None:
    return f"{found['median']} / {found['p95']} / {found['worst']}" if found else None


def _carried(found: Obj) -> str | None:
    return f"{found['events']} / {found['bytes'] / 1024:.0f}" if found else None


def _used(found: Obj | None) -> str | None:
    if not found:
        return None
    memory, most = (round(found[key] / 2**20) for key in ("memory", "peak_memory"))
    return f"{found['cpu']:.1f}, {found['cores']:.2f} / {found['peak_cores']:.2f}, {memory} / {most}"


def flight_line(item: Obj, most: int = 15) -> str:
    """Pods in flight over time, at so many moments at most, in Markdown."""
    series = item["in_flight"]["series"]
    chosen = series[:: max(1, math.ceil(len(series) / most))]
    head = ["seconds since the run's start", *(str(when) for when, _count in chosen)]
    counts = ["pods", *(str(count) for _when, count in chosen)]
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", f"| {' | '.join(counts)} |"])
