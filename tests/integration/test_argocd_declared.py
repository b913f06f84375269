# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared AppProjects, Applications and repositories on a real API server, with Argo CD's own CRDs, ConfigMaps and repository server."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.integration.conftest import serve
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.objects import NEW, status

Obj = dict[str, Any]
OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
MARKS = {**OLDER, "gitops-airflow/platform": "airflow"}
BETA = {**OLDER, "gitops-airflow/platform": "beta"}
ARGO = "/apis/argoproj.io/v1alpha1/namespaces/argocd"
PROJECT, APPLICATION = f"{ARGO}/appprojects/airflow", f"{ARGO}/applications/airflow-core"
CORE = "/api/v1/namespaces/argocd"
SECRET, TLS, HOSTS = f"{CORE}/secrets/repository", f"{CORE}/configmaps/argocd-tls-certs-cm", f"{CORE}/configmaps/argocd-ssh-known-hosts-cm"
SERVER = "/apis/apps/v1/namespaces/argocd/deployments/argocd-repo-server"
TRUST = "gitops-airflow/trust"
KEY = "git.example.com ssh-ed25519 AAAAC3Nza"
MARKED = f"{KEY} gitops-airflow/platform=airflow"
PEM = "-----BEGIN CERTIFICATE-----\nQUJDREVG\n-----END CERTIFICATE-----\n"
OTHER_PEM = "-----BEGIN CERTIFICATE-----\nWFlaWFla\n-----END CERTIFICATE-----\n"
SSH: dict[str, Any] = {"repo": "ssh://git@git.example.com/team/platform.git", "credentials": {"known_hosts": KEY}}
HTTPS = {"repo": "https://git.example.com/team/platform.git", "credentials": {"ca": PEM}}


class Cluster:
    """Argo CD's objects, and the modules that change them."""

    def __init__(self, server: ApiServer, argocd: list[Obj]) -> None:
        self.server, self._argocd = server, argocd
        self.known_hosts = next(
            item["data"]["ssh_known_hosts"] for item in argocd if item["metadata"]["name"] == "argocd-ssh-known-hosts-cm"
        )

    def apply(self, path: str, item: Obj, by: str = "gitops.airflow") -> Obj:
        return self.server.request("PATCH", f"{path}?fieldManager={by}&force=true", json.dumps(item), "application/apply-patch+yaml")

    def merge(self, path: str, change: Obj) -> Obj:
        return self.server.request("PATCH", path, change, "application/merge-patch+json")

    def get(self, path: str) -> Obj | None:
        code, answer = self.server._send("GET", path)
        return None if code == 404 else json.loads(answer)

    def found(self, path: str) -> Obj:
        item = self.get(path)
        assert item is not None, path
        return item

    def data(self, path: str) -> dict[str, str]:
        return self.found(path).get("data") or {}

    def reset(self) -> None:
        for path in (APPLICATION, PROJECT, SECRET):
            if self.get(path):
                self.merge(path, {"metadata": {"finalizers": None}})
                self.server._send("DELETE", path, "{}")
        for path in (TLS, HOSTS, SERVER):
            self.server._send("DELETE", path, "{}")
        for item in self._argocd:
            self.server.create(item)

    def start(self, module: str, **options: Any) -> Module:
        given: Obj = {"platform": "airflow", "_ansible_diff": True, **options}
        return Module(module, self.server.kubeconfig("reader"), **given)

    def run(self, module: str, **options: Any) -> Obj:
        return self.start(module, **options).result()

    def repository(self, **options: Any) -> Obj:
        return self.run("argocd_repository", **{"name": "repository", "project": "airflow", "wait": False, **options})

    def project(self, **options: Any) -> Obj:
        return self.run("argocd_project", **{"name": "airflow", **options})

    def application(self, **options: Any) -> Obj:
        source = {"repo": "https://git.example/platform.git", "path": "platform/airflow/core", "target_revision": "main"}
        return self.run("argocd_application", **{"name": "airflow-core", "destination_namespace": "airflow-core", **source, **options})


