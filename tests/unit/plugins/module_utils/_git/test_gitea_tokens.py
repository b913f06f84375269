# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of Gitea's accounts: what is made, kept and revoked.

Gitea and the Kubernetes API are doubles here. tests/integration/test_gitea_tokens.py asks the real ones.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast
from urllib.error import URLError

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea import Gitea, GiteaError, GiteaToken
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_accounts import Member, Repository
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_tokens import (
    ACCESS,
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
from ansible_collections.gitops.airflow.tests.unit.gitea_double import HEX, GiteaDouble
from ansible_collections.gitops.airflow.tests.unit.kube_double import merged

Obj = dict[str, Any]
SCOPES = ("read:repository",)
TOKENS = (Token("argocd", "argocd-token", SCOPES), Token("git-sync", "git-sync-token", SCOPES))
WANTED = Wanted("airflow", "git", "git-credentials", "gitops", TOKENS)
# The same tokens, of accounts of their own (D5).
MEMBERS = (Member("argocd", "gitops/platform", "read"), Member("git-sync", "gitops/dags", "read"))
OWN = replace(
    WANTED,
    tokens=tuple(replace(token, member=member) for token, member in zip(TOKENS, MEMBERS, strict=True)),
    repositories=(Repository("gitops/platform", "main", ("gitops",)), Repository("gitops/dags")),
)
LABELS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}


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
        """A merge patch, which the server refuses for an object that has changed since."""
        self.patches.append((body, query))
        assert self.secret is not None
        if self.refuse == 409 and len(self.patches) == 1:
            self.secret = {
                **stored({**GOOD, "argocd-token": "another-run-s"}),
                "metadata": {**self.secret["metadata"], "resourceVersion": "8"},
            }
        elif self.refuse:
            raise ApiError(self.refuse, "refused")
        if body["metadata"]["resourceVersion"] != self.secret["metadata"]["resourceVersion"]:
            raise ApiError(409, "the object has been modified")
        after: Obj = merged(self.secret, body)
        if "dryRun" not in query:
            self.secret = after
        return after


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


def keeper(api: Api, run: Any = never, check: bool = False, wanted: Wanted = WANTED) -> GiteaTokens:
    return GiteaTokens(cast(KubeApi, api), wanted, run, check=check, now=lambda: 1777888999.5)


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
    assert (api.secret["metadata"]["labels"], api.secret["metadata"].get("annotations")) == (LABELS, {})


@pytest.mark.parametrize(
    ("name", "pending"),
    [("argocd-1777000001", True), ("set-password-1777000001", True), ("argocd-mine", False), ("argocd-2026", False), ("laptop", False)],
)
def test_tokens_of_an_interrupted_run_are_noted(name: str, pending: bool) -> None:
    double, api = GiteaDouble("right", name), Api()
    assert keeper(api).make(gitea(double), "").pending is pending
    assert api.secret is not None
    assert api.secret["metadata"].get("annotations") == ({EARLIER: "1777888999"} if pending else {})
    assert name in double.held


def test_tokens_that_could_not_be_stored_are_ended() -> None:
    double = GiteaDouble("right", "argocd-1")
    with pytest.raises(ApiError, match="refused"):
        keeper(Api(refuse=403)).make(gitea(double), "")
    assert list(double.held) == ["argocd-1"]
    outcome = keeper(Api(refuse=409)).make(gitea(double), "")  # another run has stored its own
    assert (outcome.changed, list(double.held)) == (False, ["argocd-1"])


GOOD = {"username": "gitops", "argocd-token": "argocd-1777000007-secret", "git-sync-token": "git-sync-1777000007-secret"}
KEPT = "1777000007"


def test_stored_tokens_are_kept() -> None:
    assert not keeper(Api(stored(GOOD))).outdated
    assert keeper(Api(stored(GOOD, KEPT))).kept == KEPT


