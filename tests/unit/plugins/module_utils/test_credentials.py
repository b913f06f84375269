# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H5: a password goes to the host that it is for, and neither to a proxy nor where a redirect leads. Real servers on the loopback."""

from __future__ import annotations

import contextlib
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow import access as _airflow_access
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api import Access as AirflowAccess
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api import AirflowApi
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError
from ansible_collections.gitops.airflow.plugins.module_utils._git import access as _git_access
from ansible_collections.gitops.airflow.plugins.module_utils._git.branch import read_branch
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Access
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import NoReadyPod, Tunnel
from ansible_collections.gitops.airflow.tests.unit.git_http import Backend, git
from ansible_collections.gitops.airflow.tests.unit.logging_proxy import LoggingProxy, logging_proxy, set_proxy
from ansible_collections.gitops.airflow.tests.unit.plugins.modules.test_git_branch_info import PARAMS as READ
from ansible_collections.gitops.airflow.tests.unit.plugins.modules.test_git_publish import PARAMS as WRITE
from ansible_collections.gitops.airflow.tests.unit.plugins.modules.test_git_publish import run as publish
from ansible_collections.gitops.airflow.tests.unit.serving import QuietHandler, serving
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

ANN = Credentials("ann", "s3cret")
CLUSTER = dict.fromkeys(AUTH_ARG_SPEC)
AT = {"namespace": "git", "service": "gitea", "port": 3000}


@pytest.fixture
def proxy() -> Iterator[LoggingProxy]:
    with logging_proxy() as running:
        yield running


class Other:
    """A server that asks whoever comes for a password; or, with ``location``, sends them there."""

    def __init__(self) -> None:
        self.location = self.url = ""
        self.requests: list[str] = []
        self.passwords: list[str] = []


