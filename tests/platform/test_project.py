# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Argo CD project lets through: Argo CD itself refuses what is not on its lists."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import open_tunnel
from conftest import DIRECT, decoded
from kubernetes import client

GROUP = ("argoproj.io", "v1alpha1")
NAME = "site-security"
PATIENCE = 30  # seconds for Argo CD to look at an Application


@pytest.fixture(scope="module")
def project(applications: client.CustomObjectsApi, platform: Any) -> dict[str, Any]:
    found: dict[str, Any] = applications.get_namespaced_custom_object(*GROUP, platform.argocd, "appprojects", "airflow")
    return found["spec"]


def test_one_repository_and_the_workers_namespaces(project, platform) -> None:
    assert project["sourceRepos"] == [platform.repository]
    assert sorted(item["namespace"] for item in project["destinations"]) == sorted(platform.airflow)
    assert {item["server"] for item in project["destinations"]} == {"https://kubernetes.default.svc"}


def test_nothing_cluster_wide_no_secret_no_wildcard(project) -> None:
    assert not project.get("clusterResourceWhitelist")
    kinds = {(item["group"], item["kind"]) for item in project["namespaceResourceWhitelist"]}
    assert not [kind for kind in kinds if "*" in kind]
    assert not {("", "Secret"), ("", "ResourceQuota"), ("", "LimitRange"), ("argoproj.io", "Application")} & kinds


def test_it_holds_the_kinds_that_the_platform_has(project, applications, platform) -> None:
    app: dict[str, Any] = applications.get_namespaced_custom_object(*GROUP, platform.argocd, "applications", "airflow-core")
    used = {(item.get("group", ""), item["kind"]) for item in app["status"]["resources"]}
    allowed = {(item["group"], item["kind"]) for item in project["namespaceResourceWhitelist"]}
    # Hooks are none of its resources; the last three are made by others and shown.
    assert allowed == used | {("batch", "Job"), ("", "PersistentVolumeClaim"), ("", "Pod"), ("apps", "ReplicaSet")}


@pytest.fixture
def refused(applications: client.CustomObjectsApi, platform: Any) -> Iterator[Any]:
    """Creates an Application in the project and returns what Argo CD says against it. It never syncs by itself."""
    where = (*GROUP, platform.argocd, "applications")

    def create(repository: str, namespace: str) -> str:
        source = {"repoURL": repository, "path": ".", "targetRevision": "main"}
        destination = {"server": "https://kubernetes.default.svc", "namespace": namespace}
        spec = {"project": "airflow", "source": source, "destination": destination}
        body = {"apiVersion": "/".join(GROUP), "kind": "Application", "metadata": {"name": NAME}, "spec": spec}
        applications.create_namespaced_custom_object(*where, body)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status = applications.get_namespaced_custom_object(*where, NAME).get("status") or {}
            for condition in status.get("conditions") or []:
                if condition["type"] == "InvalidSpecError":
                    return str(condition["message"])
            time.sleep(0.2)
        return ""

    yield create
    applications.delete_namespaced_custom_object(*where, NAME)


FORBIDDEN = {"Secret": "v1", "NetworkPolicy": "networking.k8s.io/v1"}


@pytest.fixture
def branch(core: client.CoreV1Api, platform: Any) -> Iterator[str]:
    """A branch of the platform repository with objects of kinds that the project does not allow."""
    password = decoded(core.read_namespaced_secret("gitea-config", platform.git))["password"]
    log_in = "Basic " + base64.b64encode(f"gitops:{password}".encode()).decode()
    access = {"kubeconfig": platform.kubeconfig, "context": platform.context}

    def ask(method: str, path: str, **body: str) -> None:
        with open_tunnel(access, platform.git, "gitea", 3000) as tunnel:
            url = f"http://127.0.0.1:{tunnel.port}/api/v1/repos/gitops/platform/{path}"
            headers = {"Authorization": log_in, "Content-Type": "application/json"}
            DIRECT.open(urllib.request.Request(url, json.dumps(body).encode(), headers, method=method), timeout=30).close()

    objects = [
        {"apiVersion": version, "kind": kind, "metadata": {"name": NAME}}
        | ({"spec": {"podSelector": {}}} if kind == "NetworkPolicy" else {})
        for kind, version in FORBIDDEN.items()
    ]
    content = base64.b64encode(yaml.safe_dump_all(objects).encode()).decode()
    ask("POST", f"contents/{NAME}/objects.yaml", content=content, branch="main", new_branch=NAME, message="Kinds that are not allowed")
    yield NAME
    ask("DELETE", f"branches/{NAME}")


@pytest.fixture
def synced(applications: client.CustomObjectsApi, platform: Any, branch: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """Creates an Application of that branch and has Argo CD sync it; returns how that ended."""
    where = (*GROUP, platform.argocd, "applications")

    def sync() -> dict[str, Any]:
        source = {"repoURL": platform.repository, "path": NAME, "targetRevision": branch}
        destination = {"server": "https://kubernetes.default.svc", "namespace": platform.airflow[-1]}
        spec = {"project": "airflow", "source": source, "destination": destination}
        body = {"apiVersion": "/".join(GROUP), "kind": "Application", "metadata": {"name": NAME}, "spec": spec}
        applications.create_namespaced_custom_object(*where, {**body, "operation": {"sync": {"revision": branch}}})
        end = time.monotonic() + PATIENCE
        state: dict[str, Any] = {}
        while time.monotonic() < end and state.get("phase") not in ("Failed", "Error", "Succeeded"):
            time.sleep(0.2)
            state = (applications.get_namespaced_custom_object(*where, NAME).get("status") or {}).get("operationState") or {}
        return state

    yield sync
    applications.delete_namespaced_custom_object(*where, NAME)


def test_kinds_that_are_not_listed_are_refused(synced, core, connect, platform) -> None:
    state = synced()
    assert state["phase"] == "Failed", state.get("message")
    said = {item["kind"]: item["message"] for item in state["syncResult"]["resources"]}
    assert said.keys() == FORBIDDEN.keys()
    for kind, message in said.items():
        assert f":{kind} is not permitted in project airflow" in message
    assert NAME not in {item.metadata.name for item in core.list_namespaced_secret(platform.airflow[-1]).items}
    policies = client.NetworkingV1Api(connect()).list_namespaced_network_policy(platform.airflow[-1])
    assert policies.items == []


def test_another_repository_is_refused(refused, platform) -> None:
    assert "is not permitted in project" in refused("https://git.example.com/other.git", platform.core)


def test_another_namespace_is_refused(refused, platform) -> None:
    assert "do not match any of the allowed destinations" in refused(platform.repository, "kube-system")
