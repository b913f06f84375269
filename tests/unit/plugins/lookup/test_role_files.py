# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a role's folder are copied, its templates rendered. Nothing else of a working copy is published with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.gitops.airflow.tests.unit.trust import trust_as_template

FILES = {
    "files/chart/templates/a.yaml": "{{ .Values.name }}\n\n",
    "files/chart/python/b.py": "B = 1\n",
    "files/chart/python/__pycache__/b.pyc": "cached",
    "files/chart/.hidden": "hidden",
    "files/copied/a.txt": "a\n",
    "templates/chart/Chart.yaml.j2": "name: {{ name }}\n",
    "templates/rendered/a.txt.j2": "{{ name }}",
    "templates/elsewhere.yaml.j2": "{{ name }}",
}
COPIED = {"templates/a.yaml": "{{ .Values.name }}\n\n", "python/b.py": "B = 1\n"}


def read(role: Path | None, *folders: str, beside: Path | None = None, **options: Any) -> list[dict[str, str]]:
    """``beside``: the playbook's folder."""
    search = [str(place) for place in (role, beside) if place]
    variables = {
        "ansible_search_path": search,
        **({"role_path": str(role)} if role else {}),
        "name": trust_as_template("{{ platform }}-core"),
        "platform": "airflow",
    }
    loader = DataLoader()
    lookup = lookup_loader.get("gitops.airflow.role_files", loader=loader, templar=Templar(loader, variables))
    found: list[dict[str, str]] = lookup.run(list(folders), variables, **options)
    return found


@pytest.fixture
def role(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "without", "expected"),
    [
        ("chart", [], {**COPIED, "Chart.yaml": "name: airflow-core\n"}),
        ("chart", ["Chart.yaml", "python/b.py"], {"templates/a.yaml": COPIED["templates/a.yaml"]}),
        ("chart/templates", [], {"a.yaml": COPIED["templates/a.yaml"]}),
        ("copied", [], {"a.txt": "a\n"}),
        ("rendered", [], {"a.txt": "airflow-core"}),
    ],
)
def test_files_are_copied_and_templates_rendered(role: Path, folder: str, without: list[str], expected: dict[str, str]) -> None:
    assert read(role, folder, without=without) == [expected]


@pytest.mark.parametrize("theirs", ["copied/c.txt", "files/rendered/c.txt", "templates/copied/c.txt", "rendered/c.txt"])
def test_a_folder_of_the_same_name_beside_the_playbook_is_not_read(
    role: Path, tmp_path_factory: pytest.TempPathFactory, theirs: str
) -> None:
    playbooks = tmp_path_factory.mktemp("playbooks")
    (playbooks / theirs).parent.mkdir(parents=True)
    (playbooks / theirs).write_text("secret")
    assert read(role, "copied", "rendered", beside=playbooks) == [{"a.txt": "a\n"}, {"a.txt": "airflow-core"}]
    with pytest.raises(AnsibleError, match="there is no role here"):
        read(None, "copied", beside=playbooks)


def test_each_folder_has_its_own_texts(role: Path) -> None:
    assert read(role, "copied", "rendered") == [{"a.txt": "a\n"}, {"a.txt": "airflow-core"}]


@pytest.mark.parametrize(
    ("folder", "without", "message"),
    [
        ("nowhere", [], "no folder files/nowhere or templates/nowhere"),
        ("copied/a.txt", [], "no folder files/copied/a.txt"),
        ("chart", ["python/c.py", "Chart.yaml.j2"], "has no file Chart.yaml.j2, python/c.py"),
    ],
)
def test_what_does_not_exist_is_refused(role: Path, folder: str, without: list[str], message: str) -> None:
    with pytest.raises(AnsibleError, match=message):
        read(role, folder, without=without)


def test_a_file_has_one_source(role: Path) -> None:
    (role / "files/chart/Chart.yaml").touch()
    with pytest.raises(AnsibleError, match=r"chart has a file and a template for Chart\.yaml"):
        read(role, "chart")


def test_a_link_out_of_the_folder_is_refused(role: Path) -> None:
    (role / "files/copied/b.txt").symlink_to(role / "files/chart/.hidden")
    with pytest.raises(AnsibleError, match="a link out of the folder"):
        read(role, "copied")
