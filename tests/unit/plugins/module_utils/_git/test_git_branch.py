# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be in a commit, and what is read of a branch. Against a repository: test_git_branch_info.py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git import branch
from ansible_collections.gitops.airflow.plugins.module_utils._git.branch import check_folders, read_branch
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Remote

COMMIT = "c" * 40


class Branch:
    """A branch with these files."""

    shown, branch = "https://git.example.com/x.git", "main"

    def __init__(self, *paths: str, commit: str | None = COMMIT) -> None:
        self.paths, self.commit, self.asked = paths, commit, list[str]()

    def fetch(self) -> str | None:
        return self.commit

    def no_branch(self) -> GitError:
        return GitError("no branch", "", "branch_missing")

    def tree(self, commit: str) -> dict[str, str]:
        self.asked.append("tree")
        return dict.fromkeys(self.paths, commit)

    def check_push(self, _commit: str) -> None:
        self.asked.append("push")


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ([], None),
        ([""], None),
        (["."], None),
        (["dags"], None),
        (["dags/", "charts/airflow"], None),
        (["dag"], "has no folder 'dag'; the folders at its top: charts, dags."),
        (["", "README"], "has no folder 'README'"),
        (["dags", "charts/other"], "has no folder 'charts/other'"),
    ],
)
def test_the_folders_of_a_commit(folders: list[str], words: str | None) -> None:
    found = Branch("README", "dags/a.py", "charts/airflow/values.yaml")
    if words is None:
        check_folders(cast(Remote, found), COMMIT, folders)
        assert found.asked == (["tree"] if any(folder not in ("", ".") for folder in folders) else [])
        return
    with pytest.raises(GitError) as caught:
        check_folders(cast(Remote, found), COMMIT, folders)
    assert (words in caught.value.message, caught.value.code) == (True, "folder_missing")


def test_a_commit_without_folders() -> None:
    with pytest.raises(GitError, match="the folders at its top: none"):
        check_folders(cast(Remote, Branch("README")), COMMIT, ["dags"])


def params(**options: Any) -> dict[str, Any]:
    return {"credentials": Credentials(), "repo": "https://git.example.com/x.git", "folders": [], "push": False, **options}


@pytest.mark.parametrize("push", [True, False])
def test_a_branch_is_read(push: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found, seen = Branch("dags/a.py"), list[bool]()

    @contextlib.contextmanager
    def opened(_params: Any, _temp: str, *, isolated: bool = False) -> Iterator[Branch]:
        seen.append(isolated)
        yield found

    monkeypatch.setattr(branch, "open_remote", opened)
    assert read_branch(params(push=push), "/tmp") == COMMIT
    assert (found.asked, seen) == (["push"] if push else [], [True])
    with pytest.raises(GitError) as caught:
        read_branch(params(folders=["other"]), "/tmp")
    assert caught.value.code == "folder_missing"
    found.commit = None
    with pytest.raises(GitError) as caught:
        read_branch(params(), "/tmp")
    assert caught.value.code == "branch_missing"


def test_an_ssh_url_needs_a_key() -> None:
    with pytest.raises(GitError) as caught:
        read_branch(params(repo="git@git.example.com:x.git"), "/tmp")
    assert caught.value.code == "incomplete"
