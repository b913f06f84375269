# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found on a machine: this one's own sockets, and an engine that answers from a table."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._host import preflight as _host
from ansible_collections.gitops.airflow.plugins.modules.host_preflight import Host, examine

DENIED = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
NODE = {
    "Names": "lab-control-plane",
    "Ports": "127.0.0.1:40001->6443/tcp, 0.0.0.0:8080->30080/tcp",
    "Labels": "io.x-k8s.kind.cluster=lab,a=b",
}
PARAMS: dict[str, Any] = {
    "container_engine": True,
    "ports": [],
    "ports_owner": None,
    "min_memory_mb": None,
    "min_disk_mb": None,
    "images": [],
}


class Table(Host):
    """A host whose engine answers from a table: first words of a command to exit code, output and error output."""

    def __init__(self, root: Path, **over: Any) -> None:
        super().__init__("docker", proc=root)
        (root / "meminfo").write_text("MemTotal:        8388608 kB\nMemFree: 1 kB\n")
        self.answers: dict[str, tuple[int | None, str, str]] = {
            "info": (0, json.dumps({"ServerVersion": "28.2", "DockerRootDir": str(root)}), ""),
            "ps": (0, "", ""),
            "image": (0, "", ""),
        } | over
        self.asked: list[list[str]] = []

    def run(self, args: Sequence[str], timeout: float | None = None) -> tuple[int | None, str, str]:
        self.asked.append(list(args))
        return self.answers[args[0]]


def codes(problems: list[_host.Problem]) -> list[str]:
    return [problem.code for problem in problems]


@pytest.mark.parametrize(
    ("code", "output", "info", "expected"),
    [
        (0, "", {"ServerVersion": "28.2"}, None),
        (None, "", {}, "engine_missing"),
        (1, DENIED, {}, "engine_permission"),
        (0, "", {"ServerErrors": [DENIED]}, "engine_permission"),
        (1, DOWN, {}, "engine_not_running"),
        (0, "", {"ServerErrors": [DOWN]}, "engine_not_running"),
    ],
)
def test_an_engine_is_missing_or_forbidden_or_down(code: int | None, output: str, info: dict[str, Any], expected: str | None) -> None:
    problem = _host.engine_problem("docker", code, output, info)
    assert (problem and problem.code) == expected
    if problem and output:
        assert output in problem.value
        assert "?." not in str(problem)


@pytest.mark.parametrize(
    ("code", "output", "status"),
    [
        (0, "{}", "in_registry"),
        (None, "", "unreachable"),
        (1, 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host', "unreachable"),
        (1, "x509: certificate signed by unknown authority", "unreachable"),
        (1, "no such manifest: docker.io/kindest/node:v0.0.0", "unknown"),
        (1, "manifest unknown: manifest unknown", "unknown"),
        (1, "errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required\n", "registry_error"),
        (1, "toomanyrequests: You have reached your pull rate limit", "registry_error"),
        (1, "received unexpected HTTP status: 503 Service Unavailable", "registry_error"),
    ],
)
def test_an_image_is_there_or_unknown_or_out_of_reach(code: int | None, output: str, status: str) -> None:
    assert _host.image_status(code, output)[0] == status


def test_problems_of_one_registry_are_told_once() -> None:
    statuses = [
        {"name": name, "status": "unreachable", "message": "no such host"}
        for name in ("mysql:8.0", "apache/airflow:2.6.3", "quay.io/a/b:1")
    ]
    problems = _host.image_problems(statuses)
    assert codes(problems) == ["registry_unreachable"] * 2
    assert "docker.io cannot be reached for mysql:8.0, apache/airflow:2.6.3: no such host" in problems[0].value


def test_a_socket_of_this_process_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("::1", 0), family=socket.AF_INET6) as six:
        ports = [server.getsockname()[1]]
        facts = Host("no-such-engine").ports([*ports, six.getsockname()[1]], [])
    assert (facts[0]["free"], facts[0]["pid"]) == (False, os.getpid())
    assert _host.port_problems(facts[:1], None)[0].value.endswith(f"(pid {os.getpid()})")
    assert facts[1]["free"], "a listener on ::1 alone does not collide"


TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 100 0 0 10 0
   2: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0
   3: 0500A8C0:1F92 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 444 1 0 100 0 0 10 0
"""


def test_listeners_that_collide() -> None:
    found = _host.listeners(TCP, [8080, 8443, 8081, 8082])
    assert [(item.port, item.inode, item.uid) for item in found] == [(8080, "111", 0), (8443, "222", 1000)]


def test_a_socket_that_may_not_be_looked_into_names_the_user() -> None:
    facts = _host.port_facts([8080], [_host.Listener(8080, "1", 4294967294)], {}, [])
    (problem,) = _host.port_problems(facts, None)
    assert problem.value == "TCP port 8080 is used by a process of user id 4294967294"
    assert "Run as root" in problem.next_action


@pytest.mark.parametrize(("owner", "expected"), [("lab", []), ("other", ["port_busy"]), (None, ["port_busy"])])
def test_ports_of_the_clusters_own_nodes_are_fine(owner: str | None, expected: list[str]) -> None:
    containers = _host.publishers(json.dumps(NODE))
    # With a proxy process and without one, as Docker may be set up.
    for listening in ([_host.Listener(8080, "1", 0)], []):
        facts = _host.port_facts([8080], listening, {"1": (7, "docker-proxy", "")}, containers)
        problems = _host.port_problems(facts, owner)
        assert codes(problems) == expected
        if problems:
            assert "the container lab-control-plane, a node of the kind cluster lab" in problems[0].value


def test_published_port_ranges() -> None:
    (found,) = _host.publishers(json.dumps({"Names": "x", "Ports": "0.0.0.0:8000-8002->80-82/tcp, :::53->53/udp, 9/tcp", "Labels": ""}))
    assert found.ports == {8000, 8001, 8002}


def test_a_machine_without_problems_is_asked_little(tmp_path: Path) -> None:
    host = Table(tmp_path)
    problems, facts = examine(host, PARAMS | {"images": ["mysql:8.0", "a/b:1"], "min_memory_mb": 8192, "min_disk_mb": 1})
    assert problems == []
    assert facts["memory_mb"] == 8192
    assert facts["engine_root"] == str(tmp_path)
    assert {item["status"] for item in facts["images"]} == {"local"}
    assert sorted(args[0] for args in host.asked) == ["image", "info", "ps"]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    host = Table(tmp_path, image=(1, "", "No such image"), manifest=(1, "", "no such manifest: x"), ps=(0, json.dumps(NODE), ""))
    params = PARAMS | {"ports": [8080], "images": ["a/b:1"], "min_memory_mb": 8193, "min_disk_mb": 2**40}
    problems, _facts = examine(host, params)
    assert codes(problems) == ["port_busy", "memory_low", "disk_low", "image_unknown"]
    assert all(problem.value and problem.rule and problem.next_action for problem in problems)


def test_a_running_cluster_needs_no_more_memory_or_disk(tmp_path: Path) -> None:
    host = Table(tmp_path, ps=(0, json.dumps(NODE), ""))
    params = PARAMS | {"ports": [8080], "ports_owner": "lab", "min_memory_mb": 2**30, "min_disk_mb": 2**40}
    assert examine(host, params)[0] == []


def test_without_an_engine_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    host = Table(tmp_path, info=(1, "", DOWN), ps=(1, "", DOWN), image=(1, "", DOWN), manifest=(1, "", DOWN))
    problems, facts = examine(host, PARAMS | {"images": ["a/b:1"], "min_memory_mb": 9999})
    assert codes(problems) == ["engine_not_running", "memory_low"]
    assert facts["images"] == [{"name": "a/b:1", "status": "not_checked", "message": ""}]


def test_no_engine_is_fine_where_none_is_needed(tmp_path: Path) -> None:
    host = Table(tmp_path, info=(None, "", ""), ps=(None, "", ""))
    assert examine(host, PARAMS | {"container_engine": False})[0] == []


def test_a_command_that_is_missing() -> None:
    assert Host("no-such-engine").engine()[1] == _host.engine_problem("no-such-engine", None, "", {})
