# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine offers before anything is made: listening ports, memory, Docker and images. Text in, verdicts out."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._host.docker import CLUSTER_LABEL, PROVIDER_VARIABLE, image_name

# Programs that name the process behind a listening port, and what they print: Linux has ss, macOS has lsof.
HOLDER_COMMANDS = (
    (("ss", "-Hltnp", "sport = :{port}"), re.compile(r'\(\("(?P<name>[^"]+)",pid=(?P<pid>\d+)')),
    (("lsof", "-nP", "-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"), re.compile(r"^p(?P<pid>\d+)\nc(?P<name>.+)", re.MULTILINE)),
)
# Where Podman keeps its data unless it is configured otherwise, for root and for others.
PODMAN_ROOT = "/containers/storage"
ONLY_DOCKER = "The collection supports kind with Docker only"
OWN_CLUSTER = "make a cluster with {engine} yourself, and set platform_provider: existing."
PERMISSION = re.compile(r"permission denied", re.IGNORECASE)
UNREACHABLE = re.compile(
    r"dial tcp|dial unix|no such host|connection refused|connection reset|i/o timeout|tls handshake timeout|network is unreachable"
    r"|context deadline exceeded|client\.timeout|proxyconnect|x509:|server gave http response to https client|timed out",
    re.IGNORECASE,
)
UNKNOWN_IMAGE = re.compile(r"no such manifest|manifest unknown|manifest for \S+ not found|name unknown|not found: manifest", re.IGNORECASE)


@dataclass(frozen=True)
class Problem:
    """One thing that stands in the way."""

    code: str
    value: str
    rule: str
    next_action: str

    def __str__(self) -> str:
        value = self.value if self.value.endswith((".", "?", "!")) else f"{self.value}."
        return f"{value} {self.rule}."

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "value": self.value, "rule": self.rule, "next_action": self.next_action}


@dataclass(frozen=True)
class Process:
    """A process that listens on a port. One of another user is not named."""

    pid: int | None = None
    name: str = ""


@dataclass(frozen=True)
class Publisher:
    """A container that publishes TCP ports on the machine."""

    name: str
    ports: frozenset[int]
    cluster: str = ""  # the kind cluster that it is a node of


def answers(code: int) -> bool:
    """Whether what ``connect_ex`` returned says that a program listens: it accepts, or does not get around to it."""
    return code in (0, errno.EAGAIN, errno.ETIMEDOUT)


def listening_process(port: int, output: Callable[[Sequence[str]], str]) -> Process:
    """The process that listens on a port, as the first program that knows it says. ``output`` runs a command and returns what it prints."""
    for command, pattern in HOLDER_COMMANDS:
        found = pattern.search(output([word.format(port=port) for word in command]))
        if found:
            return Process(int(found["pid"]), found["name"])
    return Process()


def publishers(text: str) -> list[Publisher]:
    """Running containers with published TCP ports, from `docker ps --format {{json .}}`."""
    found = []
    for line in text.splitlines():
        item = json.loads(line)
        ports: set[int] = set()
        for first, last in re.findall(r":(\d+)(?:-(\d+))?->[\d-]+/tcp", item.get("Ports", "")):
            ports.update(range(int(first), int(last or first) + 1))
        labels = dict(label.partition("=")[::2] for label in item.get("Labels", "").split(","))
        found.append(Publisher(item["Names"], frozenset(ports), labels.get(CLUSTER_LABEL, "")))
    return found


def port_facts(ports: Sequence[int], listening: Mapping[int, Process], containers: Sequence[Publisher]) -> list[dict[str, Any]]:
    """Who uses each port: nobody, a container (with the kind cluster that it belongs to) or a process."""
    facts = []
    for port in ports:
        fact: dict[str, Any] = {"port": port, "free": True, "pid": None, "process": None, "container": None, "cluster": None}
        process = listening.get(port)
        if process:
            fact |= {"free": False, "pid": process.pid, "process": process.name or "a process that this user cannot see"}
        container = next((item for item in containers if port in item.ports), None)
        if container:
            fact |= {"free": False, "container": container.name, "cluster": container.cluster or None}
        facts.append(fact)
    return facts


def port_problems(facts: Sequence[Mapping[str, Any]], owner: str | None) -> list[Problem]:
    """Ports that are in use by anything but the node containers of the kind cluster named owner."""
    problems = []
    for fact in facts:
        if fact["free"] or (owner and fact["cluster"] == owner):
            continue
        holder = fact["process"] + (f" (pid {fact['pid']})" if fact["pid"] else "") if fact["process"] else ""
        if fact["container"]:
            holder = f"the container {fact['container']}" + (f", a node of the kind cluster {fact['cluster']}" if fact["cluster"] else "")
            action = f"Stop the container {fact['container']} (docker stop), or choose another port than {fact['port']}."
        elif fact["pid"]:
            action = f"End process {fact['pid']} (kill), or choose another port than {fact['port']}."
        else:
            action = (
                f"Run as root to see which process it is (lsof -nP -iTCP:{fact['port']} -sTCP:LISTEN) and end it, or choose another port."
            )
        problems.append(Problem("port_busy", f"TCP port {fact['port']} is used by {holder}", "It must be free on localhost", action))
    return problems


