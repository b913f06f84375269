# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: portable_yaml
short_description: Writes YAML that Helm and Ansible read alike
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Writes a value as YAML, with quotes around each text that some version of YAML takes for a number or a boolean.
  - P(ansible.builtin.to_nice_yaml#filter) writes texts such as V(y), V(1e3) and V(08) without quotes. Helm reads them as V(true), V(1000)
    and V(8).
positional: indent, width
options:
  _input:
    description: A value of dictionaries, lists, texts, numbers and booleans.
    type: raw
    required: true
  indent:
    description: Spaces of each level.
    type: int
    default: 2
  width:
    description: Number of characters after which a long text continues on the next line.
    type: int
    default: 160
"""

EXAMPLES = r"""
- name: Show values of a chart
  ansible.builtin.debug:
    msg: "{{ {'nodeSelector': {'zone': '08'}} | gitops.airflow.portable_yaml }}"  # zone: "08"
"""

RETURN = r"""
_value:
  description: The YAML document.
  type: str
"""

import json
from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.plugin_utils.portable_yaml import portable_yaml


def plain_types(value: Any, indent: int = 2, width: int = 160) -> str:
    """Ansible's own kinds of texts and dictionaries become those of JSON first."""
    return portable_yaml(json.loads(json.dumps(value)), indent, width)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"portable_yaml": plain_types}
