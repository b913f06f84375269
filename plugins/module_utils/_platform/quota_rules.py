# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas and LimitRanges by which the API server would refuse every worker of a namespace. Pure: settings in, refusals out.

Rules: Kubernetes' pkg/quota/v1/evaluator/core/pods.go (each container needs what a quota counts of cpu and memory) and
plugin/pkg/admission/limitranger (defaults, then minimum, maximum and ratio). Airflow 2.6 would try such a pod again for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ansible.module_utils.common.dict_transformations import dict_merge
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._platform import pod_profile, profile_rules, references
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at, entries
from ansible_collections.gitops.airflow.plugins.module_utils._platform.forms import amount
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_namespaces import CONTAINER, limit_range

# Resources of a worker's containers by the platform's own values: values.yaml.j2.
TASK = {"requests": {"cpu": "50m", "memory": "256Mi"}}
GIT_SYNC = {"requests": {"cpu": "10m", "memory": "32Mi"}}
# What a quota counts of each container, by its names: the kind of amount, and the resource.
NEEDED = {f"{kind}.{resource}": (kind, resource) for kind in pod_profile.KINDS for resource in ("cpu", "memory")}
NEEDED |= {resource: ("requests", resource) for resource in ("cpu", "memory")}

Amounts = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Container:
    name: str
    resources: Amounts
    init: bool = False


def _more(one: str, other: str) -> bool:
    first, second = amount(one), amount(other)
    return first is not None and second is not None and first > second


def containers(values: Any, entry: Mapping[str, Any]) -> list[Container]:
    """The containers of a worker whose task asks for nothing. Empty where only Helm knows them."""
    found = list(_of_template(values) if at(values, "podTemplate") else _of_values(values))
    own = pod_profile.plain(entry.get("resources"))
    return [
        Container(item.name, pod_profile.merged_resources([item.resources, own], _more)) if item.name == pod_profile.BASE else item
        for item in found
    ]


def _merged(default: Amounts, values: Any) -> Amounts:
    return pod_profile.plain(dict_merge(default, values if isinstance(values, dict) else {}))


def _container(item: Any, init: bool = False) -> Iterator[Container]:
    if isinstance(item, Mapping):
        yield Container(str(item.get("name")), pod_profile.plain(item.get("resources")), init)


def _of_template(values: Any) -> Iterator[Container]:
    template = references.parsed(at(values, "podTemplate"))
    for key, init in (("containers", False), ("initContainers", True)):
        for item in entries(at(template, "spec", key)):
            yield from _container(item, init)


def _of_values(values: Any) -> Iterator[Container]:
    workers, dags = at(values, "workers"), at(values, "dags")
    yield Container(pod_profile.BASE, _merged(TASK, at(workers, "resources")))
    if at(dags, "gitSync", "enabled") is not False and not at(dags, "persistence", "enabled"):
        yield Container("git-sync-init", _merged(GIT_SYNC, at(dags, "gitSync", "resources")), True)
    for part, name, init in (("kerberosSidecar", "worker-kerberos", False), ("kerberosInitContainer", "kerberos-init", True)):
        if at(workers, part, "enabled"):
            yield Container(name, pod_profile.plain(at(workers, part, "resources")), init)
    for part, init in (("extraContainers", False), ("extraInitContainers", True)):
        for item in entries(at(workers, part)):
            yield from _container(item, init)


def completed(resources: Amounts, limits: Sequence[Mapping[str, Any]]) -> Amounts:
    """What a container has in the end: a limit means a request, then a LimitRange fills in what is missing."""
    found = {kind: dict(resources.get(kind, {})) for kind in pod_profile.KINDS}
    found["requests"] = {**found["limits"], **found["requests"]}
    for item in limits:
        if item["type"] == CONTAINER:
            for kind, key in (("limits", "default"), ("requests", "defaultRequest")):
                found[kind] = {**item.get(key, {}), **found[kind]}
    return found


