#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_verification
short_description: Verify that a platform runs Airflow's tasks in the right namespaces
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Waits up to 120 seconds until the Application O(airflow.name) is Synced and Healthy. Then compares the running Airflow with the wanted
    version (O(platform.airflow_version)), executor, multi-namespace mode, namespace list (O(platform.worker_namespaces)), and number of
    pods and containers.
  - Runs DAGs once for each pair of commits (platform, DAGs), and proves from the worker pods where each task ran, that it ran once, and
    what it logged. The platform's commit is the one that Argo CD deployed last. Before the first run Airflow must be idle and its
    migrations must have run once.
  - The proof is kept in the ConfigMap C(airflow-verification) in O(platform.core_namespace). At the same commits, a second run finds it,
    starts nothing and changes nothing.
  - Pauses a DAG again that was paused before, also if the runs fail. After an interruption the next run does so, because the ConfigMap
    records which DAGs were unpaused.
  - Runs no command and writes nothing in a cluster whose Application does not belong to the platform O(platform.name).
  - Reaches Airflow through the Kubernetes API, not by URL, because an address such as C(localhost) may belong to another platform.
attributes:
  check_mode:
    support: full
    details: >-
      Reads the cluster and Airflow once. Reports broken rules in RV(problems) instead of failing, and whether it would run DAGs at the
      current commits. It does not know commits that earlier tasks of the same run in check mode would push.
  diff_mode:
    support: full
    details: Shows the commits that are proven.
extends_documentation_fragment:
  - gitops.airflow.platform_settings
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
  - gitops.airflow.progress
options:
  search_cluster:
    description:
      - Whether to search the whole cluster first for other platforms, for another Argo CD, and for objects of others with this platform's
        names, as M(gitops.airflow.platform_ownership_info) does. The module fails if it finds any.
      - Needs the rights that M(gitops.airflow.platform_ownership_info) needs.
    type: bool
    default: false
  pods:
    description: Number of Airflow's own pods, MySQL's included.
    type: int
    default: 4
  containers:
    description: Number of containers in these O(pods).
    type: int
    default: 7
  runs:
    description: The DAGs to run. If the list is empty, the module verifies only what needs no DAG run.
    type: list
    elements: dict
    default: []
    suboptions:
      dag_id:
        description: ID of the DAG.
        type: str
        required: true
      task_id:
        description: ID of the task to observe.
        type: str
        required: true
      namespace:
        description: Namespace in which the task's worker must run.
        type: str
        required: true
      log:
        description: Regular expression that must match in the last 20 lines of the worker's log.
        type: str
        required: true
      optional:
        description: Whether to skip the run if no file of the DAG folder names the DAG, or if the namespace is not a worker namespace.
        type: bool
        default: false
  timeout:
    description: Seconds for all DAG runs together.
    type: float
    default: 300
  report_path:
    description:
      - File for the report as JSON, readable by everyone. Without it no file is written.
      - The module writes the same report for people beside it, as a page of HTML that loads nothing from elsewhere. The page's name ends
        in C(.html) instead of C(.json).
    type: path
notes:
  - Needs the rights of M(gitops.airflow.argocd_application_wait) and M(gitops.airflow.airflow_worker_placement_wait). In
    O(platform.core_namespace) it also needs C(get), C(create) and C(patch) on C(configmaps), C(get) on the Secret C(airflow-admin),
    C(create) on C(pods/exec), and for the Service C(airflow-webserver) C(get) on C(services), C(list) on C(endpointslices) and C(create)
    on C(pods/portforward).
  - A platform of an older version, whose objects lack the label of O(platform.name), is recognized by O(airflow.platform_repo) and
    O(airflow.platform_path).
seealso:
  - module: gitops.airflow.argocd_application_wait
  - module: gitops.airflow.airflow_dag_run
  - module: gitops.airflow.airflow_worker_placement_wait
"""

EXAMPLES = r"""
- name: Verify that Airflow is as configured, without running a DAG
  gitops.airflow.airflow_verification:
    platform: {name: airflow}

- name: Verify the version as well, and keep the report in airflow.json and airflow.html
  gitops.airflow.airflow_verification:
    platform:
      name: airflow
      airflow_version: 2.6.3
    report_path: ~/reports/airflow.json

- name: Prove that a task runs in its namespace
  gitops.airflow.airflow_verification:
    platform:
      name: airflow
      worker_namespaces: [{name: airflow-core}, {name: airflow-cron}]
    runs:
      - dag_id: example_cron_dag
        task_id: say_hi
        namespace: airflow-cron
        log: hello from airflow-cron

- name: Run the examples if the DAG repository still holds them
  gitops.airflow.airflow_verification:
    platform:
      name: airflow
      worker_namespaces: [{name: airflow-core}, {name: airflow-cron}, {name: airflow-user}]
    timeout: 600
    runs:
      - {dag_id: example_cron_dag, task_id: say_hi, namespace: airflow-cron, log: hello from airflow-cron, optional: true}
      - {dag_id: example_user_dag, task_id: ad_hoc, namespace: airflow-user, log: hello from airflow-user, optional: true}
  register: verification

