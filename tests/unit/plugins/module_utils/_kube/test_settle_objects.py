# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections that must hold an object before a wait ends."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.settle import NotSettled, await_objects

NODES = "metrics.k8s.io/v1beta1/nodes"


class Api:
    """Answers each list with the next of these; the last of them stays. The clock is that of the pauses."""

    def __init__(self, *answers: list[str] | ApiError) -> None:
        self.answers, self.paths, self.now = list(answers), list[str](), 0.0

    def items(self, path: str, *, whole: bool) -> list[str]:
        self.paths.append(path)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ApiError):
            raise answer
        return answer

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, *collections: str, timeout: float = 5) -> None:
        api: Any = self
        await_objects(api, collections, timeout, clock=lambda: self.now, sleep=self.sleep)


@pytest.mark.parametrize(
    ("answers", "collections", "asked"),
    [
        ([["a"]], [], 0),
        ([["a"]], [NODES], 1),
        ([[], [], ["a"]], [NODES], 3),
        ([ApiError(503, "no endpoints"), ["a"]], [NODES], 2),  # the server has just been registered
        ([["a"]], [NODES, "metrics.k8s.io/v1beta1/pods"], 2),
    ],
)
def test_it_waits_until_each_collection_holds_an_object(answers: list[list[str] | ApiError], collections: list[str], asked: int) -> None:
    api = Api(*answers)
    api.wait(*collections)
    assert len(api.paths) == asked
    assert set(api.paths) == {f"/apis/{name}" for name in collections}


def test_a_collection_that_stays_empty_ends_the_wait() -> None:
    api = Api([])
    with pytest.raises(NotSettled, match=rf"Not done within 5 s: {NODES} holds no object yet") as failure:
        api.wait(NODES)
    assert (failure.value.code, api.now) == ("timeout", 5)


def test_a_refusal_ends_the_wait() -> None:
    with pytest.raises(ApiError, match="not permitted"):
        Api(ApiError(403, "not permitted")).wait(NODES)
