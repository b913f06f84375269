# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the platform can use an Argo CD of others: what is refused, and what a person is warned of (ADR 24)."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.project import IN_CLUSTER
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import Owner, marks
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform.argocd_state import (
    ArgoCD,
    for_removal,
    own,
    read,
    refusals,
    warnings,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Decision, Found, Record, Ref, Sight
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Repository, Settings

Obj = dict[str, Any]
HTTPS, SSH = "https://git.example.com/data/platform.git", "git@git.example.com:data/platform.git"
PEM = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
OTHER_PEM = "-----BEGIN CERTIFICATE-----\nWFla\n-----END CERTIFICATE-----\n"
RSA, ED = "git.example.com ssh-rsa AAAA", "git.example.com ssh-ed25519 BBBB"
AIRFLOW = AirflowSettings(
    Repository("platform", HTTPS, credentials=Credentials("ann", "t0ken")),
    Repository("dags", HTTPS),
    kinds=({"group": "", "kind": "ConfigMap"}, {"group": "batch", "kind": "Job"}),
)
GIVEN = Settings(argocd="existing", worker_namespaces=("airflow-core", "airflow-cron"), airflow=AIRFLOW)
CRDS = frozenset({"applications.argoproj.io", "appprojects.argoproj.io"})
MINE = {"server": IN_CLUSTER, "namespaces": "argocd,airflow-core"}
NOTHING = Decision([], False, [], None)


def workload(name: str, image: str = "", component: str = "") -> Obj:
    known = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}
    known |= {"app.kubernetes.io/component": component} if component else {}
    containers = [{"name": "c", "image": image}] if image else []
    return {"metadata": {"name": name, "namespace": "argocd", "labels": known}, "spec": {"template": {"spec": {"containers": containers}}}}


def argocd(image: str = "quay.io/argoproj/argocd:v3.0.23", **more: Any) -> ArgoCD:
    controller = workload("argocd-application-controller", image, "application-controller")
    return ArgoCD(**{"workloads": (controller, workload("argocd-repo-server")), "crds": CRDS, **more})


CONTAINER = "argocd-application-controller"


def controlled(*containers: tuple[str, str]) -> ArgoCD:
    """An Argo CD whose controller has these containers, by name and image."""
    controller = workload(CONTAINER, component="application-controller")
    controller["spec"]["template"]["spec"]["containers"] = [{"name": name, "image": image} for name, image in containers]
    return argocd(workloads=(controller,))


def project(**spec: Any) -> Obj:
    open_spec = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    return {"metadata": {"name": "data"}, "spec": {**open_spec, **spec}}


def with_project(found: Obj | None, clusters: tuple[dict[str, str], ...] = ()) -> tuple[ArgoCD, Settings]:
    return argocd(project=found, clusters=clusters), replace(GIVEN, airflow=replace(AIRFLOW, project="data"))


def with_repository(url: str, known_hosts: str = "", ca: str = "", trust: str = "") -> Settings:
    repository = Repository("platform", url, credentials=Credentials(known_hosts=known_hosts, ca=ca))
    return replace(GIVEN, argocd_trust=trust, airflow=replace(AIRFLOW, platform=repository))


def said(found: ArgoCD | None, given: Settings, decision: Decision = NOTHING) -> list[Any]:
    assert given.airflow
    return list(refusals(found, decision, given, given.airflow))


