# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Airflow's own pods and its database run (airflow_app_core_placement). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform import placement_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_limits import TOLERATIONS
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_namespaces import placement


def core_values(entry: Mapping[str, Any], values: Any) -> dict[str, Any]:
    """The fields for each component of the chart, and for MySQL. Workers do not inherit them.

    A component's field replaces the chart's own for all pods, so tolerations and node labels that ``values`` (people's) or the platform
    set for all pods are repeated.
    """
    found = placement(entry)
    if "tolerations" in found:
        found["tolerations"] = [*(at(values, "tolerations") or TOLERATIONS), *found["tolerations"]]
    if "nodeSelector" in found:
        found["nodeSelector"] = {**(at(values, "nodeSelector") or {}), **found["nodeSelector"]}
    return found


def core_placement(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    for where, value, why in placement_rules.problems(airflow.core_placement):
        yield Refusal(
            "core_placement",
            str(value),
            "where pods run is written as Kubernetes does",
            f"{where} of airflow_app_core_placement {why}. It is set to {value}.",
            f"Correct {where} of airflow_app_core_placement.",
        )
