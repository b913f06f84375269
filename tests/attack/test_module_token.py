# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D2: the attacker may push DAGs. Code at module level runs where DAG files are parsed: without a task, and so without the policy."""

from __future__ import annotations

from typing import Any

import pytest
from dag_author import DagAuthor, wait_for

DAG = "attack_module_token"
NEEDS = "needs a platform with airflow_app_dag_processor: true; this one parses DAG files in the scheduler, beside its token, as by default"


def test_d2_what_parses_dag_files_finds_no_token(pushed: DagAuthor, verdict: Any, request: pytest.FixtureRequest) -> None:
    parser = pushed.parser()
    # A platform without this guard is the default one: there the attack must succeed.
    if parser == "scheduler" and not request.config.getoption("--without-guard"):
        pytest.skip(NEEDS)

    def parsed() -> dict[str, str]:
        """What the DAG file found, once the pod that parses files now has parsed it."""
        tags = dict(tag["name"].split(":", 1) for tag in pushed.airflow("GET", f"dags/{DAG}")["tags"])
        return tags if tags["pod"] == pushed.pod(parser) else {}

    tags = wait_for(f"the tags of {DAG} from the {parser}", parsed)
    verdict(tags["token"] != "none", f"in {tags['pod']} the DAG file read the token of {tags['token']}")
