#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_objects
short_description: Apply, delete or label objects of a platform
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Applies objects with the platform's mark, or deletes the given objects if they carry the mark.
  - Never overwrites an object of others. Depending on O(foreign), the module fails before it changes anything, or leaves the object
    unchanged and returns it with the reason.
  - The mark is the pair of labels C(app.kubernetes.io/part-of=gitops-airflow) and C(gitops-airflow/platform) with the platform's name.
  - With O(state=present) the objects are applied by server-side apply with the field manager C(gitops.airflow), in the order in which
    Kubernetes can use them. One request reads each object, and a second one changes it only if it is not as declared.
  - With O(state=absent) an object that does not exist is skipped. The module warns about each object that stays, with the reason.
  - Deletes a namespace only if the collection created it (label C(gitops-airflow/made)) and it contains no object of others.
  - Deletes Argo CD's CRDs only if no Application, ApplicationSet or AppProject of others exists anywhere in the cluster.
  - Deletes a ClusterRole only if no binding of others uses it, and a ClusterRoleBinding of Argo CD only if it gives no rights to others.
attributes:
  check_mode:
    support: full
    details: The API server calculates what an apply would change (dry run). Reports objects whose namespace or kind does not exist yet as
      created.
  diff_mode:
    support: full
    details: Of a Secret only the keys are shown, and which of them change.
extends_documentation_fragment:
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
  - gitops.airflow.object_list
  - gitops.airflow.platform_owner
  - gitops.airflow.platform_owner.adopt
options:
  state:
    description:
      - With V(present) O(definitions) are applied, and the platform's mark is added to the labels of each, never to those of pod
        templates. A namespace also gets the label C(gitops-airflow/made). What the record in O(argocd_namespace) names gets no label.
      - With V(absent) O(objects) and what O(definitions) name are deleted.
      - With V(marked) objects of an older version of this collection get the platform's mark. Nothing but their labels is changed.
    type: str
    choices: [present, absent, marked]
    default: present
  definitions:
    description:
      - The objects to apply with O(state=present), as YAML text of one or more documents, as a dictionary or as a list of dictionaries.
      - With O(state=absent) these objects are deleted after O(objects), in the reverse of the order in which they would be applied. Only
        their kinds, names and namespaces count.
      - The text and the values of Secrets in it are neither returned nor logged.
    type: raw
  namespace:
    description: Namespace of those O(definitions) that name none, and of the Secrets in O(substitute_from).
    type: str
    default: ""
  foreign:
    description:
      - What happens if one of O(definitions) has the name of an object that is not this platform's.
      - With V(refuse) the module fails before it changes anything.
      - With V(keep) the module does not change that object, and returns it in RV(kept). So the platform can use an existing namespace.
    type: str
    choices: [refuse, keep]
    default: refuse
  yield_to:
    description:
      - Objects of O(definitions), as V(KIND/NAME), that decide about all of them. If one of these objects exists and is not this
        platform's, others already provide the service. Then the module applies nothing, and RV(yielded) is true.
    type: list
    elements: str
    default: []
  substitute_from:
    description:
      - Names of Secrets in O(namespace) whose values are inserted in the Secrets among O(definitions), in place of C(${NAME/KEY}). They
        are read only if such a placeholder names them.
    type: list
    elements: str
    default: []
  recreate:
    description:
      - Whether to delete and recreate Jobs of this platform that have failed, or whose definition differs in fields that cannot be changed.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the applied Deployments, StatefulSets and DaemonSets have rolled out, Jobs are complete, CRDs are
        established and APIServices are available, by the rules of M(gitops.airflow.workload_wait). The module waits only for objects
        that are not ready yet.
      - The module applies APIServices and webhook configurations last, with O(wait) after the roll-out. A registered API whose server
        does not answer would block the deletion of namespaces.
      - In check mode the module does not wait.
    type: bool
    default: false
  wait_for_objects:
    description:
      - Collections, each as C(GROUP/VERSION/PLURAL), that must contain an object before O(wait) ends. An available API may have no data
        yet.
      - The module reads them only if it waited for an object.
    type: list
    elements: str
    default: []
  grace:
    description: Seconds for which a workload may be stuck before O(wait) fails.
    type: float
    default: 60
  next_action:
    description: Text for RV(next_action) if the module's own advice is too general.
    type: dict
    default: {}
    suboptions:
      foreign:
        description: What to do if objects of others are refused, instead of the module's advice.
        type: str
        default: ""
      wait:
        description: What to do if O(wait) fails, in addition to the advice for the cause.
        type: str
        default: ""
  objects:
    description: The objects to delete with O(state=absent) or to mark with O(state=marked), in the order in which they are deleted.
  report_kept:
    description:
      - When the module warns about objects that stay with O(state=absent). RV(kept) always lists them.
      - With V(if_removed) the module warns only if it deleted at least one object.
    type: str
    choices: [always, if_removed]
    default: always
  in_use_by:
    description:
      - Names of other platforms that may use the objects with O(state=absent). If there are any, the module deletes nothing. It warns about
        those of the objects that are this platform's.
    type: list
    elements: str
    default: []
  argocd_namespace:
    description:
      - Namespace of the platform's Argo CD. Objects that its ConfigMap C(argocd-installed) names belong to the platform.
    type: str
    default: ""
  application:
    description:
      - Name of the platform's Application. Objects with Argo CD's tracking of this Application, or with the chart's C(release), are the
        platform's.
      - With O(state=present) this holds only for Roles and RoleBindings of worker namespaces, which Argo CD applied in an older version.
        They get the platform's mark.
    type: str
    default: ""
  timeout:
    description:
      - Seconds to wait until deleted objects are gone.
      - With O(wait) seconds to wait for the roll-out, again for the APIServices that are applied after it, and again for
        O(wait_for_objects).
    type: float
    default: 180
