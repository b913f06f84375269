# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F15: a person's own part of a kind configuration: how it is merged, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import full_config
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config_merge import merge_config, readable_part

KUBELET = "kind: KubeletConfiguration\nimageGCHighThresholdPercent: 95\n"
SERVED = """
kind: ClusterConfiguration
apiServer:
  extraArgs: {feature-gates: ValidatingAdmissionPolicy=true, runtime-config: admissionregistration.k8s.io/v1beta1=true}
"""
AIRFLOW = {"containerPort": 30080, "hostPort": 8080, "listenAddress": "127.0.0.1"}
ARGOCD = {"containerPort": 30443, "hostPort": 8443, "listenAddress": "127.0.0.1"}
FIRST = {"role": "control-plane", "extraPortMappings": [AIRFLOW, ARGOCD]}
OWN: dict[str, Any] = {
    "kind": "Cluster",
    "apiVersion": "kind.x-k8s.io/v1alpha4",
    "nodes": [FIRST, {"role": "worker", "labels": {"pool": "batch"}}, {"role": "worker"}],
    "kubeadmConfigPatches": [KUBELET],
}
WEB = {"containerPort": 30090, "hostPort": 9090}
DATA = {"hostPath": "/srv/data", "containerPath": "/data"}


def merged(given: Any) -> dict[str, Any]:
    before = copy.deepcopy(OWN)
    result = merge_config(OWN, given)
    assert before == OWN, "the role's configuration was changed"
    full_config("airflow", result)
    return result


@pytest.mark.parametrize("given", [{}, None])
def test_without_a_part_of_your_own_nothing_changes(given: Any) -> None:
    assert merged(given) == OWN


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        # The role has none of these keys.
        ({"featureGates": {"A": True}}, {"featureGates": {"A": True}}),
        ({"runtimeConfig": {"api/alpha": "false"}}, {"runtimeConfig": {"api/alpha": "false"}}),
        ({"networking": {"podSubnet": "10.1.0.0/16"}}, {"networking": {"podSubnet": "10.1.0.0/16"}}),
        ({"containerdConfigPatches": ["a = 1"]}, {"containerdConfigPatches": ["a = 1"]}),
        # Lists are joined.
        ({"kubeadmConfigPatches": ["kind: InitConfiguration"]}, {"kubeadmConfigPatches": [KUBELET, "kind: InitConfiguration"]}),
        # Nothing of the role's is said again.
        ({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": []}, {}),
        # Values as texts, as a command line gives them; what is null is not set.
        ({"networking": {"apiServerPort": "6443", "podSubnet": None}}, {"networking": {"apiServerPort": 6443}}),
        ({"featureGates": {"A": "true", "B": "False"}}, {"featureGates": {"A": True, "B": False}}),
        ({"runtimeConfig": {"api/all": True}}, {"runtimeConfig": {"api/all": "true"}}),
    ],
)
def test_keys_of_the_cluster(given: dict[str, Any], changed: dict[str, Any]) -> None:
    assert merged(given) == OWN | changed


@pytest.mark.parametrize(
    ("given", "nodes"),
    [
        # A node without a role is a control plane, as for kind.
        ([{"extraMounts": [DATA]}], [FIRST | {"extraMounts": [DATA]}, *OWN["nodes"][1:]]),
        (
            [{"role": "control-plane", "extraPortMappings": [WEB]}],
            [FIRST | {"extraPortMappings": [AIRFLOW, ARGOCD, WEB]}, *OWN["nodes"][1:]],
        ),
        # By role, in their order; the order of the roles does not matter.
        (
            [{"role": "worker", "labels": {"zone": "a"}}, {"labels": {"x": "y"}}, {"role": "worker", "labels": {"zone": "b"}}],
            [
                FIRST | {"labels": {"x": "y"}},
                {"role": "worker", "labels": {"pool": "batch", "zone": "a"}},
                {"role": "worker", "labels": {"zone": "b"}},
            ],
        ),
        ([{"role": "worker", "labels": {"pool": "core"}}], [FIRST, {"role": "worker", "labels": {"pool": "core"}}, {"role": "worker"}]),
        # Entries without a counterpart are further nodes.
        ([{"role": "worker"}] * 2 + [{"role": "worker", "labels": {"n": 3}}], [*OWN["nodes"], {"role": "worker", "labels": {"n": "3"}}]),
        ([{}, {"role": "control-plane"}], [*OWN["nodes"], {"role": "control-plane"}]),
    ],
)
def test_nodes_are_matched_by_role(given: list[dict[str, Any]], nodes: list[dict[str, Any]]) -> None:
    assert merged({"nodes": given}) == OWN | {"nodes": nodes}


