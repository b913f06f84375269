# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the platform and chart values that do not agree: each rule with its value and its next action."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import rules, value_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Logs, Repository, Settings

LIST = "multi_namespace_mode_namespace_list"
AIRFLOW = AirflowSettings(
    Repository("platform", "http://gitea.git.svc.cluster.local:3000/gitops/platform.git", embedded=True),
    Repository("dags", "http://gitea.git.svc.cluster.local:3000/gitops/dags.git", embedded=True),
    default_namespace="airflow-core",
)
PLATFORM = Settings(
    provider="kind",
    airflow_version="2.6.3",
    worker_namespaces=("airflow-core", "airflow-cron", "airflow-user"),
    airflow_host_port=8080,
    argocd_host_port=8443,
    airflow=AIRFLOW,
)


DIGEST = "sha256:" + "3abb816a" * 8


@pytest.mark.parametrize(
    "image",
    [
        "apache/airflow:2.6.3",
        "my-airflow:2.6.3",
        "localhost:5000/x:1",
        "localhost:5000/team/x__y/a-b.c:v1_2.3-x",
        "[::1]:5000/x:1",
        "Registry.Example.com/x:1",
        f"localhost:5000/x@{DIGEST}",
        f"kindest/node:v1.29.4@{DIGEST}",
    ],
)
def test_f12_an_image_with_a_tag_or_a_digest(image: str) -> None:
    assert rules.broken(rules.PLATFORM, replace(PLATFORM, images={"airflow": image})) == []


@pytest.mark.parametrize(
    ("image", "words", "action"),
    [
        ("my-airflow", "neither a tag nor a digest", "such as my-airflow:2.6.3."),
        ("apache/airflow", "neither a tag nor a digest", "such as apache/airflow:2.6.3."),
        ("localhost:5000/x", "neither a tag nor a digest", "such as localhost:5000/x:2.6.3."),
        ("[::1]:5000/x", "neither a tag nor a digest", "such as [::1]:5000/x:2.6.3."),
        ("", "not the name of an image", "Correct platform_airflow_image."),
        ("My-Airflow:1", "not the name of an image", "Correct platform_airflow_image."),
        ("x:", "not the name of an image", "Correct platform_airflow_image."),
        ("x:1:2", "not the name of an image", "Correct platform_airflow_image."),
        ("x :1", "not the name of an image", "Correct platform_airflow_image."),
        ("x:1\n", "not the name of an image", "Correct platform_airflow_image."),
        ("https://h/x:1", "not the name of an image", "Correct platform_airflow_image."),
        ("x@sha256:abc", "not the name of an image", "Correct platform_airflow_image."),
        (f"x:@{DIGEST}", "not the name of an image", "Correct platform_airflow_image."),
    ],
)
def test_f12_an_image_without_a_version(image: str, words: str, action: str) -> None:
    (refusal,) = rules.broken(rules.PLATFORM, replace(PLATFORM, images={"airflow": image, "mysql": "mysql:8.0.42"}))
    check(refusal, "image", image, words, action)
    (other,) = rules.broken(rules.PLATFORM, replace(PLATFORM, images={"git_sync": "h/git-sync"}))
    check(other, "image", "h/git-sync", "platform_git_sync_image is 'h/git-sync'", "such as h/git-sync:TAG.")


