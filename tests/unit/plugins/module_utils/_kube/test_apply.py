# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an apply does to an object, by what the cluster has and what the server answers. Against a server: tests/integration."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.apply import Apply, Change, Target, targets
from ansible_collections.gitops.airflow.tests.unit.kube_double import KubeDouble, Obj, place

MANAGER = "me"


def item(kind: str, name: str = "x", version: str = "v1", namespace: str = "", **content: Any) -> Obj:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}, **content}


def applied(body: Obj) -> Obj:
    """As it is after an apply of its data by this manager."""
    fields: Obj = {"f:data": {f"f:{key}": {} for key in body["data"]}}
    entry = {"manager": MANAGER, "operation": "Apply", "apiVersion": body["apiVersion"], "fieldsV1": fields}
    return {**body, "metadata": {**body["metadata"], "managedFields": [entry]}}


MAP = item("ConfigMap", namespace="a", data={"k": "v"})
JOB = item("Job", version="batch/v1", namespace="a", spec={"backoffLimit": 1})
FAILED = {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}
PATH, JOB_PATH = place(MAP)[1], place(JOB)[1]


class Clock:
    """Stands still but for sleeps. ``then`` is called after each."""

    def __init__(self) -> None:
        self.now, self.sleeps = 0.0, 0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        self.now = round(self.now + seconds, 3)
        assert self.sleeps < 1000


def change(api: KubeDouble, body: Obj, clock: Clock | None = None, *, new_kind: bool = False, **options: Any) -> Change:
    metadata = body["metadata"]
    target = Target(body["apiVersion"], body["kind"], metadata.get("namespace", ""), metadata["name"], body, place(body)[1], new_kind)
    clock = clock or Clock()
    apply = Apply(api, MANAGER, clock=clock, sleep=clock.sleep, **{"timeout": 5.0, **options})
    (standing,) = apply.read([target])
    return apply.change(standing)


