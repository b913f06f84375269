# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D2: the API server refuses by itself what the cluster policy refuses. A real one, with the gate of admission policies on.

The pods are those of the cluster policy's own tests: what it makes is admitted, what it refuses or changes is refused.
"""

from __future__ import annotations

import copy
import dataclasses
import http.client
import json
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import admission_policy, pod_fields, worker_limits
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, kubernetes_version
from ansible_collections.gitops.airflow.tests.unit import cluster_policy
from ansible_collections.gitops.airflow.tests.unit.roles.airflow_app import conftest as unit_tests
from ansible_collections.gitops.airflow.tests.unit.roles.airflow_app import test_pod_rules as fields
from ansible_collections.gitops.airflow.tests.unit.roles.airflow_app import test_policy as identity
from kubernetes.client import ApiClient
from kubernetes.client import models as k8s

policy = unit_tests.policy

Obj = dict[str, Any]
# Kubernetes 1.30 and later serve policies without these flags.
SERVED = kubernetes_version() >= (1, 30)
VERSION = "v1" if SERVED else "v1beta1"
GATES = "ProcMountType=true" if SERVED else "ValidatingAdmissionPolicy=true,ProcMountType=true"
# The policies, and fields that this server would otherwise refuse or drop itself.
FLAGS = (
    f"--feature-gates={GATES}",
    *(() if SERVED else ("--runtime-config=admissionregistration.k8s.io/v1beta1=true",)),
    "--allow-privileged=true",
)
SCHEDULER, WORKER = "system:serviceaccount:core:airflow-scheduler", "system:serviceaccount:core:airflow-worker"
ELSEWHERE = "system:serviceaccount:elsewhere:airflow-scheduler"
MAKER = "system:serviceaccount:maker:airflow-pod-operator"
PLACES = ("core", "cron", "user", "maker", "elsewhere")
DENIED = "ValidatingAdmissionPolicy 'gitops-airflow-airflow-workers'"
HOOKED = {"tier": "airflow", "component": "worker", "release": "airflow-core", "kubernetes_executor": "True"}
WORKERS = {"serviceAccountName": "airflow-worker", "automountServiceAccountToken": False}


class Fence:
    """The API server with the policy, for pods of one user after the other. Nothing is stored."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=server._context)

    def send(self, user: str, method: str, path: str, body: Obj, content: str = "application/json") -> tuple[int, Obj]:
        headers = {"Authorization": f"Bearer {self.server._tokens[user]}", "Content-Type": content}
        self._connection.request(method, path, json.dumps(body), headers)
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())

    def create(self, user: str, pod: Obj, dry: bool = True) -> tuple[int, Obj]:
        namespace = pod["metadata"]["namespace"]
        return self.send(user, "POST", f"/api/v1/namespaces/{namespace}/pods{'?dryRun=All' if dry else ''}", pod)

    def said(self, user: str, pod: Obj) -> str:
        """Why the server refuses the pod; empty where it would create it."""
        status, answer = self.create(user, pod)
        return "" if status == 201 else f"{status} {answer['message']}"

    def keeps(self, pod: Obj) -> bool:
        """Whether this server takes the pod from who may do everything, with all its fields: others are newer or not the API's form."""
        status, answer = self.create("admin", pod)
        return status == 201 and _within(pod["spec"], answer["spec"])

    def declare(self, limits: admission_policy.Limits, platform: str = "airflow") -> None:
        for item in admission_policy.objects(platform, VERSION, ["airflow-scheduler"], limits):
            path = f"/apis/{item['apiVersion']}/{admission_policy.PLURALS[item['kind']]}/{item['metadata']['name']}"
            status, answer = self.send("admin", "PATCH", f"{path}?fieldManager=test&force=true", item, "application/apply-patch+yaml")
            assert status in (200, 201), answer