@pytest.fixture(scope="module")
def argocd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    items = [item for item in yaml.load_all(lab_file("argocd-install.yaml").read_text(), yaml.CSafeLoader) if item]
    names = ("argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm", "argocd-repo-server")
    own = [item for item in items if item["kind"] in ("ConfigMap", "Deployment") and item["metadata"]["name"] in names]
    for item in own:
        item["metadata"]["namespace"] = "argocd"
    (crd,) = [item for item in items if item["metadata"]["name"] == "appprojects.argoproj.io"]
    for server in serve(tmp_path_factory.mktemp("declared")):
        server.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}]
        metadata = {"name": "reader-admin"}
        version = "rbac.authorization.k8s.io/v1"
        server.create(
            {"apiVersion": version, "kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": reference, "subjects": subjects}
        )
        deadline = time.monotonic() + 30
        while server._send("GET", "/apis/argoproj.io/v1alpha1/appprojects?limit=1")[0] != 200:
            assert time.monotonic() < deadline, "AppProjects are not served"
            time.sleep(0.05)
        yield Cluster(server, own)


@pytest.fixture
def cluster(argocd: Cluster) -> Cluster:
    argocd.reset()
    return argocd


def argo(kind: str, name: str, labels: dict[str, str], **spec: Any) -> Obj:
    metadata = {"name": name, "namespace": "argocd", "labels": labels}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def place(namespace: str) -> Obj:
    return {"namespace": namespace, "server": "https://kubernetes.default.svc"}


# Projects


def test_a_project_is_made_widened_and_narrowed(cluster: Cluster) -> None:
    first = {"repositories": ["https://a"], "namespaces": ["core", "user"], "namespace_kinds": [{"kind": "Service"}]}
    dry = cluster.project(**first, check=True)
    assert (dry["changed"], cluster.get(PROJECT)) == (True, None)
    made = cluster.project(**first)
    assert (made["changed"], made["before"]["namespaces"], made["kept"]) == (True, [], False)
    assert made["diff"]["before"] == {}
    assert made["diff"]["after"]["spec"]["destinations"] == [place("core"), place("user")]
    again = cluster.project(**first)
    assert (again["changed"], again["before"]["repositories"], again["dropped"]["namespaces"]) == (False, ["https://a"], [])

    second = {"repositories": ["https://b"], "namespaces": ["core", "batch"], "namespace_kinds": [{"group": "batch", "kind": "Job"}]}
    for check in (True, False):
        wide = cluster.project(**second, keep_present=True, check=check)
        assert (wide["changed"], wide["kept"]) == (True, True)
        assert (wide["dropped"]["repositories"], wide["dropped"]["namespaces"]) == (["https://a"], ["user"])
    spec = cluster.found(PROJECT)["spec"]
    assert spec["sourceRepos"] == ["https://b", "https://a"]
    assert spec["destinations"] == [place("core"), place("batch"), place("user")]
    assert [item["kind"] for item in spec["namespaceResourceWhitelist"]] == ["Job", "Service"]
    assert not cluster.project(**second, keep_present=True)["changed"]
    narrow = cluster.project(**second)
    assert (narrow["changed"], narrow["kept"], narrow["dropped"]["namespaces"]) == (True, False, ["user"])
    assert cluster.found(PROJECT)["spec"]["destinations"] == [place("core"), place("batch")]
    gone = cluster.project(state="absent")
    assert (gone["changed"], gone["reason"], cluster.get(PROJECT)) == (True, "", None)
    assert not cluster.project(state="absent")["changed"]


@pytest.mark.parametrize(("labels", "code"), [({}, "foreign_object"), (BETA, "other_platform"), (OLDER, "older_object")])
def test_a_project_of_others_stays(cluster: Cluster, labels: dict[str, str], code: str) -> None:
    cluster.apply(PROJECT, argo("AppProject", "airflow", dict(labels), sourceRepos=["*"]), by="kubectl")
    before = cluster.found(PROJECT)
    for check in (True, False):
        refused = cluster.project(repositories=["https://a"], keep_present=True, check=check)
        assert (refused["failed"], refused["code"]) == (True, code)
        assert refused["next_action"]
        assert "AppProject argocd/airflow exists" in refused["msg"]
    left = cluster.project(state="absent")
    assert (left["changed"], left["before"]["repositories"]) == (False, [])
    assert "AppProject argocd/airflow stays" in left["reason"]
    assert cluster.found(PROJECT) == before


