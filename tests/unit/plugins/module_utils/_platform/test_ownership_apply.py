# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects are applied beside those of others, in which order, and what is shown of them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import MANAGER, marks
from ansible_collections.gitops.airflow.plugins.module_utils._kube.apply import Change, Standing, Target
from ansible_collections.gitops.airflow.plugins.module_utils._kube.settle import Settled
from ansible_collections.gitops.airflow.plugins.module_utils._platform import ownership_apply
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Record, Ref, Scope
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import (
    Refused,
    Wishes,
    apply_objects,
    change_diff,
    change_rows,
    marked,
    obstacle,
    placed,
    plan,
    read_sources,
    secret_values,
)
from ansible_collections.gitops.airflow.tests.unit.kube_double import KubeDouble, Obj, place

OURS, OTHERS, MADE = marks("airflow"), marks("beta"), "gitops-airflow/made"
APPS, REGISTRATION = "apps/v1", "apiregistration.k8s.io/v1"
SCOPE = Scope("airflow")
NO_MARK = "it does not have the labels app.kubernetes.io/part-of=gitops-airflow and gitops-airflow/platform=airflow"
IT_IS_BETAS = "it belongs to platform beta"
GOING = {"deletionTimestamp": "2026-11-27T00:00:00Z"}


def item(kind: str, name: str = "x", version: str = "v1", labels: dict[str, str] | None = None, **content: Any) -> Obj:
    wide = kind in ("Namespace", "APIService")
    metadata: Obj = {"name": name, **({} if wide else {"namespace": "a"}), **({"labels": labels} if labels is not None else {})}
    return {"apiVersion": version, "kind": kind, "metadata": {**metadata, **content.pop("metadata", {})}, **content}


def target(body: Obj) -> Target:
    metadata = body["metadata"]
    return Target(body["apiVersion"], body["kind"], metadata.get("namespace", ""), metadata["name"], body, place(body)[1])


def ref(body: Obj) -> Ref:
    return Ref(body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"], body["apiVersion"])


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# Marks


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        (item("Secret"), OURS),
        (item("Secret", labels={"team": "a"}), {"team": "a", **OURS}),
        (item("Secret", labels={"app.kubernetes.io/part-of": "gitops-airflow"}), OURS),
        (item("Namespace"), {**OURS, MADE: "true"}),
    ],
)
def test_an_object_gets_the_mark(body: Obj, labels: dict[str, str]) -> None:
    assert marked(body, "airflow")["metadata"]["labels"] == labels


def test_an_object_that_is_part_of_something_else_gets_no_mark() -> None:
    with pytest.raises(CollectionError, match=r"Secret x has the label app\.kubernetes\.io/part-of=argocd") as caught:
        marked(item("Secret", labels={"app.kubernetes.io/part-of": "argocd"}), "airflow")
    assert caught.value.code == "bad_definition"


def test_what_a_record_of_argo_cd_names_gets_no_mark() -> None:
    bodies = [item("ConfigMap", "argocd-cm"), item("ConfigMap", "mine"), item("Secret", "mine", data={"k": encoded("${src/key}")})]
    api, sources = KubeDouble(), {"src": {"key": "value"}}

    def found(scope: Scope) -> dict[str, bool]:
        return {str(one): "labels" in one.body["metadata"] for one in placed(api, bodies, scope, "a", sources)}

    record = Record("a", "ours", "airflow", "applied", frozenset({ref(bodies[0])}))
    assert found(Scope("airflow", record=record)) == {"Secret a/mine": True, "ConfigMap a/argocd-cm": False, "ConfigMap a/mine": True}
    for other in (None, Record("a", "ours", "airflow", "applied", None)):
        assert set(found(Scope("airflow", record=other)).values()) == {True}
    secret = next(one for one in placed(api, bodies, SCOPE, "a", sources) if one.kind == "Secret")
    assert secret.body["data"] == {"k": encoded("value")}


# What stands in the way