def amount_problem(code: str, what: str, found: int | None, least: int | None, action: str) -> list[Problem]:
    """A problem if less than least (MiB) was found. An unknown amount passes."""
    if least is None or found is None or found >= least:
        return []
    return [Problem(code, f"{what} is {found} MiB", f"At least {least} MiB are needed", action)]


def engine_problem(command: str, code: int | None, output: str, info: Mapping[str, Any]) -> Problem | None:
    """Why the container engine cannot be used. A code of None says that there is no such command."""
    if code is None:
        return Problem(
            "engine_missing",
            f"The command {command} was not found",
            "A container engine is needed",
            "Install Docker (Debian, Ubuntu: apt-get install docker.io; macOS: Docker Desktop), or give engine_command.",
        )
    if version := podman_version(info):
        return Problem(
            "engine_unsupported",
            f"The engine behind the command {command} is Podman {version}",
            ONLY_DOCKER,
            f"Install Docker in place of Podman (Debian, Ubuntu: apt-get install docker.io), or {OWN_CLUSTER.format(engine='Podman')}",
        )
    words = " ".join([output.strip(), *(info.get("ServerErrors") or [])]).strip()
    if code == 0 and info.get("ServerVersion"):
        return None
    if PERMISSION.search(words):
        return Problem(
            "engine_permission",
            f"This user may not talk to the container engine: {words}",
            "The engine's socket must be readable and writable",
            "Add the user to the group docker and log in again, or run as root.",
        )
    return Problem(
        "engine_not_running",
        f"The container engine does not answer: {words or 'no server version'}",
        "Its daemon must be running",
        "Start the engine (systemctl start docker; without systemd: dockerd; macOS: open Docker Desktop).",
    )


def podman_version(info: Mapping[str, Any]) -> str:
    """The version of Podman, if it answered C(docker info); empty for Docker.

    The command may be Podman itself, whose answer has its own keys, or Docker's, to which Podman's service answers.
    """
    own = info.get("version")
    if isinstance(info.get("host"), Mapping) and isinstance(own, Mapping):
        return str(own.get("Version") or "of an unknown version")
    return str(info.get("ServerVersion") or "") if str(info.get("DockerRootDir") or "").endswith(PODMAN_ROOT) else ""


def provider_warning(provider: str) -> str:
    """What to say of the engine that PROVIDER_VARIABLE names; empty for Docker. The collection runs kind without that variable."""
    if provider in ("", "docker"):
        return ""
    return f"The environment variable {PROVIDER_VARIABLE} is {provider}. The collection ignores it, and runs kind with Docker."


def image_status(code: int | None, output: str) -> tuple[str, str]:
    """What `docker manifest inspect` found: a status and the registry's words. A code of None says that time ran out."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    words = lines[-1] if lines else ""
    if code is None:
        return "unreachable", "no answer in time"
    if code == 0:
        return "in_registry", ""
    if UNREACHABLE.search(output):
        return "unreachable", words
    if UNKNOWN_IMAGE.search(output):
        return "unknown", words
    return "registry_error", words


def image_problems(statuses: Sequence[Mapping[str, str]]) -> list[Problem]:
    """Images that are neither local nor obtainable; one problem for all images of a registry that cannot be reached."""
    problems = []
    unreachable: dict[str, list[Mapping[str, str]]] = {}
    for item in statuses:
        registry = image_name(item["name"]).partition("/")[0]
        if item["status"] == "unreachable":
            unreachable.setdefault(registry, []).append(item)
        elif item["status"] == "unknown":
            problems.append(
                Problem(
                    "image_unknown",
                    f"The registry {registry} has no image {item['name']}",
                    "Each image must exist",
                    f"Correct name or tag of {item['name']}.",
                )
            )
        elif item["status"] == "registry_error":
            problems.append(
                Problem(
                    "registry_error",
                    f"The registry {registry} answers with an error for {item['name']}: {item['message']}",
                    "Each image must be obtainable",
                    f"Log in to {registry} (docker login) where it asks for that, else correct the name or try later.",
                )
            )
    for registry, items in unreachable.items():
        names = ", ".join(item["name"] for item in items)
        problems.append(
            Problem(
                "registry_unreachable",
                f"The registry {registry} cannot be reached for {names}: {items[0]['message']}",
                "Each image must be in the engine already or obtainable",
                f"Check network and proxy to {registry}, name a mirror, or put the images into the engine (docker load).",
            )
        )
    return problems
