# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few requests of Airflow's stable REST API (v1) that a DAG run needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode

from ansible_collections.gitops.airflow.plugins.module_utils._verdict import Obj, shorten

PAGE = 100
PASSING = (429, 500, 502, 503, 504)


class AirflowError(Exception):
    """A refusal or no answer. ``status`` is the HTTP status, 0 where no answer came."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed in a moment: the webserver starts, restarts or is busy."""
        return self.status == 0 or self.status in PASSING


@dataclass(frozen=True)
class Access:
    """Where the webserver is and as whom it is asked."""

    url: str
    username: str
    password: str = field(repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    request_timeout: float = 10.0


Transport = Callable[[str, str, bytes | None, dict[str, str]], bytes]
"""(method, url, body, headers) → body; raises HTTPError, URLError or OSError."""


def open_url_transport(access: Access) -> Transport:
    from ansible.module_utils.urls import open_url

    def send(method: str, url: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        response = open_url(
            url,
            data=body,
            headers=headers,
            method=method,
            url_username=access.username,
            url_password=access.password,
            force_basic_auth=True,
            validate_certs=access.validate_certs,
            ca_path=access.ca_path,
            timeout=access.request_timeout,
            follow_redirects="none",
        )
        content: bytes = response.read()
        return content

    return send


class AirflowApi:
    """Typed calls; each raises AirflowError."""

    def __init__(self, access: Access, transport: Transport | None = None) -> None:
        self._base = access.url.rstrip("/")
        self._user = access.username
        self._send = transport or open_url_transport(access)

    def _request(self, method: str, path: str, body: Obj | None = None, accept: str = "application/json") -> bytes:
        url = f"{self._base}/api/v1{path}"
        headers = {"Accept": accept, **({"Content-Type": "application/json"} if body is not None else {})}
        try:
            return self._send(method, url, None if body is None else json.dumps(body).encode(), headers)
        except HTTPError as error:
            raise AirflowError(error.code, self._refusal(method, path, error)) from error
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            advice = "Check url, the port, and that the webserver runs"
            if "certificate" in str(reason).lower():
                raise AirflowError(-1, f"The certificate of {self._base} is not trusted: {reason}. Give its CA with ca_path.") from error
            raise AirflowError(0, f"Airflow at {self._base} cannot be reached: {reason}. {advice}.") from error

    def _refusal(self, method: str, path: str, error: HTTPError) -> str:
        text = error.read().decode("utf-8", "replace")
        try:
            problem = json.loads(text)
            detail = ": ".join(str(problem[key]) for key in ("title", "detail") if problem.get(key))
        except (ValueError, AttributeError, TypeError):
            detail = text
        detail = shorten(detail or str(error.reason), 300)
        if error.code == 401:
            return (
                f"Airflow at {self._base} does not accept the credentials of user {self._user!r} (401, {detail}). Check username and "
                "password, and that [api] auth_backends includes airflow.api.auth.backend.basic_auth."
            )
        if error.code == 403:
            return f"User {self._user!r} may not {method} {path} (403, {detail}). Give it a role with that permission (User or Op)."
        if 300 <= error.code < 400:
            return f"{self._base} redirects {path} to {error.headers.get('Location')}: give the webserver's own address as url."
        return f"Airflow at {self._base} answered {method} {path} with {error.code}: {detail}"

    def _json(self, method: str, path: str, body: Obj | None = None) -> Obj:
        content = self._request(method, path, body)
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise AirflowError(-1, f"{self._base}/api/v1{path} answered no JSON object: is url the address of an Airflow 2 webserver?")
        return document

    def _found(self, path: str) -> Obj | None:
        try:
            return self._json("GET", path)
        except AirflowError as error:
            if error.status == 404:
                return None
            raise

    def _pages(self, path: str, key: str, query: list[tuple[str, str]]) -> list[Obj]:
        items: list[Obj] = []
        while True:
            page = self._json("GET", f"{path}?{urlencode([*query, ('limit', str(PAGE)), ('offset', str(len(items)))])}")
            items += page.get(key) or []
            if not page.get(key) or len(items) >= int(page.get("total_entries") or 0):
                return items

    def dag(self, dag_id: str) -> Obj | None:
        """The DAG, or None while the scheduler has not parsed it or no longer finds it."""
        found = self._found(f"/dags/{quote(dag_id, safe='')}")
        return found if found and found.get("is_active", True) else None

    def set_paused(self, dag_id: str, paused: bool) -> None:
        self._json("PATCH", f"/dags/{quote(dag_id, safe='')}?update_mask=is_paused", {"is_paused": paused})

    def run(self, dag_id: str, run_id: str) -> Obj | None:
        return self._found(f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}")

    def create_run(self, dag_id: str, body: Obj) -> Obj:
        return self._json("POST", f"/dags/{quote(dag_id, safe='')}/dagRuns", body)

    def active_runs(self, dag_id: str) -> list[str]:
        """The ids of the runs that are queued or running."""
        query = [("state", "queued"), ("state", "running")]
        runs = self._pages(f"/dags/{quote(dag_id, safe='')}/dagRuns", "dag_runs", query)
        return [str(run["dag_run_id"]) for run in runs if run.get("state") in ("queued", "running")]

    def task_instances(self, dag_id: str, run_id: str) -> list[Obj]:
        return self._pages(f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}/taskInstances", "task_instances", [])

    def import_errors(self) -> list[Obj]:
        return self._pages("/importErrors", "import_errors", [])

    def log_tail(self, dag_id: str, run_id: str, task: Obj, lines: int) -> list[str]:
        """The last lines of the log of a task instance's last try."""
        path = f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(str(task['task_id']), safe='')}"
        query = urlencode({"full_content": "true", "map_index": task.get("map_index", -1)})
        content = self._request("GET", f"{path}/logs/{max(int(task.get('try_number') or 1), 1)}?{query}", accept="text/plain")
        return content.decode("utf-8", "replace").rstrip().splitlines()[-lines:]
