# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H1, H2, H7: which writes of an audit log count as foreign. Entries as kube-apiserver writes them at level RequestResponse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.cluster.audit import Cluster, Key, Obj, Write, judge

ME, ARGOCD = "system:serviceaccount:default:playbook", "system:serviceaccount:argocd:argocd-application-controller"
MARK = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "one"}
OTHER = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "two"}
KINDS = {
    "applications": ("argoproj.io", "Application"),
    "appprojects": ("argoproj.io", "AppProject"),
    "clusterroles": ("rbac.authorization.k8s.io", "ClusterRole"),
    "deployments": ("apps", "Deployment"),
    "replicasets": ("apps", "ReplicaSet"),
    "pods": ("", "Pod"),
    "secrets": ("", "Secret"),
    "configmaps": ("", "ConfigMap"),
    "namespaces": ("", "Namespace"),
    "events": ("", "Event"),
    "selfsubjectaccessreviews": ("authorization.k8s.io", "SelfSubjectAccessReview"),
    "tokenreviews": ("authentication.k8s.io", "TokenReview"),
}


def obj(resource: str, name: str, namespace: str = "", **metadata: Any) -> Obj:
    more = metadata.pop("more", {})
    place = {"namespace": namespace} if namespace else {}
    group, kind = KINDS[resource]
    version = f"{group}/v1" if group else "v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "uid": f"uid-{name}", **place, **metadata}, **more}


def entry(
    verb: str, resource: str, name: str, namespace: str = "", answer: Any = "", part: str = "", code: int = 0, query: str = "", **more: Any
) -> Obj:
    """An audit entry; ``answer`` is the answered object, its metadata, or None for none."""
    ref = {"resource": resource, "name": name, "namespace": namespace, "apiGroup": KINDS.get(resource, ("", ""))[0], "subresource": part}
    made: Obj = {
        "kind": "Event",
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": ME},
        "requestURI": f"/{resource}{query}",
        "objectRef": {key: value for key, value in ref.items() if value},
        "responseStatus": {"code": code or (201 if verb == "create" else 200)},
        "stageTimestamp": "2026-01-01T00:00:00.000000Z",
    }
    if answer == "":
        answer = {}
    if isinstance(answer, dict) and "kind" not in answer and "items" not in answer:
        answer = obj(resource, name, namespace, **answer)
    return {**made, **({"responseObject": answer} if answer is not None else {}), **more}


