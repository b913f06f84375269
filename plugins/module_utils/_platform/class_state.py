# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the cluster has the PriorityClasses and RuntimeClasses that settings name for pods. Pure but for read().

The API server refuses a pod whose class does not exist. The executor of Airflow 2.6 tries again without a limit, so tasks stay queued.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import JOBS, PODS_WITH_DAGS, at, entries
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings

PRIORITY, RUNTIME = "PriorityClass", "RuntimeClass"
# Options of a worker namespace, with the kind that they name.
OPTIONS = {"priority_class": PRIORITY, "runtime_class": RUNTIME}
# Parts of the chart's values with pods of Airflow. The DAG processor runs only if a variable switches it on.
PARTS = ("webserver", *PODS_WITH_DAGS, *JOBS)
DAG_PROCESSOR = "dagProcessor"
CREATE = {
    PRIORITY: "Create it, for example with: kubectl create priorityclass {name} --value=1000",
    RUNTIME: "Create it with a handler that the nodes have",
}

Class = tuple[str, str]
"""The kind and the name."""
Classes = Mapping[Class, "bool | None"]
"""Whether each exists. None if this account may not read it."""


def wanted(given: Settings, airflow: AirflowSettings) -> dict[Class, list[str]]:
    """The classes that settings name, each with what names it."""
    found: dict[Class, list[str]] = {}
    for kind, name, place in _named(given, airflow):
        found.setdefault((kind, name), []).append(place)
    return found


def _named(given: Settings, airflow: AirflowSettings) -> Iterator[tuple[str, str, str]]:
    for entry in given.profiles:
        if entry["name"] == given.core_namespace and not airflow.core_tasks:
            continue
        for option, kind in OPTIONS.items():
            if entry.get(option):
                yield kind, str(entry[option]), f"{option} of {entry['name']} in platform_worker_namespaces"
    core = airflow.core_placement.get("priority_class")
    if core:
        yield PRIORITY, str(core), "priority_class of airflow_app_core_placement"
    made = set(_made(airflow.values))
    for part in PARTS:
        name = at(airflow.values, part, "priorityClassName")
        # A name that Helm renders is not known here.
        if not isinstance(name, str) or not name or "{{" in name or name in made or (part == DAG_PROCESSOR and not airflow.dag_processor):
            continue
        yield PRIORITY, name, f"{part}.priorityClassName of airflow_app_values"


def _made(values: Any) -> Iterator[str]:
    """The PriorityClasses that the official chart makes."""
    for item in entries(at(values, "priorityClasses")):
        if isinstance(item, Mapping):
            yield str(item.get("name"))


def read(api: KubeApi, given: Settings) -> Classes:
    """Only the classes that settings name. Raises ApiError."""
    if given.airflow is None:
        return {}
    classes = list(wanted(given, given.airflow))
    return dict(zip(classes, at_once(lambda item: _exists(api, *item), classes), strict=True))


def _exists(api: KubeApi, kind: str, name: str) -> bool | None:
    try:
        return api.metadata(f"{collection(kind)}/{quote(name, safe='')}") is not None
    except ApiError as error:
        if error.status == 403:
            return None
        raise


def notes(found: Classes) -> Iterator[str]:
    unread = [f"the {kind} {name}" for (kind, name), exists in found.items() if exists is None]
    if unread:
        yield f"Whether the cluster has {named(unread)} was not checked, because this account may not read it."


def refusals(found: Classes, given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    for (kind, name), places in wanted(given, airflow).items():
        if found.get((kind, name)) is not False:
            continue
        yield Refusal(
            "missing_class",
            name,
            "the cluster has the classes that pods name",
            f"{' and '.join(places)} {'is' if len(places) == 1 else 'are'} '{name}', but the cluster has no {kind} of that name. The API "
            "server would refuse these pods.",
            f"{CREATE[kind].format(name=name)}. Or correct {' and '.join(places)}. Then run the same command again.",
        )
