# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a cluster's nodes, pods and Services, and what is not known of them. Pure but for read().

What this account may not read raises no error: the answer is None then, and a gap says what follows.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once, core_path

Obj = dict[str, Any]
Range: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

KUBEADM = core_path("configmaps", "kube-system", "kubeadm-config")
SERVICE_RANGES = "/apis/networking.k8s.io/v1/servicecidrs"
API_SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
DNS_APPS = ("kube-dns", "coredns")
NEXT = "Next: set platform_network_ranges to the CIDRs of nodes, pods and Services."


@dataclass(frozen=True)
class Answers:
    """What the cluster says. None: it may not be read. Pods: those of kube-system, which every cluster has."""

    kubeadm: Obj | None = None
    nodes: list[Obj] | None = None
    services: list[Obj] | None = None
    pods: list[Obj] | None = None
    api: list[Obj] | None = None


@dataclass(frozen=True)
class Network:
    """What is known. ``gaps``: what tasks can reach nevertheless, and why, with the next step.

    ``dns``: where something answers DNS that is not at the address of a pod of its own.
    """

    ranges: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    api: tuple[tuple[str, int], ...] = ()
    gaps: tuple[str, ...] = ()


def read(api: KubeApi) -> Answers:
    """Asks the cluster. Raises ApiError where it does not answer at all."""
    label = {"labelSelector": "kubernetes.io/service-name=kubernetes"}
    calls: list[Callable[[], Any]] = [
        partial(api.find, KUBEADM),
        partial(api.items, core_path("nodes"), whole=True),
        partial(api.items, SERVICE_RANGES, whole=True),
        partial(api.items, core_path("pods", "kube-system"), whole=True),
        partial(api.items, API_SLICES, label, whole=True),
    ]
    return Answers(*at_once(permitted, calls))


def permitted(call: Callable[[], Any]) -> Any:
    """The answer; None if this account may not ask."""
    try:
        return call()
    except ApiError as error:
        if error.status == 403:
            return None
        raise


def learn(answers: Answers, given: Iterable[str] = ()) -> Network:
    """The ranges: the given ones, or those that the cluster names. The last are all that one source names or another."""
    given = list(given)
    pods, services = _kubeadm(answers.kubeadm)
    services += [cidr for item in answers.services or [] for cidr in (item.get("spec") or {}).get("cidrs") or []]
    for node in answers.nodes or []:
        spec = node.get("spec") or {}
        pods += spec.get("podCIDRs") or [spec["podCIDR"]] if spec.get("podCIDR") or spec.get("podCIDRs") else []
    addresses = [address for node in answers.nodes or [] for address in _addresses(node)]
    api = tuple(sorted(set(_api(answers.api))))
    # A managed control plane does not run on nodes.
    servers = [cidr for cidr, _port in api]
    ranges = collapsed(given or [*pods, *services, *addresses, *servers])
    gaps = list(_gaps(answers, ranges, given=bool(given), pods=bool(pods), nodes=addresses, servers=servers))
    return Network(
        tuple(map(str, ranges)),
        tuple(map(str, collapsed([*(given or services or map(str, ranges)), *_dns_on_nodes(answers.pods)]))),
        api,
        tuple(gaps),
    )


def _kubeadm(found: Obj | None) -> tuple[list[str], list[str]]:
    """The ranges of pods and Services by which kubeadm made the cluster."""
    import yaml

    text = ((found or {}).get("data") or {}).get("ClusterConfiguration")
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if isinstance(text, str) else None
    except yaml.YAMLError:
        return [], []
    networking = document.get("networking") if isinstance(document, Mapping) else None
    if not isinstance(networking, Mapping):
        return [], []
    pods, services = (str(networking.get(key) or "").replace(" ", "").split(",") for key in ("podSubnet", "serviceSubnet"))
    return [cidr for cidr in pods if _network(cidr)], [cidr for cidr in services if _network(cidr)]


