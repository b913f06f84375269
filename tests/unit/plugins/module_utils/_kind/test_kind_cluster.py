# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a cluster: every call to docker and kind goes to a stand-in that keeps containers as Docker does."""

from __future__ import annotations

import base64
import io
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._host.command import CommandMissing
from ansible_collections.gitops.airflow.plugins.module_utils._kind import client as _kind_engine
from ansible_collections.gitops.airflow.plugins.module_utils._kind import cluster as _kind_cluster
from ansible_collections.gitops.airflow.plugins.module_utils._kind import evidence
from ansible_collections.gitops.airflow.plugins.module_utils._kind.client import Engine, KindError, Marker, Runner
from ansible_collections.gitops.airflow.plugins.module_utils._kind.cluster import Cluster, DriftError, Wanted
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config_merge import merge_config

IMAGE = "kindest/node:v1.29.4"
VOLUME = "b" * 64
CONFIG: dict[str, Any] = {
    "nodes": [
        {
            "extraPortMappings": [{"containerPort": 30080, "hostPort": 8080}],
            "kubeadmConfigPatches": ["kind: KubeletConfiguration\nimageGCHighThresholdPercent: 90\n"],
        }
    ]
}


class Machine:
    """Docker and kind, as far as the module uses them."""

    def __init__(self, folder: Path) -> None:
        self.kubeconfig = folder / "kubeconfig"
        self.containers: dict[str, dict[str, Any]] = {}
        self.calls: list[list[str]] = []
        self.configs: list[dict[str, Any]] = []  # of kind create
        self.images = {"docker.io/library/mysql:8.0"}
        self.volumes = {VOLUME, "kept"}
        self.network = False
        self.attached: list[str] = []
        self.gc_percent = 90
        self.joined = True
        self.fail: dict[str, str] = {}  # first words of a kind command -> what it says when it fails
        self.killed_in: str | None = None
        self.ready_after = 0
        self.storage = "storageclass.storage.k8s.io/standard"
        self.beat = "2026-11-22T20:17:05Z"
        self.token = True  # kind's bootstrap token
        self.given = "imageGCHighThresholdPercent: 90"  # the kubelet's settings in kubeadm's configuration
        self.containerd = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n'
        self.labels = {"pool": "heavy"}  # of the live Node
        self.serial = 0
        self.saved: dict[str, str] = {}  # what docker save has written: path and image

    def add(self, status: str = "running", port: str = "8080") -> None:
        self.network = self.token = True
        self.serial += 1
        self.containers["lab-control-plane"] = {
            "Id": f"{self.serial:064x}",
            "Name": "/lab-control-plane",
            "State": {"Status": status, "StartedAt": "2026-11-22T20:17:05.999Z"},
            "Config": {"Image": IMAGE, "Labels": {"io.x-k8s.kind.role": "control-plane"}},
            "HostConfig": {
                "PortBindings": {
                    "30080/tcp": [{"HostIp": "0.0.0.0", "HostPort": port}],
                    "6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40001"}],
                }
            },
            "Mounts": [{"Type": "volume", "Name": VOLUME}],
        }

    def write_kubeconfig(self, port: str = "40001") -> None:
        entry = {"name": "kind-lab"}
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": base64.b64encode(b"CA").decode()}
        document = {
            "clusters": [entry | {"cluster": cluster}],
            "contexts": [entry | {"context": {"cluster": "kind-lab", "user": "kind-lab"}}],
            "users": [entry | {"user": {"token": "x"}}],
        }
        self.kubeconfig.write_text(json.dumps(document))

    def done(self, *words: str) -> list[list[str]]:
        return [call for call in self.calls if call[: len(words)] == list(words)]

    def __call__(self, args: Sequence[str], *, stdin: str = "", keep: Sequence[int] = ()) -> tuple[int, str, str]:
        call = [os.path.basename(args[0]), *args[1:]]
        self.calls.append(call)
        for words, text in self.fail.items():
            if " ".join(call).startswith(words):
                return 1, "", text
        method: Callable[..., str] = getattr(self, f"_{call[0]}_{call[1]}")
        answer = method(call[2:], stdin)
        if self.killed_in == call[1]:
            raise KeyboardInterrupt
        return 0, answer, ""

    def _docker_ps(self, args: list[str], _stdin: str) -> str:
        if "network=kind" in args:
            return "\n".join(self.attached)
        return "\n".join(self.containers)

    def _docker_inspect(self, args: list[str], _stdin: str) -> str:
        return json.dumps([self.containers[name] for name in args])

    def _docker_exec(self, args: list[str], _stdin: str) -> str:
        if args[1] == "kubectl" and "storageclasses" in args:
            return self.storage
        if args[1] == "kubectl" and "bootstrap-token-abcdef" in args:
            there = self.token
            self.token = there and "delete" not in args
            return "secret/bootstrap-token-abcdef\n" if there else ""
        if args[1] == "kubectl":
            self.ready_after -= 1
            status = "True" if self.ready_after < 0 else "False"
            condition = {"type": "Ready", "status": status, "message": "cni plugin not initialized", "lastHeartbeatTime": self.beat}
            return json.dumps(
                {"items": [{"metadata": {"name": "lab-control-plane", "labels": self.labels}, "status": {"conditions": [condition]}}]}
            )
        parts = [
            "joined" if self.joined else "",
            f"imageGCHighThresholdPercent: {self.gc_percent}" if self.joined else "",
            self._kubeadm(),
            "CA",
            self.containerd,
            "\n".join(self.images),
        ]
        return f"\n{_kind_engine.CUT}\n".join(parts)

    def _kubeadm(self) -> str:
        return f"kind: ClusterConfiguration\n---\nkind: KubeletConfiguration\n{self.given}"

    def _docker_cp(self, args: list[str], _stdin: str) -> str:
        assert args == ["lab-control-plane:/kind/kubeadm.conf", "-"]
        archive, data = io.BytesIO(), self._kubeadm().encode()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            header = tarfile.TarInfo("kubeadm.conf")
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
        return archive.getvalue().decode()

    def _docker_start(self, args: list[str], _stdin: str) -> str:
        for name in args:
            self.containers[name]["State"]["Status"] = "running"
        return ""

    def _docker_volume(self, args: list[str], _stdin: str) -> str:
        if args[0] == "rm":
            self.volumes -= set(args[1:])
        return "\n".join(self.volumes)

    def _docker_network(self, args: list[str], _stdin: str) -> str:
        if args[0] == "rm":
            self.network = False
        return "kind" if self.network else ""

    def _kind_create(self, _args: list[str], stdin: str) -> str:
        assert not self.containers, "kind refuses a name that exists"
        self.configs.append(json.loads(stdin))
        self.add(port=str(json.loads(stdin)["nodes"][0]["extraPortMappings"][0]["hostPort"]))
        self.write_kubeconfig()
        return ""

    def _kind_delete(self, _args: list[str], _stdin: str) -> str:
        self.containers.clear()
        self.kubeconfig.unlink(missing_ok=True)
        return ""

    def _kind_export(self, _args: list[str], _stdin: str) -> str:
        self.write_kubeconfig()
        return ""

    def _kind_load(self, args: list[str], _stdin: str) -> str:
        saved = self.saved.pop(args[1], "docker.io/apache/airflow:2.6.3")
        self.images.add(saved)
        return ""

    def _docker_save(self, args: list[str], _stdin: str) -> str:
        option, path, image = args
        assert option == "--output"
        assert Path(path).parent.is_dir()
        self.saved[path] = image
        return ""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(_kind_cluster, "api_answers", lambda _api, _ca: True)
    return Machine(tmp_path)


