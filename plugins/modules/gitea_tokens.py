#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gitea_tokens
short_description: Create tokens of Gitea accounts once and store them in a Secret
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Creates access tokens of accounts of a Gitea server that runs in the cluster. Stores them in a Secret, with the name of O(account) in
    the key C(username). Gitea ignores the user name if the password is a token.
  - Each token can have its own account and repository. Then O(account) must be an administrator, and the module creates missing accounts
    and repositories. The accounts that it creates are restricted. They see only their repository and cannot create repositories. Their
    passwords are random and stored nowhere.
  - If the Secret matches the declared tokens, the module creates nothing and sends no request to Gitea. Otherwise it creates all tokens
    again. To get new tokens, delete the Secret.
  - If O(account) does not have the password in O(password_from) yet, the module sets it first.
  - Earlier tokens stay valid until O(state=revoked), so that their users can get the new tokens first. The annotation
    C(gitops-airflow/tokens-to-keep) of the Secret says that there are such tokens. C(gitops-airflow/git-access) says what each account
    may do.
  - Neither a password nor a token is returned, shown, logged or on a command line.
attributes:
  check_mode:
    support: full
    details: Compares only the Secret with the declared tokens, and sends no request to Gitea.
  diff_mode:
    support: full
    details: Shows what the accounts may do, the keys of the Secret, and the names of revoked tokens.
extends_documentation_fragment:
  - gitops.airflow.platform_owner
  - gitops.airflow.platform_owner.adopt
  - gitops.airflow.platform_owner.secret
  - gitops.airflow.tunnel
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  state:
    description:
      - With V(present) the module creates the tokens if the Secret does not match the declared tokens.
      - With V(revoked) it revokes tokens of O(account) and of each O(tokens[].account) that are older than those in the Secret. It
        revokes only tokens whose name is O(tokens[].name), a hyphen and a time in seconds. Other tokens belong to users, and stay.
      - With V(revoked) each O(tokens[].account) also loses its access to other repositories than O(tokens[].repository).
    type: str
    choices: [present, revoked]
    default: present
  tunnel:  # as the doc fragment describes it
    required: true
  account:
    description: The account that owns the tokens. It must be an administrator if O(tokens[].account) or O(repositories) is given.
    type: str
    required: true
  password_from:
    description: The Secret with the password of O(account). The module reads it only if it sends a request to Gitea.
    type: dict
    required: true
    suboptions:
      namespace:
        description: Namespace of the Secret.
        type: str
        required: true
      name:
        description: Name of the Secret.
        type: str
        required: true
      key:
        description: Key of the Secret that contains the password.
        type: str
        default: password
  repositories:
    description: Repositories that the accounts need. The module creates missing repositories, private and empty.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The repository, as OWNER/NAME. Its owner must exist.
        type: str
        required: true
      branch:
        description: The default branch of a new repository, and the branch that O(repositories[].push) protects.
        type: str
        default: main
      push:
        description:
          - The only accounts that may push to O(repositories[].branch) or merge into it. Nobody may force-push to the branch or delete
            it.
          - Accounts that a user has added to an existing protection of the branch stay in it.
          - If empty, the module does not protect the branch, and does not change an existing protection.
        type: list
        elements: str
        default: []
      notify:
        description:
          - URL to which Gitea reports each push to O(repositories[].branch), such as Argo CD's C(/api/webhook). The module adds
            C(?from=gitops-airflow) and recognizes its own webhooks by this ending. Other webhooks stay.
          - Gitea sends these reports only to hosts that its setting C(ALLOWED_HOST_LIST) permits.
          - If empty, the module deletes its own webhook.
        type: str
        default: ""
  tokens:
    description: The tokens.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the token. In Gitea the module adds a hyphen and the time of creation in seconds.
        type: str
        required: true
      key:
        description: Key of the Secret for the token. Defaults to O(tokens[].name) and C(-token).
        type: str
      scopes:
        description: Scopes of the token, such as V(read:repository).
        type: list
        elements: str
        required: true
      account:
        description:
          - The account that owns the token. Defaults to O(account). The module creates the account if it does not exist.
          - The module fails if it did not create an existing account, or if the account is an administrator. It recognizes its own
            accounts by their e-mail address.
          - Needs O(tokens[].repository).
        type: str
      repository:
        description: The repository in O(repositories) that O(tokens[].account) can access.
        type: str
      permission:
        description: What O(tokens[].account) may do with O(tokens[].repository).
        type: str
        choices: [read, write]
        default: read
  container:
    description: Gitea's container in the pods of its Service. The module runs a command there to set the first password of O(account).
    type: str
    default: gitea
  config:
    description: Gitea's configuration file in that container.
    type: str
    default: /etc/gitea/app.ini
