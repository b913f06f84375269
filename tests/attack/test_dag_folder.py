# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D3: the attacker may push DAGs. A file of theirs takes the place of the cluster policy, and runs in the web server."""

from __future__ import annotations

import hashlib
from typing import Any

from conftest import decoded
from dag_author import DagAuthor, wait_for

DAG = "attack_root_password"


def test_the_cluster_policy_is_not_replaced(core: Any, platform: Any, pushed: DagAuthor, verdict: Any) -> None:
    error = wait_for("a verdict of Airflow on the DAG", lambda: pushed.import_error(f"{DAG}.py") or (pushed.knows(DAG) and "accepted"))
    if error == "accepted":
        run = pushed.start(DAG)
        state = pushed.ended(DAG, run)
        read = pushed.airflow("GET", f"dags/{DAG}/dagRuns/{run}/taskInstances/read/xcomEntries/return_value")["value"]
        real = decoded(core.read_namespaced_secret("airflow-mysql", platform.core))["root-password"]
        verdict(read == hashlib.sha256(real.encode()).hexdigest(), f"the run ended as {state} and read MySQL's root password")
    else:
        assert "AirflowClusterPolicyViolation: Task attack_root_password.read refers to 'airflow-mysql'" in error
        verdict(False, error)


def test_nothing_of_the_dag_folder_runs_in_the_web_server(pushed: DagAuthor, verdict: Any) -> None:
    """Neither in place of the policy nor in place of a library."""
    assert "repo" in pushed.run("webserver", "ls", "/opt/airflow/dags"), "the web server has the DAG folder"
    seen = pushed.run("webserver", "sh", "-c", "cd /tmp; ls | grep ^attack- || true")
    verdict("attack-" in seen, seen)
