# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a platform (ADR 25): the rule, and that roles and modules use it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gitops.airflow.plugins.module_utils._platform import rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.names import Names, platform_names
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import SETTINGS_SPEC, Settings, from_params

AIRFLOW = {
    "platform_core_namespace": "airflow-core",
    "platform_worker_namespaces": ["airflow-core", "airflow-cron", "airflow-user"],
    "platform_logs_namespace": "airflow-logs",
    "platform_git_namespace": "git",
    "airflow_app_name": "airflow-core",
    "airflow_app_platform_path": "platform/airflow/core",
    "airflow_app_platform_repo": "http://gitea.git.svc.cluster.local:3000/gitops/platform.git",
    "runs": ["airflow-cron", "airflow-user"],
}
STAGE = {
    "platform_core_namespace": "stage-core",
    "platform_worker_namespaces": ["stage-core", "stage-cron", "stage-user"],
    "platform_logs_namespace": "stage-logs",
    "platform_git_namespace": "stage-git",
    "airflow_app_name": "stage-core",
    "airflow_app_platform_path": "platform/stage/core",
    "airflow_app_platform_repo": "http://gitea.stage-git.svc.cluster.local:3000/gitops/platform.git",
    "runs": ["stage-cron", "stage-user"],
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, AIRFLOW),
        ({"platform_name": "stage"}, STAGE),
        # A platform of an earlier version keeps its names.
        ({"platform_name": "stage", "platform_prefix": "airflow"}, AIRFLOW),
        (
            {"platform_name": "stage", "platform_core_namespace": "data", "airflow_app_name": "flow"},
            {**STAGE, "platform_core_namespace": "data", "airflow_app_name": "flow"},
        ),
    ],
    ids=["default", "stage", "prefix", "other names"],
)
def test_the_variables_of_the_roles_follow_from_the_name(
    role_evaluator: Callable[[str], Callable[..., Any]], given: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = {name: role_evaluator("airflow_app")(name, **given) for name in expected if name.startswith(("platform_", "airflow_app_"))}
    found["platform_worker_namespaces"] = [entry["name"] for entry in found["platform_worker_namespaces"]]
    found["runs"] = [run["namespace"] for run in role_evaluator("airflow_verify")("airflow_verify_examples", **given)]
    assert found == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"name": "airflow"},
            ("airflow-core", ("airflow-core",), "airflow-logs", "git", "airflow-core", "platform/airflow/core", "airflow"),
        ),
        ({"name": "stage"}, ("stage-core", ("stage-core",), "stage-logs", "stage-git", "stage-core", "platform/stage/core", "stage")),
        (
            {"name": "stage", "prefix": "airflow"},
            ("airflow-core", ("airflow-core",), "airflow-logs", "git", "airflow-core", "platform/airflow/core", "airflow"),
        ),
        (
            {"name": "stage", "core_namespace": "a", "logs_namespace": "b", "git_namespace": "c", "worker_namespaces": [{"name": "d"}]},
            ("a", ("d",), "b", "c", "stage-core", "platform/stage/core", "stage"),
        ),
    ],
    ids=["default", "stage", "prefix", "other names"],
)
def test_so_do_the_options_of_the_modules(given: dict[str, Any], expected: tuple[Any, ...]) -> None:
    # The validator writes into the defaults, which all modules share.
    params = ArgumentSpecValidator(deepcopy(SETTINGS_SPEC)).validate({"platform": given, "airflow": {}})
    assert not params.error_messages
    found = from_params(params.validated_parameters["platform"], params.validated_parameters["airflow"])
    owner = found.owner()
    shown = (
        owner.core_namespace,
        owner.namespaces,
        owner.logs_namespace,
        owner.git_namespace,
        owner.application,
        owner.path,
        owner.project,
    )
    assert shown == expected
    assert found.airflow
    assert found.airflow.default_namespace == expected[0]


def test_the_filter_has_all_names() -> None:
    names = Names("stage")
    assert platform_names("stage") == {
        "core": names.core,
        "workers": [{"name": "stage-core"}, {"name": "stage-cron"}, {"name": "stage-user"}],
        "logs": names.logs,
        "git": names.git,
        "application": names.application,
        "path": names.path,
    }


@pytest.mark.parametrize(
    ("name", "prefix", "codes"),
    [
        ("stage", "airflow", []),
        ("stage", "stage", []),
        ("stage", "Stage", ["platform_prefix"]),
        ("stage", 5, ["platform_prefix"]),
        ("stage", "", ["platform_prefix"]),
        # One refusal for one mistake.
        ("Stage", "Stage", ["platform_name"]),
    ],
)
def test_a_prefix_can_begin_the_name_of_a_namespace(name: str, prefix: Any, codes: list[str]) -> None:
    assert [refusal.code for refusal in rules.broken((rules.platform_name, rules.platform_prefix), Settings(name, prefix))] == codes
