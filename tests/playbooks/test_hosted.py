# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module in Ansible's own process returns what it returns in a process of its own, on every supported version of ansible-core."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.tests.playbooks.conftest import ROOT, Play

TASKS: dict[str, Mapping[str, Any]] = {
    "success": {"gitops.airflow.git_branch_info": {"repo": "{{ repo }}", "branch": "{{ 'ma' ~ 'in' }}", "folders": ["dags"]}},
    "a failure with code and next action": {"gitops.airflow.git_branch_info": {"repo": "{{ repo }}", "branch": "other"}},
    "an unknown option": {"gitops.airflow.git_branch_info": {"repo": "{{ repo }}", "brunch": "main"}},
    "a missing option": {"gitops.airflow.git_branch_info": {"branch": "main"}},
    "a wrong choice": {"gitops.airflow.kind_cluster": {"name": "a", "state": "gone"}},
    "a wrong type": {"gitops.airflow.git_branch_info": {"repo": "{{ repo }}", "timeout": "soon"}},
    "an unknown suboption": {"gitops.airflow.git_branch_info": {"repo": "{{ repo }}", "credentials": {"token": "b"}}},
    "one of two options": {"gitops.airflow.airflow_dag": {"dag_id": "a", "paused": True}},
    "a secret in a message": {
        "gitops.airflow.git_branch_info": {
            "repo": "http://127.0.0.1:1/a.git",
            "credentials": {"username": "me", "password": "correct horse battery"},
        }
    },
    "check mode": {
        "gitops.airflow.git_publish": {"repo": "{{ repo }}", "branch": "main", "files": {"a.py": "x"}, "commit_message": "m"},
        "check_mode": True,
        "diff": True,
    },
    "the environment of a task": {
        "gitops.airflow.argocd_project": {"name": "a", "namespace": "a", "platform": "a", "state": "absent"},
        "environment": [{"K8S_AUTH_HOST": "{{ 'https://127.0.0.1:' ~ 1 }}", "K8S_AUTH_API_KEY": "a"}],
    },
    "a vault text": {
        "gitops.airflow.git_branch_info": {
            "repo": "{{ repo }}",
            "credentials": {"password": "{{ lookup('ansible.builtin.file', secret) }}"},
        }
    },
    "no_log": {"gitops.airflow.git_branch_info": {"repo": "{{ repo }}", "branch": "other"}, "no_log": True},
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    run = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    (folder / "dags").mkdir(parents=True)
    (folder / "dags/a.py").write_text("x = 1\n")
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    subprocess.run([*run, "add", "."], check=True)
    subprocess.run([*run, "commit", "-q", "-m", "a"], check=True)
    return folder


def results(play: Play, tmp_path: Path, repository: Path, interpreter: str) -> tuple[dict[str, Any], str]:
    """What each task registered, and what Ansible printed."""
    tasks = [
        {"name": name, **task, "register": f"result_{number}", "ignore_errors": True} for number, (name, task) in enumerate(TASKS.items())
    ]
    output = tmp_path / "results.json"
    text = "{{ dict(names | zip(found)) | to_json }}"
    written = {
        "ansible.builtin.copy": {"dest": str(output), "content": text, "mode": "0600"},
        "vars": {"names": list(TASKS), "found": [f"{{{{ result_{number} }}}}" for number in range(len(TASKS))]},
    }
    (tmp_path / "secret").write_text("correct horse battery")
    variables = {"repo": f"file://{repository}", "secret": str(tmp_path / "secret")}
    if interpreter:
        variables["ansible_python_interpreter"] = interpreter
    played = play(yaml.safe_dump([*tasks, written]), "-vvv", "-e", json.dumps(variables))
    printed = (played.stdout + played.stderr).decode()
    assert played.returncode == 0, printed
    return json.loads(output.read_text()), printed


def comparable(result: Any) -> Any:
    """A result without times, and without what ansible-core says differently of the two ways."""
    if isinstance(result, dict):
        left_out = ("elapsed", "exception", "invocation", "_ansible_no_log", "peak_mb", "time")  # invocation: not since 2.21
        return {key: comparable(value) for key, value in result.items() if key not in left_out}
    if isinstance(result, list):
        return [comparable(item) for item in result]
    return re.sub(r"tmp[a-z0-9_]{8}", "tmp", result) if isinstance(result, str) else result


def test_both_ways_return_the_same(play: Play, tmp_path: Path, repository: Path) -> None:
    here, printed = results(play, tmp_path, repository, "")
    # Another name of the same Python: Ansible starts it for the module.
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    elsewhere, printed_elsewhere = results(play, tmp_path, repository, str(python))
    assert printed.count("Using module file") < printed_elsewhere.count("Using module file")
    assert "plugins/modules/git_branch_info.py" not in printed.replace("An exception", "")
    for name in TASKS:
        assert comparable(here[name]) == comparable(elsewhere[name]), name
    assert here["success"]["commit"]
    assert "an unknown option" in here
    assert "Unsupported parameters" in here["an unknown option"]["msg"]
    assert "https://127.0.0.1:1" in here["the environment of a task"]["msg"]
    assert here["check mode"]["changed"]
    for text in (printed, json.dumps(here), printed_elsewhere):
        assert "correct horse battery" not in text


def test_the_environment_of_a_task_is_not_kept(play: Play, tmp_path: Path) -> None:
    tasks = """
- gitops.airflow.argocd_project: {name: a, namespace: a, platform: a, state: absent}
  environment: {K8S_AUTH_HOST: "https://127.0.0.1:1/{{ item }}", K8S_AUTH_API_KEY: a}
  loop: [one, two]
  ignore_errors: true
  register: looped
- ansible.builtin.debug:
    msg: "{{ looped.results | map(attribute='msg') | join(' ') }} left: {{ lookup('ansible.builtin.env', 'K8S_AUTH_HOST') }}."
"""
    played = play(tasks)
    printed = played.stdout.decode()
    assert played.returncode == 0, printed
    message = next(line for line in printed.splitlines() if "left:" in line)
    assert "127.0.0.1:1/one" in message
    assert "127.0.0.1:1/two" in message
    assert "left: ." in message


def test_defaults_of_modules_are_used(play: Play) -> None:
    tasks = """
- module_defaults:
    group/gitops.airflow.cluster: "{{ cluster }}"
    group/gitops.airflow.owner: "{{ owner }}"
  vars:
    cluster: {kubeconfig: /nowhere/of-the-group}
    owner: {platform: "A name!", adopt: maybe}
  block:
    - gitops.airflow.workload_wait: {namespace: a}
      ignore_errors: true
    - gitops.airflow.generated_secret: {namespace: a, name: a, keys: [{name: a}]}
      ignore_errors: true
"""
    printed = play(tasks).stdout
    assert b"/nowhere/of-the-group" in printed
    assert re.search(rb"argument 'adopt' is of type .*maybe", printed, re.DOTALL)


def test_a_repository_is_one_default_of_a_task(play: Play) -> None:
    tasks = """
- gitops.airflow.git_branch_info: {branch: other}
  module_defaults: {group/gitops.airflow.git: "{{ first | combine(second) }}"}
  ignore_errors: true
  vars:
    first: {repo: 'file:///nowhere/a.git', credentials: {username: "{{ 'a' ~ 'nn' }}"}, names_prefix: x_}
    second: {names_prefix: dags_, names: {}, branch: main}
"""
    printed = play(tasks).stdout
    assert b"file:///nowhere/a.git (branch other)" in printed
    assert b"Correct dags_repo" in printed


def test_every_module_has_its_action() -> None:
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    actions = {path.stem for path in (ROOT / "plugins/action").glob("*.py")}
    assert modules == actions


def test_no_private_key_is_left_behind(play: Play, tmp_path: Path) -> None:
    """The kubernetes library writes a kubeconfig's key to a file and counts on Python's exit, which the process of a task does without."""
    data = {name: base64.b64encode(name.encode()).decode() for name in ("client-certificate-data", "client-key-data")}
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
        "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "here", "user": data}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    module = "gitops.airflow.argocd_project: {name: a, namespace: a, platform: a, state: absent}"
    ended = play(f"- {module}\n  loop: [1, 2]\n", TMPDIR=str(temporary), K8S_AUTH_KUBECONFIG=str(tmp_path / "kubeconfig"))
    assert b"argocd_project" in ended.stdout, ended.stdout
    assert b"cannot be used" not in ended.stdout, ended.stdout
    assert [path for path in (temporary, tmp_path / "tmp") for path in path.rglob("*") if path.is_file()] == []
