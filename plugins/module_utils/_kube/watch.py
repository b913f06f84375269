# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One list-and-watch loop. API, clock, sleep and inbox are handed in."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict, failed

PAGE = 500
POLL_SECONDS = 2.0
WATCH_SECONDS = 60
PATIENCE_SECONDS = 10.0  # for an API server that is away when the wait begins
FORBIDDEN = (403, 405)
REFUSED = (401, 403)
REFUSAL_SECONDS = 5.0


class Api(Protocol):
    """The two verbs that the loop needs."""

    def page(self, path: str, query: dict[str, Any]) -> Obj: ...

    def watch(self, path: str, query: dict[str, Any]) -> Iterator[Obj]:
        """Returns once the server has accepted; the events follow."""


@dataclass(frozen=True)
class Source:
    """A collection to watch. With ``since``, the watch begins at that resourceVersion and so replays what came after it.

    ``keep`` gives what is worth keeping of an object, or None for one of no interest.
    """

    path: str
    query: dict[str, Any] = field(default_factory=dict)
    since: str = ""
    keep: Callable[[Obj], Obj | None] = lambda item: item


@dataclass(frozen=True)
class Change:
    """``listed`` carries the whole collection, ``event`` one object, ``notice`` a remark for the person who waits.

    ``watching``: the watch from ``since`` has begun, and what came after it is on its way.
    """

    kind: Literal["listed", "event", "notice", "watching"]
    objects: tuple[Obj, ...] = ()
    type: str = ""
    text: str = ""
    version: str = ""


T = TypeVar("T")


def patient(request: Callable[[], T], clock: Callable[[], float], sleep: Callable[[float], None]) -> T:
    """What the request answers. One that may succeed in a moment is made again for PATIENCE_SECONDS.

    :raises ApiError: the last refusal.
    """
    end, pause = clock() + PATIENCE_SECONDS, 0.2
    while True:
        try:
            return request()
        except ApiError as error:
            if not error.passing or clock() + pause > end:
                raise
        sleep(pause)
        pause = min(2 * pause, 2.0)


def snapshot(api: Api, source: Source) -> tuple[tuple[Obj, ...], str]:
    """Lists the whole collection, page by page, with the resourceVersion that it is of."""
    items: list[Obj] = []
    token = ""
    while True:
        query = {**source.query, "limit": PAGE, **({"continue": token} if token else {})}
        try:
            page = api.page(source.path, query)
        except ApiError as error:
            if error.status != 410 or not token:
                raise
            items, token = [], ""  # the continue token is too old: begin again
            continue
        items += filter(None, map(source.keep, page.get("items") or []))
        metadata = page.get("metadata") or {}
        token = metadata.get("continue") or ""
        if not token:
            return tuple(items), metadata.get("resourceVersion") or ""


class _Refusals:
    """Separates a final refusal from that of an API server that has just started and not read its roles yet."""

    def __init__(self, clock: Callable[[], float], permitted: bool) -> None:
        self._clock, self._permitted = clock, permitted
        self._since: float | None = None

    def permit(self) -> None:
        self._permitted, self._since = True, None

    def passing(self, error: ApiError) -> bool:
        """Whether the same was permitted before and has not been refused for long."""
        if not self._permitted or error.status not in REFUSED:
            return False
        self._since = self._clock() if self._since is None else self._since
        return self._clock() - self._since < REFUSAL_SECONDS


