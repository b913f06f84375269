#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: argocd_repository
short_description: Declare a Git repository for Argo CD, with its credentials, certificate authority and host keys
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Declares three things together, namely the Secret with the credentials of a Git repository, and the certificate authority and the host
    keys of the Git server.
  - Argo CD keeps certificate authorities in the ConfigMap C(argocd-tls-certs-cm), and host keys in C(argocd-ssh-known-hosts-cm). Others
    use these ConfigMaps, too. The module changes only entries that it added itself, and does not lose changes that others make at the
    same time.
  - The module marks each host key that it adds with the name of the platform. It records certificate authorities that it added in the
    annotation C(gitops-airflow/trust) of the Secret.
  - If others added certificate authorities for the same host, the module uses them if they contain O(credentials.ca). Otherwise it fails.
  - The module restarts Argo CD's repository server (repo-server) if the server must read a new certificate authority or host key.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Secret values are not shown, only whether they differ.
extends_documentation_fragment:
  - gitops.airflow.platform_owner
  - gitops.airflow.platform_owner.adopt
  - gitops.airflow.git_credentials
  - gitops.airflow.credentials_from
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
  - gitops.airflow.progress
options:
  name:
    description: Name of the Secret.
    type: str
    required: true
  namespace:
    description: Namespace of Argo CD.
    type: str
    default: argocd
  state:
    description:
      - With V(present) Argo CD knows the repository as declared.
      - With V(absent) the Secret does not exist, and the certificate authorities and host keys that this module added are removed. The
        module does not wait for the repository server then.
    type: str
    choices: [absent, present]
    default: present
  repo:
    description:
      - URL of the repository, with V(http://), V(https://) or V(ssh://), or V(user@host:path). It must not contain a user and password.
    type: str
  project:
    description:
      - The AppProject whose Applications may use the repository. If it is empty, all Applications may.
      - An early version of the collection recorded in this AppProject which certificate authorities and host keys it had added. The
        module moves this record to the Secret.
    type: str
    default: ""
  labels:
    description: Further labels of the Secret.
    type: dict
    default: {}
  keep_present:
    description:
      - Whether to keep certificate authorities and host keys that the module added for an earlier repository.
      - Without this option they stay only while Argo CD reads other repositories from that server.
      - Use it in the first of two steps that change the repository, because Argo CD uses the old repository until the Application has
        changed.
    type: bool
    default: false
  trust:
    description:
      - With V(manage) the module adds the certificate authority and the host keys to what Argo CD trusts, and removes them again.
        With O(state=absent) they stay, with a warning, while Argo CD reads other repositories of the same server.
      - With V(check) the module changes nothing of it. It fails, and names the entries to add, if Argo CD does not trust the server yet.
        Entries that the module added earlier stay until O(state=absent).
    type: str
    choices: [manage, check]
    default: manage
  repository_server:
    description: Name of the Deployment of Argo CD's repository server.
    type: str
    default: argocd-repo-server
  wait:
    description: Whether to wait until the repository server has read the certificate authority and host keys.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for the repository server, or with O(state=absent) until the Secret is gone.
    type: float
    default: 180
notes:
  - O(credentials_from) needs C(get) on that Secret.
  - Needs C(get), C(patch), C(create) and C(delete) on C(secrets), C(get) and C(patch) on C(configmaps), C(deployments) and
    C(appprojects), and C(list) and C(watch) on C(deployments) in O(namespace). With C(list) on C(pods) the module can explain a failed
    roll-out. With C(list) on C(secrets) it finds other repositories of the same server.
seealso:
  - module: gitops.airflow.argocd_project
  - module: gitops.airflow.argocd_application
"""

EXAMPLES = r"""
- name: Let Argo CD read a public repository
  gitops.airflow.argocd_repository:
    platform: airflow
    name: platform-repository
    repo: https://git.example.com/team/platform.git

- name: Let Applications of one project read a private repository
  gitops.airflow.argocd_repository:
    platform: airflow
    name: platform-repository
    project: airflow
    repo: https://git.example.com/team/platform.git
    credentials: {username: argocd, password: "{{ lookup('ansible.builtin.env', 'GIT_TOKEN') }}"}

- name: Let Argo CD read the embedded Git server with its own token
  gitops.airflow.argocd_repository:
    platform: airflow
    name: platform-repository
    project: airflow
    repo: http://gitea.git.svc.cluster.local:3000/gitops/platform.git
    credentials: {username: gitops}
    credentials_from: {namespace: git, name: git-credentials, password_key: argocd-token, platform: airflow}

- name: Trust the certificate authority of the company
  gitops.airflow.argocd_repository:
    platform: airflow
    name: platform-repository
    repo: https://git.corp.example/team/platform.git
    credentials: {ca: corporate-ca.pem}

- name: Use an Argo CD of others, which must trust the server of the repository already
  gitops.airflow.argocd_repository:
    platform: airflow
    name: platform-repository
    repo: ssh://git@git.example.com/team/platform.git
    credentials: {ssh_key: ~/.ssh/argocd, known_hosts: known_hosts}
    trust: check

- name: Forget a repository and what was trusted for it
  gitops.airflow.argocd_repository:
    platform: airflow
    name: platform-repository
    project: airflow
    state: absent

- name: Move a platform from HTTPS to SSH in two steps
  block:
    - name: Let Argo CD read the new repository, and trust both servers
      gitops.airflow.argocd_repository:
        platform: airflow
        name: platform-repository
        project: airflow
        repo: ssh://git@git.example.com:2222/team/platform.git
        credentials: {ssh_key: ~/.ssh/argocd, known_hosts: known_hosts}
        keep_present: true
      register: repository

    - name: Deploy from the new repository
      gitops.airflow.argocd_application:
        platform: airflow
        name: airflow-core
        project: airflow
        repo: ssh://git@git.example.com:2222/team/platform.git
        path: platform/airflow/core
        destination_namespace: airflow-core
        wait: true

    - name: Trust the new server only
      when: repository.kept != []
      gitops.airflow.argocd_repository:
        platform: airflow
        name: platform-repository
        project: airflow
        repo: ssh://git@git.example.com:2222/team/platform.git
        credentials: {ssh_key: ~/.ssh/argocd, known_hosts: known_hosts}
"""

RETURN = r"""
trust:
  description:
    - What this platform has added. C(ssh) stands for host keys, C(tls:HOST) for certificate authorities of a host.
  returned: success
  type: list
  elements: str
  sample: ["tls:git.example.com"]
kept:
  description:
    - Entries of RV(trust) that are no longer declared, but stay because of O(keep_present).
    - Entries that stay because Argo CD reads other repositories from the server that they are for.
  returned: success
  type: list
  elements: str
  sample: [ssh]
theirs:
  description: Certificate authorities that Argo CD needs for the repository and that others added.
  returned: success
  type: list
  elements: str
  sample: []
rolled_out:
  description: Whether Argo CD's repository server was restarted, or in check mode would be.
  returned: success
  type: bool
  sample: true
reason:
  description: Why a Secret of this name stays although O(state=absent). Empty if none exists.
  returned: success, when O(state=absent)
  type: str
  sample: "Secret argocd/platform-repository stays: it belongs to platform beta"
next_action:
  description: What to do after a failure.
  returned: failure, if known
  type: str
code:
  description:
    - The kind of failure. V(foreign_object), V(older_object) and V(other_platform) name a Secret of others, V(foreign_certificate)
      another certificate authority for the same host, V(not_trusted) what Argo CD lacks with O(trust=check). V(bad_url),
      V(half_credentials), V(no_private_key), V(no_host_keys) and V(no_certificate) name an option, V(bad_path) a file that cannot be
      read. V(missing_secret) and V(missing_key) name what O(credentials_from) needs. V(no_argocd) is returned if Argo CD is not
      installed, V(not_rolled_out) and V(not_deleted) after O(timeout), V(being_deleted) if the Secret is being deleted, and V(conflict)
      if others keep changing an object.
  returned: failure, if known
  type: str
  sample: foreign_certificate
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.repository import Repository, check
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.trust import RepositoryTrust
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import OWNER_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import open_progress
from ansible_collections.gitops.airflow.plugins.module_utils._git.access import with_password
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import OPTION_NAMES, SPEC, Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.credentials import CREDENTIALS_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        **OWNER_SPEC,
        "credentials": SPEC,
        "credentials_from": CREDENTIALS_SPEC,
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "argocd"},
        "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
        "repo": {"type": "str"},
        "project": {"type": "str", "default": ""},
        "labels": {"type": "dict", "default": {}},
        "keep_present": {"type": "bool", "default": False},
        "trust": {"type": "str", "choices": ["manage", "check"], "default": "manage"},
        "repository_server": {"type": "str", "default": "argocd-repo-server"},
        "wait": {"type": "bool", "default": True},
        "timeout": {"type": "float", "default": 180},
    }