def test_an_older_project_is_adopted_and_what_others_set_stays(cluster: Cluster) -> None:
    cluster.apply(PROJECT, argo("AppProject", "airflow", OLDER, sourceRepos=["https://a"], destinations=[place("core")]))
    windows = [{"kind": "deny", "schedule": "0 0 * * *", "duration": "1h", "applications": ["*"]}]
    cluster.merge(PROJECT, {"spec": {"syncWindows": windows}, "metadata": {"annotations": {TRUST: "ssh"}}})
    done = cluster.project(repositories=["https://a"], namespaces=["core"], adopt=True)
    assert (done["changed"], done["before"]["namespaces"]) == (True, ["core"])
    found = cluster.found(PROJECT)
    assert (found["metadata"]["labels"], found["metadata"]["annotations"]) == (MARKS, {TRUST: "ssh"})
    assert found["spec"]["syncWindows"] == windows


def test_no_change_of_another_writer_of_the_project_is_lost(cluster: Cluster) -> None:
    """Another platform run allows namespaces one by one, both with keep_present: all of them stay allowed."""
    cluster.project(namespaces=["core"])
    runs = [cluster.start("argocd_project", name="airflow", namespaces=[f"n{number}"], keep_present=True) for number in range(4)]
    assert [run.result().get("msg") for run in runs] == [None] * 4
    namespaces = {item["namespace"] for item in cluster.found(PROJECT)["spec"]["destinations"]}
    assert namespaces == {"core", "n0", "n1", "n2", "n3"}


def test_without_argo_cd_the_cause_is_named(cluster: Cluster) -> None:
    for run in (cluster.project, cluster.application, lambda **given: cluster.repository(**HTTPS, **given)):
        assert run(namespace="nowhere", check=True)["changed"]
        refused = run(namespace="nowhere")
        assert (refused["failed"], refused["code"]) == (True, "no_argocd")
        assert "Install Argo CD in nowhere" in refused["next_action"]
    for run in (cluster.project, cluster.application, cluster.repository):
        assert not run(namespace="nowhere", state="absent")["changed"]


# Applications


def test_an_application_is_declared_and_deleted(cluster: Cluster) -> None:
    assert cluster.application(check=True)["changed"]
    assert cluster.get(APPLICATION) is None
    made = cluster.application(project="airflow")
    assert made["changed"]
    assert "applications" not in made
    assert not cluster.application(project="airflow")["changed"]
    cluster.merge(APPLICATION, {"status": status(NEW), "spec": {"ignoreDifferences": [{"kind": "Secret", "jsonPointers": ["/data"]}]}})
    cluster.merge(APPLICATION, {"spec": {"source": {"targetRevision": "theirs"}}})
    mended = cluster.application(project="airflow")
    assert mended["changed"]
    spec = cluster.found(APPLICATION)["spec"]
    assert spec["source"]["targetRevision"] == "main"
    assert "ignoreDifferences" in spec
    changed = cluster.application(project="airflow", automated=False, retry={"limit": 0})
    assert "syncPolicy" not in cluster.found(APPLICATION)["spec"]
    assert "syncPolicy" in changed["diff"]["before"]["spec"]

    assert cluster.application(state="absent", check=True)["changed"]
    held = cluster.application(state="absent", timeout=1)
    assert (held["failed"], held["code"]) == (True, "not_deleted")
    assert "resources-finalizer.argocd.argoproj.io" in held["msg"]
    refused = cluster.application(project="airflow")
    assert (refused["failed"], refused["code"]) == (True, "being_deleted")
    cluster.merge(APPLICATION, {"metadata": {"finalizers": None}})
    assert cluster.application()["changed"]
    with cluster.start("argocd_application", name="airflow-core", state="absent") as run:
        run.until(lambda: cluster.found(APPLICATION)["metadata"].get("deletionTimestamp"))
        time.sleep(0.5)
        assert run.running()
        cluster.merge(APPLICATION, {"metadata": {"finalizers": None}})
        assert run.result()["changed"]
    assert not cluster.application(state="absent")["changed"]


def test_an_application_of_others_stays(cluster: Cluster) -> None:
    spec = {"project": "default", "source": {"repoURL": "x", "path": "y"}, "destination": place("z")}
    cluster.apply(APPLICATION, argo("Application", "airflow-core", BETA, **spec), by="kubectl")
    before = cluster.found(APPLICATION)
    assert cluster.application(wait=True)["code"] == "other_platform"
    assert "belongs to platform beta" in cluster.application(state="absent")["reason"]
    assert cluster.found(APPLICATION) == before