@pytest.mark.parametrize(
    ("found", "given"),
    [
        (None, GIVEN),
        (argocd(), GIVEN),
        (argocd(image="registry:5000/argocd@sha256:abc"), GIVEN),
        (argocd(image="quay.io/argoproj/argocd:v3.2.1"), GIVEN),
        (argocd(image="registry.example.com/argocd:1.4.2"), GIVEN),
        (argocd(clusters=({**MINE, "namespaces": "airflow-core,airflow-cron"},)), GIVEN),
        with_project(project()),
        with_project({**project(), "metadata": {"name": "data", "labels": marks("beta")}}),
        with_project(project(destinations=[{"name": "hub", "namespace": "*"}]), ({"server": IN_CLUSTER, "name": "hub"},)),
        with_project(project(permitOnlyProjectScopedClusters=True), ({"server": IN_CLUSTER, "project": "data"},)),
        (argocd(known_hosts=f"{RSA}\n# x\n{ED} theirs"), with_repository(SSH, known_hosts=f"{RSA}\n{ED}")),
        (argocd(known_hosts="git.example.com,10.0.0.1 ssh-rsa AAAA"), with_repository(SSH, known_hosts=RSA)),
        (argocd(authorities={"git.example.com": OTHER_PEM + PEM}), with_repository(HTTPS, ca=PEM)),
        # What is not for this URL is not needed.
        (argocd(), with_repository(HTTPS, known_hosts=RSA)),
        (argocd(), with_repository(HTTPS, ca=PEM, trust="manage")),
        # Credentials that are wrong have a refusal of their own.
        (argocd(), with_repository(SSH, known_hosts="wrong")),
    ],
)
def test_an_argo_cd_that_can_be_used(found: ArgoCD | None, given: Settings) -> None:
    assert said(found, given) == []


@pytest.mark.parametrize(
    ("found", "given", "code", "words", "action"),
    [
        (ArgoCD(), GIVEN, "no_argocd", "has no applications.argoproj.io, appprojects.argoproj.io", "set platform_argocd to install"),
        (argocd(crds=frozenset({"applications.argoproj.io"})), GIVEN, "no_argocd", "has no appprojects.argoproj.io", "Install Argo CD"),
        (ArgoCD(crds=CRDS), GIVEN, "no_argocd", "no application controller in the namespace argocd", "Install Argo CD"),
        (ArgoCD(crds=CRDS, elsewhere=("gitops",)), GIVEN, "no_argocd", "no application controller", "platform_argocd_namespace to the"),
        # Without the CRDs another namespace does not help.
        (ArgoCD(elsewhere=("gitops",)), GIVEN, "no_argocd", "has no applications.argoproj.io", "Install Argo CD"),
        (argocd(workloads=(workload("argocd-repo-server"),)), GIVEN, "no_argocd", "no application controller", "Install Argo CD"),
        (argocd("quay.io/argoproj/argocd:v2.14.9"), GIVEN, "argocd_version", "has the version v2.14.9", "upgrade it to 3.0"),
        (
            argocd(settings={"cluster.inClusterEnabled": "false"}),
            GIVEN,
            "argocd_destination",
            "cluster.inClusterEnabled: false",
            "set cluster.inClusterEnabled to true",
        ),
        (argocd(clusters=(MINE,)), GIVEN, "argocd_destination", "may not deploy to airflow-cron", "add airflow-cron to the key namespaces"),
        (*with_project(None), "argocd_project", "argocd has no AppProject of this name", "Correct airflow_app_project"),
        (
            *with_project({**project(sourceRepos=[]), "metadata": {"name": "data", "labels": marks("airflow")}}),
            "argocd_project",
            "the platform made this AppProject itself",
            "Remove airflow_app_project.",
        ),
        (*with_project(project(sourceRepos=[])), "argocd_project", f"the repository {HTTPS} in sourceRepos", f"add {HTTPS} to sourceRepos"),
        (
            *with_project(project(sourceRepos=["*", f"!{HTTPS}"])),
            "argocd_project",
            f"denies the repository {HTTPS}.",
            "to remove the pattern that denies it from sourceRepos",
        ),
        (
            *with_project(project(sourceRepos=["https://git.example.com/*"])),
            "argocd_project",
            "would permit it to all Applications of this AppProject",
            f"add {HTTPS} to sourceRepos",
        ),
        (
            *with_project(project(destinations=[{"server": IN_CLUSTER, "namespace": "airflow-core"}])),
            "argocd_project",
            "does not permit airflow-cron",
            f"destinations with the server {IN_CLUSTER} and the namespaces airflow-cron",
        ),
        (
            *with_project(project(namespaceResourceWhitelist=[{"group": "", "kind": "ConfigMap"}])),
            "argocd_project",
            "does not permit batch/Job",
            "permit batch/Job in namespaceResourceWhitelist",
        ),
        (*with_project(project(signatureKeys=[{"keyID": "A"}])), "argocd_project", "needs signed commits", "remove signatureKeys"),
        (
            *with_project(project(permitOnlyProjectScopedClusters=True), ({"server": IN_CLUSTER, "project": "other"},)),
            "argocd_project",
            "permits only clusters of its own",
            f"add the cluster {IN_CLUSTER}",
        ),
        (
            argocd(known_hosts=RSA),
            with_repository(SSH, known_hosts=f"{RSA}\n{ED}"),
            "argocd_trust",
            "does not trust the server of",
            f"to the key ssh_known_hosts of the ConfigMap argocd-ssh-known-hosts-cm in the namespace argocd:\n{ED}",
        ),
        (
            argocd(authorities={"git.example.com": OTHER_PEM}),
            with_repository(HTTPS, ca=PEM),
            "argocd_trust",
            "platform_argocd_trust is 'check'",
            f"to the key git.example.com of the ConfigMap argocd-tls-certs-cm in the namespace argocd:\n{PEM.strip()}",
        ),
    ],
)
def test_an_argo_cd_that_cannot_be_used(found: ArgoCD, given: Settings, code: str, words: str, action: str) -> None:
    result = said(found, given)
    assert [item.code for item in result] == [code]
    refusal = result[0]
    assert (words in refusal.message, action in refusal.next_action) == (True, True), refusal
    assert refusal.value
    assert refusal.rule


