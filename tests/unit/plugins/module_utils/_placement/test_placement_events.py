# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from Events; recorded/workers.json holds those of a real kube-scheduler 1.29.4."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import PAGE
from ansible_collections.gitops.airflow.plugins.module_utils._placement.events import Sighting, read, selectors, sight
from ansible_collections.gitops.airflow.tests.unit.places import RECORDED

RECORDED = json.loads((RECORDED / "workers.json").read_text())["events"]
SCHEDULED: Obj = RECORDED["Scheduled"]
NAME, UID = "example-cron-dag-say-hi-ypr2rw8m", "eac6944b-38d3-46b7-83be-01a427243058"
SEEN = Sighting("airflow-cron", NAME, UID, "node-1", scheduled="2026-11-22T22:53:28.097617Z", version=230)
POD = {**SCHEDULED["involvedObject"], "resourceVersion": "253"}
KUBELET = {"reportingComponent": "kubelet", "reportingInstance": "node-1", "source": {"component": "kubelet", "host": "node-1"}}
STARTED = {
    "kind": "Event",
    "involvedObject": {**POD, "fieldPath": "spec.containers{base}"},
    "reason": "Started",
    "message": "Started container base",
    "firstTimestamp": "2026-11-22T22:53:31Z",
    "lastTimestamp": "2026-11-22T22:53:31Z",
    "eventTime": None,
    **KUBELET,
}
INIT = {**STARTED, "involvedObject": {**POD, "fieldPath": "spec.initContainers{git-sync-init}"}, "firstTimestamp": "2026-11-22T22:53:29Z"}
KILLING = {**STARTED, "reason": "Killing", "message": "Stopping container base"}

# name: (events, what they tell of the pod)
TABLE: dict[str, tuple[list[Obj], Sighting | None]] = {
    "scheduled": ([SCHEDULED], SEEN),
    "events.k8s.io/v1": ([RECORDED["Scheduled events.k8s.io/v1"]], SEEN),
    "scheduled and started": (
        [SCHEDULED, STARTED, INIT],
        Sighting("airflow-cron", NAME, UID, "node-1", SEEN.scheduled, "2026-11-22T22:53:31Z", 230),
    ),
    "only the kubelet's": ([KILLING], Sighting("airflow-cron", NAME, UID, "node-1", version=253)),
    "a kubelet without source": ([{**KILLING, "source": {}}], Sighting("airflow-cron", NAME, UID, "node-1", version=253)),
    "a kubelet that names itself in source alone": (
        [{**KILLING, "reportingComponent": "", "reportingInstance": ""}],
        Sighting("airflow-cron", NAME, UID, "node-1", version=253),
    ),
    "scheduled, and a kubelet that does not name its node": ([SCHEDULED, {**KILLING, "source": {}, "reportingInstance": ""}], SEEN),
    "found no node": ([RECORDED["FailedScheduling"]], Sighting("airflow-cron", NAME, UID, version=229)),
    "read twice": ([SCHEDULED, SCHEDULED], SEEN),
    "a message that names another pod": (
        [{**SCHEDULED, "message": f"Successfully assigned x/{NAME} to node-9"}],
        Sighting("airflow-cron", NAME, UID, version=230),
    ),
    "a message in other words": ([{**SCHEDULED, "message": "went to node-9"}], Sighting("airflow-cron", NAME, UID, version=230)),
    "another pod": ([RECORDED["Preempted"]], None),
    "not of a pod": ([{**SCHEDULED, "involvedObject": {**POD, "kind": "Job"}}], None),
    "without a uid": ([{**SCHEDULED, "involvedObject": {**POD, "uid": ""}}], None),
}


@pytest.mark.parametrize("name", TABLE)
def test_sight(name: str) -> None:
    events, expected = TABLE[name]
    found: dict[str, Sighting] = {}
    sight(events, lambda pod: pod == NAME, found)
    assert [*found.values()] == ([expected] if expected else [])


def test_few_pods_are_asked_for_by_name_and_many_by_reason() -> None:
    assert selectors(["a", "b"]) == ["involvedObject.kind=Pod,involvedObject.name=a", "involvedObject.kind=Pod,involvedObject.name=b"]
    by_reason = ["involvedObject.kind=Pod,reason=Scheduled", "involvedObject.kind=Pod,reason=Started"]
    assert selectors([]) == by_reason
    assert selectors([str(number) for number in range(6)]) == by_reason


class Pages:
    """Serves two pages; the second fails once with the given status."""

    def __init__(self, failure: int = 0) -> None:
        self.failure, self.asked = failure, list[str]()

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        assert query["limit"] == PAGE
        self.asked.append(f"{path} {query.get('continue', '')}".strip())
        if "continue" not in query:
            return {"items": [SCHEDULED], "metadata": {"continue": "2"}}
        if self.failure:
            failure, self.failure = self.failure, 0
            raise ApiError(failure, "no")
        return {"items": [STARTED], "metadata": {}}

    def watch(self, path: str, query: dict[str, Any]) -> Iterator[Obj]:
        raise AssertionError("events are listed, not watched")


def test_pages_are_read_to_the_end_in_each_namespace() -> None:
    found: dict[str, Sighting] = {}
    pages = Pages()
    read(pages, ["a", "b"], [NAME], lambda pod: True, found)
    assert pages.asked == [f"/api/v1/namespaces/{place}/events{page}" for place in "ab" for page in ("", " 2")]
    assert found[UID].started == "2026-11-22T22:53:31Z"


def test_an_expired_page_begins_again_and_another_refusal_is_an_error() -> None:
    pages = Pages(410)
    read(pages, [], [NAME], lambda pod: True, {})
    assert pages.asked == ["/api/v1/events", "/api/v1/events 2"] * 2
    with pytest.raises(ApiError):
        read(Pages(403), [], [NAME], lambda pod: True, {})


def test_a_first_page_that_is_gone_is_an_error() -> None:
    """A read starts again at its first page. It cannot if the first page itself is gone."""

    class Gone(Pages):
        def page(self, path: str, query: dict[str, Any]) -> Obj:
            assert not self.asked, "asked again for ever"
            self.asked.append(path)
            raise ApiError(410, "gone")

    with pytest.raises(ApiError, match="gone"):
        read(Gone(), [], [NAME], lambda pod: True, {})