@pytest.mark.parametrize(
    ("live", "result", "written"),
    [
        (None, "created", True),
        (applied(MAP), "same", False),
        (applied({**MAP, "data": {"k": "other"}}), "changed", True),
        # Nothing says who applied it, so the server decides.
        (MAP, "same", True),
        ({**MAP, "data": {"k": "other"}}, "changed", True),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_becomes_of_an_object(live: Obj | None, result: str, written: bool, check: bool) -> None:
    api = KubeDouble([live] if live else [])
    found = change(api, MAP, check=check)
    assert (found.result, found.after["data"]) == (result, {"k": "v"})
    assert (found.before is None) is (live is None)
    assert api.writes == ([f"{'dry ' if check else ''}apply {PATH}"] if written else [])


@pytest.mark.parametrize(
    ("body", "live", "recreate", "result"),
    [
        (JOB, {**JOB, **FAILED}, True, "recreated"),
        (JOB, {**JOB, **FAILED}, False, "same"),
        (JOB, JOB, True, "same"),
        (JOB, {**JOB, "status": {"conditions": [{"type": "Failed", "status": "False"}]}}, True, "same"),
        (JOB, None, True, "created"),
        (item("Deployment", version="apps/v1", namespace="a"), FAILED, True, "same"),
    ],
)
def test_a_failed_job_is_made_anew(body: Obj, live: Obj | None, recreate: bool, result: str) -> None:
    api = KubeDouble([{**body, **live}] if live is not None else [])
    assert change(api, body, recreate=recreate).result == result
    assert (f"delete {place(body)[1]}" in api.writes) is (result == "recreated")


def test_in_a_check_a_job_stays() -> None:
    api = KubeDouble([{**JOB, **FAILED}])
    assert change(api, JOB, recreate=True, check=True).result == "recreated"
    assert api.writes == []


FIXED = ("spec.template",)


def refusal(status: int, fields: tuple[str, ...]) -> ApiError:
    error = ApiError(status, "no")
    error.fields = fields
    return error


@pytest.mark.parametrize(
    ("body", "recreate", "status", "fields", "anew"),
    [
        (JOB, True, 422, FIXED, True),
        (JOB, True, 422, ("spec.template", "spec.selector"), True),
        (JOB, True, 422, ("spec.template", "spec.parallelism"), False),
        (JOB, True, 422, (), False),
        (JOB, True, 409, FIXED, False),
        (JOB, False, 422, FIXED, False),
        (item("Deployment", version="apps/v1", namespace="a"), True, 422, FIXED, False),
    ],
)
def test_a_job_whose_fixed_fields_differ_is_made_anew(body: Obj, recreate: bool, status: int, fields: tuple[str, ...], anew: bool) -> None:
    api, path = KubeDouble([body]), place(body)[1]
    api.refusals[path] = [refusal(status, fields)]
    if anew:
        assert change(api, body, recreate=recreate).result == "recreated"
        assert api.writes == [f"apply {path}", f"delete {path}", f"apply {path}"]
        return
    with pytest.raises(ApiError):
        change(api, body, recreate=recreate)
    assert api.writes == [f"apply {path}"]


def test_a_job_that_does_not_exist_and_is_refused_is_an_error() -> None:
    api = KubeDouble()
    api.refusals[JOB_PATH] = [refusal(422, FIXED)]
    with pytest.raises(ApiError):
        change(api, JOB, recreate=True)


@pytest.mark.parametrize("replaced", [True, False])
def test_a_job_that_a_finalizer_holds(replaced: bool) -> None:
    api, clock = KubeDouble([{**JOB, **FAILED}]), Clock()
    api.held = {JOB_PATH}
    if replaced:
        read = api.metadata

        def then_replaced(path: str) -> Obj | None:
            found = read(path)
            api.put(JOB, "other")
            return found

        api.metadata = then_replaced  # type: ignore[method-assign]
        assert change(api, JOB, clock, recreate=True).result == "recreated"
        assert clock.now == 0.2
        return
    with pytest.raises(CollectionError) as caught:
        change(api, JOB, clock, recreate=True)
    assert (caught.value.code, clock.now) == ("not_deleted", 5.0)


NOT_FOUND = ApiError(404, "not found")
SPACE = "/api/v1/namespaces/a"


@pytest.mark.parametrize(
    ("check", "live", "new_kind", "namespace", "status", "created"),
    [
        (True, False, True, True, 404, True),
        (True, False, False, False, 404, True),
        (True, False, False, True, 404, False),
        (True, False, True, False, 403, False),
        (True, True, True, False, 404, False),
        (False, False, False, False, 404, False),
    ],
)
def test_in_a_check_the_namespace_or_kind_need_not_exist(
    check: bool, live: bool, new_kind: bool, namespace: bool, status: int, created: bool
) -> None:
    api = KubeDouble([*([{**MAP, "data": {}}] if live else []), *([item("Namespace", "a")] if namespace else [])])
    api.refusals[PATH] = [ApiError(status, "no")] * 500
    if created:
        assert change(api, MAP, check=check, new_kind=new_kind).result == "created"
        return
    with pytest.raises(ApiError):
        change(api, MAP, check=check, new_kind=new_kind)


def test_an_object_without_a_namespace_lacks_none() -> None:
    body = item("ClusterRole", version="rbac.authorization.k8s.io/v1")
    api = KubeDouble()
    api.refusals[place(body)[1]] = [NOT_FOUND]
    with pytest.raises(ApiError):
        change(api, body, check=True)


def test_a_namespace_is_looked_up_once() -> None:
    api, bodies = KubeDouble(), [MAP, item("ConfigMap", "y", namespace="a", data={})]
    found = [Target("v1", "ConfigMap", "a", body["metadata"]["name"], body, place(body)[1]) for body in bodies]
    api.refusals = {target.path: [NOT_FOUND] for target in found}
    apply = Apply(api, MANAGER, check=True)
    assert [apply.change(standing).result for standing in apply.read(found)] == ["created", "created"]
    assert api.asked.count(SPACE) == 1


@pytest.mark.parametrize(
    ("new_kind", "live", "check", "refusals", "seconds", "done"),
    [
        (True, False, False, [NOT_FOUND] * 3, 0.6, True),
        (True, False, False, [NOT_FOUND] * 500, 30.0, False),
        (True, False, False, [NOT_FOUND, ApiError(403, "no")], 0.2, False),
        (False, False, False, [NOT_FOUND], 0, False),
        (True, True, False, [NOT_FOUND], 0, False),
    ],
)
def test_the_kind_of_a_new_crd_is_awaited(
    new_kind: bool, live: bool, check: bool, refusals: list[ApiError], seconds: float, done: bool
) -> None:
    api, clock = KubeDouble([{**MAP, "data": {}}] if live else []), Clock()
    api.refusals[PATH] = list(refusals)
    if done:
        assert change(api, MAP, clock, new_kind=new_kind, check=check).result == "created"
    else:
        with pytest.raises(ApiError):
            change(api, MAP, clock, new_kind=new_kind, check=check)
    assert clock.now == seconds


def test_a_check_does_not_wait_for_a_new_kind() -> None:
    api, clock = KubeDouble(), Clock()
    api.refusals[PATH] = [NOT_FOUND]
    assert change(api, MAP, clock, new_kind=True, check=True).result == "created"
    assert clock.now == 0


# Places


CRD = item(
    "CustomResourceDefinition",
    "cats.test",
    "apiextensions.k8s.io/v1",
    spec={"group": "test", "scope": "Namespaced", "names": {"kind": "Cat", "plural": "cats"}},
)


def test_objects_get_their_places() -> None:
    bodies = [
        item("Cat", version="test/v1"),
        item("ConfigMap"),
        item("ConfigMap", namespace="own"),
        item("ClusterRole", version="rbac.authorization.k8s.io/v1", namespace="ignored"),
        CRD,
    ]
    found = targets(bodies, KubeDouble(), "a")
    assert [(target.path, target.namespace, target.body["metadata"].get("namespace"), target.new_kind) for target in found] == [
        ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/cats.test", "", None, False),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles/x", "", None, False),
        ("/api/v1/namespaces/a/configmaps/x", "a", "a", False),
        ("/api/v1/namespaces/own/configmaps/x", "own", "own", False),
        ("/apis/test/v1/namespaces/a/cats/x", "a", "a", True),
    ]


@pytest.mark.parametrize(
    ("bodies", "code", "words"),
    [
        ([item("Cat", version="test/v1", namespace="a")], "unknown_kind", "does not serve the kind Cat of test/v1"),
        ([item("ConfigMap")], "bad_definition", "ConfigMap x names no namespace"),
        ([MAP, MAP], "bad_definition", "ConfigMap a/x is declared twice"),
    ],
)
def test_what_has_no_place_is_refused(bodies: list[Obj], code: str, words: str) -> None:
    with pytest.raises(CollectionError, match=words) as caught:
        targets(bodies, KubeDouble())
    assert caught.value.code == code
