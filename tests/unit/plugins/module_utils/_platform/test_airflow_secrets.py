# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secrets that Airflow's pods read. What an earlier version made of the same values is recorded: it must not change."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import KINDS, Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._platform.airflow_secrets import (
    KEYS,
    Values,
    dags_checksum,
    dags_credentials,
    generated,
    log_keys,
    logs_checksum,
    read_values,
    secrets,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import WEBSERVER_KEY
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import (
    AIRFLOW_OPTIONS,
    PLATFORM_OPTIONS,
    AirflowSettings,
    Logs,
    Repository,
    Settings,
    from_params,
)
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
OURS, BETA = ({**OLDER, "gitops-airflow/platform": name} for name in ("airflow", "beta"))
RECORDED: dict[str, Any] = json.loads((ROOT / "tests/unit/recorded/airflow-app.json").read_text())
ENDPOINT = "http://task-logs.airflow-logs.svc.cluster.local:7070"
NAMESPACES = [{"name": name} for name in ("airflow-core", "airflow-cron", "airflow-user")]


def settings_of(variables: dict[str, Any]) -> Settings:
    """The settings that the roles' variables stand for."""

    def options(prefix: str, spec: dict[str, Any]) -> dict[str, Any]:
        return {name: variables.get(prefix + name, option.get("default")) for name, option in spec.items()}

    def credentials(kind: str) -> dict[str, Any]:
        return {name: variables.get(f"airflow_app_{kind}_{name}") for name in KINDS}

    platform = options("platform_", PLATFORM_OPTIONS) | {"name": variables.get("platform_name", "airflow")}
    platform["worker_namespaces"] = variables.get("platform_worker_namespaces", NAMESPACES)
    airflow = options("airflow_app_", AIRFLOW_OPTIONS)
    airflow |= {f"{kind}_credentials": credentials(kind) for kind in ("platform", "dags")}
    return from_params(platform, airflow)


class Api:
    """A cluster with Secrets."""

    def __init__(self, found: dict[str, Any], labels: dict[str, str] | None = None) -> None:
        self._found, self._labels = found, OURS if labels is None else labels
        self.asked: list[str] = []

    def find(self, path: str) -> Any:
        _start, namespace, name = path.replace("/api/v1/namespaces/", "/").replace("/secrets/", "/").split("/")
        self.asked.append(f"{namespace}/{name}")
        data = self._found.get(f"{namespace}/{name}")
        return None if data is None else {"metadata": {"name": name, "labels": self._labels}, "data": data}


@pytest.mark.parametrize("case", RECORDED["cases"].values(), ids=RECORDED["cases"])
def test_an_upgrade_changes_neither_a_value_nor_a_checksum(case: dict[str, Any]) -> None:
    given = settings_of(case["variables"])
    airflow = given.airflow
    assert airflow
    there = {**RECORDED["sources"], **({"airflow-core/bucket": case["bucket"]} if case["bucket"] else {})}
    api: Any = Api(there)
    values = replace(read_values(api, given, airflow, check=False), generated=there["airflow-core/airflow-generated"])
    found = {}
    for item in secrets(given, airflow, values, ENDPOINT):
        metadata = item["metadata"]
        annotations = {"annotations": metadata["annotations"]} if "annotations" in metadata else {}
        found[f"{metadata['namespace']}/{metadata['name']}"] = {"data": item["data"], **annotations}
    # D7: the key of sessions left the workers' namespaces.
    kept = {
        name: secret
        for name, secret in case["secrets"].items()
        if not name.endswith(f"/{WEBSERVER_KEY}") or name.startswith("airflow-core/")
    }
    assert found == kept
    assert dags_checksum(dags_credentials(airflow, values), values) == case["dags_checksum"]
    assert logs_checksum(log_keys(airflow, values), values) == case["logs_checksum"]


def encoded(**values: str) -> dict[str, str]:
    return {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in values.items()}


ANN = Credentials("ann", "theirs")
EMBEDDED = Repository("dags", "http://gitea/d.git", credentials=ANN, embedded=True)
OWN = Repository("dags", "https://h/d.git", credentials=ANN)
PLATFORM = Repository("platform", "https://h/p.git")


@pytest.mark.parametrize(
    ("dags", "git", "expected"),
    [
        (EMBEDDED, {"username": "gitops", "git_sync_token": "t"}, ("gitops", "t", "")),
        (EMBEDDED, {}, ("", "", "")),
        (OWN, {"username": "gitops", "git_sync_token": "t"}, ("ann", "theirs", "")),
        (Repository("dags", "https://h/d.git"), {}, ("", "", "")),
        (Repository("dags", "git@h:d.git", credentials=Credentials("ann", "theirs", "k")), {}, ("", "", "k")),
    ],
)
def test_what_git_sync_reads_with(dags: Repository, git: dict[str, str], expected: tuple[str, str, str]) -> None:
    found = dags_credentials(AirflowSettings(PLATFORM, dags), Values(git=encoded(**git)))
    assert (found.username, found.password, found.ssh_key) == expected
    assert "theirs" not in repr(found)


