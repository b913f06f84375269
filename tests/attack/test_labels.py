# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D4: the attacker may push DAGs. A worker becomes an endpoint of a Service of the platform, and so receives passwords and cookies."""

from __future__ import annotations

import time
from typing import Any

from dag_author import DagAuthor, pods_of, wait_for
from kubernetes import client

DAG = "attack_labels"
SERVICES = ("airflow-webserver", "airflow-mysql")


def test_no_worker_is_an_endpoint(core: client.CoreV1Api, connect: Any, platform: Any, pushed: DagAuthor, verdict: Any) -> None:
    discovery = client.DiscoveryV1Api(connect())
    run = pushed.start(DAG)

    def running() -> dict[str, str]:
        pods = {pod.status.pod_ip: pod.metadata.name for pod in pods_of(core, platform.core, DAG) if pod.status.phase == "Running"}
        return pods if len(pods) == len(SERVICES) else {}

    workers = wait_for("both workers", running, pause=1)
    taken: set[str] = set()
    endpoints: set[str] = set()
    # The controller adds a pod within a second of its readiness.
    for _look in range(6):
        for service in SERVICES:
            slices = discovery.list_namespaced_endpoint_slice(platform.core, label_selector=f"kubernetes.io/service-name={service}").items
            addresses = {address for item in slices for endpoint in item.endpoints or [] for address in endpoint.addresses}
            endpoints |= addresses
            taken |= {f"{workers[address]} is an endpoint of {service}" for address in addresses & workers.keys()}
        time.sleep(1)
    assert endpoints - workers.keys(), "the real pods are endpoints"
    # Later scenarios need a platform without running tasks: an upgrade is refused while one runs.
    pushed.ended(DAG, run)
    wait_for("the end of both workers", lambda: not pods_of(core, platform.core, DAG))
    verdict(bool(taken), "; ".join(sorted(taken)) or f"none of {', '.join(workers.values())}")
