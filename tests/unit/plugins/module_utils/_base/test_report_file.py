# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report is written whole or not at all, and only where it differs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.report_file import write_report


def test_the_reports_file(tmp_path: Path) -> None:
    path = tmp_path / "new/folder/verify.json"
    assert write_report(str(path), "{}", check=True)
    assert not path.parent.exists()
    assert write_report(str(path), "{}")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("{}", 0o644)
    assert not write_report(str(path), "{}")
    path.chmod(0o600)
    assert write_report(str(path), "{}")
    path.write_bytes(b"\xff")
    assert write_report(str(path), "{}")
    assert [item.name for item in path.parent.iterdir()] == ["verify.json"]
    with pytest.raises(CollectionError, match=r"The report cannot be written to /dev/null/verify\.json: ") as caught:
        write_report("/dev/null/verify.json", "{}")
    assert (caught.value.code, caught.value.next_action) == ("bad_report_path", "Correct report_path.")


def test_a_report_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    assert write_report(str(path), "{}", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
