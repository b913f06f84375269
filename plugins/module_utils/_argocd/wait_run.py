# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wait for Applications from its options to its result, for every module that waits for one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.diagnosis import quoted
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.verdict import Expectation, check_revision
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait import ApplicationWait, Request
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError, sentence
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import ThreadInbox, follow, patient, stream

HEALTH = ("Healthy", "Suspended", "Progressing", "Degraded", "Missing", "Unknown")
# The options of the doc fragment application_wait.
WAIT_SPEC: dict[str, Any] = {
    "revision": {"type": "raw"},
    "refresh": {"type": "str", "choices": ["none", "normal", "hard"], "default": "none"},
    "supersede": {"type": "bool", "default": False},
    "health": {"type": "list", "elements": "str", "choices": [*HEALTH, "any"], "default": ["Healthy"]},
    "sync": {"type": "str", "choices": ["Synced", "OutOfSync", "any"], "default": "Synced"},
    "operation": {"type": "str", "choices": ["Succeeded", "Completed", "any"], "default": "Succeeded"},
    "timeout": {"type": "float", "default": 600},
    "degraded_grace": {"type": "float", "default": 60},
    "overtaken_grace": {"type": "float"},
    "stable_for": {"type": "float", "default": 0},
    "settled": {"type": "bool", "default": True},
}


@dataclass(frozen=True)
class WaitOutcome:
    """How a wait ended. ``result`` is what a module returns of it, ``error`` why it is not done. A check has no error."""

    result: dict[str, Any]
    error: CollectionError | None = None
    notices: list[str] = field(default_factory=list)


def revisions(given: Any, names: list[str]) -> dict[str, tuple[str, ...]]:
    """The revisions expected of each Application; the key '' is meant for all others.

    :raises InputError: when one cannot be expected, or is for an Application that is not waited for.
    """
    per_name = given if isinstance(given, dict) else {"": given}
    found = {}
    for name, value in per_name.items():
        if name and names and name not in names:
            message = f"revision names the application {name!r}, which is not among applications ({', '.join(names)})."
            raise InputError(message, "Add it there, or leave its revision out.")
        items = value if isinstance(value, list) else [] if value in (None, "") else [value]
        if not all(isinstance(item, str) for item in items):
            raise InputError(f"revision {value!r} must be text.", "Quote it.")
        found[name] = tuple(item.strip().lower() if len(item.strip()) >= 40 else item.strip() for item in items)
        for item in found[name]:
            check_revision(item)
    return found


def build_request(params: dict[str, Any], check: bool = False) -> Request:
    """:raises InputError: when an argument makes no sense, before any request."""
    names = list(dict.fromkeys(params["applications"] or []))
    if not names and not params["label_selectors"]:
        raise InputError("applications and label_selectors name nothing.", "Give at least one.")
    for option in ("timeout", "degraded_grace", "overtaken_grace", "stable_for"):
        if params[option] is not None and not (math.isfinite(params[option]) and params[option] >= 0):
            raise InputError(f"{option} is {params[option]:g}: it must be 0 or more seconds.", f"Correct {option}.")
    wanted = revisions(params["revision"], names)
    if not params["health"]:
        raise InputError("health is empty.", "Name what counts, or any.")
    general = Expectation(
        health=frozenset(params["health"]),
        sync=params["sync"],
        operation=params["operation"],
        refreshed=params["refresh"] != "none" and not check,
        must_exist=params["must_exist"],
        degraded_grace=params["degraded_grace"],
        overtaken_grace=params["overtaken_grace"],
        stable_for=params["stable_for"],
        settled=params["settled"],
    )
    expectations = {name: replace(general, revisions=value) for name, value in wanted.items()}
    default = expectations.pop("", general)
    if params["supersede"] and not any(wanted.values()):
        raise InputError("supersede needs revision.", "Give the revision that is to supersede.")
    return Request(
        namespace=params["namespace"],
        names=tuple(names),
        selectors=tuple(params["label_selectors"] or ()),
        expectations=expectations,
        default=default,
        fail_fast=params["fail_fast"],
        refresh=params["refresh"],
        supersede=params["supersede"] and not check,
    )


def run_wait(
    api: KubeApi,
    request: Request,
    start: float,
    timeout: float,
    *,
    check: bool = False,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> WaitOutcome:
    """Waits until ``timeout`` seconds after ``start`` (the clock's time). In check mode it reads once. Raises ApiError."""
    wait = ApplicationWait(api, request, start, progress)
    if request.refresh != "none" and not check:
        patient(wait.refresh, clock, sleep)
    changes = stream(api, request.source(), clock, sleep)
    first = [(0, next(changes))]
    if check:
        verdict, timed_out = wait.step(first, start), False
    else:
        verdict, timed_out = follow(first, ThreadInbox([changes], clock), wait.step, start + timeout)
    elapsed = round(clock() - start, 3)
    done = verdict.kind == "done"
    result = {"applications": wait.results(), "done": done, "elapsed": elapsed, "requests": api.requests}
    if done or check:
        return WaitOutcome(result, notices=wait.notices)
    diagnosis = wait.diagnosis(timed_out)
    what = f"Not done within {timeout:g} s" if timed_out else f"Failed after {elapsed:g} s"
    words = "\n".join(filter(None, [quoted(diagnosis), *(f"Differs: {text}" for item in diagnosis for text in item["differences"])]))
    message = sentence(f"{what}: {verdict.reason}") + (f"\n{words}" if words else "")
    advice = " ".join(dict.fromkeys(item["next_action"] for item in diagnosis))
    error = CollectionError(message, advice, "timeout" if timed_out else "not_done")
    return WaitOutcome({**result, "requests": api.requests, "diagnosis": diagnosis}, error, wait.notices)
