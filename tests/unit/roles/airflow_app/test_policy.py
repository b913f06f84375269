# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster policy: a task's namespace holds, an unknown one is refused, a namespace's scheduling reaches its pods.

They run as the workers' account, without token, and get nothing of the platform's own. The rules for a pod's fields: test_pod_rules.py.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.unit.cluster_policy import PROFILE, PYTHON, SOURCE, MappedTask, PolicyViolation, Task, set_up
from kubernetes.client import ApiClient
from kubernetes.client import models as k8s

ANNOTATION = "gitops-airflow/worker-namespace"


def override(namespace: str | None = None, **metadata: Any) -> k8s.V1Pod:
    return k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace=namespace, **metadata))


def worker_pod(**metadata: Any) -> k8s.V1Pod:
    """As the executor hands it to the hook: merged with the chart's template, in the configured namespace."""
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="dag-task-1a2b3c4d", namespace="core", labels={"kubernetes_executor": "True"}, **metadata),
        spec=k8s.V1PodSpec(containers=[], affinity=k8s.V1Affinity(), tolerations=[k8s.V1Toleration(key="shared", operator="Exists")]),
    )


@pytest.mark.parametrize("path", [SOURCE, *PYTHON.glob("gitops_pod_*.py")], ids=lambda path: path.stem)
def test_a_python_older_than_ours_can_read_it(path: Path) -> None:
    """apache/airflow:2.6.3 runs Python 3.7."""
    ast.parse(path.read_text(), feature_version=(3, 7))


def test_airflow_takes_over_the_two_hooks_only(policy: ModuleType) -> None:
    assert sorted(policy.__all__) == ["pod_mutation_hook", "task_policy"]


@pytest.mark.parametrize("config", [{"KubernetesExecutor": {"namespace": "cron"}}, {"pod_override": override("cron")}])
def test_both_forms_end_as_a_pod_override_that_keeps_the_namespace(policy: ModuleType, config: dict[str, Any]) -> None:
    task = Task({**config, "other": 1})
    policy.task_policy(task)
    assert task.executor_config is not None
    assert sorted(task.executor_config) == ["other", "pod_override"]
    metadata = task.executor_config["pod_override"].metadata
    assert (metadata.namespace, metadata.annotations) == ("cron", {ANNOTATION: "cron"})


def test_a_mapped_operator_is_placed_too(policy: ModuleType) -> None:
    task = MappedTask({"executor_config": {"KubernetesExecutor": {"namespace": "user"}}})
    policy.task_policy(task)
    assert task.executor_config["pod_override"].metadata.namespace == "user"


def test_what_else_the_task_says_of_its_pod_is_kept(policy: ModuleType) -> None:
    named = override("cron", labels={"team": "a"}, annotations={"note": "b"})
    task = Task({"pod_override": named})
    policy.task_policy(task)
    assert task.executor_config is not None
    metadata = task.executor_config["pod_override"].metadata
    assert (metadata.labels, metadata.annotations) == ({"team": "a"}, {"note": "b", ANNOTATION: "cron"})
    assert named.metadata.annotations == {"note": "b"}, "the DAG's own object, perhaps shared by tasks, is left alone"


def test_a_dictionary_shared_by_tasks_is_left_alone(policy: ModuleType) -> None:
    shared = {"KubernetesExecutor": {"namespace": "cron", "request_memory": "64Mi"}}
    for task in (Task(shared), Task(shared)):
        policy.task_policy(task)
        assert task.executor_config is not None
        assert task.executor_config["pod_override"].spec.containers[0].resources.requests == {"memory": "64Mi"}
    assert shared == {"KubernetesExecutor": {"namespace": "cron", "request_memory": "64Mi"}}


def test_a_second_pass_changes_nothing(policy: ModuleType) -> None:
    task = Task({"KubernetesExecutor": {"namespace": "cron"}})
    policy.task_policy(task)
    assert task.executor_config is not None
    once = task.executor_config["pod_override"].to_dict()
    policy.task_policy(task)
    assert task.executor_config["pod_override"].to_dict() == once


@pytest.mark.parametrize("config", [None, {}, {"pod_override": override()}, {"KubernetesExecutor": {"image": "x"}}, {"Celery": {}}])
def test_a_task_without_a_namespace_is_left_alone(policy: ModuleType, config: dict[str, Any] | None) -> None:
    task = Task(config)
    policy.task_policy(task)
    assert task.executor_config is config


