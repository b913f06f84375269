# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""V15: which fields of an object that stays OutOfSync differ."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.differences import APPLIED, differing_fields

CLAIM: dict[str, Any] = {
    "metadata": {"name": "logs"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}},
}
CONTAINER = {"name": "triggerer", "image": "airflow:2.6.3", "ports": [{"containerPort": 8794}], "resources": {"limits": {"cpu": "1000m"}}}
STATEFUL_SET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "airflow-triggerer", "namespace": "airflow-core", "labels": {"tier": "airflow"}},
    "spec": {"replicas": 1, "template": {"spec": {"containers": [CONTAINER]}}, "volumeClaimTemplates": [CLAIM]},
}


def live(applied: Any = None, **spec: Any) -> dict[str, Any]:
    """The object as the API server stores it, with the manifest that was applied in its annotation."""
    item = copy.deepcopy(STATEFUL_SET)
    item["metadata"] |= {"uid": "u1", "annotations": {APPLIED: json.dumps(STATEFUL_SET if applied is None else applied)}}
    item["spec"] |= spec
    return item


def defaulted() -> dict[str, Any]:
    container = {**CONTAINER, "imagePullPolicy": "IfNotPresent", "resources": {"limits": {"cpu": "1"}}}
    container["ports"] = [{"containerPort": 8794, "protocol": "TCP"}]
    return {"template": {"spec": {"containers": [container], "restartPolicy": "Always"}}, "podManagementPolicy": "OrderedReady"}


def test_v15_defaults_are_no_difference() -> None:
    assert differing_fields(live(**defaulted())) == []


def test_v15_defaults_in_a_list_that_is_compared_as_a_whole() -> None:
    """apache/airflow#39180: the API server completes each volumeClaimTemplate."""
    claim = {**CLAIM, "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}
    claim["spec"] = {**CLAIM["spec"], "volumeMode": "Filesystem"}
    found = differing_fields(live(**defaulted(), volumeClaimTemplates=[claim]))
    path = "spec.volumeClaimTemplates[0]"
    assert found == [f"{path}.spec.volumeMode", f"{path}.apiVersion", f"{path}.kind", f"{path}.status"]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"replicas": 3}, ["spec.replicas"]),
        ({"replicas": None}, ["spec.replicas"]),
        ({"volumeClaimTemplates": []}, ["spec.volumeClaimTemplates"]),
        ({"template": {"spec": {"containers": [{**CONTAINER, "image": "x"}]}}}, ["spec.template.spec.containers[triggerer].image"]),
        (
            {"template": {"spec": {"containers": [{**CONTAINER, "name": "other"}]}}},
            [f"spec.template.spec.containers[triggerer].{key}" for key in ("name", "image", "ports", "resources")],
        ),
        ({"template": {"spec": {"containers": [CONTAINER, {"name": "injected"}]}}}, []),
        ({"template": None}, ["spec.template"]),
    ],
    ids=["another value", "gone", "fewer elements", "in a container", "another container", "a sidecar", "a whole part"],
)
def test_v15_fields_that_differ(change: dict[str, Any], fields: list[str]) -> None:
    assert differing_fields(live(**change)) == fields


def test_v15_what_is_empty_in_git_and_absent_in_the_cluster_is_none() -> None:
    applied = copy.deepcopy(STATEFUL_SET)
    applied["spec"] |= {"paused": False, "selector": {}, "serviceName": ""}
    assert differing_fields(live(applied)) == []
    applied["metadata"]["labels"]["team"] = "a"
    assert differing_fields(live(applied)) == ["metadata.labels.team"]


def test_v15_after_a_server_side_apply_the_fields_that_others_set() -> None:
    others: dict[str, Any] = {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {'k:{"name":"web"}': {".": {}, "f:image": {}}}}}}
    fields = [
        {"manager": "argocd-controller", "fieldsV1": {"f:spec": {"f:selector": {}}}},
        {"manager": "kubectl-edit", "fieldsV1": {**others, "f:metadata": {"f:labels": {"f:x": {}}}}},
        {"manager": "kube-controller-manager", "subresource": "status", "fieldsV1": {"f:status": {"f:replicas": {}}}},
        {"manager": "odd", "fieldsV1": {"f:spec": {"v:x": {}}}},
    ]
    assert differing_fields({"metadata": {"managedFields": fields}, "spec": {"replicas": 2}}) == [
        "spec.replicas (set by kubectl-edit)",
        "spec.template.spec[web].image (set by kubectl-edit)",
        "spec[x] (set by odd)",
    ]


