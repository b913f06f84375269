# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions as texts. Pure."""

from __future__ import annotations

from ansible.module_utils.compat.version import LooseVersion


def older(version: str, other: str) -> bool:
    """Whether a version is older than another. It is not if the two cannot be compared: a word where the other has a number."""
    try:
        return bool(LooseVersion(version) < LooseVersion(other))
    except TypeError:
        return False