seealso:
  - module: gitops.airflow.argocd_install
  - module: gitops.airflow.generated_secret
  - module: gitops.airflow.platform_ownership_info
  - module: gitops.airflow.workload_wait
"""

EXAMPLES = r"""
- name: Create the namespaces of a platform, and use those that exist as they are
  gitops.airflow.platform_objects:
    platform: airflow
    foreign: keep
    definitions:
      - {apiVersion: v1, kind: Namespace, metadata: {name: airflow-core}}
      - {apiVersion: v1, kind: Namespace, metadata: {name: airflow-cron}}

- name: Run a web server, and wait until it has rolled out
  gitops.airflow.platform_objects:
    platform: airflow
    namespace: git
    definitions: "{{ lookup('ansible.builtin.template', 'web-server.yaml.j2') }}"
    wait: true
    timeout: 300

- name: Create the accounts of a server from generated keys, and run the Job that sets it up again if its program has changed
  gitops.airflow.platform_objects:
    platform: airflow
    namespace: store
    definitions: |
      apiVersion: v1
      kind: Secret
      metadata: {name: accounts}
      stringData:
        users.txt: "reader:${store-generated/reader}"
      ---
      apiVersion: batch/v1
      kind: Job
      metadata: {name: setup}
      spec:
        template:
          metadata: {annotations: {program: "{{ program | hash('sha256') }}"}}
          spec:
            restartPolicy: Never
            containers: [{name: setup, image: "registry.example/setup:1.2.3"}]
    substitute_from: [store-generated]
    recreate: true
    wait: true

- name: Install metrics-server unless others serve its API
  gitops.airflow.platform_objects:
    platform: airflow
    definitions: "{{ lookup('ansible.builtin.file', 'metrics-server.yaml') }}"
    yield_to: [APIService/v1beta1.metrics.k8s.io]
    wait: true
    wait_for_objects: [metrics.k8s.io/v1beta1/nodes]
    next_action:
      foreign: Delete the metrics-server that is there, or leave this one out.
      wait: Look at its log (kubectl -n kube-system logs deploy/metrics-server).
  register: metrics_server

- name: Delete a namespace if this platform made it and nobody else uses it
  gitops.airflow.platform_objects:
    state: absent
    platform: airflow
    application: airflow-core
    objects:
      - {kind: Namespace, name: airflow-cron}
  register: deleted

- name: Delete what a file of definitions declares, and warn about objects of others only if something was deleted
  gitops.airflow.platform_objects:
    state: absent
    platform: airflow
    definitions: "{{ lookup('ansible.builtin.file', 'metrics-server.yaml') }}"
    report_kept: if_removed

