# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every service account may do: the whole of it, as the API server's own rules review lists it, not a sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.platform.rights import Rules, expanded, table
from conftest import Platform
from kubernetes import client

Connect = Callable[..., client.ApiClient]
RulesOf = Callable[[str, str], Rules]
ELSEWHERE = ("default", "kube-system")


def accounts_of(platform: Any) -> dict[str, dict[str, Any]]:
    """The table's accounts, as NAMESPACE:NAME."""
    places = {"core": [platform.core], "argocd": [platform.argocd], "git": [platform.git], "logs": [platform.logs]}
    places["workers"] = [name for name in platform.airflow if name != platform.core]
    places["operators"] = list(platform.operators)
    return {f"{place}:{name}": where for kind, listed in table().items() for name, where in listed.items() for place in places[kind]}


def expected(where: dict[str, Any], home: str, namespace: str, platform: Any) -> Rules:
    """What an account of the namespace ``home`` may do in a namespace beyond what everybody may."""
    places = ["everywhere", *(["own"] if namespace == home else [])]
    places += ["airflow"] if namespace in platform.airflow else []
    places += ["argocd"] if namespace == platform.argocd else []
    return set().union(*(expanded(where.get(place, [])) for place in places))


@pytest.fixture(scope="session")
def rules(connect: Callable[..., client.ApiClient]) -> Callable[[str, str], Rules]:
    def reviewed(account: str, namespace: str) -> Rules:
        api = client.AuthorizationV1Api(connect(f"system:serviceaccount:{account}"))
        status = api.create_self_subject_rules_review({"spec": {"namespace": namespace}}).status
        assert not status.incomplete, status.evaluation_error
        return {
            (group, resource, verb, name)
            for rule in status.resource_rules
            for group in rule.api_groups or [""]
            for resource in rule.resources or []
            for verb in rule.verbs
            for name in rule.resource_names or [""]
        }

    return reviewed


@pytest.fixture(scope="session")
def everybody(rules: Callable[[str, str], Rules]) -> Rules:
    """What an account that nothing was granted to may do: ask what it may do, and who it is."""
    found = rules("default:nobody-knows-me", "default")
    assert {resource for _group, resource, _verb, _name in found} <= {
        "selfsubjectaccessreviews",
        "selfsubjectreviews",
        "selfsubjectrulesreviews",
    }
    return found


def accounts(core: client.CoreV1Api, namespaces: tuple[str, ...]) -> list[str]:
    return [f"{place}:{item.metadata.name}" for place in namespaces for item in core.list_namespaced_service_account(place).items]


def test_d9_each_account_may_do_what_the_table_says_and_nothing_else(
    core: client.CoreV1Api, platform: Platform, rules: Callable[[str, str], Rules], everybody: Rules
) -> None:
    listed = accounts_of(platform)
    if not core.list_namespaced_pod(platform.core, label_selector="tier=airflow,component=dag-processor").items:
        del listed[f"{platform.core}:airflow-dag-processor"]
    assert set(accounts(core, platform.namespaces)) == set(listed)
    wrong = {}
    for account, where in listed.items():
        for namespace in (*platform.namespaces, *ELSEWHERE):
            may, should = rules(account, namespace) - everybody, expected(where, account.partition(":")[0], namespace, platform)
            if may != should:
                wrong[account, namespace] = {"too much": sorted(may - should), "missing": sorted(should - may)}
    assert wrong == {}


@pytest.mark.parametrize(
    ("account", "verb", "resource", "where", "allowed"),
    [
        ("airflow-scheduler", "create", "pods", "worker", True),
        ("airflow-scheduler", "create", "pods", "argocd", False),
        ("airflow-scheduler", "create", "pods/exec", "core", False),
        ("airflow-scheduler", "get", "secrets", "core", False),
        ("airflow-webserver", "get", "pods/log", "worker", True),
        ("airflow-webserver", "delete", "pods", "worker", False),
        ("airflow-worker", "get", "pods", "core", False),
        ("airflow-worker", "get", "secrets", "core", False),
        ("airflow-worker", "create", "pods", "worker", False),
        ("airflow-scheduler", "list", "nodes", "", False),
        ("airflow-scheduler", "bind", "roles", "core", False),
    ],
)
def test_the_api_server_decides_the_same(
    connect: Connect, platform: Platform, account: str, verb: str, resource: str, where: str, allowed: bool
) -> None:
    namespace = {"core": platform.core, "worker": platform.airflow[-1], "argocd": platform.argocd, "": ""}[where]
    name, _slash, part = resource.partition("/")
    attributes = {"verb": verb, "resource": name, "subresource": part, "namespace": namespace}
    if name == "roles":
        attributes["group"] = "rbac.authorization.k8s.io"
    review = {"spec": {"user": f"system:serviceaccount:{platform.core}:{account}", "resourceAttributes": attributes}}
    assert client.AuthorizationV1Api(connect()).create_subject_access_review(review).status.allowed is allowed
