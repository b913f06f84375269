# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the configuration asks for, what a node is, and where they differ."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._host.docker import image_name
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import (
    NodeContent,
    found_nodes,
    full_config,
    missing_images,
    same_image,
    wanted_nodes,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.drift import (
    check_patches,
    content_drift,
    duration,
    missing_labels,
    node_drift,
    patches,
    same_value,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.output import (
    create_failure,
    kubeconfig_problem,
    kubelet_words,
    unready_nodes,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.written import label_warnings

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


def test_v11_the_port_of_the_api_server_may_be_published_again() -> None:
    """kind publishes its own after those of extraPortMappings, so a new cluster would be the same."""
    wanted = wanted_nodes("lab", {"nodes": [{"extraPortMappings": [{"containerPort": 6443, "hostPort": 7443}]}]}, IMAGE)
    found = inspected(ports={})
    found["HostConfig"]["PortBindings"] = {
        "6443/tcp": [{"HostIp": "0.0.0.0", "HostPort": "7443"}, {"HostIp": "127.0.0.1", "HostPort": "40001"}]
    }
    (node,) = found_nodes([found])
    assert node.api == ("127.0.0.1", "40001")
    assert texts(node_drift(wanted, [node])) == []


def test_only_a_control_plane_publishes_the_api_server() -> None:
    """A worker that publishes its port 6443 does it because extraPortMappings ask for it."""
    (node,) = found_nodes([inspected("lab-worker", "worker", ports={"6443/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8443"}]})])
    assert node.api is None
    assert node.ports == {("6443/tcp", "0.0.0.0", "8443")}


@pytest.mark.parametrize("bindings", [None, []])
def test_a_control_plane_whose_api_server_is_not_published(bindings: list[Any] | None) -> None:
    found = inspected(ports={})
    found["HostConfig"]["PortBindings"] = {"6443/tcp": bindings}
    (node,) = found_nodes([found])
    assert (node.api, node.ports) == (None, frozenset())


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


@pytest.mark.parametrize(
    ("wanted", "bind"),
    [
        ("/srv/x/", "/srv/x/:/data"),
        ("/srv/x/", "/srv/x:/data"),
        ("/srv/x", "/srv/x/:/data"),
        ("/srv//x", "/srv//x:/data"),
        ("//srv/x", "//srv/x:/data"),
        ("//srv/x", "/srv/x:/data"),
        ("/srv/./x/.", "/srv/./x/.:/data"),
        ("/srv/y/../x", "/srv/y/../x:/data"),
        ("/srv/x", "/srv/x:/data/"),
        ("/srv/x", "/srv/x://data"),
        ("/", "/:/data"),
    ],
)
def test_a_path_may_be_written_in_many_ways(wanted: str, bind: str) -> None:
    """V11: kind gives absolute paths to Docker as they are, so a new cluster would show the same drift."""
    node = {"extraPortMappings": PORTS, "extraMounts": [{"hostPath": wanted, "containerPath": "/data"}]}
    assert node_drift(wanted_nodes("lab", {"nodes": [node]}, IMAGE), found_nodes([inspected(binds=[bind])])) == []


def test_a_link_is_the_folder_that_it_leads_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """V11: engines name either. A relative path is kind's own working folder's, which is the module's."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    for wanted, found in (("link", "real"), ("real", "link"), ("link/", "link")):
        for path in (str(tmp_path / wanted), wanted, f"./{wanted}/"):
            node = {"extraPortMappings": PORTS, "extraMounts": [{"hostPath": path, "containerPath": "/data"}]}
            binds = [f"{tmp_path / found}:/data"]
            assert node_drift(wanted_nodes("lab", {"nodes": [node]}, IMAGE), found_nodes([inspected(binds=binds)])) == []
    node = {"extraPortMappings": PORTS, "extraMounts": [{"hostPath": "other", "containerPath": "/data", "readOnly": True}]}
    assert texts(
        node_drift(wanted_nodes("lab", {"nodes": [node]}, IMAGE), found_nodes([inspected(binds=[f"{tmp_path}/link:/data:ro"])]))
    ) == [
        f"lab-control-plane: mount is absent, wanted {tmp_path}/other -> /data (read-only)",
        f"lab-control-plane: mount is {tmp_path}/link -> /data (read-only), wanted absent",
    ]


def test_a_mount_of_kinds_own_may_be_asked_for() -> None:
    mount = {"hostPath": "/lib/modules/", "containerPath": "/lib/modules", "readOnly": True}
    node = {"extraPortMappings": PORTS, "extraMounts": [mount]}
    assert node_drift(wanted_nodes("lab", {"nodes": [node]}, IMAGE), found_nodes([inspected()])) == []


@pytest.mark.parametrize("mount", [{"hostPath": "/srv"}, {"containerPath": "/data"}, {"hostPath": "", "containerPath": "/data"}])
def test_half_a_mount_is_refused(mount: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"an entry of extraMounts of the node lab-control-plane has no (hostPath|containerPath)"):
        wanted_nodes("lab", {"nodes": [{"extraMounts": [mount]}]}, IMAGE)


@pytest.mark.parametrize(
    ("mapping", "message", "action"),
    [
        ({"hostPort": 9090}, "has no containerPort: {'hostPort': 9090}. kind needs the port of the node", "Give its containerPort"),
        ({"containerPort": None, "hostPort": 1}, "has no containerPort", "Give its containerPort"),
        ("9090:30090", "has no containerPort: 9090:30090", "Give its containerPort"),
        ({"containerPort": 1, "hostPort": "http"}, "has the hostPort 'http'. It must be a number", "Correct its hostPort."),
        ({"containerPort": 1, "hostPort": [1]}, "has the hostPort [1]", "Correct its hostPort."),
    ],
)
def test_half_a_port_mapping_is_refused(mapping: Any, message: str, action: str) -> None:
    with pytest.raises(InputError) as raised:
        wanted_nodes("lab", {"nodes": [{}, {"role": "worker", "extraPortMappings": [mapping]}]}, IMAGE)
    assert str(raised.value).startswith(f"an entry of extraPortMappings of the node lab-worker {message}")
    assert raised.value.next_action.startswith(action)


def test_where_no_image_is_wanted_any_will_do() -> None:
    """kind chooses the image of the nodes, and the image of the load balancer."""
    assert node_drift(wanted_nodes("lab", {"nodes": [{"extraPortMappings": PORTS}]}, ""), found_nodes([inspected()])) == []


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


GIVEN_NOTHING: dict[str, Any] = {}
# V11. name: (the kubelet's settings in the configuration, those in its file, those that kubeadm was given, whether it is drift)
SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None, bool]] = {
    "false, which kubeadm leaves out": ({"protectKernelDefaults": False}, {}, {"protectKernelDefaults": False}, False),
    "false, as by default": ({"protectKernelDefaults": False}, {}, GIVEN_NOTHING, False),
    "false, as by default, what was given is unknown": ({"serverTLSBootstrap": False}, {}, None, False),
    "false, but it is true": ({"protectKernelDefaults": False}, {"protectKernelDefaults": True}, {"protectKernelDefaults": False}, True),
    "true, but it is left out": ({"protectKernelDefaults": True}, {}, GIVEN_NOTHING, True),
    "false where the default is true": ({"enableDebuggingHandlers": False}, {}, GIVEN_NOTHING, True),
    "false where the default is true, as found": ({"enableDebuggingHandlers": False}, {"enableDebuggingHandlers": False}, None, False),
    "true as by default": ({"enableDebuggingHandlers": True}, {}, GIVEN_NOTHING, False),
    "number as by default": ({"maxPods": 110}, {}, GIVEN_NOTHING, False),
    "another number": ({"maxPods": 200}, {}, GIVEN_NOTHING, True),
    "zero, which kubeadm leaves out": ({"podsPerCore": 0, "readOnlyPort": 0}, {}, None, False),
    "zero, which it does not leave out": ({"registryPullQPS": 0}, {}, GIVEN_NOTHING, True),
    "zero is found, the default is wanted": ({"registryPullQPS": 5}, {"registryPullQPS": 0}, GIVEN_NOTHING, True),
    "no text": ({"staticPodURL": ""}, {}, GIVEN_NOTHING, False),
    "no text where the kubelet tells that from nothing": ({"resolvConf": ""}, {}, GIVEN_NOTHING, True),
    "no list": ({"allowedUnsafeSysctls": []}, {}, GIVEN_NOTHING, False),
    "list as by default": ({"enforceNodeAllocatable": ["pods"]}, {}, GIVEN_NOTHING, False),
    "another list": ({"enforceNodeAllocatable": ["pods", "system-reserved"]}, {}, GIVEN_NOTHING, True),
    "nothing in a dictionary": ({"systemReserved": {}}, {}, GIVEN_NOTHING, False),
    "duration as by default": ({"syncFrequency": "60s"}, {"syncFrequency": "0s"}, GIVEN_NOTHING, False),
    "no duration, which stands for the default": ({"syncFrequency": "0s"}, {"syncFrequency": "0s"}, GIVEN_NOTHING, False),
    "no duration, left out": ({"shutdownGracePeriod": "0s"}, {}, GIVEN_NOTHING, False),
    "another duration": ({"syncFrequency": "30s"}, {"syncFrequency": "0s"}, GIVEN_NOTHING, True),
    "duration in nanoseconds": ({"logging": {"flushFrequency": "5s", "verbosity": 0}}, {"logging": {"flushFrequency": 0}}, None, False),
    "another duration in nanoseconds": (
        {"logging": {"flushFrequency": "5s"}},
        {"logging": {"flushFrequency": 10_000_000_000}},
        GIVEN_NOTHING,
        True,
    ),
    "what Go leaves out of a list": (
        {"registerWithTaints": [{"key": "gpu", "value": "", "effect": "NoSchedule"}]},
        {"registerWithTaints": [{"key": "gpu", "effect": "NoSchedule"}]},
        None,
        False,
    ),
    "what this version of the kubelet does not know": ({"maxPodz": 5}, {}, {"maxPodz": 5}, False),
    "what was changed in the node": ({"maxPods": 50}, {"maxPods": 60}, {"maxPods": 50}, True),
    "kubeadm fills in what is taken out": ({"clusterDNS": None}, {"clusterDNS": ["10.96.0.10"]}, GIVEN_NOTHING, False),
    "what kind sets is to be taken out": ({"cgroupRoot": None}, {"cgroupRoot": "/kubelet"}, {"cgroupRoot": "/kubelet"}, True),
    "what kind sets was taken out": ({"cgroupRoot": None}, {}, GIVEN_NOTHING, False),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_what_no_new_cluster_would_cure_is_no_drift(name: str) -> None:
    """V11: `protectKernelDefaults: false` was drift for ever, with the advice to delete the cluster."""
    settings, kubelet, given, drifts = SETTINGS[name]
    config = {"kubeadmConfigPatches": [yaml.safe_dump({"kind": "KubeletConfiguration", **settings})]}
    content = NodeContent(joined=True, kubelet=kubelet, kubeadm={} if given is None else {"KubeletConfiguration": given})
    drift = content_drift(config, wanted_nodes("lab", config, IMAGE), {"lab-control-plane": content})
    assert bool(drift) is drifts, drift


def test_what_kubeadm_was_given_on_the_first_control_plane_counts_for_all_nodes() -> None:
    """V11: a worker's own kubeadm configuration may hold other patches."""
    patch = "kind: KubeletConfiguration\nmaxPodz: 5\n"
    config = {"nodes": [{"role": "worker"}, {"role": "control-plane", "kubeadmConfigPatches": [patch]}]}
    contents = {
        "lab-worker": NodeContent(joined=True),
        "lab-control-plane": NodeContent(joined=True, kubeadm={"KubeletConfiguration": {"maxPodz": 5}}),
    }
    assert content_drift(config, wanted_nodes("lab", config, IMAGE), contents) == []


@pytest.mark.parametrize("level", ["cluster", "worker"])
@pytest.mark.parametrize(
    ("patch", "words"),
    [
        (
            "kind: KubeletConfiguration\nrotateCertificates: false",
            "rotateCertificates of KubeletConfiguration to False, which has no effect",
        ),
        (
            "kind: KubeletConfiguration\ncontainerRuntimeEndpoint: unix:///run/crio.sock",
            "kubeadm starts the kubelet with unix:///run/containerd",
        ),
        ("kind: KubeletConfiguration\nproviderID: mine", "kind starts the kubelet with one of its own"),
        ("kind: KubeletConfig\nmaxPods: 50", "is of kind KubeletConfig, so kind would never apply it"),
    ],
)
def test_what_has_no_effect_is_refused(patch: str, words: str, level: str) -> None:
    """V11"""
    config: dict[str, Any] = (
        {"kubeadmConfigPatches": [patch]} if level == "cluster" else {"nodes": [{}, {"role": "worker", "kubeadmConfigPatches": [patch]}]}
    )
    with pytest.raises(InputError) as caught:
        check_patches(config)
    assert words in caught.value.message
    assert caught.value.next_action


@pytest.mark.parametrize(
    "setting", ["rotateCertificates: true", "rotateCertificates: null", "containerRuntimeEndpoint: unix:///run/containerd/containerd.sock"]
)
def test_what_is_so_anyway_is_not_refused(setting: str) -> None:
    """V11"""
    check_patches({"kubeadmConfigPatches": [f"kind: KubeletConfiguration\n{setting}"]})


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


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "is not YAML"), ("imageGC: 3", "has no kind"), ("kind is KubeletConfiguration", "has no kind"), ("[kind]", "has no kind")],
)
def test_bad_patches_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        patches({"kubeadmConfigPatches": [text]})


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        pytest.param(4, "4", True, id="a number as text, as kubeadm's extraArgs have it"),
        pytest.param("2m", "2m0s", True, id="a duration"),
        pytest.param(True, True, True, id="true"),
        pytest.param(True, False, False, id="true and false"),
        pytest.param(True, 1, False, id="true and one"),
        pytest.param(0, False, False, id="zero and false"),
        pytest.param(None, None, True, id="absent in both"),
        pytest.param(None, "None", False, id="absent, and the policy None"),
        pytest.param("None", None, False, id="the policy None, and absent"),
        pytest.param(["pods"], ["pods"], True, id="a list"),
        pytest.param(["pods"], ["none"], False, id="another list"),
        pytest.param(["pods"], "['pods']", False, id="a list and its text"),
        pytest.param("['pods']", ["pods"], False, id="a text and the list that it looks like"),
    ],
)
def test_which_settings_say_the_same(wanted: Any, found: Any, same: bool) -> None:
    assert same_value(wanted, found) is same


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("0", 0), ("0s", 0), ("2m", 120), ("2m0s", 120), ("1h30m", 5400), ("1.5h", 5400), ("500ms", 0.5)],
        *[("2 m", None), ("90", None), ("1Gi", None), ("", None), ("x2m", None), ("2mx", None), ("1h 30m", None)],
    ],
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
        (KUBECONFIG.replace("cluster: kind-lab", "cluster: gone"), None, "", "names a cluster or user that it does not have"),
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


