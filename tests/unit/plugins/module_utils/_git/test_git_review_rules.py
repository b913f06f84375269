# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a publication by review does next: trees in, decision out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import Content, Entry
from ansible_collections.gitops.airflow.plugins.module_utils._git.review_rules import (
    BEGIN,
    DONE,
    EXTEND,
    JOIN,
    LEAVE,
    WAIT,
    Review,
    Wish,
    decide,
    may_delete,
    others,
)


def tree(text: str) -> dict[str, Entry]:
    """ "a=1 README=x": a is a file of the folder app, README is beside it."""
    pairs = [item.split("=") for item in text.split()]
    return {("" if path.isupper() else "app/") + path: Entry("100644", Content(data.encode()).blob) for path, data in pairs}


WANTED = {"app/a": Content(b"2"), "app/mark": Content(b"m2")}
WISH = Wish({"app/a": WANTED["app/a"]}, ["app"], "app/mark")
OLD, NEW = "a=1 mark=m1 README=x", "a=2 mark=m2 README=x"


def review(now: str, base: str | None, **over: bool) -> Review:
    return Review(tree(now), WANTED, None if base is None else tree(base), **over)


@pytest.mark.parametrize(
    ("platform", "branch", "step"),
    [
        (NEW, None, DONE),
        (NEW, review(OLD, OLD), DONE),
        (NEW + " OTHER=y", review(NEW, OLD), DONE),  # others moved on beside the folder
        (OLD, None, BEGIN),
        ("README=x", None, BEGIN),
        (OLD, review(OLD, OLD, merged=True), BEGIN),
        (OLD, review("a=0 mark=m0", OLD, merged=True, edited=True), BEGIN),
        (OLD, review(NEW, OLD), WAIT),
        (OLD + " OTHER=y", review(NEW, OLD), WAIT),
        (OLD, review(NEW + " OTHER=y", OLD), WAIT),
        (OLD, review(NEW, OLD, edited=True), WAIT),  # what people changed there is what is wanted
        (OLD, review(OLD, OLD), EXTEND),
        (OLD, review("a=3 mark=m3 README=x", OLD), EXTEND),
        (OLD, review(NEW + " b=1", OLD), EXTEND),  # a file to prune
        (OLD, review("a=3 mark=m3 README=x", OLD, edited=True), LEAVE),
        (OLD, review(NEW, None), LEAVE),
        (OLD, review("", None), LEAVE),
        # The folder of the platform branch is another one than the review began with: a squash merge, an edit, another file.
        ("a=3 mark=m1 README=x", review(NEW, OLD), JOIN),
        (OLD + " b=1", review(NEW, OLD), JOIN),
        ("a=1 mark=m0 README=x", review(NEW, OLD), JOIN),
        ("a=3 mark=m3 README=x", review("a=3 mark=m3 README=x", OLD), JOIN),
        ("a=3 mark=m3 README=x", review("a=4 mark=m3 README=x", OLD, edited=True), LEAVE),
    ],
)
def test_the_next_step(platform: str, branch: Review | None, step: str) -> None:
    assert decide(tree(platform), WANTED, WISH, branch) == step


@pytest.mark.parametrize(
    ("platform", "branch", "own", "expected"),
    [
        (NEW, review(NEW, OLD), True, True),
        (NEW + " OTHER=y", review(NEW, OLD), True, True),
        (NEW, review(NEW, OLD), False, False),  # others pushed to it
        (NEW, review(OLD, OLD, merged=True), True, True),
        (NEW, review(OLD, OLD, merged=True), False, False),
        (NEW, review("a=3 mark=m3 README=x", OLD), True, False),  # never merged
        (NEW, review(NEW + " b=1", OLD), True, False),
        (NEW, review(NEW + " OTHER=y", OLD), True, False),  # would be lost
        (NEW + " OTHER=y", review(NEW + " OTHER=y", OLD), True, True),
        (NEW, review("a=2 mark=m2 README=z", OLD), True, False),
        ("a=2 mark=m2 README=z", review(NEW, OLD), True, True),  # of others, on the platform branch alone
        (NEW, review(NEW, None), True, False),
    ],
)
def test_a_branch_is_deleted_only_if_nothing_is_lost(platform: str, branch: Review, own: bool, expected: bool) -> None:
    assert may_delete(tree(platform), WISH, branch, own=own) is expected


def test_the_mark_alone_concerns_no_other_file() -> None:
    claim = Wish({}, [], "app/mark")
    wanted = {"app/mark": Content(b"m1")}
    assert decide(tree("README=x"), wanted, claim, None) == BEGIN
    pending = replace(review("a=2 mark=m1 README=x", "README=x"), wanted=wanted)
    assert decide(tree("README=x"), wanted, claim, pending) == WAIT
    assert decide(tree("a=9 README=x"), wanted, claim, pending) == WAIT
    assert not may_delete(tree("a=1 mark=m1 README=x"), claim, pending, own=True)


def test_a_publication_without_pruning_concerns_its_files_and_the_mark() -> None:
    wish = Wish({"app/a": Content(b"2")}, [], "app/mark")
    assert [path for path in ("app/a", "app/mark", "app/b", "README") if wish.concerns(path)] == ["app/a", "app/mark"]


def test_files_of_others() -> None:
    assert others(["README", "app/a", "app/x/y", "app2/a", "app/mark"], WISH) == ["README", "app2/a"]
