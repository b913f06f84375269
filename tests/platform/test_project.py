# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Argo CD project lets through: Argo CD itself refuses what is not on its lists."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.default_project import is_closed
from conftest import Platform
from kubernetes import client
from platform_author import GROUP, PlatformAuthor

NAME = "site-security"
PATIENCE = 30  # seconds for Argo CD to look at an Application


@pytest.fixture(scope="module")
def project(applications: client.CustomObjectsApi, platform: Any) -> dict[str, Any]:
    found: dict[str, Any] = applications.get_namespaced_custom_object(*GROUP, platform.argocd, "appprojects", "airflow")
    spec: dict[str, Any] = found["spec"]
    return spec


def test_one_repository_and_the_workers_namespaces(project: dict[str, Any], platform: Platform) -> None:
    assert project["sourceRepos"] == [platform.repository]
    assert sorted(item["namespace"] for item in project["destinations"]) == sorted(platform.airflow)
    assert {item["server"] for item in project["destinations"]} == {"https://kubernetes.default.svc"}


def test_nothing_cluster_wide_no_secret_no_wildcard(project: dict[str, Any]) -> None:
    assert not project.get("clusterResourceWhitelist")
    kinds = {(item["group"], item["kind"]) for item in project["namespaceResourceWhitelist"]}
    assert not [kind for kind in kinds if "*" in kind]
    assert not {("", "Secret"), ("", "ResourceQuota"), ("", "LimitRange"), ("argoproj.io", "Application")} & kinds


def test_it_holds_the_kinds_that_the_platform_has(
    project: dict[str, Any], applications: client.CustomObjectsApi, platform: Platform
) -> None:
    app: dict[str, Any] = applications.get_namespaced_custom_object(*GROUP, platform.argocd, "applications", "airflow-core")
    used = {(item.get("group", ""), item["kind"]) for item in app["status"]["resources"]}
    allowed = {(item["group"], item["kind"]) for item in project["namespaceResourceWhitelist"]}
    # Hooks are none of its resources; the last three are made by others and shown.
    assert allowed == used | {("batch", "Job"), ("", "PersistentVolumeClaim"), ("", "Pod"), ("apps", "ReplicaSet")}


@pytest.fixture
def refused(applications: client.CustomObjectsApi, platform: Any) -> Iterator[Any]:
    """Creates an Application in the project and returns what Argo CD says against it. It never syncs by itself."""
    where = (*GROUP, platform.argocd, "applications")

    def create(repository: str, namespace: str, project: str = "airflow") -> str:
        source = {"repoURL": repository, "path": ".", "targetRevision": "main"}
        destination = {"server": "https://kubernetes.default.svc", "namespace": namespace}
        spec = {"project": project, "source": source, "destination": destination}
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


REFERENCE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
FORBIDDEN: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Secret"},
    {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": []},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "roleRef": REFERENCE, "subjects": []},
]


def test_f21_a_push_by_hand_reaches_argo_cd_in_seconds(
    core: client.CoreV1Api, applications: client.CustomObjectsApi, platform: Platform
) -> None:
    """Twice, because Argo CD itself also reads the repository every three minutes."""
    person = PlatformAuthor(core, applications, platform, NAME)

    def seen(commit: str) -> float:
        begin = time.monotonic()
        while time.monotonic() - begin < PATIENCE:
            app: dict[str, Any] = applications.get_namespaced_custom_object(*GROUP, platform.argocd, "applications", "airflow-core")
            if app["status"]["sync"]["revision"] == commit:
                return time.monotonic() - begin
            time.sleep(0.2)
        pytest.fail(f"Argo CD did not read the commit {commit} within {PATIENCE} s")

    added, identity = person.add_file("by-hand.txt")
    try:
        first = seen(added)
    finally:
        deleted = person.delete_file("by-hand.txt", identity)
    print(f"Argo CD read a push by hand after {first:.1f} s, the next one after {seen(deleted):.1f} s")


@pytest.fixture
def author(core: client.CoreV1Api, applications: client.CustomObjectsApi, platform: Any) -> Iterator[PlatformAuthor]:
    """Objects of kinds that the project does not allow are on a branch of the platform repository."""
    pushing = PlatformAuthor(core, applications, platform, NAME)
    pushing.push([{**item, "metadata": {"name": NAME}} for item in FORBIDDEN])
    yield pushing
    pushing.withdraw()


def test_d9_kinds_that_are_not_listed_are_refused(author: PlatformAuthor, core: Any, connect: Any, platform: Any) -> None:
    namespace = platform.airflow[-1]
    state = author.sync(namespace)
    assert state["phase"] == "Failed", state.get("message")
    said = {item["kind"]: item["message"] for item in state["syncResult"]["resources"]}
    assert said.keys() == {item["kind"] for item in FORBIDDEN}
    for kind, message in said.items():
        assert f":{kind} is not permitted in project airflow" in message
    rbac = client.RbacAuthorizationV1Api(connect())
    present = [
        *core.list_namespaced_secret(namespace).items,
        *client.NetworkingV1Api(connect()).list_namespaced_network_policy(namespace).items,
        *rbac.list_namespaced_role(namespace).items,
        *rbac.list_namespaced_role_binding(namespace).items,
    ]
    assert NAME not in {item.metadata.name for item in present}


@pytest.fixture(scope="module")
def closed(applications: client.CustomObjectsApi, platform: Any) -> dict[str, Any]:
    found: dict[str, Any] = applications.get_namespaced_custom_object(*GROUP, platform.argocd, "appprojects", "default")
    return found


def test_d9_argo_cds_own_project_allows_nothing(closed: dict[str, Any]) -> None:
    assert is_closed(closed)


def test_d9_an_application_in_argo_cds_own_project_is_refused(refused: Any, platform: Any) -> None:
    """By its repository or its destination: Argo CD shows one of the two reasons."""
    said = refused(platform.repository, platform.core, "default")
    assert "is not permitted in project 'default'" in said or "match any of the allowed destinations in project 'default'" in said


def test_another_repository_is_refused(refused: Any, platform: Platform) -> None:
    assert "is not permitted in project" in refused("https://git.example.com/other.git", platform.core)


def test_another_namespace_is_refused(refused: Any, platform: Platform) -> None:
    assert "do not match any of the allowed destinations" in refused(platform.repository, "kube-system")
