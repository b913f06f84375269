# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all code that deals with Docker shares."""

from __future__ import annotations

# kind sets it on every node container.
CLUSTER_LABEL = "io.x-k8s.kind.cluster"
# Names the engine in which kind makes clusters: docker, podman, nerdctl, finch. Without it kind uses Docker if that is installed.
PROVIDER_VARIABLE = "KIND_EXPERIMENTAL_PROVIDER"


def image_name(reference: str) -> str:
    """The complete form of an image reference: registry, repository, and tag or digest.

    The rules are those of the distribution project's `reference.ParseDockerRef`: Docker Hub is the default registry,
    `library` its default folder, `latest` the default tag; a digest makes the tag meaningless.
    """
    name, _at, digest = reference.partition("@")
    last = name.rsplit("/", 1)[-1]
    tag = ""
    if ":" in last:
        name, _colon, tag = name.rpartition(":")
    domain, slash, path = name.partition("/")
    if not slash or not (domain == "localhost" or "." in domain or ":" in domain):
        domain, path = "docker.io", name
    if domain == "index.docker.io":
        domain = "docker.io"
    if domain == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return f"{domain}/{path}@{digest}" if digest else f"{domain}/{path}:{tag or 'latest'}"
