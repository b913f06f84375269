# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One image out of an archive that C(docker save) wrote: its ID, and an archive of that image alone."""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._host.docker import image_name

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ArchivedImage:
    """An image in an archive. ``id`` is the checksum of its configuration, by which Docker knows it."""

    path: str
    id: str
    config: str
    layers: tuple[str, ...]


def archive_with(reference: str, archives: Sequence[Mapping[str, Any]]) -> str:
    """The path of the archive that lists the image; empty if none does. Each entry has C(path) and C(images)."""
    wanted = image_name(reference)
    return next((str(item["path"]) for item in archives if wanted in map(image_name, item["images"])), "")


def find(path: str, reference: str) -> ArchivedImage:
    """The image of that name in the archive. Raises CollectionError."""
    wanted = image_name(reference)
    try:
        with tarfile.open(path) as archive:
            entries = json.loads(_read(archive, MANIFEST))
            for entry in entries:
                if wanted in map(image_name, entry.get("RepoTags") or []):
                    checksum = hashlib.sha256(_read(archive, entry["Config"])).hexdigest()
                    return ArchivedImage(path, f"sha256:{checksum}", entry["Config"], tuple(entry["Layers"]))
    except (OSError, tarfile.TarError, AttributeError, ValueError, KeyError, TypeError) as error:
        raise CollectionError(
            f"{path} cannot be read as an archive of images: {error}.", "Write it again with docker save.", "bad_archive"
        ) from error
    raise CollectionError(
        f"{path} has no image {reference}, although the list of its images names it.",
        f"Write it again with docker save {reference}.",
        "bad_archive",
    )


def extract(image: ArchivedImage, name: str, target: BinaryIO) -> None:
    """Writes an archive of this image alone, under another name."""
    wanted = {image.config, *image.layers}
    with tarfile.open(image.path) as source, tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        members = {member.name: member for member in source}
        # A layer that another image has, too, may be a link to it.
        links = [member for path in sorted(wanted) if (member := members.get(path)) and member.issym()]
        wanted |= {posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.linkname)) for member in links}
        for path in sorted(wanted & members.keys(), key=lambda path: members[path].offset):
            member = members[path]
            archive.addfile(member, source.extractfile(member) if member.isfile() else None)
        text = json.dumps([{"Config": image.config, "RepoTags": [name], "Layers": list(image.layers)}]).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is not a file in it")
    return file.read()
