# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what shows why a platform does not work. Everything passes the masker; what cannot be read is left out and listed."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import Masker
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import owner_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable, printable_json
from ansible_collections.gitops.airflow.plugins.module_utils._base.secret_parts import public_values, secret_values
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Seen, causes
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import container_statuses
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Source, snapshot
from ansible_collections.gitops.airflow.plugins.module_utils._support.leaks import holds_secret

# By group: collections of a namespace.
NAMESPACED = {
    "/api/v1": {
        "configmaps": "ConfigMap",
        "limitranges": "LimitRange",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "pods": "Pod",
        "resourcequotas": "ResourceQuota",
        "secrets": "Secret",
        "serviceaccounts": "ServiceAccount",
        "services": "Service",
    },
    "/apis/apps/v1": {"daemonsets": "DaemonSet", "deployments": "Deployment", "replicasets": "ReplicaSet", "statefulsets": "StatefulSet"},
    "/apis/batch/v1": {"cronjobs": "CronJob", "jobs": "Job"},
    "/apis/discovery.k8s.io/v1": {"endpointslices": "EndpointSlice"},
    "/apis/networking.k8s.io/v1": {"ingresses": "Ingress", "networkpolicies": "NetworkPolicy"},
    "/apis/rbac.authorization.k8s.io/v1": {"rolebindings": "RoleBinding", "roles": "Role"},
    "/apis/argoproj.io/v1alpha1": {"applications": "Application", "appprojects": "AppProject"},
}
# Kinds whose causes are named.
CAUSED = ("DaemonSet", "Deployment", "Job", "StatefulSet")
CLUSTER = {
    "/api/v1": {"namespaces": "Namespace", "nodes": "Node", "persistentvolumes": "PersistentVolume"},
    "/apis/storage.k8s.io/v1": {"storageclasses": "StorageClass"},
}


def secret_variables(value: Any) -> set[str]:
    """The names of environment variables that come from Secrets, at any depth: their values are secrets wherever else they are repeated."""
    if isinstance(value, list):
        return {name for item in value for name in secret_variables(item)}
    if not isinstance(value, dict):
        return set()
    source = value.get("valueFrom")
    own = {str(value.get("name"))} if isinstance(source, dict) and "secretKeyRef" in source else set()
    return own | {name for item in value.values() for name in secret_variables(item)}


