# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries that people's chart values must not replace, because the platform does not work without them. Pure: settings in, refusals out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import PYTHON_VOLUME, named_entries
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings


@dataclass(frozen=True)
class Entry:
    """An entry by its name, the lists that must not have it (by the ends of their paths), what it is for, and what else helps."""

    name: str
    lists: tuple[str, ...]
    purpose: str
    otherwise: str = ""


ADMIN = Entry("ADMIN_PASSWORD", ("createUserJob.env",), "the password of Airflow's admin")
POLICY = Entry(PYTHON_VOLUME, ("extraVolumes",), "the cluster policy")
TOKEN = Entry("kube-api-access", ("volumes", "extraVolumes", "extraVolumeMounts"), "the token of scheduler, triggerer and webserver")
LOGS = Entry(
    "AIRFLOW_CONN_TASK_LOGS",
    ("env", "secret"),
    "the connection to the store of task logs",
    ", or set airflow_app_logs to 'none' to use a store of your own",
)
AUTHORITY = (
    Entry("GIT_SSL_CAINFO", ("env",), "airflow_app_dags_ca", ", or leave airflow_app_dags_ca empty"),
    Entry("git-authority", ("volumes", "extraVolumes"), "airflow_app_dags_ca", ", or leave airflow_app_dags_ca empty"),
)


def needed(airflow: AirflowSettings) -> list[Entry]:
    """What the platform needs with these settings."""
    return [ADMIN, POLICY, TOKEN, *([LOGS] if airflow.logs.mode != "none" else []), *(AUTHORITY if airflow.dags.used.ca else ())]


def platform_entries(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    places = list(named_entries(airflow.values))
    extra = airflow.values.get("extraEnv") if airflow.values else None
    for entry in needed(airflow):
        found = [place for place, name in places if name == entry.name and place.endswith(entry.lists)]
        found += ["extraEnv"] if "env" in entry.lists and isinstance(extra, str) and entry.name in extra else []
        if found:
            where = ", ".join(dict.fromkeys(found))
            yield Refusal(
                "platform_entry",
                entry.name,
                "an entry that the platform needs is the platform's own",
                f"airflow_app_values sets {entry.name} in {where}, which the platform needs for {entry.purpose}.",
                f"Give your entry another name{entry.otherwise}.",
            )
