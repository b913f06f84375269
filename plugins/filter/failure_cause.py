# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: failure_cause
short_description: Tell why a task failed
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Takes the result of a failed task and returns the cause, of a loop that of each failed item, where the loop's own message is only
    C(One or more items failed). The next step that the message names comes last.
options:
  _input:
    description: The result, as C(ansible_failed_result) holds it in a rescue.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Report the cause
  ansible.builtin.fail:
    msg: "Verification failed: {{ ansible_failed_result | gitops.airflow.failure_cause }}"
"""

RETURN = r"""
_value:
  description: The cause, one line for each different one.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.gitops.airflow.plugins.module_utils._base.failure import AGAIN, explain
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable


def failure_cause(result: Any) -> str:
    """The causes in a failed task's result, printable, with ``Next: …`` at the end where the result names a next step."""
    if not isinstance(result, Mapping):
        raise AnsibleFilterError(f"failure_cause needs a task's result (a dictionary), and got {type(result).__name__}.")
    failure = explain("", "", result)
    return printable(failure.why if failure.action == AGAIN else f"{failure.why} Next: {failure.action}")


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"failure_cause": failure_cause}
