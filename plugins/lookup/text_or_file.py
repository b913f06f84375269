# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: text_or_file
short_description: A text that is given itself, or as a file
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Returns the content of a file if the text is the path of one on this machine, otherwise the text itself. Both without the white space
    around it.
  - It is for keys, host keys and certificates, which some people keep in files and others in variables.
  - A file that is encrypted with Ansible Vault is decrypted.
options:
  _terms:
    description: Texts or paths. A path may begin with a tilde. A relative path begins in the folder in which Ansible was started.
    required: true
"""

EXAMPLES = r"""
- name: Let Argo CD trust the certificate authority of the company
  gitops.airflow.argocd_repository:
    platform: airflow
    name: platform-repository
    repo: https://git.corp.example/team/platform.git
    ca_content: "{{ lookup('gitops.airflow.text_or_file', corporate_ca) }}"
"""

RETURN = r"""
_raw:
  description: The texts.
  type: list
  elements: str
"""

import os
from typing import Any

from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: Any = None, **_kwargs: Any) -> list[str]:
        return [self._text(str(term), variables) for term in terms]

    def _text(self, given: str, variables: Any) -> str:
        path = os.path.abspath(os.path.expanduser(given)) if given.strip() else ""
        # A text of many lines is not a path, and isfile says so.
        if not os.path.isfile(path):
            return given.strip()
        files = lookup_loader.get("ansible.builtin.file", loader=self._loader, templar=self._templar)
        (text,) = files.run([path], variables)
        return str(text).strip()
