# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Git server over HTTP with log-in (ann, s3cret), for plays and modules that push."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

from ansible_collections.gitops.airflow.tests.unit.git_http import Backend, git

USER, PASSWORD = "ann", "s3cret"


def repository(folder: Path, name: str, *files: str) -> Path:
    """A bare repository with one commit, of a README and these files."""
    bare, seed = folder / f"{name}.git", folder / f"{name}-seed"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", bare.name)
    git(bare, "config", "http.receivepack", "true")
    git(folder, "clone", "--quiet", str(bare), seed.name)
    for file in ("README", *files):
        (seed / file).parent.mkdir(parents=True, exist_ok=True)
        (seed / file).write_text(f"{name}\n")
    git(seed, "add", "-A")
    git(seed, "commit", "--quiet", "-m", "first")
    git(seed, "push", "--quiet", "origin", "HEAD:main")
    return bare


@contextmanager
def git_server(folder: Path) -> Iterator[str]:
    """The URL of the repositories in a folder."""

    class Server(Backend):
        root = folder
        seen: list[str] = []  # noqa: RUF012

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{running.server_address[1]}"
        finally:
            running.shutdown()