notes:
  - Needs C(get), C(create) and C(patch) on Secrets of O(namespace), C(get) on the Secret of O(password_from), and what O(tunnel) needs.
    To set the account's first password it also needs C(create) on C(pods/exec) in the namespace of O(tunnel).
seealso:
  - module: gitops.airflow.argocd_repository
  - module: gitops.airflow.generated_secret
"""

EXAMPLES = r"""
- name: Create a token of one account, for a program that reads its repositories
  gitops.airflow.gitea_tokens:
    platform: airflow
    tunnel: {namespace: git, service: gitea, port: 3000}
    account: gitops
    password_from: {namespace: git, name: gitea-config}
    namespace: git
    name: git-credentials
    tokens:
      - {name: argocd, scopes: ['read:repository']}

- name: Find out whether tokens would be created
  gitops.airflow.gitea_tokens:
    platform: airflow
    tunnel: {namespace: git, service: gitea, port: 3000}
    account: gitops
    password_from: {namespace: git, name: gitea-config}
    namespace: git
    name: git-credentials
    tokens:
      - {name: argocd, scopes: ['read:repository']}
      - {name: publisher, key: push-token, scopes: ['write:repository']}
  check_mode: true
  register: tokens

- name: Make a repository, an account that reads it, one that writes it, and a token of each
  gitops.airflow.gitea_tokens:
    platform: airflow
    tunnel: {namespace: git, service: gitea, port: 3000}
    account: gitops
    password_from: {namespace: git, name: gitea-config}
    namespace: git
    name: git-credentials
    repositories:
      - name: gitops/platform
        push: [platform, gitops]
        notify: https://argocd-server.argocd.svc.cluster.local/api/webhook
    tokens:
      - {name: argocd, account: argocd, repository: gitops/platform, scopes: ['read:repository']}
      - {name: platform, account: platform, repository: gitops/platform, permission: write, scopes: ['write:repository']}

- name: Create tokens on a Gitea with other names, through another context
  gitops.airflow.gitea_tokens:
    platform: airflow
    context: production
    tunnel: {namespace: forge, service: forge-http, port: 80}
    container: forge
    config: /data/gitea/conf/app.ini
    account: root
    password_from: {namespace: forge, name: forge-admin, key: root-password}
    namespace: forge
    name: forge-tokens
    repositories:
      - {name: root/dags, branch: production}
    tokens:
      - {name: git-sync, account: git-sync, repository: root/dags, scopes: ['read:repository']}

- name: Replace all tokens, and revoke the earlier ones after Argo CD has the new one
  block:
    - name: Delete the Secret with the present tokens
      gitops.airflow.platform_objects:
        state: absent
        platform: airflow
        objects:
          - {kind: Secret, namespace: git, name: git-credentials}

    - name: Create new tokens
      gitops.airflow.gitea_tokens: &tokens
        platform: airflow
        tunnel: {namespace: git, service: gitea, port: 3000}
        account: gitops
        password_from: {namespace: git, name: gitea-config}
        namespace: git
        name: git-credentials
        tokens:
          - {name: argocd, scopes: ['read:repository']}

    - name: Give Argo CD the new token
      gitops.airflow.argocd_repository:
        platform: airflow
        name: platform-repository
        repo: http://gitea.git.svc.cluster.local:3000/gitops/platform.git
        credentials_from: {namespace: git, name: git-credentials, username_key: username, password_key: argocd-token}

    - name: Revoke the earlier tokens
      gitops.airflow.gitea_tokens:
        <<: *tokens
        state: revoked
"""

RETURN = r"""
created:
  description: Whether the tokens were made, or in check mode would be.
  returned: success
  type: bool
pending:
  description: Whether tokens of an earlier time are still valid.
  returned: success
  type: bool
revoked:
  description: The names of tokens that were revoked, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [argocd-1777888999, platform-1777888999]
next_action:
  description: What to do about the failure.
  returned: failure
  type: str
code:
  description: The kind of failure, for instance V(unauthorized), V(foreign_object), V(foreign_account) or V(unreachable).
  returned: failure
  type: str
