# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What parts with servers outside of the cluster share: commands, containers beside kind's nodes, certificates of a private authority."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAB = Path("~/.cache/gitops-airflow/lab/vars.yml").expanduser()


def call(*command: str, given: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """A command's output. Ends the script if the command fails."""
    done = subprocess.run(command, input=given, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)[:200]} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def kubectl(kubeconfig: Path, context: str, *arguments: str, given: str | None = None) -> str:
    lab = LAB.parent / "bin/kubectl"
    program = str(lab) if lab.exists() else "kubectl"
    return call(program, "--kubeconfig", str(kubeconfig), "--context", context, *arguments, given=given)


@contextmanager
def network(name: str, *options: str) -> Iterator[None]:
    """A network of Docker, which is removed at the end if it did not exist. kind creates the one named "kind" with its first cluster."""
    made = name not in call("docker", "network", "ls", "--format", "{{.Name}}").split()
    if made:
        call("docker", "network", "create", *options, name)
    try:
        yield
    finally:
        if made:  # another cluster may use it
            subprocess.run(["docker", "network", "rm", name], capture_output=True, check=False)


@contextmanager
def container(name: str, image: str, options: Sequence[str], command: Sequence[str], log: Path, keep: bool = False) -> Iterator[None]:
    """A container whose output goes to a file at the end. One of this name is replaced."""
    subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True, check=False)
    call("docker", "run", "--detach", "--name", name, *options, image, *command)
    try:
        time.sleep(1)
        if call("docker", "inspect", "--format", "{{.State.Running}}", name).strip() != "true":
            sys.exit(f"The container {name} ended at once. Its output: {log}")
        yield
    finally:
        done = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=False)
        log.write_text(done.stdout + done.stderr)
        if not keep:
            call("docker", "rm", "--force", "--volumes", name)


def certificate(folder: Path, name: str, names: str, authority: str = "ca") -> None:
    """A server's NAME.pem and NAME.key for two days. ``names``: as in subjectAltName. The authority is made if the folder has none."""
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    root, key = folder / f"{authority}.pem", folder / f"{authority}.key"
    if not root.exists():
        call(*made, "-subj", f"/CN={authority} of the tests", "-keyout", str(key), "-out", str(root))
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE"]
    files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
    call(*made, *subject, "-CA", str(root), "-CAkey", str(key), *files)
