# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what on the embedded Git server: one account and one token for each program and repository (D5). Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import (
    GIT_PORT,
    GIT_SECRET,
    GIT_SERVICE,
    GIT_USER,
    READERS,
    WRITERS,
    Settings,
)

# The Secret with the administrator's password.
ADMINISTRATOR = "gitea-config"


def token_options(given: Settings) -> dict[str, Any]:
    """The options of gitea_tokens, without those of the cluster and of the owner: the administrator makes the accounts and their tokens."""
    place = {"namespace": given.git_namespace}
    return {
        "tunnel": {**place, "service": GIT_SERVICE, "port": GIT_PORT},
        "account": GIT_USER,
        "password_from": {**place, "name": ADMINISTRATOR},
        **place,
        "name": GIT_SECRET,
        **git_accounts(given),
    }


def git_accounts(given: Settings) -> dict[str, Any]:
    """The options C(repositories) and C(tokens) of gitea_tokens.

    A repository elsewhere has its default one on the server still: what is declared stays the same if the other one is moved there.
    The platform's branch is pushed to by the playbook and by a person who signs in as the administrator.
    """
    names = dict.fromkeys(("platform", "dags"), "")
    branches = dict.fromkeys(names, "main")
    for repo in given.airflow.repositories if given.airflow else ():
        if repo.embedded:
            names[repo.kind], branches[repo.kind] = repo.path, repo.branch
    names = {kind: name or f"{GIT_USER}/{kind}" for kind, name in names.items()}
    pushers = [WRITERS["platform"], GIT_USER]
    shared = names["platform"].lower() == names["dags"].lower()
    if shared:
        pushers.append(WRITERS["dags"])
    protected = {"name": names["platform"], "branch": branches["platform"], "push": pushers, "notify": webhook(given)}
    other = {"name": names["dags"], "branch": branches["dags"], "push": [], "notify": ""}
    return {
        "repositories": [protected] if shared else [protected, other],
        "tokens": [
            _token(account, names["platform"] if shared else names[kind], permission)
            for permission, accounts in (("read", READERS), ("write", WRITERS))
            for kind, account in accounts.items()
        ],
    }


def webhook(given: Settings) -> str:
    """Where Argo CD takes reports of pushes. It compares with Git within seconds then, and not after three minutes (F21).

    Without a shared secret: Argo CD does not trust a report, and only reads the repository again (argo-cd: docs, operator-manual/webhook).
    An Argo CD of others gets none: its owner decides who sends it reports.
    """
    return "" if given.existing_argocd else f"https://argocd-server.{given.argocd_namespace}.svc.cluster.local/api/webhook"


def _token(account: str, repository: str, permission: str) -> dict[str, Any]:
    return {
        "name": account,
        "account": account,
        "repository": repository,
        "permission": permission,
        "scopes": [f"{permission}:repository"],
    }
