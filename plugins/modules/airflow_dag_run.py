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
  - Asks Airflow's stable REST API (v1, Airflow 2) for the run O(dag_run_id) of a DAG, creates it when there is none, and waits until it
    has ended.
  - A second call with the same O(dag_run_id) finds the run and starts nothing. Without O(dag_run_id) each call starts a new run.
  - The webserver is reached by O(url), or through the Kubernetes API (O(tunnel)), where no address of it need be reachable.
  - For a new run, a DAG that the scheduler has not parsed yet is waited for. When it does not come within O(timeout) the import errors are
    named. A run that exists is found also if its DAG has import errors now, is paused, or was removed.
  - A webserver that does not answer, or answers 502, 503 or 504, is asked again until O(timeout).
  - The message of a failed run quotes the last 20 lines of each failed task's log. A log in remote storage is uploaded after the task's
    change of state, so the logs are waited for, up to 20 seconds for all of them; what then is not there is named with Airflow's reason.
attributes:
  check_mode:
    support: full
    details: >-
      Looks once and reports whether it would create the run or change the pause state. Waits for nothing. Without O(dag_run_id) it reports
      that it would start a run, and returns no name, because a run is named when it is started.
  diff_mode:
    support: none
    details: A run has no earlier state to compare with.
extends_documentation_fragment:
  - gitops.airflow.airflow_access
  - gitops.airflow.tunnel
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
  - gitops.airflow.progress
options:
  dag_id:
    description: The DAG.
    type: str
    required: true
  dag_run_id:
    description:
      - The name of the run. By default Airflow takes letters, digits, and of other characters C(_.~:+-) only.
      - Without it a new run is started, named C(ansible__), the time in UTC and a random part. Then the module is not idempotent.
    type: str
  conf:
    description: The configuration of a new run. An existing run keeps its own.
    type: dict
  logical_date:
    description: The logical date of a new run, in ISO 8601 with a time zone. Airflow takes the present when it is not given.
    type: str
  unpause:
    description:
      - Whether a paused DAG is unpaused, once the run is there and when it has not ended.
      - Unpausing a scheduled DAG also brings its latest scheduled run.
      - With V(false) and O(wait=true) a paused DAG is an error at once, because the run would stay queued.
    type: bool
    default: false
  paused_after:
    description:
      - The pause state that the DAG is put in when the run has ended, well or not. Without it the state stays as it is.
      - Before it is paused its other active runs are waited for, until O(timeout) at most. A paused DAG's runs stand still.
      - Needs O(wait=true).
    type: bool
  wait:
    description: Whether to wait for the end of the run.
    type: bool
    default: true
  timeout:
    description: Seconds for all of it together.
    type: float
    default: 600
  poll_interval:
    description: Seconds between two requests.
    type: float
    default: 1
notes:
  - The webserver must offer basic authentication, C([api] auth_backends = airflow.api.auth.backend.basic_auth).
  - Through O(tunnel) a webserver's pod that is replaced is followed to the next one.
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
import secrets
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.access import AIRFLOW_SPEC, ONE_WAY, open_airflow
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_run import DagRun, Outcome, Request, new_run_id
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import open_progress
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import show_path


def argument_spec() -> dict[str, Any]:
    return {
        **AIRFLOW_SPEC,
        "dag_id": {"type": "str", "required": True},
        "dag_run_id": {"type": "str"},
        "conf": {"type": "dict"},
        "logical_date": {"type": "str"},
        "unpause": {"type": "bool", "default": False},
        "paused_after": {"type": "bool"},
        "wait": {"type": "bool", "default": True},
        "timeout": {"type": "float", "default": 600},
        "poll_interval": {"type": "float", "default": 1},
    }


def build_request(params: dict[str, Any]) -> Request:
    """:raises InputError: when an argument makes no sense, before any request."""
    for option in ("dag_id", "dag_run_id"):
        if params[option] is not None and not params[option].strip():
            raise InputError(f"{option} is empty.", "Give the name" + (" or leave it out." if option == "dag_run_id" else "."))
    if params["timeout"] < 0:
        raise InputError(f"timeout is {params['timeout']:g}: it must be 0 or more seconds.", "Correct timeout.")
    if params["poll_interval"] <= 0:
        raise InputError(f"poll_interval is {params['poll_interval']:g}: it must be more than 0 seconds.", "Correct poll_interval.")
    if params["paused_after"] is not None and not params["wait"]:
        raise InputError("paused_after needs wait: the pause state is set when the run has ended.", "Set wait to true.")
    same = ("dag_id", "conf", "logical_date", "unpause", "paused_after", "wait", "timeout", "poll_interval")
    run_id = params["dag_run_id"] or new_run_id(datetime.datetime.now(datetime.UTC), secrets.token_hex(4))
    return Request(run_id=run_id, **{name: params[name] for name in same})


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), mutually_exclusive=ONE_WAY, required_one_of=ONE_WAY, supports_check_mode=True)
    params, start = show_path(module), time.monotonic()
    outcome, run_id = Outcome(), params["dag_run_id"] or ""
    try:
        request = build_request(params)
        with open_airflow(params) as api:
            work = DagRun(api, request, time.monotonic, time.sleep, open_progress(module.no_log_values))
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
    module.exit_json(**result)


if __name__ == "__main__":
    main()
