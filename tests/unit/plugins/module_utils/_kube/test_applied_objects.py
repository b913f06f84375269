# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an object is as it is declared, by the fields that its manager has applied."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.applied import CHANGED, HIDDEN, differs, is_applied, shown

Obj = dict[str, Any]
BODY: Obj = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "git", "labels": {"a": "b"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "spec": {
                "containers": [
                    {"name": "web", "image": "web:1", "args": ["--x"], "ports": [{"containerPort": 80}]},
                    {"name": "side", "image": "side:1", "securityContext": {}},
                ],
                "finalizers": ["one", "two"],
            }
        },
    },
}
FIELDS: Obj = {
    "f:metadata": {"f:labels": {"f:a": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},  # replaced as a whole
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"side"}': {".": {}, "f:name": {}, "f:image": {}, "f:securityContext": {}},
                    'k:{"name":"web"}': {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:args": {},
                        "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                    },
                },
                "f:finalizers": {'v:"one"': {}, 'v:"two"': {}},
            }
        },
    },
}


def live(fields: Obj | None = None, manager: str = "us", operation: str = "Apply", version: str = "apps/v1", **entry: Any) -> Obj:
    """What the server has of it: defaults are added, and others have set something beside it."""
    found = copy.deepcopy(BODY)
    found["metadata"] |= {"uid": "1", "resourceVersion": "5", "generation": 2, "annotations": {"others": "own"}}
    spec = found["spec"]["template"]["spec"]
    spec["containers"][0]["ports"][0]["protocol"] = "TCP"
    spec["containers"][0]["terminationMessagePath"] = "/dev/termination-log"
    spec["containers"].insert(1, {"name": "injected", "image": "others:1"})
    spec["finalizers"].insert(0, "others")
    found["status"] = {"replicas": 1}
    entries = [
        {"manager": manager, "operation": operation, "apiVersion": version, "fieldsV1": FIELDS if fields is None else fields, **entry}
    ]
    found["metadata"]["managedFields"] = [{"manager": "others", "operation": "Update", "apiVersion": "v1", "fieldsV1": {}}, *entries]
    return found


def changed(path: str, value: Any, base: Obj | None = None) -> Obj:
    """The same with another value (None: without it) at a path such as ``spec/replicas``."""
    found = copy.deepcopy(BODY if base is None else base)
    *parents, last = path.split("/")
    place: Any = found
    for part in parents:
        place = place[int(part) if isinstance(place, list) else part]
    key = int(last) if isinstance(place, list) else last
    if value is None:
        del place[key]
    else:
        place[key] = value
    return found


CONTAINERS = "spec/template/spec/containers"


def test_what_is_as_declared_needs_no_request() -> None:
    assert is_applied(BODY, live(), "us")
    assert is_applied(changed("metadata/creationTimestamp", "null"), live(), "us")
    assert is_applied(changed("spec/replicas", 1.0), live(), "us")
    assert is_applied(BODY, changed(f"{CONTAINERS}/1", "of others", live()), "us")


@pytest.mark.parametrize(
    "body",
    [
        changed("spec/replicas", 2),
        changed("spec/replicas", True),
        changed("spec/replicas", None),
        changed("spec/paused", False),
        changed("spec/selector/matchLabels", {"a": "c"}),
        changed("metadata/labels/a", "c"),
        changed("metadata/labels/new", "c"),
        changed("metadata/annotations", {"others": "own"}),
        changed(f"{CONTAINERS}/0/image", "web:2"),
        changed(f"{CONTAINERS}/0/args", ["--x", "--y"]),
        changed(f"{CONTAINERS}/0/ports/0/protocol", "TCP"),
        changed(f"{CONTAINERS}/0/ports/0/containerPort", 81),
        changed(f"{CONTAINERS}/0/name", "other"),
        changed(f"{CONTAINERS}/0/env", [{"name": "A", "value": "b"}]),
        changed(f"{CONTAINERS}/1", None),
        changed(CONTAINERS, [BODY["spec"]["template"]["spec"]["containers"][number] for number in (1, 0)]),
        changed(CONTAINERS, "none"),
        changed(CONTAINERS, 5),
        changed("spec/template/spec/finalizers", ["two", "one"]),
        changed("spec/template/spec/finalizers", ["one", "three"]),
        changed("spec/template/spec/finalizers", ["one", "one"]),
        changed("spec/template/spec/finalizers", ["others", "one"]),
        changed("apiVersion", "apps/v2"),
    ],
)
def test_what_may_change_something_is_applied(body: Obj) -> None:
    assert not is_applied(body, live(), "us")


@pytest.mark.parametrize(
    "found",
    [
        live(manager="kubectl"),
        live(operation="Update"),
        live(subresource="status"),
        live(version="apps/v1beta1"),
        changed("metadata/managedFields", [], live()),
        changed(f"{CONTAINERS}/0/image", "web:2", live()),
        changed(f"{CONTAINERS}/0", None, live()),
        changed("spec/template/spec/finalizers", ["two", "one"], live()),
        changed("spec/template/spec/finalizers", ["others", "two"], live()),
        changed("metadata/labels", None, live()),
        changed(CONTAINERS, 5, live()),
        changed("spec/template", 5, live()),
    ],
    ids=["manager", "updated", "status", "version", "no fields", "value", "item", "order", "less", "missing", "no list", "no dictionary"],
)
def test_what_others_have_changed_is_applied(found: Obj) -> None:
    assert not is_applied(BODY, found, "us")


def test_a_field_that_is_declared_no_more_is_removed() -> None:
    fields = copy.deepcopy(FIELDS)
    fields["f:spec"]["f:paused"] = {}
    assert not is_applied(BODY, live(fields), "us")


@pytest.mark.parametrize(
    ("path", "value", "difference"),
    [
        ("metadata/resourceVersion", "6", False),
        ("metadata/generation", 3, False),
        ("metadata/managedFields", [], False),
        ("status", {"replicas": 2}, False),
        ("spec/replicas", 2, True),
        ("metadata/labels/new", "c", True),
    ],
)
def test_what_the_server_counts_is_no_change(path: str, value: Any, difference: bool) -> None:
    assert differs(live(), changed(path, value, live())) is difference


def test_a_new_object_differs() -> None:
    assert differs(None, live())


def secret(**data: str) -> Obj:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": '{"data": {"a": "c2VjcmV0"}}', "kept": "x"}
    return {"kind": "Secret", "metadata": {"name": "s", "annotations": annotations, "resourceVersion": "1"}, "data": data}


def test_a_diff_shows_keys_of_secrets_alone() -> None:
    before, after = shown(secret(a="c2VjcmV0", b="eA=="), secret(a="b3RoZXI=", b="eA==", c="eQ=="))
    assert before is not None
    assert after is not None
    assert before["data"] == {"a": HIDDEN, "b": HIDDEN}
    assert after["data"] == {"a": CHANGED, "b": HIDDEN, "c": CHANGED}
    assert before["metadata"] == {"name": "s", "annotations": {"kept": "x"}}
    assert "c2VjcmV0" not in str((before, after))


def test_a_diff_of_a_new_object() -> None:
    before, after = shown(None, secret(a="c2VjcmV0"))
    assert before is None
    assert after is not None
    assert after["data"] == {"a": CHANGED}
