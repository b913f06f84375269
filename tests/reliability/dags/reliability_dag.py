"""Runs for about a minute, so that something can break meanwhile; its second task must be started after the fault."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG(
    dag_id="reliability_dag",
    schedule=None,
    start_date=datetime(2024, 1, 1),
    catchup=False,
    default_args={
        "retries": 3,
        "retry_delay": timedelta(seconds=10),
        "executor_config": {"KubernetesExecutor": {"namespace": "airflow-user"}},
    },
    tags=["test"],
):
    during = BashOperator(task_id="during", bash_command="for second in $(seq 45); do echo $second; sleep 1; done")
    afterwards = BashOperator(task_id="afterwards", bash_command="echo done")
    during >> afterwards
