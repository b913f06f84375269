#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: argocd_install
short_description: Install Argo CD from its manifest
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Applies Argo CD's C(install.yaml) by server-side apply with the field manager C(gitops.airflow), and waits until it has rolled out.
  - The ConfigMap C(argocd-installed) in O(namespace) records which manifest is applied and which objects it has, before the first of them
    is applied. The module does not apply the same manifest again, and continues an interrupted run.
  - Creates the Secret C(argocd-redis) with a random password for Redis before Argo CD's pods, if the Secret does not exist. Otherwise
    these pods could not start until Redis has created it.
  - Fails before it changes anything if the cluster has an Argo CD that is not in this record, or objects of others with the names of
    objects in the manifest.
  - Installs the objects of the manifest's namespace C(argocd) in O(namespace). Replaces C(imagePullPolicy) C(Always) with
    C(IfNotPresent), so that nodes use images that they already have. With O(image_registry) it also replaces the registry of each image.
    O(checksum) is that of the file, and the file is not changed.
attributes:
  check_mode:
    support: full
    details: The API server calculates what an apply would change (dry run). The module does not wait, and does not store a download.
  diff_mode:
    support: full
    details: Shows only the keys of a Secret, and of the admin's password only that it changes.
extends_documentation_fragment:
  - gitops.airflow.platform_owner
  - gitops.airflow.platform_owner.adopt
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  state:
    description:
      - With V(present) Argo CD is installed or changed, and has rolled out.
      - With V(checked) the module changes nothing in the cluster. It fails for the same reasons as V(present).
      - With V(absent) the module deletes the objects in the record, and then the record. The CRDs stay while an AppProject of others
        exists anywhere in the cluster, a ClusterRole while a binding of others uses it. The module warns about each object that stays,
        with the reason.
      - With V(absent) the module deletes nothing, and warns, while an Application or ApplicationSet of others exists anywhere in the
        cluster, because Argo CD may deploy it.
    type: str
    choices: [present, checked, absent]
    default: present
  manifest:
    description:
      - Path of Argo CD's C(install.yaml).
      - With O(state=absent) it is read only for a record of an early version of the collection, which lists no objects.
    type: path
    required: true
  url:
    description: URL to download O(manifest) from if the file does not exist, or if its checksum is not O(checksum).
    type: str
    default: ""
  checksum:
    description:
      - Checksum of the file at O(url), as C(ALGORITHM:DIGEST). In place of the digest you can give the URL of a list of digests.
      - Required with O(url).
    type: str
    default: ""
  version:
    description: Version of Argo CD to write into the record, for information only.
    type: str
    default: ""
  namespace:
    description: Namespace of Argo CD. It must exist.
    type: str
    default: argocd
  node_port:
    description: Node port of Argo CD's server. The module creates the Service C(argocd-server-node-port) for it. V(0) creates none.
    type: int
    default: 0
  image_registry:
    description:
      - A registry with an optional path, such as V(registry.example.com/mirror). It replaces the registry of each image in the manifest.
        Path, tag and digest stay.
      - If it is empty, images are pulled from where the manifest says.
    type: str
    default: ""
  pull_secrets:
    description: Names of Secrets in O(namespace) with which all pods of the manifest pull their images.
    type: list
    elements: str
    default: []
  repo_server_environment:
    description:
      - Environment variables of the repository server, which reads Git and Helm repositories, such as C(HTTPS_PROXY). Everyone who may read
        the Deployment sees the values.
    type: dict
    default: {}
  admin_password:
    description:
      - Password of Argo CD's user C(admin), 1 to 72 bytes. The module stores a new hash only if the stored hash does not match. It also
        deletes the Secret C(argocd-initial-admin-secret) with Argo CD's first password.
      - Without this option the password does not change.
    type: str
  reapply:
    description:
      - Whether to compare each object with the manifest and apply objects that differ, although the record says that this manifest was
        applied. This repairs objects that others changed or deleted.
    type: bool
    default: false
  close_default_project:
    description:
      - Whether to close Argo CD's own AppProject C(default), so that it allows no repository, no destination and no kind. Argo CD creates
        this project at its start, and lets it allow everything.
      - The module does not change the project, and warns, if an Application or ApplicationSet uses it, or if its rules were changed.
      - Needs O(wait=true). With V(false) the project does not change, whether closed or open.
    type: bool
    default: false
  absent_ok:
    description: Whether with O(state=checked) a cluster that does not answer is reported as RV(reachable=false) instead of as a failure.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait with O(state=present) until Argo CD has rolled out.
      - Required for O(admin_password), because Argo CD itself creates the Secret for the password.
    type: bool
    default: true
  wait_for:
    description:
      - The workloads to wait for with O(wait=true), each as V(KIND/NAME), such as V(Deployment/argocd-repo-server). Without this option the
        module waits for all workloads in O(namespace).
      - Argo CD can deploy Applications as soon as its application controller, its repository server and Redis run.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for the roll-out with O(state=present), and until deleted objects are gone with O(state=absent).
    type: float
    default: 300
  platform:
    description:
      - Name of the platform that owns Argo CD. The record and the node port's Service get the labels
        C(app.kubernetes.io/part-of=gitops-airflow) and C(gitops-airflow/platform) with this name.
      - The module does not label Argo CD's own objects, because Argo CD finds them by their labels. The record shows that the platform
        owns them.
