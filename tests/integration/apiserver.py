# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real kube-apiserver and etcd on the loopback, without nodes and controllers: up in seconds, and may be killed."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

Obj = dict[str, Any]
LAB = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitops-airflow" / "lab"
NAMESPACES = ("argocd", "airflow-core", "airflow-cron", "airflow-user")
START_SECONDS = 90
# Its certificate has this name as well, by which only a proxy of a test finds it.
ELSEWHERE = "api.gitops.test"
# Kinds without namespace that tests make, as etcd's keys name them.
CLUSTER_KINDS = ("namespaces", "minions", "clusterroles", "clusterrolebindings", "apiextensions.k8s.io/customresourcedefinitions")
TXN = 100  # etcd takes 128 operations in one transaction
# Everybody but the tests' own admin is audited, once for each request.
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["ResponseStarted", "ResponseComplete", "Panic"],
    "rules": [
        {"level": "None", "users": ["admin", "system:apiserver", "system:anonymous"]},
        {"level": "Metadata"},
    ],
}


def lab_file(name: str) -> Path:
    """A program (LAB_BIN, the lab's folder, PATH) or another product of the lab.

    :raises FileNotFoundError: with the next action, when it is nowhere.
    """
    folders = [os.environ.get("LAB_BIN"), LAB / "bin", LAB]
    for path in [Path(folder) / name for folder in folders if folder]:
        if path.exists():
            return path
    if found := shutil.which(name):
        return Path(found)
    places = ", ".join(str(folder) for folder in folders if folder)
    raise FileNotFoundError(f"{name} is neither in {places} nor on PATH. Next: lab/build --api-server, or name its folder with LAB_BIN.")


def kubernetes_version() -> tuple[int, int]:
    """Major and minor version of the API server in use: with LAB_BIN, the tests run on another version than the platform's.

    (0, 0) if it is not built yet: the tests are planned before.
    """
    try:
        program = lab_file("kube-apiserver")
    except FileNotFoundError:
        return 0, 0
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = said.split()[-1].removeprefix("v").split(".")[:2]
    return int(major), int(minor)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def collection_path(obj: Obj) -> str:
    """The API path of the collection that the object is in."""
    version, kind = obj["apiVersion"], obj["kind"].lower() + "s"
    namespace = obj["metadata"].get("namespace")
    return "/".join(["/api" if version == "v1" else "/apis", version, *(["namespaces", namespace] if namespace else []), kind])


def etcd_key(obj: Obj) -> str:
    group = obj["apiVersion"].rpartition("/")[0].rpartition("/")[0] or obj["apiVersion"].partition("/")[0]
    folder = "" if obj["apiVersion"] == "v1" else f"{group}/"
    return f"/registry/{folder}{obj['kind'].lower()}s/{obj['metadata']['namespace']}/{obj['metadata']['name']}"


class Process:
    """A program with its log in a file. It dies with the thread that started it."""

    def __init__(self, command: Sequence[str | Path], log: Path) -> None:
        with log.open("ab") as output:
            self._popen = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdout=output, stderr=output)
        self._log = log

    def running(self) -> bool:
        return self._popen.poll() is None

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._popen.send_signal(how)
        try:
            self._popen.wait(timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
            raise

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]


