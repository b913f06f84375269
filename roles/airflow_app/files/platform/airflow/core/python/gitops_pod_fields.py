# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a pod, each with the rule for pods of tasks.

A field that no table here has is refused: a field of a later version of Kubernetes needs a decision here first. The cluster policy reads
the tables inside of Airflow, and the collection makes its admission policy of them (_platform/pod_cel.py).

The limits on the node are the Pod Security Standard ``baseline`` as of Kubernetes 1.34, whatever the namespace enforces:
https://kubernetes.io/docs/concepts/security/pod-security-standards/
Pods are dictionaries in the form of the Kubernetes API. Python 3.7 reads this file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

ANY = None  # the rule of a field that may have any value


@dataclass(frozen=True)
class Rule:
    """Which values a field may have. ``reason`` and ``instead`` (what to do) end the message about others.

    ``cel``: the same for the admission policy, with ``{v}`` for the value. ``named_by``: fields by which dictionaries differ.
    """

    allows: Callable[[Any], bool]
    reason: str
    instead: str = "leave it out"
    cel: str = "false"
    named_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Each:
    """A list. Each item follows one rule or table."""

    item: Any


@dataclass(frozen=True)
class Asked:
    """A field that a pod may not have like this."""

    path: str
    value: str
    rule: Rule

    @property
    def key(self) -> tuple[str, str]:
        return self.path, self.value


def _none_of(reason: str, instead: str = "leave it out", *named_by: str) -> Rule:
    return Rule(lambda value: False, reason, instead, named_by=named_by)


def _one_of(reason: str, *values: Any) -> Rule:
    listed = ", ".join(repr(value) for value in values if value)
    return Rule(lambda value: value in values, reason, f"leave it out, or use one of {listed}", "{v} in " + json.dumps(values))


def _only(value: Any, reason: str) -> Rule:
    return Rule(lambda given: given == value and type(given) is type(value), reason, cel="{v} == " + json.dumps(value))


