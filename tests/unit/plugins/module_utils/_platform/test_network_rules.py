# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D8: settings of the network that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_rules import RULES
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings


def said(**given: Any) -> list[str]:
    return [f"{item.message} {item.next_action}" for item in rules.broken(RULES, Settings(**given))]


NAMESPACE = {"matchLabels": {"kubernetes.io/metadata.name": "team"}}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"network_policy": "strict"},
        {"network_policy": "none"},
        {"network_ranges": ("10.0.0.0/8", "192.0.2.7/32", "fd00::/8", "0.0.0.0/1")},
        {"task_egress": ({"ports": [{"port": 443}, {"port": 1, "endPort": 1}, {"port": 65535}]},)},
        {"task_egress": ({"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]},)},
        {"task_egress": ({"to": [{"ipBlock": {"cidr": "fd00::/8"}}], "ports": [{"port": 80, "endPort": 90, "protocol": "TCP"}]},)},
        {"task_egress": ({"to": [{"namespaceSelector": NAMESPACE, "podSelector": {}}], "ports": [{"port": "http", "protocol": "UDP"}]},)},
        {"task_egress": ({"to": [{"podSelector": {"matchExpressions": [{"key": "a/b", "operator": "In", "values": ["c"]}]}}]},)},
        {"task_egress": ({"to": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}]},)},
    ],
)
def test_d8_what_is_accepted(given: dict[str, Any]) -> None:
    assert said(**given) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"network_policy": "stricct"}, "platform_network_policy is 'stricct'. It must be 'default' (tasks"),
        ({"network_policy": "stricct"}, "The nearest name is strict. Correct platform_network_policy"),
        ({"network_policy": ""}, "platform_network_policy is ''."),
        ({"network_ranges": ("10.0.0.0",)}, "platform_network_ranges is '10.0.0.0', which must be a CIDR such as 10.0.0.0/8 or fd00::/8"),
        ({"network_ranges": ("10.0.0.1/8",)}, "platform_network_ranges is '10.0.0.1/8', which is not a CIDR (it has host bits set)"),
        ({"network_ranges": (10,)}, "platform_network_ranges is '10', which must be a CIDR"),
        ({"network_ranges": ("0.0.0.0/0",)}, "is every address of IPv4; the level 'strict' is for that"),
        ({"network_ranges": ("8000::/1", "::/1")}, "is every address of IPv6"),
        ({"task_egress": ({},)}, "platform_task_egress[0] allows everything; set platform_network_policy to 'none' for that"),
        ({"task_egress": ("x",)}, "platform_task_egress[0] must be a rule, a dictionary with to, ports: x. Correct platform_task_egress."),
        (
            {"task_egress": ({"port": []},)},
            "platform_task_egress[0] has the unknown key 'port'; a rule has to, ports. The nearest name is ports",
        ),
        ({"task_egress": ({"from": []},)}, "has the unknown key 'from'"),
        ({"task_egress": ({"to": []},)}, "platform_task_egress[0].to must be a list with an entry at least; leave it out to allow all"),
        ({"task_egress": ({"ports": {}},)}, "platform_task_egress[0].ports must be a list"),
        ({"task_egress": ({"to": [{"ipblock": {}}]},)}, ".to[0] has the unknown key 'ipblock'; a peer has ipBlock, namespaceSelector"),
        ({"task_egress": ({"to": [{}]},)}, ".to[0] must have either ipBlock, or namespaceSelector"),
        ({"task_egress": ({"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]},)}, ".to[0] must have either"),
        ({"task_egress": ({"to": [{"ipBlock": {"cidr": "10.0.0.1"}}]},)}, ".to[0].ipBlock.cidr must be a CIDR"),
        ({"task_egress": ({"to": [{"ipBlock": {}}]},)}, ".to[0].ipBlock.cidr must be a CIDR"),
        (
            {"task_egress": ({"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}]},)},
            ".except[0] must lie inside 10.0.0.0/8",
        ),
        ({"task_egress": ({"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]},)}, "and be smaller"),
        ({"task_egress": ({"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["fd00::/8"]}}]},)}, "must lie inside"),
        ({"task_egress": ({"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["x"]}}]},)}, ".except[0] must be a CIDR"),
        ({"task_egress": ({"to": [{"podSelector": {"app": "x"}}]},)}, ".podSelector has the unknown key 'app'; a selector has matchLabels"),
        (
            {"task_egress": ({"to": [{"podSelector": {"matchLabels": {"a": True}}}]},)},
            ".matchLabels must be a dictionary of labels; a value",
        ),
        ({"task_egress": ({"to": [{"podSelector": None}]},)}, ".podSelector must be a selector, a dictionary"),
        (
            {"task_egress": ({"to": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "in", "values": ["b"]}]}}]},)},
            ".operator must be one of In, NotIn, Exists, DoesNotExist. The nearest name is In",
        ),
        (
            {"task_egress": ({"to": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}]},)},
            ".values must be a list that is not empty for the operator In",
        ),
        (
            {"task_egress": ({"to": [{"podSelector": {"matchExpressions": [{"operator": "Exists"}]}}]},)},
            "must have the key and the values of labels",
        ),
        ({"task_egress": ({"ports": [{"port": 0}]},)}, ".ports[0].port must be a number from 1 to 65535"),
        ({"task_egress": ({"ports": [{"port": "443"}]},)}, ".ports[0].port must be a number from 1 to 65535 without quotes"),
        ({"task_egress": ({"ports": [{"port": True}]},)}, ".ports[0].port must be"),
        ({"task_egress": ({"ports": [{"port": 9, "endPort": 8}]},)}, ".endPort must be a number that is not smaller than port"),
        ({"task_egress": ({"ports": [{"port": "http", "endPort": 8}]},)}, ".endPort must be"),
        ({"task_egress": ({"ports": [{"port": 9, "endPort": "10"}]},)}, ".endPort must be"),
        ({"task_egress": ({"ports": [{"endPort": 10}]},)}, ".endPort must be"),
        ({"task_egress": ({"ports": [{"protocol": "tcp"}]},)}, ".protocol must be one of TCP, UDP, SCTP"),
        ({"task_egress": ({"ports": [443]},)}, ".ports[0] must be a port, a dictionary with protocol, port, endPort"),
        (
            {"task_egress": ({"ports": [{"port": 1}]}, {"ports": [{"prot": 1}]})},
            "platform_task_egress[1].ports[0] has the unknown key 'prot'",
        ),
    ],
)
def test_d8_what_is_refused(given: dict[str, Any], words: str) -> None:
    found = said(**given)
    assert len(found) == 1
    assert words in found[0]


def test_d8_the_rules_are_asked() -> None:
    assert [item.code for item in rules.broken(rules.PLATFORM, Settings(network_policy="x"))] == ["network_policy"]
