# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what on the embedded Git server (D5), by the repositories that are set."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gitops.airflow.plugins.module_utils._platform.git_accounts import git_accounts, token_options
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.plugins.modules import gitea_tokens
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_airflow_secrets import settings_of

SERVER = "http://gitea.git.svc.cluster.local:3000/"
ARGOCD = "https://argocd-server.argocd.svc.cluster.local/api/webhook"
PLATFORM = {"name": "gitops/platform", "branch": "main", "push": ["platform", "gitops"], "notify": ARGOCD}
DAGS: dict[str, Any] = {"name": "gitops/dags", "branch": "main", "push": [], "notify": ""}


@pytest.mark.parametrize(
    ("variables", "repositories"),
    [
        ({}, [PLATFORM, DAGS]),
        # A repository elsewhere changes nothing here.
        ({"airflow_app_dags_repo": "https://git.example.com/team/dags.git", "airflow_app_dags_branch": "live"}, [PLATFORM, DAGS]),
        (
            {"airflow_app_platform_branch": "live", "airflow_app_dags_branch": "next"},
            [PLATFORM | {"branch": "live"}, DAGS | {"branch": "next"}],
        ),
        ({"platform_argocd_namespace": "cd"}, [PLATFORM | {"notify": ARGOCD.replace(".argocd.", ".cd.")}, DAGS]),
        # F21: an Argo CD of others gets no reports.
        ({"platform_argocd": "existing"}, [PLATFORM | {"notify": ""}, DAGS]),
        ({"airflow_app_dags_repo": f"{SERVER}ann/flows.git"}, [PLATFORM, DAGS | {"name": "ann/flows"}]),
        # Who pushes DAGs must then push to the protected branch.
        ({"airflow_app_dags_repo": f"{SERVER}gitops/Platform"}, [PLATFORM | {"push": ["platform", "gitops", "dags"]}]),
    ],
)
def test_d5_each_account_has_one_repository(variables: dict[str, Any], repositories: list[dict[str, Any]]) -> None:
    found = git_accounts(settings_of(variables))
    assert found["repositories"] == repositories
    platform, dags = repositories[0]["name"], repositories[-1]["name"]
    assert [(item["name"], item["account"], item["repository"], item["permission"], item["scopes"]) for item in found["tokens"]] == [
        ("argocd", "argocd", platform, "read", ["read:repository"]),
        ("git-sync", "git-sync", dags, "read", ["read:repository"]),
        ("platform", "platform", platform, "write", ["write:repository"]),
        ("dags", "dags", dags, "write", ["write:repository"]),
    ]


def test_a_caller_that_knows_nothing_of_airflow_has_the_default_repositories() -> None:
    assert git_accounts(Settings()) == git_accounts(settings_of({}))


def test_the_options_are_those_of_gitea_tokens() -> None:
    given = settings_of({"platform_git_namespace": "code"})
    options = token_options(given)
    spec = gitea_tokens.argument_spec()
    found = ArgumentSpecValidator(spec).validate({"platform": "airflow", **options})
    assert not found.error_messages
    assert found.validated_parameters["tunnel"] == {"namespace": "code", "service": "gitea", "port": 3000}
    assert found.validated_parameters["password_from"] == {"namespace": "code", "name": "gitea-config", "key": "password"}
    assert [found.validated_parameters[name] for name in ("account", "namespace", "name")] == ["gitops", "code", "git-credentials"]
    assert {name: options[name] for name in ("repositories", "tokens")} == git_accounts(given)