def declared(params: dict[str, Any]) -> Repository:
    """The repository that the options describe. Raises OSError for a file that cannot be read."""
    return Repository(
        name=params["name"],
        namespace=params["namespace"],
        platform=params["platform"],
        repo=params["repo"] or "",
        project=params["project"],
        credentials=Credentials.read(params["credentials"]),
        labels={key: str(value) for key, value in params["labels"].items()},
        adopt=params["adopt"],
    )


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), required_if=[("state", "present", ("repo",))], supports_check_mode=True)
    params = show_path(module)
    present = params["state"] == "present"
    try:
        api, wanted = connect(params), declared(params)
        if present:
            credentials = with_password(api, params, wanted.credentials, module.check_mode, module.no_log_values.add)
            wanted = replace(wanted, credentials=credentials)
            check(wanted)
        trust = RepositoryTrust(
            api,
            wanted,
            keep=params["keep_present"],
            manage=params["trust"] == "manage",
            check=module.check_mode,
            server=params["repository_server"],
            timeout=params["timeout"] if params["wait"] else 0,
            progress=open_progress(module.no_log_values),
        )
        done = trust.present() if present else trust.absent(params["timeout"])
    except GitError as error:
        module.fail(error.named(OPTION_NAMES))
    except CollectionError as error:
        module.fail(error)
    except OSError as error:
        module.fail(CollectionError(f"{error}.", "Make the file in the message readable, or give its content as text.", "bad_path"))
    result: dict[str, Any] = {name: getattr(done, name) for name in ("changed", "trust", "kept", "theirs", "rolled_out")}
    if done.notice:
        module.warn(done.notice)
    header = str(wanted.place)
    diff = {"before_header": header, "before": done.before, "after_header": header, "after": done.after}
    module.exit_json(**result, **({} if present else {"reason": done.reason}), diff=diff)


if __name__ == "__main__":
    main()
