# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real repository behind git's own HTTP server."""

from __future__ import annotations

import base64
import os
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

ENVIRONMENT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *args: str, stdin: bytes = b"") -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=Bob", "-c", "user.email=bob@example.org", *args]
    done = subprocess.run(command, input=stdin, env=os.environ | ENVIRONMENT, capture_output=True, check=True)
    return done.stdout.decode().strip()


class Backend(BaseHTTPRequestHandler):
    """The least that git http-backend needs of a web server, with basic authentication."""

    root: Path
    seen: list[str]
    create = False

    def log_message(self, format: str, *args: Any) -> None:
        self.seen.append(self.requestline)

    def do_GET(self) -> None:
        self.handle_git()

    def do_POST(self) -> None:
        self.handle_git()

    def handle_git(self) -> None:
        path, _mark, query = self.path.partition("?")
        if path.startswith("/broken/"):
            return self.send_error(503)
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"ann:s3cret").decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return None
        if self.create and query.endswith("git-receive-pack"):  # as Gitea makes repositories on push
            git(self.root, "init", "--quiet", "--bare", path.split("/")[1])
            git(self.root / path.split("/")[1], "config", "http.receivepack", "true")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        variables = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_USER": "ann",
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=os.environ | ENVIRONMENT | variables, capture_output=True, check=False
        )
        head, _blank, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        return None