SERVICE: Any = {"spec": {"service": {"namespace": "kube-system", "name": "metrics"}}}
SERVED_BY = f"{NO_MARK}; Service kube-system/metrics serves it"


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        (None, ""),
        (item("Secret", labels=OURS), ""),
        (item("Secret", labels=OTHERS), IT_IS_BETAS),
        (item("Secret"), NO_MARK),
        (item("Namespace", labels=OURS), "it existed before the platform (it has no label gitops-airflow/made)"),
        (item("Namespace", labels={**OURS, MADE: "true"}), ""),
        (item("APIService", version=REGISTRATION, **SERVICE), SERVED_BY),
        (item("APIService", version=REGISTRATION, labels=OURS, **SERVICE), ""),
        (item("APIService", version=REGISTRATION, spec={}), NO_MARK),
        (item("Ingress", version="networking.k8s.io/v1", **SERVICE), NO_MARK),
    ],
)
def test_what_stands_in_the_way_of_an_object(live: Obj | None, reason: str) -> None:
    body = item("Secret") if live is None else live
    metadata = body["metadata"]
    wanted = Target(body["apiVersion"], body["kind"], metadata.get("namespace", ""), metadata["name"], body, "path")
    assert obstacle(Standing(wanted, live), SCOPE) == reason


MINE, FOREIGN = item("Secret", "mine", labels=OURS), item("Secret", "theirs")
DYING, THEIRS_DYING = item("Secret", "dying", labels=OURS, metadata=GOING), item("Secret", "theirs", metadata=GOING)


@pytest.mark.parametrize(
    ("lives", "wishes", "applied", "kept", "refused", "yielded"),
    [
        ([MINE, None], Wishes(), ["mine", "x"], [], [], False),
        ([MINE, FOREIGN], Wishes(), ["mine"], [], [("theirs", NO_MARK)], False),
        ([MINE, FOREIGN], Wishes(keep_foreign=True), ["mine"], [("theirs", NO_MARK)], [], False),
        ([MINE, FOREIGN], Wishes(yield_to=("Secret/theirs",)), [], [("theirs", NO_MARK)], [], True),
        ([MINE, FOREIGN], Wishes(yield_to=("ConfigMap/theirs", "Secret/mine")), ["mine"], [], [("theirs", NO_MARK)], False),
        ([DYING, FOREIGN], Wishes(yield_to=("Secret/theirs",)), [], [("theirs", NO_MARK)], [], True),
        ([MINE, DYING], Wishes(), ["mine"], [], [("dying", "it is being deleted")], False),
        ([DYING], Wishes(keep_foreign=True), [], [], [("dying", "it is being deleted")], False),
        ([THEIRS_DYING], Wishes(), [], [], [("theirs", NO_MARK)], False),
    ],
)
def test_all_objects_are_decided_on_together(
    lives: list[Obj | None],
    wishes: Wishes,
    applied: list[str],
    kept: list[tuple[str, str]],
    refused: list[tuple[str, str]],
    yielded: bool,
) -> None:
    found = plan([Standing(target(live or item("Secret")), live) for live in lives], SCOPE, wishes)
    assert [standing.target.name for standing in found.apply] == applied
    assert [(one.name, reason) for one, reason in found.kept] == kept
    assert [(one.name, reason) for one, reason in found.refused] == refused
    assert found.yielded is yielded


@pytest.mark.parametrize(
    ("count", "reason", "code", "more"),
    [
        (1, "it is being deleted", "being_deleted", ""),
        (6, NO_MARK, "foreign_object", ""),
        (7, NO_MARK, "foreign_object", "; and 1 more"),
    ],
)
def test_a_refusal_names_some_objects(count: int, reason: str, code: str, more: str) -> None:
    refs = [Ref("Secret", "a", f"s{number}") for number in range(count)]
    error = Refused([(one, reason) for one in refs])
    assert error.code == code
    text = "; ".join(f"Secret a/s{number}: {reason}" for number in range(min(count, 6)))
    assert f": {text}{more}." in error.message
    mixed = Refused([(refs[0], "it is being deleted"), (Ref("Secret", "a", "theirs"), NO_MARK)])
    assert mixed.code == "foreign_object"


