# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real HTTP proxy on the loopback, which passes requests on and writes down what it could read."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "K8S_AUTH_PROXY", "K8S_AUTH_NO_PROXY")


@dataclass
class LoggingProxy:
    """``requests`` are method and target of each, ``passwords`` the Authorization headers that it could read.

    ``hosts`` are the ports of the loopback at which the hosts with these names are; other names it does not know (502).
    """

    url: str = ""
    hosts: Mapping[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)


def _pump(source: Any, sink: Any) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def logging_proxy(hosts: Mapping[str, int] | None = None) -> Iterator[LoggingProxy]:
    seen = LoggingProxy(hosts=hosts or {})

    class Handler(BaseHTTPRequestHandler):
        def note(self) -> tuple[str, int] | None:
            seen.requests.append(f"{self.command} {self.path}")
            seen.passwords.extend(self.headers.get_all("Authorization") or [])
            parts = urlsplit(self.path if "://" in self.path else f"//{self.path}")
            if parts.hostname in ("127.0.0.1", "localhost"):
                return "127.0.0.1", parts.port or 80
            port = seen.hosts.get(parts.hostname or "")
            if port is None:
                self.send_error(502, "this proxy does not know the host")
                return None
            return "127.0.0.1", port

        def do_CONNECT(self) -> None:
            at = self.note()
            if at is None:
                return
            with socket.create_connection(at) as far:
                self.send_response(200, "connected")
                self.end_headers()
                back = threading.Thread(target=_pump, args=(far, self.connection), daemon=True)
                back.start()
                _pump(self.connection, far)
                back.join()
            self.close_connection = True

        def pass_on(self) -> None:
            at = self.note()
            if at is None:
                return
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            far = http.client.HTTPConnection(*at, timeout=10)
            far.request(self.command, f"{parts.path}?{parts.query}", body, dict(self.headers))
            answer = far.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = pass_on

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        seen.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield seen
        finally:
            server.shutdown()
            thread.join()


def set_proxy(monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str = "", lower: bool = False) -> None:
    """Lets the environment name the proxy for everything but ``no_proxy``, and nothing else."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name.lower() if lower else name, url)
    if no_proxy:
        monkeypatch.setenv("no_proxy" if lower else "NO_PROXY", no_proxy)
