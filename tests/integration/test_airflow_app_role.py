# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role airflow_app from nothing to removal, on a real API server with real Git repositories. A thread of the test is Argo CD."""

from __future__ import annotations

import base64
import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._platform import admission_policy
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.integration.conftest import serve
from ansible_collections.gitops.airflow.tests.integration.git_server import PASSWORD, USER, git_server, repository
from ansible_collections.gitops.airflow.tests.integration.objects import status
from ansible_collections.gitops.airflow.tests.integration.test_admission_policy import FLAGS, VERSION
from ansible_collections.gitops.airflow.tests.integration.test_ownership import path_of
from ansible_collections.gitops.airflow.tests.integration.test_roles_on_objects import Cluster, Controllers, changes
from ansible_collections.gitops.airflow.tests.unit.git_http import git
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._git.published import Person, protect

Obj = dict[str, Any]
API = f"admissionregistration.k8s.io/{VERSION}"
OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
MARKS = {**OLDER, "gitops-airflow/platform": "airflow"}
ARGO, ARGOCD = "/apis/argoproj.io/v1alpha1/namespaces/argocd", "/api/v1/namespaces/argocd"
APPLICATION, PROJECT = f"{ARGO}/applications/airflow-core", f"{ARGO}/appprojects/airflow"
REPOSITORY, HOSTS, TLS = (
    f"{ARGOCD}/{name}"
    for name in ("secrets/airflow-platform-repository", "configmaps/argocd-ssh-known-hosts-cm", "configmaps/argocd-tls-certs-cm")
)
CORE = "/api/v1/namespaces/airflow-core/secrets"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
REFRESH, TRACKING = "argocd.argoproj.io/refresh", "argocd.argoproj.io/tracking-id"


class ArgoCD(threading.Thread):
    """Syncs each Application with the newest commit of its repository as soon as it is asked to, and removes what is deleted."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        super().__init__(daemon=True)
        self._server, self._folder, self._over = server, folder, threading.Event()
        self.allowed: list[Obj] = []  # the AppProject's spec at each sync

    def run(self) -> None:
        while not self._over.wait(0.1):
            for item in self.applications():
                self._reconcile(item)

    def applications(self) -> list[Obj]:
        return self._server.request("GET", f"{ARGO}/applications").get("items") or []

    def end(self) -> None:
        self._over.set()
        self.join()

    def _reconcile(self, item: Obj) -> None:
        path = f"{ARGO}/applications/{item['metadata']['name']}"
        if item["metadata"].get("deletionTimestamp"):
            self._server._send("PATCH", path, json.dumps({"metadata": {"finalizers": None}}), MERGE)
        elif REFRESH in (item["metadata"].get("annotations") or {}):
            spec, now = item["spec"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self.allowed.append(self._server.request("GET", f"{ARGO}/appprojects/{spec['project']}")["spec"])
            head = git(self._folder / Path(spec["source"]["repoURL"]).name, "rev-parse", "main")
            found = status(head)
            found["reconciledAt"] = now
            found["sync"]["comparedTo"] = {"source": spec["source"], "destination": spec["destination"]}
            self._server._send("PATCH", path, json.dumps({"metadata": {"annotations": {REFRESH: None}}, "status": found}), MERGE)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    items = [item for item in yaml.load_all(lab_file("argocd-install.yaml").read_text(), yaml.CSafeLoader) if item]
    names = ("argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm", "argocd-repo-server")
    own = [item for item in items if item["kind"] in ("ConfigMap", "Deployment") and item["metadata"]["name"] in names]
    for item in own:
        item["metadata"]["namespace"] = "argocd"
    own += [item for item in items if item["metadata"]["name"] in ("applications.argoproj.io", "appprojects.argoproj.io")]
    version, group = "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
    for server in serve(tmp_path_factory.mktemp("airflow")):
        binding = {"apiVersion": version, "kind": "ClusterRoleBinding", "metadata": {"name": "reader-admin"}}
        role, subject = (
            {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            {"apiGroup": group, "kind": "User", "name": "reader"},
        )
        server.create({**binding, "roleRef": role, "subjects": [subject]})
        for item in own:
            server.request(
                "PATCH", f"{path_of(item)}?fieldManager=gitops.airflow&force=true", json.dumps(item), "application/apply-patch+yaml"
            )
        server.request("DELETE", f"{ARGO}/applications", {})
        # The record by which Argo CD and its CRDs are this platform's.
        listed = [
            {
                "api_version": item["apiVersion"],
                "kind": item["kind"],
                **{key: item["metadata"].get(key, "") for key in ("namespace", "name")},
            }
            for item in own
        ]
        record = {"name": "argocd-installed", "namespace": "argocd", "labels": MARKS}
        data = {"digest": "x", "state": "applied", "objects": json.dumps(listed)}
        server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": record, "data": data})
        keys = {"access-key-id": "QUtJQTEyMzQ1Njc4OTAxMg==", "secret-access-key": "c2VjcmV0LW9mLXRoZS1idWNrZXQ="}
        server.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bucket", "namespace": "airflow-core"}, "data": keys})
        yield Cluster(server, tmp_path_factory.mktemp("plays"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("platform", "moved", "dags"):
        repository(tmp_path, name, "dags/a_dag.py")
    return tmp_path


@pytest.fixture
def argocd(cluster: Cluster, folder: Path) -> Iterator[ArgoCD]:
    running, controllers = ArgoCD(cluster.server, folder), Controllers(cluster.server)
    running.start()
    controllers.start()
    yield running
    running.end()
    controllers.end()


def secrets(cluster: Cluster) -> dict[str, Obj]:
    """The platform's Secrets by namespace and name."""
    found = cluster.server.request("GET", "/api/v1/secrets?labelSelector=app.kubernetes.io/part-of%3Dgitops-airflow")["items"]
    return {f"{item['metadata']['namespace']}/{item['metadata']['name']}": item for item in found}


