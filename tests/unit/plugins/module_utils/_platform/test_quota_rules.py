# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas and LimitRanges by which the API server would refuse every worker, as its quota and its LimitRanger judge a pod."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import quota_rules, value_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.quota_rules import completed, containers
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Repository, Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_namespaces import limit_range

AIRFLOW = AirflowSettings(
    Repository("platform", "u", embedded=True), Repository("dags", "u", embedded=True), default_namespace="airflow-core"
)
Entry = dict[str, Any]


def item(**fields: Any) -> list[Entry]:
    return [{"type": "Container", **fields}]


def found(entry: Entry, values: Any = None) -> list[Any]:
    airflow = replace(AIRFLOW, values=values or {})
    profiles = ({"name": "airflow-core"}, {"name": "airflow-etl", **entry})
    given = Settings(worker_namespaces=("airflow-core", "airflow-etl"), profiles=profiles, airflow=airflow)
    refusals = list(quota_rules.quotas(given, airflow))
    assert [item for item in value_rules.broken(given, airflow) if item.code == "worker_quota"] == refusals
    return refusals


BOTH = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
SIDECAR = {"name": "own", "image": "x"}


@pytest.mark.parametrize(
    ("entry", "values"),
    [
        ({}, {}),
        ({"quota": {}, "limits": []}, {}),
        # The platform's own values have requests of cpu and memory.
        ({"quota": {"requests.cpu": 4, "requests.memory": "8Gi", "cpu": 4, "memory": "8Gi", "pods": 5}}, {}),
        # What is counted of objects needs nothing in a container, nor does storage.
        ({"quota": {"pods": 5, "count/jobs.batch": 5, "requests.storage": "1Gi", "limits.ephemeral-storage": "1Gi"}}, {}),
        # Defaults reach every container, init containers as well. A maximum is a default.
        ({"quota": {"limits.memory": "8Gi"}, "limits": item(default={"memory": "1Gi"})}, {}),
        ({"quota": {"limits.memory": "8Gi"}, "limits": item(max={"memory": "1Gi"})}, {}),
        ({"quota": {"limits.cpu": 4, "requests.cpu": 4}, "resources": BOTH}, {"dags": {"gitSync": {"resources": {"limits": {"cpu": 1}}}}}),
        ({"quota": {"limits.cpu": 4}, "resources": BOTH}, {"dags": {"gitSync": {"enabled": False}}}),
        ({"quota": {"limits.cpu": 4}, "resources": BOTH}, {"dags": {"persistence": {"enabled": True}}}),
        # A limit means a request.
        ({"quota": {"requests.cpu": 4}}, {"workers": {"extraContainers": [{**SIDECAR, "resources": {"limits": {"cpu": 1}}}]}}),
        ({"quota": {"requests.cpu": 4}, "limits": item(defaultRequest={"cpu": "10m"})}, {"workers": {"extraContainers": [SIDECAR]}}),
        # Only Helm knows these.
        ({"quota": {"limits.cpu": 4}, "limits": [{"type": "Pod", "max": {"memory": "1Gi"}}]}, {"podTemplate": "{{ something }}"}),
        ({"quota": {"requests.cpu": 1}}, {"workers": {"resources": {"requests": {"cpu": "{{ .Values.cpu }}"}}}}),
        # What has another form is the chart's to refuse.
        ({"quota": {"requests.cpu": 4}}, {"workers": {"resources": ["x"]}, "dags": {"gitSync": {"resources": "x"}}}),
        ({"quota": {"requests.cpu": 1}}, {"dags": {"gitSync": {"resources": {"requests": {"cpu": "{{ .Values.cpu }}"}}}}}),
        ({"quota": {"requests.cpu": 4}}, {"workers": {"extraContainers": 5, "extraInitContainers": ["x"]}}),
        ({"quota": {"requests.cpu": 4}}, {"podTemplate": "spec: {containers: 5}"}),
        # Just enough, and the larger of the init container and the others.
        ({"quota": {"requests.cpu": "50m", "requests.memory": "256Mi"}}, {}),
        (
            {"quota": {"requests.cpu": "500m"}, "resources": {"requests": {"cpu": "500m"}}},
            {"dags": {"gitSync": {"resources": {"requests": {"cpu": "500m"}}}}},
        ),
        ({"limits": item(min={"cpu": "10m", "memory": "32Mi"})}, {}),
        ({"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}]}, {}),
        ({"limits": item(default={"cpu": "400m"}, maxLimitRequestRatio={"cpu": 40})}, {}),
        # A task's pod as a whole.
        ({"limits": [{"type": "Pod", "max": {"cpu": 4}}, *item(default={"cpu": 2})]}, {}),
    ],
)
def test_a_worker_can_start(entry: Entry, values: Any) -> None:
    assert found(entry, values) == []


@pytest.mark.parametrize(
    ("entry", "values", "words", "action"),
    [
        (
            {"quota": {"limits.memory": "8Gi"}},
            {},
            "The quota counts limits.memory, but base, git-sync-init of a worker have no limits of memory.",
            "limits: [{type: Container, default: {memory: 1Gi}}]",
        ),
        (
            {"quota": {"limits.cpu": 4, "limits.memory": "8Gi"}, "resources": BOTH},
            {},
            "The quota counts limits.cpu, but git-sync-init of a worker has no limits of cpu. The quota counts limits.memory, but git-sync",
            "default: {cpu: 500m, memory: 1Gi}",
        ),
        (
            {"quota": {"limits.cpu": 4}, "limits": item(defaultRequest={"cpu": "10m"})},
            {},
            "counts limits.cpu, but base, git-sync-init",
            "default: {cpu: 500m}",
        ),
        (
            {"quota": {"limits.cpu": 4}, "limits": [{"type": "Pod", "max": {"cpu": 4}}]},
            {},
            "counts limits.cpu, but base, git-sync-init",
            "or remove it from the quota.",
        ),
        (
            {"quota": {"cpu": 4}},
            {"workers": {"extraContainers": [SIDECAR], "extraInitContainers": [{"name": "first", "image": "x"}]}},
            "counts cpu, but own, first of a worker have no requests of cpu",
            "Give every container of airflow-etl",
        ),
        (
            {"quota": {"requests.memory": "4Gi"}},
            {"workers": {"kerberosSidecar": {"enabled": True}}},
            "but worker-kerberos of a worker has no requests of memory",
            "Give every container",
        ),
        (
            {"quota": {"requests.memory": "4Gi"}},
            {"podTemplate": "spec: {containers: [{name: base}], initContainers: [{name: mine, resources: {requests: {memory: 1Mi}}}]}"},
            "but base of a worker has no requests of memory",
            "Give every container",
        ),
        (
            {"quota": {"requests.cpu": "40m"}},
            {},
            "The quota allows requests.cpu: 40m, but one worker has requests of 50m.",
            "Correct quota, limits or resources of airflow-etl.",
        ),
        (
            {"quota": {"memory": "1Gi"}, "resources": {"requests": {"memory": "1Gi"}}},
            {"workers": {"extraContainers": [{**SIDECAR, "resources": {"requests": {"memory": "1Gi"}}}]}},
            "allows memory: 1Gi, but one worker has requests of 2048Mi",
            "Correct quota",
        ),
        (
            {"quota": {"requests.cpu": 1}, "resources": {"requests": {"cpu": "1001m"}}},
            {},
            "allows requests.cpu: 1, but one worker has requests of 1001m",
            "Correct quota",
        ),
        (
            {"quota": {"memory": "1M"}, "resources": {"requests": {"memory": "1500000"}}},
            {"dags": {"gitSync": {"enabled": False}}},
            "allows memory: 1M, but one worker has requests of 1500000",
            "Correct quota",
        ),
        (
            {"limits": item(min={"memory": "2Mi"})},
            {"dags": {"gitSync": {"resources": {"requests": {"memory": "1Mi"}}}}},
            "limits has min 2Mi of memory, but git-sync-init has requests of 1Mi",
            "Correct",
        ),
        (
            {"limits": item(min={"cpu": "10m"}), "resources": {"requests": {"cpu": 0}}},
            {},
            "limits has min 10m of cpu, but base has requests of 0.",
            "Correct",
        ),
        (
            {"limits": item(min={"memory": "64Mi"})},
            {},
            "limits has min 64Mi of memory, but git-sync-init has requests of 32Mi",
            "Correct quota, limits or resources of airflow-etl.",
        ),
        (
            {"limits": item(max={"memory": "1Gi"}), "resources": {"limits": {"memory": "2Gi"}}},
            {},
            "limits has max 1Gi of memory, but base has limits of 2048Mi",
            "Correct",
        ),
        (
            {"limits": [{"type": "Pod", "max": {"cpu": 4}}]},
            {},
            "limits has max 4 of cpu, but a worker's pod has no limits of it",
            "Correct",
        ),
        (
            {"limits": [{"type": "Pod", "min": {"cpu": 1}}]},
            {},
            "limits has min 1 of cpu, but a worker's pod has requests of 50m",
            "Correct",
        ),
        (
            {"limits": item(default={"cpu": 1}, maxLimitRequestRatio={"cpu": 4})},
            {},
            "limits has maxLimitRequestRatio 4 of cpu, which base does not keep",
            "Correct",
        ),
        (
            {"limits": item(default={"cpu": 1}, maxLimitRequestRatio={"cpu": 100}), "resources": {"requests": {"cpu": 0}}},
            {},
            "limits has maxLimitRequestRatio 100 of cpu, which base does not keep",
            "Correct",
        ),
        (
            {"limits": [{"type": "Pod", "maxLimitRequestRatio": {"cpu": 4}}]},
            {},
            "limits has maxLimitRequestRatio 4 of cpu, which a worker's pod does not keep",
            "Correct",
        ),
    ],
)
def test_the_api_server_would_refuse_every_worker(entry: Entry, values: Any, words: str, action: str) -> None:
    (refusal,) = found(entry, values)
    assert (refusal.code, refusal.value) == ("worker_quota", "airflow-etl")
    assert words in refusal.message
    assert action in refusal.next_action
    assert refusal.rule
    assert refusal.next_action.endswith(".")


def test_what_has_not_the_form_is_refused_by_that_rule_alone() -> None:
    entry = {"quota": {"limits.cpu": "4 cores"}, "limits": [{"max": 5}], "resources": ["x"]}
    assert list(quota_rules.quotas(Settings(profiles=({"name": "a", **entry},)), AIRFLOW)) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {},
            [
                ("base", {"requests": {"cpu": "2", "memory": "256Mi"}}, False),
                ("git-sync-init", {"requests": {"cpu": "10m", "memory": "32Mi"}}, True),
            ],
        ),
        (
            {"workers": {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}}}},
            [
                ("base", {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}, False),
                ("git-sync-init", {"requests": {"cpu": "10m", "memory": "32Mi"}}, True),
            ],
        ),
    ],
)
def test_the_containers_of_a_worker(values: Any, expected: list[Any]) -> None:
    made = containers(values, {"resources": {"requests": {"cpu": 2}}})
    assert [(container.name, container.resources, container.init) for container in made] == expected


