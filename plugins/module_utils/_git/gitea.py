# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few requests of Gitea's API (v1) that accounts, their repositories and their tokens need.

They are made with an account's password: Gitea makes no token for a token. For other accounts it must be an administrator's (gitea:
routers/api/v1/api.go, reqSelfOrAdmin, reqBasicOrRevProxyAuth).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, RequestError, sentence
from ansible_collections.gitops.airflow.plugins.module_utils._base.http_sender import Send, basic, sender
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

SECONDS = 30.0
PAGE = 50  # Gitea returns no more at once (gitea: setting.API.MaxResponseItems)


class GiteaError(RequestError):
    """Gitea's refusal, or no answer."""


@dataclass(frozen=True)
class GiteaToken:
    """A token in Gitea's list. ``end`` is its last eight characters; no more of it can be read."""

    name: str
    end: str


def _user(name: str) -> str:
    return f"/users/{quote(name, safe='')}"


def _repository(name: str) -> str:
    return f"/repos/{quote(name)}"


class Gitea:
    """A server as one of its accounts. ``name`` is what messages call it. A repository is OWNER/NAME. Each call raises GiteaError."""

    def __init__(self, url: str, account: str, password: str, name: str, send: Send | None = None) -> None:
        self.account, self.name = account, name
        self._url, self._password, self._send = f"{url.rstrip('/')}/api/v1", password, send or sender(url, SECONDS)
        self.secrets = {password}  # whatever a message must not show

    def accepts_password(self) -> bool:
        """Whether the account exists and has this password."""
        try:
            self._request("GET", "/user")
        except GiteaError as error:
            if error.status == 401:
                return False
            raise
        return True

    def set_password(self, token: str) -> None:
        """Gives the account this password, with an administrator's token."""
        self.secrets.add(token)
        fields = {"source_id": 0, "login_name": self.account, "must_change_password": False, "password": self._password}
        self._request("PATCH", f"/admin{_user(self.account)}", fields, f"token {token}")

    def tokens(self, account: str) -> list[GiteaToken]:
        """All tokens of an account. None if there is no such account."""
        items = self._pages(f"{_user(account)}/tokens")
        return [GiteaToken(str(item["name"]), str(item.get("token_last_eight") or "")) for item in items]

    def create_token(self, account: str, name: str, scopes: Sequence[str]) -> str:
        """A new token."""
        answer = self._request("POST", f"{_user(account)}/tokens", {"name": name, "scopes": list(scopes)})
        token = answer.get("sha1") if isinstance(answer, dict) else None
        if not token:
            raise GiteaError(-1, f"{self.name} made the token {name} and did not return it.", "Read the server's log.", "bad_answer")
        self.secrets.add(str(token))
        return str(token)

    def delete_token(self, account: str, name: str) -> None:
        """Ends a token, if it exists."""
        self._find("DELETE", f"{_user(account)}/tokens/{quote(name, safe='')}")

    def user(self, account: str) -> Obj | None:
        """An account, with what an administrator may know of it."""
        found: Obj | None = self._find("GET", _user(account))
        return found

    def create_user(self, account: str, email: str, password: str) -> None:
        """A new account, which sees only what it is given access to. Who signs in with the password need not change it."""
        self.secrets.add(password)
        fields = {"username": account, "email": email, "password": password, "must_change_password": False}
        self._request("POST", "/admin/users", {**fields, "restricted": True, "visibility": "private"})

    def restrict_user(self, account: str) -> None:
        """Has an account see only what it is given access to, and make neither repositories nor organizations."""
        fields = {"source_id": 0, "login_name": account, "restricted": True, "max_repo_creation": 0, "allow_create_organization": False}
        self._request("PATCH", f"/admin{_user(account)}", fields)

    def repository(self, name: str) -> Obj | None:
        """A repository."""
        found: Obj | None = self._find("GET", _repository(name))
        return found

    def create_repository(self, name: str, branch: str) -> None:
        """A new repository, private and empty."""
        owner, _slash, own_name = name.partition("/")
        self._request("POST", f"/admin{_user(owner)}/repos", {"name": own_name, "private": True, "default_branch": branch})

    def repositories(self, account: str) -> list[str]:
        """All repositories that an account owns or was given access to."""
        return [str(item["full_name"]) for item in self._pages(f"/user/repos?sudo={quote(account, safe='')}")]

    def give_access(self, repository: str, account: str, permission: str) -> None:
        """Gives an account this permission, C(read) or C(write), and no other one."""
        self._request("PUT", f"{_repository(repository)}/collaborators/{quote(account, safe='')}", {"permission": permission})

    def take_access(self, repository: str, account: str) -> None:
        """Takes an account's permission away."""
        self._request("DELETE", f"{_repository(repository)}/collaborators/{quote(account, safe='')}")

    def protection(self, repository: str, branch: str) -> Obj | None:
        """The rule that protects exactly this branch."""
        found: Obj | None = self._find("GET", f"{_repository(repository)}/branch_protections/{quote(branch, safe='')}")
        return found

    def protect(self, repository: str, branch: str, fields: Obj, *, new: bool) -> None:
        """Makes the rule that protects a branch, or changes fields of it."""
        path = f"{_repository(repository)}/branch_protections"
        if new:
            self._request("POST", path, {"rule_name": branch, **fields})
        else:
            self._request("PATCH", f"{path}/{quote(branch, safe='')}", fields)

    def hooks(self, repository: str) -> list[Obj]:
        """All webhooks of a repository."""
        return self._pages(f"{_repository(repository)}/hooks")

    def create_hook(self, repository: str, url: str, branch: str) -> None:
        """Reports pushes to a branch to a URL, in the form of Gogs, which Argo CD reads."""
        fields = {"type": "gogs", "active": True, "events": ["push"], "branch_filter": branch}
        self._request("POST", f"{_repository(repository)}/hooks", {**fields, "config": {"url": url, "content_type": "json"}})

    def delete_hook(self, repository: str, number: int) -> None:
        """Deletes a webhook, if it exists."""
        self._find("DELETE", f"{_repository(repository)}/hooks/{number}")

    def _pages(self, path: str) -> list[Obj]:
        """All items of a list, page by page. None if what it is of does not exist."""
        found: list[Obj] = []
        page = 0
        while True:
            page += 1
            items = self._find("GET", f"{path}{'&' if '?' in path else '?'}limit={PAGE}&page={page}") or []
            if not isinstance(items, list):
                raise GiteaError(-1, f"{self.name} answered GET {path} with no list.", "Read the server's log.", "bad_answer")
            if not items:  # a page may be shorter than the limit
                return found
            found += items

    def _find(self, method: str, path: str) -> Any:
        """The answer, or None where Gitea answers 404."""
        try:
            return self._request(method, path)
        except GiteaError as error:
            if error.status == 404:
                return None
            raise

    def _request(self, method: str, path: str, body: Any = None, authorization: str = "") -> Any:
        headers = {"Accept": "application/json", "Authorization": authorization or basic(self.account, self._password)}
        content = None
        if body is not None:
            headers["Content-Type"], content = "application/json", json.dumps(body).encode()
        try:
            answer = self._send(method, self._url + path, content, headers)
            return json.loads(answer) if answer.strip() else None
        except HTTPError as error:
            raise self._refusal(method, path, error) from None
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            advice = "Check that the Git server runs."
            if isinstance(reason, CollectionError):  # the tunnel's
                advice = reason.next_action or advice
            raise GiteaError(0, sentence(f"{self.name} cannot be reached: {reason}"), advice) from None

    def _refusal(self, method: str, path: str, error: HTTPError) -> GiteaError:
        text = error.read().decode("utf-8", "replace")
        try:
            detail = str(json.loads(text)["message"])
        except (ValueError, KeyError, TypeError):
            detail = "" if text.lstrip().startswith("<") else text
        detail = shorten(detail or str(error.reason), 200)
        if error.code == 401:
            message = f"{self.name} does not accept the password of account {self.account} (401, {detail})."
            return GiteaError(401, message, "Check the Secret that holds it: it must be the account's present password.")
        message = sentence(f"{self.name} answered {method} {path.partition('?')[0]} with {error.code}: {detail}")
        return GiteaError(error.code, message, "Read the server's log, and run the same command again.")
