# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Git repository is read and pushed with."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  credentials:
    description:
      - Credentials to read the repository and push to it.
      - The module uses only credentials that fit the URL of O(repo).
    type: dict
    suboptions:
      username:
        description: User name at the Git server, for HTTP and HTTPS.
        type: str
      password:
        description: Password or token at the Git server, for HTTP and HTTPS. It comes together with O(credentials.username).
        type: str
      ssh_key:
        description: Private key for SSH, as text or as a file on the host that runs the module. It must have no passphrase.
        type: str
      known_hosts:
        description:
          - The server's host keys for SSH, in the form of C(known_hosts), as text or as a file on the host that runs the module.
          - The module refuses a host whose key is not in the list.
        type: str
      ca:
        description:
          - The certificate authority of an HTTPS server, as PEM or as a file on the host that runs the module. No other authority is
            trusted then. (Not the Kubernetes API's, which is O(ca_cert).)
        type: str
"""
