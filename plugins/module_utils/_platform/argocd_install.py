# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs Argo CD from its manifest, and keeps a record in the cluster of what is applied: whose it is, and what a removal deletes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from ansible_collections.gitops.airflow.plugins.module_utils._argocd import default_project
from ansible_collections.gitops.airflow.plugins.module_utils._argocd import install_manifest as manifest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.admin_password import INITIAL_SECRET, set_password
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import MANAGER, marks, owner_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.applied import is_applied
from ansible_collections.gitops.airflow.plugins.module_utils._kube.apply import Apply, Change, Standing, Target, targets
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection
from ansible_collections.gitops.airflow.plugins.module_utils._kube.settle import NotSettled, roll_out
from ansible_collections.gitops.airflow.plugins.module_utils._platform.generated_secret import Key, new_secret
from ansible_collections.gitops.airflow.plugins.module_utils._platform.generated_secret import Wanted as WantedSecret
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import (
    RECORD,
    Found,
    Platform,
    Ref,
    Scope,
    argocd_users,
    decide,
    read_record,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import DELETED, Refused, ref_of
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_delete import (
    Deletion,
    Removed,
    argocd_in_use,
    recorded_objects,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import OwnershipRead, location, read_users
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import enforce

GRACE_SECONDS = 60
APPLYING, APPLIED = "applying", "applied"
REAPPLY = "To restore deleted objects, run again with reapply (in the role argocd: -e argocd_reapply=true)."


@dataclass(frozen=True)
class Wanted:
    """The Argo CD that a platform wants. ``text`` is its manifest, of the file ``path``."""

    platform: str
    namespace: str
    text: str = ""
    path: str = ""
    version: str = ""
    node_port: int = 0
    manifest_changes: manifest.Changes = manifest.NO_CHANGES
    adopt: bool = False
    reapply: bool = False
    close_default_project: bool = False
    wait_for: tuple[str, ...] = ()  # each as KIND/NAME; empty: all workloads

    @property
    def service(self) -> Obj | None:
        return manifest.node_port_service(self.namespace, self.platform, self.node_port)

    @property
    def digest(self) -> str:
        return manifest.digest(self.text, self.service, self.manifest_changes)

    def objects(self) -> list[Obj]:
        """All objects in the order of the manifest. Raises CollectionError."""
        objects = manifest.read_manifest(self.text, self.path, self.namespace, self.manifest_changes)
        return [*objects, *([self.service] if self.service else [])]


@dataclass
class Done:
    """What was done, or in check mode would be. ``failure`` is why it ended before all was done."""

    open: bool = False  # whether the objects of the manifest are, or were, to be applied
    changes: list[Change] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    password_set: bool = False
    removed: list[Ref] = field(default_factory=list)
    failure: CollectionError | None = None


def is_open(data: Mapping[str, str], digest: str, *, reapply: bool) -> bool:
    """Whether the manifest is to be applied: unless the record's data says that this very one was applied, to its end."""
    return reapply or data.get("digest") != digest or data.get("state") != APPLIED


def record_data(wanted: Wanted, refs: Sequence[Ref], names: Sequence[str], state: str, before: Mapping[str, str]) -> dict[str, str]:
    """The record's data. It also names what an earlier version of the manifest had, for an uninstallation deletes that, too."""
    listed = [ref.as_dict() for ref in refs]
    earlier = [item for item in json.loads(before.get("objects") or "[]") if item not in listed]
    return {
        "version": wanted.version,
        "digest": wanted.digest,
        "state": state,
        "deployments": " ".join(names),
        "objects": json.dumps([*listed, *earlier]),
    }


def in_order_of(bodies: Sequence[Obj], items: Sequence[Target]) -> list[Ref]:
    """The places of objects in the order in which the manifest has them."""
    order = {(body["apiVersion"], body["kind"], body["metadata"]["name"]): place for place, body in enumerate(bodies)}
    return [ref_of(item) for item in sorted(items, key=lambda item: order[item.api_version, item.kind, item.name])]


class ArgoCDInstall:
    """One Argo CD of one platform. In check mode nothing is changed. Raises CollectionError before anything is changed."""

    def __init__(self, api: KubeApi, wanted: Wanted, *, check: bool) -> None:
        self._api, self._wanted, self._check = api, wanted, check
        self._path = core_path("configmaps", wanted.namespace, RECORD)
        self._record = api.find(self._path)
        self.record = None if self._record is None else read_record(self._record, wanted.platform)
        if self.record is not None and self.record.owner not in (("ours", "older") if wanted.adopt else ("ours",)):
            self.record = None
        self._data: dict[str, str] = dict((self._record or {}).get("data") or {}) if self.record is not None else {}

    def read(self, text: str) -> None:
        """Takes the manifest's text."""
        self._wanted = replace(self._wanted, text=text)

    @property
    def open(self) -> bool:
        """Whether the objects of the manifest are to be applied."""
        return is_open(self._data, self._wanted.digest, reapply=self._wanted.reapply)

    @property
    def needs_manifest(self) -> bool:
        """Whether a removal needs the manifest: a record of an older version lists no objects."""
        return self.record is not None and self.record.objects is None

    # What is refused

    def refuse_foreign(self, unchanged: str) -> None:
        """Refuses to overwrite what belongs to others. ``unchanged`` says what was changed until then."""
        if self.open:
            self._standings(targets(self._wanted.objects(), self._api, self._wanted.namespace), unchanged)

    def _standings(self, items: Sequence[Target], unchanged: str) -> list[Standing]:
        """The objects with what is there under their names, none of which is another's."""
        wanted = self._wanted
        found = Apply(self._api, MANAGER).read(items)
        platform = Platform(wanted.platform, wanted.namespace, core_namespace="", application="")
        sight = OwnershipRead(self._api, platform).read_argocd()
        sight.planned = [Found(ref_of(item.target), item.live["metadata"]) for item in found if item.live is not None]
        if self._record is not None:
            sight.planned.append(Found(Ref("ConfigMap", wanted.namespace, RECORD, "v1"), self._record["metadata"]))
        sight.labelled = [item for item in sight.planned if owner_of(item.metadata, wanted.platform) != "foreign"]
        enforce(decide(sight, platform, wanted.adopt).refusals, unchanged)
        deleted = [item.ref for item in sight.planned if item.metadata.get("deletionTimestamp")]
        if deleted:
            raise Refused([(ref, DELETED) for ref in deleted])
        return found

    # Installing

    def install(self, timeout: float | None, password: str | None) -> Done:
        """Applies what is not as declared, waits for the roll-out, and sets the admin's password if one is given.

        ``timeout``: how many seconds to wait; None: neither wait nor set the password.
        """
        done = Done(open=self.open)
        standings: list[Standing] = []
        bodies: list[Obj] = []
        if done.open:
            bodies = self._wanted.objects()
            self._refuse_missing_namespace()
            standings = self._standings(targets(bodies, self._api, self._wanted.namespace), "Argo CD was not changed.")
        try:
            if done.open:
                self._apply(done, bodies, standings)
            if timeout is not None and not self._check:
                self._await(done, timeout)
            if timeout is not None and self._wanted.close_default_project:
                self._close_default_project(done)
            if timeout is not None and password is not None:
                done.password_set = set_password(self._api, self._wanted.namespace, password, check=self._check)
                done.removed = self._remove_initial_password(timeout)
        except CollectionError as error:
            done.failure = error
        return done

    def _refuse_missing_namespace(self) -> None:
        name = self._wanted.namespace
        if not self._check and self._api.metadata(core_path("namespaces", name=name)) is None:
            raise CollectionError(
                f"The cluster has no namespace {name}, so Argo CD cannot be installed in it.", "Create it.", "no_namespace"
            )

    def _apply(self, done: Done, bodies: Sequence[Obj], standings: Sequence[Standing]) -> None:
        """The record first: an interrupted run goes on, for what it made is known as this platform's."""
        todo = [item for item in standings if item.live is None or not is_applied(item.target.body, item.live, MANAGER)]
        refs, names = in_order_of(bodies, [item.target for item in standings]), manifest.deployments(list(bodies))
        before = self._data
        if todo and not self._check:
            self._keep(record_data(self._wanted, refs, names, APPLYING, before))
        apply = Apply(self._api, MANAGER, check=self._check)
        if any((item.target.kind, item.target.name) == ("Deployment", manifest.REDIS) and item.live is None for item in todo):
            self._make_redis_secret(done, apply)
        for _kind, stage in groupby(todo, key=lambda item: item.target.kind):
            at_once(lambda item: done.changes.append(apply.change(item)), stage)
        data = record_data(self._wanted, refs, names, APPLIED, before)
        if data != self._data:
            change = self._keep(data)
            done.changes += [change] if data != before else []

    def _make_redis_secret(self, done: Done, apply: Apply) -> None:
        """The Secret before the pods that need it. One that is there stays as it is, for Argo CD takes it."""
        path = core_path("secrets", self._wanted.namespace, manifest.REDIS)
        if self._api.metadata(path) is None:
            secret = WantedSecret(self._wanted.namespace, manifest.REDIS, (Key(manifest.REDIS_KEY),))
            body = new_secret(secret, self._wanted.platform)
            target = Target("v1", "Secret", self._wanted.namespace, manifest.REDIS, body, path)
            done.changes.append(apply.change(Standing(target, None)))

    def _keep(self, data: dict[str, str]) -> Change:
        """Writes the record."""
        wanted, live = self._wanted, self._record
        metadata: Obj = {"name": RECORD, "namespace": wanted.namespace, "labels": marks(wanted.platform)}
        body: Obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        try:
            after = self._api.apply(self._path, body, MANAGER, dry_run=self._check)
        except ApiError as error:
            if not self._check or error.status != 404:
                raise
            after = body  # the namespace does not exist yet
        self._data = data
        return Change(
            Target("v1", "ConfigMap", wanted.namespace, RECORD, body, self._path), "changed" if live is not None else "created", live, after
        )

    def _await(self, done: Done, timeout: float) -> None:
        chosen = self._wanted.wait_for
        expected = chosen or [f"Deployment/{name}" for name in self._data.get("deployments", "").split()]
        try:
            done.notices += roll_out(self._api, self._wanted.namespace, expected, timeout, GRACE_SECONDS, only=bool(chosen))
        except NotSettled as error:
            error.next_action = f"{error.next_action} {REAPPLY}".strip()
            raise

    def _close_default_project(self, done: Done) -> None:
        """Argo CD's server makes it at its start, open and without a mark, if there is none."""
        path = location(Ref("AppProject", self._wanted.namespace, default_project.NAME))
        live = self._api.find(path)
        if live is not None and default_project.is_closed(live):
            return
        applications, sets = at_once(lambda kind: self._api.items(collection(kind), whole=True), ("Application", "ApplicationSet"))
        reason = default_project.notice(live, default_project.users(applications, sets))
        if reason:
            done.notices.append(reason)
            return
        body = default_project.body(self._wanted.namespace, live)
        # In check mode the kind may not exist yet.
        new_kind = self._check and live is None
        target = Target(body["apiVersion"], body["kind"], self._wanted.namespace, default_project.NAME, body, path, new_kind)
        done.changes.append(Apply(self._api, MANAGER, check=self._check).change(Standing(target, live)))

    def _scope(self) -> Scope:
        """What is this platform's, by the record as it is now."""
        live = self._api.find(self._path)
        record = None if live is None else read_record(live, self._wanted.platform)
        return Scope(self._wanted.platform, older=self._wanted.adopt, record=record)

    def _remove_initial_password(self, timeout: float) -> list[Ref]:
        """Argo CD's own first password is not valid any more."""
        ref = Ref("Secret", self._wanted.namespace, INITIAL_SECRET, "v1")
        return Deletion(self._api, self._scope(), check=self._check).delete([ref], timeout).removed

    # Removing

    def remove(self, timeout: float) -> Removed:
        """Deletes what the record names, and the record last. Without a record of this platform nothing is deleted.

        While others have Applications or ApplicationSets, all of it stays (ADR 25).
        """
        scope = Scope(self._wanted.platform, older=self._wanted.adopt, record=self.record)
        users = argocd_users(read_users(self._api), scope) if self.record is not None else []
        if users:
            return Removed(in_use=argocd_in_use(self._wanted.namespace, users))
        listed: list[Ref] = []
        if self.needs_manifest:
            bodies = self._wanted.objects()
            listed = in_order_of(bodies, targets(bodies, self._api, self._wanted.namespace))
        return Deletion(self._api, scope, check=self._check).delete(recorded_objects(scope, listed), timeout)
