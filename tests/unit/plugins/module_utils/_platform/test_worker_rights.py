# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D9: whose the Roles and RoleBindings of worker namespaces are, also those that Argo CD applied for an older version."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.apply import Standing, Target
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import (
    RIGHTS_KINDS,
    WORKER_RIGHTS,
    Found,
    Ref,
    Scope,
    Sight,
    foreign_contents,
    is_handed_over,
    is_tracked,
    planned_refs,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import Wishes, obstacle, plan
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_ownership import (
    AIRFLOW,
    OLDER,
    OTHER,
    OURS,
    application,
    codes,
    thing,
)

LABEL = {"app.kubernetes.io/instance": "airflow-core"}
RBAC = "rbac.authorization.k8s.io"


def tracked(
    kind: str = "Role",
    name: str = "airflow-pod-launcher",
    labels: dict[str, str] | None = None,
    *,
    by: str | None = None,
    namespace: str = "airflow-cron",
) -> Found:
    """An object as Argo CD 3 applies it. ``by``: another value of the annotation."""
    value = f"airflow-core:{RBAC}/{kind}:{namespace}/{name}" if by is None else by
    return thing(kind, name, labels, namespace, annotations={"argocd.argoproj.io/tracking-id": value})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (tracked(), True),
        (tracked("ConfigMap", "airflow-python", by="airflow-core:/ConfigMap:airflow-cron/airflow-python"), True),
        (tracked(by=f"other:{RBAC}/Role:airflow-cron/airflow-pod-launcher"), False),
        # Copied from another object.
        (tracked(by=f"airflow-core:{RBAC}/Role:airflow-core/airflow-pod-launcher"), False),
        (tracked(by=f"airflow-core:{RBAC}/RoleBinding:airflow-cron/airflow-pod-launcher"), False),
        (tracked(by="airflow-core"), False),
        (tracked(by=""), False),
        # The annotation goes before the label, which others set, too.
        (tracked(labels=LABEL, by="other:/Role:airflow-cron/airflow-pod-launcher"), False),
        # Before Argo CD 3.
        (thing("Role", "airflow-pod-launcher", LABEL, "airflow-cron"), True),
        (thing("Role", "airflow-pod-launcher", {"app.kubernetes.io/instance": "other"}, "airflow-cron"), False),
        (thing("Role", "airflow-pod-launcher", {}, "airflow-cron"), False),
        (thing("Role", "airflow-pod-launcher", LABEL, "airflow-cron", by="argocd-controller"), True),
        (thing("PersistentVolumeClaim", "data-x", LABEL, "airflow-cron", by="kube-controller-manager"), True),
        # H1: a release of Helm of the same name, or what people applied.
        (thing("Role", "a", LABEL, "airflow-cron", annotations={"meta.helm.sh/release-name": "airflow-core"}), False),
        (thing("Role", "a", LABEL, "airflow-cron", by="helm"), False),
        (thing("Role", "a", LABEL, "airflow-cron", by="kubectl-client-side-apply"), False),
        (thing("Role", "a", LABEL, "airflow-cron", by="kustomize-controller"), False),
    ],
)
def test_argo_cds_tracking_says_what_an_application_renders(found: Found, expected: bool) -> None:
    assert is_tracked(found, "airflow-core") is expected
    assert not is_tracked(found, "")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        *((tracked(kind, name), True) for kind in RIGHTS_KINDS for name in WORKER_RIGHTS),
        (tracked(name="another"), False),
        (tracked("Secret", "airflow-pod-launcher"), False),
        (tracked(by="other"), False),
        (thing("Role", "airflow-pod-launcher", {}, "airflow-cron"), False),
        (tracked(labels=OURS), False),
        (tracked(labels=OTHER), False),
    ],
)
def test_d9_what_an_older_versions_chart_had(found: Found, expected: bool) -> None:
    assert is_handed_over(found, "airflow-core") is expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (tracked(), []),
        (tracked("RoleBinding", "airflow-pod-log-reader"), []),
        (tracked(labels=OURS), []),
        (thing("Role", "airflow-pod-launcher", OURS, "airflow-cron"), []),
        (thing("Role", "airflow-pod-launcher", {}, "airflow-cron"), ["foreign_object"]),
        (thing("RoleBinding", "airflow-pod-launcher", {}, "airflow-cron"), ["foreign_object"]),
        (tracked(by="other:/Role:airflow-cron/airflow-pod-launcher"), ["foreign_object"]),
        # The tracking does not count for what the roles have always written.
        (tracked("Secret", "airflow-metadata", by="airflow-core:/Secret:airflow-cron/airflow-metadata"), ["foreign_object"]),
    ],
)
def test_d9_rights_of_others_are_refused_before_anything_changes(found: Found, expected: list[str]) -> None:
    assert found.ref in planned_refs(AIRFLOW)
    assert codes(Sight(planned=[found], application=application(OURS))) == expected


def test_d9_an_upgrade_from_rights_of_the_chart_is_no_adoption() -> None:
    """It needs no pause of running tasks: nothing restarts, and the rights stay the same."""
    assert codes(Sight(planned=[tracked()], application=application(OURS), workers=["airflow-cron/a"])) == []


def test_d9_what_the_chart_applied_does_not_keep_a_namespace() -> None:
    """Argo CD 3 tracks by annotation."""
    configuration = tracked("ConfigMap", "airflow-python", by="airflow-core:/ConfigMap:airflow-cron/airflow-python")
    assert foreign_contents([tracked(), configuration], Scope("airflow", "airflow-core")) == []
    assert foreign_contents([tracked(by="other")], Scope("airflow", "airflow-core")) == [tracked().ref]


def standing(found: Found) -> Standing:
    ref = found.ref
    target = Target(f"{RBAC}/v1", ref.kind, ref.namespace, ref.name, {}, "path")
    return Standing(target, {"metadata": found.metadata})


OTHERS = "it does not have the labels"


@pytest.mark.parametrize(
    ("found", "scope", "reason"),
    [
        (tracked(), Scope("airflow", "airflow-core"), ""),
        (tracked(labels=OURS), Scope("airflow"), ""),
        (tracked(), Scope("airflow"), OTHERS),
        (tracked(), Scope("airflow", "another"), OTHERS),
        (tracked(labels=OTHER), Scope("airflow", "airflow-core"), "it belongs to platform beta"),
        (tracked(labels=OLDER), Scope("airflow"), "it has no label"),
        (tracked(name="another"), Scope("airflow", "airflow-core"), OTHERS),
        (thing("Role", "airflow-pod-launcher", {}, "airflow-cron"), Scope("airflow", "airflow-core"), OTHERS),
    ],
)
def test_d9_rights_of_an_older_version_are_applied_over(found: Found, scope: Scope, reason: str) -> None:
    assert obstacle(standing(found), scope).startswith(reason)
    assert bool(obstacle(standing(found), scope)) is bool(reason)


def test_d9_rights_that_are_being_deleted_are_not_applied_over() -> None:
    going: dict[str, Any] = {**tracked().metadata, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    decided = plan([standing(Found(tracked().ref, going))], Scope("airflow", "airflow-core"), Wishes())
    assert decided.refused == [(Ref("Role", "airflow-cron", "airflow-pod-launcher"), "it is being deleted")]
