# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until Airflow's scheduler has a commit of the DAG repository, which its git-sync checks out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

QUERY = {"labelSelector": "tier=airflow,component=scheduler", "fieldSelector": "status.phase=Running"}
POLL_SECONDS = 0.5


class Scheduler(Protocol):
    """The scheduler's pod (inspection.py)."""

    def dags_commit(self, link: str) -> str: ...


@dataclass(frozen=True)
class Seen:
    """What was seen last. ``pod`` is empty if no scheduler runs, ``commit`` if it has none."""

    pod: str = ""
    commit: str = ""

    def has(self, commit: str) -> bool:
        return bool(commit) and self.commit == commit


def newest(pods: Sequence[Obj]) -> str:
    """The name of the newest of the running pods that is not being deleted; empty without any."""
    living = [pod["metadata"] for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    living.sort(key=lambda metadata: (metadata.get("creationTimestamp") or "", metadata["name"]))
    return str(living[-1]["name"]) if living else ""


def report(seen: Seen, commit: str, parsed: str = "") -> str:
    """What was seen, for a person. ``parsed`` says what Airflow made of the files, if it was asked."""
    if not seen.pod:
        return "Airflow does not run yet."
    if seen.has(commit):
        return f"The scheduler has it: {parsed}" if parsed else "The scheduler has it; a new DAG is there within 30 seconds."
    return f"The scheduler has {f'commit {seen.commit[:7]}' if seen.commit else 'no commit'} so far."


@dataclass(frozen=True)
class DagsWait:
    """One wait. ``find`` reads the running scheduler pods, ``open_pod`` opens one by its name; clock and sleep in seconds."""

    find: Callable[[], Sequence[Obj]]
    open_pod: Callable[[str], Scheduler]
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    link: str = "/opt/airflow/dags/repo"

    def look(self) -> Seen:
        """Raises ApiError."""
        pod = newest(self.find())
        return Seen(pod, self.open_pod(pod).dags_commit(self.link)) if pod else Seen()

    def until(self, commit: str, seconds: float) -> Seen:
        """Waits until the scheduler has the commit. Without a scheduler there is nothing to wait for.

        :raises CollectionError: with the code timeout after so many seconds.
        :raises ApiError: for a request that was refused, or that failed until the end.
        """
        end, failure, seen = self.clock() + seconds, None, Seen()
        while True:
            try:
                seen, failure = self.look(), None
                if not seen.pod or seen.has(commit):
                    return seen
            except ApiError as error:
                # Its pod may have been replaced a moment ago.
                if not (error.passing or error.status == 404):
                    raise
                failure = error
            if self.clock() >= end:
                raise failure or late(seen, commit, seconds)
            self.sleep(POLL_SECONDS)


def late(seen: Seen, commit: str, seconds: float) -> CollectionError:
    """The failure of a wait that took too long."""
    has = f"It has commit {seen.commit[:7]}." if seen.commit else "It has none."
    message = f"After {seconds:g} seconds the scheduler does not have commit {commit[:7]}. {has}"
    return CollectionError(message, f"Read git-sync's log: kubectl logs {seen.pod} -c git-sync, in the scheduler's namespace.", "timeout")
