#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_dags_wait
short_description: Wait until Airflow has a commit of the DAG repository
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Waits until git-sync has checked out a commit in the newest running pod that parses DAG files. It finds the pod by the label
    C(tier=airflow). If a pod with C(component=dag-processor) exists, it uses that pod, otherwise the pod with C(component=scheduler).
    Airflow reads a new DAG file within the next 30 seconds.
  - With O(pushed) it then waits until Airflow has read these files, and fails if one of them has an import error. RV(text) reports import
    errors of other files, which do not fail the module.
  - Reaches Airflow through the Kubernetes API, as the user O(airflow_username).
  - If no such pod runs, there is nothing to wait for.
  - Changes nothing.
attributes:
  check_mode:
    details: Reads the commit once and reports it. Sends no request to Airflow.
extends_documentation_fragment:
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes.read_only
options:
  namespace:
    description: Namespace of Airflow.
    type: str
    default: airflow-core
  commit:
    description: The full hash of the commit.
    type: str
    required: true
  link:
    description: The link in the pod's container that git-sync points to the commit.
    type: str
    default: /opt/airflow/dags/repo
  timeout:
    description: Seconds to wait for the commit.
    type: float
    default: 60
  pushed:
    description: The files that Airflow must read, by their paths in a folder of the repository.
    type: dict
    suboptions:
      folder:
        description: The folder in the repository. V(.) and V("") are the repository itself.
        type: str
        default: ""
      files:
        description: All files that were pushed. An import error of one of them is a failure.
        type: list
        elements: str
        required: true
      imported_files:
        description: The files in O(pushed.files) that Airflow imports, as in
          RV(gitops.airflow.airflow_dag_files_info#module:imported_files).
        type: list
        elements: str
        default: []
      dag_files:
        description: The files in O(pushed.files) that define a DAG. The module waits for them until O(parse_timeout), and for other files
          for 40 seconds.
        type: list
        elements: str
        default: []
  parse_timeout:
    description: Seconds to wait for O(pushed) after the pod has the commit. RV(text) names files that Airflow has not read within this
      time.
    type: float
    default: 90
  airflow_service:
    description: Service of Airflow's webserver in O(namespace).
    type: str
    default: airflow-webserver
  airflow_port:
    description: Port of O(airflow_service).
    type: int
    default: 8080
  airflow_username:
    description: Airflow user that may read DAGs and import errors.
    type: str
    default: admin
  airflow_secret:
    description: Secret in O(namespace) that holds the user's password under the key C(password).
    type: str
    default: airflow-admin
notes:
  - Needs C(list) on C(pods) and C(create) on C(pods/exec) in O(namespace). With O(pushed) it also needs C(get) on O(airflow_secret), and
    for O(airflow_service) C(get) on C(services), C(list) on C(endpointslices) and C(create) on C(pods/portforward).
seealso:
  - module: gitops.airflow.git_publish
  - module: gitops.airflow.airflow_dag_files_info
"""

EXAMPLES = r"""
- name: Wait until Airflow has a commit
  gitops.airflow.airflow_dags_wait:
    commit: 5f9c1ad3f0e0b7b0a1bd20f2c4b9c2cbd2d1a6ee

- name: Find out which commit Airflow has
  gitops.airflow.airflow_dags_wait:
    commit: 5f9c1ad3f0e0b7b0a1bd20f2c4b9c2cbd2d1a6ee
  check_mode: true
  register: seen

- name: Wait longer for an Airflow in another namespace, whose git-sync uses another folder
  gitops.airflow.airflow_dags_wait:
    context: production
    namespace: data
    commit: 5f9c1ad3f0e0b7b0a1bd20f2c4b9c2cbd2d1a6ee
    link: /opt/airflow/dags/current
    timeout: 300

- name: Wait until Airflow has read two files, and fail if it cannot import one
  gitops.airflow.airflow_dags_wait:
    commit: 5f9c1ad3f0e0b7b0a1bd20f2c4b9c2cbd2d1a6ee
    pushed:
      folder: dags
      files: [orders.py, shared/tables.py, orders.sql]
      imported_files: [orders.py, shared/tables.py]
      dag_files: [orders.py]
    airflow_username: deploy
    airflow_secret: deploy-account

- name: Push the DAGs of a folder, and go back if Airflow cannot import them
  block:
    - name: Push the files
      gitops.airflow.git_publish:
        repo: https://git.example.com/data/dags.git
        credentials: {username: deploy, password: "{{ vault_token }}"}
        folder: dags
        source_dir: ~/work/dags
      register: pushed

    - name: Wait until Airflow has read them
      gitops.airflow.airflow_dags_wait:
        commit: "{{ pushed.commit }}"
        pushed:
          folder: dags
          files: "{{ pushed.source_files }}"
  rescue:
    - name: Push the files of the version before
      gitops.airflow.git_publish:
        repo: https://git.example.com/data/dags.git
        credentials: {username: deploy, password: "{{ vault_token }}"}
        folder: dags
        source_dir: ~/work/dags-before
        prune: ["."]
"""

RETURN = r"""
done:
  description: Whether the commit is there.
  returned: success
  type: bool
  sample: true
pod:
  description: The scheduler's pod, or the DAG processor's. Empty if none runs.
  returned: success
  type: str
  sample: airflow-scheduler-6d5c9f4b7-x2x9k
commit:
  description: The commit that the pod has. Empty if it has none, or does not run.
  returned: success
  type: str
  sample: 5f9c1ad3f0e0b7b0a1bd20f2c4b9c2cbd2d1a6ee
text:
  description: The same for a person.
  returned: success
  type: str
  sample: "The scheduler has the commit: 2 DAGs visible, no import errors."
dags:
  description: The DAGs of O(pushed) that Airflow has read since.
  returned: always
  type: list
  elements: str
  sample: [orders, orders_weekly]
import_errors:
  description: Import errors of O(pushed), and of other files, each with C(file), C(line), C(text) and whether it was C(pushed).
  returned: always
  type: list
  elements: dict
  sample:
    - file: orders.py
      line: 3
      text: "ModuleNotFoundError: No module named 'pandas'"
      pushed: true
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: >-
    The kind of failure: V(timeout) if the commit is not there after O(timeout), V(import_errors) if Airflow cannot import a
    file of O(pushed), V(missing_secret) or V(missing_key) for O(airflow_secret), V(no_tunnel), or that of the request that failed.
  returned: failure
  type: str
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.access import open_as_admin
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dags_parsed import FileError, Parsed, ParseWait, Pushed
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dags_wait import QUERY, DagsWait, Seen, report
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import AirflowPod
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect, core_path, show_path
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    paths = {"type": "list", "elements": "str"}
    return {
        **AUTH_ARG_SPEC,
        "namespace": {"type": "str", "default": "airflow-core"},
        "commit": {"type": "str", "required": True},
        "link": {"type": "str", "default": "/opt/airflow/dags/repo"},
        "timeout": {"type": "float", "default": 60},
        "pushed": {
            "type": "dict",
            "options": {
                "folder": {"type": "str", "default": ""},
                "files": {**paths, "required": True},
                "imported_files": {**paths, "default": []},
                "dag_files": {**paths, "default": []},
            },
        },
        "parse_timeout": {"type": "float", "default": 90},
        "airflow_service": {"type": "str", "default": "airflow-webserver"},
        "airflow_port": {"type": "int", "default": 8080},
        "airflow_username": {"type": "str", "default": "admin"},
        "airflow_secret": {"type": "str", "default": "airflow-admin", "no_log": False},
    }


def parse(params: dict[str, Any], api: KubeApi, seen: Seen) -> Parsed:
    """What Airflow made of the pushed files. Raises CollectionError."""
    given, link = params["pushed"], params["link"]
    checkout = AirflowPod(api, params["namespace"], seen.pod, seen.component).checkout(link)
    files, imported, dag_files = (frozenset(given[name]) for name in ("files", "imported_files", "dag_files"))
    pushed = Pushed(given["folder"], files, imported, dag_files, (link, checkout.folder))
    at = {name: params[f"airflow_{name}"] for name in ("service", "port", "username", "secret")}
    with open_as_admin(api, params, params["namespace"], **at) as airflow:
        wait = ParseWait(airflow, pushed, time.monotonic, time.sleep)
        return wait.until(checkout.since, checkout.now - checkout.since, params["parse_timeout"])


def rows(errors: Sequence[FileError], pushed: bool) -> list[dict[str, Any]]:
    return [{"file": error.file, "line": error.line, "text": error.text, "pushed": pushed} for error in errors]


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    params = show_path(module)
    namespace, commit, parsed = params["namespace"], params["commit"], None
    try:
        api = connect(params)
        wait = DagsWait(
            lambda: api.items(core_path("pods", namespace), QUERY, whole=True),
            lambda pod, component: AirflowPod(api, namespace, pod, component),
            time.monotonic,
            time.sleep,
            params["link"],
        )
        seen = wait.look() if module.check_mode else wait.until(commit, params["timeout"])
        if params["pushed"] and seen.has(commit) and not module.check_mode:
            parsed = parse(params, api, seen)
    except CollectionError as error:
        module.fail(error, dags=[], import_errors=[])
    text, found = report(seen, commit, parsed.text if parsed else ""), parsed or Parsed()
    told = {"dags": list(found.dags), "import_errors": [*rows(found.errors, True), *rows(found.others, False)]}
    if found.failure:
        module.fail(found.failure, **told)
    module.exit_json(changed=False, done=seen.has(commit), pod=seen.pod, commit=seen.commit, text=text, **told)


if __name__ == "__main__":
    main()