def test_an_application_is_declared_and_waited_for_in_one_process(cluster: Cluster) -> None:
    options: Obj = {"name": "airflow-core", "destination_namespace": "airflow-core", "target_revision": "main"}
    options |= {"repo": "https://git.example/platform.git", "path": "platform/airflow/core", "wait": True, "revision": NEW, "timeout": 30}
    with cluster.start("argocd_application", refresh="normal", **options) as run:
        run.until(lambda: "argocd.argoproj.io/refresh" in ((cluster.get(APPLICATION) or {}).get("metadata", {}).get("annotations") or {}))
        cluster.merge(APPLICATION, {"metadata": {"annotations": {"argocd.argoproj.io/refresh": None}}, "status": status(NEW)})
        done = run.result()
    assert (done["changed"], done["done"]) == (True, True)
    (state,) = done["applications"]
    assert (state["name"], state["revision"], state["verdict"], state["overtaken"]) == ("airflow-core", NEW, "done", False)
    again = cluster.application(**options)
    assert (again["changed"], again["done"], again["applications"][0]["sync"]) == (False, True, "Synced")
    checked = cluster.application(**{**options, "path": "elsewhere"}, check=True)
    assert (checked["changed"], checked["done"]) == (True, True)
    late = cluster.application(**{**options, "revision": "3" * 40, "timeout": 1})
    assert (late["failed"], late["changed"], late["code"]) == (True, False, "timeout")
    assert late["diagnosis"][0]["application"] == "airflow-core"
    assert late["next_action"]
    assert late["next_action"] not in late["msg"]
    assert cluster.application(**{**options, "revision": "main"})["code"] == "bad_option"


# Repositories


def rolled_out(cluster: Cluster) -> None:
    generation = cluster.found(SERVER)["metadata"]["generation"]
    counts = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
    cluster.merge(f"{SERVER}/status", {"status": {"observedGeneration": generation, **counts}})


def pods_annotation(cluster: Cluster) -> str | None:
    value: str | None = (cluster.found(SERVER)["spec"]["template"]["metadata"].get("annotations") or {}).get(TRUST)
    return value


def decoded(cluster: Cluster) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in cluster.data(SECRET).items()}


def remembered(cluster: Cluster) -> str:
    return str(cluster.found(SECRET)["metadata"]["annotations"][TRUST])


def test_a_repository_over_ssh(cluster: Cluster) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nnot-a-key\n-----END OPENSSH PRIVATE KEY-----"
    given: Obj = {**SSH, "credentials": {"known_hosts": KEY, "ssh_key": key}}
    before = cluster.found(HOSTS)
    dry = cluster.repository(**given, check=True)
    assert (dry["changed"], dry["trust"], dry["rolled_out"], cluster.get(SECRET)) == (True, ["ssh"], True, None)
    assert cluster.found(HOSTS) == before
    with cluster.start("argocd_repository", name="repository", **given) as run:
        run.until(lambda: pods_annotation(cluster))
        time.sleep(0.5)
        assert run.running()
        rolled_out(cluster)
        made = run.result()
    assert (made["changed"], made["trust"], made["rolled_out"]) == (True, ["ssh"], True)
    assert pods_annotation(cluster) == hashlib.sha256(KEY.encode()).hexdigest()
    assert cluster.data(HOSTS)["ssh_known_hosts"] == f"{MARKED}\n{cluster.known_hosts}"
    assert decoded(cluster) == {"type": "git", "url": SSH["repo"], "sshPrivateKey": f"{key}\n"}
    assert cluster.found(SECRET)["metadata"]["labels"] == {**MARKS, "argocd.argoproj.io/secret-type": "repository"}
    again = cluster.repository(**given, project="", wait=True)
    assert (again["changed"], again["rolled_out"]) == (False, False)
    assert "not-a-key" not in json.dumps([dry, made, again])

    gone = cluster.repository(state="absent", check=True)
    assert gone["changed"]
    assert cluster.get(SECRET)
    gone = cluster.repository(**given, state="absent")
    assert (gone["changed"], gone["reason"], cluster.get(SECRET), pods_annotation(cluster)) == (True, "", None, None)
    assert cluster.data(HOSTS)["ssh_known_hosts"] == cluster.known_hosts
    assert not cluster.repository(state="absent")["changed"]


