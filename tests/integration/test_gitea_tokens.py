# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Gitea on the loopback and a real API server: accounts, what their tokens reach, and the end of earlier tokens.

Gitea has the role's configuration. Only the way to it is not a platform's: no pod, so no tunnel, and its command line runs here.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import HTTPError

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.http_sender import basic, sender
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea import Gitea
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_accounts import Repository, protect, report_pushes
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_tokens import ACCESS, EARLIER, GiteaTokens, Token, Wanted
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import Content, GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.publish import publish
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Access, Author, Remote
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import Execution
from ansible_collections.gitops.airflow.plugins.module_utils._platform.git_accounts import git_accounts
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.plugins.modules import gitea_tokens
from ansible_collections.gitops.airflow.tests.integration.apiserver import LAB, ApiServer, Process, free_port, lab_file
from ansible_collections.gitops.airflow.tests.integration.modules import ROOT, Module
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS
from jinja2 import Template

Obj = dict[str, Any]
PASSWORD = "a-password-of-40-characters-by-chance-012"
LABELS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
GIVEN: Obj = {
    "platform": "airflow",
    "tunnel": {"namespace": "argocd", "service": "gitea", "port": 3000},
    "account": "gitops",
    "password_from": {"namespace": "argocd", "name": "gitea-config"},
    "namespace": "argocd",
}
AUTHOR = Author("test", "test@git.invalid", "test")
# What the role's configuration has in a pod, and here.
HERE = {
    "RUN_MODE = prod": "RUN_MODE = prod\nI_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true",
    "/var/lib/gitea": "{folder}",
    "HTTP_PORT = 3000": "HTTP_ADDR = 127.0.0.1\nHTTP_PORT = {port}\nSTATIC_ROOT_PATH = {static}",
    "http://gitea.git.svc.cluster.local:3000/": "http://127.0.0.1:{port}/",
    "SECRET_KEY_URI = file:/config/secret-key": "SECRET_KEY = secret-of-a-test",
    "INTERNAL_TOKEN_URI = file:/config/internal-token": "INTERNAL_TOKEN = token-of-a-test",
    "ALLOWED_HOST_LIST = argocd-server.argocd.svc.cluster.local": "ALLOWED_HOST_LIST = 127.0.0.1",
}


def declared(name: str, **given: Any) -> Wanted:
    """What the role declares, or the given tokens and repositories."""
    result = ArgumentSpecValidator(gitea_tokens.argument_spec()).validate({**GIVEN, "name": name, **(given or git_accounts(Settings()))})
    assert not result.error_messages
    return gitea_tokens.wanted(result.validated_parameters)


class Server:
    """Gitea with an account whose password nobody knows, as the role's pod makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.config = folder, free_port(), folder / "app.ini"
        template = Template((ROOT / "roles/git_server/templates/app.ini.j2").read_text())
        settings = template.render(platform_git_namespace="git", platform_argocd_namespace="argocd", platform_argocd="install")
        for there, here in HERE.items():
            assert there in settings
            settings = settings.replace(there, here.format(folder=folder, port=self.port, static=LAB / "work/gitea/app"))
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

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _up(self) -> bool:
        try:
            sender(self.url, 30)("GET", f"{self.url}/api/healthz", None, {})
        except OSError:
            return False
        return True

    def run(self, command: list[str]) -> Execution:
        environment = {**os.environ, "HOME": str(self.folder), "USER": os.environ.get("USER", "root")}
        done = subprocess.run(
            [str(lab_file(command[0])), *command[1:]], env=environment, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
        )
        return Execution(done.stdout, done.stderr, done.returncode)

    def status(self, login: str, method: str, path: str, **body: Any) -> int:
        """The answer's status, to a token or to the administrator's password."""
        headers = {"Authorization": basic("gitops", login), "Content-Type": "application/json"}
        try:
            sender(self.url, 30)(method, f"{self.url}/api/v1/{path}", json.dumps(body).encode() if body else None, headers)
        except HTTPError as error:
            return error.code
        return 200

    def valid(self, token: str) -> bool:
        return self.status(token, "GET", "repos/search") != 401

    def account(self, password: str = PASSWORD) -> Gitea:
        return Gitea(self.url, "gitops", password, "Gitea")

    def remote(self, login: str, repository: str, branch: str = "main") -> Remote:
        """The repository for git, with the user name that the platform's programs give."""
        return Remote(f"{self.url}/{repository}.git", branch, Access(Credentials("gitops", login), isolated=True))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Server]]:
    if not (LAB / "work/gitea/app/options").exists():
        pytest.skip("The lab has not unpacked Gitea here (lab/build).")
    running: list[Server] = []

    def started() -> Server:
        running.append(Server(tmp_path_factory.mktemp("gitea")))
        return running[-1]

    yield started
    for item in running:
        item.process.end()


