# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that this collection keeps on the machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError


def delete_files(paths: Sequence[Path], *, check: bool) -> list[str]:
    """Deletes files and folders, then the folder of each of them if it holds nothing else.

    Returns what was deleted, or in check mode would be. A symbolic link is deleted, and what it points at stays.

    :raises CollectionError: where something cannot be deleted.
    """
    there = [path for path in dict.fromkeys(paths) if os.path.lexists(path)]
    try:
        folders = [folder for folder in dict.fromkeys(path.parent for path in paths) if _holds_only(folder, there)]
        if not check:
            for path in there:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            for folder in folders:
                folder.rmdir()
    except OSError as error:
        raise CollectionError(f"{error.filename} cannot be deleted: {error.strerror}.", "Delete it by hand.", "not_deleted") from error
    return [str(path) for path in [*there, *folders]]


def _holds_only(folder: Path, paths: Sequence[Path]) -> bool:
    return folder.is_dir() and not folder.is_symlink() and set(folder.iterdir()) <= set(paths)
