# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a cluster, by their names. Each module describes what it does with them."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  objects:
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: API version of the object. Optional for kinds that this collection creates.
        type: str
        default: ""
      kind:
        description: Kind of the object.
        type: str
        required: true
      namespace:
        description: Namespace of the object. Empty for a cluster-wide object.
        type: str
        default: ""
      name:
        description: Name of the object.
        type: str
        required: true
"""
