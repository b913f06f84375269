#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_dag_files_info
short_description: Check the DAG files of a folder before they are pushed
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Parses the Python files of a folder on this machine without running them. Fails if a file has a syntax error, with file, line and
    text. For a file that C(.airflowignore) lists, it only warns.
  - Warns if a task's C(executor_config) names a namespace that is not one of O(namespaces). It finds the namespace in the C(metadata) of
    C(pod_override) and in the older C(KubernetesExecutor), as a literal or as a variable that the file sets once.
  - Warns of tasks that send requests to the Kubernetes API without credentials of their own, such as C(KubernetesPodOperator), unless they
    run in one of O(pod_operator_namespaces). If the file alone does not say where a task runs, there is no warning.
  - Parses with the Python of this machine, which may be newer or older than that of Airflow's image. To wait for the result of Airflow's
    own parser, use M(gitops.airflow.airflow_dags_wait).
extends_documentation_fragment:
  - gitops.airflow.attributes.read_only
options:
  source_dir:
    description: A local folder. The module selects its files in the same way as O(gitops.airflow.git_publish#module:source_dir).
    type: str
    required: true
  namespaces:
    description: The namespaces that tasks may use. If the list is empty, namespaces are not checked.
    type: list
    elements: str
    default: []
  pod_operator_namespaces:
    description: The namespaces whose tasks may make pods there.
    type: list
    elements: str
    default: []
  default_namespace:
    description: The namespace of tasks that name none.
    type: str
    default: ""
  airflow_version:
    description:
      - The version of Airflow that runs the tasks.
      - Before 2.10.4, a task with C(@task.kubernetes) that names no namespace makes its pod in C(default). The module warns of it for
        such a version, and if this option is empty.
    type: str
    default: ""
  names:
    description: Names to use for this module's options in RV(next_action), by the names of the options.
    type: dict
    default: {}
notes:
  - C(.airflowignore) is read as regular expressions, which is Airflow's default before 3.0.
seealso:
  - module: gitops.airflow.git_publish
  - module: gitops.airflow.airflow_dags_wait
"""

EXAMPLES = r"""
- name: Check the syntax of the DAG files in a folder
  gitops.airflow.airflow_dag_files_info:
    source_dir: ~/work/dags

- name: Check the DAGs before they are pushed
  gitops.airflow.airflow_dag_files_info:
    source_dir: ~/work/dags
    namespaces: [airflow-core, airflow-cron, airflow-user]

- name: Check DAGs whose tasks make pods in the namespace airflow-batch
  gitops.airflow.airflow_dag_files_info:
    source_dir: ~/work/dags
    namespaces: [airflow-core, airflow-batch]
    default_namespace: airflow-core
    pod_operator_namespaces: [airflow-batch]
    airflow_version: 2.6.3

- name: Refuse DAG files with a warning
  gitops.airflow.airflow_dag_files_info:
    source_dir: ~/work/dags
    namespaces: [airflow-core]
  register: checked
  failed_when: checked is failed or checked.warnings | default([]) != []

- name: Check the files, push them, and wait until Airflow has read them
  block:
    - name: Check the files
      gitops.airflow.airflow_dag_files_info:
        source_dir: ~/work/dags
        namespaces: [airflow-core]
      register: checked

    - name: Push the files
      gitops.airflow.git_publish:
        repo: https://git.example.com/data/dags.git
        credentials: {username: deploy, password: "{{ vault_token }}"}
        source_dir: ~/work/dags
      register: pushed

    - name: Wait until Airflow has read them
      gitops.airflow.airflow_dags_wait:
        commit: "{{ pushed.commit }}"
        pushed:
          files: "{{ pushed.source_files }}"
          imported_files: "{{ checked.imported_files }}"
          dag_files: "{{ checked.dag_files }}"
"""

RETURN = r"""
imported_files:
  description: The files that Airflow imports, which are archives and Python files with the words C(dag) and C(airflow).
  returned: success
  type: list
  elements: str
  sample: [orders.py, shared/tables.py]
dag_files:
  description: The files in RV(imported_files) that call C(DAG) or use the decorator C(dag).
  returned: success
  type: list
  elements: str
  sample: [orders.py]
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: The kind of failure, V(bad_dag_file) for a syntax error, V(bad_path) for O(source_dir).
  returned: failure
  type: str
"""

from collections.abc import Callable

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api_calls import Makers
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_files import IGNORE_FILE, check
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.source import source_files


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(
        argument_spec={
            "source_dir": {"type": "str", "required": True},
            "namespaces": {"type": "list", "elements": "str", "default": []},
            "pod_operator_namespaces": {"type": "list", "elements": "str", "default": []},
            "default_namespace": {"type": "str", "default": ""},
            "airflow_version": {"type": "str", "default": ""},
            "names": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    try:
        root, paths = source_files(module.params["source_dir"])
        read = {path: (root / path).read_bytes() if path.endswith((".py", IGNORE_FILE)) else b"" for path in paths}
        given = module.params
        makers = Makers(frozenset(given["pod_operator_namespaces"]), given["default_namespace"], given["airflow_version"])
        found = check(read, module.params["namespaces"], makers)
    except GitError as error:
        module.fail(error.named(module.params["names"]))
    except CollectionError as error:
        module.fail(error)
    except OSError as error:
        module.fail(CollectionError(str(error), "Correct the path in the message.", "bad_path"))
    for words in found.warnings:
        module.warn(words)
    module.exit_json(changed=False, imported_files=list(found.imported), dag_files=list(found.dag_files))


if __name__ == "__main__":
    main()
