# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F3, H5: NO_PROXY holds for every way to the API server: requests, watches, commands and tunnels.

A real API server and a real proxy, both on the loopback. By its other name only the proxy finds the server.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import open_tunnel
from ansible_collections.gitops.airflow.tests.integration.apiserver import ELSEWHERE, ApiServer
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS
from ansible_collections.gitops.airflow.tests.unit.logging_proxy import LoggingProxy, logging_proxy, set_proxy

Obj = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "airflow-user"
POD: Obj = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "far", "namespace": NAMESPACE},
    "spec": {"containers": [{"name": "base", "image": "none"}]},
}
SERVICE: Obj = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "far", "namespace": NAMESPACE},
    "spec": {"ports": [{"port": 80}]},
}
SLICE: Obj = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "far", "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": "far"}},
    "addressType": "IPv4",
    "ports": [{"name": "", "port": 8080}],
    "endpoints": [{"addresses": ["10.1.1.1"], "targetRef": {"kind": "Pod", "name": "far", "namespace": NAMESPACE}}],
}


@pytest.fixture(scope="module")
def far(server: ApiServer) -> Iterator[ApiServer]:
    """The server with a pod that is on no node, and a Service that leads to it."""
    objects = (POD, SERVICE, SLICE)
    for obj in objects:
        server.create(obj)
    yield server
    for obj in objects:
        server.delete(obj)


@pytest.fixture
def proxy(far: ApiServer) -> Iterator[LoggingProxy]:
    with logging_proxy({ELSEWHERE: far.port}) as running:
        yield running


def get(api: KubeApi, _kubeconfig: str) -> None:
    assert api.get(core_path("namespaces", name=NAMESPACE))["metadata"]["name"] == NAMESPACE


def watch(api: KubeApi, _kubeconfig: str) -> None:
    query = {"fieldSelector": "metadata.name=far", "timeoutSeconds": 1}
    assert [event["type"] for event in api.watch(core_path("pods", NAMESPACE), query)] == ["ADDED"]


def command(api: KubeApi, _kubeconfig: str) -> None:
    with pytest.raises(ApiError, match="does not have a host assigned"):
        api.run(NAMESPACE, "far", "base", ["true"])


def tunnel(_api: KubeApi, kubeconfig: str) -> None:
    with open_tunnel({"kubeconfig": kubeconfig}, NAMESPACE, "far", 80) as opened:
        with socket.create_connection(("127.0.0.1", opened.port), timeout=20) as near:
            assert near.recv(1) == b""
        assert "does not have a host assigned" in str(opened.error)


WAYS: list[Callable[[KubeApi, str], None]] = [get, watch, command, tunnel]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lower", [True, False], ids=["small", "capital"])
@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "127.0.0.0/8", "a.example.com,127.0.0.1", ""])
def test_the_server_on_this_machine_is_asked_without_a_proxy(
    far: ApiServer, proxy: LoggingProxy, monkeypatch: pytest.MonkeyPatch, way: Callable[[KubeApi, str], None], lower: bool, no_proxy: str
) -> None:
    set_proxy(monkeypatch, proxy.url, no_proxy, lower)
    kubeconfig = str(far.kubeconfig("admin"))
    way(connect({"kubeconfig": kubeconfig}), kubeconfig)
    assert proxy.requests == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("no_proxy", ["127.0.0.1", ".itops.test", f"{ELSEWHERE}:1", ""])
def test_a_server_that_is_not_excluded_is_asked_by_the_proxy(
    far: ApiServer, proxy: LoggingProxy, monkeypatch: pytest.MonkeyPatch, way: Callable[[KubeApi, str], None], no_proxy: str
) -> None:
    set_proxy(monkeypatch, proxy.url, no_proxy)
    kubeconfig = str(far.kubeconfig("admin", host=ELSEWHERE))
    way(connect({"kubeconfig": kubeconfig}), kubeconfig)
    assert set(proxy.requests) == {f"CONNECT {ELSEWHERE}:{far.port}"}
    assert proxy.passwords == []


