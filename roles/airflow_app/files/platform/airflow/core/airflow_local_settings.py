# SPDX-License-Identifier: GPL-3.0-or-later
"""Which namespace a task's pod runs in and on which nodes. What it may have: ``gitops_pod_rules``. What it gets: ``gitops_pod_profile``.

Airflow imports this as ``airflow_local_settings``. In Airflow 2.6 the namespace in a task's ``executor_config`` has no effect of its own:
the configured ``[kubernetes_executor] namespace`` is merged last (``PodGenerator.construct_pod``). So the policy keeps it in an annotation
as well, and the pod hook moves the pod there. Runs on Python 3.7, which is what ``apache/airflow:2.6.3`` has.
"""

from __future__ import annotations

import atexit
import copy
import json
import multiprocessing.util
import os
import sys
from typing import Any

from gitops_pod_fields import (
    EXECUTOR_LABELS,
    KINDS,
    OPERATOR_LABELS,
    RESERVED_LABELS,
    RESERVED_PREFIXES,
    TOKEN_CONTAINER,
    TOKEN_FOLDER,
    TOKEN_VOLUME,
    references,
)
from gitops_pod_profile import Platform, give, platform_of
from gitops_pod_rules import Limits, fill_restricted, keys_of, refusal

# Airflow takes over every public name unless told which.
__all__ = ["pod_mutation_hook", "task_policy"]

NAMESPACE_ANNOTATION = "gitops-airflow/worker-namespace"
# Namespace -> profile of its worker pods (nodes, classes, resources, image), as a part of the pod's own specification.
WORKER_NAMESPACES: dict[str, dict[str, Any]] = {}
# Where a task's pod runs that names no namespace.
DEFAULT_NAMESPACE = [""]
# What else the chart says; one object, filled by configure().
LIMITS = Limits()
# What every worker's pod has before its namespace's profile; one object, too.
PLATFORM = Platform()
# What Services, ReplicaSets and StatefulSets of the platform select pods by. A worker's are these, whatever its task asks for.
WORKER_LABELS = {"tier": "airflow", "component": "worker"}

# How git-sync tries again, in the platform's values and for a worker's first clone: sooner, and for as long in all. A cluster may refuse a
# pod's first connections, until its NetworkPolicies know the pod's address.
GIT_RETRY = {"GITSYNC_PERIOD": ("5s", "2s"), "GITSYNC_MAX_FAILURES": ("12", "30")}


def configure(settings: str) -> None:
    """Take the chart's values, as JSON.

    ``workerNamespaces`` (those that tasks may use), ``defaultNamespace``, ``core``, ``release``, ``account``, ``image``, ``podSecurity``,
    ``podSecurityOf`` (by namespace), ``podOperators`` (namespaces whose tasks may make pods there), ``tokenAudiences``, and in
    ``taskReferences`` the names of ``secrets``, ``configMaps`` and ``claims`` of the core namespace that tasks may use there.
    """
    given = json.loads(settings)
    WORKER_NAMESPACES.clear()
    WORKER_NAMESPACES.update(given["workerNamespaces"])
    DEFAULT_NAMESPACE[:] = [given["defaultNamespace"]]
    WORKER_LABELS["release"] = given["release"]
    template = _worker_pod()
    LIMITS.account, LIMITS.core, LIMITS.audiences = given["account"], given["core"], set(given["tokenAudiences"])
    LIMITS.operators = set(given["podOperators"])
    standards = {name: given["podSecurityOf"].get(name, given["podSecurity"]) for name in (LIMITS.core, *WORKER_NAMESPACES)}
    LIMITS.restricted = {name for name, standard in standards.items() if standard == "restricted"}
    LIMITS.references = {(KINDS[key], name) for key, names in given["taskReferences"].items() for name in names} | set(references(template))
    LIMITS.references |= set(references(WORKER_NAMESPACES.get(LIMITS.core)))
    LIMITS.template = keys_of(template)
    LIMITS.scheduling = {name: keys_of({"spec": fields}) for name, fields in WORKER_NAMESPACES.items()}
    found = platform_of(template, given["image"])
    PLATFORM.images, PLATFORM.resources = found.images, found.resources


class _NothingToImport:
    """A folder without modules."""

    @staticmethod
    def find_spec(name: str, target: Any = None) -> None:
        return None

    @staticmethod
    def invalidate_caches() -> None:
        return None


def _is_web_server(arguments: list[str]) -> bool:
    """Whether a process of these arguments is Airflow's web server: the command, or the gunicorn that it starts."""
    return arguments[1:2] == ["webserver"] or os.path.basename(os.path.dirname(arguments[0])) == "gunicorn"


def close_dag_folder() -> None:
    """Let the web server import nothing from the DAG folder, which Airflow puts on its path although it runs no DAG.

    Its libraries try to import dozens of modules that are not installed (brotli, simplejson, PIL): a file of that name would run there.
    """
    if not _is_web_server(sys.argv):
        return
    from airflow import settings

    folder = os.path.abspath(settings.DAGS_FOLDER)

    def hook(path: str) -> _NothingToImport:
        if path and (os.path.abspath(path) + os.sep).startswith(folder + os.sep):
            return _NothingToImport()
        raise ImportError

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.pop(settings.DAGS_FOLDER, None)


