# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found on a machine: this one's own sockets, and an engine that answers from a table."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._host import preflight as _host
from ansible_collections.gitops.airflow.plugins.modules import host_preflight
from ansible_collections.gitops.airflow.plugins.modules.host_preflight import Host, examine
from ansible_collections.gitops.airflow.plugins.plugin_utils._hosted import Ended, HostedModule

DENIED = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
# What podman 4.3.1 answers as the command docker, cut down.
EMULATED = "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg."
PODMAN = {
    "host": {"arch": "amd64", "buildahVersion": "1.28.2", "os": "linux"},
    "store": {"graphDriverName": "overlay", "graphRoot": "/var/lib/containers/storage"},
    "version": {"APIVersion": "4.3.1", "Version": "4.3.1", "OsArch": "linux/amd64"},
}
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
        super().__init__("docker")
        self.answers: dict[str, tuple[int | None, str, str]] = {
            "info": (0, json.dumps({"ServerVersion": "28.2", "DockerRootDir": str(root), "MemTotal": 2**33}), ""),
            "ps": (0, "", ""),
            "image": (0, "", ""),
        } | over
        self.asked: list[list[str]] = []

    def run(self, args: Sequence[str], timeout: float | None = None) -> tuple[int | None, str, str]:
        self.asked.append(list(args))
        return self.answers[args[0]]

    def memory(self) -> int | None:
        return 2**33

    def listens(self, port: int) -> bool:
        return False


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
        (0, EMULATED, PODMAN, "engine_unsupported"),
        # docker with the socket of Podman's service.
        (0, "", {"ServerVersion": "4.3.1", "DockerRootDir": "/var/lib/containers/storage"}, "engine_unsupported"),
        (0, "", {"ServerVersion": "4.3.1", "DockerRootDir": "/home/ann/.local/share/containers/storage"}, "engine_unsupported"),
        (0, "", {"ServerVersion": "28.2", "DockerRootDir": "/srv/containers"}, None),
    ],
)
def test_an_engine_is_missing_or_forbidden_or_down(code: int | None, output: str, info: dict[str, Any], expected: str | None) -> None:
    problem = _host.engine_problem("docker", code, output, info)
    assert (problem and problem.code) == expected
    if problem and output and problem.code != "engine_unsupported":
        assert output in problem.value
        assert "?." not in str(problem)


def test_podman_is_refused_by_name() -> None:
    problem = _host.engine_problem("docker", 0, EMULATED, PODMAN)
    assert problem
    assert str(problem) == "The engine behind the command docker is Podman 4.3.1. The collection supports kind with Docker only."
    assert problem.next_action == (
        "Install Docker in place of Podman (Debian, Ubuntu: apt-get install docker.io), or make a cluster with Podman yourself, and set "
        "platform_provider: existing."
    )


@pytest.mark.parametrize(
    ("provider", "engine", "warned"),
    [
        (None, True, False),
        ("", True, False),
        ("docker", True, False),
        ("podman", True, True),
        ("dockr", True, True),
        ("podman", False, False),
    ],
)
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"ServerVersion": "28.2", "DockerRootDir": "/"}, None),
        ({}, "engine_not_running"),
        (PODMAN, "engine_unsupported"),
    ],
)
def test_another_engine_for_kind_is_ignored_with_a_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    provider: str | None,
    engine: bool,
    warned: bool,
    answer: dict[str, Any],
    code: str | None,
) -> None:
    """kind runs without the variable. What the command docker answers decides."""
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
    if provider is not None:
        monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", provider)
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\n[ $1 = info ] || exit 0\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
    docker.chmod(0o755)
    options = {"container_engine": engine, "engine_command": str(docker)}
    with pytest.raises(Ended) as ended:
        host_preflight.main(lambda **spec: HostedModule(options, "host_preflight", True, True, **spec))
    assert ended.value.result.get("code") == (code if engine else None)
    said = f"The environment variable KIND_EXPERIMENTAL_PROVIDER is {provider}. The collection ignores it, and runs kind with Docker."
    assert [warning for warning in ended.value.result.get("warnings", []) if "KIND_" in warning] == [said] * warned


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


@pytest.mark.parametrize(
    ("address", "both"), [("127.0.0.1", False), ("0.0.0.0", False), ("::", True), ("::", False), ("::1", True), ("::1", False)]
)
def test_f12_a_listening_port_is_in_use(address: str, both: bool) -> None:
    """A browser that is sent to localhost would meet this listener, on ::1 even before Airflow. ``both``: of IPv4, too."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family, dualstack_ipv6=both) as server:
        port = server.getsockname()[1]
        (fact,) = Host("no-such-engine").ports([port], [])
    assert not fact["free"]
    # The process is named where ss or lsof is installed.
    assert fact["pid"] == (os.getpid() if shutil.which("ss") or shutil.which("lsof") else None)


def test_a_listener_elsewhere_does_not_collide() -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        assert not Host("no-such-engine").listens(server.getsockname()[1])


def test_f12_a_program_that_accepts_no_more_holds_its_port() -> None:
    """Its queue is full: a connection gets no answer."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=0) as server, contextlib.ExitStack() as clients:
        for _each in range(4):
            client = clients.enter_context(socket.socket(socket.AF_INET6))
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        assert Host("no-such-engine").listens(server.getsockname()[1])


