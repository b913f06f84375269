# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs of the DAGs in dags/, and where their workers have to be."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gitops.airflow.tests.integration.modules import Module
from conftest import Platform
from dag_author import DagAuthor, pods_of, wait_for
from kubernetes import client

Obj = dict[str, Any]
PLACEMENT = "airflow_worker_placement_wait"
CRON, QUOTA, STRAY = "scheduling_cron_dag", "scheduling_quota_dag", "scheduling_stray_dag"
EVICTED, DRAINED = "scheduling_evicted_dag", "scheduling_drained_dag"
# Each DAG, in the order in which the runs start: the pods that the first tests look at are there first.
NAMESPACES = {STRAY: "airflow-core", QUOTA: "airflow-user", CRON: "airflow-cron", EVICTED: "airflow-batch", DRAINED: "airflow-batch"}
TOLERATION = {"key": "dedicated", "operator": "Equal", "value": "cron", "effect": "NoSchedule"}
# What the workers of a run must be like, as the module takes it.
EXPECTED: dict[str, Obj] = {
    CRON: {
        "node_labels": {"pool": "cron"},
        "node_selector": {"pool": "cron"},
        "tolerations": [TOLERATION],
        "service_account": "airflow-worker",
    },
    QUOTA: {"node_labels": {"pool": "user"}, "count": 2},
}
ENDED = ("success", "failed")


def node_of(core: client.CoreV1Api, selector: str) -> str:
    """The name of the one node with these labels."""
    names = [str(node.metadata.name) for node in core.list_node(label_selector=selector).items]
    assert len(names) == 1, f"nodes with {selector}: {names}"
    return names[0]


@dataclass(frozen=True)
class Runs:
    """One run of each DAG, by the DAG's id."""

    core: client.CoreV1Api
    author: DagAuthor
    ids: Mapping[str, str]

    def pods(self, dag: str) -> list[Any]:
        """The worker pods of the run that exist, whatever their phase."""
        pods = pods_of(self.core, NAMESPACES[dag], dag)
        return [pod for pod in pods if pod.metadata.annotations.get("run_id") == self.ids[dag]]

    def objects(self, dag: str) -> list[Obj]:
        """The same as dictionaries, as the API has them."""
        return [dict(client.ApiClient().sanitize_for_serialization(pod)) for pod in self.pods(dag)]

    def specification(self, dag: str) -> Obj:
        """That of the run's worker pod, once the pod is on a node."""

        def found() -> Obj:
            return next((pod["spec"] for pod in self.objects(dag) if pod["spec"].get("nodeName")), {})

        return dict(wait_for(f"a worker of {dag} on a node", found, pause=0.5))

    def tasks(self, dag: str) -> dict[str, Obj]:
        """The run's task instances by the ids of their tasks."""
        found = self.author.airflow("GET", f"dags/{dag}/dagRuns/{self.ids[dag]}/taskInstances")["task_instances"]
        return {task["task_id"]: task for task in found}

    def state(self, dag: str) -> str:
        return str(self.author.airflow("GET", f"dags/{dag}/dagRuns/{self.ids[dag]}")["state"])

    def ended(self, dag: str) -> str:
        """The run's state once it has ended."""
        return self.author.ended(dag, self.ids[dag])

    def log(self, dag: str, task: str, number: int, words: str) -> str:
        """The log of a try by Airflow's API, once it has these words: a worker stores it some seconds after it has set the state."""
        path = f"dags/{dag}/dagRuns/{self.ids[dag]}/taskInstances/{task}/logs/{number}?full_content=true"

        def read() -> str:
            content = str(self.author.airflow("GET", path)["content"])
            assert words in content, f"{words!r} is not in {content[-2000:]}"
            return content

        return str(wait_for(f"the log of try {number} of {dag}.{task}", read, seconds=60))

    def speaking(self, dag: str) -> dict[str, str]:
        """The run's worker that runs, once its task has written something: the name of the pod, with that of its node."""

        def wrote(pod: Any) -> bool:
            text = self.core.read_namespaced_pod_log(pod.metadata.name, pod.metadata.namespace, container="base")
            return "words of try" in str(text)

        def found() -> dict[str, str]:
            running = (pod for pod in self.pods(dag) if pod.status.phase == "Running" and wrote(pod))
            return {pod.metadata.name: pod.spec.node_name for pod in running}

        return dict(wait_for(f"the first words of {dag}", found, pause=1))

    def followed(self, dag: str, first: Mapping[str, str]) -> dict[str, str]:
        """The nodes of all workers until the run has ended, by the names of the pods. ``first``: the worker that is known already."""
        seen = dict(first)

        def ended() -> bool:
            seen.update({pod.metadata.name: pod.spec.node_name for pod in self.pods(dag) if pod.spec.node_name})
            return self.state(dag) in ENDED

        wait_for(f"the end of {dag}, whose workers are {seen}", ended, pause=1)
        return seen

    def finish(self) -> None:
        """End the runs that go on, and delete their pods."""
        for dag, run in self.ids.items():
            if self.state(dag) not in ENDED:
                self.author.airflow("PATCH", f"dags/{dag}/dagRuns/{run}", {"state": "failed"})
            for pod in self.pods(dag):
                with suppress(client.ApiException):  # Airflow deletes it, too
                    self.core.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace)


def placement(platform: Platform, runs: Runs, dag: str, expected: Obj, **options: Any) -> Module:
    """The module airflow_worker_placement_wait for one run. ``expected``: properties of the workers; ``options``: of the module."""
    expectation = {"dag_id": dag, "run_id": runs.ids[dag], "namespace": NAMESPACES[dag], **expected}
    given = {"context": platform.context, "tail_lines": 0, "expectations": [expectation], **options}
    return Module(PLACEMENT, Path(platform.kubeconfig), **given)


class Waits:
    """The module for each of the runs in EXPECTED, which watches from the start of the runs on."""

    def __init__(self, platform: Platform, runs: Runs) -> None:
        self._modules = {dag: placement(platform, runs, dag, expected, timeout=280) for dag, expected in EXPECTED.items()}

    def workers(self, dag: str) -> list[Obj]:
        """The workers of the run, all of which were where they had to be."""
        result = self._modules[dag].result(timeout=300)
        assert result.get("done"), f"{result.get('msg')} {result.get('next_action')}; seen: {result.get('placements')}"
        assert result["strays"] == []
        return list(result["placements"])

    def close(self) -> None:
        for module in self._modules.values():
            module.__exit__(None, None, None)
