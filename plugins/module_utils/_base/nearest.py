# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which known name an unknown one may stand for. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# The share of equal characters from which on two names are called similar.
SIMILAR = 0.75


def nearest(name: str, known: Iterable[str], cutoff: float = SIMILAR) -> str:
    """The known name that is most like ``name``; empty if none is. Upper case counts as lower case."""
    names = {item.lower(): item for item in known}
    found = difflib.get_close_matches(name.lower(), names, 1, cutoff)
    return names[found[0]] if found else ""


def did_you_mean(name: str) -> str:
    """A sentence with a blank before it, or nothing."""
    return f" The nearest name is {name}." if name else ""
