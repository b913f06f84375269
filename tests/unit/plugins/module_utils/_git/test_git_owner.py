# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose folder of the platform repository it is (H3): decisions, and the two modules on real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.branch import read_branch
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import FILE, FolderOwner, check_folder, marked_owner
from ansible_collections.gitops.airflow.tests.unit.git_http import git
from ansible_collections.gitops.airflow.tests.unit.plugins.modules.test_git_publish import run as publish

FOLDER = "platform/airflow/core"
OWNER = FolderOwner(FOLDER, "airflow", "uid-1")
OLDER = {
    "Chart.yaml": b"apiVersion: v2\nname: airflow-core\n",
    "values.yaml": b"a: 1\n",
    "templates/_local_settings.tpl": b"",
    "templates/mysql.yaml": b"",
    "templates/worker-namespaces.yaml": b"",
}


def marked(text: str) -> dict[str, bytes]:
    return {FILE: f"# a comment\n{text}\n".encode(), "Chart.yaml": b"name: airflow-core\n"}


def check(held: dict[str, bytes], owner: FolderOwner = OWNER) -> None:
    files = {f"{FOLDER}/{name}": data for name, data in held.items()} | {"README": b"", "platform/airflow/core2/x": b""}
    check_folder(owner, "https://git.example/p.git (branch main)", files, files.get)


@pytest.mark.parametrize(
    ("held", "owner"),
    [
        ({}, OWNER),
        (marked("airflow@uid-1"), OWNER),
        (marked("airflow@uid-0"), FolderOwner(FOLDER, "airflow", "uid-1", take_over="airflow@uid-0")),
        (marked("beta@uid-0"), FolderOwner(FOLDER, "airflow", "uid-1", take_over="beta@uid-0")),
        (OLDER, FolderOwner(FOLDER, "airflow", "uid-1", adopt=True)),
        (OLDER, FolderOwner(FOLDER, "airflow", "uid-1", take_over="unmarked")),
    ],
)
def test_h3_a_folder_of_this_platform(held: dict[str, bytes], owner: FolderOwner) -> None:
    check(held, owner)


@pytest.mark.parametrize(
    ("held", "owner", "words"),
    [
        (marked("beta@uid-1"), OWNER, "belongs to the platform 'beta' (cluster uid-1), not to 'airflow'"),
        (marked("airflow@uid-0"), OWNER, "the platform 'airflow' of another cluster (uid-0); this one is uid-1"),
        (marked("airflow@uid-0"), FolderOwner(FOLDER, "airflow"), "this one is a cluster that does not exist yet"),
        (marked("airflow@uid-0"), FolderOwner(FOLDER, "airflow", "uid-1", take_over="airflow"), 'airflow_app_take_over: "airflow@uid-0"'),
        (marked("airflow@uid-0"), FolderOwner(FOLDER, "airflow", "uid-1", adopt=True), "another cluster"),
        (marked("airflow@uid-0"), FolderOwner(FOLDER, "airflow", "uid-1", take_over="unmarked"), "another cluster"),
        (marked(""), OWNER, "an owner mark (.gitops-airflow-owner) that names no platform"),
        (marked("airflow@uid-1\nbeta@uid-1"), OWNER, "names no platform"),
        (OLDER, OWNER, "was written by an older version of this collection, and no Application"),
        (
            {"Chart.yaml": b"name: theirs\n"},
            FolderOwner(FOLDER, "airflow", "u", adopt=True, take_over="unmarked"),
            "did not write (Chart.yaml)",
        ),
        ({"Chart.yaml": OLDER["Chart.yaml"]}, FolderOwner(FOLDER, "airflow", "u", adopt=True), "did not write (Chart.yaml)"),
        ({**OLDER, "Chart.yaml": b"name: theirs\n"}, FolderOwner(FOLDER, "airflow", "u", adopt=True), "did not write"),
        ({"notes.txt": b""}, OWNER, "did not write (notes.txt)"),
    ],
)
def test_h3_a_folder_that_is_not_this_platforms(held: dict[str, bytes], owner: FolderOwner, words: str) -> None:
    with pytest.raises(GitError) as caught:
        check(held, owner)
    assert caught.value.code == "foreign_folder"
    assert words in caught.value.text
    assert "https://git.example/p.git (branch main): the folder 'platform/airflow/core'" in str(caught.value)
    assert str(caught.value).endswith("Nothing was changed.")
    assert caught.value.next_action


