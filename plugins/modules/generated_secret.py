#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: generated_secret
short_description: Generate the passwords and keys of a Secret once
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Creates a Secret whose values are generated at random, if it does not exist.
  - A value that exists is never changed, and no value is returned, shown or logged.
attributes:
  check_mode:
    support: full
    details: If its namespace does not exist yet, the Secret would be created.
  diff_mode:
    support: full
    details: Shows the keys only.
extends_documentation_fragment:
  - gitops.airflow.platform_owner
  - gitops.airflow.platform_owner.adopt
  - gitops.airflow.platform_owner.secret
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  keys:
    description: The keys that the Secret must have. Further keys of it stay as they are.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The key.
        type: str
        required: true
      kind:
        description:
          - V(alphanumeric) is O(keys[].length) letters and digits.
          - V(fernet) is 32 bytes in URL-safe base64, as the Fernet keys of Airflow are.
        type: str
        choices: [alphanumeric, fernet]
        default: alphanumeric
      length:
        description: Number of characters of an alphanumeric value, at least 16.
        type: int
        default: 40
  immutable:
    description:
      - Whether to create the Secret as immutable, so that nobody changes it by accident. It can still be deleted.
      - The option has no effect on an existing Secret.
    type: bool
    default: false
  missing:
    description:
      - What happens if the Secret exists and lacks one of O(keys), or has an empty value for it.
      - With V(refuse) the module fails. The lost value may still be in use, in a database or in data that is encrypted with it.
      - With V(add) the key is added. This is for values that can be new at any time. An immutable Secret is refused nevertheless.
    type: str
    choices: [refuse, add]
    default: refuse
notes:
  - To use the values in other Secrets, name this one in O(gitops.airflow.platform_objects#module:substitute_from).
  - Needs C(get), C(create) and with O(missing=add) C(patch) on Secrets of the namespace.
seealso:
  - module: gitops.airflow.platform_objects
"""

EXAMPLES = r"""
- name: Generate a password
  gitops.airflow.generated_secret:
    platform: airflow
    namespace: airflow-core
    name: admin-password
    keys:
      - name: password

- name: Generate the passwords and keys of Airflow, and protect them from changes
  gitops.airflow.generated_secret:
    platform: airflow
    namespace: airflow-core
    name: airflow-generated
    keys:
      - name: admin-password
      - {name: mysql-password, length: 32}
      - {name: fernet-key, kind: fernet}
    immutable: true

- name: Generate what a server needs, also what a later version of it needs
  gitops.airflow.generated_secret:
    platform: airflow
    namespace: git
    name: gitea-config
    keys: [{name: password}, {name: secret-key}, {name: internal-token}]
    missing: add

- name: Find out whether values would be generated
  gitops.airflow.generated_secret:
    platform: airflow
    namespace: git
    name: gitea-config
    keys: [{name: password}]
  check_mode: true
  register: generated

- name: Restart the pods of a server when its keys are new
  block:
    - name: Generate its keys
      gitops.airflow.generated_secret:
        platform: airflow
        namespace: store
        name: store-generated
        keys: [{name: administrator}]
      register: generated

    - name: Run the server
      gitops.airflow.platform_objects:
        state: present
        platform: airflow
        definitions:
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: store, namespace: store}
          spec:
            selector: {matchLabels: {app: store}}
            template:
              metadata:
                labels: {app: store}
                annotations: {checksum/keys: "{{ generated.checksum }}"}
              spec:
                containers:
                  - name: store
                    image: registry.example/store:1.2.3
                    envFrom: [{secretRef: {name: store-generated}}]
"""

RETURN = r"""
created:
  description: Whether the Secret was created, or in check mode would be.
  returned: success
  type: bool
added:
  description: The keys whose values were generated, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [admin-password, fernet-key]
checksum:
  description:
    - 16 hexadecimal digits that change with any value of the Secret. Empty in check mode if values would be generated.
    - A generated value cannot be guessed from the checksum. A short value that a person has put into the Secret might be.
  returned: success
  type: str
  sample: 9f86d081884c7d65
next_action:
  description: What to do about a failure.
  returned: failure
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import OWNER_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.credentials import SECRET_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._platform.generated_secret import GeneratedSecret, Key, Wanted, check_keys
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Scope
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

KEY_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True, "no_log": False},
    "kind": {"type": "str", "choices": ["alphanumeric", "fernet"], "default": "alphanumeric"},
    "length": {"type": "int", "default": 40},
}


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        **OWNER_SPEC,
        **SECRET_SPEC,
        "keys": {"type": "list", "elements": "dict", "required": True, "options": KEY_SPEC, "no_log": False},
        "immutable": {"type": "bool", "default": False},
        "missing": {"type": "str", "choices": ["refuse", "add"], "default": "refuse"},
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    params = show_path(module)
    keys = tuple(Key(**item) for item in params["keys"])
    wanted = Wanted(params["namespace"], params["name"], keys, params["immutable"], params["missing"] == "add")
    try:
        check_keys(keys)
        scope = Scope(params["platform"], older=params["adopt"])
        outcome = GeneratedSecret(connect(params), wanted, scope, check=module.check_mode).ensure()
    except CollectionError as error:
        module.fail(error)
    after = "".join(f"{wanted.ref}: {name} (generated)\n" for name in outcome.added)
    module.exit_json(
        changed=bool(outcome.added or outcome.created),
        created=outcome.created,
        added=outcome.added,
        checksum=outcome.checksum,
        diff={"before": "", "after": after},
    )


if __name__ == "__main__":
    main()
