# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario scheduling: its profiles are right, and only the nodes that it means can take the pods. Nothing is started."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._kind.drift import patches
from ansible_collections.gitops.airflow.plugins.module_utils._platform import placement_rules, profile_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import TOLERATIONS
from ansible_collections.gitops.airflow.plugins.module_utils._platform.node_fit import fit
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_namespaces import placement
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

Obj = dict[str, Any]
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
GIVEN: Obj = yaml.safe_load((ROOT / "molecule/scheduling/inventory/group_vars/platform.yml").read_text())
ENTRIES: dict[str, Obj] = {entry["name"]: entry for entry in GIVEN["platform_worker_namespaces"]}


def nodes() -> list[Obj]:
    """As kind makes them: it taints the control plane where there are other nodes."""
    found = [node("control-plane", {CONTROL_PLANE: ""}, [{"key": CONTROL_PLANE, "effect": "NoSchedule"}])]
    for given in GIVEN["kind_cluster_extra_nodes"]:
        registration = patches({}, given).get("JoinConfiguration", {}).get("nodeRegistration", {})
        found.append(node(given["labels"]["pool"], given["labels"], registration.get("taints", [])))
    return found


def node(name: str, labels: Obj, taints: list[Obj]) -> Obj:
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": taints}}


def pod(fields: Obj) -> Obj:
    """With what every pod of Airflow tolerates."""
    return {**fields, "tolerations": [*TOLERATIONS, *fields.get("tolerations", [])]}


def test_no_rule_refuses_the_profiles() -> None:
    assert [problem for entry in ENTRIES.values() for problem in profile_rules.problems(entry)] == []
    assert list(placement_rules.problems(GIVEN["airflow_app_core_placement"])) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (placement(ENTRIES["airflow-cron"]), ["cron"]),
        (placement(ENTRIES["airflow-user"]), ["user"]),
        (placement(ENTRIES["airflow-batch"]), ["cron", "user"]),
        (placement(GIVEN["airflow_app_core_placement"]), ["control-plane"]),
        # The task that selects the tainted node, in a namespace without tolerations.
        ({**placement(ENTRIES["airflow-core"]), "nodeSelector": {"pool": "cron"}}, []),
    ],
    ids=["cron", "user", "batch", "core", "stray"],
)
def test_only_these_nodes_can_take_the_pods(fields: Obj, expected: list[str]) -> None:
    assert list(fit(nodes(), pod(fields)).fitting) == expected


def test_the_drain_of_the_node_for_cron_leaves_argo_cd_and_the_git_server_alone() -> None:
    """They have no tolerations."""
    assert list(fit(nodes(), {}).fitting) == ["user"]
