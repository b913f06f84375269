# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: git_credentials
short_description: The credentials of a Git repository, from variables with one prefix
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Collects the variables whose names are the prefix and C(username), C(password), C(ssh_key), C(known_hosts) or C(ca), as the option
    O(gitops.airflow.git_publish#module:credentials) takes them. A variable that is not set or is empty is left out.
  - A key, host keys and a certificate authority may each be a text or the path of a file on this machine. Both are returned without the
    white space around them. A file that is encrypted with Ansible Vault is decrypted.
options:
  _terms:
    description: Prefixes. A path may begin with a tilde. A relative path begins in the folder in which Ansible was started.
    required: true
"""

EXAMPLES = r"""
- name: Push with the credentials in the variables dags_username, dags_password and dags_ca
  gitops.airflow.git_publish:
    repo: https://git.corp.example/data/dags.git
    source_dir: dags
    credentials: "{{ lookup('gitops.airflow.git_credentials', 'dags_') }}"
"""

RETURN = r"""
_raw:
  description: The credentials for each prefix.
  type: list
  elements: dict
"""

import os
from typing import Any

from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import KINDS


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: Any = None, **_kwargs: Any) -> list[dict[str, str]]:
        return [self._credentials(str(prefix), variables) for prefix in terms]

    def _credentials(self, prefix: str, variables: Any) -> dict[str, str]:
        names = [prefix + name for name in KINDS]
        values = dict(zip(KINDS, self._lookup("vars").run(names, variables, default=""), strict=True))
        texts = {name: "" if value is None else str(value) for name, value in values.items()}
        found = {name: self._text(text, variables) if KINDS[name].text else text for name, text in texts.items()}
        return {name: text for name, text in found.items() if text}

    def _text(self, given: str, variables: Any) -> str:
        path = os.path.abspath(os.path.expanduser(given)) if given.strip() else ""
        # A text of many lines is not a path, and isfile says so.
        if not os.path.isfile(path):
            return given.strip()
        (text,) = self._lookup("file").run([path], variables)
        return str(text).strip()

    def _lookup(self, name: str) -> Any:
        return lookup_loader.get(f"ansible.builtin.{name}", loader=self._loader, templar=self._templar)