# Sources of values


NAMING = item("Secret", data={"k": encoded("${src/key}")})


@pytest.mark.parametrize("check", [True, False])
def test_the_values_of_a_secret_are_read(check: bool) -> None:
    api = KubeDouble([item("Secret", "src", data={"key": encoded("value")})])
    assert read_sources(api, [NAMING], "a", ["src", "other"], check) == {"src": {"key": "value"}}
    assert read_sources(api, [item("Secret")], "a", ["src"], check) == {}


def test_a_source_that_does_not_exist() -> None:
    assert read_sources(KubeDouble(), [NAMING], "a", ["src"], True) == {}
    with pytest.raises(CollectionError, match="The Secret a/src, whose values are to be inserted, does not exist") as caught:
        read_sources(KubeDouble(), [NAMING], "a", ["src"], False)
    assert caught.value.code == "missing_secret"
    with pytest.raises(InputError, match="substitute_from names the Secret src, but namespace is empty"):
        read_sources(KubeDouble(), [NAMING], "", ["src"], False)


# Applying


class Waits:
    """In place of the waits: what they were given, and what they find."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, api: KubeDouble, *, waited: bool = True, fails: bool = False) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.api, self.waited, self.fails = api, waited, fails
        monkeypatch.setattr(ownership_apply, "settle", self.settle)
        monkeypatch.setattr(ownership_apply, "await_objects", self.await_objects)

    def settle(self, _api: Any, items: list[Obj], timeout: float, grace: float) -> Settled:
        self.calls.append(("settle", [one["kind"] for one in items], len(self.api.writes), timeout, grace))
        if self.fails:
            raise CollectionError("not done", "", "timeout")
        return Settled([one["kind"] for one in items if self.waited], ["a remark" for _one in items])

    def await_objects(self, _api: Any, collections: tuple[str, ...], timeout: float) -> None:
        self.calls.append(("objects", collections, timeout))


SERVER = [
    item("APIService", version=REGISTRATION, labels=OURS, spec={}),
    item("Deployment", version=APPS, labels=OURS),
    item("Service", labels=OURS),
]
NODES = ("metrics.k8s.io/v1beta1/nodes",)
WAIT = Wishes(wait=True, wait_for_objects=NODES, timeout=9, grace=4)


def test_what_registers_a_service_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    api = KubeDouble()
    waits = Waits(monkeypatch, api)
    done = apply_objects(api, [target(body) for body in SERVER], SCOPE, WAIT, check=False)
    assert [change.target.kind for change in done.changes] == ["Deployment", "Service", "APIService"]
    assert waits.calls == [
        ("settle", ["Deployment", "Service"], 2, 9, 4),
        ("settle", ["APIService"], 3, 9, 4),
        ("objects", NODES, 9),
    ]
    assert (done.settled.waited, done.settled.notices) == (["Deployment", "Service", "APIService"], ["a remark"] * 3)
    assert (done.failure, done.kept, done.yielded) == (None, [], False)


def test_a_stage_without_objects_waits_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    api = KubeDouble()
    waits = Waits(monkeypatch, api)
    apply_objects(api, [target(SERVER[1])], SCOPE, WAIT, check=False)
    assert [call[1] for call in waits.calls if call[0] == "settle"] == [["Deployment"], []]


def test_without_an_open_object_collections_are_not_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    api = KubeDouble()
    waits = Waits(monkeypatch, api, waited=False)
    assert apply_objects(api, [target(SERVER[1])], SCOPE, WAIT, check=False).settled.waited == []
    assert [call[0] for call in waits.calls] == ["settle", "settle"]


@pytest.mark.parametrize(("wishes", "check"), [(WAIT, True), (Wishes(), False)])
def test_there_may_be_no_wait(wishes: Wishes, check: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    api = KubeDouble()
    waits = Waits(monkeypatch, api)
    assert [change.result for change in apply_objects(api, [target(SERVER[1])], SCOPE, wishes, check=check).changes] == ["created"]
    assert waits.calls == []
    assert (api.objects == {}) is check


def test_a_failure_keeps_what_was_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    api = KubeDouble()
    Waits(monkeypatch, api, fails=True)
    done = apply_objects(api, [target(body) for body in SERVER], SCOPE, WAIT, check=False)
    assert done.failure is not None
    assert (done.failure.code, [change.target.kind for change in done.changes]) == ("timeout", ["Deployment", "Service"])
    api.refusals[place(SERVER[0])[1]] = [ApiError(403, "no")]
    done = apply_objects(api, [target(body) for body in SERVER], SCOPE, Wishes(), check=False)
    assert done.failure is not None
    assert (done.failure.code, [change.result for change in done.changes]) == ("forbidden", ["same", "same"])


def test_nothing_is_applied_beside_an_object_of_others() -> None:
    api = KubeDouble([FOREIGN])
    with pytest.raises(Refused) as caught:
        apply_objects(api, [target(item("Secret", "mine")), target(FOREIGN)], SCOPE, Wishes(), check=False)
    assert caught.value.objects == [(ref(FOREIGN), NO_MARK)]
    assert api.writes == []
    done = apply_objects(api, [target(item("Secret", "mine")), target(FOREIGN)], SCOPE, Wishes(keep_foreign=True), check=False)
    assert (done.kept, [change.target.name for change in done.changes]) == ([(ref(FOREIGN), NO_MARK)], ["mine"])
    done = apply_objects(api, [target(FOREIGN)], SCOPE, Wishes(yield_to=("Secret/theirs",)), check=False)
    assert (done.kept, done.yielded, done.changes) == ([(ref(FOREIGN), NO_MARK)], True, [])


def test_objects_are_applied_as_the_collections_manager() -> None:
    managers: list[str] = []

    class Api(KubeDouble):
        def apply(self, path: str, body: Obj, manager: str, *, dry_run: bool = False) -> Obj:
            managers.append(manager)
            return super().apply(path, body, manager, dry_run=dry_run)

    apply_objects(Api(), [target(item("Secret"))], SCOPE, Wishes(), check=False)
    assert managers == [MANAGER]


# What is shown


LONG, EDGE, SHORT = "a-password-of-20-cha", "twelve-chars", "elevenchars"


def test_long_values_of_secrets_are_hidden() -> None:
    bodies = [
        item("Secret", "holds-the-name-of-it", data={"a": encoded(LONG), "b": encoded(SHORT), "c": encoded("the-name-of-it")}),
        item("ConfigMap", data={"a": "a value that may be shown"}),
    ]
    found = secret_values([target(body) for body in bodies], {"src": {"k": EDGE}, "other": {"k": SHORT}})
    assert found == {LONG, EDGE, encoded(LONG), encoded(SHORT), encoded("the-name-of-it")}


def change(body: Obj, before: Obj | None, result: Any) -> Change:
    return Change(target(body), result, before, body)


def test_a_diff_shows_what_changed() -> None:
    made, changed, same = (item("ConfigMap", name, data={"k": "v"}) for name in ("made", "changed", "same"))
    found = change_diff([change(made, None, "created"), change(changed, {**changed, "data": {}}, "changed"), change(same, same, "same")])
    assert {part: list(names) for part, names in found.items()} == {
        "before": ["ConfigMap a/changed"],
        "after": ["ConfigMap a/made", "ConfigMap a/changed"],
    }
    assert found["before"]["ConfigMap a/changed"]["data"] == {}


def test_each_object_has_a_row() -> None:
    body = item("ConfigMap", metadata={"uid": "u"})
    assert change_rows([change(body, None, "created"), change(item("Secret"), None, "same")]) == [
        {"api_version": "v1", "kind": "ConfigMap", "namespace": "a", "name": "x", "uid": "u", "result": "created", "open": ""},
        {"api_version": "v1", "kind": "Secret", "namespace": "a", "name": "x", "uid": "", "result": "same", "open": ""},
    ]
