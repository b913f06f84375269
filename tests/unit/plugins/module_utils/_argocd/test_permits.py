# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an AppProject permits, by Argo CD's rules for patterns and denials."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.permits import (
    closed_namespaces,
    cluster_name,
    glob,
    normal_url,
    permits_kind,
    permits_namespace,
    permits_source,
)

HERE = "https://kubernetes.default.svc"
URL = "https://git.example.com/data/platform.git"


def project(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "data"}, "spec": spec}


@pytest.mark.parametrize(
    ("pattern", "value", "path", "matches"),
    [
        ("*", "a/b", True, True),
        ("https://h/*", "https://h/a", True, True),
        ("https://h/*", "https://h/a/b", True, False),
        ("https://h/**", "https://h/a/b", True, True),
        ("airflow-*", "airflow-core", False, True),
        ("airflow-*", "airflow-", False, True),
        ("airflow-*", "my-airflow-core", False, False),
        ("a*", "a/b", False, True),
        ("a?c", "abc", False, True),
        ("a?c", "a/c", True, False),
        ("{core,cron}", "cron", False, True),
        ("{core,cron}", "core,cron", False, False),
        ("[a-c]x", "bx", False, True),
        ("[!a-c]x", "bx", False, False),
        ("a.c", "abc", False, False),
        ("a,b", "a,b", False, True),
        ("[!a-c]x", "dx", False, True),
        # A set of characters, or one range. Other forms match nothing.
        ("[abc]x", "cx", False, True),
        ("[ab^-]", "-", False, True),
        ("[^a]", "b", False, False),
        ("[^a]", "^", False, True),
        ("[!]", "!", False, False),
        ("[]", "[]", False, False),
        ("[!][a]", "x", False, False),
        ("[a-z0]", "a", False, False),
        ("[a-]", "a", False, False),
        ("[z-a]", "b", False, False),
        ("[", "[", False, False),
        ("a[b", "a[b", False, False),
        ("a]b", "a]b", False, True),
        ("{core", "{core", False, False),
        ("a}b", "a}b", False, True),
        ("", "", False, True),
        ("", "a", False, False),
    ],
)
def test_patterns(pattern: str, value: str, path: bool, matches: bool) -> None:
    assert glob(pattern, value, path=path) is matches


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://Git.Example.com/Data/platform.git", "https://git.example.com/data/platform"),
        ("git@git.example.com:data/platform.git", "git@git.example.com/data/platform"),
        ("ssh://git@git.example.com/data/platform.git", "git@git.example.com/data/platform"),
        ("ssh://git@git.example.com:2222/x", "git@git.example.com:2222/x"),
        ("https://h:8443/x", "https://h:8443/x"),
        ("https://me@h:8443/x", "https://me@h:8443/x"),
        ("git.example.com:data/platform", "git.example.com:data/platform"),
    ],
)
def test_urls_are_compared_in_one_form(url: str, normal: str) -> None:
    assert normal_url(url) == normal


@pytest.mark.parametrize(
    ("sources", "permitted"),
    [
        (["*"], True),
        ([URL], True),
        ([URL.removesuffix(".git").upper()], True),
        (["https://git.example.com/*"], False),
        (["https://git.example.com/**"], True),
        (["https://git.example.com/data/*"], True),
        ([], False),
        (None, False),
        # A denial that does not match permits.
        (["!https://other.example.com/**"], True),
        (["!https://git.example.com/**", "*"], False),
        (["*", "!https://git.example.com/data/platform.git"], False),
    ],
)
def test_sources(sources: list[str] | None, permitted: bool) -> None:
    assert permits_source(project(sourceRepos=sources), URL) is permitted


