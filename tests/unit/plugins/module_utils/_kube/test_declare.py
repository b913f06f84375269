# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared object whose API server refuses, conflicts or holds it. Against a server: tests/integration/test_argocd_declared.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import (
    TRIES,
    Declared,
    Place,
    content,
    declare,
    remove,
    remove_owned,
    update,
)
from ansible_collections.gitops.airflow.tests.unit.kube_double import KubeDouble

Obj = dict[str, Any]
PLACE = Place("v1", "ConfigMap", "configmaps", "argocd", "a/b")


class Server:
    """One object. Each read finds what another writer has made of it; ``refusals`` are the answers to the first writes."""

    def __init__(self, item: Obj | None, *refusals: int) -> None:
        self.item, self.refusals, self.version = item, list(refusals), 0
        self.written: list[tuple[Obj, Obj]] = []
        self.deleted: list[str] = []

    def get(self, path: str) -> Obj:
        assert path == "/api/v1/namespaces/argocd/configmaps/a%2Fb"
        if self.item is None:
            raise ApiError(404, "not found")
        self.version += 1
        metadata = {**self.item.get("metadata", {}), "resourceVersion": str(self.version), "uid": "u"}
        return {**self.item, "metadata": metadata}

    find = KubeApi.find

    def apply(self, _path: str, body: Obj, manager: str, *, dry_run: bool = False) -> Obj:
        self.written.append((body, {"manager": manager, "dry_run": dry_run}))
        if self.refusals:
            raise ApiError(self.refusals.pop(0), "refused")
        return body

    def patch(self, path: str, body: Obj, query: Obj) -> Obj:
        return self.apply(path, body, query["fieldManager"], dry_run="dryRun" in query)

    def delete(self, path: str, uid: str) -> bool:
        self.deleted.append(uid)
        return True


def api(item: Obj | None, *refusals: int) -> tuple[Server, KubeApi]:
    server = Server(item, *refusals)
    return server, cast(KubeApi, server)


def body(found: Obj | None) -> Obj:
    return PLACE.body({"labels": {"seen": str(found is not None)}}, data={"key": "value"})


def nap(_seconds: float) -> None:
    pass


def test_only_what_is_declared_is_compared() -> None:
    kept = {"managedFields": [1], "resourceVersion": "1", "uid": "u", "generation": 2, "creationTimestamp": "t", "annotations": {}}
    item = {"metadata": {"name": "a", **kept}, "spec": {}, "status": {"x": 1}, "operation": {}}
    assert content(item) == {"metadata": {"name": "a"}, "spec": {}}
    assert content(None) == {}


def test_a_conflict_is_computed_anew() -> None:
    server, client = api({}, 409, 409)
    done = declare(client, PLACE, body, False, nap)
    assert [item["metadata"]["resourceVersion"] for item, _query in server.written] == ["1", "2", "3"]
    assert server.written[0][1] == {"manager": "gitops.airflow", "dry_run": False}
    assert done.changed
    server, client = api({"data": {"n": "0"}}, 409)
    update(client, PLACE, lambda found: {"data": (found or {})["data"]}, True, nap)
    assert server.written[-1][0] == {"data": {"n": "0"}, "metadata": {"resourceVersion": "2"}}
    assert server.written[-1][1] == {"manager": "gitops.airflow", "dry_run": True}


def applied(client: KubeApi, check: bool = False) -> Declared:
    return declare(client, PLACE, body, check, nap)


def patched(client: KubeApi, check: bool = False) -> Declared:
    return update(client, PLACE, lambda _found: {"data": {}}, check, nap)


@pytest.mark.parametrize("change", [applied, patched])
def test_others_who_never_stop_are_named(change: Callable[[KubeApi], Declared]) -> None:
    with pytest.raises(CollectionError, match="others changed it") as refused:
        change(api({}, *[409] * TRIES)[1])
    assert refused.value.code == "conflict"


@pytest.mark.parametrize("change", [applied, patched])
def test_a_missing_namespace_is_named_but_not_in_a_check(change: Callable[[KubeApi, bool], Declared]) -> None:
    assert change(api(None, 404)[1], True).changed
    with pytest.raises(CollectionError) as refused:
        change(api(None, 404)[1], False)
    assert refused.value.code == "no_argocd"


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_refusal_is_passed_on(status: int) -> None:
    with pytest.raises(ApiError):
        applied(api({}, status)[1])
    with pytest.raises(ApiError):
        patched(api({}, status)[1])


def test_nothing_is_written_where_nothing_is_to_be_changed() -> None:
    server, client = api({})
    assert not update(client, PLACE, lambda _found: None, False, nap).changed
    assert server.written == []


