# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of Gitea's accounts that are made once and kept in a Secret; those of an earlier time are revoked once nobody uses them."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks, refuse_foreign
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea import Gitea, GiteaToken
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_accounts import (
    Member,
    Repository,
    check_members,
    make_accounts,
    take_other_access,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import Place, refuse_terminating, update
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import Execution

# On the Secret while tokens of an earlier time than its own are valid. Its value ends the names of the Secret's own tokens.
EARLIER = "gitops-airflow/tokens-to-keep"
# On the Secret: what its tokens' accounts may do, as declared when they were made.
ACCESS = "gitops-airflow/git-access"
# The token that may set the account's password is ended at once.
SETTING = "set-password"
SETTING_SCOPE = "write:admin"
TOKEN = re.compile(r"[0-9a-f]{40}")
# A token's name ends with the time of its making in seconds. Shorter numbers may be a person's own.
SECONDS = r"\d{10}"


@dataclass(frozen=True)
class Token:
    """A token to make, with the Secret's key for it. Without ``member`` it is the administrator's own."""

    name: str
    key: str
    scopes: tuple[str, ...]
    member: Member | None = None


@dataclass(frozen=True)
class Wanted:
    """The Secret as it is declared. ``account`` is the administrator's, if tokens are of other accounts."""

    platform: str
    namespace: str
    name: str
    account: str
    tokens: tuple[Token, ...]
    repositories: tuple[Repository, ...] = ()
    adopt: bool = False

    @property
    def place(self) -> Place:
        return Place("v1", "Secret", "secrets", self.namespace, self.name)

    @property
    def members(self) -> tuple[Member, ...]:
        return tuple(dict.fromkeys(token.member for token in self.tokens if token.member))

    @property
    def accounts(self) -> tuple[str, ...]:
        """All accounts that have, or may have had, tokens that this module made."""
        return (self.account, *(member.account for member in self.members))

    @property
    def access(self) -> str:
        """What the accounts may do, for a person to read and for the next run to compare. Empty without any."""
        lines = [f"{token.member} ({', '.join(token.scopes)})" for token in self.tokens if token.member]
        return "\n".join([*lines, *map(str, self.repositories)])

    def account_of(self, token: Token) -> str:
        return token.member.account if token.member else self.account


@dataclass(frozen=True)
class Outcome:
    """What was done, or in check mode would be.

    ``changed``: Gitea or the Secret changed. ``pending``: tokens of an earlier time are valid still.
    """

    changed: bool = False
    created: bool = False
    pending: bool = False
    revoked: list[str] = field(default_factory=list)


def check_tokens(wanted: Wanted) -> None:
    """Raises CollectionError for two tokens of one name or key, a name that the module uses itself, or a token without scopes."""
    tokens = wanted.tokens
    for what, values in (("name", [item.name for item in tokens]), ("key", ["username", *(item.key for item in tokens)])):
        if twice := sorted({value for value in values if values.count(value) > 1}):
            raise CollectionError(f"tokens has the {what} {', '.join(twice)} twice.", f"Give each token a {what} of its own.", "bad_option")
    if SETTING in (item.name for item in tokens):
        raise CollectionError(f"tokens has the name {SETTING}, which the module itself uses.", "Use another name.", "bad_option")
    if scopeless := [item.name for item in tokens if not item.scopes]:
        raise CollectionError(f"The token {', '.join(scopeless)} has no scopes.", "Name them, for instance read:repository.", "bad_option")
    check_members(wanted.account, wanted.repositories, wanted.members)


def made_here(tokens: Iterable[GiteaToken], wanted: Iterable[Token]) -> list[str]:
    """The names of tokens that a run of this module made, at whatever time. Others are a person's own."""
    names = "|".join(re.escape(name) for name in (*(item.name for item in wanted), SETTING))
    return [token.name for token in tokens if re.fullmatch(rf"({names})-{SECONDS}", token.name)]


def earlier_tokens(listed: Mapping[str, Sequence[GiteaToken]], wanted: Wanted, kept: str) -> list[tuple[str, str]]:
    """Account and name of the tokens that this module made and that are not those of ``kept``, of the tokens listed by account."""
    current = {(wanted.account_of(item), f"{item.name}-{kept}") for item in wanted.tokens}
    found = [(account, name) for account, tokens in listed.items() for name in made_here(tokens, wanted.tokens)]
    return [item for item in found if item not in current]


def own_texts(secret: Obj, wanted: Wanted) -> dict[str, str]:
    """The Secret's values by their keys, as far as it has those that are declared.

    :raises CollectionError: where it is another's or is being deleted.
    """
    refuse_foreign(str(wanted.place), secret["metadata"], wanted.platform, wanted.adopt)
    refuse_terminating(wanted.place, secret)
    data = secret.get("data") or {}
    return {key: base64.b64decode(data[key]).decode() for key in ("username", *(item.key for item in wanted.tokens)) if data.get(key)}


def read_token(done: Execution) -> str:
    """The token that Gitea's command line printed, perhaps after lines of its log. Raises CollectionError."""
    printed = [line for line in done.output.splitlines() if TOKEN.fullmatch(line.strip())]
    if done.code == 0 and len(printed) == 1:
        return printed[0].strip()
    words = " ".join(done.errors.split())[-300:] or "it printed no token"
    raise CollectionError(
        f"Gitea could not make the token that sets the account's password (exit code {done.code}): {words}.",
        "Read the log of the Git server's pod.",
        "no_token",
    )


class GiteaTokens:
    """Makes, stores and ends the tokens. ``run`` runs Gitea's command line in the server's pod. Raises CollectionError."""

    def __init__(
        self,
        api: KubeApi,
        wanted: Wanted,
        run: Callable[[list[str]], Execution],
        *,
        check: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._api, self.wanted, self._run, self._check, self._now = api, wanted, run, check, now
        self.secret = api.find(wanted.place.path)

    @property
    def outdated(self) -> bool:
        """Whether the tokens are to be made. Raises CollectionError for another's Secret."""
        if self.secret is None:
            return True
        texts = own_texts(self.secret, self.wanted)
        return len(texts) < len(self.wanted.tokens) + 1 or self.stored_access != self.wanted.access

    @property
    def kept(self) -> str:
        """What ends the names of the stored tokens while others of an earlier time are valid; empty if none are."""
        return self._annotation(EARLIER)

    @property
    def stored_access(self) -> str:
        """What the accounts of the stored tokens may do."""
        return self._annotation(ACCESS)

    def _annotation(self, name: str) -> str:
        annotations: Mapping[str, str] = ((self.secret or {}).get("metadata") or {}).get("annotations") or {}
        return annotations.get(name, "")

    def make(self, gitea: Gitea, config: str) -> Outcome:
        """Makes accounts, repositories and all tokens anew, and stores the tokens. Stored ones stay valid.

        The account gets its password first, which at its creation is random and unknown.
        """
        wanted, suffix = self.wanted, str(int(self._now()))
        if not gitea.accepts_password():
            self._set_password(gitea, config, suffix)
        make_accounts(gitea, wanted.repositories, wanted.members)
        pending = any(made_here(gitea.tokens(account), wanted.tokens) for account in wanted.accounts)
        made: list[tuple[str, str]] = []
        texts = {"username": wanted.account}
        try:
            for token in wanted.tokens:
                account, name = wanted.account_of(token), f"{token.name}-{suffix}"
                texts[token.key] = gitea.create_token(account, name, token.scopes)
                made.append((account, name))
            stored = self._store(texts, suffix if pending else "")
        except CollectionError as error:
            # Without a clear answer the Secret may hold them. A later run revokes them if it does not.
            if not isinstance(error, ApiError) or 400 <= error.status < 500:
                self._end(gitea, made)
            raise
        if not stored:
            self._end(gitea, made)
            return Outcome(pending=bool(self.kept))
        return Outcome(changed=True, created=True, pending=pending)

    @staticmethod
    def _end(gitea: Gitea, made: Iterable[tuple[str, str]]) -> None:
        """Ends tokens that nobody knows."""
        for account, name in made:
            with suppress(CollectionError):
                gitea.delete_token(account, name)

    def _set_password(self, gitea: Gitea, config: str, suffix: str) -> None:
        name = f"{SETTING}-{suffix}"
        command = ["gitea", "admin", "user", "generate-access-token", "--config", config, "--username", self.wanted.account]
        token = read_token(self._run([*command, "--token-name", name, "--scopes", SETTING_SCOPE, "--raw"]))
        gitea.set_password(token)
        gitea.delete_token(self.wanted.account, name)

    def _store(self, texts: Mapping[str, str], kept: str) -> bool:
        """Makes the Secret hold exactly these values. Returns False if another run has stored its own meanwhile."""
        place, before = self.wanted.place, (self.secret or {}).get("data") or {}
        annotations = {EARLIER: kept or None, ACCESS: self.wanted.access or None}
        data: Obj = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        if self.secret is None:
            metadata: Obj = {
                "labels": marks(self.wanted.platform),
                "annotations": {key: value for key, value in annotations.items() if value},
            }
            try:
                self._api.create(place.path.rpartition("/")[0], place.body(metadata, data=data))
            except ApiError as error:
                if error.status != 409:
                    raise
                self.secret = self._api.get(place.path)
                own_texts(self.secret, self.wanted)
                return False
            return True
        patch = {"metadata": {"annotations": annotations}, "data": {**dict.fromkeys(before), **data}}

        def replaced(present: Obj | None) -> Obj | None:
            if present is None or (present.get("data") or {}) != before:
                self.secret = present
                return None
            return patch

        return update(self._api, place, replaced, self._check).changed

    def revoke(self, gitea: Gitea) -> Outcome:
        """Ends the tokens of an earlier time than the stored ones and takes other access from the accounts, and says so on the Secret."""
        wanted, kept = self.wanted, self.kept
        listed = {account: gitea.tokens(account) for account in wanted.accounts}
        self._refuse_unknown(gitea.name, listed)
        old = earlier_tokens(listed, wanted, kept)
        if not self._check:
            take_other_access(gitea, wanted.members)
            for account, name in old:
                gitea.delete_token(account, name)

        def settled(present: Obj | None) -> Obj | None:
            annotations = ((present or {}).get("metadata") or {}).get("annotations") or {}
            return {"metadata": {"annotations": {EARLIER: None}}} if annotations.get(EARLIER) == kept else None

        cleared = update(self._api, wanted.place, settled, self._check).changed
        return Outcome(changed=cleared or bool(old), revoked=[name for _account, name in old])

    def _refuse_unknown(self, server: str, listed: Mapping[str, Sequence[GiteaToken]]) -> None:
        """Raises CollectionError where the stored tokens are not those that are declared, or not among those of Gitea."""
        wanted, kept = self.wanted, self.kept
        advice = "Make new tokens first (state=present, as site.yml does)."
        if self.outdated:
            raise CollectionError(
                f"The tokens in {wanted.place} are not those that are declared. None was revoked.", advice, "unknown_tokens"
            )
        texts = own_texts(self.secret or {}, wanted)
        ends = {(account, token.name): token.end for account, tokens in listed.items() for token in tokens}
        unknown = [
            item.name for item in wanted.tokens if ends.get((wanted.account_of(item), f"{item.name}-{kept}")) != texts[item.key][-8:]
        ]
        if unknown:
            raise CollectionError(
                f"The tokens in {wanted.place} are not those of {server} that end with {kept}: {', '.join(unknown)}. None was revoked.",
                f"Delete the Secret. {advice}",
                "unknown_tokens",
            )
