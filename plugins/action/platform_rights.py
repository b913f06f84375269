# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.gitops.airflow.plugins.modules.platform_rights import main
from ansible_collections.gitops.airflow.plugins.plugin_utils._hosted import HostedAction


class ActionModule(HostedAction):
    main = staticmethod(main)
