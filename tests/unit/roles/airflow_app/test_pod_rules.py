# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for a pod's fields, as a task, a worker's pod and the pod of a KubernetesPodOperator meet them."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.unit.cluster_policy import TEMPLATE, PolicyViolation, Task, set_up
from kubernetes.client import ApiClient
from kubernetes.client import models as k8s

Fields = dict[str, Any]
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


class Raw:
    """A pod's spec as the API takes it, also with fields that this version of the client does not have."""

    def __init__(self, fields: Fields) -> None:
        names = {"containers": "containers", "init_containers": "initContainers"}
        self.fields = {"containers": [{"name": "base"}], **fields}
        self.openapi_types = dict.fromkeys(self.fields, "object")
        self.attribute_map = {name: name for name in self.fields}
        self.__dict__ |= self.fields
        for attribute, name in names.items():
            setattr(self, attribute, self.fields.get(name))


def pod_with(fields: Fields, worker: bool, annotations: dict[str, str] | None = None, namespace: str = "user") -> k8s.V1Pod:
    labels = {"kubernetes_executor": "True"} if worker else {}
    metadata = k8s.V1ObjectMeta(name="a-pod", namespace=namespace, labels=labels, annotations=annotations)
    return k8s.V1Pod(metadata=metadata, spec=Raw(fields))


def refusal(policy: ModuleType, fields: Fields, who: str, annotations: dict[str, str] | None = None, namespace: str = "user") -> str:
    """What the policy says of a task or its pod; empty if it may have this."""
    pod = pod_with(fields, who != "operator", annotations, namespace)
    try:
        if who == "task":
            policy.task_policy(Task({"pod_override": pod}))
        else:
            policy.pod_mutation_hook(pod)
    except (PolicyViolation, ValueError) as refused:
        return str(refused)
    return ""


def in_each_container(part: Fields) -> list[Fields]:
    return [{kind: [{"name": "base"}, {"name": "x", **part}]} for kind in CONTAINERS]


def in_each_context(part: Fields) -> list[Fields]:
    return [{"securityContext": part}, *in_each_container({"securityContext": part})]


def volume(**source: Any) -> Fields:
    return {"volumes": [{"name": "v", **source}]}


def new_claim(**spec: Any) -> Fields:
    return volume(ephemeral={"volumeClaimTemplate": {"metadata": {}, "spec": {"accessModes": ["ReadWriteOnce"], **spec}}})


