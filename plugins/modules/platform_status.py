#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_status
short_description: Read the state of a platform of Argo CD and Airflow
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Reads nodes, pods with restarts and reasons, workers, Applications, volumes, their use, Airflow's last DAG runs of each namespace,
    what is queued, import errors, and the DAG commit of each of Airflow's pods and for how long it has it, all at once.
  - A worker pod that does not start, a task that no worker takes, and a DAG run that stays queued are a problem after 5 minutes.
    A queued run of a paused DAG is not a problem, and neither is a run that waits for another run of its DAG.
  - A container of the platform that restarts again and again is a problem, with its exit code and the message of its probe. Such a
    container has at least three restarts, the last within an hour and after a run shorter than an hour. It stays a problem until it has
    run for ten minutes and twice as long as the time before. Two minutes are enough if it last ended within a minute of its start. A
    single restart within the hour is a note.
  - Kubernetes' own scheduler is a problem if it has not renewed its Lease in C(kube-system) for a minute. So is a pod that it has not
    processed for 5 minutes.
  - The admission policy that M(gitops.airflow.airflow_admission_policy) made is a problem if it or its binding was deleted, or if the
    binding no longer denies.
  - Says whether the platform is healthy, and if not, why. An unhealthy platform does not fail the module. Neither does a platform that
    does not answer, or whose kubeconfig or context does not exist. With O(platform.provider=kind) the module then asks Docker for
    the cause.
  - CPU and memory usage comes from C(metrics.k8s.io) if it is served, otherwise from the kubelets.
  - Reaches Airflow through the Kubernetes API, so that Airflow's own address need not be reachable. Sends no request to O(urls).
attributes:
  check_mode:
    support: full
    details: Reads the state, but does not write the file in O(report_path).
  diff_mode:
    support: none
    details: Changes nothing.
extends_documentation_fragment:
  - gitops.airflow.platform_settings
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  namespaces:
    description:
      - Namespaces to read beside O(platform.core_namespace) and O(platform.argocd_namespace), such as those of the workers. An empty name
        is ignored.
    type: list
    elements: str
    default: []
  applications:
    description: Names of the Applications. One that does not exist is a problem. Defaults to O(airflow.name).
    type: list
    elements: str
  airflow_service:
    description: The Service of Airflow's webserver.
    type: str
    default: airflow-webserver
  airflow_port:
    description: Port of O(airflow_service).
    type: int
    default: 8080
  airflow_username:
    description: Airflow user for requests to Airflow's API.
    type: str
    default: admin
  airflow_secret:
    description:
      - The Secret in O(platform.core_namespace) whose key C(password) contains the password of O(airflow_username).
      - The module reads it itself, so the password passes through no task.
    type: str
    default: airflow-admin
  urls:
    description: URLs for users, by name. The module shows them and sends no request to them, because another program may answer there.
    type: dict
    default: {}
  password_commands:
    description:
      - Commands that print the password for one of O(urls), by the name of the URL. The module shows the commands and does not run them.
    type: dict
    default: {}
  report_path:
    description:
      - File for RV(status) as JSON. Only its owner may read it. The module creates the folder. If empty, no file is written.
      - The file contains the time of the read, so it differs each time. This does not count as a change.
    type: path
    default: ""
notes:
  - Needs C(get) and C(list) on what is shown, C(get) on O(airflow_secret), and C(create) on C(pods/exec) and C(pods/portforward) in
    O(platform.core_namespace).
  - RV(text) calls the platform by O(platform.name) if O(platform.provider=kind), otherwise by O(context), if it is given.
  - Whether the admission policy exists needs C(get) on Roles of the worker namespaces, and on ValidatingAdmissionPolicies and
    ValidatingAdmissionPolicyBindings. Without these rights the module says that it is unknown. Whether the scheduler renews its Lease
    needs C(list) on Leases in C(kube-system). Without this right the module only sees the pods that wait.
  - Disk usage needs C(get) on C(nodes/proxy). Without this right the module omits disk usage and says so.
seealso:
  - module: gitops.airflow.argocd_application_wait
"""

EXAMPLES = r"""
- name: Read the platform's state
  gitops.airflow.platform_status:
    platform: {name: airflow}
    namespaces: [airflow-cron, airflow-user, git]

- name: Keep the state of a local cluster in a file
  gitops.airflow.platform_status:
    context: kind-airflow
    platform: {name: airflow, provider: kind}
    report_path: /var/lib/airflow/status.json

- name: Read the state of a platform without its own store of task logs, with a second Application
  gitops.airflow.platform_status:
    context: team-production
    platform:
      name: team
      argocd_namespace: gitops
      core_namespace: team-core
    airflow:
      name: team-airflow
      logs: s3
    namespaces: [team-batch]
    applications: [team-airflow, team-ingress]

- name: Show the state with the addresses for users and how they get their passwords
  block:
    - name: Read the state
      gitops.airflow.platform_status:
        platform: {name: airflow}
        urls: {Airflow: "https://airflow.example.com"}
        password_commands: {Airflow: "kubectl -n airflow-core get secret airflow-admin -o jsonpath='{.data.password}' | base64 -d"}
      register: shown

    - name: Show it
      gitops.airflow.show_text:
        text: "{{ shown.text }}"

