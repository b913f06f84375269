# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module reaches the Kubernetes API: the options of AUTH_ARG_SPEC in kubernetes.core.

An own fragment, because Galaxy's importer shows no documentation of a module that needs another collection's fragment.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, several paths joined by a colon, or the configuration itself as a dictionary.
      - Defaults to the environment variable E(K8S_AUTH_KUBECONFIG), then to C(~/.kube/config) unless other options give the connection.
    type: raw
  context:
    description: Name of a context in the kubeconfig. Defaults to the environment variable E(K8S_AUTH_CONTEXT), then to the current context.
    type: str
  host:
    description: URL of the API server. Defaults to the environment variable E(K8S_AUTH_HOST).
    type: str
  api_key:
    description: Bearer token for the API server. Defaults to the environment variable E(K8S_AUTH_API_KEY).
    type: str
  username:
    description:
      - User name for an API server that accepts HTTP basic authentication. Defaults to the environment variable E(K8S_AUTH_USERNAME).
    type: str
  password:
    description: Password for O(username). Defaults to the environment variable E(K8S_AUTH_PASSWORD).
    type: str
  client_cert:
    description: File with a client certificate. Defaults to the environment variable E(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description: File with the key of O(client_cert). Defaults to the environment variable E(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
  ca_cert:
    description:
      - File with the certificate authorities, the whole chain, that the API server's certificate is checked against.
        Defaults to the environment variable E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  validate_certs:
    description: Whether the API server's certificate is checked. Defaults to the environment variable E(K8S_AUTH_VERIFY_SSL).
    type: bool
    aliases: [verify_ssl]
  proxy:
    description:
      - URL of an HTTP proxy on the way to the API server. Defaults to the environment variable E(K8S_AUTH_PROXY).
    type: str
  no_proxy:
    description:
      - Hosts, domains, addresses and networks, separated by commas, that are reached without O(proxy).
        Defaults to the environment variable E(K8S_AUTH_NO_PROXY).
    type: str
  proxy_headers:
    description: Headers to send to the proxy.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - User name and password for the proxy, joined by a colon.
            Defaults to the environment variable E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH).
        type: str
      basic_auth:
        description:
          - User name and password for basic authentication, joined by a colon.
            Defaults to the environment variable E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH).
        type: str
      user_agent:
        description: Name of the client. Defaults to the environment variable E(K8S_AUTH_PROXY_HEADERS_USER_AGENT).
        type: str
  persist_config:
    description:
      - Whether a token that was refreshed is written back to the kubeconfig.
      - Defaults to the environment variable E(K8S_AUTH_PERSIST_CONFIG).
    type: bool
  impersonate_user:
    description: User to act as. Defaults to the environment variable E(K8S_AUTH_IMPERSONATE_USER).
    type: str
  impersonate_groups:
    description:
      - Groups to act as. Defaults to the environment variable E(K8S_AUTH_IMPERSONATE_GROUPS), where they are separated by commas.
    type: list
    elements: str
"""
