#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: argocd_application
short_description: Declare an Argo CD Application
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Creates, changes or deletes one Application with one source through the Kubernetes API, by server-side apply.
  - With O(wait=true) it then waits by the rules of M(gitops.airflow.argocd_application_wait), in the same process.
  - Fields that the module does not know, such as C(ignoreDifferences), are left as they are.
attributes:
  check_mode:
    support: full
    details: With O(wait=true) it reads the Application once and reports whether it is done.
  diff_mode:
    support: full
extends_documentation_fragment:
  - gitops.airflow.platform_owner
  - gitops.airflow.platform_owner.adopt
  - gitops.airflow.application_wait
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
  - gitops.airflow.progress
options:
  name:
    description: Name of the Application.
    type: str
    required: true
  namespace:
    description: Namespace of the Application, as a rule that of Argo CD.
    type: str
    default: argocd
  state:
    description:
      - With V(present) the Application exists as declared.
      - With V(absent) it does not exist. With O(cascade=true) the module waits until Argo CD has deleted the objects that it applied.
    type: str
    choices: [absent, present]
    default: present
  project:
    description: AppProject of the Application.
    type: str
    default: default
  repo:
    description: URL of the repository. Required with O(state=present).
    type: str
  target_revision:
    description: The branch, tag, commit or chart version that Argo CD follows.
    type: str
    default: HEAD
  path:
    description: Folder in the repository. Empty for a chart of a Helm repository.
    type: str
    default: ""
  source_options:
    description: Further fields of the source, as Argo CD names them, such as C(chart), C(helm), C(kustomize) or C(directory).
    type: dict
    default: {}
  destination_namespace:
    description: Namespace of objects that do not name a namespace. Required with O(state=present).
    type: str
  destination_server:
    description: URL of the cluster to deploy to.
    type: str
    default: https://kubernetes.default.svc
  automated:
    description: Whether Argo CD syncs by itself.
    type: bool
    default: true
  prune:
    description: Whether an automated sync deletes objects that the source no longer contains.
    type: bool
    default: true
  self_heal:
    description: Whether Argo CD reverts changes that are made in the cluster.
    type: bool
    default: true
  sync_options:
    description: Argo CD's sync options, such as V(ServerSideApply=true).
    type: list
    elements: str
    default: []
  retry:
    description: How a failed operation is retried. Without a retry Argo CD never tries a failed hook again at the same commit.
    type: dict
    suboptions:
      limit:
        description: Maximum number of retries. V(0) means none.
        type: int
        default: 5
      duration:
        description: Pause before the first retry.
        type: str
        default: 10s
      factor:
        description: Factor by which the pause grows after each retry.
        type: int
        default: 2
      max_duration:
        description: The longest pause.
        type: str
        default: 3m0s
  cascade:
    description: Whether Argo CD deletes the objects that it applied when the Application is deleted.
    type: bool
    default: true
  labels:
    description: Further labels.
    type: dict
    default: {}
  annotations:
    description: Annotations.
    type: dict
    default: {}
  wait:
    description: Whether to wait until the Application is done.
    type: bool
    default: false
  revision:
    description:
      - With O(wait=true), the revision that the Application must show. A list gives one revision for each source.
      - A commit is given in full or by its first 7 or more hexadecimal digits. For a Helm chart repository it is the chart's version.
      - A branch or a tag is refused, because it may move during the wait.
      - After a push, also give O(refresh=normal). By itself Argo CD reads Git only every few minutes.
    type: raw
  timeout:
    description: Seconds to wait until the Application is done, or with O(state=absent) until it is gone.
    type: float
    default: 600
notes:
  - Needs C(get), C(patch), C(create) and C(delete) on C(applications) in O(namespace). O(wait=true) needs what
    M(gitops.airflow.argocd_application_wait) needs.
seealso:
  - module: gitops.airflow.argocd_application_wait
  - module: gitops.airflow.argocd_project
  - module: gitops.airflow.argocd_repository
