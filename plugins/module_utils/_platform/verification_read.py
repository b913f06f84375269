# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a platform and judges it. API, Airflow, clock and sleep are handed in."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import Inspection
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.diagnosis import quoted
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.verdict import Expectation
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait import ApplicationWait, Request
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, sentence
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import ThreadInbox, follow, stream
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import enforce
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification import (
    PROOF,
    Wanted,
    chosen_runs,
    read_stored,
    recalled,
    subject,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_report import State
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_rules import (
    CORE_QUERY,
    UNCHANGED,
    core_pods,
    ownership_problems,
    platform_problems,
)

if TYPE_CHECKING:
    from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_run import Api as Airflow

Obj = dict[str, Any]

APPLICATION_SECONDS = 120.0


class Pod(Protocol):
    """A pod that has the DAG files (_airflow/inspection.py)."""

    def inspect(self, dag_ids: Sequence[str]) -> Inspection: ...

    def dags_commit(self, link: str) -> str: ...


@dataclass(frozen=True)
class Ways:
    """How a verification reaches what it needs. ``progress`` opens a new one for each wait; ``hide`` is given each secret that is read."""

    api: KubeApi
    open_pod: Callable[[str, str], Pod]  # by the pod's name and component
    airflow: Callable[[str], AbstractContextManager[Airflow]]  # by the admin's password
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    today: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)
    progress: Callable[[], Progress] = Progress
    hide: Callable[[str], None] = lambda _secret: None


@dataclass
class Verification:
    """One verification. Its methods raise CollectionError: of requests, and of broken rules."""

    ways: Ways
    wanted: Wanted
    check: bool = False
    search: bool = False  # for other platforms, in the whole cluster
    notices: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)  # DAGs of which runs were started
    changed: bool = False

    def __post_init__(self) -> None:
        self.start = self.ways.clock()
        self._announced: Progress | None = None

    def look(self) -> State:
        """Looks at the platform and judges it. A check meets the platform before what it would change, so there rules are not enforced.

        Whose the platform is, is decided first: nothing is executed in, or written to, what belongs to another.
        """
        api, core = self.ways.api, self.wanted.platform.core_namespace
        if self.search:
            self._search()
        proof = api.find(core_path("configmaps", core, PROOF))
        # Containers that have just started settle while the DAGs run.
        starting = Expectation(settled=False)
        application, row = self._ready_application(starting, [(Ref("ConfigMap", core, PROOF), proof and proof["metadata"])])
        found = api.items(core_path("pods", core), CORE_QUERY, whole=True) if application else []
        pods = core_pods(found)
        counted = tuple(pod for pod in found if pod["metadata"]["name"] in pods.names)
        state = State(application or {}, row, pods, read_stored(proof), core=counted)
        if pods.scheduler:
            return self._asked(state)
        if self.check:
            return state
        action = f"Inspect the pods there: kubectl -n {core} get pods."
        raise CollectionError(f"No scheduler of Airflow runs in {core}.", action, "no_scheduler")

    def _search(self) -> None:
        """Refuses a cluster that another platform or another Argo CD uses. Running tasks are not a reason: nothing is upgraded here."""
        from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import decide
        from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import OwnershipRead

        platform = self.wanted.platform
        found = decide(OwnershipRead(self.ways.api, platform).read(), platform).refusals
        enforce([refusal for refusal in found if refusal.code != "tasks_run"], UNCHANGED)

    def _asked(self, state: State) -> State:
        """The state with what Airflow says of itself; where the same pod has said it for this proof, only the DAGs' commit is read."""
        pod, asked = self.ways.open_pod(*state.pods.asked), [run.dag_id for run in self.wanted.runs]
        if before := recalled(state.stored, state.pods.scheduler_uid, asked):
            now = replace(before, dags_commit=pod.dags_commit(before.dags_link))
            if (known := self._judged(state, now)).proven:
                return known
        self.tell("asking the running Airflow for its version and configuration")
        return self._judged(state, pod.inspect(asked))

    def _judged(self, state: State, inspection: Inspection) -> State:
        runs = chosen_runs(self.wanted, inspection.present)
        same = state.stored.subject == subject(state.deployed, inspection.dags_commit, runs)
        problems = tuple(platform_problems(self.wanted, inspection, state.pods))
        return replace(state, inspection=inspection, runs=runs, proven=same and bool(state.stored.report), problems=problems)

    def settle(self) -> None:
        """Waits until the Application is Synced and Healthy, and what has just started has run for a while: the end of a verification."""
        self._ready_application(Expectation())

    def _ready_application(
        self, expect: Expectation, others: Sequence[tuple[Ref, Obj | None]] = ()
    ) -> tuple[Obj | None, Mapping[str, Any]]:
        """Waits until the platform's Application is Synced and Healthy. A check looks once, and accepts that it does not exist."""
        ways, platform, start = self.ways, self.wanted.platform, self.ways.clock()
        request = Request(platform.argocd_namespace, (platform.application,), default=expect)
        wait = ApplicationWait(ways.api, request, start, ways.progress(), ways.today)
        changes = stream(ways.api, request.source(), ways.clock, ways.sleep)
        first = [(0, next(changes))]
        for application in first[0][1].objects:
            enforce(ownership_problems(self.wanted, application, others), UNCHANGED)
        if self.check:
            verdict, timed_out = wait.step(first, ways.clock()), False
        else:
            end = start + APPLICATION_SECONDS
            verdict, timed_out = follow(first, ThreadInbox([changes], ways.clock), wait.step, end)
        self.notices += wait.notices
        (row,) = wait.results()
        if verdict.kind == "done" or self.check:
            return wait.apps[platform.application], row
        diagnosis = wait.diagnosis(timed_out)
        words = quoted(diagnosis)
        what = f"is not Synced and Healthy within {APPLICATION_SECONDS:g} s" if timed_out else "cannot become Synced and Healthy"
        message = sentence(f"The Application {what}: {verdict.reason}")
        action = " ".join(dict.fromkeys(item["next_action"] for item in diagnosis))
        raise CollectionError(f"{message}\n{words}" if words else message, action, "application_not_ready")

    def tell(self, text: str) -> None:
        """Shows what goes on."""
        self._announced = self._announced or self.ways.progress()
        self._announced.tell(self.ways.clock() - self.start, "", "waiting", text)
