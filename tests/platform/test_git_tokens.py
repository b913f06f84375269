# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of the embedded Git server: what each reaches (D5). Those of an earlier time end, the stored ones and a person's own stay."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import open_tunnel
from ansible_collections.gitops.airflow.plugins.module_utils._platform.git_accounts import git_accounts
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from conftest import DIRECT, decoded
from kubernetes import client

EARLIER = ("argocd-1700000001", "git-sync-1700000001", "set-password-1700000001")
OF_A_PERSON = "argocd-mine"
# By account: the repository that it reaches, and whether it writes.
REACHES = {"argocd": ("platform", False), "platform": ("platform", True), "git-sync": ("dags", False), "dags": ("dags", True)}
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def stored(core: client.CoreV1Api, platform: Any) -> dict[str, str]:
    return decoded(core.read_namespaced_secret("git-credentials", platform.git))


@pytest.fixture(scope="module")
def ask(core: client.CoreV1Api, platform: Any) -> Ask:
    """A request to Gitea's API with the account's password, or with a token. Returns the status and what was answered."""
    password = decoded(core.read_namespaced_secret("gitea-config", platform.git))["password"]
    basic = "Basic " + base64.b64encode(f"gitops:{password}".encode()).decode()
    access = {"kubeconfig": platform.kubeconfig, "context": platform.context}

    def asked(method: str, path: str, token: str = "", **body: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"token {token}" if token else basic, "Content-Type": "application/json"}
        with open_tunnel(access, platform.git, "gitea", 3000) as tunnel:
            url = f"http://127.0.0.1:{tunnel.port}/api/v1/{path}"
            request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers, method=method)
            try:
                with DIRECT.open(request, timeout=30) as answer:
                    return answer.status, json.loads(answer.read() or "null")
            except urllib.error.HTTPError as refusal:
                return refusal.code, None

    return asked


@pytest.fixture
def made(ask: Ask) -> Iterator[dict[str, str]]:
    """Tokens as earlier runs made them, and one with a name of a person's choice."""
    tokens = {
        name: ask("POST", "users/gitops/tokens", name=name, scopes=["read:repository"])[1]["sha1"] for name in (*EARLIER, OF_A_PERSON)
    }
    yield tokens
    for name in tokens:
        ask("DELETE", f"users/gitops/tokens/{name}")


def revoke(core: client.CoreV1Api, platform: Any) -> dict[str, Any]:
    """What the module returns."""
    labels = core.read_namespaced_secret("git-credentials", platform.git).metadata.labels
    options = {
        "context": platform.context,
        "state": "revoked",
        "platform": labels["gitops-airflow/platform"],
        "tunnel": {"namespace": platform.git, "service": "gitea", "port": 3000},
        "account": "gitops",
        "password_from": {"namespace": platform.git, "name": "gitea-config"},
        "namespace": platform.git,
        "name": "git-credentials",
        **git_accounts(Settings()),
    }
    return Module("gitea_tokens", Path(platform.kubeconfig), **options).result()


def test_tokens_of_an_earlier_time_are_revoked(
    core: client.CoreV1Api, platform: Any, ask: Ask, stored: dict[str, str], made: dict[str, str]
) -> None:
    def valid(token: str) -> bool:
        return bool(ask("GET", "repos/search", token)[0] == 200)

    assert all(map(valid, made.values()))
    (kept,) = {
        token["name"].rpartition("-")[2]
        for account in REACHES
        for token in ask("GET", f"users/{account}/tokens?limit=50")[1]
        if token["token_last_eight"] == stored[f"{account}-token"][-8:]
    }
    core.patch_namespaced_secret("git-credentials", platform.git, {"metadata": {"annotations": {"gitops-airflow/tokens-to-keep": kept}}})
    result = revoke(core, platform)
    assert sorted(result["revoked"]) == sorted(EARLIER), result
    assert not result["pending"]
    assert {name for name, token in made.items() if valid(token)} == {OF_A_PERSON}
    assert all(valid(stored[f"{account}-token"]) for account in REACHES)


@pytest.mark.parametrize("account", REACHES)
def test_d5_a_token_reaches_one_repository(ask: Ask, stored: dict[str, str], account: str) -> None:
    """Only for reading, or also for writing. None is an administrator's."""
    own, writes = REACHES[account]
    token = stored[f"{account}-token"]
    seen = {name: ask("GET", f"repos/gitops/{name}", token)[0] for name in ("platform", "dags")}
    assert seen == {name: 200 if name == own else 404 for name in seen}
    # Of a file that does not exist: a writer is refused for that, and nothing is made.
    change = {"operation": "update", "path": "no-such-file", "content": "eA==", "sha": "0" * 40}
    assert ask("POST", f"repos/gitops/{own}/contents", token, files=[change])[0] == (404 if writes else 403)
    assert ask("GET", "admin/users", token)[0] == 403
    assert ask("GET", f"repos/gitops/{own}/branch_protections", token)[0] == 403


def test_d5_the_platforms_branch_is_protected(ask: Ask) -> None:
    rule = ask("GET", "repos/gitops/platform/branch_protections/main")[1]
    assert rule["enable_push_whitelist"]
    assert not rule["enable_force_push"]
    assert {"gitops", "platform"} <= set(rule["push_whitelist_usernames"])
    assert "dags" not in rule["push_whitelist_usernames"]
