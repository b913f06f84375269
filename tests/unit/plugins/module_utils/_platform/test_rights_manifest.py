# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of rights: its rules, its subjects, and the published ones in docs/rbac."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import rights_manifests as script
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import OPTIONAL, Right, Unit, granted, table, units
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_manifest import published, rules, subject, text
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_rules import lacking
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_rights import EXISTING, INSTALL, OPERATOR


def bodies(*rights: Right) -> dict[str, list[dict[str, list[str]]]]:
    return {place: [rule.body() for rule in found] for place, found in rules(rights).items()}


def in_order(rule: dict[str, Any]) -> str:
    return json.dumps(rule, sort_keys=True)


def body(resources: list[str], verbs: list[str], group: str = "", names: list[str] | None = None) -> dict[str, list[str]]:
    found = {"apiGroups": [group], "resources": resources, "verbs": verbs}
    return found | ({"resourceNames": names} if names else {})


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        ([Right("x", ("list", "get"), ("pods", "secrets"))], [body(["pods", "secrets"], ["get", "list"])]),
        ([Right("x", ("get",), ("pods",)), Right("y", ("list",), ("pods",))], [body(["pods"], ["get", "list"])]),
        (
            [Right("x", ("get",), ("pods",)), Right("y", ("get",), ("jobs",), "batch")],
            [body(["pods"], ["get"]), body(["jobs"], ["get"], "batch")],
        ),
        ([Right("x", ("get",), ("pods",), names=("a", "b"))], [body(["pods"], ["get"], names=["a", "b"])]),
        # What is for all covers what is for names.
        ([Right("x", ("get",), ("pods",), names=("a",)), Right("y", ("get",), ("pods",))], [body(["pods"], ["get"])]),
        ([Right("y", ("get",), ("pods",)), Right("x", ("get",), ("pods",), names=("a",))], [body(["pods"], ["get"])]),
        (
            [Right("x", ("get", "list"), ("pods",), names=("a",)), Right("y", ("get",), ("pods",))],
            [body(["pods"], ["get"]), body(["pods"], ["list"], names=["a"])],
        ),
    ],
)
def test_rights_become_few_rules(rights: list[Right], expected: list[dict[str, Any]]) -> None:
    found = bodies(*rights)[""]
    assert sorted(found, key=in_order) == sorted(expected, key=in_order)


@pytest.mark.parametrize("given", [EXISTING, INSTALL, replace(EXISTING, profiles=OPERATOR), replace(INSTALL, metrics_server=True)])
@pytest.mark.parametrize("create", [True, False])
def test_the_rules_permit_all_of_the_table_and_nothing_optional(given: Settings, create: bool) -> None:
    rights = table(given, create_namespaces=create)
    found = {place: [rule.body() for rule in place_rules] for place, place_rules in rules(granted(rights)).items()}
    known = units(rights)
    assert lacking([unit for unit, right in known.items() if right.level != OPTIONAL], found) == []
    if not create and given.existing_argocd:
        optional = [unit for unit, right in known.items() if right.level == OPTIONAL]
        assert lacking(optional, found) == optional
        assert Unit("list", "", "secrets", "argocd") in optional


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("ann", {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}),
        ("group:data", {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "data"}),
        ("system:serviceaccount:ci:deployer", {"kind": "ServiceAccount", "namespace": "ci", "name": "deployer"}),
        ("system:kube-scheduler", {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:kube-scheduler"}),
    ],
)
def test_an_account_is_a_subject(account: str, expected: dict[str, str]) -> None:
    assert subject(account) == expected


def test_the_text_is_yaml_with_each_text_as_it_is() -> None:
    rights = [Right("x: y", ("get",), ("pods",), namespace="on")]
    found = list(yaml.safe_load_all(text(rights, "123", "a: b", {"yes": "", "n1": "baseline"}, "A\nB")))
    assert [item["metadata"] for item in found[:2]] == [
        {"name": "yes"},
        {"name": "n1", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}},
    ]
    assert found[2]["metadata"] == {"name": "gitops-airflow-123", "namespace": "on"}
    assert found[2]["rules"] == [body(["pods"], ["get"])]
    assert (found[3]["kind"], found[3]["roleRef"]["name"], found[3]["subjects"][0]["name"]) == ("RoleBinding", "gitops-airflow-123", "a: b")


def test_namespaces_that_the_account_creates_are_not_in_the_manifest() -> None:
    def kinds(create: bool) -> set[str]:
        manifest = published(
            table(EXISTING, create_namespaces=create), EXISTING, "ann", create_namespaces=create, pod_security="restricted"
        )
        return {item["kind"] for item in yaml.safe_load_all(manifest)}

    assert kinds(create=False) == {"Namespace", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
    assert "Namespace" not in kinds(create=True)


def test_a_namespace_enforces_its_own_standard() -> None:
    profiles = ({"name": "airflow-core"}, {"name": "airflow-user", "pod_security": "baseline"})
    given = replace(EXISTING, profiles=profiles)
    manifest = published(table(given, create_namespaces=False), given, "ann", create_namespaces=False, pod_security="restricted")
    found = {item["metadata"]["name"]: item["metadata"]["labels"] for item in yaml.safe_load_all(manifest) if item["kind"] == "Namespace"}
    assert found["airflow-user"] == {"pod-security.kubernetes.io/enforce": "baseline"}
    assert found["git"] == {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (EXISTING, ["every right that Argo CD has"]),
        (replace(EXISTING, metrics_server=True), ["every right that Argo CD has", "every right, too"]),
        (INSTALL, ["every right in the cluster"]),
        (replace(INSTALL, metrics_server=True), ["every right in the cluster"]),
    ],
)
def test_the_manifest_says_that_the_account_can_get_more(given: Settings, expected: list[str]) -> None:
    """RBAC limits the name of an Application or a Deployment, and not what it holds."""
    manifest = published(table(given, create_namespaces=False), given, "ann", create_namespaces=False, pod_security="")
    assert re.findall(r"every right(?: in the cluster|, too| that Argo CD has)?", manifest.split("---", maxsplit=1)[0]) == expected


@pytest.mark.parametrize("name", script.MANIFESTS)
def test_the_published_manifests_are_those_of_the_table(name: str) -> None:
    assert (script.FOLDER / name).read_text() == script.manifest(script.MANIFESTS[name]), "run scripts/rights_manifests.py"
