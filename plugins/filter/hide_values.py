# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: hide_values
short_description: Replaces secret values in a text
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Replaces each of the values in a text, also where it stands in base64, as JSON writes it, or one line of it alone.
  - Also replaces what looks like a secret, such as the password in a URL, a token or a private key.
  - Use it to report the error of a task that C(no_log) covers.
positional: values
options:
  _input:
    description: The text.
    type: str
    required: true
  values:
    description: What must not be seen. Values of fewer than four characters stay, because they occur everywhere.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Report the error without the password
  ansible.builtin.fail:
    msg: "{{ ansible_failed_result.msg | gitops.airflow.hide_values([password]) }}"
"""

RETURN = r"""
_value:
  description: The text, with V(********) in place of each value.
  type: str
"""

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import Masker

# Short values are hidden, too: each value is known to be secret.
SHORTEST = 4


def hide_values(text: Any, values: Iterable[Any]) -> str:
    """The text without the values and their lines, and without what looks like a secret."""
    given = [str(value) for value in values]
    return Masker([*given, *(line for value in given for line in value.splitlines())], SHORTEST).text(str(text))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"hide_values": hide_values}
