# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of a Gitea account that are made once and kept in a Secret; those of an earlier time are revoked once nobody uses them."""

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
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import Place, refuse_terminating, update
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import Execution

# On the Secret while tokens of an earlier time than its own are valid. Its value ends the names of the Secret's own tokens.
EARLIER = "gitops-airflow/tokens-to-keep"
# The token that may set the account's password is ended at once.
SETTING = "set-password"
SETTING_SCOPE = "write:admin"
TOKEN = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Token:
    """A token to make, with the Secret's key for it."""

    name: str
    key: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """The Secret as it is declared."""

    platform: str
    namespace: str
    name: str
    account: str
    tokens: tuple[Token, ...]
    adopt: bool = False

    @property
    def place(self) -> Place:
        return Place("v1", "Secret", "secrets", self.namespace, self.name)


@dataclass(frozen=True)
class Outcome:
    """What was done, or in check mode would be.

    ``changed``: Gitea's tokens or the Secret changed. ``pending``: tokens of an earlier time are valid still.
    """

    changed: bool = False
    created: bool = False
    pending: bool = False
    revoked: list[str] = field(default_factory=list)


def check_tokens(tokens: Sequence[Token]) -> None:
    """Raises CollectionError for two tokens of one name or key, a name that the module uses itself, or a token without scopes."""
    for what, values in (("name", [item.name for item in tokens]), ("key", ["username", *(item.key for item in tokens)])):
        if twice := sorted({value for value in values if values.count(value) > 1}):
            raise CollectionError(f"tokens has the {what} {', '.join(twice)} twice.", f"Give each token a {what} of its own.", "bad_option")
    if SETTING in (item.name for item in tokens):
        raise CollectionError(f"tokens has the name {SETTING}, which the module itself uses.", "Use another name.", "bad_option")
    if scopeless := [item.name for item in tokens if not item.scopes]:
        raise CollectionError(f"The token {', '.join(scopeless)} has no scopes.", "Name them, for instance read:repository.", "bad_option")


def made_here(tokens: Iterable[GiteaToken], wanted: Iterable[Token]) -> list[str]:
    """The names of tokens that a run of this module made, at whatever time. Others are a person's own."""
    names = "|".join(re.escape(name) for name in (*(item.name for item in wanted), SETTING))
    return [token.name for token in tokens if re.fullmatch(rf"({names})-\d+", token.name)]


def earlier_tokens(tokens: Sequence[GiteaToken], wanted: Sequence[Token], kept: str) -> list[str]:
    """The names of tokens that were made at other times than ``kept``."""
    return [name for name in made_here(tokens, wanted) if name.rpartition("-")[2] != kept]


def stored_tokens(secret: Obj | None, wanted: Wanted) -> dict[str, str]:
    """The Secret's tokens by their keys.

    :raises CollectionError: where it does not exist, is another's, is being deleted, or lacks one.
    """
    if secret is None:
        raise CollectionError(f"{wanted.place} does not exist.", "Make the tokens first: state=present.", "missing_secret")
    refuse_foreign(str(wanted.place), secret["metadata"], wanted.platform, wanted.adopt)
    refuse_terminating(wanted.place, secret)
    data = secret.get("data") or {}
    if lacking := [key for key in ("username", *(item.key for item in wanted.tokens)) if not data.get(key)]:
        message = f"{wanted.place} lacks {', '.join(lacking)}."
        raise CollectionError(message, "Delete it and run again: new tokens are made, and the earlier ones revoked.", "incomplete_secret")
    return {item.key: base64.b64decode(data[item.key]).decode() for item in wanted.tokens}


