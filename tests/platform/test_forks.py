# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F23: a process forked from Airflow's leaves its parent's connection to MySQL alone. The scheduler's health server is such a process."""

from __future__ import annotations

from conftest import Platform
from dag_author import DagAuthor
from kubernetes import client

SCRIPT = """
import os, time
from airflow import settings
from airflow.utils.session import create_session

with create_session() as session:
    session.execute("SELECT 1").scalar()
child = os.fork()  # its pool has the connection that the query above left
if child == 0:
    time.sleep(1)  # until the parent uses it
    with create_session() as session:
        session.execute("SELECT 1").scalar()
    os._exit(0)
with create_session() as session:
    session.execute("SELECT 1").scalar()
    os.waitpid(child, 0)
    try:
        print("SAID", session.execute("SELECT 42").scalar())
    except Exception as error:
        print("SAID", error)
        session.rollback()
"""


def test_a_forked_process_does_not_end_its_parents_connection(core: client.CoreV1Api, platform: Platform) -> None:
    output = DagAuthor(core, platform).run("triggerer", "python", "-W", "ignore", "-c", SCRIPT)
    assert output.partition("SAID ")[2].strip() == "42", output
