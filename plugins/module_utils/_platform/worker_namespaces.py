# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set for a worker namespace, and what its worker pods get from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

# Options for where pods run, each with the field of a pod's specification that it stands for. Core pods have the same.
PLACEMENT: dict[str, str] = {
    "node_selector": "nodeSelector",
    "tolerations": "tolerations",
    "affinity": "affinity",
    "topology_spread": "topologySpreadConstraints",
    "priority_class": "priorityClassName",
}
POD_FIELDS: dict[str, str] = {**PLACEMENT, "runtime_class": "runtimeClassName"}
# The fields that other options become.
PULL_SECRETS, CONTAINERS = "imagePullSecrets", "containers"
# The type of a LimitRange's item that gives containers defaults.
CONTAINER = "Container"

PLACEMENT_OPTIONS: dict[str, dict[str, Any]] = {
    "node_selector": {"type": "dict"},
    "tolerations": {"type": "list", "elements": "dict"},
    "affinity": {"type": "dict"},
    "topology_spread": {"type": "list", "elements": "dict"},
    "priority_class": {"type": "str"},
}
# A name that YAML may take for a number or a boolean is kept as it is given: the rule for names refuses it.
OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "raw", "required": True},
    **PLACEMENT_OPTIONS,
    "runtime_class": {"type": "str"},
    "resources": {"type": "dict"},
    "image": {"type": "str"},
    "pull_secrets": {"type": "list", "elements": "str", "no_log": False},
    "quota": {"type": "dict"},
    "limits": {"type": "list", "elements": "dict"},
    "network_policy": {"type": "str", "default": ""},
    "pod_security": {"type": "str", "default": ""},
    "require_node": {"type": "bool", "default": False},
    "pod_operator": {"type": "bool", "default": False},
}
# The kinds that the chart renders where these options are set, with one name: worker-namespaces.yaml.
KINDS = {"quota": "ResourceQuota", "limits": "LimitRange"}
QUOTA_NAME = "airflow-workers"


def texts(value: Any) -> Any:
    """A value as the API has it, where quantities are texts: 2 becomes C("2")."""
    if isinstance(value, Mapping):
        return {key: texts(item) for key, item in value.items()}
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def placement(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a pod for where it runs, without those that are not set or empty."""
    return {field: entry[option] for option, field in PLACEMENT.items() if entry.get(option)}


def profile(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a worker pod's specification that an entry stands for."""
    found = {field: entry[option] for option, field in POD_FIELDS.items() if entry.get(option)}
    if entry.get("pull_secrets"):
        found[PULL_SECRETS] = [{"name": name} for name in entry["pull_secrets"]]
    base = {"image": entry.get("image"), "resources": texts(entry.get("resources"))}
    if any(base.values()):
        found[CONTAINERS] = [{"name": "base", **{key: value for key, value in base.items() if value}}]
    return found


def limit_range(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items of a LimitRange with what the API server fills in, which would otherwise count as a difference from Git.

    Rule: SetDefaults_LimitRangeItem in Kubernetes' pkg/apis/core/v1/defaults.go.
    """
    found = []
    for given in items:
        item = {key: value for key, value in texts(given).items() if value}
        if item.get("type") == CONTAINER:
            default = {**item.get("max", {}), **item.get("default", {})}
            request = {**item.get("min", {}), **default, **item.get("defaultRequest", {})}
            item |= {key: value for key, value in (("default", default), ("defaultRequest", request)) if value}
        found.append(item)
    return found


def chart_values(namespaces: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Values of the platform's chart: the profile of each namespace, all fields that one can have, what else it sets, and its kinds."""
    entries = list(namespaces)
    return {
        "workerNamespaces": {item["name"]: profile(item) for item in entries},
        "workerPodFields": [*POD_FIELDS.values(), PULL_SECRETS, CONTAINERS],
        "workerQuotas": {item["name"]: texts(item["quota"]) for item in entries if item.get("quota")},
        "workerLimits": {item["name"]: limit_range(item["limits"]) for item in entries if item.get("limits")},
        "podSecurityOf": {item["name"]: item["pod_security"] for item in entries if item.get("pod_security")},
        # A variable may hold a text, such as "false" from the command line.
        "podOperators": [item["name"] for item in entries if boolean(item.get("pod_operator"), strict=False)],
        "kinds": [{"group": "", "kind": kind} for option, kind in KINDS.items() if any(item.get(option) for item in entries)],
    }
