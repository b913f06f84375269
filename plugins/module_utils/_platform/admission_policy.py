# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster policy as a ValidatingAdmissionPolicy, which the API server enforces (D2). Pure: limits in, objects out.

Code at module level of a DAG file can take the scheduler's token and leave the cluster policy out. It cannot leave this out. It holds for
the accounts of Airflow alone: those that start workers (*strict*: a worker's account, no token, only listed Secrets), the workers' own,
which may have been granted pods for a KubernetesPodOperator (the rules for fields and labels), and the one of namespaces with pod_operator
(*operator*: pods with its labels alone, without a token and the platform's Secrets; docs/adr/0023-pod-operator.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.gitops.airflow.plugins.module_utils._platform import pod_cel, pod_fields
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_cel import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_fields import RESERVED_LABELS, RESERVED_PREFIXES

GROUP = "admissionregistration.k8s.io"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
PLURALS = {POLICY: "validatingadmissionpolicies", BINDING: "validatingadmissionpolicybindings"}
# The newest first. v1alpha1 has no variables.
VERSIONS = ("v1", "v1beta1")
# By what Services know pods: see airflow_local_settings.py.
WORKER_LABELS = ("tier", "component", "release")
# What the account of namespaces with pod_operator does beside: commands in pods, and what its Role does not give.
CONNECTIONS = ("pods/attach", "pods/exec", "pods/portforward")
# Where a volume names a Secret.
VOLUME_SECRETS = (
    "secret.secretName",
    "azureFile.secretName",
    "csi.nodePublishSecretRef.name",
    *(f"{kind}.secretRef.name" for kind in ("cephfs", "cinder", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos")),
)


@dataclass(frozen=True)
class Limits:
    """What the cluster policy says, or will say.

    ``references``: what a task's pod in the core namespace may name, as (kind, name). ``exceptions``: what pods of all namespaces may have
    beside the rules, as :func:`pod_cel.exceptions` has it; ``scheduling``: those of one namespace alone. ``operators``: namespaces whose
    tasks may make pods there.
    """

    core: str
    accounts: frozenset[str] = frozenset({"airflow-worker"})
    releases: frozenset[str] = frozenset({"airflow-core"})
    namespaces: frozenset[str] = frozenset()
    core_open: bool = True
    references: frozenset[tuple[str, str]] = frozenset()
    audiences: frozenset[str] = frozenset()
    exceptions: frozenset[str] = frozenset()
    scheduling: Mapping[str, frozenset[str]] = field(default_factory=dict)
    operators: frozenset[str] = frozenset()

    def __or__(self, other: Limits) -> Limits:
        """What one of the two allows: no worker is refused while the cluster policy changes from one to the other."""
        names = {*self.scheduling, *other.scheduling}
        empty: frozenset[str] = frozenset()
        return Limits(
            self.core,
            self.accounts | other.accounts,
            self.releases | other.releases,
            self.namespaces | other.namespaces,
            self.core_open or other.core_open,
            self.references | other.references,
            self.audiences | other.audiences,
            self.exceptions | other.exceptions,
            {name: self.scheduling.get(name, empty) | other.scheduling.get(name, empty) for name in names},
            self.operators | other.operators,
        )


def object_name(platform: str) -> str:
    """The name of the policy and of its binding."""
    return f"gitops-airflow-{platform}-workers"


def objects(platform: str, version: str, starters: Iterable[str], limits: Limits) -> list[Obj]:
    """The policy and its binding.

    ``version``: of the group, such as v1. ``starters``: the accounts of the core namespace that start workers.
    """
    name, core = object_name(platform), limits.core
    strict = sorted(f"system:serviceaccount:{core}:{account}" for account in starters)
    namespaces = sorted({*limits.namespaces, core})
    workers = sorted(f"system:serviceaccount:{place}:{account}" for place in namespaces for account in limits.accounts)
    operators = sorted(f"system:serviceaccount:{place}:{pod_fields.POD_OPERATOR}" for place in limits.operators)
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces}]},
            "resourceRules": [
                _resources(["CREATE", "UPDATE"], ["pods", "pods/ephemeralcontainers"]),
                *([_resources(["DELETE"], ["pods"]), _resources(["CONNECT"], CONNECTIONS)] if operators else []),
            ],
        },
        "matchConditions": [{"name": "airflow", "expression": _concerns([*strict, *workers], operators)}],
        "variables": [{"name": name, "expression": text} for name, text in _variables(strict, operators, limits).items()],
        "validations": [*_metadata(limits), *_identity(limits), *_operator(limits), *_references(), *pod_cel.rules()],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    api = f"{GROUP}/{version}"
    return [
        {"apiVersion": api, "kind": POLICY, "metadata": {"name": name}, "spec": spec},
        {"apiVersion": api, "kind": BINDING, "metadata": {"name": name}, "spec": binding},
    ]


