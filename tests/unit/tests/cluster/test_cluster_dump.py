# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H1: what a dump of a cluster holds, and when two of them are the same."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.cluster.dump import Dump, Obj, compare, count, dump, normalized, settled, without_reports


def served() -> dict[str, Obj]:
    """An API by its paths: two groups, one of them with two versions."""

    def resource(name: str, kind: str, *verbs: str) -> Obj:
        return {"name": name, "kind": kind, "verbs": [*verbs], "namespaced": True}

    def item(name: str, namespace: str = "n", **more: Any) -> Obj:
        return {
            "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "7", "managedFields": [{}]},
            **more,
        }

    return {
        "/api/v1": {
            "resources": [
                resource("secrets", "Secret", "list"),
                resource("events", "Event", "list"),
                resource("pods", "Pod", "list"),
                resource("pods/log", "Pod", "get", "list"),
                resource("bindings", "Binding", "create"),
            ]
        },
        "/apis": {"groups": [{"name": "apps", "preferredVersion": {"groupVersion": "apps/v1"}, "versions": [{}, {}]}]},
        "/apis/apps/v1": {"resources": [resource("deployments", "Deployment", "list"), resource("deployments/scale", "Scale", "get")]},
        "/api/v1/secrets": {"items": [item("s", data={"password": "aHVudGVyMg=="})]},
        "/api/v1/pods": {"items": [item("p", spec={"a": 1}, status={"restarts": 1}), item("p", "m")]},
        "/apis/apps/v1/deployments": {"items": [item("d", spec={"replicas": 1}, status={"ready": 1})]},
    }


def taken(api: dict[str, Obj]) -> Dump:
    return dump(lambda path: api[path])


def test_every_resource_that_can_be_listed_is_in_it() -> None:
    found = taken(served())
    assert {name: [*objects] for name, objects in found.items()} == {
        "secrets": ["n/s"],
        "pods": ["n/p", "m/p"],
        "deployments.apps": ["n/d"],
    }
    assert count(found) == 4
    assert found["deployments.apps"]["n/d"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "n", "uid": "uid-d"},
        "spec": {"replicas": 1},
    }


def test_no_value_of_a_secret_is_in_it_but_its_change_is() -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "hunter2"}
    secret = {"metadata": {"name": "s", "annotations": applied}, "data": {"password": "aHVudGVyMg=="}}
    before = normalized("secrets", secret)
    assert "aHVudGVyMg" not in json.dumps(before)
    assert "hunter2" not in json.dumps(before)
    assert normalized("secrets", {**secret, "data": {"password": "b3RoZXI="}}) != before
    assert normalized("secrets", {**secret, "metadata": {"name": "s", "annotations": {next(iter(applied)): "other"}}}) != before


@pytest.mark.parametrize(
    ("resource", "change"),
    [
        ("deployments.apps", {"metadata": {"resourceVersion": "8"}}),
        ("deployments.apps", {"metadata": {"managedFields": []}}),
        ("deployments.apps", {"status": {"ready": 0}}),
        ("pods", {"status": {"restarts": 2}}),
        ("nodes", {"status": {"images": []}}),
        ("endpoints", {"metadata": {"annotations": {"control-plane.alpha.kubernetes.io/leader": "me"}}}),
    ],
)
def test_what_kubernetes_counts_up_is_no_difference(resource: str, change: Obj) -> None:
    old = {
        "metadata": {"name": "a", "annotations": {"control-plane.alpha.kubernetes.io/leader": "you"}, "resourceVersion": "7"},
        "status": {},
    }
    new = {**old, **change, "metadata": {**old["metadata"], **change.get("metadata", {})}}
    assert normalized(resource, new) == normalized(resource, old)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"metadata": {"labels": {"x": "y"}}}, 'changed: deployments.apps n/d: metadata.labels: null -> {"x": "y"}'),
        ({"metadata": {"generation": 2}}, "changed: deployments.apps n/d: metadata.generation: null -> 2"),
        ({"metadata": {"finalizers": ["f"]}}, 'changed: deployments.apps n/d: metadata.finalizers: null -> ["f"]'),
        ({"spec": {"replicas": 2}}, "changed: deployments.apps n/d: spec.replicas: 1 -> 2"),
        ({"metadata": {"uid": "other"}}, "replaced: deployments.apps n/d"),
    ],
)
def test_a_change(change: Obj, line: str) -> None:
    api = served()
    before = taken(api)
    (item,) = api["/apis/apps/v1/deployments"]["items"]
    item |= {**change, "metadata": item["metadata"] | change.get("metadata", {})}
    assert compare(before, taken(api)) == [line]
    assert compare(before, taken(api), additions=False) == [line]


