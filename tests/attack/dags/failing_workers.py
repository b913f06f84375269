"""A task that fails, and one whose worker fails."""

from __future__ import annotations

import os
import signal
from datetime import datetime

from airflow import DAG
from airflow.operators.python import PythonOperator

with DAG(
    dag_id="failing_workers",
    schedule=None,
    start_date=datetime(2024, 1, 1),
    catchup=False,
    default_args={"executor_config": {"KubernetesExecutor": {"namespace": "airflow-user"}}},
):
    PythonOperator(task_id="task_fails", python_callable=lambda: 1 / 0)
    # The task's parent is the worker: what its container runs.
    PythonOperator(task_id="worker_fails", python_callable=lambda: os.kill(os.getppid(), signal.SIGKILL))
