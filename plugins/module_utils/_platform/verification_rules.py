# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a verification: whose the platform is, how it runs, what its tasks did. Pure: dictionaries in, broken rules out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import DAG_PROCESSOR, SCHEDULER, Inspection
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import labels_of, owner_of, owner_text
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref, adoptable
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification import Run, Wanted

Obj = dict[str, Any]

UNCHANGED = "Nothing was changed in the cluster."
EXECUTOR = "KubernetesExecutor"
# Airflow's own pods. Workers have neither of these labels.
CORE_QUERY = {
    "labelSelector": "tier=airflow,component in (webserver,scheduler,triggerer,dag-processor,mysql)",
    "fieldSelector": "status.phase=Running",
}
# Airflow keeps the pod of a task that failed, and a node that restarts leaves such pods: they do no work any more.
WORKERS_QUERY = {"labelSelector": "kubernetes_executor=True", "fieldSelector": "status.phase!=Failed,status.phase!=Succeeded"}


# Whose it is


def ownership_problems(wanted: Wanted, application: Obj, others: Sequence[tuple[Ref, Mapping[str, Any] | None]] = ()) -> list[Refusal]:
    """Why nothing may be executed in or written to this cluster on behalf of the platform.

    ``others`` are objects that are written or read beside the Application, with their metadata (None: absent).
    """
    platform = wanted.platform
    ours = adoptable(application, platform)
    place = f"Application {platform.argocd_namespace}/{platform.application}"
    rule = f"what is verified has the labels of platform '{platform.name}'"
    found = []
    if not ours:
        reason = owner_text(application["metadata"], platform.name)
        if owner_of(application["metadata"], platform.name) == "older":
            reason += ", and its repository, path or namespace is not this platform's"
        action = "Check the platform's name and the context; install the platform with site.yml if it is not there yet."
        found.append(Refusal("foreign_application", place, rule, f"{place} is not platform '{platform.name}'s: {reason}.", action))
    target = ((application.get("spec") or {}).get("destination") or {}).get("namespace")
    if ours and target != platform.core_namespace:
        text = f"{place} deploys to the namespace {target}, not to {platform.core_namespace}."
        action = "Correct core_namespace (platform_core_namespace)."
        found.append(Refusal("other_namespace", str(target), "Airflow runs in the core namespace", text, action))
    for ref, metadata in others:
        if metadata is None:
            continue
        owner = owner_of(metadata, platform.name)
        if not (owner == "ours" or (owner == "older" and ours)):
            text = f"{ref} is not platform '{platform.name}'s: {owner_text(metadata, platform.name)}."
            action = f"Rename or remove {ref} if nobody needs it, and run the same command again."
            if not labels_of(metadata):
                action = f"Restore the labels of {ref} if it is the platform's; otherwise remove it."
            found.append(Refusal("foreign_object", str(ref), rule, text, action))
    return found


# How it is


@dataclass(frozen=True)
class CorePods:
    """Airflow's own running pods. ``scheduler`` and ``dag_processor`` are the name of one of theirs, empty if none runs."""

    names: tuple[str, ...] = ()
    containers: int = 0
    scheduler: str = ""
    scheduler_uid: str = ""
    dag_processor: str = ""

    @property
    def asked(self) -> tuple[str, str]:
        """Pod and component to ask for what Airflow says of itself: one that has the DAG files. All have one configuration."""
        return (self.dag_processor, DAG_PROCESSOR) if self.dag_processor else (self.scheduler, SCHEDULER)


def core_pods(pods: Sequence[Obj]) -> CorePods:
    """Counts what CORE_QUERY finds. A pod that is being deleted does not count."""
    living = sorted((pod for pod in pods if not pod["metadata"].get("deletionTimestamp")), key=lambda pod: str(pod["metadata"]["name"]))
    first = {str(labels_of(pod["metadata"]).get("component")): pod["metadata"] for pod in reversed(living)}
    scheduler, dag_processor = first.get(SCHEDULER, {}), first.get(DAG_PROCESSOR, {})
    return CorePods(
        tuple(pod["metadata"]["name"] for pod in living),
        sum(len(pod["spec"]["containers"]) for pod in living),
        scheduler.get("name", ""),
        scheduler.get("uid", ""),
        dag_processor.get("name", ""),
    )


