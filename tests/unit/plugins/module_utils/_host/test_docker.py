# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The complete form of image references, by the rules of reference.ParseDockerRef."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._host.docker import image_name


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("mysql", "docker.io/library/mysql:latest"),
        ("my.image", "docker.io/library/my.image:latest"),
        ("localhost", "docker.io/library/localhost:latest"),
        ("mysql:8.0", "docker.io/library/mysql:8.0"),
        ("apache/airflow:2.6.3", "docker.io/apache/airflow:2.6.3"),
        ("docker.io/mysql", "docker.io/library/mysql:latest"),
        ("index.docker.io/apache/airflow", "docker.io/apache/airflow:latest"),
        ("index.docker.io/mysql:8", "docker.io/library/mysql:8"),
        ("quay.io/argoproj/argocd:v3", "quay.io/argoproj/argocd:v3"),
        ("quay.io/argocd", "quay.io/argocd:latest"),
        ("localhost/argocd:v3", "localhost/argocd:v3"),
        ("registry:5000/argocd", "registry:5000/argocd:latest"),
        ("registry:5000/argocd:v3", "registry:5000/argocd:v3"),
        ("registry/argocd", "docker.io/registry/argocd:latest"),
        # A digest makes the tag meaningless.
        ("mysql:8.0@sha256:abc", "docker.io/library/mysql@sha256:abc"),
        ("registry:5000/argocd@sha256:abc", "registry:5000/argocd@sha256:abc"),
    ],
)
def test_the_complete_name_of_an_image(reference: str, name: str) -> None:
    assert image_name(reference) == name