def rights(cluster: Cluster) -> dict[str, Obj]:
    """The platform's Roles and RoleBindings by namespace, kind and name."""
    found = {}
    for kind in ("Role", "RoleBinding"):
        path = f"/apis/rbac.authorization.k8s.io/v1/{kind.lower()}s?labelSelector=app.kubernetes.io/part-of%3Dgitops-airflow"
        for item in cluster.server.request("GET", path)["items"]:
            item |= {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind}
            found[f"{item['metadata']['namespace']}/{kind}/{item['metadata']['name']}"] = item
    return found


def content(item: Obj) -> Obj:
    return {key: value for key, value in item.items() if key != "metadata"}


def of_argo_cd(item: Obj) -> Obj:
    """The same as Argo CD applies it from a chart."""
    place = {name: item["metadata"][name] for name in ("namespace", "name")}
    tracking = f"airflow-core:rbac.authorization.k8s.io/{item['kind']}:{place['namespace']}/{place['name']}"
    return {**content(item), "metadata": {**place, "annotations": {TRACKING: tracking, "argocd.argoproj.io/sync-wave": "-2"}}}


def given_of(url: str, name: str = "platform", **over: Any) -> Obj:
    return {
        "airflow_app_platform_repo": f"{url}/{name}.git",
        "airflow_app_platform_username": USER,
        "airflow_app_platform_password": PASSWORD,
        "airflow_app_dags_repo": f"{url}/dags.git",
        "airflow_app_dags_username": USER,
        "airflow_app_dags_password": PASSWORD,
        "airflow_app_logs": "s3",
        "airflow_app_logs_bucket": "logs",
        "airflow_app_logs_secret": "bucket",
        "airflow_app_wait": 30,
        "platform_git_server": "external",
        **over,
    }


