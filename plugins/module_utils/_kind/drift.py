# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a kind cluster differs from its configuration. Pure: values in, a list of differences out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import (
    FoundNode,
    MountBind,
    NodeContent,
    PortMapping,
    WantedNode,
    same_image,
    yaml_documents,
)

ABSENT = "absent"
KUBELET = "KubeletConfiguration"
# Mounts that kind adds by itself (pkg/cluster/internal/providers/docker/provision.go).
OWN_MOUNTS = frozenset({"/lib/modules", "/dev/mapper"})
# Keys of a patch that choose the document and are not a setting of it.
PATCH_SELECTORS = frozenset({"apiVersion", "kind", "metadata"})


@dataclass(frozen=True)
class Drift:
    """One difference between the cluster and the configuration."""

    where: str
    what: str
    found: str
    wanted: str
    next_action: str = "Make the configuration say what exists, or delete the cluster (state=absent) and create it again."

    def __str__(self) -> str:
        return f"{self.where}: {self.what} is {self.found}, wanted {self.wanted}"

    def as_dict(self) -> dict[str, str]:
        return {"where": self.where, "what": self.what, "found": self.found, "wanted": self.wanted, "next_action": self.next_action}


def node_drift(wanted: Sequence[WantedNode], found: Sequence[FoundNode]) -> list[Drift]:
    """Differences that `docker inspect` shows: which nodes there are, their images, published ports and mounts."""
    by_name = {node.name: node for node in found}
    drift = []
    for want in wanted:
        node = by_name.pop(want.name, None)
        if node is None:
            drift.append(Drift(want.name, "node", ABSENT, f"a {want.role} node"))
            continue
        if want.image and not same_image(want.image, node.image):
            drift.append(Drift(want.name, "image", node.image, want.image))
        drift += _set_drift(want.name, "port mapping", _port_text, *_match_ports(want.ports, node.ports))
        found_mounts = {mount for mount in node.mounts if mount[1] not in OWN_MOUNTS or mount in want.mounts}
        drift += _set_drift(want.name, "mount", _mount_text, want.mounts - found_mounts, found_mounts - want.mounts)
    drift += [Drift(node.name, "node", f"a {node.role or 'kind'} node", ABSENT) for node in by_name.values()]
    return drift


def _match_ports(wanted: frozenset[PortMapping], found: frozenset[PortMapping]) -> tuple[set[PortMapping], set[PortMapping]]:
    missing, extra = set(wanted), set(found)
    for port in wanted:
        match = next((other for other in extra if other[:2] == port[:2] and port[2] in ("", other[2])), None)
        if match:
            missing.discard(port)
            extra.discard(match)
    return missing, extra


def _port_text(port: PortMapping) -> str:
    return f"{port[1]}:{port[2] or 'any'} -> {port[0]}"


def _mount_text(mount: MountBind) -> str:
    return f"{mount[0]} -> {mount[1]}{' (read-only)' if mount[2] else ''}"


def _set_drift(where: str, what: str, text: Any, missing: Set[Any], extra: Set[Any]) -> list[Drift]:
    return [Drift(where, what, ABSENT, text(item)) for item in sorted(missing)] + [
        Drift(where, what, text(item), ABSENT) for item in sorted(extra)
    ]


def patches(config: Mapping[str, Any], node: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """The kubeadm configuration patches for a node, merged, by kind of document. Raises InputError on text that is not YAML."""
    merged: dict[str, dict[str, Any]] = {}
    for text in [*(config.get("kubeadmConfigPatches") or []), *((node or {}).get("kubeadmConfigPatches") or [])]:
        try:
            documents = yaml_documents(text)
        except ValueError as error:
            raise InputError(f"a kubeadmConfigPatches entry is {error}", "Correct config.") from error
        for document in documents:
            if not isinstance(document, dict) or "kind" not in document:
                message = f"a kubeadmConfigPatches entry has no kind, so kind would never apply it: {text.strip()[:80]!r}"
                raise InputError(message, "Name its kind.")
            settings = {key: value for key, value in document.items() if key not in PATCH_SELECTORS}
            merged[document["kind"]] = _merge(merged.get(document["kind"], {}), settings)
    return merged


def _merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in patch.items():
        old = result.get(key)
        result[key] = _merge(old if isinstance(old, dict) else {}, value) if isinstance(value, dict) else value
    return result


def content_drift(config: Mapping[str, Any], wanted: Sequence[WantedNode], contents: Mapping[str, NodeContent]) -> list[Drift]:
    """Differences that only the inside of a node shows.

    KubeletConfiguration is compared with the file that the kubelet runs with. kubeadm hands the first control plane's to every
    node that joins, so that one counts for all. Other documents and the subnets are compared with what kubeadm was given.
    """
    specs = config.get("nodes") or [{}]
    first: Mapping[str, Any] = next((spec for spec in specs if (spec.get("role") or "control-plane") == "control-plane"), {})
    kubelet = patches(config, first).get(KUBELET, {})
    networking = config.get("networking") or {}
    subnets = {key: networking[key] for key in ("podSubnet", "serviceSubnet") if networking.get(key)}
    drift = []
    for spec, want in zip(specs, wanted, strict=False):
        content = contents.get(want.name)
        if content is None:
            continue
        drift += _settings_drift(want.name, "kubelet", kubelet, content.kubelet)
        documents = {kind: settings for kind, settings in patches(config, spec).items() if kind != KUBELET}
        if subnets:
            documents["ClusterConfiguration"] = _merge({"networking": subnets}, documents.get("ClusterConfiguration", {}))
        for kind, settings in documents.items():
            drift += _settings_drift(want.name, kind, settings, content.kubeadm.get(kind, {}))
    return drift


def _settings_drift(where: str, what: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[Drift]:
    drift = []
    for path, value in leaves(wanted):
        have: Any = found
        for key in path:
            have = have.get(key) if isinstance(have, Mapping) else None
        if not _same_value(value, have):
            drift.append(Drift(where, f"{what} {'.'.join(map(str, path))}", _value_text(have), _value_text(value)))
    return drift


def leaves(settings: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each single setting, by its path of keys."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*path, key))
        elif value != {}:
            yield (*path, key), value


def _value_text(value: Any) -> str:
    return ABSENT if value is None else str(value)


def _same_value(wanted: Any, found: Any) -> bool:
    if wanted == found or wanted is None or found is None:
        return bool(wanted == found)
    if isinstance(wanted, (bool, list)) or isinstance(found, (bool, list)):
        return False
    seconds = duration(str(wanted))
    return str(wanted) == str(found) or (seconds is not None and seconds == duration(str(found)))


def duration(text: str) -> float | None:
    """Seconds of a duration as Go writes it (`2m`, `2m0s`, `1h30m`), or None when it is none."""
    units = {"ms": 0.001, "h": 3600.0, "m": 60.0, "s": 1.0}
    if text == "0":
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * units[unit] for number, unit in parts)
