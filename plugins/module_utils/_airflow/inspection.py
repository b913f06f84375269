# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the running Airflow, in the pod that has the DAG files, for its version, configuration, DAGs and database.

The answer is parsed here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow import inspect_airflow
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.program_text import program_text
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import execute

# Their pods' label component, and the name of their container.
SCHEDULER, DAG_PROCESSOR = "scheduler", "dag-processor"
# Without Airflow, whose import takes seconds.
RESOLVE = "import os, sys; print(os.path.realpath(sys.argv[1]))"
LINK = "import json, os, sys, time; p = sys.argv[1]; print(json.dumps([os.path.realpath(p), os.lstat(p).st_mtime, time.time()]))"


@dataclass(frozen=True)
class Inspection:
    """What the running Airflow says of itself. ``present`` and ``unpaused`` are about the DAGs that the caller named."""

    version: str
    executor: str
    multi_namespace_mode: bool
    namespace_list: str
    asked_at: str
    active_tasks: int
    present: tuple[str, ...]
    unpaused: tuple[str, ...]
    schema: str
    dags_commit: str
    dags_link: str

    @property
    def namespaces(self) -> tuple[str, ...]:
        return tuple(self.namespace_list.split(","))

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "present": [*self.present], "unpaused": [*self.unpaused]}


def from_mapping(given: Mapping[str, Any]) -> Inspection:
    """:raises ValueError: if a field is missing or of another type."""
    known: dict[str, Any] = {}
    for item in fields(Inspection):
        value = given.get(item.name)
        if item.name in ("present", "unpaused"):
            if not (isinstance(value, list) and all(isinstance(name, str) for name in value)):
                raise ValueError(f"{item.name} is {value!r}")
            value = tuple(value)
        elif item.name == "schema" and value is None:
            value = ""  # a database without a table of versions' row
        elif not isinstance(value, {"multi_namespace_mode": bool, "active_tasks": int}.get(item.name, str)):
            raise ValueError(f"{item.name} is {value!r}")
        known[item.name] = value
    return Inspection(**known)


def parse_answer(output: str) -> Inspection:
    """Reads what inspect_airflow.py prints: the last line, because Airflow may print others before it.

    :raises ValueError: if it is not that.
    """
    lines = [line for line in output.splitlines() if line.strip()] or [""]
    given = json.loads(lines[-1])
    if not isinstance(given, dict):
        raise ValueError(f"it is {given!r}")
    return from_mapping(given)


def source() -> str:
    """The text of inspect_airflow.py."""
    return program_text(inspect_airflow, "asks Airflow for its state")


@dataclass(frozen=True)
class Checkout:
    """Where git-sync's link leads. ``since`` and ``now`` are the pod's time: when the link was set to it, and when it was read."""

    folder: str = ""
    since: float = 0.0
    now: float = 0.0

    @property
    def commit(self) -> str:
        return os.path.basename(self.folder)


def parser_of(components: Collection[str]) -> str:
    """Which of the components that run parses DAG files, and so has them: the DAG processor if there is one, otherwise the scheduler."""
    return DAG_PROCESSOR if DAG_PROCESSOR in components else SCHEDULER


class AirflowPod:
    """A pod of Airflow's that has the DAG files, in which commands are run. ``component`` is SCHEDULER or DAG_PROCESSOR."""

    def __init__(self, api: KubeApi, namespace: str, pod: str, component: str = SCHEDULER) -> None:
        self._api, self._namespace, self._pod, self._component = api, namespace, pod, component

    def inspect(self, dag_ids: Sequence[str]) -> Inspection:
        """Takes seconds, because Airflow is imported. Raises ApiError, CollectionError."""
        done = execute(self._api, self._namespace, self._pod, self._component, ["python", "-c", source(), *dag_ids])
        try:
            if done.code:
                raise ValueError(f"exit code {done.code}: {done.errors or done.output}")
            return parse_answer(done.output)
        except ValueError as error:
            raise CollectionError(
                f"Airflow's state cannot be read in pod {self._namespace}/{self._pod}: {shorten(str(error))}.",
                f"Read its log: kubectl -n {self._namespace} logs {self._pod} -c {self._component}.",
                "inspection_failed",
            ) from error

    def dags_commit(self, link: str) -> str:
        """The commit that git-sync's link leads to now; empty if it cannot be read. Takes a fraction of a second. Raises ApiError."""
        done = execute(self._api, self._namespace, self._pod, self._component, ["python", "-c", RESOLVE, link])
        return "" if done.code else os.path.basename(done.output.strip())

    def checkout(self, link: str) -> Checkout:
        """What git-sync's link leads to now, and since when; empty if it cannot be read. Raises ApiError."""
        done = execute(self._api, self._namespace, self._pod, self._component, ["python", "-c", LINK, link])
        return Checkout() if done.code else Checkout(*json.loads(done.output))
