# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the place of Airflow's own pods and its database (airflow_app_core_placement). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gitops.airflow.plugins.module_utils._platform import placement_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings


def core_placement(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    for where, value, why in placement_rules.problems(airflow.core_placement):
        yield Refusal(
            "core_placement",
            str(value),
            "where pods run is written as Kubernetes does",
            f"{where} of airflow_app_core_placement {why}. It is set to {value}.",
            f"Correct {where} of airflow_app_core_placement.",
        )
