# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else changed what is about to be overwritten (F21). Pure: git's words in, commits out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named


@dataclass(frozen=True)
class Foreign:
    """A commit of another author, and which files it changed of those that are overwritten."""

    commit: str
    author: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"{named(self.paths)} (commit {self.commit[:7]} by {self.author})"


def foreign_commits(log: str, own: Collection[str], paths: Collection[str], cut: Collection[str], mark: str = "") -> list[Foreign]:
    """The commits since the last one of an author with an e-mail address in ``own`` that changed one of the paths, the latest first (F21).

    ``log``: ``git log -m --first-parent --name-only -z --format=%x01%H%x02%ae%x02%an%x02``. ``cut``: commits whose parent is not known, so
    that all their files look new. ``mark``: the file that each publication changes. With it the commits are those since the last
    publication, whoever merged that.
    """
    found: list[Foreign] = []
    for entry in log.split("\x01")[1:]:
        commit, email, author, files = entry.split("\x02", 3)
        changed = {path.strip("\n") for path in files.split("\0")}
        touched = sorted(changed & set(paths))
        # With a mark, another folder's publication by the same author ends nothing.
        published = mark in changed or bool(email in own and touched) if mark else email in own
        if commit in cut or published:
            break
        found += [Foreign(commit, author, tuple(touched))] if touched and email not in own else []
    return found
