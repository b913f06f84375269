# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind makes of labels, feature gates and other keys of its configuration, in the documents that it gives kubeadm. Pure.

The documents are those of kind v0.31.0 (pkg/cluster/internal/kubeadm/config.go). A patch goes before them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

Documents = Mapping[str, Mapping[str, Any]]
"""Settings by kind of document."""

Compared = tuple[str, dict[str, str], dict[str, str]]
"""What the settings are, the wanted ones, those in the node."""

Labels = Mapping[str, str]

CLUSTER, KUBELET, PROXY = "ClusterConfiguration", "KubeletConfiguration", "KubeProxyConfiguration"
# kind writes a node's labels in both.
REGISTRATIONS = ("InitConfiguration", "JoinConfiguration")


def written(config: Mapping[str, Any], patched: Documents, found: Documents) -> Iterator[Compared]:
    """What the configuration sets for a node, and what is in its documents. ``patched``: what its patches set, which is compared elsewhere.

    Labels are not here: those of an existing Node can be changed (``labels_not_given``).
    """
    gates = _texts(config.get("featureGates"))
    own = (patched.get(KUBELET) or {}).get("featureGates") or {}
    yield (
        "featureGates",
        {gate: value for gate, value in gates.items() if gate not in own},
        _texts((found.get(KUBELET) or {}).get("featureGates")),
    )
    if "runtime-config" not in _api_arguments(patched):
        yield "runtimeConfig", _texts(config.get("runtimeConfig")), _pairs(_api_arguments(found).get("runtime-config"))
    mode = (config.get("networking") or {}).get("kubeProxyMode")
    if mode and "mode" not in (patched.get(PROXY) or {}):
        # With none, kind writes no document.
        yield "networking", {"kubeProxyMode": str(mode)}, {"kubeProxyMode": str((found.get(PROXY) or {}).get("mode") or "none")}


def labels_not_given(spec: Mapping[str, Any], patched: Documents, found: Documents) -> dict[str, str]:
    """Labels of a node's configuration that kubeadm was not given. A patch of node-labels replaces all, in a new cluster as well."""
    if any("node-labels" in _kubelet_arguments(patched, kind) for kind in REGISTRATIONS):
        return {}
    registration = next((kind for kind in REGISTRATIONS if kind in found), REGISTRATIONS[0])
    given = _pairs(_kubelet_arguments(found, registration).get("node-labels"))
    return {label: value for label, value in _texts(spec.get("labels")).items() if given.get(label) != value}


def label_warnings(kubeconfig: str, context: str, missing: Mapping[str, Labels], listing: Mapping[str, Any]) -> list[str]:
    """What to say of labels, by node, that the API server's list of Nodes does not have. A node that is not in the list is unknown."""
    live = {item["metadata"]["name"]: item["metadata"].get("labels") or {} for item in listing.get("items") or []}
    return [
        f"{node}: label {label} is {live[node].get(label, 'absent') or 'empty'}, wanted {value or 'empty'}. Set it with: "
        + shlex.join(
            ["kubectl", "--kubeconfig", kubeconfig, "--context", context, "label", "--overwrite", "node", node, f"{label}={value}"]
        )
        for node, labels in missing.items()
        for label, value in labels.items()
        if node in live and live[node].get(label) != value
    ]


def _kubelet_arguments(documents: Documents, kind: str) -> dict[str, Any]:
    return _arguments(((documents.get(kind) or {}).get("nodeRegistration") or {}).get("kubeletExtraArgs"))


def _api_arguments(documents: Documents) -> dict[str, Any]:
    return _arguments(((documents.get(CLUSTER) or {}).get("apiServer") or {}).get("extraArgs"))


def _arguments(given: Any) -> dict[str, Any]:
    """A dictionary until kubeadm's API v1beta3, a list of names and values since v1beta4."""
    if isinstance(given, list):
        return {str(item.get("name")): item.get("value") for item in given if isinstance(item, Mapping)}
    return dict(given or {})


def _texts(settings: Any) -> dict[str, str]:
    """As kind writes them: it reads each value as a text, and a switch as true or false."""
    return {str(key): str(value).lower() if isinstance(value, bool) else str(value) for key, value in (settings or {}).items()}


def _pairs(text: Any) -> dict[str, str]:
    """The settings of an argument such as a=1,b=2."""
    return {key: value for key, _sign, value in (item.partition("=") for item in str(text or "").split(",")) if key}