@pytest.fixture
def cluster(machine: Machine, tmp_path: Path) -> Cluster:
    return Cluster(Engine("lab", "/opt/kind", str(machine.kubeconfig), machine), Marker(str(tmp_path / "state"), "lab"))


def wanted(**over: Any) -> Wanted:
    settings: dict[str, Any] = {"config": CONFIG, "image": IMAGE, "wait": 10} | over
    return Wanted(**settings)


def test_a_missing_cluster_is_created(cluster: Cluster, machine: Machine) -> None:
    result = cluster.present(wanted())
    assert (result["changed"], result["created"]) == (True, True)
    assert result["nodes"] == [{"name": "lab-control-plane", "role": "control-plane", "image": IMAGE}]
    assert result["diff"] == {"before": {"nodes": {}}, "after": {"nodes": {"lab-control-plane": "running"}}}
    (create,) = machine.done("kind", "create", "cluster")
    assert create[create.index("--image") + 1] == IMAGE
    assert not cluster.marker.exists()


def test_a_second_run_changes_nothing_with_few_calls(cluster: Cluster, machine: Machine) -> None:
    cluster.present(wanted())
    machine.calls.clear()
    result = cluster.present(wanted())
    assert (result["changed"], result["created"]) == (False, False)
    assert result["diff"]["before"] == result["diff"]["after"]
    assert [call[:2] for call in machine.calls] == [["docker", "ps"], ["docker", "inspect"], ["docker", "exec"]]


