# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from a Pod why it is not running."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

# The one that every cluster has.
DEFAULT_SCHEDULER = "default-scheduler"
CANNOT_START = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "PostStartHookError",
        "PreCreateHookError",
        "PreStartHookError",
        "RegistryUnavailable",
        "RunContainerError",
        "SignatureValidationFailed",
    }
)


@dataclass(frozen=True)
class Problem:
    """A container that cannot start."""

    namespace: str
    pod: str
    container: str
    image: str
    reason: str
    message: str
    init: bool = False

    def __str__(self) -> str:
        kind = "init container" if self.init else "container"
        text = f"pod {self.namespace}/{self.pod}, {kind} {self.container} (image {self.image}): {self.reason}"
        return f"{text}: {self.message}" if self.message else text


def current_pods(pods: Iterable[Obj]) -> list[Obj]:
    """Without those that are being deleted, and of a Deployment's pods only those of its newest ReplicaSet.

    Kubernetes keeps the old ones, crashing or not, until the new ones are ready.
    """
    living = [pod for pod in pods if not (pod.get("metadata") or {}).get("deletionTimestamp")]
    newest: dict[tuple[Any, ...], tuple[str, str]] = {}
    for pod in living:
        deployment, digest, made = _deployment(pod)
        if deployment:
            newest[deployment] = max(newest.get(deployment, ("", "")), (made, digest))
    return [pod for pod in living if not (key := _deployment(pod))[0] or newest[key[0]][1] == key[1]]


def _deployment(pod: Obj) -> tuple[tuple[Any, ...], str, str]:
    """The Deployment that a pod is of (nothing where it is of none), its ReplicaSet's hash, and when it was made."""
    metadata = pod.get("metadata") or {}
    digest = (metadata.get("labels") or {}).get("pod-template-hash") or ""
    for owner in metadata.get("ownerReferences") or []:
        name = str(owner.get("name"))
        if owner.get("kind") == "ReplicaSet" and name.endswith(f"-{digest}"):  # no name ends with a dash alone
            return (metadata.get("namespace"), name.removesuffix(f"-{digest}")), digest, str(metadata.get("creationTimestamp") or "")
    return (), "", ""


def controller(pod: Obj) -> tuple[Any, ...]:
    """Kind, namespace and name of the workload that a pod is of: the Deployment, not its ReplicaSet; nothing where it is of none."""
    metadata = pod.get("metadata") or {}
    if deployment := _deployment(pod)[0]:
        return ("Deployment", *deployment)
    owners = metadata.get("ownerReferences") or []
    found = next((item for item in owners if item.get("controller")), owners[0] if owners else None)
    return (found.get("kind"), metadata.get("namespace"), found.get("name")) if found else ()


def container_statuses(pod: Obj) -> list[Obj]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def condition(pod: Obj, kind: str) -> Obj:
    """The Pod's condition of that type, or an empty dictionary."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return next((item for item in conditions if item.get("type") == kind), {})


def start_problems(pod: Obj) -> list[Problem]:
    """The containers that wait for something that time alone seldom brings."""
    metadata = pod.get("metadata") or {}
    inits = len((pod.get("status") or {}).get("initContainerStatuses") or [])
    problems = []
    for index, status in enumerate(container_statuses(pod)):
        wait = (status.get("state") or {}).get("waiting") or {}
        if wait.get("reason") not in CANNOT_START:
            continue
        last = (status.get("lastState") or {}).get("terminated") or {}
        message = wait.get("message") or ""
        if last:
            message += (
                f" (last exit code {last.get('exitCode')}: {masked_words(last.get('message') or '') or last.get('reason') or 'no message'})"
            )
        problems.append(
            Problem(
                metadata.get("namespace", ""),
                metadata.get("name", ""),
                status.get("name", ""),
                status.get("image", ""),
                wait["reason"],
                shorten(message),
                index < inits,
            )
        )
    return problems


def unschedulable(pod: Obj) -> str | None:
    """The scheduler's own words on why it finds no node, or None."""
    scheduled = condition(pod, "PodScheduled")
    if (pod.get("spec") or {}).get("nodeName") or scheduled.get("status") != "False":
        return None
    if scheduled.get("reason") not in ("Unschedulable", "SchedulerError"):
        return None
    return shorten(scheduled.get("message") or str(scheduled["reason"]))


def unnoticed_by(pod: Obj) -> str:
    """The scheduler that has said nothing of a pod without a node, or nothing.

    One that does not exist leaves neither an Event nor a condition. Any other says why it finds no node, or finds one in a moment. The API
    server writes a name into each pod. A pod with scheduling gates has the condition from the start.
    """
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    waits = status.get("phase") in (None, "Pending") and not spec.get("nodeName")
    return str(spec.get("schedulerName") or "") if waits and not condition(pod, "PodScheduled") else ""
