"""Tasks that make pods, in a namespace where they may and in one where they may not, and one that tries what it must not get."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any

from airflow import DAG
from airflow.operators.python import PythonOperator
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.xcom_sidecar import PodDefaults
from kubernetes import client, config
from kubernetes.client import models as k8s

WHEN: dict[str, Any] = {"schedule": None, "start_date": datetime(2024, 1, 1), "catchup": False, "tags": ["test"]}
RESULT = "import json; print('words of the pod'); json.dump({'sum': 42}, open('/airflow/xcom/return.json', 'w'))"
KEEP_RESULT = "until [ -s /airflow/xcom/return.json ]; do sleep 1; done; sleep 20"
MARKED = {"tier": "airflow", "component": "pod-operator", "release": "airflow-core"}


def place(namespace: str) -> dict[str, Any]:
    return {"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace=namespace))}


class WithPresentImage(KubernetesPodOperator):  # type: ignore[misc]  # without Airflow, its class is Any
    """The nodes of the tests have no image alpine, from which the provider makes the container that keeps the result.

    The shell of another image does not know the signal name with which the provider ends that container, so it ends by itself.
    """

    def execute(self, context: Any) -> Any:
        PodDefaults.SIDECAR_CONTAINER.image = self.image
        PodDefaults.SIDECAR_CONTAINER.command = ["sh", "-c", KEEP_RESULT]
        return super().execute(context)


def pod(**spec: Any) -> dict[str, Any]:
    """A pod that a task may make, with other fields. It meets the namespace's Pod Security Standard, so that the policy alone decides."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    given = {
        "containers": [{"name": "base", "image": "x", "securityContext": context}],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "automountServiceAccountToken": False,
        **spec,
    }
    return {"metadata": {"name": "attack", "labels": MARKED}, "spec": given}


def attack(namespace: str) -> str:
    """What the API server says to a task that uses the token without Airflow's operators; empty where it allows it. Makes nothing."""
    config.load_incluster_config()
    core, own = client.CoreV1Api(), socket.gethostname()
    command: dict[str, Any] = {"container": "base", "command": ["true"], "stdout": True}
    dry: dict[str, Any] = {"dry_run": "All"}

    def make(where: str = namespace, labels: Any = None, **spec: Any) -> Any:
        body = pod(**spec)
        body["metadata"]["labels"] = {**MARKED, **(labels or {})}
        return core.create_namespaced_pod(where, body, **dry)

    privileged = [{"name": "base", "image": "x", "securityContext": {"privileged": True}}]
    tries: dict[str, Callable[[], Any]] = {
        "a pod": make,
        "the platform's Secret": lambda: make(volumes=[{"name": "v", "secret": {"secretName": "airflow-fernet-key"}}]),
        "Git's token": lambda: make(imagePullSecrets=[{"name": "dags-git-basic"}]),
        "its own account": lambda: make(serviceAccountName="airflow-pod-operator"),
        "a token": lambda: make(automountServiceAccountToken=True),
        "another namespace": lambda: make("airflow-user"),
        "Airflow's namespace": lambda: make("airflow-core"),
        "a privileged container": lambda: make(containers=privileged),
        "the node's network": lambda: make(hostNetwork=True),
        "a worker": lambda: make(labels={"component": "worker", "kubernetes_executor": "True"}),
        "an endpoint of MySQL": lambda: make(labels={"component": "mysql", "gitops-airflow/endpoint": "mysql"}),
        "deleting a worker": lambda: core.delete_namespaced_pod(own, namespace, **dry),
        "changing a worker": lambda: core.patch_namespaced_pod(own, namespace, {"metadata": {"labels": {"a": "b"}}}, **dry),
        "a command in a worker": lambda: core.connect_get_namespaced_pod_exec(own, namespace, **command),
        "reading a Secret": lambda: core.read_namespaced_secret("airflow-fernet-key", namespace),
        "reading pods elsewhere": lambda: core.list_namespaced_pod("airflow-core"),
    }
    said = {}
    for name, attempt in tries.items():
        try:
            attempt()
            said[name] = ""
        except client.ApiException as error:
            said[name] = f"{error.status} {json.loads(error.body)['message'] if error.body else error.reason}"
    return json.dumps(said)


for dag_id, where in (("pods_allowed_dag", "airflow-pods"), ("pods_refused_dag", "airflow-user")):
    with DAG(dag_id=dag_id, **WHEN):
        WithPresentImage(
            task_id="make",
            name="made-by-a-task",
            image="{{ dag_run.conf['image'] }}",
            cmds=["python", "-c", RESULT],
            security_context={"runAsUser": 50000},
            do_xcom_push=True,
            executor_config=place(where),
        )

with DAG(dag_id="pods_attack_dag", **WHEN):
    PythonOperator(task_id="attack", python_callable=attack, op_args=["airflow-pods"], executor_config=place("airflow-pods"))
