# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies declared objects by server-side apply: one GET for each, and one PATCH for each that is not as declared.

For the 60 objects of Argo CD's manifest, all as declared, that is 60 GETs and no PATCH. Whose objects they are is for the caller to decide,
between :meth:`Apply.read` and :meth:`Apply.change`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.applied import differs, is_applied
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.definitions import bad, ordered
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import condition
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import Resources, defined, group, not_served

POLL_SECONDS = 0.2
SERVE_SECONDS = 30.0  # until the server serves the kind of a CRD that was just made
# Fields of a Job that cannot be changed (kubernetes: pkg/apis/batch/validation, ValidateJobSpecUpdate).
FIXED_OF_JOB = frozenset({"spec.template", "spec.selector", "spec.completions", "spec.completionMode", "spec.podFailurePolicy"})

Result = Literal["created", "changed", "recreated", "same"]


@dataclass(frozen=True)
class Target:
    """An object to apply, and its API path. ``new_kind``: a CRD among the definitions makes its kind."""

    api_version: str
    kind: str
    namespace: str
    name: str
    body: Obj
    path: str
    new_kind: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Standing:
    """An object to apply, and what the cluster has under its name."""

    target: Target
    live: Obj | None


@dataclass(frozen=True)
class Change:
    """What an apply did to an object, or in check mode would do. ``after`` is as the server answered."""

    target: Target
    result: Result
    before: Obj | None
    after: Obj


def targets(bodies: Iterable[Obj], api: KubeApi, namespace: str = "") -> list[Target]:
    """The objects with their places, in the order in which they are applied. ``namespace`` is that of objects that name none.

    :raises CollectionError: for an object that is declared twice or names no namespace, and for a kind that the server does not serve.
    """
    items = ordered(bodies)
    resources = Resources(api, items)
    new = {defined(item)[:2] for item in items if item["kind"] == "CustomResourceDefinition"}
    found: dict[str, Target] = {}
    for body in items:
        version, kind, metadata = body["apiVersion"], body["kind"], body["metadata"]
        resource = resources.find(version, kind)
        if resource is None:
            raise not_served(version, kind)
        where = (metadata.get("namespace") or namespace) if resource.namespaced else ""
        if resource.namespaced and not where:
            raise bad(f"{kind} {metadata['name']} names no namespace.", "Set metadata.namespace, or the option namespace.")
        metadata = {key: value for key, value in metadata.items() if key != "namespace"} | ({"namespace": where} if where else {})
        path = resource.path(version, where, metadata["name"])
        if path in found:
            raise bad(f"{found[path]} is declared twice.")
        placed = {**body, "metadata": metadata}
        found[path] = Target(version, kind, where, metadata["name"], placed, path, (group(version), kind) in new)
    return list(found.values())


class Apply:
    """Applies objects as one field manager. ``recreate``: Jobs that have failed or cannot be changed are deleted and made anew.

    In check mode the server judges what would happen (dryRun=All). Raises ApiError, CollectionError.
    """

    def __init__(
        self,
        api: KubeApi,
        manager: str,
        *,
        check: bool = False,
        recreate: bool = False,
        timeout: float = 180,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api, self._manager, self._check, self._recreate, self._timeout = api, manager, check, recreate, timeout
        self._clock, self._sleep = clock, sleep
        self._namespaces: dict[str, bool] = {}

    def read(self, items: Sequence[Target]) -> list[Standing]:
        """The objects as they are."""
        lives = at_once(lambda target: self._api.find(target.path), items)
        return [Standing(target, live) for target, live in zip(items, lives, strict=True)]

    def change(self, standing: Standing) -> Change:
        """Applies one object if it is not as declared."""
        target, live = standing.target, standing.live
        renewable = self._recreate and target.kind == "Job"
        if renewable and live is not None and condition(live, "Failed").get("status") == "True":
            return self._made_anew(target, live)
        if live is not None and is_applied(target.body, live, self._manager):
            return Change(target, "same", live, live)
        try:
            after = self._applied(target, live)
        except ApiError as error:
            if self._check and live is None and error.status == 404 and (target.new_kind or self._lacks(target.namespace)):
                return Change(target, "created", None, target.body)
            if renewable and live is not None and error.status == 422 and error.fields and FIXED_OF_JOB.issuperset(error.fields):
                return self._made_anew(target, live)
            raise
        if live is None:
            return Change(target, "created", None, after)
        return Change(target, "changed" if differs(live, after) else "same", live, after)

    def _applied(self, target: Target, live: Obj | None) -> Obj:
        end = self._clock() + (SERVE_SECONDS if target.new_kind and live is None and not self._check else 0)
        while True:
            try:
                return self._api.apply(target.path, target.body, self._manager, dry_run=self._check)
            except ApiError as error:
                if error.status != 404 or self._clock() >= end:
                    raise
            self._sleep(POLL_SECONDS)

    def _lacks(self, namespace: str) -> bool:
        """Whether the namespace does not exist. Empty: the object has none."""
        if not namespace:
            return False
        if namespace not in self._namespaces:
            self._namespaces[namespace] = self._api.metadata(core_path("namespaces", name=namespace)) is not None
        return not self._namespaces[namespace]

    def _made_anew(self, target: Target, live: Obj) -> Change:
        if self._check:
            return Change(target, "recreated", live, target.body)
        uid = live["metadata"]["uid"]
        self._api.delete(target.path, uid)
        end = self._clock() + self._timeout
        while (self._api.metadata(target.path) or {}).get("uid") == uid:
            if self._clock() >= end:
                message = f"{target} is still there {self._timeout:g} s after its deletion was requested: a finalizer holds it back."
                raise CollectionError(
                    message, "Look at its finalizers (kubectl get -o yaml), and run the same command again.", "not_deleted"
                )
            self._sleep(POLL_SECONDS)
        return Change(target, "recreated", live, self._applied(target, None))
