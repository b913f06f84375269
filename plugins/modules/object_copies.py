#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: object_copies
short_description: Copy Secrets and ConfigMaps to other namespaces
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Copies Secrets and ConfigMaps of one namespace to other namespaces, because a pod can use only those of its own namespace. Each run
    brings the copies in step with their sources.
  - A copy has the values, the type and C(immutable) of its source. It has none of the source's labels, annotations, owners or finalizers.
    Its labels are C(app.kubernetes.io/part-of=gitops-airflow), C(gitops-airflow/platform) with O(platform), and
    C(gitops-airflow/copied-from) with O(source_namespace).
  - Does not return, show or log any value, and writes no checksum of a value to the cluster.
  - If a source does not exist, or if an object of a copy's name is not a copy of this platform, fails before it changes anything.
  - Deletes and recreates a copy if its type changes, or if it is immutable and its values change.
  - Does not delete copies that are no longer listed. Use M(gitops.airflow.platform_objects), which deletes only objects of the platform.
attributes:
  check_mode:
    support: full
    details: The API server judges what would be created or changed (dry run). Reports a copy as created even if its namespace does not
      exist yet.
  diff_mode:
    support: full
    details: Shows the keys, the type and C(immutable) only, and which values change. This also applies to ConfigMaps.
extends_documentation_fragment:
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  platform:
    description: Name of the platform that owns the copies.
    type: str
    required: true
  source_namespace:
    description: Namespace of the sources.
    type: str
    required: true
  namespaces:
    description: Namespaces of the copies. They must exist, and must not include O(source_namespace).
    type: list
    elements: str
    required: true
  secrets:
    description: Names of the Secrets to copy.
    type: list
    elements: str
    default: []
  config_maps:
    description: Names of the ConfigMaps to copy.
    type: list
    elements: str
    default: []
notes:
  - Needs C(get) on the sources, and C(get), C(create), C(patch) and C(delete) on Secrets or ConfigMaps in O(namespaces).
  - A Secret of the type C(kubernetes.io/service-account-token) is refused, because it belongs to a ServiceAccount of its own namespace.
  - Users and tasks that may read the copies in O(namespaces) read the same values as in O(source_namespace).
seealso:
  - module: gitops.airflow.airflow_secrets
  - module: gitops.airflow.platform_objects
"""

EXAMPLES = r"""
- name: Copy the password of a warehouse to two worker namespaces
  gitops.airflow.object_copies:
    platform: airflow
    source_namespace: airflow-core
    namespaces: [airflow-cron, airflow-user]
    secrets: [warehouse]

- name: Copy a pull secret and the settings of the tasks
  gitops.airflow.object_copies:
    platform: airflow
    source_namespace: airflow-core
    namespaces: [airflow-cron]
    secrets: [registry-login]
    config_maps: [task-settings]

- name: Copy everything to all worker namespaces except that of Airflow's own pods
  gitops.airflow.object_copies:
    platform: "{{ platform_name }}"
    source_namespace: "{{ platform_core_namespace }}"
    namespaces: "{{ platform_worker_namespaces | map(attribute='name') | difference([platform_core_namespace]) }}"
    secrets: "{{ airflow_app_worker_secrets }}"
    config_maps: "{{ airflow_app_worker_config_maps }}"

- name: Report copies that are not in step with their sources
  block:
    - name: Compare the copies
      gitops.airflow.object_copies:
        platform: airflow
        source_namespace: airflow-core
        namespaces: [airflow-cron]
        secrets: [warehouse]
      check_mode: true
      register: copies

    - name: Show the copies that differ
      ansible.builtin.debug:
        msg: "{{ copies.objects | rejectattr('result', 'equalto', 'same') }}"

- name: Rename a Secret, and delete the copies of the old name
  block:
    - name: Copy the new Secret
      gitops.airflow.object_copies:
        platform: airflow
        source_namespace: airflow-core
        namespaces: [airflow-cron, airflow-user]
        secrets: [warehouse-2027]

    - name: Delete the old copies
      gitops.airflow.platform_objects:
        state: absent
        platform: airflow
        objects:
          - {kind: Secret, namespace: airflow-cron, name: warehouse}
          - {kind: Secret, namespace: airflow-user, name: warehouse}
"""

RETURN = r"""
objects:
  description:
    - All copies, each with C(api_version), C(kind), C(namespace), C(name) and C(result).
    - C(result) is C(created), C(changed), C(recreated) or C(same), in check mode what it would be.
  returned: success
  type: list
  elements: dict
  sample: [{api_version: v1, kind: Secret, namespace: airflow-cron, name: warehouse, result: changed}]
refused:
  description: The objects that are not copies of this platform, each with its C(reason).
  returned: when one was refused
  type: list
  elements: dict
next_action:
  description: What to do about the failure.
  returned: failure
  type: str
code:
  description:
    - The kind of failure. V(missing_source) and V(bad_source) name a source that cannot be copied. V(foreign_object) and
      V(being_deleted) name an object that cannot be a copy. V(not_deleted) names a copy that a finalizer holds.
  returned: failure
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform.copies_apply import Copying, Wanted, diff_of, hidden_values
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import Refused
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "platform": {"type": "str", "required": True},
        "source_namespace": {"type": "str", "required": True},
        "namespaces": {"type": "list", "elements": "str", "required": True},
        # Names, not values.
        "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "config_maps": {"type": "list", "elements": "str", "default": []},
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    params = show_path(module)
    objects = [*(("Secret", name) for name in params["secrets"]), *(("ConfigMap", name) for name in params["config_maps"])]
    wanted = Wanted(params["platform"], params["source_namespace"], tuple(params["namespaces"]), tuple(objects))
    try:
        copying = Copying(connect(params), wanted, check=module.check_mode)
        steps = copying.read()
        module.no_log_values.update(hidden_values(steps))
        for step in steps:
            copying.change(step)
    except Refused as error:
        module.fail(error, refused=[{**ref.as_dict(), "reason": reason} for ref, reason in error.objects])
    except CollectionError as error:
        module.fail(error)
    module.exit_json(
        changed=any(step.result != "same" for step in steps),
        objects=[{**step.ref.as_dict(), "result": step.result} for step in steps],
        diff=diff_of(steps),
    )


if __name__ == "__main__":
    main()
