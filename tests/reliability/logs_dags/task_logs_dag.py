"""Tasks whose logs are read: in each worker namespace, one that fails and is tried again, a mapped one, one that is interrupted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.python import PythonOperator
from kubernetes.client import models as k8s


def place(namespace: str) -> dict[str, dict[str, str]]:
    return {"KubernetesExecutor": {"namespace": namespace}}


LIMIT = 512 * 2**20


def use_memory(ti: Any) -> None:
    print("words of try", ti.try_number)
    if ti.try_number == 1:
        print(len(b"x" * 4 * LIMIT))


WHEN = {"schedule": None, "start_date": datetime(2024, 1, 1), "catchup": False, "tags": ["test"]}

with DAG(dag_id="task_logs_dag", **WHEN):
    for namespace in ("airflow-core", "airflow-cron", "airflow-user"):
        BashOperator(task_id=f"in_{namespace}", bash_command=f"echo words of {namespace}", executor_config=place(namespace))
    BashOperator(
        task_id="fails",
        bash_command="echo words of try {{ ti.try_number }}; exit 1",
        retries=1,
        retry_delay=timedelta(seconds=1),
        executor_config=place("airflow-user"),
    )
    BashOperator.partial(task_id="mapped", executor_config=place("airflow-cron")).expand(
        bash_command=["echo words of number 0", "echo words of number 1"]
    )

with DAG(dag_id="task_logs_simple_dag", **WHEN):
    BashOperator(task_id="simple", bash_command="echo words of simple", executor_config=place("airflow-user"))

with DAG(dag_id="task_logs_slow_dag", **WHEN):
    BashOperator(
        task_id="slow",
        bash_command="echo words of try {{ ti.try_number }}; test {{ ti.try_number }} -gt 1 || sleep 300",
        retries=1,
        retry_delay=timedelta(seconds=1),
        executor_config=place("airflow-user"),
    )

with DAG(dag_id="task_logs_memory_dag", **WHEN):
    base = k8s.V1Container(name="base", resources=k8s.V1ResourceRequirements(limits={"memory": str(LIMIT)}))
    metadata = k8s.V1ObjectMeta(namespace="airflow-user")
    PythonOperator(
        task_id="memory",
        python_callable=use_memory,
        retries=1,
        retry_delay=timedelta(seconds=1),
        executor_config={"pod_override": k8s.V1Pod(metadata=metadata, spec=k8s.V1PodSpec(containers=[base]))},
    )
