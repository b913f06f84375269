# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run of a module that takes the settings of the platform and of Airflow, and changes objects of the cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect, show_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import Refused
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings, read_settings


def run(module: AnsibleModule, change: Callable[[AnsibleModule, KubeApi, Settings], dict[str, Any]]) -> None:
    """Ends the module with what ``change`` returns. It raises CollectionError, and Refused before anything is changed."""
    params = show_path(module)
    try:
        given, hidden = read_settings(params)
        result = change(module, connect(params), given)
    except Refused as error:
        module.fail(error, refused=[{**ref.as_dict(), "reason": reason} for ref, reason in error.objects])
    except CollectionError as error:
        module.fail(error)
    # The result has names and keys, never values. Ansible would blot a password out of every name that has it in it.
    module.no_log_values.difference_update(hidden)
    module.exit_json(**result)
