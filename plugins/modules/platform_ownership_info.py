#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_ownership_info
short_description: Find out whether a platform may be installed or changed in a cluster
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Reads the cluster once, and finds the objects of the platform, of other platforms of this collection, and of others.
  - Returns a refusal if the cluster has an Argo CD that the platform did not install, another platform, or objects of others with names
    that the platform uses. Refusals do not fail the module.
  - Reads metadata only, except of Applications and of the ConfigMap C(argocd-installed). No data of a Secret is read.
  - An object is the platform's if it has the labels C(app.kubernetes.io/part-of=gitops-airflow) and C(gitops-airflow/platform) with
    the platform's name. Argo CD's objects are the platform's if the ConfigMap C(argocd-installed) names them.
  - Objects of an older version of this collection, which have the first of these labels alone, are the platform's if its Application
    uses the repository, folder and namespace given here.
extends_documentation_fragment:
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes.read_only
  - gitops.airflow.object_list
options:
  platform:
    description: Name of the platform.
    type: str
    required: true
  argocd_namespace:
    description: Namespace of Argo CD and of the Application.
    type: str
    default: argocd
  core_namespace:
    description: Namespace of Airflow's own pods.
    type: str
    default: airflow-core
  git_namespace:
    description: Namespace of the embedded Git server. Empty if the platform has none.
    type: str
    default: ""
  logs_namespace:
    description: Namespace of the store of task logs. Empty if the platform has none.
    type: str
    default: ""
  namespaces:
    description: Namespaces of the workers.
    type: list
    elements: str
    default: []
  application:
    description: Name of the Application.
    type: str
    default: airflow-core
  repo:
    description: URL of the platform repository. Needed to adopt an older platform.
    type: str
    default: ""
  path:
    description: Folder in the platform repository. Needed to adopt an older platform.
    type: str
    default: ""
  objects:
    description: Further objects that the platform writes and that must not belong to others.
  absent_ok:
    description: Whether a cluster that does not answer is reported as RV(reachable=false) instead of as a failure.
    type: bool
    default: false
notes:
  - Needs C(list) on the kinds that this collection makes, in all namespaces.
seealso:
  - module: gitops.airflow.platform_objects
"""

EXAMPLES = r"""
- name: Find out whether a cluster is free for a platform
  gitops.airflow.platform_ownership_info:
    platform: airflow
  register: ownership

- name: Look for other platforms and for another Argo CD
  gitops.airflow.platform_ownership_info:
    platform: airflow
    namespaces: [airflow-core, airflow-cron, airflow-user]
    git_namespace: git
    repo: https://git.example.com/data/platform.git
    path: platform/airflow/core
  register: ownership

- name: Check also that objects of your own role belong to nobody else
  gitops.airflow.platform_ownership_info:
    platform: airflow
    context: production
    objects:
      - {kind: ConfigMap, namespace: airflow-core, name: team-settings}
      - {api_version: monitoring.coreos.com/v1, kind: ServiceMonitor, namespace: airflow-core, name: airflow}

- name: Look at a local cluster that may not exist yet
  gitops.airflow.platform_ownership_info:
    platform: airflow
    context: kind-airflow
    absent_ok: true

- name: Refuse a cluster that is not this platform's
  block:
    - name: Read who owns what
      gitops.airflow.platform_ownership_info:
        platform: airflow
        namespaces: [airflow-core]
      register: ownership

    - name: Require that nothing stands in the way
      ansible.builtin.assert:
        that: not ownership.refusals
        fail_msg: "{{ ownership.text }} Next: {{ ownership.next_action }}"
"""

RETURN = r"""
reachable:
  description: Whether the cluster answered. Only V(false) with O(absent_ok).
  returned: success
  type: bool
cluster:
  description: What identifies the cluster, the uid of the namespace C(kube-system). Empty if it did not answer.
  returned: success
  type: str
  sample: 3f0c7f0e-6a35-4c4e-9a51-1a0b4a3fd2f4
