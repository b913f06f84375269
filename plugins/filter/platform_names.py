# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: platform_names
short_description: Returns the names of a platform
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Returns the names of a platform's namespaces, Application and folder, which all follow from C(platform_prefix).
options:
  _input:
    description: What the names begin with, such as C(platform_prefix).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the namespace of Airflow's own pods
  ansible.builtin.debug:
    msg: "{{ (platform_prefix | gitops.airflow.platform_names).core }}"
"""

RETURN = r"""
_value:
  description: The names.
  type: dict
  contains:
    core:
      description: Namespace of Airflow's own pods.
      type: str
    workers:
      description: Worker namespaces, as in C(platform_worker_namespaces).
      type: list
      elements: dict
    logs:
      description: Namespace of the store of task logs.
      type: str
    git:
      description: Namespace of the embedded Git server.
      type: str
    application:
      description: Name of the Application.
      type: str
    path:
      description: Folder of the chart in the platform repository.
      type: str
  sample:
    core: stage-core
    workers: [{name: stage-core}, {name: stage-cron}, {name: stage-user}]
    logs: stage-logs
    git: stage-git
    application: stage-core
    path: platform/stage/core
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.names import platform_names


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"platform_names": platform_names}
