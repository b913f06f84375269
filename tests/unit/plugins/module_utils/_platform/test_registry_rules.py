# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F15: what is refused of the registry and the pull secrets, and what Airflow's chart gets of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import registry_rules, rules, value_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.registry_values import registry_values
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Chart, Repository, Settings

INSIDE = Repository("platform", "http://gitea.git.svc.cluster.local:3000/gitops/platform.git", embedded=True)
AIRFLOW = AirflowSettings(INSIDE, replace(INSIDE, kind="dags"), default_namespace="airflow-core", chart=Chart(version="1.15.0"))
GIVEN = Settings(airflow=AIRFLOW)


@pytest.mark.parametrize(
    "registry",
    [
        "",
        "registry.example.com",
        "registry.example.com/a/b-c",
        "registry:5000",
        "localhost",
        "localhost:5000/x",
        "10.0.0.1:5000",
        "[::1]:5000",
    ],
)
def test_a_registry(registry: str) -> None:
    assert rules.broken(rules.PLATFORM, replace(GIVEN, image_registry=registry)) == []


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        ("https://registry.example.com", "which begins with a scheme"),
        ("registry.example.com/", "which ends with a slash"),
        ("registry", "has neither a dot nor a port"),
        ("mirror/x", "has neither a dot nor a port"),
        ("registry.example.com/Mirror", "cannot be the beginning"),
        ("registry.example.com/a:1", "cannot be the beginning"),
        ("registry.example.com /a", "cannot be the beginning"),
        ("registry.example.com//a", "cannot be the beginning"),
    ],
)
def test_what_is_not_a_registry(registry: str, words: str) -> None:
    """Its images are not refused as well: their names begin with it."""
    given = replace(GIVEN, image_registry=registry, images={"gitea": f"{registry}/gitea/gitea:1"})
    (refusal,) = rules.broken(rules.PLATFORM, given)
    assert (refusal.code, refusal.value) == ("image_registry", registry)
    assert words in refusal.message
    assert "such as registry.example.com/mirror" in refusal.next_action


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"pull_secrets": ("Pull", "ok", "a/b")}, "'Pull', 'a/b'"),
        ({"pull_secrets": ("ok",), "pull_secrets_namespace": "No_Name"}, "No_Name"),
    ],
)
def test_names_that_are_refused(given: dict[str, Any], value: str) -> None:
    (refusal,) = [refusal for rule in registry_rules.RULES for refusal in rule(replace(GIVEN, **given))]
    assert (refusal.code, refusal.value) == ("pull_secret_name", value)


@pytest.mark.parametrize(
    ("pulls", "airflow", "code", "words"),
    [
        (("a", "b"), {}, "several_pull_secrets", "but Airflow's chart 1.15.0 gives its pods one pull secret only"),
        (("a",), {"worker_secrets": ("db", "a")}, "pull_secret_twice", "airflow_app_worker_secrets both name a."),
        (("a",), {"values": {"registry": {"secretName": "b"}}}, "pull_secret_twice", "airflow_app_values names the pull secret b"),
        (("a",), {"values": {"imagePullSecrets": [{"name": "b"}]}}, "pull_secret_twice", "airflow_app_values names the pull secret b"),
        (("a",), {"values": {"registry": {"connection": {"user": "u"}}}}, "pull_secret_twice", "sets registry.connection"),
    ],
)
def test_settings_that_contradict_each_other(pulls: tuple[str, ...], airflow: dict[str, Any], code: str, words: str) -> None:
    (refusal,) = value_rules.broken(replace(GIVEN, pull_secrets=pulls), replace(AIRFLOW, **airflow))
    assert refusal.code == code
    assert words in refusal.message
    assert refusal.next_action


@pytest.mark.parametrize(
    ("pulls", "airflow"),
    [
        (("a",), {}),
        (("a",), {"values": {"registry": {"secretName": "a"}}}),
        ((), {"values": {"registry": {"secretName": "b"}}, "worker_secrets": ("b",)}),
        (("a", "b"), {"chart": Chart(version="1.19.0")}),
        (("a", "b"), {"chart": Chart()}),
    ],
)
def test_settings_that_agree(pulls: tuple[str, ...], airflow: dict[str, Any]) -> None:
    assert value_rules.broken(replace(GIVEN, pull_secrets=pulls), replace(AIRFLOW, **airflow)) == []


MIRROR = "registry.example.com/mirror"
STATSD = {"statsd": {"repository": f"{MIRROR}/prometheus/statsd-exporter"}}
BOUNCER = {name: {"repository": f"{MIRROR}/apache/airflow"} for name in ("pgbouncer", "pgbouncerExporter")}


@pytest.mark.parametrize(
    ("values", "registry", "pulls", "expected"),
    [
        ({}, "", [], {}),
        ({}, MIRROR, [], {}),
        ({}, "", ["a"], {"registry": {"secretName": "a"}}),
        ({}, "", ["a", "b"], {"imagePullSecrets": [{"name": "a"}, {"name": "b"}]}),
        ({"statsd": {"enabled": True}}, "", [], {}),
        ({"statsd": {"enabled": True}}, MIRROR, [], {"images": STATSD}),
        (
            {"statsd": {"enabled": False}, "pgbouncer": {"enabled": True}},
            MIRROR,
            ["a"],
            {"images": BOUNCER, "registry": {"secretName": "a"}},
        ),
        ({"redis": {"enabled": True}}, MIRROR, [], {"images": {"redis": {"repository": f"{MIRROR}/library/redis"}}}),
    ],
)
def test_what_airflows_chart_gets(values: Any, registry: str, pulls: list[str], expected: Any) -> None:
    assert registry_values(values, registry, pulls) == expected
