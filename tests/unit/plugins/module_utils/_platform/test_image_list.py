# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is listed for a job that copies images to another registry."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.images import mirrored
from ansible_collections.gitops.airflow.plugins.module_utils._platform.image_list import image_list

DIGEST = "sha256:" + "3abb816a" * 8
PUBLISHED = {name: f"pub/{name}:1" for name in ("kind_node", "airflow", "git_sync", "mysql", "gitea", "metrics_server", "versitygw")}
BASE = ["pub/airflow:1", "pub/git_sync:1", "pub/mysql:1"]
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {containers: [{name: a, image: "quay.io/argoproj/argocd:v3"}, {name: b, image: "quay.io/argoproj/argocd:v3"}]}
"""


def settings(registry: str = "", published: dict[str, str] | None = None, **given: Any) -> dict[str, Any]:
    images = {name: mirrored(image, registry) for name, image in (published or PUBLISHED).items()}
    own = {"provider": "existing", "git_server": "external", "metrics_server": False, "argocd": "install"}
    return {"image_registry": registry, "images": images | given.pop("images", {}), **own, **given}


@pytest.mark.parametrize(
    ("given", "logs", "more"),
    [
        ({}, "none", []),
        ({"provider": "kind"}, "s3", ["pub/kind_node:1"]),
        ({"git_server": "embedded"}, "none", ["pub/gitea:1"]),
        ({}, "embedded", ["pub/versitygw:1"]),
        ({"metrics_server": "true"}, "none", ["pub/metrics_server:1"]),
        ({"metrics_server": "false"}, "none", []),
    ],
)
def test_only_what_a_platform_needs_is_listed(given: dict[str, Any], logs: str, more: list[str]) -> None:
    assert image_list(settings(**given), PUBLISHED, logs=logs) == sorted([*BASE, *more])


def test_each_image_of_argocd_is_listed_once_unless_argocd_is_that_of_others() -> None:
    assert image_list(settings(), PUBLISHED, MANIFEST, "none") == [*BASE, "quay.io/argoproj/argocd:v3"]
    assert image_list(settings(argocd="existing"), PUBLISHED, MANIFEST, "none") == BASE
    with pytest.raises(CollectionError, match="Argo CD's manifest: definitions are not YAML"):
        image_list(settings(), PUBLISHED, "a: [", "none")


def test_an_image_of_ones_own_is_not_listed() -> None:
    assert image_list(settings("r.example.com", images={"airflow": "r.example.com/mine:1"}), PUBLISHED, logs="none") == [
        "pub/git_sync:1 r.example.com/pub/git_sync:1",
        "pub/mysql:1 r.example.com/pub/mysql:1",
    ]


@pytest.mark.parametrize(
    ("image", "line"),
    [
        (f"h:5000/a:1@{DIGEST}", f"h:5000/a@{DIGEST} r.example.com/a:1"),
        (f"h:5000/a@{DIGEST}", f"h:5000/a@{DIGEST} r.example.com/a@{DIGEST}"),
        ("h:5000/a:1", "h:5000/a:1 r.example.com/a:1"),
    ],
)
def test_a_line_has_a_tag_or_a_digest(image: str, line: str) -> None:
    published = {**PUBLISHED, "mysql": image}
    assert line in image_list(settings("r.example.com", published), published, logs="none")
