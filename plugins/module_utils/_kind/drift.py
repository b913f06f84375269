# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a kind cluster differs from its configuration: values in, a list of differences out. Pure, but for links in paths of mounts."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.secret_parts import is_secret_name
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import significant
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import (
    FoundNode,
    MountBind,
    NodeContent,
    PortMapping,
    WantedNode,
    merge_patch,
    same_image,
    yaml_documents,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.containerd import merged_patches, toml_problem
from ansible_collections.gitops.airflow.plugins.module_utils._kind.written import labels_not_given, written

ABSENT = "absent"
HIDDEN = "(not shown)"
KUBELET = "KubeletConfiguration"
# Mounts that kind adds by itself (pkg/cluster/internal/providers/docker/provision.go).
OWN_MOUNTS = frozenset({"/lib/modules", "/dev/mapper"})
# The documents that kind gives kubeadm (pkg/cluster/internal/kubeadm/config.go). A patch of another kind has no effect.
PATCHED = ("ClusterConfiguration", "InitConfiguration", "JoinConfiguration", KUBELET, "KubeProxyConfiguration")
CRI_SOCKET = "unix:///run/containerd/containerd.sock"
# Settings that have no effect in the kubelet's file, with the value that holds instead and why. The first: kubeadm's
# cmd/kubeadm/app/componentconfigs/kubelet.go; the others are flags, which go before the file.
OVERRIDDEN: Mapping[tuple[str, ...], tuple[Any, str]] = {
    ("rotateCertificates",): (True, "kubeadm always sets it to true"),
    ("containerRuntimeEndpoint",): (CRI_SOCKET, f"kubeadm starts the kubelet with {CRI_SOCKET}"),
    ("providerID",): (None, "kind starts the kubelet with one of its own"),
}
# What holds for a setting that the kubelet's file leaves out (pkg/kubelet/apis/config/v1beta1/defaults.go), the same in Kubernetes 1.27 to
# 1.35. kubeadm leaves out what has Go's zero value, for instance false, if the field does not tell that from an absent one.
KUBELET_DEFAULTS: Mapping[tuple[str, ...], Any] = {
    ("address",): "0.0.0.0",
    ("configMapAndSecretChangeDetectionStrategy",): "Watch",
    ("containerLogMaxFiles",): 5,
    ("containerLogMaxSize",): "10Mi",
    ("cpuCFSQuota",): True,
    ("cpuCFSQuotaPeriod",): "100ms",
    ("cpuManagerPolicy",): "none",
    ("cpuManagerReconcilePeriod",): "10s",
    ("enableContentionProfiling",): False,
    ("enableControllerAttachDetach",): True,
    ("enableDebugFlagsHandler",): True,
    ("enableDebuggingHandlers",): True,
    ("enableProfilingHandler",): True,
    ("enableServer",): True,
    ("enableSystemLogHandler",): True,
    ("enableSystemLogQuery",): False,
    ("enforceNodeAllocatable",): ["pods"],
    ("evictionMaxPodGracePeriod",): 0,
    ("evictionPressureTransitionPeriod",): "5m",
    ("fileCheckFrequency",): "20s",
    ("hairpinMode",): "promiscuous-bridge",
    ("httpCheckFrequency",): "20s",
    ("imageGCHighThresholdPercent",): 85,
    ("imageGCLowThresholdPercent",): 80,
    ("imageMaximumGCAge",): "0s",
    ("imageMinimumGCAge",): "2m",
    ("kernelMemcgNotification",): False,
    ("localStorageCapacityIsolation",): True,
    ("logging", "flushFrequency"): "5s",
    ("logging", "format"): "text",
    ("logging", "verbosity"): 0,
    ("makeIPTablesUtilChains",): True,
    ("maxOpenFiles",): 1000000,
    ("maxPods",): 110,
    ("memoryManagerPolicy",): "None",
    ("nodeLeaseDurationSeconds",): 40,
    ("nodeStatusMaxImages",): 50,
    ("nodeStatusUpdateFrequency",): "10s",
    ("oomScoreAdj",): -999,
    ("podPidsLimit",): -1,
    ("podsPerCore",): 0,
    ("port",): 10250,
    ("protectKernelDefaults",): False,
    ("readOnlyPort",): 0,
    ("registerNode",): True,
    ("registryBurst",): 10,
    ("registryPullQPS",): 5,
    ("runOnce",): False,
    ("runtimeRequestTimeout",): "2m",
    ("seccompDefault",): False,
    ("serializeImagePulls",): True,
    ("serverTLSBootstrap",): False,
    ("shutdownGracePeriod",): "0s",
    ("shutdownGracePeriodCriticalPods",): "0s",
    ("streamingConnectionIdleTimeout",): "4h",
    ("syncFrequency",): "1m",
    ("topologyManagerPolicy",): "none",
    ("topologyManagerScope",): "container",
    ("volumeStatsAggPeriod",): "1m",
}
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
        drift += _set_drift(want.name, "mount", _mount_text, *_match_mounts(want.mounts, node.mounts))
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


def _place(mount: MountBind) -> MountBind:
    """The same for all ways to write a mount (V11): kind hands most paths to Docker as they are, and engines may resolve links."""
    host, inside, read_only = mount
    return re.sub("^/+", "/", os.path.realpath(host)), posixpath.normpath(re.sub("^/+", "/", inside)), read_only


def _match_mounts(wanted: frozenset[MountBind], found: frozenset[MountBind]) -> tuple[set[MountBind], set[MountBind]]:
    wanted_places, found_places = {_place(mount) for mount in wanted}, {_place(mount) for mount in found}
    missing = {mount for mount in wanted if _place(mount) not in found_places}
    return missing, {mount for mount in found if (place := _place(mount)) not in wanted_places and place[1] not in OWN_MOUNTS}


def _port_text(port: PortMapping) -> str:
    return f"{port[1]}:{port[2] or 'any'} -> {port[0]}"


def _mount_text(mount: MountBind) -> str:
    return f"{mount[0]} -> {mount[1]}{' (read-only)' if mount[2] else ''}"


def _set_drift(where: str, what: str, text: Any, missing: Set[Any], extra: Set[Any]) -> list[Drift]:
    return [Drift(where, what, ABSENT, text(item)) for item in sorted(missing)] + [
        Drift(where, what, text(item), ABSENT) for item in sorted(extra)
    ]


def patches(config: Mapping[str, Any], node: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """The kubeadm configuration patches for a node, merged, by kind of document. Raises InputError on text that is not such a patch."""
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
            merged[document["kind"]] = merge_patch(merged.get(document["kind"], {}), settings)
    return merged


def check_patches(config: Mapping[str, Any]) -> None:
    """Raises InputError for patches that are none, or can have no effect: no cluster would ever be as they say (V11)."""
    for text in config.get("containerdConfigPatches") or []:
        if why := toml_problem(text):
            raise InputError(f"a containerdConfigPatches entry is not TOML: {why}", "Correct config.")
    for spec in [{}, *(config.get("nodes") or [])]:
        found = patches(config, spec)
        if unknown := found.keys() - PATCHED:
            message = f"a kubeadmConfigPatches entry is of kind {', '.join(sorted(map(str, unknown)))}, so kind would never apply it"
            raise InputError(message, f"Correct the kind to one of {', '.join(PATCHED)}.")
        for path, value in leaves(found.get(KUBELET, {})):
            instead, why = OVERRIDDEN.get(path, (value, ""))
            if value is not None and value != instead:
                name = ".".join(path)
                message = f"kubeadmConfigPatches sets {name} of {KUBELET} to {value}, which has no effect: {why}"
                raise InputError(message, f"Remove {name} from the patch.")


def content_drift(config: Mapping[str, Any], wanted: Sequence[WantedNode], contents: Mapping[str, NodeContent]) -> list[Drift]:
    """Differences that only the inside of a node shows.

    KubeletConfiguration is compared with the file that the kubelet runs with. kubeadm hands the first control plane's to every
    node that joins, so that one counts for all. Other documents, the subnets, and what kind makes of feature gates and the like
    are compared with what kubeadm was given, patches of containerd with its file.
    """
    specs = config.get("nodes") or [{}]
    first, name = next(
        ((spec, want.name) for spec, want in zip(specs, wanted, strict=False) if want.role == "control-plane"), (dict[str, Any](), "")
    )
    kubelet = patches(config, first).get(KUBELET, {})
    given = contents[name].kubeadm.get(KUBELET) if name in contents else None
    networking = config.get("networking") or {}
    subnets = {key: networking[key] for key in ("podSubnet", "serviceSubnet") if networking.get(key)}
    drift = []
    for spec, want in zip(specs, wanted, strict=False):
        content = contents.get(want.name)
        if content is None:
            continue
        found = {path: value for path, value in leaves(kubelet) if not _kubelet_has(path, value, content.kubelet, given)}
        drift += [_setting_drift(want.name, "kubelet", path, value, content.kubelet) for path, value in found.items()]
        documents = {kind: settings for kind, settings in patches(config, spec).items() if kind != KUBELET}
        if subnets:
            documents["ClusterConfiguration"] = merge_patch({"networking": subnets}, documents.get("ClusterConfiguration", {}))
        for kind, settings in documents.items():
            drift += _settings_drift(want.name, kind, settings, content.kubeadm.get(kind, {}))
        # A JSON patch, which is not compared, may replace what kind writes and what the other patches set.
        json_patched = config.get("kubeadmConfigPatchesJSON6902") or spec.get("kubeadmConfigPatchesJSON6902")
        for what, settings, there in [] if json_patched else written(config, patches(config, spec), content.kubeadm):
            drift += _settings_drift(want.name, what, settings, there)
        if content.containerd and not config.get("containerdConfigPatchesJSON6902"):
            containerd = merged_patches(config.get("containerdConfigPatches") or [], content.containerd)
            drift += _settings_drift(want.name, "containerd", containerd, content.containerd)
    return drift


def missing_labels(
    config: Mapping[str, Any], wanted: Sequence[WantedNode], contents: Mapping[str, NodeContent]
) -> dict[str, dict[str, str]]:
    """Labels, by node, that the nodes did not get when they were created. The Nodes may have got them since."""
    found = {}
    for spec, want in zip(config.get("nodes") or [{}], wanted, strict=False):
        if want.name in contents:
            found[want.name] = labels_not_given(spec, patches(config, spec), contents[want.name].kubeadm)
    return {name: labels for name, labels in found.items() if labels}


def _kubelet_has(path: tuple[str, ...], wanted: Any, kubelet: Mapping[str, Any], given: Mapping[str, Any] | None) -> bool:
    """Whether the kubelet does what is wanted, or would not do it in a new cluster either (V11).

    ``kubelet`` is its file, ``given`` what kubeadm was given, if that is known. kubeadm leaves out of the file what it does not know and
    what has Go's zero value, and sets what is left out.
    """
    found = _at(kubelet, path)
    if same_value(wanted, found):
        return True
    as_given = given is not None and same_value(wanted, _at(given, path))
    if wanted is None:
        return as_given
    if found not in (None, "0s") and not (path == ("logging", "flushFrequency") and found == 0):
        return False
    return as_given or (wanted in ("", [], "0s") and path != ("resolvConf",)) or same_value(wanted, KUBELET_DEFAULTS.get(path))


def _at(settings: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = settings
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _setting_drift(where: str, what: str, path: Sequence[str], wanted: Any, settings: Mapping[str, Any]) -> Drift:
    texts = (_value_text(_at(settings, path)), _value_text(wanted))
    # containerd's configuration may hold the passwords of registries.
    secret = "auth" in path or is_secret_name(str(path[-1]))
    found, expected = (HIDDEN if secret and text != ABSENT else text for text in texts)
    return Drift(where, f"{what} {'.'.join(map(str, path))}", found, expected)


def _settings_drift(where: str, what: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[Drift]:
    return [_setting_drift(where, what, path, value, found) for path, value in leaves(wanted) if not same_value(value, _at(found, path))]


def leaves(settings: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each single setting, by its path of keys."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _value_text(value: Any) -> str:
    return ABSENT if value is None else str(value)


def same_value(wanted: Any, found: Any) -> bool:
    """Whether two settings say the same, as Go reads and writes them."""
    if isinstance(wanted, bool) != isinstance(found, bool):
        return False
    if wanted is None or found is None:
        return bool(wanted == found)
    if isinstance(wanted, list) or isinstance(found, list):
        return bool(significant(wanted) == significant(found))
    seconds = duration(str(wanted))
    return str(wanted) == str(found) or (seconds is not None and seconds == duration(str(found)))


def duration(text: str) -> float | None:
    """Seconds of a duration as Go writes it (`2m`, `2m0s`, `1h30m`), or None when it is none."""
    units = {"ms": 0.001, "h": 3600.0, "m": 60.0, "s": 1.0}
    part = r"(\d+(?:\.\d+)?)(ms|h|m|s)"
    if text == "0":
        return 0.0
    if not re.fullmatch(f"(?:{part})+", text):
        return None
    return sum(float(number) * units[unit] for number, unit in re.findall(part, text))
