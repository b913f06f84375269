# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects are deleted and marked, by what the cluster has beside them. Against a server: tests/integration/test_ownership.py."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import MANAGER, marks
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Record, Ref, Scope
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_delete import (
    Deletion,
    Removed,
    mark,
    notices,
    read_scope,
    recorded_objects,
)
from ansible_collections.gitops.airflow.tests.unit.kube_double import KubeDouble, Obj, place

OURS, OLDER, OTHERS = marks("airflow"), {"app.kubernetes.io/part-of": "gitops-airflow"}, marks("beta")
RBAC, CRDS, ARGO = "rbac.authorization.k8s.io/v1", "apiextensions.k8s.io/v1", "argoproj.io/v1alpha1"
WRITTEN = [{"manager": MANAGER}]


def item(kind: str, name: str, namespace: str = "", version: str = "v1", labels: dict[str, str] | None = None, **content: Any) -> Obj:
    metadata: Obj = {"name": name, **({"namespace": namespace} if namespace else {}), **({"labels": labels} if labels else {})}
    if content.pop("written", False):
        metadata["managedFields"] = WRITTEN
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def ref(body: Obj) -> Ref:
    return Ref(body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"], body["apiVersion"])


def record(*objects: Obj, namespace: str = "argocd") -> Record:
    return Record(namespace, "ours", "airflow", "applied", frozenset(map(ref, objects)))


class Clock:
    """Stands still but for sleeps, of which a wait that never ends has too many."""

    def __init__(self) -> None:
        self.now, self.sleeps = 0.0, list[float]()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        assert len(self.sleeps) < 20


def deleted(api: KubeDouble, scope: Scope, *bodies: Obj, check: bool = False) -> Removed:
    clock = Clock()
    return Deletion(api, scope, check=check, clock=clock, sleep=clock.sleep).delete(list(map(ref, bodies)), 1.0)


CRD = item("CustomResourceDefinition", "applications.argoproj.io", version=CRDS, written=True)
WIDGETS = item("CustomResourceDefinition", "widgets.test", version=CRDS, written=True)
ROLE = item("ClusterRole", "argocd-server", version=RBAC, written=True)
APPLICATION = item("Application", "shop", "argocd", ARGO)
OURS_TOO = item("Application", "airflow-core", "argocd", ARGO, OURS)
SUBJECT, GUEST = {"kind": "ServiceAccount", "namespace": "argocd", "name": "a"}, {"kind": "User", "name": "bob"}
IT_IS_BETAS = "it belongs to platform beta"
NO_MARK = "it does not have the labels app.kubernetes.io/part-of=gitops-airflow and gitops-airflow/platform=airflow"


def binding(*subjects: Obj, labels: dict[str, str] | None = None, kind: str = "ClusterRoleBinding", written: bool = True) -> Obj:
    where = "argocd" if kind == "RoleBinding" else ""
    role = {"kind": "ClusterRole", "name": "argocd-server"}
    return item(kind, "argocd-server", where, RBAC, labels, written=written, roleRef=role, subjects=list(subjects))


@pytest.mark.parametrize(
    ("wanted", "others", "reason"),
    [
        (CRD, [], ""),
        (CRD, [OURS_TOO], ""),
        (CRD, [OURS_TOO, APPLICATION], "its objects are still used: Application argocd/shop"),
        (CRD, [item("AppProject", "team", "x", ARGO, OTHERS)], "its objects are still used: AppProject x/team"),
        # Not a CRD of Argo CD.
        (WIDGETS, [APPLICATION], ""),
        (item("ConfigMap", "applications.argoproj.io", "argocd", written=True), [APPLICATION], ""),
        (ROLE, [], ""),
        (ROLE, [binding(written=False)], "it is used by ClusterRoleBinding argocd-server"),
        (ROLE, [binding(labels=OURS)], ""),
        (ROLE, [binding(labels=OTHERS, kind="RoleBinding")], "it is used by RoleBinding argocd/argocd-server"),
        (binding(), [], ""),
        (binding(SUBJECT), [], ""),
        (binding(SUBJECT, GUEST), [], "it gives rights to others: User bob"),
        # Only a binding of the whole cluster that the manifest of Argo CD made.
        (binding(GUEST, labels=OURS), [], ""),
        (binding(GUEST, kind="RoleBinding"), [], ""),
        (binding(labels=OTHERS), [], IT_IS_BETAS),
    ],
)
def test_what_the_record_of_argo_cd_names_is_deleted_unless_others_need_it(wanted: Obj, others: list[Obj], reason: str) -> None:
    api = KubeDouble([wanted, *others])
    done = deleted(api, Scope("airflow", record=record(wanted)), wanted)
    assert (done.removed, done.kept) == (([], [(ref(wanted), reason)]) if reason else ([ref(wanted)], []))
    assert (place(wanted)[1] in api.objects) is bool(reason)


def test_without_a_record_the_mark_decides() -> None:
    found = [item("Secret", "a", "x", labels=OURS), item("Secret", "b", "x", labels=OTHERS), binding(GUEST, labels=OURS)]
    found.append(item("ClusterRoleBinding", "foreign", version=RBAC, subjects=[GUEST]))
    api = KubeDouble(found)
    done = deleted(api, Scope("airflow"), *found)
    assert done.removed == [ref(found[0]), ref(found[2])]
    assert done.kept == [(ref(found[1]), IT_IS_BETAS), (ref(found[3]), NO_MARK)]


# Namespaces

ALL = ["get", "list"]
APIS = {
    "v1": [
        ("pods", "Pod", True, ALL),
        ("pods/log", "Pod", True, ALL),
        ("nodes", "Node", False, ALL),
        ("bindings", "Binding", True, ["create"]),
    ],
    "apps/v1": [("deployments", "Deployment", True, ALL)],
}
MADE = item("Namespace", "etl", labels={**OURS, "gitops-airflow/made": "true"})
OWN_POD, POD = item("Pod", "own", "etl", labels=OURS), item("Pod", "p", "etl")


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ([], ""),
        ([OWN_POD], ""),
        ([OWN_POD, POD], "it holds objects that are not this platform's: Pod etl/p"),
        ([item("Deployment", "d", "etl", "apps/v1")], "it holds objects that are not this platform's: Deployment etl/d"),
        ([item("Pod", "p", "elsewhere")], ""),
    ],
)
def test_a_namespace_is_deleted_if_it_holds_nothing_of_others(contents: list[Obj], reason: str) -> None:
    api = KubeDouble([MADE, *contents], APIS)
    done = deleted(api, Scope("airflow"), MADE)
    assert (done.removed, done.kept) == (([], [(ref(MADE), reason)]) if reason else ([ref(MADE)], []))
    # What is neither in namespaces nor can be listed is not asked for.
    assert not [path for path in api.asked if path.endswith(("/log", "/nodes", "/bindings"))]


