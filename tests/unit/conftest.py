# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories on disk, and over HTTP with log-in; roles' variables."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.tests.unit.git_http import Backend, git
from ansible_collections.gitops.airflow.tests.unit.trust import trust_as_template
from hypothesis import settings

# The same inputs in each run, so that a failure is one of the change. For a search: HYPOTHESIS_PROFILE=search pytest -k fuzz
settings.register_profile("default", derandomize=True, deadline=None, database=None, max_examples=100)
settings.register_profile("brief", derandomize=True, deadline=None, database=None, max_examples=5)
settings.register_profile("search", deadline=None, database=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


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


@pytest.fixture(scope="session")
def role_variables() -> Callable[..., dict[str, Any]]:
    """Loads files of variables as templates that Ansible renders."""

    def trusted(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: trusted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [trusted(item) for item in value]
        return trust_as_template(value) if isinstance(value, str) else value

    def loaded(*files: Path) -> dict[str, Any]:
        variables: dict[str, Any] = {"ansible_check_mode": False}
        for path in files:
            variables |= trusted(yaml.safe_load(path.read_text()))
        return variables

    return loaded


@pytest.fixture(scope="session")
def role_evaluator(role_variables: Callable[..., dict[str, Any]]) -> Callable[[str], Callable[..., Any]]:
    """For a role: what an expression of its own and the platform's variables is, with others given."""
    roles = Path(__file__).parents[2] / "roles"

    def evaluator(role: str) -> Callable[..., Any]:
        own = [path for part in ("defaults", "vars") if (path := roles / role / part / "main.yml").exists()]
        variables = role_variables(*sorted((roles / "platform/defaults/main").glob("*.yml")), roles / "platform/vars/main.yml", *own)
        loader = DataLoader()
        loader.set_basedir(str(roles / role))

        def evaluated(name: str, **given: Any) -> Any:
            return Templar(loader, variables | given).template(trust_as_template(f"{{{{ {name} }}}}"))

        return evaluated

    return evaluator