NODE = "a task's pod gets nothing of its node (Pod Security baseline)"
OFF = _only(False, NODE)
UNKNOWN = _none_of("the platform has no rule for this field, so tasks may not use it")
MALFORMED = _none_of("this is not the form of the Kubernetes API", "use the form of the API reference")
COPY = _none_of("a new volume must not start as a copy of another one's data", "use a volume claim of your own", "kind", "name")
HIGHEST_PRIORITY = 1000000000  # above it are the classes of Kubernetes itself
OWN_TAINTS = ("node-role.kubernetes.io/", "node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
# Kubernetes gives every pod tolerations of these; people change for how long.
USUAL_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def _is_usual_toleration(value: Any) -> bool:
    key = value.get("key") if isinstance(value, dict) else None
    return bool(key) and (key in USUAL_TAINTS or not str(key).startswith(OWN_TAINTS))


TOLERATION = Rule(
    _is_usual_toleration,
    "a task's pod tolerates taints by key, and not those by which Kubernetes keeps pods off a node",
    "leave it out, or ask the platform's operator for tolerations in platform_worker_namespaces",
    'has({v}.key) && {v}.key != "" && ({v}.key in '
    + json.dumps(USUAL_TAINTS)
    + " || !"
    + json.dumps(OWN_TAINTS)
    + ".exists(taint, {v}.key.startsWith(taint)))",
    ("key", "operator", "value", "effect", "tolerationSeconds"),
)

SELINUX = {
    "level": ANY,
    "role": _only("", NODE),
    "type": _one_of(NODE, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"),
    "user": _only("", NODE),
}
PROFILE = {"localhostProfile": ANY, "type": _one_of(NODE, "RuntimeDefault", "Localhost")}
WINDOWS = dict.fromkeys(("gmsaCredentialSpec", "gmsaCredentialSpecName", "runAsUserName"), ANY)
# Fields of the security context of a pod and of a container.
SECURITY = {
    **dict.fromkeys(("runAsGroup", "runAsNonRoot", "runAsUser"), ANY),
    "appArmorProfile": PROFILE,
    "seLinuxOptions": SELINUX,
    "seccompProfile": PROFILE,
    "windowsOptions": {**WINDOWS, "hostProcess": OFF},
}
SYSCTLS = (
    "kernel.shm_rmid_forced",
    *("net.ipv4." + name for name in ("ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start", "ping_group_range")),
    *(
        "net.ipv4.tcp_" + name
        for name in ("fin_timeout", "keepalive_intvl", "keepalive_probes", "keepalive_time", "rmem", "syncookies", "wmem")
    ),
)
POD_SECURITY = {
    **SECURITY,
    **dict.fromkeys(("fsGroup", "fsGroupChangePolicy", "seLinuxChangePolicy", "supplementalGroups", "supplementalGroupsPolicy"), ANY),
    "sysctls": Each({"name": _one_of(NODE, *SYSCTLS), "value": ANY}),
}
CAPABILITIES: tuple[str, ...] = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
)
CAPABILITIES += ("SETPCAP", "SETUID", "SYS_CHROOT")
CONTAINER_SECURITY = {
    **SECURITY,
    **dict.fromkeys(("allowPrivilegeEscalation", "readOnlyRootFilesystem"), ANY),
    "capabilities": {"add": Each(_one_of(NODE, *CAPABILITIES)), "drop": ANY},
    "privileged": OFF,
    "procMount": _one_of(NODE, "Default"),
}
# The kubelet sends these requests, from the node.
HOST = _only("", "probes and hooks go to the pod itself (Pod Security baseline)")
ACTION = {
    **dict.fromkeys(("exec", "grpc", "sleep"), ANY),
    "httpGet": {**dict.fromkeys(("httpHeaders", "path", "port", "scheme"), ANY), "host": HOST},
    "tcpSocket": {"port": ANY, "host": HOST},
}
TIMES = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold", "terminationGracePeriodSeconds")
PROBE = {**ACTION, **dict.fromkeys(TIMES, ANY)}
CONTAINER = {
    **dict.fromkeys(
        ("args", "command", "env", "envFrom", "image", "imagePullPolicy", "name", "resizePolicy", "resources", "workingDir"), ANY
    ),
    **dict.fromkeys(("restartPolicy", "restartPolicyRules", "stdin", "stdinOnce", "targetContainerName", "terminationMessagePath"), ANY),
    **dict.fromkeys(("terminationMessagePolicy", "tty", "volumeDevices", "volumeMounts"), ANY),
    **dict.fromkeys(("livenessProbe", "readinessProbe", "startupProbe"), PROBE),
    "lifecycle": {"postStart": ACTION, "preStop": ACTION, "stopSignal": ANY},
    "ports": Each({**dict.fromkeys(("containerPort", "hostIP", "name", "protocol"), ANY), "hostPort": _only(0, NODE)}),
    "securityContext": CONTAINER_SECURITY,
}
CLAIM_SPEC = dict.fromkeys(("accessModes", "resources", "selector", "storageClassName", "volumeAttributesClassName", "volumeMode"), ANY)
VOLUME = {
    # What the standard "restricted" allows as well. Projected tokens: see gitops_pod_rules.
    **dict.fromkeys(("configMap", "csi", "downwardAPI", "emptyDir", "name", "persistentVolumeClaim", "secret"), ANY),
    "projected": {
        "defaultMode": ANY,
        "sources": Each(dict.fromkeys(("clusterTrustBundle", "configMap", "downwardAPI", "secret", "serviceAccountToken"), ANY)),
    },
    "ephemeral": {
        "volumeClaimTemplate": {
            "metadata": ANY,
            "spec": {
                **CLAIM_SPEC,
                "dataSource": COPY,
                "dataSourceRef": COPY,
                "volumeName": _none_of("a new volume is not bound to one that exists", "use a volume claim of your own"),
            },
        }
    },
    # Storage outside of the node, which "restricted" refuses.
    **dict.fromkeys(("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flocker", "gcePersistentDisk"), ANY),
    **dict.fromkeys(("glusterfs", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO"), ANY),
    **dict.fromkeys(("image", "storageos", "vsphereVolume"), ANY),
    "flexVolume": _none_of("it runs a program on the node", "use a volume claim", "driver"),
    "gitRepo": _none_of("the node would run Git with a repository's own hooks", "clone in an init container", "repository"),
    "hostPath": _none_of(NODE, "use an emptyDir or a volume claim", "path"),
}
POD: dict[str, Any] = {
    # The pod's own matters, and where it runs among the nodes that it may use.
    **dict.fromkeys(("activeDeadlineSeconds", "affinity", "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases", "hostUsers"), ANY),
    **dict.fromkeys(("hostname", "hostnameOverride", "imagePullSecrets", "nodeSelector", "os", "overhead", "preemptionPolicy"), ANY),
    **dict.fromkeys(("readinessGates", "resourceClaims", "resources", "restartPolicy", "schedulingGates", "setHostnameAsFQDN"), ANY),
    **dict.fromkeys(("shareProcessNamespace", "subdomain", "terminationGracePeriodSeconds", "topologySpreadConstraints"), ANY),
    # Classes and schedulers that the cluster's administrator offers to every pod.
    **dict.fromkeys(("runtimeClassName", "schedulerName"), ANY),
    # A worker's account and token: see gitops_pod_rules.
    **dict.fromkeys(("automountServiceAccountToken", "serviceAccount", "serviceAccountName"), ANY),
    **dict.fromkeys(("containers", "initContainers", "ephemeralContainers"), Each(CONTAINER)),
    **dict.fromkeys(("hostIPC", "hostNetwork", "hostPID"), OFF),
    "nodeName": _none_of("the scheduler chooses the node, and nodeName evades taints", "use node_selector or affinity"),
    # Before the number, which Kubernetes fills in.
    "priorityClassName": Rule(
        lambda value: not str(value).startswith("system-"),
        "classes that begin with system- are for Kubernetes itself",
        cel='!{v}.startsWith("system-")',
    ),
    "priority": Rule(
        lambda value: isinstance(value, int) and value <= HIGHEST_PRIORITY,
        "that range is for Kubernetes itself",
        cel=f"{{v}} <= {HIGHEST_PRIORITY}",
    ),
    "securityContext": POD_SECURITY,
    "tolerations": Each(TOLERATION),
    "volumes": Each(VOLUME),
}
# Secrets that no worker needs (MySQL's root password, every key at once, the admin's password), and MySQL's volume, wherever a task runs.
PLATFORMS_OWN = {("Secret", name) for name in ("airflow-admin", "airflow-generated", "airflow-mysql")} | {("claim", "data-airflow-mysql-0")}
# Secrets that every worker's pod has: the database, the keys, the store of task logs, the DAG repository. No other pod needs them.
WORKERS_OWN = {
    ("Secret", name)
    for name in (
        "airflow-metadata",
        "airflow-fernet-key",
        "airflow-task-logs",
        "airflow-webserver-secret-key",
        "dags-git-basic",
        "dags-git-ssh",
    )
}
# What the chart lists for tasks, by the kind of a reference.
KINDS = {"secrets": "Secret", "configMaps": "ConfigMap", "claims": "claim"}
# Labels and annotations by which the platform and Argo CD know their own.
RESERVED_PREFIXES = ("gitops-airflow/", "argocd.argoproj.io/")
RESERVED_LABELS: tuple[str, ...] = ("app.kubernetes.io/instance", "pod-template-hash", "controller-revision-hash")
RESERVED_LABELS += ("statefulset.kubernetes.io/pod-name",)
# By these alone a Job takes a pod for its own, and counts its success.
RESERVED_LABELS += ("controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name")
# By these Airflow's executor knows the pods of its workers.
EXECUTOR_LABELS = ("kubernetes_executor", "airflow-worker")
# In a namespace with pod_operator, workers run as this account, and with its token make pods with these labels that run as that account.
POD_OPERATOR, OPERATOR_LABELS, OPERATOR_PODS_ACCOUNT = "airflow-pod-operator", {"tier": "airflow", "component": "pod-operator"}, "default"
# The volume with the token, and the container that has it.
TOKEN_VOLUME, TOKEN_FOLDER, TOKEN_CONTAINER = "kube-api-access", "/var/run/secrets/kubernetes.io/serviceaccount", "base"
# Of KubernetesPodOperator, beside people's own container. It holds the task's result, which the worker reads by a command in it.
XCOM_SIDECAR = "airflow-xcom-sidecar"
# Annotations of Kubernetes before 1.30 and 1.27, by what they begin with.
ANNOTATIONS = {
    "container.apparmor.security.beta.kubernetes.io/": ("", "runtime/default"),
    "seccomp.security.alpha.kubernetes.io/": ("runtime/default", "docker/default"),
    "container.seccomp.security.alpha.kubernetes.io/": ("runtime/default", "docker/default"),
}


def asked(value: Any, rule: Any, path: str) -> Iterator[Asked]:
    """The fields of a part of a pod that its rule does not allow."""
    if rule is ANY or value is None:
        return
    if isinstance(rule, Rule):
        if not rule.allows(value):
            yield Asked(path, json.dumps(value, sort_keys=True, default=str), rule)
    elif not isinstance(value, (list, tuple) if isinstance(rule, Each) else dict):
        yield Asked(path, json.dumps(value, default=str), MALFORMED)
    elif isinstance(rule, Each):
        for number, item in enumerate(value):
            name = (item.get("name") or item.get("key")) if isinstance(item, dict) else None
            yield from asked(item, rule.item, f"{path}[{name or number}]")
    else:
        for key, item in value.items():
            yield from asked(item, rule.get(key, UNKNOWN), f"{path}.{key}")


def asked_by_pod(pod: dict[str, Any]) -> Iterator[Asked]:
    """The fields and annotations that the pod may not have like this."""
    yield from asked(pod.get("spec") or {}, POD, "spec")
    for key, value in ((pod.get("metadata") or {}).get("annotations") or {}).items():
        for prefix, values in ANNOTATIONS.items():
            if key.startswith(prefix) and not str(value).startswith("localhost/"):
                yield from asked(value, _one_of(NODE, *values), f"metadata.annotations[{key}]")


def references(part: Any) -> Iterator[tuple[str, str]]:
    """The Secrets, ConfigMaps and volume claims that a part of a pod refers to, as (kind, name).

    In volumes of any kind, in variables of any container, or for pulling images.
    """
    if isinstance(part, (list, tuple)):
        for item in part:
            yield from references(item)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "secretName":
                yield "Secret", value
            elif key == "claimName":
                yield "claim", value
            elif key == "imagePullSecrets":
                yield from (("Secret", reference.get("name")) for reference in value or [])
            elif isinstance(value, dict) and "name" in value:
                if key in ("secret", "secretKeyRef") or key.endswith(("secretRef", "SecretRef")):
                    yield "Secret", value["name"]
                elif key in ("configMap", "configMapKeyRef", "configMapRef"):
                    yield "ConfigMap", value["name"]
            yield from references(value)
