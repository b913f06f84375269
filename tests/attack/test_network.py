# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D8: the attacker runs a task, or a pod beside the platform's. What each reaches by network, with and without NetworkPolicies.

Policies add up: one more that allows everything is as if there were none. So each connection that is denied is shown to succeed without
them. Needs a network plugin that enforces NetworkPolicies.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import SETTLE
from dag_author import DagAuthor, wait_for
from kubernetes import client

DAG, PLACE, OWN = "attack_network", "airflow-user", "attack-network"
LISTEN = "import http.server as s; s.ThreadingHTTPServer(('', 8080), s.SimpleHTTPRequestHandler).serve_forever()"
TRY = f"""
import json, socket, sys, time
time.sleep({SETTLE})
found = {{}}
for name, (host, port) in json.loads(sys.argv[1]).items():
    try:
        socket.create_connection((host, port), timeout=4).close()
        found[name] = True
    except OSError:
        found[name] = False
print(json.dumps(found))
"""
Targets = dict[str, tuple[str, int]]
Reached = dict[str, bool]


class Pods:
    """Pods of Airflow's image, which the nodes have."""

    def __init__(self, core: client.CoreV1Api, platform: Any) -> None:
        self._core = core
        (scheduler, *_rest) = core.list_namespaced_pod(platform.core, label_selector="component=scheduler").items
        self._image, self._tolerations = scheduler.spec.containers[0].image, scheduler.spec.tolerations

    def make(self, namespace: str, name: str, *command: str, **labels: str) -> None:
        limits = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        user = {"runAsUser": 50000, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        container = {
            "name": "main",
            "image": self._image,
            "imagePullPolicy": "IfNotPresent",
            "command": list(command),
            "securityContext": limits,
        }
        spec = {
            "containers": [container],
            "securityContext": user,
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "tolerations": client.ApiClient().sanitize_for_serialization(self._tolerations),
            "terminationGracePeriodSeconds": 0,
        }
        self._core.create_namespaced_pod(namespace, {"metadata": {"name": name, "labels": labels}, "spec": spec})

    def address(self, namespace: str, name: str) -> str:
        def running() -> str:
            pod = self._core.read_namespaced_pod(name, namespace)
            return str(pod.status.pod_ip) if pod.status.phase == "Running" else ""

        return str(wait_for(f"the pod {namespace}/{name}", running, pause=1))

    def remove(self, namespace: str, name: str) -> None:
        self._core.delete_namespaced_pod(name, namespace)
        wait_for(
            f"the end of {namespace}/{name}",
            lambda: name not in [item.metadata.name for item in self._core.list_namespaced_pod(namespace).items],
        )

    def reach(self, namespace: str, targets: Targets) -> Reached:
        """What a pod without labels reaches."""
        self.make(namespace, "attack-network", "python", "-c", TRY, json.dumps(targets))

        def ended() -> bool:
            return self._core.read_namespaced_pod("attack-network", namespace).status.phase in ("Succeeded", "Failed")

        try:
            wait_for(f"the pod {namespace}/attack-network to end", ended, pause=1)
            # As it is: the client would make Python of what looks like JSON.
            log = self._core.read_namespaced_pod_log("attack-network", namespace, _preload_content=False).data
            return dict(json.loads(log))
        finally:
            self.remove(namespace, "attack-network")


@pytest.fixture(scope="module")
def pods(core: client.CoreV1Api, platform: Any) -> Pods:
    return Pods(core, platform)


@pytest.fixture(scope="module")
def bait(core: client.CoreV1Api, pods: Pods) -> Iterator[Targets]:
    """Servers that no policy of the platform opens: one like a worker beside the task, one in a namespace of its own without policies."""
    core.create_namespace({"metadata": {"name": OWN}})
    worker = {"tier": "airflow", "component": "worker", "release": "airflow-core"}
    try:
        pods.make(PLACE, "attack-bait", "python", "-c", LISTEN, **worker)
        pods.make(OWN, "attack-bait", "python", "-c", LISTEN)
        yield {"another worker": (pods.address(PLACE, "attack-bait"), 8080), "another team": (pods.address(OWN, "attack-bait"), 8080)}
    finally:
        pods.remove(PLACE, "attack-bait")
        core.delete_namespace(OWN)


@pytest.fixture(scope="module")
def outside(core: client.CoreV1Api) -> Iterator[tuple[str, int]]:
    """A server on this machine, at its address in the network of the nodes."""
    node = node_address(core)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((node, 9))
        own = probe.getsockname()[0]
    with socket.create_server((own, 0), backlog=16) as server:
        threading.Thread(target=lambda: [server.accept() for _number in range(64)], daemon=True).start()
        yield own, server.getsockname()[1]


def node_address(core: client.CoreV1Api) -> str:
    (node, *_rest) = core.list_node().items
    return str(next(item.address for item in node.status.addresses if item.type == "InternalIP"))


def service(namespace: str, name: str, port: int) -> tuple[str, int]:
    return f"{name}.{namespace}.svc.cluster.local", port


def judge(verdict: Any, who: str, fenced: Reached, free: Reached, allowed: set[str]) -> None:
    """Each attack must succeed without the policies; with them none does, and what the platform needs goes on."""
    assert all(free.values()), f"without policies {who} must reach everything that is tried here: {free}"
    assert {name for name in allowed if not fenced[name]} == set(), f"{who} must reach {allowed}"
    for name in fenced.keys() - allowed:
        verdict(fenced[name], f"{who} reaches {name}")


def by_task(author: DagAuthor, targets: Targets) -> Reached:
    run = author.start(DAG, {"targets": targets})
    assert author.ended(DAG, run) == "success"
    found = author.airflow("GET", f"dags/{DAG}/dagRuns/{run}/taskInstances/connect/xcomEntries/return_value")
    return dict(json.loads(found["value"]))


def test_d8_a_task_reaches_what_the_platform_gives_it_and_the_world(
    core: client.CoreV1Api, platform: Any, pushed: DagAuthor, verdict: Any, bait: Targets, outside: tuple[str, int], opened: Any
) -> None:
    allowed: Targets = {
        "MySQL": service(platform.core, "airflow-mysql", 3306),
        "the web server": service(platform.core, "airflow-webserver", 8080),
        "Git": service(platform.git, "gitea", 3000),
        "the log store": service(platform.logs, "task-logs", 7070),
        "DNS": service("kube-system", "kube-dns", 53),
        "an address outside": outside,
    }
    denied: Targets = {
        "Argo CD's repo-server": service(platform.argocd, "argocd-repo-server", 8081),
        "Argo CD": service(platform.argocd, "argocd-server", 443),
        "the API server": ("kubernetes.default.svc.cluster.local", 443),
        "the kubelet": (node_address(core), 10250),
        **bait,
    }
    targets = {**allowed, **denied}
    fenced = by_task(pushed, targets)
    with opened():
        free = by_task(pushed, targets)
    judge(verdict, "a task", fenced, free, set(allowed))


@pytest.mark.parametrize("beside", [True, False], ids=["beside Airflow", "in another namespace"])
def test_d8_a_pod_without_labels_reaches_no_server_of_the_platform(
    platform: Any, pods: Pods, verdict: Any, bait: Targets, opened: Any, beside: bool
) -> None:
    targets: Targets = {
        "MySQL": service(platform.core, "airflow-mysql", 3306),
        "Git": service(platform.git, "gitea", 3000),
        "the log store": service(platform.logs, "task-logs", 7070),
        "Argo CD's repo-server": service(platform.argocd, "argocd-repo-server", 8081),
        "a worker": bait["another worker"],
    }
    place = platform.core if beside else OWN
    fenced = pods.reach(place, targets)
    with opened():
        free = pods.reach(place, targets)
    judge(verdict, f"a pod in {place}", fenced, free, set())
