# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that are published: texts, single files and the files of a folder on this machine, by their paths in the repository."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import EXECUTABLE, PLAIN, Content, GitError, folder, safe_path

# In bytes. GitHub takes no larger file, and every worker's pod fetches them all.
LARGEST = 100 * 2**20
# Airflow's own file: it lists what of the folder is not a DAG.
IGNORE_FILE = ".airflowignore"


@dataclass(frozen=True)
class Published:
    """The wanted files. ``sources`` are those of the local folder by their paths in it, ``prune`` folders of the repository."""

    files: Mapping[str, Content]
    prune: Sequence[str] = ()
    source_dir: str = ""
    sources: Sequence[str] = field(default=())


def is_published(path: str) -> bool:
    """Whether a file of a local folder is published, by its path in it: no hidden one but .airflowignore, and none of Python's caches."""
    *folders, name = path.split("/")
    if any(part.startswith(".") or part == "__pycache__" for part in folders):
        return False
    return not name.endswith(".pyc") and (not name.startswith(".") or name == IGNORE_FILE)


def source_files(given: str) -> tuple[Path, list[str]]:
    """A local folder without links in its path, and its files that are published, in order. Links to what is in it are followed.

    :raises GitError: if there is no such folder, it has no such file, or one that cannot be published.
    """
    root = Path(given).expanduser().resolve()
    if not given.strip() or not root.is_dir():
        raise GitError(f"{given!r} is not a folder on this machine.", "Correct {source_dir}.", "bad_path")

    found = list(_walk(root, root, ""))
    wrong = [f"{path} ({reason})" for path, reason in found if reason]
    if wrong:
        message = f"{given!r} contains files that cannot be published: {named(sorted(wrong))}."
        raise GitError(message, "Correct these files, or move them out of {source_dir}.", "bad_path")
    wanted = sorted(path for path, _none in found)
    if not wanted:
        message = f"{given!r} is a folder without files (hidden ones do not count)."
        raise GitError(message, "Set {source_dir} to the folder that contains the files.", "bad_path")
    return root, wanted


def _walk(root: Path, folder: Path, prefix: str, way: tuple[Path, ...] = ()) -> Iterator[tuple[str, str]]:
    """The files below a folder by their paths, each with the reason why it cannot be published, empty if it can (F12).

    ``folder`` is without links, ``way`` are the folders that lead to it.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        yield prefix.rstrip("/") or ".", f"a folder that cannot be read: {error.strerror}"
        return
    for name in names:
        path, place = prefix + name, folder / name
        if not is_published(f"{path}/{IGNORE_FILE}") and not is_published(path):
            continue
        reason, target = _target(root, place)
        if not reason and target.is_dir():
            if target in (*way, folder):
                yield path, "a link to a folder that it is in"
            elif is_published(f"{path}/{IGNORE_FILE}"):
                yield from _walk(root, target, f"{path}/", (*way, folder))
        elif is_published(path):
            yield path, reason or _unfit(target)


def _target(root: Path, place: Path) -> tuple[str, Path]:
    """Why a link is not followed, and where a path leads."""
    try:
        target = place.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a link to itself, before Python 3.13
        return "a link to nothing", place
    if not place.is_symlink():
        return "", target
    if not target.is_relative_to(root):
        return f"a link out of the folder, to {target}", target
    inside = target.relative_to(root).as_posix()
    return (
        "" if inside == "." or is_published(f"{inside}/{IGNORE_FILE}" if target.is_dir() else inside) else "a link to a hidden file"
    ), target


def _unfit(path: Path) -> str:
    """Why a file cannot be published; empty if it can."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return "neither a file nor a folder"
    if status.st_size > LARGEST:
        return f"{status.st_size / 2**20:.0f} MiB, more than {LARGEST // 2**20}"
    return "" if os.access(path, os.R_OK) else "a file that may not be read"


def _copied(path: Path) -> Content:
    return Content(path.read_bytes(), EXECUTABLE if os.access(path, os.X_OK) else PLAIN)


def collect(params: Mapping[str, Any]) -> Published:
    """What the options of git_publish name. Raises GitError, InputError, OSError for what cannot be published."""
    prefix = folder(params["folder"] or ".")
    wanted = {safe_path(prefix + path): Content(str(text).encode()) for path, text in params["files"].items() if text is not None}
    root, sources = source_files(params["source_dir"]) if params["source_dir"] is not None else (None, [])
    copies = [(Path(item["src"]), item["dest"]) for item in params["copies"] if item["src"]]
    copies += [(root / path, path) for path in sources] if root else []
    for source, dest in copies:
        path = safe_path(prefix + dest)
        if path in wanted:
            raise InputError(f"{path!r} is named twice in files, copies and source_dir.", "Name it once.", "bad_path")
        wanted[path] = _copied(source)
    return Published(wanted, [f"{prefix}{item}" for item in params["prune"]], str(root or ""), sources)
