# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pods run, in the words of Kubernetes: what the API server would refuse, and only when a pod is created. Pure.

Rules: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#scheduling, and pkg/apis/core/validation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.shapes import (
    LABEL_VALUE,
    Check,
    Problems,
    below,
    each,
    expression,
    label_key,
    labels,
    object_name,
    one_of,
    selector,
    table,
    whole,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_namespaces import PLACEMENT

REQUIRED, PREFERRED = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
LEAVE_OUT = "leave it out otherwise"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _any(_value: Any) -> Problems:
    yield from ()


def toleration(value: Any) -> Problems:
    checks = dict.fromkeys(("key", "operator", "value", "effect", "tolerationSeconds"), _any)
    wrong = list(table(value, checks, "a toleration"))
    yield from wrong
    if wrong:
        return
    operator, key = value.get("operator") or "Equal", value.get("key")
    yield from below(".operator", one_of("Equal", "Exists")(operator))
    if key:
        yield from below(".key", label_key(key))
    elif operator == "Equal":
        yield "", "has no key, which only the operator Exists may leave out; it then tolerates every taint"
    text = value.get("value")
    if operator == "Exists" and text:
        yield ".value", "must be left out with the operator Exists"
    elif text is not None and not (isinstance(text, str) and LABEL_VALUE.fullmatch(text)):
        yield ".value", "must be the value of a label; a number or a boolean needs quotes"
    if value.get("effect"):
        yield from below(".effect", one_of(*EFFECTS)(value["effect"]))
    seconds = value.get("tolerationSeconds")
    if seconds is not None and (value.get("effect") != "NoExecute" or isinstance(seconds, bool) or not isinstance(seconds, int)):
        yield ".tolerationSeconds", "must be a whole number without quotes, and needs the effect NoExecute"


def _node_expression(value: Any) -> Problems:
    yield from expression(value, numbers=("Gt", "Lt"))


def _node_field(value: Any) -> Problems:
    if not isinstance(value, Mapping) or set(value) != {"key", "operator", "values"} or value["key"] != "metadata.name":
        yield "", "must have key (metadata.name), operator and values"
        return
    yield from below(".operator", one_of("In", "NotIn")(value["operator"]))
    if not isinstance(value["values"], list | tuple) or len(value["values"]) != 1:
        yield ".values", "must be a list of one node's name"
    else:
        yield from below(".values[0]", object_name(value["values"][0]))


def _node_term(value: Any) -> Problems:
    checks: dict[str, Check] = {
        "matchExpressions": lambda item: each(item, _node_expression, LEAVE_OUT),
        "matchFields": lambda item: each(item, _node_field, LEAVE_OUT),
    }
    yield from table(value, checks, "a term")
    if value == {}:
        yield "", "is empty, which no node matches"


def _preferred(name: str, check: Check) -> Check:
    def weighted(value: Any) -> Problems:
        return table(value, {"weight": whole(1, 100), name: check}, "a preference", needed=("weight", name))

    return lambda value: each(value, weighted, LEAVE_OUT)


def _pod_term(value: Any) -> Problems:
    checks: dict[str, Check] = {
        "topologyKey": label_key,
        "labelSelector": selector,
        "namespaceSelector": selector,
        "namespaces": lambda item: each(item, object_name, LEAVE_OUT),
        "matchLabelKeys": lambda item: each(item, label_key, LEAVE_OUT),
        "mismatchLabelKeys": lambda item: each(item, label_key, LEAVE_OUT),
    }
    return table(value, checks, "a term", needed=("topologyKey",))


def _node_selector(value: Any) -> Problems:
    checks: dict[str, Check] = {"nodeSelectorTerms": lambda item: each(item, _node_term, "no node matches an empty one")}
    return table(value, checks, "a node selector", needed=("nodeSelectorTerms",))


def _node_affinity(value: Any) -> Problems:
    return table(value, {REQUIRED: _node_selector, PREFERRED: _preferred("preference", _node_term)}, "node affinity")


def _pod_affinity(value: Any) -> Problems:
    checks: dict[str, Check] = {
        REQUIRED: lambda item: each(item, _pod_term, LEAVE_OUT),
        PREFERRED: _preferred("podAffinityTerm", _pod_term),
    }
    return table(value, checks, "pod affinity")


def affinity(value: Any) -> Problems:
    checks: dict[str, Check] = {"nodeAffinity": _node_affinity, "podAffinity": _pod_affinity, "podAntiAffinity": _pod_affinity}
    return table(value, checks, "an affinity")


def _constraint(value: Any) -> Problems:
    checks: dict[str, Check] = {
        "maxSkew": whole(1),
        "topologyKey": label_key,
        "whenUnsatisfiable": one_of("DoNotSchedule", "ScheduleAnyway"),
        "labelSelector": selector,
        "minDomains": whole(1),
        "nodeAffinityPolicy": one_of("Honor", "Ignore"),
        "nodeTaintsPolicy": one_of("Honor", "Ignore"),
        "matchLabelKeys": lambda item: each(item, label_key, LEAVE_OUT),
    }
    wrong = list(table(value, checks, "a constraint", needed=("maxSkew", "topologyKey", "whenUnsatisfiable")))
    yield from wrong
    if not wrong and "minDomains" in value and value["whenUnsatisfiable"] != "DoNotSchedule":
        yield ".minDomains", "needs whenUnsatisfiable: DoNotSchedule"


def topology_spread(value: Any) -> Problems:
    wrong = list(each(value, _constraint, LEAVE_OUT))
    yield from wrong
    if wrong:
        return
    pairs = Counter((item["topologyKey"], item["whenUnsatisfiable"]) for item in value)
    for (key, action), times in pairs.items():
        if times > 1:
            yield "", f"has {times} constraints for {key} with {action}; Kubernetes takes one"


def priority_class(value: Any) -> Problems:
    yield from object_name(value)
    if str(value).startswith("system-"):
        yield "", "is a class for Kubernetes itself; create a PriorityClass of your own"


CHECKS: dict[str, Check] = {
    "node_selector": labels,
    "tolerations": lambda value: each(value, toleration, LEAVE_OUT),
    "affinity": affinity,
    "topology_spread": topology_spread,
    "priority_class": priority_class,
}


def problems(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """What is wrong with where pods run: the option and the place in it, its value, and why. What is not set or empty is not checked."""
    for option in PLACEMENT:
        if entry.get(option):
            yield from ((f"{option}{where}", entry[option], why) for where, why in CHECKS[option](entry[option]))
