#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_worker_placement_wait
short_description: Wait until the worker pods of Airflow DAG runs have run in the expected places
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Watches the pods that Airflow's KubernetesExecutor creates for the given DAG runs. Returns when every expectation is met, or as soon
    as an expectation can no longer be met.
  - Fails at once when a worker is in a namespace where none is expected, on a wrong node, with another service account,
    toleration, node selector or affinity, when there are more workers than expected, or when a worker failed in its last try.
  - Fails after a grace period if a worker is unschedulable (with the scheduler's own message), or if a container cannot start, so that
    the container C(base) does not run. Once C(base) runs, only its exit decides, not the exit of sidecars. The message names each
    container whose exit may be the cause, with exit code and message.
  - If Airflow may replace a worker, waits for the new worker until O(timeout), because a task may be tried again hours later. This holds
    for a worker that was deleted before C(base) ran, that was deleted in a try before the last, or whose task is deferred, up for
    reschedule or queued in O(task_instances).
  - Airflow deletes a worker pod seconds after its end. To see deleted workers too, get O(resource_version) before you trigger the runs.
    If the API server no longer has that history, O(task_instances) names the pods, and Events prove where they ran. RV(placements) says
    which evidence each worker has.
  - A worker pod that succeeded proves that its process ended, not that the task succeeded. M(gitops.airflow.airflow_dag_run) reports the
    state of the task.
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
      - The expected properties of the workers. Give one entry for each DAG run, or for each of its tasks. Properties that an entry does
        not give are not checked.
      - A worker of one of these runs in a namespace that is not expected for the run is a stray.
    type: list
    elements: dict
    required: true
    suboptions:
      dag_id:
        description: ID of the DAG. An ID that is not a valid label value is compared in the form that Airflow 2.6 uses for labels.
        type: str
        required: true
      run_id:
        description: ID of the DAG run.
        type: str
        required: true
      task_id:
        description: ID of the task, with its group (V(group.task\)). Without it the expectation holds for all tasks of the run.
        type: str
      map_index:
        description: Index of a mapped task, from V(0) on. Without it the expectation holds for all indexes. Needs
          O(expectations[].task_id).
        type: int
      namespace:
        description: The namespace in which the workers must run.
        type: str
        required: true
      service_account:
        description: The service account that the workers must have.
        type: str
      node:
        description: The name of the node on which the workers must run.
        type: str
      node_labels:
        description: Labels that the node of each worker must have.
        type: dict
      node_selector:
        description: Entries that the node selector of the workers must contain. It may contain others.
        type: dict
      tolerations:
        description:
          - Tolerations that the workers must have. They may have others. Keys of a toleration that are not given here are not compared.
          - A worker's toleration without C(operator) counts as V(Equal), as in Kubernetes.
        type: list
        elements: dict
      affinity:
        description: What the affinity of the workers must contain. Dictionaries are compared by the given keys, lists element by element.
        type: dict
      count:
        description:
          - How many tasks must have a worker. Each index of a mapped task counts. Further tries, and further pods of a deferred task, do
            not count.
          - Must be 1 or more.
        type: int
        default: 1
      tries:
        description:
          - How many tries a task may take. If a worker fails in an earlier try, the module waits for the next worker. If it fails in this
            try or a later one, the module fails. Must be 1 or more.
          - The result of the latest try counts. The place of every try is checked.
        type: int
        default: 1
      pods_per_task:
        description:
          - How many pods one try of a task creates. A task that defers itself once creates V(2), one before and one after. Must be 1 or
            more.
          - The last pod must reach O(phase). The place of every pod is checked.
        type: int
        default: 1
  namespaces:
    description:
      - Namespaces in which to look for stray workers. Defaults to all namespaces.
      - If you may not read pods in all namespaces, the module watches the namespaces of the expectations. A warning and RV(watched) say
        so.
    type: list
    elements: str
  resource_version:
    description:
      - The RV(resource_version) that this module returned before the runs were triggered. The API server replays all later changes, so
        that the module also sees pods that are already deleted.
      - The API server keeps this history for some minutes. If it has expired, the module warns and reads Events.
    type: str
  task_instances:
    description:
      - The task instances of the runs as M(gitops.airflow.airflow_dag_run) returns them. Only C(task_id), C(map_index), C(try_number),
        C(state) and C(hostname) are read; for several runs each entry needs C(dag_id) and C(run_id) too.
      - They name the pods of tasks that have run. If such a pod was deleted before the module saw it, an Event with its name proves its
        namespace and node, and the state shows how it ended. Service account, node selector, tolerations and affinity can then not be
        verified. If one of these is expected, the module fails and says so.
      - Without this option the module uses Events only if O(resource_version) is given, its history has expired, and the number of new
        pods with the task's name equals the number of missing workers.
      - API servers keep Events for one hour unless configured otherwise.
    type: list
    elements: dict
  phase:
    description: The phase that the workers must reach.
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
    description: Seconds after which the wait fails if a container cannot start, if it is still unknown how a deleted worker ended, or if
      Events still match more than one worker.
    type: float
    default: 60
  tail_lines:
    description: Number of last lines to keep of each worker's log. This is the log of the container C(base), or of the container whose
      failure kept C(base) from starting. The log is read while the container runs. V(0) reads no logs.
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
    - C(evidence) is V(pod) if the module saw the pod, and V(events) if it knows the pod only from Events and task instances. Unknown
      fields are null.
    - C(phase) is V(Pending), V(Scheduled), V(Running), V(Succeeded), V(Failed), or V(Gone) for a pod that was deleted before its end was
      seen, or that the cluster removed (eviction, preemption, drain) before its container ended with exit code 0.
    - C(map_index) is V(-1) for a task that is not mapped. Timings are UTC, and seconds since the creation.
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
  description: V(timeout), V(not_done) if a failure ended the wait, V(bad_option), or the kind of the request that failed.
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
