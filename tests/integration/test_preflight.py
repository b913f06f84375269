# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look before a run on a real API server: its plan, its requests, and what it says where it cannot look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration import test_ownership as ownership
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.test_ownership import (
    BETA,
    MARKS,
    OLDER,
    Cluster,
    Obj,
    application,
    argo,
    names,
    obj,
)

owned, cluster = ownership.owned, ownership.cluster
REPO = "http://gitea.git.svc.cluster.local:3000/gitops/platform.git"
NAMESPACES = [{"name": name} for name in ("airflow-core", "airflow-cron", "airflow-user")]
PLATFORM: Obj = {"name": "airflow", "airflow_version": "2.6.3", "worker_namespaces": NAMESPACES}
KEYS = ("admin-password", "fernet-key", "mysql-password", "mysql-root-password", "webserver-secret-key")
HIDDEN = "c2VjcmV0LW9mLWFpcmZsb3c="
# Whether the API server serves admission policies is another note.
NO_POLICY: Obj = {"admission_policy": "none"}


def look(cluster: Cluster, user: str = "reader", check: bool = False, **options: Any) -> Obj:
    given: Obj = {"platform": PLATFORM, "airflow": {}, **options}
    return Module("platform_preflight", cluster.server.kubeconfig(user), check=check, **given).result()


def codes(result: Obj) -> list[str]:
    return [item["code"] for item in result["refusals"]]


def secret(name: str, *keys: str, namespace: str = "airflow-core", labels: dict[str, str] | None = None, **annotations: str) -> Obj:
    made = obj("Secret", namespace, name, MARKS if labels is None else labels, data=dict.fromkeys(keys, HIDDEN))
    made["metadata"]["annotations"] = annotations
    return made


def project(labels: dict[str, str], *namespaces: str, trust: str = "") -> Obj:
    destinations = [{"namespace": name, "server": "https://kubernetes.default.svc"} for name in namespaces]
    made = argo("AppProject", "argocd", "airflow", labels, sourceRepos=[REPO], destinations=destinations)
    made["metadata"]["annotations"] = {"gitops-airflow/trust": trust}
    return made


def scheduler(version: str) -> Obj:
    labels = {"app": "scheduler"}
    containers = [{"name": "scheduler", "image": "x"}]
    template = {
        "metadata": {"labels": labels, "annotations": {"gitops-airflow/airflow-version": version}},
        "spec": {"containers": containers},
    }
    spec = {"selector": {"matchLabels": labels}, "template": template}
    instance = {"app.kubernetes.io/instance": "airflow-core"}
    return obj("Deployment", "airflow-core", "airflow-scheduler", instance, version="apps/v1", spec=spec)


def worker(namespace: str, name: str) -> Obj:
    return obj("Pod", namespace, name, {"kubernetes_executor": "True"}, spec={"containers": [{"name": "base", "image": "x"}]})


def installed(cluster: Cluster, labels: dict[str, str] | None = None) -> None:
    """A platform as its roles leave it, as far as the look sees it."""
    marks = MARKS if labels is None else labels
    cluster.record(cluster.argocd("argocd", by="gitops.airflow"), marks, **({"state": "applied"} if labels is None else {}))
    cluster.apply(
        application("airflow-core", marks, repo=REPO),
        project(marks, "airflow-core", "airflow-cron", "airflow-user", "old", trust="tls:git.example ssh"),
        secret("airflow-generated", *KEYS, labels=marks),
        secret("airflow-task-logs", "connection", labels=marks, **{"gitops-airflow/log-store": "data at AWS"}),
        secret("dags-git-ssh", "gitSshKey", namespace="airflow-cron", labels=marks),
        scheduler("2.6.3"),
    )


