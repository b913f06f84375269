# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Airflow reaches the store of task logs."""

from __future__ import annotations

import json
from typing import Any

# Seconds. A page of Airflow waits for the answers to at most two requests, and must be there within 5 seconds.
READER = {"connect_timeout": 1, "read_timeout": 2, "retries": {"mode": "standard", "total_max_attempts": 1}}
# A worker that has done its task has time, and its log is stored now or never.
WRITER = {"connect_timeout": 3, "read_timeout": 20, "retries": {"mode": "standard", "total_max_attempts": 3}}


def task_log_connection(secret: str, access: str, endpoint: str, region: str, embedded: bool, reader: bool) -> str:
    """An Airflow connection to the store, as JSON.

    ``secret``, ``access``: the account's keys. ``endpoint``: the server's URL; empty: AWS. ``embedded``: it is the platform's own, a
    Service of the cluster, which no proxy of the environment leads to. ``reader``: for the webserver, whose pages wait for the answer.
    Sorted, so that the same input has the same checksum. Options: botocore.config.Config.
    """
    config: dict[str, Any] = dict(READER if reader else WRITER)
    if endpoint:
        # A bucket's name cannot be part of a host's name there.
        config["s3"] = {"addressing_style": "path"}
    if embedded:
        config["proxies"] = {}
    extra: dict[str, Any] = {"config_kwargs": config, "region_name": region}
    if endpoint:
        extra["endpoint_url"] = endpoint.rstrip("/")
    return json.dumps({"conn_type": "aws", "login": access, "password": secret, "extra": extra}, sort_keys=True)
