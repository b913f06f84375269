# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role applies, and whose metrics-server it takes one to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MADE = {"gitops-airflow/made": "true"}

Evaluate = Callable[..., Any]


@pytest.fixture(scope="module")
def evaluate(role_evaluator: Callable[[str], Evaluate]) -> Evaluate:
    return role_evaluator("metrics_server")


@pytest.fixture
def objects(evaluate: Evaluate) -> Callable[..., dict[tuple[str, str], Any]]:
    def rendered(**given: Any) -> dict[tuple[str, str], Any]:
        return {
            (item["kind"], item["metadata"]["name"]): item
            for item in evaluate("__metrics_server_objects + __metrics_server_registration", **given)
        }

    return rendered


def arguments(found: dict[tuple[str, str], Any]) -> list[str]:
    (container,) = found["Deployment", "metrics-server"]["spec"]["template"]["spec"]["containers"]
    given: list[str] = container["args"]
    return given


def test_the_record_is_made_first_and_everything_is_labelled(objects: Callable[..., dict[tuple[str, str], Any]]) -> None:
    found = objects()
    assert next(iter(found)) == ("ServiceAccount", "metrics-server")
    assert [key for key, item in found.items() if not MADE.items() <= item["metadata"]["labels"].items()] == []


def test_the_parts_find_each_other(objects: Callable[..., dict[tuple[str, str], Any]]) -> None:
    found = objects()
    service, deployment = found["Service", "metrics-server"], found["Deployment", "metrics-server"]
    pod = deployment["spec"]["template"]
    assert found["APIService", "v1beta1.metrics.k8s.io"]["spec"]["service"] == {"name": "metrics-server", "namespace": "kube-system"}
    for selector in (service["spec"]["selector"], deployment["spec"]["selector"]["matchLabels"]):
        assert selector.items() <= pod["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] in [port["name"] for port in pod["spec"]["containers"][0]["ports"]]
    bound = [item for (kind, _name), item in found.items() if kind.endswith("Binding")]
    account = {"kind": "ServiceAccount", "name": pod["spec"]["serviceAccountName"], "namespace": "kube-system"}
    assert [item["subjects"] for item in bound] == [[account]] * 3
    assert ("ServiceAccount", account["name"]) in found


def test_it_reads_and_never_writes(objects: Callable[..., dict[tuple[str, str], Any]]) -> None:
    rules = [rule for (kind, _name), item in objects().items() if kind == "ClusterRole" for rule in item["rules"]]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}


@pytest.mark.parametrize(
    ("given", "insecure"),
    [
        ({}, True),
        ({"platform_provider": "existing"}, False),
        ({"platform_provider": "existing", "metrics_server_kubelet_insecure_tls": "true"}, True),
        ({"metrics_server_kubelet_insecure_tls": "false"}, False),
    ],
)
def test_certificates_are_taken_unseen_on_kind_alone(
    objects: Callable[..., dict[tuple[str, str], Any]], given: dict[str, Any], insecure: bool
) -> None:
    assert ("--kubelet-insecure-tls" in arguments(objects(**given))) is insecure


def api(labels: dict[str, str] | None = None, available: str = "True") -> dict[str, Any]:
    """The answer to who serves metrics.k8s.io."""
    metadata = {"name": "v1beta1.metrics.k8s.io"} | ({"labels": labels} if labels else {})
    return {"resources": [{"metadata": metadata, "status": {"conditions": [{"type": "Available", "status": available}]}}]}


SERVICE = {"kind": "APIService", "namespace": "", "name": "v1beta1.metrics.k8s.io"}
ACCOUNT = {"kind": "ServiceAccount", "namespace": "kube-system", "name": "metrics-server"}


@pytest.mark.parametrize(
    ("kept", "marked", "adoption", "others", "foreign"),
    [
        pytest.param([], [], False, [], False, id="nothing of others"),
        pytest.param(
            [SERVICE, ACCOUNT], [], False, ["APIService v1beta1.metrics.k8s.io", "ServiceAccount kube-system/metrics-server"], True
        ),
        # The account alone says nothing of the rest.
        pytest.param([ACCOUNT], [], False, ["ServiceAccount kube-system/metrics-server"], False, id="part of another"),
        pytest.param([SERVICE], [], False, ["APIService v1beta1.metrics.k8s.io"], True, id="another serves"),
        pytest.param([], [SERVICE], True, [], False, id="an older platform's, in check mode"),
        pytest.param([], [SERVICE], False, ["APIService v1beta1.metrics.k8s.io"], True, id="an older platform's that is not this one"),
    ],
)
def test_h1_whose_metrics_server_it_is_each_object_says(
    evaluate: Evaluate, kept: list[Any], marked: list[Any], adoption: bool, others: list[str], foreign: bool
) -> None:
    given = {"__metrics_server_looked": {"kept": kept, "marked": marked}, "__platform_ownership": {"adoption": adoption}}
    assert evaluate("__metrics_server_others | map(attribute='text') | list", **given) == others
    assert evaluate("__metrics_server_foreign", **given) is foreign


@pytest.mark.parametrize(
    ("answer", "status", "settled"),
    [
        (api(MADE), {"availableReplicas": 1}, True),
        (api(MADE), {"availableReplicas": 1, "unavailableReplicas": 1}, False),
        (api(MADE, "False"), {"availableReplicas": 1}, False),
        ({"resources": [{"metadata": {"labels": MADE}}]}, {}, False),
        ({"resources": []}, {}, False),
    ],
    ids=["it serves", "the rollout is stuck", "it does not serve", "it was just made", "it is not there"],
)
def test_what_is_not_settled_is_waited_for(evaluate: Evaluate, answer: dict[str, Any], status: dict[str, Any], settled: bool) -> None:
    applied = {"result": {"results": [{"result": {"kind": "Service"}}, {"result": {"kind": "Deployment", "status": status}}]}}
    assert evaluate("__metrics_server_settled", __metrics_server_api=answer, __metrics_server_applied=applied) is settled