@pytest.mark.parametrize(
    ("namespace", "reason"),
    [
        (item("Namespace", "etl", labels=OURS), "it existed before the platform (it has no label gitops-airflow/made)"),
        (item("Namespace", "etl", labels={**OTHERS, "gitops-airflow/made": "true"}), IT_IS_BETAS),
    ],
)
def test_the_contents_of_a_namespace_that_stays_are_not_read(namespace: Obj, reason: str) -> None:
    api = KubeDouble([namespace, POD], APIS)
    assert deleted(api, Scope("airflow"), namespace).kept == [(ref(namespace), reason)]
    assert "/apis" not in api.asked


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/apis/apps/v1", 503, "what it holds of apps/v1 cannot be listed"),
        ("/apis/apps/v1/namespaces/etl/deployments", 503, "what it holds of apps/v1 cannot be listed"),
        # What the account may not list may be another's.
        ("/api/v1/namespaces/etl/pods", 403, "what it holds of pods cannot be listed"),
        # Removed since the groups were listed, and a kind that cannot be listed in spite of its verbs.
        ("/apis/apps/v1", 404, ""),
        ("/apis/apps/v1/namespaces/etl/deployments", 405, ""),
    ],
)
def test_a_namespace_stays_if_its_contents_are_not_known(path: str, status: int, reason: str) -> None:
    api = KubeDouble([MADE], APIS)
    api.errors[path] = status
    done = deleted(api, Scope("airflow"), MADE)
    assert (done.removed, done.kept) == (([], [(ref(MADE), reason)]) if reason else ([ref(MADE)], []))


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v1", 503), ("/apis/apps/v1", 403), ("/api/v1/namespaces/etl/pods", 404)],
)
def test_a_namespace_that_cannot_be_read_is_an_error(path: str, status: int) -> None:
    api = KubeDouble([MADE], APIS)
    api.errors[path] = status
    with pytest.raises(ApiError):
        deleted(api, Scope("airflow"), MADE)
    assert api.writes == []


