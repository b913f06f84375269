#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_dag_logs_info
short_description: Read the logs of a run of an Airflow DAG
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Reads the logs of a DAG run from Airflow's stable REST API (v1, Airflow 2), every try of all tasks or of one task.
  - The tasks are in the order in which they started. A mapped task has one log for each of its instances.
  - The log of a task that runs is what Airflow has of it so far. Airflow 2.6 shows only the last 100 lines of a running worker.
  - If a log cannot be read, Airflow's reason is in its place.
  - Parts of a log that look like a password or a token are masked.
extends_documentation_fragment:
  - gitops.airflow.airflow_access
  - gitops.airflow.credentials_from.airflow
  - gitops.airflow.tunnel
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes.read_only
options:
  dag_id:
    description: ID of the DAG. Its runs are found even if the DAG is paused, has import errors or was removed.
    type: str
    required: true
  dag_run_id:
    description: ID of the run. Empty for the run that started last.
    type: str
    default: ""
  task_id:
    description: ID of a task, or of one instance of a mapped task, such as C(load[3]). Empty for all tasks.
    type: str
    default: ""
  max_lines:
    description: How many lines of each try are read, from its end. V(0) means all.
    type: int
    default: 10000
notes:
  - The webserver must offer basic authentication, C([api] auth_backends = airflow.api.auth.backend.basic_auth).
  - The user needs to read DAGs, DAG runs, task instances and task logs. The role C(Viewer) has all of these.
seealso:
  - module: gitops.airflow.airflow_dag_run
"""

EXAMPLES = r"""
- name: Read the logs of the latest run
  gitops.airflow.airflow_dag_logs_info:
    url: http://localhost:8080
    username: admin
    password: "{{ airflow_password }}"
    dag_id: example_user_dag

- name: Read the logs of one run
  gitops.airflow.airflow_dag_logs_info:
    url: http://localhost:8080
    username: admin
    password: "{{ airflow_password }}"
    dag_id: example_user_dag
    dag_run_id: verify-3f2a9c1

- name: Read the last 100 lines of each try of one task
  gitops.airflow.airflow_dag_logs_info:
    url: https://airflow.example.com
    ca_path: /etc/ssl/company.pem
    username: viewer
    password: "{{ airflow_password }}"
    dag_id: backfill
    task_id: load
    max_lines: 100

- name: Read the logs of one instance of a mapped task through the Kubernetes API
  gitops.airflow.airflow_dag_logs_info:
    tunnel: {namespace: airflow-core, service: airflow-webserver, port: 8080}
    context: kind-airflow
    username: admin
    credentials_from: {namespace: airflow-core, name: airflow-admin}
    dag_id: backfill
    task_id: load[3]
    max_lines: 0

- name: Run a DAG, and show the logs only if the run fails
  module_defaults:
    group/gitops.airflow.airflow:
      tunnel: {namespace: airflow-core, service: airflow-webserver, port: 8080}
      context: kind-airflow
      username: admin
      credentials_from: {namespace: airflow-core, name: airflow-admin}
  block:
    - name: Run the DAG
      gitops.airflow.airflow_dag_run:
        dag_id: backfill
        dag_run_id: "backfill-{{ release }}"
  rescue:
    - name: Read the logs of the run
      gitops.airflow.airflow_dag_logs_info:
        dag_id: backfill
        dag_run_id: "backfill-{{ release }}"
      register: logs

    - name: Show the logs
      gitops.airflow.show_text:
        text: "{{ logs.text }}"
"""

RETURN = r"""
dag_run:
  description: The run as Airflow reports it.
  returned: success
  type: dict
  sample:
    dag_id: example_user_dag
    dag_run_id: verify-3f2a9c1
    state: success
logs:
  description: The tries that were read, without their lines. C(reason) says why a try has no lines.
  returned: success
  type: list
  elements: dict
  sample:
    - {task_id: say_hi, map_index: -1, try_number: 1, state: success, lines: 42, reason: ""}
text:
  description: The logs for a person, each below a line that names the task and the try.
  returned: success
  type: str
  sample: |
    example_user_dag run verify-3f2a9c1: success
    --- say_hi, try 1: success after 5.6 s, worker example-user-dag-say-hi-x7k2m9qp
    [2026-05-04T10:00:07.211+0000] {subprocess.py:93} INFO - hi
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: >-
    The kind of failure: V(dag_missing), V(run_missing), V(task_missing), V(bad_option), V(no_tunnel), or that of the request that
    failed, for instance V(unauthorized).
  returned: failure
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.access import AIRFLOW_SPEC, ONE_WAY, open_airflow
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.run_logs import TryLog, choose_run, choose_tasks, read_task
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import show_path


def argument_spec() -> dict[str, Any]:
    return {
        **AIRFLOW_SPEC,
        "dag_id": {"type": "str", "required": True},
        "dag_run_id": {"type": "str", "default": ""},
        "task_id": {"type": "str", "default": ""},
        "max_lines": {"type": "int", "default": 10000},
    }


def read(params: dict[str, Any], hide: Callable[[str], None]) -> tuple[Obj, list[TryLog]]:
    """The run and the logs. ``hide`` gets a password that is read from a Secret. Raises CollectionError."""
    dag_id, most = params["dag_id"], params["max_lines"]
    if not dag_id.strip():
        raise InputError("dag_id is empty.", "Give the ID of the DAG.")
    if most < 0:
        raise InputError(f"max_lines is {most}: it must be 0 or more.", "Correct max_lines.")
    with open_airflow(params, hide) as api:
        run = choose_run(api, dag_id, params["dag_run_id"])
        run_id = str(run["dag_run_id"])
        tasks = choose_tasks(api.task_instances(dag_id, run_id), params["task_id"])
        return run, [log for task in tasks for log in read_task(api, dag_id, run_id, task, most)]


def row(log: TryLog) -> dict[str, Any]:
    """What is returned of a try beside its lines."""
    task = log.task
    return {
        **{key: task.get(key) for key in ("task_id", "map_index", "state")},
        "try_number": log.try_number,
        "lines": len(log.lines) + log.left_out,
        "reason": log.reason,
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), mutually_exclusive=ONE_WAY, required_one_of=ONE_WAY, supports_check_mode=True)
    params = show_path(module)
    try:
        run, logs = read(params, module.no_log_values.add)
    except CollectionError as error:
        module.fail(error)
    head = f"{params['dag_id']} run {run['dag_run_id']}: {run.get('state')}"
    lines = [head, *(line for log in logs for line in log.text())]
    module.exit_json(changed=False, dag_run=run, logs=[row(log) for log in logs], text="\n".join(lines))


if __name__ == "__main__":
    main()