def test_a_clean_cluster_is_read_once_and_nothing_is_written(cluster: Cluster) -> None:
    before = len(cluster.server.audited("reader"))
    result = look(cluster)
    assert (codes(result), result["reachable"], result["complete"], result["changed"]) == ([], True, True, False)
    plan = result["plan"]
    assert plan["cluster"] == cluster.server.request("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert (plan["generated"], plan["running_version"], plan["moves"], plan["dropped_namespaces"]) == ("missing", "2.6.3", False, [])
    assert plan["embedded"] == {"platform": True, "dags": True}
    assert [item["embedded"] for item in plan["repositories"]] == [True, True]
    seen = cluster.server.audited("reader")[before:]
    (review,) = [request for request in seen if request["verb"] not in ("get", "list")]
    assert review["path"].endswith("/selfsubjectaccessreviews")
    # One for rights, 27 for owners anywhere, 40 names of this platform, 18 of its chart, 2 of tasks' pods, the scheduler and the claim,
    # MySQL's StorageClass, 5 for the ranges, 2 for admission.
    assert len(seen) == 97


def test_a_platform_that_is_installed_needs_fewer_requests(cluster: Cluster) -> None:
    installed(cluster)
    before = len(cluster.server.audited("reader"))
    result = look(cluster, airflow={"logs": "none"})
    assert codes(result) == []
    seen = cluster.server.audited("reader")[before:]
    # One for rights of the account, 12 for those of Airflow, which the first run makes, one for MySQL's StorageClass.
    assert len(seen) == 75
    paths = [request["path"] for request in seen]
    assert len(paths) == len({(request["path"], json.dumps(request["query"], sort_keys=True)) for request in seen}), (
        "something is read twice"
    )
    plan = result["plan"]
    assert plan["in_use"] is True
    assert plan["generated"] == "present"
    assert plan["dropped_namespaces"] == ["old"]
    assert plan["moves"] is True
    assert sorted(names(plan["retired"])) == ["Namespace old", "Secret airflow-task-logs", "Secret dags-git-ssh"]
    assert (plan["log_store"], plan["log_store_before"]) == ("no store", "data at AWS")
    assert "Airflow no longer shows those in data at AWS" in plan["notes"][0]
    assert HIDDEN not in json.dumps(result)


def test_s5_a_password_that_is_part_of_a_name_leaves_the_plan_as_it_is(cluster: Cluster) -> None:
    result = look(cluster, airflow={"platform_credentials": {"password": "airflow", "username": "ann"}}, repositories=False)
    assert sorted(result["plan"]["namespaces"])[:3] == ["airflow-core", "airflow-cron", "airflow-user"]
    assert result["invocation"]["module_args"]["airflow"]["platform_credentials"] == {"username": "ann", "known_hosts": None, "ca": None}


def test_everything_in_the_way_comes_together(cluster: Cluster, tmp_path: Path) -> None:
    installed(cluster)
    cluster.apply(obj("Namespace", "", "old"), worker("old", "task-1"), secret("bucket", "access-key-id", labels={}))
    airflow = {"values": {"executor": "LocalExecutor"}, "logs": "s3", "logs_bucket": "data", "logs_secret": "bucket"}
    airflow |= {"dags_repo": f"file://{tmp_path}/none.git"}
    result = look(cluster, platform={**PLATFORM, "airflow_version": "2.6.0"}, airflow=airflow, unchanged="Nothing was changed.")
    assert codes(result) == ["executor", "bucket_secret", "older_version", "tasks_at_upgrade", "tasks_in_dropped", "repository_missing"]
    assert result["code"] == "refused"
    assert result["msg"].startswith("There are 6 problems.\n1. airflow_app_values sets the executor")
    assert result["msg"].endswith("\nNothing was changed.")
    assert result["next_action"].splitlines()[2] == "3. Set platform_airflow_version to 2.6.3 or newer."
    assert all(item["value"] and item["rule"] and item["next_action"] for item in result["refusals"])
    assert HIDDEN not in json.dumps(result)


def test_lost_keys_are_refused(cluster: Cluster) -> None:
    installed(cluster)
    cluster.server.request("DELETE", "/api/v1/namespaces/airflow-core/secrets/airflow-generated", {})
    assert look(cluster)["plan"]["generated"] == "missing"
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    cluster.apply(obj("PersistentVolumeClaim", "airflow-core", "data-airflow-mysql-0", spec=claim))
    result = look(cluster)
    assert (result["code"], result["refusals"][0]["value"]) == ("lost_keys", ", ".join(KEYS))
    path = "/api/v1/namespaces/airflow-core/persistentvolumeclaims/data-airflow-mysql-0"
    cluster.server.request("PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")


def test_d6_a_namespace_of_others_that_enforces_nothing_is_refused(cluster: Cluster) -> None:
    cluster.apply(obj("Namespace", "", "team-b"))
    platform = {**PLATFORM, "worker_namespaces": [*NAMESPACES, {"name": "team-b"}]}
    result = look(cluster, platform=platform)
    assert codes(result) == ["unenforced_namespace"]
    assert result["refusals"][0]["value"] == "team-b"
    assert "kubectl label namespace team-b pod-security.kubernetes.io/enforce=baseline." in result["next_action"]
    assert codes(look(cluster, platform=platform, purpose="use")) == []
    assert codes(look(cluster, platform={**platform, "unenforced_namespaces": ["team-b"]})) == []
    cluster.apply(obj("Namespace", "", "team-b", {"pod-security.kubernetes.io/enforce": "restricted"}))
    assert codes(look(cluster, platform=platform)) == []


def test_classes_that_settings_name_are_looked_up(cluster: Cluster) -> None:
    profile = {"name": "airflow-user", "priority_class": "preflight-low", "runtime_class": "preflight-sandbox"}
    platform = {**PLATFORM, "worker_namespaces": [*NAMESPACES[:2], profile]}
    result = look(cluster, platform=platform, airflow=NO_POLICY)
    assert [(item["code"], item["value"]) for item in result["refusals"]] == [
        ("missing_class", "preflight-low"),
        ("missing_class", "preflight-sandbox"),
    ]
    assert codes(look(cluster, platform=platform, purpose="use")) == []
    cluster.apply(obj("PriorityClass", "", "preflight-low", version="scheduling.k8s.io/v1", value=1000))
    assert [item["value"] for item in look(cluster, platform=platform, airflow=NO_POLICY)["refusals"]] == ["preflight-sandbox"]
    cluster.apply(obj("RuntimeClass", "", "preflight-sandbox", version="node.k8s.io/v1", handler="runc"))
    result = look(cluster, platform=platform, airflow=NO_POLICY)
    assert (codes(result), result["plan"]["notes"]) == ([], [])


def test_a_pull_secret_is_refused_once_its_namespace_exists(cluster: Cluster) -> None:
    platform = {**PLATFORM, "worker_namespaces": [*NAMESPACES, {"name": "preflight-new", "pull_secrets": ["registry"]}]}
    result = look(cluster, platform=platform, airflow=NO_POLICY)
    assert codes(result) == []
    (note,) = result["plan"]["notes"]
    assert "It cannot exist yet in preflight-new, which this run creates." in note
    cluster.apply(obj("Namespace", "", "preflight-new", {"pod-security.kubernetes.io/enforce": "baseline"}))
    result = look(cluster, platform=platform, airflow=NO_POLICY)
    assert [(item["code"], item["value"]) for item in result["refusals"]] == [("missing_reference", "preflight-new/registry")]
    cluster.apply(secret("registry", ".dockerconfigjson", namespace="preflight-new", labels={}))
    result = look(cluster, platform=platform, airflow=NO_POLICY)
    assert (codes(result), result["plan"]["notes"]) == ([], [])


@pytest.mark.parametrize(("purpose", "expected"), [("install", ["tasks_run"]), ("use", []), ("remove", [])])
def test_h7_an_older_platform_is_changed_only_while_no_task_runs(cluster: Cluster, purpose: str, expected: list[str]) -> None:
    installed(cluster, OLDER)
    cluster.apply(worker("airflow-cron", "task-1"))
    result = look(cluster, purpose=purpose)
    assert codes(result) == expected
    assert expected or (result["plan"]["adoption"], result["plan"]["dropped_namespaces"]) == (True, ["old"])


def test_h7_another_platform_is_refused_but_for_a_removal(cluster: Cluster) -> None:
    cluster.apply(secret("airflow-generated", labels=BETA), secret("x", namespace="airflow-user", labels=BETA))
    for purpose, expected in (("install", ["other_platform"]), ("use", ["other_platform"]), ("remove", [])):
        result = look(cluster, purpose=purpose)
        assert codes(result) == expected
    assert result["plan"]["retired"] == []


# Where the look fails


def test_one_who_may_not_list_is_refused_with_the_right(cluster: Cluster) -> None:
    result = look(cluster, user="stranger", absent_ok=True, airflow={"values": {"executor": "LocalExecutor"}})
    assert codes(result) == ["executor", "missing_rights"]
    assert "The account stranger lacks rights that a run needs:" in result["msg"]
    everywhere = "airflow-core, airflow-cron, airflow-user, argocd, git, airflow-logs"
    assert f"in {everywhere}: get, create, patch, delete networkpolicies.networking.k8s.io (to limit the network)" in result["msg"]
    assert "The playbook rights.yml (make rights) writes it" in result["next_action"]


def test_credentials_that_are_not_known(cluster: Cluster) -> None:
    assert codes(look(cluster, user="nobody")) == ["unauthorized"]


def test_a_cluster_that_does_not_answer(cluster: Cluster) -> None:
    path = cluster.server.kubeconfig("admin", port=1)
    result = Module("platform_preflight", path, platform=PLATFORM, airflow={}, absent_ok=True).result()
    assert (result["reachable"], result["complete"], result["plan"]["cluster"], result["plan"]["application"]) == (
        False,
        False,
        "",
        "airflow-core",
    )
    result = Module("platform_preflight", path, platform=PLATFORM, airflow={}).result()
    assert (result["code"], result["failed"]) == ("unreachable", True)
    assert "cannot be reached" in result["msg"]


@pytest.mark.parametrize(
    ("content", "context", "code"),
    [
        (None, None, "kubeconfig"),
        ("{", None, "bad_kubeconfig"),
        ("just a text", None, "bad_kubeconfig"),
        ("", None, "bad_kubeconfig"),
        ("valid", "no-such-context", "bad_kubeconfig"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(cluster: Cluster, tmp_path: Path, content: str | None, context: str | None, code: str) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(cluster.server.kubeconfig("reader").read_text() if content == "valid" else content)
    options: Obj = {"platform": PLATFORM, "airflow": {}, **({"context": context} if context else {})}
    result = Module("platform_preflight", path, **options).result()
    assert codes(result) == [code]
    assert str(path) in result["msg"]
    assert result["next_action"].startswith("Set platform_kubeconfig")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"platform": "airflow"}, "dictionary"),
        ({"platform": {}}, "missing required arguments: name found in platform"),
        ({"platform": {"name": "a", "worker_namespaces": [{}]}}, "name found in platform"),
        ({"platform": {"name": "a", "worker_namespaces": "airflow-core"}}, "dictionary requested"),
        ({"platform": {"name": "a", "airflow_host_port": "x"}}, "airflow_host_port"),
        ({"platform": {"name": "a"}, "airflow": {"core_tasks": "perhaps"}}, "core_tasks"),
        ({"platform": {"name": "a"}, "airflow": {"vaules": {}}}, "vaules"),
        ({"platform": {"name": "a"}, "purpose": "look"}, "purpose"),
    ],
)
def test_wrong_types_are_named(tmp_path: Path, options: Obj, words: str) -> None:
    result = Module("platform_preflight", tmp_path / "none", cluster=False, **options).result()
    assert result["failed"]
    assert words in result["msg"]


def test_wrong_types_in_values_are_refused_without_a_traceback(tmp_path: Path) -> None:
    for values in ("a=1", ["a"], 5, {"config": ["a"]}, {"env": "x", "volumes": {"a": 1}, "podTemplate": 3, "rbac": None}):
        result = Module("platform_preflight", tmp_path / "none", cluster=False, platform={"name": "a"}, airflow={"values": values}).result()
        assert "Traceback" not in json.dumps(result)
        assert isinstance(result["refusals"], list)
