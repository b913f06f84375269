# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets, ConfigMaps and volume claims that people's settings name, and whether they are where pods need them. Pure: values in.

Most of them are named in the values of the chart, pull secrets also in the profiles of worker namespaces.

A pod can use only what is in its own namespace. What exists in the core namespace alone stops every worker of another one in
CreateContainerConfigError, after a green run (F9).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform import shapes
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at, entries, mapping
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import CORE_SECRETS, WORKER_SECRETS, Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pull_secrets import pull_secrets
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings

SECRET, CONFIG_MAP, CLAIM = "Secret", "ConfigMap", "PersistentVolumeClaim"
# Values that are the name of a Secret, with the keys that it must have.
SECRET_NAMES: dict[str, tuple[str, ...]] = {
    "registry.secretName": (),
    "data.metadataSecretName": ("connection",),
    "fernetKeySecretName": ("fernet-key",),
    "webserverSecretKeySecretName": ("webserver-secret-key",),
    "dags.gitSync.credentialsSecret": (),
    "dags.gitSync.sshKeySecret": ("gitSshKey",),
}
# Parts of the values by the pods that have them: all of Airflow's, only workers, only those of the core namespace.
WEBSERVERS_OWN = "webserverSecretKeySecretName"
_ALL_PODS = [name for name in SECRET_NAMES if name != WEBSERVERS_OWN]
EVERYWHERE = ("secret", "env", "extraEnv", "extraEnvFrom", "volumes", "imagePullSecrets", "dags", "logs", *_ALL_PODS)
WORKERS = ("workers", "podTemplate")
CORE = ("scheduler", "triggerer", "webserver", "createUserJob", "migrateDatabaseJob", WEBSERVERS_OWN)
DAG_PROCESSOR = ("dagProcessor",)
# Parts of the values that are YAML in a text.
TEXTS = ("extraEnv", "extraEnvFrom", "podTemplate")
# The images of the log store's pods, by their names in the settings, and where everyone may pull them.
LOG_STORE_IMAGES = {
    "airflow": re.compile(r"(?:docker\.io/)?apache/airflow[:@]"),
    "versitygw": re.compile(r"(?:docker\.io/|ghcr\.io/)?versity/versitygw[:@]"),
}
# What a run makes by itself, in every namespace and in the core namespace.
MADE = {*((SECRET, name) for name in WORKER_SECRETS), *((CONFIG_MAP, f"airflow-{name}") for name in ("config", "python", "git-authority"))}
MADE_IN_CORE = {(SECRET, name) for name in CORE_SECRETS}
# What must never be copied from the core namespace to another one: the same, and what Kubernetes makes in every namespace.
OWN = MADE | MADE_IN_CORE | {(CONFIG_MAP, "airflow-verification"), (CONFIG_MAP, "kube-root-ca.crt")}
# The variables that list what is copied to the other worker namespaces.
COPY_VARIABLES = {SECRET: "airflow_app_worker_secrets", CONFIG_MAP: "airflow_app_worker_config_maps"}
# The variables that name objects, and the option of a profile.
VALUES, PROFILES, PULL_SECRETS = "airflow_app_values", "platform_worker_namespaces", "pull_secrets"
# Parts that name Secrets for pulling images, which have a type and a key of their own.
OF_PULLS = ("registry.secretName", "imagePullSecrets", PULL_SECRETS)
PULL_TYPE, PULL_KEY = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
WORDS = {SECRET: "secret generic", CONFIG_MAP: "configmap"}


@dataclass(frozen=True)
class Reference:
    """What is named: the kind, the name, the keys that it must have, and the variable and the part of it that name it."""

    kind: str
    name: str
    keys: tuple[str, ...] = ()
    place: str = ""
    variable: str = VALUES


def _items(source: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(item["key"]) for item in entries(source.get("items")) if isinstance(item, Mapping) and "key" in item)


def _source(key: str, value: Mapping[str, Any]) -> tuple[str, Any, tuple[str, ...]] | None:
    """Kind, name and keys of what stands below a key of a pod's specification; None for a key that names nothing."""
    if key in ("secretKeyRef", "configMapKeyRef"):
        return SECRET if key == "secretKeyRef" else CONFIG_MAP, value.get("name"), (str(value.get("key")),)
    if key in ("secretRef", "nodePublishSecretRef", "configMapRef"):
        return CONFIG_MAP if key == "configMapRef" else SECRET, value.get("name"), ()
    if key == "secret":
        return SECRET, value.get("secretName", value.get("name")), _items(value)
    if key == "configMap":
        return CONFIG_MAP, value.get("name"), _items(value)
    if key == "persistentVolumeClaim":
        return CLAIM, value.get("claimName"), ()
    return None


