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
      - It must not hold a password. O(credentials) are sent to the server that it names, and not to one that this redirects to. Over plain
        HTTP they are sent only to this machine or through O(tunnel); a request to any other server is refused.
      - Through O(tunnel) it must be an C(http) or SSH URL, whose host and port then only name the server.
    type: str
    required: true
  branch:
    description: Name of the branch.
    type: str
    default: main
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
