# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Shows lines as they are, where the default callback would show one JSON string."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _valid, given = self.validate_argument_spec({"text": {"type": "str", "required": True}})
        lines = printable(given["text"]).splitlines()
        # A callback that writes JSON has standard output for itself; there the lines stand in the result.
        if not self._task.no_log and "json" not in C.DEFAULT_STDOUT_CALLBACK.rsplit(".", 1)[-1]:
            for line in lines:
                display.display(line)
        return {"changed": False, "lines": lines}
