#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_dag_run
short_description: Create or find a run of an Airflow DAG and wait for its end
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Looks up the run O(dag_run_id) of a DAG in Airflow's stable REST API (v1, Airflow 2), creates the run if it does not exist, and waits
    until it has ended.
  - A second call with the same O(dag_run_id) finds the run and starts nothing. Without O(dag_run_id) each call starts a new run.
  - Reaches the webserver by O(url), or through the Kubernetes API (O(tunnel)). With O(tunnel) the webserver needs no reachable address.
  - For a new run, waits until the scheduler has parsed the DAG. If the DAG does not appear within O(timeout), the message names the
    import errors. An existing run is found even if its DAG has import errors, is paused, or was removed.
  - If the webserver does not answer, or answers 502, 503 or 504, repeats the request until O(timeout).
  - The message of a failed run quotes the last 20 lines of each failed task's log. A worker uploads a log to remote storage after the
    task's change of state. The module therefore waits up to 20 seconds for all logs together. If a log is still missing, the message says
    so, with Airflow's reason.
  - With O(follow) it shows the run on standard error as it goes on, with a line for each change of a task's state and the task's log.
attributes:
  check_mode:
    support: full
    details: >-
      Reads once, and reports whether it would create the run or change the pause state. Does not wait. Without O(dag_run_id) it reports
      that it would start a run, but returns no name, because a run gets its name when it starts.
  diff_mode:
    support: none
    details: A run has no earlier state to compare with.
extends_documentation_fragment:
  - gitops.airflow.airflow_access
  - gitops.airflow.credentials_from.airflow
  - gitops.airflow.tunnel
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
  - gitops.airflow.progress
options:
  dag_id:
    description: ID of the DAG.
    type: str
    required: true
  dag_run_id:
    description:
      - The ID of the run. By default Airflow accepts only letters, digits and the characters C(_.~:+-).
      - Without it, the module starts a new run. Its ID is C(ansible__), the time in UTC and a random part. Then the module is not
        idempotent.
    type: str
  conf:
    description:
      - The configuration of a new run. An existing run keeps its own.
      - A dictionary, or a JSON object as text. Empty for none.
    type: raw
  logical_date:
    description: The logical date of a new run, in ISO 8601 with a time zone. Defaults to the current time.
    type: str
  unpause:
    description:
      - Whether to unpause a paused DAG after the run was created or found. The DAG stays paused if the run has already ended.
      - After it is unpaused, a scheduled DAG also starts its latest scheduled run.
      - With V(false) and O(wait=true), the module fails at once if the DAG is paused, because the run would stay queued.
    type: bool
    default: false
  paused_after:
    description:
      - Whether the DAG is paused after the run has ended, successfully or not. Without this option the pause state does not change.
      - Before it pauses the DAG, the module waits for other active runs of the DAG, at most until O(timeout), because the runs of a
        paused DAG do not continue.
      - Needs O(wait=true).
    type: bool
  wait:
    description: Whether to wait for the end of the run.
    type: bool
    default: true
  timeout:
    description: Seconds for the whole module, including all waits.
    type: float
    default: 600
  poll_interval:
    description: Seconds between two requests.
    type: float
    default: 1
  dag_timeout:
    description:
      - Seconds to wait until the scheduler has parsed the DAG. With V(0) the module fails at once if Airflow does not know the DAG, and
        names the DAG that has the most similar ID. Defaults to O(timeout).
    type: float
  follow:
    description:
      - Whether to show the run while the module waits for its end. Each change of a task's state is a line with its try, its node and its
        namespace. Each line of a log begins with the task's ID. The end is a summary.
      - Then the message of a failed run does not quote logs.
      - Needs O(wait=true).
    type: bool
    default: false
  worker_namespaces:
    description:
      - With O(follow), the namespaces in which Airflow's KubernetesExecutor starts workers. The module reads the nodes and the logs of the
        workers there, with C(list) on C(pods) and C(get) on C(pods/log).
      - Without it no node is shown, and Airflow's API gives the logs. Of a task that runs, this can be only the end of its log.
    type: list
    elements: str
    default: []
  report_path:
    description:
      - With O(follow), a file on the machine that runs the module. The module writes the run to it as JSON, once when the run has started
        and once when it has ended, with the state, node and namespace of each task.
    type: path
notes:
  - The webserver must offer basic authentication, C([api] auth_backends = airflow.api.auth.backend.basic_auth).
  - With O(tunnel), if a pod of the webserver is replaced, the module connects to the new pod.
  - The user needs to read DAGs, DAG runs, task instances, task logs and import errors, to create DAG runs, and for O(unpause) and
    O(paused_after) to edit the DAG. The role C(Op) has all of these.
