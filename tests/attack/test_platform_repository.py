# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D9: the attacker may push into the platform repository, and has Argo CD bind the ClusterRole admin to the workers' account."""

from __future__ import annotations

from typing import Any

from kubernetes import client
from platform_author import PlatformAuthor

NAME = "attack-admin"
GROUP = "rbac.authorization.k8s.io"


def test_nobody_becomes_admin_by_a_commit(core: client.CoreV1Api, connect: Any, platform: Any, verdict: Any) -> None:
    namespace = platform.airflow[-1]
    binding = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": NAME},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "airflow-worker", "namespace": namespace}],
    }
    author = PlatformAuthor(core, client.CustomObjectsApi(connect()), platform, NAME)
    author.push([binding])
    try:
        state = author.sync(namespace)
        user = f"system:serviceaccount:{namespace}:airflow-worker"
        attributes = {"verb": "get", "resource": "secrets", "namespace": namespace}
        review = {"spec": {"user": user, "resourceAttributes": attributes}}
        reads = client.AuthorizationV1Api(connect()).create_subject_access_review(review).status.allowed
    finally:
        author.withdraw()
        rbac = client.RbacAuthorizationV1Api(connect())
        if NAME in {item.metadata.name for item in rbac.list_namespaced_role_binding(namespace).items}:
            rbac.delete_namespaced_role_binding(NAME, namespace)
    said = "; ".join(item["message"] for item in (state.get("syncResult") or {}).get("resources") or []) or state.get("message", "")
    if not reads:
        # Refused for what it is, and not for something else.
        assert "rbac.authorization.k8s.io:RoleBinding is not permitted in project airflow" in said
    verdict(reads, f"the sync ended as {state.get('phase')}: {said}")