def test_an_unlisted_namespace_is_refused_by_name(policy: ModuleType) -> None:
    with pytest.raises(PolicyViolation, match=r"dag\.task asks for namespace 'default'; worker namespaces are core, cron, user"):
        policy.task_policy(Task({"KubernetesExecutor": {"namespace": "default"}}))


def test_two_forms_at_once_are_refused(policy: ModuleType) -> None:
    with pytest.raises(PolicyViolation, match="both a pod_override and a KubernetesExecutor"):
        policy.task_policy(Task({"KubernetesExecutor": {"namespace": "cron"}, "pod_override": override("cron")}))


def test_the_pod_goes_where_its_task_asked_and_keeps_its_name(policy: ModuleType) -> None:
    pod = worker_pod(annotations={ANNOTATION: "user"})
    policy.pod_mutation_hook(pod)
    assert (pod.metadata.namespace, pod.metadata.name) == ("user", "dag-task-1a2b3c4d")


def test_a_pod_whose_task_asked_for_nothing_stays(policy: ModuleType) -> None:
    pod = worker_pod()
    policy.pod_mutation_hook(pod)
    assert pod.metadata.namespace == "core"


def test_a_namespace_taken_off_the_list_fails_the_pod_instead_of_moving_it(policy: ModuleType) -> None:
    with pytest.raises(ValueError, match="'gone' is not a worker namespace"):
        policy.pod_mutation_hook(worker_pod(annotations={ANNOTATION: "gone"}))


def test_the_namespaces_scheduling_reaches_the_pod(policy: ModuleType) -> None:
    pod = worker_pod(annotations={ANNOTATION: "cron"})
    pod.spec.node_selector = {"pool": "mine", "disk": "ssd"}
    policy.pod_mutation_hook(pod)
    spec = ApiClient().sanitize_for_serialization(pod)["spec"]
    assert spec["nodeSelector"] == {"pool": "cron", "disk": "ssd"}
    assert [toleration["key"] for toleration in spec["tolerations"]] == ["shared", "dedicated"]
    assert spec["affinity"] == PROFILE["affinity"]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("git-sync-init", ("5s", "12"), ("2s", "30")),
        ("git-sync-init", ("60s", "12"), ("60s", "12")),
        ("git-sync-init", ("5s", "-1"), ("5s", "-1")),
        ("mine", ("5s", "12"), ("5s", "12")),
    ],
)
def test_d8_a_worker_tries_its_first_clone_again_soon(
    policy: ModuleType, name: str, given: tuple[str, str], expected: tuple[str, str]
) -> None:
    pod = worker_pod(annotations={ANNOTATION: "cron"})
    names = ("GITSYNC_PERIOD", "GITSYNC_MAX_FAILURES")
    variables = [k8s.V1EnvVar("GITSYNC_REPO", "r"), *map(k8s.V1EnvVar, names, given)]
    pod.spec.init_containers = [k8s.V1Container(name=name, env=variables), {"name": "git-sync-init"}]
    policy.pod_mutation_hook(pod)
    assert [(item.name, item.value) for item in pod.spec.init_containers[0].env] == [
        ("GITSYNC_REPO", "r"),
        *zip(names, expected, strict=True),
    ]


def test_affinity_of_another_kind_is_kept(policy: ModuleType) -> None:
    pod = worker_pod(annotations={ANNOTATION: "cron"})
    own = k8s.V1PodAntiAffinity(required_during_scheduling_ignored_during_execution=[k8s.V1PodAffinityTerm(topology_key="host")])
    pod.spec.affinity = k8s.V1Affinity(pod_anti_affinity=own)
    policy.pod_mutation_hook(pod)
    assert pod.spec.affinity.pod_anti_affinity == own
    assert pod.spec.affinity.pod_affinity


LABELS = {
    "tier": "airflow",
    "component": "mysql",
    "release": "airflow-core",
    "gitops-airflow/endpoint": "mysql",
    "gitops-airflow/platform": "airflow",
    "app.kubernetes.io/instance": "airflow-core",
    "pod-template-hash": "abc",
    **dict.fromkeys(("controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name"), "abc"),
    "team": "a",
}
OWNER = k8s.V1OwnerReference(api_version="apps/v1", kind="ReplicaSet", name="airflow-webserver-1", uid="u", controller=True)