def test_what_the_account_may_not_read_is_named_and_not_deleted() -> None:
    own, hidden = item("Secret", "s", "x", labels=OURS), item("Secret", "t", "x", labels=OURS)
    api = KubeDouble([own, hidden], APIS)
    api.errors["/api/v1/namespaces/x/secrets/t"] = 403
    refs = [ref(own), ref(hidden)]
    with pytest.raises(ApiError):
        Deletion(api, Scope("airflow")).delete(refs, 0)
    assert api.writes == []
    skipping = Deletion(api, Scope("airflow"), skip_unreadable=True)
    done = skipping.delete(refs, 0)
    assert (done.removed, done.kept, done.unseen) == ([ref(own)], [], [ref(hidden)])
    (line,) = notices(done, "if_removed")
    assert line.startswith("Secret x/t: not looked for, because this account may not read them.")
    api.errors["/api/v1/namespaces/x/secrets/t"] = 500
    with pytest.raises(ApiError):
        skipping.delete(refs, 0)


# The wait


SECRET = item("Secret", "s", "x", labels=OURS)


def test_a_check_deletes_nothing() -> None:
    api = KubeDouble([SECRET])
    done = deleted(api, Scope("airflow"), SECRET, check=True)
    assert (done.removed, done.left, api.writes) == ([ref(SECRET)], [], [])


def test_the_wait_ends_with_the_last_object() -> None:
    api, clock = KubeDouble([SECRET]), Clock()
    done = Deletion(api, Scope("airflow"), clock=clock, sleep=clock.sleep).delete([ref(SECRET)], 5)
    assert (done.removed, done.left, clock.sleeps) == ([ref(SECRET)], [], [])


def test_what_is_still_there_at_the_end_of_the_wait_is_named() -> None:
    api, clock = KubeDouble([SECRET]), Clock()
    api.held = {place(SECRET)[1]}
    done = Deletion(api, Scope("airflow"), clock=clock, sleep=clock.sleep).delete([ref(SECRET)], 1)
    assert (done.left, clock.sleeps) == ([ref(SECRET)], [0.5, 0.5])


def test_an_object_made_anew_is_another_one() -> None:
    api, clock = KubeDouble([SECRET]), Clock()
    api.held = {place(SECRET)[1]}

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        api.put(SECRET, "new")

    done = Deletion(api, Scope("airflow"), clock=clock, sleep=sleep).delete([ref(SECRET)], 5)
    assert (done.left, clock.sleeps) == ([], [0.5])


def test_an_object_that_is_replaced_before_its_deletion_is_not_removed() -> None:
    api = KubeDouble([SECRET])
    read = api.metadata

    def then_replaced(path: str) -> Obj | None:
        found = read(path)
        api.put(SECRET, "new")
        return found

    api.metadata = then_replaced  # type: ignore[method-assign]
    assert deleted(api, Scope("airflow"), SECRET).removed == []
    assert place(SECRET)[1] in api.objects


# Argo CD


