# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings with which tasks may not make pods (pod_operator of a worker namespace). Pure: settings in, refusals out.

What the cluster must have for it, an admission policy: admission_state.py. Why: docs/adr/0023-pod-operator.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import service_accounts, worker_account
from ansible_collections.gitops.airflow.plugins.module_utils._platform.forms import amount
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_fields import POD_OPERATOR
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import NONE, AirflowSettings, Settings

# What counts the pods of a namespace in a quota.
PODS = ("pods", "count/pods")


def core_pod_operator(given: Settings) -> Iterator[Refusal]:
    """There a task could run commands in the scheduler, and mount the platform's Secrets."""
    if given.core_namespace in given.pod_operators:
        yield Refusal(
            "core_pod_operator",
            str(given.core_namespace),
            "tasks make no pods beside Airflow's own",
            f"platform_worker_namespaces sets pod_operator for {given.core_namespace}, where Airflow's own pods, its database and their "
            "Secrets are: tasks could use them.",
            "Set pod_operator for another worker namespace, and let these tasks run there (executor_config).",
        )


def quota_of_two(given: Settings) -> Iterator[Refusal]:
    """A KubernetesPodOperator needs its worker and the pod that it makes at the same time. It does not wait for a quota."""
    for entry in given.profiles:
        quota = entry.get("quota")
        if not entry.get("pod_operator") or not isinstance(quota, dict):
            continue
        for counted in PODS:
            most = amount(quota.get(counted))
            if most is not None and most < 2:
                yield Refusal(
                    "pod_operator_quota",
                    str(entry["name"]),
                    "a task and the pod that it makes fit into the quota",
                    f"In {entry['name']} of platform_worker_namespaces, quota allows {counted}: {quota[counted]}. With pod_operator a task "
                    "has two pods, its worker and the one that it makes, which the API server would refuse.",
                    f"Set {counted} in the quota of {entry['name']} to 2 or more, or remove pod_operator there.",
                )


def without_admission_policy(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    if airflow.admission_policy == NONE:
        yield from unfenced(given, f"airflow_app_admission_policy is '{NONE}'", "Set airflow_app_admission_policy to auto or require")


def unfenced(given: Settings, obstacle: str, action: str) -> Iterator[Refusal]:
    """RBAC limits neither the account and the Secrets of a pod, nor whose pods a task deletes and runs commands in.

    ``obstacle``: why there is no admission policy. ``action``: how to get one.
    """
    if given.pod_operators:
        names = ", ".join(map(str, given.pod_operators))
        yield Refusal(
            "pod_operator",
            names,
            "tasks make pods only where an admission policy limits them",
            f"platform_worker_namespaces sets pod_operator for {names}, but {obstacle}. Without an admission policy a task there "
            "could make pods with every account and Secret of the namespace, and run commands in the pods of other tasks.",
            f"{action}, or remove pod_operator of {names}.",
        )


def own_account(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """An account of Airflow with that name would have the rights, too."""
    names = {"workers": worker_account(airflow.values, airflow.name), **service_accounts(airflow.values, airflow.name)}
    found = sorted(part for part, name in names.items() if name == POD_OPERATOR)
    if found and given.pod_operators:
        yield Refusal(
            "pod_operator_account",
            POD_OPERATOR,
            "the account that may make pods is used for nothing else",
            f"airflow_app_values sets serviceAccount.name of {' and '.join(found)} to {POD_OPERATOR}, the account that workers have in "
            "namespaces with pod_operator.",
            f"Use another name for serviceAccount.name of {' and '.join(found)}.",
        )


RULES = (core_pod_operator, quota_of_two)
AIRFLOW_RULES = (without_admission_policy, own_account)
