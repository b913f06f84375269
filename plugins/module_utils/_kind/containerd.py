# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of containerd in a node, and patches for it: TOML in, dictionaries out. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import merge_patch


def toml_problem(text: str) -> str:
    """Why a text is not TOML; empty if it is."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return str(error)
    return ""


def toml(text: str) -> dict[str, Any] | None:
    """The document, or None if the text cannot be read."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def merged_patches(patches: Sequence[str], found: Mapping[str, Any]) -> dict[str, Any]:
    """What the patches set together in a node whose configuration is ``found``. Raises ValueError for a text that is not TOML.

    kind after v0.31.0 skips a patch whose version is not the configuration's (pkg/internal/patch/toml.go). v0.31.0 merges every patch, so
    that the version found is the last patch's. Thus the version itself is never a difference.
    """
    result: dict[str, Any] = {}
    for text in patches:
        settings = tomllib.loads(text)
        version = settings.pop("version", None)
        if version in (None, 0, found.get("version")):
            result = merge_patch(result, settings)
    return result