def test_a_port_may_be_published_on_another_address() -> None:
    found = merged({"nodes": [{"extraPortMappings": [AIRFLOW | {"listenAddress": "192.0.2.1"}, AIRFLOW | {"protocol": "udp"}]}]})
    assert found["nodes"][0]["extraPortMappings"][2:] == [AIRFLOW | {"listenAddress": "192.0.2.1"}, AIRFLOW | {"protocol": "UDP"}]


@pytest.mark.parametrize(
    "given",
    [
        # On another address than the platform's.
        {"networking": {"apiServerPort": 8443, "apiServerAddress": "192.0.2.1"}},
        {"networking": {"apiServerPort": 8443, "ipFamily": "ipv6"}},
        # Docker chooses a free port of the machine for each.
        {"nodes": [{"extraPortMappings": [{"containerPort": 80}, {"containerPort": 81}, {"containerPort": 82, "hostPort": -1}]}]},
        # The lowest and the highest port.
        {"nodes": [{"extraPortMappings": [{"containerPort": 1, "hostPort": 65535}]}]},
    ],
)
def test_ports_that_do_not_meet(given: dict[str, Any]) -> None:
    merged(given)


REFUSED: dict[str, tuple[Any, str, str]] = {
    "a text": ("nodes: []", "kind_cluster_config is 'nodes: []'. It must be a dictionary.", "Correct kind_cluster_config."),
    "a key that is nearly one": (
        {"nodes": [{"extraMount": []}]},
        "kind_cluster_config.nodes[0] has the key extraMount. kind knows no such key here, and would not create the cluster. "
        "The nearest name is extraMounts.",
        "Write extraMounts instead of extraMount.",
    ),
    "a key of another place": (
        {"extraMounts": []},
        "kind_cluster_config has the key extraMounts. kind knows no such key here, and would not create the cluster.",
        "Remove extraMounts. The keys here are kind, apiVersion, name, nodes, networking,",
    ),
    "a dictionary for a list": (
        {"nodes": {}},
        "kind_cluster_config.nodes is a dictionary. It must be a list.",
        "Correct kind_cluster_config.nodes.",
    ),
    "a patch that is no text": (
        {"kubeadmConfigPatches": [{"kind": "InitConfiguration"}]},
        "kind_cluster_config.kubeadmConfigPatches[0] is a dictionary. It must be a text.",
        "Correct kind_cluster_config.kubeadmConfigPatches[0]. Write the patch as a text, after a vertical bar.",
    ),
    "a list for a text": (
        {"kubeadmConfigPatches": [["kind: InitConfiguration"]]},
        "kind_cluster_config.kubeadmConfigPatches[0] is a list. It must be a text.",
        "Correct kind_cluster_config.kubeadmConfigPatches[0].",
    ),
    "a patch that is no text and has a password": (
        {"containerdConfigPatches": [{"auth": {"password": "s3cret-of-mine"}}]},
        "kind_cluster_config.containerdConfigPatches[0] is a dictionary. It must be a text.",
        "Correct kind_cluster_config.containerdConfigPatches[0]. Write the patch as a text, after a vertical bar.",
    ),
    "a role": (
        {"nodes": [{"role": "master"}]},
        "kind_cluster_config.nodes[0].role is 'master'. It must be control-plane or worker.",
        "Correct kind_cluster_config.nodes[0].role.",
    ),
    "a switch": (
        {"nodes": [{"extraMounts": [DATA | {"readOnly": "yes"}]}]},
        "kind_cluster_config.nodes[0].extraMounts[0].readOnly is 'yes'. It must be true or false.",
        "Correct kind_cluster_config.nodes[0].extraMounts[0].readOnly.",
    ),
    "a number": (
        {"networking": {"apiServerPort": "https"}},
        "kind_cluster_config.networking.apiServerPort is 'https'. It must be a whole number.",
        "Correct kind_cluster_config.networking.apiServerPort.",
    ),
    "a number that is a switch": (
        {"networking": {"apiServerPort": True}},
        "kind_cluster_config.networking.apiServerPort is True. It must be a whole number.",
        "Correct kind_cluster_config.networking.apiServerPort.",
    ),
    "the API's version": (
        {"apiVersion": "kind.x-k8s.io/v1alpha3"},
        "kind_cluster_config.apiVersion is 'kind.x-k8s.io/v1alpha3'. It must be kind.x-k8s.io/v1alpha4.",
        "Correct kind_cluster_config.apiVersion.",
    ),
    "the name": (
        {"name": "other"},
        "kind_cluster_config.name is other. The name of the cluster is platform_name.",
        "Remove kind_cluster_config.name, and set platform_name.",
    ),
    "an image": (
        {"nodes": [{"image": "kindest/node:v1.30.0"}]},
        "kind_cluster_config.nodes[0].image is kindest/node:v1.30.0. All nodes have the image kind_cluster_node_image, and kind would "
        "ignore another one.",
        "Remove kind_cluster_config.nodes[0].image, and set platform_kubernetes_version or kind_cluster_node_image.",
    ),
    "no network plugin": (
        {"networking": {"disableDefaultCNI": True}},
        "kind_cluster_config.networking.disableDefaultCNI is true. The role waits until every node is Ready, and without a network "
        "plugin no node is.",
        "Remove kind_cluster_config.networking.disableDefaultCNI, or create such a cluster yourself and set platform_provider: existing.",
    ),
    "no kube-proxy": (
        {"networking": {"kubeProxyMode": "none"}},
        "kind_cluster_config.networking.kubeProxyMode is none. Without kube-proxy no Service answers",
        "Remove kind_cluster_config.networking.kubeProxyMode, or create such a cluster yourself",
    ),
    "the platform's port": (
        {"nodes": [{"role": "worker", "extraPortMappings": [{"containerPort": 80, "hostPort": 8080}]}]},
        "kind_cluster_config.nodes[0].extraPortMappings[0] publishes 0.0.0.0:8080 -> 80/tcp, and the role's configuration publishes "
        "127.0.0.1:8080 -> 30080/tcp. A port of this machine leads to one port of one node.",
        "Choose another port in kind_cluster_config.nodes[0].extraPortMappings[0]. platform_airflow_host_port and",
    ),
    "the platform's mapping once more": (
        {"nodes": [{"extraPortMappings": [AIRFLOW]}]},
        "publishes 127.0.0.1:8080 -> 30080/tcp, and the role's configuration publishes 127.0.0.1:8080 -> 30080/tcp.",
        "Choose another port",
    ),
    "a port of its own twice": (
        {"nodes": [{"extraPortMappings": [WEB]}, {"role": "worker", "extraPortMappings": [WEB | {"listenAddress": "127.0.0.1"}]}]},
        "kind_cluster_config.nodes[1].extraPortMappings[0] publishes 127.0.0.1:9090 -> 30090/tcp, and "
        "kind_cluster_config.nodes[0].extraPortMappings[0] publishes 0.0.0.0:9090 -> 30090/tcp.",
        "Choose another port in kind_cluster_config.nodes[1].extraPortMappings[0].",
    ),
    "the API server on the platform's port": (
        {"networking": {"apiServerPort": 8443}},
        "kind_cluster_config.networking.apiServerPort publishes 127.0.0.1:8443 -> 6443/tcp, and the role's configuration publishes",
        "Choose another port in kind_cluster_config.networking.apiServerPort.",
    ),
    "a mapping to no port": (
        {"nodes": [{"extraPortMappings": [{"hostPort": 9090}]}]},
        "kind_cluster_config.nodes[0].extraPortMappings[0].containerPort is 0. It must be a port, from 1 to 65535.",
        "Correct kind_cluster_config.nodes[0].extraPortMappings[0].containerPort.",
    ),
    "a port too large": (
        {"nodes": [{"extraPortMappings": [{"containerPort": 80, "hostPort": 65536}]}]},
        "kind_cluster_config.nodes[0].extraPortMappings[0].hostPort is 65536. It must be a port",
        "Correct kind_cluster_config.nodes[0].extraPortMappings[0].hostPort.",
    ),
    "a path of the home folder": (
        {"nodes": [{"extraMounts": [DATA | {"hostPath": "~/data"}]}]},
        "kind_cluster_config.nodes[0].extraMounts[0].hostPath is '~/data'. It must be an absolute path: kind expands neither "
        "~ nor variables.",
        "Give kind_cluster_config.nodes[0].extraMounts[0].hostPath as a path that begins with a slash.",
    ),
    "no path": (
        {"nodes": [{"extraMounts": [{"hostPath": "/srv"}]}]},
        "kind_cluster_config.nodes[0].extraMounts[0].containerPath is ''. It must be an absolute path",
        "Give kind_cluster_config.nodes[0].extraMounts[0].containerPath",
    ),
    "a patch that is not TOML": (
        {"containerdConfigPatches": ["a: 1"]},
        "kind_cluster_config.containerdConfigPatches[0] is not TOML: ",
        "Correct kind_cluster_config.containerdConfigPatches[0].",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    given, message, action = REFUSED[case]
    with pytest.raises(InputError) as raised:
        merged(given)
    assert message in raised.value.message
    assert "s3cret" not in raised.value.message
    assert raised.value.next_action.startswith(action)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"kubeadmConfigPatches": [{}]}, True),
        ({"nodes": [{"kubeadmConfigPatchesJSON6902": [{"patch": {}}]}]}, True),
        ({"kubeadmConfigPatches": [[]]}, False),
        ({"networking": {"podSubnet": {}}}, False),
    ],
)
def test_the_hint_how_to_write_a_patch(given: dict[str, Any], hint: bool) -> None:
    with pytest.raises(InputError) as raised:
        merged(given)
    assert ("after a vertical bar" in raised.value.next_action) is hint