def status(name: str) -> Obj:
    """What a DELETE of an object without finalizers is answered with."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": {"name": name, "uid": f"uid-{name}"}}


def judged(*entries: Obj, before: Any = None) -> list[Write]:
    cluster = Cluster("one", before)
    return list(judge(entries, cluster, lambda user: user == ME or user.startswith("system:serviceaccount:argocd:")))


def verdicts(*entries: Obj, before: Any = None) -> list[str]:
    return [write.why or write.ours or write.exempt for write in judged(*entries, before=before)]


def dump(resource: str, *objects: Obj) -> dict[str, dict[str, Obj]]:
    group = KINDS[resource][0]
    key = f"{resource}.{group}" if group else resource
    return {key: {f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item for item in objects}}


TAKEN_OVER = "the object was there before without the mark, and was taken over"
THERE = "the object was there before without the mark"
MADE = "the object was made without the mark"
UNSHOWN = "the log does not show the object's labels"
UNKNOWN = "the state before the write, which may have set the mark, is not in the log"
BARE = "the object has no mark"


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (entry("create", "configmaps", "a", "n", {"labels": MARK}), "mark"),
        (entry("create", "configmaps", "a", "n"), MADE),
        (entry("create", "configmaps", "a", "n", {"labels": OTHER}), MADE),
        (entry("create", "configmaps", "a", "n", {"labels": {"app.kubernetes.io/part-of": "gitops-airflow"}}), MADE),
        # A server-side apply that makes the object.
        (entry("patch", "configmaps", "a", "n", {"labels": MARK}, code=201), "mark"),
        # One that changes it: the mark may be new.
        (entry("patch", "configmaps", "a", "n", {"labels": MARK}), UNKNOWN),
        (entry("update", "configmaps", "a", "n", {"labels": MARK}), UNKNOWN),
        (entry("update", "configmaps", "a", "n"), BARE),
        (entry("patch", "configmaps", "a", "n", None), UNSHOWN),
        # The status cannot change labels.
        (entry("patch", "deployments", "a", "n", {"labels": MARK}, part="status"), "mark"),
        (entry("update", "deployments", "a", "n", part="status"), BARE),
        # Answered with what is not the object.
        (entry("patch", "deployments", "a", "n", {"kind": "Scale", "metadata": {"name": "a", "labels": MARK}}, part="scale"), UNSHOWN),
        (entry("create", "pods", "a", "n", status("a"), part="binding"), UNSHOWN),
        (entry("create", "pods", "a", "n", status("a"), part="eviction"), UNSHOWN),
        (entry("create", "pods", "a", "n", None, part="attach"), UNSHOWN),
        # With a finalizer or a grace period the object itself is the answer.
        (entry("delete", "pods", "a", "n", {"labels": MARK}), "mark"),
        (entry("delete", "pods", "a", "n"), BARE),
        (entry("delete", "secrets", "a", "n", status("a")), UNSHOWN),
        # Exempt by name, and by nothing else.
        (entry("create", "selfsubjectaccessreviews", ""), "access review"),
        (entry("create", "tokenreviews", ""), "access review"),
        (entry("create", "selfsubjectaccessreviews", "a", "n", objectRef={"resource": "tokenreviews", "name": "a"}), MADE),
        (entry("create", "pods", "a", "n", None, part="exec"), "exec"),
        (entry("create", "pods", "a", "n", None, part="portforward"), "port-forward"),
        (entry("create", "events", "a", "n", obj("events", "a", "n", more={"involvedObject": {"uid": "uid-other"}})), MADE),
        (entry("create", "secrets", "argocd-redis", "argocd"), MADE),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(filter(None, [value["verb"], value["objectRef"].get("subresource")])),
)  # fmt: skip
def test_one_write(write: Obj, expected: str) -> None:
    assert verdicts(write) == [expected]


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (entry("patch", "deployments", "theirs", "argocd", {"labels": MARK}), TAKEN_OVER),
        (entry("update", "deployments", "theirs", "argocd", {"labels": MARK}), TAKEN_OVER),
        (entry("patch", "deployments", "theirs", "argocd"), THERE),
        (entry("patch", "deployments", "theirs", "argocd", {"labels": MARK}, part="status"), THERE),
        (entry("delete", "deployments", "theirs", "argocd", status("theirs")), THERE),
        (entry("delete", "deployments", "theirs", "argocd", {"labels": MARK}), THERE),
        (entry("patch", "deployments", "theirs", "argocd", None, part="scale"), THERE),
        (entry("delete", "deployments", "theirs", "argocd", status("theirs"), code=500), THERE),
        (entry("delete", "deployments", "two", "argocd", status("two")), THERE),
        (entry("delete", "deployments", "ours", "argocd", status("ours")), "mark"),
        (entry("patch", "deployments", "ours", "argocd", None, part="scale"), "mark"),
        (entry("patch", "deployments", "ours", "argocd", None), "mark"),
        # Taking the mark off harms no one.
        (entry("patch", "deployments", "ours", "argocd"), "mark"),
    ],
)
def test_a_write_to_what_was_there_before(write: Obj, expected: str) -> None:
    """H1, H2: also where the write itself brings the mark."""
    theirs, ours, two = (
        obj("deployments", name, "argocd", labels=labels) for name, labels in (("theirs", {}), ("ours", MARK), ("two", OTHER))
    )
    assert verdicts(write, before=dump("deployments", theirs, ours, two)) == [expected]


@pytest.mark.parametrize(
    "write",
    [
        entry("get", "secrets", "a", "n"),
        entry("watch", "secrets", "", "n"),
        entry("create", "secrets", "a", "n", status("a"), code=409),
        entry("patch", "secrets", "a", "n", status("a"), code=403),
        entry("delete", "secrets", "a", "n", status("a"), code=404),
        entry("patch", "secrets", "a", "n", query="?dryRun=All&fieldManager=x"),
        entry("create", "secrets", "a", "n", stage="RequestReceived"),
        entry("create", "secrets", "a", "n", user={"username": "kubernetes-admin"}),
        entry("create", "secrets", "a", "n", user={"username": "system:serviceaccount:argocd-of-others:argocd-server"}),
    ],
)
def test_what_is_no_write_of_ours(write: Obj) -> None:
    assert judged(write) == []


def test_a_refused_write_teaches_nothing() -> None:
    refused = entry("create", "configmaps", "a", "n", {"labels": MARK}, code=409)
    assert verdicts(refused, entry("delete", "configmaps", "a", "n", status("a"))) == [UNSHOWN]


def test_a_deletion_is_judged_by_the_state_before() -> None:
    made = entry("create", "secrets", "a", "n", {"labels": MARK}), entry("create", "secrets", "b", "n")
    gone = entry("delete", "secrets", "a", "n", status("a")), entry("delete", "secrets", "b", "n", status("b"))
    assert verdicts(*made, *gone) == ["mark", MADE, "mark", THERE]
    # What was made anew is another object.
    assert verdicts(made[0], gone[0], entry("create", "secrets", "a", "n"), gone[0]) == ["mark", "mark", MADE, THERE]
    assert verdicts(gone[0], made[0], gone[0], gone[0], before=dump("secrets", obj("secrets", "a", "n"))) == [
        THERE,
        "mark",
        "mark",
        UNSHOWN,
    ]


def test_an_apply_that_changes_nothing_is_idle() -> None:
    """It is a write all the same: to an object of others it is foreign."""
    made = entry("create", "secrets", "a", "n", {"labels": MARK, "resourceVersion": "7"})
    same = entry("patch", "secrets", "a", "n", {"labels": MARK, "resourceVersion": "7"})
    other = entry("patch", "secrets", "a", "n", {"labels": MARK, "resourceVersion": "8"})
    gone = entry("delete", "secrets", "a", "n", {"labels": MARK, "resourceVersion": "8"})
    assert [write.idle for write in judged(made, same, other, same, gone)] == [False, True, False, False, False]
    theirs = obj("secrets", "a", "n", resourceVersion="7")
    assert [(write.idle, write.foreign) for write in judged(same, before=dump("secrets", theirs))] == [(True, True)]
    assert [write.idle for write in judged(same, before=dump("secrets", obj("secrets", "a", "n")))] == [False]


def test_what_others_make_is_known() -> None:
    theirs = entry("create", "secrets", "a", "n", user={"username": "kubernetes-admin"})
    assert verdicts(theirs, entry("patch", "secrets", "a", "n", {"labels": MARK})) == [TAKEN_OVER]


def test_a_whole_collection() -> None:
    """Each object counts; without them only a request that selects the mark is one for our own."""
    items = [obj("secrets", "a", "n", labels=MARK), obj("secrets", "b", "n")]
    found = judged(entry("deletecollection", "secrets", "", "n", {"kind": "SecretList", "items": items}))
    assert [(write.key, write.foreign) for write in found] == [(Key("", "secrets", "n", "a"), False), (Key("", "secrets", "n", "b"), True)]
    assert verdicts(entry("deletecollection", "secrets", "", "n", {"kind": "SecretList", "items": []})) == []
    unshown = "the log does not show which objects were deleted, and the request does not select the mark"
    selector = "?labelSelector=app.kubernetes.io%2Fpart-of%3Dgitops-airflow%2Cgitops-airflow%2Fplatform%3D"
    answers = {"": unshown, selector + "one": "mark", selector + "two": unshown, "?labelSelector=gitops-airflow%2Fplatform%3Done": unshown}
    for query, expected in answers.items():
        assert verdicts(entry("deletecollection", "secrets", "", "n", status(""), query=query)) == [expected]


def test_an_owner_of_an_owner() -> None:
    """Controllers make the objects between: their writes are in the log, and are not judged."""

    def owned(resource: str, name: str, owner: str, user: str) -> Obj:
        owners = [{"kind": "x", "name": owner, "uid": f"uid-{owner}"}]
        return entry("create", resource, name, "n", {"ownerReferences": owners}, user={"username": user})

    controller = "system:serviceaccount:kube-system:replicaset-controller"
    chain = [
        entry("create", "deployments", "web", "n", {"labels": MARK}),
        owned("replicasets", "web-1", "web", controller),
        owned("pods", "web-1-x", "web-1", controller),
        entry("delete", "pods", "web-1-x", "n", {"ownerReferences": [{"uid": "uid-web-1"}]}),
    ]
    assert verdicts(*chain) == ["mark", "owner"]
    assert verdicts(*chain[1:]) == [THERE]
    assert verdicts(chain[0], owned("secrets", "a", "web", ME), owned("secrets", "b", "other", ME)) == ["mark", "owner", MADE]
    # A Pod that the log does not show before: its owner cannot be given to it by a patch that leaves no trace.
    assert verdicts(chain[0], entry("patch", "pods", "p", "n", {"ownerReferences": [{"uid": "uid-web"}]})) == ["mark", "owner"]


def test_an_event_belongs_to_its_object() -> None:
    made = entry("create", "applications", "core", "argocd", {"labels": MARK})
    for field in ("involvedObject", "regarding"):
        event = obj("events", "core.1", "argocd", more={field: {"kind": "Application", "uid": "uid-core"}})
        assert verdicts(made, entry("create", "events", "core.1", "argocd", event)) == ["mark", "Event of an own object"]
        assert verdicts(made, entry("patch", "events", "core.1", "argocd", event)) == ["mark", "Event of an own object"]


def test_what_the_marked_application_renders() -> None:
    made = entry("create", "applications", "core", "argocd", {"labels": MARK})
    foreign = entry("create", "applications", "theirs", "argocd", user={"username": "kubernetes-admin"})

    def rendered(tracking: str = "", label: str = "", verb: str = "create", resource: str = "deployments", namespace: str = "n") -> Obj:
        annotations = {"argocd.argoproj.io/tracking-id": tracking} if tracking else {}
        labels = {"app.kubernetes.io/instance": label} if label else {}
        given = {"annotations": annotations, "labels": labels}
        return entry(verb, resource, "web", namespace, given, user={"username": ARGOCD})

    right = "core:apps/Deployment:n/web"
    assert verdicts(made, rendered(right)) == ["mark", "marked Application"]
    assert verdicts(made, rendered(label="core")) == ["mark", "marked Application"]
    # An object that was made with a copy of another one's annotations, or for an Application of others.
    wrong = [
        "core:apps/Deployment:n/api",
        "core:apps/StatefulSet:n/web",
        "core:apps/Deployment:m/web",
        "core:Deployment:n/web",
        "core",
        "x:" + right,
    ]
    assert [verdicts(made, foreign, rendered(tracking)) for tracking in wrong] == [["mark", MADE]] * len(wrong)
    for theirs in (
        rendered("theirs:apps/Deployment:n/web"),
        rendered(label="theirs"),
        rendered(),
        rendered("theirs:a/B:c/d", label="core"),
    ):
        assert verdicts(made, foreign, theirs) == ["mark", MADE]
    assert verdicts(rendered(right)) == [MADE]
    # Cluster-wide objects carry the Application's destination as their namespace.
    wide = rendered("core:rbac.authorization.k8s.io/ClusterRole:n/web", resource="clusterroles", namespace="")
    assert verdicts(made, wide) == ["mark", "marked Application"]
    # Argo CD's apply over an object of others, which the annotation does not make ours.
    assert verdicts(made, rendered(right, verb="patch"), before=dump("deployments", obj("deployments", "web", "n"))) == ["mark", TAKEN_OVER]
    assert verdicts(made, rendered(right, verb="patch")) == ["mark", UNKNOWN]


def record(namespace: str = "argocd", labels: Any = None, objects: Any = ()) -> Obj:
    marks = MARK if labels is None else labels
    return entry(
        "create",
        "configmaps",
        "argocd-installed",
        namespace,
        obj("configmaps", "argocd-installed", namespace, labels=marks, more={"data": {"objects": json.dumps(objects)}}),
    )


def test_argocd_counts_through_the_record() -> None:
    """Its objects have a part-of label of their own; it works before the role has recorded it."""
    listed = [{"api_version": "apps/v1", "kind": "Deployment", "namespace": "argocd", "name": "argocd-server"}]
    server = entry("create", "deployments", "argocd-server", "argocd")
    assert verdicts(server, record(objects=listed)) == ["install record", "mark"]
    assert verdicts(server, record(objects=listed), entry("delete", "deployments", "argocd-server", "argocd", status("argocd-server")))[
        2:
    ] == ["install record"]
    assert verdicts(server, record()) == [MADE, "mark"]
    assert verdicts(server, record(objects=listed, labels=OTHER)) == [MADE, MADE]
    other = [{**listed[0], "namespace": "argocd2"}], [{**listed[0], "kind": "StatefulSet"}], [{**listed[0], "name": "argocd-redis"}]
    for objects in other:
        assert verdicts(server, record(objects=objects)) == [MADE, "mark"]


def test_the_record_does_not_cover_what_others_made_under_the_same_name() -> None:
    """H2: the names of cluster-wide roles are the same in every Argo CD."""
    listed = [{"kind": "ClusterRole", "namespace": "", "name": "argocd-server"}]
    patched = entry("patch", "clusterroles", "argocd-server")
    theirs = entry("create", "clusterroles", "argocd-server", user={"username": "kubernetes-admin"})
    assert verdicts(patched, record(objects=listed), before=dump("clusterroles", obj("clusterroles", "argocd-server"))) == [THERE, "mark"]
    assert verdicts(theirs, patched, record(objects=listed)) == [THERE, "mark"]
    assert verdicts(entry("create", "clusterroles", "argocd-server"), patched, record(objects=listed))[:2] == ["install record"] * 2


def test_what_argocd_makes_by_itself() -> None:
    own = [
        entry("create", "secrets", "argocd-redis", "argocd", user={"username": ARGOCD}),
        entry("create", "appprojects", "default", "argocd"),
    ]
    assert verdicts(*own, record()) == ["install record", "install record", "mark"]
    assert verdicts(*own) == [MADE, MADE]
    assert verdicts(*own, record(labels={})) == [MADE, MADE, MADE]
    assert verdicts(*own, record("argocd2")) == [MADE, MADE, "mark"]
    other = [entry("create", "secrets", "repository", "argocd"), entry("create", "appprojects", "airflow", "argocd")]
    assert verdicts(*other, record()) == [MADE, MADE, "mark"]


def test_a_namespace_is_one_object() -> None:
    """The log repeats its name as its namespace, except where it is made."""
    made = entry("create", "namespaces", "n", "", {"labels": MARK})
    assert verdicts(made, entry("delete", "namespaces", "n", "n", status("n"))) == ["mark", "mark"]
    assert verdicts(
        entry("patch", "namespaces", "kube-system", "kube-system", {"labels": MARK}),
        before=dump("namespaces", obj("namespaces", "kube-system")),
    ) == [TAKEN_OVER]


def test_a_generated_name_is_taken_from_the_answer() -> None:
    made = entry("create", "pods", "", "n", obj("pods", "a-x1", "n", labels=MARK))
    assert [str(write.key) for write in judged(made, entry("delete", "pods", "a-x1", "n", status("a-x1")))] == ["pods n/a-x1"] * 2
