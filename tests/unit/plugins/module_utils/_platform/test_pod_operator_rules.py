# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F10: settings with which tasks may not make pods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import admission_state, rules, value_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_state import Admission
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Repository, Settings

AIRFLOW = AirflowSettings(
    Repository("platform", "u", embedded=True), Repository("dags", "u", embedded=True), default_namespace="airflow-core"
)
ON: dict[str, Any] = {"pod_operator": True}


def given(entry: dict[str, Any], core: dict[str, Any] | None = None, **airflow: Any) -> Settings:
    profiles = ({"name": "airflow-core", **(core or {})}, {"name": "airflow-batch", **entry})
    return Settings(
        worker_namespaces=("airflow-core", "airflow-batch"), profiles=profiles, airflow=replace(AIRFLOW, **airflow) if airflow else AIRFLOW
    )


def codes(settings: Settings) -> list[str]:
    assert settings.airflow
    found = [*rules.broken(rules.PLATFORM, settings), *value_rules.broken(settings, settings.airflow)]
    assert all(item.value and item.rule and item.next_action for item in found)
    return [item.code for item in found]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (given({}), []),
        (given(ON), []),
        (given({"pod_operator": False}, admission_policy="none"), []),
        (given(ON, admission_policy="require"), []),
        (given(ON, admission_policy="none"), ["pod_operator"]),
        (given({}, ON), ["core_pod_operator"]),
        (given({**ON, "quota": {"pods": 2}}), []),
        (given({**ON, "quota": {"pods": "1"}}), ["pod_operator_quota"]),
        (given({**ON, "quota": {"count/pods": 1}}), ["pod_operator_quota"]),
        (given({**ON, "quota": {"pods": 0}}), ["pod_operator_quota"]),
        (given({"quota": {"pods": 1}}), []),
        # Not a dictionary, or no number: another rule says so.
        (given({**ON, "quota": ["pods"]}), ["worker_profile"]),
        (given({**ON, "quota": {"pods": "many"}}), ["worker_profile"]),
        (given(ON, values={"workers": {"serviceAccount": {"name": "airflow-pod-operator"}}}), ["pod_operator_account"]),
        (given(ON, values={"scheduler": {"serviceAccount": {"name": "airflow-pod-operator"}}}), ["pod_operator_account"]),
        (given({}, values={"workers": {"serviceAccount": {"name": "airflow-pod-operator"}}}), []),
        (given(ON, values={"workers": {"serviceAccount": {"name": "mine"}}}), []),
    ],
)
def test_f10_what_is_refused(settings: Settings, expected: list[str]) -> None:
    assert codes(settings) == expected


V1 = "admissionregistration.k8s.io/v1"
MISSING = Admission(V1, ("create validatingadmissionpolicies",))


@pytest.mark.parametrize(
    ("found", "entry", "mode", "expected"),
    [
        (Admission(V1), ON, "auto", []),
        (Admission(), {}, "auto", []),
        (Admission(), ON, "auto", ["pod_operator"]),
        (MISSING, ON, "auto", ["pod_operator"]),
        (replace(MISSING, there=True), ON, "auto", ["pod_operator"]),
        # This says the same, and what to do.
        (Admission(), ON, "require", ["admission_policy"]),
        (Admission(V1, foreign="it belongs to platform b"), ON, "auto", ["foreign_object"]),
    ],
)
def test_f10_a_cluster_without_admission_policies_is_refused(
    found: Admission, entry: dict[str, Any], mode: str, expected: list[str]
) -> None:
    settings = given(entry, admission_policy=mode)
    assert settings.airflow
    refusals = list(admission_state.refusals(found, settings, settings.airflow))
    assert [item.code for item in refusals] == expected
    for item in refusals:
        if item.code == "pod_operator":
            assert item.value == "airflow-batch"
            assert found.obstacle in item.message
            assert item.next_action.endswith("or remove pod_operator of airflow-batch.")
            assert item.next_action.startswith("Grant these rights" if found.missing else "Start the API server with it")
