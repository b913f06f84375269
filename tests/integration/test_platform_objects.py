# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as a declared state, on a real API server: what is changed, with how many requests, and what is left to its owner."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.integration.conftest import serve
from ansible_collections.gitops.airflow.tests.integration.modules import Module

Obj = dict[str, Any]
SPACE = "airflow-core"
OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
MARKS = {**OLDER, "gitops-airflow/platform": "airflow"}
SECRET = "hunter22-hunter22"


def obj(kind: str, name: str, version: str = "v1", namespace: str = SPACE, **more: Any) -> Obj:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def pod(image: str = "web:1", **more: Any) -> Obj:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}], **more}}


def deployment(image: str = "web:1", namespace: str = SPACE) -> Obj:
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": pod(image)}
    return obj("Deployment", "web", "apps/v1", namespace, spec=spec)


def job(image: str = "web:1") -> Obj:
    return obj("Job", "setup", "batch/v1", spec={"backoffLimit": 0, "template": pod(image, restartPolicy="Never")})


CONFIG = obj("ConfigMap", "settings", data={"a": "1"})
ACCESS = obj("Secret", "access", stringData={"password": SECRET})
SERVICE = obj("Service", "web", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})
API = obj(
    "APIService",
    "v1.weather.test",
    "apiregistration.k8s.io/v1",
    "",
    spec={
        "group": "weather.test",
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"name": "web", "namespace": SPACE},
    },
)
CRD = obj(
    "CustomResourceDefinition",
    "wolves.animals.test",
    "apiextensions.k8s.io/v1",
    "",
    spec={
        "group": "animals.test",
        "scope": "Namespaced",
        "names": {"kind": "Wolf", "plural": "wolves", "singular": "wolf", "listKind": "WolfList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
)
WOLF = obj("Wolf", "grey", "animals.test/v1", spec={"pack": 3})


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server whose user C(reader) may do everything, so that its requests are audited."""
    for server in serve(tmp_path_factory.mktemp("applied")):
        version, group = "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
        reference = {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"}
        subjects = [{"apiGroup": group, "kind": "User", "name": "reader"}]
        server.create(obj("ClusterRoleBinding", "reader-admin", version, "", roleRef=reference, subjects=subjects))
        yield server


class Platform:
    """Applies objects as a platform, and removes what a test has made."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server

    def start(self, *definitions: Obj, check: bool = False, **options: Any) -> Module:
        given = {"state": "present", "platform": "airflow", "definitions": list(definitions), "_ansible_diff": True, **options}
        return Module("platform_objects", self.server.kubeconfig("reader"), check=check, **given)

    def apply(self, *definitions: Obj, **options: Any) -> Obj:
        with self.start(*definitions, **options) as module:
            return module.result()

    def get(self, item: Obj) -> Obj | None:
        status, answer = self.server._send("GET", path(item))
        return json.loads(answer) if status == 200 else None

    def uid(self, item: Obj) -> str:
        return str((self.get(item) or {"metadata": {"uid": ""}})["metadata"]["uid"])

    def report(self, item: Obj, status: Obj) -> None:
        """What a controller says of it."""
        self.server.request("PATCH", f"{path(item)}/status", {"status": status}, "application/merge-patch+json")

    def rolled_out(self, item: Obj) -> None:
        self.report(item, {"observedGeneration": 99, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1})

    def verbs(self, since: int) -> list[str]:
        return [entry["verb"] for entry in self.server.audited("reader")[since:]]

    def clean(self) -> None:
        for item in (API, CRD, WOLF, deployment(), job(), CONFIG, ACCESS, obj("Secret", "made"), obj("ServiceAccount", "web"), SERVICE):
            body = {"propagationPolicy": "Background"}
            assert self.server._send("DELETE", path(item), json.dumps(body))[0] in (200, 202, 404)


def path(item: Obj) -> str:
    plural = {"Wolf": "wolves"}.get(item["kind"], item["kind"].lower() + "s")
    root = "/api/v1" if item["apiVersion"] == "v1" else f"/apis/{item['apiVersion']}"
    space = item["metadata"].get("namespace")
    return f"{root}{f'/namespaces/{space}' if space else ''}/{plural}/{item['metadata']['name']}"


@pytest.fixture
def platform(applied: ApiServer) -> Iterator[Platform]:
    found = Platform(applied)
    yield found
    found.clean()


def results(result: Obj) -> dict[str, str]:
    assert "objects" in result, result
    return {f"{item['kind']}/{item['name']}": item["result"] for item in result["objects"]}


ALL = (SERVICE, deployment(), ACCESS, CONFIG)


def test_objects_are_applied_once(platform: Platform) -> None:
    first = platform.apply(*ALL)
    assert first["changed"]
    assert results(first) == dict.fromkeys(["Secret/access", "ConfigMap/settings", "Service/web", "Deployment/web"], "created")
    for item in ALL:
        found = platform.get(item)
        assert found is not None
        assert MARKS.items() <= found["metadata"]["labels"].items()
    web = platform.get(deployment())
    assert web is not None
    assert web["spec"]["template"]["metadata"]["labels"] == {"app": "web"}
    begun = len(platform.server.audited("reader"))
    second = platform.apply(*ALL)
    assert not second["changed"]
    assert set(results(second).values()) == {"same"}
    assert platform.verbs(begun) == ["get"] * 4
    begun = len(platform.server.audited("reader"))
    third = platform.apply(*ALL[:3], {**CONFIG, "data": {"a": "2"}})
    assert [name for name, result in results(third).items() if result != "same"] == ["ConfigMap/settings"]
    assert sorted(platform.verbs(begun)) == ["get"] * 4 + ["patch"]
    assert third["diff"]["after"].keys() == {"ConfigMap airflow-core/settings"}


def test_what_others_have_changed_is_applied_again(platform: Platform) -> None:
    platform.apply(CONFIG, deployment())
    platform.server.merge(CONFIG, {"data": {"a": "others", "b": "others"}})
    platform.server.merge(deployment(), {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "1"}}})
    assert results(platform.apply(CONFIG, deployment())) == {"ConfigMap/settings": "changed", "Deployment/web": "same"}
    found = platform.get(CONFIG)
    assert found is not None
    assert found["data"] == {"a": "1", "b": "others"}
    assert results(platform.apply({**CONFIG, "data": {}})) == {"ConfigMap/settings": "changed"}