- name: Adopt objects of an older version of the collection
  gitops.airflow.platform_objects:
    state: marked
    platform: airflow
    objects: "{{ ownership.unmarked }}"
"""

RETURN = r"""
objects:
  description:
    - The applied objects in the order of the apply, each with C(api_version), C(kind), C(namespace), C(name), C(uid), C(result), C(open).
    - C(result) is C(created), C(changed), C(recreated) or C(same), in check mode what it would be.
    - C(open) says what the object still waited for when it was applied, such as C(0 of 1 pods are available). It is empty if the object
      was ready.
  returned: when O(state=present)
  type: list
  elements: dict
  sample:
    - api_version: apps/v1
      kind: Deployment
      namespace: git
      name: gitea
      uid: 5d0c0a5e-8f0c-4a0e-9d8e-0d5f0b1a2c3d
      result: changed
      open: its controller has not seen the change yet
created:
  description: Objects that were created, or in check mode would be, by kind and name.
  returned: when O(state=present)
  type: list
  elements: str
  sample: [Namespace airflow-cron, Deployment git/gitea]
waited:
  description: The objects that were waited for.
  returned: when O(state=present)
  type: list
  elements: str
  sample: [Deployment/gitea]
yielded:
  description: Whether nothing was applied because others have one of O(yield_to).
  returned: when O(state=present)
  type: bool
workloads:
  description: The last known state of each object that was waited for, with C(open) and C(causes).
  returned: when the wait failed
  type: list
  elements: dict
events:
  description: The latest warnings of the namespaces.
  returned: when the wait failed
  type: list
  elements: str
refused:
  description: The objects that are not this platform's, each with its C(reason).
  returned: when one was refused
  type: list
  elements: dict
removed:
  description: Objects that were deleted, or in check mode would be.
  returned: success, when O(state=absent)
  type: list
  elements: dict
  sample: [{api_version: v1, kind: Secret, namespace: airflow-core, name: airflow-admin}]
in_use:
  description: Why nothing was deleted, if platforms in O(in_use_by) may use objects of this platform. Otherwise empty.
  returned: success, when O(state=absent)
  type: str
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
  description: What to do about the failure.
  returned: failure
  type: str
code:
  description: The kind of failure, for instance V(timeout), V(forbidden) or V(unreachable).
  returned: failure
  type: str
