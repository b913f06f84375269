#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_dags_wait
short_description: Wait until Airflow's scheduler has a commit of the DAG repository
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Waits until git-sync has checked out a commit in the newest running pod of Airflow's scheduler, which it finds by the labels
    C(tier=airflow) and C(component=scheduler). Airflow reads a new DAG file within the next 30 seconds.
  - If no scheduler runs, there is nothing to wait for.
  - Changes nothing.
attributes:
  check_mode:
    details: Looks once, and reports what it has seen.
extends_documentation_fragment:
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes.read_only
options:
  namespace:
    description: Namespace of the scheduler.
    type: str
    default: airflow-core
  commit:
    description: The commit, in full.
    type: str
    required: true
  link:
    description: The link in the scheduler's container that git-sync points to the commit.
    type: str
    default: /opt/airflow/dags/repo
  timeout:
    description: Seconds to wait.
    type: float
    default: 60
notes:
  - Needs C(list) on C(pods) and C(create) on C(pods/exec) in O(namespace).
seealso:
  - module: gitops.airflow.git_publish
"""

EXAMPLES = r"""
- name: Push the DAGs of a folder
  gitops.airflow.git_publish:
    repo: https://git.example.com/data/dags.git
    username: deploy
    password: "{{ vault_token }}"
    folder: dags
    source_dir: ~/work/dags
  register: pushed

- name: Wait until Airflow has them
  gitops.airflow.airflow_dags_wait:
    commit: "{{ pushed.commit }}"
    timeout: 120
"""

RETURN = r"""
done:
  description: Whether the scheduler has the commit.
  returned: success
  type: bool
  sample: true
pod:
  description: The scheduler's pod. Empty if none runs.
  returned: success
  type: str
  sample: airflow-scheduler-6d5c9f4b7-x2x9k
commit:
  description: The commit that the scheduler has. Empty if it has none, or does not run.
  returned: success
  type: str
  sample: 5f9c1ad3f0e0b7b0a1bd20f2c4b9c2cbd2d1a6ee
text:
  description: The same for a person.
  returned: success
  type: str
  sample: The scheduler has it; a new DAG is there within 30 seconds.
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: The kind of failure, V(timeout) if the scheduler does not have the commit after O(timeout).
  returned: failure
  type: str
"""

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dags_wait import QUERY, DagsWait, report
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import Scheduler
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, core_path, show_path
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "namespace": {"type": "str", "default": "airflow-core"},
        "commit": {"type": "str", "required": True},
        "link": {"type": "str", "default": "/opt/airflow/dags/repo"},
        "timeout": {"type": "float", "default": 60},
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    params = show_path(module)
    namespace, commit = params["namespace"], params["commit"]
    try:
        api = connect(params)
        wait = DagsWait(
            lambda: api.items(core_path("pods", namespace), QUERY, whole=True),
            lambda pod: Scheduler(api, namespace, pod),
            time.monotonic,
            time.sleep,
            params["link"],
        )
        seen = wait.look() if module.check_mode else wait.until(commit, params["timeout"])
    except CollectionError as error:
        module.fail(error)
    module.exit_json(changed=False, done=seen.has(commit), pod=seen.pod, commit=seen.commit, text=report(seen, commit))


if __name__ == "__main__":
    main()
