# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the configuration asks for, what a node is, and where they differ."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._host.docker import image_name
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import (
    NodeContent,
    found_nodes,
    full_config,
    missing_images,
    same_image,
    wanted_nodes,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.drift import content_drift, duration, node_drift, patches
from ansible_collections.gitops.airflow.plugins.module_utils._kind.output import create_failure, kubeconfig_problem, unready_nodes

IMAGE = "kindest/node:v1.29.4"
PORTS = [{"containerPort": 30080, "hostPort": 8080}]


def inspected(name: str = "lab-control-plane", role: str = "control-plane", **over: Any) -> dict[str, Any]:
    """What docker inspect says of a node, cut down to what is read."""
    return {
        "Name": f"/{name}",
        "State": {"Status": over.get("status", "running")},
        "Config": {"Image": over.get("image", IMAGE), "Labels": {"io.x-k8s.kind.cluster": "lab", "io.x-k8s.kind.role": role}},
        "HostConfig": {
            "PortBindings": over.get("ports", {"30080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]})
            | ({"6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40001"}]} if role == "control-plane" else {}),
            "Binds": ["/lib/modules:/lib/modules:ro", *over.get("binds", [])],
        },
        "Mounts": [{"Type": "volume", "Name": "a" * 64}, {"Type": "bind", "Source": "/lib/modules"}],
    }


def texts(drift: list[Any]) -> list[str]:
    return [str(item) for item in drift]


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("mysql:8.0", "docker.io/library/mysql:8.0"),
        ("mysql", "docker.io/library/mysql:latest"),
        ("apache/airflow:2.6.3", "docker.io/apache/airflow:2.6.3"),
        ("docker.io/mysql:8.0", "docker.io/library/mysql:8.0"),
        ("index.docker.io/library/mysql:8.0", "docker.io/library/mysql:8.0"),
        ("localhost/mine:1", "localhost/mine:1"),
        ("localhost:5000/mine", "localhost:5000/mine:latest"),
        ("registry.k8s.io/git-sync/git-sync:v4.1.0", "registry.k8s.io/git-sync/git-sync:v4.1.0"),
        ("quay.io/argoproj/argocd:v3.0.23@sha256:aa", "quay.io/argoproj/argocd@sha256:aa"),
    ],
)
def test_image_names_are_completed(short: str, full: str) -> None:
    assert image_name(short) == full
    assert image_name(full) == full


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        (IMAGE, f"docker.io/{IMAGE}", True),
        (IMAGE, f"{IMAGE}@sha256:aa", True),
        (f"{IMAGE}@sha256:aa", f"{IMAGE}@sha256:bb", False),
        (IMAGE, "kindest/node:v1.30.0", False),
    ],
)
def test_same_image(wanted: str, found: str, same: bool) -> None:
    assert same_image(wanted, found) is same


def test_missing_images_compares_complete_names() -> None:
    present = frozenset({"docker.io/library/mysql:8.0", "sha256:abc", "registry.k8s.io/pause:3.9"})
    assert missing_images(["mysql:8.0", "apache/airflow:2.6.3", "registry.k8s.io/pause:3.9"], present) == ["apache/airflow:2.6.3"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "other"}, "config.name is 'other' but name is 'lab'"),
        ({"kind": "Pod"}, "config.kind"),
        ({"apiVersion": "kind.x-k8s.io/v1alpha3"}, "config.apiVersion"),
        ({"nodes": [{"role": "master"}]}, r"config.nodes\[0\].role is 'master'"),
    ],
)
def test_a_configuration_of_something_else_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        full_config("lab", config)


def test_nodes_are_named_as_kind_names_them() -> None:
    config = {"nodes": [{"role": "control-plane"}, {"role": "worker"}, {"role": "control-plane"}, {"role": "worker"}]}
    assert [node.name for node in wanted_nodes("lab", config, IMAGE)] == [
        "lab-control-plane",
        "lab-worker",
        "lab-control-plane2",
        "lab-worker2",
        "lab-external-load-balancer",
    ]
    assert [node.name for node in wanted_nodes("lab", {}, IMAGE)] == ["lab-control-plane"]


def test_inspect_is_read() -> None:
    (node,) = found_nodes([inspected(binds=["/srv:/data:ro,rslave"])])
    assert node.api == ("127.0.0.1", "40001")
    assert node.ports == {("30080/tcp", "0.0.0.0", "8080")}
    assert node.mounts == {("/lib/modules", "/lib/modules", True), ("/srv", "/data", True)}
    assert node.volumes == ("a" * 64,)