seealso:
  - module: gitops.airflow.airflow_dag
  - module: gitops.airflow.airflow_worker_placement_wait
"""

EXAMPLES = r"""
- name: Run the DAG once for this commit
  gitops.airflow.airflow_dag_run:
    url: http://localhost:8080
    username: admin
    password: "{{ airflow_password }}"
    dag_id: example_user_dag
    dag_run_id: verify-3f2a9c1
    unpause: true

- name: Run a scheduled DAG once, and leave it paused
  gitops.airflow.airflow_dag_run:
    url: http://localhost:8080
    username: admin
    password: "{{ airflow_password }}"
    dag_id: example_cron_dag
    dag_run_id: verify-3f2a9c1
    unpause: true
    paused_after: true

- name: Start a new run of a DAG of an Airflow in the cluster, and wait for its end
  gitops.airflow.airflow_dag_run:
    tunnel: {namespace: airflow-core, service: airflow-webserver, port: 8080}
    context: kind-airflow
    username: admin
    password: "{{ airflow_password }}"
    dag_id: example_user_dag
  register: started

- name: Start a run with a configuration, without waiting for it
  gitops.airflow.airflow_dag_run:
    url: https://airflow.example.com
    ca_path: /etc/ssl/company.pem
    username: deploy
    password: "{{ airflow_password }}"
    dag_id: backfill
    dag_run_id: "backfill-{{ release }}"
    conf: {from: 2026-01-01, tables: [orders, customers]}
    wait: false

- name: Run a DAG of the platform and show its logs as it runs
  gitops.airflow.airflow_dag_run:
    tunnel: {namespace: airflow-core, service: airflow-webserver, port: 8080}
    context: kind-airflow
    username: admin
    credentials_from: {namespace: airflow-core, name: airflow-admin}
    dag_id: example_user_dag
    dag_timeout: 0
    unpause: true
    follow: true
    worker_namespaces: [airflow-core, airflow-user]
    timeout: 3600
"""

RETURN = r"""
dag_run:
  description: The run as Airflow reports it. Empty if there is none.
  returned: always
  type: dict
  sample:
    dag_id: example_user_dag
    dag_run_id: verify-3f2a9c1
    state: success
    run_type: manual
    logical_date: "2026-05-04T10:00:00+00:00"
    start_date: "2026-05-04T10:00:01.001+00:00"
    end_date: "2026-05-04T10:00:16.250+00:00"
    conf: {}
dag_run_id:
  description: The name of the run, given or made, also of one that could not be started. Empty in check mode without O(dag_run_id).
  returned: always
  type: str
  sample: ansible__20260504T100000Z_3f9c01ab
state:
  description: The run's state, V(queued), V(running), V(success) or V(failed). Empty when there is no run.
  returned: always
  type: str
  sample: success
was_paused:
  description: Whether the DAG was paused before. None when it is not known to Airflow.
  returned: always
  type: bool
  sample: true
task_instances:
  description: The task instances of the run, when it was waited for.
  returned: always
  type: list
  elements: dict
  sample:
    - task_id: say_hi
      map_index: -1
      try_number: 1
      state: success
      hostname: airflow-worker-example-user-dag-say-hi-x7k2m9qp
      start_date: "2026-05-04T10:00:06.100+00:00"
      end_date: "2026-05-04T10:00:11.700+00:00"
      duration: 5.6
      operator: BashOperator
text:
  description: The summary of a run that was followed to its end, for a person.
  returned: success
  type: str
  sample: |
    example_user_dag run ansible__20260504T100000Z_3f9c01ab: success after 15.2 s
      task    state    try  duration  ran
      say_hi  success  1    5.6 s     on airflow-worker in airflow-user
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: >-
    The kind of failure: V(run_failed), V(timeout), V(dag_missing), V(dag_paused), V(run_deleted), V(bad_option), V(no_tunnel), or that of
    the request that failed, for instance V(unauthorized).
  returned: failure
  type: str
elapsed:
  description: Seconds that it took.
  returned: always
  type: float
  sample: 16.9