def test_a_value_that_the_server_writes_otherwise_is_no_change(platform: Platform) -> None:
    web = deployment()
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "0.5"}}
    platform.apply(web)
    begun = len(platform.server.audited("reader"))
    assert not platform.apply(web)["changed"]
    assert platform.verbs(begun) == ["get", "patch"]
    assert not platform.apply(web, check=True)["changed"]


@pytest.mark.parametrize("before", [(), (CONFIG,)], ids=["new", "there"])
def test_a_check_says_what_a_run_does(platform: Platform, before: tuple[Obj, ...]) -> None:
    if before:
        platform.apply({**CONFIG, "data": {"a": "old"}})
    checked = platform.apply(*ALL, check=True)
    assert [item for item in ALL if platform.get(item)] == list(before)
    done = platform.apply(*ALL)
    for found in checked, done:  # a Service's address is chance
        found["diff"]["after"].pop("Service airflow-core/web")
    assert (checked["changed"], results(checked), checked["diff"]) == (done["changed"], results(done), done["diff"])


def test_a_check_where_the_namespace_and_the_kind_do_not_exist_yet(platform: Platform) -> None:
    space = obj("Namespace", "not-yet", namespace="")
    found = platform.apply(deployment(namespace="not-yet"), space, CRD, WOLF, obj("ConfigMap", "x", namespace="neither"), check=True)
    assert results(found) == dict.fromkeys(
        ["Namespace/not-yet", "CustomResourceDefinition/wolves.animals.test", "ConfigMap/x", "Deployment/web", "Wolf/grey"], "created"
    )
    refused = platform.apply({**WOLF, "kind": "Cat"}, check=True)
    assert refused["msg"] == "The cluster does not serve the kind Cat of animals.test/v1."
    assert "namespaces" in platform.apply(deployment(namespace="not-yet"))["msg"]