def test_a_checksum_is_keyed_and_changes_with_each_credential() -> None:
    def checksum(key: str, **over: str) -> str:
        dags = replace(OWN, url="git@h:d.git" if "ssh_key" in over else OWN.url, credentials=replace(ANN, **over))
        values = Values(generated={"fernet-key": key})
        return dags_checksum(dags_credentials(AirflowSettings(PLATFORM, dags), values), values)

    found = {checksum("a"), checksum("b"), checksum("a", username="x"), checksum("a", password="x"), checksum("a", ssh_key="x")}
    assert len(found) == 5
    assert {len(item) for item in found} == {16}
    assert checksum("a", username="", password="") == ""


@pytest.mark.parametrize(
    ("store", "webserver"),
    [
        ({"access_key_id": "a", "secret_access_key": "s"}, ["a", "s"]),
        ({"access_key_id": "a", "secret_access_key": "s", "webserver_access_key_id": "w"}, ["w", "s"]),
        (
            {"access_key_id": "a", "secret_access_key": "s", "webserver_access_key_id": "w", "webserver_secret_access_key": "x"},
            ["w", "x"],
        ),
    ],
)
def test_the_webserver_has_keys_of_its_own_if_there_are_any(store: dict[str, str], webserver: list[str]) -> None:
    airflow = AirflowSettings(PLATFORM, OWN, logs=Logs("s3", bucket="b", secret="keys"))
    keys = log_keys(airflow, Values(store=encoded(**store)))
    assert [base64.b64decode(item).decode() for item in keys["workers"]] == ["a", "s"]
    assert [base64.b64decode(item).decode() for item in keys["webserver"]] == webserver


def test_what_is_generated_once() -> None:
    wanted = generated("airflow-core")
    assert (wanted.immutable, wanted.add_missing, wanted.by_name) == (True, False, True)
    assert {key.name: (key.kind, key.length) for key in KEYS if key.kind == "alphanumeric"} == dict.fromkeys(
        ("admin-password", "mysql-password", "mysql-root-password", "webserver-secret-key"), ("alphanumeric", 32)
    )
    assert [key.name for key in KEYS if key.kind == "fernet"] == ["fernet-key"]


GIVEN = Settings("airflow", airflow=AirflowSettings(PLATFORM, EMBEDDED))
THERE: dict[str, Any] = {"git/git-credentials": {}, "airflow-logs/task-logs-generated": {}, "airflow-core/keys": {}}


@pytest.mark.parametrize(
    ("airflow", "asked"),
    [
        (AirflowSettings(PLATFORM, EMBEDDED), ["git/git-credentials", "airflow-logs/task-logs-generated"]),
        (AirflowSettings(PLATFORM, OWN, logs=Logs("none")), []),
        (AirflowSettings(PLATFORM, OWN, logs=Logs("s3", bucket="b", secret="keys")), ["airflow-core/keys"]),
    ],
)
def test_only_what_is_used_is_read(airflow: AirflowSettings, asked: list[str]) -> None:
    api: Any = Api(THERE)
    read_values(api, GIVEN, airflow, check=False)
    assert api.asked == asked


@pytest.mark.parametrize(("labels", "refused"), [(OURS, False), (OLDER, False), (BETA, True), ({}, True)])
def test_h7_values_are_this_platforms(labels: dict[str, str], refused: bool) -> None:
    api: Any = Api(THERE, labels)
    assert GIVEN.airflow
    if not refused:
        read_values(api, GIVEN, GIVEN.airflow, check=False)
        return
    with pytest.raises(CollectionError, match="The Secret git/git-credentials has values that are not this platform's") as caught:
        read_values(api, GIVEN, GIVEN.airflow, check=True)
    assert caught.value.code == "foreign_object"


def test_the_secret_of_a_bucket_has_no_mark() -> None:
    api: Any = Api(THERE, {})
    airflow = AirflowSettings(PLATFORM, OWN, logs=Logs("s3", bucket="b", secret="keys"))
    assert read_values(api, GIVEN, airflow, check=False) == Values()


def test_a_check_goes_on_without_what_others_make() -> None:
    api: Any = Api({})
    assert GIVEN.airflow
    assert read_values(api, GIVEN, GIVEN.airflow, check=True) == Values()
    with pytest.raises(CollectionError, match="git/git-credentials, whose values Airflow needs, does not exist") as caught:
        read_values(api, GIVEN, GIVEN.airflow, check=False)
    assert caught.value.code == "missing_secret"
