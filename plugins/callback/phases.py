# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: phases
type: aggregate
short_description: Show how long each role took, what it changed, and why a run failed
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Adds a table to the end of a playbook's output, with the time and the number of changes of each role, and names the role that failed.
  - A run that failed ends with what failed, why, what to do, and how to collect the evidence.
  - A role that runs several times is shown once, at the place of its longest run.
  - Time between two tasks belongs to the role of the first. Tasks outside of roles are summed up as V(other).
  - Does not change other output. Prints nothing if the stdout callback writes JSON, or if no role ran.
requirements:
  - enable in configuration
options:
  hidden_roles:
    description: Roles that are not shown, by their names without namespace and collection.
    type: list
    elements: str
    default: [platform, status, support_bundle]
    ini:
      - section: callback_phases
        key: hidden_roles
    env:
      - name: GITOPS_AIRFLOW_PHASES_HIDDEN_ROLES
"""

EXAMPLES = r"""
ansible.cfg: |
  [defaults]
  callbacks_enabled = gitops.airflow.phases
example_output: |
  PHASES *********************************************************************
  kind_cluster       42.1 s   changed=2
  argocd             38.0 s   changed=5
  airflow_app    1 m 34.2 s   changed=7   FAILED in: Declare the Application and wait
  total          2 m 54.9 s   changed=14
  FAILED *********************************************************************
  what      airflow_app: Declare the Application and wait
  why       Failed after 61.2 s: airflow-core: pod airflow-core/airflow-webserver-5d8f-x, container webserver (image apache/airflow:nope):
            ImagePullBackOff: Back-off pulling image "apache/airflow:nope".
  do        Look at pod airflow-core/airflow-webserver-5d8f-x (kubectl describe), correct the image in Git, and push.
  evidence  make support-bundle
"""

import os
import sys
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible_collections.gitops.airflow.plugins.module_utils._base.failure import COLLECTION, FailedItems, Failure, evidence, explain
from ansible_collections.gitops.airflow.plugins.module_utils._base.failure import lines as failure_lines
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable

OTHER = "other"
# Phases shorter than this (seconds) outside of roles are not worth a line.
NOTICEABLE = 0.5
# A run that cannot collect the evidence does not say that one should collect it.
COLLECTS = "support_bundle"


@dataclass
class Phase:
    """One role's share of a playbook run."""

    name: str
    seconds: float = 0.0
    changed: int = 0
    failed_task: str = ""
    longest: float = 0.0
    began: float = 0.0  # the longest stretch


class Record:
    """Adds up time and changes of phases. Times are seconds of any clock that only goes forward."""

    def __init__(self, now: float) -> None:
        self.start = self.last = self.entered = now
        self.phases: dict[str, Phase] = {}
        self.current: Phase | None = None
        self.failures: dict[str, Failure] = {}

    def phase(self, name: str) -> Phase:
        return self.phases.setdefault(name, Phase(name))

    def enter(self, name: str, now: float) -> None:
        """A task of the phase starts now: the time until now belonged to the phase before."""
        current = self.current or self.phase(OTHER)
        current.seconds += now - self.last
        self.last = now
        if name != current.name:
            if now - self.entered >= current.longest:
                current.longest, current.began = now - self.entered, self.entered
            self.entered = now
        self.current = self.phase(name)

    def failed(self, host: str, failure: Failure) -> None:
        """Remembers a host's last failed task; whether it was rescued is known only at the end."""
        self.failures[host] = failure

    def finish(self, now: float, lost: Iterable[str]) -> tuple[float, list[Failure]]:
        """Ends the record. The hosts that were lost to a failure give their phases its name. Returns all seconds, and those failures."""
        self.enter(OTHER, now)
        fatal = list(dict.fromkeys(self.failures[host] for host in sorted(lost) if host in self.failures))
        for failure in fatal:
            self.phase(failure.role).failed_task = failure.task
        return now - self.start, fatal


def duration(seconds: float) -> str:
    """Seconds for a person: `4.2 s`, `1 m 34.2 s`, `1 h 2 m 3.0 s`."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours} h " if hours else "") + (f"{minutes} m " if hours or minutes else "") + f"{rest:.1f} s"


def table(phases: Iterable[Phase], total: float, hidden: Collection[str]) -> list[str]:
    """The lines of the table; none when no role ran."""
    listed = sorted(phases, key=lambda item: item.began)
    shown = [item for item in listed if item.name != OTHER and (item.name not in hidden or item.failed_task)]
    if not shown:
        return []
    shown += [item for item in listed if item.name == OTHER and (item.changed or item.failed_task or item.seconds >= NOTICEABLE)]
    shown.append(Phase("total", total, sum(item.changed for item in listed)))
    times = [duration(item.seconds) for item in shown]
    names, widths = max(len(item.name) for item in shown), max(map(len, times))
    return [
        f"{item.name:<{names}}   {text:>{widths}}   changed={item.changed}"
        + (f"   FAILED in: {item.failed_task}" if item.failed_task else "")
        for item, text in zip(shown, times, strict=True)
    ]


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Feeds a Record from Ansible's events and shows it at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "gitops.airflow.phases"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.record = Record(time.monotonic())
        self.own = False
        self.items = FailedItems()

    @staticmethod
    def _role(task: Any) -> str:
        role = getattr(task, "_role", None)
        return str(role.get_name()).rsplit(".", 1)[-1] if role else OTHER

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self.record = Record(time.monotonic())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self.record.enter(self._role(task), time.monotonic())

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.record.enter(self._role(task), time.monotonic())

    def v2_runner_on_ok(self, result: Any) -> None:
        if result._result.get("changed"):
            self.record.phase(self._role(result._task)).changed += 1

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self.items.add(result._host.get_name(), str(result._task._uuid), result._result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        items = self.items.take(result._host.get_name(), str(result._task._uuid))
        if not ignore_errors:
            task = result._task
            role = getattr(task, "_role", None)
            self.own = self.own or str(role.get_name() if role else "").startswith(COLLECTION)
            failure = explain(self._role(task), str(task.name or task.action), result._result, items)
            self.record.failed(result._host.get_name(), failure)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self.v2_runner_on_failed(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        total, fatal = self.record.finish(time.monotonic(), {*stats.failures, *stats.dark})
        lines = table(self.record.phases.values(), total, self.get_option("hidden_roles"))
        if not lines or "json" in C.DEFAULT_STDOUT_CALLBACK.rsplit(".", 1)[-1]:
            return
        self._display.banner("PHASES")
        for line in lines:
            self._display.display(printable(line), color=C.COLOR_ERROR if "   FAILED in: " in line else None)
        collect = evidence(os.getcwd(), sys.argv[1:], os.environ.get("PLATFORM_EXTRA_VARS", ""))
        for failure in fatal:
            self._display.banner("FAILED")
            for line in failure_lines(failure, collect if self.own and failure.role != COLLECTS else ""):
                self._display.display(line, color=C.COLOR_ERROR)
        self._display.display("")
