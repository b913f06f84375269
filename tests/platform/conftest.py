# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a platform that runs. PLATFORM names it, as JSON: the scenario site_security hands in the roles' own variables."""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

ROOT = Path(__file__).resolve().parents[2]
# Through a tunnel: no proxy of the environment gets the password (H5).
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

# Seconds that a network plugin gets for new pods and policies.
SETTLE = 10


@dataclass(frozen=True)
class Platform:
    """The roles' variables that the tests need."""

    kubeconfig: str
    context: str
    state_dir: str
    inventory: str
    core: str
    argocd: str
    git: str
    logs: str
    workers: tuple[str, ...]
    repository: str
    image: str
    operators: tuple[str, ...] = ()  # worker namespaces with pod_operator

    @property
    def airflow(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.core, *self.workers]))

    @property
    def namespaces(self) -> tuple[str, ...]:
        return (*self.airflow, self.argocd, self.git, self.logs)


@pytest.fixture(scope="session")
def platform() -> Platform:
    given = json.loads(os.environ["PLATFORM"])
    return Platform(**{**given, **{key: tuple(given[key]) for key in ("workers", "operators") if key in given}})


@pytest.fixture(scope="session")
def connect(platform: Platform) -> Callable[..., client.ApiClient]:
    """A client, as another user if ``user`` is given."""

    def connected(user: str = "") -> client.ApiClient:
        made = config.new_client_from_config(platform.kubeconfig, platform.context)
        if user:
            made.set_default_header("Impersonate-User", user)
        return made

    return connected


@pytest.fixture(scope="session")
def core(connect: Callable[..., client.ApiClient]) -> client.CoreV1Api:
    return client.CoreV1Api(connect())


@pytest.fixture(scope="session")
def applications(connect: Callable[..., client.ApiClient]) -> client.CustomObjectsApi:
    return client.CustomObjectsApi(connect())


@pytest.fixture(scope="session")
def opened(connect: Callable[..., client.ApiClient], platform: Platform) -> Callable[[], AbstractContextManager[None]]:
    """Without NetworkPolicies, as long as it is entered."""
    api = client.NetworkingV1Api(connect())

    @contextmanager
    def without() -> Iterator[None]:
        metadata = {"name": "test-open"}
        spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}
        made = []
        try:
            for namespace in dict.fromkeys(platform.namespaces):
                api.create_namespaced_network_policy(namespace, {"metadata": metadata, "spec": spec})
                made.append(namespace)
            time.sleep(SETTLE)
            yield
        finally:
            for namespace in made:
                api.delete_namespaced_network_policy("test-open", namespace)
            time.sleep(SETTLE)

    return without


def decoded(secret: Any) -> dict[str, str]:
    return {key: base64.b64decode(value).decode("utf-8", "replace") for key, value in (secret.data or {}).items()}