def test_a_kind_and_its_object_are_applied_together(platform: Platform) -> None:
    found = platform.apply(WOLF, CRD, wait=True)
    assert results(found) == {"CustomResourceDefinition/wolves.animals.test": "created", "Wolf/grey": "created"}
    assert not platform.apply(WOLF, CRD)["changed"]


def others(platform: Platform, item: Obj, labels: dict[str, str] | None = None) -> None:
    platform.server.create({**item, "metadata": {**item["metadata"], "labels": labels or {}}})


@pytest.mark.parametrize("check", [False, True])
def test_objects_of_others_are_refused_before_anything_is_changed(platform: Platform, check: bool) -> None:
    others(platform, CONFIG)
    found = platform.apply(*ALL, check=check, next_action={"foreign": "Ask the owner.", "wait": "Look."})
    assert found.get("failed"), found
    assert found["next_action"] == "Ask the owner."
    assert found["code"] == "foreign_object"
    assert [(item["kind"], item["name"]) for item in found["refused"]] == [("ConfigMap", "settings")]
    assert "ConfigMap airflow-core/settings: it does not have the labels" in found["msg"]
    assert [item for item in ALL if platform.get(item)] == [CONFIG]


def test_objects_of_others_stay(platform: Platform) -> None:
    others(platform, CONFIG)
    found = platform.apply(*ALL, foreign="keep")
    assert "ConfigMap/settings" not in results(found)
    assert [item["name"] for item in found["kept"]] == ["settings"]
    live = platform.get(CONFIG)
    assert live is not None
    assert live["metadata"].get("labels") is None


def test_namespaces_of_others_are_used_as_they_are(platform: Platform) -> None:
    own = obj("Namespace", "own-space", namespace="")
    found = platform.apply(own, obj("Namespace", SPACE, namespace=""), foreign="keep")
    assert results(found) == {"Namespace/own-space": "created"}
    assert found["created"] == ["Namespace own-space"]
    assert "it existed before the platform" in found["text"]
    live = platform.get(own)
    assert live is not None
    assert live["metadata"]["labels"].items() >= {**MARKS, "gitops-airflow/made": "true"}.items()
    assert not platform.apply(own, foreign="keep")["changed"]


@pytest.mark.parametrize("older", [False, True])
def test_objects_of_an_older_version(platform: Platform, older: bool) -> None:
    others(platform, CONFIG, OLDER)
    found = platform.apply(CONFIG, adopt=older)
    assert found.get("failed", False) is not older
    if older:
        assert results(found) == {"ConfigMap/settings": "changed"}


def test_what_others_provide_is_not_provided_twice(platform: Platform) -> None:
    others(platform, API)
    found = platform.apply(API, *ALL, yield_to=["APIService/v1.weather.test"], wait=True)
    assert (found["changed"], found["yielded"], found["objects"]) == (False, True, [])
    assert f"Service {SPACE}/web serves it" in found["text"]
    assert [item for item in ALL if platform.get(item)] == []


def test_what_definitions_name_is_deleted_in_the_reverse_order(platform: Platform) -> None:
    others(platform, CONFIG)
    platform.apply(SERVICE, deployment(), ACCESS)
    for check in (True, False):
        found = platform.apply(*ALL, state="absent", check=check)
        assert [f"{item['kind']}/{item['name']}" for item in found["removed"]] == ["Deployment/web", "Service/web", "Secret/access"], found
        assert [(item["kind"], item["name"]) for item in found["kept"]] == [("ConfigMap", "settings")]
        assert SECRET not in json.dumps(found)
        assert [item for item in ALL if platform.get(item)] == ([*ALL] if check else [CONFIG])
    assert not platform.apply(*ALL, state="absent")["changed"]