def test_airflow_is_declared_changed_and_removed(cluster: Cluster, argocd: ArgoCD, folder: Path) -> None:
    with git_server(folder) as url:
        given = given_of(url)
        said, recap, requests = cluster.role("airflow_app", "--check", "--diff", **given)
        assert (recap["failed"], changes(requests), secrets(cluster)) == (0, [], {}), said
        assert recap["changed"] == 6  # Secrets, rights, AppProject, repository, files, Application

        said, recap, requests = cluster.role("airflow_app", "--diff", "-vvv", **given)
        assert (recap["failed"], recap["changed"]) == (0, 6), said
        made = secrets(cluster)
        everywhere = ("airflow-metadata", "airflow-fernet-key", "airflow-task-logs", "dags-git-basic")
        core = tuple(f"airflow-{name}" for name in ("generated", "admin", "mysql", "task-logs-webserver", "webserver-secret-key"))
        expected = {f"{namespace}/{name}" for namespace in ("airflow-core", "airflow-cron", "airflow-user") for name in everywhere}
        assert set(made) == expected | {f"airflow-core/{name}" for name in core} | {"argocd/airflow-platform-repository"}
        assert made["airflow-core/airflow-generated"]["immutable"]
        values = {value for item in made.values() for value in item["data"].values() if len(value) >= 16}
        values -= {made["argocd/airflow-platform-repository"]["data"][key] for key in ("url", "username")}
        assert [value for value in values if value in said] == []
        assert [text for value in values if len(text := base64.b64decode(value).decode()) >= 12 and text in said] == []
        files = git(folder / "platform.git", "ls-tree", "-r", "--name-only", "main").splitlines()
        assert "platform/airflow/core/.gitops-airflow-owner" in files
        assert {"README", "platform/airflow/core/values.yaml", "platform/airflow/core/python/gitops_task_logs.py"} <= set(files)

        before = secrets(cluster)
        said, recap, requests = cluster.role("airflow_app", **given)
        assert (recap["failed"], recap["changed"]) == (0, 0), said
        # Argo CD's three objects are applied again, which changes nothing, and the Application is asked to refresh.
        assert changes(requests) == [f"patch {path}" for path in (PROJECT, REPOSITORY, APPLICATION, APPLICATION)]
        assert secrets(cluster) == before

        # Another repository and one namespace less: both are allowed until Argo CD has synced, and no longer.
        argocd.allowed.clear()
        moved = given_of(url, "moved", platform_worker_namespaces=[{"name": "airflow-core"}, {"name": "airflow-cron"}])
        moved["airflow_app_default_namespace"] = "airflow-core"
        said, recap, requests = cluster.role("airflow_app", **moved)
        assert recap["failed"] == 0, said
        assert argocd.allowed[0]["sourceRepos"] == [f"{url}/moved.git", f"{url}/platform.git"]
        assert [item["namespace"] for item in argocd.allowed[0]["destinations"]] == ["airflow-core", "airflow-cron", "airflow-user"]
        project = cluster.get(PROJECT)
        assert project is not None
        assert project["spec"]["sourceRepos"] == [f"{url}/moved.git"]
        assert [item["namespace"] for item in project["spec"]["destinations"]] == ["airflow-core", "airflow-cron"]
        assert [name for name in secrets(cluster) if name.startswith("airflow-user/")] == []
        assert {name.partition("/")[0] for name in rights(cluster)} == {"airflow-core", "airflow-cron"}

        said, recap, requests = cluster.role("airflow_app", airflow_app_state="absent", **moved)
        assert recap["failed"] == 0, said
        assert [cluster.get(path) for path in (APPLICATION, PROJECT, REPOSITORY)] == [None, None, None]
        assert list(secrets(cluster)) == ["airflow-core/airflow-generated"]
        assert rights(cluster) == {}
        gone = [path for path in changes(requests) if path.startswith("delete")]
        assert gone[0] == f"delete {APPLICATION}"
        assert gone.index(f"delete {REPOSITORY}") < gone.index(f"delete {PROJECT}")

        # It comes back to its data.
        said, recap, requests = cluster.role("airflow_app", **given)
        assert recap["failed"] == 0, said
        kept = "airflow-core/airflow-metadata"
        assert secrets(cluster)[kept]["data"] == before[kept]["data"]
        cluster.role("airflow_app", airflow_app_state="absent", **given)


KINDS = [{"group": "rbac.authorization.k8s.io", "kind": kind} for kind in ("Role", "RoleBinding")]


