# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository that Argo CD knows: its credential Secret, and what Argo CD trusts for its server. Pure: values in, values out.

The Secret's annotation TRUST remembers what this platform added to Argo CD's trust: C(tls:HOST) for a certificate authority, C(ssh) for
host keys. An entry that is not remembered belongs to others, and is neither changed nor removed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.known_hosts import single_keys
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.project import TRUST
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import belongs, marks, refuse_foreign
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import ssh_server
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials, certificates, host_keys, problems, refuse
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import check_url
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import Place

SECRET_TYPE = {"argocd.argoproj.io/secret-type": "repository"}
SSH, TLS = "ssh", "tls:"
# Argo CD's ConfigMaps with what it trusts; the second has the text in one key.
AUTHORITIES_MAP, HOSTS_MAP, KNOWN_HOSTS = "argocd-tls-certs-cm", "argocd-ssh-known-hosts-cm", "ssh_known_hosts"
# Secrets of repositories, and of credentials for all repositories below a URL.
REPOSITORIES = "argocd.argoproj.io/secret-type in (repository,repo-creds)"
# Fields of the Secret whose values may be shown.
PLAIN_FIELDS = ("type", "project", "url")


@dataclass(frozen=True)
class Repository:
    """A repository as it is declared. Credentials and trust that do not fit its URL are not used."""

    name: str
    namespace: str
    platform: str
    repo: str = ""
    project: str = ""
    credentials: Credentials = field(default_factory=Credentials)
    labels: Mapping[str, str] = field(default_factory=dict)
    adopt: bool = False

    @property
    def place(self) -> Place:
        return Place("v1", "Secret", "secrets", self.namespace, self.name)

    @property
    def used(self) -> Credentials:
        """The credentials that fit the URL."""
        return self.credentials.for_url(self.repo)

    @property
    def host(self) -> str:
        """The host of an HTTPS URL, which Argo CD looks its certificate authorities up by."""
        parts = urlsplit(self.repo)
        return (parts.hostname or "") if parts.scheme == "https" else ""

    @property
    def host_keys(self) -> list[str]:
        return host_keys(self.used.known_hosts)

    @property
    def authorities(self) -> dict[str, str]:
        """The certificate authority by its host."""
        authority = self.used.ca.strip()
        return {self.host: f"{authority}\n"} if authority else {}

    @property
    def digest(self) -> str:
        """Names what Argo CD must have read; empty where it needs to trust nothing. As the last version of the collection wrote it."""
        if not self.host_keys and not self.authorities:
            return ""
        return hashlib.sha256(f"{self.credentials.ca.strip()}{self.credentials.known_hosts.strip()}".encode()).hexdigest()


def check(repository: Repository) -> None:
    """:raises CollectionError: where the options do not fit together. No message shows a credential."""
    check_url(repository.repo, file=False)
    refuse(problems(repository.used, repository.repo))


def manifest(repository: Repository, memory: Sequence[str], present: Obj | None) -> Obj:
    """The Secret to apply over the present one.

    :raises CollectionError: where the present one belongs to others.
    """
    if present is not None:
        refuse_foreign(str(repository.place), present["metadata"], repository.platform, repository.adopt)
    fields = {"type": "git", "url": repository.repo}
    if repository.project:
        fields["project"] = repository.project
    fields |= repository.used.argocd()
    metadata: Obj = {
        "labels": {**repository.labels, **marks(repository.platform), **SECRET_TYPE},
        "annotations": {TRUST: " ".join(memory)},
    }
    return repository.place.body(metadata, data={key: base64.b64encode(value.encode()).decode() for key, value in fields.items()})


def shown(secret: Obj | None, other: Obj | None) -> Obj:
    """A Secret for a diff with another one: secret values are not shown, only whether they differ."""
    if secret is None:
        return {}
    data, others = secret.get("data") or {}, (other or {}).get("data") or {}
    found: Obj = {}
    for key, value in data.items():
        if key in PLAIN_FIELDS:
            found[key] = base64.b64decode(value).decode("utf-8", "replace")
        else:
            found[key] = "(hidden)" if others.get(key) in (None, value) else "(hidden, differs)"
    metadata = secret.get("metadata") or {}
    return {"labels": dict(metadata.get("labels") or {}), "annotations": dict(metadata.get("annotations") or {}), "data": found}


# Who uses the same server


def server_name(url: str) -> str:
    """The host of a repository's URL, also of the form USER@HOST:PATH, in lower case; empty where it names none."""
    try:
        over_ssh = ssh_server(url)
        return (over_ssh[0] if over_ssh else urlsplit(url).hostname or "").lower()
    except ValueError:  # a bracket without its other
        return ""


