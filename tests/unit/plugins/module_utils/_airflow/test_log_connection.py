# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to the store of task logs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.log_connection import READER, WRITER, task_log_connection

PATH_STYLE = {"s3": {"addressing_style": "path"}}


@pytest.mark.parametrize(
    ("endpoint", "embedded", "reader", "config", "url"),
    [
        ("", False, False, WRITER, None),
        ("", False, True, READER, None),
        ("https://s3.example.com/", False, True, {**READER, **PATH_STYLE}, "https://s3.example.com"),
        ("http://task-logs:7070", True, False, {**WRITER, **PATH_STYLE, "proxies": {}}, "http://task-logs:7070"),
    ],
)
def test_the_connection(endpoint: str, embedded: bool, reader: bool, config: dict[str, Any], url: str | None) -> None:
    found = json.loads(task_log_connection("s", "a", endpoint, "eu-1", embedded, reader))
    extra = {"config_kwargs": config, "region_name": "eu-1", **({"endpoint_url": url} if url else {})}
    assert found == {"conn_type": "aws", "login": "a", "password": "s", "extra": extra}
