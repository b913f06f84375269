# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule of a verification, kept and broken."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Platform, Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification import Run, Wanted
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_rules import (
    CorePods,
    core_pods,
    idle_problems,
    idle_workers,
    migration_problems,
    migrations,
    ownership_problems,
    platform_problems,
    task_problems,
)
from ansible_collections.gitops.airflow.tests.unit.places import RECORDED
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_verification import INSPECTION, NAMESPACES

Obj = dict[str, Any]
REPO, PATH = "https://git.example/platform.git", "platform/airflow/core"
PLATFORM = Platform("airflow", namespaces=NAMESPACES, repo=REPO, path=PATH)
WANTED = Wanted(PLATFORM, "2.6.3")
OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
OURS, BETA = {**OLDER, "gitops-airflow/platform": "airflow"}, {**OLDER, "gitops-airflow/platform": "beta"}
PROOF, SECRET = Ref("ConfigMap", "airflow-core", "airflow-verification"), Ref("Secret", "airflow-core", "airflow-admin")


def application(labels: dict[str, str], repo: str = REPO, namespace: str = "airflow-core") -> Obj:
    spec = {"source": {"repoURL": repo, "path": PATH}, "destination": {"namespace": namespace}}
    return {"metadata": {"name": "airflow-core", "labels": labels}, "spec": spec}


# Whose it is


@pytest.mark.parametrize(
    ("labels", "repo", "namespace", "code", "words"),
    [
        (OURS, "https://elsewhere", "airflow-core", "", ""),
        (OLDER, REPO, "airflow-core", "", ""),  # an older version's, which points here
        (OLDER, "https://elsewhere", "airflow-core", "foreign_application", "its repository, path or namespace is not this platform's"),
        (BETA, REPO, "airflow-core", "foreign_application", "it belongs to platform beta"),
        (BETA, REPO, "beta-core", "foreign_application", "it belongs to platform beta"),
        ({}, REPO, "airflow-core", "foreign_application", "it does not have the labels"),
        (OURS, REPO, "beta-core", "other_namespace", "deploys to the namespace beta-core, not to airflow-core"),
    ],
)
def test_only_this_platforms_application_is_verified(labels: dict[str, str], repo: str, namespace: str, code: str, words: str) -> None:
    found = ownership_problems(WANTED, application(labels, repo, namespace))
    assert [problem.code for problem in found] == ([code] if code else [])
    assert all(words in problem.message and problem.next_action.endswith(".") for problem in found)


@pytest.mark.parametrize(
    ("ours", "labels", "words", "action"),
    [
        (OURS, None, "", ""),  # absent
        (OURS, OURS, "", ""),
        (OLDER, OLDER, "", ""),
        (OLDER, OURS, "", ""),
        (
            OURS,
            BETA,
            "ConfigMap airflow-core/airflow-verification is not platform 'airflow's: it belongs to platform beta.",
            "Rename or remove ConfigMap airflow-core/airflow-verification",
        ),
        (OURS, {}, "it does not have the labels", "Restore the labels of ConfigMap airflow-core/airflow-verification"),
    ],
)
def test_nothing_of_others_is_written(ours: dict[str, str], labels: dict[str, str] | None, words: str, action: str) -> None:
    found = ownership_problems(
        WANTED, application(ours), [(PROOF, None if labels is None else {"labels": labels}), (SECRET, {"labels": OURS})]
    )
    assert [problem.code for problem in found] == (["foreign_object"] if words else [])
    assert all(words in problem.message and problem.next_action.startswith(action) for problem in found)


def test_an_older_versions_object_is_not_ours_if_its_application_is_not() -> None:
    found = ownership_problems(WANTED, application(OLDER, "https://elsewhere"), [(PROOF, {"labels": OLDER})])
    assert [problem.code for problem in found] == ["foreign_application", "foreign_object"]


# How it runs


def pod(name: str, component: str, containers: int = 1, **metadata: Any) -> Obj:
    labels = {"tier": "airflow", "component": component}
    return {"metadata": {"name": name, "uid": f"uid-{name}", "labels": labels, **metadata}, "spec": {"containers": [{}] * containers}}


