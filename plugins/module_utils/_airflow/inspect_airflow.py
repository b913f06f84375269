# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the pod of Airflow that has the DAG files: prints as JSON what the running Airflow says of itself.

Arguments: the DAGs of which it says whether they are unpaused, and whether a file of the DAG folder names them. It must run with the
Python of Airflow's image, which may be as old as 3.7. What only that image has is imported where it is used.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import time
from typing import Any

ACTIVE = "SELECT COUNT(*) FROM task_instance WHERE state IN ('scheduled', 'queued', 'running', 'restarting')"
UNPAUSED = "SELECT dag_id FROM dag WHERE is_paused = 0"
SCHEMA = "SELECT version_num FROM alembic_version"


def answer(asked: list[str]) -> dict[str, Any]:
    """What is printed."""
    import sqlalchemy  # type: ignore[import-not-found]  # pylint: disable=import-error
    from airflow import __version__  # pylint: disable=import-error
    from airflow.configuration import conf  # pylint: disable=import-error

    asked_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    engine = sqlalchemy.create_engine(conf.get("database", "sql_alchemy_conn"))
    with engine.connect() as connection:
        active = connection.execute(sqlalchemy.text(ACTIVE)).scalar()
        unpaused = [dag for (dag,) in connection.execute(sqlalchemy.text(UNPAUSED)) if dag in asked]
        schema = connection.execute(sqlalchemy.text(SCHEMA)).scalar()
    dags_folder = conf.get("core", "dags_folder")
    # Whether a file names the DAG: Airflow may not have parsed a new one yet.
    texts = [path.read_text(errors="replace") for path in pathlib.Path(dags_folder).rglob("*.py")]
    # git-sync keeps each commit in a folder of its own, which is named by the commit; this link points to the current one.
    link = os.path.join(dags_folder.split("/repo")[0], "repo")
    return {
        "version": __version__,
        "executor": conf.get("core", "executor"),
        "multi_namespace_mode": conf.getboolean("kubernetes_executor", "multi_namespace_mode"),
        "namespace_list": conf.get("kubernetes_executor", "multi_namespace_mode_namespace_list"),
        "asked_at": asked_at,
        "active_tasks": active,
        "present": [dag for dag in asked if any(dag in text for text in texts)],
        "unpaused": unpaused,
        "schema": schema,
        "dags_link": link,
        "dags_commit": os.path.basename(os.path.realpath(link)),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer(sys.argv[1:])) + "\n")
