# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every service account may do: the whole of it, as the API server's own rules review lists it, not a sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

Rules = set[tuple[str, str, str, str]]
"""(group, resource, verb, name of an object or "")"""
POD_LAUNCHER = {("", "pods", verb, "") for verb in ("create", "get", "list", "watch", "patch", "delete")}
LOG_READER = {("", "pods", verb, "") for verb in ("get", "list", "watch")} | {("", "pods/log", verb, "") for verb in ("get", "list")}
ELSEWHERE = ("default", "kube-system")


def expected(account: str, namespace: str, platform: Any) -> Rules:
    """What an account of Airflow's may do beyond what everybody may."""
    if namespace not in platform.airflow:
        return set()
    return {
        f"{platform.core}:airflow-scheduler": POD_LAUNCHER,
        f"{platform.core}:airflow-webserver": LOG_READER,
        f"{platform.core}:airflow-triggerer": LOG_READER,
    }.get(account, set())


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


def test_each_account_may_do_what_it_needs_and_nothing_else(core, platform, rules, everybody) -> None:
    found = accounts(core, (*platform.airflow, platform.git))
    assert {f"{place}:airflow-worker" for place in platform.airflow} | {
        f"{platform.core}:airflow-scheduler",
        f"{platform.git}:default",
    } <= set(found)
    wrong = {}
    for account in found:
        for namespace in (*platform.namespaces, *ELSEWHERE):
            may, should = rules(account, namespace) - everybody, expected(account, namespace, platform)
            if may != should:
                wrong[account, namespace] = {"too much": sorted(may - should), "missing": sorted(should - may)}
    assert wrong == {}


def test_of_argo_cd_only_its_controllers_and_server_reach_beyond_their_namespace(core, platform, rules, everybody) -> None:
    reach = {
        account.split(":")[1]
        for account in accounts(core, (platform.argocd,))
        if any(rules(account, namespace) - everybody for namespace in (*platform.airflow, *ELSEWHERE))
    }
    assert reach == {"argocd-application-controller", "argocd-applicationset-controller", "argocd-server"}


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
def test_the_api_server_decides_the_same(connect, platform, account: str, verb: str, resource: str, where: str, allowed: bool) -> None:
    namespace = {"core": platform.core, "worker": platform.airflow[-1], "argocd": platform.argocd, "": ""}[where]
    name, _slash, part = resource.partition("/")
    attributes = {"verb": verb, "resource": name, "subresource": part, "namespace": namespace}
    if name == "roles":
        attributes["group"] = "rbac.authorization.k8s.io"
    review = {"spec": {"user": f"system:serviceaccount:{platform.core}:{account}", "resourceAttributes": attributes}}
    assert client.AuthorizationV1Api(connect()).create_subject_access_review(review).status.allowed is allowed
