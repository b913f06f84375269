# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a NetworkPolicy, and what a URL means to one. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.gitops.airflow.plugins.module_utils._base.url import ssh_server

Obj = dict[str, Any]

# The API server puts it on every namespace.
NAMESPACE = "kubernetes.io/metadata.name"
# A rule without peers.
ANYWHERE: tuple[Obj, ...] = ()
PORTS = {"http": 80, "https": 443, "git": 9418}


def tcp(*ports: int) -> list[Obj]:
    return [{"port": port, "protocol": "TCP"} for port in ports]


def udp(*ports: int) -> list[Obj]:
    return [{"port": port, "protocol": "UDP"} for port in ports]


def rule(side: str, peers: Sequence[Obj], ports: list[Obj]) -> Obj:
    """What is allowed. ``side``: C(from) or C(to). No peers: anywhere. No ports: all."""
    return {**({side: list(peers)} if peers else {}), **({"ports": ports} if ports else {})}


def either(key: str, values: Sequence[str], labels: Mapping[str, str] | None = None) -> Obj:
    """The selector of pods with these labels, and with one of the values for the key."""
    if len(values) == 1:
        return {"matchLabels": {**(labels or {}), key: values[0]}}
    expressions = [{"key": key, "operator": "In", "values": sorted(values)}] if values else []
    return {**({"matchLabels": dict(labels)} if labels else {}), **({"matchExpressions": expressions} if expressions else {})}


def pods(selector: Obj, *namespaces: str) -> Obj:
    """A peer: pods of these namespaces; of all without one."""
    return {"namespaceSelector": either(NAMESPACE, tuple(dict.fromkeys(namespaces))), "podSelector": selector}


def block(cidr: str, ranges: Sequence[str] = ()) -> Obj:
    """A peer: the addresses of a range, but for those of ``ranges`` of the same family."""
    whole = ipaddress.ip_network(cidr)
    inside = [text for text in ranges if ipaddress.ip_network(text).version == whole.version]
    return {"ipBlock": {"cidr": cidr, **({"except": inside} if inside else {})}}


@dataclass(frozen=True)
class Outside:
    """A server that the platform does not run.

    ``namespace``: where it is a Service of the cluster; empty for the namespace of the pod that asks, None where it is none.
    ``cidr``: its address, if the URL has no name. ``port``: where it listens.
    """

    port: int
    namespace: str | None = None
    cidr: str = ""


def outside(url: str, known: Collection[str]) -> Outside | None:
    """The server of a URL; None for a text that has no host. ``known``: the namespaces of the cluster."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = ssh_server(url) or (parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0))
    except ValueError:  # a port that is none, an address in brackets that is none
        return None
    host = host.strip("[]").rstrip(".").lower()
    if not host or not port:
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return Outside(port, _namespace(host.split("."), known))
    # An address of IPv4 in the form of IPv6 is reached over IPv4.
    address = getattr(address, "ipv4_mapped", None) or address
    return Outside(port, cidr=f"{address}/{address.max_prefixlen}")


def _namespace(labels: list[str], known: Collection[str]) -> str | None:
    """The namespace of a Service's name, or of a pod's behind a Service without an address (POD.SERVICE.NAMESPACE.svc).

    SERVICE.NAMESPACE and longer names may as well be names of the internet, so the namespace must exist.
    """
    if labels == ["localhost"]:
        return None
    if len(labels) == 1:
        return ""
    if labels[3:4] == ["svc"] and labels[2] in known:
        return labels[2]
    inside = labels[2:3] == ["svc"] or (labels[2:3] in ([], ["pod"]) and labels[1] in known)
    return labels[1] if inside else None
