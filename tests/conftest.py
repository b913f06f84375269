# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads Ansible's collection finder before a test imports a part of the collection: Ansible finds the filters of a package only then."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

ROOT = Path(__file__).resolve().parents[1]

# This checkout's own link and configuration, whatever is in force: tests/guards and tests/mutate.py run copies of the checkout. A playbook
# that a test starts must take the collection from the copy, too.
os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
init_plugin_loader([str(ROOT / ".ansible/collections")])
