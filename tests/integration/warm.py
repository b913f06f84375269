# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that has imported the libraries of modules, and copies itself for each module: half a module's time goes into these imports.

Nothing of the collection is imported before the copy. The socket is standard input. A request is JSON with C(module), C(environment) and
C(folder), and comes with the files for the module's standard input, output and error. The answer comes with a pidfd of the copy.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import socket
import sys
from pathlib import Path
from typing import Any

LIBRARIES = ("ansible.module_utils.basic", "kubernetes", "ansible_collections.kubernetes.core.plugins.module_utils.k8s.client")
MOST = 1 << 20  # bytes of a request


def carry_out(request: dict[str, Any], files: list[int]) -> None:
    """Runs the module in this process. Its memory's peak is the last line of its errors: wait4 would include the memory before the copy."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    try:
        runpy.run_module(f"ansible_collections.gitops.airflow.plugins.modules.{request['module']}", run_name="__main__", alter_sys=True)
    finally:
        sys.stderr.writelines(line + "\n" for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))


def main() -> None:
    connection = socket.socket(fileno=os.dup(0))
    for name in LIBRARIES:
        importlib.import_module(name)
    children: set[int] = set()
    while True:
        message, files, _flags, _address = socket.recv_fds(connection, MOST, 3)
        if not message:
            return
        # An ended copy stays a zombie until here, so that a pidfd can always be opened.
        children -= {child for child in children if os.waitpid(child, os.WNOHANG)[0]}
        child = os.fork()
        if not child:
            connection.close()
            carry_out(json.loads(message), files)
            return
        children.add(child)
        for file in files:
            os.close(file)
        handle = os.pidfd_open(child)
        socket.send_fds(connection, [b"."], [handle])
        os.close(handle)


if __name__ == "__main__":
    main()
