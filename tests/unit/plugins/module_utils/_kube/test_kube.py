# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of the real kubernetes client over HTTP against a double: a server that answers by path."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect, core_path, handshake_refusal, retry_after
from ansible_collections.gitops.airflow.tests.unit.serving import QuietHandler, serving

Answer = tuple[int, str]


class Server:
    """Answers by path; ``seen`` keeps method, path with query, headers and body."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, str, dict[str, str], str]] = []
        self.breaks = False
        self.busy = 0  # so many requests are refused first
        self.url = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            state.seen.append((self.command, self.path, dict(self.headers), body))
            status, text = state.answers.get(self.path.split("?")[0], (404, json.dumps({"message": "not found"})))
            if state.busy:
                state.busy -= 1
                status, text = 429, json.dumps({"message": "Too many requests, please try again later."})
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "0")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in text.splitlines(keepends=True):
                self.wfile.write(f"{len(part.encode()):x}\r\n{part}\r\n".encode())
            if state.breaks:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        do_GET = do_PATCH = handle_any

    with serving(Handler) as http:
        state.url = f"http://127.0.0.1:{http.server_port}"
        yield state


@pytest.fixture
def api(server: Server) -> KubeApi:
    return connect({"host": server.url, "api_key": "token", "impersonate_user": "jane", "validate_certs": None})


def test_get_carries_credentials_and_impersonation(server: Server, api: KubeApi) -> None:
    server.answers["/api/v1/pods"] = (200, '{"items": [], "metadata": {"resourceVersion": "7"}}')
    assert api.page("/api/v1/pods", {"limit": 5, "labelSelector": "a in (b,c)"})["metadata"]["resourceVersion"] == "7"
    _method, path, headers, _body = server.seen[0]
    assert path == "/api/v1/pods?limit=5&labelSelector=a+in+%28b%2Cc%29"
    assert {key.lower(): value for key, value in headers.items()}.items() >= {
        "authorization": "Bearer token",
        "impersonate-user": "jane",
    }.items()
    assert api.requests == 1


def test_credentials_of_one_server_do_not_go_to_another(server: Server, tmp_path: Path) -> None:
    """H5"""
    config = {
        "clusters": [{"name": "a", "cluster": {"server": "https://a.example.com"}}],
        "users": [{"name": "a", "user": {"token": "of-a"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    connect({"kubeconfig": str(tmp_path / "config")})
    server.answers["/x"] = (200, "{}")
    connect({"host": server.url, "api_key": "token"}).get("/x")
    assert {key.lower(): value for key, value in server.seen[0][2].items()}["authorization"] == "Bearer token"


def test_patch_is_a_merge_patch(server: Server, api: KubeApi) -> None:
    server.answers["/x"] = (200, "{}")
    api.patch("/x", {"a": None})
    method, _path, headers, body = server.seen[0]
    assert (method, headers["Content-Type"], json.loads(body)) == ("PATCH", "application/merge-patch+json", {"a": None})


@pytest.mark.parametrize("ask", [lambda api: api.get("/x"), lambda api: api.patch("/x", {"a": 1})], ids=["get", "patch"])
def test_a_busy_server_is_asked_again(server: Server, api: KubeApi, ask: Callable[[KubeApi], object]) -> None:
    """It refuses with 429 before it does anything, so this holds for changes, too."""
    server.answers["/x"], server.busy = (200, "{}"), 4
    assert ask(api) == {}
    assert len(server.seen) == api.requests == 5
    assert len({(method, path, body) for method, path, _headers, body in server.seen}) == 1


def test_a_server_that_stays_busy(server: Server, api: KubeApi) -> None:
    server.busy = 100
    with pytest.raises(ApiError, match="answered get /x with 429: Too many requests") as error:
        api.get("/x")
    assert (error.value.passing, error.value.code, len(server.seen)) == (True, "busy", 5)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 1.0), ("", 1.0), ("2", 2.0), ("0", 0.0), ("600", 5.0), ("-1", 1.0), ("Fri, 27 Nov 2026 09:00:00 GMT", 1.0)],
)
def test_when_a_busy_server_is_asked_again(header: str | None, seconds: float) -> None:
    assert retry_after(header) == seconds


def test_watch_yields_each_line(server: Server, api: KubeApi) -> None:
    server.answers["/x"] = (200, '{"type": "ADDED"}\n{"type": "DELETED"}\n')
    assert [item["type"] for item in api.watch("/x", {"resourceVersion": "7"})] == ["ADDED", "DELETED"]
    assert server.seen[0][1] == "/x?resourceVersion=7&watch=true"


def test_watch_that_breaks_off_gives_what_came_whole(server: Server, api: KubeApi) -> None:
    server.answers["/x"], server.breaks = (200, '{"type": "ADDED"}\n{"type": "DEL'), True
    assert [item["type"] for item in api.watch("/x", {})] == ["ADDED"]


def test_log_lines(server: Server, api: KubeApi) -> None:
    server.answers["/api/v1/namespaces/ns/pods/p/log"] = (200, "one\ntwö\nno newline")
    assert list(api.log_lines("ns", "p", "base", follow=True, tail=3)) == ["one", "twö", "no newline"]
    assert server.seen[0][1].endswith("?container=base&tailLines=3&follow=true")


def test_v17_what_the_kubelet_says_of_a_deleted_container_is_no_log(server: Server, api: KubeApi) -> None:
    """Seen: status gave it as a crashed container's last line."""
    server.answers["/api/v1/namespaces/ns/pods/p/log"] = (200, f"unable to retrieve container logs for containerd://{'a53517b9' * 8}")
    assert list(api.log_lines("ns", "p", "base", follow=False, tail=3, previous="true")) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "credentials for .* were not accepted .401, denied"),
        (403, "Not permitted to list /x .403.: denied"),
        (410, "answered list /x with 410: denied"),
        (503, "answered list /x with 503: denied"),
    ],
)
def test_refusals_name_verb_and_path(server: Server, api: KubeApi, status: int, words: str) -> None:
    server.answers["/x"] = (status, '{"message": "denied"}')
    with pytest.raises(ApiError, match=words) as caught:
        api.page("/x", {"limit": 1})
    assert caught.value.status == status
    assert caught.value.passing == (status == 503)


