# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: role_files
short_description: The files of a role's folder, as texts
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Reads every file in a folder below C(files/) of the role, and renders every template in the folder of the same name below C(templates/).
    Either folder may be missing. A folder of that name elsewhere, such as beside the playbook, is never read.
  - The result is a dictionary from paths in the folder to texts, as the option O(gitops.airflow.git_publish#module:files) takes it. The
    path of a template is without its extension C(.j2).
  - Hidden files, except C(.airflowignore), and what Python caches are left out.
options:
  _terms:
    description: Folders, as paths below C(files/) and C(templates/).
    required: true
  without:
    description: Paths of files that are left out, in the folder.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Publish a chart that is part of a role
  gitops.airflow.git_publish:
    repo: https://git.corp.example/data/platform.git
    folder: platform/reports
    files: "{{ lookup('gitops.airflow.role_files', 'charts/reports', without=['README.md']) }}"
"""

RETURN = r"""
_raw:
  description: The texts of each folder, by their paths in it.
  type: list
  elements: dict
"""

import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.source import source_files

TEMPLATE = ".j2"


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[dict[str, str]]:
        self.set_options(var_options=variables, direct=kwargs)
        return [self._texts(str(folder), variables) for folder in terms]

    def _texts(self, folder: str, variables: Any) -> dict[str, str]:
        """Raises AnsibleError if the role has no such folder, a file has two sources, or a path to leave out does not exist."""
        copied = self._paths("files", folder, variables)
        rendered = {path.removesuffix(TEMPLATE): source for path, source in self._paths("templates", folder, variables).items()}
        if not copied and not rendered:
            raise AnsibleError(f"The role has no folder files/{folder} or templates/{folder}.")
        without, both = set(self.get_option("without")), sorted(copied.keys() & rendered.keys())
        unknown = sorted(without - copied.keys() - rendered.keys())
        if both or unknown:
            wrong = f"has a file and a template for {', '.join(both)}" if both else f"has no file {', '.join(unknown)}"
            raise AnsibleError(f"The role's folder {folder} {wrong}.")
        texts = {path: self._text("file", source, variables, rstrip=False) for path, source in copied.items() if path not in without}
        return texts | {path: self._text("template", source, variables) for path, source in rendered.items() if path not in without}

    def _paths(self, kind: str, folder: str, variables: Any) -> dict[str, str]:
        """Where the files of a folder are, by their paths in it; empty if there is no such folder.

        Ansible's own search continues beside the playbook, where a folder of the same name has files of others.
        """
        role = (variables or {}).get("role_path")
        if not role:
            raise AnsibleError("role_files reads the files of a role, and there is no role here. Use it in a task of a role.")
        found = os.path.join(str(role), kind, folder)
        if not os.path.isdir(found):
            return {}
        try:
            root, paths = source_files(found)
        except GitError as error:
            raise AnsibleError(str(error)) from error
        return {path: str(root / path) for path in paths}

    def _text(self, kind: str, path: str, variables: Any, **options: Any) -> str:
        (text,) = lookup_loader.get(f"ansible.builtin.{kind}", loader=self._loader, templar=self._templar).run([path], variables, **options)
        return str(text)