@pytest.fixture
def other() -> Iterator[Other]:
    state = Other()

    class Handler(QuietHandler):
        def answer(self) -> None:
            state.requests.append(f"{self.command} {self.path}")
            state.passwords.extend(self.headers.get_all("Authorization") or [])
            self.send_response(302 if state.location else 401)
            if state.location:
                self.send_header("Location", state.location + self.path)
            else:
                self.send_header("WWW-Authenticate", 'Basic realm="give it to me"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PATCH = answer

    with serving(Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        yield state


@contextlib.contextmanager
def to_port(port: int) -> Iterator[Tunnel]:
    with Tunnel(lambda: socket.create_connection(("127.0.0.1", port), timeout=5)) as opened:
        yield opened


def bring(monkeypatch: pytest.MonkeyPatch, module: Any, url: str) -> list[Any]:
    """Lets a module's tunnel lead to a server of the test; what it is opened with."""
    opened: list[Any] = []

    def open_tunnel(params: dict[str, Any], namespace: str, service: str, port: int, wait: bool = True) -> Any:
        opened.append((params, namespace, service, port))
        return to_port(urlsplit(url).port or 0)

    monkeypatch.setattr(module, "open_tunnel", open_tunnel)
    return opened


# Airflow


def airflow(url: str | None, **over: Any) -> dict[str, Any]:
    return {**CLUSTER, "url": url, "tunnel": None, "username": "admin", "password": "secret", "ca_path": None, **over}


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("no_proxy", ["", "example.com"])
def test_airflow_on_this_machine_is_asked_without_a_proxy(
    other: Other, proxy: LoggingProxy, monkeypatch: pytest.MonkeyPatch, lower: bool, no_proxy: str
) -> None:
    set_proxy(monkeypatch, proxy.url, no_proxy, lower)
    with _airflow_access.open_airflow(airflow(other.url), set[str]().add) as api, pytest.raises(AirflowError, match="401"):
        api.health()
    assert (len(other.passwords), proxy.requests) == (1, [])


@pytest.mark.parametrize("lower", [True, False])
def test_airflow_through_a_tunnel_is_asked_without_a_proxy(
    other: Other, proxy: LoggingProxy, monkeypatch: pytest.MonkeyPatch, lower: bool
) -> None:
    set_proxy(monkeypatch, proxy.url, lower=lower)
    opened = bring(monkeypatch, _airflow_access, other.url)
    at = {"namespace": "airflow-core", "service": "airflow-webserver", "port": 8080}
    words = "Airflow at Service airflow-webserver in airflow-core does not accept the credentials"
    with (
        _airflow_access.open_airflow(airflow(None, tunnel=at, context="kind-a"), set[str]().add) as api,
        pytest.raises(AirflowError, match=words),
    ):
        api.health()
    assert (len(other.passwords), proxy.requests) == (1, [])
    # Airflow's user and password are not the Kubernetes API's.
    assert opened[0][0]["context"] == "kind-a"
    assert not {"username", "password"} & opened[0][0].keys()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "http://airflow.example.com",
            r"url is 'http://airflow\.example\.com': over plain HTTP the password of user 'admin' could be read",
        ),
        ("http://10.0.0.5:8080", "over plain HTTP"),
        ("http://admin:secret@localhost:8080", "holds a user or password"),
        ("https://admin:secret@airflow.example.com", "holds a user or password"),
        ("http://localhost:80a", "url is 'http://localhost:80a': Port could not be cast"),
        ("localhost:8080", "it must begin with http"),
        ("ftp://localhost", "it must begin with http"),
        ("http://", "it must begin with http"),
    ],
)
def test_a_bad_url_of_airflow_is_refused_before_anything_is_sent(
    proxy: LoggingProxy, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    set_proxy(monkeypatch, proxy.url)
    with pytest.raises(AirflowError, match=words) as caught, _airflow_access.open_airflow(airflow(url), set[str]().add):
        pass
    assert (caught.value.passing, proxy.requests) == (False, [])
    assert caught.value.next_action
    assert "secret" not in caught.value.text


@pytest.mark.parametrize(("no_proxy", "seen"), [("", ["CONNECT airflow.test:443"]), ("test", [])])
def test_airflow_elsewhere_is_asked_by_the_proxy_unless_excluded(
    proxy: LoggingProxy, monkeypatch: pytest.MonkeyPatch, no_proxy: str, seen: list[str]
) -> None:
    set_proxy(monkeypatch, proxy.url, no_proxy)
    with (
        _airflow_access.open_airflow(airflow("https://airflow.test"), set[str]().add) as api,
        pytest.raises(AirflowError, match="cannot be reached"),
    ):
        api.health()
    assert (proxy.requests, proxy.passwords) == (seen, [])


def test_airflows_redirect_gets_no_password(other: Other, proxy: LoggingProxy) -> None:
    other.location = proxy.url
    with pytest.raises(AirflowError, match="redirects /health"):
        AirflowApi(AirflowAccess(other.url, "admin", "secret")).health()
    assert proxy.requests == []


def test_why_a_tunnel_leads_nowhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Any:
        raise NoReadyPod("the Service airflow-webserver has no ready pod")

    monkeypatch.setattr(_airflow_access, "open_tunnel", lambda *_args, **_more: Tunnel(nobody))
    with (
        _airflow_access.open_airflow(airflow(None, tunnel=AT), set[str]().add) as api,
        pytest.raises(AirflowError, match="no ready pod") as caught,
    ):
        api.health()
    assert caught.value.passing


# Git


def read(url: str, temp: Path, **over: Any) -> str:
    return read_branch({**CLUSTER, **READ, "credentials": ANN, "repo": url, **over}, str(temp))


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("no_proxy", ["", "example.com"])
def test_git_on_this_machine_is_asked_without_a_proxy(
    server: str, proxy: LoggingProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lower: bool, no_proxy: str
) -> None:
    set_proxy(monkeypatch, proxy.url, no_proxy, lower)
    assert read(f"{server}/repo.git", tmp_path)
    assert proxy.requests == []


def test_git_elsewhere_is_asked_by_the_proxy(proxy: LoggingProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_proxy(monkeypatch, proxy.url)
    with pytest.raises(GitError):
        read("https://git.test/repo.git", tmp_path)
    assert (proxy.requests, proxy.passwords) == (["CONNECT git.test:443"], [])


def test_git_through_a_tunnel_uses_nothing_that_is_meant_for_other_hosts(
    server: str, filled: Path, proxy: LoggingProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text(f"[http]\nproxy = {proxy.url}\nextraHeader = X-Token: mine\n")
    (tmp_path / ".netrc").write_text("default login me password mine\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    set_proxy(monkeypatch, proxy.url)
    headers: list[str] = []
    handle = Backend.handle_git

    def listen(self: Backend) -> None:
        headers.append(str(self.headers))
        handle(self)

    monkeypatch.setattr(Backend, "handle_git", listen)
    bring(monkeypatch, _git_access, server)
    params = {**CLUSTER, **WRITE, "credentials": ANN, "repo": "http://gitea.git.svc:3000/repo.git", "tunnel": AT, "files": {"a": "b"}}
    assert publish(params, str(tmp_path), check=False).commit == git(filled, "rev-parse", "main")
    assert (len(headers) > 3, proxy.requests) == (True, [])
    sent = {line for text in headers for line in text.splitlines() if line.startswith(("Authorization:", "X-Token:"))}
    assert sent == {"Authorization: Basic YW5uOnMzY3JldA=="}


def test_a_redirect_of_git_gets_no_password(other: Other, server: str, tmp_path: Path) -> None:
    # The same machine has another port: another server. It takes the very password.
    other.location = server
    with pytest.raises(GitError, match="redirects to another one, to which the credentials are not sent") as caught:
        read(f"{other.url}/repo.git", tmp_path)
    assert caught.value.code == "authentication"
    assert f"could not read Username for '{server}'" in str(caught.value)
    assert len(Backend.seen) == 1  # without a password


def test_a_redirect_on_the_same_server_keeps_the_password(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = Backend.handle_git

    def moved(self: Backend) -> None:
        if not self.path.startswith("/old"):
            return handle(self)
        self.send_response(301)
        self.send_header("Location", server + self.path.replace("/old", "/repo.git", 1))
        self.end_headers()
        return None

    monkeypatch.setattr(Backend, "handle_git", moved)
    assert read(f"{server}/old", tmp_path)


@pytest.mark.parametrize("given", [ANN, Credentials(password="token"), Credentials("ann")])
def test_git_over_plain_http_elsewhere_gets_no_password(
    proxy: LoggingProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Credentials
) -> None:
    set_proxy(monkeypatch, proxy.url)
    with pytest.raises(GitError, match=r"repo is http://git\.example\.com/a\.git: over plain HTTP its credentials could be read") as caught:
        read("http://git.example.com/a.git", tmp_path, credentials=given)
    assert (caught.value.code, proxy.requests) == ("unencrypted", [])
    named = caught.value.named({"repo": "my_repo", "username": "my_user"})
    assert named.next_action == "Give an https or SSH URL as my_repo, or no my_user and password."


def test_git_over_plain_http_elsewhere_is_read_without_a_password(
    proxy: LoggingProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_proxy(monkeypatch, proxy.url, lower=True)
    with pytest.raises(GitError, match="server failed"):
        read("http://git.test/a.git", tmp_path, credentials=Credentials())
    assert len(proxy.requests) == 1
    assert proxy.passwords == []


def test_ssh_through_a_tunnel_uses_no_way_that_is_meant_for_other_hosts(tmp_path: Path) -> None:
    words = shlex.split(Access(tunnelled=True).environment(tmp_path)["GIT_SSH_COMMAND"])
    assert {"ProxyCommand=none", "ProxyJump=none", "ControlPath=none"} <= set(words)
    assert "ProxyCommand=none" not in shlex.split(Access().environment(tmp_path)["GIT_SSH_COMMAND"])