requirements:
  - bcrypt (with O(admin_password))
notes:
  - Needs C(list) on ConfigMaps, Deployments, StatefulSets, ClusterRoles and their bindings in the whole cluster, and C(get), C(patch) and
    C(create) on the kinds of the manifest. For the wait also what M(gitops.airflow.workload_wait) needs.
  - With O(close_default_project) also C(get), C(patch) and C(create) on C(appprojects) in O(namespace), and C(list) on C(applications)
    and C(applicationsets) in the whole cluster.
seealso:
  - module: gitops.airflow.argocd_application
  - module: gitops.airflow.argocd_project
  - module: gitops.airflow.argocd_repository
  - module: gitops.airflow.workload_wait
"""

EXAMPLES = r"""
- name: Install Argo CD from a file
  gitops.airflow.argocd_install:
    platform: airflow
    manifest: /srv/argocd/install.yaml

- name: Install a pinned Argo CD with a node port and a password
  gitops.airflow.argocd_install:
    platform: airflow
    namespace: argocd
    manifest: /var/cache/argocd-v3.0.23.yaml
    url: https://raw.githubusercontent.com/argoproj/argo-cd/v3.0.23/manifests/install.yaml
    checksum: sha256:aa2443cddd637f8da20a123c53176a96b923fcfacd6d215212e582e221a0d5f7
    version: v3.0.23
    node_port: 30443
    admin_password: "{{ vault_argocd_password }}"

- name: Install Argo CD with images of a registry that needs a log-in
  gitops.airflow.argocd_install:
    platform: airflow
    manifest: /srv/argocd/install.yaml
    image_registry: registry.example.com/mirror  # quay.io/argoproj/argocd becomes registry.example.com/mirror/argoproj/argocd
    pull_secrets: [registry-login]

- name: Find out whether a cluster is free for Argo CD
  gitops.airflow.argocd_install:
    state: checked
    platform: airflow
    manifest: /srv/argocd/install.yaml

- name: Repair what others changed in Argo CD's objects
  gitops.airflow.argocd_install:
    platform: airflow
    manifest: /srv/argocd/install.yaml
    reapply: true

- name: Remove the Argo CD that this platform installed
  gitops.airflow.argocd_install:
    state: absent
    platform: airflow
    manifest: /srv/argocd/install.yaml
"""

RETURN = r"""
reachable:
  description: Whether the cluster answered.
  returned: success
  type: bool
open:
  description: Whether the objects of the manifest were to be applied, because the record does not say that they all were.
  returned: success, if the cluster answered, and not with O(state=absent)
  type: bool