"""

import datetime
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.access import AIRFLOW_SPEC, ONE_WAY, kube_options, open_airflow
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api import AirflowApi
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_run import DagRun, Outcome, Request, new_run_id
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.run_follow import Follower, NoWorkers, Workers
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress, open_progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.report_file import write_report
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._placement.run_workers import RunWorkers


def argument_spec() -> dict[str, Any]:
    return {
        **AIRFLOW_SPEC,
        "dag_id": {"type": "str", "required": True},
        "dag_run_id": {"type": "str"},
        "conf": {"type": "raw"},
        "logical_date": {"type": "str"},
        "unpause": {"type": "bool", "default": False},
        "paused_after": {"type": "bool"},
        "wait": {"type": "bool", "default": True},
        "timeout": {"type": "float", "default": 600},
        "poll_interval": {"type": "float", "default": 1},
        "dag_timeout": {"type": "float"},
        "follow": {"type": "bool", "default": False},
        "worker_namespaces": {"type": "list", "elements": "str", "default": []},
        "report_path": {"type": "path"},
    }


def read_conf(given: Any) -> dict[str, Any] | None:
    """The option conf. Raises InputError if it is not a JSON object."""
    if given is None or (isinstance(given, str) and not given.strip()):
        return None
    action = """Give an object, for instance '{"a": 1}'."""
    try:
        found = json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise InputError(f"conf is not JSON: {error}.", action) from error
    if not isinstance(found, dict):
        raise InputError(f"conf is {json.dumps(found, default=str)}, and not a JSON object.", action)
    return found


def build_request(params: dict[str, Any]) -> Request:
    """:raises InputError: when an argument makes no sense, before any request."""
    for option in ("dag_id", "dag_run_id"):
        if params[option] is not None and not params[option].strip():
            raise InputError(f"{option} is empty.", "Give the name" + (" or leave it out." if option == "dag_run_id" else "."))
    for option in ("timeout", "dag_timeout"):
        if (params[option] or 0) < 0:
            raise InputError(f"{option} is {params[option]:g}: it must be 0 or more seconds.", f"Correct {option}.")
    if params["poll_interval"] <= 0:
        raise InputError(f"poll_interval is {params['poll_interval']:g}: it must be more than 0 seconds.", "Correct poll_interval.")
    if params["paused_after"] is not None and not params["wait"]:
        raise InputError("paused_after needs wait: the pause state is set when the run has ended.", "Set wait to true.")
    if params["follow"] and not params["wait"]:
        raise InputError("follow needs wait: a run is shown while the module waits for its end.", "Set wait to true.")
    same = ("dag_id", "logical_date", "unpause", "paused_after", "wait", "timeout", "dag_timeout", "poll_interval")
    run_id = params["dag_run_id"] or new_run_id(datetime.datetime.now(datetime.UTC), secrets.token_hex(4))
    return Request(run_id=run_id, conf=read_conf(params["conf"]), **{name: params[name] for name in same})


def follower(params: dict[str, Any], api: AirflowApi, run_id: str, progress: Progress) -> Follower:
    """Shows the run. Raises ApiError."""
    dag_id, path = params["dag_id"], params["report_path"]
    workers: Workers = NoWorkers()
    if params["worker_namespaces"]:
        workers = RunWorkers(connect(kube_options(params)), params["worker_namespaces"], dag_id, run_id)

    def keep(report: str) -> None:
        if path:
            write_report(path, report)

    return Follower(api, dag_id, run_id, workers, progress, time.monotonic, keep)


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), mutually_exclusive=ONE_WAY, required_one_of=ONE_WAY, supports_check_mode=True)
    params, start = show_path(module), time.monotonic()
    outcome, run_id, watcher = Outcome(), params["dag_run_id"] or "", None
    try:
        request = build_request(params)
        with open_airflow(params, module.no_log_values.add) as api:
            progress = open_progress(module.no_log_values)
            if params["follow"] and not module.check_mode:
                watcher = follower(params, api, request.run_id, progress)
            work = DagRun(api, request, time.monotonic, time.sleep, progress, watcher)
            outcome = work.outcome
            if module.check_mode:
                work.preview()
            else:
                run_id = request.run_id
                work.carry_out()
    except CollectionError as error:
        outcome.error = error
    for warning in outcome.warnings:
        module.warn(warning)
    result = {
        "changed": outcome.changed,
        "dag_run": outcome.dag_run or {},
        "dag_run_id": run_id,
        "state": outcome.state,
        "was_paused": outcome.was_paused,
        "task_instances": outcome.task_instances,
        "elapsed": round(time.monotonic() - start, 3),
    }
    if outcome.error:
        module.fail(outcome.error, **result)
    module.exit_json(text="\n".join(watcher.lines) if watcher else "", **result)


if __name__ == "__main__":
    main()
