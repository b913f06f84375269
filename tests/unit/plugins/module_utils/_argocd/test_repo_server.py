# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for Argo CD's repository server: when it ends, and what it says of a Deployment that does not roll out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.repo_server import await_roll_out
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import Place

Obj = dict[str, Any]
PLACE = Place("apps/v1", "Deployment", "deployments", "argocd", "argocd-repo-server")


def server(available: int) -> Obj:
    spec = {"selector": {"matchLabels": {"app": "repo-server"}}}
    status = {"updatedReplicas": 1, "availableReplicas": available}
    return {"metadata": {"name": PLACE.name, "namespace": "argocd"}, "spec": spec, "status": status}


def event(kind: str, item: Obj) -> Obj:
    return {"type": kind, "object": item}


PULL: Obj = {
    "metadata": {"name": "argocd-repo-server-x", "namespace": "argocd", "labels": {"app": "repo-server"}},
    "status": {
        "phase": "Pending",
        "containerStatuses": [{"name": "c", "image": "q/argocd:v9", "state": {"waiting": {"reason": "ImagePullBackOff"}}}],
    },
}


class Api:
    """A list of Deployments, events that follow it, and pods or the status of a refusal."""

    def __init__(self, listed: list[Obj], events: list[Obj] | None = None, pods: list[Obj] | int = 403) -> None:
        self.listed, self.events, self.pods, self.asked = listed, events or [], pods, list[tuple[str, Obj]]()

    def page(self, path: str, query: Obj) -> Obj:
        self.asked.append((path, query))
        if path.endswith("/pods"):
            if isinstance(self.pods, int):
                raise ApiError(self.pods, "no")
            return {"items": self.pods, "metadata": {}}
        return {"items": self.listed, "metadata": {"resourceVersion": "1"}}

    def watch(self, _path: str, _query: Obj) -> Iterator[Obj]:
        events, self.events = self.events, []
        return iter(events)


class Told(Progress):
    """Keeps what a person would see."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def tell(self, elapsed: float, name: str, kind: str, text: str) -> None:
        self.lines.append((f"{name} {kind}", text))


def wait(api: Api, present: Obj, timeout: float = 2.0) -> Told:
    told = Told()
    await_roll_out(cast(KubeApi, api), PLACE, present, timeout, told)
    return told


def test_what_has_rolled_out_is_not_awaited() -> None:
    api = Api([])
    assert wait(api, server(1)).lines == []
    assert api.asked == []


@pytest.mark.parametrize(
    ("listed", "events"),
    [
        ([server(1)], []),
        ([server(0)], [event("MODIFIED", server(1))]),
        ([server(0)], [event("MODIFIED", server(0)), event("MODIFIED", server(1))]),
    ],
)
def test_the_wait_ends_when_it_has_rolled_out(listed: list[Obj], events: list[Obj]) -> None:
    api = Api(listed, events)
    lines = wait(api, server(0)).lines
    assert lines[-1] == ("argocd-repo-server done", "rolled out")
    assert api.asked[0][0].endswith("/namespaces/argocd/deployments")
    assert api.asked[0][1].items() >= {"fieldSelector": "metadata.name=argocd-repo-server"}.items()


def test_without_the_right_to_watch_the_deployment_is_read_again_and_again() -> None:
    class Unwatched(Api):
        def watch(self, _path: str, _query: Obj) -> Iterator[Obj]:
            self.listed = [server(1)]
            raise ApiError(403, "no")

    told = Told()
    await_roll_out(cast(KubeApi, Unwatched([server(0)])), PLACE, server(0), 2, told, sleep=lambda _seconds: time.sleep(0.1))
    assert told.lines[-1] == ("argocd-repo-server done", "rolled out")


def refused(api: Api, timeout: float) -> CollectionError:
    with pytest.raises(CollectionError) as caught:
        wait(api, server(0), timeout)
    assert caught.value.code == "not_rolled_out"
    assert caught.value.next_action.startswith("Run kubectl -n argocd describe deployment,pods")
    return caught.value


@pytest.mark.parametrize(("listed", "events"), [([], []), ([server(0)], [event("DELETED", server(0))])])
def test_a_deployment_that_is_deleted_ends_the_wait(listed: list[Obj], events: list[Obj]) -> None:
    assert "within 2 s: it is deleted. Until then" in refused(Api(listed, events), 2).message


@pytest.mark.parametrize(
    ("pods", "reason"),
    [
        (403, "0 of 1 pods are available."),
        ([], "0 of 1 pods are available."),
        ([PULL], "ImagePullBackOff"),
        ([{**PULL, "metadata": {**PULL["metadata"], "labels": {"app": "other"}}}], "0 of 1 pods are available."),
    ],
)
def test_the_reason_is_that_of_its_pods(pods: list[Obj] | int, reason: str) -> None:
    api = Api([server(0)], pods=pods)
    message = refused(api, 0.1).message
    assert message.startswith("Deployment argocd/argocd-repo-server has not rolled out within 0.1 s: ")
    assert reason in message
