# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that waits says of its progress."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
notes:
  - While the module waits, it shows each change of state on standard error, with the seconds since the start. For more than 10 objects it
    shows a summary, at most every 2 seconds. It does not write to standard output, so that JSON output stays valid.
  - This needs the module to run on the controller (connection V(local)) as a user who may read the controller's files. Nothing is shown
    with C(async) or C(no_log), nor in check mode.
"""
