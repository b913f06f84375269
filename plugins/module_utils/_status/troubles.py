# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no pod and no workload of the platform shows: a scheduler that does not run, an admission policy that was deleted; and next steps.

All but the functions that read are pure.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import error_conditions, operation_failed
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.diagnosis import next_action
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.messages import LEFT_LOCK
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import owner_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube import scheduler
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import pod_causes
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import current_pods
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_policy import (
    BINDING,
    GROUP,
    POLICY,
    VERSIONS,
    object_name,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_state import MARK, MARKED_ROLE
from ansible_collections.gitops.airflow.plugins.module_utils._status.rows import Row, ago, young

RBAC = "rbac.authorization.k8s.io/v1"
DENY = "Deny"
# Which answers say that the look needs rights, or a kind of object, that are not there.
NOT_SHOWN = (403, 404)


@dataclass(frozen=True)
class Trouble:
    """One problem and its next step."""

    text: str
    action: str


def policy_trouble(platform: str, marked: bool, policy: Obj | None, binding: Obj | None) -> Trouble | None:
    """What is wrong with an admission policy that a run made (``marked``)."""
    name = object_name(platform)
    if not marked:
        return None
    gone = [kind for kind, item in ((POLICY, policy), (BINDING, binding)) if item is None]
    if gone:
        verb, them = ("do", "them") if len(gone) > 1 else ("does", "it")
        what = f"{' and '.join(gone)} {name} {verb} not exist, although a run made {them}"
    elif DENY not in (((binding or {}).get("spec") or {}).get("validationActions") or []):
        what = f"{BINDING} {name} does not have the action {DENY} any more"
    else:
        return None
    return Trouble(
        f"{what}: the API server does not refuse the pods that the cluster policy refuses",
        "Run site.yml again (make site), which declares the admission policy. If you do not want one, set airflow_app_admission_policy to "
        "none first.",
    )


def scheduler_troubles(leases: Iterable[Obj], pods: Sequence[Obj]) -> list[Trouble]:
    """Whether Kubernetes' scheduler does not run. Its pod need not be visible."""
    silent = scheduler.silent_for(leases, pods)
    if silent is None:
        return []
    return [Trouble(f"Kubernetes' scheduler has not renewed its Lease for {ago(silent)}: new pods get no node", scheduler.CHECK)]


def pod_actions(pods: Iterable[Obj], now: datetime.datetime) -> list[str]:
    """The next step for each scheduler that has not processed a pod in time."""
    causes = [cause for pod in current_pods(pods) if not young(pod, now) for cause in pod_causes(pod) if cause.kind == "scheduler"]
    return list({cause.text.partition(": ")[2]: cause.action for cause in reversed(causes)}.values())


def application_actions(apps: Iterable[Obj]) -> list[str]:
    """What to do about errors that Argo CD reports: as a wait for the Application says it."""
    return [
        next_action(app, (), app["metadata"]["namespace"], app["metadata"]["name"], timed_out=False)
        for app in apps
        if error_conditions(app) or operation_failed(app)
    ]


def checkout_actions(checkouts: Iterable[Row], core: str) -> list[str]:
    """The next step for pods whose git-sync was killed and left a lock: git-sync 4.1 never removes it (git-sync: pull request 914)."""
    pods = [str(row["pod"]) for row in checkouts if LEFT_LOCK.search(row["error"])]
    if not pods:
        return []
    which, it = ("these pods", "them") if len(pods) > 1 else ("this pod", "it")
    command = f"kubectl -n {core} delete pod {' '.join(pods)}"
    return [f"If git-sync goes on to fail, a killed git process left a lock in {which}: delete {it} ({command})."]


def read_policy(api: KubeApi, platform: str, namespaces: Iterable[str]) -> Trouble | None:
    """The same of a platform with these worker namespaces. Raises ApiError, also where something must not be read."""
    roles = at_once(lambda namespace: api.metadata(f"{collection('Role', namespace, RBAC)}/{MARKED_ROLE}"), namespaces)
    marked = any(MARK in (role.get("annotations") or {}) for role in roles if role is not None and owner_of(role, platform) == "ours")
    return policy_trouble(platform, True, *(_find(api, kind, object_name(platform)) for kind in (POLICY, BINDING))) if marked else None


def _find(api: KubeApi, kind: str, name: str) -> Obj | None:
    """In any version: a later version of Kubernetes does not serve the one in which the run made it."""
    paths = (f"{collection(kind, '', f'{GROUP}/{version}')}/{name}" for version in VERSIONS)
    return next((found for found in map(api.find, paths) if found is not None), None)


def read_leases(api: KubeApi) -> list[Obj]:
    """The Leases of Kubernetes' own parts; none if they must not be read: what waits for the scheduler shows itself. Raises ApiError."""
    try:
        return api.items(scheduler.LEASES, whole=True)
    except ApiError as error:
        if error.status in NOT_SHOWN:
            return []
        raise
