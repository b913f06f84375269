# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker namespace gives to the pods of its workers beside their nodes: resources, image, pull secrets, classes, spreading.

A profile is a part of a pod's specification, as ``global.workerNamespaces`` of the chart's values has it. The cluster policy calls
:func:`give`. What is set is a dictionary in the form of the Kubernetes API: the client of an older Airflow does not know every field.
Python 3.7 reads this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

BASE = "base"  # the container that runs the task
KINDS = ("requests", "limits")
# Fields of the pod that the namespace decides alone, with the fields that Kubernetes derives from them and a pod must then not set itself.
CLASSES = {
    "priorityClassName": ("priority_class_name", ("priority", "preemption_policy")),
    "runtimeClassName": ("runtime_class_name", ("overhead",)),
}


@dataclass
class Platform:
    """What every worker's pod has by the platform's own template: images that count as the platform's, and the resources of the task."""

    images: set[str] = field(default_factory=set)
    resources: dict[str, dict[str, str]] = field(default_factory=dict)


def base_of(pod: dict[str, Any]) -> dict[str, Any]:
    """The container that runs the task; empty where a pod or a profile has none."""
    containers = (pod.get("spec") or {}).get("containers") or []
    return next((item for item in containers if item.get("name") == BASE), {})


def platform_of(template: dict[str, Any], image: str) -> Platform:
    """``image``: the one that the chart has for Airflow. A pod template may have another one."""
    base = base_of(template)
    return Platform({image, base.get("image") or image}, plain(base.get("resources")))


def plain(resources: Any) -> dict[str, dict[str, str]]:
    """Requests and limits as texts, without what is empty or has another form."""
    found = resources if isinstance(resources, dict) else {}
    amounts = {kind: found[kind] for kind in KINDS if found.get(kind) and isinstance(found[kind], dict)}
    return {kind: {name: str(value) for name, value in given.items()} for kind, given in amounts.items()}


def merged_resources(layers: Iterable[dict[str, dict[str, str]]], more: Callable[[str, str], bool]) -> dict[str, dict[str, str]]:
    """Requests and limits of several layers. A later layer wins, for each resource by its name.

    As Kubernetes does with one container, a layer that has only a limit means the same request. A limit that is smaller than the request of
    a later layer grows with it. ``more``: whether one quantity is greater than another.
    """
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    for layer in layers:
        asked, limited = layer.get("requests", {}), layer.get("limits", {})
        for name, amount in limited.items():
            limits[name] = amount
            requests.pop(name, None)
        for name, amount in asked.items():
            requests[name] = amount
            if name in limits and name not in limited and more(amount, limits[name]):
                limits[name] = amount
    return {kind: amounts for kind, amounts in (("requests", requests), ("limits", limits)) if amounts}


def _more(one: str, other: str) -> bool:
    from kubernetes.utils.quantity import parse_quantity

    try:
        return bool(parse_quantity(one) > parse_quantity(other))
    except ValueError:
        # The API server refuses it, and names it.
        return False


def spread(own: list[Any], wanted: list[Any]) -> list[Any]:
    """The namespace's constraints, and those of the task for other topologies. Kubernetes takes one for each key and kind."""
    taken = {(item.get("topologyKey"), item.get("whenUnsatisfiable")) for item in wanted}
    return [*wanted, *(item for item in own if (item.get("topologyKey"), item.get("whenUnsatisfiable")) not in taken)]


def give(spec: Any, profile: dict[str, Any], platform: Platform) -> None:
    """Set what the profile has in a worker's specification, an object of the Kubernetes client."""
    from kubernetes.client import ApiClient

    own = ApiClient().sanitize_for_serialization(spec)
    for key, (name, derived) in CLASSES.items():
        if key in profile:
            setattr(spec, name, profile[key])
            for other in derived:
                setattr(spec, other, None)
    if "topologySpreadConstraints" in profile:
        spec.topology_spread_constraints = spread(own.get("topologySpreadConstraints") or [], profile["topologySpreadConstraints"])
    if "imagePullSecrets" in profile:
        there = own.get("imagePullSecrets") or []
        spec.image_pull_secrets = there + [item for item in profile["imagePullSecrets"] if item not in there]
    base = base_of({"spec": profile})
    for containers, key in ((spec.containers, "containers"), (spec.init_containers, "initContainers")):
        for number, container in enumerate(containers or []):
            found = own[key][number]
            if "image" in base and found.get("image") in platform.images:
                _put(container, "image", base["image"])
            if "resources" in base and found.get("name") == BASE:
                _put(container, "resources", _resources(found.get("resources") or {}, base["resources"], platform))


def _resources(own: dict[str, Any], profile: dict[str, Any], platform: Platform) -> dict[str, Any]:
    """Airflow gives a task that says nothing of its resources the template's, and no others to one that does."""
    task = plain(own)
    layers = [platform.resources, plain(profile), {} if task == platform.resources else task]
    return {**{key: value for key, value in own.items() if key not in KINDS}, **merged_resources(layers, _more)}


def _put(container: Any, key: str, value: Any) -> None:
    """Of people's own containers, some are dictionaries."""
    if isinstance(container, dict):
        container[key] = value
    else:
        setattr(container, key, value)