@pytest.mark.parametrize("extra", [{}, {"nodes": [{"role": "worker"}]}])
@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"nodes": {"role": "worker"}}, "config.nodes is a dictionary. It must be a list."),
        ({"nodes": ["worker"]}, "config.nodes[0] is 'worker'. It must be a dictionary."),
        ({"nodes": [None]}, "config.nodes[0] is None. It must be a dictionary."),
        ({"nodes": [{"role": ["worker"]}]}, "config.nodes[0].role is a list. It must be control-plane or worker."),
        ({"nodes": [{"extraPortMappings": [9090]}]}, "config.nodes[0].extraPortMappings[0] is 9090. It must be a dictionary."),
        ({"nodes": [{"extraPortMappings": [{"hostPort": "web"}]}]}, "extraPortMappings[0].hostPort is 'web'. It must be a whole number."),
        ({"nodes": [{"extraMounts": ["/data"]}]}, "config.nodes[0].extraMounts[0] is '/data'. It must be a dictionary."),
        ({"nodes": [{"extraMounts": [{"hostPath": {}}]}]}, "config.nodes[0].extraMounts[0].hostPath is a dictionary. It must be a text."),
        ({"networking": "ipv6"}, "config.networking is 'ipv6'. It must be a dictionary."),
        ({"kubeadmConfigPatches": [5]}, "config.kubeadmConfigPatches[0] is 5. It must be a text."),
        ({"containerdConfigPatches": "a = 1"}, "config.containerdConfigPatches is 'a = 1'. It must be a list."),
    ],
)
def test_a_role_configuration_of_another_structure(own: dict[str, Any], message: str, extra: dict[str, Any]) -> None:
    with pytest.raises(InputError) as raised:
        merge_config(own, extra)
    assert message in raised.value.message
    assert raised.value.next_action.startswith("Correct config.")