def test_d9_rights_of_a_platform_whose_chart_had_them_are_taken_over(cluster: Cluster, argocd: ArgoCD, folder: Path) -> None:
    """At no moment an account is without them, and Argo CD may make such objects until it has synced the chart without them, no longer."""
    server = cluster.server
    with git_server(folder) as url:
        given = given_of(url)
        said, recap, _requests = cluster.role("airflow_app", **given)
        assert recap["failed"] == 0, said
        ours = rights(cluster)
        assert len(ours) == 12
        for item in ours.values():
            server.request("DELETE", path_of(item), {})
            server.request("PATCH", f"{path_of(item)}?fieldManager=argocd-controller", json.dumps(of_argo_cd(item)), APPLY)
        kinds = server.request("GET", PROJECT)["spec"]["namespaceResourceWhitelist"]
        server.request("PATCH", PROJECT, {"spec": {"namespaceResourceWhitelist": [*kinds, *KINDS]}}, MERGE)

        # Not tracked by the platform's Application: another's.
        theirs = next(item for name, item in ours.items() if name == "airflow-cron/Role/airflow-pod-launcher")
        for annotation in ("other:rbac.authorization.k8s.io/Role:airflow-cron/airflow-pod-launcher", None):
            server.request("PATCH", path_of(theirs), {"metadata": {"annotations": {TRACKING: annotation}}}, MERGE)
            said, recap, requests = cluster.role("airflow_app", **given)
            assert (recap["failed"], changes(requests)) == (1, []), said
            assert "Role airflow-cron/airflow-pod-launcher" in said
        server.request("PATCH", path_of(theirs), of_argo_cd(theirs), MERGE)

        said, recap, requests = cluster.role("airflow_app", "--check", **given)
        assert (recap["failed"], changes(requests), rights(cluster)) == (0, [], {}), said
        argocd.allowed.clear()
        said, recap, requests = cluster.role("airflow_app", **given)
        assert recap["failed"] == 0, said
        assert [path for path in changes(requests) if "rbac" in path and not path.startswith("patch")] == []
        now = rights(cluster)
        assert {name: content(item) for name, item in now.items()} == {name: content(item) for name, item in ours.items()}
        leave = ("Prune=false", "IgnoreExtraneous")
        options = [f"argocd.argoproj.io/{name}-options" for name in ("sync", "compare")]
        assert {tuple(item["metadata"]["annotations"][name] for name in options) for item in now.values()} == {leave}
        assert all(kind in argocd.allowed[0]["namespaceResourceWhitelist"] for kind in KINDS)
        assert server.request("GET", PROJECT)["spec"]["namespaceResourceWhitelist"] == kinds
        said, recap, requests = cluster.role("airflow_app", **given)
        assert (recap["failed"], recap["changed"]) == (0, 0), said
        cluster.role("airflow_app", airflow_app_state="absent", **given)
        assert rights(cluster) == {}


BLOCK = "# gitops.airflow: begin\nold.example.com ssh-ed25519 AAAA\n# gitops.airflow: end\n"


def test_a_platform_of_the_last_version_is_upgraded(cluster: Cluster, argocd: ArgoCD, folder: Path) -> None:
    """Its AppProject remembers what Argo CD was given to trust. What is not needed any more goes; no Secret's data changes."""
    with git_server(folder) as url:
        given = given_of(url)
        said, recap, _requests = cluster.role("airflow_app", **given)
        assert recap["failed"] == 0, said
        before = secrets(cluster)
        server = cluster.server
        hosts = server.request("GET", HOSTS)["data"]["ssh_known_hosts"]
        server.request("PATCH", HOSTS, {"data": {"ssh_known_hosts": f"{hosts}\n{BLOCK}"}}, MERGE)
        server.request("PATCH", TLS, {"data": {"old.example.com": "ours", "theirs.example.com": "theirs"}}, MERGE)
        server.request("PATCH", PROJECT, {"metadata": {"annotations": {"gitops-airflow/trust": "ssh tls:old.example.com"}}}, MERGE)
        server.request("PATCH", REPOSITORY, {"metadata": {"annotations": {"gitops-airflow/trust": None}}}, MERGE)
        argocd.allowed.clear()
        said, recap, _requests = cluster.role("airflow_app", **given)
        assert recap["failed"] == 0, said
        assert server.request("GET", TLS)["data"] == {"theirs.example.com": "theirs"}
        assert server.request("GET", HOSTS)["data"]["ssh_known_hosts"].strip() == hosts.strip()
        project = cluster.get(PROJECT)
        assert project is not None
        assert "annotations" not in project["metadata"]
        after = secrets(cluster)
        assert {name: item["data"] for name, item in after.items()} == {name: item["data"] for name, item in before.items()}
        said, recap, _requests = cluster.role("airflow_app", **given)
        assert (recap["failed"], recap["changed"]) == (0, 0), said
        server.request("PATCH", TLS, {"data": None}, MERGE)
        cluster.role("airflow_app", airflow_app_state="absent", **given)