def test_no_value_of_a_secret_is_shown(platform: Platform) -> None:
    encoded = base64.b64encode(SECRET.encode()).decode()
    platform.apply(ACCESS)
    for found in (platform.apply({**ACCESS, "stringData": {"password": f"{SECRET}-2", "more": SECRET}}), platform.apply(ACCESS)):
        assert SECRET not in json.dumps(found)
        assert encoded not in json.dumps(found)
        assert found["diff"]["after"]["Secret airflow-core/access"]["data"]["password"] == "******** (changed)"
    text = (
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: access, namespace: {SPACE}}}\nstringData:\n  password: |\n    {SECRET}\n    x\n"
    )
    found = platform.apply(definitions=text + "immutable: maybe\n")
    assert found["failed"]
    assert SECRET not in json.dumps(found)
    assert "access" in found["msg"]
    assert found["invocation"]["module_args"]["definitions"] == ["Secret airflow-core/access"]


def test_values_of_a_secret_are_inserted(platform: Platform) -> None:
    derived = {**ACCESS, "stringData": {"users": "reader:${made/reader}"}}
    options: Obj = {"substitute_from": ["made"], "namespace": SPACE}
    assert platform.apply(derived, substitute_from=["made"])["code"] == "bad_option"
    assert platform.apply(derived, **options)["code"] == "missing_secret"
    assert platform.apply(derived, check=True, **options)["changed"]
    platform.server.create(obj("Secret", "made", stringData={"reader": SECRET}))
    assert platform.apply(derived, **options)["changed"]
    found = platform.get(ACCESS)
    assert found is not None
    assert base64.b64decode(found["data"]["users"]).decode() == f"reader:{SECRET}"
    again = platform.apply(derived, **options)
    assert not again["changed"]
    assert SECRET not in json.dumps(again)


def test_a_roll_out_is_waited_for(platform: Platform) -> None:
    with platform.start(SERVICE, API, deployment(), wait=True, timeout=30) as module:
        module.until(lambda: platform.get(deployment()))
        assert platform.get(API) is None
        platform.rolled_out(deployment())
        module.until(lambda: platform.get(API))
        while module.running():  # the server's own controller sees no endpoint, and says so again and again
            platform.report(API, {"conditions": [{"type": "Available", "status": "True", "reason": "Passed", "message": ""}]})
            time.sleep(0.2)
        found = module.result()
    assert found["waited"] == ["Deployment/web", "APIService/v1.weather.test"], found
    begun = len(platform.server.audited("reader"))
    again = platform.apply(SERVICE, deployment(), wait=True)
    assert (again["changed"], again["waited"]) == (False, [])
    assert platform.verbs(begun) == ["get"] * 2


def test_an_api_that_holds_no_object_is_waited_for(platform: Platform) -> None:
    options: Obj = {"wait": True, "timeout": 2, "wait_for_objects": ["apps/v1/daemonsets"], "next_action": {"wait": "Look at its log."}}
    with platform.start(deployment(), **options) as module:
        module.until(lambda: platform.get(deployment()))
        platform.rolled_out(deployment())
        found = module.result()
    assert found["code"] == "timeout"
    assert "apps/v1/daemonsets holds no object yet" in found["msg"]
    assert found["next_action"].endswith("Look at its log.")
    # What has settled is not waited for, and neither is what it serves.
    assert platform.apply(deployment(), **options)["waited"] == []


def test_a_roll_out_that_fails_names_its_cause(platform: Platform) -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image web:1"}
    container = {"name": "web", "ready": False, "restartCount": 0, "image": "web:1", "imageID": "", "state": {"waiting": waiting}}
    stuck = {**obj("Pod", "web-1"), **pod()}
    stuck["metadata"] = {"name": "web-1", "namespace": SPACE, "labels": {"app": "web"}}
    stuck["spec"] = {**stuck["spec"], "nodeName": "node-1"}
    platform.server.create(stuck)
    platform.report(stuck, {"phase": "Pending", "containerStatuses": [container]})
    try:
        found = platform.apply(CONFIG, deployment(), API, wait=True, grace=0.5, timeout=30, next_action={"wait": "Ask the owner."})
    finally:
        platform.server.delete(stuck)
    assert found["failed"]
    assert found["changed"]
    assert "ImagePullBackOff" in found["msg"]
    assert found["next_action"].endswith("Ask the owner.")
    assert [item["name"] for item in found["workloads"]] == ["Deployment/web"]
    assert platform.get(API) is None


