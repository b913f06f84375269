# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set for a worker namespace, and what its worker pods get from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Each option but the name stands for a field of the specification of the namespace's worker pods.
POD_FIELDS: dict[str, str] = {"node_selector": "nodeSelector", "tolerations": "tolerations", "affinity": "affinity"}

# A name that YAML may take for a number or a boolean is kept as it is given: the rule for names refuses it.
OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "raw", "required": True},
    "node_selector": {"type": "dict"},
    "tolerations": {"type": "list", "elements": "dict"},
    "affinity": {"type": "dict"},
}


def chart_values(namespaces: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Values of the platform's chart: the pod fields of each namespace, without those that are not set or empty, and all possible ones."""
    fields = {item["name"]: {field: item[option] for option, field in POD_FIELDS.items() if item.get(option)} for item in namespaces}
    return {"workerNamespaces": fields, "workerPodFields": list(POD_FIELDS.values())}