@pytest.fixture(scope="module")
def gitea(start: Callable[[], Server]) -> Server:
    return start()


def keeper(server: ApiServer, gitea: Server, wanted: Wanted, moment: int) -> GiteaTokens:
    return GiteaTokens(connect({"kubeconfig": str(server.kubeconfig("admin"))}), wanted, gitea.run, check=False, now=lambda: moment)


def texts(server: ApiServer, wanted: Wanted) -> dict[str, str]:
    secret = server.request("GET", wanted.place.path)
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def annotations_of(server: ApiServer, wanted: Wanted) -> dict[str, str]:
    found: dict[str, str] = server.request("GET", wanted.place.path)["metadata"].get("annotations", {})
    return found


@pytest.fixture(scope="module")
def tokens(server: ApiServer, gitea: Server) -> dict[str, str]:
    """What bootstrap makes on an empty server, by account."""
    wanted = declared("d5")
    assert not gitea.account().accepts_password()
    found = keeper(server, gitea, wanted, 1777000000)
    began = time.monotonic()
    outcome = found.make(gitea.account(), str(gitea.config))
    print(f"bootstrap: {time.monotonic() - began:.1f} s")
    assert (outcome.created, outcome.pending) == (True, False)
    assert annotations_of(server, wanted).keys() == {ACCESS}
    stored = texts(server, wanted)
    assert stored.pop("username") == "gitops"
    return {key.removesuffix("-token"): value for key, value in stored.items()}


READ, WRITE = 200, 201
REACHES = {"argocd": {"platform"}, "platform": {"platform"}, "git-sync": {"dags"}, "dags": {"dags"}}


@pytest.mark.parametrize("account", REACHES)
@pytest.mark.parametrize("repository", ["platform", "dags"])
def test_d5_a_token_reaches_one_repository(gitea: Server, tokens: dict[str, str], account: str, repository: str) -> None:
    reaches = repository in REACHES[account]
    assert gitea.status(tokens[account], "GET", f"repos/gitops/{repository}") == (200 if reaches else 404)
    with gitea.remote(tokens[account], f"gitops/{repository}") as remote:
        if reaches:
            remote.head()
        else:
            with pytest.raises(GitError) as refusal:
                remote.head()
            assert refusal.value.code == "repository_missing"


def push(gitea: Server, login: str, repository: str, name: str, **options: Any) -> bool:
    with gitea.remote(login, repository) as remote:
        return bool(publish(remote, {name: Content(name.encode())}, [], AUTHOR, create=True, **options).changed)


def test_d5_readers_do_not_write_and_writers_write(gitea: Server, tokens: dict[str, str]) -> None:
    for account in ("argocd", "git-sync"):
        (repository,) = REACHES[account]
        with pytest.raises(GitError) as refusal:
            push(gitea, tokens[account], f"gitops/{repository}", "a")
        assert refusal.value.code == "authentication"
        assert gitea.status(tokens[account], "POST", f"repos/gitops/{repository}/contents/a", content="eA==", branch="main") == 403
    # The first push into an empty repository, and the example DAGs, which are pushed once.
    assert push(gitea, tokens["platform"], "gitops/platform", "a")
    assert push(gitea, tokens["platform"], "gitops/platform", "b")
    assert push(gitea, tokens["dags"], "gitops/dags", "a", if_absent=True)
    assert not push(gitea, tokens["dags"], "gitops/dags", "b", if_absent=True)
    assert push(gitea, tokens["dags"], "gitops/dags", "b")
    # As tests/platform asks a platform that is in use.
    change = {"operation": "update", "path": "no-such-file", "content": "eA==", "sha": "0" * 40}
    for account, (repository,) in REACHES.items():
        expected = 404 if account == repository else 403
        assert gitea.status(tokens[account], "POST", f"repos/gitops/{repository}/contents", files=[change]) == expected


