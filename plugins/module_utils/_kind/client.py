# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls to docker and kind that the kind_cluster module makes, and its note of work in progress."""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import ssl
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._host import command
from ansible_collections.gitops.airflow.plugins.module_utils._host.command import Done
from ansible_collections.gitops.airflow.plugins.module_utils._host.docker import CLUSTER_LABEL, PROVIDER_VARIABLE
from ansible_collections.gitops.airflow.plugins.module_utils._kind.bootstrap_token import NAMESPACE, SECRET
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import (
    FoundNode,
    NodeContent,
    found_nodes,
    yaml_documents,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.containerd import toml
from ansible_collections.gitops.airflow.plugins.module_utils._kind.evidence import keep_journals, kept_folder
from ansible_collections.gitops.airflow.plugins.module_utils._kind.output import create_failure, unready_nodes

NETWORK = "kind"
LISTINGS = 10
# What kind says before it makes anything (pkg/cluster/internal/create/create.go).
NAME_TAKEN = "already exist for a cluster with the name"
KUBEADM_CONFIG = "/kind/kubeadm.conf"
COMPLAINT = "Correct the problem that the message names, and run again."
CUT = "@@gitops.airflow@@"
# Everything that is wanted from the inside of a node, in one call.
READ_NODE = f"""
[ -s /etc/kubernetes/kubelet.conf ] && echo joined; echo {CUT}
cat /var/lib/kubelet/config.yaml; echo {CUT}
cat {KUBEADM_CONFIG}; echo {CUT}
cat /etc/kubernetes/pki/ca.crt; echo {CUT}
cat /etc/containerd/config.toml; echo {CUT}
ctr -n k8s.io images ls -q
"""


class KindError(CollectionError):
    """What Docker or kind could not do, or must not."""

    default_code = "kind_failed"


class Runner(Protocol):
    """Runs one command to its end: exit code, standard output, standard error."""

    def __call__(self, args: Sequence[str], *, stdin: str = "", keep: Sequence[int] = ()) -> Done: ...


def run(args: Sequence[str], *, stdin: str = "", keep: Sequence[int] = ()) -> Done:
    """Runs a command in an environment in which kind uses the engine whose containers are read here, Docker. Raises CommandError."""
    return command.run(args, stdin=stdin, keep=keep, env={key: value for key, value in os.environ.items() if key != PROVIDER_VARIABLE})


class Marker:
    """A file that says a cluster is being made or deleted. Whoever holds its lock is at work; without a holder the work was interrupted."""

    def __init__(self, folder: str, name: str) -> None:
        self.path = Path(folder) / f"{name}.in-progress"
        self.fd = -1
        self.done = False  # set when nothing half-made is left, however the work ended

    def exists(self) -> bool:
        return self.path.exists()

    def __enter__(self) -> Marker:
        """Takes the lock. Raises KindError when another run holds it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise KindError(f"cannot write {self.path}: {error.strerror}", "Choose another state_dir.") from error
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self.fd, 64).decode(errors="replace").strip()
            os.close(self.fd)
            message = f"another run (process {holder or 'unknown'}) is at work on this cluster"
            raise KindError(message, "Wait for its end, and run again.", "busy") from error
        os.ftruncate(self.fd, 0)
        os.write(self.fd, f"{os.getpid()}\n".encode())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Lets go of the lock; the file stays unless the work was done."""
        if self.done:
            self.path.unlink(missing_ok=True)
        os.close(self.fd)


class Engine:
    """One kind cluster, seen through the docker and kind commands."""

    def __init__(self, name: str, kind: str, kubeconfig: str, runner: Runner = run, docker: str = "docker") -> None:
        self.name, self.kind, self.kubeconfig, self.runner, self.docker = name, kind, kubeconfig, runner, docker
        self.sleep: Callable[[float], None] = time.sleep
        # Called before kind is first needed, and before anything is changed. Raises CollectionError where kind cannot be downloaded.
        self.provide_kind: Callable[[], None] = lambda: None

    def _docker(self, *args: str) -> str:
        code, out, err = self.runner([self.docker, *args])
        if code:
            message = f"{self.docker} {' '.join(args[:2])} failed: {err.strip() or out.strip() or f'exit code {code}'}"
            raise KindError(message, COMPLAINT)
        return out

    def nodes(self) -> list[FoundNode]:
        """The cluster's node containers, running or not.

        While a container is being made or removed, Docker may list it and yet not know it; such a moment is waited out.
        """
        names: list[str] = []
        for attempt in range(LISTINGS):
            if attempt:
                self.sleep(0.5)
            names = self._docker("ps", "-a", "--filter", f"label={CLUSTER_LABEL}={self.name}", "--format", "{{.Names}}").split()
            if not names:
                return []
            code, out, err = self.runner([self.docker, "inspect", *names])
            if code == 0:
                return found_nodes(json.loads(out))
            if "no such" not in err.lower():
                raise KindError(f"docker inspect failed: {err.strip()}", COMPLAINT)
        message = f"another program is making or removing {', '.join(names)} right now"
        raise KindError(message, "Wait for the end of that, and run again.", "busy")

    def contents(self, nodes: Sequence[FoundNode]) -> dict[str, NodeContent]:
        """What lies inside the running Kubernetes nodes, read at the same time."""
        names = [node.name for node in nodes if node.is_kubernetes]
        with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
            return dict(zip(names, pool.map(self._content, names), strict=True))

    def _content(self, node: str) -> NodeContent:
        code, out, err = self.runner([self.docker, "exec", node, "sh", "-c", READ_NODE])
        parts = out.split(CUT)
        if len(parts) != READ_NODE.count(CUT) + 1:
            raise KindError(f"cannot look into the node {node}: {err.strip() or f'exit code {code}'}", COMPLAINT)
        kubelet = (yaml_documents(parts[1]) or [{}])[0]
        kubeadm = _by_kind(parts[2])
        return NodeContent(
            joined="joined" in parts[0] and bool(kubelet),
            kubelet=kubelet,
            kubeadm=kubeadm,
            ca=parts[3].strip(),
            containerd=toml(parts[4]) or {},
            images=frozenset(parts[5].split()),
        )

    def kubeadm(self, node: str) -> dict[str, dict[str, Any]]:
        """What kubeadm was given on a node, by kind of document; also works if the node is stopped. Empty if kind did not get that far.

        Raises KindError.
        """
        code, out, err = self.runner([self.docker, "cp", f"{node}:{KUBEADM_CONFIG}", "-"])
        if code and re.search(r"could not find the file|no such (file|container)", err, re.IGNORECASE):
            return {}
        try:
            if code:
                raise ValueError(err.strip() or f"exit code {code}")
            with tarfile.open(fileobj=io.BytesIO(out.encode())) as archive:
                file = archive.extractfile(archive.next() or "")
                return _by_kind(file.read().decode() if file else "")
        except (tarfile.TarError, KeyError, ValueError) as error:
            raise KindError(f"cannot read {KUBEADM_CONFIG} of the node {node}: {error}", COMPLAINT) from error

    def create(self, config: Mapping[str, Any], image: str, marker: Marker) -> None:
        """Makes the cluster. A failure removes what was made and raises KindError with the cause; the nodes' journals are kept."""
        creation = [self.kind, "create", "cluster", "--name", self.name, "--config", "-", "--kubeconfig", self.kubeconfig, "--wait", "0s"]
        creation.append("--retain")  # else kind deletes the nodes, and with them what their kubelets say (F13)
        if image:
            creation += ["--image", image]
        code, out, err = self.runner(creation, stdin=json.dumps(config), keep=[marker.fd])
        if code and NAME_TAKEN in err:
            marker.done = True
            raise KindError(
                f"kind could not create the cluster {self.name}: another program made one of that name meanwhile. It was left as it is.",
                "Run again.",
            )
        if code:
            folder = kept_folder(self.name, marker.path.parent)
            try:
                journals = keep_journals(self.name, folder, self.runner)
            except OSError:  # a full disk must not hide why kind failed
                journals = {}
            self.delete([])
            marker.done = True
            cause, action = create_failure(err or out, journals)
            kept = f" The journals of its nodes are in {folder}, and in the next support bundle." if any(journals.values()) else ""
            raise KindError(f"kind could not create the cluster {self.name}: {cause}", f"{action}{kept}")
        marker.done = True

    def delete(self, volumes: Sequence[str]) -> None:
        """Deletes nodes, kubeconfig entry and those of volumes that stayed."""
        code, out, err = self.runner([self.kind, "delete", "cluster", "--name", self.name, "--kubeconfig", self.kubeconfig])
        if code:
            raise KindError(f"kind could not delete the cluster {self.name}: {(err or out).strip()}", COMPLAINT)
        # Named volumes belong to users; Docker names anonymous ones with 64 hexadecimal digits.
        mine = {name for name in volumes if re.fullmatch(r"[0-9a-f]{64}", name)}
        left = mine & set(self._docker("volume", "ls", "-q").split()) if mine else set()
        if left:
            self._docker("volume", "rm", *sorted(left))

    def remove_network(self) -> bool:
        """Removes kind's network when no container, running or not, is attached and no kind cluster is left."""
        if self._docker("ps", "-aq", "--filter", f"label={CLUSTER_LABEL}").split():
            return False
        if NETWORK not in self._docker("network", "ls", "--filter", f"name=^{NETWORK}$", "--format", "{{.Name}}").split():
            return False
        if self._docker("ps", "-aq", "--filter", f"network={NETWORK}").split():
            return False
        self._docker("network", "rm", NETWORK)
        return True

    def start(self, names: Sequence[str]) -> None:
        self._docker("start", *names)

    def export_kubeconfig(self) -> None:
        code, out, err = self.runner([self.kind, "export", "kubeconfig", "--name", self.name, "--kubeconfig", self.kubeconfig])
        if code:
            raise KindError(f"kind could not write {self.kubeconfig}: {(err or out).strip()}", COMPLAINT)

    def load(self, path: str, nodes: Sequence[str]) -> None:
        code, out, err = self.runner([self.kind, "load", "image-archive", path, "--name", self.name, "--nodes", ",".join(nodes)])
        if code:
            raise KindError(f"kind could not load {path} into {', '.join(nodes)}: {(err or out).strip()}", COMPLAINT)

    def load_image(self, image: str, nodes: Sequence[str]) -> None:
        """Loads an image of this machine's Docker. Raises KindError."""
        with tempfile.TemporaryDirectory(prefix="gitops-airflow-image-") as folder:
            path = str(Path(folder) / "image.tar")
            self._docker("save", "--output", path, image)
            self.load(path, nodes)

    def bootstrap_token(self, nodes: Sequence[FoundNode], *, delete: bool) -> bool:
        """Whether kind's bootstrap token existed; ``delete`` deletes it. Raises KindError."""
        verb = "delete" if delete else "get"
        code, out, err = self._kubectl(nodes, "secret", "name", verb, "-n", NAMESPACE, SECRET, "--ignore-not-found")
        if code:
            raise KindError(
                f"kind's bootstrap token cannot be {'deleted' if delete else 'looked up'} (Secret {NAMESPACE}/{SECRET}): "
                f"{err.strip() or f'exit code {code}'}. The cluster was left as it is.",
                "Run again.",
            )
        return bool(out.strip())

    def _kubectl(self, nodes: Sequence[FoundNode], what: str, output: str, verb: str = "get", *more: str) -> Done:
        """Asks the API server from inside the first control plane, which needs no kubeconfig entry."""
        control_plane = first_control_plane(nodes).name
        kubectl = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", verb, what, *more, "-o", output]
        return self.runner([self.docker, "exec", control_plane, *kubectl])

    def live_nodes(self, nodes: Sequence[FoundNode]) -> dict[str, Any]:
        """The API server's list of Nodes; empty if it does not answer."""
        code, out, _err = self._kubectl(nodes, "nodes", "json")
        listing: dict[str, Any] = json.loads(out) if code == 0 else {}
        return listing

    def unfinished(self, nodes: Sequence[FoundNode]) -> str:
        """Why kind cannot have finished making the cluster, or nothing. Its last object is the StorageClass; workers join after it."""
        code, out, _err = self._kubectl(nodes, "storageclasses", "name")
        if code == 0 and not out.strip():
            return "without a StorageClass (kind was interrupted before it made one)"
        names = {item["metadata"]["name"] for item in self.live_nodes(nodes).get("items") or []}
        lost = [node.name for node in nodes if node.is_kubernetes and node.name not in names] if names else []
        return f"without {', '.join(lost)} (kind was interrupted before that node joined)" if lost else ""

    def wait_ready(
        self,
        nodes: Sequence[FoundNode],
        seconds: float,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Returns when every node is Ready. Raises KindError with each node's own reason after seconds."""
        expected = {node.name: node.started for node in nodes if node.is_kubernetes}
        end = now() + seconds
        while True:
            code, out, err = self._kubectl(nodes, "nodes", "json")
            reasons = unready_nodes(json.loads(out), expected) if code == 0 else dict.fromkeys(expected, err.strip() or "no answer")
            if not reasons:
                return
            if now() >= end:
                listed = "; ".join(f"{name}: {reason}" for name, reason in sorted(reasons.items()))
                raise KindError(
                    f"after {seconds:g} s not every node of {self.name} is Ready ({listed}). The cluster was left as it is.",
                    f"Look at docker exec {next(iter(reasons))} journalctl -u kubelet; then run again, or delete it with state=absent.",
                    "nodes_not_ready",
                )
            sleep(1)


def _by_kind(text: str) -> dict[str, dict[str, Any]]:
    return {document["kind"]: document for document in yaml_documents(text)}


def first_control_plane(nodes: Sequence[FoundNode]) -> FoundNode:
    return next(node for node in nodes if node.role == "control-plane")


def api_answers(api: tuple[str, str] | None, ca: str, timeout: float = 1.0) -> bool:
    """Whether the API server of this certificate authority says that it is ready; any other outcome is a no."""
    if api is None or not ca:
        return False
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(api[0], api[0])
    url = f"https://{f'[{host}]' if ':' in host else host}:{api[1]}/readyz"
    try:
        context = ssl.create_default_context(cadata=ca)
        context.check_hostname = False
        handlers = (urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({}))
        with urllib.request.build_opener(*handlers).open(url, timeout=timeout) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False
