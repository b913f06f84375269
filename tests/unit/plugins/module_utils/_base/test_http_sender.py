# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests with a password: what Ansible's own library does not give (docs/adr/0007-http.md)."""

from __future__ import annotations

import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.http_sender import Send, basic, sender
from ansible_collections.gitops.airflow.tests.unit.logging_proxy import logging_proxy, set_proxy
from ansible_collections.gitops.airflow.tests.unit.recording_server import recording_server

LOGIN = {"Authorization": basic("admin", "secret")}


def test_a_redirect_is_an_answer() -> None:
    with recording_server() as other, recording_server(location=other.url) as server:
        with pytest.raises(HTTPError) as caught:
            sender(server.url, 5)("GET", server.url, None, LOGIN)
        assert (caught.value.code, caught.value.headers["Location"]) == (302, other.url)
    assert (server.logins, other.logins) == ([LOGIN["Authorization"]], [])


def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login person password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with recording_server() as server:
        assert sender(server.url, 5)("GET", server.url, None, {}) == b"answer"
    assert server.logins == [""]


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        ("http://proxy.example", ("proxy.example", 80)),
        ("proxy.example", ("proxy.example", 80)),
        ("proxy.example:3128", ("proxy.example", 3128)),
    ],
)
def test_a_proxy_without_a_port(monkeypatch: pytest.MonkeyPatch, proxy: str, expected: tuple[str, int]) -> None:
    asked: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *_args: Any, **_options: Any) -> socket.socket:
        asked.append(address)
        raise ConnectionRefusedError

    set_proxy(monkeypatch, proxy)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(URLError):
        sender("https://airflow.test", 5)("GET", "https://airflow.test/", None, LOGIN)
    assert asked == [expected]


def test_two_servers_at_the_same_time_keep_their_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password for this machine must not reach the proxy that a thread beside it uses for another server."""
    before = sys.getswitchinterval()
    with recording_server() as server, logging_proxy({"other.test": server.port}) as proxy:
        set_proxy(monkeypatch, proxy.url)

        def many(send: Send, url: str, headers: dict[str, str]) -> None:
            for _number in range(100):
                send("GET", url, None, headers)

        sys.setswitchinterval(1e-5)
        try:
            with ThreadPoolExecutor() as pool:
                own = pool.submit(many, sender(server.url, 5), server.url, LOGIN)
                other = pool.submit(many, sender("http://other.test", 5), "http://other.test/", {})
                own.result()
                other.result()
        finally:
            sys.setswitchinterval(before)
    assert (len(proxy.requests), proxy.passwords) == (100, [])
    assert server.logins.count(LOGIN["Authorization"]) == 100