def test_only_what_is_missing_is_asked_for() -> None:
    (refusal,) = said(argocd(known_hosts=RSA), with_repository(SSH, known_hosts=f"{RSA}\n{ED}"))
    assert RSA not in refusal.next_action


def test_the_platforms_own_argo_cd_is_not_an_existing_one() -> None:
    record = Record("gitops", "ours", "airflow", "applied", frozenset())
    result = said(argocd(), GIVEN, replace(NOTHING, record=record))
    assert [item.code for item in result] == ["own_argocd"]
    assert "run destroy.yml with platform_argocd set to install" in result[0].next_action
    assert "installed the Argo CD in gitops itself" in result[0].message


@pytest.mark.parametrize(
    ("owner", "adoption", "mode", "refused"),
    [
        ("ours", False, "existing", True),
        ("older", True, "existing", True),
        # An older platform that may be another one.
        ("older", False, "existing", False),
        ("ours", False, "install", False),
    ],
)
def test_whose_argo_cd_would_stay_without_an_owner(owner: Owner, adoption: bool, mode: str, refused: bool) -> None:
    decision = Decision([], adoption, [], Record("argocd", owner, "", "applied", None))
    assert bool([*own(decision, replace(GIVEN, argocd=mode))]) is refused
    assert [*own(replace(decision, record=None), replace(GIVEN, argocd=mode))] == []


def test_everything_that_an_owner_must_change_is_said_at_once() -> None:
    found, given = with_project(project(sourceRepos=[], destinations=[]), (MINE,))
    assert [item.code for item in said(found, given)] == ["argocd_destination", "argocd_project", "argocd_project"]


