#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_preflight
short_description: Check the settings of a platform and the state of its cluster before anything is changed
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Checks that the settings of a platform agree with each other, and reads the state of the cluster once. Reads the external Git
    repositories with the credentials that Argo CD and git-sync will use, and the chart repository in the same way as Argo CD.
  - If something prevents the change, fails with all reasons at once. Otherwise returns a plan. Later steps use the plan and do not read
    the cluster again.
  - Without O(airflow), checks neither the settings nor the state of Airflow.
  - Changes nothing. Uses only the names of the keys of a Secret, and returns no value of a Secret.
  - Messages name the variables of this collection's roles. The option O(platform.core_namespace) is the variable
    C(platform_core_namespace), the option O(airflow.values) the variable C(airflow_app_values).
extends_documentation_fragment:
  - gitops.airflow.platform_settings
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes.read_only
options:
  purpose:
    description:
      - What the caller is going to do. It decides which checks apply.
      - V(install) creates or changes the platform.
      - V(use) works with a platform that is installed. The cluster must be this platform's; whether Airflow may be changed is not
        checked.
      - V(remove) deletes the objects of this platform. The state of the cluster does not prevent this, and O(airflow) is not checked. The
        only exception is V(existing) in O(platform.argocd) while the cluster has an Argo CD that this platform installed.
    type: str
    choices: [install, use, remove]
    default: install
  cluster:
    description: Whether the cluster is read. With V(false) only settings are checked, and the kubernetes library is not needed.
    type: bool
    default: true
  repositories:
    description: Whether external repositories and the chart repository are read. Only with O(purpose=install).
    type: bool
    default: true
  absent_ok:
    description: Whether a cluster that does not answer is reported as RV(reachable=false) instead of as a failure.
    type: bool
    default: false
  variables:
    description:
      - The result of the lookup P(gitops.airflow.role_variables#lookup). The module refuses names that are similar to a variable of a
        role. It also refuses sizes, times, counts and ports in a wrong format.
    type: dict
    suboptions:
      known:
        description: The variables of each role, by the role's name.
        type: dict
        required: true
      names:
        description: The names of all variables that are set.
        type: list
        elements: str
        required: true
      texts:
        description: The names of lists and dictionaries that are set as a text, with C(list) or C(dict).
        type: dict
        default: {}
      values:
        description: The values of variables that are sizes, times, counts or ports.
        type: dict
        default: {}
  unchanged:
    description: The last sentence of an error message. It says what was changed before the failure.
    type: str
    default: Nothing was changed.
notes:
  - Needs C(list) on the kinds that this collection makes, in all namespaces. With O(airflow) it also needs C(get) on the Secrets and the
    volume claim in O(platform.core_namespace), and on the Secrets, ConfigMaps and volume claims that
    O(airflow.values) name, in each namespace whose pods use them.
  - With O(platform.argocd=existing) it also needs C(list) on the Deployments, StatefulSets and Secrets, and C(get) on the ConfigMaps, in
    O(platform.argocd_namespace). Of a cluster's Secret it uses the keys C(server), C(namespaces) and C(project).
  - Where it may, it also reads the nodes, the pods and the ConfigMap C(kubeadm-config) of C(kube-system), the ServiceCIDRs, and the
    EndpointSlices of C(default). They name the addresses that tasks must not reach. Without these rights a warning says what is not known.
  - If an entry of O(platform.worker_namespaces) or O(airflow.core_placement) chooses nodes, it also reads the nodes where it may. For
    O(airflow.core_placement) it also reads MySQL's volume claim and its volume.
  - The module only warns of probable mistakes that do not affect the platform, such as an option that this version of Airflow does not
    know.
seealso:
  - plugin: gitops.airflow.role_variables
    plugin_type: lookup
  - module: gitops.airflow.platform_ownership_info
  - module: gitops.airflow.platform_objects
  - module: gitops.airflow.git_branch_info
requirements:
  - git (for external repositories)
  - kubernetes (to read the cluster)
"""

EXAMPLES = r"""
- name: Check settings without a cluster
  gitops.airflow.platform_preflight:
    cluster: false
    platform:
      name: airflow
      airflow_version: 2.10.5

- name: Find out whether a cluster is free for a platform, or already has it
  gitops.airflow.platform_preflight:
    context: production
    platform:
      name: airflow
      worker_namespaces: [{name: airflow-core}, {name: airflow-etl}]
  register: preflight

- name: Check a local cluster that may not exist yet
  gitops.airflow.platform_preflight:
    context: kind-airflow
    absent_ok: true
    platform:
      name: airflow
      provider: kind

- name: Check chart values and your own repositories before Airflow is installed or changed
  gitops.airflow.platform_preflight:
    context: production
    platform:
      name: airflow
      git_server: external
      airflow_version: 2.10.5
    airflow:
      platform_repo: https://git.example.com/data/platform.git
      platform_credentials: {username: deploy, password: "{{ vault_token }}"}
      dags_repo: ssh://git@git.example.com/data/dags.git
      dags_credentials: {ssh_key: /etc/airflow/dags_key, known_hosts: /etc/airflow/known_hosts}
      values: "{{ lookup('ansible.builtin.file', 'values.yaml') | from_yaml }}"
  register: preflight

- name: List every problem and continue
  gitops.airflow.platform_preflight:
    context: production
    platform:
      name: airflow
    airflow:
      logs: s3
      logs_bucket: data-logs
      logs_secret: bucket-keys
  register: preflight
  failed_when: preflight.refusals is not defined

- name: Show the problems
  ansible.builtin.debug:
    msg: "{{ preflight.refusals | map(attribute='next_action') }}"
"""

RETURN = r"""
reachable:
  description: Whether the cluster answered. V(false) without O(cluster), or with O(absent_ok) if it did not.
  returned: always
  type: bool
complete:
  description: Whether the cluster answered and O(airflow) was given, so that RV(plan) has everything.
  returned: always
  type: bool
repositories_read:
  description: Whether the external repositories were read.
  returned: always
  type: bool
narrow:
  description: Whether the account may look only into the platform's namespaces, so that objects of others elsewhere were not seen.
  returned: always
  type: bool
purpose:
  description: The O(purpose) of this run.
  returned: always
  type: str
refusals:
  description: The reasons that prevent the change. Empty if the module succeeds.
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description: A name for programs, such as V(foreign_argocd), V(platform_name) or V(older_version).
      type: str
    value:
      description: What was found.
      type: str
    rule:
      description: The rule that it breaks.
      type: str
    message:
      description: What cannot be done, and why.
      type: str
    next_action:
      description: What to do.
      type: str
next_action:
  description: What to do, for all refusals.
  returned: failure
  type: str
code:
  description: The code of the refusal, or V(refused) if there are several of different kinds.
  returned: failure
  type: str
plan:
  description: The present state, as far as later steps need it. It holds no value of a Secret.
  returned: success
  type: dict
  contains:
    application:
      description: Name of the Application.
      type: str
    cluster:
      description: What identifies the cluster, the uid of the namespace C(kube-system). Empty if it was not read.
      type: str
    other_platforms:
      description: Names of other platforms in the cluster.
      type: list
      elements: str
    namespaces:
      description: The namespaces that exist, by name, with their labels.
      type: dict
    adoption:
      description: Whether unmarked objects of an older version of this collection are this platform's.
      type: bool
    in_use:
      description: Whether this platform's Application uses the given repository and folder.
      type: bool
    unmarked:
      description: The objects of the older version, for M(gitops.airflow.platform_objects).
      type: list
      elements: dict
    generated:
      description: V(present) or V(missing), whether the Secret of passwords and keys that are made once exists.
      type: str
    running_version:
      description: Version of Airflow that runs, or O(platform.airflow_version) if none does.
      type: str
    dropped_namespaces:
      description:
        - Namespaces that O(platform.worker_namespaces) no longer names. The platform's AppProject permits them, or they have Secrets that
          it made for workers.
      type: list
      elements: str
    embedded:
      description: Whether C(platform) and C(dags), the two repositories, are the embedded Git server's.
      type: dict
      sample: {platform: true, dags: false}
    git:
      description:
        - By C(platform) and C(dags), the options by which M(gitops.airflow.git_publish) and M(gitops.airflow.git_branch_info) reach the
          repository. O(airflow.platform_credentials) and O(airflow.dags_credentials) are not among them.
      type: dict
    argocd_access:
      description:
        - The options C(credentials) and C(credentials_from) of M(gitops.airflow.argocd_repository) with which Argo CD reads the platform
          repository. Empty if it is not the embedded Git server's.
      type: dict
    project:
      description: Name of the Application's AppProject.
      type: str
    own_project:
      description: The same, if the platform makes the AppProject. Empty for an existing one.
      type: str
    repository_secret:
      description: Name of the Secret by which Argo CD knows the platform repository.
      type: str
    argocd_objects:
      description:
        - The AppProjects and repository Secrets of the platform in Argo CD's namespace, by whatever names, for
          M(gitops.airflow.platform_objects).
      type: list
      elements: dict
    repo_server:
      description: Name of the Deployment of Argo CD's repository server.
      type: str
    git_accounts:
      description: The options of M(gitops.airflow.gitea_tokens) for the embedded Git server, without those of the cluster and the owner.
      type: dict
    network:
      description: The NetworkPolicies of the platform.
      type: dict
      contains:
        definitions:
          description: Those that are to be applied. Empty without O(airflow), and with another O(purpose) than V(install).
          type: list
          elements: dict
        found:
          description: Those that the cluster has.
          type: list
          elements: dict
        unused:
          description: Those of RV(plan.network.found) that are not wanted any more.
          type: list
          elements: dict
        lifted:
          description: Those of RV(plan.network.unused) whose purpose is not wanted any more, so that they would only deny.
          type: list
          elements: dict
        gaps:
          description: What can be reached because not all addresses of the cluster are known, in sentences. They are warnings, too.
          type: list
          elements: str
        notes:
          description: What changes for users, in sentences.
          type: list
          elements: str
    folder_owner:
      description: The option C(owner) of M(gitops.airflow.git_publish) for the platform repository.
      type: dict
    worker_secrets:
      description: Names of the Secrets that this collection makes in each namespace of workers.
      type: list
      elements: str
    copies:
      description: All copies of Secrets and ConfigMaps that earlier runs made in worker namespaces, for M(gitops.airflow.platform_objects).
      type: list
      elements: dict
    pull_copies:
      description: The copies in other namespaces, with which the platform's parts beside Airflow pull their images.
      type: list
      elements: dict
    worker_rights:
      description: Names of the Roles that this collection makes in each namespace of workers, and of their RoleBindings.
      type: list
      elements: str
    accounts:
      description: The ServiceAccounts of Airflow's parts that have rights in worker namespaces, by part.
      type: dict
      sample: {scheduler: airflow-scheduler, triggerer: airflow-triggerer, webserver: airflow-webserver}
    admission:
      description: API version in which the admission policy for the pods of tasks can be made. Empty if it cannot, or is not wanted.
      type: str
      sample: admissionregistration.k8s.io/v1
    retired:
      description:
        - What is no longer used, for M(gitops.airflow.platform_objects). These are Airflow's Secrets whose credentials are not needed,
          copies of Secrets and ConfigMaps that are no longer set, Airflow's Secrets, Roles and RoleBindings in one of
          RV(plan.dropped_namespaces), an AppProject of the platform that RV(plan.project) has replaced, and then these namespaces.
      type: list
      elements: dict
    log_store:
      description: Where task logs are to go, for a person.
      type: str
    log_store_before:
      description: Where they go now. Empty if nothing is known of that.
      type: str
    moves:
      description: Whether Airflow gets another version or a namespace is dropped, which needs that no task runs.
      type: bool
    notes:
      description: What a person should know of the change, in sentences.
      type: list
      elements: str
    repositories:
      description: The two repositories. Empty if repositories were not read.
      type: list
      elements: dict
      contains:
        name:
          description: V(platform) or V(dags).
          type: str
        embedded:
          description: Whether it is the embedded Git server's.
          type: bool
        commit:
          description: The newest commit of its branch. Empty for one that was not read.
          type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform import variable_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.preflight import INSTALL, REMOVE, USE, Outcome, Preflight
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal, as_error
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import (
    AIRFLOW_OPTIONS,
    PLATFORM_OPTIONS,
    Settings,
    from_params,
    hide,
)
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

VARIABLES_OPTIONS: dict[str, Any] = {
    "known": {"type": "dict", "required": True},
    "names": {"type": "list", "elements": "str", "required": True},
    "texts": {"type": "dict", "default": {}},
    "values": {"type": "dict", "default": {}},
}


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "platform": {"type": "dict", "required": True, "options": PLATFORM_OPTIONS},
        "airflow": {"type": "dict", "options": AIRFLOW_OPTIONS},
        "purpose": {"type": "str", "choices": [INSTALL, USE, REMOVE], "default": INSTALL},
        "cluster": {"type": "bool", "default": True},
        "repositories": {"type": "bool", "default": True},
        "absent_ok": {"type": "bool", "default": False},
        "variables": {"type": "dict", "options": VARIABLES_OPTIONS},
        "unchanged": {"type": "str", "default": "Nothing was changed."},
    }


