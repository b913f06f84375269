# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_values
short_description: Returns where Airflow's chart pulls its images from, as values of the chart
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Returns values of the official chart that give its pods pull secrets, and that replace the registry in the images of StatsD, PgBouncer
    and Redis if your own values enable them.
  - Does not return the images of Airflow and git-sync, which have variables of their own.
  - Leaves out keys for which nothing is set.
positional: registry, pull_secrets
options:
  _input:
    description: Your own values of the official chart, such as C(airflow_app_values).
    type: dict
    required: true
  registry:
    description: A registry with an optional path, or an empty text.
    type: str
    required: true
  pull_secrets:
    description: Names of pull secrets. A list of several needs version 1.19 of the chart.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show how the pods of Airflow pull their images
  ansible.builtin.debug:
    msg: "{{ airflow_app_values | gitops.airflow.registry_values(platform_image_registry, platform_pull_secrets) }}"
"""

RETURN = r"""
_value:
  description: Values of the official chart.
  type: dict
  sample: {registry: {secretName: registry-login}}
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.registry_values import registry_values


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"registry_values": registry_values}
