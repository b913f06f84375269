"""Imports a package that only the built image contains: where the file is parsed, and in the worker."""

from __future__ import annotations

from datetime import datetime

import pandas
from airflow import DAG
from airflow.decorators import task

with DAG(dag_id="packages_dag", schedule=None, start_date=datetime(2024, 1, 1)):

    @task(executor_config={"KubernetesExecutor": {"namespace": "airflow-user"}})
    def add_up() -> int:
        frame = pandas.DataFrame({"amount": [1, 2, 39]})
        print(f"the sum is {frame.amount.sum()}, by pandas {pandas.__version__}")
        return int(frame.amount.sum())

    add_up()
