# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles of worker namespaces and the placement of core pods: what Kubernetes takes, and what is refused, with the next step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import core_placement, rules, value_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.core_values import core_values
from ansible_collections.gitops.airflow.plugins.module_utils._platform.placement_rules import PREFERRED, REQUIRED
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Repository, Settings

AIRFLOW = AirflowSettings(
    Repository("platform", "u", embedded=True), Repository("dags", "u", embedded=True), default_namespace="airflow-core"
)
Entry = dict[str, Any]


def given(entry: Entry, name: str = "airflow-etl") -> Settings:
    profiles = ({"name": "airflow-core"}, {"name": name, **entry}) if name != "airflow-core" else ({"name": name, **entry},)
    return Settings(worker_namespaces=tuple(item["name"] for item in profiles), profiles=profiles, airflow=AIRFLOW)


def terms(*items: Any, kind: str = "matchExpressions") -> Entry:
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{kind: list(items)}]}}}}


def spread(**over: Any) -> Entry:
    item = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule", **over}
    return {"topology_spread": [{key: value for key, value in item.items() if value is not None}]}


def tolerate(**toleration: Any) -> Entry:
    return {"tolerations": [toleration]}


def item(**fields: Any) -> Entry:
    return {"limits": [{"type": "Container", **fields}]}