@pytest.mark.parametrize(
    ("limit", "request_", "expected"),
    [("1", "2", "2"), ("2000m", "2", "2000m"), ("3", "2", "3"), ("{{ .Values.cpu }}", "2", "{{ .Values.cpu }}"), ("1", "many", "1")],
)
def test_a_limit_of_the_values_grows_with_a_request_of_the_namespace(limit: str, request_: str, expected: str) -> None:
    base, _git_sync = containers({"workers": {"resources": {"limits": {"cpu": limit}}}}, {"resources": {"requests": {"cpu": request_}}})
    assert base.resources["limits"] == {"cpu": expected}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # As SetDefaults_LimitRangeItem fills it in.
        ({"type": "Container", "default": {"cpu": 1}}, {"default": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}}),
        (
            {"type": "Container", "max": {"cpu": 4}},
            {"max": {"cpu": "4"}, "default": {"cpu": "4"}, "defaultRequest": {"cpu": "4"}},
        ),
        ({"type": "Container", "min": {"cpu": 1}}, {"min": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}}),
        (
            {"type": "Container", "min": {"cpu": 1}, "default": {"cpu": 2}, "max": {"cpu": 4, "memory": "1Gi"}},
            {
                "min": {"cpu": "1"},
                "default": {"cpu": "2", "memory": "1Gi"},
                "defaultRequest": {"cpu": "2", "memory": "1Gi"},
                "max": {"cpu": "4", "memory": "1Gi"},
            },
        ),
        (
            {"type": "Container", "default": {"cpu": 2}, "defaultRequest": {"cpu": 1}},
            {"default": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}},
        ),
        ({"type": "Pod", "max": {"cpu": 4}}, {"max": {"cpu": "4"}}),
        ({"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}, "min": {}}, {"max": {"storage": "1Gi"}}),
    ],
)
def test_a_limit_range_is_complete(given: Entry, expected: Entry) -> None:
    """What the API server filled in would count as a difference from Git."""
    assert limit_range([given]) == [{"type": given["type"], **expected}]


def test_a_container_gets_what_it_does_not_say() -> None:
    limits = limit_range(item(default={"cpu": "1", "memory": "1Gi"}, defaultRequest={"cpu": "500m"}))
    assert completed({"requests": {"cpu": "100m"}}, limits) == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "1Gi"},
    }
    assert completed({"limits": {"cpu": "2"}}, limits)["requests"]["cpu"] == "2"
