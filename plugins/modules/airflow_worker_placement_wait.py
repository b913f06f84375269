#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_worker_placement_wait
short_description: Wait until the worker pods of Airflow DAG runs are where they belong, and prove it
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Watches the pods that Airflow's KubernetesExecutor makes for given DAG runs and returns when each expectation is met, or as soon as one
    can no longer be met.
  - Fails at once when a worker is in a namespace where none is expected, on a wrong node, with another service account,
    toleration, node selector or affinity, when there are more workers than expected, or when a worker failed in its last try.
  - Fails after a grace when a worker is unschedulable (with the scheduler's own message) or a container cannot start, so that C(base)
    does not run. Once C(base) runs, its end is the worker's, whatever becomes of sidecars. The message names each container whose end may
    be the cause, with exit code and message.
  - A worker that may be replaced is waited for until O(timeout), with the reason, because a task may be tried again hours later. That is
    one that was deleted before C(base) ran, or in a try before the last, or whose task O(task_instances) show as deferred, up for
    reschedule or queued.
  - Workers vanish seconds after their end. Take O(resource_version) before the trigger, and those already deleted are seen too. Where that
    history is gone, O(task_instances) names the pods and Events prove where they ran; RV(placements) says which evidence each has.
  - A worker pod that succeeded says that its process ended, not that the task did. M(gitops.airflow.airflow_dag_run) reports how the task
    ended.
attributes:
  check_mode:
    details: Reads once and reports whether all expectations are met. Does not fail when they are not.
extends_documentation_fragment:
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes.read_only
  - gitops.airflow.progress
options:
  expectations:
    description:
      - What the workers must be like, one entry for each DAG run or for each task of it. What is not given may be anything.
      - A worker of a named run that is in none of the namespaces expected for it is a stray.
    type: list
    elements: dict
    required: true
    suboptions:
      dag_id:
        description: The DAG. Ids too long or too odd for a label are matched as Airflow 2.6 labels them.
        type: str
        required: true
      run_id:
        description: The DAG run.
        type: str
        required: true
      task_id:
        description: The task, with its group before it (V(group.task\)). Without it the expectation is for all tasks of the run.
        type: str
      map_index:
        description: The one worker of a mapped task, from V(0) on. Without it the expectation is for all of them. Needs
          O(expectations[].task_id).
        type: int
      namespace:
        description: The namespace that the workers must be in.
        type: str
        required: true
      service_account:
        description: The service account that they must have.
        type: str
      node:
        description: The name of the node that they must be on.
        type: str
      node_labels:
        description: Labels that their node must have.
        type: dict
      node_selector:
        description: Entries that their node selector must have, among others.
        type: dict
      tolerations:
        description:
          - Tolerations that they must have, among others. A key that is not given here may be anything there.
          - Where a worker's toleration names no C(operator), it is V(Equal), as Kubernetes takes it.
        type: list
        elements: dict
      affinity:
        description: What their affinity must contain. Dictionaries are compared by the given keys, lists element by element.
        type: dict
      count:
        description:
          - How many tasks must have a worker. Each index of a mapped task counts, its tries and the pods of a deferred task do not.
          - Must be 1 or more.
        type: int
        default: 1
      tries:
        description:
          - How many tries a task may take. A worker that failed in an earlier try is waited for to be replaced, one that failed in this
            try or a later one is a failure. Must be 1 or more.
          - Of several tries the latest counts; the place of each is judged.
        type: int
        default: 1
      pods_per_task:
        description:
          - How many pods one try of a task makes. A task that defers itself once makes V(2), one before and one after. Must be 1 or more.
          - The last of them must come as far as O(phase); the place of each is judged.
        type: int
        default: 1
  namespaces:
    description:
      - Namespaces to look for strays in. Without it all of them are.
      - Where reading pods in all namespaces is not permitted, the expectations' own namespaces are watched, and a warning and RV(watched)
        say so.
    type: list
    elements: str
  resource_version:
    description:
      - The RV(resource_version) taken before the runs were triggered. What came after it is replayed, so that pods already deleted are
        seen too.
      - The API server keeps that history for some minutes. If it has expired, a warning says so, and Events are read.
    type: str
  task_instances:
    description:
      - The task instances of the runs as M(gitops.airflow.airflow_dag_run) returns them. Only C(task_id), C(map_index), C(try_number),
        C(state) and C(hostname) are read; for several runs each entry needs C(dag_id) and C(run_id) too.
      - They name the pods of tasks that have run. Where such a pod is deleted unseen, an Event of that name proves its namespace and node,
        and the state shows how it ended. Service account, node selector, tolerations and affinity cannot be verified then; where one of
        them is expected it has failed, saying so.
      - Without them Events count only when O(resource_version) is given, its history is gone, and exactly as many pods named like the
        task's have come since as are missing.
      - API servers keep Events for one hour unless configured otherwise.
    type: list
    elements: dict
  phase:
    description: How far the workers must have come.
    type: str
    choices: [Scheduled, Running, Succeeded]
    default: Succeeded
  timeout:
    description: Seconds for all expectations together.
    type: float
    default: 300
  unschedulable_grace:
    description: Seconds for which a worker may be unschedulable.
    type: float
    default: 60
  start_grace:
    description: Seconds for which a container may fail to start, for which the end of a worker that was deleted while it ran may be
      unknown, and for which Events may leave in doubt whose they are.
    type: float
    default: 60
  tail_lines:
    description: How many of the last lines of the C(base) container's log are kept for each worker, or of the container whose failure kept
      it from starting. They are read while it runs. V(0) reads none.
    type: int
    default: 20
notes:
  - Needs C(list) and C(watch) on C(pods) and C(get) on C(pods/log), in all namespaces or in those watched, for C(node_labels) C(get) on
    C(nodes), and where pods are gone C(list) on C(events).
  - Only the pods of the expected runs are read, whatever else is in the cluster, and of each only what is judged is kept.
seealso:
  - module: gitops.airflow.airflow_dag_run
"""

EXAMPLES = r"""
- name: Wait until the one worker of a run is in airflow-cron
  gitops.airflow.airflow_worker_placement_wait:
    expectations:
      - dag_id: example_cron_dag
        run_id: verify-1
        namespace: airflow-cron

- name: Wait until workers find a node
  gitops.airflow.airflow_worker_placement_wait:
    phase: Scheduled
    timeout: 60
    unschedulable_grace: 10
    expectations: [{dag_id: train, run_id: nightly, namespace: airflow-gpu}]

# However short its worker lives: what happens after "before" is replayed.
- name: Read the cluster's resource version before the trigger
  gitops.airflow.airflow_worker_placement_wait:
    expectations: &expected
      - dag_id: example_cron_dag
        run_id: verify-1
        namespace: airflow-cron
  check_mode: true
  register: before

- name: Trigger the run
  gitops.airflow.airflow_dag_run:
    url: http://localhost:8080
    username: admin
    password: "{{ airflow_password }}"
    dag_id: example_cron_dag
    dag_run_id: verify-1
    wait: false

- name: Check that its worker ran in airflow-cron, and in no other namespace
  gitops.airflow.airflow_worker_placement_wait:
    resource_version: "{{ before.resource_version }}"
    expectations: *expected

- name: Wait for tasks in several places, with retries, mapped and deferred tasks
  gitops.airflow.airflow_worker_placement_wait:
    resource_version: "{{ before.resource_version }}"
    timeout: 1800
    expectations:
      - dag_id: train
        run_id: nightly
        task_id: load
        namespace: airflow-cron
        service_account: airflow-worker
        tries: 3
      - dag_id: train
        run_id: nightly
        task_id: wait_for_data      # defers itself: one pod before, one after
        namespace: airflow-cron
        pods_per_task: 2
      - dag_id: train
        run_id: nightly
        task_id: fit                # mapped over four
        namespace: airflow-gpu
        count: 4
        node_labels: {accelerator: nvidia}
        tolerations: [{key: nvidia.com/gpu, operator: Exists}]

# Half an hour later, its pods and the cluster's history gone.
- name: Read the run
  gitops.airflow.airflow_dag_run:
    url: http://localhost:8080
    username: admin
    password: "{{ airflow_password }}"
    dag_id: train
    dag_run_id: nightly
  register: nightly

- name: Check by Events on which nodes it ran
  gitops.airflow.airflow_worker_placement_wait:
    task_instances: "{{ nightly.task_instances }}"
    expectations:
      - dag_id: train
        run_id: nightly
        task_id: fit
        namespace: airflow-gpu
        count: 4
        node_labels: {accelerator: nvidia}
"""

RETURN = r"""
placements:
  description:
    - Each worker of the expected runs, every try of it, as it was last seen.
    - C(evidence) is V(pod) where the pod was seen, and V(events) where only Events and task instances tell of it. What these do not tell is
      null.
    - C(phase) is V(Pending), V(Scheduled), V(Running), V(Succeeded), V(Failed), or V(Gone) for a pod that was deleted before its end was
      seen. C(map_index) is V(-1) for a task that is not mapped. Timings are UTC, and seconds since the creation.
  returned: always
  type: list
  elements: dict
  sample:
    - pod: example-cron-dag-say-hi-x7k2m9qp
      namespace: airflow-cron
      node: airflow-control-plane
      phase: Succeeded
      deleted: true
      evidence: pod
      dag_id: example_cron_dag
      run_id: verify-1
      task_id: say_hi
      map_index: -1
      try_number: 1
      service_account: airflow-worker
      node_selector: {}
      tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}]
      affinity: {}
      timings:
        created: "2026-05-04T10:00:00Z"
        scheduled: "2026-05-04T10:00:00Z"
        running: "2026-05-04T10:00:03Z"
        finished: "2026-05-04T10:00:14Z"
        scheduled_seconds: 0.0
        running_seconds: 3.0
        finished_seconds: 14.0
      log_tail: ["[2026-05-04T10:00:12.001+0000] {subprocess.py:93} INFO - hi"]
