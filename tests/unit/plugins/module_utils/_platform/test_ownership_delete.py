# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a removal says about objects that stay."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_delete import Removed, notices

OURS = Ref("Secret", "git", "gitea-config")
KEPT = [(Ref("Namespace", "", "git"), "it existed before the platform"), (Ref("Service", "git", "gitea"), "it belongs to platform beta")]
LINES = ["Namespace git stays: it existed before the platform.", "Service git/gitea stays: it belongs to platform beta."]


@pytest.mark.parametrize(
    ("report_kept", "removed", "expected"),
    [("always", [OURS], LINES), ("always", [], LINES), ("if_removed", [OURS], LINES), ("if_removed", [], [])],
)
def test_each_object_that_stays_is_named_with_the_reason(report_kept: str, removed: list[Ref], expected: list[str]) -> None:
    assert notices(Removed(removed, KEPT), report_kept) == expected


@pytest.mark.parametrize("report_kept", ["always", "if_removed"])
def test_nothing_is_said_if_everything_is_deleted(report_kept: str) -> None:
    assert notices(Removed([OURS]), report_kept) == []
