# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal comes before anything is changed, and says so. Real playbooks and roles, a real API server and its audit log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration.apiserver import NAMESPACES, ApiServer
from ansible_collections.gitops.airflow.tests.integration.conftest import serve
from ansible_collections.gitops.airflow.tests.integration.git_server import PASSWORD, USER, git_server
from ansible_collections.gitops.airflow.tests.integration.test_ownership import BETA, CRDS, MARKS, Cluster, obj, path_of
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
Obj = dict[str, Any]
Done = subprocess.CompletedProcess[str]
READS = {"get", "list", "watch"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A cluster without Argo CD; the playbooks may do everything, and all that they do is audited."""
    for running in serve(tmp_path_factory.mktemp("refusals")):
        running.request("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io", {})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}]
        version = "rbac.authorization.k8s.io/v1"
        running.create(obj("ClusterRoleBinding", "", "reader-admin", version=version, roleRef=reference, subjects=subjects))
        yield running


@pytest.fixture
def cluster(server: ApiServer) -> Iterator[Cluster]:
    found = Cluster(server)
    yield found
    found.clean()
    for namespace in NAMESPACES:  # what a role made
        server.request("DELETE", f"/api/v1/namespaces/{namespace}/secrets?labelSelector=app.kubernetes.io/part-of%3Dgitops-airflow", {})
    deadline = time.monotonic() + 30
    for plural in CRDS:
        while server._send("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.argoproj.io")[0] != 404:
            assert time.monotonic() < deadline, f"the CRD {plural} is not gone"
            time.sleep(0.05)


class Run:
    """A playbook of this collection, or a role in a play of its own."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster, self._folder = cluster, folder
        (folder / "manifest.yml").write_text("")

    def _run(self, playbook: Path, variables: Obj) -> tuple[Done, str, list[Obj]]:
        given = {
            "platform_name": "airflow",
            "platform_provider": "existing",
            "platform_kubeconfig": str(self._cluster.server.kubeconfig("reader")),
            "platform_context": "test",
            "platform_state_dir": str(self._folder / "state"),
            "argocd_manifest": str(self._folder / "manifest.yml"),
            **variables,
        }
        before = len(self._cluster.server.audited("reader"))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(playbook), "-i", "inventories/molecule"]
        environment = {**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
        done = subprocess.run(
            [*command, "-e", json.dumps(given)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        return done, " ".join(done.stdout.split()), self._cluster.server.audited("reader")[before:]

    def playbook(self, name: str, **variables: Any) -> tuple[Done, str, list[Obj]]:
        return self._run(ROOT / f"playbooks/{name}.yml", variables)

    def roles(self, *roles: tuple[str, Obj], **variables: Any) -> tuple[Done, str, list[Obj]]:
        listed = [{"role": f"gitops.airflow.{name}", "vars": own} for name, own in roles]
        path = self._folder / "play.json"
        path.write_text(json.dumps([{"hosts": "platform", "gather_facts": False, "roles": listed}]))
        return self._run(path, variables)

    def role(self, name: str, **variables: Any) -> tuple[Done, str, list[Obj]]:
        return self.roles((name, variables))


@pytest.fixture
def run(cluster: Cluster, tmp_path: Path) -> Run:
    return Run(cluster, tmp_path)


def changes(requests: list[Obj]) -> list[str]:
    """The requests that do not only read. A command in a pod, or a tunnel to one, counts as a change; a review of rights does not."""
    return [
        f"{item['verb']} {item['path']}"
        for item in requests
        if (item["verb"] not in READS and "/selfsubject" not in item["path"]) or item["path"].endswith(("/exec", "/portforward"))
    ]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout


def repository(folder: Path, name: str, push: bool = False) -> str:
    """A bare repository with one commit; its URL. ``push``: it may be pushed to over HTTP."""
    bare, seed = folder / f"{name}.git", folder / f"{name}-seed"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(bare)], check=True)
    git(bare, "config", "http.receivepack", str(push).lower())
    git(folder, "clone", "--quiet", str(bare), seed.name)
    (seed / "README").write_text(f"{name}\n")
    git(seed, "add", "-A")
    git(seed, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "first")
    git(seed, "push", "--quiet", "origin", "HEAD:main")
    return f"file://{bare}"


@pytest.mark.parametrize(
    ("entry", "variables"),
    [
        ("verify.yml", {}),
        ("site.yml", {}),
        ("airflow_app", {}),
        ("airflow_app", {"airflow_app_state": "checked"}),
        ("airflow_verify", {}),
        ("argocd", {}),
        ("argocd", {"argocd_state": "checked"}),
        ("git_server", {}),
        ("git_server", {"git_server_state": "settled"}),
        ("metrics_server", {}),
        ("namespaces", {}),
        ("task_logs", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value.values()),
)
def test_h7_every_way_in_refuses_the_cluster_of_another_platform(cluster: Cluster, run: Run, entry: str, variables: Obj) -> None:
    cluster.apply(obj("Secret", "airflow-user", "git-credentials", BETA), by="kubectl")
    playbook, _dot, suffix = entry.partition(".")
    done, said, requests = run.playbook(playbook) if suffix else run.role(entry, **variables)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "the cluster has the platform 'beta'" in said
    assert "Nothing was changed in the cluster" in said
    assert requests
    assert changes(requests) == []


@pytest.mark.parametrize("foreign", [True, False], ids=["another platform", "no other platform"])
def test_h7_no_dags_are_pushed_for_the_cluster_of_another_platform(cluster: Cluster, run: Run, tmp_path: Path, foreign: bool) -> None:
    """The repository is one of your own, so nothing but the look at the cluster stands in the way."""
    url, dags = repository(tmp_path, "own"), tmp_path / "dags"
    dags.mkdir()
    (dags / "a_dag.py").write_text("# nothing\n")
    if foreign:
        cluster.apply(obj("Secret", "airflow-user", "git-credentials", BETA), by="kubectl")
    done, said, requests = run.playbook("push_dags", airflow_app_push_dir=str(dags), airflow_app_dags_repo=url)
    assert (done.returncode != 0) is foreign, done.stdout + done.stderr
    assert ("the cluster has the platform 'beta'" in said) is foreign
    assert ("a_dag.py" in git(tmp_path / "own.git", "ls-tree", "-r", "--name-only", "main")) is not foreign
    assert changes(requests) == []


SCHEDULER = {
    "selector": {"matchLabels": {"a": "b"}},
    "template": {
        "metadata": {"labels": {"a": "b"}, "annotations": {"gitops-airflow/airflow-version": "2.10.5"}},
        "spec": {"containers": [{"name": "scheduler", "image": "none"}]},
    },
}
DEPLOYED = obj("Deployment", "airflow-core", "airflow-scheduler", version="apps/v1", spec=SCHEDULER)
DEPLOYED["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "airflow-core:apps/Deployment:airflow-core/airflow-scheduler"}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
BUCKET = {
    "airflow_app_logs": "s3",
    "airflow_app_logs_bucket": "logs",
    "airflow_app_logs_secret": "keys",
    "airflow_app_logs_region": "eu-west-1",
}


@pytest.mark.parametrize(
    ("there", "variables", "words"),
    [
        pytest.param(
            [obj("PersistentVolumeClaim", "airflow-core", "data-airflow-mysql-0", spec=CLAIM)],
            {},
            "The Secret airflow-generated of airflow-core lacks admin-password, fernet-key",
            id="lost passwords",
        ),
        pytest.param(
            [DEPLOYED],
            {},
            "platform_airflow_version is 2.6.3, but Airflow 2.10.5 runs",
            id="an older version",
        ),
        pytest.param([], BUCKET, "the Secret keys of airflow-core does not exist", id="no Secret of the bucket"),
        pytest.param(
            [],
            {**BUCKET, "platform_core_namespace": "new", "platform_worker_namespaces": [{"name": "new"}]},
            "Next: kubectl create namespace new; kubectl -n new create secret generic keys",
            id="no namespace for the Secret of the bucket",
        ),
        pytest.param(
            [obj("Secret", "airflow-core", "keys", data={"access-key-id": "eA=="})],
            BUCKET,
            "the Secret keys of airflow-core lacks secret-access-key",
            id="half of the bucket's keys",
        ),
    ],
)
def test_site_refuses_before_it_changes_anything(cluster: Cluster, run: Run, there: list[Obj], variables: Obj, words: str) -> None:
    cluster.apply(*there, by="kubectl")
    for item in there:  # No controller would take a claim's finalizer away.
        cluster.server.request("PATCH", path_of(item), {"metadata": {"finalizers": None}}, "application/merge-patch+json")
    done, said, requests = run.playbook("site", **variables)
    assert done.returncode == 2, done.stdout + done.stderr
    # The report at the end breaks the sentences apart: what, why, do.
    assert words.removeprefix("Next: ") in said, done.stdout
    assert "Nothing was changed" in said
    assert changes(requests) == []


@pytest.mark.parametrize("checked", [True, False], ids=["site.yml", "alone"])
def test_the_state_is_read_once_in_a_run(cluster: Cluster, run: Run, tmp_path: Path, checked: bool) -> None:
    """Up to the wait for an Argo CD that does not run here."""
    cluster.record(cluster.argocd("argocd", by="gitops.airflow"), MARKS, state="applied")
    given = {
        "airflow_app_platform_username": USER,
        "airflow_app_platform_password": PASSWORD,
        "airflow_app_dags_repo": repository(tmp_path, "dags"),
        "airflow_app_dags_subpath": ".",
        "airflow_app_logs": "none",
        "airflow_app_wait": 1,
    }
    steps: list[tuple[str, Obj]] = [("airflow_app", {"airflow_app_state": "checked"})] if checked else []
    repository(tmp_path, "platform", push=True)
    with git_server(tmp_path) as url:
        given["airflow_app_platform_repo"] = f"{url}/platform.git"
        done, said, requests = run.roles(*steps, ("airflow_app", {"__airflow_app_checked": True}), **given)
    # No Argo CD would take the Application's finalizer away.
    application = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/airflow-core"
    cluster.server.request("PATCH", application, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
    task = "Declare the Application and wait until it is Synced and Healthy at the pushed commit"
    assert f"FAILED in: {task}" in said, done.stdout + done.stderr
    scheduler = "/apis/apps/v1/namespaces/airflow-core/deployments/airflow-scheduler"
    assert [item["path"] for item in requests].count(scheduler) == 1


def config_map(name: str) -> Obj:
    return obj("ConfigMap", "argocd", name, {"app.kubernetes.io/part-of": "argocd"})


def test_h1_a_later_manifest_takes_over_no_object_of_others(cluster: Cluster, run: Run, tmp_path: Path) -> None:
    """The record names what the manifest had before: what is new in it may be another's."""
    ours, theirs = config_map("argocd-old"), config_map("argocd-new")
    cluster.apply(ours, by="gitops.airflow")
    cluster.record([ours], MARKS, state="applied", deployments="")
    cluster.apply(theirs, by="kubectl")
    (tmp_path / "manifest.yml").write_text("\n---\n".join(json.dumps(item) for item in (ours, theirs)))
    for state in ("checked", "present"):
        done, said, requests = run.role("argocd", argocd_state=state)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "which it did not make: ConfigMap argocd/argocd-new." in said, done.stdout
        assert "argocd-old" not in said.partition("PLAY RECAP")[0].partition("which it did not make")[2]
        assert changes(requests) == []
    cluster.server.request("DELETE", path_of(theirs), {})
    done, _said, requests = run.role("argocd", argocd_state="checked")
    assert (done.returncode, changes(requests)) == (0, []), done.stdout + done.stderr


METRICS = {"k8s-app": "metrics-server"}
ACCOUNT = obj("ServiceAccount", "kube-system", "metrics-server", MARKS)
DEPLOYMENT = obj(
    "Deployment",
    "kube-system",
    "metrics-server",
    METRICS,
    "apps/v1",
    spec={
        "selector": {"matchLabels": METRICS},
        "template": {"metadata": {"labels": METRICS}, "spec": {"containers": [{"name": "metrics-server", "image": "theirs"}]}},
    },
)


def test_h1_part_of_another_metrics_server_is_not_overwritten(cluster: Cluster, run: Run) -> None:
    """The account is this platform's, the Deployment is not."""
    cluster.apply(ACCOUNT)
    cluster.apply(DEPLOYMENT, by="kubectl")
    for state in ("checked", "present"):
        done, said, requests = run.role("metrics_server", metrics_server_state=state)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "did not make: Deployment kube-system/metrics-server: it does not have the labels" in said
        assert "Nothing was applied." in said
        assert "set platform_metrics_server to false" in said
        assert changes(requests) == []
    done, said, requests = run.role("metrics_server", metrics_server_state="absent")
    assert done.returncode == 0, done.stdout + done.stderr
    assert changes(requests) == ["delete /api/v1/namespaces/kube-system/serviceaccounts/metrics-server"]
    assert "Deployment kube-system/metrics-server stays" in " ".join(done.stderr.split())


def test_h1_another_metrics_server_is_left_as_it_is(cluster: Cluster, run: Run) -> None:
    """Whatever its account is labelled."""
    api = obj(
        "APIService",
        "",
        "v1beta1.metrics.k8s.io",
        METRICS,
        "apiregistration.k8s.io/v1",
        spec={
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "metrics-server", "namespace": "kube-system"},
        },
    )
    cluster.apply(ACCOUNT)
    cluster.apply(DEPLOYMENT, api, by="kubectl")
    done, said, requests = run.role("metrics_server")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Another metrics-server serves metrics.k8s.io, so this platform does not install its own." in said
    assert "Service kube-system/metrics-server serves it" in said
    assert changes(requests) == []
    done, _said, requests = run.role("metrics_server", metrics_server_state="absent")
    assert done.returncode == 0, done.stdout + done.stderr
    assert changes(requests) == ["delete /api/v1/namespaces/kube-system/serviceaccounts/metrics-server"]
    assert "APIService v1beta1.metrics.k8s.io stays" in " ".join(done.stderr.split())
    # Later runs of a platform without metrics-server do not report the other one again.
    done, _said, requests = run.role("metrics_server", metrics_server_state="absent")
    assert (done.returncode, changes(requests)) == (0, [])
    assert " stays: " not in " ".join(done.stderr.split())
