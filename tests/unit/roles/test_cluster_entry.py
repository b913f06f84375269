# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F15: registry, pull secrets, storage class, proxies and authority reach everything that the platform makes, and nothing bypasses them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._kube.images import images_of, mirrored
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import service_accounts
from ansible_collections.gitops.airflow.tests.unit.places import ROOT
from ansible_collections.gitops.airflow.tests.unit.trust import trust_as_template

ROLES = ROOT / "roles"
REGISTRY = "registry.example.com:5000/mirror"
GIVEN = {"platform_image_registry": REGISTRY, "platform_pull_secrets": ["pull"]}
SETUP_JOB = "task_logs/setup-job.yaml.j2"
# The templates with containers, by role, each with the images that it has by the names of their variables.
MANIFESTS = {
    "git_server/gitea.yaml.j2": ["gitea", "gitea"],
    "metrics_server/metrics-server.yaml.j2": ["metrics_server"],
    SETUP_JOB: ["airflow"],
    "task_logs/task-logs.yaml.j2": ["versitygw", "airflow"],
}
VALUES = "airflow_app/platform/airflow/core/values.yaml.j2"
# Files with containers that a template above includes, or that Helm renders.
INCLUDED = {"roles/task_logs/templates/_pod.j2", "roles/airflow_app/files/platform/airflow/core/templates/mysql.yaml"}
IMAGE = re.compile(r"^\s*(?:- )?image: (.*)$", re.MULTILINE)

Evaluate = Callable[..., Any]


