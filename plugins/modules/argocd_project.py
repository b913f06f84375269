#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: argocd_project
short_description: Declare an Argo CD AppProject
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Creates, changes or deletes one AppProject through the Kubernetes API, by server-side apply.
  - The declared lists replace those of the AppProject. Fields that the module does not know, such as C(syncWindows), are left as they
    are.
  - To change an AppProject that is in use, call the module twice. In the first step, O(keep_present=true) adds the new rules and keeps
    the old ones, so that Argo CD can still delete objects that it applied under the old rules. The second step, without O(keep_present),
    removes the old rules.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
extends_documentation_fragment:
  - gitops.airflow.platform_owner
  - gitops.airflow.platform_owner.adopt
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  name:
    description: Name of the AppProject.
    type: str
    required: true
  namespace:
    description: Namespace of Argo CD.
    type: str
    default: argocd
  state:
    description:
      - With V(present) the AppProject exists as declared.
      - With V(absent) it does not exist. The module waits until its finalizers have ended.
    type: str
    choices: [absent, present]
    default: present
  description:
    description: A description for people.
    type: str
    default: ""
  repositories:
    description: URLs of the repositories that Applications may use. Argo CD's patterns such as V(*) are possible.
    type: list
    elements: str
    default: []
  namespaces:
    description: Namespaces in Argo CD's own cluster to which Applications may deploy.
    type: list
    elements: str
    default: []
  destinations:
    description: Further destinations to which Applications may deploy, also in other clusters.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace:
        description: The namespace.
        type: str
        required: true
      server:
        description: URL of the cluster. Defaults to the cluster that Argo CD runs in, unless O(destinations[].name) is set.
        type: str
      name:
        description: Name under which Argo CD knows the cluster.
        type: str
  cluster_kinds:
    description: Cluster-wide kinds that Applications may have. By default none.
    type: list
    elements: dict
    default: []
    suboptions: &kind
      group:
        description: API group of the kind. Empty for the core group.
        type: str
        default: ""
      kind:
        description: Name of the kind.
        type: str
        required: true
  namespace_kinds:
    description:
      - Kinds in namespaces that Applications may have. An empty list allows none. Without this option all are allowed.
      - Argo CD shows pods, their logs and other objects that controllers create only if their kinds are listed.
    type: list
    elements: dict
    suboptions: *kind
  labels:
    description: Further labels.
    type: dict
    default: {}
  annotations:
    description: Annotations.
    type: dict
    default: {}
  keep_present:
    description: Whether to keep everything that the existing AppProject of this platform allows.
    type: bool
    default: false
  timeout:
    description: Seconds to wait until the AppProject is gone.
    type: float
    default: 180
notes:
  - Needs C(get), C(patch), C(create) and C(delete) on C(appprojects) in O(namespace).
seealso:
  - module: gitops.airflow.argocd_application
  - module: gitops.airflow.argocd_repository
"""

EXAMPLES = r"""
- name: Allow one repository to deploy to one namespace
  gitops.airflow.argocd_project:
    platform: airflow
    name: airflow
    repositories: ["https://git.example.com/team/platform.git"]
    namespaces: [airflow-core]

- name: Allow only what the chart renders
  gitops.airflow.argocd_project:
    platform: airflow
    name: airflow
    description: Apache Airflow
    repositories: ["https://git.example.com/team/platform.git"]
    namespaces: [airflow-core, airflow-user]
    namespace_kinds:
      - {kind: ConfigMap}
      - {kind: Service}
      - {group: apps, kind: Deployment}

- name: Delete the AppProject
  gitops.airflow.argocd_project:
    platform: airflow
    name: airflow
    state: absent

- name: Allow a namespace of another cluster, and namespaces as a cluster-wide kind
  gitops.airflow.argocd_project:
    context: management
    platform: airflow
    name: airflow
    repositories: ["oci://registry.example.com/charts/*"]
    destinations:
      - {name: production, namespace: airflow-core}
    cluster_kinds:
      - {kind: Namespace}

- name: Move Airflow out of a namespace in two steps
  block:
    - name: Allow the old and the new namespaces
      gitops.airflow.argocd_project:
        platform: airflow
        name: airflow
        repositories: ["https://git.example.com/team/platform.git"]
        namespaces: [airflow-core, airflow-batch]
        keep_present: true
      register: project

    - name: Deploy from the new commit
      gitops.airflow.argocd_application:
        platform: airflow
        name: airflow-core
        project: airflow
        repo: https://git.example.com/team/platform.git
        target_revision: main
        path: platform/airflow/core
        destination_namespace: airflow-core
        revision: "{{ pushed.commit }}"
        refresh: normal
        wait: true

    - name: Allow the new namespaces only
      when: project.kept
      gitops.airflow.argocd_project:
        platform: airflow
        name: airflow
        repositories: ["https://git.example.com/team/platform.git"]
        namespaces: [airflow-core, airflow-batch]
