# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""V2: waits name what the real scheduler, quota and controllers say, within the grace. A node without a kubelet is enough for that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, Process, free_port, lab_file
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.objects import NEW, application, status

Obj = dict[str, Any]
GRACE = 6
CONTROLLERS = "deployment,replicaset,statefulset,job,resourcequota"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server with scheduler and controllers, a node of 8 GiB, and a quota of 1 GiB in airflow-user."""
    folder = tmp_path_factory.mktemp("cluster")
    with ApiServer(folder, users=("reader",)) as server:
        resources = ["applications", "deployments", "events", "jobs", "pods", "pods/log", "statefulsets", "daemonsets"]
        server.grant("reader", ["get", "list", "watch"], resources, groups=["", "apps", "argoproj.io", "batch"])
        config = server.kubeconfig("admin")
        common = [f"--kubeconfig={config}", "--leader-elect=false", "--authentication-skip-lookup=true"]
        programs: list[list[Any]] = [
            [lab_file("kube-scheduler"), *common, f"--secure-port={free_port()}"],
            [lab_file("kube-controller-manager"), *common, f"--secure-port={free_port()}", f"--controllers={CONTROLLERS}"],
        ]
        processes = [Process(command, folder / f"{command[0].name}.log") for command in programs]
        try:
            node = server.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}})
            size = {"cpu": "4", "memory": "8Gi", "pods": "110"}
            conditions = [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": ""}]
            server.merge(node, {"status": {"capacity": size, "allocatable": size, "conditions": conditions}}, "status")
            for name in ("airflow-core", "airflow-user"):
                # The namespace controller does not run, and neither does what makes its ServiceAccount.
                server.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}})
            limits = {"hard": {"requests.memory": "1Gi"}}
            metadata = {"name": "small", "namespace": "airflow-user"}
            server.create({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": limits})
            yield server
        finally:
            for process in processes:
                if process.running():
                    process.end()


def template(memory: str, name: str) -> Obj:
    containers = [{"name": "main", "image": "none:1", "resources": {"requests": {"memory": memory}}}]
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}


def workload(kind: str, name: str, namespace: str, memory: str) -> Obj:
    spec: Obj = {"template": template(memory, name)}
    if kind == "Job":
        spec["template"]["spec"]["restartPolicy"] = "Never"
    else:
        spec["selector"] = {"matchLabels": {"app": name}}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    version = "batch/v1" if kind == "Job" else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def progressing(name: str, item: Obj, phase: str = "Succeeded") -> Obj:
    """An Application whose sync applied that workload."""
    state = status(NEW, health="Progressing")
    group, version = item["apiVersion"].split("/")
    metadata = item["metadata"]
    place = {"group": group, "version": version, "kind": item["kind"], "namespace": metadata["namespace"], "name": metadata["name"]}
    hook = {"hookType": "Sync"} if item["kind"] == "Job" else {}
    state["resources"] = [{**place, "status": "Synced"}]
    state["operationState"] |= {"phase": phase, "startedAt": "2026-05-04T10:00:00Z"}
    state["operationState"]["syncResult"]["resources"] = [{**place, "status": "Synced", "hookPhase": "Running", **hook}]
    if phase == "Running":
        del state["operationState"]["finishedAt"]
    return application(name, state)


OTHER = {
    "nodeName": "node-1",
    "containers": [{"name": "base", "image": "none:1", "env": [{"name": f"N{n}", "value": "x"} for n in range(20)]}],
}
NO_ROOM = "0/1 nodes are available: 1 Insufficient memory."
QUOTA = "exceeded quota: small, requested: requests.memory=2Gi, used: requests.memory=0, limited: requests.memory=1Gi"


@pytest.mark.parametrize(
    ("kind", "namespace", "memory", "phase", "words", "action"),
    [
        ("Deployment", "airflow-core", "900Gi", "Succeeded", NO_ROOM, "Lower the resources that pod airflow-core/"),
        ("StatefulSet", "airflow-core", "900Gi", "Running", NO_ROOM, "Lower the resources that pod airflow-core/"),
        ("Job", "airflow-core", "900Gi", "Running", NO_ROOM, "or add a node with that much free"),
        ("Deployment", "airflow-user", "2Gi", "Succeeded", QUOTA, "Raise the quota or free some of it (kubectl -n airflow-user"),
        ("StatefulSet", "airflow-user", "2Gi", "Running", QUOTA, "or lower what StatefulSet"),
        ("Job", "airflow-user", "2Gi", "Running", QUOTA, "or lower what Job"),
    ],
)
def test_v2_a_synced_and_progressing_application_fails_within_the_grace(
    cluster: ApiServer, kind: str, namespace: str, memory: str, phase: str, words: str, action: str
) -> None:
    name = f"{kind}-{namespace}".lower()
    item = cluster.create(workload(kind, name, namespace, memory))
    cluster.create(progressing(name, item, phase))
    config = cluster.kubeconfig("reader")
    result = Module("argocd_application_wait", config, applications=[name], revision=NEW, degraded_grace=GRACE, timeout=60).result()
    cluster.delete(item)
    assert result.get("failed"), result
    assert words in result["msg"]
    assert action in result["next_action"]
    assert "correct image" not in result["next_action"]
    # Named first at the first look at the cluster, which comes after 5 s.
    assert result["elapsed"] < 5 + GRACE + 5 + 5
    named = [step["elapsed"] for step in result["applications"][0]["transitions"] if words in step["reason"]]
    assert min(named) < GRACE + 5
    (bundle,) = result["diagnosis"]
    assert words in bundle["causes"][0]["text"]
    assert bundle["notes"] == []


@pytest.mark.parametrize(
    ("kind", "namespace", "memory", "words"),
    [
        ("Deployment", "airflow-core", "900Gi", f"{NO_ROOM} preemption"),
        ("StatefulSet", "airflow-user", "2Gi", QUOTA),
        ("Job", "airflow-core", "900Gi", f"{NO_ROOM} preemption"),
        ("Job", "airflow-user", "2Gi", QUOTA),
    ],
)
def test_v2_a_rollout_that_is_stuck_says_the_same(cluster: ApiServer, kind: str, namespace: str, memory: str, words: str) -> None:
    name = f"rollout-{kind}".lower()
    item = cluster.create(workload(kind, name, namespace, memory))
    expected = [f"{kind}/{name}"]
    options: Obj = {"namespace": namespace, "expected": expected, "label_selectors": [], "grace": GRACE, "timeout": 60}
    result = Module("workload_wait", cluster.kubeconfig("reader"), **options).result()
    cluster.delete(item)
    assert result.get("failed"), result
    assert words in result["msg"]
    assert result["next_action"]
    assert "describe pods, and correct" not in result["next_action"]


def test_v2_no_room_that_comes_within_the_grace_fails_nothing(cluster: ApiServer) -> None:
    """What a cluster autoscaler does: a node comes."""
    item = cluster.create(workload("Deployment", "grows", "airflow-core", "20Gi"))
    app = cluster.create(progressing("grows", item))
    options: Obj = {"applications": ["grows"], "revision": NEW, "degraded_grace": 15, "timeout": 60}
    with Module("argocd_application_wait", cluster.kubeconfig("reader"), **options) as module:
        time.sleep(7)
        assert module.running()
        node = cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-2"}})
        size = {"cpu": "4", "memory": "32Gi", "pods": "110"}
        ready = [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": ""}]
        cluster.merge(node, {"status": {"capacity": size, "allocatable": size, "conditions": ready}}, "status")
        time.sleep(15)
        assert module.running()
        cluster.merge(app, {"status": {"health": {"status": "Healthy"}}})
        result = module.result()
    assert result.get("done"), result
    reasons = [step["reason"] for step in result["applications"][0]["transitions"]]
    assert any("Insufficient memory" in reason for reason in reasons)
    assert "Insufficient memory" not in reasons[-2]
    cluster.delete(item)
    cluster.delete(node)


def test_v2_ten_thousand_pods_of_others_cost_no_memory(cluster: ApiServer) -> None:
    item = cluster.create(workload("Deployment", "crowded", "airflow-core", "900Gi"))
    cluster.create(progressing("crowded", item))
    other = cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "other", "namespace": "airflow-core"}, "spec": OTHER})
    config, peaks = cluster.kubeconfig("reader"), []
    for names in (range(100), range(100, 10_000)):
        cluster.copies(other, [f"other-{number}" for number in names])
        result = Module("argocd_application_wait", config, applications=["crowded"], revision=NEW, degraded_grace=6, timeout=90).result(150)
        assert NO_ROOM in result["msg"]
        peaks.append(result["peak_mb"])
    few, many = peaks
    assert many <= 1.2 * few, peaks
    print(f"100 and 10,000 other pods: {few:.1f} and {many:.1f} MB")
