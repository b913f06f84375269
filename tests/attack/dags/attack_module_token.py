"""Reads a token of the Kubernetes API while the file is parsed, as no task and no policy sees it, and shows whose it is as a tag."""

from __future__ import annotations

import base64
import json
import socket
from datetime import datetime
from pathlib import Path

from airflow import DAG
from airflow.operators.empty import EmptyOperator

TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


def owner() -> str:
    """The account of the token; "none" without one."""
    try:
        payload = TOKEN.read_text().split(".")[1]
    except FileNotFoundError:
        return "none"
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])


with DAG(
    dag_id="attack_module_token",
    schedule=None,
    start_date=datetime(2024, 1, 1),
    catchup=False,
    tags=[f"token:{owner()}", f"pod:{socket.gethostname()}"],
):
    EmptyOperator(task_id="nothing")