def test_the_rules_of_an_aggregated_role_are_no_difference() -> None:
    """metrics-server's role is added to the roles view, edit and admin by its labels."""
    role = {"metadata": {"name": "view"}, "aggregationRule": {"clusterRoleSelectors": [{}]}, "rules": [{"verbs": ["get"]}]}
    resource = "clusterroles.rbac.authorization.k8s.io"
    assert normalized(resource, role) == normalized(resource, {**role, "rules": []})
    assert normalized(resource, role) != normalized(resource, {**role, "aggregationRule": {}})
    alone = {key: value for key, value in role.items() if key != "aggregationRule"}
    assert normalized(resource, alone) != normalized(resource, {**alone, "rules": []})


def test_a_status_that_a_person_could_set_is_compared() -> None:
    """Of an Application, for instance: only what kubelets and the workload controllers report is left out."""
    old = {"metadata": {"name": "a"}, "status": {"sync": "Synced"}}
    assert normalized("applications.argoproj.io", old) == old


@pytest.mark.parametrize(
    ("resource", "change", "same"),
    [
        ("applications.argoproj.io", {"status": {"sync": "Unknown"}}, True),
        ("applications.argoproj.io", {"metadata": {"name": "a", "generation": 2}}, True),
        ("applications.argoproj.io", {"spec": {"project": "other"}}, False),
        ("applications.argoproj.io", {"metadata": {"name": "a", "labels": {"x": "y"}}}, False),
        ("applicationsets.argoproj.io", {"status": {}}, True),
        ("appprojects.argoproj.io", {"status": {}}, False),
        ("deployments.apps", {"metadata": {"name": "a", "generation": 2}}, False),
    ],
)
def test_what_a_running_argo_cd_reports(resource: str, change: Obj, same: bool) -> None:
    old: Obj = {"metadata": {"name": "a", "generation": 1}, "spec": {}, "status": {"sync": "Synced"}}
    before, after = (without_reports({resource: {"n/a": item}}) for item in (old, {**old, **change}))
    assert (compare(before, after) == []) is same


def test_what_is_added_and_removed() -> None:
    api = served()
    before = taken(api)
    api["/api/v1/pods"]["items"].pop()
    api["/api/v1/secrets"]["items"].append({"metadata": {"name": "t", "namespace": "n"}})
    api["/apis"]["groups"].append({"name": "argoproj.io", "preferredVersion": {"groupVersion": "argoproj.io/v1"}})
    api["/apis/argoproj.io/v1"] = {"resources": [{"name": "applications", "kind": "Application", "verbs": ["list"]}]}
    api["/apis/argoproj.io/v1/applications"] = {"items": [{"metadata": {"name": "a", "namespace": "n"}}]}
    after = taken(api)
    assert compare(before, after) == ["added: applications.argoproj.io n/a", "removed: pods m/p", "added: secrets n/t"]
    assert compare(before, after, additions=False) == ["removed: pods m/p"]
    assert compare(after, before) == ["removed: applications.argoproj.io n/a", "added: pods m/p", "removed: secrets n/t"]
    assert compare(after, copy.deepcopy(after)) == []


@pytest.mark.parametrize(
    ("spec", "status", "owner", "lines"),
    [
        ({"ttlSecondsAfterFinished": 300}, {"completionTime": "2026-11-27T12:00:00Z"}, "j", []),
        ({"ttlSecondsAfterFinished": 300}, {"completionTime": "2026-11-27T12:00:00Z"}, "k", ["removed: pods n/p"]),
        ({"ttlSecondsAfterFinished": 300}, {"active": 1}, "j", ["removed: jobs.batch n/a", "removed: pods n/p"]),
        ({}, {"completionTime": "2026-11-27T12:00:00Z"}, "j", ["removed: jobs.batch n/a", "removed: pods n/p"]),
    ],
    ids=["it had ended", "a pod of another job", "it ran", "it stays after its end"],
)
def test_a_job_that_expires_is_no_difference(spec: Obj, status: Obj, owner: str, lines: list[str]) -> None:
    job = {"metadata": {"name": "a", "namespace": "n", "uid": "j"}, "spec": spec, "status": status}
    pod = {"metadata": {"name": "p", "namespace": "n", "uid": "p", "ownerReferences": [{"kind": "Job", "uid": owner}]}}
    assert compare({"jobs.batch": {"n/a": job}, "pods": {"n/p": pod}}, {"jobs.batch": {}, "pods": {}}) == lines


def test_a_dump_is_taken_once_nothing_changes() -> None:
    api = served()

    def later(_seconds: float) -> None:
        if api["/api/v1/pods"]["items"]:
            api["/api/v1/pods"]["items"].pop()

    assert settled(lambda path: api[path], within=60, wait=later)["pods"] == {}


def test_a_cluster_that_goes_on_changing_is_named() -> None:
    api = served()

    def later(_seconds: float) -> None:
        (item,) = api["/apis/apps/v1/deployments"]["items"]
        item["spec"] = {"replicas": item["spec"]["replicas"] + 1}

    with pytest.raises(RuntimeError, match=r"still changes after 0 s:\nchanged: deployments.apps n/d: spec.replicas: 1 -> 2"):
        settled(lambda path: api[path], within=0, wait=later)
