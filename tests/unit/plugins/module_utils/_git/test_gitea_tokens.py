# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of a Gitea account: what is made, kept and revoked.

Gitea and the Kubernetes API are doubles here. tests/integration/test_gitea_tokens.py asks the real ones.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from email.message import Message
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea import Gitea, GiteaError, GiteaToken
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_tokens import (
    EARLIER,
    GiteaTokens,
    Token,
    Wanted,
    check_tokens,
    earlier_tokens,
    made_here,
    read_token,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import Execution

Obj = dict[str, Any]
SCOPES = ("read:repository",)
TOKENS = (Token("argocd", "argocd-token", SCOPES), Token("git-sync", "git-sync-token", SCOPES))
WANTED = Wanted("airflow", "git", "git-credentials", "gitops", TOKENS)
LABELS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
HEX = "0123456789abcdef0123456789abcdef01234567"


class GiteaDouble:
    """Answers the requests that the module makes as Gitea 1.26 does, of one account."""

    def __init__(self, password: str, *names: str) -> None:
        self.password, self.held, self.asked, self.broken = password, {name: f"{name}-secret" for name in names}, list[str](), ""

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
        if path == "/user":
            return b"{}"
        if method == "GET":
            page = int(parse_qs(parts.query)["page"][0])
            names = list(self.held)[(page - 1) * 50 : page * 50]
            return json.dumps([{"name": name, "sha1": "", "token_last_eight": self.held[name][-8:]} for name in names]).encode()
        if method == "POST":
            self.held[given["name"]] = f"{HEX[:30]}{len(self.held):010d}"
            return json.dumps({"name": given["name"], "sha1": self.held[given["name"]]}).encode()
        if self.held.pop(path.rsplit("/", 1)[1], None) is None:
            self._refuse(url, 404, "not found")
        return b""

    @staticmethod
    def _refuse(url: str, status: int, words: str) -> None:
        raise HTTPError(url, status, words, Message(), io.BytesIO(json.dumps({"message": words}).encode()))


class Api:
    """Holds the Secret with the tokens."""

    def __init__(self, secret: Obj | None = None, refuse: int = 0) -> None:
        self.secret, self.refuse, self.patches = secret, refuse, list[tuple[Obj, Obj]]()

    def find(self, _path: str) -> Obj | None:
        return self.secret

    get = find

    def create(self, path: str, body: Obj) -> Obj:
        assert path == "/api/v1/namespaces/git/secrets"
        if self.refuse == 409:
            self.secret = stored({"username": "gitops", "argocd-token": "t", "git-sync-token": "t"})
        if self.refuse:
            raise ApiError(self.refuse, "refused")
        self.secret = body
        return body

    def patch(self, _path: str, body: Obj, query: Obj) -> Obj:
        self.patches.append((body, query))
        assert self.secret is not None
        return {**self.secret, "metadata": {**self.secret["metadata"], "annotations": {}}}


def stored(texts: dict[str, str], kept: str = "", labels: Mapping[str, str] | None = None) -> Obj:
    metadata = {
        "name": "git-credentials",
        "labels": dict(LABELS if labels is None else labels),
        "resourceVersion": "7",
        "annotations": {EARLIER: kept} if kept else {},
    }
    return {"kind": "Secret", "metadata": metadata, "data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}}


def printing(command: list[str]) -> Execution:
    assert command[:5] == ["gitea", "admin", "user", "generate-access-token", "--config"]
    return Execution(f"2026/05/04 [W] a warning of the log\n{HEX}\n", "", 0)


def never(command: list[str]) -> Execution:
    raise AssertionError(command)


def keeper(api: Api, run: Any = never, check: bool = False) -> GiteaTokens:
    return GiteaTokens(cast(KubeApi, api), WANTED, run, check=check, now=lambda: 1777888999.5)


def gitea(double: GiteaDouble, password: str = "right") -> Gitea:
    return Gitea("http://127.0.0.1:1", "gitops", password, "Gitea", double)


def texts(api: Api) -> dict[str, str]:
    assert api.secret is not None
    return {key: base64.b64decode(value).decode() for key, value in api.secret["data"].items()}


def test_a_new_account_gets_its_password_and_its_tokens() -> None:
    double, api = GiteaDouble("random"), Api()
    outcome = keeper(api, printing).make(gitea(double), "/etc/gitea/app.ini")
    assert (outcome.changed, outcome.created, outcome.pending) == (True, True, False)
    assert double.password == "right"
    assert sorted(double.held) == ["argocd-1777888999", "git-sync-1777888999"]
    held = double.held
    assert texts(api) == {"username": "gitops", "argocd-token": held["argocd-1777888999"], "git-sync-token": held["git-sync-1777888999"]}
    assert api.secret is not None
    assert (api.secret["metadata"]["labels"], api.secret["metadata"].get("annotations")) == (LABELS, None)


@pytest.mark.parametrize(("name", "pending"), [("argocd-1", True), ("set-password-1", True), ("argocd-mine", False), ("laptop", False)])
def test_tokens_of_an_interrupted_run_are_noted(name: str, pending: bool) -> None:
    double, api = GiteaDouble("right", name), Api()
    assert keeper(api).make(gitea(double), "").pending is pending
    assert api.secret is not None
    assert api.secret["metadata"].get("annotations") == ({EARLIER: "1777888999"} if pending else None)
    assert name in double.held


def test_tokens_that_could_not_be_stored_are_ended() -> None:
    double = GiteaDouble("right", "argocd-1")
    with pytest.raises(ApiError, match="refused"):
        keeper(Api(refuse=403)).make(gitea(double), "")
    assert list(double.held) == ["argocd-1"]
    outcome = keeper(Api(refuse=409)).make(gitea(double), "")  # another run has stored its own
    assert (outcome.changed, list(double.held)) == (False, ["argocd-1"])


GOOD = {"username": "gitops", "argocd-token": "argocd-7-secret", "git-sync-token": "git-sync-7-secret"}


def test_stored_tokens_are_kept() -> None:
    found = keeper(Api(stored(GOOD)))
    assert not found.missing
    assert found.present().changed is False
    assert keeper(Api(stored(GOOD, "7"))).present().pending


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        (stored(GOOD, labels={}), "foreign_object"),
        (stored(GOOD, labels={**LABELS, "gitops-airflow/platform": "beta"}), "other_platform"),
        (stored({**GOOD, "argocd-token": ""}), "incomplete_secret"),
        ({**stored(GOOD), "metadata": {**stored(GOOD)["metadata"], "deletionTimestamp": "2026-05-04T10:00:00Z"}}, "being_deleted"),
    ],
)
def test_another_secret_is_refused(secret: Obj, code: str) -> None:
    with pytest.raises(CollectionError) as refusal:
        keeper(Api(secret)).present()
    assert refusal.value.code == code
    assert refusal.value.next_action


