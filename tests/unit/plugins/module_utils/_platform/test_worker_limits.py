# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What worker pods have by the settings, and by the ConfigMap of a platform that runs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._platform import worker_limits
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import TOLERATIONS
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Logs
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_limits import POLICY, TEMPLATE, live, worker_pod
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_node_state import AIRFLOW, given

ONE, OTHER = {"a": "1"}, {"b": "2"}
DEFAULT = {"tolerations": TOLERATIONS, "containers": [{"name": "base", "securityContext": None}]}


def pod(**fields: Any) -> dict[str, Any]:
    return {**DEFAULT, **fields}


def contained(context: Any) -> list[Any]:
    return [{"name": "base", "securityContext": context}]


@pytest.mark.parametrize(
    ("values", "spec"),
    [
        (None, pod()),
        ({}, pod()),
        # Those of workers go before those of all pods.
        ({"nodeSelector": ONE}, pod(nodeSelector=ONE)),
        ({"nodeSelector": ONE, "workers": {"nodeSelector": OTHER}}, pod(nodeSelector=OTHER)),
        ({"affinity": ONE}, pod(affinity=ONE)),
        ({"affinity": ONE, "workers": {"affinity": OTHER}}, pod(affinity=OTHER)),
        ({"tolerations": [ONE]}, pod(tolerations=[ONE])),
        ({"tolerations": [ONE], "workers": {"tolerations": [OTHER]}}, pod(tolerations=[OTHER])),
        ({"securityContexts": {"pod": ONE}}, pod(securityContext=ONE)),
        ({"securityContexts": {"pod": ONE}, "workers": {"securityContext": OTHER}}, pod(securityContext=OTHER)),
        ({"workers": {"securityContext": ONE, "securityContexts": {"pod": OTHER}}}, pod(securityContext=OTHER)),
        ({"securityContexts": {"containers": ONE}}, pod(containers=contained(ONE))),
        (
            {"securityContexts": {"containers": ONE}, "workers": {"securityContexts": {"container": OTHER}}},
            pod(containers=contained(OTHER)),
        ),
        ({"volumes": [ONE], "workers": {"extraVolumes": [OTHER]}}, pod(volumes=[ONE, OTHER])),
        ({"volumes": [ONE]}, pod(volumes=[ONE])),
        ({"workers": {"extraVolumes": [OTHER]}}, pod(volumes=[OTHER])),
        ({"workers": {"extraContainers": [ONE]}}, pod(containers=[*contained(None), ONE])),
        ({"workers": {"extraInitContainers": [ONE], "priorityClassName": "low"}}, pod(initContainers=[ONE], priorityClassName="low")),
        # A template of people's own, if it can be read.
        ({"podTemplate": "spec: {nodeSelector: {a: '1'}}", "nodeSelector": OTHER}, {"nodeSelector": ONE}),
        ({"podTemplate": "kind: Pod", "nodeSelector": ONE}, pod(nodeSelector=ONE)),
        ({"podTemplate": "spec: 5", "nodeSelector": ONE}, pod(nodeSelector=ONE)),
        ({"podTemplate": "- spec", "nodeSelector": ONE}, pod(nodeSelector=ONE)),
        ({"podTemplate": "spec: {{ .x }}", "nodeSelector": ONE}, pod(nodeSelector=ONE)),
    ],
)
def test_the_specification_of_worker_pods(values: Any, spec: dict[str, Any]) -> None:
    assert worker_pod(values) == spec


ALWAYS = {
    ("Secret", "airflow-metadata"),
    ("Secret", "airflow-fernet-key"),
    ("ConfigMap", "airflow-config"),
    ("ConfigMap", "airflow-python"),
}
LOGS, BASIC, KEY = ("Secret", "airflow-task-logs"), ("Secret", "dags-git-basic"), ("Secret", "dags-git-ssh")
OPTIONAL = {"name": "X", "valueFrom": {"secretKeyRef": {"name": "db", "key": "k", "optional": True}}}
AUTHORITY = ("ConfigMap", "airflow-git-authority")
SSH = replace(AIRFLOW.dags, url="git@h:x.git", credentials=Credentials(ssh_key="k"))
TLS = replace(AIRFLOW.dags, url="https://h/x.git", credentials=Credentials(ca="c"))


@pytest.mark.parametrize(
    ("airflow", "more"),
    [
        ({"logs": Logs("none")}, set()),
        ({"logs": Logs("embedded")}, {LOGS}),
        ({"logs": Logs("s3")}, {LOGS}),
        ({"logs": Logs("none"), "dags": replace(AIRFLOW.dags, embedded=True)}, {BASIC}),
        ({"logs": Logs("none"), "dags": SSH}, {KEY}),
        ({"logs": Logs("none"), "dags": TLS}, {AUTHORITY}),
        # What people's values give to workers: a text is read as YAML.
        (
            {"logs": Logs("none"), "values": {"workers": {"extraVolumes": [{"name": "v", "secret": {"secretName": "s"}}]}}},
            {("Secret", "s")},
        ),
        ({"logs": Logs("none"), "values": {"extraEnvFrom": "- configMapRef: {name: c}"}}, {("ConfigMap", "c")}),
        # Also what need not exist.
        ({"logs": Logs("none"), "values": {"workers": {"env": [OPTIONAL]}}}, {("Secret", "db")}),
        ({"logs": Logs("none"), "values": {"extraEnv": json.dumps([OPTIONAL])}}, {("Secret", "db")}),
    ],
)
def test_what_tasks_may_refer_to(airflow: dict[str, Any], more: set[tuple[str, str]]) -> None:
    settings = given(**airflow)
    assert settings.airflow
    assert worker_limits.wanted(settings, settings.airflow).references == ALWAYS | more


# As the chart renders it


GIVEN = {
    "core": "airflow-core",
    "account": "airflow-worker",
    "release": "airflow-core",
    "workerNamespaces": {"airflow-core": None, "airflow-etl": {"hostNetwork": True}},
    "taskReferences": {"secrets": ["db"], "configMaps": None},
    "tokenAudiences": None,
}


def config(**over: Any) -> dict[str, Any]:
    template = json.dumps({"spec": {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}})
    return {"data": {POLICY: f"import x\nconfigure(r'''{json.dumps({**GIVEN, **over})}''')\n", TEMPLATE: template}}


def test_what_a_running_platform_allows() -> None:
    found = live(config())
    assert found
    assert (found.core, [*found.accounts], [*found.releases]) == ("airflow-core", ["airflow-worker"], ["airflow-core"])
    assert (sorted(found.namespaces), found.core_open) == (["airflow-core", "airflow-etl"], True)
    assert found.references == {("Secret", "db"), ("Secret", "s")}
    assert (found.audiences, found.operators, sorted(found.scheduling)) == (frozenset(), frozenset(), ["airflow-core", "airflow-etl"])
    assert found.scheduling["airflow-core"] == frozenset()
    assert found.scheduling["airflow-etl"]
    closed = live(config(workerNamespaces={"airflow-etl": None}, podOperators=["airflow-etl"], tokenAudiences=["vault"]))
    assert closed
    assert (closed.core_open, [*closed.operators], [*closed.audiences]) == (False, ["airflow-etl"], ["vault"])


def test_an_older_configuration_limits_nothing() -> None:
    others: list[Any] = [None, {}, {"data": {}}, {"data": {POLICY: "x", TEMPLATE: "{}"}}, {"data": {POLICY: config()["data"][POLICY]}}]
    assert [live(other) for other in others] == [None] * len(others)