class ApiServer:
    """Use as a context manager. ``users`` get a token each; what they may do is granted with :meth:`grant`.

    ``admin`` may do everything and is the one that the tests act as.
    """

    def __init__(self, folder: Path, users: Sequence[str] = ()) -> None:
        self.port, self._etcd_port, self._peer_port = free_port(), free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._folder, self._users = folder, {"admin", *users}
        self._etcd: Process | None = None
        self._api: Process | None = None
        self._local = threading.local()

    def __enter__(self) -> ApiServer:
        self._write_files()
        command: list[str | Path] = [
            lab_file("etcd"),
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{self._etcd_port}",
            f"--advertise-client-urls=http://127.0.0.1:{self._etcd_port}",
            f"--listen-peer-urls=http://127.0.0.1:{self._peer_port}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{self._peer_port}",
            f"--initial-cluster=default=http://127.0.0.1:{self._peer_port}",
            "--unsafe-no-fsync",
            "--log-level=error",
        ]
        try:
            self._etcd = Process(command, self._folder / "etcd.log")
            self.start()
            for name in NAMESPACES:
                labels = {"pod-security.kubernetes.io/enforce": "baseline"}
                self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
            self._install_applications()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        for process in (self._api, self._etcd):
            if process is not None and process.running():
                process.end(signal.SIGKILL)

    def _write_files(self) -> None:
        self._key, self.certificate = self._folder / "key.pem", self._folder / "certificate.pem"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        names = ["-subj", "/CN=kube-apiserver", "-addext", f"subjectAltName=IP:127.0.0.1,DNS:{ELSEWHERE}"]
        command: list[str | Path] = [
            "openssl",
            "req",
            "-x509",
            *curve,
            "-nodes",
            "-days",
            "2",
            *names,
            "-keyout",
            self._key,
            "-out",
            self.certificate,
        ]
        subprocess.run(command, check=True, capture_output=True)
        (self._folder / "audit.yaml").write_text(json.dumps(AUDIT))
        self._tokens = {name: uuid.uuid4().hex for name in self._users}
        self._context = ssl.create_default_context(cafile=self.certificate)

    # The API server's life

    def start(self, *flags: str, forget: str = "", wait: bool = True) -> None:
        """Starts it on its port, with further ``flags``; ``forget`` names a user whose token it does not know."""
        groups = {"admin": '"system:masters"'}
        lines = [f"{token},{name},{name},{groups.get(name, '')}" for name, token in self._tokens.items() if name != forget]
        (self._folder / "tokens.csv").write_text("\n".join(lines) + "\n")
        command: list[str | Path] = [
            lab_file("kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--tls-cert-file={self.certificate}",
            f"--tls-private-key-file={self._key}",
            f"--service-account-key-file={self.certificate}",
            f"--service-account-signing-key-file={self._key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none",
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            f"--audit-policy-file={self._folder / 'audit.yaml'}",
            f"--audit-log-path={self._folder / 'audit.log'}",
            *flags,
        ]
        self._api, self._flags = Process(command, self._folder / "kube-apiserver.log"), (*flags, *filter(None, [forget]))
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            for process in filter(None, (self._api, self._etcd)):
                if not process.running() or time.monotonic() > deadline:
                    raise RuntimeError(f"The API server ended, or was not ready within {START_SECONDS} s: {process.last_words()}")
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            return self._send("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def ensure(self, *flags: str) -> None:
        """Runs with just these flags afterwards; it is started anew only where it does not so already."""
        if self._api is not None and self._api.running():
            if flags == self._flags:
                return
            self.end()
        self.start(*flags)

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Ends the API server; etcd stays. With SIGTERM it takes up to a minute while a client watches over HTTP/1.1."""
        assert self._api is not None
        self._api.end(how)

    # Requests of the tests' own, as admin

    def _send(self, method: str, path: str, body: str | None = None, content: str = "application/json") -> tuple[int, bytes]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self._context)
            self._local.connection = connection
        headers = {"Authorization": f"Bearer {self._tokens['admin']}", "Content-Type": content}
        for reused in (connection.sock is not None, False):
            try:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                return response.status, response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                if not reused:  # else it had been closed while it was idle
                    raise
        raise AssertionError("unreachable")

    def request(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Obj:
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        status, answer = self._send(method, path, text, content)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer.decode()[:2000]}")
        document: Obj = json.loads(answer)
        return document

    def create(self, obj: Obj) -> Obj:
        return self.request("POST", collection_path(obj), obj)

    def merge(self, obj: Obj, change: Obj, part: str = "") -> Obj:
        """A merge patch of the object, or of its subresource."""
        path = f"{collection_path(obj)}/{obj['metadata']['name']}" + (f"/{part}" if part else "")
        return self.request("PATCH", path, change, "application/merge-patch+json")

    def delete(self, obj: Obj) -> None:
        self.request("DELETE", f"{collection_path(obj)}/{obj['metadata']['name']}", {"gracePeriodSeconds": 0})

    def _install_applications(self) -> None:
        manifest = lab_file("argocd-install.yaml").read_text().split("\n---\n")
        text = next(part for part in manifest if "\n  name: applications.argoproj.io\n" in part)
        self.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", text, "application/yaml")
        deadline = time.monotonic() + 30
        while self._send("GET", "/apis/argoproj.io/v1alpha1/applications?limit=1")[0] != 200:
            assert time.monotonic() < deadline, "the Application CRD is not served"
            time.sleep(0.05)

    # Users

    def grant(
        self,
        user: str,
        verbs: Sequence[str],
        resources: Sequence[str],
        namespaces: Sequence[str] = (),
        groups: Sequence[str] = ("", "argoproj.io"),
    ) -> None:
        """A role on these resources: in the whole cluster, or in these namespaces only."""
        rule = {"apiGroups": [*groups], "resources": [*resources], "verbs": [*verbs]}
        for namespace in namespaces or [""]:
            kind = "Role" if namespace else "ClusterRole"
            name = f"{user}-{uuid.uuid4().hex[:8]}"
            base = {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
            }
            self.create({**base, "kind": kind, "rules": [rule]})
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
            subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
            self.create({**base, "kind": f"{kind}Binding", "roleRef": reference, "subjects": [subject]})

    def kubeconfig(self, user: str, port: int = 0, host: str = "127.0.0.1") -> Path:
        """A kubeconfig of that user (an unknown one gets a token that is not known), for the server or for a proxy's port."""
        path = self._folder / f"{user}-{host}-{port or self.port}.kubeconfig"
        cluster = {"server": f"https://{host}:{port or self.port}", "certificate-authority": str(self.certificate)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self._tokens.get(user, "unknown")}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        }
        # Whole or not at all: threads may ask for the same file, and read it, at the same time.
        written = path.with_suffix(f".{uuid.uuid4().hex}")
        written.write_text(json.dumps(config))
        written.chmod(0o600)
        return written.replace(path)

    def audited(self, user: str) -> list[Obj]:
        """The requests of that user so far: ``verb``, ``path`` and ``query``."""
        found = []
        for line in (self._folder / "audit.log").read_text().splitlines():
            entry = json.loads(line)
            if entry["user"].get("username") == user:
                parts = urlsplit(entry["requestURI"])
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                found.append({"verb": entry["verb"], "path": parts.path, "query": query})
        return found

    # etcd, past the API server

    def _store(self, method: str, body: Obj) -> Obj:
        connection = http.client.HTTPConnection("127.0.0.1", self._etcd_port, timeout=60)
        connection.request("POST", f"/v3/kv/{method}", json.dumps(body))
        response = connection.getresponse()
        answer: Obj = json.loads(response.read())
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"etcd {method}: {answer}")
        return answer

    def copies(self, obj: Obj, names: Iterable[str], at_once: int = TXN) -> None:
        """Copies of an object that the API server has made, written straight into etcd: thousands in a second.

        Those written at once share one resourceVersion, so that a watch which breaks among them cannot resume: not for changes.
        """
        puts = []
        for name in names:
            metadata = {key: value for key, value in obj["metadata"].items() if key not in ("resourceVersion", "managedFields")}
            copy = {**obj, "metadata": {**metadata, "name": name, "uid": str(uuid.uuid4())}}
            key, value = (base64.b64encode(text.encode()).decode() for text in (etcd_key(copy), json.dumps(copy)))
            puts.append({"requestPut": {"key": key, "value": value}})
        for index in range(0, len(puts), at_once):
            self._store("txn", {"success": puts[index : index + at_once]})

    def _objects(self) -> set[str]:
        """The etcd keys of the objects that a test may make: those in namespaces that are not Kubernetes' own, and of CLUSTER_KINDS."""
        bounds = {"key": b"/registry/", "range_end": b"/registry0"}
        query = {name: base64.b64encode(value).decode() for name, value in bounds.items()}
        found = self._store("range", {**query, "keys_only": True}).get("kvs") or []
        keys = [base64.b64decode(item["key"]).decode() for item in found]
        own = {key.rpartition("/")[2] for key in keys if key.startswith("/registry/namespaces/")}
        places = {name for name in own if not name.startswith("kube-") and name != "default"}
        kinds = tuple(f"/registry/{kind}/" for kind in CLUSTER_KINDS)
        return {key for key in keys if key.startswith(kinds) or (len(parts := key.split("/")) > 4 and parts[-2] in places)}

    def remember(self) -> None:
        """What is there now is kept by :meth:`sweep`."""
        self._kept = self._objects()

    def sweep(self) -> None:
        """Deletes what was made since :meth:`remember`, whatever finalizers it has: in a second, however much it is."""
        keys = [base64.b64encode(key.encode()).decode() for key in sorted(self._objects() - self._kept)]
        for index in range(0, len(keys), TXN):
            self._store("txn", {"success": [{"requestDeleteRange": {"key": key}} for key in keys[index : index + TXN]]})

    def compact(self) -> int:
        """Drops the whole history from etcd; returns the revision that is left."""
        revision = int(self._store("range", {"key": base64.b64encode(b"/").decode()})["header"]["revision"])
        self._store("compaction", {"revision": str(revision), "physical": True})
        return revision
