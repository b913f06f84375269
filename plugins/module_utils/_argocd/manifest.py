# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Application as it is declared. Pure: values in, manifest out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks, refuse_foreign
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import Place

# With this finalizer Argo CD deletes what it applied before the Application itself is deleted.
FINALIZER = "resources-finalizer.argocd.argoproj.io"


@dataclass(frozen=True)
class Retry:
    """How often a failed operation is retried. Without it Argo CD never tries a failed hook again at the same commit."""

    limit: int = 5
    duration: str = "10s"
    factor: int = 2
    max_duration: str = "3m0s"

    def as_dict(self) -> Obj:
        return {"limit": self.limit, "backoff": {"duration": self.duration, "factor": self.factor, "maxDuration": self.max_duration}}


@dataclass(frozen=True)
class DeclaredApplication:
    """One Application with one source."""

    name: str
    namespace: str
    platform: str
    source: Mapping[str, Any]
    destination: Mapping[str, str]
    project: str = "default"
    automated: bool = True
    prune: bool = True
    self_heal: bool = True
    sync_options: Sequence[str] = ()
    retry: Retry | None = field(default_factory=Retry)
    cascade: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    adopt: bool = False

    @property
    def place(self) -> Place:
        return application_place(self.namespace, self.name)


def application_place(namespace: str, name: str) -> Place:
    return Place("argoproj.io/v1alpha1", "Application", "applications", namespace, name)


def source(repo: str, target_revision: str, path: str, options: Mapping[str, Any]) -> Obj:
    """A source; ``options`` are further fields as Argo CD names them."""
    fields = {"repoURL": repo, "targetRevision": target_revision, "path": path}
    return {**{key: value for key, value in fields.items() if value}, **options}


def manifest(wanted: DeclaredApplication, present: Obj | None) -> Obj:
    """The Application to apply over the present one.

    :raises CollectionError: where the present one belongs to others.
    """
    if present is not None:
        refuse_foreign(str(wanted.place), present["metadata"], wanted.platform, wanted.adopt)
    metadata: Obj = {"labels": {**wanted.labels, **marks(wanted.platform)}}
    if wanted.annotations:
        metadata["annotations"] = dict(wanted.annotations)
    if wanted.cascade:
        metadata["finalizers"] = [FINALIZER]
    policy: Obj = {}
    if wanted.automated:
        policy["automated"] = {"prune": wanted.prune, "selfHeal": wanted.self_heal}
    if wanted.sync_options:
        policy["syncOptions"] = list(wanted.sync_options)
    if wanted.retry is not None and wanted.retry.limit:
        policy["retry"] = wanted.retry.as_dict()
    spec: Obj = {"project": wanted.project, "source": dict(wanted.source), "destination": dict(wanted.destination)}
    return wanted.place.body(metadata, spec={**spec, **({"syncPolicy": policy} if policy else {})})
