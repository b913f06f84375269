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
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_state import MARK, MARKED_ROLE
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Platform, planned_refs
from ansible_collections.gitops.airflow.plugins.module_utils._platform.plan import Plan
from ansible_collections.gitops.airflow.tests.platform.rights import expanded, of_role, table
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
    volume = {"kind": "PersistentVolumeClaim", "uid": "1"}
    registered: dict[str, Any] = {"__task_logs_generated": {"checksum": "x"}, "__task_logs_applied": {"objects": [volume]}}
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


ACCOUNTS = {"scheduler": "airflow-scheduler", "triggerer": "airflow-triggerer", "webserver": "airflow-webserver"}
COPY = {"api_version": "v1", "kind": "ConfigMap", "namespace": "gone", "name": "settings"}
IN_ARGOCD = [{"kind": "AppProject", "namespace": "argocd", "name": "former"}]
OF_WORKERS = {
    "worker_secrets": ["airflow-metadata"],
    "worker_rights": Plan().worker_rights,
    "accounts": ACCOUNTS,
    "copies": [COPY],
    "argocd_objects": IN_ARGOCD,
    "admission": "",
}
PLAN = {"__platform_preflight": {"plan": OF_WORKERS}}


@pytest.mark.parametrize("text", TRICKY)
@pytest.mark.parametrize(
    ("template", "variables"),
    [
        ("airflow_app/rbac.yaml.j2", ["platform_core_namespace"]),
        ("airflow_app/removed-objects.yaml.j2", ["platform_core_namespace"]),
        ("git_server/gitea.yaml.j2", ["platform_git_namespace", "platform_gitea_image"]),
        ("git_server/removed-objects.yaml.j2", ["platform_git_namespace"]),
        ("task_logs/removed-objects.yaml.j2", ["platform_logs_namespace"]),
        ("task_logs/setup-job.yaml.j2", ["platform_logs_namespace", "platform_airflow_image"]),
        ("task_logs/task-logs.yaml.j2", ["platform_logs_namespace", "platform_airflow_image", "platform_versitygw_image"]),
    ],
)
def test_a_text_stays_a_text(render: Render, template: str, variables: list[str], text: str) -> None:
    for variable in variables:
        objects = render(template, **{variable: text}, **PLAN)
        assert text in set(strings(objects)), variable


@pytest.mark.parametrize("name", TRICKY)
def test_a_namespace_is_named_as_it_is_called(render: Render, name: str) -> None:
    (namespace,) = render("namespaces/namespaces.yaml.j2", namespaces_names=[name])
    assert namespace["metadata"]["name"] == name
    removed: list[Any] = render("namespaces/removed-objects.yaml.j2", namespaces_names=[name])
    assert [item["name"] for item in removed[0]] == [name]
    listed: list[Any] = render("airflow_app/removed-objects.yaml.j2", platform_worker_namespaces=[{"name": name}], **PLAN)
    assert [item["namespace"] for item in listed[0] if item["name"] == "airflow-metadata"] == [name]
    assert {"kind": "ConfigMap", "namespace": "gone", "name": "settings"} in listed[0]
    rights = render("airflow_app/rbac.yaml.j2", platform_worker_namespaces=[{"name": name}], **PLAN)
    assert {item["metadata"]["namespace"] for item in rights} == {name}


@pytest.mark.parametrize("own", [IN_ARGOCD, []])
def test_only_what_the_plan_names_in_argo_cds_namespace_is_removed(render: Render, own: list[dict[str, str]]) -> None:
    plan = {"__platform_preflight": {"plan": {**OF_WORKERS, "argocd_objects": own}}}
    removed: list[Any] = render("airflow_app/removed-objects.yaml.j2", **plan)
    assert [item for item in removed[0] if item["namespace"] == "argocd"] == own


@pytest.mark.parametrize(("mode", "made"), [("install", True), ("existing", False)])
def test_the_namespace_of_an_argo_cd_of_others_is_not_made(defaults: dict[str, Any], mode: str, made: bool) -> None:
    given = defaults | {"platform_argocd": mode, "platform_worker_namespaces": [{"name": "airflow-core"}, {"name": "airflow-user"}]}
    names = Templar(DataLoader(), given).template(trust_as_template("{{ namespaces_names }}"))
    assert sorted(names) == ["airflow-core", "airflow-user", *(["argocd"] if made else [])]