def test_pods_on_their_way_out_do_not_count() -> None:
    pods = [
        pod("airflow-webserver-1", "webserver", 2),
        pod("airflow-scheduler-1", "scheduler", 2, deletionTimestamp="2026-01-01T00:00:00Z"),
        pod("airflow-scheduler-2", "scheduler", 2),
    ]
    assert core_pods(pods) == CorePods(("airflow-scheduler-2", "airflow-webserver-1"), 4, "airflow-scheduler-2", "uid-airflow-scheduler-2")
    assert core_pods(pods[:2]).scheduler == ""
    assert core_pods(pods).asked == ("airflow-scheduler-2", "scheduler")
    assert core_pods([]) == CorePods()


def test_d2_the_pod_that_has_the_dag_files_is_asked() -> None:
    """A proof still belongs to a scheduler: without one there is none."""
    pods = [pod("airflow-dag-processor-1", "dag-processor", 2), pod("airflow-scheduler-1", "scheduler")]
    found = core_pods(pods)
    assert (found.asked, found.scheduler_uid, found.containers) == (
        ("airflow-dag-processor-1", "dag-processor"),
        "uid-airflow-scheduler-1",
        3,
    )
    assert core_pods(pods[:1]).scheduler == ""


FOUR = CorePods(("a", "b", "c", "d"), 7, "b", "uid")


@pytest.mark.parametrize(
    ("change", "pods", "code", "words"),
    [
        ({}, FOUR, "", ""),
        ({"namespace_list": "airflow-user,airflow-core,airflow-cron"}, FOUR, "", ""),  # in any order
        ({"version": "2.6.2"}, FOUR, "airflow_version", "Airflow reports version 2.6.2; 2.6.3 is wanted."),
        ({"executor": "LocalExecutor"}, FOUR, "airflow_executor", "executor is LocalExecutor, not KubernetesExecutor"),
        ({"multi_namespace_mode": False}, FOUR, "airflow_multi_namespace_mode", "multi_namespace_mode is off"),
        ({"namespace_list": "airflow-core"}, FOUR, "airflow_namespace_list", "'airflow-core'; the worker namespaces are 'airflow-core,"),
        ({"namespace_list": "airflow-core, airflow-cron, airflow-user"}, FOUR, "airflow_namespace_list", "namespace list is"),
        (
            {},
            replace(FOUR, names=("a", "b", "c", "d", "e")),
            "airflow_pods",
            "airflow-core has 5 pods of Airflow with 7 containers (a, b, c, d, e)",
        ),
        ({}, replace(FOUR, containers=6), "airflow_pods", "4 pods with 7 containers are expected"),
    ],
)
def test_what_runs_is_what_is_wanted(change: Obj, pods: CorePods, code: str, words: str) -> None:
    found = platform_problems(WANTED, replace(INSPECTION, **change), pods)
    assert [problem.code for problem in found] == ([code] if code else [])
    assert all(words in problem.message and problem.next_action.endswith(".") for problem in found)


def test_any_version_will_do_where_none_is_wanted() -> None:
    assert platform_problems(replace(WANTED, version=""), replace(INSPECTION, version="2.10.5"), FOUR) == []


# Idle


@pytest.mark.parametrize(
    ("namespace", "created", "active", "left"),
    [
        ("airflow-cron", "2026-01-01T00:00:09Z", 0, True),
        ("airflow-cron", "2026-01-01T00:00:10Z", 0, False),  # of a task that has started since
        ("another-airflow", "2026-01-01T00:00:09Z", 0, False),
        ("airflow-cron", "2026-01-01T00:00:09Z", 1, False),
    ],
)
def test_a_pod_that_came_later_or_is_anothers_says_nothing(namespace: str, created: str, active: int, left: bool) -> None:
    worker = {"metadata": {"name": "pod", "namespace": namespace, "creationTimestamp": created}}
    found = idle_workers(replace(INSPECTION, active_tasks=active), [worker], NAMESPACES)
    assert found == (["pod"] if left else [])
    assert [problem.code for problem in idle_problems(INSPECTION, found)] == (["not_idle"] if left else [])


