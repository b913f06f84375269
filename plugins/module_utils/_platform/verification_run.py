# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a verification out: looks at the platform, runs DAGs where no proof exists, and keeps the proof in the cluster.

API, Airflow, clock and sleep are handed in.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_run import Api as Airflow
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_run import DagRun, Outcome
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_run import Request as RunRequest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import Inspection
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.diagnosis import quoted
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait import ApplicationWait
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait import Request as ApplicationRequest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import ThreadInbox, follow, stream
from ansible_collections.gitops.airflow.plugins.module_utils._placement.run import Placement, await_placement, explain
from ansible_collections.gitops.airflow.plugins.module_utils._placement.run import Request as PlacementRequest
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Expectation
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import MANAGER, Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification import (
    PROOF,
    Plan,
    Wanted,
    chosen_runs,
    plan,
    read_stored,
    recalled,
    subject,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_report import (
    State,
    build_report,
    configmap,
    document_of,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_rules import (
    CORE_QUERY,
    WORKERS_QUERY,
    core_pods,
    enforce,
    idle_problems,
    idle_workers,
    migration_problems,
    ownership_problems,
    platform_problems,
    task_problems,
)

Obj = dict[str, Any]

ADMIN = "airflow-admin"
APPLICATION_SECONDS = 120.0
# The pod of a task that has just ended takes some seconds to go.
IDLE_SECONDS, IDLE_POLL_SECONDS = 30.0, 1.0


class Scheduler(Protocol):
    """The scheduler's pod (_airflow/inspection.py)."""

    def inspect(self, dag_ids: Sequence[str]) -> Inspection: ...

    def dags_commit(self, link: str) -> str: ...


@dataclass(frozen=True)
class Ways:
    """How a verification reaches what it needs. ``progress`` opens a new one for each wait; ``hide`` is given each secret that is read."""

    api: KubeApi
    scheduler: Callable[[str], Scheduler]  # by the pod's name
    airflow: Callable[[str], AbstractContextManager[Airflow]]  # by the admin's password
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    today: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)
    progress: Callable[[], Progress] = Progress
    hide: Callable[[str], None] = lambda _secret: None


@dataclass
class Verification:
    """One verification. Its methods raise CollectionError (requests, broken rules) and ValueError."""

    ways: Ways
    wanted: Wanted
    check: bool = False
    notices: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)  # DAGs of which runs were started
    changed: bool = False

    def __post_init__(self) -> None:
        self._start = self.ways.clock()
        self._announced: Progress | None = None

    # The look

    def look(self) -> State:
        """Looks at the platform and judges it. A check meets the platform before what it would change, so there rules are not enforced.

        Whose the platform is, is decided first: nothing is executed in, or written to, what belongs to another.
        """
        api, core = self.ways.api, self.wanted.platform.core_namespace
        proof = api.find(core_path("configmaps", core, PROOF))
        application, row = self._settled_application([(Ref("ConfigMap", core, PROOF), proof and proof["metadata"])])
        pods = core_pods(api.items(core_path("pods", core), CORE_QUERY, whole=True)) if application else core_pods([])
        state = State(application or {}, row, pods, read_stored(proof))
        if pods.scheduler:
            return self._asked(state)
        if self.check:
            return state
        action = f"Look at the pods there: kubectl -n {core} get pods."
        raise CollectionError(f"No scheduler of Airflow runs in {core}.", action, "no_scheduler")

    def _asked(self, state: State) -> State:
        """The state with what Airflow says of itself; where the same pod has said it for this proof, only the DAGs' commit is read."""
        scheduler, asked = self.ways.scheduler(state.pods.scheduler), [run.dag_id for run in self.wanted.runs]
        if before := recalled(state.stored, state.pods.scheduler_uid, asked):
            now = replace(before, dags_commit=scheduler.dags_commit(before.dags_link))
            if (known := self._judged(state, now)).proven:
                return known
        self._tell("asking the running Airflow for its version and configuration")
        return self._judged(state, scheduler.inspect(asked))

    def _judged(self, state: State, inspection: Inspection) -> State:
        runs = chosen_runs(self.wanted, inspection.present)
        same = state.stored.subject == subject(state.revision, inspection.dags_commit, runs)
        problems = tuple(platform_problems(self.wanted, inspection, state.pods))
        return replace(state, inspection=inspection, runs=runs, proven=same and bool(state.stored.report), problems=problems)

    def _settled_application(self, others: Sequence[tuple[Ref, Obj | None]]) -> tuple[Obj | None, Mapping[str, Any]]:
        """Waits until the platform's Application is Synced and Healthy. A check looks once, and accepts that it does not exist."""
        ways, platform = self.ways, self.wanted.platform
        request = ApplicationRequest(platform.argocd_namespace, (platform.application,))
        wait = ApplicationWait(ways.api, request, self._start, ways.progress(), ways.today)
        changes = stream(ways.api, request.source(), ways.clock, ways.sleep)
        first = [(0, next(changes))]
        for application in first[0][1].objects:
            enforce(ownership_problems(self.wanted, application, others))
        if self.check:
            verdict, timed_out = wait.step(first, ways.clock()), False
        else:
            end = self._start + APPLICATION_SECONDS
            verdict, timed_out = follow(first, ThreadInbox([changes], ways.clock), wait.step, end)
        self.notices += wait.notices
        (row,) = wait.results()
        if verdict.kind == "done" or self.check:
            return wait.apps[platform.application], row
        diagnosis = wait.diagnosis(timed_out)
        words = quoted(diagnosis)
        what = f"is not Synced and Healthy within {APPLICATION_SECONDS:g} s" if timed_out else "cannot become Synced and Healthy"
        message = f"The Application {what}: {verdict.reason}."
        action = " ".join(dict.fromkeys(item["next_action"] for item in diagnosis))
        raise CollectionError(f"{message}\n{words}" if words else message, action, "application_not_ready")

    # The proof

    def prove(self, state: State) -> Obj:
        """Runs the DAGs and keeps the proof in the cluster. Returns the report."""
        assert state.inspection is not None
        inspection = state.inspection
        password = self._password(state)
        self._await_idle(state, inspection)
        intent = plan(state.revision, inspection, state.runs, state.stored, self.ways.today())
        # Also marks the moment before the first worker: the API server replays from this resourceVersion what has happened to pods since.
        claim = self._keep(intent.claim())
        with self.ways.airflow(password) as airflow:
            try:
                found = self._run(airflow, intent, claim["metadata"]["resourceVersion"])
            except BaseException:
                self._pause(airflow, [dag for dag in intent.dags if dag not in intent.unpaused])
                raise
        report = build_report(self.wanted, state, inspection, intent.run_id, found.placements, found.strays, self.ways.today())
        self._keep({"subject": intent.subject, "report": document_of(report)})
        return report

    def _password(self, state: State) -> str:
        """Airflow's admin password, from the Secret that the collection makes."""
        platform = self.wanted.platform
        ref = Ref("Secret", platform.core_namespace, ADMIN)
        action = "See that the cluster answers and that this kubeconfig may read Secrets there; site.yml makes the Secret."
        try:
            secret = self.ways.api.find(core_path("secrets", platform.core_namespace, ADMIN))
            if secret is None:
                raise CollectionError(f"{ref} does not exist.", "Run site.yml, which makes it.", "no_admin_password")
            enforce(ownership_problems(self.wanted, state.application, [(ref, secret["metadata"])]))
            password = base64.b64decode(secret["data"]["password"]).decode()
        except ApiError as error:
            raise CollectionError(f"{ref} cannot be read: {error}", action, "no_admin_password") from error
        except (KeyError, TypeError, ValueError) as error:
            raise CollectionError(f"{ref} holds no password.", "Run site.yml, which makes it.", "no_admin_password") from error
        self.ways.hide(password)
        return password

    def _await_idle(self, state: State, inspection: Inspection) -> None:
        """Airflow is idle, and its migrations ran once."""
        ways, namespaces = self.ways, self.wanted.platform.namespaces
        end = ways.clock() + IDLE_SECONDS
        while True:
            workers = [pod for name in namespaces for pod in ways.api.items(core_path("pods", name), WORKERS_QUERY, whole=True)]
            left = idle_workers(inspection, workers, namespaces)
            if not left or ways.clock() >= end:
                break
            self._tell(f"worker pods of tasks that have ended are still there: {', '.join(left)}")
            ways.sleep(IDLE_POLL_SECONDS)
        enforce([*idle_problems(inspection, left), *migration_problems(self.wanted, state.application, inspection.schema)])

    def _keep(self, data: Mapping[str, str]) -> Obj:
        platform = self.wanted.platform
        kept = self.ways.api.apply(core_path("configmaps", platform.core_namespace, PROOF), configmap(platform, data), MANAGER)
        self.changed = True
        return kept

    def _run(self, airflow: Airflow, intent: Plan, since: str) -> Placement:
        """Starts each DAG, and waits until its worker has run where it should and the run has succeeded."""
        ways, deadline = self.ways, self.ways.clock() + self.wanted.timeout

        def left() -> float:
            return max(0.0, deadline - ways.clock())

        self._tell(f"starting {', '.join(run.dag_id for run in intent.runs)} as run {intent.run_id}")
        for run in intent.runs:
            self._carry_out(airflow, RunRequest(run.dag_id, intent.run_id, unpause=True, wait=False, timeout=left()))
        expected = [Expectation(run.dag_id, intent.run_id, run.namespace, run.task_id) for run in intent.runs]
        request = PlacementRequest(expected, since=since, timeout=left())
        found = await_placement(ways.api, request, ways.clock, ways.sleep, ways.progress(), self._start)
        self.notices += found.notices
        if found.verdict.kind != "done":
            action = f"Look at these DAG runs and their logs in Airflow's UI (run {intent.run_id}), correct the cause, and verify again."
            raise CollectionError(f"The workers did not run where they should. {explain(request, found)}", action, "placement")
        problems = []
        for run in intent.runs:
            paused = run.dag_id not in intent.unpaused
            outcome = self._carry_out(airflow, RunRequest(run.dag_id, intent.run_id, paused_after=paused, timeout=left()))
            problems += task_problems(run, found.placements, outcome.task_instances)
        enforce(problems)
        self._pause(airflow, intent.leftovers)
        return found

    def _carry_out(self, airflow: Airflow, request: RunRequest) -> Outcome:
        work = DagRun(airflow, request, self.ways.clock, self.ways.sleep, self.ways.progress())
        if not request.wait:
            self.started.append(request.dag_id)
        outcome = work.carry_out()
        self.notices += outcome.warnings
        if outcome.error:
            raise CollectionError(str(outcome.error), "Correct the cause, and verify again.", "dag_run")
        return outcome

    @staticmethod
    def _pause(airflow: Airflow, dag_ids: Sequence[str]) -> None:
        """Pauses DAGs again as well as it can: the claim says so to the next attempt, too."""
        for dag_id in dag_ids:
            with suppress(CollectionError):
                airflow.set_paused(dag_id, True)

    def _tell(self, text: str) -> None:
        self._announced = self._announced or self.ways.progress()
        self._announced.tell(self.ways.clock() - self._start, "", "waiting", text)


def carry_out(verification: Verification) -> tuple[State, Mapping[str, Any], bool]:
    """The whole of it: the state, the report (empty where nothing is proven), and whether DAGs were, or would be, run."""
    state = verification.look()
    if not verification.check:
        enforce(state.problems)
    if state.proven:
        return state, state.stored.report, False
    if verification.check or not state.runs:
        return state, {}, bool(state.runs)
    return state, verification.prove(state), True
