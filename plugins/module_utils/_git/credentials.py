# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Git repository is read and pushed with, and what git, Argo CD and git-sync need of it.

A new kind of credential is a field of Credentials, and what uses it in the methods ``git``, ``git_sync_secrets`` and ``git_sync_values``.
The options of the modules, the checks, Argo CD's Secret and the lookup git_credentials follow from the fields.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url, scheme
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError, filled, keyscan

WEB, TLS, SSH = ("http", "https"), ("https",), ("ssh",)
# Secrets of each worker namespace, which git-sync reads.
BASIC_SECRET, SSH_SECRET = "dags-git-basic", "dags-git-ssh"
GIT_SYNC_SECRETS = (BASIC_SECRET, SSH_SECRET)
# Reads the credentials from its environment, so they are on no command line and in no file. They go to the server that was named and to no
# other: git follows a redirect, and then asks for credentials for where it leads.
ASKPASS = """#!/bin/sh
case "$1" in
  "Username for '$GIT_PUBLISH_SCHEME://$GIT_PUBLISH_HOST': ") printf '%s\\n' "$GIT_PUBLISH_USERNAME" ;;
  "Password for '$GIT_PUBLISH_SCHEME://$GIT_PUBLISH_HOST': ") printf '%s\\n' "$GIT_PUBLISH_PASSWORD" ;;
  "Password for '$GIT_PUBLISH_SCHEME://"*"@$GIT_PUBLISH_HOST': ") printf '%s\\n' "$GIT_PUBLISH_PASSWORD" ;;
  *) exit 1 ;;
esac
"""
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def certificates(text: str) -> set[str]:
    """The certificates of a PEM text, without line ends."""
    return {"".join(body.split()) for body in _CERTIFICATE.findall(text)}


def host_keys(text: str) -> list[str]:
    """The host keys of a known_hosts text, each once, without comment lines.

    :raises ValueError: for a line that is not a host key, with the line's number: it may be a key that must not be shown.
    """
    found: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        words = entry.split()
        if entry.startswith("-----") or len(words) < (4 if words[0].startswith("@") else 3):
            raise ValueError(f"line {number} is not a host key: it needs a host, a key type and a key")
        found[entry] = None
    return list(found)


def _has_host_keys(text: str) -> bool:
    try:
        return bool(host_keys(text))
    except ValueError:
        return False


def read_text(given: str) -> str:
    """What is given as a text, or as a file on this machine, without the white space around it. Raises OSError."""
    path = os.path.expanduser(given)
    # A text of many lines is not a path, and isfile says so.
    return (Path(path).read_text(encoding="utf-8") if os.path.isfile(path) else given).strip()


@dataclass(frozen=True)
class Text:
    """A credential of several lines, which may be given as a file: what it is, and what to do about another text."""

    what: str
    valid: Callable[[str], bool]
    code: str
    action: str


@dataclass(frozen=True)
class Kind:
    """A kind of credential: the URLs that it is for, whether it is refused for others, and what it comes together with."""

    schemes: tuple[str, ...]
    strict: bool = False
    partner: str = ""
    argocd: str = ""  # its key in Argo CD's Secret; what only names a server has none
    text: Text | None = None


PRIVATE_KEY = Text(
    "the text of a private key",
    lambda text: "PRIVATE KEY-----" in text,
    "no_private_key",
    "Give one of the two as {ssh_key}, without a passphrase.",
)
KNOWN_HOSTS = Text(
    "lines in the form of known_hosts",
    _has_host_keys,
    "no_host_keys",
    "Give the output of ssh-keyscan as {known_hosts}, after you have compared it (ssh-keygen -lf) with the fingerprints that the server's "
    "owner publishes.",
)
AUTHORITY = Text("a certificate as PEM", lambda text: bool(certificates(text)), "no_certificate", "Correct {ca}, or leave it empty.")


