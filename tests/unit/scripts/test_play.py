# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every run of the front door that fails ends with the same lines: also one that failed before Ansible's callbacks had a say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

VERIFY = ["ansible-playbook", "playbooks/verify.yml"]
HEAD = "2026-05-04 10:00:00,123 p=7 u=me n=ansible "
STARTED = f"{HEAD}INFO| PLAY [Verify] ***\n{HEAD}INFO| TASK [gitops.airflow.argocd : It runs] ***\n"


@pytest.fixture(scope="module")
def play() -> Any:
    loader = SourceFileLoader("play", str(ROOT / "scripts/play"))
    spec = spec_from_loader("play", loader)
    assert spec
    module = module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = writes
    return module


@pytest.mark.parametrize(
    ("log", "code", "lines"),
    [
        pytest.param(f"{HEAD}INFO| FAILED ******\nwhat      x\n", 2, [], id="the callback has said it"),
        pytest.param(
            f"{STARTED}{HEAD}ERROR| [ERROR]: User interrupted execution\n",
            99,
            ["playbooks/verify.yml, in argocd: It runs", "It was interrupted.", "Run the same command again", "make support-bundle"],
            id="Ctrl-C",
        ),
        pytest.param(
            f"{HEAD}ERROR| [ERROR]: Unexpected Exception, this is probably a bug: x\n",
            250,
            ["playbooks/verify.yml", "Unexpected Exception, this is probably a bug: x", "Remove this cause", "the output above"],
            id="an exception in Ansible",
        ),
        pytest.param("", 143, ["playbooks/verify.yml", "It was interrupted (SIGTERM).", "Run the same", "the output above"], id="killed"),
        pytest.param(
            f"{HEAD}ERROR| [ERROR]: YAML parsing failed: no key.\nOrigin: /x/verify.yml:3:1\n\n2 - name: x\n",
            4,
            [
                "playbooks/verify.yml",
                "YAML parsing failed: no key.\n          in /x/verify.yml:3:1",
                "Remove this cause",
                "the output above",
            ],
            id="a playbook that is no YAML",
        ),
        pytest.param(
            f"{HEAD}ERROR| ERROR! We were unable to read either as JSON nor YAML, these are the errors we got from each:\n"
            "JSON: Expecting value\n\n"
            "Syntax Error while loading YAML.\n  did not find key. while parsing\n\n"
            "The error appears to be in '/x/verify.yml': line 3, column 1, but may\nbe elsewhere\n",
            4,
            [
                "playbooks/verify.yml",
                "YAML parsing failed: did not find key\n          in /x/verify.yml:3:1",
                "Remove this cause",
                "the output above",
            ],
            id="V14: a playbook that is no YAML, ansible-core 2.18",
        ),
        pytest.param("", 1, [VERIFY[1], "The error message is above.", "Remove this cause", "the output above"], id="no Ansible"),
    ],
)
def test_what_is_added(play: Any, log: str, code: int, lines: list[str]) -> None:
    said = "\n".join(play.unsaid(log, code, VERIFY))
    if not lines:
        assert said == ""
        return
    parts = said.split("\nwhat      ")[1]
    for label, expected in zip(("", "why       ", "do        ", "evidence  "), lines, strict=True):
        assert label + expected in parts


def test_signals_reach_the_command_and_the_lines_still_come(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap 'exit 99' INT; touch {ready}; for _ in {{1..400}}; do sleep 0.05; done"
    # A background job of a shell has the signal ignored.
    start = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", start, sys.executable, "scripts/play", "bash", "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as child:
        end = time.monotonic() + 20
        while not ready.exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGINT)
        _out, said = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 99
    assert "why       It was interrupted." in said


STARTED_RUN = {"dag_id": "orders", "run_id": "r 1", "state": "queued"}


@pytest.mark.parametrize(
    ("code", "started", "expected"),
    [
        pytest.param(0, {**STARTED_RUN, "state": "success"}, 0, id="success"),
        pytest.param(2, {**STARTED_RUN, "state": "failed"}, 1, id="the run failed"),
        pytest.param(2, {}, 2, id="not started"),
        pytest.param(250, {}, 2, id="an exception in Ansible"),
        pytest.param(4, {}, 2, id="Ansible could not begin"),
        pytest.param(2, STARTED_RUN, 3, id="its end was not seen"),
        pytest.param(2, {**STARTED_RUN, "state": None}, 3, id="no state"),
        pytest.param(99, STARTED_RUN, 99, id="Ctrl-C"),
        pytest.param(143, STARTED_RUN, 143, id="killed"),
        pytest.param(0, {}, 0, id="a check"),
    ],
)
def test_the_exit_code_of_a_run_that_is_followed(play: Any, code: int, started: dict[str, Any], expected: int) -> None:
    assert play.followed(code, started) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [('{"run_id": "r"}', {"run_id": "r"}), ("[]", {}), ("{", {}), (None, {})],
)
def test_what_is_known_of_a_run(play: Any, tmp_path: Path, content: str | None, expected: dict[str, Any]) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    assert play.read_started(tmp_path / "run.json") == expected


def test_ctrl_c_says_that_the_run_goes_on(play: Any) -> None:
    lines = play.goes_on({"dag_id": "or'ders", "run_id": "r\x1b 1", "state": "running"})
    assert lines[1:] == [
        "Stopped following. The run r\\x1b 1 of or'ders continues.",
        "To see its logs: make logs DAG='or'\"'\"'ders' RUN='r\\x1b 1'",
    ]


@pytest.mark.parametrize(("state", "expected"), [("failed", 1), ("success", 3)])
def test_the_command_writes_what_play_reads(tmp_path: Path, state: str, expected: int) -> None:
    """The report is a file of this run alone, whose name the command gets by the environment."""
    report = f'{{"dag_id": "d", "run_id": "r", "state": "{state}"}}'
    command = f"printf '%s' '{report}' > \"$GITOPS_AIRFLOW_RUN_REPORT\"; exit 2"
    done = subprocess.run([sys.executable, "scripts/play", "--follows", "sh", "-c", command], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == expected


def test_ctrl_c_while_a_run_is_followed(tmp_path: Path) -> None:
    command = """printf '{"dag_id": "d", "run_id": "r", "state": "queued"}' > "$GITOPS_AIRFLOW_RUN_REPORT"; exit 99"""
    done = subprocess.run(
        [sys.executable, "scripts/play", "--follows", "sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 99
    assert "The run r of d continues." in done.stderr
    assert "Run the same command again" not in done.stderr
