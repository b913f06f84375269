# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DAG may ask for, as the running scheduler's own Airflow decides it, with its own pods and operators."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes import stream

# In the scheduler: the policy through airflow.settings, as the DAG processor and the executor call it.
SCRIPT = """
import json
from kubernetes.client import ApiClient, models as k8s
from airflow import settings
from airflow.operators.bash import BashOperator

key = k8s.V1SecretKeySelector(name="airflow-mysql", key="root-password")
root_password = k8s.V1EnvVar(name="X", value_from=k8s.V1EnvVarSource(secret_key_ref=key))
mysqls = k8s.V1PersistentVolumeClaimVolumeSource(claim_name="data-airflow-mysql-0")
token = k8s.V1ServiceAccountTokenProjection(path="token", audience="https://kubernetes.default.svc.cluster.local")
tokens = k8s.V1ProjectedVolumeSource(sources=[k8s.V1VolumeProjection(service_account_token=token)])
copied = k8s.V1TypedLocalObjectReference(kind="PersistentVolumeClaim", name="data-airflow-mysql-0")
claim = k8s.V1PersistentVolumeClaimSpec(access_modes=["ReadWriteOnce"], data_source=copied)
copy = k8s.V1EphemeralVolumeSource(volume_claim_template=k8s.V1PersistentVolumeClaimTemplate(spec=claim))
privileged = k8s.V1Container(name="base", security_context=k8s.V1SecurityContext(privileged=True))
own = k8s.V1Volume(name="x", secret=k8s.V1SecretVolumeSource(secret_name="my-warehouse"))
asks = {
    "account": dict(service_account_name="airflow-scheduler"),
    "token": dict(automount_service_account_token=True),
    "secret": dict(containers=[k8s.V1Container(name="base", env=[root_password])]),
    "claim": dict(volumes=[k8s.V1Volume(name="x", persistent_volume_claim=mysqls)]),
    "own": dict(volumes=[own]),
    "unlisted": dict(volumes=[own]),
    "host_path": dict(volumes=[k8s.V1Volume(name="x", host_path=k8s.V1HostPathVolumeSource(path="/"))]),
    "host_network": dict(host_network=True),
    "privileged": dict(containers=[privileged]),
    "audience": dict(volumes=[k8s.V1Volume(name="x", projected=tokens)]),
    "copy": dict(volumes=[k8s.V1Volume(name="x", ephemeral=copy)]),
    "priority": dict(priority_class_name="system-cluster-critical"),
}
said = {}
for name, fields in asks.items():
    namespace = "%(other)s" if name == "own" else "%(core)s"
    spec = k8s.V1PodSpec(**{"containers": [k8s.V1Container(name="base")], **fields})
    override = k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace=namespace), spec=spec)
    task = BashOperator(task_id=name, bash_command="true", executor_config={"pod_override": override})
    labels = {"kubernetes_executor": "True", "component": "webserver", "gitops-airflow/endpoint": "mysql"}
    pod = k8s.V1Pod(metadata=k8s.V1ObjectMeta(name=name, namespace=namespace, labels=labels), spec=spec)
    said[name] = found = {}
    for step, call in (("task", lambda: settings.task_policy(task)), ("pod", lambda: settings.pod_mutation_hook(pod))):
        try:
            call()
        except Exception as refusal:
            found[step] = "%%s: %%s" %% (type(refusal).__name__, refusal)
    found["labels"] = pod.metadata.labels
    found["spec"] = ApiClient().sanitize_for_serialization(spec)
print("SAID" + json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(core: Any, platform: Any) -> dict[str, Any]:
    other = next(name for name in platform.workers if name != platform.core)
    (scheduler, *_others) = core.list_namespaced_pod(
        platform.core, label_selector="tier=airflow,component=scheduler", field_selector="status.phase=Running"
    ).items
    command = ["python", "-c", SCRIPT % {"core": platform.core, "other": other}]
    output = stream.stream(
        core.connect_get_namespaced_pod_exec,
        scheduler.metadata.name,
        platform.core,
        container="scheduler",
        command=command,
        stdout=True,
        stderr=True,
        _request_timeout=120,
    )
    assert "SAID" in output, output
    found: dict[str, Any] = json.loads(output.partition("SAID")[2].splitlines()[0])
    return found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("account", "asks for the service account 'airflow-scheduler'; worker pods run as 'airflow-worker'"),
        ("token", "asks for a token of the Kubernetes API"),
        ("secret", "refers to 'airflow-mysql', which is the platform's own"),
        ("claim", "refers to 'data-airflow-mysql-0', which is the platform's own"),
        ("unlisted", "refers to the Secret 'my-warehouse' in airflow-core, which is not listed for tasks"),
        # D6, D12
        ("host_path", "asks for spec.volumes[x].hostPath"),
        ("host_network", "asks for spec.hostNetwork = true"),
        ("privileged", "asks for spec.containers[base].securityContext.privileged = true"),
        ("audience", "asks for a token for the audience 'https://kubernetes.default.svc.cluster.local'"),
        ("copy", "asks for spec.volumes[x].ephemeral.volumeClaimTemplate.spec.dataSource"),
        ("priority", 'asks for spec.priorityClassName = "system-cluster-critical"'),
    ],
)
def test_the_dag_becomes_an_import_error(said: dict[str, Any], name: str, words: str) -> None:
    assert said[name]["task"].startswith("AirflowClusterPolicyViolation: Task ")
    assert words in said[name]["task"]


def test_the_pod_is_refused_or_put_right_where_the_policy_was_not_asked(said: dict[str, Any]) -> None:
    assert {name for name, found in said.items() if "pod" not in found} == {"account", "token", "own"}
    for found in said.values():
        spec = found["spec"]
        assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("airflow-worker", False)


def test_a_worker_has_a_workers_labels(said: dict[str, Any]) -> None:
    """D4."""
    worker = {"kubernetes_executor": "True", "tier": "airflow", "component": "worker", "release": "airflow-core"}
    assert all(found["labels"] == worker for found in said.values())


def test_a_secret_of_ones_own_is_left_alone(said: dict[str, Any]) -> None:
    assert said["own"].keys() == {"spec", "labels"}
    assert said["own"]["spec"]["volumes"] == [{"name": "x", "secret": {"secretName": "my-warehouse"}}]
