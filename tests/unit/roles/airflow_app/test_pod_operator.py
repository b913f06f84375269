# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F10: the cluster policy in a namespace whose tasks may make pods. Here that is "user"; in "core" and "cron" they may not."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import pod_fields
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import FORMER_WORKER_SECRETS, WORKER_SECRETS
from ansible_collections.gitops.airflow.tests.unit.cluster_policy import PolicyViolation, Task, set_up
from ansible_collections.gitops.airflow.tests.unit.roles.airflow_app import test_policy as policy_tests
from kubernetes.client import ApiClient
from kubernetes.client import models as k8s

Obj = dict[str, Any]
VOLUME, FOLDER = "kube-api-access", "/var/run/secrets/kubernetes.io/serviceaccount"
# As the provider labels a pod before it calls the hook.
KPO = {"dag_id": "d", "task_id": "t", "kubernetes_pod_operator": "True", "airflow_kpo_in_cluster": "True"}
OPERATOR = {"tier": "airflow", "component": "pod-operator", "release": "airflow-core"}


@pytest.fixture
def open_policy(policy: ModuleType) -> ModuleType:
    set_up(policy, podOperators=["user"])
    return policy


def plain(value: Any) -> Obj:
    found: Obj = ApiClient().sanitize_for_serialization(value)
    return found


def worker(policy: ModuleType, namespace: str = "user", **spec: Any) -> Obj:
    """A worker's pod after the hook."""
    pod = policy_tests.worker_pod(annotations={policy_tests.ANNOTATION: namespace})
    given = {"containers": [k8s.V1Container(name="base")], "init_containers": [k8s.V1Container(name="git-sync-init")], **spec}
    pod.spec = k8s.V1PodSpec(**given)
    policy.pod_mutation_hook(pod)
    return plain(pod)


def made(policy: ModuleType, namespace: str = "user", labels: Obj | None = None, **spec: Any) -> Obj:
    """The pod of a KubernetesPodOperator after the hook."""
    metadata = k8s.V1ObjectMeta(name="mine", namespace=namespace, labels={**KPO, **(labels or {})})
    pod = k8s.V1Pod(metadata=metadata, spec=k8s.V1PodSpec(**{"containers": [k8s.V1Container(name="base", image="x")], **spec}))
    policy.pod_mutation_hook(pod)
    return plain(pod)