def kubelet_line(text: str) -> str:
    return f"2026-11-26T10:00:05+0000 lab-control-plane kubelet[523]: {text}\n"


def klog(text: str, level: str = "E") -> str:
    return kubelet_line(f"{level}1126 10:00:05.123456     523 run.go:74] {text}")


KUBELET_EXIT = (
    "2026-11-26T10:00:05+0000 lab-control-plane systemd[1]: kubelet.service: Main process exited, code=exited, status=1/FAILURE\n"
)
STARTED = klog('"Kubelet version" kubeletVersion="v1.29.4"', "I")
TOO_MUCH = r"failed to validate kubelet configuration, error: [invalid configuration: imageGCHighThresholdPercent 120 (\"high\")]"
# The kubelet's journal: what it says of its own end
JOURNALS = {
    STARTED + klog(f'"command failed" err="{TOO_MUCH}"') + KUBELET_EXIT: f"command failed: {TOO_MUCH}".replace("\\", ""),
    klog('"command failed" err="first"') + KUBELET_EXIT + STARTED + klog('"command failed" err="second"') + KUBELET_EXIT + STARTED: (
        "command failed: second"
    ),
    klog('"Failed to start ContainerManager" err="[invalid kernel flag: kernel/panic, expected value: 10]"') + KUBELET_EXIT: (
        "Failed to start ContainerManager: [invalid kernel flag: kernel/panic, expected value: 10]"
    ),
    klog('"Failed" pod="a/b" err="two"') + KUBELET_EXIT: "Failed: two",
    klog('"alone"', "F") + KUBELET_EXIT: "alone",
    klog("in plain words") + KUBELET_EXIT: "in plain words",
    kubelet_line("Error: unknown flag: --x") + KUBELET_EXIT: "Error: unknown flag: --x",
    kubelet_line("panic: runtime error")
    + KUBELET_EXIT.replace("exited, status=1/FAILURE", "dumped, status=6/ABRT"): "panic: runtime error",
    klog('"Unable to register node" err="no answer"'): "",
    klog('"Unable to register node" err="no answer"') + KUBELET_EXIT.replace("exited, status=1/FAILURE", "killed, status=15/TERM"): "",
    STARTED + KUBELET_EXIT + klog('"command failed" err="later"'): "",
    "": "",
}


