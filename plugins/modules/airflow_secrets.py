#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_secrets
short_description: Create the Secrets that Airflow's pods read
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Generates Airflow's passwords and keys once, in the Secret C(airflow-generated). Creates the Secrets that the pods in each worker
    namespace need. These contain the connection to the database, the fernet key, the credentials of the DAG repository and those of the
    store of task logs. The webserver's key for sessions is in the namespace of Airflow's own pods alone.
  - Reads the token of the embedded Git server and the keys of the store from the cluster. Does not return, show or log any value.
  - Never changes a generated value. If a Secret of that name belongs to others, fails before it applies anything.
attributes:
  check_mode:
    support: full
    details: Reports that it would create a Secret even if the namespace does not exist yet. Values that do not exist yet are empty.
  diff_mode:
    support: full
    details: Shows the keys only, and which of them change.
extends_documentation_fragment:
  - gitops.airflow.platform_owner.adopt
  - gitops.airflow.platform_settings
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  store_endpoint:
    description: URL of the embedded store of task logs, for O(airflow.logs=embedded).
    type: str
    default: ""
notes:
  - Needs C(get), C(create) and C(patch) on Secrets in O(platform.worker_namespaces), and C(get) on C(git-credentials) of the embedded Git
    server and C(task-logs-generated) of the store, as far as they are used.
seealso:
  - module: gitops.airflow.generated_secret
  - module: gitops.airflow.platform_preflight
  - module: gitops.airflow.argocd_repository
"""

EXAMPLES = r"""
- name: Create the Secrets of an Airflow whose task logs are kept nowhere
  gitops.airflow.airflow_secrets:
    platform: {name: airflow}
    airflow:
      dags_repo: https://git.example.com/public/dags.git
      logs: none

- name: Give two worker namespaces the SSH key of a private DAG repository
  gitops.airflow.airflow_secrets:
    platform:
      name: airflow
      worker_namespaces: [{name: airflow-core}, {name: airflow-etl}]
    airflow:
      dags_repo: ssh://git@git.example.com/data/dags.git
      dags_credentials: {ssh_key: /etc/airflow/dags_key, known_hosts: /etc/airflow/known_hosts}
      logs: none

- name: Create Airflow's Secrets for a private DAG repository and a bucket of your own
  gitops.airflow.airflow_secrets:
    platform:
      name: airflow
      worker_namespaces: [{name: airflow-core}, {name: airflow-etl}]
    airflow:
      dags_repo: https://git.example.com/data/dags.git
      dags_credentials: {username: reader, password: "{{ vault_token }}"}
      logs: s3
      logs_region: eu-central-1
      logs_bucket: data-logs
      logs_secret: bucket-keys

- name: Use the embedded Git server and the embedded store of task logs
  gitops.airflow.airflow_secrets:
    context: kind-airflow
    platform: {name: airflow, git_namespace: git, logs_namespace: airflow-logs}
    airflow:
      dags_repo: http://gitea.git.svc.cluster.local:3000/gitops/dags.git
      logs: embedded
    store_endpoint: http://task-logs.airflow-logs.svc.cluster.local:7070

- name: Publish a checksum of the credentials with the chart, so that new credentials restart the pods
  block:
    - name: Create the Secrets
      gitops.airflow.airflow_secrets:
        platform: {name: airflow}
        airflow:
          dags_repo: https://git.example.com/data/dags.git
          dags_credentials: {username: reader, password: "{{ vault_token }}"}
          logs: none
      register: secrets

    - name: Publish the values
      gitops.airflow.git_publish:
        repo: https://git.example.com/data/platform.git
        credentials: {username: deploy, password: "{{ vault_platform_token }}"}
        files:
          values.yaml: |
            airflow:
              dags:
                gitSync:
                  credentialsSecret: {{ secrets.git_sync.credentials_secret }}
              airflowPodAnnotations:
                checksum/dags-credentials: "{{ secrets.dags_checksum }}"
"""

RETURN = r"""
generated:
  description: Whether passwords and keys were generated, or in check mode would be.
  returned: success
  type: bool
created:
  description: The Secrets that were created, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [Secret airflow-core/airflow-metadata]
