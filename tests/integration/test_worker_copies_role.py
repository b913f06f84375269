# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F9: the role airflow_app copies what is listed, keeps the copies in step, and deletes what is listed no more."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ansible_collections.gitops.airflow.tests.integration import test_airflow_app_role as role
from ansible_collections.gitops.airflow.tests.integration.git_server import git_server
from ansible_collections.gitops.airflow.tests.integration.test_roles_on_objects import Cluster, changes

Obj = dict[str, Any]
cluster, folder, argocd = role.cluster, role.folder, role.argocd
NAMESPACES = ("airflow-core", "airflow-cron", "airflow-user")
VALUES = {"extraEnvFrom": "- secretRef: {name: connections}\n- configMapRef: {name: settings}\n"}
LISTED: Obj = {"airflow_app_worker_secrets": ["connections"], "airflow_app_worker_config_maps": ["settings"]}
FIRST, SECOND = "mysql://etl:the-first-password@db", "mysql://etl:the-second-password@db"


def path(kind: str, namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/{kind}/{name}"


def data(text: str) -> Obj:
    return {"AIRFLOW_CONN_DB": base64.b64encode(text.encode()).decode()}


def shown(said: str) -> list[str]:
    """Values that must not be in an output, and are."""
    return [text for text in (FIRST, SECOND, *data(FIRST).values(), *data(SECOND).values()) if text in said]


def test_f9_listed_objects_reach_every_worker_namespace(cluster: Cluster, argocd: role.ArgoCD, folder: Path) -> None:
    server = cluster.server

    def copies() -> list[str]:
        kinds = ("secrets", "configmaps")
        found = [(kind, item) for kind in kinds for item in server.request("GET", f"/api/v1/{kind}")["items"]]
        names = [f"{kind} {item['metadata']['namespace']}/{item['metadata']['name']}" for kind, item in found]
        return [name for name in names if name.endswith(("/connections", "/settings")) and " airflow-core/" not in name]

    with git_server(folder) as url:
        given = role.given_of(url, airflow_app_values=VALUES, **LISTED)
        # Before anything is changed: the sources do not exist.
        said, recap, requests = cluster.role("airflow_app", **given)
        assert (recap["failed"], changes(requests)) == (1, []), said
        assert "airflow_app_worker_secrets names connections, but airflow-core has no Secret of that name." in said

        for kind, name, content in (("Secret", "connections", data(FIRST)), ("ConfigMap", "settings", {"AIRFLOW_VAR_REGION": "eu"})):
            metadata = {"name": name, "namespace": "airflow-core", "labels": {"app.kubernetes.io/instance": "airflow-core"}}
            server.create({"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": content})
        said, recap, requests = cluster.role("airflow_app", **{**given, "airflow_app_worker_secrets": []})
        assert (recap["failed"], changes(requests)) == (1, []), said
        assert "Add connections to airflow_app_worker_secrets: then each run copies it" in said

        said, recap, requests = cluster.role("airflow_app", "--check", "--diff", **given)
        assert (recap["failed"], changes(requests), copies(), shown(said)) == (0, [], [], []), said
        said, recap, requests = cluster.role("airflow_app", "--diff", "-vvv", **given)
        assert (recap["failed"], recap["changed"], shown(said)) == (0, 7, []), said
        both = [f"secrets {namespace}/connections" for namespace in NAMESPACES[1:]]
        both += [f"configmaps {namespace}/settings" for namespace in NAMESPACES[1:]]
        assert copies() == both
        copy = server.request("GET", path("secrets", "airflow-cron", "connections"))
        assert (copy["data"], copy["metadata"]["labels"]) == (data(FIRST), {**role.MARKS, "gitops-airflow/copied-from": "airflow-core"})
        said, recap, requests = cluster.role("airflow_app", **given)
        assert (recap["failed"], recap["changed"]) == (0, 0), said

        # A rotation.
        server.request("PATCH", path("secrets", "airflow-core", "connections"), {"data": data(SECOND)}, role.MERGE)
        said, recap, requests = cluster.role("airflow_app", "--diff", **given)
        assert (recap["failed"], recap["changed"], shown(said)) == (0, 1, []), said
        for namespace in NAMESPACES[1:]:
            assert server.request("GET", path("secrets", namespace, "connections"))["data"] == data(SECOND)

        # One namespace and one name less. An object of others beside the copies stays.
        theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs", "namespace": "airflow-user"}, "data": data(FIRST)}
        server.create(theirs)
        less = {
            "airflow_app_values": {"extraEnvFrom": "- secretRef: {name: connections}\n"},
            "airflow_app_worker_config_maps": [],
            "airflow_app_default_namespace": "airflow-core",
            "platform_worker_namespaces": [{"name": name} for name in NAMESPACES[:2]],
        }
        said, recap, requests = cluster.role("airflow_app", **{**given, **less})
        assert (recap["failed"], copies()) == (0, ["secrets airflow-cron/connections"]), said
        deleted = [item for item in changes(requests) if item.startswith("delete") and item.endswith(("connections", "settings"))]
        assert sorted(deleted) == sorted(
            f"delete {path(kind, namespace, name)}"
            for kind, namespace, name in (
                ("configmaps", "airflow-cron", "settings"),
                ("configmaps", "airflow-user", "settings"),
                ("secrets", "airflow-user", "connections"),
            )
        )
        assert server.request("GET", path("secrets", "airflow-user", "theirs"))["data"] == data(FIRST)
        said, recap, requests = cluster.role("airflow_app", **{**given, **less})
        assert (recap["failed"], recap["changed"]) == (0, 0), said

        said, recap, requests = cluster.role("airflow_app", airflow_app_state="absent", **{**given, **less})
        assert (recap["failed"], copies()) == (0, []), said
        assert server.request("GET", path("secrets", "airflow-core", "connections"))["data"] == data(SECOND)
        assert server.request("GET", path("configmaps", "airflow-core", "settings"))["data"] == {"AIRFLOW_VAR_REGION": "eu"}