def check(refusal: Refusal, code: str, value: str, words: str, action: str) -> None:
    """A refusal names the value, the rule and what to do, and its message does not advise."""
    assert refusal.code == code
    assert refusal.value == value
    assert words in refusal.message
    assert action in refusal.next_action
    assert refusal.rule
    assert refusal.message.endswith(".")
    assert refusal.next_action.endswith(".")
    assert refusal.next_action[0].isupper()
    assert "Next:" not in refusal.message + refusal.next_action


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"airflow_version": "2.10.5"},
        {"airflow_version": "2.6"},
        {"airflow_version": ""},
        {"name": "a"},
        {"name": "team-1"},
        {"name": "a" * 63},
        {"airflow_host_port": 0, "argocd_host_port": 0},
        {"worker_namespaces": ("airflow-core", "123", "on", "a" * 63)},
        {"git_server": "external", "worker_namespaces": ("airflow-core", "git")},
        {
            "airflow": replace(AIRFLOW, logs=Logs("s3", bucket="logs", secret="keys")),
            "worker_namespaces": ("airflow-core", "airflow-logs"),
        },
        {"airflow": None},
        {"provider": "existing", "argocd": "existing"},
        {"provider": "existing", "argocd": "existing", "argocd_trust": "manage", "airflow": replace(AIRFLOW, project="data")},
        {"argocd_trust": "manage"},
    ],
)
def test_settings_of_the_platform_that_agree(given: dict[str, Any]) -> None:
    assert rules.broken(rules.PLATFORM, replace(PLATFORM, **given)) == []


LABEL = "in quotes if it is a number."


@pytest.mark.parametrize(
    ("given", "code", "value", "words", "action"),
    [
        (
            {"provider": "minikube"},
            "provider",
            "minikube",
            "platform_provider is 'minikube'. It must be 'kind'",
            "Correct platform_provider",
        ),
        *(
            (
                {"name": name},
                "platform_name",
                str(name),
                f"platform_name is '{name}'. It must be a text of 1 to 63 lower-case letters",
                LABEL,
            )
            for name in ("Airflow", "a_b", "-a", "a-", "a" * 64, "", 123, True, "a\n")
        ),
        ({"argocd": "shared"}, "argocd", "shared", "'shared'. It must be 'install'", "Correct platform_argocd"),
        ({"argocd": "existing"}, "argocd", "existing", "but platform_provider is 'kind'", "platform_provider to existing"),
        ({"argocd_trust": "never"}, "argocd_trust", "never", "'never'. It must be 'check'", "Correct platform_argocd_trust"),
        ({"argocd_trust": "check"}, "argocd_trust", "check", "platform_argocd is not 'existing'", "Remove platform_argocd_trust"),
        (
            {"airflow": replace(AIRFLOW, project="data")},
            "project",
            "data",
            "airflow_app_project is 'data', but platform_argocd is not 'existing'",
            "Remove airflow_app_project",
        ),
        ({"git_server": "github"}, "git_server", "github", "'github'. It must be 'embedded'", "Correct platform_git_server"),
        *(
            (
                {"airflow_version": version},
                "airflow_version",
                version,
                f"'{version}'. The platform is made for Airflow 2.6 to 2.10",
                "Correct",
            )
            for version in ("2.5.3", "2.11.0", "2.11", "3.0.1", "2.x", "latest")
        ),
        (
            {"argocd_host_port": 8080},
            "same_port",
            "8080",
            "are both 8080",
            "Change platform_airflow_host_port or platform_argocd_host_port",
        ),
        *(
            (
                {"worker_namespaces": ("airflow-core", name)},
                "namespace_name",
                str(name),
                f"is {name}. The name of a namespace",
                f"Correct {name}, {LABEL}",
            )
            for name in ("Airflow-user", "airflow_user", "-a", "a-", "a.b", "a" * 64, 123, True, "a: b")
        ),
        ({"argocd_namespace": "Argo"}, "namespace_name", "Argo", "is Argo.", "Correct Argo"),
        ({"git_namespace": "git\n"}, "namespace_name", "git\n", "is git\n.", "Correct git"),
        *(
            (
                {option: name},
                "shared_namespace",
                name,
                f"names {name}, which is the namespace of Argo CD, of the Git server or of the task logs",
                "Use another namespace",
            )
            for option, name in (
                ("git_namespace", "airflow-user"),
                ("logs_namespace", "airflow-user"),
                ("argocd_namespace", "airflow-core"),
            )
        ),
        (
            {"core_namespace": "core"},
            "core_namespace",
            "core",
            "is 'core', which platform_worker_namespaces ['airflow-core', 'airflow-cron', 'airflow-user'] does not name",
            "Add 'core' to platform_worker_namespaces. To keep tasks out of it, set airflow_app_core_tasks to false.",
        ),
        (
            {"worker_namespaces": ("airflow-core", "airflow-core")},
            "namespace_twice",
            "airflow-core",
            "['airflow-core', 'airflow-core'] names airflow-core more than once",
            "Remove the other entries",
        ),
    ],
)
def test_settings_of_the_platform_that_do_not_agree(given: dict[str, Any], code: str, value: str, words: str, action: str) -> None:
    (found,) = rules.broken(rules.PLATFORM, replace(PLATFORM, **given))
    check(found, code, value, words, action)


