# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user name and a password that are in a Secret: of a Git server, or of Airflow. ansible-test reads literal texts only."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  credentials_from:
    description:
      - A Secret in the cluster with the password or token for the Git server. The module reads it through the Kubernetes API, so that no
        variable, log or result contains the value. Then O(credentials.password) is not used.
      - In check mode, if the Secret does not exist, the module continues without credentials.
    type: dict
    suboptions:
      namespace:
        description: Namespace of the Secret.
        type: str
        required: true
      name:
        description: Name of the Secret.
        type: str
        required: true
      username_key:
        description: Key of the Secret that contains the user name. If empty, O(credentials.username) is used.
        type: str
        default: ""
      password_key:
        description: Key of the Secret that contains the password or token.
        type: str
        default: password
      check_key:
        description:
          - In check mode, the key to use if O(credentials_from.password_key) does not exist yet. A run may add keys to a Secret, and a
            check only reads. Empty for none.
        type: str
        default: ""
      platform:
        description: The platform whose mark the Secret must have. Another platform's Secret is refused. Empty for any Secret.
        type: str
        default: ""
"""

    # For modules that send requests to Airflow.
    AIRFLOW = r"""
options:
  credentials_from:
    description:
      - A Secret in the cluster with the password or token for Airflow. The module reads it through the Kubernetes API, so that no
        variable, log or result contains the value.
    type: dict
    suboptions:
      namespace:
        description: Namespace of the Secret.
        type: str
        required: true
      name:
        description: Name of the Secret.
        type: str
        required: true
      username_key:
        description: Key of the Secret that contains the user name. If empty, O(username) is used.
        type: str
        default: ""
      password_key:
        description: Key of the Secret that contains the password or token.
        type: str
        default: password
      platform:
        description: The platform whose mark the Secret must have. Another platform's Secret is refused. Empty for any Secret.
        type: str
        default: ""
"""
