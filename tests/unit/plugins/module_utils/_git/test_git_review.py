# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishing by a review branch, to a real repository whose hook refuses pushes to main, with people who merge, edit and push meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Line, Progress
from ansible_collections.gitops.airflow.plugins.module_utils._git import remote as _remote
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Author, Outcome, Remote
from ansible_collections.gitops.airflow.plugins.module_utils._git.review import Clock
from ansible_collections.gitops.airflow.tests.unit.git_http import git
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._git.published import (
    FOLDER,
    MARK,
    MERGES,
    ONE,
    REVIEW,
    Person,
    Run,
    protect,
)

TWO = {**ONE, "values.yaml": "a: 2\nb: 2\n", "new.yaml": "n\n"}


@pytest.fixture
def protected(filled: Path) -> Path:
    protect(filled)
    return filled


@pytest.fixture
def eve(protected: Path, tmp_path: Path) -> Person:
    return Person(protected, tmp_path)


def head(bare: Path, branch: str = "main") -> str:
    return git(bare, "rev-parse", branch)


def branches(bare: Path) -> list[str]:
    return git(bare, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()


def published(outcome: Outcome) -> bool:
    return outcome.error is None


def test_f11_a_protected_branch_refuses_a_push_and_takes_a_review(protected: Path) -> None:
    before = head(protected)
    with pytest.raises(GitError, match="main is protected") as caught:
        Run(protected).push(ONE)
    assert caught.value.code == "refused"
    outcome = Run(protected).review(ONE)
    assert head(protected) == before == outcome.commit
    assert outcome.review == head(protected, REVIEW)
    assert sorted(outcome.changed) == [MARK, f"{FOLDER}/Chart.yaml", f"{FOLDER}/values.yaml"]
    assert git(protected, "rev-parse", f"{REVIEW}^") == before
    assert outcome.error
    assert (outcome.error.code, outcome.error.next_action) == (
        "waits_for_review",
        f"Merge '{REVIEW}' into 'main', as a merge, a squash or a rebase. Then run the same command again: it continues.",
    )
    assert f"branch '{REVIEW}' of file://{protected} (commit {outcome.review[:7]}) is not merged into 'main'" in outcome.error.message


@pytest.mark.parametrize("way", MERGES)
def test_the_run_continues_after_each_kind_of_merge(protected: Path, eve: Person, way: str) -> None:
    first = Run(protected).review(ONE)
    again = Run(protected).review(ONE)
    assert (again.changed, again.review, published(again)) == ({}, first.review, False)

    eve.edit({"README": "main moves on\n"})
    commit = MERGES[way](eve)
    done = Run(protected).review(ONE)
    assert (published(done), done.commit, done.changed, done.ended, done.review) == (True, commit, {}, True, "")
    assert branches(protected) == ["main"]
    last = Run(protected).review(ONE)
    assert (published(last), last.commit, last.changed, last.ended) == (True, commit, {}, False)


@pytest.mark.parametrize("way", MERGES)
def test_the_next_change_is_reviewed_also_where_the_branch_stayed(protected: Path, eve: Person, way: str) -> None:
    """The server may restore the branch, or people keep it: the same branch then has the next change."""
    Run(protected).review(ONE)
    kept = head(protected, REVIEW)
    MERGES[way](eve)
    second = Run(protected).review(TWO)
    assert sorted(second.changed)[-2:] == [f"{FOLDER}/new.yaml", f"{FOLDER}/values.yaml"]
    assert git(protected, "merge-base", kept, second.review) == kept
    commit = eve.merge()
    assert (eve.clone / FOLDER / "values.yaml").read_text() == "a: 2\nb: 2\n"
    done = Run(protected).review(TWO)
    assert (done.commit, done.ended) == (commit, True)


def test_a_change_of_the_settings_is_a_further_commit_on_the_branch(protected: Path, eve: Person) -> None:
    first = Run(protected).review(ONE)
    second = Run(protected).review(TWO)
    assert git(protected, "rev-list", "--parents", "-1", second.review).split()[1:] == [first.review]
    third = Run(protected).review(ONE)
    assert git(protected, "diff", "--name-only", first.review, third.review) == ""
    eve.merge()
    assert published(Run(protected).review(ONE))


def test_main_moves_on_elsewhere(protected: Path, eve: Person) -> None:
    """Approvals stay: what others do elsewhere pushes nothing to the branch."""
    first = Run(protected).review(ONE)
    for number in range(3):
        eve.edit({"README": f"{number}\n"})
    again = Run(protected).review(ONE)
    assert (again.changed, again.review) == ({}, first.review)


@pytest.mark.parametrize("depth", [2, 50])
def test_main_moves_on_in_the_folder(protected: Path, eve: Person, monkeypatch: pytest.MonkeyPatch, depth: int) -> None:
    """A merge would keep the other's change. So the branch gets main, and its merge has the files again."""
    monkeypatch.setattr(_remote, "HISTORY", depth)
    Run(protected).review(ONE)
    eve.squash()
    Run(protected).review(ONE)  # ends the first review
    first = Run(protected).review(TWO)
    for number in range(3):
        eve.edit({f"{FOLDER}/Chart.yaml": f"name: {number}\n", "beside": f"{number}\n"})
    run = Run(protected)
    second = run.review(TWO)
    assert [edit.path for edit in run.owned.edits] == [f"{FOLDER}/Chart.yaml"]
    assert git(protected, "rev-list", "--parents", "-1", second.review).split()[1:] == [first.review, head(protected)]
    assert git(protected, "show", f"{REVIEW}:beside") == "2"
    assert git(protected, "show", f"{REVIEW}:{FOLDER}/Chart.yaml") == "name: core"
    assert Run(protected).review(TWO).changed == {}
    eve.squash()
    assert published(Run(protected).review(TWO))


def test_another_machine_published_meanwhile(protected: Path, eve: Person) -> None:
    """Both branches have another mark than their common commit."""
    Run(protected).review(ONE)
    eve.squash()
    Run(protected).review(ONE)
    first = Run(protected).review(TWO)
    Run(protected).review({**ONE, "values.yaml": "a: 3\n"}, branch="other")
    commit = eve.squash("other")
    second = Run(protected, "refuse").review(TWO)
    assert git(protected, "rev-list", "--parents", "-1", second.review).split()[1:] == [first.review, commit]
    eve.squash()
    assert published(Run(protected, "refuse").review(TWO))
    assert git(protected, "show", f"main:{FOLDER}/values.yaml").splitlines() == ["a: 2", "b: 2"]


def test_files_of_others_that_conflict_are_named(protected: Path, eve: Person) -> None:
    Run(protected).review(ONE)
    eve.merge()
    Run(protected).review(ONE)
    Run(protected).review(TWO)
    eve.edit({"README": "on the branch\n"}, branch=REVIEW)
    eve.edit({"README": "on main\n", f"{FOLDER}/Chart.yaml": "name: other\n"})
    with pytest.raises(GitError, match="because both changed README") as caught:
        Run(protected).review(TWO)
    assert (caught.value.code, caught.value.next_action.split(",")[0]) == ("review_conflict", f"Merge 'main' into '{REVIEW}'")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({f"{FOLDER}/values.yaml": "a: 9\n"}, f"{FOLDER}/values.yaml"),
        ({f"{FOLDER}/more.yaml": "m\n"}, f"{FOLDER}/more.yaml (added)"),
        ({f"{FOLDER}/Chart.yaml": None}, f"{FOLDER}/Chart.yaml (deleted)"),
    ],
)
def test_a_branch_that_people_changed_is_left(protected: Path, eve: Person, files: dict[str, str | None], words: str) -> None:
    Run(protected).review(ONE)
    commit = eve.edit(files, branch=REVIEW)
    for mode in ("overwrite", "refuse"):
        for wanted in (ONE, TWO):
            with pytest.raises(GitError) as caught:
                Run(protected, mode).review(wanted)
            assert caught.value.code == "edited"
            assert words in caught.value.message
            named = caught.value.named({"files": "airflow_app_values", "review_branch": "airflow_app_publish_branch"})
            assert "set airflow_app_publish_branch to another name" in named.next_action
    assert head(protected, REVIEW) == commit
    # Merged, it is an edit of main, on which the variable decides.
    eve.merge()
    with pytest.raises(GitError, match="people edited the folder"):
        Run(protected, "refuse").review(ONE)
    assert Run(protected).review(ONE).changed


