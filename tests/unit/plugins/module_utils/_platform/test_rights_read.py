# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which reviews are asked, and what follows from their answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._platform import rights_read
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import (
    HELD,
    OPTIONAL,
    REMOVAL,
    Right,
    Unit,
    granted,
    own_namespaces,
    table,
    units,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_manifest import rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_rules import permits
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_rights import EXISTING, INSTALL

Rules = dict[str, list[dict[str, Any]]]
PROJECT = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/airflow"


def rules_of(rights: list[Right]) -> Rules:
    return {place: [rule.body() for rule in found] for place, found in rules(granted(rights)).items()}


ENOUGH = table(EXISTING, create_namespaces=False)
ALL: Rules = {"": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}
LOOK: Rules = {"": [{"verbs": ["get", "list"], "apiGroups": ["*"], "resources": ["*"]}]}


class Server:
    """Answers reviews by RBAC's rules. ``hidden``: it cannot list them, as some authorizers."""

    def __init__(self, given: Rules, *, hidden: bool = False, namespaces: tuple[str, ...] = (), destinations: tuple[str, ...] = ()) -> None:
        self._rules, self._hidden, self._namespaces, self._destinations = given, hidden, namespaces, destinations
        self._client = None
        self.asked: list[Any] = []

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == rights_read.WHO:
            return {"status": {"userInfo": {"username": "ann"}}}
        spec = body["spec"]
        self.asked.append(spec)
        if path == rights_read.RULES:
            places = ["", spec["namespace"]]
            found = [] if self._hidden else [rule for place in places for rule in self._rules.get(place, [])]
            return {"status": {"resourceRules": found, "incomplete": self._hidden}}
        asked = spec["resourceAttributes"]
        resource = "/".join(filter(None, (asked["resource"], asked["subresource"])))
        unit = Unit(asked["verb"], asked["group"], resource, asked["namespace"], asked["name"])
        places = ["", unit.namespace]
        return {"status": {"allowed": any(permits(rule, unit) for place in dict.fromkeys(places) for rule in self._rules.get(place, []))}}

    def find(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        return {"spec": {"destinations": [{"namespace": name} for name in self._destinations]}} if path == PROJECT else None

    def metadata(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        return {} if path.rpartition("/")[2] in self._namespaces else None

    @property
    def reviews(self) -> int:
        return len([item for item in self.asked if not isinstance(item, str)])


def read(server: Server, given: Any = EXISTING, **options: Any) -> rights_read.Access:
    return rights_read.read(server, given, **options)  # type: ignore[arg-type]


NAMESPACES = tuple(own_namespaces(EXISTING))


def test_an_administrator_is_asked_once() -> None:
    server = Server(ALL)
    assert (read(server), len(server.asked)) == (rights_read.Access(), 1)


@pytest.mark.parametrize("given", [EXISTING, INSTALL])
def test_no_review_is_needed_to_use_or_look_at_what_the_platform_installed(given: Any) -> None:
    server = Server({})
    assert read(server, replace(given, argocd="install"), check=False) == rights_read.Access()
    assert server.asked == []


def test_the_manifest_is_enough_and_needs_a_review_for_each_namespace() -> None:
    server = Server(rules_of(ENOUGH), namespaces=NAMESPACES)
    access = read(server)
    assert (dict(access.missing), access.account) == ({}, "")
    assert access.view is not None
    assert (set(access.view.namespaces), access.view.argocd, access.view.clusters) == (set(NAMESPACES), "argocd", False)
    assert access.view.named == {"Application": "airflow-core", "AppProject": "airflow", "Secret": "airflow-platform-repository"}
    assert "not checked" in access.notes[0]
    # Everything, each namespace, Argo CD's and the whole cluster.
    assert server.reviews == len(NAMESPACES) + 3


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"pull_secrets": ("pull",), "pull_secrets_namespace": "shared"}, ("shared",)),
        ({"pull_secrets": ("pull",), "pull_secrets_namespace": ""}, ()),
        ({"pull_secrets_namespace": "shared"}, ()),
    ],
)
def test_the_namespace_of_the_pull_secrets_is_read_and_not_looked_into(more: dict[str, Any], expected: tuple[str, ...]) -> None:
    given = replace(EXISTING, **more)
    access = read(Server(rules_of(table(given, create_namespaces=False)), namespaces=NAMESPACES), given)
    assert dict(access.missing) == {}
    assert access.view is not None
    assert access.view.known == expected
    assert "shared" not in access.view.namespaces
    assert ("shared" in access.view.read) is bool(expected)


