# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees while a wait runs: real playbooks that wait on a real API server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, Obj
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "3f2a9c1d5b7e8f60a1b2c3d4e5f60718293a4b5c"
LINE = re.compile(r" *\d+\.\d s  (.*)")
# As local, but for its name: for Ansible the module then runs on another machine.
ELSEWHERE = """
DOCUMENTATION = "{name: elsewhere, short_description: test, description: [test], author: [test], options: {}}"
from ansible.plugins.connection.local import Connection as Local

class Connection(Local):
    transport = "elsewhere"
"""


class Play:
    """A playbook that runs: its standard error line by line, its standard output at the end."""

    def __init__(self, folder: Path, popen: subprocess.Popen[str]) -> None:
        self.folder, self.popen = folder, popen
        self.errors = ""

    def line(self) -> str:
        """The next line of progress, without its time."""
        assert self.popen.stderr
        for text in self.popen.stderr:
            self.errors += text
            if found := LINE.fullmatch(text.rstrip("\n")):
                assert self.popen.poll() is None
                return found[1]
        raise AssertionError(f"no further line; {self.popen.communicate()[0]}{self.errors}")

    def end(self) -> tuple[str, list[str]]:
        """Standard output, and the lines of progress since the last line that was read."""
        output, rest = self.popen.communicate(timeout=HANG_SECONDS)
        self.errors += rest
        return output, [found[1] for text in rest.splitlines() if (found := LINE.fullmatch(text))]

    def files(self) -> list[Path]:
        return list(self.folder.rglob("progress-*"))


Start = Callable[..., Play]


@pytest.fixture
def start(server: ApiServer, tmp_path: Path) -> Iterator[Start]:
    """Starts a playbook with one task. The modules that talk to a cluster have their kubeconfig from module_defaults."""
    (tmp_path / "ansible.cfg").touch()
    (tmp_path / "connection").mkdir()
    (tmp_path / "connection" / "elsewhere.py").write_text(ELSEWHERE)
    started: list[Play] = []

    def run(task: Obj, env: dict[str, str] | None = None, **play: Any) -> Play:
        defaults = {"group/gitops.airflow.cluster": {"kubeconfig": str(server.kubeconfig("reader"))}}
        whole = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": [task], **play}
        (tmp_path / "site.yml").write_text(json.dumps([whole]))
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MOLECULE_", "PY_COLORS"))}
        environment = kept | {
            "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
            "ANSIBLE_CONNECTION_PLUGINS": str(tmp_path / "connection"),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            **(env or {}),
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "site.yml"]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        popen = subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]
        started.append(Play(tmp_path, popen))
        return started[-1]

    yield run
    for play in started:
        if play.popen.poll() is None:
            os.killpg(play.popen.pid, signal.SIGKILL)
        play.popen.communicate()


def status(sync: str, health: str, *blocking: str) -> Obj:
    source = {"repoURL": "https://git.example.com/platform.git", "path": "core"}
    compared = {"source": source, "destination": {"namespace": "airflow-core"}}
    resources = [{"kind": "Deployment", "name": name, "namespace": "airflow-core", "health": {"status": health}} for name in blocking]
    return {
        "sync": {"status": sync, "revision": COMMIT, "comparedTo": compared},
        "health": {"status": health},
        "resources": resources,
    }


@contextmanager
def applications(server: ApiServer, *names: str) -> Iterator[list[Obj]]:
    """Applications that were never compared yet."""
    spec = {
        "project": "default",
        "source": {"repoURL": "https://git.example.com/platform.git", "path": "core"},
        "destination": {"namespace": "airflow-core"},
    }
    base = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": spec}
    made = [server.create({**base, "metadata": {"namespace": "argocd", "name": name}}) for name in names]
    try:
        yield made
    finally:
        for app in made:
            server.delete(app)


@pytest.fixture
def app(server: ApiServer) -> Iterator[Obj]:
    with applications(server, f"app-{uuid.uuid4().hex[:8]}") as made:
        yield made[0]


def name(app: Obj) -> str:
    return str(app["metadata"]["name"])


def waiting(app: Obj, **options: Any) -> Obj:
    return {"name": "It is done", "gitops.airflow.argocd_application_wait": {"applications": [name(app)], "timeout": 60, **options}}


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_each_change_is_shown_while_the_task_runs(server: ApiServer, start: Start, app: Obj, pipelining: str) -> None:
    task = waiting(app) | {"environment": {"K8S_AUTH_KUBECONFIG": str(server.kubeconfig("reader"))}}
    play = start(task, env={"ANSIBLE_PIPELINING": pipelining}, module_defaults={})
    assert play.line() == f"{name(app)}: never compared with its source yet"
    assert [path.stat().st_mode & 0o777 for path in play.files()] == [0o600]
    server.merge(app, {"status": status("OutOfSync", "Missing")})
    assert play.line() == f"{name(app)}: OutOfSync Missing at 3f2a9c1"
    server.merge(app, {"metadata": {"labels": {"of-no-account": "1"}}})
    server.merge(app, {"status": status("Synced", "Progressing", "airflow-webserver")})
    assert play.line() == f"{name(app)}: Synced Progressing at 3f2a9c1: Deployment airflow-webserver Progressing"
    server.merge(app, {"status": status("Synced", "Healthy")})
    output, rest = play.end()
    assert rest == [f"{name(app)}: Synced Healthy at 3f2a9c1: done"]
    assert play.popen.returncode == 0
    assert name(app) not in output  # standard output is the callback's alone
    assert not re.search(r"[^\n -~]", output + play.errors)
    assert play.files() == []