def test_f15_a_part_of_your_own_is_compared_as_the_rest_is(cluster: Cluster, machine: Machine) -> None:
    machine.containerd = '[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
    own = merge_config(CONFIG, {"containerdConfigPatches": [machine.containerd]})
    cluster.present(wanted(config=own))
    (create,) = machine.configs
    assert create == {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "name": "lab", **own}
    machine.calls.clear()
    assert cluster.present(wanted(config=own))["changed"] is False
    assert [call[:2] for call in machine.calls] == [["docker", "ps"], ["docker", "inspect"], ["docker", "exec"]]
    changed = merge_config(
        CONFIG,
        {"containerdConfigPatches": ["[debug]\nlevel = 'debug'"], "nodes": [{"extraMounts": [{"hostPath": "/a", "containerPath": "/b"}]}]},
    )
    machine.calls.clear()
    with pytest.raises(DriftError) as raised:
        cluster.present(wanted(config=changed))
    assert [(item.what, item.wanted) for item in raised.value.drift] == [("mount", "/a -> /b"), ("containerd debug.level", "debug")]
    assert {call[1] for call in machine.calls} <= READS


@pytest.mark.parametrize("text", ["", "= no TOML"])
def test_a_configuration_of_containerd_that_cannot_be_read_is_unknown(cluster: Cluster, machine: Machine, text: str) -> None:
    own = merge_config(CONFIG, {"containerdConfigPatches": ["[debug]\nlevel = 'debug'"]})
    machine.containerd = text
    cluster.present(wanted())
    assert cluster.present(wanted(config=own))["changed"] is False
    machine.containerd = "version = 2"
    with pytest.raises(DriftError):
        cluster.present(wanted(config=own))


@pytest.mark.parametrize(("value", "answers", "warned"), [("heavy", True, 0), ("core", True, 1), ("core", False, 0)])
@pytest.mark.parametrize("check", [False, True])
def test_a_label_that_an_existing_node_does_not_have_is_a_warning(
    cluster: Cluster, machine: Machine, value: str, answers: bool, warned: int, check: bool
) -> None:
    """The label may have been set since. An older cluster, which ran without it, must not become one to delete."""
    cluster.present(wanted())
    if not answers:
        machine.fail["docker exec lab-control-plane kubectl"] = "down"
    cluster.check = check
    result = cluster.present(wanted(config=merge_config(CONFIG, {"nodes": [{"labels": {"pool": value}}]})))
    assert result["changed"] is False
    command = f"kubectl --kubeconfig {machine.kubeconfig} --context kind-lab label --overwrite node lab-control-plane pool=core"
    said = f"lab-control-plane: label pool is heavy, wanted core. Set it with: {command}"
    assert cluster.warnings == [said] * warned


def test_check_mode_promises_what_a_run_does(cluster: Cluster, machine: Machine, tmp_path: Path) -> None:
    cluster.check = True
    archive = tmp_path / "images.tar"
    archive.touch()
    result = cluster.present(wanted(archives=[{"path": str(archive), "images": ["apache/airflow:2.6.3"]}]))
    assert (result["changed"], result["created"], result["loaded"]) == (True, True, [str(archive)])
    assert [call[:2] for call in machine.calls] == [["docker", "ps"]]
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda machine: machine.add(port="9090"), "port mapping is 0.0.0.0:9090 -> 30080/tcp, wanted absent"),
        (lambda machine: setattr(machine, "gc_percent", 85), "kubelet imageGCHighThresholdPercent is 85, wanted 90"),
    ],
)
def test_drift_is_reported_and_nothing_changed(cluster: Cluster, machine: Machine, change: Callable[[Machine], None], text: str) -> None:
    machine.add()
    change(machine)
    with pytest.raises(DriftError, match=text) as caught:
        cluster.present(wanted())
    assert "state=absent" in caught.value.drift[0].as_dict()["next_action"]
    assert {call[1] for call in machine.calls} <= {"ps", "inspect", "exec"}


