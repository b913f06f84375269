# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""airflow_worker_placement_wait on a real API server: pods already gone, strays, one namespace only, 10,000 pods."""

from __future__ import annotations

from typing import Any

from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.objects import ended, expected, worker

Obj = dict[str, Any]
PLACEMENT = "airflow_worker_placement_wait"
FEW, MANY, WORKERS = 100, 10_000, 3


def run(server: ApiServer, run_id: str, user: str = "reader", check: bool = False, **options: Any) -> Obj:
    options = {"tail_lines": 0, "timeout": 30, "expectations": expected(run_id), **options}
    return Module(PLACEMENT, server.kubeconfig(user), check, **options).result()


def test_pod_deleted_before_the_wait_is_seen_by_its_version(server: ApiServer) -> None:
    before = run(server, "gone", check=True)
    pod = server.create(worker("gone-1", "gone"))
    server.merge(pod, ended(), "status")
    server.delete(pod)
    result = run(server, "gone", resource_version=before["resource_version"])
    assert result.get("done"), result
    (found,) = result["placements"]
    assert (found["pod"], found["phase"], found["node"], found["deleted"]) == ("gone-1", "Succeeded", "node-1", True)
    later = str(int(before["resource_version"]) + 10**6)
    assert "it is another cluster's" in run(server, "gone", resource_version=later)["msg"]
    without = run(server, "gone", timeout=1)
    assert "seen only with resource_version" in without["msg"]


def test_stray_in_another_namespace_fails_at_once(server: ApiServer) -> None:
    server.create(worker("stray-1", "stray", namespace="airflow-user"))
    result = run(server, "stray")
    assert "stray-1 of task say_hi landed in namespace airflow-user, expected in airflow-cron" in result["msg"]
    assert [item["namespace"] for item in result["strays"]] == ["airflow-user"]
    assert result["elapsed"] < 5


def test_one_namespace_is_permitted_only(server: ApiServer) -> None:
    server.merge(server.create(worker("cron-1", "cron")), ended(), "status")
    server.create(worker("cron-2", "cron", namespace="airflow-user"))  # out of this user's sight
    result = run(server, "cron", user="cron")
    assert result.get("done"), result
    assert result["watched"] == ["airflow-cron"]
    (warning,) = result["warnings"]
    assert "Only airflow-cron can be searched for stray workers" in warning
    assert "at the cluster scope" in warning


def test_ten_thousand_pods_cost_what_a_hundred_do(server: ApiServer) -> None:
    for number in range(WORKERS):
        pod = server.create(worker(f"crowd-{number}", "crowd", map_index=number))
        server.merge(pod, ended(), "status")
    other = server.create(worker("other", "other", dag_id="other"))
    results = []
    for names in (range(FEW), range(FEW, MANY)):
        server.copies(other, [f"other-{number}" for number in names])
        page = server.request("GET", "/api/v1/namespaces/airflow-cron/pods?limit=1")
        assert page["metadata"]["remainingItemCount"] >= names.stop
        results.append(run(server, "crowd", expectations=expected("crowd", count=WORKERS)))
    few, many = results
    for result in results:
        assert result.get("done"), result
        assert len(result["placements"]) == WORKERS
    assert many["peak_mb"] <= 1.2 * few["peak_mb"], (few["peak_mb"], many["peak_mb"])
    assert few["requests"] == many["requests"] == 1
    for size, result in ((FEW, few), (MANY, many)):
        print(f"{size} pods: {result['elapsed']:.2f} s, {result['peak_mb']:.1f} MB")
