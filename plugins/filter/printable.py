# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: printable
short_description: Make text from elsewhere safe to print
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Shows control characters, and characters that reorder or hide text, as escapes such as C(\x1b). Text from pods, Git servers and DAGs
    then cannot steer the terminal.
  - Line feeds stay. A tab becomes four spaces.
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Quote the end of a log
  ansible.builtin.fail:
    msg: "The log of the pod ends '{{ placement.log_tail | gitops.airflow.printable }}'."
"""

RETURN = r"""
_value:
  description: The text, which steers no terminal.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable as made_printable


def printable(text: Any) -> str:
    """Anything as text that steers no terminal."""
    return made_printable(str(text))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"printable": printable}
