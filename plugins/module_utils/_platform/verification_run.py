# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the DAGs of a verification, and keeps the proof in the cluster."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_run import Api as Airflow
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_run import DagRun, Outcome, Request
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import MANAGER
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import core_path
from ansible_collections.gitops.airflow.plugins.module_utils._placement.run import Placement, await_placement, failure
from ansible_collections.gitops.airflow.plugins.module_utils._placement.run import Request as PlacementRequest
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Expectation
from ansible_collections.gitops.airflow.plugins.module_utils._platform.narrow import NarrowApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import enforce
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification import PROOF, Plan, plan
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_read import Verification
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_report import (
    Ran,
    State,
    build_report,
    configmap,
    document_of,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_rules import (
    UNCHANGED,
    WORKERS_QUERY,
    idle_problems,
    idle_workers,
    migration_hooks,
    migration_problems,
    ownership_problems,
    task_problems,
)

Obj = dict[str, Any]

ADMIN = "airflow-admin"
# The pod of a task that has just ended takes some seconds to go.
IDLE_SECONDS, IDLE_POLL_SECONDS = 30.0, 1.0


class Attempt:
    """One attempt at a proof, of a platform whose rules hold. Its methods raise CollectionError."""

    def __init__(self, verification: Verification, state: State) -> None:
        if state.inspection is None:
            raise AssertionError("the rules refuse a platform whose Airflow was not inspected")
        self._verification, self._state, self._inspection = verification, state, state.inspection
        self._ways, self._wanted = verification.ways, verification.wanted

    def prove(self) -> Obj:
        """Runs the DAGs and keeps the proof in the cluster. Returns the report."""
        state, inspection = self._state, self._inspection
        job = self._migrations_job()  # first, because Kubernetes deletes it after some minutes
        password = self._password()
        self._await_idle()
        intent = plan(state.deployed, inspection, state.runs, state.stored, self._ways.today())
        # Also marks the moment before the first worker: the API server replays from this resourceVersion what has happened to pods since.
        claim = self._keep(intent.claim())
        with self._ways.airflow(password) as airflow:
            try:
                found, dag_runs = self._run(airflow, intent, claim["metadata"]["resourceVersion"])
            except BaseException:
                self._pause(airflow, [dag for dag in intent.dags if dag not in intent.unpaused])
                raise
        ran = Ran(intent.run_id, found.placements, found.strays, dag_runs, job)
        report = build_report(self._wanted, state, inspection, ran, self._ways.today())
        self._keep({"subject": intent.subject, "report": document_of(report)})
        return report

    def _migrations_job(self) -> Obj | None:
        """The migrations Job of the last sync, for its times. The rules judge it by the Application, so it need not be readable."""
        for hook in migration_hooks(self._state.application):
            path = f"/apis/batch/v1/namespaces/{self._wanted.platform.core_namespace}/jobs"
            with suppress(ApiError):
                return next(iter(self._ways.api.items(path, {"fieldSelector": f"metadata.name={hook['name']}"}, whole=True)), None)
        return None

    def _password(self) -> str:
        """Airflow's admin password, from the Secret that the collection makes."""
        platform = self._wanted.platform
        ref = Ref("Secret", platform.core_namespace, ADMIN)
        try:
            secret = self._ways.api.find(core_path("secrets", platform.core_namespace, ADMIN))
            if secret is None:
                raise CollectionError(f"{ref} does not exist.", "Run site.yml, which makes it.", "no_admin_password")
            enforce(ownership_problems(self._wanted, self._state.application, [(ref, secret["metadata"])]), UNCHANGED)
            password = base64.b64decode(secret["data"]["password"]).decode()
        except ApiError as error:
            raise CollectionError(f"{ref} cannot be read: {error}", error.next_action, "no_admin_password") from error
        except (KeyError, TypeError, ValueError) as error:
            raise CollectionError(f"{ref} holds no password.", "Run site.yml, which makes it.", "no_admin_password") from error
        self._ways.hide(password)
        return password

    def _await_idle(self) -> None:
        """Airflow is idle, and its migrations ran once."""
        ways, namespaces, inspection = self._ways, self._wanted.platform.namespaces, self._inspection
        end = ways.clock() + IDLE_SECONDS
        while True:
            workers = [pod for name in namespaces for pod in ways.api.items(core_path("pods", name), WORKERS_QUERY, whole=True)]
            left = idle_workers(inspection, workers, namespaces)
            if not left or ways.clock() >= end:
                break
            self._verification.tell(f"worker pods of tasks that have ended are still there: {named(left)}")
            ways.sleep(IDLE_POLL_SECONDS)
        enforce([*idle_problems(inspection, left), *migration_problems(self._wanted, self._state.application, inspection.schema)])

    def _keep(self, data: Mapping[str, str]) -> Obj:
        platform = self._wanted.platform
        kept = self._ways.api.apply(core_path("configmaps", platform.core_namespace, PROOF), configmap(platform, data), MANAGER)
        self._verification.changed = True
        return kept

    def _run(self, airflow: Airflow, intent: Plan, since: str) -> tuple[Placement, dict[str, Obj]]:
        """Starts each DAG, and waits until its worker has run where it should and the run has succeeded. Returns the DAG runs, too."""
        ways, deadline = self._ways, self._ways.clock() + self._wanted.timeout

        def left() -> float:
            return max(0.0, deadline - ways.clock())

        self._verification.tell(f"starting {', '.join(run.dag_id for run in intent.runs)} as run {intent.run_id}")
        for run in intent.runs:
            self._carry_out(airflow, Request(run.dag_id, intent.run_id, unpause=True, wait=False, timeout=left()))
        expected = [Expectation(run.dag_id, intent.run_id, run.namespace, run.task_id) for run in intent.runs]
        # Strays are searched for where the account may look.
        watched = self._wanted.platform.namespaces if isinstance(ways.api, NarrowApi) else ()
        request = PlacementRequest(expected, namespaces=watched, since=since, timeout=left())
        found = await_placement(ways.api, request, ways.clock, ways.sleep, ways.progress(), self._verification.start)
        self._verification.notices += found.notices
        if found.verdict.kind != "done":
            action = f"Look at these DAG runs and their logs in Airflow's UI (run {intent.run_id}), correct the cause, and verify again."
            raise CollectionError(f"The workers did not run in the expected places. {failure(request, found)}", action, "placement")
        problems, dag_runs = [], {}
        for run in intent.runs:
            paused = run.dag_id not in intent.unpaused
            outcome = self._carry_out(airflow, Request(run.dag_id, intent.run_id, paused_after=paused, timeout=left()))
            problems += task_problems(run, found.placements, outcome.task_instances)
            dag_runs[run.dag_id] = outcome.dag_run or {}
        enforce(problems)
        self._pause(airflow, intent.leftovers)
        return found, dag_runs

    def _carry_out(self, airflow: Airflow, request: Request) -> Outcome:
        work = DagRun(airflow, request, self._ways.clock, self._ways.sleep, self._ways.progress())
        if not request.wait:
            self._verification.started.append(request.dag_id)
        outcome = work.carry_out()
        self._verification.notices += outcome.warnings
        if outcome.error:
            raise outcome.error
        return outcome

    @staticmethod
    def _pause(airflow: Airflow, dag_ids: Sequence[str]) -> None:
        """Pauses DAGs again as well as it can: the claim says so to the next attempt, too."""
        for dag_id in dag_ids:
            with suppress(CollectionError):
                airflow.set_paused(dag_id, True)
