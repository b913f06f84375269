# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files into a folder of this machine, from which people commit them (docs/adr/0027). Git is only read."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import EXECUTABLE, PLAIN, Content, GitError, folder
from ansible_collections.gitops.airflow.plugins.module_utils._git.owned import EDITED, REFUSE, OwnedFolder
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import FILE, FolderOwner, marked_owner
from ansible_collections.gitops.airflow.plugins.module_utils._git.publish import overwritten, propose
from ansible_collections.gitops.airflow.plugins.module_utils._git.record import recorded
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Author, Changes, Outcome, Remote

UNCOMMITTED = "waits_for_commit"
# A file before it gets its name: what an interrupted run leaves.
PART = ".gitops-airflow-part"
MODES = {PLAIN: 0o666, EXECUTABLE: 0o777}


@dataclass(frozen=True)
class Plan:
    """What is done to the folder, by paths in it: files to write, files to remove, files of others, and files that people edited."""

    write: tuple[str, ...]
    remove: tuple[str, ...]
    foreign: tuple[str, ...]
    edited: tuple[str, ...]


def decide(found: Mapping[str, Content], record: Mapping[str, str] | None, wanted: Mapping[str, Content]) -> Plan:
    """What to do to a folder of which the owner mark records these files. Without a record no file is the collection's.

    Pure. The mark itself is the collection's in any case. A file that is as wanted is nobody else's: an interrupted run wrote it.
    """
    known = record or {}
    as_wanted = {path for path, content in found.items() if path in wanted and content.blob == wanted[path].blob}
    open_paths = found.keys() - as_wanted - {FILE}
    return Plan(
        tuple(sorted(wanted.keys() - as_wanted)),
        tuple(sorted(found.keys() & known.keys() - wanted.keys())),
        tuple(sorted(open_paths - known.keys())),
        tuple(sorted(path for path in open_paths & known.keys() if found[path].blob != known[path])),
    )


def read_folder(root: Path) -> dict[str, Content]:
    """The files of a folder by their paths in it, hidden ones too. A link is a file that holds where it leads. Raises OSError."""
    found = {}
    for at, folders, names in os.walk(root):
        links = [name for name in folders if (Path(at) / name).is_symlink()]
        for name in [*names, *links]:
            path = Path(at) / name
            found[path.relative_to(root).as_posix()] = Content(_data(path))
    found.pop(PART, None)
    return found


def _data(path: Path) -> bytes:
    """A file's content. A pipe, socket or device has none."""
    if path.is_symlink():
        return os.readlink(path).encode(errors="surrogateescape")
    return path.read_bytes() if path.is_file() else b""


def check_mark(owner: FolderOwner, root: Path) -> None:
    """Raises GitError for a folder that has files and no mark of this platform, OSError for one that cannot be read."""
    names = sorted(os.listdir(root)) if root.exists() else []
    if not set(names) - {PART}:
        return
    mark = marked_owner((root / FILE).read_bytes()) if (root / FILE).is_file() else ""
    if mark and mark in (owner.text, owner.take_over):
        return
    what = f"belongs to '{mark}', not to '{owner.text}'" if mark else f"has files ({named(names)}) and no owner mark ({FILE})"
    raise GitError(f"The folder {root} {what}. Nothing was changed.", "Set {render_folder} to an empty or new folder.", "foreign_folder")


def check_plan(plan: Plan, root: Path, mode: str) -> None:
    """Raises GitError for files of others, and for edits that may not be overwritten."""
    if plan.foreign:
        raise GitError(
            f"The folder {root} has files that this collection did not write: {named(plan.foreign)}. Nothing was changed.",
            "Move these files away, or set {render_folder} to another folder.",
            "foreign_folder",
        )
    if plan.edited and mode == REFUSE:
        raise GitError(
            f"People edited files in {root} since this collection wrote them: {named(plan.edited)}. Nothing was changed.",
            "To keep an edit, set the same in {files} so that the run writes it. To discard it, run once with {edits}=overwrite.",
            EDITED,
        )


def apply(root: Path, plan: Plan, wanted: Mapping[str, Content]) -> None:
    """Writes and removes the files. The mark is last: until then it names what was there before. Raises OSError."""
    root.mkdir(parents=True, exist_ok=True)
    for path in plan.remove:
        (root / path).unlink()
        for parent in (root / path).relative_to(root).parents:
            with suppress(OSError):  # it has other files
                if parent != Path():
                    (root / parent).rmdir()
    for path in sorted(plan.write, key=lambda name: name == FILE):
        place, part = root / path, root / PART
        place.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODES[wanted[path].mode or PLAIN])
        with os.fdopen(descriptor, "wb") as file:
            file.write(wanted[path].data)
        os.replace(part, place)


def render(
    remote: Remote,
    given: str,
    files: Mapping[str, Content],
    prune: Sequence[str],
    author: Author,
    owned: OwnedFolder,
    *,
    mode: str = REFUSE,
    check: bool = False,
) -> Outcome:
    """Makes the files the content of a folder of this machine, and compares them with the branch.

    Raises GitError, InputError for files outside of the owner's folder, OSError for a folder that cannot be written.
    """
    root = Path(given).expanduser().resolve()
    head = remote.fetch()
    if head is None:
        raise remote.no_branch()
    proposal = propose(remote, remote.tree(head), files, prune, owned)
    foreign = overwritten(remote, head, proposal, owned, author) if proposal.paths else ()
    outside = sorted(path for path in proposal.wanted if not path.startswith(owned.prefix))
    if outside:
        raise InputError(
            f"{outside[0]!r} is outside of the folder {owned.owner.folder!r}, which is rendered.", "Correct its path.", "bad_path"
        )
    wanted = {path.removeprefix(owned.prefix): content for path, content in proposal.wanted.items()}
    check_mark(owned.owner, root)
    found = read_folder(root)
    plan = decide(found, recorded(found[FILE].data) if FILE in found else None, wanted)
    check_plan(plan, root, mode)
    changed: Changes = {
        owned.prefix + path: (found[path].data if path in found else None, wanted[path].data if path in wanted else None)
        for path in sorted({*plan.write, *plan.remove})
    }
    if not check:
        apply(root, plan, wanted)
    return Outcome(head, changed, foreign, uncommitted(remote, root, owned.owner.folder) if proposal.paths else None)


def uncommitted(remote: Remote, root: Path, folder_name: str) -> GitError:
    """Why a publication ends before people have committed the files."""
    prefix = folder(folder_name)
    # At the top of a clone the command would remove the clone's own .git.
    command = f" (rsync -a --delete {shlex.quote(f'{root}/')} {shlex.quote(prefix)} copies the hidden owner mark, too)" if prefix else ""
    return GitError(
        f"The files are in {root}. Branch '{remote.branch}' of {remote.shown} does not have them in '{folder_name}' yet. "
        "Nothing that depends on these files was changed in the cluster.",
        f"In a clone, make {root} the content of '{folder_name}'{command}, commit it, and bring the commit to '{remote.branch}'. "
        "Then run the same command again: it continues.",
        UNCOMMITTED,
    )
