# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a container: its output apart from its errors, and how it has ended. A small server stands for API server and kubelet."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes.client
import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import execute, exit_code

SUCCESS = {"metadata": {}, "status": "Success"}
CAUSE = {"reason": "ExitCode", "message": "3"}


def failure(message: str = "", causes: list[Any] | None = None) -> dict[str, Any]:
    return {"status": "Failure", "message": message, "details": {"causes": causes}}


@pytest.mark.parametrize(("status", "code"), [(SUCCESS, 0), (failure("exit code 3", [CAUSE]), 3)])
def test_exit_codes(status: dict[str, Any], code: int) -> None:
    assert exit_code(json.dumps(status)) == code


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (json.dumps(failure('exec: "python": executable file not found', [])), "executable file not found"),
        (json.dumps({"status": "Failure"}), "it could not be started"),
        ("", "the connection ended before the command did"),
        ("{", "the connection ended before the command did"),
        ("null", "the connection ended before the command did"),
    ],
)
def test_without_an_exit_code_there_is_a_reason(status: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        exit_code(status)


# Frames of the channels 1 (output), 2 (errors) and 3 (status), each as the API server sends it.
Frames = list[tuple[int, str]]


def frame(channel: int, text: str) -> bytes:
    payload = bytes([channel]) + text.encode()
    assert len(payload) < 126
    return bytes([0x82, len(payload)]) + payload


class Kubelet:
    """Answers each request with these frames and closes; without a status the connection stays open."""

    def __init__(self, listener: socket.socket) -> None:
        self.frames: Frames = []
        self.closes, self.refusal = True, b""
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener, self._open = listener, list[socket.socket]()

    def serve(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            self._open.append(near)
            request = b""
            while b"\r\n\r\n" not in request:
                request += near.recv(4096)
            head = request.decode().split("\r\n")
            self.asked.append(head[0].split(" ")[1])
            if self.refusal:
                near.sendall(self.refusal)
                near.close()
                continue
            key = next(line.split(": ")[1] for line in head if line.lower().startswith("sec-websocket-key"))
            digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode(), usedforsecurity=False).digest()
            accept = base64.b64encode(digest).decode()
            lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}"]
            near.sendall("\r\n".join([*lines, "Sec-WebSocket-Protocol: v4.channel.k8s.io", "", ""]).encode())
            near.sendall(b"".join(frame(*item) for item in self.frames))
            if self.closes:
                near.sendall(bytes([0x88, 0]))


@pytest.fixture
def kubelet() -> Iterator[Kubelet]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Kubelet(listener)
        threading.Thread(target=made.serve, daemon=True).start()
        yield made
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def run(kubelet: Kubelet) -> Callable[..., Any]:
    api = KubeApi(kubernetes.client.ApiClient(kubernetes.client.Configuration(host=kubelet.url)))
    return lambda seconds=10.0: execute(api, "airflow-core", "scheduler-1", "scheduler", ["python", "-c", "print(1)\n", "a b"], seconds)


def test_output_and_errors_are_apart(kubelet: Kubelet, run: Callable[..., Any]) -> None:
    kubelet.frames = [(1, '{"a": '), (2, "a warning\n"), (1, "1}\n"), (3, json.dumps(SUCCESS))]
    done = run()
    assert (done.output, done.errors, done.code) == ('{"a": 1}\n', "a warning\n", 0)
    (asked,) = kubelet.asked
    assert urlsplit(asked).path == "/api/v1/namespaces/airflow-core/pods/scheduler-1/exec"
    assert parse_qs(urlsplit(asked).query)["command"] == ["python", "-c", "print(1)\n", "a b"]


def test_a_command_that_fails_gives_its_code(kubelet: Kubelet, run: Callable[..., Any]) -> None:
    kubelet.frames = [(2, "KeyError"), (3, json.dumps(failure("exit code 3", [CAUSE])))]
    done = run()
    assert (done.output, done.errors, done.code) == ("", "KeyError", 3)


def test_a_command_that_cannot_be_run(kubelet: Kubelet, run: Callable[..., Any]) -> None:
    kubelet.frames = [(3, json.dumps(failure("container not found", [])))]
    with pytest.raises(ApiError, match="No command can be run in pod airflow-core/scheduler-1, container scheduler: container not found"):
        run()
    kubelet.frames = [(1, "half")]
    with pytest.raises(ApiError, match="the connection ended before the command did"):
        run()
    body = b'{"message": "pods \\"scheduler-1\\" is forbidden"}'
    kubelet.refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with pytest.raises(ApiError, match='container scheduler: pods "scheduler-1" is forbidden') as caught:
        run()
    assert (caught.value.status, caught.value.code) == (403, "forbidden")


def test_a_command_that_does_not_end(kubelet: Kubelet, run: Callable[..., Any]) -> None:
    kubelet.frames, kubelet.closes = [(1, "so far")], False
    with pytest.raises(ApiError, match=r"has not ended within 0\.2 s"):
        run(seconds=0.2)
