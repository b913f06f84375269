# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: import_path_problems
short_description: Lists chart values that would replace the cluster policy
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Lists what in your own values of the Airflow chart would let a file of the DAG folder replace the platform's cluster policy.
  - The policy lies in a read-only folder that is first in C(PYTHONPATH) of every container of Airflow.
options:
  _input:
    description: Your own values of the official chart.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse values that replace the cluster policy
  ansible.builtin.assert:
    that: airflow_app_values | gitops.airflow.import_path_problems == []
"""

RETURN = r"""
_value:
  description: One sentence for each problem, without a full stop.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import import_path_problems


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"import_path_problems": import_path_problems}
