# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a server inside a Kubernetes cluster is reached."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  tunnel:
    description:
      - A Service in a Kubernetes cluster. The module connects to a ready pod of the Service through the encrypted connection to the API
        server, as C(kubectl port-forward) does.
      - The connection uses no proxy except the proxy for the API server. It needs C(get) on the Service, C(list) on C(endpointslices)
        and C(create) on C(pods/portforward) in O(tunnel.namespace).
    type: dict
    suboptions:
      namespace:
        description: Namespace of the Service.
        type: str
        required: true
      service:
        description: Name of the Service.
        type: str
        required: true
      port:
        description: Port of the Service.
        type: int
        required: true
"""