def test_d2_require_refuses_an_api_server_without_the_kind(cluster: Cluster, folder: Path) -> None:
    with git_server(folder) as url:
        said, recap, requests = cluster.role("airflow_app", **given_of(url, airflow_app_admission_policy="require"))
    assert (recap["failed"], changes(requests)) == (1, []), said
    assert "this API server does not serve ValidatingAdmissionPolicy" in said


@pytest.fixture
def gated(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with an API server that serves admission policies."""
    cluster.server.ensure(*FLAGS)
    yield cluster
    cluster.server.ensure()


def test_d2_the_admission_policy_is_made_kept_and_removed(gated: Cluster, argocd: ArgoCD, folder: Path) -> None:
    paths = [f"/apis/{API}/{plural}/gitops-airflow-airflow-workers" for plural in admission_policy.PLURALS.values()]

    def there() -> list[bool]:
        return [gated.get(path) is not None for path in paths]

    with git_server(folder) as url:
        given = given_of(url, airflow_app_admission_policy="require")
        said, recap, requests = gated.role("airflow_app", "--check", **given)
        assert (recap["failed"], [path for path in changes(requests) if API in path and "dryRun" not in path]) == (0, []), said
        said, recap, requests = gated.role("airflow_app", **given)
        assert (recap["failed"], recap["changed"], there()) == (0, 7, [True, True]), said
        made = [path for path in changes(requests) if API in path]
        assert changes(requests).index(made[-1]) < changes(requests).index(f"patch {APPLICATION}"), "before a worker can start"
        said, recap, _requests = gated.role("airflow_app", **given)
        assert (recap["failed"], recap["changed"]) == (0, 0), said
        said, recap, _requests = gated.role("airflow_app", **given, airflow_app_task_secrets=["mine"])
        assert (recap["failed"], '\\"mine\\"' in json.dumps(gated.get(paths[0]))) == (0, True), said
        said, recap, _requests = gated.role("airflow_app", **given_of(url, airflow_app_admission_policy="none"))
        assert (recap["failed"], there()) == (0, [False, False]), said
        gated.role("airflow_app", **given)
        said, recap, _requests = gated.role("airflow_app", airflow_app_state="absent", **given)
        assert (recap["failed"], there()) == (0, [False, False]), said


def test_f10_pod_operator_needs_an_admission_policy(cluster: Cluster, folder: Path) -> None:
    namespaces = [{"name": "airflow-core"}, {"name": "airflow-cron", "pod_operator": True}, {"name": "airflow-user"}]
    with git_server(folder) as url:
        given = given_of(url, platform_worker_namespaces=namespaces)
        why = {"auto": "this API server does not serve ValidatingAdmissionPolicy", "none": "airflow_app_admission_policy is"}
        for mode, words in why.items():
            said, recap, requests = cluster.role("airflow_app", **given, airflow_app_admission_policy=mode)
            assert (recap["failed"], changes(requests)) == (1, []), said
            assert "sets pod_operator for airflow-cron, but" in said
            assert words in said


def test_f10_the_rights_to_make_pods_come_and_go_with_the_option(gated: Cluster, argocd: ArgoCD, folder: Path) -> None:
    """First the admission policy, then the rights. The account is the chart's: what Helm renders, tests/integration/chart has."""
    policy = f"/apis/{API}/validatingadmissionpolicies/gitops-airflow-airflow-workers"
    names = ("airflow-core", "airflow-cron", "airflow-user")
    roles = {f"airflow-cron/{kind}/airflow-pod-operator" for kind in ("Role", "RoleBinding")}

    def known() -> bool:
        return "system:serviceaccount:airflow-cron:airflow-pod-operator" in json.dumps(gated.get(policy))

    with git_server(folder) as url:
        given = given_of(url)
        said, recap, _requests = gated.role("airflow_app", **given)
        assert recap["failed"] == 0, said
        before = rights(gated)
        on = {**given, "platform_worker_namespaces": [{"name": name, "pod_operator": name == "airflow-cron"} for name in names]}

        said, recap, _requests = gated.role("airflow_app", "--check", "--diff", **on)
        assert (recap["failed"], rights(gated), known()) == (0, before, False), said
        assert "airflow-pod-operator" in said
        # The policy, before and after the chart; the rights, the chart.
        assert recap["changed"] == 4, said
        said, recap, requests = gated.role("airflow_app", **on)
        assert (recap["failed"], known()) == (0, True), said
        assert set(rights(gated)) - set(before) == roles
        (subject,) = rights(gated)["airflow-cron/RoleBinding/airflow-pod-operator"]["subjects"]
        assert (subject["namespace"], subject["name"]) == ("airflow-cron", "airflow-pod-operator")
        made = changes(requests)
        first = next(number for number, path in enumerate(made) if "validatingadmissionpolicies/" in path)
        assert first < next(number for number, path in enumerate(made) if "airflow-pod-operator" in path)
        assert 'podOperators: ["airflow-cron"]' in git(folder / "platform.git", "show", "main:platform/airflow/core/values.yaml")
        said, recap, _requests = gated.role("airflow_app", **on)
        assert (recap["failed"], recap["changed"]) == (0, 0), said

        said, recap, _requests = gated.role("airflow_app", "--check", "--diff", **given)
        assert (recap["failed"], set(rights(gated)) - set(before), known()) == (0, roles, True), said
        assert recap["changed"] > 0
        said, recap, _requests = gated.role("airflow_app", **given)
        assert (recap["failed"], rights(gated).keys(), known()) == (0, before.keys(), False), said
        said, recap, _requests = gated.role("airflow_app", **given)
        assert (recap["failed"], recap["changed"]) == (0, 0), said

        # Without both, the policy goes only after the rights that it limits.
        gated.role("airflow_app", **on)
        said, recap, requests = gated.role("airflow_app", **given_of(url, airflow_app_admission_policy="none"))
        deleted = [path for path in changes(requests) if path.startswith("delete")]
        last = max(number for number, path in enumerate(deleted) if "airflow-pod-operator" in path)
        assert last < next(number for number, path in enumerate(deleted) if "validatingadmissionpolicies/" in path), deleted
        assert (recap["failed"], rights(gated).keys(), gated.get(policy)) == (0, before.keys(), None), said

        # A removal finds them without the option, too.
        gated.role("airflow_app", **on)
        said, recap, _requests = gated.role("airflow_app", airflow_app_state="absent", **given)
        assert (recap["failed"], rights(gated)) == (0, {}), said


CHART = "platform/airflow/core"


def values_of(items: dict[str, Obj]) -> set[str]:
    """What Secrets hold, as text and in base64. Short values are names."""
    found = {value for item in items.values() for key, value in item["data"].items() if key not in ("url", "username")}
    return {text for value in found for text in (value, base64.b64decode(value).decode(errors="replace").strip()) if len(text) >= 12}


def test_f11_a_protected_branch_is_published_to_by_review(cluster: Cluster, argocd: ArgoCD, folder: Path) -> None:
    bare = folder / "platform.git"
    protect(bare)
    eve, before = Person(bare, folder), git(bare, "rev-parse", "main")
    with git_server(folder) as url:
        given = given_of(url)
        said, recap, _requests = cluster.role("airflow_app", airflow_app_state="claimed", **given)
        assert recap["failed"] == 1, said
        assert "main is protected" in said
        assert "Or publish by review: set airflow_app_publish: branch." in said

        given |= {"airflow_app_publish": "branch", "airflow_app_publish_wait": 0}
        said, recap, _requests = cluster.role("airflow_app", airflow_app_state="claimed", **given)
        assert (recap["failed"], recap["changed"]) == (0, 1), said
        files = git(bare, "diff", "--name-only", "main", "gitops-airflow/airflow").splitlines()
        assert files == [f"{CHART}/.gitops-airflow-owner"]

        said, recap, _requests = cluster.role("airflow_app", **given)
        assert recap["failed"] == 1, said
        assert "Merge 'gitops-airflow/airflow' into 'main', as a merge, a squash or a rebase." in said
        assert "waits_for_review" in said
        assert (git(bare, "rev-parse", "main"), cluster.get(APPLICATION)) == (before, None)

        commit = eve.squash("gitops-airflow/airflow")
        said, recap, _requests = cluster.role("airflow_app", **given)
        assert recap["failed"] == 0, said
        application = cluster.get(APPLICATION)
        assert application is not None
        assert application["status"]["sync"]["revision"] == commit
        assert git(bare, "for-each-ref", "--format=%(refname)", "refs/heads").split() == ["refs/heads/main"]
        said, recap, _requests = cluster.role("airflow_app", **given)
        assert (recap["failed"], recap["changed"]) == (0, 0), said

        # What people edit is shown, and by default refused.
        values = git(bare, "show", f"main:{CHART}/values.yaml")
        eve.edit({f"{CHART}/values.yaml": f"{values}\nby_hand: true\n"})
        for options in ((), ("--check",)):
            said, recap, _requests = cluster.role("airflow_app", *options, **given)
            assert recap["failed"] == 1, said
            assert "\n+by_hand: true" in said or "  +by_hand: true" in said
            assert "airflow_app_git_edits=overwrite" in said
        said, recap, _requests = cluster.role("airflow_app", airflow_app_git_edits="overwrite", **given)
        assert recap["failed"] == 1, said
        assert "+by_hand: true" in said
        assert "waits_for_review" in said
        eve.rebase("gitops-airflow/airflow")
        said, recap, _requests = cluster.role("airflow_app", **given)
        assert recap["failed"] == 0, said
        assert git(bare, "show", f"main:{CHART}/values.yaml") == values
        cluster.role("airflow_app", airflow_app_state="absent", **given)


def test_rendered_files_hold_no_secret(cluster: Cluster, argocd: ArgoCD, folder: Path) -> None:
    bare, out = folder / "platform.git", folder / "rendered"
    before = git(bare, "for-each-ref", "--format=%(refname) %(objectname)")
    with git_server(folder) as url:
        given = given_of(url, airflow_app_publish="render", airflow_app_render_folder=str(out))
        said, recap, _requests = cluster.role("airflow_app", airflow_app_state="claimed", **given)
        assert (recap["failed"], recap["changed"]) == (0, 0), said
        said, recap, _requests = cluster.role("airflow_app", **given)
        assert recap["failed"] == 1, said
        assert "waits_for_commit" in said
        assert f"The files are in {out}." in said
        assert (git(bare, "for-each-ref", "--format=%(refname) %(objectname)"), cluster.get(APPLICATION)) == (before, None)

        files = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*") if path.is_file()}
        assert {"Chart.yaml", "values.yaml", ".gitops-airflow-owner"} < set(files)
        held = values_of(secrets(cluster)) | {PASSWORD}
        assert len(held) > 10
        assert [(path, len(value)) for path, text in files.items() for value in held if value in text] == []

        eve = Person(bare, folder)
        shutil.copytree(out, eve.clone / CHART, dirs_exist_ok=True)
        commit = eve.edit({}, message="rendered")
        said, recap, _requests = cluster.role("airflow_app", **given)
        assert recap["failed"] == 0, said
        application = cluster.get(APPLICATION)
        assert application is not None
        assert application["status"]["sync"]["revision"] == commit
        said, recap, _requests = cluster.role("airflow_app", **given)
        assert (recap["failed"], recap["changed"]) == (0, 0), said
        cluster.role("airflow_app", airflow_app_state="absent", **given)
