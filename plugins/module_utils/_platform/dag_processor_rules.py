# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who parses DAG files, and that it has no token, whatever people's chart values say. Pure: settings in, refusals out.

The chart's own template worker-namespaces.yaml holds the same rules, for values that were changed in Git.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at, texts
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings

VARIABLE = "AIRFLOW__SCHEDULER__STANDALONE_DAG_PROCESSOR"
ENABLED, OPTION, ACCOUNT = (
    ("dagProcessor", "enabled"),
    ("config", "scheduler", "standalone_dag_processor"),
    ("dagProcessor", "serviceAccount"),
)


def dag_processor_once(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """D2. The option is written in three places, which must agree."""
    switch = at(airflow.values, *ENABLED)
    found = [".".join(ENABLED)] if switch is not None and switch is not airflow.dag_processor else []
    found += [".".join(OPTION)] if at(airflow.values, *OPTION) is not None else []
    found += [VARIABLE] if any(VARIABLE in text for _place, text in texts(airflow.values or {})) else []
    if found:
        yield Refusal(
            "dag_processor_twice",
            ", ".join(found),
            "airflow_app_dag_processor alone says whether a DAG processor parses DAG files",
            f"airflow_app_values sets {' and '.join(found)}, but airflow_app_dag_processor is {str(airflow.dag_processor).lower()}. "
            "DAG files would be parsed twice, or not at all.",
            "Remove these values from airflow_app_values, and set airflow_app_dag_processor.",
        )


def dag_processor_account(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """D2. What parses DAG files runs their code."""
    found = at(airflow.values, *ACCOUNT)
    keys = [f"{'.'.join(ACCOUNT)}.{key}" for key, value in (found or {}).items() if (key, value) != ("automountServiceAccountToken", False)]
    keys = [key for key in keys if not key.endswith(".annotations")]
    if airflow.dag_processor and keys:
        yield Refusal(
            "dag_processor_account",
            ", ".join(keys),
            "the DAG processor has an account of its own, without a token",
            f"airflow_app_values sets {', '.join(keys)}. The DAG processor runs the code of DAG files, which must not have a token of the "
            "Kubernetes API.",
            f"Remove {', '.join(keys)} from airflow_app_values.",
        )
