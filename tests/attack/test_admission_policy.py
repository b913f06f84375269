# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D2: the attacker has the scheduler's token, from a DAG file that is parsed beside it, and makes a pod without the cluster policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Platform
from kubernetes import client

LABELS = {"tier": "airflow", "component": "worker", "release": "airflow-core", "kubernetes_executor": "True"}
NEEDS = "needs a cluster that serves ValidatingAdmissionPolicy, and the platform's policy in it"


def has_policy(connect: Callable[..., client.ApiClient]) -> bool:
    api = client.CustomObjectsApi(connect())
    for version in ("v1", "v1beta1"):
        try:
            found = api.list_cluster_custom_object("admissionregistration.k8s.io", version, "validatingadmissionpolicies")["items"]
        except client.ApiException as error:
            if error.status == 404:
                continue
            raise
        return any(item["metadata"]["name"].startswith("gitops-airflow-") for item in found)
    return False


def restricted(**fields: Any) -> dict[str, Any]:
    """A pod that the Pod Security Standard allows, so that the policy alone decides."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "base", "image": "x", "securityContext": context}
    spec = {"containers": [container], "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
    return {**spec, "serviceAccountName": "airflow-worker", "automountServiceAccountToken": False, **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {"volumes": [{"name": "x", "secret": {"secretName": "airflow-mysql"}}]},
        {"serviceAccountName": "airflow-scheduler", "automountServiceAccountToken": True},
        {"tolerations": [{"operator": "Exists"}], "nodeName": "control-plane"},
    ],
    ids=["secret", "account", "node"],
)
def test_d2_the_schedulers_token_makes_only_workers(
    connect: Callable[..., client.ApiClient], platform: Platform, verdict: Any, request: pytest.FixtureRequest, fields: dict[str, Any]
) -> None:
    if not has_policy(connect) and not request.config.getoption("--without-guard"):
        pytest.skip(NEEDS)
    api = client.CoreV1Api(connect(f"system:serviceaccount:{platform.core}:airflow-scheduler"))

    def refused(spec: dict[str, Any]) -> str:
        """Why the API server refuses the pod; empty if it would make it. Nothing is made."""
        pod = {"metadata": {"name": "attack", "labels": LABELS}, "spec": spec}
        try:
            api.create_namespaced_pod(platform.core, pod, dry_run="All")
        except client.ApiException as error:
            return str(error.body)
        return ""

    assert refused(restricted()) == "", "a worker's pod is refused, so nothing is shown"
    said = refused(restricted(**fields))
    verdict(not said, f"the scheduler's account may make a pod with {fields}")
