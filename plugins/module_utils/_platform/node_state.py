# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the cluster's nodes could take the pods of the platform, and what follows. Pure but for read()."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform import placement_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import TOLERATIONS, at, entries, mapping
from ansible_collections.gitops.airflow.plugins.module_utils._platform.core_values import core_values
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_ranges import permitted
from ansible_collections.gitops.airflow.plugins.module_utils._platform.node_fit import Fit, fit, selects
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_limits import worker_pod
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_namespaces import placement

Obj = Mapping[str, Any]

# Options that choose nodes.
CHOOSING = ("node_selector", "tolerations", "affinity")


@dataclass(frozen=True)
class Nodes:
    """``items`` is None if this account may not list nodes. ``volume``: MySQL's, if it is bound and core pods have a placement."""

    items: tuple[Obj, ...] | None = ()
    volume: Obj | None = None


@dataclass(frozen=True)
class Group:
    """Pods that need a node. ``options``: what chooses it. ``required``: whether a node must exist now."""

    pods: str
    options: str
    pod: Obj = field(default_factory=dict)
    required: bool = False


def groups(given: Settings, airflow: AirflowSettings) -> Iterator[Group]:
    """The pods for which people choose nodes."""
    for entry in given.profiles:
        closed = entry["name"] == given.core_namespace and not airflow.core_tasks
        if closed or not (entry.get("require_node") or any(entry.get(option) for option in CHOOSING)):
            continue
        name = entry["name"]
        options = f"node_selector, tolerations and affinity of {name} in platform_worker_namespaces"
        yield Group(
            f"worker pods of {name}", options, _merged(worker_pod(airflow.values), placement(entry)), bool(entry.get("require_node"))
        )
    if any(airflow.core_placement.get(option) for option in CHOOSING):
        yield Group("Airflow's own pods", "airflow_app_core_placement", _core_pod(airflow))


def _merged(template: Obj, profile: Obj) -> dict[str, Any]:
    """As the cluster policy gives a profile to a pod (airflow_local_settings.py).

    The template is people's. What has another form in it is the API server's to refuse, so no node is judged by it.
    """
    affinity = template.get("affinity") or {}
    known = {} if any(placement_rules.affinity(affinity)) else affinity
    tolerations = [item for item in entries(template.get("tolerations")) if isinstance(item, Mapping)]
    return {
        "nodeSelector": {**mapping(template.get("nodeSelector")), **(profile.get("nodeSelector") or {})},
        "tolerations": [*tolerations, *(profile.get("tolerations") or [])],
        "affinity": {**known, **(profile.get("affinity") or {})},
    }


def _core_pod(airflow: AirflowSettings) -> dict[str, Any]:
    """The specification of MySQL's pod: what people set for a component of the chart alone is that component's."""
    found = core_values(airflow.core_placement, airflow.values)
    return {"tolerations": at(airflow.values, "tolerations") or TOLERATIONS, **found}


def read(api: KubeApi, given: Settings, claim: str) -> Nodes | None:
    """None if people choose no nodes. ``claim``: the name of MySQL's. Raises ApiError where the cluster does not answer at all."""
    airflow = given.airflow
    if airflow is None or not any(True for _group in groups(given, airflow)):
        return None
    items = permitted(partial(api.items, core_path("nodes"), whole=True))
    volume = None
    if any(airflow.core_placement.get(option) for option in CHOOSING):
        bound = permitted(partial(api.find, core_path("persistentvolumeclaims", str(given.core_namespace), claim)))
        name = at(bound, "spec", "volumeName")
        volume = permitted(partial(api.find, core_path("persistentvolumes", name=name))) if name else None
    return Nodes(None if items is None else tuple(items), volume)


def _unfit(found: Nodes | None, given: Settings, airflow: AirflowSettings) -> Iterator[tuple[Group, Fit]]:
    if found is None or found.items is None:
        return
    for group in groups(given, airflow):
        result = fit(found.items, group.pod)
        if not result.fitting:
            yield group, result


def _must(group: Group, given: Settings) -> bool:
    """A kind cluster gets no further nodes."""
    return group.required or given.provider == "kind"


def notes(found: Nodes | None, given: Settings, airflow: AirflowSettings) -> Iterator[str]:
    if found is not None and found.items is None:
        names = ", ".join(group.pods for group in groups(given, airflow))
        yield f"Whether a node can take {names} was not checked, because this account may not list nodes."
    for group, result in _unfit(found, given, airflow):
        if not _must(group, given):
            yield (
                f"No node can take {group.pods} now: {result.text} They wait until the cluster has such a node. If it does not add one by "
                f"itself, correct {group.options}."
            )


def refusals(found: Nodes | None, given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    for group, result in _unfit(found, given, airflow):
        if _must(group, given):
            waits = "" if given.provider == "kind" else ", or set require_node to false if the cluster adds nodes by itself"
            yield Refusal(
                "no_node",
                group.pods,
                "a node can take the pods for which a node is chosen",
                f"No node can take {group.pods} now: {result.text}",
                f"Label a node or remove its taint, or correct {group.options}{waits}.",
            )
    if found is not None and found.volume is not None:
        yield from _volume(found.volume, found.items or (), airflow)


def _volume(volume: Obj, nodes: tuple[Obj, ...], airflow: AirflowSettings) -> Iterator[Refusal]:
    """A local volume stays on its node, and MySQL with it."""
    required = at(volume, "spec", "nodeAffinity", "required")
    reachable = [node for node in nodes if required is not None and selects(required, node)]
    result = fit(reachable, _core_pod(airflow))
    if reachable and not result.fitting:
        names = ", ".join(sorted(result.reasons))
        yield Refusal(
            "mysql_volume",
            names,
            "MySQL can run where its volume is",
            f"MySQL's volume {at(volume, 'metadata', 'name')} can be used on {names} alone, where airflow_app_core_placement does not let "
            f"its pod run: {result.text} MySQL would not start again.",
            f"Let airflow_app_core_placement take {names}, or move the volume's data first.",
        )
