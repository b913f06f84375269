# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a platform for a job that copies them to another registry. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.install_manifest import manifest_images
from ansible_collections.gitops.airflow.plugins.module_utils._kube.images import mirrored


def used(settings: Mapping[str, Any], logs: str) -> Iterator[str]:
    """The names of the images that a platform needs. ``settings``: C(__platform_settings). ``logs``: airflow_app_logs."""
    yield from ("airflow", "git_sync", "mysql")
    if settings["provider"] == "kind":
        yield "kind_node"
    if settings["git_server"] == "embedded":
        yield "gitea"
    if logs == "embedded":
        yield "versitygw"
    if boolean(settings["metrics_server"], strict=False):
        yield "metrics_server"


def image_list(settings: Mapping[str, Any], published: Mapping[str, str], manifest: str = "", logs: str = "embedded") -> list[str]:
    """A line for each image: what to copy, and with a registry, a space and where to.

    ``published``: C(platform_published_images). ``manifest``: the text of Argo CD's. An image whose variable names another one is left out:
    it is not one of the publisher's. Raises CollectionError for a manifest that cannot be read.
    """
    registry = str(settings["image_registry"] or "")
    images = [published[name] for name in used(settings, logs) if settings["images"][name] == mirrored(published[name], registry)]
    if manifest and settings["argocd"] == "install":
        images += manifest_images(manifest, "Argo CD's manifest")
    return sorted({_line(image, registry) for image in images})


def _line(image: str, registry: str) -> str:
    """Tools that copy images take a tag or a digest, not both, and give the copy its tag."""
    name, at, digest = image.partition("@")
    tagged = ":" in name.rpartition("/")[2]
    source = f"{name.rpartition(':')[0]}@{digest}" if at and tagged else image
    return f"{source} {mirrored(name if tagged else image, registry)}" if registry else source
