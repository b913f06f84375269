# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RBAC's rules against single rights, and how missing ones are named."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import Right, Unit
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_rules import LINES, lacking, lines, permits, refusal


def rule(verbs: str, resources: str, group: str = "", names: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return found | ({"resourceNames": names.split()} if names else {})


SECRETS = Unit("get", "", "secrets", "a")
LOGS = Unit("get", "", "pods/log", "a")


@pytest.mark.parametrize(
    ("given", "unit", "expected"),
    [
        (rule("get list", "pods secrets"), SECRETS, True),
        (rule("list", "secrets"), SECRETS, False),
        (rule("get", "configmaps"), SECRETS, False),
        (rule("get", "secrets", "apps"), SECRETS, False),
        (rule("*", "secrets"), SECRETS, True),
        (rule("get", "*"), SECRETS, True),
        (rule("get", "secrets", "*"), SECRETS, True),
        (rule("get", "pods"), LOGS, False),
        (rule("get", "*"), LOGS, True),
        (rule("get", "*/log"), LOGS, True),
        (rule("get", "*/exec"), LOGS, False),
        # A rule for names permits no request for all objects.
        (rule("get", "secrets", names="x y"), SECRETS, False),
        (rule("get", "secrets", names="x y"), Unit("get", "", "secrets", "a", "y"), True),
        (rule("get", "secrets", names="x y"), Unit("get", "", "secrets", "a", "z"), False),
        (rule("get", "secrets"), Unit("get", "", "secrets", "a", "z"), True),
        (rule("list", "secrets"), Unit("list", "*", "*"), False),
        (rule("list", "*", "*"), Unit("list", "*", "*"), True),
        ({"verbs": ["get"], "nonResourceURLs": ["/metrics"]}, SECRETS, False),
    ],
)
def test_a_rule_permits_what_rbac_says(given: dict[str, Any], unit: Unit, expected: bool) -> None:
    assert permits(given, unit) is expected


def test_rules_of_the_whole_cluster_count_in_each_namespace_and_those_of_a_namespace_only_there() -> None:
    asked = [Unit("get", "", "secrets", "a"), Unit("get", "", "secrets", "b"), Unit("get", "", "secrets")]
    assert lacking(asked, {"a": [rule("get", "secrets")]}) == asked[1:]
    assert lacking(asked, {"": [rule("get", "secrets")]}) == []
    assert lacking(asked, {}) == asked


def missing(*units: Unit, why: str = "read") -> dict[Unit, Right]:
    return {unit: Right(why, (unit.verb,), (unit.resource,), unit.group, unit.namespace) for unit in units}


def test_rights_of_one_purpose_and_place_are_one_line() -> None:
    apps = [Unit(verb, "apps", "deployments", "a") for verb in ("get", "list")]
    found = missing(Unit("get", "", "secrets", "a", "x"), *apps) | missing(Unit("create", "", "namespaces", "", "a"), why="create")
    assert lines(found) == [
        "in a: get secrets x; get, list deployments.apps (to read)",
        "in the whole cluster: create namespaces a (to create)",
    ]


def test_resources_with_the_same_verbs_are_named_together() -> None:
    found = missing(Unit("get", "", "secrets", "a"), Unit("get", "", "configmaps", "a"))
    assert lines(found) == ["in a: get secrets, configmaps (to read)"]


def test_namespaces_that_lack_the_same_are_named_together_and_so_are_names() -> None:
    found = missing(*(Unit("get", "", "secrets", place, name) for place in ("a", "b") for name in ("x", "y")))
    assert lines(found) == ["in a, b: get secrets x y (to read)"]


@pytest.mark.parametrize(("account", "who"), [("ann", "The account ann lacks"), ("", "The account of platform_context lacks")])
def test_the_refusal_names_the_account_and_the_manifest(account: str, who: str) -> None:
    found = refusal(missing(SECRETS), account)
    assert found.message.startswith(who)
    assert "in a: get secrets (to read)" in found.message
    assert ("platform_rights_account=ann" in found.next_action) is bool(account)
    assert "rights.yml" in found.next_action


def test_a_long_list_ends() -> None:
    units = {Unit("get", "", "secrets", f"n{number}"): Right(f"read {number}", ("get",), ("secrets",)) for number in range(LINES + 3)}
    found = refusal(units, "")
    assert found.message.count("get secrets") == LINES
    assert found.message.endswith("and 3 more")
