# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which NetworkPolicies a run applies and which it deletes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_policies import (
    NONE,
    STRICT,
    Around,
    definitions,
    purpose,
    reaches_everywhere,
    ref_of,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_ranges import Network
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings

OPEN = (
    "Airflow and Argo CD may reach any address at the ports 443 and 6443, because the addresses of the API server cannot be read. "
    "Next: let this account list endpointslices.discovery.k8s.io in the namespace default."
)


OPEN_TO_WORKERS = (
    "Workers in {} may reach any address at the ports 443 and 6443, because the addresses of the API server cannot be read. "
    "Next: let this account list endpointslices.discovery.k8s.io in the namespace default."
)


@dataclass
class NetworkPlan:
    """``found``: the platform's policies in the cluster. ``unused``: those of them that this run deletes. ``lifted``: those at once.

    ``gaps``: what tasks reach although they should not. ``notes``: what changes for users.
    """

    definitions: list[dict[str, Any]] = field(default_factory=list)
    found: list[Ref] = field(default_factory=list)
    unused: list[Ref] = field(default_factory=list)
    lifted: list[Ref] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        refs = {name: [ref.as_dict() for ref in getattr(self, name)] for name in ("found", "unused", "lifted")}
        return {**vars(self), **refs}


def network_plan(
    given: Settings,
    network: Network | None,
    found: Sequence[Ref],
    *,
    made: Collection[str],
    known: Iterable[str],
    parts: Iterable[str],
    in_use: bool,
) -> NetworkPlan:
    """``network``: None if nothing is applied. ``made``, ``known``, ``parts``: as in Around. ``in_use``: whether Airflow runs already."""
    plan = NetworkPlan(found=sorted(found))
    levels = given.network_levels
    if levels == {NONE}:
        plan.unused = plan.lifted = plan.found
    if given.airflow is None or levels == {NONE} or network is None:
        return plan
    around = Around(frozenset(made), frozenset(known), network.ranges, network.dns, network.api, frozenset(parts))
    plan.definitions = definitions(given, around)
    wanted = {ref_of(item) for item in plan.definitions}
    plan.unused = [ref for ref in plan.found if ref not in wanted]
    purposes = {purpose(ref) for ref in wanted}
    plan.lifted = [ref for ref in plan.unused if purpose(ref) not in purposes]
    plan.gaps = list(network.gaps) if reaches_everywhere(plan.definitions) else []
    strict = STRICT in (given.network_policy, given.network_level(given.core_namespace))
    fenced = [str(name) for name in given.pod_operators if given.network_level(name) != NONE]
    if not network.api:
        plan.gaps += [OPEN] if strict else []
        plan.gaps += [OPEN_TO_WORKERS.format(named(fenced))] if fenced else []
    if in_use and not plan.found:
        plan.notes = [_announcement(given)]
    return plan


def _announcement(given: Settings) -> str:
    reached, where = "only what the platform needs", ""
    if given.network_policy != STRICT:
        reached = "no other pods, Services and nodes of this cluster"
    if any(entry.get("network_policy") for entry in given.profiles):
        where = ", except in worker namespaces with another network_policy"
    if given.network_policy == NONE:
        names = [str(name) for name in given.worker_namespaces if given.network_level(name) != NONE]
        return f"From now on NetworkPolicies limit what pods in {', '.join(names)} reach, and what reaches them (network_policy)."
    return (
        f"From now on tasks reach {reached}, and other pods do not reach the platform's{where}. Connections that your DAGs need go into "
        "platform_task_egress. platform_network_policy: none leaves the network open."
    )