def test_what_kind_checks_itself_is_not_refused_here() -> None:
    own = {"nodes": [{"role": "master", "labels": {"n": 1}, "extraMounts": None}], "networking": {"podSubnet": 5}, "other": []}
    assert merge_config(own, {}) == own


def test_the_readable_part_of_a_configuration() -> None:
    own = {"nodes": ["worker"], "networking": [], "kubeadmConfigPatches": [KUBELET], "name": "airflow"}
    assert readable_part(own) == {"kubeadmConfigPatches": [KUBELET], "name": "airflow"}
    assert readable_part(OWN) == OWN


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InputError) as raised:
        merged({"name": "other", "networking": {"disableDefaultCNI": True}})
    assert raised.value.message.splitlines()[0] == "There are 2 problems with kind_cluster_config."
    assert "- kind_cluster_config.name is other." in raised.value.message
    assert "- kind_cluster_config.networking.disableDefaultCNI is true." in raised.value.message
    assert "set platform_name. Remove kind_cluster_config.networking" in raised.value.next_action


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"featureGates": {"A": True}},
            "kind_cluster_config.featureGates is {'A': True}. kind_cluster_admission_policies sets feature-gates",
        ),
        ({"runtimeConfig": {"api/all": "true"}}, "kind_cluster_admission_policies sets runtime-config of the API server to admission"),
        (
            {"kubeadmConfigPatches": ["kind: ClusterConfiguration\napiServer: {extraArgs: {feature-gates: A=true}}"]},
            "kind_cluster_config.kubeadmConfigPatches sets apiServer.extraArgs.feature-gates of ClusterConfiguration to A=true. "
            "kind_cluster_admission_policies sets apiServer.extraArgs.feature-gates to ValidatingAdmissionPolicy=true.",
        ),
        (
            {"nodes": [{"kubeadmConfigPatches": ["kind: ClusterConfiguration\napiServer: {extraArgs: {runtime-config: x}}"]}]},
            "kind_cluster_config.nodes[0].kubeadmConfigPatches sets apiServer.extraArgs.runtime-config",
        ),
        ({"kubeadmConfigPatches": ["kind: ClusterConfiguration\napiServer: {extraArgs: {v: '4'}}"]}, ""),
        ({"kubeadmConfigPatches": [SERVED]}, ""),
        ({"kubeadmConfigPatches": ["kind: KubeletConfiguration\nimageGCHighThresholdPercent: 80"]}, ""),
        ({"networking": {"ipFamily": "dual"}}, ""),
    ],
)
def test_arguments_of_the_api_server_that_the_role_needs(given: dict[str, Any], message: str) -> None:
    own = OWN | {"kubeadmConfigPatches": [KUBELET, SERVED]}
    merge_config(OWN, given)
    if not message:
        merge_config(own, given)
        return
    with pytest.raises(InputError) as raised:
        merge_config(own, given)
    assert message in raised.value.message
    assert raised.value.next_action.startswith("Set kind_cluster_admission_policies: false, and give all values of ")
