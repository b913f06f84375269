# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a pod: which one is chosen, and that bytes pass, both ways, in several connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import (
    FRESH_SECONDS,
    Pods,
    Tunnel,
    TunnelError,
    await_endpoint,
    endpoint,
    open_tunnel,
)


def pod(name: str, ready: bool | None = True) -> dict[str, Any]:
    return {"targetRef": {"kind": "Pod", "name": name}, "conditions": {} if ready is None else {"ready": ready}}


def service(*ports: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "git-http"}, "spec": {"ports": list(ports)}}


HTTP = {"name": "http", "port": 80}


@pytest.mark.parametrize(
    ("found", "slices", "expected"),
    [
        (service({"port": 3000}), [{"ports": [{"port": 3000}], "endpoints": [pod("a")]}], ("a", 3000)),
        (service(HTTP), [{"ports": [{"name": "ssh", "port": 22}, {"name": "http", "port": 3000}], "endpoints": [pod("a")]}], ("a", 3000)),
        (service(HTTP), [{"ports": [{"name": "http", "port": 1}], "endpoints": [pod("a", False), pod("b", None)]}], ("b", 1)),
        (service(HTTP), [{"endpoints": None}, {"ports": [{"name": "http", "port": 1}], "endpoints": [pod("c")]}], ("c", 1)),
    ],
)
def test_a_ready_pod_is_chosen(found: dict[str, Any], slices: list[dict[str, Any]], expected: tuple[str, int]) -> None:
    assert endpoint(found, slices, found["spec"]["ports"][0]["port"]) == expected


@pytest.mark.parametrize("slices", [[], [{"ports": [{"name": "http", "port": 1}], "endpoints": [pod("a", False)]}]])
def test_without_a_ready_pod_there_is_no_tunnel(slices: list[dict[str, Any]]) -> None:
    with pytest.raises(TunnelError, match="git-http has no ready pod"):
        endpoint(service(HTTP), slices, 80)


def test_a_port_that_the_service_lacks_is_told() -> None:
    with pytest.raises(TunnelError, match=r"has no port 22 \(it has: 80\)"):
        endpoint(service(HTTP), [], 22)


def test_a_pod_that_gets_ready_is_waited_for() -> None:
    naps: list[float] = []

    def read() -> tuple[str, int]:
        return endpoint(service(HTTP), [{"ports": [{"name": "http", "port": 1}], "endpoints": [pod("a", len(naps) > 2)]}], 80)

    assert await_endpoint(read, 5, naps.append, lambda: sum(naps)) == ("a", 1)
    assert len(naps) == 3
    with pytest.raises(TunnelError, match="has no ready pod"):
        await_endpoint(lambda: endpoint(service(HTTP), [], 80), 5, naps.append, lambda: sum(naps))


def test_a_wrong_port_is_not_waited_for() -> None:
    with pytest.raises(TunnelError, match="has no port"):
        await_endpoint(lambda: endpoint(service(HTTP), [], 81), 5, lambda _seconds: pytest.fail("slept"))


def test_a_cluster_that_cannot_be_asked_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(TunnelError, match=r"no tunnel to the Service git-http in git: .*no-such-file"),
        open_tunnel({"kubeconfig": str(tmp_path / "no-such-file")}, "git", "git-http", 80),
    ):
        pass


def answer(far: socket.socket, reply: Callable[[bytes], bytes]) -> None:
    """Answers one line and ends the connection."""
    with far, far.makefile("rb") as lines:
        far.sendall(reply(lines.readline()))


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    def connect() -> socket.socket:
        near, far = socket.socketpair()
        threading.Thread(target=answer, args=(far, lambda line: line.upper() * 20000), daemon=True).start()
        return near

    with Tunnel(connect) as opened:
        yield opened


def ask(port: int, text: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as near:
        near.sendall(f"{text}\n".encode())
        data = b""
        while chunk := near.recv(65536):
            data += chunk
    return data


def test_bytes_pass_both_ways_in_several_connections(tunnel: Tunnel) -> None:
    words = [f"word {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda word: ask(tunnel.port, word), words))
    assert answers == [f"{word.upper()}\n".encode() * 20000 for word in words]


def test_a_caller_that_goes_ends_the_far_side() -> None:
    near, far = socket.socketpair()
    far.settimeout(5)
    with Tunnel(lambda: near) as opened, closing(far):
        with socket.create_connection(("127.0.0.1", opened.port), timeout=5) as caller:
            caller.sendall(b"half")
            assert far.recv(10) == b"half"
        assert far.recv(10) == b""


def test_why_the_far_side_cannot_be_reached_is_kept() -> None:
    def connect() -> socket.socket:
        raise OSError("pod is gone")

    with Tunnel(connect) as opened:
        with socket.create_connection(("127.0.0.1", opened.port), timeout=5) as near:
            assert near.recv(1) == b""
        assert str(opened.error) == "pod is gone"


def test_a_closed_tunnel_takes_no_connection() -> None:
    with Tunnel(lambda: None) as opened:
        port = opened.port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_pod_that_was_replaced_is_looked_up_anew() -> None:
    found, now = [("a", 1)], [0.0]

    def read() -> tuple[str, int]:
        if not found:
            raise TunnelError("no ready pod")
        return found[-1]

    pods = Pods(read, lambda: now[0])
    assert pods.get() == ("a", 1)
    found.append(("b", 1))
    assert pods.get() == ("a", 1)  # a burst of connections asks once
    pods.forget()
    assert pods.get() == ("b", 1)
    found.clear()
    now[0] = FRESH_SECONDS + 1
    with pytest.raises(TunnelError, match="no ready pod"):
        pods.get()
    found.append(("c", 1))
    assert pods.get() == ("c", 1)


def test_an_error_that_has_passed_is_not_told_later() -> None:
    answers: list[Exception | None] = [OSError("pod is gone"), None]

    def connect() -> socket.socket:
        error = answers.pop(0)
        if error:
            raise error
        near, far = socket.socketpair()
        threading.Thread(target=answer, args=(far, lambda line: line), daemon=True).start()
        return near

    with Tunnel(connect) as opened:
        with socket.create_connection(("127.0.0.1", opened.port), timeout=5) as near:
            assert near.recv(1) == b""
        assert str(opened.error) == "pod is gone"
        assert ask(opened.port, "word") == b"word\n"
        assert opened.error is None
