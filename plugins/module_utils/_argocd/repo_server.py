# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until Argo CD's repository server has rolled out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError, sentence
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, Verdict, done, failed, waiting
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import Place
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Change, Source, ThreadInbox, follow, snapshot, stream
from ansible_collections.gitops.airflow.plugins.module_utils._kube.workload_verdict import Workload, causes


def await_roll_out(
    api: KubeApi,
    place: Place,
    item: Obj,
    timeout: float,
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns at once where the Deployment has rolled out.

    :raises CollectionError: where it has not after ``timeout`` seconds, or is deleted meanwhile.
    :raises ApiError: where it cannot be read.
    """
    if not Workload(place.kind, item).open:
        return
    start, latest = clock(), [item]

    def step(changes: Sequence[tuple[int, Change]], now: float) -> Verdict:
        for _feed, change in changes:
            if change.type == "DELETED" or (change.kind == "listed" and not change.objects):
                return failed("it is deleted")
            latest[:] = change.objects or latest
        text = Workload(place.kind, latest[0]).open
        progress.tell(now - start, place.name, "waiting" if text else "done", text or "rolled out")
        return waiting(text) if text else done()

    source = Source(core_path(place.plural, place.namespace), {"fieldSelector": f"metadata.name={place.name}"})
    verdict, _timed_out = follow([], ThreadInbox([stream(api, source, clock, sleep)], clock), step, start + timeout)
    if verdict.kind != "done":
        reason = sentence(_reason(api, place, latest[0]) or verdict.reason)
        raise CollectionError(
            f"{place} has not rolled out within {timeout:g} s: {reason} Until then Argo CD may not trust the repository's server.",
            f"Run kubectl -n {place.namespace} describe deployment,pods and correct the problem that it shows. Then run the same command "
            "again.",
            "not_rolled_out",
        )


def _reason(api: KubeApi, place: Place, item: Obj) -> str:
    """Why its pods do not run, if they can be read."""
    workload = Workload(place.kind, item)
    with suppress(ApiError):
        pods, _version = snapshot(api, Source(core_path("pods", place.namespace)))
        return "; ".join(dict.fromkeys(workload.words(cause) for cause in causes(workload, pods)))
    return ""
