# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from Events where pods were that are deleted: page by page, keeping only what the caller wants."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import PAGE, Api
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import BASE

ASSIGNED = re.compile(r"^Successfully assigned (?P<namespace>[^/\s]+)/(?P<name>\S+) to (?P<node>\S+)$")
NAMED = 5


@dataclass
class Sighting:
    """What Events tell of one pod. ``version`` is the oldest resourceVersion of the pod that they name, 0 where none does."""

    namespace: str
    name: str
    uid: str
    node: str = ""
    scheduled: str = ""
    started: str = ""
    version: int = 0

    @property
    def key(self) -> str:
        """The same as that of the Worker."""
        return f"{self.namespace}/{self.uid}"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name} on {self.node or 'an unknown node'}"


def _field(event: Obj, *names: str) -> Any:
    """The first of these fields that is set: core/v1 and events.k8s.io/v1 name them differently."""
    return next((event[name] for name in names if event.get(name)), None)


def sight(events: Iterable[Obj], wanted: Callable[[str], bool], into: dict[str, Sighting]) -> None:
    """Adds what events tell of wanted pods, by their uid. An event read twice changes nothing."""
    for event in events:
        subject = _field(event, "involvedObject", "regarding") or {}
        name, namespace, uid = (str(subject.get(key) or "") for key in ("name", "namespace", "uid"))
        if subject.get("kind") != "Pod" or not uid or not wanted(name):
            continue
        found = into.setdefault(uid, Sighting(namespace, name, uid))
        when = str(_field(event, "eventTime", "firstTimestamp", "deprecatedFirstTimestamp") or "")
        source = _field(event, "source", "deprecatedSource") or {}
        reporter = _field(event, "reportingComponent", "reportingController") or source.get("component")
        if reporter == "kubelet":
            found.node = found.node or str(source.get("host") or event.get("reportingInstance") or "")
        if event.get("reason") == "Scheduled":
            assigned = ASSIGNED.match(str(_field(event, "message", "note") or "").strip())
            if assigned and (assigned["namespace"], assigned["name"]) == (namespace, name):
                found.node, found.scheduled = assigned["node"], when
        if event.get("reason") == "Started" and subject.get("fieldPath") == f"spec.containers{{{BASE}}}":
            found.started = when
        version = str(subject.get("resourceVersion") or "")
        if version.isdigit():
            found.version = min(found.version or int(version), int(version))


def selectors(names: Sequence[str]) -> list[str]:
    """Field selectors that let the API server pick events: of a few pods by name, else of all pods by reason."""
    if 0 < len(names) <= NAMED:
        return [f"involvedObject.kind=Pod,involvedObject.name={name}" for name in names]
    return [f"involvedObject.kind=Pod,reason={reason}" for reason in ("Scheduled", "Started")]


def read(api: Api, namespaces: Sequence[str], names: Sequence[str], wanted: Callable[[str], bool], into: dict[str, Sighting]) -> None:
    """Reads the events there are, of the given namespaces or of all. ``names`` is given where the pods' whole names are known.

    :raises ApiError: when they cannot be read.
    """
    places: list[str | None] = [*namespaces] or [None]
    for namespace in places:
        for selector in selectors(names):
            for events in _pages(api, core_path("events", namespace), {"fieldSelector": selector}):
                sight(events, wanted, into)


def _pages(api: Api, path: str, query: dict[str, Any]) -> Iterator[list[Obj]]:
    token = ""
    while True:
        try:
            page = api.page(path, {**query, "limit": PAGE, **({"continue": token} if token else {})})
        except ApiError as error:
            if error.status != 410 or not token:
                raise
            token = ""  # the continue token is too old: begin again
            continue
        yield page.get("items") or []
        token = (page.get("metadata") or {}).get("continue") or ""
        if not token:
            return