@pytest.mark.parametrize("no_proxy", [ELSEWHERE, ".gitops.test", "test", "*"])
def test_an_excluded_server_is_not_asked_by_the_proxy(
    far: ApiServer, proxy: LoggingProxy, monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    set_proxy(monkeypatch, proxy.url, no_proxy)
    api = connect({"kubeconfig": str(far.kubeconfig("admin", host=ELSEWHERE))})
    for ask in (lambda: api.get("/version"), lambda: api.run(NAMESPACE, "far", "base", ["true"])):
        with pytest.raises(ApiError):  # no name server knows it
            ask()
    assert proxy.requests == []


WAIT: Obj = {
    "name": "Wait for an Application",
    "gitops.airflow.argocd_application_wait": {"applications": ["none"], "namespace": "argocd", "timeout": 0},
    "register": "waited",
    "failed_when": "'cannot be reached' in waited.msg",
}


def play(folder: Path, kubeconfig: Path, tasks: list[Obj], roles: list[Any], **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs tasks with the defaults that roles give to their modules."""
    document = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"platform_kubeconfig": str(kubeconfig), "platform_context": "test", "platform_provider": "existing"},
        "module_defaults": {"group/gitops.airflow.cluster": "{{ __platform_cluster }}"},
        "roles": roles,
        "tasks": tasks,
    }
    (folder / "play.json").write_text(json.dumps([document]))
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", str(folder / "play.json")],
        cwd=ROOT,
        env={**clean, "ANSIBLE_PYTHON_INTERPRETER": sys.executable, **environment},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    ("host", "no_proxy", "asked"), [("127.0.0.1", "127.0.0.1", False), ("127.0.0.1", "", False), (ELSEWHERE, "b.test", True)]
)
def test_the_roles_modules_ask_the_proxy_where_they_should(
    far: ApiServer, proxy: LoggingProxy, tmp_path: Path, host: str, no_proxy: str, asked: bool
) -> None:
    kubeconfig = far.kubeconfig("admin", host=host)
    environment = {"HTTPS_PROXY": proxy.url, "HTTP_PROXY": "http://127.0.0.1:9", **({"NO_PROXY": no_proxy} if no_proxy else {})}
    done = play(tmp_path, kubeconfig, [WAIT], ["gitops.airflow.platform"], **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(proxy.requests) == ({f"CONNECT {ELSEWHERE}:{far.port}"} if asked else set())


def test_a_role_asks_no_proxy(far: ApiServer, proxy: LoggingProxy, tmp_path: Path) -> None:
    # With Argo CD's kinds and without its record the cluster is another's: there the role may only look.
    roles = [{"role": "gitops.airflow.namespaces", "namespaces_state": "absent"}]
    done = play(tmp_path, far.kubeconfig("admin"), [], roles, HTTPS_PROXY=proxy.url, no_proxy="127.0.0.1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert proxy.requests == []


def test_status_shows_urls_and_requests_none(far: ApiServer, proxy: LoggingProxy) -> None:
    """H4: the proxy is a web server, too, and stands for another program on the platform's port."""
    urls = {"Airflow": proxy.url, "Argo CD": f"{proxy.url}/argocd"}
    given: dict[str, Any] = {"platform": {"name": "airflow"}, "urls": urls, "password_commands": {"Airflow": "ask Ann"}}
    with Module("platform_status", far.kubeconfig("admin"), **given) as module:
        found = module.result()
    assert found["status"]["urls"] == [
        {"name": name, "url": url, "password_command": "ask Ann" if name == "Airflow" else ""} for name, url in urls.items()
    ]
    assert f"Airflow  {proxy.url}" in found["text"]
    assert not any(proxy.url in problem for problem in found["status"]["problems"])
    assert proxy.requests == []


AIRFLOW: Obj = {"username": "admin", "password": "secret-of-airflow", "dag_id": "a"}
FAR = {"namespace": NAMESPACE, "service": "far", "port": 80}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        # The pod is there but cannot be reached, which may pass.
        (
            {"tunnel": FAR, "timeout": 1},
            "Airflow at Service far in airflow-user cannot be reached: no tunnel .*: pod far does not have a host.* stayed so for 1 s",
        ),
        ({"tunnel": {**FAR, "port": 81}}, r"the Service far has no port 81 \(it has: 80\)"),
        ({"tunnel": {**FAR, "service": "none"}}, "no tunnel to the Service none in airflow-user: .*404"),
        ({"tunnel": FAR, "url": "http://localhost"}, "mutually exclusive"),
        ({}, "one of the following is required: url, tunnel"),
        ({"url": "http://airflow.test"}, "over plain HTTP the password of user 'admin' could be read on its way"),
    ],
)
def test_airflow_dag_run_and_its_ways(far: ApiServer, options: Obj, words: str) -> None:
    """H4, H5"""
    with Module("airflow_dag_run", far.kubeconfig("admin"), **AIRFLOW, **options) as module:
        found = module.result()
    assert found["failed"]
    assert re.search(words, found["msg"])
    assert "secret-of-airflow" not in str(found)
