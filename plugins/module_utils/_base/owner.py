# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns an object, by its labels. Pure: metadata in, decision out (issue 11, H1, H2, H7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError

PART_OF, COLLECTION = "app.kubernetes.io/part-of", "gitops-airflow"
PLATFORM = "gitops-airflow/platform"
# The field manager with which the collection applies objects.
MANAGER = "gitops.airflow"

# The options of the doc fragment platform_owner.
OWNER_SPEC: dict[str, Any] = {"platform": {"type": "str", "required": True}, "adopt": {"type": "bool", "default": False}}

Owner = Literal["ours", "older", "other", "foreign"]


def marks(platform: str) -> dict[str, str]:
    """The labels of every object of a platform."""
    return {PART_OF: COLLECTION, PLATFORM: platform}


def labels_of(metadata: Mapping[str, Any]) -> dict[str, str]:
    return dict(metadata.get("labels") or {})


def owner_of(metadata: Mapping[str, Any], platform: str) -> Owner:
    """Who owns an object by its labels: this platform, another one, an older platform of this collection, or nobody of this collection.

    An older platform (up to commit 1e64bd2) has the part-of label alone. The labels do not say which platform it is.
    """
    labels = labels_of(metadata)
    mark = labels.get(PLATFORM)
    if mark is not None:
        return "ours" if mark == platform and labels.get(PART_OF) == COLLECTION else "other" if mark != platform else "foreign"
    return "older" if labels.get(PART_OF) == COLLECTION else "foreign"


def owner_text(metadata: Mapping[str, Any], platform: str) -> str:
    """The same for a person."""
    owner = owner_of(metadata, platform)
    return {
        "ours": f"it is platform {platform}'s",
        "older": f"it has no label {PLATFORM}",
        "other": f"it belongs to platform {labels_of(metadata).get(PLATFORM)}",
        "foreign": f"it does not have the labels {PART_OF}={COLLECTION} and {PLATFORM}={platform}",
    }[owner]


def belongs(metadata: Mapping[str, Any], platform: str, adopt: bool) -> bool:
    """Whether the platform may change an object. ``adopt``: an object of an older version without a platform's label is this platform's."""
    return owner_of(metadata, platform) in (("ours", "older") if adopt else ("ours",))


def refuse_foreign(shown: str, metadata: Mapping[str, Any], platform: str, adopt: bool) -> None:
    """Refuses to change an object that the platform does not own. ``shown`` names the object.

    :raises CollectionError: with the code foreign_object, older_object or other_platform.
    """
    if belongs(metadata, platform, adopt):
        return
    owner = owner_of(metadata, platform)
    label = f"label it with {PART_OF}={COLLECTION} and {PLATFORM}={platform}"
    code, action = {
        "older": ("older_object", f"If an older version of this collection made it for platform {platform}, set adopt to true."),
        "other": ("other_platform", "Use another name, or run with the name of the platform that owns it."),
    }.get(owner, ("foreign_object", f"Use another name, or {label} if it may be changed."))
    raise CollectionError(f"{shown} exists, and {owner_text(metadata, platform)}. Nothing was changed.", action, code)