@pytest.mark.parametrize("wanted", [WANTED, OWN])
@pytest.mark.parametrize("without", ["argocd-token", "username", ""])
def test_d5_a_secret_of_an_older_version_is_completed(wanted: Wanted, without: str) -> None:
    """Where keys are missing, or its tokens are the administrator's, all tokens are made anew. The earlier ones stay valid."""
    present = stored({**GOOD, without: "", "retired-token": "x"} if without else GOOD)
    api, double = Api(present), GiteaDouble("right", "argocd-1777000007", "git-sync-1777000007")
    found = keeper(api, wanted=wanted)
    assert found.outdated is (bool(without) or wanted is OWN)
    if not found.outdated:
        return
    outcome = found.make(gitea(double), "")
    assert (outcome.changed, outcome.created, outcome.pending) == (True, True, True)
    made = [double.tokens[wanted.account_of(token)][f"{token.name}-1777888999"] for token in wanted.tokens]
    assert texts(api) == {"username": "gitops", "argocd-token": made[0], "git-sync-token": made[1]}
    assert {"argocd-1777000007", "git-sync-1777000007"} <= double.held.keys()
    assert api.secret is not None
    expected = {EARLIER: "1777888999", **({ACCESS: OWN.access} if wanted is OWN else {})}
    assert (api.secret["metadata"]["annotations"], api.secret["metadata"]["labels"]) == (expected, LABELS)
    assert not keeper(api, wanted=wanted).outdated

    assert sorted(keeper(api, wanted=wanted).revoke(gitea(double)).revoked) == ["argocd-1777000007", "git-sync-1777000007"]
    assert api.secret["metadata"]["annotations"] == ({ACCESS: OWN.access} if wanted is OWN else {})
    assert sorted(text for tokens in double.tokens.values() for text in tokens.values()) == sorted(made)


def test_d5_other_access_makes_other_tokens() -> None:
    assert OWN.access == (
        "argocd: read gitops/platform (read:repository)\ngit-sync: read gitops/dags (read:repository)\n"
        "gitops/platform main: pushed to by gitops\ngitops/dags main"
    )
    present = stored(GOOD)
    present["metadata"]["annotations"] = {ACCESS: OWN.access}
    assert not keeper(Api(present), wanted=OWN).outdated
    for other in (
        WANTED,
        replace(OWN, repositories=(Repository("gitops/platform", "live", ("gitops",)), Repository("gitops/dags"))),
        replace(OWN, tokens=(replace(OWN.tokens[0], scopes=("write:repository",)), OWN.tokens[1])),
        replace(OWN, tokens=(replace(OWN.tokens[0], member=Member("argocd", "gitops/platform", "write")), OWN.tokens[1])),
    ):
        assert keeper(Api(present), wanted=other).outdated


@pytest.mark.parametrize("secret", [None, stored({**GOOD, "argocd-token": ""})])
@pytest.mark.parametrize("status", [0, 500])
def test_tokens_that_may_be_stored_are_not_ended(secret: Obj | None, status: int) -> None:
    """The API server has not said whether it stored them. The next run revokes them if it did not."""
    double = GiteaDouble("right")
    with pytest.raises(ApiError, match="refused"):
        keeper(Api(secret, refuse=status or -1)).make(gitea(double), "")
    assert list(double.held) == ["argocd-1777888999", "git-sync-1777888999"]


@pytest.mark.parametrize(("refuse", "kept"), [(403, ["argocd-1777000007"]), (409, ["argocd-1777000007"])])
def test_tokens_that_another_run_stored_meanwhile_stay(refuse: int, kept: list[str]) -> None:
    """Those that this run has made are ended: nobody knows them."""
    api, double = Api(stored({**GOOD, "argocd-token": ""}), refuse=refuse), GiteaDouble("right", *kept)
    found = keeper(api)
    if refuse == 403:
        with pytest.raises(ApiError, match="refused"):
            found.make(gitea(double), "")
    else:
        assert not found.make(gitea(double), "").changed
        assert texts(api)["argocd-token"] == "another-run-s"
    assert list(double.held) == kept


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        (stored(GOOD, labels={}), "foreign_object"),
        (stored(GOOD, labels={**LABELS, "gitops-airflow/platform": "beta"}), "other_platform"),
        ({**stored(GOOD), "metadata": {**stored(GOOD)["metadata"], "deletionTimestamp": "2026-05-04T10:00:00Z"}}, "being_deleted"),
    ],
)
def test_another_secret_is_refused(secret: Obj, code: str) -> None:
    with pytest.raises(CollectionError) as refusal:
        assert keeper(Api(secret)).outdated
    assert refusal.value.code == code
    assert refusal.value.next_action


@pytest.mark.parametrize("check", [False, True])
def test_earlier_tokens_are_revoked_page_by_page(check: bool) -> None:
    many = [f"argocd-{number}" for number in range(1776000100, 1776000220)]
    own = ("argocd-mine", "argocd-1", "argocd-1777000007", "git-sync-1777000007")
    double, api = GiteaDouble("right", *many, "set-password-1776000003", *own), Api(stored(GOOD, KEPT))
    outcome = keeper(api, check=check).revoke(gitea(double))
    assert (outcome.changed, outcome.revoked) == (True, [*many, "set-password-1776000003"])
    ((body, query),) = api.patches
    assert body["metadata"] == {"annotations": {EARLIER: None}, "resourceVersion": "7"}
    assert ("dryRun" in query, len(double.held)) == (check, 125 if check else 4)