def _within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(_within(value, whole.get(key)) for key, value in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) <= len(whole) and all(map(_within, part, whole))
    # What is empty or zero the API leaves out.
    return bool(part == whole or (not part and whole is None))


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with ApiServer(tmp_path_factory.mktemp("gated"), users=(SCHEDULER, WORKER, ELSEWHERE, MAKER, "ann")) as server:
        server.ensure(*FLAGS)
        for name in PLACES:
            server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        # More than the roles grant, so that the policy alone decides.
        for user in (SCHEDULER, WORKER, MAKER, "ann"):
            server.grant(user, ["create", "get", "patch", "update", "delete"], ["pods", "pods/ephemeralcontainers"])
        server.grant(MAKER, ["create", "get"], ["pods/exec", "pods/attach", "pods/portforward"])
        yield server


def config(**given: Any) -> Obj:
    """The ConfigMap with the cluster policy, as the chart renders it."""
    settings = {**cluster_policy.SETTINGS, **given.pop("settings", {})}
    text = f"X = 1\nconfigure(r'''{json.dumps(settings)}''')\n"
    return {"data": {worker_limits.POLICY: text, worker_limits.TEMPLATE: json.dumps(given.get("template", cluster_policy.TEMPLATE))}}


def limits(**given: Any) -> admission_policy.Limits:
    found = worker_limits.live(config(**given))
    assert found
    return found


def effective(fence: Fence, namespace: str = "user") -> None:
    """A policy is in force a moment after it was made."""
    deadline = time.monotonic() + 30
    while DENIED not in fence.said(SCHEDULER, pod({}, namespace=namespace, labels={})):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def fence(gated: ApiServer) -> Fence:
    found = Fence(gated)
    found.declare(limits())
    effective(found)
    return found


def whole(spec: Obj) -> Obj:
    """What the API wants of a pod beside what its test says."""
    made: Obj = {"containers": [{"name": "base"}], **copy.deepcopy(spec)}
    made["containers"] = made["containers"] or [{"name": "base"}]
    if isinstance(made.get("ephemeralContainers"), list):
        made["initContainers"] = made.pop("ephemeralContainers")  # they come by an update alone
    for kind in ("containers", "initContainers"):
        for number, container in enumerate(made.get(kind, [])):
            name = container["name"]
            container.update(image="x", name=name if kind == "containers" or name != "base" else "first")
            if kind == "initContainers" and number:
                container["restartPolicy"] = "Always"  # as a sidecar it may have probes and hooks
            for variable in container.get("env") or []:
                for key in ("secretKeyRef", "configMapKeyRef"):
                    (variable.get("valueFrom") or {}).get(key, {}).setdefault("key", "k")
    volumes = made.get("volumes")
    for volume in volumes if isinstance(volumes, list) else []:
        claim = volume.get("ephemeral", {}).get("volumeClaimTemplate", {}).get("spec")
        if claim:
            claim.setdefault("resources", {"requests": {"storage": "1Gi"}})
            if claim.get("dataSource", {}).get("kind") == "VolumeSnapshot":
                claim["dataSource"]["apiGroup"] = "snapshot.storage.k8s.io"
        for source in (volume.get("projected") or {}).get("sources") or []:
            if "serviceAccountToken" in source:
                source["serviceAccountToken"].setdefault("path", "token")
    return made


def pod(spec: Obj, namespace: str = "user", labels: Obj | None = None, **metadata: Any) -> Obj:
    """A worker's pod, whatever else it asks for."""
    labels = HOOKED if labels is None else labels
    metadata = {"name": "a-pod", "namespace": namespace, "labels": labels, **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**WORKERS, **whole(spec)}}


def test_d2_a_worker_is_admitted_and_what_others_make_is_not_asked(fence: Fence) -> None:
    assert fence.said(SCHEDULER, pod({})) == ""
    wild = pod({"hostNetwork": True, "serviceAccountName": "mine"}, labels={})
    assert DENIED in fence.said(SCHEDULER, wild)
    assert fence.said("ann", wild) == ""
    elsewhere = pod({"hostNetwork": True}, "elsewhere", labels={})
    assert fence.said(SCHEDULER, elsewhere) == ""


