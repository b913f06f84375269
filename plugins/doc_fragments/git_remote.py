# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a Git repository is named and reached."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  repo:
    description:
      - URL of the repository, with V(http://), V(https://), V(ssh://) or V(file://), or V(user@host:path).
      - It must not hold a password.
      - Through O(tunnel) it must be an C(http) or SSH URL, whose host and port then only name the server.
    type: str
    required: true
  branch:
    description: Name of the branch.
    type: str
    default: main
  username:
    description: User name at the Git server, for HTTP. (Not the Kubernetes API's, for which O(kubeconfig) serves.)
    type: str
  password:
    description:
      - Password or token at the Git server, for HTTP. It is on no command line, in no URL and in no file.
      - It is sent to the server that O(repo) names, and not to one that this redirects to. Over plain HTTP it is sent only to this machine
        or through O(tunnel); a request to any other server is refused.
    type: str
  ssh_key:
    description: Private key file, for SSH. It must have no passphrase.
    type: path
  ssh_key_content:
    description: The private key itself. For the time of the task it is in a file that only this user may read.
    type: str
  known_hosts:
    description: File with the server's host keys, for SSH. A host whose key is not known is refused.
    type: path
  known_hosts_content:
    description: The host keys themselves, in the form of C(known_hosts).
    type: str
  ca_path:
    description: File with the certificate authority of an HTTPS server. (Not the Kubernetes API's, which is O(ca_cert).)
    type: path
  ca_content:
    description: The certificate authority itself, as PEM.
    type: str
  timeout:
    description: Time in seconds that one call to the server may take.
    type: int
    default: 120
  names:
    description:
      - The names that the reader of an error knows these options by, for its next action. A C(branch) may be C(dags_branch).
      - The options are C(repo), C(branch), C(folders), C(source_dir), C(username), C(password), C(ssh_key), C(known_hosts) and C(ca).
    type: dict
    default: {}
  names_prefix:
    description:
      - What the names of these options begin with for whoever reads an error, unless O(names) has another name for one. With V(dags_) a
        C(branch) is called C(dags_branch).
    type: str
    default: ""
requirements:
  - git
  - kubernetes (for O(tunnel))
"""
