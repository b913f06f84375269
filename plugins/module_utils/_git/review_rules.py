# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a publication by review does next. Pure: trees in, decision out (docs/adr/0027).

Trees are compared, never commits: a squash merge and a rebase make other commits of the same files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._git.model import Content, changed_paths, folder, plan
from ansible_collections.gitops.airflow.plugins.module_utils._git.record import Tree

# The platform branch has the files. The review branch: has them and can be merged; gets a first commit; one more; one more that joins
# the platform branch; is of others and stays.
DONE, WAIT, BEGIN, EXTEND, JOIN, LEAVE = STEPS = ("done", "wait", "begin", "extend", "join", "leave")


@dataclass(frozen=True)
class Wish:
    """The files of a publication: those of both branches in the same place."""

    files: Mapping[str, Content]
    prune: Sequence[str]
    mark: str

    def concerns(self, path: str) -> bool:
        """Whether the publication writes or removes this file."""
        return path in self.files or path == self.mark or any(path.startswith(folder(item)) for item in self.prune)

    def differs(self, one: Tree, other: Tree) -> bool:
        """Whether two trees differ in such a file."""
        return any(self.concerns(path) for path in changed_paths(one, other))


@dataclass(frozen=True)
class Review:
    """The review branch. ``base`` is the tree of the last commit that it has in common with the platform branch, None if there is none.

    ``merged``: all of its commits are in the platform branch. ``edited``: people changed files that the collection wrote there.
    """

    tree: Tree
    wanted: Mapping[str, Content]
    base: Tree | None
    merged: bool = False
    edited: bool = False


def decide(platform: Tree, wanted: Mapping[str, Content], wish: Wish, review: Review | None) -> str:
    """The next step. ``platform`` is the tree of the platform branch, ``wanted`` the files with the mark as that branch needs them."""
    if plan(platform, wanted, wish.prune) == platform:
        return DONE
    if review is None or review.merged:
        return BEGIN
    if review.base is None:
        return LEAVE
    # A merge keeps what the platform branch got since then, unless the review branch knows of it.
    moved = wish.differs(review.base, platform)
    if plan(review.tree, review.wanted, wish.prune) == review.tree:
        return JOIN if moved else WAIT
    if review.edited:
        return LEAVE
    return JOIN if moved else EXTEND


def may_delete(platform: Tree, wish: Wish, review: Review, *, own: bool) -> bool:
    """Whether nothing on the review branch is missing on the platform branch. ``own``: the collection made its last commit."""
    if not own:
        return False
    if review.merged:
        return True
    if review.base is None or wish.differs(review.tree, platform):
        return False
    # A squash merge: what people added beside the folder is on the platform branch, or was not added.
    beside = [path for path in changed_paths(review.base, review.tree) if not wish.concerns(path)]
    return all(review.tree.get(path) == platform.get(path) for path in beside)


def others(paths: Collection[str], wish: Wish) -> list[str]:
    """Those of the files that the publication leaves alone."""
    return sorted(path for path in paths if not wish.concerns(path))
