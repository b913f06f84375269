# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argo CD's own manifest on a real API server. Controllers are missing: a double says of workloads that they have rolled out."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.admin_password import matches
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.default_project import CLOSED
from ansible_collections.gitops.airflow.plugins.module_utils._kube.images import images_of
from ansible_collections.gitops.airflow.tests.integration.apiserver import lab_file
from ansible_collections.gitops.airflow.tests.integration.conftest import serve
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.test_ownership import MARKS, Cluster, application, argo, obj, path_of, project
from ansible_collections.gitops.airflow.tests.integration.test_roles_on_objects import Controllers

Obj = dict[str, Any]
WRITES = {"create", "update", "patch", "delete"}
RECORD = "/api/v1/namespaces/{}/configmaps/argocd-installed"
PASSWORD = "a-password-of-a-person"
MERGE = "application/merge-patch+json"
REDIS_SECRET = "/api/v1/namespaces/argocd/secrets/argocd-redis"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster without Argo CD, with controllers for workloads."""
    for server in serve(tmp_path_factory.mktemp("install")):
        server.request("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io", {})
        group = "rbac.authorization.k8s.io"
        reference = {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"}
        subjects = [{"apiGroup": group, "kind": "User", "name": "reader"}]
        server.create(obj("ClusterRoleBinding", "", "reader-admin", version=f"{group}/v1", roleRef=reference, subjects=subjects))
        server.create(obj("Namespace", "", "team-argo"))
        controllers = Controllers(server)
        controllers.start()
        yield Cluster(server)
        controllers.end()


@pytest.fixture
def cluster(whole: Cluster) -> Iterator[Cluster]:
    yield whole
    whole.clean()
    for namespace in ("argocd", "team-argo"):
        module(whole, state="absent", namespace=namespace).result()


def module(cluster: Cluster, check: bool = False, **options: Any) -> Module:
    given = {
        "platform": "airflow",
        "manifest": str(lab_file("argocd-install.yaml")),
        "version": "v3.0.23",
        "node_port": 30443,
        "timeout": 30,
    }
    return Module("argocd_install", cluster.server.kubeconfig("reader"), check=check, **{**given, "_ansible_diff": True, **options})


def run(cluster: Cluster, check: bool = False, **options: Any) -> tuple[Obj, list[str]]:
    """The module's result, and what it wrote."""
    begun = len(cluster.server.audited("reader"))
    result = module(cluster, check=check, **options).result()
    asked = cluster.server.audited("reader")[begun:]
    return result, [f"{item['verb']} {item['path']}" for item in asked if item["verb"] in WRITES and "dryRun" not in item["query"]]


def get(cluster: Cluster, path: str) -> Obj | None:
    status, answer = cluster.server._send("GET", path)
    return json.loads(answer) if status == 200 else None


def record(cluster: Cluster, namespace: str = "argocd") -> dict[str, str]:
    found = get(cluster, RECORD.format(namespace))
    assert found is not None
    assert found["metadata"]["labels"] == MARKS
    data: dict[str, str] = found["data"]
    return data


