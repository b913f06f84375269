# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From YAML text to objects in the order in which they are applied."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.definitions import (
    ordered,
    read_definitions,
    secret_names,
    substituted,
    with_labels,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import Resource, Resources

Obj = dict[str, Any]


def obj(kind: str, name: str = "x", version: str = "v1", **more: Any) -> Obj:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}


TEXT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
data: {day: 2026-11-26}
---
# nothing
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Service, metadata: {name: x}}
"""


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (TEXT, ["ConfigMap", "Service"]),
        (obj("ConfigMap"), ["ConfigMap"]),
        ([obj("ConfigMap"), None, [obj("Service")]], ["ConfigMap", "Service"]),
        (obj("Menu", version="example.com/v1", items=["soup"]), ["Menu"]),
        ({"apiVersion": "v1", "kind": "List", "items": None}, []),
        ("", []),
        ("[]", []),
    ],
)
def test_definitions_come_in_many_forms(value: Any, names: list[str]) -> None:
    assert [item["kind"] for item in read_definitions(value)] == names


class LookedUp(str):
    """A text of a lookup on ansible-core 2.18, which is of a class of its own."""


def test_text_of_a_lookup_is_read() -> None:
    assert read_definitions(LookedUp(TEXT)) == read_definitions(TEXT)


def test_a_date_is_a_text() -> None:
    assert read_definitions(TEXT)[0]["data"] == {"day": "2026-11-26"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a: [hunter22", r"definitions are not YAML: .+ in line \d\.$"),
        ("a: \x00", r"definitions are not YAML: they cannot be read\.$"),
        ({"apiVersion": "v1", "kind": "List"}, r"Definition 1 \(List\) has no metadata.name"),
        ("hunter22", "Definition 1 is not an object but str"),
        ([obj("ConfigMap"), {"kind": "Pod", "apiVersion": "v1"}], r"Definition 2 \(Pod\) has no metadata.name"),
        (obj("ConfigMap", name=""), "has no metadata.name, or one that is not a text"),
        (obj("ConfigMap", name=7), "has no metadata.name, or one that is not a text"),  # type: ignore[arg-type]
        ({"metadata": {"name": "x"}, "kind": "Pod"}, "has no apiVersion"),
        (obj("Secret", stringData={"a": 1}), "Secret x has a value in stringData that is not a text"),
    ],
)
def test_what_is_no_definition_is_refused(value: Any, words: str) -> None:
    with pytest.raises(CollectionError, match=words) as caught:
        read_definitions(value)
    assert caught.value.code == "bad_definition"
    assert "hunter22" not in str(caught.value)


def test_a_secrets_texts_are_encoded() -> None:
    (found,) = read_definitions(obj("Secret", data={"a": "eA==", "b": "eA=="}, stringData={"b": "ü"}))
    assert found == obj("Secret", data={"a": "eA==", "b": base64.b64encode("ü".encode()).decode()})


@pytest.mark.parametrize(
    "body",
    [
        obj("Secret", data={"a": "eA=="}),
        obj("Secret"),
        obj("Secret", version="example.com/v1", stringData={"a": "x"}),
        obj("ConfigMap", stringData={"a": "x"}),
    ],
)
def test_what_has_no_texts_of_a_secret_stays(body: Obj) -> None:
    assert read_definitions(body) == [body]


def test_the_order_is_kubernetes() -> None:
    kinds = ["APIService", "Job", "Deployment", "Application", "Service", "RoleBinding", "Secret", "CustomResourceDefinition", "Namespace"]
    found = [item["kind"] for item in ordered(map(obj, kinds))]
    assert found == [
        "Namespace",
        "CustomResourceDefinition",
        "RoleBinding",
        "Secret",
        "Service",
        "Job",
        "Deployment",
        "Application",
        "APIService",
    ]


def test_labels_are_metadatas_alone() -> None:
    pod = {"template": {"metadata": {"labels": {"a": "b"}}}}
    body = {**obj("Deployment", spec=pod), "metadata": {"name": "x", "labels": {"own": "1"}}}
    assert with_labels(body, {"mark": "2"}) == {**body, "metadata": {"name": "x", "labels": {"own": "1", "mark": "2"}}}
    assert body["metadata"]["labels"] == {"own": "1"}


def secret(text: str, name: str = "derived") -> Obj:
    return obj("Secret", name, data={"text": base64.b64encode(text.encode()).decode(), "bytes": "/w=="})


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("u:${made/key-1}@x", "u:s3cr$t@x"),
        ("${made/key-1}${made/k.2}", "s3cr$t2"),
        ("${other/key} $${made} ${made}", "${other/key} $${made} ${made}"),
    ],
)
def test_values_of_other_secrets_are_inserted(text: str, filled: str) -> None:
    sources = {"made": {"key-1": "s3cr$t", "k.2": "2"}}
    assert substituted(secret(text), sources) == secret(filled)
    config = obj("ConfigMap", data={"text": text})
    assert substituted(config, sources) == config
    assert substituted({**secret(text), "kind": "ConfigMap"}, sources) == {**secret(text), "kind": "ConfigMap"}


def test_without_other_secrets_nothing_is_inserted() -> None:
    assert substituted(obj("Secret"), {}) == obj("Secret")


def test_a_missing_value_is_named() -> None:
    with pytest.raises(CollectionError, match="The Secret made has no key none, which Secret derived needs"):
        substituted(secret("${made/none}"), {"made": {}})


def test_only_what_is_needed_is_read() -> None:
    bodies = [secret("${made/a} ${unknown/a}"), obj("ConfigMap", data={"a": "${other/a}"})]
    assert secret_names(bodies, ["made", "other"]) == {"made"}


class Discovery:
    """A server with a kind of its own in a group that also has a name of a known one."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, path: str) -> Obj | None:
        self.asked.append(path)
        served = [{"name": "services", "kind": "Service", "namespaced": True}, {"name": "services/status", "kind": "Service"}]
        return {"resources": served} if path == "/apis/serving.test/v1" else None


