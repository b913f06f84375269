# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Secrets pull Airflow's image. Pure. A filter imports this file: it needs no other collection and no library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at, entries
from ansible_collections.gitops.airflow.plugins.module_utils._platform.shapes import OBJECT_NAME


def pull_secrets(values: Any) -> list[str]:
    """The names in people's values, each once. What Helm renders is not a name yet."""
    listed = [entry.get("name") for entry in entries(at(values, "imagePullSecrets")) if isinstance(entry, Mapping)]
    names = dict.fromkeys([at(values, "registry", "secretName"), *listed])
    return [name for name in names if isinstance(name, str) and OBJECT_NAME.fullmatch(name)]