@pytest.mark.parametrize("component", ["webserver", "mysql", "triggerer", "scheduler"])
def test_no_service_takes_a_worker_for_one_of_its_pods(policy: ModuleType, component: str) -> None:
    """D4."""
    pod = worker_pod(annotations={"argocd.argoproj.io/tracking-id": "airflow-core:/Pod:core/x", "note": "b"})
    pod.metadata.labels.update(LABELS, component=component)
    pod.metadata.owner_references, pod.metadata.finalizers = [OWNER], ["example.com/never"]
    policy.pod_mutation_hook(pod)
    own = {"kubernetes_executor": "True", "team": "a"}
    assert pod.metadata.labels == {**own, "tier": "airflow", "component": "worker", "release": "airflow-core"}
    assert pod.metadata.annotations == {"note": "b"}
    assert (pod.metadata.owner_references, pod.metadata.finalizers) == (None, None)


def test_pods_of_the_kubernetes_pod_operator_lose_only_what_is_the_platforms(policy: ModuleType) -> None:
    """D4. All else of them is the DAG author's, in a namespace that is not the platform's."""
    spec = k8s.V1PodSpec(containers=[], service_account_name="mine")
    metadata = k8s.V1ObjectMeta(name="own", namespace="elsewhere", labels=dict(LABELS), owner_references=[OWNER], finalizers=["x"])
    pod = k8s.V1Pod(metadata=metadata, spec=spec)
    policy.pod_mutation_hook(pod)
    assert (pod.metadata.namespace, pod.metadata.labels, pod.metadata.owner_references) == ("elsewhere", {"team": "a"}, None)
    assert pod.spec == k8s.V1PodSpec(containers=[], service_account_name="mine")


@pytest.mark.parametrize("label", [{"kubernetes_executor": "False"}, {}])
def test_a_task_cannot_deny_that_its_pod_is_a_worker(policy: ModuleType, label: dict[str, str]) -> None:
    """D4. From Airflow 2.10 on its label replaces the executor's; the executor's variable stays."""
    pod = worker_pod(annotations={ANNOTATION: "cron"})
    pod.metadata.labels = label
    pod.spec.containers = [container(env=[k8s.V1EnvVar(name="AIRFLOW_IS_K8S_EXECUTOR_POD", value="True"), variable("mine")])]
    pod.spec.service_account_name = "airflow-scheduler"
    policy.pod_mutation_hook(pod)
    assert pod.metadata.labels == {"kubernetes_executor": "True", "tier": "airflow", "component": "worker", "release": "airflow-core"}
    assert (pod.spec.service_account_name, pod.metadata.namespace) == ("airflow-worker", "cron")
    assert pod.spec.node_selector == {"pool": "cron"}


def test_a_task_that_names_no_namespace_runs_in_the_default_one(policy: ModuleType) -> None:
    """D4. Its Secrets are judged by that namespace."""
    spec = with_spec({"containers": [container(env_from=[every("my-warehouse")])]})
    with pytest.raises(PolicyViolation, match="the Secret 'my-warehouse' in core, which is not listed"):
        policy.task_policy(Task({"pod_override": k8s.V1Pod(spec=spec)}))
    set_up(policy, defaultNamespace="user")
    policy.task_policy(Task({"pod_override": k8s.V1Pod(spec=spec)}))


def test_the_core_namespace_can_be_closed_to_tasks(policy: ModuleType) -> None:
    """D4."""
    set_up(policy, workerNamespaces={"cron": {}, "user": {}}, defaultNamespace="user")
    with pytest.raises(PolicyViolation, match="asks for namespace 'core'; worker namespaces are cron, user"):
        policy.task_policy(Task({"KubernetesExecutor": {"namespace": "core"}}))
    with pytest.raises(ValueError, match="'core' is not a worker namespace"):
        policy.pod_mutation_hook(worker_pod(annotations={ANNOTATION: "core"}))


def container(**fields: Any) -> k8s.V1Container:
    return k8s.V1Container(name="base", **fields)


def variable(secret: str) -> k8s.V1EnvVar:
    reference = k8s.V1SecretKeySelector(name=secret, key="root-password")
    return k8s.V1EnvVar(name="X", value_from=k8s.V1EnvVarSource(secret_key_ref=reference))


def every(secret: str) -> k8s.V1EnvFromSource:
    return k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name=secret))


def volume(**source: Any) -> list[k8s.V1Volume]:
    return [k8s.V1Volume(name="x", **source)]


def projected(**source: Any) -> list[k8s.V1Volume]:
    return volume(projected=k8s.V1ProjectedVolumeSource(sources=[k8s.V1VolumeProjection(**source)]))


def token(audience: str | None = None) -> list[k8s.V1Volume]:
    return projected(service_account_token=k8s.V1ServiceAccountTokenProjection(path="token", audience=audience))