@pytest.mark.parametrize(
    ("node", "found", "expected"),
    [
        ({"extraPortMappings": PORTS}, {}, []),
        ({"extraPortMappings": [{"containerPort": 30080, "hostPort": 0}]}, {}, []),
        (
            {"extraPortMappings": [{"containerPort": 30080, "hostPort": 9090}]},
            {},
            [
                "lab-control-plane: port mapping is absent, wanted 0.0.0.0:9090 -> 30080/tcp",
                "lab-control-plane: port mapping is 0.0.0.0:8080 -> 30080/tcp, wanted absent",
            ],
        ),
        (
            {"extraPortMappings": [{"containerPort": 30080, "hostPort": 8080, "listenAddress": "127.0.0.1"}]},
            {},
            [
                "lab-control-plane: port mapping is absent, wanted 127.0.0.1:8080 -> 30080/tcp",
                "lab-control-plane: port mapping is 0.0.0.0:8080 -> 30080/tcp, wanted absent",
            ],
        ),
        (
            {"extraPortMappings": PORTS},
            {"image": "kindest/node:v1.30.0"},
            [f"lab-control-plane: image is kindest/node:v1.30.0, wanted {IMAGE}"],
        ),
        (
            {"extraPortMappings": PORTS, "extraMounts": [{"hostPath": "/srv", "containerPath": "/data"}]},
            {},
            ["lab-control-plane: mount is absent, wanted /srv -> /data"],
        ),
        (
            {"extraPortMappings": PORTS, "extraMounts": [{"hostPath": "/srv", "containerPath": "/data", "readOnly": True}]},
            {"binds": ["/srv:/data:ro"]},
            [],
        ),
        (
            {"extraPortMappings": PORTS},
            {"binds": ["/srv:/data"]},
            ["lab-control-plane: mount is /srv -> /data, wanted absent"],
        ),
    ],
)
def test_drift_of_a_container(node: dict[str, Any], found: dict[str, Any], expected: list[str]) -> None:
    assert texts(node_drift(wanted_nodes("lab", {"nodes": [node]}, IMAGE), found_nodes([inspected(**found)]))) == expected


def test_missing_and_extra_nodes_are_drift() -> None:
    wanted = wanted_nodes("lab", {"nodes": [{"extraPortMappings": PORTS}, {"role": "worker"}]}, IMAGE)
    found = found_nodes([inspected(), inspected("lab-worker2", "worker", ports={})])
    assert texts(node_drift(wanted, found)) == [
        "lab-worker: node is absent, wanted a worker node",
        "lab-worker2: node is a worker node, wanted absent",
    ]


KUBELET = {"imageGCHighThresholdPercent": 90, "evictionHard": {"memory.available": "100Mi"}, "imageMinimumGCAge": "2m0s", "x": True}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ("kind: KubeletConfiguration\nimageGCHighThresholdPercent: 90\n", []),
        ("kind: KubeletConfiguration\nevictionHard: {memory.available: 100Mi}\nimageMinimumGCAge: 2m\n", []),
        (
            "kind: KubeletConfiguration\nimageGCHighThresholdPercent: 95\n",
            ["kubelet imageGCHighThresholdPercent is 90, wanted 95"],
        ),
        (
            "kind: KubeletConfiguration\nevictionHard: {memory.available: 200Mi, nodefs.available: 1%}\n",
            ["kubelet evictionHard.memory.available is 100Mi, wanted 200Mi", "kubelet evictionHard.nodefs.available is absent, wanted 1%"],
        ),
        ("kind: KubeletConfiguration\nx: null\n", ["kubelet x is True, wanted absent"]),
        ("kind: KubeletConfiguration\nnever: null\n", []),
        (
            "kind: ClusterConfiguration\napiServer: {extraArgs: {v: '4'}}\n---\nkind: KubeletConfiguration\nx: false\n",
            ["kubelet x is True, wanted False", "ClusterConfiguration apiServer.extraArgs.v is 2, wanted 4"],
        ),
    ],
)
@pytest.mark.parametrize("level", ["cluster", "node"])
def test_drift_inside_a_node(patch: str, expected: list[str], level: str) -> None:
    config: dict[str, Any] = {"kubeadmConfigPatches": [patch]} if level == "cluster" else {"nodes": [{"kubeadmConfigPatches": [patch]}]}
    content = NodeContent(joined=True, kubelet=KUBELET, kubeadm={"ClusterConfiguration": {"apiServer": {"extraArgs": {"v": "2"}}}})
    drift = content_drift(config, wanted_nodes("lab", config, IMAGE), {"lab-control-plane": content})
    assert texts(drift) == [f"lab-control-plane: {text}" for text in expected]


def test_the_first_control_planes_kubelet_patch_counts_for_all_nodes() -> None:
    patch = "kind: KubeletConfiguration\nimageGCHighThresholdPercent: 95\n"
    config = {"nodes": [{"role": "worker"}, {"role": "control-plane", "kubeadmConfigPatches": [patch]}]}
    contents = {name: NodeContent(joined=True, kubelet=KUBELET) for name in ("lab-worker", "lab-control-plane")}
    drift = content_drift(config, wanted_nodes("lab", config, IMAGE), contents)
    assert [item.where for item in drift] == ["lab-worker", "lab-control-plane"]


