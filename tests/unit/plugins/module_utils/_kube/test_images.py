# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F15: where an image is in another registry, and which images and pull secrets the pods of an object have."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.images import images_of, mirrored, split_registry, with_registry

MIRROR = "registry.example.com/mirror"
DIGEST = "sha256:" + "3abb816a" * 8


@pytest.mark.parametrize(
    ("image", "registry", "path"),
    [
        ("mysql:8.0.42", "docker.io", "library/mysql:8.0.42"),
        ("docker.io/mysql:8", "docker.io", "library/mysql:8"),
        ("apache/airflow:2.6.3", "docker.io", "apache/airflow:2.6.3"),
        ("docker.io/gitea/gitea:1.26.0-rootless", "docker.io", "gitea/gitea:1.26.0-rootless"),
        ("registry.k8s.io/git-sync/git-sync:v4.1.0", "registry.k8s.io", "git-sync/git-sync:v4.1.0"),
        ("registry.k8s.io/pause:3.9", "registry.k8s.io", "pause:3.9"),
        ("localhost/x:1", "localhost", "x:1"),
        ("localhost:5000/x:1", "localhost:5000", "x:1"),
        ("registry:5000/team/x:1", "registry:5000", "team/x:1"),
        ("[::1]:5000/x:1", "[::1]:5000", "x:1"),
        (f"kindest/node:v1.29.4@{DIGEST}", "docker.io", f"kindest/node:v1.29.4@{DIGEST}"),
        ("public.ecr.aws/docker/library/redis:7.2.11-alpine", "public.ecr.aws", "docker/library/redis:7.2.11-alpine"),
    ],
)
def test_an_image_in_another_registry(image: str, registry: str, path: str) -> None:
    assert split_registry(image) == (registry, path)
    assert mirrored(image, MIRROR) == f"{MIRROR}/{path}"
    assert mirrored(image, "localhost:5000") == f"localhost:5000/{path}"
    # An image that is there already stays, and so does every image if no registry is set.
    assert mirrored(mirrored(image, MIRROR), MIRROR) == f"{MIRROR}/{path}"
    assert mirrored(image, "") == image


def test_a_registry_whose_name_begins_alike_is_another_one() -> None:
    assert mirrored("registry.example.com/mirror2/x:1", MIRROR) == f"{MIRROR}/mirror2/x:1"
    assert mirrored("x/y:1", f"{MIRROR}/") == f"{MIRROR}/x/y:1"


POD: dict[str, Any] = {
    "initContainers": [{"name": "a", "image": "redis:7"}],
    "containers": [{"name": "b", "image": "quay.io/argoproj/argocd:v3"}, {"name": "c", "image": f"{MIRROR}/own:1"}],
}
CRON = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": POD}}}}}


def test_all_containers_of_all_kinds_of_pods() -> None:
    assert list(images_of([CRON, {"kind": "Pod", "spec": POD}])) == ["redis:7", "quay.io/argoproj/argocd:v3", f"{MIRROR}/own:1"] * 2
    found = with_registry(CRON, MIRROR, ["pull"])
    assert list(images_of(found)) == [f"{MIRROR}/library/redis:7", f"{MIRROR}/argoproj/argocd:v3", f"{MIRROR}/own:1"]
    assert found["spec"]["jobTemplate"]["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "pull"}]
    assert POD["containers"][0]["image"] == "quay.io/argoproj/argocd:v3", "what was given has changed"


def test_pull_secrets_are_added_to_those_that_a_pod_has() -> None:
    pod = {"spec": {**POD, "imagePullSecrets": [{"name": "own"}, {"name": "b"}]}}
    assert [item["name"] for item in with_registry(pod, "", ["a", "b"])["spec"]["imagePullSecrets"]] == ["own", "b", "a"]
    assert with_registry(pod, "") == pod


@pytest.mark.parametrize(
    "value",
    [
        {"data": {"image": "redis:7"}, "image": "redis:7"},
        {"containers": "text", "initContainers": {"image": "redis:7"}},
        {"containers": [5, {"image": None}, {"name": "x"}]},
    ],
)
def test_what_is_no_container_stays(value: Any) -> None:
    assert with_registry(value, MIRROR, ["pull"]) == value
    assert list(images_of(value)) == []