def _addresses(node: Obj) -> Iterator[str]:
    for entry in (node.get("status") or {}).get("addresses") or []:
        if entry.get("type") in ("InternalIP", "ExternalIP"):
            yield str(entry.get("address"))


def _dns_on_nodes(pods: list[Obj] | None) -> Iterator[str]:
    """The addresses of DNS servers in the network of their nodes. A cache for its node alone has others (NodeLocal DNSCache)."""
    for item in pods or []:
        label = (item["metadata"].get("labels") or {}).get("k8s-app")
        if label in DNS_APPS and (item.get("spec") or {}).get("hostNetwork"):
            yield from (str(entry.get("ip")) for entry in (item.get("status") or {}).get("podIPs") or [])


def _api(slices: list[Obj] | None) -> Iterator[tuple[str, int]]:
    """Where the API server listens: address as a range of one, and port."""
    for item in slices or []:
        ports = [entry["port"] for entry in item.get("ports") or [] if entry.get("port")]
        addresses = [address for endpoint in item.get("endpoints") or [] for address in endpoint.get("addresses") or []]
        networks = [network for address in addresses if (network := _network(address)) is not None]
        yield from ((str(network), port) for network in networks for port in ports)


def _network(text: str) -> Range | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def collapsed(texts: Iterable[str]) -> list[Range]:
    """The ranges without those that lie in others, sorted, IPv4 first. Other texts are left out."""
    found = [network for text in texts if (network := _network(text)) is not None]
    by_family: list[Range] = [*ipaddress.collapse_addresses([item for item in found if isinstance(item, ipaddress.IPv4Network)])]
    by_family += ipaddress.collapse_addresses([item for item in found if isinstance(item, ipaddress.IPv6Network)])
    # A rule's exception must be smaller than everything.
    return [network for network in by_family if network.prefixlen]


def _gaps(answers: Answers, ranges: list[Range], *, given: bool, pods: bool, nodes: list[str], servers: list[str]) -> Iterator[str]:
    def left_out(texts: Iterable[str]) -> list[str]:
        known = [network for text in texts if (network := _network(text)) is not None]
        return [str(network.network_address) for network in known if not any(_inside(network, item) for item in ranges)]

    if not given and answers.nodes is None:
        yield f"Tasks can reach the cluster's nodes, because this account may not list nodes. {NEXT}"
    elif missed := left_out(nodes):
        yield f"Tasks can reach the node at {missed[0]}, which lies in none of the ranges {_texts(ranges)}. {NEXT}"
    if missed := left_out(servers):
        yield f"Tasks can reach the API server at {missed[0]}, which lies in none of the ranges {_texts(ranges)}. {NEXT}"
    if not given and not pods:
        yield (
            "Tasks can reach pods of other namespaces, because neither the ConfigMap kubeadm-config in kube-system nor the nodes name "
            f"the range of pods, or this account may not read them. {NEXT}"
        )
        return
    # Network plugins may ignore what Kubernetes has set aside for pods.
    observed = [
        (f"{item['metadata']['namespace']}/{item['metadata']['name']}", str(entry.get("ip")))
        for item in answers.pods or []
        if not (item.get("spec") or {}).get("hostNetwork")
        for entry in (item.get("status") or {}).get("podIPs") or []
    ]
    for name, address in observed:
        if left_out([address]):
            yield f"Tasks can reach the pod {name} at {address}, which lies in none of the ranges {_texts(ranges)}. {NEXT}"
            return


def _inside(network: Range, whole: Range) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(whole, ipaddress.IPv4Network):
        return network.subnet_of(whole)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(whole, ipaddress.IPv6Network):
        return network.subnet_of(whole)
    return False


def _texts(ranges: list[Range]) -> str:
    few = ", ".join(map(str, ranges[:6]))
    return f"{few}, …" if len(ranges) > 6 else few or "(none is known)"
