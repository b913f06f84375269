# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.utils.display import Display
from ansible_collections.gitops.airflow.plugins.modules.git_publish import main
from ansible_collections.gitops.airflow.plugins.plugin_utils._progress import WaitAction

display = Display()


class ActionModule(WaitAction):
    """Shows people's edits in check mode, too, in which no module shows its progress."""

    main = staticmethod(main)

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._task.check_mode and not self._task.no_log:
            for line in str(result.get("edits_diff") or "").splitlines():
                display.display(line, stderr=True)
        return result
