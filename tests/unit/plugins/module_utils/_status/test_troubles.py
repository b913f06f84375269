# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no pod of the platform shows: a scheduler that does not run, an admission policy that was deleted."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_state import MARK
from ansible_collections.gitops.airflow.plugins.module_utils._status.read import judged
from ansible_collections.gitops.airflow.plugins.module_utils._status.text import render
from ansible_collections.gitops.airflow.plugins.module_utils._status.troubles import (
    application_actions,
    checkout_actions,
    pod_actions,
    policy_trouble,
    read_leases,
    read_policy,
    scheduler_troubles,
)

Obj = dict[str, Any]
NOW = datetime.datetime(2026, 5, 4, 12, 0, tzinfo=datetime.UTC)
NAME = "gitops-airflow-team-workers"
POLICY: Obj = {"metadata": {"name": NAME}, "spec": {}}
BINDING: Obj = {"metadata": {"name": NAME}, "spec": {"policyName": NAME, "validationActions": ["Deny"]}}
AUDITS: Obj = {**BINDING, "spec": {"policyName": NAME, "validationActions": ["Audit"]}}
EFFECT = "the API server does not refuse the pods that the cluster policy refuses"


@pytest.mark.parametrize(
    ("marked", "policy", "binding", "text"),
    [
        (True, POLICY, BINDING, ""),
        (True, None, BINDING, f"ValidatingAdmissionPolicy {NAME} does not exist, although a run made it: {EFFECT}"),
        (True, POLICY, None, f"ValidatingAdmissionPolicyBinding {NAME} does not exist, although a run made it: {EFFECT}"),
        (
            True,
            None,
            None,
            f"ValidatingAdmissionPolicy and ValidatingAdmissionPolicyBinding {NAME} do not exist, although a run made them: {EFFECT}",
        ),
        (True, POLICY, AUDITS, f"ValidatingAdmissionPolicyBinding {NAME} does not have the action Deny any more: {EFFECT}"),
        (True, POLICY, {"metadata": {}}, f"ValidatingAdmissionPolicyBinding {NAME} does not have the action Deny any more: {EFFECT}"),
        # A run may have made none: the cluster cannot have one, or the settings refuse it.
        (False, None, None, ""),
        (False, POLICY, AUDITS, ""),
    ],
)
def test_a_policy_that_a_run_made_must_exist_and_deny(marked: bool, policy: Obj | None, binding: Obj | None, text: str) -> None:
    found = policy_trouble("team", marked, policy, binding)
    assert (found.text if found else "") == text
    assert found is None or found.action.startswith("Run site.yml again (make site)")


class Api(KubeApi):
    """Has these objects, by path; an ApiError is raised."""

    def __init__(self, objects: dict[str, Obj | ApiError]) -> None:
        self.objects = objects

    def get(self, path: str) -> Obj:
        found = self.objects.get(path, ApiError(404, f"{path} not found"))
        if isinstance(found, ApiError):
            raise found
        return found

    def metadata(self, path: str) -> Obj | None:
        return (self.find(path) or {}).get("metadata")

    def items(self, path: str, query: Obj | None = None, *, whole: bool = False) -> list[Obj]:
        assert whole
        found: list[Obj] = self.get(path)["items"]
        return found


def role(namespace: str, annotations: dict[str, str], platform: str = "team") -> dict[str, Obj | ApiError]:
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/airflow-pod-launcher"
    return {path: {"metadata": {"annotations": annotations, "labels": marks(platform)}}}


def policies(version: str) -> dict[str, Obj | ApiError]:
    base = f"/apis/admissionregistration.k8s.io/{version}/validatingadmission"
    return {f"{base}policies/{NAME}": POLICY, f"{base}policybindings/{NAME}": BINDING}


MADE = {MARK: "admissionregistration.k8s.io/v1beta1"}


@pytest.mark.parametrize(
    ("objects", "lost"),
    [
        (role("core", MADE) | policies("v1beta1"), False),
        # Kubernetes was upgraded: the version of that run is not served any more.
        (role("core", MADE) | policies("v1"), False),
        (role("core", MADE), True),
        # A namespace that does not exist yet has no Role.
        (role("batch", MADE), True),
        (role("core", {}), False),
        (role("core", MADE, "other"), False),
        ({}, False),
    ],
)
def test_the_policy_is_missed_where_a_role_says_that_a_run_made_it(objects: dict[str, Obj | ApiError], lost: bool) -> None:
    assert (read_policy(Api(objects), "team", ["core", "batch"]) is not None) is lost


def test_a_platform_without_workers_is_not_asked_for_a_policy() -> None:
    assert read_policy(Api({}), "", []) is None


def test_who_may_not_read_the_policy_does_not_read_that_it_is_gone() -> None:
    refused: dict[str, Obj | ApiError] = {path: ApiError(403, "forbidden") for path in policies("v1")}
    with pytest.raises(ApiError, match="forbidden"):
        read_policy(Api(role("core", MADE) | refused), "team", ["core"])


@pytest.mark.parametrize("status", [403, 404])
def test_leases_that_cannot_be_read_say_nothing(status: int) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
    assert read_leases(Api({path: ApiError(status, "no")})) == []
    with pytest.raises(ApiError):
        read_leases(Api({path: ApiError(500, "no")}))
    assert read_leases(Api({path: {"items": [POLICY]}})) == [POLICY]


