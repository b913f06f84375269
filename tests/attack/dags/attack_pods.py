"""A DAG with one task, whose pod asks for what a task must not get."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow import DAG
from airflow.operators.bash import BashOperator
from kubernetes.client import models as k8s


def attack(dag_id: str, **spec: Any) -> DAG:
    """In a worker namespace without the platform's own Secrets. ``spec`` has fields of the pod's specification."""
    pod = k8s.V1PodSpec(**{"containers": [k8s.V1Container(name="base")], **spec})
    override = k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace="airflow-user"), spec=pod)
    with DAG(dag_id=dag_id, schedule=None, start_date=datetime(2024, 1, 1), catchup=False) as dag:
        BashOperator(task_id="take", bash_command="sleep 20", executor_config={"pod_override": override})
    return dag
