# SPDX-License-Identifier: GPL-3.0-or-later
"""Which namespace a task's pod runs in, how the pods of that namespace are scheduled, and what of the platform's own they cannot have.

Airflow imports this as ``airflow_local_settings``. In Airflow 2.6 the namespace in a task's ``executor_config`` has no effect of its own:
the configured ``[kubernetes_executor] namespace`` is merged last (``PodGenerator.construct_pod``). So the policy keeps it in an annotation
as well, and the pod hook moves the pod there. Runs on Python 3.7, which is what ``apache/airflow:2.6.3`` has.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

# Airflow takes over every public name unless told which.
__all__ = ["pod_mutation_hook", "task_policy"]

NAMESPACE_ANNOTATION = "gitops-airflow/worker-namespace"
# Namespace -> scheduling of its worker pods (nodeSelector, tolerations, affinity), as in the pod's own specification.
WORKER_NAMESPACES: dict[str, dict[str, Any]] = {}
# The one account of worker pods. It may do nothing; others of the core namespace may handle pods.
WORKER_ACCOUNT = ["airflow-worker"]
# Secrets of the core namespace that no worker needs (MySQL's root password, every key at once, the admin's password), and MySQL's volume.
PLATFORMS_OWN = {"airflow-admin", "airflow-generated", "airflow-mysql", "data-airflow-mysql-0"}


def configure(worker_namespaces: str, worker_account: str) -> None:
    """Take the worker namespaces, as JSON, and their account from the chart's values."""
    WORKER_NAMESPACES.clear()
    WORKER_NAMESPACES.update(json.loads(worker_namespaces))
    WORKER_ACCOUNT[:] = [worker_account]


def _pod_override(task: Any) -> tuple[str | None, Any]:
    """The namespace that the task asks for, in either form of executor_config, and its pod_override."""
    config = task.executor_config or {}
    override, legacy = config.get("pod_override"), config.get("KubernetesExecutor")
    if override is not None and legacy:
        _reject(task, "has both a pod_override and a KubernetesExecutor entry in its executor_config; only one can hold")
    if legacy:
        from airflow.kubernetes.pod_generator import PodGenerator

        # from_legacy_obj takes entries out of what it is given.
        return legacy.get("namespace"), PodGenerator.from_legacy_obj({"KubernetesExecutor": copy.deepcopy(legacy)})
    metadata = getattr(override, "metadata", None)
    return (metadata.namespace if metadata else None), copy.deepcopy(override)


def _reject(task: Any, reason: str) -> None:
    from airflow.exceptions import AirflowClusterPolicyViolation

    raise AirflowClusterPolicyViolation(f"Task {task.dag_id}.{task.task_id} {reason}.")


def _named(part: Any) -> Iterator[str]:
    """The Secrets and volume claims that a part of a pod refers to: in volumes of any kind, in variables of any container."""
    if isinstance(part, list):
        for item in part:
            yield from _named(item)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in ("secretName", "claimName"):
                yield value
            elif key in ("secret", "secretKeyRef") or key.endswith(("secretRef", "SecretRef")):
                yield (value or {}).get("name")
            yield from _named(value)


def _refusal(spec: Any) -> str | None:
    """What a pod asks for that a worker may not have, with what to do instead; None where there is nothing."""
    if spec is None:
        return None
    from kubernetes.client import ApiClient

    wanted = ApiClient().sanitize_for_serialization(spec)
    for account in (wanted.get("serviceAccountName"), wanted.get("serviceAccount")):
        if account and account != WORKER_ACCOUNT[0]:
            return f"asks for the service account {account!r}; worker pods run as {WORKER_ACCOUNT[0]!r}: leave service_account_name out"
    projected = [source for volume in wanted.get("volumes") or [] for source in (volume.get("projected") or {}).get("sources") or []]
    # With an audience it is for somebody else, such as a vault.
    for_the_api = [source for source in projected if "serviceAccountToken" in source and not source["serviceAccountToken"].get("audience")]
    if wanted.get("automountServiceAccountToken") or for_the_api:
        return "asks for a token of the Kubernetes API, which worker pods do not get: leave it out"
    own = sorted(PLATFORMS_OWN & set(_named(wanted)))
    if own:
        return f"refers to {own[0]!r}, which is the platform's own: use a Secret or volume claim of your own in the worker namespace"
    return None


def task_policy(task: Any) -> None:
    """Make the namespace that a task asks for hold.

    Refuse the DAG (an import error) where that is not a worker namespace, or where the task asks for what a worker may not have.
    """
    namespace, override = _pod_override(task)
    refusal = _refusal(getattr(override, "spec", None))
    if refusal:
        _reject(task, refusal)
    if not namespace:
        return
    if namespace not in WORKER_NAMESPACES:
        _reject(task, f"asks for namespace {namespace!r}; worker namespaces are {', '.join(sorted(WORKER_NAMESPACES))}")
    from kubernetes.client import models as k8s

    override.metadata = override.metadata or k8s.V1ObjectMeta()
    # The namespace here is what Airflow uses to find the pod again (logs, queued tasks that got stuck).
    override.metadata.namespace = namespace
    override.metadata.annotations = dict(override.metadata.annotations or {}, **{NAMESPACE_ANNOTATION: namespace})
    config = {key: value for key, value in task.executor_config.items() if key != "KubernetesExecutor"}
    config["pod_override"] = override
    if hasattr(task, "partial_kwargs"):  # a mapped operator, whose executor_config only reads these
        task.partial_kwargs["executor_config"] = config
    else:
        task.executor_config = config


def pod_mutation_hook(pod: Any) -> None:
    """Move a worker pod into its namespace and schedule it as that namespace says; what the namespace says wins over the task's own.

    Whatever the policy has or has not seen, the pod runs as the workers' account, without its token and without what is the platform's own.
    """
    # Also called for the pods of KubernetesPodOperator: those are the DAG author's.
    if (pod.metadata.labels or {}).get("kubernetes_executor") != "True":
        return
    namespace = (pod.metadata.annotations or {}).get(NAMESPACE_ANNOTATION) or pod.metadata.namespace
    if namespace not in WORKER_NAMESPACES:
        raise ValueError(f"Pod {pod.metadata.name}: {namespace!r} is not a worker namespace")
    pod.metadata.namespace = namespace
    pod.spec.service_account_name, pod.spec.service_account = WORKER_ACCOUNT[0], None
    pod.spec.automount_service_account_token = False
    refusal = _refusal(pod.spec)
    if refusal:
        raise ValueError(f"Pod {pod.metadata.name} {refusal}")
    if not WORKER_NAMESPACES[namespace]:
        return
    from airflow.kubernetes.pod_generator import PodGenerator

    wanted = PodGenerator.deserialize_model_dict({"spec": dict(WORKER_NAMESPACES[namespace], containers=[])}).spec
    pod.spec.node_selector = dict(pod.spec.node_selector or {}, **(wanted.node_selector or {}))
    own = pod.spec.tolerations or []
    pod.spec.tolerations = own + [toleration for toleration in wanted.tolerations or [] if toleration not in own]
    if wanted.affinity:
        # The chart's pod template says "affinity: {}", which is an object without rules, not None.
        pod.spec.affinity = pod.spec.affinity or wanted.affinity
        for rules in ("node_affinity", "pod_affinity", "pod_anti_affinity"):
            if getattr(wanted.affinity, rules):
                setattr(pod.spec.affinity, rules, getattr(wanted.affinity, rules))