class Bundle:
    """One archive. ``read`` collects it; names end with what a file is: json, txt or log."""

    _api: KubeApi

    def __init__(self, connect: Callable[[], KubeApi], namespaces: list[str], tail: int, known: list[str], platform: str = "") -> None:
        """``platform``: objects with the label of another one are left out. Empty for all objects."""
        self._connect, self._namespaces, self._tail, self._known = connect, namespaces, tail, known
        self._platform = platform
        self._masker = Masker(known)
        self.files: dict[str, str] = {}
        self.notes: list[str] = []

    def add(self, name: str, text: str) -> None:
        self._keep(name, self._masker.json(text) if name.endswith(".json") else self._masker.text(text))

    def _keep(self, name: str, masked: str) -> None:
        """A file of the archive, unless a secret is found in it after all."""
        if holds_secret(masked, self._masker.distinct, self._masker.words):
            self.notes.append(f"{name} is left out, because it holds a secret in a form that cannot be masked.")
        else:
            self.files[name] = printable_json(masked) if name.endswith(".json") else printable(masked)

    def _list(self, group: str, path: str, kind: str) -> list[Obj]:
        try:
            items = snapshot(self._api, Source(path))[0]
        except ApiError as error:
            if error.status != 404:  # a group that this cluster does not have
                self.notes.append(error.text)
            return []
        version = group.removeprefix("/apis/").removeprefix("/api/")
        return [{"apiVersion": version, "kind": kind, **item} for item in items if not self._is_anothers(item)]

    def _is_anothers(self, item: Obj) -> bool:
        """Whether an object is another platform's, such as its Application in the Argo CD of both."""
        return bool(self._platform) and owner_of(item["metadata"], self._platform) == "other"

    def read(self, more: dict[str, str]) -> None:
        """All of it, or, of a cluster that does not answer, nothing but ``more``: further files, by name.

        The Secrets come first: what they hold is masked in everything else. Where they cannot be read nothing else is, either.
        """
        try:
            self._api = self._connect()
            version = self._api.get("/version")
        except ApiError as error:
            self.notes.append(f"Nothing of the cluster is collected: {error.text}")
            for name, text in more.items():
                self.add(name, text)
            return
        secrets: list[Obj] = []
        for namespace in self._namespaces:
            try:
                secrets += snapshot(self._api, Source(core_path("secrets", namespace)))[0]
            except ApiError as error:
                self.notes.append(f"Nothing of {namespace} is collected, because what its Secrets hold could not be masked: {error.text}")
                self._namespaces = [name for name in self._namespaces if name != namespace]
        jobs = [
            (f"cluster/{plural}", group, f"{group}/{plural}", kind) for group, kinds in CLUSTER.items() for plural, kind in kinds.items()
        ]
        for namespace in self._namespaces:
            for group, kinds in NAMESPACED.items():
                jobs += [
                    (f"{namespace}/{plural}", group, f"{group}/namespaces/{namespace}/{plural}", kind) for plural, kind in kinds.items()
                ]
            jobs.append((f"{namespace}/events", "/api/v1", core_path("events", namespace), "Event"))
        with ThreadPoolExecutor(max_workers=8) as pool:
            listed = list(zip(jobs, pool.map(lambda job: self._list(*job[1:]), jobs), strict=True))
        of_kind: dict[str, list[Obj]] = {}
        for (_name, _group, _path, kind), items in listed:
            of_kind.setdefault(kind, []).extend(items)
        self._masker = Masker(
            {*self._known, *secret_values(secrets)},
            names={*self._namespaces, *public_values(secrets), *(item["metadata"]["name"] for items in of_kind.values() for item in items)},
            variables=secret_variables(of_kind),
        )
        self.add("cluster/version.json", json.dumps(version, indent=2))
        for name, text in more.items():
            self.add(name, text)
        for (name, _group, _path, _kind), items in listed:
            if items:
                self._keep(f"{name}.json", "[\n" + ",\n".join(map(self._masker.manifest, items)) + "\n]\n")
        pods = of_kind.get("Pod", [])
        with ThreadPoolExecutor(max_workers=8) as pool:
            for name, text in pool.map(self._log, list(self._logs(pods))):
                if text:
                    self.add(name, text)
        workloads = [(kind, item) for kind in CAUSED for item in of_kind.get(kind, [])]
        found = causes(Seen(tuple(workloads), tuple(pods), tuple(of_kind.get("Event", []))))
        if found:
            self.add("causes.txt", "\n".join(f"{cause.text}\n  {cause.action}" for cause in found) + "\n")

    @staticmethod
    def _logs(pods: list[Obj]) -> Iterator[tuple[str, str, str, bool]]:
        for pod in pods:
            metadata = pod["metadata"]
            for status in container_statuses(pod):
                states = {**(status.get("state") or {})}
                if states.keys() & {"running", "terminated"}:
                    yield metadata["namespace"], metadata["name"], status["name"], False
                if status.get("restartCount"):
                    yield metadata["namespace"], metadata["name"], status["name"], True

    def _log(self, which: tuple[str, str, str, bool]) -> tuple[str, str]:
        namespace, pod, container, previous = which
        name = f"{namespace}/logs/{pod}.{container}{'.previous' if previous else ''}.log"
        query = {"timestamps": "true", **({"previous": "true"} if previous else {})}
        try:
            return name, "\n".join(self._api.log_lines(namespace, pod, container, False, self._tail, **query))
        except ApiError as error:
            return name, f"{error.text}\n"

    def archive(self, folder: str) -> bytes:
        """A gzipped tar file, all of it in one folder."""
        self.notes = [self._masker.text(note) for note in self.notes]
        if self.notes:
            self.add("not-collected.txt", "\n".join(self.notes) + "\n")
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as tar:
            for name, text in sorted(self.files.items()):
                data = text.encode("utf-8", "replace")
                entry = tarfile.TarInfo(f"{folder}/{name}")
                entry.size, entry.mtime, entry.mode = len(data), int(time.time()), 0o600
                tar.addfile(entry, io.BytesIO(data))
        return stream.getvalue()

    def contents(self) -> list[dict[str, Any]]:
        return [{"name": name, "size": len(text.encode("utf-8", "replace"))} for name, text in sorted(self.files.items())]
