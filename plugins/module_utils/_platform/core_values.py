# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Airflow's own pods and its database run (airflow_app_core_placement), as values of the chart. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import TOLERATIONS, at, mapping
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
        found["nodeSelector"] = {**mapping(at(values, "nodeSelector")), **found["nodeSelector"]}
    return found