def _resources(operations: Iterable[str], resources: Iterable[str]) -> Obj:
    place = {"apiGroups": [""], "apiVersions": ["v1"], "scope": "Namespaced"}
    return {**place, "operations": list(operations), "resources": list(resources)}


def _concerns(others: Iterable[str], operators: Sequence[str]) -> str:
    """Whose requests are judged: the operators' all, of others what writes a pod."""
    user = "request.userInfo.username"
    if not operators:
        return f"{user} in {_list(others)}"
    return f'{user} in {_list(operators)} || (request.operation in ["CREATE", "UPDATE"] && {user} in {_list(others)})'


def _list(texts: Iterable[str]) -> str:
    return json.dumps(sorted(texts))


def _variables(strict: Iterable[str], operators: Iterable[str], limits: Limits) -> dict[str, str]:
    more = {name: sorted(found) for name, found in sorted(limits.scheduling.items()) if found}
    optional = " + ".join(f"(has(object.spec.{kind}) ? object.spec.{kind} : [])" for kind in pod_cel.CONTAINERS)
    found = {
        "strict": f"request.userInfo.username in {_list(strict)}",
        "operator": f"request.userInfo.username in {_list(operators)}",
        # Otherwise there is no pod to judge: one is deleted, or connected to.
        "written": 'request.operation in ["CREATE", "UPDATE"]',
        "core": f"request.namespace == {json.dumps(limits.core)}",
        # Of a pod that exists, its fields are judged where they change: one of an earlier version of the platform goes on.
        "judged": "variables.written && (oldObject == null || object.spec != oldObject.spec)",
        "containers": optional,
        "volumes": "has(object.spec.volumes) ? object.spec.volumes : []",
        "labels": "variables.written && has(object.metadata.labels) ? object.metadata.labels : {}",
        "before": "oldObject != null && has(oldObject.metadata.labels) ? oldObject.metadata.labels : {}",
        "exceptions": _list(limits.exceptions),
    }
    for name, text in more.items():
        found["exceptions"] += f" + (request.namespace == {json.dumps(name)} ? {json.dumps(text)} : [])"
    for kind, variable in (("Secret", "secrets"), ("ConfigMap", "config_maps"), ("claim", "claims")):
        own = sorted(name for of, name in pod_fields.PLATFORMS_OWN if of == kind)
        found[variable] = _list(name for of, name in limits.references if of == kind and name not in own)
        found[f"own_{variable}"] = json.dumps(own)
    found["own_secrets"] += f" + (variables.operator ? {_list({name for _kind, name in pod_fields.WORKERS_OWN})} : [])"
    return found


