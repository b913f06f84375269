"""A run a minute with a task in each of two namespaces."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG(
    dag_id="soak_dag",
    schedule=timedelta(minutes=1),
    start_date=datetime(2024, 1, 1),
    catchup=False,
    max_active_runs=3,
    tags=["test"],
):
    for namespace in ("airflow-cron", "airflow-user"):
        BashOperator(
            task_id=namespace.replace("-", "_"),
            bash_command="echo done",
            executor_config={"KubernetesExecutor": {"namespace": namespace}},
        )
