# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D8: the ranges of a cluster's addresses, and what is said of those that are not known."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_ranges import Answers, collapsed, learn, read
from hypothesis import given as drawn
from hypothesis import strategies as st

Obj = dict[str, Any]
CONFIG = "kind: ClusterConfiguration\nnetworking:\n  podSubnet: 10.244.0.0/16,fd00:10:244::/56\n  serviceSubnet: 10.96.0.0/16\n"


def kubeadm(text: Any = CONFIG) -> Obj:
    return {"data": {"ClusterConfiguration": text}}


def node(address: str, *cidrs: str, kind: str = "InternalIP") -> Obj:
    spec = {"podCIDR": cidrs[0], "podCIDRs": list(cidrs)} if cidrs else {}
    return {"spec": spec, "status": {"addresses": [{"type": kind, "address": address}, {"type": "Hostname", "address": "node"}]}}


def pod(name: str, *addresses: str, host: bool = False) -> Obj:
    status = {"podIPs": [{"ip": address} for address in addresses]}
    return {"metadata": {"namespace": "kube-system", "name": name}, "spec": {"hostNetwork": host}, "status": status}


KIND = Answers(
    kubeadm(),
    [node("172.18.0.3", "10.244.1.0/24"), node("172.18.0.2", "10.244.0.0/24", "fd00:10:244::/64")],
    [],
    [pod("coredns", "10.244.0.3", "fd00:10:244::3"), pod("etcd", "172.18.0.9", host=True)],
    [{"ports": [{"port": 6443}], "endpoints": [{"addresses": ["172.18.0.2"]}]}],
)


def test_d8_a_cluster_of_kind() -> None:
    found = learn(KIND)
    # 172.18.0.2 and .3 are one range.
    assert found.ranges == ("10.96.0.0/16", "10.244.0.0/16", "172.18.0.2/31", "fd00:10:244::/56")
    assert (found.dns, found.api, found.gaps) == (("10.96.0.0/16",), (("172.18.0.2/32", 6443),), ())


NODES = [node("172.18.0.2")]
SLICES = [{"ports": [{"port": 443}], "endpoints": [{"addresses": ["198.51.100.4"]}]}]
MANAGED = Answers(None, [node("192.0.2.9", "10.1.0.0/24")], api=SLICES)
ONE_FIELD = {**node("192.0.2.4"), "spec": {"podCIDR": "10.1.0.0/24"}}
LISTED = {**node("192.0.2.4"), "spec": {"podCIDRs": ["10.1.0.0/24"]}}
EVERY = ["172.18.0.0/16", "10.0.0.0/8"]


@pytest.mark.parametrize(
    ("answers", "given", "ranges", "gaps"),
    [
        # Managed clusters have no kubeadm-config.
        (Answers(None, [node("192.0.2.4", "10.1.0.0/24", kind="ExternalIP")]), [], ("10.1.0.0/24", "192.0.2.4/32"), []),
        (Answers(None, NODES), [], ("172.18.0.2/32",), ["pods of other namespaces, because neither the ConfigMap"]),
        (Answers(kubeadm(), None), [], ("10.96.0.0/16", "10.244.0.0/16", "fd00:10:244::/56"), ["may not list nodes"]),
        (Answers(), [], (), ["may not list nodes", "pods of other namespaces"]),
        (Answers(None, []), [], (), ["pods of other namespaces"]),
        # What is given counts alone, and is compared with what is seen.
        (Answers(), EVERY, ("10.0.0.0/8", "172.18.0.0/16"), []),
        (KIND, ["172.18.0.0/16", "10.0.0.0/8", "fd00::/8"], ("10.0.0.0/8", "172.18.0.0/16", "fd00::/8"), []),
        (KIND, EVERY, ("10.0.0.0/8", "172.18.0.0/16"), ["the pod kube-system/coredns at fd00:10:244::3, which lies in none of the ranges"]),
        (
            KIND,
            ["10.0.0.0/8", "fd00::/8"],
            ("10.0.0.0/8", "fd00::/8"),
            ["the node at 172.18.0.3, which lies in none of the ranges", "the API server at 172.18.0.2"],
        ),
        # Nodes that name their range of pods in one of the two fields alone.
        (Answers(None, [ONE_FIELD]), [], ("10.1.0.0/24", "192.0.2.4/32"), []),
        (Answers(None, [LISTED]), [], ("10.1.0.0/24", "192.0.2.4/32"), []),
        # A managed control plane.
        (MANAGED, [], ("10.1.0.0/24", "192.0.2.9/32", "198.51.100.4/32"), []),
        (
            MANAGED,
            EVERY,
            ("10.0.0.0/8", "172.18.0.0/16"),
            ["the node at 192.0.2.9, which", "the API server at 198.51.100.4, which lies in none"],
        ),
        # A network plugin with addresses of its own.
        (
            Answers(kubeadm(), NODES, None, [pod("coredns", "192.168.7.3")]),
            [],
            ("10.96.0.0/16", "10.244.0.0/16", "172.18.0.2/32", "fd00:10:244::/56"),
            ["the pod kube-system/coredns at 192.168.7.3, which lies in none of the ranges 10.96.0.0/16, 10.244.0.0/16, 172.18.0.2/32"],
        ),
        (
            Answers(None, NODES, [{"spec": {"cidrs": ["10.96.0.0/16"]}}]),
            [],
            ("10.96.0.0/16", "172.18.0.2/32"),
            ["pods of other namespaces"],
        ),
    ],
)
def test_d8_what_is_known(answers: Answers, given: list[str], ranges: tuple[str, ...], gaps: list[str]) -> None:
    found = learn(answers, given)
    assert found.ranges == ranges
    assert len(found.gaps) == len(gaps)
    for gap, words in zip(found.gaps, gaps, strict=True):
        assert gap.startswith("Tasks can reach ")
        assert words in gap
        assert gap.endswith("Next: set platform_network_ranges to the CIDRs of nodes, pods and Services.")


