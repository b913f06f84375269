# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is verified of a platform, whether a proof of it exists, and what is to be run. Pure: dictionaries in, decisions out."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import Inspection, from_mapping
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Platform

Obj = dict[str, Any]

PROOF = "airflow-verification"


@dataclass(frozen=True)
class Run:
    """A DAG to run: where the task's worker must land, and what its log must contain (a regular expression).

    An ``optional`` one is left out where it cannot run: its file was deleted, or its namespace is none of the workers'.
    """

    dag_id: str
    task_id: str
    namespace: str
    log: str
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.dag_id}.{self.task_id}"


@dataclass(frozen=True)
class Wanted:
    """What the platform must be like. ``timeout``: seconds for all DAG runs together; ``version``: empty for any."""

    platform: Platform
    version: str = ""
    pods: int = 4
    containers: int = 7
    runs: tuple[Run, ...] = ()
    timeout: float = 300.0


def refuse_options(wanted: Wanted) -> None:
    """:raises InputError: if an option makes no sense: it names the value and the rule."""
    names, places = [run.dag_id for run in wanted.runs], wanted.platform.namespaces
    for run in wanted.runs:
        for key in ("dag_id", "task_id", "namespace"):
            if not getattr(run, key).strip():
                raise InputError(f"{key} of {run} in runs is empty.", "Name it.")
        if not run.optional and run.namespace not in places:
            message = f"runs expects {run} in the namespace {run.namespace}, which is not among worker_namespaces ({', '.join(places)})."
            raise InputError(message, "Correct the namespace, or add it to worker_namespaces.")
        if names.count(run.dag_id) > 1:
            raise InputError(f"runs names the DAG {run.dag_id} twice.", "Give it once.")
        try:
            re.compile(run.log)
        except re.error as error:
            raise InputError(f"log of {run} is {run.log!r}, which is not a regular expression: {error}.", "Correct it.") from None
    if not wanted.timeout > 0:
        raise InputError(f"timeout is {wanted.timeout:g}: it must be more than 0 seconds.", "Correct timeout.")


# Whether it is proven


@dataclass(frozen=True)
class Stored:
    """What the ConfigMap of the proof holds: a claim (an attempt that has not ended) or a report.

    ``unpaused`` and ``dags`` are the claim's: DAGs that were unpaused before that attempt, and all that it ran.
    """

    subject: str = ""
    document: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)
    unpaused: tuple[str, ...] | None = None
    dags: tuple[str, ...] | None = None


def _names(text: str | None) -> tuple[str, ...] | None:
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    return tuple(str(item) for item in found) if isinstance(found, list) else None


def read_stored(configmap: Obj | None) -> Stored:
    """What cannot be read counts as absent: then the platform is verified anew."""
    data = (configmap or {}).get("data") or {}
    try:
        report = json.loads(data.get("report") or "{}")
    except ValueError:
        report = {}
    known = isinstance(report, dict) and bool(report)
    return Stored(
        str(data.get("subject") or ""),
        data["report"] if known else "",
        report if known else {},
        _names(data.get("unpaused")),
        _names(data.get("dags")),
    )


def chosen_runs(wanted: Wanted, present: Collection[str]) -> tuple[Run, ...]:
    """The runs that are to be made: an optional one only if a file names its DAG and its namespace is one of the workers'."""
    names = wanted.platform.namespaces
    return tuple(run for run in wanted.runs if not run.optional or (run.dag_id in present and run.namespace in names))


def commits(revision: str, dags_commit: str) -> str:
    """The pair of commits by which a proof is named: the platform's and the DAGs'."""
    return f"{revision[:7]}-{dags_commit[:7]}"


def subject(revision: str, dags_commit: str, runs: Sequence[Run]) -> str:
    """What is proven: these runs at these commits. The form is that of earlier versions, whose proofs stay valid."""
    listed = [{"dag_id": run.dag_id, "task_id": run.task_id, "namespace": run.namespace, "log": run.log} for run in runs]
    return f"{commits(revision, dags_commit)} {hashlib.sha256(json.dumps(listed).encode()).hexdigest()}"


def recalled(stored: Stored, scheduler_uid: str, asked: Sequence[str]) -> Inspection | None:
    """What the same scheduler's pod said of the same DAGs when the proof was made: its image and configuration cannot have changed since.

    The DAGs' commit may have. None where it is another pod, where it was not asked for one of these DAGs, or where the report is an earlier
    version's.
    """
    report = stored.report
    try:
        if not scheduler_uid or report["scheduler_uid"] != scheduler_uid or not {*asked} <= {*report["asked"]}:
            return None
        return from_mapping(report["airflow"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


@dataclass(frozen=True)
class Plan:
    """What a verification does. Kept in the cluster before the first run, so that an interrupted one can be mended.

    ``unpaused``: DAGs that are left running; all other DAGs of ``runs`` are paused afterwards, and so are those in ``leftovers``, which an
    interrupted attempt unpaused and this one does not run.
    """

    subject: str
    run_id: str
    runs: tuple[Run, ...]
    unpaused: tuple[str, ...]
    leftovers: tuple[str, ...] = ()

    @property
    def dags(self) -> tuple[str, ...]:
        return (*(run.dag_id for run in self.runs), *self.leftovers)

    def claim(self) -> dict[str, str]:
        names = {"unpaused": json.dumps(self.unpaused), "dags": json.dumps(self.dags)}
        return {"subject": self.subject, "run_id": self.run_id, **names}


def plan(revision: str, inspection: Inspection, runs: Sequence[Run], stored: Stored, now: datetime.datetime) -> Plan:
    """New runs each time: the pods of earlier ones are gone, and nothing can be proven by them.

    DAGs are left as they were before an attempt, of whichever commits, that was interrupted; of DAGs that it did not run, as they are now.
    A claim of an earlier version does not say which it ran: it counts for all.
    """
    names = {run.dag_id for run in runs}
    unpaused, leftovers = {*inspection.unpaused}, set[str]()
    if stored.unpaused is not None:
        known = names if stored.dags is None else {*stored.dags}
        unpaused = (unpaused - known) | {*stored.unpaused}
        leftovers = known - names - unpaused
    run_id = f"verify-{commits(revision, inspection.dags_commit)}-{now:%Y%m%dT%H%M%SZ}"
    return Plan(subject(revision, inspection.dags_commit, runs), run_id, tuple(runs), tuple(sorted(unpaused)), tuple(sorted(leftovers)))
