# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs of the platform that do not agree are refused, each with a message that names the value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

ROLE = ROOT / "roles/platform"
LIST = "multi_namespace_mode_namespace_list"


@pytest.fixture(scope="module")
def variables(role_variables: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return role_variables(*sorted((ROLE / "defaults/main").glob("*.yml")), ROLE / "vars/main.yml")


def broken(variables: dict[str, Any], **given: Any) -> dict[str, str]:
    """The rules that do not hold: label to message."""
    rules = Templar(DataLoader(), variables | given).template(variables["__platform_rules"])
    return {rule["label"]: rule["message"] for rule in rules if not rule["holds"]}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"platform_airflow_version": "2.10.5"},
        {"platform_name": "a"},
        {"platform_name": "team-1"},
        {"platform_name": "a" * 63},
        {"platform_group": "platform", "group_names": ["platform"]},
        {"airflow_app_values": {"executor": "KubernetesExecutor", "airflowVersion": "2.6.3"}},
        {"airflow_app_values": {"config": {"kubernetes_executor": {LIST: "airflow-user,airflow-core,airflow-cron"}}}},
        {"airflow_app_values": {"env": [{"name": "AIRFLOW__KUBERNETES_ENVIRONMENT_VARIABLES__TEAM", "value": "a"}]}},
        {"airflow_app_values": {"airflowLocalSettings": "{% raw %}{{ include 'platform.localSettings' . }}{% endraw %}\nX = 1"}},
        {"airflow_app_values": {"env": [{"name": "PYTHONPATH", "value": "/opt/gitops-airflow:/opt/lib"}]}},
        {"airflow_app_default_namespace": "airflow-user", "airflow_app_core_tasks": False},
        {"airflow_app_default_namespace": "airflow-user", "airflow_app_values": {"config": {"kubernetes": {"namespace": "airflow-user"}}}},
        {"airflow_app_task_secrets": ["my-warehouse"], "airflow_app_task_claims": ["scratch"]},
        {"airflow_app_dags_repo": "ssh://git@host/dags.git", "airflow_app_platform_repo": "https://host/a@b.git"},
        {"platform_worker_namespaces": [{"name": "airflow-core"}, {"name": "123"}, {"name": "on"}, {"name": "a" * 63}]},
        {"airflow_app_logs": "none", "airflow_app_values": {"config": {"logging": {"remote_logging": "True"}}}},
        {"airflow_app_logs": "s3", "platform_worker_namespaces": [{"name": "airflow-core"}, {"name": "airflow-logs"}]},
        {"airflow_app_values": {"config": {"logging": {"logging_level": "DEBUG"}}}},
        {"platform_git_server": "external", "platform_worker_namespaces": [{"name": "airflow-core"}, {"name": "git"}]},
    ],
)
def test_inputs_that_agree(variables: dict[str, Any], given: dict[str, Any]) -> None:
    assert broken(variables, **given) == {}


