# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive: what is collected, what is masked, what is left out and said. The API is a double that answers by path."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks
from ansible_collections.gitops.airflow.plugins.module_utils._support.bundle import Bundle
from ansible_collections.gitops.airflow.plugins.modules import support_bundle as module

PASSWORD = "s3cret-4711"


class Api:
    """Lists by path; logs say which container and whether it is the one before."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def page(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        found = self.answers.get(path, ApiError(404, "no such group"))
        if isinstance(found, ApiError):
            raise found
        return {"items": found, "metadata": {}}

    def get(self, path: str) -> dict[str, Any]:
        return {"gitVersion": "v1.29.4"}

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int, **query: Any) -> Iterator[str]:
        yield f"{container} of {pod}{' before' if query.get('previous') else ''}: password {PASSWORD}"


def secret(namespace: str) -> dict[str, Any]:
    data = {"password": base64.b64encode(PASSWORD.encode()).decode()}
    return {"metadata": {"name": "db", "namespace": namespace}, "data": data}


def pod(restarts: int, **state: Any) -> dict[str, Any]:
    status = {"name": "web", "restartCount": restarts, "state": state}
    return {"metadata": {"name": "web-1", "namespace": "core"}, "status": {"containerStatuses": [status]}}


def collect(answers: dict[str, Any], platform: str = "", **more: str) -> dict[str, str]:
    bundle = Bundle(lambda: Api(answers), ["core", "cron"], 10, ["known-to-us"], platform)  # type: ignore[arg-type, return-value]
    bundle.read(more)
    with tarfile.open(fileobj=io.BytesIO(bundle.archive("x"))) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        assert {member.mode for member in archive.getmembers()} == {0o600}
        return {name.removeprefix("x/"): content.read().decode() for name, content in files.items() if content}


@pytest.fixture
def answers() -> dict[str, Any]:
    core = "/api/v1/namespaces/core"
    return {f"{core}/secrets": [secret("core")], "/api/v1/namespaces/cron/secrets": [], f"{core}/pods": [pod(2, running={})]}


def test_logs_also_before_a_restart_without_their_secrets(answers: dict[str, Any]) -> None:
    files = collect(answers)
    assert files["core/logs/web-1.web.log"] == "web of web-1: password ********"
    assert files["core/logs/web-1.web.previous.log"] == "web of web-1 before: password ********"


def test_objects_know_what_they_are(answers: dict[str, Any]) -> None:
    (shown,) = json.loads(collect(answers)["core/secrets.json"])
    assert (shown["apiVersion"], shown["kind"], shown["data"]) == ("v1", "Secret", {"password": "16 characters"})


@pytest.mark.parametrize(("platform", "shown"), [("", ["a", "b", "c"]), ("prod", ["a", "c"]), ("stage", ["b", "c"])])
def test_objects_of_another_platform_are_left_out(answers: dict[str, Any], platform: str, shown: list[str]) -> None:
    labels = {"a": marks("prod"), "b": marks("stage"), "c": {"app": "x"}}
    applications = [{"metadata": {"name": name, "namespace": "core", "labels": own}} for name, own in labels.items()]
    answers["/apis/argoproj.io/v1alpha1/namespaces/core/applications"] = applications
    # What another one's Secret holds is masked all the same.
    answers["/api/v1/namespaces/core/secrets"][0]["metadata"]["labels"] = marks("third")
    files = collect(answers, platform)
    assert [item["metadata"]["name"] for item in json.loads(files["core/applications.json"])] == shown
    assert ("core/secrets.json" in files) is not bool(platform)
    assert files["core/logs/web-1.web.log"] == "web of web-1: password ********"


def test_a_container_that_never_started_has_no_log(answers: dict[str, Any]) -> None:
    answers["/api/v1/namespaces/core/pods"] = [pod(0, waiting={"reason": "ImagePullBackOff"})]
    assert not [name for name in collect(answers) if "/logs/" in name]


def test_further_texts_are_masked_too(answers: dict[str, Any]) -> None:
    files = collect(answers, status=f"{PASSWORD} and known-to-us")
    assert files["status"] == "******** and ********"


def test_a_namespace_whose_secrets_cannot_be_read_is_left_out(answers: dict[str, Any]) -> None:
    answers["/api/v1/namespaces/core/secrets"] = ApiError(403, f"Not permitted, {PASSWORD[:4]}")
    files = collect(answers)
    assert not [name for name in files if name.startswith("core/")]
    assert "Nothing of core is collected" in files["not-collected.txt"]


def test_a_cluster_that_does_not_answer_still_gives_a_bundle() -> None:
    class Gone(Api):
        def page(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
            raise ApiError(0, "refused")

        def get(self, path: str) -> dict[str, Any]:
            raise ApiError(0, "refused")

    bundle = Bundle(lambda: Gone({}), ["core", "cron"], 10, ["known-to-us"])  # type: ignore[arg-type, return-value]
    bundle.read({"status.txt": "not healthy, known-to-us"})
    bundle.archive("x")
    assert [item["name"] for item in bundle.contents()] == ["not-collected.txt", "status.txt"]
    assert bundle.notes == ["Nothing of the cluster is collected: refused"]
    assert bundle.files["status.txt"] == "not healthy, ********"


def test_without_a_kubeconfig_there_is_a_bundle_too() -> None:
    def connect() -> Any:
        raise ApiError(-1, "no such context")

    bundle = Bundle(connect, ["core"], 10, [])
    bundle.read({"host/docker-ps.txt": "airflow-control-plane   Exited"})
    assert (bundle.notes, list(bundle.files)) == (["Nothing of the cluster is collected: no such context"], ["host/docker-ps.txt"])


def test_the_file_is_its_owners_only(tmp_path: Any) -> None:
    path = tmp_path / "x.tar.gz"
    module.write(str(path), b"content")
    assert (path.read_bytes(), path.stat().st_mode & 0o777, [item.name for item in tmp_path.iterdir()]) == (b"content", 0o600, ["x.tar.gz"])


def test_s3_a_file_in_which_a_secret_is_found_after_all_is_left_out_and_named(answers: dict[str, Any]) -> None:
    """S3: the archive is searched by decoding; four times base64 is a form that is not masked."""
    hidden = PASSWORD
    for _time in range(4):
        hidden = base64.b64encode(hidden.encode()).decode()
    files = collect(answers, **{"odd.txt": f"it is {hidden}", "good.txt": "nothing"})
    assert "odd.txt" not in files
    assert files["good.txt"] == "nothing"
    assert "odd.txt is left out" in files["not-collected.txt"]


def test_s4_variables_that_come_from_secrets_are_secrets_wherever_they_are_repeated(answers: dict[str, Any]) -> None:
    """S4: in another pod's template, in the kubelet's words, in a log; also a value that the Secret has no longer."""
    reference = {"name": "SQL_CONN", "valueFrom": {"secretKeyRef": {"name": "db", "key": "connection"}}}
    repeated = {"name": "SQL_CONN", "value": "an earlier value"}
    note = {"kubectl.kubernetes.io/last-applied-configuration": "an earlier value"}
    template = {"metadata": {"annotations": note}, "spec": {"containers": [{"name": "web", "env": [repeated]}]}}
    for kind, item in (("deployments", reference), ("replicasets", repeated)):
        spec = {"template": {**template, "spec": {"containers": [{"name": "web", "env": [item]}]}}}
        answers[f"/apis/apps/v1/namespaces/core/{kind}"] = [{"metadata": {"name": "web", "namespace": "core"}, "spec": spec}]
    said = "EnvVar{Name:SQL_CONN,Value:an earlier, value,ValueFrom:nil,} map[name:SQL_CONN value:an earlier value] SQL_CONN=earlier"
    files = collect(answers, **{"host/kubelet.log": said})
    assert not [name for name, text in files.items() if "earlier" in text]
    assert "SQL_CONN" in files["core/replicasets.json"]


def test_s5_names_of_the_platform_stay(answers: dict[str, Any]) -> None:
    """S5: a password that is also the name of a namespace, a user or an object."""
    for name in ("core", "web-1", "gitops-user"):
        data = {"username": base64.b64encode(b"gitops-user").decode(), "password": base64.b64encode(name.encode()).decode()}
        answers["/api/v1/namespaces/core/secrets"].append({"metadata": {"name": name, "namespace": "core"}, "data": data})
    text = "core/web-1 runs for gitops-user"
    assert collect(answers, **{"status.txt": text})["status.txt"] == text


def test_s1_notes_hold_no_secret(answers: dict[str, Any]) -> None:
    """S1: what could not be read is said without secrets, in the archive and in the result."""
    answers["/api/v1/namespaces/core/configmaps"] = ApiError(500, f"etcd at https://root:{PASSWORD}@etcd failed")
    assert "https://root:********@etcd failed" in collect(answers)["not-collected.txt"]