def test_f10_a_worker_gets_the_token_in_the_tasks_container_alone(open_policy: ModuleType) -> None:
    spec = worker(open_policy, containers=[k8s.V1Container(name="sidecar"), {"name": "own"}, k8s.V1Container(name="base")])["spec"]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("airflow-pod-operator", False)
    (volume,) = spec["volumes"]
    token, authority, namespace = volume["projected"]["sources"]
    assert (volume["name"], volume["projected"]["defaultMode"]) == (VOLUME, 0o444)
    # Without an audience: the API server's own.
    assert token == {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}
    assert authority == {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
    assert namespace["downwardAPI"]["items"] == [
        {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
    ]
    mounts = {item["name"]: item.get("volumeMounts") for item in [*spec["containers"], *spec["initContainers"]]}
    mount = [{"name": VOLUME, "mountPath": FOLDER, "readOnly": True}]
    assert mounts == {"base": mount, "sidecar": None, "own": None, "git-sync-init": None}


@pytest.mark.parametrize("namespace", ["core", "cron"])
def test_f10_workers_of_other_namespaces_stay_without(open_policy: ModuleType, namespace: str) -> None:
    spec = worker(open_policy, namespace)["spec"]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("airflow-worker", False)
    assert "volumes" not in spec


def test_f10_without_the_option_nothing_changes(policy: ModuleType) -> None:
    spec = worker(policy)["spec"]
    assert (spec["serviceAccountName"], "volumes" in spec) == ("airflow-worker", False)


def test_f10_what_the_task_mounts_stays(open_policy: ModuleType) -> None:
    own = k8s.V1VolumeMount(name="data", mount_path="/data")
    spec = worker(
        open_policy,
        containers=[k8s.V1Container(name="base", volume_mounts=[own])],
        volumes=[k8s.V1Volume(name="data", empty_dir=k8s.V1EmptyDirVolumeSource())],
    )["spec"]
    assert [item["name"] for item in spec["volumes"]] == ["data", VOLUME]
    assert [item["name"] for item in spec["containers"][0]["volumeMounts"]] == ["data", VOLUME]


MOUNT = [k8s.V1VolumeMount(name=VOLUME, mount_path="/x")]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"volumes": policy_tests.token()}, "asks for a token of the Kubernetes API"),
        ({"volumes": [k8s.V1Volume(name=VOLUME, empty_dir=k8s.V1EmptyDirVolumeSource())]}, "has a volume 'kube-api-access'"),
        ({"init_containers": [k8s.V1Container(name="git-sync-init", volume_mounts=MOUNT)]}, "or mounts it"),
        ({"containers": [k8s.V1Container(name="base"), k8s.V1Container(name="x", volume_mounts=MOUNT)]}, "or mounts it"),
    ],
)
def test_f10_a_task_cannot_move_the_token(open_policy: ModuleType, spec: Obj, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        worker(open_policy, **spec)


def test_f10_a_task_cannot_say_that_its_worker_is_a_pod_that_a_task_made(open_policy: ModuleType) -> None:
    pod = policy_tests.worker_pod(annotations={policy_tests.ANNOTATION: "cron"})
    pod.metadata.labels.update(KPO, component="pod-operator")
    pod.spec.containers, pod.spec.service_account_name = [k8s.V1Container(name="base")], "airflow-scheduler"
    open_policy.pod_mutation_hook(pod)
    assert pod.metadata.labels["component"] == "worker"
    assert "kubernetes_pod_operator" not in pod.metadata.labels
    assert pod.spec.service_account_name == "airflow-worker"


def test_f10_a_task_may_name_the_account_that_it_gets(open_policy: ModuleType) -> None:
    spec = {"containers": [k8s.V1Container(name="base")], "service_account_name": "airflow-pod-operator"}
    task = Task({"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace="user"), spec=k8s.V1PodSpec(**spec))})
    open_policy.task_policy(task)
    task = Task({"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace="cron"), spec=k8s.V1PodSpec(**spec))})
    with pytest.raises(PolicyViolation, match="worker pods run as 'airflow-worker'"):
        open_policy.task_policy(task)


def test_f10_a_pod_that_a_task_makes_is_marked_and_has_no_token(open_policy: ModuleType) -> None:
    labels = {"team": "a", "airflow-worker": "1", "kubernetes_executor": "False", "component": "mysql", "release": "x"}
    pod = made(open_policy, labels=labels)
    assert pod["metadata"]["labels"] == {**KPO, "team": "a", **OPERATOR}
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert "volumes" not in pod["spec"]
    assert "serviceAccountName" not in pod["spec"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"service_account_name": "airflow-pod-operator"},
            "asks for the service account 'airflow-pod-operator'; pods that tasks make run as",
        ),
        ({"service_account_name": "airflow-worker"}, "leave service_account_name out"),
        ({"automount_service_account_token": True}, "which pods that tasks make do not get"),
        ({"volumes": policy_tests.token()}, "asks for a token of the Kubernetes API"),
        ({"volumes": policy_tests.token("other.example.com")}, "'other.example.com', which is not listed for tasks"),
        ({"host_network": True}, "asks for spec.hostNetwork"),
        ({"containers": [k8s.V1Container(name="base", security_context=k8s.V1SecurityContext(privileged=True))]}, "privileged"),
        ({"containers": [policy_tests.container(env_from=[policy_tests.every("airflow-mysql")])]}, "'airflow-mysql'"),
        *((spec, "'airflow-fernet-key', which is the platform's own") for spec in policy_tests.refers_to("airflow-fernet-key")),
    ],
)
def test_f10_what_a_pod_that_a_task_makes_may_not_have(open_policy: ModuleType, spec: Obj, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        made(open_policy, **spec)
    assert str(refused.value).startswith("Pod mine ")


@pytest.mark.parametrize(
    "spec",
    [
        {"service_account_name": "default"},
        {"volumes": policy_tests.token("vault.example.com")},
        {"containers": [policy_tests.container(env_from=[policy_tests.every("warehouse")])]},
        {"image_pull_secrets": [k8s.V1LocalObjectReference(name="registry")]},
    ],
)
def test_f10_what_it_may_have(open_policy: ModuleType, spec: Obj) -> None:
    assert made(open_policy, **spec)["metadata"]["labels"]["component"] == "pod-operator"


@pytest.mark.parametrize("namespace", ["core", "cron"])
def test_f10_tasks_make_no_pods_in_other_namespaces_of_the_platform(open_policy: ModuleType, namespace: str) -> None:
    with pytest.raises(ValueError, match=f"tasks make no pods in '{namespace}'; they may in user \\(pod_operator in"):
        made(open_policy, namespace)


def test_f10_the_refusal_says_that_no_namespace_allows_it(policy: ModuleType) -> None:
    with pytest.raises(ValueError, match="they may in no namespace"):
        made(policy)


def test_f10_in_a_namespace_of_others_the_api_server_decides(open_policy: ModuleType) -> None:
    pod = made(open_policy, "elsewhere", service_account_name="theirs")
    assert pod["metadata"]["labels"] == KPO
    assert pod["spec"]["serviceAccountName"] == "theirs"


def test_f10_with_credentials_of_its_own_a_pod_is_judged_as_before(open_policy: ModuleType) -> None:
    """By a kubeconfig of a connection: who granted it decides its account, its token and its Secrets."""
    spec: Obj = {"service_account_name": "theirs", "volumes": policy_tests.token()}
    pod = made(open_policy, labels={"airflow_kpo_in_cluster": "False"}, **spec)
    assert (pod["spec"]["serviceAccountName"], "component" in pod["metadata"]["labels"]) == ("theirs", False)


def test_f10_it_gets_what_the_standard_of_its_namespace_asks_for(open_policy: ModuleType) -> None:
    set_up(open_policy, podOperators=["user"], podSecurity="restricted")
    containers = [k8s.V1Container(name="base", image="x"), k8s.V1Container(name="airflow-xcom-sidecar", image="alpine")]
    spec = made(open_policy, containers=containers)["spec"]
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    filled = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert [item["securityContext"] for item in spec["containers"]] == [filled, {**filled, "runAsUser": 65534}]


def test_f10_every_secret_that_the_platform_gives_to_workers_is_known() -> None:
    assert {("Secret", name) for name in (*WORKER_SECRETS, *FORMER_WORKER_SECRETS)} == pod_fields.WORKERS_OWN