def refers_to(name: str) -> list[dict[str, Any]]:
    """Every way to a Secret's content."""
    return [
        {"volumes": volume(secret=k8s.V1SecretVolumeSource(secret_name=name))},
        {"volumes": [{"name": "x", "secret": {"secretName": name}}]},
        {"volumes": projected(secret=k8s.V1SecretProjection(name=name))},
        {"volumes": volume(csi=k8s.V1CSIVolumeSource(driver="d", node_publish_secret_ref=k8s.V1LocalObjectReference(name=name)))},
        {"containers": [container(env=[variable(name)])]},
        {"containers": [container(env_from=[every(name)])]},
        {"containers": [container(), k8s.V1Container(name="sidecar", env=[variable(name)])]},
        {"init_containers": [container(env_from=[every(name)])]},
        {"volumes": volume(azure_file=k8s.V1AzureFileVolumeSource(secret_name=name, share_name="s"))},
        {"volumes": volume(cephfs=k8s.V1CephFSVolumeSource(monitors=["m"], secret_ref=k8s.V1LocalObjectReference(name=name)))},
        {"image_pull_secrets": [k8s.V1LocalObjectReference(name=name)]},
    ]


def refers_to_map(name: str) -> list[dict[str, Any]]:
    """Every way to a ConfigMap's content."""
    key = k8s.V1EnvVarSource(config_map_key_ref=k8s.V1ConfigMapKeySelector(name=name, key="k"))
    return [
        {"volumes": volume(config_map=k8s.V1ConfigMapVolumeSource(name=name))},
        {"volumes": projected(config_map=k8s.V1ConfigMapProjection(name=name))},
        {"containers": [container(env=[k8s.V1EnvVar(name="X", value_from=key)])]},
        {"containers": [container(env_from=[k8s.V1EnvFromSource(config_map_ref=k8s.V1ConfigMapEnvSource(name=name))])]},
    ]


def refers_to_claim(name: str) -> list[dict[str, Any]]:
    """The way to a volume's content. A new one that starts as its copy is refused: test_pod_rules.py."""
    return [{"volumes": volume(persistent_volume_claim=k8s.V1PersistentVolumeClaimVolumeSource(claim_name=name))}]


THE_PLATFORMS = [
    *((spec, "'airflow-mysql', which is the platform's own") for spec in refers_to("airflow-mysql")),
    *(({"containers": [container(env_from=[every(name)])]}, repr(name)) for name in ("airflow-generated", "airflow-admin")),
    *((spec, "'data-airflow-mysql-0'") for spec in refers_to_claim("data-airflow-mysql-0")),
]
# D4: in the core namespace only what is listed.
NOT_LISTED: list[tuple[dict[str, Any], str]] = [
    *((spec, "the Secret 'mine' in core, which is not listed for tasks") for spec in refers_to("mine")),
    *((spec, "the ConfigMap 'mine' in core, which is not listed for tasks") for spec in refers_to_map("mine")),
    *((spec, "the claim 'mine' in core, which is not listed for tasks") for spec in refers_to_claim("mine")),
    *((spec, "airflow_app_task_secrets") for spec in refers_to("listed-map")[:1]),
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"service_account_name": "airflow-scheduler"}, "service account 'airflow-scheduler'; worker pods run as 'airflow-worker'"),
    ({"service_account": "airflow-scheduler"}, "service account 'airflow-scheduler'"),
    ({"automount_service_account_token": True}, "token of the Kubernetes API"),
    ({"volumes": token()}, "token of the Kubernetes API"),
    # D12: what the API server takes for its own audience is not known here, so audiences are listed.
    ({"volumes": token("https://kubernetes.default.svc")}, "'https://kubernetes.default.svc', which is not listed for tasks"),
    ({"volumes": [{"name": "x", "projected": {"sources": [{"serviceAccountToken": {}}]}}]}, "token of the Kubernetes API"),
    *THE_PLATFORMS,
]
ALLOWED = [
    {},
    {"service_account_name": "airflow-worker", "automount_service_account_token": False},
    {"volumes": token("vault.example.com")},
    *refers_to("listed"),
    *refers_to_map("listed-map"),
    *refers_to_claim("listed-claim"),
    # What the worker's own template refers to.
    *refers_to("airflow-metadata"),
    *refers_to_map("airflow-config"),
]
ALLOWED_ELSEWHERE = [*refers_to("mine"), *refers_to_map("mine"), *refers_to_claim("mine")]


def with_spec(spec: dict[str, Any]) -> k8s.V1PodSpec:
    return k8s.V1PodSpec(**{"containers": [container()], **spec})


