# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F17: keys that the official chart does not know are refused before they are pushed, or warned of where the chart is another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._platform import value_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_key_rules import CHART_KEYS, KNOWN_CHART, unknown_keys
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Chart, Repository, Settings
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

INSIDE = Repository("platform", "http://gitea.git.svc.cluster.local:3000/gitops/platform.git", embedded=True)
AIRFLOW = AirflowSettings(INSIDE, replace(INSIDE, kind="dags"), default_namespace="airflow-core", chart=Chart(version=KNOWN_CHART))
GIVEN = Settings(airflow_version="2.6.3", airflow=AIRFLOW)


def given(values: Any) -> AirflowSettings:
    return replace(AIRFLOW, values=values)


@pytest.mark.parametrize(
    ("values", "path", "action"),
    [
        ({"webservr": {"replicas": 2}}, "webservr", "Write webserver instead of webservr."),
        ({"webserver": {"replica": 2}}, "webserver.replica", "Write webserver.replicas instead of webserver.replica."),
        ({"dags": {"gitsync": {}}}, "dags.gitsync", "Write dags.gitSync instead of dags.gitsync."),
        ({"dags": {"gitSync": {"brnch": "x"}}}, "dags.gitSync.brnch", "Write dags.gitSync.branch instead of dags.gitSync.brnch."),
        ({"scheduler": {"zzz": 1}}, "scheduler.zzz", "Remove scheduler.zzz."),
        ({"airflow": {"webserver": {}}}, "airflow", "Write what is below it one level higher"),
        ({"mysql": {"storage": "9Gi"}}, "mysql", "Set airflow_app_mysql_storage or platform_mysql_image."),
    ],
)
def test_f17_an_unknown_key_is_refused(values: dict[str, Any], path: str, action: str) -> None:
    (refusal,) = value_rules.broken(GIVEN, given(values))
    assert (refusal.code, refusal.value) == ("chart_key", path)
    assert refusal.message.startswith(f"airflow_app_values sets {path}, which the official chart 1.15.0 does not know.")
    assert refusal.next_action.startswith(action)
    assert value_rules.warnings(GIVEN, given(values)) == []


def test_f17_all_unknown_keys_are_one_refusal() -> None:
    (refusal,) = value_rules.broken(GIVEN, given({"webservr": {}, "workers": {"replica": 1}}))
    assert refusal.value == "webservr, workers.replica"
    assert refusal.next_action == "Write webserver instead of webservr. Write workers.replicas instead of workers.replica."


@pytest.mark.parametrize("version", ["", "1.16.0", "1.15.0-ours"])
def test_f17_of_another_chart_it_is_a_warning(version: str) -> None:
    other = replace(given({"webservr": {}}), chart=Chart(version=version))
    assert value_rules.broken(GIVEN, other) == []
    (warning,) = value_rules.warnings(GIVEN, other)
    assert "sets webservr, which the official chart" in warning
    assert warning.endswith("The nearest name is webserver.")


def test_f17_an_unknown_option_is_a_warning() -> None:
    values = {"config": {"core": {"paralelism": 1}}, "workers": {"env": [{"name": "AIRFLOW__WEBSERVER__NAVBAR_COLOUR", "value": "x"}]}}
    assert value_rules.broken(GIVEN, given(values)) == []
    assert value_rules.warnings(GIVEN, given(values)) == [
        "airflow_app_values sets config.core.paralelism, which Airflow 2.6.3 does not know. The nearest name is core.parallelism.",
        "airflow_app_values sets AIRFLOW__WEBSERVER__NAVBAR_COLOUR in workers.env, which Airflow 2.6.3 does not know. "
        "The nearest name is webserver.navbar_color.",
    ]
    assert value_rules.warnings(replace(GIVEN, airflow_version=""), given(values)) == []


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"webserver": "two"}, "webserver of airflow_app_values is a text. It must be a dictionary."),
        ({"dags": {"gitSync": True}}, "dags.gitSync of airflow_app_values is a boolean. It must be a dictionary."),
        ({"env": "X=y"}, "env of airflow_app_values is a text. It must be a list."),
        ({"env": {"X": "y"}}, "env of airflow_app_values is a dict. It must be a list."),
        ({"scheduler": {"env": {"X": "y"}}}, "scheduler.env of airflow_app_values is a dict. It must be a list."),
        ({"webserver": {"extraVolumes": "x"}}, "webserver.extraVolumes of airflow_app_values is a text. It must be a list."),
    ],
)
def test_f17_what_holds_entries_has_its_type(values: dict[str, Any], found: str) -> None:
    (refusal,) = value_rules.broken(GIVEN, given(values))
    assert (refusal.code, refusal.message) == ("values_type", found)
    assert value_rules.warnings(GIVEN, given(values)) == []


def doubles() -> Iterator[tuple[str, str]]:
    """The keys that the chart's double knows: those that the platform sets."""
    schema = yaml.safe_load((ROOT / "lab/chart/values.schema.json").read_text())
    yield from (("", name) for name in schema["properties"])
    for component, part in schema["properties"].items():
        if component in CHART_KEYS:
            yield from ((component, name) for name in part["properties"])


@pytest.mark.parametrize(("component", "key"), sorted(doubles()))
def test_what_the_platform_sets_is_known(component: str, key: str) -> None:
    assert key in CHART_KEYS[component]


@pytest.mark.parametrize("values", [None, {}, {"config": {"any": {"thing": 1}}, "labels": {"team": "a"}, "webserver": {"defaultUser": {}}}])
def test_known_keys(values: Any) -> None:
    assert list(unknown_keys(values)) == []