def _sum(parts: Sequence[Container], kind: str, resource: str) -> Decimal | None:
    """How much of a resource a pod has: the sum of its containers, or one init container if that has more. None if no container says it."""
    amounts = [(item.init, amount(item.resources[kind][resource])) for item in parts if resource in item.resources[kind]]
    known = [(init, value) for init, value in amounts if value is not None]
    together = sum((value for init, value in known if not init), Decimal(0))
    return max([together, *(value for _init, value in known)]) if amounts else None


def _text(value: Decimal) -> str:
    """As people write it: 150m, 288Mi."""
    mebi = 2**20
    if value >= mebi and not value % mebi:
        return f"{value / mebi:f}Mi"
    return f"{(value * 1000).normalize():f}m" if value % 1 else f"{value.normalize():f}"


def _lacking(parts: Sequence[Container], quota: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for counted in quota:
        kind, resource = NEEDED.get(counted, ("", ""))
        names = [item.name for item in parts if kind and resource not in item.resources[kind]]
        if names:
            yield (
                f"counts {counted}, but {named(names)} of a worker {'has' if len(names) == 1 else 'have'} no {kind} of {resource}",
                resource,
            )


def _too_large(parts: Sequence[Container], quota: Mapping[str, Any]) -> Iterator[str]:
    for counted, hard in quota.items():
        kind, resource = NEEDED.get(counted, ("", ""))
        asked, most = _sum(parts, kind, resource) if kind else None, amount(hard)
        if asked is not None and most is not None and asked > most:
            yield f"allows {counted}: {hard}, but one worker has {kind} of {_text(asked)}"


def _outside(parts: Sequence[Container], item: Mapping[str, Any]) -> Iterator[str]:
    """What one item of a LimitRange does not allow."""
    if item["type"] == CONTAINER:
        judged = [(container.name, [container]) for container in parts]
    elif item["type"] == "Pod":
        judged = [("a worker's pod", list(parts))]
    else:
        return
    for name, group in judged:
        for key, kind, sign in (("min", "requests", -1), ("max", "limits", 1)):
            for resource, bound in item.get(key, {}).items():
                asked, enforced = _sum(group, kind, resource), amount(bound)
                if asked is None:
                    yield f"has {key} {bound} of {resource}, but {name} has no {kind} of it"
                elif enforced is not None and (asked - enforced) * sign > 0:
                    yield f"has {key} {bound} of {resource}, but {name} has {kind} of {_text(asked)}"
        for resource, ratio in item.get("maxLimitRequestRatio", {}).items():
            asked, limit, most = _sum(group, "requests", resource), _sum(group, "limits", resource), amount(ratio)
            if not asked or limit is None or (most is not None and limit / asked > most):
                yield f"has maxLimitRequestRatio {ratio} of {resource}, which {name} does not keep"


def quotas(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    for entry in given.profiles:
        quota, limits = entry.get("quota") or {}, entry.get("limits") or []
        if any(profile_rules.problems(entry)):
            continue
        items = limit_range(limits)
        parts = [Container(item.name, completed(item.resources, items), item.init) for item in containers(airflow.values, entry)]
        if not parts:
            continue
        lacking = list(_lacking(parts, quota))
        problems = [f"The quota {why}." for why, _resource in lacking]
        problems += [f"The quota {why}." for why in _too_large(parts, quota)]
        problems += [f"limits {why}." for item in items for why in _outside(parts, item)]
        if problems:
            yield Refusal(
                "worker_quota",
                str(entry["name"]),
                "a quota and limits of a worker namespace let a worker start",
                f"In {entry['name']} of platform_worker_namespaces the API server would refuse every worker. {' '.join(problems)}",
                _action(str(entry["name"]), [resource for _why, resource in lacking]),
            )


def _action(name: str, lacking: Sequence[str]) -> str:
    if not lacking:
        return f"Correct quota, limits or resources of {name}."
    defaults = ", ".join(f"{resource}: {'1Gi' if resource == 'memory' else '500m'}" for resource in dict.fromkeys(lacking))
    return (
        f"Give every container of {name} what the quota counts, for example limits: [{{type: Container, default: {{{defaults}}}}}], "
        "or remove it from the quota."
    )
