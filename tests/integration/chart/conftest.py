# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform's chart as the role writes it, and what Helm renders of it.

AIRFLOW_CHART names a folder with the official chart; without it the lab's double is used.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import service_accounts
from ansible_collections.gitops.airflow.tests.integration.chart.rendering import ROLE, ROOT, Edit, Objects, Write, helm, rendered_objects
from ansible_collections.gitops.airflow.tests.unit import conftest as unit_tests

role_variables = unit_tests.role_variables


@pytest.fixture(scope="module")
def write(role_variables: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Writes the chart as the role does with these variables, with the official chart or its double, and one more Python file."""
    files = [*sorted((ROOT / "roles/platform/defaults/main").glob("*.yml")), ROOT / "roles/platform/vars/main.yml"]
    files += [ROLE / part / "main.yml" for part in ("defaults", "vars")]
    variables = role_variables(*files) | {
        "role_path": str(ROLE),
        "ansible_search_path": [str(ROLE)],
        "__airflow_app_secrets": {"git_sync": Credentials("ann", "t").git_sync_values(), "dags_checksum": "", "logs_checksum": "0"},
        "__platform_preflight": {"plan": {"accounts": service_accounts({}, "airflow-core")}},
    }
    loader = DataLoader()
    loader.set_basedir(str(ROLE))
    (publish, *_rest) = yaml.safe_load((ROLE / "tasks/publish.yml").read_text())

    def written_with(**given: Any) -> Path:
        templar = Templar(loader, variables | given)
        folder = tmp_path_factory.mktemp("chart") / "airflow-core"
        files = templar.template(trust_as_template(publish["gitops.airflow.git_publish"]["files"]))
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        (folder / "python/more.py").write_text("X = 1\n")
        shutil.copytree(os.environ.get("AIRFLOW_CHART", ROOT / "lab/chart"), folder / "charts/airflow")
        return folder

    return written_with


@pytest.fixture(scope="module")
def written(write: Write) -> Path:
    return write()


@pytest.fixture
def render(written: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def rendered(edit: Edit, chart: Path = written) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "airflow-core"
        shutil.copytree(chart, folder)
        values = yaml.safe_load((folder / "values.yaml").read_text())
        edit(values)
        (folder / "values.yaml").write_text(yaml.safe_dump(values))
        return helm(folder)

    return rendered


@pytest.fixture(scope="module")
def objects(written: Path) -> Objects:
    return rendered_objects(written)


@pytest.fixture(scope="module")
def processor_chart(write: Write) -> Path:
    return write(airflow_app_dag_processor=True)


@pytest.fixture(scope="module")
def with_processor(processor_chart: Path) -> Objects:
    return rendered_objects(processor_chart)
