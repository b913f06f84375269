# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until the part of Airflow that parses DAG files has a commit of their repository, which its git-sync checks out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import DAG_PROCESSOR, SCHEDULER, parser_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import labels_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

# Those that wait for a node, too: a scheduler beside such a DAG processor has no DAG files.
QUERY = {
    "labelSelector": f"tier=airflow,component in ({SCHEDULER},{DAG_PROCESSOR})",
    "fieldSelector": "status.phase!=Failed,status.phase!=Succeeded",
}
WORDS = {SCHEDULER: "scheduler", DAG_PROCESSOR: "DAG processor"}
POLL_SECONDS = 0.5


class Pod(Protocol):
    """A pod that has the DAG files (inspection.py)."""

    def dags_commit(self, link: str) -> str: ...


@dataclass(frozen=True)
class Seen:
    """What was seen last. ``pod`` is empty if none runs that parses DAG files, ``commit`` if it has none."""

    pod: str = ""
    commit: str = ""
    component: str = SCHEDULER

    @property
    def who(self) -> str:
        return f"The {WORDS[self.component]}"

    def has(self, commit: str) -> bool:
        return bool(commit) and self.commit == commit


def newest(pods: Sequence[Obj]) -> tuple[str, str]:
    """Name and component of the newest running pod that parses DAG files and is not being deleted; the name is empty without any."""
    living = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    component = parser_of({_component(pod) for pod in living})
    running = [pod["metadata"] for pod in living if _component(pod) == component and (pod.get("status") or {}).get("phase") == "Running"]
    running.sort(key=lambda metadata: (metadata.get("creationTimestamp") or "", metadata["name"]))
    return str(running[-1]["name"]) if running else "", component


def _component(pod: Obj) -> str:
    return str(labels_of(pod["metadata"]).get("component"))


def report(seen: Seen, commit: str, parsed: str = "") -> str:
    """What was seen, for a person. ``parsed`` says what Airflow made of the files, if it was asked."""
    if not seen.pod:
        return "Airflow does not run yet."
    if seen.has(commit):
        return f"{seen.who} has the commit: {parsed}" if parsed else f"{seen.who} has the commit; a new DAG appears within 30 seconds."
    return f"{seen.who} has {f'commit {seen.commit[:7]}' if seen.commit else 'no commit'} so far."


@dataclass(frozen=True)
class DagsWait:
    """One wait. ``find`` reads the pods of QUERY, ``open_pod`` opens one by name and component; clock and sleep in seconds."""

    find: Callable[[], Sequence[Obj]]
    open_pod: Callable[[str, str], Pod]
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    link: str = "/opt/airflow/dags/repo"

    def look(self) -> Seen:
        """Raises ApiError."""
        pod, component = newest(self.find())
        return Seen(pod, self.open_pod(pod, component).dags_commit(self.link), component) if pod else Seen()

    def until(self, commit: str, seconds: float) -> Seen:
        """Waits until the commit is there. Where nothing runs that parses DAG files there is nothing to wait for.

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
    has = f"Its commit is {seen.commit[:7]}." if seen.commit else "It has no commit."
    message = f"After {seconds:g} seconds the {WORDS[seen.component]} does not have commit {commit[:7]}. {has}"
    return CollectionError(message, f"Read git-sync's log: kubectl logs {seen.pod} -c git-sync, in Airflow's namespace.", "timeout")
