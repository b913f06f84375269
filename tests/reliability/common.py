# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scripts need: a platform of their own beside anybody else's, make's targets for it, and the file of what was measured."""

from __future__ import annotations

import json
import os
import platform as machine
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import report

ROOT = Path(__file__).resolve().parents[2]
NAME = os.environ.get("RELIABILITY_NAME", "airflow-reliability")
FOLDER = Path("~/.cache/gitops-airflow/platforms").expanduser() / NAME
WORK = FOLDER.with_name(f"{NAME}-work")
LOGS = WORK / "logs"
KUBECONFIG = WORK / "kubeconfig"
CONTEXT = f"kind-{NAME}"
AIRFLOW_PORT, ARGOCD_PORT = map(int, os.environ.get("RELIABILITY_PORTS", "48080,48443").split(","))
VARIABLES: dict[str, Any] = {
    "platform_name": NAME,
    "platform_prefix": "airflow",
    "platform_kubeconfig": str(KUBECONFIG),
    "platform_airflow_host_port": AIRFLOW_PORT,
    "platform_argocd_host_port": ARGOCD_PORT,
}
os.environ["PATH"] = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
_RECAP = re.compile(r"^localhost\s.*\bchanged=(\d+)\s.*\bunreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


def say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S}  {text}", flush=True)


class Make:
    """One of make's targets for this platform, in a process group of its own. Its output goes to a file, too."""

    def __init__(self, target: str, label: str, variables: dict[str, Any] | None = None, **arguments: str) -> None:
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{label}.log"
        given = WORK / "variables.json"
        given.write_text(json.dumps({**VARIABLES, **(variables or {})}))
        command = ["make", "--no-print-directory", target, f"ARGS=-e @{given}", *(f"{name}={value}" for name, value in arguments.items())]
        self.start = time.monotonic()
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def lines(self) -> Iterator[str]:
        """Each line when it comes, until the end."""
        assert self.process.stdout
        with self.log.open("w") as log:
            for line in self.process.stdout:
                log.write(line)
                log.flush()
                yield line

    def finish(self) -> dict[str, Any]:
        """Waits for the end: seconds, exit code, and changed and failed of the recap (None where there is none)."""
        text = "".join(self.lines())
        code = self.process.wait()
        recap = _RECAP.search(text)
        return {
            "seconds": round(time.monotonic() - self.start, 1),
            "code": code,
            "changed": int(recap[1]) if recap else None,
            "failed": int(recap[2]) + int(recap[3]) if recap else None,
            "why": "" if code == 0 else _why(text),
        }

    def kill(self) -> int:
        """SIGKILL for the process group and for those of its descendants that made one of their own (Ansible's workers do). How many."""
        family: set[int] = set()
        while more := {self.process.pid, *_descendants(self.process.pid)} - family:
            for pid in more:  # stopped first: whoever is stopped starts nothing more
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            family |= more
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        return len(family)

    def commands(self) -> list[str]:
        """The command lines of its descendants."""
        return [line for pid in _descendants(self.process.pid) if (line := _command(pid))]


def _why(text: str) -> str:
    """The lines under the banner FAILED, or the last ones."""
    _before, banner, after = text.rpartition("\nFAILED *")
    lines = [line.rstrip() for line in (after if banner else text).splitlines() if line.strip()]
    return "\n".join(lines[1:12] if banner else lines[-12:])


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    found, open_ones = [], [root]
    while open_ones:
        more = children.get(open_ones.pop(), [])
        found += more
        open_ones += more
    return found


def destroy() -> None:
    """Removes the platform and everything that was written for it, but the logs."""
    done = Make("destroy", "destroy").finish()
    if done["code"]:
        sys.exit(f"make destroy failed, see {LOGS / 'destroy.log'}:\n{done['why']}")
    KUBECONFIG.unlink(missing_ok=True)


@contextmanager
def own_platform(keep: bool) -> Iterator[None]:
    """Removes the platform at the end, unless it is to be kept."""
    try:
        yield
    finally:
        if keep:
            say(f"the platform {NAME} is kept; its variables: {WORK / 'variables.json'}")
        else:
            destroy()


def conditions() -> dict[str, Any]:
    """The machine and the software that the figures belong to."""
    memory = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    node = ["docker", "inspect", "--format", "{{.Image}}", f"{NAME}-control-plane"]
    image = subprocess.run(node, capture_output=True, text=True, check=True).stdout.strip()
    digests = ["docker", "image", "inspect", "--format", "{{len .RepoDigests}}", image]  # only what was pulled has one
    pulled = subprocess.run(digests, capture_output=True, text=True, check=True).stdout.strip() != "0"
    system = machine.freedesktop_os_release()
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cpus": os.cpu_count(),
        "memory_gib": round(memory / 2**20),
        "system": system.get("PRETTY_NAME", machine.platform()),
        "images": "official" if pulled else "the lab's",
    }


def keep_figures(section: str, rows: dict[str, Any]) -> None:
    """Stores rows by their names, those of other names stay, and writes the document anew."""
    measured = json.loads(report.MEASURED.read_text()) if report.MEASURED.exists() else {}
    measured.setdefault(section, {}).update({name: {**row, "conditions": conditions()} for name, row in rows.items()})
    report.MEASURED.write_text(json.dumps(measured, indent=2, sort_keys=True) + "\n")
    report.write()
