# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One wait for worker pods from the first list to the last judgement, for the module that waits and for the verification."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError, InputError, sentence
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Verdict
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change, ThreadInbox, follow, stream
from ansible_collections.gitops.airflow.plugins.module_utils._placement.evidence import Instance
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Expectation, Rules
from ansible_collections.gitops.airflow.plugins.module_utils._placement.wait import PlacementWait, WaitApi


@dataclass(frozen=True)
class Request:
    """What to wait for. ``timeout`` is in seconds; ``once`` judges the present state and does not wait."""

    expectations: Sequence[Expectation]
    rules: Rules = field(default_factory=Rules)
    namespaces: Sequence[str] = ()
    since: str = ""
    known: Sequence[Instance] = ()
    tail_lines: int = 20
    timeout: float = 300.0
    once: bool = False


@dataclass(frozen=True)
class Placement:
    """How the wait ended. ``version`` is the resourceVersion at which it began; ``elapsed`` counts from its start, in seconds.

    ``advice``: what to do about the cause that the verdict names, or nothing.
    """

    verdict: Verdict
    timed_out: bool
    placements: list[dict[str, Any]]
    strays: list[dict[str, Any]]
    watched: list[str]
    version: str
    notices: list[str]
    elapsed: float
    advice: str = ""


def await_placement(
    api: WaitApi,
    request: Request,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    progress: Progress | None = None,
    start: float | None = None,
) -> Placement:
    """Waits until the workers are where they belong, or no longer can be.

    ``start`` is the time (of the clock) that the seconds in the progress count from, by default the present.
    :raises ApiError: where the pods cannot be watched.
    :raises InputError: where ``since`` is of another cluster.
    """
    began = clock()
    wait = PlacementWait(
        api, request.expectations, request.rules, request.tail_lines, began if start is None else start, request.known, progress
    )

    def begin(namespaces: Sequence[str]) -> tuple[list[Iterator[Change]], list[tuple[int, Change]]]:
        streams = [stream(api, source, clock, sleep) for source in wait.sources(namespaces, request.since)]
        return streams, [(feed, next(changes)) for feed, changes in enumerate(streams)]

    watched = list(request.namespaces)
    try:
        streams, first = begin(watched)
    except ApiError as error:
        if error.status != 403 or watched:
            raise
        watched = sorted({item.namespace for item in request.expectations})
        wait.notices.append(f"Only {', '.join(watched)} can be searched for stray workers: {error.text}")
        streams, first = begin(watched)
    version = min((change.version for _feed, change in first), key=int)
    if request.since and int(request.since) > int(version):
        message = f"resource_version {request.since} is newer than this cluster's ({version}): it is another cluster's."
        raise InputError(message, "Give the resource_version that this module returned for this cluster.")
    if request.once:
        verdict, timed_out = wait.step(first, began), False
    else:
        verdict, timed_out = follow(first, ThreadInbox(streams, clock), wait.step, began + request.timeout)
    placements, strays = wait.results()
    return Placement(verdict, timed_out, placements, strays, watched or ["*"], version, wait.notices, clock() - began, wait.advice(verdict))


def failure(request: Request, found: Placement) -> CollectionError:
    """Why the wait failed, with the last lines of workers that failed."""
    what = f"Not done within {request.timeout:g} s" if found.timed_out else f"Failed after {round(found.elapsed, 3):g} s"
    message = sentence(f"{what}: {found.verdict.reason}")
    advice = found.advice or "Correct the problem in the message, and trigger a new run."
    if found.timed_out and not found.placements and not found.strays:
        advice = "Check dag_id and run_id, that the DAG is not paused, and the scheduler's log."
        if not (request.since or request.known):
            message += " A pod deleted before the wait began is seen only with resource_version or task_instances."
    for item in [*found.placements, *found.strays]:
        if item["phase"] == "Failed" and item["log_tail"]:
            message += f" Last lines of {item['pod']}:\n" + masked_words("\n".join(item["log_tail"]))
    return CollectionError(message, advice, "timeout" if found.timed_out else "not_done")
