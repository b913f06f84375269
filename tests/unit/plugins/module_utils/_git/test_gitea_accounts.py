# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of the Git server, each for one repository (D5): what is refused, made, protected and taken away."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea import Gitea
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_accounts import (
    Member,
    Repository,
    check_members,
    make_accounts,
    outdated_hooks,
    protection,
    take_other_access,
)
from ansible_collections.gitops.airflow.tests.unit.gitea_double import GiteaDouble

Obj = dict[str, Any]
DAGS, PLATFORM = Repository("gitops/dags"), Repository("gitops/platform", "live", ("platform", "gitops"))
READER, WRITER = Member("git-sync", "gitops/dags", "read"), Member("platform", "gitops/platform", "write")
EMAIL = "git-sync@gitops-airflow.invalid"


def gitea(double: GiteaDouble) -> Gitea:
    return Gitea("http://127.0.0.1:1", "gitops", "right", "Gitea", double)


def make(
    double: GiteaDouble, repositories: tuple[Repository, ...] = (DAGS, PLATFORM), members: tuple[Member, ...] = (READER, WRITER)
) -> None:
    make_accounts(gitea(double), repositories, members, lambda size: f"{size} random bytes")


def test_d5_each_account_gets_one_repository() -> None:
    double = GiteaDouble("right")
    make(double)
    assert double.repositories == {
        "gitops/dags": {"name": "dags", "private": True, "default_branch": "main"},
        "gitops/platform": {"name": "platform", "private": True, "default_branch": "live"},
    }
    assert double.access == {"gitops/dags": {"git-sync": "read"}, "gitops/platform": {"platform": "write"}}
    account = double.users["git-sync"]
    assert account == {
        "is_admin": False,
        "email": EMAIL,
        "password": "32 random bytes",
        "must_change_password": False,
        "visibility": "private",
        "source_id": 0,
        "login_name": "git-sync",
        "restricted": True,
        "max_repo_creation": 0,
        "allow_create_organization": False,
    }
    assert list(double.rules) == [("gitops/platform", "live")]


def test_what_exists_is_completed_and_nothing_is_taken_away() -> None:
    double = GiteaDouble("right")
    make(double, (DAGS,), (READER,))
    double.users["git-sync"] |= {"password": "a person's", "restricted": False}
    double.access["gitops/dags"] = {"ann": "write"}
    make(double)
    assert double.access["gitops/dags"] == {"ann": "write", "git-sync": "read"}
    assert (double.users["git-sync"]["restricted"], double.users["git-sync"]["password"]) == (True, "a person's")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": "ann@example.com"}, "was not made by this module"),
        ({"email": "dags@gitops-airflow.invalid"}, "was not made by this module"),
        ({"email": EMAIL, "is_admin": True}, "was made an administrator's"),
    ],
)
def test_an_account_of_others_is_refused_before_anything_is_made(fields: Obj, words: str) -> None:
    double = GiteaDouble("right")
    double.user("git-sync", **fields)
    with pytest.raises(CollectionError, match=words) as refusal:
        make(double)
    assert (refusal.value.code, bool(refusal.value.next_action)) == ("foreign_account", True)
    assert [request for request in double.asked if not request.startswith("GET ")] == []


def test_a_repository_without_owner_is_refused_before_anything_is_made() -> None:
    double = GiteaDouble("right")
    repository = Repository("ann/dags")
    with pytest.raises(CollectionError, match="has no account ann") as refusal:
        make(double, (PLATFORM, repository), (Member("git-sync", "ann/dags", "read"), WRITER))
    assert refusal.value.code == "no_owner"
    assert [request for request in double.asked if not request.startswith("GET ")] == []
    double.user("ann")
    make(double, (repository,), (Member("git-sync", "ann/dags", "read"),))
    assert list(double.repositories) == ["ann/dags"]


@pytest.mark.parametrize(
    ("present", "push", "merge"),
    [
        (None, [], []),
        ({"enable_push_whitelist": True, "push_whitelist_usernames": ["ann", "gitops"], "enable_force_push": True}, ["ann"], []),
        # A list that is not in force names nobody who may do something.
        ({"enable_push_whitelist": False, "push_whitelist_usernames": ["ann"]}, [], []),
        ({"enable_merge_whitelist": True, "merge_whitelist_usernames": ["ann"], "push_whitelist_usernames": None}, [], ["ann"]),
    ],
)
def test_d5_the_branch_is_pushed_to_by_those_that_are_named(present: Obj | None, push: list[str], merge: list[str]) -> None:
    fields = protection(PLATFORM, present)
    assert fields == {
        "enable_push": True,
        "enable_push_whitelist": True,
        "push_whitelist_usernames": ["platform", "gitops", *push],
        "enable_merge_whitelist": True,
        "merge_whitelist_usernames": ["platform", "gitops", *merge],
        "enable_force_push": False,
    }


