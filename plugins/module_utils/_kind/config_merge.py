# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's own part of a kind configuration: what is refused, and how the rest is merged over the role's configuration. Pure.

Dictionaries are merged by key. Lists are joined: the role's entries, then the person's. The first entry of C(nodes) with a role is merged
over the first node of that role, the second over the second; an entry without such a node is a further node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.nearest import did_you_mean, nearest
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._host.preflight import Problem
from ansible_collections.gitops.airflow.plugins.module_utils._kind.containerd import toml_problem
from ansible_collections.gitops.airflow.plugins.module_utils._kind.drift import leaves, patches

NAME, OWN_NAME = "kind_cluster_config", "config"
CONTROL_PLANE = "control-plane"
CLUSTER_KIND, API_VERSION = "Cluster", "kind.x-k8s.io/v1alpha4"
# Addresses on which a port is published for all addresses of the machine.
WILDCARDS = frozenset({"", "0.0.0.0", "::"})
# The arguments of the API server that kind makes of these keys (pkg/cluster/internal/kubeadm/config.go). A patch replaces them.
API_ARGUMENTS = {"featureGates": "feature-gates", "runtimeConfig": "runtime-config"}
ANY = "*"

# What kind reads (v0.31.0, pkg/apis/config/v1alpha4/types.go). It refuses other keys. A tuple has the values that are possible.
JSON_PATCH = {"group": str, "version": str, "kind": str, "patch": str}
NODE: Mapping[str, Any] = {
    "role": (CONTROL_PLANE, "worker"),
    "image": str,
    "labels": {ANY: str},
    "extraMounts": [
        {
            "hostPath": str,
            "containerPath": str,
            "readOnly": bool,
            "selinuxRelabel": bool,
            "propagation": ("None", "HostToContainer", "Bidirectional"),
        }
    ],
    "extraPortMappings": [{"containerPort": int, "hostPort": int, "listenAddress": str, "protocol": ("TCP", "UDP", "SCTP")}],
    "kubeadmConfigPatches": [str],
    "kubeadmConfigPatchesJSON6902": [JSON_PATCH],
}
CLUSTER: Mapping[str, Any] = {
    "kind": (CLUSTER_KIND,),
    "apiVersion": (API_VERSION,),
    "name": str,
    "nodes": [NODE],
    "networking": {
        "ipFamily": ("ipv4", "ipv6", "dual"),
        "apiServerPort": int,
        "apiServerAddress": str,
        "podSubnet": str,
        "serviceSubnet": str,
        "disableDefaultCNI": bool,
        "kubeProxyMode": ("iptables", "ipvs", "nftables", "none"),
        "dnsSearch": [str],
    },
    "featureGates": {ANY: bool},
    "runtimeConfig": {ANY: str},
    "kubeadmConfigPatches": [str],
    "kubeadmConfigPatchesJSON6902": [JSON_PATCH],
    "containerdConfigPatches": [str],
    "containerdConfigPatchesJSON6902": [str],
}
WORDS = {str: "a text", int: "a whole number", bool: "true or false"}


@dataclass(frozen=True)
class Published:
    """A port of this machine that a configuration publishes."""

    path: str
    address: str
    port: int
    protocol: str
    target: str

    def overlaps(self, other: Published) -> bool:
        same = self.address == other.address or bool(WILDCARDS & {self.address, other.address})
        return same and (self.port, self.protocol) == (other.port, other.protocol)

    def __str__(self) -> str:
        return f"{self.address or '0.0.0.0'}:{self.port} -> {self.target}"


def merge_config(own: Mapping[str, Any], given: Any, name: str = NAME) -> dict[str, Any]:
    """The configuration ``own`` with a person's part merged over it. ``name`` is what messages call that part.

    Raises InputError with every reason to refuse it, or if ``own`` has not the structure of a configuration.
    """
    problems: list[Problem] = []
    _check_structure(CLUSTER, own, OWN_NAME, problems)
    _refuse(problems, OWN_NAME)
    if given in ({}, None):
        return dict(own)
    read = _read(CLUSTER, given, name, problems)
    _refuse(problems, name)
    # The rules need values of the right types.
    _refuse([*_refusals(own, read, name)], name)
    return {**_merged(_without_nodes(own), _without_nodes(read)), "nodes": _merged_nodes(own.get("nodes") or [{}], read.get("nodes") or [])}