def read_token(done: Execution) -> str:
    """The token that Gitea's command line printed, perhaps after lines of its log. Raises CollectionError."""
    printed = [line for line in done.output.splitlines() if TOKEN.fullmatch(line.strip())]
    if done.code == 0 and len(printed) == 1:
        return printed[0].strip()
    words = " ".join(done.errors.split())[-300:] or "it printed no token"
    raise CollectionError(
        f"Gitea could not make the token that sets the account's password (exit code {done.code}): {words}.",
        "Look at the log of the Git server's pod.",
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
    def missing(self) -> bool:
        """Whether the tokens are to be made."""
        return self.secret is None

    @property
    def kept(self) -> str:
        """What ends the names of the stored tokens while others of an earlier time are valid; empty if none are."""
        annotations: Mapping[str, str] = ((self.secret or {}).get("metadata") or {}).get("annotations") or {}
        return annotations.get(EARLIER, "")

    def present(self) -> Outcome:
        """What is stored already. Raises CollectionError for a Secret that is not usable."""
        stored_tokens(self.secret, self.wanted)
        return Outcome(pending=bool(self.kept))

    def make(self, gitea: Gitea, config: str) -> Outcome:
        """Makes the tokens and stores them. The account gets its password first, which at its creation is random and unknown."""
        wanted, suffix = self.wanted, str(int(self._now()))
        if not gitea.accepts_password():
            self._set_password(gitea, config, suffix)
        pending = bool(made_here(gitea.tokens(), wanted.tokens))
        made: list[str] = []
        texts = {"username": wanted.account}
        try:
            for token in wanted.tokens:
                texts[token.key] = gitea.create_token(f"{token.name}-{suffix}", token.scopes)
                made.append(f"{token.name}-{suffix}")
            self._store(texts, suffix if pending else "")
        except CollectionError as error:
            for name in made:  # nobody knows them
                with suppress(CollectionError):
                    gitea.delete_token(name)
            if isinstance(error, ApiError) and error.status == 409:  # another run has stored its own
                self.secret = self._api.get(wanted.place.path)
                return self.present()
            raise
        return Outcome(changed=True, created=True, pending=pending)

    def _set_password(self, gitea: Gitea, config: str, suffix: str) -> None:
        name = f"{SETTING}-{suffix}"
        command = ["gitea", "admin", "user", "generate-access-token", "--config", config, "--username", self.wanted.account]
        token = read_token(self._run([*command, "--token-name", name, "--scopes", SETTING_SCOPE, "--raw"]))
        gitea.set_password(token)
        gitea.delete_token(name)

    def _store(self, texts: Mapping[str, str], kept: str) -> None:
        place = self.wanted.place
        metadata: Obj = {"labels": marks(self.wanted.platform), **({"annotations": {EARLIER: kept}} if kept else {})}
        data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        self._api.create(place.path.rpartition("/")[0], place.body(metadata, data=data))

    def revoke(self, gitea: Gitea) -> Outcome:
        """Ends the tokens of an earlier time than the stored ones, and says so on the Secret."""
        wanted, kept = self.wanted, self.kept
        stored, listed = stored_tokens(self.secret, wanted), gitea.tokens()
        ends = {token.name: token.end for token in listed}
        unknown = [item.name for item in wanted.tokens if ends.get(f"{item.name}-{kept}") != stored[item.key][-8:]]
        if unknown:
            raise CollectionError(
                f"The tokens in {wanted.place} are not those of {gitea.name} that end with {kept}: {', '.join(unknown)}. None was revoked.",
                "Delete the Secret and run again: new tokens are made, and then the earlier ones revoked.",
                "unknown_tokens",
            )
        old = earlier_tokens(listed, wanted.tokens, kept)
        if not self._check:
            for name in old:
                gitea.delete_token(name)

        def settled(present: Obj | None) -> Obj | None:
            annotations = ((present or {}).get("metadata") or {}).get("annotations") or {}
            return {"metadata": {"annotations": {EARLIER: None}}} if annotations.get(EARLIER) == kept else None

        cleared = update(self._api, wanted.place, settled, self._check).changed
        return Outcome(changed=cleared or bool(old), revoked=old)