@pytest.mark.parametrize(
    ("mine", "held", "words"),
    [
        (f"{FOLDER}/b", {FOLDER: "beta@uid-1"}, f"'{FOLDER}/b' lies in the folder '{FOLDER}' of the platform 'beta@uid-1', which that one"),
        (f"{FOLDER}/a/b", {FOLDER: "airflow@uid-0"}, f"lies in the folder '{FOLDER}' of the platform 'airflow@uid-0'"),
        (FOLDER, {FOLDER: OWNER.text, f"{FOLDER}/b": "beta@uid-1"}, f"'{FOLDER}' has the folder '{FOLDER}/b' of the platform 'beta@uid-1'"),
        ("platform", {FOLDER: "beta@uid-1"}, f"'platform' has the folder '{FOLDER}' of the platform 'beta@uid-1', which it would"),
        (".", {".": OWNER.text, "b/c": "beta@uid-1"}, "'.' has the folder 'b/c' of the platform 'beta@uid-1'"),
        ("platform", {".": "beta@uid-1"}, "'platform' lies in the folder '.' of the platform 'beta@uid-1'"),
        # Beside each other, below the platform's own, or taken over.
        (FOLDER, {"platform/airflow": OWNER.text}, ""),
        (FOLDER, {"platform/airflow/core2": "beta@uid-1", "platform/other": "beta@uid-1"}, ""),
        (f"{FOLDER}/b", {FOLDER: "gamma@uid-1"}, ""),
    ],
)
def test_h3_no_folder_lies_in_that_of_another_platform(mine: str, held: dict[str, str], words: str) -> None:
    """Each publication removes what the platform's folder has beside its own files."""
    files = {(f"{folder}/" if folder != "." else "") + FILE: text.encode() for folder, text in held.items()}
    owner = FolderOwner(mine, "airflow", "uid-1", take_over="gamma@uid-1")
    if not words:
        check_folder(owner, "repo", files, files.get)
        return
    with pytest.raises(GitError) as caught:
        check_folder(owner, "repo", files, files.get)
    assert words in caught.value.text
    assert "airflow_app_platform_path" in caught.value.next_action


def test_h3_a_mark_names_its_owner() -> None:
    assert marked_owner(OWNER.content.encode()) == OWNER.text == "airflow@uid-1"
    assert marked_owner(b"# a comment\n\n  airflow@uid-1  \n\n") == "airflow@uid-1"
    assert OWNER.path == f"{FOLDER}/{FILE}"
    with pytest.raises(ValueError, match="uid"):
        assert FolderOwner(FOLDER, "airflow").content


PARAMS: dict[str, Any] = {"credentials": Credentials(), "tunnel": None}
PARAMS |= {"branch": "main", "timeout": 20, "names": {}, "copies": [], "create": True, "if_absent": False, "push": False, "folders": []}
PARAMS |= {"folder": "", "source_dir": None, "commit_message": "m", "author_name": "a", "author_email": "a@b", "prune": [FOLDER]}


def owner(**over: Any) -> dict[str, Any]:
    return {"folder": FOLDER, "platform": "airflow", "cluster": "uid-1", "adopt": False, "take_over": "", **over}


def head(repo: Path) -> str:
    return subprocess.check_output(["git", "-C", str(repo), "rev-parse", "main"], text=True).strip()


def test_h3_a_second_cluster_is_refused_before_anything_is_pushed(filled: Path, tmp_path: Path) -> None:
    given = {**PARAMS, "repo": f"file://{filled}", "files": {f"{FOLDER}/values.yaml": "a: 1\n"}}
    first = publish({**given, "owner": owner()}, str(tmp_path), check=False)
    assert f"{FOLDER}/{FILE}" in first.changed
    assert not publish({**given, "owner": owner()}, str(tmp_path), check=False).changed
    before = head(filled)
    second = {**given, "owner": owner(cluster="uid-2")}
    for run in (lambda: publish(second, str(tmp_path), check=False), lambda: read_branch(second, str(tmp_path))):
        with pytest.raises(GitError, match="another cluster") as caught:
            run()
        assert caught.value.code == "foreign_folder"
    assert head(filled) == before
    taken = publish({**given, "owner": owner(cluster="uid-2", take_over="airflow@uid-1")}, str(tmp_path), check=False)
    assert list(taken.changed) == [f"{FOLDER}/{FILE}"]
    with pytest.raises(GitError, match="uid-2"):
        publish({**given, "owner": owner()}, str(tmp_path), check=True)


def test_h3_what_others_pushed_meanwhile_is_looked_at_again(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark that comes between the look and the push is seen, for the push is lost and made again."""
    from ansible_collections.gitops.airflow.plugins.module_utils._git import remote as _git_repo

    real = _git_repo.Remote.push
    pushed: list[str] = []

    def late(self: _git_repo.Remote, commit: str) -> bool:
        if not pushed:
            pushed.append(commit)
            work = tmp_path / "other"
            git(tmp_path, "clone", "--quiet", str(filled), str(work))
            (work / FOLDER).mkdir(parents=True)
            (work / FOLDER / FILE).write_text("beta@uid-9\n")
            git(work, "add", "-A")
            git(work, "commit", "--quiet", "-m", "theirs")
            git(work, "push", "--quiet", "origin", "main")
        return real(self, commit)

    monkeypatch.setattr(_git_repo.Remote, "push", late)
    given = {**PARAMS, "repo": f"file://{filled}", "files": {f"{FOLDER}/values.yaml": "a: 1\n"}, "owner": owner()}
    with pytest.raises(GitError, match="belongs to the platform 'beta'"):
        publish(given, str(tmp_path), check=False)
