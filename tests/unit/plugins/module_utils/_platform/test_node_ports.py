# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node ports: which are compared, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform.node_ports import (
    AIRFLOW,
    ARGOCD,
    notes,
    opened,
    read,
    refusals,
    wanted,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Repository, Settings

REPOSITORIES = Repository("platform", "https://h/p.git"), Repository("dags", "https://h/d.git")
WEBSERVER, ARGO_SERVER = Ref("Service", "stage-core", "airflow-webserver"), Ref("Service", "argocd", "argocd-server-node-port")
THEIRS = Ref("Service", "prod-core", "airflow-webserver")
NAMESPACES: list[dict[str, Any]] = [{"name": "prod-core", "labels": {"gitops-airflow/platform": "prod"}}, {"name": "team"}]


def given(airflow: int = 30080, argo: int = 30443, **more: Any) -> Settings:
    flow = AirflowSettings(*REPOSITORIES, webserver_node_port=airflow)
    return Settings("stage", "stage", core_namespace="stage-core", argocd_node_port=argo, airflow=flow, **more)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (given(), {AIRFLOW: (30080, WEBSERVER), ARGOCD: (30443, ARGO_SERVER)}),
        (given(0), {ARGOCD: (30443, ARGO_SERVER)}),
        (given(0, 0), {}),
        # Its Service is its owner's.
        (given(argocd="existing"), {AIRFLOW: (30080, WEBSERVER)}),
        (replace(given(), airflow=None), {}),
    ],
)
def test_the_ports_that_a_run_opens(settings: Settings, expected: dict[str, Any]) -> None:
    assert wanted(settings) == expected


def service(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name}, "spec": spec}


def test_the_ports_that_are_open() -> None:
    services = [
        service("prod-core", "airflow-webserver", ports=[{"port": 8080, "nodePort": 30080}]),
        service("team", "web", ports=[{"port": 80, "nodePort": 31000}, {"port": 443, "nodePort": 31001}], healthCheckNodePort=31002),
        service("team", "headless", ports=[{"port": 80}]),
        {"metadata": {"namespace": "team", "name": "none"}},
    ]
    web = Ref("Service", "team", "web")
    assert opened(services) == {30080: THEIRS, 31000: web, 31001: web, 31002: web}


class Api:
    def __init__(self, status: int = 0) -> None:
        self.status, self.paths = status, list[str]()

    def items(self, path: str, *, whole: bool) -> list[dict[str, Any]]:
        self.paths.append(path)
        if self.status:
            raise ApiError(self.status, "no")
        return [service("prod-core", "airflow-webserver", ports=[{"nodePort": 30080}])]


@pytest.mark.parametrize(
    ("settings", "status", "asked", "expected"),
    [(given(), 0, 1, {30080: THEIRS}), (given(0, 0), 0, 0, {}), (given(), 403, 1, None)],
    ids=["read", "no port is wanted", "no right to list all Services"],
)
def test_what_is_read(settings: Settings, status: int, asked: int, expected: dict[int, Ref] | None) -> None:
    api = Api(status)
    assert read(cast(KubeApi, api), settings) == expected
    assert api.paths == ["/api/v1/services"] * asked


def test_another_failure_is_one() -> None:
    with pytest.raises(ApiError):
        read(cast(KubeApi, Api(500)), given())


@pytest.mark.parametrize(
    ("found", "settings", "messages"),
    [
        ({}, given(), []),
        ({30080: WEBSERVER, 30443: ARGO_SERVER}, given(), []),
        ({30081: THEIRS}, given(), []),
        (
            {30080: THEIRS},
            given(),
            [
                f"{AIRFLOW} of the platform 'stage' is 30080, which is the node port of the Service prod-core/airflow-webserver of the "
                "platform 'prod'."
            ],
        ),
        (
            {30443: Ref("Service", "team", "web")},
            given(),
            [f"{ARGOCD} of the platform 'stage' is 30443, which is the node port of the Service team/web."],
        ),
        ({}, given(30080, 30080), [f"{AIRFLOW} and {ARGOCD} are both 30080. Each needs a port of its own."]),
    ],
    ids=["free", "its own", "another port", "of another platform", "of others", "twice"],
)
def test_what_is_refused(found: dict[int, Ref], settings: Settings, messages: list[str]) -> None:
    assert [refusal.message for refusal in refusals(found, settings, NAMESPACES)] == messages


def test_a_note_says_what_an_account_cannot_compare() -> None:
    said = "Whether another Service has platform_airflow_node_port (30080) is not checked, because this account may not list all Services."
    existing = given(argocd="existing")
    assert list(notes(None, existing)) == [said]
    assert (list(notes({}, existing)), list(notes(None, given(0, 0))), list(refusals(None, existing, NAMESPACES))) == ([], [], [])
