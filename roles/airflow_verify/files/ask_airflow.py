"""Runs inside Airflow's scheduler: prints what the running Airflow says of itself, as JSON. Arguments: DAGs whose pause state is asked."""

import json
import os
import sys

import sqlalchemy
from airflow import __version__
from airflow.configuration import conf

engine = sqlalchemy.create_engine(conf.get("database", "sql_alchemy_conn"))
with engine.connect() as connection:
    active = connection.execute(
        sqlalchemy.text("SELECT COUNT(*) FROM task_instance WHERE state IN ('scheduled', 'queued', 'running', 'restarting')")
    ).scalar()
    unpaused = [dag for (dag,) in connection.execute(sqlalchemy.text("SELECT dag_id FROM dag WHERE is_paused = 0")) if dag in sys.argv]
    schema = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()

print(
    json.dumps(
        {
            "version": __version__,
            "executor": conf.get("core", "executor"),
            "multi_namespace_mode": conf.getboolean("kubernetes_executor", "multi_namespace_mode"),
            "namespace_list": conf.get("kubernetes_executor", "multi_namespace_mode_namespace_list"),
            "active_tasks": active,
            "unpaused": unpaused,
            "schema": schema,
            # git-sync keeps each commit in a folder of its own, named by the commit.
            "dags_commit": os.path.basename(os.path.realpath(os.path.join(conf.get("core", "dags_folder").split("/repo")[0], "repo"))),
        }
    )
)
