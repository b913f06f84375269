# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees of a run: causes of failed items (V14), no control characters (D11), readable text (F4)."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.tests.playbooks.conftest import Play

TITLE = r"\e]0;owned\a\u202e\x9b31m"  # in YAML's double quotes
SHOWN = r"\x1b]0;owned\x07\u202e\x9b31m"
# C0 but line feed, DEL, C1, bidirectional controls.
STEERS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def report(done: subprocess.CompletedProcess[bytes]) -> str:
    """The lines after FAILED."""
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stdout.decode().split("\nFAILED ***")[1]


@pytest.mark.parametrize(
    ("task", "causes"),
    [
        pytest.param(
            'ansible.builtin.assert: {that: item != 2, quiet: true, fail_msg: "port {{ item }} is taken. Next: stop it"}',
            ["why       port 2 is taken.\n", "do        stop it\n"],
            id="an action",
        ),
        pytest.param(
            'ansible.builtin.file: {path: "{{ playbook_dir }}/{{ item }}/x/y", state: file}',
            ["/1/x/y", "/2/x/y"],
            id="a module, each item",
        ),
        pytest.param(
            "ansible.builtin.command: \"bash -c 'echo trouble {{ item }} >&2; exit {{ item - 1 }}'\"",
            ["non-zero return code", "trouble 2\n"],
            id="a command",
        ),
    ],
)
def test_v14_a_loop_that_failed_names_the_items_own_cause(play: Play, task: str, causes: list[str]) -> None:
    shown = report(play(f"- name: Check\n  loop: [1, 2]\n  {task}\n"))
    for cause in causes:
        assert cause in shown
    assert "One or more items failed" not in shown
    assert "port 1" not in shown
    assert "trouble 1" not in shown


def test_v14_a_secret_loop_stays_hidden(play: Play) -> None:
    shown = report(play("- {name: Check, ansible.builtin.fail: {msg: s3cret}, loop: [1], no_log: true}\n"))
    assert "Its output is hidden" in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize("layout", ["json", "yaml"])
def test_d11_a_failure_steers_no_terminal(play: Play, layout: str) -> None:
    """The callback's lines, whatever module failed."""
    tasks = f'- name: "Check {TITLE}"\n  ansible.builtin.fail: {{msg: "pod says {TITLE}"}}\n'
    shown = report(play(tasks, ANSIBLE_CALLBACK_RESULT_FORMAT=layout))
    assert f"what      demo: Check {SHOWN}\nwhy       pod says {SHOWN}\n" in shown
    assert not STEERS.search(shown)


def test_d11_the_git_servers_words_steer_no_terminal(play: Play, tmp_path: Path) -> None:
    """One of this collection's modules: nothing of all that Ansible prints."""
    bare = tmp_path / "repo.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(bare)], check=True)
    hook = bare / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nprintf '\\033]0;owned\\007\\342\\200\\256 \\302\\23331m not today\\n' >&2; exit 1\n")
    hook.chmod(0o755)
    task = f"gitops.airflow.git_publish: {{repo: 'file://{bare}', files: {{a: b}}, create: true}}"
    done = play(f"- name: Push\n  {task}\n", ANSIBLE_CALLBACK_RESULT_FORMAT="yaml")
    assert r"The server says: \x1b]0;owned\x07\u202e \x9b31m not today" in " ".join(report(done).split())
    assert not STEERS.search(done.stdout.decode())
    assert not STEERS.search(done.stderr.decode())


KUBECONFIG = "{apiVersion: v1, kind: Config, current-context: '', contexts: [], clusters: [], users: []}\n"
CLUSTER = f"""
    kubeconfig: "{{{{ playbook_dir }}}}/kubeconfig"
    context: "{TITLE}"
"""
PLATFORM = "    platform: {name: airflow}"


def test_d11_the_state_of_a_platform_steers_no_terminal(play: Play, tmp_path: Path) -> None:
    """Its text, its JSON, and the same as files of a support bundle. The library quotes the context's name as it is."""
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    tasks = f"""
- name: Read
  gitops.airflow.platform_status: {CLUSTER}{PLATFORM}
  register: look
- name: Show
  gitops.airflow.show_text: {{text: "{{{{ look.text }}}}"}}
- name: Collect
  gitops.airflow.support_bundle: {CLUSTER}
    path: "{{{{ playbook_dir }}}}/bundle.tar.gz"
    namespaces: [default]
    files: {{status.txt: "{{{{ look.text }}}}", given.txt: "log {TITLE}"}}
"""
    done = play(tasks)
    assert done.returncode == 0, done.stdout
    assert re.search(r"  problem: .*Expected object with name " + re.escape(SHOWN), done.stdout.decode())
    assert not STEERS.search(done.stdout.decode())
    with tarfile.open(tmp_path / "bundle.tar.gz") as bundle:
        files = {name.split("/")[1]: bundle.extractfile(name).read().decode() for name in bundle.getnames()}  # type: ignore[union-attr]
    assert files["given.txt"] == f"log {SHOWN}"
    assert SHOWN in files["not-collected.txt"]
    assert not any(map(STEERS.search, files.values()))
    # JSON escapes most of it on the way out, so what it says is what counts.
    document = play(
        f"- name: Read\n  gitops.airflow.platform_status: {CLUSTER}{PLATFORM}", ANSIBLE_STDOUT_CALLBACK="gitops.airflow.status_json"
    )
    (problem,) = json.loads(document.stdout)["problems"]
    assert f"Expected object with name {SHOWN}" in problem
    assert not STEERS.search(problem)


TEXT = f"""
- name: Show
  gitops.airflow.show_text:
    text: "Airflow\\n  kubectl -o jsonpath='{{.data.password}}' | base64 -d  \\"{TITLE}\\""
"""
LINES = ["Airflow", f"  kubectl -o jsonpath='{{.data.password}}' | base64 -d  \"{SHOWN}\""]


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["run", "check"])
def test_f4_text_is_readable_under_the_default_callback(play: Play, arguments: tuple[str, ...]) -> None:
    done = play(TEXT, *arguments)
    assert done.returncode == 0
    assert "\n".join(["", *LINES, "ok: [localhost]"]) in done.stdout.decode()
    assert not STEERS.search(done.stdout.decode())


def test_f4_a_callback_that_writes_json_has_standard_output_for_itself(play: Play, tmp_path: Path) -> None:
    (tmp_path / "callbacks").mkdir()
    (tmp_path / "callbacks/my_json.py").write_text(
        "import json\nfrom ansible.plugins.callback import CallbackBase\n"
        "class CallbackModule(CallbackBase):\n"
        "    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, 'stdout', 'my_json'\n"
        "    def v2_runner_on_ok(self, result):\n        print(json.dumps(result._result['lines']))\n"
    )
    done = play(TEXT, ANSIBLE_CALLBACK_PLUGINS=str(tmp_path / "callbacks"), ANSIBLE_STDOUT_CALLBACK="my_json")
    assert json.loads(done.stdout) == LINES


def test_f4_secret_text_is_not_shown(play: Play) -> None:
    done = play(TEXT + "  no_log: true\n")
    assert done.returncode == 0
    assert b"kubectl" not in done.stdout