def test_answer_that_breaks_off_may_be_asked_for_again(server: Server, api: KubeApi) -> None:
    server.answers["/x"], server.breaks = (200, '{"items": ['), True
    with pytest.raises(ApiError, match="broke off") as caught:
        api.get("/x")
    assert caught.value.passing


def test_nobody_listens() -> None:
    with pytest.raises(ApiError, match="cannot be reached") as caught:
        connect({"host": "http://127.0.0.1:9", "api_key": "x"}).get("/x")
    assert caught.value.passing


@pytest.mark.parametrize("content", [None, "not: a kubeconfig", "{"], ids=["absent", "empty", "broken"])
def test_unusable_kubeconfig_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ApiError, match=f"kubeconfig '{file}'.* cannot be used") as caught:
        connect({"kubeconfig": str(file)})
    assert not caught.value.passing


def test_paths() -> None:
    assert core_path("pods") == "/api/v1/pods"
    assert core_path("pods", "a") == "/api/v1/namespaces/a/pods"
    assert core_path("nodes", name="n/../x") == "/api/v1/nodes/n%2F..%2Fx"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Handshake status 500 Internal -+-+- {'a': 'b'} -+-+- container not found (\"x\")", 'container not found ("x")'),
        ('Handshake status 403 Forbidden -+-+- {} -+-+- {"kind": "Status", "message": "pods is forbidden"}', "pods is forbidden"),
        ("Handshake status 502 Bad Gateway -+-+- {} -+-+- None", "Handshake status 502 Bad Gateway"),
        ("[Errno 111] Connection refused", "[Errno 111] Connection refused"),
        ("", ""),
    ],
)
def test_why_no_command_can_be_run(text: str, reason: str) -> None:
    assert handshake_refusal(text) == reason