def _metadata(limits: Limits) -> Iterator[Obj]:
    for key, values in (
        ("tier", ["airflow"]),
        ("component", ["worker"]),
        ("release", sorted(limits.releases)),
        ("kubernetes_executor", ["True"]),
    ):
        yield {
            "expression": f'!variables.strict || ("{key}" in variables.labels && variables.labels["{key}"] in {json.dumps(values)})',
            "message": f"The pod needs the label {key}={values[0]}: Airflow starts pods of tasks only. Let the cluster policy set it.",
        }
    yield {
        "expression": "!variables.strict || oldObject == null || (has(oldObject.metadata.labels) && "
        '"component" in oldObject.metadata.labels && oldObject.metadata.labels["component"] == "worker")',
        "message": "The pod is not a task's (label component=worker), so Airflow may not change it: leave it as it is.",
    }
    reserved = f"k in {json.dumps(RESERVED_LABELS)} || {json.dumps(RESERVED_PREFIXES)}.exists(p, k.startsWith(p))"
    mine = f"(!variables.strict && !variables.operator && k in {json.dumps(WORKER_LABELS)})"
    yield {
        "expression": f"variables.labels.all(k, !({reserved} || {mine}))",
        "message": "The pod has a label in metadata.labels by which the platform, Argo CD or Kubernetes knows its own pods: leave it out.",
        "messageExpression": f'"The pod has the label " + variables.labels.filter(k, {reserved} || {mine})[0] + " in metadata.labels, '
        'by which the platform, Argo CD or Kubernetes knows its own pods: leave it out."',
    }
    for key in ("ownerReferences", "finalizers"):
        yield {
            "expression": f"!variables.written || !has(object.metadata.{key}) || object.metadata.{key}.size() == 0",
            "message": f"The pod has metadata.{key}, which a task's pod does not get: leave them out.",
        }
    notes = "!has(object.metadata.annotations) || object.metadata.annotations"
    yield {
        "expression": f'!variables.written || {notes}.all(k, !k.startsWith("argocd.argoproj.io/"))',
        "message": "The pod has an annotation of Argo CD (argocd.argoproj.io/) in metadata.annotations: leave it out.",
    }
    for prefix, allowed in pod_fields.ANNOTATIONS.items():
        value = "object.metadata.annotations[k]"
        exception = f'("metadata.annotations[" + k + "]=" + {value}) in variables.exceptions'
        yield {
            "expression": f"!variables.judged || {notes}.all(k, !k.startsWith({json.dumps(prefix)}) || {value} in {json.dumps(allowed)} || "
            f'{value}.startsWith("localhost/") || {exception})',
            "message": f"The pod asks for metadata.annotations[{prefix}…]; {pod_fields.NODE}: leave it out.",
        }
    if not limits.core_open:
        yield {
            "expression": "!variables.strict || !variables.core || oldObject != null",
            "message": f"Tasks do not run in the namespace {limits.core} (airflow_app_core_tasks): use another worker namespace.",
        }


def _identity(limits: Limits) -> Iterator[Obj]:
    skip, spec = "!variables.strict || !variables.judged || ", "object.spec"
    accounts = ", ".join(sorted(limits.accounts))
    here = _of_operators(limits)
    yield {
        "expression": f"{skip}(has({spec}.serviceAccountName) && ({spec}.serviceAccountName in {_list(limits.accounts)} || {here}))",
        "message": f"The pod's spec.serviceAccountName is not {accounts}, as which worker pods run: leave service_account_name out.",
    }
    skip = "!(variables.strict || variables.operator) || !variables.judged || "
    yield {
        "expression": f"{skip}(has({spec}.automountServiceAccountToken) && !{spec}.automountServiceAccountToken)",
        "message": "The pod's spec.automountServiceAccountToken is not false, and pods of tasks get no token of the Kubernetes API: leave "
        "automount_service_account_token out, so that the cluster policy sets it.",
    }
    token, volume = "s.serviceAccountToken", json.dumps(pod_fields.TOKEN_VOLUME)
    # The worker's own token, in the volume that the cluster policy adds. An audience that is not set becomes the API server's only later.
    own = f'(variables.strict && {here} && v.name == {volume} && (!has({token}.audience) || {token}.audience == ""))'
    yield {
        "expression": f"{skip}variables.volumes.all(v, !has(v.projected) || !has(v.projected.sources) || v.projected.sources.all(s, "
        f"!has({token}) || (has({token}.audience) && {token}.audience in {_list(limits.audiences)}) || {own}))",
        "message": "The pod asks for a token in spec.volumes[].projected.sources[].serviceAccountToken whose audience is not listed for "
        "tasks: leave it out, or ask the platform's operator to add its audience to airflow_app_task_token_audiences.",
    }
    base = json.dumps(pod_fields.TOKEN_CONTAINER)
    yield {
        "expression": f"!variables.strict || !variables.judged || !({here}) || variables.containers.all(c, c.name == {base} || "
        f"!has(c.volumeMounts) || c.volumeMounts.all(m, m.name != {volume}))",
        "message": f"A container other than {pod_fields.TOKEN_CONTAINER} has the volume {pod_fields.TOKEN_VOLUME}, the token of the "
        "Kubernetes API, in spec.containers[].volumeMounts: leave it out.",
    }


def _of_operators(limits: Limits) -> str:
    """Whether the pod is a worker's with the account that may make pods."""
    account = f"object.spec.serviceAccountName == {json.dumps(pod_fields.POD_OPERATOR)}"
    return f"(request.namespace in {_list(limits.operators)} && has(object.spec.serviceAccountName) && {account})"