@pytest.mark.parametrize("namespace", [None, "core"])
@pytest.mark.parametrize(("spec", "words"), REFUSED)
def test_a_task_that_asks_for_what_a_worker_may_not_have(
    policy: ModuleType, spec: dict[str, Any], words: str, namespace: str | None
) -> None:
    with pytest.raises(PolicyViolation, match=r"Task dag\.task (asks for|refers to) .*: (leave|use) ") as refused:
        policy.task_policy(Task({"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace=namespace), spec=with_spec(spec))}))
    assert words in str(refused.value)


@pytest.mark.parametrize("namespace", [None, "core"])
@pytest.mark.parametrize(("spec", "words"), NOT_LISTED)
def test_a_task_in_the_core_namespace_refers_only_to_what_is_listed(
    policy: ModuleType, spec: dict[str, Any], words: str, namespace: str | None
) -> None:
    with pytest.raises(PolicyViolation, match=r"refers to the .*: use another worker namespace, or ask") as refused:
        policy.task_policy(Task({"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace=namespace), spec=with_spec(spec))}))
    assert words in str(refused.value)


@pytest.mark.parametrize("spec", ALLOWED)
def test_what_people_need_is_left_alone(policy: ModuleType, spec: dict[str, Any]) -> None:
    task = Task({"pod_override": k8s.V1Pod(spec=with_spec(spec))})
    policy.task_policy(task)
    assert task.executor_config == {"pod_override": k8s.V1Pod(spec=with_spec(spec))}
    pod = worker_pod()
    pod.spec = with_spec(spec)
    policy.pod_mutation_hook(pod)
    assert (pod.spec.volumes, pod.spec.containers) == (spec.get("volumes"), spec.get("containers", [container()]))


@pytest.mark.parametrize("spec", ALLOWED_ELSEWHERE)
def test_in_other_namespaces_all_but_the_platforms_own_is_peoples(policy: ModuleType, spec: dict[str, Any]) -> None:
    policy.task_policy(Task({"pod_override": k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace="user"), spec=with_spec(spec))}))
    pod = worker_pod(annotations={ANNOTATION: "user"})
    pod.spec = with_spec(spec)
    policy.pod_mutation_hook(pod)


@pytest.mark.parametrize(("spec", "words"), THE_PLATFORMS + NOT_LISTED)
def test_the_pod_is_refused_where_the_policy_has_not_seen_it(policy: ModuleType, spec: dict[str, Any], words: str) -> None:
    pod = worker_pod()
    pod.spec = with_spec(spec)
    with pytest.raises(ValueError, match="Pod dag-task-1a2b3c4d refers to") as refused:
        policy.pod_mutation_hook(pod)
    assert words in str(refused.value)


@pytest.mark.parametrize("namespace", ["core", "user"])
@pytest.mark.parametrize("field", ["service_account_name", "service_account"])
def test_every_worker_pod_runs_as_the_workers_account_without_token(policy: ModuleType, namespace: str, field: str) -> None:
    pod = worker_pod(annotations={ANNOTATION: namespace})
    setattr(pod.spec, field, "airflow-scheduler")
    pod.spec.automount_service_account_token = True
    policy.pod_mutation_hook(pod)
    spec = ApiClient().sanitize_for_serialization(pod.spec)
    assert (spec["serviceAccountName"], spec.get("serviceAccount"), spec["automountServiceAccountToken"]) == ("airflow-worker", None, False)


@pytest.mark.parametrize(
    ("arguments", "web"),
    [
        (["/home/airflow/.local/bin/airflow", "webserver"], True),
        (["/home/airflow/.local/lib/python3.7/site-packages/gunicorn/__main__.py", "--workers", "2"], True),
        (["/home/airflow/.local/bin/airflow", "scheduler"], False),
        (["/home/airflow/.local/bin/airflow", "tasks", "run", "webserver"], False),
        (["-c"], False),
        ([""], False),
    ],
)
def test_the_web_server_imports_nothing_from_the_dag_folder(
    policy: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], web: bool
) -> None:
    """D3. Neither before nor after Airflow puts the folder on the path; all others do."""
    folder = tmp_path / "dags"
    (folder / "inside").mkdir(parents=True)
    (folder / "module_of_a_dag.py").write_text("")
    (folder / "inside/module_inside.py").write_text("")
    (tmp_path / "module_elsewhere.py").write_text("")
    settings = ModuleType("airflow.settings")
    vars(settings)["DAGS_FOLDER"] = str(folder)
    monkeypatch.setitem(sys.modules, "airflow.settings", settings)
    vars(sys.modules["airflow"])["settings"] = settings
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr(sys, "path_hooks", [*sys.path_hooks])
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    assert importlib.util.find_spec("module_of_a_dag"), "the folder is on the path first, as in Airflow 2.6"
    policy.close_dag_folder()
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder / "inside"), str(tmp_path)])
    assert importlib.util.find_spec("module_elsewhere")
    for name in ("module_of_a_dag", "module_inside"):
        assert (importlib.util.find_spec(name) is None) is web
    importlib.invalidate_caches()
    sys.path_importer_cache.clear()


