# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the platform's pods run: not as root, without privileges, on a root file system that they cannot write, from pinned images."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conftest import Platform
from kubernetes import client

# Of these the software writes beside its volumes: git-sync into /etc/passwd (its option add-user, which the chart sets).
WRITABLE = {"git-sync", "git-sync-init"}
# Pods that ask the Kubernetes API; no other has a token.
WITH_TOKEN = {"scheduler", "triggerer", "webserver", "metrics-server"}
# A whole version or a digest: tags such as 8.0 and latest move.
PINNED = re.compile(r".+(:v?\d+\.\d+\.\d+(-\w+)?|@sha256:[0-9a-f]{64})$")


@pytest.fixture(scope="module")
def pods(core: client.CoreV1Api, platform: Any) -> list[Any]:
    found = [
        pod for place in (*platform.airflow, platform.git, platform.logs, platform.argocd) for pod in core.list_namespaced_pod(place).items
    ]
    found += core.list_namespaced_pod("kube-system", label_selector="k8s-app=metrics-server").items
    assert {"scheduler", "triggerer", "webserver", "mysql", "metrics-server"} <= {part(pod) for pod in found}
    return found


def part(pod: Any) -> str:
    labels = pod.metadata.labels or {}
    return str(labels.get("component") or labels.get("k8s-app") or pod.metadata.name)


def containers(pod: Any) -> list[Any]:
    return [*(pod.spec.init_containers or []), *pod.spec.containers]


def failing(pods: list[Any], holds: Any) -> list[str]:
    return [
        f"{pod.metadata.namespace}/{pod.metadata.name}: {container.name}"
        for pod in pods
        for container in containers(pod)
        if not holds(pod.spec.security_context, container.security_context or client.V1SecurityContext(), container)
    ]


def own(pods: list[Any], platform: Any) -> list[Any]:
    """Pods that this collection describes; Argo CD's are as its own manifest has them."""
    return [pod for pod in pods if pod.metadata.namespace != platform.argocd]


def test_no_pod_runs_as_root(pods: list[Any]) -> None:
    assert failing(pods, lambda pod, own, _container: own.run_as_non_root if own.run_as_non_root is not None else pod.run_as_non_root) == []


def test_no_container_can_gain_privileges(pods: list[Any]) -> None:
    def holds(_pod: Any, own: Any, _container: Any) -> bool:
        return (
            own.allow_privilege_escalation is False and not own.privileged and "ALL" in ((own.capabilities and own.capabilities.drop) or [])
        )

    assert failing(pods, holds) == []


def test_system_calls_are_filtered(pods: list[Any], platform: Platform) -> None:
    def holds(pod: Any, own: Any, _container: Any) -> bool:
        profile = own.seccomp_profile or pod.seccomp_profile
        return profile is not None and profile.type == "RuntimeDefault"

    assert failing(own(pods, platform), holds) == []


def test_root_file_systems_are_read_only(pods: list[Any], platform: Platform) -> None:
    def holds(_pod: Any, own: Any, container: Any) -> bool:
        return own.read_only_root_filesystem or container.name in WRITABLE

    # Workers run people's code, and jobs run once.
    lasting = [pod for pod in own(pods, platform) if not {"kubernetes_executor", "job-name"} & (pod.metadata.labels or {}).keys()]
    assert failing(lasting, holds) == []


def test_only_pods_that_ask_the_api_have_a_token(pods: list[Any], platform: Platform) -> None:
    with_token = {
        part(pod)
        for pod in own(pods, platform)
        if any(
            source.service_account_token
            for volume in pod.spec.volumes or []
            for source in (volume.projected and volume.projected.sources) or []
        )
    }
    assert with_token == WITH_TOKEN


def test_images_are_pinned(pods: list[Any]) -> None:
    assert failing(pods, lambda _pod, _own, container: PINNED.match(container.image)) == []


@pytest.mark.parametrize("field", ["hostPath", "privileged", "hostNetwork"])
def test_a_pod_that_reaches_for_the_node_is_refused(core: client.CoreV1Api, platform: Platform, field: str) -> None:
    """The scheduler may create pods of any shape, and a DAG's author chooses it: the namespace must say no."""
    container: dict[str, Any] = {
        "name": "x",
        "image": platform.image,
        "securityContext": {"privileged": True} if field == "privileged" else {},
    }
    spec: dict[str, Any] = {"containers": [container], "hostNetwork": field == "hostNetwork"}
    if field == "hostPath":
        spec["volumes"] = [{"name": "node", "hostPath": {"path": "/"}}]
    for namespace in platform.airflow:
        with pytest.raises(client.ApiException) as refusal:
            core.create_namespaced_pod(namespace, {"metadata": {"name": "reaches-for-the-node"}, "spec": spec}, dry_run="All")
        assert refusal.value.status == 403
        assert "PodSecurity" in refusal.value.body


def test_d14_the_platforms_namespaces_enforce_restricted(core: client.CoreV1Api, platform: Any) -> None:
    modes = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    labels = {name: core.read_namespace(name).metadata.labels for name in platform.namespaces}
    assert {name: found for name, found in labels.items() if not modes.items() <= found.items()} == {}
