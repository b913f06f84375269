# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one look at a cluster finds, and what it does not ask for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref, Sight
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import OwnershipRead
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.tests.unit.kube_double import KubeDouble, Obj, place

OURS, OTHERS = marks("airflow"), marks("beta")
PLATFORM = Settings(worker_namespaces=("airflow-core", "airflow-etl")).owner()
RBAC = "rbac.authorization.k8s.io/v1"


def item(kind: str, name: str, namespace: str = "", version: str = "v1", labels: dict[str, str] | None = None, **content: Any) -> Obj:
    metadata: Obj = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": labels or {}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def space(name: str) -> Obj:
    return item("Namespace", name)


def application(labels: dict[str, str]) -> Obj:
    spec = {"source": {"repoURL": PLATFORM.repo, "path": PLATFORM.path}, "destination": {"namespace": PLATFORM.core_namespace}}
    return item("Application", PLATFORM.application, PLATFORM.argocd_namespace, "argoproj.io/v1alpha1", labels, spec=spec)


def look(api: KubeDouble, *objects: Ref) -> Sight:
    return OwnershipRead(api, PLATFORM, objects).read()


CORE, ARGOCD = space("airflow-core"), space("argocd")
ADMIN = item("Secret", "airflow-admin", "airflow-core")
ADMIN_PATH = place(ADMIN)[1]
ROLE = item("ClusterRole", "mine", version=RBAC)
ROLE_REF = Ref("ClusterRole", "", "mine", RBAC)


def test_what_has_a_planned_name_is_found() -> None:
    sight = look(KubeDouble([CORE, ADMIN, ROLE, item("Secret", "another", "airflow-core")]), ROLE_REF)
    assert {found.ref for found in sight.planned} == {ROLE_REF, Ref("Secret", "airflow-core", "airflow-admin")}


def test_a_namespace_that_does_not_exist_is_not_looked_into() -> None:
    api = KubeDouble([ADMIN, ROLE])
    assert [found.ref for found in look(api, ROLE_REF).planned] == [ROLE_REF]
    assert not [path for path in api.asked if "/namespaces/airflow-" in path]


def test_what_was_listed_is_not_asked_for_again() -> None:
    api = KubeDouble([CORE, ARGOCD, {**ADMIN, "metadata": {**ADMIN["metadata"], "labels": OURS}}, application(OURS)])
    sight = look(api)
    planned = {Ref("Secret", "airflow-core", "airflow-admin"), Ref("Application", "argocd", PLATFORM.application)}
    assert {found.ref for found in sight.planned} == planned
    assert ADMIN_PATH not in api.asked
    # Once for the whole object.
    assert api.asked.count(place(application(OURS))[1]) == 1


def test_an_application_that_does_not_exist_is_asked_for_once() -> None:
    api = KubeDouble([ARGOCD])
    assert look(api).application is None
    assert api.asked.count(place(application({}))[1]) == 1


WEB, VERIFICATION = item("Deployment", "airflow-web", "airflow-core", "apps/v1"), item("ConfigMap", "airflow-verification", "airflow-core")
ETL_JOB = item("Job", "airflow-migrate", "airflow-etl", "batch/v1")
OF_PEOPLE = [item("Deployment", "web", "airflow-core", "apps/v1"), item("Service", "airflow-web", "team")]


@pytest.mark.parametrize(
    ("there", "chart"),
    [
        ([], [WEB, ETL_JOB]),
        ([application(OTHERS)], [WEB, ETL_JOB]),
        ([application(OURS)], []),
    ],
)
def test_names_of_the_chart_count_until_the_application_is_the_platforms(there: list[Obj], chart: list[Obj]) -> None:
    api = KubeDouble([CORE, ARGOCD, space("airflow-etl"), space("team"), WEB, VERIFICATION, ETL_JOB, *OF_PEOPLE, *there])
    sight = look(api)
    assert [found.ref for found in sight.chart] == [
        Ref(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in chart
    ]


def test_the_chart_is_not_looked_for_in_a_namespace_that_does_not_exist() -> None:
    api = KubeDouble([CORE, WEB, ETL_JOB])
    assert [found.ref.name for found in look(api).chart] == ["airflow-web"]
    assert not [path for path in api.asked if "/namespaces/airflow-etl/" in path]


def pod(name: str, namespace: str, phase: str = "Running", **labels: str) -> Obj:
    return item("Pod", name, namespace, labels=labels, status={"phase": phase})


def test_pods_of_tasks_that_have_not_ended() -> None:
    pods = [
        pod("a", "airflow-core", kubernetes_executor="True"),
        pod("b", "airflow-etl", "Pending", kubernetes_executor="True"),
        pod("c", "airflow-etl", "Succeeded", kubernetes_executor="True"),
        pod("d", "airflow-etl", "Failed", kubernetes_executor="True"),
        pod("e", "team", kubernetes_executor="True"),
        pod("f", "airflow-etl", component="pod-operator"),
        pod("g", "airflow-etl"),
    ]
    sight = look(KubeDouble(pods))
    assert [ref.name for ref in sight.living] == ["a", "b", "e"]
    assert sight.workers == ["airflow-core/a", "airflow-etl/b"]
    assert [ref.name for ref in sight.made] == ["f"]


def test_the_parts_of_any_argo_cd_are_found() -> None:
    argocd = {"app.kubernetes.io/part-of": "argocd"}
    record = item("ConfigMap", "argocd-installed", "argo", labels=OURS, data={})
    there = [
        item("Namespace", "kube-system"),
        record,
        item("ConfigMap", "argocd-installed", "team"),
        item("ConfigMap", "other", "argo", labels=OURS),
        item("CustomResourceDefinition", "applications.argoproj.io", version="apiextensions.k8s.io/v1"),
        item("CustomResourceDefinition", "cats.test", version="apiextensions.k8s.io/v1"),
        item("Deployment", "argocd-server", "argo", "apps/v1", argocd),
        item("StatefulSet", "argocd-application-controller", "argo", "apps/v1", argocd),
        item("Deployment", "web", "argo", "apps/v1"),
        item("ClusterRole", "argocd-server", version=RBAC),
        item("ClusterRoleBinding", "argocd-server", version=RBAC),
        item("ClusterRole", "view", version=RBAC),
    ]
    api = KubeDouble(there)
    for sight in (look(api), OwnershipRead(api, PLATFORM).read_argocd()):
        assert [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in sight.records] == [("argo", "argocd-installed")]
        assert sorted(f"{found.ref.kind} {found.ref.name}" for found in sight.argocd) == [
            "ClusterRole argocd-server",
            "ClusterRoleBinding argocd-server",
            "CustomResourceDefinition applications.argoproj.io",
            "Deployment argocd-server",
            "StatefulSet argocd-application-controller",
        ]
    assert look(api).cluster == "u0"


def test_an_application_that_cannot_be_read_is_an_error() -> None:
    api = KubeDouble([ARGOCD])
    api.errors[place(application({}))[1]] = 403
    with pytest.raises(ApiError):
        look(api)