def test_a_branch_with_commits_of_people_beside_the_folder_is_used_and_stays(protected: Path, eve: Person) -> None:
    first = Run(protected).review(ONE)
    eve.edit({"beside": "b\n"}, branch=REVIEW)
    assert Run(protected).review(ONE).changed == {}
    second = Run(protected).review(TWO)
    assert second.changed
    assert git(protected, "show", f"{REVIEW}:beside") == "b"
    assert git(protected, "merge-base", first.review, second.review) == first.review
    # Others bring the folder alone to main: what is beside it would be lost with the branch.
    eve.at()
    eve.git("checkout", "--quiet", f"origin/{REVIEW}", "--", FOLDER)
    eve.git("commit", "--quiet", "-m", "the folder")
    eve.push()
    done = Run(protected).review(TWO)
    assert (published(done), done.ended, done.review) == (True, False, second.review)
    # Now nothing is.
    eve.edit({"beside": "b\n"})
    assert Run(protected).review(TWO).ended


def test_a_merged_branch_to_which_others_pushed_stays(protected: Path, eve: Person) -> None:
    Run(protected).review(ONE)
    commit = eve.edit({"README": "mine\n"}, branch=REVIEW)
    eve.merge()
    done = Run(protected).review(ONE)
    assert (published(done), done.ended, done.review) == (True, False, commit)