@pytest.mark.parametrize(
    ("found", "version", "warned"),
    [
        (argocd(), "v3.0.23", ""),
        (argocd("quay.io/argoproj/argocd:v3.1.0-rc1"), "v3.1.0-rc1", "has the version v3.1.0-rc1"),
        (argocd("quay.io/argoproj/argocd:v4.0.0@sha256:abc"), "v4.0.0", "has the version v4.0.0"),
        (argocd("registry:5000/argocd"), "", "version is unknown"),
        (argocd("registry:5000/argocd:latest"), "", "version is unknown"),
        (argocd("registry:5000/argocd@sha256:abc"), "", "version is unknown"),
        # Images and numbers of others.
        (argocd("registry.example.com/team/argocd-rhel8:v1.16.0"), "", "version is unknown"),
        (argocd("registry.example.com/mirror/our-argocd:v2.1.0"), "", "version is unknown"),
        (argocd("registry.example.com/argocd:1.4.2"), "", "version is unknown"),
        (argocd("registry.example.com/argocd:v2.0.0"), "v2.0.0", ""),
        (controlled(("istio-proxy", "istio/proxyv2:1.20.0"), (CONTAINER, "q/argocd:v3.0.5")), "v3.0.5", ""),
        (controlled((CONTAINER, "q/argocd:latest"), ("sidecar", "q/argocd:v2.8.0")), "", "version is unknown"),
        (controlled(("main", "q/argocd:v3.0.6"), ("sidecar", "q/argocd:v2.8.0")), "v3.0.6", ""),
        (controlled(), "", "version is unknown"),
        # Named as the Helm chart and the operator do it.
        (ArgoCD((workload("shared-application-controller", "q/argocd:v3.0.2"),)), "v3.0.2", ""),
        (ArgoCD(), "", ""),
    ],
)
def test_the_version_and_its_warning(found: ArgoCD, version: str, warned: str) -> None:
    assert found.version == version
    (text, *_none) = [*warnings(found, GIVEN), ""]
    assert (warned in text, bool(text)) == (True, bool(warned))


GLOBAL = {"globalProjects": "- projectName: base\n  labelSelector: {}\n"}


@pytest.mark.parametrize(
    ("settings", "spec", "refused", "warned"),
    [
        ({}, {"sourceRepos": [], "destinations": []}, 2, []),
        ({"globalProjects": "[]\n"}, {"sourceRepos": [], "destinations": []}, 2, []),
        (GLOBAL, {}, 0, []),
        (GLOBAL, {"sourceRepos": [], "destinations": []}, 0, ["add https", "add destinations"]),
        (GLOBAL, {"namespaceResourceWhitelist": []}, 0, ["permit ConfigMap, batch/Job in"]),
        # What a global project permits lifts none of these.
        (GLOBAL, {"sourceRepos": ["*", f"!{HTTPS}"], "signatureKeys": [{"keyID": "A"}]}, 2, []),
        (GLOBAL, {"permitOnlyProjectScopedClusters": True}, 1, []),
    ],
)
def test_a_global_project_may_permit_what_an_appproject_lacks(settings: dict[str, str], spec: Obj, refused: int, warned: list[str]) -> None:
    found, given = with_project(project(**spec))
    found = replace(found, settings=settings)
    texts = [*warnings(found, given)]
    assert len(said(found, given)) == refused
    assert (len(texts), [word for word, text in zip(warned, texts, strict=True) if word not in text]) == (len(warned), [])
    assert all("globalProjects in the ConfigMap argocd-cm" in text for text in texts)
    own = replace(found, project={**project(), "metadata": {"name": "data", "labels": marks("airflow")}})
    assert ([item.next_action for item in said(own, given)], [*warnings(own, given)]) == (["Remove airflow_app_project."], [])


LACKS = project(sourceRepos=[])


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (None, "data"),
        ({**LACKS, "metadata": {"name": "data", "labels": marks("airflow")}}, "data"),
        # Without airflow_app_project the platform makes one of its own.
        (LACKS, ""),
    ],
)
def test_only_an_appproject_of_others_is_measured_by_global_projects(found: Obj | None, name: str) -> None:
    given = replace(GIVEN, airflow=replace(AIRFLOW, project=name))
    assert [*warnings(argocd(project=found, settings=GLOBAL), given)] == []


def test_nothing_is_said_of_an_argo_cd_that_was_not_read() -> None:
    assert [*warnings(None, GIVEN)] == []