"""

EXAMPLES = r"""
- name: Deploy a folder of a repository
  gitops.airflow.argocd_application:
    platform: airflow
    name: airflow-core
    repo: https://git.example.com/team/platform.git
    path: platform/airflow/core
    destination_namespace: airflow-core

- name: Deploy a pushed commit and wait until it runs
  gitops.airflow.argocd_application:
    platform: airflow
    name: airflow-core
    project: airflow
    repo: https://git.example.com/team/platform.git
    target_revision: main
    path: platform/airflow/core
    destination_namespace: airflow-core
    wait: true
    revision: "{{ pushed.commit }}"
    refresh: normal
    supersede: true
    timeout: 900

- name: Delete the Application and everything that Argo CD applied
  gitops.airflow.argocd_application:
    platform: airflow
    name: airflow-core
    state: absent

- name: Deploy a chart of a Helm repository with values
  gitops.airflow.argocd_application:
    platform: airflow
    name: statsd
    repo: https://charts.example.com
    target_revision: 1.4.2
    source_options:
      chart: statsd-exporter
      helm:
        valuesObject: {replicas: 2}
    destination_namespace: monitoring
    sync_options: [CreateNamespace=true, ServerSideApply=true]

- name: Declare an Application in a management cluster that people sync by hand
  gitops.airflow.argocd_application:
    context: management
    platform: airflow
    name: airflow-production
    project: airflow
    repo: ssh://git@git.example.com:2222/team/platform.git
    target_revision: production
    path: platform/airflow/core
    destination_server: https://10.20.30.40:6443
    destination_namespace: airflow-core
    automated: false
    retry: {limit: 0}
    annotations:
      notifications.argoproj.io/subscribe.on-sync-failed.slack: data-platform
    wait: true
    sync: any
    health: [any]
    operation: any
"""

RETURN = r"""
reason:
  description: Why an Application of this name stays although O(state=absent). Empty if none exists.
  returned: success, when O(state=absent)
  type: str
  sample: "Application argocd/airflow-core stays: it belongs to platform beta"
applications:
  description:
    - The last known state of the Application, one element, as M(gitops.airflow.argocd_application_wait) returns it.
    - C(overtaken) is V(true) if another revision is shown after O(revision) was, because of a later push.
  returned: when O(wait=true)
  type: list
  elements: dict
  sample:
    - name: airflow-core
      sync: Synced
      health: Healthy
      operation: Succeeded
      revision: 3f2a9c1d5b7e8f60a1b2c3d4e5f60718293a4b5c
      verdict: done
      overtaken: false
      message: successfully synced (all tasks run)
      transitions: []
overtaken:
  description: Whether another revision is shown after O(revision) was, because of a later push.
  returned: when O(wait=true)
  type: bool
  sample: false
done:
  description: Whether all conditions of the wait are true.
  returned: when O(wait=true)
  type: bool
  sample: true
elapsed:
  description: Seconds that the wait took.
  returned: when O(wait=true)
  type: float
  sample: 98.31
requests:
  description: Requests made to the Kubernetes API.
  returned: when O(wait=true)
  type: int
  sample: 5
diagnosis:
  description: What keeps the Application from being done, as M(gitops.airflow.argocd_application_wait) returns it.
  returned: when the wait failed
  type: list
  elements: dict
next_action:
  description: What to do after a failure.
  returned: failure, if known
  type: str
code:
  description:
    - The kind of failure. V(not_done) is returned if the Application cannot become done, V(timeout) if it is not after O(timeout).
      V(foreign_object), V(older_object) and V(other_platform) name an Application of others. V(no_argocd) is returned if the namespace or
      the kind does not exist, V(being_deleted) if the Application is being deleted, V(conflict) if others keep changing it, V(bad_option)
      for an option that makes no sense, and V(not_deleted) if the Application outlives O(timeout).
  returned: failure, if known
  type: str
  sample: timeout