@pytest.mark.parametrize("user", [SCHEDULER, WORKER])
def test_d2_the_api_server_refuses_the_fields_that_the_cluster_policy_refuses(fence: Fence, user: str) -> None:
    """D6, D12. With the field's name and what to do. A field that this server does not keep reaches nobody."""
    judged, wrong = 0, []
    for spec, named, rule in fields.REFUSED:
        made = pod(spec, labels=HOOKED if user == SCHEDULER else {})
        if not fence.keeps(made):
            continue
        judged += 1
        said = fence.said(user, made)
        field = named.partition(" = ")[0].rpartition("]")[2].rpartition(".")[2]
        steps = any(f": {step}" in said for step in ("leave", "use", "clone"))
        if not (DENIED in said and rule in said and field in said and steps):
            wrong.append((spec, named, said))
    assert wrong == []
    assert judged >= 55


# What a pod may have, in the API's own form: fields that need others beside them.
RICH: list[Obj] = [
    {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.0.0.1"]}, "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["x"]}]},
    {
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        "nodeSelector": {"a": "b"},
    },
    {"tolerations": [{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "operator": "Exists", "tolerationSeconds": 5}]},
    {"tolerations": [{"key": "gpu", "operator": "Equal", "value": "x", "effect": "NoSchedule"}], "schedulerName": "volcano"},
    {
        "volumes": [
            {"name": "csi", "csi": {"driver": "d", "volumeAttributes": {"a": "b"}}},
            {"name": "nfs", "nfs": {"server": "s", "path": "/"}},
            {"name": "claim", "persistentVolumeClaim": {"claimName": "mine"}},
            {"name": "all", "projected": {"sources": [{"secret": {"name": "mine"}}, {"configMap": {"name": "mine"}}]}},
        ],
        "imagePullSecrets": [{"name": "mine"}],
    },
    {
        "containers": [
            {
                "name": "base",
                "livenessProbe": {"grpc": {"port": 1}, "periodSeconds": 3},
                "lifecycle": {"preStop": {"exec": {"command": ["x"]}}},
                "ports": [{"containerPort": 80, "name": "web"}],
                "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "resources": {"limits": {"cpu": "1"}},
            }
        ]
    },
]


@pytest.mark.parametrize("user", [SCHEDULER, WORKER])
def test_d2_the_api_server_admits_the_fields_that_the_cluster_policy_allows(fence: Fence, user: str) -> None:
    judged, wrong = 0, []
    for spec in [*fields.ALLOWED, *RICH]:
        made = pod(spec, labels=HOOKED if user == SCHEDULER else {})
        if fence.said("admin", made):
            assert spec not in RICH
            continue
        judged += 1
        if said := fence.said(user, made):
            wrong.append((spec, said))
    assert wrong == []
    assert judged >= 25


def plain(spec: Any) -> Obj:
    """The specification as the API takes it, of what a test of the cluster policy hands to the client."""
    found: Obj = ApiClient().sanitize_for_serialization(identity.with_spec(spec))
    return found


@pytest.mark.parametrize("namespace", ["core", "user"])
def test_d2_the_api_server_refuses_an_identity_that_the_cluster_policy_takes_away(fence: Fence, namespace: str) -> None:
    """D4, D12: accounts, tokens, and in the core namespace Secrets, ConfigMaps and claims."""
    judged, wrong = 0, []
    for spec, words in [*identity.REFUSED, *(identity.NOT_LISTED if namespace == "core" else [])]:
        made = pod(plain(spec), namespace)
        if "service_account" in spec:
            made["spec"] |= {"serviceAccountName": spec["service_account"]}
        if not fence.keeps(made):
            continue
        judged += 1
        said = fence.said(SCHEDULER, made)
        if DENIED not in said or not any(f": {step}" in said for step in ("leave", "use")):
            wrong.append((spec, words, said))
    assert wrong == []
    assert judged >= (35 if namespace == "core" else 18)


