# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a watch: broken connections, a killed API server, lost history, missing permissions. On a real API server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import APPLICATIONS, connect
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Source, snapshot
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer
from ansible_collections.gitops.airflow.tests.integration.modules import Module, Proxy
from ansible_collections.gitops.airflow.tests.integration.objects import NEW, OLD, application, ended, expected, status, worker

Obj = dict[str, Any]
APPLICATION, PLACEMENT = "argocd_application_wait", "airflow_worker_placement_wait"


class Watched:
    """What one user asks of the server from now on."""

    def __init__(self, server: ApiServer, user: str = "reader") -> None:
        self._server, self._user, self._mark = server, user, len(server.audited(user))

    def verbs(self, verb: str) -> list[Obj]:
        return [entry["query"] for entry in self.all() if entry["verb"] == verb]

    def all(self) -> list[Obj]:
        return self._server.audited(self._user)[self._mark :]

    def watching(self) -> bool:
        return bool(self.verbs("watch"))

    def polling(self) -> bool:
        return len(self.verbs("list")) > 1


def test_broken_connection_resumes_and_misses_nothing(server: ApiServer) -> None:
    seen = Watched(server)
    with Proxy(server.port) as proxy:
        config = server.kubeconfig("reader", proxy.port)
        with Module(PLACEMENT, config, expectations=expected("cut"), tail_lines=0, timeout=40) as module:
            module.until(seen.watching)
            proxy.cut()
            pod = server.create(worker("cut-1", "cut"))
            server.merge(pod, ended(), "status")
            server.delete(pod)
            proxy.mend()
            result = module.result()
    assert result.get("done"), result
    assert [(item["pod"], item["phase"]) for item in result["placements"]] == [("cut-1", "Succeeded")]
    assert len(seen.verbs("list")) == 1
    first, second = (query["resourceVersion"] for query in seen.verbs("watch"))
    assert first == second == result["resource_version"]
    assert {query["allowWatchBookmarks"] for query in seen.verbs("watch")} == {"true"}
    assert result["requests"] >= len(seen.all()) == 3


def test_api_server_restarts_in_mid_wait(mortal: ApiServer) -> None:
    mortal.ensure()
    seen = Watched(mortal)
    app = mortal.create(application("restart", status(OLD)))
    with Module(APPLICATION, mortal.kubeconfig("reader"), applications=["restart"], revision=NEW, timeout=60) as module:
        module.until(seen.watching)
        mortal.end()
        mortal.copies({**app, "status": status(NEW)}, ["restart"])  # nobody is there to tell it
        time.sleep(1)
        mortal.start()
        back = time.monotonic()
        result = module.result()
    assert result.get("done"), result
    assert [item["revision"] for item in result["applications"][0]["transitions"]] == [OLD, NEW]
    assert time.monotonic() - back < 7
    assert not result["warnings"]


def test_credentials_that_expire_in_mid_wait_end_it(mortal: ApiServer) -> None:
    mortal.ensure()
    seen = Watched(mortal, "poller")
    mortal.create(application("expires", status(OLD)))
    with Module(APPLICATION, mortal.kubeconfig("poller"), applications=["expires"], revision=NEW, timeout=60) as module:
        module.until(seen.polling)
        mortal.end()
        mortal.start(forget="poller")
        result = module.result()
    assert result.get("failed")
    assert "were not accepted (401" in result["msg"]
    assert "Renew the credentials" in result["next_action"]


def test_no_request_storm_while_the_api_is_away(mortal: ApiServer) -> None:
    mortal.ensure()
    seen = Watched(mortal)
    mortal.create(application("storm", status(OLD)))
    with Proxy(mortal.port) as proxy:
        config = mortal.kubeconfig("reader", proxy.port)
        with Module(APPLICATION, config, applications=["storm"], revision=NEW, timeout=9) as module:
            module.until(seen.watching)
            before = proxy.attempts
            proxy.cut()
            result = module.result()
    attempts = proxy.attempts - before
    assert "Not done within 9 s" in result["msg"], result
    assert 3 <= attempts <= 8, f"{attempts} connection attempts in 9 s"
    assert 5 <= result["requests"] <= attempts + 2  # a list and a watch before; the diagnosis is not among them


