# SPDX-License-Identifier: GPL-3.0-or-later
"""Which namespace a task's pod runs in, and how the pods of that namespace are scheduled.

Airflow imports this as ``airflow_local_settings``. In Airflow 2.6 the namespace in a task's ``executor_config`` has no effect of its own:
the configured ``[kubernetes_executor] namespace`` is merged last (``PodGenerator.construct_pod``). So the policy keeps it in an annotation
as well, and the pod hook moves the pod there. Runs on Python 3.7, which is what ``apache/airflow:2.6.3`` has.
"""

from __future__ import annotations

import copy
import json
from typing import Any

# Airflow takes over every public name unless told which.
__all__ = ["pod_mutation_hook", "task_policy"]

NAMESPACE_ANNOTATION = "gitops-airflow/worker-namespace"
# Namespace -> scheduling of its worker pods (nodeSelector, tolerations, affinity), as in the pod's own specification.
WORKER_NAMESPACES: dict[str, dict[str, Any]] = {}


def configure(worker_namespaces: str) -> None:
    """Take the worker namespaces from the chart's values, as JSON."""
    WORKER_NAMESPACES.clear()
    WORKER_NAMESPACES.update(json.loads(worker_namespaces))


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


def task_policy(task: Any) -> None:
    """Make the namespace that a task asks for hold; refuse the DAG (an import error) where that namespace is not a worker namespace."""
    namespace, override = _pod_override(task)
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
    """Move a worker pod into its namespace and schedule it as that namespace says; what the namespace says wins over the task's own."""
    # Also called for the pods of KubernetesPodOperator: those are the DAG author's.
    if (pod.metadata.labels or {}).get("kubernetes_executor") != "True":
        return
    namespace = (pod.metadata.annotations or {}).get(NAMESPACE_ANNOTATION) or pod.metadata.namespace
    if namespace not in WORKER_NAMESPACES:
        raise ValueError(f"Pod {pod.metadata.name}: {namespace!r} is not a worker namespace")
    pod.metadata.namespace = namespace
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
