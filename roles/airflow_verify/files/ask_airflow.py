"""Runs inside Airflow's scheduler: prints what the running Airflow says of itself, as JSON.

Arguments: DAGs of which is asked whether they are unpaused, and whether the checkout has them.
"""

import json
import os
import pathlib
import sys
import time

import sqlalchemy
from airflow import __version__
from airflow.configuration import conf

asked_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
engine = sqlalchemy.create_engine(conf.get("database", "sql_alchemy_conn"))
with engine.connect() as connection:
    active = connection.execute(
        sqlalchemy.text("SELECT COUNT(*) FROM task_instance WHERE state IN ('scheduled', 'queued', 'running', 'restarting')")
    ).scalar()
    unpaused = [dag for (dag,) in connection.execute(sqlalchemy.text("SELECT dag_id FROM dag WHERE is_paused = 0")) if dag in sys.argv]
    schema = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()

dags_folder = conf.get("core", "dags_folder")
# Whether a file names the DAG: a new one is not known to Airflow yet.
texts = [path.read_text(errors="replace") for path in pathlib.Path(dags_folder).rglob("*.py")]

print(
    json.dumps(
        {
            "version": __version__,
            "executor": conf.get("core", "executor"),
            "multi_namespace_mode": conf.getboolean("kubernetes_executor", "multi_namespace_mode"),
            "namespace_list": conf.get("kubernetes_executor", "multi_namespace_mode_namespace_list"),
            "asked_at": asked_at,
            "active_tasks": active,
            "present": [dag for dag in sys.argv[1:] if any(dag in text for text in texts)],
            "unpaused": unpaused,
            "schema": schema,
            # git-sync keeps each commit in a folder of its own, named by the commit.
            "dags_commit": os.path.basename(os.path.realpath(os.path.join(dags_folder.split("/repo")[0], "repo"))),
        }
    )
)
