#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_admission_policy
short_description: Let the API server refuse the pods that Airflow's cluster policy refuses
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Declares a ValidatingAdmissionPolicy and its binding with the rules of Airflow's cluster policy, for the accounts of Airflow in the
    namespaces of workers. Other accounts and other namespaces are not concerned.
  - In a namespace with C(pod_operator), it also limits which pods tasks make, change and delete there, and where they run commands.
  - The rules allow what the cluster policy in the cluster allows, and what these settings will let it allow. So no task is refused while
    Argo CD applies a change. Run the module again after the change is applied.
  - An object of others of the same name is refused before anything is applied.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
extends_documentation_fragment:
  - gitops.airflow.platform_settings
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  state:
    description:
      - V(present) declares the policy. The module fails if the API server serves none.
      - With O(airflow.admission_policy=none) V(present) deletes it, as V(absent) does.
      - V(absent) deletes it, if it is this platform's.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Needs C(get), C(create), C(patch) and C(delete) on ValidatingAdmissionPolicies and ValidatingAdmissionPolicyBindings in the whole
    cluster, and C(get) on the ConfigMap C(airflow-python) of O(platform.core_namespace).
seealso:
  - module: gitops.airflow.platform_preflight
"""

EXAMPLES = r"""
- name: Let the API server refuse what the cluster policy refuses to workers in airflow-core
  gitops.airflow.airflow_admission_policy:
    platform: {name: airflow}

- name: Let workers use one Secret in airflow-core, and two namespaces
  gitops.airflow.airflow_admission_policy:
    platform:
      name: airflow
      worker_namespaces: [{name: airflow-core}, {name: airflow-etl}]
    airflow:
      task_secrets: [warehouse]

- name: Delete the policy of this platform
  gitops.airflow.airflow_admission_policy:
    state: absent
    platform: {name: airflow}

- name: Show what a policy for tasks that make pods would change
  gitops.airflow.airflow_admission_policy:
    context: production
    platform:
      name: airflow
      worker_namespaces:
        - name: airflow-core
        - {name: airflow-batch, pod_operator: true, pull_secrets: [registry]}
    airflow:
      admission_policy: require
      core_tasks: false
      default_namespace: airflow-batch
  check_mode: true
  diff: true

- name: Use the policy only where the API server serves it
  block:
    - name: Declare the policy
      gitops.airflow.airflow_admission_policy:
        platform: {name: airflow}
        airflow:
          task_token_audiences: [vault]
          task_config_maps: [task-settings]
      register: policy
      failed_when: policy is failed and policy.code | default('') != 'not_served'

    - name: Show that the policy is missing
      when: policy.code | default('') == 'not_served'
      ansible.builtin.debug:
        msg: "{{ policy.msg }}"
"""

RETURN = r"""
name:
  description: Name of the policy and of its binding.
  returned: success
  type: str
  sample: gitops-airflow-airflow-workers
api_version:
  description: Group and version in which the API server serves them. Empty if it does not.
  returned: success
  type: str
  sample: admissionregistration.k8s.io/v1
refused:
  description: The objects that are not this platform's, each with its C(reason).
  returned: when one was refused
  type: list
  elements: dict
next_action:
  description: What to do about the failure.
  returned: failure
  type: str
code:
  description: The kind of failure, for instance V(foreign_object), V(forbidden) or V(not_served).
  returned: failure
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform import admission_policy, admission_state, worker_limits
from ansible_collections.gitops.airflow.plugins.module_utils._platform.airflow_module import run
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import service_accounts
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref, Scope
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import (
    Wishes,
    apply_objects,
    change_diff,
    placed,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_delete import Deletion, notices
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import SETTINGS_SPEC, Settings
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **SETTINGS_SPEC,
    }


def declare(module: AnsibleModule, api: KubeApi, given: Settings, version: str) -> dict[str, Any]:
    """The module's result. Raises CollectionError; Refused before anything is changed."""
    airflow = given.airflow
    if airflow is None:
        raise AssertionError("the option airflow has defaults")
    if not version:
        raise CollectionError(f"{admission_state.NOT_SERVED}.", "Use state=absent, or another API server.", "not_served")
    limits = worker_limits.wanted(given, airflow)
    now = worker_limits.live(api.find(core_path("configmaps", limits.core, worker_limits.CONFIG_MAP)))
    accounts = {*service_accounts(airflow.values, airflow.name).values()}
    bodies = admission_policy.objects(given.name, version.rpartition("/")[2], accounts, limits | now if now else limits)
    done = apply_objects(api, placed(api, bodies, Scope(given.name), "", {}), Scope(given.name), Wishes(), check=module.check_mode)
    if done.failure is not None:
        raise done.failure
    return {"changed": any(change.result != "same" for change in done.changes), "diff": change_diff(done.changes)}


def delete(module: AnsibleModule, api: KubeApi, given: Settings, version: str) -> dict[str, Any]:
    """The binding first: without its policy it would refuse nothing, and without it the policy does not."""
    name = admission_policy.object_name(given.name)
    refs = [Ref(kind, "", name, version) for kind in (admission_policy.BINDING, admission_policy.POLICY)] if version else []
    done = Deletion(api, Scope(given.name), check=module.check_mode, skip_unreadable=True).delete(refs, timeout=60)
    for line in notices(done, "always"):
        module.warn(line)
    return {"changed": bool(done.removed), "diff": {"before": "".join(f"{ref}\n" for ref in done.removed), "after": ""}}


def carry_out(module: AnsibleModule, api: KubeApi, given: Settings) -> dict[str, Any]:
    """The module's result. Raises CollectionError; Refused before anything is changed."""
    version = admission_state.served(api)
    change = declare if module.params["state"] == "present" and admission_state.is_wanted(given) else delete
    return {"name": admission_policy.object_name(given.name), "api_version": version, **change(module, api, given, version)}


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    # no_log: the options are not written to the system's log.
    run(create(argument_spec=argument_spec(), supports_check_mode=True, no_log=True), carry_out)


if __name__ == "__main__":
    main()
