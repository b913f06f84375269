#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_preflight
short_description: Check that a machine can run a local cluster
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Checks container engine, ports, memory, disk and images before anything is created, and fails with all problems at once.
  - Changes nothing.
options:
  container_engine:
    description:
      - Whether a container engine must answer.
      - The engine must be Docker. The module refuses Podman, also behind the command or the socket of Docker.
      - The collection ignores the environment variable E(KIND_EXPERIMENTAL_PROVIDER). If it names another engine than Docker, the
        module warns.
    type: bool
    default: true
  engine_command:
    description: The container engine's command, a name or a path. It must understand Docker's command line.
    type: path
    default: docker
  ports:
    description:
      - TCP ports that must be free on localhost.
      - >-
        A port is in use if a connection to it on 127.0.0.1 or ::1 succeeds or gets no answer within a second, or if a container publishes
        it. The module names the process that uses the port if C(ss) or C(lsof) is installed and this user may see the process.
    type: list
    elements: int
    default: []
  ports_owner:
    description:
      - Name of the kind cluster for which the machine is checked.
      - Ports that the nodes of this cluster publish count as free.
      - >-
        While a node of this cluster runs, the module does not check O(min_memory_mb) and O(min_disk_mb), because the cluster already uses
        this memory and disk.
    type: str
  min_memory_mb:
    description:
      - Minimum memory in MiB.
      - The module checks the memory of the machine on which the engine runs. On macOS this is the engine's virtual machine.
    type: int
  min_disk_mb:
    description:
      - Minimum free disk space in MiB in the folder where the engine keeps its data.
      - Not checked if the engine does not answer, or runs in a virtual machine as on macOS.
    type: int
  images:
    description:
      - Container images that must be in the engine already, or be available from their registry.
      - The module contacts a registry only for images that are not in the engine.
    type: list
    elements: str
    default: []
  registry_timeout:
    description: Seconds after which a registry that does not answer counts as unreachable.
    type: int
    default: 15
extends_documentation_fragment:
  - gitops.airflow.attributes.read_only
"""

EXAMPLES = r"""
- name: Check that Docker answers
  gitops.airflow.host_preflight:

- name: Check that the machine can hold the cluster
  gitops.airflow.host_preflight:
    ports: [8080, 8443]
    ports_owner: airflow
    min_memory_mb: 6000
    min_disk_mb: 15000
    images: [kindest/node:v1.29.4]

- name: Check only ports and memory of a machine without a container engine
  gitops.airflow.host_preflight:
    container_engine: false
    ports: [6443]
    min_memory_mb: 2000

- name: Check a machine whose Docker is not in PATH, and whose registry answers slowly
  gitops.airflow.host_preflight:
    engine_command: /opt/docker/bin/docker
    images: [registry.example.com/kindest/node:v1.29.4]
    registry_timeout: 60

- name: Wait until other programs have freed the ports, or show who uses them
  block:
    - name: Check the ports every ten seconds, for two minutes
      gitops.airflow.host_preflight:
        ports: [8080, 8443]
      register: machine
      until: machine is success
      retries: 12
      delay: 10
  rescue:
    - name: Show each problem with its next step
      ansible.builtin.debug:
        msg: "{{ machine.problems | map(attribute='value') | zip(machine.problems | map(attribute='next_action')) | list }}"
"""

RETURN = r"""
problems:
  description: Everything that stands in the way. Empty unless the module fails.
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description: >-
        Kind of problem: V(engine_missing), V(engine_not_running), V(engine_permission), V(engine_unsupported), V(port_busy), V(memory_low),
        V(disk_low), V(image_unknown), V(registry_unreachable) or V(registry_error).
      type: str
      returned: always
    value: {description: What was found., type: str, returned: always}
    rule: {description: What is needed., type: str, returned: always}
    next_action: {description: What to do about it., type: str, returned: always}
  sample:
    - code: port_busy
      value: TCP port 8080 is used by nginx (pid 812)
      rule: It must be free on localhost
      next_action: End process 812 (kill), or choose another port than 8080.
