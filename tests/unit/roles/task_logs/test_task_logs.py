# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F1: who may do what with the task logs, which of them are old, and how Airflow reaches them in time."""

from __future__ import annotations

import importlib.util
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.log_connection import task_log_connection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_policies import LOGS_PORT
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

PROGRAM = ROOT / "roles/task_logs/files/task_logs.py"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def program() -> Any:
    spec = importlib.util.spec_from_file_location("task_logs", PROGRAM)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_network_policies_open_the_port_of_the_role() -> None:
    assert yaml.safe_load((ROOT / "roles/platform/vars/main.yml").read_text())["__platform_logs_port"] == LOGS_PORT


def allowed(policy: dict[str, Any], account: str) -> set[str]:
    return {
        action
        for item in policy["Statement"]
        if item["Effect"] == "Allow" and account in item["Principal"]["AWS"]
        for action in item["Action"]
    }


def test_f1_the_webserver_reads_and_the_workers_write_but_nobody_deletes(program: Any) -> None:
    policy = program.policy("task-logs")
    assert allowed(policy, "webserver") == {"s3:ListBucket", "s3:GetObject"}
    assert allowed(policy, "workers") == {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"}
    assert "*" not in json.dumps([item["Principal"] for item in policy["Statement"]])
    assert {resource for item in policy["Statement"] for resource in item["Resource"]} == {
        "arn:aws:s3:::task-logs",
        "arn:aws:s3:::task-logs/*",
    }


@pytest.mark.parametrize(
    ("age", "days", "old"),
    [
        (timedelta(days=30), 30, False),
        (timedelta(days=30, seconds=1), 30, True),
        (timedelta(seconds=5), 30, False),
        (timedelta(seconds=5), 0.00001, True),
        (timedelta(seconds=-5), 0.00001, False),
    ],
)
def test_f1_a_log_is_old_by_the_time_it_was_last_written(program: Any, age: timedelta, days: float, old: bool) -> None:
    assert list(program.expired([("key", NOW - age)], NOW, days)) == ["key"] * old


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3])])
def test_keys_are_deleted_in_batches(program: Any, count: int, sizes: list[int]) -> None:
    keys = [str(number) for number in range(count)]
    found = list(program.batches(iter(keys), 3))
    assert [len(batch) for batch in found] == sizes
    assert [key for batch in found for key in batch] == keys


@pytest.mark.parametrize("endpoint", ["http://task-logs.airflow-logs.svc.cluster.local:7070", ""])
def test_f1_a_page_of_airflow_gets_its_answer_within_five_seconds(endpoint: str) -> None:
    found = json.loads(task_log_connection("s", "webserver", endpoint, "us-east-1", embedded=bool(endpoint), reader=True))
    config = found["extra"]["config_kwargs"]
    # The list of logs, whose connection is kept, and one log: the first that fails ends it.
    assert config["connect_timeout"] + 2 * config["read_timeout"] <= 5
    assert config["retries"]["total_max_attempts"] == 1


def test_f1_a_worker_tries_again_but_not_for_ever() -> None:
    config = json.loads(task_log_connection("s", "workers", "", "eu-west-1", embedded=False, reader=False))["extra"]["config_kwargs"]
    assert config["retries"]["total_max_attempts"] > 1
    # A worker that is evicted has 600 s for it (the chart's workers.terminationGracePeriodSeconds).
    assert config["retries"]["total_max_attempts"] * (config["connect_timeout"] + config["read_timeout"]) < 120


@pytest.mark.parametrize(
    ("endpoint", "embedded", "extra"),
    [
        ("http://task-logs.x.svc.cluster.local:7070", True, {"endpoint_url": "http://task-logs.x.svc.cluster.local:7070"}),
        ("https://s3.example.com:9000/", False, {"endpoint_url": "https://s3.example.com:9000"}),
        ("", False, {}),
    ],
)
def test_a_connection_names_its_server(endpoint: str, embedded: bool, extra: dict[str, Any]) -> None:
    found = json.loads(task_log_connection('se"cret', "access", endpoint, "eu-west-1", embedded=embedded, reader=False))
    config = found["extra"].pop("config_kwargs")
    assert found == {"conn_type": "aws", "login": "access", "password": 'se"cret', "extra": {"region_name": "eu-west-1", **extra}}
    assert config.get("s3") == ({"addressing_style": "path"} if endpoint else None)
    # A proxy of the environment leads to a server of your own, and never to a Service of the cluster.
    assert config.get("proxies") == ({} if embedded else None)


def test_the_same_input_gives_the_same_text() -> None:
    texts = {task_log_connection("s", "a", "http://x", "r", embedded=True, reader=True) for _time in range(3)}
    assert len(texts) == 1
