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
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import (
    AIRFLOW_OPTIONS,
    PLATFORM_OPTIONS,
    Settings,
    from_params,
    hide,
)

SETTINGS_SPEC: dict[str, Any] = {
    "platform": {"type": "dict", "required": True, "options": PLATFORM_OPTIONS},
    "airflow": {"type": "dict", "apply_defaults": True, "options": AIRFLOW_OPTIONS},
}


def run(module: AnsibleModule, change: Callable[[AnsibleModule, KubeApi, Settings], dict[str, Any]]) -> None:
    """Ends the module with what ``change`` returns. It raises CollectionError, and Refused before anything is changed."""
    params = show_path(module)
    try:
        given = from_params(params["platform"], params["airflow"])
        hidden = hide(params["airflow"])
        result = change(module, connect(params), given)
    except Refused as error:
        module.fail(error, refused=[{**ref.as_dict(), "reason": reason} for ref, reason in error.objects])
    except CollectionError as error:
        module.fail(error)
    except OSError as error:
        module.fail(CollectionError(f"{error}.", "Make the file in the message readable, or give its content as text.", "unreadable_file"))
    # The result has names and keys, never values. Ansible would blot a password out of every name that has it in it.
    module.no_log_values.difference_update(hidden)
    module.exit_json(**result)