def _named(part: Any) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    if isinstance(part, list | tuple):
        for item in part:
            yield from _named(item)
    if not isinstance(part, Mapping):
        return
    for key, value in part.items():
        if isinstance(value, Mapping):
            found = _source(str(key), value)
            if found and value.get("optional") is not True:
                yield found
        if key == "existingClaim" and part.get("enabled"):
            yield CLAIM, value, ()
        # git-sync's envFrom is a text.
        yield from _named(parsed(value, quoted=True) if key == "envFrom" and isinstance(value, str) else value)


def _of_part(name: str, part: Any) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """What one part of the chart's values names."""
    found = [entry for entry in entries(part) if isinstance(entry, Mapping)]
    if name == "secret":
        yield from ((SECRET, entry.get("secretName"), (str(entry.get("secretKey")),)) for entry in found)
    elif name == "imagePullSecrets":
        yield from ((SECRET, entry.get("name"), ()) for entry in found)
    elif name in SECRET_NAMES:
        yield SECRET, part, SECRET_NAMES[name]
    else:
        yield from _named(parsed(part, quoted=True) if name in TEXTS else part)


def parsed(text: Any, *, quoted: bool = False) -> Any:
    """What the YAML in a text holds. None if Helm renders something of it; if ``quoted``, only if Helm must first make YAML of it."""
    import yaml

    try:
        return yaml.safe_load(text) if isinstance(text, str) and (quoted or "{{" not in text) else None
    except yaml.YAMLError:
        return None


def _references(values: Any, parts: Sequence[str]) -> Iterator[Reference]:
    for name in parts:
        for kind, found, keys in _of_part(name, at(values, *name.split("."))):
            # A name that Helm renders is not known here.
            if isinstance(found, str) and found and "{{" not in found:
                yield Reference(kind, found, keys, name)


def of_log_store(given: Settings, airflow: AirflowSettings) -> list[Ref]:
    """The same where the log store of the platform needs them: its pods have images of their own, and Airflow's."""
    namespace = str(given.logs_namespace)
    return [Ref(SECRET, namespace, name, "v1") for name in pull_secrets(airflow.values)] if given.logs_mode == "embedded" else []


def log_store_notes(
    given: Settings, airflow: AirflowSettings, there: Mapping[Ref, frozenset[str] | None], namespaces: Collection[str]
) -> Iterator[str]:
    """That the log store's pods may not get their images. A Secret for other images than theirs may be missing, so nothing is refused.

    ``there`` and ``namespaces`` as in refusals.
    """
    wanted_there = [ref for ref in of_log_store(given, airflow) if (SECRET, ref.name) not in airflow.copied]
    missing = [ref.name for ref in wanted_there if ref.namespace not in namespaces or there.get(ref, frozenset()) is None]
    images = [image for name, public in LOG_STORE_IMAGES.items() if (image := given.images.get(name, "")) and not public.match(image)]
    if missing and images:
        what, names = ("these Secrets", "their names") if len(missing) > 1 else ("this Secret", "its name")
        yield (
            f"airflow_app_values pulls Airflow's image with {', '.join(missing)}, but {given.logs_namespace} does not have {what}. If the "
            f"registry of {' or '.join(images)} requires a log-in, the pods of the log store cannot start. Add {names} to "
            f"{COPY_VARIABLES[SECRET]}: then each run copies {what} there, too. Or create {what} in {given.logs_namespace}."
        )


def of_workers(values: Any) -> Iterator[Reference]:
    """What people's values name in every worker pod."""
    return _references(values, (*EVERYWHERE, *WORKERS))