@pytest.mark.parametrize(("namespace", "specs"), [("core", identity.ALLOWED), ("user", [*identity.ALLOWED, *identity.ALLOWED_ELSEWHERE])])
def test_d2_every_pod_that_the_cluster_policy_makes_is_admitted(fence: Fence, policy: ModuleType, namespace: str, specs: list[Any]) -> None:
    judged, wrong = 0, []
    for standard in ("baseline", "restricted"):
        cluster_policy.set_up(policy, podSecurity=standard)
        for spec in specs:
            made = identity.worker_pod(annotations={identity.ANNOTATION: namespace, "note": "b", "argocd.argoproj.io/x": "y"})
            made.spec = identity.with_spec(spec)
            made.metadata.labels.update(identity.LABELS)
            made.metadata.finalizers, made.metadata.owner_references = ["example.com/never"], [identity.OWNER]
            before = ApiClient().sanitize_for_serialization(made)
            policy.pod_mutation_hook(made)
            after = ApiClient().sanitize_for_serialization(made)
            for item in (before, after):
                item |= {"apiVersion": "v1", "kind": "Pod", "spec": whole(item["spec"])}
            before["metadata"]["namespace"] = namespace
            if not fence.keeps(after):
                continue
            judged += 1
            assert fence.said(SCHEDULER, before), "what the policy changes is refused without it"
            if said := fence.said(SCHEDULER, after):
                wrong.append((spec, said))
    assert wrong == []
    assert judged >= 30


def test_d2_a_pod_of_a_kubernetes_pod_operator_is_admitted(fence: Fence, policy: ModuleType) -> None:
    """As the workers' account, where that was granted pods: its account and Secrets are decided by who granted that."""
    metadata = k8s.V1ObjectMeta(name="own", namespace="core", labels={**identity.LABELS}, owner_references=[identity.OWNER])
    spec = k8s.V1PodSpec(service_account_name="mine", containers=[identity.container(image="x", env_from=[identity.every("mine")])])
    made = k8s.V1Pod(api_version="v1", kind="Pod", metadata=metadata, spec=spec)
    before = ApiClient().sanitize_for_serialization(made)
    assert "has the label" in fence.said(WORKER, before)
    policy.pod_mutation_hook(made)
    assert fence.said(WORKER, ApiClient().sanitize_for_serialization(made)) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": {**HOOKED, "component": "mysql"}}, "the label component=worker"),
        ({"labels": {**HOOKED, "tier": "x"}}, "the label tier=airflow"),
        ({"labels": {**HOOKED, "release": "x"}}, "the label release=airflow-core"),
        ({"labels": {**HOOKED, "kubernetes_executor": "False"}}, "the label kubernetes_executor=True"),
        ({"labels": {**HOOKED, "gitops-airflow/endpoint": "mysql"}}, "has the label gitops-airflow/endpoint in metadata.labels"),
        ({"labels": {**HOOKED, "pod-template-hash": "a"}}, "has the label pod-template-hash in metadata.labels"),
        ({"finalizers": ["example.com/never"]}, "has metadata.finalizers"),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u"}]},
            "has metadata.ownerReferences",
        ),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, "metadata.annotations: leave it out"),
        *(({"annotations": {name: value}}, "asks for metadata.annotations[") for name, value in fields.ANNOTATIONS[:1]),
    ],
)
def test_d2_metadata_that_the_cluster_policy_takes_away(fence: Fence, change: Obj, words: str) -> None:
    """D4."""
    said = fence.said(SCHEDULER, pod({}, **change))
    assert DENIED in said
    assert words in said
    assert ": leave" in said or "Let the cluster policy set it" in said