NODE = "a task's pod gets nothing of its node (Pod Security baseline)"
MYSQLS = {"kind": "PersistentVolumeClaim", "name": "data-airflow-mysql-0"}
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
# The fields, what the refusal names, and its rule.
REFUSED: list[tuple[Fields, str, str]] = [
    # D6: the Pod Security Standard "baseline".
    *(({name: True}, f"spec.{name} = true", NODE) for name in ("hostNetwork", "hostPID", "hostIPC")),
    *(
        (fields, "securityContext.windowsOptions.hostProcess = true", NODE)
        for fields in in_each_context({"windowsOptions": {"hostProcess": True}})
    ),
    *((fields, "[x].securityContext.privileged = true", NODE) for fields in in_each_container({"securityContext": {"privileged": True}})),
    *(
        (fields, f'securityContext.capabilities.add[0] = "{name}"', NODE)
        for name in ("SYS_ADMIN", "NET_RAW", "ALL", "CAP_CHOWN")
        for fields in in_each_container({"securityContext": {"capabilities": {"add": [name]}}})
    ),
    (volume(hostPath={"path": "/"}), 'spec.volumes[v].hostPath = {"path": "/"}', NODE),
    *(
        (fields, "ports[ui].hostPort = 80", NODE)
        for fields in in_each_container({"ports": [{"name": "ui", "containerPort": 80, "hostPort": 80}]})
    ),
    *((fields, 'appArmorProfile.type = "Unconfined"', NODE) for fields in in_each_context({"appArmorProfile": {"type": "Unconfined"}})),
    *((fields, 'seccompProfile.type = "Unconfined"', NODE) for fields in in_each_context({"seccompProfile": {"type": "Unconfined"}})),
    *((fields, 'procMount = "Unmasked"', NODE) for fields in in_each_container({"securityContext": {"procMount": "Unmasked"}})),
    *((fields, 'seLinuxOptions.type = "spc_t"', NODE) for fields in in_each_context({"seLinuxOptions": {"type": "spc_t"}})),
    *((fields, 'seLinuxOptions.user = "u"', NODE) for fields in in_each_context({"seLinuxOptions": {"user": "u"}})),
    *((fields, 'seLinuxOptions.role = "r"', NODE) for fields in in_each_context({"seLinuxOptions": {"role": "r"}})),
    ({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}, 'sysctls[kernel.msgmax].name = "kernel.msgmax"', NODE),
    *(
        (fields, f'{probe}.{action}.host = "169.254.169.254"', "probes and hooks go to the pod itself")
        for probe in PROBES
        for action in ("httpGet", "tcpSocket")
        for fields in in_each_container({probe: {action: {"port": 80, "host": "169.254.169.254"}, "periodSeconds": 1}})
    ),
    *(
        (fields, f'lifecycle.{hook}.httpGet.host = "127.0.0.1"', "probes and hooks go to the pod itself")
        for hook in ("postStart", "preStop")
        for fields in in_each_container({"lifecycle": {hook: {"httpGet": {"port": 80, "host": "127.0.0.1"}}}})
    ),
    # D12
    *(
        (new_claim(**{name: MYSQLS}), f"volumeClaimTemplate.spec.{name} = ", "must not start as a copy")
        for name in ("dataSource", "dataSourceRef")
    ),
    (new_claim(dataSource={"kind": "VolumeSnapshot", "name": "s"}), "dataSource", "must not start as a copy"),
    (new_claim(volumeName="pv-of-others"), 'volumeName = "pv-of-others"', "not bound to one that exists"),
    *(
        ({"priorityClassName": f"system-{name}-critical"}, "spec.priorityClassName", "for Kubernetes itself")
        for name in ("node", "cluster")
    ),
    ({"priority": 2000000000}, "spec.priority = 2000000000", "for Kubernetes itself"),
    ({"nodeName": "control-plane"}, 'spec.nodeName = "control-plane"', "the scheduler chooses the node"),
    *(
        (
            {"tolerations": [{"key": key, "operator": "Exists"}]},
            f"spec.tolerations[{key}]",
            "those by which Kubernetes keeps pods off a node",
        )
        for key in ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master", "node.kubernetes.io/disk-pressure")
    ),
    ({"tolerations": [{"operator": "Exists"}]}, "spec.tolerations[0]", "tolerates taints by key"),
    ({"tolerations": [{"key": "", "operator": "Exists"}]}, "spec.tolerations[0]", "tolerates taints by key"),
    (volume(gitRepo={"repository": "https://example.com/x"}), "spec.volumes[v].gitRepo", "the node would run Git"),
    (volume(flexVolume={"driver": "d"}), "spec.volumes[v].flexVolume", "runs a program on the node"),
    # What no table has, wherever it stands.
    ({"fieldOfTomorrow": 1}, "spec.fieldOfTomorrow = 1", "no rule for this field"),
    (volume(diskOfTomorrow={"a": 1}), 'spec.volumes[v].diskOfTomorrow = {"a": 1}', "no rule for this field"),
    (volume(projected={"sources": [{"podCertificate": {"signerName": "s"}}]}), "sources[0].podCertificate", "no rule for this field"),
    *((fields, "securityContext.more = 1", "no rule for this field") for fields in in_each_context({"more": 1})),
    *((fields, "[x].more = 1", "no rule for this field") for fields in in_each_container({"more": 1})),
    ({"HostNetwork": True}, "spec.HostNetwork = true", "no rule for this field"),
    # What the API does not take either.
    ({"hostNetwork": "true"}, 'spec.hostNetwork = "true"', NODE),
    ({"volumes": {"name": "v"}}, "spec.volumes", "not the form of the Kubernetes API"),
    ({"securityContext": "x"}, 'spec.securityContext = "x"', "not the form of the Kubernetes API"),
]


@pytest.mark.parametrize("who", ["task", "worker", "operator"])
@pytest.mark.parametrize(("fields", "named", "rule"), REFUSED)
def test_d6_d12_what_no_pod_of_a_task_gets(policy: ModuleType, fields: Fields, named: str, rule: str, who: str) -> None:
    """The refusal names the field with its value, the rule and what to do."""
    said = refusal(policy, fields, who)
    assert said.startswith("Task dag.task asks for spec." if who == "task" else "Pod a-pod asks for spec.")
    assert named in said
    assert rule in said
    assert any(f": {step}" in said for step in ("leave", "use", "clone"))


