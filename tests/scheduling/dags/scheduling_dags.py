"""Workers for the tests of scheduling. An interrupted task ends well in its second try."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow import DAG
from airflow.operators.bash import BashOperator
from kubernetes.client import models as k8s

WHEN: dict[str, Any] = {"schedule": None, "start_date": datetime(2024, 1, 1), "catchup": False, "tags": ["test"]}
# Longer than the tests take to interrupt it.
INTERRUPTED = "echo words of try {{ ti.try_number }}; test {{ ti.try_number }} -gt 1 || sleep 300"
# Long enough for a look at the platform while the other task waits for its quota.
LASTING = "echo words of {{ task.task_id }}; sleep 40"


def place(namespace: str, **spec: Any) -> dict[str, Any]:
    """An executor_config with the namespace, and with fields of the pod's specification."""
    pod = k8s.V1PodSpec(**{"containers": [k8s.V1Container(name="base")], **spec})
    return {"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace=namespace), spec=pod)}


with DAG(dag_id="scheduling_cron_dag", **WHEN):
    BashOperator(task_id="cron", bash_command="echo words of cron", executor_config=place("airflow-cron"))

with DAG(dag_id="scheduling_quota_dag", **WHEN):
    for name in ("one", "other"):
        BashOperator(task_id=name, bash_command=LASTING, executor_config=place("airflow-user"))

# Its namespace does not tolerate the taint of the node that it selects.
with DAG(dag_id="scheduling_stray_dag", **WHEN):
    BashOperator(task_id="stray", bash_command="true", executor_config=place("airflow-core", node_selector={"pool": "cron"}))

for cause in ("evicted", "drained"):
    with DAG(dag_id=f"scheduling_{cause}_dag", **WHEN):
        BashOperator(
            task_id=cause,
            bash_command=INTERRUPTED,
            retries=1,
            retry_delay=timedelta(seconds=1),
            executor_config=place("airflow-batch"),
        )