@dataclass(frozen=True)
class Credentials:
    """What a repository is read and pushed with. A field without ``repr`` is a secret."""

    username: str = field(default="", metadata={"kind": Kind(WEB, partner="password", argocd="username")})
    password: str = field(default="", repr=False, metadata={"kind": Kind(WEB, strict=True, argocd="password")})
    ssh_key: str = field(default="", repr=False, metadata={"kind": Kind(SSH, strict=True, argocd="sshPrivateKey", text=PRIVATE_KEY)})
    known_hosts: str = field(default="", metadata={"kind": Kind(SSH, text=KNOWN_HOSTS)})
    ca: str = field(default="", metadata={"kind": Kind(TLS, strict=True, text=AUTHORITY)})

    @classmethod
    def read(cls, given: Mapping[str, Any] | None) -> Credentials:
        """From an option that SPEC describes. Raises OSError for a file that cannot be read."""
        values = {name: (given or {}).get(name) or "" for name in KINDS}
        return cls(**{name: read_text(value) if KINDS[name].text else value for name, value in values.items()})

    def values(self) -> dict[str, str]:
        """The values that are set."""
        return {name: value for name in KINDS if (value := getattr(self, name))}

    def for_url(self, url: str) -> Credentials:
        """Those that are for such a URL."""
        return replace(self, **{name: "" for name, kind in KINDS.items() if scheme(url) not in kind.schemes})

    def git(self, folder: Path) -> tuple[dict[str, str], list[str]]:
        """Environment variables for git, and options for ssh. What git reads from files is in ``folder`` as long as that exists."""
        variables = {"GIT_PUBLISH_USERNAME": self.username, "GIT_PUBLISH_PASSWORD": self.password}
        options: list[str] = []
        if self.username or self.password:
            variables["GIT_ASKPASS"] = _file(folder / "askpass", ASKPASS, 0o700)
        if self.ssh_key:
            options += ["-i", _file(folder / "ssh_key", _lines(self.ssh_key)), "-o", "IdentitiesOnly=yes"]
        if self.known_hosts:
            path = _file(folder / "known_hosts", _lines(self.known_hosts))
            options += ["-o", f"UserKnownHostsFile={path}", "-o", "GlobalKnownHostsFile=/dev/null"]
        if self.ca:
            variables["GIT_SSL_CAINFO"] = _file(folder / "ca", _lines(self.ca))
        return variables, options

    def argocd(self) -> dict[str, str]:
        """The fields of Argo CD's Secret of a repository."""
        return {kind.argocd: _lines(value) if kind.text else value for kind, value in self._identity()}

    def identity(self) -> str:
        """Changes with each credential. Empty without any. Hash it: it has secrets in it."""
        return "".join(value for _kind, value in self._identity())

    def _identity(self) -> list[tuple[Kind, str]]:
        return [(KINDS[name], value) for name, value in self.values().items() if KINDS[name].argocd]

    def git_sync_secrets(self) -> dict[str, dict[str, str]]:
        """The texts of git-sync's Secrets, by name and key. The chart needs four keys of a user (apache/airflow: issue 43247)."""
        found: dict[str, dict[str, str]] = {}
        if self.password:
            user = {"USERNAME": self.username, "PASSWORD": self.password}
            found[BASIC_SECRET] = {f"{prefix}_{name}": value for prefix in ("GIT_SYNC", "GITSYNC") for name, value in user.items()}
        if self.ssh_key:
            found[SSH_SECRET] = {"gitSshKey": _lines(self.ssh_key)}
        return found

    def git_sync_values(self) -> dict[str, Any]:
        """What the chart's values need for git-sync. Nothing of it is secret."""
        found: dict[str, Any] = {
            "credentials_secret": BASIC_SECRET if self.password else "",
            "ssh_key_secret": SSH_SECRET if self.ssh_key else "",
            "known_hosts": self.known_hosts,
            "authority": self.ca,
            "env": [],
            "mounts": [],
            "volumes": [],
        }
        if self.ca:
            found["env"].append({"name": "GIT_SSL_CAINFO", "value": "/etc/git-authority/ca.crt"})
            found["mounts"].append({"name": "git-authority", "mountPath": "/etc/git-authority", "readOnly": True})
            found["volumes"].append({"name": "git-authority", "configMap": {"name": "airflow-git-authority"}})
        return found


