# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F21: commits of others since the last one of the platform, by the log of git."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.history import Foreign, foreign_commits

OWN = {"airflow@example.com"}
PATHS = {"airflow/values.yaml", "airflow/dags.yaml"}


def entry(commit: str, *files: str, email: str = "ann@example.com") -> str:
    names = "".join(f"{name}\0" for name in files)
    return f"\x01{commit}\x02{email}\x02Ann\x02\n\n{names}"


def ann(commit: str, *paths: str) -> Foreign:
    return Foreign(commit, "Ann", paths)


@pytest.mark.parametrize(
    ("log", "cut", "found"),
    [
        ("", set(), []),
        (entry("a", "README"), set(), []),
        (entry("a", "airflow/values.yaml", "README"), set(), [ann("a", "airflow/values.yaml")]),
        (
            entry("b", "airflow/values.yaml", "airflow/dags.yaml") + entry("a", "airflow/dags.yaml"),
            set(),
            [ann("b", "airflow/dags.yaml", "airflow/values.yaml"), ann("a", "airflow/dags.yaml")],
        ),
        # Only what is newer than the platform's own commit.
        (
            entry("b", "airflow/dags.yaml") + entry("o", email="airflow@example.com") + entry("a", "airflow/dags.yaml"),
            set(),
            [ann("b", "airflow/dags.yaml")],
        ),
        (entry("o", "airflow/dags.yaml", email="airflow@example.com") + entry("a", "airflow/dags.yaml"), set(), []),
        (entry("b", "airflow/dags.yaml") + entry("a", "airflow/values.yaml"), {"a"}, [ann("b", "airflow/dags.yaml")]),
    ],
)
def test_f21_commits_of_others(log: str, cut: set[str], found: list[Foreign]) -> None:
    assert foreign_commits(log, OWN, PATHS, cut) == found


def test_f21_a_commit_in_words() -> None:
    assert str(ann("0123456789", "airflow/values.yaml")) == "airflow/values.yaml (commit 0123456 by Ann)"
