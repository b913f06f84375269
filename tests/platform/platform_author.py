# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may push into the embedded platform repository: objects on a branch of it, and what Argo CD makes of them."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import open_tunnel
from conftest import DIRECT, Platform, decoded
from kubernetes import client

GROUP = ("argoproj.io", "v1alpha1")
PATIENCE = 30  # seconds for Argo CD to sync an Application


class PlatformAuthor:
    """A branch of the repository, and an Application in the platform's project that syncs it once. ``name`` is that of all three."""

    def __init__(self, core: client.CoreV1Api, applications: client.CustomObjectsApi, platform: Platform, name: str) -> None:
        self._applications, self._platform, self._name = applications, platform, name
        password = decoded(core.read_namespaced_secret("gitea-config", platform.git))["password"]
        self._log_in = "Basic " + base64.b64encode(f"gitops:{password}".encode()).decode()

    def _ask(self, method: str, path: str, **body: str) -> Any:
        platform = self._platform
        access = {"kubeconfig": platform.kubeconfig, "context": platform.context}
        with open_tunnel(access, platform.git, "gitea", 3000) as tunnel:
            url = f"http://127.0.0.1:{tunnel.port}/api/v1/repos/gitops/platform/{path}"
            headers = {"Authorization": self._log_in, "Content-Type": "application/json"}
            with DIRECT.open(urllib.request.Request(url, json.dumps(body).encode(), headers, method=method), timeout=30) as answer:
                return json.loads(answer.read() or b"null")

    def push(self, objects: Sequence[dict[str, Any]]) -> None:
        content = base64.b64encode(yaml.safe_dump_all(objects).encode()).decode()
        path = f"contents/{self._name}/objects.yaml"
        self._ask("POST", path, content=content, branch="main", new_branch=self._name, message="Kinds that are not allowed")

    def add_file(self, path: str) -> tuple[str, str]:
        """Commits a file to the platform's own branch, as a person would. Returns the commit, and the file's own identity."""
        made = self._ask("POST", f"contents/{path}", content=base64.b64encode(b"by hand").decode(), branch="main", message="By hand")
        return made["commit"]["sha"], made["content"]["sha"]

    def delete_file(self, path: str, identity: str) -> str:
        """The commit that deletes the file again."""
        return str(self._ask("DELETE", f"contents/{path}", sha=identity, branch="main", message="By hand")["commit"]["sha"])

    def withdraw(self) -> None:
        self._ask("DELETE", f"branches/{self._name}")

    def sync(self, namespace: str) -> dict[str, Any]:
        """Has Argo CD sync the branch, and returns how that ended."""
        where = (*GROUP, self._platform.argocd, "applications")
        source = {"repoURL": self._platform.repository, "path": self._name, "targetRevision": self._name}
        destination = {"server": "https://kubernetes.default.svc", "namespace": namespace}
        spec = {"project": "airflow", "source": source, "destination": destination}
        body = {"apiVersion": "/".join(GROUP), "kind": "Application", "metadata": {"name": self._name}, "spec": spec}
        self._applications.create_namespaced_custom_object(*where, {**body, "operation": {"sync": {"revision": self._name}}})
        end = time.monotonic() + PATIENCE
        state: dict[str, Any] = {}
        try:
            while time.monotonic() < end and state.get("phase") not in ("Failed", "Error", "Succeeded"):
                time.sleep(0.2)
                found = self._applications.get_namespaced_custom_object(*where, self._name)
                state = (found.get("status") or {}).get("operationState") or {}
        finally:
            self._applications.delete_namespaced_custom_object(*where, self._name)
        return state
