# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Gitea on the loopback and a real API server: the account's password, its tokens, and the end of earlier ones.

Only the way to Gitea is not a platform's: no pod, so no tunnel, and its command line runs here.
"""

from __future__ import annotations

import base64
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.http_sender import sender
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea import Gitea
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_tokens import EARLIER, GiteaTokens, Token, Wanted
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import Execution
from ansible_collections.gitops.airflow.tests.integration.apiserver import LAB, ApiServer, Process, free_port, lab_file
from ansible_collections.gitops.airflow.tests.integration.modules import Module

Obj = dict[str, Any]
PASSWORD = "a-password-of-40-characters-by-chance-012"
SCOPES = ("read:repository",)
WANTED = Wanted("airflow", "argocd", "git-credentials", "gitops", (Token("argocd", "argocd-token", SCOPES), Token("sync", "sync", SCOPES)))
SETTINGS = """
RUN_MODE = prod
WORK_PATH = {folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
STATIC_ROOT_PATH = {static}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
[repository]
ROOT = {folder}/repositories
[security]
INSTALL_LOCK = true
SECRET_KEY = secret-of-a-test
INTERNAL_TOKEN = token-of-a-test
[service]
DISABLE_REGISTRATION = true
[session]
PROVIDER = memory
[log]
MODE = console
LEVEL = Warn
"""


class Server:
    """Gitea with an account whose password nobody knows, as the role's pod makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.config = folder, free_port(), folder / "app.ini"
        settings = SETTINGS.format(folder=folder, port=self.port, static=LAB / "work/gitea/app")
        self.config.write_text(settings)
        self.run(["gitea", "migrate", "--config", str(self.config)])
        account = ["--username", "gitops", "--email", "gitops@git.invalid", "--random-password", "--must-change-password=false"]
        self.run(["gitea", "admin", "user", "create", "--config", str(self.config), "--admin", *account])
        self.process = Process([lab_file("gitea"), "web", "--config", self.config], folder / "log")
        deadline = time.monotonic() + 60
        while not self._up():
            assert self.process.running(), self.process.last_words()
            assert time.monotonic() < deadline, self.process.last_words()
            time.sleep(0.1)

    def _up(self) -> bool:
        try:
            self.send("GET", "/api/healthz")
        except OSError:
            return False
        return True

    def run(self, command: list[str]) -> Execution:
        environment = {**os.environ, "HOME": str(self.folder), "USER": os.environ.get("USER", "root")}
        done = subprocess.run(
            [str(lab_file(command[0])), *command[1:]], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return Execution(done.stdout, done.stderr, done.returncode)

    def send(self, method: str, path: str, token: str = "") -> bytes:
        headers = {"Authorization": f"token {token}"} if token else {}
        server = f"http://127.0.0.1:{self.port}"
        return sender(server, 30)(method, f"{server}{path}", None, headers)

    def valid(self, token: str) -> bool:
        try:
            self.send("GET", "/api/v1/repos/search", token)
        except HTTPError as error:
            if error.code != 401:
                raise
            return False
        return True

    def account(self, password: str = PASSWORD) -> Gitea:
        return Gitea(f"http://127.0.0.1:{self.port}", "gitops", password, "Gitea")


@pytest.fixture(scope="module")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not (LAB / "work/gitea/app/options").exists():
        pytest.skip("The lab has not unpacked Gitea here (lab/build).")
    running = Server(tmp_path_factory.mktemp("gitea"))
    yield running
    running.process.end()


def texts(server: ApiServer) -> dict[str, str]:
    secret = server.request("GET", WANTED.place.path)
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_tokens_are_made_kept_made_anew_and_revoked(server: ApiServer, gitea: Server) -> None:
    def keeper(moment: int) -> GiteaTokens:
        return GiteaTokens(connect({"kubeconfig": str(server.kubeconfig("admin"))}), WANTED, gitea.run, check=False, now=lambda: moment)

    config = str(gitea.config)
    assert not gitea.account().accepts_password()
    outcome = keeper(1001).make(gitea.account(), config)
    assert (outcome.created, outcome.pending) == (True, False)
    assert gitea.account().accepts_password()
    first = texts(server)
    assert [token.name for token in gitea.account().tokens()] == ["argocd-1001", "sync-1001"]
    assert all(gitea.valid(first[key]) for key in ("argocd-token", "sync"))
    found = keeper(1002)
    assert not found.missing
    assert not found.present().changed

    gitea.account().create_token("argocd-mine", SCOPES)
    server.request("DELETE", WANTED.place.path, {})
    assert keeper(1003).make(gitea.account(), config).pending
    second = texts(server)
    assert all(gitea.valid(items[key]) for items in (first, second) for key in ("argocd-token", "sync"))
    secret = server.request("GET", WANTED.place.path)
    assert secret["metadata"]["annotations"] == {EARLIER: "1003"}

    assert sorted(keeper(1004).revoke(gitea.account()).revoked) == ["argocd-1001", "sync-1001"]
    assert [gitea.valid(items[key]) for items in (first, second) for key in ("argocd-token", "sync")] == [False, False, True, True]
    assert EARLIER not in server.request("GET", WANTED.place.path)["metadata"].get("annotations", {})
    assert {token.name for token in gitea.account().tokens()} == {"argocd-mine", "argocd-1003", "sync-1003"}


def test_a_module_that_has_its_tokens_asks_nobody(server: ApiServer, gitea: Server) -> None:
    """There is no Service and no pod here: whoever asked Gitea would fail."""
    given: Obj = {
        "platform": "airflow",
        "tunnel": {"namespace": "argocd", "service": "gitea", "port": 3000},
        "account": "gitops",
        "password_from": {"namespace": "argocd", "name": "gitea-config"},
        "namespace": "argocd",
        "name": "kept",
        "tokens": [{"name": "argocd", "scopes": ["read:repository"]}],
        "_ansible_diff": True,
    }
    path = server.kubeconfig("admin")
    result = Module("gitea_tokens", path, check=True, **given).result()
    assert (result["changed"], result["created"]) == (True, True)
    assert result["diff"]["after"] == "Secret argocd/kept: argocd-token (made)\n"
    result = Module("gitea_tokens", path, **given).result()
    assert (result["failed"], result["code"]) == (True, "missing_secret")
    labels = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
    metadata = {"name": "kept", "namespace": "argocd", "labels": labels}
    server.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"username": "eA==", "argocd-token": "eA=="}})
    for state in ("present", "revoked"):
        result = Module("gitea_tokens", path, **given, state=state).result()
        assert (result["changed"], result["pending"]) == (False, False)
