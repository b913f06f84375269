# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from the settings of a platform alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import (
    AIRFLOW_OPTIONS,
    PLATFORM_OPTIONS,
    AirflowSettings,
    Logs,
    Repository,
    Settings,
    read_settings,
)

INSIDE = "http://gitea.git.svc.cluster.local:3000/gitops/"
EMBEDDED = AirflowSettings(
    Repository("platform", f"{INSIDE}platform.git", embedded=True), Repository("dags", f"{INSIDE}dags.git", branch="next", embedded=True)
)
OUTSIDE = replace(EMBEDDED, platform=Repository("platform", "https://h/p.git"), dags=Repository("dags", "https://h/d.git"))
GIVEN = Settings(
    worker_namespaces=("airflow-core", "etl", "cron", "etl"),
    profiles=(
        {"name": "airflow-core"},
        {"name": "etl", "pod_operator": True, "network_policy": "strict", "quota": {"pods": 5}},
        {"name": "cron", "network_policy": ""},
    ),
    airflow=EMBEDDED,
)


def test_the_namespaces_of_workers() -> None:
    assert GIVEN.namespaces_beside_core == ["etl", "cron"]
    assert GIVEN.pod_operators == ("etl",)
    assert GIVEN.owner().operators == ("etl",)


@pytest.mark.parametrize(
    ("namespace", "level"), [("etl", "strict"), ("cron", "default"), ("airflow-core", "default"), ("elsewhere", "default")]
)
def test_the_level_of_network_policies(namespace: str, level: str) -> None:
    assert GIVEN.network_level(namespace) == level
    assert GIVEN.network_levels == {"default", "strict"}
    assert replace(GIVEN, profiles=(), network_policy="none").network_levels == {"none"}


def with_logs(mode: str) -> Settings:
    return replace(GIVEN, airflow=replace(EMBEDDED, logs=Logs(mode)))


@pytest.mark.parametrize(
    ("given", "namespaces"),
    [
        (GIVEN, ["argocd", "git", "airflow-logs"]),
        (replace(GIVEN, airflow=None), ["argocd", "git", "airflow-logs"]),
        (replace(GIVEN, git_server="external"), ["argocd", "airflow-logs"]),
        (with_logs("s3"), ["argocd", "git"]),
    ],
)
def test_the_namespaces_of_the_platforms_parts(given: Settings, namespaces: list[str]) -> None:
    assert given.own_namespaces == namespaces
    owner = given.owner()
    assert [owner.git_namespace, owner.logs_namespace] == [name if name in namespaces else "" for name in ("git", "airflow-logs")]


@pytest.mark.parametrize(
    ("argocd", "trust", "changes"),
    [("install", "", "manage"), ("existing", "", "check"), ("existing", "manage", "manage"), ("install", "check", "check")],
)
def test_who_changes_what_argo_cd_trusts(argocd: str, trust: str, changes: str) -> None:
    assert replace(GIVEN, argocd=argocd, argocd_trust=trust).trust == changes


@pytest.mark.parametrize("argocd", ["install", "existing"])
def test_an_appproject_of_others_is_not_made(argocd: str) -> None:
    given = replace(GIVEN, argocd=argocd, airflow=replace(EMBEDDED, project="data"))
    assert (given.own_project, given.project, given.owner().project) == ("", "data", "")
    own = replace(GIVEN, argocd=argocd, name="data")
    assert own.own_project == ("airflow" if argocd == "install" else "data")
    assert own.project == own.own_project == own.owner().project
    assert own.repository_secret == f"{own.own_project}-platform-repository"
    assert replace(own, airflow=None).project == own.own_project


@pytest.mark.parametrize(("argocd", "known"), [("install", True), ("existing", False)])
def test_without_settings_of_airflow_an_argo_cd_of_others_has_no_known_names(argocd: str, known: bool) -> None:
    owner = replace(GIVEN, argocd=argocd, airflow=None).owner()
    assert (bool(owner.project), bool(owner.repository_secret)) == (known, known)
    assert replace(GIVEN, argocd=argocd).owner().repository_secret


