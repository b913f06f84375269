"""Workers with the labels of the web server and of MySQL, in the namespace of both."""

from __future__ import annotations

from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from kubernetes.client import models as k8s

with DAG(dag_id="attack_labels", schedule=None, start_date=datetime(2024, 1, 1), catchup=False):
    for component, port in (("webserver", "airflow-ui"), ("mysql", "mysql")):
        labels = {"tier": "airflow", "component": component, "gitops-airflow/endpoint": component}
        ports = [k8s.V1ContainerPort(name=port, container_port=8080 if component == "webserver" else 3306)]
        spec = k8s.V1PodSpec(containers=[k8s.V1Container(name="base", ports=ports)])
        BashOperator(
            task_id=component,
            bash_command="sleep 30",
            executor_config={"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(labels=labels), spec=spec)},
        )
