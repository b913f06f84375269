# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F10: tasks that make pods, in a namespace with pod_operator and in one without, and what a task with the token cannot get."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from ansible_collections.gitops.airflow.tests.scheduling.playbook import Playbooks
from ansible_collections.gitops.airflow.tests.scheduling.runs import Obj, Runs
from conftest import Platform
from dag_author import DagAuthor, wait_for
from kubernetes import client

PLACE = "airflow-pods"
# By the API server's own check of rights, and by the admission policy.
FORBIDDEN, POLICY = "403 ", "ValidatingAdmissionPolicy 'gitops-airflow-airflow-scheduling-workers'"


@pytest.fixture(scope="module")
def author(runs: Runs) -> DagAuthor:
    """All DAGs are pushed."""
    return runs.author


@pytest.fixture(scope="module")
def image(core: client.CoreV1Api, platform: Platform) -> str:
    """Airflow's, which every node has."""
    (scheduler, *_rest) = core.list_namespaced_pod(platform.core, label_selector="component=scheduler").items
    return str(next(item.image for item in scheduler.spec.containers if item.name == "scheduler"))


def log(author: DagAuthor, dag: str, run: str, task: str, words: str) -> str:
    path = f"dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/1?full_content=true"

    def read() -> str:
        content = str(author.airflow("GET", path)["content"])
        assert words in content, f"{words!r} is not in {content[-3000:]}"
        return content

    return str(wait_for(f"the log of {dag}.{task}", read, seconds=60))


@pytest.fixture(scope="module")
def made(core: client.CoreV1Api, author: DagAuthor, image: str) -> tuple[str, Obj]:
    """The run in the namespace that allows it, and the pod of its task as it was seen."""
    run = author.start("pods_allowed_dag", {"image": image})

    def seen() -> Obj:
        found = core.list_namespaced_pod(PLACE, label_selector="component=pod-operator").items
        return dict(client.ApiClient().sanitize_for_serialization(found[0])) if found else {}

    return run, dict(wait_for("the pod of the task", seen, pause=0.2))


def test_f10_a_task_makes_a_pod_and_gets_its_result(core: client.CoreV1Api, author: DagAuthor, made: tuple[str, Obj]) -> None:
    run, _pod = made
    ended = author.ended("pods_allowed_dag", run)
    content = log(author, "pods_allowed_dag", run, "make", "words of the pod")
    assert ended == "success", content[-4000:]
    found = author.airflow("GET", f"dags/pods_allowed_dag/dagRuns/{run}/taskInstances/make/xcomEntries/return_value")
    assert "42" in found["value"]
    assert core.list_namespaced_pod(PLACE, label_selector="component=pod-operator").items == [], "the operator deletes its pod"


def test_f10_the_pod_has_no_token_and_is_no_worker(made: tuple[str, Obj]) -> None:
    _run, pod = made
    spec, labels = pod["spec"], pod["metadata"]["labels"]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("default", False)
    assert [item["name"] for item in spec["volumes"]] == ["xcom"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert (labels["component"], labels["tier"], labels["dag_id"]) == ("pod-operator", "airflow", "pods_allowed_dag")
    assert not {"kubernetes_executor", "airflow-worker"} & labels.keys()


def test_f10_the_same_task_fails_in_a_namespace_without_the_option(author: DagAuthor, image: str) -> None:
    run = author.start("pods_refused_dag", {"image": image})
    assert author.ended("pods_refused_dag", run) == "failed"
    log(author, "pods_refused_dag", run, "make", "Invalid kube-config file. No configuration found.")


@pytest.fixture(scope="module")
def said(author: DagAuthor) -> dict[str, str]:
    """What the API server said to a task that uses its token by itself."""
    run = author.start("pods_attack_dag")
    assert author.ended("pods_attack_dag", run) == "success"
    found = author.airflow("GET", f"dags/pods_attack_dag/dagRuns/{run}/taskInstances/attack/xcomEntries/return_value")
    return dict(json.loads(found["value"]))


def test_f10_the_attacks_are_refused_for_what_they_ask(said: dict[str, str]) -> None:
    """The first shows that the others are refused for the difference alone."""
    assert said.pop("a pod") == ""
    assert {name: words for name, words in said.items() if not words} == {}


@pytest.mark.parametrize(
    "name",
    [
        "the platform's Secret",
        "Git's token",
        "its own account",
        "a token",
        "a privileged container",
        "the node's network",
        "a worker",
        "an endpoint of MySQL",
        "deleting a worker",
        "changing a worker",
        "a command in a worker",
    ],
)
def test_f10_the_admission_policy_refuses_what_rbac_cannot(said: dict[str, str], name: str) -> None:
    # Pod Security refuses these two as well, and may be asked first.
    by_standard = "violates PodSecurity" in said[name] and name in ("a privileged container", "the node's network")
    assert POLICY in said[name] or by_standard, said[name]


@pytest.mark.parametrize("name", ["another namespace", "Airflow's namespace", "reading a Secret", "reading pods elsewhere"])
def test_f10_the_account_has_no_other_rights(said: dict[str, str], name: str) -> None:
    assert said[name].startswith(FORBIDDEN), said[name]
    assert 'User "system:serviceaccount:airflow-pods:airflow-pod-operator" cannot' in said[name]


def test_f10_only_workers_of_the_namespace_have_the_account(connect: Callable[..., client.ApiClient], platform: Platform) -> None:
    api = client.RbacAuthorizationV1Api(connect())
    roles = {name: [item.metadata.name for item in api.list_namespaced_role(name).items] for name in platform.workers}
    assert [name for name, found in roles.items() if "airflow-pod-operator" in found] == [PLACE]


def test_f10_the_status_lists_a_pod_of_a_task_with_the_workers(core: client.CoreV1Api, playbooks: Playbooks) -> None:
    """It is not a part of the platform: one that does not start would be a problem."""
    labels = {"tier": "airflow", "component": "pod-operator", "release": "airflow-core", "dag_id": "mine", "task_id": "left"}
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    spec = {
        "containers": [{"name": "base", "image": "missing.example.com/x:1", "securityContext": context}],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    core.create_namespaced_pod(PLACE, {"metadata": {"name": "left-by-a-task", "labels": labels}, "spec": spec})
    try:
        done = playbooks.run("status", ANSIBLE_STDOUT_CALLBACK="gitops.airflow.status_json")
        status = json.loads(done.stdout)
    finally:
        core.delete_namespaced_pod("left-by-a-task", PLACE, grace_period_seconds=0)
    assert [row["task"] for row in status["workers"] if row["name"] == "left-by-a-task"] == ["mine.left"]
    assert [row["name"] for row in status["pods"] if row["namespace"] == PLACE] == []
