# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F17: options that a version of Airflow does not know."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow import options
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.options import known, unknown_option, unknown_options


@pytest.mark.parametrize(
    ("option", "version", "near"),
    [
        ("core.paralelism", "2.6.3", "core.parallelism"),
        ("webserver.navbar_colour", "2.6.3", "webserver.navbar_color"),
        ("webserver.parallelism", "2.6.3", "core.parallelism"),
        ("webservr.navbar_color", "2.6.3", "webserver.navbar_color"),
        ("kubernetes_executer.namespace", "2.6.3", "kubernetes_executor.namespace"),
        ("kubernetes_executor.delete_worker_pod", "2.10.5", "kubernetes_executor.delete_worker_pods"),
        ("my_plugin.key", "2.6.3", ""),
        ("core.zzz", "2.6.3", ""),
        # An option of a later version, and a section of one.
        ("webserver.navbar_text_color", "2.6.3", "webserver.navbar_color"),
        ("traces.otel_on", "2.9.3", "metrics.otel_on"),
    ],
)
def test_an_option_that_a_version_does_not_know(option: str, version: str, near: str) -> None:
    section, name = option.split(".", 1)
    found = unknown_option(section, name, version)
    assert found[0] is True
    assert near in found[1] if near else found[1] == ""


@pytest.mark.parametrize(
    ("option", "version"),
    [
        ("core.parallelism", "2.6.3"),
        ("core.PARALLELISM", "2.6.3"),
        ("webserver.navbar_text_color", "2.8.4"),
        ("traces.otel_on", "2.10.5"),
        # Deprecated names, which Airflow still reads.
        ("core.sql_alchemy_conn", "2.6.3"),
        ("scheduler.max_threads", "2.10.5"),
        ("kubernetes.namespace_list", "2.6.3"),
        ("kubernetes.namespace", "2.6.3"),
        ("webserver.update_fab_perms", "2.10.5"),
        # A value that a command prints, or that a secrets backend has.
        ("core.fernet_key_cmd", "2.6.3"),
        ("database.sql_alchemy_conn_secret", "2.6.3"),
        # Providers' sections, and those whose options are people's own.
        ("celery.anything", "2.6.3"),
        ("elasticsearch_configs.anything", "2.10.5"),
        ("sentry.debug", "2.6.3"),
        ("kubernetes_environment_variables.TEAM", "2.6.3"),
        # A version that is not known may have all.
        ("traces.otel_on", "3.0.1"),
        ("traces.otel_on", "latest"),
    ],
)
def test_an_option_that_a_version_knows(option: str, version: str) -> None:
    section, name = option.split(".", 1)
    assert unknown_option(section, name, version) == (False, "")


def test_the_options_of_a_version() -> None:
    counts = {version: sum(map(len, known(version).values())) for version in ("2.6.3", "2.7.3", "2.8.4", "2.9.3", "2.10.5")}
    assert list(counts.values()) == sorted(counts.values())
    assert counts["2.6.3"] > 300


def test_a_sentence_for_each_option_once() -> None:
    config: dict[str, Any] = {"core": {"paralelism": 12, "parallelism": 12}, "logging": None}
    variables = [("env", "AIRFLOW__CORE__PARALELISM"), ("scheduler.env", "AIRFLOW_HOME"), ("env", "AIRFLOW__CELERY__X"), ("env", "TEAM")]
    assert list(unknown_options(config, variables, "2.6.3")) == [
        "airflow_app_values sets config.core.paralelism, which Airflow 2.6.3 does not know. The nearest name is core.parallelism.",
        "airflow_app_values sets AIRFLOW__CORE__PARALELISM in env, which Airflow 2.6.3 does not know. "
        "The nearest name is core.parallelism.",
    ]
    assert list(unknown_options("text", [], "2.6.3")) == []


@pytest.mark.parametrize(
    ("version", "names"), [("2.5.0", "ac"), ("2.6.0", "abcd"), ("2.8.1", "abcd"), ("2.9.0", "ab"), ("3.0.0", "abcd"), ("latest", "abcd")]
)
def test_the_first_and_the_last_version_of_an_option(version: str, names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "OPTIONS", "core: a b+6\n  c-8 d+6-8\nnone: z-1\n")
    known.cache_clear()
    try:
        assert known(version).get("core") == frozenset(names)
        assert ("none" in known(version)) is not version.startswith("2.")
    finally:
        known.cache_clear()