def platform_problems(wanted: Wanted, inspection: Inspection, pods: CorePods) -> list[Refusal]:
    """The rules that hold of every platform that runs, each that is broken."""
    core, names = wanted.platform.core_namespace, wanted.platform.namespaces
    found = []
    if wanted.version and inspection.version != wanted.version:
        text = f"Airflow reports version {inspection.version}; {wanted.version} is wanted."
        action = "Run site.yml, which brings the version to the cluster, or correct platform_airflow_version."
        found.append(Refusal("airflow_version", inspection.version, wanted.version, text, action))
    if inspection.executor != EXECUTOR:
        text = f"Airflow's executor is {inspection.executor}, not {EXECUTOR}."
        action = "Remove the executor from the chart's values and from the environment variable AIRFLOW__CORE__EXECUTOR."
        found.append(Refusal("airflow_executor", inspection.executor, EXECUTOR, text, action))
    if not inspection.multi_namespace_mode:
        text = "Airflow's option [kubernetes_executor] multi_namespace_mode is off, so it does not find workers in other namespaces."
        action = "Remove the option from the chart's values and from the environment: the platform sets it."
        found.append(Refusal("airflow_multi_namespace_mode", "False", "True", text, action))
    if sorted(inspection.namespaces) != sorted(names):
        text = f"Airflow's namespace list is '{inspection.namespace_list}'; the worker namespaces are '{','.join(names)}'."
        action = "Run site.yml, which brings the list to the cluster, or correct platform_worker_namespaces."
        found.append(Refusal("airflow_namespace_list", inspection.namespace_list, ",".join(names), text, action))
    if (len(pods.names), pods.containers) != (wanted.pods, wanted.containers):
        text = (
            f"{core} has {len(pods.names)} pods of Airflow with {pods.containers} containers ({named(pods.names)}); "
            f"{wanted.pods} pods with {wanted.containers} containers are expected."
        )
        action = (
            f"Inspect these pods: kubectl -n {core} get pods. If they are right, correct airflow_verify_pods and airflow_verify_containers."
        )
        rule = f"{wanted.pods} pods, {wanted.containers} containers"
        found.append(Refusal("airflow_pods", f"{len(pods.names)} pods, {pods.containers} containers", rule, text, action))
    return found


def idle_workers(inspection: Inspection, workers: Sequence[Obj], namespaces: Collection[str]) -> list[str]:
    """Worker pods that say that Airflow is not idle although no task was active: those from before it was asked.

    A pod that came later is a task's that has started since; one in another namespace is another Airflow's.
    """
    if inspection.active_tasks > 0:
        return []
    found = [worker["metadata"] for worker in workers]
    return [item["name"] for item in found if item["namespace"] in namespaces and str(item["creationTimestamp"]) < inspection.asked_at]


def idle_problems(inspection: Inspection, left: Sequence[str]) -> list[Refusal]:
    if not left:
        return []
    text = f"No task was active at {inspection.asked_at}, but worker pods from before are still there: {named(left)}."
    action = "Inspect these pods. Airflow deletes the pod of a task that has ended."
    return [Refusal("not_idle", named(left), "no worker pod is left of a time when no task was active", text, action)]


def operation_of(application: Obj) -> Obj:
    return dict((application.get("status") or {}).get("operationState") or {})


def migration_hooks(application: Obj) -> list[Obj]:
    """The migrations Job, as the last sync lists it."""
    results = (operation_of(application).get("syncResult") or {}).get("resources") or []
    return [item for item in results if item.get("kind") == "Job" and "migrations" in str(item.get("name"))]


def migrations(application: Obj) -> list[str]:
    """The phases of the migrations Job in the last sync."""
    return [str(item.get("hookPhase") or "") for item in migration_hooks(application)]


def migration_problems(wanted: Wanted, application: Obj, schema: str) -> list[Refusal]:
    """The migrations must have run once and succeeded.

    A sync of single resources (self-healing) runs no hooks: the migrations ran in the one before.
    """
    operation, phases = operation_of(application), migrations(application)
    selective = ((operation.get("operation") or {}).get("sync") or {}).get("resources") is not None
    if operation.get("phase") == "Succeeded" and schema and (phases == ["Succeeded"] or selective):
        return []
    shown = ", ".join(phases) or "none"
    text = (
        f"The migrations Job must have run once and succeeded in the last sync. The sync's phase is {operation.get('phase') or 'unknown'}, "
        f"the Job's phases in it are: {shown}; the database's schema is '{schema}'."
    )
    core = wanted.platform.core_namespace
    action = f"Look at the Job airflow-run-airflow-migrations and at its pod's log: kubectl -n {core} get jobs,pods."
    return [Refusal("migrations", shown, "Succeeded, once", text, action)]


# What the tasks did


def task_problems(run: Run, placements: Sequence[Mapping[str, Any]], tasks: Sequence[Mapping[str, Any]]) -> list[Refusal]:
    """Each task must have run once and logged what it should."""
    tries = [task.get("try_number") for task in tasks if task.get("task_id") == run.task_id]
    found = []
    if tries != [1]:
        shown = ", ".join(map(str, tries)) or "none"
        text = f"{run} must have run once, in its first try; its tries are: {shown}."
        found.append(Refusal("task_tries", shown, "1", text, f"Read the logs of {run} in Airflow's UI; they say why it was tried again."))
    mine = [item for item in placements if (item["dag_id"], item["task_id"]) == (run.dag_id, run.task_id)]
    log = "\n".join(mine[-1]["log_tail"]) if mine else ""
    if not re.search(run.log, log, re.MULTILINE):
        pod = mine[-1]["pod"] if mine else "unknown"
        text = f"The log of {run} (pod {pod}) does not contain '{run.log}'. It ends:\n{masked_words(log) or '(nothing was read)'}"
        action = f"Correct the task, or the log that airflow_verify_runs expects of {run}."
        found.append(Refusal("task_log", pod, run.log, text, action))
    return found