def test_stopped_nodes_are_started_and_waited_for(cluster: Cluster, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.add(status="exited")
    machine.write_kubeconfig()
    machine.ready_after = 2
    naps: list[float] = []
    ready = cluster.engine.wait_ready
    monkeypatch.setattr(cluster.engine, "wait_ready", lambda nodes, seconds: ready(nodes, seconds, naps.append, lambda: len(naps)))
    result = cluster.present(wanted())
    assert (result["changed"], result["created"], result["started"]) == (True, False, ["lab-control-plane"])
    assert result["diff"]["before"]["nodes"] == {"lab-control-plane": "exited"}
    assert len(naps) == 2


def test_check_mode_starts_nothing(cluster: Cluster, machine: Machine) -> None:
    machine.add(status="exited")
    machine.write_kubeconfig()
    cluster.check = True
    assert cluster.present(wanted())["started"] == ["lab-control-plane"]
    assert machine.containers["lab-control-plane"]["State"]["Status"] == "exited"


def test_nodes_that_never_get_ready_are_reported(cluster: Cluster, machine: Machine) -> None:
    machine.add()
    machine.ready_after = 99
    naps: list[float] = []
    with pytest.raises(KindError, match=r"after 3 s not every node .*lab-control-plane: cni plugin not initialized"):
        cluster.engine.wait_ready(cluster.engine.nodes(), 3, naps.append, lambda: len(naps))
    assert len(naps) == 3


def test_an_api_server_that_does_not_answer_yet_is_waited_for(cluster: Cluster, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.add()
    machine.write_kubeconfig()
    machine.token = False
    monkeypatch.setattr(_kind_cluster, "api_answers", lambda _api, _ca: False)
    assert not cluster.present(wanted())["changed"]
    assert machine.done("docker", "exec", "lab-control-plane", "kubectl")


@pytest.mark.parametrize("port", [None, "40009"])
@pytest.mark.parametrize("check", [True, False])
def test_a_missing_or_wrong_kubeconfig_entry_is_written(cluster: Cluster, machine: Machine, port: str | None, check: bool) -> None:
    machine.add()
    cluster.check = check
    if port:
        machine.write_kubeconfig(port)
    result = cluster.present(wanted())
    assert result["changed"]
    assert not result["created"]
    assert result["diff"]["before"]["kubeconfig"]
    assert bool(machine.done("kind", "export", "kubeconfig")) is not check


def test_a_cluster_half_made_by_an_interrupted_run_is_made_again(cluster: Cluster, machine: Machine) -> None:
    machine.killed_in = "create"
    with pytest.raises(KeyboardInterrupt):
        cluster.present(wanted())
    machine.killed_in, machine.joined = None, True
    assert cluster.marker.exists()
    result = cluster.present(wanted())
    assert result["created"]
    assert machine.done("kind", "delete", "cluster")
    assert not cluster.marker.exists()


@pytest.mark.parametrize(("status", "joined"), [("created", True), ("dead", True), ("running", False)])
def test_a_broken_cluster_of_somebody_else_is_only_reported(cluster: Cluster, machine: Machine, status: str, joined: bool) -> None:
    machine.add(status=status)
    machine.joined = joined
    with pytest.raises(KindError, match="is broken and was not made by an interrupted run"):
        cluster.present(wanted())
    assert {call[1] for call in machine.calls} <= {"ps", "inspect", "exec"}


def test_a_cluster_that_kind_never_finished_is_not_adopted(cluster: Cluster, machine: Machine) -> None:
    machine.add()
    machine.storage = ""
    with pytest.raises(KindError, match="lab is without a StorageClass") as caught:
        cluster.present(wanted())
    assert (caught.value.code, caught.value.next_action) == ("broken_cluster", "Repair it, or delete it with state=absent.")
    assert not machine.done("kind")


def test_a_node_that_never_joined_is_told(cluster: Cluster, machine: Machine) -> None:
    machine.add()
    (node,) = cluster.engine.nodes()
    assert not cluster.engine.unfinished([node])
    assert "without lab-worker" in cluster.engine.unfinished([node, replace(node, name="lab-worker", role="worker")])


def test_a_failed_creation_shows_the_cause_and_leaves_nothing(cluster: Cluster, machine: Machine) -> None:
    machine.fail["kind create"] = "Creating...\nERROR: failed to create cluster: Bind for 0.0.0.0:8080 failed: port is already allocated"
    with pytest.raises(KindError, match=r"Bind for 0.0.0.0:8080 failed") as caught:
        cluster.present(wanted())
    assert caught.value.next_action.startswith("Free the port")
    assert machine.done("kind", "delete", "cluster")
    assert not cluster.marker.exists()


JOURNAL = (
    '2026-11-26T10:00:05+0000 lab-control-plane kubelet[5]: E1126 10:00:05.1 5 run.go:74] "command failed" err="maxPods is -1"\n'
    "2026-11-26T10:00:05+0000 lab-control-plane systemd[1]: kubelet.service: Main process exited, code=exited, status=1/FAILURE\n"
)


def half_made(machine: Machine) -> Runner:
    """kind leaves a node and fails; its journals can be read until it is deleted."""

    def create(args: Sequence[str], *, stdin: str = "", keep: Sequence[int] = ()) -> tuple[int, str, str]:
        call = [os.path.basename(args[0]), *args[1:]]
        machine.calls.append(call)
        if call[:2] == ["kind", "create"]:
            machine.add()
            if "--retain" not in call:
                machine.containers.clear()
            return 1, "", "ERROR: failed to create cluster: failed to init node with kubeadm\n[kubelet-check] dial tcp 127.0.0.1:10248"
        if "journalctl" in call:
            return 0, JOURNAL if call[-1] == "kubelet" and machine.containers else "", ""
        if call[:2] == ["docker", "logs"]:
            return 0, "console", ""
        machine.calls.pop()
        return machine(args, stdin=stdin, keep=keep)

    return create


def test_f13_the_journals_of_nodes_that_are_deleted_are_kept(
    cluster: Cluster, machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """F13: a kubelet patch that the node rejects: kind deleted the node with its journal."""
    cluster.engine.runner = half_made(machine)
    with pytest.raises(KindError, match=r"the kubelet of lab-control-plane ended itself: command failed: maxPods is -1") as caught:
        cluster.present(wanted())
    folder = tmp_path / "state" / "lab.failed"
    assert {path.name for path in folder.iterdir()} == {"lab-control-plane.console.log", "lab-control-plane.kubelet.log"}
    assert (folder / "lab-control-plane.kubelet.log").read_text() == JOURNAL
    assert folder.stat().st_mode & 0o777 == 0o700
    assert f"The journals of its nodes are in {folder}" in caught.value.next_action
    assert (machine.containers, cluster.marker.exists()) == ({}, False)

    monkeypatch.setattr(evidence, "STATE_DIR", str(tmp_path / "state"))
    files, _notes = evidence.evidence("lab", "kind", lambda _args: (0, "", ""))
    assert files["host/failed-creation/lab-control-plane.kubelet.log"] == JOURNAL


@pytest.mark.parametrize("way", ["created", "deleted", "another failure"])
def test_f13_kept_journals_are_of_the_last_failure(cluster: Cluster, machine: Machine, tmp_path: Path, way: str) -> None:
    """F13"""
    cluster.engine.runner = half_made(machine)
    with pytest.raises(KindError):
        cluster.present(wanted())
    cluster.engine.runner = machine
    if way == "created":
        cluster.present(wanted())
    elif way == "deleted":
        cluster.absent(CONFIG)
    else:
        machine.fail["kind create"] = "ERROR: port is already allocated"
        with pytest.raises(KindError) as caught:
            cluster.present(wanted())
        assert "journals" not in caught.value.next_action
    assert not (tmp_path / "state" / "lab.failed").exists()


def test_f13_journals_that_cannot_be_kept_hide_no_failure(cluster: Cluster, machine: Machine, tmp_path: Path) -> None:
    """F13"""
    cluster.engine.runner = half_made(machine)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "lab.failed").write_text("in the way")
    with pytest.raises(KindError, match="failed to init node") as caught:
        cluster.present(wanted())
    assert "journals" not in caught.value.next_action
    assert not machine.containers


def test_what_has_no_effect_is_refused_before_anything_is_asked(cluster: Cluster, machine: Machine) -> None:
    """V11"""
    with pytest.raises(InputError, match="rotateCertificates"):
        cluster.present(wanted(config={"kubeadmConfigPatches": ["kind: KubeletConfiguration\nrotateCertificates: false"]}))
    assert machine.calls == []


def test_what_cannot_be_cleaned_up_stays_noted(cluster: Cluster, machine: Machine) -> None:
    machine.fail |= {"kind create": "ERROR: no", "kind delete": "ERROR: docker is gone"}
    with pytest.raises(KindError, match="could not delete"):
        cluster.present(wanted())
    assert cluster.marker.exists()


def test_another_run_at_work_is_respected(cluster: Cluster, machine: Machine, tmp_path: Path) -> None:
    with (
        Marker(str(tmp_path / "state"), "lab"),
        pytest.raises(KindError, match=rf"another run \(process {os.getpid()}\) is at work"),
    ):
        cluster.present(wanted())
    assert not machine.done("kind")


def test_archives_are_loaded_where_images_are_missing(cluster: Cluster, machine: Machine, tmp_path: Path) -> None:
    archives: list[dict[str, Any]] = [
        {"path": str(tmp_path / "mysql.tar"), "images": ["mysql:8.0"]},
        {"path": str(tmp_path / "airflow.tar"), "images": ["apache/airflow:2.6.3"]},
    ]
    for archive in archives:
        Path(archive["path"]).touch()
    machine.add()
    machine.write_kubeconfig()
    result = cluster.present(wanted(archives=archives))
    assert (result["changed"], result["loaded"]) == (True, [str(tmp_path / "airflow.tar")])
    assert [call[3:] for call in machine.done("kind", "load")] == [
        [str(tmp_path / "airflow.tar"), "--name", "lab", "--nodes", "lab-control-plane"]
    ]
    again = cluster.present(wanted(archives=archives))
    assert (again["changed"], again["loaded"]) == (False, [])


BUILT = "localhost/gitops-airflow/airflow:2.6.3-0123456789ab"


def test_an_image_of_docker_is_loaded_once(cluster: Cluster, machine: Machine) -> None:
    machine.add()
    machine.write_kubeconfig()
    images = [BUILT, "mysql:8.0"]
    cluster.check = True
    result = cluster.present(wanted(images=images))
    assert (result["changed"], result["loaded"], machine.done("docker", "save")) == (True, [BUILT], [])
    assert (result["diff"]["before"]["images to load"], result["diff"]["after"]["images to load"]) == ([BUILT], [])
    cluster.check = False
    result = cluster.present(wanted(images=images))
    assert (result["changed"], result["loaded"]) == (True, [BUILT])
    ((*_words, path, image),) = machine.done("docker", "save")
    assert image == BUILT
    assert [call[3:] for call in machine.done("kind", "load")] == [[path, "--name", "lab", "--nodes", "lab-control-plane"]]
    assert not Path(path).exists()
    again = cluster.present(wanted(images=images))
    assert (again["changed"], again["loaded"]) == (False, [])


def test_a_new_cluster_gets_the_images_of_docker(cluster: Cluster, machine: Machine) -> None:
    cluster.check = True
    assert cluster.present(wanted(images=[BUILT]))["loaded"] == [BUILT]
    cluster.check = False
    assert cluster.present(wanted(images=[BUILT]))["loaded"] == [BUILT]
    assert BUILT in machine.images


def test_an_image_that_docker_does_not_have(cluster: Cluster, machine: Machine) -> None:
    machine.add()
    machine.write_kubeconfig()
    machine.fail = {"docker save": f"Error response from daemon: reference does not exist: {BUILT}"}
    with pytest.raises(KindError, match="docker save --output failed: Error response from daemon: reference does not exist"):
        cluster.present(wanted(images=[BUILT]))
    assert not machine.done("kind", "load")


def test_a_missing_archive_stops_before_anything_is_made(cluster: Cluster, machine: Machine) -> None:
    with pytest.raises(KindError, match=r"image archive.*not found: /no/such.tar"):
        cluster.present(wanted(archives=[{"path": "/no/such.tar", "images": ["a"]}]))
    assert not machine.calls


def test_absent_leaves_nothing(cluster: Cluster, machine: Machine) -> None:
    cluster.present(wanted())
    result = cluster.absent(CONFIG)
    assert result["changed"]
    assert result["diff"]["before"] == {"nodes": {"lab-control-plane": "running"}, "kubeconfig": "context kind-lab"}
    assert result["diff"]["after"] == {"nodes": {}}
    assert not machine.containers
    assert machine.volumes == {"kept"}
    assert not machine.network
    assert not cluster.marker.exists()
    assert not cluster.absent(CONFIG)["changed"]


def test_the_network_stays_while_something_uses_it(cluster: Cluster, machine: Machine) -> None:
    machine.add()
    machine.attached = ["somebody"]
    assert cluster.absent(CONFIG)["changed"]
    assert machine.network


def test_check_mode_deletes_nothing(cluster: Cluster, machine: Machine) -> None:
    machine.add()
    cluster.check = True
    assert cluster.absent(CONFIG)["changed"]
    assert machine.containers


def test_a_kubeconfig_entry_without_a_cluster_is_removed(cluster: Cluster, machine: Machine) -> None:
    machine.write_kubeconfig()
    assert cluster.absent(CONFIG)["changed"]
    assert not machine.kubeconfig.exists()


def test_an_interrupted_deletion_is_finished(cluster: Cluster, machine: Machine) -> None:
    machine.add()
    machine.killed_in = "delete"
    with pytest.raises(KeyboardInterrupt):
        cluster.absent(CONFIG)
    machine.killed_in = None
    result = cluster.absent(CONFIG)
    assert result["changed"]
    assert result["diff"]["before"] != result["diff"]["after"]
    assert not machine.network


@pytest.mark.parametrize("step", ["create", "export", "load", "delete"])
def test_without_kind_nothing_is_changed(cluster: Cluster, machine: Machine, tmp_path: Path, step: str) -> None:
    def offline() -> None:
        raise CollectionError("kind cannot be downloaded")

    archive = tmp_path / "images.tar"
    archive.touch()
    if step != "create":
        cluster.present(wanted())
        cluster.engine.provide_kind = offline
        assert not cluster.present(wanted())["changed"]
    if step == "export":
        machine.kubeconfig.unlink()
    cluster.engine.provide_kind = offline
    machine.calls.clear()
    archives = [{"path": str(archive), "images": ["apache/airflow:2.6.3"]}]
    with pytest.raises(CollectionError, match="cannot be downloaded"):
        cluster.absent(CONFIG) if step == "delete" else cluster.present(wanted(archives=archives if step == "load" else []))
    assert machine.done("kind") == []
    assert not cluster.marker.exists()
    assert bool(machine.containers) is (step != "create")


def test_commands_that_are_missing_are_named(tmp_path: Path) -> None:
    engine = Engine("lab", "kind", str(tmp_path / "kubeconfig"), docker="no-such-docker")
    with pytest.raises(CommandMissing, match="the command no-such-docker was not found"):
        Cluster(engine, Marker(str(tmp_path), "lab")).present(wanted())
    assert not Cluster(engine, Marker(str(tmp_path), "lab")).absent(CONFIG)["changed"]


@pytest.mark.parametrize("forever", [False, True])
def test_a_container_that_is_just_being_made_is_waited_for(cluster: Cluster, machine: Machine, forever: bool) -> None:
    machine.add()
    machine.fail["docker inspect"] = "Error: No such object: lab-control-plane"
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if not forever and len(naps) == 2:
            machine.fail.clear()

    cluster.engine.sleep = nap
    if forever:
        with pytest.raises(KindError, match="making or removing lab-control-plane right now"):
            cluster.engine.nodes()
    else:
        assert [node.name for node in cluster.engine.nodes()] == ["lab-control-plane"]
    assert len(naps) == (9 if forever else 2)


def test_dockers_own_words_are_shown(cluster: Cluster, machine: Machine) -> None:
    machine.fail["docker ps"] = "Cannot connect to the Docker daemon"
    with pytest.raises(KindError, match="docker ps -a failed: Cannot connect to the Docker daemon"):
        cluster.present(wanted())


def test_an_api_server_is_asked_only_with_its_authority() -> None:
    assert not _kind_engine.api_answers(None, "CA")
    assert not _kind_engine.api_answers(("127.0.0.1", "1"), "")
    assert not _kind_engine.api_answers(("127.0.0.1", "1"), "no certificate")


def test_d1_a_new_cluster_loses_kinds_bootstrap_token(cluster: Cluster, machine: Machine) -> None:
    machine.ready_after = 1
    order = machine.calls
    result = cluster.present(wanted())
    assert (result["bootstrap_token_deleted"], machine.token) == (True, False)
    (deletion,) = [call for call in order if "bootstrap-token-abcdef" in call]
    assert deletion[2:] == [
        "lab-control-plane",
        *["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "delete", "secret", "-n", "kube-system", "bootstrap-token-abcdef"],
        *["--ignore-not-found", "-o", "name"],
    ]
    assert order.index(deletion) > max(index for index, call in enumerate(order) if "nodes" in call)  # only when all are Ready
    machine.calls.clear()
    assert not cluster.present(wanted())["bootstrap_token_deleted"]
    assert not [call for call in machine.calls if "kubectl" in call]  # a later run does not ask again


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("given", "token", "deleted"),
    [
        pytest.param("imageGCHighThresholdPercent: 90", True, True, id="made by an earlier version of this module"),
        pytest.param("imageGCHighThresholdPercent: 90", False, False, id="the same, the token has expired"),
        pytest.param("imageGCHighThresholdPercent: 100", True, False, id="made by another program"),
    ],
)
def test_d1_an_adopted_cluster(cluster: Cluster, machine: Machine, given: str, token: bool, deleted: bool, check: bool) -> None:
    machine.add()
    machine.write_kubeconfig()
    machine.given, machine.token, cluster.check = given, token, check
    result = cluster.present(wanted())
    assert (result["changed"], result["bootstrap_token_deleted"]) == (deleted, deleted)
    assert machine.token is (token and (check or not deleted))
    if not check:
        again = cluster.present(wanted())
        assert (again["changed"], again["bootstrap_token_deleted"]) == (False, False)


def test_d1_an_interrupted_run_is_finished_by_the_next(cluster: Cluster, machine: Machine) -> None:
    machine.given = "imageGCHighThresholdPercent: 100"  # only the record says who made the cluster
    machine.fail["docker exec lab-control-plane kubectl"] = "connection refused"
    with pytest.raises(KindError):
        cluster.present(wanted(wait=0))
    machine.fail.clear()
    assert cluster.present(wanted())["bootstrap_token_deleted"]
    assert not machine.token


def test_d1_a_token_that_cannot_be_deleted_fails_the_run(cluster: Cluster, machine: Machine) -> None:
    machine.add()
    machine.write_kubeconfig()
    machine.fail["docker exec lab-control-plane kubectl --kubeconfig /etc/kubernetes/admin.conf delete"] = "the server is down"
    with pytest.raises(KindError, match=r"bootstrap token cannot be deleted .*the server is down") as caught:
        cluster.present(wanted())
    assert caught.value.next_action == "Run again."
    machine.fail.clear()
    assert cluster.present(wanted())["bootstrap_token_deleted"]


def test_d1_a_record_is_of_one_cluster_only(cluster: Cluster, machine: Machine) -> None:
    cluster.present(wanted())
    machine.containers.clear()
    machine.given = "imageGCHighThresholdPercent: 100"
    machine.add()  # another program's, under the same name
    assert not cluster.present(wanted())["bootstrap_token_deleted"]
    assert machine.token
    cluster.absent(CONFIG, delete_foreign=True)
    assert not cluster.made.path.exists()


KINDS = "imageGCHighThresholdPercent: 100"  # a cluster that kind made without this module
READS = {"ps", "inspect", "exec", "cp"}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("status", ["running", "exited", "created", "paused"])
def test_h1_absent_refuses_a_cluster_that_the_module_did_not_make(cluster: Cluster, machine: Machine, status: str, check: bool) -> None:
    machine.add(status=status)
    machine.write_kubeconfig()
    machine.given, cluster.check = KINDS, check
    with pytest.raises(KindError, match=r"cannot delete the kind cluster lab: nothing proves") as caught:
        cluster.absent(CONFIG)
    assert caught.value.code == "foreign_cluster"
    assert "kind delete cluster --name lab" in caught.value.next_action
    assert {call[1] for call in machine.calls} <= READS
    assert machine.kubeconfig.exists()
    assert not cluster.marker.exists()


def test_h1_absent_deletes_a_foreign_cluster_on_request(cluster: Cluster, machine: Machine) -> None:
    machine.add()
    machine.given = KINDS
    assert cluster.absent(CONFIG, delete_foreign=True)["changed"]
    assert not machine.containers


@pytest.mark.parametrize("status", ["running", "exited", "dead"])
@pytest.mark.parametrize(
    ("given", "made", "interrupted"),
    [
        pytest.param(KINDS, True, False, id="recorded"),
        pytest.param("imageGCHighThresholdPercent: 90", False, False, id="made by an earlier version"),
        pytest.param(KINDS, False, True, id="an interrupted run"),
    ],
)
def test_h1_absent_deletes_what_the_module_made(
    cluster: Cluster, machine: Machine, given: str, made: bool, interrupted: bool, status: str
) -> None:
    machine.given = given
    if made:
        cluster.present(wanted())
    else:
        machine.add()
    if interrupted:
        cluster.marker.path.parent.mkdir()
        cluster.marker.path.touch()
    machine.containers["lab-control-plane"]["State"]["Status"] = status
    assert cluster.absent(CONFIG)["changed"]
    assert not machine.containers
    assert not cluster.absent(CONFIG)["changed"]


def test_h1_a_record_of_another_cluster_proves_nothing(cluster: Cluster, machine: Machine) -> None:
    cluster.present(wanted())
    machine.containers.clear()
    machine.add()
    machine.given = KINDS
    with pytest.raises(KindError, match="nothing proves"):
        cluster.absent(CONFIG)
    assert cluster.made.path.exists()
    machine.given = "imageGCHighThresholdPercent: 90"
    with pytest.raises(KindError, match="nothing proves"):
        cluster.absent({})  # a configuration without settings marks nothing


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("Error response from daemon: Could not find the file /kind/kubeadm.conf in container lab-control-plane", "nothing proves"),
        ("Error response from daemon: No such container: lab-control-plane", "nothing proves"),
        ("permission denied", "cannot read /kind/kubeadm.conf of the node lab-control-plane: permission denied"),
    ],
)
def test_h1_a_node_that_cannot_be_read_proves_nothing(cluster: Cluster, machine: Machine, error: str, text: str) -> None:
    machine.add()
    machine.fail["docker cp"] = error
    with pytest.raises(KindError, match=text):
        cluster.absent(CONFIG)
    assert machine.containers