PLACEMENTS: list[Entry] = [
    {},
    {"node_selector": {}, "tolerations": None, "affinity": {}},
    {"node_selector": {"kubernetes.io/os": "linux", "pool": "", "a.b/C_d.e": "X_1"}},
    tolerate(key="dedicated", operator="Equal", value="etl", effect="NoSchedule"),
    tolerate(key="dedicated"),
    tolerate(key="dedicated", operator="", value="etl", effect=""),
    tolerate(operator="Exists"),
    tolerate(key="", operator="Exists", effect="NoExecute", tolerationSeconds=0),
    tolerate(key="dedicated", operator="Exists", effect="PreferNoSchedule"),
    tolerate(key="node-role.kubernetes.io/control-plane", operator="Exists"),
    terms({"key": "pool", "operator": "In", "values": ["etl"]}, {"key": "gpu", "operator": "DoesNotExist"}),
    terms({"key": "cores", "operator": "Gt", "values": ["8"]}, {"key": "cores", "operator": "Lt", "values": ["-1"]}),
    terms({"key": "metadata.name", "operator": "NotIn", "values": ["node-1.example.com"]}, kind="matchFields"),
    {
        "affinity": {
            "nodeAffinity": {PREFERRED: [{"weight": 100, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}]}
        }
    },
    {
        "affinity": {
            "podAffinity": {REQUIRED: [{"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}, "namespaces": ["x"]}]},
            "podAntiAffinity": {PREFERRED: [{"weight": 1, "podAffinityTerm": {"topologyKey": "zone", "matchLabelKeys": ["a"]}}]},
        }
    },
    spread(),
    spread(labelSelector={"matchLabels": {"component": "worker"}}, minDomains=2, nodeTaintsPolicy="Honor", matchLabelKeys=["dag_id"]),
    {"topology_spread": [*spread()["topology_spread"], *spread(whenUnsatisfiable="ScheduleAnyway")["topology_spread"]]},
    {"priority_class": "batch.low"},
]
PROFILES: list[Entry] = [
    *PLACEMENTS,
    {"runtime_class": "gvisor"},
    {"resources": {"requests": {"cpu": 1, "memory": "1Gi", "ephemeral-storage": "1e9"}, "limits": {"cpu": 1.5, "nvidia.com/gpu": 1}}},
    {"resources": {"limits": {"hugepages-2Mi": "4Mi", "cpu": "1500m"}, "requests": {"cpu": "1.5"}}},
    {"image": "registry.example.com:5000/etl:7"},
    {"image": "etl@sha256:" + "0a" * 32},
    {"pull_secrets": ["registry", "a.b"]},
    {"quota": {"pods": 20, "requests.cpu": "8", "limits.memory": "16Gi", "count/jobs.batch": 5, "requests.nvidia.com/gpu": 2, "cpu": 4}},
    {"limits": [{"type": "Pod", "max": {"cpu": 4}}, {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}]},
    item(min={"cpu": "10m"}, defaultRequest={"cpu": "100m"}, default={"cpu": "200m"}, max={"cpu": 1}, maxLimitRequestRatio={"cpu": 4}),
    *({"network_policy": level} for level in ("", "default", "strict", "none")),
    *({"pod_security": standard} for standard in ("", "baseline", "restricted")),
    {"require_node": True},
]


@pytest.mark.parametrize("entry", PROFILES)
def test_what_kubernetes_takes(entry: Entry) -> None:
    assert rules.broken(rules.PLATFORM, given(entry)) == []


WRONG_PLACEMENTS: list[tuple[Entry, str, str]] = [
    # Each with where it is wrong, and why.
    ({"node_selector": {"gpu": True}}, "node_selector", "a value that is a number or a boolean needs quotes"),
    ({"node_selector": {"cores": 8}}, "node_selector", "needs quotes"),
    ({"node_selector": {"a b": "c"}}, "node_selector", "must be a dictionary of labels"),
    (tolerate(key="a", operator="exists"), "tolerations[0].operator", "must be one of Equal, Exists. The nearest name is Exists"),
    (tolerate(key="a", operator="Lt", value="1"), "tolerations[0].operator", "must be one of Equal, Exists"),
    (tolerate(key="a", effect="NoScheduling"), "tolerations[0].effect", "must be one of NoSchedule, PreferNoSchedule, NoExecute"),
    (tolerate(key="a b"), "tolerations[0].key", "must be the key of a label"),
    (tolerate(operator="Equal", value="x"), "tolerations[0]", "has no key"),
    (tolerate(value="x"), "tolerations[0]", "has no key"),
    (tolerate(key="a", operator="Exists", value="x"), "tolerations[0].value", "must be left out with the operator Exists"),
    (tolerate(key="a", value="a b"), "tolerations[0].value", "must be the value of a label"),
    (tolerate(key="a", value=True), "tolerations[0].value", "a number or a boolean needs quotes"),
    (tolerate(key="a", toleration_seconds=5), "tolerations[0]", "has the unknown key 'toleration_seconds'"),
    (tolerate(key="a", effect="NoSchedule", tolerationSeconds=5), "tolerations[0].tolerationSeconds", "needs the effect NoExecute"),
    (tolerate(key="a", effect="NoExecute", tolerationSeconds="5"), "tolerations[0].tolerationSeconds", "whole number without quotes"),
    (tolerate(key="a", effect="NoExecute", tolerationSeconds=True), "tolerations[0].tolerationSeconds", "whole number without quotes"),
    ({"tolerations": ["x"]}, "tolerations[0]", "must be a toleration, a dictionary"),
    ({"affinity": {"node_affinity": {}}}, "affinity", "has the unknown key 'node_affinity'; an affinity has nodeAffinity, podAffinity"),
    ({"affinity": {"nodeAffinity": {"required": {}}}}, "affinity.nodeAffinity", "has the unknown key 'required'"),
    (
        {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": []}}}},
        f"affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms",
        "no node matches an empty one",
    ),
    (
        {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{}]}}}},
        f"affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0]",
        "is empty, which no node matches",
    ),
    ({"affinity": {"nodeAffinity": {REQUIRED: {}}}}, f"affinity.nodeAffinity.{REQUIRED}", "must have nodeSelectorTerms"),
    *(
        (terms(wrong), f"affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0]{where}", why)
        for wrong, where, why in (
            ({"key": "a", "operator": "Is", "values": ["x"]}, ".operator", "must be one of In, NotIn, Exists, DoesNotExist, Gt, Lt"),
            ({"key": "a", "operator": "In"}, ".values", "must be a list that is not empty"),
            ({"key": "a", "operator": "Exists", "values": ["x"]}, ".values", "must be a list that is empty"),
            ({"key": "a", "operator": "In", "values": [1]}, "", "needs quotes"),
            ({"key": "a", "operator": "Gt", "values": ["1", "2"]}, ".values", "must be a list of one whole number"),
            ({"key": "a", "operator": "Gt", "values": ["1.5"]}, ".values", "must be a list of one whole number"),
            ({"key": "a", "operator": "Lt", "values": [8]}, "", "a number in quotes"),
            ({"key": "a b", "operator": "Lt", "values": ["8"]}, "", "the key of a label"),
        )
    ),
    *(
        (terms(wrong, kind="matchFields"), f"affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchFields[0]{where}", why)
        for wrong, where, why in (
            ({"key": "metadata.uid", "operator": "In", "values": ["a"]}, "", "must have key (metadata.name)"),
            ({"key": "metadata.name", "operator": "Exists", "values": ["a"]}, ".operator", "must be one of In, NotIn"),
            ({"key": "metadata.name", "operator": "In", "values": ["a", "b"]}, ".values", "one node's name"),
            ({"key": "metadata.name", "operator": "In", "values": "a"}, ".values", "one node's name"),
            ({"operator": "In", "values": ["a"]}, "", "must have key (metadata.name)"),
            (5, "", "must have key (metadata.name)"),
            ({"key": "metadata.name", "operator": "In", "values": ["A"]}, ".values[0]", "must be the name of an object"),
        )
    ),
    (
        {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 101, "preference": {}}]}}},
        f"affinity.nodeAffinity.{PREFERRED}[0].weight",
        "from 1 to 100",
    ),
    ({"affinity": {"podAffinity": {REQUIRED: [{"labelSelector": {}}]}}}, f"affinity.podAffinity.{REQUIRED}[0]", "must have topologyKey"),
    (
        {"affinity": {"podAntiAffinity": {PREFERRED: [{"weight": 1}]}}},
        f"affinity.podAntiAffinity.{PREFERRED}[0]",
        "must have podAffinityTerm",
    ),
    (spread(maxSkew=0), "topology_spread[0].maxSkew", "whole number of at least 1"),
    (spread(maxSkew="1"), "topology_spread[0].maxSkew", "without quotes"),
    (spread(topologyKey=None), "topology_spread[0]", "must have topologyKey"),
    (spread(whenUnsatisfiable=None, minDomains=2), "topology_spread[0]", "must have whenUnsatisfiable"),
    (spread(whenUnsatisfiable="Never"), "topology_spread[0].whenUnsatisfiable", "must be one of DoNotSchedule, ScheduleAnyway"),
    (spread(whenUnsatisfiable="ScheduleAnyway", minDomains=2), "topology_spread[0].minDomains", "needs whenUnsatisfiable: DoNotSchedule"),
    (spread(labelSelector={"component": "worker"}), "topology_spread[0].labelSelector", "has the unknown key 'component'"),
    (spread(skew=1), "topology_spread[0]", "has the unknown key 'skew'"),
    ({"topology_spread": spread()["topology_spread"] * 2}, "topology_spread", "has 2 constraints"),
    ({"priority_class": "system-node-critical"}, "priority_class", "is a class for Kubernetes itself"),
    ({"priority_class": "Low"}, "priority_class", "must be the name of an object"),
]
WRONG_PROFILES: list[tuple[Entry, str, str]] = [
    *WRONG_PLACEMENTS,
    ({"runtime_class": "g visor"}, "runtime_class", "must be the name of an object"),
    ({"resources": {"cpu": 1}}, "resources", "has the unknown key 'cpu'; resources has requests, limits"),
    ({"resources": {"requests": ["cpu"]}}, "resources.requests", "must be a dictionary of quantities"),
    ({"resources": {"requests": {"memory": "1 GB"}}}, "resources.requests.memory", "must be a quantity of Kubernetes"),
    ({"resources": {"limits": {"cpu": True}}}, "resources.limits.cpu", "must be a quantity of Kubernetes"),
    ({"resources": {"limits": {"memory": "512MB"}}}, "resources.limits.memory", "such as 512Mi"),
    ({"resources": {"limits": {"ram": "1Gi"}}}, "resources.limits", "has the unknown resource 'ram'"),
    ({"resources": {"limits": {"requests.example.com/a": 1}}}, "resources.limits", "has the unknown resource"),
    (
        {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1024Mi"}}},
        "resources.requests.memory",
        "is 2Gi, more than limits, which is 1024Mi",
    ),
    ({"image": "etl"}, "image", "names neither a tag nor a digest"),
    ({"image": "https://x/etl:1"}, "image", "is not the name of an image"),
    ({"pull_secrets": ["ok", "A"]}, "pull_secrets[1]", "must be the name of an object"),
    ({"pull_secrets": ["airflow-mysql"]}, "pull_secrets[0]", "is the platform's own Secret"),
    ({"quota": {"cpus": 4}}, "quota", "has the unknown resource 'cpus'; a quota has cpu, memory"),
    ({"quota": {"limits.nvidia.com/gpu": 4}}, "quota", "has the unknown resource"),
    ({"quota": {"memory": "4 Gi"}}, "quota.memory", "must be a quantity of Kubernetes"),
    ({"quota": {5: 4}}, "quota", "has the unknown resource '5'"),
    ({"limits": [{"max": {"cpu": 1}}]}, "limits[0]", "must have type"),
    ({"limits": [{"type": "container", "max": {"cpu": 1}}]}, "limits[0].type", "must be one of Container, Pod, PersistentVolumeClaim"),
    ({"limits": [{"type": "Container"}]}, "limits[0]", "sets nothing"),
    ({"limits": [{"type": "Pod", "default": {"cpu": 1}}]}, "limits[0]", "has default, which only the type Container can have"),
    ({"limits": [{"type": "PersistentVolumeClaim", "max": {"cpu": 1}}]}, "limits[0]", "needs min or max with storage"),
    ({"limits": [*item(max={"cpu": 1})["limits"], *item(min={"cpu": 1})["limits"]]}, "limits", "has 2 items of the type Container"),
    (item(defaults={"cpu": 1}), "limits[0]", "has the unknown key 'defaults'"),
    (item(max={"cpu": "x"}), "limits[0].max.cpu", "must be a quantity of Kubernetes"),
    (item(min={"cpu": 2}, max={"cpu": "1000m"}), "limits[0].min.cpu", "is 2, more than max, which is 1000m"),
    (item(defaultRequest={"cpu": 2}, default={"cpu": 1}), "limits[0].defaultRequest.cpu", "more than default"),
    (item(default={"cpu": 2}, max={"cpu": 1}), "limits[0].default.cpu", "more than max"),
    ({"pod_security": "privileged"}, "pod_security", "must be one of baseline, restricted"),
]


@pytest.mark.parametrize(("entry", "where", "why"), WRONG_PROFILES)
def test_what_is_refused(entry: Entry, where: str, why: str) -> None:
    found = rules.broken(rules.PLATFORM, given(entry))
    assert {refusal.code for refusal in found} == {"worker_profile"}
    refusal = next(item for item in found if item.message.startswith(f"{where} of airflow-etl in platform_worker_namespaces "))
    assert why in refusal.message
    assert refusal.value == str(entry[where.partition("[")[0].partition(".")[0]])
    assert refusal.value in refusal.message
    assert refusal.next_action == f"Correct {where} of airflow-etl in platform_worker_namespaces."
    assert refusal.rule


@pytest.mark.parametrize("entry", [{"network_policy": "stricct"}, {"network_policy": "open"}])
def test_the_level_of_the_network_is_refused_by_its_own_rule(entry: Entry) -> None:
    (refusal,) = rules.broken(rules.PLATFORM, given(entry))
    assert (refusal.code, refusal.value) == ("network_policy", entry["network_policy"])
    assert "network_policy of airflow-etl in platform_worker_namespaces is" in refusal.message


def test_every_problem_of_every_namespace_is_said() -> None:
    entry = {"priority_class": "A", "image": "etl", "quota": {"x": 1}}
    settings = replace(given(entry), profiles=({"name": "airflow-core", "image": "b"}, {"name": "airflow-etl", **entry}))
    assert [refusal.next_action.removeprefix("Correct ").split(" ")[0] for refusal in rules.broken(rules.PLATFORM, settings)] == [
        "image",
        "priority_class",
        "image",
        "quota",
    ]


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"quota": {"pods": 5}}, "quota"),
        ({"limits": [{"type": "Pod", "max": {"cpu": 4}}]}, "limits"),
        ({"quota": {"pods": 5}, "limits": [{"type": "Pod", "max": {"cpu": 4}}]}, "quota and limits"),
    ],
)
def test_no_quota_holds_for_airflows_own_pods(entry: Entry, named: str) -> None:
    found = rules.broken(rules.PLATFORM, given(entry, "airflow-core"))
    assert [(refusal.code, refusal.value) for refusal in found] == [("core_quota", "airflow-core")]
    (refusal,) = found
    assert f"platform_worker_namespaces sets {named} for airflow-core" in refusal.message
    assert "airflow_app_default_namespace" in refusal.next_action


