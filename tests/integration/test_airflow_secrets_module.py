# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Airflow's Secrets on a real API server: made once, of values that others have made, and shown to nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer
from ansible_collections.gitops.airflow.tests.integration.modules import Module

Obj = dict[str, Any]
OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
MARKS, BETA = ({**OLDER, "gitops-airflow/platform": name} for name in ("airflow", "beta"))
# Others than those of the other tests on the same server.
PLATFORM: Obj = {"name": "airflow", "git_namespace": "airflow-user", "logs_namespace": "airflow-user", "core_namespace": "airflow-core"}
PLATFORM |= {"worker_namespaces": [{"name": "airflow-core"}, {"name": "airflow-cron"}]}
EMBEDDED = {"dags_repo": "http://gitea.airflow-user.svc.cluster.local:3000/gitops/dags.git"}
SOURCES = {
    "git-credentials": {"username": "gitops", "git-sync-token": "token-of-git-sync"},
    "task-logs-generated": {"workers": "key-of-the-workers", "webserver": "key-of-the-webserver"},
}


def path_of(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"


class Secrets:
    """The module, and the Secrets of its namespaces."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server

    def make(self, namespace: str, name: str, labels: dict[str, str], **data: str) -> Obj:
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        return self.server.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded})

    def sources(self, labels: dict[str, str] | None = None) -> None:
        for name, data in SOURCES.items():
            self.make("airflow-user", name, MARKS if labels is None else labels, **data)

    def ensure(self, check: bool = False, **airflow: Any) -> Obj:
        given: Obj = {"platform": PLATFORM, "airflow": {**EMBEDDED, **airflow}, "store_endpoint": "http://logs:7070", "_ansible_diff": True}
        with Module("airflow_secrets", self.server.kubeconfig("admin"), check=check, **given) as module:
            found = module.result()
        shown = json.dumps(found)
        for item in self.live().values():
            for value in item["data"].values():
                text = base64.b64decode(value).decode()
                assert len(text) < 12 or (value not in shown and text not in shown)
        return found

    def live(self) -> dict[str, Obj]:
        items = [self.server.request("GET", f"/api/v1/namespaces/{name}/secrets")["items"] for name in ("airflow-core", "airflow-cron")]
        return {f"{item['metadata']['namespace']}/{item['metadata']['name']}": item for item in [*items[0], *items[1]]}


@pytest.fixture
def secrets(server: ApiServer) -> Iterator[Secrets]:
    yield Secrets(server)
    for namespace in ("airflow-core", "airflow-cron", "airflow-user"):
        server._send("DELETE", f"/api/v1/namespaces/{namespace}/secrets")


def test_they_are_made_once(secrets: Secrets) -> None:
    secrets.sources()
    checked = secrets.ensure(check=True)
    assert (checked["changed"], checked["generated"], secrets.live()) == (True, True, {})
    made = secrets.ensure()
    assert (made["changed"], made["generated"], len(made["created"])) == (True, True, 12)
    assert (made["git_sync"]["credentials_secret"], made["git_sync"]["ssh_key_secret"]) == ("dags-git-basic", "")
    live = secrets.live()
    assert live["airflow-core/airflow-generated"]["immutable"]
    assert all(item["metadata"]["labels"] == MARKS for item in live.values())
    store = live["airflow-core/airflow-task-logs"]["metadata"]["annotations"]["gitops-airflow/log-store"]
    assert store == "the embedded store in airflow-user"
    for check in (True, False):
        again = secrets.ensure(check=check)
        assert (again["changed"], again["created"]) == (False, [])
        assert [again[name] for name in ("dags_checksum", "logs_checksum")] == [made[name] for name in ("dags_checksum", "logs_checksum")]
    assert secrets.live() == live

    # A new token is a new checksum, and the diff names what changes.
    own: Obj = {"dags_repo": "https://git.example/dags.git", "dags_credentials": {"username": "reader", "password": "an-own-secret-token"}}
    changed = secrets.ensure(**own)
    assert (changed["changed"], changed["generated"], changed["logs_checksum"]) == (True, False, made["logs_checksum"])
    assert changed["dags_checksum"] != made["dags_checksum"]
    assert sorted(changed["diff"]["after"]) == [f"Secret airflow-{name}/dags-git-basic" for name in ("core", "cron")]
    assert "an-own-secret-token" not in json.dumps(changed)


def test_what_was_generated_is_known_without_its_labels(secrets: Secrets) -> None:
    secrets.sources(OLDER)
    secrets.ensure()
    path = path_of("airflow-core", "airflow-generated")
    before = secrets.live()["airflow-core/airflow-generated"]["data"]
    secrets.server.request("PATCH", path, {"metadata": {"labels": None}}, "application/merge-patch+json")
    assert (secrets.ensure()["generated"], secrets.live()["airflow-core/airflow-generated"]["data"]) == (False, before)


@pytest.mark.parametrize(
    ("labels", "there", "code"),
    [
        (None, {"airflow-cron/airflow-metadata": {}}, "foreign_object"),
        (None, {"airflow-core/airflow-generated": BETA}, "foreign_object"),
        (None, {"airflow-core/airflow-generated": MARKS}, "incomplete_secret"),
        (BETA, {}, "foreign_object"),
    ],
    ids=["a Secret of others", "of another platform", "lost values", "another platform's token"],
)
def test_h7_refusals_come_before_a_change(secrets: Secrets, labels: Any, there: dict[str, dict[str, str]], code: str) -> None:
    secrets.sources(labels)
    for name, marks in there.items():
        namespace, _slash, secret = name.partition("/")
        secrets.make(namespace, secret, marks, password="of-somebody")
    before = secrets.live()
    for check in (True, False):
        found = secrets.ensure(check=check)
        assert (found["failed"], found["code"], bool(found["next_action"])) == (True, code, True)
    assert secrets.live() == before


def test_without_what_others_make_nothing_is_generated(secrets: Secrets) -> None:
    found = secrets.ensure()
    assert (found["code"], secrets.live()) == ("missing_secret", {})
    assert secrets.ensure(check=True)["changed"]


def test_a_check_goes_on_where_a_namespace_does_not_exist_yet(secrets: Secrets) -> None:
    secrets.sources()
    later = {**PLATFORM, "core_namespace": "later", "worker_namespaces": [{"name": "later"}, {"name": "airflow-cron"}]}
    with Module("airflow_secrets", secrets.server.kubeconfig("admin"), check=True, platform=later, airflow=EMBEDDED) as module:
        found = module.result()
    assert (found["changed"], found["generated"]) == (True, True)
    assert {"Secret later/airflow-admin", "Secret airflow-cron/airflow-metadata"} <= set(found["created"])
    assert secrets.live() == {}
