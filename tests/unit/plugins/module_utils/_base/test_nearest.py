# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which known name an unknown one may stand for."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.nearest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("extraMount", ["extraMounts", "labels"], "extraMounts"),
        ("EXTRAMOUNTS", ["extraMounts"], "extraMounts"),
        ("image", ["extraMounts", "labels"], ""),
        ("image", [], ""),
    ],
)
def test_the_nearest_name(name: str, known: list[str], found: str) -> None:
    assert nearest(name, known) == found


def test_a_sentence_about_it() -> None:
    assert (did_you_mean("labels"), did_you_mean("")) == (" The nearest name is labels.", "")
