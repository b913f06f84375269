# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A generated Secret on a real API server: made once, completed, and its values shown to nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer
from ansible_collections.gitops.airflow.tests.integration.modules import Module

Obj = dict[str, Any]
NAME, SPACE = "made", "airflow-user"
BODY: Obj = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME, "namespace": SPACE}}
PATH = f"/api/v1/namespaces/{SPACE}/secrets/{NAME}"
KEYS = [{"name": "password"}, {"name": "fernet-key", "kind": "fernet"}]


class Secrets:
    def __init__(self, server: ApiServer) -> None:
        self.server = server

    def ensure(self, check: bool = False, **options: Any) -> Obj:
        given: Obj = {"platform": "airflow", "namespace": SPACE, "keys": KEYS, "_ansible_diff": True, **options}
        given.setdefault("name", NAME)
        with Module("generated_secret", self.server.kubeconfig("admin"), check=check, **given) as module:
            found = module.result()
        live = self.live()
        for value in (live or {}).get("data", {}).values():
            assert value not in json.dumps(found)
            assert base64.b64decode(value).decode() not in json.dumps(found)
        return found

    def live(self) -> Obj | None:
        status, answer = self.server._send("GET", PATH)
        return json.loads(answer) if status == 200 else None

    def data(self) -> dict[str, str]:
        found = self.live()
        assert found is not None
        data: dict[str, str] = found["data"]
        return data


@pytest.fixture
def secrets(server: ApiServer) -> Iterator[Secrets]:
    yield Secrets(server)
    server._send("DELETE", PATH)


def test_values_are_generated_once(secrets: Secrets) -> None:
    checked = secrets.ensure(check=True, immutable=True)
    assert secrets.live() is None
    assert (checked["changed"], checked["created"], checked["checksum"]) == (True, True, "")
    first = secrets.ensure(immutable=True)
    assert (first["created"], first["added"]) == (True, ["password", "fernet-key"])
    assert first["diff"]["after"].splitlines() == [f"Secret {SPACE}/{NAME}: {key['name']} (generated)" for key in KEYS]
    made = secrets.live()
    assert made is not None
    assert made["immutable"]
    assert made["metadata"]["labels"] == {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
    for again in (secrets.ensure(immutable=True), secrets.ensure(), secrets.ensure(check=True)):
        assert (again["changed"], again["created"], again["added"], again["checksum"]) == (False, False, [], first["checksum"])
    assert secrets.live() == made


def test_a_key_is_added_or_refused(secrets: Secrets) -> None:
    first = secrets.ensure(keys=KEYS[:1])
    before = secrets.data()
    refused = secrets.ensure()
    assert (refused["failed"], refused["code"]) == (True, "incomplete_secret")
    assert secrets.ensure(check=True, missing="add")["added"] == ["fernet-key"]
    assert secrets.data() == before
    added = secrets.ensure(missing="add")
    assert (added["changed"], added["created"], added["added"]) == (True, False, ["fernet-key"])
    assert secrets.data().items() > before.items()
    assert added["checksum"] != first["checksum"]


def test_a_secret_of_others_is_refused(secrets: Secrets) -> None:
    secrets.server.create({**BODY, "stringData": {"password": "theirs-and-theirs"}})
    for check in (True, False):
        assert secrets.ensure(check=check, missing="add")["code"] == "foreign_object"
    assert list(secrets.data()) == ["password"]


def test_a_check_before_the_namespace_exists(secrets: Secrets) -> None:
    assert secrets.ensure(check=True, namespace="not-yet")["created"]
    assert "not-yet" in secrets.ensure(namespace="not-yet")["msg"]