def test_an_argo_cd_goes_from_its_workloads_to_its_crds() -> None:
    deployment, configuration = item("Deployment", "argocd-server", "argocd", "apps/v1"), item("ConfigMap", "argocd-cm", "argocd")
    wanted = [deployment, configuration, binding(), ROLE, CRD]
    last = [Ref("Secret", "argocd", name, "v1") for name in ("argocd-initial-admin-secret", "argocd-redis")]
    last.append(Ref("ConfigMap", "argocd", "argocd-installed", "v1"))
    found = recorded_objects(Scope("airflow", record=record(*reversed(wanted))), [])
    assert found == [ref(configuration), *map(ref, (deployment, binding(), ROLE, CRD)), *last]
    older = Scope("airflow", record=Record("argocd", "ours", "airflow", "applied", None))
    assert recorded_objects(older, [ref(CRD), ref(deployment)]) == [ref(deployment), ref(CRD), *last]
    assert recorded_objects(Scope("airflow", record=record()), [ref(CRD)]) == last
    assert recorded_objects(Scope("airflow"), [ref(CRD)]) == []


@pytest.mark.parametrize(
    ("labels", "older", "found"),
    [(OURS, False, True), (OURS, True, True), (OLDER, True, True), (OLDER, False, False), (OTHERS, True, False), ({"a": "b"}, True, False)],
)
def test_the_record_of_another_platform_does_not_count(labels: dict[str, str], older: bool, found: bool) -> None:
    api = KubeDouble([item("ConfigMap", "argocd-installed", "argo", labels=labels, data={"objects": "[]"})])
    scope = read_scope(api, "airflow", "airflow-core", older, "argo")
    assert (scope.platform, scope.application, scope.older) == ("airflow", "airflow-core", older)
    assert ((scope.record.namespace, scope.record.objects) if scope.record else None) == (("argo", frozenset()) if found else None)


def test_there_may_be_no_record() -> None:
    api = KubeDouble()
    assert read_scope(api, "airflow", "", False, "argo").record is None
    api.asked.clear()
    assert read_scope(api, "airflow", "", False, "").record is None
    assert api.asked == []
    api.errors["/api/v1/namespaces/argo/configmaps/argocd-installed"] = 403
    with pytest.raises(ApiError):
        read_scope(api, "airflow", "", False, "argo")


# Marks


def generated(labels: dict[str, str] | None, name: str = "airflow-generated", kind: str = "Secret") -> Obj:
    return item(kind, name, "core", labels=labels)


@pytest.mark.parametrize(
    ("body", "marked", "kept"),
    [
        (item("Secret", "s", "core", labels=OLDER), True, ""),
        (item("Secret", "s", "core", labels=OURS), False, ""),
        (item("Secret", "s", "core", labels=OTHERS), False, IT_IS_BETAS),
        (item("Secret", "s", "core"), False, NO_MARK),
        # Restored from a backup.
        (generated(None), True, ""),
        (generated({"team": "a"}), True, ""),
        (generated(OLDER), True, ""),
        (generated(OURS), False, ""),
        (generated(OTHERS), False, IT_IS_BETAS),
        (generated({"gitops-airflow/platform": "airflow"}), False, NO_MARK),
        (generated(None, kind="ConfigMap"), False, NO_MARK),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_objects_of_an_older_platform_get_the_mark(body: Obj, marked: bool, kept: str, check: bool) -> None:
    api = KubeDouble([body])
    # Named twice, beside one that does not exist and one of a kind that is not served.
    refs = [ref(body), ref(body), Ref("Secret", "core", "none", "v1"), Ref("Cat", "core", "c", "none.test/v1")]
    found = mark(api, "airflow", refs, check)
    assert found == ([ref(body)] if marked else [], [(ref(body), kept)] if kept else [])
    path = place(body)[1]
    assert api.writes == ([f"patch {path}"] if marked and not check else [])
    labels = body["metadata"].get("labels") or {}
    assert (api.objects[path]["metadata"].get("labels") or {}) == ({**labels, **OURS} if marked and not check else labels)
