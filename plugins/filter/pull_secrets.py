# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pull_secrets
short_description: Returns the names of the Secrets that pull Airflow's image
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Returns the names in C(registry.secretName) and C(imagePullSecrets) of C(airflow_app_values), each once.
  - Leaves out what cannot be the name of a Secret.
options:
  _input:
    description: Values of Airflow's chart, such as C(airflow_app_values).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the Secrets that pull Airflow's image
  ansible.builtin.debug:
    msg: "{{ airflow_app_values | gitops.airflow.pull_secrets }}"
"""

RETURN = r"""
_value:
  description: The names.
  type: list
  elements: str
  sample: [registry-login]
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.pull_secrets import pull_secrets


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"pull_secrets": pull_secrets}