def test_a_rule_of_a_person_is_changed_and_not_replaced() -> None:
    double = GiteaDouble("right")
    make(double)
    double.rules["gitops/platform", "live"] |= {"require_signed_commits": True, "enable_push": False}
    make(double)
    rule = double.rules["gitops/platform", "live"]
    assert (rule["require_signed_commits"], rule["enable_push"]) == (True, True)


ARGOCD = "https://argocd-server.argocd.svc.cluster.local/api/webhook"
REPORTED = Repository("gitops/platform", "live", notify=ARGOCD)
HOOK: Obj = {"id": 7, "config": {"url": f"{ARGOCD}?from=gitops-airflow"}, "branch_filter": "live", "active": True}
PERSONS: Obj = {"id": 1, "config": {"url": "https://chat.example.com/hook"}, "branch_filter": "*", "active": True}


@pytest.mark.parametrize(
    ("repository", "hooks", "unused", "missing"),
    [
        (REPORTED, [], [], True),
        (REPORTED, [PERSONS, HOOK], [], False),
        (REPORTED, [PERSONS], [], True),
        # A person's webhook to the same address is not the platform's.
        (REPORTED, [HOOK | {"config": {"url": ARGOCD}}], [], True),
        (REPORTED, [HOOK | {"branch_filter": "main"}], [7], True),
        (REPORTED, [HOOK | {"active": False}], [7], True),
        (REPORTED, [HOOK | {"config": {"url": "https://argocd-server.old.svc/api/webhook?from=gitops-airflow"}}], [7], True),
        (REPORTED, [HOOK, HOOK | {"id": 8}], [8], False),
        (PLATFORM, [PERSONS, HOOK], [7], False),
        (PLATFORM, [{"id": 2}, {"id": 3, "config": None}], [], False),
    ],
)
def test_f21_a_repository_has_one_webhook_of_the_platform(
    repository: Repository, hooks: list[Obj], unused: list[int], missing: bool
) -> None:
    assert outdated_hooks(repository, hooks) == (unused, missing)


def test_f21_pushes_are_reported_to_the_present_address_alone() -> None:
    double = GiteaDouble("right")
    make(double)
    double.hooks["gitops/platform"] = [PERSONS, HOOK | {"config": {"url": "https://old/api/webhook?from=gitops-airflow"}}]
    make(double, (DAGS, REPORTED))
    make(double, (DAGS, REPORTED))
    new = {"type": "gogs", "active": True, "events": ["push"], "branch_filter": "live"}
    address = {"url": f"{ARGOCD}?from=gitops-airflow", "content_type": "json"}
    assert double.hooks == {"gitops/dags": [], "gitops/platform": [PERSONS, {"id": 2, **new, "config": address}]}


def test_access_to_other_repositories_is_taken_away() -> None:
    double = GiteaDouble("right")
    make(double)
    double.access["gitops/platform"] |= {"git-sync": "read", "ann": "write"}
    take_other_access(gitea(double), (READER, WRITER))
    assert double.access == {"gitops/dags": {"git-sync": "read"}, "gitops/platform": {"platform": "write", "ann": "write"}}


@pytest.mark.parametrize(
    ("repositories", "members", "words"),
    [
        ((Repository("dags"),), (), "'dags', which is not OWNER/NAME"),
        ((Repository("gitops/dags/x"),), (), "not OWNER/NAME"),
        ((Repository("/dags"),), (), "not OWNER/NAME"),
        ((DAGS, DAGS), (), "repositories has gitops/dags twice"),
        ((PLATFORM,), (READER,), "the repository gitops/dags, which repositories lacks"),
        ((DAGS,), (Member("gitops", "gitops/dags", "read"),), "the account gitops, which is the administrator's"),
        ((DAGS, PLATFORM), (READER, Member("git-sync", "gitops/platform", "read")), "git-sync two repositories or permissions"),
        ((DAGS,), (READER, Member("git-sync", "gitops/dags", "write")), "git-sync two repositories or permissions"),
    ],
)
def test_declarations_that_contradict_each_other_are_refused(
    repositories: tuple[Repository, ...], members: tuple[Member, ...], words: str
) -> None:
    with pytest.raises(CollectionError, match=words) as refusal:
        check_members("gitops", repositories, members)
    assert (refusal.value.code, bool(refusal.value.next_action)) == ("bad_option", True)
