"""Connects to what the run's configuration names, from a worker of another namespace than Airflow's."""

from __future__ import annotations

import json
import socket
from datetime import datetime

from airflow import DAG
from airflow.operators.python import PythonOperator
from kubernetes.client import models as k8s


def connect(targets: str) -> str:
    """Which of the targets (name: [host, port]) take a connection."""
    found = {}
    for name, (host, port) in json.loads(targets).items():
        try:
            socket.create_connection((host, port), timeout=4).close()
            found[name] = True
        except OSError:
            found[name] = False
    return json.dumps(found)


with DAG(dag_id="attack_network", schedule=None, start_date=datetime(2024, 1, 1), catchup=False):
    PythonOperator(
        task_id="connect",
        python_callable=connect,
        op_args=["{{ dag_run.conf['targets'] | tojson }}"],
        executor_config={"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace="airflow-user"))},
    )