downloaded:
  description: Whether the manifest was downloaded.
  returned: success
  type: bool
objects:
  description:
    - The objects that were applied, or in check mode would be, each with C(api_version), C(kind), C(namespace), C(name), C(uid),
      C(result), C(open). The record is the last but for the AppProject C(default).
    - C(result) is C(created), C(changed) or C(same).
  returned: when O(state=present)
  type: list
  elements: dict
password_set:
  description: Whether the admin's password was set, or in check mode would be.
  returned: when O(state=present)
  type: bool
removed:
  description: Objects that were deleted, or in check mode would be.
  returned: success, when O(state=present) or O(state=absent)
  type: list
  elements: dict
  sample: [{api_version: v1, kind: Secret, namespace: argocd, name: argocd-initial-admin-secret}]
kept:
  description: Objects that stay as they are, each with its C(reason).
  returned: success, when O(state=absent)
  type: list
  elements: dict
in_use:
  description: Why nothing was deleted, if Argo CD deploys Applications of others. Otherwise empty.
  returned: success, when O(state=absent)
  type: str
text:
  description: The objects that stay, one a line, for a person.
  returned: success, when O(state=absent)
  type: str
workloads:
  description: The last known state of each object that was waited for, with C(open) and C(causes).
  returned: when the wait failed
  type: list
  elements: dict
events:
  description: The latest warnings of the namespace.
  returned: when the wait failed
  type: list
  elements: str
next_action:
  description: What to do about the failure.
  returned: failure
  type: str
code:
  description: The kind of failure, for instance V(foreign_argocd), V(foreign_object), V(timeout), V(bad_manifest) or V(unreachable).
  returned: failure
  type: str
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.admin_password import check_password
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.install_manifest import Changes, decode
from ansible_collections.gitops.airflow.plugins.module_utils._base.download import check_download, ensure_file
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError, InputError, LibraryMissing
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import OWNER_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.settle import NotSettled
from ansible_collections.gitops.airflow.plugins.module_utils._platform.argocd_install import ArgoCDInstall, Done, Wanted
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import change_diff, change_rows
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_delete import stays
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

PRESENT = "present"
CHECKED = "checked"
ABSENT = "absent"


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "state": {"type": "str", "choices": [PRESENT, CHECKED, ABSENT], "default": PRESENT},
        "manifest": {"type": "path", "required": True},
        "url": {"type": "str", "default": ""},
        "checksum": {"type": "str", "default": ""},
        "version": {"type": "str", "default": ""},
        "namespace": {"type": "str", "default": "argocd"},
        "node_port": {"type": "int", "default": 0},
        "image_registry": {"type": "str", "default": ""},
        "pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "repo_server_environment": {"type": "dict", "default": {}},
        "admin_password": {"type": "str", "no_log": True},
        "reapply": {"type": "bool", "default": False},
        "close_default_project": {"type": "bool", "default": False},
        "absent_ok": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_for": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "float", "default": 300},
        **OWNER_SPEC,
    }


