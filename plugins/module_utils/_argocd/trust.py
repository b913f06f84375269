# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a repository's Secret and Argo CD's trust for its server to the cluster, in an order that an interrupted run can resume.

What is added is remembered before it is added, and forgotten after it has been removed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.known_hosts import (
    KnownHosts,
    host_names,
    parse,
    render,
    superseded,
    trusted,
)
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.project import TRUST, project_place
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.repository import (
    AUTHORITIES_MAP,
    HOSTS_MAP,
    KNOWN_HOSTS,
    REPOSITORIES,
    SSH,
    TLS,
    Authorities,
    Memory,
    Repository,
    describe_missing,
    fingerprints,
    manifest,
    missing_trust,
    plan_authorities,
    recall,
    shown,
    users_by_server,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import belongs, owner_text, refuse_foreign
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import Place, declare, no_argocd, remove, update


@dataclass
class Outcome:
    """What became of it. ``kept``: what Argo CD still trusts and will not when ``keep`` ends, or what a removal leaves (``notice``)."""

    changed: bool = False
    trust: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    theirs: list[str] = field(default_factory=list)
    rolled_out: bool = False
    reason: str = ""
    notice: str = ""
    before: Obj = field(default_factory=dict)
    after: Obj = field(default_factory=dict)


class RepositoryTrust:
    """One repository in one cluster. ``keep``: what this platform has added for an earlier repository stays trusted.

    Without ``keep`` it stays while Argo CD reads other repositories from that server.

    ``manage``: whether what Argo CD trusts is changed. Otherwise it must trust the repository's server already.
    """

    def __init__(
        self,
        api: KubeApi,
        repository: Repository,
        *,
        keep: bool = False,
        manage: bool = True,
        check: bool = False,
        server: str = "argocd-repo-server",
        timeout: float = 0,
        progress: Progress | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._wanted, self._keep, self._manage, self._check = api, repository, keep, manage, check
        self._timeout, self._progress, self._clock = timeout, progress or Progress(), clock
        namespace = repository.namespace
        self._known_hosts = Place("v1", "ConfigMap", "configmaps", namespace, HOSTS_MAP)
        self._authorities = Place("v1", "ConfigMap", "configmaps", namespace, AUTHORITIES_MAP)
        self._server = Place("apps/v1", "Deployment", "deployments", namespace, server)
        self._project = project_place(namespace, repository.project) if repository.project else None
        self._users: dict[str, list[str]] = {}  # other repositories by server, as far as something may have to be removed
        self._added = False  # Argo CD is given something that it did not trust before
        self.outcome = Outcome()

    # What is there

    def _recall(self, secret: Obj | None) -> Memory:
        """The Secret's memory; the AppProject is read only where the Secret says nothing."""
        wanted = self._wanted
        memory = recall(secret, None, wanted.platform, wanted.adopt)
        return memory if memory.known else self._recall_legacy()

    def _recall_legacy(self) -> Memory:
        project = self._api.find(self._project.path) if self._project else None
        return recall(None, project, self._wanted.platform, self._wanted.adopt)

    def _require(self, place: Place, item: Obj | None) -> None:
        """Argo CD makes its ConfigMaps when it is installed; a check may run before."""
        if item is None and not self._check:
            raise no_argocd(place)

    def _note(self, name: str, before: Any, after: Any) -> None:
        self.outcome.before[name], self.outcome.after[name] = before, after
        self.outcome.changed |= before != after

    # state: present

    def present(self) -> Outcome:
        """Raises CollectionError, before any change if the Secret or a certificate authority belongs to others."""
        wanted, done = self._wanted, self.outcome
        secret = self._api.find(wanted.place.path)
        if secret is not None:
            refuse_foreign(str(wanted.place), secret["metadata"], wanted.platform, wanted.adopt)
        memory = self._recall(secret)
        if not self._manage:
            return self._present_trusted(memory)
        hosts = self._look(memory) if memory.ssh or wanted.host_keys or not memory.known else None
        if memory.hosts - set(wanted.authorities) or (hosts and set(hosts.own) - set(wanted.host_keys)):
            self._users = {} if self._keep else self._find_users()
        plan = self._plan(memory)
        kept_keys = self._kept_keys(hosts) if hosts else []
        keys = [*wanted.host_keys, *kept_keys]
        # Until the end what is to be removed is remembered, too.
        during = list(dict.fromkeys([*tokens(keys, plan.ours, plan.kept), *memory.tokens]))
        self._apply(during)
        if plan.changes:
            try:
                plan = self._write_authorities(memory)
            except CollectionError:  # others have just added one for the same host: it must not be remembered as this platform's
                self._apply(list(memory.tokens))
                raise
        final = tokens(keys, plan.ours, plan.kept)
        done.trust, done.kept, done.theirs = final, tokens(kept_keys, plan.kept), tokens([], plan.theirs)
        if hosts is not None and render(hosts, keys, wanted.platform) != hosts.text:
            self._write_known_hosts(memory, keys)
        # What others added it has read already.
        digest = wanted.digest if wanted.host_keys or plan.ours else ""
        if digest or (memory.tokens and not self._keep):
            self._roll_out(digest)
        if final != during:
            self._apply(final)
        self._forget_legacy(memory)
        return done

    def _present_trusted(self, memory: Memory) -> Outcome:
        """The Secret alone. What earlier runs added stays remembered, so that a removal takes it back."""
        wanted = self._wanted
        hosts, authorities = (self._api.find(place.path) or {} for place in (self._known_hosts, self._authorities))
        trusted_authorities = authorities.get("data") or {}
        missing = missing_trust(wanted, (hosts.get("data") or {}).get(KNOWN_HOSTS) or "", trusted_authorities)
        if missing:
            raise CollectionError(
                f"Argo CD does not trust the server of {public_url(wanted.repo)}. Nothing was changed.",
                describe_missing(missing, wanted.namespace),
                "not_trusted",
            )
        self._apply(list(memory.tokens))
        self.outcome.trust = list(memory.tokens)
        self.outcome.theirs = tokens([], [host for host in wanted.authorities if host not in memory.hosts])
        return self.outcome

    def _kept_hosts(self, memory: Memory) -> Set[str]:
        return memory.hosts if self._keep else self._users.keys()

    def _kept_keys(self, hosts: KnownHosts) -> list[str]:
        """This platform's entries for an earlier repository that stay."""
        wanted, servers = self._wanted.host_keys, self._users.keys()
        return [item for item in hosts.own if item not in wanted and (self._keep or not superseded(item, wanted, servers))]

    def _plan(self, memory: Memory) -> Authorities:
        wanted = self._wanted.authorities
        item = self._api.find(self._authorities.path) if wanted or memory.hosts else None
        if wanted:
            self._require(self._authorities, item)
        return plan_authorities((item or {}).get("data") or {}, memory, wanted, self._kept_hosts(memory))

    def _look(self, memory: Memory) -> KnownHosts:
        item = self._api.find(self._known_hosts.path)
        if self._wanted.host_keys:
            self._require(self._known_hosts, item)
        return self._own_lines(item, memory)

    def _own_lines(self, item: Obj | None, memory: Memory) -> KnownHosts:
        return parse(((item or {}).get("data") or {}).get(KNOWN_HOSTS) or "", self._wanted.platform, memory.ssh)

    def _apply(self, memory: list[str]) -> None:
        wanted = self._wanted
        done = declare(self._api, wanted.place, lambda found: manifest(wanted, memory, found), self._check)
        # Only the first of two has the state before this run.
        self.outcome.before.setdefault("secret", shown(done.before, done.after))
        self.outcome.after["secret"] = shown(done.after, done.before)
        self.outcome.changed |= done.changed

    # The shared ConfigMaps: each change is computed from what is there, and refused by the server if that has changed

    def _write_authorities(self, memory: Memory) -> Authorities:
        wanted, plans = self._wanted.authorities, list[Authorities]()

        def change(item: Obj | None) -> Obj | None:
            plan = plan_authorities((item or {}).get("data") or {}, memory, wanted, self._kept_hosts(memory))
            plans.append(plan)
            self._added |= plan.added
            return {"data": dict(plan.changes)} if plan.changes else None

        done = update(self._api, self._authorities, change, self._check)
        hosts = [*wanted, *memory.hosts]
        before, after = ((item or {}).get("data") or {} for item in (done.before, done.after))
        self._note("certificate_authorities", fingerprints(before, hosts), fingerprints(after, hosts))
        return plans[-1]

    def _write_known_hosts(self, memory: Memory, wanted: list[str]) -> None:
        def change(item: Obj | None) -> Obj | None:
            present = self._own_lines(item, memory)
            if item is None and not wanted:
                return None
            text = render(present, wanted, self._wanted.platform)
            self._added |= not trusted(text) <= trusted(present.text)
            return {"data": {KNOWN_HOSTS: text}} if text != present.text else None

        done = update(self._api, self._known_hosts, change, self._check)
        # Lines of others are not for this platform's diff. A block of the last version becomes marked lines.
        before, after = self._own_lines(done.before, memory), self._own_lines(done.after, memory)
        self._note("host_keys", list(before.own), list(after.own))
        self.outcome.changed |= before.text != after.text

    # The repository server

    def _roll_out(self, digest: str) -> None:
        """Restarts it if it has not read what it must trust, and waits until it has.

        A volume follows its ConfigMap within a minute or two; a new pod has it from the start.
        """
        item = self._api.find(self._server.path)
        if item is None and not digest:
            return
        present = _annotation(item)
        value = annotation(present, digest, self._added, int((item or {}).get("metadata", {}).get("generation") or 0))
        self._note("repository_server", present, value)
        if value != present:
            annotations = {TRUST: value or None}
            patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
            item = update(self._api, self._server, lambda _item: patch, self._check).after
            self.outcome.rolled_out = True
        if self._timeout and not self._check and item is not None:
            from ansible_collections.gitops.airflow.plugins.module_utils._argocd.repo_server import await_roll_out

            await_roll_out(self._api, self._server, item, self._timeout, self._progress, self._clock)

    def _forget_legacy(self, memory: Memory) -> None:
        """Removes the annotation of the last version: the Secret remembers now."""
        if memory.legacy and self._project:
            patch: Obj = {"metadata": {"annotations": {TRUST: None}}}
            self.outcome.changed |= update(self._api, self._project, lambda item: patch if item else None, self._check).changed

    # state: absent

    def absent(self, timeout: float) -> Outcome:
        """Takes back what this platform added, and deletes its Secret. Raises CollectionError."""
        # Whatever is declared of a repository that is to be forgotten is not wanted.
        wanted, done = replace(self._wanted, repo=""), self.outcome
        self._wanted, self._keep = wanted, False
        secret = self._api.find(wanted.place.path)
        memory = self._recall(secret)
        if secret is not None and not belongs(secret["metadata"], wanted.platform, wanted.adopt):
            done.reason = f"{wanted.place} stays: {owner_text(secret['metadata'], wanted.platform)}"
            secret = None
        hosts = self._look(memory)
        # Also without the Secret: an earlier removal deleted it, and kept what others need.
        if memory.tokens or hosts.own:
            self._users = self._find_users(own=secret is not None)
        self._distrust(memory, hosts)
        if secret is not None:
            self.outcome.before["secret"], self.outcome.after["secret"] = shown(secret, None), {}
            remove(self._api, wanted.place, secret, self._check, timeout)
            done.changed = True
        self._forget_legacy(memory if memory.legacy else self._recall_legacy())
        return done

    def _find_users(self, *, own: bool = True) -> dict[str, list[str]]:
        """The other repositories by server. Who may not list Secrets takes back what was added.

        ``own``: whether a Secret of this name is this platform's.
        """
        try:
            others = self._api.items(core_path("secrets", self._wanted.namespace), {"labelSelector": REPOSITORIES}, whole=True)
        except ApiError as error:
            if error.status == 403:
                return {}
            raise
        return users_by_server(self._wanted.name if own else "", others)

    def _distrust(self, memory: Memory, hosts: KnownHosts) -> None:
        """Takes back what this platform added, but for what other repositories need."""
        done = self.outcome
        kept_keys = self._kept_keys(hosts)
        kept_hosts = self._write_authorities(memory).kept if memory.hosts else ()
        self._write_known_hosts(memory, kept_keys)
        done.kept = tokens(kept_keys, kept_hosts)
        if done.kept:
            kept = {*kept_hosts, *(host for key in kept_keys for host in host_names(key))}
            servers = kept & self._users.keys() or self._users.keys()
            readers = sorted({name for server in servers for name in self._users[server]})
            done.notice = (
                f"Argo CD still trusts {named(sorted(servers))}, because it also reads {named(readers)} from there. If nobody needs that "
                f"any more, remove its entries from the ConfigMaps {AUTHORITIES_MAP} and {HOSTS_MAP} in {self._wanted.namespace}."
            )
        if set(memory.tokens) - set(done.kept) or done.changed:
            self._timeout = 0  # without the repository nothing waits for it
            self._roll_out("")


def tokens(keys: Sequence[str], *hosts: Sequence[str]) -> list[str]:
    """What is remembered of host keys and certificate authorities."""
    return [*([SSH] if keys else []), *(TLS + host for group in hosts for host in group)]


def annotation(present: str, digest: str, added: bool, generation: int) -> str:
    """The annotation of the repository server's pods for a digest of the trust: the present one if they have read it.

    If Argo CD lost entries, as by an upgrade, and they were ``added`` again, the same digest must be read again.
    """
    if not digest or present.partition("-")[0] != digest:
        return digest
    return f"{digest}-{generation}" if added else present


def _annotation(deployment: Obj | None) -> str:
    template = ((deployment or {}).get("spec") or {}).get("template") or {}
    return str(((template.get("metadata") or {}).get("annotations") or {}).get(TRUST) or "")
