# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of a platform are read, by the settings."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import read_settings
from ansible_collections.gitops.airflow.plugins.module_utils._status.read import Platform
from ansible_collections.gitops.airflow.plugins.modules import platform_status


def platform(**options: Any) -> Platform:
    # The validator writes into the defaults, which all modules share.
    found = ArgumentSpecValidator(deepcopy(platform_status.argument_spec())).validate({"platform": {"name": "team"}, **options})
    assert not found.error_messages
    params = found.validated_parameters
    return platform_status.platform(params, read_settings(params)[0])


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"platform": {"name": "team", "provider": "kind"}, "context": "kind-team"}, "team"),
        ({"context": "production"}, "team in production"),
        ({}, "team"),
    ],
)
def test_an_existing_cluster_is_known_by_its_context(options: dict[str, Any], name: str) -> None:
    assert platform(**options).name == name


def test_the_places_are_those_of_the_settings() -> None:
    settings = {"name": "team", "core_namespace": "core", "argocd_namespace": "cd", "logs_namespace": "logs"}
    found = platform(platform=settings, namespaces=["batch", "", "core"])
    assert (found.core, found.argocd, found.logs, found.namespaces) == ("core", "cd", "logs", ("cd", "core", "batch"))


def test_the_admission_policy_is_that_of_the_platform_and_not_of_the_context() -> None:
    settings = {"name": "team", "worker_namespaces": [{"name": "core"}, {"name": "batch"}]}
    found = platform(platform=settings, context="production")
    assert (found.owner, found.workers) == ("team", ("core", "batch"))


@pytest.mark.parametrize(("mode", "namespace"), [("embedded", "team-logs"), ("s3", ""), ("none", "")])
def test_only_a_platform_with_its_own_store_of_task_logs_has_its_namespace(mode: str, namespace: str) -> None:
    assert platform(airflow={"logs": mode}).logs == namespace


@pytest.mark.parametrize(
    ("options", "applications"),
    [
        ({}, ("team-core",)),
        ({"airflow": {"name": "flow"}}, ("flow",)),
        ({"applications": ["a", "b"], "airflow": {"name": "flow"}}, ("a", "b")),
        ({"applications": []}, ()),
    ],
)
def test_the_application_is_the_one_of_the_settings_unless_others_are_named(options: dict[str, Any], applications: tuple[str, ...]) -> None:
    assert platform(**options).applications == applications
