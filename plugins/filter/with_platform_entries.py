# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: with_platform_entries
short_description: Completes lists of chart values with the platform's entries
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Adds the platform's entries to each list of named entries in your own values of the Airflow chart, such as C(env), C(volumes) or
    C(webserver.extraContainers). A merge would replace the whole list.
  - An entry of the same name stays yours; of mounts, one of the same path. A list that your values do not have is left out, and so are the
    ports of a Service.
  - C(env), C(extraVolumeMounts), C(resources) and C(securityContexts.container) of C(dags.gitSync) are added to the git-sync containers
    that the platform writes for the webserver.
positional: platform
options:
  _input:
    description: Your own values of the official chart.
    type: dict
    required: true
  platform:
    description: The platform's values of the official chart.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the merged environment variables
  ansible.builtin.debug:
    msg: "{{ airflow_app_values | gitops.airflow.with_platform_entries({'env': [{'name': 'PYTHONPATH', 'value': '/opt/x'}]}) }}"
"""

RETURN = r"""
_value:
  description: Your own values with the completed lists.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import with_platform_entries


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"with_platform_entries": with_platform_entries}
