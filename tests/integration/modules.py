# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules run as Ansible runs them, each in a process of its own with its arguments as JSON, and measured."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

Obj = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]


class Warm:
    """Copies of a process that has imported the libraries (warm.py)."""

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            environment = {**os.environ, "PYTHONPATH": str(ROOT / ".ansible/collections")}
            subprocess.Popen([sys.executable, str(Path(__file__).with_name("warm.py"))], stdin=theirs.fileno(), env=environment)

    def start(self, module: str, files: list[IO[str]]) -> int:
        """A pidfd of the module's process."""
        request = {"module": module, "environment": dict(os.environ), "folder": str(Path.cwd())}
        socket.send_fds(self._connection, [json.dumps(request).encode()], [file.fileno() for file in files])
        _message, handles, _flags, _address = socket.recv_fds(self._connection, 1, 1)
        return handles[0]


warm = functools.cache(Warm)


class Module:
    """A running module. :meth:`result` waits for its end."""

    def __init__(self, module: str, kubeconfig: Path, /, check: bool = False, **options: Any) -> None:
        arguments = {"kubeconfig": str(kubeconfig), "_ansible_check_mode": check, **options}
        self.began = time.monotonic()
        given, self._output, self._errors = (tempfile.TemporaryFile("w+") for _number in range(3))  # noqa: SIM115 (they close with this object)
        json.dump({"ANSIBLE_MODULE_ARGS": arguments}, given)
        given.seek(0)
        self._process = warm().start(module, [given, self._output, self._errors])
        weakref.finalize(self, os.close, self._process)

    def __enter__(self) -> Module:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.running():
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
            self._ended(60)

    def _ended(self, seconds: float) -> bool:
        return bool(select.select([self._process], [], [], seconds)[0])

    def running(self) -> bool:
        return not self._ended(0)

    def result(self, timeout: float = 60) -> Obj:
        """What the module returned, its warnings as texts, with C(seconds) of the whole process and C(peak_mb) of its memory.

        :raises TimeoutError: when the module is still running after ``timeout`` seconds.
        """
        if not self._ended(timeout):
            raise TimeoutError(f"the module is still running after {timeout} s")
        return returned(contents(self._output), contents(self._errors), time.monotonic() - self.began)

    def until(self, true: Callable[[], Any], seconds: float = 30) -> None:
        """Waits until it is true, with the module still running.

        :raises AssertionError: when it is not so within ``seconds``, or the module ends before.
        """
        deadline = time.monotonic() + seconds
        while not true():
            assert self.running(), f"the module has ended: {self.result()}"
            assert time.monotonic() < deadline, f"not so within {seconds} s"
            time.sleep(0.05)


def returned(output: str, errors: str, seconds: float) -> Obj:
    """What a module returned, as :meth:`Module.result` says."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", errors)
    assert output.strip().startswith("{"), output + errors
    assert peak, errors
    found: Obj = json.loads(output)
    warnings = [item if isinstance(item, str) else item["event"]["msg"] for item in found.get("warnings", [])]
    return {**found, "warnings": warnings, "seconds": seconds, "peak_mb": int(peak[1]) / 1024}


def contents(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


class Proxy:
    """Passes TCP connections on to a port of the loopback until it is cut. A cut one accepts and closes at once."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.attempts = 0
        self._cut = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_error: object) -> None:
        self.cut()
        self._listener.close()

    def cut(self) -> None:
        self._cut = True
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def mend(self) -> None:
        self._cut = False

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            self.attempts += 1
            if self._cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