# Pools of parent processes, kept so that nothing ends their connections.
_INHERITED: list[Any] = []


def keep_parents_connections() -> None:
    """Let a forked process leave its parent's database connections alone.

    A child of Airflow 2.6 drops the connections it inherited when it first asks the database, and so ends them on the server, while its
    parent uses them: "2013, Lost connection during query" in the scheduler, whose health server is such a child. A new pool without closing
    is what SQLAlchemy advises for forks. The old pool is kept, for MySQL's client says goodbye to the server when it is freed.
    """

    def after_in_child() -> None:
        engine = getattr(sys.modules.get("airflow.settings"), "engine", None)
        if engine is not None:
            _INHERITED.append(engine.pool)
            engine.dispose(close=False)

    os.register_at_fork(after_in_child=after_in_child)


def let_the_scheduler_end() -> None:
    """Make a scheduler that failed end, so that Kubernetes starts it again at once.

    Airflow 2.6 starts its health server as a child process, forgets it when the scheduler fails, and then waits for it for ever.
    """
    if sys.argv[1:2] != ["scheduler"]:
        return
    scheduler = os.getpid()

    def stop_children() -> None:
        if os.getpid() == scheduler:
            for child in multiprocessing.active_children():
                child.terminate()

    # Before the wait for children, which multiprocessing.util registered when it was imported: the last one registered is called first.
    atexit.register(stop_children)


