# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mirrored_image
short_description: Returns the name of an image in another registry
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Replaces the registry of an image. Path, tag and digest stay.
  - An image without a registry is one of C(docker.io), and one without a folder there is in C(library), as container runtimes read it.
  - Returns the name unchanged if O(registry) is empty, or if the image is already in that registry.
positional: registry
options:
  _input:
    description: Name of an image.
    type: str
    required: true
  registry:
    description: A registry with an optional path, such as V(registry.example.com/mirror).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show where a node pulls MySQL from
  ansible.builtin.debug:
    msg: "{{ 'mysql:8.0.42' | gitops.airflow.mirrored_image('registry.example.com') }}"  # registry.example.com/library/mysql:8.0.42
"""

RETURN = r"""
_value:
  description: Name of the image in that registry.
  type: str
  sample: registry.example.com/mirror/git-sync/git-sync:v4.1.0
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._kube.images import mirrored


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"mirrored_image": lambda image, registry: mirrored(str(image), str(registry or ""))}