@pytest.mark.parametrize(
    ("given", "label", "words"),
    [
        ({"platform_group": "platform", "group_names": ["ungrouped"]}, "inventory", "no host in the group platform"),
        ({"platform_provider": "minikube"}, "provider", "'minikube'"),
        ({"platform_name": "Airflow"}, "platform's name", "platform_name is 'Airflow'; it must be a text of 1 to 63 lower-case letters"),
        ({"platform_name": "a_b"}, "platform's name", "'a_b'"),
        ({"platform_name": "-a"}, "platform's name", "'-a'"),
        ({"platform_name": "a-"}, "platform's name", "'a-'"),
        ({"platform_name": "a" * 64}, "platform's name", "begins and ends with a letter or digit"),
        ({"platform_name": ""}, "platform's name", "''"),
        ({"platform_name": 123}, "platform's name", "in quotes if it is a number"),
        ({"platform_git_server": "github"}, "git server", "'github'"),
        ({"platform_airflow_version": "2.5.3"}, "Airflow's version", "'2.5.3'; the platform is made for Airflow 2.6 to 2.10"),
        ({"platform_airflow_version": "2.11.0"}, "Airflow's version", "'2.11.0'"),
        (
            {"airflow_app_values": {"airflowVersion": "2.10.5"}},
            "Airflow's version, once",
            "to 2.10.5, but platform_airflow_version is 2.6.3",
        ),
        ({"platform_argocd_host_port": 8080}, "ports", "both 8080"),
        ({"platform_core_namespace": "core"}, "core namespace", "'core'"),
        ({"platform_worker_namespaces": [{"name": "airflow-core"}] * 2}, "each namespace once", "['airflow-core', 'airflow-core']"),
        ({"airflow_app_values": {"config": {"kubernetes": {"namespace_list": "airflow-core"}}}}, "namespace list", "'airflow-core', but"),
        (
            {"airflow_app_values": {"config": {"kubernetes_executor": {LIST: "airflow-core, airflow-cron"}}}},
            "namespace list",
            "no spaces",
        ),
        ({"airflow_app_values": {"config": {"kubernetes_executor": {"multi_namespace_mode": "False"}}}}, "multi-namespace mode", "False"),
        ({"airflow_app_values": {"executor": "CeleryExecutor"}}, "executor", "CeleryExecutor"),
        ({"airflow_app_values": {"rbac": {"create": True}}}, "cluster-wide roles", "rbac.create"),
        (
            {"airflow_app_values": {"env": [{"name": f"AIRFLOW__KUBERNETES_EXECUTOR__{LIST.upper()}"}]}},
            "environment variables",
            LIST.upper(),
        ),
        (
            {"airflow_app_values": {"extraEnv": "- name: AIRFLOW__KUBERNETES__NAMESPACE_LIST\n  value: a"}},
            "environment variables",
            "AIRFLOW__KUBERNETES__NAMESPACE_LIST as environment variable",
        ),
        (
            {"airflow_app_values": {"scheduler": {"env": [{"name": "AIRFLOW__CORE__EXECUTOR", "value": "LocalExecutor"}]}}},
            "environment variables",
            "AIRFLOW__CORE__EXECUTOR as",
        ),
        ({"airflow_app_values": {"airflowLocalSettings": ""}}, "cluster policy", "platform.localSettings"),
        ({"airflow_app_values": {"airflowLocalSettings": "def task_policy(task): pass"}}, "cluster policy", "platform.localSettings"),
        # D4
        ({"airflow_app_default_namespace": "airflow"}, "default namespace", "is 'airflow', where tasks run that name no namespace"),
        ({"airflow_app_core_tasks": False}, "default namespace", "and not airflow-core, which airflow_app_core_tasks keeps tasks out of."),
        (
            {"airflow_app_values": {"config": {"kubernetes_executor": {"namespace": "airflow-user"}}}},
            "default namespace, once",
            "namespace to airflow-user, but airflow_app_default_namespace is airflow-core",
        ),
        ({"airflow_app_task_secrets": ["x", "airflow-mysql"]}, "what tasks may refer to", "names airflow-mysql, with"),
        ({"airflow_app_task_claims": ["data-airflow-mysql-0"]}, "what tasks may refer to", "names data-airflow-mysql-0, with"),
        # D3
        (
            {"airflow_app_values": {"env": [{"name": "PYTHONPATH", "value": "/opt/airflow/dags"}]}},
            "Python's path",
            "to '/opt/airflow/dags', which does not begin with /opt/gitops-airflow. Next: remove",
        ),
        ({"airflow_app_values": {"webserver": {"env": [{"name": "PYTHONHOME", "value": "/x"}]}}}, "Python's path", "sets PYTHONHOME"),
        *(
            ({"platform_worker_namespaces": [{"name": "airflow-core"}, {"name": name}]}, "namespaces' names", f"is {name}; a namespace's")
            for name in ("Airflow-user", "airflow_user", "-a", "a-", "a.b", "a" * 64, 123, True, "a: b")
        ),
        (
            {"airflow_app_dags_repo": "https://ghp_secret@host/dags.git"},
            "tokens in URLs",
            "and set airflow_app_dags_username and airflow_app_dags_password.",
        ),
        (
            {"airflow_app_platform_repo": "HTTPS://me:ghp_secret@host/x.git"},
            "tokens in URLs",
            "airflow_app_platform_repo has a user or token before the host",
        ),
        ({"platform_argocd_namespace": "Argo"}, "namespaces' names", "is Argo; "),
        ({"platform_git_namespace": "git\n"}, "namespaces' names", "is git\n; "),
        ({"platform_git_namespace": "airflow-user"}, "namespaces apart", "names airflow-user, which"),
        ({"platform_logs_namespace": "airflow-user"}, "namespaces apart", "names airflow-user, which"),
        (
            {"airflow_app_values": {"config": {"logging": {"remote_logging": "False"}}}},
            "task logs",
            "sets remote_logging in config.logging, which the platform sets for airflow_app_logs 'embedded'. Next: ",
        ),
        ({"platform_argocd_namespace": "airflow-core"}, "namespaces apart", "names airflow-core, which"),
    ],
)
def test_inputs_that_do_not_agree(variables: dict[str, Any], given: dict[str, Any], label: str, words: str) -> None:
    found = broken(variables, **given)
    assert list(found) == [label]
    assert words in found[label]
    assert "ghp_secret" not in found[label]


@pytest.mark.parametrize(
    ("failed", "cause"),
    [
        ({"msg": "secrets is forbidden. "}, "secrets is forbidden."),
        ({"rc": 22, "stdout": "argocd t0ken", "stderr": "curl: (22) error: 404\n"}, "curl: (22) error: 404."),
        ({"msg": "no", "stderr": "key " + "aB3" * 12}, "no key ********."),
        ({}, "no reason is given."),
    ],
)
def test_a_hidden_failure_is_told_without_its_output(variables: dict[str, Any], failed: dict[str, Any], cause: str) -> None:
    told = Templar(DataLoader(), variables | {"ansible_failed_result": failed}).template(variables["__platform_cause"])
    assert told.strip() == cause


def test_the_application_is_named_as_the_role_that_makes_it_does(role_variables: Callable[..., dict[str, Any]]) -> None:
    """H1: the look at the cluster runs before the role whose defaults these are."""
    files = [*sorted((ROLE / "defaults/main").glob("*.yml")), ROLE / "vars/main.yml"]
    alone = role_variables(*files)
    defaults = Templar(DataLoader(), role_variables(*files, ROLE.parent / "airflow_app/defaults/main.yml"))
    for name, own in (("application", "name"), ("repo", "platform_repo"), ("path", "platform_path")):
        assert Templar(DataLoader(), alone).template(alone[f"__platform_{name}"]) == defaults.template(alone[f"__platform_{name}"])
        assert defaults.template(alone[f"__platform_{name}"]) == defaults.template(defaults.available_variables[f"airflow_app_{own}"])
