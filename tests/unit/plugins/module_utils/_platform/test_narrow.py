# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for a list of the whole cluster if an account may look only into the platform's namespaces."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform.narrow import NarrowApi, View, selected

LABEL = {"labelSelector": "a=b"}
RECORD = {"labelSelector": "a=b", "fieldSelector": "metadata.name=argocd-installed"}
NAMED = {"Application": "app", "AppProject": "ours", "Secret": "ours-platform-repository"}
VIEW = View(("core", "user"), "argocd", NAMED)
ARGO = "/apis/argoproj.io/v1alpha1"


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/api/v1/services", LABEL, [("/api/v1/namespaces/core/services", LABEL), ("/api/v1/namespaces/user/services", LABEL)]),
        (
            "/api/v1/secrets",
            LABEL,
            [
                ("/api/v1/namespaces/core/secrets", LABEL),
                ("/api/v1/namespaces/user/secrets", LABEL),
                ("/api/v1/namespaces/argocd/secrets", {**LABEL, "fieldSelector": "metadata.name=ours-platform-repository"}),
            ],
        ),
        (f"{ARGO}/applications", LABEL, [(f"{ARGO}/namespaces/argocd/applications", {**LABEL, "fieldSelector": "metadata.name=app"})]),
        (f"{ARGO}/applicationsets", {}, []),
        (
            "/api/v1/configmaps",
            RECORD,
            [
                ("/api/v1/namespaces/core/configmaps", RECORD),
                ("/api/v1/namespaces/user/configmaps", RECORD),
                ("/api/v1/namespaces/argocd/configmaps", RECORD),
            ],
        ),
        ("/api/v1/configmaps", LABEL, [("/api/v1/namespaces/core/configmaps", LABEL), ("/api/v1/namespaces/user/configmaps", LABEL)]),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles", {}, []),
        ("/apis/apiregistration.k8s.io/v1/apiservices", LABEL, []),
        # As they are.
        ("/api/v1/nodes", {}, None),
        ("/api/v1/namespaces/core/secrets", {}, None),
        ("/api/v1/namespaces/argocd/configmaps", {}, None),
        # It would read every Secret there.
        ("/api/v1/namespaces/argocd/secrets", LABEL, []),
    ],
)
def test_a_list_of_the_whole_cluster_becomes_lists_of_namespaces(path: str, query: dict[str, str], expected: Any) -> None:
    assert VIEW.lists(path, query) == expected


def test_the_clusters_of_argo_cd_are_read_with_the_right_to_it() -> None:
    assert View(("core",), "argocd", NAMED, clusters=True).lists("/api/v1/namespaces/argocd/secrets", LABEL) is None


def test_an_appproject_of_others_is_not_listed() -> None:
    assert View(("core",), "argocd", {**NAMED, "AppProject": ""}).lists(f"{ARGO}/appprojects", LABEL) == []


@pytest.mark.parametrize(
    ("labels", "query", "expected"),
    [
        ({"a": "b", "c": "d"}, LABEL, True),
        ({"a": "c"}, LABEL, False),
        (None, LABEL, False),
        (None, {}, True),
        ({"a": "b"}, {"labelSelector": "a=b,c=d"}, False),
    ],
)
def test_labels_of_namespaces_are_compared_here(labels: Any, query: dict[str, str], expected: bool) -> None:
    assert selected({"labels": labels}, query) is expected


class Server(KubeApi):
    """Has three namespaces, and serves Applications."""

    asked: ClassVar[list[tuple[str, Any]]] = []

    def _json(self, method: str, url_path: str, query: Any, *_others: Any, **_more: Any) -> dict[str, Any]:
        self.asked.append((url_path, query))
        if url_path == ARGO:
            return {"resources": [{"name": "applications"}, {"name": "applications/status"}]}
        name = url_path.rpartition("/")[2]
        if url_path.startswith("/api/v1/namespaces/") and name in ("core", "argocd", "kube-system"):
            return {"metadata": {"name": name, "labels": {"a": "b"} if name == "core" else {}}}
        if "limit" in query:
            return {"items": [{"metadata": {"name": url_path}}], "metadata": {}}
        raise ApiError(404, "not there")


class Narrow(NarrowApi, Server):
    pass


def api() -> Narrow:
    Server.asked = []
    return Narrow(Server(SimpleNamespace(configuration=SimpleNamespace(host=""))), VIEW)


def test_namespaces_are_read_one_by_one() -> None:
    assert [item["name"] for item in api().items("/api/v1/namespaces")] == ["core", "argocd", "kube-system"]
    assert [item["name"] for item in api().items("/api/v1/namespaces", LABEL)] == ["core"]
    assert "/api/v1/namespaces" not in [path for path, _query in Server.asked]


def test_the_lists_of_namespaces_come_together() -> None:
    found = api().items("/api/v1/services", LABEL)
    assert [item["name"] for item in found] == ["/api/v1/namespaces/core/services", "/api/v1/namespaces/user/services"]
    assert all(query["labelSelector"] == "a=b" for _path, query in Server.asked)


@pytest.mark.parametrize(
    ("name", "expected"), [("applications.argoproj.io", True), ("applicationsets.argoproj.io", False), ("x.example.com", False)]
)
def test_a_crd_is_known_by_what_the_server_serves(name: str, expected: bool) -> None:
    found = api().metadata(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
    assert found == ({"name": name} if expected else None)
    assert not [path for path, _query in Server.asked if "customresourcedefinitions" in path]
