# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image with packages is called, and whether it must be built. Pure.

The tag follows from what goes in: the lines of the requirements file and the image that they are added to. So the same input is the same
image on every run, and a name never gets another content.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# No registry serves this name, so a node that lacks the image never pulls one that a stranger has published under it.
REPOSITORY = "localhost/gitops-airflow/airflow"
# Labels of the image: all that went in, and the packages that were added, as JSON.
INPUTS, PACKAGES = "gitops-airflow.inputs", "gitops-airflow.packages"
# Changes when images must be built in another way.
RECIPE = "1"
UNKNOWN = "unknown"
_KEPT = 12  # of the checksum's characters
_LONGEST = 128  # of a tag (distribution: reference/regexp.go)

BUILD, NOTHING = "build", "nothing"


@dataclass(frozen=True)
class Package:
    """A distribution and its version."""

    name: str
    version: str

    def as_dict(self) -> dict[str, str]:
        return {"name": self.name, "version": self.version}


@dataclass(frozen=True)
class Plan:
    """What to do. ``inputs`` is the checksum of all that goes in; empty as long as the base image is unknown.

    ``packages`` are those that the existing image adds to its base.
    """

    action: str
    image: str
    inputs: str = ""
    packages: tuple[Package, ...] = ()


def inputs(lines: Sequence[str], base_id: str) -> str:
    """The checksum of all that goes into an image: the file's lines and the ID of the base image."""
    return hashlib.sha256(json.dumps([RECIPE, base_id, *lines]).encode()).hexdigest()


def tag(base: str, checksum: str) -> str:
    """The tag of an image that is built from ``base``: the base's own tag, which says Airflow's version, and the checksum's beginning."""
    name = base.partition("@")[0].rsplit("/", 1)[-1]
    own = re.sub(r"[^\w.-]", "-", name.partition(":")[2]) or "airflow"
    end = f"-{checksum[:_KEPT] or UNKNOWN}"
    return own[: _LONGEST - len(end)] + end


def plan(
    base: str, base_id: str, lines: Sequence[str], labels: Callable[[str], Mapping[str, str] | None], repository: str = REPOSITORY
) -> Plan:
    """What to do. ``labels`` returns those of an image on this machine, None if there is no image of that name.

    An empty ``base_id`` says that the base image is not on this machine, so that the name is not known before it is pulled.
    """
    if not base_id:
        return Plan(BUILD, f"{repository}:{tag(base, '')}")
    checksum = inputs(lines, base_id)
    image = f"{repository}:{tag(base, checksum)}"
    found = labels(image)
    # Another content under this name has no label, or another one.
    if found is None or found.get(INPUTS) != checksum:
        return Plan(BUILD, image, checksum)
    return Plan(NOTHING, image, checksum, tuple(packages_of(found)))


def packages_of(labels: Mapping[str, str]) -> list[Package]:
    """The packages that were added to an image, as its label has them. Empty for a label that cannot be read."""
    try:
        found = json.loads(labels.get(PACKAGES, "[]"))
        return [Package(str(item["name"]), str(item["version"])) for item in found]
    except (ValueError, TypeError, KeyError):
        return []