"""

from collections.abc import Callable
from typing import Any, NoReturn

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule, conceal
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.definitions import read_definitions
from ansible_collections.gitops.airflow.plugins.module_utils._kube.settle import NotSettled
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import OBJECT_SPEC, Ref, ref_from
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import (
    Applied,
    Refused,
    Wishes,
    apply_objects,
    change_diff,
    change_rows,
    placed,
    read_sources,
    secret_values,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_delete import (
    Deletion,
    Removed,
    defined_refs,
    mark,
    notices,
    objects_in_use,
    read_scope,
    stays,
)
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "state": {"type": "str", "choices": ["present", "absent", "marked"], "default": "present"},
        "platform": {"type": "str", "required": True},
        # The module takes from what Ansible hides all but the values of Secrets: the rest is names, which messages need.
        "definitions": {"type": "raw", "no_log": True},
        "namespace": {"type": "str", "default": ""},
        "foreign": {"type": "str", "choices": ["refuse", "keep"], "default": "refuse"},
        "yield_to": {"type": "list", "elements": "str", "default": []},
        "substitute_from": {"type": "list", "elements": "str", "default": []},
        "recreate": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": False},
        "wait_for_objects": {"type": "list", "elements": "str", "default": []},
        "grace": {"type": "float", "default": 60},
        "next_action": {"type": "dict", "default": {}, "options": {name: {"type": "str", "default": ""} for name in ("foreign", "wait")}},
        "objects": {"type": "list", "elements": "dict", "default": [], "options": OBJECT_SPEC},
        "report_kept": {"type": "str", "choices": ["always", "if_removed"], "default": "always"},
        "in_use_by": {"type": "list", "elements": "str", "default": []},
        "argocd_namespace": {"type": "str", "default": ""},
        "application": {"type": "str", "default": ""},
        "adopt": {"type": "bool", "default": False},
        "timeout": {"type": "float", "default": 180},
    }


def kept(pairs: list[tuple[Ref, str]]) -> dict[str, Any]:
    return {
        "kept": [{**ref.as_dict(), "reason": reason} for ref, reason in pairs],
        "text": "\n".join(stays(pairs)),
    }


def advice(params: dict[str, Any], failure: str) -> str:
    return str((params["next_action"] or {}).get(failure) or "")


def present(module: AnsibleModule) -> NoReturn:
    """Applies the definitions."""
    params = module.params
    definitions = params["definitions"]
    conceal(module, "definitions", ())
    try:
        bodies = read_definitions(definitions)
        api = connect(params)
        scope = read_scope(api, params["platform"], params["application"], params["adopt"], params["argocd_namespace"])
        sources = read_sources(api, bodies, params["namespace"], params["substitute_from"], module.check_mode)
        items = placed(api, bodies, scope, params["namespace"], sources)
        conceal(module, "definitions", secret_values(items, sources), [str(target) for target in items])
        names = ("recreate", "wait", "timeout", "grace")
        given = {name: params[name] for name in names}
        wishes = Wishes(params["foreign"] == "keep", tuple(params["yield_to"]), tuple(params["wait_for_objects"]), **given)
        outcome = apply_objects(api, items, scope, wishes, check=module.check_mode)
    except Refused as error:
        error.next_action = advice(params, "foreign") or error.next_action
        module.fail(error, refused=[{**ref.as_dict(), "reason": reason} for ref, reason in error.objects])
    except CollectionError as error:
        module.fail(error)
    finish(module, outcome)


def finish(module: AnsibleModule, outcome: Applied) -> NoReturn:
    """Returns what became of the definitions."""
    for notice in outcome.settled.notices:
        module.warn(notice)
    result: dict[str, Any] = {
        "changed": any(change.result != "same" for change in outcome.changes),
        "objects": change_rows(outcome.changes),
        "created": [str(change.target) for change in outcome.changes if change.result == "created"],
        "waited": outcome.settled.waited,
        "yielded": outcome.yielded,
        **kept(outcome.kept),
    }
    if outcome.failure is None:
        module.exit_json(**result, **({"diff": change_diff(outcome.changes)} if module._diff else {}))
        raise AssertionError("exit_json has ended the module")
    error = outcome.failure
    if isinstance(error, NotSettled):
        result |= {"workloads": error.workloads, "events": error.events}
        error.next_action = " ".join(filter(None, [error.next_action, advice(module.params, "wait")]))
    module.fail(error, **result)


def remove(module: AnsibleModule) -> Removed:
    """Deletes the objects, then what the definitions name. Raises CollectionError."""
    params = module.params
    refs, bodies = [ref_from(item) for item in params["objects"]], []
    if params["definitions"] is not None:
        definitions = params["definitions"]
        conceal(module, "definitions", ())
        bodies = read_definitions(definitions)
    api = connect(params)
    scope = read_scope(api, params["platform"], params["application"], params["adopt"], params["argocd_namespace"])
    refs += defined_refs(api, bodies, params["namespace"])
    deletion = Deletion(api, scope, check=module.check_mode, skip_unreadable=True)
    if params["in_use_by"]:
        return Removed(in_use=objects_in_use(deletion.owned(refs), params["in_use_by"]))
    return deletion.delete(refs, params["timeout"])


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(
        argument_spec=argument_spec(),
        supports_check_mode=True,
        required_if=[("state", "present", ("definitions",))],
    )
    params = show_path(module)
    if params["state"] == "present":
        present(module)
    try:
        if params["state"] == "marked":
            marked, others = mark(connect(params), params["platform"], [ref_from(item) for item in params["objects"]], module.check_mode)
            after = "".join(f"marked: {ref}\n" for ref in marked)
            module.exit_json(
                changed=bool(marked), marked=[ref.as_dict() for ref in marked], diff={"before": "", "after": after}, **kept(others)
            )
        outcome = remove(module)
    except CollectionError as error:
        module.fail(error)
    result = {"removed": [ref.as_dict() for ref in outcome.removed], "in_use": outcome.in_use, **kept(outcome.kept)}
    for line in filter(None, [outcome.in_use, *notices(outcome, params["report_kept"])]):
        module.warn(line)
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