- name: Wait up to five minutes until the platform is healthy, and fail with its problems otherwise
  block:
    - name: Read the state every ten seconds
      gitops.airflow.platform_status:
        platform: {name: airflow}
        namespaces: [airflow-cron, airflow-user]
      register: state
      until: state.status.healthy
      retries: 30
      delay: 10
  rescue:
    - name: Fail with the problems and the next step
      ansible.builtin.fail:
        msg: "{{ state.failure }}"
"""

RETURN = r"""
status:
  description:
    - The state. C(problems) says why it is not C(healthy); C(warnings) do not count.
    - C(next_action) says what to do about a cluster that does not answer, a scheduler of Kubernetes that does not run, an admission
      policy that was deleted, and a lock that git-sync left behind. It is empty otherwise.
    - Times are in seconds, sizes in bytes, CPU in cores.
  returned: success
  type: dict
  sample:
    name: airflow
    healthy: false
    problems:
      - "pod airflow-core/airflow-webserver-5d8f-x, container webserver (image apache/airflow:nope): ImagePullBackOff: Back-off"
    warnings: []
    next_action: ""
    checked_at: "2026-05-04T10:00:00Z"
    elapsed: 0.9
    usage: the kubelets
    runs:
      - {namespace: airflow-cron, dag_id: example_cron_dag, run_id: verify-1, state: success, started: 299, seconds: 11.2, failure: ""}
    waiting:
      - {what: task example_cron_dag.say_hi of run verify-2, task: example_cron_dag.say_hi, seconds: 4, paused: false}
    checkouts:
      - {pod: airflow-scheduler-6c5d-x, commit: 3f2a9c1d5b7e8f60a1b2c3d4e5f60718293a4b5c, age: 7210, error: ""}
text:
  description: The same on one screen.
  returned: success
  type: str
failure:
  description: The problems and the next step as one text for M(ansible.builtin.fail). Empty if the platform is healthy.
  returned: success
  type: str
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: V(bad_report_path) or V(unreadable_file).
  returned: failure
  type: str
"""

import json
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError, LibraryMissing
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable_values
from ansible_collections.gitops.airflow.plugins.module_utils._base.report_file import write_report
from ansible_collections.gitops.airflow.plugins.module_utils._kind.evidence import why_unreachable
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import SETTINGS_SPEC, Settings, read_settings
from ansible_collections.gitops.airflow.plugins.module_utils._status.read import Platform, StatusRead, judged
from ansible_collections.gitops.airflow.plugins.module_utils._status.text import failure, render
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

KIND = "kind"  # the provider of a local cluster


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        **SETTINGS_SPEC,
        "namespaces": {"type": "list", "elements": "str", "default": []},
        "applications": {"type": "list", "elements": "str"},
        "airflow_service": {"type": "str", "default": "airflow-webserver"},
        "airflow_port": {"type": "int", "default": 8080},
        "airflow_username": {"type": "str", "default": "admin"},
        "airflow_secret": {"type": "str", "default": "airflow-admin", "no_log": False},
        "urls": {"type": "dict", "default": {}},
        "password_commands": {"type": "dict", "default": {}, "no_log": False},
        "report_path": {"type": "path", "default": ""},
    }


def platform(params: dict[str, Any], given: Settings) -> Platform:
    """Which platform to read, and where its parts are. A person knows an existing cluster by its context."""
    owner = given.owner()
    applications = [owner.application] if params["applications"] is None else params["applications"]
    return Platform(
        name=str(owner.name if given.provider == KIND else params["context"] or owner.name),
        namespaces=tuple(dict.fromkeys(filter(None, [owner.argocd_namespace, owner.core_namespace, *params["namespaces"]]))),
        core=owner.core_namespace,
        argocd=owner.argocd_namespace,
        logs=owner.logs_namespace,
        applications=tuple(applications),
        service=params["airflow_service"],
        port=params["airflow_port"],
        username=params["airflow_username"],
        secret=params["airflow_secret"],
        urls={name: url for name, url in params["urls"].items() if url},
        owner=owner.name,
        workers=tuple(map(str, given.worker_namespaces)),
        password_commands=dict(params["password_commands"]),
    )


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    # no_log: the options are not written to the system's log.
    module = create(argument_spec=argument_spec(), supports_check_mode=True, no_log=True)
    params, start = show_path(module), time.monotonic()
    try:
        given, _credentials = read_settings(params)
    except CollectionError as error:
        module.fail(error)
    at = platform(params, given)
    try:
        status = StatusRead(connect(params), params, at).read()
    except ApiError as error:
        problem, action = error.message, error.next_action
        if given.provider == KIND and not isinstance(error, LibraryMissing):
            why, action = why_unreachable(at.name)
            problem += f" {why}"
        status = judged(at.name, time.monotonic() - start, {"unreadable": [problem], "next_action": action})
    status = printable_values(status)  # also in JSON, which programs print
    if params["report_path"] and not module.check_mode:
        try:
            write_report(params["report_path"], json.dumps(status, indent=2) + "\n", mode=0o600)
        except CollectionError as error:
            module.fail(error)
    module.exit_json(changed=False, status=status, text=render(status), failure=failure(status))


if __name__ == "__main__":
    main()