def test_d2_updates_are_for_workers_alone(fence: Fence) -> None:
    """Airflow labels its workers. It has no business with the pods of the database, and gives nobody a label or an owner."""
    worker = pod({}, labels={**HOOKED, "airflow-worker": "1"}, name="worker")
    older = pod({"serviceAccountName": "default", "containers": [{"name": "base", "securityContext": {"privileged": True}}]}, name="older")
    mysql = pod({}, "core", labels={"component": "mysql", "tier": "airflow"}, name="mysql")
    for item in (worker, older, mysql):
        assert fence.create("admin", item, dry=False)[0] == 201

    def patch(item: Obj, change: Obj) -> str:
        path = f"/api/v1/namespaces/{item['metadata']['namespace']}/pods/{item['metadata']['name']}"
        status, answer = fence.send(SCHEDULER, "PATCH", path, change, "application/strategic-merge-patch+json")
        return "" if status == 200 else str(answer["message"])

    adopt = {"metadata": {"labels": {"airflow-worker": "2"}}}
    assert patch(worker, adopt) == ""
    assert patch(older, adopt) == "", "a worker of an earlier version goes on"
    assert "is not a task's (label component=worker)" in patch(mysql, adopt | {"metadata": {"labels": HOOKED}})
    assert "the label component=worker" in patch(worker, {"metadata": {"labels": {"component": "mysql"}}})
    assert "has metadata.finalizers" in patch(worker, {"metadata": {"finalizers": ["example.com/never"]}})
    assert "spec.tolerations[node.kubernetes.io/disk-pressure]" in patch(
        worker, {"spec": {"tolerations": [{"key": "node.kubernetes.io/disk-pressure", "operator": "Exists"}]}}
    )
    privileged = {"name": "debug", "image": "x", "securityContext": {"privileged": True}}
    path = "/api/v1/namespaces/user/pods/worker/ephemeralcontainers"
    change = {"spec": {"ephemeralContainers": [privileged]}}
    status, answer = fence.send(SCHEDULER, "PATCH", path, change, "application/strategic-merge-patch+json")
    assert (status, "spec.containers[debug].securityContext.privileged" in answer["message"]) == (422, True), answer
    assert "has the label" in fence.send(WORKER, "PATCH", path, change, "application/strategic-merge-patch+json")[1]["message"]


