# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles of worker namespaces that Kubernetes would refuse, most of them only when the first task starts. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform import forms, placement_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_fields import PLATFORMS_OWN
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.shapes import (
    IMAGE,
    Check,
    Problems,
    below,
    each,
    object_name,
    one_of,
    table,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_namespaces import KINDS

# Kubernetes: pkg/apis/core/helper. What a container may ask for: these, or the name of something that a device plugin offers.
NATIVE = re.compile(r"cpu|memory|ephemeral-storage|hugepages-.+")
EXTENDED = re.compile(r"(?!requests\.)[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
# What a quota may count: these, hugepages, requests of what device plugins offer, and objects as count/RESOURCE.GROUP.
COUNTED = (
    *(f"{kind}{name}" for kind in ("", "requests.", "limits.") for name in ("cpu", "memory", "ephemeral-storage")),
    *("requests.storage", "pods", "services", "services.loadbalancers", "services.nodeports", "replicationcontrollers"),
    *("resourcequotas", "secrets", "configmaps", "persistentvolumeclaims"),
)
COUNTED_ALSO = re.compile(r"(requests\.)?hugepages-.+|count/[a-z0-9.-]+|requests\.[a-z0-9.-]+/[A-Za-z0-9._-]+")
AMOUNTS = ("min", "default", "defaultRequest", "max")


def _amounts(known: Callable[[str], bool], otherwise: str) -> Check:
    """A dictionary of quantities by the names of resources."""

    def check(value: Any) -> Problems:
        if not isinstance(value, Mapping):
            yield "", "must be a dictionary of quantities by the names of resources"
            return
        for name, amount in value.items():
            if not isinstance(name, str) or not known(name):
                yield "", f"has the unknown resource '{name}'; {otherwise}"
            why = forms.quantity(amount)
            if why:
                yield f".{name}", why

    return check


def of_containers(name: str) -> bool:
    return bool(NATIVE.fullmatch(name) or EXTENDED.fullmatch(name))


def of_quotas(name: str) -> bool:
    return name in COUNTED or COUNTED_ALSO.fullmatch(name) is not None


container_amounts = _amounts(of_containers, "a container has cpu, memory, ephemeral-storage, hugepages-SIZE or DOMAIN/NAME")
quota = _amounts(of_quotas, f"a quota has {', '.join(COUNTED)}, count/RESOURCE.GROUP or requests.DOMAIN/NAME")


def ordered(value: Mapping[str, Any], *kinds: str) -> Problems:
    """Problems of quantities that must not fall from one of these dictionaries to the next."""
    for index, lower in enumerate(kinds):
        for upper in kinds[index + 1 :]:
            for name, text in (value.get(lower) or {}).items():
                least, most = forms.amount(text), forms.amount((value.get(upper) or {}).get(name))
                if least is not None and most is not None and least > most:
                    yield f".{lower}.{name}", f"is {text}, more than {upper}, which is {value[upper][name]}"


def resources(value: Any) -> Problems:
    wrong = list(table(value, {"requests": container_amounts, "limits": container_amounts}, "resources"))
    yield from wrong
    if not wrong:
        yield from ordered(value, "requests", "limits")


def _item(value: Any) -> Problems:
    amounts = _amounts(lambda name: of_containers(name) or name == "storage", "it has resources of containers, or storage")
    checks: dict[str, Check] = {
        "type": one_of("Container", "Pod", "PersistentVolumeClaim"),
        **dict.fromkeys((*AMOUNTS, "maxLimitRequestRatio"), amounts),
    }
    wrong = list(table(value, checks, "an item of a LimitRange", needed=("type",)))
    yield from wrong
    if wrong:
        return
    kind, given = value["type"], [key for key in checks if key != "type" and value.get(key)]
    if not given:
        yield "", "sets nothing"
    defaults = [key for key in ("default", "defaultRequest") if value.get(key)]
    if defaults and kind == "Pod":
        yield "", f"has {' and '.join(defaults)}, which only the type Container can have"
    if kind == "PersistentVolumeClaim" and not any("storage" in (value.get(key) or {}) for key in ("min", "max")):
        yield "", "needs min or max with storage for the type PersistentVolumeClaim"
    yield from ordered(value, "min", "defaultRequest", "default", "max")


def limits(value: Any) -> Problems:
    wrong = list(each(value, _item, "leave it out otherwise"))
    yield from wrong
    if not wrong:
        for kind, times in Counter(item["type"] for item in value).items():
            if times > 1:
                yield "", f"has {times} items of the type {kind}; Kubernetes takes one"


def image(value: Any) -> Problems:
    match = IMAGE.fullmatch(value)
    if not match:
        yield "", "is not the name of an image, which is REGISTRY/REPOSITORY:TAG in lower case"
    elif not (match["tag"] or match["digest"]):
        yield "", "names neither a tag nor a digest, so no version"


def pull_secret(value: Any) -> Problems:
    yield from object_name(value)
    if ("Secret", value) in PLATFORMS_OWN:
        yield "", "is the platform's own Secret; use one of your own"


CHECKS: dict[str, Check] = {
    "runtime_class": object_name,
    "resources": resources,
    "image": image,
    "pod_security": one_of("baseline", "restricted"),
    "quota": quota,
    "limits": limits,
    "pull_secrets": lambda value: each(value, pull_secret, "leave it out otherwise"),
}


def problems(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """What is wrong with an entry: the option and the place in it, its value, and why."""
    yield from placement_rules.problems(entry)
    for option, check in CHECKS.items():
        if entry.get(option):
            yield from ((where, entry[option], why) for where, why in below(option, check(entry[option])))


def profiles(given: Settings) -> Iterator[Refusal]:
    for entry in given.profiles:
        for where, value, why in problems(entry):
            yield Refusal(
                "worker_profile",
                str(value),
                "what a worker namespace sets has the form of the Kubernetes API",
                f"{where} of {entry['name']} in platform_worker_namespaces {why}. It is set to {value}.",
                f"Correct {where} of {entry['name']} in platform_worker_namespaces.",
            )


def core_quota(given: Settings) -> Iterator[Refusal]:
    """There it would count Airflow's own pods: tasks could keep the scheduler from starting again."""
    for entry in given.profiles:
        found = [option for option in KINDS if entry.get(option)]
        if entry["name"] == given.core_namespace and found:
            yield Refusal(
                "core_quota",
                str(given.core_namespace),
                "no quota holds for Airflow's own pods",
                f"platform_worker_namespaces sets {' and '.join(found)} for {given.core_namespace}, which would hold for Airflow's own "
                "pods and its database as well: tasks could keep them from starting again.",
                f"Set {' and '.join(found)} for another worker namespace, and let tasks run there (airflow_app_default_namespace).",
            )


RULES = (profiles, core_quota)