FAILING = """
import importlib.util, multiprocessing, sys, time
spec = importlib.util.spec_from_file_location("airflow_local_settings", {source!r})
module = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
sys.path.insert(0, {python!r})
spec.loader.exec_module(module)
sys.argv = ["airflow", {command!r}]
module.let_the_scheduler_end()
multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,)).start()
raise RuntimeError("(2013, 'Lost connection to MySQL server during query')")
"""


@pytest.mark.parametrize(("command", "ends"), [("scheduler", True), ("triggerer", False)])
def test_a_scheduler_that_failed_ends_although_its_health_server_runs(command: str, ends: bool) -> None:
    """F23. A process other than the scheduler is left alone, and waits for its children."""
    script = FAILING.format(source=str(SOURCE), python=str(PYTHON), command=command)
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, start_new_session=True) as process:
        try:
            process.wait(20 if ends else 3)
            assert ends
            assert process.returncode == 1
        except subprocess.TimeoutExpired:
            assert not ends
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


FORKING = """
import importlib.util, os, sys
from types import ModuleType
spec = importlib.util.spec_from_file_location("airflow_local_settings", {source!r})
module = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
sys.path.insert(0, {python!r})
spec.loader.exec_module(module)

class Connection:
    def __del__(self):
        if os.getpid() != parent:
            os.write(1, b"closed in the child;")

class Engine:
    def __init__(self):
        self.pool = [Connection()]
    def dispose(self, close):
        os.write(1, b"closes;" if close else b"new pool;")
        self.pool = []

parent = os.getpid()
settings = sys.modules["airflow.settings"] = ModuleType("airflow.settings")
if {registered}:
    module.keep_parents_connections()
settings.engine = Engine()
child = os.fork()
if child == 0:
    settings.engine.pool = []  # as the first checkout in another process does
    os._exit(0)
os.waitpid(child, 0)
os.write(1, b"parent has %d" % len(settings.engine.pool))
os._exit(0)
"""


@pytest.mark.parametrize(
    ("registered", "said"), [(False, "closed in the child;parent has 1"), (True, "new pool;parent has 1")], ids=["before", "now"]
)
def test_a_forked_process_leaves_its_parents_connections_alone(registered: bool, said: str) -> None:
    """F23. With MySQL itself: tests/platform/test_forks.py."""
    script = FORKING.format(source=str(SOURCE), python=str(PYTHON), registered=registered)
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == said


# The profile of a worker namespace


OWN_IMAGE, OTHER_IMAGE = "apache/airflow:2.6.3", "registry.example.com/etl:1"
TEMPLATES = {"cpu": "100m", "memory": "256Mi"}  # the requests of the pod template


def given(policy: ModuleType, pod: k8s.V1Pod, **profile: Any) -> dict[str, Any]:
    """The specification of a worker's pod in the namespace cron, which has this profile."""
    set_up(policy, workerNamespaces={"core": {}, "cron": profile, "user": {}})
    pod.metadata.annotations = {ANNOTATION: "cron"}
    policy.pod_mutation_hook(pod)
    spec: dict[str, Any] = ApiClient().sanitize_for_serialization(pod)["spec"]
    return spec


def with_resources(**resources: Any) -> k8s.V1Pod:
    pod = worker_pod()
    pod.spec.containers = [container(resources=resources["raw"] if "raw" in resources else k8s.V1ResourceRequirements(**resources))]
    return pod


