# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: status_json
type: stdout
short_description: Prints the state of platforms as JSON and nothing else
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Prints what M(gitops.airflow.platform_status) returns as C(status), one document for each host, on standard output.
  - If a run fails before it has a state, the reason goes to standard error. The exit code stays Ansible's.
requirements:
  - set as stdout callback
seealso:
  - module: gitops.airflow.platform_status
"""

EXAMPLES = r"""
shell: |
  ANSIBLE_STDOUT_CALLBACK=gitops.airflow.status_json ansible-playbook gitops.airflow.status | jq .problems
"""

import json
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.gitops.airflow.plugins.module_utils._base.failure import FailedItems, explain, lines


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Waits for the one result that matters."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "gitops.airflow.status_json"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told: set[str] = set()
        self._items = FailedItems()

    def v2_runner_on_ok(self, result: Any) -> None:
        status = result._result.get("status")
        if str(result._task.action).rsplit(".", 1)[-1] == "platform_status" and isinstance(status, dict):
            self._told.add(result._host.get_name())
            print(json.dumps(status, indent=2), flush=True)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._items.add(result._host.get_name(), str(result._task._uuid), result._result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        items = self._items.take(result._host.get_name(), str(result._task._uuid))
        if not ignore_errors and result._host.get_name() not in self._told:
            failure = explain("", str(result._task.name or result._task.action), result._result, items)
            print("\n".join(lines(failure, "")), file=sys.stderr, flush=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self.v2_runner_on_failed(result)