def test_argo_cd_is_installed_once(cluster: Cluster) -> None:
    result, wrote = run(cluster, state="checked")
    assert (result["changed"], result["open"], wrote) == (False, True, [])
    result, wrote = run(cluster, check=True)
    assert (result["changed"], wrote) == (True, [])
    assert {item["result"] for item in result["objects"]} == {"created"}
    assert len(result["objects"]) == 62  # 59 of the manifest, the node port, Redis' Secret and the record

    result, wrote = run(cluster)
    assert not result.get("failed"), result
    path = RECORD.format("argocd")
    # The record first: what an interrupted run has made is known as this platform's.
    assert (wrote[0], wrote[-1], wrote.count(f"patch {path}")) == (f"patch {path}", f"patch {path}", 2)
    assert len(wrote) == 63
    # Without this Secret no pod of Argo CD can start.
    deployments = [place for place, what in enumerate(wrote) if "/deployments/" in what]
    assert wrote.index(f"patch {REDIS_SECRET}") < min(deployments)
    secret = get(cluster, REDIS_SECRET)
    assert secret is not None
    password = base64.b64decode(secret["data"]["auth"]).decode()
    assert (secret["metadata"]["labels"], len(password)) == (MARKS, 40)
    assert password not in json.dumps(result)
    assert secret["data"]["auth"] not in json.dumps(result)
    data = record(cluster)
    service = get(cluster, "/api/v1/namespaces/argocd/services/argocd-server-node-port")
    assert service is not None
    assert service["metadata"]["labels"] == MARKS
    assert (data["version"], data["state"]) == ("v3.0.23", "applied")
    assert data["deployments"].split()[:2] == ["argocd-applicationset-controller", "argocd-dex-server"]
    refs = json.loads(data["objects"])
    assert len(refs) == 60
    version = "apiextensions.k8s.io/v1"
    assert refs[0] == {"api_version": version, "kind": "CustomResourceDefinition", "namespace": "", "name": "applications.argoproj.io"}
    assert refs[-1] == {"api_version": "v1", "kind": "Service", "namespace": "argocd", "name": "argocd-server-node-port"}
    server = get(cluster, "/apis/apps/v1/namespaces/argocd/deployments/argocd-server")
    assert server is not None
    labels = server["metadata"]["labels"]
    assert (labels["app.kubernetes.io/part-of"], "gitops-airflow/platform" in labels) == ("argocd", False)

    begun = len(cluster.server.audited("reader"))
    result, wrote = run(cluster)
    assert (result["changed"], result["open"], wrote) == (False, False, [])
    assert len(cluster.server.audited("reader")) - begun < 8

    # As an interrupted run leaves it: everything is there, so the server finds nothing to change but the record.
    cluster.server.request("PATCH", path, {"data": {"state": "applying", "digest": ""}}, "application/merge-patch+json")
    result, wrote = run(cluster)
    assert [item["name"] for item in result["objects"] if item["result"] != "same"] == ["argocd-installed"]
    assert (wrote[0], wrote[-1]) == (f"patch {path}", f"patch {path}")
    assert (record(cluster)["state"], record(cluster)["digest"]) == ("applied", data["digest"])


def test_what_others_changed_is_repaired_on_request(cluster: Cluster) -> None:
    run(cluster)
    deployment = "/apis/apps/v1/namespaces/argocd/deployments/argocd-redis"
    settings = "/api/v1/namespaces/argocd/services/argocd-redis"
    cluster.server.request("DELETE", deployment, {})
    cluster.server.request("PATCH", settings, {"spec": {"selector": {"app.kubernetes.io/name": "theirs"}}}, "application/merge-patch+json")
    result, wrote = run(cluster)
    assert (result["failed"], result["code"], wrote) == (True, "not_done", [])
    assert "Deployment/argocd-redis: no such workload in argocd" in result["msg"]
    assert "argocd_reapply=true" in result["next_action"]
    result, wrote = run(cluster, reapply=True)
    assert not result.get("failed"), result
    changed = {(item["kind"], item["name"]): item["result"] for item in result["objects"] if item["result"] != "same"}
    assert changed == {("Deployment", "argocd-redis"): "created", ("Service", "argocd-redis"): "changed"}
    assert {f"patch {settings}", f"patch {deployment}"} <= set(wrote)
    found = get(cluster, settings)
    assert found is not None
    assert found["spec"]["selector"] == {"app.kubernetes.io/name": "argocd-redis"}
    result, wrote = run(cluster, reapply=True)
    assert not result["changed"]
    assert record(cluster)["state"] == "applied"