- name: Verify the second platform of an organization, with the numbers of a standalone DAG processor, and show the summary
  block:
    - name: Verify the platform of the team
      gitops.airflow.airflow_verification:
        context: team-production
        platform:
          name: team
          argocd_namespace: gitops
          core_namespace: team-core
          worker_namespaces: [{name: team-core}, {name: team-batch}]
        airflow:
          name: team-airflow
        pods: 5
        containers: 7
        runs:
          - {dag_id: smoke_test, task_id: run, namespace: team-batch, log: "smoke test (passed|skipped)"}
      register: verification

    - name: Show the summary
      gitops.airflow.show_text:
        text: "{{ verification.text }}"
"""

RETURN = r"""
proven:
  description: Whether a proof of O(runs) exists at the present commits. V(false) if there is nothing to run.
  returned: success
  type: bool
  sample: true
ran:
  description: The DAGs for which the module started runs, or in check mode would start them.
  returned: always
  type: list
  elements: str
  sample: [example_cron_dag, example_user_dag]
report:
  description:
    - The proof. Empty if there is none.
    - C(airflow) is what Airflow said of itself, C(application) is an entry of
      RV(gitops.airflow.argocd_application_wait#module:applications), C(runs) and C(strays) are
      RV(gitops.airflow.airflow_worker_placement_wait#module:placements) and
      RV(gitops.airflow.airflow_worker_placement_wait#module:strays).
  returned: success
  type: dict
  contains:
    verified_at:
      description: When the runs had ended, in UTC.
      type: str
    application:
      description: The Application.
      type: dict
    airflow:
      description: Version, executor, namespaces, DAGs' commit and schema of the database.
      type: dict
    core_pods:
      description: Names of Airflow's own pods.
      type: list
      elements: str
    core_containers:
      description: Number of their containers.
      type: int
    images:
      description: Images of their containers. Missing in the report of an earlier version.
      type: list
      elements: str
    scheduler_uid:
      description: The scheduler's pod when Airflow was asked. Another one may have another image or configuration.
      type: str
    asked:
      description: The DAGs that were looked up in Airflow.
      type: list
      elements: str
    migrations:
      description: Phases of the migrations Job in the last sync. Empty if that sync ran no hooks.
      type: list
      elements: str
    run_id:
      description: Name of the DAG runs.
      type: str
    runs:
      description: Where each worker ran.
      type: list
      elements: dict
    strays:
      description: Workers in other namespaces.
      type: list
      elements: dict
    timeline:
      description:
        - What happened when, from the start of the last sync to the proof. Missing in the report of an earlier version, or if the report
          would be longer than 100,000 characters.
        - A time is left out if no object of the cluster holds it any more, such as the times of the migrations Job. By default,
          Kubernetes deletes that Job five minutes after its end.
      type: list
      elements: dict
      contains:
        kind:
          description: V(sync), V(database), V(migrations), V(pod), V(dag_run), V(worker) or V(proof).
          type: str
        subject:
          description: The Application, pod, Job, DAG or task.
          type: str
        label:
          description: What it did in this time.
          type: str
        start:
          description: Since when, in UTC.
          type: str
        end:
          description: Until when, in UTC. Null if it is not known, the same as C(start) for a moment.
          type: str
page_path:
  description: Path of the HTML report. Empty if the module wrote no report.
  returned: success
  type: str
  sample: /home/me/.cache/gitops-airflow/platforms/airflow/verify.html
text:
  description: The summary for a person.
  returned: success
  type: str
  sample: |-
    Airflow 2.6.3 runs: KubernetesExecutor in airflow-core, airflow-cron, airflow-user
      4 pods / 7 containers in airflow-core, Synced and Healthy at f420d27
      example_cron_dag.say_hi ran in airflow-cron on airflow-control-plane (example-cron-dag-say-hi-b5qdarbt)
      proven 2026-11-25T03:25:08Z
      report for people:   /home/me/.cache/gitops-airflow/platforms/airflow/verify.html
      report for programs: /home/me/.cache/gitops-airflow/platforms/airflow/verify.json
problems:
  description: Broken rules, each with C(code), C(value), C(rule), C(message) and C(next_action). Outside of check mode they are failures.
  returned: success
  type: list
  elements: dict
  sample: []
code:
  description:
    - What failed, for programs.
    - The platform itself, V(foreign_application), V(other_namespace), V(foreign_object), V(application_not_ready), V(no_scheduler),
      V(inspection_failed), or a code of RV(gitops.airflow.platform_ownership_info#module:refusals).
    - A rule, V(airflow_version), V(airflow_executor), V(airflow_multi_namespace_mode), V(airflow_namespace_list), V(airflow_pods),
      V(not_idle) or V(migrations); V(refused) if several rules are broken.
    - A run, V(no_admin_password), V(placement), V(task_tries), V(task_log), or a code of M(gitops.airflow.airflow_dag_run).
    - An option, V(bad_option), V(unreadable_file) or V(bad_report_path); otherwise the kind of the request that failed.
  returned: failure
  type: str
next_action:
  description: What to do.
  returned: failure
  type: str
elapsed:
  description: Seconds that it took.
  returned: always
  type: float
  sample: 21.4
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import AirflowPod
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import open_progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.report_file import write_report
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import enforce
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_read import seen
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import SETTINGS_SPEC, read_settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification import Run, Wanted, refuse_options
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_page import page, page_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_read import Verification, Ways
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_report import State, document_of, summary
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

if TYPE_CHECKING:
    from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api import AirflowApi

USER = "admin"
WEBSERVER = "airflow-webserver"
PORT = 8080
RUN_SPEC: dict[str, Any] = {
    **{name: {"type": "str", "required": True} for name in ("dag_id", "task_id", "namespace", "log")},
    "optional": {"type": "bool", "default": False},
}


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        **SETTINGS_SPEC,
        "search_cluster": {"type": "bool", "default": False},
        "pods": {"type": "int", "default": 4},
        "containers": {"type": "int", "default": 7},
        "runs": {"type": "list", "elements": "dict", "default": [], "options": RUN_SPEC},
        "timeout": {"type": "float", "default": 300},
        "report_path": {"type": "path"},
    }


def wanted_of(params: dict[str, Any]) -> Wanted:
    """What the options ask for.

    :raises CollectionError: if an option makes no sense or names a file that cannot be read, before any request.
    """
    given, _credentials = read_settings(params)
    platform = replace(given.owner(), namespaces=tuple(map(str, given.worker_namespaces)))
    runs = tuple(Run(**item) for item in params["runs"])
    wanted = Wanted(platform, given.airflow_version, params["pods"], params["containers"], runs, params["timeout"])
    refuse_options(wanted)
    return wanted


def ways_of(module: AnsibleModule, params: dict[str, Any], wanted: Wanted, start: float) -> Ways:
    """The cluster's API, and through it the pod that has the DAG files and the webserver."""
    api, core = seen(connect(params), wanted.platform), wanted.platform.core_namespace

    def airflow(password: str) -> AbstractContextManager[AirflowApi]:
        from ansible_collections.gitops.airflow.plugins.module_utils._airflow.access import open_airflow  # only where DAGs are run

        at = {"namespace": core, "service": WEBSERVER, "port": PORT}
        return open_airflow({**params, "url": None, "tunnel": at, "username": USER, "password": password}, module.no_log_values.add)

    return Ways(
        api,
        lambda pod, component: AirflowPod(api, core, pod, component),
        airflow,
        time.monotonic,
        time.sleep,
        progress=lambda: open_progress(module.no_log_values, lambda: time.monotonic() - start),
        hide=module.no_log_values.add,
    )


def carry_out(verification: Verification) -> tuple[State, Mapping[str, Any], bool]:
    """The whole of it: the state, the report (empty where nothing is proven), and whether DAGs were, or would be, run.

    The platform must be settled at the end, not at the start: DAGs can run meanwhile. What runs DAGs is imported here, because Ansible
    compiles each imported file anew and most runs find a proof.
    """
    state = verification.look()
    report = state.stored.report if state.proven else {}
    run = bool(state.runs) and not state.proven
    if verification.check:
        return state, report, run
    enforce(state.problems)
    if run:
        from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_run import Attempt

        report = Attempt(verification, state).prove()
    verification.settle()
    return state, report, run


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    # no_log: the options are not written to the system's log.
    module = create(argument_spec=argument_spec(), supports_check_mode=True, no_log=True)
    params, start, check = show_path(module), time.monotonic(), module.check_mode
    verification: Verification | None = None
    try:
        wanted = wanted_of(params)
        verification = Verification(ways_of(module, params, wanted, start), wanted, check, params["search_cluster"])
        state, report, run = carry_out(verification)
        path = params["report_path"] or ""
        page_file = page_path(path)
        files = {path: document_of, page_file: page} if report and path else {}
        written = [write_report(file, made(report), check) for file, made in files.items()]
    except CollectionError as error:
        started = verification.started if verification else []
        elapsed = round(time.monotonic() - start, 3)
        module.fail(error, changed=bool(verification and verification.changed), ran=started, elapsed=elapsed)
    for notice in verification.notices:
        module.warn(notice)
    before, proof = state.stored.subject.partition(" ")[0] if state.stored.report else "", state.commits
    module.exit_json(
        changed=run or any(written),
        proven=bool(report),
        ran=[item.dag_id for item in state.runs] if run else [],
        report=report,
        page_path=page_file if files else "",
        text=summary(wanted, state, report, path, page_file),
        problems=[problem.as_dict() for problem in state.problems],
        diff={"before": f"proven: {before}\n", "after": f"proven: {proof if run else before}\n"},
        elapsed=round(time.monotonic() - start, 3),
    )


if __name__ == "__main__":
    main()