"""

RETURN = r"""
before:
  description: What the AppProject of this platform allowed before. Empty lists if it did not exist.
  returned: success
  type: dict
  contains: &allowed
    repositories:
      description: URLs of repositories.
      type: list
      elements: str
    namespaces:
      description: Namespaces of all its destinations.
      type: list
      elements: str
    destinations:
      description: Its destinations.
      type: list
      elements: dict
  sample:
    repositories: ["https://git.example.com/team/platform.git"]
    namespaces: [airflow-core, airflow-user]
    destinations:
      - {namespace: airflow-core, server: "https://kubernetes.default.svc"}
      - {namespace: airflow-user, server: "https://kubernetes.default.svc"}
dropped:
  description: Rules of the AppProject that are no longer declared, whether or not O(keep_present) keeps them.
  returned: success
  type: dict
  contains: *allowed
kept:
  description: Whether the AppProject allows more than what is declared, because of O(keep_present). Narrow it when the change is done.
  returned: success, when O(state=present)
  type: bool
  sample: false
reason:
  description: Why an AppProject of this name stays although O(state=absent). Empty if none exists.
  returned: success, when O(state=absent)
  type: str
  sample: "AppProject argocd/airflow stays: it belongs to platform beta"
next_action:
  description: What to do after a failure.
  returned: failure, if known
  type: str
code:
  description:
    - The kind of failure. V(foreign_object), V(older_object) and V(other_platform) name an AppProject of others. V(no_argocd) is returned
      if the namespace or the kind does not exist, V(being_deleted) if the AppProject is being deleted, V(conflict) if others keep
      changing it, and V(not_deleted) if it outlives O(timeout).
  returned: failure, if known
  type: str
  sample: foreign_object
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.project import (
    Allowed,
    Project,
    allowed_by,
    destination,
    dropped,
    manifest,
    project_place,
    wider,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import OWNER_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import declare, diff, remove_owned
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

Result = dict[str, Any]
KIND_SPEC: Result = {"group": {"type": "str", "default": ""}, "kind": {"type": "str", "required": True}}
DESTINATION_SPEC: Result = {"namespace": {"type": "str", "required": True}, "server": {"type": "str"}, "name": {"type": "str"}}


def argument_spec() -> Result:
    return {
        **AUTH_ARG_SPEC,
        **OWNER_SPEC,
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "argocd"},
        "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
        "description": {"type": "str", "default": ""},
        "repositories": {"type": "list", "elements": "str", "default": []},
        "namespaces": {"type": "list", "elements": "str", "default": []},
        "destinations": {"type": "list", "elements": "dict", "default": [], "options": DESTINATION_SPEC},
        "cluster_kinds": {"type": "list", "elements": "dict", "default": [], "options": KIND_SPEC},
        "namespace_kinds": {"type": "list", "elements": "dict", "options": KIND_SPEC},
        "labels": {"type": "dict", "default": {}},
        "annotations": {"type": "dict", "default": {}},
        "keep_present": {"type": "bool", "default": False},
        "timeout": {"type": "float", "default": 180},
    }


def declared(params: Result) -> Project:
    """The AppProject that the options describe."""
    places = [*({"namespace": name} for name in params["namespaces"]), *params["destinations"]]
    kinds = params["namespace_kinds"]
    allowed = Allowed(
        tuple(dict.fromkeys(params["repositories"])),
        tuple(map(destination, places)),
        tuple(params["cluster_kinds"]),
        None if kinds is None else tuple(kinds),
    )
    return Project(
        name=params["name"],
        namespace=params["namespace"],
        platform=params["platform"],
        allowed=allowed,
        description=params["description"],
        labels={key: str(value) for key, value in params["labels"].items()},
        annotations={key: str(value) for key, value in params["annotations"].items()},
        adopt=params["adopt"],
        keep_present=params["keep_present"],
    )


def present(api: KubeApi, project: Project, check: bool) -> Result:
    """Raises CollectionError."""
    done = declare(api, project.place, lambda found: manifest(project, found), check)
    before = allowed_by(done.before, project.platform, project.adopt)
    return {
        "changed": done.changed,
        "before": before.as_dict(),
        "dropped": dropped(project.allowed, before).as_dict(),
        "kept": project.keep_present and wider(project.allowed, before),
        "diff": diff(project.place, done.before, done.after),
    }


def absent(api: KubeApi, params: Result, check: bool) -> Result:
    """Raises CollectionError."""
    place = project_place(params["namespace"], params["name"])
    before, reason = remove_owned(api, place, params["platform"], params["adopt"], check, params["timeout"])
    allowed = allowed_by(before, params["platform"], params["adopt"]).as_dict()
    gone = before is not None and not reason
    return {
        "changed": gone,
        "before": allowed,
        "dropped": allowed,
        "reason": reason,
        "diff": diff(place, before if gone else None, None),
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    params = show_path(module)
    try:
        api = connect(params)
        if params["state"] == "present":
            result = present(api, declared(params), module.check_mode)
        else:
            result = absent(api, params, module.check_mode)
    except CollectionError as error:
        module.fail(error)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
