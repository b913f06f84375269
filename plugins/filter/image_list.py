# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: image_list
short_description: Returns the images of a platform for a job that copies them to another registry
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Returns one line for each image that a platform needs. With a registry in the settings, a line has the published name, a space, and
    the name from which the platform pulls it.
  - Leaves out images whose variables you set yourself, such as C(platform_airflow_image).
positional: published, manifest, logs
options:
  _input:
    description: Settings of the platform, with C(image_registry), C(images), C(provider), C(git_server), C(metrics_server) and C(argocd).
    type: dict
    required: true
  published:
    description: The images as their publishers name them, by the names in C(images).
    type: dict
    required: true
  manifest:
    description: Text of Argo CD's C(install.yaml), whose images are added.
    type: str
    default: ""
  logs:
    description: Where task logs go, as C(airflow_app_logs) has it.
    type: str
    default: embedded
"""

EXAMPLES = r"""
- name: Show what to copy to the registry
  ansible.builtin.debug:
    msg: "{{ settings | gitops.airflow.image_list(platform_published_images, lookup('ansible.builtin.file', '/srv/argocd/install.yaml')) }}"
"""

RETURN = r"""
_value:
  description: The lines, sorted.
  type: list
  elements: str
  sample: ["mysql:8.0.42 registry.example.com/mirror/library/mysql:8.0.42"]
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.image_list import image_list


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"image_list": image_list}
