# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a container of the base image: installs packages beside those of the image, and prints what is new as a tar.

Standard input is a JSON object (PipSettings.payload, requirements, python). Standard output is the tar of all new files, standard error
ends with a line of JSON: the packages before and after, and pip's output. Secrets are written to a file system in memory only. It must run
with the Python of Airflow's image, which may be as old as 3.7.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import site
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO

# A file system in memory, which every container has.
MEMORY = "/dev/shm"
# How much of pip's output is reported, in characters.
KEPT = 20000


def constraints(installed: dict[str, str]) -> str:
    """A constraints file that keeps every installed package at its version."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(installed.items()))


def pip_config(options: dict[str, str], folder: str) -> str:
    """The options as pip's configuration file. The value of a list has a line for each entry."""
    lines = ["[global]"]
    for name, value in sorted(options.items()):
        text = value.replace("{folder}", folder).replace("\n", "\n    ")
        lines.append(f"{name} = {text}")
    return "\n".join(lines) + "\n"


def versions(listed: str) -> dict[str, str]:
    """Name and version of each package, from C(pip list --format=json)."""
    return {item["name"]: item["version"] for item in json.loads(listed)}


def difference(before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    """What is new, and which of the packages before are another version or gone."""

    def key(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    old, new = ({key(name): (name, version) for name, version in given.items()} for given in (before, after))
    return {
        "added": [{"name": new[name][0], "version": new[name][1]} for name in sorted(new.keys() - old.keys())],
        "replaced": sorted(old[name][0] for name in old if name not in new or new[name][1] != old[name][1]),
    }


def changed_paths(roots: list[str], since: float) -> Iterator[str]:
    """Files, links and folders that were made or changed at or after a time (seconds), folders before what they hold."""
    for root in roots:
        for folder, folders, files in os.walk(root):
            folders.sort()
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for path in [folder, *(os.path.join(folder, name) for name in sorted(files + links))]:
                if os.lstat(path).st_ctime >= since:
                    yield path


def write_tar(paths: Iterator[str], stream: BinaryIO) -> None:
    """The paths with their owners and modes, named from the root folder."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in paths:
            archive.add(path, arcname=path.lstrip("/"), recursive=False)


def package_roots() -> list[str]:
    """The folders that pip installs into, without those inside another one."""
    found = sorted({os.path.realpath(sys.prefix), os.path.realpath(site.getuserbase())})
    return [path for path in found if os.path.isdir(path) and not any(path.startswith(other + "/") for other in found)]


def install(given: dict[str, Any], folder: str) -> dict[str, Any]:
    """Installs into this image. ``folder`` is in memory. Returns the report."""
    for name, text in given["files"].items():
        write(os.path.join(folder, name), text)
    write(os.path.join(folder, "pip.conf"), pip_config(given["options"], folder))
    write(os.path.join(folder, "requirements.txt"), given["requirements"])
    environment = dict(os.environ, PIP_CONFIG_FILE=os.path.join(folder, "pip.conf"), PYTHONDONTWRITEBYTECODE="1")
    environment.update((name, value.replace("{folder}", folder)) for name, value in given["environment"].items())
    pip = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check"]

    def run(arguments: list[str], errors: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*pip, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
            check=False,
        )

    listing = ["list", "--format=json"]
    listed = run(listing, subprocess.PIPE)
    if listed.returncode:
        return {"code": listed.returncode, "output": listed.stderr[-KEPT:], "before": {}, "added": [], "replaced": []}
    before = versions(listed.stdout)
    write(os.path.join(folder, "constraints.txt"), constraints(before))
    words = ["install", "--no-cache-dir", "--progress-bar=off"]
    for option, name in (("--constraint", "constraints.txt"), ("--requirement", "requirements.txt")):
        words += [option, os.path.join(folder, name)]
    done = run(words, subprocess.STDOUT)
    after = versions(run(listing, subprocess.PIPE).stdout) if done.returncode == 0 else before
    return dict(difference(before, after), code=done.returncode, output=done.stdout[-KEPT:], before=before)


def write(path: str, text: str) -> None:
    """A file that only this user can read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def stop(_signal: int, _frame: Any) -> None:
    """Ends pip and this program. Without a handler, the first process of a container ignores this signal."""
    raise SystemExit(143)


def main() -> int:
    signal.signal(signal.SIGTERM, stop)
    given = json.load(sys.stdin)
    folder = tempfile.mkdtemp(dir=MEMORY)
    start = os.lstat(folder).st_ctime
    try:
        report = install(given, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if report["code"] == 0 and not report["replaced"]:
        write_tar(changed_paths(package_roots(), start), sys.stdout.buffer)
        sys.stdout.buffer.flush()
    sys.stderr.write("\n" + json.dumps(report) + "\n")
    return 0 if report["code"] == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
