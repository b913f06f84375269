# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of values that a person writes as a text or a number: sizes, seconds, days, ports, authors. Pure.

Each function returns why a value does not have the form, as the end of a sentence, or an empty text. Kubernetes refuses a wrong quantity
only when the object is applied, and takes "5" for five bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._git.author import author_problem
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal

Form = Callable[[Any], str]

# Kubernetes: apimachinery/pkg/api/resource/quantity.go. parse_quantity of its Python library takes more ("5K"), and settings are checked
# without that library.
QUANTITY = re.compile(r"(?P<number>\d+(\.\d*)?|\.\d+)(?P<unit>[KMGTPE]i|[numkMGTPE]?|[eE][+-]?\d+)", re.ASCII)
BINARY = {f"{letter}i": Decimal(1024**power) for power, letter in enumerate("KMGTPE", 1)}
DECIMAL = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(1000)}
DECIMAL |= {letter: Decimal(1000**power) for power, letter in enumerate("MGTPE", 2)}
# What people write for units that Kubernetes does not know.
OTHERS = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp])(i?)(?:b|byte|bytes)?", re.IGNORECASE)
SMALLEST = 2**20
# Go: time.ParseDuration
DURATION = re.compile(r"0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+", re.ASCII)


def amount(value: Any) -> Decimal | None:
    """The number that a quantity of Kubernetes stands for, such as 5368709120 for C(5Gi); None for anything else."""
    found = None if isinstance(value, bool) else QUANTITY.fullmatch(str(value))
    if not found:
        return None
    unit = found["unit"]
    factor = BINARY.get(unit) or DECIMAL.get(unit) or Decimal(f"1{unit}")
    return Decimal(found["number"]) * factor


def quantity(value: Any) -> str:
    """CPU or memory."""
    if amount(value) is not None:
        return ""
    meant = OTHERS.fullmatch(str(value).strip())
    letter = meant[2].upper() if meant else ""
    advice = f", such as {meant[1]}{letter}i" if meant else ", such as 500m or 2Gi"
    return f"must be a quantity of Kubernetes, a number with a unit and no blank{advice}"


def size(value: Any) -> str:
    """Size of a volume, in bytes."""
    found, wrong = amount(value), quantity(value)
    if found is None or found >= SMALLEST:
        return wrong.replace("500m or 2Gi", "5Gi")
    return f"is {found.normalize():f} bytes, too small for a volume; it needs a unit, such as 5Gi"


def _whole(value: Any, least: int, what: str, most: int | None = None) -> str:
    text = str(value).strip()
    number = int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None
    if number is not None and number >= least and (most is None or number <= most):
        return ""
    limit = f" of at least {least}" if most is None else f" from {least} to {most}"
    return f"must be {what}, a whole number{limit} without a unit"


def seconds(value: Any) -> str:
    return _whole(value, 1, "seconds")


def patience(value: Any) -> str:
    """Seconds that may be none: then there is one look."""
    return _whole(value, 0, "seconds")


def days(value: Any) -> str:
    return _whole(value, 0, "days")


def count(value: Any) -> str:
    return _whole(value, 0, "a count")


def megabytes(value: Any) -> str:
    return _whole(value, 0, "megabytes")


def port(value: Any) -> str:
    """A port, or 0 for none."""
    return _whole(value, 0, "a port, or 0 for none", 65535)


def duration(value: Any) -> str:
    """A duration as Go reads it, which git-sync does."""
    if isinstance(value, str) and DURATION.fullmatch(value):
        return ""
    return "must be a duration with a unit, such as 10s or 1m30s"


# The roles' variables that have a form. A test compares them with the argument_specs.
VARIABLES: dict[str, Form] = {
    "airflow_app_git_author": author_problem,
    "airflow_app_log_lines": count,
    "airflow_app_mysql_storage": size,
    "airflow_app_publish_wait": patience,
    "airflow_app_run_timeout": seconds,
    "airflow_app_wait": seconds,
    "airflow_app_webserver_node_port": port,
    "airflow_verify_containers": count,
    "airflow_verify_pods": count,
    "airflow_verify_timeout": seconds,
    "argocd_wait": seconds,
    "git_server_storage": size,
    "git_server_wait": seconds,
    "kind_cluster_min_disk_mb": megabytes,
    "kind_cluster_min_memory_mb": megabytes,
    "kind_cluster_wait": seconds,
    "metrics_server_wait": seconds,
    "platform_airflow_host_port": port,
    "platform_airflow_node_port": port,
    "platform_argocd_host_port": port,
    "platform_argocd_node_port": port,
    "support_bundle_tail": count,
    "task_logs_retention_days": days,
    "task_logs_storage": size,
    "task_logs_wait": seconds,
}
# Keys of the official chart's values that have a form, wherever they stand.
DURATIONS, SIZES = ("dags.gitSync.period",), ("persistence.size",)


def _in_values(values: Any, place: str = "") -> Iterator[tuple[str, Any, Form]]:
    """Everything in the chart's values that has a form: where it stands, what is set, the form."""
    if isinstance(values, list | tuple):
        for item in values:
            yield from _in_values(item, place)
    if not isinstance(values, Mapping):
        return
    for key, item in values.items():
        path = f"{place}.{key}".lstrip(".")
        if key == "resources" and isinstance(item, Mapping):
            for kind in ("requests", "limits"):
                wanted = item.get(kind)
                pairs = wanted.items() if isinstance(wanted, Mapping) else ()
                yield from ((f"{path}.{kind}.{name}", value, quantity) for name, value in pairs if value is not None)
        elif path in DURATIONS and item is not None:
            yield path, item, duration
        elif path.endswith(SIZES) and item is not None:
            yield path, item, size
        else:
            yield from _in_values(item, path)


def _refusal(name: str, value: Any, why: str) -> Refusal:
    return Refusal(
        "value_form",
        str(value),
        "a size, a time, a count, a port or an author is written as its reader expects it",
        f"{name} is '{value}'. It {why}.",
        f"Correct {name}.",
    )


def variables(given: Mapping[str, Any]) -> Iterator[Refusal]:
    """The refusals for values of variables in VARIABLES."""
    for name, value in given.items():
        why = VARIABLES[name](value)
        if why:
            yield _refusal(name, value, why)


def chart_values(values: Any) -> Iterator[Refusal]:
    """The refusals for people's values of the official chart. Values that Helm renders are left to it."""
    for path, value, form in _in_values(values):
        why = "" if "{{" in str(value) else form(value)
        if why:
            yield _refusal(f"{path} of airflow_app_values", value, why)
