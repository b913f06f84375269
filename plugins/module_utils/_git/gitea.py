# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few requests of Gitea's API (v1) that an account's password and tokens need. It asks for the account's password, not for a token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, RequestError
from ansible_collections.gitops.airflow.plugins.module_utils._base.http_sender import Send, basic, sender
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten

SECONDS = 30.0
PAGE = 50  # Gitea returns no more at once (gitea: setting.API.MaxResponseItems)


class GiteaError(RequestError):
    """Gitea's refusal, or no answer."""


@dataclass(frozen=True)
class GiteaToken:
    """A token in Gitea's list. ``end`` is its last eight characters; no more of it can be read."""

    name: str
    end: str


class Gitea:
    """One account of one server. ``name`` is what messages call the server. Each call raises GiteaError."""

    def __init__(self, url: str, account: str, password: str, name: str, send: Send | None = None) -> None:
        self.account, self.name = account, name
        self._url, self._password, self._send = f"{url.rstrip('/')}/api/v1", password, send or sender(url, SECONDS)
        self.secrets = {password}  # whatever a message must not show
        self._tokens = f"/users/{quote(account, safe='')}/tokens"

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
        self._request("PATCH", f"/admin/users/{quote(self.account, safe='')}", fields, f"token {token}")

    def tokens(self) -> list[GiteaToken]:
        """All tokens of the account."""
        found: list[GiteaToken] = []
        page = 0
        while True:
            page += 1
            items = self._request("GET", f"{self._tokens}?limit={PAGE}&page={page}")
            if not isinstance(items, list):
                raise GiteaError(-1, f"{self.name} answered the list of tokens with no list.", "Look at the server's log.", "bad_answer")
            found += [GiteaToken(str(item["name"]), str(item.get("token_last_eight") or "")) for item in items]
            if not items:
                return found

    def create_token(self, name: str, scopes: Sequence[str]) -> str:
        """A new token."""
        answer = self._request("POST", self._tokens, {"name": name, "scopes": list(scopes)})
        token = answer.get("sha1") if isinstance(answer, dict) else None
        if not token:
            raise GiteaError(-1, f"{self.name} made the token {name} and did not return it.", "Look at the server's log.", "bad_answer")
        self.secrets.add(str(token))
        return str(token)

    def delete_token(self, name: str) -> bool:
        """Ends a token. Returns whether it was there."""
        try:
            self._request("DELETE", f"{self._tokens}/{quote(name, safe='')}")
        except GiteaError as error:
            if error.status == 404:
                return False
            raise
        return True

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
            raise GiteaError(0, f"{self.name} cannot be reached: {reason}.", advice) from None

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
        message = f"{self.name} answered {method} {path.partition('?')[0]} with {error.code}: {detail}."
        return GiteaError(error.code, message, "Look at the server's log, and run the same command again.")
