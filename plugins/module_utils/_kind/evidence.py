# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine knows of a kind cluster: Docker, the node containers, their journals. Only reads, and never waits long."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._host import command
from ansible_collections.gitops.airflow.plugins.module_utils._host.command import CommandError, CommandTimeout, Done
from ansible_collections.gitops.airflow.plugins.module_utils._host.docker import CLUSTER_LABEL
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import STATE_DIR

Run = Callable[[Sequence[str]], Done]
# The longest that one command may take.
SECONDS = 10.0
JOURNAL_LINES = 1000
UNITS = ("kubelet", "containerd")
AGAIN = "Run site.yml (make site)"
# From Docker's information: without proxies and registries, because they may hold credentials.
INFO = (
    "Architecture",
    "CgroupDriver",
    "CgroupVersion",
    "Containers",
    "ContainersRunning",
    "DefaultRuntime",
    "DockerRootDir",
    "Driver",
    "Images",
    "KernelVersion",
    "MemTotal",
    "NCPU",
    "OperatingSystem",
    "SecurityOptions",
    "ServerErrors",
    "ServerVersion",
    "Warnings",
)


def run(args: Sequence[str]) -> Done:
    """As a shell does it: exit code 127 with the reason where the command cannot be run, 124 where it takes too long."""
    try:
        return command.run(args, timeout=SECONDS)
    except CommandError as error:
        return 124 if isinstance(error, CommandTimeout) else 127, "", str(error)


def _said(code: int, out: str, err: str) -> str:
    return shorten(err.strip() or out.strip() or f"exit code {code}", 300)


def nodes(cluster: str, runner: Run = run) -> tuple[list[dict[str, Any]], str]:
    """The cluster's node containers as Docker describes them, running or not; and why they cannot be read, or nothing."""
    code, out, err = runner(["docker", "ps", "-aq", "--filter", f"label={CLUSTER_LABEL}={cluster}"])
    if code or not out.split():
        return [], _said(code, out, err) if code else ""
    code, out, err = runner(["docker", "inspect", *out.split()])
    try:
        return sorted(json.loads(out), key=lambda item: str(item["Name"])), ""
    except (ValueError, KeyError, TypeError):
        return [], _said(code, out, err)


def _name(container: dict[str, Any]) -> str:
    return str(container["Name"]).lstrip("/")


def explain_unreachable(cluster: str, found: Sequence[dict[str, Any]], error: str) -> tuple[str, str]:
    """Why the API of a kind cluster does not answer, as far as Docker knows, and the next action. Takes what ``nodes`` returns."""
    if error:
        why = f"Docker, which holds the kind cluster {cluster}, cannot be asked: {error.rstrip('?.')}."
        return why, f"{AGAIN}, which starts both."
    if not found:
        return f"Docker has no container of a kind cluster {cluster}: it was deleted, or never made.", f"{AGAIN}, which makes it."
    states = {_name(item): dict(item.get("State") or {}) for item in found}
    if paused := [name for name, state in states.items() if state.get("Status") == "paused"]:
        return f"Node {', '.join(paused)} is paused.", f"Resume it: docker unpause {' '.join(paused)}."
    still = [
        f"node {name} is {state.get('Status')} (exit code {state.get('ExitCode')}{', out of memory' if state.get('OOMKilled') else ''},"
        f" since {str(state.get('FinishedAt'))[:19]}Z)"
        for name, state in states.items()
        if state.get("Status") != "running"
    ]
    if still:
        return f"Its container is stopped: {'; '.join(still)}.", f"{AGAIN}, which starts it; everything in it is kept."
    first = next(iter(states))
    return (
        f"Its containers run ({', '.join(states)}): the API server in them is down or still starts, or kubeconfig and context are those of "
        "another cluster.",
        f"{AGAIN}, which corrects the kubeconfig and waits for the nodes; or look: docker exec {first} crictl ps -a.",
    )


def why_unreachable(cluster: str, runner: Run = run) -> tuple[str, str]:
    """``explain_unreachable``, of this machine."""
    return explain_unreachable(cluster, *nodes(cluster, runner))


