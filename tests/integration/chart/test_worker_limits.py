# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D2: the admission policy allows, before Argo CD has applied the chart, what the chart then renders. No task is refused between."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import worker_limits
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_policy import Limits
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Logs, Repository, Settings
from ansible_collections.gitops.airflow.tests.integration.chart.rendering import Write, named, rendered_objects

AIRFLOW = AirflowSettings(Repository("platform", "u", embedded=True), Repository("dags", "u", embedded=True))
NAMESPACES = ("airflow-core", "airflow-cron", "airflow-user")
TOLERATION = {"key": "node-role.kubernetes.io/batch", "operator": "Exists"}
# People's values that both charts take, and those that the double does not know.
VALUES: list[dict[str, Any]] = [
    {},
    {"tolerations": [TOLERATION]},
    {"workers": {"extraVolumes": [{"name": "data", "hostPath": {"path": "/data"}}, {"name": "s", "secret": {"secretName": "mine"}}]}},
    {"volumes": [{"name": "s", "configMap": {"name": "everywhere", "optional": True}}]},
    {"workers": {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "mine", "key": "k", "optional": True}}}]}},
    {
        "fernetKeySecretName": "own-key",
        "dags": {"gitSync": {"env": [{"name": "X", "value": "x"}]}},
    },
    {"fullnameOverride": "data"},
]
OFFICIAL: list[dict[str, Any]] = [
    {"secret": [{"envName": "X", "secretName": "mine", "secretKey": "k"}], "registry": {"secretName": "pull"}},
    {"extraEnvFrom": "- secretRef: {name: all}\n- configMapRef: {name: map}\n", "extraEnv": "- {name: X, value: y}\n"},
    {"workers": {"tolerations": [TOLERATION], "extraContainers": [{"name": "own", "image": "x", "securityContext": {"privileged": True}}]}},
    {"workers": {"securityContexts": {"container": {"capabilities": {"add": ["NET_RAW"]}}}}},
    {"workers": {"extraInitContainers": [{"name": "first", "image": "x", "envFrom": [{"secretRef": {"name": "init"}}]}]}},
    {"logs": {"persistence": {"enabled": True, "existingClaim": "logs"}}},
]


def live(write: Write, **variables: Any) -> Limits:
    (config,) = [
        item
        for item in named(rendered_objects(write(**variables)), "ConfigMap", "airflow-python")
        if item["metadata"]["namespace"] == "airflow-core"
    ]
    found = worker_limits.live(config)
    assert found, "the ConfigMap is not as worker_limits reads it"
    return found


def check(now: Limits, expected: Limits) -> None:
    """What is allowed before covers what is rendered. Of what the platform itself names, nothing more."""
    assert now.references <= expected.references, now.references - expected.references
    assert now.exceptions <= expected.exceptions, now.exceptions - expected.exceptions
    assert now.operators == expected.operators
    assert (now.accounts, now.releases, now.namespaces, now.audiences, now.core) == (
        expected.accounts,
        expected.releases,
        expected.namespaces,
        expected.audiences,
        expected.core,
    )
    assert {name: found for name, found in now.scheduling.items() if found} == {
        name: found for name, found in expected.scheduling.items() if found
    }


@pytest.mark.parametrize("values", [*VALUES, *(OFFICIAL if "AIRFLOW_CHART" in os.environ else [])])
def test_d2_nothing_is_missing_before_the_chart_is_applied(write: Write, values: dict[str, Any]) -> None:
    airflow = replace(AIRFLOW, values=values)
    check(live(write, airflow_app_values=values), worker_limits.wanted(Settings(worker_namespaces=NAMESPACES, airflow=airflow), airflow))


@pytest.mark.parametrize("logs", ["embedded", "none"])
def test_d2_with_the_platforms_values_alone_both_say_the_same(write: Write, logs: str) -> None:
    core = {"name": "airflow-core", "pull_secrets": ["pull"], "image": "a/b:1"}
    cron = {"name": "airflow-cron", "tolerations": [TOLERATION], "pull_secrets": ["other"], "pod_operator": True}
    namespaces: list[dict[str, Any]] = [core, cron]
    airflow = replace(
        AIRFLOW, logs=Logs(logs), task_secrets=("a",), task_config_maps=("b",), task_claims=("c",), task_token_audiences=("vault",)
    )
    given = Settings(worker_namespaces=("airflow-core", "airflow-cron"), profiles=tuple(namespaces), airflow=airflow)
    now = live(
        write,
        airflow_app_logs=logs,
        platform_worker_namespaces=namespaces,
        airflow_app_task_secrets=["a"],
        airflow_app_task_config_maps=["b"],
        airflow_app_task_claims=["c"],
        airflow_app_task_token_audiences=["vault"],
    )
    expected = worker_limits.wanted(given, airflow)
    check(now, expected)
    assert now.references == expected.references
    assert {name for _kind, name in now.references} & {"pull", "other"} == {"pull"}
    assert now.exceptions == expected.exceptions
    assert now.core_open
    assert now.operators == {"airflow-cron"}


def test_d2_a_core_namespace_that_is_closed_to_tasks(write: Write) -> None:
    now = live(write, airflow_app_core_tasks=False, airflow_app_default_namespace="airflow-cron")
    assert (now.core_open, now.namespaces) == (False, frozenset({"airflow-cron", "airflow-user"}))


@pytest.mark.parametrize("data", [None, {}, {"airflow_local_settings.py": "configure(r'''{}''')"}, {"worker-pod.json": "{}"}])
def test_d2_a_config_map_of_an_older_version_says_nothing(data: Any) -> None:
    assert worker_limits.live({"data": data}) is None