@pytest.mark.parametrize("journal", JOURNALS, ids=[words or "nothing" for words in JOURNALS.values()])
def test_a_kubelet_says_why_it_ended_itself(journal: str) -> None:
    """F13"""
    assert kubelet_words(journal) == JOURNALS[journal]


def test_a_kubelet_that_rejects_its_configuration_is_the_cause() -> None:
    """F13: not the registry, because of "dial tcp 127.0.0.1:10248: connect: connection refused"."""
    output = "ERROR: failed to create cluster: failed to init node with kubeadm\n[kubelet-check] dial tcp 127.0.0.1:10248: connect: refused"
    journal = klog('"command failed" err="unknown field maxPodz"') + KUBELET_EXIT
    cause, action = create_failure(output, {"lab-worker": "", "lab-control-plane": journal})
    assert cause.startswith("failed to create cluster: failed to init node with kubeadm\n")
    assert cause.endswith("the kubelet of lab-control-plane ended itself: command failed: unknown field maxPodz")
    assert "kubeadmConfigPatches" in action
    assert "registry" not in create_failure(output)[1]


def test_a_long_failure_is_cut_in_the_middle() -> None:
    cause, _action = create_failure("noise\nERROR: first\n" + "\n".join(f"line {number}" for number in range(50)), lines=3)
    assert cause.splitlines() == ["first", "...", "line 47", "line 48", "line 49"]
    cause, _action = create_failure("ERROR: first\nline 1\nline 2", lines=3)
    assert cause.splitlines() == ["first", "line 1", "line 2"]


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


