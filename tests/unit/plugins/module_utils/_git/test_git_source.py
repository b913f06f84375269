# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are published, and under which paths."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import EXECUTABLE, PLAIN, Content, GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.source import LARGEST, collect, is_published, source_files

PARAMS: dict[str, Any] = {"folder": "", "files": {}, "copies": [], "source_dir": None, "prune": []}
FILES = ("a.py", "shared/words.py", ".airflowignore", "shared/.airflowignore")
HIDDEN = (
    ".git/config",
    ".env",
    "shared/.cache/a.py",
    "shared/__pycache__/words.cpython-311.pyc",
    "__pycache__/.airflowignore",
    "old.pyc",
    ".airflowignore/a.py",
    ".airflowignore.bak",
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [*((path, True) for path in (*FILES, "a.pyc.txt", "__pycache__.py", "a/b/c.sql")), *((path, False) for path in HIDDEN)],
)
def test_hidden_files_and_caches_are_left_out(path: str, expected: bool) -> None:
    assert is_published(path) is expected


@pytest.fixture
def dags(tmp_path: Path) -> Path:
    for name in (*FILES, *(path for path in HIDDEN if not path.startswith(".airflowignore/"))):
        file = tmp_path / "dags" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path / "dags"


def test_a_folder_is_listed(dags: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (dags / ".hidden").symlink_to("/etc")
    (dags / ".env2").symlink_to("nowhere")
    assert source_files(str(dags)) == (dags, sorted(FILES))
    (tmp_path / "way").symlink_to(dags)
    assert source_files(str(tmp_path / "way"))[0] == dags
    monkeypatch.setenv("HOME", str(tmp_path))
    assert source_files("~/dags")[0] == dags


def test_f12_links_inside_the_folder_are_followed(dags: Path) -> None:
    (dags / "linked.py").symlink_to("shared/words.py")
    (dags / "again.py").symlink_to(dags / "linked.py")
    (dags / "team").symlink_to("shared")
    (dags / "team2").mkdir()
    (dags / "team2/common").symlink_to("../shared")
    root, found = source_files(str(dags))
    more = ["again.py", "linked.py", "team/.airflowignore", "team/words.py", "team2/common/.airflowignore", "team2/common/words.py"]
    assert found == sorted([*FILES, *more])
    files = collect({**PARAMS, "source_dir": str(dags)}).files
    assert {files[path].data for path in ("again.py", "linked.py", "team/words.py")} == {(root / "shared/words.py").read_bytes()}


@pytest.mark.parametrize(
    ("path", "target", "words"),
    [
        ("a_link.py", "/etc/hostname", r"a_link\.py \(a link out of the folder, to /.*\)"),
        ("more", "/etc", r"more \(a link out of the folder, to /etc\)"),
        ("shared/up.py", "../../outside.py", r"shared/up\.py \(a link out of the folder, to .*/outside\.py\)"),
        ("gone.py", "nowhere.py", r"gone\.py \(a link to nothing\)"),
        ("itself.py", "itself.py", r"itself\.py \(a link to nothing\)"),
        ("shared/loop", "..", r"shared/loop \(a link to a folder that it is in\)"),
        ("shared/here", ".", r"shared/here \(a link to a folder that it is in\)"),
        ("seen.txt", ".env", r"seen\.txt \(a link to a hidden file\)"),
        ("seen", ".git", r"seen \(a link to a hidden file\)"),
    ],
)
def test_f12_a_link_that_is_not_followed_is_named(dags: Path, tmp_path: Path, path: str, target: str, words: str) -> None:
    (tmp_path / "outside.py").touch()
    (dags / path).symlink_to(target)
    with pytest.raises(GitError, match=words) as caught:
        source_files(str(dags))
    assert caught.value.code == "bad_path"
    assert "{source_dir}" not in caught.value.named({"source_dir": "airflow_app_push_dir"}).next_action


def test_f12_two_links_in_a_circle_end(dags: Path) -> None:
    (dags / "one").mkdir()
    (dags / "two").mkdir()
    (dags / "one/two").symlink_to("../two")
    (dags / "two/one").symlink_to("../one")
    with pytest.raises(GitError, match=r"one/two/one \(a link to a folder that it is in\), two/one/two \(a link"):
        source_files(str(dags))


def test_f12_what_is_no_file_or_too_much_is_named(dags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(dags / "pipe")
    with socket.socket(socket.AF_UNIX) as opened:
        monkeypatch.chdir(dags)
        opened.bind("listener")
    with (dags / "large.csv").open("wb") as file:
        file.truncate(LARGEST + 2**20)
    with (dags / "fits.csv").open("wb") as file:
        file.truncate(LARGEST)
    with pytest.raises(GitError) as caught:
        source_files(str(dags))
    odd = "neither a file nor a folder"
    assert (
        caught.value.message
        == f"'{dags}' contains files that cannot be published: large.csv (101 MiB, more than 100), listener ({odd}), pipe ({odd})."
    )


def test_f12_what_may_not_be_read_is_named(dags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where root runs the tests, who may read everything."""
    (dags / "secret.py").touch()
    (dags / "closed").mkdir()
    listed = os.listdir

    def listdir(folder: Path) -> list[str]:
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    monkeypatch.setattr(os, "access", lambda path, _mode: path.name != "secret.py")
    with pytest.raises(
        GitError, match=r"closed \(a folder that cannot be read: Permission denied\), secret\.py \(a file that may not be read\)"
    ):
        source_files(str(dags))


@pytest.mark.parametrize("given", ["", "nowhere", "file", "empty", "hidden"])
def test_a_folder_without_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "hidden/.git").mkdir(parents=True)
    (tmp_path / "hidden/.git/config").touch()
    with pytest.raises(GitError, match="without files" if given in ("empty", "hidden") else "not a folder") as caught:
        source_files(given)
    assert "airflow_app_push_dir" in caught.value.named({"source_dir": "airflow_app_push_dir"}).next_action


@pytest.mark.parametrize(("folder", "prefix"), [("", ""), (".", ""), ("./", ""), ("dags", "dags/"), ("team/dags/", "team/dags/")])
def test_paths_are_relative_to_the_folder(dags: Path, folder: str, prefix: str) -> None:
    tool = dags / "shared/words.py"
    tool.chmod(0o755)
    given = {"files": {"x.py": "x", "none.py": None}, "copies": [{"src": str(tool), "dest": "bin/tool"}, {"src": "", "dest": "chart.tgz"}]}
    found = collect({**PARAMS, **given, "folder": folder, "source_dir": str(dags), "prune": [".", "old"]})
    expected = {f"{prefix}{name}" for name in ("x.py", "bin/tool", *FILES)}
    assert set(found.files) == expected
    assert found.files[f"{prefix}x.py"] == Content(b"x")
    assert [found.files[f"{prefix}{name}"].mode for name in ("a.py", "shared/words.py", "bin/tool")] == [PLAIN, EXECUTABLE, EXECUTABLE]
    assert list(found.prune) == [f"{prefix}.", f"{prefix}old"]
    assert (found.source_dir, list(found.sources)) == (str(dags), sorted(FILES))


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"folder": "../elsewhere", "files": {"a": ""}}, "is not the path of a file inside a repository"),
        ({"folder": "a", "files": {"../b": ""}}, "b"),
        ({"files": {"a.py": ""}, "source_dir": "."}, "'a.py' is named twice"),
    ],
)
def test_paths_that_cannot_be(dags: Path, monkeypatch: pytest.MonkeyPatch, over: dict[str, Any], words: str) -> None:
    monkeypatch.chdir(dags)
    if over["files"] == {"../b": ""}:
        assert list(collect({**PARAMS, **over}).files) == [words]
        return
    with pytest.raises(InputError, match=words):
        collect({**PARAMS, **over})