KINDS: dict[str, Kind] = {item.name: item.metadata["kind"] for item in fields(Credentials)}
SECRETS = frozenset(item.name for item in fields(Credentials) if not item.repr)
# What messages call them where a module's option holds them.
OPTION_NAMES = {name: f"credentials.{name}" for name in KINDS}
# The option of the doc fragment git_credentials.
SPEC: dict[str, Any] = {"type": "dict", "options": {name: {"type": "str", "no_log": name in SECRETS} for name in KINDS}}


def _lines(text: str) -> str:
    return f"{text.strip()}\n"


def _file(path: Path, text: str, mode: int = 0o600) -> str:
    path.touch(mode=mode)
    path.write_text(text, encoding="utf-8")
    return str(path)


@dataclass(frozen=True)
class Problem:
    """What is wrong with credentials. Message and action name options in braces."""

    code: str
    option: str
    rule: str
    message: str
    action: str

    def error(self) -> GitError:
        return GitError(filled(self.message), self.action, self.code)


def problems(given: Credentials, url: str, *, push: bool = False) -> Iterator[Problem]:
    """What does not fit the URL, or is not what it should be. ``push``: the repository is not only read."""
    fits = given.for_url(url)
    for name in given.values():
        kind = KINDS[name]
        if kind.strict and not getattr(fits, name):
            yield Problem(
                "wrong_credentials",
                name,
                "credentials are for the kind of URL that the repository has",
                f"{{{name}}} is only for {' and '.join(map(str.upper, kind.schemes))} URLs, and {{repo}} is another one.",
                f"Leave {{{name}}} empty, or correct {{repo}}.",
            )
    for name, kind in KINDS.items():
        value, partner = getattr(fits, name), kind.partner
        if partner and bool(value) != bool(getattr(fits, partner)):
            there, lacks = (name, partner) if value else (partner, name)
            yield Problem(
                "half_credentials",
                there,
                f"a {name} and a {partner} come together",
                f"Only one of {{{name}}} and {{{partner}}} is set. "
                f"{'To push needs both.' if push else 'A private repository needs both, a public one neither.'}",
                f"Set {{{lacks}}}{'' if push else ', or leave both empty'}.",
            )
        if value and kind.text and not kind.text.valid(value):
            message = f"{{{name}}} is neither {kind.text.what} nor a file on this machine."
            yield Problem(kind.text.code, name, f"{name} is {kind.text.what}", message, kind.text.action)


def missing(given: Credentials, url: str) -> Iterator[Problem]:
    """What an SSH URL needs where nothing of this user's own helps."""
    if scheme(url) != "ssh":
        return
    shown = public_url(url)
    if not given.known_hosts:
        yield Problem(
            "incomplete",
            "known_hosts",
            "an SSH server is known by its host keys",
            f"{shown} is read over SSH, and its server's host keys are not given: any server could pose as it.",
            f"Run {keyscan(url)}, and give them as {{known_hosts}}.",
        )
    if not given.ssh_key:
        message = f"{shown} is read over SSH, and no key is given."
        yield Problem("incomplete", "ssh_key", "an SSH URL is read with a key", message, "Give a private key as {ssh_key}.")


def refuse(found: Iterator[Problem]) -> None:
    """Raises GitError for the first problem."""
    for problem in found:
        raise problem.error()


def hide_secrets(given: Mapping[str, Any] | None) -> tuple[dict[str, Any], set[str]]:
    """An option that SPEC describes without its secrets, and the secrets."""
    values = given or {}
    return {name: value for name, value in values.items() if name not in SECRETS}, {values[name] for name in SECRETS if values.get(name)}
