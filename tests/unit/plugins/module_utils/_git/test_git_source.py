# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are published, and under which paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import EXECUTABLE, PLAIN, Content, GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.source import collect, is_published, source_files

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
    (tmp_path / "dags/link.py").symlink_to("/etc/hostname")
    (tmp_path / "dags/more").symlink_to("/etc")
    return tmp_path / "dags"


def test_a_folder_is_listed_without_links(dags: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert source_files(str(dags)) == (dags, sorted(FILES))
    (tmp_path / "way").symlink_to(dags)
    assert source_files(str(tmp_path / "way"))[0] == dags
    monkeypatch.setenv("HOME", str(tmp_path))
    assert source_files("~/dags")[0] == dags


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
