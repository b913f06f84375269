# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes files the content of a branch by a push."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._git.history import Foreign
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import LOCKED, Content, Entry, GitError, changed_paths, plan
from ansible_collections.gitops.airflow.plugins.module_utils._git.owned import OwnedFolder
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Author, Changes, Outcome, Remote

# What may pass while a server restarts or is busy, and the seconds before each further try.
PASSING = frozenset({"unreachable", "server_error"})
PASSING_PAUSES = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Proposal:
    """The files of a commit, and what a publication makes of them."""

    found: Mapping[str, Entry]
    wanted: Mapping[str, Content]
    tree: dict[str, Entry]
    paths: list[str]

    @property
    def new(self) -> list[Content]:
        """The contents that a commit of the tree needs."""
        return [self.wanted[path] for path in self.paths if path in self.wanted]

    def changes(self, remote: Remote) -> Changes:
        """Each changed file before and after. Raises GitError."""
        wanted = self.wanted
        return {path: (remote.blob(self.found.get(path)), wanted[path].data if path in wanted else None) for path in self.paths}


def propose(
    remote: Remote, found: Mapping[str, Entry], files: Mapping[str, Content], prune: Sequence[str], owned: OwnedFolder | None
) -> Proposal:
    """How the files would change what was found. Raises GitError for a folder of others, InputError for paths that cannot be."""
    wanted = owned.files(remote, found, files) if owned else files
    tree = plan(found, wanted, prune)
    return Proposal(found, wanted, tree, changed_paths(found, tree))


def overwritten(remote: Remote, head: str, proposal: Proposal, owned: OwnedFolder | None, author: Author) -> tuple[Foreign, ...]:
    """The commits of others whose changes a publication overwrites. Raises GitError for edits that may not be."""
    if owned:
        return owned.judge(remote, head, proposal.found, proposal.wanted, proposal.paths, author)
    return remote.foreign(head, author, proposal.paths)


def repeated(remote: Remote, attempt: Callable[[], Outcome | None], tries: int, sleep: Callable[[float], None]) -> Outcome:
    """Repeats what returns None after a push of others, and for some seconds where the server does not answer. Raises GitError."""
    pauses, races = list(PASSING_PAUSES), 0
    while races < tries:
        try:
            outcome = attempt()
        except GitError as error:
            if error.code not in PASSING or not pauses:
                raise
            sleep(pauses.pop(0))
            continue
        if outcome:
            return outcome
        races += 1
        if races < tries:
            sleep(0.2 * races)
    # A push of others holds the lock for a moment only.
    if re.search(LOCKED, remote.lost, re.IGNORECASE):
        raise remote.error(remote.lost)
    raise GitError(f"{remote.shown} (branch {remote.branch}): others pushed first, {tries} times.", "Run again.", "busy")


def publish(
    remote: Remote,
    wanted: Mapping[str, Content],
    prune: Sequence[str],
    author: Author,
    *,
    create: bool = False,
    if_absent: bool = False,
    check: bool = False,
    owned: OwnedFolder | None = None,
    tries: int = 5,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Makes the wanted files the content of the branch; with if_absent only of one that does not exist.

    Tries again after a push of others, and for some seconds where the server does not answer or fails.
    Raises GitError, or InputError for paths that cannot be.
    """
    made: dict[str, Changes] = {}  # commits whose push may have reached the server although it did not say so

    def attempt() -> Outcome | None:
        """None after a push of others."""
        try:
            head = remote.head() if if_absent else remote.fetch()
        except GitError as error:
            if not (create and error.code == "repository_missing"):
                raise
            head = None
        if head is None and not (create and (wanted or owned)):
            raise remote.no_branch()
        if head and if_absent:
            return Outcome(head, {})
        proposal = propose(remote, remote.tree(head) if head else {}, wanted, prune, owned)
        if head and not proposal.paths:
            return Outcome(head, made.get(head, {}))
        changed = proposal.changes(remote)
        foreign = overwritten(remote, head, proposal, owned, author) if head else ()
        if check:
            return Outcome(head, changed, foreign)
        commit = remote.commit(proposal.tree, proposal.new, [head] if head else [], author)
        made[commit] = changed
        return Outcome(commit, changed, foreign) if remote.push(commit) else None

    return repeated(remote, attempt, tries, sleep)