@pytest.mark.parametrize("applied", ["no JSON", "[]", "null", None])
def test_v15_an_object_that_does_not_say_what_was_applied(applied: Any) -> None:
    assert differing_fields({"metadata": {"annotations": {APPLIED: applied}}}) == []
    assert differing_fields({}) == []


def test_v15_values_are_never_shown() -> None:
    applied = {**STATEFUL_SET, "spec": {**STATEFUL_SET["spec"], "password": "hunter2"}}
    assert differing_fields(live(applied, password="hunter3")) == ["spec.password"]


@pytest.mark.parametrize(
    ("applied", "stored", "fields"),
    [
        (True, 1, ["spec.x"]),
        ("1", 1, []),
        ("1", True, ["spec.x"]),
        (True, "1", ["spec.x"]),
        ("x", {"a": 1}, ["spec.x"]),
        ({"a": 1}, "x", ["spec.x"]),
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ("x", ["x"], ["spec.x"]),
        (["x"], "x", ["spec.x"]),
        (False, True, ["spec.x"]),
        ("", "x", ["spec.x"]),
        # Elements of a list that is compared as a whole
        ([{"a": 1}], [{"a": 1, "b": 2}], ["spec.x[0].b"]),
        ([{"a": 1, "b": ""}], [{"a": 1}], []),
        ([{"a": ""}], [{"a": "x"}], ["spec.x[0].a"]),
        ([{"a": "x"}], [{"a": ""}], ["spec.x[0].a"]),
        ([{"a": 1}], ["y"], ["spec.x[0]"]),
        (["y"], [{"a": 1}], ["spec.x[0]"]),
        ([[1, 2]], [[1, 2]], []),
        ([[1, 2]], [[1, 3]], ["spec.x[0][1]"]),
        ([[1, 2]], [[1]], ["spec.x[0]"]),
        ([[1]], ["y"], ["spec.x[0]"]),
        (["y"], [[1]], ["spec.x[0]"]),
        ([{"a": {}}], [{"a": []}], []),
    ],
)
def test_v15_values_of_every_kind(applied: Any, stored: Any, fields: list[str]) -> None:
    item = {"spec": {"x": stored}, "metadata": {"annotations": {APPLIED: json.dumps({"spec": {"x": applied}})}}}
    assert differing_fields(item) == fields


@pytest.mark.parametrize(
    ("applied", "stored", "fields"),
    [
        ([{"name": "a", "value": "1"}, {"name": "b"}], [{"name": "b"}, {"name": "a", "value": "1"}], []),
        ([{"name": "a", "value": "x"}], [{"name": "a", "value": "y"}], ["env[a].value"]),
        # Without the key by which they are merged they are compared as a whole.
        ([{"name": "a"}], [{"value": "x"}], ["env[0].name", "env[0].value"]),
        (["name a"], ["name b"], ["env[0]"]),
        # Kubernetes warns about the first and keeps the last.
        ([{"name": "a", "value": "1"}, {"name": "a", "value": "2"}], [{"name": "a", "value": "2"}], []),
    ],
)
def test_v15_lists_that_kubernetes_merges(applied: Any, stored: Any, fields: list[str]) -> None:
    item = {"env": stored, "metadata": {"annotations": {APPLIED: json.dumps({"env": applied})}}}
    assert differing_fields(item) == fields


@pytest.mark.parametrize(
    ("key", "stored", "fields"),
    [
        ("port", [("UDP", 53), ("TCP", 53)], []),
        ("containerPort", [("UDP", 53), ("TCP", 53)], []),
        ("port", [("TCP", 53), ("UDP", 53)], []),
        ("port", [("UDP", 53), ("TCP", 54)], ["ports[53].targetPort"]),
        ("port", [("UDP", 53)], ["ports[53].port", "ports[53].protocol", "ports[53].targetPort"]),
    ],
)
def test_v15_a_port_of_two_protocols(key: str, stored: list[tuple[str, int]], fields: list[str]) -> None:
    def ports(found: list[tuple[str, int]]) -> list[dict[str, Any]]:
        return [{key: 53, "protocol": protocol, "targetPort": target} for protocol, target in found]

    item = {
        "ports": ports(stored),
        "metadata": {"annotations": {APPLIED: json.dumps({"ports": ports([("UDP", 53), ("TCP", 53)])})}},
    }
    assert differing_fields(item) == fields
