# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two platforms in one cluster, on a real API server: what each sees of the other, what is refused, what stays (ADR 25)."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration import test_ownership as ownership
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.test_ownership import MADE, OLDER, Cluster, Obj, argo, kept, obj, remove

owned, cluster = ownership.owned, ownership.cluster
PROD, STAGE = ({**OLDER, "gitops-airflow/platform": name} for name in ("prod", "stage"))


def look(cluster: Cluster, name: str, purpose: str = "install", airflow: Obj | None = None, **platform: Any) -> Obj:
    """The look before a run, without an admission policy, which is another note."""
    given: Obj = {"platform": {"name": name, **platform}, "airflow": {"admission_policy": "none", **(airflow or {})}, "purpose": purpose}
    return Module("platform_preflight", cluster.server.kubeconfig("reader"), **given).result()


def codes(result: Obj) -> list[str]:
    return [item["code"] for item in result["refusals"]]


def application(name: str, labels: dict[str, str]) -> Obj:
    source = {"repoURL": f"http://gitea.{name}-git.svc.cluster.local:3000/gitops/platform.git", "path": f"platform/{name}/core"}
    destination = {"server": "https://kubernetes.default.svc", "namespace": f"{name}-core"}
    return argo("Application", "argocd", f"{name}-core", labels, project=name, source=source, destination=destination)


def installed(cluster: Cluster, name: str, labels: dict[str, str]) -> list[Obj]:
    """A platform as its roles leave it, as far as the look sees it. Its AppProject also names a namespace that the next run would drop."""
    destinations = [{"namespace": place, "server": "https://kubernetes.default.svc"} for place in (f"{name}-core", f"{name}-old")]
    items = [
        obj("Namespace", "", f"{name}-core", {**labels, **MADE, "pod-security.kubernetes.io/enforce": "baseline"}),
        obj("Secret", f"{name}-core", "airflow-admin", labels),
        obj("Secret", f"{name}-core", "airflow-metadata", labels),
        argo("AppProject", "argocd", name, labels, destinations=destinations),
        obj("Secret", "argocd", f"{name}-platform-repository", {**labels, "argocd.argoproj.io/secret-type": "repository"}),
        application(name, labels),
    ]
    cluster.apply(*items)
    return items


@pytest.fixture
def both(cluster: Cluster) -> Cluster:
    """Prod installed Argo CD, and stage uses it."""
    cluster.record(cluster.argocd("argocd", by="gitops.airflow"), PROD, state="applied")
    installed(cluster, "prod", PROD)
    installed(cluster, "stage", STAGE)
    return cluster


def test_each_platform_sees_what_is_its_own(both: Cluster) -> None:
    for name, other, mode in (("prod", "stage", "install"), ("stage", "prod", "existing")):
        for purpose in ("install", "use", "remove"):
            result = look(both, name, purpose, argocd=mode)
            # No application controller runs on this API server: that of an Argo CD of others is missed.
            assert [code for code in codes(result) if code != "no_argocd"] == []
            plan = result["plan"]
            assert (plan["in_use"], plan["other_platforms"], plan["unmarked"]) == (True, [other], [])
            assert plan["dropped_namespaces"] == [f"{name}-old"]
            objects = [*plan["argocd_objects"], *plan["retired"], *plan["copies"], *plan["network"]["found"]]
            assert {item["name"] for item in objects} == {name, f"{name}-platform-repository", f"{name}-old"}


def test_the_second_platform_uses_the_argo_cd_of_the_first(both: Cluster) -> None:
    result = look(both, "stage")
    assert codes(result) == ["foreign_argocd"]
    (refusal,) = result["refusals"]
    assert "for the platform 'stage', but the platform 'prod' installed the Argo CD in argocd" in refusal["message"]
    assert refusal["next_action"].startswith("Set platform_argocd to existing and platform_argocd_namespace to argocd")


@pytest.mark.parametrize(
    ("given", "shown", "variable"),
    [
        ({"core_namespace": "prod-core"}, "Secret prod-core/airflow-admin", "platform_core_namespace"),
        ({"prefix": "prod", "argocd": "existing"}, "Application argocd/prod-core", "airflow_app_name"),
    ],
)
def test_a_name_of_another_platform_is_refused(both: Cluster, given: Obj, shown: str, variable: str) -> None:
    result = look(both, "new", **given)
    (refusal,) = [item for item in result["refusals"] if item["code"] == "other_platform"]
    assert refusal["message"].startswith("platform_name is 'new', but the cluster has the platform 'prod', which uses the same names: ")
    assert shown in refusal["message"]
    assert variable in refusal["next_action"]


def test_a_platform_with_former_names_is_not_built_anew(cluster: Cluster) -> None:
    cluster.apply(obj("Secret", "airflow-core", "airflow-generated", STAGE))
    for purpose in ("install", "use", "remove"):
        result = look(cluster, "stage", purpose)
        assert codes(result) == ["former_names"]
        assert result["refusals"][0]["next_action"].startswith("Set platform_prefix to airflow")
    assert "former_names" not in codes(look(cluster, "stage", prefix="airflow"))


def test_a_node_port_of_another_platform_is_refused(cluster: Cluster) -> None:
    service = obj("Service", "prod-core", "airflow-webserver")
    service["spec"] = {"type": "NodePort", "ports": [{"port": 8080, "nodePort": 30080}]}
    cluster.apply(obj("Namespace", "", "prod-core", PROD), service)
    result = look(cluster, "stage", airflow={"webserver_node_port": 30080})
    assert codes(result) == ["node_port"]
    said = "is 30080, which is the node port of the Service prod-core/airflow-webserver of the platform 'prod'."
    assert said in result["refusals"][0]["message"]
    assert codes(look(cluster, "stage", airflow={"webserver_node_port": 30081})) == []
    # Its own Service has it.
    assert "node_port" not in codes(look(cluster, "prod", airflow={"webserver_node_port": 30080}))


def test_metrics_server_stays_for_another_platform(both: Cluster) -> None:
    account = obj("ServiceAccount", "kube-system", "metrics-server", PROD)
    both.apply(account)
    ref = ("ServiceAccount", "kube-system", "metrics-server")
    others = look(both, "prod", "remove")["plan"]["other_platforms"]
    for check in (True, False):
        result = remove(both, ref, check=check, platform="prod", report_kept="if_removed", in_use_by=others)
        assert (result["changed"], result["removed"], kept(result)) == (False, [], {})
        assert result["in_use"].startswith(
            "ServiceAccount kube-system/metrics-server: these stay, because the cluster has the platform stage"
        )
        assert result["in_use"] in result["warnings"]
    # Stage did not install it, and says nothing.
    result = remove(both, ref, platform="stage", report_kept="if_removed", in_use_by=["prod"])
    assert (result["changed"], result["in_use"], result.get("warnings", [])) == (False, "", [])
    assert both.get(account)
    assert remove(both, ref, platform="prod", in_use_by=[])["changed"]