def test_the_repository_server_by_its_labels() -> None:
    assert ArgoCD((workload("shared-argocd-repo-server", component="repo-server"),)).repo_server == "shared-argocd-repo-server"
    assert ArgoCD().repo_server == "argocd-repo-server"


class Api:
    """A cluster with an Argo CD in the namespace argocd."""

    def __init__(self, **objects: Obj) -> None:
        self.paths, self.objects = list[str](), objects

    def get(self, path: str) -> Obj:
        self.paths.append(path)
        try:
            return self.objects[path.rsplit("/", 1)[1]]
        except KeyError:
            raise ApiError(404, "not found") from None

    def items(self, path: str, query: Obj, *, whole: bool) -> list[Obj]:
        self.paths.append(f"{path}?{query['labelSelector']}")
        assert whole
        secret = {"server": IN_CLUSTER, "name": "hub", "namespaces": "argocd", "config": "t0ken"}
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in secret.items()}
        return {
            "statefulsets": [workload("argocd-application-controller", "q/argocd:v3.0.23")],
            "secrets": [{"data": encoded}],
        }.get(path.rsplit("/", 1)[1], [])


def seen(kind: str, namespace: str, name: str) -> Found:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}
    return Found(Ref(kind, namespace, name), {"name": name, "labels": labels})


@pytest.mark.parametrize(
    ("mode", "found", "name"),
    [
        ("existing", [seen("Deployment", "argocd", "shared-argocd-repo-server")], "shared-argocd-repo-server"),
        ("existing", [seen("Deployment", "gitops", "other-repo-server"), seen("Deployment", "argocd", "a-repo-server")], "a-repo-server"),
        ("existing", [seen("StatefulSet", "argocd", "a-repo-server"), seen("Deployment", "argocd", "argocd-server")], "argocd-repo-server"),
        ("existing", [], "argocd-repo-server"),
        ("install", [seen("Deployment", "argocd", "a-repo-server")], None),
    ],
)
def test_what_a_removal_needs_of_an_argo_cd_of_others(mode: str, found: list[Found], name: str | None) -> None:
    result = for_removal(replace(GIVEN, argocd=mode), Sight(argocd=found))
    assert (result.repo_server if result else None) == name


def test_what_is_read() -> None:
    found = [seen("CustomResourceDefinition", "", name) for name in sorted(CRDS)]
    found += [seen("StatefulSet", place, "argocd-application-controller") for place in ("argocd", "gitops")]
    found += [seen("ClusterRole", "", "argocd-application-controller")]
    sight = Sight(namespaces=[{"name": "argocd"}], argocd=found)
    api = Api(**{"argocd-cm": {"data": {"url": "x"}}, "argocd-ssh-known-hosts-cm": {"data": {"ssh_known_hosts": RSA}}})
    result = read(cast(KubeApi, api), GIVEN, sight, None)
    assert result
    assert (result.version, result.crds, result.elsewhere, result.known_hosts) == ("v3.0.23", CRDS, ("gitops",), RSA)
    assert (result.settings, result.authorities) == ({"url": "x"}, {})
    # Not the credentials.
    assert result.clusters == ({"server": IN_CLUSTER, "name": "hub", "namespaces": "argocd"},)
    assert {path.split("/namespaces/")[1].split("/")[0] for path in api.paths} == {"argocd"}
    # A namespace that does not exist is not asked.
    api.paths.clear()
    elsewhere = read(cast(KubeApi, api), replace(GIVEN, argocd_namespace="other"), sight, None)
    assert elsewhere
    assert (elsewhere.workloads, elsewhere.elsewhere, api.paths) == ((), ("argocd", "gitops"), [])


@pytest.mark.parametrize("given", [replace(GIVEN, argocd="install"), replace(GIVEN, airflow=None)])
def test_nothing_is_read_without_need(given: Settings) -> None:
    api = Api()
    assert read(cast(KubeApi, api), given, Sight(namespaces=[{"name": "argocd"}]), None) is None
    assert api.paths == []
