# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets where none may be: known values, in each form that they may take."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Keys whose values say who, where and when: no secrets.
OPEN_KEYS = {"ca.crt", "tls.crt", "type", "url", "username", "GIT_SYNC_USERNAME", "GITSYNC_USERNAME", "admin.passwordMtime"}
SHORTEST = 8
LOOKS = 20


def values_of(secrets: list[Any]) -> dict[str, str]:
    """Secret values by where they come from. Of settings each password, key or token; of a key its longest line."""
    found: dict[str, str] = {}
    for secret in secrets:
        for key, encoded in (secret.data or {}).items():
            value = base64.b64decode(encoded).decode("utf-8", "replace")
            name = f"{secret.metadata.namespace}/{secret.metadata.name}:{key}"
            if key in OPEN_KEYS:
                continue
            if "\n" not in value.strip():
                found[name] = value.strip()
            elif value.startswith("-----BEGIN"):
                found[name] = max(value.splitlines(), key=len)
            else:
                settings = re.findall(r"(?m)^\s*(\w*(?:PASSWORD|SECRET|TOKEN|KEY)\w*) *= *(\S+)$", value)
                found |= {f"{name}:{setting}": hidden for setting, hidden in settings}
    return {name: value for name, value in found.items() if len(value) >= SHORTEST}


def forms(value: str) -> set[bytes]:
    encoded = base64.b64encode(value.encode()).decode()
    return {form.encode() for form in (value, encoded.rstrip("="), quote(value, safe=""), json.dumps(value)[1:-1])}


def found_in(content: bytes, known: dict[str, str]) -> list[str]:
    """The names of the values that the content holds."""
    return sorted(name for name, value in known.items() if any(form in content for form in forms(value)))


class CommandLines:
    """Every command line on this machine, those in the containers of a kind node with them, while it is open.

    A process is read a few times only: soon after it begins it may become another program.
    """

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self) -> None:
        looks: dict[str, int] = {}
        while not self._end.wait(0.05):
            present = [name for name in os.listdir("/proc") if name.isdigit()]
            looks = {name: looks.get(name, 0) for name in present}
            for name in present:
                if looks[name] < LOOKS:
                    looks[name] += 1
                    with contextlib.suppress(OSError):
                        self.seen.add(Path("/proc", name, "cmdline").read_bytes())

    def __enter__(self) -> CommandLines:
        self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._end.set()
        self._thread.join()


def history(url: str, folder: Path, username: str, password: str) -> bytes:
    """All objects of a Git repository, whatever branch or commit they belong to, uncompressed."""
    token = base64.b64encode(f"{username}:{password}".encode()).decode()
    environment = {
        "PATH": "/usr/bin:/bin:/usr/local/bin",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {token}",
    }
    subprocess.run(["git", "clone", "--quiet", "--mirror", url, folder], env=environment, check=True, capture_output=True)
    return objects(folder)


def objects(folder: Path) -> bytes:
    command = ["git", "-C", str(folder), "cat-file", "--batch", "--batch-all-objects", "--buffer"]
    return subprocess.run(command, check=True, capture_output=True).stdout
