"""An Airflow DAG with a token of the Kubernetes API, which the API server accepts by its own audience."""

from __future__ import annotations

from attack_pods import attack
from kubernetes.client import models as k8s

token = k8s.V1ServiceAccountTokenProjection(path="token", audience="https://kubernetes.default.svc.cluster.local")
source = k8s.V1ProjectedVolumeSource(sources=[k8s.V1VolumeProjection(service_account_token=token)])
dag = attack("attack_api_token", volumes=[k8s.V1Volume(name="token", projected=source)])
