# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few requests of Airflow's stable REST API (v1) that a DAG run and a status need."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import TaskLog, read_answer
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError, CollectionError, InputError, sentence
from ansible_collections.gitops.airflow.plugins.module_utils._base.http_sender import Send, basic, sender
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import sends_in_clear
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import check_http_url
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

PAGE = 100


@dataclass(frozen=True)
class Access:
    """Where the webserver is and as whom it is asked."""

    url: str
    username: str
    password: str = field(repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    request_timeout: float = 10.0
    name: str = ""
    """What it is called where the url means nothing to a person."""


def check_access(access: Access) -> None:
    """Raises InputError for a URL that is none, or at which the password could be read on its way (H5)."""
    check_http_url(
        access.url, "url", example="http://localhost:8080 or https://airflow.example.com", user_goes="Give username and password."
    )
    if sends_in_clear(access.url):
        raise InputError(
            f"url is {access.url!r}: over plain HTTP the password of user {access.username!r} could be read on its way, so it is sent only "
            "to this machine (localhost).",
            "Give an https:// address, or the webserver's Service as tunnel.",
            "unencrypted",
        )


def sender_to(access: Access) -> Send:
    """Raises OSError where ca_path cannot be read as certificates."""
    return sender(access.url, access.request_timeout, ca_path=access.ca_path, validate_certs=access.validate_certs)


class AirflowApi:
    """Typed calls; each raises AirflowError."""

    def __init__(self, access: Access, send: Send | None = None) -> None:
        self._base = access.url.rstrip("/")
        self._user, self._authorization = access.username, basic(access.username, access.password)
        self._name = access.name
        self._at = f"Airflow at {access.name or self._base}"
        try:
            check_access(access)
            self._send = send or sender_to(access)
        except InputError as error:
            raise AirflowError(-1, error.message, error.next_action, error.code) from error
        except OSError as error:
            message = f"ca_path {access.ca_path!r} cannot be read as certificates in PEM form: {error}."
            raise AirflowError(-1, message, "Correct ca_path.", "bad_path") from error

    def _request(self, method: str, path: str, body: Obj | None = None, accept: str = "application/json") -> bytes:
        url = f"{self._base}/api/v1{path}"
        headers = {
            "Accept": accept,
            "Authorization": self._authorization,
            **({"Content-Type": "application/json"} if body is not None else {}),
        }
        try:
            return self._send(method, url, None if body is None else json.dumps(body).encode(), headers)
        except HTTPError as error:
            raise self._refusal(method, path, error) from error
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            if "certificate" in str(reason).lower():
                message = sentence(f"The certificate of {self._base} is not trusted: {reason}")
                raise AirflowError(-1, message, "Give the certificate of its authority as ca_path.", "untrusted_certificate") from error
            advice = "Check that the webserver runs." if self._name else "Check url, the port, and that the webserver runs."
            if isinstance(reason, CollectionError):  # the tunnel's
                advice = reason.next_action or advice
            raise AirflowError(0, sentence(f"{self._at} cannot be reached: {reason}"), advice) from error

    def _refusal(self, method: str, path: str, error: HTTPError) -> AirflowError:
        text = error.read().decode("utf-8", "replace")
        try:
            problem = json.loads(text)
            detail = ": ".join(str(problem[key]) for key in ("title", "detail") if problem.get(key))
        except (ValueError, AttributeError, TypeError):
            detail = "" if text.lstrip().startswith("<") else text  # a page for a browser explains nothing here
        detail = shorten(detail or str(error.reason), 300)
        if error.code == 401:
            return AirflowError(
                error.code,
                f"{self._at} does not accept the credentials of user {self._user!r} (401, {detail}).",
                "Check username and password, and that [api] auth_backends includes airflow.api.auth.backend.basic_auth.",
            )
        if error.code == 403:
            message = f"User {self._user!r} may not {method} {path} (403, {detail})."
            return AirflowError(error.code, message, "Give it a role with that permission (User or Op).")
        if 300 <= error.code < 400:
            message = f"{self._base} redirects {path} to {error.headers.get('Location')}."
            return AirflowError(error.code, message, "Give the webserver's own address as url.", "bad_url")
        found = AirflowError(error.code, sentence(f"{self._at} answered {method} {path} with {error.code}: {detail}"))
        if error.code == 500:
            found.next_action = "Read the webserver's log, and check that its database runs."
        elif not found.passing:
            found.next_action = "Correct the problem that the answer names."
        return found

    def _json(self, method: str, path: str, body: Obj | None = None) -> Obj:
        content = self._request(method, path, body)
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            message = f"{self._base}/api/v1{path} did not answer with a JSON object."
            raise AirflowError(-1, message, "Give the address of an Airflow 2 webserver as url.", "bad_url")
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

    def _batch(self, path: str, key: str, body: Obj, most: int) -> list[Obj]:
        """The first pages, at most that many, of a search whose terms are too many for an address."""
        items: list[Obj] = []
        for _page in range(most):
            page = self._json("POST", path, {**body, "page_limit": PAGE, "page_offset": len(items)})
            items += page.get(key) or []
            if not page.get(key) or len(items) >= int(page.get("total_entries") or 0):
                break
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

    def failed_tasks(self, dag_id: str, run_id: str) -> list[Obj]:
        """A page of the task instances that failed themselves."""
        path = f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}/taskInstances?state=failed&limit={PAGE}"
        return [task for task in self._json("GET", path).get("task_instances") or [] if task.get("state") == "failed"]

    def health(self) -> Obj:
        """What the webserver knows of the metadata database, the scheduler and the triggerer."""
        return self._json("GET", "/health")

    def dags(self) -> list[Obj]:
        """The DAGs that there are, also those that are paused."""
        return self._pages("/dags", "dags", [("only_active", "true")])

    def dag_ids(self) -> list[str]:
        return [str(dag["dag_id"]) for dag in self.dags()]

    def last_runs(self, count: int, dag_ids: list[str] | None = None) -> list[Obj]:
        """The runs of these DAGs, or of all, that started last, the latest first. At most a page."""
        body = {"order_by": "-start_date", "page_limit": min(count, PAGE), **({} if dag_ids is None else {"dag_ids": dag_ids})}
        return list(self._json("POST", "/dags/~/dagRuns/list", body).get("dag_runs") or [])

    def queued_runs(self) -> list[Obj]:
        """A page of them."""
        runs = self._json("GET", f"/dags/~/dagRuns?state=queued&limit={PAGE}").get("dag_runs") or []
        return [run for run in runs if run.get("state") == "queued"]

    def queued_tasks(self) -> list[Obj]:
        """A page of the task instances that the executor has, but no worker yet."""
        tasks = self._json("GET", f"/dags/~/dagRuns/~/taskInstances?state=queued&limit={PAGE}").get("task_instances") or []
        return [task for task in tasks if task.get("state") == "queued"]

    def tasks_since(self, start: str, dag_ids: list[str] | None = None, pages: int = 1000) -> list[Obj]:
        """Task instances of these DAGs, or of all, that started at that time (ISO 8601) or later, of so many pages."""
        body = {"start_date_gte": start, **({} if dag_ids is None else {"dag_ids": dag_ids})}
        return self._batch("/dags/~/dagRuns/~/taskInstances/list", "task_instances", body, pages)

    def import_errors(self) -> list[Obj]:
        return self._pages("/importErrors", "import_errors", [])

    def log(self, dag_id: str, run_id: str, task: Obj) -> TaskLog:
        """The log of a task instance's last try, or why it is not there."""
        path = f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(str(task['task_id']), safe='')}"
        query = urlencode({"full_content": "true", "map_index": task.get("map_index", -1)})
        content = self._request("GET", f"{path}/logs/{max(int(task.get('try_number') or 1), 1)}?{query}", accept="text/plain")
        return read_answer(content.decode("utf-8", "replace"), str(task.get("hostname") or ""))
