# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a branch with the very credentials that others are given, and checks that it holds what it must."""

from __future__ import annotations

from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._git.access import open_remote
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import missing, refuse
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError, folder
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import FolderOwner, check_folder, from_params
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Remote


def check_folders(remote: Remote, commit: str, folders: list[str]) -> None:
    """Raises GitError for a folder that the commit does not have, InputError for what cannot be a folder."""
    prefixes = {item: folder(item or ".") for item in folders}
    if not any(prefixes.values()):
        return
    tree = remote.tree(commit)
    for item, prefix in prefixes.items():
        if not any(path.startswith(prefix) for path in tree):
            found = ", ".join(sorted({path.split("/")[0] for path in tree if "/" in path})) or "none"
            raise GitError(
                f"{remote.shown} (branch {remote.branch}): commit {commit[:7]} has no folder {item!r}; the folders at its top: {found}.",
                "Correct {folders}, or commit a file in that folder.",
                "folder_missing",
            )


def check_owner(remote: Remote, commit: str, owner: FolderOwner) -> None:
    """Raises GitError for a folder that is another platform's."""
    found = remote.tree(commit)
    check_folder(owner, f"{remote.shown} (branch {remote.branch})", found, lambda path: remote.blob(found.get(path)))


def read_branch(params: dict[str, Any], temp: str) -> str:
    """The newest commit of the branch that the options of git_branch_info name, after with_credentials.

    Raises GitError, TunnelError, InputError, OSError.
    """
    refuse(missing(params["credentials"], params["repo"]))
    with open_remote(params, temp, isolated=True) as remote:
        commit = remote.fetch()
        if commit is None:
            raise remote.no_branch()
        check_folders(remote, commit, params["folders"])
        owner = from_params(params.get("owner"))
        if owner:
            check_owner(remote, commit, owner)
        if params["push"]:
            remote.check_push(commit)
        return commit