def test_all_settings_that_do_not_agree_are_found_at_once() -> None:
    given = replace(PLATFORM, provider="minikube", name=5, argocd_host_port=8080)
    assert [refusal.code for refusal in rules.broken(rules.PLATFORM, given)] == ["provider", "platform_name", "same_port"]


@pytest.mark.parametrize(
    ("provider", "path", "refused"),
    [
        ("existing", "{here}/config", False),
        ("existing", "{here}/none:{here}/config", False),
        ("existing", "{here}/none", True),
        ("existing", "{here}", True),
        ("existing", "", True),
        ("existing", None, False),
        ("existing", {"clusters": []}, False),
        ("kind", "{here}/none", False),
    ],
)
def test_the_kubeconfig_of_an_existing_cluster_is_a_file(tmp_path: Path, provider: str, path: Any, refused: bool) -> None:
    (tmp_path / "config").touch()
    given = path.format(here=tmp_path) if isinstance(path, str) else path
    found = list(rules.kubeconfig(given, replace(PLATFORM, provider=provider), "production"))
    if not refused:
        assert found == []
        return
    words = f"platform_kubeconfig is '{given}', which is not a file on this machine"
    check(found[0], "kubeconfig", given, words, "to the kubeconfig file that has the context 'production'.")


# Chart values and task settings

AUTOMOUNT = "automountServiceAccountToken"
TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
STANDALONE = "AIRFLOW__SCHEDULER__STANDALONE_DAG_PROCESSOR"


def own(values: Any) -> dict[str, Any]:
    return {"values": values}


WORKER_OPTION, OF_CHART = "config.kubernetes_executor.worker_container", "{{ .Values.defaultAirflowRepository }}"


def worker_image(repository: Any, tag: Any) -> dict[str, Any]:
    return {"config": {"kubernetes_executor": {"worker_container_repository": repository, "worker_container_tag": tag}}}


MOUNTED = "/opt/gitops-airflow"
ODD_SPECS = (
    "5",
    "[]",
    "{containers: 5}",
    "{containers: base}",
    "{containers: [base, 5]}",
    "{containers: {name: base, imagePullPolicy: Always}}",
)


def pod_template(always: str) -> str:
    """A pod template of people's own, in which one container's image is pulled at each start."""
    policies = ({"name": name, **({"imagePullPolicy": "Always"} if name == always else {})} for name in ("base", "sidecar"))
    mount = {"name": "gitops-airflow", "mountPath": "/opt/gitops-airflow"}
    return json.dumps({"spec": {"containers": [{**entry, "volumeMounts": [mount]} for entry in policies]}})


