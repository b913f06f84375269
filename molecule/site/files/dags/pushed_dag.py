"""A person's DAG: its word comes from a module beside it."""

from __future__ import annotations

from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from shared.words import WORD

with DAG(dag_id="pushed_dag", schedule=None, start_date=datetime(2024, 1, 1)):
    BashOperator(task_id="say", bash_command=f"echo {WORD}", executor_config={"KubernetesExecutor": {"namespace": "airflow-user"}})