def test_subnets_are_compared() -> None:
    config = {"networking": {"podSubnet": "10.1.0.0/16"}}
    content = NodeContent(joined=True, kubeadm={"ClusterConfiguration": {"networking": {"podSubnet": "10.244.0.0/16"}}})
    drift = content_drift(config, wanted_nodes("lab", config, IMAGE), {"lab-control-plane": content})
    assert texts(drift) == ["lab-control-plane: ClusterConfiguration networking.podSubnet is 10.244.0.0/16, wanted 10.1.0.0/16"]


@pytest.mark.parametrize(("text", "message"), [("a: [", "is not YAML"), ("imageGC: 3", "has no kind")])
def test_bad_patches_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        patches({"kubeadmConfigPatches": [text]})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("0s", 0), ("2m", 120), ("2m0s", 120), ("1h30m", 5400), ("500ms", 0.5), ("2 m", None), ("90", None), ("1Gi", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert duration(text) == seconds


KUBECONFIG = f"""
clusters:
  - {{name: kind-lab, cluster: {{server: "https://127.0.0.1:40001", certificate-authority-data: {base64.b64encode(b"CA").decode()}}}}}
contexts: [{{name: kind-lab, context: {{cluster: kind-lab, user: kind-lab}}}}]
users: [{{name: kind-lab, user: {{}}}}]
"""


@pytest.mark.parametrize(
    ("text", "api", "ca", "problem"),
    [
        (KUBECONFIG, ("127.0.0.1", "40001"), "CA\n", None),
        (KUBECONFIG, ("127.0.0.1", "40001"), "", None),
        (KUBECONFIG, None, "", None),
        (KUBECONFIG, ("127.0.0.1", "40002"), "CA", "names the server https://127.0.0.1:40001, the cluster's port is 40002"),
        (KUBECONFIG, ("127.0.0.1", "40001"), "OTHER", "trusts another cluster"),
        (KUBECONFIG.replace("user: kind-lab", "user: nobody"), None, "", "names a cluster or user that it does not have"),
        ("", None, "", "has no context kind-lab"),
        ("a: [", None, "", "is not YAML"),
        ("- 1", None, "", "is not a kubeconfig"),
    ],
)
def test_kubeconfig(text: str, api: tuple[str, str] | None, ca: str, problem: str | None) -> None:
    found = kubeconfig_problem(text, "kind-lab", api, ca)
    assert found is None if problem is None else problem in (found or "")


@pytest.mark.parametrize(
    ("output", "cause", "action"),
    [
        (
            'Creating cluster "lab" ...\n ✗ Preparing nodes\nERROR: failed to create cluster: '
            'command "docker run --name lab-control-plane --publish=0.0.0.0:8080:30080/TCP" failed with error: exit status 125\n\n'
            f"Command Output: {'0a' * 32}\ndocker: Bind for 0.0.0.0:8080 failed: port is already allocated.\n\n"
            "Run 'docker run --help' for more information\n",
            "failed to create cluster: docker: Bind for 0.0.0.0:8080 failed: port is already allocated.",
            "Free the port",
        ),
        ('ERROR: failed to create cluster: failed to pull image "x": manifest unknown', "manifest unknown", "Correct the node image"),
        ('ERROR: failed to pull image "x": dial tcp: lookup registry-1.docker.io: no such host', "no such host", "docker load"),
        ("ERROR: failed to create cluster: unable to decode config: unknown field", "unknown field", "Correct the configuration"),
        ("", "kind said nothing", "Nothing was left behind"),
    ],
)
def test_a_failed_creation_names_cause_and_action(output: str, cause: str, action: str) -> None:
    found = create_failure(output)
    assert found[0].endswith(cause)
    assert "--publish" not in found[0]
    assert action in found[1]


def test_a_long_failure_is_cut_in_the_middle() -> None:
    cause, _action = create_failure("noise\nERROR: first\n" + "\n".join(f"line {number}" for number in range(50)), lines=3)
    assert cause.splitlines() == ["first", "...", "line 47", "line 48", "line 49"]


def test_unready_nodes_give_their_reason() -> None:
    def node(name: str, status: str, message: str = "", beat: str = "2026-11-22T20:17:05Z") -> dict[str, Any]:
        ready = {"type": "Ready", "status": status, "message": message, "lastHeartbeatTime": beat}
        return {"metadata": {"name": name}, "status": {"conditions": [ready]}}

    listing = {
        "items": [
            node("a", "True"),
            node("b", "False", "cni plugin not initialized"),
            {"metadata": {"name": "c"}},
            node("e", "True", beat="2026-11-22T20:17:04Z"),
        ]
    }
    assert unready_nodes(listing, dict.fromkeys("abcde", "2026-11-22T20:17:05.123456789Z")) == {
        "e": "its kubelet has not reported since the node was started",
        "b": "cni plugin not initialized",
        "c": "no Ready condition yet",
        "d": "not registered",
    }
