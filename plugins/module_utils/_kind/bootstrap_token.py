# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kind's well-known bootstrap token: whose cluster it may be deleted from, and what to say of it elsewhere.

kind makes every cluster with the same token (pkg/cluster/internal/kubeadm/const.go), valid for 24 hours. Whoever reaches the API server
requests a node's certificate with it, which is approved automatically. A node's kubelet needs it only until it has joined.
"""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeGuard

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import timestamp
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import NodeContent
from ansible_collections.gitops.airflow.plugins.module_utils._kind.drift import KUBELET, leaves, patches

TOKEN_ID, TOKEN_SECRET = "abcdef", "0123456789abcdef"
NAMESPACE, SECRET = "kube-system", f"bootstrap-token-{TOKEN_ID}"
# What kind itself gives every kubelet (pkg/cluster/internal/kubeadm/config.go): no mark of a configuration.
KIND_SETS: Mapping[tuple[str, ...], Any] = {
    ("imageGCHighThresholdPercent",): 100,
    ("evictionHard", "nodefs.available"): "0%",
    ("evictionHard", "nodefs.inodesFree"): "0%",
    ("evictionHard", "imagefs.available"): "0%",
    ("cgroupRoot",): "/kubelet",
    ("cgroupDriver",): "systemd",
    ("failSwapOn",): False,
}


@dataclass(frozen=True)
class Made:
    """The cluster that the module made under a name: the id of its first control plane's container, which no other cluster has."""

    container: str
    token_deleted: bool = False


class MadeFile:
    """Keeps ``Made`` on the machine. A file that cannot be read counts as none."""

    def __init__(self, folder: str, name: str) -> None:
        self.path = Path(folder) / f"{name}.made"

    def read(self) -> Made | None:
        try:
            return Made(**json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, made: Made) -> None:
        """Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(f"{json.dumps(asdict(made))}\n", encoding="utf-8")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def _kubelet_settings(config: Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
    nodes: list[dict[str, Any]] = config.get("nodes") or [{}]
    first = next((node for node in nodes if (node.get("role") or "control-plane") == "control-plane"), {})
    return dict(leaves(patches(config, first).get(KUBELET, {})))


def has_mark(config: Mapping[str, Any]) -> bool:
    """Whether the configuration has a kubelet setting that kind does not set itself. Raises InputError on patches that are not YAML."""
    return any(KIND_SETS.get(path) != value for path, value in _kubelet_settings(config).items())


def carries(config: Mapping[str, Any], content: NodeContent | None) -> bool:
    """Whether kubeadm was given this configuration's kubelet settings on the first control plane, and one that kind does not set itself.

    The mark of a cluster that an earlier version of the module made, and which is not recorded.
    """
    given = dict(leaves((content.kubeadm if content else {}).get(KUBELET, {})))
    return has_mark(config) and all(given.get(path) == value for path, value in _kubelet_settings(config).items())


def is_recorded(made: Made | None, containers: Collection[str]) -> TypeGuard[Made]:
    """Whether the record is of the cluster with these containers, given by id."""
    return bool(made and made.container and made.container in containers)


def may_delete(made: Made | None, container: str, config: Mapping[str, Any], content: NodeContent | None) -> bool:
    """Whether the token is to be deleted: the module made the cluster with this first control plane, and has not deleted it yet."""
    if is_recorded(made, [container]):
        return not made.token_deleted
    return carries(config, content)


def token_warning(secret: Mapping[str, Any], now: datetime.datetime) -> str:
    """What a person should know of the Secret, or nothing: another token than kind's, or one that has expired."""
    data = {key: base64.b64decode(value or "").decode(errors="replace") for key, value in (secret.get("data") or {}).items()}
    end = timestamp(data.get("expiration"))
    if data.get("token-secret") != TOKEN_SECRET or (end and end.tzinfo and end <= now):
        return ""
    until = f" until {end:%Y-%m-%dT%H:%M:%SZ}" if end else ""
    return (
        f"kind's well-known bootstrap token is valid{until}: who reaches the API server, every pod included, can join as a node with it. "
        f"Delete it: kubectl -n {NAMESPACE} delete secret {SECRET} (make site deletes it from a cluster that it made)"
    )


def read_token_warning(api: Any) -> list[str]:
    """``token_warning`` of the cluster that a KubeApi reaches; nothing where the Secret may not be read."""
    try:
        secret = api.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/{SECRET}")
    except ApiError:
        return []
    return [text for text in [token_warning(secret, datetime.datetime.now(datetime.UTC))] if text]
