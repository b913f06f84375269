#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gitea_tokens
short_description: Make tokens of a Gitea account once and keep them in a Secret
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Makes access tokens of an account of a Gitea that runs in the cluster, and stores them in a Secret, together with the account's name in
    the key C(username).
  - If the Secret exists nothing is made and Gitea is not asked. To get new tokens, delete the Secret.
  - If the account does not have the password of O(password_from) yet, it gets it first.
  - Tokens that an earlier run made stay valid until O(state=revoked), so that whoever uses them can be given the new ones first. The
    annotation C(gitops-airflow/tokens-to-keep) of the Secret says that there are such tokens.
  - Neither the password nor a token is returned, shown, logged or on a command line.
attributes:
  check_mode:
    support: full
    details: If the Secret does not exist, the tokens would be made. Gitea is then not asked.
  diff_mode:
    support: full
    details: Shows the keys of the Secret, and the names of revoked tokens.
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
      - With V(present) the tokens are made if the Secret does not exist.
      - With V(revoked) tokens of an earlier time than the Secret's are ended. Tokens that have other names than O(tokens[].name) with a
        number after it are a person's own, and stay.
    type: str
    choices: [present, revoked]
    default: present
  tunnel:  # as the doc fragment describes it
    required: true
  account:
    description: The account that the tokens are of.
    type: str
    required: true
  password_from:
    description: The Secret that holds the account's password. It is read only if Gitea is asked.
    type: dict
    required: true
    suboptions:
      namespace:
        description: Its namespace.
        type: str
        required: true
      name:
        description: Its name.
        type: str
        required: true
      key:
        description: Its key with the password.
        type: str
        default: password
  tokens:
    description: The tokens.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the token is for. In Gitea its name is this, a hyphen and the time of its making in seconds.
        type: str
        required: true
      key:
        description: The Secret's key for it. By default O(tokens[].name) with C(-token) after it.
        type: str
      scopes:
        description: What it may do, as Gitea names it.
        type: list
        elements: str
        required: true
  container:
    description: Gitea's container in the pods of its Service, for the command that lets the account get its first password.
    type: str
    default: gitea
  config:
    description: Gitea's configuration file in that container.
    type: str
    default: /etc/gitea/app.ini
notes:
  - Needs C(get), C(create) and C(patch) on Secrets of O(namespace), C(get) on the Secret of O(password_from), and what O(tunnel) needs. To
    set the account's first password it also needs C(create) on C(pods/exec) in the namespace of O(tunnel).
seealso:
  - module: gitops.airflow.argocd_repository
  - module: gitops.airflow.generated_secret
"""

EXAMPLES = r"""
- name: Make read-only tokens for Argo CD and git-sync
  gitops.airflow.gitea_tokens: &tokens
    platform: airflow
    tunnel: {namespace: git, service: gitea, port: 3000}
    account: gitops
    password_from: {namespace: git, name: gitea-config}
    namespace: git
    name: git-credentials
    tokens:
      - {name: argocd, scopes: ['read:repository']}
      - {name: git-sync, scopes: ['read:repository']}

- name: Revoke earlier tokens, now that everybody has the present ones
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
  sample: [argocd-1777888999, git-sync-1777888999]
next_action:
  description: What to do about the failure.
  returned: failure
  type: str
code:
  description: The kind of failure, for instance V(unauthorized), V(foreign_object) or V(unreachable).
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
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_tokens import GiteaTokens, Outcome, Token, Wanted, check_tokens
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect, core_path, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.definitions import decoded
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import Execution, execute
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import TUNNEL_SPEC, open_tunnel, read_endpoint
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

PASSWORD_SPEC: dict[str, Any] = {
    "namespace": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "key": {"type": "str", "default": "password", "no_log": False},
}
TOKEN_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "key": {"type": "str", "no_log": False},
    "scopes": {"type": "list", "elements": "str", "required": True},
}


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "state": {"type": "str", "choices": ["present", "revoked"], "default": "present"},
        "tunnel": {**TUNNEL_SPEC, "required": True},
        "account": {"type": "str", "required": True},
        # Both say where a secret value is, or what it is called.
        "password_from": {"type": "dict", "required": True, "options": PASSWORD_SPEC, "no_log": False},
        "tokens": {"type": "list", "elements": "dict", "required": True, "options": TOKEN_SPEC, "no_log": False},
        "namespace": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "container": {"type": "str", "default": "gitea"},
        "config": {"type": "str", "default": "/etc/gitea/app.ini"},
        **OWNER_SPEC,
    }


def wanted(params: dict[str, Any]) -> Wanted:
    tokens = tuple(Token(item["name"], item["key"] or f"{item['name']}-token", tuple(item["scopes"])) for item in params["tokens"])
    check_tokens(tokens)
    return Wanted(tokens=tokens, **{name: params[name] for name in ("platform", "namespace", "name", "account", "adopt")})


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


def run(module: AnsibleModule) -> tuple[Outcome, Wanted]:
    """Raises CollectionError."""
    params, at = module.params, module.params["tunnel"]
    target, api = wanted(params), connect(params)

    def command(words: list[str]) -> Execution:
        service = api.get(core_path("services", at["namespace"], at["service"]))
        pod, _port = read_endpoint(api, service, at["namespace"], at["port"])
        return execute(api, at["namespace"], pod, params["container"], words)

    found = GiteaTokens(api, target, command, check=module.check_mode)
    if params["state"] == "revoked":
        if not found.kept:
            return Outcome(), target
        with open_gitea(module, api) as gitea:
            return found.revoke(gitea), target
    if not found.missing:
        return found.present(), target
    if module.check_mode:
        return Outcome(changed=True, created=True), target
    with open_gitea(module, api) as gitea:
        return found.make(gitea, params["config"]), target


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    show_path(module)
    try:
        outcome, target = run(module)
    except CollectionError as error:
        module.fail(error)
    lines = [f"{target.place}: {token.key} (made)\n" for token in target.tokens] if outcome.created else []
    module.exit_json(
        changed=outcome.changed,
        created=outcome.created,
        pending=outcome.pending,
        revoked=outcome.revoked,
        diff={"before": "".join(f"token {name}\n" for name in outcome.revoked), "after": "".join(lines)},
    )


if __name__ == "__main__":
    main()
