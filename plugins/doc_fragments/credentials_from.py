# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of a Git server that are in a Secret."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  credentials_from:
    description:
      - A Secret of the cluster with the password or token at the Git server. The module reads it through the Kubernetes API, so that the
        value is in no variable, log or result. O(credentials.password) is then not used.
      - In check mode there are no credentials yet if the Secret does not exist.
    type: dict
    suboptions:
      namespace:
        description: Its namespace.
        type: str
        required: true
      name:
        description: Its name.
        type: str
        required: true
      username_key:
        description: Its key with the user name. Empty for O(credentials.username).
        type: str
        default: ""
      password_key:
        description: Its key with the password or token.
        type: str
        default: password
      check_key:
        description:
          - In check mode, the key to use if O(credentials_from.password_key) does not exist yet. A run may add keys to a Secret, and a
            check only reads. Empty for none.
        type: str
        default: ""
      platform:
        description: The platform whose mark the Secret must have. Another platform's Secret is refused. Empty for any Secret.
        type: str
        default: ""
"""