@pytest.mark.parametrize(
    ("account", "method", "path", "body", "status"),
    [
        ("platform", "GET", "admin/users", {}, 403),
        ("platform", "POST", "users/gitops/tokens", {"name": "x", "scopes": ["all"]}, 403),
        ("platform", "DELETE", "repos/gitops/platform/branch_protections/main", {}, 403),
        ("platform", "PUT", "repos/gitops/platform/collaborators/dags", {"permission": "write"}, 403),
        ("platform", "POST", "repos/gitops/platform/hooks", {"type": "gitea", "config": {"url": "http://x", "content_type": "json"}}, 403),
        ("dags", "GET", "admin/users", {}, 403),
        ("dags", "GET", "repos/gitops/platform/branch_protections", {}, 404),
        ("dags", "POST", "repos/gitops/dags/branch_protections", {"rule_name": "main"}, 403),
        ("dags", "POST", "repos/gitops/dags/forks", {"name": "mine"}, 409),  # the limit of repositories
        ("dags", "POST", "user/repos", {"name": "mine"}, 403),
    ],
)
def test_d5_a_token_administers_nothing(
    gitea: Server, tokens: dict[str, str], account: str, method: str, path: str, body: Obj, status: int
) -> None:
    assert gitea.status(tokens[account], method, path, **body) == status
    assert gitea.account().repositories(account) == [f"gitops/{account}"]


def test_d5_no_new_repository_by_a_push(gitea: Server, tokens: dict[str, str]) -> None:
    for repository in ("gitops/other", "dags/other"):
        with pytest.raises(GitError, match="the server does not create it on a push") as refusal:
            push(gitea, tokens["dags"], repository, "a")
        assert refusal.value.code == "repository_missing"


def test_d5_the_platforms_branch_is_protected(gitea: Server, tokens: dict[str, str]) -> None:
    """Nobody pushes to it by force or deletes it, the administrator included. Of people only those whom the rule names push."""
    push(gitea, tokens["platform"], "gitops/platform", "first")
    for login in (tokens["platform"], PASSWORD):
        with gitea.remote(login, "gitops/platform") as remote:
            head = remote.fetch()
            assert head
            orphan = remote.commit({}, [], [], AUTHOR)
            with pytest.raises(GitError, match="protected from force push"):
                remote._git("push", "--force", remote.url, f"{orphan}:refs/heads/main")
            with pytest.raises(GitError, match="cannot be deleted"):
                remote._git("push", "--delete", remote.url, "main")
            assert remote.head() == head
    assert push(gitea, PASSWORD, "gitops/platform", "by-the-administrator")
    administrator = gitea.account()
    administrator.create_user("ann", "ann@git.invalid", "a-password-of-ann")
    administrator.give_access("gitops/platform", "ann", "write")
    anns = administrator.create_token("ann", "laptop", ["write:repository"])
    with pytest.raises(GitError, match="Not allowed to push to protected branch main"):
        push(gitea, anns, "gitops/platform", "by-ann")
    # An existing rule gets what is declared, and keeps the people that were added to it.
    rule = {"enable_push": True, "enable_push_whitelist": True, "push_whitelist_usernames": ["ann"], "enable_force_push": True}
    administrator.protect("gitops/platform", "main", rule, new=False)
    protect(administrator, Repository("gitops/platform", "main", ("platform", "gitops")))
    found = administrator.protection("gitops/platform", "main") or {}
    assert (sorted(found["push_whitelist_usernames"]), found["enable_force_push"]) == (["ann", "gitops", "platform"], False)
    protect(administrator, Repository("gitops/dags", "team/next", ("dags",)))
    protect(administrator, Repository("gitops/dags", "team/next", ("dags", "gitops")))
    found = administrator.protection("gitops/dags", "team/next") or {}
    assert sorted(found["push_whitelist_usernames"]) == ["dags", "gitops"]


class Receiver(BaseHTTPRequestHandler):
    """Takes reports of pushes, as Argo CD does."""

    reports: ClassVar[queue.Queue[tuple[str, str, Obj]]] = queue.Queue()

    def do_POST(self) -> None:
        report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.reports.put((self.path, self.headers["X-Gogs-Event"], report))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_words: Any) -> None:
        """Prints nothing."""


def test_f21_a_push_is_reported(gitea: Server, tokens: dict[str, str]) -> None:
    """In the form that Argo CD reads: the event of Gogs, with the address of the repository. The webhook of a person stays."""
    administrator, repository = gitea.account(), Repository("gitops/platform", "main")
    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{receiver.server_port}"
    administrator.create_hook("gitops/platform", f"{address}/persons", "other")
    try:
        report_pushes(administrator, replace(repository, notify=f"{address}/old"))
        for _again in range(2):
            report_pushes(administrator, replace(repository, notify=f"{address}/api/webhook"))
        assert push(gitea, tokens["platform"], "gitops/platform", "reported")
        path, event, report = Receiver.reports.get(timeout=30)
        assert (path, event, report["ref"]) == ("/api/webhook?from=gitops-airflow", "push", "refs/heads/main")
        assert report["repository"]["html_url"] == f"{gitea.url}/gitops/platform"
        report_pushes(administrator, repository)
        assert [hook["config"]["url"] for hook in administrator.hooks("gitops/platform")] == [f"{address}/persons"]
    finally:
        receiver.shutdown()
        receiver.server_close()