@pytest.fixture(scope="module")
def defaults(role_variables: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    files = [*sorted((ROLES / "platform/defaults/main").glob("*.yml")), ROLES / "platform/vars/main.yml"]
    for role in sorted(path for path in ROLES.iterdir() if path.name != "platform"):
        files += [path for part in ("defaults", "vars") if (path := role / part / "main.yml").exists()]
    volume = {"kind": "PersistentVolumeClaim", "uid": "1"}
    return role_variables(*files) | {
        "__task_logs_generated": {"checksum": "x"},
        "__task_logs_applied": {"objects": [volume]},
        "__airflow_app_secrets": {"git_sync": Credentials("ann", "t").git_sync_values(), "dags_checksum": "", "logs_checksum": "0"},
        "__platform_preflight": {"plan": {"accounts": service_accounts({}, "airflow-core")}},
    }


@pytest.fixture(scope="module")
def evaluate(defaults: dict[str, Any]) -> Evaluate:
    def evaluated(expression: str, role: str, **given: Any) -> Any:
        search = {"ansible_search_path": [str(ROLES / role)], "role_path": str(ROLES / role)}
        return Templar(DataLoader(), defaults | search | given).template(trust_as_template(f"{{{{ {expression} }}}}"))

    return evaluated


@pytest.fixture(scope="module")
def render(evaluate: Evaluate) -> Callable[..., list[Any]]:
    def rendered(template: str, **given: Any) -> list[Any]:
        role, path = template.split("/", maxsplit=1)
        text = evaluate(f"lookup('ansible.builtin.template', '{ROLES / role / 'templates' / path}')", role, **given)
        return [item for item in yaml.safe_load_all(str(text)) if item]

    return rendered


def pods(value: Any) -> Iterator[dict[str, Any]]:
    """The specifications of all pods."""
    if isinstance(value, dict):
        if isinstance(value.get("containers"), list):
            yield value
        for item in value.values():
            yield from pods(item)
    elif isinstance(value, list):
        for item in value:
            yield from pods(item)


@pytest.mark.parametrize(("template", "names"), MANIFESTS.items(), ids=MANIFESTS)
def test_f15_every_image_of_a_role_comes_from_the_registry(
    render: Callable[..., list[Any]], evaluate: Evaluate, template: str, names: list[str]
) -> None:
    published = evaluate("platform_published_images", "platform")
    for given, registry in ((GIVEN, REGISTRY), ({}, "")):
        objects = render(template, **given)
        assert list(images_of(objects)) == [mirrored(published[name], registry) for name in names]
        found = [pod.get("imagePullSecrets") for pod in pods(objects)]
        assert found == [[{"name": "pull"}] if registry else None] * len(found) != []


def test_f15_every_image_of_airflows_chart_comes_from_the_registry(render: Callable[..., list[Any]]) -> None:
    (values,) = render(VALUES, **GIVEN, airflow_app_values={"statsd": {"enabled": True}, "pgbouncer": {"enabled": True}})
    airflow = values["airflow"]
    repositories = [airflow["defaultAirflowRepository"], *(image["repository"] for image in airflow["images"].values())]
    assert set(airflow["images"]) == {"gitSync", "statsd", "pgbouncer", "pgbouncerExporter"}
    assert [name for name in [*repositories, values["mysql"]["image"]] if not name.startswith(f"{REGISTRY}/")] == []
    assert (airflow["images"]["gitSync"]["tag"], airflow["defaultAirflowTag"]) == ("v4.1.0", "2.6.3")
    # Containers that the values have take the image from Helm.
    assert set(images_of({"containers": [*airflow["webserver"]["extraInitContainers"], *airflow["webserver"]["extraContainers"]]})) == {
        '{{ include "git_sync_image" . }}'
    }
    assert airflow["registry"] == {"secretName": "pull"}
    assert values["mysql"]["pullSecrets"] == ["pull"]


def test_without_a_registry_the_values_are_those_of_before(render: Callable[..., list[Any]]) -> None:
    (values,) = render(VALUES)
    assert list(values["airflow"]["images"]) == ["gitSync"]
    assert not {"registry", "imagePullSecrets"} & set(values["airflow"])
    assert "pullSecrets" not in values["mysql"]


def test_values_of_ones_own_stay(render: Callable[..., list[Any]]) -> None:
    own = {"statsd": {"enabled": True}, "images": {"statsd": {"repository": "other/statsd"}}}
    (values,) = render(VALUES, **GIVEN, airflow_app_values=own)
    assert values["airflow"]["images"]["statsd"] == {"repository": "other/statsd"}
    assert values["airflow"]["images"]["gitSync"]["repository"] == f"{REGISTRY}/git-sync/git-sync"


def test_no_file_of_a_role_names_an_image() -> None:
    """Each container is in a template of the tests above, and its image is that of a variable or Helm's."""
    # The job's container is in a file that it includes.
    known = {f"roles/{name.replace('/', '/templates/', 1)}" for name in (*MANIFESTS, VALUES) if name != SETUP_JOB} | INCLUDED
    files = [path for part in ("templates", "files") for path in ROLES.glob(f"*/{part}/**/*") if path.is_file()]
    found = {str(path.relative_to(ROOT)): IMAGE.findall(path.read_text()) for path in files}
    assert {path for path, images in found.items() if images} == known
    allowed = re.compile(
        r"(\{\{|\[\[) (platform_\w+_image \| to_json|\.Values\.mysql\.image \| quote) (\}\}|\]\])|.*git_?[sS]ync_?[iI]mage.*"
    )
    assert [image for images in found.values() for image in images if not allowed.fullmatch(image)] == []


@pytest.mark.parametrize(
    ("given", "image"),
    [
        ({}, "kindest/node:v1.29.4@sha256:3abb816a5b1061fb15c6e9e60856ec40d56b7b52bcea5f5f1350bc6e2320b6f8"),
        (GIVEN, f"{REGISTRY}/kindest/node:v1.29.4@sha256:3abb816a5b1061fb15c6e9e60856ec40d56b7b52bcea5f5f1350bc6e2320b6f8"),
        ({**GIVEN, "platform_kubernetes_version": "v1.31.0"}, f"{REGISTRY}/kindest/node:v1.31.0"),
        ({**GIVEN, "platform_kind_node_image": "mine/node:v1.29.4"}, "mine/node:v1.29.4"),
    ],
)
def test_a_nodes_image_keeps_its_digest(evaluate: Evaluate, given: dict[str, Any], image: str) -> None:
    assert evaluate("kind_cluster_node_image", "kind_cluster", **given).strip() == image


def test_an_image_of_ones_own_is_used_as_it_is(evaluate: Evaluate) -> None:
    given = {**GIVEN, "platform_airflow_image": "my-airflow:2.6.3-1", "platform_mysql_image": "other.example.com/mysql:8"}
    assert evaluate("platform_airflow_image", "platform", **given) == "my-airflow:2.6.3-1"
    assert evaluate("platform_mysql_image", "platform", **given) == "other.example.com/mysql:8"
    assert evaluate("platform_airflow_image", "platform", **GIVEN, platform_airflow_version="2.7.3") == f"{REGISTRY}/apache/airflow:2.7.3"


def test_the_list_for_a_mirror(evaluate: Evaluate, tmp_path: Path) -> None:
    pod = {"containers": [{"name": "a", "image": "quay.io/argoproj/argocd:v3.0.23"}]}
    (tmp_path / "install.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod}))
    given = {**GIVEN, "argocd_manifest": str(tmp_path / "install.yaml"), "platform_airflow_image": "mine/airflow:1"}
    assert list(evaluate("__argocd_images", "argocd", **given)) == [
        f"docker.io/gitea/gitea:1.26.0-rootless {REGISTRY}/gitea/gitea:1.26.0-rootless",
        f"docker.io/versity/versitygw:v1.8.0 {REGISTRY}/versity/versitygw:v1.8.0",
        f"kindest/node:v1.29.4 {REGISTRY}/kindest/node:v1.29.4",
        f"mysql:8.0.42 {REGISTRY}/library/mysql:8.0.42",
        f"quay.io/argoproj/argocd:v3.0.23 {REGISTRY}/argoproj/argocd:v3.0.23",
        f"registry.k8s.io/git-sync/git-sync:v4.1.0 {REGISTRY}/git-sync/git-sync:v4.1.0",
    ]


@pytest.mark.parametrize("name", ["", "on"])
def test_every_volume_claim_has_the_storage_class(render: Callable[..., list[Any]], name: str) -> None:
    given = {"platform_storage_class": name}
    objects = [*render("git_server/gitea.yaml.j2", **given), *render("task_logs/task-logs.yaml.j2", **given)]
    claims = [item["spec"] for item in objects if item["kind"] == "PersistentVolumeClaim"]
    (values,) = render(VALUES, **given)
    assert [spec.get("storageClassName", "") for spec in claims] == [name] * 2
    assert values["mysql"].get("storageClass", "") == name
    files = [path for part in ("templates", "files") for path in ROLES.glob(f"*/{part}/**/*") if path.is_file()]
    with_claims = [path.name for path in files if "accessModes:" in path.read_text()]
    assert sorted(with_claims) == ["gitea.yaml.j2", "mysql.yaml", "task-logs.yaml.j2"]


def test_f7_every_git_sync_has_the_proxies(render: Callable[..., list[Any]]) -> None:
    (values,) = render(VALUES, platform_proxies={"https": "http://p:3128"}, platform_network_ranges=["10.0.0.0/8"])
    webserver = values["airflow"]["webserver"]
    containers = [*webserver["extraInitContainers"], *webserver["extraContainers"], values["airflow"]["dags"]["gitSync"]]
    inside = "localhost,127.0.0.1,::1,.svc,.cluster.local,10.0.0.0/8"
    wanted = {"HTTPS_PROXY": "http://p:3128", "https_proxy": "http://p:3128", "NO_PROXY": inside, "no_proxy": inside}
    for container in containers:
        found = {entry["name"]: entry["value"] for entry in container["env"] if entry["name"].lower().endswith("_proxy")}
        assert found == wanted
    # Tasks get none.
    assert [entry["name"] for entry in values["airflow"]["env"]] == ["CONNECTION_CHECK_MAX_COUNT", "PYTHONPATH", "GITOPS_AIRFLOW_PREFIX"]
    assert "env" not in render(VALUES)[0]["airflow"]["dags"]["gitSync"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("", "")),
        ({"platform_ca": "PEM"}, ("", "")),
        ({"platform_ca": "PEM", "airflow_app_platform_repo": "https://g/p", "airflow_app_dags_repo": "HTTPS://g/d"}, ("PEM", "PEM")),
        ({"platform_ca": "PEM", "airflow_app_platform_repo": "git@g:p", "airflow_app_dags_repo": "https://g/d"}, ("", "PEM")),
        ({"platform_ca": "PEM", "airflow_app_dags_repo": "https://g/d", "airflow_app_dags_ca": ""}, ("", "")),
    ],
)
def test_one_authority_is_that_of_both_repositories_over_https(
    evaluate: Evaluate, given: dict[str, Any], expected: tuple[str, str]
) -> None:
    kinds = ("platform", "dags")
    assert tuple(str(evaluate(f"airflow_app_{kind}_ca", "airflow_app", **given)) for kind in kinds) == expected
    found = [evaluate(f"__airflow_app_settings.{kind}_credentials", "airflow_app", **given).get("ca", "") for kind in kinds]
    assert tuple(found) == expected