def test_d2_a_large_pod_is_within_the_budget(fence: Fence) -> None:
    """The server gives up on a policy that costs too much, and then refuses."""
    context = {"capabilities": {"add": ["CHOWN"] * 10, "drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}
    env = [{"name": f"V{number}", "valueFrom": {"secretKeyRef": {"name": "listed", "key": "k"}}} for number in range(200)]
    containers = [
        {
            "name": f"c{number}",
            "securityContext": context,
            "env": env,
            "envFrom": [{"secretRef": {"name": "listed"}}] * 10,
            "ports": [{"containerPort": port + 1} for port in range(20)],
            "volumeMounts": [{"name": f"v{volume}", "mountPath": f"/v{volume}"} for volume in range(100)],
        }
        for number in range(20)
    ]
    volumes = [{"name": f"v{number}", "projected": {"sources": [{"secret": {"name": "listed"}}] * 10}} for number in range(100)]
    tolerations = [{"key": f"team-{number}", "operator": "Exists"} for number in range(100)]
    assert fence.said(SCHEDULER, pod({"containers": containers, "volumes": volumes, "tolerations": tolerations}, "core")) == ""


def test_d2_a_field_without_a_rule_is_refused(gated: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of a later version of Kubernetes would be. Another platform's policy has another name and concerns its own accounts alone."""
    found = Fence(gated)
    for table, names in ((pod_fields.POD, ("hostname",)), (pod_fields.VOLUME, ("nfs",)), (pod_fields.CONTAINER, ("workingDir",))):
        for name in names:
            monkeypatch.delitem(table, name)
    other = dataclasses.replace(limits(), core="elsewhere", namespaces=frozenset({"elsewhere"}))
    gated.grant(ELSEWHERE, ["create"], ["pods"], namespaces=["elsewhere"])
    found.declare(other, "second")
    deadline = time.monotonic() + 30
    while not (said := found.said(ELSEWHERE, pod({"hostname": "x"}, "elsewhere"))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "ValidatingAdmissionPolicy 'gitops-airflow-second-workers'" in said
    assert "The pod asks for another field of spec; the platform has no rule for this field" in said
    volume = {"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]}
    assert "asks for another field of spec.volumes[v];" in found.said(ELSEWHERE, pod(volume, "elsewhere"))
    container = {"containers": [{"name": "base", "workingDir": "/"}]}
    assert "asks for another field of spec.containers[base];" in found.said(ELSEWHERE, pod(container, "elsewhere"))
    assert found.said(SCHEDULER, pod({"hostname": "x"}, "elsewhere")) == ""


OPERATORS: Obj = {
    "tolerations": [{"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}],
    "volumes": [{"name": "node", "hostPath": {"path": "/data"}}],
    "containers": [{"name": "base", "securityContext": {"privileged": True, "capabilities": {"add": ["NET_RAW"]}}}],
}


def test_d2_what_the_platforms_own_template_has_is_allowed(gated: ApiServer) -> None:
    """Another value of the same field stays refused. In the namespace of a scheduling of its own, so is that."""
    found = Fence(gated)
    own = {"key": "node-role.kubernetes.io/batch", "operator": "Exists"}
    settings = {"workerNamespaces": {"cron": {"tolerations": [own]}, "user": {}}, "defaultNamespace": "user"}
    found.declare(limits(template={"spec": {**cluster_policy.TEMPLATE["spec"], **OPERATORS}}, settings=settings))
    deadline = time.monotonic() + 30
    while said := found.said(SCHEDULER, pod(OPERATORS)):
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
    for changed in (
        {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]},
        {"volumes": [{"name": "other", "hostPath": {"path": "/data"}}]},
        {"containers": [{"name": "base", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]},
        {"containers": [{"name": "base"}, {"name": "mine", "securityContext": {"privileged": True}}]},
        {"tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]},
    ):
        assert DENIED in found.said(SCHEDULER, pod(changed)), changed
    assert found.said(SCHEDULER, pod({"tolerations": [own]}, "cron")) == ""
    assert DENIED in found.said(SCHEDULER, pod({"tolerations": [own]}, "user"))
    # The core namespace is closed to tasks.
    assert "Tasks do not run in the namespace core" in found.said(SCHEDULER, pod({}, "core"))
    found.declare(limits())
    deadline = time.monotonic() + 30
    while not found.said(SCHEDULER, pod(OPERATORS)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


# F10: a namespace whose tasks may make pods

MAKERS: Obj = {"settings": {"workerNamespaces": {"core": {}, "cron": {}, "user": {}, "maker": {}}, "podOperators": ["maker"]}}
MARKED = {"tier": "airflow", "component": "pod-operator", "release": "airflow-core"}


@pytest.fixture(scope="module")
def makers(gated: ApiServer) -> Fence:
    found = Fence(gated)
    found.declare(limits(**MAKERS))
    effective(found, "maker")
    deadline = time.monotonic() + 30
    while DENIED not in found.said(MAKER, of_task(hostNetwork=True)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def of_task(namespace: str = "maker", labels: Obj | None = None, name: str = "a-pod", **spec: Any) -> Obj:
    """What a task makes, as the cluster policy completes it, with the account that a cluster fills in (not this server)."""
    metadata = {"name": name, "namespace": namespace, "labels": MARKED if labels is None else labels}
    own = {"automountServiceAccountToken": False, "serviceAccountName": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**own, **whole(spec)}}


def test_f10_a_task_makes_changes_and_deletes_its_pods(makers: Fence, policy: ModuleType) -> None:
    """With the very pod that the cluster policy makes of a KubernetesPodOperator's."""
    cluster_policy.set_up(policy, **MAKERS["settings"], podSecurity="restricted")
    labels = {"dag_id": "d", "kubernetes_pod_operator": "True", "airflow_kpo_in_cluster": "True", "component": "mysql"}
    metadata = k8s.V1ObjectMeta(name="own", namespace="maker", labels=labels, owner_references=[identity.OWNER])
    spec = k8s.V1PodSpec(containers=[identity.container(image="x", env_from=[identity.every("mine")])])
    made = k8s.V1Pod(api_version="v1", kind="Pod", metadata=metadata, spec=spec)
    before = ApiClient().sanitize_for_serialization(made)
    assert DENIED in makers.said(MAKER, before), "what the cluster policy changes is refused without it"
    policy.pod_mutation_hook(made)
    assert makers.create(MAKER, ApiClient().sanitize_for_serialization(made), dry=False)[0] == 201
    path = "/api/v1/namespaces/maker/pods/own"
    # What the provider does with a pod that failed (patch_already_checked).
    checked = {"metadata": {"labels": {"already_checked": "True"}}}
    status, answer = makers.send(MAKER, "PATCH", path, checked, "application/strategic-merge-patch+json")
    assert (status, answer["metadata"]["labels"]["already_checked"]) == (200, "True")
    assert makers.send(MAKER, "DELETE", path, {})[0] == 200


ATTACKS: list[tuple[Obj, str]] = [
    ({"labels": {}}, "needs the label tier=airflow"),
    ({"labels": {**MARKED, "component": "mysql"}}, "needs the label component=pod-operator"),
    ({"labels": {**MARKED, "component": "worker"}}, "needs the label component=pod-operator"),
    ({"labels": {**MARKED, "release": "other"}}, "needs the label release=airflow-core"),
    ({"labels": {**MARKED, "kubernetes_executor": "True"}}, "Airflow's executor knows its workers"),
    ({"labels": {**MARKED, "airflow-worker": "1"}}, "Airflow's executor knows its workers"),
    ({"labels": {**MARKED, "gitops-airflow/endpoint": "mysql"}}, "has the label gitops-airflow/endpoint"),
    ({"serviceAccountName": "airflow-pod-operator"}, "spec.serviceAccountName is not default"),
    ({"serviceAccountName": "airflow-worker"}, "spec.serviceAccountName is not default"),
    ({"automountServiceAccountToken": True}, "spec.automountServiceAccountToken is not false"),
    ({"volumes": [{"name": "kube-api-access", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]}, "asks for a token"),
    ({"hostNetwork": True}, "spec.hostNetwork"),
    ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "spec.volumes[v].hostPath"),
    ({"containers": [{"name": "base", "securityContext": {"privileged": True}}]}, "securityContext.privileged"),
    ({"nodeName": "control-plane"}, "spec.nodeName"),
    *(({"imagePullSecrets": [{"name": name}]}, "spec.imagePullSecrets[].name") for name in ("airflow-mysql", "dags-git-basic")),
    *(
        ({"containers": [{"name": "base", "envFrom": [{"secretRef": {"name": name}}]}]}, "envFrom[].secretRef.name names a Secret")
        for name in sorted(name for _kind, name in pod_fields.WORKERS_OWN)
    ),
    ({"volumes": [{"name": "v", "secret": {"secretName": "airflow-metadata"}}]}, "volumes[].secret.secretName names a Secret"),
    (
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "airflow-fernet-key"}}]}}]},
        "projected.sources[].secret.name names a Secret",
    ),
]


@pytest.mark.parametrize(("attack", "words"), ATTACKS)
def test_f10_a_task_that_leaves_the_cluster_policy_out_gains_nothing(makers: Fence, attack: Obj, words: str) -> None:
    assert makers.said(MAKER, of_task()) == ""
    said = makers.said(MAKER, of_task(**attack))
    assert DENIED in said
    assert words in said
    assert any(f": {step}" in said for step in ("leave", "use"))


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"name": "base", "envFrom": [{"secretRef": {"name": "mine"}}, {"configMapRef": {"name": "mine"}}]}]},
        {"imagePullSecrets": [{"name": "registry"}]},
        {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "audience": "vault.example.com"}}]}}]},
        {"containers": [{"name": "base"}, {"name": "airflow-xcom-sidecar"}], "tolerations": [{"key": "gpu", "operator": "Exists"}]},
    ],
)
def test_f10_what_such_a_pod_may_have(makers: Fence, spec: Obj) -> None:
    assert makers.said(MAKER, of_task(**spec)) == ""


