# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F1: what the keys of the task logs can do, that no other port of the store is open, and that the logs of ended tasks are readable."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from conftest import Platform
from kubernetes import client
from kubernetes.stream import stream

STORE = "app.kubernetes.io/name=task-logs"
# Asks the store with the connection of its own container. Prints, for each call, "ok" or the error's code.
RIGHTS = """
import json, os, boto3
from botocore.config import Config
from botocore.exceptions import ClientError
conn = json.loads(os.environ["AIRFLOW_CONN_TASK_LOGS"])
s3 = boto3.client("s3", endpoint_url=conn["extra"]["endpoint_url"], region_name="us-east-1", aws_access_key_id=conn["login"],
                  aws_secret_access_key=conn["password"], config=Config(s3={"addressing_style": "path"}))
bucket, key = "task-logs", "test/rights.log"
allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::task-logs/*"}
everyone = {"Version": "2012-10-17", "Statement": [allow]}
calls = {
    "put": lambda: s3.put_object(Bucket=bucket, Key=key, Body=b"text"),
    "get": lambda: s3.get_object(Bucket=bucket, Key=key),
    "list": lambda: s3.list_objects_v2(Bucket=bucket, MaxKeys=1),
    "delete": lambda: s3.delete_object(Bucket=bucket, Key=key),
    "delete many": lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]}),
    "delete bucket": lambda: s3.delete_bucket(Bucket=bucket),
    "policy": lambda: s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(everyone)),
    "bucket": lambda: s3.create_bucket(Bucket="another"),
}
found = {}
for name, call in calls.items():
    try:
        errors = call().get("Errors")
        found[name] = errors[0]["Code"] if errors else "ok"
    except ClientError as error:
        found[name] = error.response["Error"]["Code"]
print(json.dumps(found))
"""
PORTS = """
import asyncio, json, sys
async def is_open(port, free):
    async with free:
        try:
            _reader, writer = await asyncio.wait_for(asyncio.open_connection(sys.argv[1], port), 5)
        except (OSError, asyncio.TimeoutError):
            return False
        writer.close()
        return True
async def main():
    free = asyncio.Semaphore(200)
    answers = await asyncio.gather(*(is_open(port, free) for port in range(1, 65536)))
    print(json.dumps([port for port, answer in enumerate(answers, 1) if answer]))
asyncio.run(main())
"""
READ = """
import json
from airflow.models import TaskInstance
from airflow.utils.log.log_reader import TaskLogReader
from airflow.utils.session import create_session
found = {}
with create_session() as session:
    for dag in ("example_cron_dag", "example_user_dag"):
        query = session.query(TaskInstance).filter(TaskInstance.dag_id == dag, TaskInstance.state == "success")
        ti = query.order_by(TaskInstance.end_date.desc()).first()
        if ti:
            found[dag] = "".join(TaskLogReader().read_log_stream(ti, ti.next_try_number - 1, {}))
print(json.dumps(found))
"""
DENIED = "AccessDenied"
CONNECTIONS = ("airflow-task-logs", "airflow-task-logs-webserver")


def output(core: client.CoreV1Api, namespace: str, component: str, *command: str) -> Any:
    """The JSON that a program of Airflow's pod prints last."""
    pod = core.list_namespaced_pod(namespace, label_selector=f"tier=airflow,component={component}").items[0]
    text = stream(
        core.connect_get_namespaced_pod_exec,
        pod.metadata.name,
        namespace,
        container=component,
        command=["python", "-c", *command],
        stdout=True,
        stderr=True,
        _preload_content=False,
    )
    text.run_forever(timeout=120)
    assert not text.is_open(), f"{component} has not ended within 120 s"
    said = text.read_stdout() if text.peek_stdout() else text.read_stderr()
    return json.loads(said.strip().splitlines()[-1])


@pytest.mark.parametrize(
    ("component", "put", "get"),
    [("scheduler", "ok", "ok"), ("webserver", DENIED, "ok")],
)
def test_f1_the_workers_key_writes_the_webservers_reads_and_neither_deletes(
    core: client.CoreV1Api, platform: Platform, component: str, put: str, get: str
) -> None:
    found = output(core, platform.core, component, RIGHTS)
    never = dict.fromkeys(("delete", "delete many", "delete bucket", "policy", "bucket"), DENIED)
    assert found == {"put": put, "get": get, "list": "ok", **never}


def test_f1_no_other_port_of_the_store_is_open(
    core: client.CoreV1Api, platform: Platform, opened: Callable[[], AbstractContextManager[None]]
) -> None:
    """Without NetworkPolicies, which let nothing through but this port."""
    address = core.list_namespaced_pod(platform.logs, label_selector=STORE).items[0].status.pod_ip
    with opened():
        assert output(core, platform.core, "scheduler", PORTS, address) == [7070]


def test_f1_the_administrators_key_stays_with_the_store(core: client.CoreV1Api, platform: Platform) -> None:
    generated = core.read_namespaced_secret("task-logs-generated", platform.logs).data
    key = base64.b64decode(generated["administrator"])
    secrets = core.list_secret_for_all_namespaces().items
    holders = {
        f"{item.metadata.namespace}/{item.metadata.name}"
        for item in secrets
        if any(key in base64.b64decode(value) for value in (item.data or {}).values())
    }
    assert holders == {f"{platform.logs}/task-logs-generated"}


def test_f1_the_webservers_connection_is_in_the_core_namespace_alone(core: client.CoreV1Api, platform: Platform) -> None:
    secrets = core.list_secret_for_all_namespaces().items
    places = {name: {item.metadata.namespace for item in secrets if item.metadata.name == name} for name in CONNECTIONS}
    assert places == {"airflow-task-logs": set(platform.airflow), "airflow-task-logs-webserver": {platform.core}}


def test_f1_the_logs_of_the_verification_are_readable(core: client.CoreV1Api, platform: Platform) -> None:
    """Of the examples, whose tasks ran in two worker namespaces: as the webserver reads them."""
    runs = output(core, platform.core, "webserver", READ)
    assert set(runs) == {"example_cron_dag", "example_user_dag"}
    assert [text for text in runs.values() if "cannot be read" in text or "Task exited with return code 0" not in text] == []