def wanted(given: Settings, airflow: AirflowSettings) -> dict[Ref, list[Reference]]:
    """What must exist for people's values and profiles, by object. What the run makes itself is left out.

    Of an object that the run copies, the source must exist.
    """
    values, core, others = airflow.values, str(given.core_namespace), given.namespaces_beside_core
    in_core = (*CORE, *(DAG_PROCESSOR if airflow.dag_processor else ()))
    scopes = [(EVERYWHERE, [core, *others]), (WORKERS, [*([core] if airflow.core_tasks else []), *others]), (in_core, [core])]
    rendered = _rendered(values)
    # The run copies these to every namespace of the platform, or says that they are missing (pull_copies.py).
    pulls = {(SECRET, name) for name in given.pull_secrets}
    named = [(reference, namespaces) for parts, namespaces in scopes for reference in _references(values, parts)]
    named += [(reference, [namespace]) for reference, namespace in _of_profiles(given, airflow)]
    found: dict[Ref, list[Reference]] = {}
    for reference, namespaces in named:
        for namespace in namespaces:
            made = pulls | (MADE | MADE_IN_CORE | rendered if namespace == core else MADE)
            if (reference.kind, reference.name) not in made:
                place = core if (reference.kind, reference.name) in airflow.copied else namespace
                found.setdefault(Ref(reference.kind, place, reference.name, "v1"), []).append(reference)
    return found


def _of_profiles(given: Settings, airflow: AirflowSettings) -> Iterator[tuple[Reference, str]]:
    """The pull secrets of each worker namespace in which tasks run, without names that the rules for profiles refuse."""
    for entry in given.profiles:
        if entry["name"] == given.core_namespace and not airflow.core_tasks:
            continue
        for name in entry.get("pull_secrets") or []:
            if shapes.OBJECT_NAME.fullmatch(str(name)):
                yield Reference(SECRET, str(name), (), PULL_SECRETS, PROFILES), str(entry["name"])


def _rendered(values: Any) -> set[tuple[str, str]]:
    """What the official chart makes of people's values, in the core namespace."""
    return {
        (kind, name) for kind, part in ((SECRET, "extraSecrets"), (CONFIG_MAP, "extraConfigMaps")) for name in mapping(at(values, part))
    }


def refusals(
    given: Settings,
    airflow: AirflowSettings,
    there: Mapping[Ref, frozenset[str] | None],
    namespaces: Sequence[str],
    going: Collection[Ref] = (),
) -> Iterator[Refusal]:
    """What pods would miss.

    ``there``: the keys of each object that was looked up, or None for one that does not exist. ``namespaces``: those that exist. ``going``:
    copies of earlier runs that this run deletes. That a source of copies is missing is not said here. What another program may still make
    is in ``notes``.
    """
    there = {ref: None if ref in going else keys for ref, keys in there.items()}
    by_name: dict[tuple[str, str], dict[Ref, list[str]]] = {}
    every = wanted(given, airflow)
    for ref, references in every.items():
        if (ref.kind, ref.name) in airflow.copied and there.get(ref) is None:
            continue
        if _is_awaited(ref, references, given, namespaces):
            continue
        keys, present = sorted({key for reference in references for key in reference.keys}), there.get(ref)
        missing = keys if present is None else [key for key in keys if key not in present]
        if present is None or missing:
            by_name.setdefault((ref.kind, ref.name), {})[ref] = missing
    for (kind, name), found in by_name.items():
        naming = [reference for ref in found for reference in every[ref]]
        absent = [ref.namespace for ref in found if there.get(ref) is None and ref not in going]
        copies = [ref.namespace for ref in found if ref in going]
        lacks = [f"the one of {ref.namespace} lacks {', '.join(keys)}" for ref, keys in found.items() if there.get(ref) is not None]
        if copies:
            lacks.append(f"{COPY_VARIABLES[kind]} no longer names it, so the run deletes the copy in {', '.join(copies)}")
        what = [*([f"it does not exist in {', '.join(absent)}"] if absent else []), *lacks]
        pulls = all(reference.place in OF_PULLS for reference in naming)
        yield Refusal(
            "missing_reference",
            ", ".join(f"{ref.namespace}/{name}" for ref in found),
            "what a pod refers to exists in the pod's namespace",
            f"{_naming(naming, f'{kind} {name}')}, but {'; '.join(what)}. A pod can use only what is in its own namespace, so "
            f"{'images that need it could not be pulled for pods there' if pulls else 'pods there would not start'}.",
            _either(
                _copy_action(kind, name, found, there, given, airflow),
                _action(kind, name, found, namespaces, pulls=pulls),
            ),
        )


