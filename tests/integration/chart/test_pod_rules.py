# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster policy's rules for a pod's fields beside the API server's own Pod Security (D6, D14)."""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.unit.cluster_policy import PYTHON
from ansible_collections.gitops.airflow.tests.unit.roles import test_manifests as manifests
from ansible_collections.gitops.airflow.tests.unit.roles.airflow_app.test_pod_rules import ALLOWED, NODE, REFUSED, Fields

defaults, render = manifests.defaults, manifests.render

# The API server of the tests drops these fields: it is older, or has their feature off.
DROPPED = ("appArmorProfile", "procMount")


@pytest.fixture(scope="module")
def namespaces(server: ApiServer) -> None:
    for standard in ("privileged", "baseline", "restricted"):
        labels = {"pod-security.kubernetes.io/enforce": standard}
        server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"pods-{standard}", "labels": labels}})


def whole(fields: Fields) -> Fields:
    """A pod's spec with an image and a name of its own for each container."""
    spec: Fields = {"containers": [{"name": "base"}], **copy.deepcopy(fields)}
    for number, container in enumerate([*spec["containers"], *spec.get("initContainers", [])]):
        container.update(image="x", name=container["name"] if number == 0 else f"{container['name']}-{number}")
    return spec


def answer(server: ApiServer, standard: str, spec: Fields) -> str:
    """What the API server says of a pod; empty where it would create it."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a-pod"}, "spec": spec}
    status, text = server._send("POST", f"/api/v1/namespaces/pods-{standard}/pods?dryRun=All", json.dumps(pod))
    return "" if status == 201 else f"{status} {json.loads(text)['message']}"


@pytest.mark.usefixtures("namespaces")
def test_d6_the_node_s_rules_are_those_of_baseline(server: ApiServer) -> None:
    """Each pod that the policy refuses for its node, and that this API server takes, the standard refuses, too."""
    judged, wrong = 0, []
    for fields, named, rule in REFUSED:
        spec = whole(fields)
        if rule != NODE or any(name in named for name in DROPPED) or answer(server, "privileged", spec):
            continue
        judged += 1
        if "violates PodSecurity" not in answer(server, "baseline", spec):
            wrong.append((named, fields))
    assert judged >= 25
    assert wrong == []


@pytest.mark.usefixtures("namespaces")
def test_d6_what_the_policy_allows_baseline_allows(server: ApiServer) -> None:
    judged, wrong = 0, []
    for fields in ALLOWED:
        spec = whole(fields)
        if answer(server, "privileged", spec):
            continue
        judged += 1
        if said := answer(server, "baseline", spec):
            wrong.append((fields, said))
    assert judged >= 10
    assert wrong == []


PLAIN: list[Fields] = [
    {},
    {"initContainers": [{"name": "first"}], "containers": [{"name": "base"}, {"name": "sidecar"}]},
    {"containers": [{"name": "base", "securityContext": {"readOnlyRootFilesystem": True, "runAsUser": 50000}}]},
    {"securityContext": {"fsGroup": 0}, "volumes": [{"name": "v", "emptyDir": {}}]},
]


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("fields", PLAIN)
def test_d14_a_completed_pod_meets_restricted(server: ApiServer, monkeypatch: pytest.MonkeyPatch, fields: Fields) -> None:
    monkeypatch.syspath_prepend(str(PYTHON))
    rules: Any = importlib.import_module("gitops_pod_rules")
    spec = whole(fields)
    assert 'violates PodSecurity "restricted' in answer(server, "restricted", spec)
    rules.fill_restricted(spec)
    assert answer(server, "restricted", spec) == ""


def specs(item: Fields) -> Iterator[Fields]:
    """The pod specs in an object."""
    spec = item.get("spec") or {}
    template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
    if item["kind"] in ("Deployment", "StatefulSet", "Job", "CronJob"):
        yield template["spec"]
    if item["kind"] == "ConfigMap" and "pod_template_file.yaml" in item.get("data", {}):
        yield yaml.safe_load(item["data"]["pod_template_file.yaml"])["spec"]


@pytest.mark.usefixtures("namespaces")
def test_d14_every_pod_of_the_platform_meets_restricted(server: ApiServer, objects: Any, render: Any) -> None:
    """The chart's, the workers', Gitea's, those of the log store and Argo CD's."""
    applied = [{"kind": "PersistentVolumeClaim", "uid": "1"}]
    items = [
        *objects,
        *render("git_server/gitea.yaml.j2"),
        *render("task_logs/task-logs.yaml.j2"),
        *render("task_logs/setup-job.yaml.j2", __task_logs_applied={"objects": applied}),
        *filter(None, yaml.safe_load_all(lab_file("argocd-install.yaml").read_text())),
    ]
    said = {}
    for item in items:
        for spec in specs(item):
            # Their claims and accounts are elsewhere.
            names = [volume["name"] for volume in spec.get("volumes", [])]
            mounts = [
                mount for container in spec["containers"] for mount in container.get("volumeMounts", []) if mount["name"] not in names
            ]
            missing = [{"name": name, "emptyDir": {}} for name in {mount["name"] for mount in mounts}]
            pod = {**spec, "restartPolicy": "Never", "volumes": [*spec.get("volumes", []), *missing]}
            said[f"{item['kind']} {item['metadata']['name']}"] = answer(server, "restricted", pod)
    assert len(said) >= 16, sorted(said)
    assert {name: text for name, text in said.items() if text} == {}