@pytest.mark.parametrize(
    "given",
    [
        own({"executor": "KubernetesExecutor", "airflowVersion": "2.6.3"}),
        own({"config": {"kubernetes_executor": {LIST: "airflow-user,airflow-core,airflow-cron"}}}),
        own({"config": {"kubernetes": {"multi_namespace_mode": "true"}, "core": None, "logging": {"logging_level": "DEBUG"}}}),
        own({"env": [{"name": "AIRFLOW__KUBERNETES_ENVIRONMENT_VARIABLES__TEAM", "value": "a"}]}),
        own({"airflowLocalSettings": "{{ include 'platform.localSettings' . }}\nX = 1"}),
        own({"env": [{"name": "PYTHONPATH", "value": "/opt/gitops-airflow:/opt/lib"}]}),
        own(None),
        {"default_namespace": "airflow-user", "core_tasks": False},
        {"default_namespace": "airflow-user", **own({"config": {"kubernetes": {"namespace": "airflow-user"}}})},
        {"task_secrets": ("my-warehouse",), "task_claims": ("scratch",)},
        {"dag_processor": True},
        {"dag_processor": True, **own({"dagProcessor": {"enabled": True, "replicas": 2, "serviceAccount": None}})},
        {"dag_processor": True, **own({"dagProcessor": {"serviceAccount": {"automountServiceAccountToken": False, "annotations": {}}}})},
        own({"dagProcessor": {"enabled": False, "serviceAccount": {"name": "mine"}}}),
        own({"scheduler": {"serviceAccount": {"automountServiceAccountToken": False, "annotations": {"a": "b"}}}}),
        own(
            {
                "scheduler": {
                    "extraVolumeMounts": [{"name": "x", "mountPath": "/var/run"}, {"name": "y", "mountPath": "/var/run/secrets/mine"}]
                }
            }
        ),
        # A sidecar of people's own may have it: that is their decision.
        own({"scheduler": {"extraContainers": [{"name": "a", "volumeMounts": [{"name": "kube-api-access", "mountPath": TOKEN_FOLDER}]}]}}),
        {"task_token_audiences": ("vault", "https://sts.example.com", "kubernetes-dashboard")},
        {"logs": Logs("none"), **own({"config": {"logging": {"remote_logging": "True"}}})},
        {"python_requirements": "requirements.txt", **own({"images": {"gitSync": {"tag": "v4", "pullPolicy": "Always"}}})},
        {"python_requirements": "requirements.txt", **own({"images": {"airflow": {"pullPolicy": "IfNotPresent"}, "pod_template": None}})},
        {"python_requirements": "requirements.txt", **own({"images": {"pod_template": {"pullPolicy": "Never"}}})},
        {"python_requirements": "requirements.txt", **own({"podTemplate": pod_template("sidecar")})},
        # The executor uses both or none, and the chart's own templates name the image that is built.
        {"python_requirements": "requirements.txt", **own(worker_image("mine", ""))},
        {"python_requirements": "requirements.txt", **own(worker_image("", "1"))},
        {"python_requirements": "requirements.txt", **own(worker_image(OF_CHART, OF_CHART))},
        # What is not a list of containers is the API server's to refuse.
        *({"python_requirements": "requirements.txt", **own({"podTemplate": f"# {MOUNTED}\nspec: {spec}"})} for spec in ODD_SPECS),
        # Only for an image that the run builds.
        own({"images": {"airflow": {"tag": "mine", "pullPolicy": "Always"}, "pod_template": {"pullPolicy": "Always"}}}),
        own({"podTemplate": pod_template("base")}),
        own({"config": {"kubernetes_executor": {"worker_container_tag": "mine"}}}),
    ],
)
def test_values_that_agree(given: dict[str, Any]) -> None:
    assert value_rules.broken(PLATFORM, replace(AIRFLOW, **given)) == []


REMOVE = "Remove the option from airflow_app_values"


