# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: bcrypt_hash
short_description: Hashes a password with bcrypt
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Hashes a password with bcrypt, for example for Argo CD's admin account.
  - Each call gives another hash, because each has its own salt. See P(gitops.airflow.bcrypt_matches#filter) for comparing.
options:
  _input:
    description: The password. At most 72 bytes, because bcrypt ignores the rest, and without NUL.
    type: str
    required: true
  rounds:
    description: Cost, the logarithm to base 2 of the number of rounds. From 4 to 31.
    type: int
    default: 10
requirements:
  - bcrypt
seealso:
  - plugin: gitops.airflow.bcrypt_matches
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Set the password of Argo CD's admin
  kubernetes.core.k8s:
    definition:
      apiVersion: v1
      kind: Secret
      metadata: {name: argocd-secret, namespace: argocd}
      stringData:
        admin.password: "{{ argocd_admin_password | gitops.airflow.bcrypt_hash }}"
"""

RETURN = r"""
_value:
  description: The hash, 60 characters.
  type: str
  sample: $2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

try:
    import bcrypt
except ImportError:
    HAS_BCRYPT = False
else:
    HAS_BCRYPT = True

LONGEST = 72


def bcrypt_hash(password: Any, rounds: int = 10) -> str:
    """The bcrypt hash of a password, in the `$2a$` form. Raises AnsibleFilterError on what bcrypt cannot hash."""
    if not HAS_BCRYPT:
        raise AnsibleFilterError("bcrypt_hash needs the Python library bcrypt on the controller")
    if not isinstance(password, str):
        raise AnsibleFilterError(f"bcrypt_hash needs a text, got {type(password).__name__}")
    secret = password.encode()
    if not secret or len(secret) > LONGEST or b"\0" in secret:
        raise AnsibleFilterError(f"bcrypt_hash needs a password of 1 to {LONGEST} bytes without NUL, got {len(secret)} bytes")
    if not 4 <= rounds <= 31:
        raise AnsibleFilterError(f"bcrypt_hash: rounds is {rounds}, it must be from 4 to 31")
    return bcrypt.hashpw(secret, bcrypt.gensalt(rounds, prefix=b"2a")).decode()


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"bcrypt_hash": bcrypt_hash}
