# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that one platform owns: its mark, and what people edited in it (F21, docs/adr/0027)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._git.history import Foreign
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import Content, GitError, folder
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import FolderOwner, check_folder
from ansible_collections.gitops.airflow.plugins.module_utils._git.record import Edit, Tree, edits, edits_diff, held, recorded
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Author, Remote

OVERWRITE, REFUSE = EDIT_MODES = ("overwrite", "refuse")
EDITED = "edited"


class OwnedFolder:
    """What a publication may do to the folder. ``show`` is given each line of a diff before anything is overwritten.

    ``whole``: the publication names all files of the folder, so that the mark records them.
    """

    def __init__(self, owner: FolderOwner, *, whole: bool, mode: str, show: Callable[[str], None]) -> None:
        self.owner, self._whole, self._mode, self._show = owner, whole, mode, show
        self.edits: tuple[Edit, ...] = ()
        self.diff = ""

    @property
    def prefix(self) -> str:
        return folder(self.owner.folder)

    def result(self) -> dict[str, Any]:
        """What a module returns of the edits."""
        return {"edits": [{"path": edit.path, "change": edit.change} for edit in self.edits], "edits_diff": self.diff}

    def files(self, remote: Remote, found: Tree, wanted: Mapping[str, Content]) -> dict[str, Content]:
        """The wanted files with the mark that the folder then needs. Raises GitError for a folder that is another platform's."""
        check_folder(self.owner, f"{remote.shown} (branch {remote.branch})", found, lambda path: remote.blob(found.get(path)))
        record = recorded(remote.blob(found.get(self.owner.path)))
        if self._whole:
            inside = {path: content for path, content in wanted.items() if path.startswith(self.prefix)}
            record = {path.removeprefix(self.prefix): content.blob for path, content in inside.items()}
        return {**wanted, self.owner.path: Content(self.owner.mark(record).encode())}

    def on_branch(self, remote: Remote, found: Tree, paths: Sequence[str]) -> tuple[Edit, ...]:
        """What people edited of these files since the branch's mark was written. Without a record nothing is known."""
        record = recorded(remote.blob(found.get(self.owner.path)))
        return () if record is None else edits(found, record, paths, self.prefix, self.owner.path)

    def judge(
        self, remote: Remote, head: str, found: Tree, wanted: Mapping[str, Content], paths: Sequence[str], author: Author
    ) -> tuple[Foreign, ...]:
        """Shows what people edited of the files that change, and who. Raises GitError for edits that may not be overwritten."""
        if not any(path.startswith(self.prefix) and path != self.owner.path for path in paths):
            return ()
        record, last = recorded(remote.blob(found.get(self.owner.path))), remote.last_own(head, author, self.prefix)
        reverted = self._reverted(remote, last, found)
        if reverted is not None:
            record = reverted
        elif record is None:
            # Written by an earlier version of the collection: its last commit in the folder is the record.
            record = held(remote.tree(last) if last else found, self.prefix)
        self.edits = edits(found, record, paths, self.prefix, self.owner.path)
        if not self.edits:
            return ()
        mark = self.owner.path if reverted is None else ""
        who = remote.foreign(head, author, [edit.path for edit in self.edits], mark)
        self.diff, before = edits_diff(self.edits, wanted, remote.stored), self.diff
        if self.diff != before:
            self._say(remote)
        if self._mode == REFUSE:
            raise edited(f"{remote.shown} (branch {remote.branch})", self.owner.folder, self.edits, who)
        return who

    def _reverted(self, remote: Remote, last: str | None, found: Tree) -> dict[str, str] | None:
        """The record of the last publication if people took it back: a revert restores the mark of the publication before, too."""
        mark, path = found.get(self.owner.path), self.owner.path
        written = remote.tree(last).get(path) if last else None
        if last is None or mark is None or written is None or mark == written or not remote.had(last, path, mark.blob):
            return None
        return recorded(remote.blob(written))

    def _say(self, remote: Remote) -> None:
        self._show(f"People edited '{self.owner.folder}' on branch {remote.branch} (- as gitops.airflow wrote it, + as it is in Git):")
        for line in self.diff.splitlines():
            self._show(line)


def edited(where: str, folder_name: str, found: Collection[Edit], who: Collection[Foreign]) -> GitError:
    """Why a publication is refused: it would overwrite what people edited."""
    commits = f" Commits: {named([f'{item.commit[:7]} by {item.author}' for item in who])}." if who else ""
    return GitError(
        f"{where}: people edited the folder '{folder_name}' since this collection wrote it: {named(found)}.{commits} Nothing was pushed.",
        "To keep an edit, set the same in {files} so that the run writes it. To discard it, revert the commit, or run once with "
        "{edits}=overwrite.",
        EDITED,
    )