CRD = obj(
    "CustomResourceDefinition",
    "wolves.animals.test",
    spec={"group": "animals.test", "scope": "Cluster", "names": {"kind": "Wolf", "plural": "wolves"}},
)


@pytest.mark.parametrize(
    ("version", "kind", "resource", "asked"),
    [
        ("v1", "Service", Resource("services", True), 0),
        ("autoscaling/v1", "HorizontalPodAutoscaler", Resource("horizontalpodautoscalers", True), 0),
        ("v1", "Namespace", Resource("namespaces", False), 0),
        ("animals.test/v2", "Wolf", Resource("wolves", False), 0),
        ("serving.test/v1", "Service", Resource("services", True), 1),
        ("serving.test/v1", "Cat", None, 1),
        ("none.test/v1", "Cat", None, 1),
    ],
)
def test_where_a_kind_is(version: str, kind: str, resource: Resource | None, asked: int) -> None:
    server = Discovery()
    resources = Resources(server, [CRD])
    assert [resources.find(version, kind) for _time in range(2)] == [resource] * 2
    assert len(server.asked) == asked


@pytest.mark.parametrize(
    ("version", "kind", "namespace", "path"),
    [
        ("", "NetworkPolicy", "a", "/apis/networking.k8s.io/v1/namespaces/a/networkpolicies/x"),
        ("v1", "Service", "a", "/api/v1/namespaces/a/services/x"),
        ("autoscaling/v1", "HorizontalPodAutoscaler", "a", "/apis/autoscaling/v1/namespaces/a/horizontalpodautoscalers/x"),
        # The server's own plural, not the kind and an s; and not the kind of the same name in another group.
        ("animals.test/v2", "Wolf", "", "/apis/animals.test/v2/wolves/x"),
        ("serving.test/v1", "Service", "a", "/apis/serving.test/v1/namespaces/a/services/x"),
        ("serving.test/v1", "Cat", "a", None),
    ],
)
def test_where_an_object_is(version: str, kind: str, namespace: str, path: str | None) -> None:
    assert Resources(Discovery(), [CRD]).path(version, kind, namespace, "x") == path


@pytest.mark.parametrize(
    ("version", "kind", "words"), [("", "Wolf", "Wolf is not a kind"), ("serving.test/v1", "Service", "Service x names no namespace")]
)
def test_an_object_that_cannot_be_named_is_refused(version: str, kind: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Resources(Discovery()).path(version, kind, "", "x")


def test_a_path_is_quoted() -> None:
    assert Resource("roles", True).path("rbac.authorization.k8s.io/v1", "a", "system:x/y") == (
        "/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles/system%3Ax%2Fy"
    )
