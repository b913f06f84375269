# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only the files that are named are deleted, and their folder only if it holds nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._host.files import delete_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    (state / "bin").mkdir(parents=True)
    (state / "bin/kind").write_text("a program")
    (state / "status.json").write_text("{}")
    return state


def own(folder: Path) -> list[Path]:
    return [folder / name for name in ("bin", "status.json", "verify.json")]


def test_the_named_files_and_their_empty_folder_are_deleted(folder: Path) -> None:
    expected = [str(folder / "bin"), str(folder / "status.json"), str(folder)]
    assert delete_files(own(folder), check=True) == expected
    assert (folder / "bin/kind").exists()
    assert delete_files(own(folder), check=False) == expected
    assert not folder.exists()
    assert delete_files(own(folder), check=False) == []


def test_what_is_not_named_stays_with_its_folder(folder: Path) -> None:
    (folder / "support-bundle.tar.gz").write_text("evidence")
    expected = [str(folder / "bin"), str(folder / "status.json")]
    for check in (True, False):
        assert delete_files(own(folder), check=check) == expected
    assert [path.name for path in folder.iterdir()] == ["support-bundle.tar.gz"]


def test_what_a_link_points_at_stays(folder: Path, tmp_path: Path) -> None:
    theirs, link = tmp_path / "theirs", tmp_path / "link"
    theirs.mkdir()
    (theirs / "status.json").write_text("{}")
    (folder / "bin/kind").unlink()
    (folder / "bin").rmdir()
    (folder / "bin").symlink_to(theirs)
    link.symlink_to(folder)
    assert delete_files(own(link), check=False) == [str(link / "bin"), str(link / "status.json")]
    assert (theirs / "status.json").exists()
    assert (link.exists(), list(folder.iterdir())) == (True, [])


def test_what_cannot_be_deleted_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(CollectionError, match=r"status\.json cannot be deleted: Permission denied"):
        delete_files(own(folder), check=False)