def leases(renewed: str) -> list[Obj]:
    now = "2026-05-04T12:00:00.000000Z"
    times = {"kube-scheduler": renewed, "kube-controller-manager": now, "apiserver-x": now}
    return [{"metadata": {"name": name}, "spec": {"renewTime": time}} for name, time in times.items()]


def test_a_scheduler_that_does_not_renew_its_lease_is_a_problem_with_a_next_step() -> None:
    (trouble,) = scheduler_troubles(leases("2026-05-04T11:50:00.000000Z"), [])
    assert trouble.text == "Kubernetes' scheduler has not renewed its Lease for 10 min: new pods get no node"
    assert trouble.action.startswith("Check that Kubernetes' scheduler runs (kubectl -n kube-system get pods")
    assert scheduler_troubles(leases("2026-05-04T11:59:59.000000Z"), []) == []


def unprocessed(name: str, made: str, scheduler: str, **metadata: str) -> Obj:
    return {
        "metadata": {"namespace": "core", "name": name, "creationTimestamp": made, **metadata},
        "spec": {"schedulerName": scheduler},
        "status": {"phase": "Pending"},
    }


LATE, YOUNG = "2026-05-04T11:55:00Z", "2026-05-04T11:55:01Z"


@pytest.mark.parametrize(
    ("pods", "starts"),
    [
        ([unprocessed("a", YOUNG, "default-scheduler")], []),
        (
            [unprocessed("a", LATE, "default-scheduler"), unprocessed("b", LATE, "default-scheduler")],
            ["Check that Kubernetes' scheduler runs"],
        ),
        ([unprocessed("a", LATE, "gpu"), unprocessed("b", LATE, "gpu")], ["Correct schedulerName of pod core/a "]),
        ([unprocessed("a", LATE, "gpu", deletionTimestamp=LATE)], []),
        ([{"metadata": {"namespace": "core", "name": "a", "creationTimestamp": LATE}, "spec": {"nodeName": "n"}, "status": {}}], []),
    ],
)
def test_each_scheduler_that_is_late_has_one_next_step(pods: list[Obj], starts: list[str]) -> None:
    found = pod_actions(pods, NOW)
    assert len(found) == len(starts)
    assert all(action.startswith(start) for action, start in zip(found, starts, strict=True))


STALE = "Run(git fetch): exit status 128: { stderr: \"fatal: Unable to create '/git/.git/shallow.lock': File exists.\" }"


@pytest.mark.parametrize(
    ("errors", "pods"),
    [
        ({"a": STALE, "b": ""}, "this pod: delete it (kubectl -n core delete pod a)"),
        (
            {"a": STALE, "b": "… a git process may have crashed in this repository earlier"},
            "these pods: delete them (kubectl -n core delete pod a b)",
        ),
        ({"a": "fatal: unable to access 'http://gitea/': Connection refused"}, ""),
    ],
)
def test_a_lock_that_git_sync_left_has_a_next_step(errors: dict[str, str], pods: str) -> None:
    found = checkout_actions([{"pod": pod, "error": error} for pod, error in errors.items()], "core")
    assert found == ([f"If git-sync goes on to fail, a killed git process left a lock in {pods}."] if pods else [])


@pytest.mark.parametrize(
    ("found", "action"),
    [
        ({}, ""),
        ({"actions": ["Check a.", "Run b.", "Check a."]}, "Check a. Run b."),
        # A cluster that does not answer comes first.
        ({"actions": ["Check a."], "next_action": "Start it."}, "Start it."),
    ],
)
def test_the_status_has_the_next_steps_of_its_troubles(found: Obj, action: str) -> None:
    status = judged("team", 0.1, {"troubles": ["it is lost"] if found else [], **found})
    assert (status["next_action"], status["problems"]) == (action, ["it is lost"] if found else [])
    assert (f"  next: {action}" in render(status).splitlines()) is bool(action)
    assert "troubles" not in status
    assert "actions" not in status


LOCK = "Failed to checkout: Unable to create '/tmp/_argocd-repo/1/.git/HEAD.lock': File exists."
HEALTHY: Obj = {"metadata": {"name": "airflow-core", "namespace": "argocd"}, "status": {"sync": {"status": "Synced"}}}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({}, []),
        # V8: what failed at an earlier commit says nothing of the present one, for which Argo CD is Synced.
        ({"sync": {"status": "OutOfSync"}}, []),
        (
            {"conditions": [{"type": "ComparisonError", "message": LOCK}]},
            ["left a lock. Restart the repo-server (kubectl -n argocd rollout"],
        ),
        ({"conditions": [{"type": "ComparisonError", "message": "EOF"}]}, ["Check that Argo CD reaches the server"]),
        ({"operationState": {"phase": "Failed", "message": "one or more objects failed"}}, ["Correct the failed resource or hook in Git"]),
    ],
)
def test_errors_of_argo_cd_have_the_next_step_of_the_wait(status: Obj, words: list[str]) -> None:
    app = {**HEALTHY, "status": {**HEALTHY["status"], **status}}
    found = application_actions([app, HEALTHY])
    assert len(found) == len(words)
    assert all(word in action for word, action in zip(words, found, strict=True))
