# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists in messages stay short, however many things a cluster has."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named


@pytest.mark.parametrize(
    ("items", "shown"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "a"], "a, b"),
        (["a", "b", "c", "d", "e", "f"], "a, b, c, d, e, f"),
        (["a", "b", "c", "d", "e", "f", "g"], "a, b, c, d, e, f and 1 more"),
        ([f"pod-{number}" for number in range(10_000)], "pod-0, pod-1, pod-2, pod-3, pod-4, pod-5 and 9994 more"),
    ],
)
def test_of_many_names_the_first_are_shown(items: list[str], shown: str) -> None:
    assert named(items) == shown
