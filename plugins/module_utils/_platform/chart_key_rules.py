# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in people's chart values that the official chart or Airflow does not know. Pure: settings in, refusals and warnings out.

The chart ignores an unknown key at the top, and refuses one of a component only when Argo CD renders it, after it was pushed (F17).
The names are those of chart 1.15.0 and of later versions (scripts/known_names.py). Another version may have dropped or added some, so there
an unknown name is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.chart_keys import KEYS
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.options import paragraphs, unknown_options
from ansible_collections.gitops.airflow.plugins.module_utils._base.nearest import did_you_mean, nearest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at, named_entries
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings

# The chart whose keys are known for certain. Its name in a message, for a version that is not set.
KNOWN_CHART = "1.15.0"
CHART_KEYS = paragraphs(KEYS)
# Parts of the values that have keys of their own, by their path.
COMPONENTS = tuple(name for name in CHART_KEYS if name)
# Keys of the platform's own values file, beside those of the official chart.
OUTSIDE = {
    "airflow": "Write what is below it one level higher: airflow_app_values holds the values of the official chart.",
    "mysql": "Set airflow_app_mysql_storage or platform_mysql_image.",
}


def unknown_keys(values: Any) -> Iterator[tuple[str, str]]:
    """The path of each key that the chart does not know, and the path that is nearest to it, if one is near."""
    for path, known in CHART_KEYS.items():
        part = at(values, *filter(None, path.split(".")))
        for key in part if isinstance(part, Mapping) else ():
            if key not in known:
                near = nearest(str(key), known)
                yield f"{path}.{key}".lstrip("."), f"{path}.{near}".lstrip(".") if near else ""


def unknown_chart_keys(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    found = dict(unknown_keys(airflow.values)) if airflow.chart.version == KNOWN_CHART else {}
    if not found:
        return
    actions = [OUTSIDE.get(path) or (f"Write {near} instead of {path}." if near else f"Remove {path}.") for path, near in found.items()]
    yield Refusal(
        "chart_key",
        ", ".join(found),
        "airflow_app_values sets what the official chart knows",
        f"airflow_app_values sets {', '.join(found)}, which the official chart {KNOWN_CHART} does not know. It would have no effect, or "
        "Argo CD could not render the chart.",
        " ".join(dict.fromkeys(actions)),
    )


def warnings(given: Settings, airflow: AirflowSettings) -> Iterator[str]:
    """What is probably a mistake in people's chart values, in sentences."""
    if airflow.chart.version != KNOWN_CHART:
        chart = f"the official chart {airflow.chart.version}".strip()
        for path, near in unknown_keys(airflow.values):
            yield f"airflow_app_values sets {path}, which {chart} may not know.{did_you_mean(near)}"
    if given.airflow_version:
        yield from unknown_options(at(airflow.values, "config"), named_entries(airflow.values), given.airflow_version)