refusals:
  description: Why the platform must not be installed or changed here. Empty if it may.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: V(other_platform), V(older_platform), V(foreign_argocd), V(foreign_object) or V(tasks_run).
      type: str
    value:
      description: What was found.
      type: str
    rule:
      description: The rule that it breaks.
      type: str
    message:
      description: The sentence for a person.
      type: str
    next_action:
      description: What to do.
      type: str
text:
  description: The refusals as one text. Empty if there are none.
  returned: success
  type: str
next_action:
  description: What to do about the refusals, or about the failure of the module.
  returned: always
  type: str
adoption:
  description: Whether unmarked objects of an older version of this collection are this platform's.
  returned: success
  type: bool
in_use:
  description: Whether this platform's Application, marked or of an older version, uses the given repository and folder.
  returned: success
  type: bool
unmarked:
  description: The objects of the older version, for M(gitops.airflow.platform_objects).
  returned: success
  type: list
  elements: dict
  sample: [{api_version: v1, kind: Namespace, namespace: "", name: airflow-core}]
namespaces:
  description: The namespaces that exist, by name, with their labels.
  returned: success
  type: dict
elapsed:
  description: Seconds that the module took.
  returned: success
  type: float
code:
  description: The kind of failure, for instance V(forbidden) or V(unreachable).
  returned: failure
  type: str
"""

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError, LibraryMissing
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import labels_of
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import (
    OBJECT_SPEC,
    Platform,
    adoptable,
    decide,
    points_here,
    ref_from,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import OwnershipRead
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "platform": {"type": "str", "required": True},
        "argocd_namespace": {"type": "str", "default": "argocd"},
        "core_namespace": {"type": "str", "default": "airflow-core"},
        "git_namespace": {"type": "str", "default": ""},
        "logs_namespace": {"type": "str", "default": ""},
        "namespaces": {"type": "list", "elements": "str", "default": []},
        "application": {"type": "str", "default": "airflow-core"},
        "repo": {"type": "str", "default": ""},
        "path": {"type": "str", "default": ""},
        "objects": {"type": "list", "elements": "dict", "default": [], "options": OBJECT_SPEC},
        "absent_ok": {"type": "bool", "default": False},
    }


def platform_of(params: dict[str, Any]) -> Platform:
    names = ("argocd_namespace", "core_namespace", "git_namespace", "logs_namespace", "application", "repo", "path")
    return Platform(params["platform"], namespaces=tuple(params["namespaces"]), **{name: params[name] for name in names})


def explain(refusals: list[Refusal]) -> dict[str, str]:
    """The refusals for a person: all causes, and all next actions."""
    causes = " ".join([*(refusal.message for refusal in refusals), "Nothing was changed."]) if refusals else ""
    return {"text": causes, "next_action": " ".join(refusal.next_action for refusal in refusals)}


def run(params: dict[str, Any]) -> dict[str, Any]:
    """What the module returns. Raises CollectionError."""
    start, platform = time.monotonic(), platform_of(params)
    try:
        sight = OwnershipRead(connect(params), platform, [ref_from(item) for item in params["objects"]]).read()
    except LibraryMissing:
        raise
    except ApiError as error:
        if not params["absent_ok"] or error.status > 0:
            raise
        return {
            "reachable": False,
            "cluster": "",
            "refusals": [],
            **explain([]),
            "adoption": False,
            "in_use": False,
            "unmarked": [],
            "namespaces": {},
            "elapsed": round(time.monotonic() - start, 3),
        }
    decision = decide(sight, platform)
    return {
        "reachable": True,
        "cluster": sight.cluster,
        "refusals": [refusal.as_dict() for refusal in decision.refusals],
        **explain(decision.refusals),
        "adoption": decision.adoption,
        "in_use": sight.application is not None and adoptable(sight.application, platform) and points_here(sight.application, platform),
        "unmarked": [ref.as_dict() for ref in decision.unmarked],
        "namespaces": {item["name"]: labels_of(item) for item in sight.namespaces},
        "elapsed": round(time.monotonic() - start, 3),
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(show_path(module))
    except CollectionError as error:
        module.fail(error)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