def test_an_account_of_a_person_gets_no_token(server: ApiServer, gitea: Server, tokens: dict[str, str]) -> None:
    """Neither does one that was made here and made an administrator's since. Nothing is made."""
    administrator = gitea.account()
    administrator.create_user("bob", "bob@example.com", "a-password-of-bob")
    token = {"name": "bob", "account": "bob", "repository": "gitops/new", "scopes": ["read:repository"]}
    wanted = declared("bobs", repositories=[{"name": "gitops/new"}], tokens=[token])
    with pytest.raises(CollectionError, match="was not made by this module") as refusal:
        keeper(server, gitea, wanted, 1777000001).make(administrator, "")
    assert refusal.value.code == "foreign_account"
    wanted = declared("bobs", repositories=[{"name": "nobody/new"}], tokens=[{**token, "account": "bobs", "repository": "nobody/new"}])
    with pytest.raises(CollectionError, match="has no account nobody"):
        keeper(server, gitea, wanted, 1777000001).make(administrator, "")
    administrator._request("PATCH", "/admin/users/dags", {"source_id": 0, "login_name": "dags", "admin": True})
    with pytest.raises(CollectionError, match="was made an administrator's"):
        keeper(server, gitea, declared("again"), 1777000001).make(administrator, "")
    administrator._request("PATCH", "/admin/users/dags", {"source_id": 0, "login_name": "dags", "admin": False})
    assert (administrator.repository("gitops/new"), administrator.user("bobs")) == (None, None)
    assert administrator.tokens("bob") == []


def old_form(name: str) -> Wanted:
    """As earlier versions declared it: two tokens of the administrator's."""
    scopes = ["read:repository"]
    return declared(name, tokens=[{"name": item, "scopes": scopes} for item in ("argocd", "git-sync")])


def test_d5_an_older_platform_is_upgraded(server: ApiServer, start: Callable[[], Server]) -> None:
    """Its tokens are valid until those who use them have the new ones. What is in its repositories stays."""
    gitea = start()
    config, administrator = str(gitea.config), gitea.account()
    older, wanted = old_form("upgraded"), declared("upgraded")
    keeper(server, gitea, older, 1776000000).make(administrator, config)
    first = texts(server, older)
    administrator.create_repository("gitops/platform", "main")
    administrator.create_token("gitops", "dags-mine", ["write:repository"])
    assert push(gitea, PASSWORD, "gitops/platform", "a")
    assert gitea.status(first["git-sync-token"], "GET", "repos/gitops/platform") == 200, "the door that D5 closes"

    found = keeper(server, gitea, wanted, 1777000003)
    assert found.outdated
    outcome = found.make(administrator, config)
    assert (outcome.changed, outcome.pending) == (True, True)
    second = texts(server, wanted)
    assert second.keys() == {"username", "argocd-token", "git-sync-token", "platform-token", "dags-token"}
    assert len({first["argocd-token"], first["git-sync-token"], *second.values()}) == 7
    assert annotations_of(server, wanted)[EARLIER] == "1777000003"
    assert annotations_of(server, wanted)[ACCESS].splitlines()[0] == "argocd: read gitops/platform (read:repository)"
    assert all(gitea.valid(token) for token in (first["argocd-token"], first["git-sync-token"]))
    assert push(gitea, second["platform-token"], "gitops/platform", "b")
    with pytest.raises(CollectionError, match="not those that are declared") as refusal:
        keeper(server, gitea, older, 1777000004).revoke(administrator)
    assert refusal.value.code == "unknown_tokens"

    found = keeper(server, gitea, wanted, 1777000004)
    assert not found.outdated
    assert sorted(found.revoke(administrator).revoked) == ["argocd-1776000000", "git-sync-1776000000"]
    assert not any(gitea.valid(token) for token in (first["argocd-token"], first["git-sync-token"]))
    assert all(gitea.valid(second[f"{account}-token"]) for account in REACHES)
    assert [token.name for token in administrator.tokens("gitops")] == ["dags-mine"]
    assert annotations_of(server, wanted).keys() == {ACCESS}
    with gitea.remote(second["argocd-token"], "gitops/platform") as remote:
        assert set(remote.tree(remote.fetch() or "")) == {"a", "b"}

    # The platform moves to another repository: its accounts keep the earlier one until the end.
    tokens = [
        replace(token, member=replace(token.member, repository="gitops/moved"))
        if token.member and token.name in ("argocd", "platform")
        else token
        for token in wanted.tokens
    ]
    moved = replace(wanted, tokens=tuple(tokens), repositories=(Repository("gitops/moved"), *wanted.repositories))
    assert keeper(server, gitea, moved, 1777000005).make(administrator, config).pending
    third = texts(server, moved)
    for name, before in (("gitops/platform", 200), ("gitops/moved", 200)):
        assert gitea.status(third["argocd-token"], "GET", f"repos/{name}") == before
    keeper(server, gitea, moved, 1777000006).revoke(administrator)
    assert [gitea.status(third["argocd-token"], "GET", f"repos/gitops/{name}") for name in ("platform", "moved")] == [404, 200]
    assert gitea.status(third["dags-token"], "GET", "repos/gitops/dags") == 200
    assert not gitea.valid(second["dags-token"])


