#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_rights
short_description: Write the RBAC manifest with the rights that a platform's playbooks need
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Returns the rights that the account of the playbooks needs for given settings, as a manifest that the owner of a cluster applies with
    C(kubectl apply).
  - With O(platform.argocd=existing) the manifest has a Role in each namespace of the platform and in that of Argo CD, and a ClusterRole
    that reads the platform's namespaces by name.
  - With O(platform.argocd=install) the account must create the ClusterRoles of Argo CD, which permit everything. It can therefore get every
    right in the cluster.
  - Works without a cluster. M(gitops.airflow.platform_preflight) checks whether an account has these rights.
extends_documentation_fragment:
  - gitops.airflow.platform_settings
  - gitops.airflow.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  account:
    description:
      - The account that gets the rights. The name of a user, C(group:NAME) for a group, or C(system:serviceaccount:NAMESPACE:NAME) for a
        service account. The manifest does not create a service account.
    type: str
    default: gitops-airflow
  create_namespaces:
    description:
      - Whether the account may create and delete the platform's namespaces. A namespace that does not exist cannot hold a Role. Therefore
        the manifest then has a ClusterRole, which permits in every namespace what the platform needs in its own.
      - Otherwise the manifest creates the platform's namespaces.
    type: bool
    default: false
  pod_security:
    description: The Pod Security Standard that the namespaces in the manifest enforce. Empty for none.
    type: str
    choices: ["", baseline, restricted]
    default: restricted
  path:
    description: File for the manifest. Empty for none.
    type: path
    default: ""
seealso:
  - module: gitops.airflow.platform_preflight
"""

EXAMPLES = r"""
- name: Write the rights for a platform in an Argo CD that exists
  gitops.airflow.platform_rights:
    platform: {name: airflow, argocd: existing}
    path: rights.yaml

- name: Write the rights for a service account of a CI system
  gitops.airflow.platform_rights:
    platform: {name: airflow, argocd: existing}
    account: system:serviceaccount:ci:deployer
    path: rights.yaml

- name: Write the rights for a platform that installs Argo CD and creates its namespaces
  gitops.airflow.platform_rights:
    platform: {name: airflow, argocd: install}
    create_namespaces: true
    path: rights.yaml

- name: Write the rights for other worker namespaces and external repositories
  gitops.airflow.platform_rights:
    platform:
      name: airflow
      argocd: existing
      git_server: external
      worker_namespaces: [{name: airflow-core}, {name: airflow-etl, pod_operator: true}]
    airflow:
      platform_repo: https://git.example.com/data/platform.git
      dags_repo: https://git.example.com/data/dags.git
      logs: none
    account: group:data-platform
  register: rights

- name: Apply the manifest with the context of the cluster's owner, and list what it leaves out
  block:
    - name: Read the rights
      gitops.airflow.platform_rights:
        platform: {name: airflow, argocd: existing}
      register: rights

    - name: Apply the manifest
      kubernetes.core.k8s:
        context: production-owner
        definition: "{{ rights.manifest }}"

    - name: Show which reads are not permitted, and what they are for
      ansible.builtin.debug:
        msg: "{{ rights.rights | selectattr('level', 'eq', 'optional') | map(attribute='why') | unique }}"
"""

RETURN = r"""
manifest:
  description: The manifest as YAML, with a comment that says what each rule is for.
  returned: always
  type: str
rights:
  description: The rights, one element for each entry of the table.
  returned: always
  type: list
  elements: dict
  contains:
    why:
      description: What the right is for.
      type: str
      sample: give workers their Secrets
    verbs:
      description: The verbs.
      type: list
      elements: str
    group:
      description: The API group. Empty for the core group.
      type: str
    resources:
      description: The resources.
      type: list
      elements: str
    namespace:
      description: The namespace. Empty for the whole cluster.
      type: str
    names:
      description: The names of the objects. Empty for all.
      type: list
      elements: str
    level:
      description:
        - V(needed) for a right without which a run is refused, V(wanted) for one without which reports show less.
        - V(optional) for one that the manifest does not grant, and with which a run sees more.
      type: str
    rare:
      description: Why an installation, its use and its removal may not use the right. Empty if they use it.
      type: str
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.report_file import write_report
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import table
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_manifest import published
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import SETTINGS_SPEC, read_settings


def argument_spec() -> dict[str, Any]:
    return {
        **SETTINGS_SPEC,
        "account": {"type": "str", "default": "gitops-airflow"},
        "create_namespaces": {"type": "bool", "default": False},
        "pod_security": {"type": "str", "choices": ["", "baseline", "restricted"], "default": "restricted"},
        "path": {"type": "path", "default": ""},
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    # no_log: the options are not written to the system's log.
    module = create(argument_spec=argument_spec(), supports_check_mode=True, no_log=True)
    params = module.params
    try:
        given, _credentials = read_settings(params)
        rights = table(given, create_namespaces=params["create_namespaces"])
        manifest = published(
            rights, given, params["account"], create_namespaces=params["create_namespaces"], pod_security=params["pod_security"]
        )
    except CollectionError as error:
        module.fail(error)
    try:
        changed = bool(params["path"]) and write_report(params["path"], manifest, module.check_mode)
    except CollectionError as error:
        module.fail(
            CollectionError(f"{params['path']} cannot be written: {error.__cause__}.", "Free space, or give another path.", "bad_path")
        )
    module.exit_json(changed=changed, manifest=manifest, rights=[asdict(right) for right in rights])


if __name__ == "__main__":
    main()
