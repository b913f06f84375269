# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab can be built, what a person does who has another machine, and that a build leaves its recipes as they are."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

RUN = """
import platform, runpy, sys
platform.system, platform.machine = (lambda: {system!r}), (lambda: {machine!r})
sys.argv = ["build"]
runpy.run_path({path!r}, run_name="__main__")
"""


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "aarch64")])
def test_f6_another_machine_is_sent_to_a_registry(system: str, machine: str) -> None:
    code = RUN.format(system=system, machine=machine, path=str(ROOT / "lab/build"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"only on Linux on amd64 (x86_64), and this is {system} on {machine}. Next: make an image registry reachable" in done.stderr


def test_what_a_step_writes_does_not_reach_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The context of a build holds hard links. Of a template, the step adds a file of the same name with its values."""
    monkeypatch.syspath_prepend(str(ROOT / "lab"))
    docker = importlib.import_module("builder.docker")
    recipe, written, context = (tmp_path / name for name in ("recipe", "written", "context"))
    for folder, text in ((recipe, "image: @IMAGE@"), (written, "image: pause")):
        folder.mkdir()
        (folder / "manifest.yaml").write_text(text)
    for folder in (recipe, written):
        docker._place(folder, context)
    assert (context / "manifest.yaml").read_text() == "image: pause"
    assert (recipe / "manifest.yaml").read_text() == "image: @IMAGE@"