class Run:
    """One call of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module, self.params, self.check = module, show_path(module), module.check_mode
        self.downloaded = False

    @property
    def wanted(self) -> Wanted:
        """All but the manifest's text."""
        names = ("platform", "namespace", "version", "node_port", "adopt", "reapply", "close_default_project")
        return Wanted(
            path=self.params["manifest"],
            manifest_changes=Changes(*(self.params[name] for name in ("image_registry", "pull_secrets", "repo_server_environment"))),
            wait_for=tuple(self.params["wait_for"]),
            **{name: self.params[name] for name in names},
        )

    def read(self) -> str:
        """The manifest, downloaded if need be. Raises CollectionError."""
        params, path = self.params, Path(self.params["manifest"])
        if params["url"]:
            check_download(params["url"], params["checksum"])
            content, self.downloaded = ensure_file(path, params["url"], params["checksum"], check=self.check)
        elif path.is_file():
            content = path.read_bytes()
        else:
            raise InputError(
                f"manifest is '{path}', which is not a file on this machine.",
                "Give the path of Argo CD's install.yaml, or url and checksum to download it.",
                "no_manifest",
            )
        return decode(content, str(path))

    def install(self) -> NoReturn:
        """State present or checked. Raises CollectionError before anything is changed."""
        params = self.params
        if params["admin_password"] is not None:
            check_password(params["admin_password"])
            if not params["wait"]:
                raise InputError(
                    "admin_password cannot be set with wait=false: Argo CD creates the Secret for it when it starts.",
                    "Set wait=true, or give admin_password in a later task.",
                    "bad_option",
                )
        if params["url"]:
            check_download(params["url"], params["checksum"])
        else:
            self.read()
        checked = params["state"] == CHECKED
        try:
            found = ArgoCDInstall(connect(params), self.wanted, check=self.check)
        except LibraryMissing:
            raise
        except ApiError as error:
            if not (checked and params["absent_ok"] and error.status <= 0):
                raise
            self.exit(changed=False, reachable=False)
        found.read(self.read())
        if checked:
            found.refuse_foreign("Nothing was changed in the cluster.")
            self.exit(changed=self.downloaded, reachable=True, open=found.open)
        self.finish(found.install(params["timeout"] if params["wait"] else None, params["admin_password"]))

    def finish(self, done: Done) -> NoReturn:
        """Returns what was installed, and fails where it ended before its time."""
        for notice in done.notices:
            self.module.warn(notice)
        changed = self.downloaded or done.password_set or bool(done.removed) or any(item.result != "same" for item in done.changes)
        diff: dict[str, Any] = change_diff(done.changes)
        diff["before"] |= {str(ref): "exists" for ref in done.removed}
        diff["after"] |= {"password of the admin": "(changed)"} if done.password_set else {}
        result: dict[str, Any] = {
            "reachable": True,
            "open": done.open,
            "objects": change_rows(done.changes),
            "password_set": done.password_set,
            "removed": [ref.as_dict() for ref in done.removed],
        }
        error = done.failure
        if error is None:
            self.exit(changed=changed, **result, **({"diff": diff} if self.module._diff else {}))
        if isinstance(error, NotSettled):
            result |= {"workloads": error.workloads, "events": error.events}
        self.module.fail(error, changed=changed, downloaded=self.downloaded, **result)

    def remove(self) -> NoReturn:
        """State absent. Raises CollectionError."""
        found = ArgoCDInstall(connect(self.params), self.wanted, check=self.check)
        if found.needs_manifest:
            found.read(self.read())
        outcome = found.remove(self.params["timeout"])
        result: dict[str, Any] = {
            "reachable": True,
            "removed": [ref.as_dict() for ref in outcome.removed],
            "kept": [{**ref.as_dict(), "reason": reason} for ref, reason in outcome.kept],
            "in_use": outcome.in_use,
            "text": "\n".join(stays(outcome.kept)),
        }
        for line in filter(None, [outcome.in_use, *stays(outcome.kept)]):
            self.module.warn(line)
        if outcome.left:
            message = (
                f"{named(outcome.left)} still there {self.params['timeout']:g} s after the deletion was requested: a finalizer holds it."
            )
            action = "Look at its status (kubectl describe), correct what that names, and run the same command again."
            self.module.fail(CollectionError(message, action, "timeout"), changed=True, **result)
        before = "".join(f"{ref}\n" for ref in outcome.removed)
        self.exit(changed=bool(outcome.removed), diff={"before": before, "after": ""}, **result)

    def exit(self, **result: Any) -> NoReturn:
        self.module.exit_json(downloaded=self.downloaded, **result)
        raise AssertionError("exit_json has ended the module")


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    run = Run(module)
    try:
        if run.params["state"] == ABSENT:
            run.remove()
        run.install()
    except CollectionError as error:
        module.fail(error, downloaded=run.downloaded)


if __name__ == "__main__":
    main()