@pytest.mark.parametrize("entry", PLACEMENTS)
def test_core_pods_can_have_the_same_placement(entry: Entry) -> None:
    assert list(core_placement.core_placement(Settings(), replace(AIRFLOW, core_placement=entry))) == []


@pytest.mark.parametrize(("entry", "where", "why"), WRONG_PLACEMENTS)
def test_a_wrong_placement_of_core_pods_is_refused(entry: Entry, where: str, why: str) -> None:
    airflow = replace(AIRFLOW, core_placement=entry)
    found = value_rules.broken(replace(given({}), airflow=airflow), airflow)
    assert {refusal.code for refusal in found} == {"core_placement"}
    assert any(item.message.startswith(f"{where} of airflow_app_core_placement ") and why in item.message for item in found)


@pytest.mark.parametrize(
    ("entry", "values", "expected"),
    [
        ({}, {"nodeSelector": {"a": "b"}, "tolerations": [{"key": "x"}]}, {}),
        ({"node_selector": {"pool": "core"}}, {}, {"nodeSelector": {"pool": "core"}}),
        ({"node_selector": {"pool": "core"}}, {"nodeSelector": {"pool": "x", "a": "b"}}, {"nodeSelector": {"pool": "core", "a": "b"}}),
        (
            {"tolerations": [{"key": "core", "operator": "Exists"}]},
            None,
            {
                "tolerations": [
                    {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
                    {"key": "core", "operator": "Exists"},
                ]
            },
        ),
        ({"tolerations": [{"key": "core"}]}, {"tolerations": [{"key": "x"}]}, {"tolerations": [{"key": "x"}, {"key": "core"}]}),
        ({"priority_class": "high", "affinity": {"podAffinity": {}}}, {}, {"priorityClassName": "high", "affinity": {"podAffinity": {}}}),
    ],
)
def test_core_pods_keep_what_all_pods_have(entry: Entry, values: Any, expected: Entry) -> None:
    """A component's own value replaces the chart's for all."""
    assert core_values(entry, values) == expected
