#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_branch_info
short_description: Reads a branch of a Git repository as somebody else will
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Fetches the newest commit of a branch and looks whether it has the folders that it should. For finding out, before anything is built on
    it, that a repository can be read with the very credentials that others are given.
  - Nothing of this user's own is used, neither git's or SSH's configuration nor an SSH agent nor C(.netrc). Proxies of the environment are.
  - Over SSH a key and the server's host keys must be given.
extends_documentation_fragment:
  - gitops.airflow.git_remote
  - gitops.airflow.tunnel
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  folders:
    description: Folders that the branch must have, by their paths in the repository. V(.) and V("") are the repository itself.
    type: list
    elements: str
    default: []
  push:
    description: Whether the branch must also take pushes. The server is asked; nothing is pushed.
    type: bool
    default: false
  owner:
    description:
      - Whose folder it must be, if the branch has it. Nothing is written.
      - The folder of another platform, or of the same platform in another cluster, is refused, and so is one with files that this
        collection did not write.
    type: dict
    suboptions:
      folder:
        description: The folder in the repository.
        type: str
        required: true
      platform:
        description: Name of the platform.
        type: str
        required: true
      cluster:
        description: What identifies the cluster, the uid of the namespace C(kube-system). Empty if the cluster does not exist yet.
        type: str
        default: ""
      adopt:
        description: Whether a folder that an older version of this collection wrote, without an owner mark, is this platform's.
        type: bool
        default: false
      take_over:
        description:
          - The owner of the folder, exactly as its mark has it, that gives the folder to this platform.
          - V(unmarked) stands for the owner of a folder that an older version of this collection wrote.
        type: str
        default: ""
seealso:
  - module: gitops.airflow.git_publish
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Pods will be able to read the DAGs
  gitops.airflow.git_branch_info:
    repo: ssh://git@git.example.com:2222/data/dags.git
    branch: main
    ssh_key_content: "{{ vault_dags_key }}"
    known_hosts: files/known_hosts
    folders: [dags]

- name: The platform can be pushed
  gitops.airflow.git_branch_info:
    repo: https://git.example.com/data/platform.git
    username: deploy
    password: "{{ vault_token }}"
    ca_path: /etc/ssl/our-authority.pem
    push: true
"""

RETURN = r"""
commit:
  description: The branch's newest commit.
  returned: success
  type: str
  sample: 5f9c1ad3f0e0b7b0a1bd20f2c4b9c2cbd2d1a6ee
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: >-
    Kind of failure: those of M(gitops.airflow.git_publish), V(folder_missing), and V(incomplete) for SSH without key or host keys.
  returned: failure
  type: str
  sample: authentication
"""

from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url, ssh_server
from ansible_collections.gitops.airflow.plugins.module_utils._git.access import EXCLUSIVE, REMOTE_SPEC, open_remote
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError, folder, keyscan
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import OWNER_SPEC, FolderOwner, check_folder, from_params
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Remote


def check_complete(params: dict[str, Any]) -> None:
    """Raises GitError for an SSH repository whose key or host keys are not given."""
    if not ssh_server(params["repo"]):
        return
    url = public_url(params["repo"])
    if not (params["known_hosts"] or params["known_hosts_content"]):
        message = f"{url} is read over SSH, and its server's host keys are not given: any server could pose as it."
        raise GitError(message, f"Run {keyscan(params['repo'])}, and give them as {{known_hosts}}.", "incomplete")
    if not (params["ssh_key"] or params["ssh_key_content"]):
        raise GitError(f"{url} is read over SSH, and no key is given.", "Give a private key as {ssh_key}.", "incomplete")


def check_folders(remote: Remote, commit: str, folders: list[str]) -> None:
    """Raises GitError for a folder that the commit does not have, InputError for what can be no folder."""
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


def run(params: dict[str, Any], temp: str) -> str:
    """The branch's commit. Raises GitError, TunnelError, InputError, OSError."""
    check_complete(params)
    with open_remote(params, temp, isolated=True) as remote:
        commit = remote.fetch()
        if commit is None:
            raise remote.error("couldn't find remote ref")
        check_folders(remote, commit, params["folders"])
        owner = from_params(params.get("owner"))
        if owner:
            check_owner(remote, commit, owner)
        if params["push"]:
            remote.check_push(commit)
        return commit


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **REMOTE_SPEC,
            "folders": {"type": "list", "elements": "str", "default": []},
            "push": {"type": "bool", "default": False},
            "owner": OWNER_SPEC,
        },
        mutually_exclusive=EXCLUSIVE,
        supports_check_mode=True,
    )
    try:
        commit = run(module.params, module.tmpdir)
    except GitError as error:
        module.fail(error.named(module.params["names"]))
    except CollectionError as error:
        module.fail(error)
    except OSError as error:
        module.fail(CollectionError(str(error), "Correct the path that it names.", "bad_path"))
    module.exit_json(changed=False, commit=commit)


if __name__ == "__main__":
    main()
