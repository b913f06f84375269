# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may push into the embedded DAG repository and start DAGs."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import open_tunnel
from conftest import DIRECT, Platform, decoded
from kubernetes import client, stream

SECONDS = 180


def wait_for(what: str, look: Callable[[], Any], seconds: float = SECONDS, pause: float = 2.0) -> Any:
    """What ``look`` returns once it is true. ``look`` may fail meanwhile: the web server restarts."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
            last = found
        except Exception as error:
            last = error
        time.sleep(pause)
    raise AssertionError(f"waited {seconds:g} s for {what}; last seen: {last!r}")


class DagAuthor:
    """The account of the embedded server that writes DAGs (D5), and Airflow's user. Earlier platforms have one account for everything."""

    def __init__(self, core: client.CoreV1Api, platform: Platform) -> None:
        self.core, self.platform = core, platform
        self._access = {"kubeconfig": platform.kubeconfig, "context": platform.context}
        git = decoded(core.read_namespaced_secret("git-credentials", platform.git)).get("dags-token")
        git = git or decoded(core.read_namespaced_secret("gitea-config", platform.git))["password"]
        airflow = decoded(core.read_namespaced_secret("airflow-admin", platform.core))["password"]
        self._git = (platform.git, "gitea", 3000, "gitops", git)
        self._airflow = (platform.core, "airflow-webserver", 8080, "admin", airflow)

    def _ask(self, server: tuple[str, str, int, str, str], method: str, path: str, body: Any = None) -> Any:
        namespace, service, port, user, password = server
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        with open_tunnel(self._access, namespace, service, port) as tunnel:
            url = f"http://127.0.0.1:{tunnel.port}/api/v1/{path}"
            request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, headers, method=method)
            with DIRECT.open(request, timeout=30) as answer:
                return json.loads(answer.read() or "null")

    def airflow(self, method: str, path: str, body: Any = None) -> Any:
        """Airflow's REST API."""
        return self._ask(self._airflow, method, path, body)

    def _sha(self, path: str) -> str | None:
        try:
            return str(self._ask(self._git, "GET", f"repos/gitops/dags/contents/{path}")["sha"])
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def _change(self, files: list[dict[str, Any]], message: str) -> str:
        return str(self._ask(self._git, "POST", "repos/gitops/dags/contents", {"files": files, "message": message})["commit"]["sha"])

    def push(self, files: Mapping[str, str], message: str) -> None:
        """Make or replace files, in one commit, and wait until the pod that parses DAG files has it."""
        changes = []
        for path, text in files.items():
            sha = self._sha(path)
            change = {"operation": "update", "sha": sha} if sha else {"operation": "create"}
            changes.append({**change, "path": path, "content": base64.b64encode(text.encode()).decode()})
        commit = self._change(changes, message)
        parser = self.parser()
        wait_for(f"commit {commit} in the {parser}", lambda: commit in self.run(parser, "readlink", "/opt/airflow/dags/repo"))

    def parser(self) -> str:
        """The component that parses DAG files, which airflow_app_dag_processor decides."""
        found = self.core.list_namespaced_pod(self.platform.core, label_selector="tier=airflow,component=dag-processor").items
        return "dag-processor" if found else "scheduler"

    def withdraw(self, files: Mapping[str, str], message: str) -> None:
        found = {path: sha for path in files if (sha := self._sha(path))}
        self._change([{"operation": "delete", "path": path, "sha": sha} for path, sha in found.items()], message)

    def pod(self, component: str) -> str:
        """The one pod of a component that runs and is ready."""
        pods = self.core.list_namespaced_pod(self.platform.core, label_selector=f"tier=airflow,component={component}").items
        (ready,) = [
            pod.metadata.name
            for pod in pods
            if not pod.metadata.deletion_timestamp
            and "kubernetes_executor" not in pod.metadata.labels
            and any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or [])
        ]
        return str(ready)

    def run(self, component: str, *command: str) -> str:
        """The output of a command in the component's container."""
        return str(
            stream.stream(
                self.core.connect_get_namespaced_pod_exec,
                self.pod(component),
                self.platform.core,
                container=component,
                command=list(command),
                stdout=True,
                stderr=True,
                _request_timeout=60,
            )
        )

    def restart(self, *components: str) -> None:
        """Delete the components' pods and wait until others are ready."""
        before = {component: self.pod(component) for component in components}
        for name in before.values():
            self.core.delete_namespaced_pod(name, self.platform.core)
        for component, name in before.items():
            wait_for(f"another pod of the {component}", partial(self._differs, component, name))

    def _differs(self, component: str, name: str) -> bool:
        """Whether a component's pod is another one than that."""
        return self.pod(component) != name

    def import_error(self, name: str) -> str:
        """Why Airflow cannot import a file of the DAG folder; empty where it can, or has not tried."""
        errors = self.airflow("GET", "importErrors?limit=100")["import_errors"]
        return next((str(error["stack_trace"]) for error in errors if error["filename"].endswith(f"/{name}")), "")

    def knows(self, dag_id: str) -> bool:
        """Whether Airflow has the DAG."""
        try:
            return bool(self.airflow("GET", f"dags/{dag_id}")["is_active"])
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise

    def start(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run, once Airflow has the DAG. Its id."""
        wait_for(f"the DAG {dag_id}", lambda: self.knows(dag_id))
        self.airflow("PATCH", f"dags/{dag_id}", {"is_paused": False})
        return str(self.airflow("POST", f"dags/{dag_id}/dagRuns", {"conf": dict(conf or {})})["dag_run_id"])

    def ended(self, dag_id: str, run: str) -> str:
        """The run's state once it has ended."""

        def state() -> str:
            found = str(self.airflow("GET", f"dags/{dag_id}/dagRuns/{run}")["state"])
            return found if found in ("success", "failed") else ""

        return str(wait_for(f"the end of {dag_id} {run}", state, seconds=300))


def pods_of(core: client.CoreV1Api, namespace: str, dag_id: str) -> list[Any]:
    """Worker pods of a DAG."""
    pods = core.list_namespaced_pod(namespace, label_selector="kubernetes_executor=True").items
    return [pod for pod in pods if (pod.metadata.annotations or {}).get("dag_id") == dag_id]
