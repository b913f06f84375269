# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind cluster should look like and what it does look like. Pure: dicts in, values out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._host.docker import image_name

try:
    import yaml
except ImportError:  # the module reports it
    HAS_YAML = False
else:
    HAS_YAML = True

ROLE_LABEL = "io.x-k8s.kind.role"
API_PORT = "6443/tcp"
# Where the module notes which clusters it made, and keeps what those left that it could not make.
STATE_DIR = "~/.cache/gitops-airflow/clusters"
BALANCER = "external-load-balancer"

PortMapping = tuple[str, str, str]  # container port with protocol, listen address, host port ("" when any will do)
MountBind = tuple[str, str, bool]  # host path as it is given, path in the node, read-only


@dataclass(frozen=True)
class WantedNode:
    """One node as the configuration describes it, all of kind's defaults filled in."""

    name: str
    role: str
    image: str
    ports: frozenset[PortMapping] = frozenset()
    mounts: frozenset[MountBind] = frozenset()


@dataclass(frozen=True)
class FoundNode:
    """One node container as `docker inspect` describes it."""

    name: str
    role: str
    image: str
    status: str
    ports: frozenset[PortMapping] = frozenset()
    mounts: frozenset[MountBind] = frozenset()
    api: tuple[str, str] | None = None  # address and port of the host on which the API server is published
    volumes: tuple[str, ...] = ()
    started: str = ""  # when its container was started, RFC 3339, UTC
    id: str = ""  # Docker's, of the container

    @property
    def is_kubernetes(self) -> bool:
        return self.role != BALANCER


@dataclass(frozen=True)
class NodeContent:
    """What one `docker exec` read inside a running node."""

    joined: bool  # kubeadm finished here
    kubelet: Mapping[str, Any] = field(default_factory=dict)
    kubeadm: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by kind of document
    images: frozenset[str] = frozenset()
    ca: str = ""  # certificate authority of the cluster, PEM
    containerd: Mapping[str, Any] = field(default_factory=dict)  # its configuration; empty if it cannot be read


def yaml_documents(text: str) -> list[Any]:
    """The documents of a YAML text that are not empty. Raises ValueError on text that is not YAML."""
    try:
        return [document for document in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if document]
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {error}") from error


