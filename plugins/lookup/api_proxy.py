# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: api_proxy
short_description: The proxy for the Kubernetes API, as NO_PROXY says
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - The options C(proxy) and C(no_proxy) for the modules of C(kubernetes.core), which take the environment's proxies but not its
    C(NO_PROXY). The modules of this collection do not need it.
  - C(NO_PROXY) holds names with their subdomains, addresses and CIDR networks, each with or without a port, or an asterisk. This machine
    itself is never reached by way of a proxy.
  - C(K8S_AUTH_PROXY) and C(K8S_AUTH_NO_PROXY) go before C(HTTPS_PROXY) and C(NO_PROXY).
options:
  _terms:
    description: Nothing.
  kubeconfig:
    description: File that names the API server. One that cannot be read is left to the module that needs it.
    type: path
    required: true
  context:
    description: Context in that file; by default its current one.
    type: str
"""

EXAMPLES = r"""
- name: List nodes
  kubernetes.core.k8s_info:
    kind: Node
    kubeconfig: ~/.kube/config
    proxy: "{{ way.proxy }}"
    no_proxy: "{{ way.no_proxy }}"
  vars:
    way: "{{ lookup('gitops.airflow.api_proxy', kubeconfig='~/.kube/config') }}"
"""

RETURN = r"""
_raw:
  description: The options C(proxy) and C(no_proxy); both empty where the environment names no proxy.
  type: list
  elements: dict
  sample: [{proxy: "http://proxy.example.com:3128", no_proxy: "*"}]
"""

import os
from typing import Any
from urllib.request import getproxies_environment

import yaml
from ansible.plugins.lookup import LookupBase
from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import api_proxy, api_server


def way(kubeconfig: str, context: str | None) -> dict[str, str]:
    """The two options, by this process's environment."""
    proxies = getproxies_environment()
    proxy, no_proxy = os.environ.get("K8S_AUTH_PROXY"), os.environ.get("K8S_AUTH_NO_PROXY")
    server = ""
    if proxy or "http" in proxies or "https" in proxies:
        try:
            with open(kubeconfig, encoding="utf-8") as stream:
                server = api_server(yaml.safe_load(stream), context)
        except (OSError, ValueError, yaml.YAMLError):
            server = ""
    chosen = api_proxy(server, proxy, no_proxy, proxies)
    return {"proxy": chosen.proxy, "no_proxy": chosen.no_proxy}


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[dict[str, str]]:
        self.set_options(var_options=variables, direct=kwargs)
        return [way(self.get_option("kubeconfig"), self.get_option("context"))]
