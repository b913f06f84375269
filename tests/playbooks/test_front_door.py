# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Makefile's commands do to a machine before Ansible runs: H6 (only kind needs an engine, images or the lab), D10 and F2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS
from provider import Answer, ask, without_prompts

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(sys.executable).parent
KIND, EXISTING = ("kind",), ("existing",)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Inventories of every form; relative paths are those of the checkout."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("ANSIBLE_CONFIG", str(ROOT / "ansible.cfg"))
    (tmp_path / "vars.yml").write_text("platform_provider: existing\n")
    (tmp_path / "broken.yml").write_text("a: {\n")
    for name, text in [
        ("in_group_vars", "platform_provider: existing\n"),
        ("by_template", "platform_provider: \"{{ 'existing' if platform_name == 'airflow' else 'kind' }}\"\n"),
        ("not_at_all", "platform_name: other\n"),
    ]:
        shutil.copytree(ROOT / "inventories/local", tmp_path / name)
        (tmp_path / name / "group_vars/platform.yml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "providers", "mode"),
    [
        ([], KIND, "run"),
        (["-i", "inventories/production"], EXISTING, "run"),
        (["-iinventories/production"], EXISTING, "run"),
        (["--inventory=inventories/production/hosts.yml"], EXISTING, "run"),
        (["-e", "platform_provider=existing"], EXISTING, "run"),
        (["-e@{folder}/vars.yml"], EXISTING, "run"),
        (["--extra-vars", '{{"platform_provider": "existing"}}', "--check"], EXISTING, "check"),
        (["-i", "inventories/production", "-e", "platform_provider=kind", "--ask-vault-pass"], KIND, "run"),
        (["-i", "{folder}/in_group_vars"], EXISTING, "run"),
        (["-i", "{folder}/by_template"], EXISTING, "run"),
        (["-i", "{folder}/by_template", "-e", "platform_name=x"], KIND, "run"),
        (["-i", "{folder}/not_at_all", "--syntax-check"], KIND, "list"),
        (["-i", "other,"], (), "run"),
    ],
)
def test_h6_ansible_says_which_provider(folder: Path, arguments: list[str], providers: Sequence[str], mode: str) -> None:
    given = [item.format(folder=folder) for item in arguments]
    assert ask(["ansible-playbook", "playbooks/site.yml", *given]) == Answer(tuple(providers), mode)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["-i", "/no/such"], "Completely failed to parse inventory source"),
        (["-e", "@{folder}/broken.yml"], "failed to parse"),
        (["-e", "platform_provider={{{{ unheard_of }}}}"], "unheard_of"),
        (["--no-such-option"], "unrecognized arguments"),
    ],
)
def test_h6_no_answer_is_no_engine(folder: Path, arguments: list[str], problem: str) -> None:
    found = ask(["ansible-playbook", "playbooks/site.yml", *[item.format(folder=folder) for item in arguments]])
    assert problem in found.problem
    assert not found.kind


def test_h6_help_is_no_run(folder: Path) -> None:
    assert ask(["ansible-playbook", "--help"]) == Answer(mode="list")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["-J", "-C"], ["-C"]),
        (["--vault-id", "dev@prompt", "-e", "x@prompt"], ["-e", "x@prompt"]),
        (["--vault-id=dev@prompt", "--vault-id", "dev@file"], ["--vault-id", "dev@file"]),
        (["--vault-id", "prompt", "--vault-id=prompt", "--vault-id", "@prompt"], []),
        (["--vault-id=dev@prompt_ask_vault_pass", "--vault-id", "prompt.txt"], ["--vault-id", "prompt.txt"]),
    ],
)
def test_h6_no_password_is_asked_for(given: list[str], kept: list[str]) -> None:
    assert without_prompts(given) == kept