"""

import base64
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import OWNER_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea import Gitea
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_accounts import Member, Repository
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_tokens import GiteaTokens, Outcome, Token, Wanted, check_tokens
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect, core_path, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.credentials import SECRET_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._kube.definitions import decoded
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import Execution, execute
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import TUNNEL_SPEC, open_tunnel, read_endpoint
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

PASSWORD_SPEC: dict[str, Any] = {**SECRET_SPEC, "key": {"type": "str", "default": "password", "no_log": False}}
TOKEN_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "key": {"type": "str", "no_log": False},
    "scopes": {"type": "list", "elements": "str", "required": True},
    "account": {"type": "str"},
    "repository": {"type": "str"},
    "permission": {"type": "str", "choices": ["read", "write"], "default": "read"},
}
REPOSITORY_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "branch": {"type": "str", "default": "main"},
    "push": {"type": "list", "elements": "str", "default": []},
    "notify": {"type": "str", "default": ""},
}


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "state": {"type": "str", "choices": ["present", "revoked"], "default": "present"},
        "tunnel": {**TUNNEL_SPEC, "required": True},
        "account": {"type": "str", "required": True},
        # Both say where a secret value is, or what it is called.
        "password_from": {"type": "dict", "required": True, "options": PASSWORD_SPEC, "no_log": False},
        "repositories": {"type": "list", "elements": "dict", "default": [], "options": REPOSITORY_SPEC},
        "tokens": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": TOKEN_SPEC,
            "required_together": [("account", "repository")],
            "no_log": False,
        },
        **SECRET_SPEC,
        "container": {"type": "str", "default": "gitea"},
        "config": {"type": "str", "default": "/etc/gitea/app.ini"},
        **OWNER_SPEC,
    }


def wanted(params: dict[str, Any]) -> Wanted:
    """What is declared. Raises CollectionError."""
    tokens = tuple(
        Token(
            item["name"],
            item["key"] or f"{item['name']}-token",
            tuple(item["scopes"]),
            Member(item["account"], item["repository"], item["permission"]) if item["account"] else None,
        )
        for item in params["tokens"]
    )
    repositories = tuple(Repository(item["name"], item["branch"], tuple(item["push"]), item["notify"]) for item in params["repositories"])
    given = {name: params[name] for name in ("platform", "namespace", "name", "account", "adopt")}
    target = Wanted(tokens=tokens, repositories=repositories, **given)
    check_tokens(target)
    return target


def read_password(api: KubeApi, place: dict[str, str]) -> str:
    """The account's password. Raises CollectionError."""
    secret = api.find(core_path("secrets", place["namespace"], place["name"]))
    value = decoded(secret or {}).get(place["key"])
    if not value:
        message = f"The Secret {place['namespace']}/{place['name']} does not exist, or has no {place['key']}."
        raise CollectionError(message, "Create it with the account's password.", "missing_secret")
    return value


@contextlib.contextmanager
def open_gitea(module: AnsibleModule, api: KubeApi) -> Iterator[Gitea]:
    """Gitea through the Kubernetes API. Raises CollectionError."""
    params, at = module.params, module.params["tunnel"]
    password = read_password(api, params["password_from"])
    auth = {name: params[name] for name in AUTH_ARG_SPEC}
    with open_tunnel(auth, **at) as tunnel:
        gitea = Gitea(
            f"http://127.0.0.1:{tunnel.port}", params["account"], password, f"Gitea (Service {at['service']} in {at['namespace']})"
        )
        try:
            yield gitea
        finally:
            module.no_log_values |= gitea.secrets | {base64.b64encode(secret.encode()).decode() for secret in gitea.secrets}


def run(module: AnsibleModule) -> tuple[Outcome, Wanted, str]:
    """What was done, what is declared, and what the accounts could do before. Raises CollectionError."""
    params, at = module.params, module.params["tunnel"]
    target, api = wanted(params), connect(params)

    def command(words: list[str]) -> Execution:
        service = api.get(core_path("services", at["namespace"], at["service"]))
        pod, _port = read_endpoint(api, service, at["namespace"], at["port"])
        return execute(api, at["namespace"], pod, params["container"], words)

    found = GiteaTokens(api, target, command, check=module.check_mode)
    before = found.stored_access
    if params["state"] == "revoked":
        if not found.kept:
            return Outcome(), target, before
        with open_gitea(module, api) as gitea:
            return found.revoke(gitea), target, before
    if not found.outdated:
        return Outcome(pending=bool(found.kept)), target, before
    if module.check_mode:
        return Outcome(changed=True, created=True), target, before
    with open_gitea(module, api) as gitea:
        return found.make(gitea, params["config"]), target, before


def shown(outcome: Outcome, target: Wanted, before: str) -> dict[str, str]:
    """The diff: what the accounts may do, and names of tokens."""
    if not outcome.created:
        return {"before": "".join(f"token {name}\n" for name in outcome.revoked), "after": ""}
    after = [*target.access.splitlines(), *(f"{target.place}: {token.key} (made)" for token in target.tokens)]
    return {"before": f"{before}\n" if before else "", "after": "".join(f"{line}\n" for line in after)}


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    show_path(module)
    try:
        outcome, target, before = run(module)
    except CollectionError as error:
        module.fail(error)
    module.exit_json(
        changed=outcome.changed,
        created=outcome.created,
        pending=outcome.pending,
        revoked=outcome.revoked,
        diff=shown(outcome, target, before),
    )


if __name__ == "__main__":
    main()
