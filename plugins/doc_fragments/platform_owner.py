# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which platform owns what a module declares."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  platform:
    description:
      - Name of the platform that owns the object. The object gets the labels C(app.kubernetes.io/part-of=gitops-airflow) and
        C(gitops-airflow/platform) with this name.
      - The module never changes or deletes an object of the same name without these labels. Instead it fails. If you ask it to delete the
        object, it returns the reason why the object stays.
    type: str
    required: true
"""

    ADOPT = r"""
options:
  adopt:
    description:
      - Whether objects that have the collection's label but no platform's label belong to this platform. Early versions of the collection
        labelled objects so.
      - RV(gitops.airflow.platform_ownership_info#module:adoption) says whether they do.
    type: bool
    default: false
"""

    # For modules that write one Secret.
    SECRET = r"""
options:
  namespace:
    description: Namespace of the Secret. It must exist.
    type: str
    required: true
  name:
    description: Name of the Secret.
    type: str
    required: true
"""
