# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D2: the admission policy as a declared state, and what the look before a run says of it, with and without the gate and the rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import admission_policy
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_state import MARK, MARKED_ROLE
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.test_admission_policy import FLAGS, SERVED, VERSION, Obj, config

API = f"admissionregistration.k8s.io/{VERSION}"
NAME = "gitops-airflow-airflow-workers"
MARKS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
PLATFORM: Obj = {"name": "airflow", "worker_namespaces": [{"name": "airflow-core"}, {"name": "airflow-cron"}]}
# All that the look before a run reads, but the policy.
KUBERNETES = [f"{name}.k8s.io" for name in ("networking", "rbac.authorization", "apiregistration", "apiextensions")]
GROUPS = ["", "apps", "batch", "argoproj.io", "discovery.k8s.io", *KUBERNETES]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """C(bob) may do all but change policies, C(reader) reads them, too."""
    with ApiServer(tmp_path_factory.mktemp("cluster"), users=("bob", "reader")) as server:
        # A cluster with Argo CD's kinds is refused.
        server.request("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io")
        for user in ("bob", "reader"):
            server.grant(user, ["*"], ["*"], groups=GROUPS)
        server.grant("reader", ["get"], list(admission_policy.PLURALS.values()), groups=["admissionregistration.k8s.io"])
        yield server


@pytest.fixture
def gated(cluster: ApiServer) -> Iterator[ApiServer]:
    cluster.ensure(*FLAGS)
    yield cluster
    for kind in admission_policy.PLURALS:
        cluster._send("DELETE", path(kind))
    cluster._send("DELETE", "/api/v1/namespaces/airflow-core/configmaps/airflow-python")


def path(kind: str, name: str = f"/{NAME}") -> str:
    return f"/apis/{API}/{admission_policy.PLURALS[kind]}{name}"


def run(server: ApiServer, state: str = "present", user: str = "admin", check: bool = False, **airflow: Any) -> Obj:
    given = {"state": state, "platform": PLATFORM, "airflow": airflow, "_ansible_diff": True}
    return Module("airflow_admission_policy", server.kubeconfig(user), check=check, **given).result()


def look(server: ApiServer, user: str, mode: str, purpose: str = "install") -> Obj:
    given: Obj = {"platform": PLATFORM, "airflow": {"admission_policy": mode}, "repositories": False, "purpose": purpose}
    return Module("platform_preflight", server.kubeconfig(user), **given).result()


def there(server: ApiServer) -> list[str]:
    return [kind for kind in admission_policy.PLURALS if server._send("GET", path(kind))[0] == 200]


def policy(server: ApiServer) -> Obj:
    return server.request("GET", path(admission_policy.POLICY))


def variable(server: ApiServer, name: str) -> str:
    return next(str(item["expression"]) for item in policy(server)["spec"]["variables"] if item["name"] == name)


def test_d2_a_second_run_changes_nothing(gated: ApiServer) -> None:
    assert run(gated, check=True)["changed"] is True
    assert there(gated) == []
    first = run(gated)
    assert (first["changed"], first["name"], first["api_version"]) == (True, NAME, API)
    assert policy(gated)["metadata"]["labels"] == MARKS
    assert policy(gated)["spec"]["failurePolicy"] == "Fail"
    assert gated.request("GET", path(admission_policy.BINDING))["spec"]["validationActions"] == ["Deny"]
    second = run(gated)
    assert (second["changed"], second["diff"]) == (False, {"before": {}, "after": {}})


def test_d2_it_allows_what_the_chart_allows_now_and_will_allow(gated: ApiServer) -> None:
    """So no task is refused while Argo CD applies a change. Afterwards what went away is refused."""
    made = config(settings={"core": "airflow-core", "workerNamespaces": {"airflow-core": {}, "airflow-cron": {}}})
    gated.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "airflow-python", "namespace": "airflow-core"}, **made})
    run(gated, task_secrets=["mine"], values={"workers": {"extraVolumes": [{"name": "v", "secret": {"secretName": "new"}}]}})
    assert {"listed", "airflow-metadata", "mine", "new", "airflow-task-logs"} <= set(json.loads(variable(gated, "secrets")))
    assert {"listed-map", "airflow-config", "airflow-python"} <= set(json.loads(variable(gated, "config_maps")))
    gated.request(
        "PATCH",
        "/api/v1/namespaces/airflow-core/configmaps/airflow-python",
        {
            "data": {
                "x": "",
                **config(
                    settings={"core": "airflow-core", "workerNamespaces": {"airflow-core": {}}, "taskReferences": {"secrets": ["mine"]}}
                )["data"],
            }
        },
        "application/merge-patch+json",
    )
    assert run(gated, task_secrets=["mine"], logs="none")["changed"] is True
    assert set(json.loads(variable(gated, "secrets"))) & {"listed", "new", "airflow-task-logs"} == set()
    assert run(gated, task_secrets=["mine"], logs="none")["changed"] is False


def test_d2_a_removal_deletes_what_is_ours(gated: ApiServer) -> None:
    run(gated)
    assert run(gated, "absent", check=True)["changed"] is True
    assert len(there(gated)) == 2
    assert run(gated, "absent")["changed"] is True
    assert there(gated) == []
    again = run(gated, "absent")
    assert (again["changed"], again["warnings"]) == (False, [])


