#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_objects
short_description: Delete or mark objects of a cluster that belong to a platform
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Deletes those of the given objects that carry the platform's mark, and returns the others with the reason why they stay.
  - The mark is the pair of labels C(app.kubernetes.io/part-of=gitops-airflow) and C(gitops-airflow/platform) with the platform's name.
  - An object that does not exist is skipped.
  - A namespace is deleted only if the collection made it (label C(gitops-airflow/made)) and it holds no object of others.
  - Argo CD's CRDs are deleted only if no Application, ApplicationSet or AppProject of others exists anywhere in the cluster.
  - A ClusterRole is deleted only if no binding of others uses it; a ClusterRoleBinding of Argo CD only if it gives rights to nobody else.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
extends_documentation_fragment:
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  state:
    description:
      - With V(absent) the objects are deleted.
      - With V(marked) objects of an older version of this collection get the platform's mark. Nothing but their labels is changed.
    type: str
    choices: [absent, marked]
    default: absent
  platform:
    description: Name of the platform.
    type: str
    required: true
  objects:
    description: The objects, in the order in which they are deleted.
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: Its API version. May be left out for kinds that this collection makes.
        type: str
        default: ""
      kind:
        description: Its kind.
        type: str
        required: true
      namespace:
        description: Its namespace. Empty for a cluster-wide object.
        type: str
        default: ""
      name:
        description: Its name.
        type: str
        required: true
  argocd_namespace:
    description:
      - Namespace of the platform's Argo CD. Objects that its ConfigMap C(argocd-installed) names belong to the platform.
    type: str
    default: ""
  install_record:
    description:
      - Whether to delete the Argo CD that the record in O(argocd_namespace) names, and the record last.
      - Without a record of this platform nothing is deleted.
      - A record of an older version names no objects. O(objects) are then those of its C(install.yaml), otherwise O(objects) are ignored.
    type: bool
    default: false
  application:
    description: Name of the platform's Application. What carries its tracking label or the chart's C(release) is the platform's.
    type: str
    default: ""
  older:
    description:
      - Whether objects that have the collection's label but no platform's mark belong to this platform.
      - RV(gitops.airflow.platform_ownership_info#module:adoption) says whether they do.
    type: bool
    default: false
  timeout:
    description: Seconds to wait until the objects are gone.
    type: float
    default: 180
seealso:
  - module: gitops.airflow.platform_ownership_info
"""

EXAMPLES = r"""
- name: Delete Argo CD if this platform installed it
  gitops.airflow.platform_objects:
    platform: airflow
    argocd_namespace: argocd
    install_record: true

- name: Delete a namespace if this platform made it and nobody else uses it
  gitops.airflow.platform_objects:
    platform: airflow
    application: airflow-core
    objects:
      - {kind: Namespace, name: airflow-cron}
  register: deleted

- name: Adopt what an older version of the collection made
  gitops.airflow.platform_objects:
    state: marked
    platform: airflow
    objects: "{{ ownership.unmarked }}"
"""

RETURN = r"""
removed:
  description: Objects that were deleted, or in check mode would be.
  returned: success, when O(state=absent)
  type: list
  elements: dict
  sample: [{api_version: v1, kind: Secret, namespace: airflow-core, name: airflow-admin}]
marked:
  description: Objects that were marked, or in check mode would be.
  returned: success, when O(state=marked)
  type: list
  elements: dict
kept:
  description: Objects that stay as they are, each with its C(reason).
  returned: success
  type: list
  elements: dict
  sample: [{api_version: v1, kind: Namespace, namespace: "", name: git, reason: "it existed before the platform"}]
text:
  description: The objects that stay, one a line, for a person.
  returned: success
  type: str
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: The kind of failure, for instance V(timeout), V(forbidden) or V(unreachable).
  returned: failure
  type: str
"""

from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref, named, ref_from
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_delete import (
    Deletion,
    Removed,
    mark,
    read_scope,
    recorded_objects,
)
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

OBJECT_SPEC: dict[str, Any] = {
    "api_version": {"type": "str", "default": ""},
    "kind": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": ""},
    "name": {"type": "str", "required": True},
}


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "state": {"type": "str", "choices": ["absent", "marked"], "default": "absent"},
        "platform": {"type": "str", "required": True},
        "objects": {"type": "list", "elements": "dict", "default": [], "options": OBJECT_SPEC},
        "argocd_namespace": {"type": "str", "default": ""},
        "install_record": {"type": "bool", "default": False},
        "application": {"type": "str", "default": ""},
        "older": {"type": "bool", "default": False},
        "timeout": {"type": "float", "default": 180},
    }


def kept(pairs: list[tuple[Ref, str]]) -> dict[str, Any]:
    return {
        "kept": [{**ref.as_dict(), "reason": reason} for ref, reason in pairs],
        "text": "\n".join(f"{ref} stays: {reason}." for ref, reason in pairs),
    }


def remove(params: dict[str, Any], check: bool) -> Removed:
    """Deletes. Raises CollectionError."""
    api = connect(params)
    scope = read_scope(api, params["platform"], params["application"], params["older"], params["argocd_namespace"])
    refs = [ref_from(item) for item in params["objects"]]
    if params["install_record"]:
        refs = recorded_objects(scope, refs)
    return Deletion(api, scope, check=check).delete(refs, params["timeout"])


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        supports_check_mode=True,
        required_if=[("install_record", True, ("argocd_namespace",))],
    )
    params = show_path(module)
    try:
        if params["state"] == "marked":
            marked, others = mark(connect(params), params["platform"], [ref_from(item) for item in params["objects"]], module.check_mode)
            after = "".join(f"marked: {ref}\n" for ref in marked)
            module.exit_json(
                changed=bool(marked), marked=[ref.as_dict() for ref in marked], diff={"before": "", "after": after}, **kept(others)
            )
        outcome = remove(params, module.check_mode)
    except CollectionError as error:
        module.fail(error)
    result = {"removed": [ref.as_dict() for ref in outcome.removed], **kept(outcome.kept)}
    if outcome.left:
        late = CollectionError(
            f"{named(outcome.left)} still there {params['timeout']:g} s after the deletion was requested: a finalizer or an object in it "
            "holds it back.",
            "Look at its status (kubectl describe), correct what that names, and run the same command again.",
            "timeout",
        )
        module.fail(late, changed=True, **result)
    before = "".join(f"{ref}\n" for ref in outcome.removed)
    module.exit_json(changed=bool(outcome.removed), diff={"before": before, "after": ""}, **result)


if __name__ == "__main__":
    main()
