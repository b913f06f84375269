# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server on the loopback that writes down the credentials that it gets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from ansible_collections.gitops.airflow.tests.unit.serving import QuietHandler, serving


@dataclass
class RecordingServer:
    """``logins`` are the header Authorization of each request, empty where there is none."""

    port: int = 0
    logins: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@contextlib.contextmanager
def recording_server(location: str = "") -> Iterator[RecordingServer]:
    """Answers every GET, with a redirect to ``location`` if that is given."""
    seen = RecordingServer()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            seen.logins.append(self.headers.get("Authorization") or "")
            self.send_response(302 if location else 200)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"answer")

    with serving(Handler) as server:
        seen.port = server.server_port
        yield seen
