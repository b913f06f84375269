# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles apply: a text stays a text whatever it looks like, the project allows little, and nothing is made twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.tests.unit.places import ROOT
from ansible_collections.gitops.airflow.tests.unit.trust import trust_as_template

ROLES = ROOT / "roles"
APP = ROLES / "airflow_app"
# Texts that YAML takes for something else where they stand without quotes.
TRICKY = ["1.10", "123", "on", "null", "1e3", "0x1f", "~", "a: b", "a #b", "*a", "[a]", "2026-11-25", '"']

Render = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def defaults(role_variables: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    roles = [ROLES / name for name in ("airflow_app", "git_server", "namespaces", "argocd", "task_logs")]
    files = [*sorted((ROLES / "platform/defaults/main").glob("*.yml")), ROLES / "platform/vars/main.yml"]
    files += [path for part in ("defaults", "vars") for role in roles if (path := role / part / "main.yml").exists()]
    nothing: dict[str, list[Any]] = {"resources": []}
    registered: dict[str, Any] = {f"__airflow_app_{name}": nothing for name in ("secrets", "generated_found")}
    plan = {
        "secret_namespaces": ["airflow-core"],
        "dropped_namespaces": [],
        "project_repositories": [],
        "trust_before": [],
        "log_store": "no store",
    }
    registered["__platform_preflight"] = {"plan": plan}
    volume = {"kind": "PersistentVolumeClaim", "uid": "1"}
    registered |= {"__task_logs_generated": {"checksum": "x"}, "__task_logs_applied": {"objects": [volume]}}
    return role_variables(*files) | registered


@pytest.fixture
def render(defaults: dict[str, Any]) -> Render:
    def rendered(name: str, **variables: Any) -> list[dict[str, Any]]:
        role, template = name.split("/")
        path = ROLES / role / "templates" / template
        search = {"ansible_search_path": [str(ROLES / role)], "role_path": str(ROLES / role)}
        templar = Templar(DataLoader(), defaults | search | variables)
        text = str(templar.template(trust_as_template(f"{{{{ lookup('ansible.builtin.template', '{path}') }}}}")))
        return [item for item in yaml.safe_load_all(text) if item]

    return rendered


def strings(value: Any) -> Iterator[str]:
    """Every text of an object, keys with the rest."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def test_no_image_has_a_tag_that_moves(defaults: dict[str, Any]) -> None:
    """A whole version, not 8.0 or latest."""
    images = Templar(DataLoader(), defaults).template({key: defaults[key] for key in defaults if re.fullmatch(r"platform_\w+_image", key)})
    assert images
    assert [image for image in images.values() if not re.search(r":v?\d+\.\d+\.\d+(-\w+)?$", image)] == []


@pytest.mark.parametrize("text", TRICKY)
@pytest.mark.parametrize(
    ("template", "variables"),
    [
        ("airflow_app/application.yaml.j2", ["airflow_app_name", "airflow_app_platform_repo", "airflow_app_platform_branch"]),
        ("airflow_app/application.yaml.j2", ["airflow_app_platform_path", "platform_argocd_namespace", "platform_core_namespace"]),
        ("airflow_app/project.yaml.j2", ["airflow_app_platform_repo", "platform_argocd_namespace"]),
        ("airflow_app/generated-secret.yaml.j2", ["platform_core_namespace"]),
        ("airflow_app/secrets.yaml.j2", ["platform_argocd_namespace", "platform_core_namespace"]),
        ("airflow_app/left.yaml.j2", ["platform_argocd_namespace", "platform_core_namespace"]),
        ("git_server/gitea.yaml.j2", ["platform_git_namespace", "platform_gitea_image"]),
        ("git_server/removed-objects.yaml.j2", ["platform_git_namespace"]),
        ("task_logs/removed-objects.yaml.j2", ["platform_logs_namespace"]),
        ("task_logs/setup-job.yaml.j2", ["platform_logs_namespace", "platform_airflow_image"]),
        ("task_logs/task-logs.yaml.j2", ["platform_logs_namespace", "platform_airflow_image", "platform_versitygw_image"]),
    ],
)
def test_a_text_stays_a_text(render: Render, template: str, variables: list[str], text: str) -> None:
    given = {"__airflow_app_narrow": True}
    for variable in variables:
        objects = render(template, **{**given, variable: text})
        assert text in set(strings(objects)), variable


@pytest.mark.parametrize("name", TRICKY)
def test_a_namespace_is_named_as_it_is_called(render: Render, name: str) -> None:
    (namespace,) = render("namespaces/namespaces.yaml.j2", namespaces_names=[name])
    assert namespace["metadata"]["name"] == name
    removed: list[Any] = render("namespaces/removed-objects.yaml.j2", namespaces_names=[name])
    assert [item["name"] for item in removed[0]] == [name]
    (project,) = render("airflow_app/project.yaml.j2", platform_worker_namespaces=[{"name": name}], __airflow_app_narrow=True)
    assert [item["namespace"] for item in project["spec"]["destinations"]] == [name]


def test_a_branch_given_as_a_number_is_a_text(render: Render) -> None:
    (application,) = render("airflow_app/application.yaml.j2", airflow_app_platform_branch=2.5)
    assert application["spec"]["source"]["targetRevision"] == "2.5"


BESIDES = {("", "PersistentVolumeClaim"), ("", "Pod"), ("apps", "ReplicaSet")}
RENDERED = {("", "ConfigMap"), ("", "Service"), ("", "ServiceAccount"), ("apps", "Deployment"), ("apps", "StatefulSet"), ("batch", "Job")}
RENDERED |= {("rbac.authorization.k8s.io", "Role"), ("rbac.authorization.k8s.io", "RoleBinding")}


@pytest.mark.parametrize("more", [[], [{"group": "networking.k8s.io", "kind": "Ingress"}, {"group": "batch", "kind": "CronJob"}]])
def test_the_project_allows_what_is_rendered_and_what_is_listed(render: Render, more: list[dict[str, str]]) -> None:
    (project,) = render("airflow_app/project.yaml.j2", __airflow_app_narrow=True, airflow_app_project_kinds=more)
    allowed = {(item["group"], item["kind"]) for item in project["spec"]["namespaceResourceWhitelist"]}
    assert allowed == RENDERED | BESIDES | {(item["group"], item["kind"]) for item in more}


def test_the_repositorys_credentials_are_the_projects(render: Render) -> None:
    (secret,) = (item for item in render("airflow_app/secrets.yaml.j2") if item["metadata"]["name"] == "airflow-platform-repository")
    assert secret["data"]["project"] == "YWlyZmxvdw=="  # airflow


MADE = ("admin-password", "mysql-password", "mysql-root-password", "webserver-secret-key", "fernet-key")


def test_what_chance_made_cannot_be_changed(render: Render) -> None:
    (secret,) = render("airflow_app/generated-secret.yaml.j2")
    assert secret["immutable"] is True
    assert sorted(secret["stringData"]) == sorted(MADE)


def test_the_log_stores_accounts_are_as_it_reads_them(render: Render) -> None:
    """The same text as before the values were inserted by the module, so that an upgrade changes no Secret."""
    (secret,) = (item for item in render("task_logs/task-logs.yaml.j2") if item["kind"] == "Secret")
    accounts = {
        name: {
            "access": name,
            "secret": f"${{task-logs-generated/{name}}}",
            "role": "user",
            "userID": 0,
            "groupID": 0,
            "projectID": 0,
        }
        for name in ("webserver", "workers")
    }
    assert secret["stringData"] == {"users.json": json.dumps({"accessAccounts": accounts})}


def test_another_program_or_volume_makes_another_job(render: Render) -> None:
    def template(uid: str) -> Any:
        applied = {"objects": [{"kind": "Deployment", "uid": "0"}, {"kind": "PersistentVolumeClaim", "uid": uid}]}
        (job,) = render("task_logs/setup-job.yaml.j2", __task_logs_applied=applied)
        return job["spec"]["template"]

    assert template("a") == template("a")
    assert template("a") != template("b")
    assert template("a")["metadata"]["annotations"]["gitops-airflow/for"].startswith("a ")


@pytest.mark.parametrize("standard", ["baseline", ""])
def test_a_pod_security_standard_is_a_label(render: Render, standard: str) -> None:
    (namespace,) = render("namespaces/namespaces.yaml.j2", namespaces_names=["x"], namespaces_pod_security=standard)
    assert namespace["metadata"].get("labels") == ({"pod-security.kubernetes.io/enforce": standard} if standard else None)