class Machine:
    """Programs that write down how they are called: docker (which answers as ``docker`` says), apt-get and ansible-playbook."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "calls"
        (folder / "bin").mkdir()
        for name in "bash sh env dirname sed grep timeout cat python3".split():  # noqa: SIM905
            (folder / "bin" / name).symlink_to(shutil.which(name) or "/missing")
        (folder / "bin/python").symlink_to(sys.executable)
        for name in ("apt-get", "sudo", "ansible-playbook"):
            self.program(name)

    def program(self, name: str, body: str = "") -> None:
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.log}\n{body}\n')
        path.chmod(0o755)

    def play(self, need: str, playbook: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {
            "PATH": f"{self.folder}/bin",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ENGINE_ROOT": str(self.folder),
            **environment,
        }
        command = [sys.executable, "scripts/play", f"--needs={need}", "ansible-playbook", f"playbooks/{playbook}.yml", *arguments]
        return subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


NEEDS = [("images", "site"), ("engine", "verify"), ("removal", "destroy")]


@pytest.mark.parametrize(("need", "playbook"), NEEDS)
def test_h6_an_existing_cluster_needs_no_engine(machine: Machine, need: str, playbook: str) -> None:
    machine.program("docker", "exit 1")
    done = machine.play(need, playbook, "-i", "inventories/production")
    assert (done.returncode, done.stderr) == (0, "")
    assert machine.calls() == [f"ansible-playbook playbooks/{playbook}.yml -i inventories/production"]


@pytest.mark.parametrize(
    ("need", "playbook", "expected"),
    [
        ("images", "site", ["docker info", "ansible-playbook -e {} playbooks/site.yml"]),
        ("engine", "verify", ["docker info", "ansible-playbook playbooks/verify.yml"]),
        ("removal", "destroy", ["docker info", "ansible-playbook -e {} playbooks/destroy.yml"]),
    ],
)
def test_h6_kind_needs_an_engine(machine: Machine, need: str, playbook: str, expected: list[str]) -> None:
    machine.program("docker", "exit 0")
    done = machine.play(need, playbook, IMAGES="registry")
    assert (done.returncode, machine.calls()) == (0, expected), done.stderr


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize(("need", "playbook", "arguments"), [("removal", "destroy", []), ("images", "site", ["--check"])])
def test_h6_a_check_and_a_removal_build_nothing(machine: Machine, built: bool, need: str, playbook: str, arguments: list[str]) -> None:
    machine.program("docker", 'case "$1" in image|manifest) exit 1;; esac')
    lab = machine.folder / ".cache/gitops-airflow/lab/vars.yml"
    if built:
        lab.parent.mkdir(parents=True)
        lab.write_text("{}\n")
    done = machine.play(need, playbook, *arguments)
    images = f"@{lab}" if built else "{}"
    assert done.returncode == 0, done.stderr
    assert machine.calls()[-1] == " ".join([f"ansible-playbook -e {images} playbooks/{playbook}.yml", *arguments])
    assert not [call for call in machine.calls() if "manifest" in call or call.startswith(("apt-get", "sudo"))]


def test_d10_destroy_without_docker_installs_none(machine: Machine) -> None:
    done = machine.play("removal", "destroy")
    assert done.returncode == 0
    assert machine.calls() == ["ansible-playbook playbooks/destroy.yml"]
    assert "without an engine there is no kind cluster: only local files are removed" in done.stderr


def test_d10_verify_without_docker_says_what_to_do(machine: Machine) -> None:
    done = machine.play("engine", "verify")
    assert (done.returncode, machine.calls()) == (3, [])
    assert "Next: make site" in done.stderr


def test_d10_site_with_engine_no_is_refused(machine: Machine) -> None:
    done = machine.play("images", "site", ENGINE="no")
    assert (done.returncode, machine.calls()) == (1, [])
    assert "ENGINE=no forbids to install one" in done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in a folder that everybody may write to, as every file of a Windows drive in WSL is, with a space in its path."""
    made = tmp_path_factory.mktemp("front door") / "a checkout"
    made.mkdir()
    listed = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT)
    for name in filter(None, listed.decode().split("\0")):
        source, target = ROOT / name, made / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    link = made / ".ansible/collections/ansible_collections/gitops/airflow"
    link.parent.mkdir(parents=True)
    link.symlink_to(made)
    (made / ".venv").symlink_to(VENV.parent)
    for path in [made, *made.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o777)
    (made.parent / "link").symlink_to(made)
    return made


@pytest.mark.parametrize(
    ("folder", "options", "environment"),
    [
        pytest.param("{checkout}", [], {}, id="in it"),
        pytest.param(
            "/", ["-C", "{checkout}/../link"], {"ANSIBLE_CONFIG": "/no/such.cfg"}, id="make -C through a link, another ansible.cfg"
        ),
    ],
)
def test_f2_a_world_writable_checkout(checkout: Path, folder: str, options: list[str], environment: dict[str, str]) -> None:
    given = [item.format(checkout=checkout) for item in options]
    # Not remade: setup would install what has changed in the requirements.
    command = ["make", "-s", *given, "-o", "setup", "status", "FORMAT=json", "ARGS=-e platform_kubeconfig=/no/such -e status_file="]
    known = {**os.environ, **environment, "MAKEFLAGS": ""}
    done = subprocess.run(
        command, cwd=folder.format(checkout=checkout), env=known, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )
    status = json.loads(done.stdout)
    assert (status["healthy"], done.returncode) == (False, 2)
    assert "/no/such" in status["problems"][0]
    assert "world writable" not in done.stderr


