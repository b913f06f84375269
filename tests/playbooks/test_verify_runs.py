# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which DAGs the role airflow_verify runs if nobody says so: the examples, where the embedded DAG repository holds them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS
from ansible_collections.gitops.airflow.tests.playbooks.conftest import ROOT

EXAMPLES = "example_cron_dag,example_user_dag"
OWN = [{"dag_id": "own", "task_id": "t", "namespace": "airflow-user", "log": "x"}]
CASES: list[tuple[dict[str, Any], str]] = [
    ({}, EXAMPLES),
    ({"airflow_app_dags_repo": "http://gitea.git.svc.cluster.local:3000/gitops/dags.git"}, EXAMPLES),
    ({"airflow_app_dags_repo": "https://git.example.com/dags.git"}, ""),
    ({"platform_git_server": "external"}, ""),
    ({"airflow_verify_runs": OWN}, "own"),
]


def test_examples_are_run_by_default_where_they_are(tmp_path: Path) -> None:
    plays = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": given,
            "roles": [{"role": "gitops.airflow.airflow_verify", "when": False}],
            "tasks": [
                {
                    "ansible.builtin.debug": {
                        "msg": f"case {number} runs <{{{{ airflow_verify_runs | map(attribute='dag_id') | join(',') }}}}>"
                    }
                }
            ],
        }
        for number, (given, _expected) in enumerate(CASES)
    ]
    (tmp_path / "plays.json").write_text(json.dumps(plays))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", str(tmp_path / "plays.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    found = dict(re.findall(r"case (\d+) runs <(.*?)>", done.stdout))
    assert found == {str(number): expected for number, (_given, expected) in enumerate(CASES)}
