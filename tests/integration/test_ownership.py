# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look at a cluster's owners, and deleting and marking by owner, on a real API server (H1, H2, H7)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.default_project import OPEN
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import location
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.integration.conftest import serve
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

Obj = dict[str, Any]
OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
MARKS = {**OLDER, "gitops-airflow/platform": "airflow"}
BETA = {**OLDER, "gitops-airflow/platform": "beta"}
MADE = {"gitops-airflow/made": "true"}
REPO, PATH = "https://git.example/platform.git", "platform/airflow/core"
CLUSTER_WIDE = ("CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Namespace")
CRDS = ("applications", "applicationsets", "appprojects")


def obj(kind: str, namespace: str, name: str, labels: dict[str, str] | None = None, version: str = "v1", **more: Any) -> Obj:
    metadata = {"name": name, "labels": labels or {}, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def argo(kind: str, namespace: str, name: str, labels: dict[str, str] | None = None, **spec: Any) -> Obj:
    return obj(kind, namespace, name, labels, "argoproj.io/v1alpha1", spec=spec)


def application(name: str, labels: dict[str, str], namespace: str = "argocd", repo: str = REPO) -> Obj:
    destination = {"server": "https://kubernetes.default.svc", "namespace": "airflow-core"}
    source = {"repoURL": repo, "path": PATH, "targetRevision": "main"}
    return argo("Application", namespace, name, labels, project="default", source=source, destination=destination)


def project(name: str, labels: dict[str, str] | None = None, namespace: str = "argocd") -> Obj:
    return argo("AppProject", namespace, name, labels, **OPEN)


def path_of(item: Obj) -> str:
    metadata = item["metadata"]
    return location(Ref(item["kind"], metadata.get("namespace", ""), metadata["name"], item["apiVersion"]))


class Cluster:
    """Objects that a test makes, and that go with it."""

    def __init__(self, server: ApiServer) -> None:
        self.server, self._made = server, list[str]()

    def apply(self, *items: Obj, by: str = "gitops.airflow") -> None:
        for item in items:
            path = path_of(item)
            self.server.request("PATCH", f"{path}?fieldManager={by}&force=true", json.dumps(item), "application/apply-patch+yaml")
            self._made.append(path)

    def get(self, item: Obj) -> Obj | None:
        try:
            return self.server.request("GET", path_of(item))
        except RuntimeError:
            return None

    def argocd(self, namespace: str, by: str, whole: bool = False) -> list[Obj]:
        """An Argo CD from its manifest: all of it, or of each namespaced kind one object."""
        items = [item for item in yaml.load_all(lab_file("argocd-install.yaml").read_text(), yaml.CSafeLoader) if item]
        if not whole:
            first = {item["kind"]: item["metadata"]["name"] for item in reversed(items)}
            items = [item for item in items if item["kind"] in CLUSTER_WIDE or item["metadata"]["name"] == first[item["kind"]]]
        for item in items:
            if item["kind"] not in CLUSTER_WIDE:
                item["metadata"]["namespace"] = namespace
        self.apply(*items, by=by)
        deadline = time.monotonic() + 30
        for plural in CRDS:
            while self.server._send("GET", f"/apis/argoproj.io/v1alpha1/{plural}?limit=1")[0] != 200:
                assert time.monotonic() < deadline, f"{plural} are not served"
                time.sleep(0.05)
        return items

    def record(self, items: list[Obj], labels: dict[str, str], **data: str) -> None:
        refs = [
            {"kind": item["kind"], "namespace": item["metadata"].get("namespace", ""), "name": item["metadata"]["name"]} for item in items
        ]
        refs = [{**ref, "api_version": item["apiVersion"]} for ref, item in zip(refs, items, strict=True)]
        listed = {"objects": json.dumps(refs)} if data.get("state") else {}
        self.apply(obj("ConfigMap", "argocd", "argocd-installed", labels, data={"digest": "x", **listed, **data}))

    def clean(self) -> None:
        for path in reversed(self._made):
            status, _answer = self.server._send("DELETE", path, "{}")
            assert status in (200, 202, 404), (path, status)
            if path.startswith("/api/v1/namespaces/") and path.count("/") == 4 and status != 404:
                name = path.rsplit("/", 1)[1]
                body = obj("Namespace", "", name, spec={"finalizers": []})
                self.server._send("PUT", f"{path}/finalize", json.dumps(body))
        for path in self._made:
            if "/customresourcedefinitions/" in path:  # the next test must not find it
                wait_until_gone(self.server, path)
        self._made.clear()


@pytest.fixture(scope="module")
def owned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server of its own, for what stands anywhere in a cluster counts. Without CRDs at first."""
    for server in serve(tmp_path_factory.mktemp("owned")):
        server.request("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io", {})
        wait_without_crds(server)
        # An administrator whose requests are audited.
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}]
        version = "rbac.authorization.k8s.io/v1"
        server.create(obj("ClusterRoleBinding", "", "reader-admin", version=version, roleRef=reference, subjects=subjects))
        yield server


@pytest.fixture
def cluster(owned: ApiServer) -> Iterator[Cluster]:
    found = Cluster(owned)
    yield found
    found.clean()
    wait_without_crds(owned)


def wait_without_crds(server: ApiServer) -> None:
    for plural in CRDS:
        wait_until_gone(server, f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.argoproj.io")


def wait_until_gone(server: ApiServer, crd: str) -> None:
    """The API server deletes a CRD after its answer."""
    deadline = time.monotonic() + HANG_SECONDS
    while server._send("GET", crd)[0] != 404:
        assert time.monotonic() < deadline, f"{crd} is not gone"
        time.sleep(0.05)


def look(cluster: Cluster, **options: Any) -> Obj:
    given: Obj = {"platform": "airflow", "namespaces": ["airflow-core", "airflow-cron", "airflow-user"], "git_namespace": "git"}
    given |= {"repo": REPO, "path": PATH, **options}
    return Module("platform_ownership_info", cluster.server.kubeconfig("reader"), **given).result()


def codes(result: Obj) -> list[str]:
    assert "refusals" in result, result
    return [item["code"] for item in result["refusals"]]


def remove(cluster: Cluster, *refs: tuple[str, str, str], check: bool = False, **options: Any) -> Obj:
    objects = [{"kind": kind, "namespace": namespace, "name": name} for kind, namespace, name in refs]
    given: Obj = {"state": "absent", "platform": "airflow", "application": "airflow-core", "argocd_namespace": "argocd", "timeout": 20}
    given["objects"] = objects
    return Module("platform_objects", cluster.server.kubeconfig("reader"), check=check, **{**given, **options}).result()


def uninstall(cluster: Cluster, check: bool = False) -> Obj:
    """Removes the Argo CD that the record names."""
    given: Obj = {"state": "absent", "platform": "airflow", "manifest": str(lab_file("argocd-install.yaml")), "timeout": 20}
    return Module("argocd_install", cluster.server.kubeconfig("reader"), check=check, **given).result()


def kept(result: Obj) -> dict[str, str]:
    assert "kept" in result, result
    return {f"{item['kind']} {item['name']}": item["reason"] for item in result["kept"]}


def names(items: list[Obj]) -> list[str]:
    return [f"{item['kind']} {item['name']}" for item in items]


def test_a_clean_cluster_is_taken_and_nothing_is_written(cluster: Cluster) -> None:
    before = len(cluster.server.audited("reader"))
    result = look(cluster)
    assert (codes(result), result["adoption"], result["unmarked"], result["in_use"]) == ([], False, [], False), result["refusals"]
    uid = cluster.server.request("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert result["cluster"] == uid
    assert result["elapsed"] < 5
    seen = cluster.server.audited("reader")[before:]
    assert {request["verb"] for request in seen} == {"get", "list"}
    assert len(seen) < 90


def test_a_cluster_that_does_not_answer(cluster: Cluster) -> None:
    path = cluster.server.kubeconfig("admin", port=1)
    given: Obj = {"platform": "airflow", "absent_ok": True}
    assert Module("platform_ownership_info", path, **given).result()["reachable"] is False
    assert Module("platform_ownership_info", path, **{**given, "absent_ok": False}).result()["failed"]


def test_one_who_may_not_look_is_refused_with_the_right(cluster: Cluster) -> None:
    result = Module("platform_ownership_info", cluster.server.kubeconfig("stranger"), platform="airflow", absent_ok=True).result()
    assert result["failed"]
    assert "Not permitted to list" in result["msg"]


def test_h2_a_foreign_argocd_anywhere_is_refused(cluster: Cluster) -> None:
    cluster.apply(obj("Namespace", "", "team-argo"), by="kubectl")
    items = cluster.argocd("team-argo", by="kubectl")
    result = look(cluster)
    assert codes(result) == ["foreign_argocd"]
    for part in ("CustomResourceDefinition applications.argoproj.io", "Deployment team-argo/argocd-applicationset-controller", "more"):
        assert part in result["text"]
    # A record of this platform that does not cover them changes nothing.
    cluster.record([], MARKS, state="applied")
    assert codes(look(cluster)) == ["foreign_argocd"]
    # Nor does the removal delete them, whatever it is given.
    refs = [(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in items]
    result = remove(cluster, *refs)
    assert result["removed"] == []
    assert len(result["kept"]) == len(items)
    removed = uninstall(cluster)
    assert names(removed["removed"]) == ["ConfigMap argocd-installed"]
    assert all(cluster.get(item) for item in items)


def test_h2_remains_of_a_foreign_argocd_are_refused(cluster: Cluster) -> None:
    binding = obj(
        "ClusterRoleBinding",
        "",
        "argocd-server",
        version="rbac.authorization.k8s.io/v1",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "argocd-server"},
    )
    cluster.apply(binding, by="helm")
    assert codes(look(cluster)) == ["foreign_argocd"]


@pytest.mark.parametrize("state", ["applying", "applied"])
def test_our_own_argocd_is_known_by_its_record(cluster: Cluster, state: str) -> None:
    cluster.record(cluster.argocd("argocd", by="gitops.airflow"), MARKS, state=state)
    assert codes(look(cluster)) == []


def test_h1_our_argocd_goes_whole(cluster: Cluster) -> None:
    items = cluster.argocd("argocd", by="gitops.airflow", whole=True)
    cluster.record(items, MARKS, state="applied")
    cluster.apply(project("default"), by="argocd-server")
    cluster.apply(obj("Secret", "argocd", "argocd-initial-admin-secret"), by="argocd-server")
    dry = uninstall(cluster, check=True)
    assert all(cluster.get(item) for item in items)
    result = uninstall(cluster)
    assert (result["kept"], result["removed"], result["changed"]) == ([], dry["removed"], True)
    assert len(result["removed"]) == len(items) + 2
    assert result["removed"][-1]["name"] == "argocd-installed"
    assert [item for item in items if cluster.get(item)] == []
    assert uninstall(cluster)["changed"] is False


def test_h1_our_argocd_stays_whole_while_others_have_applications(cluster: Cluster) -> None:
    """Without it nothing would deploy them (ADR 25)."""
    items = cluster.argocd("argocd", by="gitops.airflow")
    cluster.record(items, MARKS, state="applied")
    theirs = [application("theirs", {}, "airflow-user"), application("beta-core", BETA), project("airflow")]
    cluster.apply(application("airflow-core", MARKS))
    cluster.apply(*theirs, by="kubectl")
    result = remove(cluster, ("AppProject", "argocd", "airflow"), ("Application", "airflow-user", "theirs"))
    assert result["removed"] == []
    for check in (True, False):
        result = uninstall(cluster, check=check)
        assert (result["changed"], result["removed"], result["kept"]) == (False, [], [])
        assert result["in_use"] in result["warnings"]
        assert "it deploys Application airflow-user/theirs, Application argocd/beta-core." in result["in_use"]
    assert all(cluster.get(item) for item in (*items, *theirs))


def test_h1_crds_stay_while_others_use_them(cluster: Cluster) -> None:
    items = cluster.argocd("argocd", by="gitops.airflow")
    cluster.record(items, MARKS, state="applied")
    theirs = [project("airflow")]
    cluster.apply(*theirs, by="kubectl")
    result = uninstall(cluster)
    assert (result["in_use"], set(kept(result))) == ("", {f"CustomResourceDefinition {plural}.argoproj.io" for plural in CRDS})
    assert "AppProject argocd/airflow" in result["kept"][0]["reason"]
    left = [item for item in items if cluster.get(item)]
    assert {item["kind"] for item in left} == {"CustomResourceDefinition"}
    assert all(cluster.get(item) for item in theirs)


def test_h1_a_cluster_role_that_others_use_stays(cluster: Cluster) -> None:
    items = cluster.argocd("argocd", by="gitops.airflow")
    cluster.record(items, MARKS, state="applied")
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "argocd-server"}
    cluster.apply(obj("RoleBinding", "airflow-user", "theirs", version="rbac.authorization.k8s.io/v1", roleRef=reference), by="kubectl")
    result = uninstall(cluster)
    assert kept(result) == {"ClusterRole argocd-server": "it is used by RoleBinding airflow-user/theirs"}


def test_h1_what_another_made_anew_under_a_recorded_name_stays(cluster: Cluster) -> None:
    account = obj("ServiceAccount", "argocd", "argocd-server", {"app.kubernetes.io/part-of": "argocd"})
    cluster.apply(account, by="kubectl")
    cluster.record([account], MARKS, state="applied")
    result = uninstall(cluster)
    assert list(kept(result)) == ["ServiceAccount argocd-server"]
    assert [text.partition(":")[0] for text in result["warnings"]] == ["ServiceAccount argocd/argocd-server stays"]
    assert cluster.get(account)


def test_h7_a_second_platform_with_the_same_names_is_refused(cluster: Cluster) -> None:
    cluster.apply(obj("Secret", "airflow-cron", "git-credentials", BETA))
    result = look(cluster)
    assert codes(result) == ["other_platform"]
    assert "the platform 'beta', which uses the same names: Secret airflow-cron/git-credentials" in result["text"]
    assert kept(remove(cluster, ("Secret", "airflow-cron", "git-credentials"))) == {"Secret git-credentials": "it belongs to platform beta"}


def test_h7_a_second_platform_with_other_names_is_left_alone(cluster: Cluster) -> None:
    cluster.apply(obj("Namespace", "", "beta-core", {**BETA, **MADE}), obj("Secret", "beta-core", "git-credentials", BETA))
    assert codes(look(cluster)) == []
    refs = (("Namespace", "", "beta-core"), ("Secret", "beta-core", "git-credentials"))
    assert kept(remove(cluster, *refs, adopt=True)) == dict.fromkeys(
        ("Namespace beta-core", "Secret git-credentials"), "it belongs to platform beta"
    )
    assert codes(look(cluster, platform="beta")) == []


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (obj("Secret", "airflow-cron", "dags-git-basic"), "Secret airflow-cron/dags-git-basic"),
        (obj("ConfigMap", "airflow-core", "airflow-verification"), "ConfigMap airflow-core/airflow-verification"),
        (obj("ServiceAccount", "airflow-user", "airflow-worker"), "ServiceAccount airflow-user/airflow-worker"),
    ],
)
def test_h1_objects_of_others_under_our_names_are_refused(cluster: Cluster, item: Obj, shown: str) -> None:
    cluster.apply(item, by="kubectl")
    result = look(cluster)
    assert codes(result) == ["foreign_object"]
    assert shown in result["text"]
    assert cluster.get(item)


def older(cluster: Cluster, repo: str = REPO) -> list[Obj]:
    """A platform as commit 1e64bd2 made it."""
    cluster.apply(obj("Namespace", "", "git", {**OLDER, **MADE}))
    cluster.record(cluster.argocd("argocd", by="gitops.airflow"), OLDER)
    made = [
        obj("Secret", "airflow-core", "airflow-generated", OLDER, immutable=True, data={"fernet-key": "eA=="}),
        obj("Secret", "git", "git-credentials", OLDER, data={"username": "eA=="}),
        obj("ServiceAccount", "kube-system", "metrics-server", {**OLDER, **MADE}),
        application("airflow-core", OLDER, repo=repo),
        project("airflow", OLDER),
    ]
    cluster.apply(*made)
    cluster.apply(project("default"), by="argocd-server")
    return made


def test_an_older_platform_is_adopted(cluster: Cluster) -> None:
    made = older(cluster)
    before = {path_of(item): cluster.get(item) for item in made}
    result = look(cluster)
    assert (codes(result), result["adoption"], result["in_use"]) == ([], True, True)
    assert sorted(names(result["unmarked"])) == sorted(
        ["Namespace git", "ConfigMap argocd-installed", *(f"{item['kind']} {item['metadata']['name']}" for item in made)]
    )
    dry = remove(cluster, state="marked", objects=result["unmarked"], check=True)
    assert len(dry["marked"]) == len(result["unmarked"])
    assert look(cluster)["adoption"]
    marked = remove(cluster, state="marked", objects=result["unmarked"])
    assert (marked["marked"], marked["kept"], marked["changed"]) == (dry["marked"], [], True)
    for item in made:
        now = cluster.get(item)
        then = before[path_of(item)]
        assert now is not None
        assert then is not None
        assert now["metadata"]["labels"].items() >= MARKS.items()
        assert {key: now.get(key) for key in ("data", "spec", "immutable")} == {key: then.get(key) for key in ("data", "spec", "immutable")}
    result = look(cluster)
    assert (codes(result), result["adoption"], result["unmarked"]) == ([], False, [])
    assert remove(cluster, state="marked", objects=marked["marked"])["changed"] is False


def test_the_generated_secret_gets_its_labels_back(cluster: Cluster) -> None:
    cluster.argocd("argocd", by="gitops.airflow")
    cluster.record([], MARKS)
    secret = obj("Secret", "airflow-core", "airflow-generated", immutable=True, data={"fernet-key": "eA=="})
    cluster.apply(application("airflow-core", MARKS), secret)
    result = look(cluster)
    assert (codes(result), names(result["unmarked"])) == ([], ["Secret airflow-generated"])
    remove(cluster, state="marked", objects=result["unmarked"])
    now = cluster.get(secret)
    assert now is not None
    assert (now["metadata"]["labels"], now["data"]) == (MARKS, secret["data"])


def test_an_older_platform_of_another_repository_is_not_adopted(cluster: Cluster) -> None:
    older(cluster, repo="https://git.example/another.git")
    result = look(cluster)
    assert "older_platform" in codes(result)
    assert result["unmarked"] == []
    assert "https://git.example/another.git" in result["text"]


def test_an_older_platform_is_not_adopted_while_tasks_run(cluster: Cluster) -> None:
    older(cluster)
    container = {"name": "base", "image": "x"}
    cluster.apply(obj("Pod", "airflow-cron", "worker-1", {"kubernetes_executor": "True"}, spec={"containers": [container]}))
    result = look(cluster)
    assert codes(result) == ["tasks_run"]
    assert "airflow-cron/worker-1" in result["text"]


def test_h1_namespaces_go_only_if_made_here_and_used_by_nobody_else(cluster: Cluster) -> None:
    for name in ("made-empty", "made-used"):
        cluster.apply(obj("Namespace", "", name, {**MARKS, **MADE}), obj("Secret", name, "ours", MARKS))
    cluster.apply(obj("Secret", "made-used", "theirs"), by="kubectl")
    refs = [("Namespace", "", name) for name in ("made-empty", "made-used", "airflow-user", "nowhere")]
    result = remove(cluster, *refs, check=True)
    assert names(result["removed"]) == ["Namespace made-empty"]
    assert kept(result) == {
        "Namespace made-used": "it holds objects that are not this platform's: Secret made-used/theirs",
        "Namespace airflow-user": "it existed before the platform (it has no label gitops-airflow/made)",
    }
    assert "Namespace made-used stays: it holds objects" in result["text"]
    assert result["warnings"] == result["text"].splitlines()
    kept_only = remove(cluster, ("Namespace", "", "airflow-user"), check=True, report_kept="if_removed")
    assert (list(kept(kept_only)), kept_only["warnings"]) == (["Namespace airflow-user"], [])


def test_a_deletion_that_does_not_end_is_a_failure(cluster: Cluster) -> None:
    held = obj("ConfigMap", "airflow-core", "held", MARKS)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.apply(held)
    result = remove(cluster, ("ConfigMap", "airflow-core", "held"), timeout=1)
    assert result["failed"]
    assert "ConfigMap airflow-core/held still there 1 s after" in result["msg"]
    cluster.server.request("PATCH", path_of(held), {"metadata": {"finalizers": None}}, "application/merge-patch+json")