@pytest.mark.parametrize(
    ("texts", "held", "words"),
    [
        (
            {"argocd-token": "another-token"},
            ["argocd-1777000007", "git-sync-1777000007"],
            "are not those of Gitea that end with 1777000007: argocd",
        ),
        ({}, ["argocd-1777000007"], "are not those of Gitea that end with 1777000007: git-sync"),
        ({"argocd-token": ""}, ["argocd-1777000007", "git-sync-1777000007"], "not those that are declared"),
    ],
)
def test_nothing_is_revoked_if_the_stored_tokens_are_not_gitea_s(texts: dict[str, str], held: list[str], words: str) -> None:
    double = GiteaDouble("right", "argocd-1777000006", *held)
    with pytest.raises(CollectionError, match=f"{words}.* None was revoked") as refusal:
        keeper(Api(stored({**GOOD, **texts}, KEPT))).revoke(gitea(double))
    assert (refusal.value.code, len(double.held)) == ("unknown_tokens", 1 + len(held))


def test_d5_a_token_of_the_right_name_at_another_account_is_not_the_stored_one() -> None:
    """An older version's are the administrator's."""
    present = stored(GOOD, KEPT)
    present["metadata"]["annotations"][ACCESS] = OWN.access
    double = GiteaDouble("right", "argocd-1777000007", "git-sync-1777000007")
    with pytest.raises(CollectionError, match="None was revoked"):
        keeper(Api(present), wanted=OWN).revoke(gitea(double))
    assert len(double.held) == 2


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
    ("names", "earlier"),
    [
        (["argocd-1777000001", "git-sync-1777000007"], ["argocd-1777000001"]),
        (["argocd-x", "my-argocd-1777000001", "argocd-1-1777000001", "argocd-2026", "argocd", "argocd-"], []),
        (["set-password-1777000007", "set-password-1777000003"], ["set-password-1777000007", "set-password-1777000003"]),
    ],
)
def test_which_tokens_are_of_an_earlier_time(names: list[str], earlier: list[str]) -> None:
    listed = [GiteaToken(name, "") for name in names]
    assert earlier_tokens({"gitops": listed}, WANTED, KEPT) == [("gitops", name) for name in earlier]
    assert set(earlier) <= set(made_here(listed, TOKENS))


def test_d5_which_tokens_of_which_account_are_of_an_earlier_time() -> None:
    listed = {name: [GiteaToken("argocd-1777000007", ""), GiteaToken("argocd-1777000001", "")] for name in ("gitops", "argocd", "git-sync")}
    old = [("gitops", "argocd-1777000007"), ("gitops", "argocd-1777000001"), ("argocd", "argocd-1777000001")]
    assert earlier_tokens(listed, OWN, KEPT)[:3] == old


@pytest.mark.parametrize(
    "tokens",
    [
        (Token("a", "x", SCOPES), Token("a", "y", SCOPES)),
        (Token("a", "x", SCOPES), Token("b", "x", SCOPES)),
        (Token("a", "username", SCOPES),),
        (Token("set-password", "x", SCOPES),),
        (Token("a", "x", ()),),
        (Token("a", "x", SCOPES, MEMBERS[0]),),
    ],
)
def test_tokens_that_cannot_be_told_apart_are_refused(tokens: tuple[Token, ...]) -> None:
    with pytest.raises(CollectionError) as refusal:
        check_tokens(replace(WANTED, tokens=tokens))
    assert refusal.value.code == "bad_option"


def test_a_refusal_names_the_server_and_no_password() -> None:
    with pytest.raises(GiteaError, match="Gitea does not accept the password of account gitops") as refusal:
        gitea(GiteaDouble("other"), "s3cret").tokens("gitops")
    assert (refusal.value.status, "s3cret" in refusal.value.text) == (401, False)
    double = GiteaDouble("right")
    double.broken = "/tokens"
    with pytest.raises(GiteaError, match=r"Gitea answered GET /users/gitops/tokens with 500: broken\.") as refusal:
        gitea(double).tokens("gitops")
    assert refusal.value.passing


def test_no_answer_is_an_error() -> None:
    def silent(*_request: Any) -> bytes:
        raise URLError(CollectionError("the Service gitea has no ready pod", "Look at its pods."))

    with pytest.raises(GiteaError, match="Gitea cannot be reached: the Service gitea has no ready pod") as refusal:
        Gitea("http://127.0.0.1:1", "gitops", "x", "Gitea", silent).accepts_password()
    assert refusal.value.next_action == "Look at its pods."
