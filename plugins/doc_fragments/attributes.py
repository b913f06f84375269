# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module says of check and diff mode."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and tell what it would do, or what it sees, without changing anything.
  diff_mode:
    description: Returns what has changed, or would in check mode, in C(diff_mode).
"""

    READ_ONLY = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode), with the same result as without.
    support: full
    details: Only reads.
  diff_mode:
    description: Returns what has changed, or would in check mode, in C(diff_mode).
    support: none
    details: Changes nothing.
"""
