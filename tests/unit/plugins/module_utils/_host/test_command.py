# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of this machine: what they say, and why one cannot be run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._host.command import CommandError, CommandMissing, CommandTimeout, run


def python(code: str, **options: object) -> tuple[int, str, str]:
    return run([sys.executable, "-c", code], **options)  # type: ignore[arg-type]


def test_code_and_both_outputs() -> None:
    code = "import sys; print(sys.stdin.read()); sys.stderr.buffer.write(b'\\xff'); sys.exit(3)"
    assert python(code, stdin="given") == (3, "given\n", "\ufffd")
    assert python(code) == (3, "\n", "\ufffd")


def test_environment_and_descriptors() -> None:
    read, write = os.pipe()
    with os.fdopen(read) as source, os.fdopen(write, "w"):
        assert python(f"import os; os.write({write}, os.environ['WORD'].encode() + b'\\n')", env={"WORD": "x"}, keep=[write])[0] == 0
        assert source.readline() == "x\n"


def test_what_cannot_be_run(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(CommandMissing, match="the command /nowhere/kind was not found") as missing:
        run(["/nowhere/kind", "version"])
    assert (missing.value.code, missing.value.next_action) == ("command_missing", "Install it, or give its path.")
    with pytest.raises(CommandError, match="cannot be run: Permission denied") as refused:
        run([str(tmp_path / "folder")])
    assert refused.value.code == "command_failed"
    with pytest.raises(CommandTimeout, match=r"no answer within 0\.1 s"):
        python("import time; time.sleep(60)", timeout=0.1)
