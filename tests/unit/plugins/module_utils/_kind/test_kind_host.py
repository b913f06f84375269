# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a kind cluster is silent, and what of its machine goes into a support bundle. Docker is a double that answers by command."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kind import evidence as host

NODE = "airflow-control-plane"


def container(status: str = "running", **state: Any) -> dict[str, Any]:
    return {
        "Name": f"/{NODE}",
        "State": {"Status": status, "ExitCode": 0, "FinishedAt": "2026-05-04T11:58:00.123Z", **state},
        "Config": {"Image": "kindest/node:v1.29.4", "Env": ["HTTP_PROXY=http://me:s3cret@proxy"], "Labels": {}},
    }


class Docker:
    """Answers by the first words that match."""

    def __init__(self, found: list[dict[str, Any]], **answers: tuple[int, str, str]) -> None:
        self.answers = {
            "docker ps -aq": (0, "abc\n" if found else "", ""),
            "docker inspect": (0, json.dumps(found), ""),
            "docker info": (0, json.dumps({"ServerVersion": "20.10", "HttpProxy": "http://me:s3cret@proxy", "NCPU": 2}), ""),
            "docker exec": (0, "journal", ""),
        } | {name.replace("_", " "): answer for name, answer in answers.items()}
        if "docker ps" in self.answers:
            del self.answers["docker ps -aq"]
        self.calls: list[str] = []

    def __call__(self, args: Sequence[str]) -> tuple[int, str, str]:
        self.calls.append(" ".join(args))
        fitting = [words for words in self.answers if self.calls[-1].startswith(words)]
        return self.answers[max(fitting, key=len)] if fitting else (0, "said", "")


DOWN = (1, "", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")


@pytest.mark.parametrize(
    ("docker", "cause", "action"),
    [
        (Docker([], docker_ps=(127, "", "the command docker cannot be run")), "cannot be asked: the command docker cannot", "make site"),
        (Docker([], docker_ps=DOWN), "cannot be asked: Cannot connect to the Docker daemon", "which starts both"),
        (Docker([container()], docker_inspect=(1, "", "no such object")), "cannot be asked: no such object", "make site"),
        (Docker([]), "Docker has no container of a kind cluster airflow", "(make site), which makes it."),
        (Docker([container("paused")]), f"Node {NODE} is paused.", f"docker unpause {NODE}."),
        (
            Docker([container("exited", ExitCode=137, OOMKilled=True)]),
            f"node {NODE} is exited (exit code 137, out of memory, since 2026-05-04T11:58:00Z)",
            "(make site), which starts it",
        ),
        (Docker([container()]), f"Its containers run ({NODE})", f"docker exec {NODE} crictl ps -a"),
    ],
)
def test_the_cause_of_silence_and_what_to_do(docker: Docker, cause: str, action: str) -> None:
    why, do = host.why_unreachable("airflow", docker)
    assert cause in why
    assert action in do


def test_what_a_running_node_leaves() -> None:
    docker = Docker([container()])
    files, notes = host.evidence("airflow", "/opt/kind", docker)
    assert sorted(files) == [
        f"host/{NODE}.console.log",
        f"host/{NODE}.containerd.log",
        f"host/{NODE}.json",
        f"host/{NODE}.kubelet.log",
        "host/docker-info.json",
        "host/docker-ps.txt",
        "host/kind-version.txt",
    ]
    assert "/opt/kind version" in docker.calls
    assert json.loads(files["host/docker-info.json"]) == {"NCPU": 2, "ServerVersion": "20.10"}
    # Neither a node's environment nor Docker's proxies.
    assert "s3cret" not in "".join(files.values())
    assert notes == []


def test_of_a_stopped_node_there_is_what_docker_kept() -> None:
    files, notes = host.evidence("airflow", "kind", Docker([container("exited")]))
    assert f"host/{NODE}.console.log" in files
    assert f"host/{NODE}.kubelet.log" not in files
    assert len(notes) == 1
    assert f"node {NODE} is exited" in notes[0]


def test_without_docker_there_are_notes() -> None:
    gone = (127, "", "the command docker cannot be run: No such file or directory")
    files, notes = host.evidence("airflow", "kind", Docker([], docker_ps=gone, docker_info=gone))
    assert list(files) == ["host/kind-version.txt"]
    assert "cannot be asked" in notes[0]
    assert len(notes) == 3


@pytest.mark.parametrize(
    ("ps", "error"),
    [
        ((0, "\n", ""), ""),
        ((1, "abc", "permission denied"), "permission denied"),
        ((1, "said on stdout", ""), "said on stdout"),
        ((125, "", ""), "exit code 125"),
    ],
    ids=["no container", "refused", "on the other channel", "nothing said"],
)
def test_nothing_is_inspected_where_docker_names_no_container(ps: tuple[int, str, str], error: str) -> None:
    docker = Docker([container()], docker_ps=ps)
    assert host.nodes("airflow", docker) == ([], error)
    assert len(docker.calls) == 1


@pytest.mark.parametrize(
    ("answer", "kept", "note"),
    [
        ((1, "half a journal", "the container has stopped"), "half a journal\nthe container has stopped\n", "the container has stopped"),
        ((0, "", ""), None, "exit code 0"),
    ],
    ids=["a part was read", "nothing was said"],
)
def test_what_a_command_did_not_tell_is_noted(answer: tuple[int, str, str], kept: str | None, note: str) -> None:
    files, notes = host.evidence("airflow", "kind", Docker([container()], docker_exec=answer))
    assert files.get(f"host/{NODE}.kubelet.log") == kept
    assert notes == [f"docker exec {NODE}: {note}"]


def test_no_command_is_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "SECONDS", 0.1)
    assert host.run([sys.executable, "-c", "import time; time.sleep(60)"]) == (124, "", "no answer within 0.1 s")
    assert host.run(["/nowhere/kind", "version"]) == (127, "", "the command /nowhere/kind was not found")
