# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pods are and what they are given, looked at while they are there."""

from __future__ import annotations

from typing import Any

from ansible_collections.gitops.airflow.tests.scheduling.runs import CRON, QUOTA, STRAY, TOLERATION, Obj, Runs, node_of, placement
from conftest import Platform
from kubernetes import client

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
UNTOLERATED = "1 node(s) had untolerated taint {dedicated: cron}"
GRACE = 5  # seconds for which a worker may be without a node


def test_a_worker_has_what_its_namespace_gives(runs: Runs, cron_node: str) -> None:
    spec = runs.specification(CRON)
    assert spec["nodeName"] == cron_node
    assert spec["nodeSelector"] == {"pool": "cron"}
    assert TOLERATION in spec["tolerations"]
    (spread,) = spec["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["whenUnsatisfiable"], spread["maxSkew"]) == ("kubernetes.io/hostname", "ScheduleAnyway", 1)
    assert spread["labelSelector"] == {"matchLabels": {"component": "worker"}}
    assert (spec["priorityClassName"], spec["priority"]) == ("scheduling-test", 1000)
    assert spec["runtimeClassName"] == "scheduling-test"
    assert {"name": "scheduling-test"} in spec["imagePullSecrets"]


def test_a_workers_resources_are_the_namespaces_and_those_of_the_limit_range(runs: Runs) -> None:
    """The namespace sets requests of cpu and limits of memory, for the container base. The LimitRange completes the other container."""
    spec = runs.specification(CRON)
    (base,) = [container for container in spec["containers"] if container["name"] == "base"]
    assert base["resources"] == {"requests": {"cpu": "150m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
    (git,) = [container for container in spec["initContainers"] if container["name"] == "git-sync-init"]
    assert git["resources"] == {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "512Mi"}}


def test_a_worker_that_tolerates_no_taint_waits_and_the_wait_says_why(platform: Platform, runs: Runs, no_node: str) -> None:
    """Its task selects the tainted node, and its namespace does not tolerate the taint."""
    assert UNTOLERATED in no_node
    result = placement(platform, runs, STRAY, {}, phase="Scheduled", unschedulable_grace=GRACE, timeout=120).result(timeout=180)
    assert result.get("failed"), result
    assert (result["code"], result["done"]) == ("not_done", False)
    assert UNTOLERATED in result["msg"]
    assert result["next_action"]
    assert GRACE <= result["elapsed"] < 4 * GRACE
    assert [(item["phase"], item["node"]) for item in result["placements"]] == [("Pending", "")]


def test_the_status_has_the_schedulers_message(status: Obj) -> None:
    (row,) = [item for item in status["workers"] if item["task"] == f"{STRAY}.stray"]
    assert row["status"] == "Unschedulable"
    assert UNTOLERATED in row["problem"]


def test_a_task_waits_while_the_quota_is_used_up_and_the_status_lists_it(core: client.CoreV1Api, status: Obj, runs: Runs) -> None:
    waiting = [item["task"] for item in status["waiting"] if item["task"].startswith(f"{QUOTA}.")]
    started = {pod.metadata.annotations["task_id"] for pod in runs.pods(QUOTA)}
    assert len(waiting) == 1, status["waiting"]
    assert len(started) == 1, f"pods of {started}, although the quota allows one"
    assert waiting == [f"{QUOTA}.{name}" for name in {"one", "other"} - started]
    used = core.read_namespaced_resource_quota("airflow-workers", "airflow-user").status.used
    assert used == {"pods": "1"}


def test_airflows_own_pods_are_on_the_control_plane(core: client.CoreV1Api, platform: Platform) -> None:
    """They tolerate its taint without airflow_app_core_placement, too, but then nothing keeps them there."""
    pods: list[Any] = core.list_namespaced_pod(platform.core, label_selector="tier=airflow,component!=worker").items
    node = node_of(core, CONTROL_PLANE)
    places = {pod.metadata.labels["component"]: pod.spec.node_name for pod in pods}
    assert {"scheduler", "triggerer", "webserver", "mysql"} <= places.keys()
    assert set(places.values()) == {node}, places
    selectors = {pod.metadata.labels["component"]: pod.spec.node_selector for pod in pods}
    assert {name: found for name, found in selectors.items() if found != {CONTROL_PLANE: ""}} == {}
