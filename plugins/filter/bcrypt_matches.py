# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: bcrypt_matches
short_description: Checks whether a bcrypt hash is that of a password
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Checks whether a bcrypt hash was made from a password, so that a task changes a hash only if the password differs.
positional: password
options:
  _input:
    description: The hash. A text that is not a bcrypt hash, such as an empty one, matches no password.
    type: str
    required: true
  password:
    description: The password.
    type: str
    required: true
requirements:
  - bcrypt
seealso:
  - plugin: gitops.airflow.bcrypt_hash
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check that the stored hash is that of the password
  ansible.builtin.assert:
    that: stored_hash | gitops.airflow.bcrypt_matches(argocd_admin_password)
"""

RETURN = r"""
_value:
  description: Whether the hash is that of the password.
  type: bool
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


def bcrypt_matches(hashed: Any, password: Any) -> bool:
    """Whether a bcrypt hash (`$2a$`, `$2b$` or `$2y$`) is that of the password. Raises AnsibleFilterError on anything but text."""
    if not HAS_BCRYPT:
        raise AnsibleFilterError("bcrypt_matches needs the Python library bcrypt on the controller")
    for value in (hashed, password):
        if not isinstance(value, str):
            raise AnsibleFilterError(f"bcrypt_matches needs a text, got {type(value).__name__}")
    try:
        return bool(bcrypt.checkpw(password.encode(), hashed.encode()))
    except ValueError:  # no bcrypt hash, or a password that bcrypt cannot hash
        return False


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"bcrypt_matches": bcrypt_matches}
