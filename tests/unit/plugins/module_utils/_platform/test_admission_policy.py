# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D2: the admission policy's objects. What the API server makes of them: tests/integration/test_admission_policy.py."""

from __future__ import annotations

import json
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._platform import admission_policy, admission_state, pod_cel, pod_fields
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_policy import Limits
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_state import Admission
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Repository, Settings
from ansible_collections.gitops.airflow.tests.unit.roles.airflow_app import conftest as role
from kubernetes.client import models as k8s

policy = role.policy
Obj = dict[str, Any]
LIMITS = Limits(
    "core", namespaces=frozenset({"core", "user"}), references=frozenset({("Secret", "mine"), ("claim", "data-airflow-mysql-0")})
)


def made(limits: Limits = LIMITS, platform: str = "airflow") -> Obj:
    found, _binding = admission_policy.objects(platform, "v1", ["airflow-scheduler"], limits)
    return found


def variables(limits: Limits) -> dict[str, str]:
    return {item["name"]: item["expression"] for item in made(limits)["spec"]["variables"]}


def test_d2_it_concerns_the_accounts_of_airflow_in_its_namespaces_alone() -> None:
    spec = made()["spec"]
    (place,) = spec["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    assert (place["key"], place["values"]) == ("kubernetes.io/metadata.name", ["core", "user"])
    accounts = ["core:airflow-scheduler", "core:airflow-worker", "user:airflow-worker"]
    names = json.dumps([f"system:serviceaccount:{account}" for account in accounts])
    assert spec["matchConditions"] == [{"name": "airflow", "expression": f"request.userInfo.username in {names}"}]
    assert variables(LIMITS)["strict"] == 'request.userInfo.username in ["system:serviceaccount:core:airflow-scheduler"]'
    assert spec["failurePolicy"] == "Fail"


MAKERS = replace(LIMITS, operators=frozenset({"user"}))


def test_f10_of_the_account_that_may_make_pods_every_change_is_judged() -> None:
    spec = made(MAKERS)["spec"]
    rules = {tuple(item["operations"]): item["resources"] for item in spec["matchConstraints"]["resourceRules"]}
    assert rules == {
        ("CREATE", "UPDATE"): ["pods", "pods/ephemeralcontainers"],
        ("DELETE",): ["pods"],
        ("CONNECT",): ["pods/attach", "pods/exec", "pods/portforward"],
    }
    assert variables(MAKERS)["operator"] == 'request.userInfo.username in ["system:serviceaccount:user:airflow-pod-operator"]'
    # Of others, such as the scheduler, deleting a worker is not.
    (condition,) = spec["matchConditions"]
    assert condition["expression"].startswith(f"{variables(MAKERS)['operator']} || (request.operation in ")
    (rule,) = made()["spec"]["matchConstraints"]["resourceRules"]
    assert rule["operations"] == ["CREATE", "UPDATE"]
    assert "airflow-xcom-sidecar" not in json.dumps(made())


def test_f10_the_union_keeps_the_account_that_may_make_pods() -> None:
    assert (MAKERS | LIMITS).operators == (LIMITS | MAKERS).operators == {"user"}


def test_d2_two_platforms_do_not_collide() -> None:
    names = {item["metadata"]["name"] for name in ("a", "b") for item in admission_policy.objects(name, "v1", [], LIMITS)}
    assert names == {"gitops-airflow-a-workers", "gitops-airflow-b-workers"}
    policies, bindings = zip(*(admission_policy.objects(name, "v1", [], LIMITS) for name in ("a", "b")), strict=True)
    assert [item["spec"]["policyName"] for item in bindings] == [item["metadata"]["name"] for item in policies]


def test_d2_the_platforms_own_is_never_listed() -> None:
    assert (variables(LIMITS)["secrets"], variables(LIMITS)["claims"]) == ('["mine"]', "[]")
    assert variables(LIMITS)["own_claims"] == '["data-airflow-mysql-0"]'


def test_d2_every_message_names_a_field_and_the_next_step() -> None:
    for item in made(Limits("core", core_open=False, operators=frozenset({"user"})))["spec"]["validations"]:
        assert any(f": {step} " in item["message"] for step in ("leave", "use", "clone")) or "Let the cluster policy" in item["message"], (
            item
        )
        assert "\n" not in item["expression"]
        assert any(word in item["message"] for word in ("spec", "metadata", "label", "namespace")), item


def test_d2_the_union_allows_what_one_of_both_allows() -> None:
    before = Limits("core", namespaces=frozenset({"a"}), core_open=False, scheduling={"a": frozenset({"x"})})
    after = Limits("core", namespaces=frozenset({"b"}), audiences=frozenset({"v"}), scheduling={"a": frozenset({"y"})})
    both = before | after
    assert (set(both.namespaces), both.core_open, set(both.audiences)) == ({"a", "b"}, True, {"v"})
    assert both.scheduling == {"a": {"x", "y"}}
    assert both | both == both
    assert variables(both)["exceptions"] == '[] + (request.namespace == "a" ? ["x", "y"] : [])'


@pytest.mark.parametrize(("limits", "closed"), [(Limits("core", core_open=False), True), (Limits("core"), False)])
def test_d2_a_core_namespace_that_is_closed_to_tasks(limits: Limits, closed: bool) -> None:
    assert any("Tasks do not run in the namespace core" in item["message"] for item in made(limits)["spec"]["validations"]) is closed


def test_d2_what_the_policy_resets_is_what_the_cluster_policy_resets(policy: ModuleType) -> None:
    assert set(policy.WORKER_LABELS) == set(admission_policy.WORKER_LABELS)
    assert policy.RESERVED_LABELS == pod_fields.RESERVED_LABELS
    assert policy.RESERVED_PREFIXES == pod_fields.RESERVED_PREFIXES


def test_d2_every_way_to_a_secret_in_a_volume_has_a_validation() -> None:
    """As pod_fields.references finds it, in every kind of volume of the client."""
    found = set()
    for source, kind in k8s.V1Volume.openapi_types.items():
        model: Any = getattr(k8s, kind, None)
        name = k8s.V1Volume.attribute_map[source]
        for attribute in getattr(model, "openapi_types", {}):
            key = model.attribute_map[attribute]
            for value in ("x", {"name": "x"}):
                if ("Secret", "x") in list(pod_fields.references({"volumes": [{"name": "v", name: {key: value}}]})):
                    found.add(f"{name}.{key}" + (".name" if isinstance(value, dict) else ""))
    assert found == set(admission_policy.VOLUME_SECRETS)


EXCEPTIONS: list[tuple[Obj, set[str]]] = [
    ({}, set()),
    ({"hostNetwork": True, "hostPID": False}, {"hostNetwork=true"}),
    ({"volumes": [{"name": "n", "hostPath": {"path": "/d", "type": ""}}]}, {"volumes[n].hostPath=/d"}),
    ({"tolerations": [{"operator": "Exists"}]}, {"tolerations[]=|Exists|||"}),
    (
        {"tolerations": [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]},
        {"tolerations[node.kubernetes.io/unschedulable]=node.kubernetes.io/unschedulable|Exists||NoExecute|5"},
    ),
    ({"initContainers": [{"name": "a", "securityContext": {"privileged": True}}]}, {"[a].securityContext.privileged=true"}),
    (
        {"containers": [{"name": "a", "securityContext": {"capabilities": {"add": ["NET_RAW"]}}, "ports": [{"hostPort": 80}]}]},
        {"[a].securityContext.capabilities.add[]=NET_RAW", "[a].ports[].hostPort=80"},
    ),
    ({"fieldOfTomorrow": {"a": 1}, "containers": [{"name": "a", "more": 1}]}, {"fieldOfTomorrow", "[a].more"}),
]


@pytest.mark.parametrize(("spec", "expected"), EXCEPTIONS)
def test_d2_what_a_template_asks_for_is_an_exception(spec: Obj, expected: set[str]) -> None:
    assert pod_cel.exceptions({"spec": spec}) == expected


def test_d2_every_rule_can_be_said_in_cel() -> None:
    """A rule without CEL refuses every value, which is right only for one that allows none."""

    def rules(part: Any) -> list[pod_fields.Rule]:
        if isinstance(part, pod_fields.Rule):
            return [part]
        parts = [part.item] if isinstance(part, pod_fields.Each) else list(part.values()) if isinstance(part, dict) else []
        return [rule for item in parts for rule in rules(item)]

    tried = ("", "x", 0, False, True, 5, "RuntimeDefault", "Default", "CHOWN", "container_t", "kernel.shm_rmid_forced", {"key": "gpu"})
    every = rules(pod_fields.POD)
    assert len(every) >= 40
    for rule in every:
        assert (rule.cel == "false") is not any(rule.allows(value) for value in tried), rule


# The look


SERVED = {"resources": [{"name": name} for name in admission_policy.PLURALS.values()]}


class Api:
    """Double of KubeApi: which versions there are, what the person may do, and whose the objects are."""

    def __init__(self, versions: tuple[str, ...], denied: tuple[str, ...] = (), labels: Any = None, read: int = 0) -> None:
        self.versions, self.denied, self.labels, self.read = versions, denied, labels, read

    def find(self, path: str) -> Obj | None:
        return (
            SERVED if path.rpartition("/")[2] in self.versions else {"resources": [{"name": "webhooks"}]} if path.endswith("/v1") else None
        )

    def create(self, _path: str, body: Obj) -> Obj:
        asked = body["spec"]["resourceAttributes"]
        assert asked["group"] == "admissionregistration.k8s.io"
        return {"status": {"allowed": asked["verb"] not in self.denied}}

    def metadata(self, path: str) -> Obj | None:
        assert path.endswith("/gitops-airflow-airflow-workers")
        if self.read:
            raise ApiError(self.read, "no")
        return None if self.labels is None else {"labels": self.labels}


def settings(mode: str) -> Settings:
    airflow = AirflowSettings(Repository("platform", "u"), Repository("dags", "u"), admission_policy=mode)
    return Settings(airflow=airflow)


OURS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
BOTH = tuple(admission_policy.PLURALS.values())
V1, BETA = "admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1"


@pytest.mark.parametrize(
    ("api", "found"),
    [
        (Api(("v1", "v1beta1")), Admission(V1)),
        (Api(("v1beta1",)), Admission(BETA)),
        (Api(()), Admission()),
        (Api(("v1",), labels=OURS), Admission(V1, there=True)),
        (Api(("v1",), denied=("patch",), labels=OURS), Admission(V1, tuple(f"patch {plural}" for plural in BOTH), there=True)),
        (Api(("v1",), denied=("delete",), read=403), Admission(V1, tuple(f"delete {plural}" for plural in BOTH))),
        (Api(("v1",), labels={**OURS, "gitops-airflow/platform": "b"}), Admission(V1, foreign="it belongs to platform b")),
    ],
)
def test_d2_what_the_cluster_can_have(api: Any, found: Admission) -> None:
    assert admission_state.read(api, settings("auto")) == found
    assert admission_state.read(api, settings("none")) is None


def test_d2_another_error_is_not_taken_for_a_missing_right() -> None:
    with pytest.raises(ApiError):
        admission_state.read(Api(("v1",), read=500), settings("auto"))  # type: ignore[arg-type]


MISSING = Admission(V1, ("create validatingadmissionpolicies",))


@pytest.mark.parametrize(
    ("found", "mode", "usable", "notes", "codes"),
    [
        (None, "none", "", 0, []),
        (Admission(V1, there=True), "auto", V1, 0, []),
        (Admission(V1), "require", V1, 0, []),
        (Admission(), "auto", "", 1, []),
        (Admission(), "require", "", 0, ["admission_policy"]),
        (MISSING, "auto", "", 1, []),
        (MISSING, "require", "", 0, ["admission_policy"]),
        (Admission(V1, MISSING.missing, there=True), "auto", "", 1, ["admission_policy"]),
        (Admission(V1, foreign="it belongs to platform b"), "auto", "", 0, ["foreign_object"]),
    ],
)
def test_d2_what_follows_from_it(found: Admission | None, mode: str, usable: str, notes: int, codes: list[str]) -> None:
    given = settings(mode)
    assert given.airflow
    assert (found.usable if found else "") == usable
    assert len(list(admission_state.notes(found, mode))) == notes
    refusals = list(admission_state.refusals(found, given, given.airflow))
    assert [item.code for item in refusals] == codes
    assert all(item.value and item.next_action for item in refusals)
