# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan takes from the cluster's state: an Application in use, parts that run on, the Secret of a bucket."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.copies import labels
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_ranges import Network
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Found, Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.plan import make_plan, refusals
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Logs, Repository
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_preflight_plan import (
    AIRFLOW,
    GIVEN,
    OLDER,
    OTHER,
    OURS,
    beside,
    given,
    namespace,
    state,
)

OWNER = GIVEN.owner()


def application(labels: dict[str, str], path: str = OWNER.path) -> dict[str, Any]:
    spec = {"source": {"repoURL": OWNER.repo, "path": path}, "destination": {"namespace": OWNER.core_namespace}}
    return {"metadata": {"name": OWNER.application, "labels": labels}, "spec": spec}


@pytest.mark.parametrize(
    ("there", "in_use"),
    [
        (None, False),
        (application(OURS), True),
        (application(OLDER), True),
        (application(OTHER), False),
        (application({}), False),
        # Ours, and not yet the one that the settings describe.
        (application(OURS, "elsewhere"), False),
    ],
)
def test_the_application_that_is_in_use(there: dict[str, Any] | None, in_use: bool) -> None:
    found = state()
    found.sight.application = there
    assert make_plan(found, GIVEN).in_use is in_use


@pytest.mark.parametrize(("place", "fenced"), [("git", True), ("team", False)])
def test_a_git_server_that_runs_on_keeps_its_network_policy(place: str, fenced: bool) -> None:
    external = replace(AIRFLOW, platform=Repository("platform", "https://h/p.git"), dags=Repository("dags", "https://h/d.git"))
    settings = replace(GIVEN, git_server="external", git_namespace="git", airflow=external, network_policy="default")
    gitea = Found(Ref("Deployment", place, "gitea"), {"name": "gitea", "namespace": place, "labels": OURS})
    plan = make_plan(state(gitea, network=Network((), (), (), ())), settings)
    assert ("git" in {item["metadata"]["namespace"] for item in plan.network.definitions}) is fenced


S3 = Logs("s3", bucket="b", secret="keys")


@pytest.mark.parametrize(
    ("logs", "refused"),
    [(S3, True), (replace(S3, secret=""), False), (replace(S3, mode="embedded"), False), (replace(S3, mode="none"), False)],
)
def test_the_secret_of_a_bucket(logs: Logs, refused: bool) -> None:
    settings, found = given(logs=logs), state()
    assert settings.airflow
    codes = [refusal.code for refusal in refusals(found, make_plan(found, settings), settings, settings.airflow)]
    assert codes == (["bucket_secret"] if refused else [])


@pytest.mark.parametrize(
    ("namespaces", "created"),
    [((), True), (("airflow-cron",), True), (("airflow-core",), False), (("airflow-cron", "airflow-core"), False)],
)
def test_the_namespace_of_a_buckets_secret_is_created_if_there_is_none(namespaces: tuple[str, ...], created: bool) -> None:
    settings, found = given(logs=S3), beside(*(namespace(name, "baseline") for name in namespaces))
    assert settings.airflow
    (refusal,) = refusals(found, make_plan(found, settings), settings, settings.airflow)
    assert refusal.next_action.startswith("kubectl create namespace airflow-core; ") is created
    assert "kubectl -n airflow-core create secret generic keys " in refusal.next_action


def pull_copy(namespace: str, name: str = "pull") -> Found:
    return Found(Ref("Secret", namespace, name), {"name": name, "namespace": namespace, "labels": labels("airflow", "default")})


STAGES_APPLICATION = Found(Ref("Application", "argocd", "stage-core"), {"name": "stage-core", "namespace": "argocd", "labels": OTHER})


@pytest.mark.parametrize(
    ("users", "others", "stay"),
    [
        ([], [], set()),
        ([STAGES_APPLICATION], [], {"argocd"}),
        ([], [STAGES_APPLICATION], {"kube-system"}),
        ([STAGES_APPLICATION], [STAGES_APPLICATION], {"argocd", "kube-system"}),
    ],
)
@pytest.mark.parametrize("name", ["pull", "former"])
def test_what_stays_for_others_keeps_the_copies_that_pull_its_images(
    users: list[Found], others: list[Found], stay: set[str], name: str
) -> None:
    settings = replace(GIVEN, pull_secrets=("pull",), metrics_server=False)
    found = state(*(pull_copy(namespace, name) for namespace in ("argocd", "git", "kube-system", "airflow-core")), *others)
    found.argocd_users = users
    plan = make_plan(found, settings)
    deleted = {"argocd", "git", "kube-system", "airflow-core"} - stay
    assert {ref.namespace for ref in (*plan.copies, *plan.pull_copies)} == deleted
    # "git" and "argocd" still have pods of this platform, whose Secret is "pull".
    assert {ref.namespace for ref in plan.retired if ref.kind == "Secret"} == (deleted if name == "former" else deleted & {"kube-system"})
