#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: argocd_application_wait
short_description: Wait until Argo CD Applications are synced and healthy at a revision
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Watches Applications through the Kubernetes API. Returns as soon as all of them are done, or as soon as one of them has failed.
  - An Application is done when its last comparison was made with the spec as it is now and shows O(revision) (if given), no refresh is
    pending, no operation is pending or runs, the last operation succeeded and its outcome has been compared since, it is Synced and
    Healthy, and it has no error condition. O(operation), O(sync) and O(health) let it be done otherwise.
  - If O(health) requires Healthy, the containers must also keep running. Without a readiness probe, Argo CD shows a Deployment as healthy
    between two crashes. A container that has just started must run for 15 seconds, and one that has crashed for O(degraded_grace).
  - An Application fails at once if it does not exist (unless O(must_exist=false)), if it is being deleted, if its last operation at the
    wanted revision failed and is not retried, or if its comparison or spec has a final error at the wanted revision.
  - It also fails at once if one of its Jobs has failed and no running operation may try the Job again.
  - It fails after O(degraded_grace) if it stays Degraded, or if another error condition stays. It fails after O(overtaken_grace) if it
    shows another revision after O(revision), because of a later push.
  - It fails after O(degraded_grace), even while it is Progressing or its operation runs, if one of its pods cannot run for a reason that
    rarely disappears. Such reasons are that no node fits, that a quota or admission rejects pods, that a volume cannot be mounted, that
    an image cannot be pulled, that a container's configuration is wrong, or that containers crash, including init containers and hooks.
  - An error of a comparison is final if it stays until an input changes. Examples are refused credentials, a missing repository or
    revision, a chart that cannot be rendered, or an AppProject that does not permit the Application. Any other error, such as an
    unreachable network, may pass, and fails after O(degraded_grace).
  - If an Application is deleted and created again with the same name, the module starts its evaluation again.
  - A failing probe is named in the reason, but does not fail the wait. Pods of the previous commit do not fail the wait before the sync
    of O(revision) has begun.
  - Waits for several Applications together, on one connection and with one O(timeout).
attributes:
  check_mode:
    details: Reads once and reports whether all Applications are done. Requests no refresh, ends no operation, and does not fail if they
      are not done.
extends_documentation_fragment:
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes.read_only
  - gitops.airflow.progress
  - gitops.airflow.application_wait
options:
  applications:
    description: Names of the Applications to wait for.
    type: list
    elements: str
  label_selectors:
    description: Label selectors that an Application must all match, such as V(app.kubernetes.io/part-of=airflow).
    type: list
    elements: str
  namespace:
    description: Namespace of the Applications.
    type: str
    default: argocd
  fail_fast:
    description:
      - Whether the first failed Application ends the wait.
      - With V(false) the module waits until each Application is done or has failed, and then reports the failure.
    type: bool
    default: true
  must_exist:
    description: Whether an Application that does not exist is a failure. With V(false) the module waits for it.
    type: bool
    default: true
notes:
  - Needs C(get), C(list) and C(watch) on C(applications.argoproj.io) in O(namespace). O(refresh) and O(supersede) also need C(patch).
    Without C(watch) the module reads the state every 2 seconds.
  - C(list) on C(pods), C(jobs), C(deployments), C(statefulsets), C(daemonsets) and C(events) in the Applications' namespaces, and C(get)
    on C(pods/log), let the module notice early what cannot run. It reads events and logs only of pods that do not run. The diagnosis also
    needs C(list) on C(persistentvolumeclaims). RV(diagnosis) lists what the user may not read.
seealso:
  - module: kubernetes.core.k8s
  - module: gitops.airflow.airflow_worker_placement_wait
"""

EXAMPLES = r"""
- name: Wait until the Application is synced and healthy
  gitops.airflow.argocd_application_wait:
    applications: [airflow-core]

- name: Wait until the pushed commit runs
  gitops.airflow.argocd_application_wait:
    applications: [airflow-core]
    revision: "{{ pushed.commit }}"
    refresh: normal
    timeout: 900

- name: Wait until all Applications of the platform are done and stay so for 10 seconds
  gitops.airflow.argocd_application_wait:
    label_selectors: [app.kubernetes.io/part-of=airflow]
    stable_for: 10

- name: Wait for Applications with a revision each, one of them with two sources
  gitops.airflow.argocd_application_wait:
    applications: [airflow-core, monitoring]
    revision:
      airflow-core: 3f2a9c1d5b7e8f60a1b2c3d4e5f60718293a4b5c
      monitoring: ["61.3.1", 3f2a9c1]

