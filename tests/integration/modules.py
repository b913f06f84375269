# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules run as Ansible runs them, each in a process of its own with its arguments as JSON, and measured."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

Obj = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
# The peak is read from the process itself: what wait4 reports of a child includes the parent's memory at the fork.
RUN = """
import atexit, runpy, sys
atexit.register(lambda: sys.stderr.writelines(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
runpy.run_module("ansible_collections.gitops.airflow.plugins.modules.{name}", run_name="__main__", alter_sys=True)
"""


class Module:
    """A running module. :meth:`result` waits for its end."""

    def __init__(self, module: str, kubeconfig: Path, /, check: bool = False, **options: Any) -> None:
        arguments = {"kubeconfig": str(kubeconfig), "_ansible_check_mode": check, **options}
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-c", RUN.format(name=module)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / ".ansible/collections")},
        )
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        self._process.stdin.close()
        self._process.stdin = None

    def __enter__(self) -> Module:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def running(self) -> bool:
        return self._process.poll() is None

    def result(self, timeout: float = 60) -> Obj:
        """What the module returned, its warnings as texts, with C(seconds) of the whole process and C(peak_mb) of its memory."""
        output, errors = self._process.communicate(timeout=timeout)
        peak = re.search(r"VmHWM:\s+(\d+) kB", errors)
        assert output.strip().startswith("{"), output + errors
        assert peak, errors
        found: Obj = json.loads(output)
        warnings = [item if isinstance(item, str) else item["event"]["msg"] for item in found.get("warnings", [])]
        return {**found, "warnings": warnings, "seconds": time.monotonic() - self.began, "peak_mb": int(peak[1]) / 1024}

    def until(self, true: Callable[[], Any], seconds: float = 30) -> None:
        """Waits until it is true, with the module still running.

        :raises AssertionError: when it is not so within ``seconds``, or the module ends before.
        """
        deadline = time.monotonic() + seconds
        while not true():
            assert self.running(), f"the module has ended: {self.result()}"
            assert time.monotonic() < deadline, f"not so within {seconds} s"
            time.sleep(0.05)


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
