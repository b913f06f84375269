# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argo CD's install.yaml as it is applied: in one namespace, with images of the nodes or of a registry, and with a node port. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.definitions import read_definitions
from ansible_collections.gitops.airflow.plugins.module_utils._kube.images import images_of, with_registry

# The namespace that install.yaml names where it must name one, as in the subjects of bindings.
NAMED_NAMESPACE = "argocd"
NODE_PORT_SERVICE = "argocd-server-node-port"
CRD = "CustomResourceDefinition"
# Redis' Deployment, and the Secret with its password. Redis' pod makes the Secret if there is none, and until then no other pod can start.
REDIS = "argocd-redis"
REDIS_KEY = "auth"
# The Deployment, and the container in it, that reads repositories.
REPO_SERVER = "argocd-repo-server"


@dataclass(frozen=True)
class Changes:
    """What differs from the manifest as it was published.

    ``registry``: where the nodes pull all images; empty: where the manifest says. ``pull_secrets``: names of Secrets that all pods get.
    ``environment``: variables of the repository server.
    """

    registry: str = ""
    pull_secrets: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


NO_CHANGES = Changes()


def decode(content: bytes, path: str) -> str:
    """The manifest's text, without white space at its end. Raises CollectionError."""
    try:
        return content.decode().rstrip()
    except UnicodeDecodeError as error:
        raise CollectionError(f"{path} is not a text in UTF-8: {error}.", "Give Argo CD's install.yaml.", "bad_manifest") from error


def node_port_service(namespace: str, platform: str, port: int) -> Obj | None:
    """The Service that exposes Argo CD's server on a port of each node; None for port 0."""
    if not port:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NODE_PORT_SERVICE, "namespace": namespace, "labels": marks(platform)},
        "spec": {
            "type": "NodePort",
            "selector": {"app.kubernetes.io/name": "argocd-server"},
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 8080, "nodePort": port}],
        },
    }


def digest(text: str, service: Obj | None, changes: Changes = NO_CHANGES) -> str:
    """Names what is applied, so that the same is not applied again.

    Clusters hold digests of earlier versions of this collection: another way to compute it would apply everything anew at an upgrade.
    """
    parts = [changes.registry, list(changes.pull_secrets), *([dict(changes.environment)] if changes.environment else [])]
    changed = json.dumps(parts) if any(parts) else ""
    return hashlib.sha256(f"{text}{json.dumps([service] if service else [])}{changed}".encode()).hexdigest()


def read_manifest(text: str, path: str, namespace: str, changes: Changes = NO_CHANGES) -> list[Obj]:
    """The manifest's objects, in its order, for that namespace. Raises CollectionError."""
    try:
        found = read_definitions(text)
    except CollectionError as error:
        raise CollectionError(f"{path}: {error.message}", "Give Argo CD's install.yaml as it was published.", "bad_manifest") from error
    # A CRD describes the fields of pods, too: it stays as it was published.
    return [item if item["kind"] == CRD else _changed(_adapted(item, namespace), changes) for item in found]


def _changed(item: Obj, changes: Changes) -> Obj:
    found: Obj = with_registry(item, changes.registry, changes.pull_secrets)
    if changes.environment and (item["kind"], item["metadata"]["name"]) == ("Deployment", REPO_SERVER):
        for container in found["spec"]["template"]["spec"]["containers"]:
            if container["name"] == REPO_SERVER:
                own = [entry for entry in container.get("env") or [] if entry["name"] not in changes.environment]
                container["env"] = [*own, *({"name": name, "value": value} for name, value in changes.environment.items())]
    return found


def manifest_images(text: str, path: str) -> list[str]:
    """The images of the manifest as it was published, each once. Raises CollectionError."""
    objects = read_manifest(text, path, NAMED_NAMESPACE)
    return list(dict.fromkeys(image for item in objects if item["kind"] != CRD for image in images_of(item)))


def _adapted(value: Any, namespace: str) -> Any:
    """References to the namespace of the manifest lead to the wanted one. An image that the node has is not asked for in a registry."""
    if isinstance(value, list):
        return [_adapted(item, namespace) for item in value]
    if not isinstance(value, Mapping):
        return value
    adapted = {key: _adapted(item, namespace) for key, item in value.items()}
    if adapted.get("namespace") == NAMED_NAMESPACE:
        adapted["namespace"] = namespace
    if adapted.get("imagePullPolicy") == "Always":
        adapted["imagePullPolicy"] = "IfNotPresent"
    return adapted


def deployments(objects: list[Obj]) -> list[str]:
    """The names of its Deployments."""
    return [item["metadata"]["name"] for item in objects if item["kind"] == "Deployment"]