def test_an_object_that_is_being_deleted_is_refused() -> None:
    server, client = api({"metadata": {"deletionTimestamp": "2026-05-04T10:00:00Z"}})
    with pytest.raises(CollectionError, match="is being deleted since 2026-05-04"):
        declare(client, PLACE, body, False, nap)
    assert server.written == []


def test_a_deletion_waits_for_finalizers() -> None:
    conditions = [{"type": "DeletionError", "message": "cluster is away"}]
    held = {"metadata": {"finalizers": ["example.com/hold"]}, "status": {"conditions": conditions}}
    server, client = api(held)
    times = iter(range(100))

    def clock() -> float:
        return float(next(times))

    with pytest.raises(CollectionError) as refused:
        remove(client, PLACE, server.get(PLACE.path), False, 3, clock, nap)
    assert str(refused.value) == (
        "ConfigMap argocd/a/b is still there 3 s after its deletion was requested. Its finalizers: example.com/hold. cluster is away"
    )
    assert server.deleted == ["u"]

    def gone(_seconds: float) -> None:
        server.item = None

    remove(client, PLACE, server.get(PLACE.path), False, 3, clock, gone)
    remove(client, PLACE, {"metadata": {"uid": "u"}}, True, 3, clock, nap)
    assert server.deleted == ["u", "u"]


def test_what_is_declared_of_an_object() -> None:
    kept = {"labels": {"a": "b"}, "name": "x"}
    volatile = {"uid": "u", "generation": 2, "managedFields": [{}], "resourceVersion": "1", "creationTimestamp": "now"}
    item = {"kind": "X", "metadata": {**kept, **volatile, "annotations": {}}, "spec": {}, "status": {"a": 1}, "operation": {"sync": {}}}
    assert content(item) == {"kind": "X", "metadata": kept, "spec": {}}
    assert content({"kind": "X"}) == {"kind": "X", "metadata": {}}
    assert content(None) == {}


@pytest.mark.parametrize(
    ("version", "path"),
    [("v1", "/api/v1/namespaces/a/xs/b%2Fc"), ("apps/v1", "/apis/apps/v1/namespaces/a/xs/b%2Fc")],
)
def test_where_an_object_is(version: str, path: str) -> None:
    place = Place(version, "X", "xs", "a", "b/c")
    assert (place.path, str(place)) == (path, "X a/b/c")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({}, "requested."),
        ({"metadata": {"finalizers": ["a", "b"]}}, "requested. Its finalizers: a, b."),
        ({"status": {"conditions": [{"type": "DeletionError", "message": "away"}, {"type": "Ready", "message": "no"}]}}, "requested. away"),
        ({"status": {"conditions": [{"type": "DeletionError"}, {"message": "no type"}]}}, "requested."),
    ],
)
def test_what_holds_an_object(held: Obj, words: str) -> None:
    server, client = api(held)
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        assert now[0] < 10

    with pytest.raises(CollectionError) as refused:
        remove(client, PLACE, server.get(PLACE.path), False, 0.6, lambda: now[0], sleep)
    assert (refused.value.code, str(refused.value).partition("deletion was ")[2].strip()) == ("not_deleted", words)
    assert round(now[0], 1) == 0.6


def test_an_object_made_anew_is_not_awaited() -> None:
    _server, client = api({})
    remove(client, PLACE, {"metadata": {"uid": "earlier"}}, False, 3, lambda: 0.0, lambda _seconds: pytest.fail("no wait"))


@pytest.mark.parametrize(
    ("labels", "adopt", "check", "removed", "reason"),
    [
        (marks("airflow"), False, False, True, ""),
        (marks("airflow"), False, True, False, ""),
        ({"app.kubernetes.io/part-of": "gitops-airflow"}, True, False, True, ""),
        ({"app.kubernetes.io/part-of": "gitops-airflow"}, False, False, False, "it has no label gitops-airflow/platform"),
        (marks("beta"), True, False, False, "it belongs to platform beta"),
    ],
)
def test_only_what_the_platform_owns_is_removed(labels: dict[str, str], adopt: bool, check: bool, removed: bool, reason: str) -> None:
    path, double = "/api/v1/namespaces/argocd/configmaps/x", KubeDouble()
    double.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "argocd", "labels": labels}}, "u")
    place = Place("v1", "ConfigMap", "configmaps", "argocd", "x")
    found, why = remove_owned(double, place, "airflow", adopt, check, 1)
    assert found
    assert (path not in double.objects, why) == (removed, f"ConfigMap argocd/x stays: {reason}" if reason else "")
    assert remove_owned(KubeDouble(), place, "airflow", adopt, check, 1) == (None, "")


def test_an_object_that_another_run_creates_meanwhile_is_an_error() -> None:
    with pytest.raises(ApiError) as refused:
        applied(api(None, 409)[1])
    assert refused.value.status == 409
