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


def collect(answers: dict[str, Any], **more: str) -> dict[str, str]:
    bundle = Bundle(lambda: Api(answers), ["core", "cron"], 10, ["known-to-us"])  # type: ignore[arg-type, return-value]
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
