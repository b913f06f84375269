#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_branch_info
short_description: Check that a branch of a Git repository can be read with given credentials
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Fetches the newest commit of a branch, and checks that the branch has the wanted folders. Use it to check a repository with the
    credentials that another program, such as git-sync or Argo CD, will use.
  - Does not use the configuration of git or SSH, an SSH agent or C(.netrc) of the user that runs the module. Uses the proxies of the
    environment.
  - SSH requires a key and the server's host keys.
extends_documentation_fragment:
  - gitops.airflow.git_remote
  - gitops.airflow.git_credentials
  - gitops.airflow.credentials_from
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
    description: Whether the branch must also accept pushes. The module asks the server without pushing anything (dry run).
    type: bool
    default: false
  owner:
    description:
      - The platform that must own a folder of the branch, if the folder exists. The module writes nothing.
      - The module fails if the folder belongs to another platform, or to the same platform in another cluster, or if it contains files
        that this collection did not write.
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
          - The present owner of the folder, exactly as the file C(.gitops-airflow-owner) names it. Then this platform may use the folder.
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
- name: Read the newest commit of a public branch
  gitops.airflow.git_branch_info:
    repo: https://git.example.com/public/dags.git
    branch: main

- name: Check that pods will be able to read the DAGs
  gitops.airflow.git_branch_info:
    repo: ssh://git@git.example.com:2222/data/dags.git
    branch: main
    credentials: {ssh_key: "{{ vault_dags_key }}", known_hosts: files/known_hosts}
    folders: [dags]

- name: Check that the platform can be pushed
  gitops.airflow.git_branch_info:
    repo: https://git.example.com/data/platform.git
    credentials: {username: deploy, password: "{{ vault_token }}", ca: /etc/ssl/our-authority.pem}
    push: true

- name: Read the DAGs of the embedded Git server with git-sync's token
  gitops.airflow.git_branch_info:
    repo: http://gitea.git.svc.cluster.local:3000/gitops/dags.git
    credentials: {username: gitops}
    credentials_from: {namespace: git, name: git-credentials, password_key: git-sync-token}
    tunnel: {namespace: git, service: gitea, port: 3000}

- name: Check that a folder belongs to this platform before it is published
  block:
    - name: Read the branch and the owner of the folder
      gitops.airflow.git_branch_info:
        repo: https://git.example.com/data/platform.git
        credentials: {username: deploy, password: "{{ vault_token }}"}
        push: true
        owner: {folder: platform/airflow/core, platform: airflow, cluster: "{{ cluster_uid }}"}
      register: branch
  rescue:
    - name: End with the next step
      ansible.builtin.fail:
        msg: "{{ branch.msg }} Next: {{ branch.next_action }}"
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

from collections.abc import Callable

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._git.access import REMOTE_SPEC, named, with_credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.branch import read_branch
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import OWNER_SPEC


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(
        argument_spec={
            **REMOTE_SPEC,
            "folders": {"type": "list", "elements": "str", "default": []},
            "push": {"type": "bool", "default": False},
            "owner": OWNER_SPEC,
        },
        supports_check_mode=True,
    )
    try:
        params = with_credentials(module.params, module.check_mode, module.no_log_values.add)
        commit = read_branch(params, module.tmpdir)
    except GitError as error:
        module.fail(named(error, module.params))
    except CollectionError as error:
        module.fail(error)
    except OSError as error:
        module.fail(CollectionError(str(error), "Correct the path in the message.", "bad_path"))
    module.exit_json(changed=False, commit=commit)


if __name__ == "__main__":
    main()
