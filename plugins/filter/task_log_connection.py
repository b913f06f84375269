# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: task_log_connection
short_description: Renders an Airflow connection to the store of task logs
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Renders an Airflow connection to an S3 server as JSON, with timeouts and retries.
  - The webserver's are short, because a page of Airflow waits for the answer. The workers' are longer.
options:
  _input:
    description: The secret key.
    type: str
    required: true
  access:
    description: The access key.
    type: str
    required: true
  endpoint:
    description: The server's URL. Empty, it is AWS.
    type: str
    required: true
  region:
    description: The bucket's region.
    type: str
    required: true
  embedded:
    description: Whether the server is the platform's own. It is then reached without a proxy.
    type: bool
    required: true
  reader:
    description: Whether the connection is the webserver's.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Show a connection to the store of task logs
  ansible.builtin.debug:
    msg: "{{ secret | gitops.airflow.task_log_connection(access='a', endpoint='', region='eu-west-1', embedded=false, reader=true) }}"
"""

RETURN = r"""
_value:
  description: The connection as JSON.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.log_connection import task_log_connection


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"task_log_connection": task_log_connection}
