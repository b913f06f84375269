# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that people set for the official chart, beside those that the platform cannot do without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.dict_transformations import dict_merge

# Of every pod of the platform, unless people set tolerations: values.yaml.j2.
TOLERATIONS = [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}]

# First in PYTHONPATH of every container that runs Airflow. Outside /opt/airflow, which some containers may write.
PYTHON_FOLDER = "/opt/gitops-airflow"
PYTHON_VOLUME = "gitops-airflow"
# A Service's ports are chosen together: the platform's beside people's own would open one that they did not ask for.
REPLACED = ("ports",)
# The webserver's git-sync, which the platform writes, because the chart has none there: container by list of the chart's values.
GIT_SYNC = {"extraInitContainers": "git-sync-init", "extraContainers": "git-sync"}
PODS_WITH_DAGS = ("scheduler", "triggerer", "workers", "dagProcessor")
JOBS = ("migrateDatabaseJob", "createUserJob")
# What has rights in worker namespaces, and so an account whose name must be known.
WITH_RIGHTS = ("scheduler", "triggerer", "webserver")
# The platform's own name of the chart's objects (values.yaml.j2).
FULLNAME = "airflow"
# Only Python without its own library, or with another one, comes of it.
REFUSED_VARIABLE = "PYTHONHOME"


def with_platform_entries(values: Mapping[str, Any], platform: Mapping[str, Any]) -> dict[str, Any]:
    """People's values, in which each list of named entries is completed with the platform's entries of other names (F20).

    ``values`` and ``platform`` are values of the official chart. An entry of the same name, or a mount at the same path, is people's own.
    A key with nothing below it, as where all of it is a comment, leaves what the platform sets there as it is.
    What people set for the chart's git-sync holds for the webserver's, too (F8).
    """
    completed = _completed(values, platform)
    return _with_git_sync(completed, platform)


def _completed(theirs: Mapping[str, Any], platform: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(theirs)
    for key, own in platform.items():
        if key not in theirs or key in REPLACED:
            continue
        if isinstance(own, Mapping) and isinstance(theirs[key], Mapping | None):
            found[key] = _completed(theirs[key] or {}, own)
        elif _is_named(own) and isinstance(theirs[key], list | tuple | None):
            found[key] = _joined(theirs[key], own)
    return found


def _is_named(entries: Any) -> bool:
    return isinstance(entries, list | tuple) and all(isinstance(entry, Mapping) and "name" in entry for entry in entries)


def _identity(entry: Any) -> Any:
    """What two entries of one list must not share. A volume may be mounted at several paths."""
    if not isinstance(entry, Mapping):
        return None
    return str(entry["mountPath"]).rstrip("/") if "mountPath" in entry else entry.get("name")


def _joined(theirs: Sequence[Any] | None, platform: Sequence[Any] | None) -> list[Any]:
    names = {_identity(entry) for entry in theirs or []}
    return list(theirs or []) + [entry for entry in platform or [] if _identity(entry) not in names]


def _with_git_sync(values: dict[str, Any], platform: Mapping[str, Any]) -> dict[str, Any]:
    """Gives the webserver's git-sync what people set for the chart's: variables, mounts with their volumes, resources, security context.

    The DAG processor's is the chart's own. It gets the volumes, which people wrote for the pods that had git-sync before.
    """
    settings = at(values, "dags", "gitSync")
    given = {
        "env": at(settings, "env"),
        "volumeMounts": at(settings, "extraVolumeMounts"),
        "resources": at(settings, "resources"),
        "securityContext": at(settings, "securityContexts", "container"),
    }
    given = {key: value for key, value in given.items() if value}
    own = platform.get("webserver") or {}
    theirs = values.get("webserver") or {}
    if not given or not any(own.get(key) for key in GIT_SYNC):
        return values
    webserver = dict(theirs)
    for key, name in GIT_SYNC.items():
        containers = theirs.get(key) or own.get(key) or []
        written = [container for container in own.get(key) or [] if container["name"] == name]
        webserver[key] = [_with(container, given) if container in written else container for container in containers]
    webserver["extraVolumes"] = _with_volumes(values, theirs.get("extraVolumes") or own.get("extraVolumes") or [], given)
    found = {**values, "webserver": webserver}
    if "dagProcessor" in platform:
        processor = values.get("dagProcessor") or {}
        there = processor.get("extraVolumes") or at(platform, "dagProcessor", "extraVolumes") or []
        found["dagProcessor"] = {**processor, "extraVolumes": _with_volumes(values, there, given)}
    return found


def _with(container: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(container)
    for key, value in given.items():
        there = container.get(key)
        found[key] = dict_merge(dict(there or {}), value) if isinstance(value, Mapping) else _joined(value, there)
    return found


def _with_volumes(values: Mapping[str, Any], volumes: Sequence[Any], given: Mapping[str, Any]) -> list[Any]:
    """A pod's volumes, with those that git-sync mounts in the other pods and this one does not have yet."""
    there = {_identity(volume) for volume in [*(values.get("volumes") or []), *volumes]}
    elsewhere = [volume for pod in PODS_WITH_DAGS for volume in at(values, pod, "extraVolumes") or []]
    wanted = {mount.get("name") for mount in given.get("volumeMounts") or [] if isinstance(mount, Mapping)} - there
    more = {_identity(volume): volume for volume in reversed(elsewhere) if _identity(volume) in wanted}
    return [*volumes, *more.values()]


def at(values: Any, *path: str) -> Any:
    """What stands at a path in the values; None where something on the way is missing."""
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def mapping(value: Any) -> Mapping[str, Any]:
    """An empty one where the values have another form, which is refused elsewhere."""
    return value if isinstance(value, Mapping) else {}


def entries(value: Any) -> list[Any]:
    """An empty one where the values have another form: what is not a list is the chart's to refuse."""
    return list(value) if isinstance(value, list | tuple) else []


def named_entries(values: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """The names in lists of the values, also those of environment variables that are made of Secrets, with the list that has them."""
    if isinstance(values, Mapping):
        for key, item in values.items():
            yield from named_entries(item, f"{place}.{key}".lstrip("."))
    elif isinstance(values, list | tuple):
        for item in values:
            if isinstance(item, Mapping):
                yield from ((place, item[key]) for key in ("name", "envName") if isinstance(item.get(key), str))
                yield from named_entries(item, place)


def service_accounts(values: Any, release: str) -> dict[str, str]:
    """The ServiceAccounts of Airflow's parts that have rights in worker namespaces, by part.

    Rule: the official chart's templates/_helpers.yaml, with the platform's values and people's over them. ``values``: people's.
    ``release``: name of the release, which is the Application's.
    """
    return {part: _account(mapping(values), release, part, part) for part in WITH_RIGHTS}


def worker_account(values: Any, release: str) -> str:
    """The ServiceAccount of worker pods, by the same rule."""
    return _account(mapping(values), release, "workers", "worker")


def config_map(values: Any, release: str) -> str:
    """The ConfigMap with Airflow's configuration, which every worker mounts."""
    return f"{_base_name(mapping(values), release)}-config"


def _account(values: Mapping[str, Any], release: str, part: str, suffix: str) -> str:
    account = mapping(mapping(values.get(part)).get("serviceAccount"))
    default = f"{_base_name(values, release)}-{suffix}" if account.get("create", True) else "default"
    return str(account.get("name") or default)


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