def test_f10_pods_of_others_are_neither_changed_nor_deleted_nor_entered(makers: Fence) -> None:
    worker = pod({"serviceAccountName": "default"}, "maker", name="worker")
    shop = pod({"serviceAccountName": "default"}, "maker", labels={"app": "shop"}, name="shop")
    own = of_task(name="made")
    for item in (worker, shop, own):
        assert makers.create("admin", item, dry=False)[0] == 201
    for name in ("worker", "shop"):
        path = f"/api/v1/namespaces/maker/pods/{name}"
        adopt = {"metadata": {"labels": {**MARKED, "kubernetes_executor": None}}}
        for method, body, content in (("PATCH", adopt, "application/strategic-merge-patch+json"), ("DELETE", {}, "application/json")):
            status, answer = makers.send(MAKER, method, path, body, content)
            assert (status, "is not one that a task made" in answer["message"]) == (422, True), answer
        assert makers.send("admin", "GET", path, {})[0] == 200
    # Without a node every command fails. The policy is asked before.
    for kind, container, allowed in (
        ("exec", "airflow-xcom-sidecar", True),
        ("exec", "base", False),
        ("exec", "", False),
        ("attach", "base", False),
        ("portforward", "", False),
    ):
        named = f"&container={container}" if container else ""
        query = f"ports=80{named}" if kind == "portforward" else f"command=sh&stdout=true{named}"
        path = f"/api/v1/namespaces/maker/pods/made/{kind}?{query}"
        for method in ("GET", "POST"):
            _status, answer = makers.send(MAKER, method, path, {})
            assert ("run commands only in the container airflow-xcom-sidecar" in answer["message"]) is not allowed, (
                kind,
                container,
                answer,
            )
    assert makers.send(MAKER, "DELETE", "/api/v1/namespaces/maker/pods/made", {})[0] == 200
    # The executor goes on as before.
    assert makers.send(SCHEDULER, "DELETE", "/api/v1/namespaces/maker/pods/worker", {})[0] == 200


