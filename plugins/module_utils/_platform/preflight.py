# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what is set for a platform, reads the present state of the cluster once, and asks the external repositories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError, LibraryMissing
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once
from ansible_collections.gitops.airflow.plugins.module_utils._platform import (
    admission_state,
    argocd_state,
    chart_repository,
    class_state,
    cluster_proxies,
    copies,
    network_policies,
    network_ranges,
    network_rules,
    node_ports,
    node_state,
    profile_rules,
    proxy_rules,
    pull_copies,
    references,
    repository_rules,
    rights_read,
    rights_rules,
    rules,
    storage_state,
    value_rules,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform import plan as plans
from ansible_collections.gitops.airflow.plugins.module_utils._platform.git_accounts import token_options
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import (
    GENERATED,
    RECORD,
    Obj,
    Ref,
    Sight,
    decide,
    former_names,
    planned_refs,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import OwnershipRead, read_users
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Repository, Settings

INSTALL, USE, REMOVE = "install", "use", "remove"
# What to do about an answer of the API server, or none, by its HTTP status.
API_ACTIONS = {
    -1: "Set platform_kubeconfig to an existing kubeconfig file, and platform_context to a context in it.",
    0: "Check that the cluster runs, and that this machine reaches the API server that platform_context names.",
    401: "Renew the credentials in platform_kubeconfig, or choose another platform_context.",
    403: "Grant this right to the account of platform_context: every role reads the state of the cluster first.",
}


@dataclass
class Outcome:
    """What was found out.

    ``complete``: the cluster answered, and Airflow's settings were given. ``absent``: it does not exist, and need not.
    ``asked``: the external repositories were asked. ``narrow``: the account may look only into the platform's namespaces.
    """

    reachable: bool = False
    complete: bool = False
    absent: bool = False
    asked: bool = False
    narrow: bool = False
    refusals: list[Refusal] = field(default_factory=list)
    plan: plans.Plan = field(default_factory=plans.Plan)
    repositories: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_state(api: KubeApi, given: Settings, *, network: bool = False) -> plans.State:
    """Reads the cluster, with ``network`` also the ranges of its addresses.

    Raises ApiError, CollectionError for a record of Argo CD that cannot be read.
    """
    platform = given.owner()
    read = OwnershipRead(api, platform)
    sight = read.read()
    state = plans.State(sight, decide(sight, platform))
    if given.airflow is None:
        return state
    if network and given.network_levels != {network_policies.NONE}:
        state.network = network_ranges.learn(network_ranges.read(api), given.network_ranges)
    core, secret = given.core_namespace, given.airflow.logs.secret if given.airflow.logs.mode == "s3" else ""
    wanted = [
        Ref("AppProject", given.argocd_namespace, given.project),
        Ref("Deployment", core, "airflow-scheduler"),
        Ref("Secret", core, GENERATED),
        *([Ref("Secret", core, secret)] if secret else []),
    ]
    # The look at the owners has found out which of the objects with names of the platform's exist.
    there = {item["name"] for item in sight.namespaces}
    missing = set(planned_refs(platform)) - {item.ref for item in sight.planned}
    found = at_once(lambda ref: read.whole(ref) if ref.namespace in there and ref not in missing else None, wanted)
    state.project, state.scheduler = found[:2]
    state.generated, state.bucket = _keys(found[2]), _keys(found[3]) if secret else None
    state.claim = state.generated is None and core in there and read.one(Ref("PersistentVolumeClaim", core, plans.CLAIM)) is not None
    return state


def read_copies(api: KubeApi, given: Settings, sight: Sight) -> copies.Standing:
    """What is copied to the worker namespaces, and what these have under the same names. Raises ApiError."""
    if given.airflow is None:
        return copies.Standing()
    there, read = {item["name"] for item in sight.namespaces}, OwnershipRead(api, given.owner())
    sources, targets = copies.sources(given, given.airflow), copies.targets(given, given.airflow)
    seen = {item.ref: item for item in sight.labelled}
    open_targets = [ref for ref in targets if ref.namespace in there and ref not in seen]
    live = at_once(lambda ref: read.whole(ref) if ref.namespace in there else None, sources)
    seen |= {item.ref: item for item in at_once(read.one, open_targets) if item is not None}
    return copies.Standing(
        {ref: None if item is None else copies.source_of(item) for ref, item in zip(sources, live, strict=True)},
        {ref: seen[ref].metadata if ref in seen else None for ref in targets},
    )


def read_pull_secrets(api: KubeApi, given: Settings, sight: Sight) -> pull_copies.PullSecrets:
    """The Secrets that platform_pull_secrets names, without their values, and what has the names of their copies. Raises ApiError."""
    there, read = {item["name"] for item in sight.namespaces}, OwnershipRead(api, given.owner())
    sources = [ref for ref in pull_copies.sources(given) if ref.namespace in there]
    seen = {item.ref: item for item in sight.labelled}
    open_targets = [ref for ref in copies.pull_targets(given) if ref.namespace in there and ref not in seen]
    live = at_once(read.whole, sources)
    seen |= {item.ref: item for item in at_once(read.one, open_targets) if item is not None}
    return pull_copies.PullSecrets(
        {ref: None if item is None else copies.source_of(item) for ref, item in zip(sources, live, strict=True)},
        {ref: seen[ref].metadata if ref in seen else None for ref in copies.pull_targets(given)},
    )


def read_named(api: KubeApi, given: Settings, sight: Sight, read_before: copies.Standing | None = None) -> dict[Ref, frozenset[str] | None]:
    """The keys of what people's chart values name, in namespaces that exist, also where the log store needs it. Raises ApiError."""
    sources = read_before.sources if read_before else {}
    if given.airflow is None:
        return {}
    there = {item["name"] for item in sight.namespaces}
    named_there = (*references.wanted(given, given.airflow), *references.of_log_store(given, given.airflow))
    wanted = [ref for ref in named_there if ref.namespace in there]
    named = [ref for ref in wanted if ref not in sources]
    read = OwnershipRead(api, given.owner())
    found = dict(zip(named, at_once(lambda ref: _keys(read.whole(ref)), named), strict=True))
    return found | {ref: None if source is None else source.keys for ref, source in sources.items() if ref in wanted}


def _keys(found: Obj | None) -> frozenset[str] | None:
    """The keys of a Secret or ConfigMap."""
    return None if found is None else copies.keys_of(found)


def api_refusal(error: ApiError) -> Refusal:
    """Why the state of the cluster cannot be read. What to do names the roles' variables where the status says enough."""
    return Refusal(
        error.code,
        str(error.status),
        "the state of the cluster can be read",
        f"The state of the cluster cannot be read. {error.message}",
        API_ACTIONS.get(error.status) or error.next_action or "Read the log of the API server, and run the same command again.",
    )


class Preflight:
    """One look. ``connect`` opens the API, ``ask`` reads a branch and returns its commit or a refusal, ``get`` reads a URL."""

    def __init__(
        self,
        given: Settings,
        connect: Callable[[], KubeApi],
        ask: Callable[[dict[str, Any]], str | Refusal],
        *,
        purpose: str = INSTALL,
        kubeconfig: Any = None,
        context: str = "",
        absent_ok: bool = False,
        get: chart_repository.Get | None = None,
    ) -> None:
        self._get = get
        self._given, self._connect, self._ask, self._purpose = given, connect, ask, purpose
        self._kubeconfig, self._context, self._absent_ok = kubeconfig, context, absent_ok

    def run(self, *, cluster: bool = True, repositories: bool = True) -> Outcome:
        """Refusals of all kinds together. Raises LibraryMissing."""
        given = self._given
        outcome = Outcome(plan=plans.Plan(application=given.owner().application, git_accounts=token_options(given)))
        outcome.refusals = rules.broken(rules.PLATFORM, given)
        known = not rules.broken(rules.IDENTITY, given)
        airflow = None if self._purpose == REMOVE else given.airflow
        open_repositories: list[Repository] = []
        if airflow:
            outcome.refusals += value_rules.broken(given, airflow)
            outcome.warnings += value_rules.warnings(given, airflow)
            for repo in airflow.repositories:
                found = repository_rules.repository(given, airflow, repo)
                outcome.refusals += found
                open_repositories += [repo] if not found and self._is_asked(repo, airflow) else []
            outcome.refusals += [
                *repository_rules.publishing(airflow),
                *repository_rules.logs(given, airflow),
                *chart_repository.rules(airflow.chart),
            ]
        if cluster and known:
            self._look(outcome)
        if repositories and airflow and known and self._purpose == INSTALL:
            self._ask_all(outcome, airflow, open_repositories)
            refusals, warnings = chart_repository.check(airflow.chart, given.provider, self._get, self._argocd_proxies())
            outcome.refusals += refusals
            outcome.warnings += warnings
        return outcome

    def _argocd_proxies(self) -> dict[str, str]:
        """An Argo CD of others has its own. Proxies that are refused are not used."""
        given = self._given
        usable = not given.existing_argocd and not rules.broken(proxy_rules.RULES, given)
        return cluster_proxies.by_scheme(given.proxies, given.network_ranges) if usable else {}

    @staticmethod
    def _is_asked(repo: Repository, airflow: AirflowSettings) -> bool:
        """The embedded repositories are the platform's own: they are made, not asked."""
        return not repo.embedded and (repo.kind == "platform" or airflow.dags_check)

    def _look(self, outcome: Outcome) -> None:
        given = self._given
        wrong = list(rules.kubeconfig(self._kubeconfig, given, self._context))
        outcome.refusals += wrong
        if wrong:
            return
        try:
            api = self._connect()
            # Without Airflow's settings it is not known which rights a run needs.
            checked = self._purpose != USE and given.airflow is not None
            access = rights_read.read(api, given, check=checked, remove=self._purpose == REMOVE)
            outcome.narrow = access.view is not None
            if access.missing:
                outcome.refusals.append(rights_rules.refusal(access.missing, access.account))
                return
            whole, api = api, rights_read.limited(api, access.view)
            outcome.warnings += access.notes if self._purpose == INSTALL else []
            fenced = self._purpose == INSTALL and not rules.broken(network_rules.RULES, given)
            state = read_state(api, given, network=fenced)
            if self._purpose == INSTALL:
                state.copies = read_copies(api, given, state.sight)
                state.pulls = read_pull_secrets(api, given, state.sight)
                state.storage = storage_state.read(api, given, [str(item["name"]) for item in state.sight.namespaces])
                state.named = read_named(api, given, state.sight, state.copies)
                if self._is_well_formed():
                    state.nodes, state.classes = node_state.read(api, given, plans.CLAIM), class_state.read(api, given)
                state.admission = admission_state.read(api, given)
                state.argocd = argocd_state.read(api, given, state.sight, state.project)
                state.node_ports = node_ports.read(whole, given)
            if self._purpose == REMOVE:
                state.argocd_users = [] if given.existing_argocd else read_users(api)
                state.argocd = argocd_state.for_removal(given, state.sight)
        except LibraryMissing:
            raise
        except ApiError as error:
            outcome.absent = self._absent_ok and error.status <= 0
            outcome.refusals += [] if outcome.absent else [api_refusal(error)]
            return
        except CollectionError as error:
            outcome.refusals.append(Refusal(error.code, RECORD, "the record of Argo CD can be read", error.message, error.next_action))
            return
        outcome.reachable, outcome.complete = True, given.airflow is not None
        outcome.plan = plans.make_plan(state, given)
        outcome.warnings += outcome.plan.network.gaps
        if self._purpose == REMOVE:
            outcome.refusals += [*former_names(state.sight, given.owner()), *argocd_state.own(state.decision, given)]
            # Without Airflow's settings the Application's name is not known.
            outcome.refusals += plans.moved_argocd(state, outcome.plan, given) if given.airflow else []
            return
        outcome.warnings += argocd_state.warnings(state.argocd, given)
        others = [refusal for refusal in state.decision.refusals if self._purpose == INSTALL or refusal.code != "tasks_run"]
        outcome.refusals += others
        # What is wrong inside another's cluster is not this platform's concern.
        if given.airflow and self._purpose == INSTALL and all(refusal.code == "tasks_run" for refusal in others):
            outcome.refusals += plans.refusals(state, outcome.plan, given, given.airflow)
            outcome.plan.notes += references.notes(given, given.airflow, state.named, list(outcome.plan.namespaces))
            outcome.plan.notes += pull_copies.notes(given, list(outcome.plan.namespaces))
            outcome.plan.notes += storage_state.notes(state.storage, given)
            outcome.plan.notes += node_ports.notes(state.node_ports, given)

    def _is_well_formed(self) -> bool:
        """Whether what people set for pods can be compared with the cluster: its nodes and classes."""
        given = self._given
        return given.airflow is not None and not rules.broken(profile_rules.RULES, given) and not value_rules.broken(given, given.airflow)

    def _ask_all(self, outcome: Outcome, airflow: AirflowSettings, asked: Sequence[Repository]) -> None:
        requests = [self._request(repo, airflow, outcome) for repo in asked]
        commits = dict(zip((repo.kind for repo in asked), at_once(self._ask, requests), strict=True))
        outcome.asked = True
        outcome.refusals += [found for found in commits.values() if isinstance(found, Refusal)]
        for repo in airflow.repositories:
            commit = commits.get(repo.kind, "")
            outcome.repositories.append(
                {"name": repo.kind, "embedded": repo.embedded, "commit": "" if isinstance(commit, Refusal) else commit}
            )

    def _request(self, repo: Repository, airflow: AirflowSettings, outcome: Outcome) -> dict[str, Any]:
        """The options of git_branch_info, after with_credentials."""
        request: dict[str, Any] = {
            **self._given.git_options(repo),
            "credentials": repo.credentials,
            "push": airflow.pushes_to(repo),
            "folders": [airflow.subpath] if repo.kind == "dags" else [],
        }
        # The Application that uses the folder proves that an older version wrote it for this platform.
        if repo.kind == "platform" and (outcome.reachable or outcome.absent):
            request["owner"] = plans.folder_owner(outcome.plan, self._given, airflow)
        return request
