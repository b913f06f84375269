# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a node of a cluster could take a pod now, by what Kubernetes' scheduler asks of a node's labels and taints. Pure.

Rules and words: pkg/scheduler/framework/plugins (nodeunschedulable, tainttoleration, nodeaffinity) and component-helpers' nodeaffinity.
What other pods of a node use, volumes, spreading and affinity to pods are not judged: they change while pods come and go.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.placement_rules import REQUIRED

Obj = Mapping[str, Any]

UNSCHEDULABLE = "node(s) were unschedulable"
AFFINITY = "node(s) didn't match Pod's node affinity/selector"
# The taint of a cordoned node, which a pod may tolerate.
CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
# What the API server adds to every pod (DefaultTolerationSeconds).
ADDED = tuple({"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": "NoExecute"} for state in ("not-ready", "unreachable"))
# Taints with these effects keep a pod off a node. PreferNoSchedule only makes another node better.
KEEPING_OFF = ("NoSchedule", "NoExecute")
NUMBER = re.compile(r"[+-]?\d{1,19}")


@dataclass(frozen=True)
class Fit:
    """``fitting``: the nodes that could take the pod. ``reasons``: why each other node could not."""

    fitting: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The reasons as the scheduler's event shows them, which kubectl describe prints."""
        if not self.reasons:
            return "no nodes available to schedule pods"
        total = len(self.fitting) + len(self.reasons)
        parts = sorted(f"{times} {reason}" for reason, times in Counter(self.reasons.values()).items())
        return f"{len(self.fitting)}/{total} nodes are available: {', '.join(parts)}."


def tolerates(toleration: Obj, taint: Obj) -> bool:
    """Whether a toleration is one for this taint. An empty key or effect is one for all; an empty operator is Equal."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return (toleration.get("operator") or "Equal") == "Equal" and (toleration.get("value") or "") == (taint.get("value") or "")


def _number(text: Any) -> int | None:
    """A number of 64 bits, as the scheduler reads labels."""
    number = int(text) if isinstance(text, str) and NUMBER.fullmatch(text) else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


def _expression(wanted: Obj, values: Obj) -> bool:
    """Whether one expression holds. ``values``: labels, or fields, by their names."""
    key, operator, listed = str(wanted.get("key")), wanted.get("operator"), wanted.get("values") or []
    found = values.get(key)
    if operator == "In":
        return found in listed
    if operator == "NotIn":
        return found not in listed
    if operator == "Exists":
        return found is not None
    if operator == "DoesNotExist":
        return found is None
    number, bound = _number(found), _number(listed[0]) if len(listed) == 1 else None
    if number is None or bound is None:
        return False
    return number > bound if operator == "Gt" else number < bound if operator == "Lt" else False


def selects(selector: Obj, node: Obj) -> bool:
    """Whether a node selector with terms, of which one must hold, takes a node. An empty term, or none, takes no node."""
    labels, fields = _labels(node), {"metadata.name": _name(node)}
    return any(
        (term.get("matchExpressions") or term.get("matchFields"))
        and all(_expression(item, labels) for item in term.get("matchExpressions") or [])
        and all(_expression(item, fields) for item in term.get("matchFields") or [])
        for term in selector.get("nodeSelectorTerms") or []
    )


def _name(node: Obj) -> str:
    return str((node.get("metadata") or {}).get("name", ""))


def _labels(node: Obj) -> Obj:
    return (node.get("metadata") or {}).get("labels") or {}


def reason(node: Obj, pod: Obj) -> str:
    """Why a node cannot take a pod with this specification, in the scheduler's words; empty if it can.

    The first reason counts, in the order in which the scheduler asks.
    """
    spec = node.get("spec") or {}
    tolerations = [*(pod.get("tolerations") or []), *ADDED]
    if spec.get("unschedulable") and not any(tolerates(item, CORDONED) for item in tolerations):
        return UNSCHEDULABLE
    for taint in spec.get("taints") or []:
        if taint.get("effect") in KEEPING_OFF and not any(tolerates(item, taint) for item in tolerations):
            return f"node(s) had untolerated taint {{{taint.get('key')}: {taint.get('value') or ''}}}"
    labels = _labels(node)
    if any(labels.get(key) != value for key, value in (pod.get("nodeSelector") or {}).items()):
        return AFFINITY
    required = ((pod.get("affinity") or {}).get("nodeAffinity") or {}).get(REQUIRED)
    return AFFINITY if required is not None and not selects(required, node) else ""


def fit(nodes: Sequence[Obj], pod: Obj) -> Fit:
    """Which nodes could take a pod with this specification now."""
    judged = {_name(node): reason(node, pod) for node in nodes}
    return Fit(tuple(name for name, why in judged.items() if not why), {name: why for name, why in judged.items() if why})