@pytest.mark.parametrize(
    ("given", "url", "password", "trust", "in_bundle"),
    [
        ({}, "https://localhost:8443", "argocd-initial-admin-secret | base64 -d", "manage", True),
        ({"argocd_admin_password": "x"}, "https://localhost:8443", "argocd_admin_password of your inventory", "manage", True),
        ({"platform_argocd": "existing", "argocd_admin_password": "x"}, "", "ask the owner of Argo CD", "check", False),
    ],
)
def test_what_is_shown_of_an_argo_cd_of_others(
    defaults: dict[str, Any], given: dict[str, Any], url: str, password: str, trust: str, in_bundle: bool
) -> None:
    templar = Templar(DataLoader(), defaults | given)
    bundle = yaml.safe_load((ROLES / "support_bundle/defaults/main.yml").read_text())["support_bundle_namespaces"]
    texts = ("{{ platform_argocd_url }}", "{{ __platform_passwords['Argo CD'] }}", "{{ platform_argocd_trust }}", bundle)
    found = [templar.template(trust_as_template(text)) for text in texts]
    assert (found[0], found[1].endswith(password), found[2], "argocd" in found[3]) == (url, True, trust, in_bundle)


@pytest.mark.parametrize("account", TRICKY)
def test_an_account_is_named_as_it_is_called(render: Render, account: str) -> None:
    plan = {"__platform_preflight": {"plan": {"accounts": dict.fromkeys(ACCOUNTS, account), "admission": ""}}}
    subjects = [subject for item in render("airflow_app/rbac.yaml.j2", **plan) for subject in item.get("subjects", [])]
    assert {subject["name"] for subject in subjects} == {account}


Identity = tuple[str, str, str]


def identity(item: dict[str, Any]) -> Identity:
    return item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]


def test_d9_the_rights_are_those_of_the_table(render: Render) -> None:
    """tests/platform/rights.yml, which a running platform is compared with."""
    objects = render("airflow_app/rbac.yaml.j2", platform_worker_namespaces=[{"name": "airflow-core"}, {"name": "a"}], **PLAN)
    roles = {(item["metadata"]["namespace"], item["metadata"]["name"]): of_role(item) for item in objects if item["kind"] == "Role"}
    given: dict[str, dict[str, Any]] = {}
    for item in objects:
        if item["kind"] == "RoleBinding":
            assert (item["roleRef"]["kind"], item["roleRef"]["apiGroup"]) == ("Role", "rbac.authorization.k8s.io")
            for subject in item["subjects"]:
                assert (subject["kind"], subject["namespace"]) == ("ServiceAccount", "airflow-core")
                where = given.setdefault(subject["name"], {}).setdefault(item["metadata"]["namespace"], set())
                where |= roles[item["metadata"]["namespace"], item["roleRef"]["name"]]
    listed = {name: expanded(where["airflow"]) for name, where in table()["core"].items() if where}
    assert given == {name: {"airflow-core": rules, "a": rules} for name, rules in listed.items()}


@pytest.mark.parametrize("version", ["admissionregistration.k8s.io/v1", ""])
def test_the_role_of_each_namespace_says_whether_the_platform_has_an_admission_policy(render: Render, version: str) -> None:
    """make status looks for the policy where a run said that it made one."""
    plan = {"__platform_preflight": {"plan": {**PLAN["__platform_preflight"]["plan"], "admission": version}}}
    objects = render("airflow_app/rbac.yaml.j2", platform_worker_namespaces=[{"name": "airflow-core"}, {"name": "a"}], **plan)
    marked = {identity(item): item["metadata"]["annotations"].get(MARK) for item in objects if MARK in item["metadata"]["annotations"]}
    expected = {("Role", namespace, MARKED_ROLE): version for namespace in ("airflow-core", "a")}
    assert marked == (expected if version else {})


def test_f10_the_account_that_may_make_pods_has_the_rights_of_the_table_in_its_namespace_alone(render: Render) -> None:
    namespaces: list[dict[str, Any]] = [{"name": "airflow-core"}, {"name": "a", "pod_operator": True}, {"name": "b", "pod_operator": False}]
    without = [{"name": item["name"]} for item in namespaces]
    usual = render("airflow_app/rbac.yaml.j2", platform_worker_namespaces=without, **PLAN)
    found = render("airflow_app/rbac.yaml.j2", platform_worker_namespaces=namespaces, **PLAN)
    role, binding = (item for item in found if item not in usual)
    assert [identity(item) for item in (role, binding)] == [(kind, "a", "airflow-pod-operator") for kind in ("Role", "RoleBinding")]
    assert of_role(role) == expanded(table()["operators"]["airflow-pod-operator"]["own"])
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "airflow-pod-operator"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "airflow-pod-operator", "namespace": "a"}]