@pytest.mark.parametrize(
    ("given", "code", "value", "words", "action"),
    [
        (
            own({"airflowVersion": "2.10.5"}),
            "airflow_version_twice",
            "2.10.5",
            "sets airflowVersion to 2.10.5, but platform_airflow_version is 2.6.3",
            "Remove airflowVersion",
        ),
        *(
            (
                {"python_requirements": "requirements.txt", **own(values)},
                "image_twice",
                path,
                f"sets {path}, so that Airflow would not use the image",
                f"Remove {path} from airflow_app_values.",
            )
            for values, path in (
                ({"defaultAirflowTag": "mine"}, "defaultAirflowTag"),
                ({"images": {"airflow": {"repository": "mine"}}}, "images.airflow.repository"),
                ({"images": {"pod_template": {"tag": "mine"}}}, "images.pod_template.tag"),
                # What the executor gives to workers.
                (
                    {"config": {"kubernetes_executor": {"worker_container_repository": "mine"}}},
                    "config.kubernetes_executor.worker_container_repository",
                ),
                ({"config": {"kubernetes": {"worker_container_tag": "mine"}}}, "config.kubernetes.worker_container_tag"),
                (worker_image("mine", "1"), f"{WORKER_OPTION}_repository, {WORKER_OPTION}_tag"),
                # The other one is the chart's.
                (worker_image(OF_CHART, 1), f"{WORKER_OPTION}_tag"),
                (worker_image("mine", None), f"{WORKER_OPTION}_repository"),
            )
        ),
        *(
            (
                {"python_requirements": "requirements.txt", **own(values)},
                "pull_policy",
                ", ".join(places),
                f"sets {' and '.join(places)} to Always. The image that is built from airflow_app_python_requirements is only on",
                f"Remove {' and '.join(places)} from airflow_app_values.",
            )
            for values, places in (
                ({"images": {"airflow": {"pullPolicy": "Always"}}}, ["images.airflow.pullPolicy"]),
                ({"images": {"pod_template": {"pullPolicy": "Always"}}}, ["images.pod_template.pullPolicy"]),
                (
                    {"images": {name: {"pullPolicy": "Always"} for name in ("pod_template", "airflow", "statsd")}},
                    ["images.airflow.pullPolicy", "images.pod_template.pullPolicy"],
                ),
                ({"podTemplate": pod_template("base")}, ["imagePullPolicy of the container base in podTemplate"]),
            )
        ),
        # D4
        (
            {"default_namespace": "airflow"},
            "default_namespace",
            "airflow",
            "is 'airflow', where tasks run that name no namespace",
            "Set airflow_app_default_namespace",
        ),
        (
            {"core_tasks": False},
            "default_namespace",
            "airflow-core",
            "and not airflow-core, which airflow_app_core_tasks keeps tasks out of.",
            "Set airflow_app_default_namespace",
        ),
        (
            own({"config": {"kubernetes_executor": {"namespace": "airflow-user"}}}),
            "default_namespace_twice",
            "airflow-user",
            "namespace to airflow-user, but airflow_app_default_namespace is airflow-core",
            "and set airflow_app_default_namespace.",
        ),
        (
            {"task_secrets": ("x", "airflow-mysql")},
            "task_reference",
            "airflow-mysql",
            "names airflow-mysql. With them a task could control the whole platform",
            "Remove airflow-mysql from that list.",
        ),
        ({"task_claims": ("data-airflow-mysql-0",)}, "task_reference", "data-airflow-mysql-0", "names data-airflow-mysql-0", "Remove"),
        # D12
        *(
            (
                {"task_token_audiences": ("vault", name)},
                "task_token_audience",
                f"'{name}'",
                "is an audience of the Kubernetes API",
                "Remove",
            )
            for name in ("", "api", "https://kubernetes.default.svc.cluster.local", "https://kubernetes.default.svc", "k3s")
        ),
        (
            own({"config": {"kubernetes": {"namespace_list": "airflow-core"}}}),
            "namespace_list",
            "airflow-core",
            "to 'airflow-core', but platform_worker_namespaces is 'airflow-core,airflow-cron,airflow-user'",
            REMOVE,
        ),
        (
            own({"config": {"kubernetes_executor": {LIST: "airflow-core, airflow-cron"}}}),
            "namespace_list",
            "airflow-core, airflow-cron",
            "with no spaces",
            REMOVE,
        ),
        (
            own({"config": {"kubernetes_executor": {"multi_namespace_mode": "False"}}}),
            "multi_namespace_mode",
            "False",
            "multi_namespace_mode to False in",
            REMOVE,
        ),
        (
            own({"config": {"kubernetes": {"multi_namespace_mode": False}}}),
            "multi_namespace_mode",
            "False",
            "the workers of airflow-core, airflow-cron, airflow-user",
            REMOVE,
        ),
        (
            own({"enableBuiltInSecretEnvVars": {"AIRFLOW__WEBSERVER__SECRET_KEY": True}}),
            "webserver_key",
            "true",
            "which gives every worker the key",
            REMOVE,
        ),
        (own({"executor": "CeleryExecutor"}), "executor", "CeleryExecutor", "the executor to CeleryExecutor", REMOVE),
        (own({"config": {"core": {"executor": "LocalExecutor"}}}), "executor", "LocalExecutor", "made for KubernetesExecutor", REMOVE),
        (
            own({"env": [{"name": f"AIRFLOW__KUBERNETES_EXECUTOR__{LIST.upper()}"}]}),
            "environment_variable",
            f"AIRFLOW__KUBERNETES_EXECUTOR__{LIST.upper()}",
            f"{LIST.upper()} as environment variable (in env.name)",
            "Set the option in config.kubernetes_executor",
        ),
        (
            own({"extraEnv": "- name: AIRFLOW__KUBERNETES__NAMESPACE_LIST\n  value: a"}),
            "environment_variable",
            "AIRFLOW__KUBERNETES__NAMESPACE_LIST",
            "AIRFLOW__KUBERNETES__NAMESPACE_LIST as environment variable (in extraEnv)",
            "or leave it out",
        ),
        (
            own({"scheduler": {"env": [{"name": "AIRFLOW__CORE__EXECUTOR", "value": "LocalExecutor"}]}}),
            "environment_variable",
            "AIRFLOW__CORE__EXECUTOR",
            "AIRFLOW__CORE__EXECUTOR as environment variable (in scheduler.env.name)",
            "or leave it out",
        ),
        (
            own({"AIRFLOW__CORE__EXECUTOR_CMD": "x"}),
            "environment_variable",
            "AIRFLOW__CORE__EXECUTOR_CMD",
            "(in its keys)",
            "or leave it out",
        ),
        (own({"airflowLocalSettings": ""}), "cluster_policy", "airflowLocalSettings", "platform.localSettings", "Include that definition"),
        (
            own({"airflowLocalSettings": "def task_policy(task): pass"}),
            "cluster_policy",
            "airflowLocalSettings",
            "platform.localSettings",
            "Include",
        ),
        (own({"airflowLocalSettings": None}), "cluster_policy", "airflowLocalSettings", "platform.localSettings", "Include"),
        # D3
        (
            own({"env": [{"name": "PYTHONPATH", "value": "/opt/airflow/dags"}]}),
            "python_path",
            "env sets PYTHONPATH to '/opt/airflow/dags', which does not begin with /opt/gitops-airflow",
            "to '/opt/airflow/dags', which does not begin with /opt/gitops-airflow.",
            'env: {name: PYTHONPATH, value: "/opt/gitops-airflow:/your/folder"}.',
        ),
        (
            own({"webserver": {"env": [{"name": "PYTHONHOME", "value": "/x"}]}}),
            "python_path",
            "webserver.env.name sets PYTHONHOME",
            "sets PYTHONHOME",
            "Remove",
        ),
        (
            own({"config": {"logging": {"remote_logging": "False"}}}),
            "remote_logging",
            "remote_logging",
            "sets remote_logging in config.logging, which the platform sets for airflow_app_logs 'embedded'.",
            "or set airflow_app_logs to 'none'",
        ),
        (own({"rbac": {"create": True}}), "cluster_roles", "rbac.create", "sets rbac.create", "Remove rbac.create"),
        (own({"multiNamespaceMode": True}), "cluster_roles", "multiNamespaceMode", "in the whole cluster", "Remove multiNamespaceMode"),
        # Wrong types
        (
            own("parallelism=12"),
            "values_type",
            "text",
            "airflow_app_values is a text. It must be a dictionary.",
            "Correct airflow_app_values.",
        ),
        (own([{"env": 1}]), "values_type", "list", "airflow_app_values is a list", "Correct airflow_app_values."),
        (own({"config": {"core": "x"}}), "values_type", "text", "config.core of airflow_app_values is a text", "Correct config.core"),
        (
            own({"createUserJob": True}),
            "values_type",
            "boolean",
            "createUserJob of airflow_app_values is a boolean",
            "Correct createUserJob",
        ),
        # D2
        *(
            (
                {"dag_processor": on, **own(values)},
                "dag_processor_twice",
                name,
                f"airflow_app_values sets {name}, but airflow_app_dag_processor is {str(on).lower()}. DAG files would be parsed twice",
                "Remove these values from airflow_app_values, and set airflow_app_dag_processor.",
            )
            for on, values, name in (
                (False, {"dagProcessor": {"enabled": True}}, "dagProcessor.enabled"),
                (True, {"dagProcessor": {"enabled": False}}, "dagProcessor.enabled"),
                (True, {"dagProcessor": {"enabled": "yes"}}, "dagProcessor.enabled"),
                (True, {"config": {"scheduler": {"standalone_dag_processor": "True"}}}, "config.scheduler.standalone_dag_processor"),
                (False, {"scheduler": {"env": [{"name": STANDALONE, "value": "True"}]}}, STANDALONE),
                (False, {"extraEnv": f"- {{name: {STANDALONE}, value: 'True'}}"}, STANDALONE),
            )
        ),
        *(
            (
                {"dag_processor": True, **own({"dagProcessor": {"serviceAccount": account}})},
                "dag_processor_account",
                name,
                f"airflow_app_values sets {name}. The DAG processor runs the code of DAG files",
                f"Remove {name} from airflow_app_values.",
            )
            for account, name in (
                ({"automountServiceAccountToken": True}, "dagProcessor.serviceAccount.automountServiceAccountToken"),
                ({"name": "airflow-scheduler"}, "dagProcessor.serviceAccount.name"),
                ({"create": False}, "dagProcessor.serviceAccount.create"),
            )
        ),
        # D14
        *(
            (
                own(values),
                "token_mount",
                name,
                f"airflow_app_values sets {name}. The platform mounts the token at /var/run/secrets/kubernetes.io/serviceaccount in the",
                f"Remove {name} from airflow_app_values.",
            )
            for values, name in (
                *(
                    (
                        {part: {"serviceAccount": {"automountServiceAccountToken": True}}},
                        f"{part}.serviceAccount.automountServiceAccountToken",
                    )
                    for part in ("scheduler", "triggerer", "webserver")
                ),
                *(
                    ({part: {"extraVolumeMounts": [{"name": "x", "mountPath": path}]}}, f"{part}.extraVolumeMounts")
                    for part in ("scheduler", "dagProcessor")
                    for path in (
                        TOKEN_FOLDER,
                        TOKEN_FOLDER + "/",
                        "/run/secrets/kubernetes.io/serviceaccount/token",
                        f"//var/./{TOKEN_FOLDER[5:]}",
                    )
                ),
                (
                    {"dags": {"gitSync": {"extraVolumeMounts": [{"name": "x", "mountPath": TOKEN_FOLDER}]}}},
                    "dags.gitSync.extraVolumeMounts",
                ),
                ({"volumeMounts": [{"name": "x", "mountPath": TOKEN_FOLDER}]}, "volumeMounts"),
            )
        ),
        (
            own({"dags": {"gitSync": {"extraVolumeMounts": [{"name": "kube-api-access", "mountPath": "/x"}]}}}),
            "platform_entry",
            "kube-api-access",
            "airflow_app_values sets kube-api-access in dags.gitSync.extraVolumeMounts, which the platform needs for the token",
            "Give your entry another name.",
        ),
        (
            own({"dagProcessor": {"serviceAccount": "mine"}}),
            "values_type",
            "text",
            "dagProcessor.serviceAccount of airflow_app_values is a text",
            "Correct dagProcessor.serviceAccount",
        ),
        (
            own({"scheduler": {"serviceAccount": "mine"}}),
            "values_type",
            "text",
            "scheduler.serviceAccount of airflow_app_values is a text",
            "Correct scheduler.serviceAccount",
        ),
    ],
)
def test_values_that_do_not_agree(given: dict[str, Any], code: str, value: str, words: str, action: str) -> None:
    found = value_rules.broken(PLATFORM, replace(AIRFLOW, **given))
    assert [refusal.code for refusal in found] == [code]
    check(found[0], code, value, words, action)


