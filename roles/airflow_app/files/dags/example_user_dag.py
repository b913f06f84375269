"""Started by hand, in the namespace for users. It is named the full way: a pod_override, which can change all of the pod."""

from __future__ import annotations

import os
from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from kubernetes.client import models as k8s

# What the names of the platform's namespaces begin with, in every container that runs Airflow. So the file fits any platform.
PREFIX = os.environ.get("GITOPS_AIRFLOW_PREFIX", "airflow")

with DAG(
    dag_id="example_user_dag",
    schedule=None,
    start_date=datetime(2024, 1, 1),
    catchup=False,
    default_args={"retries": 1},
    tags=["example"],
):
    BashOperator(
        task_id="ad_hoc",
        bash_command='echo "hello from $GITOPS_AIRFLOW_PREFIX-user, run {{ run_id }}"',
        executor_config={"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace=f"{PREFIX}-user"))},
    )