def test_a_repository_over_https_and_its_password(cluster: Cluster) -> None:
    cluster.merge(TLS, {"data": {"theirs.example.com": OTHER_PEM}})
    given: Obj = {**HTTPS, "credentials": {"ca": PEM, "username": "argocd", "password": "first-secret"}}
    made = cluster.repository(**given)
    assert (made["trust"], made["theirs"]) == (["tls:git.example.com"], [])
    assert cluster.data(TLS) == {"theirs.example.com": OTHER_PEM, "git.example.com": PEM}
    rotated = cluster.repository(**{**given, "credentials": {**given["credentials"], "password": "second-secret"}})
    assert (rotated["changed"], rotated["rolled_out"]) == (True, False)
    assert decoded(cluster)["password"] == "second-secret"
    shown = rotated["diff"]["before"]["secret"]["data"], rotated["diff"]["after"]["secret"]["data"]
    assert [item["password"] for item in shown] == ["(hidden, differs)"] * 2
    assert "-secret" not in json.dumps([made, rotated])
    assert cluster.repository(state="absent")["changed"]
    assert cluster.data(TLS) == {"theirs.example.com": OTHER_PEM}


def test_a_repository_changes_in_two_steps(cluster: Cluster) -> None:
    cluster.repository(**HTTPS)
    first = cluster.repository(**SSH, keep_present=True)
    assert (first["trust"], first["kept"]) == (["ssh", "tls:git.example.com"], ["tls:git.example.com"])
    assert cluster.data(TLS) == {"git.example.com": PEM}
    assert not cluster.repository(**SSH, keep_present=True)["changed"]
    second = cluster.repository(**SSH)
    assert (second["changed"], second["trust"], second["kept"], second["rolled_out"]) == (True, ["ssh"], [], False)
    assert (cluster.data(TLS), remembered(cluster)) == ({}, "ssh")
    assert cluster.data(HOSTS)["ssh_known_hosts"] == f"{MARKED}\n{cluster.known_hosts}"
    embedded = {"repo": "http://gitea.git.svc.cluster.local:3000/gitops/platform.git"}
    kept = cluster.repository(**embedded, keep_present=True)
    assert (kept["kept"], kept["rolled_out"]) == (["ssh"], False)
    narrowed = cluster.repository(**embedded)
    assert (narrowed["trust"], narrowed["rolled_out"], pods_annotation(cluster)) == ([], True, None)
    assert (cluster.data(HOSTS)["ssh_known_hosts"], remembered(cluster)) == (cluster.known_hosts, "")
    assert not cluster.repository(**embedded)["changed"]


def test_a_certificate_authority_of_others_is_used_or_refused(cluster: Cluster) -> None:
    cluster.merge(TLS, {"data": {"git.example.com": f"{OTHER_PEM}{PEM}"}})
    used = cluster.repository(**HTTPS)
    assert (used["trust"], used["theirs"], remembered(cluster)) == ([], ["tls:git.example.com"], "")
    assert (used["rolled_out"], pods_annotation(cluster)) == (False, None)
    assert cluster.repository(state="absent")["changed"]
    assert cluster.data(TLS) == {"git.example.com": f"{OTHER_PEM}{PEM}"}
    cluster.merge(TLS, {"data": {"git.example.com": OTHER_PEM}})
    for check in (True, False):
        refused = cluster.repository(**HTTPS, check=check)
        assert (refused["failed"], refused["code"]) == (True, "foreign_certificate")
    assert (cluster.data(TLS), cluster.get(SECRET)) == ({"git.example.com": OTHER_PEM}, None)


def test_a_repository_of_others_stays(cluster: Cluster) -> None:
    metadata = {"name": "repository", "namespace": "argocd", "labels": BETA, "annotations": {TRUST: "tls:theirs.example.com"}}
    cluster.server.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
    cluster.merge(TLS, {"data": {"theirs.example.com": OTHER_PEM}})
    paths = (SECRET, TLS, HOSTS, SERVER)
    before = [cluster.found(path) for path in paths]
    assert cluster.repository(**SSH)["code"] == "other_platform"
    left = cluster.repository(state="absent")
    assert (left["changed"], "belongs to platform beta" in left["reason"]) == (False, True)
    assert [cluster.found(path) for path in paths] == before