def test_d2_values_give_the_dag_processor_no_token() -> None:
    token = own({"dagProcessor": {"serviceAccount": {"automountServiceAccountToken": True}}})
    given = replace(AIRFLOW, dag_processor=True, **token)
    assert [refusal.code for refusal in value_rules.broken(PLATFORM, given)] == ["dag_processor_account"]


@pytest.mark.parametrize(("account", "said"), [({"create": False, "name": "mine"}, True), ({"name": "mine"}, False), (None, False)])
def test_d14_an_account_of_peoples_own_may_have_its_token_everywhere(account: Any, said: bool) -> None:
    """Kubernetes mounts it beside the platform's mount, in the containers that have none."""
    found = value_rules.warnings(PLATFORM, replace(AIRFLOW, **own({"scheduler": {"serviceAccount": account}})))
    assert any("scheduler.serviceAccount.create to false" in text for text in found) is said


def test_any_version_of_airflow_will_do_where_none_is_set() -> None:
    assert value_rules.broken(replace(PLATFORM, airflow_version=""), replace(AIRFLOW, **own({"airflowVersion": "2.10.5"}))) == []


def test_python_packages_of_a_cluster_that_is_not_kinds() -> None:
    given = replace(AIRFLOW, python_requirements="requirements.txt")
    assert value_rules.broken(PLATFORM, given) == []
    (refusal,) = value_rules.broken(replace(PLATFORM, provider="existing"), given)
    words = "airflow_app_python_requirements is 'requirements.txt', but platform_provider is 'existing'."
    check(refusal, "python_requirements", "requirements.txt", words, "set platform_airflow_image to its name.")
    assert "docs/python-packages.md" in refusal.next_action
    assert value_rules.broken(replace(PLATFORM, provider="existing"), AIRFLOW) == []


