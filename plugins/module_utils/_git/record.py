# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people edited in a folder that the collection writes (F21). Pure: trees and marks in, edits out (docs/adr/0027).

The owner mark records the files of the folder as they were written, in the same commit. So the record is also there after a squash merge,
after a rebase, and in a clone on another machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import EXECUTABLE, PLAIN, Content, Entry, unified

Tree = Mapping[str, Entry]

# Comments: an earlier version of the collection reads the owner of such a mark.
HEADING = "# The files as gitops.airflow wrote them, by the name that git gives to their content:"
LINE = re.compile(r"^# ([0-9a-f]{40}) (\S+)$")
# How much of a diff is shown, and of one of its lines, in characters.
MOST_LINES, LINE_LENGTH = 40, 160


def record_text(files: Mapping[str, str]) -> str:
    """The end of an owner mark: names of contents by path in the folder."""
    lines = (f"# {blob} {quote(path, errors='surrogateescape')}\n" for path, blob in sorted(files.items()))
    return f"{HEADING}\n{''.join(lines)}"


def recorded(mark: bytes | None) -> dict[str, str] | None:
    """What a mark records, names of contents by path in the folder; None if it has no record."""
    lines = (mark or b"").decode("utf-8", "replace").splitlines()
    if HEADING not in lines:
        return None
    matches = (LINE.match(line) for line in lines)
    return {unquote(match[2], errors="surrogateescape"): match[1] for match in matches if match}


def held(tree: Tree, prefix: str) -> dict[str, str]:
    """The same of a commit's tree, for a folder that ends with a slash or is empty."""
    return {path.removeprefix(prefix): entry.blob for path, entry in tree.items() if path.startswith(prefix)}


@dataclass(frozen=True)
class Edit:
    """A file that differs from what was recorded, by its path in the repository. ``before`` and ``after`` are names of contents."""

    path: str
    before: str | None
    after: str | None

    @property
    def change(self) -> str:
        """What people did to the file."""
        return "added" if self.before is None else "deleted" if self.after is None else "changed"

    def __str__(self) -> str:
        return self.path if self.change == "changed" else f"{self.path} ({self.change})"


def edits(found: Tree, record: Mapping[str, str], paths: Sequence[str], prefix: str, mark: str) -> tuple[Edit, ...]:
    """What people edited of the files that a publication changes.

    ``paths`` are these files: an edit that the publication keeps is not lost. ``prefix`` is the folder. Other folders are not compared.
    """
    inside = (path for path in paths if path.startswith(prefix) and path != mark)
    compared = ((path, record.get(path.removeprefix(prefix)), found.get(path)) for path in inside)
    return tuple(Edit(path, before, after.blob if after else None) for path, before, after in compared if _differs(before, after))


def _differs(before: str | None, after: Entry | None) -> bool:
    """Whether a file is another one than was recorded. Who may run it does not count: a publication keeps that."""
    if after is None:
        return before is not None
    return after.blob != before or after.mode not in (PLAIN, EXECUTABLE)


def edits_diff(found: Sequence[Edit], wanted: Mapping[str, Content], read: Callable[[str], bytes | None]) -> str:
    """A short unified diff of the edits, safe to print: without what looks like a secret.

    ``read`` gives the content that git calls by a name, None if it is not at hand: then the file is compared with what is ``wanted``.
    """
    parts = []
    for edit in found:
        before, after = (read(name) if name else None for name in (edit.before, edit.after))
        note = ""
        if edit.before and before is None:
            before = wanted[edit.path].data if edit.path in wanted else None
            note = f"# {edit.path}: what gitops.airflow wrote is not in the last commits; this compares with what it would write now\n"
        shown = unified(edit.path, _masked(before), _masked(after))
        if not shown and before != after:
            shown = f"# {edit.path}: what differs looks like a secret, and is not shown\n"
        parts.append(note + shown)
    # Before it is cut: half a secret does not look like one.
    return bounded(printable(masked_words("".join(parts))))


def _masked(data: bytes | None) -> bytes | None:
    """A text without what looks like a secret. In a diff, the signs and left out lines would part a value from its name."""
    if data is None:
        return None
    try:
        return masked_words(data.decode()).encode()
    except UnicodeDecodeError:
        return data


def bounded(text: str) -> str:
    """The first lines of a text, each as far as a terminal shows it."""
    lines = [line if len(line) <= LINE_LENGTH else f"{line[:LINE_LENGTH]} …" for line in text.splitlines()]
    rest = len(lines) - MOST_LINES
    return "".join(f"{line}\n" for line in ([*lines[:MOST_LINES], f"… {rest} more lines"] if rest > 0 else lines))