def _operator(limits: Limits) -> Iterator[Obj]:
    """What pods the account of namespaces with pod_operator makes, changes, deletes and runs commands in."""
    if not limits.operators:
        return
    wanted = {key: [value] for key, value in pod_fields.OPERATOR_LABELS.items()} | {"release": sorted(limits.releases)}
    for key, values in wanted.items():
        yield {
            "expression": f'!variables.operator || !variables.written || ("{key}" in variables.labels && '
            f'variables.labels["{key}"] in {json.dumps(values)})',
            "message": f"A pod that a task makes needs the label {key}={values[0]}: use KubernetesPodOperator, for whose pods the cluster "
            "policy sets it.",
        }
    executors = json.dumps(pod_fields.EXECUTOR_LABELS)
    yield {
        "expression": f"!variables.operator || variables.labels.all(k, !(k in {executors}))",
        "message": f"The pod has a label by which Airflow's executor knows its workers ({', '.join(pod_fields.EXECUTOR_LABELS)}): "
        "leave it out.",
    }
    component = pod_fields.OPERATOR_LABELS["component"]
    yield {
        "expression": '!variables.operator || oldObject == null || ("component" in variables.before && '
        f'variables.before["component"] == "{component}")',
        "message": f"The pod is not one that a task made (label component={component}), so no task may change or delete it: "
        "leave it as it is.",
    }
    account = json.dumps(pod_fields.OPERATOR_PODS_ACCOUNT)
    yield {
        "expression": "!variables.operator || !variables.judged || !has(object.spec.serviceAccountName) || "
        f"object.spec.serviceAccountName == {account}",
        "message": f"The pod's spec.serviceAccountName is not {pod_fields.OPERATOR_PODS_ACCOUNT}, as which pods that tasks make run: leave "
        "service_account_name out.",
    }
    yield {
        "expression": '!variables.operator || request.operation != "CONNECT" || '
        f"(has(object.container) && object.container == {json.dumps(pod_fields.XCOM_SIDECAR)})",
        "message": f"Tasks of this namespace run commands only in the container {pod_fields.XCOM_SIDECAR}, which has the result of a pod "
        "that a task made: use do_xcom_push.",
    }


def _chain(root: str, path: str, condition: str) -> str:
    """The condition, if there is something at the path; ``{}`` in it is what is there."""
    parts = path.split(".")
    places = [".".join((root, *parts[: number + 1])) for number in range(len(parts))]
    return "(" + " || ".join([*(f"!has({place})" for place in places), condition.replace("{}", places[-1])]) + ")"


def _references() -> Iterator[Obj]:
    """Every way to a Secret, a ConfigMap or a volume claim: the same as pod_fields.references finds."""
    for kind, variable in (("Secret", "secrets"), ("ConfigMap", "config_maps"), ("claim", "claims")):
        allowed = f"(variables.core ? {{}} in variables.{variable} : !({{}} in variables.own_{variable}))"
        for path, expression in _places(kind, allowed):
            yield {
                "expression": f"!(variables.strict || variables.operator) || !variables.judged || {expression}",
                "message": f"The pod's {path} names a {kind} that is not listed for tasks of this namespace, or is the platform's own: use "
                f"one of your own in another worker namespace, or ask the platform's operator to add it to airflow_app_task_{variable}.",
            }


def _places(kind: str, allowed: str) -> Iterator[tuple[str, str]]:
    def volumes(path: str) -> tuple[str, str]:
        return f"spec.volumes[].{path}", f"variables.volumes.all(v, {_chain('v', path, allowed)})"

    if kind == "claim":
        yield volumes("persistentVolumeClaim.claimName")
        return
    own, reference, key, every = (
        ("secret", "secretRef", "secretKeyRef", VOLUME_SECRETS)
        if kind == "Secret"
        else ("configMap", "configMapRef", "configMapKeyRef", ("configMap.name",))
    )
    for path in every:
        yield volumes(path)
    source = _chain("s", f"{own}.name", allowed)
    yield (
        f"spec.volumes[].projected.sources[].{own}.name",
        f"variables.volumes.all(v, !has(v.projected) || !has(v.projected.sources) || v.projected.sources.all(s, {source}))",
    )
    for field_name, path in (("env", f"valueFrom.{key}.name"), ("envFrom", f"{reference}.name")):
        yield (
            f"spec.containers[].{field_name}[].{path}",
            f"variables.containers.all(c, !has(c.{field_name}) || c.{field_name}.all(e, {_chain('e', path, allowed)}))",
        )
    if kind == "Secret":
        pulls = "object.spec.imagePullSecrets"
        yield "spec.imagePullSecrets[].name", f"(!has({pulls}) || {pulls}.all(i, {_chain('i', 'name', allowed)}))"