@pytest.mark.parametrize("check", [False, True])
def test_earlier_tokens_are_revoked_page_by_page(check: bool) -> None:
    many = [f"argocd-{number}" for number in range(100, 220)]
    double, api = GiteaDouble("right", *many, "set-password-3", "argocd-mine", "argocd-7", "git-sync-7"), Api(stored(GOOD, "7"))
    outcome = keeper(api, check=check).revoke(gitea(double))
    assert (outcome.changed, outcome.revoked) == (True, [*many, "set-password-3"])
    ((body, query),) = api.patches
    assert body["metadata"] == {"annotations": {EARLIER: None}, "resourceVersion": "7"}
    assert ("dryRun" in query, len(double.held)) == (check, 124 if check else 3)


def test_nothing_is_revoked_if_the_stored_tokens_are_not_gitea_s() -> None:
    double = GiteaDouble("right", "argocd-7", "argocd-6", "git-sync-7")
    with pytest.raises(CollectionError, match="None was revoked") as refusal:
        keeper(Api(stored({**GOOD, "argocd-token": "another-token"}, "7"))).revoke(gitea(double))
    assert (refusal.value.code, len(double.held)) == ("unknown_tokens", 3)


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (Execution("", "no such user", 1), r"exit code 1\): no such user"),
        (Execution("a\nb\n", "", 0), "it printed no token"),
        (Execution(f"{HEX}\n{HEX}", "", 0), "it printed no token"),
        (Execution(HEX, "", 2), "exit code 2"),
    ],
)
def test_without_a_token_the_password_cannot_be_set(done: Execution, words: str) -> None:
    with pytest.raises(CollectionError, match=words) as refusal:
        read_token(done)
    assert HEX not in refusal.value.text


@pytest.mark.parametrize(
    ("names", "kept", "earlier"),
    [
        (["argocd-1", "git-sync-2"], "2", ["argocd-1"]),
        (["argocd-x", "my-argocd-1", "argocd-1-2", "argocd", "argocd-"], "2", []),
        (["set-password-2", "set-password-3"], "2", ["set-password-3"]),
    ],
)
def test_which_tokens_are_of_an_earlier_time(names: list[str], kept: str, earlier: list[str]) -> None:
    listed = [GiteaToken(name, "") for name in names]
    assert earlier_tokens(listed, TOKENS, kept) == earlier
    assert set(earlier) <= set(made_here(listed, TOKENS))


@pytest.mark.parametrize(
    "tokens",
    [
        (Token("a", "x", SCOPES), Token("a", "y", SCOPES)),
        (Token("a", "x", SCOPES), Token("b", "x", SCOPES)),
        (Token("a", "username", SCOPES),),
        (Token("set-password", "x", SCOPES),),
        (Token("a", "x", ()),),
    ],
)
def test_tokens_that_cannot_be_told_apart_are_refused(tokens: tuple[Token, ...]) -> None:
    with pytest.raises(CollectionError) as refusal:
        check_tokens(tokens)
    assert refusal.value.code == "bad_option"


def test_a_refusal_names_the_server_and_no_password() -> None:
    with pytest.raises(GiteaError, match="Gitea does not accept the password of account gitops") as refusal:
        gitea(GiteaDouble("other"), "s3cret").tokens()
    assert (refusal.value.status, "s3cret" in refusal.value.text) == (401, False)
    double = GiteaDouble("right")
    double.broken = "/tokens"
    with pytest.raises(GiteaError, match=r"Gitea answered GET /users/gitops/tokens with 500: broken\.") as refusal:
        gitea(double).tokens()
    assert refusal.value.passing


def test_no_answer_is_an_error() -> None:
    def silent(*_request: Any) -> bytes:
        raise URLError(CollectionError("the Service gitea has no ready pod", "Look at its pods."))

    with pytest.raises(GiteaError, match="Gitea cannot be reached: the Service gitea has no ready pod") as refusal:
        Gitea("http://127.0.0.1:1", "gitops", "x", "Gitea", silent).accepts_password()
    assert refusal.value.next_action == "Look at its pods."
