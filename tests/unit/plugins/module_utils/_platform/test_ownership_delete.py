# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a removal deletes of definitions, and what it says about objects that stay."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref, Scope
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_delete import (
    Deletion,
    Removed,
    argocd_in_use,
    defined_refs,
    notices,
    objects_in_use,
)

SERVICES = ("/api/v1/namespaces/a/services", "/apis/animals.test/v1/namespaces/a/services")
OURS = Ref("Secret", "git", "gitea-config")
KEPT = [(Ref("Namespace", "", "git"), "it existed before the platform"), (Ref("Service", "git", "gitea"), "it belongs to platform beta")]
LINES = ["Namespace git stays: it existed before the platform.", "Service git/gitea stays: it belongs to platform beta."]


@pytest.mark.parametrize(
    ("report_kept", "removed", "expected"),
    [("always", [OURS], LINES), ("always", [], LINES), ("if_removed", [OURS], LINES), ("if_removed", [], [])],
)
def test_each_object_that_stays_is_named_with_the_reason(report_kept: str, removed: list[Ref], expected: list[str]) -> None:
    assert notices(Removed(removed, KEPT), report_kept) == expected


@pytest.mark.parametrize("report_kept", ["always", "if_removed"])
def test_nothing_is_said_if_everything_is_deleted(report_kept: str) -> None:
    assert notices(Removed([OURS]), report_kept) == []


def test_what_others_use_is_named_with_the_next_step() -> None:
    users = [Ref("Application", "argocd", "stage-core"), Ref("ApplicationSet", "team", "all")]
    said = argocd_in_use("argocd", users)
    assert "stays in argocd" in said
    assert "because it deploys Application argocd/stage-core, ApplicationSet team/all. To remove it, delete these first" in said
    assert objects_in_use([], ["stage"]) == ""
    said = objects_in_use([Ref("APIService", "", "v1beta1.metrics.k8s.io")], ["beta", "stage"])
    assert said.startswith("APIService v1beta1.metrics.k8s.io: these stay, because the cluster has the platform beta, the platform stage,")


def body(kind: str, name: str, version: str = "v1", **metadata: str) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}


class Cluster(KubeApi):
    """Serves two kinds of one group, one of which has an irregular plural, and has these objects."""

    def __init__(self, paths: list[str]) -> None:
        self.there = {path: {"metadata": {"name": "x", "uid": path, "resourceVersion": "1", "labels": marks("team")}} for path in paths}

    def get(self, path: str) -> dict[str, Any]:
        if path == "/apis/animals.test/v1":
            kinds = {"Wolf": "wolves", "Service": "services"}
            return {"resources": [{"name": plural, "kind": kind, "namespaced": True} for kind, plural in kinds.items()]}
        if path not in self.there:
            raise ApiError(404, f"{path} not found")
        return self.there[path]

    def metadata(self, path: str) -> dict[str, Any] | None:
        return (self.find(path) or {}).get("metadata")

    def delete(self, path: str, uid: str = "") -> bool:
        assert uid == path
        return self.there.pop(path, None) is not None


WOLF, CORE, OTHER = (f"{root}/x" for root in ("/apis/animals.test/v1/namespaces/a/wolves", *SERVICES))


@pytest.mark.parametrize(
    ("kind", "version", "gone"),
    [
        ("Wolf", "animals.test/v1", WOLF),
        ("Service", "animals.test/v1", OTHER),
        ("Service", "v1", CORE),
        ("Service", "", CORE),
        # A kind that is not served has no objects.
        ("Cat", "animals.test/v1", ""),
        ("Wolf", "none.test/v1", ""),
    ],
)
def test_an_object_is_deleted_by_the_plural_and_the_group_of_its_kind(kind: str, version: str, gone: str) -> None:
    cluster = Cluster([WOLF, CORE, OTHER])
    done = Deletion(cluster, Scope("team"), clock=lambda: 0).delete([Ref(kind, "a", "x", version)], timeout=0)
    assert {WOLF, CORE, OTHER} - cluster.there.keys() == ({gone} if gone else set())
    assert [str(ref) for ref in done.removed] == ([f"{kind} a/x"] if gone else [])
    assert done.left == []


# Every kind is one that the collection knows, so nothing is asked.
NO_API: Any = None


def test_what_others_need_is_deleted_last() -> None:
    bodies = [
        body("APIService", "v1.weather.test", "apiregistration.k8s.io/v1", namespace="ignored"),
        body("ServiceAccount", "web"),
        body("Deployment", "web", "apps/v1", namespace="own"),
        body("ClusterRole", "web", "rbac.authorization.k8s.io/v1"),
        body("Namespace", "shop"),
    ]
    assert defined_refs(NO_API, bodies, "shop") == [
        Ref("APIService", "", "v1.weather.test", "apiregistration.k8s.io/v1"),
        Ref("Deployment", "own", "web", "apps/v1"),
        Ref("ClusterRole", "", "web", "rbac.authorization.k8s.io/v1"),
        Ref("ServiceAccount", "shop", "web", "v1"),
        Ref("Namespace", "", "shop", "v1"),
    ]


def test_a_definition_without_a_namespace_is_refused() -> None:
    with pytest.raises(CollectionError, match="ServiceAccount web names no namespace"):
        defined_refs(NO_API, [body("ServiceAccount", "web")], "")