def test_f2_by_hand_through_scripts_play(checkout: Path) -> None:
    known = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"} | {"PATH": f"{VENV}:{os.environ['PATH']}"}
    command = ["scripts/play", "ansible-playbook", "playbooks/site.yml", "--list-tasks"]
    done = subprocess.run(command, cwd=checkout, env=known, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    assert "gitops.airflow.kind_cluster" in done.stdout


def test_the_default_provider_is_the_roles() -> None:
    defaults = yaml.safe_load((ROOT / "roles/platform/defaults/main/platform.yml").read_text())
    assert defaults["platform_provider"] == "kind"


# What the shell, make or Jinja would run, were it not only a value.
HOSTILE = (
    """a"; touch {mark} '; touch {mark} #` touch {mark}` $(shell touch {mark}) $(touch {mark}) """
    """{{{{ lookup('pipe', 'touch {mark}') }}}} $$ \\\""""
)
SHOW = """
import json, os, sys
with open({path!r}, "w") as file:
    json.dump([sys.argv[1:], {{key: value for key, value in os.environ.items() if key.startswith("GITOPS_AIRFLOW_")}}], file)
"""
VARIABLES = {
    "push-dags": {"DIR": "GITOPS_AIRFLOW_PUSH_DIR"},
    "run": {"DAG": "GITOPS_AIRFLOW_DAG", "CONF": "GITOPS_AIRFLOW_CONF", "UNPAUSE": "GITOPS_AIRFLOW_UNPAUSE"},
    "logs": {"DAG": "GITOPS_AIRFLOW_DAG", "RUN": "GITOPS_AIRFLOW_RUN", "TASK": "GITOPS_AIRFLOW_TASK"},
}


def made(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """make in the copy, without its setup, which would install what has changed in the requirements."""
    known = {**os.environ, "MAKEFLAGS": "", **environment}
    command = ["make", "-s", "-o", "setup", *arguments]
    return subprocess.run(command, cwd=checkout, env=known, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("by", ["argument", "environment"])
@pytest.mark.parametrize(("target", "variable"), [(target, name) for target, names in VARIABLES.items() for name in names])
def test_a_value_of_make_is_only_a_value(checkout: Path, tmp_path: Path, target: str, variable: str, by: str) -> None:
    """ansible-playbook is replaced by a program that writes down its arguments and its environment."""
    seen, mark = tmp_path / "seen.json", tmp_path / "mark"
    program = checkout / "ansible-playbook"
    program.write_text(f"#!{sys.executable}\n{SHOW.format(path=str(seen))}")
    program.chmod(0o755)
    value = HOSTILE.format(mark=mark)
    given = {"DAG": "orders", variable: value}
    makefile = (checkout / "Makefile").read_text()
    (checkout / "Makefile.double").write_text(makefile.replace(" ansible-playbook ", " ./ansible-playbook "))
    arguments = [f"{key}={text}" for key, text in given.items()] if by == "argument" else []
    done = made(checkout, "-f", "Makefile.double", target, *arguments, **(given if by == "environment" else {}))
    assert done.returncode == 0, done.stderr
    called, environment = json.loads(seen.read_text())
    assert environment[VARIABLES[target][variable]] == value
    assert called[1:] == ["-e", "@scripts/make_vars.yml"]
    assert not mark.exists()


@pytest.mark.parametrize("target", ["run", "logs"])
def test_a_dag_must_be_named(checkout: Path, target: str) -> None:
    done = made(checkout, target)
    assert done.returncode == 2
    assert f"usage: make {target} DAG=name" in done.stderr


@pytest.mark.parametrize("name", ["run_dag", "logs"])
def test_jinja_reads_no_value_of_make(checkout: Path, tmp_path: Path, name: str) -> None:
    """The values arrive at the modules as they were typed; the platform's cluster is not there."""
    mark = tmp_path / "mark"
    value = HOSTILE.format(mark=mark)
    target, variables = {"run_dag": ("run", ["DAG", "CONF"]), "logs": ("logs", ["DAG", "RUN", "TASK"])}[name]
    given = [f"{key}={value}" for key in variables]
    arguments = "ARGS=-vvv -e platform_provider=existing -e platform_context=x -e platform_kubeconfig=/no/such"
    done = made(checkout, target, *given, arguments, ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    assert "/no/such" in done.stdout or "conf is not JSON" in done.stdout
    assert json.dumps(value) in done.stdout
    assert not mark.exists()
    assert done.returncode == 2
