# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argo CD's manifest as it is applied: the objects and the digest that its templates made before. An upgrade applies nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.install_manifest import (
    CRD,
    REPO_SERVER,
    Changes,
    decode,
    deployments,
    digest,
    manifest_images,
    node_port_service,
    read_manifest,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.images import images_of, mirrored
from ansible_collections.gitops.airflow.tests.unit.trust import trust_as_template

Obj = dict[str, Any]
LAB = Path.home() / ".cache/gitops-airflow/lab/argocd-install.yaml"
SMALL = """\
# This is an auto-generated file. DO NOT EDIT
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: applications.argoproj.io
spec:
  group: argoproj.io
  names: {kind: Application, plural: applications}
  scope: Namespaced
---
apiVersion: v1
kind: ServiceAccount
metadata:
  labels: {app.kubernetes.io/part-of: argocd}
  name: argocd-server
---
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: argocd-server
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: argocd-server
subjects:
- kind: ServiceAccount
  name: argocd-server
  namespace: argocd
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: argocd-server
  namespace: argocd
subjects:
- kind: ServiceAccount
  name: argocd-server
- kind: ServiceAccount
  name: elsewhere
  namespace: argocd-other
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: argocd-server
spec:
  template:
    spec:
      containers:
      - name: server
        image: quay.io/argoproj/argocd:v3.0.23
        imagePullPolicy: Always
      initContainers:
      - name: copyutil
        image: quay.io/argoproj/argocd:v3.0.23
        imagePullPolicy: Never
# Ä: a letter beyond ASCII, and white space at the end
"""
FILES = pytest.mark.parametrize(
    "whole", [False, pytest.param(True, marks=pytest.mark.skipif(not LAB.exists(), reason="lab/build makes it"))]
)
# The role's variables and template before the module argocd_install.
MARKS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "{{ platform_name }}"}
NODE_PORT = """\
apiVersion: v1
kind: Service
metadata:
  name: argocd-server-node-port
  namespace: {{ platform_argocd_namespace | to_json }}
  labels: {{ __platform_marks | to_json }}
spec:
  type: NodePort
  selector:
    app.kubernetes.io/name: argocd-server
  ports:
    - name: https
      port: 443
      protocol: TCP
      targetPort: 8080
      nodePort: {{ platform_argocd_node_port | int }}
"""
BEFORE = {
    "objects": """{{ lookup('ansible.builtin.file', manifest)
        | replace('imagePullPolicy: Always', 'imagePullPolicy: IfNotPresent')
        | regex_replace('(?m)^  namespace: argocd$', '  namespace: ' ~ platform_argocd_namespace)
        | from_yaml_all | select | list }}""",
    "node_port": "{{ [lookup('ansible.builtin.template', template) | from_yaml] if platform_argocd_node_port | int > 0 else [] }}",
    "digest": "{{ (lookup('ansible.builtin.file', manifest) ~ node_port | to_json) | hash('sha256') }}",
}


@pytest.fixture
def manifest(whole: bool, tmp_path: Path) -> Path:
    path = tmp_path / "install.yaml"
    path.write_bytes(LAB.read_bytes() if whole else f"{SMALL} \n\n".encode())
    return path


@pytest.fixture
def before(manifest: Path, tmp_path: Path) -> Callable[..., Any]:
    """What the role before this module computed."""

    def evaluated(name: str, namespace: str, platform: str, port: int) -> Any:
        (tmp_path / "node-port.yaml.j2").write_text(NODE_PORT)
        variables: Obj = {name: trust_as_template(text) for name, text in BEFORE.items()}
        variables["__platform_marks"] = {key: trust_as_template(value) for key, value in MARKS.items()}
        variables |= {"manifest": str(manifest), "template": str(tmp_path / "node-port.yaml.j2"), "platform_name": platform}
        variables |= {"platform_argocd_namespace": namespace, "platform_argocd_node_port": port}
        return Templar(DataLoader(), variables).template(trust_as_template(f"{{{{ {name} }}}}"))

    return evaluated


@FILES
@pytest.mark.parametrize(
    ("namespace", "platform", "port"), [("argocd", "airflow", 30443), ("team-argo", "dätä", 31000), ("argocd", "x", 0)]
)
def test_an_upgrade_applies_nothing(manifest: Path, before: Callable[..., Any], namespace: str, platform: str, port: int) -> None:
    text, service = decode(manifest.read_bytes(), ""), node_port_service(namespace, platform, port)
    assert digest(text, service) == before("digest", namespace, platform, port)
    assert [service] * (service is not None) == before("node_port", namespace, platform, port)


@FILES
@pytest.mark.parametrize("namespace", ["team-argo"])
def test_the_objects_are_those_of_before(manifest: Path, before: Callable[..., Any], namespace: str) -> None:
    found = read_manifest(decode(manifest.read_bytes(), ""), "", namespace)
    assert json.dumps(found) == json.dumps(before("objects", namespace, "x", 0))