# Images of this machine that are loaded into the nodes

MINE, TEAM = "my-airflow:2.6.3-1", "my-etl:1"
WITH_MINE = replace(PLATFORM, images={"airflow": MINE}, profiles=({"name": "airflow-core"}, {"name": "airflow-user", "image": TEAM}))
CORE_PULL, WORKER_PULL = "images.airflow.pullPolicy", "images.pod_template.pullPolicy"


def always(*names: str) -> dict[str, Any]:
    return {"images": {name: {"pullPolicy": "Always"} for name in names}}


@pytest.mark.parametrize(
    ("values", "images", "expected"),
    [
        (always("airflow"), (MINE,), [(CORE_PULL, MINE)]),
        (always("airflow"), (TEAM,), []),
        (always("pod_template"), (TEAM,), [(WORKER_PULL, TEAM)]),
        (always("pod_template"), (TEAM, MINE), [(WORKER_PULL, f"{MINE}, {TEAM}")]),
        (always("pod_template", "airflow"), (MINE,), [(CORE_PULL, MINE), (WORKER_PULL, MINE)]),
        ({"podTemplate": pod_template("base")}, (TEAM,), [("imagePullPolicy of the container base in podTemplate", TEAM)]),
        (always("airflow", "pod_template"), (), []),
        (always("airflow", "pod_template"), ("other:1",), []),
        ({"images": {"airflow": {"pullPolicy": "IfNotPresent"}}}, (MINE,), []),
        ({}, (MINE, TEAM), []),
    ],
)
def test_a_node_that_pulls_a_loaded_image_is_a_warning(values: Any, images: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert value_rules.warnings(WITH_MINE, replace(AIRFLOW, values=values, local_images=images)) == [
        f"airflow_app_values sets {place} to Always. kind_cluster_docker_images loads {loaded} into the nodes, but a node pulls it at each "
        f"start of a pod nevertheless. If no registry has it, remove {place}."
        for place, loaded in expected
    ]


def test_the_image_that_the_run_builds_is_refused_instead() -> None:
    airflow = replace(AIRFLOW, values=always("airflow"), local_images=(MINE,), python_requirements="requirements.txt")
    assert value_rules.warnings(WITH_MINE, airflow) == []
    assert [refusal.code for refusal in value_rules.broken(WITH_MINE, airflow)] == ["pull_policy"]
