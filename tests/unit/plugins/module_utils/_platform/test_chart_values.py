# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D3, D9: values of people's own neither take the platform's entries away nor put something before the cluster policy."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import (
    entries,
    import_path_problems,
    service_accounts,
    with_platform_entries,
)

FOLDER = "/opt/gitops-airflow"
PATH = {"name": "PYTHONPATH", "value": FOLDER}
OWN: dict[str, Any] = {
    "env": [{"name": "CONNECTION_CHECK_MAX_COUNT", "value": "0"}, PATH],
    "volumes": [{"name": "gitops-airflow"}],
    "webserver": {"resources": {"limits": {"memory": "2Gi"}}, "command": "run"},
}
TEAM = {"name": "TEAM", "value": "a"}


@pytest.mark.parametrize(
    ("theirs", "completed"),
    [
        ({}, {}),
        ({"webserver": {"replicas": 2}}, {"webserver": {"replicas": 2}}),
        ({"env": [TEAM]}, {"env": [TEAM, *OWN["env"]]}),
        ({"env": []}, {"env": OWN["env"]}),
        ({"env": None}, {"env": OWN["env"]}),
        # Everything below the key is a comment.
        ({"webserver": None}, {"webserver": {}}),
        ({"webserver": {"resources": None}}, {"webserver": {"resources": {}}}),
        ({"webserver": {"command": None}}, {"webserver": {"command": None}}),
        (
            {"env": [{"name": "CONNECTION_CHECK_MAX_COUNT", "value": "9"}]},
            {"env": [{"name": "CONNECTION_CHECK_MAX_COUNT", "value": "9"}, PATH]},
        ),
        ({"volumes": [{"name": "x"}]}, {"volumes": [{"name": "x"}, {"name": "gitops-airflow"}]}),
        ({"volumeMounts": [{"name": "x"}]}, {"volumeMounts": [{"name": "x"}]}),
    ],
)
def test_f20_lists_for_every_container_keep_the_platforms_entries(theirs: dict[str, Any], completed: dict[str, Any]) -> None:
    assert with_platform_entries(theirs, OWN) == completed


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        (5, [TEAM]),
        ("", [TEAM]),
        (["name-a"], ["b"]),
        (["name-a"], []),
        ([{"key": "a"}], []),
        ([{"key": "a"}], [{"key": "b"}]),
        ([TEAM], "text"),
    ],
)
def test_f20_other_lists_are_peoples_alone(own: Any, theirs: Any) -> None:
    assert with_platform_entries({"a": theirs}, {"a": own}) == {"a": theirs}


@pytest.mark.parametrize(("value", "found"), [([1], [1]), ((1,), [1]), ([], []), (None, []), ("text", []), ({"a": 1}, []), (5, [])])
def test_entries_of_a_list(value: Any, found: list[Any]) -> None:
    assert entries(value) == found