def test_references_lead_to_the_wanted_namespace_and_images_of_the_node_are_used() -> None:
    found = read_manifest(SMALL, "install.yaml", "team-argo")
    _crd, account, everywhere, inside, deployment = found
    assert "namespace" not in account["metadata"]
    assert everywhere["subjects"] == [{"kind": "ServiceAccount", "name": "argocd-server", "namespace": "team-argo"}]
    assert inside["metadata"]["namespace"] == "team-argo"
    assert [item.get("namespace") for item in inside["subjects"]] == [None, "argocd-other"]
    pod = deployment["spec"]["template"]["spec"]
    assert [pod[part][0]["imagePullPolicy"] for part in ("containers", "initContainers")] == ["IfNotPresent", "Never"]
    assert deployments(found) == ["argocd-server"]


REGISTRY = "registry.example.com/mirror"


@FILES
def test_f15_every_image_of_the_manifest_comes_from_the_registry(manifest: Path) -> None:
    text = decode(manifest.read_bytes(), "")
    found = read_manifest(text, "", "argocd", Changes(REGISTRY, ["pull"]))
    published = manifest_images(text, "")
    assert f"{REGISTRY}/argoproj/argocd:v3.0.23" in {image for item in found for image in images_of(item) if item["kind"] != CRD}
    pods = [item["spec"]["template"]["spec"] for item in found if item["kind"] in ("Deployment", "StatefulSet")]
    images = [image for pod in pods for image in images_of(pod)]
    assert all(image.startswith(f"{REGISTRY}/") for image in images)
    assert {mirrored(image, REGISTRY) for image in published} == set(images)
    assert [pod["imagePullSecrets"] for pod in pods] == [[{"name": "pull"}]] * len(pods) != []
    # Nothing else differs, the CRDs neither, which describe containers with images.
    plain = read_manifest(text, "", "argocd")
    left = [item for item, other in zip(found, plain, strict=True) if json.dumps(item) != json.dumps(other)]
    assert {item["kind"] for item in left} <= {"Deployment", "StatefulSet"}


def test_a_crd_stays_as_it_was_published() -> None:
    text = SMALL.replace("scope: Namespaced", "scope: Namespaced\n  example: {containers: [{name: a, image: redis:7}]}")
    (crd, *_others), plain = read_manifest(text, "", "argocd", Changes(REGISTRY, ["pull"])), read_manifest(text, "", "argocd")
    assert crd == plain[0]
    assert "redis:7" not in manifest_images(text, "")


def test_f15_another_registry_or_pull_secret_is_applied_once() -> None:
    lists = [(), ("pull",), ("pull", "more")]
    given = [Changes(registry, pulls, env) for registry in ("", REGISTRY) for pulls in lists for env in ({}, {"A": "1"}, {"A": "2"})]
    assert len({digest(SMALL, None, each) for each in given}) == len(given)
    # Lists of a module's options are equal to those of before.
    assert digest(SMALL, None, Changes(REGISTRY, ["pull"])) == digest(SMALL, None, Changes(REGISTRY, ("pull",)))
    assert digest(SMALL, None, Changes()) == digest(SMALL, None)


@FILES
def test_f7_the_repository_server_alone_has_the_proxies(manifest: Path) -> None:
    text = decode(manifest.read_bytes(), "")
    if REPO_SERVER not in text:
        text = text.replace("argocd-server", REPO_SERVER).replace("name: server", f"name: {REPO_SERVER}")
    changes = Changes(environment={"HTTPS_PROXY": "http://p:3128", "ARGOCD_RECONCILIATION_TIMEOUT": "9s"})
    plain, found = read_manifest(text, "", "argocd"), read_manifest(text, "", "argocd", changes)
    (pair,) = [(item, other) for item, other in zip(plain, found, strict=True) if item != other]
    assert [(item["kind"], item["metadata"]["name"]) for item in pair] == [("Deployment", REPO_SERVER)] * 2
    before, after = (item["spec"]["template"]["spec"]["containers"][0] for item in pair)
    own = [entry for entry in before.get("env", []) if entry["name"] not in changes.environment]
    assert after["env"] == own + [{"name": name, "value": value} for name, value in changes.environment.items()]
    pods = [item["spec"]["template"]["spec"].get("initContainers") for item in pair]
    assert pods[0] == pods[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "install.yaml: definitions are not YAML"),
        ("<html>", "Definition 1 is not an object but str"),
        ("kind: List", "Definition 1 .* has no apiVersion"),
    ],
)
def test_another_file_is_refused(text: str, words: str) -> None:
    with pytest.raises(CollectionError, match=words) as refusal:
        read_manifest(text, "install.yaml", "argocd")
    assert refusal.value.code == "bad_manifest"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(CollectionError, match="not a text in UTF-8"):
        decode(b"\xff\xfe", "install.yaml")