@pytest.mark.parametrize(
    ("destinations", "permitted"),
    [
        ([{"server": HERE, "namespace": "airflow-core"}], True),
        ([{"server": HERE, "namespace": "airflow-*"}], True),
        ([{"server": "*", "namespace": "*"}], True),
        ([{"name": "in-cluster", "namespace": "*"}], True),
        ([{"name": "production", "namespace": "*"}], False),
        ([{"server": "https://10.0.0.1", "namespace": "*"}], False),
        ([{"server": HERE, "namespace": "team"}], False),
        ([{"server": HERE}], False),
        ([], False),
        ([{"server": HERE, "namespace": "*"}, {"server": HERE, "namespace": "!airflow-core"}], False),
        ([{"server": HERE, "namespace": "*"}, {"server": HERE, "namespace": "!kube-system"}], True),
        ([{"server": HERE, "namespace": "*"}, {"server": f"!{HERE}", "namespace": "*"}], False),
        ([{"server": HERE, "namespace": "*"}, {"server": HERE, "namespace": "team"}], True),
        ([{"server": HERE, "namespace": "*"}, {"server": "!https://10.0.0.1", "namespace": "team"}], True),
    ],
)
def test_destinations(destinations: list[dict[str, str]], permitted: bool) -> None:
    assert permits_namespace(project(destinations=destinations), "airflow-core") is permitted


@pytest.mark.parametrize(
    ("clusters", "name"),
    [
        ([], "in-cluster"),
        ([{"server": "https://10.0.0.1", "name": "production"}], "in-cluster"),
        ([{"server": "https://10.0.0.1", "name": "production"}, {"server": f"{HERE}/", "name": "hub"}], "hub"),
        ([{"server": HERE}], ""),
    ],
)
def test_the_name_of_argo_cds_own_cluster(clusters: list[dict[str, str]], name: str) -> None:
    assert cluster_name(clusters) == name


@pytest.mark.parametrize(
    ("pattern", "cluster", "permitted"),
    [
        ("hub", "hub", True),
        ("in-cluster", "hub", False),
        ("in-cluster", "in-cluster", True),
        ("*", "hub", True),
        ("*", "", False),
        ("", "", False),
        ("!hub", "hub", False),
    ],
)
def test_a_destination_may_name_the_cluster(pattern: str, cluster: str, permitted: bool) -> None:
    assert permits_namespace(project(destinations=[{"name": pattern, "namespace": "*"}]), "airflow-core", cluster) is permitted


JOB = {"group": "batch", "kind": "Job"}


@pytest.mark.parametrize(
    ("spec", "permitted"),
    [
        ({}, True),
        ({"namespaceResourceWhitelist": []}, False),
        ({"namespaceResourceWhitelist": [JOB]}, True),
        ({"namespaceResourceWhitelist": [{"group": "*", "kind": "*"}]}, True),
        ({"namespaceResourceWhitelist": [{"group": "", "kind": "Job"}]}, False),
        ({"namespaceResourceBlacklist": [JOB]}, False),
        ({"namespaceResourceBlacklist": [{"group": "batch", "kind": "*"}], "namespaceResourceWhitelist": [JOB]}, False),
        ({"namespaceResourceBlacklist": [{"group": "", "kind": "*"}]}, True),
    ],
)
def test_kinds(spec: dict[str, Any], permitted: bool) -> None:
    assert permits_kind(project(**spec), JOB) is permitted


@pytest.mark.parametrize(
    ("clusters", "closed"),
    [
        ([], []),
        ([{"server": HERE}], []),
        ([{"server": HERE, "namespaces": ""}], []),
        ([{"server": HERE, "namespaces": "argocd, airflow-core"}], ["airflow-cron"]),
        # Not patterns.
        ([{"server": HERE, "namespaces": "*"}], ["airflow-core", "airflow-cron"]),
        ([{"server": HERE, "namespaces": "airflow-*,airflow-core"}], ["airflow-cron"]),
        ([{"server": f"{HERE}/", "namespaces": "argocd"}], ["airflow-core", "airflow-cron"]),
        ([{"server": "https://10.0.0.1", "namespaces": "argocd"}], []),
        ([{"server": "https://10.0.0.1", "namespaces": "argocd"}, {"server": HERE, "namespaces": "airflow-core,airflow-cron"}], []),
    ],
)
def test_namespaces_that_an_argo_cd_without_cluster_rights_deploys_to(clusters: list[dict[str, str]], closed: list[str]) -> None:
    assert closed_namespaces(clusters, ["airflow-core", "airflow-cron"]) == closed