def test_a_closed_connection_leaves_the_port_free() -> None:
    """The side that closes first keeps the port in TIME_WAIT; bind() without SO_REUSEADDR would call it used."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        server.accept()[0].close()
        client.close()
    assert not Host("no-such-engine").listens(port)


# Recorded on Debian 12 (iproute2 6.1.0, lsof 4.95.0), as the process's user and as another one. macOS comes with the same lsof.
SS = 'LISTEN 0      128    127.0.0.1:8088 0.0.0.0:* users:(("python3",pid=25207,fd=3))\n'
SS_HIDDEN = "LISTEN 0      128    127.0.0.1:8088 0.0.0.0:*\n"
LSOF = "p25207\ncpython3\n"
PYTHON = _host.Process(25207, "python3")


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        pytest.param({"ss": SS, "lsof": ""}, PYTHON, id="Linux"),
        pytest.param({"lsof": LSOF}, PYTHON, id="macOS"),
        pytest.param({"ss": SS_HIDDEN, "lsof": ""}, _host.Process(), id="of another user"),
        pytest.param({}, _host.Process(), id="neither program is installed"),
    ],
)
def test_the_process_behind_a_port(printed: dict[str, str], expected: _host.Process) -> None:
    asked = []

    def output(command: Sequence[str]) -> str:
        asked.append(" ".join(command))
        return printed.get(command[0], "")

    assert _host.listening_process(8088, output) == expected
    assert asked[0] == "ss -Hltnp sport = :8088"


def test_a_process_that_may_not_be_seen() -> None:
    (problem,) = _host.port_problems(_host.port_facts([8080], {8080: _host.Process()}, []), None)
    assert problem.value == "TCP port 8080 is used by a process that this user cannot see"
    assert "Run as root" in problem.next_action
    assert "-iTCP:8080" in problem.next_action


@pytest.mark.parametrize(("owner", "expected"), [("lab", []), ("other", ["port_busy"]), (None, ["port_busy"])])
def test_ports_of_the_clusters_own_nodes_are_fine(owner: str | None, expected: list[str]) -> None:
    containers = _host.publishers(json.dumps(NODE))
    # With a proxy process and without one, as Docker may be set up.
    for listening in ({8080: _host.Process(7, "docker-proxy")}, {}):
        facts = _host.port_facts([8080], listening, containers)
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


# What docker info answers, shortened. Linux: recorded on Debian 12. macOS: the memory is what OrbStack says on a Mac with 64 GiB
# (henrygd/beszel#2098); its folder is only in the virtual machine.
LINUX = {"ServerVersion": "20.10.24+dfsg1", "DockerRootDir": "/", "MemTotal": 25276502016}
MACOS = {"ServerVersion": "28.5.2", "DockerRootDir": "/no/such/folder/here", "MemTotal": 16818024448}


@pytest.mark.parametrize(
    ("info", "memory", "disk"),
    [
        pytest.param(LINUX, 24105, True, id="Linux"),
        pytest.param(MACOS, 16038, False, id="macOS"),
        pytest.param(LINUX | {"MemTotal": 0}, 8192, True, id="no memory in the answer"),
    ],
)
def test_memory_and_disk_are_those_of_the_engines_machine(tmp_path: Path, info: dict[str, Any], memory: int, disk: bool) -> None:
    problems, facts = examine(Table(tmp_path, info=(0, json.dumps(info), "")), PARAMS | {"min_memory_mb": memory, "min_disk_mb": 1})
    assert problems == []
    assert facts["memory_mb"] == memory
    assert ("disk_mb" in facts) == disk


def test_the_memory_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Host("docker").memory()
    assert found is not None
    assert found > 2**28

    def sysconf(name: str) -> int:
        raise ValueError(f"unrecognized configuration name {name}")

    monkeypatch.setattr(os, "sysconf", sysconf)
    assert Host("docker").memory() is None


def test_what_is_not_known_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "memory", lambda _self: None)
    host = Table(tmp_path, info=(None, "", ""), ps=(None, "", ""))
    problems, facts = examine(host, PARAMS | {"container_engine": False, "min_memory_mb": 9999, "min_disk_mb": 9999})
    assert (problems, facts) == ([], {"images": [], "ports": []})


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
