#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: support_bundle
short_description: Collect logs, events, manifests and versions of namespaces in one archive, without secrets
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Writes a C(.tar.gz) with the objects of the namespaces, their events, the logs of all containers (also those before a restart), nodes,
    volumes and versions.
  - The file C(causes.txt) lists pods that do not run, with the cause and the next step.
  - Of a Secret the archive contains only the names of the keys. In all other files the module masks the values of the Secrets in these
    namespaces, also in encoded form. It also masks O(mask), passwords in URLs, tokens in headers, private keys, and values that have a
    secret's name or come from a Secret. A short value, or a value that is also a name, is masked only where the context shows that it is
    a secret.
  - At the end the module decodes each file and searches it for the same values. It leaves out a file that still contains a secret, and
    lists it in C(not-collected.txt).
  - Leaves out a namespace whose Secrets it may not read, because it could not mask their values.
  - For a kind cluster (O(kind_cluster)) also collects Docker's information about the cluster, and the journals of its nodes. Each of
    these commands ends after at most 10 seconds.
  - Lists what it cannot read in C(not-collected.txt). A cluster that does not answer, or does not exist, is not a failure.
attributes:
  check_mode:
    support: full
    details: Collects nothing and writes nothing.
  diff_mode:
    support: none
    details: An archive has no useful difference.
extends_documentation_fragment:
  - gitops.airflow.kubernetes_auth
  - gitops.airflow.attributes
options:
  path:
    description: Path of the archive to write. The module creates the folder. Only the owner of the archive may read it.
    type: path
    required: true
  namespaces:
    description: Namespaces to collect from. The module ignores empty names and namespaces that do not exist.
    type: list
    elements: str
    required: true
  platform:
    description: Name of the platform. The module leaves out objects with the labels of another platform. Empty for all objects.
    type: str
    default: ""
  tail:
    description: Number of lines to collect of each log.
    type: int
    default: 5000
  files:
    description: Further files for the archive, as texts by file name. The module masks them, too.
    type: dict
    default: {}
  kind_cluster:
    description: Name of the kind cluster on this machine. Empty for another kind of cluster.
    type: str
    default: ""
  kind_binary:
    description: Path of the kind command. The module adds its version to the archive.
    type: path
    default: kind
  mask:
    description: Further values to mask, such as passwords that no Secret holds in clear. Values shorter than 6 characters
      are masked only after a secret's name, in URLs and in log-ins.
    type: list
    elements: str
    default: []
seealso:
  - module: gitops.airflow.platform_status
"""

EXAMPLES = r"""
- name: Collect the evidence of one namespace
  gitops.airflow.support_bundle:
    path: /tmp/airflow.tar.gz
    namespaces: [airflow-core]

- name: Collect the evidence of a kind cluster, also the journals of its nodes
  gitops.airflow.support_bundle:
    path: /tmp/airflow.tar.gz
    namespaces: [argocd, airflow-core, airflow-cron, airflow-user]
    mask: ["{{ argocd_admin_password }}"]
    kind_cluster: airflow

- name: Collect short logs of another cluster
  gitops.airflow.support_bundle:
    path: "~/bundles/production-{{ ticket }}.tar.gz"
    kubeconfig: ~/.kube/config
    context: production
    namespaces: [argocd, airflow-core]
    tail: 500

- name: Add the state of the platform and the settings to the archive
  block:
    - name: Read the state
      gitops.airflow.platform_status:
        platform: {name: airflow}
      register: state

    - name: Collect the evidence
      gitops.airflow.support_bundle:
        path: /tmp/airflow.tar.gz
        namespaces: [argocd, airflow-core]
        files:
          status.txt: "{{ state.text }}"
          settings.yml: "{{ airflow_app_values | to_nice_yaml }}"

- name: Collect the evidence if Airflow does not start, and name what is missing in the archive
  block:
    - name: Wait until Airflow runs
      gitops.airflow.workload_wait:
        namespace: airflow-core
  rescue:
    - name: Collect the evidence
      gitops.airflow.support_bundle:
        path: /tmp/airflow.tar.gz
        namespaces: [argocd, airflow-core]
      register: bundle

    - name: End with the place of the archive
      ansible.builtin.fail:
        msg: "Airflow does not run. Send {{ bundle.path }} to your platform team. {{ bundle.notes | join(' ') }}"
"""

RETURN = r"""
path:
  description: The archive.
  returned: always
  type: str
files:
  description: What it holds, with the size of each file in bytes.
  returned: always
  type: list
  elements: dict
  sample: [{name: airflow-core/events.json, size: 10420}]
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: V(bad_path).
  returned: failure
  type: str
notes:
  description: What the module could not collect, with the reasons.
  returned: always
  type: list
  elements: str
text:
  description: The archive and what it lacks, for a person.
  returned: success
  type: str
"""

import os
from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable_values
from ansible_collections.gitops.airflow.plugins.module_utils._kind.evidence import evidence
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._support.bundle import Bundle
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def argument_spec() -> dict[str, Any]:
    return {
        **AUTH_ARG_SPEC,
        "path": {"type": "path", "required": True},
        "namespaces": {"type": "list", "elements": "str", "required": True},
        "platform": {"type": "str", "default": ""},
        "tail": {"type": "int", "default": 5000},
        "files": {"type": "dict", "default": {}},
        "kind_cluster": {"type": "str", "default": ""},
        "kind_binary": {"type": "path", "default": "kind"},
        "mask": {"type": "list", "elements": "str", "default": [], "no_log": True},
    }


REMINDER = "Secrets are masked. Read the archive before you share it: a DAG may print a secret that cannot be recognized."


def write(path: str, content: bytes) -> None:
    """Whole or not at all, and nobody else's to read from the first byte on."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    part = f"{path}.part"
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)
    os.replace(part, path)


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    params = show_path(module)
    path = params["path"]
    if module.check_mode:
        module.exit_json(changed=True, path=path, files=[], notes=[], text=f"A run without check mode writes {path}.")
    bundle = Bundle(
        lambda: connect(params), list(dict.fromkeys(filter(None, params["namespaces"]))), params["tail"], params["mask"], params["platform"]
    )
    more = {name: str(text) for name, text in params["files"].items()}
    if params["kind_cluster"]:
        host, bundle.notes = evidence(params["kind_cluster"], params["kind_binary"])
        more |= host
    bundle.read(more)
    try:
        write(path, bundle.archive(os.path.basename(path).removesuffix(".tar.gz")))
    except OSError as error:
        module.fail(CollectionError(f"path {path!r} cannot be written: {error}.", "Free space, or give another path.", "bad_path"))
    files, notes = bundle.contents(), printable_values(bundle.notes)
    text = "\n".join([f"{path} ({len(files)} files)", *(f"not collected: {note}" for note in notes), REMINDER])
    module.exit_json(changed=True, path=path, files=files, notes=notes, text=text)


if __name__ == "__main__":
    main()