def test_d8_where_dns_is_answered() -> None:
    server = {**pod("coredns", "172.18.0.2", "fd00:18::2", host=True)}
    server["metadata"] = {**server["metadata"], "labels": {"k8s-app": "kube-dns"}}
    inside = {**pod("coredns-2", "10.244.0.3"), "metadata": server["metadata"]}
    others = [pod("proxy", "172.18.0.9", host=True), pod("web", "10.244.0.7"), inside]
    assert learn(Answers(kubeadm(), NODES, None, [server, *others])).dns == ("10.96.0.0/16", "172.18.0.2/32", "fd00:18::2/128")
    # The range of Services may be any of these.
    assert learn(Answers(None, NODES)).dns == ("172.18.0.2/32",)
    assert learn(KIND, EVERY).dns == ("10.0.0.0/8", "172.18.0.0/16")


@pytest.mark.parametrize(("count", "shown"), [(6, "10.12.0.0/16."), (7, "10.12.0.0/16, ….")])
def test_d8_a_remark_shows_six_ranges(count: int, shown: str) -> None:
    found = learn(MANAGED, [f"10.{2 * number}.0.0/16" for number in range(1, count + 1)])
    assert f"10.2.0.0/16, 10.4.0.0/16, 10.6.0.0/16, 10.8.0.0/16, 10.10.0.0/16, {shown}" in found.gaps[0]


def test_d8_a_remark_without_a_range() -> None:
    assert "none of the ranges (none is known)." in learn(MANAGED, ["0.0.0.0/0"]).gaps[0]


@pytest.mark.parametrize("text", [None, 5, "", "[", "- a", "networking: 5", "networking: {podSubnet: x, serviceSubnet: null}"])
def test_d8_a_configuration_that_names_nothing(text: Any) -> None:
    assert learn(Answers(kubeadm(text), NODES)).ranges == ("172.18.0.2/32",)


class Api:
    """Answers with an error of this status."""

    def __init__(self, status: int) -> None:
        self._error = ApiError(status, "no")

    def find(self, _path: str) -> Obj:
        raise self._error

    def items(self, _path: str, _query: Any = None, *, whole: bool = False) -> list[Obj]:
        raise self._error


def test_d8_a_missing_right_is_not_an_error() -> None:
    assert read(Api(403)) == Answers()  # type: ignore[arg-type]
    with pytest.raises(ApiError):
        read(Api(500))  # type: ignore[arg-type]


NETWORKS = st.one_of(
    st.builds(ipaddress.ip_network, st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.just(False)),
    st.builds(ipaddress.ip_network, st.tuples(st.ip_addresses(v=6), st.integers(0, 128)), st.just(False)),
)


@drawn(st.lists(NETWORKS, max_size=8))
def test_d8_ranges_are_sorted_and_apart(networks: list[Any]) -> None:
    found = collapsed(map(str, networks))
    assert found == collapsed(map(str, reversed([*networks, *networks])))
    assert all(network.prefixlen for network in found), "an exception is smaller than everything"
    for version in (4, 6):
        family = [network for network in found if network.version == version]
        assert family == sorted(family)
        assert not any(one.overlaps(other) for one in family for other in family if one is not other)
    whole = {item.version for item in ipaddress.collapse_addresses([n for n in networks if n.version == 4]) if not item.prefixlen}
    for network in networks:
        if network.version == 4 and not whole:
            assert any(network.subnet_of(item) for item in found if item.version == 4)
