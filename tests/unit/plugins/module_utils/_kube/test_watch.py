# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch loop against a scripted API and a clock that only sleep moves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict, done, failed, waiting
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import (
    PATIENCE_SECONDS,
    POLL_SECONDS,
    Change,
    Item,
    Source,
    ThreadInbox,
    follow,
    snapshot,
    stream,
)

Answer: TypeAlias = "Obj | ApiError | list[Any]"


def listing(version: str, *names: str, more: str = "") -> Obj:
    return {"items": [thing(name, version) for name in names], "metadata": {"resourceVersion": version, "continue": more}}


def thing(name: str, version: str) -> Obj:
    return {"metadata": {"name": name, "resourceVersion": version}}


def event(kind: str, name: str, version: str) -> Obj:
    return {"type": kind, "object": thing(name, version)}


class Script:
    """Answers each request with the next line of the script, and keeps the requests. A list is a watch's events; an
    ApiError among them breaks it, a number is a time in seconds that passes."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = iter(answers)
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.time = 0.0
        self.slept: list[float] = []

    def _next(self, verb: str, query: dict[str, Any]) -> Any:
        self.requests.append((verb, query))
        answer = next(self._answers, None)
        assert answer is not None, f"unexpected {verb} {query}"
        if isinstance(answer, ApiError):
            raise answer
        return answer

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        page: Obj = self._next("list", query)
        return page

    def watch(self, path: str, query: dict[str, Any]) -> Iterator[Obj]:
        items = self._next("watch", query)

        def events() -> Iterator[Obj]:
            for item in items:
                if isinstance(item, ApiError):
                    raise item
                if isinstance(item, float):
                    self.time += item
                    continue
                yield item

        return events()

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def stream(self, since: str = "") -> Iterator[Change]:
        return stream(self, Source("/things", {"labelSelector": "a=b"}, since), self.now, self.sleep)

    def take(self, count: int, since: str = "") -> list[Change]:
        return list(itertools.islice(self.stream(since), count))

    def versions(self) -> list[str]:
        return [query["resourceVersion"] for verb, query in self.requests if verb == "watch"]


def names(change: Change) -> list[str]:
    return [item["metadata"]["name"] for item in change.objects]


GONE = ApiError(410, "too old resource version")
REFUSED = ApiError(0, "connection refused")


def test_list_then_watch_from_its_version() -> None:
    api = Script(listing("7", "a"), [event("ADDED", "b", "8"), event("DELETED", "a", "9")])
    first, added, deleted = api.take(3)
    assert (first.kind, names(first), first.version) == ("listed", ["a"], "7")
    assert (added.type, names(added)) == ("ADDED", ["b"])
    assert (deleted.type, names(deleted)) == ("DELETED", ["a"])
    assert api.versions() == ["7"]
    assert {query["labelSelector"] for _verb, query in api.requests} == {"a=b"}


def test_an_api_server_that_is_away_at_first_is_waited_for() -> None:
    api = Script(REFUSED, ApiError(503, "starting"), listing("7", "a"))
    assert names(api.take(1)[0]) == ["a"]
    assert api.slept == [0.2, 0.4]


def test_one_that_stays_away_is_an_error_after_a_while() -> None:
    api = Script(*[REFUSED] * 99)
    with pytest.raises(ApiError, match="refused"):
        api.take(1)
    assert 8 <= api.time <= PATIENCE_SECONDS
    assert len(api.requests) < 12


def test_a_refusal_at_first_is_an_error_at_once() -> None:
    api = Script(ApiError(403, "forbidden"))
    with pytest.raises(ApiError, match="forbidden"):
        api.take(1)
    assert api.slept == []


def test_what_is_of_no_interest_is_not_kept() -> None:
    api = Script(listing("7", "a", "b"), [event("ADDED", "a", "8"), event("ADDED", "b", "9")])
    source = Source("/things", keep=lambda item: item if item["metadata"]["name"] == "b" else None)
    first, second = itertools.islice(stream(api, source, api.now, api.sleep), 2)
    assert (names(first), names(second), second.objects[0]["metadata"]["resourceVersion"]) == (["b"], ["b"], "9")


def test_pages_are_put_together() -> None:
    api = Script(listing("", "a", more="t1"), listing("", "b", more="t2"), listing("7", "c"))
    objects, version = snapshot(api, Source("/things"))
    assert ([item["metadata"]["name"] for item in objects], version) == (["a", "b", "c"], "7")
    assert [query.get("continue") for _verb, query in api.requests] == [None, "t1", "t2"]


def test_expired_continue_token_begins_anew() -> None:
    api = Script(listing("", "a", more="t1"), GONE, listing("8", "a", "b"))
    assert [item["metadata"]["name"] for item in snapshot(api, Source("/things"))[0]] == ["a", "b"]


def test_what_is_gone_after_it_was_permitted_is_an_error() -> None:
    api = Script(listing("7"), [1.0], ApiError(404, "no such resource"))
    with pytest.raises(ApiError, match="no such resource"):
        api.take(2)


def test_the_begin_of_the_replay_is_told_once() -> None:
    api = Script(listing("7"), [event("ADDED", "a", "4")], [event("ADDED", "b", "5")])
    assert [change.kind for change in api.take(4, since="3")] == ["listed", "watching", "event", "event"]


def test_expiry_without_a_continue_token_is_an_error() -> None:
    with pytest.raises(ApiError):
        snapshot(Script(GONE), Source("/things"))


def test_another_error_among_pages_is_an_error() -> None:
    with pytest.raises(ApiError, match="refused"):
        snapshot(Script(listing("", "a", more="t1"), REFUSED), Source("/things"))


def test_a_watch_that_brought_something_or_lasted_is_resumed_at_once() -> None:
    api = Script(listing("7"), [event("ADDED", "a", "8")], [1.0], [event("ADDED", "b", "9")])
    assert [names(change) for change in api.take(3)] == [[], ["a"], ["b"]]
    assert api.slept == []


def test_an_event_without_a_version_leaves_it() -> None:
    unversioned: Obj = {"type": "ADDED", "object": {"metadata": {"name": "a"}}}
    api = Script(listing("7"), [unversioned], [event("ADDED", "b", "9")])
    api.take(3)
    assert api.versions() == ["7", "7"]


def test_broken_connection_resumes_where_it_was() -> None:
    api = Script(listing("7"), [event("ADDED", "a", "8"), ApiError(0, "reset")], REFUSED, [event("ADDED", "b", "9")])
    assert [names(change) for change in api.take(3)] == [[], ["a"], ["b"]]
    assert api.versions() == ["7", "8", "8"]


def test_bookmark_moves_the_version_and_is_not_told() -> None:
    api = Script(listing("7"), [event("BOOKMARK", "", "50")], [event("ADDED", "a", "51")])
    assert [change.type for change in api.take(2)] == ["", "ADDED"]
    assert api.versions() == ["7", "50"]


@pytest.mark.parametrize("gone", [GONE, [{"type": "ERROR", "object": {"code": 410, "message": "too old"}}]], ids=["status", "event"])
def test_expired_version_begins_with_a_new_list(gone: Answer) -> None:
    api = Script(listing("7", "a"), gone, listing("90", "b"), [event("ADDED", "c", "91")])
    assert [(change.kind, names(change)) for change in api.take(3)] == [("listed", ["a"]), ("listed", ["b"]), ("event", ["c"])]
    assert api.versions() == ["7", "90"]


def test_error_event_of_another_kind_is_resumed() -> None:
    api = Script(listing("7"), [{"type": "ERROR", "object": {"code": 500, "message": "etcd"}}], [event("ADDED", "a", "8")])
    assert names(api.take(2)[1]) == ["a"]


def test_since_replays_the_history() -> None:
    api = Script(listing("7"), [event("ADDED", "gone", "4"), event("DELETED", "gone", "5")])
    assert [change.type or change.kind for change in api.take(4, since="3")] == ["listed", "watching", "ADDED", "DELETED"]
    assert api.versions() == ["3"]


def test_history_that_is_gone_is_said() -> None:
    api = Script(listing("7"), GONE, listing("8", "a"))
    _first, notice, second = api.take(3, since="3")
    assert "no longer has the history since resourceVersion 3" in notice.text
    assert names(second) == ["a"]


def test_forbidden_watch_is_polled_and_said() -> None:
    api = Script(listing("7"), ApiError(403, "no watch"), listing("8", "a"), ApiError(503, "busy"), listing("9", "b"))
    _first, notice, second, third = api.take(4)
    assert "no watch" in notice.text
    assert (names(second), names(third)) == (["a"], ["b"])
    assert api.slept == [POLL_SECONDS] * 3


def test_polling_ends_when_listing_is_refused_too() -> None:
    with pytest.raises(ApiError, match="expired"):
        Script(listing("7"), ApiError(403, "no watch"), *([ApiError(401, "expired")] * 4)).take(3)


def test_polling_outlasts_a_refusal_that_passes() -> None:
    api = Script(listing("7"), ApiError(403, "no watch"), ApiError(403, "roles not read yet"), listing("8", "a"))
    assert names(api.take(3)[2]) == ["a"]


def test_silent_endings_are_retried_ever_more_slowly() -> None:
    api = Script(listing("7"), *([[]] * 9), [event("ADDED", "a", "8")])
    api.take(2)
    assert api.slept == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0, 5.0]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_list_is_an_error(status: int) -> None:
    with pytest.raises(ApiError) as caught:
        Script(ApiError(status, "no")).take(1)
    assert caught.value.status == status


def test_expired_credentials_end_the_watch() -> None:
    with pytest.raises(ApiError):
        Script(listing("7"), [ApiError(401, "expired")]).take(2)


def test_refusal_of_an_api_server_that_starts_passes() -> None:
    starting = ApiError(403, "roles not read yet")
    api = Script(
        listing("7"), [event("ADDED", "a", "8")], REFUSED, starting, GONE, starting, listing("9", "b"), [event("ADDED", "c", "10")]
    )
    assert [(change.kind, names(change)) for change in api.take(4)][1:] == [("event", ["a"]), ("listed", ["b"]), ("event", ["c"])]


def test_refusal_that_lasts_is_believed() -> None:
    api = Script(listing("7"), [event("ADDED", "a", "8")], *([ApiError(403, "no watch any more")] * 20))
    _first, _added, notice = api.take(3)
    assert "no watch any more" in notice.text
    assert 5 <= api.time <= 10


def test_list_forbidden_after_the_watch_expired_is_an_error() -> None:
    with pytest.raises(ApiError):
        Script(listing("7"), GONE, ApiError(403, "no list any more")).take(3)


class ScriptedInbox:
    """Hands out (seconds later, items) and moves its clock; asked for less time than that, it is empty-handed."""

    def __init__(self, *arrivals: tuple[float, list[Item]]) -> None:
        self._arrivals = list(arrivals)
        self.time = 0.0
        self.asked: list[float] = []

    def now(self) -> float:
        return self.time

    def get(self, timeout: float) -> list[Item]:
        self.asked.append(timeout)
        if not self._arrivals or self._arrivals[0][0] - self.time > timeout:
            self.time += timeout
            return []
        at, items = self._arrivals.pop(0)
        self.time = at
        return items


CHANGE = (0, Change("event", text="x"))


def test_follow_returns_at_once_when_already_done() -> None:
    inbox = ScriptedInbox()
    assert follow([CHANGE], inbox, lambda _changes, _now: done(), 10) == (done(), False)
    assert inbox.asked == []


def test_follow_ends_with_the_change_that_decides() -> None:
    inbox = ScriptedInbox((2, [CHANGE]), (3, [CHANGE]))
    seen: list[tuple[int, float]] = []

    def step(changes: Any, now: float) -> Verdict:
        seen.append((len(changes), now))
        return failed("bad") if now >= 3 else waiting("more")

    assert follow([], inbox, step, 10) == (failed("bad"), False)
    assert seen == [(0, 0), (1, 2), (1, 3)]


def test_follow_ends_at_the_deadline_with_what_was_missing() -> None:
    inbox = ScriptedInbox((50, [CHANGE]))
    assert follow([], inbox, lambda _changes, _now: waiting("sync"), 10) == (failed("sync"), True)
    assert inbox.time == 10


def test_follow_judges_once_more_at_the_deadline() -> None:
    inbox = ScriptedInbox()
    verdict = follow([], inbox, lambda _changes, now: done() if now >= 10 else waiting("", 10), 10)
    assert verdict == (done(), False)


def test_follow_wakes_when_the_verdict_asks_for_it() -> None:
    inbox = ScriptedInbox()
    assert follow([], inbox, lambda _changes, now: failed("grace") if now >= 4 else waiting("", 4), 10)[0].reason == "grace"
    assert inbox.asked == [4]


def test_follow_hears_of_a_stream_that_ended() -> None:
    with pytest.raises(ApiError):
        follow([], ScriptedInbox((1, [(0, ApiError(401, "expired"))])), lambda _changes, _now: waiting(""), 10)


def test_thread_inbox_gathers_all_streams_and_their_errors() -> None:
    def broken() -> Iterator[Change]:
        yield Change("notice", text="b")
        raise KeyError("bug")

    inbox = ThreadInbox([iter([Change("notice", text="a")]), broken()], lambda: 0.0)
    items: list[Item] = []
    while len(items) < 3:
        found = inbox.get(5)
        assert found
        items += found
    texts = sorted((feed, item.text if isinstance(item, Change) else str(item)) for feed, item in items)
    assert texts == [(0, "a"), (1, "b"), (1, "the watch broke: KeyError('bug')")]
    assert inbox.get(0) == []
