# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pod of a task may have: the fields of ``gitops_pod_fields``, an account, tokens, Secrets, ConfigMaps and volume claims.

The cluster policy asks :func:`refusal`. What the platform's own pod template has, or a worker namespace's scheduling, is the operator's
decision and allowed. Pods are dictionaries in the form of the Kubernetes API. Python 3.7 reads this file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gitops_pod_fields import (
    OPERATOR_PODS_ACCOUNT,
    PLATFORMS_OWN,
    POD_OPERATOR,
    TOKEN_VOLUME,
    WORKERS_OWN,
    XCOM_SIDECAR,
    asked_by_pod,
    references,
)

VARIABLES = {"Secret": "secrets", "ConfigMap": "config_maps", "claim": "claims"}


@dataclass
class Limits:
    """What the platform's chart sets."""

    account: str = "airflow-worker"  # of worker pods. It may do nothing; others of the core namespace may handle pods
    core: str = ""  # the platform's own namespace
    # All that a task's pod in the core namespace may refer to, as (kind, name): what every worker's pod has, and what is listed for tasks.
    references: set[tuple[str, str]] = field(default_factory=set)
    restricted: set[str] = field(default_factory=set)  # namespaces whose pods get what that standard asks for and they do not say
    audiences: set[str] = field(default_factory=set)  # for whom a task may have tokens
    operators: set[str] = field(default_factory=set)  # namespaces whose tasks may make pods there
    # What the pod template asks for, and each namespace's scheduling: allowed in every pod of the namespace.
    template: set[tuple[str, str]] = field(default_factory=set)
    scheduling: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def account_of(self, namespace: str) -> str:
        """As whom the workers of a namespace run."""
        return POD_OPERATOR if namespace in self.operators else self.account


# The image of the sidecar runs as root, and what it does needs no root.
NOBODY = 65534


def keys_of(pod: dict[str, Any]) -> set[tuple[str, str]]:
    """What a pod template asks for, as :attr:`Limits.template` and :attr:`Limits.scheduling` take it."""
    return {item.key for item in asked_by_pod(pod)}


def refusal(pod: dict[str, Any], namespace: str, limits: Limits, worker: bool = True, operator: bool = False) -> str | None:
    """What the pod asks for and may not have, with what to do instead; None where there is nothing.

    ``worker``: a worker's pod. ``operator``: a pod that a task makes with its worker's own token, in a namespace with pod_operator.
    Otherwise it is a pod that a task makes with credentials of its own: its account, its token and the Secrets that it refers to are
    decided where those were granted.
    """
    allowed = limits.template | limits.scheduling.get(namespace, set())
    for item in asked_by_pod(pod):
        if item.key not in allowed:
            value = item.value if len(item.value) <= 200 else item.value[:200] + "…"
            return f"asks for {item.path} = {value}; {item.rule.reason}: {item.rule.instead}"
    spec = pod.get("spec") or {}
    if operator:
        return _operators_identity(spec) or _token(spec, limits) or _workers_own(spec)
    if not worker:
        return None
    own_volume = _token_volume(spec) if namespace in limits.operators else None
    return _identity(spec, namespace, limits) or _token(spec, limits) or own_volume or _reference(spec, namespace, limits)


def _operators_identity(spec: dict[str, Any]) -> str | None:
    for account in (spec.get("serviceAccountName"), spec.get("serviceAccount")):
        if account and account != OPERATOR_PODS_ACCOUNT:
            return (
                f"asks for the service account {account!r}; pods that tasks make run as {OPERATOR_PODS_ACCOUNT!r}: "
                "leave service_account_name out"
            )
    if spec.get("automountServiceAccountToken"):
        return "asks for a token of the Kubernetes API, which pods that tasks make do not get: leave automount_service_account_token out"
    return None


def _workers_own(spec: dict[str, Any]) -> str | None:
    for _kind, name in sorted((PLATFORMS_OWN | WORKERS_OWN) & set(references(spec))):
        return (
            f"refers to {name!r}, which is the platform's own: use a Secret of your own, or env_vars with the one value that the pod needs"
        )
    return None


def _token_volume(spec: dict[str, Any]) -> str | None:
    """Whatever mounts the volume of this name, which the cluster policy adds, would have the token."""
    mounts = [
        mount for kind in ("containers", "initContainers") for item in spec.get(kind) or [] for mount in item.get("volumeMounts") or []
    ]
    if any(item.get("name") == TOKEN_VOLUME for item in [*(spec.get("volumes") or []), *mounts]):
        return f"has a volume {TOKEN_VOLUME!r} or mounts it; that name is the platform's: use another one"
    return None


def _identity(spec: dict[str, Any], namespace: str, limits: Limits) -> str | None:
    own = limits.account_of(namespace)
    for account in (spec.get("serviceAccountName"), spec.get("serviceAccount")):
        # The template names the workers' account.
        if account and account not in (limits.account, own):
            return f"asks for the service account {account!r}; worker pods run as {own!r}: leave service_account_name out"
    if spec.get("automountServiceAccountToken"):
        return "asks for a token of the Kubernetes API, which worker pods do not get: leave automount_service_account_token out"
    return None


def _token(spec: dict[str, Any], limits: Limits) -> str | None:
    """Tokens in projected volumes. What the API server takes for its own audience cannot be known here, so others are listed."""
    for volume in spec.get("volumes") or []:
        for source in (volume.get("projected") or {}).get("sources") or []:
            if source.get("serviceAccountToken") is None:
                continue
            audience = source["serviceAccountToken"].get("audience")
            if audience in limits.audiences:
                continue
            if not audience:
                return "asks for a token of the Kubernetes API, which worker pods do not get: leave the projected token out"
            return (
                f"asks for a token for the audience {audience!r}, which is not listed for tasks: leave it out, "
                "or ask the platform's operator to add it to airflow_app_task_token_audiences"
            )
    return None


def _reference(spec: dict[str, Any], namespace: str, limits: Limits) -> str | None:
    found = set(references(spec))
    for _kind, name in sorted(PLATFORMS_OWN & found):
        return f"refers to {name!r}, which is the platform's own: use a Secret or volume claim of your own in the worker namespace"
    if namespace == limits.core:
        for kind, name in sorted(found - limits.references, key=str):
            return (
                f"refers to the {kind} {name!r} in {namespace}, which is not listed for tasks: use another worker namespace, "
                f"or ask the platform's operator to add it to airflow_app_task_{VARIABLES[kind]}"
            )
    return None


def fill_restricted(spec: dict[str, Any]) -> None:
    """Set, in a pod's spec, what the Pod Security Standard ``restricted`` asks for and the spec does not say. What it says stays.

    Without this nearly every pod of a KubernetesPodOperator, and every sidecar of a task, would be refused by the namespace.
    """
    if (spec.get("os") or {}).get("name") == "windows":
        return
    pod = spec["securityContext"] = _with_defaults(
        spec.get("securityContext"), runAsNonRoot=True, seccompProfile={"type": "RuntimeDefault"}
    )
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        given = container.get("securityContext")
        context = container["securityContext"] = _with_defaults(given, allowPrivilegeEscalation=False, capabilities={})
        context["capabilities"] = _with_defaults(context["capabilities"], drop=["ALL"])
        if container.get("name") == XCOM_SIDECAR and pod.get("runAsUser") is None:
            context.update(_with_defaults(context, runAsUser=NOBODY))


def _with_defaults(given: dict[str, Any] | None, **defaults: Any) -> dict[str, Any]:
    return {**defaults, **{key: value for key, value in (given or {}).items() if value is not None}}