@pytest.mark.parametrize(
    ("task", "profile", "expected"),
    [
        # The task says nothing, so Airflow gives it the template's.
        ({"requests": TEMPLATES}, {"requests": {"cpu": "1"}}, {"requests": {"cpu": "1", "memory": "256Mi"}}),
        (
            {"requests": TEMPLATES},
            {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}},
            {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
        ),
        # A limit alone means the same request, as in Kubernetes, instead of the template's.
        ({"requests": TEMPLATES}, {"limits": {"memory": "128Mi"}}, {"requests": {"cpu": "100m"}, "limits": {"memory": "128Mi"}}),
        # What the task says wins, resource by resource, and Airflow has dropped the template's.
        ({"requests": {"cpu": "3"}}, {"requests": {"cpu": "1", "memory": "2Gi"}}, {"requests": {"cpu": "3", "memory": "2Gi"}}),
        ({"limits": {"cpu": "3"}}, {"requests": {"cpu": "1"}}, {"requests": {"memory": "256Mi"}, "limits": {"cpu": "3"}}),
        (
            {"limits": {"nvidia.com/gpu": "1"}},
            {"requests": {"cpu": "1"}},
            {"requests": {"cpu": "1", "memory": "256Mi"}, "limits": {"nvidia.com/gpu": "1"}},
        ),
        # A limit of the namespace that is too small for the task's request grows with it; a larger one stays.
        (
            {"requests": {"memory": "4Gi"}},
            {"limits": {"memory": "2048Mi"}},
            {"requests": {"memory": "4Gi", "cpu": "100m"}, "limits": {"memory": "4Gi"}},
        ),
        (
            {"requests": {"memory": "500M"}},
            {"limits": {"memory": "1Gi"}},
            {"requests": {"memory": "500M", "cpu": "100m"}, "limits": {"memory": "1Gi"}},
        ),
        # The task's own mistakes are left to the API server, which names them.
        (
            {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}},
            {"limits": {"cpu": "4"}},
            {"requests": {"cpu": "2", "memory": "256Mi"}, "limits": {"cpu": "1"}},
        ),
        (
            {"requests": {"cpu": "a lot"}},
            {"limits": {"cpu": "1"}},
            {"requests": {"cpu": "a lot", "memory": "256Mi"}, "limits": {"cpu": "1"}},
        ),
        # A dictionary, and what is neither request nor limit.
        (
            {"raw": {"limits": {"cpu": 1}, "claims": [{"name": "gpu"}]}},
            {"requests": {"memory": "1Gi"}},
            {"limits": {"cpu": "1"}, "requests": {"memory": "1Gi"}, "claims": [{"name": "gpu"}]},
        ),
        ({}, {"requests": {"memory": "1Gi"}}, {"requests": {"cpu": "100m", "memory": "1Gi"}}),
    ],
)
def test_resources_of_the_namespace_are_defaults(
    policy: ModuleType, task: dict[str, Any], profile: dict[str, Any], expected: dict[str, Any]
) -> None:
    spec = given(policy, with_resources(**task), containers=[{"name": "base", "resources": profile}])
    assert spec["containers"][0]["resources"] == expected


def test_resources_concern_the_container_of_the_task_alone(policy: ModuleType) -> None:
    pod = with_resources(requests=TEMPLATES)
    pod.spec.containers += [{"name": "sidecar"}, k8s.V1Container(name="other")]
    pod.spec.init_containers = [k8s.V1Container(name="git-sync-init", resources=k8s.V1ResourceRequirements(requests={"cpu": "10m"}))]
    spec = given(policy, pod, containers=[{"name": "base", "resources": {"requests": {"cpu": "1"}}}])
    assert [item.get("resources") for item in spec["containers"][1:]] == [None, None]
    assert spec["initContainers"][0]["resources"] == {"requests": {"cpu": "10m"}}