def ask(request: dict[str, Any], temp: str) -> str | Refusal:
    """The newest commit of a repository's branch, or why it cannot be used."""
    # Not needed for embedded repositories, which most platforms have.
    from ansible_collections.gitops.airflow.plugins.module_utils._git.access import REMOTE_SPEC
    from ansible_collections.gitops.airflow.plugins.module_utils._git.branch import read_branch
    from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError

    given = {name: option.get("default") for name, option in REMOTE_SPEC.items()} | request
    try:
        return read_branch(given, temp)
    except GitError as error:
        named = error.named(request["names"], request["names_prefix"])
        rule = "a repository can be used with what is given"
        return Refusal(error.code, public_url(request["repo"]), rule, error.message, named.next_action)
    except (CollectionError, OSError) as error:
        message = error.message if isinstance(error, CollectionError) else f"{error}."
        action = f"Correct {request['names']['folders']}."
        return Refusal("bad_path", public_url(request["repo"]), "a folder is a path inside the repository", message, action)


def run(params: dict[str, Any], given: Settings, temp: str) -> Outcome:
    """What was found out. Raises CollectionError for a missing library."""
    kubeconfig, context = params["kubeconfig"], params["context"] or ""
    auth = {name: params[name] for name in AUTH_ARG_SPEC}

    def opened() -> KubeApi:
        return connect(auth)

    look = Preflight(
        given,
        opened,
        lambda request: ask(request, temp),
        purpose=params["purpose"],
        kubeconfig=kubeconfig,
        context=context,
        absent_ok=params["absent_ok"],
    )
    outcome = look.run(cluster=params["cluster"], repositories=params["repositories"])
    if params["variables"]:
        outcome.refusals[:0] = variable_rules.refusals(params["variables"])
        outcome.warnings += variable_rules.warnings(params["variables"])
    return outcome


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    # no_log: the options are not written to the system's log.
    module = create(argument_spec=argument_spec(), supports_check_mode=True, no_log=True)
    params = show_path(module)
    facts: dict[str, Any] = {
        "purpose": params["purpose"],
        "reachable": False,
        "complete": False,
        "repositories_read": False,
        "narrow": False,
    }
    try:
        given = from_params(params["platform"], params["airflow"])
        secrets = hide(params["airflow"])
        outcome = run(params, given, module.tmpdir)
    except CollectionError as error:
        module.fail(error, refusals=[], **facts)
    except OSError as error:
        action = "Make the file in the message readable, or give its content as text."
        module.fail(CollectionError(f"{error}.", action, "unreadable_file"), refusals=[], **facts)
    for warning in outcome.warnings:
        module.warn(warning)
    facts |= {
        "reachable": outcome.reachable,
        "complete": outcome.complete,
        "repositories_read": outcome.asked,
        "narrow": outcome.narrow,
        "refusals": [refusal.as_dict() for refusal in outcome.refusals],
    }
    if outcome.refusals:
        module.fail(as_error(outcome.refusals, params["unchanged"]), **facts)
    # A plan quotes nothing. Ansible would blot a password out of every name that has it in it.
    module.no_log_values.difference_update(secrets)
    module.exit_json(changed=False, plan={**outcome.plan.as_dict(), "repositories": outcome.repositories}, **facts)


if __name__ == "__main__":
    main()