def merge_patch(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the settings of a patch, dictionaries by key. A setting of null stays, as the wish that there be none."""
    result = dict(base)
    for key, value in patch.items():
        old = result.get(key)
        result[key] = merge_patch(old if isinstance(old, dict) else {}, value) if isinstance(value, dict) else value
    return result


def full_config(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The document that kind gets. Raises InputError when it describes another cluster than name."""
    if config.get("name", name) != name:
        raise InputError(f"config.name is {config['name']!r} but name is {name!r}", "Leave config.name out, or make the two agree.")
    for key, value in (("kind", "Cluster"), ("apiVersion", "kind.x-k8s.io/v1alpha4")):
        if config.get(key, value) != value:
            raise InputError(f"config.{key} is {config[key]!r}, only {value!r} is supported", f"Correct config.{key}.")
    for index, node in enumerate(config.get("nodes") or []):
        if node.get("role", "control-plane") not in ("control-plane", "worker"):
            message = f"config.nodes[{index}].role is {node['role']!r}, it must be control-plane or worker"
            raise InputError(message, "Correct that role.")
    return {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", **config, "name": name}


def same_image(wanted: str, found: str) -> bool:
    """Whether two references name the same image, as far as text can tell: a digest counts where both have one."""
    if ("@" in wanted) != ("@" in found):
        wanted, found = (text.partition("@")[0] for text in (wanted, found))
    return image_name(wanted) == image_name(found)


def missing_images(images: Sequence[str], present: frozenset[str]) -> list[str]:
    """Those of images that a node does not have; containerd's own names are complete already."""
    known = {image_name(name) for name in present if not name.startswith("sha256:")}
    return [name for name in images if image_name(name) not in known]


def wanted_nodes(name: str, config: Mapping[str, Any], image: str) -> list[WantedNode]:
    """The node containers that kind makes of config, named and ordered as kind does it."""
    family = (config.get("networking") or {}).get("ipFamily") or "ipv4"
    listen = "::" if family == "ipv6" else "0.0.0.0"
    counts: dict[str, int] = {}
    nodes = []
    for node in config.get("nodes") or [{}]:
        role = node.get("role") or "control-plane"
        counts[role] = counts.get(role, 0) + 1
        suffix = "" if counts[role] == 1 else str(counts[role])
        nodes.append(
            WantedNode(
                name=f"{name}-{role}{suffix}",
                role=role,
                image=image or node.get("image") or "",
                ports=frozenset(_wanted_port(mapping, listen, f"{name}-{role}{suffix}") for mapping in node.get("extraPortMappings") or []),
                mounts=frozenset(_wanted_mount(mount, f"{name}-{role}{suffix}") for mount in node.get("extraMounts") or []),
            )
        )
    if counts.get("control-plane", 0) > 1:
        nodes.append(WantedNode(name=f"{name}-{BALANCER}", role=BALANCER, image=""))
    return nodes


def _wanted_mount(mount: Mapping[str, Any], node: str) -> MountBind:
    for key in ("hostPath", "containerPath"):
        if not mount.get(key):
            raise InputError(f"an entry of extraMounts of the node {node} has no {key}: {dict(mount)}", f"Give its {key}.")
    return os.path.abspath(mount["hostPath"]), mount["containerPath"], bool(mount.get("readOnly"))


def _wanted_port(mapping: Mapping[str, Any], listen: str, node: str) -> PortMapping:
    if not isinstance(mapping, Mapping) or not mapping.get("containerPort"):
        message = f"an entry of extraPortMappings of the node {node} has no containerPort: {mapping}. kind needs the port of the node"
        raise InputError(message, "Give its containerPort, for example {containerPort: 30090, hostPort: 9090}.")
    try:
        host = int(mapping.get("hostPort") or 0)
    except (TypeError, ValueError) as error:
        message = f"an entry of extraPortMappings of the node {node} has the hostPort {mapping['hostPort']!r}. It must be a number"
        raise InputError(message, "Correct its hostPort.") from error
    protocol = str(mapping.get("protocol") or "TCP").lower()
    return (f"{mapping['containerPort']}/{protocol}", mapping.get("listenAddress") or listen, str(host) if host > 0 else "")


def found_nodes(inspected: Sequence[Mapping[str, Any]]) -> list[FoundNode]:
    """The node containers of `docker inspect`'s JSON, ordered by name."""
    return sorted((_found_node(item) for item in inspected), key=lambda node: node.name)


def _found_node(item: Mapping[str, Any]) -> FoundNode:
    role = item["Config"]["Labels"].get(ROLE_LABEL, "")
    ports: set[PortMapping] = set()
    api: tuple[str, str] | None = None
    for container_port, bindings in (item["HostConfig"].get("PortBindings") or {}).items():
        places = [(binding.get("HostIp") or "0.0.0.0", binding["HostPort"]) for binding in bindings or []]
        # kind publishes the API server after the extraPortMappings, which may hold its port as well (planCreation in provision.go).
        if container_port == API_PORT and role != "worker" and places:
            *places, api = places
        ports.update((container_port, *place) for place in places)
    mounts: set[MountBind] = set()
    for bind in item["HostConfig"].get("Binds") or []:
        source, target, *options = bind.split(":")
        mounts.add((source, target, "ro" in (options[0].split(",") if options else [])))
    return FoundNode(
        name=item["Name"].lstrip("/"),
        role=role,
        image=item["Config"]["Image"],
        status=item["State"]["Status"],
        ports=frozenset(ports),
        mounts=frozenset(mounts),
        api=api,
        started=item["State"].get("StartedAt", ""),
        id=item.get("Id", ""),
        volumes=tuple(mount["Name"] for mount in item.get("Mounts") or [] if mount.get("Type") == "volume"),
    )