def test_a_branch_without_a_common_commit_is_not_ours(protected: Path, eve: Person) -> None:
    eve.git("checkout", "--quiet", "--orphan", "x")
    eve.git("commit", "--quiet", "-m", "x")
    commit = eve.push(REVIEW)
    with pytest.raises(GitError, match="no commit in common with 'main'"):
        Run(protected).review(ONE)
    assert head(protected, REVIEW) == commit


def test_a_concurrent_push_to_the_review_branch_is_looked_at_again(protected: Path, eve: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    Run(protected).review(ONE)
    push, seen = Remote.push, list[str]()

    def late(remote: Remote, commit: str) -> bool:
        if not seen:
            seen.append(eve.edit({"beside": "b\n"}, branch=REVIEW))
        return push(remote, commit)

    monkeypatch.setattr(Remote, "push", late)
    outcome = Run(protected).review(TWO)
    assert git(protected, "rev-list", "--parents", "-1", outcome.review).split()[1:] == seen


def test_a_branch_to_which_others_push_at_the_last_moment_is_not_deleted(
    protected: Path, eve: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    Run(protected).review(ONE)
    eve.merge()
    delete = Remote.delete

    def late(remote: Remote, commit: str) -> bool:
        eve.edit({"beside": "b\n"}, branch=REVIEW)
        return delete(remote, commit)

    monkeypatch.setattr(Remote, "delete", late)
    done = Run(protected).review(ONE)
    assert (published(done), done.ended) == (True, False)
    assert REVIEW in branches(protected)


def test_a_server_that_keeps_branches_does_no_harm(protected: Path, eve: Person) -> None:
    Run(protected).review(ONE)
    eve.merge()
    protect(protected, "#!/bin/sh\nexit 1\n")
    done = Run(protected).review(ONE)
    assert (published(done), done.ended, done.review) == (True, False, head(protected, REVIEW))


def test_a_refused_review_branch_names_its_own_variable(protected: Path) -> None:
    protect(protected, "#!/bin/sh\nexit 1\n")
    with pytest.raises(GitError, match="refused the push") as caught:
        Run(protected).review(ONE)
    named = caught.value.named({"review_branch": "airflow_app_publish_branch", "pusher": "airflow_app_platform_username"}, "p_")
    assert named.next_action.startswith("Set airflow_app_publish_branch to a branch of its own")


def test_check_mode_pushes_nothing(protected: Path, eve: Person) -> None:
    outcome = Run(protected).review(ONE, check=True, wait=100)
    assert (sorted(outcome.changed)[0], branches(protected)) == (MARK, ["main"])
    Run(protected).review(ONE)
    eve.merge()
    assert Run(protected).review(ONE, check=True).ended
    assert branches(protected) == [REVIEW, "main"]


class Time:
    """A clock that moves by sleeping, at whose times something happens."""

    def __init__(self, **events: object) -> None:
        self.now, self.events = 0.0, {int(name.removeprefix("at_")): event for name, event in events.items()}

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for when in [when for when in self.events if when <= self.now]:
            event = self.events.pop(when)
            assert callable(event)
            event()

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)


@pytest.mark.parametrize("way", MERGES)
def test_the_run_waits_until_the_branch_is_merged(protected: Path, eve: Person, way: str) -> None:
    lines: list[Line] = []
    moments = Time(at_20=lambda: eve.edit({f"{FOLDER}/../x": "x\n"}), at_40=lambda: MERGES[way](eve))
    outcome = Run(protected).review(ONE, wait=600, clock=moments.clock, progress=Progress(lines.append))
    assert (published(outcome), outcome.commit, outcome.ended, moments.now) == (True, head(protected), True, 40)
    assert sorted(outcome.changed) == [MARK, f"{FOLDER}/Chart.yaml", f"{FOLDER}/values.yaml"]
    texts = [line["text"] for line in lines]
    assert texts[0] == f"branch {REVIEW}: waiting until it is merged into main of file://{protected}"
    assert "still differs in" in texts[1]
    assert texts[2] == f"branch {REVIEW}: merged: main has the files at {head(protected)[:7]}"


def test_the_wait_ends(protected: Path) -> None:
    moments = Time()
    outcome = Run(protected).review(ONE, wait=25, clock=moments.clock)
    assert moments.now == 25
    assert outcome.error
    assert "wait for a review after 25 s" in outcome.error.message
    assert outcome.changed


def test_a_server_that_restarts_does_not_end_the_wait(protected: Path, eve: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = Remote.head, list[int]()

    def failing(remote: Remote) -> str | None:
        seen.append(1)
        if len(seen) == 1:
            raise GitError("m", "n", "unreachable")
        return real(remote)

    monkeypatch.setattr(Remote, "head", failing)
    moments = Time(at_10=eve.merge)
    assert published(Run(protected).review(ONE, wait=100, clock=moments.clock))
    assert moments.now == 20


def test_one_run_may_overwrite_and_the_next_ones_wait(protected: Path, eve: Person) -> None:
    """The edit is on main until people merge. A further edit is looked at again."""
    Run(protected).review(ONE)
    eve.squash()
    eve.edit({f"{FOLDER}/values.yaml": "a: 9\n"})
    with pytest.raises(GitError, match="people edited"):
        Run(protected, "refuse").review(ONE)
    allowed = Run(protected).review(ONE)
    assert allowed.overwritten
    assert Run(protected, "refuse").review(ONE).review == allowed.review
    eve.edit({f"{FOLDER}/Chart.yaml": "name: other\n"})
    with pytest.raises(GitError, match="people edited"):
        Run(protected, "refuse").review(ONE)
    assert head(protected, REVIEW) == allowed.review


def test_the_merge_of_a_person_is_not_taken_for_an_edit(protected: Path, eve: Person) -> None:
    """A squash merge is a commit of a person. The record in the mark says that the files are as they were written."""
    Run(protected).review(ONE)
    eve.squash()
    run = Run(protected, "refuse", Author("other", "other@example.org", "m"))
    outcome = run.review(TWO)
    assert (run.owned.edits, outcome.overwritten, run.lines) == ((), (), [])
