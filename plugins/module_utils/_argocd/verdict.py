# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgement of one Argo CD Application: dictionary, expectation, past and time in; verdict and past out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import (
    COMMIT,
    REFRESH,
    begun,
    differing,
    error_conditions,
    health_message,
    operation_failed,
    outdated_operation,
    same_revisions,
    shown_revisions,
    sources,
)
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.messages import outlook
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import (
    Obj,
    Verdict,
    done,
    earliest,
    failed,
    listed,
    significant,
    timestamp,
    waiting,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Cause, of_crash, uid

ANY = "any"
NAMED = 3  # causes that a reason holds
VERSION = re.compile(r"v?\d+(\.\d+){0,2}([-+][0-9A-Za-z.+-]+)?|sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Expectation:
    """What the Application must come to. Times in seconds; an empty revision and ANY stand for whatever there is."""

    revisions: tuple[str, ...] = ()
    health: frozenset[str] = frozenset({"Healthy"})
    sync: str = "Synced"
    operation: str = "Succeeded"
    refreshed: bool = False
    must_exist: bool = True
    degraded_grace: float = 60.0
    overtaken_grace: float | None = None  # None: as degraded_grace
    stable_for: float = 0.0
    settled: bool = True  # whether what has just started, without a probe, is waited for

    @property
    def ailing_fails(self) -> bool:
        """Whether what ails keeps it from the wanted health."""
        return not self.health & {ANY, "Degraded", "Missing", "Progressing", "Unknown"}


@dataclass(frozen=True)
class Past:
    """Since when (seconds, the caller's clock) what may pass has been seen; ``reached``: the expected revision was shown.

    ``frozen``: since when the Application is being compared anew. What it shows of its health is of before, so the clocks of what ails
    stand still. Those of failed comparisons and of another revision go on: each comparison that ends confirms or clears them.
    """

    degraded: float | None = None
    error: float | None = None
    reached: bool = False
    overtaken: float | None = None  # another revision is shown, after the expected one
    done: float | None = None
    stuck: Mapping[str, float] = field(default_factory=dict)
    frozen: float | None = None
    uid: str = ""

    def freeze(self, now: float) -> Past:
        return replace(self, frozen=now if self.frozen is None else self.frozen)

    def thaw(self, now: float) -> Past:
        """The same with the clocks that stood still set forward by the time that they did."""
        if self.frozen is None:
            return self
        lost = now - self.frozen
        later = [None if moment is None else moment + lost for moment in (self.degraded, self.done)]
        stuck = {key: moment + lost for key, moment in self.stuck.items()}
        return replace(self, degraded=later[0], done=later[1], stuck=stuck, frozen=None)


def check_revision(revision: str) -> None:
    """Raises InputError for what cannot be expected. Only what names one state for ever can be: a commit, a chart version, a digest."""
    if revision and not COMMIT.fullmatch(revision) and not VERSION.fullmatch(revision):
        raise InputError(
            f"revision {revision!r} is neither a commit (7 to 64 hexadecimal digits) nor a chart version nor a digest. A branch or tag may "
            "move while one waits.",
            "Resolve it first (git rev-parse), and give the commit.",
        )


def _impossible(app: Obj, expected: Sequence[str]) -> str | None:
    given = sources(app)
    if not expected or not given:
        return None
    if len(expected) != len(given):
        return f"{len(expected)} revision(s) expected of an Application with {len(given)} source(s): give one for each, '' for any"
    for source, revision in zip(given, expected, strict=True):
        chart = source.get("chart") or str(source.get("repoURL", "")).startswith("oci://")
        if revision and not chart and not COMMIT.fullmatch(revision):
            return f"revision {revision!r} is a version, but the source {source.get('repoURL')} is a Git repository: give the commit"
        if revision and source.get("chart") and not VERSION.fullmatch(revision):
            return f"revision {revision!r} is a commit, but the source is the chart {source['chart']}: give its version"
    return None


def _short(revisions: Iterable[str]) -> str:
    return ", ".join(revision[:12] or "any" for revision in revisions)


def _compared_to_spec(app: Obj) -> bool:
    """Whether the shown state was compared with the spec as it is now (needRefreshAppStatus in Argo CD's appcontroller.go)."""
    spec, compared = app.get("spec") or {}, ((app.get("status") or {}).get("sync") or {}).get("comparedTo") or {}
    keys = ["destination", "ignoreDifferences", *([] if spec.get("sourceHydrator") else ["sources"] if spec.get("sources") else ["source"])]
    return all(significant(spec.get(key) or {}) == significant(compared.get(key) or {}) for key in keys)


def _is_final(condition: Obj) -> bool:
    """Whether it stays until an input changes: by its message, and a spec that Argo CD refuses unless its message may pass."""
    word = outlook(condition.get("message") or "")
    return word == "final" if condition["type"] == "ComparisonError" else condition["type"] == "InvalidSpecError" and word != "passing"


def _compares_again(message: str) -> bool:
    """Whether an operation that ended so failed by what may pass. Of a comparison that is also what is unknown, as in a condition."""
    word = outlook(message)
    return word == "passing" or (word is None and message.startswith("ComparisonError: "))


def _condition(app: Obj, certain: bool) -> tuple[str, bool] | None:
    """The gravest error condition and whether it is final: about the wanted state, and stays until an input changes."""
    found = [
        (
            f"{condition['type']}: {shorten(condition.get('message') or '')}",
            certain and _is_final(condition),
        )
        for condition in error_conditions(app)
    ]
    return max(found, key=lambda item: item[1], default=None)


def judge(app: Obj | None, expect: Expectation, past: Past, now: float, causes: Sequence[Cause] | None = ()) -> tuple[Verdict, Past]:
    """Judges one Application as it is now. ``past`` is what the previous call returned, ``now`` in seconds.

    ``causes``: what application_causes found in the cluster; None where what was found is of the operation before.
    """
    identity = uid(app or {})
    if identity != past.uid:
        # Made anew under the same name: nothing of its past counts.
        past = Past(uid=identity)
    verdict, past = _judge(app, expect, past, now, causes)
    if past.frozen is not None:
        return verdict, past
    if verdict.kind != "done":
        return verdict, replace(past, done=None)
    past = replace(past, done=now if past.done is None else past.done)
    ripe = (past.done or 0.0) + expect.stable_for
    if now < ripe:
        return waiting(f"done, and to stay so for {expect.stable_for:g} s", ripe), past
    return verdict, past


def _judge(app: Obj | None, expect: Expectation, past: Past, now: float, causes: Sequence[Cause] | None) -> tuple[Verdict, Past]:
    if app is None:
        return (failed if expect.must_exist else waiting)("the Application does not exist"), Past(uid=past.uid)
    metadata, status = app.get("metadata") or {}, app.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return (failed if expect.must_exist else waiting)("the Application is being deleted"), Past(uid=past.uid)
    if (impossible := _impossible(app, expect.revisions)) is not None:
        return failed(impossible), past
    asked = (metadata.get("annotations") or {}).get(REFRESH)
    if asked:
        return waiting(f"waiting for the requested {asked} refresh"), past.freeze(now)
    past = past.thaw(now)

    state, pending = status.get("operationState") or {}, app.get("operation") is not None
    phase, message = state.get("phase") or "", shorten(state.get("message") or "")
    compared = _compared_to_spec(app)
    at_revision = not expect.revisions or same_revisions(shown_revisions(app), expect.revisions)
    never = not ((status.get("sync") or {}).get("comparedTo"))

    # Another revision after the expected one: the branch has moved on.
    past = replace(past, reached=past.reached or (compared and at_revision))
    overtaken = past.reached and compared and not at_revision and bool(shown_revisions(app))
    past = replace(past, overtaken=None if not overtaken else now if past.overtaken is None else past.overtaken)
    grace = expect.degraded_grace if expect.overtaken_grace is None else expect.overtaken_grace
    wake = None if past.overtaken is None else past.overtaken + grace
    if wake is not None and now >= wake:
        return failed(f"superseded: {_short(shown_revisions(app))} was pushed after {_short(expect.revisions)}"), past

    # Errors: final ones at once, others after the grace.
    error = _condition(app, (compared or never) and (at_revision or expect.refreshed))
    if expect.operation == "Succeeded" and operation_failed(app, expect.revisions):
        ended = f"the operation ended as {phase}: {message}"
        # An operation that has failed stays so, unless the comparison that it begins with failed by what may pass: then another begins.
        if not _compares_again(state.get("message") or ""):
            return failed(ended), past
        error = error or (ended, False)
    past = replace(past, error=None if error is None else now if past.error is None else past.error)
    if error is not None:
        if error[1]:
            return failed(error[0]), past
        if shown_revisions(app) and not at_revision:
            return waiting(f"at another revision: {error[0]}", wake), replace(past, error=None)
        ripe = (past.error or 0.0) + expect.degraded_grace
        return (failed(error[0]) if now >= ripe else waiting(error[0], ripe)), past

    why, shaky = "", False
    if expect.ailing_fails and at_revision and compared and begun(app, expect.revisions):
        busy = pending or phase in ("Running", "Terminating")
        verdict, past = _ailing(app, expect, past, now, busy, causes)
        if verdict.kind == "failed":
            return verdict, past
        wake, why = verdict.wake, verdict.reason
        # Argo CD calls it healthy between two crashes too.
        shaky = any(map(of_crash, causes or ()))
    else:
        past = replace(past, degraded=None, stuck={})
    reason = _unfinished(app, compared, at_revision, expect, pending)
    if reason is None:
        return (waiting(why, wake) if shaky else done()), past
    return waiting((": " if reason.startswith("health is") and ":" not in reason else "; ").join(filter(None, (reason, why))), wake), past


def _ailing(app: Obj, expect: Expectation, past: Past, now: float, busy: bool, causes: Sequence[Cause] | None) -> tuple[Verdict, Past]:
    """Failed when the wanted state is Degraded, something of it cannot run, or a Job of it failed; what may pass, after the grace.

    Whatever is waited for, the reason names the first cause.
    """
    degraded = ((app.get("status") or {}).get("health") or {}).get("status") == "Degraded" and not busy
    known = causes is not None
    causes = causes or ()
    since = {cause.identity: past.stuck.get(cause.identity, now) for cause in causes if cause.lasting and cause.kind != "job"}
    since = since if known else dict(past.stuck)
    past = replace(past, degraded=None if not degraded else now if past.degraded is None else past.degraded, stuck=since)
    failed_jobs = [cause.text for cause in causes if cause.kind == "job"]
    if failed_jobs and not busy:
        return failed("; ".join(failed_jobs)), past
    ripe = [
        cause for cause in causes if cause.identity in since and not cause.held and now >= since[cause.identity] + expect.degraded_grace
    ]
    if ripe:
        return failed(f"stuck for {now - since[ripe[0].identity]:.0f} s: {listed([cause.text for cause in ripe], NAMED)}"), past
    first = causes[0].text if causes else ""
    if past.degraded is not None and now >= past.degraded + expect.degraded_grace:
        words = (f"Degraded for {now - past.degraded:.0f} s", health_message(app["status"]), first)
        return failed(": ".join(filter(None, words))), past
    times = [moment + expect.degraded_grace for moment in (past.degraded, *since.values()) if moment is not None]
    # A cause that is ripe but held is looked at again with the next look at the cluster, not at once.
    return waiting(first, earliest(time for time in times if time > now)), past


def _unfinished(app: Obj, compared: bool, at_revision: bool, expect: Expectation, pending: bool) -> str | None:
    """What still keeps the Application from being done, the first of it."""
    status = app.get("status") or {}
    state, sync, health = status.get("operationState") or {}, status.get("sync") or {}, (status.get("health") or {}).get("status")
    phase = state.get("phase") or ""
    if not sync.get("status"):
        return "never compared with its source yet"
    if not compared:
        return "the spec has changed and is not compared yet"
    if not at_revision:
        return f"at revision {_short(shown_revisions(app)) or 'none'}, not yet at {_short(expect.revisions)}"
    if expect.operation != ANY:
        if phase in ("Running", "Terminating"):
            outdated = outdated_operation(app, expect.revisions)
            what = f"the operation at {outdated}, not at the expected revision," if outdated else "the operation"
            return f"{what} is {phase}: {shorten(state.get('message') or '', 200)}"
        if pending:
            return "operation requested, not started"
        # Where the wanted state is synced without it (a revert, say), Argo CD starts none, and the failed one stays the last.
        if phase not in ("", "Succeeded") and expect.operation == "Succeeded" and sync.get("status") != "Synced":
            return f"the last operation {phase} at another revision or source: {shorten(state.get('message') or '', 200)}"
        finished, reconciled = timestamp(state.get("finishedAt")), timestamp(status.get("reconciledAt"))
        if finished and (reconciled is None or reconciled < finished):
            return "the operation has ended and its outcome is not compared yet"
    if expect.sync not in (ANY, sync.get("status")):
        return ": ".join(filter(None, (f"sync is {sync.get('status')}", differing(app) if sync.get("status") == "OutOfSync" else "")))
    if ANY not in expect.health and health not in expect.health:
        return ": ".join(filter(None, (f"health is {health or 'unknown'}", health_message(status))))
    return None