def test_d2_a_platform_that_wants_no_policy_has_none(gated: ApiServer) -> None:
    run(gated)
    assert run(gated, admission_policy="none")["changed"] is True
    assert there(gated) == []


def test_d2_an_object_of_others_stays(gated: ApiServer) -> None:
    (other, binding) = admission_policy.objects("airflow", VERSION, ["x"], admission_policy.Limits("elsewhere"))
    gated.request("POST", path(admission_policy.BINDING, ""), binding)
    result = run(gated)
    assert (result["failed"], result["code"]) == (True, "foreign_object")
    assert there(gated) == [admission_policy.BINDING]
    result = run(gated, "absent")
    assert result["changed"] is False
    assert any(f"ValidatingAdmissionPolicyBinding {NAME} stays: it does not have the labels" in text for text in result["warnings"])
    (refused,) = look(gated, "admin", "auto")["refusals"]
    assert (refused["code"], refused["value"]) == ("foreign_object", NAME)
    assert other["metadata"]["name"] == NAME


def test_d2_the_plan_has_the_version_that_is_served(gated: ApiServer) -> None:
    for mode in ("auto", "require"):
        result = look(gated, "admin", mode)
        assert (result["refusals"], result["plan"]["admission"], result["plan"]["notes"]) == ([], API, [])
    assert look(gated, "admin", "none")["plan"]["admission"] == ""


def test_d2_without_the_rights(gated: ApiServer) -> None:
    result = look(gated, "bob", "auto")
    (note,) = result["plan"]["notes"]
    assert (result["refusals"], result["plan"]["admission"]) == ([], "")
    assert "Airflow has no admission policy for the pods of its tasks: you may not, in the whole cluster: get valid" in note
    (refused,) = look(gated, "bob", "require")["refusals"]
    assert (refused["code"], refused["value"]) == ("admission_policy", "require")
    assert "create validatingadmissionpolicybindings" in refused["message"]
    assert "Grant these rights in the group admissionregistration.k8s.io" in refused["next_action"]
    # Who cannot know whether there is one deletes none, and says so.
    removed = run(gated, "absent", "bob")
    assert removed["changed"] is False
    assert any("not looked for, because this account may not read them" in text for text in removed["warnings"])


def test_d2_a_policy_that_cannot_be_kept_up_to_date(gated: ApiServer) -> None:
    """New settings would change what workers are made of, and the old policy would refuse them."""
    run(gated)
    (refused,) = look(gated, "reader", "auto")["refusals"]
    assert "It would refuse pods of tasks that new settings allow" in refused["message"]
    assert look(gated, "reader", "none")["refusals"] == []
    assert look(gated, "reader", "auto", "use")["refusals"] == []


@pytest.mark.skipif(SERVED, reason="Kubernetes 1.30 and later serve policies")
def test_d2_where_the_api_server_serves_none(cluster: ApiServer) -> None:
    server = cluster
    server.ensure()
    result = look(server, "admin", "auto")
    (note,) = result["plan"]["notes"]
    assert (result["refusals"], result["plan"]["admission"]) == ([], "")
    assert "this API server does not serve ValidatingAdmissionPolicy. Kubernetes 1.30 and later do" in note
    (refused,) = look(server, "admin", "require")["refusals"]
    assert "--runtime-config=admissionregistration.k8s.io/v1beta1=true" in refused["message"]
    assert look(server, "admin", "none")["plan"]["notes"] == []
    assert run(server)["code"] == "not_served"
    assert run(server, "absent")["changed"] is False


def test_the_status_misses_a_policy_that_a_run_made(gated: ApiServer) -> None:
    """By the mark on a Role of the platform. Who may not read policies learns that it is unknown."""

    def status(user: str) -> Obj:
        given: Obj = {"platform": PLATFORM, "airflow": {"logs": "none"}}
        return dict(Module("platform_status", gated.kubeconfig(user), **given).result()["status"])

    def about(texts: list[str]) -> list[str]:
        return [text for text in texts if "AdmissionPolicy" in text or "admission policy" in text]

    run(gated)
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/airflow-cron/roles"
    metadata = {"name": MARKED_ROLE, "namespace": "airflow-cron", "labels": MARKS, "annotations": {MARK: API}}
    gated.request("POST", roles, {"metadata": metadata, "rules": []})
    assert about(status("admin")["problems"]) == []
    gated.request("DELETE", path(admission_policy.BINDING))
    found = status("reader")
    effect = "the API server does not refuse the pods that the cluster policy refuses"
    expected = [f"ValidatingAdmissionPolicyBinding {NAME} does not exist, although a run made it: {effect}"]
    assert about(found["problems"]) == expected
    assert found["next_action"].startswith("Run site.yml again (make site)")
    (unknown,) = about(status("bob")["warnings"])
    assert unknown.startswith("whether the admission policy exists is unknown: ")
    gated.request("DELETE", f"{roles}/{MARKED_ROLE}")
    assert about(status("reader")["problems"]) == []
