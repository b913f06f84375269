# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secrets that Airflow's pods read, made of values that others have made. What is in them is pure; the API is passed in.

An upgrade of the collection must change neither their data nor the checksums: Airflow's pods restart when a checksum changes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.log_connection import task_log_connection
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import belongs, owner_text
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform.generated_secret import Key, Wanted
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import GENERATED, WEBSERVER_KEY
from ansible_collections.gitops.airflow.plugins.module_utils._platform.plan import (
    GENERATED_KEYS,
    LOG_SECRET,
    LOG_STORE,
    WEBSERVER_LOG_SECRET,
    log_store_text,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import GIT_SECRET, AirflowSettings, Settings

# What is generated once. Who uses which value is in secrets() below.
KEYS = tuple(Key(name, "fernet") if name == "fernet-key" else Key(name, length=32) for name in GENERATED_KEYS)
CHECKSUM = 16  # characters


def generated(namespace: str) -> Wanted:
    """The Secret of passwords and keys. It is immutable, so that nobody changes it by accident, and known by its name."""
    return Wanted(namespace, GENERATED, KEYS, immutable=True, by_name=True)


@dataclass(frozen=True)
class Values:
    """Values of Secrets by key, in base64 as the API has them: generated ones, the embedded Git server's, the store's of task logs."""

    generated: Mapping[str, str] = field(default_factory=dict, repr=False)
    git: Mapping[str, str] = field(default_factory=dict, repr=False)
    store: Mapping[str, str] = field(default_factory=dict, repr=False)


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def decode(value: str | None) -> str:
    return base64.b64decode(value or "").decode()


def dags_credentials(airflow: AirflowSettings, values: Values) -> Credentials:
    """What git-sync reads the DAG repository with: the embedded server's read-only token, or what is set."""
    if airflow.dags.embedded:
        return Credentials(decode(values.git.get("username")), decode(values.git.get("git-sync-token")))
    return airflow.dags.used


def log_keys(airflow: AirflowSettings, values: Values) -> dict[str, list[str]]:
    """Account and secret key of the workers and of the webserver, in base64. The webserver's only reads, if there is one of its own."""
    store = values.store
    if airflow.logs.mode == "embedded":
        return {name: [encode(name), store.get(name, "")] for name in ("workers", "webserver")}
    names = ("access-key-id", "secret-access-key")
    return {
        "workers": [store.get(name, "") for name in names],
        "webserver": [store.get(f"webserver-{name}", store.get(name, "")) for name in names],
    }


def _checksum(values: Values, text: str) -> str:
    """Keyed with one of the platform's secrets, so that nobody can test a guessed password against a checksum in Git."""
    return hashlib.sha256((values.generated.get("fernet-key", "") + text).encode()).hexdigest()[:CHECKSUM]


def dags_checksum(credentials: Credentials, values: Values) -> str:
    """Changes with the credentials of the DAG repository. Empty without any."""
    return _checksum(values, credentials.identity()) if credentials.git_sync_secrets() else ""


def logs_checksum(keys: Mapping[str, list[str]], values: Values) -> str:
    """Changes with the keys of the store of task logs."""
    return _checksum(values, json.dumps(keys))


def _secret(namespace: str, name: str, data: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> Obj:
    metadata = {"name": name, "namespace": namespace, **({"annotations": dict(annotations)} if annotations else {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": dict(data)}


def secrets(given: Settings, airflow: AirflowSettings, values: Values, store_endpoint: str) -> list[Obj]:
    """The Secrets without labels. Worker pods need the connection, the Fernet key and the Git credentials in their own namespace."""
    core, made = str(given.core_namespace), values.generated
    # The address of a database's pod that is gone swallows what is sent to it: without a limit a web worker hangs there for two minutes.
    host = f"airflow-mysql.{core}.svc.cluster.local:3306"
    connection = f"mysql+mysqldb://airflow:{decode(made.get('mysql-password'))}@{host}/airflow?charset=utf8mb4&connect_timeout=10"
    keys = log_keys(airflow, values) if airflow.logs.mode != "none" else {}
    every = {
        "airflow-metadata": {"connection": encode(connection)},
        "airflow-fernet-key": {"fernet-key": made.get("fernet-key", "")},
        **({LOG_SECRET: _logs(airflow, keys["workers"], store_endpoint, reader=False)} if keys else {}),
    }
    for name, texts in dags_credentials(airflow, values).git_sync_secrets().items():
        every[name] = {key: encode(text) for key, text in texts.items()}
    remembered = {(core, LOG_SECRET): {LOG_STORE: log_store_text(airflow.logs, given.logs_namespace)}}
    found = [
        _secret(str(namespace), name, data, remembered.get((str(namespace), name)))
        for namespace in given.worker_namespaces
        for name, data in every.items()
    ]
    if keys:
        found.append(_secret(core, WEBSERVER_LOG_SECRET, _logs(airflow, keys["webserver"], store_endpoint, reader=True)))
    database = {"password": made.get("mysql-password", ""), "root-password": made.get("mysql-root-password", "")}
    found.append(_secret(core, WEBSERVER_KEY, {"webserver-secret-key": made.get("webserver-secret-key", "")}))
    found.append(_secret(core, "airflow-admin", {"password": made.get("admin-password", "")}))
    found.append(_secret(core, "airflow-mysql", {"username": encode("airflow"), **database}))
    return found


def _logs(airflow: AirflowSettings, keys: list[str], store_endpoint: str, reader: bool) -> dict[str, str]:
    logs, embedded = airflow.logs, airflow.logs.mode == "embedded"
    access, secret = map(decode, keys)
    endpoint, region = (store_endpoint, "us-east-1") if embedded else (logs.endpoint, logs.region)
    return {"connection": encode(task_log_connection(secret, access, endpoint, region, embedded, reader))}


# Reading


def _data(secret: Obj | None, name: str, platform: str | None, check: bool) -> dict[str, str]:
    """A Secret's values; in check mode none if it does not exist yet. With ``platform`` it must be that platform's, or an older one's."""
    if secret is None:
        if check:
            return {}
        raise CollectionError(
            f"The Secret {name}, whose values Airflow needs, does not exist.", "Run site.yml, which creates it.", "missing_secret"
        )
    if platform is not None and not belongs(secret["metadata"], platform, adopt=True):
        message = f"The Secret {name} has values that are not this platform's: {owner_text(secret['metadata'], platform)}."
        raise CollectionError(message, "Use another namespace, or delete the Secret if nobody needs it.", "foreign_object")
    return dict(secret.get("data") or {})


def read_values(api: KubeApi, given: Settings, airflow: AirflowSettings, check: bool) -> Values:
    """The values that Airflow's Secrets are made of, beside the generated ones. Raises ApiError, CollectionError."""

    def read(namespace: Any, name: str, own: bool) -> dict[str, str]:
        secret = api.find(core_path("secrets", str(namespace), name))
        return _data(secret, f"{namespace}/{name}", given.name if own else None, check)

    git = read(given.git_namespace, GIT_SECRET, own=True) if airflow.dags.embedded else {}
    store: dict[str, str] = {}
    if airflow.logs.mode == "embedded":
        store = read(given.logs_namespace, "task-logs-generated", own=True)
    elif airflow.logs.mode == "s3":
        store = read(given.core_namespace, airflow.logs.secret, own=False)
    return Values(git=git, store=store)
