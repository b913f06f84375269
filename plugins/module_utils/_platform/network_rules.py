# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the network that Kubernetes would refuse, or that would open more than they say. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.nearest import did_you_mean, nearest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_policies import LEVELS
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.shapes import Check, Problems, below, each, selector, with_keys

PROTOCOLS = ("TCP", "UDP", "SCTP")
# Kubernetes: apimachinery/pkg/util/validation.
PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")


def level(given: Settings) -> Iterator[Refusal]:
    if given.network_policy not in LEVELS:
        yield Refusal(
            "network_policy",
            given.network_policy,
            "platform_network_policy is default, strict or none",
            f"platform_network_policy is '{given.network_policy}'. It must be 'default' (tasks reach everything but the cluster), 'strict' "
            f"(only what is listed) or 'none'.{did_you_mean(nearest(given.network_policy, LEVELS))}",
            "Correct platform_network_policy in the inventory.",
        )


def own_level(given: Settings) -> Iterator[Refusal]:
    for entry in given.profiles:
        value = entry.get("network_policy") or ""
        if value and value not in LEVELS:
            yield Refusal(
                "network_policy",
                value,
                "the network_policy of a worker namespace is default, strict, none or empty",
                f"network_policy of {entry['name']} in platform_worker_namespaces is '{value}'. It must be 'default', 'strict', 'none', or "
                f"empty for platform_network_policy.{did_you_mean(nearest(value, LEVELS))}",
                f"Correct network_policy of {entry['name']} in platform_worker_namespaces.",
            )


def ranges(given: Settings) -> Iterator[Refusal]:
    networks = []
    for text in given.network_ranges:
        why = _cidr(text)
        if why:
            yield _refusal("platform_network_ranges", text, why)
        else:
            networks.append(ipaddress.ip_network(text))
    for version in (4, 6):
        family = [network for network in networks if network.version == version]
        if [network.prefixlen for network in ipaddress.collapse_addresses(family)] == [0]:  # type: ignore[type-var]
            texts = ", ".join(map(str, family))
            yield _refusal("platform_network_ranges", texts, f"is every address of IPv{version}; the level 'strict' is for that")


def task_egress(given: Settings) -> Iterator[Refusal]:
    for number, entry in enumerate(given.task_egress):
        place = f"platform_task_egress[{number}]"
        yield from (_refusal(f"{place}{where}", entry, why) for where, why in _rule(entry))


def _refusal(where: str, value: Any, why: str) -> Refusal:
    return Refusal(
        "network_rule",
        str(value),
        "rules of the network are those of Kubernetes' NetworkPolicy",
        f"{where} is '{value}', which {why}." if "[" not in where else f"{where} {why}: {value}.",
        f"Correct {where.partition('[')[0]}.",
    )


def _cidr(value: Any) -> str:
    """Why a value cannot be a range of addresses; empty where it is one."""
    if not isinstance(value, str) or "/" not in value:
        return "must be a CIDR such as 10.0.0.0/8 or fd00::/8; one address needs /32 or /128"
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        return f"is not a CIDR ({str(error).replace(value, 'it')})"
    return ""


def _each(value: Any, place: str, check: Check) -> Problems:
    """Kubernetes would take an empty list for "all"."""
    yield from below(place, each(value, check, "leave it out to allow all"))


@with_keys("a rule", "to", "ports")
def _rule(value: Any) -> Problems:
    if not value:
        yield "", "allows everything; set platform_network_policy to 'none' for that"
    if "to" in value:
        yield from _each(value["to"], ".to", _peer)
    if "ports" in value:
        yield from _each(value["ports"], ".ports", _port)


@with_keys("a peer", "ipBlock", "namespaceSelector", "podSelector")
def _peer(value: Any) -> Problems:
    if not value or ("ipBlock" in value and len(value) > 1):
        yield "", "must have either ipBlock, or namespaceSelector, podSelector or both"
    for key in ("namespaceSelector", "podSelector"):
        if key in value:
            yield from below(f".{key}", selector(value[key]))
    if "ipBlock" in value:
        yield from below(".ipBlock", _block(value["ipBlock"]))


@with_keys("an ipBlock", "cidr", "except")
def _block(value: Any) -> Problems:
    why = _cidr(value.get("cidr"))
    if why:
        yield ".cidr", why
        return
    if "except" not in value:
        return
    whole = ipaddress.ip_network(value["cidr"])

    def part(item: Any) -> Problems:
        problem = _cidr(item)
        if problem:
            yield "", problem
        else:
            network = ipaddress.ip_network(item)
            if network.version != whole.version or network == whole or not network.subnet_of(whole):  # type: ignore[arg-type]
                yield "", f"must lie inside {whole}, and be smaller"

    yield from _each(value["except"], ".except", part)


@with_keys("a port", "protocol", "port", "endPort")
def _port(value: Any) -> Problems:
    if value.get("protocol", "TCP") not in PROTOCOLS:
        yield ".protocol", f"must be one of {', '.join(PROTOCOLS)}"
    port, end = value.get("port"), value.get("endPort")
    if isinstance(port, str):
        if not PORT_NAME.fullmatch(port):
            yield ".port", "must be a number from 1 to 65535 without quotes, or the name of a port"
    elif port is not None and not _number(port):
        yield ".port", "must be a number from 1 to 65535, or the name of a port"
    if end is not None and not (_number(port) and _number(end) and end >= port):
        yield ".endPort", "must be a number that is not smaller than port, which must be a number, too"


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535


RULES = (level, own_level, ranges, task_egress)
