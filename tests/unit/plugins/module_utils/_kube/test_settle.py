# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When applied objects have settled, and how several waits add up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict, done, failed, waiting
from ansible_collections.gitops.airflow.plugins.module_utils._kube.settle import (
    AllOf,
    ConditionWait,
    NotSettled,
    parts_for,
    roll_out,
    settle,
    still_open,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change, Source


def definition(status: str = "", kind: str = "CustomResourceDefinition", **fields: Any) -> Obj:
    version = "apiextensions.k8s.io/v1" if kind == "CustomResourceDefinition" else "apiregistration.k8s.io/v1"
    served = "Established" if kind == "CustomResourceDefinition" else "Available"
    found = [{"type": served, "status": status, **fields}] if status else []
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "status": {"conditions": found}}


def deployment(available: int) -> Obj:
    status = {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": available}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "ns"}, "spec": {}, "status": status}


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (definition("True"), ""),
        (definition(), "it is not established yet"),
        (definition("False", message="names conflict", reason="X"), "it is not established yet: names conflict"),
        (definition("False", reason="MissingEndpoints", kind="APIService"), "it is not available yet: MissingEndpoints"),
        (definition("True", kind="APIService"), ""),
        (deployment(1), ""),
        (deployment(0), "0 of 1 pods are available"),
        ({"kind": "ConfigMap"}, ""),
    ],
)
def test_what_an_object_waits_for(item: Obj, text: str) -> None:
    assert still_open(item) == text


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        (Change("notice", text="polled"), "waiting", "it is not established yet"),
        (Change("event", (definition("True"),), type="MODIFIED"), "done", ""),
        (Change("listed", (definition("True"),)), "done", ""),
        (Change("event", (definition("True"),), type="DELETED"), "failed", "it was deleted"),
        (Change("listed"), "failed", "it was deleted"),
        (Change("watching"), "waiting", "it is not established yet"),
    ],
    ids=["notice", "event", "listed", "deleted", "gone", "watching"],
)
def test_the_condition_of_one_object(change: Change, kind: str, text: str) -> None:
    wait = ConditionWait(definition())
    assert wait.step([(0, change)], 0).kind == kind
    assert wait.results() == [{"name": "CustomResourceDefinition/x", "open": text, "causes": []}]
    assert wait.notices == (["polled"] if change.kind == "notice" else [])
    assert (wait.diagnosis()[1].startswith("Look at its conditions"), wait.events()) == (True, [])
    assert wait.sources()[0].query == {"fieldSelector": "metadata.name=x"}


class Part:
    """A wait whose verdict is given."""

    def __init__(self, verdict: Verdict, feeds: int = 1) -> None:
        self.verdict, self.feeds, self.taken = verdict, feeds, list[tuple[int, Change]]()
        self.notices: list[str] = []

    def sources(self) -> list[Source]:
        return [Source(f"/{feed}") for feed in range(self.feeds)]

    def step(self, changes: Sequence[tuple[int, Change]], now: float) -> Verdict:
        self.taken += changes
        return self.verdict

    def results(self) -> list[dict[str, Any]]:
        return []

    def diagnosis(self) -> tuple[str, str]:
        return "", "Look."

    def events(self) -> list[str]:
        return []


@pytest.mark.parametrize(
    ("verdicts", "whole", "opened"),
    [
        ([done(), done()], done(), 0),
        ([done(), waiting("a", 9), waiting("b", 7)], Verdict("waiting", "a; b", 7), 2),
        ([waiting("a"), failed("b"), failed("c")], failed("b; c"), 2),
        ([], done(), 0),
    ],
)
def test_several_waits_as_one(verdicts: list[Verdict], whole: Verdict, opened: int) -> None:
    wait = AllOf([Part(verdict) for verdict in verdicts])
    assert (wait.step([], 0), len(wait.open)) == (whole, opened)


def test_each_wait_hears_of_its_own_feeds() -> None:
    first, second = Part(done(), 2), Part(done(), 1)
    changes = [(index, Change("notice", text=str(index))) for index in range(3)]
    AllOf([first, second]).step(changes, 0)
    assert [(feed, change.text) for feed, change in first.taken] == [(0, "0"), (1, "1")]
    assert [(feed, change.text) for feed, change in second.taken] == [(0, "2")]


class Api:
    """Lists one collection and watches nothing."""

    def __init__(self, *items: Obj) -> None:
        self.items = items

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        kinds = {"deployments": "Deployment", "customresourcedefinitions": "CustomResourceDefinition"}
        kind = kinds.get(path.rsplit("/", 1)[-1])
        return {"items": [dict(item) for item in self.items if item["kind"] == kind], "metadata": {"resourceVersion": "1"}}

    def watch(self, path: str, query: dict[str, Any]) -> Any:
        return iter(())


def test_what_has_settled_is_not_asked_for_again() -> None:
    settled = settle(None, [definition("True"), deployment(1), {"kind": "ConfigMap"}], 1, 1)  # type: ignore[arg-type]
    assert (settled.waited, settled.notices) == ([], [])


def test_one_wait_for_each_namespace_and_each_other_object() -> None:
    other = {**deployment(0), "metadata": {"name": "db", "namespace": "ns"}}
    parts = parts_for(None, [deployment(0), other, definition(), {"kind": "ConfigMap"}], 1)  # type: ignore[arg-type]
    assert [type(part).__name__ for part in parts] == ["WorkloadWait", "ConditionWait"]


def test_what_settles_meanwhile() -> None:
    api: Any = Api(definition("True"))
    settled = settle(api, [definition(), deployment(1)], 5, 1)
    assert settled.waited == ["CustomResourceDefinition/x"]


@pytest.mark.parametrize(("timeout", "items", "code"), [(0.05, [definition()], "timeout"), (5, [], "failed")])
def test_what_does_not_settle(timeout: float, items: list[Obj], code: str) -> None:
    api: Any = Api(*items)
    with pytest.raises(NotSettled) as caught:
        settle(api, [definition()], timeout, 1)
    assert caught.value.code == code
    assert caught.value.text.startswith("Not done within 0.05 s: " if code == "timeout" else "Failed after ")
    assert caught.value.message.endswith(".")  # no log is quoted
    assert caught.value.next_action.startswith("Look at its conditions")
    assert (caught.value.workloads[0]["name"], caught.value.events) == ("CustomResourceDefinition/x", [])


def test_a_roll_out() -> None:
    api: Any = Api(deployment(1))
    assert roll_out(api, "ns", ["Deployment/web"], 5, 1) == []
    with pytest.raises(NotSettled) as caught:
        roll_out(api, "ns", ["Deployment/other"], 5, 1)
    assert caught.value.code == "not_done"