@pytest.mark.parametrize(
    "values",
    [
        None,
        {},
        {"volumes": ["x"], "volumeMounts": ["x"]},
        {"env": [TEAM]},
        {"env": [PATH]},
        {"env": [{"name": "PYTHONPATH", "value": f"{FOLDER}:/opt/lib"}]},
        {"env": [{"name": "PYTHONPATH", "value": f"{FOLDER}/"}]},
        {"volumes": [{"name": "x"}], "volumeMounts": [{"name": "x", "mountPath": "/opt/lib"}]},
        {"createUserJob": {"applyCustomEnv": True}},
        {"podTemplate": f"PYTHONPATH and {FOLDER}".replace("PYTHONPATH", "")},
    ],
)
def test_values_that_leave_the_policy_first(values: dict[str, Any] | None) -> None:
    assert import_path_problems(values) == []


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"env": [{"name": "PYTHONPATH", "value": "/opt/airflow/dags"}]}, "PYTHONPATH to '/opt/airflow/dags', which does not begin"),
        ({"env": [{"name": "PYTHONPATH", "value": f"/a:{FOLDER}"}]}, "does not begin with /opt/gitops-airflow"),
        ({"env": [{"name": "PYTHONPATH", "value": f"{FOLDER}-mine"}]}, "does not begin with /opt/gitops-airflow"),
        ({"env": [PATH, PATH]}, "more than once"),
        ({"scheduler": {"env": [PATH]}}, "scheduler.env.name sets PYTHONPATH; only env"),
        ({"webserver": {"waitForMigrations": {"env": [PATH]}}}, "webserver.waitForMigrations.env.name sets PYTHONPATH"),
        ({"extraEnv": "- {name: PYTHONPATH, value: /x}"}, "extraEnv sets PYTHONPATH"),
        ({"secret": [{"envName": "PYTHONPATH", "secretName": "x"}]}, "secret.envName sets PYTHONPATH"),
        ({"webserver": {"args": ["bash", "-c", "PYTHONPATH=/x exec airflow webserver"]}}, "webserver.args sets PYTHONPATH"),
        ({"workers": {"env": [{"name": "PYTHONHOME", "value": "/x"}]}}, "workers.env.name sets PYTHONHOME"),
        ({"volumes": [{"name": "gitops-airflow", "emptyDir": {}}]}, "volumes has an entry gitops-airflow"),
        ({"volumeMounts": [{"name": "gitops-airflow", "mountPath": "/elsewhere"}]}, "volumeMounts has an entry gitops-airflow"),
        ({"scheduler": {"extraVolumeMounts": [{"name": "x", "mountPath": FOLDER}]}}, "extraVolumeMounts.mountPath is /opt/gitops"),
        ({"volumeMounts": [{"name": "x", "mountPath": f"{FOLDER}/airflow_local_settings.py"}]}, "the platform's own folder"),
        ({"migrateDatabaseJob": {"applyCustomEnv": False}}, "migrateDatabaseJob.applyCustomEnv is not true"),
        ({"podTemplate": "kind: Pod"}, "podTemplate does not mount /opt/gitops-airflow"),
    ],
)
def test_values_that_would_put_something_before_the_policy(values: dict[str, Any], problem: str) -> None:
    (found,) = import_path_problems(values)
    assert problem in found


def account(**options: Any) -> dict[str, Any]:
    return {"scheduler": {"serviceAccount": options}}


LONG = "a" * 62


@pytest.mark.parametrize(
    ("values", "release", "scheduler", "webserver"),
    [
        (None, "airflow-core", "airflow-scheduler", "airflow-webserver"),
        ({}, "x", "airflow-scheduler", "airflow-webserver"),
        ({"scheduler": None}, "x", "airflow-scheduler", "airflow-webserver"),
        ({"scheduler": {"serviceAccount": None}}, "x", "airflow-scheduler", "airflow-webserver"),
        (account(name="mine"), "x", "mine", "airflow-webserver"),
        (account(name=""), "x", "airflow-scheduler", "airflow-webserver"),
        (account(create=True, annotations={"a": "b"}), "x", "airflow-scheduler", "airflow-webserver"),
        (account(create=False), "x", "default", "airflow-webserver"),
        (account(create=False, name="theirs"), "x", "theirs", "airflow-webserver"),
        ({"fullnameOverride": "data"}, "x", "data-scheduler", "data-webserver"),
        ({"fullnameOverride": "data", **account(name="mine")}, "x", "mine", "data-webserver"),
        ({"fullnameOverride": f"{LONG}-b"}, "x", f"{LONG}-scheduler", f"{LONG}-webserver"),
        # The release's name, with the chart's or the given one unless it is part of it.
        ({"fullnameOverride": ""}, "airflow-core", "airflow-core-scheduler", "airflow-core-webserver"),
        ({"fullnameOverride": ""}, "core", "core-airflow-scheduler", "core-airflow-webserver"),
        ({"fullnameOverride": None, "nameOverride": "data"}, "core", "core-data-scheduler", "core-data-webserver"),
        ({"fullnameOverride": "", "nameOverride": "co"}, "core", "core-scheduler", "core-webserver"),
        ({"nameOverride": "data"}, "core", "airflow-scheduler", "airflow-webserver"),
        # Values of another form are refused by a rule of their own.
        ("parallelism=12", "x", "airflow-scheduler", "airflow-webserver"),
        ({"scheduler": {"serviceAccount": "mine"}}, "x", "airflow-scheduler", "airflow-webserver"),
    ],
)
def test_d9_the_accounts_are_those_that_the_chart_names(values: Any, release: str, scheduler: str, webserver: str) -> None:
    expected = {"scheduler": scheduler, "triggerer": webserver.replace("-webserver", "-triggerer"), "webserver": webserver}
    assert service_accounts(values, release) == expected
