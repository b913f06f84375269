# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: proxy_environment
short_description: Returns the environment variables for the proxies of a platform
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Returns C(HTTP_PROXY), C(HTTPS_PROXY) and C(NO_PROXY) in upper and lower case, because git reads C(http_proxy) in lower case only.
  - C(NO_PROXY) begins with this pod, the Services of the cluster and O(ranges).
  - Returns an empty dictionary without a proxy.
positional: ranges
options:
  _input:
    description: A dictionary with C(http), C(https) and C(no_proxy), such as C(platform_proxies).
    type: dict
    required: true
  ranges:
    description: CIDRs of the cluster.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show how git-sync reaches the DAG repository
  ansible.builtin.debug:
    msg: "{{ platform_proxies | gitops.airflow.proxy_environment(platform_network_ranges) }}"
"""

RETURN = r"""
_value:
  description: The variables.
  type: dict
  sample: {HTTPS_PROXY: "http://proxy.example.com:3128", NO_PROXY: "localhost,127.0.0.1,::1,.svc,.cluster.local"}
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.cluster_proxies import proxy_environment


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"proxy_environment": proxy_environment}
