# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of airflow_worker_placement_wait, checked before any request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Expectation
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import label_value

EXPECTATION: dict[str, Any] = {
    "dag_id": {"type": "str", "required": True},
    "run_id": {"type": "str", "required": True},
    "task_id": {"type": "str"},
    "map_index": {"type": "int"},
    "namespace": {"type": "str", "required": True},
    "service_account": {"type": "str"},
    "node": {"type": "str"},
    "node_labels": {"type": "dict"},
    "node_selector": {"type": "dict"},
    "tolerations": {"type": "list", "elements": "dict"},
    "affinity": {"type": "dict"},
    "count": {"type": "int", "default": 1},
    "tries": {"type": "int", "default": 1},
    "pods_per_task": {"type": "int", "default": 1},
}
OPTIONS: dict[str, Any] = {
    "expectations": {"type": "list", "elements": "dict", "required": True, "options": EXPECTATION},
    "namespaces": {"type": "list", "elements": "str"},
    "resource_version": {"type": "str"},
    "task_instances": {"type": "list", "elements": "dict"},
    "phase": {"type": "str", "choices": ["Scheduled", "Running", "Succeeded"], "default": "Succeeded"},
    "timeout": {"type": "float", "default": 300},
    "unschedulable_grace": {"type": "float", "default": 60},
    "start_grace": {"type": "float", "default": 60},
    "tail_lines": {"type": "int", "default": 20},
}


def texts(given: Mapping[str, Any] | None) -> dict[str, str]:
    """Label values and tolerations are text in Kubernetes, but YAML makes true and 1 of them."""
    spelled = {key: "" if value is None else value for key, value in (given or {}).items()}
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in spelled.items()}


def toleration(given: Mapping[str, Any]) -> dict[str, Any]:
    """A toleration as the API server shows it: all text but its seconds."""
    seconds = {key: int(value) for key, value in given.items() if key == "tolerationSeconds" and value is not None}
    return texts({key: value for key, value in given.items() if value is not None}) | seconds


def expectations(params: Mapping[str, Any]) -> list[Expectation]:
    """:raises InputError: when an option makes no sense: it names the value and the rule."""
    if not params["expectations"]:
        raise InputError("expectations is empty.", "Give at least one.")
    if params["namespaces"] == []:
        raise InputError("namespaces is empty.", "Name the namespaces to watch, or leave the option out to watch all.")
    for option in ("timeout", "unschedulable_grace", "start_grace", "tail_lines"):
        if not (math.isfinite(params[option]) and params[option] >= 0):
            raise InputError(f"{option} is {params[option]:g}: it must be a number, 0 or more.", f"Correct {option}.")
    if params["resource_version"] and not params["resource_version"].isdecimal():
        message = f"resource_version {params['resource_version']!r} is not a number."
        raise InputError(message, "Give the resource_version that this module returned before the trigger.")
    return [_expectation(item, params["namespaces"]) for item in params["expectations"]]


def _expectation(item: Mapping[str, Any], namespaces: list[str] | None) -> Expectation:
    where = ".".join(item[key] for key in ("dag_id", "task_id") if item[key]) or "an expectation"
    for key in ("dag_id", "run_id", "namespace"):
        if not item[key]:
            raise InputError(f"{key} of {where} is empty.", f"Give {key}.")
    for key in ("dag_id", "run_id"):
        if not label_value(item[key])[0].isalnum():
            message = f"{key} {item[key]!r} has neither letter nor digit: Kubernetes accepts no pod with the label that Airflow makes."
            raise InputError(message, f"Correct {key}.")
    for key in ("count", "tries", "pods_per_task"):
        if item[key] < 1:
            raise InputError(f"{key} is {item[key]} for {where}: it must be 1 or more.", f"Correct {key}.")
    if item["map_index"] is not None:
        if item["map_index"] < 0:
            message = f"map_index is {item['map_index']} for {where}: it must be 0 or more."
            raise InputError(message, "Leave it out for a task that is not mapped.")
        if not item["task_id"]:
            raise InputError(f"map_index is {item['map_index']} for {where}, which names no task.", "Give task_id too.")
        if item["count"] > 1:
            raise InputError(f"count is {item['count']} for {where}, but a map_index has one worker.", "Leave one of both out.")
    if namespaces and item["namespace"] not in namespaces:
        raise InputError(f"namespace {item['namespace']} of {where} is not among namespaces ({', '.join(namespaces)}).", "Add it there.")
    try:
        tolerations = [toleration(entry) for entry in item["tolerations"] or ()]
    except (TypeError, ValueError):
        message = f"tolerationSeconds of {where} must be a whole number: {item['tolerations']!r}."
        raise InputError(message, "Correct it.") from None
    keys = ("dag_id", "run_id", "task_id", "map_index", "namespace", "service_account", "node", "count", "tries", "pods_per_task")
    return Expectation(
        **{key: item[key] for key in keys},
        node_labels=texts(item["node_labels"]),
        node_selector=texts(item["node_selector"]),
        tolerations=tolerations,
        affinity=item["affinity"] or {},
    )
