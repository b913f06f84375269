# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F17: a size, a time, a count or a port is refused if it is not written as its reader expects it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._platform import forms
from ansible_collections.gitops.airflow.tests.unit.places import ROOT


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5Gi", 5 * 2**30),
        ("1Ki", 1024),
        ("500m", Decimal("0.5")),
        ("0.5", Decimal("0.5")),
        (".5", Decimal("0.5")),
        (2, 2),
        (1.5, Decimal("1.5")),
        ("1e9", 10**9),
        ("1E", 10**18),
        ("5G", 5 * 10**9),
        ("100k", 10**5),
        ("0", 0),
        ("5 GB", None),
        ("5GB", None),
        ("5gi", None),
        ("5K", None),
        ("-1", None),
        ("", None),
        ("lots", None),
        ("1Gi\n", None),
        ("\uff15Gi", None),  # a digit, but not of ASCII
        (True, None),
        (None, None),
    ],
)
def test_a_quantity_of_kubernetes(text: Any, number: Any) -> None:
    # Kubernetes knows "k" and "Ki" alone: "K" is among the letters that it refuses.
    assert forms.amount(text) == number


@pytest.mark.parametrize(
    ("form", "value", "why"),
    [
        (forms.quantity, "250m", ""),
        (forms.quantity, "1 GB", "must be a quantity of Kubernetes, a number with a unit and no blank, such as 1Gi"),
        (forms.quantity, "lots", "such as 500m or 2Gi"),
        (forms.seconds, "\u0663\u0660", "must be seconds"),
        (forms.seconds, 0, "must be seconds"),
        (forms.patience, 0, ""),
        (forms.patience, -1, "must be seconds"),
        (forms.duration, "\uff15s", "must be a duration"),
        (forms.size, "5Gi", ""),
        (forms.size, "1Mi", ""),
        (forms.size, 10737418240, ""),
        (forms.size, "5 GB", "such as 5Gi"),
        (forms.size, "20gib", "such as 20Gi"),
        (forms.size, "big", "such as 5Gi"),
        (forms.size, "5", "is 5 bytes, too small for a volume"),
        (forms.size, "5m", "is 0.005 bytes, too small"),
        (forms.size, True, "must be a quantity"),
        (forms.seconds, 900, ""),
        (forms.seconds, "900", ""),
        (forms.seconds, 1, ""),
        (forms.seconds, 5.0, "must be seconds"),
        (forms.seconds, "15m", "must be seconds, a whole number of at least 1 without a unit"),
        (forms.seconds, -5, "must be seconds"),
        (forms.seconds, 1.5, "must be seconds"),
        (forms.seconds, True, "must be seconds"),
        (forms.seconds, "", "must be seconds"),
        (forms.days, 0, ""),
        (forms.days, "30d", "must be days"),
        (forms.days, -1, "must be days"),
        (forms.count, "4", ""),
        (forms.megabytes, "4 GB", "must be megabytes"),
        (forms.port, 0, ""),
        (forms.port, "30080", ""),
        (forms.port, 65535, ""),
        (forms.port, 65536, "must be a port, or 0 for none, a whole number from 0 to 65535"),
        (forms.port, "http", "must be a port"),
        (forms.duration, "10s", ""),
        (forms.duration, "1m30s", ""),
        (forms.duration, "10", "must be a duration with a unit, such as 10s"),
        (forms.duration, 10, "must be a duration"),
        (forms.duration, "10 s", "must be a duration"),
    ],
)
def test_a_form(form: forms.Form, value: Any, why: str) -> None:
    found = form(value)
    assert (found == "") == (why == "")
    assert why in found


def specs() -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = {}
    for file in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(Path(file).read_text())["argument_specs"].values():
            options |= entry["options"]
    return options


def test_every_number_and_every_size_of_a_role_has_a_form() -> None:
    numbers = {name for name, option in specs().items() if option["type"] in ("int", "float") or name.endswith("_storage")}
    assert numbers | {"airflow_app_git_author"} == set(forms.VARIABLES)


def test_the_defaults_have_their_form() -> None:
    defaults = {name: option["default"] for name, option in specs().items() if name in forms.VARIABLES and "default" in option}
    assert len(defaults) >= 18
    assert list(forms.variables(defaults)) == []


def test_the_refusal_of_a_variable() -> None:
    (refusal,) = forms.variables({"airflow_app_mysql_storage": "5 GB", "task_logs_retention_days": 30})
    assert (refusal.code, refusal.value) == ("value_form", "5 GB")
    assert refusal.message.startswith("airflow_app_mysql_storage is '5 GB'. It must be a quantity of Kubernetes")
    assert refusal.next_action == "Correct airflow_app_mysql_storage."
    (author,) = forms.variables({"airflow_app_git_author": {"name": "Ann <ann@example.com>"}})
    assert author.message.endswith(
        "It has the name 'Ann <ann@example.com>', which must be one line without angle brackets and control characters."
    )


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"scheduler": {"resources": {"requests": {"memory": "1 GB"}}}}, "scheduler.resources.requests.memory"),
        ({"workers": {"resources": {"limits": {"cpu": "two"}}}}, "workers.resources.limits.cpu"),
        ({"dags": {"gitSync": {"resources": {"limits": {"cpu": "1 core"}}}}}, "dags.gitSync.resources.limits.cpu"),
        (
            {"webserver": {"extraContainers": [{"resources": {"requests": {"cpu": "x"}}}]}},
            "webserver.extraContainers.resources.requests.cpu",
        ),
        ({"logs": {"persistence": {"size": "100 GB"}}}, "logs.persistence.size"),
        ({"dags": {"gitSync": {"period": 10}}}, "dags.gitSync.period"),
    ],
)
def test_the_refusal_of_a_value_of_the_chart(values: dict[str, Any], name: str) -> None:
    (refusal,) = forms.chart_values(values)
    assert refusal.message.startswith(f"{name} of airflow_app_values is ")


@pytest.mark.parametrize(
    "values",
    [
        None,
        {},
        {"scheduler": {"resources": {"requests": {"cpu": 1, "memory": "1Gi", "nvidia.com/gpu": 1}, "limits": None}}},
        {"scheduler": {"resources": {"requests": {"cpu": "{{ .Values.x }}"}}}},
        {"scheduler": {"resources": None}, "dags": {"gitSync": {"period": None}}},
        {"scheduler": {"resources": {"requests": {"cpu": None}}}, "logs": {"persistence": {"size": None}}},
        # Only there these keys have a form.
        {"env": [{"name": "period", "value": "x"}], "webserver": {"period": "x", "size": "x", "requests": {"cpu": "x"}}},
    ],
)
def test_values_of_the_chart_that_have_their_form(values: Any) -> None:
    assert list(forms.chart_values(values)) == []