"""

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.manifest import (
    DeclaredApplication,
    Retry,
    application_place,
    manifest,
    source,
)
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait_run import WAIT_SPEC, WaitOutcome, build_request, run_wait
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import OWNER_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import open_progress
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import declare, diff, remove_owned
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

Result = dict[str, Any]
RETRY_SPEC: Result = {
    "limit": {"type": "int", "default": 5},
    "duration": {"type": "str", "default": "10s"},
    "factor": {"type": "int", "default": 2},
    "max_duration": {"type": "str", "default": "3m0s"},
}


def argument_spec() -> Result:
    return {
        **AUTH_ARG_SPEC,
        **OWNER_SPEC,
        **WAIT_SPEC,
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "argocd"},
        "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
        "project": {"type": "str", "default": "default"},
        "repo": {"type": "str"},
        "target_revision": {"type": "str", "default": "HEAD"},
        "path": {"type": "str", "default": ""},
        "source_options": {"type": "dict", "default": {}},
        "destination_namespace": {"type": "str"},
        "destination_server": {"type": "str", "default": "https://kubernetes.default.svc"},
        "automated": {"type": "bool", "default": True},
        "prune": {"type": "bool", "default": True},
        "self_heal": {"type": "bool", "default": True},
        "sync_options": {"type": "list", "elements": "str", "default": []},
        "retry": {"type": "dict", "apply_defaults": True, "options": RETRY_SPEC},
        "cascade": {"type": "bool", "default": True},
        "labels": {"type": "dict", "default": {}},
        "annotations": {"type": "dict", "default": {}},
        "wait": {"type": "bool", "default": False},
    }


def declared(params: Result) -> DeclaredApplication:
    """The Application that the options describe."""
    same = ("name", "namespace", "platform", "project", "automated", "prune", "self_heal", "sync_options", "cascade", "adopt")
    return DeclaredApplication(
        source=source(params["repo"], params["target_revision"], params["path"], params["source_options"]),
        destination={"server": params["destination_server"], "namespace": params["destination_namespace"]},
        retry=Retry(**params["retry"]),
        **{name: params[name] for name in same},
        labels={key: str(value) for key, value in params["labels"].items()},
        annotations={key: str(value) for key, value in params["annotations"].items()},
    )


def wait_params(params: Result) -> Result:
    """The options of a wait for this Application alone."""
    revision = params["revision"]
    if isinstance(revision, dict):
        raise InputError("revision is a dictionary.", "Give the revision of this Application, or a list with one for each source.")
    name = params["name"]
    given = {"applications": [name], "label_selectors": None, "fail_fast": True, "must_exist": True}
    return {**params, **given, "revision": {name: revision} if revision else None}


def present(api: KubeApi, wanted: DeclaredApplication, check: bool) -> Result:
    """Raises CollectionError."""
    done = declare(api, wanted.place, lambda found: manifest(wanted, found), check)
    return {"changed": done.changed, "diff": diff(wanted.place, done.before, done.after)}


def absent(api: KubeApi, params: Result, check: bool) -> Result:
    """Raises CollectionError."""
    place = application_place(params["namespace"], params["name"])
    before, reason = remove_owned(api, place, params["platform"], params["adopt"], check, params["timeout"])
    gone = before is not None and not reason
    return {"changed": gone, "reason": reason, "diff": diff(place, before if gone else None, None)}


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(
        argument_spec=argument_spec(),
        required_if=[("state", "present", ("repo", "destination_namespace"))],
        supports_check_mode=True,
    )
    params, check = show_path(module), module.check_mode
    outcome: WaitOutcome | None = None
    result: Result = {}
    try:
        waits = params["state"] == "present" and params["wait"]
        request = build_request(wait_params(params), check) if waits else None
        api = connect(params)
        result = absent(api, params, check) if params["state"] == "absent" else present(api, declared(params), check)
        if request is not None:
            progress = open_progress(module.no_log_values)
            outcome = run_wait(api, request, time.monotonic(), params["timeout"], check=check, progress=progress)
    except CollectionError as error:
        module.fail(error, **result)
    if outcome is not None:
        for notice in outcome.notices:
            module.warn(notice)
        result |= outcome.result
        result["overtaken"] = any(row["overtaken"] for row in outcome.result["applications"])
        if outcome.error:
            module.fail(outcome.error, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
