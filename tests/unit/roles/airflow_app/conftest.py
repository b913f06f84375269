# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster policy, loaded anew for each test."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from ansible_collections.gitops.airflow.tests.unit.cluster_policy import load


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    return load(monkeypatch, tmp_path)