def test_recorded_workers_are_left_until_they_have_gone() -> None:
    """The example DAGs' pods, as the API server showed them: none is of a time before the question, whichever of both comes first."""
    pods = [change for _second, event, _name, change in json.loads((RECORDED / "workers-run.json").read_text()) if event == "ADDED"]
    created = sorted(item["metadata"]["creationTimestamp"] for item in pods)
    places = {item["metadata"]["namespace"] for item in pods}
    assert idle_workers(replace(INSPECTION, asked_at=created[0]), pods, places) == []
    assert len(idle_workers(replace(INSPECTION, asked_at="9999"), pods, places)) == len(pods) > 0


# Migrations


def synced(phase: str = "Succeeded", jobs: tuple[str, ...] = ("Succeeded",), selective: bool = False) -> Obj:
    hooks = [{"kind": "Job", "name": "airflow-run-airflow-migrations", "hookPhase": job} for job in jobs]
    others = [{"kind": "Job", "name": "airflow-create-user", "hookPhase": "Failed"}, {"kind": "ConfigMap", "name": "migrations"}]
    sync = {"revision": "1", **({"resources": [{"kind": "ConfigMap", "name": "a"}]} if selective else {})}
    return {"status": {"operationState": {"phase": phase, "operation": {"sync": sync}, "syncResult": {"resources": [*hooks, *others]}}}}


@pytest.mark.parametrize(
    ("given", "schema", "words"),
    [
        (synced(), "405d", ""),
        (synced(jobs=(), selective=True), "405d", ""),  # self-healing runs no hooks
        (synced(jobs=()), "405d", "the Job's phases in it are: none"),
        (synced(jobs=("Failed",)), "405d", "the Job's phases in it are: Failed"),
        (synced(jobs=("Succeeded", "Succeeded")), "405d", "Succeeded, Succeeded"),
        (synced("Failed"), "405d", "The sync's phase is Failed"),
        (synced(), "", "the database's schema is ''"),
        ({}, "405d", "The sync's phase is unknown"),
    ],
)
def test_migrations_ran_once(given: Obj, schema: str, words: str) -> None:
    found = migration_problems(WANTED, given, schema)
    assert [problem.code for problem in found] == (["migrations"] if words else [])
    assert all(words in problem.message and "airflow-run-airflow-migrations" in problem.next_action for problem in found)


def test_migrations_of_the_report() -> None:
    assert migrations(synced(jobs=("Succeeded",))) == ["Succeeded"]
    assert migrations({"status": {}}) == []


# Tasks

RUN = Run("dag", "say_hi", "airflow-cron", "hello from .*-cron$")
PLACEMENT = {"dag_id": "dag", "task_id": "say_hi", "pod": "pod-1", "log_tail": ["start", "INFO - hello from airflow-cron", "end"]}
TASK = {"task_id": "say_hi", "try_number": 1}


@pytest.mark.parametrize(
    ("placements", "tasks", "codes", "words"),
    [
        ([PLACEMENT], [TASK], [], ""),
        ([PLACEMENT], [TASK, {"task_id": "other", "try_number": 3}], [], ""),
        ([PLACEMENT], [{**TASK, "try_number": 2}], ["task_tries"], "dag.say_hi must have run once, in its first try; its tries are: 2."),
        ([PLACEMENT], [TASK, TASK], ["task_tries"], "its tries are: 1, 1."),
        ([PLACEMENT], [], ["task_tries"], "its tries are: none."),
        ([{**PLACEMENT, "log_tail": ["bye", "password=hunter22x"]}], [TASK], ["task_log"], "It ends:\nbye\npassword=********"),
        (
            [{**PLACEMENT, "log_tail": []}],
            [TASK],
            ["task_log"],
            "(pod pod-1) does not contain 'hello from .*-cron$'. It ends:\n(nothing was read)",
        ),
        ([{**PLACEMENT, "dag_id": "another"}], [TASK], ["task_log"], "(pod unknown)"),
        # Of several pods the last one counts.
        ([{**PLACEMENT, "log_tail": []}, PLACEMENT], [TASK], [], ""),
    ],
)
def test_a_task_ran_once_and_logged_what_it_should(placements: list[Obj], tasks: list[Obj], codes: list[str], words: str) -> None:
    found = task_problems(RUN, placements, tasks)
    assert [problem.code for problem in found] == codes
    assert all(words in problem.message and problem.next_action for problem in found)