def _node(container: dict[str, Any]) -> str:
    """A node container's state without its environment."""
    config, host, network = (container.get(key) or {} for key in ("Config", "HostConfig", "NetworkSettings"))
    kept = {key: container.get(key) for key in ("Name", "Created", "State", "RestartCount", "Mounts")}
    kept |= {"Image": config.get("Image"), "Labels": config.get("Labels"), "Ports": host.get("PortBindings")}
    return json.dumps({**kept, "Networks": network.get("Networks")}, indent=2)


def _info(text: str) -> str:
    try:
        told = json.loads(text)
        return json.dumps({key: told[key] for key in INFO if told.get(key) is not None}, indent=2)
    except (ValueError, AttributeError):
        return ""


def _journals(container: dict[str, Any]) -> dict[str, list[str]]:
    """The commands that read what a node container wrote, by the name of the file that it becomes."""
    name = _name(container)
    commands = {f"{name}.console.log": ["docker", "logs", "--tail", str(JOURNAL_LINES), "--timestamps", name]}
    if (container.get("State") or {}).get("Status") == "running":
        for unit in UNITS:
            journal = ["journalctl", "--no-pager", "-o", "short-iso", "-n", str(JOURNAL_LINES), "-u", unit]
            commands[f"{name}.{unit}.log"] = ["docker", "exec", name, *journal]
    return commands


def kept_folder(cluster: str, state_dir: Path | None = None) -> Path:
    """Where the journals of a cluster that could not be created are kept until one of that name is created or deleted."""
    return (state_dir or Path(STATE_DIR).expanduser()) / f"{cluster}.failed"


def keep_journals(cluster: str, folder: Path, runner: Run) -> dict[str, str]:
    """Writes the journals of all nodes into the folder, before the nodes are deleted (F13). Returns those of kubelets, by node.

    What cannot be read is left out: the failure to tell is another one. Raises OSError.
    """
    found, _error = nodes(cluster, runner)
    commands = {path: command for item in found for path, command in _journals(item).items()}
    texts = {path: _joined(*runner(command)[1:]) for path, command in commands.items()}
    forget_journals(folder)
    if any(texts.values()):
        folder.mkdir(parents=True, mode=0o700)
    for path, text in texts.items():
        if text:
            (folder / path).write_text(text, encoding="utf-8")
    return {name: texts.get(f"{name}.kubelet.log", "") for name in map(_name, found)}


def forget_journals(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _kept(folder: Path) -> dict[str, str]:
    try:
        return {f"host/failed-creation/{path.name}": path.read_text("utf-8", "replace") for path in sorted(folder.glob("*.log"))}
    except OSError:
        return {}


def evidence(cluster: str, kind: str, runner: Run = run) -> tuple[dict[str, str], list[str]]:
    """Files by name, and notes of what could not be read. Not masked. ``kind``: the binary."""
    found, error = nodes(cluster, runner)
    commands = {
        "host/docker-ps.txt": ["docker", "ps", "-a", "--format", "table {{.Names}}\t{{.Image}}\t{{.Status}}\t{{.Ports}}"],
        "host/docker-info.json": ["docker", "info", "--format", "{{json .}}"],
        "host/kind-version.txt": [kind, "version"],
    }
    files = {f"host/{_name(item)}.json": _node(item) for item in found}
    notes = [] if found else [" ".join(explain_unreachable(cluster, found, error))]
    files |= _kept(kept_folder(cluster))
    for item in found:
        commands |= {f"host/{path}": args for path, args in _journals(item).items()}
        if (item.get("State") or {}).get("Status") != "running":
            why, action = explain_unreachable(cluster, [item], "")
            notes.append(f"The journals of {_name(item)} are not collected, because its container does not run. {why} {action}")
    with ThreadPoolExecutor(max_workers=8) as pool:
        for (path, args), (code, out, err) in zip(commands.items(), pool.map(runner, commands.values()), strict=True):
            text = _info(out) if path.endswith("info.json") else _joined(out, err if path.endswith(".log") else "")
            if text:
                files[path] = text
            if code or not text:
                notes.append(f"{' '.join(args[:3])}: {_said(code, '', err)}")
    return files, list(dict.fromkeys(notes))


def _joined(*texts: str) -> str:
    return "".join(f"{text.rstrip()}\n" for text in texts if text.strip())
