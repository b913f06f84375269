# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification compares with, by the settings."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Platform
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification import Run, Wanted
from ansible_collections.gitops.airflow.plugins.modules import airflow_verification

EMBEDDED = "http://gitea.git.svc.cluster.local:3000/gitops/platform.git"
TEAM = {
    "name": "team",
    "git_server": "external",
    "airflow_version": "2.10.5",
    "argocd_namespace": "cd",
    "core_namespace": "team-core",
    "worker_namespaces": [{"name": "team-core"}, {"name": "team-batch"}],
}
FLOW = {"name": "flow", "platform_repo": "https://git.example/p.git", "platform_path": "x", "logs": "s3"}
RUN = {"dag_id": "smoke", "task_id": "run", "namespace": "team-batch", "log": "passed"}


def wanted(**options: Any) -> Wanted:
    # The validator writes into the defaults, which all modules share.
    found = ArgumentSpecValidator(deepcopy(airflow_verification.argument_spec())).validate({"platform": {"name": "airflow"}, **options})
    assert not found.error_messages
    return airflow_verification.wanted_of(found.validated_parameters)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {},
            Wanted(
                Platform(
                    "airflow",
                    git_namespace="git",
                    logs_namespace="airflow-logs",
                    namespaces=("airflow-core",),
                    repo=EMBEDDED,
                    path="platform/airflow/core",
                    part_namespaces=("git", "airflow-logs"),
                )
            ),
        ),
        (
            {"platform": TEAM, "airflow": FLOW, "runs": [RUN], "pods": 5, "containers": 8, "timeout": 600},
            Wanted(
                Platform(
                    "team",
                    "cd",
                    "team-core",
                    "",
                    "",
                    ("team-core", "team-batch"),
                    "flow",
                    "https://git.example/p.git",
                    "x",
                    project="team",
                    repository_secret="team-platform-repository",
                    prefix="team",
                    part_namespaces=("team-git", "team-logs"),
                ),
                "2.10.5",
                5,
                8,
                (Run("smoke", "run", "team-batch", "passed"),),
                600,
            ),
        ),
    ],
    ids=["defaults", "another platform"],
)
def test_the_platform_is_the_one_of_the_settings(options: dict[str, Any], expected: Wanted) -> None:
    assert wanted(**options) == expected


def test_a_run_in_a_namespace_that_is_none_of_the_workers_is_refused() -> None:
    with pytest.raises(CollectionError, match=r"namespace team-batch, which is not among worker_namespaces \(airflow-core\)"):
        wanted(runs=[RUN])