def test_h1_a_worker_that_is_left_carries_the_mark(cluster: Cluster, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.add()
    (control_plane,) = cluster.engine.nodes()
    monkeypatch.setattr(cluster.engine, "nodes", lambda: [replace(control_plane, role="worker")])
    assert cluster.absent(CONFIG)["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_h1_a_stopped_foreign_cluster_is_not_started(cluster: Cluster, machine: Machine, check: bool) -> None:
    machine.add(status="exited")
    machine.given, cluster.check = KINDS, check
    with pytest.raises(KindError, match=r"cannot start the kind cluster lab: nothing proves"):
        cluster.present(wanted())
    assert {call[1] for call in machine.calls} <= READS


def test_h1_a_cluster_that_another_program_makes_meanwhile_is_not_deleted(cluster: Cluster, machine: Machine) -> None:
    machine.fail["kind create"] = 'ERROR: failed to create cluster: node(s) already exist for a cluster with the name "lab"'
    with pytest.raises(KindError, match="another program made one of that name meanwhile"):
        cluster.present(wanted())
    assert not machine.done("kind", "delete")
    assert not cluster.marker.exists()


def test_h1_kind_uses_the_engine_whose_containers_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")
    assert _kind_engine.run(["sh", "-c", "echo provider=$KIND_EXPERIMENTAL_PROVIDER"]) == (0, "provider=\n", "")