def stream(api: Api, source: Source, clock: Callable[[], float], sleep: Callable[[float], None]) -> Iterator[Change]:
    """Endless changes of one collection, the first of them the list.

    A broken connection is resumed from the last resourceVersion; an expired one (410) begins with a new list.
    Where watch is forbidden the collection is listed every POLL_SECONDS.

    :raises ApiError: when the first list still fails after PATIENCE_SECONDS, or when a later request is refused for good.
    """
    objects, version = patient(lambda: snapshot(api, source), clock, sleep)
    yield Change("listed", objects, version=version)
    version, failures, listed = source.since or version, 0, True
    refusals, watching = _Refusals(clock, permitted=False), False
    while True:
        began = clock()
        heard = False
        try:
            if not listed:
                objects, version = snapshot(api, source)
                listed = heard = True
                yield Change("listed", objects, version=version)
            query = {**source.query, "resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": WATCH_SECONDS}
            events = api.watch(source.path, query)
            if source.since and not watching:
                watching = True
                yield Change("watching")
            for event in events:
                heard = True
                item = event.get("object") or {}
                if event.get("type") == "ERROR":
                    raise ApiError(int(item.get("code") or 500), item.get("message") or "the watch ended with an error")
                version = (item.get("metadata") or {}).get("resourceVersion") or version
                if event.get("type") != "BOOKMARK" and (kept := source.keep(item)) is not None:
                    yield Change("event", (kept,), type=event.get("type") or "")
            refusals.permit()
        except ApiError as error:
            if error.status == 410:
                if version == source.since:
                    text = f"The API server no longer has the history since resourceVersion {version}; deleted objects may be missing."
                    yield Change("notice", text=text)
                listed = False
            elif refusals.passing(error):
                pass
            elif error.status in FORBIDDEN and listed:
                yield Change("notice", text=f"Watching is not permitted, so the state is read every {POLL_SECONDS:g} s: {error.text}")
                yield from _poll(api, source, clock, sleep)
            elif not error.passing:
                raise
        # A connection that brought nothing and ended early is retried ever more slowly.
        failures = 0 if heard or clock() - began >= 1 else failures + 1
        if failures:
            sleep(min(5.0, 0.1 * 2 ** min(failures, 6)))


def _poll(api: Api, source: Source, clock: Callable[[], float], sleep: Callable[[float], None]) -> Iterator[Change]:
    refusals = _Refusals(clock, permitted=True)
    while True:
        sleep(POLL_SECONDS)
        try:
            objects, version = snapshot(api, source)
        except ApiError as error:
            if not error.passing and not refusals.passing(error):
                raise
            continue
        refusals.permit()
        yield Change("listed", objects, version=version)


Item = tuple[int, "Change | ApiError"]


class Inbox(Protocol):
    """Where changes arrive. ``get`` returns all that are there, after at most ``timeout`` seconds; ``feed`` numbers their stream."""

    def now(self) -> float: ...

    def get(self, timeout: float) -> list[Item]: ...


class ThreadInbox:
    """Drains each stream in a thread of its own, so that a silent connection never delays a deadline."""

    def __init__(self, streams: Sequence[Iterator[Change]], clock: Callable[[], float]) -> None:
        self._streams, self._clock, self._started = streams, clock, False
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()

    def now(self) -> float:
        return self._clock()

    def _drain(self, feed: int, changes: Iterator[Change]) -> None:
        try:
            for change in changes:
                self._queue.put((feed, change))
        except ApiError as error:
            self._queue.put((feed, error))
        except Exception as error:  # the thread's last words: the loop must hear of it
            self._queue.put((feed, ApiError(-1, f"the watch broke: {error!r}")))

    def get(self, timeout: float) -> list[Item]:
        if not self._started:
            self._started = True
            for feed, changes in enumerate(self._streams):
                threading.Thread(target=self._drain, args=(feed, changes), daemon=True).start()
        items: list[Item] = []
        try:
            items.append(self._queue.get(timeout=max(0.0, timeout)))
            while True:
                items.append(self._queue.get_nowait())
        except queue.Empty:
            return items


Step = Callable[[Sequence[tuple[int, Change]], float], Verdict]


def follow(first: Sequence[tuple[int, Change]], inbox: Inbox, step: Step, deadline: float) -> tuple[Verdict, bool]:
    """Judges after each change until it is done, has failed, or the deadline has come.

    :returns: the verdict, and whether the deadline ended it.
    :raises ApiError: when a stream ends for good.
    """
    verdict = step(first, inbox.now())
    while verdict.kind == "waiting":
        now = inbox.now()
        if now >= deadline:
            return failed(verdict.reason), True
        wake = deadline if verdict.wake is None else min(deadline, verdict.wake)
        changes: list[tuple[int, Change]] = []
        for feed, item in inbox.get(max(0.0, wake - now)):
            if isinstance(item, ApiError):
                raise item
            changes.append((feed, item))
        verdict = step(changes, inbox.now())
    return verdict, False
