# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the state of a platform: the Kubernetes API, the kubelets, Airflow and its pods, all at once."""

from __future__ import annotations

import datetime
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.access import open_as_admin
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.import_error import exception_text
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError, ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kind.bootstrap_token import read_token_warning
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Events, Log, read_seen, restarted, suspects
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import APPLICATIONS, KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import current_pods
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import TunnelError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Source, snapshot
from ansible_collections.gitops.airflow.plugins.module_utils._placement.worker import is_of_task
from ansible_collections.gitops.airflow.plugins.module_utils._status import logs, rows
from ansible_collections.gitops.airflow.plugins.module_utils._status.runs import ask
from ansible_collections.gitops.airflow.plugins.module_utils._status.troubles import (
    Trouble,
    application_actions,
    checkout_actions,
    pod_actions,
    read_leases,
    read_policy,
    scheduler_troubles,
)

T = TypeVar("T")
WORKLOADS = {"DaemonSet": "daemonsets", "Deployment": "deployments", "Job": "jobs", "StatefulSet": "statefulsets"}
# What only the verdict needs, and all lists.
INTERNAL = ("unreadable", "unknown", "troubles", "actions", "workload_problems", "workload_notes", "failed_jobs", "heartbeats")
LOGS, LOG_LINES = 3, 10
# Parts of Airflow's health, as Airflow names them. Airflow 2.6 does not say how a DAG processor is.
DAG_PROCESSOR = "dag_processor"
HEALTH = ("metadatabase", "scheduler", "triggerer", DAG_PROCESSOR)
PARTS = ("nodes", "applications", "pods", "workers", "runs", "waiting", "checkouts", "volumes", "logs", "urls", "import_errors", *INTERNAL)
# git-sync looks every 10 seconds: what it said of its last failure is not older than this.
SYNC_SECONDS = 60
# Prints the commit's folder, when the link was set to it, and the pod's clock.
LOOK = "cd /opt/airflow/dags && readlink repo && stat -c %Y repo && date +%s"
_FAILURE = re.compile(r"\"error\":|\b(error|failed|fatal|denied|missing|not found|does not answer|cannot)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Platform:
    """Which platform, and where its parts are."""

    name: str
    namespaces: tuple[str, ...]
    core: str
    argocd: str
    applications: tuple[str, ...]
    service: str
    port: int
    username: str
    secret: str
    urls: dict[str, str]
    # Namespace of the platform's own store of task logs; empty where it has none.
    logs: str = ""
    # Whose labels its objects have, and the namespaces of its workers; empty where it is not known whether it has an admission policy.
    owner: str = ""
    workers: tuple[str, ...] = ()
    # How a person reads the password for one of the URLs, by its name.
    password_commands: Mapping[str, str] = field(default_factory=dict)


def sync_failure(lines: Sequence[str]) -> str:
    """What the latest lines of git-sync's log complain of, or nothing."""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if not _FAILURE.search(last):
        return ""
    try:
        entry = json.loads(last)
        return shorten(": ".join(str(entry[key]) for key in ("msg", "error") if entry.get(key)), 300)
    except (ValueError, AttributeError):
        return shorten(last, 300)


class StatusRead:
    """One reading. What cannot be read is listed: in ``unreadable`` if it may hide a fault, in ``unknown`` if it only shows less."""

    def __init__(self, api: KubeApi, params: dict[str, Any], platform: Platform) -> None:
        self.api, self._params, self.platform = api, params, platform
        self.unreadable: list[str] = []
        self.unknown: list[str] = []
        self.usage = ""

    def _try(self, notes: list[str], what: str, read: Callable[[], T], default: T) -> T:
        try:
            return read()
        except (ApiError, AirflowError, TunnelError) as error:
            notes.append(f"{what}: {error.text}" if what else error.text)
            return default

    def _list(self, path: str, query: dict[str, Any] | None = None) -> list[Obj]:
        return self._try(self.unreadable, "", lambda: list(snapshot(self.api, Source(path, query or {}))[0]), [])

    def everywhere(self, path: Callable[[str], str]) -> list[Obj]:
        return [item for namespace in self.platform.namespaces for item in self._list(path(namespace))]

    def _workloads(self) -> list[Obj]:
        found = []
        for kind, collection in WORKLOADS.items():
            for item in self.everywhere(lambda place, name=collection: core_path(name, place)):  # type: ignore[misc]
                found.append({**item, "kind": kind})
        return found

    def _applications(self) -> list[Obj]:
        base, found = APPLICATIONS.format(namespace=self.platform.argocd), []
        for name in self.platform.applications:
            app = self._try(self.unreadable, f"Application {name}", lambda name=name: self.api.get(f"{base}/{name}"), None)  # type: ignore[misc]
            if app is not None:
                found.append(app)
        return found

    def _usage(self, nodes: list[Obj]) -> tuple[dict[str, rows.Row], dict[tuple[str, str], rows.Row], dict[tuple[str, str], rows.Row]]:
        """Use of nodes, pods and volumes: the kubelets' own summary, and metrics.k8s.io over it where it is served."""
        use: dict[str, rows.Row] = {}
        pods: dict[tuple[str, str], rows.Row] = {}
        volumes: dict[tuple[str, str], rows.Row] = {}
        for node in nodes:
            name = node["metadata"]["name"]
            try:
                use[name], more, filled = rows.kubelet_usage(self.api.get(f"{core_path('nodes', name=name)}/proxy/stats/summary"))
            except ApiError as error:
                self.unknown.append(f"use of node {name} is unknown: {error.text}")
                continue
            pods |= more
            volumes |= filled
            self.usage = "the kubelets"
        try:
            metrics = "/apis/metrics.k8s.io/v1beta1"
            for (_none, name), row in rows.metrics_usage(snapshot(self.api, Source(f"{metrics}/nodes"))[0]).items():
                use.setdefault(name, {}).update(row)
            for place in self.platform.namespaces:
                pods |= rows.metrics_usage(snapshot(self.api, Source(f"{metrics}/namespaces/{place}/pods"))[0])
            self.usage = "metrics.k8s.io"
        except ApiError as error:
            if error.status not in (403, 404):
                self.unknown.append(f"metrics.k8s.io: {error.text}")
        return use, pods, volumes

    def _checkout(self, pod: Obj) -> rows.Row:
        """The commit that a pod of Airflow has, for how long (seconds), and what its git-sync complains of.

        When git-sync last looked is unknown: it leaves no trace of a look that found nothing new.
        """
        name, part = pod["metadata"]["name"], pod["metadata"]["labels"]["component"]
        row: rows.Row = {"pod": name, "commit": "", "age": None, "error": ""}
        try:
            said = self.api.run(self.platform.core, name, part, ["sh", "-c", LOOK]).split()
            if len(said) == 3:
                row |= {"commit": said[0].rsplit("/", 1)[-1], "age": int(said[2]) - int(said[1])}
            row["error"] = sync_failure(list(self.api.log_lines(self.platform.core, name, "git-sync", False, 5, sinceSeconds=SYNC_SECONDS)))
        except ApiError as error:
            row["error"] = shorten(error.text, 300)
        return row

    def _airflow(self) -> dict[str, Any]:
        at = self.platform
        try:
            with open_as_admin(self.api, self._params, at.core, at.service, at.port, at.username, at.secret) as airflow:
                health = airflow.health()
                rows_of_runs = ask(airflow, at.core, _now())
                errors = airflow.import_errors()
        except CollectionError as error:
            self.unreadable.append(f"Airflow cannot be asked: {error.text}")
            return {}
        return {
            "airflow": {part: str((health.get(part) or {}).get("status")) for part in HEALTH if part in health or part != DAG_PROCESSOR},
            "heartbeats": rows.heartbeats({part: health.get(part) for part in HEALTH}, _now()),
            **rows_of_runs,
            "import_errors": [{"filename": item.get("filename"), "message": exception_text(item.get("stack_trace"))} for item in errors],
        }

    def _log_expiry(self) -> Obj | None:
        path = f"/apis/batch/v1/namespaces/{self.platform.logs}/cronjobs/{logs.EXPIRE}"
        return self._try(self.unknown, "task logs", lambda: self.api.get(path), None) if self.platform.logs else None

    def _events(self, workloads: list[Obj], pods: list[Obj], now: datetime.datetime) -> list[Obj]:
        """The Events of what does not run or restarts again and again; none are read where all is well."""

        def read(collection: str, namespace: str, query: dict[str, Any]) -> list[Obj]:
            return self._try(self.unknown, "", lambda: list(snapshot(self.api, Source(core_path(collection, namespace), query))[0]), [])

        found: list[Obj] = []
        for place in self.platform.namespaces:
            own = [(item["kind"], item) for item in workloads if item["metadata"]["namespace"] == place]
            # A worker that has just been made is on its way.
            there = [pod for pod in pods if pod["metadata"]["namespace"] == place and not (is_of_task(pod) and rows.young(pod, now))]
            seen = read_seen(read, place, own, there)
            found += seen.events
            again = [pod for pod in there if any(repeated for _status, repeated in restarted(pod, now))][:LOGS]
            for uid in {pod["metadata"]["uid"] for pod in again} - set(suspects(seen)):
                found += read("events", place, {"fieldSelector": f"involvedObject.uid={uid}"})
        return found

    def _policy(self) -> list[Trouble]:
        what, at = "whether the admission policy exists is unknown", self.platform
        found = self._try(self.unknown, what, lambda: read_policy(self.api, at.owner, at.workers), None)
        return [] if found is None else [found]

    def _said(self, pods: list[Obj], events: list[Obj], now: datetime.datetime) -> dict[Log, str]:
        """The last line of each container that crashes, masked."""
        known, said = Events(events), dict[Log, str]()
        crashed = [log for pod in current_pods(pods) for _text, log in rows.wrong_with(pod, known, now) if log is not None]
        for log in crashed[:LOGS]:
            with suppress(ApiError):
                query = {"previous": "true"} if log.previous else {}
                lines = self.api.log_lines(log.namespace, log.pod, log.container, False, LOG_LINES, **query)
                said[log] = _last_line("\n".join(lines))
        return said

    def _pods(self) -> list[Obj]:
        return self.everywhere(lambda place: core_path("pods", place))

    def read(self) -> dict[str, Any]:
        """The whole status, judged.

        :raises ApiError: where the API does not answer. Everything else would only say the same.
        """
        start, at = time.monotonic(), self.platform
        try:
            nodes = list(snapshot(self.api, Source(core_path("nodes")))[0])
        except ApiError as error:
            if error.status <= 0:
                raise
            self.unknown.append(error.text)
            nodes = []
        with ThreadPoolExecutor(max_workers=12) as pool:
            airflow = pool.submit(self._airflow)
            token = pool.submit(read_token_warning, self.api)
            usage = pool.submit(self._usage, nodes)
            applications, workloads = pool.submit(self._applications), pool.submit(self._workloads)
            claims = pool.submit(self.everywhere, lambda place: core_path("persistentvolumeclaims", place))
            expiry = pool.submit(self._log_expiry)
            policy = pool.submit(self._policy)
            leases = pool.submit(
                self._try, self.unknown, "whether Kubernetes' scheduler runs is unknown", lambda: read_leases(self.api), []
            )
            pods = self._pods()
            synced = [pod for pod in pods if _has_checkout(pod, at.core)]
            checkouts = list(pool.map(self._checkout, synced))
            node_use, pod_use, volume_use = usage.result()
            now = _now()
            volumes = rows.volume_rows(claims.result(), volume_use)
            found_workloads = workloads.result()
            stores = [logs.log_store_row(at.logs, found_workloads, volumes, pods, node_use, expiry.result(), now)] if at.logs else []
            events = self._events(found_workloads, pods, now)
            own = [pod for pod in pods if not is_of_task(pod)]
            said = self._said(own, events, now)
            apps = applications.result()
            troubles = [*scheduler_troubles(leases.result(), pods), *policy.result()]
            elapsed = time.monotonic() - start
            return judged(
                at.name,
                elapsed,
                {
                    "usage": self.usage,
                    "unreadable": self.unreadable,
                    "unknown": [*self.unknown, *token.result()],
                    "troubles": [trouble.text for trouble in troubles],
                    "actions": [
                        *(trouble.action for trouble in troubles),
                        *application_actions(apps),
                        *pod_actions(pods, now),
                        *checkout_actions(checkouts, at.core),
                    ],
                    "nodes": rows.node_rows(nodes, node_use),
                    "applications": rows.application_rows(apps, now),
                    "pods": rows.pod_rows(own, pod_use, now, events, said),
                    "workers": rows.worker_rows(filter(is_of_task, pods), now, events),
                    "workload_problems": rows.workload_problems(found_workloads, pods, events, now),
                    "workload_notes": rows.workload_problems(found_workloads, pods, events, now, passing=True),
                    "failed_jobs": [cause.text for cause in rows.failed_jobs(found_workloads, pods)],
                    "volumes": volumes,
                    "logs": stores,
                    "checkouts": checkouts,
                    "urls": [
                        {"name": name, "url": url, "password_command": at.password_commands.get(name, "")} for name, url in at.urls.items()
                    ],
                    **_without_former_parts(airflow.result(), found_workloads, at.core),
                },
            )


def judged(name: str, elapsed: float, found: dict[str, Any]) -> dict[str, Any]:
    """The status with its verdict. ``found`` may lack what could not be read, and lists it in ``unreadable``; ``elapsed``: seconds."""
    status: dict[str, Any] = {**{part: [] for part in PARTS}, "airflow": {}, "usage": "", **found}
    status["next_action"] = status.get("next_action") or " ".join(dict.fromkeys(status["actions"]))
    problems, warnings = map(list.__add__, rows.judge(status), logs.judge_log_stores(status["logs"]))
    verdict = {"name": name, "healthy": not problems, "problems": problems, "warnings": warnings}
    when = {"checked_at": f"{_now():%Y-%m-%dT%H:%M:%SZ}", "elapsed": round(elapsed, 2)}
    return verdict | when | {part: value for part, value in status.items() if part not in INTERNAL}


def _without_former_parts(answer: dict[str, Any], workloads: Sequence[Obj], core: str) -> dict[str, Any]:
    """What Airflow said, without the health of a DAG processor that the platform does not have any more: Airflow remembers its last one."""
    parts = {(item["metadata"].get("labels") or {}).get("component") for item in workloads if item["metadata"].get("namespace") == core}
    if "dag-processor" in parts or "airflow" not in answer:
        return answer
    return {**answer, "airflow": {part: state for part, state in answer["airflow"].items() if part != DAG_PROCESSOR}}


def _last_line(text: Any) -> str:
    return shorten((str(text or "").strip().splitlines() or [""])[-1], 300)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _has_checkout(pod: Obj, core: str) -> bool:
    metadata, status = pod["metadata"], pod.get("status") or {}
    containers = {item["name"] for item in (pod.get("spec") or {}).get("containers") or []}
    part = (metadata.get("labels") or {}).get("component")
    return metadata.get("namespace") == core and {"git-sync", part} <= containers and status.get("phase") == "Running"
