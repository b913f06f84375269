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
      - The URL must not contain a password. The module sends O(credentials) only to the server in this URL, and not to a server that it
        redirects to. Over plain HTTP it sends them only to this machine or through O(tunnel), and refuses other servers.
      - With O(tunnel) the URL must be an C(http) or SSH URL. Its host and port then only identify the server.
    type: str
    required: true
  branch:
    description: Name of the branch.
    type: str
    default: main
  timeout:
    description: Seconds that one call to the server may take.
    type: int
    default: 120
  names:
    description:
      - Names to use for these options in error messages, by the names of the options. So C(branch) can be shown as C(dags_branch).
      - The options are C(repo), C(branch), C(folders), C(source_dir), C(username), C(password), C(ssh_key), C(known_hosts) and C(ca).
      - M(gitops.airflow.git_publish) also has C(files), C(method), C(review_branch), C(render_folder) and C(edits).
    type: dict
    default: {}
  names_prefix:
    description:
      - Prefix for the names of these options in error messages. With V(dags_), C(branch) is shown as C(dags_branch). Entries in O(names)
        have precedence.
    type: str
    default: ""
requirements:
  - git
  - kubernetes (for O(tunnel))
"""
