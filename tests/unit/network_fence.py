# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NetworkPolicies mean: whether a connection passes. Raises for a policy that it does not understand.

As the API documents it (networking.k8s.io/v1): a pod that no policy of a direction selects is open in it; otherwise one rule of one of
these policies must allow the connection. Both ends must agree. Addresses are those after the translation of a Service's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Obj = dict[str, Any]
NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Pod:
    """``ports``: by name."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = "10.244.0.9"
    ports: Mapping[str, int] = field(default_factory=dict)


End = Pod | str  # a pod of the cluster, or the address of something else


class Fence:
    """``labels``: of namespaces, beside the one that the API server sets."""

    def __init__(self, policies: Iterable[Obj], labels: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._policies, self._labels = list(policies), labels or {}
        for policy in self._policies:
            known = {"podSelector", "policyTypes", "ingress", "egress"}
            assert set(policy["spec"]) <= known, policy
            assert set(policy["spec"]["policyTypes"]) <= {"Ingress", "Egress"}, policy

    def passes(self, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
        leaves = isinstance(source, str) or self._allowed("Egress", source, target, target, port, protocol)
        return leaves and (isinstance(target, str) or self._allowed("Ingress", target, source, target, port, protocol))

    def selected(self, pod: Pod, kind: str) -> list[Obj]:
        """The policies of a direction that select a pod."""
        return [
            policy
            for policy in self._policies
            if policy["metadata"]["namespace"] == pod.namespace
            and kind in policy["spec"]["policyTypes"]
            and matches(policy["spec"]["podSelector"], pod.labels)
        ]

    def _allowed(self, kind: str, pod: Pod, other: End, target: End, port: int, protocol: str) -> bool:
        policies = self.selected(pod, kind)
        side = "to" if kind == "Egress" else "from"
        rules = [rule for policy in policies for rule in policy["spec"].get(kind.lower(), [])]
        for rule in rules:
            assert set(rule) <= {side, "ports"}, rule
        return not policies or any(
            self._peer(rule.get(side), pod.namespace, other) and on_port(rule.get("ports"), target, port, protocol) for rule in rules
        )

    def _peer(self, peers: list[Obj] | None, namespace: str, other: End) -> bool:
        return not peers or any(self._is(peer, namespace, other) for peer in peers)

    def _is(self, peer: Obj, namespace: str, other: End) -> bool:
        assert peer, "a peer says something"
        if "ipBlock" in peer:
            assert set(peer) == {"ipBlock"}, peer
            assert set(peer["ipBlock"]) <= {"cidr", "except"}, peer
            address = other.address if isinstance(other, Pod) else other
            return within(address, peer["ipBlock"]["cidr"]) and not any(within(address, item) for item in peer["ipBlock"].get("except", []))
        assert set(peer) <= {"namespaceSelector", "podSelector"}, peer
        if isinstance(other, str):
            return False
        if "namespaceSelector" in peer:
            there = matches(peer["namespaceSelector"], {NAME: other.namespace, **self._labels.get(other.namespace, {})})
        else:
            there = other.namespace == namespace
        return there and matches(peer.get("podSelector", {}), other.labels)


def within(address: str, cidr: str) -> bool:
    one, whole = ipaddress.ip_address(address), ipaddress.ip_network(cidr)
    return one.version == whole.version and one in whole


def matches(selector: Obj, labels: Mapping[str, str]) -> bool:
    assert set(selector) <= {"matchLabels", "matchExpressions"}, selector
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        _holds(item, labels) for item in selector.get("matchExpressions", [])
    )


def _holds(item: Obj, labels: Mapping[str, str]) -> bool:
    value = labels.get(item["key"])
    return {
        "In": lambda: value in item["values"],
        "NotIn": lambda: value not in item["values"],
        "Exists": lambda: value is not None,
        "DoesNotExist": lambda: value is None,
    }[item["operator"]]()


def on_port(ports: list[Obj] | None, target: End, port: int, protocol: str) -> bool:
    return not ports or any(_is_port(item, target, port, protocol) for item in ports)


def _is_port(item: Obj, target: End, port: int, protocol: str) -> bool:
    assert set(item) <= {"port", "endPort", "protocol"}, item
    first = item.get("port")
    if isinstance(first, str):
        first = target.ports.get(first) if isinstance(target, Pod) else None
        if first is None:
            return False
    fits = first is None or int(first) <= port <= int(item.get("endPort") or first)
    return item.get("protocol", "TCP") == protocol and fits