def test_what_is_done_already_says_nothing(server: ApiServer, start: Start, app: Obj) -> None:
    server.merge(app, {"status": status("Synced", "Healthy")})
    play = start(waiting(app))
    assert play.end()[1] == []
    assert (play.popen.returncode, play.errors) == (0, "")


@pytest.mark.parametrize("callback", ["ansible.posix.json", "ansible.posix.jsonl", "ansible.builtin.minimal"])
def test_standard_output_stays_the_callbacks(start: Start, app: Obj, callback: str) -> None:
    play = start(waiting(app, timeout=0.5), env={"ANSIBLE_STDOUT_CALLBACK": callback})
    output, lines = play.end()
    assert lines == [f"{name(app)}: never compared with its source yet"]
    assert not any(LINE.fullmatch(text) for text in output.splitlines())
    if callback == "ansible.posix.json":
        assert json.loads(output)["stats"]["localhost"]["failures"] == 1
    elif callback == "ansible.posix.jsonl":
        assert [json.loads(text)["_event"] for text in output.splitlines()][-1] == "v2_playbook_on_stats"


@pytest.mark.parametrize(
    "keywords",
    [
        {"no_log": True},
        {"async": 30, "poll": 1},
        {"check_mode": True},
        {"vars": {"ansible_connection": "elsewhere"}},
    ],
    ids=lambda keywords: next(iter(keywords)),
)
def test_where_nothing_is_shown(start: Start, app: Obj, keywords: Obj) -> None:
    play = start(waiting(app, timeout=0.5) | keywords)
    output, lines = play.end()
    assert lines == []
    assert ("ok=1" if "check_mode" in keywords else "failed=1") in output
    assert play.files() == []


def test_loops_and_hosts_say_which(start: Start, app: Obj, tmp_path: Path) -> None:
    names = [name(app), f"{name(app)}-second"]
    task = waiting(app, applications=["{{ item }}"], timeout=1, must_exist=False)
    task |= {"loop": names, "delegate_to": "localhost", "ignore_errors": True}
    inventory = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1"}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": {"one": inventory, "two": inventory}}}))
    play = start(task, hosts="one,two", env={"ANSIBLE_INVENTORY": str(tmp_path / "hosts.json")})
    _output, lines = play.end()
    expected = [f"{names[0]}: never compared with its source yet", f"{names[1]}: the Application does not exist"]
    assert sorted(lines) == sorted(expected * 2)


def test_of_many_the_sum(server: ApiServer, start: Start) -> None:
    prefix = uuid.uuid4().hex[:8]
    with applications(server, *(f"{prefix}-{index:02}" for index in range(12))) as many:
        play = start(waiting(many[0], applications=[name(app) for app in many]))
        assert play.line() == "0 of 12 done"
        begun = time.monotonic()
        for app in many[:11]:
            server.merge(app, {"status": status("Synced", "Healthy")})
        lines = [play.line()]
        while "11 of 12" not in lines[-1]:
            lines.append(play.line())
        assert lines[-1] == f"11 of 12 done, waiting for {prefix}-11"
        assert len(lines) <= 1 + (time.monotonic() - begun) / 2
        server.merge(many[11], {"status": status("Synced", "Healthy")})
        assert play.end()[1] == ["12 of 12 done"]


def test_workers(server: ApiServer, start: Start) -> None:
    run = uuid.uuid4().hex[:8]
    ids = {"dag_id": "dag", "run_id": run, "task_id": "hi", "try_number": "1"}
    metadata = {"name": f"dag-hi-{run}", "namespace": "airflow-cron", "labels": {**ids, "kubernetes_executor": "True"}, "annotations": ids}
    spec = {"nodeName": "node-1", "containers": [{"name": "base", "image": "none"}]}
    options = {"expectations": [{"dag_id": "dag", "run_id": run, "namespace": "airflow-cron"}], "tail_lines": 0, "timeout": 60}
    play = start({"name": "It is placed", "gitops.airflow.airflow_worker_placement_wait": options})
    assert play.line() == f"dag run {run}: 1 of 1 workers not seen in airflow-cron yet"
    pod = server.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    assert play.line() == f"airflow-cron/dag-hi-{run}: Scheduled on node-1"
    running = {"name": "base", "image": "none", "imageID": "", "ready": True, "restartCount": 0, "state": {"running": {}}}
    server.merge(pod, {"status": {"phase": "Running", "containerStatuses": [running]}}, "status")
    assert play.line() == f"airflow-cron/dag-hi-{run}: Running on node-1"
    server.merge(pod, {"status": {"phase": "Succeeded"}}, "status")
    assert play.end()[1] == [f"airflow-cron/dag-hi-{run}: Succeeded on node-1"]
    assert play.popen.returncode == 0
    server.delete(pod)


def test_an_interrupted_playbook_leaves_no_file(start: Start, app: Obj) -> None:
    play = start(waiting(app))
    play.line()
    assert len(play.files()) == 1
    # A worker that is killed while it hands over a line keeps the lock of ansible-core's queue: the playbook would never end.
    time.sleep(0.5)
    os.killpg(play.popen.pid, signal.SIGINT)
    play.end()
    assert play.popen.returncode != 0
    assert play.files() == []