def test_the_owner_knows_the_namespaces_of_parts_that_the_platform_no_longer_has() -> None:
    owner = replace(GIVEN, git_server="external", git_namespace="git", logs_namespace="airflow-logs").owner()
    assert (owner.git_namespace, owner.part_namespaces) == ("", ("git", "airflow-logs"))


def test_what_the_owner_of_a_platform_makes() -> None:
    owner = GIVEN.owner()
    assert [str(ref) for ref in owner.quotas] == ["ResourceQuota etl/airflow-workers", "ServiceAccount etl/airflow-pod-operator"]
    assert (owner.repo, owner.path, owner.application) == (f"{INSIDE}platform.git", "platform/airflow/core", "airflow-core")
    bare = replace(GIVEN, airflow=None).owner()
    assert (bare.repo, bare.path, bare.application) == (owner.repo, owner.path, owner.application)


@pytest.mark.parametrize("kind", ["platform", "dags"])
def test_how_a_repository_is_reached(kind: str) -> None:
    def options(airflow: AirflowSettings) -> dict[str, Any]:
        return GIVEN.git_options(airflow.platform if kind == "platform" else airflow.dags)

    inside, outside = options(EMBEDDED), options(OUTSIDE)
    assert outside.keys() == {"repo", "branch", "names", "names_prefix"}
    assert (outside["repo"], outside["branch"]) == (f"https://h/{kind[0]}.git", "main")
    assert (inside["tunnel"], inside["branch"]) == (
        {"namespace": "git", "service": "gitea", "port": 3000},
        "next" if kind == "dags" else "main",
    )
    assert inside["credentials_from"]["namespace"] == "git"
    assert inside["credentials_from"]["password_key"] != inside["credentials_from"]["check_key"]
    last = "subpath" if kind == "dags" else "path"
    assert inside["names"]["folders"] == f"airflow_app_{kind}_{last}"
    assert ("source_dir" in inside["names"]) is (kind == "dags")


def test_argo_cd_reads_the_embedded_repository_with_a_token() -> None:
    assert GIVEN.argocd_access(OUTSIDE.platform) == {}
    assert GIVEN.argocd_access(EMBEDDED.platform)["credentials_from"]["name"]


def options(**airflow: Any) -> dict[str, Any]:
    """A module's options, all that are not given with their defaults."""
    platform = {name: option.get("default") for name, option in PLATFORM_OPTIONS.items()}
    platform |= {"name": "data", "worker_namespaces": [{"name": "core"}, {"name": "etl"}], "core_namespace": "core"}
    platform["images"] = {"airflow": "a:1", "mysql": None}
    return {"platform": platform, "airflow": {name: option.get("default") for name, option in AIRFLOW_OPTIONS.items()} | airflow}


@pytest.mark.parametrize(("name", "default"), [("", "core"), ("etl", "etl")])
def test_options_become_settings(name: str, default: str) -> None:
    found, secrets = read_settings(options(default_namespace=name))
    assert found.airflow
    assert (found.name, found.worker_namespaces, secrets) == ("data", ("core", "etl"), set())
    assert found.images == {"airflow": "a:1", "mysql": ""}
    assert found.airflow.default_namespace == default
    assert [repo.embedded for repo in found.airflow.repositories] == [True, True]


def test_secrets_are_taken_out_of_the_options() -> None:
    credentials = {"username": "ann", "password": "t0ken"}
    given = options(dags_repo="https://me:t0ken@h/d.git", dags_credentials=credentials, values={"a": "s3cret"})
    found, secrets = read_settings(given)
    assert found.airflow
    assert (secrets, found.airflow.dags.credentials.password) == ({"t0ken"}, "t0ken")
    assert (given["airflow"]["dags_credentials"], given["airflow"]["values"]) == ({"username": "ann"}, {})
    assert "t0ken" not in given["airflow"]["dags_repo"]
    assert not found.airflow.dags.embedded


def test_there_may_be_no_options_of_airflow() -> None:
    found, secrets = read_settings({**options(), "airflow": None})
    assert (found.airflow, found.worker_namespaces, secrets) == (None, ("core", "etl"), set())
