# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an Airflow webserver is named and reached. It goes before kubernetes.core's fragment, whose options of the same names are others."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the webserver, without C(/api/v1). Either this or O(tunnel) is needed.
      - Proxies of the environment are used as C(NO_PROXY) says, but never for this machine itself.
      - Over plain HTTP O(password) is sent to this machine only; any other C(http) address is refused.
    type: str
  username:
    description: Airflow's user, for basic authentication. (Not the Kubernetes API's, for which O(kubeconfig) serves.)
    type: str
    required: true
  password:
    description:
      - The user's password. It is sent to the webserver only, and no redirect is followed.
      - Either this or O(credentials_from) is needed.
    type: str
  validate_certs:
    description:
      - Whether the certificate of an HTTPS O(url) must be trusted; with V(null) it must.
      - With O(tunnel), that of the API server; with V(null) as the kubeconfig says.
      - Can also be specified via C(K8S_AUTH_VERIFY_SSL) with O(tunnel).
    type: bool
    aliases: [verify_ssl]
  ca_path:
    description: File with the certificates of the authorities to trust for an HTTPS O(url), in PEM form.
    type: path
requirements:
  - kubernetes (for O(tunnel) and O(credentials_from))
"""
