# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of scheduling read out of pods and of Ansible's output. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MIRROR = "kubernetes.io/config.mirror"
# The line of the one host in Ansible's recap.
_RECAP = re.compile(r"^localhost\s+:\s.*\bchanged=(\d+)\s.*\bfailed=(\d+)", re.MULTILINE)


def evictable(pod: Mapping[str, Any]) -> bool:
    """Whether a drain evicts the pod: a DaemonSet would make it again on the same node, and a mirror pod is the kubelet's."""
    metadata = pod.get("metadata") or {}
    owners = {owner.get("kind") for owner in metadata.get("ownerReferences") or []}
    return "DaemonSet" not in owners and MIRROR not in (metadata.get("annotations") or {})


def recap(output: str) -> tuple[int, int] | None:
    """How many tasks changed something and how many failed; None for a run without a recap."""
    found = _RECAP.search(output)
    return (int(found[1]), int(found[2])) if found else None


def one_line(text: str) -> str:
    """Without line breaks, which Ansible's output has where a line is long."""
    return " ".join(text.split())
