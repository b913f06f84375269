# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles that declare objects, run as plays on a real API server. A thread of the test is the controllers that it lacks."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea_tokens import ACCESS
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.integration.conftest import serve
from ansible_collections.gitops.airflow.tests.integration.test_gitea_tokens import declared

Obj = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
LABELS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
READS = {"get", "list", "watch"}


class Controllers(threading.Thread):
    """Says of each Deployment and StatefulSet that it has rolled out, and of each Job that it is complete."""

    def __init__(self, server: ApiServer) -> None:
        super().__init__(daemon=True)
        self._server, self._over = server, threading.Event()
        self.jobs: list[Obj] = []

    def run(self) -> None:
        while not self._over.wait(0.2):
            for plural in ("deployments", "statefulsets"):
                self._finish("/apis/apps/v1", plural, self._rolled_out)
            self._finish("/apis/batch/v1", "jobs", self._complete)

    def end(self) -> None:
        self._over.set()
        self.join()

    def _finish(self, root: str, plural: str, status: Any) -> None:
        for item in self._server.request("GET", f"{root}/{plural}").get("items") or []:
            found = status(item)
            if found:
                path = f"{root}/namespaces/{item['metadata']['namespace']}/{plural}/{item['metadata']['name']}/status"
                self._server._send("PATCH", path, json.dumps({"status": found}), "application/merge-patch+json")

    @staticmethod
    def _rolled_out(item: Obj) -> Obj | None:
        generation = item["metadata"]["generation"]
        if item.get("status", {}).get("observedGeneration") == generation:
            return None
        return {"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}

    def _complete(self, item: Obj) -> Obj | None:
        if item.get("status", {}).get("conditions"):
            return None
        self.jobs.append(item)
        conditions = [{"type": name, "status": "True"} for name in ("SuccessCriteriaMet", "Complete")]
        return {"startTime": "2026-05-04T10:00:00Z", "completionTime": "2026-05-04T10:00:09Z", "succeeded": 1, "conditions": conditions}


class Cluster:
    """A cluster that only this platform uses, and the plays that are run on it."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server, self._folder = server, folder

    def role(self, name: str, *options: str, **variables: Any) -> tuple[str, dict[str, int], list[Obj]]:
        """Runs a role: what was printed, its recap, and its requests."""
        play = {
            "hosts": "all",
            "gather_facts": False,
            "vars": {
                "platform_kubeconfig": str(self.server.kubeconfig("reader")),
                "platform_context": "test",
                "platform_provider": "existing",
                "airflow_app_platform_repo": "https://git.example/platform.git",
            },
            "roles": [{"role": f"gitops.airflow.{name}", "vars": variables}],
        }
        (self._folder / "play.json").write_text(json.dumps([play]))
        begun = len(self.server.audited("reader"))
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                "-i",
                "localhost,",
                "-c",
                "local",
                *options,
                str(self._folder / "play.json"),
            ],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_PYTHON_INTERPRETER": sys.executable, "ANSIBLE_FORCE_COLOR": "0"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        recap = {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", said.rpartition("PLAY RECAP")[2])}
        assert recap, said
        return said, recap, self.server.audited("reader")[begun:]

    def get(self, path: str) -> Obj | None:
        status, answer = self.server._send("GET", path)
        return json.loads(answer) if status == 200 else None


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    for server in serve(tmp_path_factory.mktemp("roles")):
        server.request("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io", {})
        version, group = "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
        server.create(
            {
                "apiVersion": version,
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "reader-admin"},
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"apiGroup": group, "kind": "User", "name": "reader"}],
            }
        )
        yield Cluster(server, tmp_path_factory.mktemp("plays"))


@pytest.fixture
def controllers(cluster: Cluster) -> Iterator[Controllers]:
    running = Controllers(cluster.server)
    running.start()
    yield running
    running.end()


def changes(requests: list[Obj]) -> list[str]:
    """The requests that change something. A review answers what the account may do."""
    asked = [item for item in requests if item["verb"] not in READS and "dryRun" not in item["query"]]
    return [f"{item['verb']} {item['path']}" for item in asked if "/selfsubject" not in item["path"]]


def test_namespaces_are_created_and_those_of_others_used(cluster: Cluster) -> None:
    given = {"namespaces_names": ["airflow-user", "own-one", "own-two"]}
    _said, recap, requests = cluster.role("namespaces", "--check", **given)
    assert (recap["changed"], recap["failed"], changes(requests)) == (1, 0, [])
    _said, recap, requests = cluster.role("namespaces", **given)
    assert (recap["changed"], recap["failed"]) == (1, 0)
    assert changes(requests) == ["patch /api/v1/namespaces/own-one", "patch /api/v1/namespaces/own-two"]
    made = cluster.get("/api/v1/namespaces/own-one")
    assert made is not None
    expected = {**LABELS, "gitops-airflow/made": "true", "pod-security.kubernetes.io/enforce": "restricted"}
    assert expected.items() <= made["metadata"]["labels"].items()
    _said, recap, requests = cluster.role("namespaces", **given)
    assert (recap["changed"], changes(requests)) == (0, [])
    # No controller here would end their deletion.
    said, recap, requests = cluster.role("namespaces", "--check", "--diff", namespaces_state="absent", **given)
    assert (recap["changed"], changes(requests)) == (1, [])
    assert [line for line in said.splitlines() if line.startswith("-Namespace")] == ["-Namespace own-one", "-Namespace own-two"]
    assert "Namespace airflow-user stays: it existed before the platform" in " ".join(said.split())


def test_a_check_ends_before_the_platform_exists(cluster: Cluster) -> None:
    given = {"platform_argocd_namespace": "later", "namespaces_names": ["later", "airflow-user"]}
    said, recap, requests = cluster.role("namespaces", "--check", **given)
    assert "The cluster does not have Namespace later yet. Check mode ends here" in " ".join(said.split())
    assert (recap["failed"], changes(requests)) == (0, [])


def test_f15_pull_secrets_are_copied_to_the_namespaces_of_the_platform(cluster: Cluster) -> None:
    server, type_ = cluster.server, "kubernetes.io/dockerconfigjson"
    login = {".dockerconfigjson": base64.b64encode(b'{"auths": {"registry.example.com": {}}}').decode()}
    server.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": "default"}, "type": type_, "data": login}
    )
    given = {"namespaces_names": ["pulls-one", "pulls-two", "default"], "platform_pull_secrets": ["login"]}
    said, recap, requests = cluster.role("namespaces", **given)
    assert (recap["changed"], recap["failed"]) == (2, 0), said
    written = sorted(text for text in changes(requests) if "/secrets" in text)  # both at once
    assert written == [f"create /api/v1/namespaces/pulls-{name}/secrets" for name in ("one", "two")]
    copy = cluster.get("/api/v1/namespaces/pulls-one/secrets/login")
    assert copy is not None
    assert (copy["type"], copy["data"]) == (type_, login)
    assert {**LABELS, "gitops-airflow/copied-from": "default"}.items() <= copy["metadata"]["labels"].items()
    assert login[".dockerconfigjson"] not in said
    said, recap, requests = cluster.role("namespaces", **given)
    assert (recap["changed"], changes(requests)) == (0, []), said
    # Each namespace has its own: nothing is copied.
    said, recap, requests = cluster.role("namespaces", **{**given, "namespaces_names": ["pulls-three"]}, platform_pull_secrets_namespace="")
    assert (recap["failed"], [text for text in changes(requests) if "/secrets" in text]) == (0, []), said
    said, recap, requests = cluster.role("namespaces", "--check", "--diff", namespaces_state="absent", **given)
    removed = [line for line in said.splitlines() if line.startswith("-Secret")]
    assert removed == ["-Secret pulls-one/login", "-Secret pulls-two/login"], said


LOGS = "/api/v1/namespaces/airflow-logs"


def test_the_log_store_is_run_once(cluster: Cluster, controllers: Controllers) -> None:
    said, recap, _requests = cluster.role("task_logs", "--diff", "-vvv", task_logs_wait=30)
    assert recap["failed"] == 0, said
    made, accounts = (cluster.get(f"{LOGS}/secrets/task-logs-{name}") for name in ("generated", "accounts"))
    assert made is not None
    assert accounts is not None
    assert made["immutable"]
    users = json.loads(base64.b64decode(accounts["data"]["users.json"]))["accessAccounts"]
    for name in ("webserver", "workers"):
        assert users[name]["secret"] == base64.b64decode(made["data"][name]).decode()
        assert users[name]["secret"] not in said
        assert made["data"][name] not in said
    assert accounts["data"]["users.json"] not in said
    store = cluster.get("/apis/apps/v1/namespaces/airflow-logs/deployments/task-logs")
    assert store is not None
    # As the role before this module computed it: another value would restart the store on an upgrade.
    digest = hashlib.sha256("".join(made["data"].values()).encode()).hexdigest()[:16]
    pod = store["spec"]["template"]["metadata"]
    assert (pod["labels"], pod["annotations"]) == ({"app.kubernetes.io/name": "task-logs"}, {"checksum/accounts": digest})
    assert len(controllers.jobs) == 1
    assert LABELS.items() <= controllers.jobs[0]["metadata"]["labels"].items()

    said, recap, requests = cluster.role("task_logs", task_logs_wait=30)
    assert (recap["changed"], recap["failed"], changes(requests)) == (0, 0, [])

    said, recap, requests = cluster.role("task_logs", "--check", task_logs_wait=30, platform_airflow_image="apache/airflow:2.6.4")
    assert (recap["failed"], changes(requests)) == (0, [])
    assert recap["changed"] == 2

    said, recap, _requests = cluster.role("task_logs", task_logs_wait=30, platform_airflow_image="apache/airflow:2.6.4")
    assert (recap["changed"], recap["failed"]) == (2, 0), said
    assert [job["spec"]["template"]["spec"]["containers"][0]["image"] for job in controllers.jobs] == [
        "apache/airflow:2.6.3",
        "apache/airflow:2.6.4",
    ]

    login = {".dockerconfigjson": base64.b64encode(b'{"auths": {}}').decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull", "namespace": "airflow-core"}, "data": login}
    cluster.server.create({**secret, "type": "kubernetes.io/dockerconfigjson"})
    pulls = {"airflow_app_values": {"registry": {"secretName": "pull"}}, "airflow_app_worker_secrets": ["pull"]}
    said, recap, _requests = cluster.role("task_logs", task_logs_wait=30, platform_airflow_image="apache/airflow:2.6.4", **pulls)
    assert (recap["changed"], recap["failed"]) == (3, 0), said
    copy, store = (cluster.get(path) for path in (f"{LOGS}/secrets/pull", "/apis/apps/v1/namespaces/airflow-logs/deployments/task-logs"))
    assert copy is not None
    assert store is not None
    assert (copy["type"], copy["data"]) == ("kubernetes.io/dockerconfigjson", login)
    assert copy["metadata"]["labels"]["gitops-airflow/copied-from"] == "airflow-core"
    pods = [store, controllers.jobs[-1]]
    assert [item["spec"]["template"]["spec"]["imagePullSecrets"] for item in pods] == [[{"name": "pull"}]] * 2
    said, recap, requests = cluster.role("task_logs", task_logs_wait=30, platform_airflow_image="apache/airflow:2.6.4", **pulls)
    assert (recap["changed"], recap["failed"], changes(requests)) == (0, 0, [])
    cluster.server.request("DELETE", f"{LOGS}/secrets/task-logs-generated", {})
    cluster.server.create(
        {
            **{key: made[key] for key in ("apiVersion", "kind")},
            "metadata": {"name": "task-logs-generated", "namespace": "airflow-logs", "labels": LABELS},
            "data": {"webserver": "eA=="},
        }
    )
    said, recap, requests = cluster.role("task_logs", task_logs_wait=30)
    assert recap["failed"] == 1
    assert "lacks administrator, workers. It is generated once and never changed" in " ".join(said.split())
    assert changes(requests) == []


def test_the_git_server_is_run(cluster: Cluster, controllers: Controllers) -> None:
    """Up to its tokens: there is no pod that could make them."""
    said, recap, requests = cluster.role("git_server", git_server_wait=30)
    made = cluster.get("/api/v1/namespaces/git/secrets/gitea-config")
    assert made is not None, said
    assert made["data"].keys() == {"password", "secret-key", "internal-token"}
    assert recap["failed"] == 1
    assert "no ready pod" in said.partition("Create the Git server's repositories, accounts and tokens")[2], said
    # D5: what an older version has stored is completed, which a check only reports.
    data = dict.fromkeys(("username", "argocd-token", "git-sync-token"), "eA==")
    metadata = {"name": "git-credentials", "namespace": "git", "labels": LABELS}
    cluster.server.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    said, recap, requests = cluster.role("git_server", "--check", "--diff", git_server_wait=30)
    assert (recap["changed"], recap["failed"], changes(requests)) == (1, 0, []), said
    assert "+dags: write gitops/dags (write:repository)" in said
    cluster.server.request("DELETE", "/api/v1/namespaces/git/secrets/git-credentials", {})
    metadata |= {"annotations": {ACCESS: declared("git-credentials").access}}
    data |= dict.fromkeys(("platform-token", "dags-token"), "eA==")
    cluster.server.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    for state in ("present", "settled"):
        said, recap, requests = cluster.role("git_server", git_server_wait=30, git_server_state=state)
        assert (recap["changed"], recap["failed"], changes(requests)) == (0, 0, []), said


def test_argo_cd_is_installed_changed_and_removed(cluster: Cluster, controllers: Controllers) -> None:
    given = {"argocd_manifest": str(lab_file("argocd-install.yaml")), "argocd_wait": 30, "argocd_admin_password": "a-password-of-a-person"}
    said, recap, requests = cluster.role("argocd", "--check", "--diff", **given)
    assert (recap["changed"], recap["failed"], changes(requests)) == (1, 0, []), said
    said, recap, _requests = cluster.role("argocd", "-vvv", **given)
    assert (recap["changed"], recap["failed"]) == (1, 0), said
    assert "a-password-of-a-person" not in said
    record = cluster.get("/api/v1/namespaces/argocd/configmaps/argocd-installed")
    assert record is not None
    assert (record["data"]["state"], record["data"]["version"]) == ("applied", "v3.0.23")
    default = cluster.get("/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/default")
    assert default is not None
    assert (default["spec"]["sourceRepos"], default["spec"]["destinations"]) == ([], [])
    for state in ("checked", "present"):
        said, recap, requests = cluster.role("argocd", argocd_state=state, **given)
        assert (recap["changed"], recap["failed"], changes(requests)) == (0, 0, []), said
    said, recap, _requests = cluster.role("argocd", argocd_state="absent", **given)
    assert (recap["changed"], recap["failed"]) == (1, 0), said
    assert cluster.get("/api/v1/namespaces/argocd/configmaps/argocd-installed") is None


ACCOUNT = "/api/v1/namespaces/kube-system/serviceaccounts/metrics-server"


def test_the_metrics_servers_api_is_registered_after_the_roll_out(cluster: Cluster, controllers: Controllers) -> None:
    """Nobody answers here: the wait for it fails, with the advice."""
    said, recap, requests = cluster.role("metrics_server", metrics_server_wait=3)
    words = " ".join(said.split())
    assert recap["failed"] == 1
    assert "APIService v1beta1.metrics.k8s.io: it is not available yet" in words
    assert "metrics_server_kubelet_insecure_tls" in words
    asked = changes(requests)
    assert asked[-1] == "patch /apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"
    assert asked[0] == f"patch {ACCOUNT}"
    watched = [item["path"] for item in requests if item["verb"] == "watch"]
    assert watched.index("/apis/apps/v1/namespaces/kube-system/deployments") < watched.index("/apis/apiregistration.k8s.io/v1/apiservices")
    _said, recap, requests = cluster.role("metrics_server", metrics_server_state="absent")
    assert recap["failed"] == 0
    assert changes(requests)[0] == "delete /apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"
    assert len(changes(requests)) == 9
