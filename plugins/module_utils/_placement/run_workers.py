# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker pods of one DAG run while it is followed: where each task runs, and the new lines of its log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import core_path
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import BASE, WORKER_LABEL, Worker, label_value, trimmed

# Lines that are read at once at most: the API needs a number.
TAIL = 100_000
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


class PodApi(Protocol):
    """What KubeApi offers."""

    def items(self, path: str, query: dict[str, Any] | None = None, *, whole: bool = False) -> list[Obj]: ...
    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int, **query: Any) -> Iterator[str]: ...


def order(stamp: str) -> tuple[str, str]:
    """Orders times of a container's log: the kubelet leaves out zeros at their end."""
    whole, _point, fraction = stamp.rstrip("Z").partition(".")
    digits = fraction[: next((index for index, char in enumerate(fraction) if not char.isdigit()), len(fraction))]
    return whole[:19], digits.ljust(9, "0")


@dataclass
class Place:
    """How far the log of a pod was read: the time of the last line, and how many lines have that time."""

    stamp: str = ""
    count: int = 0

    def fresh(self, lines: Iterable[str]) -> list[str]:
        """The text of those lines, each with its time before it, that come after this place, which moves to the last of them."""
        new, skip, last = list[str](), self.count, self.stamp
        for line in lines:
            stamp, _blank, text = line.partition(" ")
            if not STAMP.match(stamp):  # the kubelet's own words
                continue
            if order(stamp) < order(last):
                continue
            if skip and order(stamp) == order(last):
                skip -= 1
                continue
            new.append(text)
            same = order(stamp) == order(self.stamp)
            self.stamp, self.count = stamp, self.count + 1 if same else 1
        return new


def since(stamp: str) -> dict[str, str]:
    """The API's parameter for the lines from that time on."""
    if not stamp:
        return {}
    zone = stamp[19:].lstrip(".0123456789") or "Z"
    return {"sinceTime": f"{stamp[:19]}{zone}"}


@dataclass
class RunWorkers:
    """Reads the pods of these namespaces that Airflow made for a run. What cannot be read is a notice, once."""

    api: PodApi
    namespaces: Sequence[str]
    dag_id: str
    run_id: str
    notices: list[str] = field(default_factory=list)
    seen: dict[tuple[str, int], Worker] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def look(self) -> dict[tuple[str, int], Worker]:
        """The latest worker of each task, as it was seen last: it may be deleted meanwhile."""
        query = {"labelSelector": f"{WORKER_LABEL}=True,dag_id={label_value(self.dag_id)},run_id={label_value(self.run_id)}"}
        for namespace in self.namespaces:
            if namespace in self.refused:
                continue
            try:
                pods = self.api.items(core_path("pods", namespace), query, whole=True)
            except ApiError as error:
                if not error.passing:
                    self.refused.add(namespace)
                    self.notices.append(f"The worker pods in {namespace} cannot be read: {shorten(error.text, 300)}")
                continue
            for pod in pods:
                self._see(Worker(trimmed(pod)))
        return self.seen

    def _see(self, worker: Worker) -> None:
        if not (worker.has("dag_id", self.dag_id) and worker.has("run_id", self.run_id)):
            return
        task_id, index = worker.task
        key = (task_id, int(index) if index.lstrip("-").isdecimal() else -1)
        known = self.seen.get(key)
        if known is None or worker.age >= known.age:
            self.seen[key] = worker

    def new_lines(self, worker: Any) -> list[str] | None:
        """The lines of its log since the last call; None if the log cannot be read (now or any more)."""
        place = self.places.setdefault(worker.key, Place())
        parameters = {"timestamps": "true", **since(place.stamp)}
        try:
            return place.fresh(self.api.log_lines(worker.namespace, worker.name, BASE, False, TAIL, **parameters))
        except ApiError:
            return None
