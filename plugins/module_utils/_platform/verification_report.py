# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification leaves behind: its ConfigMap, the report as JSON, and the summary for a person."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import Inspection
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import deployed_revision
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Platform
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification import PROOF, Run, Stored, Wanted, commits
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_rules import CorePods, migrations
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_timeline import as_list, timeline

Obj = dict[str, Any]

# Characters of a report, which are ASCII: a ConfigMap may have ten times as many bytes. Of a log's line if a report has more.
LIMIT, LINE = 100_000, 300


@dataclass(frozen=True)
class State:
    """What one look at the platform found. ``row`` is the Application as argocd_application_wait returns it.

    ``core`` are the pods that ``pods`` counts. ``inspection`` is None where no scheduler runs, which only a check accepts.
    """

    application: Obj
    row: Mapping[str, Any]
    pods: CorePods
    stored: Stored
    inspection: Inspection | None = None
    runs: tuple[Run, ...] = ()
    proven: bool = False
    problems: tuple[Refusal, ...] = ()
    core: tuple[Obj, ...] = ()

    @property
    def revision(self) -> str:
        return str(self.row.get("revision") or "")

    @property
    def deployed(self) -> str:
        """What a proof is about: the commit that was deployed last. A commit in another platform's folder needs no new proof."""
        return deployed_revision(self.application) or self.revision

    @property
    def commits(self) -> str:
        return commits(self.deployed, self.inspection.dags_commit) if self.inspection else ""


def configmap(platform: Platform, data: Mapping[str, str]) -> Obj:
    """The ConfigMap of a claim or a proof. What an earlier one held and this one does not is dropped by the server-side apply."""
    labels = marks(platform.name)
    metadata = {"name": PROOF, "namespace": platform.core_namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


@dataclass(frozen=True)
class Ran:
    """What the runs left. ``placements`` and ``strays`` are as airflow_worker_placement_wait returns them.

    ``dag_runs`` are Airflow's answers by DAG. ``job`` is the migrations Job of the last sync, None if it could not be read.
    """

    run_id: str
    placements: Sequence[Obj]
    strays: Sequence[Obj] = ()
    dag_runs: Mapping[str, Obj] = field(default_factory=dict)
    job: Obj | None = None


def build_report(wanted: Wanted, state: State, inspection: Inspection, ran: Ran, now: datetime.datetime) -> Obj:
    """The report of runs that have succeeded."""
    verified_at = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    events = timeline(state.application, state.core, ran.job, ran.dag_runs, [*ran.placements, *ran.strays], verified_at)
    report = {
        "verified_at": verified_at,
        "application": dict(state.row),
        "airflow": inspection.as_dict(),
        "core_pods": [*state.pods.names],
        "core_containers": state.pods.containers,
        "images": sorted({str(item["image"]) for pod in state.core for item in pod["spec"]["containers"]}),
        "scheduler_uid": state.pods.scheduler_uid,
        "asked": [run.dag_id for run in wanted.runs],
        "migrations": migrations(state.application),
        "run_id": ran.run_id,
        "runs": [*ran.placements],
        "strays": [*ran.strays],
        "timeline": as_list(events),
    }
    return _fitting(report)


def _fitting(report: Obj) -> Obj:
    """The report, if it is too long without what it is not a proof without: the logs' long lines, then the logs, then the timeline."""
    short, silent = _logs_cut(report, LINE), _logs_cut(report, 0)
    choices = [report, short, silent, {key: item for key, item in silent.items() if key != "timeline"}]
    return next((item for item in choices if len(document_of(item)) <= LIMIT), choices[-1])


def _logs_cut(report: Obj, length: int) -> Obj:
    """The report with so many characters of each line of a log; with 0 of none."""
    workers = {
        name: [{**item, "log_tail": [line[:length] for line in item.get("log_tail") or [] if length]} for item in report[name]]
        for name in ("runs", "strays")
    }
    return {**report, **workers}


def document_of(report: Mapping[str, Any]) -> str:
    """The report's text. The same report always has the same text."""
    return json.dumps(report, indent=4, sort_keys=True)


def summary(wanted: Wanted, state: State, report: Mapping[str, Any], path: str = "", page: str = "") -> str:
    """What a person reads at the end. ``report`` is empty while nothing is proven. ``path`` and ``page`` are its files, if it has any."""
    core, row = wanted.platform.core_namespace, state.row
    if state.inspection is None:
        return f"Airflow does not run in {core} yet: it cannot be verified."
    asked = state.inspection
    at = f" at {state.revision[:7]}" if state.revision else ""
    lines = [
        f"Airflow {asked.version} runs: {asked.executor} in {', '.join(asked.namespaces)}",
        f"  {len(state.pods.names)} pods / {state.pods.containers} containers in {core}, {row.get('sync') or 'not synced'} and "
        f"{row.get('health') or 'of unknown health'}{at}",
    ]
    if report:
        for run in report.get("runs") or []:
            lines.append("  {dag_id}.{task_id} ran in {namespace} on {node} ({pod})".format(**run))
        lines.append(f"  proven {report.get('verified_at')}")
        lines += [f"  report for people:   {page}", f"  report for programs: {path}"] if path else []
    elif state.runs:
        names = ", ".join(run.dag_id for run in state.runs)
        lines.append(f"  not verified at these commits yet: a run without --check starts {names}")
    elif wanted.runs:
        lines.append("  no DAG was run: the DAG repository holds none of those that airflow_verify_runs names")
    else:
        lines.append("  no DAG was run: airflow_verify_runs names none")
    return "\n".join(lines)
