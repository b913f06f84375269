# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that are published: texts, single files and the files of a folder on this machine, by their paths in the repository."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import EXECUTABLE, PLAIN, Content, GitError, folder, safe_path

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
    """A local folder without links in its path, and its files that are published, in order. Links in it are left out.

    :raises GitError: if there is no such folder, or it has no such file.
    :raises OSError: if one of its folders cannot be read.
    """
    root = Path(given).expanduser().resolve()
    if not given.strip() or not root.is_dir():
        raise GitError(f"{given!r} is not a folder on this machine.", "Correct {source_dir}.", "bad_path")

    def refuse(error: OSError) -> None:
        raise error

    found = []
    for place, _folders, names in os.walk(root, onerror=refuse):
        paths = [Path(place, name) for name in names]
        found += [path.relative_to(root).as_posix() for path in paths if path.is_file() and not path.is_symlink()]
    wanted = sorted(filter(is_published, found))
    if not wanted:
        message = f"{given!r} is a folder without files (hidden ones do not count)."
        raise GitError(message, "Name the folder that has them as {source_dir}.", "bad_path")
    return root, wanted


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