def _is_awaited(ref: Ref, references: Sequence[Reference], given: Settings, namespaces: Sequence[str]) -> bool:
    """Whether another program may make the object once its namespace exists, as External Secrets and copiers of Secrets do.

    Only a Secret for pulling images: the node tries again until it is there. Airflow's own pods need theirs while the run waits for them.
    """
    own_pods = ref.namespace == given.core_namespace and any(reference.variable == VALUES for reference in references)
    return ref.namespace not in namespaces and not own_pods and all(reference.place in OF_PULLS for reference in references)


def notes(
    given: Settings, airflow: AirflowSettings, there: Mapping[Ref, frozenset[str] | None], namespaces: Sequence[str]
) -> Iterator[str]:
    """What pods would miss if no other program makes it after the run has created the namespace. Arguments as of ``refusals``."""
    every = wanted(given, airflow)
    by_name: dict[str, dict[Ref, list[str]]] = {}
    for ref, references in every.items():
        if (ref.kind, ref.name) not in airflow.copied and _is_awaited(ref, references, given, namespaces):
            by_name.setdefault(ref.name, {})[ref] = []
    for name, found in by_name.items():
        places = ", ".join(ref.namespace for ref in found)
        naming = _naming([reference for ref in found for reference in every[ref]], f"{SECRET} {name}")
        create = f"After the run, create it: {'; '.join(_commands(SECRET, name, found, pulls=True))}."
        yield (
            f"{naming}. It cannot exist yet in {places}, which this run creates. Images that need it cannot be pulled for pods there until "
            f"another program creates it. If no program does: {_either(_copy_action(SECRET, name, found, there, given, airflow), create)}"
        )


def _naming(naming: Sequence[Reference], what: str) -> str:
    """Which variables name an object, and where in them."""
    found: dict[str, list[str]] = {}
    for reference in naming:
        found.setdefault(reference.variable, []).append(reference.place)
    texts = [(variable, ", ".join(dict.fromkeys(places))) for variable, places in found.items()]
    others = "".join(f", {variable} in {places}" for variable, places in texts[1:])
    return f"{texts[0][0]} names the {what} in {texts[0][1]}{others}"


def _copy_action(
    kind: str,
    name: str,
    found: Mapping[Ref, list[str]],
    there: Mapping[Ref, frozenset[str] | None],
    given: Settings,
    airflow: AirflowSettings,
) -> str:
    """That the run can copy the object to the other worker namespaces. Empty where it cannot: there the object must be made."""
    core = str(given.core_namespace)
    others = [ref for ref in found if ref.namespace != core]
    fixed = (kind, name) in OWN | _rendered(airflow.values) or any(there.get(ref) is not None for ref in others)
    if kind not in COPY_VARIABLES or not others or fixed:
        return ""
    # A source that only workers elsewhere use was not looked up.
    source = there.get(Ref(kind, core, name), frozenset(key for ref in others for key in found[ref]))
    usable = source is not None and source.issuperset(key for ref in others for key in found[ref])
    first = "" if usable else f"Create it in {core}. "
    return f"{first}Add {name} to {COPY_VARIABLES[kind]}: then each run copies it from {core} to the other worker namespaces."


def _either(first: str, second: str) -> str:
    return f"{first} Or {second[0].lower()}{second[1:]}" if first else second


def _action(kind: str, name: str, found: Mapping[Ref, list[str]], namespaces: Sequence[str], *, pulls: bool) -> str:
    """``pulls``: the object is a Secret for pulling images."""
    commands = [f"kubectl create namespace {ref.namespace}" for ref in found if ref.namespace not in namespaces]
    if kind == CLAIM:
        places = ", ".join(ref.namespace for ref in found)
        first = f"{'; '.join(commands)}. " if commands else ""
        return f"{first}Create the volume claim {name} in {places}, and run the same command again."
    commands += _commands(kind, name, found, pulls=pulls)
    return f"Create it there with the same content, for example: {'; '.join(commands)}. Then run the same command again."


def _commands(kind: str, name: str, found: Mapping[Ref, list[str]], *, pulls: bool) -> Iterator[str]:
    for ref, keys in found.items():
        files = "".join(f" --from-file={key}" for key in keys) or " --from-file=KEY"
        files = f" --type={PULL_TYPE} --from-file={PULL_KEY}=FILE" if pulls else files
        yield f"kubectl -n {ref.namespace} create {WORDS[kind]} {name}{files}"