def test_f15_another_registry_changes_the_workloads_once_and_back(cluster: Cluster) -> None:
    registry = "registry.example.com:5000/mirror"
    given: Obj = {
        "image_registry": registry,
        "pull_secrets": ["pull"],
        "repo_server_environment": {"HTTPS_PROXY": "http://p:3128"},
        "wait": False,
    }
    run(cluster, wait=False)

    def pods() -> list[Obj]:
        kinds = ("deployments", "statefulsets")
        found = [item for kind in kinds for item in cluster.server.request("GET", f"/apis/apps/v1/namespaces/argocd/{kind}")["items"]]
        return [item["spec"]["template"]["spec"] for item in found]

    result, wrote = run(cluster, **given)
    assert {item["kind"] for item in result["objects"] if item["result"] == "changed"} == {"Deployment", "StatefulSet", "ConfigMap"}
    assert [image for image in images_of(pods()) if not image.startswith(f"{registry}/")] == []
    assert [pod["imagePullSecrets"] for pod in pods()] == [[{"name": "pull"}]] * 7
    repo_server = get(cluster, "/apis/apps/v1/namespaces/argocd/deployments/argocd-repo-server")
    assert repo_server is not None
    environment = repo_server["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [entry["value"] for entry in environment if entry["name"] == "HTTPS_PROXY"] == ["http://p:3128"]
    result, wrote = run(cluster, **given)
    assert (result["changed"], result["open"], wrote) == (False, False, [])

    run(cluster, wait=False)
    assert [image for image in images_of(pods()) if image.startswith(registry)] == []
    assert [pod for pod in pods() if "imagePullSecrets" in pod] == []


def test_another_namespace_gets_the_rights(cluster: Cluster) -> None:
    result, _wrote = run(cluster, namespace="team-argo", node_port=0)
    assert not result.get("failed"), result
    binding = get(cluster, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/argocd-server")
    assert binding is not None
    assert [item["namespace"] for item in binding["subjects"]] == ["team-argo"]
    assert {item["namespace"] for item in json.loads(record(cluster, "team-argo")["objects"])} == {"", "team-argo"}


def test_a_later_manifest_is_applied_and_a_removal_knows_both(cluster: Cluster, tmp_path: Path) -> None:
    run(cluster)
    manifest = tmp_path / "later.yaml"
    text = lab_file("argocd-install.yaml").read_text()
    manifest.write_text(text.replace("name: argocd-redis\n", "name: argocd-valkey\n"))
    theirs = obj("Service", "argocd", "argocd-valkey", {"app.kubernetes.io/part-of": "argocd"}, spec={"ports": [{"port": 1}]})
    cluster.apply(theirs, by="kubectl")
    for state in ("checked", "present"):
        result, wrote = run(cluster, manifest=str(manifest), state=state)
        assert (result["failed"], result["code"], wrote) == (True, "foreign_object", [])
        assert "which it did not make: Service argocd/argocd-valkey." in result["msg"]
        assert result["msg"].endswith("Nothing was changed in the cluster." if state == "checked" else "Argo CD was not changed.")
    cluster.server.request("DELETE", path_of(theirs), {})
    result, _wrote = run(cluster, manifest=str(manifest))
    assert not result.get("failed"), result
    listed = {(item["kind"], item["name"]) for item in json.loads(record(cluster)["objects"])}
    assert {("Deployment", "argocd-redis"), ("Deployment", "argocd-valkey")} <= listed
    result, _wrote = run(cluster, state="absent", check=True)
    assert result["changed"]
    result, _wrote = run(cluster, state="absent")
    assert (result["changed"], result["kept"]) == (True, [])
    assert get(cluster, RECORD.format("argocd")) is None
    result, wrote = run(cluster, state="absent")
    assert (result["changed"], wrote) == (False, [])


def test_a_record_of_an_early_version_lists_no_objects(cluster: Cluster) -> None:
    """What it covers is then what the manifest has."""
    items = cluster.argocd("argocd", by="gitops.airflow", whole=True)
    older = {"app.kubernetes.io/part-of": "gitops-airflow"}
    cluster.apply(obj("ConfigMap", "argocd", "argocd-installed", older, data={"digest": "x"}))
    result, wrote = run(cluster, state="absent")
    assert (result["changed"], wrote) == (False, [])
    result, wrote = run(cluster, state="absent", adopt=True, node_port=0)
    assert (len(result["removed"]), result["kept"]) == (len(items) + 1, [])


def test_an_argo_cd_of_others_is_refused(cluster: Cluster) -> None:
    cluster.argocd("team-argo", by="kubectl")
    for state in ("checked", "present"):
        result, wrote = run(cluster, state=state)
        assert (result["code"], wrote) == ("foreign_argocd", []), result["msg"]
    result, wrote = run(cluster, state="absent", namespace="team-argo")
    assert (result["changed"], wrote) == (False, [])


def test_the_record_of_another_platform_is_refused(cluster: Cluster) -> None:
    beta = {**MARKS, "gitops-airflow/platform": "beta"}
    cluster.record([], beta, state="applied")
    result, wrote = run(cluster)
    assert (result["code"], wrote) == ("other_platform", []), result["msg"]


def test_the_admins_password(cluster: Cluster) -> None:
    run(cluster)
    initial = obj("Secret", "argocd", "argocd-initial-admin-secret", data={"password": "eA=="})
    cluster.apply(initial, by="argocd-server")
    secret = "/api/v1/namespaces/argocd/secrets/argocd-secret"
    result, wrote = run(cluster, check=True, admin_password=PASSWORD)
    assert (result["changed"], result["password_set"], wrote) == (True, True, [])
    result, wrote = run(cluster, admin_password=PASSWORD)
    assert wrote == [f"patch {secret}", f"delete {path_of(initial)}"]
    assert (result["changed"], result["password_set"]) == (True, True)
    assert "password of the admin" in result["diff"]["after"]
    found = get(cluster, secret)
    assert found is not None
    stored = base64.b64decode(found["data"]["admin.password"]).decode()
    assert matches(stored, PASSWORD)
    assert stored not in json.dumps(result)
    assert PASSWORD not in json.dumps({**result, "invocation": None})
    result, wrote = run(cluster, admin_password=PASSWORD)
    assert (result["changed"], wrote) == (False, [])
    # A person's Secret of that name stays.
    cluster.apply(initial, by="kubectl")
    result, wrote = run(cluster, admin_password="another")
    assert wrote == [f"patch {secret}"]


def test_without_wait_it_applies_and_follows_nothing(cluster: Cluster) -> None:
    def followed() -> bool:
        return any(item["verb"] == "list" and item["path"].endswith("/pods") for item in cluster.server.audited("reader")[begun:])

    begun = len(cluster.server.audited("reader"))
    result, wrote = run(cluster, wait=False)
    assert (result["changed"], bool(wrote), result.get("failed"), followed()) == (True, True, None, False)
    result, wrote = run(cluster)
    assert (result["changed"], wrote, followed()) == (False, [], True)


def test_it_waits_for_the_named_workloads_alone(cluster: Cluster) -> None:
    run(cluster)
    server = "/apis/apps/v1/namespaces/argocd/deployments/argocd-server"
    cluster.server.request("PATCH", f"{server}/status", {"status": {"readyReplicas": 0, "availableReplicas": 0}}, MERGE)
    result, wrote = run(cluster, wait_for=["Deployment/argocd-redis", "StatefulSet/argocd-application-controller"], timeout=2)
    assert (result.get("failed"), wrote) == (None, [])
    for chosen in ([], ["Deployment/argocd-server"]):
        result, wrote = run(cluster, wait_for=chosen, timeout=2)
        assert (result["failed"], result["code"], wrote) == (True, "timeout", [])
        assert "Deployment/argocd-server" in result["msg"]
    cluster.server.request("DELETE", server, {})
    result, wrote = run(cluster, wait_for=["Deployment/argocd-server"], timeout=2)
    assert (result["failed"], wrote) == (True, [])
    assert "Deployment/argocd-server: no such workload in argocd" in result["msg"]


def test_the_password_of_redis_is_made_once_and_for_a_new_redis_alone(cluster: Cluster) -> None:
    run(cluster, wait=False)
    before = get(cluster, REDIS_SECRET)
    run(cluster, wait=False, reapply=True)
    assert get(cluster, REDIS_SECRET) == before
    # A running Redis has the password of its start: another one would shut Argo CD out.
    cluster.server.request("DELETE", REDIS_SECRET, {})
    result, _wrote = run(cluster, wait=False, reapply=True)
    assert (result.get("failed"), get(cluster, REDIS_SECRET)) == (None, None)


DEFAULT = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/default"


def test_d9_the_default_project_is_closed_once(cluster: Cluster) -> None:
    result, wrote = run(cluster, check=True, close_default_project=True)
    assert (result["changed"], wrote, result["objects"][-1]["name"], result["objects"][-1]["result"]) == (True, [], "default", "created")
    result, wrote = run(cluster, wait=False, close_default_project=True)
    assert get(cluster, DEFAULT) is None
    # As Argo CD's server makes it.
    cluster.apply(project("default"), by="argocd-server")
    result, wrote = run(cluster, check=True, close_default_project=True)
    assert (result["changed"], wrote) == (True, [])
    assert list(result["diff"]["after"]) == ["AppProject argocd/default"]
    result, wrote = run(cluster, close_default_project=True)
    assert (result["changed"], wrote, result["warnings"]) == (True, [f"patch {DEFAULT}"], [])
    closed = get(cluster, DEFAULT)
    assert closed is not None
    assert closed["spec"] == CLOSED
    assert "gitops-airflow/platform" not in closed["metadata"].get("labels", {})
    begun = len(cluster.server.audited("reader"))
    result, wrote = run(cluster, close_default_project=True)
    assert (result["changed"], wrote) == (False, [])
    assert len(cluster.server.audited("reader")) - begun < 9


@pytest.mark.parametrize(
    ("present", "words"),
    [
        ([project("default"), application("theirs", {})], "it is used by Application argocd/theirs"),
        ([application("theirs", {}, "team-argo")], "it is used by Application team-argo/theirs"),
        ([argo("AppProject", "argocd", "default", sourceRepos=["https://one"])], "its rules were changed"),
    ],
)
def test_d9_the_default_project_of_others_stays(cluster: Cluster, present: list[Obj], words: str) -> None:
    run(cluster)
    cluster.apply(*present, by="kubectl")
    before = get(cluster, DEFAULT)
    result, wrote = run(cluster, close_default_project=True)
    assert (result["changed"], wrote, get(cluster, DEFAULT)) == (False, [], before)
    (warning,) = result["warnings"]
    assert words in warning


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"manifest": "/nowhere/install.yaml"}, "no_manifest"),
        ({"admin_password": "x" * 73}, "bad_password"),
        ({"admin_password": PASSWORD, "wait": False}, "bad_option"),
        ({"namespace": "nowhere"}, "no_namespace"),
        ({"url": "http://127.0.0.1:9/install.yaml", "checksum": f"sha256:{'0' * 64}", "manifest": "/nowhere/x"}, "download_failed"),
        ({"url": "http://127.0.0.1:9/install.yaml", "manifest": "/nowhere/x"}, "bad_option"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_changed(cluster: Cluster, options: Obj, code: str) -> None:
    result, wrote = run(cluster, **options)
    assert (result["failed"], result["code"], wrote) == (True, code, [])
    assert result["next_action"]


def test_a_cluster_that_does_not_exist_yet(cluster: Cluster) -> None:
    path = cluster.server.kubeconfig("admin", port=1)
    given: Obj = {"platform": "airflow", "manifest": str(lab_file("argocd-install.yaml")), "state": "checked"}
    result = Module("argocd_install", path, **given, absent_ok=True).result()
    assert (result["changed"], result["reachable"]) == (False, False)
    result = Module("argocd_install", path, **given).result()
    assert (result["failed"], result["code"]) == (True, "unreachable")
