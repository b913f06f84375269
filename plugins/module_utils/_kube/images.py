# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From which registry pods pull their images, and with which Secrets. Pure. A filter imports this file: it needs no other collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# The registry of a name without one, and the folder there of a name without a folder (distribution: reference/normalize.go).
DEFAULT_REGISTRY, OFFICIAL_FOLDER = "docker.io", "library"
CONTAINERS = ("containers", "initContainers")


def split_registry(image: str) -> tuple[str, str]:
    """The registry of an image and what follows it, as container runtimes read a name: C(mysql:8) is C(library/mysql:8) of C(docker.io)."""
    first, slash, rest = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, path = first, rest
    else:
        registry, path = DEFAULT_REGISTRY, image
    if registry == DEFAULT_REGISTRY and "/" not in path:
        path = f"{OFFICIAL_FOLDER}/{path}"
    return registry, path


def mirrored(image: str, registry: str) -> str:
    """The image in another registry: C(registry) in place of its own one, the same path, tag and digest behind it.

    Unchanged if ``registry`` is empty, and if the image is there already.
    """
    prefix = registry.rstrip("/")
    if not prefix or image.startswith(f"{prefix}/"):
        return image
    return f"{prefix}/{split_registry(image)[1]}"


def images_of(value: Any) -> Iterator[str]:
    """The images of all containers in an object, in its order."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from images_of(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key in CONTAINERS:
                yield from (container["image"] for container in _with_image(item))
            yield from images_of(item)


def with_registry(value: Any, registry: str, pull_secrets: Sequence[str] = ()) -> Any:
    """The same object, in which all containers have their images from the registry, and all pods these pull secrets beside their own."""
    if isinstance(value, list | tuple):
        return [with_registry(item, registry, pull_secrets) for item in value]
    if not isinstance(value, Mapping):
        return value
    found = {key: with_registry(item, registry, pull_secrets) for key, item in value.items()}
    for part in CONTAINERS:
        for container in _with_image(found.get(part)):
            container["image"] = mirrored(container["image"], registry)
    if pull_secrets and list(_with_image(found.get("containers"))):
        own = found.get("imagePullSecrets") or []
        found["imagePullSecrets"] = [*own, *(item for item in ({"name": name} for name in pull_secrets) if item not in own)]
    return found


def _with_image(containers: Any) -> Iterator[Any]:
    for item in containers if isinstance(containers, list | tuple) else ():
        if isinstance(item, Mapping) and isinstance(item.get("image"), str):
            yield item