def test_other_workloads_are_not_waited_for(platform: Platform) -> None:
    platform.server.create(deployment())
    try:
        found = platform.apply(job(), wait=True, timeout=0.5)
        assert found["code"] == "timeout"
        assert "Deployment/web" not in found["msg"]
    finally:
        platform.clean()


def test_a_job_is_made_anew_where_it_cannot_be_changed(platform: Platform) -> None:
    first = platform.apply(job())
    assert platform.apply(job("web:2"))["failed"]
    assert results(platform.apply(job("web:2"), recreate=True, check=True)) == {"Job/setup": "recreated"}
    found = platform.apply(job("web:2"), recreate=True)
    assert results(found) == {"Job/setup": "recreated"}
    assert found["objects"][0]["uid"] != first["objects"][0]["uid"]
    assert results(platform.apply(job("web:2"), recreate=True)) == {"Job/setup": "same"}
    wrong = platform.apply(job(""), recreate=True)
    assert wrong["failed"]
    assert platform.uid(job()) == found["objects"][0]["uid"]


def failed_job(kind: str) -> Obj:
    times = {"startTime": "2026-05-04T10:00:00Z"}
    conditions = [{"type": name, "status": "True", "reason": "BackoffLimitExceeded", "message": ""} for name in ("FailureTarget", kind)]
    return {**times, "failed": 1, "conditions": conditions}


def test_a_failed_job_is_made_anew_and_waited_for(platform: Platform) -> None:
    first = platform.apply(job())
    platform.report(job(), failed_job("Failed"))
    assert "Job/setup" in platform.apply(job(), wait=True, timeout=30)["msg"]
    with platform.start(job(), recreate=True, wait=True, timeout=30) as module:
        module.until(lambda: platform.uid(job()) not in ("", first["objects"][0]["uid"]))
        conditions = [{"type": name, "status": "True"} for name in ("SuccessCriteriaMet", "Complete")]
        times = {"startTime": "2026-05-04T10:00:00Z", "completionTime": "2026-05-04T10:00:09Z"}
        platform.report(job(), {**times, "succeeded": 1, "conditions": conditions})
        found = module.result()
    assert results(found) == {"Job/setup": "recreated"}
    assert found["waited"] == ["Job/setup"]
    assert results(platform.apply(job(), recreate=True, wait=True)) == {"Job/setup": "same"}


def test_argo_cds_manifest_costs_a_request_an_object(platform: Platform) -> None:
    """What is as declared is not sent again. Lists with defaults in them cannot be compared here: the server does it.

    Argo CD finds its settings by its own label part-of: what the record names has no mark.
    """
    platform.server.request("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io", {})
    text = lab_file("argocd-install.yaml").read_text()
    options: Obj = {"definitions": text, "namespace": "argocd", "argocd_namespace": "argocd"}
    refused = platform.apply(**options)
    assert "has the label app.kubernetes.io/part-of=argo" in refused["msg"]
    items = [item for item in yaml.load_all(text, yaml.CSafeLoader) if item]
    cluster_wide = ("CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding")
    refs = [
        {"kind": item["kind"], "name": item["metadata"]["name"], "namespace": "" if item["kind"] in cluster_wide else "argocd"}
        for item in items
    ]
    record = obj("ConfigMap", "argocd-installed", namespace="argocd", data={"state": "applying", "objects": json.dumps(refs)})
    assert platform.apply(record)["changed"]
    first = platform.apply(**options)
    assert set(results(first).values()) == {"created"}
    settings = platform.get(obj("ConfigMap", "argocd-cm", namespace="argocd"))
    assert settings is not None
    assert settings["metadata"]["labels"] == {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"}
    begun = len(platform.server.audited("reader"))
    again = platform.apply(**options)
    assert not again["changed"]
    verbs = platform.verbs(begun)
    assert verbs.count("get") == len(items) + 1  # the record
    assert verbs.count("patch") <= 3
    platform.server.request("DELETE", "/api/v1/namespaces/argocd/configmaps/argocd-installed", {})
    assert platform.apply(**{**options, "definitions": [item for item in items if item["kind"] == "ServiceAccount"][:1]})["failed"]
