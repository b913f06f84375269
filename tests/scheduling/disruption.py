# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to workers while they run: an eviction, and a drain of their node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.gitops.airflow.tests.scheduling.reading import evictable
from ansible_collections.gitops.airflow.tests.scheduling.runs import CRON, DRAINED, EVICTED, NAMESPACES, Runs
from dag_author import wait_for
from kubernetes import client

Places = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Disruption:
    """What was done. Each of the two dictionaries has the nodes of a run's workers by the names of their pods, the disrupted one first.

    ``left``: namespaces and names of the pods that were evicted from the drained ``node``.
    """

    evicted: Mapping[str, str]
    drained: Mapping[str, str]
    node: str
    left: Places


def evict(core: client.CoreV1Api, namespace: str, name: str) -> None:
    """With the grace period of the pod, as a drain does it."""
    core.create_namespaced_pod_eviction(name, namespace, client.V1Eviction(metadata=client.V1ObjectMeta(name=name, namespace=namespace)))


def drain(core: client.CoreV1Api, node: str) -> Places:
    """Cordon the node and evict its pods, as kubectl drain does it.

    :raises AssertionError: if a pod stays.
    """
    core.patch_node(node, {"spec": {"unschedulable": True}})

    def there() -> Places:
        pods = core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={node}").items
        found = [pod for pod in pods if evictable(client.ApiClient().sanitize_for_serialization(pod))]
        return tuple((str(pod.metadata.namespace), str(pod.metadata.name)) for pod in found)

    def empty() -> bool:
        left = there()
        assert not left, f"{left} are still on {node}"
        return True

    found = there()
    for namespace, name in found:
        evict(core, namespace, name)
    wait_for(f"the end of the pods of {node}", empty, seconds=120, pause=1)
    return found


def disrupt(core: client.CoreV1Api, runs: Runs, node: str, say: Callable[[str], None]) -> Disruption:
    """Evict one worker while it runs. Drain the node after that, when the other tests have seen what they need of it.

    ``say`` gets what is done next.

    :raises AssertionError: if a run does not go on.
    """
    say(f"wait for the worker of {EVICTED}")
    first = runs.speaking(EVICTED)
    evict(core, NAMESPACES[EVICTED], next(iter(first)))
    say(f"wait for the end of {EVICTED}")
    evicted = runs.followed(EVICTED, first)
    say(f"wait for the end of {CRON}")
    runs.ended(CRON)
    say(f"wait for the worker of {DRAINED}")
    first = runs.speaking(DRAINED)
    say(f"drain {node}")
    try:
        left = drain(core, node)
        say(f"wait for the end of {DRAINED}")
        drained = runs.followed(DRAINED, first)
    finally:
        core.patch_node(node, {"spec": {"unschedulable": None}})
    return Disruption(evicted, drained, node, left)