strays:
  description: Workers of the expected runs in namespaces where they do not belong, in the form of RV(placements).
  returned: always
  type: list
  elements: dict
  sample: []
done:
  description: Whether every expectation is met.
  returned: always
  type: bool
  sample: true
reason:
  description: What is missing or wrong. Empty when all expectations are met.
  returned: always
  type: str
  sample: "train.fit run nightly: worker train-fit-m2x9k4qa: Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: V(timeout), V(not_done) where a failure ended the wait, V(bad_option), or the kind of the request that failed.
  returned: failure
  type: str
watched:
  description: The namespaces that were searched for stray workers, or V(*) for all.
  returned: always
  type: list
  elements: str
  sample: ["*"]
resource_version:
  description: The point in the cluster's history at which the wait began. Taken in check mode before a trigger, it is O(resource_version)
    afterwards.
  returned: always
  type: str
  sample: "48213"
elapsed:
  description: Seconds that the wait took.
  returned: always
  type: float
  sample: 21.4
requests:
  description: Requests made to the Kubernetes API.
  returned: always
  type: int
  sample: 4
"""

import time
from collections.abc import Callable

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import open_progress
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._placement.evidence import instances
from ansible_collections.gitops.airflow.plugins.module_utils._placement.options import OPTIONS, expectations
from ansible_collections.gitops.airflow.plugins.module_utils._placement.run import Request, await_placement, failure
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Rules
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec={**AUTH_ARG_SPEC, **OPTIONS}, supports_check_mode=True)
    params, start = show_path(module), time.monotonic()
    try:
        expected = expectations(params)
        request = Request(
            expected,
            Rules(params["phase"], params["unschedulable_grace"], params["start_grace"]),
            params["namespaces"] or (),
            params["resource_version"] or "",
            instances(params["task_instances"] or [], expected),
            0 if module.check_mode else params["tail_lines"],
            params["timeout"],
            once=module.check_mode,
        )
        api = connect(params)
        found = await_placement(api, request, time.monotonic, time.sleep, open_progress(module.no_log_values), start)
    except CollectionError as error:
        module.fail(error)
    for notice in found.notices:
        module.warn(notice)
    result = {
        "placements": found.placements,
        "strays": found.strays,
        "done": found.verdict.kind == "done",
        "reason": found.verdict.reason,
        "watched": found.watched,
        "resource_version": found.version,
        "elapsed": round(time.monotonic() - start, 3),
        "requests": api.requests,
    }
    if found.verdict.kind == "done" or module.check_mode:
        module.exit_json(changed=False, **result)
    module.fail(failure(request, found), **result)


if __name__ == "__main__":
    main()
