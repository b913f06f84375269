# GPL-3.0-or-later
"""Runs a command in a terminal of its own and keeps what it writes, with the times."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from terminal import COLUMNS, Shown, read


def record(command: Sequence[str], folder: Path, rows: int = 50) -> tuple[int, list[Shown]]:
    """The command's exit code and lines. They go to this terminal, too. Names of this machine's folders are shortened."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "ANSIBLE_FORCE_COLOR": "1"}
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    lines: list[Shown] = []
    waiting = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the last process that wrote to the terminal has ended
            break
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        *whole, waiting = (waiting + data).split(b"\n")
        for line in whole:
            lines += read(_shortened(line.decode("utf-8", "replace").rstrip("\r"), folder), time.monotonic() - start)
    os.close(ours)
    return process.wait(), lines


def _shortened(line: str, folder: Path) -> str:
    return line.replace(f"{folder}/", "").replace(str(Path.home()), "~")