def test_history_is_gone_since_a_given_version(mortal: ApiServer) -> None:
    mortal.ensure("--watch-cache=false")
    check = Module(PLACEMENT, mortal.kubeconfig("reader"), check=True, expectations=expected("late")).result()
    lost = mortal.create(worker("late-lost", "late"))
    mortal.delete(lost)
    pod = mortal.create(worker("late-1", "late"))
    mortal.merge(pod, ended(), "status")
    mortal.compact()
    since = check["resource_version"]
    result = Module(PLACEMENT, mortal.kubeconfig("reader"), expectations=expected("late"), tail_lines=0, resource_version=since).result()
    assert result.get("done"), result
    assert [item["pod"] for item in result["placements"]] == ["late-1"]
    assert any(f"no longer has the history since resourceVersion {since}" in text for text in result["warnings"])


def test_history_is_gone_during_a_watch(mortal: ApiServer) -> None:
    mortal.ensure("--watch-cache=false")
    seen = Watched(mortal)
    app = mortal.create(application("compacted", status(OLD)))
    with Proxy(mortal.port) as proxy:
        config = mortal.kubeconfig("reader", proxy.port)
        with Module(APPLICATION, config, applications=["compacted"], revision=NEW, timeout=40) as module:
            module.until(seen.watching)
            proxy.cut()
            mortal.merge(app, {"status": status(NEW)})
            mortal.create(application("compacted-2", status(OLD)))  # a version that is newer than the module's
            mortal.compact()
            proxy.mend()
            result = module.result()
    assert result.get("done"), result
    assert not result["warnings"]
    # Of the Applications; the third list is the last look, for containers that crash.
    assert [query["fieldSelector"] for query in seen.verbs("list")] == [*["metadata.name=compacted"] * 2, "status.phase!=Succeeded"]


def test_continue_token_expires_between_two_pages(mortal: ApiServer) -> None:
    mortal.ensure("--watch-cache=false")
    first = mortal.create(application("paged-0", status(OLD), {"set": "paged"}))
    mortal.copies(first, [f"paged-{number}" for number in range(1, 700)])
    api = connect({"kubeconfig": str(mortal.kubeconfig("reader"))})
    pages: list[Obj] = []

    class Slow:
        """Between its first two pages the history is dropped."""

        def page(self, path: str, query: Obj) -> Obj:
            pages.append(query)
            answer = api.page(path, query)
            if len(pages) == 1:
                mortal.merge(first, {"metadata": {"annotations": {"changed": "meanwhile"}}})
                mortal.compact()
            return answer

        def watch(self, path: str, query: Obj) -> Iterator[Obj]:
            return api.watch(path, query)

    source = Source(APPLICATIONS.format(namespace="argocd"), {"labelSelector": "set=paged"})
    items, version = snapshot(Slow(), source)
    assert sorted(item["metadata"]["name"] for item in items) == sorted(f"paged-{number}" for number in range(700))
    assert int(version) >= max(int(item["metadata"]["resourceVersion"]) for item in items)
    assert ["continue" in query for query in pages] == [False, True, False, True]


def test_watch_forbidden_is_polled_and_said(server: ApiServer) -> None:
    seen = Watched(server, "poller")
    app = server.create(application("polled", status(OLD)))
    with Module(APPLICATION, server.kubeconfig("poller"), applications=["polled"], revision=NEW, timeout=30) as module:
        module.until(seen.polling)
        server.merge(app, {"status": status(NEW)})
        changed = time.monotonic()
        result = module.result()
    assert result.get("done"), result
    assert time.monotonic() - changed < 4
    assert len(seen.verbs("watch")) == 1
    (warning,) = result["warnings"]
    assert "Watching is not permitted, so the state is read every 2 s" in warning
    assert 'cannot watch resource "applications" in API group "argoproj.io" in the namespace "argocd"' in warning


@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        (APPLICATION, {"applications": ["a"]}, 'cannot list resource "applications" in API group "argoproj.io" in the namespace "argocd"'),
        (PLACEMENT, {"expectations": expected("x")}, 'cannot list resource "pods" in API group "" in the namespace "airflow-cron"'),
    ],
)
def test_list_forbidden_names_verb_and_resource(server: ApiServer, module: str, options: Obj, words: str) -> None:
    result = Module(module, server.kubeconfig("stranger"), **options).result()
    assert result.get("failed")
    assert "Not permitted to list /api" in result["msg"]
    assert words in result["msg"]
    assert "Grant that verb" in result["next_action"]


def test_unknown_token(server: ApiServer) -> None:
    result = Module(APPLICATION, server.kubeconfig("nobody"), applications=["a"]).result()
    assert result.get("failed")
    assert f"credentials for {server.url} were not accepted (401" in result["msg"]
