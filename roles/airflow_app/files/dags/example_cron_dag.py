"""Every five minutes, in the namespace for scheduled tasks. It is named the short way: a dictionary in executor_config."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

# What the names of the platform's namespaces begin with, in every container that runs Airflow. So the file fits any platform.
PREFIX = os.environ.get("GITOPS_AIRFLOW_PREFIX", "airflow")

with DAG(
    dag_id="example_cron_dag",
    schedule="*/5 * * * *",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    default_args={"retries": 1, "retry_delay": timedelta(seconds=30)},
    tags=["example"],
):
    BashOperator(
        task_id="say_hi",
        bash_command='echo "hello from $GITOPS_AIRFLOW_PREFIX-cron, run {{ run_id }}"',
        executor_config={"KubernetesExecutor": {"namespace": f"{PREFIX}-cron"}},
    )