GIVEN: dict[str, Any] = {
    "ClusterConfiguration": {"apiServer": {"extraArgs": {"runtime-config": "api/all=true", "feature-gates": "A=true,B=false"}}},
    "InitConfiguration": {"nodeRegistration": {"kubeletExtraArgs": {"node-ip": "172.18.0.2", "node-labels": "pool=batch,x=,"}}},
    "KubeletConfiguration": {"featureGates": {"A": True, "B": False, "KubeletInUserNamespace": True}},
    "KubeProxyConfiguration": {"mode": "iptables"},
}
CONTAINERD = {
    "version": 2,
    "stream": {"token": "of others"},
    "plugins": {
        "io.containerd.grpc.v1.cri": {"sandbox_image": "registry.k8s.io/pause:3.10", "registry": {"config_path": "/etc/containerd/certs.d"}}
    },
}
MIRRORS = '[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
GATE_BY_PATCH = "kind: KubeletConfiguration\nfeatureGates: {A: true}"
RUNTIME_BY_PATCH = "kind: ClusterConfiguration\napiServer: {extraArgs: {runtime-config: api/all=true}}"
LABELS_BY_PATCH = "kind: InitConfiguration\nnodeRegistration: {kubeletExtraArgs: {node-labels: pool=core}}"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"nodes": [{"labels": {"pool": "batch", "x": ""}}]}, []),
        # Labels of a Node can be changed: they are warnings.
        ({"nodes": [{"labels": {"pool": "core", "gpu": True}}]}, []),
        # A patch replaces all labels of the node, in a new cluster as well.
        (
            {"nodes": [{"labels": {"pool": "x"}, "kubeadmConfigPatches": [LABELS_BY_PATCH]}]},
            ["InitConfiguration nodeRegistration.kubeletExtraArgs.node-labels is pool=batch,x=,, wanted pool=core"],
        ),
        ({"featureGates": {"A": True, "B": "false"}}, []),
        ({"featureGates": {"B": True, "C": False}}, ["featureGates B is false, wanted true", "featureGates C is absent, wanted false"]),
        # A patch goes before what kind writes: only the patch is compared.
        ({"featureGates": {"A": False}, "kubeadmConfigPatches": [GATE_BY_PATCH]}, []),
        ({"runtimeConfig": {"api/x": "true"}, "kubeadmConfigPatches": [RUNTIME_BY_PATCH]}, []),
        ({"networking": {"kubeProxyMode": "ipvs"}, "kubeadmConfigPatches": ["kind: KubeProxyConfiguration\nmode: iptables"]}, []),
        ({"runtimeConfig": {"api/all": "true"}}, []),
        ({"runtimeConfig": {"api/all": "false"}}, ["runtimeConfig api/all is true, wanted false"]),
        ({"networking": {"kubeProxyMode": "iptables"}}, []),
        ({"networking": {"kubeProxyMode": "ipvs"}}, ["networking kubeProxyMode is iptables, wanted ipvs"]),
        # A JSON patch may replace it.
        ({"networking": {"kubeProxyMode": "ipvs"}, "kubeadmConfigPatchesJSON6902": [{"kind": "KubeProxyConfiguration"}]}, []),
        ({"featureGates": {"B": True}, "nodes": [{"kubeadmConfigPatchesJSON6902": [{"kind": "KubeletConfiguration"}]}]}, []),
        ({"containerdConfigPatches": ["[debug]\nlevel = 'debug'"], "containerdConfigPatchesJSON6902": ["[]"]}, []),
        ({"networking": {"kubeProxyMode": "none"}}, ["networking kubeProxyMode is iptables, wanted none"]),
        ({"containerdConfigPatches": [MIRRORS]}, []),
        ({"containerdConfigPatches": [MIRRORS, "version = 2"]}, []),
        # kind may skip a patch of another version. The node's version is 2.
        ({"containerdConfigPatches": ["version = 3"]}, []),
        ({"containerdConfigPatches": ["version = 3\n[debug]\nlevel = 'debug'", MIRRORS]}, []),
        ({"containerdConfigPatches": ["version = 2\n[debug]\nlevel = 'debug'"]}, ["containerd debug.level is absent, wanted debug"]),
        ({"containerdConfigPatches": ["version = 0\n[debug]\nlevel = 'debug'"]}, ["containerd debug.level is absent, wanted debug"]),
        (
            {"containerdConfigPatches": [MIRRORS.replace("certs.d", "other")]},
            ["containerd plugins.io.containerd.grpc.v1.cri.registry.config_path is /etc/containerd/certs.d, wanted /etc/containerd/other"],
        ),
        (
            {"containerdConfigPatches": ["[plugins.cri.registry.configs.'h'.auth]\nusername = 'ann'\npassword = 's3cret'"]},
            [f"containerd plugins.cri.registry.configs.h.auth.{key} is absent, wanted (not shown)" for key in ("username", "password")],
        ),
        ({"containerdConfigPatches": ["[stream]\ntoken = 'of mine'"]}, ["containerd stream.token is (not shown), wanted (not shown)"]),
        # The last patch holds.
        ({"containerdConfigPatches": [MIRRORS.replace("certs.d", "other"), MIRRORS]}, []),
        ({"containerdConfigPatches": ["[debug]\nlevel = 'debug'"]}, ["containerd debug.level is absent, wanted debug"]),
    ],
)
def test_f15_what_kind_writes_into_a_node_is_compared(config: dict[str, Any], expected: list[str]) -> None:
    content = NodeContent(joined=True, kubelet=GIVEN["KubeletConfiguration"], kubeadm=GIVEN, containerd=CONTAINERD)
    drift = content_drift(config, wanted_nodes("lab", config, IMAGE), {"lab-control-plane": content})
    assert texts(drift) == [f"lab-control-plane: {text}" for text in expected]


