# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what kind and Kubernetes left or said: kubeconfig files, failures, node lists. Pure: text and dicts in, verdicts out."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import yaml_documents

KUBELET_ENDED = re.compile(r"kubelet\.service: Main process exited, code=(?:exited, status=[1-9]|dumped)")
KUBELET_ERROR = re.compile(r"kubelet\[\d+\]: (?:[EF]\d{4} \S+\s+\d+ \S+\] |(?=Error: |panic: ))(?P<text>.+)")
KLOG = re.compile(r'"((?:[^"\\]|\\.)*)"(?: .*?\berr="((?:[^"\\]|\\.)*)")?')
SECONDS = len("2026-01-01T00:00:00")
CREATE_HINTS = (
    (r"port is already allocated|address already in use", "Free the port, or choose another hostPort in extraPortMappings."),
    (
        r"pull access denied|manifest unknown|manifest for .* not found|no such manifest|repository does not exist",
        "Correct the node image's name or tag.",
    ),
    (
        r"failed to pull image|dial tcp(?![^\n]*:10248)|tls handshake timeout|no such host",
        "Make the registry reachable, or put the node image into the engine first (docker load).",
    ),
    (r"unable to decode|unknown field|unknown apiversion|error parsing config|invalid configuration", "Correct the configuration."),
    (r"could not find a log line|reached target .*multi-user", "See whether the machine's kernel and cgroups suit the node image."),
    (r"no space left on device", "Free disk space."),
)


def kubeconfig_problem(text: str, context: str, api: tuple[str, str] | None, ca: str) -> str | None:
    """Why a kubeconfig's text cannot be used for the cluster, or None when it can. An empty ca is not compared."""
    try:
        document = (yaml_documents(text) or [{}])[0]
    except ValueError:
        return "the file is not YAML"
    if not isinstance(document, dict):
        return "the file is not a kubeconfig"
    entries = {
        kind: {entry.get("name"): entry.get(kind) or {} for entry in document.get(f"{kind}s") or []}
        for kind in ("context", "cluster", "user")
    }
    if context not in entries["context"]:
        return f"it has no context {context}"
    cluster = entries["cluster"].get(entries["context"][context].get("cluster"))
    if cluster is None or entries["context"][context].get("user") not in entries["user"]:
        return f"its context {context} names a cluster or user that it does not have"
    server = str(cluster.get("server", ""))
    if api and server.rstrip("/").rpartition(":")[2] != api[1]:
        return f"its context {context} names the server {server or 'nothing'}, the cluster's port is {api[1]}"
    if ca and base64.b64decode(str(cluster.get("certificate-authority-data", ""))).decode(errors="replace").strip() != ca.strip():
        return f"its context {context} trusts another cluster's certificate authority"
    return None


def kubelet_words(journal: str) -> str:
    """Why a kubelet ended itself, in its own words, from its unit's journal; nothing if it did not, or said nothing.

    It writes an error in klog's format and ends; systemd notes that and starts it again.
    """
    ends = [match.start() for match in KUBELET_ENDED.finditer(journal)]
    errors = [match["text"] for match in KUBELET_ERROR.finditer(journal, 0, ends[-1] if ends else 0)]
    if not errors:
        return ""
    said = KLOG.match(errors[-1])
    text = ": ".join(part.replace('\\"', '"') for part in said.groups() if part) if said else errors[-1]
    return shorten(text)


def create_failure(output: str, journals: Mapping[str, str] | None = None, lines: int = 20) -> tuple[str, str]:
    """The cause in the output of a failed `kind create cluster`, and what to do next. ``journals``: the kubelets', by node."""
    text = output.strip()
    cause = text[text.rfind("ERROR: ") + len("ERROR: ") :] if "ERROR: " in text else text
    # kind quotes the whole command that failed; what that command said is what matters.
    cause = re.sub(r': command "docker .*" failed with error: .*\s+Command Output: (?:[0-9a-f]{64}\n)?', ": ", cause)
    cause = cause.replace("Run 'docker run --help' for more information", "").replace("See 'docker run --help'.", "").strip()
    shown = cause.splitlines()
    if len(shown) > lines:
        shown = [shown[0], "...", *shown[-lines:]]
    for node, journal in (journals or {}).items():
        if words := kubelet_words(journal):
            # kind's text only says that the kubelet does not answer.
            said = f"the kubelet of {node} ended itself: {words}"
            return "\n".join(
                [*shown, said]
            ), "Correct the problem that the kubelet reports, usually in a KubeletConfiguration of kubeadmConfigPatches."
    lowered = text.lower()
    action = next((hint for pattern, hint in CREATE_HINTS if re.search(pattern, lowered)), "Read the lines above. Nothing was left behind.")
    return "\n".join(shown) or "kind said nothing", action


def unready_nodes(listing: Mapping[str, Any], expected: Mapping[str, str]) -> dict[str, str]:
    """Nodes that are not Ready in the API server's list, with the reason that each gives.

    expected holds the time at which each node's container was started (RFC 3339, UTC): what the API server still
    knows from before a restart does not count. A kubelet reports its state at once when it starts.
    """
    reasons = dict.fromkeys(expected, "not registered")
    for node in listing.get("items") or []:
        ready = next((item for item in (node.get("status") or {}).get("conditions") or [] if item.get("type") == "Ready"), None)
        name = node["metadata"]["name"]
        if not ready or ready.get("status") != "True":
            reasons[name] = (ready or {}).get("message") or "no Ready condition yet"
        elif str(ready.get("lastHeartbeatTime", ""))[:SECONDS] < expected.get(name, "")[:SECONDS]:
            reasons[name] = "its kubelet has not reported since the node was started"
        else:
            reasons.pop(name, None)
    return reasons
