# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs of the platform that do not agree are refused, each with a message that names the value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROLE = Path(__file__).parents[2] / "roles/platform"
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
        {"platform_group": "platform", "group_names": ["platform"]},
        {"airflow_app_values": {"executor": "KubernetesExecutor", "airflowVersion": "2.6.3"}},
        {"airflow_app_values": {"config": {"kubernetes_executor": {LIST: "airflow-user,airflow-core,airflow-cron"}}}},
    ],
)
def test_inputs_that_agree(variables: dict[str, Any], given: dict[str, Any]) -> None:
    assert broken(variables, **given) == {}


@pytest.mark.parametrize(
    ("given", "label", "words"),
    [
        ({"platform_group": "platform", "group_names": ["ungrouped"]}, "inventory", "no host in the group platform"),
        ({"platform_provider": "minikube"}, "provider", "'minikube'"),
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
    ],
)
def test_inputs_that_do_not_agree(variables: dict[str, Any], given: dict[str, Any], label: str, words: str) -> None:
    found = broken(variables, **given)
    assert list(found) == [label]
    assert words in found[label]


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