def test_kind_writes_no_document_of_a_proxy_that_is_not_wanted() -> None:
    config = {"networking": {"kubeProxyMode": "none"}}
    content = NodeContent(joined=True, kubeadm={kind: GIVEN[kind] for kind in GIVEN if kind != "KubeProxyConfiguration"})
    assert content_drift(config, wanted_nodes("lab", config, IMAGE), {"lab-control-plane": content}) == []


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"labels": {"pool": "batch", "x": ""}}, {}),
        ({"labels": {"pool": "core", "gpu": True, "x": ""}}, {"lab-control-plane": {"pool": "core", "gpu": "true"}}),
        ({"labels": {"y": ""}}, {"lab-control-plane": {"y": ""}}),
        ({}, {}),
        # A patch replaces all labels of the node, in a new cluster as well.
        ({"labels": {"pool": "x"}, "kubeadmConfigPatches": [LABELS_BY_PATCH]}, {}),
    ],
)
def test_labels_that_a_node_did_not_get(node: dict[str, Any], expected: dict[str, dict[str, str]]) -> None:
    config = {"nodes": [node, {"role": "worker", "labels": {"not": "running"}}]}
    content = NodeContent(joined=True, kubeadm=GIVEN)
    assert missing_labels(config, wanted_nodes("lab", config, IMAGE), {"lab-control-plane": content}) == expected


