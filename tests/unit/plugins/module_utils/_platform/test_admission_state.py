# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the settings ask for an admission policy."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_state import is_wanted
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_airflow_secrets import settings_of


@pytest.mark.parametrize(("mode", "wanted"), [("auto", True), ("require", True), ("none", False)])
def test_d2_a_policy_is_wanted_unless_the_settings_refuse_one(mode: str, wanted: bool) -> None:
    assert is_wanted(settings_of({"airflow_app_admission_policy": mode})) is wanted


def test_d2_a_caller_that_knows_nothing_of_airflow_wants_none() -> None:
    assert not is_wanted(Settings())