def readable_part(own: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a configuration whose values have the structure that the other functions need."""
    found = {}
    for key, value in own.items():
        problems: list[Problem] = []
        _check_structure(CLUSTER, {key: value}, OWN_NAME, problems)
        if not problems:
            found[key] = value
    return found


def _refuse(problems: Sequence[Problem], name: str) -> None:
    if problems:
        lines = [f"- {problem}" for problem in problems]
        message = str(problems[0]) if len(problems) == 1 else "\n".join([f"There are {len(problems)} problems with {name}.", *lines])
        raise InputError(message, " ".join(dict.fromkeys(problem.next_action for problem in problems)))


def _check_structure(shape: Any, value: Any, path: str, problems: list[Problem]) -> None:
    """Adds to problems each dictionary, list, number and patch that has another type. kind checks the rest of the role's part."""
    if isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            _wrong(value, path, "a dictionary", problems)
            return
        for key, inner in shape.items():
            if value.get(key) is not None:
                _check_structure(inner, value[key], f"{path}.{key}", problems)
    elif isinstance(shape, list):
        if not isinstance(value, list | tuple):
            _wrong(value, path, "a list", problems)
            return
        for index, item in enumerate(value):
            _check_structure(shape[0], item, f"{path}[{index}]", problems)
    elif shape is int:
        _read_scalar(shape, value, path, problems)
    elif isinstance(value, Mapping | list | tuple) or (path.endswith("]") and not isinstance(value, str)):
        _wrong(value, path, " or ".join(shape) if isinstance(shape, tuple) else WORDS[shape], problems)


def _without_nodes(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "nodes"}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both have the structure of a configuration, so a key has the same type in both."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if isinstance(old, Mapping):
            result[key] = _merged(old, value)
        elif isinstance(old, list):
            result[key] = [*old, *value]
        else:
            result[key] = value
    return result


def _merged_nodes(own: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    result = [dict(node) for node in own]
    free: dict[str, list[int]] = {}
    for index, node in enumerate(own):
        free.setdefault(node_role(node), []).append(index)
    for node in given:
        same = free.get(node_role(node))
        if same:
            index = same.pop(0)
            result[index] = _merged(result[index], node)
        else:
            result.append(dict(node))
    return result


def node_role(node: Mapping[str, Any]) -> str:
    """The role of a node, with kind's default."""
    return str(node.get("role") or CONTROL_PLANE)


def _read(shape: Any, value: Any, path: str, problems: list[Problem]) -> Any:
    """The value with numbers and switches that were given as texts, as on a command line. Adds what does not have the shape to problems."""
    if isinstance(shape, Mapping):
        return _read_dictionary(shape, value, path, problems)
    if isinstance(shape, list):
        if not isinstance(value, list | tuple):
            return _wrong(value, path, "a list", problems)
        return [_read(shape[0], item, f"{path}[{index}]", problems) for index, item in enumerate(value)]
    if isinstance(shape, tuple):
        fitting = [choice for choice in shape if choice == (str(value).upper() if choice.isupper() else value)]
        return fitting[0] if fitting else _wrong(value, path, " or ".join(shape), problems)
    return _read_scalar(shape, value, path, problems)


def _read_dictionary(shape: Mapping[str, Any], value: Any, path: str, problems: list[Problem]) -> Any:
    if not isinstance(value, Mapping):
        return _wrong(value, path, "a dictionary", problems)
    found = {}
    for key, item in value.items():
        inner = shape.get(ANY) or shape.get(key)
        if inner is None:
            near = nearest(str(key), shape)
            advice = f"Write {near} instead of {key}." if near else f"Remove {key}. The keys here are {', '.join(shape)}."
            rule = f"kind knows no such key here, and would not create the cluster.{did_you_mean(near)}".rstrip(".")
            problems.append(Problem("unknown_key", f"{path} has the key {key}", rule, advice))
        elif item is not None:
            found[str(key)] = _read(inner, item, f"{path}.{key}", problems)
    return found


def _read_scalar(shape: type, value: Any, path: str, problems: list[Problem]) -> Any:
    text = str(value)
    if shape is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if shape is int and text.removeprefix("-").isdecimal():
        return int(text)
    if shape is str and isinstance(value, bool):
        return text.lower()
    if shape is str and isinstance(value, str | int | float):
        return text
    return _wrong(value, path, WORDS[shape], problems)


def _wrong(value: Any, path: str, wanted: str, problems: list[Problem]) -> None:
    hint = " Write the patch as a text, after a vertical bar." if "ConfigPatches" in path and isinstance(value, Mapping) else ""
    # A dictionary or list may have the password of a registry in it.
    shown = "a dictionary" if isinstance(value, Mapping) else "a list" if isinstance(value, list | tuple) else shorten(repr(value), 120)
    problems.append(Problem("bad_option", f"{path} is {shown}", f"It must be {wanted}", f"Correct {path}.{hint}"))


def _refusals(own: Mapping[str, Any], given: Mapping[str, Any], name: str) -> Iterator[Problem]:
    """What the role's own configuration and its later steps do not allow, in a part that has the right types."""
    networking = given.get("networking") or {}
    if "name" in given:
        action = f"Remove {name}.name, and set platform_name."
        yield _problem(f"{name}.name", given["name"], "The name of the cluster is platform_name", action)
    if networking.get("disableDefaultCNI"):
        yield _problem(
            f"{name}.networking.disableDefaultCNI",
            "true",
            "The role waits until every node is Ready, and without a network plugin no node is",
            _elsewhere(f"{name}.networking.disableDefaultCNI"),
        )
    if networking.get("kubeProxyMode") == "none":
        yield _problem(
            f"{name}.networking.kubeProxyMode",
            "none",
            "Without kube-proxy no Service answers, also not on the ports of this machine",
            _elsewhere(f"{name}.networking.kubeProxyMode"),
        )
    for index, node in enumerate(given.get("nodes") or []):
        yield from _node_refusals(node, f"{name}.nodes[{index}]")
    for index, text in enumerate(given.get("containerdConfigPatches") or []):
        why = toml_problem(text)
        if why:
            path = f"{name}.containerdConfigPatches[{index}]"
            yield Problem("bad_option", f"{path} is not TOML: {why}", "kind merges it with containerd's configuration", f"Correct {path}.")
    yield from _argument_refusals(own, given, name)
    yield from _port_refusals(own, given, name)


def _problem(path: str, value: Any, rule: str, action: str) -> Problem:
    return Problem("bad_option", f"{path} is {value}", rule, action)


def _elsewhere(path: str) -> str:
    return f"Remove {path}, or create such a cluster yourself and set platform_provider: existing."


def _node_refusals(node: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if "image" in node:
        rule = "All nodes have the image kind_cluster_node_image, and kind would ignore another one"
        action = f"Remove {path}.image, and set platform_kubernetes_version or kind_cluster_node_image."
        yield _problem(f"{path}.image", node["image"], rule, action)
    for index, mount in enumerate(node.get("extraMounts") or []):
        for key in ("hostPath", "containerPath"):
            where = f"{path}.extraMounts[{index}].{key}"
            if not str(mount.get(key) or "").startswith("/"):
                rule = "It must be an absolute path: kind expands neither ~ nor variables"
                yield _problem(where, repr(mount.get(key) or ""), rule, f"Give {where} as a path that begins with a slash.")
    for index, mapping in enumerate(node.get("extraPortMappings") or []):
        for key, least in (("containerPort", 1), ("hostPort", -1)):
            port = mapping.get(key, 0)
            if not least <= port < 2**16:
                where = f"{path}.extraPortMappings[{index}].{key}"
                yield _problem(where, port, "It must be a port, from 1 to 65535", f"Correct {where}.")


def _argument_refusals(own: Mapping[str, Any], given: Mapping[str, Any], name: str) -> Iterator[Problem]:
    """The API server's arguments that the role sets (kind_cluster_admission_policies): what is set twice would be lost."""
    wanted = patches(own).get("ClusterConfiguration", {})
    arguments = (wanted.get("apiServer") or {}).get("extraArgs") or {}
    advice = "Set kind_cluster_admission_policies: false, and give all values of {argument} in {path}."
    for key, argument in API_ARGUMENTS.items():
        if given.get(key) and argument in arguments:
            path = f"{name}.{key}"
            rule = f"kind_cluster_admission_policies sets {argument} of the API server to {arguments[argument]}, which replaces it"
            yield _problem(path, given[key], rule, advice.format(argument=argument, path=path))
    expected = dict(leaves(wanted))
    for where, spec in [(name, given), *((f"{name}.nodes[{index}]", node) for index, node in enumerate(given.get("nodes") or []))]:
        path = f"{where}.kubeadmConfigPatches"
        found = dict(leaves(patches({"kubeadmConfigPatches": spec.get("kubeadmConfigPatches")}).get("ClusterConfiguration", {})))
        for leaf in sorted(leaf for leaf in expected.keys() & found.keys() if found[leaf] != expected[leaf]):
            setting = ".".join(leaf)
            value = f"{path} sets {setting} of ClusterConfiguration to {found[leaf]}"
            rule = f"kind_cluster_admission_policies sets {setting} to {expected[leaf]}"
            yield Problem("bad_option", value, rule, advice.format(argument=setting, path=path))


def _port_refusals(own: Mapping[str, Any], given: Mapping[str, Any], name: str) -> Iterator[Problem]:
    taken = list(_published(own, ""))
    for wanted in _published(given, name):
        other = next((item for item in taken if item.overlaps(wanted)), None)
        if other:
            yield Problem(
                "bad_option",
                f"{wanted.path} publishes {wanted}, and {other.path} publishes {other}",
                "A port of this machine leads to one port of one node",
                f"Choose another port in {wanted.path}. platform_airflow_host_port and platform_argocd_host_port are the platform's.",
            )
        taken.append(wanted)


def _published(config: Mapping[str, Any], name: str) -> Iterator[Published]:
    for number, node in enumerate(config.get("nodes") or []):
        for index, mapping in enumerate(node.get("extraPortMappings") or []):
            port, protocol = int(mapping.get("hostPort") or 0), str(mapping.get("protocol") or "TCP").upper()
            if port > 0:
                path = f"{name}.nodes[{number}].extraPortMappings[{index}]" if name else "the role's configuration"
                target = f"{mapping.get('containerPort')}/{protocol.lower()}"
                yield Published(path, str(mapping.get("listenAddress") or ""), port, protocol, target)
    networking = config.get("networking") or {}
    if int(networking.get("apiServerPort") or 0) > 0:
        address = networking.get("apiServerAddress") or ("::1" if networking.get("ipFamily") == "ipv6" else "127.0.0.1")
        path = f"{name}.networking.apiServerPort" if name else "the role's configuration"
        yield Published(path, address, int(networking["apiServerPort"]), "TCP", "6443/tcp")
