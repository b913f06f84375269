# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes files the content of a branch by a review: pushes another branch, and waits until people have merged it (docs/adr/0027)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._git import review_rules
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import Content, GitError, changed_paths, plan
from ansible_collections.gitops.airflow.plugins.module_utils._git.owned import EDITED, OwnedFolder
from ansible_collections.gitops.airflow.plugins.module_utils._git.publish import PASSING, Proposal, overwritten, propose, repeated
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Author, Changes, Outcome, Remote
from ansible_collections.gitops.airflow.plugins.module_utils._git.review_rules import BEGIN, DONE, JOIN, LEAVE, WAIT, Review, Wish

# Where the review branch's commit is stored.
REF = "refs/review"
# Seconds between two looks at the platform branch.
PAUSE = 10.0
OPEN, CONFLICT = "waits_for_review", "review_conflict"


@contextmanager
def _of_review() -> Iterator[None]:
    """Errors of the review branch name its option."""
    try:
        yield
    except GitError as error:
        raise error.about("branch", "review_branch") from error


@dataclass(frozen=True)
class Clock:
    """What a wait needs to know of the time, in seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Publication:
    """One publication by review. ``wait``: seconds until it no longer waits for the merge."""

    def __init__(
        self,
        remote: Remote,
        branch: str,
        files: Mapping[str, Content],
        prune: Sequence[str],
        author: Author,
        owned: OwnedFolder,
        *,
        check: bool = False,
        wait: float = 0,
        progress: Progress | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._remote, self._review = remote, remote.on(branch, REF)
        self._files, self._prune, self._author, self._owned = files, prune, author, owned
        self._check, self._wait = check, wait
        self._progress, self._clock = progress or Progress(), clock or Clock()
        self._wish = Wish(files, prune, owned.owner.path)

    def run(self, tries: int = 5) -> Outcome:
        """Pushes what is missing on the review branch, and waits. Raises GitError, or InputError for paths that cannot be."""
        made: dict[str, Changes] = {}
        outcome = repeated(self._review, lambda: self._attempt(made), tries, self._clock.sleep)
        if outcome.error is None or self._check or self._wait <= 0:
            return outcome
        return self._merged(outcome)

    def _waiting(self, outcome: Outcome, review: str, waited: float = 0) -> Outcome:
        """The outcome while the review branch has this head and is not merged. ``waited``: seconds."""
        after = f" after {waited:g} s" if waited else ""
        branch, target, commit = self._review.branch, self._remote.branch, f" (commit {review[:7]})" if review else ""
        error = GitError(
            f"The files of '{self._owned.owner.folder}' wait for a review{after}: branch '{branch}' of {self._remote.shown}{commit} "
            f"is not merged into '{target}'. Nothing that depends on these files was changed in the cluster.",
            f"Merge '{branch}' into '{target}', as a merge, a squash or a rebase. Then run the same command again: it continues.",
            OPEN,
        )
        return replace(outcome, review=review, error=error)

    def _look(self) -> tuple[str, Proposal]:
        """The platform branch's commit, and how the files would change it."""
        head = self._remote.fetch()
        if head is None:
            raise self._remote.no_branch()
        return head, propose(self._remote, self._remote.tree(head), self._files, self._prune, self._owned)

    def _attempt(self, made: dict[str, Changes]) -> Outcome | None:
        """None after a push of others to the review branch. ``made`` has the commits whose push may have reached the server."""
        head, proposal = self._look()
        with _of_review():
            other = self._review.fetch()
            review, mine = self._read(head, other, proposal) if other else (None, None)
        step = review_rules.decide(proposal.found, proposal.wanted, self._wish, review)
        if step == DONE:
            return self._done(head, proposal, review, other, made)
        if step == WAIT:  # what it overwrites was looked at before it was pushed
            return self._waiting(Outcome(head, made.get(other or "", {})), other or "")
        if step == LEAVE:
            raise self._left(review)
        waiting = Outcome(head, {}, overwritten(self._remote, head, proposal, self._owned, self._author))
        with _of_review():
            return self._pushed(step, waiting, proposal, review, mine, other, made)

    def _read(self, head: str, other: str, proposal: Proposal) -> tuple[Review, Proposal]:
        """The review branch, and how the files would change it."""
        found = self._review.tree(other)
        mine = propose(self._review, found, self._files, self._prune, self._owned)
        published = plan(proposal.found, proposal.wanted, self._prune) == proposal.found
        base = self._remote.base(self._review)
        tree = self._remote.tree(base) if base else None
        # Compared with the record of that branch: all of its files, for a merge brings them all.
        edits = () if published else self._owned.on_branch(self._review, found, sorted(found.keys() | mine.tree.keys()))
        return Review(found, mine.wanted, tree, merged=base == other, edited=bool(edits)), mine

    def _done(self, head: str, proposal: Proposal, review: Review | None, other: str | None, made: dict[str, Changes]) -> Outcome:
        outcome = Outcome(head, made.get(other or "", {}))
        if review is None or other is None:
            return outcome
        own = self._review.email(other) in self._author.own
        if not review_rules.may_delete(proposal.found, self._wish, review, own=own):
            return replace(outcome, review=other)
        if self._check:
            return replace(outcome, ended=True)
        try:
            ended = self._review.delete(other)
        except GitError:  # a rule of the server: the branch does no harm
            ended = False
        return replace(outcome, ended=ended, review="" if ended else other)

    def _pushed(
        self,
        step: str,
        waiting: Outcome,
        proposal: Proposal,
        review: Review | None,
        mine: Proposal | None,
        other: str | None,
        made: dict[str, Changes],
    ) -> Outcome | None:
        head = str(waiting.commit)
        if step == BEGIN or review is None or mine is None or other is None:
            new, parents = proposal, [head]
        elif step == JOIN:
            new, parents = self._joined(head, other, review), [other, head]
        else:
            new, parents = mine, [other]
        changed = new.changes(self._review)
        if self._check:
            return self._waiting(replace(waiting, changed=changed), other or "")
        commit = self._review.commit(new.tree, list(new.wanted.values()), parents, self._author)
        made[commit] = changed
        return self._waiting(replace(waiting, changed=changed), commit) if self._review.push(commit) else None

    def _joined(self, head: str, other: str, review: Review) -> Proposal:
        """The review branch with what the platform branch got meanwhile. Raises GitError for files of others that both changed."""
        base = self._remote.base(self._review)
        tree, both = self._review.joined(str(base), other, head)
        if conflict := review_rules.others(both, self._wish):
            raise GitError(
                f"{self._review.shown} (branch {self._review.branch}): it cannot be merged into '{self._remote.branch}', because both "
                f"changed {named(conflict)}.",
                f"Merge '{self._remote.branch}' into '{self._review.branch}', or delete that branch. Then run the same command again.",
                CONFLICT,
            )
        # What both changed of the publication's own files, such as the mark, is written anew.
        tree |= {path: review.tree[path] for path in both if path in review.tree}
        joined = propose(self._review, tree, self._files, self._prune, self._owned)
        return Proposal(review.tree, joined.wanted, joined.tree, changed_paths(review.tree, joined.tree))

    def _left(self, review: Review | None) -> GitError:
        where = f"{self._review.shown} (branch {self._review.branch})"
        if review is None or review.base is None:
            return GitError(
                f"{where}: the branch has no commit in common with '{self._remote.branch}', so this collection did not make it. "
                "Nothing was pushed.",
                "Set {review_branch} to the name of a branch that nothing else uses, or delete the branch.",
                EDITED,
            )
        found = self._owned.on_branch(self._review, review.tree, sorted(review.tree.keys() | review.wanted.keys()))
        return GitError(
            f"{where}: people changed files of '{self._owned.owner.folder}' on this branch: {named(found)}. What the run writes now "
            "differs from the branch, which is never overwritten. Nothing was pushed.",
            "To keep these changes, set the same in {files}. Then delete the branch, or set {review_branch} to another name, and run the "
            "same command again.",
            EDITED,
        )

    def _merged(self, outcome: Outcome) -> Outcome:
        """The outcome when the platform branch has the files, or when the time is over."""
        remote, start = self._remote, self._clock.now()
        seen, what = outcome.commit, f"branch {self._review.branch}"
        self._progress.tell(0, what, "waiting", f"waiting until it is merged into {remote.branch} of {remote.shown}")
        while (elapsed := self._clock.now() - start) < self._wait:
            self._clock.sleep(min(PAUSE, self._wait - elapsed))
            try:
                head = remote.head()
                if head in (None, seen):
                    continue
                seen, proposal = self._look()
            except GitError as error:
                if error.code not in PASSING:
                    raise
                continue
            if not proposal.paths:
                self._progress.tell(self._clock.now() - start, what, "done", f"merged: {remote.branch} has the files at {seen[:7]}")
                done = repeated(self._review, lambda: self._attempt({}), 5, self._clock.sleep)
                return replace(done, changed=done.changed or outcome.changed, overwritten=outcome.overwritten)
            text = f"{remote.branch} is at {seen[:7]} and still differs in {named(proposal.paths)}"
            self._progress.tell(self._clock.now() - start, what, "waiting", text)
        return self._waiting(outcome, outcome.review, self._wait)
