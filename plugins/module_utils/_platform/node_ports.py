# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node ports, which all Services of a cluster share: whether another Service has one that is set. Only ``read`` asks the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import PLATFORM, labels_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings

# The Service of each node port, by the variable that sets it.
AIRFLOW, ARGOCD = "platform_airflow_node_port", "platform_argocd_node_port"
SERVICES = {AIRFLOW: "airflow-webserver", ARGOCD: "argocd-server-node-port"}
RULE = "each node port of the cluster has one Service"


def wanted(given: Settings) -> dict[str, tuple[int, Ref]]:
    """The node ports that a run opens and their Services, by the variables that set them."""
    if given.airflow is None:
        return {}
    places = {AIRFLOW: (given.airflow.webserver_node_port, given.core_namespace)}
    if not given.existing_argocd:
        places[ARGOCD] = (given.argocd_node_port, given.argocd_namespace)
    return {name: (port, Ref("Service", str(namespace), SERVICES[name])) for name, (port, namespace) in places.items() if port}


def read(api: KubeApi, given: Settings) -> dict[int, Ref] | None:
    """The Service of each node port that is open in the cluster. Empty if no port is wanted, None for who may not list all Services.

    ``api``: not one that is limited to the platform's namespaces (narrow.py). Raises ApiError.
    """
    if not wanted(given):
        return {}
    try:
        return opened(api.items(collection("Service"), whole=True))
    except ApiError as error:
        if error.status == 403:  # then the API server refuses a port that is taken, later in the run
            return None
        raise


def opened(services: Sequence[Obj]) -> dict[int, Ref]:
    """The Service of each node port."""
    found: dict[int, Ref] = {}
    for item in services:
        metadata, spec = item["metadata"], item.get("spec") or {}
        ports = [*(port.get("nodePort") for port in spec.get("ports") or []), spec.get("healthCheckNodePort")]
        found |= dict.fromkeys(filter(None, ports), Ref("Service", metadata["namespace"], metadata["name"]))
    return found


def notes(found: Mapping[int, Ref] | None, given: Settings) -> Iterator[str]:
    ports = [f"{variable} ({port})" for variable, (port, _service) in wanted(given).items()]
    if found is None and ports:
        yield f"Whether another Service has {named(ports)} is not checked, because this account may not list all Services."


def refusals(found: Mapping[int, Ref] | None, given: Settings, namespaces: Sequence[Mapping[str, Any]]) -> Iterator[Refusal]:
    """``namespaces``: the metadata of those of the cluster."""
    ports = wanted(given)
    numbers = [number for number, _service in ports.values()]
    if len(numbers) == 2 and numbers[0] == numbers[1]:
        port = numbers[0]
        yield Refusal(
            "node_port",
            str(port),
            RULE,
            f"{AIRFLOW} and {ARGOCD} are both {port}. Each needs a port of its own.",
            f"Change {AIRFLOW} or {ARGOCD}.",
        )
    for variable, (port, service) in ports.items():
        other = (found or {}).get(port)
        if other is None or other == service:
            continue
        owner = next((labels_of(item).get(PLATFORM, "") for item in namespaces if item["name"] == other.namespace), "")
        whose = f" of the platform '{owner}'" if owner not in ("", given.name) else ""
        yield Refusal(
            "node_port",
            str(port),
            RULE,
            f"{variable} of the platform '{given.name}' is {port}, which is the node port of the {other}{whose}.",
            f"Set {variable} to another port, or to 0 for none.",
        )