def _worker_pod() -> Any:
    """The pod that every worker's starts from, which lies beside this file."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker-pod.json")) as template:
        return json.load(template)


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


def _refusal(pod: Any, namespace: str, worker: bool = True, operator: bool = False) -> str | None:
    """What the pod, an object of the Kubernetes client, asks for and may not have."""
    if pod is None:
        return None
    from kubernetes.client import ApiClient

    return refusal(ApiClient().sanitize_for_serialization(pod), namespace, LIMITS, worker, operator)


def task_policy(task: Any) -> None:
    """Make the namespace that a task asks for hold.

    Refuse the DAG (an import error) where that is not a worker namespace, or where the task asks for what a worker may not have.
    """
    namespace, override = _pod_override(task)
    problem = _refusal(override, namespace or DEFAULT_NAMESPACE[0])
    if problem:
        _reject(task, problem)
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


def _take_identity_away(metadata: Any) -> None:
    """Drop what would make a pod an endpoint of the platform's Services, or part of something that is not its task's."""
    reserved = (*WORKER_LABELS, *RESERVED_LABELS)
    metadata.labels = {
        key: value for key, value in (metadata.labels or {}).items() if key not in reserved and not key.startswith(RESERVED_PREFIXES)
    }
    if metadata.annotations:
        metadata.annotations = {key: value for key, value in metadata.annotations.items() if not key.startswith("argocd.argoproj.io/")}
    metadata.owner_references = metadata.finalizers = None


def _is_worker(pod: Any) -> bool:
    """Whether the executor made the pod.

    From Airflow 2.10 on a task's own label replaces the executor's. The variable stays: a task's variables are added to the executor's.
    """
    if (pod.metadata.labels or {}).get("kubernetes_executor") == "True":
        return True
    from kubernetes.client import ApiClient

    containers = ApiClient().sanitize_for_serialization(pod.spec.containers) or []
    return any(
        variable.get("name") == "AIRFLOW_IS_K8S_EXECUTOR_POD" for container in containers[:1] for variable in container.get("env") or []
    )


def _is_made_with_own_token(pod: Any) -> bool:
    """Whether a KubernetesPodOperator makes the pod with the token of its worker, as it says itself before it calls the hook."""
    return bool((pod.metadata.labels or {}).get("airflow_kpo_in_cluster") == "True")


def _mark_as_operators(pod: Any) -> None:
    """Let the executor, status and NetworkPolicies tell a pod that a task made from a worker."""
    if pod.metadata.namespace not in LIMITS.operators:
        raise ValueError(
            f"Pod {pod.metadata.name}: tasks make no pods in {pod.metadata.namespace!r}; they may in "
            f"{', '.join(sorted(LIMITS.operators)) or 'no namespace'} (pod_operator in platform_worker_namespaces)"
        )
    labels = {key: value for key, value in pod.metadata.labels.items() if key not in EXECUTOR_LABELS}
    pod.metadata.labels = dict(labels, **OPERATOR_LABELS, release=WORKER_LABELS["release"])


def _give_token(spec: Any) -> None:
    """Mount the token of the account that may make pods in the container of the task, and in no other."""
    from kubernetes.client import models as k8s

    namespace = k8s.V1DownwardAPIVolumeFile(
        path="namespace", field_ref=k8s.V1ObjectFieldSelector(api_version="v1", field_path="metadata.namespace")
    )
    authority = k8s.V1ConfigMapProjection(name="kube-root-ca.crt", items=[k8s.V1KeyToPath(key="ca.crt", path="ca.crt")])
    sources = [
        k8s.V1VolumeProjection(service_account_token=k8s.V1ServiceAccountTokenProjection(path="token", expiration_seconds=3600)),
        k8s.V1VolumeProjection(config_map=authority),
        k8s.V1VolumeProjection(downward_api=k8s.V1DownwardAPIProjection(items=[namespace])),
    ]
    projected = k8s.V1ProjectedVolumeSource(sources=sources, default_mode=0o444)
    spec.volumes = [*(spec.volumes or []), k8s.V1Volume(name=TOKEN_VOLUME, projected=projected)]
    mount = k8s.V1VolumeMount(name=TOKEN_VOLUME, mount_path=TOKEN_FOLDER, read_only=True)
    for container in spec.containers:
        if getattr(container, "name", None) == TOKEN_CONTAINER:
            container.volume_mounts = [*(container.volume_mounts or []), mount]


def pod_mutation_hook(pod: Any) -> None:
    """Move a worker pod into its namespace and give it that namespace's profile, which wins over what the task says of its nodes.

    Whatever the policy has or has not seen, the pod runs as the workers' account, without its token and without what is the platform's own,
    and no Service of the platform takes it for one of its pods. The last holds for the pods of KubernetesPodOperator, too, and in the
    platform's namespaces the rules for a pod's fields. In a namespace with pod_operator the worker has a token that makes such pods there.
    """
    worker, operator = _is_worker(pod), False
    _take_identity_away(pod.metadata)
    namespace = pod.metadata.namespace
    if worker:
        pod.metadata.labels.update(WORKER_LABELS, kubernetes_executor="True")
        namespace = (pod.metadata.annotations or {}).get(NAMESPACE_ANNOTATION) or namespace
        if namespace not in WORKER_NAMESPACES:
            raise ValueError(f"Pod {pod.metadata.name}: {namespace!r} is not a worker namespace")
        pod.metadata.namespace = namespace
        pod.metadata.labels.pop("kubernetes_pod_operator", None)
        pod.spec.service_account_name, pod.spec.service_account = LIMITS.account_of(namespace), None
        pod.spec.automount_service_account_token = False
    elif namespace not in (LIMITS.core, *WORKER_NAMESPACES):
        # A namespace, perhaps of another cluster, that is not the platform's concern.
        return
    elif _is_made_with_own_token(pod):
        operator = True
        _mark_as_operators(pod)
        if pod.spec.automount_service_account_token is None:
            pod.spec.automount_service_account_token = False
    problem = _refusal(pod, namespace, worker, operator)
    if problem:
        raise ValueError(f"Pod {pod.metadata.name} {problem}")
    if worker:
        _schedule(pod, namespace)
        _retry_git_soon(pod.spec.init_containers or [])
        if namespace in LIMITS.operators:
            _give_token(pod.spec)
    if namespace in LIMITS.restricted:
        _restrict(pod.spec)


def _restrict(spec: Any) -> None:
    """Complete the security contexts. Of people's own containers, some are dictionaries."""
    from kubernetes.client import ApiClient

    filled = ApiClient().sanitize_for_serialization(spec)
    fill_restricted(filled)
    spec.security_context = filled.get("securityContext")
    for own, name in ((spec.containers, "containers"), (spec.init_containers, "initContainers")):
        for container, whole in zip(own or [], filled.get(name) or []):
            if isinstance(container, dict):
                container["securityContext"] = whole["securityContext"]
            else:
                container.security_context = whole.get("securityContext")


def _retry_git_soon(containers: list[Any]) -> None:
    """Where people set other values than the platform's, those hold. Of people's own containers, some are dictionaries."""
    for container in containers:
        if getattr(container, "name", None) != "git-sync-init":
            continue
        variables = [item for item in container.env or [] if getattr(item, "name", None) in GIT_RETRY]
        if all(item.value == GIT_RETRY[item.name][0] for item in variables):
            for item in variables:
                item.value = GIT_RETRY[item.name][1]


def _schedule(pod: Any, namespace: str) -> None:
    profile = WORKER_NAMESPACES[namespace]
    if not profile:
        return
    give(pod.spec, profile, PLATFORM)
    from airflow.kubernetes.pod_generator import PodGenerator

    wanted = PodGenerator.deserialize_model_dict({"spec": dict(profile, containers=[])}).spec
    pod.spec.node_selector = dict(pod.spec.node_selector or {}, **(wanted.node_selector or {}))
    own = pod.spec.tolerations or []
    pod.spec.tolerations = own + [toleration for toleration in wanted.tolerations or [] if toleration not in own]
    if wanted.affinity:
        # The chart's pod template says "affinity: {}", which is an object without rules, not None.
        pod.spec.affinity = pod.spec.affinity or wanted.affinity
        for rules in ("node_affinity", "pod_affinity", "pod_anti_affinity"):
            if getattr(wanted.affinity, rules):
                setattr(pod.spec.affinity, rules, getattr(wanted.affinity, rules))
