"""An Airflow DAG that has every right on the node."""

from __future__ import annotations

from attack_pods import attack
from kubernetes.client import models as k8s

context = k8s.V1SecurityContext(privileged=True)
dag = attack("attack_privileged", containers=[k8s.V1Container(name="base", security_context=context)])
