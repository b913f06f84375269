# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F4: the README's lines for Galaxy, as they are printed there, in an empty folder with only the built archive."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
Visitor = tuple[Path, dict[str, str]]
INSTALL = "ansible-galaxy collection install gitops.airflow"


def commands(text: str) -> list[str]:
    """The commands of the README's console block that installs the collection, here-documents with them."""
    (block,) = [block for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL) if INSTALL in block]
    return [command.rstrip("\n") for command in re.split(r"^\$ ", block, flags=re.MULTILINE) if command]


def run(command: str, visitor: Visitor, **more: str) -> subprocess.CompletedProcess[str]:
    folder, environment = visitor
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment | more, capture_output=True, text=True, check=False, timeout=HANG_SECONDS
    )


@pytest.fixture(scope="module")
def followed(archive: Path, visitor: Visitor) -> dict[str, subprocess.CompletedProcess[str]]:
    """What each command did. In place of Galaxy's server the archive is installed, and kubernetes.core comes from the bundle ansible."""
    done = {}
    for command in commands((ROOT / "README.md").read_text()):
        line = command.replace(INSTALL, f"ansible-galaxy collection install {archive} --no-deps")
        # Nothing is installed into the environment that runs the tests: pip shows that its packages satisfy the file.
        done[command] = run(line, visitor, PIP_DRY_RUN="1", PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    return done


def test_all_but_the_last_succeed(followed: dict[str, subprocess.CompletedProcess[str]]) -> None:
    *first, last = followed
    assert first[0] == INSTALL
    assert last == "ansible-playbook -i inventory.yml gitops.airflow.site"
    for command in first:
        assert followed[command].returncode == 0, (command, followed[command])


def test_without_a_cluster_the_first_refusal_says_what_to_do(
    followed: dict[str, subprocess.CompletedProcess[str]], visitor: Visitor
) -> None:
    done = list(followed.values())[-1]
    assert done.returncode == 2, done
    refusal = done.stdout[done.stdout.index("fatal:") :]
    assert f"{visitor[1]['HOME']}/.kube/config" in refusal
    assert re.search(r"next_action\W+[A-Z]", refusal)
    assert "my-cluster" in refusal
    assert "Traceback" not in done.stdout + done.stderr
    assert re.search(r"localhost +: ok=\d+ +changed=0 ", done.stdout)


@pytest.mark.usefixtures("followed")
def test_every_playbook_works_by_name(visitor: Visitor) -> None:
    names = " ".join(f"gitops.airflow.{path.stem}" for path in sorted((ROOT / "playbooks").glob("*.yml")))
    done = run(f"ansible-playbook -i inventory.yml --list-tasks {names}", visitor)
    assert done.returncode == 0, done
    assert done.stdout.count("\nplaybook: ") == len(names.split())
    assert run(f"ansible-playbook -i inventory.yml --syntax-check {names}", visitor).returncode == 0


@pytest.mark.usefixtures("followed")
def test_the_other_example_is_in_the_collection(visitor: Visitor) -> None:
    production = "~/.ansible/collections/ansible_collections/gitops/airflow/inventories/production"
    done = run(f"ansible-inventory -i {production} --host localhost", visitor)
    assert done.returncode == 0, done
    assert '"platform_provider": "existing"' in done.stdout


@pytest.mark.usefixtures("followed")
def test_the_state_is_readable_under_the_default_callback(visitor: Visitor) -> None:
    done = run("ansible-playbook -i inventory.yml gitops.airflow.status", visitor)
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    (first,) = [index for index, line in enumerate(lines) if line.startswith("airflow in my-cluster is NOT HEALTHY (1 problem)")]
    assert lines[first + 1].startswith("  problem: The Kubernetes configuration (kubeconfig ")
    assert "NODES         none could be read" in lines
