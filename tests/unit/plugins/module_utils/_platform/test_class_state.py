# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PriorityClasses and RuntimeClasses that settings name: which are looked up, and what a missing one means for a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform import class_state
from ansible_collections.gitops.airflow.plugins.module_utils._platform.class_state import Classes
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_node_state import given

LOW, GVISOR = ("PriorityClass", "low"), ("RuntimeClass", "gvisor")
LOW_PATH, GVISOR_PATH = "/apis/scheduling.k8s.io/v1/priorityclasses/low", "/apis/node.k8s.io/v1/runtimeclasses/gvisor"
ETL = given({"priority_class": "low", "runtime_class": "gvisor"})
PRIORITY_OF_ETL, RUNTIME_OF_ETL = (f"{option}_class of airflow-etl in platform_worker_namespaces" for option in ("priority", "runtime"))
OF_CORE = "priority_class of airflow_app_core_placement"
SCHEDULERS = {"scheduler": {"priorityClassName": "low"}}


def said(found: Classes, settings: Settings) -> tuple[list[str], list[Any]]:
    assert settings.airflow
    return list(class_state.notes(found)), list(class_state.refusals(found, settings, settings.airflow))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (given(), {}),
        (given({"priority_class": "", "runtime_class": None}), {}),
        (ETL, {LOW: [PRIORITY_OF_ETL], GVISOR: [RUNTIME_OF_ETL]}),
        (given({"priority_class": "low"}, core_placement={"priority_class": "low"}), {LOW: [PRIORITY_OF_ETL, OF_CORE]}),
        (given(core_placement={"node_selector": {"a": "b"}}), {}),
        # Chart values, for parts that run.
        (given(values=SCHEDULERS), {LOW: ["scheduler.priorityClassName of airflow_app_values"]}),
        (given(values={"workers": {"priorityClassName": "low"}}), {LOW: ["workers.priorityClassName of airflow_app_values"]}),
        (given(values={"dagProcessor": {"priorityClassName": "low"}}), {}),
        (
            given(values={"dagProcessor": {"priorityClassName": "low"}}, dag_processor=True),
            {LOW: ["dagProcessor.priorityClassName of airflow_app_values"]},
        ),
        # The chart makes it, Helm renders its name, or it has another form.
        (given(values={**SCHEDULERS, "priorityClasses": [{"name": "low", "value": 1}]}), {}),
        (given(values={"scheduler": {"priorityClassName": "{{ .Release.Name }}"}}), {}),
        (given(values={"scheduler": {"priorityClassName": ""}}), {}),
        # No tasks in the core namespace: those of the others stay.
        (given({"priority_class": "low"}, core_tasks=False), {LOW: [PRIORITY_OF_ETL]}),
        (given(values={"scheduler": {"priorityClassName": None}, "webserver": {"priorityClassName": 5}, "priorityClasses": 1}), {}),
    ],
)
def test_what_settings_name(settings: Settings, expected: Any) -> None:
    assert settings.airflow
    assert class_state.wanted(settings, settings.airflow) == expected


@pytest.mark.parametrize(("core_tasks", "expected"), [(True, [LOW]), (False, [])])
def test_a_namespace_without_tasks_needs_no_class(core_tasks: bool, expected: list[Any]) -> None:
    settings = replace(given(core_tasks=core_tasks), profiles=({"name": "airflow-core", "priority_class": "low"},))
    assert settings.airflow
    assert list(class_state.wanted(settings, settings.airflow)) == expected


@pytest.mark.parametrize("provider", ["kind", "existing"])
def test_classes_that_exist_or_were_not_looked_up(provider: str) -> None:
    settings = replace(ETL, provider=provider)
    assert said({LOW: True, GVISOR: True}, settings) == ([], [])
    assert said({}, settings) == ([], [])
    # Settings that name none do not ask for one of an earlier look.
    assert said({LOW: False}, given()) == ([], [])


@pytest.mark.parametrize(
    ("missing", "place", "action"),
    [
        (LOW, PRIORITY_OF_ETL, "Create it, for example with: kubectl create priorityclass low --value=1000. Or correct "),
        (GVISOR, RUNTIME_OF_ETL, "Create it with a handler that the nodes have. Or correct "),
    ],
)
def test_a_class_that_does_not_exist_is_refused(missing: tuple[str, str], place: str, action: str) -> None:
    notes, (refusal,) = said({LOW: True, GVISOR: True, missing: False}, ETL)
    kind, name = missing
    assert notes == []
    assert (refusal.code, refusal.value) == ("missing_class", name)
    assert refusal.message == (f"{place} is '{name}', but the cluster has no {kind} of that name. The API server would refuse these pods.")
    assert refusal.next_action == f"{action}{place}. Then run the same command again."


def test_a_class_that_several_settings_name_is_one_refusal() -> None:
    _notes, (refusal,) = said({LOW: False}, given({"priority_class": "low"}, core_placement={"priority_class": "low"}))
    assert refusal.message.startswith(f"{PRIORITY_OF_ETL} and {OF_CORE} are 'low', but ")


def test_classes_that_may_not_be_read_refuse_nothing() -> None:
    assert said({LOW: None, GVISOR: True}, ETL) == (
        ["Whether the cluster has the PriorityClass low was not checked, because this account may not read it."],
        [],
    )


class Api:
    """The part of KubeApi that is read: the paths of objects that exist, and those that answer with another status."""

    def __init__(self, there: tuple[str, ...], status: dict[str, int]) -> None:
        self.there, self.status, self.asked = there, status, list[str]()

    def metadata(self, path: str) -> Any:
        self.asked.append(path)
        if path in self.status:
            raise ApiError(self.status[path], "no")
        return {"name": path.rpartition("/")[2]} if path in self.there else None


@pytest.mark.parametrize(
    ("settings", "there", "status", "asked", "expected"),
    [
        (given(), (), {}, [], {}),
        (replace(ETL, airflow=None), (), {}, [], {}),
        (ETL, (LOW_PATH, GVISOR_PATH), {}, [GVISOR_PATH, LOW_PATH], {LOW: True, GVISOR: True}),
        (ETL, (LOW_PATH,), {}, [GVISOR_PATH, LOW_PATH], {LOW: True, GVISOR: False}),
        (ETL, (), {GVISOR_PATH: 403}, [GVISOR_PATH, LOW_PATH], {LOW: False, GVISOR: None}),
    ],
)
def test_only_what_is_named_is_read(settings: Settings, there: Any, status: dict[str, int], asked: list[str], expected: Any) -> None:
    api = Api(there, status)
    assert class_state.read(cast(KubeApi, api), settings) == expected
    assert sorted(api.asked) == asked


def test_a_cluster_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(ApiError):
        class_state.read(cast(KubeApi, Api((), {LOW_PATH: 0})), ETL)
