# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F9 on a real API server: Secrets and ConfigMaps are copied, kept in step and deleted, and no value is shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration import test_ownership as ownership
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer
from ansible_collections.gitops.airflow.tests.integration.modules import Module

Obj = dict[str, Any]
owned, cluster = ownership.owned, ownership.cluster
MERGE = "application/merge-patch+json"
MARKS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
LABELS = {**MARKS, "gitops-airflow/copied-from": "airflow-core"}
CORE, NAMESPACES = "airflow-core", ["airflow-cron", "airflow-user"]
PASSWORD, ROTATED = "the-first-password", "the-second-password"
PLURALS = {"Secret": "secrets", "ConfigMap": "configmaps"}
# What an operator and Argo CD leave on an object.
METADATA = {
    "labels": {"app.kubernetes.io/instance": "airflow-core", "reconcile.external-secrets.io/managed": "true"},
    "annotations": {"argocd.argoproj.io/tracking-id": "a:/Secret:airflow-core/db", "reconcile.external-secrets.io/data-hash": "5e88"},
}


def encoded(**values: str) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


class Copies:
    """The module, the sources and the copies."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server

    def path(self, namespace: str, name: str, kind: str = "Secret") -> str:
        return f"/api/v1/namespaces/{namespace}/{PLURALS[kind]}/{name}"

    def make(self, namespace: str, name: str, kind: str = "Secret", metadata: Obj | None = None, **more: Any) -> Obj:
        made = {"name": name, "namespace": namespace, **(metadata or {})}
        return self.server.create({"apiVersion": "v1", "kind": kind, "metadata": made, **more})

    def source(self, password: str = PASSWORD, **more: Any) -> Obj:
        return self.make(CORE, "db", metadata=METADATA, data=encoded(password=password, user="ann"), **more)

    def live(self, namespace: str, name: str, kind: str = "Secret") -> Obj:
        return self.server.request("GET", self.path(namespace, name, kind))

    def names(self, kind: str = "Secret") -> list[str]:
        lists = [self.server.request("GET", f"/api/v1/namespaces/{name}/{PLURALS[kind]}")["items"] for name in NAMESPACES]
        found = [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for items in lists for item in items]
        return [name for name in found if not name.endswith("kube-root-ca.crt")]

    def ensure(self, check: bool = False, **options: Any) -> Obj:
        given = {"platform": "airflow", "source_namespace": CORE, "namespaces": NAMESPACES, "secrets": ["db"], "_ansible_diff": True}
        with Module("object_copies", self.server.kubeconfig("admin"), check=check, **{**given, **options}) as module:
            found = module.result()
        shown = json.dumps(found)
        for value in (PASSWORD, ROTATED, "configured-value"):
            assert value not in shown
            assert encoded(x=value)["x"] not in shown
        return found


@pytest.fixture
def copies(server: ApiServer) -> Iterator[Copies]:
    yield Copies(server)
    for namespace in (CORE, *NAMESPACES):
        for plural in PLURALS.values():
            server._send("DELETE", f"/api/v1/namespaces/{namespace}/{plural}")


def results(found: Obj) -> list[str]:
    return [f"{item['kind']} {item['namespace']}/{item['name']} {item['result']}" for item in found["objects"]]


def test_copies_are_made_once_and_kept_in_step(copies: Copies) -> None:
    copies.source()
    both = [f"Secret {namespace}/db" for namespace in NAMESPACES]
    checked = copies.ensure(check=True)
    assert (checked["changed"], results(checked), copies.names()) == (True, [f"{name} created" for name in both], [])
    made = copies.ensure()
    assert (made["changed"], results(made)) == (True, [f"{name} created" for name in both])
    for namespace in NAMESPACES:
        item = copies.live(namespace, "db")
        assert (item["metadata"]["labels"], "annotations" in item["metadata"]) == (LABELS, False)
        assert (item["data"], item["type"]) == (encoded(password=PASSWORD, user="ann"), "Opaque")
    before = [copies.live(namespace, "db") for namespace in NAMESPACES]
    for check in (True, False):
        again = copies.ensure(check=check)
        assert (again["changed"], again["diff"]) == (False, {"before": {}, "after": {}})
    assert [copies.live(namespace, "db") for namespace in NAMESPACES] == before

    # The source is rotated, and loses a key. One copy was changed by others.
    data = {**encoded(password=ROTATED), "user": None}
    copies.server.request("PATCH", copies.path(CORE, "db"), {"data": data}, MERGE)
    copies.server.request("PATCH", copies.path("airflow-user", "db"), {"data": encoded(more="x")}, MERGE)
    checked = copies.ensure(check=True)
    assert (results(checked), [copies.live("airflow-cron", "db")]) == ([f"{name} changed" for name in both], before[:1])
    changed = copies.ensure()
    assert results(changed) == [f"{name} changed" for name in both]
    assert changed["diff"]["after"][both[0]] == {"keys": {"password": "******** (changed)"}, "immutable": False, "type": "Opaque"}
    for namespace in NAMESPACES:
        assert copies.live(namespace, "db")["data"] == encoded(password=ROTATED)
    assert copies.ensure()["changed"] is False


def test_type_and_immutable_are_those_of_the_source(copies: Copies) -> None:
    login = encoded(**{".dockerconfigjson": "{}"})
    copies.make(CORE, "pull", type="kubernetes.io/dockerconfigjson", data=login, immutable=True)
    copies.ensure(secrets=["pull"])
    first = copies.live("airflow-cron", "pull")
    assert (first["type"], first["immutable"], first["data"]) == ("kubernetes.io/dockerconfigjson", True, login)
    assert copies.ensure(secrets=["pull"])["changed"] is False

    copies.server.request("DELETE", copies.path(CORE, "pull"), {})
    copies.make(CORE, "pull", data=encoded(a="b"))
    checked = copies.ensure(check=True, secrets=["pull"])
    assert results(checked) == [f"Secret {namespace}/pull recreated" for namespace in NAMESPACES]
    assert copies.live("airflow-cron", "pull") == first
    assert copies.ensure(secrets=["pull"])["changed"] is True
    second = copies.live("airflow-cron", "pull")
    assert (second["type"], second.get("immutable"), second["data"]) == ("Opaque", None, encoded(a="b"))
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert copies.ensure(secrets=["pull"])["changed"] is False


def test_a_config_map_with_both_kinds_of_values(copies: Copies) -> None:
    copies.make(CORE, "settings", "ConfigMap", data={"a": "configured-value"}, binaryData={"b": "/w=="})
    made = copies.ensure(secrets=[], config_maps=["settings"])
    assert results(made) == [f"ConfigMap {namespace}/settings created" for namespace in NAMESPACES]
    # A value moves from one part to the other.
    copies.server.request("PATCH", copies.path(CORE, "settings", "ConfigMap"), {"data": {"a": None}, "binaryData": {"a": "/w=="}}, MERGE)
    assert copies.ensure(secrets=[], config_maps=["settings"])["changed"] is True
    item = copies.live("airflow-user", "settings", "ConfigMap")
    assert (item.get("data"), item["binaryData"]) == (None, {"a": "/w==", "b": "/w=="})


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({}, "it does not have the labels"),
        (MARKS, "it has no label gitops-airflow/copied-from"),
        ({**LABELS, "gitops-airflow/platform": "beta"}, "it belongs to platform beta"),
    ],
    ids=["of others", "of this platform, but no copy", "of another platform"],
)
def test_h1_an_object_of_the_same_name_is_refused_before_anything_changes(copies: Copies, labels: dict[str, str], words: str) -> None:
    copies.source()
    copies.make("airflow-user", "db", metadata={"labels": labels}, data=encoded(password="of-others"))
    before = copies.live("airflow-user", "db")
    for check in (True, False):
        found = copies.ensure(check=check)
        assert (found["failed"], found["code"], bool(found["next_action"])) == (True, "foreign_object", True)
        assert [(item["namespace"], words in item["reason"]) for item in found["refused"]] == [("airflow-user", True)]
    assert (copies.names(), copies.live("airflow-user", "db")) == (["airflow-user/db"], before)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"secrets": ["db", "none"]}, "missing_source", "Secret airflow-core/none"),
        ({"config_maps": ["none"]}, "missing_source", "ConfigMap airflow-core/none"),
        ({"source_namespace": "nowhere"}, "missing_source", "Secret nowhere/db"),
        ({"namespaces": [CORE]}, "bad_option", "namespaces contains airflow-core"),
        ({"secrets": ["db", ""]}, "bad_option", "''"),
    ],
)
def test_what_cannot_be_copied_is_named_before_anything_changes(copies: Copies, options: Obj, code: str, words: str) -> None:
    copies.source()
    found = copies.ensure(**options)
    assert (found["failed"], found["code"], words in found["msg"]) == (True, code, True)
    assert (copies.names(), copies.names("ConfigMap")) == ([], [])


def test_a_token_of_a_service_account_is_refused(copies: Copies) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": CORE}}
    copies.server.create(account)
    annotations = {"annotations": {"kubernetes.io/service-account.name": "robot"}}
    copies.make(CORE, "token", metadata=annotations, type="kubernetes.io/service-account-token")
    assert copies.ensure(secrets=["token"])["code"] == "bad_source"
    copies.server.request("DELETE", f"/api/v1/namespaces/{CORE}/serviceaccounts/robot", {})


def test_a_check_goes_on_where_a_namespace_does_not_exist_yet(copies: Copies) -> None:
    copies.source()
    found = copies.ensure(check=True, namespaces=["later"])
    assert results(found) == ["Secret later/db created"]
    assert copies.ensure(namespaces=["later"])["code"] == "not_found"


def test_the_preflight_plans_and_refuses_copies(cluster: ownership.Cluster) -> None:
    copies = Copies(cluster.server)
    names = (CORE, *NAMESPACES)
    # These namespaces enforce no Pod Security Standard, which is refused for reasons of its own.
    platform: Obj = {"name": "airflow", "airflow_version": "2.6.3", "worker_namespaces": [{"name": name} for name in names]}
    platform["unenforced_namespaces"] = list(names)
    values = {"secret": [{"envName": "DB", "secretName": "db", "secretKey": "password"}]}

    def look(**airflow: Any) -> Obj:
        given: Obj = {"platform": platform, "airflow": {"values": values, **airflow}, "repositories": False}
        with Module("platform_preflight", copies.server.kubeconfig("admin"), **given) as module:
            found = module.result()
        assert encoded(x=PASSWORD)["x"] not in json.dumps(found)
        return found

    listed = {"worker_secrets": ["db"]}
    assert [item["code"] for item in look(**listed)["refusals"]] == ["copy_source_missing"]
    copies.source()
    (missing,) = look()["refusals"]
    assert (missing["code"], missing["value"]) == ("missing_reference", "airflow-cron/db, airflow-user/db")
    assert missing["next_action"].startswith("Add db to airflow_app_worker_secrets: then each run copies it from airflow-core")
    assert look(**listed)["refusals"] == []

    copies.ensure()
    found = look(**listed)
    assert (found["refusals"], found["plan"]["retired"], len(found["plan"]["copies"])) == ([], [], 2)
    # The name leaves the list, and the values that use it do not.
    assert [item["code"] for item in look()["refusals"]] == ["missing_reference"]
    plan = look(values={})["plan"]
    assert plan["retired"] == plan["copies"]
    with Module(
        "platform_objects", copies.server.kubeconfig("admin"), state="absent", platform="airflow", objects=plan["retired"]
    ) as module:
        assert len(module.result()["removed"]) == 2
    assert copies.names() == []

    copies.make("airflow-user", "db", data=encoded(password="of-others"))
    (foreign,) = look(**listed)["refusals"]
    assert (foreign["code"], foreign["value"]) == ("foreign_copy", "Secret airflow-user/db")
