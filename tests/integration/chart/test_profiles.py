# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm renders of the profiles of worker namespaces, and of the placement of core pods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.tests.integration.chart.rendering import Objects, Write, named, pods, rendered_objects

ENTRY: dict[str, Any] = {
    "name": "airflow-cron",
    "node_selector": {"pool": "etl"},
    "topology_spread": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "matchLabelKeys": ["dag_id"]}],
    "priority_class": "low",
    "runtime_class": "gvisor",
    "resources": {"requests": {"cpu": 1}, "limits": {"memory": "2Gi"}},
    "image": "registry.example.com/etl:1",
    "pull_secrets": ["registry"],
    "quota": {"pods": 5, "limits.memory": "10Gi"},
    "limits": [{"type": "Container", "default": {"memory": "1Gi"}, "max": {"cpu": 2}}],
    "pod_security": "baseline",
}
NAMESPACES = [{"name": "airflow-core"}, ENTRY, {"name": "airflow-user"}]
KINDS = ("ResourceQuota", "LimitRange")


@pytest.fixture(scope="module")
def with_profile(write: Write) -> Objects:
    return rendered_objects(write(platform_worker_namespaces=NAMESPACES))


def without_policy(objects: Objects) -> Objects:
    """All but the ConfigMaps that hold the policy and Airflow's configuration, and their checksums."""
    kept = [
        item for item in objects if not (item["kind"] == "ConfigMap" and item["metadata"]["name"] in ("airflow-python", "airflow-config"))
    ]
    text = yaml.safe_dump_all(kept)
    return list(yaml.safe_load_all("\n".join(line for line in text.splitlines() if "checksum/airflow-config" not in line)))


def test_a_namespace_with_a_quota_has_these_objects(with_profile: Objects) -> None:
    found = {item["kind"]: item for item in with_profile if item["kind"] in KINDS}
    assert {kind: (item["metadata"]["name"], item["metadata"]["namespace"]) for kind, item in found.items()} == dict.fromkeys(
        KINDS, ("airflow-workers", "airflow-cron")
    )
    assert all(item["metadata"]["annotations"] == {"argocd.argoproj.io/sync-wave": "-2"} for item in found.values())
    assert found["ResourceQuota"]["spec"] == {"hard": {"pods": "5", "limits.memory": "10Gi"}}
    amounts = {"memory": "1Gi", "cpu": "2"}
    item = {"type": "Container", "default": amounts, "defaultRequest": amounts, "max": {"cpu": "2"}}
    assert found["LimitRange"]["spec"] == {"limits": [item]}


def test_without_them_there_are_none(objects: Objects) -> None:
    assert [item for item in objects if item["kind"] in KINDS] == []


def test_a_profile_changes_nothing_else(objects: Objects, with_profile: Objects) -> None:
    """The pod template of all workers stays: the cluster policy gives the profile to the pods of that namespace alone."""
    assert without_policy([item for item in with_profile if item["kind"] not in KINDS]) == without_policy(objects)
    before, after = (named(found, "ConfigMap", "airflow-config")[0]["data"] for found in (objects, with_profile))
    assert before["pod_template_file.yaml"] == after["pod_template_file.yaml"]


def test_the_policy_has_the_profile(with_profile: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in named(with_profile, "ConfigMap", "airflow-python")[0]["data"].items():
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    policy: dict[str, Any] = {"__file__": str(tmp_path / "airflow_local_settings.py")}
    exec(compile((tmp_path / "airflow_local_settings.py").read_text(), "policy", "exec"), policy)
    assert policy["WORKER_NAMESPACES"] == {
        "airflow-core": {},
        "airflow-user": {},
        "airflow-cron": {
            "nodeSelector": {"pool": "etl"},
            "topologySpreadConstraints": ENTRY["topology_spread"],
            "priorityClassName": "low",
            "runtimeClassName": "gvisor",
            "imagePullSecrets": [{"name": "registry"}],
            "containers": [
                {
                    "name": "base",
                    "image": "registry.example.com/etl:1",
                    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "2Gi"}},
                }
            ],
        },
    }
    platform = policy["PLATFORM"]
    assert platform.images == {"apache/airflow:2.6.3"}
    assert platform.resources == {"requests": {"cpu": "50m", "memory": "256Mi"}}
    assert policy["LIMITS"].restricted == {"airflow-core", "airflow-user"}


OPERATORS = [{"name": "airflow-core"}, {"name": "airflow-cron", "pod_operator": True}, {"name": "airflow-user"}]


def test_f10_a_namespace_whose_tasks_make_pods_has_the_account_for_it(write: Write, objects: Objects) -> None:
    found = rendered_objects(write(platform_worker_namespaces=OPERATORS))
    accounts = [item for item in found if item["kind"] == "ServiceAccount" and item not in objects]
    assert [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in accounts] == [("airflow-cron", "airflow-pod-operator")]
    (account,) = accounts
    assert account["automountServiceAccountToken"] is False
    assert without_policy([item for item in found if item != account]) == without_policy(objects)
    (policy,) = {item["data"]["airflow_local_settings.py"] for item in named(found, "ConfigMap", "airflow-python")}
    assert '"podOperators":["airflow-cron"]' in policy


@pytest.mark.parametrize("namespace", ["airflow-core", "elsewhere"])
def test_f10_the_chart_refuses_other_namespaces(render: Any, namespace: str) -> None:
    """As a commit by hand could name."""

    def edit(values: dict[str, Any]) -> None:
        values["global"]["podOperators"] = [namespace]

    done = render(edit)
    assert done.returncode != 0
    assert f'global.podOperators has "{namespace}"; tasks make pods only in namespaces of global.workerNamespaces' in done.stderr


PLACEMENT: dict[str, Any] = {
    "node_selector": {"pool": "core"},
    "tolerations": [{"key": "core", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "topology_spread": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    "priority_class": "high",
}
FIELDS = ("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "priorityClassName")


def placements(objects: Objects) -> dict[str, dict[str, Any]]:
    found = dict(pods(objects))
    (database,) = named(objects, "StatefulSet", "airflow-mysql")
    found["airflow-mysql"] = database["spec"]["template"]["spec"]
    return {name: {field: spec[field] for field in FIELDS if spec.get(field)} for name, spec in found.items()}


def test_core_pods_are_placed_and_workers_are_not(write: Write, with_processor: Objects) -> None:
    before = placements(with_processor)
    found = placements(rendered_objects(write(airflow_app_core_placement=PLACEMENT, airflow_app_dag_processor=True)))
    assert found.pop("worker") == before["worker"]
    assert set(found) == {f"airflow-{name}" for name in ("scheduler", "triggerer", "webserver", "dag-processor", "mysql")} | {
        "airflow-run-airflow-migrations",
        "airflow-create-user",
    }
    expected = {
        "nodeSelector": {"pool": "core"},
        "affinity": PLACEMENT["affinity"],
        "tolerations": [*before["worker"]["tolerations"], *PLACEMENT["tolerations"]],
        "topologySpreadConstraints": PLACEMENT["topology_spread"],
        "priorityClassName": "high",
    }
    assert found == dict.fromkeys(found, expected)


def test_without_a_placement_the_tolerations_of_all_pods_hold(objects: Objects) -> None:
    tolerations = [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}]
    assert {name: fields["tolerations"] for name, fields in placements(objects).items()} == dict.fromkeys(placements(objects), tolerations)
    assert set(placements(objects)["airflow-mysql"]) == {"tolerations"}