def test_rights_that_the_server_cannot_list_are_asked_one_by_one() -> None:
    server = Server(rules_of(ENOUGH), hidden=True, namespaces=NAMESPACES)
    access = read(server)
    assert (dict(access.missing), access.view is not None) == ({}, True)
    assert server.reviews > 100


def test_a_missing_right_is_named_with_the_account() -> None:
    lost = Unit("patch", "", "secrets", "airflow-user")
    left = [right for right in ENOUGH if not (right.namespace == "airflow-user" and right.resources == ("secrets",))]
    access = read(Server(rules_of(left), namespaces=NAMESPACES))
    assert lost in access.missing
    assert {unit.namespace for unit in access.missing} == {"airflow-user"}
    assert access.account == "ann"


def test_rules_of_a_namespace_permit_nothing_in_the_whole_cluster() -> None:
    """A Role may name resources that are in no namespace. It permits nothing of them."""
    given = dict.fromkeys(NAMESPACES, LOOK[""])
    access = read(Server(given, namespaces=NAMESPACES), check=False)
    assert access.view is not None


@pytest.mark.parametrize("hidden", [False, True])
def test_an_account_that_may_look_everywhere_does(hidden: bool) -> None:
    server = Server(LOOK, hidden=hidden, namespaces=NAMESPACES)
    assert read(server, check=False).view is None


def test_who_may_not_list_secrets_everywhere_is_asked_no_more() -> None:
    server = Server(rules_of(ENOUGH), hidden=True)
    read(server, check=False)
    reviews = [item["resourceAttributes"] for item in server.asked if not isinstance(item, str) and "resourceAttributes" in item]
    assert len(reviews) == 2


def test_former_worker_namespaces_are_looked_at_and_need_rights() -> None:
    server = Server(rules_of(ENOUGH), namespaces=NAMESPACES, destinations=("airflow-user", "old", "other-*"))
    access = read(server)
    assert access.view is not None
    assert set(access.view.namespaces) == {*NAMESPACES, "old"}
    assert {unit.namespace or unit.name for unit in access.missing} == {"old"}


def test_a_former_worker_namespace_that_is_deleted_needs_no_rights() -> None:
    """Nobody could grant a Role in it, so that no run could take it out of the AppProject."""
    given = [*ENOUGH, Right("x", ("get",), ("namespaces",), names=("old",))]
    access = read(Server(rules_of(given), namespaces=NAMESPACES, destinations=("old",)))
    assert access.view is not None
    assert (set(access.view.namespaces), dict(access.missing)) == (set(NAMESPACES), {})
    access = read(Server(rules_of(given), namespaces=(*NAMESPACES, "old"), destinations=("old",)))
    assert {unit.namespace for unit in access.missing} == {"old"}


def test_the_right_to_create_is_needed_only_for_a_missing_namespace() -> None:
    def missing(*there: str) -> set[Unit]:
        return {unit for unit in read(Server(rules_of(ENOUGH), namespaces=there)).missing if unit.resource == "namespaces"}

    assert missing(*NAMESPACES) == set()
    assert missing(*NAMESPACES[1:]) == {Unit(verb, "", "namespaces", "", NAMESPACES[0]) for verb in ("create", "patch")}


def test_a_removal_needs_no_right_to_create() -> None:
    removing = rights_read.needed(ENOUGH, remove=True)
    assert {unit.verb for unit in removing} == {"get", "list", "delete"}
    assert not [unit for unit in removing if unit.verb == "delete" and unit.resource == "pods"]


def test_a_run_needs_what_it_gives_to_airflow_and_not_what_only_a_removal_uses() -> None:
    found = [Right("x", ("get",), ("pods",), rare=rare) for rare in (HELD, REMOVAL)]
    assert [len(rights_read.needed([right], remove=False)) for right in found] == [1, 0]
    assert rights_read.needed([replace(found[0], level=OPTIONAL)], remove=False) == {}


def test_an_unknown_account_has_no_name() -> None:
    class Old(Server):
        def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
            if path == rights_read.WHO:
                raise ApiError(404, "not served")
            return super().create(path, body)

    assert rights_read.Reviews(Old({})).account() == ""  # type: ignore[arg-type]


def test_all_missing_rights_come_together() -> None:
    wanted = {unit for unit, right in units(ENOUGH).items() if right.level == "needed" and right.rare != REMOVAL}
    created = {unit for unit in read(Server({})).missing if unit.verb in ("create", "patch") and unit.resource == "namespaces"}
    assert set(read(Server({})).missing) - created == wanted
