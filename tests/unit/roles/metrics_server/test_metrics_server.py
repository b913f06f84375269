# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role applies and removes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_delete import defined_refs

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
            for item in evaluate("lookup('ansible.builtin.template', 'metrics-server.yaml.j2') | from_yaml_all | select | list", **given)
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


def test_the_registration_is_removed_first_and_the_rights_after_those_who_have_them(
    objects: Callable[..., dict[tuple[str, str], Any]],
) -> None:
    no_api: Any = None  # every kind is one that the collection knows
    refs = defined_refs(no_api, [*objects().values()], "")
    assert [ref.kind for ref in refs] == [
        "APIService",
        "Deployment",
        "Service",
        "RoleBinding",
        "ClusterRoleBinding",
        "ClusterRoleBinding",
        "ClusterRole",
        "ClusterRole",
        "ServiceAccount",
    ]
    assert {ref.namespace for ref in refs} == {"", "kube-system"}


def test_the_pod_has_no_mark_of_the_platform(objects: Callable[..., dict[tuple[str, str], Any]]) -> None:
    """Labels of the pod stay as they were: with other ones an upgrade would restart it."""
    pod = objects()["Deployment", "metrics-server"]["spec"]["template"]
    assert pod["metadata"]["labels"] == {"k8s-app": "metrics-server", "app.kubernetes.io/part-of": "gitops-airflow", **MADE}