def test_without_a_profile_resources_stay(policy: ModuleType) -> None:
    spec = given(policy, with_resources(limits={"cpu": "1"}), nodeSelector={"a": "b"})
    assert spec["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


def test_the_namespaces_image_replaces_the_platforms(policy: ModuleType) -> None:
    """In containers of the client's kind and in dictionaries, wherever the platform's own image is."""
    pod = worker_pod()
    images = [OWN_IMAGE, OTHER_IMAGE, OWN_IMAGE]
    pod.spec.containers = [k8s.V1Container(name=f"c{number}", image=image) for number, image in enumerate(images)]
    pod.spec.containers += [{"name": "c3", "image": OWN_IMAGE}, {"name": "c4", "image": "busybox:1"}]
    pod.spec.init_containers = [k8s.V1Container(name="git-sync-init", image="git-sync:4"), k8s.V1Container(name="first", image=OWN_IMAGE)]
    spec = given(policy, pod, containers=[{"name": "base", "image": "team/airflow:7"}])
    new = "team/airflow:7"
    assert [item["image"] for item in spec["containers"]] == [new, OTHER_IMAGE, new, new, "busybox:1"]
    assert [item["image"] for item in spec["initContainers"]] == ["git-sync:4", new]


@pytest.mark.parametrize("image", ["airflow:template", "airflow:configured"])
def test_an_image_of_the_pod_template_is_the_platforms_too(policy: ModuleType, tmp_path: Path, image: str) -> None:
    """The executor sets the configured one; a template of people's own may have another."""
    (tmp_path / "worker-pod.json").write_text('{"spec": {"containers": [{"name": "base", "image": "airflow:template"}]}}')
    set_up(policy, image="airflow:configured", workerNamespaces={"cron": {"containers": [{"name": "base", "image": "team/airflow:7"}]}})
    pod = worker_pod(annotations={ANNOTATION: "cron"})
    pod.spec.containers = [container(image=image)]
    policy.pod_mutation_hook(pod)
    assert pod.spec.containers[0].image == "team/airflow:7"


def test_pull_secrets_are_added(policy: ModuleType) -> None:
    pod = worker_pod()
    pod.spec.image_pull_secrets = [k8s.V1LocalObjectReference(name="mine"), k8s.V1LocalObjectReference(name="both")]
    spec = given(policy, pod, imagePullSecrets=[{"name": "both"}, {"name": "registry"}])
    assert [item["name"] for item in spec["imagePullSecrets"]] == ["mine", "both", "registry"]


def test_the_namespaces_classes_win(policy: ModuleType) -> None:
    """Kubernetes refuses a pod whose own priority, preemption or overhead differs from its class's."""
    pod = worker_pod()
    pod.spec.priority_class_name, pod.spec.priority, pod.spec.preemption_policy = "urgent", 1000, "Never"
    pod.spec.runtime_class_name, pod.spec.overhead = "kata", {"cpu": "1"}
    spec = given(policy, pod, priorityClassName="batch", runtimeClassName="gvisor")
    assert (spec["priorityClassName"], spec["runtimeClassName"]) == ("batch", "gvisor")
    assert not {"priority", "preemptionPolicy", "overhead"} & set(spec)


def test_a_namespace_without_classes_leaves_the_tasks(policy: ModuleType) -> None:
    pod = worker_pod()
    pod.spec.priority_class_name, pod.spec.priority, pod.spec.runtime_class_name = "urgent", 1000, "kata"
    spec = given(policy, pod, nodeSelector={"a": "b"})
    assert (spec["priorityClassName"], spec["priority"], spec["runtimeClassName"]) == ("urgent", 1000, "kata")


def constraint(key: str, action: str = "DoNotSchedule", **more: Any) -> dict[str, Any]:
    return {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": action, **more}


def test_spreading_keeps_what_the_client_does_not_know(policy: ModuleType) -> None:
    """matchLabelKeys and the policies are newer than the client in Airflow 2.6.3. For one key and kind, Kubernetes takes one constraint."""
    pod = worker_pod()
    pod.spec.topology_spread_constraints = [
        k8s.V1TopologySpreadConstraint(max_skew=5, topology_key="zone", when_unsatisfiable="DoNotSchedule"),
        k8s.V1TopologySpreadConstraint(max_skew=5, topology_key="zone", when_unsatisfiable="ScheduleAnyway"),
        constraint("rack"),
    ]
    wanted = constraint("zone", fieldOfTomorrow="x", matchLabelKeys=["a"])
    spec = given(policy, pod, topologySpreadConstraints=[wanted])
    assert spec["topologySpreadConstraints"] == [wanted, constraint("zone", "ScheduleAnyway", maxSkew=5), constraint("rack")]


@pytest.mark.parametrize("namespace", ["core", "user"])
def test_a_task_may_name_the_pull_secret_of_its_namespace(policy: ModuleType, namespace: str) -> None:
    set_up(policy, workerNamespaces={"core": {"imagePullSecrets": [{"name": "pull"}]}, "user": {}})
    task = Task({"pod_override": override(namespace)})
    assert task.executor_config
    task.executor_config["pod_override"].spec = k8s.V1PodSpec(containers=[], image_pull_secrets=[k8s.V1LocalObjectReference(name="pull")])
    policy.task_policy(task)


def test_a_pull_secret_of_another_namespace_is_not_listed_in_the_core_namespace(policy: ModuleType) -> None:
    set_up(policy, workerNamespaces={"core": {}, "user": {"imagePullSecrets": [{"name": "pull"}]}})
    pod = override("core")
    pod.spec = k8s.V1PodSpec(containers=[], image_pull_secrets=[k8s.V1LocalObjectReference(name="pull")])
    with pytest.raises(PolicyViolation, match="refers to the Secret 'pull' in core"):
        policy.task_policy(Task({"pod_override": pod}))