next_action:
  description: What to do about the problems.
  returned: failure
  type: str
code:
  description: The kind of the first problem.
  returned: failure
  type: str
facts:
  description: What was seen.
  returned: always
  type: dict
  contains:
    engine_version: {description: Version of the engine's server., type: str, returned: when it answers}
    engine_root: {description: Folder in which the engine keeps its data., type: str, returned: when it answers}
    memory_mb: {description: Memory of the engine's machine in MiB., type: int, returned: if the system reports it}
    disk_mb: {description: "Free disk space under RV(facts.engine_root) in MiB.", type: int, returned: when that folder can be seen}
    ports: {description: Each port with its user., type: list, elements: dict, returned: always}
    images: {description: "Each image with its status, V(local), V(in_registry), V(unknown), V(unreachable), V(registry_error) or
      V(not_checked).", type: list, elements: dict, returned: always}
  sample:
    engine_version: 20.10.24
    engine_root: /var/lib/docker
    memory_mb: 24034
    disk_mb: 181034
    ports: [{port: 8080, free: true, pid: null, process: null, container: null, cluster: null}]
    images: [{name: "kindest/node:v1.29.4", status: local, message: ""}]
"""

import json
import os
import shutil
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._host import preflight as _host
from ansible_collections.gitops.airflow.plugins.module_utils._host.command import CommandError, CommandMissing, CommandTimeout, run
from ansible_collections.gitops.airflow.plugins.module_utils._host.docker import PROVIDER_VARIABLE

# A browser asks localhost on the second one first.
LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class Host:
    """The machine that the module runs on."""

    def __init__(self, command: str, timeout: float = 15) -> None:
        self.command, self.timeout = command, timeout

    def run(self, args: Sequence[str], timeout: float | None = None) -> tuple[int | None, str, str]:
        """Exit code (None when there is no such command or time ran out), standard output, standard error."""
        try:
            return run([self.command, *args], timeout=timeout)
        except (CommandMissing, CommandTimeout):
            return None, "", ""
        except CommandError as error:
            return 126, "", str(error)

    def engine(self) -> tuple[dict[str, Any], _host.Problem | None]:
        """What the engine says of itself, and why it cannot be used."""
        code, out, err = self.run(["info", "--format", "{{json .}}"])
        try:
            info: dict[str, Any] = json.loads(out)
        except ValueError:
            info = {}
        return info, _host.engine_problem(self.command, code, err, info)

    def provider(self) -> str:
        """The engine that the environment names for kind; empty if it names none."""
        return os.environ.get(PROVIDER_VARIABLE, "")

    def containers(self) -> list[_host.Publisher]:
        code, out, _err = self.run(["ps", "--format", "{{json .}}"])
        return _host.publishers(out) if code == 0 else []

    def memory(self) -> int | None:
        """This machine's memory in bytes. None if the system does not report it."""
        try:
            pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError):
            return None
        return pages * size if pages > 0 else None

    def disk_free(self, folder: str) -> int | None:
        """Free bytes of the folder's file system. None where there is no such folder: the engine runs in a virtual machine."""
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            return None

    def ports(self, ports: Sequence[int], containers: Sequence[_host.Publisher]) -> list[dict[str, Any]]:
        listening = {port: _host.listening_process(port, self._output) for port in ports if self.listens(port)}
        return _host.port_facts(ports, listening, containers)

    def listens(self, port: int) -> bool:
        """Whether a program accepts connections to localhost. One that listens on all addresses does."""
        return any(self._accepts(*address, port) for address in LOOPBACK)

    @staticmethod
    def _accepts(family: socket.AddressFamily, address: str, port: int) -> bool:
        try:
            with socket.socket(family) as client:
                client.settimeout(1)
                return _host.answers(client.connect_ex((address, port)))
        except OSError:  # a machine without this family of addresses
            return False

    def _output(self, command: Sequence[str]) -> str:
        try:
            return run(command, timeout=self.timeout)[1]
        except CommandError:
            return ""

    def images(self, names: Sequence[str]) -> list[dict[str, str]]:
        """Where each image is. One call says that all are local; only the others' registries are asked, at the same time."""
        if not names or self.run(["image", "inspect", "--format", "{{.Id}}", *names])[0] == 0:
            return [{"name": name, "status": "local", "message": ""} for name in names]
        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(self._image, names))

    def _image(self, name: str) -> dict[str, str]:
        status, message = "local", ""
        if self.run(["image", "inspect", "--format", "{{.Id}}", name])[0] != 0:
            code, out, err = self.run(["manifest", "inspect", name], self.timeout)
            status, message = _host.image_status(code, err or out)
        return {"name": name, "status": status, "message": message}


def examine(host: Host, params: dict[str, Any]) -> tuple[list[_host.Problem], dict[str, Any]]:
    """All problems, and the facts that they come from."""
    problems: list[_host.Problem] = []
    facts: dict[str, Any] = {}
    with ThreadPoolExecutor(max_workers=3) as pool:
        engine, running, images = pool.submit(host.engine), pool.submit(host.containers), pool.submit(host.images, params["images"])
        info, trouble = engine.result()
        containers = running.result()
        facts["images"] = (
            images.result() if not trouble else [{"name": name, "status": "not_checked", "message": ""} for name in params["images"]]
        )
    granted = params["ports_owner"] and any(item.cluster == params["ports_owner"] for item in containers)
    if trouble and (params["container_engine"] or params["images"]):
        problems.append(trouble)
    # Where the engine runs in a virtual machine, as on macOS, containers have that machine's memory and disk.
    amounts = {"memory_mb": info.get("MemTotal") or host.memory()}
    if not trouble:
        facts |= {"engine_version": info["ServerVersion"], "engine_root": info["DockerRootDir"]}
        amounts["disk_mb"] = host.disk_free(info["DockerRootDir"])
    facts |= {name: amount // 2**20 for name, amount in amounts.items() if amount is not None}
    facts["ports"] = host.ports(params["ports"], containers)
    problems += _host.port_problems(facts["ports"], params["ports_owner"])
    if not granted:
        action = "Use a bigger machine, or give the virtual machine more memory (Docker Desktop: Settings, Resources)."
        problems += _host.amount_problem("memory_low", "Memory", facts.get("memory_mb"), params["min_memory_mb"], action)
        action = "Free disk space (docker system prune removes what no container uses), or move Docker's data-root."
        where = f"Free disk space in {facts.get('engine_root')}"
        problems += _host.amount_problem("disk_low", where, facts.get("disk_mb"), params["min_disk_mb"], action)
    return problems + _host.image_problems(facts["images"]), facts


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(
        argument_spec={
            "container_engine": {"type": "bool", "default": True},
            "engine_command": {"type": "path", "default": "docker"},
            "ports": {"type": "list", "elements": "int", "default": []},
            "ports_owner": {"type": "str"},
            "min_memory_mb": {"type": "int"},
            "min_disk_mb": {"type": "int"},
            "images": {"type": "list", "elements": "str", "default": []},
            "registry_timeout": {"type": "int", "default": 15},
        },
        supports_check_mode=True,
    )
    if wrong := [port for port in module.params["ports"] if not 0 < port < 2**16]:
        module.fail(InputError(f"ports holds {wrong[0]}.", "Give numbers between 1 and 65535."))
    host = Host(module.params["engine_command"], timeout=module.params["registry_timeout"])
    if module.params["container_engine"] and (ignored := _host.provider_warning(host.provider())):
        module.warn(ignored)
    problems, facts = examine(host, module.params)
    listed = [problem.as_dict() for problem in problems]
    if problems:
        lines = "\n".join(f"- {problem}" for problem in problems)
        message = f"{len(problems)} problem(s) with this machine; nothing was made.\n{lines}"
        advice = " ".join(dict.fromkeys(problem.next_action for problem in problems))
        module.fail(CollectionError(message, advice, problems[0].code), problems=listed, facts=facts)
    module.exit_json(changed=False, problems=listed, facts=facts)


if __name__ == "__main__":
    main()