@pytest.mark.parametrize("place", ["cron", "user"])
def test_f10_in_other_namespaces_of_the_platform_the_same_rules_hold(makers: Fence, place: str) -> None:
    """Should the account be granted pods there by others."""
    assert makers.said(MAKER, of_task(place)) == ""
    assert "spec.serviceAccountName is not default" in makers.said(MAKER, of_task(place, serviceAccountName="airflow-worker"))
    listed: dict[str, Any] = {"containers": [{"name": "base", "envFrom": [{"secretRef": {"name": "airflow-metadata"}}]}]}
    assert "envFrom[].secretRef.name names a Secret" in makers.said(MAKER, of_task(place, **listed))


def test_f10_the_executor_gives_the_token_to_workers_of_the_namespace_alone(makers: Fence, policy: ModuleType) -> None:
    cluster_policy.set_up(policy, **MAKERS["settings"])
    made = identity.worker_pod(annotations={identity.ANNOTATION: "maker"})
    made.spec.containers = [identity.container(image="x")]
    made.spec.init_containers = [k8s.V1Container(name="git-sync-init", image="x")]
    policy.pod_mutation_hook(made)
    item = ApiClient().sanitize_for_serialization(made) | {"apiVersion": "v1", "kind": "Pod"}
    assert makers.said(SCHEDULER, item) == ""
    elsewhere = copy.deepcopy(item)
    elsewhere["metadata"]["namespace"] = "cron"
    assert "spec.serviceAccountName is not airflow-worker" in makers.said(SCHEDULER, elsewhere)
    as_worker = copy.deepcopy(item)
    as_worker["spec"]["serviceAccountName"] = "airflow-worker"
    assert "asks for a token" in makers.said(SCHEDULER, as_worker)
    renamed = copy.deepcopy(item)
    for part in (renamed["spec"]["volumes"][0], renamed["spec"]["containers"][0]["volumeMounts"][0]):
        part["name"] = "mine"
    assert "asks for a token" in makers.said(SCHEDULER, renamed)
    beside = copy.deepcopy(item)
    beside["spec"]["initContainers"][0]["volumeMounts"] = beside["spec"]["containers"][0]["volumeMounts"]
    assert "A container other than base has the volume kube-api-access" in makers.said(SCHEDULER, beside)
