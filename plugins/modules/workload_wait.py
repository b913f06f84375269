#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_wait
short_description: Wait until the workloads of a namespace have rolled out
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Watches the Deployments, StatefulSets and DaemonSets of a namespace and returns as soon as each has rolled out, by the rules of
    C(kubectl rollout status). Waits for a Job only if O(expected) names it, until the Job is complete.
  - Fails with the cause as soon as a workload has been stuck for O(grace). A workload is stuck when a container of its pods cannot start
    (image, configuration, crash loop), when a pod finds no node or its volumes cannot be mounted, or when its controller may not make
    pods (quota, admission). A failing probe is named, but does not fail the wait. A failed Job fails the wait at once.
attributes:
  check_mode:
    details: Reads once and reports the state. Does not fail if the workloads have not rolled out.
extends_documentation_fragment:
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes.read_only
options:
  namespace:
    description: The namespace.
    type: str
    required: true
  label_selectors:
    description: Label selectors. A workload must match all of them. Without any, the module waits for every workload of the namespace.
    type: list
    elements: str
    default: []
  expected:
    description:
      - Names of workloads that must exist, such as V(argocd-server) or V(Deployment/argocd-server). A Job needs its kind, as in
        V(Job/setup).
      - Without this option at least one workload must exist.
      - If a workload does not exist, the module fails at once. With O(must_exist=false) it waits for the workload.
    type: list
    elements: str
    default: []
  must_exist:
    description: Whether the module fails if a workload in O(expected) does not exist.
    type: bool
    default: true
  timeout:
    description: Seconds for all of them together.
    type: float
    default: 300
  grace:
    description: Seconds for which a workload may be stuck. Within this time, a container may crash because a service that it needs does
      not run yet.
    type: float
    default: 60
notes:
  - Needs C(list) and C(watch) on C(deployments), C(statefulsets), C(daemonsets) and C(pods) of the namespace, with a Job in
    O(expected) also on C(jobs).
  - For the diagnosis also needs C(list) on C(events) and C(get) on C(pods/log). Both are read only of what does not run.
seealso:
  - module: gitops.airflow.argocd_application_wait
"""

EXAMPLES = r"""
- name: Wait until everything in a namespace runs
  gitops.airflow.workload_wait:
    namespace: airflow-core

- name: Wait until Argo CD runs
  gitops.airflow.workload_wait:
    namespace: argocd
    expected: [argocd-server, argocd-repo-server, StatefulSet/argocd-application-controller]

- name: Wait for the parts of one release, for at most ten minutes
  gitops.airflow.workload_wait:
    context: production
    namespace: shop
    label_selectors: [app.kubernetes.io/instance=web, tier!=batch]
    timeout: 600

- name: Wait until another program has made a server and its setup has ended
  gitops.airflow.workload_wait:
    namespace: store
    expected: [Deployment/store, Job/setup]
    must_exist: false
    # The setup crashes until the server answers.
    grace: 180

- name: Roll back a Deployment that cannot start
  block:
    - name: Wait for the new version
      gitops.airflow.workload_wait:
        namespace: shop
        expected: [Deployment/web]
      register: rollout
  rescue:
    - name: Restore the version before
      ansible.builtin.command: kubectl -n shop rollout undo deployment/web
      changed_when: true

    - name: Wait for the version before
      gitops.airflow.workload_wait:
        namespace: shop
        expected: [Deployment/web]

    - name: End with the cause
      ansible.builtin.fail:
        msg: "{{ rollout.msg }} Next: {{ rollout.next_action }}"
"""

RETURN = r"""
workloads:
  description: The last known state of each workload. C(open) says what it still waits for, C(causes) why it is stuck.
  returned: always
  type: list
  elements: dict
  sample:
    - name: Deployment/argocd-server
      open: 0 of 1 pods are available
      causes:
        - "pod argocd/argocd-server-5d8f-x, container argocd-server (image quay.io/argoproj/argocd:nope): ImagePullBackOff: Back-off"
done:
  description: Whether all workloads have rolled out.
  returned: always
  type: bool
  sample: true
elapsed:
  description: Seconds that the wait took.
  returned: always
  type: float
  sample: 24.7
events:
  description: The namespace's latest warnings.
  returned: when the wait failed
  type: list
  elements: str
next_action:
  description: What to do.
  returned: failure
  type: str
  sample: "Correct the image registry.example.com/web:nope of container web of pod apps/web-5d8f-x."
code:
  description: V(timeout), V(not_done) if a cause lasted for O(grace), or the kind of the request that failed.
  returned: failure
  type: str
"""

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, sentence
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import ThreadInbox, follow, stream
from ansible_collections.gitops.airflow.plugins.module_utils._kube.workload_wait import WorkloadWait
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "namespace": {"type": "str", "required": True},
        "label_selectors": {"type": "list", "elements": "str", "default": []},
        "expected": {"type": "list", "elements": "str", "default": []},
        "must_exist": {"type": "bool", "default": True},
        "timeout": {"type": "float", "default": 300},
        "grace": {"type": "float", "default": 60},
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    params, clock = show_path(module), time.monotonic
    start = clock()
    try:
        api = connect(params)
        names = ("namespace", "label_selectors", "expected", "grace", "must_exist")
        wait = WorkloadWait(api, *(params[name] for name in names))
        streams = [stream(api, source, clock, time.sleep) for source in wait.sources()]
        first = [(feed, next(changes)) for feed, changes in enumerate(streams)]
        if module.check_mode:
            verdict, timed_out = wait.step(first, start), False
        else:
            verdict, timed_out = follow(first, ThreadInbox(streams, clock), wait.step, start + params["timeout"])
    except CollectionError as error:
        module.fail(error)
    for notice in wait.notices:
        module.warn(notice)
    elapsed = round(clock() - start, 3)
    result = {"workloads": wait.results(), "done": verdict.kind == "done", "elapsed": elapsed}
    if verdict.kind == "done" or module.check_mode:
        module.exit_json(changed=False, **result)
    what = f"Not done within {params['timeout']:g} s" if timed_out else f"Failed after {elapsed:g} s"
    words, action = wait.diagnosis()
    message = sentence(f"{what}: {verdict.reason}") + (f"\n{words}" if words else "")
    module.fail(CollectionError(message, action, "timeout" if timed_out else "not_done"), events=wait.events(), **result)


if __name__ == "__main__":
    main()
