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
  - For telling the error of a task that C(no_log) covers.
positional: values
options:
  _input:
    description: The text.
    type: str
    required: true
  values:
    description: What must not be seen. Values of fewer than four characters are left, for they are found everywhere.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: The error is told without the password
  ansible.builtin.fail:
    msg: "{{ ansible_failed_result.msg | gitops.airflow.hide_values([password]) }}"
"""

RETURN = r"""
_value:
  description: The text, with V(********) in place of each value.
  type: str
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

SHORTEST = 4


def _forms(value: str) -> Iterator[str]:
    """What a value looks like in an error message."""
    yield value
    yield base64.b64encode(value.encode()).decode()
    yield json.dumps(value)[1:-1]
    yield from value.splitlines()


def hide_values(text: Any, values: Iterable[Any]) -> str:
    """The text without the values, longest first, so that none leaves a part of another."""
    hidden = str(text)
    forms = {form for value in values for form in _forms(str(value)) if len(form.strip()) >= SHORTEST}
    for form in sorted(forms, key=len, reverse=True):
        hidden = hidden.replace(form, "********")
    return hidden


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"hide_values": hide_values}
