# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories on disk, and over HTTP with log-in; Ansible's plugins for templates."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader
from ansible_collections.gitops.airflow.tests.unit.git_http import Backend, git


@pytest.fixture(scope="session")
def plugins() -> None:
    """Lookups and filters can be found: once for all tests."""
    init_plugin_loader([])


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """An empty bare repository."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "repo.git")
    return tmp_path / "repo.git"


@pytest.fixture
def filled(bare: Path, tmp_path: Path) -> Path:
    """The same with a commit: a text, a script, a link, a binary file and a folder."""
    work = tmp_path / "work"
    (work / "app").mkdir(parents=True)
    (work / "README").write_text("Read me\n")
    (work / "app" / "values.yaml").write_text("a: 1\n")
    (work / "app" / "old.yaml").write_text("old\n")
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    (work / "link").symlink_to("/etc")
    (work / "data.bin").write_bytes(b"\0\1\2")
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "add", "-A")
    git(work, "commit", "--quiet", "-m", "first")
    git(work, "push", "--quiet", str(bare), "main")
    return bare


@pytest.fixture
def server(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    git(filled, "config", "http.receivepack", "true")
    monkeypatch.setattr(Backend, "root", filled.parent, raising=False)
    monkeypatch.setattr(Backend, "seen", [], raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()