git_sync:
  description: What the values of the chart need for git-sync. Nothing of it is secret.
  returned: success
  type: dict
  contains:
    credentials_secret:
      description: Name of the Secret with the user name and token of the DAG repository. Empty if none is needed.
      type: str
      sample: dags-git-basic
    ssh_key_secret:
      description: Name of the Secret with the SSH key of the DAG repository. Empty if none is needed.
      type: str
      sample: ""
    known_hosts:
      description: The host keys of the DAG repository's server.
      type: str
      sample: ""
    authority:
      description: The certificate authority of the DAG repository's server, for the ConfigMap C(airflow-git-authority).
      type: str
      sample: ""
    env:
      description: Variables of the containers with git-sync.
      type: list
      elements: dict
      sample: [{name: GIT_SSL_CAINFO, value: /etc/git-authority/ca.crt}]
    mounts:
      description: Mounts of the containers with git-sync.
      type: list
      elements: dict
      sample: [{name: git-authority, mountPath: /etc/git-authority, readOnly: true}]
    volumes:
      description: Volumes of the pods with git-sync.
      type: list
      elements: dict
      sample: [{name: git-authority, configMap: {name: airflow-git-authority}}]
dags_checksum:
  description:
    - 16 hexadecimal digits that change with the credentials of the DAG repository. Empty if there are none.
    - They are keyed with the fernet key, so that nobody can check a guess of the credentials with them.
  returned: success
  type: str
  sample: ff36f131eafdd342
logs_checksum:
  description: The same of the keys of the store of task logs.
  returned: success
  type: str
  sample: 4fb4561ab1f4b103
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
  description:
    - The kind of failure. V(foreign_object) and V(being_deleted) name a Secret that cannot be used, V(incomplete_secret) one that has
      lost generated values, V(missing_secret) one that others should have made.
  returned: failure
  type: str
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import OWNER_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._kube.applied import shown
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform import airflow_secrets as content
from ansible_collections.gitops.airflow.plugins.module_utils._platform.airflow_module import run
from ansible_collections.gitops.airflow.plugins.module_utils._platform.generated_secret import GeneratedSecret
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Scope
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import (
    Applied,
    Wishes,
    apply_objects,
    placed,
    secret_values,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import SETTINGS_SPEC, Settings
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        **SETTINGS_SPEC,
        "store_endpoint": {"type": "str", "default": ""},
        "adopt": OWNER_SPEC["adopt"],
    }


def carry_out(module: AnsibleModule, api: KubeApi, given: Settings) -> dict[str, Any]:
    """The module's result. Raises CollectionError; Refused before anything is changed."""
    airflow = given.airflow
    if airflow is None:
        raise AssertionError("the option airflow has defaults")
    check, scope = module.check_mode, Scope(given.name, older=module.params["adopt"])
    others, wanted = content.read_values(api, given, airflow, check), content.generated(str(given.core_namespace))

    def applied(data: Mapping[str, str], check: bool) -> Applied:
        bodies = content.secrets(given, airflow, replace(others, generated=data), module.params["store_endpoint"])
        items = placed(api, bodies, scope, "", {})
        module.no_log_values.update(secret_values(items, {}))
        return apply_objects(api, items, scope, Wishes(), check=check)

    made = GeneratedSecret(api, wanted, scope, check=True).ensure()
    if made.created and not check:
        applied(made.data, check=True)  # what is refused is refused before anything is generated
        made = GeneratedSecret(api, wanted, scope, check=False).ensure()
    values, done = replace(others, generated=made.data), applied(made.data, check)
    if done.failure is not None:
        raise done.failure
    credentials = content.dags_credentials(airflow, values)
    pairs = {str(change.target): shown(change.before, change.after) for change in done.changes if change.result != "same"}
    return {
        "changed": made.created or bool(pairs),
        "generated": made.created,
        "created": [str(change.target) for change in done.changes if change.result == "created"],
        "git_sync": credentials.git_sync_values(),
        "dags_checksum": content.dags_checksum(credentials, values),
        "logs_checksum": content.logs_checksum(content.log_keys(airflow, values), values),
        "diff": {
            "before": {name: before for name, (before, _after) in pairs.items() if before is not None},
            "after": {name: after for name, (_before, after) in pairs.items()},
        },
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    # no_log: the options are not written to the system's log.
    run(create(argument_spec=argument_spec(), supports_check_mode=True, no_log=True), carry_out)


if __name__ == "__main__":
    main()
