# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: worker_values
short_description: Returns the values of the platform's chart for worker namespaces
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Translates the options of C(platform_worker_namespaces) to fields of the worker pods' specification, by their names in Kubernetes.
  - Resources and image become fields of the container C(base).
  - Leaves out options that are not set or empty.
options:
  _input:
    description: The entries of C(platform_worker_namespaces).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show how the worker pods of each namespace are scheduled
  ansible.builtin.debug:
    msg: "{{ (platform_worker_namespaces | gitops.airflow.worker_values).workerNamespaces }}"
"""

RETURN = r"""
_value:
  description:
    - In C(workerNamespaces) the fields of each namespace's worker pods, by the name of the namespace.
    - In C(workerPodFields) the names of all fields that a namespace can have.
    - In C(workerQuotas) and C(workerLimits) the content of the ResourceQuota and of the LimitRange of namespaces that have them. The items
      of a LimitRange are complete, as the API server returns them.
    - In C(podSecurityOf) the Pod Security Standard of namespaces that have one of their own.
    - In C(podOperators) the names of namespaces whose tasks may make pods there.
    - In C(kinds) the kinds, with their API group, that the chart renders only for these.
  type: dict
  sample:
    workerNamespaces: {airflow-cron: {nodeSelector: {pool: cron}}}
    workerPodFields: [nodeSelector, tolerations, affinity]
    workerQuotas: {airflow-cron: {pods: "20"}}
    workerLimits: {}
    podSecurityOf: {}
    podOperators: []
    kinds: [{group: "", kind: ResourceQuota}]
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_namespaces import chart_values


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"worker_values": chart_values}
