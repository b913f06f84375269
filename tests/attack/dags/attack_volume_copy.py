"""An Airflow DAG with a new volume that starts as a copy of another one."""

from __future__ import annotations

from attack_pods import attack
from kubernetes.client import models as k8s

claim = k8s.V1PersistentVolumeClaimSpec(
    access_modes=["ReadWriteOnce"],
    data_source=k8s.V1TypedLocalObjectReference(kind="PersistentVolumeClaim", name="data-of-others"),
    resources=k8s.V1ResourceRequirements(requests={"storage": "1Gi"}),
)
copy = k8s.V1EphemeralVolumeSource(volume_claim_template=k8s.V1PersistentVolumeClaimTemplate(spec=claim))
dag = attack("attack_volume_copy", volumes=[k8s.V1Volume(name="copy", ephemeral=copy)])
