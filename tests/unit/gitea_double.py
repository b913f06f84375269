# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers the requests that the modules make as Gitea 1.26 does. tests/integration/test_gitea_tokens.py asks the real one."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from email.message import Message
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, unquote, urlsplit

Obj = dict[str, Any]
HEX = "0123456789abcdef0123456789abcdef01234567"


class GiteaDouble:
    """A server with the administrator C(gitops), asked with its password. ``names`` are tokens that it has already."""

    def __init__(self, password: str, *names: str) -> None:
        self.password, self.asked, self.broken = password, list[str](), ""
        self.users: dict[str, Obj] = {"gitops": {"email": "gitops@git.invalid", "is_admin": True}}
        self.tokens: dict[str, dict[str, str]] = {"gitops": {name: f"{name}-secret" for name in names}}
        self.repositories: dict[str, Obj] = {}
        self.access: dict[str, dict[str, str]] = {}
        self.rules: dict[tuple[str, str], Obj] = {}
        self.hooks: dict[str, list[Obj]] = {}

    @property
    def held(self) -> dict[str, str]:
        """The administrator's own tokens."""
        return self.tokens["gitops"]

    def user(self, name: str, **fields: Any) -> None:
        """Adds an account."""
        self.users[name], self.tokens[name] = {"is_admin": False, **fields}, {}

    def __call__(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        parts = urlsplit(url)
        path = parts.path.removeprefix("/api/v1")
        given = json.loads(body) if body else {}
        self.asked.append(f"{method} {path}")
        if self.broken and path.endswith(self.broken):
            self._refuse(url, 500, "broken")
        if path == "/admin/users/gitops" and headers["Authorization"] == f"token {HEX}":
            self.password = given["password"]
            return b"{}"
        if headers["Authorization"] != "Basic " + base64.b64encode(f"gitops:{self.password}".encode()).decode():
            self._refuse(url, 401, "invalid username, password or token")
        answer = self._answer(method, list(map(unquote, path.strip("/").split("/"))), given, parse_qs(parts.query))
        if isinstance(answer, int):
            self._refuse(url, answer, "not found" if answer == 404 else "refused")
        return json.dumps(answer).encode() if answer is not None else b""

    def _answer(self, method: str, words: list[str], given: Obj, query: Mapping[str, list[str]]) -> Any:
        """What is answered: a status that refuses, or what becomes JSON."""
        match [method, *words]:
            case ["GET", "user"]:
                return {"login": "gitops"}
            case ["GET", "user", "repos"]:
                (account,) = query["sudo"]
                return self._page([{"full_name": name} for name, access in self.access.items() if account in access], query)
            case ["POST", "admin", "users"]:
                if given["username"] in self.users:
                    return 422
                self.user(given.pop("username"), **given)
                return {}
            case ["PATCH", "admin", "users", account]:
                return self._changed(self.users.get(account), given)
            case ["POST", "admin", "users", owner, "repos"]:
                name = f"{owner}/{given['name']}"
                if owner not in self.users or name in self.repositories:
                    return 404 if owner not in self.users else 409
                self.repositories[name], self.access[name] = given, {}
                return {}
            case [_, "users", account, *rest]:
                return self._of_user(method, account, rest, given, query) if account in self.users else 404
            case [_, "repos", owner, name, *rest]:
                return self._of_repository(method, f"{owner}/{name}", rest, given, query) if f"{owner}/{name}" in self.repositories else 404
        raise AssertionError((method, words))

    def _of_user(self, method: str, account: str, rest: list[str], given: Obj, query: Mapping[str, list[str]]) -> Any:
        tokens = self.tokens[account]
        match [method, *rest]:
            case ["GET"]:
                return {"login": account, **self.users[account]}
            case ["GET", "tokens"]:
                return self._page([{"name": name, "sha1": "", "token_last_eight": text[-8:]} for name, text in tokens.items()], query)
            case ["POST", "tokens"]:
                if given["name"] in tokens:
                    return 400
                tokens[given["name"]] = f"{HEX[:30]}{sum(map(len, self.tokens.values())):010d}"
                return {"name": given["name"], "sha1": tokens[given["name"]]}
            case ["DELETE", "tokens", name]:
                return 404 if tokens.pop(name, None) is None else None
        raise AssertionError((method, rest))

    def _of_repository(self, method: str, name: str, rest: list[str], given: Obj, query: Mapping[str, list[str]]) -> Any:
        hooks = self.hooks.setdefault(name, [])
        match [method, *rest]:
            case ["GET"]:
                return {"full_name": name}
            case ["PUT", "collaborators", account]:
                if account not in self.users:
                    return 422
                self.access[name][account] = given["permission"]
                return None
            case ["DELETE", "collaborators", account]:
                self.access[name].pop(account, None)
                return None
            case ["POST", "branch_protections"]:
                branch = given.pop("rule_name")
                if (name, branch) in self.rules:
                    return 403
                self.rules[name, branch] = given
                return {}
            case ["GET", "branch_protections", branch]:
                return self.rules.get((name, branch), 404)
            case ["PATCH", "branch_protections", branch]:
                return self._changed(self.rules.get((name, branch)), given)
            case ["GET", "hooks"]:
                return self._page(hooks, query)
            case ["POST", "hooks"]:
                hooks.append({"id": 1 + max((hook["id"] for hook in hooks), default=0), **given})
                return {}
            case ["DELETE", "hooks", number]:
                self.hooks[name] = [hook for hook in hooks if hook["id"] != int(number)]
                return None if len(self.hooks[name]) < len(hooks) else 404
        raise AssertionError((method, rest))

    @staticmethod
    def _changed(found: Obj | None, given: Obj) -> Any:
        if found is None:
            return 404
        found.update(given)
        return {}

    @staticmethod
    def _page(items: list[Obj], query: Mapping[str, list[str]]) -> list[Obj]:
        page = int(query["page"][0])
        return items[(page - 1) * 50 : page * 50]

    @staticmethod
    def _refuse(url: str, status: int, words: str) -> None:
        raise HTTPError(url, status, words, Message(), io.BytesIO(json.dumps({"message": words}).encode()))