BLOCK = f"# gitops.airflow: begin\n{KEY}\n# gitops.airflow: end\n"


def last_version(cluster: Cluster, memory: str, labels: Mapping[str, str] = MappingProxyType(MARKS)) -> None:
    """What the roles made: a Secret without memory, a project with it, a block of host keys at the end, a restarted server."""
    project = argo("AppProject", "airflow", dict(labels), sourceRepos=[SSH["repo"]], destinations=[place("airflow-core")])
    project["metadata"]["annotations"] = {TRUST: memory}
    cluster.apply(PROJECT, project)
    data = {
        key: base64.b64encode(value.encode()).decode() for key, value in {"type": "git", "project": "airflow", "url": SSH["repo"]}.items()
    }
    metadata = {"name": "repository", "namespace": "argocd", "labels": {**labels, "argocd.argoproj.io/secret-type": "repository"}}
    cluster.apply(SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    cluster.merge(HOSTS, {"data": {"ssh_known_hosts": f"{cluster.known_hosts.strip()}\n{BLOCK}"}})
    annotations = {TRUST: hashlib.sha256(KEY.encode()).hexdigest()}
    cluster.merge(SERVER, {"spec": {"template": {"metadata": {"annotations": annotations}}}})


@pytest.mark.parametrize(("labels", "adopt"), [(MARKS, False), (OLDER, True)])
def test_a_platform_of_the_last_version_is_taken_over(cluster: Cluster, labels: dict[str, str], adopt: bool) -> None:
    last_version(cluster, "ssh tls:old.example.com", labels)
    cluster.merge(TLS, {"data": {"old.example.com": PEM, "theirs.example.com": OTHER_PEM}})
    template = cluster.found(SERVER)["spec"]["template"]
    cluster.project(repositories=[SSH["repo"]], namespaces=["airflow-core"], adopt=adopt)
    done = cluster.repository(**SSH, adopt=adopt)
    assert (done["changed"], done["trust"], done["rolled_out"]) == (True, ["ssh"], False)
    assert cluster.found(SERVER)["spec"]["template"] == template
    assert cluster.data(TLS) == {"theirs.example.com": OTHER_PEM}
    assert cluster.data(HOSTS)["ssh_known_hosts"] == f"{MARKED}\n{cluster.known_hosts.strip()}\n"
    assert (remembered(cluster), "annotations" in cluster.found(PROJECT)["metadata"]) == ("ssh", False)
    assert not cluster.repository(**SSH)["changed"]
    assert not cluster.project(repositories=[SSH["repo"]], namespaces=["airflow-core"])["changed"]


def test_a_platform_of_the_last_version_is_removed(cluster: Cluster) -> None:
    last_version(cluster, "ssh tls:old.example.com")
    cluster.merge(TLS, {"data": {"old.example.com": PEM, "theirs.example.com": OTHER_PEM}})
    assert cluster.repository(state="absent")["changed"]
    assert cluster.data(TLS) == {"theirs.example.com": OTHER_PEM}
    assert cluster.data(HOSTS)["ssh_known_hosts"] == f"{cluster.known_hosts.strip()}\n"
    assert (pods_annotation(cluster), cluster.get(SECRET)) == (None, None)
    assert cluster.project(state="absent")["changed"]


@pytest.mark.parametrize("labels", [{}, BETA])
def test_h1_a_project_of_others_remembers_nothing_of_ours(cluster: Cluster, labels: dict[str, str]) -> None:
    project = argo("AppProject", "airflow", dict(labels), sourceRepos=["*"])
    project["metadata"]["annotations"] = {TRUST: "ssh tls:theirs.example.com"}
    cluster.apply(PROJECT, project, by="kubectl")
    cluster.merge(TLS, {"data": {"theirs.example.com": OTHER_PEM}})
    cluster.merge(HOSTS, {"data": {"ssh_known_hosts": f"{BLOCK}{cluster.known_hosts}"}})
    paths = (PROJECT, TLS, HOSTS, SERVER)
    before = [cluster.found(path) for path in paths]
    assert not cluster.repository(state="absent")["changed"]
    assert [cluster.found(path) for path in paths] == before


def test_an_interrupted_change_is_resumed(cluster: Cluster) -> None:
    """What is added is remembered before: an interruption after it leaves nothing that looks foreign."""
    cluster.repository(**HTTPS)
    cluster.merge(TLS, {"data": None})  # as if it had been interrupted before, or Argo CD's manifest were applied again
    resumed = cluster.repository(**HTTPS)
    assert (resumed["changed"], resumed["trust"], resumed["rolled_out"]) == (True, ["tls:git.example.com"], True)
    digest = hashlib.sha256(PEM.strip().encode()).hexdigest()
    assert (pods_annotation(cluster) or "").startswith(f"{digest}-")
    assert not cluster.repository(**HTTPS)["changed"]


def test_a_token_is_read_from_a_secret_and_shown_to_nobody(cluster: Cluster) -> None:
    path = f"{CORE}/secrets/tokens"
    given: Obj = {"repo": "http://gitea.git.svc.cluster.local:3000/gitops/platform.git", "credentials": {"username": "gitops"}}
    given["credentials_from"] = {"namespace": "argocd", "name": "tokens", "password_key": "argocd-token", "platform": "airflow"}
    assert cluster.repository(**given)["code"] == "missing_secret"
    assert (cluster.repository(**given, check=True)["changed"], cluster.get(SECRET)) == (True, None)
    token = base64.b64encode(b"the-token-of-argo-cd").decode()
    made: Obj = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tokens", "namespace": "argocd", "labels": BETA}}
    cluster.server.create({**made, "data": {"argocd-token": token}})
    refused = cluster.repository(**given)
    assert (refused["code"], cluster.get(SECRET)) == ("foreign_object", None)
    cluster.merge(path, {"metadata": {"labels": MARKS}})
    found = cluster.repository(**given)
    assert found["changed"]
    assert decoded(cluster) == {
        "type": "git",
        "project": "airflow",
        "url": given["repo"],
        "username": "gitops",
        "password": "the-token-of-argo-cd",
    }
    assert not cluster.repository(**given)["changed"]
    assert [word for word in ("the-token-of-argo-cd", token) if word in json.dumps([refused, found])] == []
    assert cluster.repository(state="absent")["changed"]
    cluster.server._send("DELETE", path, "{}")


def test_a_repository_server_that_does_not_roll_out_is_named(cluster: Cluster) -> None:
    late = cluster.repository(**HTTPS, wait=True, timeout=1)
    assert (late["failed"], late["code"]) == (True, "not_rolled_out")
    assert "its controller has not seen the change yet" in late["msg"]
    rolled_out(cluster)
    done = cluster.repository(**HTTPS, wait=True, timeout=10)
    assert not done["changed"]


@pytest.mark.parametrize("rounds", [3])
def test_no_change_of_another_writer_of_the_shared_configmaps_is_lost(cluster: Cluster, rounds: int) -> None:
    """Another writer adds host keys and certificate authorities meanwhile, as ``argocd cert`` does: read, change, replace if unchanged."""
    stop = threading.Event()
    added: list[int] = []

    def change(path: str, edit: Callable[[Obj], None]) -> None:
        while True:
            item = cluster.found(path)
            edit(item)
            if cluster.server._send("PUT", path, json.dumps(item))[0] == 200:
                return

    def write() -> None:
        while not stop.is_set():
            number = len(added)

            def add_key(item: Obj, number: int = number) -> None:
                item["data"]["ssh_known_hosts"] += f"host{number} ssh-ed25519 KEY{number}\n"

            def add_authority(item: Obj, number: int = number) -> None:
                item["data"] = {**(item.get("data") or {}), f"host{number}": OTHER_PEM}

            change(HOSTS, add_key)
            change(TLS, add_authority)
            added.append(number)
            time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _round in range(rounds):
            for given in (SSH, HTTPS, {"state": "absent"}):
                result = cluster.repository(**given)
                assert (result.get("failed"), result["changed"]) == (None, True), result
    finally:
        stop.set()
        writer.join()
    assert len(added) > rounds
    expected = "".join(f"host{number} ssh-ed25519 KEY{number}\n" for number in added)
    assert cluster.data(HOSTS)["ssh_known_hosts"] == cluster.known_hosts + expected
    assert cluster.data(TLS) == {f"host{number}": OTHER_PEM for number in added}
