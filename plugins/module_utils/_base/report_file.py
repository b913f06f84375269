# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a module's report to a file of the machine."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError


def write_report(path: str, document: str, check: bool = False, mode: int = 0o644) -> bool:
    """Writes the report to a file with this mode, and makes its folder. Returns whether the file was, or would be, another.

    :raises CollectionError: where it cannot be written.
    """
    try:
        return _write(Path(path), document, check, mode)
    except OSError as error:
        raise CollectionError(f"The report cannot be written to {path}: {error}.", "Correct report_path.", "bad_report_path") from error


def _write(file: Path, document: str, check: bool, mode: int) -> bool:
    with suppress(FileNotFoundError, UnicodeDecodeError):
        if file.read_text() == document and file.stat().st_mode & 0o777 == mode:
            return False
    if check:
        return True
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    # Whole or not at all: a full disk must not leave half a report.
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        part.touch(mode=0o600)
        part.write_text(document)
        part.chmod(mode)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return True