- name: Wait for an Application in another cluster that its parent has yet to create
  gitops.airflow.argocd_application_wait:
    context: production
    applications: [airflow-core]
    must_exist: false
    degraded_grace: 180
    timeout: 1800
"""

RETURN = r"""
applications:
  description:
    - The last known state of each Application.
    - C(overtaken) means that another revision is shown after O(revision) was, because of a later push.
  returned: always
  type: list
  elements: dict
  sample:
    - name: airflow-core
      sync: Synced
      health: Healthy
      operation: Succeeded
      revision: 3f2a9c1d5b7e8f60a1b2c3d4e5f60718293a4b5c
      verdict: done
      overtaken: false
      message: successfully synced (all tasks run)
      transitions:
        - {elapsed: 0.02, sync: OutOfSync, health: Missing, operation: Running, revision: 3f2a9c1d5b7e8f60a1b2c3d4e5f60718293a4b5c,
           verdict: waiting, reason: "the operation is Running: waiting for healthy state of apps/StatefulSet/airflow-mysql"}
        - {elapsed: 98.31, sync: Synced, health: Healthy, operation: Succeeded, revision: 3f2a9c1d5b7e8f60a1b2c3d4e5f60718293a4b5c,
           verdict: done, reason: ""}
done:
  description: Whether all Applications are done.
  returned: always
  type: bool
  sample: true
elapsed:
  description: Seconds that the wait took.
  returned: always
  type: float
  sample: 98.31
requests:
  description: Requests made to the Kubernetes API, those for O(refresh) and RV(diagnosis) among them.
  returned: always
  type: int
  sample: 3
next_action:
  description: What to do, of each Application with a diagnosis.
  returned: failure
  type: str
code:
  description: V(timeout), V(not_done) if a failure ended the wait, V(bad_option), or the kind of the request that failed.
  returned: failure
  type: str
diagnosis:
  description:
    - For each Application that is not done, the first 10 of them, what keeps it from being so.
    - C(causes) says why pods do not run, the most likely cause first, each with its next action.
    - C(differences) are the fields that differ of resources that stay OutOfSync, without their values, where the objects can be read.
    - The last lines of containers that crashed or are not ready are in C(logs), those of the causes first. Passwords in URLs and tokens
      are masked in them.
  returned: when the wait failed
  type: list
  elements: dict
  sample:
    - application: airflow-core
      blocking: [{kind: Deployment, namespace: airflow-core, name: airflow-webserver, sync: Synced, health: Progressing, message: ""}]
      conditions: []
      operation: {phase: Succeeded, message: successfully synced (all tasks run), started: "2026-05-04T10:00:00Z", failed_resources: []}
      causes:
        - kind: image
          text: "pod airflow-core/airflow-webserver-5d8f-x, container webserver (image apache/airflow:nope): ImagePullBackOff: Back-off"
          action: Correct the image apache/airflow:nope of container webserver of pod airflow-core/airflow-webserver-5d8f-x.
      pods:
        - "pod airflow-core/airflow-webserver-5d8f-x, container webserver (image apache/airflow:nope): ImagePullBackOff: Back-off"
      logs: []
      events: ["10:01:02Z Pod airflow-core/airflow-webserver-5d8f-x Failed (x3): Failed to pull image"]
      notes: []
      next_action: Correct the image apache/airflow:nope of container webserver of pod airflow-core/airflow-webserver-5d8f-x.
"""

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait_run import WAIT_SPEC, build_request, run_wait
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import open_progress
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        **WAIT_SPEC,
        "applications": {"type": "list", "elements": "str"},
        "label_selectors": {"type": "list", "elements": "str"},
        "namespace": {"type": "str", "default": "argocd"},
        "fail_fast": {"type": "bool", "default": True},
        "must_exist": {"type": "bool", "default": True},
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(
        argument_spec=argument_spec(),
        mutually_exclusive=[("applications", "label_selectors")],
        required_one_of=[("applications", "label_selectors")],
        supports_check_mode=True,
    )
    params, start = show_path(module), time.monotonic()
    try:
        request = build_request(params, module.check_mode)
        outcome = run_wait(
            connect(params), request, start, params["timeout"], check=module.check_mode, progress=open_progress(module.no_log_values)
        )
    except CollectionError as error:
        module.fail(error)
    for notice in outcome.notices:
        module.warn(notice)
    if outcome.error:
        module.fail(outcome.error, **outcome.result)
    module.exit_json(changed=False, **outcome.result)


if __name__ == "__main__":
    main()