ANNOTATIONS = [
    ("container.apparmor.security.beta.kubernetes.io/base", "unconfined"),
    ("seccomp.security.alpha.kubernetes.io/pod", "unconfined"),
    ("container.seccomp.security.alpha.kubernetes.io/base", "unconfined"),
]


@pytest.mark.parametrize("who", ["task", "worker", "operator"])
@pytest.mark.parametrize(("name", "value"), ANNOTATIONS)
def test_d6_annotations_of_earlier_versions(policy: ModuleType, name: str, value: str, who: str) -> None:
    assert f'asks for metadata.annotations[{name}] = "{value}"; {NODE}' in refusal(policy, {}, who, {name: value})
    for allowed in ("runtime/default", "localhost/mine"):
        assert refusal(policy, {}, who, {name: allowed, "team": "a"}) == ""


ALLOWED: list[Fields] = [
    {},
    {"hostNetwork": False, "hostPID": None, "volumes": [{"name": "v", "hostPath": None, "emptyDir": {}}], "tolerations": []},
    {"activeDeadlineSeconds": 60, "terminationGracePeriodSeconds": 5, "restartPolicy": "Never", "dnsPolicy": "None", "dnsConfig": {"x": 1}},
    {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["x"]}], "hostname": "a", "subdomain": "b", "shareProcessNamespace": True},
    {"runtimeClassName": "gvisor", "schedulerName": "volcano", "priorityClassName": "urgent", "priority": 1000, "hostUsers": False},
    {"nodeSelector": {"a": "b"}, "affinity": {"nodeAffinity": {}}, "topologySpreadConstraints": [{"maxSkew": 1}]},
    {"tolerations": [{"key": "gpu", "operator": "Exists"}, {"key": "node.kubernetes.io/not-ready", "tolerationSeconds": 5}]},
    {"securityContext": {"runAsUser": 0, "fsGroup": 1, "sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]}},
    *in_each_context({"seccompProfile": {"type": "Localhost", "localhostProfile": "p"}, "appArmorProfile": {"type": "RuntimeDefault"}}),
    *in_each_context({"seLinuxOptions": {"type": "container_t", "level": "s0"}, "windowsOptions": {"hostProcess": False}}),
    *in_each_container(
        {"securityContext": {"capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}, "procMount": "Default", "privileged": False}}
    ),
    *in_each_container({"ports": [{"containerPort": 80, "hostPort": 0}], "readinessProbe": {"httpGet": {"port": 80, "host": ""}}}),
    *in_each_container({"lifecycle": {"preStop": {"exec": {"command": ["x"]}}}, "resources": {"limits": {"cpu": 1}}, "envFrom": []}),
    {
        "volumes": [
            {"name": name, name: {}} for name in ("configMap", "secret", "emptyDir", "csi", "downwardAPI", "persistentVolumeClaim", "nfs")
        ]
    },
    volume(projected={"defaultMode": 256, "sources": [{"configMap": {"name": "x"}}, {"downwardAPI": {}}]}),
    new_claim(storageClassName="fast", resources={"requests": {"storage": "1Gi"}}),
]


@pytest.mark.parametrize("who", ["task", "worker", "operator"])
@pytest.mark.parametrize("fields", ALLOWED)
def test_what_a_pod_of_a_task_may_have(policy: ModuleType, fields: Fields, who: str) -> None:
    assert refusal(policy, fields, who) == ""


def test_d6_every_field_of_the_client_has_a_rule() -> None:
    """A field that the tables forgot would be refused to people who use it today."""
    rules = importlib.import_module("gitops_pod_fields")
    tables: list[tuple[Any, dict[str, Any]]] = [
        (k8s.V1PodSpec, rules.POD),
        (k8s.V1Container, rules.CONTAINER),
        (k8s.V1EphemeralContainer, rules.CONTAINER),
        (k8s.V1PodSecurityContext, rules.POD_SECURITY),
        (k8s.V1SecurityContext, rules.CONTAINER_SECURITY),
        (k8s.V1Volume, rules.VOLUME),
        (k8s.V1VolumeProjection, {**rules.VOLUME["projected"]["sources"].item, "podCertificate": "refused"}),
        (k8s.V1PersistentVolumeClaimSpec, rules.VOLUME["ephemeral"]["volumeClaimTemplate"]["spec"]),
        (k8s.V1Probe, rules.PROBE),
        (k8s.V1LifecycleHandler, rules.ACTION),
        (k8s.V1Lifecycle, rules.CONTAINER["lifecycle"]),
        (k8s.V1HTTPGetAction, rules.ACTION["httpGet"]),
        (k8s.V1TCPSocketAction, rules.ACTION["tcpSocket"]),
        (k8s.V1ContainerPort, rules.CONTAINER["ports"].item),
        (k8s.V1SELinuxOptions, rules.SELINUX),
        (k8s.V1SeccompProfile, rules.PROFILE),
        (k8s.V1AppArmorProfile, rules.PROFILE),
        (k8s.V1WindowsSecurityContextOptions, rules.SECURITY["windowsOptions"]),
        (k8s.V1Capabilities, rules.CONTAINER_SECURITY["capabilities"]),
    ]
    missing = {model.__name__: set(model.attribute_map.values()) - set(table) for model, table in tables}
    assert {name: fields for name, fields in missing.items() if fields} == {}


OPERATORS: Fields = {
    "tolerations": [{"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}],
    "volumes": [{"name": "node", "hostPath": {"path": "/data"}}],
    "containers": [{"name": "base", "fieldOfTomorrow": 1}],
}


@pytest.mark.parametrize("who", ["task", "worker", "operator"])
def test_what_the_platforms_own_template_has_is_allowed(policy: ModuleType, tmp_path: Path, who: str) -> None:
    """The operator's chart values made it. Another value of the same field stays refused."""
    assert "asks for" in refusal(policy, OPERATORS, who)
    (tmp_path / "worker-pod.json").write_text(json.dumps({"spec": {**TEMPLATE["spec"], **OPERATORS}}))
    set_up(policy)
    assert refusal(policy, OPERATORS, who) == ""
    changed = {**OPERATORS, "volumes": [{"name": "node", "hostPath": {"path": "/"}}]}
    assert 'hostPath = {"path": "/"}' in refusal(policy, changed, who)


@pytest.mark.parametrize(("namespace", "allowed"), [("cron", True), ("user", False)])
def test_what_a_namespaces_scheduling_has_is_allowed_there(policy: ModuleType, namespace: str, allowed: bool) -> None:
    own = {"key": "node-role.kubernetes.io/batch", "operator": "Exists"}
    set_up(policy, workerNamespaces={"core": {}, "cron": {"tolerations": [own]}, "user": {}})
    assert (refusal(policy, {"tolerations": [own]}, "task", namespace=namespace) == "") is allowed


@pytest.mark.parametrize(
    "fields",
    [
        {"serviceAccountName": "mine"},
        {"automountServiceAccountToken": True},
        volume(projected={"sources": [{"serviceAccountToken": {"path": "t"}}]}),
        volume(secret={"secretName": "not-listed"}),
    ],
)
def test_account_token_and_references_of_an_operators_pod_are_its_makers(policy: ModuleType, fields: Fields) -> None:
    """The workers' account may make pods only where it was granted that, and the grant decides these."""
    assert refusal(policy, fields, "operator", namespace="core") == ""


def test_a_pod_elsewhere_is_not_the_platforms_concern(policy: ModuleType) -> None:
    """A KubernetesPodOperator may make it in another cluster."""
    assert refusal(policy, {"hostNetwork": True}, "operator", namespace="elsewhere") == ""


def test_d6_the_core_namespace_is_the_platforms_also_when_closed_to_tasks(policy: ModuleType) -> None:
    set_up(policy, workerNamespaces={"user": {}}, defaultNamespace="user")
    assert "asks for spec.hostNetwork" in refusal(policy, {"hostNetwork": True}, "operator", namespace="core")


def test_a_long_value_is_shortened(policy: ModuleType) -> None:
    said = refusal(policy, {"fieldOfTomorrow": "x" * 1000}, "task")
    assert len(said) < 400
    assert "…" in said


# D14: the Pod Security Standard "restricted"
FILLED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
OF_THE_POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def completed(policy: ModuleType, spec: k8s.V1PodSpec, worker: bool, namespace: str = "user") -> Fields:
    """The pod's security contexts after the hook: its own and those of its containers."""
    metadata = k8s.V1ObjectMeta(name="a-pod", namespace=namespace, labels={"kubernetes_executor": "True"} if worker else {})
    pod = k8s.V1Pod(metadata=metadata, spec=spec)
    policy.pod_mutation_hook(pod)
    made = ApiClient().sanitize_for_serialization(pod.spec)
    containers = [*made["containers"], *made.get("initContainers", [])]
    return {"pod": made.get("securityContext"), **{item["name"]: item.get("securityContext") for item in containers}}


@pytest.mark.parametrize("worker", [True, False])
def test_d14_a_pod_gets_what_restricted_asks_for(policy: ModuleType, worker: bool) -> None:
    """In containers of the client's kind and in dictionaries; those of an operator and of a worker's sidecars say nothing."""
    set_up(policy, podSecurity="restricted")
    spec = k8s.V1PodSpec(containers=[k8s.V1Container(name="base"), {"name": "sidecar"}], init_containers=[k8s.V1Container(name="first")])
    assert completed(policy, spec, worker) == {"pod": OF_THE_POD, "base": FILLED, "sidecar": FILLED, "first": FILLED}


@pytest.mark.parametrize("worker", [True, False])
def test_d14_what_a_pod_says_stays(policy: ModuleType, worker: bool) -> None:
    """The namespace refuses what contradicts its standard, with a message of its own."""
    set_up(policy, podSecurity="restricted")
    own = k8s.V1SecurityContext(
        run_as_user=0, allow_privilege_escalation=True, capabilities=k8s.V1Capabilities(add=["CHOWN"]), read_only_root_filesystem=True
    )
    pod = k8s.V1PodSecurityContext(run_as_non_root=False, fs_group=7, seccomp_profile=k8s.V1SeccompProfile(type="Localhost"))
    spec = k8s.V1PodSpec(containers=[k8s.V1Container(name="base", security_context=own)], security_context=pod)
    assert completed(policy, spec, worker) == {
        "pod": {"runAsNonRoot": False, "fsGroup": 7, "seccompProfile": {"type": "Localhost"}},
        "base": {
            "runAsUser": 0,
            "allowPrivilegeEscalation": True,
            "capabilities": {"add": ["CHOWN"], "drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }


@pytest.mark.parametrize(
    ("settings", "namespace", "spec"),
    [
        ({"podSecurity": "baseline"}, "user", {}),
        ({"podSecurity": ""}, "user", {}),
        ({"podSecurity": "restricted"}, "elsewhere", {}),
        ({"podSecurity": "restricted", "podSecurityOf": {"user": "baseline"}}, "user", {}),
        ({"podSecurity": "baseline", "podSecurityOf": {"cron": "restricted"}}, "user", {}),
        ({"podSecurity": "restricted"}, "user", {"os": k8s.V1PodOS(name="windows")}),
    ],
)
def test_d14_where_a_pod_is_left_as_it_is(policy: ModuleType, settings: Fields, namespace: str, spec: Fields) -> None:
    """Images that run as root, another cluster, and Windows, which has none of this."""
    set_up(policy, **settings)
    made = completed(policy, k8s.V1PodSpec(containers=[k8s.V1Container(name="base")], **spec), False, namespace)
    assert made == {"pod": None, "base": None}


@pytest.mark.parametrize("settings", [{"podSecurity": "", "podSecurityOf": {"user": "restricted"}}, {"podSecurity": "restricted"}])
def test_d14_a_namespace_may_have_a_standard_of_its_own(policy: ModuleType, settings: Fields) -> None:
    set_up(policy, **settings)
    made = completed(policy, k8s.V1PodSpec(containers=[k8s.V1Container(name="base")]), True)
    assert made == {"pod": OF_THE_POD, "base": FILLED}


@pytest.mark.parametrize(("context", "user"), [(None, 65534), (k8s.V1PodSecurityContext(run_as_user=1000), None)])
def test_d14_the_xcom_sidecar_of_an_operator_needs_no_root(
    policy: ModuleType, context: k8s.V1PodSecurityContext | None, user: int | None
) -> None:
    """Its image, alpine, names no user, so that the kubelet would not start it."""
    set_up(policy, podSecurity="restricted")
    containers = [k8s.V1Container(name="base"), k8s.V1Container(name="airflow-xcom-sidecar")]
    made = completed(policy, k8s.V1PodSpec(containers=containers, security_context=context), False)
    assert made["airflow-xcom-sidecar"].get("runAsUser") == user
    assert "runAsUser" not in made["base"]