SET = "Set it with: kubectl --kubeconfig '/my files/config' --context kind-lab label --overwrite node"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"pool": "heavy"}, []),
        ({"pool": "core"}, [f"a: label pool is heavy, wanted core. {SET} a pool=core"]),
        ({"gpu": "true"}, [f"a: label gpu is absent, wanted true. {SET} a gpu=true"]),
        ({"x": ""}, [f"a: label x is absent, wanted empty. {SET} a x="]),
        ({"e": "1"}, [f"a: label e is empty, wanted 1. {SET} a e=1"]),
        ({"pool": "heavy", "x": "1"}, [f"a: label x is absent, wanted 1. {SET} a x=1"]),
    ],
)
def test_the_live_node_says_which_labels_it_has(labels: dict[str, str], expected: list[str]) -> None:
    listing = {"items": [{"metadata": {"name": "a", "labels": {"pool": "heavy", "e": ""}}}]}
    assert label_warnings("/my files/config", "kind-lab", {"a": labels, "unknown": labels}, listing) == expected
    assert label_warnings("/my files/config", "kind-lab", {"a": labels}, {}) == []


def test_f15_arguments_of_a_later_kubeadm_are_a_list() -> None:
    config = {"nodes": [{}, {"role": "worker", "labels": {"pool": "core", "x": "1"}}]}
    arguments = [{"name": "node-ip", "value": "172.18.0.3"}, {"name": "node-labels", "value": "pool=batch,x=1"}]
    content = NodeContent(joined=True, kubeadm={"JoinConfiguration": {"nodeRegistration": {"kubeletExtraArgs": arguments}}})
    assert missing_labels(config, wanted_nodes("lab", config, IMAGE), {"lab-worker": content}) == {"lab-worker": {"pool": "core"}}


def test_f15_a_patch_of_containerd_that_is_not_toml_is_refused() -> None:
    with pytest.raises(InputError, match="a containerdConfigPatches entry is not TOML"):
        check_patches({"containerdConfigPatches": ["a: 1"]})