def url_of(secret: Obj | None) -> str:
    """The URL in a repository's Secret."""
    return base64.b64decode(((secret or {}).get("data") or {}).get("url") or "").decode("utf-8", "replace")


def users_by_server(name: str, secrets: Sequence[Obj]) -> dict[str, list[str]]:
    """The names of Secrets by which Argo CD reads repositories, but for the named one, by the server that they are read from."""
    found: dict[str, list[str]] = {}
    for item in secrets:
        server = server_name(url_of(item))
        if server and item["metadata"]["name"] != name:
            found.setdefault(server, []).append(item["metadata"]["name"])
    return {server: sorted(names) for server, names in found.items()}


# What is remembered


@dataclass(frozen=True)
class Memory:
    """What this platform added to Argo CD's trust. ``known`` is False where nothing says so; ``legacy``: read from the AppProject."""

    tokens: tuple[str, ...] = ()
    known: bool = False
    legacy: bool = False

    @property
    def hosts(self) -> set[str]:
        return {token.removeprefix(TLS) for token in self.tokens if token.startswith(TLS)}

    @property
    def ssh(self) -> bool:
        return SSH in self.tokens


def recall(secret: Obj | None, project: Obj | None, platform: str, adopt: bool) -> Memory:
    """Reads it from this platform's Secret, or from its AppProject, where the last version of the collection kept it."""
    for item, legacy in ((secret, False), (project, True)):
        if item is not None and belongs(item["metadata"], platform, adopt):
            text = (item["metadata"].get("annotations") or {}).get(TRUST)
            if text is not None:
                return Memory(tuple(text.split()), known=True, legacy=legacy)
    return Memory()


@dataclass(frozen=True)
class Authorities:
    """What becomes of Argo CD's certificate authorities: ``changes`` by host (None removes), whose entries the platform has or keeps."""

    changes: Mapping[str, str | None]
    ours: tuple[str, ...]
    kept: tuple[str, ...]
    theirs: tuple[str, ...]
    added: bool  # whether Argo CD will trust something new


def plan_authorities(present: Mapping[str, str], memory: Memory, wanted: Mapping[str, str], kept: Set[str]) -> Authorities:
    """Compares Argo CD's certificate authorities with the wanted ones. An entry that is not remembered belongs to others and stays.

    ``kept``: hosts whose remembered entries stay, too.

    :raises CollectionError: where such an entry does not hold a wanted certificate.
    """
    changes: dict[str, str | None] = {}
    ours, theirs = [], []
    for host, text in wanted.items():
        there = present.get(host)
        if there is None or host in memory.hosts:
            ours.append(host)
            if there != text:
                changes[host] = text
        elif certificates(text) <= certificates(there):
            theirs.append(host)
        else:
            raise CollectionError(
                f"Argo CD already has certificate authorities for {host}, which this platform did not add, and the wanted one is not among "
                "them. Nothing was changed.",
                f"Add the certificate to the key {host} of the ConfigMap argocd-tls-certs-cm yourself, or leave ca empty to use "
                "the present ones.",
                "foreign_certificate",
            )
    left = memory.hosts - set(wanted)
    changes |= {host: None for host in sorted(left - kept) if host in present}
    return Authorities(changes, tuple(ours), tuple(sorted(left & kept)), tuple(theirs), any(changes.values()))


# What Argo CD lacks


@dataclass(frozen=True)
class Missing:
    """What Argo CD does not trust: the text to add to a key of a ConfigMap. It is not secret."""

    config_map: str
    key: str
    text: str


def missing_trust(repository: Repository, known: str, authorities: Mapping[str, str]) -> list[Missing]:
    """What the repository needs and Argo CD does not trust. ``known``: its known_hosts text; ``authorities``: its certificates by host."""
    there = single_keys(known)
    keys = [entry for entry in repository.host_keys if not single_keys(entry) <= there]
    found = [Missing(HOSTS_MAP, KNOWN_HOSTS, "".join(f"{entry}\n" for entry in keys))] if keys else []
    for host, text in repository.authorities.items():
        if not certificates(text) <= certificates(authorities.get(host, "")):
            found.append(Missing(AUTHORITIES_MAP, host, text))
    return found


def describe_missing(missing: Sequence[Missing], namespace: str) -> str:
    """The entries to add, each with its place."""
    return "\n".join(
        f"Add to the key {item.key} of the ConfigMap {item.config_map} in the namespace {namespace}:\n{item.text.rstrip()}"
        for item in missing
    )


def fingerprints(present: Mapping[str, str], hosts: Sequence[str]) -> dict[str, str]:
    """Certificate authorities for a diff."""
    return {host: f"sha256 {hashlib.sha256(present[host].encode()).hexdigest()}" for host in sorted(hosts) if host in present}