def test_d9_the_rights_are_planned_removed_and_left_alone_by_argo_cd(render: Render) -> None:
    """Names and places are the same in the template, the preflight's plan and the removal."""
    namespaces = ("airflow-core", "a")
    names = [{"name": "airflow-core"}, {"name": "a", "pod_operator": True}]
    objects = render("airflow_app/rbac.yaml.j2", platform_worker_namespaces=names, **PLAN)
    platform = Platform("airflow", namespaces=namespaces, operators=("a",))
    planned = {(ref.kind, ref.namespace, ref.name) for ref in planned_refs(platform) if "Role" in ref.kind}
    removed: list[Any] = render("airflow_app/removed-objects.yaml.j2", platform_worker_namespaces=names, **PLAN)
    assert sorted(map(identity, objects)) == sorted(planned)
    # Those to make pods everywhere: the option may have been set before.
    before = {(kind, namespace, "airflow-pod-operator") for kind in ("Role", "RoleBinding") for namespace in namespaces}
    found = [(item["kind"], item["namespace"], item["name"]) for item in removed[0] if "Role" in item["kind"]]
    assert sorted(found) == sorted(planned | before)
    # On an upgrade the chart does not have them any more, and Argo CD still knows them (gitops-engine: sync_context.go, pruneObject;
    # argo-cd: controller/state.go).
    for item in objects:
        assert item["metadata"]["annotations"] == {
            "argocd.argoproj.io/sync-options": "Prune=false",
            "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        }


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


@pytest.mark.parametrize(
    ("given", "names", "copied"),
    [
        ({}, [], []),
        ({"airflow_app_values": {"registry": {"secretName": "pull"}}}, ["pull"], []),
        (
            {"airflow_app_values": {"imagePullSecrets": [{"name": "on"}, {"name": "b"}]}, "airflow_app_worker_secrets": ["db", "b"]},
            ["on", "b"],
            ["b"],
        ),
    ],
)
def test_the_log_stores_pods_pull_their_images_as_airflow_does(
    render: Render, defaults: dict[str, Any], given: dict[str, Any], names: list[str], copied: list[str]
) -> None:
    objects = [*render("task_logs/task-logs.yaml.j2", **given), *render("task_logs/setup-job.yaml.j2", **given)]
    workloads = {
        item["kind"]: item["spec"].get("jobTemplate", item) for item in objects if item["kind"] in ("Deployment", "CronJob", "Job")
    }
    pods = {kind: item["spec"]["template"]["spec"] for kind, item in workloads.items()}
    assert len(pods) == 3
    assert {kind: pod.get("imagePullSecrets") for kind, pod in pods.items()} == dict.fromkeys(
        pods, [{"name": name} for name in names] or None
    )
    assert Templar(DataLoader(), defaults | given).template(defaults["__task_logs_copied_pull_secrets"]) == copied


def test_another_program_or_volume_makes_another_job(render: Render) -> None:
    def template(uid: str) -> Any:
        applied = {"objects": [{"kind": "Deployment", "uid": "0"}, {"kind": "PersistentVolumeClaim", "uid": uid}]}
        (job,) = render("task_logs/setup-job.yaml.j2", __task_logs_applied=applied)
        return job["spec"]["template"]

    assert template("a") == template("a")
    assert template("a") != template("b")
    assert template("a")["metadata"]["annotations"]["gitops-airflow/for"].startswith("a ")


@pytest.mark.parametrize(("given", "standard"), [({}, "restricted"), ({"platform_pod_security": "baseline"}, "baseline")])
def test_d14_a_pod_security_standard_is_a_label(render: Render, given: dict[str, Any], standard: str) -> None:
    (namespace,) = render("namespaces/namespaces.yaml.j2", namespaces_names=["x"], **given)
    modes = {"enforce": standard, "warn": "restricted", "audit": "restricted"}
    assert namespace["metadata"]["labels"] == {f"pod-security.kubernetes.io/{mode}": value for mode, value in modes.items()}


@pytest.mark.parametrize("name", ["airflow-user", "values", "get"])
def test_a_worker_namespace_may_have_another_standard(render: Render, name: str) -> None:
    entries = [{"name": "airflow-core"}, {"name": name, "pod_security": "baseline"}]
    namespaces = render(
        "namespaces/namespaces.yaml.j2", platform_worker_namespaces=entries, namespaces_names=["airflow-core", name, "argocd"]
    )
    found = [item["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] for item in namespaces]
    assert found == ["restricted", "baseline", "restricted"]


def test_without_a_pod_security_standard_a_namespace_has_no_label(render: Render) -> None:
    (namespace,) = render("namespaces/namespaces.yaml.j2", namespaces_names=["x"], platform_pod_security="")
    assert "labels" not in namespace["metadata"]


@pytest.mark.parametrize("given", [{}, {"argocd_admin_password": "planted-password"}])
def test_f22_status_and_summary_say_how_the_passwords_are_read(defaults: dict[str, Any], given: dict[str, str]) -> None:
    """Commands, never values."""
    found = Templar(DataLoader(), defaults | given).template(defaults["__platform_passwords"])
    begin = "kubectl --context kind-airflow get secret -o jsonpath='{.data.password}' -n"
    own = "argocd_admin_password of your inventory" if given else f"{begin} argocd argocd-initial-admin-secret | base64 -d"
    expected = {
        "Airflow": f"{begin} airflow-core airflow-admin | base64 -d",
        "Argo CD": own,
        "Gitea": f"{begin} git gitea-config | base64 -d",
    }
    assert found == expected
