# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What settings must not do to an image that only the nodes of a kind cluster have. Pure: settings in, refusals out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._platform import references
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at, entries
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings

_OF_IMAGES = ("airflow", "pod_template")
_SECTIONS = ("kubernetes_executor", "kubernetes")
# Where the chart takes the image of Airflow from.
IMAGE_VALUES = (
    *("defaultAirflowRepository", "defaultAirflowTag", "defaultAirflowDigest"),
    *(f"images.{name}.{part}" for name in _OF_IMAGES for part in ("repository", "tag", "digest")),
)
WORKER_OPTIONS = ("worker_container_repository", "worker_container_tag")
# When a node pulls it: for Airflow's own pods, and for workers.
PULL_VALUES = tuple(f"images.{name}.pullPolicy" for name in _OF_IMAGES)
POD_TEMPLATE, BASE = "podTemplate", "base"
ALWAYS = "Always"


def python_requirements(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """An image is built on this machine: only the nodes of a kind cluster, which are here, can get it without a registry."""
    if airflow.python_requirements and given.provider != "kind":
        yield Refusal(
            "python_requirements",
            airflow.python_requirements,
            "the image with Python packages comes from a registry if the cluster is not kind's",
            f"airflow_app_python_requirements is '{airflow.python_requirements}', but platform_provider is '{given.provider}'. The run can "
            "load an image that it builds only into the nodes of a kind cluster.",
            "Build the image with the Dockerfile of docs/python-packages.md, push it to a registry that the cluster reaches, and set "
            "platform_airflow_image to its name. Unset airflow_app_python_requirements.",
        )


def image_once(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    found = list(_images(airflow.values)) if airflow.python_requirements else []
    if found:
        yield Refusal(
            "image_twice",
            ", ".join(found),
            "airflow_app_python_requirements alone sets the image of Airflow",
            f"airflow_app_values sets {', '.join(found)}, so that Airflow would not use the image that is built from "
            "airflow_app_python_requirements.",
            f"Remove {', '.join(found)} from airflow_app_values. For another image to build from, set platform_airflow_image.",
        )


def _images(values: Any) -> Iterator[str]:
    """Where values set another image of Airflow, for the chart or for the executor's workers.

    The executor uses a repository and a tag only if it has both (airflow/kubernetes/kube_config.py). The chart sets both by templates, so
    one that people set is enough, unless they empty the other one.
    """
    yield from (path for path in IMAGE_VALUES if at(values, *path.split(".")))
    for section in _SECTIONS:
        options = {option: at(values, "config", section, option) for option in WORKER_OPTIONS}
        if "" not in options.values():
            # A text with a template is the chart's own.
            yield from (f"config.{section}.{option}" for option, value in options.items() if value and "{{" not in str(value))


def pull_policy(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """With Always, a node asks the image's registry at each start of a pod, also if it has the image. No registry has this one."""
    found = _always(airflow.values) if airflow.python_requirements else []
    if found:
        yield Refusal(
            "pull_policy",
            ", ".join(found),
            "a node does not pull the image that the run built",
            f"airflow_app_values sets {' and '.join(found)} to {ALWAYS}. The image that is built from airflow_app_python_requirements is "
            "only on the nodes. They would try to pull it at each start of a pod, and fail.",
            f"Remove {' and '.join(found)} from airflow_app_values. The image gets another tag with another content, so no pod has an old "
            "one.",
        )


def _always(values: Any) -> list[str]:
    """Where values ask the nodes to pull Airflow's image at each start."""
    found = [path for path in PULL_VALUES if at(values, *path.split(".")) == ALWAYS]
    spec = at(references.parsed(at(values, POD_TEMPLATE)), "spec")
    containers = [item for item in entries(at(spec, "containers")) if isinstance(item, Mapping)]
    # Airflow replaces this container's image by its own, and keeps when it is pulled (PodGenerator.construct_pod).
    if any(item.get("name") == BASE and item.get("imagePullPolicy") == ALWAYS for item in containers):
        found.append(f"imagePullPolicy of the container {BASE} in {POD_TEMPLATE}")
    return found


def warnings(given: Settings, airflow: AirflowSettings) -> Iterator[str]:
    """An image of this machine may be in a registry, too: the variable that loads it does not say."""
    if airflow.python_requirements:
        return
    core = given.images.get("airflow", "")
    workers = [core, *(str(entry["image"]) for entry in given.profiles if entry.get("image"))]
    for place in _always(airflow.values):
        loaded = [image for image in ([core] if place == PULL_VALUES[0] else workers) if image in airflow.local_images]
        if loaded:
            yield (
                f"airflow_app_values sets {place} to {ALWAYS}. kind_cluster_docker_images loads {named(loaded)} into the nodes, but a node "
                f"pulls it at each start of a pod nevertheless. If no registry has it, remove {place}."
            )


RULES = (python_requirements, image_once, pull_policy)
