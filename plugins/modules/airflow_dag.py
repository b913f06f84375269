#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_dag
short_description: Pause or unpause an Airflow DAG
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Sets the pause state of a DAG through Airflow's stable REST API (v1, Airflow 2).
  - The runs of a paused DAG do not continue, and no new ones are scheduled.
  - Sends each request once. Fails if Airflow does not know the DAG.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
extends_documentation_fragment:
  - gitops.airflow.airflow_access
  - gitops.airflow.credentials_from.airflow
  - gitops.airflow.tunnel
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  dag_id:
    description: ID of the DAG.
    type: str
    required: true
  paused:
    description: Whether the DAG is paused.
    type: bool
    required: true
seealso:
  - module: gitops.airflow.airflow_dag_run
"""

EXAMPLES = r"""
- name: Pause a DAG
  gitops.airflow.airflow_dag:
    url: http://localhost:8080
    username: admin
    password: "{{ airflow_password }}"
    dag_id: example_cron_dag
    paused: true

- name: Unpause a DAG of an Airflow that is reached through the Kubernetes API
  gitops.airflow.airflow_dag:
    tunnel: {namespace: airflow-core, service: airflow-webserver, port: 8080}
    context: kind-airflow
    username: admin
    credentials_from: {namespace: airflow-core, name: airflow-admin}
    dag_id: example_cron_dag
    paused: false

- name: Find out whether a DAG is paused
  block:
    - name: Compare the DAG with the state paused
      gitops.airflow.airflow_dag:
        url: https://airflow.example.com
        ca_path: /etc/ssl/company.pem
        username: viewer
        password: "{{ airflow_password }}"
        dag_id: orders
        paused: true
      check_mode: true
      register: orders

    - name: Show whether the DAG is paused
      ansible.builtin.debug:
        msg: "{{ 'paused' if orders.was_paused else 'active' }}"

- name: Pause all DAGs of a team, with one entry that says how to reach Airflow
  module_defaults:
    group/gitops.airflow.airflow:
      tunnel: {namespace: airflow-core, service: airflow-webserver, port: 8080}
      context: production
      username: admin
      credentials_from: {namespace: airflow-core, name: airflow-admin}
  block:
    - name: Pause the DAGs
      gitops.airflow.airflow_dag:
        dag_id: "{{ item }}"
        paused: true
      loop: [orders, orders_weekly, invoices]

- name: Migrate a table while its DAG is paused, and leave the DAG as it was
  module_defaults:
    group/gitops.airflow.airflow:
      url: http://localhost:8080
      username: admin
      password: "{{ airflow_password }}"
  block:
    - name: Pause the DAG
      gitops.airflow.airflow_dag:
        dag_id: orders
        paused: true
      register: orders

    - name: Migrate the table
      ansible.builtin.command: migrate-orders
      changed_when: true
  always:
    - name: Unpause the DAG if it was active before
      when: orders.was_paused is defined and not orders.was_paused
      gitops.airflow.airflow_dag:
        dag_id: orders
        paused: false
"""

RETURN = r"""
was_paused:
  description: Whether the DAG was paused before.
  returned: success
  type: bool
  sample: false
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: The kind of failure, for instance V(dag_missing), V(unauthorized), V(no_tunnel) or V(unreachable).
  returned: failure
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.access import AIRFLOW_SPEC, ONE_WAY, open_airflow
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import show_path


def set_paused(params: dict[str, Any], check: bool, hide: Callable[[str], None]) -> bool:
    """Sets the pause state; returns the one before. Raises CollectionError."""
    dag_id, paused = params["dag_id"], params["paused"]
    with open_airflow(params, hide) as api:
        dag = api.dag(dag_id)
        if dag is None:
            message = f"Airflow does not know the DAG {dag_id!r}."
            raise AirflowError(404, message, "Correct dag_id, or wait until the DAG is parsed.", "dag_missing")
        before = bool(dag.get("is_paused"))
        if before != paused and not check:
            api.set_paused(dag_id, paused)
    return before


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(
        argument_spec={**AIRFLOW_SPEC, "dag_id": {"type": "str", "required": True}, "paused": {"type": "bool", "required": True}},
        mutually_exclusive=ONE_WAY,
        required_one_of=ONE_WAY,
        supports_check_mode=True,
    )
    params = show_path(module)
    try:
        before = set_paused(params, module.check_mode, module.no_log_values.add)
    except CollectionError as error:
        module.fail(error)
    diff = {"before": f"paused: {before}\n", "after": f"paused: {params['paused']}\n"}
    module.exit_json(changed=before != params["paused"], was_paused=before, diff=diff)


if __name__ == "__main__":
    main()
