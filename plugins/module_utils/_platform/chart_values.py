# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that people set for the official chart, beside those that the platform cannot do without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# First in PYTHONPATH of every container that runs Airflow. Outside /opt/airflow, which some containers may write.
PYTHON_FOLDER = "/opt/gitops-airflow"
PYTHON_VOLUME = "gitops-airflow"
# Lists that the chart gives to every container of Airflow. Their entries have names.
EVERYWHERE = ("env", "volumes", "volumeMounts")
# What has a list of its own with variables of its container.
COMPONENTS = ("scheduler", "triggerer", "webserver", "workers")
JOBS = ("migrateDatabaseJob", "createUserJob")
# What has rights in worker namespaces, and so an account whose name must be known.
WITH_RIGHTS = ("scheduler", "triggerer", "webserver")
# The platform's own name of the chart's objects (values.yaml.j2).
FULLNAME = "airflow"
# Only Python without its own library, or with another one, comes of it.
REFUSED_VARIABLE = "PYTHONHOME"


def with_platform_entries(values: Mapping[str, Any], platform: Mapping[str, Any]) -> dict[str, Any]:
    """People's values, completed with the platform's entries of other names: lists for every container, and components' variables.

    ``values`` and ``platform`` are values of the official chart. An entry of the same name is people's own.
    """
    completed = dict(values)
    for key in EVERYWHERE:
        if key in values:
            completed[key] = _completed(values[key], platform.get(key))
    for component in COMPONENTS:
        if "env" in (values.get(component) or {}):
            env = _completed(values[component]["env"], (platform.get(component) or {}).get("env"))
            completed[component] = {**values[component], "env": env}
    return completed


def _completed(theirs: Sequence[Any] | None, platform: Sequence[Any] | None) -> list[Any]:
    names = {entry.get("name") for entry in theirs or [] if isinstance(entry, Mapping)}
    return list(theirs or []) + [entry for entry in platform or [] if entry["name"] not in names]


def service_accounts(values: Any, release: str) -> dict[str, str]:
    """The ServiceAccounts of Airflow's parts that have rights in worker namespaces, by part.

    Rule: the official chart's templates/_helpers.yaml, with the platform's values and people's over them. ``values``: people's.
    ``release``: name of the release, which is the Application's.
    """
    given = _mapping(values)
    found = {}
    for part in WITH_RIGHTS:
        account = _mapping(_mapping(given.get(part)).get("serviceAccount"))
        default = f"{_base_name(given, release)}-{part}" if account.get("create", True) else "default"
        found[part] = str(account.get("name") or default)
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    """An empty one where the values have another form, which is refused elsewhere."""
    return value if isinstance(value, Mapping) else {}


def _base_name(values: Mapping[str, Any], release: str) -> str:
    """What the chart's ServiceAccounts begin with (airflow.serviceAccountName)."""
    full, name = values.get("fullnameOverride", FULLNAME), values.get("nameOverride") or FULLNAME
    text = str(full or (release if str(name) in release else f"{release}-{name}"))
    return text[:63].removesuffix("-")


def texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text in the values, keys too, with where it stands."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield place, str(key)
            yield from texts(item, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item, place)
    elif isinstance(value, str):
        yield place, value


def _is_first(path: Any) -> bool:
    return str(path).split(":", maxsplit=1)[0].rstrip("/") == PYTHON_FOLDER


def import_path_problems(values: Mapping[str, Any] | None) -> list[str]:
    """What in people's values would let something else be imported in place of the platform's cluster policy (CVE-2024-45034).

    Empty where nothing does. The chart's own template worker-namespaces.yaml holds the same rules, for values that were changed in Git.
    """
    given = values or {}
    problems = []
    variables = [entry for entry in given.get("env") or [] if isinstance(entry, Mapping)]
    paths = [entry.get("value") for entry in variables if entry.get("name") == "PYTHONPATH"]
    if len(paths) > 1:
        problems.append("env sets PYTHONPATH more than once")
    problems += [f"env sets PYTHONPATH to '{path}', which does not begin with {PYTHON_FOLDER}" for path in paths if not _is_first(path)]
    for place, text in texts(given):
        if REFUSED_VARIABLE in text:
            problems.append(f"{place or 'a key'} sets {REFUSED_VARIABLE}")
        elif "PYTHONPATH" in text and (place, text) != ("env.name", "PYTHONPATH"):
            problems.append(f"{place or 'a key'} sets PYTHONPATH; only env, which is for every container, may")
        elif text.startswith(PYTHON_FOLDER) and place.endswith("mountPath"):
            problems.append(f"{place} is {text}, which is the platform's own folder")
    for entry in given.get("volumes") or []:
        if isinstance(entry, Mapping) and entry.get("name") == PYTHON_VOLUME:
            problems.append(f"volumes has an entry {PYTHON_VOLUME}, which is the platform's own")
    for entry in given.get("volumeMounts") or []:
        if isinstance(entry, Mapping) and entry.get("name") == PYTHON_VOLUME:
            problems.append(f"volumeMounts has an entry {PYTHON_VOLUME}, which is the platform's own")
    for job in JOBS:
        if (given.get(job) or {}).get("applyCustomEnv", True) is not True:
            problems.append(f"{job}.applyCustomEnv is not true, so the job would have no PYTHONPATH")
    if given.get("podTemplate") and PYTHON_FOLDER not in str(given["podTemplate"]):
        problems.append(f"podTemplate does not mount {PYTHON_FOLDER}")
    return list(dict.fromkeys(problems))
