# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: core_values
short_description: Returns where Airflow's own pods run as values of the chart
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Translates C(airflow_app_core_placement) to the fields that each component of the official chart takes, and MySQL.
  - Adds the tolerations and node labels that the values have for all pods, because those of a component replace them.
  - Leaves out options that are not set or empty.
positional: values
options:
  _input:
    description: The value of C(airflow_app_core_placement).
    type: dict
    required: true
  values:
    description: Your own values of the official chart.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show where Airflow's own pods run
  ansible.builtin.debug:
    msg: "{{ airflow_app_core_placement | gitops.airflow.core_values(airflow_app_values) }}"
"""

RETURN = r"""
_value:
  description: Fields of the pods' specification, by their names in Kubernetes.
  type: dict
  sample: {nodeSelector: {pool: core}}
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.core_values import core_values


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"core_values": core_values}
