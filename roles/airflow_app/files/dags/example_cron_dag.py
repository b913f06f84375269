"""Every five minutes, in namespace airflow-cron. The namespace is named the short way: a dictionary in executor_config."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

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
        bash_command='echo "hello from airflow-cron, run {{ run_id }}"',
        executor_config={"KubernetesExecutor": {"namespace": "airflow-cron"}},
    )