def test_tokens_are_made_kept_made_anew_and_revoked(server: ApiServer, gitea: Server, tokens: dict[str, str]) -> None:
    """Tokens of the administrator's own, for one that declares no other accounts."""
    scopes = ("read:repository",)
    wanted = replace(old_form("own"), tokens=(Token("argocd", "argocd-token", scopes), Token("sync", "sync", scopes)))
    config = str(gitea.config)
    outcome = keeper(server, gitea, wanted, 1777001001).make(gitea.account(), config)
    assert (outcome.created, outcome.pending) == (True, False)
    first = texts(server, wanted)
    assert [token.name for token in gitea.account().tokens("gitops")] == ["argocd-1777001001", "sync-1777001001"]
    assert all(gitea.valid(first[key]) for key in ("argocd-token", "sync"))
    assert not keeper(server, gitea, wanted, 1777001002).outdated

    gitea.account().create_token("gitops", "argocd-mine", scopes)
    server.request("DELETE", wanted.place.path, {})
    assert keeper(server, gitea, wanted, 1777001003).make(gitea.account(), config).pending
    second = texts(server, wanted)
    assert all(gitea.valid(items[key]) for items in (first, second) for key in ("argocd-token", "sync"))
    assert annotations_of(server, wanted) == {EARLIER: "1777001003"}

    assert sorted(keeper(server, gitea, wanted, 1777001004).revoke(gitea.account()).revoked) == ["argocd-1777001001", "sync-1777001001"]
    assert [gitea.valid(items[key]) for items in (first, second) for key in ("argocd-token", "sync")] == [False, False, True, True]
    assert annotations_of(server, wanted) == {}
    names = {token.name for token in gitea.account().tokens("gitops")}
    assert names == {"argocd-mine", "argocd-1777001003", "sync-1777001003"}


def test_a_module_that_has_its_tokens_asks_nobody(server: ApiServer) -> None:
    """D5: nor does it read the administrator's password. There is no Service, no pod and no password here: whoever asked would fail."""
    given = {**GIVEN, "name": "kept", **git_accounts(Settings()), "_ansible_diff": True}
    path, wanted = server.kubeconfig("admin"), declared("kept")
    result = Module("gitea_tokens", path, check=True, **given).result()
    assert (result["changed"], result["created"]) == (True, True)
    assert "Secret argocd/kept: argocd-token (made)\n" in result["diff"]["after"]
    assert "git-sync: read gitops/dags (read:repository)\n" in result["diff"]["after"]
    result = Module("gitea_tokens", path, **given).result()
    assert (result["failed"], result["code"]) == (True, "missing_secret")
    metadata: Obj = {"name": "kept", "namespace": "argocd", "labels": LABELS}
    data = dict.fromkeys(("username", "argocd-token", "git-sync-token"), "eA==")
    server.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    # A check on an older platform's Secret says what would change.
    assert Module("gitea_tokens", path, check=True, **given).result()["changed"]
    patch = {"metadata": {"annotations": {ACCESS: wanted.access}}, "data": dict.fromkeys(("platform-token", "dags-token"), "eA==")}
    connect({"kubeconfig": str(path)}).patch(wanted.place.path, patch, {})
    for state in ("present", "revoked"):
        result = Module("gitea_tokens", path, **given, state=state).result()
        assert (result["changed"], result["pending"]) == (False, False)
