# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sees while something is broken, read again and again; and what the platform holds, for a comparison."""

from __future__ import annotations

import base64
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from common import AIRFLOW_PORT, ARGOCD_PORT, CONTEXT, KUBECONFIG, NAME, ROOT

sys.path.insert(0, str(ROOT / ".ansible/collections"))

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api import Access, AirflowApi
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError, ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._status.read import Platform, StatusRead

CLUSTER: dict[str, Any] = {"kubeconfig": str(KUBECONFIG), "context": CONTEXT}
CORE, ARGOCD, GIT = "airflow-core", "argocd", "git"
URLS = {"Airflow": f"http://localhost:{AIRFLOW_PORT}", "Argo CD": f"https://localhost:{ARGOCD_PORT}"}
# As playbooks/status.yml asks: roles/status.
PLATFORM = Platform(
    name=NAME,
    namespaces=(ARGOCD, CORE, "airflow-cron", "airflow-user", GIT),
    core=CORE,
    argocd=ARGOCD,
    applications=("airflow-core",),
    service="airflow-webserver",
    port=8080,
    username="admin",
    secret="airflow-admin",
    urls=URLS,
)
PARTS = ("metadatabase", "scheduler", "triggerer")
# Tables that only grow, or stay.
TABLES = ("dag", "dag_run", "task_instance", "xcom", "log", "job", "serialized_dag", "ab_user")
ENDED = ("success", "failed")
_UNREADY = re.compile(r"pods are available| is Synced and Progressing")
_GENERATED = re.compile(r"-[0-9a-f]{6,10}-[a-z0-9]{5}\b")


def cluster() -> KubeApi:
    return connect(CLUSTER)


def password() -> str:
    secret = cluster().get(core_path("secrets", CORE, "airflow-admin"))
    return base64.b64decode(secret["data"]["password"]).decode()


def airflow(secret: str, seconds: float = 10.0) -> AirflowApi:
    return AirflowApi(Access(URLS["Airflow"], "admin", secret, request_timeout=seconds))


@dataclass
class Watcher:
    """Calls ``look`` until it is stopped and notes what was wrong from when to when, in seconds since the fault."""

    look: Callable[[], list[str]]
    pause: float
    spans: dict[str, list[float]] = field(default_factory=dict)
    good: float | None = None
    """Since when nothing has been wrong."""
    now: float = 0.0
    looks: int = 0

    def begin(self, start: float) -> None:
        self._start, self._stop = start, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic() - self._start
            wrong = self.look()
            self.now = time.monotonic() - self._start
            for text in wrong:
                self.spans.setdefault(text, [began, self.now])[1] = self.now
            self.good = None if wrong else self.now if self.good is None else self.good
            self.looks += 1
            self._stop.wait(self.pause)

    def well_for(self) -> float:
        """Seconds since when nothing has been wrong; 0 while something is."""
        return 0.0 if self.good is None else self.now - self.good

    def reported(self) -> dict[str, Any]:
        """``well_after``: when it was well for good; 0 where it never was otherwise, None where it did not become so."""
        seen = [{"what": text, "from": round(begin, 1), "to": round(end, 1)} for text, (begin, end) in self.spans.items()]
        well = 0.0 if not seen else None if self.good is None else round(self.good, 1)
        return {"wrong": seen, "well_after": well, "looks": self.looks}


def health(secret: str) -> Watcher:
    """The health endpoint of Airflow's web server."""
    api = airflow(secret, 3.0)

    def look() -> list[str]:
        try:
            found = api.health()
        except AirflowError as error:
            return ["no answer" if error.status == 0 else f"answer {error.status}"]
        return [f"{part} {(found.get(part) or {}).get('status')}" for part in PARTS if (found.get(part) or {}).get("status") != "healthy"]

    return Watcher(look, 0.5)


def status() -> Watcher:
    """What playbooks/status.yml says, by the module behind it: problems, and notes of workloads that are not ready for a moment."""

    def look() -> list[str]:
        try:
            read = StatusRead(cluster(), CLUSTER, PLATFORM).read()
            found: list[str] = read["problems"] + [text for text in read["warnings"] if _UNREADY.search(text)]
        except ApiError as error:
            found = [str(error)]
        return [_GENERATED.sub("-…", item) for item in found]

    return Watcher(look, 1.0)


def holdings(secret: str) -> dict[str, Any]:
    """All DAG runs and task instances as the REST API lists them, and the tables' row counts as MySQL does."""
    api = airflow(secret)
    runs = api.last_runs(100)
    if len(runs) == 100:
        raise SystemExit("there are 100 DAG runs or more, which this script does not page through: start with a new platform")
    tasks = api.tasks_since("1970-01-01T00:00:00Z")
    counts = " UNION ALL ".join(f"SELECT '{table}', COUNT(*) FROM {table}" for table in TABLES)
    query = f'MYSQL_PWD="$MYSQL_PASSWORD" exec mysql --host=127.0.0.1 --user="$MYSQL_USER" -N -e "{counts}" "$MYSQL_DATABASE"'
    rows = dict(line.split() for line in cluster().run(CORE, "airflow-mysql-0", "mysql", ["sh", "-c", query]).splitlines())
    return {
        "runs": {f"{run['dag_id']} {run['dag_run_id']}": run["state"] for run in runs},
        "tasks": {f"{task['dag_id']} {task['dag_run_id']} {task['task_id']} {task['map_index']}": task["state"] for task in tasks},
        "rows": {name: int(rows[name]) for name in TABLES},
    }


def losses(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What was there before and is not any more, and what had ended and has another state now."""
    found = []
    for kind in ("runs", "tasks"):
        for name, state in before[kind].items():
            if name not in after[kind]:
                found.append(f"{name} is gone")
            elif state in ENDED and (now := after[kind][name]) != state:
                found.append(f"{name} was {state} and is {now}")
    rows = after["rows"]
    return found + [f"table {name} had {count} rows and has {rows[name]}" for name, count in before["rows"].items() if rows[name] < count]
